import { decodeStateWord, type StateWord } from '../../dialects/state-word';
import { formatHex, type ByteOrder } from '../../netlink';
import type { ProcDrbd, ProcDrbdDevice } from '../../dialects/proc-drbd';
import { resyncOf } from './progress';
import type {
  Connection,
  Device,
  DeviceStats,
  PathAddress,
  PeerDevice,
  PeerDeviceStats,
  Resource,
  Resync,
  ResyncSuspended,
  Snapshot,
  Suspended,
} from './snapshot';
import {
  codeOf,
  protocolOf,
  resyncKind,
  splitConnection,
  uuidIndex,
  uuidKeys,
  wordOf,
  writeOrderingOf,
  writeOrderingOfLetter,
} from './states';
import {
  bigintOf,
  booleanOf,
  countOf,
  fieldsOf,
  numberOf,
  pathAddressOf,
  sectorsOf,
  stringOf,
  uuidsOf,
  type Fields,
} from './values';

/** One message of a dump: the header's minor, and the attribute sets by their struct's name. */
export interface Genl1Reply {
  readonly minor?: number | undefined;
  readonly [set: string]: unknown;
}

/** What a snapshot of the genl1 dialect is made from. */
export interface Genl1Sources {
  readonly driver: { readonly version: string | null; readonly api: number | null };
  /** Byte order of the machine whose kernel answered. */
  readonly order: ByteOrder;
  /**
   * get_resources, get_devices, get_connections, get_peer_devices. Undefined where the module has no such dump (before
   * 8.4.6): `status` must do then.
   */
  readonly dumps?:
    | {
        readonly resources: readonly Genl1Reply[];
        readonly devices: readonly Genl1Reply[];
        readonly connections: readonly Genl1Reply[];
        readonly peerDevices: readonly Genl1Reply[];
      }
    | undefined;
  /** get_status: one message for each device. It tells how large a resync is. */
  readonly status?: readonly Genl1Reply[] | undefined;
  /** Estimates of time, and the progress of a verify, which the netlink interface lacks. */
  readonly procDrbd?: ProcDrbd | undefined;
  /** False if the caller knows that something is missing. */
  readonly complete?: boolean | undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
interface ConnectionDraft {
  readonly key: string;
  readonly local: PathAddress | null;
  readonly peer: PathAddress | null;
  fields: Omit<Connection, 'paths' | 'peerDevices'>;
  readonly peerDevices: Map<number, PeerDevice>;
}
interface ResourceDraft {
  readonly name: string;
  fields: Omit<Writable<Resource>, 'name' | 'devices' | 'connections'>;
  readonly devices: Map<number, Device>;
  readonly connections: Map<string, ConnectionDraft>;
}

/** A bit of the bitmap stands for 4 KiB. */
const BITMAP_BIT_BYTES = 4096n;

const SUSPENDED_NOT_KNOWN: Suspended = Object.freeze({ user: null, noData: null, fencing: null, quorum: null });
const RESOURCE_NOT_KNOWN: ResourceDraft['fields'] = Object.freeze({
  role: null,
  roleCode: null,
  nodeId: null,
  suspended: SUSPENDED_NOT_KNOWN,
  writeOrdering: null,
  writeOrderingCode: null,
  mayPromote: null,
  promotionScore: null,
});
const CONNECTION_NOT_KNOWN: ConnectionDraft['fields'] = Object.freeze({
  peerNodeId: null,
  name: null,
  state: null,
  stateCode: null,
  role: null,
  roleCode: null,
  congested: null,
  protocol: null,
  protocolCode: null,
});

/**
 * Makes a snapshot of what a DRBD 8.4 module answered. The dumps are taken one after the other, so an object may be in
 * one and its parent not in another: such a parent is made up with nulls, and `source.complete` is false, as it is
 * where the device behind a connection is missing, or a message has no resource name. Whatever the answers hold, it
 * does not throw.
 */
export function buildGenl1Snapshot(sources: Genl1Sources): Snapshot {
  const build = new Genl1Build(sources);
  if (sources.dumps === undefined) build.addStatus();
  else build.addDumps(sources.dumps);
  return build.finish();
}

class Genl1Build {
  readonly #sources: Genl1Sources;
  readonly #resources = new Map<string, ResourceDraft>();
  readonly #proc: ReadonlyMap<number, ProcDrbdDevice>;
  readonly #states: ReadonlyMap<number, Fields>;
  #complete: boolean;

