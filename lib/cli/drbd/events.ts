import { changeToJson, snapshotToJson, type Change, type Snapshot } from '../../drbd';
import {
  keyText,
  objectNames,
  objects,
  propertyOf,
  toJson,
  type Finding,
  type ObjectChange,
  type ObjectName,
  type PropertyTable,
} from '../../model';
import { tell, waitOptions, type Context } from '../context';
import { EXIT, UsageError } from '../errors';
import { exitIfEnded } from '../io';
import { nearest } from '../line/nearest';
import { quote } from '../line/number';
import { command } from './command';
import { parseDuration } from './duration';
import { Watch } from './observe';
import { requireAll, selected } from './select';
import {
  formatBytes,
  formatClock,
  formatFolded,
  lookOf,
  padded,
  printable,
  type Line,
  type Look,
  type Span,
  type Style,
} from './text';
import { resourceName, stateSpan } from './view';

/** The kinds of changes, and what a line of each is about. */
export const KINDS = {
  exists: 'was there when the stream began',
  ready: 'all that exists was told; what follows is news',
  create: 'came into being',
  change: 'some of its properties differ',
  destroy: 'is gone',
  rename: 'has another name',
  helper: 'the kernel called its helper program, or had its answer',
  resync: 'something was lost; the difference follows, and then ready',
} as const satisfies Readonly<Record<Change['kind'], string>>;
const kinds = Object.keys(KINDS) as (keyof typeof KINDS)[];

export const events = command({
  about: 'what exists, and then each change as it comes',
  words: '[RESOURCE…]',
  completes: 'resource',
  options: {
    counters: { doc: 'Tell changes of counters alone too, as often as they are read.' },
    refresh: {
      argument: 'SECONDS',
      doc: 'Read counters and settings at this pace, which the kernel does not announce; implies --counters.',
    },
    only: {
      argument: 'KIND/OBJECT',
      many: true,
      completes: [...kinds, ...objectNames.map((name) => `/${name}`)],
      doc: `Tell these only: a kind (${kinds.join(', ')}), an object (/${objectNames.join(', /')}), or both. May be repeated. Losses are told always.`,
    },
    full: { doc: 'With --json: add the whole state, as status --json has it, where it is whole.' },
    now: { doc: 'Tell what exists, and end.' },
  },
  details: [
    'Without --json, a readable line for each change. With it, an object a line (NDJSON), as docs/json.md describes: seq, time, kind, object, key, before, after, changed and more. Where "more" is true, further changes of the same step of the kernel follow, and the state is one in between.',
    'After a loss comes one "resync", then the difference as ordinary changes, then "ready": what is folded from the stream is the state of the kernel again. The module of DRBD 8.3 goes without a word: --refresh sees that too.',
  ],
  examples: [
    'drbd events',
    'drbd events r0 --json --only change/connection',
    `drbd events --json | jq -r 'select(.findings) | .findings[].text'`,
  ],
  run: ({ context, words, options }) => stream(context, words, options),
});

/** How a line says when it was. */
export type TimeText = () => string;

export interface EventsOptions {
  readonly counters: boolean;
  readonly refresh: string | undefined;
  readonly only: readonly string[];
  readonly full: boolean;
  readonly now: boolean;
}

/** @returns whether a change is wanted. @throws UsageError */
function filterOf(only: readonly string[]): (change: Change) => boolean {
  const wanted = only
    .flatMap((word) => word.split(','))
    .map((word) => {
      const [kind = '', object = '', ...more] = word.split('/');
      const isObject = (objectNames as readonly string[]).includes(object);
      const isKind = (kinds as readonly string[]).includes(kind);
      if (
        more.length > 0 ||
        (kind !== '' && !isKind) ||
        (object !== '' && !isObject) ||
        (kind === '' && object === '')
      ) {
        const near =
          kind !== '' && !isKind
            ? nearest(kind, [...kinds, ...objectNames.map((name) => `/${name}`)])
            : nearest(object, objectNames);
        throw new UsageError(
          `--only: ${quote(word)} is not a kind (${kinds.join(', ')}), an object (/${objectNames.join(', /')}) or KIND/OBJECT${near === undefined ? '' : `; did you mean ${near}?`}`,
        );
      }
      return { kind, object };
    });
  if (wanted.length === 0) return () => true;
  return (change) =>
    change.kind === 'resync' ||
    wanted.some(
      ({ kind, object }) =>
        (kind === '' || kind === change.kind) && (object === '' || ('object' in change && object === change.object)),
    );
}

