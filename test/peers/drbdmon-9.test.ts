import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { drbdUtilities } from '../support/machine';
import { recordingsOf, recordingText } from '../support/recordings';

/**
 * Debian's drbdmon 9.22 on a terminal, with our drbdsetup first in its PATH, which answers from what a genuine kernel
 * said. What must be on the screen is what drbdmon makes of the genuine drbdsetup's recorded output.
 */
const TOOL = join(__dirname, '../../../dist/package/drbdsetup.js');
/** How long a screen is waited for before it is called wrong. */
const LIMIT_MS = 60_000;
/** A stream stays open when all is said. Where drbdmon did not end it, it ends by itself. */
const OPEN_SECONDS = 120;

interface Case {
  readonly about: string;
  /** Capture and id of a recorded events2. */
  readonly file: string;
  readonly id: string;
  /** How many of its lines drbdmon gets; all if absent. */
  readonly lines?: number;
  /** What is between the head and the keys, without what draws and colours it. */
  readonly screen: readonly string[];
}

const CASES: readonly Case[] = [
  {
    about: 'three nodes with two peers each, no data yet',
    file: 'drbd-9.2.18/three-nodes.jsonl',
    id: 'three-nodes/150',
    screen: [
      'RES: r0 Secondary',
      '0: 0 Inconsistent',
      'n1 Connected Secondary',
      '0 Inconsistent',
      'n2 Connected Secondary',
      '0 Inconsistent',
      'RES: r1 Secondary',
      '0: 1 Inconsistent',
      'n0 Connected Secondary',
      '0 Inconsistent',
      'n2 Connected Secondary',
      '0 Inconsistent',
      'RES: r2 Secondary',
      '0: 2 Inconsistent',
      'n0 Connected Secondary',
      '0 Inconsistent',
      'n1 Connected Secondary',
      '0 Inconsistent',
      'Resources: 3 (3 degraded)',
    ],
  },
  {
    about: 'two volumes, one of them copied while the other waits',
    file: 'drbd-9.2.18/two-volumes.jsonl',
    id: 'two-volumes/63',
    screen: [
      'RES: r0 Primary 0: 0 1: 1',
      'n1 Connected Secondary',
      '0 Inconsistent SyncSource',
      '1 Inconsistent PausedSyncS',
      'RES: r1 Secondary',
      '0: 2 Inconsistent',
      '1: 3 Inconsistent',
      'n0 Connected Primary',
      '0 UpToDate SyncTarget',
      '71.95%',
      '1 UpToDate PausedSyncT',
      '0.00%',
      'Resources: 2 (2 degraded)',
    ],
  },
  {
    about: 'all is well',
    file: 'drbd-9.2.18/split-brain.jsonl',
    id: 'split-brain/53',
    screen: ['RES: r0 Secondary 0: 0', 'n1', 'RES: r1 Secondary 0: 1', 'n0', 'Resources: 2'],
  },
  {
    about: 'a stream: begins to copy',
    file: 'drbd-9.2.18/watch.jsonl',
    id: 'watch/76',
    lines: 57,
    screen: [
      'RES: r0 Primary 0: 0',
      'n1 Connected Secondary',
      '0 Outdated StartingSyncS',
      'RES: r1 Secondary',
      '0: 1 Inconsistent',
      'n0 Connected Primary',
      '0 UpToDate SyncTarget',
      '0.00%',
      'Resources: 2 (2 degraded)',
    ],
  },
  {
    about: 'a stream: a resource was renamed, its disk detached',
    file: 'drbd-9.2.18/watch.jsonl',
    id: 'watch/76',
    lines: 84,
    screen: [
      'RES: r0 Secondary 0: 0',
      'n1 Connected Secondary',
      '0 Diskless',
      'RES: r1new Secondary',
      '0: 1 Diskless',
      'n0',
      'Resources: 2 (2 degraded)',
    ],
  },
  {
    about: 'a stream: the peer is gone',
    file: 'drbd-9.2.18/watch.jsonl',
    id: 'watch/76',
    lines: 102,
    screen: [
      'RES: r0 Secondary 0: 0',
      'n1 Connecting Unknown',
      'RES: r1new Secondary',
      '0: 1 Diskless',
      'n0 Disconnecting Unknown',
      'Resources: 2 (2 degraded)',
    ],
  },
];

