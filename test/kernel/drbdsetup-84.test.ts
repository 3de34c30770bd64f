import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { openDrbd } from '../../lib';
import { main } from '../../lib/cli';
import { v84 } from '../../lib/cli/drbdsetup';
import { memoryIo } from '../support/cli';

// What drbdsetup does in a genuine kernel beyond what the genuine program does, and what both say of themselves.

const GENUINE = '/lib/drbd/drbdsetup-84';
const PROJECT = join(__dirname, '../../..');
const OURS = join(PROJECT, 'dist/package/drbdsetup.js');
const NOBODY = 65534;

async function drbdsetup(
  ...argv: string[]
): Promise<{ readonly exit: number; readonly stdout: string; readonly stderr: string }> {
  const io = memoryIo();
  const exit = await main(argv, io);
  return { exit, stdout: io.stdout.text, stderr: io.stderr.text };
}

async function succeed(...argv: string[]): Promise<string> {
  const result = await drbdsetup(...argv);
  expect({ argv, ...result }).toMatchObject({ exit: 0, stderr: '' });
  return result.stdout;
}

function modprobe(...argv: string[]): void {
  const { status, stderr } = spawnSync('modprobe', argv, { encoding: 'utf8' });
  expect({ argv, status, stderr }).toMatchObject({ status: 0 });
}

async function until(what: () => boolean): Promise<void> {
  for (const end = performance.now() + 60_000; !what(); await sleep(50))
    if (performance.now() > end) throw new Error(`it did not come about: ${what.toString()}`);
}

async function downAll(): Promise<void> {
  const { resources } = JSON.parse(await succeed('--json', 'status')) as {
    readonly resources: readonly { readonly name: string }[];
  };
  for (const { name } of resources) await succeed('down', name);
}

beforeAll(downAll, 30_000);
afterEach(downAll, 30_000);

