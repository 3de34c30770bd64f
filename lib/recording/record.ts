import type { SentState } from '../errors';
import { DRBD_FAMILY, decodeFamily } from '../dialects/generic';
import { parseProcDrbd } from '../dialects/proc-drbd';
import { decodeDatagram, GENL_ID_CTRL, hostByteOrder, type ByteOrder } from '../netlink';
import type { BlockDevice } from '../transport/block-device';
import { machineFiles } from '../transport/machine-files';
import {
  NETLINK_CONNECTOR,
  type Datagram,
  type HostFiles,
  type Send,
  type SocketCounters,
  type SocketHandlers,
  type SocketOptions,
  type Transport,
  type TransportSocket,
} from '../transport/transport';
import {
  formatEnd,
  formatEntry,
  formatHeader,
  lowestGroup,
  type RecordedBlockDevice,
  type RecordedEntry,
  type RecordingDialect,
  type RecordingEnd,
} from './format';
import { hideSecrets, readMessages } from './wire';

/** Where a recording goes. */
export interface RecordingSink {
  /** @param text whole lines, in order */
  write(text: string): void;
}

/** Tells the time. */
export interface RecordingClock {
  /** By the wall. */
  now(): Date;
  /** Milliseconds that only grow. */
  elapsedMs(): number;
}

export interface RecordOptions {
  /** Notes when each datagram crossed. */
  readonly clock?: RecordingClock;
  /** Keep secrets as they are; otherwise each is replaced by as many x. */
  readonly reveal?: boolean;
  /** Of the machine that is spoken to; this one's if absent. */
  readonly byteOrder?: ByteOrder;
}

/** A transport that writes down what crosses it. */
export interface RecordingTransport extends Transport {
  readonly host: HostFiles;
  /**
   * Writes the last line; nothing is recorded afterwards. Idempotent. @param end `sigterm` if the program was told to
   * stop, else `closed`
   */
  finish(end?: RecordingEnd): void;
}

/**
 * Records what crosses a transport. The header is written with the first request to a driver, by when the dialect is
 * known; what the host tells later has lines of its own. Whoever was asked, the kernel or a simulator in its place, has
 * port 0 in the recording.
 * @param inner what carries the datagrams
 * @param sink gets the lines as they come about
 */
export function recordTransport(
  inner: Transport,
  sink: RecordingSink,
  options: RecordOptions = {},
): RecordingTransport {
  const recorder = new Recorder(inner.host ?? machineFiles, sink, options);
  return {
    host: recorder.host,
    open: (socketOptions, handlers) =>
      // What a search for the driver's index asks is no part of what the program does, and would be asked of a
      // recording no more.
      socketOptions.probe === true
        ? inner.open(socketOptions, handlers)
        : new RecordingSocket(inner, recorder, socketOptions, handlers),
    finish: (end = 'closed') => {
      recorder.finish(end);
    },
  };
}

/** A datagram on its way; it is written down once it has left the queue. */
interface PendingSend {
  readonly send: Send;
  readonly socket: number;
  readonly bytes: Uint8Array;
  readonly connector: boolean;
  /** Its system call came back without an error. */
  delivered: boolean;
}

class Recorder {
  readonly host: HostFiles;
  readonly #sink: RecordingSink;
  readonly #reveal: boolean;
  readonly #clock: RecordingClock | undefined;
  readonly #beganMs: number;
  readonly #began: string | undefined;
  readonly #order: ByteOrder;
  readonly #inner: HostFiles;
  #dialect: RecordingDialect | undefined;
  #familyVersion: number | undefined;
  #procDrbd: string | undefined;
  #sentSinceRead = false;
  readonly #blockDevices = new Map<string, RecordedBlockDevice | null>();
  readonly #waiting: string[] = [];
  readonly #pending = new Set<PendingSend>();
  /** Ports other than the kernel's that were asked: a simulator's. */
  readonly #asked = new Set<number>();
  #sockets = 0;
  #begun = false;
  #finished = false;

