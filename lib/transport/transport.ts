import type { SentState } from '../errors';
import type { HostFiles } from './host';

export type { HostFiles, KnownDriver } from './host';

/** Netlink families that DRBD's dialects and their tests use (linux/netlink.h). */
export const NETLINK_USERSOCK = 2;
export const NETLINK_CONNECTOR = 11;
export const NETLINK_GENERIC = 16;

/** One received datagram. */
export interface Datagram {
  /**
   * The payload. It belongs to the receiver: the transport never writes to it again. Its ArrayBuffer may hold others,
   * before and behind it.
   */
  readonly bytes: Uint8Array;
  /** The sender's netlink port id; 0 is the kernel. */
  readonly port: number;
  /** Multicast groups 1 to 32 that it was sent to, as a bit mask (group g is bit g - 1); 0 for unicast. */
  readonly groups: number;
  /** The multicast group's number where NETLINK_PKTINFO told it; 0 for unicast. */
  readonly group: number;
  /** The datagram was longer than the receive buffer, and its end is lost. */
  readonly truncated: boolean;
}

/**
 * Where received things go. None of these may throw; one that does reaches `uncaughtException` and the socket lives on.
 */
export interface SocketHandlers {
  /** All datagrams of one wake-up, in order of arrival. */
  datagrams(batch: readonly Datagram[]): void;
  /** ENOBUFS: the kernel dropped messages. The older ones that were queued follow. */
  overrun(): void;
  /** The socket is gone, by `close()` (no error) or by a failure. Called once; nothing follows. */
  closed(error: Error | undefined): void;
  /**
   * Only a recording knows this: what is waited for never comes. A deadline that waits has come, and a stream is over.
   * @param what `answers`: all that the datagrams sent so far bring has been delivered; `everything`: nothing
   *   whatsoever follows, unless something else is sent
   */
  exhausted?(what: 'answers' | 'everything'): void;
}

export interface SocketOptions {
  /** NETLINK_CONNECTOR, NETLINK_GENERIC or NETLINK_USERSOCK. */
  readonly protocol: number;
  /** SO_RCVBUF in bytes, beyond rmem_max where the process may (SO_RCVBUFFORCE). Left alone if absent. */
  readonly receiveBufferBytes?: number;
  /** Groups 1 to 32 to join at bind, as a bit mask. */
  readonly groups?: number;
  /** A request that it carries may stay inside the kernel for ever. */
  readonly mayStick?: boolean;
  /**
   * What it carries does not stay inside the kernel: it is sent by the caller's thread, which saves the way to another
   * and back. A receiver that has no room is waited for as ever.
   */
  readonly sendsAtOnce?: boolean;
  /**
   * It only finds out whether somebody is there, and is no part of what a program does: a recording's header tells what
   * was found.
   */
  readonly probe?: boolean;
}

/** A datagram on its way out. Sends of one socket go out one at a time, in order; on a thread of their own, mostly. */
export interface Send {
  /** `no` while queued, `started` inside sendmsg, `returned` once it came back. */
  readonly state: SentState;
  /**
   * Settles when the system call returns: resolves, or rejects with a TransportError; with a ClosedError if
   * the socket is closed first. It does not settle for a send that was cancelled. Never an unhandled rejection.
   */
  readonly done: Promise<void>;
  /** It has returned, and nothing went wrong: `done` need not be looked at. */
  readonly isOver?: boolean;
  /** Takes it out of the queue. @returns false if it had already started. */
  cancel(): boolean;
}

/** One of several questions: a netlink message whose answer is one with an error, or ends with NLMSG_DONE. */
export interface Question {
  readonly bytes: Uint8Array;
  /** It is left out unless each of so many before it has brought a message; 64 at most. */
  readonly onlyIfPrevious: number;
}

/** How a question ended that the kernel did not answer. */
export type QuestionEnd =
  /** It was left out, as those before it brought nothing. */
  | 'empty'
  /** It was not asked, as one before it was not answered to its end. */
  | 'stopped'
  | Error;

/** Questions on their way. */
export interface Asked {
  /** @param index of a question. @returns how far it is, as of a {@link Send} */
  state(index: number): SentState;
}

export interface SocketCounters {
  readonly receivedDatagrams: number;
  readonly receivedBytes: number;
  readonly sentDatagrams: number;
  readonly sentBytes: number;
  readonly sendErrors: number;
  readonly overruns: number;
  readonly truncated: number;
}

/** One netlink socket, or what stands for it. */
export interface TransportSocket {
  /** The port id that the kernel gave it (autobind). */
  readonly portId: number;
  readonly closed: boolean;
  /**
   * Queues a datagram. It is copied.
   * @param to port id and group mask of the receiver; the kernel (0, 0) if absent
   * @throws ClosedError on a closed socket; ArgumentError; TransportError with ENOBUFS if the queue is full, EMSGSIZE
   *   if it could never hold this
   */
  send(bytes: Uint8Array, to?: { readonly port?: number; readonly groups?: number }): Send;
  /**
   * Asks questions one after the other, each when the one before it is answered, and hands out what they bring: many at
   * the price of one. Whatever else arrives meanwhile is handed out too. What is not answered to its end (a loss, a
   * socket that fails) ends them. Absent where each has to be sent by itself.
   * @param port of whoever answers
   * @param ended is called for each that the kernel did not answer, unless the socket is closed
   * @throws what send() throws
   */
  ask?(questions: readonly Question[], port: number, ended: (index: number, end: QuestionEnd) => void): Asked;
  /** NETLINK_ADD_MEMBERSHIP. @param group number from 1. @throws TransportError, ClosedError */
  join(group: number): void;
  /** NETLINK_DROP_MEMBERSHIP. */
  leave(group: number): void;
  /**
   * Whether the open socket keeps the process alive. It does at first. After `unref()` a socket that has nothing under
   * way and that nobody refers to any more may be closed by the garbage collector.
   */
  ref(): void;
  unref(): void;
  /** Settles everything that is pending and closes. Never waits for a send that is stuck in the kernel. Idempotent. */
  close(): void;
  counters(): SocketCounters;
}

/** Opens sockets. The only way for the layers above to reach a kernel, or something that plays one. */
export interface Transport {
  /** This machine's files if absent. */
  readonly host?: HostFiles;
  /** Its sockets that may stick can {@link TransportSocket.ask}. */
  readonly asks?: boolean;
  /** @throws TransportError if the protocol does not exist here or a group may not be joined */
  open(options: SocketOptions, handlers: SocketHandlers): TransportSocket;
}
