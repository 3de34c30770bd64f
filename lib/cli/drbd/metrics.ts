import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { lstatSync, unlinkSync } from 'node:fs';
import { createConnection, isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDriverMissing, type Client, type Snapshot } from '../../drbd';
import { findings, formatPathAddress } from '../../model';
import { tell, waitOptions, type Context } from '../context';
import { AbortError } from '../../errors';
import { EXIT, UsageError } from '../errors';
import { exitIfEnded } from '../io';
import { quote } from '../line/number';
import { writeWholeFile } from '../whole-file';
import { command } from './command';
import { parseDuration } from './duration';
import {
  connectionMetrics,
  deviceMetrics,
  ownPeerDeviceMetrics,
  pathMetrics,
  peerDeviceMetrics,
  resourceMetrics,
  wholeMetrics,
  wordsOf,
  type AnyRows,
  type MetricsInput,
  type MetricValue,
} from './metrics-table';
import { changesOfDrivers, Watch } from './observe';
import { peerName, resourceName } from './view';

const DEFAULT_PORT = 9942;
/** A scrape that the kernel holds up for so long fails; the next one asks again. */
const READ_TIMEOUT_MS = 5000;
const MOST_CONNECTIONS = 64;

export const metrics = command({
  about: 'the state as Prometheus reads it',
  count: [0, 0],
  options: {
    listen: {
      argument: '[ADDRESS:]PORT',
      doc: `Serve over HTTP, at /metrics; 127.0.0.1 where no address is given. The port of drbd-reactor is ${DEFAULT_PORT}.`,
    },
    'allow-remote': { doc: 'Let --listen take an address that other machines reach. Nothing is asked of who reads.' },
    unix: { argument: 'PATH', completes: 'file', doc: 'Serve over HTTP at a Unix socket.' },
    textfile: {
      argument: 'FILE',
      completes: 'file',
      doc: "Write to FILE, whole at once, for node_exporter's textfile collector.",
    },
    every: { argument: 'TIME', doc: 'With --textfile: stay, and write it again at this pace, such as 15s.' },
  },
  details: [
    'Without an option, the metrics are printed once. Names and labels are those of the Prometheus plugin of drbd-reactor, where the dialect has the fact, so that its dashboards work; beside them the progress of resyncs, losses of notifications, and what is wrong (drbd_findings). DRBD 8.3 and 8.4 have them too.',
    'No process is started, and no privilege is needed where the kernel lets anybody read. A server waits for a driver to come, and survives that one is unloaded.',
  ],
  examples: [
    'drbd metrics',
    `drbd metrics --listen ${DEFAULT_PORT}`,
    'drbd metrics --textfile /var/lib/prometheus/node-exporter/drbd.prom --every 15s',
  ],
  server: true,
  run: ({ context, options }) => serve(context, options),
});

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

type Labels = readonly (readonly [name: string, value: string | number | null])[];

const labelText = (labels: Labels): string =>
  labels
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}="${escaped(String(value))}"`)
    .join(',');

interface MetricHead {
  readonly name: string;
  readonly type: string;
  readonly help: string;
}

/** Collects samples by their metric: each metric stands in one piece. */
class Exposition {
  readonly #metrics = new Map<string, string[]>();

  #linesOf({ name, type, help }: MetricHead): string[] {
    const known = this.#metrics.get(name);
    if (known !== undefined) return known;
    const lines = [`# HELP ${name} ${help.replaceAll('\\', '\\\\')}\n# TYPE ${name} ${type}\n`];
    this.#metrics.set(name, lines);
    return lines;
  }

  add(row: MetricHead, labels: string, value: MetricValue): void {
    if (value === null || value === undefined) return;
    const number = typeof value === 'boolean' ? Number(value) : value;
    this.#linesOf(row).push(`${row.name}${labels === '' ? '' : `{${labels}}`} ${number}\n`);
  }

  addAll(rows: AnyRows, object: object, labels: string): void {
    for (const row of rows) {
      const value = row.value(object as never);
      if (typeof value !== 'string') this.add(row, labels, value);
      else if (row.words !== undefined)
        for (const word of wordsOf(row.words, value))
          this.add(row, `${labels},${row.name}="${escaped(word)}"`, word === value);
    }
  }

  get text(): string {
    return [...this.#metrics.values()].map((lines) => lines.join('')).join('');
  }
}

