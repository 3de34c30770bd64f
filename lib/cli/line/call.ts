import { metaDeviceModes } from '../../dialects/words';
import type { SocketAddress } from '../../netlink';
import type { Backend } from '../backend';
import { UsageError } from '../errors';
import { parseAddress } from './address';
import { requireBlockDevice } from './block-device';
import { minorOf } from './device';
import { getopt, type Explain, type OptionSpec, type Parsed } from './getopt';
import { LONGEST_WAIT_SECONDS, parseUnsigned, quote } from './number';
import type { Option } from './option';
import { parseNumber, refuseBeyondRange, type BeyondRange } from './range';
import { parseText, parseValue, type ValueRules } from './value';
import type { Argument, Command, Manner, RequestFlag, Vocabulary } from './vocabulary';

/** What a command is about. */
export type Target =
  | { readonly kind: 'minor'; readonly minor: number }
  | { readonly kind: 'resource'; readonly name: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'none' };

type Pair = readonly [field: string, value: unknown];

/** A command line that has been understood. */
export interface Call {
  readonly command: Command;
  readonly target: Target;
  /** The minor that the request is about, if it is about one. */
  readonly minor: number | undefined;
  /**
   * What it is about, as the user named it: the object, the addresses of a connection, or the arguments; empty where it
   * is about all there is.
   */
  readonly subject: string;
  /** Names and addresses that say what the request is about. */
  readonly context: Readonly<Record<string, unknown>>;
  /** The fields of the command's set, in the order in which they go out; undefined where nothing was said of any. */
  readonly fields: readonly Pair[] | undefined;
  readonly flags: readonly RequestFlag['param'][];
  /** Options without a field, and their arguments; an option without one has an empty string. */
  readonly plain: ReadonlyMap<string, string>;
  /** How often each of these was given. */
  readonly times: ReadonlyMap<string, number>;
  /** What the user should know about how the words were read. */
  readonly notices: readonly string[];
  /** Some number is beyond the range documented for it, and is sent all the same. */
  readonly beyondRange: boolean;
}

/** What it takes to read a command line, beside its words. */
export interface Reading {
  readonly backend: Backend;
  /** That the global options name. */
  readonly secretFile?: string | undefined;
  /** Refuses numbers beyond their documented range in every generation. */
  readonly strict?: boolean;
  /** Reads the first line of a file. */
  readSecret(file: string): Promise<string>;
  /** Where an option belongs that the command does not have. */
  readonly explain?: Explain;
  /** Is told what helps, before an error: the words that an option takes, or nothing, where the usage does. */
  help?(words?: readonly string[]): void;
  /** Is told what is wrong, before an error, where it is not the command's usage that helps. */
  wrong?(what: 'option' | 'all' | 'excess'): void;
}

/** A specification for getopt and what it stands for. */
export interface Spec extends OptionSpec {
  readonly option?: Option;
  readonly words?: readonly string[];
  readonly param?: RequestFlag['param'];
  /** It says `no` to a boolean. */
  readonly negates?: true;
}

/** It stands behind any command. */
const JSON_OPTION: Spec = { name: 'json', argument: 'none' };
const SECRET_FILE = 'shared-secret-file';

const isYesNo = ({ kind }: Option): boolean => kind === 'flag' || kind === 'boolean';

function specsOf(command: Command): readonly Spec[] {
  const specs: Spec[] = command.options.map((option) => ({ ...option, option }));
  for (const [alias, name] of Object.entries(command.aliases))
    specs.push(...specs.filter((spec) => spec.name === name).map((spec) => ({ ...spec, name: alias })));
  for (const option of command.options)
    if (isYesNo(option)) specs.push({ name: `no-${option.name}`, argument: 'none', option, negates: true });
  const hasJson = command.plain.some(({ name }) => name === JSON_OPTION.name);
  return [...specs, ...command.plain, ...command.flags, ...(hasJson ? [] : [JSON_OPTION])];
}

/**
 * Understands the words of a command. Nothing is sent, and nothing opened but the block devices that it names.
 * @param words that follow the command's name
 * @throws UsageError
 */
