import { decodeStateWord, isUnconfigured, type StateWord } from '../dialects/state-word';
import { UNCONFIGURED, type ProcDrbd, type ProcDrbdDevice } from '../dialects/proc-drbd';
import type { ByteOrder } from '../netlink';
import type { Helper } from './changes';
import { resyncKind } from './derive';
import { formatPathAddress, type KeyOf } from './keys';
import type { ObjectName, Options, OptionValue, Patch, Property, PropertyPath } from './objects';
import { merged, propertyOf } from './records';
import { optionsOf } from './settings';
import { State, type SetOf, type Update } from './state';
import {
  countOf,
  fieldsOf,
  isFields,
  numberOf,
  optionOf,
  pathAddressOf,
  stringOf,
  toProperty,
  uuidsOf,
  type Fields,
} from './values';
import { codeOf, codeOfOrderingLetter, codeOfProtocol } from './words';

/**
 * What is known of one minor: the tags of the answers to the three read requests, and its line of /proc/drbd. Absent:
 * not asked, or not answered.
 */
export interface ConnectorMinor {
  readonly minor: number;
  /** Of get_state: `state_i`, and `sync_progress` in tenths of a percent. */
  readonly state?: object | undefined;
  /** Of get_uuids: `uuids`. */
  readonly uuids?: object | undefined;
  /** Of get_config: addresses, protocol, devices. */
  readonly config?: object | undefined;
}

/** What the mapping has to know beside a message. */
export interface ConnectorContext {
  readonly driver: { readonly version: string | null; readonly api: number | null };
  /** Byte order of the machine whose kernel answered. */
  readonly order: ByteOrder;
  /** Names of resources by minor, from whoever knows the configuration. */
  readonly names?: MinorNames | undefined;
}

/** Names of resources by minor: a Map, or what looks each up once until it is to forget them. */
export type MinorNames = Pick<ReadonlyMap<number, string>, 'get'> & { forget?(): void };

/** What a state of the connector dialect is made from. */
export interface ConnectorSources extends ConnectorContext {
  readonly minors: readonly ConnectorMinor[];
  /** The counters, which the netlink interface lacks. */
  readonly procDrbd?: ProcDrbd | undefined;
  /** Sizes of the devices by minor, from the block devices. */
  readonly sizesBytes?: ReadonlyMap<number, bigint> | undefined;
  /** False if the caller knows that something is missing. */
  readonly complete?: boolean | undefined;
}

/** The parts that are told apart: of the state word, of the configuration, of /proc/drbd. */
type Part = 'state' | 'config' | 'counters' | 'flags';
type Rows = { readonly [K in ObjectName]: { readonly [P in PropertyPath<K>]?: `${Part}.${string}` } };

/** Which part of what a driver told is which property. */
const ROWS = {
  resource: {
    role: 'state.role',
    'suspended.user': 'state.susp',
    'suspended.noData': 'state.susp_nod',
    'suspended.fencing': 'state.susp_fen',
    writeOrdering: 'counters.writeOrdering',
  },
  device: {
    disk: 'state.disk',
    backingDevice: 'config.backing_dev',
    metaDevice: 'config.meta_dev',
    'stats.readBytes': 'counters.readBytes',
    'stats.writtenBytes': 'counters.writtenBytes',
    'stats.alWrites': 'counters.alWrites',
    'stats.bmWrites': 'counters.bmWrites',
    'stats.upperPending': 'counters.upperPending',
    'stats.lowerPending': 'counters.lowerPending',
    'stats.alSuspended': 'flags.activityLogSuspended',
    'stats.upperBlocked': 'flags.deviceCongested',
    'stats.lowerBlocked': 'flags.backingCongested',
  },
  connection: {
    state: 'state.conn',
    role: 'state.peer',
    congested: 'flags.networkCongested',
    protocol: 'config.wire_protocol',
  },
  path: {},
  peerDevice: {
    replication: 'state.conn',
    peerDisk: 'state.pdsk',
    'resyncSuspended.user': 'state.user_isp',
    'resyncSuspended.peer': 'state.peer_isp',
    'resyncSuspended.dependency': 'state.aftr_isp',
    outOfSyncBytes: 'counters.outOfSyncBytes',
    'stats.receivedBytes': 'counters.receivedBytes',
    'stats.sentBytes': 'counters.sentBytes',
    'stats.pending': 'counters.pending',
    'stats.unacked': 'counters.unacked',
  },
} as const satisfies Rows;

type Parts = { readonly [P in Part]?: Fields | undefined };

