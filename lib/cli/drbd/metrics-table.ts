import type { Connection, Device, Path, PeerDevice, Resource, Snapshot } from '../../drbd';
import { vocabulary, type Enumeration, type Finding } from '../../model';

// The metrics, as a table of facts. Names and labels of the first part are those of drbd-reactor's prometheus plugin
// (its `enums` turned on), so that what is made for it works here too; the second part is ours.

export type MetricValue = number | bigint | boolean | null | undefined;

/** A metric that each object of a kind has. Null: the dialect does not tell, and there is no sample. */
interface ObjectMetric<T> {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  /** One sample for each word, 1 for the one that holds; the label is called as the metric. */
  readonly words?: Enumeration;
  readonly value: (object: T) => MetricValue | string;
}

type Rows<T> = readonly ObjectMetric<T>[];
const gauge = <T>(name: string, help: string, value: ObjectMetric<T>['value']): ObjectMetric<T> => ({
  name,
  type: 'gauge',
  help,
  value,
});
const counter = <T>(name: string, help: string, value: ObjectMetric<T>['value']): ObjectMetric<T> => ({
  name,
  type: 'counter',
  help,
  value,
});
const state = <T>(
  name: string,
  words: Enumeration,
  help: string,
  value: ObjectMetric<T>['value'],
): ObjectMetric<T> => ({
  name,
  type: 'gauge',
  help,
  words,
  value,
});

const isSuspended = ({ suspended }: Resource): boolean => Object.values(suspended).includes(true);

export const resourceMetrics: Rows<Resource> = [
  state(
    'drbd_resource_role',
    'role',
    'Role of the resource on this node: 1 for the one that it has.',
    ({ role }) => role,
  ),
  gauge('drbd_resource_suspended', 'I/O of the resource is suspended.', isSuspended),
  gauge('drbd_resource_maypromote', 'A promotion would succeed as things stand.', ({ mayPromote }) => mayPromote),
  gauge(
    'drbd_resource_promotionscore',
    'How good a place for a promotion this node is; more is better.',
    ({ promotionScore }) => promotionScore,
  ),
  gauge(
    'drbd_resource_forceiofailures',
    'Requests are answered with errors after a forced demotion.',
    ({ forceIoFailures }) => forceIoFailures,
  ),
];

export const connectionMetrics: Rows<Connection> = [
  state(
    'drbd_connection_state',
    'connection',
    'State of the connection: 1 for the one that it is in.',
    ({ state: word }) => word,
  ),
  gauge('drbd_connection_congested', 'The send buffer of the connection is nearly full.', ({ congested }) => congested),
  gauge(
    'drbd_connection_apinflight_bytes',
    'Writes of applications on the way to this peer.',
    ({ apInFlightBytes }) => apInFlightBytes,
  ),
  gauge(
    'drbd_connection_rsinflight_bytes',
    'Resync data on the way to this peer.',
    ({ rsInFlightBytes }) => rsInFlightBytes,
  ),
];

export const deviceMetrics: Rows<Device> = [
  state('drbd_device_state', 'disk', 'State of the local disk: 1 for the one that it is in.', ({ disk }) => disk),
  gauge('drbd_device_client', 'The device is diskless on purpose.', ({ client }) => client),
  gauge(
    'drbd_device_unintentionaldiskless',
    'The device has no disk, and that is not on purpose.',
    ({ disk, client }) => disk === 'Diskless' && client !== true,
  ),
  gauge('drbd_device_quorum', 'Enough nodes are reachable.', ({ quorum }) => quorum),
  gauge('drbd_device_open', 'A process has the device open.', ({ open }) => open),
  gauge('drbd_device_size_bytes', 'Size of the device.', ({ stats }) => stats?.sizeBytes),
  counter('drbd_device_read_bytes_total', 'Read from the backing device.', ({ stats }) => stats?.readBytes),
  counter('drbd_device_written_bytes_total', 'Written to the backing device.', ({ stats }) => stats?.writtenBytes),
  counter('drbd_device_alwrites_total', 'Writes of the activity log.', ({ stats }) => stats?.alWrites),
  counter('drbd_device_bmwrites_total', 'Writes of the bitmap.', ({ stats }) => stats?.bmWrites),
  gauge('drbd_device_upperpending', 'Requests of applications under way.', ({ stats }) => stats?.upperPending),
  gauge('drbd_device_lowerpending', 'Requests to the backing device under way.', ({ stats }) => stats?.lowerPending),
  gauge('drbd_device_alsuspended', 'Updates of the activity log are suspended.', ({ stats }) => stats?.alSuspended),
];