export async function parseCall(
  { manner, longestName }: Pick<Vocabulary, 'manner' | 'longestName'>,
  command: Command,
  words: readonly string[],
  reading: Reading,
): Promise<Call> {
  const { backend } = reading;
  const fail = (problem: string): never => {
    throw new UsageError(`${command.name}: ${problem}`, { command: command.name });
  };
  // It may be a secret: it is not repeated.
  words.forEach((word, index) => {
    if (word.includes('\0')) fail(`argument ${index + 1} holds a NUL character`);
  });
  const secret = command.options.find(({ table }) => table.secret === true);
  const { rest, file = reading.secretFile } = secret === undefined ? { rest: words } : withoutSecretFile(words, fail);
  const { options, operands } = takeApart(command, rest, reading);
  const notices: string[] = [];
  const { beyondRange, isBeyondRange } = rangeRule(command, manner, reading, notices);
  const rules: ValueRules = {
    beyondRange,
    tooLong: manner.exits.tooLong,
    address: async (text, what) => {
      const { address, notice } = await parseAddress(text, what);
      if (notice !== undefined) notices.push(notice);
      return address;
    },
    words: (names) => reading.help?.(names),
  };
  const { target, subject } = readTarget(command, operands, reading, longestName, fail);
  const given = operands.slice(subject === undefined ? 0 : 1);
  if (given.length > command.arguments.length) {
    reading.wrong?.('excess');
    fail(`excess arguments: ${given.slice(command.arguments.length).map(quote).join(' ')}. Nothing was sent`);
  }

  const context: Record<string, unknown> = {};
  let minor = target.kind === 'minor' ? target.minor : undefined;
  const argumentPairs: Pair[] = [];
  command.arguments.forEach((argument, index) => {
    if (given[index] !== undefined) return;
    reading.help?.();
    fail(`the argument ${argument.usage ?? argument.name} is missing`);
  });
  for (const [index, argument] of command.arguments.entries()) {
    const what = `${command.name}: ${argument.name}`;
    const value = await readArgument(argument, given[index] ?? '', what, backend, longestName, rules);
    const { flagIfNotIpv4: flag } = argument;
    if (argument.into === 'header') minor = value as number;
    else if (argument.into === 'context') context[argument.field] = value;
    else {
      const isOther = flag !== undefined && (value as SocketAddress).family !== 'ipv4';
      if (isOther && !argumentPairs.some(([name]) => name === flag)) argumentPairs.push([flag, false]);
      argumentPairs.push([argument.field, value]);
    }
  }

  const optionPairs: Pair[] = [];
  const plain = new Map<string, string>();
  const times = new Map<string, number>();
  const flags: RequestFlag['param'][] = [];
  let said = argumentPairs.length > 0;
  const set = (option: Option, value: unknown): void => {
    said = true;
    const { field, flagIfZero } = option;
    // Said twice, the last one counts, and stands where it was said last.
    const before = manner.asWritten ? -1 : optionPairs.findIndex(([name]) => name === field);
    if (before !== -1) optionPairs.splice(before, 1);
    if (value !== undefined) optionPairs.push([field, value]);
    if (flagIfZero !== undefined && Number(value) === 0) optionPairs.push([flagIfZero, false]);
  };
  for (const { spec, value } of options) {
    const { option, param } = spec;
    if (option !== undefined) {
      const text = spec.negates === true ? 'no' : value;
      set(option, await parseValue(option, text, `${command.name}: option --${option.name}`, rules));
    } else if (param !== undefined) flags.push(param);
    else {
      plain.set(spec.name, checkPlain(spec, value, fail));
      times.set(spec.name, (times.get(spec.name) ?? 0) + 1);
    }
  }
  if (secret !== undefined && file !== undefined) {
    if (optionPairs.some(([field]) => field === secret.field))
      fail(`--${secret.name} and --${SECRET_FILE} exclude each other`);
    const what = `${command.name}: option --${SECRET_FILE}`;
    set(secret, parseText(secret.table, await reading.readSecret(file), what, manner.exits.tooLong));
  }
  const pairs = manner.asWritten ? [...argumentPairs, ...optionPairs] : [...optionPairs, ...argumentPairs];
  return {
    command,
    target,
    minor,
    subject: subject ?? operands.join(' '),
    context: { ...(target.kind === 'resource' ? { ctx_resource_name: target.name } : {}), ...context },
    fields: said ? pairs : undefined,
    flags,
    plain,
    times,
    notices,
    beyondRange: isBeyondRange(),
  };
}

/** @returns the options and operands of a command's words, none of which is read yet. @throws UsageError */
export function takeApart(
  command: Command,
  words: readonly string[],
  { explain, wrong }: Pick<Reading, 'explain' | 'wrong'>,
): Parsed<Spec> {
  try {
    return getopt(words, specsOf(command), command.name, explain);
  } catch (error) {
    wrong?.('option');
    throw error;
  }
}

function rangeRule(
  command: Command,
  manner: Manner,
  { strict = false }: Reading,
  notices: string[],
): { readonly beyondRange: BeyondRange; isBeyondRange(): boolean } {
  let is = false;
  return {
    beyondRange:
      strict || manner.beyondRange === 'refuse'
        ? refuseBeyondRange
        : (problem) => {
            is = true;
            notices.push(`${problem}. It is sent as it stands; --strict refuses it`);
          },
    isBeyondRange: () => is,
  };
}

