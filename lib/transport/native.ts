import { ArgumentError, ClosedError, OverrunError, TimeoutError, TransportError, type SentState } from '../errors';
import { calling, errnoText, loadAddon, type Closing, type NetlinkSocket } from './addon';
import type {
  Datagram,
  Send,
  SocketCounters,
  SocketHandlers,
  SocketOptions,
  Transport,
  TransportSocket,
} from './transport';

/** A netlink socket of this machine's kernel. */
export interface NativeSocket extends TransportSocket {
  /**
   * Sends and waits for the answer on the calling thread: for one-shot tools, which have nothing else to do. What
   * arrives meanwhile goes to `accept` alone.
   * @param accept says whether a datagram is what is waited for; what it throws ends the exchange
   * @throws TimeoutError, OverrunError, ClosedError with how far the datagram had come; TransportError if it could not
   *   be sent, or (EBUSY) from within
   * another exchange of this socket; ArgumentError
   */
  exchangeSync(
    bytes: Uint8Array,
    options: {
      readonly timeoutMs: number;
      readonly accept: (datagram: Datagram) => boolean;
      readonly to?: { readonly port?: number; readonly groups?: number };
    },
  ): void;
}

/** Opens sockets of this machine's kernel. */
export interface NativeTransport extends Transport {
  open(options: SocketOptions, handlers: SocketHandlers): NativeSocket;
}

export interface NativeOptions {
  /**
   * Send what may stick in the kernel from a process of its own for each datagram, which shares the socket and has no
   * other descriptor of this one's. A process whose thread is stuck in the kernel never ends, and neither does whoever
   * waits for it; with this, only the helper stays. For programs that have to end. The first process of a container
   * cannot end before its helpers do: give it an init.
   */
  readonly sendFromProcesses?: boolean;
}

/** @returns the transport to this machine's kernel. Nothing is loaded before the first socket is opened. */
export function nativeTransport(native: NativeOptions = {}): NativeTransport {
  return {
    open: (options, handlers) =>
      new Socket(options, handlers, native.sendFromProcesses === true && options.mayStick === true),
  };
}

class PendingSend implements Send {
  readonly done: Promise<void>;
  readonly #socket: NetlinkSocket;
  readonly #id: number;
  #settled: SentState | undefined;
  #resolve: () => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  readonly #forget: () => void;

  constructor(socket: NetlinkSocket, id: number, forget: () => void) {
    this.#socket = socket;
    this.#id = id;
    this.#forget = forget;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever does not look at it is not to be punished for it.
    this.done.catch(() => undefined);
  }

  get state(): SentState {
    return this.#settled ?? this.#socket.progress(this.#id);
  }

  cancel(): boolean {
    if (this.#settled !== undefined || !this.#socket.cancel(this.#id)) return false;
    this.#settled = 'no';
    this.#forget();
    return true;
  }

  /** The system call came back. */
  returned(errno: number): void {
    this.#settled = 'returned';
    if (errno === 0) this.#resolve();
    else
      this.#reject(
        new TransportError(`sendmsg: the datagram was not delivered: ${errnoText(errno)}`, {
          syscall: 'sendmsg',
          errno,
        }),
      );
  }

  closed(state: SentState, cause: unknown): void {
    this.#settled = state;
    this.#reject(
      new ClosedError(
        'the socket was closed before the datagram was sent',
        state,
        cause === undefined ? {} : { cause },
      ),
    );
  }
}

class Socket implements NativeSocket {
  readonly portId: number;
  readonly #socket: NetlinkSocket;
  readonly #handlers: SocketHandlers;
  readonly #sends = new Map<number, PendingSend>();

