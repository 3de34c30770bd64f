import { connectionStates, diskStates, replicationStates } from '../../../dialects/genl2';
import type { DumpReply } from '../../../drbd';
import { WrappedText } from './wrap';
import {
  clientWord,
  connectionWord9,
  diskWord9,
  fixed,
  Painter,
  replicationWord9,
  resyncSuspendedWords9,
  roleWord9,
  suspendedWords9,
  writeOrderingWord,
} from './states-9';
import {
  connectionStatisticsTexts,
  deviceStatisticsTexts9,
  isUntoldResync,
  kib,
  peerDeviceStatisticsTexts9,
  percentInSync,
  progressOf,
  resourceStatisticsTexts,
  resyncCounters,
  type StatisticsFormat,
} from './statistics-9';

/** What one resource of DRBD 9 looks like: a message of get_resources, and the dumps of its parts. */
export interface ResourceReplies9 {
  readonly resource: DumpReply<'genl2', 'get_resources'>;
  readonly devices: readonly DumpReply<'genl2', 'get_devices'>[];
  readonly connections: readonly DumpReply<'genl2', 'get_connections'>[];
  readonly peerDevices: readonly DumpReply<'genl2', 'get_peer_devices'>[];
}

type Device = ResourceReplies9['devices'][number];
type Connection = ResourceReplies9['connections'][number];
type PeerDevice = ResourceReplies9['peerDevices'][number];

export interface StatusFormat9 {
  readonly verbose: number;
  readonly statistics: boolean;
  readonly color: boolean;
  /** A human reads it. */
  readonly terminal: boolean;
  /** Of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
}

/** Printed where there is no resource at all. */
export const NOTHING_CONFIGURED = '# No currently configured DRBD found.\n';

/** @returns the states as `status` prints them */
export function formatStatus9(resources: readonly ResourceReplies9[], format: StatusFormat9): string {
  const text = new StatusText(format);
  for (const resource of resources) text.resource(resource);
  return text.toString();
}

class StatusText {
  readonly #text: WrappedText;
  readonly #format: StatusFormat9 & StatisticsFormat;
  readonly #painter: Painter;

  constructor(format: StatusFormat9) {
    this.#format = { ...format, full: false };
    this.#text = new WrappedText(format.columns);
    this.#painter = new Painter(format.color);
  }

  toString(): string {
    return this.#text.toString();
  }

  #all(indent: number, pieces: readonly string[]): void {
    for (const piece of pieces) this.#text.add(indent, piece);
  }

  resource({ resource, devices, connections, peerDevices }: ResourceReplies9): void {
    const { verbose, statistics } = this.#format;
    const info = resource.resource_info ?? {};
    const text = this.#text.add(0, resource.context?.ctx_resource_name ?? '');
    const node = resource.res_opts?.node_id;
    if (verbose > 0 && node !== undefined) text.add(4, ` node-id:${node}`);
    text.add(4, ` role:${this.#painter.role(info.res_role, true)}`);
    const suspended = suspendedWords9(info);
    if (verbose > 0 || suspended !== 'no') text.add(4, ` suspended:${suspended}`);
    const failing = info.res_fail_io === true;
    if (verbose > 0 || failing) text.add(4, ` force-io-failures:${this.#painter.yesNo(failing, false)}`);
    if (statistics && verbose > 0) {
      text.add(4, '\n');
      this.#all(4, resourceStatisticsTexts(undefined, resource.resource_statistics ?? {}, this.#format));
    }
    text.add(0, '\n');
    const single = devices.length === 1;
    for (const device of devices) this.#device(device, single);
    for (const connection of connections) {
      const own = peerDevices.filter(
        ({ context }) => context?.ctx_peer_node_id === connection.context?.ctx_peer_node_id,
      );
      this.#connection(connection, own, devices, single);
    }
    text.add(0, '\n');
  }

