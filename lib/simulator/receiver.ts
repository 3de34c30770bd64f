import { createHash } from 'node:crypto';
import { sendSizes } from './after-state';
import { BLOCKS_PER_LOG_EXTENT, SECTORS_PER_BLOCK } from './backing-device';
import type { Configuration } from './configuration';
import type { Device } from './device';
import { changeSize, newSize } from './size';
import { addressKey } from './network';
import { isMeta, type Packet } from './packet';
import {
  catchUp,
  receiveAcknowledgements,
  receiveBlocks,
  resyncAfterGrow,
  resyncFinished,
  startResync,
  stopTicks,
} from './resync';
import type { Process } from './scheduler';
import { syncHandshake } from './sync-handshake';
import { ASB, C, D, FP, isSuspended, mirrorChange, R_PRIMARY, SS } from './state';
import { generation, UI_BITMAP, UI_CURRENT, UUID_JUST_CREATED } from './uuids';

const SECOND_MS = 1000;
/** Three tries to connect, with a tenth of a second between them. */
const FUTILE_TRIES_MS = 200;
/** Whatever else happens, a closed connection is noticed after this. */
const LOSS_NOTICED_MS = 100;
/** Options in tenths of a second. */
const DECISECOND_MS = 100;

/** What drbd_connect says: go on, try again, or give up the network configuration. */
type Outcome = 'connected' | 'again' | 'give-up' | 'no-network';

/** The receiver thread of a minor (drbdd_init and drbd_thread_setup of the module). */
export function* receiver(device: Device): Process {
  // A change of the connection's state while it runs asks it to stop, or to begin anew.
  const wanted = (): string => device.receiverState;
  do {
    device.receiverState = 'running';
    let outcome: Outcome;
    do {
      outcome = yield* connect(device);
      if (outcome === 'again') {
        yield* disconnect(device);
        yield { milliseconds: SECOND_MS, until: () => wanted() !== 'running' };
      }
      if (outcome === 'give-up') device.forceState({ conn: C.C_DISCONNECTING });
    } while (outcome === 'again');
    if (outcome === 'connected') yield* receiveAll(device);
    yield* disconnect(device);
  } while (wanted() === 'restarting');
  device.receiverState = 'none';
}

/** Takes up the connection (drbd_connect). */
function* connect(device: Device): Process<Outcome> {
  if ((yield* device.requestOrdered({ conn: C.C_WF_CONNECTION })) < SS.SS_SUCCESS) return 'no-network';
  const { net } = device;
  if (net === undefined) return 'no-network';
  const { host } = device;
  // Neither connect nor listen can be had from an address of somebody else's.
  if (!host.isLocal(net.bytes('my_addr'))) {
    device.forceState({ conn: C.C_DISCONNECTING });
    yield { milliseconds: FUTILE_TRIES_MS };
    return 'give-up';
  }
  const stopped = (): boolean => device.receiverState !== 'running' || device.state.conn <= C.C_DISCONNECTING;
  const settleMs = net.number('ping_timeo') * DECISECOND_MS;
  do {
    device.link?.close();
    device.link = undefined;
    device.inbox.length = 0;
    device.linkClosed = false;
    const giveUp = waitForPeer(device, net, settleMs);
    yield { until: () => device.link !== undefined || stopped() };
    giveUp();
    if (device.link === undefined) return 'give-up';
    // Both sockets must stay open for a while, so that two that connect at once do not misunderstand each other. If
    // they do not, nobody has noticed yet.
    yield { milliseconds: settleMs, until: () => device.linkClosed || stopped() };
    if (stopped()) return 'give-up';
  } while (device.linkClosed);
  device.send({ kind: 'handshake', secret: authentication(net) });
  yield { until: () => device.inbox.length > 0 || device.linkClosed || stopped() };
  if (stopped()) return 'give-up';
  const hello = device.inbox.shift();
  if (hello?.kind !== 'handshake') return 'again';
  const secret = authentication(net);
  if (secret !== null && hello.secret !== secret) return hello.secret === null ? 'again' : 'give-up';
  const unexpected = secret === null && hello.secret !== null;
  device.send({
    kind: 'protocol',
    protocol: net.number('wire_protocol'),
    afterSplitBrain: [net.number('after_sb_0p'), net.number('after_sb_1p'), net.number('after_sb_2p')],
    wantLose: net.flag('want_lose'),
    dryRun: net.flag('dry_run'),
    twoPrimaries: net.flag('two_primaries'),
    integrity: net.text('integrity_alg'),
  });
  device.stateSent = true;
  sendSyncParam(device);
  sendSizes(device);
  device.sendUuids();
  device.sendState();
  device.degradedTimeout = false;
  device.resizePending = false;
  const result = device.changeState({ conn: C.C_WF_REPORT_PARAMS });
  if (device.state.conn !== C.C_WF_REPORT_PARAMS || result < SS.SS_SUCCESS) {
    device.stateSent = false;
    return 'again';
  }
  device.lastReceived = host.clock.now();
  watchPeer(device);
  if (unexpected) {
    // The peer asks for a proof that this side has no secret for.
    device.forceState({ conn: C.C_PROTOCOL_ERROR });
  }
  return 'connected';
}

