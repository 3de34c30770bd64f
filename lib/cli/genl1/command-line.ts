import { metaDeviceModes } from '../../dialects/words';
import { attributeSets } from '../../dialects/genl1';
import type { SocketAddress } from '../../netlink';
import { TransportError } from '../../errors';
import type { Backend } from '../backend';
import { parseAddress } from '../address';
import { minorOf } from '../device';
import { UsageError } from '../errors';
import { getopt, type OptionSpec } from '../getopt';
import { refuseBeyondRange, parseNumber, type BeyondRange } from '../line/range';
import { LONGEST_WAIT_SECONDS, parseUnsigned, quote } from '../number';
import { requestKey, type Argument, type Command } from './commands';
import type { FieldOption } from './options';
import { parseOptionValue } from './values';

/** What a command is about. */
export type Target =
  | { readonly kind: 'minor'; readonly minor: number }
  | { readonly kind: 'resource'; readonly name: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'none' };

/** A command line that has been understood. */
export interface Call {
  readonly command: Command;
  readonly target: Target;
  /**
   * What it is about, as the user named it: the object, the addresses of a connection, or the arguments; empty where it
   * is about all there is.
   */
  readonly subject: string;
  readonly endpoints: { readonly ctx_my_addr: SocketAddress; readonly ctx_peer_addr: SocketAddress } | undefined;
  /** The fields of the command's set, in the order in which they go out; undefined where nothing was said of any. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
  /** The minor that an argument names. */
  readonly argumentMinor: number | undefined;
  readonly setDefaults: boolean;
  /** Options without a field, and their arguments; an option without one has an empty string. */
  readonly plain: ReadonlyMap<string, string>;
  /** What the user should know about how the words were read. */
  readonly notices: readonly string[];
  /** Some number is beyond the range documented for it, and is sent all the same. */
  readonly beyondRange: boolean;
}

/** A specification for getopt and what it stands for. */
interface Spec extends OptionSpec {
  readonly field?: FieldOption;
  readonly words?: readonly string[];
  /** It says `no` to a boolean. */
  readonly negates?: true;
}

const SET_DEFAULTS = 'set-defaults';
const JSON_OPTION = 'json';
const SECRET_FILE = 'shared-secret-file';
const SECRET = 'shared-secret';

