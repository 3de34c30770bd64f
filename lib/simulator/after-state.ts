import { ioErrorPolicies } from '../dialects/connector';
import type { Device } from './device';
import { resumeOthers, pauseOthers, startResync, stopTicks, resyncAfterGrow } from './resync';
import type { Process } from './scheduler';
import { C, D, isEmpty, isSuspended, R_PRIMARY, R_SECONDARY, withoutData, type State } from './state';
import { beginSyncUuid, UI_BITMAP } from './uuids';

/** Disk states in which the peer has data that counts. */
const hasData = (disk: number): boolean => disk >= D.D_INCONSISTENT && disk !== D.D_UNKNOWN && disk !== D.D_OUTDATED;

/** What the worker does after a change of state, in the module's order (after_state_ch of drbd_main.c). */
export function* afterStateChange(device: Device, old: State, next: State): Process {
  if (old.conn !== C.C_CONNECTED && next.conn === C.C_CONNECTED) {
    device.crashedPrimary = false;
    if (device.peerUuids !== undefined) device.peerUuids.flags &= ~2;
  }
  device.host.broadcastState(device, next);
  if (!withoutData(old) && withoutData(next)) yield* device.helper('pri-on-incon-degr');
  // Here, as from 8.3.14 on: where it stood before, at the end, it kept suspended I/O from being resumed.
  if (old.conn === C.C_WF_REPORT_PARAMS && next.conn !== C.C_WF_REPORT_PARAMS) device.stateSent = false;
  thawIfPossible(device, old, next);
  becomeSource(device, old, next);
  if (old.pdsk === D.D_DISKLESS && next.pdsk > D.D_DISKLESS) {
    device.sendUuids();
    device.sendState(next);
  }
  if (old.conn !== C.C_WF_BITMAP_S && next.conn === C.C_WF_BITMAP_S && device.state.conn === C.C_WF_BITMAP_S)
    sendBitmap(device);
  newGenerations(device, old, next);
  const here = next.conn >= C.C_CONNECTED;
  if (here && old.disk === D.D_ATTACHING && next.disk === D.D_NEGOTIATING) {
    sendSizes(device);
    device.sendUuids();
    device.sendState(next);
  }
  if (here && (old.aftr_isp !== next.aftr_isp || old.user_isp !== next.user_isp)) device.sendState(next);
  if (!old.aftr_isp && !old.peer_isp && !old.user_isp && (next.aftr_isp || next.peer_isp || next.user_isp))
    pauseOthers(device.host);
  if (old.conn === C.C_WF_REPORT_PARAMS && here) device.sendState(next);
  if (old.conn !== C.C_AHEAD && next.conn === C.C_AHEAD) device.sendState(next);
  if (
    (old.conn !== C.C_STARTING_SYNC_T && next.conn === C.C_STARTING_SYNC_T) ||
    (old.conn !== C.C_STARTING_SYNC_S && next.conn === C.C_STARTING_SYNC_S)
  ) {
    device.bitmapIo = true;
    device.queueWork(() => beginFullSync(device));
  }
  if (
    old.conn < C.C_CONNECTED &&
    next.conn < C.C_CONNECTED &&
    old.disk > D.D_INCONSISTENT &&
    next.disk === D.D_INCONSISTENT
  )
    device.setAllDirty();
  if (old.disk !== D.D_FAILED && next.disk === D.D_FAILED) yield* afterFailure(device, next);
  if (old.disk !== D.D_DISKLESS && next.disk === D.D_DISKLESS) {
    device.progress.total = 0;
    device.progress.failed = 0;
    if (here) device.sendState(next);
    device.releaseDisk();
    device.goingDiskless = false;
  }
  if (old.disk === D.D_UP_TO_DATE && next.disk === D.D_INCONSISTENT && here) device.sendState(next);
  if (next.disk > D.D_NEGOTIATING && next.pdsk > D.D_NEGOTIATING && device.resyncAfterNegotiation) {
    device.resyncAfterNegotiation = false;
    if (next.conn === C.C_CONNECTED) yield* resyncAfterGrow(device);
  }
  if (
    (old.conn > C.C_CONNECTED && next.conn <= C.C_CONNECTED) ||
    (old.peer_isp && !next.peer_isp) ||
    (old.user_isp && !next.user_isp)
  )
    resumeOthers(device.host);
  if (old.disk < D.D_UP_TO_DATE && old.conn >= C.C_SYNC_SOURCE && next.conn === C.C_CONNECTED) device.sendState(next);
  if (old.conn > C.C_CONNECTED && next.conn <= C.C_CONNECTED) stopTicks(device);
  if (old.conn === C.C_STANDALONE && next.conn === C.C_UNCONNECTED) device.startReceiver();
  if (isEmpty(next)) {
    if (old.aftr_isp !== next.aftr_isp) resumeOthers(device.host);
    if (device.dying) device.stopWorker();
  }
}

