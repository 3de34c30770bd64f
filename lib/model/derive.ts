import type { Patch, Values } from './objects';
import { blankGroup } from './records';
import type { PeerDevice, Resync } from './snapshot';

type ResyncKind = Resync['kind'];

/** @returns whether the state is one of a resync or a verify that is under way or paused */
export function resyncKind(replication: PeerDevice['replication']): ResyncKind | null {
  switch (replication) {
    case 'SyncSource':
    case 'SyncTarget':
    case 'PausedSyncS':
    case 'PausedSyncT':
      return 'sync';
    case 'VerifyS':
    case 'VerifyT':
      return 'verify';
    default:
      return null;
  }
}

function percentOf(totalBytes: bigint | null, leftBytes: bigint | null): number | null {
  if (totalBytes === null || leftBytes === null) return null;
  // More left than there was: the kernel set the total after the count was taken.
  if (leftBytes >= totalBytes) return totalBytes === 0n ? 100 : 0;
  return Math.round(Number(((totalBytes - leftBytes) * 1_000_000n) / totalBytes) / 100) / 100;
}

function speedOf(bytes: bigint | null, milliseconds: bigint | null): bigint | null {
  if (bytes === null || milliseconds === null) return null;
  return (bytes * 1000n) / (milliseconds === 0n ? 1n : milliseconds);
}

/** What the marks of DRBD 9 say of the speed; other dialects tell speeds and estimates themselves. */
function estimates(resync: Resync): Partial<Resync> {
  const { mark1Bytes: bytes, mark1Ms: milliseconds, leftBytes, totalBytes, elapsedMs, pausedMs } = resync;
  if (bytes === null || milliseconds === null) return {};
  const measured = totalBytes !== null && leftBytes !== null && elapsedMs !== null && leftBytes <= totalBytes;
  return {
    bytesPerSecond: speedOf(bytes, milliseconds),
    averageBytesPerSecond: measured ? speedOf(totalBytes - leftBytes, elapsedMs - (pausedMs ?? 0n)) : null,
    etaSeconds:
      leftBytes === null || bytes === 0n
        ? null
        : Math.round((Number(milliseconds) * Number(leftBytes)) / (1000 * Number(bytes))),
  };
}

/**
 * Computes what follows from the other properties of a peer device.
 * @param patch what a message told
 * @param before the properties before the message; undefined for a new peer device
 * @returns the patch with the derived properties set
 */
export function derivePeerDevice(
  patch: Patch<'peerDevice'>,
  before: Values<'peerDevice'> | undefined,
): Patch<'peerDevice'> {
  const replication = patch.replication ?? before?.replication ?? null;
  const kind = resyncKind(replication);
  if (kind === null) return { ...patch, resync: null };
  // A run of another kind begins anew.
  const run = before?.resync?.kind === kind ? before.resync : blankGroup('peerDevice', 'resync');
  const told: Resync = { ...run, ...patch.resync, kind };
  const holds = { ...before?.resyncSuspended, ...patch.resyncSuspended };
  const reasons = (['user', 'peer', 'dependency', 'maxParallel'] as const).filter((name) => holds[name] === true);
  const resync: Resync = {
    ...told,
    ...estimates(told),
    percent: percentOf(told.totalBytes, told.leftBytes) ?? told.percent,
    reason: reasons.length === 0 && told.stalled === true ? ['stalled'] : reasons,
  };
  return { ...patch, resync };
}

/** Of the flags that come with the generations: the peer takes its data for current, no other node being ahead. */
const UUID_FLAG_STABLE = 0x20n;
const MOST_COUNTED = 99;

/** What one volume adds to the promotion of its resource. */
export interface Standing {
  readonly quorum: boolean;
  /** UpToDate on this node. */
  readonly here: boolean;
  /** This node has a disk of it that is of use. */
  readonly disk: boolean;
  /** On how many nodes it is UpToDate. */
  readonly replicas: number;
  /** One of those will not turn out to be behind another. */
  readonly stable: boolean;
}

export function standingOf(
  { disk, quorum }: Pick<Values<'device'>, 'disk' | 'quorum'>,
  peers: Iterable<Pick<Values<'peerDevice'>, 'peerDisk' | 'uuidFlags'>>,
): Standing {
  const here = disk === 'UpToDate';
  let replicas = here ? 1 : 0;
  let stable = here;
  for (const { peerDisk, uuidFlags } of peers) {
    if (peerDisk !== 'UpToDate') continue;
    replicas++;
    if (((uuidFlags ?? 0n) & UUID_FLAG_STABLE) !== 0n) stable = true;
  }
  return {
    quorum: quorum !== false,
    here,
    disk: here || disk === 'Consistent' || disk === 'Inconsistent',
    replicas,
    stable,
  };
}

/** The standings of a resource's volumes, counted: a change of one volume costs the same however many there are. */
export class Tally {
  static none(): Tally {
    return new Tally(0, 0, 0, 0, 0, []);
  }

  private constructor(
    readonly volumes: number,
    readonly withoutQuorum: number,
    readonly here: number,
    readonly withoutDisk: number,
    readonly unstable: number,
    /** How many volumes have that many replicas. */
    readonly byReplicas: readonly number[],
  ) {}

  with(standing: Standing): Tally {
    return this.#plus(standing, 1);
  }

  without(standing: Standing): Tally {
    return this.#plus(standing, -1);
  }

  #plus({ quorum, here, disk, replicas, stable }: Standing, sign: 1 | -1): Tally {
    const byReplicas = Array.from(
      { length: Math.max(this.byReplicas.length, replicas + 1) },
      (_unused, at) => (this.byReplicas[at] ?? 0) + (at === replicas ? sign : 0),
    );
    return new Tally(
      this.volumes + sign,
      this.withoutQuorum + (quorum ? 0 : sign),
      this.here + (here ? sign : 0),
      this.withoutDisk + (disk ? 0 : sign),
      this.unstable + (stable ? 0 : sign),
      byReplicas,
    );
  }
}

const CANNOT = { mayPromote: false, promotionScore: 0 } as const;

/**
 * Computes mayPromote and promotionScore as drbdsetup of DRBD 9 does (compute_promotion_info). The score has one digit
 * for "all volumes have a disk here", two for the number of volumes that are UpToDate here, two for the fewest nodes on
 * which a volume is UpToDate.
 */
export function promotionOf(
  { role, forceIoFailures }: Pick<Values<'resource'>, 'role' | 'forceIoFailures'>,
  peers: Iterable<Pick<Values<'connection'>, 'role'>>,
  tally: Tally,
): { readonly mayPromote: boolean; readonly promotionScore: number } {
  const fewest = tally.byReplicas.findIndex((count) => count > 0);
  if (tally.volumes === 0 || forceIoFailures === true || tally.withoutQuorum > 0 || fewest === 0) return CANNOT;
  let primary = role === 'Primary';
  for (const peer of peers) if (peer.role === 'Primary') primary = true;
  return {
    mayPromote: !primary && tally.unstable === 0,
    promotionScore:
      (tally.withoutDisk === 0 ? 10_000 : 0) +
      Math.min(tally.here, MOST_COUNTED) * 100 +
      Math.min(fewest, MOST_COUNTED),
  };
}
