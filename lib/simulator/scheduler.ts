import type { Clock } from './clock';

/** What a kernel thread sleeps on: a condition, a time, or both (whichever comes first). */
export interface Wait {
  readonly until?: () => boolean;
  readonly milliseconds?: number;
}

/** A kernel thread, or what runs in one: it sleeps where it yields. */
export type Process<T = void> = Generator<Wait, T, void>;

/** Threads take turns at one moment; more turns than this are threads that wake each other for ever. */
const MOST_STEPS = 1_000_000;

interface Sleeper {
  readonly wait: Wait;
  readonly process: Process<unknown>;
  readonly done: ((value: unknown) => void) | undefined;
  cancelTimer: (() => void) | undefined;
}

/**
 * Runs the threads of one simulated kernel, one at a time, in a fixed order: the same requests at the same times give
 * the same result. Nothing runs between two calls from outside except when a timer of the clock fires.
 */
export class Scheduler {
  readonly clock: Clock;
  readonly #ready: (() => void)[] = [];
  readonly #sleepers = new Set<Sleeper>();
  #running = false;
  #stopped = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Starts a thread. @param done gets what it returns */
  spawn<T>(process: Process<T>, done?: (value: T) => void): void {
    this.#ready.push(() => {
      this.#step(process, done as ((value: unknown) => void) | undefined);
    });
    this.run();
  }

  /** Runs something soon, behind what is ready already. */
  post(task: () => void): void {
    this.#ready.push(task);
    this.run();
  }

  /** Something that threads may sleep on has changed from outside. */
  run(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    let steps = 0;
    try {
      do {
        for (let task = this.#ready.shift(); task !== undefined; task = this.#ready.shift()) {
          if (++steps > MOST_STEPS)
            throw new Error(`the simulated kernel does not come to rest at ${this.clock.now()} ms`);
          task();
        }
        this.#wake();
      } while (this.#ready.length > 0);
    } finally {
      this.#running = false;
    }
  }

  /** Whether nothing could run now. */
  get idle(): boolean {
    return this.#ready.length === 0 && !this.#running;
  }

  /** Ends everything: no thread takes another step. */
  stop(): void {
    this.#stopped = true;
    this.#ready.length = 0;
    for (const sleeper of this.#sleepers) sleeper.cancelTimer?.();
    this.#sleepers.clear();
  }

  #step(process: Process<unknown>, done: ((value: unknown) => void) | undefined): void {
    if (this.#stopped) return;
    const result = process.next();
    if (result.done === true) {
      done?.(result.value);
      return;
    }
    const wait = result.value;
    const sleeper: Sleeper = { wait, process, done, cancelTimer: undefined };
    this.#sleepers.add(sleeper);
    if (wait.milliseconds !== undefined) {
      sleeper.cancelTimer = this.clock.after(wait.milliseconds, () => {
        sleeper.cancelTimer = undefined;
        this.#awake(sleeper);
        this.run();
      });
    }
  }

  #wake(): void {
    for (const sleeper of [...this.#sleepers]) if (sleeper.wait.until?.() === true) this.#awake(sleeper);
  }

  #awake(sleeper: Sleeper): void {
    if (!this.#sleepers.delete(sleeper)) return;
    sleeper.cancelTimer?.();
    this.#ready.push(() => {
      this.#step(sleeper.process, sleeper.done);
    });
  }
}

/** A lock that threads queue for. */
export class Mutex {
  #held = false;

  *lock(): Process {
    while (this.#held) yield { until: () => !this.#held };
    this.#held = true;
  }

  unlock(): void {
    this.#held = false;
  }
}
