import type { Connection, Device, PeerDevice, Resource, Snapshot } from '../../drbd';
import { formatPathAddress, type Finding } from '../../model';
import { bySeverity } from './observe';
import {
  formatBar,
  formatBytes,
  formatDuration,
  formatLine,
  padded,
  printable,
  widthOf,
  wrapped,
  type Line,
  type Look,
  type Span,
  type Style,
} from './text';

/** What a view says that has no state to show: not yet, or for want of a driver. */
export const READING: Line = [{ text: 'Reading the state.', style: 'dim' }];
export const WAITING: Line = [{ text: 'No DRBD driver is loaded. Waiting for one.', style: 'yellow' }];

/** How a state is coloured: what is as it should be, what is on its way, and what is wrong. */
const STYLES: Readonly<Record<string, Style>> = {
  Primary: 'cyan',
  UpToDate: 'green',
  Connected: 'green',
  Established: 'green',
  Diskless: 'red',
  Failed: 'red',
  Inconsistent: 'red',
  Outdated: 'yellow',
  DUnknown: 'yellow',
  Consistent: 'yellow',
  Attaching: 'yellow',
  Detaching: 'yellow',
  Negotiating: 'yellow',
  StandAlone: 'red',
  ProtocolError: 'red',
  NetworkFailure: 'red',
  BrokenPipe: 'red',
  Timeout: 'red',
};
const MOVING: Style = 'yellow';

/** @returns a state as a piece of a line; what is not known is a dash */
export function stateSpan(state: string | null, other?: Style): Span {
  return state === null ? { text: '-', style: 'dim' } : { text: printable(state), style: STYLES[state] ?? other };
}

/** @returns a name of the connection's peer: the one that the kernel knows, else its address */
export function peerName(connection: Connection): string {
  if (connection.name !== null) return connection.name;
  const [path] = connection.paths;
  if (path !== undefined) return formatPathAddress(path.peer).replace(/^ipv[46]:/u, '');
  return connection.peerNodeId === null ? 'no peer' : `node ${connection.peerNodeId}`;
}

export function resourceName({ name, devices }: Resource): string {
  return name ?? `minor ${devices[0]?.minor ?? '?'}`;
}

/** A line of the view: three cells that stand below each other, and what follows them. */
interface Row {
  readonly cells: readonly [Span, Span, Span];
  readonly rest: readonly Span[];
}
const NOTHING: Span = { text: '' };

function resourceRow(resource: Resource): Row {
  const { role, nodeId, suspended, forceIoFailures } = resource;
  const why = Object.entries(suspended).flatMap(([reason, holds]) => (holds === true ? [reason] : []));
  return {
    cells: [{ text: printable(resourceName(resource)), style: 'bold' }, stateSpan(role), NOTHING],
    rest: joined([
      nodeId === null ? undefined : { text: `node ${nodeId}`, style: 'dim' },
      why.length === 0 ? undefined : { text: `I/O suspended: ${why.join(', ')}`, style: 'red' },
      forceIoFailures === true ? { text: 'I/O fails', style: 'red' } : undefined,
    ]),
  };
}

function deviceRow(device: Device): Row {
  const { volume, minor, disk, client, open, quorum, backingDevice, stats } = device;
  return {
    cells: [
      { text: `  volume ${volume ?? '?'}` },
      client === true && disk === 'Diskless' ? { text: 'Diskless' } : stateSpan(disk),
      NOTHING,
    ],
    rest: joined([
      minor === null ? undefined : { text: `/dev/drbd${minor}` },
      typeof stats?.sizeBytes === 'bigint' ? { text: formatBytes(stats.sizeBytes) } : undefined,
      backingDevice === null ? undefined : { text: `on ${printable(backingDevice)}`, style: 'dim' },
      client === true ? { text: 'client', style: 'dim' } : undefined,
      open === true ? { text: 'open', style: 'dim' } : undefined,
      quorum === false ? { text: 'no quorum', style: 'red' } : undefined,
    ]),
  };
}

function connectionRow(connection: Connection): Row {
  const { state, role, protocol, congested } = connection;
  return {
    cells: [{ text: `  to ${printable(peerName(connection))}` }, stateSpan(state, MOVING), stateSpan(role)],
    rest: joined([
      protocol === null ? undefined : { text: `protocol ${protocol}`, style: 'dim' },
      congested === true ? { text: 'congested', style: 'yellow' } : undefined,
      ...connection.paths.map((path): Span | undefined =>
        path.established === false && connection.paths.length > 1
          ? { text: `path ${formatPathAddress(path.peer)} down`, style: 'yellow' }
          : undefined,
      ),
    ]),
  };
}

function peerDeviceRow(peer: PeerDevice): Row {
  const { volume, replication, peerDisk, peerClient, outOfSyncBytes, resyncSuspended } = peer;
  const holds = Object.entries(resyncSuspended).flatMap(([reason, holds]) => (holds === true ? [reason] : []));
  return {
    cells: [
      { text: `    volume ${volume ?? '?'}` },
      replication === 'Off' ? { text: 'Off', style: 'dim' } : stateSpan(replication, MOVING),
      peerClient === true && peerDisk === 'Diskless' ? { text: 'Diskless' } : stateSpan(peerDisk),
    ],
    rest: joined([
      outOfSyncBytes === null || outOfSyncBytes === 0n
        ? undefined
        : { text: `${formatBytes(outOfSyncBytes)} out of sync`, style: 'yellow' },
      peerClient === true ? { text: 'client', style: 'dim' } : undefined,
      holds.length === 0 ? undefined : { text: `held: ${holds.join(', ')}`, style: 'yellow' },
    ]),
  };
}

const WIDEST_BAR = 40;
const NARROWEST_BAR = 6;

