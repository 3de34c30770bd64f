import type { PeerDevice, Resource, Snapshot } from '../../../drbd';
import type { Finding } from '../../../model';
import { bySeverity } from '../observe';
import {
  cutText,
  formatBytes,
  formatClock,
  padded,
  printable,
  widthOf,
  wrapped,
  type Line,
  type Look,
  type Span,
  type Style,
} from '../text';
import { driverText, findingLines, READING, resourceLines, resourceName, stateSpan, WAITING } from '../view';
import { sparkline, type Counted, type Rate } from './rates';

/** What is shown, and how it came. */
export interface TopView {
  /** Undefined where there is no driver, or nothing was read so far. */
  readonly snapshot: Snapshot | undefined;
  /** The state is being read for the first time. */
  readonly isReading?: boolean;
  readonly findings: readonly Finding[];
  readonly now: Date;
  rate(resource: string): Rate;
  history(resource: string): readonly number[];
}

/** What the keys have made of it. */
export interface TopState {
  /** The resource that keys are about. */
  readonly selected: string | undefined;
  /** Resources that are shown with all they have. */
  readonly open: ReadonlySet<string>;
  readonly filter: string;
  /** Keys go into the filter. */
  readonly isTyping: boolean;
  readonly isHelp: boolean;
  /** Lines that were paged beyond the selected one. */
  readonly scrolled: number;
}

export const FIRST_STATE: TopState = {
  selected: undefined,
  open: new Set(),
  filter: '',
  isTyping: false,
  isHelp: false,
  scrolled: 0,
};

/** @returns what is wrong with a resource or with what belongs to it */
function findingsOf({ name, devices }: Resource, found: readonly Finding[]): readonly Finding[] {
  return found.filter(({ key }) => {
    const { resource, minor } = key as { readonly resource?: string; readonly minor?: number };
    return resource === undefined ? devices.some((device) => device.minor === minor) : resource === name;
  });
}

const peersOf = (resource: Resource): readonly PeerDevice[] =>
  resource.connections.flatMap(({ peerDevices }) => peerDevices);
const isMoving = (resource: Resource): boolean => peersOf(resource).some(({ resync }) => resync !== null);

/** What counts as worse, from the left; what is not here is as it should be. */
const WORST = ['Failed', 'Diskless', 'Inconsistent', 'DUnknown', 'Outdated', 'Consistent', 'Attaching', 'Negotiating'];
const WORST_CONNECTION = ['StandAlone', 'ProtocolError', 'NetworkFailure', 'BrokenPipe', 'Timeout', 'Connecting'];