/** Waits for the peer to come: then the minor has a link. @returns gives up */
function waitForPeer(device: Device, net: Configuration, settleMs: number): () => void {
  const { host } = device;
  return host.network.wait({
    myAddress: addressKey(net.bytes('my_addr'), host.order),
    peerAddress: addressKey(net.bytes('peer_addr'), host.order),
    scheduler: host.scheduler,
    settleMs,
    connected: (open, later) => {
      device.yields = later;
      device.link = open({
        receive: (packet) => {
          arrive(device, packet);
        },
        closed: () => {
          device.linkClosed = true;
          host.scheduler.spawn(noticeLoss(device));
        },
      });
      host.scheduler.run();
    },
  });
}

/**
 * The connection was closed by the peer: the asender has the priority of a real-time task, so it finds out before the
 * receiver.
 */
function* noticeLoss(device: Device): Process {
  const { link } = device;
  yield* lossNoticed(device);
  if (device.link === link && device.state.conn >= C.C_WF_REPORT_PARAMS)
    device.forceState({ conn: C.C_NETWORK_FAILURE });
}

/**
 * What came before the end is still heard: the peer closes as soon as it has agreed to be left, or has found that the
 * data does not go together.
 */
function* lossNoticed(device: Device): Process {
  const { link } = device;
  yield {
    until: () => (device.peerAnswer === undefined && device.inbox.length === 0) || device.link !== link,
    milliseconds: LOSS_NOTICED_MS,
  };
}

/** What proves that both know the secret; null without authentication. */
function authentication(net: Configuration): string | null {
  const algorithm = net.text('cram_hmac_alg');
  return algorithm === ''
    ? null
    : createHash('sha256')
        .update(`${algorithm}\0${net.text('shared_secret')}`)
        .digest('hex');
}

/** Options that the peer takes over when the connection stands. */
const SHARED_NUMBERS = ['rate', 'c_plan_ahead', 'c_delay_target', 'c_fill_target', 'c_max_rate'] as const;

export function sendSyncParam(device: Device): void {
  const { syncer } = device;
  device.send({
    kind: 'sync-param',
    numbers: Object.fromEntries(SHARED_NUMBERS.map((name) => [name, syncer.number(name)])),
    verify: syncer.text('verify_alg'),
    checksums: syncer.text('csums_alg'),
  });
}

