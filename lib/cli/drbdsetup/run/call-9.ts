import { metaDeviceModes } from '../../../dialects/words';
import { attributeSets } from '../../../dialects/genl2';
import { parseAddress } from '../../line/address';
import { requireBlockDevice } from '../../line/block-device';
import type { Backend } from '../../backend';
import { minorOf } from '../../line/device';
import { EXIT, UsageError } from '../../errors';
import { getopt, type OptionSpec } from '../../line/getopt';
import { parseNumber, refuseBeyondRange } from '../../line/range';
import { LONGEST_WAIT_SECONDS, parseUnsigned, quote } from '../../line/number';
import type { Option } from '../../line/option';
import { parseValue, type OptionValue, type ValueRules } from '../../line/value';
import { explainUnknownOption } from '../generations';
import { formatUsage9 } from '../text/help-9';
import type { Argument9, Command9 } from '../v9';

/** A command line of drbdsetup 9 that has been understood. */
export interface Call9 {
  readonly command: Command9;
  /** What it is about, as the user named it; empty where it is about all there is. */
  readonly subject: string;
  /** Undefined: all resources, or none in particular. */
  readonly resource: string | undefined;
  readonly peer: number | undefined;
  readonly volume: number | undefined;
  readonly minor: number | undefined;
  /** The fields of the command's set, in the order in which they go out; undefined where nothing was said of any. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
  readonly setDefaults: boolean;
  /** Options without a field, and their arguments; an option without one has an empty string. */
  readonly plain: ReadonlyMap<string, string>;
  /** How often `--verbose` was said. */
  readonly verbose: number;
  /** What the user should know about how the words were read. */
  readonly notices: readonly string[];
  /** Some number is beyond the range documented for it, and is sent all the same. */
  readonly beyondRange: boolean;
}

interface Spec extends OptionSpec {
  readonly field?: Option;
  readonly negates?: true;
}

const SET_DEFAULTS = 'set-defaults';
const JSON_OPTION = 'json';
const SECRET_FILE = 'shared-secret-file';
const SECRET = 'shared-secret';
const COLORS = ['always', 'never', 'auto'];

function specsOf(command: Command9): readonly Spec[] {
  const isSwitch = ({ kind }: Option): boolean => kind === 'flag' || kind === 'boolean';
  const specs: Spec[] = command.options.map((field) => ({
    name: field.name,
    argument: isSwitch(field) ? 'optional' : 'required',
    field,
  }));
  for (const [alias, name] of Object.entries(command.aliases))
    specs.push(...specs.filter((spec) => spec.name === name).map((spec) => ({ ...spec, name: alias })));
  for (const field of command.options)
    if (isSwitch(field)) specs.push({ name: `no-${field.name}`, argument: 'none', field, negates: true });
  specs.push(...command.plain);
  if (command.setDefaults) specs.push({ name: SET_DEFAULTS, short: '(', argument: 'none' });
  if (!command.plain.some(({ name }) => name === JSON_OPTION)) specs.push({ name: JSON_OPTION, argument: 'none' });
  return specs;
}

/** A command line that does not fit its command: the usage is printed on standard output, as ever. */
export class UsageOfError extends UsageError {
  /** What standard output is told. */
  readonly usage: string;

  constructor(message: string, command: string, usage: string) {
    super(message, { command });
    this.usage = usage;
  }
}

/**
 * Understands the words of a command. Nothing is sent, and nothing opened but the block devices that it names.
 * @param words that follow the command's name
 * @param secretFile that the global options name
 * @param readSecret reads the first line of a file
 * @param beyond what becomes of numbers beyond their documented range: refused, or sent with a notice, as the C tool
 *   sends them
 * @throws UsageError
 */
