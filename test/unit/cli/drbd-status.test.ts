import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020';
import fc from 'fast-check';

import type { Backend } from '../../../lib/cli';
import { main } from '../../../lib/cli/drbd';
import { changeLine } from '../../../lib/cli/drbd/events';
import { commandNames } from '../../../lib/cli/drbd/commands';
import { referenceFiles } from '../../../lib/cli/drbd/reference';
import { formatBar, formatBytes, formatDuration, printable, widthOf } from '../../../lib/cli/drbd/text';
import { statusLines } from '../../../lib/cli/drbd/view';
import type { Snapshot, SnapshotJson } from '../../../lib/drbd';
import { UnsupportedError } from '../../../lib/errors';
import { findings, type Change } from '../../../lib/model';
import { memoryIo } from '../../support/cli';
import {
  backendOver,
  drbd,
  eventually,
  FakeTerminal,
  screenOf,
  startDrbd,
  type Running,
} from '../../support/drbd-command';
import { announced } from '../../support/law';
import { acts, SimulatedMirror, turns } from '../../support/simulated-mirror';
import { shippedSchema } from '../../support/schema';

const PROJECT = join(__dirname, '../../../..');

let mirror: SimulatedMirror;
let backend: Backend;
let running: Running[] = [];

beforeEach(async () => {
  mirror = await SimulatedMirror.start();
  backend = backendOver(mirror.simulator.transport);
});

afterEach(async () => {
  await Promise.all(running.map((command) => command.stop()));
  running = [];
  backend.close();
  mirror.close();
});

function start(...args: Parameters<typeof startDrbd>): Running {
  const command = startDrbd(...args);
  running.push(command);
  return command;
}

