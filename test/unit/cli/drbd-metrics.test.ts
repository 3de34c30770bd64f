import { createHook } from 'node:async_hooks';
import childProcess from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Backend } from '../../../lib/cli';
import { formatMetrics, parsePlace } from '../../../lib/cli/drbd/metrics';
import {
  connectionMetrics,
  deviceMetrics,
  ownPeerDeviceMetrics,
  pathMetrics,
  peerDeviceMetrics,
  resourceMetrics,
  wholeMetrics,
} from '../../../lib/cli/drbd/metrics-table';
import type { Snapshot } from '../../../lib/drbd';
import { backendOver, drbd, eventually, startDrbd } from '../../support/drbd-command';
import { scrape } from '../../support/scrape';
import { SimulatedMirror, turns } from '../../support/simulated-mirror';

let mirror: SimulatedMirror;
let backend: Backend;

beforeEach(async () => {
  mirror = await SimulatedMirror.start();
  backend = backendOver(mirror.simulator.transport);
  await mirror.mirror(true);
});

afterEach(() => {
  backend.close();
  mirror.close();
});

/** @returns samples by name and labels; throws for a line that the text format does not have */
function samplesOf(text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  let last = '';
  for (const line of text.trimEnd().split('\n')) {
    const [, keyword, about = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/u.exec(line) ?? [];
    if (keyword === 'TYPE') {
      // All samples of a metric stand in one piece, behind its type.
      expect(types.has(about)).toBe(false);
      types.set(about, rest);
      last = about;
    }
    if (keyword !== undefined) continue;
    const match = /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/u.exec(
      line,
    );
    expect([line, match?.[1]]).toEqual([line, last]);
    expect(samples.has(`${match?.[1]}${match?.[2] ?? ''}`)).toBe(false);
    samples.set(`${match?.[1]}${match?.[2] ?? ''}`, Number(match?.[3]));
  }
  return samples;
}

test('names, labels and values, of 8.3', async () => {
  const { stdout, exit } = await drbd(backend, ['metrics']);
  expect(exit).toBe(0);
  const samples = samplesOf(stdout);
  const has = (sample: string, value: number): void => expect([sample, samples.get(sample)]).toEqual([sample, value]);
  has('drbd_version{kmod="8.3.13",utils=""}', 1);
  has('drbd_resource_resources', 2);
  has('drbd_resource_role{name="minor 0",drbd_resource_role="Primary"}', 1);
  has('drbd_resource_role{name="minor 0",drbd_resource_role="Secondary"}', 0);
  has('drbd_device_state{name="minor 0",volume="0",minor="0",drbd_device_state="UpToDate"}', 1);
  has('drbd_connection_state{name="minor 0",conn_name="127.0.0.1:7789",drbd_connection_state="Connected"}', 1);
  const { resources } = await mirror.client.status();
  const peer = resources[0]?.connections[0]?.peerDevices[0];
  has(
    'drbd_peerdevice_outofsync_bytes{name="minor 0",conn_name="127.0.0.1:7789",volume="0"}',
    Number(peer?.outOfSyncBytes),
  );
  has(
    'drbd_peerdevice_replication_state{name="minor 0",conn_name="127.0.0.1:7789",volume="0",drbd_peerdevice_replication_state="SyncSource"}',
    1,
  );
  // What the dialect does not tell has no sample, and no invented zero.
  expect(stdout).not.toMatch(/drbd_device_quorum|drbd_device_open|maypromote/u);
});

test('no metric is defined twice, and each has its help', () => {
  const rows = [
    ...resourceMetrics,
    ...connectionMetrics,
    ...deviceMetrics,
    ...peerDeviceMetrics,
    ...ownPeerDeviceMetrics,
    ...pathMetrics,
    ...Object.values(wholeMetrics),
  ];
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  for (const { name, help } of rows) {
    expect(name).toMatch(/^drbd(?:reactor)?_[a-z_]+$/u);
    expect(help).toMatch(/^[A-Z].*\.$/u);
  }
});

test('names of the kernel cannot break the format; a state that has no word is told', () => {
  const name = 'r"0\\\n';
  const snapshot = {
    source: { dialect: 'genl2', driver: '9.2', api: 2, complete: true },
    resources: [{ name, role: 'unknown(9)', suspended: {}, devices: [], connections: [] }],
  } as unknown as Snapshot;
  const text = formatMetrics({ snapshot, findings: [], losses: new Map() });
  expect(samplesOf(text).get('drbd_resource_role{name="r\\"0\\\\\\n",drbd_resource_role="unknown(9)"}')).toBe(1);
});

test('without a driver there is still an answer', () => {
  const samples = samplesOf(formatMetrics({ snapshot: undefined, findings: [], losses: new Map([['overrun', 2]]) }));
  expect(samples.get('drbd_driver_loaded')).toBe(0);
  expect(samples.get('drbd_stream_losses_total{reason="overrun"}')).toBe(2);
});

test('1,000 resources: every one once', () => {
  const resources = Array.from({ length: 1000 }, (_unused, minor) => ({
    name: `r${minor}`,
    role: 'Primary',
    suspended: {},
    devices: [{ minor, volume: 0, disk: 'UpToDate', stats: { sizeBytes: 1n << 40n, readBytes: 5n } }],
    connections: [
      {
        name: 'beta',
        peerNodeId: 1,
        state: 'Connected',
        paths: [],
        peerDevices: [
          { volume: 0, replication: 'Established', peerDisk: 'UpToDate', outOfSyncBytes: 0n, resync: null },
        ],
      },
    ],
  }));
  const snapshot = { source: { complete: true }, resources } as unknown as Snapshot;
  const text = formatMetrics({ snapshot, findings: [], losses: new Map() });
  expect(text.match(/^drbd_device_size_bytes\{/gmu)).toHaveLength(1000);
  expect(text).toContain('drbd_device_size_bytes{name="r999",volume="0",minor="999"} 1099511627776\n');
});

test.each([
  ['9942', { host: '127.0.0.1', port: 9942 }],
  [':9942', { host: '127.0.0.1', port: 9942 }],
  ['localhost:1', { host: '127.0.0.1', port: 1 }],
  ['[::1]:9942', { host: '::1', port: 9942 }],
])('--listen %s', (text, place) => expect(parsePlace(text, false)).toEqual(place));

test.each(['0.0.0.0:9942', '[::]:9942', '10.0.0.1:9942', '[::ffff:10.0.0.1]:1'])(
  '--listen %s is refused unless it is asked for',
  async (text) => {
    expect(() => parsePlace(text, false)).toThrow(/--allow-remote/u);
    expect(parsePlace(text, true)).toHaveProperty('port');
    expect((await drbd(backend, ['metrics', '--listen', text])).exit).toBe(20);
  },
);

test.each(['', 'x', '1.2.3:5', '70000', '127.0.0.1', 'host.example:1'])('--listen %j makes no sense', (text) =>
  expect(() => parsePlace(text, true)).toThrow(/ADDRESS:/u),
);

test('serves over HTTP without starting a process; counts losses; ends by a signal', async () => {
  const started: string[] = [];
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'PROCESSWRAP') started.push(type);
    },
  }).enable();
  const sync = jest.spyOn(childProcess, 'spawnSync').mockImplementation(() => {
    throw new Error('a process was started');
  });
  const before = tasks();
  try {
    const server = startDrbd(backend, ['metrics', '--listen', '127.0.0.1:0']);
    await eventually(() => server.stderr().includes('listening at'));
    const port = Number(/:(\d+)\/metrics/u.exec(server.stderr())?.[1]);
    const first = await scrape({ port, path: '/metrics' });
    expect(first).toMatchObject({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' });
    expect(samplesOf(first.text).get('drbd_resource_resources')).toBe(2);
    expect(samplesOf(first.text).get('drbd_driver_loaded')).toBe(1);
    mirror.simulator.overrunListeners(1);
    await mirror.act('secondary', 0);
    await turns();
    let again = '';
    for (let tries = 0; tries < 200 && !again.includes('losses_total{'); tries++) {
      again = (await scrape({ port, path: '/metrics' })).text;
      await turns(3);
    }
    expect(samplesOf(again).get('drbd_stream_losses_total{reason="overrun"}')).toBe(1);
    expect((await scrape({ port, path: '/x' })).status).toBe(404);
    expect((await scrape({ port, path: '/' })).status).toBe(200);
    expect((await scrape({ port, path: '/metrics', method: 'POST' })).status).toBe(405);
    expect(await server.stop('SIGTERM')).toBe(143);
    await expect(scrape({ port, path: '/metrics' })).rejects.toThrow();
    expect(started).toEqual([]);
    expect(sync).not.toHaveBeenCalled();
    expect(tasks()).toEqual(before);
  } finally {
    hook.disable();
    sync.mockRestore();
  }
});