export async function parseCall9(
  command: Command9,
  words: readonly string[],
  backend: Backend,
  secretFile: string | undefined,
  readSecret: (file: string) => Promise<string>,
  beyond: 'refuse' | 'send',
): Promise<Call9> {
  const fail = (problem: string): never => {
    throw new UsageError(`${command.name}: ${problem}`, { command: command.name });
  };
  // It may be a secret: it is not repeated.
  words.forEach((word, index) => {
    if (word.includes('\0')) fail(`argument ${index + 1} holds a NUL character`);
  });
  const takesSecret = command.options.some(({ name }) => name === SECRET);
  const { rest, file = secretFile } = takesSecret ? withoutSecretFile(words, fail) : { rest: words };
  const { options, operands } = takeApart(command, rest);
  const notices: string[] = [];
  let isBeyondRange = false;
  const rules: ValueRules = {
    beyondRange:
      beyond === 'refuse'
        ? refuseBeyondRange
        : (problem) => {
            isBeyondRange = true;
            notices.push(`${problem}. It is sent as it stands; --strict refuses it`);
          },
    tooLong: EXIT.refused,
    address: async (text, what) => {
      const { address, notice } = await parseAddress(text, what);
      if (notice !== undefined) notices.push(notice);
      return address;
    },
    words: () => undefined,
  };

  const [first] = operands;
  const all = command.all && (first === undefined || first === 'all');
  const found: { resource?: string; peer?: number; volume?: number; minor?: number } = {};
  const later: { readonly argument: Argument9; readonly text: string }[] = [];
  let at = 0;
  if (all) at = first === undefined ? 0 : 1;
  else
    for (const argument of command.arguments) {
      const text = operands[at];
      if (text === undefined)
        throw new UsageOfError(
          `${command.name}: the argument {${argument.name}} is missing`,
          command.name,
          formatUsage9(command),
        );
      at++;
      switch (argument.kind) {
        case 'resource':
          found.resource = readName(text, command);
          break;
        case 'minor':
          found.minor = readMinor(text, command, backend);
          break;
        case 'peer':
          found.peer = Number(
            parseNumber(fieldsOfContext.ctx_peer_node_id, '1', text, 'the node id of the peer', rules),
          );
          break;
        case 'volume':
          found.volume = Number(parseNumber(fieldsOfContext.ctx_volume, '1', text, 'the volume', rules));
          break;
        default:
          later.push({ argument, text });
      }
    }

  const fields: Record<string, unknown> = {};
  const plain = new Map<string, string>();
  let setDefaults = false;
  let said = false;
  let verbose = 0;
  const set = (name: string, value: unknown): void => {
    // Said twice, the last one counts, and stands where it was said last.
    delete fields[name];
    if (value !== undefined) fields[name] = value;
    said = true;
  };
  for (const { spec, value } of options) {
    const { field } = spec;
    if (field !== undefined)
      set(
        field.field,
        await parseOption(
          field,
          spec.negates === true ? 'no' : value,
          `${command.name}: option --${field.name}`,
          rules,
        ),
      );
    else if (spec.name === SET_DEFAULTS) setDefaults = true;
    else {
      if (spec.name === 'verbose') verbose++;
      plain.set(spec.name, checkPlain(spec, value, fail));
    }
  }
  if (takesSecret && file !== undefined) {
    const field = command.options.find(({ name }) => name === SECRET)?.field ?? '';
    if (fields[field] !== undefined) fail(`--${SECRET} and --${SECRET_FILE} exclude each other`);
    set(field, await readSecret(file));
  }
  for (const { argument, text } of later)
    set(argument.field ?? '', await readArgument(command, argument, text, backend, rules));
  if (at < operands.length)
    throw new UsageOfError(
      `${command.name}: excess arguments: ${operands.slice(at).map(quote).join(' ')}`,
      command.name,
      command.action === 'change' ? '\n' : '',
    );
  return {
    command,
    subject: first ?? '',
    resource: found.resource,
    peer: found.peer,
    volume: found.volume,
    minor: found.minor,
    fields: said ? fields : undefined,
    setDefaults,
    plain,
    verbose,
    notices,
    beyondRange: isBeyondRange,
  };
}

const fieldsOfContext = attributeSets.drbd_cfg_context.fields;

function takeApart(command: Command9, words: readonly string[]): ReturnType<typeof getopt<Spec>> {
  try {
    return getopt(words, specsOf(command), command.name, (option, of) => explainUnknownOption(option, of, 'genl2'));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageOfError(error.message, command.name, formatUsage9(undefined));
  }
}

/** Too long a text is for the kernel to refuse. */
async function parseOption(
  option: Option,
  text: string | undefined,
  what: string,
  rules: ValueRules,
): Promise<OptionValue | undefined> {
  return option.kind === 'string' ? (text ?? '') : parseValue(option, text, what, rules);
}

function checkPlain({ name, argument }: Spec, text: string | undefined, fail: (problem: string) => never): string {
  if (text === undefined) return '';
  if (name === 'color')
    return COLORS.includes(text) ? text : fail(`option --${name}: ${COLORS.join(', ')} is needed, not ${quote(text)}`);
  // What takes its argument at will is a switch: any word but yes leaves it off, as in the C tool.
  if (argument !== 'required') return text;
  const seconds = parseUnsigned(text, '1', `option --${name}`);
  if (seconds > LONGEST_WAIT_SECONDS)
    fail(`option --${name}: ${quote(text)} is ${seconds} seconds; the range is 0 to ${LONGEST_WAIT_SECONDS} seconds`);
  return seconds.toString();
}

