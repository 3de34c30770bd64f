import { replicationStates } from '../../../dialects/genl2';
import type { FieldsReceived } from '../../../schema';
import { fixed, reasonWords, writeOrderingWord, yesNo } from './states-9';
import type { Sets9 } from '../v9';

/** The counters of DRBD 9 as status and events2 print them: pieces that each begin with a blank. */
export type Received<K extends keyof Sets9> = FieldsReceived<Sets9[K]['fields']>;

export interface StatisticsFormat {
  readonly statistics: boolean;
  /** 1 and more: also what is as it should be; 2 and more: all counters of a resync. */
  readonly verbose: number;
  /** Also what has not changed. */
  readonly full: boolean;
}

const SECTORS_PER_KIB = 2n;
const SECTORS_PER_MIB = 2048;

/** Sectors as KiB. */
export const kib = (sectors: bigint | undefined): bigint => (sectors ?? 0n) / SECTORS_PER_KIB;

export function resourceStatisticsTexts(
  old: Received<'resource_statistics'> | undefined,
  now: Received<'resource_statistics'>,
  { full }: StatisticsFormat,
): readonly string[] {
  const ordering = writeOrderingWord(now.res_stat_write_ordering);
  const told = old === undefined || old.res_stat_write_ordering !== now.res_stat_write_ordering || full;
  return told && ordering !== undefined ? [` write-ordering:${ordering}`] : [];
}

/** @param old what was told before, if anything: what is a state and not a count is told again only when it changes */
export function deviceStatisticsTexts9(
  old: Received<'device_statistics'> | undefined,
  now: Received<'device_statistics'>,
  { statistics, verbose, full }: StatisticsFormat,
): readonly string[] {
  const pieces: string[] = [];
  if (statistics) {
    if (verbose > 0) pieces.push(` size:${kib(now.dev_size)}`);
    pieces.push(` read:${kib(now.dev_read)}`, ` written:${kib(now.dev_write)}`);
    if (verbose > 0) {
      pieces.push(
        ` al-writes:${now.dev_al_writes ?? 0n}`,
        ` bm-writes:${now.dev_bm_writes ?? 0n}`,
        ` upper-pending:${now.dev_upper_pending ?? 0}`,
        ` lower-pending:${now.dev_lower_pending ?? 0}`,
      );
      if (old === undefined || old.dev_al_suspended !== now.dev_al_suspended || full)
        pieces.push(` al-suspended:${yesNo(now.dev_al_suspended)}`);
    }
  }
  const [upper, lower] = [now.dev_upper_blocked === true, now.dev_lower_blocked === true];
  const changed =
    old === undefined ||
    old.dev_upper_blocked !== now.dev_upper_blocked ||
    old.dev_lower_blocked !== now.dev_lower_blocked;
  if (changed && now.dev_size !== undefined && (verbose > 0 || upper || lower))
    pieces.push(
      ` blocked:${reasonWords([
        ['upper', upper],
        ['lower', lower],
      ])}`,
    );
  return pieces;
}

/** Requests in flight are sectors, unlike all else. */
export function connectionStatisticsTexts(
  old: Received<'connection_statistics'> | undefined,
  now: Received<'connection_statistics'>,
  { full }: StatisticsFormat,
): readonly string[] {
  const pieces: string[] = [];
  if (old === undefined || old.conn_congested !== now.conn_congested || full)
    pieces.push(` congested:${yesNo(now.conn_congested)}`);
  if (now.ap_in_flight !== undefined)
    pieces.push(` ap-in-flight:${now.ap_in_flight}`, ` rs-in-flight:${now.rs_in_flight ?? 0n}`);
  return pieces;
}

const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
const signed = (value: bigint | undefined): bigint => BigInt.asIntN(64, value ?? 0n);

/** What the counters of a resync, or of a verify, say. */
export interface Progress {
  /** Sectors that are still to be looked at. */
  readonly left: bigint;
  readonly total: bigint;
  /** Of all, in percent. */
  readonly percent: number;
  /** MiB/s: since the younger mark, since the older one, and since the start; what the controller wants. */
  readonly speed: number;
  readonly olderSpeed: number;
  readonly averageSpeed: number;
  readonly wanted: number;
  /** Seconds; undefined where nothing moves. */
  readonly eta: number | undefined;
  readonly verifies: boolean;
}

