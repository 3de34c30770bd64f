import type { DeviceStats, PeerDevice, Resource, ResyncSuspended, Suspended } from '../../../drbd';

// What `status` and `events2` write alike: reasons, counters.

/** The word for what the kernel told, or the one that its 0 has where it told nothing. */
export function wordOr(word: string | null, zero: string): string {
  return word ?? zero;
}

function holding(reasons: readonly (readonly [string, boolean | null])[]): string {
  const words = reasons.filter(([, holds]) => holds === true).map(([word]) => word);
  return words.length === 0 ? 'no' : words.join(',');
}

/** @returns for what reasons I/O is suspended, or `no` */
export function suspendedWords({ user, noData, fencing, quorum }: Suspended): string {
  return holding([
    ['user', user],
    ['no-data', noData],
    ['fencing', fencing],
    ['quorum', quorum],
  ]);
}

/** @returns for what reasons the resync is held, or `no` */
export function resyncSuspendedWords({ user, peer, dependency, maxParallel }: ResyncSuspended): string {
  return holding([
    ['user', user],
    ['peer', peer],
    ['dependency', dependency],
    ['max-parallel', maxParallel],
  ]);
}

/** @returns ` write-ordering:flush`, or nothing for what has no word */
export function writeOrderingText(word: Resource['writeOrdering']): string {
  return word === null || word.startsWith('unknown(') ? '' : ` write-ordering:${word}`;
}

const yesNo = (is: boolean | null): string => (is === true ? 'yes' : 'no');

export function congestedText(congested: boolean | null): string {
  return ` congested:${yesNo(congested)}`;
}

/** Whole KiB, as drbdsetup counts. */
export const kib = (bytes: bigint | null | undefined): bigint => (bytes ?? 0n) / 1024n;

/** @param old what was told before, if anything: what is a state and not a count is told again only when it changes */
export function deviceStatisticsTexts(
  old: DeviceStats | null,
  now: DeviceStats,
  { statistics, verbose }: { readonly statistics: boolean; readonly verbose: boolean },
): readonly string[] {
  const pieces: string[] = [];
  if (statistics) {
    if (verbose) pieces.push(` size:${kib(now.sizeBytes)}`);
    pieces.push(` read:${kib(now.readBytes)}`, ` written:${kib(now.writtenBytes)}`);
    if (verbose) {
      pieces.push(
        ` al-writes:${now.alWrites ?? 0n}`,
        ` bm-writes:${now.bmWrites ?? 0n}`,
        ` upper-pending:${now.upperPending ?? 0}`,
        ` lower-pending:${now.lowerPending ?? 0}`,
      );
      if (old === null || old.alSuspended !== now.alSuspended) pieces.push(` al-suspended:${yesNo(now.alSuspended)}`);
    }
  }
  const blocked = holding([
    ['upper', now.upperBlocked],
    ['lower', now.lowerBlocked],
  ]);
  const is = (flag: boolean | null | undefined): boolean => flag === true;
  const changed =
    old === null || is(old.upperBlocked) !== is(now.upperBlocked) || is(old.lowerBlocked) !== is(now.lowerBlocked);
  if (changed && (verbose || blocked !== 'no')) pieces.push(` blocked:${blocked}`);
  return pieces;
}

export function peerDeviceStatisticsTexts(
  { stats, outOfSyncBytes }: Pick<PeerDevice, 'stats' | 'outOfSyncBytes'>,
  verbose: boolean,
): readonly string[] {
  const pieces = [` received:${kib(stats?.receivedBytes)}`, ` sent:${kib(stats?.sentBytes)}`];
  if (verbose || (outOfSyncBytes ?? 0n) !== 0n) pieces.push(` out-of-sync:${kib(outOfSyncBytes)}`);
  if (verbose) pieces.push(` pending:${stats?.pending ?? 0}`, ` unacked:${stats?.unacked ?? 0}`);
  return pieces;
}
