import {
  CN_VAL_DRBD,
  decodeBody,
  packetByNumber,
  packets,
  returnCodes,
  type RequestPacketName,
} from '../dialects/connector';
import { encodeStateWord } from '../dialects/state-word';
import {
  align,
  CN_HEADER_BYTES,
  concatBytes,
  encodeConnectorMessage,
  encodeMessage,
  NLMSG_DONE,
  NLMSG_HEADER_BYTES,
  viewOf,
  type ByteOrder,
} from '../netlink';
import { afterStateChange } from './after-state';
import { dataSectors, type BackingDevice } from './backing-device';
import type { Clock } from './clock';
import { encodeTag } from './configuration';
import { Device, type AttachedDisk, type DeviceBehaviour, type DeviceHost } from './device';
import type { Network } from './network';
import { formatProcDrbd } from './proc';
import type { RandomSource } from './random';
import { receiver } from './receiver';
import { handlers, type Answer } from './requests';
import { adoptVerifyPosition, beginVerify, finishPause, stopTicks } from './resync';
import { Scheduler, type Process } from './scheduler';
import type { State } from './state';

/** struct drbd_nl_cfg_req and drbd_nl_cfg_reply: packet type, minor, flags or return code. */
const DRBD_HEADER_BYTES = 12;
const CREATE_DEVICE = 0x01;
const SET_DEFAULTS = 0x02;
/** Longest message that the connector looks at (CONNECTOR_MAX_MSG_SIZE). */
const LONGEST_MESSAGE = 16_384;
/** The first broadcast of a module has the number after this one. */
const FIRST_BROADCAST = 2;
const TT_END = new Uint8Array(2);

/** What a datagram of the kernel's is about, for those who look at them. */
export interface Emission {
  readonly kind: 'reply' | 'broadcast';
  /** The packet's name, such as `get_state` or `return_code_only`. */
  readonly name: string;
  readonly minor: number;
}

/** What stands between the module and the bus: faults that a test asks for. */
export interface KernelFaults {
  /**
   * A request has come, and its handler would run now. `hang`: it never returns. `no-memory`: its answer cannot be
   * allocated.
   */
  request(name: string | undefined, minor: number): 'hang' | 'no-memory' | undefined;
  outOfMemory(): boolean;
}

export interface KernelOptions {
  readonly release: string;
  readonly header: string;
  readonly order: ByteOrder;
  readonly index: number;
  readonly minorCount: number;
  readonly clock: Clock;
  readonly network: Network;
  readonly random: RandomSource;
  readonly disks: ReadonlyMap<string, BackingDevice>;
  readonly algorithms: ReadonlySet<string>;
  readonly processors: number;
  readonly isLocal: (address: Uint8Array) => boolean;
  readonly writeOrdering: string;
  readonly faults: KernelFaults;
  runHelper(name: string, minor: number): { readonly exitStatus: number; readonly milliseconds: number };
  emit(bytes: Uint8Array, emission: Emission): void;
}

/** Who sent a request. */
export interface Sender {
  /** It has CAP_SYS_ADMIN; without it everything is refused. */
  readonly privileged: boolean;
}

const behaviour: DeviceBehaviour = {
  receiver,
  afterStateChange,
  beginVerify,
  adoptVerifyPosition,
  finishPause,
  stopTicks,
};

/** One loaded module: its minors, from loading to a crash or unloading. */
export class Kernel implements DeviceHost {
  readonly behaviour = behaviour;
  readonly release: string;
  readonly order: ByteOrder;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly algorithms: ReadonlySet<string>;
  readonly processors: number;
  readonly #options: KernelOptions;
  readonly #devices: (Device | undefined)[] = [];
  #sequence = FIRST_BROADCAST;

