import type { GenericEvent, ResyncEvent } from '../../drbd';
import { AbortError } from '../../errors';
import type { Context } from '../context';
import { EXIT } from '../errors';

type Item = GenericEvent | ResyncEvent;

/** What is done with a stream. */
export interface Follower {
  /** Reads all that exists and tells of it; {@link reread} does so after a loss, and tells what has changed. */
  read(): Promise<void>;
  reread(reason: ResyncEvent['reason']): Promise<void>;
  take(event: GenericEvent): void;
}

/**
 * Follows a stream until the command is to end. What exists is read once the stream is open, so that nothing falls
 * between; and again after a loss.
 * @returns the exit code
 */
export async function follow(
  stream: AsyncIterableIterator<Item>,
  context: Context,
  follower: Follower,
): Promise<number> {
  const ending = context.io.endSignal();
  try {
    await follower.read();
    for await (const item of stream) {
      if (item.kind === 'event') follower.take(item);
      else {
        if (ending.aborted) break;
        await follower.reread(item.reason);
      }
      if (context.io.stdout.closed) break;
    }
    return EXIT.ok;
  } catch (error) {
    // Told to end, or nobody reads any more: a stream has no other end.
    if (error instanceof AbortError && ending.aborted) return EXIT.ok;
    throw error;
  } finally {
    await stream.return?.();
  }
}
