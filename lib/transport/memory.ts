import { ClosedError, TransportError, type SentState } from '../errors';
import { KeepAlive } from './keep-alive';
import type { Datagram, HostFiles, Send, SocketCounters, SocketHandlers, SocketOptions, Transport, TransportSocket } from './transport';

/** Two ends of one bus inside this process, which moves datagrams as netlink does. For tests. */
export interface MemoryPair {
  /** Programs: each socket gets a port id of its own. */
  readonly user: Transport;
  /** What plays the kernel: its socket of a protocol has port id 0, and only one is open at a time. */
  readonly kernel: Transport;
  /** Datagrams that a user's socket sends stay inside the kernel from now on, as those of a request that sticks: the first is `started`, the others wait. */
  stall(): void;
  /** What was stalled goes on. */
  resume(): void;
  /** Receives nothing into any user's socket until {@link MemoryPair.thaw}: buffers fill up. */
  freeze(): void;
  thaw(): void;
}

export interface MemoryOptions {
  /** Datagrams that a socket's buffer holds, 4096 if absent. The kernel's and multicasts beyond it are lost (ENOBUFS); another sender's fail (EAGAIN). */
  readonly bufferDatagrams?: number;
  /** What the user's end tells of its host; this machine's files if absent. */
  readonly host?: HostFiles;
}

const DEFAULT_BUFFER_DATAGRAMS = 4096;
const EAGAIN = 11;
const EADDRINUSE = 98;
const ECONNREFUSED = 111;
const FIRST_PORT = 1000;

/** @returns a pair of transports, each the other's peer */
export function memoryPair(options: MemoryOptions = {}): MemoryPair {
  const bus = new Bus(options.bufferDatagrams ?? DEFAULT_BUFFER_DATAGRAMS);
  return {
    user: { ...(options.host === undefined ? {} : { host: options.host }), open: (socketOptions, handlers) => bus.open(socketOptions, handlers, false) },
    kernel: { open: (socketOptions, handlers) => bus.open(socketOptions, handlers, true) },
    stall: () => {
      bus.stalled = true;
    },
    resume: () => {
      bus.stalled = false;
      bus.wake();
    },
    freeze: () => {
      bus.frozen = true;
    },
    thaw: () => {
      bus.frozen = false;
      bus.wake();
    },
  };
}

class Bus {
  readonly bufferDatagrams: number;
  stalled = false;
  frozen = false;
  readonly #sockets = new Set<MemorySocket>();
  #nextPort = FIRST_PORT;

  constructor(bufferDatagrams: number) {
    this.bufferDatagrams = bufferDatagrams;
  }

  open(options: SocketOptions, handlers: SocketHandlers, kernel: boolean): MemorySocket {
    if (kernel && this.#find(options.protocol, 0) !== undefined) {
      throw new TransportError(`bind: the kernel's side of protocol ${options.protocol} is open already`, { syscall: 'bind', errno: EADDRINUSE });
    }
    const socket = new MemorySocket(this, options, handlers, kernel ? 0 : this.#nextPort++);
    this.#sockets.add(socket);
    return socket;
  }

  forget(socket: MemorySocket): void {
    this.#sockets.delete(socket);
  }

  wake(): void {
    for (const socket of this.#sockets) socket.wake();
  }

  /** As netlink_sendmsg(): the lowest group of the mask first, its sender and the addressed port left out; then the port itself. */
  carry(from: MemorySocket, bytes: Uint8Array, port: number, groups: number): number {
    const group = groups === 0 ? 0 : 32 - Math.clz32(groups & -groups);
    if (group !== 0) {
      for (const socket of this.#sockets) {
        if (socket.protocol !== from.protocol || socket === from || socket.portId === port || !socket.isMember(group)) continue;
        socket.receive({ bytes: bytes.slice(), port: from.portId, groups: (1 << (group - 1)) >>> 0, group, truncated: false }, true);
      }
    }
    const peer = this.#find(from.protocol, port);
    // A multicast goes to port 0 as well; where no kernel listens, that is no failure.
    if (peer === undefined) return group === 0 ? ECONNREFUSED : 0;
    return peer.receive({ bytes: bytes.slice(), port: from.portId, groups: 0, group: 0, truncated: false }, from.portId === 0) ? 0 : EAGAIN;
  }

  #find(protocol: number, port: number): MemorySocket | undefined {
    for (const socket of this.#sockets) if (socket.protocol === protocol && socket.portId === port) return socket;
    return undefined;
  }
}

class MemorySend implements Send {
  readonly done: Promise<void>;
  state: SentState = 'no';
  readonly bytes: Uint8Array;
  readonly port: number;
  readonly groups: number;
  readonly #forget: (send: MemorySend) => boolean;
  #resolve: () => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor(bytes: Uint8Array, port: number, groups: number, forget: (send: MemorySend) => boolean) {
    this.bytes = bytes;
    this.port = port;
    this.groups = groups;
    this.#forget = forget;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever does not look at it is not to be punished for it.
    this.done.catch(() => undefined);
  }

  cancel(): boolean {
    return this.state === 'no' && this.#forget(this);
  }

  returned(errno: number): void {
    this.state = 'returned';
    if (errno === 0) this.#resolve();
    else this.#reject(new TransportError(`sendmsg: the datagram was not delivered: errno ${errno}`, { syscall: 'sendmsg', errno }));
  }

  closed(): void {
    this.#reject(new ClosedError('the socket was closed before the datagram was sent', this.state));
  }
}

class MemorySocket implements TransportSocket {
  readonly portId: number;
  readonly protocol: number;
  readonly #bus: Bus;
  readonly #handlers: SocketHandlers;
  readonly #groups = new Set<number>();
  readonly #alive = new KeepAlive();
  #sends: MemorySend[] = [];
  #received: Datagram[] = [];
  #overrun = false;
  #scheduled = false;
  #closed = false;
  readonly #counters = { receivedDatagrams: 0, receivedBytes: 0, sentDatagrams: 0, sentBytes: 0, sendErrors: 0, overruns: 0, truncated: 0 };

