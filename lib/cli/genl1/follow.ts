import { setImmediate as turn } from 'node:timers/promises';
import type { GenericEvent, ResyncEvent } from '../../drbd';
import { AbortError } from '../../errors';
import type { Context } from '../context';
import { EXIT } from '../errors';

type Item = GenericEvent | ResyncEvent;

/**
 * Turns of the event loop in which nothing came. Each looks at the sockets: what the kernel kept from before a loss has been received then. How
 * long that takes says nothing, as a process may be held up.
 */
const SETTLE_TURNS = 3;
/** More than the kernel and this process keep of a stream: what comes beyond is not from before the loss. */
const MOST_OLDER = 16_384;

/** What is done with a stream. */
export interface Follower {
  /** Reads all that exists and tells of it; {@link reread} does so after a loss, and tells what has changed. */
  read(): Promise<void>;
  reread(reason: ResyncEvent['reason']): Promise<void>;
  take(event: GenericEvent): void;
}

/**
 * Follows a stream until the command is to end. What exists is read once the stream is open, so that nothing falls between; and again after a loss.
 * Messages that were sent before a loss, and come after word of it, are dropped: what is read then is newer, and what would have come between is lost.
 * @returns the exit code
 */
export async function follow(stream: AsyncIterableIterator<Item>, context: Context, follower: Follower): Promise<number> {
  const ending = context.io.endSignal();
  const source = new Source(stream);
  try {
    await follower.read();
    for (let result = await source.next(); result.done !== true; result = await source.next()) {
      const item = result.value;
      if (item.kind === 'event') follower.take(item);
      else {
        await source.settle();
        await follower.reread(item.reason);
      }
      if (context.io.stdout.closed) break;
    }
    return EXIT.ok;
  } catch (error) {
    // Told to end, or nobody reads any more: a stream has no other end.
    if (error instanceof AbortError && ending.aborted) return EXIT.ok;
    throw error;
  } finally {
    await source.close();
  }
}

/** A stream whose next item may be waited for without being taken. */
class Source {
  readonly #stream: AsyncIterableIterator<Item>;
  #next: Promise<IteratorResult<Item>> | undefined;

  constructor(stream: AsyncIterableIterator<Item>) {
    this.#stream = stream;
  }

  async next(): Promise<IteratorResult<Item>> {
    const result = await (this.#next ?? this.#stream.next());
    this.#next = undefined;
    return result;
  }

  /** Drops what has come so far. */
  async settle(): Promise<void> {
    let dropped = 0;
    for (let quiet = 0; quiet < SETTLE_TURNS && dropped < MOST_OLDER; ) {
      this.#next ??= this.#stream.next();
      const result = await Promise.race([this.#next, turn()]);
      if (result === undefined) quiet++;
      // The end, and a failure, are for next() to tell.
      else if (result.done === true) return;
      else {
        this.#next = undefined;
        quiet = 0;
        dropped++;
      }
    }
  }

  async close(): Promise<void> {
    this.#next?.catch(() => undefined);
    await this.#stream.return?.();
  }
}
