import type { Command, Vocabulary } from '../../line/vocabulary';
import { valueUsage } from './help';
import { WrappedText } from './wrap';
/** The program's name in what other programs read. */
const PROGRAM = 'drbdsetup';
const INDENT = 4;
/** Where standard output does not say how many it has. */
const DEFAULT_COLUMNS = 80;

/**
 * @param problem that the C tool names below the list
 * @returns how a command is used, or all commands; the C tool prints it on standard output, whatever was wrong
 */
export function formatUsage9(
  { commands }: Pick<Vocabulary, 'commands'>,
  command: Command | undefined,
  columns?: number,
  problem?: string,
): string {
  const text = command === undefined ? listOfCommands(commands, columns) : usageOf(command, columns);
  return problem === undefined ? text : `${text}\n${problem}\n`;
}

function listOfCommands(commands: readonly Command[], columns: number | undefined): string {
  const text = new WrappedText(columns);
  for (const { name, doc } of commands.filter(({ own }) => own !== true)) {
    text.add(INDENT, `${name} - `);
    const [first = '', ...others] = doc.split(' ');
    text.add(2 * INDENT, first);
    for (const word of others) text.add(2 * INDENT, ` ${word}`);
    text.add(INDENT, '\n');
  }
  return `${PROGRAM} - Configure the DRBD kernel module.\n\nUSAGE: ${PROGRAM} command {arguments} [options]\n\nCommands:\n${text.toString()}\nUse '${PROGRAM} help command' for command-specific help.\n\n`;
}

function usageOf(command: Command, columns: number | undefined): string {
  const { name, doc, plain, flags, options, object } = command;
  const head = new WrappedText(columns).add(0, `${PROGRAM} ${name}`).add(INDENT, ` - ${doc}`).toString();
  // An empty line that follows a full one is indented, as ever.
  const last = head.slice(head.lastIndexOf('\n') + 1);
  const empty = last.length + '\n\n'.length > (columns ?? DEFAULT_COLUMNS) ? ' '.repeat(INDENT) : '';
  const text = new WrappedText(columns).add(0, `USAGE: ${PROGRAM} ${name}`);
  const words = [...object, ...command.arguments.map((argument) => argument.name)].map((each) => ` {${each}}`);
  for (const piece of object.includes('all') ? [' {', ' {resource}', ' |', ' all', ' }'] : words)
    text.add(INDENT, piece);
  const pieces = [
    ...plain.map(({ name: option, argument }) => `[--${option}${argument === 'none' ? '' : '=...'}]`),
    ...flags.map((option) => `[--${option.name}]`),
    ...options.map((option) => `[--${option.name}=${valueUsage(option)}]`),
  ];
  if (pieces.length > 0) text.add(INDENT, '\n');
  // Paths are thought to have options, and the list of them is empty.
  else if (command.set === 'path_parms')
    return `${head}\n${empty}\n${text.add(0, '\n').toString()}${' '.repeat(INDENT)}\n`;
  for (const piece of pieces) text.add(INDENT, ` ${piece}`);
  return `${head}\n${empty}\n${text.add(INDENT, '\n').toString()}`;
}