  constructor(inner: HostFiles, sink: RecordingSink, options: RecordOptions) {
    this.#inner = inner;
    this.#sink = sink;
    this.#reveal = options.reveal ?? false;
    this.#clock = options.clock;
    this.#began = this.#clock?.now().toISOString();
    this.#beganMs = this.#clock?.elapsedMs() ?? 0;
    this.#order = options.byteOrder ?? inner.driver?.byteOrder ?? hostByteOrder();
    this.#dialect = inner.driver?.dialect;
    const { blockDevice, hasKernelSocket, refresh } = inner;
    this.host = {
      procDrbd: () => this.#readProcDrbd(),
      connectorIndex: () => inner.connectorIndex(),
      ...(blockDevice === undefined
        ? {}
        : { blockDevice: (path: string) => this.#learnDevice(path, blockDevice(path)) }),
      ...(refresh === undefined ? {} : { refresh }),
      ...(inner.simulated === undefined ? {} : { simulated: inner.simulated }),
      ...(hasKernelSocket === undefined ? {} : { hasKernelSocket }),
      ...(inner.driver === undefined ? {} : { driver: inner.driver }),
    };
  }

  socket(): number {
    return ++this.#sockets;
  }

  /** Any socket hears what a simulator multicasts, whichever asked it. */
  asking(port: number): void {
    if (port !== 0) this.#asked.add(port);
  }

  sending(pending: PendingSend): void {
    this.#pending.add(pending);
    pending.send.done.then(
      () => {
        pending.delivered = true;
        this.#sent();
      },
      () => {
        // What stuck in the kernel has crossed; what never left, or was not delivered, has not.
        if (pending.send.state === 'started') this.#sent();
        this.#pending.delete(pending);
      },
    );
  }

  cancelled(pending: PendingSend): void {
    this.#pending.delete(pending);
  }

  received(socket: number, datagram: Datagram, connector: boolean): void {
    // Its request went out before, though word of that may still be on its way.
    this.#sent(socket);
    const { bytes, port, groups, group, truncated } = datagram;
    if (!connector) this.#learnFamily(bytes);
    this.#entry({
      kind: 'rx',
      line: 0,
      socket,
      bytes: this.#safe(bytes, connector),
      port: this.#asked.has(port) ? 0 : port,
      groups,
      group: group === 0 ? lowestGroup(groups) : group,
      truncated,
    });
  }

  overrun(socket: number): void {
    this.#sent();
    this.#entry({ kind: 'overrun', line: 0, socket });
  }

