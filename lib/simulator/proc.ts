import { connectionStates, diskStates, roles, stateWords } from '../dialects/connector';
import { codeName, type CodeTable } from '../schema';
import type { Device } from './device';
import { PROGRESS_MARKS } from './progress';
import { currentRate, syncProgress } from './resync';
import { C, isEmpty, isSuspended } from './state';

const KIB_PER_BLOCK = 4;
const SECOND_MS = 1000;
/** No block for so long, and the progress counts as stalled. */
const STALLED_SECONDS = 180;
/** From this many blocks on, sizes are printed in MiB. */
const LARGE_BLOCKS = 4 * 2 ** 18;

function word(table: CodeTable, words: Readonly<Record<string, string>>, number: number): string {
  return words[codeName(table, number)] ?? '<bad>';
}

const isVerify = (conn: number): boolean => conn === C.C_VERIFY_S || conn === C.C_VERIFY_T;

/** Thousands with commas. */
function grouped(value: number): string {
  return String(Math.trunc(value)).replace(/\B(?=(\d{3})+$)/gu, ',');
}

const two = (value: number): string => String(value).padStart(2, '0');

function progressLines(device: Device): string {
  const { progress, state, host } = device;
  const { left, perMille } = syncProgress(device);
  const bar = Math.floor(perMille / 50);
  const large = progress.total > LARGE_BLOCKS;
  const amount = (blocks: number): number =>
    large ? Math.floor(blocks / 1024) * KIB_PER_BLOCK : blocks * KIB_PER_BLOCK;
  const now = host.clock.now();
  const mark = progress.marks[(progress.lastMark + 2) % PROGRESS_MARKS] ?? { time: now, left };
  const seconds = Math.floor((now - mark.time) / SECOND_MS);
  const recent = Math.max(1, seconds);
  const done = mark.left - left;
  const remaining = Math.floor((recent * Math.floor(left / (Math.floor(done / 100) + 1))) / 100);
  const all = Math.max(1, Math.floor((now - progress.start - progress.paused) / SECOND_MS));
  const wanted =
    state.conn === C.C_SYNC_TARGET || state.conn === C.C_VERIFY_S ? ` want: ${grouped(currentRate(device))}` : '';
  return (
    `\t[${'='.repeat(Math.max(0, bar - 1))}>${'.'.repeat(20 - bar)}] ${isVerify(state.conn) ? 'verified:' : "sync'ed:"}` +
    `${String(Math.floor(perMille / 10)).padStart(3)}.${perMille % 10}% (${amount(left)}/${amount(progress.total)})${large ? 'M' : 'K'}\n` +
    `\tfinish: ${Math.floor(remaining / 3600)}:${two(Math.floor((remaining % 3600) / 60))}:${two(remaining % 60)}` +
    ` speed: ${grouped((done * KIB_PER_BLOCK) / recent)} (${grouped(((progress.total - left) * KIB_PER_BLOCK) / all)})${wanted} K/sec${seconds > STALLED_SECONDS ? ' (stalled)' : ''}\n`
  );
}

function deviceLines(device: Device): string {
  const { state, net, counters, host } = device;
  const number = String(device.minor).padStart(2);
  if (isEmpty(state)) return `${number}: cs:Unconfigured\n`;
  const role = (value: number): string => word(roles, stateWords.role, value);
  const disk = (value: number): string => word(diskStates, stateWords.disk, value);
  const flag = (set: boolean, letter: string): string => (set ? letter : '-');
  const protocol = net === undefined ? ' ' : String.fromCharCode((0x40 + net.number('wire_protocol')) & 0xff);
  const kib = (sectors: number): number => Math.floor(sectors / 2) >>> 0;
  const verify = isVerify(state.conn) || state.conn === C.C_SYNC_SOURCE || state.conn === C.C_SYNC_TARGET;
  return (
    `${number}: cs:${word(connectionStates, stateWords.conn, state.conn)} ro:${role(state.role)}/${role(state.peer)} ds:${disk(state.disk)}/${disk(state.pdsk)}` +
    ` ${protocol} ${isSuspended(state) ? 's' : 'r'}${flag(state.aftr_isp, 'a')}${flag(state.peer_isp, 'p')}${flag(state.user_isp, 'u')}-${flag(device.logSuspended, 's')}\n` +
    `    ns:${kib(counters.sent)} nr:${kib(counters.received)} dw:${kib(counters.written)} dr:${kib(counters.read)} al:${counters.log} bm:${counters.bitmap}` +
    ` lo:0 pe:${device.unconfirmed.size} ua:0 ap:${device.frozen.length} ep:1 wo:${host.writeOrdering(device)} oos:${device.dirtyBlocks * KIB_PER_BLOCK}\n` +
    (verify ? progressLines(device) : '')
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
