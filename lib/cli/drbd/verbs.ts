import {
  encodePlanned,
  plan,
  replaceSecrets,
  settledStatus,
  verbOptions,
  verbs,
  type Client,
  type Dialect,
  type PlannedRequest,
  type VerbName,
  type VerbOption,
  type VerbTarget,
} from '../../drbd';
import { ArgumentError } from '../../errors';
import { toJson } from '../../model';
import { formatHex } from '../../netlink';
import { byteOrderOf } from '../backend';
import { readSecret, waitOptions, type Context } from '../context';
import { EXIT, UsageError } from '../errors';
import { quote } from '../line/number';
import { command, type Command, type OptionRow } from './command';
import { drbdsetupLine } from './drbdsetup-line';
import { rangeText, factsOfField } from './options';
import { formatFolded, lookOf, printable } from './text';

/** What the command line calls a verb, where it is not its name with hyphens. */
const NAMES: Readonly<Partial<Record<VerbName, string>>> = { setOptions: 'set' };
const dialects: readonly Dialect[] = ['connector', 'genl1', 'genl2'];

const hyphenated = (name: string): string => name.replaceAll(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`);

/** @returns the word of the command line for each verb */
export function verbWords(): readonly (readonly [word: string, verb: VerbName])[] {
  return (Object.keys(verbs) as VerbName[]).map((verb) => [NAMES[verb] ?? hyphenated(verb), verb]);
}

/** The options of a verb in all dialects, by their name on the command line. */
function optionsOf(verb: VerbName): ReadonlyMap<string, readonly (readonly [Dialect, VerbOption])[]> {
  const found = new Map<string, (readonly [Dialect, VerbOption])[]>();
  for (const dialect of dialects)
    for (const option of verbOptions(dialect, verb)) {
      const name = hyphenated(option.name);
      const known = found.get(name);
      if (known === undefined) found.set(name, [[dialect, option]]);
      else known.push([dialect, option]);
    }
  return found;
}

const isFlag = ([first]: readonly (readonly [Dialect, VerbOption])[]): boolean => first?.[1].about.kind === 'flag';

function rowsOf(verb: VerbName): Readonly<Record<string, OptionRow>> {
  const rows: Record<string, OptionRow> = {};
  for (const [name, options] of optionsOf(verb)) {
    // Where one dialect's field says the contrary of another's, its doc does too.
    const [, option] = options.find(([, { negated }]) => !negated) ?? options[0] ?? [];
    if (option === undefined) continue;
    const { about, negated } = option;
    if (isFlag(options)) {
      const [said, contrary] = negated ? [`no-${name}`, name] : [name, `no-${name}`];
      rows[said] = { doc: about.doc };
      rows[contrary] = { doc: `The contrary of --${said}.` };
      continue;
    }
    const facts = factsOfField(about);
    const words = about.names === undefined ? undefined : Object.values(about.names);
    rows[name] = {
      argument:
        words !== undefined
          ? 'WORD'
          : about.kind === 'string'
            ? 'TEXT'
            : about.kind === 'address'
              ? 'ADDRESS'
              : 'NUMBER',
      ...(words === undefined ? {} : { completes: words }),
      doc: `${about.doc} (${rangeText(facts)})`,
    };
  }
  return rows;
}

const SHARED = {
  volume: { argument: 'N', doc: 'Number of a volume of the resource; as RESOURCE/N.' },
  minor: { argument: 'N', doc: 'The minor that a new volume of RESOURCE gets: the N of /dev/drbdN.' },
  peer: { argument: 'PEER', doc: "The connection: the peer's name or node id (DRBD 9), or its address." },
  'dry-run': {
    short: 'n',
    doc: 'Send nothing: print each request decoded, its bytes, and the line of drbdsetup that does the same.',
  },
} as const satisfies Readonly<Record<string, OptionRow>>;

/** @returns the command of a verb */
export function verbCommand(verb: VerbName): Command {
  const options = rowsOf(verb);
  const about = verbs[verb].replace(/\.$/u, '');
  return command({
    about: `${about[0]?.toLowerCase() ?? ''}${about.slice(1)}`,
    words: 'RESOURCE[/VOLUME]|MINOR',
    completes: 'resource',
    count: [1, 1],
    options: { ...options, ...SHARED } as Readonly<Record<string, OptionRow>>,
    details: [
      'What is left out of the target stands for all that there are, unless the act would harm. A number may have the suffix K, M, G or T (powers of 1024, in bytes) where its unit is one of size; help tells the unit.',
      'It prints each request that was carried out. A refusal has its number, name, cause and next step, and the exit code of drbdsetup.',
    ],
    exits: {
      [EXIT.refused]: 'The kernel refused it (return codes above 100).',
      [EXIT.stateChange]: 'The state change failed; 16 and 17 want of a disk that is of use, 5 a disk below Outdated.',
    },
    run: (call) => act(verb, call as unknown as VerbCall),
  }) as Command;
}

interface VerbCall {
  readonly context: Context;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** @returns what a word of the command line is about. @throws UsageError */
export function targetOf(word: string, volume?: string, peer?: string, minor?: string): VerbTarget {
  const number = (text: string, what: string): number => {
    if (!/^\d{1,10}$/u.test(text)) throw new UsageError(`${what}: a number is needed, not ${quote(text)}`);
    return Number(text);
  };
  const [, digits] = /^(?:\/dev\/drbd)?(\d+)$/u.exec(word) ?? [];
  const [, name = word, inWord] = digits === undefined ? (/^([^/].*)\/(\d+)$/u.exec(word) ?? []) : [];
  const given = volume ?? inWord;
  return {
    ...(digits === undefined ? { resource: name } : { minor: number(digits, 'MINOR') }),
    ...(minor === undefined ? {} : { minor: number(minor, '--minor') }),
    ...(given === undefined ? {} : { volume: number(given, '--volume') }),
    ...(peer === undefined ? {} : { peer: /^\d+$/u.test(peer) ? Number(peer) : peer }),
  };
}

const SUFFIXES: Readonly<Record<string, bigint>> = { K: 1n << 10n, M: 1n << 20n, G: 1n << 30n, T: 1n << 40n };
const UNIT_BYTES: Readonly<Record<string, bigint>> = { bytes: 1n, KiB: 1024n, 'KiB/s': 1024n, sectors: 512n };

/** @returns a text of the command line as the library takes it. @throws UsageError */
export function valueOf(name: string, { about }: VerbOption, text: string): unknown {
  const { kind, names, unit } = about;
  if (kind === 'string' || kind === 'address') return text;
  if (names !== undefined && Object.values(names).includes(text)) return text;
  const [, digits, suffix] = /^(-?\d+)([KMGT]?)$/iu.exec(text) ?? [];
  if (digits === undefined)
    throw new UsageError(
      `--${name}: ${names === undefined ? 'a number' : `one of ${Object.values(names).join(', ')}`} is needed, not ${quote(text)}`,
    );
  let value = BigInt(digits);
  if (suffix !== undefined && suffix !== '') {
    const size = unit === undefined ? undefined : UNIT_BYTES[unit];
    if (size === undefined)
      throw new UsageError(
        `--${name}: ${quote(text)} has a suffix, and its unit is ${unit ?? 'none'}, not one of size`,
      );
    const bytes = value * (SUFFIXES[suffix.toUpperCase()] ?? 1n);
    if (bytes % size !== 0n) throw new UsageError(`--${name}: ${quote(text)} is not a whole number of ${unit}`);
    value = bytes / size;
  }
  return kind === 'u64' ? value : Number(value);
}

/** @throws UsageError for an option that the dialect of the driver lacks, or that is said both ways */
async function verbOptionsOf(
  verb: VerbName,
  dialect: Dialect,
  { context, options }: VerbCall,
): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [name, known] of optionsOf(verb)) {
    const given = options[name];
    const contrary = options[`no-${name}`] === true;
    if ((given === undefined || given === false) && !contrary) continue;
    const option = known.find(([of]) => of === dialect)?.[1] ?? known[0]?.[1];
    if (option === undefined) continue;
    if (given === true && contrary) throw new UsageError(`--${name} and --no-${name} exclude each other`);
    found[option.name] = typeof given === 'string' ? valueOf(name, option, given) : !contrary;
  }
  const file = context.globals.sharedSecretFile;
  if (file !== undefined) found['sharedSecret'] = await readSecret(file, context.io);
  return found;
}

async function act(verb: VerbName, call: VerbCall): Promise<number> {
  const { context, words, options } = call;
  const { io, globals, backend } = context;
  const client: Client = await backend.client(waitOptions(context));
  const given = await verbOptionsOf(verb, client.dialect, call);
  const target = targetOf(words[0] ?? '', asText(options['volume']), asText(options['peer']), asText(options['minor']));
  try {
    const isDry = options['dry-run'] === true;
    if (!isDry && client.driver.refusal !== undefined) throw client.driver.refusal;
    const snapshot = await settledStatus(() => client.status(waitOptions(context)));
    const planned = plan(verb, target, given, snapshot);
    if (isDry) {
      print(context, client, planned);
      return EXIT.ok;
    }
    const minors = new Set(planned.map(({ params }) => params['minor']).filter((minor) => typeof minor === 'number'));
    const locks = [];
    try {
      // In one order, so that two programs cannot wait for each other.
      for (const minor of [...minors].sort((a, b) => a - b)) locks.push(await backend.lock(minor, undefined));
      await client[verb](target, given as never, {
        ...waitOptions(context),
        forceUnsafe: globals.forceUnsafe,
        onSent: ({ name, reply }) => {
          io.stdout.write(
            globals.json
              ? `${JSON.stringify({ schemaVersion: 1, request: name, returnCode: reply.returnCode, returnName: reply.returnName })}\n`
              : `${name}: ${reply.returnName}\n`,
          );
        },
      });
    } finally {
      for (const lock of locks) lock?.release();
    }
  } catch (error) {
    if (error instanceof ArgumentError) throw new UsageError(error.message);
    throw error;
  }
  return EXIT.ok;
}

const asText = (value: string | boolean | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

function print(context: Context, client: Client, planned: readonly PlannedRequest[]): void {
  const { io, globals } = context;
  const { reveal } = globals;
  const look = lookOf(io);
  const header = { order: byteOrderOf(context.backend), address: client.driver.address };
  const items = planned.map((request) => {
    const shown = reveal ? request : replaceSecrets(client.dialect, request, (text) => 'x'.repeat(text.length));
    return {
      name: request.name,
      params: toJson(shown.params),
      bytes: formatHex(encodePlanned(client.dialect, shown, header)),
      drbdsetup: drbdsetupLine(client.dialect, shown) ?? null,
    };
  });
  if (globals.json) {
    io.stdout.write(`${JSON.stringify({ schemaVersion: 1, dialect: client.dialect, requests: items }, null, 2)}\n`);
    return;
  }
  if (items.length === 0) io.stdout.write('There is nothing to do: no request would be sent.\n');
  for (const { name, params, bytes, drbdsetup } of items) {
    io.stdout.write(`${name}\n`);
    for (const [path, value] of leaves(params as object)) io.stdout.write(`  ${path} = ${printable(value)}\n`);
    io.stdout.write(
      formatFolded([{ text: `  bytes: ${bytes.replaceAll(/(.{8})/gu, '$1 ').trimEnd()}` }], look, ' '.repeat(9)),
    );
    io.stdout.write(`  same as: ${drbdsetup ?? 'no line of drbdsetup that this package knows'}\n`);
  }
}

/** @returns each value with the names that lead to it */
function leaves(value: object, prefix = ''): readonly (readonly [path: string, value: string])[] {
  return Object.entries(value).flatMap(([key, member]) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? leaves(member as object, `${prefix}${key}.`)
      : [[`${prefix}${key}`, typeof member === 'string' ? member : JSON.stringify(member)] as const],
  );
}
