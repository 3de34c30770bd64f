import { ClosedError } from '../errors';
import type { ByteOrder } from '../netlink';
import {
  askBatch,
  newCounters,
  RequestSocket,
  SocketPool,
  Subscription,
  attempt,
  type BatchQuestion,
  type Decoder,
  type Exchange,
  type Outcome,
  type PartOptions,
  type PoolOptions,
  type SessionCounters,
  type SocketSetup,
  type WaitOptions,
} from '../session';
import type { Transport } from '../transport/transport';
import type { Dialect, Driver, EventOptions, RequestOptions, ResyncEvent } from './client';
import { checkOptions, Follower, type ChangeOptions, type FollowSource } from './follow';
import type { Change, Snapshot } from '../model';
import { runVerb, type SentRequest, type VerbName, type VerbRequestOptions, type VerbTarget } from './verbs';
import { waitForSnapshot, type WaitForOptions } from './wait-for';

/** Requests that may stick in the kernel at the same time; each costs a thread until it comes back. */
const MOST_CHANGES = 16;
const MOST_DUMPS = 4;
const EVENT_QUEUE_LIMIT = 4096;
export const EVENT_BUFFER_BYTES = 1 << 20;

/** Limits of a client. */
export interface ClientLimits {
  /** The limit for a request that names none, in milliseconds. */
  readonly requestTimeoutMs?: number | undefined;
}

/** How a follower listens: in the driver's order, and it takes what comes at once. */
const FOLLOWED = { inOrder: true, queueLimit: 16_384 } as const satisfies EventOptions;

/** What the clients of all dialects share: sockets by purpose, streams, and closing. */
export abstract class BaseClient<E extends { readonly kind: 'event' }> {
  protected readonly order: ByteOrder;
  readonly #transport: Transport;
  readonly #setup: SocketSetup;
  readonly #counters = newCounters();
  readonly #changes: SocketPool;
  readonly #dumps: SocketPool;
  readonly #requestTimeoutMs: number | undefined;
  readonly #streams = new Set<Subscription<E>>();
  readonly #batches = new Set<RequestSocket>();
  #reads: RequestSocket | undefined;
  #follower: Follower | undefined;
  #closed = false;