describe('drbd status', () => {
  test('nothing is configured', async () => {
    expect(await drbd(backend, ['status'])).toEqual({
      exit: 0,
      stdout: 'DRBD 8.3.13, connector, api 88\nNo resource is configured.\n',
      stderr: '',
    });
  });

  test('trouble comes first; what stands below each other is aligned; a resync has a bar', async () => {
    await mirror.mirror(true);
    await mirror.act('disconnect', 0);
    await mirror.pass(5000);
    const { stdout } = await drbd(backend, ['status']);
    const lines = stdout.split('\n');
    expect(lines[2]).toMatch(/^! minor 1\/0: the disk is Inconsistent/u);
    expect(lines.findIndex((line) => line.startsWith('! '))).toBeLessThan(
      lines.findIndex((line) => line.startsWith('minor 0')),
    );
    await mirror.act('connect', 0);
    await mirror.pass(12_000, 12);
    const during = (await drbd(backend, ['status'])).stdout.split('\n');
    expect(during.find((line) => line.includes('resync ['))).toMatch(/resync \[[#>.]+\] +\d+\.\d % .* to go$/u);
    const roles = during.filter((line) => /^minor \d/u.test(line)).map((line) => line.search(/Primary|Secondary/u));
    expect(new Set(roles).size).toBe(1);
  });

  test('no escape codes into a pipe, whatever the environment; on a terminal unless NO_COLOR or TERM=dumb', async () => {
    await mirror.mirror();
    const shown = async (env: Record<string, string>, terminal?: FakeTerminal): Promise<string> => {
      const command = startDrbd(backend, ['status'], { env, ...(terminal === undefined ? {} : { terminal }) });
      expect(await command.exit).toBe(0);
      return command.stdout();
    };
    const terminal = new FakeTerminal(80);
    expect(await shown({ TERM: 'xterm', COLORTERM: 'truecolor', FORCE_COLOR: '1' })).not.toContain('\x1b');
    expect(await shown({ TERM: 'dumb' }, terminal)).not.toContain('\x1b');
    expect(await shown({}, terminal)).not.toContain('\x1b');
    expect(await shown({ TERM: 'xterm', NO_COLOR: '1' }, terminal)).not.toContain('\x1b');
    expect(await shown({ TERM: 'xterm' }, terminal)).toContain('\x1b[');
  });

  test.each([20, 40, 80, 200])('a terminal of %i columns', async (columns) => {
    await mirror.mirror(true);
    const command = startDrbd(backend, ['status'], {
      terminal: new FakeTerminal(columns),
      env: { TERM: 'xterm', NO_COLOR: '1' },
    });
    await command.exit;
    for (const line of command.lines()) expect(widthOf(line)).toBeLessThanOrEqual(columns);
  });

  test('resources by name, minor and path; what does not exist is told, with what does', async () => {
    await mirror.mirror();
    for (const word of ['0', '/dev/drbd0']) {
      const { stdout } = await drbd(backend, ['status', word]);
      expect(stdout).toContain('minor 0');
      expect(stdout).not.toContain('minor 1');
    }
    expect(await drbd(backend, ['status', 'r7'])).toEqual({
      exit: 20,
      stdout: '',
      stderr: 'drbd status: there is no resource "r7"; the existing ones are 0, 1\n',
    });
    expect(JSON.parse((await drbd(backend, ['status', 'r7', '--json'])).stderr)).toMatchObject({
      error: { program: 'drbd', command: 'status', code: 'ERR_DRBD_NOT_FOUND', exitCode: 20 },
    });
  });

  test('JSON is what the schema says, with findings', async () => {
    await mirror.mirror();
    const { stdout } = await drbd(backend, ['status', '--json']);
    const told = JSON.parse(stdout) as SnapshotJson & { readonly findings: readonly { readonly code: string }[] };
    const validate = new Ajv({ strict: false }).compile(shippedSchema('snapshot') as object);
    expect(validate(told)).toBe(true);
    expect(told.findings.map(({ code }) => code)).toContain('inconsistent');
    // The option may stand before the command too.
    expect(JSON.parse((await drbd(backend, ['--json', 'status'])).stdout)).toEqual(told);
  });

  test('--watch redraws a terminal in place, follows its size, and gives it back', async () => {
    await mirror.mirror();
    const terminal = new FakeTerminal(80, 24);
    const command = start(backend, ['status', '--watch'], { terminal, env: { TERM: 'xterm' } });
    const shows = (pattern: RegExp): boolean => screenOf(command.stdout()).some((line) => pattern.test(line));
    await eventually(() => shows(/minor 0 +Secondary/u));
    expect(command.stdout().startsWith('\x1b[?1049h\x1b[?25l')).toBe(true);
    await mirror.act('primary', 0);
    await eventually(() => shows(/minor 0 +Primary/u));
    terminal.resize(40, 4);
    await eventually(() => screenOf(command.stdout()).length === 4);
    expect(screenOf(command.stdout())[3]).toMatch(/more lines/u);
    expect(await command.stop('SIGINT')).toBe(130);
    expect(command.stdout()).toContain('\x1b[?25h\x1b[?1049l');
    // The last state stays on the screen, and nothing listens any more.
    expect(command.stdout().split('\x1b[?1049l')[1]).toMatch(/minor 0/u);
    expect(terminal.listeners).toBe(0);
  });

  test('--watch in a pipe prints each state; with --json each is a line', async () => {
    await mirror.mirror();
    const text = start(backend, ['status', '--watch']);
    const json = start(backend, ['status', '--watch', '--json']);
    await eventually(() => text.stdout() !== '' && json.lines().length > 0);
    await mirror.act('primary', 0);
    await eventually(
      () => /minor 0 +Primary/u.test(text.stdout()) && json.lines().some((line) => line.includes('"Primary"')),
    );
    expect(text.stdout()).not.toContain('\x1b');
    for (const line of json.lines()) expect(JSON.parse(line)).toMatchObject({ schemaVersion: 2 });
    expect(await text.stop('SIGTERM')).toBe(143);
    expect(await json.stop('SIGTERM')).toBe(143);
  });

  test('--watch waits for a driver', async () => {
    let present = false;
    const given = backendOver(mirror.simulator.transport);
    const command = start({ ...given, client: (options) => (present ? given.client(options) : noDriver()) }, [
      'status',
      '--watch',
    ]);
    await eventually(() => command.stdout().includes('No DRBD driver is loaded'));
    present = true;
    await eventually(() => command.stdout().includes('No resource is configured'));
    given.close();
  });
});

function noDriver(): Promise<never> {
  return Promise.reject(
    new UnsupportedError('there is none', { feature: 'a DRBD driver', requires: 'the drbd module' }),
  );
}

describe('drbd events', () => {
  test('a line for each; what comes to be wrong and what is solved', async () => {
    await mirror.mirror();
    const command = start(backend, ['events']);
    await eventually(() => command.stdout().includes('ready'));
    await mirror.act('primary', 0);
    await eventually(() => /change +resource minor 0 +role Secondary -> Primary/u.test(command.stdout()));
    expect(command.stdout()).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}exists {3}device minor 0\/0 {2}disk Inconsistent$/mu);
    expect(command.stdout()).toMatch(/^\S+ {2}! +minor 0\/0: the disk is Inconsistent/mu);
    await mirror.pass(120_000, 20);
    await eventually(() => /solved +minor 0\/0/u.test(command.stdout()));
    expect(command.stdout()).not.toContain('\x1b');
  });

  test('JSON lines are changes as the schema says', async () => {
    await mirror.mirror();
    const command = start(backend, ['events', '--json', '--full']);
    await eventually(() => command.stdout().includes('"ready"'));
    await mirror.act('primary', 0);
    await eventually(() => command.stdout().includes('"change"'));
    const validate = new Ajv({ strict: false }).compile(shippedSchema('changes') as object);
    for (const [at, line] of command.lines().entries()) {
      const told = JSON.parse(line) as { readonly more: boolean; readonly seq: number; readonly snapshot?: object };
      expect(validate(told)).toBe(true);
      expect(told.seq).toBe(at + 1);
      expect(told.snapshot !== undefined).toBe(!told.more);
    }
  });

  test('--only and RESOURCE leave out; losses are told always; --now ends', async () => {
    await mirror.mirror();
    const command = start(backend, ['events', '1', '--only', 'change/resource', '--only', 'ready']);
    await eventually(() => command.stdout().includes('ready'));
    await mirror.act('primary', 0);
    mirror.simulator.overrunListeners(1);
    await mirror.act('secondary', 0);
    await eventually(() => command.stdout().includes('something was lost'));
    await eventually(() => command.lines().filter((line) => line.includes('  ready ')).length === 2);
    expect(command.stdout()).not.toMatch(/ {2}exists |minor 0/u);
    const { exit, stdout } = await drbd(backend, ['events', '--now', '--json', '0']);
    expect(exit).toBe(0);
    expect(stdout.trim().split('\n').at(-1)).toMatch(/"kind":"ready"/u);
    expect(stdout).not.toMatch(/"key":\{"minor":1/u);
  });

  test.each([
    ['--only', 'chang', /did you mean change\?/u],
    ['--only', 'change/conection', /did you mean connection\?/u],
    ['--only', '/', /is not a kind/u],
    ['--refresh', 'soon', /a time such as 60s/u],
  ])('%s %s is refused', async (option, value, pattern) => {
    const { exit, stderr } = await drbd(backend, ['events', option, value]);
    expect(exit).toBe(20);
    expect(stderr).toMatch(pattern);
  });

  type Resources = SnapshotJson['resources'];
  /** The law is about the set of objects, not about their order. */
  const sorted = (resources: Resources): Resources =>
    [...resources].sort((a, b) => Number(a.devices[0]?.minor) - Number(b.devices[0]?.minor));
  /** The state that the program of the docs makes of lines. */
  const folded = (lines: readonly string[]): Resources => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [join(PROJECT, 'examples/fold-events.mjs')], {
      input: lines.map((line) => `${line}\n`).join(''),
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    return sorted(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '[]') as Resources);
  };

  test('folded by the program of the docs, they are what status --json says, whatever was lost', async () => {
    let losses = 0;
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...acts), fc.constantFrom(0 as const, 1 as const)) },
      { weight: 2, arbitrary: fc.constant('overrun' as const) },
      { weight: 3, arbitrary: fc.constantFrom(1, 100, 2000, 30_000) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const each = await SimulatedMirror.start();
        const over = backendOver(each.simulator.transport);
        const plain = startDrbd(over, ['events', '--json']);
        const refreshed = startDrbd(over, ['events', '--json', '--refresh', '20ms']);
        const asked: Promise<void>[] = [];
        for (const what of steps) {
          if (what === 'overrun') each.simulator.overrunListeners(1);
          else if (typeof what === 'number') await each.pass(what);
          else asked.push(each.act(...what));
        }
        await each.pass(1_200_000, 20);
        await Promise.all(asked);
        await turns();
        const told = JSON.parse((await drbd(over, ['status', '--json'])).stdout) as SnapshotJson;
        const resources = sorted(told.resources);
        // A refresh comes by the real clock.
        for (let tries = 0; tries < 20; tries++) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          if (JSON.stringify(folded(refreshed.lines())) === JSON.stringify(resources)) break;
        }
        expect(folded(refreshed.lines())).toEqual(resources);
        expect(announced({ resources: folded(plain.lines()) } as never)).toEqual(announced({ resources } as never));
        losses += plain.lines().filter((line) => line.includes('"resync"')).length;
        await Promise.all([plain.stop(), refreshed.stop()]);
        over.close();
        each.close();
      }),
      { numRuns: 3 },
    );
    expect(losses).toBeGreaterThan(0);
  });
});

