import { ioErrorPolicies, onCongestionPolicies } from '../dialects/connector';
import type { ByteOrder } from '../netlink';
import type { BackingDevice, Metadata } from './backing-device';
import { BLOCKS_PER_LOG_EXTENT, blocksOf, MDF, SECTORS_PER_BLOCK } from './backing-device';
import { syncerDefaults, type Configuration } from './configuration';
import type { Link } from './network';
import type { Packet } from './packet';
import type { Clock } from './clock';
import { newProgress } from './progress';
import { Mutex, type Process, type Scheduler } from './scheduler';
import {
  C,
  checkChange,
  checkState,
  D,
  FP,
  INITIAL_STATE,
  isEmpty,
  isStable,
  isSuspended,
  needsPeer,
  R_PRIMARY,
  R_SECONDARY,
  sameState,
  sanitizeState,
  SS,
  type State,
  type StateChange,
  type StateContext,
} from './state';
import { generation, rotateIntoHistory, UI_BITMAP, UI_CURRENT, type PeerUuids } from './uuids';
import type { Network } from './network';

/** What a minor does on a change of its state: it is made of minors, and so handed in from above. */
export interface DeviceBehaviour {
  /** The receiver's thread. */
  receiver(device: Device): Process;
  /** What the worker does after a change of state. */
  afterStateChange(device: Device, old: State, next: State): Process;
  /** A verification begins. */
  beginVerify(device: Device, conn: number): void;
  /** A verification was cut short. */
  adoptVerifyPosition(device: Device): void;
  /** A resync pauses or goes on. */
  finishPause(device: Device, old: State, next: State): void;
  /** No more blocks are asked for. */
  stopTicks(device: Device): void;
}

/** What a minor needs of the kernel it is part of. */
export interface DeviceHost {
  readonly behaviour: DeviceBehaviour;
  readonly release: string;
  readonly order: ByteOrder;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly network: Network;
  readonly algorithms: ReadonlySet<string>;
  readonly processors: number;
  /** Whether an address, as bytes of a sockaddr, is one of this machine's, of a family that it has. */
  isLocal(address: Uint8Array): boolean;
  random(): bigint;
  content(): number;
  /** Every minor that exists, in order. */
  devices(): readonly Device[];
  device(minor: number): Device | undefined;
  /** Creates the minor if there is none. @returns undefined for one out of range */
  ensureDevice(minor: number): Device | undefined;
  backingDevice(path: string): BackingDevice | undefined;
  /** What a disk has for data, in sectors. */
  dataSectors(disk: AttachedDisk): number;
  broadcastState(device: Device, state: State): void;
  broadcastHelper(device: Device, name: string): void;
  broadcastProgress(device: Device, perMille: number): void;
  /** Runs the user-space helper. @returns its exit status, and how long it takes */
  runHelper(name: string, minor: number): { readonly exitStatus: number; readonly milliseconds: number };
  /** The letter of the write ordering method, for /proc/drbd. */
  writeOrdering(device: Device): string;
  /** Memory is refused: a fault that a test asks for. */
  outOfMemory(): boolean;
}

/** An attached disk (struct drbd_backing_dev). */
export interface AttachedDisk {
  readonly conf: Configuration;
  readonly index: number;
  readonly data: BackingDevice;
  readonly meta: BackingDevice;
  readonly metadata: Metadata;
  /** Size of the lower device when it was looked at last. */
  knownSectors: number;
}

export interface ChangeFlags {
  /** It happened outside our control: no rule can refuse it. */
  readonly hard?: boolean;
  /** Waits for the worker to do what follows from it (CS_WAIT_COMPLETE). */
  readonly wait?: boolean;
  /** One such change of a minor at a time (CS_SERIALIZE). */
  readonly serialize?: boolean;
}

/** drbd_request_state waits and serializes. */
const ORDERED: ChangeFlags = { wait: true, serialize: true };

/** The life of a kernel thread. */
export type ThreadState = 'none' | 'running' | 'restarting' | 'exiting';

