import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { formatRecording, type RecordedEntry } from '../../lib';
import { captureLines } from '../support/captures';
import { bringLoopbackUp } from '../support/loopback';
import { drbdUtilities } from '../support/machine';
import { recordingsOf } from '../support/recordings';

/**
 * Debian's drbdadm 9.22 with our drbdsetup in place of the genuine one. What it calls is answered from what the genuine
 * kernel answered when it called the genuine one: a recording for each process that it starts.
 */
const FILE = 'drbd-9.2.18/drbdadm.jsonl';
const ROOT = join(__dirname, '../../..');
const TOOL = join(ROOT, 'dist/package/drbdsetup.js');
const HOST = 'guest';

/** Which are left out, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'drbdadm/284': 'dump starts no other program: it is where the configuration is taken from',
  'drbdadm/285': 'create-md starts drbdmeta only',
  'drbdadm/289': 'adjusts to another configuration, which is not known',
  'drbdadm/290': 'adjusts to another configuration, which is not known',
  'drbdadm/313': 'adjusts to another configuration, which is not known',
  'drbdadm/294': 'show-gi explains in words of its own',
  'drbdadm/312': 'new-current-uuid of a resource is refused by drbdadm itself',
};

interface Line {
  readonly seq?: number;
  readonly argv?: readonly string[];
  /** The programs that ran, in order. */
  readonly exec?: readonly string[];
}

const programs = new Map(
  captureLines<Line>(FILE).flatMap(({ command }) =>
    command.argv === undefined ? [] : [[`drbdadm/${command.seq ?? 0}`, command.exec ?? []] as const],
  ) as readonly (readonly [string, readonly string[]])[],
);
const recorded = recordingsOf(FILE);

/** Of each drbdsetup that drbdadm started, whether drbdmeta did so: ours is not there then. */
function startedByDrbdmeta(programsInOrder: readonly string[]): readonly boolean[] {
  const flags: boolean[] = [];
  programsInOrder.forEach((program, index) => {
    if (program.endsWith('/drbdsetup')) flags.push(programsInOrder[index - 1]?.endsWith('/drbdmeta') === true);
  });
  return flags;
}

function ofSocket(entries: readonly RecordedEntry[], socket: number): readonly RecordedEntry[] {
  return entries.flatMap((entry) => ('socket' in entry && entry.socket === socket ? [{ ...entry, socket: 1 }] : []));
}

let folder: string;

// drbdadm looks for the addresses of the recorded machine, 127.0.0.1, among those of this one.
beforeAll(bringLoopbackUp);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drbdadm-9-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function script(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}`, { mode: 0o755 });
  return path;
}

const cases = recorded.filter(({ id }) => LEFT_OUT[id] === undefined);

test.each(cases.map((captured) => [captured.argv.slice(3).join(' '), captured] as const))('%s', (_words, captured) => {
  const { argv, recording, exit, stdout, endedBy } = captured;
  const configuration = recorded.find((one) => one.argv.at(-1) === 'dump')?.stdout ?? '';
  writeFileSync(join(folder, 'drbd.conf'), configuration);
  mkdirSync(join(folder, 'parts'));
  let parts = 0;
  startedByDrbdmeta(programs.get(captured.id) ?? []).forEach((isInner, index) => {
    if (isInner) return;
    parts++;
    const part = { ...recording, entries: ofSocket(recording.entries, index + 1) };
    writeFileSync(join(folder, 'parts', String(parts)), formatRecording(part));
  });
  expect(parts).toBeGreaterThan(0);
  // drbdadm looks for drbdmeta beside itself; the metadata of the recorded machine is not here.
  symlinkSync(join(drbdUtilities(), 'sbin/drbdadm'), join(folder, 'drbdadm'));
  script('drbdmeta', 'exit 0\n');
  const tool = script(
    'drbdsetup',
    `calls=$(($(cat ${folder}/calls 2>/dev/null || echo 0) + 1))
echo $calls >${folder}/calls
DRBD_REPLAY=${folder}/parts/$calls ${process.execPath} ${TOOL} "$@" 2>${folder}/errors.$calls
status=$?
cat ${folder}/errors.$calls >&2
exit $status
`,
  );
  const ours = spawnSync(
    join(folder, 'drbdadm'),
    ['-c', join(folder, 'drbd.conf'), '-s', tool, ...argv.slice(argv.indexOf('-c') + 2)],
    { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', __DRBD_NODE__: HOST }, cwd: '/' },
  );
  expect(ours.stderr).not.toContain('ERR_DRBD_MISMATCH');
  const counted = join(folder, 'calls');
  const calls = existsSync(counted) ? Number(readFileSync(counted, 'utf8')) : 0;
  // What it complained of, where it called ours less often.
  const complaint = calls === parts ? '' : ours.stderr;
  expect({ stdout: ours.stdout, calls, complaint }).toEqual({ stdout, calls: parts, complaint: '' });
  if (endedBy === undefined) expect([ours.status, ours.stderr]).toEqual([exit, expect.anything()]);
});

test('all others of the recording are told', () => {
  expect(Object.keys(LEFT_OUT).filter((id) => !recorded.some((captured) => captured.id === id))).toEqual([]);
  expect(cases.length).toBeGreaterThanOrEqual(26);
});