function worst(states: readonly (string | null)[], order: readonly string[]): string | null {
  const rank = (state: string | null): number => {
    const at = order.indexOf(state ?? '');
    return at === -1 ? order.length : at;
  };
  return [...states].sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** @returns the resources that the filter leaves: those in trouble first, then those that move */
export function ranked({ snapshot, findings: found }: TopView, filter: string): readonly Resource[] {
  const wanted = filter.toLowerCase();
  const rank = (resource: Resource): number => {
    const own = findingsOf(resource, found);
    return own.some(({ severity }) => severity === 'error') ? 0 : own.length > 0 ? 1 : isMoving(resource) ? 2 : 3;
  };
  return (snapshot?.resources ?? [])
    .filter((resource) => wanted === '' || textOf(resource).includes(wanted))
    .map((resource) => ({ resource, rank: rank(resource) }))
    .sort(
      (a, b) =>
        a.rank - b.rank || resourceName(a.resource).localeCompare(resourceName(b.resource), 'en', { numeric: true }),
    )
    .map(({ resource }) => resource);
}

/** All words of a resource that a filter may ask for. */
function textOf(resource: Resource): string {
  return [
    resourceName(resource),
    resource.role,
    ...resource.devices.flatMap(({ disk, minor, backingDevice }) => [disk, `drbd${minor ?? ''}`, backingDevice]),
    ...resource.connections.flatMap(({ name, state, role }) => [name, state, role]),
    ...peersOf(resource).flatMap(({ peerDisk, replication }) => [peerDisk, replication]),
  ]
    .join(' ')
    .toLowerCase();
}

interface Column {
  readonly title: string;
  readonly cell: (resource: Resource, view: TopView, look: Look) => Span;
  readonly right?: true;
  /** Which columns are left out first where there is no room: those with the highest number. */
  readonly order: number;
  readonly most: number;
}

const rateColumn = (title: string, counted: Counted, order: number): Column => ({
  title,
  cell: (resource, view) => {
    const rate = view.rate(resourceName(resource))[counted];
    return rate === null
      ? { text: '-', style: 'dim' }
      : { text: formatBytes(Math.round(rate)), style: rate > 0 ? undefined : 'dim' };
  },
  right: true,
  order,
  most: 10,
});

const GRAPH_CELLS = 20;

const COLUMNS: readonly Column[] = [
  {
    title: 'RESOURCE',
    cell: (resource) => ({ text: printable(resourceName(resource)), style: 'bold' }),
    order: 0,
    most: 24,
  },
  { title: 'ROLE', cell: ({ role }) => stateSpan(role), order: 1, most: 12 },
  {
    title: 'DISK',
    cell: ({ devices }) =>
      stateSpan(
        worst(
          devices.map(({ disk }) => disk),
          WORST,
        ),
      ),
    order: 2,
    most: 14,
  },
  {
    title: 'LINK',
    cell: ({ connections }) =>
      stateSpan(
        worst(
          connections.map(({ state }) => state),
          WORST_CONNECTION,
        ),
        'yellow',
      ),
    order: 3,
    most: 14,
  },
  {
    title: 'PEER DISK',
    cell: (resource) =>
      stateSpan(
        worst(
          peersOf(resource).map(({ peerDisk }) => peerDisk),
          WORST,
        ),
      ),
    order: 5,
    most: 14,
  },
  { title: 'RESYNC', cell: (resource) => resyncSpan(resource), right: true, order: 4, most: 18 },
  rateColumn('READ/s', 'read', 8),
  rateColumn('WRITE/s', 'written', 6),
  rateColumn('SENT/s', 'sent', 7),
  rateColumn('RECV/s', 'received', 9),
  {
    title: 'TRAFFIC',
    cell: (resource, view, { unicode }) => ({
      text: sparkline(view.history(resourceName(resource)), GRAPH_CELLS, unicode),
      style: 'cyan',
    }),
    order: 10,
    most: GRAPH_CELLS,
  },
];

function resyncSpan(resource: Resource): Span {
  const running = peersOf(resource).flatMap(({ resync }) => (resync === null ? [] : [resync]));
  const [slowest] = [...running].sort((a, b) => (a.percent ?? 0) - (b.percent ?? 0));
  if (slowest === undefined) return { text: '' };
  const { percent, bytesPerSecond, reason } = slowest;
  const speed = reason.length > 0 ? 'held' : bytesPerSecond === null ? '' : `${formatBytes(bytesPerSecond)}/s`;
  return { text: `${percent === null ? '' : `${percent.toFixed(0)} %`} ${speed}`.trim(), style: 'yellow' };
}

const GAP = 1;
/** What stands before a row: whether something is wrong, and whether it is open. */
const MARK_WIDTH = 4;

interface Table {
  readonly head: Line;
  row(resource: Resource, isOpen: boolean, isSelected: boolean): Line;
}

function tableOf(resources: readonly Resource[], view: TopView, look: Look, columns: number): Table {
  const cells = new Map(
    resources.map((resource) => [resource, COLUMNS.map((each) => each.cell(resource, view, look))]),
  );
  const widths = COLUMNS.map(({ title, most }, at) =>
    Math.min(most, Math.max(widthOf(title), ...[...cells.values()].map((row) => widthOf(row[at]?.text ?? '')))),
  );
  // The first stays, whatever there is room for.
  let room = columns - MARK_WIDTH;
  const shown = new Set<Column>();
  for (const [at, column] of [...COLUMNS.entries()].sort(([, a], [, b]) => a.order - b.order)) {
    room -= (widths[at] ?? 0) + GAP;
    if (room + GAP < 0 && shown.size > 0) break;
    shown.add(column);
  }
  const line = (texts: readonly Span[], all?: Style): Line =>
    COLUMNS.flatMap((column, at): readonly Span[] => {
      if (!shown.has(column)) return [];
      const width = widths[at] ?? 0;
      const { text = '', style } = texts[at] ?? {};
      const cut = cutText(text, width, look.unicode);
      const full = column.right === true ? ' '.repeat(Math.max(0, width - widthOf(cut))) + cut : padded(cut, width);
      return [
        { text: full, style: all ?? style },
        { text: ' '.repeat(GAP), style: all },
      ];
    });
  return {
    head: [
      { text: ' '.repeat(MARK_WIDTH) },
      ...line(
        COLUMNS.map(({ title }) => ({ text: title })),
        'dim',
      ),
    ],
    row: (resource, isOpen, isSelected) => {
      const own = bySeverity(findingsOf(resource, view.findings));
      const [first] = own;
      const fold = look.unicode ? (isOpen ? '▾' : '▸') : isOpen ? 'v' : '>';
      const mark: Span =
        first === undefined ? { text: '  ' } : { text: '! ', style: first.severity === 'error' ? 'red' : 'yellow' };
      const row = cells.get(resource) ?? [];
      return isSelected
        ? [{ text: `${mark.text}${fold} `, style: 'inverse' }, ...line(row, 'inverse')]
        : [mark, { text: `${fold} ` }, ...line(row)];
    },
  };
}

const INDENT = '    ';

/** @returns what an open resource has below its row: what is wrong with it, and all that belongs to it */
function detailLines(resource: Resource, view: TopView, look: Look, columns: number): readonly Line[] {
  const narrow = { ...look, columns: Math.max(20, columns - INDENT.length) };
  const rate = view.rate(resourceName(resource));
  const speeds = (Object.keys(rate) as Counted[]).flatMap((counted) => {
    const value = rate[counted];
    return value === null ? [] : [`${counted} ${formatBytes(Math.round(value))}/s`];
  });
  const graph = sparkline(view.history(resourceName(resource)), GRAPH_CELLS, look.unicode).trim();
  return [
    ...findingLines(findingsOf(resource, view.findings), narrow),
    ...resourceLines([resource], narrow).slice(1),
    ...(speeds.length === 0
      ? []
      : [
          [
            { text: `  ${speeds.join('  ')}  `, style: 'dim' },
            { text: graph, style: 'cyan' },
          ] as const,
        ]),
  ].map((line): Line => [{ text: INDENT }, ...line]);
}

const KEYS: readonly (readonly [key: string, meaning: string])[] = [
  ['up, down, k, j', 'choose a resource'],
  ['page up, page down', 'see what is above and below'],
  ['home, end', 'the first, the last'],
  ['enter, space', 'fold the resource open or shut'],
  ['a', 'fold all open, or all shut'],
  ['/', 'show only what has these words: a name, a state, a device'],
  ['escape', 'show all again'],
  ['?, h', 'this help'],
  ['q, Ctrl-D', 'quit'],
];

function helpLines(columns: number): readonly Line[] {
  const width = Math.max(...KEYS.map(([key]) => key.length)) + 2;
  return [
    [{ text: 'Keys', style: 'bold' }],
    [],
    ...KEYS.map(([key, text]): Line => [{ text: padded(`  ${key}`, width + 2), style: 'bold' }, { text }]),
    [],
    ...wrapped(
      'Trouble comes first (!), then what is synchronized. TRAFFIC is all that was read, written, sent and received, each graph by its own highest value.',
      columns,
    ).map((text): Line => [{ text }]),
  ];
}

function footLine({ isTyping, isHelp, filter }: TopState, { unicode }: Look): Line {
  if (isTyping) return [{ text: `/${printable(filter)}`, style: 'bold' }, { text: unicode ? '█' : '_' }];
  if (isHelp) return [{ text: 'any key: back', style: 'dim' }];
  const arrows = unicode ? '↑↓' : 'up/down';
  return [
    ...(filter === ''
      ? []
      : [
          { text: `/${printable(filter)}`, style: 'bold' } as const,
          { text: '  escape: all  ', style: 'dim' } as const,
        ]),
    { text: `q quit  ${arrows} choose  enter open  / filter  ? keys`, style: 'dim' },
  ];
}

function headLine(view: TopView): Line {
  const clock: Span = { text: `${formatClock(view.now)}  `, style: 'dim' };
  if (view.snapshot === undefined) return [clock, { text: 'drbd top', style: 'bold' }];
  const { resources } = view.snapshot;
  const troubled = resources.filter((resource) => findingsOf(resource, view.findings).length > 0).length;
  const moving = resources.filter(isMoving).length;
  const count = `${resources.length} resource${resources.length === 1 ? '' : 's'}`;
  return [
    clock,
    { text: count, style: 'bold' },
    ...(troubled === 0 ? [] : [{ text: `, ${troubled} in trouble`, style: 'red' } as const]),
    ...(moving === 0 ? [] : [{ text: `, ${moving} resyncing`, style: 'yellow' } as const]),
    { text: `  ${driverText(view.snapshot)}`, style: 'dim' },
  ];
}

/** Lines above and below the list. */
const FRAME_ROWS = 3;

/** @returns how many lines of the list are seen at once */
export const pageOf = (rows: number): number => Math.max(1, rows - FRAME_ROWS);

/** What a terminal shows. */
export interface Frame {
  /** As many as it has rows, or fewer. */
  readonly lines: readonly Line[];
  /** {@link TopState.scrolled}, as far as there is something to scroll to. */
  readonly scrolled: number;
}

/** @param columns cells of the terminal, of which a line may take more: it is cut when it is written */
export function layout(view: TopView, state: TopState, look: Look, columns: number, rows: number): Frame {
  const { snapshot } = view;
  const foot = footLine(state, look);
  const fill = (body: readonly Line[], scrolled = 0): Frame => {
    const space = Math.max(0, rows - 1);
    const shown = body.slice(0, space);
    return { lines: [...shown, ...Array.from({ length: space - shown.length }, (): Line => []), foot], scrolled };
  };
  const head = headLine(view);
  if (state.isHelp) return fill([head, [], ...helpLines(Math.min(columns, 100))]);
  if (snapshot === undefined) return fill([head, [], view.isReading === true ? READING : WAITING]);
  const shown = ranked(view, state.filter);
  const [top] = shown;
  if (top === undefined) {
    const text = snapshot.resources.length === 0 ? 'No resource is configured.' : 'Nothing is left by the filter.';
    return fill([head, [], [{ text }]]);
  }
  const table = tableOf(shown, view, look, columns);
  const names = shown.map(resourceName);
  const selected = state.selected !== undefined && names.includes(state.selected) ? state.selected : resourceName(top);
  const list: Line[] = [];
  let begin = 0;
  let end = 0;
  for (const [place, resource] of shown.entries()) {
    const isSelected = names[place] === selected;
    const isOpen = state.open.has(names[place] ?? '');
    if (isSelected) begin = list.length;
    list.push(table.row(resource, isOpen, isSelected));
    if (isOpen) list.push(...detailLines(resource, view, look, columns));
    if (isSelected) end = list.length;
  }
  // The selected resource is seen whole, or from its first line where it does not fit.
  const page = pageOf(rows);
  const first = end <= page ? 0 : end - begin > page ? begin : end - page;
  const scrolled = Math.max(0 - first, Math.min(state.scrolled, Math.max(0, list.length - page - first)));
  return fill([head, table.head, ...list.slice(first + scrolled, first + scrolled + page)], scrolled);
}