/** A bar, how much is done, how fast it goes, and how long it will take. */
function progressLine({ resync }: PeerDevice, look: Look, indent: string): Line | undefined {
  if (resync === null) return undefined;
  const { percent, bytesPerSecond, etaSeconds, kind, reason, leftBytes } = resync;
  const rest = [
    percent === null ? undefined : `${percent.toFixed(1).padStart(5)} %`,
    bytesPerSecond === null || (percent === null && bytesPerSecond === 0n)
      ? undefined
      : `${formatBytes(bytesPerSecond)}/s`,
    etaSeconds === null || reason.length > 0 ? undefined : `${formatDuration(etaSeconds)} left`,
    reason.length > 0 ? reason.join(', ') : undefined,
    leftBytes === null ? undefined : `${formatBytes(leftBytes)} to go`,
  ].filter((part) => part !== undefined);
  const name = kind === 'verify' ? 'verify ' : 'resync ';
  const text = rest.join('  ');
  const room = (look.columns ?? 100) - indent.length - name.length - widthOf(text) - 4;
  const cells = Math.min(WIDEST_BAR, room);
  return [
    { text: indent + name },
    ...(percent === null || cells < NARROWEST_BAR
      ? []
      : [{ text: formatBar(percent, cells, look.unicode), style: 'cyan' } as const, { text: ' ' }]),
    { text },
  ];
}

/** Puts two blanks between the parts that there are. */
function joined(parts: readonly (Span | undefined)[]): readonly Span[] {
  return parts.filter((part) => part !== undefined).flatMap((part, at) => (at === 0 ? [part] : [{ text: '  ' }, part]));
}

type Part = Row | { readonly line: Line };

function partsOf(resource: Resource, look: Look): readonly Part[] {
  const parts: Part[] = [resourceRow(resource)];
  for (const device of resource.devices) parts.push(deviceRow(device));
  for (const connection of resource.connections) {
    // 8.3 has a connection where nothing is configured: it says nothing.
    if (connection.state === 'StandAlone' && connection.paths.length === 0 && connection.peerNodeId === null) continue;
    parts.push(connectionRow(connection));
    for (const peer of connection.peerDevices) {
      if (connection.state === 'Connected' || peer.outOfSyncBytes !== null || peer.resync !== null)
        parts.push(peerDeviceRow(peer));
      const progress = progressLine(peer, look, '      ');
      if (progress !== undefined) parts.push({ line: progress });
    }
  }
  return parts;
}

const GAP = 2;
/** A column is no wider than this: a long name pushes its own line only. */
const WIDEST_CELL = 30;

function alignedLines(parts: readonly Part[]): readonly Line[] {
  const widths = [0, 1, 2].map((column) =>
    Math.max(
      0,
      ...parts
        .flatMap((part) => ('cells' in part ? [widthOf(part.cells[column]?.text ?? '')] : []))
        .filter((width) => width <= WIDEST_CELL),
    ),
  );
  return parts.map((part): Line => {
    if ('line' in part) return part.line;
    return [
      ...part.cells.flatMap((cell, column): Line => {
        const width = widths[column] ?? 0;
        if (width === 0) return [];
        return [cell, { text: padded('', Math.max(0, width - widthOf(cell.text)) + GAP) }];
      }),
      ...part.rest,
    ];
  });
}

/** @returns each resource with its devices and connections; the first line of each is its own */
export function resourceLines(resources: readonly Resource[], look: Look): readonly Line[] {
  return alignedLines(resources.flatMap((resource) => partsOf(resource, look)));
}

/** @returns what is wrong, a paragraph each */
export function findingLines(found: readonly Finding[], look: Look): readonly Line[] {
  return bySeverity(found).flatMap(({ severity, text }) => {
    const [first = '', ...others] = wrapped(printable(text), (look.columns ?? 120) - 2);
    const style: Style = severity === 'error' ? 'red' : 'yellow';
    return [
      [
        { text: '! ', style },
        { text: first, style },
      ],
      ...others.map((line): Line => [{ text: `  ${line}`, style }]),
    ];
  });
}

/** @returns the release of the driver, and how it is spoken to */
export function driverText({ source }: Snapshot): string {
  const { dialect, driver, api } = source;
  const release = driver === null ? 'DRBD' : `DRBD ${printable(driver)}`;
  return `${release}, ${dialect === 'connector' ? `connector${api === null ? '' : `, api ${api}`}` : `generic netlink ${api ?? ''}`}`.trimEnd();
}

/**
 * @param found what is wrong with the resources of the snapshot
 * @returns the state in lines: trouble first, then each resource with its devices and connections
 */
export function statusLines(snapshot: Snapshot, found: readonly Finding[], look: Look): readonly Line[] {
  const head: Line = [{ text: driverText(snapshot), style: 'dim' }];
  const { resources, unconfiguredMinors } = snapshot;
  const trouble = findingLines(found, look);
  const body = resourceLines(resources, look);
  const minors = unconfiguredMinors ?? [];
  return [
    head,
    ...(snapshot.source.complete
      ? []
      : [[{ text: 'This may not be all, or not of one moment.', style: 'yellow' } as const]]),
    ...(trouble.length === 0 ? [] : [[], ...trouble]),
    ...(body.length === 0 ? [] : [[], ...body]),
    ...(body.length === 0 ? [[{ text: 'No resource is configured.' }]] : []),
    ...(minors.length === 0 ? [] : [[{ text: `Unconfigured minors: ${minors.join(', ')}`, style: 'dim' } as const]]),
  ];
}

/** @returns lines of the view as they are written */
export function formatLines(lines: readonly Line[], look: Look): string {
  return lines.map((line) => `${formatLine(line, look)}\n`).join('');
}
