import { ClosedError, DrbdError, OverrunError, type SentState } from '../errors';
import { readDatagram, type ByteOrder, type ReceivedMessage } from '../netlink';
import { randomUint32 } from '../transport/random';
import type { Asked, Datagram, QuestionEnd, Send, Transport, TransportSocket } from '../transport/transport';
import type { SessionCounters } from './counters';
import { type Attempt, type Settle } from './wait';

/** One request and how its answer is known. */
export interface Exchange<T> {
  /** What is asked, in words for errors. */
  readonly what: string;
  /** Asking it again does no harm: after a loss it is asked again by itself. */
  readonly idempotent: boolean;
  /** @returns the datagram for a fresh sequence number and the socket's own port id */
  datagram(sequence: number, port: number): Uint8Array;
  /**
   * Judges a message of the kernel that carries this request's sequence number.
   * @returns `foreign` if it is somebody else's after all, `more` if the answer goes on
   * @throws what the request is to be rejected with
   */
  receive(message: ReceivedMessage): 'foreign' | 'more' | { readonly done: T };
  /** Starts over: what was received so far is forgotten. */
  restart(): void;
}

/** What a request socket speaks, and with whom. */
export interface SocketSetup {
  /** A netlink protocol of transport.ts. */
  readonly protocol: number;
  readonly order: ByteOrder;
  /** The port id of whoever answers: 0, the kernel, or a simulator's. */
  readonly peerPort: number;
  /** Multicast groups to join, by number: connector answers come by multicast. */
  readonly groups: readonly number[];
  readonly receiveBufferBytes?: number;
  /** A request may stay inside the kernel for ever: see the transport's socket options. */
  readonly mayStick?: boolean;
  /** No request stays inside the kernel: see the transport's socket options. */
  readonly sendsAtOnce?: boolean;
  /** It only finds out whether somebody is there: see the transport's socket options. */
  readonly probe?: boolean;
  /** The sequence number of the request that a message answers, or undefined if it can answer none. */
  sequenceOf(message: ReceivedMessage): number | undefined;
}

/** One of several requests that the transport asks one after the other. */
export interface EachRequest<T> {
  readonly exchange: Exchange<T>;
  /** It is left out unless each of so many before it has brought something. */
  readonly onlyIfPrevious: number;
  readonly settle: Settle<T> & {
    /** The kernel did not answer it. */
    end(how: QuestionEnd): void;
  };
}

/** A request of a socket. */
class Pending implements Attempt {
  readonly exchange: Exchange<unknown>;
  readonly settle: Settle<unknown>;
  send: Pick<Send, 'state' | 'cancel'> | undefined;
  /** Settles when the last system call for it is over, however; undefined where it is already. */
  call: Promise<void> | undefined;
  sequence = 0;
  /**
   * Where it was when an overrun happened: the answer may be lost, and is if it does not come soon after the send has
   * returned. `no`: it is not affected.
   */
  suspect: SentState = 'no';
  readonly #giveUp: (pending: Pending) => SentState;

  constructor(exchange: Exchange<unknown>, settle: Settle<unknown>, giveUp: (pending: Pending) => SentState) {
    this.exchange = exchange;
    this.settle = settle;
    this.#giveUp = giveUp;
  }

  get sent(): SentState {
    return this.send?.state ?? 'no';
  }

  /** What matters to a caller is that the system call is over, not how. It may have been sent again since. */
  get returned(): Promise<void> {
    return this.call ?? Promise.resolve();
  }

  abandon(): SentState {
    return this.#giveUp(this);
  }
}

/**
 * After an overrun the messages that were queued before it still come; answers that are not among them by then are
 * lost.
 */
const OVERRUN_GRACE_MS = 200;
const REMEMBERED_ABANDONED = 1024;
const GROUPS_BY_MASK = 32;

/** @returns socket options that join what a mask can name, and the groups that need a call of their own */
export function splitGroups(groups: readonly number[]): { readonly mask: number; readonly others: readonly number[] } {
  let mask = 0;
  for (const group of groups) if (group <= GROUPS_BY_MASK) mask |= 1 << (group - 1);
  return { mask: mask >>> 0, others: groups.filter((group) => group > GROUPS_BY_MASK) };
}

/** @returns the messages of a datagram from the right sender; what is dropped is counted */
export function acceptDatagram(
  datagram: Datagram,
  peerPort: number,
  order: ByteOrder,
  counters: SessionCounters,
): readonly ReceivedMessage[] {
  if (datagram.port !== peerPort) {
    counters.foreignSender++;
    return [];
  }
  if (datagram.truncated) {
    counters.truncated++;
    return [];
  }
  const { messages, problem } = readDatagram(datagram.bytes, order);
  if (problem !== undefined) counters.malformed++;
  return messages;
}

/** One of several questions; they are given up together, with their socket. */
class AskedSend {
  readonly #asked: Asked;
  readonly #index: number;

  constructor(asked: Asked, index: number) {
    this.#asked = asked;
    this.#index = index;
  }

