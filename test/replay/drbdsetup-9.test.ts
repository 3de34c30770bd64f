import type { RecordedEntry } from '../../lib';
import { v9 } from '../../lib/cli/drbdsetup';
import { findCommand } from '../../lib/cli/line';
import { capturesIn } from '../support/captures';
import { codesIn, expectDifference, readDifferences, withoutTimes } from '../support/differences';
import { recordingsOf, type CapturedRecording } from '../support/recordings';
import { replayCommand, type Replayed } from '../support/replayed-command';

// Every command of drbdsetup 9 that was recorded with a genuine kernel, run by ours against its recording: the same
// requests, the same output, the same exit code.

const list = readDifferences('drbdsetup-9');
const differences = new Map(list.differences.map((difference) => [difference.id, difference]));

const FOLDERS = ['drbd-9.1.7', 'drbd-9.2.18', 'drbd-9.3.3'] as const;
const files = FOLDERS.flatMap((folder) => capturesIn(folder).map((file) => `${folder}/${file}`));
const recorded = new Map(
  files.map((file) => [
    file,
    recordingsOf(file).map((captured) => ({ ...captured, id: `${file.split('/')[0] ?? ''}/${captured.id}` })),
  ]),
);
const all = [...recorded.values()].flat();
/** Some were run by another program, which took privileges from it. */
const commands = all.filter(({ argv }) => argv.includes('drbdsetup'));

function wordsOf({ argv }: CapturedRecording): readonly string[] {
  return argv.slice(argv.indexOf('drbdsetup') + 1);
}

function problemsOf({ exit, stdout, stderr, endedBy }: CapturedRecording, ours: Replayed): readonly string[] {
  const problems: string[] = [...ours.requests];
  if (exit !== null && ours.exit !== exit) problems.push(`exit ${ours.exit}, recorded ${exit}`);
  const [actual, expected] = [withoutTimes(ours.stdout), withoutTimes(stdout)];
  // What was ended from outside had not printed all that it had received.
  const shown = endedBy === undefined ? actual : actual.slice(0, expected.length);
  if (shown !== expected) problems.push(`stdout ${JSON.stringify(actual)}, recorded ${JSON.stringify(expected)}`);
  const [codes, expectedCodes] = [codesIn(ours.stderr), codesIn(stderr)];
  if (exit !== null && codes !== expectedCodes) problems.push(`codes ${codes} on stderr, recorded ${expectedCodes}`);
  return problems;
}

const ofFiles = files
  .map((file) => [file, (recorded.get(file) ?? []).filter(({ argv }) => argv.includes('drbdsetup'))] as const)
  .filter(([, ofFile]) => ofFile.length > 0);

describe.each(ofFiles)('%s', (_file, ofFile) => {
  test.each(
    ofFile
      .filter(({ id }) => !differences.has(id))
      .map((captured) => [captured.id, wordsOf(captured).join(' '), captured] as const),
  )('%s %s', async (_id, _words, captured) => {
    const ours = await replayCommand(captured);
    expect(problemsOf(captured, ours)).toEqual([]);
    // Whoever fails says why; that the time is over says it all.
    if (ours.exit !== 0 && ours.exit !== 5) expect(`${ours.stderr}${ours.stdout}`).not.toBe('');
  });
});

describe('differences on purpose', () => {
  test.each(list.differences)('$id $reason', async (difference) => {
    await expectDifference(difference, list, commands, problemsOf);
  });

  test('are at most two in a hundred', () => {
    expect(all).toHaveLength(1436);
    console.log(
      `drbdsetup 9: ${commands.length - list.differences.length} of ${commands.length} recorded commands are the same, ${list.differences.length} differ on purpose; ${all.length - commands.length} are of other programs`,
    );
    expect(list.differences.length / all.length).toBeLessThanOrEqual(0.02);
  });
});

const named = (id: string): CapturedRecording => {
  const found = commands.find((captured) => captured.id === id);
  if (found === undefined) throw new Error(`there is no ${id}`);
  return found;
};

