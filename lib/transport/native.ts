import { ClosedError, TransportError, type SentState } from '../errors';
import {
  asTransportError,
  calling,
  datagramsOf,
  errnoText,
  loadAddon,
  type Closing,
  type NetlinkSocket,
} from './addon';
import type {
  Asked,
  Question,
  QuestionEnd,
  Send,
  SocketCounters,
  SocketHandlers,
  SocketOptions,
  Transport,
  TransportSocket,
} from './transport';

/** A netlink socket of this machine's kernel. */
export type NativeSocket = TransportSocket;

/** Opens sockets of this machine's kernel. */
export type NativeTransport = Transport;

export interface NativeOptions {
  /**
   * Send what may stick in the kernel from a helper process, which holds nothing of this one but the socket that it
   * sends from. A process whose thread is stuck in the kernel never ends, and neither does whoever waits for it; with
   * this, only the helper stays. It is started by the first such datagram and serves all sockets until this process
   * ends; while it is stuck, the next datagram starts another. For programs that have to end. The first process of a
   * container cannot end before its helpers do: give it an init.
   */
  readonly sendFromProcesses?: boolean;
}

/** @returns the transport to this machine's kernel. Nothing is loaded before the first socket is opened. */
export function nativeTransport(native: NativeOptions = {}): NativeTransport {
  return {
    ...(native.sendFromProcesses === true ? { asks: true } : {}),
    open: (options, handlers) =>
      new Socket(options, handlers, native.sendFromProcesses === true && options.mayStick === true),
  };
}

interface Step {
  readonly sent: SentState;
  /** @returns the error for what failed at this step */
  readonly fails: (errno: number, sent: SentState) => TransportError;
}

function failing(syscall: string, text: (errno: string) => string): Step['fails'] {
  return (errno, sent) => new TransportError(text(errnoText(errno)), { syscall, errno, sent });
}

const LOST: Step = {
  sent: 'started',
  fails: failing(
    'sendmsg',
    () =>
      'sendmsg: the helper process that sent the request ended before the kernel was done: ECHILD (10); the request may have been sent and carried out. Read the state before you repeat it',
  ),
};

/** How a datagram ends, by SendOutcome::Step of native/helper.h. */
const STEPS: readonly Step[] = [
  {
    sent: 'returned',
    fails: failing('sendmsg', (errno) => `sendmsg: the datagram was not delivered: ${errno}`),
  },
  {
    sent: 'no',
    fails: failing(
      'socketpair',
      (errno) => `socketpair: cannot start the helper process that sends requests: ${errno}; nothing was sent`,
    ),
  },
  {
    sent: 'no',
    fails: failing(
      'clone',
      (errno) =>
        `clone: cannot start the helper process that sends requests: ${errno}; nothing was sent. ` +
        'Free memory, or raise the limit of processes (ulimit -u, pids.max, TasksMax), and try again',
    ),
  },
  {
    sent: 'no',
    fails: failing(
      'sendmsg',
      (errno) => `sendmsg: the helper process that sends requests took none: ${errno}; nothing was sent. Try again`,
    ),
  },
  LOST,
];