/** Processes that this one started and that live. */
function tasks(): readonly string[] {
  return readdirSync('/proc/self/task').flatMap((task) => {
    const file = `/proc/self/task/${task}/children`;
    return existsSync(file)
      ? readFileSync(file, 'utf8')
          .split(' ')
          .filter((id) => id !== '')
      : [];
  });
}

test('serves at a Unix socket, takes over one that nobody serves, and no other', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  try {
    const path = join(folder, 'socket');
    const server = startDrbd(backend, ['metrics', '--unix', path]);
    await eventually(() => server.stderr().includes('listening at'));
    expect((await scrape({ socketPath: path, path: '/metrics' })).status).toBe(200);
    expect(await drbd(backend, ['metrics', '--unix', path])).toMatchObject({
      exit: 20,
      stderr: expect.stringContaining('something listens there already') as string,
    });
    expect(await server.stop('SIGINT')).toBe(130);
    const file = join(folder, 'file');
    writeFileSync(file, 'kept');
    expect((await drbd(backend, ['metrics', '--unix', file])).exit).toBe(20);
    expect(readFileSync(file, 'utf8')).toBe('kept');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('--textfile is written whole, once or at a pace', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  try {
    const file = join(folder, 'drbd.prom');
    expect(await drbd(backend, ['metrics', '--textfile', file])).toEqual({ exit: 0, stdout: '', stderr: '' });
    expect(samplesOf(readFileSync(file, 'utf8')).get('drbd_resource_resources')).toBe(2);
    const writer = startDrbd(backend, ['metrics', '--textfile', file, '--every', '10ms']);
    await mirror.act('secondary', 0);
    await eventually(() => readFileSync(file, 'utf8').includes('{name="minor 0",drbd_resource_role="Secondary"} 1'));
    expect(await writer.stop()).toBe(143);
    expect(readdirSync(folder)).toEqual(['drbd.prom']);
    expect((await drbd(backend, ['metrics', '--textfile', '/nonexistent/x'])).exit).toBe(20);
    expect((await drbd(backend, ['metrics', '--every', '1s'])).exit).toBe(20);
    expect((await drbd(backend, ['metrics', '--textfile', file, '--listen', '1'])).exit).toBe(20);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
