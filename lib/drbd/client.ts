import type { ByteOrder } from '../netlink';
import type { EncodeOptions, SetValues } from '../schema';
import type { UnknownAttribute } from '../dialects/generic';
import type { ResyncReason, SessionCounters, WaitOptions } from '../session';
import type { TransportError } from '../errors';
import type { Tag } from '../schema';
import type { Change, Snapshot } from '../model';
import type { ChangeOptions } from './follow';
import type { ConnectorRequests, ConnectorVerbs } from './requests/connector';
import type { Genl1GetStatusReply, Genl1GetStatusRequest, Genl1Requests, Genl1Verbs } from './requests/genl1';
import type { Genl2Requests, Genl2Verbs } from './requests/genl2';
import type { WaitForOptions } from './wait-for';

/** The protocols that a DRBD kernel speaks: 8.0-8.3, 8.4, and 9.0-9.3. */
export type Dialect = 'connector' | 'genl1' | 'genl2';

/** The module at the other end. */
export interface Driver {
  /** Its release, from /proc/drbd; null where that cannot be read. */
  readonly version: string | null;
  /**
   * 86 to 88 for the connector, the family's version for generic netlink; null where a connector driver does not tell.
   */
  readonly api: number | null;
  /** Whom the requests go to: connector index, or family id. */
  readonly address: number;
  /**
   * Connector: why it may not be spoken to, where only /proc/drbd tells of it. status() has what that says; all else
   * is refused with such an error.
   */
  readonly refusal?: TransportError;
}

/** One reply, or one message of a dump. */
export interface GenericReply {
  readonly name: string;
  readonly returnCode: number;
  readonly returnName: string;
  readonly minor: number | undefined;
  readonly infoText: readonly string[];
  readonly unknown: GenericEvent['unknown'];
  readonly [set: string]: unknown;
}

export interface RequestOptions extends WaitOptions, Pick<EncodeOptions, 'outOfRange' | 'malformed'> {
  /** Send even what is known to hang this kernel. */
  readonly forceUnsafe?: boolean;
}

/** One of the dumps that are taken of each of many objects. */
export interface DumpStep<N extends string = string> {
  /** Name of the operation. */
  readonly name: N;
  /**
   * It is left out, and brings nothing, unless each of so many before it, of the same object, has brought something.
   */
  readonly onlyIfPrevious?: number;
}

/** @returns the part of a request's options that is about its encoding */
export function encodingOf({ outOfRange, malformed }: RequestOptions, order: ByteOrder): EncodeOptions {
  return { outOfRange, malformed, order };
}

/** What a caller asks for who asks for nothing. */
export const NO_OPTIONS: RequestOptions = Object.freeze({});

/** A loss: what came before it may not be all. Read the state again. */
export interface ResyncEvent {
  readonly kind: 'resync';
  /**
   * `overrun`: the kernel dropped messages (ENOBUFS); `gap`: the driver's own count of its broadcasts skips; `queue`:
   * the consumer was too slow; `truncated`, `malformed`: a message could not be read; `module`: the driver was unloaded
   * or reloaded. All that is older than the loss comes before this, and losses that come together are one.
   */
  readonly reason: ResyncReason;
}

/** A broadcast of the connector dialect. */
export interface ConnectorEvent {
  readonly kind: 'event';
  /** The packet: get_state, call_helper, sync_progress, dump_ee, return_code_only, or `unknown(N)`. */
  readonly name: string;
  readonly minor: number;
  /**
   * The driver's own count of broadcasts; they do not always arrive in its order. Of an answer, the sequence number of
   * its request.
   */
  readonly sequence: number;
  /**
   * What it is: a broadcast; or, in an unfiltered stream, the answer to a request of this client, or to somebody
   * else's.
   */
  readonly origin: 'broadcast' | 'own' | 'foreign';
  readonly returnCode: number;
  readonly tags: Readonly<Record<string, unknown>>;
  readonly unknown: readonly Tag[];
}

