import { ClosedError, type SentState } from '../errors';
import type { Exchange, RequestSocket } from './request-socket';
import { attempt, type Attempt, type Settle, type WaitOptions } from './wait';

interface Waiting {
  readonly key: string | undefined;
  start(socket: RequestSocket): void;
  fail(error: unknown): void;
}

/**
 * Sockets that carry one request each at a time. A request that sticks in the kernel holds its own socket and no other;
 * those with the same key go one after the other, in the order in which they were asked.
 */
export class SocketPool {
  readonly #open: () => RequestSocket;
  readonly #limit: number;
  /** A socket whose request was given up or refused is worn: a dump may still be running on it, and one of DRBD 8.4 for an unknown resource never ends. */
  readonly #closeAfterFailure: boolean;
  readonly #idle: RequestSocket[] = [];
  readonly #all = new Set<RequestSocket>();
  readonly #busyKeys = new Set<string>();
  #queue: Waiting[] = [];
  #closed = false;

  constructor(open: () => RequestSocket, options: { readonly limit: number; readonly closeAfterFailure: boolean }) {
    this.#open = open;
    this.#limit = options.limit;
    this.#closeAfterFailure = options.closeAfterFailure;
  }

  /**
   * @param key what the request concerns; requests with the same one never overtake each other
   * @returns what the exchange resolves with
   */
  run<T>(exchange: Exchange<T>, key: string | undefined, options: WaitOptions): Promise<T> {
    return attempt<T>(exchange.what, options, (settle) => this.#begin(exchange, key, settle));
  }

  close(): void {
    this.#closed = true;
    for (const waiting of this.#queue.splice(0)) waiting.fail(new ClosedError('the client was closed before the request was sent', 'no'));
    for (const socket of this.#all) socket.close();
    this.#all.clear();
    this.#idle.length = 0;
  }

  #begin<T>(exchange: Exchange<T>, key: string | undefined, settle: Settle<T>): Attempt {
    if (this.#closed) throw new ClosedError(`the client is closed; ${exchange.what} was not sent`, 'no');
    let running: (Attempt & { readonly sent: SentState; readonly returned: Promise<void> }) | undefined;
    let release = (_worn: boolean): void => undefined;
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
          if (key !== undefined) this.#busyKeys.delete(key);
          if (worn || socket.closed || this.#closed) {
            this.#all.delete(socket);
            socket.close();
          } else this.#idle.push(socket);
          this.#next();
        };
        try {
          running = socket.start(exchange, {
            remainingMs: () => settle.remainingMs(),
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
      },
    };
    this.#queue.push(waiting);
    this.#next();
    return {
      abandon: () => {
        const place = this.#queue.indexOf(waiting);
        if (place !== -1) this.#queue.splice(place, 1);
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
    for (let place = 0; place < this.#queue.length; ) {
      const waiting = this.#queue[place];
      if (waiting === undefined) return;
      if (waiting.key !== undefined && this.#busyKeys.has(waiting.key)) {
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
      if (waiting.key !== undefined) this.#busyKeys.add(waiting.key);
      waiting.start(socket);
    }
  }
}
