import type { RecordedEntry } from '../../lib';
import { v84 } from '../../lib/cli/drbdsetup';
import { findCommand } from '../../lib/cli/line';
import { codesIn, expectDifference, readDifferences, withoutTimes } from '../support/differences';
import { recordingsOf, type CapturedRecording } from '../support/recordings';
import { replayCommand, type Replayed } from '../support/replayed-command';

// The configuration commands of drbdsetup 8.4 that were recorded with a genuine kernel, run by ours against their
// recordings.

const list = readDifferences('drbdsetup-84');
const differences = new Map(list.differences.map((difference) => [difference.id, difference]));
const FILES = ['usage', 'empty', 'config', 'lifecycle'];
const commands = FILES.flatMap((file) => recordingsOf(`drbd-8.4.11/${file}.jsonl`)).filter(
  ({ argv }) => argv[0] === 'drbdsetup',
);

/** Help and usage are words of our own; what `xml-help` prints is not. */
const PROSE = /^\n?USAGE:|^drbdsetup[ -]/u;

/** What remains of an output when words that are our own, and the time, are taken out. */
function comparable(command: string | undefined, stdout: string): string {
  if (PROSE.test(stdout) || (command === 'help' && stdout !== '')) return '(prose)';
  if (command === 'show-gi')
    return stdout
      .split('\n')
      .filter((line) => /^[0-9A-F]{16}:|^flags:|^meta-data:/u.test(line))
      .join('\n');
  return withoutTimes(stdout);
}

function problemsOf({ argv, exit, stdout, stderr }: CapturedRecording, ours: Replayed): readonly string[] {
  const problems: string[] = [...ours.requests];
  if (ours.exit !== exit) problems.push(`exit ${ours.exit}, recorded ${String(exit)}`);
  const [actual, expected] = [ours.stdout, stdout].map((text) => comparable(argv[1], text));
  // Where the genuine program prints how it is used, ours refers to its help.
  if (actual !== expected && !(expected === '(prose)' && ours.exit !== 0))
    problems.push(`stdout ${JSON.stringify(actual)}, recorded ${JSON.stringify(expected)}`);
  if (codesIn(ours.stderr) !== codesIn(stderr))
    problems.push(`codes ${codesIn(ours.stderr)} on stderr, recorded ${codesIn(stderr)}`);
  return problems;
}

describe.each(FILES)('%s', (file) => {
  const ofFile = commands.filter(({ id }) => id.startsWith(`${file}/`));

  test.each(
    ofFile
      .filter(({ id }) => !differences.has(id))
      .map((captured) => [captured.id, captured.argv.slice(1).join(' '), captured] as const),
  )('%s %s', async (_id, _words, captured) => {
    const ours = await replayCommand(captured);
    expect(problemsOf(captured, ours)).toEqual([]);
    // Whoever fails says why; that the time is over says it all.
    if (ours.exit !== 0 && ours.exit !== 5) expect(`${ours.stderr}${ours.stdout}`).not.toBe('');
  });
});

describe('what does not exist is told', () => {
  // The third one asks as the second one did.
  test.each([
    ['empty/3', ['status', 'r0'], 10],
    ['empty/6', ['show', 'r0'], 20],
    ['empty/6', ['sh-status', 'r0'], 10],
    ['empty/6', ['events', 'r0'], 0],
    ['empty/7', ['events', '0'], 0],
    ['empty/10', ['events2', 'r0', '--now'], 0],
    ['empty/23', ['down', 'r0'], 0],
  ] as const)('%s as %j', async (id, argv, exit) => {
    const captured = commands.find((candidate) => candidate.id === id);
    if (captured === undefined) throw new Error(`there is no ${id}`);
    const ours = await replayCommand({ ...captured, argv: ['drbdsetup', ...argv] });
    expect({ exit: ours.exit, requests: ours.requests }).toEqual({ exit, requests: [] });
    expect(ours.stderr).toMatch(
      new RegExp(`^drbdsetup: ${argv[1]}: there is no such (?:resource|minor)[^\\n]*\\n$`, 'u'),
    );
    // As JSON these two print the snapshot, for which they ask otherwise.
    if (/status$/u.test(argv[0])) return;
    const json = await replayCommand({ ...captured, argv: ['drbdsetup', '--json', ...argv] });
    expect(JSON.parse(json.stderr)).toMatchObject({ [exit === 0 ? 'warning' : 'error']: { subject: argv[1] } });
  });
});

