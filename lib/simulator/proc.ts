import { connectionStates, diskStates, roles, stateWords } from '../dialects/connector';
import { codeName, type CodeTable } from '../schema';
import type { Device } from './device';
import { PROGRESS_MARKS } from './progress';
import { currentRate, syncProgress } from './resync';
import { C, isEmpty, isSuspended } from './state';

const KIB_PER_BLOCK = 4n;
const SECOND_MS = 1000;
/** Ticks of the simulated kernel's clock in a second, as distributions set it (CONFIG_HZ). */
const HZ = 250;
/**
 * No block for so many seconds, and the progress counts as stalled. 8.3.13 compares them with a number of ticks: the
 * time that its marks span.
 */
const STALLED_SECONDS = PROGRESS_MARKS * 3 * HZ;
/** From this many blocks on, 4 GiB, sizes are printed in MiB. */
const LARGE_BLOCKS = 4n * 2n ** 18n;

function word(table: CodeTable, words: Readonly<Record<string, string>>, number: number): string {
  return words[codeName(table, number)] ?? '<bad>';
}

const isVerify = (conn: number): boolean => conn === C.C_VERIFY_S || conn === C.C_VERIFY_T;

const ulong = (value: bigint): bigint => BigInt.asUintN(64, value);

/** Thousands with commas, as the kernel has them: none above a million's, and none in a negative number. */
export function groupedRate(kibPerSecond: bigint): string {
  const value = BigInt.asIntN(64, kibPerSecond);
  const three = (number: bigint): string => String(number).padStart(3, '0');
  const [thousands, rest] = [value / 1000n, value % 1000n];
  if (value >= 1_000_000n) return `${value / 1_000_000n},${three(thousands % 1000n)},${three(rest)}`;
  return value >= 1000n ? `${thousands},${three(rest)}` : String(value);
}

/** Numbers of a resync or a verification, in blocks and whole seconds. */
export interface ProgressNumbers {
  readonly verify: boolean;
  readonly perMille: number;
  readonly left: number;
  readonly total: number;
  /** How many were left at a mark, and how long ago that was. */
  readonly markLeft: number;
  readonly markSeconds: number;
  /** Since the start, pauses not counted. */
  readonly allSeconds: number;
  /** In KiB/s; undefined on the side that does not ask for blocks. */
  readonly wanted: number | undefined;
}

/**
 * drbd_syncer_progress of a 64-bit kernel, whose numbers are unsigned: where more is left than was at the mark, they
 * wrap. Of Linux 2.6.39 to 3.14: with sizes in MiB, all is one line.
 */
export function progressLines(numbers: ProgressNumbers): string {
  const { verify, perMille, wanted, markSeconds } = numbers;
  const [left, total] = [ulong(BigInt(numbers.left)), ulong(BigInt(numbers.total))];
  const bar = Math.floor(perMille / 50);
  const large = total > LARGE_BLOCKS;
  const amount = (blocks: bigint): bigint => ulong((large ? blocks >> 10n : blocks) * KIB_PER_BLOCK);
  const recent = BigInt(Math.max(1, markSeconds));
  const done = ulong(BigInt(numbers.markLeft) - left);
  const remaining = ulong(recent * (left / (done / 100n + 1n))) / 100n;
  const two = (value: bigint): string => String(value).padStart(2, '0');
  const rate = (blocks: bigint, seconds: bigint): string => groupedRate((ulong(blocks) / seconds) * KIB_PER_BLOCK);
  return (
    `\t[${'='.repeat(Math.max(0, bar - 1))}>${'.'.repeat(20 - bar)}] ${verify ? 'verified:' : "sync'ed:"}` +
    `${String(Math.floor(perMille / 10)).padStart(3)}.${perMille % 10}% (${amount(left)}/${amount(total)})${large ? 'M' : 'K\n\t'}` +
    `finish: ${remaining / 3600n}:${two((remaining % 3600n) / 60n)}:${two(remaining % 60n)}` +
    ` speed: ${rate(done, recent)} (${rate(total - left, BigInt(Math.max(1, numbers.allSeconds)))})` +
    `${wanted === undefined ? '' : ` want: ${groupedRate(BigInt(wanted))}`} K/sec${markSeconds > STALLED_SECONDS ? ' (stalled)' : ''}\n`
  );
}

function progressOf(device: Device): string {
  const { progress, state, host } = device;
  const { left, perMille } = syncProgress(device);
  const now = host.clock.now();
  const mark = progress.marks[(progress.lastMark + 2) % PROGRESS_MARKS] ?? { time: now, left };
  const asks = state.conn === C.C_SYNC_TARGET || state.conn === C.C_VERIFY_S;
  return progressLines({
    verify: isVerify(state.conn),
    perMille,
    left,
    total: progress.total,
    markLeft: mark.left,
    markSeconds: Math.floor((now - mark.time) / SECOND_MS),
    allSeconds: Math.floor((now - progress.start - progress.paused) / SECOND_MS),
    wanted: asks ? currentRate(device) : undefined,
  });
}

/** Counters are unsigned, of 32 bits: those of sectors wrap at 2 TiB, and then count KiB. */
const kibOf = (sectors: number): number => (sectors >>> 0) >>> 1;

function deviceLines(device: Device): string {
  const { state, net, counters, host } = device;
  const number = String(device.minor).padStart(2);
  if (isEmpty(state)) return `${number}: cs:Unconfigured\n`;
  const role = (value: number): string => word(roles, stateWords.role, value);
  const disk = (value: number): string => word(diskStates, stateWords.disk, value);
  const flag = (set: boolean, letter: string): string => (set ? letter : '-');
  const protocol = net === undefined ? ' ' : String.fromCharCode((0x40 + net.number('wire_protocol')) & 0xff);
  const underWay = isVerify(state.conn) || state.conn === C.C_SYNC_SOURCE || state.conn === C.C_SYNC_TARGET;
  return (
    `${number}: cs:${word(connectionStates, stateWords.conn, state.conn)} ro:${role(state.role)}/${role(state.peer)} ds:${disk(state.disk)}/${disk(state.pdsk)}` +
    ` ${protocol} ${isSuspended(state) ? 's' : 'r'}${flag(state.aftr_isp, 'a')}${flag(state.peer_isp, 'p')}${flag(state.user_isp, 'u')}-${flag(device.logSuspended, 's')}\n` +
    `    ns:${kibOf(counters.sent)} nr:${kibOf(counters.received)} dw:${kibOf(counters.written)} dr:${kibOf(counters.read)} al:${counters.log >>> 0} bm:${counters.bitmap >>> 0}` +
    ` lo:0 pe:${device.unconfirmed.size} ua:0 ap:${device.frozen.length} ep:1 wo:${host.writeOrdering(device)} oos:${BigInt(device.dirtyBlocks) * KIB_PER_BLOCK}\n` +
    (underWay ? progressOf(device) : '')
  );
}

/** The text of /proc/drbd (drbd_proc.c): minors that were never created leave an empty line. */
export function formatProcDrbd(header: string, devices: readonly Device[]): string {
  let text = header;
  let next = 0;
  for (const device of devices) {
    if (device.minor !== next) text += '\n';
    text += deviceLines(device);
    next = device.minor + 1;
  }
  return text;
}
