import { decodeStateWord } from '../dialects/state-word';
import type { ProcDrbd, ProcDrbdDevice } from '../dialects/proc-drbd';
import { attributeSets as genl1Sets } from '../dialects/genl1';
import { connectionStates } from '../dialects/genl1/codes';
import { attributeSets as genl2Sets } from '../dialects/genl2';
import { notificationTypes } from '../dialects/genl2/codes';
import type { ByteOrder } from '../netlink';
import type { AttributeSet, Unit } from '../schema';
import type { Helper } from './changes';
import { resyncKind } from './derive';
import { formatPathAddress, type ConnectionKey, type DeviceKey, type KeyOf, type ResourceKey } from './keys';
import type { ObjectName, Options, OptionValue, Patch, Property, PropertyPath } from './objects';
import { merged, propertyOf } from './records';
import { OPTION_SETS, optionsOf, type Option } from './settings';
import { State, type SetOf, type SetUpdate, type Update } from './state';
import {
  bigintOf,
  countOf,
  fieldsOf,
  isFields,
  numberOf,
  optionOf,
  pathAddressOf,
  stringOf,
  toProperty,
  type Fields,
} from './values';
import { codeOfOrderingLetter } from './words';

type GenericDialect = 'genl1' | 'genl2';

type FieldPath = {
  [S in keyof typeof genl2Sets]: `${S}.${keyof (typeof genl2Sets)[S]['fields'] & string}`;
}[keyof typeof genl2Sets];
type Rows = { readonly [K in ObjectName]: { readonly [P in PropertyPath<K>]?: FieldPath | readonly FieldPath[] } };

/**
 * Which field of which attribute set is which property. A dialect without the field has no such row; of several fields
 * the first that a message has counts. Units and types come from the two tables.
 */
const ROWS = {
  resource: {
    role: 'resource_info.res_role',
    nodeId: 'res_opts.node_id',
    'suspended.user': 'resource_info.res_susp',
    'suspended.noData': 'resource_info.res_susp_nod',
    'suspended.fencing': 'resource_info.res_susp_fen',
    'suspended.quorum': 'resource_info.res_susp_quorum',
    forceIoFailures: 'resource_info.res_fail_io',
    writeOrdering: 'resource_statistics.res_stat_write_ordering',
  },
  device: {
    disk: 'device_info.dev_disk_state',
    client: 'device_info.is_intentional_diskless',
    open: 'device_info.dev_is_open',
    quorum: 'device_info.dev_has_quorum',
    backingDevice: ['device_info.backing_dev_path', 'disk_conf.backing_dev'],
    metaDevice: 'disk_conf.meta_dev',
    currentUuid: 'device_statistics.dev_current_uuid',
    historyUuids: 'device_statistics.history_uuids',
    exposedUuid: 'device_statistics.dev_exposed_data_uuid',
    diskFlags: 'device_statistics.dev_disk_flags',
    'stats.sizeBytes': 'device_statistics.dev_size',
    'stats.readBytes': 'device_statistics.dev_read',
    'stats.writtenBytes': 'device_statistics.dev_write',
    'stats.alWrites': 'device_statistics.dev_al_writes',
    'stats.bmWrites': 'device_statistics.dev_bm_writes',
    'stats.upperPending': 'device_statistics.dev_upper_pending',
    'stats.lowerPending': 'device_statistics.dev_lower_pending',
    'stats.alSuspended': 'device_statistics.dev_al_suspended',
    'stats.upperBlocked': 'device_statistics.dev_upper_blocked',
    'stats.lowerBlocked': 'device_statistics.dev_lower_blocked',
  },
  connection: {
    state: 'connection_info.conn_connection_state',
    role: 'connection_info.conn_role',
    congested: 'connection_statistics.conn_congested',
    protocol: 'net_conf.wire_protocol',
    apInFlightBytes: 'connection_statistics.ap_in_flight',
    rsInFlightBytes: 'connection_statistics.rs_in_flight',
  },
  path: { established: 'drbd_path_info.path_established' },
  peerDevice: {
    replication: 'peer_device_info.peer_repl_state',
    peerDisk: 'peer_device_info.peer_disk_state',
    peerClient: 'peer_device_info.peer_is_intentional_diskless',
    'resyncSuspended.user': 'peer_device_info.peer_resync_susp_user',
    'resyncSuspended.peer': 'peer_device_info.peer_resync_susp_peer',
    'resyncSuspended.dependency': 'peer_device_info.peer_resync_susp_dependency',
    'resyncSuspended.maxParallel': 'peer_device_info.peer_resync_susp_max_parallel',
    'resync.totalBytes': 'peer_device_statistics.peer_dev_rs_total',
    'resync.wantedBytesPerSecond': 'peer_device_statistics.peer_dev_rs_c_sync_rate',
    'resync.elapsedMs': 'peer_device_statistics.peer_dev_rs_dt_start_ms',
    'resync.pausedMs': 'peer_device_statistics.peer_dev_rs_paused_ms',
    'resync.mark0Ms': 'peer_device_statistics.peer_dev_rs_dt0_ms',
    'resync.mark0Bytes': 'peer_device_statistics.peer_dev_rs_db0_sectors',
    'resync.mark1Ms': 'peer_device_statistics.peer_dev_rs_dt1_ms',
    'resync.mark1Bytes': 'peer_device_statistics.peer_dev_rs_db1_sectors',
    'resync.sameChecksumBytes': 'peer_device_statistics.peer_dev_rs_same_csum',
    'resync.verifyStartBytes': 'peer_device_statistics.peer_dev_ov_start_sector',
    'resync.verifyStopBytes': 'peer_device_statistics.peer_dev_ov_stop_sector',
    'resync.verifyPositionBytes': 'peer_device_statistics.peer_dev_ov_position',
    'resync.verifySkippedBytes': 'peer_device_statistics.peer_dev_ov_skipped',
    outOfSyncBytes: 'peer_device_statistics.peer_dev_out_of_sync',
    bitmapUuid: 'peer_device_statistics.peer_dev_bitmap_uuid',
    peerFlags: 'peer_device_statistics.peer_dev_flags',
    uuidFlags: 'peer_device_statistics.peer_dev_uuid_flags',
    'stats.receivedBytes': 'peer_device_statistics.peer_dev_received',
    'stats.sentBytes': 'peer_device_statistics.peer_dev_sent',
    'stats.pending': 'peer_device_statistics.peer_dev_pending',
    'stats.unacked': 'peer_device_statistics.peer_dev_unacked',
    'stats.resyncFailedBytes': 'peer_device_statistics.peer_dev_resync_failed',
  },
} as const satisfies Rows;

