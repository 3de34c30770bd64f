/** Time, as the simulated kernel sees it. Nothing in the simulator reads another clock. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** Calls `run` once, `milliseconds` from now. @returns takes it back */
  after(milliseconds: number, run: () => void): () => void;
}

/** setTimeout fires at once beyond this. */
const LONGEST_TIMER_MS = 0x7fffffff;

/** @returns this machine's time. Timers do not keep the process alive. */
export function realClock(): Clock {
  return {
    now: () => performance.now(),
    after: (milliseconds, run) => {
      const due = performance.now() + milliseconds;
      let timer: ReturnType<typeof setTimeout>;
      const arm = (): void => {
        const left = due - performance.now();
        timer = setTimeout(left > LONGEST_TIMER_MS ? arm : run, Math.min(Math.max(left, 0), LONGEST_TIMER_MS));
        timer.unref();
      };
      arm();
      return () => {
        clearTimeout(timer);
      };
    },
  };
}

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time that a test moves: an hour of resync takes as long as it takes to compute. */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, run: () => void): () => void {
    const timer = { due: this.#now + Math.max(0, milliseconds), order: this.#order++, run };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /**
   * Lets `milliseconds` pass: everything that is due meanwhile happens, in order. @throws RangeError on a negative
   * number
   */
  advance(milliseconds: number): void {
    if (!(milliseconds >= 0)) throw new RangeError(`time does not go back: ${milliseconds} ms`);
    const end = this.#now + milliseconds;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.run();
    }
    this.#now = end;
  }

  /**
   * Lets time pass until a condition holds.
   * @param limitMs gives up after so much of this clock's time
   * @returns whether it holds
   */
  advanceUntil(condition: () => boolean, limitMs = 3_600_000): boolean {
    const end = this.#now + limitMs;
    while (!condition()) {
      const next = this.#next(end);
      if (next === undefined) {
        this.#now = end;
        return condition();
      }
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.run();
    }
    return true;
  }

  #next(end: number): Timer | undefined {
    let found: Timer | undefined;
    for (const timer of this.#timers) {
      if (
        timer.due <= end &&
        (found === undefined || timer.due < found.due || (timer.due === found.due && timer.order < found.order))
      )
        found = timer;
    }
    return found;
  }
}
