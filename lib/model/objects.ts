import { resyncKinds, resyncReasons, vocabulary, type Enumeration, type WordOf } from './words';

/**
 * What a property is to those who follow changes.
 * - `identity`: tells one object from another, and is fixed while the object lives (a name may be changed by a rename).
 * - `state`: every change of it is announced by the kernel.
 * - `counter`: as of the last message that carried it, or the last refresh.
 * - `setting`: what was asked for; as of the last read of its object.
 * - `derived`: computed from the others after each change.
 */
export type PropertyKind = 'identity' | 'state' | 'counter' | 'setting' | 'derived';

export type PropertyUnit = 'bytes' | 'bytes/s' | 'milliseconds' | 'seconds' | 'percent' | 'requests';

interface About {
  readonly kind: PropertyKind;
  readonly unit?: PropertyUnit;
  /** A derived property that follows counters only: its changes count as those of a counter. */
  readonly follows?: 'counter';
  readonly doc: string;
}

/** A word of the vocabulary; the kernel's number stands beside it, in the property of the same name with `Code`. */
interface WordProperty<E extends Enumeration = Enumeration> extends About {
  readonly type: 'word';
  readonly of: E;
  readonly words: (typeof vocabulary)[E];
}
interface WordsProperty<W extends string = string> extends About {
  readonly type: 'words';
  readonly words: readonly W[];
}
/** A word that has no number. */
interface NameProperty<W extends string = string> extends About {
  readonly type: 'name';
  readonly words: readonly W[];
}
interface PlainProperty<T extends PlainType = PlainType> extends About {
  readonly type: T;
}
interface GroupProperty<P extends PlainTable = PlainTable, O extends boolean = boolean> extends About {
  readonly type: 'group';
  /** Null where there is none of it; else always an object, whose members may each be null. */
  readonly optional: O;
  readonly properties: P;
}

/** How each plain type is represented: `u64` is a bigint here and a decimal string in JSON. */
interface PlainValues {
  text: string;
  number: number;
  u64: bigint;
  flag: boolean;
  u64s: readonly bigint[];
  address: PathAddress;
  options: Options;
}
type PlainType = keyof PlainValues;

type LeafProperty = PlainProperty | WordProperty | WordsProperty | NameProperty;
export type Property = LeafProperty | GroupProperty;
type PlainTable = Readonly<Record<string, LeafProperty>>;
export type PropertyTable = Readonly<Record<string, Property>>;

/** One end of a path. */
export interface PathAddress {
  readonly family: 'ipv4' | 'ipv6' | 'sdp' | 'ssocks';
  /** The number of the address family on this machine. */
  readonly familyCode: number;
  /** Dotted quad, or IPv6 text without brackets or zone. */
  readonly address: string;
  readonly port: number;
  /** Index of the interface of an IPv6 link-local address; null where none is named. */
  readonly scopeId: number | null;
}

/** A value that appears nowhere unless it is asked for: not in JSON, not in a log. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** @returns the value in clear */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return 'x'.repeat(this.#text.length);
  }

  toJSON(): string {
    return this.toString();
  }
}

export type OptionValue = string | number | bigint | boolean | Secret;
/** Options of the kernel by name, in camelCase; a value that has a word is the word. */
export type Options = Readonly<Record<string, OptionValue>>;

type Rest = readonly [
  kind: PropertyKind,
  doc: string,
  more?: { readonly unit?: PropertyUnit; readonly follows?: 'counter' },
];

const plain =
  <const T extends PlainType>(type: T) =>
  (...[kind, doc, more]: Rest): PlainProperty<T> =>
    Object.freeze({ type, kind, ...more, doc });
const text = plain('text');
const number = plain('number');
const u64 = plain('u64');
const flag = plain('flag');
const u64s = plain('u64s');
const address = plain('address');
const options = plain('options');
const bytes = (kind: PropertyKind, doc: string): PlainProperty<'u64'> => u64(kind, doc, { unit: 'bytes' });
const milliseconds = (kind: PropertyKind, doc: string): PlainProperty<'u64'> =>
  u64(kind, doc, { unit: 'milliseconds' });

