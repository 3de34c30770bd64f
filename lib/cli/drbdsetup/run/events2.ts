import { Fold, noticeOf, State, type Client, type Delta, type Genl1Client, type Step } from '../../../drbd';
import { UnsupportedError } from '../../../errors';
import { byteOrderOf } from '../../backend';
import { tell, waitOptions, type Context } from '../../context';
import { EXIT } from '../../errors';
import type { Call } from '../../line/call';
import { events2ToJson, formatChanges, formatEvents2, type Events2Event } from '../text/events2';
import { formatTimestamp } from '../text/timestamp';
import { follow, now } from './follow';
import { ifSupported } from './minors';
import { notOf, printJson } from './print';

/** A message of get_initial_state, or a notification. */
export interface Notification {
  /** The operation: resource_state, device_state, connection_state, peer_device_state, helper, initial_state_done. */
  readonly name: string;
  readonly minor: number | undefined;
  /** The driver's count of notifications; undefined for what get_initial_state tells. */
  readonly sequence: number | undefined;
  readonly sets: Readonly<Record<string, unknown>>;
}

const DONE = 'initial_state_done';

/**
 * Makes events of notifications, by the fold that the library has for all streams: what changed is told against what
 * was known of the object. After a loss, {@link resync} tells what became of the objects meanwhile as ordinary events.
 */
export class Events2 {
  readonly #resource: string | undefined;
  readonly #context: Parameters<typeof noticeOf>[1];
  readonly #nothing: State;
  #fold: Fold;
  #lastShown: number | undefined;
  /** Objects that were read after a loss, and of which no notification has come since. */
  readonly #read = new Set<string>();
  #resynced = false;

  /** @param resource the only one that is told about; all if absent */
  constructor(resource: string | undefined, context: Parameters<typeof noticeOf>[1], nothing: State) {
    this.#resource = resource;
    this.#context = { ...context, bareConnections: true };
    this.#nothing = nothing;
    this.#fold = new Fold(nothing);
  }

  /** Counting begins anew: another module has another count. */
  forgetSequence(): void {
    this.#lastShown = undefined;
    this.#fold.replace(this.#fold.state);
  }