/** Suspensions that end by themselves: the peer is fenced, the peer is back, the data is back. */
function thawIfPossible(device: Device, old: State, next: State): void {
  const connected = old.conn < C.C_CONNECTED && next.conn >= C.C_CONNECTED;
  const attached = (old.disk === D.D_ATTACHING || old.disk === D.D_NEGOTIATING) && next.disk > D.D_NEGOTIATING;
  if (next.susp_nod && (connected || attached)) device.changeState({ susp_nod: false });
  if (!next.susp_fen) return;
  if (old.pdsk > D.D_OUTDATED && next.pdsk <= D.D_OUTDATED) {
    device.forgetUnconfirmed();
    if (device.newCurrentUuid) {
      device.newCurrentGeneration();
      device.newCurrentUuid = false;
    }
    device.changeState({ susp_fen: false });
  }
  if (connected) {
    device.newCurrentUuid = false;
    device.changeState({ susp_fen: false });
  }
}

/** The source of a resync tells the target the generation of the bitmap that it works off. */
function becomeSource(device: Device, old: State, next: State): void {
  const isSource = (conn: number): boolean => conn === C.C_SYNC_SOURCE || conn === C.C_PAUSED_SYNC_S;
  if (isSource(old.conn) || !isSource(next.conn) || !device.hasDisk() || device.disk === undefined) return;
  device.send({ kind: 'sync-uuid', uuid: beginSyncUuid(device.disk.metadata.uuids, () => device.host.random()) });
}

function sendBitmap(device: Device): void {
  device.send({
    kind: 'bitmap',
    ranges: device.disk?.metadata.dirty.ranges().map(([start, end]) => [start, end] as const) ?? [],
  });
}

export function sendSizes(
  device: Device,
  options: { readonly trigger?: boolean; readonly forced?: boolean; readonly withoutResync?: boolean } = {},
): void {
  const { disk } = device;
  const usable = device.hasDisk(D.D_NEGOTIATING) && disk !== undefined;
  device.send({
    kind: 'sizes',
    disk: usable ? device.host.dataSectors(disk) : 0,
    user: usable ? Number(disk.conf.size('disk_size')) : 0,
    current: options.trigger === true ? 0 : device.sectors,
    forced: options.forced ?? false,
    withoutResync: options.withoutResync ?? false,
  });
}

/** Where the data goes on without the peer's copy, a new generation begins. */
function newGenerations(device: Device, old: State, next: State): void {
  const metadata = device.disk?.metadata;
  if (metadata === undefined || !device.hasDisk()) return;
  const begins = metadata.uuids[UI_BITMAP] === 0n && next.disk >= D.D_UP_TO_DATE;
  if (hasData(old.pdsk) && !hasData(next.pdsk) && (next.role === R_PRIMARY || next.peer === R_PRIMARY) && begins) {
    if (isSuspended(device.state)) device.newCurrentUuid = true;
    else {
      device.newCurrentGeneration();
      device.sendUuids();
    }
  }
  if (
    next.pdsk < D.D_INCONSISTENT &&
    old.peer === R_SECONDARY &&
    next.peer === R_PRIMARY &&
    metadata.uuids[UI_BITMAP] === 0n &&
    next.disk >= D.D_UP_TO_DATE
  ) {
    device.newCurrentGeneration();
    device.sendUuids();
  }
}

/** Sets the whole bitmap, then starts the resync that an invalidation asked for. */
function* beginFullSync(device: Device): Process {
  device.setAllDirty();
  device.bitmapIo = false;
  if (device.state.conn === C.C_STARTING_SYNC_T) yield* device.requestState({ conn: C.C_WF_SYNC_UUID });
  else if (device.state.conn === C.C_STARTING_SYNC_S) yield* startResync(device, C.C_SYNC_SOURCE);
}

/** First half of letting a disk go; the second follows when nobody uses it any more. */
function* afterFailure(device: Device, next: State): Process {
  const { disk } = device;
  if (disk !== undefined) {
    if (next.conn >= C.C_CONNECTED) device.sendState(next);
    if (device.wasIoError && disk.conf.number('on_io_error') === ioErrorPolicies.EP_CALL_HELPER)
      yield* device.helper('local-io-error');
    device.wasIoError = false;
  }
  if (device.goingDiskless) return;
  device.goingDiskless = true;
  device.queueWork(() => {
    device.forceState({ disk: D.D_DISKLESS });
    return undefined;
  });
}
