import { formatGlobalHelp } from '../globals';
import {
  commands,
  fieldOf,
  handlerNames,
  numericLimits,
  optionType,
  type Command,
  type CommandOption,
  type ConfigureCommand,
} from './commands';

/** What `xml COMMAND` prints: for programs that build command lines. */
export function formatXml(command: Command): string {
  switch (command.kind) {
    case 'configure':
      return [
        `<command name="${command.name}">\n`,
        ...command.arguments.map(({ name }) => `\t<argument>${name}</argument>\n`),
        ...command.options.map((option) => formatOptionXml(command, option)),
        '</command>\n',
      ].join('');
    case 'events':
    case 'wait':
      return ` ${command.name}${command.options.map(({ name, short }) => ` [{--${name}|-${short}}]`).join('')}\n`;
    case 'read':
    case 'down':
      return ` ${command.name}\n`;
  }
}

function formatOptionXml(command: ConfigureCommand, option: CommandOption): string {
  const field = fieldOf(command, option.tag);
  const type = optionType(field);
  const lines: string[] = [];
  if (type === 'handler') lines.push(...handlerNames(field).map(([, word]) => `<handler>${word}</handler>`));
  if (type === 'numeric') {
    const { min, max, default: standard } = numericLimits(command, option);
    lines.push(
      `<min>${min}</min>`,
      `<max>${max}</max>`,
      `<default>${standard}</default>`,
      `<unit_prefix>${option.scale ?? '1'}</unit_prefix>`,
    );
    if (option.counts !== undefined) lines.push(`<unit>${option.counts}</unit>`);
  }
  return `\t<option name="${option.name}" type="${type}">\n${lines.map((line) => `\t\t${line}\n`).join('')}\t</option>\n`;
}

const OPTION_WIDTH = 34;

function optionLine(left: string, right: string): string {
  return left.length < OPTION_WIDTH
    ? `  ${left.padEnd(OPTION_WIDTH)} ${right}\n`
    : `  ${left}\n  ${''.padEnd(OPTION_WIDTH)} ${right}\n`;
}

function optionHelp(command: ConfigureCommand, option: CommandOption): string {
  const field = fieldOf(command, option.tag);
  const left = `{--${option.name}|-${option.short}}`;
  const since = field.since === undefined ? '' : ` Since ${field.since}.`;
  switch (optionType(field)) {
    case 'boolean':
      return optionLine(left, `${field.doc}${since}`);
    case 'string':
      return optionLine(
        `${left} TEXT`,
        `${field.doc}${field.maxBytes === undefined ? '' : ` At most ${field.maxBytes - 1} bytes.`}${since}`,
      );
    case 'handler': {
      const words = handlerNames(field);
      const standard = words.find(([number]) => number === field.default)?.[1];
      return optionLine(
        `${left} WORD`,
        `${field.doc} ${words.map(([, word]) => word).join(', ')}${standard === undefined ? '' : `; ${standard} if absent`}.${since}`,
      );
    }
    case 'numeric': {
      const { min, max, default: standard } = numericLimits(command, option);
      const scale = option.scale ?? '';
      const unit = option.counts === undefined ? '' : ` ${option.counts}`;
      const suffixes =
        option.scale === undefined
          ? ''
          : `; a number without suffix counts ${option.scale === 's' ? 'sectors of 512 bytes' : 'KiB'}`;
      return optionLine(
        `${left} NUMBER`,
        `${field.doc} ${min}${scale} to ${max}${scale}${unit}, ${standard}${scale} by default${suffixes}.${since}`,
      );
    }
  }
}

/** The command with its arguments in one line. */
function synopsis(command: Command): string {
  const words = command.kind === 'configure' ? command.arguments.map(({ name }) => ` ${name}`).join('') : '';
  const some = ('options' in command && command.options.length > 0) || command.kind === 'configure' ? ' [options]' : '';
  return `${command.name}${words}${some}`;
}

/** Help on one command. */
export function usageOf(command: Command): string {
  const options =
    command.kind === 'configure'
      ? [
          ...command.options.map((option) => optionHelp(command, option)),
          ...(command.options.some(({ tag }) => tag === 'shared_secret')
            ? [
                optionLine(
                  '--shared-secret-file FILE',
                  'Read the shared secret from the first line of FILE; - is standard input.',
                ),
              ]
            : []),
          optionLine('--set-defaults', 'Set all that is not named to its default.'),
          optionLine('--create-device', 'Create the minor if it does not exist.'),
        ].join('')
      : 'options' in command
        ? command.options
            .map(({ name, short, argument, doc }) =>
              optionLine(`{--${name}|-${short}}${argument === 'required' ? ' SECONDS' : ''}`, doc),
            )
            .join('')
        : '';
  return `USAGE:\n drbdsetup DEVICE ${synopsis(command)}\n\n${command.doc}\n${options === '' ? '' : `\n${options}`}`;
}

const COMMAND_WIDTH = 20;

/** Help on the program. */
export function formatUsage(): string {
  const lines = commands.map((command) => ` ${command.name.padEnd(COMMAND_WIDTH)} ${command.doc}\n`).join('');
  return [
    '\nUSAGE: drbdsetup [global options] DEVICE COMMAND [arguments] [options]\n\n',
    'DEVICE is /dev/drbdN, the number of a minor, or any block device of DRBD.\n\n',
    `Commands of DRBD 8.3:\n${lines}`,
    ` ${'help COMMAND'.padEnd(COMMAND_WIDTH)} Explain a command and its options.\n`,
    ` ${'xml COMMAND'.padEnd(COMMAND_WIDTH)} Describe a command to a program.\n`,
    ` ${'batch'.padEnd(COMMAND_WIDTH)} Run the commands on standard input, one a line; one line of JSON for each.\n\n`,
    `Global options, before DEVICE:\n${formatGlobalHelp()}\n`,
  ].join('');
}
