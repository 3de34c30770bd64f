import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { createBackend, main, type Backend } from '../../../lib/cli';
import { createSimulator, type Simulator } from '../../../lib/simulator';
import type { Transport } from '../../../lib/transport/transport';
import { memoryIo } from '../../support/cli';

// drbdsetup against a simulated kernel inside this process: what recordings cannot show.

const DISK_BYTES = 64 << 20;
const LOCAL = '127.0.0.1:7788';
const PEER = '127.0.0.1:7789';

let simulator: Simulator;
let backend: Backend;
let folder: string;
let children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  const disks = Object.fromEntries(
    [0, 1].map((number) => [
      `/dev/ram${number}`,
      { sizeBytes: DISK_BYTES, major: 1, minor: number, metadata: 'internal' as const },
    ]),
  );
  simulator = createSimulator({ disks });
  backend = speakTo(simulator.transport);
});

afterEach(() => {
  backend.close();
  simulator.close();
  for (const child of children) child.kill('SIGKILL');
  children = [];
  rmSync(folder, { recursive: true });
});

/** A backend whose lock files are in a folder of the test's. */
function speakTo(transport: Transport): Backend {
  const host = {
    procDrbd: () => transport.host?.procDrbd() ?? { error: 'ENOENT' },
    connectorIndex: () => transport.host?.connectorIndex(),
    blockDevice: (path: string) =>
      /^\/dev\/ram[01]$/u.test(path)
        ? { path, sizeBytes: BigInt(DISK_BYTES), major: 1, minor: Number(path.at(-1)) }
        : undefined,
  };
  return createBackend({
    kind: 'given',
    dialect: 'connector',
    transport: { host, open: (options, handlers) => transport.open(options, handlers) },
    lockDirectory: folder,
  });
}

