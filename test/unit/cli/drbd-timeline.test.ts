import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { main } from '../../../lib/cli/drbd';
import { main as drbdsetup } from '../../../lib/cli/drbdsetup';
import { formatElapsed } from '../../../lib/cli/drbd/text';
import { parseRecording, recordTransport, type RecordingClock } from '../../../lib/recording';
import { memoryIo } from '../../support/cli';
import { backendOver, eventually, startDrbd } from '../../support/drbd-command';
import { SimulatedMirror, turns } from '../../support/simulated-mirror';

const BEGAN = Date.parse('2026-01-02T03:04:05.678Z');
let folder: string;
let file: string;
let elapsed: number;
const clock: RecordingClock = { now: () => new Date(BEGAN + elapsed), elapsedMs: () => elapsed };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'timeline-'));
  file = join(folder, 'recording');
});
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * The states that changed, and when, sorted: what a question brings, as settings and paths, may come before or behind a
 * notification.
 */
function storyOf(lines: readonly string[], timed = true): readonly string[] {
  const told = lines.flatMap((line) => {
    const { time, kind, object, key, changed, after } = JSON.parse(line) as Record<string, unknown>;
    const states = ['role', 'state', 'disk', 'peerDisk', 'replication'].filter(
      (name) => kind !== 'change' || (changed as string[]).includes(name),
    );
    const told = Object.fromEntries(states.map((name) => [name, (after as Record<string, unknown> | null)?.[name]]));
    return states.length === 0 ? [] : [JSON.stringify([timed ? time : null, kind, object, key, told])];
  });
  return told.sort();
}

async function run(argv: readonly string[], program = main): Promise<{ exit: number; stdout: string; stderr: string }> {
  const io = memoryIo();
  const exit = await program(argv, io);
  return { exit, stdout: io.stdout.text, stderr: io.stderr.text };
}

/** Records `drbd events --json` while a mirror is promoted, loses its link and has it again. @returns what it printed */
async function recordEvents(timed: boolean): Promise<readonly string[]> {
  elapsed = 0;
  const mirror = await SimulatedMirror.start();
  await mirror.mirror();
  const parts: string[] = [];
  const transport = recordTransport(
    mirror.simulator.transport,
    { write: (text) => parts.push(text) },
    timed ? { clock } : {},
  );
  const backend = backendOver(transport);
  const events = startDrbd(backend, ['events', '--json'], { clock });
  await eventually(() => events.stdout().includes('"ready"'));
  const at = async (ms: number, act: () => Promise<void>): Promise<void> => {
    elapsed = ms;
    const before = events.lines().length;
    await act();
    await eventually(() => events.lines().length > before);
    await turns();
  };
  await at(1500, () => mirror.act('primary', 0));
  await at(61_002, () => mirror.act('disconnect', 0));
  await at(3_723_004, () => mirror.act('connect', 0));
  await events.stop();
  backend.close();
  transport.finish('sigterm');
  mirror.close();
  writeFileSync(file, parts.join(''));
  return events.lines();
}

test('a time since the begin', () => {
  expect([0, 1, 59_999, 60_000, 3_599_999, 3_600_000, 90_061_001].map((ms) => formatElapsed(ms).trim())).toEqual([
    '0.000',
    '0.001',
    '59.999',
    '1:00.000',
    '59:59.999',
    '1:00:00.000',
    '25:01:01.001',
  ]);
});

describe('drbd timeline', () => {
  test('tells what events told, and when', async () => {
    const lines = await recordEvents(true);
    const { header, entries } = parseRecording(readFileSync(file, 'utf8'));
    expect(header.began).toBe('2026-01-02T03:04:05.678Z');
    expect(new Set(entries.map((entry) => ('atMs' in entry ? entry.atMs : undefined)))).toEqual(
      new Set([0, 1500, 61_002, 3_723_004]),
    );
    const told = await run(['timeline', file, '--json']);
    expect(told).toMatchObject({ exit: 0, stderr: '' });
    expect(storyOf(told.stdout.split('\n').slice(0, -1))).toEqual(storyOf(lines));

    const text = (await run(['timeline', file])).stdout.split('\n');
    expect(text[0]).toMatch(/^ +0\.000 {2}exists {3}resource minor 0/u);
    expect(text.find((line) => /change +resource minor 0/u.test(line))).toMatch(
      /^ +1\.500 {2}change .* role Secondary -> Primary/u,
    );
    expect(text.some((line) => /^ +1:01\.002 {2}change +connection .* state \S+ -> \S+/u.test(line))).toBe(true);
    expect(text.some((line) => /^ +1:02:03\.004 {2}/u.test(line))).toBe(true);
    const some = await run(['timeline', file, '0', '--only', 'change/connection']);
    expect(some.stdout).toContain('change   connection');
    expect(some.stdout).not.toMatch(/minor 1|resource/u);
  });

  test('a recording without times', async () => {
    const lines = await recordEvents(false);
    const { exit, stdout, stderr } = await run(['timeline', file]);
    expect([exit, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^- {2}exists/u);
    // No time, and the rest is the same.
    const story = (await run(['timeline', file, '--json'])).stdout.split('\n').slice(0, -1);
    expect(storyOf(story, false)).toEqual(storyOf(lines, false));
  });

  test('a recording that does not begin with the whole state, and what is none', async () => {
    await recordEvents(true);
    const whole = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, whole.filter((line, index) => index === 0 || !line.startsWith('{"tx"')).join('\n'));
    expect(await run(['timeline', file])).toMatchObject({
      exit: 20,
      stdout: '',
      stderr: expect.stringMatching(/does not hold the state at its begin.*Record with "drbd record FILE"/u) as string,
    });
    expect(await run(['timeline', join(folder, 'none')])).toMatchObject({ exit: 20, stdout: '' });
  });
});