function word<const E extends Enumeration>(of: E, ...[kind, doc, more]: Rest): WordProperty<E> {
  return Object.freeze({ type: 'word', of, words: vocabulary[of], kind, ...more, doc });
}
function words<const W extends string>(list: readonly W[], ...[kind, doc, more]: Rest): WordsProperty<W> {
  return Object.freeze({ type: 'words', words: list, kind, ...more, doc });
}
function name<const W extends string>(list: readonly W[], ...[kind, doc, more]: Rest): NameProperty<W> {
  return Object.freeze({ type: 'name', words: list, kind, ...more, doc });
}
function group<const P extends PlainTable>(kind: PropertyKind, doc: string, properties: P): GroupProperty<P, false> {
  return Object.freeze({ type: 'group', kind, optional: false, properties: Object.freeze(properties), doc });
}
function optionalGroup<const P extends PlainTable>(
  kind: PropertyKind,
  doc: string,
  properties: P,
): GroupProperty<P, true> {
  return Object.freeze({ type: 'group', kind, optional: true, properties: Object.freeze(properties), doc });
}

const resource = {
  name: text('identity', 'Null in the connector dialect, whose kernel knows no names, unless the caller gave one.'),
  role: word('role', 'state', "This node's role."),
  nodeId: number('setting', "DRBD 9: this node's number within the resource."),
  suspended: group('state', 'The reasons for which I/O is suspended. Several may hold.', {
    user: flag(
      'state',
      "By the user's command. DRBD before 8.3.9 has no other, and sets it for the other reasons too.",
    ),
    noData: flag('state', 'No node that is reachable has the data.'),
    fencing: flag('state', 'The peer is to be fenced first.'),
    quorum: flag('state', 'DRBD 9: quorum was lost.'),
  }),
  forceIoFailures: flag('state', 'DRBD 9: requests are answered with errors after a forced demotion.'),
  writeOrdering: word('writeOrdering', 'counter', 'The method by which writes are ordered on the disk.'),
  mayPromote: flag('derived', 'DRBD 9: a promotion would succeed as things stand.'),
  promotionScore: number('derived', 'DRBD 9: how good a place for a promotion this node is.'),
  options: options('setting', 'Options of the resource (res_opts).'),
} as const satisfies PropertyTable;

const device = {
  minor: number('identity', 'The N of /dev/drbdN.'),
  volume: number('identity', 'Number of the device within its resource. Connector: 0.'),
  disk: word('disk', 'state', 'State of the local disk.'),
  client: flag('state', 'DRBD 9: diskless on purpose.'),
  open: flag('state', 'DRBD 9: a process has the device open.'),
  quorum: flag('state', 'DRBD 9: enough nodes are reachable.'),
  backingDevice: text('setting', 'Path of the device that holds the data; null when diskless.'),
  metaDevice: text('setting', 'Path of the device that holds the metadata.'),
  currentUuid: u64(
    'counter',
    'Generation of the data that this node has, bit 0 included (set on a primary); null when diskless.',
  ),
  historyUuids: u64s('counter', 'Earlier generations, the youngest first.'),
  exposedUuid: u64('counter', 'Generation of the data that applications have seen last.'),
  diskFlags: number('counter', 'Flags of the metadata (enum mdf_flag).'),
  stats: optionalGroup('counter', 'Counters; null where none were told.', {
    sizeBytes: bytes('counter', 'Size of the device. Null in the connector dialect, unless the caller gave it.'),
    readBytes: bytes(
      'counter',
      'Read from the backing device. Connector: this and the next wrap at 2 TiB, as do those of a peer device.',
    ),
    writtenBytes: bytes('counter', 'Written to the backing device.'),
    alWrites: u64('counter', 'Writes of the activity log.'),
    bmWrites: u64('counter', 'Writes of the bitmap.'),
    upperPending: number('counter', 'Requests of applications under way.', { unit: 'requests' }),
    lowerPending: number('counter', 'Requests to the backing device under way.', { unit: 'requests' }),
    alSuspended: flag('counter', 'Updates of the activity log are suspended.'),
    upperBlocked: flag('counter', 'DRBD accepts no new requests.'),
    lowerBlocked: flag('counter', 'The backing device is congested.'),
  }),
  options: options('setting', 'Options of the disk and of the device (disk_conf, device_conf).'),
} as const satisfies PropertyTable;