  constructor(options: KernelOptions) {
    const { release, order, clock, network, algorithms, processors } = options;
    this.#options = options;
    this.release = release;
    this.order = order;
    this.clock = clock;
    this.network = network;
    this.algorithms = algorithms;
    this.processors = processors;
    this.scheduler = new Scheduler(clock);
  }

  /** Ends it as a power failure does: nothing of it runs again, its disks keep what is on them. */
  halt(): void {
    this.scheduler.stop();
    for (const device of this.devices()) {
      device.cancelTicks?.();
      device.cancelPing?.();
      device.releaseDisk();
    }
  }

  devices(): readonly Device[] {
    return this.#devices.filter((device) => device !== undefined);
  }

  device(minor: number): Device | undefined {
    return this.#devices[minor];
  }

  ensureDevice(minor: number): Device | undefined {
    if (minor >= this.#options.minorCount) return undefined;
    const device = this.#devices[minor] ?? new Device(minor, this);
    this.#devices[minor] = device;
    return device;
  }

  backingDevice(path: string): BackingDevice | undefined {
    return this.#options.disks.get(path);
  }

  isLocal(address: Uint8Array): boolean {
    return this.#options.isLocal(address);
  }

  dataSectors(disk: AttachedDisk): number {
    return dataSectors(disk.index, disk.data, disk.meta);
  }

  random(): bigint {
    return this.#options.random.next();
  }

  content(): number {
    return this.#options.random.nextContent();
  }

  runHelper(name: string, minor: number): { readonly exitStatus: number; readonly milliseconds: number } {
    return this.#options.runHelper(name, minor);
  }

  writeOrdering(device: Device): string {
    return device.disk === undefined ? 'b' : this.#options.writeOrdering;
  }

  outOfMemory(): boolean {
    return this.#options.faults.outOfMemory();
  }

  procDrbd(): string {
    return formatProcDrbd(this.#options.header, this.devices());
  }

  broadcastState(device: Device, state: State): void {
    const { get_state: packet } = packets;
    this.#broadcast(
      packet,
      device.minor,
      encodeTag(packet.replyTags.state_i, encodeStateWord(state, this.order), this.order),
    );
  }

  broadcastHelper(device: Device, name: string): void {
    const { call_helper: packet } = packets;
    this.#broadcast(packet, device.minor, encodeTag(packet.tags.helper, name, this.order));
  }

  broadcastProgress(device: Device, perMille: number): void {
    const { sync_progress: packet } = packets;
    this.#broadcast(packet, device.minor, encodeTag(packet.tags.sync_progress, perMille, this.order));
  }

  /** A data-integrity failure, as a test makes it up (drbd_bcast_ee). */
  broadcastDump(minor: number, tags: Uint8Array): void {
    this.#broadcast(packets.dump_ee, minor, tags);
  }

  #broadcast(packet: { readonly number: number; readonly name: string }, minor: number, tags: Uint8Array): void {
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.#send(
      { idx: this.#options.index, sequence: this.#sequence, ack: 0 },
      packet.number,
      minor,
      returnCodes.NO_ERROR,
      concatBytes([tags, TT_END]),
      { kind: 'broadcast', name: packet.name, minor },
    );
  }

