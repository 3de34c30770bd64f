import type { Dialect } from '../drbd';
import { UsageError } from './errors';
import type { Environment } from './io';
import { nearest } from './line/nearest';
import { quote } from './line/number';

/** What holds for every command, whatever the dialect. */
export interface Globals {
  /** Insist on a dialect; the kernel decides if absent. */
  readonly dialect: Dialect | undefined;
  /** Limit of each request; the library's own if absent. */
  readonly timeoutMs: number | undefined;
  readonly json: boolean;
  /** File to write what crosses the wire to. */
  readonly record: string | undefined;
  /** File to take the answers from, in place of a kernel. */
  readonly replay: string | undefined;
  /** Port id of a simulator on this machine's connector bus. */
  readonly simulator: number | undefined;
  /** Show secrets. */
  readonly reveal: boolean;
  /** Load the module if it is missing. */
  readonly modprobe: boolean;
  /** Send even what is known to hang this kernel. */
  readonly forceUnsafe: boolean;
  /** Refuse numbers beyond their documented range, where the C tool of the generation sends them. */
  readonly strict: boolean;
  /** File that holds the shared secret of a connection; `-` is standard input. */
  readonly sharedSecretFile: string | undefined;
  /** Where lock files are, if not where DRBD's tools have them. */
  readonly lockDirectory: string | undefined;
  /**
   * Where DRBD's tools keep what they remember of a minor (drbd-minor-N.lkbd, drbd-minor-N.conf), if it was told: see
   * notesDirectory().
   */
  readonly stateDirectory: string | undefined;
}

interface GlobalOption {
  readonly name: string;
  /** What stands for its argument in help; a flag if absent. */
  readonly argument?: string;
  /** The environment variable that stands for it where a caller leaves no room for options. */
  readonly variable?: string;
  /** A line of a batch may have one of its own: it does not say whom to speak to, or where things are. */
  readonly perLine?: true;
  /** What its argument is completed by in a shell. */
  readonly completes?: 'file' | 'directory' | readonly string[];
  readonly doc: string;
}

/** The global options, which stand before the device or the command. */
export const globalOptions = {
  dialect: {
    name: 'dialect',
    argument: 'D',
    variable: 'DRBD_DIALECT',
    completes: ['connector', 'genl1', 'genl2'],
    doc: 'Speak connector (DRBD 8.3), genl1 (8.4) or genl2 (9), whatever is found.',
  },
  timeout: {
    name: 'timeout',
    argument: 'SECONDS',
    variable: 'DRBD_TIMEOUT',
    perLine: true,
    doc: 'How long each request may take.',
  },
  json: { name: 'json', perLine: true, doc: 'Print JSON.' },
  record: {
    name: 'record',
    argument: 'FILE',
    variable: 'DRBD_RECORD',
    completes: 'file',
    doc: 'Write to FILE what crosses the wire; secrets are masked unless --reveal is given.',
  },
  replay: {
    name: 'replay',
    argument: 'FILE',
    variable: 'DRBD_REPLAY',
    completes: 'file',
    doc: 'Take the answers from a recording in place of a kernel.',
  },
  simulator: {
    name: 'simulator',
    argument: 'PORT',
    variable: 'DRBD_SIMULATOR',
    doc: "Speak to a simulator at this port of this machine's connector bus.",
  },
  reveal: { name: 'reveal', perLine: true, doc: 'Show secrets.' },
  modprobe: { name: 'modprobe', doc: 'Load the drbd module if it is missing.' },
  forceUnsafe: { name: 'force-unsafe', perLine: true, doc: 'Send even what is known to hang this kernel.' },
  strict: {
    name: 'strict',
    perLine: true,
    doc: 'Refuse numbers beyond their documented range, as DRBD 8.3 did; 8.4 sends them, with a warning.',
  },
  sharedSecretFile: {
    name: 'shared-secret-file',
    argument: 'FILE',
    completes: 'file',
    perLine: true,
    doc: 'Read the shared secret from the first line of FILE (- is standard input, /dev/fd/N a descriptor), so that it stands on no command line.',
  },
  lockDirectory: {
    name: 'lock-dir',
    argument: 'DIRECTORY',
    variable: 'DRBD_LOCK_DIR',
    completes: 'directory',
    doc: 'Where the lock files are; where DRBD has them, and nowhere for a simulator.',
  },
  stateDirectory: {
    name: 'state-dir',
    argument: 'DIRECTORY',
    variable: 'DRBD_STATE_DIR',
    completes: 'directory',
    doc: 'Where DRBD keeps what it remembers of a minor: /var/lib/drbd, and nowhere if the answers come from a recording or a simulator.',
  },
} as const satisfies Readonly<Record<string, GlobalOption>>;

