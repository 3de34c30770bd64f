import { AbortError, ArgumentError, TimeoutError, type SentState } from '../errors';
import { whenAborted } from './abort';
import { monotonicMs } from '../transport/clock';

/** The last argument of everything that waits. */
export interface WaitOptions {
  /** Gives up when it fires: the promise rejects with an AbortError whose `cause` is the signal's reason. */
  readonly signal?: AbortSignal;
  /** Limit in milliseconds from the call on, whatever arrives meanwhile; Infinity for none. */
  readonly timeoutMs?: number;
}

/** A wait that is one part of a longer one. */
export interface PartOptions extends WaitOptions {
  /** The limit that the caller gave for the whole, which errors name; `timeoutMs` is what is left of it. */
  readonly wholeMs?: number;
}

/** The limit where none is given, in milliseconds: an attach may read a large bitmap before it answers. */
export const DEFAULT_TIMEOUT_MS = 120_000;

/** setTimeout fires at once beyond this. */
export const LONGEST_TIMER_MS = 0x7fffffff;

/** @returns what is left of the time of something that takes several requests, for each of them anew */
export function remainingOf({ signal, timeoutMs, wholeMs = timeoutMs }: PartOptions): () => PartOptions {
  const end = timeoutMs === undefined ? undefined : monotonicMs() + timeoutMs;
  return () => ({
    ...(signal === undefined ? {} : { signal }),
    ...(end === undefined ? {} : { timeoutMs: Math.max(0, end - monotonicMs()) }),
    ...(wholeMs === undefined ? {} : { wholeMs }),
  });
}

/** Something under way that its caller may give up. */
export interface Attempt {
  /** Stops it: nothing of it is sent afterwards. @returns how far it had come */
  abandon(): SentState;
}

/** How an attempt ends by itself. Calls after the first are ignored. */
export interface Settle<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
  /** Gives up as if the time were over: what is waited for is known never to come. */
  expire(): void;
  /** Milliseconds left; Infinity without a limit. */
  remainingMs(): number;
  /** The limit that the caller gave. */
  readonly wholeMs: number;
}

/** @throws ArgumentError if the limit is not a number of milliseconds */
export function checkWaitOptions(options: WaitOptions): void {
  const { timeoutMs } = options;
  if (timeoutMs !== undefined && (typeof timeoutMs !== 'number' || Number.isNaN(timeoutMs) || timeoutMs < 0)) {
    throw new ArgumentError('timeoutMs', `a number of milliseconds from 0 up is needed, not ${String(timeoutMs)}`);
  }
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal))
    throw new ArgumentError('signal', 'an AbortSignal is needed');
}

/**
 * Runs an attempt under one absolute deadline and one signal.
 * @param what the attempt is, in words for errors
 * @param begin starts it; it settles through its argument
 * @throws TimeoutError, AbortError (as rejections), and what the attempt rejects with
 */
export function attempt<T>(what: string, options: PartOptions, begin: (settle: Settle<T>) => Attempt): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    checkWaitOptions(options);
    new Attempting(what, options, resolve, reject).begin(begin);
  });
}

class Attempting<T> implements Settle<T> {
  readonly wholeMs: number;
  /** On the clock of monotonicMs(). */
  readonly deadline: number;
  readonly #what: string;
  readonly #signal: AbortSignal | undefined;
  readonly #fulfil: (value: T) => void;
  readonly #fail: (error: Error) => void;
  #running: Attempt | undefined;
  #settled = false;
  #stopWaiting: (() => void) | undefined;

  constructor(what: string, options: PartOptions, fulfil: (value: T) => void, fail: (error: Error) => void) {
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS, wholeMs = timeoutMs } = options;
    this.#what = what;
    this.#signal = signal;
    this.#fulfil = fulfil;
    this.#fail = fail;
    this.wholeMs = wholeMs;
    this.deadline = timeoutMs === Infinity ? Infinity : monotonicMs() + timeoutMs;
  }

  begin(begin: (settle: Settle<T>) => Attempt): void {
    const signal = this.#signal;
    if (signal !== undefined) {
      if (signal.aborted) {
        this.#fail(abortedError(this.#what, 'no', signal));
        return;
      }
      this.#stopWaiting = whenAborted(signal, () => {
        if (this.#finish()) this.#fail(abortedError(this.#what, this.#running?.abandon() ?? 'no', signal));
      });
    }
    if (this.deadline !== Infinity) deadlines.add(this);
    try {
      this.#running = begin(this);
    } catch (error) {
      this.reject(error);
    }
  }

  resolve(value: T): void {
    if (this.#finish()) this.#fulfil(value);
  }

  reject(error: unknown): void {
    if (this.#finish()) this.#fail(error instanceof Error ? error : new Error(String(error)));
  }

  expire(): void {
    if (this.#finish()) this.#fail(timeoutError(this.#what, this.#running?.abandon() ?? 'no', this.wholeMs));
  }

  remainingMs(): number {
    return this.deadline - monotonicMs();
  }

  #finish(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    if (this.deadline !== Infinity) deadlines.delete(this);
    this.#stopWaiting?.();
    return true;
  }
}

/** What ends at a time of its own. */
interface Expiring {
  readonly deadline: number;
  expire(): void;
}

/** The deadlines of all that waits, and one timer for them: nearly everything ends long before. */
class Deadlines {
  readonly #all = new Set<Expiring>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer fires. */
  #at = Infinity;

  add(one: Expiring): void {
    // A timer that has outlived what it was for may still serve; it keeps no process alive meanwhile.
    if (this.#all.size === 0) {
      if (this.#at <= monotonicMs()) this.#disarm();
      this.#timer?.ref();
    }
    this.#all.add(one);
    if (one.deadline < this.#at) this.#arm(one.deadline);
  }

  delete(one: Expiring): void {
    if (this.#all.delete(one) && this.#all.size === 0) this.#timer?.unref();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Infinity;
  }

  #arm(deadline: number): void {
    this.#disarm();
    this.#at = deadline;
    const left = Math.min(Math.max(Math.ceil(deadline - monotonicMs()), 0), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#fire();
    }, left);
  }

  #fire(): void {
    this.#disarm();
    const now = monotonicMs();
    const due = [...this.#all].filter(({ deadline }) => deadline <= now);
    // In the order of their times, as timers of their own would.
    due.sort((a, b) => a.deadline - b.deadline);
    for (const one of due) one.expire();
    let next = Infinity;
    for (const { deadline } of this.#all) next = Math.min(next, deadline);
    if (next < this.#at) this.#arm(next);
  }
}

const deadlines = new Deadlines();

/** @param what was given up, in words */
export function abortedError(what: string, sent: SentState, signal: AbortSignal | undefined): AbortError {
  return new AbortError(`${what} was aborted${spell(sent)}`, sent, signal?.reason);
}

/** @param what was not answered, in words; @param wholeMs the limit that the caller gave */
export function timeoutError(what: string, sent: SentState, wholeMs: number): TimeoutError {
  return new TimeoutError(
    `${what}: no answer ${wholeMs === Infinity ? 'came, and none will' : `within ${wholeMs} ms`}${spell(sent)}`,
    wholeMs,
    sent,
  );
}

/** What a caller must know of a request that it gave up. */
function spell(sent: SentState): string {
  switch (sent) {
    case 'no':
      return ', and it was never sent';
    case 'started':
      return '; the kernel still works on it and may yet carry it out';
    case 'returned':
      return '; the kernel took it and may have carried it out: read the state';
  }
}
