import { notificationTypes, type operations } from '../../dialects/genl1';
import { toJson } from '../../drbd';
import type { SetsReceived } from '../../schema';
import { connectionWord9, diskWord, replicationWord9, roleWord } from './states';
import {
  congestedText,
  deviceStatisticsTexts,
  peerDeviceStatisticsTexts,
  resyncSuspendedWords,
  suspendedWords,
  writeOrderingText,
} from './status';

/** The sets of a notification: those of an object, or of a helper call. */
export type NotificationSets = SetsReceived<typeof operations.get_initial_state.reply & typeof operations.helper.reply>;

/** A message of get_initial_state, or a notification. */
export interface Notification {
  /** The operation: resource_state, device_state, connection_state, peer_device_state, helper, initial_state_done. */
  readonly name: string;
  readonly minor: number | undefined;
  /** The driver's count of notifications; undefined for what get_initial_state tells. */
  readonly sequence: number | undefined;
  readonly sets: NotificationSets;
}

type ObjectName = 'resource' | 'device' | 'connection' | 'peer-device' | 'helper';
type Action = 'exists' | 'create' | 'change' | 'destroy' | 'call' | 'response';

/** An event, for output of either kind. */
export interface Events2Event {
  readonly action: Action;
  /** Undefined for the end of what exists. */
  readonly object: ObjectName | undefined;
  readonly name: string | undefined;
  readonly volume: number | undefined;
  readonly minor: number | undefined;
  /** The object belongs to a connection whose addresses are known; 8.4 has no name for it. */
  readonly hasPeer: boolean;
  readonly sets: NotificationSets;
  /** What was known of the object before; undefined if nothing. */
  readonly old: NotificationSets | undefined;
  /** More events of the same change follow. */
  readonly continues: boolean;
  /** How many notifications were not shown before this one: of other resources, or lost. */
  readonly skipped: number;
}

const OBJECTS: ReadonlyMap<string, ObjectName> = new Map([
  ['resource_state', 'resource'],
  ['device_state', 'device'],
  ['connection_state', 'connection'],
  ['peer_device_state', 'peer-device'],
  ['helper', 'helper'],
]);
const ACTIONS: ReadonlyMap<number, Action> = new Map([
  [notificationTypes.NOTIFY_EXISTS, 'exists'],
  [notificationTypes.NOTIFY_CREATE, 'create'],
  [notificationTypes.NOTIFY_CHANGE, 'change'],
  [notificationTypes.NOTIFY_DESTROY, 'destroy'],
  [notificationTypes.NOTIFY_CALL, 'call'],
  [notificationTypes.NOTIFY_RESPONSE, 'response'],
]);
const DONE = 'initial_state_done';

interface Known {
  readonly event: Events2Event;
  readonly sets: NotificationSets;
  /** It was read after a loss, and no notification of it has come since: that it was created may be still to come. */
  readonly read: boolean;
}

/**
 * Makes events of notifications: what changed is told against what was known of the object, which is kept here. After a
 * loss, {@link resync} tells what became of the objects meanwhile as ordinary events.
 */
export class Events2 {
  readonly #resource: string | undefined;
  readonly #known = new Map<string, Known>();
  #lastShown: number | undefined;
  #resynced = false;

  /** @param resource the only one that is told about; all if absent */
  constructor(resource: string | undefined) {
    this.#resource = resource;
  }

  /** Counting begins anew: another module has another count. */
  forgetSequence(): void {
    this.#lastShown = undefined;
  }

  /** @returns the event, or undefined if it is not for this stream */
  take(notification: Notification): Events2Event | undefined {
    const event = this.#read(notification);
    if (event === undefined) return undefined;
    if (event.object === undefined || event.object === 'helper') return event;
    const key = keyOf(event);
    const known = this.#known.get(key);
    if (event.action === 'destroy') {
      this.#forget(key, event);
      // That it is gone was told when the state was read again.
      return known === undefined && this.#resynced ? undefined : event;
    }
    const old = known?.sets;
    this.#known.set(key, { event, sets: { ...old, ...event.sets }, read: false });
    if (event.action !== 'create' || known?.read !== true) return { ...event, old };
    const changed: Events2Event = { ...event, action: 'change', old };
    return formatChanges(changed, false) === '' ? undefined : changed;
  }