describe('hostile names, and figures', () => {
  test('what a terminal would obey is printed as what it is', () => {
    expect(printable('a\x1b[2Jb\x07\u202ec\n')).toBe('a\\x1b[2Jb\\x07\\u{202e}c\\x0a');
    const snapshot = {
      schemaVersion: 2,
      source: { dialect: 'genl1', driver: '8.4\x1b[H', api: 1, complete: true },
      unconfiguredMinors: null,
      resources: [
        {
          name: 'r\x1b[31m',
          role: 'Primary',
          suspended: {},
          devices: [{ minor: 1, volume: 0, disk: 'unknown(99)', backingDevice: '/dev/\x1b]0;x\x07' }],
          connections: [],
        },
      ],
    } as unknown as Snapshot;
    const look = { color: false, moves: false, unicode: true, columns: 80 };
    const text = JSON.stringify(statusLines(snapshot, findings(snapshot), look));
    expect(text).not.toMatch(/\\u001b|\\u0007/u);
    expect(text).toContain('unknown(99)');
  });

  test.each([
    [0n, '0 B'],
    [1023n, '1023 B'],
    [1024n, '1.0 KiB'],
    [1048575n, '1.0 MiB'],
    [150n << 30n, '150 GiB'],
    [(1n << 64n) - 1n, '16.0 EiB'],
  ])('%s bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  test.each([
    [0, '0 s'],
    [59.6, '1 min'],
    [192, '3 min 12 s'],
    [7500, '2 h 5 min'],
    [90_000, '1 d 1 h'],
  ])('%d seconds are %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  test('bars are as wide as asked, whatever the percentage', () => {
    for (const percent of [-5, 0, 33.3, 100, 140]) {
      expect(formatBar(percent, 10, true)).toHaveLength(10);
      expect(formatBar(percent, 10, false)).toHaveLength(12);
    }
    expect(formatBar(100, 4, false)).toBe('[###>]');
  });
});