  constructor(sources: Genl1Sources) {
    this.#sources = sources;
    this.#complete = sources.complete ?? true;
    this.#proc = new Map(sources.procDrbd?.devices.map((device) => [device.minor, device]));
    const states = new Map<number, Fields>();
    for (const { minor, state_info: info } of sources.status ?? [])
      if (minor !== undefined) states.set(minor, fieldsOf(info));
    this.#states = states;
  }

  addDumps(dumps: NonNullable<Genl1Sources['dumps']>): void {
    for (const reply of dumps.resources) {
      const resource = this.#resource(reply, true);
      if (resource !== undefined) resource.fields = resourceFields(reply);
    }
    for (const reply of dumps.devices) {
      const resource = this.#resource(reply);
      const volume = this.#volume(reply);
      if (resource !== undefined && volume !== undefined) resource.devices.set(volume, this.#device(reply, volume));
    }
    for (const reply of dumps.connections) {
      const resource = this.#resource(reply);
      if (resource !== undefined) this.#connection(resource, reply, true).fields = connectionFields(reply);
    }
    for (const reply of dumps.peerDevices) {
      const resource = this.#resource(reply);
      const volume = this.#volume(reply);
      if (resource === undefined || volume === undefined) continue;
      this.#connection(resource, reply).peerDevices.set(volume, this.#peerDevice(reply, volume, resource));
    }
    // The kernel lists a peer device for each pair of device and connection.
    for (const { devices, connections } of this.#resources.values()) {
      for (const { peerDevices } of connections.values()) {
        if (peerDevices.size !== devices.size || [...devices.keys()].some((volume) => !peerDevices.has(volume)))
          this.#complete = false;
      }
    }
  }

  /** Before 8.4.6: everything from get_status, whose messages each hold a device, its resource and its connection. */
  addStatus(): void {
    for (const reply of this.#sources.status ?? []) {
      const resource = this.#resource(reply, true);
      if (resource === undefined) continue;
      const info = fieldsOf(reply['state_info']);
      const word = numberOf(info['current_state']);
      const state = word === null ? undefined : decodeStateWord(word, this.#sources.order);
      const line = reply.minor === undefined ? undefined : this.#proc.get(reply.minor);
      // The kernel packs the role into each device; the resource's is the highest, and a primary's number is below a
      // secondary's.
      if (state !== undefined && (resource.fields.roleCode === null || state.role === PRIMARY)) {
        resource.fields = { ...resource.fields, role: wordOf('genl1', 'role', state.role), roleCode: state.role };
      }
      const letter = line?.counters?.writeOrdering ?? null;
      if (letter !== null) resource.fields = { ...resource.fields, ...writeOrderingOfLetter(letter) };
      const volume = numberOf(fieldsOf(reply['context'])['ctx_volume']);
      if (volume !== null) resource.devices.set(volume, this.#deviceOfStatus(reply, volume, state, line));
      if (reply['net_conf'] === undefined) continue;
      const connection = this.#connection(resource, reply, true);
      connection.fields = statusConnection(connection.fields, reply, state);
      if (volume !== null) connection.peerDevices.set(volume, this.#peerDeviceOfStatus(info, volume, state, line));
    }
  }

  finish(): Snapshot {
    const { driver, procDrbd } = this.#sources;
    return {
      schemaVersion: 1,
      source: {
        dialect: 'genl1',
        driver: driver.version ?? procDrbd?.version ?? null,
        api: driver.api,
        complete: this.#complete,
        unconfiguredMinors: null,
      },
      resources: Array.from(this.#resources.values(), ({ name, fields, devices, connections }) => ({
        name,
        ...fields,
        devices: inOrder(devices),
        connections: Array.from(connections.values(), ({ fields: connection, local, peer, peerDevices }) => ({
          ...connection,
          paths: local === null && peer === null ? [] : [{ local, peer, established: null }],
          peerDevices: inOrder(peerDevices),
        })),
      })),
    };
  }

  /** @param listed the message stands for the resource itself, so that its absence so far is no sign of a change */
  #resource(reply: Genl1Reply, listed = false): ResourceDraft | undefined {
    const name = stringOf(fieldsOf(reply['context'])['ctx_resource_name']);
    if (name === null) {
      this.#complete = false;
      return undefined;
    }
    let resource = this.#resources.get(name);
    if (resource === undefined) {
      if (!listed) this.#complete = false;
      resource = { name, fields: RESOURCE_NOT_KNOWN, devices: new Map(), connections: new Map() };
      this.#resources.set(name, resource);
    }
    return resource;
  }

  #volume(reply: Genl1Reply): number | undefined {
    const volume = countOf(fieldsOf(reply['context'])['ctx_volume']);
    if (volume === null) this.#complete = false;
    return volume ?? undefined;
  }

