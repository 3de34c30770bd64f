import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { main } from '../../lib/cli/drbd';
import type { SnapshotJson } from '../../lib/drbd';
import { memoryIo } from '../support/cli';
import { recordingsOf, recordingText, type CapturedRecording } from '../support/recordings';

// drbd asks more than drbdsetup: what a recording of drbdsetup holds is shown, and what it lacks is told.

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'drbd-replay-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function drbdOver(
  captured: CapturedRecording,
  ...argv: readonly string[]
): Promise<{ readonly exit: number; readonly stdout: string; readonly stderr: string }> {
  const file = join(folder, 'recording.jsonl');
  writeFileSync(file, recordingText(captured));
  const io = memoryIo();
  const exit = await main(['--replay', file, ...argv], io);
  return { exit, stdout: io.stdout.text, stderr: io.stderr.text };
}

/** The resources that drbdsetup printed, with their role and number of volumes, of one that was asked for all of them. */
function printed({ stdout }: CapturedRecording): readonly string[] {
  const found = new Map<string, { role: string; volumes: number }>();
  for (const line of stdout.split('\n')) {
    const [, name, role] =
      // eslint-disable-next-line no-control-regex -- one of the recordings is coloured
      /^(?:exists resource name:)?(\S+) (?:node-id:\d+ )?role:(?:\x1b\[[\d;]+m)?(\w+)/u.exec(line) ?? [];
    if (name !== undefined && role !== undefined) found.set(name, { role, volumes: 0 });
    const [, of] = /^exists device name:(\S+)/u.exec(line) ?? [];
    const one = of === undefined ? [...found.values()].at(-1) : found.get(of);
    if (one !== undefined && (of !== undefined || /^ {2}(?:volume:\d+ (?:minor:\d+ )?)?disk:/u.test(line)))
      one.volumes++;
  }
  return [...found].map(([name, { role, volumes }]) => `${name} ${role} ${volumes}`).sort();
}

describe.each([
  'drbd-8.4.11/lifecycle.jsonl',
  'drbd-9.1.7/lifecycle.jsonl',
  'drbd-9.2.18/three-nodes.jsonl',
  'drbd-9.2.18/verify-resync.jsonl',
  'drbd-9.2.18/split-brain.jsonl',
  'drbd-9.3.3/wait.jsonl',
])('%s', (file) => {
  const all = recordingsOf(file).filter(
    ({ argv: [, command, ...words], exit, stdout }) =>
      ((command === 'status' && words.every((word) => /^-(?:-verbose|-statistics|v|s)$/u.test(word))) ||
        (command === 'events2' && words.join(' ') === '--now')) &&
      exit === 0 &&
      stdout !== '' &&
      !stdout.startsWith('No currently') &&
      !stdout.startsWith('exists -'),
  );

  test('what drbdsetup read, drbd status shows', async () => {
    expect(all.length).toBeGreaterThan(0);
    for (const captured of all) {
      const { exit, stdout, stderr } = await drbdOver(captured, 'status', '--json');
      expect({ id: captured.id, exit, stderr }).toEqual({
        id: captured.id,
        exit: 0,
        stderr: expect.stringMatching(
          /the recording does not hold get_\w+(?:, get_\w+)*: .*Record the whole state/u,
        ) as string,
      });
      const { resources, source } = JSON.parse(stdout) as SnapshotJson;
      const shown = resources.map(({ name, role, devices }) => `${name} ${role} ${devices.length}`).sort();
      expect({ id: captured.id, shown, complete: source.complete }).toEqual({
        id: captured.id,
        shown: printed(captured),
        complete: false,
      });
    }
  });

  test('its state proves nothing', async () => {
    const [captured] = all;
    if (captured === undefined) throw new Error('nothing was recorded');
    expect(await drbdOver(captured, 'assert', 'none:role=Unknown')).toEqual({
      exit: 20,
      stdout: '',
      stderr: expect.stringMatching(/does not hold get_\w+.*\n.*proves nothing/u) as string,
    });
  });

  test('drbd events tells each object, and that no more is recorded', async () => {
    const captured = all.at(-1);
    if (captured === undefined) throw new Error('nothing was recorded');
    const { exit, stdout, stderr } = await drbdOver(captured, 'events', '--json');
    const changes = stdout
      .split('\n')
      .slice(0, -1)
      .map(
        (line) =>
          JSON.parse(line) as {
            readonly kind: string;
            readonly object?: string;
            readonly key?: { readonly resource: string };
          },
      );
    const names = changes.flatMap(({ kind, object, key }) =>
      kind === 'exists' && object === 'resource' ? [key?.resource] : [],
    );
    expect(names.sort()).toEqual(printed(captured).map((line) => line.split(' ')[0]));
    expect(changes.some(({ kind }) => kind === 'ready')).toBe(true);
    expect({ exit, stderr }).toEqual({
      exit: 0,
      stderr: expect.stringContaining('the recording does not hold') as string,
    });
  });
});

test('a recording that holds nothing of the state is refused', async () => {
  const captured = recordingsOf('drbd-9.1.7/lifecycle.jsonl').find(({ argv }) => argv[1] === 'new-minor');
  if (captured === undefined) throw new Error('none was recorded');
  expect(await drbdOver(captured, 'status')).toMatchObject({ exit: 99, stdout: '' });
});
