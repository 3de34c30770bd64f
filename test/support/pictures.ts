import { createBackend, type Backend } from '../../lib/cli';
import { main } from '../../lib/cli/drbd';
import { doctorLines } from '../../lib/cli/drbd/doctor';
import { examine } from '../../lib/cli/drbd/doctor/examine';
import { formatLine, type Look } from '../../lib/cli/drbd/text';
import { FIRST_STATE, layout } from '../../lib/cli/drbd/top/layout';
import { Rates } from '../../lib/cli/drbd/top/rates';
import { openDrbd, type Client } from '../../lib/drbd';
import { findings } from '../../lib/model';
import { createSimulator, Network, VirtualClock, type Simulator } from '../../lib/simulator';
import type { Transport } from '../../lib/transport/transport';
import { memoryIo } from './cli';
import { FakeTerminal } from './drbd-command';
import { hostOf } from './made-host';
import { turns } from './simulated-mirror';

// The pictures of docs/pictures: what the commands print about simulated nodes, always the same.

const NAMES = ['mail', 'web', 'db', 'home', 'archive'] as const;
type Name = (typeof NAMES)[number];
const minorOf = (name: Name): number => NAMES.indexOf(name);
const MIB = 2 ** 20;
const SIZES: Readonly<Record<Name, number>> = {
  mail: 512 * MIB,
  web: 64 * MIB,
  db: 256 * MIB,
  home: 128 * MIB,
  archive: 64 * MIB,
};
const PORT = 7788;
const NOW = new Date(2026, 4, 14, 9, 41, 7);

/** Two simulated nodes with five resources, seen from the first. */
class Nodes {
  readonly clock = new VirtualClock();
  readonly network = new Network();
  readonly simulators: readonly Simulator[];
  readonly transport: Transport;
  readonly clients: readonly Client<'connector'>[];

  private constructor(simulators: readonly Simulator[], transport: Transport, clients: readonly Client<'connector'>[]) {
    this.simulators = simulators;
    this.transport = transport;
    this.clients = clients;
  }

  static async start(): Promise<Nodes> {
    const clock = new VirtualClock();
    const network = new Network();
    const disks = Object.fromEntries(NAMES.map((name) => [`/dev/vg/${name}`, { sizeBytes: SIZES[name] }]));
    const simulators = [1, 2].map((node) =>
      createSimulator({
        clock,
        network,
        disks,
        byteOrder: 'little',
        seed: BigInt(node),
        addresses: [`10.0.0.${node}`],
      }),
    );
    const clients = await Promise.all(simulators.map(({ transport }) => openDrbd({ transport, dialect: 'connector' })));
    const [first] = simulators;
    if (first === undefined) throw new Error('there is no node');
    const { host } = first.transport;
    if (host === undefined) throw new Error('a simulated machine has files');
    const transport: Transport = {
      open: (...args) => first.transport.open(...args),
      host: { ...host, resourceName: (minor: number) => NAMES[minor] },
    };
    return Object.assign(new Nodes(simulators, transport, clients), { clock, network });
  }

  async pass(milliseconds: number, steps = 10): Promise<void> {
    for (let step = 0; step < steps; step++) {
      this.clock.advance(milliseconds / steps);
      await turns();
    }
  }

  /** What takes until the clock is moved. */
  async act(act: Promise<unknown>): Promise<void> {
    let isDone = false;
    const done = act.finally(() => {
      isDone = true;
    });
    done.catch(() => undefined);
    while (!isDone) await this.pass(100, 1);
    await done;
  }

  client(node: 0 | 1): Client<'connector'> {
    return this.clients[node] as Client<'connector'>;
  }

