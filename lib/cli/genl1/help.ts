import { formatRange } from '../../schema';
import { formatGlobalHelp } from '../globals';
import { commands, type Command } from './commands';
import type { FieldOption } from './options';
import { WrappedText } from './wrap';

/** What is no command to a kernel. */
const OTHERS = [
  { name: 'help', doc: 'Explain a command and its options.' },
  { name: 'xml-help', doc: 'Describe a command and its options to a program.' },
  { name: 'batch', doc: 'Run the commands on standard input, one a line; one line of JSON for each.' },
] as const;

/** @returns the list of commands */
export function formatHelp(tool: string, columns: number | undefined): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const list = [...commands, ...OTHERS].map(({ name, doc }) => `  ${name.padEnd(width)}  ${doc}\n`).join('');
  const usage = new WrappedText(columns)
    .add(0, `Usage: ${tool} [GLOBAL OPTION]... COMMAND [OBJECT] [ARGUMENT]... [OPTION]...`)
    .toString();
  return `${usage}\n\nThe object, a minor (N or /dev/drbdN), may also stand before the command.\n\nCommands for DRBD 8.4:\n${list}\nGlobal options:\n${formatGlobalHelp()}\nMore on a command: ${tool} help COMMAND\n`;
}

/** @returns how a command is used: its words, and each option with its range, default and meaning */
export function formatCommandHelp(command: Command, tool: string, columns: number | undefined): string {
  const text = new WrappedText(columns).add(1, `${tool} ${command.name}`);
  for (const piece of usagePieces(command)) text.add(4, ` ${piece}`);
  const plain = command.plain.map(({ name, short, doc }) => `  --${name}, -${short}\n      ${doc}\n`).join('');
  const all = command.setDefaults ? '  --set-defaults\n      Set all that is not named to its default.\n' : '';
  const secret = command.options.some(({ table }) => table.secret === true)
    ? '  --shared-secret-file FILE\n      Read the shared secret from the first line of FILE; - is standard input.\n'
    : '';
  const options = `${plain}${all}${command.options.map((option) => optionHelp(option)).join('')}${secret}`;
  const json = new WrappedText(columns).add(0, 'With --json:');
  for (const word of (command.json ?? 'command, minor, resource, returnCode, returnName, cause, next, infoText').split(
    ' ',
  ))
    json.add(4, ` ${word}`);
  return `${command.name}: ${command.doc}\n\nUSAGE:\n${text.toString()}\n${options === '' ? '' : `\n${options}`}\n${json.toString()}.\n`;
}

function usagePieces(command: Command): readonly string[] {
  const pieces: string[] = [];
  if (command.object.length > 0) pieces.push(`{${command.object.join('|')}}`);
  if (command.endpoints) pieces.push('[{af}:]{local_addr}[:{port}]', '[{af}:]{remote_addr}[:{port}]');
  for (const { name } of command.arguments) pieces.push(`{${name}}`);
  for (const { name, argument } of command.plain) pieces.push(`[--${name}${argument === 'none' ? '' : '=...'}]`);
  if (command.setDefaults) pieces.push('[--set-defaults]');
  for (const option of command.options) pieces.push(`[--${option.name}=${valueUsage(option)}]`);
  return pieces;
}

function valueUsage({ kind, table }: FieldOption): string {
  switch (kind) {
    case 'flag':
    case 'boolean':
      return '{yes|no}';
    case 'word':
      return `{${Object.values(table.names ?? {}).join('|')}}`;
    case 'number':
      return `(${table.min ?? ''} ... ${table.max ?? ''})`;
    case 'string':
      return '<str>';
    case 'address':
      return '[{af}:]{local_addr}[:{port}]';
  }
}

function optionHelp({ name, kind, table }: FieldOption): string {
  const range =
    kind === 'number' ? formatRange(table) : kind === 'word' ? Object.values(table.names ?? {}).join(', ') : undefined;
  const standard = defaultText(kind, table);
  const facts = [
    ...(range === undefined ? [] : [range]),
    ...(standard === undefined ? [] : [`default ${standard}`]),
    ...(table.since === undefined ? [] : [`since DRBD ${table.since}`]),
  ];
  return `  ${kind === 'flag' || kind === 'boolean' ? `--${name}, --no-${name}` : `--${name}`}\n      ${table.doc}${facts.length === 0 ? '' : `\n      ${facts.join('; ')}`}\n`;
}

/** The default as one would write it. Strings and addresses have none. */
function defaultText(kind: FieldOption['kind'], table: FieldOption['table']): string | undefined {
  const standard = table.default;
  switch (kind) {
    case 'flag':
      return 'no';
    case 'boolean':
      return standard === true ? 'yes' : 'no';
    case 'word':
      return table.names?.[Number(standard)];
    case 'number':
      return String(standard);
    case 'string':
    case 'address':
      return undefined;
  }
}

/**
 * @returns a command's words and options as XML, which drbdadm's authors read to keep their grammar and this in step
 */
export function formatXmlHelp(command: Command): string {
  const lines: string[] = [];
  const several = command.object.length > 1;
  if (several) lines.push('\t<group>');
  for (const kind of command.object) lines.push(`${several ? '\t' : ''}\t<argument>${kind}</argument>`);
  if (several) lines.push('\t</group>');
  if (command.endpoints) lines.push('\t<argument>local_addr</argument>', '\t<argument>remote_addr</argument>');
  for (const { name } of command.arguments) lines.push(`\t<argument>${name}</argument>`);
  const option = (name: string, type: string, body: readonly string[]): void => {
    lines.push(`\t<option name="${name}" type="${type}">`, ...body.map((line) => `\t\t${line}`), '\t</option>');
  };
  for (const { name, argument } of command.plain) option(name, argument === 'none' ? 'flag' : 'string', []);
  if (command.setDefaults) option('set-defaults', 'flag', []);
  for (const { name, kind, table, scale, unit } of command.options) {
    switch (kind) {
      case 'flag':
      case 'boolean':
        option(name, 'boolean', [`<default>${defaultText(kind, table) ?? ''}</default>`]);
        break;
      case 'word':
        option(
          name,
          'handler',
          Object.values(table.names ?? {}).map((word) => `<handler>${word}</handler>`),
        );
        break;
      case 'number':
        option(name, 'numeric', [
          `<min>${table.min ?? 0}</min>`,
          `<max>${table.max ?? 0}</max>`,
          `<default>${String(table.default ?? 0)}</default>`,
          `<unit_prefix>${scale}</unit_prefix>`,
          ...(unit === undefined ? [] : [`<unit>${unit}</unit>`]),
        ]);
        break;
      case 'string':
      case 'address':
        option(name, kind, []);
        break;
    }
  }
  return `<command name="${command.name}">\n${lines.map((line) => `${line}\n`).join('')}</command>\n`;
}