describe('the table of commands', () => {
  test.each(commandNames().map((name) => [name]))(
    'drbd %s has help, by all its ways, within 100 columns',
    async (name) => {
      const texts = await Promise.all(
        [
          ['help', name],
          [name, '--help'],
          [name, '-h'],
        ].map(async (argv) => {
          const io = memoryIo();
          expect(await main(argv, io)).toBe(0);
          return io.stdout.text;
        }),
      );
      expect(new Set(texts).size).toBe(1);
      expect(texts[0]).toContain(`Usage: drbd ${name}`);
      expect(texts[0]).toContain('Exit status:');
      const [about = ''] = (texts[0] ?? '').split('\n');
      expect(about.length).toBeLessThanOrEqual(100);
    },
  );

  test('help lists all commands; misspelt words get the nearest', async () => {
    const io = memoryIo();
    expect(await main(['help'], io)).toBe(0);
    for (const name of commandNames()) expect(io.stdout.text).toContain(`  ${name} `);
    for (const [argv, near, exit] of [
      [['statsu'], 'there is status', 2],
      [['help', 'evnts'], 'there is events', 2],
      [['status', '--wacth'], 'there is --watch', 20],
      [['status', '--jsn'], 'there is --json', 20],
      [['--jsn', 'status'], 'there is no option "--jsn" before the command', 2],
    ] as const) {
      const told = memoryIo();
      expect(await main(argv, told)).toBe(exit);
      expect(told.stderr.text).toContain(near);
      expect(told.stdout.text).toBe('');
    }
  });

  test('the reference in docs is what the tables give (scripts/docs writes it)', () => {
    const bare = (text: string): string => text.replaceAll(/[\s\\]|-{3,}/gu, '').replaceAll('|:', '|');
    for (const [name, text] of Object.entries(referenceFiles()))
      expect(bare(readFileSync(join(PROJECT, 'docs', name), 'utf8'))).toBe(bare(text));
  });
});

test('a change of the number alone, of two states with one word, has a line', () => {
  const change = {
    kind: 'change',
    object: 'connection',
    key: { minor: 0 },
    before: { state: 'Connecting', stateCode: 8 },
    after: { state: 'Connecting', stateCode: 9 },
    changed: ['stateCode'],
    more: false,
    snapshot: { resources: [] },
  } as unknown as Change;
  const look = { color: false, moves: false, unicode: false, columns: undefined };
  const line = changeLine(change, '12:00:00.000', look);
  expect(line.map(({ text }) => text).join('')).toMatch(/stateCode 8 -> 9$/u);
});

test('an answer of the helper program has a line', () => {
  const look = { color: false, moves: false, unicode: false, columns: undefined };
  const empty = { resources: [] } as unknown as Snapshot;
  const change = {
    kind: 'helper',
    object: 'connection',
    key: { resource: 'r0', peerNodeId: 1 },
    helper: { name: 'split-brain', phase: 'response', status: 256 },
    more: false,
    snapshot: empty,
  } as unknown as Change;
  expect(
    changeLine(change, '12:00:00.000', look)
      .map(({ text }) => text)
      .join(''),
  ).toContain('connection r0 to node 1  split-brain returned 1');
});