/** A row, taken apart. */
interface CompiledRow {
  readonly part: Part;
  readonly field: string;
  readonly property: Property;
  /** Of the property, or of the group that it is a member of. */
  readonly name: string;
  readonly nameOfCode: string;
  readonly member: string | undefined;
}

const compiled: Partial<Record<ObjectName, readonly CompiledRow[]>> = {};

function rowsOf(object: ObjectName): readonly CompiledRow[] {
  return (compiled[object] ??= Object.entries<string>(ROWS[object]).flatMap(([path, source]) => {
    const [part = '', field = ''] = source.split('.');
    const [name = '', member] = path.split('.');
    const property = propertyOf(object, path);
    return property === undefined
      ? []
      : { part: part as Part, field, property, name, nameOfCode: `${name}Code`, member };
  }));
}

function patchOf<K extends ObjectName>(object: K, parts: Parts, order: ByteOrder): Patch<K> {
  const patch: Record<string, unknown> = {};
  for (const { part, field, property, name, nameOfCode, member } of rowsOf(object)) {
    const told = fieldsOf(parts[part])[field];
    if (told === undefined) continue;
    const { value, code } = toProperty(property, told, undefined, 'connector', order);
    if (member !== undefined) ((patch[name] ??= {}) as Record<string, unknown>)[member] = value;
    else {
      patch[name] = value;
      if (code !== undefined) patch[nameOfCode] = code;
    }
  }
  return patch as Patch<K>;
}

/** The parts of a state word, those left out that this release does not have. */
function stateOfWord(word: number, { driver, order }: ConnectorContext): Fields {
  const { susp_nod, susp_fen, ...state } = decodeStateWord(word, order);
  return hasSuspensionReasons(driver.version) ? { ...state, susp_nod, susp_fen } : state;
}

/** susp_nod and susp_fen came with 8.3.9; an older driver leaves the bits zero. */
function hasSuspensionReasons(version: string | null): boolean {
  const [major, minor, patch] =
    /^(\d+)\.(\d+)\.(\d+)/u
      .exec(version ?? '')
      ?.slice(1)
      .map(Number) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) return true;
  return major > 8 || (major === 8 && (minor > 3 || (minor === 3 && patch >= 9)));
}

/** The same from a line of /proc/drbd. Its letter does not tell why I/O is suspended; that it is not excludes all. */
function stateOfLine(line: ProcDrbdDevice): Partial<Record<keyof StateWord, number | boolean | undefined>> {
  const { flags } = line;
  const running = flags?.ioSuspended === false ? { susp: false, susp_nod: false, susp_fen: false } : {};
  return {
    role: codeOf('connector', 'role', line.role) ?? undefined,
    peer: codeOf('connector', 'role', line.peerRole) ?? undefined,
    conn: codeOf('connector', 'connection', line.connection) ?? undefined,
    disk: codeOf('connector', 'disk', line.disk) ?? undefined,
    pdsk: codeOf('connector', 'disk', line.peerDisk) ?? undefined,
    ...running,
    user_isp: flags?.resyncPausedByUser ?? undefined,
    peer_isp: flags?.resyncPausedByPeer ?? undefined,
    aftr_isp: flags?.resyncDependency ?? undefined,
  };
}

/** What a line of /proc/drbd adds: counters, and flags as properties have them. */
function partsOfLine(line: ProcDrbdDevice | undefined): Pick<Parts, 'counters' | 'flags'> {
  if (line === undefined) return {};
  const { counters, flags } = line;
  return {
    ...(counters === null
      ? {}
      : { counters: { ...counters, writeOrdering: codeOfOrderingLetter(counters.writeOrdering) } }),
    ...(flags === null
      ? {}
      : {
          flags: {
            activityLogSuspended: flags.activityLogSuspended,
            deviceCongested: congestionIs(flags, 'd'),
            backingCongested: congestionIs(flags, 'b'),
            networkCongested: congestionIs(flags, 'n'),
          },
        }),
  };
}

/**
 * `a` stands for both backing device and network; with `d` and `c` the kernel does not look any further. Older releases
 * print no letter.
 */
function congestionIs(flags: NonNullable<ProcDrbdDevice['flags']>, letter: 'b' | 'd' | 'n'): boolean | null {
  if (flags.activityLogSuspended === null) return null;
  const { congestion } = flags;
  if (letter !== 'd' && (congestion === 'd' || congestion === 'c')) return null;
  return congestion === letter || (congestion === 'a' && letter !== 'd');
}

