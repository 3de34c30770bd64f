import { formatRange } from '../../../schema';
import { formatGlobalHelp } from '../../globals';
import { WrappedText } from './wrap';
import { wordsOf as numberedWordsOf, type Option } from '../../line/option';
import { defaultText } from '../../line/value';
import { commands9, type Command9 } from '../v9';

/** The program's name in what other programs read. */
const PROGRAM = 'drbdsetup';
const INDENT = 4;
/** Where standard output does not say how many it has. */
const DEFAULT_COLUMNS = 80;

/**
 * @param problem that the C tool names below the list
 * @returns how a command is used, or all commands; the C tool prints it on standard output, whatever was wrong
 */
export function formatUsage9(command: Command9 | undefined, columns?: number, problem?: string): string {
  const text = command === undefined ? listOfCommands(columns) : usageOf(command, columns);
  return problem === undefined ? text : `${text}\n${problem}\n`;
}

function listOfCommands(columns: number | undefined): string {
  const text = new WrappedText(columns);
  for (const { name, doc } of commands9) {
    text.add(INDENT, `${name} - `);
    const [first = '', ...others] = doc.split(' ');
    text.add(2 * INDENT, first);
    for (const word of others) text.add(2 * INDENT, ` ${word}`);
    text.add(INDENT, '\n');
  }
  return `${PROGRAM} - Configure the DRBD kernel module.\n\nUSAGE: ${PROGRAM} command {arguments} [options]\n\nCommands:\n${text.toString()}\nUse '${PROGRAM} help command' for command-specific help.\n\n`;
}

function usageOf(command: Command9, columns: number | undefined): string {
  const { name, doc, plain, setDefaults, options } = command;
  const head = new WrappedText(columns).add(0, `${PROGRAM} ${name}`).add(INDENT, ` - ${doc}`).toString();
  // An empty line that follows a full one is indented, as ever.
  const last = head.slice(head.lastIndexOf('\n') + 1);
  const empty = last.length + '\n\n'.length > (columns ?? DEFAULT_COLUMNS) ? ' '.repeat(INDENT) : '';
  const text = new WrappedText(columns).add(0, `USAGE: ${PROGRAM} ${name}`);
  const words = command.arguments.map((argument) => ` {${argument.name}}`);
  for (const piece of command.all ? [' {', ' {resource}', ' |', ' all', ' }'] : words) text.add(INDENT, piece);
  const pieces = [
    ...plain.map(({ name: option, argument }) => `[--${option}${argument === 'none' ? '' : '=...'}]`),
    ...(setDefaults ? ['[--set-defaults]'] : []),
    ...options.map((option) => `[--${option.name}=${valueUsage(option)}]`),
  ];
  if (pieces.length > 0) text.add(INDENT, '\n');
  // Paths are thought to have options, and the list of them is empty.
  else if (command.set === 'path_parms')
    return `${head}\n${empty}\n${text.add(0, '\n').toString()}${' '.repeat(INDENT)}\n`;
  for (const piece of pieces) text.add(INDENT, ` ${piece}`);
  return `${head}\n${empty}\n${text.add(INDENT, '\n').toString()}`;
}

function wordsOf({ table }: Option): readonly string[] {
  return numberedWordsOf(table).map(([, word]) => word);
}

function valueUsage(option: Option): string {
  const { kind, table } = option;
  switch (kind) {
    case 'switch':
      return '';
    case 'flag':
    case 'boolean':
      return '{yes|no}';
    case 'word':
      return `{${wordsOf(option).join('|')}}`;
    case 'symbol':
      return `{${wordsOf(option).join('|')}}|(${table.min ?? ''} ... ${table.max ?? ''})`;
    case 'number':
      return `(${table.min ?? ''} ... ${table.max ?? ''})`;
    case 'string':
    case 'address':
      return '<str>';
  }
}

/** What the C tool's list does not have. */
const OTHERS = [
  ['help', 'Explain a command and its options.'],
  ['xml-help', 'Describe a command and its options to a program.'],
  ['udev', 'Print the names that a device is to have below /dev, for udev.'],
  ['batch', 'Run the commands on standard input, one a line; one line of JSON for each.'],
] as const;