const recorded = new Map(
  CASES.flatMap(({ file }) => recordingsOf(file)).map((captured) => [captured.id, captured] as const),
);

let folder: string;
let terminal: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drbdmon-9-'));
});

afterEach(() => {
  // drbdmon goes with its terminal.
  terminal?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** The words of what was drawn since the screen was last cleared. */
function wordsOnScreen(drawn: string): readonly string[] {
  const lines = drawn
    .slice(drawn.lastIndexOf('\x1b[2J'))
    .replace(/\x1b\[[0-9;?]*[A-Za-z]/gu, ' ') // eslint-disable-line no-control-regex
    .replace(/[^\x20-\x7e\n]/gu, ' ')
    .split('\n')
    .map((line) => line.trim().replace(/ +/gu, ' '));
  const first = lines.findIndex((line) => line.startsWith('Page:'));
  return lines
    .slice(first + 1)
    .map((line) => /^Resources: \d+(?: \(\d+ degraded\))?/u.exec(line)?.[0] ?? line)
    .filter((line) => line !== '');
}

/**
 * Runs drbdmon until the screen shows what it must, and then presses q.
 * @param command what drbdsetup does, in the words of the shell
 */
async function watch(
  command: string,
  lines: number,
  screen: readonly string[],
): Promise<{ readonly screen: readonly string[]; readonly exit: number | null; readonly calls: string }> {
  writeFileSync(
    join(folder, 'drbdsetup'),
    `#!/bin/sh
echo "$@" >>${folder}/calls
{ ${command}
echo "exit $?" >>${folder}/calls
} | sed -un 1,${lines}p
exec sleep ${OPEN_SECONDS}
`,
    { mode: 0o755 },
  );
  const program = join(drbdUtilities(), 'sbin/drbdmon');
  const script = spawn('script', ['-qefc', `stty rows 60 cols 120; exec ${program}`, '/dev/null'], {
    env: { PATH: `${folder}:/usr/bin:/bin`, TERM: 'xterm', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  terminal = script;
  // A program that ended without reading is no failure of ours.
  script.stdin.on('error', () => undefined);
  const ended = new Promise<number | null>((resolve, reject) => {
    script.once('error', reject);
    script.once('close', resolve);
  });
  let drawn = '';
  script.stdout.setEncoding('utf8').on('data', (text: string) => (drawn += text));
  const calls = (): string => (existsSync(`${folder}/calls`) ? readFileSync(`${folder}/calls`, 'utf8') : '');
  const isThere = (): boolean =>
    calls().includes('exit') && JSON.stringify(wordsOnScreen(drawn)) === JSON.stringify(screen);
  const end = Date.now() + LIMIT_MS;
  while (!isThere() && Date.now() < end && script.exitCode === null) await sleep(20);
  const last = wordsOnScreen(drawn);
  script.stdin.write('q');
  const exit = await ended;
  return { screen: last, exit, calls: calls() };
}

describe.each(CASES)('$about ($id)', ({ id, lines, screen }) => {
  const captured = recorded.get(id);
  const count = lines ?? captured?.stdout.split('\n').length ?? 0;

  test('of the genuine output', async () => {
    writeFileSync(join(folder, 'output'), captured?.stdout ?? '');
    const seen = await watch(`cat ${folder}/output`, count, screen);
    expect(seen).toEqual({ screen, exit: 0, calls: 'events2 all\nexit 0\n' });
  });

  test('of ours', async () => {
    if (captured === undefined) throw new Error(`there is no ${id}`);
    writeFileSync(join(folder, 'recording'), recordingText(captured));
    const ours = `DRBD_REPLAY=${folder}/recording ${process.execPath} ${TOOL} "$@"`;
    const seen = await watch(ours, count, screen);
    // It is called once: drbdmon starts it again where it ends, or complains.
    expect(seen).toEqual({ screen, exit: 0, calls: 'events2 all\nexit 0\n' });
  });
});
