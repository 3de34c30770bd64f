import { setImmediate as turn } from 'node:timers/promises';

/**
 * Turns of the event loop in which nothing came. Each looks at the sockets: what the kernel kept from before a loss has
 * been received then. How long that takes says nothing, as a process may be held up.
 */
const SETTLE_TURNS = 3;
/** More than the kernel and this process keep of a stream: what comes beyond is not from before the loss. */
const MOST_OLDER = 16_384;

const OVER = { done: true } as const;

/** A stream whose next item may be waited for without being taken. */
export class Source<T> {
  readonly #stream: AsyncIterator<T>;
  #next: Promise<IteratorResult<T>> | undefined;

  constructor(stream: AsyncIterator<T>) {
    this.#stream = stream;
  }

  async next(): Promise<IteratorResult<T>> {
    const result = await (this.#next ?? this.#stream.next());
    this.#next = undefined;
    return result;
  }

  /** Takes what has come so far: after word of a loss, that is from before it, and older than what is read then. */
  async settle(): Promise<readonly T[]> {
    const older: T[] = [];
    for (let quiet = 0; quiet < SETTLE_TURNS && older.length < MOST_OLDER;) {
      this.#next ??= this.#stream.next();
      // The end, and a failure, are for next() to tell, behind what has come before them.
      const result = await Promise.race([this.#next, turn()]).catch(() => OVER);
      if (result === undefined) quiet++;
      else if (result.done === true) break;
      else {
        this.#next = undefined;
        quiet = 0;
        older.push(result.value);
      }
    }
    return older;
  }

  async close(): Promise<void> {
    const pending = this.#next;
    const returned = this.#stream.return?.();
    if (pending === undefined) {
      await returned;
      return;
    }
    // A generator comes to its end only after what it was asked for last, which may never come: nobody waits for
    // either.
    pending.catch(() => undefined);
    returned?.catch(() => undefined);
  }
}

/**
 * Puts word of a loss behind the messages from before it, which the kernel hands out after it: whoever reads the state
 * then has read the newest last. Losses in a row are one.
 */
export async function* lossLast<T extends { readonly kind: string }>(stream: AsyncIterator<T>): AsyncGenerator<T> {
  const source = new Source(stream);
  try {
    for (let result = await source.next(); result.done !== true; result = await source.next()) {
      const item = result.value;
      if (item.kind === 'resync') yield* (await source.settle()).filter(({ kind }) => kind === 'event');
      yield item;
    }
  } finally {
    await source.close();
  }
}