/** @returns the list of commands, and what holds for all of them */
export function formatHelp9(columns: number | undefined): string {
  const others = OTHERS.map(([name, doc]) => `    ${name} - ${doc}\n`).join('');
  return `${listOfCommands(columns)}Also:\n${others}\nGlobal options:\n${formatGlobalHelp()}`;
}

/** @returns how a command is used, and each option with its range, default and meaning */
export function formatCommandHelp9(command: Command9, columns: number | undefined): string {
  const plain = command.plain.map(({ name, short, doc }) => `  --${name}, -${short}\n      ${doc}\n`).join('');
  const all = command.setDefaults ? '  --set-defaults\n      Set all that is not named to its default.\n' : '';
  const secret = command.options.some(({ table }) => table.secret === true)
    ? '  --shared-secret-file FILE\n      Read the shared secret from the first line of FILE; - is standard input.\n'
    : '';
  const options = `${plain}${all}${command.options.map(optionHelp).join('')}${secret}`;
  const json = new WrappedText(columns).add(0, 'With --json:');
  const answer = command.json ?? 'command, minor, resource, returnCode, returnName, cause, next, infoText';
  for (const word of answer.split(' ')) json.add(INDENT, ` ${word}`);
  return `${usageOf(command, columns)}${options === '' ? '' : `\n${options}`}\n${json.toString()}.\n`;
}

function optionHelp(option: Option): string {
  const { name, kind, table } = option;
  const range =
    kind === 'number'
      ? formatRange(table)
      : kind === 'word'
        ? wordsOf(option).join(', ')
        : kind === 'symbol'
          ? `${wordsOf(option).join(', ')}, or ${formatRange(table) ?? ''}`
          : undefined;
  const standard = defaultText(option);
  const facts = [
    ...(range === undefined ? [] : [range]),
    ...(standard === undefined ? [] : [`default ${standard}`]),
    ...(table.since === undefined ? [] : [`since DRBD ${table.since}`]),
  ];
  const head = kind === 'flag' || kind === 'boolean' ? `--${name}, --no-${name}` : `--${name}`;
  return `  ${head}\n      ${table.doc}${facts.length === 0 ? '' : `\n      ${facts.join('; ')}`}\n`;
}

/** @returns a command's words and options as XML, which other programs read to keep in step */
export function formatXmlHelp9(command: Command9): string {
  const lines = [`\t<summary>${command.doc}</summary>`];
  if (command.all)
    lines.push('\t<group>', '\t\t<argument>resource</argument>', '\t\t<argument>all</argument>', '\t</group>');
  else for (const { name } of command.arguments) lines.push(`\t<argument>${name}</argument>`);
  const add = (name: string, type: string, body: readonly (readonly [tag: string, text: string])[]): void => {
    lines.push(
      `\t<option name="${name}" type="${type}">`,
      ...body.map(([tag, text]) => `\t\t<${tag}>${text}</${tag}>`),
      '\t</option>',
    );
  };
  for (const { name, argument } of command.plain) add(name, argument === 'none' ? 'flag' : 'string', []);
  if (command.setDefaults) add('set-defaults', 'flag', []);
  for (const option of command.options) {
    const { name, kind, table, scale, unit } = option;
    const standard = ['default', defaultText(option) ?? ''] as const;
    const range = [['min', String(table.min ?? 0)], ['max', String(table.max ?? 0)], standard] as const;
    switch (kind) {
      case 'switch':
      case 'flag':
      case 'boolean':
        add(name, 'boolean', [standard]);
        break;
      case 'word':
        add(
          name,
          'handler',
          wordsOf(option).map((word) => ['handler', word]),
        );
        break;
      case 'symbol':
        add(name, 'numeric-or-symbol', [...range, ...wordsOf(option).map((word) => ['symbol', word] as const)]);
        break;
      case 'number':
        add(name, 'numeric', [
          ...range,
          ['unit_prefix', scale],
          ...(unit === undefined ? [] : [['unit', unit] as const]),
        ]);
        break;
      case 'string':
      case 'address':
        add(name, 'string', []);
        break;
    }
  }
  return `<command name="${command.name}">\n${lines.map((line) => `${line}\n`).join('')}</command>\n`;
}