interface Source {
  readonly set: string;
  readonly field: string;
  readonly unit: Unit | undefined;
}
interface Row {
  readonly name: string;
  readonly member: string | undefined;
  readonly property: Property;
  readonly sources: readonly Source[];
}
interface Plan {
  readonly rows: readonly Row[];
  /** The options by the kernel's names, and the sets that hold them. */
  readonly options: ReadonlyMap<string, Option>;
  readonly optionSets: readonly string[];
}

type SetTable = Readonly<Record<string, AttributeSet>>;
/** A program speaks one of them, and the tables of the other are not loaded for it. */
const SETS: Readonly<Record<GenericDialect, SetTable>> = {
  get genl1() {
    return genl1Sets;
  },
  get genl2() {
    return genl2Sets;
  },
};
const plans = new Map<string, Plan>();

/** Finds the rows that a dialect has, once. */
function planOf(dialect: GenericDialect, object: ObjectName): Plan {
  const key = `${dialect} ${object}`;
  const known = plans.get(key);
  if (known !== undefined) return known;
  const sets = SETS[dialect];
  const rows = Object.entries<FieldPath | readonly FieldPath[]>(ROWS[object]).flatMap(([path, fields]): Row[] => {
    const property = propertyOf(object, path);
    const sources = [fields].flat().flatMap((text: string): Source[] => {
      const [set = '', field = ''] = text.split('.');
      const found = sets[set]?.fields[field];
      return found === undefined ? [] : [{ set, field, unit: found.unit }];
    });
    const [name = '', member] = path.split('.');
    return property === undefined || sources.length === 0 ? [] : [{ name, member, property, sources }];
  });
  const options = new Map(optionsOf(dialect, object).map((option) => [option.field, option]));
  const plan = { rows, options, optionSets: OPTION_SETS[object] };
  plans.set(key, plan);
  return plan;
}

