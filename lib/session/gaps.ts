/**
 * Counts of a driver that start over or jump by more than this are another driver's, not a loss of as many messages.
 */
const LARGEST_JUMP = 4096;
/** Messages are counted before they are sent, each by whatever processor has it: so far may one fall behind others. */
const LARGEST_DELAY = 64;

/**
 * Watches a driver's own count of its broadcasts. They may overtake each other, so a number that is missing is lost only
 * when it has not come by the second {@link GapWatch.tick} after that was seen.
 */
export class GapWatch {
  #highest: number | undefined;
  /** The lowest number that may still come without having been missed; undefined once that time is over. */
  #first: number | undefined;
  readonly #early = new Set<number>();
  readonly #missing = new Set<number>();
  /** What was missing at the last tick. */
  #overdue: readonly number[] = [];
  #ticks = 0;

  /** Numbers that were overtaken and have not come yet. */
  get missing(): number {
    return this.#missing.size;
  }

  /** Whether a tick has something to decide: what is missing, or may come from before the first that was seen. */
  get isUndecided(): boolean {
    return this.#missing.size > 0 || this.#first !== undefined;
  }

  /**
   * @param sequence of the message that came, 32 bits
   * @returns `lost` if it is so far ahead or behind that waiting for what is between is no use
   */
  saw(sequence: number): 'expected' | 'ahead' | 'lost' {
    if (this.#missing.delete(sequence)) return 'expected';
    if (this.#highest === undefined) {
      this.#start(sequence);
      return 'expected';
    }
    const ahead = (sequence - this.#highest) | 0;
    if (ahead === 1) {
      this.#highest = sequence;
      return 'expected';
    }
    if (this.#cameBeforeFirst(sequence)) return 'expected';
    if (ahead <= 0 || ahead > LARGEST_JUMP) {
      this.reset();
      this.#start(sequence);
      return 'lost';
    }
    for (let back = 1; back < ahead; back++) this.#missing.add((sequence - back) >>> 0);
    this.#highest = sequence;
    return 'ahead';
  }

  /** Some time has passed. @returns whether something is lost: it was missing at the last tick, and has not come since */
  tick(): boolean {
    const lost = this.#overdue.some((sequence) => this.#missing.has(sequence));
    if (lost) this.#missing.clear();
    this.#overdue = [...this.#missing];
    if (++this.#ticks > 1) this.#settle();
    return lost;
  }

  /** Whatever was missed is known: the next message is taken as it comes. */
  reset(): void {
    this.#missing.clear();
    this.#overdue = [];
    this.#highest = undefined;
    this.#settle();
  }

  #start(sequence: number): void {
    this.#highest = sequence;
    this.#first = sequence;
    this.#ticks = 0;
  }

  #settle(): void {
    this.#first = undefined;
    this.#early.clear();
  }

  /** The first that was seen may have overtaken others, which were sent before anybody listened to the count. */
  #cameBeforeFirst(sequence: number): boolean {
    if (this.#first === undefined) return false;
    const behind = (this.#first - sequence) | 0;
    if (behind <= 0 || behind > LARGEST_DELAY || this.#early.has(sequence)) return false;
    this.#early.add(sequence);
    return true;
  }
}
