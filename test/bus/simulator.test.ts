import { execFileSync, fork, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openDrbd, type SocketAddress } from '../../lib';
import {
  createSimulator,
  listenSimulator,
  type Listening,
  type Simulator,
  type SimulatorOptions,
} from '../../lib/simulator';
import { simulatedMachine } from '../../lib/cli/simulated-machine';
import { nativeTransport } from '../../lib/transport/native';
import type { LoadResult, LoadTask } from '../support/load-client';

const DIST = join(__dirname, '../..');
const DISKS = { '/dev/ram0': { sizeBytes: 16 << 20 }, '/dev/ram1': { sizeBytes: 16 << 20 } };

let simulator: Simulator | undefined;
let listening: Listening | undefined;
const children: ChildProcess[] = [];

function start(options: SimulatorOptions = {}): { readonly simulator: Simulator; readonly listening: Listening } {
  simulator = createSimulator({ disks: DISKS, ...options });
  listening = listenSimulator(simulator);
  return { simulator, listening };
}

afterEach(() => {
  listening?.close();
  simulator?.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

const loopback = (port: number): SocketAddress => ({ family: 'ipv4', address: '127.0.0.1', port });
const disk = (
  path: string,
): { readonly backing_dev: string; readonly meta_dev: string; readonly meta_dev_idx: number } => ({
  backing_dev: path,
  meta_dev: path,
  meta_dev_idx: -3,
});

test('a mirrored pair comes up across the bus, and its events are those of its states', async () => {
  const { listening } = start();
  await using drbd = await openDrbd({ dialect: 'connector', simulator: listening.port });
  const events = drbd.broadcasts();
  for (const [minor, mine, theirs] of [
    [0, 7788, 7789],
    [1, 7789, 7788],
  ] as const) {
    await drbd.request('disk_conf', { minor, createDevice: true, setDefaults: true, tags: disk(`/dev/ram${minor}`) });
    await drbd.request('net_conf', {
      minor,
      tags: { my_addr: loopback(mine), peer_addr: loopback(theirs), wire_protocol: 3, ping_timeo: 1 },
    });
    await drbd.request('syncer_conf', { minor, tags: { rate: 100_000 } });
  }
  await drbd.waitFor((s) => s.resources.every((r) => r.connections[0]?.state === 'Connected'), { timeoutMs: 10_000 });
  await drbd.request('primary', { minor: 0, tags: { primary_force: true } });
  const done = await drbd.waitFor(
    (s) =>
      s.resources.length === 2 &&
      s.resources.every(
        (r) => r.devices[0]?.disk === 'UpToDate' && r.connections[0]?.peerDevices[0]?.peerDisk === 'UpToDate',
      ),
    { timeoutMs: 10_000 },
  );
  expect(done.resources.map((r) => r.role)).toEqual(['Primary', 'Secondary']);
  await expect(drbd.request('primary', { minor: 1 })).rejects.toMatchObject({
    code: 'ERR_DRBD_KERNEL',
    returnCode: -1,
  });
  const names = new Set<string>();
  let sequence = 2;
  for (;;) {
    const { value } = await events.next();
    if (value === undefined || value.kind !== 'event') throw new Error('the stream broke');
    expect(value.sequence).toBe(++sequence);
    names.add(value.name === 'call_helper' ? String(value.tags['helper']) : value.name);
    if (names.has('after-resync-target')) break;
  }
  await events.return?.();
  expect([...names]).toEqual(expect.arrayContaining(['get_state', 'before-resync-source', 'before-resync-target']));
}, 30_000);

test('it does not start beside a genuine driver of the connector, and does beside others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'drbd-'));
  try {
    const other = createSimulator();
    for (const [text, starts] of [
      ['version: 8.3.13 (api:88/proto:86-96)\nbuilt-in\n', false],
      ['version: 8.0.16 (api:86/proto:86)\n', false],
      ['version: 8.4.11 (api:1/proto:86-101)\n', true],
      ['version: 9.1.7 (api:2/proto:110-121)\n', true],
    ] as const) {
      const procDrbd = join(folder, 'drbd');
      writeFileSync(procDrbd, text);
      if (starts) listenSimulator(other, { procDrbd }).close();
      else
        expect(() => listenSimulator(other, { procDrbd })).toThrow(
          expect.objectContaining({ code: 'ERR_DRBD_UNSUPPORTED' }),
        );
    }
    other.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('faults on the bus: what is forged, cut, late or doubled is never an answer', async () => {
  const { simulator, listening } = start();
  await using drbd = await openDrbd({ dialect: 'connector', simulator: listening.port });
  await drbd.request('syncer_conf', { minor: 3, createDevice: true });
  const kernelError = { code: 'ERR_DRBD_KERNEL', returnCode: -2 };
  simulator.faults.message({ kind: 'forge' }, { kind: 'reply', minor: 3 });
  await expect(drbd.request('primary', { minor: 3 })).rejects.toMatchObject(kernelError);
  simulator.faults.message({ kind: 'duplicate' }, { kind: 'reply', minor: 3 });
  await expect(drbd.request('primary', { minor: 3 })).rejects.toMatchObject(kernelError);
  simulator.faults.message({ kind: 'delay', milliseconds: 300 }, { kind: 'reply', minor: 3 });
  await expect(drbd.request('primary', { minor: 3 })).rejects.toMatchObject(kernelError);
  for (const fault of [{ kind: 'drop' }, { kind: 'truncate', bytes: 20 }] as const) {
    simulator.faults.message(fault, { kind: 'reply', minor: 3 });
    await expect(drbd.request('primary', { minor: 3 }, { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'ERR_DRBD_TIMEOUT',
    });
  }
  simulator.faults.request('no-memory', { minor: 3 });
  await expect(drbd.request('get_config', { minor: 3 })).rejects.toMatchObject({ returnCode: 122 });
  simulator.faults.request('hang', { name: 'secondary' });
  await expect(drbd.request('secondary', { minor: 3 }, { timeoutMs: 200 })).rejects.toMatchObject({
    code: 'ERR_DRBD_TIMEOUT',
  });
  expect((await drbd.request('get_state', { minor: 3 })).returnCode).toBe(101);
  simulator.unload();
  await expect(drbd.request('get_state', { minor: 3 }, { timeoutMs: 200 })).rejects.toMatchObject({
    code: 'ERR_DRBD_TIMEOUT',
  });
  simulator.load();
  await expect(drbd.request('get_state', { minor: 3 })).rejects.toMatchObject({ returnCode: 127 });
  expect(simulator.faults.counters).toMatchObject({
    forge: 1,
    duplicate: 1,
    delay: 1,
    drop: 1,
    truncate: 1,
    'no-memory': 1,
    hang: 1,
  });
}, 20_000);

test('drbd simulate: prints its port, writes it to a file, answers, and ends when told to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drbd-'));
  try {
    const file = join(folder, 'port');
    const child = spawn(process.execPath, [
      join(DIST, 'lib/cli/bin/drbd.js'),
      'simulate',
      '--minors',
      '4',
      '--disk',
      '/dev/vg/r0=1G',
      '--port-file',
      file,
    ]);
    children.push(child);
    let out = '';
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    const end = performance.now() + 10_000;
    while (!existsSync(file) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    const port = Number(readFileSync(file, 'utf8'));
    expect(port).toBeGreaterThan(0);
    await using drbd = await openDrbd({ simulator: port });
    if (drbd.dialect !== 'connector') throw new Error('a simulator speaks the connector');
    await drbd.request('disk_conf', { minor: 3, createDevice: true, tags: disk('/dev/vg/r0') });
    await expect(drbd.request('get_state', { minor: 4, createDevice: true })).rejects.toMatchObject({
      returnCode: 127,
    });
    const status = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill('SIGTERM');
    expect(await status).toBe(0);
    expect(out).toBe(`${port}\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 30_000);

/** Runs drbdsetup against a simulator. @returns what it printed, and its exit code */
function setup(port: number, ...args: readonly string[]): { readonly out: string; readonly code: number | null } {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(DIST, 'lib/cli/bin/drbdsetup.js'), '--simulator', String(port), ...args],
    { encoding: 'utf8' },
  );
  return { out: stdout + stderr, code: status };
}

test('drbdsetup takes devices, sizes and /proc/drbd from the simulated machine, and no lock from this one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drbd-'));
  try {
    const port = await simulate(folder, 'port', ['--disk', '/dev/nowhere/r0=6G']);
    const attach = ['disk', '/dev/nowhere/r0', '/dev/nowhere/r0', 'internal', '--create-device'];
    expect(setup(port, '0', ...attach)).toEqual({ out: '', code: 0 });
    const missing = setup(port, '1', 'disk', '/dev/ram0', '/dev/ram0', 'internal', '--create-device');
    expect(missing.code).toBe(20);
    expect(missing.out).toContain('the simulated machine has no such device; it has /dev/nowhere/r0');
    // A device node is the simulated machine's: the minor 0 that exists, and no other.
    expect(setup(port, '/dev/drbd0', 'dstate')).toEqual({ out: 'Inconsistent/DUnknown\n', code: 0 });
    // Lock files are made only where they are asked for.
    expect(readdirSync(folder)).toEqual(['port']);
    expect(setup(port, '--lock-dir', folder, '0', 'secondary')).toEqual({ out: '', code: 0 });
    expect(readdirSync(folder)).toContain('drbd-147-0');
    const state = join(folder, 'state');
    mkdirSync(state);
    expect(setup(port, '--state-dir', state, '0', 'check-resize')).toEqual({ out: '', code: 0 });
    expect(readFileSync(join(state, 'drbd-minor-0.lkbd'), 'utf8')).toBe(`${6 * 2 ** 30}\t/dev/nowhere/r0\n`);
    const recording = join(folder, 'recording');
    expect(setup(port, '--record', recording, '0', ...attach).code).toBe(10);
    const [header = ''] = readFileSync(recording, 'utf8').split('\n');
    expect(JSON.parse(header)).toMatchObject({ blockDevices: { '/dev/nowhere/r0': { sizeBytes: 6 * 2 ** 30 } } });
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);

test('a machine of many minors comes in pieces; a port where nobody is says so', async () => {
  const { simulator, listening } = start({ minorCount: 256 });
  const machine = simulatedMachine(listening.port);
  await using drbd = await openDrbd({ dialect: 'connector', simulator: listening.port });
  for (let minor = 0; minor < 256; minor++)
    await drbd.request('syncer_conf', { minor, createDevice: true, tags: { rate: 1000 } });
  await drbd.request('disk_conf', { minor: 7, tags: disk('/dev/ram0') });
  await machine.refresh({});
  expect(JSON.stringify([...simulator.machine().blockDevices.keys()]).length).toBeGreaterThan(3000);
  expect(machine.host.procDrbd()).toBe(simulator.procDrbd());
  expect(machine.host.blockDevice?.('/dev/drbd7')).toEqual({
    path: '/dev/drbd7',
    sizeBytes: BigInt(simulator.minor(7)?.sizeSectors ?? 0) * 512n,
    major: 147,
    minor: 7,
  });
  simulator.unload();
  await machine.refresh({});
  expect(machine.host.procDrbd()).toEqual({ error: 'ENOENT' });
  const nobody = simulatedMachine(4_000_000_000);
  await nobody.refresh({});
  expect(() => nobody.host.blockDevice?.('/dev/ram0')).toThrow('ECONNREFUSED');
}, 60_000);

test('drbd simulate --port-file: pipes, links and devices are written to, and stay what they are', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drbd-'));
  try {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    children.push(spawn(process.execPath, [join(DIST, 'lib/cli/bin/drbd.js'), 'simulate', '--port-file', pipe]));
    expect(Number(await readFile(pipe, 'utf8'))).toBeGreaterThan(0);
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    const link = join(folder, 'link');
    writeFileSync(join(folder, 'target'), '');
    symlinkSync('target', link);
    children.push(spawn(process.execPath, [join(DIST, 'lib/cli/bin/drbd.js'), 'simulate', '--port-file', link]));
    const written = (): number => Number(readFileSync(join(folder, 'target'), 'utf8'));
    const end = performance.now() + 15_000;
    while (written() === 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(written()).toBeGreaterThan(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);

test('scripts/play: drbdsetup attaches a disk of the simulated machine', () => {
  const { stdout, status } = spawnSync(
    join(DIST, '../scripts/play'),
    ['drbdsetup', '0', 'disk', '/dev/ram3', '/dev/ram3', 'internal', '--create-device'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  expect([status, stdout]).toEqual([0, '']);
}, 120_000);

test('scripts/play: a shell beside a simulated kernel, in one command', async () => {
  const script =
    "const { openDrbd } = require(process.argv[1]); openDrbd({ dialect: 'connector', simulator: Number(process.env.DRBD_SIMULATOR) }).then(async (drbd) => { await drbd.request('syncer_conf', { minor: 0, createDevice: true }); console.log(JSON.stringify((await drbd.request('get_state', { minor: 0 })).returnCode)); drbd.close(); })";
  const child = spawn(join(DIST, '../scripts/play'), [process.execPath, '-e', script, join(DIST, 'lib/index.js')]);
  children.push(child);
  let out = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (out += data.toString()));
  expect(await new Promise((resolve) => child.once('exit', (code) => resolve(code)))).toBe(0);
  expect(out).toBe('101\n');
}, 30_000);

/** Starts `drbd simulate` and waits for its port. */
async function simulate(folder: string, name: string, args: readonly string[]): Promise<number> {
  const file = join(folder, name);
  const child = spawn(process.execPath, [join(DIST, 'lib/cli/bin/drbd.js'), 'simulate', '--port-file', file, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  const end = performance.now() + 15_000;
  while (!existsSync(file) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  return Number(readFileSync(file, 'utf8'));
}

test('two simulators in two processes are two nodes: they connect, and the loss of one is seen by the other', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drbd-'));
  try {
    const meeting = join(folder, 'network');
    const disks = ['--disk', '/dev/r0=16M'];
    const ports = [
      await simulate(folder, 'alpha', [...disks, '--address', '10.0.0.1', '--network-open', meeting]),
      await simulate(folder, 'beta', [...disks, '--address', '10.0.0.2', '--network-join', meeting]),
    ];
    const clients = await Promise.all(ports.map((simulator) => openDrbd({ dialect: 'connector', simulator })));
    const [alpha, beta] = clients;
    if (alpha === undefined || beta === undefined) throw new Error('no clients');
    const node = (number: number): SocketAddress => ({ family: 'ipv4', address: `10.0.0.${number}`, port: 7788 });
    for (const [at, drbd] of clients.entries()) {
      await drbd.request('disk_conf', { minor: 0, createDevice: true, tags: disk('/dev/r0') });
      await drbd.request('syncer_conf', { minor: 0, tags: { rate: 100_000 } });
      await drbd.request('net_conf', {
        minor: 0,
        tags: {
          my_addr: node(at + 1),
          peer_addr: node(2 - at),
          wire_protocol: 3,
          ping_timeo: 1,
          cram_hmac_alg: 'sha1',
          shared_secret: 'geheim',
        },
      });
    }
    const state =
      (wanted: string) =>
      ({ resources: [resource] }: Awaited<ReturnType<typeof alpha.status>>): boolean =>
        resource?.connections[0]?.state === wanted;
    await alpha.waitFor(state('Connected'), { timeoutMs: 10_000 });
    await alpha.request('primary', { minor: 0, tags: { primary_force: true } });
    await beta.waitFor(({ resources: [resource] }) => resource?.devices[0]?.disk === 'UpToDate', { timeoutMs: 10_000 });
    children.at(-1)?.kill('SIGKILL');
    await alpha.waitFor(state('Connecting'), { timeoutMs: 10_000 });
    for (const drbd of clients) drbd.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);

const PROCESSES = 4;
const CLIENTS = 32;
const MINORS = 200;
const REQUESTS = 10_000;

test(`${MINORS} minors, ${CLIENTS} clients in ${PROCESSES} processes, ${REQUESTS} requests at once: each client gets its own answers, and nothing is lost`, async () => {
  const { listening, simulator } = start({ minorCount: 256 });
  const minors = Array.from({ length: MINORS }, (_unused, minor) => minor);
  const clients = Array.from({ length: CLIENTS }, (_unused, number) =>
    minors.filter((minor) => minor % CLIENTS === number),
  );
  const started = performance.now();
  const results = await Promise.all(
    Array.from({ length: PROCESSES }, (_unused, number) => {
      const child = fork(join(DIST, 'test/support/load-client.js'));
      children.push(child);
      const task: LoadTask = {
        simulator: listening.port,
        clients: clients.filter((_own, at) => at % PROCESSES === number),
        requests: Math.ceil(REQUESTS / CLIENTS),
      };
      return new Promise<LoadResult>((resolve, reject) => {
        child.once('message', (result) => resolve(result as LoadResult));
        child.once('exit', (code) => reject(new Error(`a client process ended with ${code}`)));
        child.send(task);
      });
    }),
  );
  const sum = (pick: (result: LoadResult) => number): number =>
    results.reduce((total, result) => total + pick(result), 0);
  const totals = {
    seconds: Math.round((performance.now() - started) / 100) / 10,
    answered: sum((r) => r.answered),
    deliveries: sum((r) => r.received),
    unmatched: sum((r) => r.unmatched),
    overruns: sum((r) => r.overruns),
    late: sum((r) => r.late),
    simulator: listening.counters(),
  };
  console.info(`load on the bus: ${JSON.stringify(totals)}`);
  expect(results.flatMap((r) => r.wrong)).toEqual([]);
  expect(totals.answered).toBeGreaterThanOrEqual(REQUESTS);
  expect(totals.overruns).toBe(0);
  expect(totals.late).toBe(0);
  expect(totals.simulator.overruns).toBe(0);
  // Every answer goes to everybody: each client hears those of all the others.
  expect(totals.deliveries).toBeGreaterThanOrEqual(REQUESTS * CLIENTS);
  expect(simulator.minors().length).toBe(MINORS);
}, 110_000);

test('what streams reads the counters of the simulated machine anew', async () => {
  const { listening } = start();
  await using drbd = await openDrbd({ dialect: 'connector', simulator: listening.port });
  for (const [minor, mine, theirs] of [
    [0, 7788, 7789],
    [1, 7789, 7788],
  ] as const) {
    await drbd.request('disk_conf', { minor, createDevice: true, tags: disk(`/dev/ram${minor}`) });
    await drbd.request('syncer_conf', { minor, tags: { rate: 500 } });
    await drbd.request('net_conf', {
      minor,
      tags: { my_addr: loopback(mine), peer_addr: loopback(theirs), wire_protocol: 3 },
    });
  }
  await drbd.request('primary', { minor: 0, tags: { primary_force: true } });
  const machine = simulatedMachine(listening.port);
  const transport = { ...nativeTransport(), host: machine.host };
  await using watching = await openDrbd({ dialect: 'connector', simulator: listening.port, transport });
  const seen = new Set<number>();
  for await (const { snapshot } of watching.events({ counters: true, refreshMs: 50 })) {
    const resync = snapshot.resources[0]?.connections[0]?.peerDevices[0]?.resync;
    // Without the counters there is only what the driver tells, which on a small disk goes in large steps.
    if (typeof resync?.percent === 'number' && resync.leftBytes !== null) seen.add(resync.percent);
    if (seen.size === 3) break;
  }
  expect([...seen]).toEqual([...seen].sort((a, b) => a - b));
}, 60_000);