  /**
   * @param notifications of get_initial_state, taken after the loss; none where the module is gone
   * @returns what is different now: destroyed objects first, the last made among them first, then what was created or
   *   changed
   */
  resync(notifications: readonly Notification[]): readonly Events2Event[] {
    this.#resynced = true;
    const now = new Map<string, Events2Event>();
    for (const notification of notifications) {
      const event = this.#read(notification);
      if (event?.object !== undefined) now.set(keyOf(event), event);
    }
    const events: Events2Event[] = [];
    for (const [key, { event }] of [...this.#known].reverse()) {
      if (now.has(key)) continue;
      this.#known.delete(key);
      events.push({ ...event, action: 'destroy', old: undefined, skipped: 0, continues: false });
    }
    for (const [key, event] of now) {
      const old = this.#known.get(key)?.sets;
      // A connection that has no addresses is listed by the kernel, but never announced when it comes.
      if (old === undefined && !event.hasPeer && (event.object === 'connection' || event.object === 'peer-device'))
        continue;
      this.#known.set(key, { event, sets: event.sets, read: true });
      const changed: Events2Event = {
        ...event,
        action: old === undefined ? 'create' : 'change',
        old,
        continues: false,
      };
      if (old === undefined || formatChanges(changed, false) !== '') events.push(changed);
    }
    return events;
  }

  /** The kernel does not announce that a connection without addresses goes, nor what belongs to it. */
  #forget(key: string, { object, name, volume }: Events2Event): void {
    this.#known.delete(key);
    if (object !== 'resource' && object !== 'device') return;
    for (const [other, { event }] of this.#known) {
      if (
        event.name === name &&
        !event.hasPeer &&
        (object === 'resource' || (event.object === 'peer-device' && event.volume === volume))
      )
        this.#known.delete(other);
    }
  }

  #read({ name, minor, sequence, sets }: Notification): Events2Event | undefined {
    const type = sets.drbd_notification_header?.nh_type;
    if (type === undefined) return undefined;
    const action = ACTIONS.get(type & ~notificationTypes.NOTIFY_FLAGS);
    if (action === undefined) return undefined;
    const object = OBJECTS.get(name);
    const { context } = sets;
    if (object === undefined ? name !== DONE : context === undefined) return undefined;
    if (context !== undefined && this.#resource !== undefined && context.ctx_resource_name !== this.#resource)
      return undefined;
    return {
      action,
      object,
      name: context?.ctx_resource_name,
      volume: context?.ctx_volume,
      minor,
      hasPeer: (context?.ctx_peer_addr?.length ?? 0) > 0,
      sets,
      old: undefined,
      continues: (type & notificationTypes.NOTIFY_CONTINUES) !== 0,
      skipped: this.#skipped(action, sequence),
    };
  }

  #skipped(action: Action, sequence: number | undefined): number {
    if (action === 'exists' || sequence === undefined) return 0;
    const last = this.#lastShown;
    this.#lastShown = sequence;
    return last === undefined ? 0 : distance(last, sequence) - 1;
  }
}

/** How far a 32-bit count went on; negative if it went back. */
function distance(from: number, to: number): number {
  return (to - from) | 0;
}

/**
 * Object and names, which stand for it in every event. The peer has no name and no node id in 8.4: it is called peer,
 * and 0.
 */
function keyOf({ object, name, hasPeer, volume, minor }: Events2Event): string {
  if (object === undefined) return '-';
  const node = object === 'connection' || object === 'peer-device' || object === 'helper' ? ' peer-node-id:0' : '';
  return `${object} name:${name ?? ''}${node}${hasPeer ? ' conn-name:peer' : ''}${volume === undefined ? '' : ` volume:${volume}`}${minor === undefined ? '' : ` minor:${minor}`}`;
}