function specsOf(command: Command): readonly Spec[] {
  const specs: Spec[] = command.options.map((field) => ({
    name: field.name,
    argument: field.kind === 'flag' || field.kind === 'boolean' ? 'optional' : 'required',
    field,
  }));
  for (const [alias, name] of Object.entries(command.aliases))
    specs.push(...specs.filter((spec) => spec.name === name).map((spec) => ({ ...spec, name: alias })));
  for (const field of command.options)
    if (field.kind === 'flag' || field.kind === 'boolean')
      specs.push({ name: `no-${field.name}`, argument: 'none', field, negates: true });
  specs.push(...command.plain, ...command.old);
  if (command.setDefaults) specs.push({ name: SET_DEFAULTS, short: '(', argument: 'none' });
  specs.push({ name: JSON_OPTION, argument: 'none' });
  return specs;
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
export async function parseCall(
  command: Command,
  words: readonly string[],
  backend: Backend,
  secretFile: string | undefined,
  readSecret: (file: string) => Promise<string>,
  beyond: 'refuse' | 'send' = 'refuse',
): Promise<Call> {
  const fail = (problem: string): never => {
    throw new UsageError(`${command.name}: ${problem}`, { command: command.name });
  };
  // It may be a secret: it is not repeated.
  words.forEach((word, index) => {
    if (word.includes('\0')) fail(`argument ${index + 1} holds a NUL character`);
  });
  const takesSecret = command.options.some(({ name }) => name === SECRET);
  const { rest, file = secretFile } = takesSecret ? withoutSecretFile(words, fail) : { rest: words };
  const { options, operands } = getopt(rest, specsOf(command), command.name, 'genl1');
  const notices: string[] = [];
  let isBeyondRange = false;
  const beyondRange: BeyondRange =
    beyond === 'refuse'
      ? refuseBeyondRange
      : (problem) => {
          isBeyondRange = true;
          notices.push(`${command.name}: ${problem}. It is sent as it stands; --strict refuses it`);
        };
  const readAddress = async (text: string, what: string): Promise<SocketAddress> => {
    const { address, notice } = await parseAddress(text, `${command.name}: ${what}`);
    if (notice !== undefined) notices.push(notice);
    return address;
  };

  let at = 0;
  const { target, subject } = readTarget(command, operands, backend, fail);
  if (target.kind !== 'none' && subject !== undefined) at++;
  let endpoints: Call['endpoints'];
  if (command.endpoints) {
    const [local, peer] = operands.slice(at, at + 2);
    if (local === undefined || peer === undefined)
      return fail("the two addresses of a connection are missing: this node's, then the peer's");
    endpoints = {
      ctx_my_addr: await readAddress(local, 'the local address'),
      ctx_peer_addr: await readAddress(peer, "the peer's address"),
    };
    at += 2;
  }

  const fields: Record<string, unknown> = {};
  const plain = new Map<string, string>();
  let setDefaults = false;
  let said = false;
  const set = (name: string, value: unknown): void => {
    // Said twice, the last one counts, and stands where it was said last.
    delete fields[name];
    if (value !== undefined) fields[name] = value;
    said = true;
  };
  for (const given of options) {
    const { field } = given.spec;
    if (field !== undefined)
      set(
        field.field,
        await parseOptionValue(
          field,
          given.spec.negates === true ? 'no' : given.value,
          (text) => readAddress(text, `--${field.name}`),
          beyondRange,
        ),
      );
    else if (given.spec.name === SET_DEFAULTS) setDefaults = true;
    else plain.set(given.spec.name, checkPlain(given.spec, given.value, fail));
  }
  if (takesSecret && file !== undefined) {
    if (fields[secretField(command)] !== undefined) fail(`--${SECRET} and --${SECRET_FILE} exclude each other`);
    set(secretField(command), await readSecret(file));
  }
  let argumentMinor: number | undefined;
  for (const argument of command.arguments) {
    const text = operands[at++];
    if (text === undefined) return fail(`the argument {${argument.name}} is missing`);
    const value = readArgument(argument, text, backend, beyondRange);
    if (argument.field === undefined) argumentMinor = value as number;
    else set(argument.field, value);
  }
  if (at < operands.length) fail(`excess arguments: ${operands.slice(at).map(quote).join(' ')}`);
  return {
    command,
    target,
    subject: subject ?? operands.join(' '),
    endpoints,
    fields: said ? fields : undefined,
    argumentMinor,
    setDefaults,
    plain,
    notices,
    beyondRange: isBeyondRange,
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
  if (argument === 'required') {
    const seconds = parseUnsigned(text, '1', `option --${name}`);
    if (seconds > LONGEST_WAIT_SECONDS)
      fail(`option --${name}: ${quote(text)} is ${seconds} seconds; the range is 0 to ${LONGEST_WAIT_SECONDS} seconds`);
    return seconds.toString();
  }
  return text;
}

function readTarget(
  command: Command,
  operands: readonly string[],
  backend: Backend,
  fail: (problem: string) => never,
): { readonly target: Target; readonly subject: string | undefined } {
  const { object } = command;
  if (object.length === 0) return { target: { kind: 'none' }, subject: undefined };
  const subject = operands[0];
  if (subject === undefined)
    return object.includes('all')
      ? { target: { kind: 'all' }, subject }
      : fail(`the first argument, a ${object.join(' or a ')}, is missing`);
  checkName(subject, command.name);
  if (subject === 'all')
    return object.includes('all')
      ? { target: { kind: 'all' }, subject }
      : fail(`it takes one ${object.join(' or one ')}, and not "all"`);
  if (object.includes('minor')) {
    try {
      return { target: { kind: 'minor', minor: minorOf(subject, backend) }, subject };
    } catch (error) {
      if (!object.includes('resource') || !(error instanceof UsageError)) throw error;
    }
  }
  return { target: { kind: 'resource', name: checkNameLength(subject) }, subject };
}

/** Exit code of drbdsetup for a name that can be none. */
const EXIT_BAD_NAME = 1;
/** Longest name of a resource in bytes, which the kernel keeps with a NUL behind it. */
const LONGEST_NAME = attributeSets.drbd_cfg_context.fields.ctx_resource_name.maxBytes - 1;

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

function checkNameLength(name: string): string {
  const length = Buffer.byteLength(name);
  if (length > LONGEST_NAME)
    throw new UsageError(`${quote(name)} is no name of a resource: at most ${LONGEST_NAME} bytes fit, not ${length}`);
  return name;
}

function readArgument(argument: Argument, text: string, backend: Backend, beyondRange: BeyondRange): unknown {
  switch (argument.kind) {
    case 'resource':
      return checkNameLength(text);
    case 'minor':
      return minorOf(text, backend);
    case 'volume':
      return parseNumber(attributeSets.drbd_cfg_context.fields.ctx_volume, '1', text, 'the volume', beyondRange);
    case 'metaIndex':
      return readMetaIndex(text, beyondRange);
    case 'device':
      return readDevice(text, backend);
  }
}

/** Modes of metadata, as they are sent. */
const META_MODES: Readonly<Record<string, number>> = {
  internal: metaDeviceModes.flexInternal,
  flexible: metaDeviceModes.flexExternal,
};

function readMetaIndex(text: string, beyondRange: BeyondRange): number {
  const mode = Object.hasOwn(META_MODES, text) ? META_MODES[text] : undefined;
  if (mode !== undefined) return mode;
  const what = 'the index of the metadata (internal, flexible, or the number of a slot)';
  return Number(parseNumber(attributeSets.disk_conf.fields.meta_dev_idx, '1', text, what, beyondRange));
}

function readDevice(path: string, backend: Backend): string {
  let found: unknown;
  try {
    found = backend.blockDevice(path);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    throw new UsageError(`the device ${quote(path)} cannot be opened: ${error.message}`);
  }
  if (found === undefined) throw new UsageError(`${quote(path)} is not a block device`);
  return path;
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

function secretField(command: Command): string {
  return command.options.find(({ name }) => name === SECRET)?.field ?? '';
}

/** @returns what goes into the request */
export function requestOf({
  command,
  target,
  endpoints,
  fields,
  argumentMinor,
  setDefaults,
}: Call): Readonly<Record<string, unknown>> {
  const minor = target.kind === 'minor' ? target.minor : argumentMinor;
  const context = { ...(target.kind === 'resource' ? { ctx_resource_name: target.name } : {}), ...endpoints };
  return {
    ...(minor === undefined ? {} : { minor }),
    ...(setDefaults ? { setDefaults } : {}),
    ...(Object.keys(context).length === 0 ? {} : { context }),
    ...(command.set === undefined || fields === undefined ? {} : { [requestKey(command.set)]: fields }),
  };
}