  #connection(resource: ResourceDraft, reply: Genl1Reply, listed = false): ConnectionDraft {
    const { ctx_my_addr: mine, ctx_peer_addr: theirs } = fieldsOf(reply['context']);
    const key = `${addressKey(mine)} ${addressKey(theirs)}`;
    let connection = resource.connections.get(key);
    if (connection === undefined) {
      if (!listed) this.#complete = false;
      connection = {
        key,
        local: pathAddressOf(mine, this.#sources.order),
        peer: pathAddressOf(theirs, this.#sources.order),
        fields: CONNECTION_NOT_KNOWN,
        peerDevices: new Map(),
      };
      resource.connections.set(key, connection);
    }
    return connection;
  }

  #device(reply: Genl1Reply, volume: number): Device {
    const info = fieldsOf(reply['device_info']);
    const statistics = reply['device_statistics'] === undefined ? null : fieldsOf(reply['device_statistics']);
    const disk = fieldsOf(reply['disk_conf']);
    const diskCode = countOf(info['dev_disk_state']);
    const current = bigintOf(statistics?.['current_uuid'] ?? statistics?.['dev_current_uuid']);
    const history = uuidsOf(statistics?.['history_uuids'], this.#sources.order).filter((uuid) => uuid !== 0n);
    return {
      minor: reply.minor ?? null,
      volume,
      disk: wordOf('genl1', 'disk', diskCode),
      diskCode,
      client: null,
      open: null,
      quorum: null,
      backingDevice: stringOf(disk['backing_dev']),
      metaDevice: stringOf(disk['meta_dev']),
      // All are zero where there is no disk to have them.
      currentUuid: current === 0n ? null : current,
      historyUuids: current === null || current === 0n ? null : history,
      stats: statistics === null ? null : deviceStats(statistics),
    };
  }

  #peerDevice(reply: Genl1Reply, volume: number, resource: ResourceDraft): PeerDevice {
    const info = fieldsOf(reply['peer_device_info']);
    const statistics = reply['peer_device_statistics'] === undefined ? null : fieldsOf(reply['peer_device_statistics']);
    const device = resource.devices.get(volume);
    const minor = reply.minor ?? device?.minor ?? undefined;
    const replicationCode = countOf(info['peer_repl_state']);
    const peerDiskCode = countOf(info['peer_disk_state']);
    const resyncSuspended: ResyncSuspended = {
      user: booleanOf(info['peer_resync_susp_user']),
      peer: booleanOf(info['peer_resync_susp_peer']),
      dependency: booleanOf(info['peer_resync_susp_dependency']),
    };
    const state = minor === undefined ? undefined : this.#states.get(minor);
    const line = minor === undefined ? undefined : this.#proc.get(minor);
    return {
      volume,
      replication: splitConnection('genl1', replicationCode).replication,
      replicationCode,
      peerDisk: wordOf('genl1', 'disk', peerDiskCode),
      peerDiskCode,
      peerClient: null,
      resyncSuspended,
      resync: resyncOfState(replicationCode, resyncSuspended, state ?? {}, line),
      outOfSyncBytes: sectorsOf(statistics?.['peer_dev_out_of_sync']),
      bitmapUuid: device?.currentUuid === null ? null : bigintOf(statistics?.['peer_dev_bitmap_uuid']),
      stats: statistics === null ? null : peerDeviceStats(statistics),
    };
  }