/** @returns the metrics in Prometheus' text format, version 0.0.4 */
export function formatMetrics({ snapshot, findings: found, losses }: MetricsInput): string {
  const all = new Exposition();
  all.add(wholeMetrics.up, '', 1);
  all.add(wholeMetrics.driver, '', snapshot !== undefined);
  for (const [reason, count] of losses) all.add(wholeMetrics.losses, labelText([['reason', reason]]), count);
  if (snapshot === undefined) return all.text;
  const { source, resources } = snapshot;
  all.add(wholeMetrics.version, labelText([['kmod', source.driver ?? ''], ['utils', '']]), 1); // prettier-ignore
  all.add(wholeMetrics.complete, '', source.complete);
  all.add(wholeMetrics.resources, '', resources.length);
  for (const resource of resources) {
    const name = resourceName(resource);
    all.addAll(resourceMetrics, resource, labelText([['name', name]]));
    for (const device of resource.devices) {
      const { volume, minor } = device;
      all.addAll(deviceMetrics, device, labelText([['name', name], ['volume', volume], ['minor', minor]])); // prettier-ignore
    }
    for (const connection of resource.connections) {
      const labels: Labels = [
        ['name', name],
        ['conn_name', peerName(connection)],
        ['peer_node_id', connection.peerNodeId],
      ];
      const common = labelText(labels);
      all.addAll(connectionMetrics, connection, common);
      for (const path of connection.paths) {
        const ends: Labels = [
          ['local', formatPathAddress(path.local)],
          ['peer', formatPathAddress(path.peer)],
        ];
        all.addAll(pathMetrics, path, `${common},${labelText(ends)}`);
      }
      for (const peer of connection.peerDevices) {
        const own = `${common},${labelText([['volume', peer.volume]])}`;
        all.addAll(peerDeviceMetrics, peer, own);
        all.addAll(ownPeerDeviceMetrics, peer, own);
      }
    }
  }
  const counts = new Map<string, number>();
  for (const { code, severity, key } of found) {
    const { resource, minor } = key;
    const labels = labelText([['name', resource ?? `minor ${minor ?? ''}`], ['code', code], ['severity', severity]]); // prettier-ignore
    counts.set(labels, (counts.get(labels) ?? 0) + 1);
  }
  for (const [labels, count] of counts) all.add(wholeMetrics.findings, labels, count);
  return all.text;
}

interface MetricsOptions {
  readonly listen: string | undefined;
  readonly 'allow-remote': boolean;
  readonly unix: string | undefined;
  readonly textfile: string | undefined;
  readonly every: string | undefined;
}

/** Reads the state for scrapes, and remembers what a reading does not tell. */
class Collector {
  readonly #context: Context;
  readonly #watch = new Watch();
  readonly #losses = new Map<string, number>();
  #client: Client | undefined;
  #reading: Promise<string> | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Listens until the signal fires: splits of the brain and losses are told by notifications only. */
  async follow(signal: AbortSignal): Promise<void> {
    try {
      await this.#listen(signal);
    } catch (error) {
      const client = await this.#open().catch(() => undefined);
      const refusal = client?.driver.refusal;
      if (refusal === undefined || signal.aborted) throw error;
      tell(`only what /proc/drbd says is known, and no losses are seen: ${refusal.message}`, this.#context);
      await once(signal, 'abort');
      throw new AbortError('it is ended', 'no', signal.reason);
    }
  }

  /** Where a driver of 8.3 may not be spoken to, /proc/drbd has the most of what is asked for. */
  #open(): Promise<Client> {
    return this.#context.backend.client({ ...waitOptions(this.#context), procDrbdSuffices: true });
  }

  async #listen(signal: AbortSignal): Promise<void> {
    for await (const item of changesOfDrivers(this.#context, { signal, counters: true })) {
      this.#client = item.kind === 'change' ? item.client : undefined;
      if (item.kind !== 'change') continue;
      this.#watch.take(item.change, this.#context.io.clock.elapsedMs());
      if (item.change.kind === 'resync') {
        const { reason } = item.change;
        this.#losses.set(reason, (this.#losses.get(reason) ?? 0) + 1);
      }
    }
  }

