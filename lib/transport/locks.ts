import { setTimeout as sleep } from 'node:timers/promises';
import { AbortError, ArgumentError, LockedError } from '../errors';
import { calling, loadAddon } from './addon';
import { monotonicMs } from './clock';

/** A file that this process has locked. */
export interface FileLock {
  readonly path: string;
  /** Lets go. Idempotent. */
  release(): void;
}

export interface LockOptions {
  /** How long to wait for whoever has it, in milliseconds; 0, as if absent, tries once. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The kernel has no way to wait for a POSIX lock with a deadline but a thread that blocks. */
const RETRY_MS = 20;

/** setTimeout() takes no more, and makes 1 of it. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Who waits for a path, each behind the one before: the first of them tries. */
const queues = new Map<string, Promise<void>>();

/**
 * Locks a whole file for writing, by a POSIX record lock, as drbdsetup and drbdmeta do: they see this process as its
 * holder. The file is made if it is not there. Callers within the process, workers included, exclude each other too. A
 * process that ends lets go. Whoever opens and closes the file in this process by other means takes the lock away: the
 * kernel's rule for these locks.
 * @throws LockedError that names the holder's pid when the time is over; AbortError; TransportError if the file cannot
 *   be opened; ArgumentError
 */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<FileLock> {
  const { timeoutMs = 0, signal } = options;
  if (!(timeoutMs >= 0))
    throw new ArgumentError('timeoutMs', `${timeoutMs} is no time to wait; it is in milliseconds, from 0`);
  const deadline = monotonicMs() + timeoutMs;
  const before = queues.get(path);
  let leave: () => void = () => undefined;
  const turn = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const mine = (before ?? Promise.resolve()).then(() => turn);
  queues.set(path, mine);
  try {
    if (before !== undefined) await withDeadline(before, deadline, signal);
    for (;;) {
      if (signal?.aborted === true)
        throw new AbortError(`waiting for the lock ${path} was aborted`, 'no', signal.reason);
      const result = calling(`locking ${path}`, () => loadAddon().tryLock(path));
      if ('id' in result) return new HeldLock(path, result.id);
      const left = deadline - monotonicMs();
      if (left <= 0) {
        // 0 or below: a process of another PID namespace, or a lock that no process has.
        const { holder } = result;
        throw new LockedError(path, holder > 0 ? holder : undefined, timeoutMs);
      }
      await pause(Math.min(RETRY_MS, left), signal);
    }
  } finally {
    leave();
    if (queues.get(path) === mine) queues.delete(path);
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(Math.min(Math.max(ms, 0), LONGEST_TIMEOUT_MS), undefined, signal === undefined ? {} : { signal });
  } catch {
    // Aborted: the caller looks at the signal.
  }
}

/** Waits for whoever is in front, but not beyond the deadline. */
async function withDeadline(before: Promise<void>, deadline: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return;
  const stop = new AbortController();
  const abort = (): void => {
    stop.abort();
  };
  signal?.addEventListener('abort', abort, { once: true });
  await Promise.race([before, pause(deadline - monotonicMs(), stop.signal)]);
  signal?.removeEventListener('abort', abort);
  abort();
}

class HeldLock implements FileLock {
  readonly path: string;
  #id: number | undefined;

  constructor(path: string, id: number) {
    this.path = path;
    this.#id = id;
  }

  release(): void {
    if (this.#id === undefined) return;
    loadAddon().unlock(this.#id);
    this.#id = undefined;
  }
}