/** @returns what an event tells of its object beyond its names, each with a blank before it */
function formatChanges({ action, object, sets, old }: Events2Event, statistics: boolean): string {
  if (action === 'destroy') return '';
  const differs = <T extends object>(
    now: T | undefined,
    before: T | undefined,
    ...fields: readonly (keyof T)[]
  ): boolean => old === undefined || fields.some((field) => now?.[field] !== before?.[field]);
  const parts: string[] = [];
  switch (object) {
    case 'resource': {
      const info = sets.resource_info ?? {};
      if (differs(sets.resource_info, old?.resource_info, 'res_role'))
        parts.push(` role:${roleWord(info.res_role ?? 0)}`);
      if (differs(sets.resource_info, old?.resource_info, 'res_susp', 'res_susp_nod', 'res_susp_fen'))
        parts.push(` suspended:${suspendedWords(info)}`);
      if (
        statistics &&
        sets.resource_statistics !== undefined &&
        differs(sets.resource_statistics, old?.resource_statistics, 'res_stat_write_ordering')
      )
        parts.push(writeOrderingText(sets.resource_statistics));
      break;
    }
    case 'device':
      if (differs(sets.device_info, old?.device_info, 'dev_disk_state'))
        parts.push(` disk:${diskWord(sets.device_info?.dev_disk_state ?? 0)}`);
      if (statistics && sets.device_statistics !== undefined)
        parts.push(
          ...deviceStatisticsTexts(old?.device_statistics, sets.device_statistics, { statistics, verbose: true }),
        );
      break;
    case 'connection': {
      const info = sets.connection_info ?? {};
      if (differs(sets.connection_info, old?.connection_info, 'conn_connection_state'))
        parts.push(` connection:${connectionWord9(info.conn_connection_state ?? 0)}`);
      if (differs(sets.connection_info, old?.connection_info, 'conn_role'))
        parts.push(` role:${roleWord(info.conn_role ?? 0)}`);
      if (
        statistics &&
        sets.connection_statistics !== undefined &&
        differs(sets.connection_statistics, old?.connection_statistics, 'conn_congested')
      )
        parts.push(congestedText(sets.connection_statistics));
      break;
    }
    case 'peer-device': {
      const info = sets.peer_device_info ?? {};
      if (differs(sets.peer_device_info, old?.peer_device_info, 'peer_repl_state'))
        parts.push(` replication:${replicationWord9(info.peer_repl_state ?? 0)}`);
      if (differs(sets.peer_device_info, old?.peer_device_info, 'peer_disk_state'))
        parts.push(` peer-disk:${diskWord(info.peer_disk_state ?? 0)}`);
      if (
        differs(
          sets.peer_device_info,
          old?.peer_device_info,
          'peer_resync_susp_user',
          'peer_resync_susp_peer',
          'peer_resync_susp_dependency',
        )
      )
        parts.push(` resync-suspended:${resyncSuspendedWords(info)}`);
      if (statistics && sets.peer_device_statistics !== undefined)
        parts.push(...peerDeviceStatisticsTexts(sets.peer_device_statistics, true));
      break;
    }
    case 'helper':
      parts.push(` helper:${sets.drbd_helper_info?.helper_name ?? ''}`);
      if (action === 'response') parts.push(` status:${sets.drbd_helper_info?.helper_status ?? 0}`);
      break;
    case undefined:
      break;
  }
  return parts.join('');
}

/** @returns the event as a line of `events2`, or as two where some were skipped before it */
export function formatEvents2(
  event: Events2Event,
  options: { readonly statistics: boolean; readonly timestamp: string | undefined },
): string {
  const skipped = event.skipped === 0 ? '' : `- skipped ${event.skipped}\n`;
  return `${skipped}${options.timestamp === undefined ? '' : `${options.timestamp} `}${event.action} ${keyOf(event)}${formatChanges(event, options.statistics)}\n`;
}

/**
 * @returns the event as an object for JSON: what exists with all that is known of it, and what changed with all that
 *   the kernel tells then.
 *   64-bit numbers are decimal strings; sizes are in bytes
 */
export function events2Json(event: Events2Event, timestamp: string): unknown {
  const { action, object, name, volume, minor, hasPeer, sets } = event;
  if (object === undefined) return { event: 'exists', object: null, timestamp };
  const place = {
    event: action,
    object,
    timestamp,
    name: name ?? null,
    ...(hasPeer ? { connection: 'peer' } : {}),
    ...(volume === undefined ? {} : { volume }),
    ...(minor === undefined ? {} : { minor }),
  };
  if (action === 'destroy') return place;
  return toJson({ ...place, ...stateJson(object, sets, action) });
}