/** One message of a dump: the header's minor, and the attribute sets by their struct's name. */
export interface GenericReply {
  readonly minor?: number | undefined;
  readonly [set: string]: unknown;
}

/** What the mapping has to know beside a message. */
export interface GenericContext {
  readonly dialect: GenericDialect;
  /** Byte order of the machine whose kernel answered. */
  readonly order: ByteOrder;
  /** 8.4: a connection without addresses is an object too, as its drbdsetup prints it. */
  readonly bareConnections?: boolean;
}

/** Reads the properties of one object off the sets of a message; what the message does not tell is left out. */
function patchOf<K extends ObjectName>(object: K, sets: Fields, { dialect, order }: GenericContext): Patch<K> {
  const plan = planOf(dialect, object);
  const patch: Record<string, unknown> = {};
  for (const { name, member, property, sources } of plan.rows) {
    let source: Source | undefined;
    let told: unknown;
    for (const candidate of sources) {
      const fields = sets[candidate.set];
      told = isFields(fields) ? fields[candidate.field] : undefined;
      if (told === undefined) continue;
      source = candidate;
      break;
    }
    if (source === undefined) continue;
    const { value, code } = toProperty(property, told, source.unit, dialect, order);
    if (member === undefined) {
      patch[name] = value;
      if (code !== undefined) patch[`${name}Code`] = code;
    } else {
      ((patch[name] ??= {}) as Record<string, unknown>)[member] = value;
    }
  }
  const optionSets = plan.optionSets.filter((set) => isFields(sets[set]));
  if (optionSets.length > 0) patch['options'] = toldOptions(optionSets, sets, plan.options);
  return patch as Patch<K>;
}

function toldOptions(told: readonly string[], sets: Fields, known: ReadonlyMap<string, Option>): Options {
  const options: Record<string, OptionValue> = {};
  for (const set of told) {
    for (const [field, value] of Object.entries(fieldsOf(sets[set]))) {
      const option = known.get(field);
      const word = option === undefined ? undefined : optionOf(option.about, value);
      if (option !== undefined && word !== undefined) options[option.name] = word;
    }
  }
  return Object.freeze(options);
}

/** Without a disk there is neither a backing device nor a generation: the kernel says 0, or nothing. */
function deviceOf(sets: Fields, context: GenericContext): Patch<'device'> {
  const patch = patchOf<'device'>('device', sets, context);
  const { historyUuids: history, currentUuid: current } = patch;
  const none = current === 0n || current === null;
  return merged<'device'>(
    patch,
    history === undefined || history === null
      ? {}
      : { historyUuids: none ? null : history.filter((uuid) => uuid !== 0n) },
    none ? { currentUuid: null } : {},
    patch.disk === 'Diskless' ? { backingDevice: null, metaDevice: null } : {},
  );
}

const VERIFY = 'verify';

/** What a run still has to look at, as drbdsetup of DRBD 9 counts it. */
function leftOf(patch: Patch<'peerDevice'>, statistics: Fields, failed: bigint | null | undefined): bigint | null {
  const verify = resyncKind(patch.replication ?? null) === VERIFY;
  const verifyLeft = bigintOf(statistics['peer_dev_ov_left']) ?? 0n;
  if (verifyLeft !== 0n || verify) return verifyLeft * 512n;
  const outOfSync = patch.outOfSyncBytes ?? null;
  if (outOfSync === null) return null;
  return outOfSync > (failed ?? 0n) ? outOfSync - (failed ?? 0n) : 0n;
}

function peerDeviceOf(sets: Fields, context: GenericContext): Patch<'peerDevice'> {
  const patch = patchOf<'peerDevice'>('peerDevice', sets, context);
  const statistics = sets['peer_device_statistics'];
  const resync = patch.resync ?? undefined;
  if (context.dialect === 'genl2' && isFields(statistics) && resync !== undefined) {
    // A total of 0 says that no run is counted.
    const totalBytes = resync.totalBytes === 0n ? null : (resync.totalBytes ?? null);
    const leftBytes = totalBytes === null ? null : leftOf(patch, statistics, patch.stats?.resyncFailedBytes);
    return merged<'peerDevice'>(patch, { resync: Object.assign({}, resync, { totalBytes, leftBytes }) });
  }
  const progress = progressOf(sets, patch);
  return progress === undefined ? patch : merged<'peerDevice'>(patch, { resync: progress });
}