/** @returns undefined where neither runs, or the module does not tell */
export function progressOf(counters: Received<'peer_device_statistics'>): Progress | undefined {
  const total = counters.peer_dev_rs_total ?? 0n;
  if (total === 0n) return undefined;
  const verified = counters.peer_dev_ov_left ?? 0n;
  const verifies = verified !== 0n;
  const left = verifies
    ? verified
    : unsigned((counters.peer_dev_out_of_sync ?? 0n) - (counters.peer_dev_resync_failed ?? 0n));
  const done = Number(unsigned(total - left));
  const elapsed = Number(unsigned((counters.peer_dev_rs_dt_start_ms ?? 0n) - (counters.peer_dev_rs_paused_ms ?? 0n)));
  const speed = (sectors: number, milliseconds: number): number =>
    ((sectors / (milliseconds === 0 ? 1 : milliseconds)) * 1000) / SECTORS_PER_MIB;
  const [sectors, milliseconds] = [
    Number(signed(counters.peer_dev_rs_db1_sectors)),
    Number(counters.peer_dev_rs_dt1_ms ?? 0n) || 1,
  ];
  return {
    left,
    total,
    verifies,
    percent: (100 * done) / Number(total),
    speed: speed(sectors, milliseconds),
    olderSpeed: speed(Number(signed(counters.peer_dev_rs_db0_sectors)), Number(counters.peer_dev_rs_dt0_ms ?? 0n)),
    averageSpeed: speed(done, elapsed),
    wanted: (counters.peer_dev_rs_c_sync_rate ?? 0) / 1024,
    eta: sectors > 0 ? (milliseconds * 1e-3 * Number(left)) / sectors : undefined,
  };
}

/** A resync runs, and the module is too old to tell how far it has come (before 9.0.14). */
export function isUntoldResync(replication: number | undefined, counters: Received<'peer_device_statistics'>): boolean {
  switch (replication) {
    case replicationStates.L_SYNC_SOURCE:
    case replicationStates.L_SYNC_TARGET:
    case replicationStates.L_PAUSED_SYNC_S:
    case replicationStates.L_PAUSED_SYNC_T:
      return counters.peer_dev_rs_total === undefined;
    default:
      return false;
  }
}

/** How much of a device is in sync, in percent. */
export function percentInSync(outOfSync: bigint | undefined, size: bigint | undefined): number {
  return size === undefined || size === 0n ? 0 : 100 * (1 - Number(outOfSync ?? 0n) / Number(size));
}

/** @param done also how far a resync has come, which status prints elsewhere */
export function peerDeviceStatisticsTexts9(
  now: Received<'peer_device_statistics'>,
  { statistics, verbose }: StatisticsFormat,
  done: boolean,
): readonly string[] {
  const progress = progressOf(now);
  const pieces: string[] = [];
  if (done) {
    if (progress !== undefined) pieces.push(` done:${fixed(progress.percent, 2)}`);
    if (!statistics) return pieces;
  }
  pieces.push(` received:${kib(now.peer_dev_received)}`, ` sent:${kib(now.peer_dev_sent)}`);
  const outOfSync = now.peer_dev_out_of_sync ?? 0n;
  if (verbose > 0 || outOfSync !== 0n) pieces.push(` out-of-sync:${kib(outOfSync)}`);
  if (verbose === 0) return pieces;
  pieces.push(` pending:${now.peer_dev_pending ?? 0}`, ` unacked:${now.peer_dev_unacked ?? 0}`);
  if (progress === undefined) return pieces;
  if (verbose > 1) {
    for (const [name, value] of resyncCounters(now, progress)) pieces.push(` ${name}:${value}`);
    if (progress.wanted !== 0) pieces.push(` want:${fixed(progress.wanted, 2)}`);
    pieces.push(` dbdt:${fixed(progress.averageSpeed, 2)}`, ` dbdt0:${fixed(progress.olderSpeed, 2)}`);
  }
  pieces.push(` dbdt1:${fixed(progress.speed, 2)}`, ` eta:${fixed(progress.eta ?? Number.NaN, 0)}`);
  return pieces;
}

/** @returns the counters behind a {@link Progress}, by their name, in order */
export function resyncCounters(
  now: Received<'peer_device_statistics'>,
  { total, verifies }: Progress,
): readonly (readonly [name: string, value: bigint])[] {
  return [
    ['rs-total', total],
    ['rs-dt-start-ms', signed(now.peer_dev_rs_dt_start_ms)],
    ['rs-paused-ms', signed(now.peer_dev_rs_paused_ms)],
    ['rs-dt0-ms', signed(now.peer_dev_rs_dt0_ms)],
    ['rs-db0-sectors', signed(now.peer_dev_rs_db0_sectors)],
    ['rs-dt1-ms', signed(now.peer_dev_rs_dt1_ms)],
    ['rs-db1-sectors', signed(now.peer_dev_rs_db1_sectors)],
    ...(verifies
      ? ([
          ['ov-start-sector', now.peer_dev_ov_start_sector ?? 0n],
          ['ov-stop-sector', now.peer_dev_ov_stop_sector ?? 0n],
          ['ov-position', signed(now.peer_dev_ov_position)],
          ['ov-left', now.peer_dev_ov_left ?? 0n],
          ['ov-skipped', now.peer_dev_ov_skipped ?? 0n],
        ] as const)
      : ([
          ['rs-failed', now.peer_dev_resync_failed ?? 0n],
          ['rs-same-csum', now.peer_dev_rs_same_csum ?? 0n],
        ] as const)),
  ];
}
