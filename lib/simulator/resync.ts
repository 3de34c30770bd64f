import { BLOCKS_PER_BITMAP_EXTENT, SECTORS_PER_BLOCK } from './backing-device';
import type { Device, DeviceHost } from './device';
import type { Packet } from './packet';
import { newProgress, PROGRESS_MARKS } from './progress';
import type { Range } from './range-set';
import type { Process } from './scheduler';
import { C, D, R_PRIMARY, SS, type State } from './state';
import { clearBitmapUuid, UI_BITMAP, UI_CURRENT, UI_HISTORY_END, UI_HISTORY_START } from './uuids';

/** How often a resync asks for blocks (SLEEP_TIME). */
const TICK_MS = 100;
const SECOND_MS = 1000;
/** How often the speed is noted (DRBD_SYNC_MARK_STEP). */
const MARK_STEP_MS = 3000;
const KIB_PER_BLOCK = 4;

const isVerify = (conn: number): boolean => conn === C.C_VERIFY_S || conn === C.C_VERIFY_T;
const isTarget = (conn: number): boolean => conn === C.C_SYNC_TARGET || conn === C.C_PAUSED_SYNC_T;
export const isResync = (conn: number): boolean =>
  conn >= C.C_SYNC_SOURCE && conn <= C.C_PAUSED_SYNC_T && !isVerify(conn);

/** How much is left, and what part is done (drbd_get_syncer_progress). */
export function syncProgress(device: Device): { readonly left: number; readonly perMille: number } {
  const { progress } = device;
  const left = isVerify(device.state.conn) ? progress.verifyLeft : device.dirtyBlocks - progress.failed;
  // Below nothing counts as above everything: the kernel's numbers are unsigned.
  if (left < 0 || left > progress.total) return { left, perMille: 0 };
  // In steps of 4 MiB, as the kernel computes it.
  const shift = progress.total > 0xffffffff ? 65_536 : 1024;
  const total = 1 + Math.floor(progress.total / shift);
  return { left, perMille: 1000 - Math.floor((Math.floor(left / shift) * 1000) / total) };
}

/** Blocks that one tick may ask for. */
function blocksPerTick(device: Device): number {
  return Math.floor((currentRate(device) * TICK_MS) / (KIB_PER_BLOCK * SECOND_MS));
}

/**
 * The speed that is aimed at, in KiB/s. The dynamic controller is not simulated: where it is on, the link is taken to
 * carry its highest rate.
 */
export function currentRate(device: Device): number {
  const { syncer } = device;
  return syncer.number('c_plan_ahead') > 0 ? syncer.number('c_max_rate') : syncer.number('rate');
}

function tickAfter(device: Device, milliseconds: number): void {
  device.cancelTicks?.();
  device.cancelTicks = device.host.clock.after(milliseconds, () => {
    device.cancelTicks = undefined;
    device.queueWork(() => tick(device));
  });
}

export function stopTicks(device: Device): void {
  device.cancelTicks?.();
  device.cancelTicks = undefined;
}

function tick(device: Device): Process | undefined {
  switch (device.state.conn) {
    case C.C_SYNC_TARGET:
      return requestBlocks(device);
    case C.C_VERIFY_S:
      requestVerify(device);
      return undefined;
    default:
      return undefined;
  }
}

/** The target asks for blocks that differ (w_make_resync_request). */
function* requestBlocks(device: Device): Process {
  const { progress, disk } = device;
  if (progress.total === 0) {
    yield* resyncFinished(device);
    return;
  }
  if (disk === undefined || !device.hasDisk()) return;
  const limit = blocksPerTick(device);
  if (limit > 0) {
    const ranges = disk.metadata.dirty.take(progress.position, limit);
    const last = ranges.at(-1);
    if (last === undefined) {
      progress.position = device.blocks;
      return;
    }
    progress.position = last[1];
    device.send({ kind: 'resync-request', ranges });
    if (progress.position >= device.blocks) return;
  }
  tickAfter(device, TICK_MS);
}

/** The source of a verification asks for blocks to compare (w_make_ov_request). */
function requestVerify(device: Device): void {
  const { progress } = device;
  const start = progress.verifyPosition / SECTORS_PER_BLOCK;
  if (start >= device.blocks) return;
  const end = Math.min(start + blocksPerTick(device), device.blocks);
  progress.verifyPosition = end * SECTORS_PER_BLOCK;
  if (end > start) device.send({ kind: 'verify-request', start, end });
  tickAfter(device, TICK_MS);
}

