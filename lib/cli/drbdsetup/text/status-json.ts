import type { Connection, Device, PeerDevice, Resource } from '../../../drbd';
import { formatDone } from './status';
import { kib, resyncSuspendedWords, wordOr } from './pieces';
import { PEER } from './show-json';

// The arrays that `status --json` of DRBD 9's drbdsetup prints, which programs written for it read: the same keys in
// the same order and units, whatever the generation. What DRBD 8 has not is as DRBD 9 tells it where it is not in use.

/** @returns the text that drbdsetup prints */
export function statusToJson9(resources: readonly Resource[]): string {
  return `[\n${resources.map(resourceText).join(',\n')}]\n\n`;
}

type Value = string | number | bigint | boolean;
/** A number as it is written, such as 36.90. */
interface Written {
  readonly written: string;
}
type Pair = readonly [key: string, value: Value | Written];

function valueText(value: Value | Written): string {
  return typeof value === 'object' ? value.written : typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}

/** Pairs in lines, each with a comma behind it but the last where nothing follows. */
function lines(indent: number, pairs: readonly Pair[], more: boolean): string {
  return pairs
    .map(([key, value], at) => {
      // As there: a blank behind the state of a connection.
      const blank = key === 'connection-state' ? ' ' : '';
      return `${' '.repeat(indent)}"${key}": ${valueText(value)}${more || at < pairs.length - 1 ? `,${blank}` : ''}\n`;
    })
    .join('');
}

function list(indent: number, key: string, items: readonly string[]): string {
  const head = `${' '.repeat(indent)}"${key}": [`;
  return items.length === 0 ? `${head}\n ]` : `${head}\n${items.join(',\n')} ]`;
}

const is = (flag: boolean | null): boolean => flag === true;

function resourceText(resource: Resource): string {
  const { suspended } = resource;
  const reasons = [suspended.user, suspended.noData, suspended.fencing, suspended.quorum];
  const ordering = resource.writeOrdering;
  const pairs: readonly Pair[] = [
    ['name', resource.name ?? ''],
    ['node-id', resource.nodeId ?? 0],
    ['role', wordOr(resource.role, 'Unknown')],
    ['suspended', reasons.some(is)],
    ['suspended-user', is(suspended.user)],
    ['suspended-no-data', is(suspended.noData)],
    ['suspended-fencing', is(suspended.fencing)],
    ['suspended-quorum', is(suspended.quorum)],
    ['force-io-failures', is(resource.forceIoFailures)],
    ...(ordering === null ? [] : ([['write-ordering', ordering]] as const)),
  ];
  const devices = list(2, 'devices', resource.devices.map(deviceText));
  const connections = list(
    2,
    'connections',
    resource.connections.map((connection) => connectionText(connection, resource.devices)),
  );
  return `{\n${lines(2, pairs, true)}${devices},\n${connections}\n}\n`;
}

function deviceText(device: Device): string {
  const { stats } = device;
  const pairs: readonly Pair[] = [
    ['volume', device.volume ?? 0],
    ['minor', device.minor ?? 0],
    ['disk-state', wordOr(device.disk, 'Diskless')],
    ['client', is(device.client)],
    ['quorum', device.quorum ?? true],
    ['size', kib(stats?.sizeBytes)],
    ['read', kib(stats?.readBytes)],
    ['written', kib(stats?.writtenBytes)],
    ['al-writes', stats?.alWrites ?? 0n],
    ['bm-writes', stats?.bmWrites ?? 0n],
    ['upper-pending', stats?.upperPending ?? 0],
    ['lower-pending', stats?.lowerPending ?? 0],
  ];
  return `    {\n${lines(6, pairs, false)}    }`;
}

function connectionText(connection: Connection, devices: readonly Device[]): string {
  const pairs: readonly Pair[] = [
    ['peer-node-id', connection.peerNodeId ?? PEER.id],
    ['name', connection.name ?? PEER.name],
    ['connection-state', wordOr(connection.state, 'StandAlone')],
    ['congested', is(connection.congested)],
    ['peer-role', wordOr(connection.role, 'Unknown')],
    ['ap-in-flight', kib(connection.apInFlightBytes)],
    ['rs-in-flight', kib(connection.rsInFlightBytes)],
  ];
  const peerDevices = connection.peerDevices.map((peerDevice) =>
    peerDeviceText(peerDevice, devices.find(({ volume }) => volume === peerDevice.volume)?.stats?.sizeBytes ?? 0n),
  );
  return `    {\n${lines(6, pairs, true)}${list(6, 'peer_devices', peerDevices)}\n    }`;
}

function peerDeviceText(peerDevice: PeerDevice, deviceBytes: bigint): string {
  const { stats, outOfSyncBytes } = peerDevice;
  const pairs: readonly Pair[] = [
    ['volume', peerDevice.volume ?? 0],
    ['replication-state', wordOr(peerDevice.replication, 'Off')],
    ['peer-disk-state', wordOr(peerDevice.peerDisk, 'Diskless')],
    ['peer-client', is(peerDevice.peerClient)],
    ['resync-suspended', resyncSuspendedWords(peerDevice.resyncSuspended)],
    ['received', kib(stats?.receivedBytes)],
    ['sent', kib(stats?.sentBytes)],
    ['out-of-sync', kib(outOfSyncBytes)],
    ['pending', stats?.pending ?? 0],
    ['unacked', stats?.unacked ?? 0],
    ['has-sync-details', false],
    ['has-online-verify-details', false],
    ['percent-in-sync', { written: formatDone(outOfSyncBytes ?? 0n, deviceBytes) }],
  ];
  return `        {\n${lines(10, pairs, false)}        }`;
}
