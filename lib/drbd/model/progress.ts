import type { ProcDrbdProgress } from '../../dialects/proc-drbd';
import type { Resync, ResyncSuspended } from './snapshot';

/** What is known of a resync or verify, from wherever. Null: not told. */
export interface ProgressSources {
  readonly kind: Resync['kind'];
  readonly suspended: ResyncSuspended;
  /** The lines of /proc/drbd. */
  readonly proc: ProcDrbdProgress | null;
  /** What the kernel's netlink interface counts. */
  readonly totalBytes: bigint | null;
  readonly leftBytes: bigint | null;
  /** Tenths of a percent, as the kernel computes them: in steps of 4 MiB, so amounts of bytes are believed first. */
  readonly permille: number | null;
}

/** @returns the resync of a peer device, from the best of what is known */
export function resyncOf(sources: ProgressSources): Resync {
  const { kind, suspended, permille } = sources;
  // /proc/drbd was read at another moment: what it says of a run of the other kind is not about this one.
  const proc = sources.proc?.kind === kind ? sources.proc : null;
  const measured = sources.totalBytes !== null && sources.leftBytes !== null;
  const totalBytes = measured ? sources.totalBytes : (proc?.totalBytes ?? null);
  const leftBytes = measured ? sources.leftBytes : (proc?.leftBytes ?? null);
  return {
    kind,
    percent:
      percentOf(totalBytes, leftBytes) ??
      (permille !== null && permille >= 0 && permille <= 1000 ? permille / 10 : clampPercent(proc?.printedPercent)),
    etaSeconds: proc?.etaSeconds ?? null,
    reason: reasonOf(suspended, proc?.stalled ?? false),
    totalBytes,
    leftBytes,
    bytesPerSecond: proc?.bytesPerSecond ?? null,
  };
}

function clampPercent(percent: number | undefined): number | null {
  return percent === undefined ? null : Math.min(100, percent);
}

function percentOf(totalBytes: bigint | null, leftBytes: bigint | null): number | null {
  if (totalBytes === null || leftBytes === null) return null;
  // More left than there was: the kernel set the total after the count was taken.
  if (leftBytes >= totalBytes) return totalBytes === 0n ? 100 : 0;
  return Number(((totalBytes - leftBytes) * 10_000n) / totalBytes) / 100;
}

function reasonOf(suspended: ResyncSuspended, stalled: boolean): string | null {
  const reasons = (['user', 'peer', 'dependency'] as const).filter((name) => suspended[name] === true);
  if (reasons.length > 0) return reasons.join(',');
  return stalled ? 'stalled' : null;
}