  #device(device: Device, single: boolean): void {
    const { verbose, statistics, terminal } = this.#format;
    const text = this.#text;
    const volume = device.context?.ctx_volume ?? 0;
    const info = device.device_info ?? {};
    let indent = 2;
    if (verbose > 0 || !single || volume !== 0) {
      text.add(indent, `volume:${volume}`);
      indent = 6;
      if (verbose > 0) text.add(indent, ` minor:${device.minor ?? 0}`);
    }
    const intentional = info.is_intentional_diskless;
    text.add(indent, ` disk:${this.#painter.disk(info.dev_disk_state, intentional === true, true)}`);
    if ((info.dev_disk_state ?? diskStates.D_DISKLESS) === diskStates.D_DISKLESS && (verbose > 0 || !terminal))
      text.add(indent, ` client:${clientWord(intentional)}`);
    if (verbose > 0) text.add(indent, ` backing_dev:${backingDevice(info.backing_dev_path)}`);
    const quorum = info.dev_has_quorum === true;
    if (verbose > 0 || !quorum) text.add(indent, ` quorum:${this.#painter.yesNo(quorum, true)}`);
    const counters = device.device_statistics;
    if (counters?.dev_size !== undefined) {
      if (statistics) text.add(6, '\n');
      this.#all(6, deviceStatisticsTexts9(undefined, counters, this.#format));
    }
    text.add(6, '\n');
  }

  #connection(
    connection: Connection,
    peerDevices: readonly PeerDevice[],
    devices: readonly Device[],
    single: boolean,
  ): void {
    const { verbose, statistics } = this.#format;
    const text = this.#text;
    const { ctx_conn_name: name = '', ctx_peer_node_id: node = 0 } = connection.context ?? {};
    if (name !== '') text.add(2, name);
    if (verbose > 0 || name === '') text.add(name === '' ? 2 : 6, ` node-id:${node}`);
    const state = connection.connection_info?.conn_connection_state ?? 0;
    const connected = state === connectionStates.C_CONNECTED;
    if (verbose > 0 || !connected) text.add(6, ` connection:${this.#painter.connection(state)}`);
    if (verbose > 0 || connected)
      text.add(6, ` role:${this.#painter.role(connection.connection_info?.conn_role, false)}`);
    const counters = connection.connection_statistics;
    if (verbose > 0 || counters?.conn_congested === true)
      this.#all(6, connectionStatisticsTexts(undefined, counters ?? {}, this.#format));
    text.add(0, '\n');
    if (verbose === 0 && !statistics && !connected) return;
    for (const peerDevice of peerDevices) {
      const device = devices.find(({ context }) => context?.ctx_volume === peerDevice.context?.ctx_volume);
      this.#peerDevice(peerDevice, device?.device_statistics?.dev_size, single);
    }
  }

  #peerDevice(peerDevice: PeerDevice, size: bigint | undefined, single: boolean): void {
    const { verbose, statistics, terminal } = this.#format;
    const text = this.#text;
    const info = peerDevice.peer_device_info ?? {};
    const counters = peerDevice.peer_device_statistics ?? {};
    const volume = peerDevice.context?.ctx_volume ?? 0;
    const replication = info.peer_repl_state ?? 0;
    const disk = info.peer_disk_state ?? 0;
    let indent = 4;
    if (verbose > 0 || !single || volume !== 0) {
      text.add(indent, `volume:${volume}`);
      indent = 8;
    }
    if (verbose > 0 || replication > replicationStates.L_ESTABLISHED) {
      text.add(indent, ` replication:${this.#painter.replication(replication)}`);
      indent = 8;
    }
    if (verbose > 0 || statistics || replication !== replicationStates.L_OFF || disk !== diskStates.D_UNKNOWN) {
      const intentional = info.peer_is_intentional_diskless;
      text.add(indent, ` peer-disk:${this.#painter.disk(disk, intentional === true, false)}`);
      if (disk === diskStates.D_DISKLESS && (verbose > 0 || !terminal))
        text.add(indent, ` peer-client:${clientWord(intentional)}`);
      const percent = isUntoldResync(replication, counters)
        ? percentInSync(counters.peer_dev_out_of_sync, size)
        : progressOf(counters)?.percent;
      if (percent !== undefined) text.add(8, ` done:${fixed(percent, 2)}`);
      const held = resyncSuspendedWords9(info);
      if (verbose > 0 || held !== 'no') text.add(8, ` resync-suspended:${held}`);
      if (statistics && counters.peer_dev_received !== undefined) {
        text.add(8, '\n');
        this.#all(8, peerDeviceStatisticsTexts9(counters, this.#format, false));
      }
    }
    text.add(0, '\n');
  }
}

/** The path of a backing device, or `none`. */
export function backingDevice(path: string | undefined): string {
  return path === undefined || path === '' ? 'none' : path;
}

/** Estimated seconds where nothing moves. */
const NEVER = '987654321';

/** @returns the states as `status --json` prints them, with its blanks and line ends, which programs may rely on */
export function formatStatusJson9(resources: readonly ResourceReplies9[]): string {
  return `[\n${resources.map(resourceJson).join(',\n')}]\n\n`;
}

/** One `"name": value` a line, below each other. */
function members(indent: number, entries: readonly (readonly [string, string | number | bigint | boolean])[]): string {
  return entries.map(([name, value]) => `${' '.repeat(indent)}"${name}": ${value}`).join(',\n');
}

const quoted = (text: string): string => JSON.stringify(text);

function resourceJson({ resource, devices, connections, peerDevices }: ResourceReplies9): string {
  const info = resource.resource_info ?? {};
  const head = members(2, [
    ['name', quoted(resource.context?.ctx_resource_name ?? '')],
    ['node-id', resource.res_opts?.node_id ?? -1],
    ['role', quoted(roleWord9(info.res_role))],
    ['suspended', suspendedWords9(info) !== 'no'],
    ['suspended-user', info.res_susp === true],
    ['suspended-no-data', info.res_susp_nod === true],
    ['suspended-fencing', info.res_susp_fen === true],
    ['suspended-quorum', info.res_susp_quorum === true],
    ['force-io-failures', info.res_fail_io === true],
    ['write-ordering', quoted(writeOrderingWord(resource.resource_statistics?.res_stat_write_ordering) ?? '')],
  ]);
  const sizes = new Map(devices.map(({ context, device_statistics: s }) => [context?.ctx_volume, s?.dev_size]));
  return [
    `{\n${head},\n  "devices": [\n${devices.map(deviceJson).join(',\n')} ],\n  "connections": [\n`,
    connections.map((connection) => connectionJson(connection, peerDevices, sizes)).join(',\n'),
    ' ]\n}\n',
  ].join('');
}