/**
 * The progress of a run in 8.4. `bits_oos` of state_info counts what is left of a resync but not of a verify, for which
 * there is only /proc/drbd; that was read at another moment, and what it says of a run of the other kind is not about
 * this one.
 */
function progressOf(sets: Fields, patch: Patch<'peerDevice'>): Patch<'peerDevice'>['resync'] | undefined {
  const kind = resyncKind(patch.replication ?? null);
  if (kind === null) return undefined;
  const line = sets[PROC_LINE] as ProcDrbdDevice | undefined;
  const proc = line?.progress?.kind === kind ? line.progress : null;
  const info = fieldsOf(sets['state_info']);
  const [total, outOfSync] = [bigintOf(info['bits_rs_total']), bigintOf(info['bits_oos'])];
  const failed = bigintOf(info['bits_rs_failed']) ?? 0n;
  const measured = kind === 'sync' && total !== null && outOfSync !== null;
  return {
    stalled: proc?.stalled ?? null,
    etaSeconds: proc?.etaSeconds ?? null,
    percent: proc === null ? null : Math.min(100, proc.printedPercent),
    bytesPerSecond: proc?.bytesPerSecond ?? null,
    averageBytesPerSecond: proc?.averageBytesPerSecond ?? null,
    totalBytes: measured ? total * BITMAP_BIT_BYTES : (proc?.totalBytes ?? null),
    leftBytes: measured ? (outOfSync > failed ? outOfSync - failed : 0n) * BITMAP_BIT_BYTES : (proc?.leftBytes ?? null),
  };
}

/** A bit of the bitmap stands for 4 KiB, eight sectors. */
const BITMAP_BIT_BYTES = 4096n;
const BITMAP_BIT_SECTORS = 8n;
/** The line of /proc/drbd beside the sets of a message. */
const PROC_LINE = 'proc_drbd';

/** What a message is about. Undefined where its context does not say. */
function resourceKey(sets: Fields): ResourceKey | undefined {
  const name = stringOf(fieldsOf(sets['context'])['ctx_resource_name']);
  return name === null ? undefined : { resource: name };
}

function volumeOf(sets: Fields): number | undefined {
  return countOf(fieldsOf(sets['context'])['ctx_volume']) ?? undefined;
}

/** @returns undefined for a connection without addresses, which 8.4 has before `connect`: it is not an object */
function connectionKey(
  sets: Fields,
  resource: ResourceKey,
  { dialect, order, bareConnections = false }: GenericContext,
): ConnectionKey | undefined {
  const { ctx_peer_node_id: id, ctx_my_addr: mine, ctx_peer_addr: theirs } = fieldsOf(sets['context']);
  if (dialect === 'genl2') {
    const peerNodeId = countOf(id);
    return peerNodeId === null ? undefined : { ...resource, peerNodeId };
  }
  const [local, peer] = [pathAddressOf(mine, order), pathAddressOf(theirs, order)];
  return local === null && peer === null && !bareConnections
    ? undefined
    : { ...resource, local: formatPathAddress(local), peer: formatPathAddress(peer) };
}

interface Place {
  readonly key: KeyOf;
  /** Makes the update of the object itself, and of what comes with it. */
  updates(action: SetUpdate['action'], sets: Fields): readonly SetUpdate[];
}

const setOf = <K extends ObjectName>(
  action: SetOf<K>['action'],
  object: K,
  key: KeyOf<K>,
  patch: Patch<K>,
): SetOf<K> => ({ action, object, key, patch });