describe('streams beside a life cycle', () => {
  const streams = recordingsOf('drbd-8.4.11/watch.jsonl').filter(({ endedBy }) => endedBy !== undefined);

  test.each(streams.map((captured) => [captured.argv.slice(1).join(' '), captured] as const))(
    '%s',
    async (_words, captured) => {
      const ours = await replayCommand(captured);
      expect(ours).toMatchObject({ exit: 0, stderr: '', requests: [] });
      expect(captured.stdout.split('\n').length).toBeGreaterThan(30);
      // The recorded program was ended before it had printed all that it had received.
      expect(comparable(undefined, ours.stdout).slice(0, comparable(undefined, captured.stdout).length)).toBe(
        comparable(undefined, captured.stdout),
      );
    },
  );
});

describe('streams after a loss', () => {
  const named = (id: string): CapturedRecording => {
    const found = commands.find((captured) => captured.id === id);
    if (found === undefined) throw new Error(`there is no ${id}`);
    return found;
  };
  // A resource without volumes; and the same with three.
  const [before, after] = [named('config/24'), named('config/37')];
  const lossy = (argv: readonly string[], loss: RecordedEntry): CapturedRecording => ({
    ...before,
    argv,
    recording: {
      ...before.recording,
      entries: [
        ...before.recording.entries,
        loss,
        ...after.recording.entries.slice(after.recording.entries.findLastIndex(({ kind }) => kind === 'tx')),
      ],
      end: 'sigterm',
    },
  });
  const overrun: RecordedEntry = { kind: 'overrun', line: 0, socket: 1 };

  test('tell what has changed meanwhile', async () => {
    const ours = await replayCommand(lossy(['drbdsetup', 'events2'], overrun));
    expect(ours).toMatchObject({ exit: 0, requests: [] });
    const device = (volume: number, minor: number): string =>
      `create device name:r0 volume:${volume} minor:${minor} disk:Diskless\n`;
    expect(ours.stdout).toBe(`${before.stdout}${device(0, 0)}${device(3, 7)}${device(65535, 1048575)}`);
    expect(ours.stderr).toMatch(/lost/u);
  });

  test('tell of the loss in JSON', async () => {
    const { stdout } = await replayCommand(lossy(['drbdsetup', 'events2', '--json'], overrun));
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly event: string; readonly reason?: string; readonly minor?: number });
    expect(events.map(({ event }) => event)).toEqual([
      'exists',
      'exists',
      'exists',
      'resync',
      'create',
      'create',
      'create',
    ]);
    expect(events[3]?.reason).toBe('overrun');
    expect(events.slice(4).map(({ minor }) => minor)).toEqual([0, 7, 1048575]);
  });
});

describe('differences on purpose', () => {
  test.each(list.differences)('$id $reason', async (difference) => {
    await expectDifference(difference, list, commands, problemsOf);
  });

  test('are all of help, but for a few', () => {
    expect(commands.length).toBeGreaterThan(450);
    expect(list.differences.filter(({ reason }) => reason !== 'front').length / commands.length).toBeLessThanOrEqual(
      0.02,
    );
  });
});

