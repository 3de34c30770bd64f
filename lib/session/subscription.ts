import { AbortError, TransportError } from '../errors';
import type { ByteOrder, NetlinkMessage } from '../netlink';
import type { Transport, TransportSocket } from '../transport/transport';
import type { SessionCounters } from './counters';
import { whenAborted } from './abort';
import { GapWatch } from './gaps';
import { acceptDatagram, splitGroups } from './request-socket';

/** Why messages are missing from the stream. */
export type ResyncReason = 'overrun' | 'gap' | 'queue' | 'truncated' | 'malformed';

/** How long a message may be overtaken by later ones before it counts as lost. */
const GAP_GRACE_MS = 1000;

/** What a subscription yields: a message, or word of a loss. */
export type StreamItem<T> =
  { readonly kind: 'message'; readonly value: T } | { readonly kind: 'resync'; readonly reason: ResyncReason };

export interface SubscriptionSetup<T> {
  readonly protocol: number;
  readonly order: ByteOrder;
  readonly peerPort: number;
  readonly groups: readonly number[];
  readonly receiveBufferBytes: number;
  /** Most items to keep for a slow consumer; beyond it they are dropped and a resync is told. */
  readonly queueLimit: number;
  /** @returns what to yield, or undefined if the message is not for this stream. A throw counts as malformed. */
  decode(message: NetlinkMessage): T | undefined;
  /** The stream is over, whatever ended it. Called once. */
  ended?(): void;
  /** @returns which of the driver's counts a message carries, and its number there; undefined if it carries none */
  countOf?(value: T): { readonly count: string; readonly sequence: number } | undefined;
}

/** A stream of broadcasts from a socket of its own. It listens from the moment it is made. */
export class Subscription<T> implements AsyncIterableIterator<StreamItem<T>> {
  readonly #setup: SubscriptionSetup<T>;
  readonly #counters: SessionCounters;
  readonly #socket: TransportSocket;
  readonly #signal: AbortSignal | undefined;
  readonly #counts = new Map<string, GapWatch>();
  #gapTimer: ReturnType<typeof setTimeout> | undefined;
  #queue: StreamItem<T>[] = [];
  #waiting: { resolve(result: IteratorResult<StreamItem<T>>): void; reject(error: unknown): void }[] = [];
  #stopWaiting = (): void => undefined;
  #end: { readonly error: unknown } | undefined;

  /** @throws TransportError if a group may not be joined; AbortError if the signal has fired */
  constructor(transport: Transport, setup: SubscriptionSetup<T>, counters: SessionCounters, signal?: AbortSignal) {
    this.#setup = setup;
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
          for (const datagram of batch) {
            const malformed = counters.malformed;
            const messages = acceptDatagram(datagram, setup.peerPort, setup.order, counters);
            if (datagram.truncated && datagram.port === setup.peerPort) this.#lose('truncated');
            if (counters.malformed !== malformed) this.#lose('malformed');
            for (const message of messages) this.#receive(message);
          }
        },
        overrun: () => {
          counters.overruns++;
          this.#lose('overrun');
        },
        closed: (error) => {
          this.#finish(error);
        },
        exhausted: (what) => {
          if (what !== 'everything') return;
          // What is queued still goes to the consumer.
          this.#finish(undefined);
          this.#socket.close();
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

  next(): Promise<IteratorResult<StreamItem<T>>> {
    const item = this.#queue.shift();
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

  /** Listens to one group more. @throws TransportError */
  join(group: number): void {
    this.#socket.join(group);
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

  #receive(message: NetlinkMessage): void {
    let value: T | undefined;
    try {
      value = this.#setup.decode(message);
    } catch {
      this.#counters.malformed++;
      this.#lose('malformed');
      return;
    }
    if (value === undefined) {
      this.#counters.unmatched++;
      return;
    }
    this.#counters.events++;
    const counted = this.#setup.countOf?.(value);
    if (counted !== undefined) this.#watch(counted.count, counted.sequence);
    this.#push({ kind: 'message', value });
  }

  #watch(count: string, sequence: number): void {
    let watch = this.#counts.get(count);
    if (watch === undefined) this.#counts.set(count, (watch = new GapWatch()));
    const found = watch.saw(sequence);
    if (found === 'lost') this.#lose('gap');
    else if (found === 'ahead' && this.#end === undefined) {
      this.#gapTimer ??= setTimeout(() => {
        this.#gapTimer = undefined;
        let lost = false;
        for (const each of this.#counts.values()) lost = each.expire() || lost;
        if (lost) this.#lose('gap');
      }, GAP_GRACE_MS).unref();
    }
  }

  #lose(reason: ResyncReason): void {
    // A loss that is told need not be found a second time in the counts.
    for (const watch of this.#counts.values()) watch.reset();
    const last = this.#queue.at(-1);
    if (last?.kind === 'resync') return;
    this.#push({ kind: 'resync', reason });
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
      this.#queue = [{ kind: 'resync', reason: 'queue' }];
      return;
    }
    this.#queue.push(item);
  }

  #finish(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
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