/** Finds the object that a message of a kind is about. */
function placeOf(
  object: ObjectName,
  minor: number | undefined,
  sets: Fields,
  context: GenericContext,
): Place | undefined {
  const resource = resourceKey(sets);
  if (resource === undefined) return undefined;
  const volume = volumeOf(sets);
  switch (object) {
    case 'resource':
      return {
        key: resource,
        updates: (action, told) => [
          setOf<'resource'>(action, 'resource', resource, patchOf<'resource'>('resource', told, context)),
        ],
      };
    case 'device': {
      if (volume === undefined) return undefined;
      const key: DeviceKey = { ...resource, volume, ...(minor === undefined ? {} : { minor }) };
      return { key, updates: (action, told) => [setOf<'device'>(action, 'device', key, deviceOf(told, context))] };
    }
    case 'connection': {
      const key = connectionKey(sets, resource, context);
      if (key === undefined) return undefined;
      const name = stringOf(fieldsOf(sets['context'])['ctx_conn_name']);
      return {
        key,
        updates: (action, told) => [
          setOf<'connection'>(
            action,
            'connection',
            key,
            merged<'connection'>(patchOf<'connection'>('connection', told, context), name === null ? {} : { name }),
          ),
          ...pathsOfConnection(action, key, sets, context),
        ],
      };
    }
    case 'path': {
      const connection = connectionKey(sets, resource, context);
      const { ctx_my_addr: mine, ctx_peer_addr: theirs } = fieldsOf(sets['context']);
      const [local, peer] = [pathAddressOf(mine, context.order), pathAddressOf(theirs, context.order)];
      if (connection === undefined || (local === null && peer === null)) return undefined;
      const key = { ...connection, local: formatPathAddress(local), peer: formatPathAddress(peer) };
      return {
        key,
        updates: (action, told) => [
          setOf<'path'>(action, 'path', key, merged<'path'>(patchOf<'path'>('path', told, context), { local, peer })),
        ],
      };
    }
    case 'peerDevice': {
      const connection = connectionKey(sets, resource, context);
      if (connection === undefined || volume === undefined) return undefined;
      const key = { ...connection, volume };
      return {
        key,
        updates: (action, told) => [setOf<'peerDevice'>(action, 'peerDevice', key, peerDeviceOf(told, context))],
      };
    }
  }
}

/**
 * The paths that a message about a connection tells. 8.4 has one, the connection's addresses, and no messages about it;
 * DRBD 9's lists all of them.
 */
function pathsOfConnection(
  action: SetUpdate['action'],
  connection: ConnectionKey,
  sets: Fields,
  { dialect, order }: GenericContext,
): readonly SetUpdate[] {
  const { ctx_my_addr: mine, ctx_peer_addr: theirs } = fieldsOf(sets['context']);
  const listed = sets['path_parms'];
  const told: readonly unknown[] =
    dialect === 'genl1' ? [{ my_addr: mine, peer_addr: theirs }] : Array.isArray(listed) ? listed : [];
  return told.flatMap((pair): readonly SetUpdate[] => {
    const local = pathAddressOf(fieldsOf(pair)['my_addr'], order);
    const peer = pathAddressOf(fieldsOf(pair)['peer_addr'], order);
    if (local === null && peer === null) return [];
    const key = { ...connection, local: formatPathAddress(local), peer: formatPathAddress(peer) };
    return [setOf<'path'>(action, 'path', key, { local, peer })];
  });
}

/** The dumps of a module: get_resources, get_devices, get_connections, get_peer_devices. */
export interface GenericDumps {
  readonly resources: readonly GenericReply[];
  readonly devices: readonly GenericReply[];
  readonly connections: readonly GenericReply[];
  readonly peerDevices: readonly GenericReply[];
}

/** What a state of a generic netlink dialect is made from. */
export interface GenericSources extends GenericContext {
  readonly driver: { readonly version: string | null; readonly api: number | null };
  /** What a recording does not hold is absent. */
  readonly dumps: Partial<GenericDumps>;
  /** Messages of get_initial_state, which is read in one go: states, statistics, and the paths of DRBD 9. */
  readonly initial?: readonly GenericMessage[] | undefined;
  /** 8.4, get_status: one message for each device. It tells how large a resync is. */
  readonly status?: readonly GenericReply[] | undefined;
  /** 8.4: estimates of time, and the progress of a verify, which the netlink interface lacks. */
  readonly procDrbd?: ProcDrbd | undefined;
  /** False if the caller knows that something is missing. */
  readonly complete?: boolean | undefined;
}

const DUMPED = [
  ['resource', 'resources'],
  ['device', 'devices'],
  ['connection', 'connections'],
  ['peerDevice', 'peerDevices'],
] as const;

/**
 * Makes a state of what a module answered. The dumps are taken one after the other, so an object may be in one and its
 * parent not in another: such a parent is made up with nulls, and `source.complete` is false, as it is where the device
 * behind a connection is missing, or a message does not say what it is about. Whatever the answers hold, it does not
 * throw.
 */