  /** @returns the event, or undefined if it is not for this stream */
  take(notification: Notification): Events2Event | undefined {
    const { name, minor, sequence } = notification;
    if (name === DONE) return { step: undefined, action: 'exists', minor: undefined, skipped: 0 };
    const step = this.#apply(this.#fold, notification);
    if (step === undefined) return undefined;
    const skipped = step.action === 'exists' ? 0 : this.#skipped(sequence);
    const { helper } = step;
    if (helper !== undefined) return { step, action: helper.phase, minor, skipped };
    const id = idOf(step);
    const wasRead = this.#read.delete(id);
    const action = step.action === 'helper' ? 'change' : step.action;
    // That it is gone was told when the state was read again.
    if (action === 'destroy' && step.before === null && this.#resynced) return undefined;
    if (action !== 'create') return { step, action, minor, skipped };
    if (!wasRead) return { step: { ...step, before: null } as Step, action, minor, skipped };
    return formatChanges(step, false) === '' ? undefined : { step, action: 'change', minor, skipped };
  }

  /**
   * @param notifications of get_initial_state, taken after the loss; none where the module is gone
   * @returns what is different now: destroyed objects first, the last made among them first, then what was created or
   *   changed
   */
  resync(notifications: readonly Notification[]): readonly Events2Event[] {
    this.#resynced = true;
    const before = this.#fold.state;
    const fold = new Fold(this.#nothing);
    for (const notification of notifications) this.#apply(fold, notification);
    this.#fold = fold;
    const events: Events2Event[] = [];
    for (const delta of before.diff(fold.state)) {
      const step = { ...delta, sequence: null, more: false } as Step;
      const { minor } = delta.object === 'device' ? (delta.after ?? delta.before ?? { minor: null }) : { minor: null };
      const event = { step, action: delta.action, minor: minor ?? undefined, skipped: 0 };
      if (delta.action === 'create') this.#read.add(idOf(step));
      // A connection without addresses is listed by the kernel, but never announced when it comes.
      if (delta.action === 'create' && isBare(delta)) continue;
      if (delta.action !== 'change' || formatChanges(step, false) !== '') events.push(event);
    }
    return events;
  }

  #apply(fold: Fold, { sequence, sets, ...message }: Notification): Step | undefined {
    const place = sets['context'] as { readonly ctx_resource_name?: string } | undefined;
    if (this.#resource !== undefined && place?.ctx_resource_name !== this.#resource) return undefined;
    const notice = noticeOf({ ...message, sets }, this.#context);
    return notice === undefined ? undefined : fold.take(sequence ?? null, notice).step;
  }

  #skipped(sequence: number | undefined): number {
    if (sequence === undefined) return 0;
    const last = this.#lastShown;
    this.#lastShown = sequence;
    // A 32-bit count; negative if it went back.
    return last === undefined ? 0 : ((sequence - last) | 0) - 1;
  }
}

const idOf = ({ object, key }: Pick<Step, 'object' | 'key'>): string => `${object} ${JSON.stringify(key)}`;
const isBare = ({ key }: Delta): boolean => 'peer' in key && key.peer === '';

/** `events2`: what exists, then what changes; after a loss, what has changed meanwhile. */
export async function runEvents2(client: Client, call: Call, context: Context): Promise<number> {
  if (client.dialect !== 'genl1') return notOf(client, 'events2');
  const { target, plain } = call;
  const resource = target.kind === 'resource' ? target.name : undefined;
  const { stdout } = context.io;
  const onlyNow = plain.has('now');
  const signal = onlyNow ? undefined : context.io.endSignal();
  const source = { dialect: client.dialect, driver: client.driver.version, api: client.driver.api, complete: true };
  const order = byteOrderOf(context.backend);
  const events = new Events2(resource, { dialect: client.dialect, order }, State.empty(source));
  let time: string | undefined;
  const print = (event: Events2Event): void => {
    // All that belongs to one change has one time.
    time ??= formatTimestamp(now());
    if (context.globals.json) printJson(events2ToJson(event, time), context);
    else
      stdout.write(
        formatEvents2(event, {
          statistics: plain.has('statistics'),
          timestamp: plain.has('timestamps') ? time : undefined,
        }),
      );
    if (event.step?.more !== true) time = undefined;
  };
  const show = (notification: Notification): void => {
    const event = events.take(notification);
    if (event !== undefined && !(onlyNow && event.action !== 'exists')) print(event);
  };
  const read = async (): Promise<void> => {
    let exists = resource === undefined;
    for (const notification of await initialState(client, resource, context, signal)) {
      const { context: place } = notification.sets as { readonly context?: { readonly ctx_resource_name?: string } };
      exists ||= place?.ctx_resource_name === resource;
      show(notification);
    }
    // A stream waits for what is to come; `exists -` says that there is nothing yet.
    if (!exists && onlyNow) tell('there is no such resource', context);
  };
  if (signal === undefined) {
    await read();
    return EXIT.ok;
  }
  return follow(client.broadcasts({ signal }), 'event', context, {
    read,
    reread: async (reason) => {
      if (reason === 'module') events.forgetSequence();
      time = undefined;
      const state = await initialState(client, resource, context, signal).catch((error: unknown) => {
        // Where the module is gone, so is all that existed; an older one in its place has events of its own.
        if (error instanceof UnsupportedError) return [];
        throw error;
      });
      for (const event of events.resync(state)) print(event);
    },
    take: ({ name, minor, sequence, sets }) => {
      // What only the older events format has is counted apart.
      if (sets['drbd_notification_header'] !== undefined) show({ name, minor, sequence, sets });
    },
  });
}

async function initialState(
  client: Genl1Client,
  resource: string | undefined,
  context: Context,
  signal: AbortSignal | undefined,
): Promise<readonly Notification[]> {
  const place = resource === undefined ? {} : { context: { ctx_resource_name: resource } };
  const replies = await ifSupported(client.request('get_initial_state', place, waitOptions(context, signal)));
  if (replies === undefined) {
    const { version } = client.driver;
    throw new UnsupportedError(
      `events2 needs DRBD 8.4.6${version === null ? '' : `; the loaded module is ${version}`}. Use events`,
      { feature: 'events2', dialect: 'genl1', requires: 'DRBD 8.4.6' },
    );
  }
  return replies.map(({ name, minor, ...sets }) => ({ name, minor, sequence: undefined, sets }));
}
