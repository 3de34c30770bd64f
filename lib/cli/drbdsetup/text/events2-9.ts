import { notificationTypes } from '../../../dialects/genl2';
import { toJson } from '../../../drbd';
import { promotionOf, standingOf, Tally, translated } from '../../../model';
import type { SetsReceived } from '../../../schema';
import type { Machine } from './address';
import { formatAddress } from './address';
import {
  clientWord,
  connectionWord9,
  diskWord9,
  Painter,
  replicationWord9,
  resyncSuspendedWords9,
  roleWord9,
  suspendedWords9,
  writeOrderingWord,
  yesNo,
} from './states-9';
import {
  connectionStatisticsTexts,
  deviceStatisticsTexts9,
  peerDeviceStatisticsTexts9,
  resourceStatisticsTexts,
  type Received,
  type StatisticsFormat,
} from './statistics-9';
import { backingDevice } from './status-9';
import type { Operations9 } from '../v9';

/** The sets of a notification: those of an object, of a helper call, or of a rename. */
export type NotificationSets9 = SetsReceived<
  Operations9['get_initial_state']['reply'] & Operations9['helper']['reply']
> & {
  readonly rename_resource_info?: Received<'rename_resource_info'>;
};

/** A message of get_initial_state, or a notification. */
export interface Notification9 {
  /** The operation: resource_state, device_state, connection_state, peer_device_state, path_state, helper, … */
  readonly name: string;
  readonly minor: number | undefined;
  /** The driver's count of notifications; undefined for what get_initial_state tells. */
  readonly sequence: number | undefined;
  readonly sets: NotificationSets9;
}

export interface Events2Format9 extends StatisticsFormat {
  /** What was before, too. */
  readonly diff: boolean;
  readonly color: boolean;
  readonly machine: Machine;
}

type Action = 'exists' | 'create' | 'change' | 'destroy' | 'rename' | 'call' | 'response';
type ObjectName9 = 'resource' | 'device' | 'connection' | 'peer-device' | 'path' | 'helper';

/** What there is to tell of an object: as a line, without the time, and as JSON. */
export interface Event9 {
  readonly action: Action;
  /** Undefined for the end of what exists. */
  readonly object: ObjectName9 | undefined;
  readonly text: string;
  json(): Readonly<Record<string, unknown>>;
}

interface Resource {
  readonly name: string;
  readonly info: Received<'resource_info'>;
  readonly statistics: Received<'resource_statistics'>;
  readonly devices: readonly Device[];
  readonly connections: readonly Connection[];
  readonly newName?: string;
  readonly destroyed?: true;
}

interface Device {
  readonly volume: number;
  readonly minor: number;
  readonly info: Received<'device_info'>;
  readonly statistics: Received<'device_statistics'>;
}

interface Connection {
  readonly node: number;
  readonly name: string;
  readonly info: Received<'connection_info'>;
  readonly statistics: Received<'connection_statistics'>;
  readonly peerDevices: readonly PeerDevice[];
  readonly paths: readonly Path[];
}

interface PeerDevice {
  readonly volume: number;
  readonly info: Received<'peer_device_info'>;
  readonly statistics: Received<'peer_device_statistics'>;
}

interface Path {
  readonly local: Uint8Array;
  readonly peer: Uint8Array;
  readonly established: boolean;
}

/**
 * A copy has its parts in the opposite order: drbdsetup keeps lists whose head is the newest, and copies them from head
 * to head. Lines of one change come in that order.
 */
function copyOf({ newName: _renamed, ...resource }: Resource): Resource {
  return {
    ...resource,
    devices: [...resource.devices].reverse(),
    connections: [...resource.connections].reverse().map((connection) => ({
      ...connection,
      peerDevices: [...connection.peerDevices].reverse(),
      paths: [...connection.paths].reverse(),
    })),
  };
}

const EMPTY = new Uint8Array();
const sameBytes = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;
const samePath = (left: Pick<Path, 'local' | 'peer'>, right: Pick<Path, 'local' | 'peer'>): boolean =>
  sameBytes(left.local, right.local) && sameBytes(left.peer, right.peer);