const SECTOR_BYTES = 512n;
/** What the kernel did not send is null. */
const bytes = (sectors: bigint | undefined): bigint | null => (sectors === undefined ? null : sectors * SECTOR_BYTES);
const isSet = (flag: number | undefined): boolean | null => (flag === undefined ? null : flag !== 0);
const wordFor = (words: (code: number) => string, code: number | undefined): string | null =>
  code === undefined ? null : words(code) || `unknown(${code})`;

function stateJson(object: ObjectName, sets: NotificationSets, action: Action): Readonly<Record<string, unknown>> {
  switch (object) {
    case 'resource': {
      const info = sets.resource_info ?? {};
      return {
        role: wordFor(roleWord, info.res_role),
        suspended: {
          user: info.res_susp ?? null,
          noData: info.res_susp_nod ?? null,
          fencing: info.res_susp_fen ?? null,
        },
        writeOrdering:
          sets.resource_statistics === undefined
            ? null
            : writeOrderingText(sets.resource_statistics).replace(/^.*:/u, '') || null,
      };
    }
    case 'device': {
      const statistics = sets.device_statistics;
      return {
        disk: wordFor(diskWord, sets.device_info?.dev_disk_state),
        stats:
          statistics === undefined
            ? null
            : {
                sizeBytes: bytes(statistics.dev_size),
                readBytes: bytes(statistics.dev_read),
                writtenBytes: bytes(statistics.dev_write),
                alWrites: statistics.dev_al_writes ?? null,
                bmWrites: statistics.dev_bm_writes ?? null,
                upperPending: statistics.dev_upper_pending ?? null,
                lowerPending: statistics.dev_lower_pending ?? null,
                alSuspended: statistics.dev_al_suspended ?? null,
                upperBlocked: statistics.dev_upper_blocked ?? null,
                lowerBlocked: statistics.dev_lower_blocked ?? null,
              },
      };
    }
    case 'connection':
      return {
        state: wordFor(connectionWord9, sets.connection_info?.conn_connection_state),
        role: wordFor(roleWord, sets.connection_info?.conn_role),
        congested: sets.connection_statistics?.conn_congested ?? null,
      };
    case 'peer-device': {
      const info = sets.peer_device_info ?? {};
      const statistics = sets.peer_device_statistics;
      return {
        replication: wordFor(replicationWord9, info.peer_repl_state),
        peerDisk: wordFor(diskWord, info.peer_disk_state),
        resyncSuspended: {
          user: isSet(info.peer_resync_susp_user),
          peer: isSet(info.peer_resync_susp_peer),
          dependency: isSet(info.peer_resync_susp_dependency),
        },
        outOfSyncBytes: statistics === undefined ? null : bytes(statistics.peer_dev_out_of_sync),
        stats:
          statistics === undefined
            ? null
            : {
                receivedBytes: bytes(statistics.peer_dev_received),
                sentBytes: bytes(statistics.peer_dev_sent),
                pending: statistics.peer_dev_pending ?? null,
                unacked: statistics.peer_dev_unacked ?? null,
              },
      };
    }
    case 'helper':
      return {
        helper: sets.drbd_helper_info?.helper_name ?? null,
        ...(action === 'response' ? { status: sets.drbd_helper_info?.helper_status ?? null } : {}),
      };
  }
}

/**
 * Local time with microseconds and the offset from UTC: `2026-11-23T15:31:14.288220+00:00`. @param milliseconds since
 * 1970, with a fraction
 */
export function formatTimestamp(milliseconds: number): string {
  const date = new Date(milliseconds);
  const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
  const offset = -date.getTimezoneOffset();
  const micros = Math.floor((milliseconds - Math.floor(milliseconds / 1000) * 1000) * 1000);
  const zone = `${offset < 0 ? '-' : '+'}${pad(Math.floor(Math.abs(offset) / 60))}:${pad(Math.abs(offset) % 60)}`;
  return `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}T${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(micros, 6)}${zone}`;
}
