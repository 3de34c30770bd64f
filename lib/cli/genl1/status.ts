import {
  connectionStates,
  diskStates,
  roles,
  writeOrderings,
  type attributeSets,
  type operations,
} from '../../dialects/genl1';
import type { DumpReply } from '../../drbd';
import type { FieldsReceived } from '../../schema';
import type { SetName } from './options';
import { connectionWord9, diskWord, replicationWord9, roleWord } from './states';
import { WrappedText } from './wrap';

/** What one resource looks like: a message of get_resources, and the dumps of its parts. */
export interface ResourceReplies {
  readonly resource: DumpReply<typeof operations.get_resources>;
  readonly devices: readonly DumpReply<typeof operations.get_devices>[];
  readonly connections: readonly DumpReply<typeof operations.get_connections>[];
  readonly peerDevices: readonly DumpReply<typeof operations.get_peer_devices>[];
}

export interface StatusFormat {
  readonly verbose: boolean;
  readonly statistics: boolean;
  readonly color: boolean;
  /** Of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
}

type Sets<K extends SetName> = FieldsReceived<(typeof attributeSets)[K]['fields']>;

const SECTORS_PER_KIB = 2n;

/** @returns the states as `status` prints them */
export function formatStatus(resources: readonly ResourceReplies[], format: StatusFormat): string {
  const text = new WrappedText(format.columns);
  for (const resource of resources) resourceStatus(text, resource, format);
  return text.toString();
}

function resourceStatus(
  text: WrappedText,
  { resource, devices, connections, peerDevices }: ResourceReplies,
  format: StatusFormat,
): void {
  const { verbose, statistics } = format;
  const info = resource.resource_info ?? {};
  const role = info.res_role ?? 0;
  text
    .add(0, resource.context?.ctx_resource_name ?? '')
    .add(4, ` role:${paint(format, roleColor(role), true, roleWord(role))}`);
  if (verbose || isSuspended(info)) text.add(4, ` suspended:${suspendedWords(info)}`);
  if (statistics && verbose) text.add(4, '\n').add(4, writeOrderingText(resource.resource_statistics ?? {}));
  text.add(0, '\n');
  const single = devices.length === 1;
  for (const device of devices) deviceStatus(text, device, single, format);
  for (const connection of connections) {
    text.add(2, 'peer');
    const state = connection.connection_info?.conn_connection_state ?? 0;
    // What 8.4 calls a handshake is a connection that stands: what goes on in it is told of its volumes.
    const connected = state === connectionStates.C_WF_REPORT_PARAMS;
    if (verbose || state < connectionStates.C_WF_REPORT_PARAMS)
      text.add(6, ` connection:${paint(format, connectionColor(state), true, connectionWord9(state))}`);
    if (verbose || connected) {
      const peerRole = connection.connection_info?.conn_role ?? 0;
      text.add(6, ` role:${paint(format, roleColor(peerRole), false, roleWord(peerRole))}`);
    }
    const congested = connection.connection_statistics?.conn_congested;
    if (verbose || congested === true) text.add(6, congestedText({ conn_congested: congested ?? false }));
    text.add(0, '\n');
    if (!verbose && !statistics && !connected) continue;
    for (const peerDevice of peerDevices) {
      if (!sameEndpoints(connection, peerDevice)) continue;
      const device = devices.find(({ context }) => context?.ctx_volume === peerDevice.context?.ctx_volume);
      peerDeviceStatus(text, peerDevice, device?.device_statistics?.dev_size, single, format);
    }
  }
  text.add(0, '\n');
}

function deviceStatus(
  text: WrappedText,
  device: ResourceReplies['devices'][number],
  single: boolean,
  format: StatusFormat,
): void {
  const volume = device.context?.ctx_volume ?? 0;
  const disk = device.device_info?.dev_disk_state ?? diskStates.D_DISKLESS;
  let indent = 2;
  if (format.verbose || !single || volume !== 0) {
    text.add(indent, `volume:${volume}`);
    indent = 6;
    if (format.verbose) text.add(indent, ` minor:${device.minor ?? 0}`);
  }
  text.add(indent, ` disk:${paint(format, diskColor(disk), true, diskWord(disk))}`);
  const statistics = device.device_statistics;
  if (statistics !== undefined) {
    if (format.statistics) text.add(6, '\n');
    for (const piece of deviceStatisticsTexts(undefined, statistics, format)) text.add(6, piece);
  }
  text.add(6, '\n');
}

function peerDeviceStatus(
  text: WrappedText,
  peerDevice: ResourceReplies['peerDevices'][number],
  deviceSectors: bigint | undefined,
  single: boolean,
  format: StatusFormat,
): void {
  const { verbose, statistics } = format;
  const info = peerDevice.peer_device_info ?? {};
  const volume = peerDevice.context?.ctx_volume ?? 0;
  const replication = info.peer_repl_state ?? 0;
  const disk = info.peer_disk_state ?? 0;
  let indent = 4;
  if (verbose || !single || volume !== 0) {
    text.add(indent, `volume:${volume}`);
    indent = 8;
  }
  if (verbose || replication > connectionStates.C_WF_REPORT_PARAMS) {
    text.add(
      indent,
      ` replication:${paint(format, replicationColor(replication), LOCAL_REPLICATION.has(replication), replicationWord9(replication))}`,
    );
    indent = 8;
  }
  if (verbose || statistics || replication !== connectionStates.C_WF_REPORT_PARAMS || disk !== diskStates.D_UNKNOWN) {
    text.add(indent, ` peer-disk:${paint(format, diskColor(disk), false, diskWord(disk))}`);
    const numbers = peerDevice.peer_device_statistics;
    if (replication >= connectionStates.C_SYNC_SOURCE && replication <= connectionStates.C_PAUSED_SYNC_T) {
      text.add(8, ` done:${formatDone(numbers?.peer_dev_out_of_sync ?? 0n, deviceSectors ?? 0n)}`);
    }
    if (verbose || isResyncSuspended(info)) text.add(8, ` resync-suspended:${resyncSuspendedWords(info)}`);
    if (statistics && numbers !== undefined) {
      text.add(8, '\n');
      for (const piece of peerDeviceStatisticsTexts(numbers, verbose)) text.add(8, piece);
    }
  }
  text.add(0, '\n');
}

function sameEndpoints(
  a: { readonly context?: { readonly ctx_my_addr?: Uint8Array; readonly ctx_peer_addr?: Uint8Array } },
  b: typeof a,
): boolean {
  const equal = (left: Uint8Array | undefined, right: Uint8Array | undefined): boolean =>
    Buffer.compare(left ?? new Uint8Array(), right ?? new Uint8Array()) === 0;
  return (
    equal(a.context?.ctx_my_addr, b.context?.ctx_my_addr) && equal(a.context?.ctx_peer_addr, b.context?.ctx_peer_addr)
  );
}

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

/** @param info a resource_info */
export function isSuspended(info: Sets<'resource_info'>): boolean {
  return info.res_susp === true || info.res_susp_nod === true || info.res_susp_fen === true;
}

/** @returns for what reasons I/O is suspended, or `no` */
export function suspendedWords(info: Sets<'resource_info'>): string {
  return words([
    ['user', info.res_susp],
    ['no-data', info.res_susp_nod],
    ['fencing', info.res_susp_fen],
  ]);
}

export function isResyncSuspended(info: Sets<'peer_device_info'>): boolean {
  return [info.peer_resync_susp_user, info.peer_resync_susp_peer, info.peer_resync_susp_dependency].some(
    (count) => (count ?? 0) !== 0,
  );
}

/** @returns for what reasons the resync is held, or `no` */
export function resyncSuspendedWords(info: Sets<'peer_device_info'>): string {
  return words([
    ['user', info.peer_resync_susp_user],
    ['peer', info.peer_resync_susp_peer],
    ['dependency', info.peer_resync_susp_dependency],
  ]);
}

function words(reasons: readonly (readonly [string, number | boolean | undefined])[]): string {
  const holding = reasons
    .filter(([, holds]) => holds === true || (typeof holds === 'number' && holds !== 0))
    .map(([word]) => word);
  return holding.length === 0 ? 'no' : holding.join(',');
}

const WRITE_ORDERINGS: ReadonlyMap<number | undefined, string> = new Map([
  [writeOrderings.WO_NONE, 'none'],
  [writeOrderings.WO_DRAIN_IO, 'drain'],
  [writeOrderings.WO_BDEV_FLUSH, 'flush'],
  [writeOrderings.WO_BIO_BARRIER, 'barrier'],
]);

/** @returns ` write-ordering:flush`, or nothing for a number without a word */
export function writeOrderingText(statistics: Sets<'resource_statistics'>): string {
  const word = WRITE_ORDERINGS.get(statistics.res_stat_write_ordering);
  return word === undefined ? '' : ` write-ordering:${word}`;
}

export function congestedText(statistics: Sets<'connection_statistics'>): string {
  return ` congested:${statistics.conn_congested === true ? 'yes' : 'no'}`;
}

const kib = (sectors: bigint | undefined): bigint => (sectors ?? 0n) / SECTORS_PER_KIB;

/** @param old what was told before, if anything: what is a state and not a count is told again only when it changes */
export function deviceStatisticsTexts(
  old: Sets<'device_statistics'> | undefined,
  now: Sets<'device_statistics'>,
  { statistics, verbose }: { readonly statistics: boolean; readonly verbose: boolean },
): readonly string[] {
  const pieces: string[] = [];
  if (statistics) {
    if (verbose) pieces.push(` size:${kib(now.dev_size)}`);
    pieces.push(` read:${kib(now.dev_read)}`, ` written:${kib(now.dev_write)}`);
    if (verbose) {
      pieces.push(
        ` al-writes:${now.dev_al_writes ?? 0n}`,
        ` bm-writes:${now.dev_bm_writes ?? 0n}`,
        ` upper-pending:${now.dev_upper_pending ?? 0}`,
        ` lower-pending:${now.dev_lower_pending ?? 0}`,
      );
      if (old === undefined || old.dev_al_suspended !== now.dev_al_suspended)
        pieces.push(` al-suspended:${now.dev_al_suspended === true ? 'yes' : 'no'}`);
    }
  }
  const [upper, lower] = [now.dev_upper_blocked === true, now.dev_lower_blocked === true];
  const changed =
    old === undefined || (old.dev_upper_blocked ?? false) !== upper || (old.dev_lower_blocked ?? false) !== lower;
  if (changed && (verbose || upper || lower))
    pieces.push(
      ` blocked:${words([
        ['upper', upper],
        ['lower', lower],
      ])}`,
    );
  return pieces;
}

export function peerDeviceStatisticsTexts(now: Sets<'peer_device_statistics'>, verbose: boolean): readonly string[] {
  const pieces = [` received:${kib(now.peer_dev_received)}`, ` sent:${kib(now.peer_dev_sent)}`];
  const outOfSync = now.peer_dev_out_of_sync ?? 0n;
  if (verbose || outOfSync !== 0n) pieces.push(` out-of-sync:${kib(outOfSync)}`);
  if (verbose) pieces.push(` pending:${now.peer_dev_pending ?? 0}`, ` unacked:${now.peer_dev_unacked ?? 0}`);
  return pieces;
}

type Color = 'transitional' | 'normal' | 'primary' | 'good' | 'bad';

/** Escape sequences of this node's states, which are bright, and of the peer's. */
const LOCAL_COLORS: Readonly<Record<Color, string>> = {
  transitional: '1',
  normal: '',
  primary: '1;36',
  good: '1;32',
  bad: '1;31',
};
const PEER_COLORS: Readonly<Record<Color, string>> = {
  transitional: '',
  normal: '',
  primary: '36',
  good: '32',
  bad: '31',
};

function paint({ color }: StatusFormat, name: Color, local: boolean, word: string): string {
  const code = (local ? LOCAL_COLORS : PEER_COLORS)[name];
  return color && code !== '' ? `\u001b[${code}m${word}\u001b[0m` : word;
}

const pick =
  (colors: ReadonlyMap<number, Color>) =>
  (code: number): Color =>
    colors.get(code) ?? 'transitional';

const roleColor = pick(
  new Map<number, Color>([
    [roles.R_PRIMARY, 'primary'],
    [roles.R_SECONDARY, 'normal'],
  ]),
);
const diskColor = pick(
  new Map<number, Color>([
    [diskStates.D_DISKLESS, 'bad'],
    [diskStates.D_INCONSISTENT, 'bad'],
    [diskStates.D_OUTDATED, 'bad'],
    [diskStates.D_UP_TO_DATE, 'good'],
  ]),
);
const connectionColor = pick(
  new Map<number, Color>([
    [connectionStates.C_STANDALONE, 'bad'],
    [connectionStates.C_WF_CONNECTION, 'bad'],
    [connectionStates.C_WF_REPORT_PARAMS, 'normal'],
  ]),
);
const replicationColor = pick(
  new Map<number, Color>([
    [connectionStates.C_CONNECTED, 'normal'],
    [connectionStates.C_SYNC_SOURCE, 'bad'],
    [connectionStates.C_SYNC_TARGET, 'bad'],
    [connectionStates.C_VERIFY_S, 'normal'],
    [connectionStates.C_VERIFY_T, 'normal'],
    [connectionStates.C_PAUSED_SYNC_S, 'normal'],
    [connectionStates.C_PAUSED_SYNC_T, 'bad'],
    [connectionStates.C_AHEAD, 'normal'],
  ]),
);
/** What happens to this node's data has its colors. */
const LOCAL_REPLICATION: ReadonlySet<number> = new Set([
  connectionStates.C_SYNC_TARGET,
  connectionStates.C_PAUSED_SYNC_T,
  connectionStates.C_BEHIND,
]);