/** A notification of the generic netlink dialects. */
export interface GenericEvent {
  readonly kind: 'event';
  /** The operation: event, resource_state, device_state, …, or `unknown(N)`. */
  readonly name: string;
  readonly minor: number | undefined;
  /** nlmsg_seq: the driver's own count of notifications. */
  readonly sequence: number;
  /** The sets by their struct's name, `context` among them. */
  readonly sets: Readonly<Record<string, SetValues>>;
  readonly unknown: readonly UnknownAttribute[];
}

export interface EventOptions {
  readonly signal?: AbortSignal;
  /** Connector: yields the answers to all clients' requests too, which every member of the group hears. */
  readonly unfiltered?: boolean;
  /** Yields broadcasts in the driver's own order: one that was overtaken by others is waited for, up to a second. */
  readonly inOrder?: boolean;
  /** Most events to keep for a slow consumer, 4096 if absent; beyond it they are dropped and a resync is told. */
  readonly queueLimit?: number;
  /** SO_RCVBUF of the stream's socket in bytes, 1 MiB if absent. */
  readonly receiveBufferBytes?: number;
}

interface Requests {
  readonly connector: ConnectorRequests;
  readonly genl1: Genl1Requests;
  readonly genl2: Genl2Requests;
}

/** Requests of a dialect by name: packets in DRBD 8.3, operations in 8.4 and 9. */
export type OperationName<D extends Dialect> = keyof Requests[D] & string;

type Exchanged<D extends Dialect, N extends OperationName<D>> = Requests[D][N] & {
  readonly params: unknown;
  readonly result: unknown;
};

/** What a request takes: what names the object, flags, and the tags or the attribute sets by their struct's name. */
export type OperationParams<D extends Dialect, N extends OperationName<D>> = Exchanged<D, N>['params'];

/** What a request resolves with: one reply, or all of a dump. */
export type OperationResult<D extends Dialect, N extends OperationName<D>> = Exchanged<D, N>['result'];

/** One reply, or one message of a dump. */
export type OperationReply<D extends Dialect, N extends OperationName<D>> =
  OperationResult<D, N> extends readonly (infer R)[] ? R : OperationResult<D, N>;

/** A message of a dump; its operation's name tells apart what get_initial_state sends. */
export type DumpReply<D extends 'genl1' | 'genl2', N extends OperationName<D>> = OperationReply<D, N>;

/** Operations that are dumps. */
type DumpName<D extends 'genl1' | 'genl2'> = {
  [N in OperationName<D>]: OperationResult<D, N> extends readonly unknown[] ? N : never;
}[OperationName<D>];

/** What the dumps of an object have brought, by their names. */
export type DumpsOf<D extends 'genl1' | 'genl2', N extends OperationName<D>> = {
  readonly [K in N]: readonly DumpReply<D, K>[];
};

/** What the clients of generic netlink have. */
interface DumpClient<D extends 'genl1' | 'genl2'> {
  /**
   * Takes dumps of many objects, one after the other, object by object. Where each request would be handed to a process
   * of its own, all are handed over at once.
   * @param places what each object is asked by: the parameters of all its dumps
   * @param steps the dumps of each
   * @param options `timeoutMs` is the limit of each dump
   * @returns for each object what its dumps have brought, by their names; or what request() would throw for the first
   *   that failed
   * @throws ArgumentError before anything is sent; ClosedError
   */
  dumpEach<const N extends DumpName<D>>(
    places: readonly OperationParams<D, N>[],
    steps: readonly DumpStep<N>[],
    options?: WaitOptions,
  ): Promise<readonly PromiseSettledResult<DumpsOf<D, N>>[]>;
}

type Optional<P> =
  Record<never, never> extends P ? [params?: P, options?: RequestOptions] : [params: P, options?: RequestOptions];