/** Packets of a running resync or verification that go over the data connection. */
export function receiveBlocks(device: Device, packet: Packet): void {
  const { disk, progress } = device;
  switch (packet.kind) {
    case 'resync-request':
      if (disk === undefined || !device.hasDisk()) return;
      device.counters.read += count(packet.ranges) * SECTORS_PER_BLOCK;
      device.counters.sent += count(packet.ranges) * SECTORS_PER_BLOCK;
      device.send({ kind: 'resync-data', ranges: packet.ranges, contents: disk.data.read(packet.ranges) });
      return;
    case 'resync-data':
      if (disk === undefined || !device.hasDisk() || !isResync(device.state.conn)) return;
      disk.data.overwrite(packet.ranges, packet.contents);
      device.counters.received += count(packet.ranges) * SECTORS_PER_BLOCK;
      device.counters.written += count(packet.ranges) * SECTORS_PER_BLOCK;
      device.send({ kind: 'resync-ack', ranges: packet.ranges });
      setInSync(device, packet.ranges);
      return;
    case 'verify-request': {
      if (disk === undefined || !device.hasDisk()) return;
      // The other side learns from the first request where the verification begins.
      if (device.state.conn === C.C_VERIFY_T && progress.verifyStartSector < 0) {
        progress.verifyStartSector = packet.start * SECTORS_PER_BLOCK;
        progress.verifyLeft = device.blocks - packet.start;
        progress.total = progress.verifyLeft;
      }
      device.counters.read += (packet.end - packet.start) * SECTORS_PER_BLOCK;
      device.send({
        kind: 'verify-reply',
        start: packet.start,
        end: packet.end,
        contents: disk.data.read([[packet.start, packet.end]]),
      });
      return;
    }
    case 'verify-reply': {
      if (disk === undefined || !device.hasDisk() || !isVerify(device.state.conn)) return;
      const different = compare(disk.data.read([[packet.start, packet.end]]), packet.contents);
      for (const [start, end] of different) device.setDirty(start, end);
      device.counters.read += (packet.end - packet.start) * SECTORS_PER_BLOCK;
      device.send({ kind: 'verify-result', start: packet.start, end: packet.end, different });
      verified(device, packet.end - packet.start);
      return;
    }
    default:
  }
}

/** Packets of a running resync or verification that the asender handles. */
export function receiveAcknowledgements(device: Device, packet: Packet): void {
  if (packet.kind === 'resync-ack') setInSync(device, packet.ranges);
  if (packet.kind !== 'verify-result' || !isVerify(device.state.conn)) return;
  for (const [start, end] of packet.different) device.setDirty(start, end);
  verified(device, packet.end - packet.start);
}

function verified(device: Device, blocks: number): void {
  device.progress.verifyLeft = Math.max(0, device.progress.verifyLeft - blocks);
  advanceMarks(device, device.progress.verifyLeft);
  if (device.progress.verifyLeft === 0) device.queueWork(() => resyncFinished(device));
}

const count = (ranges: readonly Range[]): number => ranges.reduce((sum, [start, end]) => sum + end - start, 0);

function compare(
  mine: readonly (readonly [number, number])[],
  theirs: readonly (readonly [number, number])[],
): Range[] {
  const left = new Map(mine);
  const right = new Map(theirs);
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((block) => left.get(block) !== right.get(block))
    .sort((a, b) => a - b)
    .map((block) => [block, block + 1] as const);
}

/** Clears bits; an extent that has none left is written, which tells of the progress (w_update_odbm). */
function setInSync(device: Device, ranges: readonly Range[]): void {
  const dirty = device.disk?.metadata.dirty;
  if (dirty === undefined || !device.hasDisk()) return;
  for (const [start, end] of ranges) {
    if (dirty.count(start, end) === 0) continue;
    dirty.delete(start, end);
    advanceMarks(device, dirty.size);
    for (let extent = Math.floor(start / BLOCKS_PER_BITMAP_EXTENT); extent * BLOCKS_PER_BITMAP_EXTENT < end; extent++) {
      if (dirty.count(extent * BLOCKS_PER_BITMAP_EXTENT, (extent + 1) * BLOCKS_PER_BITMAP_EXTENT) === 0)
        device.queueWork(() => extentDone(device));
    }
  }
}

function* extentDone(device: Device): Process {
  device.counters.bitmap++;
  if (device.dirtyBlocks <= device.progress.failed && isResync(device.state.conn)) yield* resyncFinished(device);
  const now = device.host.clock.now();
  if (now - device.progress.lastBroadcast <= SECOND_MS || !device.hasDisk()) return;
  device.progress.lastBroadcast = now;
  device.host.broadcastProgress(device, syncProgress(device).perMille);
}