/** One minor: struct drbd_conf, its threads and its part of the state engine. */
export class Device {
  readonly minor: number;
  readonly host: DeviceHost;
  state: State = INITIAL_STATE;
  disk: AttachedDisk | undefined;
  net: Configuration | undefined;
  syncer: Configuration;
  /** Of the device itself, in sectors. */
  sectors = 0;
  /** What the peer has for data, in sectors; 0 if unknown. */
  peerSectors = 0;
  /** The generation of the data that this node works with, with a disk or without. */
  effectiveUuid = 0n;
  peerUuids: PeerUuids | undefined;
  /** What a disk that negotiates is by its metadata. */
  negotiated: { readonly disk: number; readonly pdsk: number } = { disk: D.D_DISKLESS, pdsk: D.D_UNKNOWN };
  /** How many times it is open. */
  openCount = 0;
  progress = newProgress();
  counters = { sent: 0, received: 0, written: 0, read: 0, log: 0, bitmap: 0 };
  readonly stateMutex = new Mutex();
  // Bits of drbd_conf.flags.
  configPending = false;
  dying = false;
  stateSent = false;
  clusterStateChange = false;
  crashedPrimary = false;
  newCurrentUuid = false;
  degradedTimeout = false;
  considerResync = false;
  resyncAfterNegotiation = false;
  resizePending = false;
  /** Of two equals, this node yields (DISCARD_CONCURRENT). */
  yields = false;
  peerDryRun = false;
  logSuspended = false;
  wasIoError = false;
  gotPingAck = false;
  bitmapIo = false;
  goingDiskless = false;
  /** The peer's answer to a change that it must agree to. */
  peerAnswer: number | undefined;
  // Threads.
  workerState: 'none' | 'running' | 'exiting' = 'none';
  readonly work: (() => Process | undefined)[] = [];
  receiverState: ThreadState = 'none';
  link: Link | undefined;
  readonly inbox: Packet[] = [];
  linkClosed = false;
  cancelTicks: (() => void) | undefined;
  cancelPing: (() => void) | undefined;
  lastReceived = 0;
  /** Writes that the peer has not confirmed: if it is lost, they count as different. */
  readonly unconfirmed = new Map<number, readonly [start: number, end: number]>();
  writeNumber = 0;
  /** Writes that wait while I/O is suspended. */
  frozen: (() => void)[] = [];

  constructor(minor: number, host: DeviceHost) {
    this.minor = minor;
    this.host = host;
    this.syncer = syncerDefaults(host.release, host.order);
  }

  /** Blocks that the bitmap says may differ. */
  get dirtyBlocks(): number {
    return this.disk?.metadata.dirty.size ?? 0;
  }

  get blocks(): number {
    return blocksOf(this.sectors);
  }

  get fencing(): number {
    return this.hasDisk() ? (this.disk?.conf.number('fencing') ?? FP.FP_DONT_CARE) : FP.FP_DONT_CARE;
  }

  /** get_ldev_if_state. @param least lowest disk state that will do */
  hasDisk(least: number = D.D_INCONSISTENT): boolean {
    return this.disk !== undefined && this.state.disk >= least;
  }

  /** The network configuration while it counts (get_net_conf): a minor that disconnects has none any more. */
  get usableNet(): Configuration | undefined {
    return this.state.conn >= C.C_UNCONNECTED ? this.net : undefined;
  }

