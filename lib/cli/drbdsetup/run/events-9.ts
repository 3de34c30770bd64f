import type { Genl2Client, ResyncEvent } from '../../../drbd';
import { UnsupportedError } from '../../../errors';
import { tell, waitOptions, type Context } from '../../context';
import { EXIT } from '../../errors';
import { formatTimestamp } from '../text/timestamp';
import { follow, now } from './follow';
import { machineOf } from '../text/address';
import { Events9, type Event9, type Notification9, type NotificationSets9 } from '../text/events2-9';
import type { Call } from '../../line/call';
import { namesOf } from './names-9';

/** `events2`: what exists, then what changes; after a loss, what has changed meanwhile. */
export async function runEvents9(client: Genl2Client, call: Call, context: Context): Promise<number> {
  const { plain } = call;
  const { resource } = namesOf(call);
  const { io, globals } = context;
  const { stdout } = io;
  const json = globals.json || plain.has('json');
  const color = plain.get('color') ?? 'never';
  const full = plain.has('full');
  const once = plain.has('now');
  const poll = plain.has('poll');
  const signal = once && !poll ? undefined : io.endSignal();
  const events = new Events9(resource, {
    statistics: full || plain.has('statistics'),
    verbose: (plain.has('statistics') ? 1 : 0) + (full ? 1 : 0),
    full,
    diff: plain.has('diff'),
    color: color === 'always' || color === '' || (color === 'auto' && stdout.isTerminal),
    machine: machineOf(context.backend),
  });

  /** @param time that of the message which made it all */
  const print = (list: readonly Event9[], time: string): void => {
    for (const event of list)
      stdout.write(
        json
          ? `${JSON.stringify({ ...event.json(), timestamp: time })}\n`
          : `${plain.has('timestamps') ? `${time} ` : ''}${event.text}\n`,
      );
  };
  const show = (notification: Notification9): void => {
    const time = formatTimestamp(now());
    const { skipped, events: list } = events.take(notification);
    if (skipped !== 0 && !json) stdout.write(`${plain.has('timestamps') ? `${time} ` : ''}- skipped ${skipped}\n`);
    print(list, time);
  };
  const initial = async (): Promise<readonly Notification9[]> => {
    const place = resource === undefined ? {} : { context: { ctx_resource_name: resource } };
    const replies = await client.request('get_initial_state', place, waitOptions(context, signal));
    return replies.map(({ name, minor, ...sets }) => ({
      name,
      minor,
      sequence: undefined,
      sets: sets as NotificationSets9,
    }));
  };
  const read = async (): Promise<void> => {
    let exists = resource === undefined;
    for (const notification of await initial()) {
      exists ||= notification.sets.context?.ctx_resource_name === resource;
      show(notification);
    }
    // A stream waits for what is to come; `exists -` says that there is nothing yet.
    if (!exists) tell('there is no such resource', context);
  };
  const reread = async (reason: ResyncEvent['reason']): Promise<void> => {
    if (reason === 'module') events.forgetSequence();
    print(events.resync(await stateOrNone(initial)), formatTimestamp(now()));
  };

  if (once) {
    await read();
    if (poll)
      await forEachQuestion(context, async () => {
        events.reset();
        await read();
      });
    return EXIT.ok;
  }
  const stop = new AbortController();
  const ended = AbortSignal.any([stop.signal, ...(signal === undefined ? [] : [signal])]);
  const following = follow(client.broadcasts({ signal: ended }), 'event', context, {
    read: async () => {
      await read();
      if (!poll) return;
      // Whoever asks may end the stream, too.
      void forEachQuestion(context, async () => {
        events.update();
        for (const notification of await initial()) show(notification);
      }).then(
        () => {
          stop.abort();
        },
        () => {
          stop.abort();
        },
      );
    },
    reread,
    take: ({ name, minor, sequence, sets }) => {
      const known = sets as NotificationSets9;
      if (known.drbd_notification_header !== undefined) show({ name, minor, sequence, sets: known });
    },
  });
  try {
    return await following;
  } catch (error) {
    if (stop.signal.aborted) return EXIT.ok;
    throw error;
  }
}

/** Reads standard input: an `n` asks again, line ends say nothing, all else ends it, and so does its end. */
async function forEachQuestion({ io }: Context, answer: () => Promise<void>): Promise<void> {
  for await (const part of io.stdin())
    for (const letter of Buffer.from(part).toString('latin1')) {
      if (letter === 'n') await answer();
      else if (letter !== '\n') return;
    }
}

/** Where the module is gone, so is all that existed. */
async function stateOrNone(initial: () => Promise<readonly Notification9[]>): Promise<readonly Notification9[]> {
  try {
    return await initial();
  } catch (error) {
    if (error instanceof UnsupportedError) return [];
    throw error;
  }
}
