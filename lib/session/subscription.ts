import { AbortError, TransportError } from '../errors';
import type { ByteOrder, ReceivedMessage } from '../netlink';
import type { Datagram, Transport, TransportSocket } from '../transport/transport';
import type { SessionCounters } from './counters';
import { whenAborted } from './abort';
import { GapWatch } from './gaps';
import { acceptDatagram, splitGroups } from './request-socket';
import { SequenceOrder } from './sequence-order';

/**
 * Why messages are missing from a stream. `overrun`: the kernel dropped some (ENOBUFS); `gap`: the driver's own count
 * skips; `queue`: the consumer was too slow; `truncated`, `malformed`: one could not be read; `module`: the driver went
 * away.
 */
export type ResyncReason = 'overrun' | 'gap' | 'queue' | 'truncated' | 'malformed' | 'module';

/**
 * What a subscription yields. `resync`: messages are missing; all that is older than the loss has been yielded, so that
 * what is read from now on is newer. Losses that come together are one. `returned`: the driver that went away (a
 * `resync` with reason `module`) is back and is listened to; what happened before it was cannot be known without
 * reading.
 */
export type StreamItem<T> =
  | { readonly kind: 'message'; readonly value: T }
  | { readonly kind: 'resync'; readonly reason: ResyncReason }
  | { readonly kind: 'returned' };

/** What a message is to a stream; what follows from that is the subscription's own affair. */
export type Decoded<T> =
  | {
      readonly kind: 'message';
      readonly value: T;
      /** Which of the driver's counts the message carries, and its number there, 32 bits. */
      readonly count?: { readonly name: string; readonly sequence: number };
    }
  /** The driver went away. */
  | { readonly kind: 'gone' }
  /** The driver is there, under numbers of its own. */
  | {
      readonly kind: 'returned';
      /** The numbers are those that are decoded by already. */
      readonly isSame: boolean;
      /** Multicast groups to join. */
      readonly groups: readonly number[];
      /** What decodes from now on. */
      readonly decode: Decoder<T>;
      /** Runs once it is listened to. */
      accept?(): void;
    }
  /** The driver cannot be listened to any more. */
  | { readonly kind: 'over'; readonly error: Error };

/**
 * Reads a message. It changes nothing.
 * @returns undefined if the message is not for this stream
 * @throws anything: the message counts as malformed
 */
export type Decoder<T> = (message: ReceivedMessage) => Decoded<T> | undefined;

export interface SubscriptionSetup<T> {
  readonly protocol: number;
  readonly order: ByteOrder;
  readonly peerPort: number;
  readonly groups: readonly number[];
  readonly receiveBufferBytes: number;
  /** Most items to keep for a slow consumer; beyond it they are dropped and a resync is told. */
  readonly queueLimit: number;
  /** Yields the messages of each count in its order: one that was overtaken is waited for. */
  readonly inOrder?: boolean;
  readonly decode: Decoder<T>;
  /** The stream is over, whatever ended it. Called once. */
  ended?(): void;
}

/** A message that was overtaken by later ones counts as lost at the second tick after that. */
const GAP_TICK_MS = 500;
/**
 * Turns of the event loop in which nothing came. Each looks at the socket: what the kernel kept from before a loss has
 * been received then. How long that takes says nothing, as a process may be held up.
 */
const SETTLE_TURNS = 3;
/** More than the kernel keeps of a stream: what comes beyond is not from before the loss. */
const MOST_OLDER = 16_384;

interface Count<T> {
  readonly watch: GapWatch;
  readonly order: SequenceOrder<T>;
}

/** A loss that is known, and has not been told yet. */
interface Loss {
  reason: ResyncReason;
  quietTurns: number;
  older: number;
}

/**
 * A stream of broadcasts from a socket of its own. It listens from the moment it is made. It is the one place that knows
 * of losses: the kernel reports one first and then hands out the older messages, and here it is told last, and once.
 */
export class Subscription<T> implements AsyncIterableIterator<StreamItem<T>> {
  readonly #setup: SubscriptionSetup<T>;
  readonly #counters: SessionCounters;
  readonly #socket: TransportSocket;
  readonly #signal: AbortSignal | undefined;
  readonly #counts = new Map<string, Count<T>>();
  #decode: Decoder<T>;
  #gapTimer: ReturnType<typeof setTimeout> | undefined;
  #loss: Loss | undefined;
  /** The driver went away, which has been or is being told. */
  #gone = false;
  #queue: StreamItem<T>[] = [];
  #waiting: { resolve(result: IteratorResult<StreamItem<T>>): void; reject(error: unknown): void }[] = [];
  #stopWaiting = (): void => undefined;
  #end: { readonly error: unknown } | undefined;

