import { decodeStateWord, isUnconfigured } from '../../dialects/state-word';
import type { ByteOrder } from '../../netlink';
import type { ProcDrbd, ProcDrbdDevice } from '../../dialects/proc-drbd';
import { UNCONFIGURED } from '../../dialects/proc-drbd';
import { resyncOf } from './progress';
import type { Device, Path, PeerDevice, Resource, Snapshot, Suspended } from './snapshot';
import {
  codeOf,
  protocolOf,
  resyncKind,
  splitConnection,
  uuidIndex,
  uuidKeys,
  wordOf,
  writeOrderingOfLetter,
} from './states';
import { countOf, fieldsOf, numberOf, pathAddressOf, stringOf, uuidsOf, type Fields } from './values';

/**
 * What is known of one minor: the tags of the answers to the three read requests. Absent: not asked, or not answered.
 */
export interface ConnectorMinor {
  readonly minor: number;
  /** Of get_state: `state_i`, and `sync_progress` in tenths of a percent. */
  readonly state?: Fields | undefined;
  /** Of get_uuids: `uuids`. */
  readonly uuids?: Fields | undefined;
  /** Of get_config: addresses, protocol, devices. */
  readonly config?: Fields | undefined;
}

/** What a snapshot of the connector dialect is made from. */
export interface ConnectorSources {
  readonly driver: { readonly version: string | null; readonly api: number | null };
  /** Byte order of the machine whose kernel answered. */
  readonly order: ByteOrder;
  readonly minors: readonly ConnectorMinor[];
  /** The counters, which the netlink interface lacks. */
  readonly procDrbd?: ProcDrbd | undefined;
  /** Names of resources by minor, from whoever knows the configuration. */
  readonly names?: ReadonlyMap<number, string> | undefined;
  /** Sizes of the devices by minor, from the block devices. */
  readonly sizesBytes?: ReadonlyMap<number, bigint> | undefined;
  /** False if the caller knows that something is missing. */
  readonly complete?: boolean | undefined;
}

/** The state of a minor, from the state word, or else from /proc/drbd. */
interface MinorState {
  readonly role: number | null;
  readonly peer: number | null;
  readonly connection: number | null;
  readonly disk: number | null;
  readonly peerDisk: number | null;
  readonly suspended: Suspended;
  readonly resyncSuspended: PeerDevice['resyncSuspended'];
}

const NOT_KNOWN = { user: null, noData: null, fencing: null, quorum: null } as const;

/**
 * Makes a snapshot of what a DRBD 8.0-8.3 driver answered. The kernel knows minors only: each that has a disk or a
 * network configuration becomes a resource with one device (volume 0) and one connection, `StandAlone` where there is
 * no network configuration, since state and out-of-sync count of the peer's disk outlive it. Minors without either,
 * which `down` leaves behind until the module is unloaded, go to `source.unconfiguredMinors`, so that a resource that
 * was taken down is gone in every dialect. A minor whose state was not answered is taken from /proc/drbd, and left out
 * if that lacks it too. Whatever the answers hold, it does not throw.
 */
export function buildConnectorSnapshot(sources: ConnectorSources): Snapshot {
  const proc = new Map(sources.procDrbd?.devices.map((device) => [device.minor, device]));
  const asked = new Map(sources.minors.map((minor) => [minor.minor, minor]));
  const resources: Resource[] = [];
  const unconfiguredMinors: number[] = [];
  let complete = sources.complete ?? true;
  for (const minor of [...new Set([...asked.keys(), ...proc.keys()])].sort((a, b) => a - b)) {
    const answers = asked.get(minor) ?? { minor };
    const line = proc.get(minor);
    const word = numberOf(fieldsOf(answers.state)['state_i']);
    const state = word === null ? stateOfLine(line) : stateOfWord(word, sources);
    if (word === null) complete = false;
    if (state === undefined) continue;
    if (word === null ? line?.connection === UNCONFIGURED : isUnconfigured(word, sources.order))
      unconfiguredMinors.push(minor);
    else resources.push(buildResource(minor, answers, state, line, sources));
  }
  return {
    schemaVersion: 1,
    source: {
      dialect: 'connector',
      driver: sources.driver.version ?? sources.procDrbd?.version ?? null,
      api: sources.driver.api ?? sources.procDrbd?.api ?? null,
      complete,
      unconfiguredMinors,
    },
    resources,
  };
}