  finish(end: RecordingEnd): void {
    if (this.#finished) return;
    this.#sent('all');
    this.#begin();
    this.#finished = true;
    this.#sink.write(formatEnd(end));
  }

  /**
   * Writes down what has crossed: what is inside the kernel, what came back well, and of a socket that has been
   * answered what came back at all.
   */
  #sent(answered?: number | 'all'): void {
    for (const pending of this.#pending) {
      const { state } = pending.send;
      if (
        state === 'no' ||
        (state === 'returned' && !pending.delivered && answered !== 'all' && answered !== pending.socket)
      )
        continue;
      this.#pending.delete(pending);
      const { socket, bytes, connector } = pending;
      this.#entry({ kind: 'tx', line: 0, socket, bytes: this.#safe(bytes, connector) });
      if (connector) this.#dialect ??= 'connector';
      // The search for a driver is over with the first request to it.
      if (readMessages(bytes, this.#order, connector)[0]?.kind === 'getfamily') continue;
      this.#sentSinceRead = true;
      if (this.#dialect !== undefined) this.#begin();
    }
  }

  #safe(bytes: Uint8Array, connector: boolean): Uint8Array {
    return this.#reveal ? bytes : hideSecrets(bytes, this.#order, connector);
  }

  #entry(entry: RecordedEntry): void {
    if (this.#finished) return;
    const clock = this.#clock;
    const atMs = clock === undefined ? undefined : Math.round(clock.elapsedMs() - this.#beganMs);
    const text = formatEntry(atMs === undefined || entry.kind === 'host' ? entry : { ...entry, atMs });
    if (this.#begun) this.#sink.write(text);
    else this.#waiting.push(text);
  }

  #begin(): void {
    if (this.#begun || this.#finished) return;
    this.#begun = true;
    const driver = this.#driver();
    this.#sink.write(
      formatHeader({
        dialect: this.#dialect ?? dialectOf(driver.api),
        byteOrder: this.#order,
        driver,
        ...(this.#began === undefined ? {} : { began: this.#began }),
        procDrbd: this.#procDrbd,
        blockDevices: this.#blockDevices,
      }) + this.#waiting.splice(0).join(''),
    );
  }

  #driver(): { readonly version: string | null; readonly api: number | null } {
    const { driver } = this.#inner;
    if (driver !== undefined) return driver;
    if (this.#procDrbd !== undefined) {
      try {
        return parseProcDrbd(this.#procDrbd);
      } catch {
        // Not what a driver writes: the text is in the recording, and says nothing about one.
      }
    }
    return { version: null, api: this.#familyVersion ?? null };
  }

  #readProcDrbd(): string | { readonly error: string } {
    const text = this.#inner.procDrbd();
    this.#sent();
    // The same text again is news if something was sent since.
    if (typeof text !== 'string' || (text === this.#procDrbd && !this.#sentSinceRead)) return text;
    this.#procDrbd = text;
    this.#sentSinceRead = false;
    if (this.#begun) this.#entry({ kind: 'host', line: 0, procDrbd: text });
    return text;
  }

  #learnDevice(path: string, device: BlockDevice | undefined): BlockDevice | undefined {
    const known =
      device === undefined ? null : { sizeBytes: device.sizeBytes, major: device.major, minor: device.minor };
    if (this.#begun && !this.#blockDevices.has(path))
      this.#entry({ kind: 'host', line: 0, blockDevices: new Map([[path, known]]) });
    this.#blockDevices.set(path, known);
    return device;
  }

  #learnFamily(bytes: Uint8Array): void {
    if (this.#familyVersion !== undefined) return;
    for (const message of decodeDatagram(bytes, this.#order).messages) {
      if (message.type !== GENL_ID_CTRL) continue;
      try {
        const { name, version } = decodeFamily(message, this.#order);
        if (name !== DRBD_FAMILY) continue;
        this.#familyVersion = version;
        this.#dialect ??= version === 1 ? 'genl1' : version === 2 ? 'genl2' : undefined;
      } catch {
        // Malformed: the session counts it, and so does the one that replays it.
      }
    }
  }
}

/** Where nothing crossed that tells the dialect, as when no driver was found. */
function dialectOf(api: number | null): RecordingDialect {
  return api === 1 ? 'genl1' : api === 2 ? 'genl2' : 'connector';
}

class RecordingSend implements Send {
  readonly done: Promise<void>;
  readonly #inner: Send;
  readonly #cancelled: () => void;

  constructor(inner: Send, cancelled: () => void) {
    this.#inner = inner;
    this.#cancelled = cancelled;
    this.done = inner.done;
  }

  get state(): SentState {
    return this.#inner.state;
  }

  cancel(): boolean {
    const done = this.#inner.cancel();
    if (done) this.#cancelled();
    return done;
  }
}

class RecordingSocket implements TransportSocket {
  readonly #recorder: Recorder;
  readonly #number: number;
  readonly #connector: boolean;
  readonly #socket: TransportSocket;

  constructor(inner: Transport, recorder: Recorder, options: SocketOptions, handlers: SocketHandlers) {
    this.#recorder = recorder;
    this.#connector = options.protocol === NETLINK_CONNECTOR;
    const number = recorder.socket();
    this.#number = number;
    this.#socket = inner.open(options, {
      datagrams: (batch) => {
        for (const datagram of batch) recorder.received(number, datagram, this.#connector);
        handlers.datagrams(batch);
      },
      overrun: () => {
        recorder.overrun(number);
        handlers.overrun();
      },
      closed: (error) => {
        handlers.closed(error);
      },
      exhausted: (what) => {
        handlers.exhausted?.(what);
      },
    });
  }

  get portId(): number {
    return this.#socket.portId;
  }

  get closed(): boolean {
    return this.#socket.closed;
  }

  send(bytes: Uint8Array, to?: { readonly port?: number; readonly groups?: number }): Send {
    if (to?.port !== undefined) this.#recorder.asking(to.port);
    const send = this.#socket.send(bytes, to);
    const pending: PendingSend = {
      send,
      socket: this.#number,
      bytes: bytes.slice(),
      connector: this.#connector,
      delivered: false,
    };
    this.#recorder.sending(pending);
    return new RecordingSend(send, () => {
      this.#recorder.cancelled(pending);
    });
  }

  join(group: number): void {
    this.#socket.join(group);
  }

  leave(group: number): void {
    this.#socket.leave(group);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  close(): void {
    this.#socket.close();
  }

  counters(): SocketCounters {
    return this.#socket.counters();
  }
}
