import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createSimulator, listenSimulator, type Listening, type Simulator } from '../../lib/simulator';

// drbdsetup as processes, against a simulated kernel on the connector bus: what only processes have.

const TOOL = join(__dirname, '../../lib/cli/bin/drbdsetup.js');

let simulator: Simulator;
let listening: Listening;
let folder: string;
let children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  simulator = createSimulator();
  listening = listenSimulator(simulator);
});

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  listening.close();
  simulator.close();
  rmSync(folder, { recursive: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly text: () => string;
  readonly errors: () => string;
  readonly end: Promise<{
    readonly exit: number | null;
    readonly signal: string | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
  until(pattern: RegExp): Promise<void>;
}

function start(words: string, env: Readonly<Record<string, string>> = {}, stdin = ''): Running {
  const child = spawn(process.execPath, [TOOL, ...words.split(' ')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      DRBD_SIMULATOR: String(listening.port),
      DRBD_LOCK_DIR: folder,
      DRBD_STATE_DIR: folder,
      ...env,
    },
  });
  children.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr += part));
  child.stdin.end(stdin);
  return {
    child,
    text: () => stdout,
    errors: () => stderr,
    end: once(child, 'close').then(([exit, signal]) => ({
      exit: exit as number | null,
      signal: signal as string | null,
      stdout,
      stderr,
    })),
    until: async (pattern) => {
      while (!pattern.test(stdout)) await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
}

test('commands, one process each', async () => {
  expect(await start('0 cstate').end).toMatchObject({
    exit: 10,
    stdout: '',
    stderr: expect.stringMatching(/^drbdsetup: 0: Failure: \(127\) ERR_MINOR_INVALID: /) as string,
  });
  expect(await start('0 syncer --create-device --rate 10M').end).toMatchObject({ exit: 0, stdout: '', stderr: '' });
  expect(await start('/dev/drbd0 cstate').end).toMatchObject({ exit: 0, stdout: 'Unconfigured\n', stderr: '' });
  expect((await start('0 show').end).stdout).toMatch(/^syncer \{\n\trate +\t10240k; # bytes\/second\n/);
});

test('what was recorded can be replayed, without the simulator', async () => {
  const recording = join(folder, 'recording');
  const live = await start('0 syncer --create-device --rate 10M', { DRBD_RECORD: recording }).end;
  expect(live).toMatchObject({ exit: 0, stderr: '' });
  expect(readFileSync(recording, 'utf8')).toMatch(/^\{"recording":1,"dialect":"connector"/);
  const none = { DRBD_SIMULATOR: '', DRBD_REPLAY: recording };
  expect(await start('0 syncer --create-device --rate 10M', none).end).toEqual(live);
  expect(await start('0 syncer --create-device --rate 11M', none).end).toMatchObject({
    exit: 99,
    stderr: expect.stringMatching(/rate/) as string,
  });
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'events die of %s, as those of the C program do',
  async (signal) => {
    const events = start('0 events');
    await events.until(/^1 ZZ 0 ret_code: 127/);
    events.child.kill(signal);
    expect(await events.end).toMatchObject({ exit: null, signal, stderr: '' });
  },
);

test('a wait that is told to end is no success', async () => {
  await start('0 syncer --create-device').end;
  const asked = listening.counters().requests;
  const wait = start('0 wait-connect --wait-after-sb');
  // It has begun to listen when it has asked for the state.
  while (listening.counters().requests === asked) await new Promise((resolve) => setTimeout(resolve, 5));
  wait.child.kill('SIGTERM');
  expect(await wait.end).toMatchObject({ exit: null, signal: 'SIGTERM' });
});

test('a closed pipe is quiet', async () => {
  const events = start('0 events -a');
  await events.until(/^1 ZZ/);
  const exited = once(events.child, 'exit');
  events.child.stdout?.destroy();
  const errors = events.errors;
  // Whatever it prints next finds nobody.
  await start('3 syncer --create-device').end;
  await start('3 net 127.0.0.1:7788 127.0.0.1:7789 C').end;
  const [exit, signal] = (await exited) as [number | null, string | null];
  expect({ exit, signal, errors: errors() }).toEqual({ exit: null, signal: 'SIGPIPE', errors: '' });
});

test('batch reads its commands from standard input', async () => {
  const { exit, stdout, stderr } = await start('batch', {}, '0 syncer --create-device\n0 role\n').end;
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
  ).toMatchObject([
    { line: 1, exit: 0 },
    { line: 2, exit: 0, stdout: 'Unconfigured\n' },
  ]);
});

test('a secret comes from a descriptor', async () => {
  await start('0 syncer --create-device').end;
  expect(
    await start(
      '0 net 127.0.0.1:7788 127.0.0.1:7789 C --cram-hmac-alg sha1 --shared-secret-file /dev/fd/0',
      {},
      'geheim\n',
    ).end,
  ).toMatchObject({ exit: 0, stderr: '' });
  expect((await start('0 show').end).stdout).toContain('"geheim"');
});

test('JSON lines, wherever the option stands', async () => {
  const events = start('0 events --json');
  await events.until(/\n/);
  events.child.kill('SIGTERM');
  expect(JSON.parse((await events.end).stdout)).toMatchObject({ kind: 'answer', number: 1, returnCode: 127 });
  expect(JSON.parse((await start('--json 0 status').end).stdout)).toMatchObject({ schemaVersion: 2, resources: [] });
});

test('behind status, JSON is the array of DRBD 9: nothing, where nothing is', async () => {
  const status = async (): Promise<unknown> => JSON.parse((await start('0 status --json').end).stdout) as unknown;
  expect(await status()).toEqual([]);
  await start('0 syncer --create-device').end;
  await start('0 net 127.0.0.1:7788 127.0.0.1:7789 C').end;
  expect(await status()).toMatchObject([
    { name: '', role: 'Secondary', devices: [{ volume: 0, minor: 0, 'disk-state': 'Diskless' }] },
  ]);
});