  /** All resources connected and up to date but mail, whose first resync runs. */
  async setUp(): Promise<void> {
    for (const name of NAMES) {
      const minor = minorOf(name);
      for (const node of [0, 1] as const) {
        const path = `/dev/vg/${name}`;
        await this.act(
          this.client(node).request('disk_conf', {
            minor,
            createDevice: true,
            tags: { backing_dev: path, meta_dev: path, meta_dev_idx: 'internal' },
          }),
        );
        await this.act(
          this.client(node).request('syncer_conf', { minor, tags: { rate: name === 'mail' ? 3000 : 1_000_000 } }),
        );
        await this.act(
          this.client(node).request('net_conf', {
            minor,
            tags: {
              my_addr: { family: 'ipv4', address: `10.0.0.${node + 1}`, port: PORT + minor },
              peer_addr: { family: 'ipv4', address: `10.0.0.${2 - node}`, port: PORT + minor },
              wire_protocol: 'C',
            },
          }),
        );
      }
      await this.pass(5000);
      const primary = name === 'db' ? 1 : 0;
      await this.act(this.client(primary).request('primary', { minor, tags: { primary_force: true } }));
      await this.pass(10_000);
      if (name === 'db' || name === 'archive') {
        await this.act(this.client(primary).request('secondary', { minor }));
        if (name === 'db') await this.act(this.client(1).request('primary', { minor }));
      }
    }
  }

  /** home lost its peer on purpose, and archive its disk while it was in use. */
  async trouble(): Promise<void> {
    await this.act(this.client(0).request('disconnect', { minor: minorOf('home') }));
    await this.act(this.client(0).request('primary', { minor: minorOf('archive') }));
    await this.act(this.client(0).request('detach', { minor: minorOf('archive') }));
    await this.pass(1000);
  }

  close(): void {
    for (const client of this.clients) client.close();
    for (const simulator of this.simulators) simulator.close();
  }
}

const TERMINAL = { TERM: 'xterm-256color', LC_ALL: 'C.UTF-8' };

/** Runs a command on a terminal. @returns what it wrote, until it ends or the terminal shows something */
async function written(
  backend: Backend,
  argv: readonly string[],
  columns: number,
  until?: (text: string) => boolean,
): Promise<string> {
  const terminal = new FakeTerminal(columns, 30);
  let elapsed = 0;
  const io = memoryIo({ env: TERMINAL, clock: { now: () => NOW, elapsedMs: () => (elapsed += 1000) } });
  const shown = Object.assign(io, {
    terminal: () => terminal,
    stdout: Object.assign(io.stdout, { isTerminal: true }),
  });
  const ended = main(argv, shown, { backend });
  if (until !== undefined) {
    while (!until(io.stdout.text)) await new Promise((resolve) => setTimeout(resolve, 5));
    const text = io.stdout.text;
    io.end.abort('SIGTERM');
    await ended;
    return text;
  }
  await ended;
  return io.stdout.text;
}

const lastFrame = (text: string): string => text.slice(text.lastIndexOf('\x1b[H') + 3);

/** @returns the text of each picture by its name */
export async function pictures(): Promise<Readonly<Record<string, string>>> {
  const nodes = await Nodes.start();
  const backend = createBackend({ kind: 'given', transport: nodes.transport });
  try {
    await nodes.setUp();
    const resync = await written(backend, ['status', 'mail', 'web', '--watch'], 90, (text) =>
      lastFrame(text).includes('resync'),
    );
    await nodes.trouble();
    const status = await written(backend, ['status'], 100);
    const look: Look = { color: true, moves: true, unicode: true, columns: 132 };
    const rates = new Rates();
    let snapshot = await (await backend.client()).status();
    for (let second = 0; second < 24; second++) {
      rates.take(snapshot, second * 1000);
      // It ebbs and flows.
      await nodes.act(
        nodes.client(0).request('syncer_conf', { minor: 0, tags: { rate: 3000 + 900 * ((second * 7) % 11) } }),
      );
      await nodes.pass(1000);
      snapshot = await (await backend.client()).status();
    }
    const frame = layout(
      {
        snapshot,
        findings: findings(snapshot),
        now: NOW,
        rate: (name) => rates.of(name),
        history: (name) => rates.history(name),
      },
      { ...FIRST_STATE, open: new Set(['archive', 'mail']) },
      look,
      132,
      22,
    );
    const found = await examine(
      hostOf({
        files: {
          '/proc/drbd': 'version: 8.4.11 (api:1/proto:86-101)\nsrcversion: 0123\n',
          '/proc/self/status': 'CapEff:\t0000000000000000\n',
          '/proc/self/uid_map': '         0          0 4294967295\n',
          '/proc/net/connector': 'Name            ID\ncn_proc         1:1\n',
          '/proc/sys/net/core/rmem_max': '212992\n',
          '/sys/module/drbd/parameters/usermode_helper': '/sbin/drbdadm\n',
          '/var/lock/drbd-147-0': '',
        },
        directories: { '/proc': ['1', 'self'], '/var/lock': ['drbd-147-0'], '/sys/module/drbd': ['parameters'] },
        programs: ['/usr/sbin/drbdsetup', '/usr/sbin/drbdmeta'],
        family: { version: 1, id: 27 },
      }),
      { path: '/usr/bin:/usr/sbin', lockDirectory: undefined },
    );
    const doctor = doctorLines(found, 110)
      .map((line) => formatLine(line, look))
      .join('\n');
    return {
      'status.svg': svgOf('drbd status', status, 100),
      'status-watch.svg': svgOf('drbd status mail web --watch', lastFrame(resync), 90),
      'top.svg': svgOf('drbd top', frame.lines.map((line) => formatLine(line, look)).join('\n'), 132),
      'doctor.svg': svgOf('drbd doctor', doctor, 110),
    };
  } finally {
    backend.close();
    nodes.close();
  }
}