  /** @throws TransportError if a group may not be joined; AbortError if the signal has fired */
  constructor(transport: Transport, setup: SubscriptionSetup<T>, counters: SessionCounters, signal?: AbortSignal) {
    this.#setup = setup;
    this.#decode = setup.decode;
    this.#counters = counters;
    this.#signal = signal;
    if (signal?.aborted === true) throw new AbortError('the subscription was aborted', 'no', signal.reason);
    const { mask, others } = splitGroups(setup.groups);
    this.#socket = transport.open(
      {
        protocol: setup.protocol,
        receiveBufferBytes: setup.receiveBufferBytes,
        ...(mask === 0 ? {} : { groups: mask }),
      },
      {
        datagrams: (batch) => {
          for (const datagram of batch) this.#take(datagram);
        },
        overrun: () => {
          counters.overruns++;
          this.#lose('overrun');
        },
        closed: (error) => {
          this.#tellLoss();
          this.#finish(error);
        },
        exhausted: (what) => {
          if (what !== 'everything') return;
          this.#endWith(undefined);
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
    if (signal !== undefined) this.#stopWaiting = whenAborted(signal, this.#onAbort);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @returns what has come and was not yielded yet */
  take(): StreamItem<T> | undefined {
    return this.#queue.shift();
  }

  next(): Promise<IteratorResult<StreamItem<T>>> {
    const item = this.take();
    if (item !== undefined) return Promise.resolve({ done: false, value: item });
    if (this.#end !== undefined) {
      const { error } = this.#end;
      // An error is told once; after it the stream is simply over.
      this.#end = { error: undefined };
      return error === undefined
        ? Promise.resolve({ done: true, value: undefined })
        : Promise.reject(error instanceof Error ? error : new TransportError(String(error)));
    }
    return new Promise((resolve, reject) => {
      this.#socket.ref();
      this.#waiting.push({ resolve, reject });
    });
  }

  return(): Promise<IteratorResult<StreamItem<T>>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the stream. What was queued is dropped. Idempotent. */
  close(): void {
    this.#queue = [];
    this.#finish(undefined);
    this.#socket.close();
  }

  readonly #onAbort = (): void => {
    this.#queue = [];
    this.#finish(new AbortError('the subscription was aborted', 'no', this.#signal?.reason));
    this.#socket.close();
  };

  #take(datagram: Datagram): void {
    const { peerPort, order } = this.#setup;
    const malformed = this.#counters.malformed;
    const messages = acceptDatagram(datagram, peerPort, order, this.#counters);
    for (const message of messages) this.#receive(message);
    if (datagram.truncated && datagram.port === peerPort) this.#lose('truncated');
    if (this.#counters.malformed !== malformed) this.#lose('malformed');
    if (this.#loss === undefined) return;
    this.#loss.quietTurns = 0;
    this.#loss.older += messages.length;
    if (this.#loss.older > MOST_OLDER) this.#tellLoss();
  }

  #receive(message: ReceivedMessage): void {
    let decoded: Decoded<T> | undefined;
    try {
      decoded = this.#decode(message);
    } catch {
      this.#counters.malformed++;
      return;
    }
    switch (decoded?.kind) {
      case undefined:
        this.#counters.unmatched++;
        return;
      case 'message':
        this.#counters.events++;
        this.#arrive(decoded);
        return;
      case 'gone':
        this.#gone = true;
        this.#lose('module');
        return;
      case 'returned':
        this.#return(decoded);
        return;
      case 'over':
        this.#endWith(decoded.error);
    }
  }

  #arrive({ value, count }: Extract<Decoded<T>, { readonly kind: 'message' }>): void {
    if (count === undefined) {
      this.#push({ kind: 'message', value });
      return;
    }
    const { watch, order } = this.#countOf(count.name);
    if (watch.saw(count.sequence) === 'lost') {
      this.#pushAll(order.flush());
      this.#lose('gap');
    }
    if (watch.isUndecided) this.#watchCounts();
    this.#pushAll(this.#setup.inOrder === true ? order.add(count.sequence, value) : [value]);
  }

  #countOf(name: string): Count<T> {
    let count = this.#counts.get(name);
    if (count === undefined) this.#counts.set(name, (count = { watch: new GapWatch(), order: new SequenceOrder<T>() }));
    return count;
  }

  #watchCounts(): void {
    if (this.#gapTimer !== undefined || this.#end !== undefined) return;
    if (![...this.#counts.values()].some(({ watch }) => watch.isUndecided)) return;
    this.#gapTimer = setTimeout(() => {
      this.#gapTimer = undefined;
      let lost = false;
      for (const { watch } of this.#counts.values()) lost = watch.tick() || lost;
      if (lost) this.#lose('gap');
      this.#watchCounts();
    }, GAP_TICK_MS).unref();
  }

  /** The driver is back. What it sent before it was listened to is lost, without any sign. */
  #return({ isSame, groups, decode, accept }: Extract<Decoded<T>, { readonly kind: 'returned' }>): void {
    const wasGone = this.#gone;
    // The controller tells of one that was found already.
    if (isSame && !wasGone) return;
    this.#gone = false;
    try {
      for (const group of groups) this.#socket.join(group);
    } catch (error) {
      this.#endWith(error);
      return;
    }
    this.#decode = decode;
    accept?.();
    if (!wasGone || this.#loss !== undefined) {
      this.#lose('module');
      // Messages come in order: those of the driver that went away have come.
      this.#tellLoss();
      return;
    }
    // Who has not read since it went reads after this.
    if (!this.#queue.some((item) => item.kind === 'resync' && item.reason === 'module')) {
      this.#forgetCounts();
      this.#push({ kind: 'returned' });
    }
  }

  /** Something is missing; it is told when all that is older has come. */
  #lose(reason: ResyncReason): void {
    if (this.#end !== undefined) return;
    if (this.#loss !== undefined) {
      this.#loss.quietTurns = 0;
      // That everything is gone says more than that something is.
      if (reason === 'module') this.#loss.reason = reason;
      return;
    }
    this.#loss = { reason, quietTurns: 0, older: 0 };
    this.#settle(this.#loss);
  }

  #settle(loss: Loss): void {
    setImmediate(() => {
      if (this.#loss !== loss) return;
      if (++loss.quietTurns > SETTLE_TURNS) this.#tellLoss();
      else this.#settle(loss);
    });
  }

  #tellLoss(): void {
    this.#forgetCounts();
    const loss = this.#loss;
    this.#loss = undefined;
    if (loss === undefined) return;
    const last = this.#queue.at(-1);
    if (last?.kind !== 'resync') this.#push({ kind: 'resync', reason: loss.reason });
    else if (loss.reason === 'module') this.#queue[this.#queue.length - 1] = { kind: 'resync', reason: 'module' };
  }

  /** A loss that is told need not be found a second time in the counts. */
  #forgetCounts(): void {
    for (const { watch, order } of this.#counts.values()) {
      this.#pushAll(order.flush());
      watch.reset();
    }
  }

