import { v83 } from '../../lib/cli/drbdsetup';
import { codesIn, expectDifference, readDifferences, type Difference } from '../support/differences';
import { recordingsOf, type CapturedRecording } from '../support/recordings';
import { USAGE, withoutProse } from '../support/prose';
import { replayCommand, type Replayed } from '../support/replayed-command';
import { versionDifferences } from '../peers/exempt';

// Every command of drbdsetup 8.3 that was recorded with a genuine kernel, run by ours against its recording.

interface Difference83 extends Difference {
  /** Whether ours sends what was recorded. */
  readonly sent: boolean;
  /** Lines that ours prints beside the recorded ones. */
  readonly moreLines?: readonly string[];
}

const list = readDifferences<Difference83>('drbdsetup-83');
const differences = new Map(list.differences.map((difference) => [difference.id, difference]));
const FILES = [
  '01-unconfigured',
  '02-disk',
  '03-net',
  '04-syncer',
  '05-pair',
  '09-dumpee-md5-4096',
  '09-dumpee-md5-32768',
  '14-overflow',
];
const commands = FILES.flatMap((file) => recordingsOf(`drbd-8.3.13/${file}.jsonl`)).filter(
  ({ argv }) => argv[0] === 'drbdsetup',
);

/** A stream that was ended from outside ends by itself where the recording does. */
function recordedExit({ exit, endedBy }: CapturedRecording): number | 'HANG' | null {
  return endedBy === undefined ? exit : 0;
}

function comparable(captured: CapturedRecording, stdout: string): unknown {
  return withoutProse(captured.argv[2], stdout);
}

function problemsOf(captured: CapturedRecording, ours: Replayed): readonly string[] {
  const problems: string[] = [...ours.requests];
  if (ours.exit !== recordedExit(captured)) problems.push(`exit ${ours.exit}, recorded ${String(captured.exit)}`);
  const [expected, actual] = [captured.stdout, ours.stdout].map((stdout) =>
    JSON.stringify(comparable(captured, stdout)),
  );
  if (expected !== actual) problems.push(`stdout ${actual ?? ''}, recorded ${expected ?? ''}`);
  const [codes, recorded] = [codesIn(ours.stderr), codesIn(captured.stderr)];
  if (codes !== recorded) problems.push(`codes ${codes} on stderr, recorded ${recorded}`);
  return problems;
}

/** What Debian's later release does otherwise, and ours as it does: lane `peers` runs them beside each other. */
const newerRelease = new Map(
  versionDifferences.flatMap((difference) =>
    difference.ours === true ? (difference.ids ?? []).map((id) => [id, difference] as const) : [],
  ),
);

describe.each(FILES)('%s', (file) => {
  const ofFile = commands.filter(({ id }) => id.startsWith(`${file}/`));

  test.each(
    ofFile
      .filter(({ id }) => !differences.has(id) && !newerRelease.has(id))
      .map((captured) => [captured.id, captured.argv.slice(1).join(' '), captured] as const),
  )('%s %s', async (_id, _words, captured) => {
    const ours = await replayCommand(captured);
    expect(problemsOf(captured, ours)).toEqual([]);
    // Whoever fails says why.
    if (ours.exit !== 0 && ours.exit !== 5)
      expect(`${ours.stderr}${USAGE.test(ours.stdout) ? ours.stdout : ''}`).not.toBe('');
  });
});

test.each([...newerRelease])("%s is answered as by Debian's release", async (id, { exit }) => {
  const captured = commands.find((command) => command.id === id);
  if (captured === undefined) throw new Error('there is no such recorded command');
  const ours = await replayCommand(captured);
  expect(ours.requests.filter((problem) => problem.startsWith('not sent')).length).toBe(
    captured.recording.entries.filter(({ kind }) => kind === 'tx').length,
  );
  expect({ exit: ours.exit, stdout: ours.stdout }).toEqual({ exit, stdout: '' });
  expect(ours.stderr).toMatch(/excess arguments|unrecognized option/u);
});

test('there are the commands that there were', () => {
  const explained = commands
    .filter(({ argv, exit }) => argv[1] === 'help' && argv[2] !== undefined && exit === 0)
    .map(({ argv }) => argv[2]);
  expect(explained.length).toBe(30);
  expect(v83.commands.map(({ name }) => name)).toEqual(explained);
});

describe('differences on purpose', () => {
  test.each(list.differences)('$id $reason', async (difference) => {
    const { captured, ours } = await expectDifference(difference, list, commands, problemsOf);
    expect(ours.requests.filter((problem) => problem.startsWith('not sent')).length).toBe(
      difference.sent ? 0 : captured.recording.entries.filter(({ kind }) => kind === 'tx').length,
    );
    if (difference.moreLines !== undefined) {
      const [expected, actual] = [captured.stdout, ours.stdout].map(
        (stdout) => comparable(captured, stdout) as string[],
      );
      expect(actual?.filter((line) => !difference.moreLines?.includes(line))).toEqual(expected);
      expect(ours.requests).toEqual([]);
    }
  });

  test('are few', () => {
    expect(commands.length).toBeGreaterThan(900);
    expect(list.differences.length / commands.length).toBeLessThanOrEqual(0.02);
  });
});