/** Exit code of drbdsetup for a name that can be none. */
const EXIT_BAD_NAME = 1;
/** Longest name of a resource in bytes, which the kernel keeps with a NUL behind it. */
const LONGEST_NAME = fieldsOfContext.ctx_resource_name.maxBytes - 1;

function readName(name: string, command: Command9): string {
  const bad = (problem: string): never => {
    throw new UsageError(`${command.name}: ${problem}`, { exitCode: EXIT_BAD_NAME, command: command.name });
  };
  if (name === '') return bad('the name of the resource is empty');
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/u.test(name))
    return bad(`${quote(name)} is not a name: control characters cannot be in it`);
  if (name === 'all')
    throw new UsageOfError(
      `${command.name}: it takes one resource, and not "all"`,
      command.name,
      formatUsage9(undefined, undefined, "command does not accept argument 'all'"),
    );
  return checkLength(name, LONGEST_NAME, 'a resource');
}

function checkLength(name: string, longest: number, what: string): string {
  const length = Buffer.byteLength(name);
  if (length > longest)
    throw new UsageError(`${quote(name)} is not a name of ${what}: at most ${longest} bytes fit, not ${length}`);
  return name;
}

function readMinor(text: string, command: Command9, backend: Backend): number {
  if (text === '')
    throw new UsageError(`${command.name}: the name of the device is empty`, {
      exitCode: EXIT_BAD_NAME,
      command: command.name,
    });
  return minorOf(text, backend);
}

/** Modes of metadata, as they are sent. */
const META_MODES: Readonly<Record<string, number>> = {
  internal: metaDeviceModes.flexInternal,
  flexible: metaDeviceModes.flexExternal,
};

async function readArgument(
  command: Command9,
  { kind, name, field = '' }: Argument9,
  text: string,
  backend: Backend,
  rules: ValueRules,
): Promise<unknown> {
  const set = command.set === undefined ? undefined : attributeSets[command.set];
  const table = (set?.fields as Readonly<Record<string, Parameters<typeof parseNumber>[0]>> | undefined)?.[field];
  switch (kind) {
    case 'device':
      requireBlockDevice(text, `${command.name}: ${name}`, backend);
      return text;
    case 'address':
      return rules.address(text, `${command.name}: ${name}`);
    case 'metaIndex': {
      const mode = Object.hasOwn(META_MODES, text) ? META_MODES[text] : undefined;
      if (mode !== undefined) return mode;
      const what = 'the index of the metadata (internal, flexible, or the number of a slot)';
      return Number(parseNumber(attributeSets.disk_conf.fields.meta_dev_idx, '1', text, what, rules));
    }
    case 'number':
      if (table === undefined) throw new TypeError(`${command.name}: {${name}} has no field`);
      return Number(parseNumber(table, '1', text, `{${name}}`, rules));
    case 'name':
      return checkLength(text, LONGEST_NAME, 'a resource');
    default:
      throw new TypeError(`${command.name}: {${name}} says what the command is about`);
  }
}

/** The option is taken out by its full name alone, so that --shared keeps meaning --shared-secret. */
function withoutSecretFile(
  words: readonly string[],
  fail: (problem: string) => never,
): { readonly rest: readonly string[]; readonly file?: string } {
  const end = words.indexOf('--');
  const place = words.findIndex(
    (word, index) =>
      (end === -1 || index < end) && (word === `--${SECRET_FILE}` || word.startsWith(`--${SECRET_FILE}=`)),
  );
  const word = words[place];
  if (word === undefined) return { rest: words };
  const attached = word.length > SECRET_FILE.length + 2;
  const file = attached
    ? word.slice(SECRET_FILE.length + 3)
    : (words[place + 1] ?? fail(`option --${SECRET_FILE} requires an argument`));
  return { rest: [...words.slice(0, place), ...words.slice(place + (attached ? 1 : 2))], file };
}

/** @returns what goes into the request */
export function requestOf9(call: Call9): Readonly<Record<string, unknown>> {
  const { command, resource, peer, volume, minor, fields, setDefaults } = call;
  const context = {
    ...(resource === undefined ? {} : { ctx_resource_name: resource }),
    ...(peer === undefined ? {} : { ctx_peer_node_id: peer }),
    ...(volume === undefined ? {} : { ctx_volume: volume }),
  };
  return {
    ...(minor === undefined ? {} : { minor }),
    ...(setDefaults ? { setDefaults } : {}),
    ...(Object.keys(context).length === 0 ? {} : { context }),
    ...(command.set === undefined || fields === undefined ? {} : { [command.set]: fields }),
  };
}