  #deviceOfStatus(
    reply: Genl1Reply,
    volume: number,
    state: StateWord | undefined,
    line: ProcDrbdDevice | undefined,
  ): Device {
    const info = fieldsOf(reply['state_info']);
    const disk = fieldsOf(reply['disk_conf']);
    const diskCode = state?.disk ?? null;
    return {
      minor: reply.minor ?? null,
      volume,
      disk: wordOf('genl1', 'disk', diskCode),
      diskCode,
      client: null,
      open: null,
      quorum: null,
      backingDevice: stringOf(disk['backing_dev']),
      metaDevice: stringOf(disk['meta_dev']),
      ...uuidKeys(uuidsOf(info['uuids'], this.#sources.order)),
      stats:
        reply['state_info'] === undefined
          ? null
          : {
              sizeBytes: sectorsOf(info['capacity']),
              readBytes: sectorsOf(info['read_cnt']),
              writtenBytes: sectorsOf(info['writ_cnt']),
              alWrites: bigintOf(info['al_writ_cnt']),
              bmWrites: bigintOf(info['bm_writ_cnt']),
              upperPending: countOf(info['ap_bio_cnt']),
              lowerPending: line?.counters?.lowerPending ?? null,
              alSuspended: line?.flags?.activityLogSuspended ?? null,
              upperBlocked: null,
              lowerBlocked: null,
            },
    };
  }

  #peerDeviceOfStatus(
    info: Fields,
    volume: number,
    state: StateWord | undefined,
    line: ProcDrbdDevice | undefined,
  ): PeerDevice {
    const uuids = uuidsOf(info['uuids'], this.#sources.order);
    const replicationCode = state?.conn ?? null;
    const peerDiskCode = state?.pdsk ?? null;
    const resyncSuspended: ResyncSuspended = {
      user: state?.user_isp ?? null,
      peer: state?.peer_isp ?? null,
      dependency: state?.aftr_isp ?? null,
    };
    const outOfSync = bigintOf(info['bits_oos']);
    const pending = countOf(info['ap_pending_cnt']);
    const resyncPending = countOf(info['rs_pending_cnt']);
    const failed = bigintOf(info['bits_rs_failed']);
    return {
      volume,
      replication: splitConnection('genl1', replicationCode).replication,
      replicationCode,
      peerDisk: wordOf('genl1', 'disk', peerDiskCode),
      peerDiskCode,
      peerClient: null,
      resyncSuspended,
      resync: resyncOfState(replicationCode, resyncSuspended, info, line),
      outOfSyncBytes: outOfSync === null ? null : outOfSync * BITMAP_BIT_BYTES,
      bitmapUuid: uuids[uuidIndex.bitmap] ?? null,
      stats: {
        receivedBytes: sectorsOf(info['recv_cnt']),
        sentBytes: sectorsOf(info['send_cnt']),
        pending:
          pending === null || resyncPending === null ? (line?.counters?.pending ?? null) : pending + resyncPending,
        unacked: line?.counters?.unacked ?? null,
        resyncFailedBytes: failed === null ? null : failed * BITMAP_BIT_BYTES,
      },
    };
  }
}

const PRIMARY = codeOf('genl1', 'role', 'Primary');

function addressKey(address: unknown): string {
  return address instanceof Uint8Array ? formatHex(address) : '-';
}

/** @returns the values by their volume */
function inOrder<T>(byVolume: ReadonlyMap<number, T>): T[] {
  return [...byVolume].sort(([a], [b]) => a - b).map(([, value]) => value);
}

function resourceFields(reply: Genl1Reply): ResourceDraft['fields'] {
  const info = fieldsOf(reply['resource_info']);
  const roleCode = countOf(info['res_role']);
  return {
    role: wordOf('genl1', 'role', roleCode),
    roleCode,
    nodeId: null,
    suspended: {
      user: booleanOf(info['res_susp']),
      noData: booleanOf(info['res_susp_nod']),
      fencing: booleanOf(info['res_susp_fen']),
      quorum: null,
    },
    ...writeOrderingOf(countOf(fieldsOf(reply['resource_statistics'])['res_stat_write_ordering'])),
    mayPromote: null,
    promotionScore: null,
  };
}

function connectionFields(reply: Genl1Reply): ConnectionDraft['fields'] {
  const info = fieldsOf(reply['connection_info']);
  const stateCode = countOf(info['conn_connection_state']);
  const roleCode = countOf(info['conn_role']);
  return {
    peerNodeId: null,
    name: null,
    state: splitConnection('genl1', stateCode).state,
    stateCode,
    role: wordOf('genl1', 'role', roleCode),
    roleCode,
    congested: booleanOf(fieldsOf(reply['connection_statistics'])['conn_congested']),
    ...protocolOf(fieldsOf(reply['net_conf'])['wire_protocol'], null),
  };
}

/** The devices of a resource share its connection; each tells what it sees of it. */
function statusConnection(
  before: ConnectionDraft['fields'],
  reply: Genl1Reply,
  state: StateWord | undefined,
): ConnectionDraft['fields'] {
  const protocol = protocolOf(fieldsOf(reply['net_conf'])['wire_protocol'], null);
  if (state === undefined) return { ...before, ...protocol };
  const roleCode = before.roleCode === null || state.peer === PRIMARY ? state.peer : before.roleCode;
  const stateCode = before.stateCode === null ? state.conn : Math.max(before.stateCode, state.conn);
  return {
    ...before,
    state: splitConnection('genl1', stateCode).state,
    stateCode,
    role: wordOf('genl1', 'role', roleCode),
    roleCode,
    ...protocol,
  };
}

function deviceStats(statistics: Fields): DeviceStats {
  return {
    sizeBytes: sectorsOf(statistics['dev_size']),
    readBytes: sectorsOf(statistics['dev_read']),
    writtenBytes: sectorsOf(statistics['dev_write']),
    alWrites: bigintOf(statistics['dev_al_writes']),
    bmWrites: bigintOf(statistics['dev_bm_writes']),
    upperPending: countOf(statistics['dev_upper_pending']),
    lowerPending: countOf(statistics['dev_lower_pending']),
    alSuspended: booleanOf(statistics['dev_al_suspended']),
    upperBlocked: booleanOf(statistics['dev_upper_blocked']),
    lowerBlocked: booleanOf(statistics['dev_lower_blocked']),
  };
}

function peerDeviceStats(statistics: Fields): PeerDeviceStats {
  return {
    receivedBytes: sectorsOf(statistics['peer_dev_received']),
    sentBytes: sectorsOf(statistics['peer_dev_sent']),
    pending: countOf(statistics['peer_dev_pending']),
    unacked: countOf(statistics['peer_dev_unacked']),
    resyncFailedBytes: sectorsOf(statistics['peer_dev_resync_failed']),
  };
}

/**
 * @param info state_info of get_status: `bits_oos` counts what is left of a resync but not of a verify, for which there
 *   is only /proc/drbd
 */
function resyncOfState(
  replicationCode: number | null,
  suspended: ResyncSuspended,
  info: Fields,
  line: ProcDrbdDevice | undefined,
): Resync | null {
  const kind = resyncKind('genl1', replicationCode);
  if (kind === null) return null;
  const total = bigintOf(info['bits_rs_total']);
  const outOfSync = bigintOf(info['bits_oos']);
  const failed = bigintOf(info['bits_rs_failed']) ?? 0n;
  const measured = kind === 'sync' && total !== null && outOfSync !== null;
  return resyncOf({
    kind,
    suspended,
    proc: line?.progress ?? null,
    totalBytes: measured ? total * BITMAP_BIT_BYTES : null,
    leftBytes: measured ? (outOfSync > failed ? outOfSync - failed : 0n) * BITMAP_BIT_BYTES : null,
    permille: null,
  });
}