const connection = {
  peerNodeId: number('identity', "DRBD 9: the peer's number within the resource."),
  name: text('identity', "DRBD 9: the connection's name, which is the peer's."),
  state: word(
    'connection',
    'state',
    '`Connected` whenever the peers are connected, whatever the replication does. Its number is, in the connector ' +
      'dialect, that of the packed state, whose numbers from 10 up are all connected; in 8.4, 9 is connected.',
  ),
  role: word('role', 'state', "The peer's role; `Unknown` while not connected."),
  congested: flag('counter', "The network's send buffer is nearly full."),
  protocol: word('protocol', 'setting', 'Replication protocol.'),
  apInFlightBytes: bytes('counter', 'DRBD 9: writes of applications on the way to this peer.'),
  rsInFlightBytes: bytes('counter', 'DRBD 9: resync data on the way to this peer.'),
  options: options('setting', 'Options of the connection (net_conf); in 8.3 those of the resync too.'),
} as const satisfies PropertyTable;

const path = {
  local: address('identity', "This node's address."),
  peer: address('identity', "The peer's address."),
  established: flag('state', 'DRBD 9: the path carries the connection.'),
} as const satisfies PropertyTable;

const peerDevice = {
  volume: number('identity', 'Number of the device within its resource.'),
  replication: word(
    'replication',
    'state',
    'What replication does. The number is the kernel’s own; connector: that of the packed state.',
  ),
  peerDisk: word('disk', 'state', "State of the peer's disk."),
  peerClient: flag('state', 'DRBD 9: the peer is diskless on purpose.'),
  resyncSuspended: group('state', 'The reasons for which resync does not run. Several may hold.', {
    user: flag('state', 'By pause-sync on this node.'),
    peer: flag('state', 'By pause-sync on the peer.'),
    dependency: flag('state', 'Another resync must be done first (resync-after).'),
    maxParallel: flag('state', 'DRBD 9.3: too many other resyncs run.'),
  }),
  resync: optionalGroup(
    'derived',
    'The resync or online verify that is under way or paused; null where there is none.',
    {
      kind: name(resyncKinds, 'derived', 'Whether it copies or compares.'),
      percent: number(
        'derived',
        'How much of this run is done, 0 to 100, with two decimals; null where the kernel does not tell (8.4 while ' +
          'it verifies, without /proc/drbd).',
        { unit: 'percent', follows: 'counter' },
      ),
      etaSeconds: number('derived', 'Estimate of the time left; null where there is none.', {
        unit: 'seconds',
        follows: 'counter',
      }),
      reason: words(resyncReasons, 'derived', 'Why it does not advance; empty while it does.'),
      stalled: flag('counter', 'DRBD 8: no block was done for three minutes.'),
      totalBytes: bytes('counter', 'What this run had to look at when it began.'),
      leftBytes: bytes('counter', 'What this run still has to look at.'),
      bytesPerSecond: u64('counter', 'Speed at present.', { unit: 'bytes/s' }),
      averageBytesPerSecond: u64('counter', 'Speed since the run began, pauses not counted.', { unit: 'bytes/s' }),
      wantedBytesPerSecond: u64('counter', 'Speed that the resync controller asks for.', { unit: 'bytes/s' }),
      elapsedMs: milliseconds('counter', 'DRBD 9: time since the run began.'),
      pausedMs: milliseconds('counter', 'DRBD 9: time for which the run was held.'),
      mark0Ms: milliseconds('counter', 'DRBD 9: age of the older mark of the progress.'),
      mark0Bytes: bytes('counter', 'DRBD 9: done since the older mark.'),
      mark1Ms: milliseconds('counter', 'DRBD 9: age of the younger mark of the progress.'),
      mark1Bytes: bytes('counter', 'DRBD 9: done since the younger mark.'),
      sameChecksumBytes: bytes('counter', 'DRBD 9: found equal by checksums, and not copied.'),
      verifyStartBytes: bytes('counter', 'DRBD 9: where the verify began.'),
      verifyStopBytes: bytes('counter', 'DRBD 9: where the verify will stop; null: at the end.'),
      verifyPositionBytes: bytes('counter', 'DRBD 9: where the verify is.'),
      verifySkippedBytes: bytes('counter', 'DRBD 9: what the verify could not compare.'),
    },
  ),
  outOfSyncBytes: bytes('counter', 'What is known to differ, by the bitmap.'),
  bitmapUuid: u64('counter', 'Generation since which the bitmap of this peer counts; 0 where it is in sync.'),
  peerFlags: number('counter', 'Flags about this peer in the metadata (enum mdf_peer_flag).'),
  uuidFlags: u64('counter', "DRBD 9: flags that came with the peer's generations."),
  stats: optionalGroup('counter', 'Counters; null where none were told.', {
    receivedBytes: bytes('counter', 'Received from this peer.'),
    sentBytes: bytes('counter', 'Sent to this peer.'),
    pending: number('counter', 'Requests sent whose answer is still to come.', { unit: 'requests' }),
    unacked: number('counter', 'Requests received that are still to be answered.', { unit: 'requests' }),
    resyncFailedBytes: bytes('counter', 'What the last or present resync could not copy.'),
  }),
  options: options('setting', 'DRBD 9: options of the resync to this peer (peer_device_conf).'),
} as const satisfies PropertyTable;