const ACTIONS: ReadonlyMap<number, Action> = new Map([
  [notificationTypes.NOTIFY_EXISTS, 'exists'],
  [notificationTypes.NOTIFY_CREATE, 'create'],
  [notificationTypes.NOTIFY_CHANGE, 'change'],
  [notificationTypes.NOTIFY_DESTROY, 'destroy'],
  [notificationTypes.NOTIFY_CALL, 'call'],
  [notificationTypes.NOTIFY_RESPONSE, 'response'],
  [notificationTypes.NOTIFY_RENAME, 'rename'],
]);
const DONE = 'initial_state_done';

/**
 * Makes events of notifications: what changed is told against what was known of the object, which is kept here. After a
 * loss, {@link resync} tells what became of the objects meanwhile as ordinary events.
 */
export class Events9 {
  #known = new Map<string, Resource>();
  #updates: Resource[] = [];
  #held: Notification9[] = [];
  #last: number | undefined;
  /** `initial`: what exists is told as such. `update`: it is told as changes. */
  #phase: 'initial' | 'update' | 'live' = 'initial';
  /** What the only resource that is told of is called now; all are if undefined. */
  #resource: string | undefined;
  readonly #writer: Writer;

  /** @param resource the only one that is told about; all if undefined */
  constructor(resource: string | undefined, format: Events2Format9) {
    this.#resource = resource;
    this.#writer = new Writer(format);
  }

  /** What exists is told again, as if for the first time. */
  reset(): void {
    this.#known = new Map();
    this.#phase = 'initial';
  }

  /** What exists is read again, and told where it differs. */
  update(): void {
    this.#phase = 'update';
  }

  /** Counting begins anew: another module has another count. */
  forgetSequence(): void {
    this.#last = undefined;
  }

