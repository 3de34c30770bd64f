import type { Dialect } from '../../../drbd';
import { nearest } from '../../line/nearest';
import { quote } from '../../line/number';
import type { Vocabulary } from '../../line/vocabulary';
import { v83 } from '../v83';
import { v84 } from '../v84';
import { v9 } from '../v9';

// Words of one generation that are typed at another: what they are, and what stands in their place today.

/** The generations by the name that administrators know. */
export const generationNames: Readonly<Record<Dialect, string>> = {
  connector: 'DRBD 8.3',
  genl1: 'DRBD 8.4',
  genl2: 'DRBD 9',
};

/** DRBD 9 waits for volumes, connections and resources; before, there are only devices. */
const WAITS: Readonly<Record<string, string>> = Object.fromEntries(
  ['volume', 'connection', 'resource'].flatMap((what) => [
    [`wait-sync-${what}`, 'wait-sync'],
    [`wait-connect-${what}`, 'wait-connect'],
  ]),
);

/** What does the work of a command that another generation has, by the generation that is spoken to. */
const REPLACEMENTS: Readonly<Record<Dialect, Readonly<Record<string, string>>>> = {
  connector: {
    attach: 'disk',
    'disk-options': 'syncer (--rate, --after, --al-extents, --c-*) and disk, which attaches anew',
    connect: 'net',
    'net-options': 'net, and syncer (--csums-alg, --verify-alg, --use-rle)',
    'resource-options': 'syncer (--cpu-mask, --on-no-data-accessible)',
    'new-resource': 'nothing: it has no resources. The first disk, net or syncer creates a minor (--create-device)',
    'new-minor': '--create-device, which disk, net and syncer take',
    'del-minor': 'down; a minor stays until the module is unloaded',
    'del-resource': 'down',
    events2: 'events',
    'xml-help': 'xml',
    udev: 'nothing; drbdadm sh-udev names its devices',
    'new-peer': 'net',
    'del-peer': 'disconnect',
    'new-path': 'net, which names both addresses',
    'del-path': 'disconnect',
    'peer-device-options': 'syncer (--rate, --c-*)',
    ...WAITS,
    'forget-peer': 'nothing: it knows one peer only. invalidate-remote throws away what is known of its data',
    'rename-resource': 'nothing: it has no resources',
  },
  genl1: {
    disk: 'attach, or disk-options for an attached disk',
    net: 'connect, or net-options for a connection that stands (new-resource and new-minor come first)',
    syncer:
      'disk-options (--resync-rate, --resync-after, --al-extents, --c-*), net-options (--csums-alg, --verify-alg, --use-rle) and resource-options (--cpu-mask, --on-no-data-accessible)',
    xml: 'xml-help',
    'new-peer': 'connect, which names the peer by its address',
    'del-peer': 'disconnect',
    'new-path': 'connect, which names both addresses',
    'del-path': 'disconnect',
    'peer-device-options': 'disk-options (--resync-rate, --c-*)',
    ...WAITS,
    'forget-peer': 'nothing: it knows one peer only. invalidate-remote throws away what is known of its data',
    'rename-resource': 'down, and new-resource with the other name',
  },
  genl2: {
    disk: 'attach, or disk-options for an attached disk',
    net: 'new-peer, new-path and connect, or net-options for a peer that is known (new-resource and new-minor come first)',
    syncer:
      'peer-device-options (--resync-rate, --c-*), disk-options (--resync-after, --al-extents), net-options (--csums-alg, --verify-alg, --use-rle) and resource-options (--cpu-mask, --on-no-data-accessible)',
    xml: 'xml-help',
    state: 'role',
    events: 'events2',
    'sh-status': 'status --json',
    'wait-connect': 'wait-connect-volume, wait-connect-connection and wait-connect-resource',
    'wait-sync': 'wait-sync-volume, wait-sync-connection and wait-sync-resource',
  },
};

/** Options whose names changed from 8.3 to 8.4, without their `no-`. */
const RENAMED: Readonly<Record<string, string>> = {
  rate: 'resync-rate',
  after: 'resync-after',
  'dry-run': 'tentative',
  'overwrite-data-of-peer': 'force',
};

/** The names of options that commands have, by command. */
type OptionNames = ReadonlyMap<string, readonly string[]>;

const namesOf = ({ commands }: Vocabulary): OptionNames =>
  new Map(
    commands.map(({ name, options, plain }) => [
      name,
      [...options, ...plain.filter(({ old }) => old !== true)].map((option) => option.name),
    ]),
  );
const V83 = namesOf(v83);
const V84 = namesOf(v84);

const V9 = namesOf(v9);