function advanceMarks(device: Device, left: number): void {
  const { progress, state } = device;
  const mark = progress.marks[progress.lastMark];
  const now = device.host.clock.now();
  if (
    mark === undefined ||
    now < mark.time + MARK_STEP_MS ||
    mark.left === left ||
    state.conn === C.C_PAUSED_SYNC_S ||
    state.conn === C.C_PAUSED_SYNC_T
  )
    return;
  progress.lastMark = (progress.lastMark + 1) % PROGRESS_MARKS;
  progress.marks[progress.lastMark] = { time: now, left };
}

/** Asks the peer for a sign of life and waits for it (ping_peer). */
function* pingPeer(device: Device): Process {
  device.gotPingAck = false;
  device.send({ kind: 'ping' });
  yield { until: () => device.gotPingAck || device.state.conn < C.C_CONNECTED };
}

/** drbd_resync_finished, for verifications too. */
export function* resyncFinished(device: Device): Process {
  const { progress } = device;
  if (!device.hasDisk()) return;
  yield* pingPeer(device);
  const { state, disk } = device;
  const verifyDone = isVerify(state.conn);
  let helper: string | undefined;
  if (state.conn > C.C_CONNECTED && disk !== undefined) {
    const target = isTarget(state.conn);
    if (verifyDone) {
      if (device.dirtyBlocks > 0) helper = 'out-of-sync';
    } else if (target) helper = 'after-resync-target';
    const failed = progress.failed > 0;
    if (!failed && target) adoptGenerations(device);
    if (!failed && !verifyDone) {
      clearBitmapUuid(disk.metadata.uuids);
      if (device.peerUuids !== undefined) device.peerUuids = { ...device.peerUuids, uuids: [...disk.metadata.uuids] };
    }
    device.setState({
      ...state,
      conn: C.C_CONNECTED,
      disk: failed && target ? D.D_INCONSISTENT : D.D_UP_TO_DATE,
      pdsk: failed && !target ? D.D_INCONSISTENT : D.D_UP_TO_DATE,
    });
  }
  progress.total = 0;
  progress.failed = 0;
  progress.paused = 0;
  if (verifyDone) progress.verifyStartSector = 0;
  if (helper !== undefined) yield* device.helper(helper);
}

/** The target's data is the source's now, and so is its history. */
function adoptGenerations(device: Device): void {
  const { peerUuids } = device;
  if (peerUuids === undefined) return;
  for (const slot of [UI_BITMAP, UI_HISTORY_START, UI_HISTORY_END] as const)
    device.setUuid(slot, peerUuids.uuids[slot]);
  device.rotateUuid(UI_BITMAP, device.disk?.metadata.uuids[UI_CURRENT] ?? 0n);
  device.setUuid(UI_CURRENT, peerUuids.uuids[UI_CURRENT]);
}

/** A node that has pulled ahead is the source of a resync a second after the last of its writes was confirmed. */
export function catchUp(device: Device): void {
  if (device.state.conn !== C.C_AHEAD || device.unconfirmed.size > 0) return;
  const { link } = device;
  device.host.clock.after(SECOND_MS, () => {
    device.queueWork(() =>
      device.state.conn === C.C_AHEAD && device.unconfirmed.size === 0 && device.link === link
        ? startResync(device, C.C_SYNC_SOURCE)
        : undefined,
    );
  });
}

/** drbd_start_resync. @param side C_SYNC_SOURCE or C_SYNC_TARGET */
export function* startResync(device: Device, side: number): Process {
  if (device.state.conn >= C.C_SYNC_SOURCE && device.state.conn < C.C_AHEAD) return;
  const target = side === C.C_SYNC_TARGET;
  const status = yield* device.helper(target ? 'before-resync-target' : 'before-resync-source');
  // Old tools answer 3 where they do not know the event; for a source that is no objection.
  if (status !== 0 && (target || status !== 3)) {
    device.forceState({ conn: C.C_DISCONNECTING });
    return;
  }
  yield { until: () => !device.clusterStateChange };
  if (!device.hasDisk(D.D_NEGOTIATING)) return;
  const result = device.setState({
    ...device.state,
    aftr_isp: !maySync(device),
    conn: side,
    ...(target ? { disk: D.D_INCONSISTENT } : { pdsk: D.D_INCONSISTENT }),
  });
  if (result !== SS.SS_SUCCESS || device.state.conn < C.C_CONNECTED) return;
  beginProgress(device, device.dirtyBlocks);
  pauseOthers(device.host);
  if (target) device.progress.position = 0;
  if (device.state.conn === C.C_SYNC_TARGET) tickAfter(device, 0);
}

