import type { Change, Step } from './changes';
import {
  connectionText,
  formatPathAddress,
  resourceText,
  type ConnectionKey,
  type KeyOf,
  type ResourceKey,
} from './keys';
import type { ObjectName } from './objects';
import type { Connection, Device, PeerDevice, Resource, Snapshot } from './snapshot';

/** What is wrong with one object, and why. */
export interface Finding {
  readonly code:
    | 'split-brain'
    | 'stand-alone'
    | 'diskless-primary'
    | 'no-quorum'
    | 'io-suspended'
    | 'resync-paused'
    | 'resync-stuck'
    | 'outdated'
    | 'inconsistent';
  /** `error`: data or service is at risk now. `warning`: redundancy is. */
  readonly severity: 'error' | 'warning';
  readonly object: ObjectName;
  readonly key: KeyOf;
  /** What is wrong, and the next step. */
  readonly text: string;
}

/** When the amount left of a resync was last seen to change. */
interface Progress {
  readonly leftBytes: bigint | null;
  readonly percent: number | null;
  readonly sinceMs: number;
}

/** What a snapshot does not tell: what happened, and since when nothing has. Made by {@link foldHistory}. */
export interface History {
  /** Connections whose peers found a split brain and have not been connected since, by their keys in text. */
  readonly splitBrains: ReadonlySet<string>;
  /** Resyncs under way, by the keys of their peer devices in text. */
  readonly progress: ReadonlyMap<string, Progress>;
}

export const NO_HISTORY: History = Object.freeze({ splitBrains: new Set<string>(), progress: new Map() });

const SPLIT_BRAIN_HELPERS: ReadonlySet<string> = new Set(['split-brain', 'initial-split-brain']);

const textOfConnection = (key: ConnectionKey): string => `${resourceText(key)} ${connectionText(key)}`;
const textOfPeerDevice = (key: ConnectionKey, volume: number | null): string => `${textOfConnection(key)} ${volume}`;

/** Helpers are called for a device in DRBD 8.4, for a peer device or a connection in 9, and for a minor in 8.3. */
function concerns(splitBrain: string, key: ConnectionKey): boolean {
  return splitBrain === textOfConnection(key) || splitBrain === resourceText(key);
}

/**
 * Adds a change, or a step, to what is remembered.
 * @param change from `events({ counters: true, refreshMs })`: without refreshes nothing tells that a resync advances
 * @param atMs when it came, by whatever clock {@link findings} is asked by
 */
export function foldHistory(history: History, change: Change | Step, atMs: number): History {
  const action = 'action' in change ? change.action : change.kind;
  if (!('object' in change)) return history;
  if ('helper' in change) {
    if (!SPLIT_BRAIN_HELPERS.has(change.helper.name)) return history;
    const key: ConnectionKey = change.key;
    const text = connectionText(key) === '' ? resourceText(key) : textOfConnection(key);
    return { ...history, splitBrains: new Set([...history.splitBrains, text]) };
  }
  const { object, key, after } = change;
  switch (object) {
    case 'resource':
      if (action === 'destroy') return rewritten(history, resourceText(key), () => undefined);
      if (action !== 'rename') return history;
      return rewritten(history, resourceText(key), (rest) => `${after?.name ?? ''}${rest}`);
    case 'connection': {
      const isOver = action === 'destroy' || after?.state === 'Connected';
      const left = [...history.splitBrains].filter((text) => !(isOver && concerns(text, key)));
      const told = left.length === history.splitBrains.size ? history : { ...history, splitBrains: new Set(left) };
      return action === 'destroy' ? rewritten(told, textOfConnection(key), () => undefined) : told;
    }
    case 'peerDevice':
      return withProgress(history, textOfPeerDevice(key, key.volume), after?.resync ?? null, atMs);
    case 'device':
    case 'path':
      return history;
  }
}

function withProgress(history: History, text: string, resync: PeerDevice['resync'], atMs: number): History {
  const known = history.progress.get(text);
  if (resync === null) {
    if (known === undefined) return history;
    return { ...history, progress: new Map([...history.progress].filter(([key]) => key !== text)) };
  }
  const { leftBytes, percent } = resync;
  if (known !== undefined && known.leftBytes === leftBytes && known.percent === percent) return history;
  return { ...history, progress: new Map(history.progress).set(text, { leftBytes, percent, sinceMs: atMs }) };
}