/** Keep-alives (drbd_asender): a peer that stays silent is lost after ping-int and ping-timeout. */
function watchPeer(device: Device): void {
  const { host, link } = device;
  device.cancelPing?.();
  const arm = (milliseconds: number, then: () => void): void => {
    device.cancelPing = host.clock.after(milliseconds, () => {
      if (device.link === link && device.state.conn >= C.C_WF_REPORT_PARAMS) then();
    });
  };
  const idle = (): void => {
    const { net } = device;
    if (net === undefined) return;
    arm(net.number('ping_int') * SECOND_MS, () => {
      const asked = host.clock.now();
      device.send({ kind: 'ping' });
      host.scheduler.run();
      arm(net.number('ping_timeo') * DECISECOND_MS, () => {
        if (device.lastReceived >= asked) idle();
        else lose(device);
      });
    });
  };
  idle();
}

function lose(device: Device): void {
  device.forceState({ conn: C.C_NETWORK_FAILURE });
  device.host.scheduler.run();
}

/** Asks for a sign of life now: a dead peer is found within ping-timeout (request_ping). */
export function requestPing(device: Device): void {
  const { net, link, host } = device;
  if (net === undefined || link === undefined || device.state.conn < C.C_WF_REPORT_PARAMS) return;
  const asked = host.clock.now();
  device.send({ kind: 'ping' });
  device.cancelPing?.();
  device.cancelPing = host.clock.after(net.number('ping_timeo') * DECISECOND_MS, () => {
    if (device.link !== link || device.state.conn < C.C_WF_REPORT_PARAMS) return;
    if (device.lastReceived >= asked) watchPeer(device);
    else lose(device);
  });
}

/** A packet has come: the asender's are handled now, the receiver's when it gets to them. */
function arrive(device: Device, packet: Packet): void {
  device.lastReceived = device.host.clock.now();
  if (!isMeta(packet)) device.inbox.push(packet);
  else if (packet.kind === 'ping') device.send({ kind: 'ping-ack' });
  else if (packet.kind === 'ping-ack') device.gotPingAck = true;
  else if (packet.kind === 'state-reply') device.peerAnswer = packet.code;
  else if (packet.kind === 'write-ack') {
    device.unconfirmed.delete(packet.number);
    catchUp(device);
  } else receiveAcknowledgements(device, packet);
  device.host.scheduler.run();
}

/** drbdd: one packet after the other, until the connection is lost or taken down. */
function* receiveAll(device: Device): Process {
  const running = (): boolean => device.receiverState === 'running';
  while (running()) {
    yield { until: () => device.inbox.length > 0 || device.linkClosed || !running() };
    if (!running()) break;
    const packet = device.inbox.shift();
    if (packet === undefined) {
      yield* lossNoticed(device);
      device.forceState({ conn: C.C_BROKEN_PIPE });
      break;
    }
    if (!(yield* receive(device, packet))) {
      device.forceState({ conn: C.C_PROTOCOL_ERROR });
      break;
    }
  }
}

/** @returns false if the connection cannot go on */
function* receive(device: Device, packet: Packet): Process<boolean> {
  switch (packet.kind) {
    case 'protocol':
      return receiveProtocol(device, packet);
    case 'sync-param':
      return receiveSyncParam(device, packet);
    case 'sizes':
      return yield* receiveSizes(device, packet);
    case 'uuids':
      return yield* receiveUuids(device, packet);
    case 'state':
      return yield* receiveState(device, packet);
    case 'state-request':
      if (device.yields && device.clusterStateChange)
        device.send({ kind: 'state-reply', code: SS.SS_CONCURRENT_ST_CHG });
      else device.send({ kind: 'state-reply', code: device.changeState(mirrorChange(packet.change)) });
      return true;
    case 'sync-uuid': {
      const expected = (): boolean =>
        device.state.conn === C.C_WF_SYNC_UUID ||
        device.state.conn === C.C_BEHIND ||
        device.state.conn < C.C_CONNECTED ||
        device.state.disk < D.D_NEGOTIATING;
      // The module would wait for ever where the resync was called off meanwhile.
      do yield { until: expected, milliseconds: SECOND_MS };
      while (!expected() && device.state.conn !== C.C_CONNECTED);
      if (!expected() || !device.hasDisk(D.D_NEGOTIATING)) return true;
      device.setUuid(UI_CURRENT, packet.uuid);
      device.setUuid(UI_BITMAP, 0n);
      yield* startResync(device, C.C_SYNC_TARGET);
      return true;
    }
    case 'bitmap':
      return yield* receiveBitmap(device, packet);
    case 'write':
      receiveWrite(device, packet);
      return true;
    case 'out-of-sync':
      device.setDirty(packet.start, packet.end);
      return true;
    case 'resync-request':
    case 'resync-data':
    case 'verify-request':
    case 'verify-reply':
      receiveBlocks(device, packet);
      return true;
    default:
      return false;
  }
}

