/**
 * Counts of a driver that start over or jump by more than this are another driver's, not a loss of as many messages.
 */
const LARGEST_JUMP = 4096;

/**
 * Watches a driver's own count of its broadcasts. They may overtake each other, so a number that is missing is lost
 * only when it has not come by the time that {@link expire} is called.
 */
export class GapWatch {
  #highest: number | undefined;
  readonly #missing = new Set<number>();

  /** Numbers that were overtaken and have not come yet. */
  get missing(): number {
    return this.#missing.size;
  }

  /**
   * @param sequence of the message that came, 32 bits
   * @returns `lost` if it is so far ahead or behind that waiting for what is between is no use
   */
  saw(sequence: number): 'expected' | 'ahead' | 'lost' {
    if (this.#missing.delete(sequence)) return 'expected';
    const ahead = this.#highest === undefined ? 1 : (sequence - this.#highest) | 0;
    if (ahead === 1) {
      this.#highest = sequence;
      return 'expected';
    }
    if (ahead <= 0 || ahead > LARGEST_JUMP) {
      this.reset();
      this.#highest = sequence;
      return 'lost';
    }
    for (let back = 1; back < ahead; back++) this.#missing.add((sequence - back) >>> 0);
    this.#highest = sequence;
    return 'ahead';
  }

  /** Gives up on what is missing. @returns whether anything was */
  expire(): boolean {
    const lost = this.#missing.size > 0;
    this.#missing.clear();
    return lost;
  }

  /** Whatever was missed is known: the next message is taken as it comes. */
  reset(): void {
    this.#missing.clear();
    this.#highest = undefined;
  }
}