/** Tells whether a change is about one of the resources that are named. */
class Selection {
  readonly #words: readonly string[];
  /** Keys of the resources, in text. Those of one that is gone stay: its end is told. */
  readonly #keys = new Set<string>();

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  has(change: Change): boolean {
    if (this.#words.length === 0 || !('object' in change)) return true;
    const { resource, minor } = change.key;
    const text = resource ?? `/${minor ?? ''}`;
    if (this.#keys.has(text)) return true;
    const found = selected(change.snapshot, this.#words).resources.some(({ name, devices }) =>
      resource === undefined ? devices.some((device) => device.minor === minor) : name === resource,
    );
    if (found) this.#keys.add(text);
    return found;
  }
}

/** What is wrong, as far as it differs from what was told before. */
class Told {
  #findings: readonly Finding[] = [];
  readonly #id = ({ code, object, key }: Finding): string => `${code} ${keyText(object, key)}`;

  /** @returns undefined where nothing differs */
  take(
    found: readonly Finding[],
  ): { readonly come: readonly Finding[]; readonly gone: readonly Finding[] } | undefined {
    const before = new Set(this.#findings.map(this.#id));
    const now = new Set(found.map(this.#id));
    const come = found.filter((finding) => !before.has(this.#id(finding)));
    const gone = this.#findings.filter((finding) => !now.has(this.#id(finding)));
    this.#findings = found;
    return come.length + gone.length === 0 ? undefined : { come, gone };
  }
}

/**
 * Tells the changes of a client as they come.
 * @param timeText the time of day if absent
 */
export async function stream(
  context: Context,
  words: readonly string[],
  options: EventsOptions,
  timeText: TimeText = () => formatClock(context.io.clock.now(), true),
): Promise<number> {
  const { io, globals, backend } = context;
  const wanted = filterOf(options.only);
  const refreshMs = options.refresh === undefined ? undefined : parseDuration(options.refresh, '--refresh');
  const client = await backend.client(waitOptions(context));
  const signal = io.endSignal();
  const watch = new Watch();
  const told = new Told();
  const selection = new Selection(words);
  let seq = 0;
  let isSeeded = false;
  /** What does not exist may come, unless nothing more is awaited. */
  const checkNames = (snapshot: Snapshot): void => {
    try {
      requireAll(snapshot, words);
    } catch (error) {
      if (options.now || !(error instanceof UsageError)) throw error;
      tell(`${error.message}. Waiting for it`, context);
    }
  };
  const changes = client.events({
    signal,
    counters: options.counters || refreshMs !== undefined,
    ...(refreshMs === undefined ? {} : { refreshMs }),
  });
  try {
    for await (const change of changes) {
      seq++;
      const nowMs = io.clock.elapsedMs();
      watch.take(change, nowMs);
      const { snapshot, more, kind } = change;
      if (kind === 'ready' && !isSeeded) {
        isSeeded = true;
        checkNames(snapshot);
      }
      const part = more ? undefined : selected(snapshot, words);
      const found = part === undefined ? undefined : watch.findings(part, nowMs);
      const news = found === undefined ? undefined : told.take(found);
      if (selection.has(change) && (wanted(change) || news !== undefined)) {
        if (globals.json)
          io.stdout.write(
            `${JSON.stringify({
              seq,
              time: io.clock.now().toISOString(),
              ...changeToJson(change, { reveal: globals.reveal }),
              ...(kind === 'ready' ? wholeState(snapshot) : {}),
              ...(news === undefined ? {} : { findings: toJson(found ?? []) }),
              ...(options.full && part !== undefined
                ? { snapshot: snapshotToJson(part, { reveal: globals.reveal }) }
                : {}),
            })}\n`,
          );
        else {
          const look = lookOf(io);
          if (wanted(change)) io.stdout.write(formatFolded(changeLine(change, timeText(), look), look, CONTINUED));
          for (const line of newsLines(news, timeText())) io.stdout.write(formatFolded(line, look, CONTINUED));
        }
      }
      if (options.now && kind === 'ready') break;
    }
    return EXIT.ok;
  } catch (error) {
    return exitIfEnded(signal, error);
  }
}

/** What a state is beside its objects. */
function wholeState({ schemaVersion, source, unconfiguredMinors }: Snapshot): object {
  return { schemaVersion, source, unconfiguredMinors };
}

const KIND_STYLES: Readonly<Partial<Record<Change['kind'], Style>>> = {
  create: 'green',
  destroy: 'red',
  resync: 'red',
  helper: 'cyan',
  exists: 'dim',
  ready: 'dim',
};
/** What the lines begin with that a change needs beside its first. */
const CONTINUED = '    ';
const KIND_WIDTH = Math.max(...kinds.map((kind) => kind.length));

const OBJECT_WORDS: Readonly<Record<ObjectName, string>> = {
  resource: 'resource',
  device: 'device',
  connection: 'connection',
  path: 'path',
  peerDevice: 'peer device',
};

/** @returns an object in words: `device r0/0`, `peer device r0 to beta/0` */
export function objectText(object: ObjectName, key: ObjectChange['key'], snapshot: Snapshot): string {
  const parts = key as Readonly<Record<string, string | number | undefined>>;
  const resource = snapshot.resources.find(({ name, devices }) =>
    parts['resource'] === undefined
      ? devices.some(({ minor }) => minor === parts['minor'])
      : name === parts['resource'],
  );
  const name =
    parts['resource'] ?? (resource === undefined ? `minor ${parts['minor'] ?? '?'}` : resourceName(resource));
  const volume = parts['volume'];
  const node = parts['peerNodeId'];
  const peerName =
    node === undefined
      ? parts['peer']
      : (resource?.connections.find(({ peerNodeId }) => peerNodeId === node)?.name ?? `node ${node}`);
  const link = peerName === undefined ? `${name}` : `${name} to ${peerName}`;
  const text =
    object === 'resource'
      ? `${name}`
      : object === 'device'
        ? `${name}/${volume ?? ''}`
        : object === 'peerDevice'
          ? `${link}/${volume ?? ''}`
          : object === 'path' && node !== undefined
            ? `${link} ${parts['local'] ?? ''} ${parts['peer'] ?? ''}`
            : link;
  return `${OBJECT_WORDS[object]} ${printable(text.replaceAll(/ipv[46]:/gu, ''))}`;
}

/** @returns a value in words, with its unit */
export function valueText(object: ObjectName, path: string, value: unknown): string {
  if (value === null || value === undefined) return '-';
  const unit = propertyOf(object, path)?.unit;
  if (unit === 'bytes' && (typeof value === 'bigint' || typeof value === 'number')) return formatBytes(value);
  if (unit === 'bytes/s' && (typeof value === 'bigint' || typeof value === 'number')) return `${formatBytes(value)}/s`;
  if (unit === 'percent') return `${Number(value).toFixed(1)} %`;
  if (unit === 'seconds') return `${String(value)} s`;
  if (unit === 'milliseconds') return `${String(value)} ms`;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(',');
  if (typeof value === 'object') return printable(JSON.stringify(toJson(value)));
  return printable(String(value));
}

function memberOf(values: object | null, path: string): unknown {
  let value: unknown = values;
  for (const name of path.split('.'))
    value =
      typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
  return value;
}

/** @returns each property that differs, before and after; of options, the options that differ */
function differenceSpans(change: ObjectChange): readonly Span[] {
  const { object, before, after, changed } = change;
  const spans: Span[] = [];
  for (const path of changed) {
    // The kernel's number says what its word says.
    if (path.endsWith('Code') && (changed as readonly string[]).includes(path.slice(0, -'Code'.length))) continue;
    const property = propertyOf(object, path);
    const [was, is] = [memberOf(before, path), memberOf(after, path)];
    if (property?.type === 'options') {
      const names = new Set([...Object.keys(was ?? {}), ...Object.keys(is ?? {})]);
      for (const name of names) {
        const [old, now] = [memberOf(before, `${path}.${name}`), memberOf(after, `${path}.${name}`)];
        if (String(old) !== String(now))
          spans.push({ text: `  ${name} ${printable(String(old ?? '-'))} -> ${printable(String(now ?? '-'))}` });
      }
      continue;
    }
    spans.push(
      { text: `  ${path} ${valueText(object, path, was)} -> ` },
      // The number alone differs where two states have one word.
      property?.type === 'word' && typeof is !== 'number'
        ? stateSpan(is as string | null)
        : { text: valueText(object, path, is) },
    );
  }
  return spans;
}

/** @returns the states of an object that is there at first, or new */
function stateSpans({ object, after }: ObjectChange): readonly Span[] {
  const table: PropertyTable = objects[object].properties;
  return Object.entries(table).flatMap(([name, property]): readonly Span[] => {
    const value = memberOf(after, name);
    if (property.type !== 'word' || property.kind !== 'state' || value === null || value === undefined) return [];
    return [{ text: `  ${name} ` }, stateSpan(value as string)];
  });
}

/** @returns a change as a line */
export function changeLine(change: Change, time: string, { unicode }: Look): Line {
  const head: Line = [
    { text: `${time}  `, style: 'dim' },
    { text: padded(change.kind, KIND_WIDTH), style: KIND_STYLES[change.kind] },
    { text: '  ' },
  ];
  const arrows = (spans: readonly Span[]): readonly Span[] =>
    unicode ? spans.map((span) => ({ ...span, text: span.text.replaceAll(' -> ', ' → ') })) : spans;
  switch (change.kind) {
    case 'ready':
      return [...head, { text: KINDS.ready, style: 'dim' }];
    case 'resync':
      return [...head, { text: `something was lost (${change.reason}): reading again`, style: 'red' }];
    case 'helper': {
      const { name, phase, status } = change.helper;
      const what = phase === 'call' ? `calls ${name}` : `${name} returned ${status === null ? '-' : status >> 8}`;
      return [
        ...head,
        { text: objectText(change.object, change.key, change.snapshot), style: 'bold' },
        { text: `  ${printable(what)}` },
      ];
    }
    case 'exists':
    case 'create':
    case 'change':
    case 'destroy':
    case 'rename':
      return [
        ...head,
        { text: objectText(change.object, change.key, change.snapshot), style: 'bold' },
        ...arrows(
          change.kind === 'exists' || change.kind === 'create'
            ? stateSpans(change)
            : change.kind === 'destroy'
              ? []
              : differenceSpans(change),
        ),
      ];
  }
}

function newsLines(news: ReturnType<Told['take']>, time: string): readonly Line[] {
  if (news === undefined) return [];
  const clock: Span = { text: `${time}  `, style: 'dim' };
  return [
    ...news.come.map(({ severity, text }): Line => [
      clock,
      { text: `${padded('!', KIND_WIDTH)}  ${printable(text)}`, style: severity === 'error' ? 'red' : 'yellow' },
    ]),
    ...news.gone.map(({ text }): Line => [
      clock,
      { text: `${padded('solved', KIND_WIDTH)}  ${printable(text.split('. ')[0] ?? text)}`, style: 'green' },
    ]),
  ];
}