const VOCABULARIES: Readonly<Record<Dialect, OptionNames>> = { connector: V83, genl1: V84, genl2: V9 };

/** The generations but one, the nearest first: what is common to two is told of the nearer. */
function othersThan(here: Dialect): readonly Dialect[] {
  return (['genl1', 'connector', 'genl2'] as const).filter((dialect) => dialect !== here);
}

/**
 * @param word that is no command of the generation that is spoken to
 * @returns what it is, and what to write: a command of another generation with what stands in its place, the nearest
 *   command for a slip of the pen, or where to read on
 */
export function explainUnknownCommand(word: string, here: Dialect, driver?: string | null): string {
  const own = VOCABULARIES[here];
  const elsewhere = othersThan(here).find((dialect) => VOCABULARIES[dialect].has(word) || EXTRA[dialect].has(word));
  if (elsewhere !== undefined) {
    const spoken = typeof driver === 'string' ? `the loaded module is ${driver}` : `this is ${generationNames[here]}`;
    const instead = REPLACEMENTS[here][word];
    return `${quote(word)} is a command of ${generationNames[elsewhere]}, and ${spoken}${instead === undefined ? '' : `. In its place ${generationNames[here]} has ${instead}`}. Nothing was sent`;
  }
  const near = nearest(word, [...own.keys(), ...EXTRA[here]]);
  return `there is no command ${quote(word)}${near === undefined ? '' : `; there is ${near}`}. "drbdsetup help" lists all commands`;
}

/** Whether a word is a command of some generation. */
export function isCommandAnywhere(word: string): boolean {
  return Object.values(VOCABULARIES).some((vocabulary) => vocabulary.has(word));
}

/** What is a command to the program, and not to the kernel. */
const EXTRA: Readonly<Record<Dialect, ReadonlySet<string>>> = {
  connector: new Set(['help', 'xml', 'batch', ...Object.keys(v83.oldNames)]),
  genl1: new Set(['help', 'xml-help', 'batch']),
  genl2: new Set(['help', 'xml-help', 'batch']),
};

/** Commands of a vocabulary that have an option. */
function commandsWith(option: string, vocabulary: OptionNames): readonly string[] {
  return [...vocabulary].flatMap(([command, options]) => (options.includes(option) ? [command] : []));
}

/**
 * @param option without dashes, which a command does not have
 * @returns where the option belongs: to another command, or to another generation with today's name; undefined where it
 *   is known nowhere
 */
export function explainUnknownOption(option: string, command: string, here: Dialect): string | undefined {
  const own = VOCABULARIES[here];
  const elsewhere = commandsWith(option, own).filter((name) => name !== command);
  if (elsewhere.length > 0) return `it is an option of ${elsewhere.join(', ')}`;
  if (option === 'create-device' && here === 'genl1')
    return 'it is an option of DRBD 8.3; DRBD 8.4 has new-resource and new-minor in its place';
  const positive = option.replace(/^no-/u, '');
  for (const dialect of othersThan(here)) {
    const commands = commandsWith(option, VOCABULARIES[dialect]);
    if (commands.length === 0) continue;
    const today =
      here !== 'connector'
        ? (RENAMED[option] ?? positive)
        : (Object.keys(RENAMED).find((name) => RENAMED[name] === option) ?? `no-${option}`);
    const places = commandsWith(today, own);
    const value = here !== 'connector' && positive !== option ? '=no' : '';
    return `it is an option of ${commands.join(', ')} of ${generationNames[dialect]}${places.length === 0 ? '' : `; ${generationNames[here]} has ${places.join(', ')} --${today}${value} in its place`}`;
  }
  return undefined;
}

/** Whether a word is an option of some command of some generation, abbreviated or not. */
export function isKnownOption(word: string): boolean {
  const [name = ''] = word.split('=');
  if (name.startsWith('--') && name.length > 2) {
    const wanted = name.slice(2);
    return KNOWN_OPTIONS.some((known) => known.startsWith(wanted) || `no-${known}`.startsWith(wanted));
  }
  const letter = word[1] ?? '';
  return /^-[^-]/u.test(word) && word.length === 2 && SHORT_OPTIONS.has(letter);
}

const KNOWN_OPTIONS: readonly string[] = [
  ...new Set([...V83.values(), ...V84.values(), ...V9.values()].flat()),
  'set-defaults',
  'create-device',
  'shared-secret-file',
  'json',
];

const SHORT_OPTIONS: ReadonlySet<string> = new Set([
  '(',
  ')',
  ...[v83, v84, v9].flatMap(({ commands }) =>
    commands.flatMap(({ options, plain }) => [...options, ...plain].map(({ short = '' }) => short)),
  ),
]);
