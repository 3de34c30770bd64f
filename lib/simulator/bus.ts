import { ClosedError, TransportError, type SentState } from '../errors';
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

/** Errno of a netlink protocol that does not exist. */
const EPROTONOSUPPORT = 93;
/**
 * What a socket may hold where its opener does not say (net.core.rmem_default), and what a queued datagram costs beside
 * its bytes.
 */
const DEFAULT_BUFFER_BYTES = 212_992;
const DATAGRAM_OVERHEAD_BYTES = 640;
/** Port ids count from here, like process ids. */
const FIRST_PORT = 4_000;

/** Takes a datagram for the kernel; `done` says when the sender comes back. */
type ToKernel = (bytes: Uint8Array, done: () => void) => void;

/** A connector bus inside this process: sockets of clients on one side, the simulated kernel on the other. */
export class Bus implements Transport {
  readonly host: HostFiles;
  readonly #toKernel: ToKernel;
  readonly #sockets = new Set<BusSocket>();
  #nextPort = FIRST_PORT;

  constructor(host: HostFiles, toKernel: ToKernel) {
    this.host = host;
    this.#toKernel = toKernel;
  }

  /** @throws TransportError for another protocol than NETLINK_CONNECTOR */
  open(options: SocketOptions, handlers: SocketHandlers): TransportSocket {
    if (options.protocol !== NETLINK_CONNECTOR) {
      throw new TransportError(
        `opening a netlink socket: the simulated kernel has no protocol ${options.protocol}, only the connector (${NETLINK_CONNECTOR})`,
        { syscall: 'socket', errno: EPROTONOSUPPORT },
      );
    }
    const socket = new BusSocket(this.#nextPort++, options, handlers, {
      toKernel: this.#toKernel,
      multicast: (bytes, port, groups, unicastTo) => {
        this.multicast(bytes, port, groups, unicastTo);
      },
      forget: () => this.#sockets.delete(socket),
    });
    this.#sockets.add(socket);
    return socket;
  }

  /**
   * @param groups mask of the groups that it goes to; @param unicastTo the one port that gets it, where there are none
   */
  multicast(bytes: Uint8Array, port: number, groups: number, unicastTo = 0): void {
    for (const socket of this.#sockets) {
      if ((socket.groups & groups) !== 0 || (unicastTo !== 0 && socket.portId === unicastTo))
        socket.queue({
          bytes: bytes.slice(),
          port,
          groups,
          group: groups === 0 ? 0 : 32 - Math.clz32(groups),
          truncated: false,
        });
    }
  }

  /** Every open socket loses what would come next, `count` datagrams long, as if its buffer were full. */
  overrun(count: number): void {
    for (const socket of this.#sockets) if (socket.groups !== 0) socket.lose(count);
  }

  closeAll(): void {
    for (const socket of [...this.#sockets]) socket.close();
  }
}

interface BusLinks {
  readonly toKernel: ToKernel;
  multicast(bytes: Uint8Array, port: number, groups: number, unicastTo: number): void;
  forget(): void;
}

class BusSend implements Send {
  state: SentState = 'no';
  readonly done: Promise<void>;
  resolve: () => void = () => undefined;
  reject: (error: Error) => void = () => undefined;
  cancelled = false;

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.done.catch(() => undefined);
  }

  cancel(): boolean {
    if (this.state !== 'no') return false;
    this.cancelled = true;
    return true;
  }
}

class BusSocket implements TransportSocket {
  readonly portId: number;
  groups: number;
  #closed = false;
  readonly #handlers: SocketHandlers;
  readonly #links: BusLinks;
  readonly #limit: number;
  readonly #sends: {
    readonly send: BusSend;
    readonly bytes: Uint8Array;
    readonly port: number;
    readonly groups: number;
  }[] = [];
  #sending: BusSend | undefined;
  #queued: Datagram[] = [];
  #queuedBytes = 0;
  #scheduled = false;
  #overrun = false;
  #losing = 0;
  #counters = {
    receivedDatagrams: 0,
    receivedBytes: 0,
    sentDatagrams: 0,
    sentBytes: 0,
    sendErrors: 0,
    overruns: 0,
    truncated: 0,
  };

  constructor(portId: number, options: SocketOptions, handlers: SocketHandlers, links: BusLinks) {
    this.portId = portId;
    this.groups = options.groups ?? 0;
    this.#limit = options.receiveBufferBytes ?? DEFAULT_BUFFER_BYTES;
    this.#handlers = handlers;
    this.#links = links;
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(bytes: Uint8Array, to: { readonly port?: number; readonly groups?: number } = {}): Send {
    this.#requireOpen('sending a datagram');
    const send = new BusSend();
    this.#sends.push({ send, bytes: bytes.slice(), port: to.port ?? 0, groups: to.groups ?? 0 });
    // As with a thread of its own: not inside the caller.
    queueMicrotask(() => {
      this.#next();
    });
    return send;
  }

  join(group: number): void {
    this.#requireOpen('joining a group');
    this.groups |= 1 << (group - 1);
  }

  leave(group: number): void {
    this.#requireOpen('leaving a group');
    this.groups &= ~(1 << (group - 1));
  }

  ref(): void {
    // Nothing of it keeps the process alive: there is no descriptor.
  }

  unref(): void {
    // See ref().
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#links.forget();
    const error = (state: SentState): ClosedError =>
      new ClosedError('the socket was closed before the datagram was sent', state);
    this.#sending?.reject(error('started'));
    for (const { send } of this.#sends.splice(0)) send.reject(error('no'));
    this.#queued = [];
    queueMicrotask(() => {
      this.#handlers.closed(undefined);
    });
  }

  counters(): SocketCounters {
    return { ...this.#counters };
  }

  lose(count: number): void {
    this.#losing += count;
  }

  /** A datagram has come. */
  queue(datagram: Datagram): void {
    const cost = datagram.bytes.length + DATAGRAM_OVERHEAD_BYTES;
    if (this.#losing > 0 || this.#queuedBytes + cost > this.#limit) {
      if (this.#losing > 0) this.#losing--;
      this.#overrun = true;
    } else {
      this.#queued.push(datagram);
      this.#queuedBytes += cost;
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#deliver();
    });
  }

  #deliver(): void {
    this.#scheduled = false;
    if (this.#closed) return;
    const batch = this.#queued;
    this.#queued = [];
    this.#queuedBytes = 0;
    // The kernel tells of the loss first; what is older than it follows.
    if (this.#overrun) {
      this.#overrun = false;
      this.#counters.overruns++;
      this.#handlers.overrun();
    }
    if (batch.length === 0 || this.closed) return;
    this.#counters.receivedDatagrams += batch.length;
    for (const { bytes } of batch) this.#counters.receivedBytes += bytes.length;
    this.#handlers.datagrams(batch);
  }

  /** One datagram at a time: the kernel holds the sender until it is done. */
  #next(): void {
    if (this.#closed || this.#sending !== undefined) return;
    const next = this.#sends.shift();
    if (next === undefined) return;
    const { send, bytes, port, groups } = next;
    if (send.cancelled) return this.#next();
    this.#sending = send;
    send.state = 'started';
    this.#counters.sentDatagrams++;
    this.#counters.sentBytes += bytes.length;
    const done = (): void => {
      send.state = 'returned';
      this.#sending = undefined;
      send.resolve();
      this.#next();
    };
    if (port !== 0 || groups !== 0) this.#links.multicast(bytes, this.portId, groups, port);
    if (port === 0) this.#links.toKernel(bytes, done);
    else done();
  }

  #requireOpen(what: string): void {
    if (this.#closed) throw new ClosedError(`${what}: the socket is closed`, 'no');
  }
}