/**
 * Changes what is remembered of an object and of those below it, whose keys begin with its own.
 * @param change gets what follows the key of the object, and returns the new key, or undefined to forget it
 */
function rewritten(history: History, text: string, change: (rest: string) => string | undefined): History {
  const keyOf = (old: string): string | undefined =>
    old === text || old.startsWith(`${text} `) ? change(old.slice(text.length)) : old;
  return {
    splitBrains: new Set([...history.splitBrains].flatMap((old) => keyOf(old) ?? [])),
    progress: new Map(
      [...history.progress].flatMap(([old, progress]) => {
        const key = keyOf(old);
        return key === undefined ? [] : [[key, progress] as const];
      }),
    ),
  };
}

export interface FindingOptions {
  /** What happened before; nothing if absent, and then neither split brain nor a stuck resync is found. */
  readonly history?: History;
  /** The present time, by the clock of the history. */
  readonly nowMs?: number;
  /** A resync that has not advanced for so long is stuck; 60,000 if absent. */
  readonly stuckMs?: number;
}

const STUCK_MS = 60_000;
const RUNS = { sync: 'resync', verify: 'verify' } as const;

/** @returns what is wrong, resource by resource; empty where nothing is */
export function findings(snapshot: Snapshot, options: FindingOptions = {}): readonly Finding[] {
  return snapshot.resources.flatMap((resource) => ofResource(resource, keyOfResource(resource, snapshot), options));
}

function keyOfResource({ name, devices }: Resource, { source }: Snapshot): ResourceKey {
  if (source.dialect !== 'connector' && name !== null) return { resource: name };
  const minor = devices[0]?.minor;
  return minor === null || minor === undefined ? {} : { minor };
}

function keyOfConnection({ peerNodeId, paths }: Connection, resource: ResourceKey): ConnectionKey {
  if (peerNodeId !== null) return { ...resource, peerNodeId };
  const [path] = paths;
  if (resource.resource === undefined || path === undefined) return resource;
  return { ...resource, local: formatPathAddress(path.local), peer: formatPathAddress(path.peer) };
}

const named = (list: readonly (string | false)[]): string => list.filter((word) => word !== false).join(', ');

function ofResource(resource: Resource, key: ResourceKey, options: FindingOptions): readonly Finding[] {
  const name = resource.name ?? `minor ${key.minor ?? ''}`;
  const { suspended } = resource;
  const why = named([
    suspended.user === true && 'by the user',
    suspended.noData === true && 'no node that is reachable has the data',
    suspended.fencing === true && 'the peer is to be fenced',
    suspended.quorum === true && 'quorum was lost',
  ]);
  const found: Finding[] = [];
  if (why !== '')
    found.push({
      code: 'io-suspended',
      severity: 'error',
      object: 'resource',
      key,
      text: `${name}: I/O is suspended (${why}). Restore the cause, or run resume-io.`,
    });
  for (const device of resource.devices) found.push(...ofDevice(device, resource, name, key));
  for (const connection of resource.connections)
    found.push(...ofConnection(connection, name, keyOfConnection(connection, key), options));
  return found;
}

/** Replication states in which the local disk is being brought up to date, or is about to be. */
const RECEIVING: ReadonlySet<string | null> = new Set<PeerDevice['replication']>([
  'SyncTarget',
  'PausedSyncT',
  'StartingSyncT',
  'WFBitMapT',
  'WFSyncUUID',
  'Behind',
]);
/** The same of the peer's disk. */
const SENDING: ReadonlySet<string | null> = new Set<PeerDevice['replication']>([
  'SyncSource',
  'PausedSyncS',
  'StartingSyncS',
  'WFBitMapS',
  'Ahead',
]);