function beginProgress(device: Device, total: number): void {
  const now = device.host.clock.now();
  device.progress = {
    ...newProgress(),
    total,
    start: now,
    marks: Array.from({ length: PROGRESS_MARKS }, () => ({ time: now, left: total })),
    lastBroadcast: device.progress.lastBroadcast,
    verifyStartSector: device.progress.verifyStartSector,
    verifyLeft: device.progress.verifyLeft,
  };
}

/** A verification begins (set_ov_position). */
export function beginVerify(device: Device, conn: number): void {
  const { blocks } = device;
  const startSector = device.progress.verifyStartSector;
  if (conn === C.C_VERIFY_T) {
    beginProgress(device, blocks);
    // Where it begins comes with the first request.
    device.progress.verifyStartSector = -1;
    device.progress.verifyLeft = blocks;
    return;
  }
  const bit = Math.floor(Math.max(0, startSector) / SECTORS_PER_BLOCK);
  const beyond = bit >= blocks;
  const first = beyond ? Math.max(0, blocks - 1) : bit;
  beginProgress(device, beyond ? 1 : blocks - bit);
  device.progress.verifyStartSector = first * SECTORS_PER_BLOCK;
  device.progress.verifyPosition = first * SECTORS_PER_BLOCK;
  device.progress.verifyLeft = device.progress.total;
  tickAfter(device, 0);
}

/** A verification was cut short: the next one goes on from there. */
export function adoptVerifyPosition(device: Device): void {
  device.progress.verifyStartSector = (device.blocks - device.progress.verifyLeft) * SECTORS_PER_BLOCK;
  stopTicks(device);
}

/** A resync pauses or goes on: its time does not count meanwhile. */
export function finishPause(device: Device, old: State, next: State): void {
  const { progress, host } = device;
  const isPaused = (conn: number): boolean => conn === C.C_PAUSED_SYNC_S || conn === C.C_PAUSED_SYNC_T;
  const isRunning = (conn: number): boolean => conn === C.C_SYNC_SOURCE || conn === C.C_SYNC_TARGET;
  const mark = progress.marks[progress.lastMark];
  if (isPaused(old.conn) && isRunning(next.conn)) {
    progress.paused += host.clock.now() - (mark?.time ?? 0);
    if (next.conn === C.C_SYNC_TARGET) tickAfter(device, 0);
  }
  if (isRunning(old.conn) && isPaused(next.conn) && mark !== undefined) mark.time = host.clock.now();
}

/** New space is copied from the primary, or from one of two equals. */
export function* resyncAfterGrow(device: Device): Process {
  const source = device.state.role !== device.state.peer ? device.state.role === R_PRIMARY : device.yields;
  if (source) yield* startResync(device, C.C_SYNC_SOURCE);
  else yield* device.requestState({ conn: C.C_WF_SYNC_UUID }, { serialize: true });
}

// Resyncs that wait for others (sync-after).

function maySync(device: Device): boolean {
  let other: Device | undefined = device;
  for (;;) {
    const after: number = other.syncer.number('after');
    if (after === -1) return true;
    other = device.host.device(after);
    if (other === undefined) return true;
    const { conn, aftr_isp, peer_isp, user_isp } = other.state;
    if ((conn >= C.C_SYNC_SOURCE && conn <= C.C_PAUSED_SYNC_T) || aftr_isp || peer_isp || user_isp) return false;
  }
}

const isConfigured = ({ state }: Device): boolean => state.conn !== C.C_STANDALONE || state.disk !== D.D_DISKLESS;

/** @returns whether anything changed */
export function pauseOthers(host: DeviceHost): boolean {
  let changed = false;
  for (const device of host.devices()) {
    if (isConfigured(device) && !maySync(device))
      changed = device.changeState({ aftr_isp: true }, { hard: true }) !== SS.SS_NOTHING_TO_DO || changed;
  }
  return changed;
}

/** @returns whether anything changed */
export function resumeOthers(host: DeviceHost): boolean {
  let changed = false;
  for (const device of host.devices()) {
    if (isConfigured(device) && device.state.aftr_isp && maySync(device))
      changed = device.changeState({ aftr_isp: false }, { hard: true }) !== SS.SS_NOTHING_TO_DO || changed;
  }
  return changed;
}