export function stateFromGeneric(sources: GenericSources): State {
  const { dialect, driver, dumps, procDrbd } = sources;
  const proc = new Map(procDrbd?.devices.map((device) => [device.minor, device]));
  const infos = new Map<number, unknown>();
  for (const { minor, state_info: info } of sources.status ?? []) if (minor !== undefined) infos.set(minor, info);
  let complete = sources.complete ?? true;
  const facts = { dialect, driver: driver.version ?? procDrbd?.version ?? null, api: driver.api };
  const updates: SetUpdate[] = [];
  const volumes = new Map<string, number>();
  for (const [object, name] of DUMPED) {
    for (const reply of dumps[name] ?? []) {
      const place = placeOf(object, reply.minor, reply, sources);
      if (place === undefined) {
        // Only a connection may be nothing to tell of.
        if (object === 'resource' || object === 'device') complete = false;
        continue;
      }
      const { resource = '' } = place.key;
      if (object === 'device' && reply.minor !== undefined) volumes.set(`${resource}/${volumeOf(reply)}`, reply.minor);
      const minor = reply.minor ?? volumes.get(`${resource}/${volumeOf(reply)}`);
      const told =
        object !== 'peerDevice' || minor === undefined || dialect === 'genl2'
          ? reply
          : { ...reply, [PROC_LINE]: proc.get(minor), state_info: infos.get(minor) ?? reply['state_info'] };
      updates.push(...place.updates('create', told));
    }
  }
  const loaded = State.empty({ ...facts, complete: true }).load(updates);
  let { state } = loaded;
  // A parent that came or went between the dumps.
  if (loaded.madeUp) complete = false;
  if (sources.initial !== undefined) {
    const checked = checkInitial(state, sources.initial, sources, objectsIn(dumps));
    ({ state } = checked);
    if (!checked.same) complete = false;
  }
  if (complete && !isWhole(state)) complete = false;
  return state.withSource({ ...facts, complete });
}

function objectsIn(dumps: Partial<GenericDumps>): ReadonlySet<ObjectName> {
  return new Set(DUMPED.flatMap(([object, name]) => (dumps[name] === undefined ? [] : [object])));
}

/**
 * Takes from the initial state the paths, and the objects of which there is no dump, and compares the rest with the
 * dumps: it was read in one go, and before them, so that where a state or the set of objects differs, something changed
 * in between.
 */
function checkInitial(
  read: State,
  initial: readonly GenericMessage[],
  context: GenericContext,
  dumped: ReadonlySet<ObjectName>,
): { readonly state: State; readonly same: boolean } {
  let state = read;
  let same = true;
  const seen = new Set<string>();
  for (const message of initial) {
    for (const update of noticeOf(message, context)?.updates ?? []) {
      const { state: next, own, others } = state.apply(update);
      if (update.object === 'path' || !dumped.has(update.object)) state = next;
      else if (own.action === 'create' || own.changed.some((name) => propertyOf(own.object, name)?.kind === 'state'))
        same = false;
      if (others.some(({ action }) => action === 'create')) same = false;
      seen.add(`${update.object} ${JSON.stringify(own.key)}`);
    }
  }
  return { state, same: same && [...state.entries()].length === seen.size };
}

/** The kernel lists a peer device for each pair of device and connection. */
function isWhole(state: State): boolean {
  return state.snapshot.resources.every(({ devices, connections }) =>
    connections.every(
      ({ peerDevices }) =>
        peerDevices.length === devices.length && devices.every(({ volume }, at) => peerDevices[at]?.volume === volume),
    ),
  );
}

/** A notification, or a message of get_initial_state, as it was decoded. */
export interface GenericMessage {
  /** The operation: `device_state`, `helper`, … */
  readonly name: string;
  readonly minor?: number | undefined;
  readonly sequence?: number;
  readonly sets: Fields;
}

/** What a notification says, for whatever dialect. */
export interface Notice {
  readonly action: 'exists' | 'create' | 'change' | 'destroy' | 'rename' | 'helper';
  readonly object: ObjectName;
  readonly key: KeyOf;
  /** What to do, that of the object itself first. None for a helper. */
  readonly updates: readonly Update[];
  /** Further notifications of the same change follow. */
  readonly more: boolean;
  readonly helper?: Helper;
}