type Received<K extends Packet['kind']> = Extract<Packet, { readonly kind: K }>;

function refuse(device: Device): false {
  device.forceState({ conn: C.C_DISCONNECTING });
  return false;
}

/** Whether two split-brain policies go together (cmp_after_sb). */
function policiesAgree(peer: number, mine: number): boolean {
  const sides: readonly number[] = [ASB.ASB_DISCARD_LOCAL, ASB.ASB_DISCARD_REMOTE];
  if (sides.includes(peer) || sides.includes(mine))
    return peer !== mine && sides.includes(peer) && sides.includes(mine);
  return peer === mine;
}

function receiveProtocol(device: Device, packet: Received<'protocol'>): boolean {
  const { net } = device;
  if (net === undefined) return false;
  device.peerDryRun = packet.dryRun;
  const [p0, p1, p2] = packet.afterSplitBrain;
  if (
    packet.protocol !== net.number('wire_protocol') ||
    !policiesAgree(p0, net.number('after_sb_0p')) ||
    !policiesAgree(p1, net.number('after_sb_1p')) ||
    !policiesAgree(p2, net.number('after_sb_2p')) ||
    (packet.wantLose && net.flag('want_lose')) ||
    packet.twoPrimaries !== net.flag('two_primaries') ||
    packet.integrity !== net.text('integrity_alg')
  ) {
    return refuse(device);
  }
  return true;
}

function receiveSyncParam(device: Device, packet: Received<'sync-param'>): boolean {
  const { syncer, state } = device;
  syncer.set('rate', packet.numbers['rate'] ?? syncer.number('rate'));
  for (const [name, theirs] of [
    ['verify_alg', packet.verify],
    ['csums_alg', packet.checksums],
  ] as const) {
    if (syncer.text(name) === theirs) continue;
    if (state.conn === C.C_WF_REPORT_PARAMS || (theirs !== '' && !device.host.algorithms.has(theirs)))
      return refuse(device);
  }
  for (const name of SHARED_NUMBERS) syncer.set(name, packet.numbers[name] ?? syncer.number(name));
  // An algorithm that the peer no longer has stays known here: only a new one is taken over.
  if (packet.verify !== '' && syncer.text('verify_alg') !== packet.verify) syncer.setText('verify_alg', packet.verify);
  if (packet.checksums !== '' && syncer.text('csums_alg') !== packet.checksums)
    syncer.setText('csums_alg', packet.checksums);
  return true;
}