/** Of a question that was not asked, the steps beyond. */
const NOT_ASKED: Readonly<Record<number, QuestionEnd>> = { 5: 'empty', 6: 'stopped' };

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

  ended(errno: number, step: number): void {
    const { sent, fails } = STEPS[step] ?? LOST;
    this.#settled = sent;
    if (errno === 0) this.#resolve();
    else this.#reject(fails(errno, sent));
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

const EAGAIN = 11;

/** A datagram that was sent at once. */
class SentAtOnce implements Send {
  readonly state = 'returned';
  readonly #error: TransportError | undefined;
  #done: Promise<void> | undefined;

  constructor(error: TransportError | undefined) {
    this.#error = error;
  }

  get isOver(): boolean {
    return this.#error === undefined;
  }

  get done(): Promise<void> {
    if (this.#done === undefined) {
      this.#done = this.#error === undefined ? Promise.resolve() : Promise.reject(this.#error);
      // Whoever does not look at it is not to be punished for it.
      this.#done.catch(() => undefined);
    }
    return this.#done;
  }

  cancel(): boolean {
    return false;
  }
}

const SENT: Send = new SentAtOnce(undefined);

/** Questions whose ids follow each other. */
class PendingQuestions implements Asked {
  readonly first: number;
  readonly #settled: (SentState | undefined)[];
  readonly #socket: NetlinkSocket;
  readonly #ended: (index: number, end: QuestionEnd) => void;

  constructor(socket: NetlinkSocket, first: number, count: number, ended: (index: number, end: QuestionEnd) => void) {
    this.#socket = socket;
    this.first = first;
    this.#settled = new Array<undefined>(count).fill(undefined);
    this.#ended = ended;
  }

  state(index: number): SentState {
    return this.#settled[index] ?? this.#socket.progress(this.first + index);
  }

  /** @returns whether the datagram was one of them */
  returned(id: number, errno: number, step: number): boolean {
    const index = id - this.first;
    if (index < 0 || index >= this.#settled.length) return false;
    const notAsked = NOT_ASKED[step];
    const { sent, fails } = STEPS[step] ?? LOST;
    this.#settled[index] = notAsked === undefined ? sent : 'no';
    if (notAsked !== undefined) this.#ended(index, notAsked);
    else if (errno !== 0) this.#ended(index, fails(errno, sent));
    return true;
  }

  closed(stateOf: (id: number) => SentState): void {
    for (const [index, state] of this.#settled.entries()) this.#settled[index] = state ?? stateOf(this.first + index);
  }
}

class Socket implements NativeSocket {
  readonly portId: number;
  readonly #socket: NetlinkSocket;
  readonly #handlers: SocketHandlers;
  readonly #sends = new Map<number, PendingSend>();
  /** What is sent at once goes through it; undefined if nothing is. */
  readonly #outbox: Uint8Array | undefined;
  #closed = false;
  #isReferenced = true;
  #questions: PendingQuestions | undefined;
  readonly ask?: NonNullable<TransportSocket['ask']>;

  constructor(options: SocketOptions, handlers: SocketHandlers, fromHelper: boolean) {
    const { protocol, receiveBufferBytes = 0, groups = 0 } = options;
    const addon = loadAddon();
    this.#handlers = handlers;
    this.#socket = calling(
      'opening a netlink socket',
      () =>
        new addon.NetlinkSocket(protocol, receiveBufferBytes, groups, (...event) => {
          switch (event[0]) {
            case 'datagrams':
              return this.#handlers.datagrams(datagramsOf(event[1], event[2], event[3]));
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
    if (fromHelper) {
      this.#socket.useHelper();
      this.ask = (questions, port, ended) => this.#ask(questions, port, ended);
    }
    this.#outbox = options.sendsAtOnce === true && !fromHelper ? new Uint8Array(this.#socket.outbox) : undefined;
    this.portId = this.#socket.portId;
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(bytes: Uint8Array, to: { readonly port?: number; readonly groups?: number } = {}): Send {
    const outbox = this.#outbox;
    // What waits for room goes first.
    if (outbox !== undefined && this.#sends.size === 0 && bytes.length <= outbox.length) {
      const errno = this.#sendNow(outbox, bytes, to.port ?? 0, to.groups ?? 0);
      if (errno === 0) return SENT;
      if (errno !== EAGAIN) return new SentAtOnce(STEPS[0]?.fails(errno, 'returned'));
    }
    const id = calling('sending a datagram', () => this.#socket.send(bytes, to.port ?? 0, to.groups ?? 0));
    const send = new PendingSend(this.#socket, id, () => this.#sends.delete(id));
    this.#sends.set(id, send);
    return send;
  }

  #sendNow(outbox: Uint8Array, bytes: Uint8Array, port: number, groups: number): number {
    try {
      outbox.set(bytes);
      return this.#socket.sendNow(bytes.length, port, groups);
    } catch (error) {
      throw asTransportError('sending a datagram', error);
    }
  }

  #ask(questions: readonly Question[], port: number, ended: (index: number, end: QuestionEnd) => void): Asked {
    const first = calling('asking questions', () =>
      this.#socket.ask(
        questions.map(({ bytes }) => bytes),
        questions.map(({ onlyIfPrevious }) => onlyIfPrevious),
        port,
      ),
    );
    this.#questions = new PendingQuestions(this.#socket, first, questions.length, ended);
    return this.#questions;
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
    if (this.#closed || this.#isReferenced) return;
    this.#isReferenced = true;
    this.#socket.ref();
  }

  unref(): void {
    if (this.#closed || !this.#isReferenced) return;
    this.#isReferenced = false;
    this.#socket.unref();
  }

  close(): void {
    if (this.closed) return;
    this.#end(undefined);
  }

  counters(): SocketCounters {
    return this.#socket.counters();
  }

  #returned(triples: readonly number[]): void {
    for (let index = 0; index + 2 < triples.length; index += 3) {
      const id = triples[index] ?? 0;
      const [errno = 0, step = 0] = [triples[index + 1], triples[index + 2]];
      if (this.#questions?.returned(id, errno, step) === true) continue;
      const send = this.#sends.get(id);
      this.#sends.delete(id);
      send?.ended(errno, step);
    }
  }

  #end(error: Error | undefined): void {
    this.#closed = true;
    const closing: Closing | undefined = this.#socket.close();
    if (closing === undefined) return;
    this.#returned(closing.completions);
    const stateOf = (id: number): SentState =>
      id > closing.lastStarted ? 'no' : id === closing.inFlight ? 'started' : 'returned';
    this.#questions?.closed(stateOf);
    for (const [id, send] of this.#sends) send.closed(stateOf(id), error);
    this.#sends.clear();
    // Not inside close(): its caller may be in the middle of something.
    queueMicrotask(() => {
      this.#handlers.closed(error);
    });
  }
}