/** @returns the argument of an option without a field, empty where it has none */
function checkPlain(
  { name, argument, words }: Spec,
  text: string | undefined,
  fail: (problem: string) => never,
): string {
  if (text === undefined) return '';
  if (words !== undefined)
    return words.includes(text) ? text : fail(`option --${name}: ${words.join(', ')} is needed, not ${quote(text)}`);
  // What takes its argument at will is a switch: any word but yes leaves it off, as in the C tool.
  if (argument !== 'required') return text;
  const seconds = parseUnsigned(text, '1', `option --${name}`);
  if (seconds > LONGEST_WAIT_SECONDS)
    fail(
      `option --${name}: ${quote(text)} is ${seconds} seconds; the range is 0 to ${LONGEST_WAIT_SECONDS} seconds, where 0 waits for ever`,
    );
  return seconds.toString();
}

function readTarget(
  command: Command,
  operands: readonly string[],
  { backend, help, wrong }: Reading,
  longestName: number,
  fail: (problem: string) => never,
): { readonly target: Target; readonly subject: string | undefined } {
  const { object } = command;
  if (object.length === 0) return { target: { kind: 'none' }, subject: undefined };
  const subject = operands[0];
  if (subject === undefined) {
    if (object.includes('all')) return { target: { kind: 'all' }, subject };
    help?.();
    return fail(`the first argument, a ${object.join(' or a ')}, is missing`);
  }
  if (longestName === 0) return { target: { kind: 'minor', minor: minorOf(subject, backend) }, subject };
  checkName(subject, command.name);
  if (subject === 'all') {
    if (object.includes('all')) return { target: { kind: 'all' }, subject };
    wrong?.('all');
    return fail(`it takes one ${object.join(' or one ')}, and not "all"`);
  }
  if (object.includes('minor')) {
    try {
      return { target: { kind: 'minor', minor: minorOf(subject, backend) }, subject };
    } catch (error) {
      if (!object.includes('resource') || !(error instanceof UsageError)) throw error;
    }
  }
  return { target: { kind: 'resource', name: checkNameLength(subject, longestName) }, subject };
}

/** Exit code of drbdsetup for a name that can be none. */
const EXIT_BAD_NAME = 1;

function checkName(name: string, command: string): void {
  if (name === '')
    throw new UsageError(`${command}: the name of the object is empty`, { exitCode: EXIT_BAD_NAME, command });
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/u.test(name))
    throw new UsageError(`${command}: ${quote(name)} is no name: control characters cannot be in it`, {
      exitCode: EXIT_BAD_NAME,
      command,
    });
}

function checkNameLength(name: string, most: number): string {
  const length = Buffer.byteLength(name);
  if (length > most)
    throw new UsageError(`${quote(name)} is no name of a resource: at most ${most} bytes fit, not ${length}`);
  return name;
}

/** Modes of metadata, as they are sent. */
const META_MODES: Readonly<Record<string, number>> = {
  internal: metaDeviceModes.flexInternal,
  flexible: metaDeviceModes.flexExternal,
};

async function readArgument(
  { kind, table }: Argument,
  text: string,
  what: string,
  backend: Backend,
  longestName: number,
  rules: ValueRules,
): Promise<unknown> {
  switch (kind) {
    case 'resource':
      return checkNameLength(text, longestName);
    case 'minor':
      return minorOf(text, backend);
    case 'metadata index': {
      const mode = Object.hasOwn(META_MODES, text) ? META_MODES[text] : undefined;
      if (mode !== undefined) return mode;
      return parseNumber(table, '1', text, `${what} (internal, flexible, or the number of a slot)`, rules);
    }
    case 'block device':
      requireBlockDevice(parseText(table, text, what, rules.tooLong), what, backend);
      return text;
    case 'number':
    case 'word':
    case 'address':
      return parseValue({ kind, table, scale: '1', anyCase: true }, text, what, { ...rules, words: () => undefined });
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
export function requestOf(
  { command: { set }, minor, context, fields, flags }: Call,
  { asWritten }: Manner,
): Readonly<Record<string, unknown>> {
  const all = fields ?? (asWritten ? [] : undefined);
  return {
    ...(minor === undefined ? {} : { minor }),
    ...Object.fromEntries(flags.map((flag) => [flag, true])),
    ...(Object.keys(context).length === 0 ? {} : { context }),
    // The encoder takes a list of pairs as it stands: an option that was given twice goes out twice.
    ...(set === undefined || all === undefined ? {} : { [set]: asWritten ? all : Object.fromEntries(all) }),
  };
}