  get state(): SentState {
    return this.#asked.state(this.#index);
  }

  cancel(): boolean {
    return false;
  }
}

/** One socket with requests under way. Replies are matched to them; all else is counted and dropped. */
export class RequestSocket {
  readonly #setup: SocketSetup;
  readonly #counters: SessionCounters;
  readonly #socket: TransportSocket;
  readonly #pending = new Map<number, Pending>();
  readonly #abandoned = new Set<number>();
  #sequence = randomUint32();
  #overrunTimer: ReturnType<typeof setTimeout> | undefined;
  #closedBy: unknown;

  /** @throws TransportError if the protocol does not exist here or a group may not be joined */
  constructor(transport: Transport, setup: SocketSetup, counters: SessionCounters) {
    this.#setup = setup;
    this.#counters = counters;
    const { mask, others } = splitGroups(setup.groups);
    this.#socket = transport.open(
      {
        protocol: setup.protocol,
        ...(mask === 0 ? {} : { groups: mask }),
        ...(setup.receiveBufferBytes === undefined ? {} : { receiveBufferBytes: setup.receiveBufferBytes }),
        ...(setup.mayStick === undefined ? {} : { mayStick: setup.mayStick }),
        ...(setup.sendsAtOnce === undefined ? {} : { sendsAtOnce: setup.sendsAtOnce }),
        ...(setup.probe === undefined ? {} : { probe: setup.probe }),
      },
      {
        datagrams: (batch) => {
          for (const datagram of batch) this.#receive(datagram);
        },
        overrun: () => {
          this.#overrun();
        },
        closed: (error) => {
          this.#fail(error);
        },
        exhausted: () => {
          // What a loss took away is asked again or given up as such, without the time of grace.
          const suspects = this.#takeSuspects();
          for (const pending of [...this.#pending.values()]) if (!suspects.includes(pending)) pending.settle.expire();
          this.#recover(suspects);
        },
      },
    );
    try {
      for (const group of others) this.#socket.join(group);
    } catch (error) {
      this.#socket.close();
      throw error;
    }
    this.#socket.unref();
  }

  get portId(): number {
    return this.#socket.portId;
  }

  get closed(): boolean {
    return this.#socket.closed;
  }

  /** Requests under way. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Sends a request; it settles through `settle`. */
  start<T>(
    exchange: Exchange<T>,
    settle: Settle<T>,
  ): Attempt & { readonly sent: SentState; readonly returned: Promise<void> } {
    if (this.#socket.closed) throw this.#closedError(exchange, 'no');
    const pending = this.#pendingOf(exchange, settle);
    this.#counters.requests++;
    if (this.#pending.size === 0) this.#socket.ref();
    this.#transmit(pending);
    return pending;
  }

  /** Whether {@link startEach} can be called. */
  get canStartEach(): boolean {
    return this.#socket.ask !== undefined;
  }

  /**
   * Sends requests whose answers end as those of dumps do, each when the one before it is answered.
   * @returns where they are
   * @throws ClosedError, TransportError: then nothing was sent, and none settles
   */
  startEach<T>(requests: readonly EachRequest<T>[]): Asked {
    const [first] = requests;
    if (first === undefined || this.#socket.ask === undefined) throw new RangeError('there is nothing to ask');
    if (this.#socket.closed) throw this.#closedError(first.exchange, 'no');
    const started = requests.map(({ exchange, settle }): Pending => {
      const pending = this.#pendingOf(exchange, settle);
      this.#enter(pending);
      return pending;
    });
    try {
      const asked = this.#socket.ask(
        started.map(({ exchange, sequence }, index) => ({
          bytes: exchange.datagram(sequence, this.#socket.portId),
          onlyIfPrevious: requests[index]?.onlyIfPrevious ?? 0,
        })),
        this.#setup.peerPort,
        (index, end) => {
          const [pending, request] = [started[index], requests[index]];
          if (pending === undefined || request === undefined || this.#pending.get(pending.sequence) !== pending) return;
          this.#remove(pending);
          request.settle.end(end);
        },
      );
      this.#socket.ref();
      this.#counters.requests += started.length;
      for (const [index, pending] of started.entries()) pending.send = new AskedSend(asked, index);
      return asked;
    } catch (error) {
      for (const pending of started) this.#remove(pending);
      throw error;
    }
  }

  #pendingOf<T>(exchange: Exchange<T>, settle: Settle<T>): Pending {
    return new Pending(exchange, settle as Settle<unknown>, this.#giveUp);
  }

  readonly #giveUp = (pending: Pending): SentState => {
    const { send } = pending;
    this.#remove(pending);
    if (send === undefined || send.cancel()) return 'no';
    this.#remember(pending.sequence);
    return send.state;
  };

  /** Rejects what is under way with a ClosedError and closes. Idempotent. */
  close(): void {
    this.#socket.close();
    this.#fail(undefined);
  }

  /** From now on its answer is known. */
  #enter(pending: Pending): void {
    do {
      this.#sequence = (this.#sequence + 1) >>> 0;
    } while (this.#sequence === 0 || this.#pending.has(this.#sequence));
    pending.sequence = this.#sequence;
    pending.suspect = 'no';
    this.#pending.set(pending.sequence, pending);
  }

  #watch(pending: Pending, send: Send): void {
    const { sequence } = pending;
    pending.send = send;
    pending.call =
      send.isOver === true
        ? undefined
        : send.done.catch((error: unknown) => {
            if (this.#pending.get(sequence) === pending) this.#settle(pending, () => pending.settle.reject(error));
          });
  }

  #transmit(pending: Pending): void {
    this.#enter(pending);
    const { peerPort } = this.#setup;
    try {
      this.#watch(
        pending,
        this.#socket.send(
          pending.exchange.datagram(pending.sequence, this.#socket.portId),
          peerPort === 0 ? undefined : { port: peerPort },
        ),
      );
    } catch (error) {
      this.#settle(pending, () => pending.settle.reject(error));
    }
  }

  #receive(datagram: Datagram): void {
    for (const message of acceptDatagram(datagram, this.#setup.peerPort, this.#setup.order, this.#counters)) {
      const sequence = this.#setup.sequenceOf(message);
      const pending = sequence === undefined ? undefined : this.#pending.get(sequence);
      if (pending === undefined) {
        if (sequence !== undefined && this.#abandoned.has(sequence)) this.#counters.late++;
        else this.#counters.unmatched++;
        continue;
      }
      let outcome: ReturnType<Exchange<unknown>['receive']>;
      try {
        outcome = pending.exchange.receive(message);
      } catch (error) {
        if (error instanceof DrbdError && error.code === 'ERR_DRBD_CODEC') this.#counters.malformed++;
        else this.#counters.replies++;
        this.#settle(pending, () => pending.settle.reject(error));
        continue;
      }
      if (outcome === 'foreign') this.#counters.unmatched++;
      else {
        this.#counters.replies++;
        if (outcome !== 'more') {
          this.#remove(pending);
          pending.settle.resolve(outcome.done);
        }
      }
    }
  }

  #overrun(): void {
    this.#counters.overruns++;
    // The kernel answers inside send(): what has not returned yet may have been answered too, or may be answered later,
    // into a buffer that has room again.
    for (const pending of this.#pending.values()) pending.suspect = pending.send?.state ?? 'no';
    this.#armOverrun();
  }

  #armOverrun(): void {
    this.#overrunTimer ??= setTimeout(() => {
      const suspects = this.#takeSuspects();
      this.#recover(suspects.filter(({ suspect }) => suspect === 'returned'));
      // Its time of grace begins when it has returned.
      for (const pending of suspects) if (pending.suspect === 'started') pending.suspect = pending.send?.state ?? 'no';
      if (this.#takeSuspects().length > 0) this.#armOverrun();
    }, OVERRUN_GRACE_MS);
  }

  #takeSuspects(): readonly Pending[] {
    clearTimeout(this.#overrunTimer);
    this.#overrunTimer = undefined;
    return [...this.#pending.values()].filter(({ suspect }) => suspect !== 'no');
  }

  #recover(suspects: readonly Pending[]): void {
    for (const pending of suspects) {
      if (pending.exchange.idempotent) {
        this.#pending.delete(pending.sequence);
        this.#remember(pending.sequence);
        pending.exchange.restart();
        this.#transmit(pending);
      } else {
        const error = new OverrunError(
          `the kernel dropped messages (ENOBUFS), the answer to ${pending.exchange.what} probably among them; it was carried out or refused: read the state`,
          'returned',
        );
        this.#settle(pending, () => pending.settle.reject(error));
      }
    }
  }

  #fail(error: unknown): void {
    this.#closedBy ??= error;
    clearTimeout(this.#overrunTimer);
    this.#overrunTimer = undefined;
    for (const pending of [...this.#pending.values()]) {
      const sent = pending.send === undefined || pending.send.cancel() ? 'no' : pending.send.state;
      this.#settle(pending, () => pending.settle.reject(this.#closedError(pending.exchange, sent)));
    }
  }

  #closedError(exchange: Exchange<unknown>, sent: SentState): ClosedError {
    return new ClosedError(
      `the socket was closed before ${exchange.what} was answered`,
      sent,
      this.#closedBy === undefined ? {} : { cause: this.#closedBy },
    );
  }

  #settle(pending: Pending, how: () => void): void {
    this.#remove(pending);
    how();
  }

  #remove(pending: Pending): void {
    if (this.#pending.get(pending.sequence) === pending) this.#pending.delete(pending.sequence);
    if (this.#pending.size === 0 && !this.#socket.closed) this.#socket.unref();
  }

  #remember(sequence: number): void {
    this.#abandoned.add(sequence);
    if (this.#abandoned.size > REMEMBERED_ABANDONED) {
      for (const oldest of this.#abandoned) {
        this.#abandoned.delete(oldest);
        break;
      }
    }
  }
}