function* receiveSizes(device: Device, packet: Received<'sizes'>): Process<boolean> {
  const { state, disk } = device;
  if (packet.disk === 0 && state.disk === D.D_DISKLESS) return refuse(device);
  device.peerSectors = packet.disk;
  let change: 'unchanged' | 'grew' | 'shrunk' | 'failed' = 'unchanged';
  let lowerChanged = false;
  if (disk !== undefined && device.hasDisk()) {
    const mine = Number(disk.conf.size('disk_size'));
    const wanted =
      state.conn === C.C_WF_REPORT_PARAMS && mine !== 0 && packet.user !== 0
        ? Math.min(mine, packet.user)
        : state.conn === C.C_WF_REPORT_PARAMS
          ? mine || packet.user
          : packet.user;
    disk.conf.set('disk_size', BigInt(wanted));
    if (newSize(device, disk, false) < device.sectors && state.disk >= D.D_OUTDATED && state.conn < C.C_CONNECTED) {
      disk.conf.set('disk_size', BigInt(mine));
      return refuse(device);
    }
    change = changeSize(device, { forced: packet.forced, withoutResync: packet.withoutResync });
    if (change === 'failed') return false;
    lowerChanged = disk.knownSectors !== disk.data.sectors;
    disk.knownSectors = disk.data.sectors;
  } else {
    // The module takes the peer's largest size, and both would tell each other of the difference for ever where the
    // user wants less.
    device.sectors =
      packet.current !== 0 ? packet.current : packet.user !== 0 ? Math.min(packet.user, packet.disk) : packet.disk;
  }
  if (state.conn > C.C_WF_REPORT_PARAMS) {
    if (packet.current !== device.sectors || lowerChanged)
      sendSizes(device, { forced: packet.forced, withoutResync: packet.withoutResync });
    if (device.resizePending || (change === 'grew' && state.conn === C.C_CONNECTED)) {
      device.resizePending = false;
      if (state.pdsk >= D.D_INCONSISTENT && state.disk >= D.D_INCONSISTENT) {
        if (!packet.withoutResync) yield* resyncAfterGrow(device);
      } else device.resyncAfterNegotiation = true;
    }
  }
  return true;
}

function* receiveUuids(device: Device, packet: Received<'uuids'>): Process<boolean> {
  device.peerUuids = { uuids: [...packet.uuids], bits: packet.bits, flags: packet.flags };
  const theirs = packet.uuids[UI_CURRENT];
  const { state, disk } = device;
  if (
    state.conn < C.C_CONNECTED &&
    state.disk < D.D_INCONSISTENT &&
    state.role === R_PRIMARY &&
    generation(device.effectiveUuid) !== generation(theirs)
  )
    return refuse(device);
  if (disk !== undefined && device.hasDisk()) {
    if (
      state.conn === C.C_CONNECTED &&
      disk.metadata.uuids[UI_CURRENT] === UUID_JUST_CREATED &&
      (packet.flags & 8) !== 0
    ) {
      disk.metadata.dirty.clear();
      device.logSuspended = false;
      device.setUuid(UI_CURRENT, theirs);
      device.setUuid(UI_BITMAP, 0n);
      device.changeState({ disk: D.D_UP_TO_DATE, pdsk: D.D_UP_TO_DATE });
    }
  } else if (state.disk < D.D_INCONSISTENT && state.role === R_PRIMARY) device.effectiveUuid = theirs;
  if (device.clusterStateChange) yield { until: () => !device.clusterStateChange };
  if (device.state.conn >= C.C_CONNECTED && device.state.disk < D.D_INCONSISTENT) device.effectiveUuid = theirs;
  return true;
}