  /**
   * @returns how many notifications were missed before this one, if any (a negative number where it comes late), and
   *   the events that it makes
   */
  take(notification: Notification9): { readonly skipped: number; readonly events: readonly Event9[] } {
    const { name, sequence, sets } = notification;
    const type = sets.drbd_notification_header?.nh_type;
    const action = type === undefined ? undefined : ACTIONS.get(type & ~notificationTypes.NOTIFY_FLAGS);
    if (action === undefined || !this.#isWanted(sets)) return { skipped: 0, events: [] };
    if (name === DONE) {
      const events = this.#phase === 'initial' ? [endOfWhatExists] : [];
      this.#phase = 'live';
      const held = this.#held;
      this.#held = [];
      return { skipped: 0, events: [...events, ...held.flatMap((one) => this.#apply(one))] };
    }
    let skipped = 0;
    if (action !== 'exists' && sequence !== undefined) {
      skipped = this.#last === undefined ? 0 : (sequence - this.#last - 1) | 0;
      this.#last = sequence;
      if (this.#phase !== 'live') {
        this.#held.push(notification);
        return { skipped, events: [] };
      }
    }
    return { skipped, events: this.#apply(notification) };
  }

  #isWanted({ context, rename_resource_info: rename }: NotificationSets9): boolean {
    if (context === undefined || this.#resource === undefined) return true;
    if (context.ctx_resource_name !== this.#resource) return false;
    this.#resource = rename?.res_new_name ?? this.#resource;
    return true;
  }

  /**
   * @param notifications of get_initial_state, taken after the loss; none where the module is gone
   * @returns what is different now
   */
  resync(notifications: readonly Notification9[]): readonly Event9[] {
    const before = this.#known;
    this.#updates = [];
    this.#held = [];
    const fresh = new Events9(this.#resource, this.#writer.format);
    for (const notification of notifications) if (notification.name !== DONE) fresh.take(notification);
    this.#known = fresh.#known;
    const events: Event9[] = [];
    for (const [name, old] of before) {
      if (this.#known.has(name)) continue;
      const bare = { ...old, connections: old.connections.map((one) => ({ ...one, paths: [], peerDevices: [] })) };
      events.push(...this.#writer.changes('create', old, bare));
      events.push(...this.#writer.changes('create', bare, { ...bare, connections: [], devices: [], destroyed: true }));
    }
    for (const [name, now] of this.#known) events.push(...this.#writer.changes('create', before.get(name), now));
    this.#phase = 'live';
    return events;
  }

  #apply(notification: Notification9): readonly Event9[] {
    const { name, minor, sets } = notification;
    const type = sets.drbd_notification_header?.nh_type ?? 0;
    const told = ACTIONS.get(type & ~notificationTypes.NOTIFY_FLAGS);
    const action = told === 'exists' && this.#phase === 'update' ? 'change' : told;
    const { context } = sets;
    const resourceName = context?.ctx_resource_name;
    if (context === undefined || resourceName === undefined || action === undefined) return [];
    if (action === 'call' || action === 'response')
      return name === 'helper' ? [this.#writer.helper(action, minor, sets), ...this.#flush(type)] : [];
    const at = this.#updates.findIndex((update) => update.name === resourceName);
    const known = this.#known.get(resourceName);
    if (name === 'resource_state' && (action === 'create' || action === 'exists')) {
      if (at !== -1 || known !== undefined) return [];
      this.#updates.unshift({
        name: resourceName,
        info: sets.resource_info ?? {},
        statistics: sets.resource_statistics ?? {},
        devices: [],
        connections: [],
      });
      return this.#flush(type);
    }
    const before = this.#updates[at] ?? (known === undefined ? undefined : copyOf(known));
    if (before === undefined) return [];
    const after = changed(before, action, notification);
    if (at === -1) this.#updates.unshift(after);
    else this.#updates[at] = after;
    return this.#flush(type);
  }

  /** A change is told when all of it is there. */
  #flush(type: number): readonly Event9[] {
    if ((type & notificationTypes.NOTIFY_CONTINUES) !== 0) return [];
    const events: Event9[] = [];
    for (const update of this.#updates) {
      const old = this.#known.get(update.name);
      events.push(...this.#writer.changes(this.#phase === 'initial' ? 'exists' : 'create', old, update));
      this.#known.delete(update.name);
      const name = update.newName ?? update.name;
      if (update.destroyed !== true) this.#known.set(name, { ...update, name });
    }
    this.#updates = [];
    return events;
  }
}

/** @returns the list with one entry replaced, or, where there is none, put at its head */
function put<T>(
  list: readonly T[],
  is: (entry: T) => boolean,
  make: (old: T | undefined) => T | undefined,
): readonly T[] {
  const at = list.findIndex(is);
  const made = make(list[at]);
  if (made === undefined) return list;
  return at === -1 ? [made, ...list] : list.map((entry, index) => (index === at ? made : entry));
}

function changed(resource: Resource, action: Action, { name, minor, sets }: Notification9): Resource {
  const { context = {} } = sets;
  const { ctx_volume: volume = 0, ctx_peer_node_id: node = 0 } = context;
  const adds = action === 'exists' || action === 'create';
  const removes = action === 'destroy';
  const inConnection = (change: (connection: Connection) => Connection): Resource => ({
    ...resource,
    connections: resource.connections.map((one) => (one.node === node ? change(one) : one)),
  });
  switch (name) {
    case 'resource_state':
      if (removes) return { ...resource, destroyed: true };
      if (action === 'rename')
        return { ...resource, newName: sets.rename_resource_info?.res_new_name ?? resource.name };
      return {
        ...resource,
        info: { ...resource.info, ...sets.resource_info },
        statistics: sets.resource_statistics ?? {},
      };
    case 'device_state': {
      const is = (device: Device): boolean => device.volume === volume;
      if (removes) return { ...resource, devices: resource.devices.filter((device) => !is(device)) };
      const {
        dev_disk_state: _disk,
        is_intentional_diskless: _client,
        ...kept
      } = resource.devices.find(is)?.info ?? {};
      return {
        ...resource,
        devices: put(resource.devices, is, (old) =>
          (old === undefined) === adds
            ? {
                volume,
                minor: old?.minor ?? minor ?? 0,
                info: { ...kept, ...sets.device_info },
                statistics: sets.device_statistics ?? {},
              }
            : undefined,
        ),
      };
    }
    case 'connection_state': {
      const is = (connection: Connection): boolean => connection.node === node;
      if (removes) return { ...resource, connections: resource.connections.filter((one) => !is(one)) };
      return {
        ...resource,
        connections: put(resource.connections, is, (old) =>
          (old === undefined) === adds
            ? {
                node,
                name: old?.name ?? context.ctx_conn_name ?? '',
                info: { ...old?.info, ...sets.connection_info },
                statistics: sets.connection_statistics ?? {},
                peerDevices: old?.peerDevices ?? [],
                paths: old?.paths ?? [],
              }
            : undefined,
        ),
      };
    }
    case 'peer_device_state': {
      const is = (peerDevice: PeerDevice): boolean => peerDevice.volume === volume;
      return inConnection((connection) => ({
        ...connection,
        peerDevices: removes
          ? connection.peerDevices.filter((one) => !is(one))
          : put(connection.peerDevices, is, (old) => {
              if ((old === undefined) !== adds) return undefined;
              const { peer_is_intentional_diskless: _client, ...kept } = old?.info ?? {};
              return {
                volume,
                info: { ...kept, ...sets.peer_device_info },
                statistics: sets.peer_device_statistics ?? {},
              };
            }),
      }));
    }
    case 'path_state': {
      const path = { local: context.ctx_my_addr ?? EMPTY, peer: context.ctx_peer_addr ?? EMPTY };
      const is = (one: Path): boolean => samePath(one, path);
      return inConnection((connection) => ({
        ...connection,
        paths: removes
          ? connection.paths.filter((one) => !is(one))
          : // Older modules do not list paths, and tell of a change of one that was never told of.
            put(connection.paths, is, (old) =>
              adds && old !== undefined
                ? undefined
                : { ...path, established: sets.drbd_path_info?.path_established ?? old?.established ?? false },
            ),
      }));
    }
    default:
      return resource;
  }
}

const endOfWhatExists: Event9 = {
  action: 'exists',
  object: undefined,
  text: 'exists -',
  json: () => ({ event: 'exists', object: null }),
};

const UNKNOWN = 'UNKNOWN';

/** Whether any of the fields differs; all do where there was nothing before. */
function differs<T extends object>(now: T, old: T | undefined, ...fields: readonly (keyof T)[]): boolean {
  return old === undefined || fields.some((field) => now[field] !== old[field]);
}

/** Whether any counter differs. */
function counted<T extends object>(now: T, old: T | undefined): boolean {
  if (old === undefined) return true;
  const keys = new Set([...Object.keys(now), ...Object.keys(old)]) as Set<keyof T>;
  for (const key of keys) {
    const [left, right] = [now[key], old[key]];
    if (Array.isArray(left) && Array.isArray(right) ? left.join() !== right.join() : left !== right) return true;
  }
  return false;
}

const SECTOR_BYTES = 512n;
const bytes = (sectors: bigint | undefined): bigint | null => (sectors === undefined ? null : sectors * SECTOR_BYTES);

/** Writes what changed of a resource, part by part. */
class Writer {
  readonly format: Events2Format9;
  readonly #painter: Painter;

  constructor(format: Events2Format9) {
    this.format = format;
    this.#painter = new Painter(format.color);
  }

  /** `name:now`, or what was before as well; only one where both are the same and `once` says so. */
  #pair(name: string, old: string | undefined, now: string, once = false): string {
    if (!this.format.diff || (once && old === now)) return ` ${name}:${now}`;
    return ` ${name}:${old ?? UNKNOWN}->${now}`;
  }

  *changes(fresh: 'exists' | 'create', old: Resource | undefined, now: Resource): Generator<Event9> {
    const name = now.newName ?? now.name;
    const connectionBefore = ({ node }: Connection): Connection | undefined =>
      old?.connections.find((one) => one.node === node);
    if (now.newName !== undefined) yield renameEvent(now.name, now.newName);
    else yield* this.#resource(fresh, old, now);
    for (const connection of now.connections)
      yield* this.#connection(fresh, name, connectionBefore(connection), connection);
    for (const device of now.devices)
      yield* this.#device(
        fresh,
        name,
        old?.devices.find(({ volume }) => volume === device.volume),
        device,
      );
    for (const connection of now.connections) {
      const before = connectionBefore(connection);
      const place = placeOf(name, connection);
      for (const peerDevice of connection.peerDevices) {
        const known = before?.peerDevices.find(({ volume }) => volume === peerDevice.volume);
        yield* this.#peerDevice(fresh, place, known, peerDevice);
      }
      for (const path of connection.paths)
        yield* this.#path(
          fresh,
          place,
          before?.paths.find((one) => samePath(one, path)),
          path,
        );
      for (const path of before?.paths ?? [])
        if (!connection.paths.some((one) => samePath(one, path)))
          yield destroyEvent('path', place, this.#addresses(path));
      for (const { volume } of before?.peerDevices ?? [])
        if (!connection.peerDevices.some((one) => one.volume === volume))
          yield destroyEvent('peer-device', place, { volume });
    }
    for (const connection of old?.connections ?? [])
      if (!now.connections.some(({ node }) => node === connection.node))
        yield destroyEvent('connection', placeOf(name, connection), {});
    for (const { volume } of old?.devices ?? [])
      if (!now.devices.some((one) => one.volume === volume)) yield destroyEvent('device', { name }, { volume });
    if (now.destroyed === true) yield destroyEvent('resource', { name }, {});
  }

  #addresses({ local, peer }: Pick<Path, 'local' | 'peer'>): { readonly local: string; readonly peer: string } {
    const colon = (address: Uint8Array): string => formatAddress(address, this.format.machine).replace(' ', ':');
    return { local: colon(local), peer: colon(peer) };
  }

  *#resource(fresh: 'exists' | 'create', old: Resource | undefined, now: Resource): Generator<Event9> {
    const { statistics, full, diff } = this.format;
    const promotion = promotionOfResource(now);
    const before = old === undefined ? undefined : promotionOfResource(old);
    const roleChanged = differs(now.info, old?.info, 'res_role');
    const suspensionChanged = differs(
      now.info,
      old?.info,
      'res_susp',
      'res_susp_nod',
      'res_susp_fen',
      'res_susp_quorum',
    );
    const failing = now.info.res_fail_io === true;
    const failedBefore = old === undefined ? undefined : old.info.res_fail_io === true;
    const failingChanged = failing !== failedBefore;
    const countersChanged = statistics && counted(now.statistics, old?.statistics);
    const promotionChanged = differs(promotion, before, 'mayPromote', 'promotionScore');
    if (!roleChanged && !suspensionChanged && !countersChanged && !promotionChanged && !failingChanged) return;
    const parts: string[] = [];
    if (roleChanged || full)
      parts.push(
        this.#pair(
          'role',
          old && this.#painter.role(old.info.res_role, true),
          this.#painter.role(now.info.res_role, true),
        ),
      );
    if (suspensionChanged || full)
      parts.push(this.#pair('suspended', old && suspendedWords9(old.info), suspendedWords9(now.info)));
    if (failingChanged || full) parts.push(this.#pair('force-io-failures', old && yesNo(failedBefore), yesNo(failing)));
    if (countersChanged || full) parts.push(...resourceStatisticsTexts(old?.statistics, now.statistics, this.format));
    if (promotionChanged || full) {
      parts.push(this.#pair('may_promote', before && yesNo(before.mayPromote), yesNo(promotion.mayPromote)));
      parts.push(
        diff
          ? ` promotion_score:${before?.promotionScore ?? 0}->${promotion.promotionScore}`
          : ` promotion_score:${promotion.promotionScore}`,
      );
    }
    yield event(old === undefined ? fresh : 'change', 'resource', { name: now.name }, parts, () => ({
      role: roleWord9(now.info.res_role),
      suspended: {
        user: now.info.res_susp ?? null,
        noData: now.info.res_susp_nod ?? null,
        fencing: now.info.res_susp_fen ?? null,
        quorum: now.info.res_susp_quorum ?? null,
      },
      forceIoFailures: now.info.res_fail_io ?? null,
      writeOrdering: writeOrderingWord(now.statistics.res_stat_write_ordering) ?? null,
      ...promotion,
    }));
  }

  *#device(fresh: 'exists' | 'create', name: string, old: Device | undefined, now: Device): Generator<Event9> {
    const { statistics, full } = this.format;
    const infoChanged = differs(now.info, old?.info, 'dev_disk_state', 'dev_has_quorum');
    const countersChanged = statistics && counted(now.statistics, old?.statistics);
    if (!infoChanged && !countersChanged) return;
    const parts: string[] = [];
    if (infoChanged || full) {
      const disk = ({ info }: Device): string =>
        this.#painter.disk(info.dev_disk_state, info.is_intentional_diskless === true, true);
      const client = ({ info }: Device): string => clientWord(info.is_intentional_diskless);
      parts.push(
        this.#pair(
          'backing_dev',
          old && backingDevice(old.info.backing_dev_path),
          backingDevice(now.info.backing_dev_path),
          true,
        ),
        this.#pair('disk', old && disk(old), disk(now)),
        this.#pair('client', old && client(old), client(now), true),
      );
      // Where there was nothing before, --diff has never told of it.
      if (old !== undefined || !this.format.diff)
        parts.push(this.#pair('quorum', old && yesNo(old.info.dev_has_quorum), yesNo(now.info.dev_has_quorum), true));
    }
    if (countersChanged || full) parts.push(...deviceStatisticsTexts9(old?.statistics, now.statistics, this.format));
    const { volume, minor } = now;
    yield event(old === undefined ? fresh : 'change', 'device', { name, volume, minor }, parts, () => {
      const counters = now.statistics;
      return {
        backingDevice: now.info.backing_dev_path ?? null,
        disk: diskWord9(now.info.dev_disk_state),
        client: now.info.is_intentional_diskless ?? null,
        quorum: now.info.dev_has_quorum ?? null,
        open: now.info.dev_is_open ?? null,
        stats: {
          sizeBytes: bytes(counters.dev_size),
          readBytes: bytes(counters.dev_read),
          writtenBytes: bytes(counters.dev_write),
          alWrites: counters.dev_al_writes ?? null,
          bmWrites: counters.dev_bm_writes ?? null,
          upperPending: counters.dev_upper_pending ?? null,
          lowerPending: counters.dev_lower_pending ?? null,
          alSuspended: counters.dev_al_suspended ?? null,
          upperBlocked: counters.dev_upper_blocked ?? null,
          lowerBlocked: counters.dev_lower_blocked ?? null,
        },
      };
    });
  }

  *#connection(
    fresh: 'exists' | 'create',
    resource: string,
    old: Connection | undefined,
    now: Connection,
  ): Generator<Event9> {
    const { statistics, full } = this.format;
    const stateChanged = differs(now.info, old?.info, 'conn_connection_state');
    const roleChanged = differs(now.info, old?.info, 'conn_role');
    const countersChanged = statistics && counted(now.statistics, old?.statistics);
    if (!stateChanged && !roleChanged && !countersChanged) return;
    const parts: string[] = [];
    if (stateChanged || full)
      parts.push(
        this.#pair(
          'connection',
          old && this.#painter.connection(old.info.conn_connection_state),
          this.#painter.connection(now.info.conn_connection_state),
        ),
      );
    if (roleChanged || full)
      parts.push(
        this.#pair(
          'role',
          old && this.#painter.role(old.info.conn_role, false),
          this.#painter.role(now.info.conn_role, false),
        ),
      );
    if (countersChanged || full) parts.push(...connectionStatisticsTexts(old?.statistics, now.statistics, this.format));
    yield event(old === undefined ? fresh : 'change', 'connection', placeOf(resource, now), parts, () => ({
      state: connectionWord9(now.info.conn_connection_state),
      role: roleWord9(now.info.conn_role),
      congested: now.statistics.conn_congested ?? null,
      applicationInFlightBytes: bytes(now.statistics.ap_in_flight),
      resyncInFlightBytes: bytes(now.statistics.rs_in_flight),
    }));
  }

  *#peerDevice(
    fresh: 'exists' | 'create',
    place: Place,
    old: PeerDevice | undefined,
    now: PeerDevice,
  ): Generator<Event9> {
    const { full } = this.format;
    const replicationChanged = differs(now.info, old?.info, 'peer_repl_state');
    const diskChanged = differs(now.info, old?.info, 'peer_disk_state');
    const holdsChanged = differs(
      now.info,
      old?.info,
      'peer_resync_susp_user',
      'peer_resync_susp_peer',
      'peer_resync_susp_dependency',
    );
    // Whether they are printed or not: a change of counters alone makes a line without any.
    const countersChanged = counted(now.statistics, old?.statistics);
    if (!replicationChanged && !diskChanged && !holdsChanged && !countersChanged) return;
    const parts: string[] = [];
    const isClient = (one: PeerDevice | undefined): boolean => one?.info.peer_is_intentional_diskless === true;
    if (replicationChanged || full)
      parts.push(
        this.#pair(
          'replication',
          old && this.#painter.replication(old.info.peer_repl_state),
          this.#painter.replication(now.info.peer_repl_state),
        ),
      );
    if (diskChanged || full || isClient(old) !== isClient(now)) {
      const disk = (one: PeerDevice): string => this.#painter.disk(one.info.peer_disk_state, isClient(one), false);
      const client = ({ info }: PeerDevice): string => clientWord(info.peer_is_intentional_diskless);
      parts.push(
        this.#pair('peer-disk', old && disk(old), disk(now)),
        this.#pair('peer-client', old && client(old), client(now), true),
      );
    }
    if (holdsChanged || full)
      parts.push(
        this.#pair('resync-suspended', old && resyncSuspendedWords9(old.info), resyncSuspendedWords9(now.info)),
      );
    if (countersChanged || full) parts.push(...peerDeviceStatisticsTexts9(now.statistics, this.format, true));
    const names = { ...place, volume: now.volume };
    yield event(old === undefined ? fresh : 'change', 'peer-device', names, parts, () => ({
      replication: replicationWord9(now.info.peer_repl_state),
      peerDisk: diskWord9(now.info.peer_disk_state),
      peerClient: now.info.peer_is_intentional_diskless ?? null,
      resyncSuspended: {
        user: isSet(now.info.peer_resync_susp_user),
        peer: isSet(now.info.peer_resync_susp_peer),
        dependency: isSet(now.info.peer_resync_susp_dependency),
      },
      outOfSyncBytes: bytes(now.statistics.peer_dev_out_of_sync),
      stats: {
        receivedBytes: bytes(now.statistics.peer_dev_received),
        sentBytes: bytes(now.statistics.peer_dev_sent),
        pending: now.statistics.peer_dev_pending ?? null,
        unacked: now.statistics.peer_dev_unacked ?? null,
      },
    }));
  }

  *#path(fresh: 'exists' | 'create', place: Place, old: Path | undefined, now: Path): Generator<Event9> {
    if (old !== undefined && old.established === now.established) return;
    const parts = [this.#pair('established', old && yesNo(old.established), yesNo(now.established))];
    yield event(old === undefined ? fresh : 'change', 'path', { ...place, ...this.#addresses(now) }, parts, () => ({
      established: now.established,
    }));
  }

