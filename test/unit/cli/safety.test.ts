import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createBackend, main, type Backend, type Io } from '../../../lib/cli';
import { notesDirectory } from '../../../lib/cli/context';
import { parseGlobals } from '../../../lib/cli/globals';
import { lastKnownPath, readLastKnown, writeLastKnown } from '../../../lib/cli/drbdsetup';
import { TransportError } from '../../../lib/errors';
import { createSimulator, type Simulator } from '../../../lib/simulator';
import type { HostFiles } from '../../../lib/transport/transport';
import { decodeRaw, packetByNumber } from '../../../lib/dialects/connector';
import { decodeDatagram } from '../../../lib/netlink';
import { loadAddon } from '../../../lib/transport/addon';
import { acquireLock } from '../../../lib/transport/locks';
import { nativeTransport } from '../../../lib/transport/native';
import { memoryIo } from '../../support/cli';

// What must not go wrong where a tool's surroundings do.

const TOOL = join(__dirname, '../../../lib/cli/bin/drbdsetup.js');
let simulator: Simulator;
let backend: Backend;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  simulator = createSimulator({ disks: { '/dev/ram0': { sizeBytes: 1 << 26, metadata: 'internal' } } });
  backend = createBackend({
    kind: 'given',
    dialect: 'connector',
    transport: simulator.transport,
    lockDirectory: folder,
  });
});

afterEach(() => {
  backend.finish('closed');
  simulator.close();
  rmSync(folder, { recursive: true });
});

async function run(
  words: readonly string[],
  io = memoryIo(),
  to = backend,
): Promise<{ readonly exit: number; readonly stdout: string; readonly stderr: string }> {
  const exit = await main(words, io, { backend: to });
  return { exit, stdout: io.stdout.text, stderr: io.stderr.text };
}

describe('a batch', () => {
  const batch = (stdin: string): ReturnType<typeof run> => run(['batch'], memoryIo({ stdin }));

  test.each([
    '--simulator 4711',
    '--replay x',
    '--record x',
    '--dialect genl1',
    '--lock-dir /x',
    '--state-dir /x',
    '--modprobe',
  ])('has no line with its own %s: it would go to another driver', async (option) => {
    const sent = simulator.minors().length;
    const { exit, stdout } = await batch(`${option} 0 syncer --create-device\n`);
    expect(exit).toBe(20);
    expect((JSON.parse(stdout) as { readonly stderr: string }).stderr).toContain('belongs before "batch"');
    expect(simulator.minors().length).toBe(sent);
  });

  test('repeats nothing of a line that is no JSON: a secret may stand there', async () => {
    const { exit, stdout } = await batch('["0","net","--shared-secret",Geheim42]\n');
    expect(exit).toBe(20);
    expect(stdout).not.toContain('Geheim');
  });

  test('that is told to end while it waits for more ends, and does not claim that all is done', async () => {
    const io = memoryIo();
    const waiting: Io = {
      ...io,
      async *stdin() {
        yield Buffer.from('0 syncer --create-device\n');
        await new Promise(() => undefined);
      },
    };
    const exit = main(['batch'], waiting, { backend });
    while (io.stdout.text === '') await new Promise((resolve) => setTimeout(resolve, 5));
    io.end.abort('SIGTERM');
    expect(await exit).toBe(143);
  });

  test('whose results nobody reads any more is not done', async () => {
    const io = memoryIo({ stdin: '0 syncer --create-device\n0 syncer\n' });
    const write = io.stdout.write.bind(io.stdout);
    io.stdout.write = (text) => {
      write(text);
      io.stdout.closed = true;
    };
    expect(await main(['batch'], io, { backend })).toBe(20);
  });
});

describe('the lock of a minor', () => {
  /** What was sent, and whether the minor was locked then. */
  const watch = (words: readonly string[]): Promise<readonly (readonly [string, boolean])[]> => {
    const sent: (readonly [string, boolean])[] = [];
    const inner = simulator.transport;
    const host: HostFiles = {
      procDrbd: () => inner.host?.procDrbd() ?? { error: 'ENOENT' },
      // Not told: the driver has to be asked for it.
      connectorIndex: () => undefined,
    };
    const own = createBackend({
      kind: 'given',
      dialect: 'connector',
      lockDirectory: folder,
      transport: {
        host,
        open: (options, handlers) => {
          const socket = inner.open(options, handlers);
          const send = socket.send.bind(socket);
          socket.send = (bytes, to) => {
            const found = loadAddon().tryLock(join(folder, 'drbd-147-3'));
            if ('id' in found) loadAddon().unlock(found.id);
            const [message] = decodeDatagram(bytes, 'little').messages;
            const packet = message === undefined ? 0 : decodeRaw(message, 'little').packetType;
            sent.push([packetByNumber(packet)?.name ?? String(packet), !('id' in found)]);
            return send(bytes, to);
          };
          return socket;
        },
      },
    });
    return run(words, memoryIo(), own).then(({ exit, stderr }) => {
      own.finish('closed');
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
      return sent;
    });
  };

  test.each([
    [['3', 'syncer', '--create-device'], 'syncer_conf'],
    [['3', 'secondary', '--create-device'], 'secondary'],
  ])('is held for the own requests of %j, and not while the driver is looked for', async (words, own) => {
    expect(await watch(words)).toEqual([
      ['get_state', false],
      [own, true],
    ]);
  });
});