  /** Those who ask at the same time get the same answer. */
  read(): Promise<string> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #read(): Promise<string> {
    let snapshot: Snapshot | undefined;
    try {
      const client = this.#client ?? (await this.#open());
      snapshot = await client.status({ timeoutMs: READ_TIMEOUT_MS, ...waitOptions(this.#context) });
    } catch (error) {
      if (!isDriverMissing(error)) throw error;
    }
    return formatMetrics({
      snapshot,
      findings: snapshot === undefined ? [] : this.#watch.findings(snapshot, this.#context.io.clock.elapsedMs()),
      losses: this.#losses,
    });
  }
}

async function serve(context: Context, options: MetricsOptions): Promise<number> {
  const { io, backend } = context;
  const { listen, unix, textfile, every } = options;
  if ([listen, unix, textfile].filter((where) => where !== undefined).length > 1)
    throw new UsageError('--listen, --unix and --textfile exclude each other: choose one');
  if (every !== undefined && textfile === undefined) throw new UsageError('--every is of use with --textfile only');
  if (listen === undefined && unix === undefined && every === undefined) {
    const client = await backend.client({ ...waitOptions(context), procDrbdSuffices: true });
    const snapshot = await client.status(waitOptions(context));
    const text = formatMetrics({ snapshot, findings: findings(snapshot), losses: new Map() });
    if (textfile === undefined) io.stdout.write(text);
    else writeTextfile(textfile, text);
    return EXIT.ok;
  }
  const place = listen === undefined ? undefined : parsePlace(listen, options['allow-remote']);
  const pace = every === undefined ? undefined : Math.max(1, parseDuration(every, '--every'));
  const signal = io.endSignal();
  const collector = new Collector(context);
  const following = collector.follow(signal);
  following.catch(() => undefined);
  let server: Server | undefined;
  try {
    if (textfile !== undefined && pace !== undefined) {
      const writing = async (): Promise<void> => {
        for (;;) {
          writeTextfile(textfile, await collector.read());
          await sleep(pace, undefined, { signal });
        }
      };
      await Promise.race([following, writing()]);
    } else {
      server = await startServer(collector, place ?? { path: unix ?? '' });
      const address = server.address();
      tell(
        typeof address === 'object' && address !== null
          ? `listening at http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}/metrics`
          : `listening at ${quote(unix ?? '')}`,
        context,
      );
      await following;
    }
    return EXIT.ok;
  } catch (error) {
    return exitIfEnded(signal, error);
  } finally {
    server?.close();
    server?.closeAllConnections();
  }
}

function writeTextfile(file: string, text: string): void {
  try {
    writeWholeFile(file, text);
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new UsageError(`${quote(file)}: cannot be written: ${code}. Name another file with --textfile`);
  }
}

type Place = { readonly host: string; readonly port: number } | { readonly path: string };

const isLoopback = (host: string): boolean => host === '::1' || /^127\./u.test(host);

/** @throws UsageError for what is no address and port, or is reached by others without being asked for */
export function parsePlace(text: string, allowRemote: boolean): Place {
  const [, bracketed, plain, digits = ''] = /^(?:(?:\[([^\]]+)\]|([^:]*)):)?(\d{1,5})$/u.exec(text) ?? [];
  const host = bracketed ?? ((plain ?? '') === '' ? '127.0.0.1' : plain === 'localhost' ? '127.0.0.1' : (plain ?? ''));
  const port = Number(digits);
  if (digits === '' || port > 65_535 || isIP(host) === 0)
    throw new UsageError(
      `--listen: [ADDRESS:]PORT is needed, such as 9942, 127.0.0.1:9942 or [::1]:9942, not ${quote(text)}`,
    );
  if (!isLoopback(host) && !allowRemote)
    throw new UsageError(
      `--listen ${text}: other machines could read it, and nothing asks who does. Give --allow-remote too, if that is meant, or listen at 127.0.0.1`,
    );
  return { host, port };
}

/** What lies at the path of a socket that nobody serves any more is removed; nothing else is. */
function removeSocket(path: string): void {
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function startServer(collector: Collector, place: Place): Promise<Server> {
  const server = createServer((request, response) => {
    const end = (status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      end(405, 'Only GET and HEAD are answered.\n');
      return;
    }
    const [path] = (request.url ?? '').split('?');
    if (path !== '/metrics') {
      end(path === '/' ? 200 : 404, 'Metrics of DRBD are at /metrics.\n');
      return;
    }
    collector.read().then(
      (text) => end(200, text, 'text/plain; version=0.0.4; charset=utf-8'),
      (error: unknown) => end(503, `${error instanceof Error ? error.message : String(error)}\n`),
    );
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.headersTimeout = READ_TIMEOUT_MS;
  server.requestTimeout = READ_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const isPath = 'path' in place;
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = isPath ? quote(place.path) : `${place.host}:${place.port}`;
      reject(
        new UsageError(
          `${where}: cannot listen: ${error.code ?? String(error)} (${Math.abs(error.errno ?? 0)}). ${error.code === 'EADDRINUSE' ? 'Something listens there already: choose another place, or end it' : 'Choose another place'}`,
        ),
      );
    });
    const listening = (): void => resolve(server);
    if (isPath) {
      removeStale(place.path, () => server.listen({ path: place.path, exclusive: true }, listening), reject);
    } else server.listen({ host: place.host, port: place.port, exclusive: true }, listening);
  });
}

/** Listens where the socket of an earlier run lies that nobody serves; never takes the place of one that is served. */
function removeStale(path: string, listen: () => void, reject: (error: Error) => void): void {
  const probe = createConnection({ path });
  probe.once('connect', () => {
    probe.destroy();
    reject(new UsageError(`${quote(path)}: something listens there already. Choose another path with --unix`));
  });
  probe.once('error', (error: NodeJS.ErrnoException) => {
    try {
      if (error.code === 'ECONNREFUSED') removeSocket(path);
      listen();
    } catch (problem) {
      reject(problem instanceof Error ? problem : new Error(String(problem)));
    }
  });
}