function toldOptions(object: ObjectName, config: Fields): Options {
  const options: Record<string, OptionValue> = {};
  for (const { name, field, about } of optionsOf('connector', object)) {
    const value = config[field] === undefined ? undefined : optionOf(about, config[field]);
    if (value !== undefined) options[name] = value;
  }
  return Object.freeze(options);
}

const setOf = <K extends ObjectName>(object: K, key: KeyOf<K>, patch: Patch<K>): SetOf<K> => ({
  action: 'set',
  object,
  key,
  patch,
});

/** A minor's updates, and whether it has a configuration. Undefined: nothing is known of its state. */
export interface MinorUpdates {
  readonly unconfigured: boolean | undefined;
  readonly updates: readonly Update[];
}

/**
 * Maps what is known of a minor; what is not known is left as it is. A minor with a disk or a network configuration is
 * a resource with one device (volume 0) and one connection, `StandAlone` where there is no network configuration, since
 * state and out-of-sync count of the peer's disk outlive it. One without either, which `down` leaves behind until the
 * module is unloaded, is no resource, so that a resource that was taken down is gone in every dialect.
 */
export function updatesOfMinor(
  { minor, state, uuids, config }: ConnectorMinor,
  context: ConnectorContext,
  beside: {
    readonly line?: ProcDrbdDevice | undefined;
    readonly sizeBytes?: bigint | undefined;
  } = {},
): MinorUpdates {
  const { line, sizeBytes } = beside;
  const { order } = context;
  const word = numberOf(fieldsOf(state)['state_i']);
  const unconfigured =
    word !== null ? isUnconfigured(word, order) : line === undefined ? undefined : line.connection === UNCONFIGURED;
  const resource = { minor };
  if (unconfigured === true)
    return { unconfigured, updates: [{ action: 'destroy', object: 'resource', key: resource }] };
  const stated = word !== null ? stateOfWord(word, context) : line === undefined ? undefined : stateOfLine(line);
  const letter = codeOfProtocol(line?.protocol ?? null);
  const told = isFields(config) ? config : undefined;
  const parts: Parts = {
    state: stated,
    config:
      told !== undefined && Object.keys(told).length > 0 ? told : letter === null ? told : { wire_protocol: letter },
    ...partsOfLine(line),
  };
  const name = context.names?.get(minor);
  const generations = isFields(uuids) ? uuidsOf(uuids['uuids'], order) : undefined;
  const device = patchOf<'device'>('device', parts, order);
  const key = { ...resource, volume: 0 };
  const updates: Update[] = [
    setOf<'resource'>(
      'resource',
      resource,
      merged<'resource'>(patchOf<'resource'>('resource', parts, order), name === undefined ? {} : { name }),
    ),
    setOf<'device'>(
      'device',
      key,
      merged<'device'>(
        device,
        told === undefined
          ? {}
          : {
              backingDevice: stringOf(told['backing_dev']),
              metaDevice: stringOf(told['meta_dev']),
              options: toldOptions('device', told),
            },
        device.disk === 'Diskless' ? { backingDevice: null, metaDevice: null } : {},
        generations === undefined ? {} : generationsOf(generations),
        sizeBytes === undefined ? {} : { stats: Object.assign({}, device.stats, { sizeBytes }) },
        { minor },
      ),
    ),
    setOf<'connection'>(
      'connection',
      resource,
      merged<'connection'>(
        patchOf<'connection'>('connection', parts, order),
        told === undefined ? {} : { options: toldOptions('connection', told) },
      ),
    ),
    ...(told === undefined ? [] : pathOf(minor, told, order)),
    setOf<'peerDevice'>('peerDevice', key, peerDeviceOf(parts, fieldsOf(state), generations, line, order)),
  ];
  return { unconfigured, updates };
}

/** All are zero where there is no disk to have them. */
function generationsOf([current = 0n, , ...history]: readonly bigint[]): Patch<'device'> {
  if (current === 0n) return { currentUuid: null, historyUuids: null };
  return { currentUuid: current, historyUuids: history.filter((uuid) => uuid !== 0n) };
}

function pathOf(minor: number, config: Fields, order: ByteOrder): readonly Update[] {
  const local = pathAddressOf(config['my_addr'], order);
  const peer = pathAddressOf(config['peer_addr'], order);
  if (local === null && peer === null) return [];
  const key = { minor, local: formatPathAddress(local), peer: formatPathAddress(peer) };
  return [setOf<'path'>('path', key, { local, peer })];
}

