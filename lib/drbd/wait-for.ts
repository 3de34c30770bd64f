import { ArgumentError } from '../errors';
import { attempt, type PartOptions, type WaitOptions } from '../session';
import type { EventOptions } from './client';
import type { Snapshot } from '../model';

/** Counters such as out-of-sync change without a broadcast. */
const POLL_MS = 1000;

interface Source {
  events(options?: EventOptions): AsyncIterableIterator<unknown>;
  status(options?: WaitOptions): Promise<Snapshot>;
}

/** Listens first and reads then, so that no change falls between; after each event, and now and then, reads again. */
export function waitForSnapshot(
  source: Source,
  predicate: (snapshot: Snapshot) => boolean,
  options: WaitOptions,
): Promise<Snapshot> {
  if (typeof predicate !== 'function') return Promise.reject(new ArgumentError('predicate', 'a function is needed'));
  return attempt<Snapshot>('waiting for the state', options, (settle) => {
    const stop = new AbortController();
    let changed = true;
    let over = false;
    let wake = (): void => undefined;
    const part = (): PartOptions => ({
      signal: stop.signal,
      timeoutMs: settle.remainingMs(),
      wholeMs: settle.wholeMs,
    });
    const listen = async (): Promise<void> => {
      for await (const _event of source.events({ signal: stop.signal })) {
        changed = true;
        wake();
      }
      over = true;
    };
    const watch = async (): Promise<Snapshot | undefined> => {
      const listening = listen();
      // The reading loop below tells of the failure; this one must not go unhandled meanwhile.
      listening.catch(() => undefined);
      while (!stop.signal.aborted) {
        changed = false;
        const snapshot = await source.status(part());
        if (predicate(snapshot)) return snapshot;
        if (changed) continue;
        if (over) {
          // Only a recording's stream ends by itself: nothing will change any more.
          settle.expire();
          return undefined;
        }
        let timer: ReturnType<typeof setTimeout> | undefined;
        const tick = new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, POLL_MS);
        });
        try {
          await Promise.race([tick, listening]);
        } finally {
          clearTimeout(timer);
        }
      }
      return undefined;
    };
    watch().then(
      (snapshot) => {
        stop.abort();
        if (snapshot !== undefined) settle.resolve(snapshot);
      },
      (error: unknown) => {
        stop.abort();
        settle.reject(error);
      },
    );
    return {
      abandon: () => {
        stop.abort();
        // It only ever asks: nothing that was sent changed anything.
        return 'no';
      },
    };
  });
}