  constructor(bus: Bus, options: SocketOptions, handlers: SocketHandlers, portId: number) {
    this.#bus = bus;
    this.#handlers = handlers;
    this.portId = portId;
    this.protocol = options.protocol;
    for (let group = 1; group <= 32; group++) if ((((options.groups ?? 0) >>> (group - 1)) & 1) === 1) this.#groups.add(group);
  }

  get closed(): boolean {
    return this.#closed;
  }

  isMember(group: number): boolean {
    return this.#groups.has(group);
  }

  send(bytes: Uint8Array, to: { readonly port?: number; readonly groups?: number } = {}): Send {
    this.#requireOpen('sending a datagram');
    const send: MemorySend = new MemorySend(bytes.slice(), to.port ?? 0, to.groups ?? 0, (cancelled) => {
      const place = this.#sends.indexOf(cancelled);
      if (place !== -1) this.#sends.splice(place, 1);
      return place !== -1;
    });
    this.#sends.push(send);
    this.wake();
    return send;
  }

  join(group: number): void {
    this.#requireOpen('joining a group');
    this.#groups.add(group);
  }

  leave(group: number): void {
    this.#requireOpen('leaving a group');
    this.#groups.delete(group);
  }

  ref(): void {
    if (!this.#closed) this.#alive.ref();
  }

  unref(): void {
    this.#alive.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#bus.forget(this);
    this.#alive.unref();
    for (const send of this.#sends.splice(0)) send.closed();
    // Not inside close(): its caller may be in the middle of something.
    queueMicrotask(() => {
      this.#handlers.closed(undefined);
    });
  }

  counters(): SocketCounters {
    return { ...this.#counters };
  }

  /** @returns false if the buffer is full. @param lossy whether the sender does not wait: what does not fit is lost, and the receiver is told */
  receive(datagram: Datagram, lossy: boolean): boolean {
    if (this.#received.length >= this.#bus.bufferDatagrams) {
      if (!lossy) return false;
      this.#overrun = true;
      return true;
    }
    this.#received.push(datagram);
    this.wake();
    return true;
  }

  /** Goes on in a turn of the event loop of its own, as a wake-up of the kernel's would. */
  wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#transmit();
      this.#deliver();
    });
  }

  #transmit(): void {
    const stuck = this.#bus.stalled && this.portId !== 0;
    for (let send = this.#sends[0]; send !== undefined; send = this.#sends[0]) {
      send.state = 'started';
      if (stuck) return;
      this.#sends.shift();
      const errno = this.#bus.carry(this, send.bytes, send.port, send.groups);
      if (errno === 0) {
        this.#counters.sentDatagrams++;
        this.#counters.sentBytes += send.bytes.length;
      } else this.#counters.sendErrors++;
      send.returned(errno);
    }
  }

  #deliver(): void {
    if (this.#closed || (this.#bus.frozen && this.portId !== 0)) return;
    const batch = this.#received;
    this.#received = [];
    // The kernel tells of the loss first, and then hands out what was queued before it.
    if (this.#overrun) {
      this.#overrun = false;
      this.#counters.overruns++;
      this.#handlers.overrun();
    }
    if (batch.length === 0 || this.#closed) return;
    this.#counters.receivedDatagrams += batch.length;
    for (const { bytes } of batch) this.#counters.receivedBytes += bytes.length;
    this.#handlers.datagrams(batch);
  }

  #requireOpen(what: string): void {
    if (this.#closed) throw new ClosedError(`${what}: the socket is closed`, 'no');
  }
}