  constructor(options: SocketOptions, handlers: SocketHandlers, fromProcess: boolean) {
    const { protocol, receiveBufferBytes = 0, groups = 0 } = options;
    const addon = loadAddon();
    this.#handlers = handlers;
    this.#socket = calling(
      'opening a netlink socket',
      () =>
        new addon.NetlinkSocket(protocol, receiveBufferBytes, groups, (...event) => {
          switch (event[0]) {
            case 'datagrams':
              return this.#handlers.datagrams(event[1]);
            case 'overrun':
              return this.#handlers.overrun();
            case 'sent':
              return this.#returned(event[1]);
            case 'failed':
              return this.#end(
                new TransportError(`the netlink socket failed: ${errnoText(event[1])}`, {
                  syscall: 'recvmsg',
                  errno: event[1],
                }),
              );
          }
        }),
    );
    if (fromProcess) this.#socket.useProcesses();
    this.portId = this.#socket.portId;
  }

  get closed(): boolean {
    return this.#socket.closed;
  }

  send(bytes: Uint8Array, to: { readonly port?: number; readonly groups?: number } = {}): Send {
    const id = calling('sending a datagram', () => this.#socket.send(bytes, to.port ?? 0, to.groups ?? 0));
    const send = new PendingSend(this.#socket, id, () => this.#sends.delete(id));
    this.#sends.set(id, send);
    return send;
  }

  join(group: number): void {
    calling('joining a group', () => {
      this.#socket.join(group);
    });
  }

  leave(group: number): void {
    calling('leaving a group', () => {
      this.#socket.leave(group);
    });
  }

  ref(): void {
    if (!this.closed) this.#socket.ref();
  }

  unref(): void {
    if (!this.closed) this.#socket.unref();
  }

  close(): void {
    if (this.closed) return;
    this.#end(undefined);
  }

  counters(): SocketCounters {
    return this.#socket.counters();
  }

  exchangeSync(
    bytes: Uint8Array,
    options: {
      readonly timeoutMs: number;
      readonly accept: (datagram: Datagram) => boolean;
      readonly to?: { readonly port?: number; readonly groups?: number };
    },
  ): void {
    const { timeoutMs, accept, to = {} } = options;
    if (typeof accept !== 'function') throw new ArgumentError('accept', `a function is needed, not ${typeof accept}`);
    // What accept() throws must not be taken for an error of the addon.
    let thrown: { readonly error: unknown } | undefined;
    const judge = (datagram: Datagram): boolean => {
      try {
        return accept(datagram);
      } catch (error) {
        thrown = { error };
        return true;
      }
    };
    const { outcome, sent, syscall, errno } = calling('exchanging datagrams', () =>
      this.#socket.exchangeSync(bytes, to.port ?? 0, to.groups ?? 0, timeoutMs, judge),
    );
    if (thrown !== undefined) throw thrown.error;
    switch (outcome) {
      case 'accepted':
        return;
      case 'timeout':
        throw new TimeoutError(`no answer within ${timeoutMs} ms`, timeoutMs, sent);
      case 'overrun':
        throw new OverrunError('the kernel dropped messages (ENOBUFS), the answer probably among them', sent);
      case 'failed':
        if (this.closed) throw new ClosedError('the socket was closed during the exchange', sent);
        throw new TransportError(`the exchange failed in ${syscall}: ${errnoText(errno)}`, { syscall, errno });
    }
  }

  #returned(pairs: readonly number[]): void {
    for (let index = 0; index + 1 < pairs.length; index += 2) {
      const id = pairs[index] ?? 0;
      const send = this.#sends.get(id);
      this.#sends.delete(id);
      send?.returned(pairs[index + 1] ?? 0);
    }
  }

  #end(error: Error | undefined): void {
    const closing: Closing | undefined = this.#socket.close();
    if (closing === undefined) return;
    this.#returned(closing.completions);
    for (const [id, send] of this.#sends)
      send.closed(id > closing.lastStarted ? 'no' : id === closing.inFlight ? 'started' : 'returned', error);
    this.#sends.clear();
    // Not inside close(): its caller may be in the middle of something.
    queueMicrotask(() => {
      this.#handlers.closed(error);
    });
  }
}