function ofDevice(device: Device, resource: Resource, name: string, resourceKey: ResourceKey): readonly Finding[] {
  const { volume, minor, disk, quorum, client } = device;
  const at = {
    object: 'device',
    key: { ...resourceKey, volume: volume ?? 0, ...(minor === null ? {} : { minor }) },
  } as const;
  const label = `${name}/${volume}`;
  const found: Finding[] = [];
  if (resource.role === 'Primary' && disk === 'Diskless' && client !== true)
    found.push({
      ...at,
      code: 'diskless-primary',
      severity: 'error',
      text: `${label}: primary without a disk: all data comes from the peers. Attach a disk.`,
    });
  if (quorum === false)
    found.push({
      ...at,
      code: 'no-quorum',
      severity: 'error',
      text: `${label}: too few nodes are reachable for quorum. Restore connections, or lower the quorum option.`,
    });
  const receives = resource.connections.some(({ peerDevices }) =>
    peerDevices.some((peer) => peer.volume === volume && RECEIVING.has(peer.replication)),
  );
  if (!receives && (disk === 'Outdated' || disk === 'Inconsistent')) {
    const outdated = disk === 'Outdated';
    found.push({
      ...at,
      code: outdated ? 'outdated' : 'inconsistent',
      severity: outdated ? 'warning' : 'error',
      text: `${label}: the disk is ${disk} and no resync brings it up to date. Connect to a node that is UpToDate.`,
    });
  }
  return found;
}

function ofConnection(
  connection: Connection,
  name: string,
  key: ConnectionKey,
  options: FindingOptions,
): readonly Finding[] {
  const { history = NO_HISTORY } = options;
  const [path] = connection.paths;
  const peer = connection.name ?? (path === undefined ? null : formatPathAddress(path.peer));
  const label = peer === null ? name : `${name} to ${peer}`;
  const at = { object: 'connection', key } as const;
  const found: Finding[] = [];
  // 8.3 shows a minor without a peer as StandAlone too. A connection of DRBD 9 has its peer.
  const isConfigured = path !== undefined || connection.peerNodeId !== null;
  if (connection.state === 'StandAlone' && isConfigured) {
    const split = [...history.splitBrains].some((text) => concerns(text, key));
    found.push(
      split
        ? {
            ...at,
            code: 'split-brain',
            severity: 'error',
            text: `${label}: split brain: both nodes wrote on their own. Choose whose data to discard, and connect.`,
          }
        : {
            ...at,
            code: 'stand-alone',
            severity: 'warning',
            text: `${label}: StandAlone: it does not try to connect. See the kernel log for why, and connect.`,
          },
    );
  }
  for (const peerDevice of connection.peerDevices)
    found.push(...ofPeerDevice(peerDevice, connection, label, key, options));
  return found;
}

function ofPeerDevice(
  peerDevice: PeerDevice,
  connection: Connection,
  link: string,
  connectionKey: ConnectionKey,
  { history = NO_HISTORY, nowMs, stuckMs = STUCK_MS }: FindingOptions,
): readonly Finding[] {
  const { volume, resync, replication, peerDisk } = peerDevice;
  const at = { object: 'peerDevice', key: { ...connectionKey, volume: volume ?? 0 } } as const;
  const label = `${link}/${volume}`;
  const found: Finding[] = [];
  const holds = (resync?.reason ?? []).filter((reason) => reason !== 'stalled');
  const paused = replication === 'PausedSyncS' || replication === 'PausedSyncT';
  if (paused || holds.length > 0) {
    const words = {
      user: 'by the user',
      peer: 'by the peer',
      dependency: 'another resync comes first',
      maxParallel: 'too many others run',
    };
    const why = holds.map((reason) => words[reason]).join(', ');
    found.push({
      ...at,
      code: 'resync-paused',
      severity: 'warning',
      text: `${label}: the resync is paused${why && ` (${why})`}. Run resume-sync, or let the other one end.`,
    });
  } else if (resync !== null) {
    const seen = history.progress.get(textOfPeerDevice(connectionKey, volume));
    const still = seen !== undefined && nowMs !== undefined && nowMs - seen.sinceMs >= stuckMs;
    if (still || resync.reason.includes('stalled'))
      found.push({
        ...at,
        code: 'resync-stuck',
        severity: 'warning',
        text: `${label}: the ${RUNS[resync.kind]} does not advance. See network and disks of both nodes.`,
      });
  }
  const behind = peerDisk === 'Outdated' || peerDisk === 'Inconsistent';
  if (connection.state === 'Connected' && behind && !SENDING.has(replication))
    found.push({
      ...at,
      code: peerDisk === 'Outdated' ? 'outdated' : 'inconsistent',
      severity: 'warning',
      text: `${label}: the peer's disk is ${peerDisk} and no resync brings it up to date. See its own state.`,
    });
  return found;
}