/** What every client has. */
export interface ClientBase<D extends Dialect, E> extends AsyncDisposable {
  readonly dialect: D;
  readonly driver: Driver;
  /**
   * Reads the whole state.
   * @throws UnsupportedError where the dialect's state cannot be read yet, and what request() throws
   */
  status(options?: WaitOptions): Promise<Snapshot>;
  /**
   * What exists, and then what changes, object by object, each with the whole state after it. It listens from this call
   * on. After a loss it yields one `resync`, the difference as ordinary changes, and `ready`.
   * @throws TransportError if the group may not be joined; AbortError when the signal fires; ArgumentError
   */
  events(options?: ChangeOptions): AsyncIterableIterator<Change>;
  /**
   * The driver's broadcasts as they come, undigested. It listens from this call on, so a status() after it misses
   * nothing.
   * @throws TransportError if the group may not be joined; AbortError when the signal fires
   */
  broadcasts(options?: EventOptions): AsyncIterableIterator<E | ResyncEvent>;
  /**
   * Waits until the state satisfies a predicate, without a limit unless one is given. It sends nothing while nothing
   * changes, unless `refreshMs` is given, which counters need: the kernel does not announce them.
   * @param predicate is called with each new state, and must not change it
   * @returns the first state that satisfies it
   */
  waitFor(predicate: (snapshot: Snapshot) => boolean, options?: WaitForOptions): Promise<Snapshot>;
  /** What was sent, received and dropped so far. */
  counters(): Readonly<SessionCounters>;
  /**
   * Rejects what is under way with a ClosedError, ends the streams and closes the sockets. Never waits for the kernel.
   */
  close(): void;
}

export interface ConnectorClient extends ClientBase<'connector', ConnectorEvent>, ConnectorVerbs {
  /**
   * Sends one packet and waits for its answer.
   * @param name of the packet
   * @returns for success codes: 101, and state-change results from 1 up
   * @throws ArgumentError before anything is sent; KernelError for other codes; UnsupportedError for what is known to
   *   hang the kernel; TimeoutError, AbortError, OverrunError, ClosedError with how far it had come; TransportError;
   *   CodecError
   */
  request<N extends keyof ConnectorRequests>(
    name: N,
    params: ConnectorRequests[N]['params'],
    options?: RequestOptions,
  ): Promise<ConnectorRequests[N]['result']>;
}

/** The client of DRBD 8.4. */
export interface Genl1Client extends ClientBase<'genl1', GenericEvent>, DumpClient<'genl1'>, Genl1Verbs {
  /** With a minor, `get_status` has one answer. */
  request(
    name: 'get_status',
    params: Genl1GetStatusRequest & { readonly minor: number },
    options?: RequestOptions,
  ): Promise<Genl1GetStatusReply>;
  /**
   * Sends one operation and waits for its answer.
   * @param name of the operation, without its prefix
   * @returns one reply for success codes (101, and state-change results from 1 up); for a dump, all of them
   * @throws ArgumentError before anything is sent; KernelError for other codes; NetlinkError where netlink itself
   *   refuses; UnsupportedError for what is known to hang the kernel; TimeoutError, AbortError, OverrunError,
   *   ClosedError with how far it had come; TransportError; CodecError
   */
  request<N extends keyof Genl1Requests>(
    name: N,
    ...args: Optional<Genl1Requests[N]['params']>
  ): Promise<Genl1Requests[N]['result']>;
}

/** The client of DRBD 9. */
export interface Genl2Client extends ClientBase<'genl2', GenericEvent>, DumpClient<'genl2'>, Genl2Verbs {
  /**
   * Sends one operation and waits for its answer.
   * @param name of the operation, without its prefix
   * @returns one reply for success codes (101, and state-change results from 1 up); for a dump, all of them
   * @throws what the request() of a client of DRBD 8.4 throws
   */
  request<N extends keyof Genl2Requests>(
    name: N,
    ...args: Optional<Genl2Requests[N]['params']>
  ): Promise<Genl2Requests[N]['result']>;
}

interface Clients {
  readonly connector: ConnectorClient;
  readonly genl1: Genl1Client;
  readonly genl2: Genl2Client;
}

/** A connection to a DRBD driver: a union over the dialects, narrowed by `client.dialect`. */
export type Client<D extends Dialect = Dialect> = D extends Dialect ? Clients[D] : never;
