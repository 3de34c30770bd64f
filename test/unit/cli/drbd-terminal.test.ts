import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Backend } from '../../../lib/cli';
import { main } from '../../../lib/cli/drbd';
import { commandNames, commandOf } from '../../../lib/cli/drbd/commands';
import { keysOf } from '../../../lib/cli/terminal';
import { folded, widthOf } from '../../../lib/cli/drbd/text';
import { statusLines, formatLines } from '../../../lib/cli/drbd/view';
import type { Snapshot } from '../../../lib/drbd';
import { memoryIo } from '../../support/cli';
import { backendOver, eventually, FakeTerminal, screenOf, startDrbd } from '../../support/drbd-command';
import { SimulatedMirror } from '../../support/simulated-mirror';

// Every command on terminals of 80 and 200 columns, with and without colours, on a dumb one and in a pipe.

let mirror: SimulatedMirror;
let backend: Backend;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'terminal-'));
  mirror = await SimulatedMirror.start();
  for (const minor of [0, 1] as const) {
    await mirror.act('attach', minor);
    await mirror.act('rate', minor);
  }
  await mirror.act('primary', 0);
  for (const minor of [0, 1] as const) await mirror.act('connect', minor);
  backend = backendOver(mirror.simulator.transport);
});

afterEach(() => {
  backend.close();
  mirror.close();
  rmSync(folder, { recursive: true });
});

const UTF8 = { LC_ALL: 'C.UTF-8' };
const LOOKS = {
  colour: { env: { ...UTF8, TERM: 'xterm' }, isTerminal: true },
  NO_COLOR: { env: { ...UTF8, TERM: 'xterm', NO_COLOR: '1' }, isTerminal: true },
  dumb: { env: { ...UTF8, TERM: 'dumb' }, isTerminal: true },
  'C locale': { env: { LC_ALL: 'C', TERM: 'xterm' }, isTerminal: true },
  pipe: { env: { ...UTF8, TERM: 'xterm' }, isTerminal: false },
} as const;
type LookName = keyof typeof LOOKS;

/** Words that each command does something with; a verb tells what it would send. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  status: [],
  events: ['--now'],
  wait: ['--for', 'disk=UpToDate outOfSyncBytes=0', '--timeout', '1ms'],
  assert: ['role=Primary', 'disk=UpToDate', 'outOfSyncBytes=0'],
  show: ['--defaults'],
  explain: ['ERR_MINOR_INVALID', 'StandAlone'],
  options: [],
  translate: ['--from', '8.3', '--to', '9', '--', '0', 'disk', '/dev/d0', '/dev/d0', 'internal', '--no-disk-barrier'],
  doctor: [],
  record: ['/dev/null', 'status'],
  completion: ['bash'],
  create: ['0'],
  attach: ['0', '--backing-dev', '/dev/d0', '--meta-dev', '/dev/d0', '--meta-dev-idx', 'internal'],
  connect: [
    '0',
    '--my-addr',
    '127.0.0.1:7788',
    '--peer-addr',
    '127.0.0.1:7799',
    '--protocol',
    'C',
    '--shared-secret',
    'sesame',
  ],
  set: ['0', '--resync-rate', '4M'],
  rename: ['r0', '--new-resource-name', 'r1'],
  'forget-peer': ['r0', '--peer', '1'],
};
const VERBS = new Set(commandNames().slice(commandNames().indexOf('create')));
/** They stay, draw on the whole screen, or stand for another command line. */
const ELSEWHERE = new Set(['top', 'metrics', 'replay', 'timeline', 'simulate', 'replace-drbdsetup']);

interface Shown {
  readonly stdout: string;
  readonly stderr: string;
}

async function shown(argv: readonly string[], look: LookName, columns: number): Promise<Shown> {
  const { env, isTerminal } = LOOKS[look];
  const io = memoryIo({ env });
  const terminal = { terminal: () => new FakeTerminal(columns), columns };
  if (isTerminal) {
    Object.assign(io, { terminal: terminal.terminal });
    for (const output of [io.stdout, io.stderr]) Object.assign(output, { isTerminal: true, columns });
  }
  await main(argv, io, { backend });
  return { stdout: io.stdout.text, stderr: io.stderr.text };
}

