import type { Device } from './device';
import type { Process } from './scheduler';
import { ASB, C, D, R_PRIMARY, R_SECONDARY, SS } from './state';
import { compareUuids, UI_BITMAP, Verdict, type PeerUuids } from './uuids';

/** No decision: the connection is dropped. */
const UNDECIDED = Verdict.SPLIT_BRAIN_DISCONNECT;

/**
 * Decides who has the better data, by the generations, the disks and the policies (drbd_sync_handshake).
 * @returns the connection state that follows; undefined if the nodes must not connect
 */
export function* syncHandshake(
  device: Device,
  peer: PeerUuids,
  peerRole: number,
  peerDisk: number,
): Process<number | undefined> {
  const { disk, net, state } = device;
  if (disk === undefined || net === undefined) return undefined;
  const myDisk = state.disk === D.D_NEGOTIATING ? device.negotiated.disk : state.disk;
  let [verdict]: readonly [number, number] = compareUuids(disk.metadata.uuids, peer, {
    crashedPrimary: device.crashedPrimary,
    yields: device.yields,
  });
  if (verdict === Verdict.UNRELATED) return undefined;
  if (
    (myDisk === D.D_INCONSISTENT && peerDisk > D.D_INCONSISTENT) ||
    (peerDisk === D.D_INCONSISTENT && myDisk > D.D_INCONSISTENT)
  ) {
    const full = verdict === UNDECIDED || Math.abs(verdict) === 2;
    verdict = (myDisk > D.D_INCONSISTENT ? 1 : -1) * (full ? 2 : 1);
  }
  if (Math.abs(verdict) === 100) yield* device.helper('initial-split-brain');
  if (verdict === Verdict.SPLIT_BRAIN || (verdict === UNDECIDED && net.flag('always_asbp'))) {
    const ambiguous = verdict === UNDECIDED;
    verdict = yield* recover(device, peer, Number(device.state.role === R_PRIMARY) + Number(peerRole === R_PRIMARY));
    if (ambiguous && Math.abs(verdict) < 100) verdict *= 2;
  }
  if (verdict === UNDECIDED) {
    const peerLoses = (peer.flags & 1) !== 0;
    if (net.flag('want_lose') && !peerLoses) verdict = Verdict.TARGET;
    if (!net.flag('want_lose') && peerLoses) verdict = Verdict.SOURCE;
  }
  if (verdict === UNDECIDED) {
    yield* device.helper('split-brain');
    return undefined;
  }
  if (verdict > 0 && myDisk <= D.D_INCONSISTENT) return undefined;
  if (verdict < 0 && device.state.role === R_PRIMARY && device.state.disk >= D.D_CONSISTENT) {
    const conflict = net.number('rr_conflict');
    if (conflict === ASB.ASB_CALL_HELPER) yield* device.helper('pri-lost');
    if (conflict === ASB.ASB_CALL_HELPER || conflict === ASB.ASB_DISCONNECT) return undefined;
  }
  if (net.flag('dry_run') || device.peerDryRun) return undefined;
  if (Math.abs(verdict) >= 2) device.setAllDirty();
  return verdict > 0 ? C.C_WF_BITMAP_S : verdict < 0 ? C.C_WF_BITMAP_T : C.C_CONNECTED;
}

function* recover(device: Device, peer: PeerUuids, primaries: number): Process<number> {
  const { net } = device;
  if (net === undefined) return UNDECIDED;
  if (primaries === 0) return recoverWithoutPrimary(device, peer);
  const policy = net.number(primaries === 1 ? 'after_sb_1p' : 'after_sb_2p');
  const isPrimary = device.state.role === R_PRIMARY;
  switch (policy) {
    case ASB.ASB_VIOLENTLY:
      return recoverWithoutPrimary(device, peer);
    case ASB.ASB_CONSENSUS: {
      if (primaries === 2) return UNDECIDED;
      const verdict = recoverWithoutPrimary(device, peer);
      return (verdict === -1 && !isPrimary) || (verdict === 1 && isPrimary) ? verdict : UNDECIDED;
    }
    case ASB.ASB_DISCARD_SECONDARY:
      return primaries === 2 ? UNDECIDED : isPrimary ? Verdict.SOURCE : Verdict.TARGET;
    case ASB.ASB_CALL_HELPER: {
      const verdict = recoverWithoutPrimary(device, peer);
      if (verdict !== -1 || !isPrimary) return primaries === 1 ? verdict : UNDECIDED;
      if (device.changeState({ role: R_SECONDARY }) === SS.SS_SUCCESS) return verdict;
      yield* device.helper('pri-lost-after-sb');
      return UNDECIDED;
    }
    default:
      return UNDECIDED;
  }
}

/** after-sb-0pri: who was primary last, or who changed less. */
function recoverWithoutPrimary(device: Device, peer: PeerUuids): number {
  const { disk, net } = device;
  if (disk === undefined || net === undefined) return UNDECIDED;
  const policy = net.number('after_sb_0p');
  // The bitmap's generation was the current one when the nodes parted; its lowest bit says who was primary then.
  const self = (disk.metadata.uuids[UI_BITMAP] & 1n) === 1n;
  const other = (peer.uuids[UI_BITMAP] & 1n) === 1n;
  const mine = device.dirtyBlocks;
  const theirs = peer.bits;
  const tie = device.yields ? Verdict.TARGET : Verdict.SOURCE;
  const least = mine < theirs ? Verdict.TARGET : mine > theirs ? Verdict.SOURCE : tie;
  const zero =
    mine === 0 && theirs === 0 ? tie : theirs === 0 ? Verdict.SOURCE : mine === 0 ? Verdict.TARGET : undefined;
  switch (policy) {
    case ASB.ASB_DISCARD_YOUNGER_PRI:
      if (self !== other) return self ? Verdict.SOURCE : Verdict.TARGET;
      return zero ?? least;
    case ASB.ASB_DISCARD_OLDER_PRI:
      if (self !== other) return self ? Verdict.TARGET : Verdict.SOURCE;
      return zero ?? least;
    case ASB.ASB_DISCARD_ZERO_CHG:
      return zero ?? UNDECIDED;
    case ASB.ASB_DISCARD_LEAST_CHG:
      return least;
    case ASB.ASB_DISCARD_LOCAL:
      return Verdict.TARGET;
    case ASB.ASB_DISCARD_REMOTE:
      return Verdict.SOURCE;
    default:
      return UNDECIDED;
  }
}
