import { TransportError } from '../errors';
import { closedBeforeSent, StandInSend, StandInSocket } from './stand-in-socket';
import type { Datagram, HostFiles, Send, SocketHandlers, SocketOptions, Transport } from './transport';

/** Two ends of one bus inside this process, which moves datagrams as netlink does. For tests. */
export interface MemoryPair {
  /** Programs: each socket gets a port id of its own. */
  readonly user: Transport;
  /** What plays the kernel: its socket of a protocol has port id 0, and only one is open at a time. */
  readonly kernel: Transport;
  /**
   * Datagrams that a user's socket sends stay inside the kernel from now on, as those of a request that sticks: the
   * first is `started`, the others wait.
   */
  stall(): void;
  /** What was stalled goes on. */
  resume(): void;
  /** Receives nothing into any user's socket until {@link MemoryPair.thaw}: buffers fill up. */
  freeze(): void;
  thaw(): void;
}

export interface MemoryOptions {
  /**
   * Datagrams that a socket's buffer holds, 4096 if absent. The kernel's and multicasts beyond it are lost (ENOBUFS);
   * another sender's fail (EAGAIN).
   */
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
    user: {
      ...(options.host === undefined ? {} : { host: options.host }),
      open: (socketOptions, handlers) => bus.open(socketOptions, handlers, false),
    },
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
      throw new TransportError(`bind: the kernel's side of protocol ${options.protocol} is open already`, {
        syscall: 'bind',
        errno: EADDRINUSE,
      });
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

  /**
   * As netlink_sendmsg(): the lowest group of the mask first, its sender and the addressed port left out; then the port
   * itself.
   */
  carry(from: MemorySocket, bytes: Uint8Array, port: number, groups: number): number {
    const group = groups === 0 ? 0 : 32 - Math.clz32(groups & -groups);
    if (group !== 0) {
      for (const socket of this.#sockets) {
        if (socket.protocol !== from.protocol || socket === from || socket.portId === port || !socket.isMember(group))
          continue;
        socket.receive(
          { bytes: bytes.slice(), port: from.portId, groups: (1 << (group - 1)) >>> 0, group, truncated: false },
          true,
        );
      }
    }
    const peer = this.#find(from.protocol, port);
    // A multicast goes to port 0 as well; where no kernel listens, that is no failure.
    if (peer === undefined) return group === 0 ? ECONNREFUSED : 0;
    return peer.receive(
      { bytes: bytes.slice(), port: from.portId, groups: 0, group: 0, truncated: false },
      from.portId === 0,
    )
      ? 0
      : EAGAIN;
  }

  #find(protocol: number, port: number): MemorySocket | undefined {
    for (const socket of this.#sockets) if (socket.protocol === protocol && socket.portId === port) return socket;
    return undefined;
  }
}

class MemorySend extends StandInSend {
  readonly port: number;
  readonly groups: number;
  readonly #forget: (send: MemorySend) => boolean;

  constructor(bytes: Uint8Array, port: number, groups: number, forget: (send: MemorySend) => boolean) {
    super(bytes);
    this.port = port;
    this.groups = groups;
    this.#forget = forget;
  }

  cancel(): boolean {
    return this.state === 'no' && this.#forget(this);
  }

  returned(errno: number): void {
    this.state = 'returned';
    if (errno === 0) this.resolve();
    else
      this.reject(
        new TransportError(`sendmsg: the datagram was not delivered: errno ${errno}`, { syscall: 'sendmsg', errno }),
      );
  }

  closed(): void {
    this.reject(closedBeforeSent(this.state));
  }
}

class MemorySocket extends StandInSocket {
  readonly protocol: number;
  readonly #bus: Bus;
  #sends: MemorySend[] = [];
  #received: Datagram[] = [];
  #overrun = false;
  #scheduled = false;

  constructor(bus: Bus, options: SocketOptions, handlers: SocketHandlers, portId: number) {
    super(options, handlers, portId);
    this.#bus = bus;
    this.protocol = options.protocol;
  }

  isMember(group: number): boolean {
    return this.groups.has(group);
  }

  send(bytes: Uint8Array, to: { readonly port?: number; readonly groups?: number } = {}): Send {
    this.requireOpen('sending a datagram');
    const send: MemorySend = new MemorySend(bytes, to.port ?? 0, to.groups ?? 0, (cancelled) => {
      const place = this.#sends.indexOf(cancelled);
      if (place !== -1) this.#sends.splice(place, 1);
      return place !== -1;
    });
    this.#sends.push(send);
    this.wake();
    return send;
  }

  protected ended(): void {
    this.#bus.forget(this);
    for (const send of this.#sends.splice(0)) send.closed();
  }

  /**
   * @returns false if the buffer is full. @param lossy whether the sender does not wait: what does not fit is lost, and
   *   the receiver is told
   */
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
      if (errno === 0) this.countSent(send.bytes);
      else this.counts.sendErrors++;
      send.returned(errno);
    }
  }

  #deliver(): void {
    if (this.closed || (this.#bus.frozen && this.portId !== 0)) return;
    const batch = this.#received;
    this.#received = [];
    // The kernel tells of the loss first, and then hands out what was queued before it.
    if (this.#overrun) {
      this.#overrun = false;
      this.tellOverrun();
    }
    if (batch.length > 0 && !this.closed) this.hand(batch);
  }
}