/** Lines that are longer than the terminal though they could be broken at a blank, but for what is there to be copied. */
function tooWide(text: string, columns: number): readonly string[] {
  return text.split('\n').filter((line) => {
    // eslint-disable-next-line no-control-regex -- styles
    const plain = line.replaceAll(/\x1b\[\d+m/gu, '');
    const isCopied = /^ *(?:same as: )?(?:drbdsetup|drbd|unshare) |^Usage: |^ {2}drbd .*|^ {2}[a-z]+ .*\|/u.test(plain);
    return widthOf(plain) > columns && !isCopied && /^\s*\S.*\s\S/u.test(plain.slice(0, columns));
  });
}

describe.each(Object.keys(LOOKS) as LookName[])('%s', (look) => {
  const check = ({ stdout, stderr }: Shown, columns: number | undefined): void => {
    for (const text of [stdout, stderr]) {
      // Nothing but styles, and these where they are wanted.
      // eslint-disable-next-line no-control-regex
      const bare = look === 'colour' || look === 'C locale' ? text.replaceAll(/\x1b\[\d+m/gu, '') : text;
      // eslint-disable-next-line no-control-regex
      expect(bare).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/u);
      expect(text).toMatch(/^$|\n$/u);
      // Styles end with their line.
      for (const line of text.split('\n'))
        // eslint-disable-next-line no-control-regex -- styles
        expect(line.replaceAll(/\x1b\[[1-9]\d*m[^\x1b]*\x1b\[0m/gu, '')).not.toContain('\x1b');
      if (columns !== undefined) expect(tooWide(text, columns)).toEqual([]);
      if (look === 'dumb' || look === 'C locale') expect(text).not.toMatch(/[█░▸▾↑↓▁-▇]/u);
    }
  };
  const widths = look === 'pipe' ? [undefined] : [80, 200];

  test.each(commandNames().filter((name) => !ELSEWHERE.has(name)))('%s', async (name) => {
    const words = WORDS[name] ?? (VERBS.has(name) ? ['0'] : []);
    for (const width of widths) {
      const columns = width ?? 80;
      const argv = [name, ...words, ...(VERBS.has(name) ? ['--dry-run'] : [])];
      const all = await shown(argv, look, columns);
      expect(all.stdout + all.stderr).not.toBe('');
      if (name !== 'completion') check(all, width);
      expect(all.stdout + all.stderr).not.toContain('sesame');
    }
  });

  test.each(['', ...commandNames()])('help %s', async (name) => {
    for (const width of widths) {
      const help = await shown(['help', ...(name === '' ? [] : [name])], look, width ?? 80);
      expect(help.stderr).toBe('');
      check(help, width);
    }
  });

  test('errors', async () => {
    for (const width of widths)
      for (const argv of [
        ['promote', '1'],
        ['demote', '7'],
        ['wait', '--for', 'role=Nothing'],
        ['statsu'],
        ['status', 'nothing'],
        ['attach', '0'],
        ['top', '--refresh', '1ms'],
        ['metrics', '--listen', '0.0.0.0:1'],
        ['timeline', '/dev/null'],
        ['simulate', '--minors', 'x'],
      ]) {
        const { stdout, stderr } = await shown(argv, look, width ?? 80);
        expect({ argv, stdout, isTold: /^drbd(?: \w+)?: /u.test(stderr) }).toEqual({ argv, stdout: '', isTold: true });
        check({ stdout, stderr }, width);
      }
  });
});

test('every command is looked at', () => {
  for (const name of ELSEWHERE) expect(commandOf(name)).toBeDefined();
  for (const name of Object.keys(WORDS)) expect(commandNames()).toContain(name);
});

describe('names', () => {
  /** A state with what names can be: long, wide, with what a terminal would obey. */
  async function named(...names: readonly string[]): Promise<Snapshot> {
    const snapshot = await mirror.client.status();
    const [resource] = snapshot.resources;
    if (resource === undefined) throw new Error('there is no resource');
    return { ...snapshot, resources: names.map((name) => ({ ...resource, name })) };
  }
  const look = { color: false, moves: false, unicode: true, columns: 80 };

  test('wide characters and emoji take two cells, and the columns stand below each other', async () => {
    const lines = formatLines(statusLines(await named('数据库', 'データ', '💾disk', 'r0', 'ä'), [], look), look).split(
      '\n',
    );
    const places = lines.flatMap((line) => {
      const at = line.search(/(?:Primary|UpToDate|Connected|SyncSource|Established|Connecting|Inconsistent)/u);
      return at === -1 ? [] : [widthOf(line.slice(0, at))];
    });
    expect(places.length).toBeGreaterThan(10);
    expect(new Set(places).size).toBe(1);
  });

  test('a long name pushes its own line only, and is cut with a mark', async () => {
    const long = 'a-resource-with-a-very-long-name-'.repeat(4);
    const lines = formatLines(statusLines(await named(long, 'r0'), [], look), look).split('\n');
    expect(lines.find((line) => line.startsWith('a-res'))).toMatch(/^a-[a-z-]{78}…$|^a-[a-z-]{77}…$/u);
    expect(lines.find((line) => line.startsWith('r0'))).toMatch(/^r0 +Primary/u);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(80);
  });

  test('200 resources: top pages, status scrolls', async () => {
    const snapshot = await named(...Array.from({ length: 200 }, (_unused, at) => `resource-${at}`));
    const lines = formatLines(statusLines(snapshot, [], look), look).split('\n');
    expect(lines.filter((line) => /^resource-\d+ +Primary/u.test(line))).toHaveLength(200);
  });
});

test('a line is folded at blanks only, with its styles', () => {
  const line = [
    { text: '12:00  ', style: 'dim' as const },
    { text: 'one two three', style: 'bold' as const },
    { text: '  four' },
  ];
  expect(folded(line, undefined, '')).toEqual([line]);
  expect(folded(line, 15, '  ').map((spans) => spans.map(({ text }) => text).join(''))).toEqual([
    '12:00  one two',
    '  three  four',
  ]);
  expect(folded([{ text: 'x'.repeat(30) }], 10, '  ')).toEqual([[{ text: 'x'.repeat(30) }]]);
});

test('top quits with 0 at Ctrl-D, as at q, and with 130 at Ctrl-C', async () => {
  for (const [sent, exit] of [
    ['\x04', 0],
    ['q', 0],
    ['\x03', 130],
  ] as const) {
    const terminal = new FakeTerminal();
    const running = startDrbd(backend, ['top'], { terminal, env: { TERM: 'xterm' } });
    await eventually(() => running.stdout().includes('minor 0'));
    terminal.press(...keysOf(sent));
    expect(await running.exit).toBe(exit);
  }
});

test.each(['top', 'status --watch'])('%s says nothing of a driver before it was looked for', async (words) => {
  const terminal = new FakeTerminal();
  const running = startDrbd(backend, words.split(' '), { terminal, env: { TERM: 'xterm' } });
  await eventually(() => screenOf(running.stdout()).some((line) => line.includes('minor 0')));
  await running.stop();
  expect(running.stdout()).not.toContain('No DRBD driver');
});
