import { uuidSlots } from '../dialects/connector';

/** Current, bitmap and two of the history, by uuidSlots. Bit 0 of a current one says that its node was primary. */
export type Uuids = [current: bigint, bitmap: bigint, history0: bigint, history1: bigint];

const { UI_CURRENT, UI_BITMAP, UI_HISTORY_START, UI_HISTORY_END } = uuidSlots;
export { UI_CURRENT, UI_BITMAP, UI_HISTORY_START, UI_HISTORY_END };

/** The generation of metadata that was just created (UUID_JUST_CREATED of linux/drbd.h). */
export const UUID_JUST_CREATED = 4n;
/** A resync begins a generation of the bitmap that is this much above the old one (UUID_NEW_BM_OFFSET). */
const NEW_BITMAP_OFFSET = 0x0001_0000_0000_0000n;

/** The generation without the bit that tells the role. */
export const generation = (uuid: bigint): bigint => uuid & ~1n;

/** Moves a slot's value, if it has one, to the head of the history. */
export function rotateIntoHistory(uuids: Uuids, slot: number): void {
  const value = uuids[slot] ?? 0n;
  if (value === 0n) return;
  uuids[UI_HISTORY_END] = uuids[UI_HISTORY_START];
  uuids[UI_HISTORY_START] = value;
}

/** drbd_uuid_set_bm(0): the peer has everything, so the bitmap's generation is history. */
export function clearBitmapUuid(uuids: Uuids): void {
  rotateIntoHistory(uuids, UI_BITMAP);
  uuids[UI_BITMAP] = 0n;
}

/** The bitmap's generation of a resync that begins (drbd_gen_and_send_sync_uuid). */
export function beginSyncUuid(uuids: Uuids, random: () => bigint): bigint {
  const old = uuids[UI_BITMAP];
  const next = old !== 0n && old !== UUID_JUST_CREATED ? BigInt.asUintN(64, old + NEW_BITMAP_OFFSET) : random();
  rotateIntoHistory(uuids, UI_BITMAP);
  uuids[UI_BITMAP] = next;
  return next;
}

/** What the peer tells of its data. */
export interface PeerUuids {
  readonly uuids: Uuids;
  /** Bits set in its bitmap. */
  readonly bits: number;
  /**
   * 1 it would discard its data, 2 it was primary when it crashed, 4 its disk is inconsistent, 8 skip the first resync.
   */
  flags: number;
}

/** How two generations of data relate; positive: this node has the newer data. */
export const Verdict = {
  UNRELATED: -1000,
  SPLIT_BRAIN_DISCONNECT: -100,
  TARGET_FULL: -2,
  TARGET: -1,
  NO_SYNC: 0,
  SOURCE: 1,
  SOURCE_FULL: 2,
  SPLIT_BRAIN: 100,
} as const;

/** What else decides beside the generations. */
export interface CrashFlags {
  /** This node was primary when it crashed. */
  readonly crashedPrimary: boolean;
  /** Of two equals, this node yields. */
  readonly yields: boolean;
}

/**
 * Compares the data of both nodes (drbd_uuid_compare, protocol 96). Where the last message of a resync was lost, it
 * mends `self` or `peer`.
 * @returns the verdict and the number of the rule that found it
 */
export function compareUuids(
  self: Uuids,
  peer: PeerUuids,
  { crashedPrimary, yields }: CrashFlags,
): readonly [verdict: number, rule: number] {
  const other = peer.uuids;
  const mine = generation(self[UI_CURRENT]);
  const theirs = generation(other[UI_CURRENT]);
  if (mine === UUID_JUST_CREATED && theirs === UUID_JUST_CREATED) return [Verdict.NO_SYNC, 10];
  if ((mine === UUID_JUST_CREATED || mine === 0n) && theirs !== UUID_JUST_CREATED) return [Verdict.TARGET_FULL, 20];
  if (mine !== UUID_JUST_CREATED && (theirs === UUID_JUST_CREATED || theirs === 0n)) return [Verdict.SOURCE_FULL, 30];
  if (mine === theirs) return compareEqual(self, peer, crashedPrimary, yields);
  if (mine === generation(other[UI_BITMAP])) return [Verdict.TARGET, 50];
  const lostSync = (uuids: Uuids): boolean =>
    BigInt.asUintN(64, generation(uuids[UI_HISTORY_START]) + NEW_BITMAP_OFFSET) === generation(uuids[UI_BITMAP]);
  if (mine === generation(other[UI_HISTORY_START]) && lostSync(other)) {
    undoSyncStart(other);
    return [Verdict.TARGET, 51];
  }
  if (historyOf(other).includes(mine)) return [Verdict.TARGET_FULL, 60];
  if (generation(self[UI_BITMAP]) === theirs) return [Verdict.SOURCE, 70];
  if (generation(self[UI_HISTORY_START]) === theirs && lostSync(self)) {
    undoSyncStart(self);
    return [Verdict.SOURCE, 71];
  }
  if (historyOf(self).includes(theirs)) return [Verdict.SOURCE_FULL, 80];
  const bitmap = generation(self[UI_BITMAP]);
  if (bitmap === generation(other[UI_BITMAP]) && bitmap !== 0n) return [Verdict.SPLIT_BRAIN, 90];
  if (historyOf(self).some((uuid) => historyOf(other).includes(uuid))) return [Verdict.SPLIT_BRAIN_DISCONNECT, 100];
  return [Verdict.UNRELATED, 110];
}

function historyOf(uuids: Uuids): readonly bigint[] {
  return [generation(uuids[UI_HISTORY_START]), generation(uuids[UI_HISTORY_END])];
}

/** Takes back what the source of a resync did whose target never heard of it. */
function undoSyncStart(uuids: Uuids): void {
  uuids[UI_BITMAP] = uuids[UI_HISTORY_START];
  uuids[UI_HISTORY_START] = uuids[UI_HISTORY_END];
}

/** The data is of one generation: who was primary, and whether the end of a resync was missed. */
function compareEqual(
  self: Uuids,
  peer: PeerUuids,
  crashedPrimary: boolean,
  yields: boolean,
): readonly [verdict: number, rule: number] {
  const other = peer.uuids;
  const sameEnd = (source: Uuids, target: Uuids): boolean =>
    generation(source[UI_BITMAP]) === generation(target[UI_HISTORY_START]) &&
    generation(source[UI_HISTORY_START]) === generation(target[UI_HISTORY_END]);
  if (other[UI_BITMAP] === 0n && self[UI_BITMAP] !== 0n) {
    if (!sameEnd(self, other)) return [Verdict.SOURCE, 36];
    clearBitmapUuid(self);
    return [Verdict.SOURCE, 34];
  }
  if (self[UI_BITMAP] === 0n && other[UI_BITMAP] !== 0n) {
    if (!sameEnd(other, self)) return [Verdict.TARGET, 37];
    clearBitmapUuid(other);
    return [Verdict.TARGET, 35];
  }
  const peerCrashed = (peer.flags & 2) !== 0;
  if (crashedPrimary && peerCrashed) return [yields ? Verdict.TARGET : Verdict.SOURCE, 40];
  return [crashedPrimary ? Verdict.SOURCE : peerCrashed ? Verdict.TARGET : Verdict.NO_SYNC, 40];
}
