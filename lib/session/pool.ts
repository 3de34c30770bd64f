import { ClosedError, type SentState } from '../errors';
import { KeyGroups } from './key-groups';
import type { Exchange, RequestSocket } from './request-socket';
import { attempt, type Attempt, type Settle, type PartOptions } from './wait';

interface Waiting {
  readonly key: string | undefined;
  start(socket: RequestSocket): void;
  fail(error: unknown): void;
}

export interface PoolOptions extends PartOptions {
  /** Runs when the request's turn has come, with what is left of its time; if it throws, nothing is sent. */
  readonly before?: (options: PartOptions) => Promise<void>;
}

/**
 * Sockets that carry one request each at a time. A request that sticks in the kernel holds its own socket and no other;
 * those that concern the same thing go one after the other, in the order in which they were asked.
 */
export class SocketPool {
  readonly #open: () => RequestSocket;
  readonly #limit: number;
  /**
   * A socket whose request was given up or refused is worn: a dump may still be running on it, and one of DRBD 8.4 for
   * an unknown resource never ends.
   */
  readonly #closeAfterFailure: boolean;
  readonly #idle: RequestSocket[] = [];
  readonly #all = new Set<RequestSocket>();
  readonly #keys = new KeyGroups();
  readonly #running = new Set<Waiting>();
  #queue: Waiting[] = [];
  #closed = false;

  constructor(open: () => RequestSocket, options: { readonly limit: number; readonly closeAfterFailure: boolean }) {
    this.#open = open;
    this.#limit = options.limit;
    this.#closeAfterFailure = options.closeAfterFailure;
  }

  /**
   * @param keys names of what the request concerns; requests that share one, or whose names are known to stand for the
   *   same thing, never overtake each other
   * @returns what the exchange resolves with
   */
  run<T>(exchange: Exchange<T>, keys: readonly string[], options: PoolOptions): Promise<T> {
    return attempt<T>(exchange.what, options, (settle) =>
      this.#begin(exchange, this.#keys.join(keys), settle, options),
    );
  }

  close(): void {
    this.#closed = true;
    for (const waiting of this.#queue.splice(0))
      waiting.fail(new ClosedError('the client was closed before the request was sent', 'no'));
    for (const socket of this.#all) socket.close();
    this.#all.clear();
    this.#idle.length = 0;
  }

  #begin<T>(
    exchange: Exchange<T>,
    key: string | undefined,
    settle: Settle<T>,
    { before, signal }: PoolOptions,
  ): Attempt {
    if (this.#closed) throw new ClosedError(`the client is closed; ${exchange.what} was not sent`, 'no');
    let running: (Attempt & { readonly sent: SentState; readonly returned: Promise<void> }) | undefined;
    let release = (_worn: boolean): void => undefined;
    let abandoned = false;
    const waiting: Waiting = {
      key,
      fail: (error) => {
        settle.reject(error);
      },
      start: (socket) => {
        let free = false;
        release = (worn) => {
          if (free) return;
          free = true;
          this.#running.delete(waiting);
          if (worn || socket.closed || this.#closed) {
            this.#all.delete(socket);
            socket.close();
          } else this.#idle.push(socket);
          this.#next();
        };
        const begin = (): void => {
          if (abandoned || socket.closed) {
            release(false);
            settle.reject(new ClosedError(`the client was closed before ${exchange.what} was sent`, 'no'));
            return;
          }
          try {
            running = socket.start(exchange, {
              remainingMs: () => settle.remainingMs(),
              wholeMs: settle.wholeMs,
              // Giving up comes back through abandon(), which lets go of the socket.
              expire: () => {
                settle.expire();
              },
              resolve: (value) => {
                release(false);
                settle.resolve(value);
              },
              reject: (error) => {
                release(this.#closeAfterFailure);
                settle.reject(error);
              },
            });
          } catch (error) {
            release(true);
            settle.reject(error);
          }
        };
        if (before === undefined) begin();
        else {
          const timeoutMs = Math.max(0, settle.remainingMs());
          before({ timeoutMs, wholeMs: settle.wholeMs, ...(signal === undefined ? {} : { signal }) }).then(
            begin,
            (error: unknown) => {
              release(false);
              settle.reject(error);
            },
          );
        }
      },
    };
    this.#queue.push(waiting);
    this.#next();
    return {
      abandon: () => {
        const place = this.#queue.indexOf(waiting);
        if (place !== -1) this.#queue.splice(place, 1);
        abandoned = true;
        if (running === undefined) return 'no';
        const sent = running.abandon();
        // A send that sticks keeps its socket, and its key, until the kernel lets it go.
        if (sent === 'started') void running.returned.then(() => release(this.#closeAfterFailure));
        else release(this.#closeAfterFailure && sent !== 'no');
        return sent;
      },
    };
  }

  #next(): void {
    for (let place = 0; place < this.#queue.length;) {
      const waiting = this.#queue[place];
      if (waiting === undefined) return;
      if (this.#isHeldUp(waiting)) {
        place++;
        continue;
      }
      let socket = this.#idle.pop();
      while (socket?.closed === true) {
        this.#all.delete(socket);
        socket = this.#idle.pop();
      }
      if (socket === undefined) {
        if (this.#all.size >= this.#limit) return;
        try {
          socket = this.#open();
        } catch (error) {
          this.#queue.splice(place, 1);
          waiting.fail(error);
          continue;
        }
        this.#all.add(socket);
      }
      this.#queue.splice(place, 1);
      this.#running.add(waiting);
      waiting.start(socket);
    }
    if (this.#running.size === 0) this.#keys.rest();
  }

  /** Which names belong together may have been learned since the others began. */
  #isHeldUp({ key }: Waiting): boolean {
    if (key === undefined) return false;
    for (const running of this.#running)
      if (running.key !== undefined && this.#keys.same(running.key, key)) return true;
    return false;
  }
}
