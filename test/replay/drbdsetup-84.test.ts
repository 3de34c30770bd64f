import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { recordingsOf, type CapturedRecording } from '../support/recordings';
import { replayCommand, type Replayed } from '../support/replayed-command';

// The configuration commands of drbdsetup 8.4 that were recorded with a genuine kernel, run by ours against their recordings.

interface Difference {
  readonly id: string;
  readonly reason: string;
  /** What ours exits with. */
  readonly exit: number;
}

const list = JSON.parse(readFileSync(join(__dirname, '../../../test/replay/drbdsetup-84.differences.json'), 'utf8')) as { readonly reasons: Readonly<Record<string, string>>; readonly differences: readonly Difference[] };
const differences = new Map(list.differences.map((difference) => [difference.id, difference]));
const FILES = ['usage', 'empty', 'config', 'lifecycle'];
const commands = FILES.flatMap((file) => recordingsOf(`drbd-8.4.11/${file}.jsonl`)).filter(({ argv }) => argv[0] === 'drbdsetup');

/** The numbers of return codes in error messages. */
function codesIn(stderr: string): string {
  return Array.from(stderr.matchAll(/: \((-?\d+)\)/gu), ([, code = '']) => code).join();
}

/** Help and usage are words of our own; what `xml-help` prints is not. */
const PROSE = /^\n?USAGE:|^drbdsetup[ -]/u;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d /gmu;

/** What remains of an output when words that are our own, and the time, are taken out. */
function comparable(command: string | undefined, stdout: string): string {
  if (PROSE.test(stdout) || (command === 'help' && stdout !== '')) return '(prose)';
  if (command === 'show-gi') return stdout.split('\n').filter((line) => /^[0-9A-F]{16}:|^flags:|^meta-data:/u.test(line)).join('\n');
  return stdout.replace(TIMESTAMP, 'TIME ');
}

function problemsOf({ argv, exit, stdout, stderr }: CapturedRecording, ours: Replayed): readonly string[] {
  const problems: string[] = [...ours.requests];
  if (ours.exit !== exit) problems.push(`exit ${ours.exit}, recorded ${String(exit)}`);
  const [actual, expected] = [ours.stdout, stdout].map((text) => comparable(argv[1], text));
  // Where the genuine program prints how it is used, ours refers to its help.
  if (actual !== expected && !(expected === '(prose)' && ours.exit !== 0)) problems.push(`stdout ${JSON.stringify(actual)}, recorded ${JSON.stringify(expected)}`);
  if (codesIn(ours.stderr) !== codesIn(stderr)) problems.push(`codes ${codesIn(ours.stderr)} on stderr, recorded ${codesIn(stderr)}`);
  return problems;
}

describe.each(FILES)('%s', (file) => {
  const ofFile = commands.filter(({ id }) => id.startsWith(`${file}/`));

  test.each(ofFile.filter(({ id }) => !differences.has(id)).map((captured) => [captured.id, captured.argv.slice(1).join(' '), captured] as const))('%s %s', async (_id, _words, captured) => {
    const ours = await replayCommand(captured);
    expect(problemsOf(captured, ours)).toEqual([]);
    // Whoever fails says why; that the time is over says it all.
    if (ours.exit !== 0 && ours.exit !== 5) expect(`${ours.stderr}${ours.stdout}`).not.toBe('');
  });
});

describe('differences on purpose', () => {
  test.each(list.differences)('$id $reason', async (difference) => {
    const captured = commands.find(({ id }) => id === difference.id);
    if (captured === undefined) throw new Error('there is no such recorded command');
    expect(list.reasons[difference.reason]).toBeDefined();
    const ours = await replayCommand(captured);
    // An entry that is none any more has to go.
    expect(problemsOf(captured, ours)).not.toEqual([]);
    expect(ours.exit).toBe(difference.exit);
    if (difference.exit !== 0) expect(ours.stderr).not.toBe('');
  });

  test('are all of help, but for a few', () => {
    expect(commands.length).toBeGreaterThan(450);
    expect(list.differences.filter(({ reason }) => reason !== 'front').length / commands.length).toBeLessThanOrEqual(0.02);
  });
});