/** The heart of a connection: what the peer's state means for this one (receive_state). */
function* receiveState(device: Device, packet: Received<'state'>): Process<boolean> {
  let peer = packet.state;
  const peerFlags = device.peerUuids?.flags ?? 0;
  let peerDisk: number =
    peer.disk !== D.D_NEGOTIATING ? peer.disk : (peerFlags & 4) !== 0 ? D.D_INCONSISTENT : D.D_CONSISTENT;
  for (;;) {
    const old = device.state;
    if (old.conn <= C.C_TEAR_DOWN) return false;
    if (
      (old.pdsk === D.D_INCONSISTENT || old.pdsk === D.D_CONSISTENT) &&
      peerDisk === D.D_UP_TO_DATE &&
      old.conn > C.C_CONNECTED &&
      old.disk === D.D_UP_TO_DATE
    ) {
      if (peer.conn > C.C_CONNECTED && peer.conn < C.C_SYNC_SOURCE) peerDisk = D.D_INCONSISTENT;
      else if (old.conn >= C.C_SYNC_SOURCE && peer.conn === C.C_CONNECTED) {
        if (device.dirtyBlocks <= device.progress.failed) yield* resyncFinished(device);
        return true;
      }
    }
    if (
      old.pdsk === D.D_UP_TO_DATE &&
      peerDisk === D.D_INCONSISTENT &&
      old.conn === C.C_CONNECTED &&
      peer.conn > C.C_SYNC_SOURCE
    )
      peerDisk = D.D_UP_TO_DATE;
    let conn: number = old.conn === C.C_WF_REPORT_PARAMS ? C.C_CONNECTED : old.conn;
    if (peer.conn === C.C_AHEAD) conn = C.C_BEHIND;
    if (device.peerUuids !== undefined && peer.disk >= D.D_NEGOTIATING && device.hasDisk(D.D_NEGOTIATING)) {
      const consider =
        old.conn < C.C_CONNECTED ||
        (old.conn === C.C_CONNECTED && (peer.disk === D.D_NEGOTIATING || old.disk === D.D_NEGOTIATING)) ||
        device.considerResync ||
        (old.conn === C.C_CONNECTED && peer.conn >= C.C_STARTING_SYNC_S && peer.conn <= C.C_WF_BITMAP_T);
      if (consider) {
        const found = yield* syncHandshake(device, device.peerUuids, peer.role, peerDisk);
        if (found !== undefined) conn = found;
        else {
          conn = C.C_CONNECTED;
          if (device.state.disk === D.D_NEGOTIATING) device.forceState({ disk: D.D_FAILED });
          else if (peer.disk === D.D_NEGOTIATING) {
            peer = { ...peer, disk: D.D_DISKLESS };
            peerDisk = D.D_DISKLESS;
          } else {
            const dryRun = device.peerDryRun;
            device.peerDryRun = false;
            return dryRun ? false : refuse(device);
          }
        }
      }
    }
    // Something else happened meanwhile: think again.
    if (device.state !== old) continue;
    device.considerResync = false;
    const disk =
      (conn === C.C_CONNECTED || conn === C.C_WF_BITMAP_S) && old.disk === D.D_NEGOTIATING
        ? device.negotiated.disk
        : old.disk;
    if (
      peerDisk === D.D_CONSISTENT &&
      isSuspended(old) &&
      conn === C.C_CONNECTED &&
      old.conn < C.C_CONNECTED &&
      device.newCurrentUuid
    ) {
      device.forgetUnconfirmed();
      device.newCurrentGeneration();
      device.newCurrentUuid = false;
      device.forceState({ conn: C.C_PROTOCOL_ERROR, susp: false });
      return false;
    }
    const result = device.setState(
      { ...old, conn, disk, peer: peer.role, pdsk: peerDisk, peer_isp: peer.aftr_isp || peer.user_isp },
      { hard: !(old.conn < C.C_CONNECTED && conn >= C.C_CONNECTED) },
    );
    if (result < SS.SS_SUCCESS) return refuse(device);
    if (
      old.conn > C.C_WF_REPORT_PARAMS &&
      device.state.conn > C.C_CONNECTED &&
      peer.conn <= C.C_CONNECTED &&
      peer.disk !== D.D_NEGOTIATING
    ) {
      device.sendUuids();
      if (device.clusterStateChange) yield { until: () => !device.clusterStateChange };
      device.sendState();
    }
    device.net?.set('want_lose', false);
    return true;
  }
}

function* receiveBitmap(device: Device, packet: Received<'bitmap'>): Process<boolean> {
  const { disk } = device;
  if (disk === undefined) return true;
  for (const [start, end] of packet.ranges) disk.metadata.dirty.add(start, Math.min(end, device.blocks));
  if (device.state.conn === C.C_WF_BITMAP_T) {
    device.send({ kind: 'bitmap', ranges: disk.metadata.dirty.ranges().map(([start, end]) => [start, end] as const) });
    yield* device.requestState({ conn: C.C_WF_SYNC_UUID });
  }
  if (device.state.conn === C.C_WF_BITMAP_S) yield* startResync(device, C.C_SYNC_SOURCE);
  return true;
}