describe('answers in JSON', () => {
  const readable = commands.filter(
    (captured) =>
      captured.exit === 0 &&
      captured.endedBy === undefined &&
      !differences.has(captured.id) &&
      !/^(?:change|newMinor|down)$/u.test(findCommand(v9, wordsOf(captured)[0] ?? '')?.action ?? 'change') &&
      !wordsOf(captured).includes('--poll'),
  );

  test('of every reading command', async () => {
    const seen = new Set<string>();
    // The snapshot is read by other requests than those that were recorded.
    for (const captured of readable.filter((one) => wordsOf(one)[0] !== 'status')) {
      const words = wordsOf(captured);
      const ours = await replayCommand({ ...captured, argv: ['drbdsetup', '--json', ...words] });
      expect({ id: captured.id, ...ours }).toMatchObject({ exit: 0, requests: [] });
      if (words[0] === 'show') expect(Array.isArray(JSON.parse(ours.stdout))).toBe(words.includes('--json'));
      else for (const line of ours.stdout.split('\n').slice(0, -1)) expect(typeof JSON.parse(line)).toBe('object');
      seen.add(words[0] ?? '');
    }
    expect([...seen].sort()).toEqual([
      'check-resize',
      'cstate',
      'dstate',
      'events2',
      'get-gi',
      'role',
      'show',
      'wait-connect-connection',
      'wait-connect-resource',
      'wait-connect-volume',
      'wait-sync-connection',
      'wait-sync-resource',
      'wait-sync-volume',
    ]);
  });

  test('what status and show print is JSON, whatever the form', () => {
    const printed = commands.filter(
      (one) => /^(?:status|show) .*--json/u.test(wordsOf(one).join(' ')) && one.exit === 0,
    );
    expect(printed.length).toBeGreaterThan(100);
    for (const { stdout } of printed) expect(Array.isArray(JSON.parse(stdout))).toBe(true);
  });
});

describe('streams after a loss', () => {
  // Nothing; and later a resource with all that belongs to it, as the same kernel told of them.
  const ofWhatExists = commands.filter((one) => wordsOf(one).join(' ') === 'events2 --now');
  const file = ({ id }: CapturedRecording): string => id.replace(/\/\d+$/u, '');
  const after = ofWhatExists.find(({ stdout }) => stdout.includes('exists path')) ?? named('none');
  const before = ofWhatExists.find((one) => one.stdout === 'exists -\n' && file(one) === file(after));

  test('tell what has changed meanwhile', async () => {
    if (before === undefined) throw new Error('there is no stream of nothing');
    const overrun: RecordedEntry = { kind: 'overrun', line: 0, socket: 1 };
    const { entries } = after.recording;
    const captured: CapturedRecording = {
      ...before,
      argv: ['drbdsetup', 'events2'],
      recording: {
        ...before.recording,
        entries: [
          ...before.recording.entries,
          overrun,
          ...entries.slice(entries.findLastIndex(({ kind }) => kind === 'tx')),
        ],
        end: 'sigterm',
      },
    };
    const ours = await replayCommand(captured);
    expect(ours).toMatchObject({ exit: 0, requests: [] });
    expect(ours.stderr).toMatch(/lost/u);
    expect(ours.stdout.startsWith('exists -\ncreate resource name:')).toBe(true);
    expect(ours.stdout.replace('exists -\n', '').replaceAll('create ', 'exists ').split('\n').sort()).toEqual(
      after.stdout.replace('exists -\n', '').split('\n').sort(),
    );
  });
});

describe('what the loaded module is too old for', () => {
  test('is not sent', async () => {
    const captured = commands.find(({ argv }) => argv[1] === 'new-current-uuid' && argv.includes('--clear-bitmap'));
    if (captured === undefined) throw new Error('there is no such recorded command');
    const ours = await replayCommand({
      ...captured,
      argv: [...captured.argv, '--force-resync'],
      recording: {
        ...captured.recording,
        header: { ...captured.recording.header, driver: { version: '9.0.20-1', api: 2 } },
      },
    });
    expect(ours.exit).toBe(20);
    expect(ours.stderr).toContain('9.0.21-1');
    expect(ours.requests).toHaveLength(1);
  });
});

describe('numbers beyond the documented range', () => {
  const captured = commands.find(({ argv }) => argv.includes('--al-extents=65535') || argv.includes('--timeout=601'));

  test('are sent with a warning, and refused by --strict', async () => {
    if (captured === undefined) throw new Error('there is no such recorded command');
    const ours = await replayCommand(captured);
    expect(ours.requests).toEqual([]);
    expect(ours.stderr).toMatch(/the range is .*--strict refuses it/u);
    const strict = await replayCommand({ ...captured, argv: ['drbdsetup', '--strict', ...wordsOf(captured)] });
    expect(strict.exit).toBe(20);
    expect(strict.requests).toHaveLength(1);
  });
});