type GlobalName = keyof typeof globalOptions;

const DIALECTS: readonly Dialect[] = globalOptions.dialect.completes;
const LARGEST_PORT_ID = 0xffffffff;

/**
 * Takes the global options off a command line. They end at the first word that is none.
 * @param argv without the tool's own name
 * @returns the options, with the environment for those that are not given; those that stand on the line; and the words
 *   that follow them
 * @throws UsageError
 */
export function parseGlobals(
  argv: readonly string[],
  env: Environment,
): { readonly globals: Globals; readonly named: readonly GlobalOption[]; readonly rest: readonly string[] } {
  const given = new Map<GlobalName, string>();
  let at = 0;
  for (; at < argv.length; at++) {
    const match = /^--([a-z-]+)(?:=([\s\S]*))?$/u.exec(argv[at] ?? '');
    const entry = match === null ? undefined : entries().find(([, option]) => option.name === match[1]);
    if (match === null || entry === undefined) break;
    const [key, option] = entry;
    if (option.argument === undefined) {
      if (match[2] !== undefined) throw new UsageError(`--${option.name} takes no argument`);
      given.set(key, '');
    } else {
      const value = match[2] ?? argv[++at];
      if (value === undefined) throw new UsageError(`--${option.name} requires an argument: ${option.argument}`);
      given.set(key, value);
    }
  }
  const named = [...given.keys()].map((key): GlobalOption => globalOptions[key]);
  for (const [key, { variable }] of entries()) {
    const value = variable === undefined ? undefined : env[variable];
    if (value !== undefined && value !== '' && !given.has(key)) given.set(key, value);
  }
  const globals: Globals = {
    dialect: parseDialect(given.get('dialect')),
    timeoutMs: parseTimeout(given.get('timeout')),
    json: given.has('json'),
    record: given.get('record'),
    replay: given.get('replay'),
    simulator: parsePort(given.get('simulator')),
    reveal: given.has('reveal'),
    modprobe: given.has('modprobe'),
    forceUnsafe: given.has('forceUnsafe'),
    strict: given.has('strict'),
    sharedSecretFile: given.get('sharedSecretFile'),
    lockDirectory: given.get('lockDirectory'),
    stateDirectory: given.get('stateDirectory'),
  };
  if (globals.replay !== undefined && globals.simulator !== undefined)
    throw new UsageError('--replay and --simulator exclude each other: the answers come from one of them');
  if (globals.simulator !== undefined && globals.dialect !== undefined && globals.dialect !== 'connector')
    throw new UsageError('--simulator implies the connector dialect');
  return { globals, named, rest: argv.slice(at) };
}

/** Whether a command line asks for JSON, be it one that makes no sense: so do its errors come then. */
export function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
}

/** @returns what to say of a word that looks like a global option and is none */
export function unknownGlobal(word: string): string {
  const [name = ''] = word.split('=');
  const near = nearest(
    name.slice(2),
    entries().map(([, option]) => option.name),
  );
  return `there is no global option ${quote(name)}${near === undefined ? '' : `; there is --${near}`}. "drbdsetup help" lists all`;
}

function entries(): readonly (readonly [GlobalName, GlobalOption])[] {
  return Object.entries(globalOptions) as readonly (readonly [GlobalName, GlobalOption])[];
}

function parseDialect(text: string | undefined): Dialect | undefined {
  if (text === undefined) return undefined;
  const found = DIALECTS.find((dialect) => dialect === text);
  if (found === undefined) throw new UsageError(`--dialect: ${DIALECTS.join(', ')} is needed, not ${quote(text)}`);
  return found;
}

function parseTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d+(\.\d+)?$/u.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(seconds)) throw new UsageError(`--timeout: a number of seconds is needed, not ${quote(text)}`);
  return Math.round(seconds * 1000);
}

function parsePort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d+$/u.test(text) ? Number(text) : 0;
  if (port < 1 || port > LARGEST_PORT_ID)
    throw new UsageError(`--simulator: a port id from 1 to ${LARGEST_PORT_ID} is needed, not ${quote(text)}`);
  return port;
}

/** @returns the lines of help on the global options */
export function formatGlobalHelp(): string {
  return entries()
    .map(
      ([, { name, argument, variable, doc }]) =>
        `  --${`${name}${argument === undefined ? '' : ` ${argument}`}`.padEnd(26)} ${doc}${variable === undefined ? '' : ` [${variable}]`}\n`,
    )
    .concat(HELP_LINES)
    .join('');
}

/** They stand in the place of a command. */
const HELP_LINES = [
  `  ${'-V, --version'.padEnd(28)} Print the version of the program.\n`,
  `  ${'-h, --help'.padEnd(28)} Print this text.\n`,
];