/** A write of the peer's application. */
function receiveWrite(device: Device, packet: Received<'write'>): void {
  const { disk } = device;
  device.counters.received += (packet.end - packet.start) * SECTORS_PER_BLOCK;
  if (disk !== undefined && device.hasDisk()) {
    for (let block = packet.start; block < packet.end; block++) disk.data.blocks.set(block, packet.content);
    for (
      let extent = Math.floor(packet.start / BLOCKS_PER_LOG_EXTENT);
      extent * BLOCKS_PER_LOG_EXTENT < packet.end;
      extent++
    )
      disk.metadata.hotExtents.add(extent);
    device.counters.written += (packet.end - packet.start) * SECTORS_PER_BLOCK;
    // The only disk of the two: the peer's will lack it.
    if (device.state.pdsk < D.D_INCONSISTENT) device.setDirty(packet.start, packet.end);
  }
  device.send({ kind: 'write-ack', number: packet.number });
}

/** Cleans up behind a connection (drbd_disconnect). */
function* disconnect(device: Device): Process {
  if (device.state.conn === C.C_STANDALONE) return;
  device.forceState({ conn: C.C_NETWORK_FAILURE });
  device.cancelPing?.();
  device.link?.close();
  device.link = undefined;
  device.inbox.length = 0;
  device.progress.total = 0;
  device.progress.failed = 0;
  stopTicks(device);
  yield* device.flushWork();
  device.peerUuids = undefined;
  if (!isSuspended(device.state)) device.forgetUnconfirmed();
  if (device.state.role === R_PRIMARY && device.fencing >= FP.FP_RESOURCE && device.state.pdsk >= D.D_UNKNOWN)
    device.host.scheduler.spawn(fencePeerLater(device));
  const { state } = device;
  if (state.conn >= C.C_UNCONNECTED) device.changeState({ conn: C.C_UNCONNECTED });
  if (state.conn === C.C_DISCONNECTING) {
    device.net = undefined;
    yield* device.requestOrdered({ conn: C.C_STANDALONE });
  }
  if (device.bitmapIo) yield { until: () => !device.bitmapIo };
}

/** Fences the lost peer in a thread of its own (drbd_try_outdate_peer_async). */
function* fencePeerLater(device: Device): Process {
  const pdsk = yield* fencePeer(device);
  if (device.state.conn < C.C_WF_REPORT_PARAMS && !device.stateSent) device.changeState({ pdsk });
}

/** Exit statuses of the helper for fence-peer. */
const FENCED = { INCONSISTENT: 3, OUTDATED: 4, DOWN: 5, PRIMARY: 6, STONITHED: 7 } as const;

/**
 * Calls the helper that outdates or shoots the peer (drbd_try_outdate_peer). @returns the peer's disk state that
 * follows
 */
export function* fencePeer(device: Device): Process<number> {
  if (!device.hasDisk(D.D_CONSISTENT)) {
    if (device.state.susp_fen && device.state.pdsk >= D.D_UNKNOWN) yield* device.requestState({ susp_fen: false });
    return device.state.pdsk;
  }
  let pdsk: number;
  switch (yield* device.helper('fence-peer')) {
    case FENCED.INCONSISTENT:
      pdsk = D.D_INCONSISTENT;
      break;
    case FENCED.OUTDATED:
    case FENCED.STONITHED:
      pdsk = D.D_OUTDATED;
      break;
    case FENCED.DOWN:
      pdsk = device.state.disk === D.D_UP_TO_DATE ? D.D_OUTDATED : device.state.pdsk;
      break;
    case FENCED.PRIMARY:
      pdsk = D.D_UNKNOWN;
      yield* device.requestState({ disk: D.D_OUTDATED }, { wait: true });
      break;
    default:
      // A helper that answers anything else is broken, and the suspension stays.
      return D.D_UNKNOWN;
  }
  if (device.state.susp_fen && pdsk >= D.D_UNKNOWN) yield* device.requestState({ susp_fen: false });
  return pdsk;
}
