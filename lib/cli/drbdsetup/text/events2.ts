import { toJson, type Step, type StepOf } from '../../../drbd';
import * as pieces from './pieces';
import { PEER } from './show-json';

// `events2`: a line for each step.

/** What is printed: a step, or, without one, the end of what exists. */
export interface Events2Event {
  readonly step: Step | undefined;
  /** How it is printed; of a helper, `call` or `response`. */
  readonly action: 'exists' | 'create' | 'change' | 'destroy' | 'rename' | 'call' | 'response';
  /** Of the object, or that the helper is called for. */
  readonly minor: number | undefined;
  /** How many notifications were not shown before this one: of other resources, or lost. */
  readonly skipped: number;
}

const OBJECTS = {
  resource: 'resource',
  device: 'device',
  connection: 'connection',
  path: 'path',
  peerDevice: 'peer-device',
} as const;

/** Whether the object belongs to a connection whose peer is known; before `connect`, 8.4 has one without addresses. */
function hasPeer({ key }: Step): boolean {
  return 'peer' in key && key.peer !== '';
}

const nameOf = ({ action, object }: Pick<Step, 'action' | 'object'>): string =>
  action === 'helper' ? 'helper' : OBJECTS[object];

/** Object and names, which stand for it in every event. The peer of 8.4 is called peer, and 0. */
function keyOf({ step, minor }: Events2Event): string {
  if (step === undefined) return '-';
  const { key, object } = step;
  const node =
    object === 'connection' || object === 'peerDevice' || step.action === 'helper' ? ` peer-node-id:${PEER.id}` : '';
  const volume = 'volume' in key && key.volume !== undefined ? ` volume:${key.volume}` : '';
  return `${nameOf(step)} name:${key.resource ?? ''}${node}${hasPeer(step) ? ` conn-name:${PEER.name}` : ''}${volume}${minor === undefined ? '' : ` minor:${minor}`}`;
}

/** @returns what a step tells of its object beyond its names, each with a blank before it: what differs from before */
export function formatChanges(step: Step, statistics: boolean): string {
  const { helper } = step;
  if (helper !== undefined)
    return ` helper:${helper.name}${helper.phase === 'response' ? ` status:${helper.status ?? 0}` : ''}`;
  switch (step.object) {
    case 'resource':
      return resourceChanges(step, statistics);
    case 'device':
      return deviceChanges(step, statistics);
    case 'connection':
      return connectionChanges(step, statistics);
    case 'peerDevice':
      return peerDeviceChanges(step, statistics);
    case 'path':
      return '';
  }
}

function resourceChanges({ before, after }: StepOf<'resource'>, statistics: boolean): string {
  if (after === null) return '';
  const role = ` role:${pieces.wordOr(after.role, 'Unknown')}`;
  const suspended = ` suspended:${pieces.suspendedWords(after.suspended)}`;
  const isNew = before === null;
  return [
    isNew || before.role !== after.role ? role : '',
    isNew || ` suspended:${pieces.suspendedWords(before.suspended)}` !== suspended ? suspended : '',
    statistics && (isNew || before.writeOrdering !== after.writeOrdering)
      ? pieces.writeOrderingText(after.writeOrdering)
      : '',
  ].join('');
}

function deviceChanges({ before, after }: StepOf<'device'>, statistics: boolean): string {
  if (after === null) return '';
  return [
    before === null || before.disk !== after.disk ? ` disk:${pieces.wordOr(after.disk, 'Diskless')}` : '',
    ...(statistics && after.stats !== null
      ? pieces.deviceStatisticsTexts(before?.stats ?? null, after.stats, { statistics, verbose: true })
      : []),
  ].join('');
}

function connectionChanges({ before, after }: StepOf<'connection'>, statistics: boolean): string {
  if (after === null) return '';
  const isNew = before === null;
  return [
    isNew || before.state !== after.state ? ` connection:${pieces.wordOr(after.state, 'StandAlone')}` : '',
    isNew || before.role !== after.role ? ` role:${pieces.wordOr(after.role, 'Unknown')}` : '',
    statistics && after.congested !== null && (isNew || before.congested !== after.congested)
      ? pieces.congestedText(after.congested)
      : '',
  ].join('');
}

function peerDeviceChanges({ before, after }: StepOf<'peerDevice'>, statistics: boolean): string {
  if (after === null) return '';
  const isNew = before === null;
  const suspended = pieces.resyncSuspendedWords(after.resyncSuspended);
  return [
    isNew || before.replication !== after.replication ? ` replication:${pieces.wordOr(after.replication, 'Off')}` : '',
    isNew || before.peerDisk !== after.peerDisk ? ` peer-disk:${pieces.wordOr(after.peerDisk, 'Diskless')}` : '',
    isNew || pieces.resyncSuspendedWords(before.resyncSuspended) !== suspended ? ` resync-suspended:${suspended}` : '',
    ...(statistics && after.stats !== null ? pieces.peerDeviceStatisticsTexts(after, true) : []),
  ].join('');
}

/** @returns the event as a line of `events2`, or as two where some were skipped before it */
export function formatEvents2(
  event: Events2Event,
  { statistics, timestamp }: { readonly statistics: boolean; readonly timestamp: string | undefined },
): string {
  const { step, action, skipped } = event;
  const changes = step === undefined || action === 'destroy' ? '' : formatChanges(step, statistics);
  return `${skipped === 0 ? '' : `- skipped ${skipped}\n`}${timestamp === undefined ? '' : `${timestamp} `}${action} ${keyOf(event)}${changes}\n`;
}

/**
 * @returns the event as an object for JSON, with all that is known of its object. 64-bit numbers are decimal strings;
 *   sizes are in bytes
 */
export function events2ToJson({ step, action, minor }: Events2Event, timestamp: string): unknown {
  if (step === undefined) return { event: 'exists', object: null, timestamp };
  const { key, helper } = step;
  const place = {
    event: action,
    object: nameOf(step),
    timestamp,
    name: key.resource ?? null,
    ...(hasPeer(step) ? { connection: PEER.name } : {}),
    ...('volume' in key && key.volume !== undefined ? { volume: key.volume } : {}),
    ...(minor === undefined ? {} : { minor }),
  };
  if (helper !== undefined)
    return { ...place, helper: helper.name || null, ...(helper.phase === 'response' ? { status: helper.status } : {}) };
  return action === 'destroy' ? place : toJson({ ...place, ...stateOf(step) });
}

function stateOf(step: Step): object {
  switch (step.object) {
    case 'resource': {
      const { role, suspended, writeOrdering } = step.after ?? {};
      const { user, noData, fencing } = suspended ?? {};
      return { role, suspended: { user, noData, fencing }, writeOrdering };
    }
    case 'device': {
      const { disk, stats } = step.after ?? {};
      return { disk, stats };
    }
    case 'connection': {
      const { state, role, congested } = step.after ?? {};
      return { state, role, congested };
    }
    case 'peerDevice': {
      const { replication, peerDisk, resyncSuspended, outOfSyncBytes, stats } = step.after ?? {};
      const { user, peer, dependency } = resyncSuspended ?? {};
      const { receivedBytes, sentBytes, pending, unacked } = stats ?? {};
      return {
        replication,
        peerDisk,
        resyncSuspended: { user, peer, dependency },
        outOfSyncBytes,
        stats: stats === null ? null : { receivedBytes, sentBytes, pending, unacked },
      };
    }
    case 'path':
      return {};
  }
}