function peerDeviceOf(
  parts: Parts,
  state: Fields,
  generations: readonly bigint[] | undefined,
  line: ProcDrbdDevice | undefined,
  order: ByteOrder,
): Patch<'peerDevice'> {
  const patch = patchOf<'peerDevice'>('peerDevice', parts, order);
  const kind = resyncKind(patch.replication ?? null);
  // /proc/drbd was read at another moment: what it says of a run of the other kind is not about this one.
  const proc = line?.progress?.kind === kind ? line?.progress : undefined;
  const permille = countOf(state['sync_progress']);
  const percent =
    permille !== null && permille <= 1000
      ? permille / 10
      : proc === undefined
        ? null
        : Math.min(100, proc.printedPercent);
  const run: Patch<'peerDevice'>['resync'] = Object.assign(
    {},
    percent === null ? {} : { percent },
    proc === undefined
      ? {}
      : {
          stalled: proc.stalled,
          etaSeconds: proc.etaSeconds,
          bytesPerSecond: proc.bytesPerSecond,
          averageBytesPerSecond: proc.averageBytesPerSecond,
          totalBytes: proc.totalBytes,
          leftBytes: proc.leftBytes,
        },
  );
  return merged<'peerDevice'>(
    patch,
    generations === undefined ? {} : { bitmapUuid: generations[1] ?? null },
    kind === null ? {} : { resync: run },
  );
}

/**
 * Makes a state of what a DRBD 8.0-8.3 driver answered, by minor. A minor whose state was not answered is taken from
 * /proc/drbd, and left out if that lacks it too. Whatever the answers hold, it does not throw.
 */
export function stateFromConnector(sources: ConnectorSources): State {
  const { procDrbd, driver } = sources;
  const version = driver.version ?? procDrbd?.version ?? null;
  const context = { order: sources.order, names: sources.names, driver: { ...driver, version } };
  const proc = new Map(procDrbd?.devices.map((device) => [device.minor, device]));
  const asked = new Map(sources.minors.map((minor) => [minor.minor, minor]));
  const facts = { dialect: 'connector', driver: version, api: driver.api ?? procDrbd?.api ?? null } as const;
  const unconfiguredMinors: number[] = [];
  let complete = sources.complete ?? true;
  let state = State.empty({ ...facts, complete });
  for (const minor of [...new Set([...asked.keys(), ...proc.keys()])].sort((a, b) => a - b)) {
    const answers = asked.get(minor) ?? { minor };
    const line = proc.get(minor);
    if (numberOf(fieldsOf(answers.state)['state_i']) === null) complete = false;
    const { unconfigured, updates } = updatesOfMinor(answers, context, {
      line,
      sizeBytes: sources.sizesBytes?.get(minor),
    });
    if (unconfigured === undefined) continue;
    if (unconfigured) unconfiguredMinors.push(minor);
    else for (const update of updates) ({ state } = state.apply(update));
  }
  return state.withSource({ ...facts, complete }).withUnconfiguredMinors(unconfiguredMinors);
}

/** A message of the connector dialect, as it was decoded: a broadcast, or an answer that somebody got. */
export interface ConnectorMessage {
  readonly name: string;
  readonly minor: number;
  readonly tags: Fields;
}

/** What a message of the connector dialect says. */
export interface ConnectorNotice extends MinorUpdates {
  readonly minor: number;
  readonly helper?: Helper;
}

/**
 * Reads one message: get_state sets all states of its minor, get_config and get_uuids the rest, sync_progress how far a
 * run has come; call_helper changes nothing.
 * @returns undefined for a message that says nothing of the state
 */
export function noticeOfConnector(
  { name, minor, tags }: ConnectorMessage,
  context: ConnectorContext,
): ConnectorNotice | undefined {
  switch (name) {
    case 'get_state':
      return { minor, ...updatesOfMinor({ minor, state: tags }, context) };
    case 'get_config':
      return { minor, ...updatesOfMinor({ minor, config: tags }, context) };
    case 'get_uuids':
      return { minor, ...updatesOfMinor({ minor, uuids: tags }, context) };
    case 'sync_progress': {
      const permille = countOf(tags['sync_progress']);
      if (permille === null || permille > 1000) return undefined;
      const update = setOf<'peerDevice'>('peerDevice', { minor, volume: 0 }, { resync: { percent: permille / 10 } });
      return { minor, unconfigured: undefined, updates: [update] };
    }
    case 'call_helper': {
      const helper: Helper = { name: stringOf(tags['helper']) ?? '', phase: 'call', status: null };
      return { minor, unconfigured: undefined, updates: [], helper };
    }
    default:
      return undefined;
  }
}
