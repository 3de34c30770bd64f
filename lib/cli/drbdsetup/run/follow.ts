import type { ConnectorEvent, GenericEvent, ResyncEvent } from '../../../drbd';
import { AbortError } from '../../../errors';
import { tell, type Context } from '../../context';
import { EXIT } from '../../errors';
import { formatTimestamp } from '../text/timestamp';
import { printJson } from './print';

type Event = ConnectorEvent | GenericEvent;

/** What is done with a stream. */
export interface Follower<E extends Event> {
  /** Reads all that exists and tells of it; {@link reread} does so after a loss, which has been told. */
  read(): Promise<void>;
  reread(reason: ResyncEvent['reason']): Promise<void>;
  take(event: E): void;
}

/**
 * Follows a stream until the command is to end. What exists is read once the stream is open, so that nothing falls
 * between; and again after a loss.
 * @param key under which JSON tells its events apart
 * @returns the exit code
 */
export async function follow<E extends Event>(
  stream: AsyncIterableIterator<E | ResyncEvent>,
  key: 'event' | 'kind',
  context: Context,
  follower: Follower<E>,
): Promise<number> {
  const ending = context.io.endSignal();
  try {
    await follower.read();
    for await (const item of stream) {
      if (item.kind === 'event') follower.take(item);
      else {
        if (ending.aborted) break;
        tellLoss(item.reason, key, context);
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

const LOSSES: Readonly<Record<ResyncEvent['reason'], string>> = {
  overrun: 'messages were lost, as the buffer of the socket was full',
  gap: 'messages are missing, by the count of the driver',
  queue: 'messages were lost, as this program could not keep up',
  truncated: 'a message was cut off',
  malformed: 'a message could not be read',
  module: 'the driver was unloaded or loaded anew',
};

/** @returns the time of day, in milliseconds since 1970, with a fraction */
export const now = (): number => performance.timeOrigin + performance.now();

/** Tells of a loss on standard error, as no line of these formats is meant for it; and in JSON as an event. */
function tellLoss(reason: ResyncEvent['reason'], key: 'event' | 'kind', context: Context): void {
  const next = key === 'event' ? 'what has changed meanwhile follows' : 'the state follows';
  tell(`${LOSSES[reason]}; ${next}`, context);
  if (context.globals.json) printJson({ [key]: 'resync', reason, timestamp: formatTimestamp(now()) }, context);
}
