/** So many are held back at most; a stream that skips this far has lost something. */
const MOST_HELD = 256;

/**
 * Puts the messages of one count into its order. One that comes too early waits for those before it, until they come or
 * are known to be lost; nothing is dropped.
 */
export class SequenceOrder<T> {
  readonly #held = new Map<number, T>();
  #next: number | undefined;

  /** @returns what may go on, in order */
  add(sequence: number, item: T): readonly T[] {
    const distance = this.#next === undefined ? 0 : (sequence - this.#next) | 0;
    if (distance > 0) {
      this.#held.set(sequence, item);
      return this.#held.size > MOST_HELD ? this.#releaseHeld() : [];
    }
    // One from before the first that was seen goes on where it comes.
    if (distance === 0) this.#next = (sequence + 1) >>> 0;
    return [item, ...this.#release()];
  }

  /** Nothing is waited for any more. @returns what was held back, in order; the count begins anew */
  flush(): readonly T[] {
    const rest = this.#releaseHeld();
    this.#next = undefined;
    return rest;
  }

  #release(): T[] {
    const released: T[] = [];
    while (this.#next !== undefined) {
      const item = this.#held.get(this.#next);
      if (item === undefined) break;
      this.#held.delete(this.#next);
      this.#next = (this.#next + 1) >>> 0;
      released.push(item);
    }
    return released;
  }

  #releaseHeld(): T[] {
    const released: T[] = [];
    while (this.#held.size > 0) {
      const from = this.#next ?? 0;
      [this.#next] = [...this.#held.keys()].sort((a, b) => ((a - from) | 0) - ((b - from) | 0));
      released.push(...this.#release());
    }
    return released;
  }
}