const NOTIFIED: Readonly<Record<string, ObjectName>> = {
  resource_state: 'resource',
  device_state: 'device',
  connection_state: 'connection',
  path_state: 'path',
  peer_device_state: 'peerDevice',
};

/**
 * Reads one notification.
 * @returns undefined for a message that is none, is of no object (initial_state_done), or does not say of which
 */
export function noticeOf({ name, minor, sets }: GenericMessage, context: GenericContext): Notice | undefined {
  const type = numberOf(fieldsOf(sets['drbd_notification_header'])['nh_type']);
  if (type === null) return undefined;
  const more = (type & notificationTypes.NOTIFY_CONTINUES) !== 0;
  const what = type & ~notificationTypes.NOTIFY_CONTINUES;
  if (name === 'helper') return helperNotice(minor, sets, context, more, what);
  const object = NOTIFIED[name];
  if (object === undefined) return undefined;
  const place = placeOf(object, minor, sets, context);
  if (place === undefined) return undefined;
  const { key } = place;
  if (what === notificationTypes.NOTIFY_RENAME) {
    const to = stringOf(fieldsOf(sets['rename_resource_info'])['res_new_name']);
    const updates: Update[] = to === null ? [] : [{ action: 'rename', object: 'resource', key, name: to }];
    return { action: 'rename', object: 'resource', key, updates, more };
  }
  if (what === notificationTypes.NOTIFY_DESTROY)
    return { action: 'destroy', object, key, updates: [{ action: 'destroy', object, key } as Update], more };
  const action =
    what === notificationTypes.NOTIFY_EXISTS
      ? 'exists'
      : what === notificationTypes.NOTIFY_CREATE
        ? 'create'
        : 'change';
  return { action, object, key, updates: place.updates(action === 'create' ? 'create' : 'set', sets), more };
}

/** A helper is called for a device, for a connection, or for a resource. */
function helperNotice(
  minor: number | undefined,
  sets: Fields,
  context: GenericContext,
  more: boolean,
  what: number,
): Notice | undefined {
  const info = fieldsOf(sets['drbd_helper_info']);
  const call = what === notificationTypes.NOTIFY_CALL;
  const helper: Helper = {
    name: stringOf(info['helper_name']) ?? '',
    phase: call ? 'call' : 'response',
    status: call ? null : countOf(info['helper_status']),
  };
  const object = (['peerDevice', 'device', 'connection', 'resource'] as const).find(
    (name) => placeOf(name, minor, sets, context) !== undefined,
  );
  const place = object === undefined ? undefined : placeOf(object, minor, sets, context);
  if (object === undefined || place === undefined) return undefined;
  return { action: 'helper', object, key: place.key, updates: [], more, helper };
}

/** A role's number is the lower the more it may do, and 0 is none. */
const NO_ROLE = 0;

/**
 * Makes of get_status, the one dump of modules before 8.4.6, the dumps that later ones have.
 * @param replies one for each device, with its resource and its connection
 * @param proc what /proc/drbd says: it has counters that get_status lacks
 */