  #context(): StateContext {
    const { disk } = this;
    return {
      fencing: this.fencing,
      onNoData: this.syncer.number('on_no_data'),
      twoPrimaries: this.usableNet?.flag('two_primaries'),
      // Whoever waits for a write has the device open.
      openCount: this.openCount + this.unconfirmed.size + this.frozen.length,
      verifyAlgorithm: this.syncer.text('verify_alg') !== '',
      stateSent: this.stateSent,
      negotiated:
        disk !== undefined && this.effectiveUuid === disk.metadata.uuids[UI_CURRENT] ? this.negotiated : undefined,
    };
  }

  /** Makes a change that happens outside our control (drbd_force_state). */
  forceState(change: StateChange): void {
    this.setState({ ...this.state, ...change }, { hard: true });
  }

  /** Makes a change at once, or says why not (drbd_change_state). */
  changeState(change: StateChange, flags: ChangeFlags = {}): number {
    return this.setState({ ...this.state, ...change }, flags);
  }

  /** Makes a change, after the peer has agreed where it must (drbd_request_state). @returns an SS_ code */
  requestOrdered(change: StateChange): Process<number> {
    return this.requestState(change, ORDERED);
  }

  *requestState(change: StateChange, flags: ChangeFlags = {}): Process<number> {
    for (;;) {
      const result = yield* this.#request(change, flags);
      if (result !== SS.SS_IN_TRANSIENT_STATE) return result;
      const { state, stateSent } = this;
      yield { until: () => this.state !== state || this.stateSent !== stateSent };
    }
  }

  *#request(change: StateChange, flags: ChangeFlags): Process<number> {
    if (flags.serialize === true) yield* this.stateMutex.lock();
    try {
      const wanted = (): State => sanitizeState(this.state, { ...this.state, ...change }, this.#context());
      let done = false;
      const complete = (): void => {
        done = true;
      };
      if (needsPeer(this.state, wanted())) {
        const refusal = this.#refusal(wanted(), this.state);
        if (refusal < SS.SS_SUCCESS) return refusal;
        yield { until: () => !this.clusterStateChange };
        this.clusterStateChange = true;
        try {
          this.peerAnswer = undefined;
          if (!this.send({ kind: 'state-request', change })) return SS.SS_CW_FAILED_BY_PEER;
          let answer: number = SS.SS_UNKNOWN_ERROR;
          yield {
            until: () => {
              answer = this.#peerCondition(wanted());
              return answer !== SS.SS_UNKNOWN_ERROR;
            },
          };
          if (answer < SS.SS_SUCCESS) return answer;
          const result = this.setState({ ...this.state, ...change }, flags, complete);
          if (flags.wait !== true || result !== SS.SS_SUCCESS) return result;
        } finally {
          this.clusterStateChange = false;
        }
        yield { until: () => done };
        return SS.SS_SUCCESS;
      }
      const result = this.setState({ ...this.state, ...change }, flags, complete);
      if (flags.wait === true && result === SS.SS_SUCCESS) yield { until: () => done };
      return result;
    } finally {
      if (flags.serialize === true) this.stateMutex.unlock();
    }
  }

  #refusal(next: State, old: State): number {
    const context = this.#context();
    const refusal = checkState(next, context);
    return refusal < SS.SS_SUCCESS ? refusal : checkChange(next, old, context);
  }

  /**
   * _req_st_cond: has the peer answered, or is its answer no longer needed? SS_UNKNOWN_ERROR while it is waited for.
   */
  #peerCondition(wanted: State): number {
    if (this.peerAnswer !== undefined) {
      const agreed = this.peerAnswer >= SS.SS_SUCCESS;
      this.peerAnswer = undefined;
      return agreed ? SS.SS_CW_SUCCESS : SS.SS_CW_FAILED_BY_PEER;
    }
    if (!needsPeer(this.state, wanted)) return SS.SS_CW_NO_NEED;
    const refusal = this.#refusal(wanted, this.state);
    return refusal === SS.SS_SUCCESS ? SS.SS_UNKNOWN_ERROR : refusal;
  }

  /** __drbd_set_state. @param complete is called when the worker has done what follows. @returns an SS_ code */
  setState(wanted: State, flags: ChangeFlags = {}, complete?: () => void): number {
    const old = this.state;
    const context = this.#context();
    const next = Object.freeze(sanitizeState(old, wanted, context));
    if (sameState(next, old)) return SS.SS_NOTHING_TO_DO;
    if (flags.hard !== true) {
      let result = checkState(next, context);
      // A state that was wrong already may go on to another one that is wrong in the same way.
      if (result < SS.SS_SUCCESS ? checkState(old, context) === result : true) result = checkChange(next, old, context);
      if (result < SS.SS_SUCCESS) return result;
    }
    if (isEmpty(next) && !this.configPending) {
      this.configPending = true;
      this.dying = true;
    }
    this.state = next;
    const wasVerify = old.conn === C.C_VERIFY_S || old.conn === C.C_VERIFY_T;
    if (wasVerify && next.conn < C.C_CONNECTED) this.host.behaviour.adoptVerifyPosition(this);
    this.host.behaviour.finishPause(this, old, next);
    if (old.conn === C.C_CONNECTED && (next.conn === C.C_VERIFY_S || next.conn === C.C_VERIFY_T))
      this.host.behaviour.beginVerify(this, next.conn);
    this.#updateMetadata(old, next);
    if (
      old.disk === D.D_INCONSISTENT &&
      old.pdsk === D.D_INCONSISTENT &&
      old.peer === R_SECONDARY &&
      next.peer === R_PRIMARY
    )
      this.considerResync = true;
    if (old.conn !== C.C_DISCONNECTING && next.conn === C.C_DISCONNECTING) this.#stopReceiver('exiting');
    if (old.conn !== C.C_STANDALONE && next.conn === C.C_STANDALONE) this.#stopReceiver('exiting');
    if (old.conn > C.C_WF_CONNECTION && next.conn <= C.C_TEAR_DOWN && next.conn >= C.C_TIMEOUT)
      this.#stopReceiver('restarting');
    if (old.conn < C.C_CONNECTED && next.conn >= C.C_CONNECTED) this.logSuspended = false;
    this.queueWork(() => this.#afterChange(old, next, complete));
    this.thaw();
    this.host.scheduler.run();
    return SS.SS_SUCCESS;
  }

  *#afterChange(old: State, next: State, complete: (() => void) | undefined): Process {
    yield* this.host.behaviour.afterStateChange(this, old, next);
    complete?.();
  }

  /** What the metadata tells of the state survives a crash. */
  #updateMetadata(old: State, next: State): void {
    const { disk } = this;
    if (disk === undefined || next.disk < D.D_INCONSISTENT) return;
    let flags = disk.metadata.flags & MDF.MDF_FULL_SYNC;
    if (this.crashedPrimary) flags |= MDF.MDF_CRASHED_PRIMARY;
    if (next.role === R_PRIMARY || (next.pdsk < D.D_INCONSISTENT && next.peer === R_PRIMARY))
      flags |= MDF.MDF_PRIMARY_IND;
    if (next.conn > C.C_WF_REPORT_PARAMS) flags |= MDF.MDF_CONNECTED_IND;
    if (next.disk > D.D_INCONSISTENT) flags |= MDF.MDF_CONSISTENT;
    if (next.disk > D.D_OUTDATED) flags |= MDF.MDF_WAS_UP_TO_DATE;
    if (next.pdsk <= D.D_OUTDATED && next.pdsk >= D.D_INCONSISTENT) flags |= MDF.MDF_PEER_OUT_DATED;
    disk.metadata.flags = flags;
    if (old.disk < D.D_CONSISTENT && next.disk >= D.D_CONSISTENT) this.effectiveUuid = disk.metadata.uuids[UI_CURRENT];
  }

  // The worker.

  queueWork(run: () => Process | undefined): void {
    this.work.push(run);
    this.host.scheduler.run();
  }

  startWorker(): void {
    if (this.workerState !== 'none') return;
    this.workerState = 'running';
    this.host.scheduler.spawn(this.#worker());
  }

  stopWorker(): void {
    if (this.workerState === 'running') this.workerState = 'exiting';
    this.host.scheduler.run();
  }

  *#worker(): Process {
    const step = function* (run: () => Process | undefined): Process {
      const process = run();
      if (process !== undefined) yield* process;
    };
    for (;;) {
      yield { until: () => this.work.length > 0 || this.workerState !== 'running' };
      if (this.workerState !== 'running') break;
      const run = this.work.shift();
      if (run !== undefined) yield* step(run);
    }
    for (let run = this.work.shift(); run !== undefined; run = this.work.shift()) yield* step(run);
    if (this.receiverState !== 'none') yield { until: () => this.receiverState === 'none' };
    this.#cleanUp();
    this.workerState = 'none';
    this.dying = false;
    this.configPending = false;
  }

  /** Waits until the worker has done what is queued now: for ever, if there is no worker. */
  *flushWork(): Process {
    let done = false;
    this.queueWork(() => {
      done = true;
      return undefined;
    });
    yield { until: () => done };
  }

  /** drbd_mdev_cleanup: what a minor forgets when it becomes empty. */
  #cleanUp(): void {
    this.counters = { sent: 0, received: 0, written: 0, read: 0, log: 0, bitmap: 0 };
    this.progress = newProgress();
    this.peerSectors = 0;
    this.sectors = 0;
    this.logSuspended = false;
    this.releaseDisk();
    this.net = undefined;
    this.syncer = syncerDefaults(this.host.release, this.host.order);
    this.state = INITIAL_STATE;
  }

  releaseDisk(): void {
    const { disk } = this;
    if (disk === undefined) return;
    this.disk = undefined;
    disk.data.release();
    disk.meta.release();
  }

  // The receiver.

  startReceiver(): void {
    if (this.receiverState === 'none') {
      this.receiverState = 'running';
      this.host.scheduler.spawn(this.host.behaviour.receiver(this));
    } else if (this.receiverState === 'exiting') this.receiverState = 'restarting';
  }

  #stopReceiver(how: 'restarting' | 'exiting'): void {
    if (this.receiverState !== 'none' && this.receiverState !== 'exiting') this.receiverState = how;
    this.host.behaviour.stopTicks(this);
  }

  /** Sends a packet to the peer. @returns false without connection */
  send(packet: Packet): boolean {
    return this.link?.send(packet) ?? false;
  }

  sendState(state: State = this.state): void {
    this.send({ kind: 'state', state });
  }

  /** drbd_send_uuids. @param extra bits of the flags */
  sendUuids(extra = 0): void {
    if (!this.hasDisk(D.D_NEGOTIATING) || this.disk === undefined) return;
    const { uuids } = this.disk.metadata;
    let flags = extra;
    if (this.net?.flag('want_lose') === true) flags |= 1;
    if (this.crashedPrimary) flags |= 2;
    if (this.negotiated.disk === D.D_INCONSISTENT) flags |= 4;
    this.send({ kind: 'uuids', uuids: [...uuids], bits: this.dirtyBlocks, flags });
  }

  // Generations of the data.

  /** _drbd_uuid_set: the slot gets the value, nothing is rotated. */
  setUuid(slot: 0 | 1 | 2 | 3, value: bigint): void {
    const { disk } = this;
    if (disk === undefined) return;
    if (slot === UI_CURRENT) {
      const marked = this.state.role === R_PRIMARY ? value | 1n : generation(value);
      this.effectiveUuid = marked;
      disk.metadata.uuids[UI_CURRENT] = marked;
    } else disk.metadata.uuids[slot] = value;
  }

  /** drbd_uuid_set: the slot's old value goes to the history. */
  rotateUuid(slot: 0 | 1, value: bigint): void {
    const { disk } = this;
    if (disk === undefined) return;
    rotateIntoHistory(disk.metadata.uuids, slot);
    this.setUuid(slot, value);
  }

  /** drbd_uuid_new_current: the data goes on without the peer. */
  newCurrentGeneration(): void {
    const { disk } = this;
    if (disk === undefined) return;
    disk.metadata.uuids[UI_BITMAP] = disk.metadata.uuids[UI_CURRENT];
    this.setUuid(UI_CURRENT, this.host.random());
  }

  // The bitmap.

  setAllDirty(): void {
    this.disk?.metadata.dirty.add(0, this.blocks);
    this.counters.bitmap++;
  }

  setDirty(start: number, end: number): void {
    this.disk?.metadata.dirty.add(start, Math.min(end, this.blocks));
  }

  // Helpers and fencing.

  /** Calls the user-space helper (drbd_khelper). @returns its exit status */
  *helper(name: string): Process<number> {
    this.host.broadcastHelper(this, name);
    const { exitStatus, milliseconds } = this.host.runHelper(name, this.minor);
    if (milliseconds > 0) yield { milliseconds };
    return exitStatus & 0xff;
  }

  // Data.

  /**
   * Writes blocks as an application does.
   * @returns `done`, `failed` (not primary, or no data to write to), or `frozen` while I/O is suspended or disks
   *   negotiate: it is done when it may
   */
  write(start: number, end: number, content: number = this.host.content()): 'done' | 'failed' | 'frozen' {
    if (this.state.role !== R_PRIMARY || start < 0 || end > this.blocks || end <= start) return 'failed';
    if (isSuspended(this.state) || !isStable(this.state)) {
      this.frozen.push(() => {
        this.write(start, end, content);
      });
      return 'frozen';
    }
    const { disk, state } = this;
    // Without good data anywhere, nothing can be read or written (drbd_fail_request_early).
    if (state.disk < D.D_UP_TO_DATE && state.pdsk < D.D_UP_TO_DATE) return 'failed';
    const local = this.hasDisk();
    const remote =
      this.link !== undefined &&
      state.pdsk >= D.D_INCONSISTENT &&
      state.pdsk !== D.D_UNKNOWN &&
      state.conn >= C.C_CONNECTED &&
      state.conn < C.C_AHEAD;
    if (!local && !(remote && state.pdsk === D.D_UP_TO_DATE)) return 'failed';
    if (local && disk !== undefined) {
      for (let extent = Math.floor(start / BLOCKS_PER_LOG_EXTENT); extent * BLOCKS_PER_LOG_EXTENT < end; extent++)
        this.#heat(disk, extent);
      for (let block = start; block < end; block++) disk.data.blocks.set(block, content);
      this.counters.written += (end - start) * SECTORS_PER_BLOCK;
    }
    if (remote && this.#avoidCongestion()) {
      const number = ++this.writeNumber;
      this.unconfirmed.set(number, [start, end]);
      this.counters.sent += (end - start) * SECTORS_PER_BLOCK;
      this.send({ kind: 'write', number, start, end, content });
    } else {
      this.setDirty(start, end);
      if (this.state.conn === C.C_AHEAD) this.send({ kind: 'out-of-sync', start, end });
    }
    return 'done';
  }

  /**
   * Where protocol A is told what to do when the link cannot keep up, it is done (on-congestion).
   * @returns whether the write still goes to the peer
   */
  #avoidCongestion(): boolean {
    const { net, disk } = this;
    const policy = net?.number('on_congestion') ?? onCongestionPolicies.OC_BLOCK;
    if (net === undefined || policy === onCongestionPolicies.OC_BLOCK || this.state.conn !== C.C_CONNECTED) return true;
    const fill = net.number('cong_fill');
    const congested =
      (fill > 0 && this.inFlightSectors >= fill) || (disk?.metadata.hotExtents.size ?? 0) >= net.number('cong_extents');
    if (!congested) return true;
    this.changeState({ conn: policy === onCongestionPolicies.OC_PULL_AHEAD ? C.C_AHEAD : C.C_DISCONNECTING });
    return false;
  }

  /** What was sent to the peer and not confirmed. */
  get inFlightSectors(): number {
    let sectors = 0;
    for (const [start, end] of this.unconfirmed.values()) sectors += (end - start) * SECTORS_PER_BLOCK;
    return sectors;
  }

  /**
   * The lower disk has failed (__drbd_chk_io_error): pass-on keeps it with data that is not good any more, the others
   * let it go.
   */
  diskFailed(): void {
    const { disk } = this;
    if (disk === undefined || !this.hasDisk(D.D_ATTACHING)) return;
    if (disk.conf.number('on_io_error') === ioErrorPolicies.EP_PASS_ON) {
      if (this.state.disk > D.D_INCONSISTENT) this.changeState({ disk: D.D_INCONSISTENT }, { hard: true });
      return;
    }
    this.wasIoError = true;
    if (this.state.disk > D.D_FAILED) this.forceState({ disk: D.D_FAILED });
  }

  /** What a block holds, as an application would read it; undefined if it cannot be read. */
  read(block: number): number | undefined {
    if (this.state.role !== R_PRIMARY && this.state.disk < D.D_UP_TO_DATE) return undefined;
    return this.hasDisk() ? (this.disk?.data.blocks.get(block) ?? 0) : undefined;
  }

  #heat(disk: AttachedDisk, extent: number): void {
    const { hotExtents } = disk.metadata;
    if (!hotExtents.delete(extent)) this.counters.log++;
    hotExtents.add(extent);
    for (const oldest of hotExtents) {
      if (hotExtents.size <= this.syncer.number('al_extents')) break;
      hotExtents.delete(oldest);
    }
  }

  /** Lets writes go on that waited for the end of a suspension. */
  thaw(): void {
    if (this.frozen.length === 0 || isSuspended(this.state) || !isStable(this.state)) return;
    for (const write of this.frozen.splice(0)) write();
  }

  /** What the peer did not confirm may have got lost (tl_clear). */
  forgetUnconfirmed(): void {
    for (const [start, end] of this.unconfirmed.values()) this.setDirty(start, end);
    this.unconfirmed.clear();
  }
}