interface Result {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  words: string,
  options: { readonly stdin?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Result> {
  const io = memoryIo(options);
  const exit = await main(words.split(' '), io, { backend });
  return { exit, stdout: io.stdout.text, stderr: io.stderr.text };
}

async function succeed(words: string): Promise<string> {
  const result = await run(words);
  expect(result).toMatchObject({ exit: 0, stderr: '' });
  return result.stdout;
}

/** Two minors that mirror each other. */
async function connectPair(): Promise<void> {
  for (const minor of [0, 1])
    await succeed(`${minor} disk /dev/ram${minor} /dev/ram${minor} internal --set-defaults --create-device`);
  await succeed(`0 net ${LOCAL} ${PEER} C --set-defaults`);
  await succeed(`1 net ${PEER} ${LOCAL} C --set-defaults`);
  await succeed('0 wait-connect -t 20');
}

/** A stream that runs beside other commands. */
function start(words: string): {
  readonly text: () => string;
  readonly errors: () => string;
  stop(reason?: string): Promise<number>;
  until(pattern: RegExp): Promise<void>;
} {
  const io = memoryIo();
  const done = main(words.split(' '), io, { backend });
  return {
    text: () => io.stdout.text,
    errors: () => io.stderr.text,
    stop: (reason = 'SIGTERM') => {
      io.end.abort(reason);
      return done;
    },
    until: async (pattern) => {
      while (!pattern.test(io.stdout.text)) await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
}

test('the life of a pair', async () => {
  await connectPair();
  expect(await succeed('/dev/drbd0 cstate')).toBe('Connected\n');
  expect(await succeed('cstate 0')).toBe('Connected\n');
  await succeed('primary 0 --force');
  expect(await succeed('0 role')).toBe('Primary/Secondary\n');
  expect(await succeed('1 status')).toMatch(
    /^<resource minor="1" cs="\w+" ro1="Secondary" ro2="Primary" ds1="\w+" ds2="UpToDate" .*\/>\n$/,
  );
  const refused = await run('1 primary');
  expect(refused).toMatchObject({ exit: 11, stdout: '' });
  expect(refused.stderr).toMatch(/^drbdsetup: 1: State change failed: \(-1\) SS_TWO_PRIMARIES: .*\. .*\.\n$/);
  expect(JSON.parse(await succeed('--json 0 secondary'))).toMatchObject({
    minor: 0,
    command: 'secondary',
    returnCode: 1,
    returnName: 'SS_SUCCESS',
  });
  // Behind the command it asks for the same.
  expect(JSON.parse(await succeed('0 secondary --json'))).toMatchObject({ command: 'secondary', returnCode: 2 });
  await succeed('0 down');
  expect(await succeed('0 role')).toBe('Unconfigured\n');
});

describe('json', () => {
  test('of the state is a snapshot of the minor', async () => {
    await connectPair();
    const io = memoryIo({ env: { DRBD_RESOURCE: 'r0' } });
    expect(await main(['--json', '0', 'status'], io, { backend })).toBe(0);
    const snapshot = JSON.parse(io.stdout.text) as {
      readonly resources: readonly {
        readonly name: string;
        readonly devices: readonly object[];
        readonly connections: readonly object[];
      }[];
    };
    expect(snapshot.resources).toHaveLength(1);
    expect(snapshot.resources[0]).toMatchObject({
      name: 'r0',
      devices: [{ minor: 0, backingDevice: '/dev/ram0' }],
      connections: [{ state: 'Connected', protocol: 'C' }],
    });
    expect(JSON.parse(await succeed('--json 5 sh-status'))).toMatchObject({ resources: [] });
  });

  test('of a minor that is taken down is that of a resource of DRBD 9 that is: none', async () => {
    const isGone = async (): Promise<void> => {
      expect(await succeed('0 status')).toContain('cs="Unconfigured"');
      expect(await succeed('0 status --json')).toBe('[\n]\n\n');
      expect(JSON.parse(await succeed('--json 0 status'))).toMatchObject({ resources: [], unconfiguredMinors: [0] });
    };
    // Options for a resync make no object of it: drbdadm sets them first, and down leaves them.
    await succeed('0 syncer --rate 10M --create-device');
    await isGone();
    await succeed('0 disk /dev/ram0 /dev/ram0 internal --create-device');
    expect(JSON.parse(await succeed('0 status --json'))).toMatchObject([{ devices: [{ minor: 0 }] }]);
    expect(JSON.parse(await succeed('--json 0 status'))).toMatchObject({ unconfiguredMinors: [] });
    await succeed('0 down');
    await isGone();
  });

  test('of the configuration hides the secret unless told otherwise', async () => {
    await succeed('0 disk /dev/ram0 /dev/ram0 internal --size 32M --create-device');
    await succeed(`0 net ${LOCAL} ${PEER} B --set-defaults --cram-hmac-alg sha1 --shared-secret geheim`);
    const config = JSON.parse(await succeed('--json 0 show')) as object;
    expect(config).toMatchObject({
      resources: [
        {
          connections: [
            {
              local: { family: 'ipv4', address: '127.0.0.1', port: 7788 },
              options: {
                protocol: { value: 'B' },
                'shared-secret': { value: null, redacted: true },
                timeout: { value: 60, isDefault: true },
                'after-sb-0pri': { value: 'disconnect' },
              },
            },
          ],
          volumes: [{ disk: '/dev/ram0', options: { size: { value: '65536', unit: 'sectors', isDefault: false } } }],
        },
      ],
    });
    expect(JSON.parse(await succeed('--json --reveal 0 show'))).toMatchObject({
      resources: [{ connections: [{ options: { 'shared-secret': { value: 'geheim' } } }] }],
    });
    // As drbdsetup does: drbdadm compares it with its configuration.
    expect(await succeed('0 show')).toContain('\tshared-secret   \t"geheim";\n');
  });

  test('of generations', async () => {
    await succeed('0 disk /dev/ram0 /dev/ram0 internal --create-device');
    const json = JSON.parse(await succeed('--json 0 get-gi')) as {
      readonly currentUuid: string;
      readonly historyUuids: readonly string[];
      readonly flags: object;
    };
    const line = await succeed('0 get-gi');
    expect(BigInt(json.currentUuid)).toBe(BigInt(`0x${line.split(':')[0] ?? ''}`));
    expect(json.historyUuids).toHaveLength(2);
    expect(json.flags).toMatchObject({ primary: false });
  });
});

describe('secrets', () => {
  test('come from a file or from standard input', async () => {
    await succeed('0 syncer --create-device');
    const file = join(folder, 'secret');
    writeFileSync(file, 'geheim\nmore\n');
    await succeed(`0 net ${LOCAL} ${PEER} C --cram-hmac-alg sha1 --shared-secret-file ${file}`);
    expect(await succeed('0 show')).toContain('"geheim"');
    await succeed('0 disconnect');
    expect(
      await run(`--shared-secret-file - 0 net ${LOCAL} ${PEER} C --cram-hmac-alg sha1`, { stdin: 'leise' }),
    ).toMatchObject({ exit: 0 });
    expect(await succeed('0 show')).toContain('"leise"');
  });

  test('that cannot be read stop the command', async () => {
    const result = await run(`0 net ${LOCAL} ${PEER} C --shared-secret-file ${folder}/none`);
    expect(result).toMatchObject({ exit: 20, stdout: '' });
    expect(result.stderr).toMatch(/cannot be read from .*none.*ENOENT/);
    expect(await run(`--shared-secret-file - 0 net ${LOCAL} ${PEER} C`, { stdin: '\n' })).toMatchObject({ exit: 20 });
  });
});

describe('events', () => {
  test('answers first, then what comes; told to end, it ends', async () => {
    const stream = start('0 events');
    await stream.until(/^1 ZZ 0 ret_code: 127 ERR_MINOR_INVALID/);
    await succeed('0 disk /dev/ram0 /dev/ram0 internal --create-device');
    await succeed('1 disk /dev/ram1 /dev/ram1 internal --create-device');
    await stream.until(/ds:Inconsistent/);
    expect(await stream.stop()).toBe(0);
    expect(stream.text()).toMatch(
      /^1 ZZ 0 .*\n\d+ ST 0 \{ cs:StandAlone ro:Secondary\/Unknown ds:Attaching\/DUnknown r--- \}\n\d+ ST 0 \{ .* ds:Inconsistent\/DUnknown r--- \}\n$/,
    );
    expect(stream.errors()).toBe('');
  });

  test('of all minors, as JSON lines', async () => {
    const stream = start('--json 0 events --all-devices');
    await stream.until(/"number":256/);
    await succeed('1 disk /dev/ram1 /dev/ram1 internal --create-device');
    await stream.until(/"disk":"Inconsistent"/);
    expect(await stream.stop('SIGINT')).toBe(0);
    const lines = stream
      .text()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly kind: string; readonly number: number; readonly minor: number });
    expect(lines.slice(0, 256).map(({ number, minor }) => number - minor)).toEqual(new Array(256).fill(1));
    expect(lines.at(-1)).toMatchObject({ kind: 'state', minor: 1, origin: 'broadcast' });
  });

  test('nothing is lost when broadcasts overtake each other, and they are told in their order', async () => {
    const stream = start('0 events');
    await stream.until(/^1 /);
    await succeed('0 syncer --create-device');
    // The first broadcast tells where the count is.
    await succeed('0 disk /dev/ram0 /dev/ram0 internal');
    await stream.until(/ds:Inconsistent/);
    simulator.faults.message({ kind: 'reorder' }, { kind: 'broadcast' });
    await succeed(`0 net ${LOCAL} ${PEER} C`);
    await stream.until(/cs:WFConnection/);
    await stream.stop();
    const numbers = [...stream.text().matchAll(/^(\d+) ST/gmu)].map(([, number]) => Number(number));
    expect(simulator.faults.counters.reorder).toBe(1);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(stream.text()).toContain('cs:Unconnected');
  });

  test('a broadcast that never comes is told, and the state is asked for again', async () => {
    await succeed('0 disk /dev/ram0 /dev/ram0 internal --create-device');
    const stream = start('0 events');
    await stream.until(/^1 ST/);
    await succeed('0 primary --force');
    await stream.until(/ro:Primary/);
    simulator.faults.message({ kind: 'drop' }, { kind: 'broadcast' });
    await succeed('0 secondary');
    await succeed(`0 net ${LOCAL} ${PEER} C`);
    await stream.until(/^2 ST 0 \{ cs:WFConnection ro:Secondary/m);
    await stream.stop();
    expect(stream.errors()).toMatch(/messages are missing, .*; the state follows/);
  });

  test('after an overrun the state is asked for again', async () => {
    await succeed('0 disk /dev/ram0 /dev/ram0 internal --create-device');
    const stream = start('0 events');
    await stream.until(/^1 ST/);
    simulator.overrunListeners(2);
    await succeed('0 primary --force').catch(() => undefined);
    await stream.until(/^2 ST 0 .* ro:Primary/m);
    await stream.stop();
    expect(stream.errors()).toMatch(/messages were lost/);
  });

  test('unfiltered, the answers to others are told too', async () => {
    const stream = start('0 events -u');
    await stream.until(/^1 ZZ/);
    await succeed('0 syncer --create-device');
    await succeed('0 cstate');
    await stream.until(/^\d+ ST 0/m);
    await stream.stop();
    // The stream and the commands share a client here, whose questions are its own.
    expect(stream.text()).toMatch(/^1 ZZ 0 ret_code: 127 .*\n\d+ ZZ 0 ret_code: 101 NO_ERROR/);
  });

  test('a reader that goes away ends it quietly', async () => {
    const io = memoryIo();
    const done = main(['0', 'events'], io, { backend });
    while (io.stdout.text === '') await new Promise((resolve) => setTimeout(resolve, 5));
    io.stdout.closed = true;
    io.end.abort('closed pipe');
    expect(await done).toBe(0);
    expect(io.stderr.text).toBe('');
  });
});

describe('waiting', () => {
  test('ends when it is so', async () => {
    for (const minor of [0, 1])
      await succeed(`${minor} disk /dev/ram${minor} /dev/ram${minor} internal --set-defaults --create-device`);
    await succeed(`0 net ${LOCAL} ${PEER} C --set-defaults`);
    const waiting = run('0 wait-connect');
    await succeed(`1 net ${PEER} ${LOCAL} C --set-defaults`);
    expect(await waiting).toEqual({ exit: 0, stdout: '', stderr: '' });
    expect(JSON.parse(await succeed('--json 0 wait-connect -t 5'))).toMatchObject({
      minor: 0,
      reached: true,
      connection: 'Connected',
    });
  });

  test('ends with 5 when the time is over, whatever else happens', async () => {
    await succeed('0 disk /dev/ram0 /dev/ram0 internal --set-defaults --create-device');
    await succeed(`0 net ${LOCAL} ${PEER} C --set-defaults`);
    const before = Date.now();
    const busy = setInterval(() => void run('1 syncer --create-device'), 100);
    const waiting = await run('0 wait-connect -t 1');
    clearInterval(busy);
    expect(waiting).toEqual({ exit: 5, stdout: '', stderr: '' });
    expect(Date.now() - before).toBeLessThan(4000);
    expect(JSON.parse((await run('--json 0 wait-sync -t 1')).stdout)).toEqual({ minor: 0, reached: false });
  });

  test('takes no notice of messages that only look like the answer', async () => {
    await succeed('0 disk /dev/ram0 /dev/ram0 internal --set-defaults --create-device');
    await succeed(`0 net ${LOCAL} ${PEER} C --set-defaults`);
    simulator.faults.message({ kind: 'forge', change: (bytes) => setStateConnected(bytes) }, {}, 5);
    expect(await run('0 wait-connect -t 1')).toMatchObject({ exit: 5 });
    expect(simulator.faults.counters.forge).toBeGreaterThan(0);
  });

  test('is over at once where the connection was given up, unless it is to go on', async () => {
    await succeed('0 disk /dev/ram0 /dev/ram0 internal --set-defaults --create-device');
    expect(await run('0 wait-connect -t 5')).toMatchObject({ exit: 0 });
    expect(await run('0 wait-connect -t 1 --wait-after-sb')).toMatchObject({ exit: 5 });
    expect(await run('9 wait-connect -t 1')).toMatchObject({
      exit: 10,
      stderr: expect.stringMatching(/\(127\) ERR_MINOR_INVALID/) as string,
    });
  });

  test('told to end, it says so and is no success', async () => {
    await succeed('0 disk /dev/ram0 /dev/ram0 internal --set-defaults --create-device');
    const waiting = start('0 wait-connect --wait-after-sb');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await waiting.stop('SIGTERM')).toBe(143);
  });
});

/** Makes a get_state message say Connected. */
function setStateConnected(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  // nlmsghdr, cn_msg, drbd_nl_cfg_reply, then the tag and its length: the state word is the first.
  const at = 16 + 20 + 12 + 4;
  if (copy.length >= at + 4) view.setInt32(at, (view.getInt32(at, true) & ~(31 << 4)) | (10 << 4), true);
  return copy;
}

describe('silence is no success', () => {
  test('a request without an answer ends with 20, and what is known of it', async () => {
    await succeed('0 syncer --create-device');
    simulator.faults.message({ kind: 'drop' }, { kind: 'reply' });
    const result = await run('--timeout 0.2 0 secondary');
    expect(result).toMatchObject({ exit: 20, stdout: '' });
    expect(result.stderr).toMatch(/no answer within 200 ms; the kernel took it and may have carried it out/);
  });

  test('nor is an answer that was cut off', async () => {
    await succeed('0 syncer --create-device');
    simulator.faults.message({ kind: 'truncate', bytes: 50 }, { kind: 'reply' });
    expect(await run('--timeout 0.2 0 cstate')).toMatchObject({ exit: 20, stdout: '' });
  });

  test('what would hang this kernel is refused', async () => {
    await succeed('0 syncer --create-device');
    for (const command of ['invalidate', 'invalidate-remote', 'pause-sync', 'suspend-io']) {
      const result = await run(`0 ${command}`);
      expect(result).toMatchObject({ exit: 20, stdout: '' });
      expect(result.stderr).toMatch(/was not sent: .*\(--force-unsafe\)/);
    }
    expect(await run('--force-unsafe --timeout 0.2 0 suspend-io')).toMatchObject({
      exit: 20,
      stderr: expect.stringMatching(/the kernel still works on it/) as string,
    });
  });
});

describe('the lock', () => {
  test('is waited for, its holder is named, and reading needs none', async () => {
    await succeed('0 syncer --create-device');
    const path = join(folder, 'drbd-147-0');
    expect(existsSync(path)).toBe(true);
    const library = join(__dirname, '../../../lib/transport/locks.js');
    const holder = spawn(
      process.execPath,
      [
        '-e',
        `require(${JSON.stringify(library)}).acquireLock(${JSON.stringify(path)}).then(() => { console.log('held'); setInterval(() => {}, 1000); })`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    children.push(holder);
    await once(createInterface({ input: holder.stdout }), 'line');
    const result = await run('0 secondary');
    expect(result).toMatchObject({ exit: 20, stdout: '' });
    expect(result.stderr).toMatch(new RegExp(`drbd-147-0 is locked by process ${holder.pid ?? 0}`, 'u'));
    expect(await succeed('0 role')).toBe('Unconfigured\n');
    expect(await run('0 wait-connect -t 1')).toMatchObject({ exit: 0 });
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await succeed('0 secondary');
  });
});

describe('check-resize', () => {
  test('notes the size, keeps what drbdmeta noted, and forgets it where the metadata is elsewhere', async () => {
    const path = join(folder, 'drbd-minor-0.lkbd');
    expect(await run(`--state-dir ${folder} 0 check-resize`)).toMatchObject({ exit: 10 });
    await succeed('0 disk /dev/ram0 /dev/ram0 internal --create-device');
    await succeed(`--state-dir ${folder} 0 check-resize`);
    expect(readFileSync(path, 'utf8')).toBe(`${DISK_BYTES}\t/dev/ram0\n`);
    writeFileSync(path, `4096\t/dev/ram0\nuuid:\tABCDEF0123456789\n`);
    expect(JSON.parse(await succeed(`--json --state-dir ${folder} 0 check-resize`))).toEqual({
      minor: 0,
      disk: '/dev/ram0',
      sizeBytes: String(DISK_BYTES),
      action: 'noted',
    });
    expect(readFileSync(path, 'utf8')).toBe(`${DISK_BYTES}\t/dev/ram0\nuuid:\tABCDEF0123456789\n`);
    await succeed('0 detach');
    expect(await run(`--state-dir ${folder} 0 check-resize`)).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(/no disk/) as string,
    });
    simulator.disk('/dev/ram1').createMetadata('flexible');
    await succeed('0 disk /dev/ram0 /dev/ram1 flexible');
    await succeed(`--state-dir ${folder} 0 check-resize`);
    expect(existsSync(path)).toBe(false);
  });
});

test('batch: one process, one client, one line of JSON for each command', async () => {
  const stdin = [
    '# a comment',
    '',
    '0 syncer --create-device',
    '["0","cstate"]',
    `0 net ${LOCAL} ${PEER} C --shared-secret geheim --bogus`,
    '--json 0 role',
    '0 "unclosed',
    '1 primary',
  ].join('\n');
  const { exit, stdout, stderr } = await run('batch', { stdin });
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as {
          readonly line: number;
          readonly exit: number;
          readonly argv: readonly string[];
          readonly stdout: string;
          readonly stderr: string;
        },
    );
  expect(lines.map((line) => [line.line, line.exit])).toEqual([
    [3, 0],
    [4, 0],
    [5, 20],
    [6, 0],
    [7, 20],
    [8, 10],
  ]);
  expect(lines[1]).toMatchObject({ argv: ['0', 'cstate'], stdout: 'Unconfigured\n', stderr: '' });
  expect(JSON.parse(lines[3]?.stdout ?? '')).toMatchObject({ minor: 0, configured: false });
  expect(lines[5]?.stderr).toMatch(/^drbdsetup: 1: Failure: \(127\)/);
  expect(stdout).not.toContain('geheim');
  expect({ exit, stderr }).toEqual({ exit: 20, stderr: '' });
});

test('down of a minor that does not exist says so', async () => {
  expect(await run('9 down')).toEqual({
    exit: 0,
    stdout: '',
    stderr: 'drbdsetup: 9: there is no such minor, so there is nothing to take down\n',
  });
});
