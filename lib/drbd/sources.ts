import type { packets } from '../dialects/connector';
import { MismatchError } from '../errors';
import {
  noticeOf,
  noticeOfConnector,
  propertyOf,
  State,
  updatesOfMinor,
  type ConnectorContext,
  type Delta,
  type GenericContext,
  type Update,
} from '../model';
import type { StreamItem } from '../session';
import type { ConnectorEvent, Driver, GenericEvent } from './client';
import { unannounced, type FollowSource, type Question, type SourceItem } from './follow';
import type { ConnectorReader } from './read';
import { ifExists } from './read';
import { isSuccess } from './result';

type Stream<E> = AsyncIterableIterator<StreamItem<E>>;

/** What a client of a dialect lends to its source. */
interface Access<E> {
  listen(): Stream<E>;
  /** @returns undefined if there is no driver */
  read(signal: AbortSignal): Promise<State | undefined>;
}

/** @returns a stream of what `map` makes of each message */
function mapped<E>(stream: Stream<E>, map: (event: E) => SourceItem | undefined): AsyncIterableIterator<SourceItem> {
  const next = async (): Promise<IteratorResult<SourceItem>> => {
    for (;;) {
      const result = await stream.next();
      if (result.done === true) return { done: true, value: undefined };
      const item = result.value;
      if (item.kind === 'resync') return { done: false, value: item };
      const value: SourceItem | undefined = item.kind === 'returned' ? { kind: 'reread' } : map(item.value);
      if (value !== undefined) return { done: false, value };
    }
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next,
    return: async () => {
      await stream.return?.();
      return { done: true, value: undefined };
    },
  };
}

/** These come and go with a configuration, of which no notification tells. */
const CONFIGURED: ReadonlySet<string | null> = new Set(['Diskless', 'StandAlone']);

/** @returns whether a change brings or takes a configuration, or another one may have its name now */
export function isConfiguring(delta: Delta): boolean {
  if (delta.action === 'create' || delta.action === 'rename') return true;
  if (delta.action !== 'change') return false;
  if (losesSettings(delta)) return true;
  const { object, before, after } = delta;
  if (object === 'device')
    return (
      before?.disk !== after?.disk && (CONFIGURED.has(before?.disk ?? null) || CONFIGURED.has(after?.disk ?? null))
    );
  if (object === 'connection')
    return (
      before?.state !== after?.state && (CONFIGURED.has(before?.state ?? null) || CONFIGURED.has(after?.state ?? null))
    );
  return false;
}

/** An object that was read, and whose creation is told after that, begins anew without settings. */
function losesSettings({ object, after, changed }: Delta): boolean {
  const values = new Map(Object.entries(after ?? {}));
  return changed.some((name) => propertyOf(object, name)?.kind === 'setting' && values.get(name) === null);
}

/** @returns the answer to what a follower asks again; undefined where a recording of another client does not hold it */
async function ifRecorded<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof MismatchError) return undefined;
    throw error;
  }
}

/** What a reading of a generic netlink dialect asks: what is configured is dumped for all resources at once. */
const EVERYTHING = 'everything';

/** @param notifies the module tells what changed; before 8.4.6 it tells only that something did */
export function genericSource(
  client: Access<GenericEvent> & { readonly driver: Driver },
  context: GenericContext,
  notifies: boolean,
): FollowSource {
  return {
    listen: () =>
      mapped(client.listen(), (event) => {
        const notice = noticeOf(event, context);
        if (notice !== undefined) return { kind: 'notice', sequence: event.sequence, notice };
        return event.name === 'event' && !notifies ? { kind: 'reread' } : undefined;
      }),
    read: (signal) => client.read(signal),
    questionOf: (delta) => (isConfiguring(delta) ? EVERYTHING : undefined),
    ask: async (_question, signal) => {
      const read = await ifRecorded(client.read(signal));
      return (state) =>
        read === undefined ? [] : unannounced(read).filter(({ object, key }) => state.get(object, key) !== undefined);
    },
    nothing: () =>
      State.empty({
        dialect: context.dialect,
        driver: client.driver.version,
        api: client.driver.api,
        complete: true,
      }),
  };
}

/** Answers to requests that change something have no packet of their own. */
const ANSWER_TO_CHANGE = 'return_code_only' satisfies keyof typeof packets;

export function connectorSource(
  client: Access<ConnectorEvent> & ConnectorReader & { readonly driver: Driver },
  context: ConnectorContext,
): FollowSource {
  return {
    listen: () =>
      mapped(client.listen(), (event) => {
        const { name, minor, origin, returnCode } = event;
        if (origin !== 'broadcast') {
          // Whoever asked changed something. What is only read, by us or another, is no news.
          return name === ANSWER_TO_CHANGE && isSuccess(returnCode) ? { kind: 'ask', ask: minor } : undefined;
        }
        const told = noticeOfConnector(event, context);
        if (told === undefined) return undefined;
        const { updates, unconfigured, helper } = told;
        return {
          kind: 'notice',
          sequence: event.sequence,
          notice: {
            action: helper !== undefined ? 'helper' : unconfigured === true ? 'destroy' : 'change',
            object: 'resource',
            key: { minor },
            updates,
            more: false,
            ...(helper === undefined ? {} : { helper }),
            ...(name === 'get_state' ? {} : { isPart: true }),
            ...(unconfigured === undefined ? {} : { unconfigured: { minor, is: unconfigured } }),
          },
        };
      }),
    read: (signal) => client.read(signal),
    questionOf: (delta) => (isConfiguring(delta) ? delta.key.minor : undefined),
    ask: async (question: Question, signal) => {
      const minor = Number(question);
      const [config, uuids] = await Promise.all([
        ifRecorded(ifExists(client.request('get_config', { minor }, { signal }))),
        ifRecorded(ifExists(client.request('get_uuids', { minor }, { signal }))),
      ]);
      if (config === undefined) return () => [];
      // Another configuration may be another resource's.
      context.names?.forget?.();
      const { updates } = updatesOfMinor({ minor, config: config.tags, uuids: uuids?.tags }, context);
      return (state) =>
        state.get('resource', { minor }) === undefined ? [] : [...withoutPaths(state, minor, updates), ...updates];
    },
    nothing: () =>
      State.empty({
        dialect: 'connector',
        driver: client.driver.version,
        api: client.driver.api,
        complete: true,
      }),
  };
}

/** @returns what removes the paths of a minor that its configuration has no longer */
function withoutPaths(state: State, minor: number, updates: readonly Update[]): readonly Update[] {
  const kept = updates.flatMap((update) => (update.object === 'path' ? [update.key] : []));
  return [...state.entries()].flatMap((entry): readonly Update[] => {
    if (entry.object !== 'path' || entry.key.minor !== minor) return [];
    const { key } = entry;
    const isKept = kept.some(({ local, peer }) => local === key.local && peer === key.peer);
    return isKept ? [] : [{ action: 'destroy', object: 'path', key }];
  });
}