const tables = {
  resource: { doc: 'Devices that are replicated together and change their role together.', properties: resource },
  device: { doc: 'A volume of a resource on this node.', properties: device },
  connection: { doc: 'The link to one peer.', properties: connection },
  path: { doc: 'A pair of addresses of a connection.', properties: path },
  peerDevice: { doc: 'A volume as seen through a connection.', properties: peerDevice },
} as const;

type Tables = typeof tables;
/** The properties of each object, with type, unit, kind and documentation. */
export interface Objects extends Tables {}

/**
 * The objects of DRBD and their properties: the one place where either is defined. Types, JSON, schemas, changes,
 * expressions and documentation are made from it.
 */
export const objects: Objects = Object.freeze(tables);

/** `resource`, `device`, `connection`, `path` or `peerDevice`. */
export type ObjectName = keyof Objects;
export const objectNames = Object.freeze(Object.keys(objects) as ObjectName[]);

type LeafValue<P> =
  P extends WordProperty<infer E>
    ? WordOf<E> | `unknown(${number})` | null
    : P extends WordsProperty<infer W>
      ? readonly W[]
      : P extends NameProperty<infer W>
        ? W
        : P extends { readonly type: infer T extends PlainType }
          ? PlainValues[T] | null
          : never;
type PropertyValue<P> =
  P extends GroupProperty<infer G, infer O> ? GroupValues<G> | (O extends true ? null : never) : LeafValue<P>;
type GroupValues<G> = { readonly [N in keyof G]: LeafValue<G[N]> };
type CodesOf<T> = {
  readonly [N in keyof T & string as T[N] extends { readonly type: 'word' } ? `${N}Code` : never]: number | null;
};
type TableValues<T> = { readonly [N in keyof T]: PropertyValue<T[N]> } & CodesOf<T>;

/** The properties of an object, without the objects below it. */
export type Values<K extends ObjectName = ObjectName> = { [N in K]: TableValues<Objects[N]['properties']> }[K];

type TablePaths<T> = {
  [N in keyof T & string]: T[N] extends GroupProperty<infer G> ? N | `${N}.${keyof G & string}` : N;
}[keyof T & string];
/** A property's name as `changed` has it; those within a group are written `stats.readBytes`. */
export type PropertyPath<K extends ObjectName = ObjectName> = {
  [N in K]: TablePaths<Objects[N]['properties']> | (keyof CodesOf<Objects[N]['properties']> & string);
}[K];

type TablePatch<T> = {
  readonly [N in keyof T]?: T[N] extends GroupProperty<infer G>
    ? { readonly [M in keyof G]?: LeafValue<G[M]> } | null
    : PropertyValue<T[N]>;
} & Partial<CodesOf<T>>;
/** Some properties of an object: those that a message told. */
export type Patch<K extends ObjectName = ObjectName> = { [N in K]: TablePatch<Objects[N]['properties']> }[K];
