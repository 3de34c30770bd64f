import type { EncodeOptions, Operation, SetsReceived, SetsToSend, SetValues } from '../schema';
import type { ConnectorParams, ConnectorReply, RequestPacketName } from '../dialects/connector';
import type { operations as genl1Operations } from '../dialects/genl1';
import type { operations as genl2Operations } from '../dialects/genl2';
import type { UnknownAttribute } from '../dialects/generic';
import type { ResyncReason, SessionCounters, WaitOptions } from '../session';
import type { Tag } from '../schema';
import type { Change, Snapshot } from '../model';
import type { ChangeOptions } from './follow';
import type { SentRequest, VerbOptions, VerbRequestOptions, VerbTarget } from './verbs';
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

/** @returns the part of a request's options that is about its encoding */
export function encodingOf({ outOfRange, malformed }: RequestOptions): Pick<EncodeOptions, 'outOfRange' | 'malformed'> {
  return { outOfRange, malformed };
}

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

type Operations = Readonly<
  Record<string, Pick<Operation, 'kind' | 'minor' | 'partial' | 'readsOne' | 'request' | 'reply' | 'required'>>
>;

/** Operations that a client may ask for. */
export type OperationName<T extends Operations> = {
  [N in keyof T]: T[N]['kind'] extends 'notification' ? never : N;
}[keyof T] &
  string;

type MinorParam<O extends Operations[string]> = O['minor'] extends true
  ? O['readsOne'] extends true
    ? { readonly minor?: number }
    : { readonly minor: number }
  : Record<never, never>;

/**
 * What a caller says of a request: the minor where one is named, flags, and the attribute sets by their struct's name.
 */
export type OperationParams<O extends Operations[string]> = MinorParam<O> & {
  /** Set every option that the request does not name to its default. */
  readonly setDefaults?: boolean;
} & SetsToSend<O['request'], O['required'][number], O['partial']>;

/** One reply: the return code beside the attribute sets by their struct's name. */
export type OperationReply<O extends Operations[string]> = {
  readonly returnCode: number;
  readonly returnName: string;
  readonly minor: number | undefined;
  /** The kernel's own words, in order. */
  readonly infoText: readonly string[];
  readonly unknown: readonly UnknownAttribute[];
} & SetsReceived<O['reply']>;

/** What a request resolves with: one reply, or all of a dump. */
export type OperationResult<O extends Operations[string]> = O['kind'] extends 'dump'
  ? readonly DumpReply<O>[]
  : OperationReply<O>;

/** Dumps that read one object when the request names its minor. */
type ReadsOneName<T extends Operations> = { [N in keyof T]: T[N]['readsOne'] extends true ? N : never }[keyof T] &
  string;

/** A message of a dump; its operation's name tells apart what get_initial_state sends. */
export type DumpReply<O extends Operations[string]> = OperationReply<O> & { readonly name: string };

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
  /** Create a resource, and a volume of it where a minor is named, unless they exist. */
  create(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Attach a backing device to a volume, which is created if it does not exist. */
  attach(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Let go of the backing device. */
  detach(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Set up the link to a peer and begin to connect; what it needs is created if it does not exist. */
  connect(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Take down the link to the peer. */
  disconnect(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Make the resource writable on this node. */
  promote(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Take back the right to write from this node; fails while a process has a device open. */
  demote(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Take down a resource with all its links, disks and devices. */
  down(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Throw away the data of one side, this node's or the peer's, and copy all of the other's. */
  invalidate(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Begin an online verification, which compares both sides block by block. */
  verify(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Hold the resync on behalf of the user of this node. */
  pauseSync(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Take back this node's own hold on the resync. */
  resumeSync(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Freeze all requests of applications to the device. */
  suspendIo(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Let frozen requests of applications go on. */
  resumeIo(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Adopt a new size of the backing devices while in use. */
  resize(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Mark this node's data as known to be behind the peer's. */
  outdate(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Begin a new generation of the data, for instance to skip the first resync. */
  newCurrentUuid(
    target: VerbTarget,
    options?: VerbOptions,
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
  /** Change options of what exists. */
  setOptions(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Give a resource another name. */
  rename(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Free the slot that a former peer has in the metadata. */
  forgetPeer(target: VerbTarget, options?: VerbOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** What was sent, received and dropped so far. */
  counters(): Readonly<SessionCounters>;
  /**
   * Rejects what is under way with a ClosedError, ends the streams and closes the sockets. Never waits for the kernel.
   */
  close(): void;
}

export interface ConnectorClient extends ClientBase<'connector', ConnectorEvent> {
  /**
   * Sends one packet and waits for its answer.
   * @param name of the packet
   * @returns for success codes: 101, and state-change results from 1 up
   * @throws ArgumentError before anything is sent; KernelError for other codes; UnsupportedError for what is known to
   *   hang the kernel;
   *   TimeoutError, AbortError, OverrunError, ClosedError with how far it had come; TransportError; CodecError
   */
  request<N extends RequestPacketName>(
    name: N,
    params: ConnectorParams<N>,
    options?: RequestOptions,
  ): Promise<ConnectorReply<N>>;
}

export interface GenericClient<D extends 'genl1' | 'genl2', T extends Operations> extends ClientBase<D, GenericEvent> {
  /**
   * Sends one operation and waits for its answer.
   * @param name of the operation, without its prefix
   * @returns one reply for success codes (101, and state-change results from 1 up); for a dump, all of them
   * @throws ArgumentError before anything is sent; KernelError for other codes; NetlinkError where netlink itself
   *   refuses;
   *   UnsupportedError for what is known to hang the kernel; TimeoutError, AbortError, OverrunError, ClosedError with
   *   how far it had come;
   *   TransportError; CodecError
   */
  request<N extends ReadsOneName<T>>(
    name: N,
    params: OperationParams<T[N]> & { readonly minor: number },
    options?: RequestOptions,
  ): Promise<OperationReply<T[N]>>;
  request<N extends OperationName<T>>(
    name: N,
    ...args: Optional<OperationParams<T[N]>>
  ): Promise<OperationResult<T[N]>>;
}

export type Genl1Client = GenericClient<'genl1', typeof genl1Operations>;
export type Genl2Client = GenericClient<'genl2', typeof genl2Operations>;

interface Clients {
  readonly connector: ConnectorClient;
  readonly genl1: Genl1Client;
  readonly genl2: Genl2Client;
}

/** A connection to a DRBD driver: a union over the dialects, narrowed by `client.dialect`. */
export type Client<D extends Dialect = Dialect> = D extends Dialect ? Clients[D] : never;
