import { ClosedError, type SentState } from '../errors';
import { KeepAlive } from './keep-alive';
import type { Datagram, Send, SocketCounters, SocketHandlers, SocketOptions, TransportSocket } from './transport';

/** A send that no system call stands behind: whoever plays the kernel settles it. */
export abstract class StandInSend implements Send {
  readonly done: Promise<void>;
  state: SentState = 'no';
  readonly bytes: Uint8Array;
  protected resolve: () => void = () => undefined;
  protected reject: (error: Error) => void = () => undefined;

  /** @param bytes are copied */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes.slice();
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever does not look at it is not to be punished for it.
    this.done.catch(() => undefined);
  }

  abstract cancel(): boolean;
}

/** @returns the error of a send whose socket was closed */
export function closedBeforeSent(state: SentState): ClosedError {
  return new ClosedError('the socket was closed before the datagram was sent', state);
}

/**
 * What the sockets have in common that no descriptor stands behind: membership, liveness, counters, and how they end.
 */
export abstract class StandInSocket implements TransportSocket {
  readonly portId: number;
  protected readonly handlers: SocketHandlers;
  protected readonly counts = {
    receivedDatagrams: 0,
    receivedBytes: 0,
    sentDatagrams: 0,
    sentBytes: 0,
    sendErrors: 0,
    overruns: 0,
    truncated: 0,
  };
  protected readonly groups = new Set<number>();
  readonly #alive = new KeepAlive();
  #closed = false;

  constructor(options: SocketOptions, handlers: SocketHandlers, portId: number) {
    this.handlers = handlers;
    this.portId = portId;
    for (let group = 1; group <= 32; group++)
      if ((((options.groups ?? 0) >>> (group - 1)) & 1) === 1) this.groups.add(group);
  }

  get closed(): boolean {
    return this.#closed;
  }

  abstract send(bytes: Uint8Array, to?: { readonly port?: number; readonly groups?: number }): Send;

  /** The socket has just been closed: what is under way is to be settled. */
  protected abstract ended(): void;

  join(group: number): void {
    this.requireOpen('joining a group');
    this.groups.add(group);
  }

  leave(group: number): void {
    this.requireOpen('leaving a group');
    this.groups.delete(group);
  }

  ref(): void {
    if (!this.#closed) this.#alive.ref();
  }

  unref(): void {
    this.#alive.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#alive.unref();
    this.ended();
    // Not inside close(): its caller may be in the middle of something.
    queueMicrotask(() => {
      this.handlers.closed(undefined);
    });
  }

  counters(): SocketCounters {
    return { ...this.counts };
  }

  protected requireOpen(what: string): void {
    if (this.#closed) throw new ClosedError(`${what}: the socket is closed`, 'no');
  }

  protected countSent(bytes: Uint8Array): void {
    this.counts.sentDatagrams++;
    this.counts.sentBytes += bytes.length;
  }

  /** Counts what was received, and hands it out. */
  protected hand(batch: readonly Datagram[]): void {
    this.counts.receivedDatagrams += batch.length;
    for (const { bytes, truncated } of batch) {
      this.counts.receivedBytes += bytes.length;
      if (truncated) this.counts.truncated++;
    }
    this.handlers.datagrams(batch);
  }

  protected tellOverrun(): void {
    this.counts.overruns++;
    this.handlers.overrun();
  }
}