  /**
   * What the connector does with a datagram from user space: only its first message counts, and hardly anything of its
   * headers. Too short, longer than the datagram, over 16384 bytes, or of another id: it is dropped without a word.
   * @param done is called when the sender comes back from the kernel; never for a request that hangs
   */
  receive(bytes: Uint8Array, sender: Sender, done: () => void): void {
    const little = this.order === 'little';
    if (bytes.length < NLMSG_HEADER_BYTES) return done();
    const length = viewOf(bytes).getUint32(0, little);
    if (length < CN_HEADER_BYTES || length > bytes.length || length > LONGEST_MESSAGE) return done();
    // What a short message lacks, the kernel finds behind it: here those bytes are zero.
    const headers = NLMSG_HEADER_BYTES + CN_HEADER_BYTES + DRBD_HEADER_BYTES;
    const padded = bytes.length < headers ? concatBytes([bytes, new Uint8Array(headers - bytes.length)]) : bytes;
    const view = viewOf(padded);
    const word = (at: number): number => view.getUint32(NLMSG_HEADER_BYTES + at, little);
    if (word(0) !== this.#options.index || word(4) !== CN_VAL_DRBD) return done();
    const request = {
      sequence: word(8),
      ack: word(12),
      ...decodeBody(padded.subarray(headers - DRBD_HEADER_BYTES, headers), this.order, 0),
      tags: padded.subarray(headers),
    };
    this.scheduler.spawn(this.#handle(request, sender), done);
  }

  *#handle(request: Request, sender: Sender): Process {
    const { minor, packetType, flags } = request;
    if (!sender.privileged) return this.#refuse(request, returnCodes.ERR_PERM);
    const device = (flags & CREATE_DEVICE) !== 0 ? this.ensureDevice(minor) : this.device(minor);
    if (device === undefined) return this.#refuse(request, returnCodes.ERR_MINOR_INVALID);
    const packet = packetByNumber(packetType);
    const known = packet !== undefined && (packet.kind === 'change' || packet.kind === 'read');
    const fault = this.#options.faults.request(known ? packet.name : undefined, minor);
    if (fault === 'hang') for (;;) yield { until: () => false };
    if (!known) return this.#refuse(request, returnCodes.ERR_PACKET_NR);
    if (fault === 'no-memory') return this.#refuse(request, returnCodes.ERR_NOMEM);
    const handler = handlers[packet.name as RequestPacketName];
    const run = handler.run(device, request.tags, (flags & SET_DEFAULTS) !== 0);
    const answer: Answer = typeof run === 'object' && 'next' in run ? yield* run : run;
    const withTags = handler.replyBytes > 0;
    const answering = withTags ? packet : packets.return_code_only;
    this.#reply(
      request,
      answering,
      typeof answer === 'number' ? answer : returnCodes.NO_ERROR,
      typeof answer === 'number' ? new Uint8Array(0) : concatBytes([answer.tags, TT_END]),
    );
  }

  #refuse(request: Request, code: number): void {
    this.#reply(request, packets.return_code_only, code, new Uint8Array(0));
  }

  #reply(
    request: Request,
    packet: { readonly number: number; readonly name: string },
    code: number,
    tags: Uint8Array,
  ): void {
    const { sequence, ack, minor } = request;
    this.#send({ idx: this.#options.index, sequence, ack: (ack + 1) >>> 0 }, packet.number, minor, code, tags, {
      kind: 'reply',
      name: packet.name,
      minor,
    });
  }

  /** cn_netlink_send: nlmsg_len is rounded up, cn.len is exact, and nlmsg_seq is the message's own number. */
  #send(
    header: { readonly idx: number; readonly sequence: number; readonly ack: number },
    packetType: number,
    minor: number,
    code: number,
    tags: Uint8Array,
    emission: Emission,
  ): void {
    const body = new Uint8Array(DRBD_HEADER_BYTES);
    const view = viewOf(body);
    const little = this.order === 'little';
    view.setInt32(0, packetType, little);
    view.setUint32(4, minor, little);
    view.setInt32(8, code, little);
    const data = concatBytes([body, tags]);
    const rest = new Uint8Array(align(data.length) - data.length);
    const payload = encodeConnectorMessage(
      { ...header, val: CN_VAL_DRBD, length: data.length, flags: 0, data, rest },
      this.order,
    );
    this.#options.emit(
      encodeMessage({ type: NLMSG_DONE, flags: 0, sequence: header.sequence, port: 0, payload }, this.order),
      emission,
    );
  }
}

interface Request {
  readonly sequence: number;
  readonly ack: number;
  readonly packetType: number;
  readonly minor: number;
  readonly flags: number;
  readonly tags: Uint8Array;
}
