import type { Connection, Device, PeerDevice, Resource } from '../../../drbd';
import { paint, pick, type Color } from './colors';
import {
  congestedText,
  deviceStatisticsTexts,
  peerDeviceStatisticsTexts,
  resyncSuspendedWords,
  suspendedWords,
  wordOr,
  writeOrderingText,
} from './pieces';
import { WrappedText } from './wrap';

export interface StatusFormat {
  readonly verbose: boolean;
  readonly statistics: boolean;
  readonly color: boolean;
  /** Of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
}

/** @returns the states as `status` prints them */
export function formatStatus(resources: readonly Resource[], format: StatusFormat): string {
  const text = new WrappedText(format.columns);
  for (const resource of resources) resourceStatus(text, resource, format);
  return text.toString();
}

function resourceStatus(text: WrappedText, resource: Resource, format: StatusFormat): void {
  const { verbose, statistics } = format;
  const { devices, connections } = resource;
  const role = wordOr(resource.role, 'Unknown');
  text.add(0, resource.name ?? '').add(4, ` role:${paint(role, roleColor(role), true, format.color)}`);
  const suspended = suspendedWords(resource.suspended);
  if (verbose || suspended !== 'no') text.add(4, ` suspended:${suspended}`);
  if (statistics && verbose) text.add(4, '\n').add(4, writeOrderingText(resource.writeOrdering));
  text.add(0, '\n');
  const single = devices.length === 1;
  for (const device of devices) deviceStatus(text, device, single, format);
  for (const connection of connections) connectionStatus(text, connection, devices, single, format);
  text.add(0, '\n');
}

function connectionStatus(
  text: WrappedText,
  connection: Connection,
  devices: readonly Device[],
  single: boolean,
  format: StatusFormat,
): void {
  const { verbose, statistics } = format;
  const state = wordOr(connection.state, 'StandAlone');
  const connected = state === 'Connected';
  text.add(2, connection.name ?? 'peer');
  if (verbose || !connected) text.add(6, ` connection:${paint(state, connectionColor(state), true, format.color)}`);
  if (verbose || connected) {
    const role = wordOr(connection.role, 'Unknown');
    text.add(6, ` role:${paint(role, roleColor(role), false, format.color)}`);
  }
  if (verbose || connection.congested === true) text.add(6, congestedText(connection.congested));
  text.add(0, '\n');
  if (!verbose && !statistics && !connected) return;
  for (const peerDevice of connection.peerDevices) {
    const device = devices.find(({ volume }) => volume === peerDevice.volume);
    peerDeviceStatus(text, peerDevice, device?.stats?.sizeBytes ?? 0n, single, format);
  }
}

function deviceStatus(text: WrappedText, device: Device, single: boolean, format: StatusFormat): void {
  const { verbose, statistics } = format;
  const volume = device.volume ?? 0;
  const disk = wordOr(device.disk, 'Diskless');
  let indent = 2;
  if (verbose || !single || volume !== 0) {
    text.add(indent, `volume:${volume}`);
    indent = 6;
    if (verbose) text.add(indent, ` minor:${device.minor ?? 0}`);
  }
  text.add(indent, ` disk:${paint(disk, diskColor(disk), true, format.color)}`);
  if (device.stats !== null) {
    if (statistics) text.add(6, '\n');
    for (const piece of deviceStatisticsTexts(null, device.stats, { statistics, verbose })) text.add(6, piece);
  }
  text.add(6, '\n');
}

function peerDeviceStatus(
  text: WrappedText,
  peerDevice: PeerDevice,
  deviceBytes: bigint,
  single: boolean,
  format: StatusFormat,
): void {
  const { verbose, statistics } = format;
  const volume = peerDevice.volume ?? 0;
  const replication = wordOr(peerDevice.replication, 'Off');
  const disk = wordOr(peerDevice.peerDisk, 'Diskless');
  let indent = 4;
  if (verbose || !single || volume !== 0) {
    text.add(indent, `volume:${volume}`);
    indent = 8;
  }
  if (verbose || replication !== 'Off') {
    const color = replicationColor(replication);
    text.add(indent, ` replication:${paint(replication, color, LOCAL_REPLICATION.has(replication), format.color)}`);
    indent = 8;
  }
  if (verbose || statistics || replication !== 'Off' || disk !== 'DUnknown') {
    text.add(indent, ` peer-disk:${paint(disk, diskColor(disk), false, format.color)}`);
    if (RUNS.has(replication)) text.add(8, ` done:${formatDone(peerDevice.outOfSyncBytes ?? 0n, deviceBytes)}`);
    const suspended = resyncSuspendedWords(peerDevice.resyncSuspended);
    if (verbose || suspended !== 'no') text.add(8, ` resync-suspended:${suspended}`);
    if (statistics && peerDevice.stats !== null) {
      text.add(8, '\n');
      for (const piece of peerDeviceStatisticsTexts(peerDevice, verbose)) text.add(8, piece);
    }
  }
  text.add(0, '\n');
}

/** A resync or a verify runs, or is paused. */
const RUNS: ReadonlySet<string> = new Set([
  'SyncSource',
  'SyncTarget',
  'VerifyS',
  'VerifyT',
  'PausedSyncS',
  'PausedSyncT',
]);

/** How much of a device is in sync, in percent with two decimals, rounded as C rounds: half to even. */
export function formatDone(outOfSync: bigint, size: bigint): string {
  if (size === 0n) return '0.00';
  const percent = 100 * (1 - Number(outOfSync) / Number(size));
  const fraction = Math.abs(percent) % 1;
  // Of all that lies in the middle of two results, only multiples of an eighth are exact in binary; JavaScript rounds
  // these up.
  return fraction === 0.125 || fraction === 0.625
    ? (percent - Math.sign(percent) * 0.005).toFixed(2)
    : percent.toFixed(2);
}

const colors = (byWord: Readonly<Record<string, Color>>): ReadonlyMap<string, Color> => new Map(Object.entries(byWord));
const roleColor = pick<string>(colors({ Primary: 'primary', Secondary: 'normal' }));
const diskColor = pick<string>(colors({ Diskless: 'bad', Inconsistent: 'bad', Outdated: 'bad', UpToDate: 'good' }));
const connectionColor = pick<string>(colors({ StandAlone: 'bad', Connecting: 'bad', Connected: 'normal' }));
const replicationColor = pick<string>(
  colors({
    Established: 'normal',
    SyncSource: 'bad',
    SyncTarget: 'bad',
    VerifyS: 'normal',
    VerifyT: 'normal',
    PausedSyncS: 'normal',
    PausedSyncT: 'bad',
    Ahead: 'normal',
  }),
);
/** What happens to this node's data has its colors. */
const LOCAL_REPLICATION: ReadonlySet<string> = new Set(['SyncTarget', 'PausedSyncT', 'Behind']);