const CELL = 8.4;
const ROW = 18;
const FONT = 14;
const MARGIN = 16;
const TITLE = 30;
const PLAIN = '#d8dee9';
const BACKGROUND = '#1e222a';
const COLORS: Readonly<Record<string, string>> = {
  '31': '#ff6b6b',
  '32': '#8fd694',
  '33': '#f2c14e',
  '36': '#6bc5d2',
};

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const rounded = (value: number): string => String(Math.round(value * 10) / 10);

/** @returns how many cells of a row are inverse; they stand beside each other */
function inverseCells(row: string): number {
  // eslint-disable-next-line no-control-regex -- styles are escape codes
  return [...row.matchAll(/\x1b\[7m([^\x1b]+)/gu)].reduce((sum, [, span = '']) => sum + [...span].length, 0);
}

/**
 * @param title what was typed
 * @param text as a terminal gets it, with the escape codes of styles
 * @returns a picture of a terminal that shows it
 */
function svgOf(title: string, text: string, columns: number): string {
  const rows = text
    // eslint-disable-next-line no-control-regex -- what clears the rest of a line or the screen
    .replaceAll(/\x1b\[[JK]/gu, '')
    .replace(/\s+$/u, '')
    .split(/\r?\n/u);
  const width = columns * CELL + 2 * MARGIN;
  const height = TITLE + rows.length * ROW + MARGIN;
  const parts = rows.flatMap((row, number): readonly string[] => {
    const y = TITLE + (number + 1) * ROW - 5;
    let at = 0;
    let wasInverse = false;
    // eslint-disable-next-line no-control-regex -- styles are escape codes
    return [...row.matchAll(/(?:\x1b\[(\d+)m)?([^\x1b]+)(?:\x1b\[0m)?/gu)].flatMap(([, code = '', span = '']) => {
      const cells = [...span].length;
      const x = MARGIN + at * CELL;
      at += cells;
      const inverse = code === '7';
      // One rectangle for all that is beside it: between two, a seam would show.
      const begins = inverse && !wasInverse;
      wasInverse = inverse;
      const back = begins
        ? [
            `<rect x="${rounded(x)}" y="${y - 13}" width="${rounded(inverseCells(row) * CELL)}" height="${ROW}" fill="${PLAIN}"/>`,
          ]
        : [];
      if (span.trim() === '') return back;
      const fill = inverse ? BACKGROUND : (COLORS[code] ?? PLAIN);
      const style = `${code === '1' ? ' font-weight="bold"' : ''}${code === '2' ? ' opacity="0.6"' : ''}`;
      return [
        ...back,
        `<text x="${rounded(x)}" y="${y}" fill="${fill}"${style} textLength="${rounded(cells * CELL)}" xml:space="preserve">${escaped(span)}</text>`,
      ];
    });
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${rounded(width)}" height="${height}" viewBox="0 0 ${rounded(width)} ${height}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="${FONT}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>`,
    `<text x="${MARGIN}" y="20" fill="#7f8896" xml:space="preserve">$ ${escaped(title)}</text>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}