function deviceJson(device: Device): string {
  const info = device.device_info ?? {};
  const counters = device.device_statistics;
  return `    {\n${members(6, [
    ['volume', device.context?.ctx_volume ?? 0],
    ['minor', device.minor ?? 0],
    ['disk-state', quoted(diskWord9(info.dev_disk_state))],
    ['client', info.is_intentional_diskless === true],
    ['quorum', info.dev_has_quorum === true],
    ...(counters?.dev_size === undefined
      ? []
      : ([
          ['size', kib(counters.dev_size)],
          ['read', kib(counters.dev_read)],
          ['written', kib(counters.dev_write)],
          ['al-writes', counters.dev_al_writes ?? 0n],
          ['bm-writes', counters.dev_bm_writes ?? 0n],
          ['upper-pending', counters.dev_upper_pending ?? 0],
          ['lower-pending', counters.dev_lower_pending ?? 0],
        ] as const)),
  ])}\n    }`;
}

function connectionJson(
  connection: Connection,
  peerDevices: readonly PeerDevice[],
  sizes: ReadonlyMap<number | undefined, bigint | undefined>,
): string {
  const { ctx_peer_node_id: node = 0, ctx_conn_name: name = '' } = connection.context ?? {};
  const counters = connection.connection_statistics ?? {};
  const own = peerDevices.filter(({ context }) => context?.ctx_peer_node_id === node);
  const head = members(6, [
    ['peer-node-id', node],
    ['name', quoted(name)],
    ['connection-state', quoted(connectionWord9(connection.connection_info?.conn_connection_state))],
    ['congested', counters.conn_congested === true],
    ['peer-role', quoted(roleWord9(connection.connection_info?.conn_role))],
    ...(counters.ap_in_flight === undefined
      ? []
      : ([
          ['ap-in-flight', counters.ap_in_flight],
          ['rs-in-flight', counters.rs_in_flight ?? 0n],
        ] as const)),
  ]);
  // The blank behind this comma has always been there.
  const text = head.replace(/("connection-state": "[^"]*",)\n/u, '$1 \n');
  const list = own
    .map((peerDevice) => peerDeviceJson(peerDevice, sizes.get(peerDevice.context?.ctx_volume)))
    .join(',\n');
  return `    {\n${text},\n      "peer_devices": [\n${list} ]\n    }`;
}

function peerDeviceJson(peerDevice: PeerDevice, size: bigint | undefined): string {
  const info = peerDevice.peer_device_info ?? {};
  const counters = peerDevice.peer_device_statistics ?? {};
  const progress = progressOf(counters);
  const inSync = fixed(percentInSync(counters.peer_dev_out_of_sync, size), 2);
  const entries: (readonly [string, string | number | bigint | boolean])[] = [
    ['volume', peerDevice.context?.ctx_volume ?? 0],
    ['replication-state', quoted(replicationWord9(info.peer_repl_state))],
    ['peer-disk-state', quoted(diskWord9(info.peer_disk_state))],
    ['peer-client', info.peer_is_intentional_diskless === true],
    ['resync-suspended', quoted(resyncSuspendedWords9(info))],
    ['received', kib(counters.peer_dev_received)],
    ['sent', kib(counters.peer_dev_sent)],
    ['out-of-sync', kib(counters.peer_dev_out_of_sync)],
    ['pending', counters.peer_dev_pending ?? 0],
    ['unacked', counters.peer_dev_unacked ?? 0],
    ['has-sync-details', progress !== undefined],
    ['has-online-verify-details', progress?.verifies === true],
    ['percent-in-sync', inSync],
  ];
  if (progress !== undefined)
    entries.push(
      ...resyncCounters(counters, progress),
      ['want', fixed(progress.wanted, 2)],
      ['db0/dt0 [MiB/s]', fixed(progress.olderSpeed, 2)],
      ['db1/dt1 [MiB/s]', fixed(progress.speed, 2)],
      ['estimated-seconds-to-finish', progress.eta === undefined ? NEVER : fixed(progress.eta, 0)],
      ['db/dt [MiB/s]', fixed(progress.averageSpeed, 2)],
      ['percent-resync-done', fixed(progress.percent, 2)],
    );
  else if (isUntoldResync(info.peer_repl_state, counters)) entries.push(['percent-resync-done', inSync]);
  return `        {\n${members(10, entries)}\n        }`;
}