  /** Ends the stream behind what is queued. */
  #endWith(error: unknown): void {
    this.#tellLoss();
    this.#finish(error);
    this.#socket.close();
  }

  #pushAll(values: readonly T[]): void {
    for (const value of values) this.#push({ kind: 'message', value });
  }

  #push(item: StreamItem<T>): void {
    if (this.#end !== undefined) return;
    const consumer = this.#waiting.shift();
    if (consumer !== undefined) {
      if (this.#waiting.length === 0) this.#socket.unref();
      consumer.resolve({ done: false, value: item });
      return;
    }
    if (this.#queue.length >= this.#setup.queueLimit) {
      this.#counters.droppedEvents += this.#queue.length + 1;
      const wasReloaded = [...this.#queue, item].some(
        (dropped) => dropped.kind === 'returned' || (dropped.kind === 'resync' && dropped.reason === 'module'),
      );
      this.#queue = [{ kind: 'resync', reason: wasReloaded ? 'module' : 'queue' }];
      return;
    }
    this.#queue.push(item);
  }

  #finish(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#loss = undefined;
    this.#setup.ended?.();
    clearTimeout(this.#gapTimer);
    this.#stopWaiting();
    const [first, ...others] = this.#waiting.splice(0);
    if (first === undefined) return;
    this.#end = { error: undefined };
    if (error === undefined) first.resolve({ done: true, value: undefined });
    else first.reject(error);
    for (const consumer of others) consumer.resolve({ done: true, value: undefined });
  }
}