// The genuine program of this release has no udev.
test.each(v84.commands.map(({ name }) => name).filter((name) => name !== 'udev'))(
  'xml-help %s is the same in both',
  async (name) => {
    const { status, stdout } = spawnSync(GENUINE, ['xml-help', name], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(await succeed('xml-help', name)).toBe(stdout);
  },
);

test('events and events2 outlive a reload of the module, and tell what became of everything', async () => {
  await succeed('new-resource', 'r0');
  await succeed('new-minor', 'r0', '0', '0');
  const streams = [['events2'], ['events2', '--json'], ['events', 'all']].map((argv) => {
    const io = memoryIo();
    return { io, exit: main(argv, io) };
  });
  const [text, json, old] = streams.map(({ io }) => io);
  await until(
    () =>
      (text?.stdout.text.endsWith('exists -\n') ?? false) &&
      (json?.stdout.text.includes('"object":null') ?? false) &&
      (old?.stdout.text.includes('ST 0,r0[0]') ?? false),
  );
  await succeed('down', 'r0');
  modprobe('-r', 'drbd');
  try {
    await until(() => json?.stdout.text.includes('"resync"') ?? false);
    // Nothing is there: nothing is up.
    expect(await drbdsetup('down', 'r0')).toEqual({
      exit: 0,
      stdout: '',
      stderr: expect.stringMatching(/^drbdsetup: r0: .*no DRBD driver is loaded/u) as string,
    });
    expect(await drbdsetup('status')).toMatchObject({
      exit: 20,
      stdout: '',
      stderr: expect.stringContaining('modprobe drbd') as string,
    });
  } finally {
    modprobe('drbd', 'usermode_helper=/bin/true');
  }
  await succeed('new-resource', 'r9');
  await succeed('new-minor', 'r9', '9', '0');
  await until(
    () =>
      (text?.stdout.text.includes('minor:9') ?? false) &&
      (json?.stdout.text.includes('"minor":9') ?? false) &&
      / R - r9\n| ST 9,r9\[0\] /u.test(old?.stdout.text ?? ''),
  );
  for (const { io } of streams) io.end.abort('SIGTERM');
  expect(await Promise.all(streams.map(({ exit }) => exit))).toEqual([0, 0, 0]);
  const lines = (text?.stdout.text ?? '').split('\n').map((line) => line.split(' ').slice(0, 3).join(' '));
  expect(lines.filter((line) => /^\w+ (resource|device) /u.test(line))).toEqual([
    'exists resource name:r0',
    'exists device name:r0',
    'destroy device name:r0',
    'destroy resource name:r0',
    'create resource name:r9',
    'create device name:r9',
  ]);
}, 60_000);

test('events2 that was stopped while the kernel dropped messages ends in the state of the kernel', async () => {
  await succeed('new-resource', 'r0');
  const child = spawn(process.execPath, [OURS, 'events2'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [text, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (errors += part));
  const end = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  await until(() => text.endsWith('exists -\n'));
  child.kill('SIGSTOP');
  await using drbd = await openDrbd({ dialect: 'genl1' });
  // Each is told, and none of it read: until the socket's buffer is full, and beyond.
  const volumes = Array.from({ length: 16 }, (_unused, volume) => volume);
  for (let round = 0; round < 100; round++) {
    for (const volume of volumes)
      await drbd.request('new_minor', {
        minor: 100 + volume,
        context: { ctx_resource_name: 'r0', ctx_volume: volume },
      });
    for (const volume of volumes) await drbd.request('del_minor', { minor: 100 + volume });
  }
  await drbd.request('new_minor', { minor: 77, context: { ctx_resource_name: 'r0', ctx_volume: 7 } });
  child.kill('SIGCONT');
  await until(() => /device name:r0 volume:7 minor:77 /u.test(text));
  // What is told of the next one comes behind all that was told of this one.
  await drbd.request('new_minor', { minor: 78, context: { ctx_resource_name: 'r0', ctx_volume: 8 } });
  await until(() => /device name:r0 volume:8 minor:78 /u.test(text));
  child.kill('SIGTERM');
  expect(await end).toEqual({ code: null, signal: 'SIGTERM' });
  // Not one message too few, or this would prove nothing.
  expect(errors).toContain('lost');
  const devices = new Set<string>();
  for (const line of text.split('\n')) {
    const [action, object, ...names] = line.split(' ');
    const device = names.slice(0, 3).join(' ');
    if (object === 'device') {
      if (action === 'destroy') devices.delete(device);
      else devices.add(device);
    }
  }
  expect([...devices]).toEqual(['name:r0 volume:7 minor:77', 'name:r0 volume:8 minor:78']);
}, 90_000);

test('the request that would deadlock the kernel is refused', async () => {
  await succeed('new-resource', 'r0');
  await succeed('new-minor', 'r0', '0', '0');
  expect(await drbdsetup('suspend-io', '0')).toMatchObject({
    exit: 20,
    stdout: '',
    stderr: expect.stringContaining('deadlock') as string,
  });
  expect(await succeed('role', '0')).toBe('Unconfigured\n');
}, 20_000);

test('whoever may read, reads; and who may not change is told so', async () => {
  await succeed('new-resource', 'r0');
  await succeed('new-minor', 'r0', '0', '0');
  // Where everybody can read it: a clone may lie in a home that is closed to others.
  const open = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  chmodSync(open, 0o755);
  for (const part of ['dist/package', 'native/build/Release/node_drbd.node'])
    cpSync(join(PROJECT, part), join(open, part), { recursive: true });
  const asNobody = (
    ...argv: string[]
  ): { readonly status: number | null; readonly stdout: string; readonly stderr: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(open, 'dist/package/drbdsetup.js'), ...argv], {
      uid: NOBODY,
      gid: NOBODY,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  expect(asNobody('status')).toEqual({ status: 0, stdout: 'r0 role:Secondary\n  disk:Diskless\n\n', stderr: '' });
  expect(asNobody('events2', '--now')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/exists -\n$/u) as string,
  });
  expect(asNobody('udev', '0')).toEqual({
    status: 0,
    stdout: 'DEVICE=drbd0\nSYMLINK_BY_RES=drbd/by-res/r0/0\n',
    stderr: '',
  });
  expect(asNobody('down', 'r0')).toMatchObject({
    status: 20,
    stdout: '',
    stderr: expect.stringContaining('CAP_NET_ADMIN') as string,
  });
  rmSync(open, { recursive: true });
}, 30_000);