  protected constructor(transport: Transport, setup: SocketSetup, { requestTimeoutMs }: ClientLimits) {
    this.#requestTimeoutMs = requestTimeoutMs;
    this.order = setup.order;
    this.#transport = transport;
    this.#setup = setup;
    const open = (): RequestSocket => new RequestSocket(transport, setup, this.#counters);
    const openForChanges = (): RequestSocket =>
      new RequestSocket(transport, { ...setup, mayStick: true, sendsAtOnce: false }, this.#counters);
    this.#changes = new SocketPool(openForChanges, { limit: MOST_CHANGES, closeAfterFailure: false });
    this.#dumps = new SocketPool(open, { limit: MOST_DUMPS, closeAfterFailure: true });
  }

  abstract readonly dialect: Dialect;
  abstract readonly driver: Driver;
  abstract broadcasts(options?: EventOptions): AsyncIterableIterator<E | ResyncEvent>;
  abstract status(options?: WaitOptions): Promise<Snapshot>;
  abstract request(name: string, params: Readonly<Record<string, unknown>>, options?: RequestOptions): Promise<unknown>;

  counters(): Readonly<SessionCounters> {
    return { ...this.#counters };
  }

  events(options: ChangeOptions = {}): AsyncIterableIterator<Change> {
    this.requireOpen('events');
    if (this.#follower !== undefined) return this.#follower.add(options);
    checkOptions(options);
    const { receiveBufferBytes = EVENT_BUFFER_BYTES } = options;
    const follower: Follower = new Follower(this.source({ ...FOLLOWED, receiveBufferBytes }), () => {
      if (this.#follower === follower) this.#follower = undefined;
    });
    this.#follower = follower;
    try {
      return follower.add(options);
    } catch (error) {
      follower.close();
      throw error;
    }
  }

  waitFor(predicate: (snapshot: Snapshot) => boolean, options: WaitForOptions = {}): Promise<Snapshot> {
    return waitForSnapshot(
      (changes) => this.events(changes),
      () => this.#closed,
      predicate,
      options,
    );
  }

  create(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('create', target, options, limits);
  }

  attach(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('attach', target, options, limits);
  }

  detach(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('detach', target, options, limits);
  }

  connect(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('connect', target, options, limits);
  }

  disconnect(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('disconnect', target, options, limits);
  }

  promote(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('promote', target, options, limits);
  }

  demote(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('demote', target, options, limits);
  }

  down(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('down', target, options, limits);
  }

  invalidate(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('invalidate', target, options, limits);
  }

  verify(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('verify', target, options, limits);
  }

  pauseSync(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('pauseSync', target, options, limits);
  }

  resumeSync(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('resumeSync', target, options, limits);
  }

  suspendIo(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('suspendIo', target, options, limits);
  }

  resumeIo(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('resumeIo', target, options, limits);
  }

  resize(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('resize', target, options, limits);
  }

  outdate(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('outdate', target, options, limits);
  }

  newCurrentUuid(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('newCurrentUuid', target, options, limits);
  }

  setOptions(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('setOptions', target, options, limits);
  }

  rename(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('rename', target, options, limits);
  }

  forgetPeer(target: VerbTarget, options?: object, limits?: VerbRequestOptions): Promise<readonly SentRequest[]> {
    return this.#run('forgetPeer', target, options, limits);
  }

  close(): void {
    this.#closed = true;
    this.#follower?.close();
    this.#reads?.close();
    this.#changes.close();
    this.#dumps.close();
    for (const socket of this.#batches) socket.close();
    for (const stream of this.#streams) stream.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /**
   * What changes are made from: one for all who want them.
   * @param listening how to listen
   */
  protected abstract source(listening: EventOptions): FollowSource;

  /** A question: many at a time, on a socket that no change can hold up. */
  protected read<T>(exchange: Exchange<T>, options: WaitOptions): Promise<T> {
    try {
      this.requireOpen(exchange.what);
      if (this.#reads === undefined || this.#reads.closed)
        this.#reads = new RequestSocket(this.#transport, this.#setup, this.#counters);
      const socket = this.#reads;
      return attempt<T>(exchange.what, this.#limited(options), (settle) => socket.start(exchange, settle));
    } catch (error) {
      return rejected(error);
    }
  }

  /** A question with many answers: one at a time on its socket, as the kernel demands. */
  protected async dump<T>(exchange: Exchange<T>, options: WaitOptions): Promise<T> {
    this.requireOpen(exchange.what);
    return this.#dumps.run(exchange, [], this.#limited(options));
  }

  /**
   * Asks questions with many answers, in order: all at once where the transport can.
   * @param brings whether an answer has brought something
   */
  protected async dumpBatch<T>(
    questions: readonly BatchQuestion<T>[],
    brings: (value: T) => boolean,
    options: PartOptions,
  ): Promise<readonly Outcome<T>[]> {
    const one = (exchange: Exchange<T>): Promise<T> => this.dump(exchange, options);
    if (this.#closed || this.#transport.asks !== true || questions.length < 2)
      return askBatch(questions, undefined, one, brings, options);
    const socket = new RequestSocket(this.#transport, this.#setup, this.#counters);
    this.#batches.add(socket);
    try {
      return await askBatch(questions, socket, one, brings, options);
    } finally {
      this.#batches.delete(socket);
      socket.close();
    }
  }

  /**
   * @param keys what the change concerns; changes that share one go in the order in which they were asked
   * @param options `before` runs when its turn has come, and may refuse it
   */
  protected async change<T>(exchange: Exchange<T>, keys: readonly string[], options: PoolOptions): Promise<T> {
    this.requireOpen(exchange.what);
    return this.#changes.run(exchange, keys, this.#limited(options));
  }

  /** A stream of its own socket; it listens from now on. */
  protected subscribe(source: Pick<SocketSetup, 'groups'>, decode: Decoder<E>, options: EventOptions): Subscription<E> {
    this.requireOpen('broadcasts');
    const stream: Subscription<E> = new Subscription<E>(
      this.#transport,
      {
        protocol: this.#setup.protocol,
        order: this.order,
        peerPort: this.#setup.peerPort,
        groups: source.groups,
        receiveBufferBytes: options.receiveBufferBytes ?? EVENT_BUFFER_BYTES,
        queueLimit: options.queueLimit ?? EVENT_QUEUE_LIMIT,
        inOrder: options.inOrder === true,
        decode,
        ended: () => {
          this.#streams.delete(stream);
        },
      },
      this.#counters,
      options.signal,
    );
    this.#streams.add(stream);
    return stream;
  }

  #run(
    verb: VerbName,
    target: VerbTarget,
    options: object = {},
    limits: VerbRequestOptions = {},
  ): Promise<readonly SentRequest[]> {
    const sender = {
      driver: this.driver,
      dialect: this.dialect,
      status: (wait: WaitOptions) => this.status(wait),
      request: (name: string, params: Readonly<Record<string, unknown>>, wait: RequestOptions) =>
        this.request(name, params, wait),
    };
    return runVerb(sender, verb, target, options, limits);
  }

  #limited<O extends WaitOptions>(options: O): O {
    return options.timeoutMs === undefined && this.#requestTimeoutMs !== undefined
      ? { ...options, timeoutMs: this.#requestTimeoutMs }
      : options;
  }

  protected requireOpen(what: string): void {
    if (this.#closed) throw new ClosedError(`the client is closed; ${what} was not sent`, 'no');
  }
}

/** What is asynchronous never throws by itself; and an async function would make a promise, and turns, of its own. */
export function rejected(error: unknown): Promise<never> {
  return Promise.reject(error instanceof Error ? error : new Error(String(error)));
}

/** The broadcasts alone; nothing runs between the subscription and the first next(). */
export function broadcastsOf<E>(stream: Subscription<E>): AsyncIterableIterator<E | ResyncEvent> {
  const later = async (): Promise<IteratorResult<E | ResyncEvent>> => {
    for (;;) {
      const result = await stream.next();
      if (result.done === true) return { done: true, value: undefined };
      const item = result.value;
      if (item.kind !== 'returned') return { done: false, value: item.kind === 'resync' ? item : item.value };
    }
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => {
      for (let item = stream.take(); item !== undefined; item = stream.take())
        if (item.kind !== 'returned')
          return Promise.resolve({ done: false, value: item.kind === 'resync' ? item : item.value });
      return later();
    },
    return: async () => {
      await stream.return();
      return { done: true, value: undefined };
    },
  };
}