describe('answers in JSON', () => {
  // The snapshot is read by other requests than those that were recorded.
  const SNAPSHOT = ['status', 'sh-status'];
  const readable = commands.filter(
    ({ argv, exit, id }) =>
      (argv.length > 2 || argv[1] === 'show') &&
      exit === 0 &&
      !differences.has(id) &&
      !['change', 'down', undefined].includes(findCommand(v84, argv[1] ?? '')?.action) &&
      !SNAPSHOT.includes(argv[1] ?? ''),
  );

  test('of every reading command', async () => {
    const seen = new Set<string>();
    for (const captured of readable) {
      const ours = await replayCommand({ ...captured, argv: ['drbdsetup', '--json', ...captured.argv.slice(1)] });
      expect({ id: captured.id, ...ours }).toMatchObject({ exit: 0, requests: [] });
      const lines = ours.stdout.split('\n').slice(0, -1);
      // The end of what exists is told, as there.
      expect(lines.length).toBe(captured.argv[1] === 'events2' ? captured.stdout.split('\n').length - 1 : 1);
      for (const line of lines) expect(typeof JSON.parse(line)).toBe('object');
      seen.add(captured.argv[1] ?? '');
    }
    expect([...seen].sort()).toEqual([
      'check-resize',
      'cstate',
      'dstate',
      'events2',
      'get-gi',
      'role',
      'show',
      'show-gi',
      'state',
      'wait-connect',
      'wait-sync',
    ]);
  });

  test('say the same as the text', async () => {
    const answer = async (id: string): Promise<unknown> => {
      const captured = commands.find((candidate) => candidate.id === id);
      if (captured === undefined) throw new Error(`there is no ${id}`);
      return JSON.parse(
        (await replayCommand({ ...captured, argv: ['drbdsetup', '--json', ...captured.argv.slice(1)] })).stdout.split(
          '\n',
        )[0] ?? '',
      );
    };
    expect(await answer('lifecycle/69')).toMatchObject({
      minor: 0,
      configured: true,
      role: 'Primary',
      peerRole: 'Secondary',
      connection: 'Connected',
      disk: 'UpToDate',
    });
    expect(await answer('lifecycle/73')).toEqual({
      minor: 0,
      currentUuid: '5',
      bitmapUuid: '0',
      historyUuids: [0xee15158bd70b1958n.toString(), '0'],
      flags: {
        consistent: true,
        wasUpToDate: true,
        primary: true,
        connected: true,
        fullSync: false,
        peerOutdated: false,
        crashedPrimary: false,
      },
      activityLogClean: false,
    });
    expect(await answer('lifecycle/30')).toMatchObject({
      resources: [
        {
          name: 'r0',
          connections: [
            {
              local: { family: 'ipv4', address: '127.0.0.1', port: 7788 },
              options: { 'verify-alg': { value: 'crc32c', isDefault: false } },
            },
          ],
          volumes: [
            {
              disk: '/dev/ram0',
              metaIndex: 'internal',
              options: { 'resync-rate': { value: 102400, unit: 'KiB/s', isDefault: false } },
            },
          ],
        },
      ],
    });
    expect(await answer('lifecycle/42')).toEqual({
      minor: 0,
      disk: '/dev/ram0',
      sizeBytes: '8388608',
      action: 'noted',
    });
  });
});

describe('changes in JSON', () => {
  const json = async (id: string): Promise<unknown> => {
    const captured = commands.find((candidate) => candidate.id === id);
    if (captured === undefined) throw new Error(`there is no ${id}`);
    const { stdout, exit } = await replayCommand({
      ...captured,
      argv: ['drbdsetup', '--json', ...captured.argv.slice(1)],
    });
    return { exit, ...(JSON.parse(stdout) as object) };
  };

  test('have the return code, its name, and what it means', async () => {
    expect(await json('config/2')).toEqual({
      exit: 0,
      command: 'new-resource',
      minor: null,
      resource: 'r0',
      returnCode: 101,
      returnName: 'NO_ERROR',
      cause: null,
      next: null,
      infoText: [],
    });
    expect(await json('empty/26')).toMatchObject({
      exit: 10,
      command: 'primary',
      minor: 0,
      returnCode: 127,
      returnName: 'ERR_MINOR_INVALID',
      infoText: ['unknown minor'],
    });
    expect(await json('lifecycle/86')).toMatchObject({
      exit: 11,
      returnCode: -1,
      returnName: 'SS_TWO_PRIMARIES',
      cause: expect.stringContaining('primary') as string,
    });
  });

  test('an option that the module is too old for is not sent', async () => {
    const [captured] = commands.filter(({ argv }) => argv.includes('--max-buffers=4096'));
    if (captured === undefined) throw new Error('there is no such recorded command');
    const old: CapturedRecording = {
      ...captured,
      argv: [...captured.argv, '--socket-check-timeout=5'],
      recording: {
        ...captured.recording,
        header: {
          ...captured.recording.header,
          driver: { version: '8.4.4', api: 1 },
          procDrbd: 'version: 8.4.4 (api:1/proto:86-101)\n',
        },
      },
    };
    const ours = await replayCommand(old);
    expect(ours.exit).toBe(20);
    expect(ours.stderr).toContain('8.4.5');
    expect(ours.requests).toHaveLength(1);
  });
});
