import { ArgumentError, ClosedError } from '../errors';
import type { Change, Snapshot } from '../model';
import { attempt, type WaitOptions } from '../session';
import type { ChangeOptions } from './follow';

export interface WaitForOptions extends WaitOptions, Pick<ChangeOptions, 'refreshMs'> {}

/** Fewer than a whole state has objects: what a slow predicate misses comes as one difference. */
const QUEUE_LIMIT = 256;

/**
 * Looks at each whole state of a stream of changes, the first one included.
 * @param isClosed whether it was the client's end that ended the stream
 */
export function waitForSnapshot(
  events: (options: ChangeOptions) => AsyncIterable<Change>,
  isClosed: () => boolean,
  predicate: (snapshot: Snapshot) => boolean,
  options: WaitForOptions,
): Promise<Snapshot> {
  if (typeof predicate !== 'function') return Promise.reject(new ArgumentError('predicate', 'a function is needed'));
  const { refreshMs, timeoutMs = Infinity, ...wait } = options;
  return attempt<Snapshot>('waiting for the state', { ...wait, timeoutMs }, (settle) => {
    const stop = new AbortController();
    const watch = async (): Promise<void> => {
      const changes = events({
        signal: stop.signal,
        counters: true,
        queueLimit: QUEUE_LIMIT,
        ...(refreshMs === undefined ? {} : { refreshMs }),
      });
      for await (const change of changes) {
        if (change.more || !predicate(change.snapshot)) continue;
        settle.resolve(change.snapshot);
        return;
      }
      if (isClosed()) throw new ClosedError('the client was closed while a state was waited for', 'no');
      // Only a recording's stream ends by itself: nothing will change any more.
      settle.expire();
    };
    watch().catch((error: unknown) => {
      settle.reject(error);
    });
    return {
      abandon: () => {
        stop.abort();
        // It only ever asks: nothing that was sent changed anything.
        return 'no';
      },
    };
  });
}