describe('a driver is taken for absent only where procfs says so', () => {
  const speakTo = (procDrbd: HostFiles['procDrbd'], dialect: 'connector' | 'genl1'): Backend =>
    createBackend({
      kind: 'kernel',
      dialect,
      lockDirectory: folder,
      transport: {
        host: { procDrbd, connectorIndex: () => undefined },
        open: (options, handlers) => nativeTransport().open(options, handlers),
      },
    });

  test.each([
    ['connector', ['0', 'secondary']],
    ['connector', ['0', 'down']],
    ['genl1', ['secondary', '0']],
    ['genl1', ['down', 'r0']],
  ] as const)('%s: %s', async (dialect, words) => {
    expect(
      await run(
        words,
        memoryIo(),
        speakTo(() => ({ error: 'ENOENT' }), dialect),
      ),
    ).toMatchObject({
      exit: 0,
      stderr: expect.stringMatching(/^drbdsetup: \w+: there is nothing to do for \w+: no DRBD driver/u) as string,
    });
    const unknown = await run(
      words,
      memoryIo(),
      speakTo(() => ({ error: 'EACCES' }), dialect),
    );
    expect(unknown.exit).toBe(20);
    expect(unknown.stderr).toMatch(/\/proc\/drbd.*EACCES/u);
  });
});

test.each([[['help']], [['--help']], [['help', 'attach']], [['xml-help', 'attach']], [['attach', '--help']], [[]]])(
  'help needs no driver, and no word of one: %s',
  async (words) => {
    const io = memoryIo();
    const exit = await main(words, io, {
      backend: createBackend({
        kind: 'kernel',
        transport: {
          host: { procDrbd: () => ({ error: 'procfs is not mounted' }), connectorIndex: () => undefined },
          open: () => {
            throw new TransportError('opening a netlink socket: EPERM', { syscall: 'socket', errno: 1 });
          },
        },
      }),
    });
    expect(io.stdout.text + io.stderr.text).not.toMatch(/procfs|EPERM/u);
    expect(io.stdout.text).toMatch(words.length > 1 ? /attach/u : /usage: drbdsetup/iu);
    expect(exit).toBe(words.length === 0 ? 20 : words[0] === 'help' && words.length === 1 ? 20 : 0);
  },
);

test('what a command needs is read before the lock is taken', async () => {
  const io = memoryIo();
  let give: (() => void) | undefined;
  const slow: Io = {
    ...io,
    async *stdin() {
      await new Promise<void>((resolve) => (give = resolve));
      yield Buffer.from('geheim\n');
    },
  };
  const exit = main(
    [
      '--shared-secret-file',
      '-',
      '0',
      'net',
      '127.0.0.1:7788',
      '127.0.0.1:7789',
      'C',
      '--create-device',
      '--cram-hmac-alg',
      'sha1',
    ],
    slow,
    { backend },
  );
  while (give === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  (await acquireLock(join(folder, 'drbd-147-0'))).release();
  give();
  expect(await exit).toBe(0);
});

test('output that could not be written is no success', () => {
  const { status, stderr } = spawnSync('sh', ['-c', `"${process.execPath}" "${TOOL}" xml disk > /dev/full`], {
    encoding: 'utf8',
  });
  expect(stderr).toMatch(/standard output: ENOSPC/u);
  expect(status).toBe(20);
  // One whose reader has gone ends as the C program does, by SIGPIPE, and says nothing.
  expect(
    spawnSync(
      'bash',
      ['-c', `set -o pipefail; "${process.execPath}" "${TOOL}" xml disk | true; echo "\${PIPESTATUS[0]}"`],
      { encoding: 'utf8' },
    ),
  ).toMatchObject({ stdout: '141\n', stderr: '' });
});

test('a recording that cannot be written is told, and changes nothing of what the command says', () => {
  const recordings = join(folder, 'recorded');
  const script = `
    const { createBackend, main } = require(${JSON.stringify(join(__dirname, '../../../lib/cli'))});
    const { processIo } = require(${JSON.stringify(join(__dirname, '../../../lib/cli/io'))});
    main(['--record', process.argv[1], '0', 'secondary'], processIo()).then((code) => process.exit(code));`;
  const recorded = (path: string): { readonly status: number | null; readonly stderr: string } =>
    spawnSync(process.execPath, ['-e', script, path], { encoding: 'utf8' });
  expect(recorded(recordings)).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/^[^\n]*no DRBD driver[^\n]*\n$/u) as string,
  });
  const failed = recorded('/dev/full');
  expect(failed.status).toBe(0);
  expect(failed.stderr).toMatch(/the recording "\/dev\/full" is incomplete: ENOSPC/u);
});

test('a note of a size is whole or the old one', () => {
  const path = join(folder, 'drbd-minor-0.lkbd');
  expect(lastKnownPath(folder, 0)).toBe(path);
  expect(readLastKnown(lastKnownPath(undefined, 0))).toBeUndefined();
  writeLastKnown(path, { sizeBytes: 1n, device: '/dev/a', uuid: 0x12n });
  expect(readLastKnown(path)).toEqual({ sizeBytes: 1n, device: '/dev/a', uuid: 0x12n });
  const before = readFileSync(path, 'utf8');
  expect(() => {
    writeLastKnown(join(folder, 'nosuch', 'x'), { sizeBytes: 2n, device: '/dev/b', uuid: undefined });
  }).toThrow(expect.objectContaining({ code: 'ENOENT' }) as Error);
  expect(readFileSync(path, 'utf8')).toBe(before);
});

test.each([
  ['kernel', '/var/lib/drbd'],
  ['simulator', undefined],
  ['replay', undefined],
] as const)('the notes about minors of a %s are in %s, unless another place is named', (kind, usual) => {
  const notes = (...argv: readonly string[]): string | undefined =>
    notesDirectory({
      io: memoryIo(),
      globals: parseGlobals(argv, {}).globals,
      backend: createBackend({ kind, dialect: 'connector' }),
      tool: 'drbdsetup',
      subject: undefined,
    });
  expect(notes()).toBe(usual);
  expect(notes('--state-dir', '/named')).toBe('/named');
});
