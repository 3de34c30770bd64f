import { returnCodes } from '../../dialects/genl1';
import type { Genl1Client } from '../../drbd';
import { KernelError, NetlinkError, UnsupportedError } from '../../errors';
import { byteOrderOf } from '../backend';
import { tell, waitOptions, type Context } from '../context';
import { EXIT } from '../errors';
import type { Target } from './command-line';
import {
  Events2,
  events2Json,
  formatEvents2,
  formatTimestamp,
  type Events2Event,
  type Notification,
  type NotificationSets,
} from './events2';
import { eventToJson, formatEvent, type StateMessage } from './events';
import { follow } from './follow';
import type { StatusReply } from './show';

const ENODEV = 19;
const EOPNOTSUPP = 95;

/**
 * @returns whether a dump was refused because the resource that it was asked about does not exist: the kernel says so
 *   in two ways
 */
export function isUnknownResource(error: unknown): boolean {
  return (
    (error instanceof NetlinkError && error.errno === ENODEV) ||
    (error instanceof KernelError && error.returnCode === returnCodes.ERR_RES_NOT_KNOWN)
  );
}

/** @returns what a request resolves with; undefined where the module is older than the operation */
export async function ifSupported<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === EOPNOTSUPP) return undefined;
    throw error;
  }
}

/** @returns a dump's messages; none where the resource that it was asked about does not exist */
async function ifResourceExists<T>(dump: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await dump;
  } catch (error) {
    if (isUnknownResource(error)) return [];
    throw error;
  }
}

/**
 * Says that something was lost: on standard error, as no line of these formats is meant for it; and in JSON, under the
 * key that tells its events apart.
 */
function tellLoss(reason: string, key: 'event' | 'kind', json: boolean, context: Context): void {
  const { stdout } = context.io;
  tell(`${LOSSES[reason] ?? reason}; what has changed meanwhile follows`, context);
  if (json) stdout.write(`${JSON.stringify({ [key]: 'resync', reason, timestamp: formatTimestamp(now()) })}\n`);
}

const LOSSES: Readonly<Record<string, string>> = {
  overrun: 'messages were lost, as the buffer of the socket was full',
  queue: 'messages were lost, as this program could not keep up',
  truncated: 'a message was cut off',
  malformed: 'a message could not be read',
  module: 'the driver was unloaded or loaded anew',
  gap: 'messages are missing',
};

const now = (): number => performance.timeOrigin + performance.now();

/** Options of `events2`. */
export interface Events2Options {
  readonly now: boolean;
  readonly statistics: boolean;
  readonly timestamps: boolean;
  readonly json: boolean;
}

/** `events2`: what exists, then what changes; after a loss, what has changed meanwhile. */
export async function runEvents2(
  client: Genl1Client,
  target: Target,
  options: Events2Options,
  context: Context,
): Promise<number> {
  const resource = target.kind === 'resource' ? target.name : undefined;
  const { stdout } = context.io;
  const signal = options.now ? undefined : context.io.endSignal();
  const events = new Events2(resource);
  let time: string | undefined;
  const print = (event: Events2Event): void => {
    // All that belongs to one change has one time.
    time ??= formatTimestamp(now());
    if (options.json) stdout.write(`${JSON.stringify(events2Json(event, time))}\n`);
    else
      stdout.write(
        formatEvents2(event, { statistics: options.statistics, timestamp: options.timestamps ? time : undefined }),
      );
    if (!event.continues) time = undefined;
  };
  const initial = async (): Promise<readonly Notification[]> => {
    const replies = await ifSupported(
      client.request(
        'get_initial_state',
        resource === undefined ? {} : { context: { ctx_resource_name: resource } },
        waitOptions(context, signal),
      ),
    );
    if (replies === undefined) {
      const { version } = client.driver;
      throw new UnsupportedError(
        `events2 needs DRBD 8.4.6${version === null ? '' : `; the loaded module is ${version}`}. Use events`,
        { feature: 'events2', dialect: 'genl1', requires: 'DRBD 8.4.6' },
      );
    }
    return replies.map(({ name, minor, ...sets }) => ({
      name,
      minor,
      sequence: undefined,
      sets: sets as NotificationSets,
    }));
  };
  const show = (notification: Notification): void => {
    const event = events.take(notification);
    if (event !== undefined && !(options.now && event.action !== 'exists')) print(event);
  };

  const read = async (): Promise<void> => {
    let exists = resource === undefined;
    for (const notification of await initial()) {
      exists ||= notification.sets.context?.ctx_resource_name === resource;
      show(notification);
    }
    // A stream waits for what is to come; `exists -` says that there is nothing yet.
    if (!exists && options.now) tell('there is no such resource', context);
  };
  if (signal === undefined) {
    await read();
    return EXIT.ok;
  }
  return follow(client.broadcasts({ signal }), context, {
    read,
    reread: async (reason) => {
      if (reason === 'module') events.forgetSequence();
      time = undefined;
      tellLoss(reason, 'event', options.json, context);
      for (const event of events.resync(await stateOrNone(initial))) print(event);
    },
    take: ({ name, minor, sequence, sets }) => {
      // What only the older events format has is counted apart.
      const known = sets as NotificationSets;
      if (known.drbd_notification_header !== undefined) show({ name, minor, sequence, sets: known });
    },
  });
}