function stateOfWord(word: number, sources: ConnectorSources): MinorState {
  const state = decodeStateWord(word, sources.order);
  const tellsReasons = hasSuspensionReasons(sources.driver.version ?? sources.procDrbd?.version ?? null);
  return {
    role: state.role,
    peer: state.peer,
    connection: state.conn,
    disk: state.disk,
    peerDisk: state.pdsk,
    suspended: {
      user: state.susp,
      noData: tellsReasons ? state.susp_nod : null,
      fencing: tellsReasons ? state.susp_fen : null,
      quorum: null,
    },
    resyncSuspended: { user: state.user_isp, peer: state.peer_isp, dependency: state.aftr_isp },
  };
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

function stateOfLine(line: ProcDrbdDevice | undefined): MinorState | undefined {
  if (line === undefined) return undefined;
  const { flags } = line;
  return {
    role: codeOf('connector', 'role', line.role),
    peer: codeOf('connector', 'role', line.peerRole),
    connection: codeOf('connector', 'connection', line.connection),
    disk: codeOf('connector', 'disk', line.disk),
    peerDisk: codeOf('connector', 'disk', line.peerDisk),
    // The letter does not tell the reason; that it is not suspended excludes all of them.
    suspended: flags?.ioSuspended === false ? { user: false, noData: false, fencing: false, quorum: null } : NOT_KNOWN,
    resyncSuspended: {
      user: flags?.resyncPausedByUser ?? null,
      peer: flags?.resyncPausedByPeer ?? null,
      dependency: flags?.resyncDependency ?? null,
    },
  };
}

function buildResource(
  minor: number,
  answers: ConnectorMinor,
  state: MinorState,
  line: ProcDrbdDevice | undefined,
  sources: ConnectorSources,
): Resource {
  const config = fieldsOf(answers.config);
  const counters = line?.counters ?? null;
  const { state: connected, replication } = splitConnection('connector', state.connection);
  const uuids = uuidsOf(fieldsOf(answers.uuids)['uuids'], sources.order);
  const letter = line?.protocol ?? null;
  const protocol = protocolOf(config['wire_protocol'], letter);
  const device: Device = {
    minor,
    volume: 0,
    disk: wordOf('connector', 'disk', state.disk),
    diskCode: state.disk,
    client: null,
    open: null,
    quorum: null,
    backingDevice: stringOf(config['backing_dev']),
    metaDevice: stringOf(config['meta_dev']),
    ...uuidKeys(uuids),
    stats:
      counters === null && sources.sizesBytes?.has(minor) !== true
        ? null
        : {
            sizeBytes: sources.sizesBytes?.get(minor) ?? null,
            readBytes: counters?.readBytes ?? null,
            writtenBytes: counters?.writtenBytes ?? null,
            alWrites: counters?.alWrites ?? null,
            bmWrites: counters?.bmWrites ?? null,
            upperPending: counters?.upperPending ?? null,
            lowerPending: counters?.lowerPending ?? null,
            alSuspended: line?.flags?.activityLogSuspended ?? null,
            upperBlocked: congestionIs(line, 'd'),
            lowerBlocked: congestionIs(line, 'b'),
          },
  };
  const kind = resyncKind('connector', state.connection);
  const peerDevice: PeerDevice = {
    volume: 0,
    replication,
    replicationCode: state.connection,
    peerDisk: wordOf('connector', 'disk', state.peerDisk),
    peerDiskCode: state.peerDisk,
    peerClient: null,
    resyncSuspended: state.resyncSuspended,
    resync:
      kind === null
        ? null
        : resyncOf({
            kind,
            suspended: state.resyncSuspended,
            proc: line?.progress ?? null,
            totalBytes: null,
            leftBytes: null,
            permille: countOf(fieldsOf(answers.state)['sync_progress']),
          }),
    outOfSyncBytes: counters?.outOfSyncBytes ?? null,
    bitmapUuid: uuids[uuidIndex.bitmap] ?? null,
    stats:
      counters === null
        ? null
        : {
            receivedBytes: counters.receivedBytes,
            sentBytes: counters.sentBytes,
            pending: counters.pending,
            unacked: counters.unacked,
            resyncFailedBytes: null,
          },
  };
  const local = pathAddressOf(config['my_addr'], sources.order);
  const peer = pathAddressOf(config['peer_addr'], sources.order);
  const paths: Path[] = local === null && peer === null ? [] : [{ local, peer, established: null }];
  return {
    name: sources.names?.get(minor) ?? null,
    role: wordOf('connector', 'role', state.role),
    roleCode: state.role,
    nodeId: null,
    suspended: state.suspended,
    ...writeOrderingOfLetter(counters?.writeOrdering ?? null),
    mayPromote: null,
    promotionScore: null,
    devices: [device],
    connections: [
      {
        peerNodeId: null,
        name: null,
        state: connected,
        stateCode: state.connection,
        role: wordOf('connector', 'role', state.peer),
        roleCode: state.peer,
        congested: congestionIs(line, 'n'),
        ...protocol,
        paths,
        peerDevices: [peerDevice],
      },
    ],
  };
}

/**
 * `a` stands for both backing device and network; with `d` and `c` the kernel does not look any further. Older releases
 * print no letter.
 */
function congestionIs(line: ProcDrbdDevice | undefined, letter: 'b' | 'd' | 'n'): boolean | null {
  const flags = line?.flags ?? null;
  if (flags === null || flags.activityLogSuspended === null) return null;
  const { congestion } = flags;
  if (letter !== 'd' && (congestion === 'd' || congestion === 'c')) return null;
  return congestion === letter || (congestion === 'a' && letter !== 'd');
}