  helper(
    action: 'call' | 'response',
    minor: number | undefined,
    { context = {}, drbd_helper_info: info }: NotificationSets9,
  ): Event9 {
    const { ctx_my_addr: local, ctx_peer_addr: peer } = context;
    const names: Place = {
      name: context.ctx_resource_name ?? '',
      ...(context.ctx_peer_node_id === undefined ? {} : { node: context.ctx_peer_node_id }),
      ...(context.ctx_conn_name === undefined || context.ctx_conn_name === ''
        ? {}
        : { connection: context.ctx_conn_name }),
      ...(local === undefined || peer === undefined || local.length === 0 || peer.length === 0
        ? {}
        : this.#addresses({ local, peer })),
      ...(context.ctx_volume === undefined ? {} : { volume: context.ctx_volume }),
      ...(minor === undefined ? {} : { minor }),
    };
    const parts = [
      ` helper:${info?.helper_name ?? ''}`,
      ...(action === 'response' ? [` status:${info?.helper_status ?? 0}`] : []),
    ];
    return event(action, 'helper', names, parts, () => ({
      helper: info?.helper_name ?? null,
      ...(action === 'response' ? { status: info?.helper_status ?? null } : {}),
    }));
  }
}

const isSet = (count: number | undefined): boolean | null => (count === undefined ? null : count !== 0);

/** The names of an object. */
interface Place {
  readonly name: string;
  readonly node?: number;
  readonly connection?: string;
  readonly local?: string;
  readonly peer?: string;
  readonly volume?: number;
  readonly minor?: number;
}

const placeOf = (name: string, { node, name: connection }: Connection): Place => ({ name, node, connection });

/** The names of an object as a line has them. */
function placeText({ name, node, connection, local, peer, volume, minor }: Place): string {
  const part = (key: string, value: string | number | undefined): string =>
    value === undefined ? '' : ` ${key}:${value}`;
  return [
    ` name:${name}`,
    part('peer-node-id', node),
    part('conn-name', connection),
    part('local', local),
    part('peer', peer),
    part('volume', volume),
    part('minor', minor),
  ].join('');
}

function placeJson({ name, node, connection, local, peer, volume, minor }: Place): Readonly<Record<string, unknown>> {
  return {
    name,
    ...(node === undefined ? {} : { peerNodeId: node }),
    ...(connection === undefined ? {} : { connection }),
    ...(local === undefined ? {} : { local }),
    ...(peer === undefined ? {} : { peer }),
    ...(volume === undefined ? {} : { volume }),
    ...(minor === undefined ? {} : { minor }),
  };
}

function event(
  action: Action,
  object: ObjectName9,
  place: Place,
  parts: readonly string[],
  state: () => Readonly<Record<string, unknown>>,
): Event9 {
  return {
    action,
    object,
    text: `${action} ${object}${placeText(place)}${parts.join('')}`,
    json: () => toJson({ event: action, object, ...placeJson(place), ...state() }) as Readonly<Record<string, unknown>>,
  };
}

function destroyEvent(object: ObjectName9, place: Place, more: Partial<Place>): Event9 {
  return event('destroy', object, { ...place, ...more }, [], () => ({}));
}

function renameEvent(name: string, newName: string): Event9 {
  return event('rename', 'resource', { name }, [` new_name:${newName}`], () => ({ newName }));
}

function promotionOfResource({ info, devices, connections }: Resource): ReturnType<typeof promotionOf> {
  let tally = Tally.none();
  for (const { volume, info: device } of devices) {
    const peers = connections.flatMap(({ peerDevices }) =>
      peerDevices
        .filter((one) => one.volume === volume)
        .map((one) => ({
          peerDisk: translated('genl2', 'disk', one.info.peer_disk_state ?? 0),
          uuidFlags: one.statistics.peer_dev_uuid_flags ?? null,
        })),
    );
    tally = tally.with(
      standingOf(
        { disk: translated('genl2', 'disk', device.dev_disk_state ?? 0), quorum: device.dev_has_quorum ?? false },
        peers,
      ),
    );
  }
  return promotionOf(
    { role: translated('genl2', 'role', info.res_role ?? 0), forceIoFailures: info.res_fail_io ?? null },
    connections.map((one) => ({ role: translated('genl2', 'role', one.info.conn_role ?? 0) })),
    tally,
  );
}