/** Where the module is gone, so is all that existed; an older one in its place has events of its own. */
async function stateOrNone(initial: () => Promise<readonly Notification[]>): Promise<readonly Notification[]> {
  try {
    return await initial();
  } catch (error) {
    if (error instanceof UnsupportedError) return [];
    throw error;
  }
}

/** `events`: the states of all devices, then what the kernel broadcasts; after a loss, the states again. */
export async function runEvents(client: Genl1Client, target: Target, json: boolean, context: Context): Promise<number> {
  const { stdout } = context.io;
  const signal = context.io.endSignal();
  let asked = 0;
  const order = byteOrderOf(context.backend);
  const print = (message: StateMessage): void => {
    stdout.write(json ? `${JSON.stringify(eventToJson(message, order))}\n` : formatEvent(message, order));
  };
  const wanted = (minor: number | undefined, resource: string | undefined): boolean =>
    target.kind === 'minor' ? target.minor === minor : target.kind !== 'resource' || target.name === resource;
  const read = async (): Promise<void> => {
    asked++;
    const replies = await statusOf(client, target, context, signal);
    if (replies.length === 0) tellMissing(target, context);
    for (const { minor, infoText, ...sets } of replies) print({ minor, sequence: asked, sets, infoText });
  };

  return follow(client.broadcasts({ signal }), context, {
    read,
    reread: async (reason) => {
      tellLoss(reason, 'kind', json, context);
      try {
        await read();
      } catch (error) {
        // Where the module is gone, so is all that there was.
        if (!(error instanceof UnsupportedError)) throw error;
      }
    },
    take: ({ minor, sequence, sets }) => {
      const known = sets as StateMessage['sets'];
      if (known.context === undefined || wanted(minor, known.context.ctx_resource_name))
        print({ minor, sequence, sets: known });
    },
  });
}

/** A stream waits for what does not exist yet, as the C tool's does; but not in silence. */
function tellMissing(target: Target, context: Context): void {
  if (target.kind === 'resource' || target.kind === 'minor')
    tell(`there is no such ${target.kind}; ${context.command ?? 'this'} tells of it only once it is created`, context);
}

/** @returns the answers of get_status about what a command is about; none where it does not exist */
export async function statusOf(
  client: Genl1Client,
  target: Target,
  context: Context,
  signal?: AbortSignal,
): Promise<readonly StatusReply[]> {
  const wait = waitOptions(context, signal);
  if (target.kind !== 'minor')
    return ifResourceExists(
      client.request(
        'get_status',
        target.kind === 'resource' ? { context: { ctx_resource_name: target.name } } : {},
        wait,
      ),
    );
  try {
    return [{ name: 'get_status', ...(await client.request('get_status', { minor: target.minor }, wait)) }];
  } catch (error) {
    if (error instanceof KernelError && error.returnCode === returnCodes.ERR_MINOR_INVALID) return [];
    throw error;
  }
}
