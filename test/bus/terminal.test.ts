import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openDrbd, type Client } from '../../lib';
import { createSimulator, listenSimulator, type Listening, type Simulator } from '../../lib/simulator';

// The commands that stay, as processes: on a terminal that script(1) makes, and with readers that go away.

const DRBD = join(__dirname, '../../lib/cli/bin/drbd.js');
const PATIENCE_MS = 60_000;

let folder: string;
let simulator: Simulator;
let listening: Listening;
let client: Client<'connector'>;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'terminal-'));
  simulator = createSimulator({ disks: { '/dev/ram0': { sizeBytes: 16 << 20 } } });
  listening = listenSimulator(simulator);
  client = await openDrbd({ dialect: 'connector', simulator: listening.port });
  await client.request('disk_conf', {
    minor: 0,
    createDevice: true,
    tags: { backing_dev: '/dev/ram0', meta_dev: '/dev/ram0', meta_dev_idx: 'internal' },
  });
});

afterEach(() => {
  client.close();
  listening.close();
  simulator.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`it did not come to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const read = (name: string): string => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '');

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface OnTerminal {
  readonly script: ChildProcess;
  /** The process of the command. */
  pid(): number;
  /** All that the terminal was sent. */
  screen(): string;
}

/** Runs a command on a terminal of 80 columns, and keeps the modes of the terminal before and after. */
function onTerminal(...argv: readonly string[]): OnTerminal {
  const quoted = [process.execPath, DRBD, '--simulator', String(listening.port), ...argv].join(' ');
  const shell = `stty rows 24 cols 80; stty -g > before; sh -c 'echo $$ > pid; exec ${quoted}'; echo $? > exit; stty -g > after`;
  const script = spawn('script', ['-qefc', shell, 'screen'], {
    cwd: folder,
    env: { ...process.env, TERM: 'xterm', LC_ALL: 'C.UTF-8', SHELL: '/bin/sh' },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  children.push(script);
  return { script, pid: () => Number(read('pid')), screen: () => read('screen') };
}

const ENTER = '\x1b[?1049h';
const LEAVE = '\x1b[?25h\x1b[?1049l';

test.each(['wait --for role=Primary', 'events'])(
  'drbd %s follows no size, and bears that it changes',
  async (command) => {
    const terminal = onTerminal(...command.split(' '));
    // What prints nothing at first is given the time to listen.
    if (command === 'events') await until(() => terminal.screen().includes('ready'), 'it listens');
    else await new Promise((resolve) => setTimeout(resolve, 2000));
    process.kill(terminal.pid(), 'SIGWINCH');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(isAlive(terminal.pid())).toBe(true);
    process.kill(terminal.pid(), 'SIGHUP');
    await until(() => read('after') !== '', 'it ends');
    expect(Number(read('exit'))).toBe(129);
    expect(read('after')).toBe(read('before'));
  },
);

describe.each(['top', 'status --watch'])('drbd %s on a terminal', (command) => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s: it dies of it, and the terminal is as it was', async (signal, exit) => {
    const terminal = onTerminal(...command.split(' '));
    await until(() => terminal.screen().includes('minor 0'), 'it draws');
    process.kill(terminal.pid(), signal);
    await until(() => read('after') !== '', 'it ends');
    expect(Number(read('exit'))).toBe(exit);
    expect(read('after')).toBe(read('before'));
    expect(terminal.screen().split(ENTER)).toHaveLength(2);
    expect(terminal.screen().split(LEAVE)).toHaveLength(2);
  });

  test('SIGWINCH: it follows the size', async () => {
    const terminal = onTerminal(...command.split(' '));
    await until(() => terminal.screen().includes('minor 0'), 'it draws');
    const before = terminal.screen().length;
    process.kill(terminal.pid(), 'SIGWINCH');
    await until(() => terminal.screen().length > before, 'it draws again');
    process.kill(terminal.pid(), 'SIGTERM');
    await until(() => read('after') !== '', 'it ends');
  });

  test('a terminal that goes away ends it', async () => {
    const terminal = onTerminal(...command.split(' '));
    await until(() => terminal.screen().includes('minor 0'), 'it draws');
    const pid = terminal.pid();
    terminal.script.kill('SIGKILL');
    await until(() => !isAlive(pid), 'it ends');
  });
});

test.each([
  ['q', 0],
  ['Ctrl-D', 0],
  ['Ctrl-C', 130],
])('drbd top takes keys: %s ends it with %i, and the terminal echoes again', async (key, exit) => {
  const terminal = onTerminal('top');
  await until(() => terminal.screen().includes('minor 0'), 'it draws');
  terminal.script.stdin?.write('\r');
  await until(() => terminal.screen().includes('▾'), 'it folds open');
  terminal.script.stdin?.write({ q: 'q', 'Ctrl-D': '\x04', 'Ctrl-C': '\x03' }[key] ?? '');
  await until(() => read('after') !== '', 'it ends');
  expect(Number(read('exit'))).toBe(exit);
  expect(read('after')).toBe(read('before'));
});

describe('in a pipe', () => {
  interface Piped {
    readonly child: ChildProcess;
    readonly ended: Promise<readonly [code: number | null, signal: NodeJS.Signals | null]>;
    stdout(): string;
  }
  function start(...argv: readonly string[]): Piped {
    const child = spawn(process.execPath, [DRBD, '--simulator', String(listening.port), ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    let stdout = '';
    child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
    const ended = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) =>
      child.on('exit', (code, signal) => resolve([code, signal])),
    );
    return { child, ended, stdout: () => stdout };
  }

  const staying: readonly (readonly string[])[] = [
    ['status', '--watch'],
    ['status', '--watch', '--json'],
    ['events'],
    ['events', '--json'],
  ];

  test.each(staying)('%j: a reader that goes away ends it by SIGPIPE', async (...argv) => {
    const { child, ended, stdout } = start(...argv);
    await until(() => stdout().includes('Inconsistent'), 'it tells the state');
    child.stdout?.destroy();
    const act = setInterval(() => {
      client.request('suspend_io', { minor: 0 }).catch(() => undefined);
      client.request('resume_io', { minor: 0 }).catch(() => undefined);
    }, 100);
    try {
      expect(await ended).toEqual([null, 'SIGPIPE']);
    } finally {
      clearInterval(act);
    }
  });

  test.each([...staying, ['wait', '--for', 'role=Primary'], ['metrics', '--listen', '127.0.0.1:0']])(
    '%j: SIGTERM, SIGINT and SIGHUP end it',
    async (...argv) => {
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
        const { child, ended, stdout } = start(...argv);
        // What prints nothing at first is given the time to listen.
        if (argv[0] === 'wait' || argv[0] === 'metrics') await new Promise((resolve) => setTimeout(resolve, 2000));
        else await until(() => stdout().includes('Inconsistent'), 'it tells the state');
        child.kill(signal);
        const [code, by] = await ended;
        // A server's end is no failure.
        expect(argv[0] === 'metrics' ? [code ?? 0, by === null || by === signal] : [code, by]).toEqual(
          argv[0] === 'metrics' ? [expect.any(Number), true] : [null, signal],
        );
      }
    },
  );

  test('wait --json: a reader that went away before the end makes it end by SIGPIPE', async () => {
    const { child, ended } = start('wait', '--for', 'minor=0 suspended.user=true', '--json');
    await new Promise((resolve) => setTimeout(resolve, 2000));
    child.stdout?.destroy();
    await client.request('suspend_io', { minor: 0 });
    expect(await ended).toEqual([null, 'SIGPIPE']);
  });

  test('metrics --textfile: a signal leaves a whole file, and nothing beside it', async () => {
    const file = join(folder, 'drbd.prom');
    const { child, ended } = start('metrics', '--textfile', file);
    await until(() => existsSync(file), 'it writes');
    child.kill('SIGTERM');
    await ended;
    expect(read('drbd.prom')).toContain('drbd_driver_loaded 1\n');
    expect(readdirSync(folder)).toEqual(['drbd.prom']);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('record: %s leaves a recording that is whole', async (signal) => {
    const file = join(folder, 'recorded.jsonl');
    const { child, ended, stdout } = start('record', file);
    await until(() => stdout().includes('ready'), 'it listens');
    await client.request('suspend_io', { minor: 0 });
    await until(() => stdout().includes('suspended'), 'it tells of the change');
    child.kill(signal);
    expect(await ended).toEqual([null, signal]);
    const lines = read('recorded.jsonl').split('\n');
    expect(lines.at(-1)).toBe('');
    expect(JSON.parse(lines.at(-2) ?? '')).toHaveProperty('end');
    const story = start('timeline', file);
    expect(await story.ended).toEqual([0, null]);
    expect(story.stdout()).toContain('suspended');
  });

  test('timeline: a reader that goes away ends it', async () => {
    const file = join(folder, 'recorded.jsonl');
    const recorded = start('record', file);
    await until(() => recorded.stdout().includes('ready'), 'it listens');
    for (let times = 0; times < 20; times++) {
      await client.request('suspend_io', { minor: 0 });
      await client.request('resume_io', { minor: 0 });
    }
    recorded.child.kill('SIGINT');
    await recorded.ended;
    const story = start('timeline', file);
    story.child.stdout?.destroy();
    expect([
      [null, 'SIGPIPE'],
      [0, null],
    ]).toContainEqual(await story.ended);
  });
});
