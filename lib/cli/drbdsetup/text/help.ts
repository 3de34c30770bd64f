import { formatRange } from '../../../schema';
import { formatGlobalHelp } from '../../globals';
import type { OptionSpec } from '../../line/getopt';
import { wordsOf, type Option } from '../../line/option';
import { defaultText } from '../../line/value';
import type { Command, Vocabulary } from '../../line/vocabulary';
import { generationNames } from './other-generations';
import { outputs } from './outputs';
import { WrappedText } from './wrap';

/** Help on the program, and on each of its commands: the same for all generations. */

/** @returns the list of commands. @param columns of the terminal; undefined where there is none */
export function formatHelp({ commands, dialect, manner }: Vocabulary, tool: string, columns?: number): string {
  // What is no command to a kernel.
  const others = [
    ['help', 'Explain a command and its options.'],
    [manner.xml, 'Describe a command and its options to a program.'],
    ['batch', 'Run the commands on standard input, one a line; one line of JSON for each.'],
  ] as const;
  const all = [...commands.map(({ name, doc }) => [name, doc] as const), ...others];
  const width = Math.max(...all.map(([name]) => name.length));
  const [first, second] = orderOf(manner.first, 'COMMAND', 'OBJECT');
  const usage = new WrappedText(columns)
    .add(0, `USAGE: ${tool} [GLOBAL OPTION]... ${first} ${second} [ARGUMENT]... [OPTION]...`)
    .toString();
  return [
    `${usage}\n\nA minor is N, /dev/drbdN or any block device of DRBD. It may stand before or behind the command.\n\n`,
    `Commands of ${generationNames[dialect]}:\n`,
    ...all.map(([name, doc]) => `  ${name.padEnd(width)}  ${doc}\n`),
    `\nGlobal options:\n${formatGlobalHelp()}\nMore on a command: ${tool} help COMMAND\n`,
  ].join('');
}

function orderOf(first: 'device' | 'command', command: string, object: string): readonly [string, string] {
  return first === 'device' ? [object, command] : [command, object];
}

/** @returns how a command is used: its words, and each option with its range, default and meaning */
export function formatCommandHelp(
  { manner: { first } }: Pick<Vocabulary, 'manner'>,
  command: Command,
  tool: string,
  columns?: number,
): string {
  const object = command.object.length === 0 ? [] : [`{${command.object.join('|')}}`];
  const words = first === 'device' ? [...object, command.name] : [command.name, ...object];
  const usage = new WrappedText(columns).add(1, tool);
  for (const piece of [...words, ...pieces(command)]) usage.add(4, ` ${piece}`);
  const json = new WrappedText(columns).add(0, 'With --json:');
  for (const word of outputs[command.action].doc.split(' ')) json.add(4, ` ${word}`);
  const hasSecret = command.options.some(({ table }) => table.secret === true);
  const options = [
    ...command.plain.filter(({ old }) => old !== true).map((option) => optionHelp(option, valueOf(option), option.doc)),
    ...command.flags.map(({ name, argument, doc }) => optionHelp({ name, argument }, undefined, doc)),
    ...command.options.map(fieldHelp),
    ...(hasSecret
      ? [
          optionHelp(
            { name: 'shared-secret-file', argument: 'required' },
            'FILE',
            'Read the shared secret from the first line of FILE; - is standard input.',
          ),
        ]
      : []),
  ];
  return `USAGE:\n${usage.toString()}\n\n${command.doc}\n${options.length === 0 ? '' : `\n${options.join('')}`}\n${json.toString()}.\n`;
}

function valueOf({ argument, words }: OptionSpec & { readonly words?: readonly string[] }): string | undefined {
  return argument === 'none'
    ? undefined
    : words !== undefined
      ? words.join('|')
      : argument === 'required'
        ? 'SECONDS'
        : 'yes|no';
}

function pieces(command: Command): readonly string[] {
  return [
    ...command.arguments.map(({ name, usage }) => usage ?? `{${name}}`),
    ...command.plain
      .filter(({ old }) => old !== true)
      .map(({ name, argument }) => `[--${name}${argument === 'none' ? '' : '=...'}]`),
    ...command.flags.map(({ name }) => `[--${name}]`),
    ...command.options.map((option) => `[--${option.name}${option.kind === 'switch' ? '' : `=${valueUsage(option)}`}]`),
  ];
}

/** @returns how the value of an option is written */
export function valueUsage({ kind, table }: Option): string {
  switch (kind) {
    case 'switch':
      return '';
    case 'flag':
    case 'boolean':
      return '{yes|no}';
    case 'word':
      return `{${wordsOf(table)
        .map(([, word]) => word)
        .join('|')}}`;
    case 'number':
      return `(${table.min ?? ''} ... ${table.max ?? ''})`;
    case 'symbol':
      return `{${wordsOf(table)
        .map(([, word]) => word)
        .join('|')}}|(${table.min ?? ''} ... ${table.max ?? ''})`;
    case 'string':
      return '<str>';
    case 'address':
      return '[{af}:]{addr}[:{port}]';
  }
}

function optionHelp({ name, short }: OptionSpec, value: string | undefined, ...lines: readonly string[]): string {
  const words = short === undefined ? `--${name}` : `{--${name}|-${short}}`;
  return `  ${words}${value === undefined ? '' : ` ${value}`}\n${lines.map((line) => `      ${line}\n`).join('')}`;
}

function fieldHelp(option: Option): string {
  const { name, kind, table, scale } = option;
  const standard = kind === 'switch' ? undefined : defaultText(option);
  const range =
    kind === 'number'
      ? formatRange(table)
      : kind === 'word'
        ? wordsOf(table)
            .map(([, word]) => word)
            .join(', ')
        : undefined;
  const facts = [
    ...(range === undefined ? [] : [range]),
    ...(standard === undefined ? [] : [`default ${standard}`]),
    ...(scale === '1' ? [] : [`a number without suffix counts ${scale === 's' ? 'sectors of 512 bytes' : 'KiB'}`]),
    ...(kind === 'string' && table.maxBytes !== undefined ? [`at most ${table.maxBytes - 1} bytes`] : []),
    ...(table.since === undefined ? [] : [`since DRBD ${table.since}`]),
  ];
  const no = kind === 'flag' || kind === 'boolean' ? `, --no-${name}` : undefined;
  const [value] =
    { number: ['NUMBER'], word: ['WORD'], string: ['TEXT'], address: ['ADDRESS'] }[kind as 'number'] ?? [];
  const lines = facts.length === 0 ? [table.doc] : [table.doc, facts.join('; ')];
  return no === undefined
    ? optionHelp(option, value, ...lines)
    : optionHelp(option, undefined, ...lines).replace('\n', `${no}\n`);
}