export function dumpsOfStatus(
  replies: readonly GenericReply[],
  order: ByteOrder,
  procDrbd?: ProcDrbd | undefined,
): GenericDumps {
  const proc = new Map(procDrbd?.devices.map((device) => [device.minor, device]));
  const dumps = { resources: [], devices: [], connections: [], peerDevices: [] } as {
    [N in keyof GenericDumps]: GenericReply[];
  };
  const byName = new Map<string, GenericReply[]>();
  for (const reply of replies) {
    const name = stringOf(fieldsOf(reply['context'])['ctx_resource_name']) ?? '';
    byName.set(name, [...(byName.get(name) ?? []), reply]);
  }
  for (const [name, group] of byName) {
    const volumes = group.flatMap((reply) => {
      const info = fieldsOf(reply['state_info']);
      const word = numberOf(info['current_state']);
      const volume = volumeOf(reply);
      if (volume === undefined || reply['state_info'] === undefined) return [];
      const line = reply.minor === undefined ? undefined : proc.get(reply.minor);
      return [{ reply, info, volume, line, state: word === null ? undefined : decodeStateWord(word, order) }];
    });
    const states = volumes.flatMap(({ state }) => state ?? []);
    const place = { ctx_resource_name: name === '' ? undefined : name };
    const roles = states.map(({ role }) => role).filter((role) => role !== NO_ROLE);
    const ordering = codeOfOrderingLetter(
      volumes.map(({ line }) => line?.counters?.writeOrdering ?? null).find((letter) => letter !== null) ?? null,
    );
    dumps.resources.push({
      context: place,
      res_opts: group[0]?.['res_opts'],
      resource_info: {
        res_role: roles.length === 0 ? undefined : Math.min(...roles),
        res_susp: states.some(({ susp }) => susp),
        res_susp_nod: states.some(({ susp_nod: noData }) => noData),
        res_susp_fen: states.some(({ susp_fen: fencing }) => fencing),
      },
      resource_statistics: ordering === null ? undefined : { res_stat_write_ordering: ordering },
    });
    for (const { reply, info, volume, line, state } of volumes) {
      const uuids = info['uuids'];
      const [current, , ...history] = Array.isArray(uuids) ? uuids : [];
      dumps.devices.push({
        minor: reply.minor,
        context: { ...place, ctx_volume: volume },
        disk_conf: reply['disk_conf'],
        device_info: { dev_disk_state: state?.disk },
        device_statistics: {
          dev_size: info['capacity'],
          dev_read: info['read_cnt'],
          dev_write: info['writ_cnt'],
          dev_al_writes: info['al_writ_cnt'],
          dev_bm_writes: info['bm_writ_cnt'],
          dev_upper_pending: info['ap_bio_cnt'],
          dev_lower_pending: line?.counters?.lowerPending ?? undefined,
          dev_al_suspended: line?.flags?.activityLogSuspended ?? undefined,
          dev_current_uuid: current ?? 0n,
          dev_disk_flags: info['disk_flags'],
          history_uuids: history,
        },
      });
    }
    const link = group.find((reply) => reply['net_conf'] !== undefined);
    if (link === undefined) continue;
    const context = fieldsOf(link['context']);
    const connection = { ...place, ctx_my_addr: context['ctx_my_addr'], ctx_peer_addr: context['ctx_peer_addr'] };
    const peers = states.map(({ peer }) => peer).filter((role) => role !== NO_ROLE);
    dumps.connections.push({
      context: connection,
      net_conf: link['net_conf'],
      // What goes on beyond the handshake is told of the volumes.
      connection_info: {
        conn_connection_state:
          states.length === 0
            ? undefined
            : Math.min(Math.max(...states.map(({ conn }) => conn)), connectionStates.C_WF_REPORT_PARAMS),
        conn_role: states.length === 0 ? undefined : peers.length === 0 ? NO_ROLE : Math.min(...peers),
      },
    });
    for (const { info, reply, volume, line, state } of volumes) {
      const uuids = info['uuids'];
      const [pending, resyncPending] = [countOf(info['ap_pending_cnt']), countOf(info['rs_pending_cnt'])];
      const outOfSync = bigintOf(info['bits_oos']);
      const failed = bigintOf(info['bits_rs_failed']);
      dumps.peerDevices.push({
        minor: reply.minor,
        context: { ...connection, ctx_volume: volume },
        state_info: info,
        peer_device_info: {
          peer_repl_state: state?.conn,
          peer_disk_state: state?.pdsk,
          peer_resync_susp_user: state?.user_isp,
          peer_resync_susp_peer: state?.peer_isp,
          peer_resync_susp_dependency: state?.aftr_isp,
        },
        peer_device_statistics: {
          peer_dev_received: info['recv_cnt'],
          peer_dev_sent: info['send_cnt'],
          peer_dev_pending:
            pending === null || resyncPending === null
              ? (line?.counters?.pending ?? undefined)
              : pending + resyncPending,
          peer_dev_unacked: line?.counters?.unacked ?? undefined,
          peer_dev_out_of_sync: outOfSync === null ? undefined : outOfSync * BITMAP_BIT_SECTORS,
          peer_dev_resync_failed: failed === null ? undefined : failed * BITMAP_BIT_SECTORS,
          peer_dev_bitmap_uuid: Array.isArray(uuids) ? (uuids[1] as bigint | undefined) : undefined,
        },
      });
    }
  }
  return dumps;
}
