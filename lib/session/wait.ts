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
export async function attempt<T>(
  what: string,
  options: PartOptions,
  begin: (settle: Settle<T>) => Attempt,
): Promise<T> {
  checkWaitOptions(options);
  const { signal, timeoutMs = DEFAULT_TIMEOUT_MS, wholeMs = timeoutMs } = options;
  const deadline = monotonicMs() + timeoutMs;
  const aborted = (sent: SentState): AbortError => abortedError(what, sent, signal);
  if (signal?.aborted === true) throw aborted('no');
  return new Promise<T>((resolve, reject) => {
    let running: Attempt | undefined;
    let settled = false;
    let stopWaiting = (): void => undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const finish = (): boolean => {
      if (settled) return false;
      settled = true;
      if (timer !== undefined) clearTimeout(timer);
      stopWaiting();
      return true;
    };
    const expire = (): void => {
      if (!finish()) return;
      const sent = running?.abandon() ?? 'no';
      reject(timeoutError(what, sent, wholeMs));
    };
    const arm = (): void => {
      const left = deadline - monotonicMs();
      if (left === Infinity) return;
      timer = setTimeout(
        () => {
          if (deadline > monotonicMs()) arm();
          else expire();
        },
        Math.min(Math.max(Math.ceil(left), 0), LONGEST_TIMER_MS),
      );
    };
    if (signal !== undefined) {
      stopWaiting = whenAborted(signal, () => {
        if (finish()) reject(aborted(running?.abandon() ?? 'no'));
      });
    }
    arm();
    const settle: Settle<T> = {
      resolve: (value) => {
        if (finish()) resolve(value);
      },
      reject: (error) => {
        if (finish()) reject(error instanceof Error ? error : new Error(String(error)));
      },
      expire,
      remainingMs: () => deadline - monotonicMs(),
      wholeMs,
    };
    try {
      running = begin(settle);
    } catch (error) {
      settle.reject(error);
    }
  });
}

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