describe('drbd record and drbd replay', () => {
  test('stand for --record and --replay, with all that follows', async () => {
    await recordEvents(true);
    const direct = await run(['--replay', file, 'status', '--json']);
    expect(direct.stdout).toContain('"Inconsistent"');
    expect(await run(['replay', file, 'status', '--json'])).toEqual(direct);
    // What stands behind the file is the other command's, its options too.
    expect((await run(['replay', file, 'events', '--nothing'])).stderr).toContain('events has no option "--nothing"');
    expect((await run(['replay', file])).stderr).toContain('replay requires FILE COMMAND…');
    expect((await run(['record'])).stderr).toContain('record requires FILE');
    const copy = join(folder, 'copy');
    expect(await run(['--replay', file, 'record', copy, 'status', '--json'])).toEqual(direct);
    expect(await run(['replay', copy, 'status', '--json'])).toEqual(direct);
  });
});

describe('a recording of minors that are being set up', () => {
  /** Records a program's events while two minors come to mirror each other. @returns what it printed */
  async function recordSetup(
    program: typeof main,
    words: readonly string[],
    attached: boolean,
  ): Promise<readonly string[]> {
    const mirror = await SimulatedMirror.start();
    const both = async (what: 'attach' | 'connect'): Promise<void> => {
      const asked = ([0, 1] as const).map((minor) => mirror.act(what, minor));
      await mirror.pass(1000);
      await Promise.all(asked);
    };
    if (attached) await both('attach');
    const parts: string[] = [];
    const transport = recordTransport(mirror.simulator.transport, { write: (text) => parts.push(text) });
    const backend = backendOver(transport);
    const io = memoryIo();
    const ended = program(words, io, { backend });
    await turns(300);
    if (!attached) await both('attach');
    await both('connect');
    await mirror.pass(10_000, 10);
    await turns(300);
    io.end.abort('SIGTERM');
    await ended;
    backend.close();
    transport.finish('sigterm');
    mirror.close();
    writeFileSync(file, parts.join(''));
    return io.stdout.text.split('\n').slice(0, -1);
  }

  test.each([false, true])('events of drbd print again what they printed (attached before: %p)', async (attached) => {
    const live = await recordSetup(main, ['events', '--json'], attached);
    expect(live.some((line) => line.includes('"Connected"'))).toBe(true);
    const again = await run(['--replay', file, 'events', '--json']);
    expect(again).toMatchObject({ exit: 0, stderr: '' });
    expect(storyOf(again.stdout.split('\n').slice(0, -1), false)).toEqual(storyOf(live, false));
  });

  test.each([false, true])(
    'drbdsetup prints its events of what drbd recorded (attached before: %p)',
    async (attached) => {
      await recordSetup(main, ['events', '--json'], attached);
      const { exit, stdout, stderr } = await run(['--replay', file, '0', 'events'], drbdsetup);
      expect([exit, stderr]).toEqual([0, '']);
      const [first = '', ...others] = stdout.split('\n').slice(0, -1);
      expect(first).toMatch(attached ? /^1 ST 0 \{ cs:StandAlone /u : /^1 ZZ 0 ret_code: 127 /u);
      expect(others.map((line) => /cs:(\w+)/u.exec(line)?.[1]).filter((word) => word !== 'StandAlone')).toEqual([
        'Unconnected',
        'WFConnection',
        'WFReportParams',
        'Connected',
      ]);
    },
  );

  test('drbd tells what drbdsetup recorded, as far as that goes', async () => {
    await recordSetup(drbdsetup, ['0', 'events'], false);
    const { exit, stdout, stderr } = await run(['--replay', file, 'events']);
    expect(exit).toBe(0);
    expect(stderr).toMatch(/^drbd events: the recording does not hold get_config, get_uuids: /u);
    expect(stdout).toContain('state Connecting -> Connected');
  });

  test('a question that is not recorded is named as such, and not as the command', async () => {
    await recordSetup(drbdsetup, ['0', 'events'], true);
    const { exit, stderr } = await run(['--replay', file, '0', 'show'], drbdsetup);
    expect(exit).toBe(99);
    expect(stderr).toContain('get_config of minor 0 was sent');
    expect(stderr).toContain('holds get_state of minor 0');
  });
});