export const peerDeviceMetrics: Rows<PeerDevice> = [
  gauge(
    'drbd_peerdevice_outofsync_bytes',
    'What is known to differ from this peer, by the bitmap.',
    ({ outOfSyncBytes }) => outOfSyncBytes,
  ),
  counter('drbd_peerdevice_sent_bytes', 'Sent to this peer.', ({ stats }) => stats?.sentBytes),
  counter('drbd_peerdevice_received_bytes', 'Received from this peer.', ({ stats }) => stats?.receivedBytes),
];

export const ownPeerDeviceMetrics: Rows<PeerDevice> = [
  state(
    'drbd_peerdevice_replication_state',
    'replication',
    'What replication does: 1 for the state that it is in.',
    ({ replication }) => replication,
  ),
  state(
    'drbd_peerdevice_disk_state',
    'disk',
    'State of the disk of the peer: 1 for the one that it is in.',
    ({ peerDisk }) => peerDisk,
  ),
  gauge('drbd_peerdevice_resync_ratio', 'How much of the resync or verify that runs is done, 0 to 1.', ({ resync }) =>
    resync?.percent == null ? null : resync.percent / 100,
  ),
  gauge(
    'drbd_peerdevice_resync_left_bytes',
    'What the resync or verify that runs still has to look at.',
    ({ resync }) => resync?.leftBytes,
  ),
  gauge(
    'drbd_peerdevice_resync_bytes_per_second',
    'Speed of the resync or verify that runs.',
    ({ resync }) => resync?.bytesPerSecond,
  ),
  gauge(
    'drbd_peerdevice_resync_eta_seconds',
    'Estimate of the time that the resync or verify still takes.',
    ({ resync }) => resync?.etaSeconds,
  ),
];

export const pathMetrics: Rows<Path> = [
  gauge('drbd_path_established', 'The path carries the connection.', ({ established }) => established),
];

/** What happened to the exporter itself. */
export interface ExporterFacts {
  /** Losses of notifications by their reason, as far as a stream is listened to. */
  readonly losses: ReadonlyMap<string, number>;
}

/** Metrics of no object; the first are drbd-reactor's. */
export const wholeMetrics = {
  up: {
    name: 'drbdreactor_up',
    type: 'gauge',
    help: 'Always 1: this exporter answers, in the place of the daemon drbd-reactor.',
  },
  version: {
    name: 'drbd_version',
    type: 'gauge',
    help: 'Release of the loaded module; always 1. Tools are not asked.',
  },
  resources: { name: 'drbd_resource_resources', type: 'gauge', help: 'Number of resources.' },
  driver: { name: 'drbd_driver_loaded', type: 'gauge', help: 'A DRBD driver is loaded.' },
  complete: { name: 'drbd_snapshot_complete', type: 'gauge', help: 'Nothing changed while the state was read.' },
  findings: {
    name: 'drbd_findings',
    type: 'gauge',
    help: 'What is wrong now, by its code and severity, such as split-brain: how often.',
  },
  losses: {
    name: 'drbd_stream_losses_total',
    type: 'counter',
    help: 'Losses of notifications since the start, each followed by a reading of the state.',
  },
} as const;

/** Names of drbd-reactor that do not follow the conventions that promtool checks. */
export const unconventional: readonly string[] = ['drbd_peerdevice_sent_bytes', 'drbd_peerdevice_received_bytes'];

/** @returns the words of a state, and the one that it is in where that has none */
export function wordsOf(enumeration: Enumeration, word: string): readonly string[] {
  const words: readonly string[] = vocabulary[enumeration];
  return words.includes(word) ? words : [...words, word];
}

/** What the metrics are made of; without a snapshot there is no driver. */
export interface MetricsInput extends ExporterFacts {
  readonly snapshot: Snapshot | undefined;
  readonly findings: readonly Finding[];
}
export type AnyRows = Rows<never>;
