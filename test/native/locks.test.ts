import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { acquireLock, type FileLock } from '../../lib/transport/locks';
import { loadAddon } from '../../lib/transport/addon';
import { expectScenario, plainEnvironment } from '../support/sockets';

/**
 * Another program that takes locks as drbdmeta does, by fcntl(): reads commands, one a line, and answers each with a
 * line. `who`: the pid that has the file locked, or 0. `lock`, `unlock`: for itself. `open lock`: a lock of the open
 * file description, which names no pid.
 */
const OTHER_PROGRAM = `
import fcntl, os, struct, sys
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
def call(command, kind):
    record = fcntl.fcntl(descriptor, command, struct.pack('hhqqi4x', kind, os.SEEK_SET, 0, 0, 0))
    return struct.unpack('hhqqi4x', record)
for line in sys.stdin:
    try:
        if line == 'who\\n':
            kind, _, _, _, pid = call(fcntl.F_GETLK, fcntl.F_WRLCK)
            answer = 0 if kind == fcntl.F_UNLCK else pid
        elif line == 'lock\\n':
            call(fcntl.F_SETLK, fcntl.F_WRLCK)
            answer = 'locked'
        elif line == 'open lock\\n':
            call(37, fcntl.F_WRLCK)
            answer = 'locked'
        else:
            call(fcntl.F_SETLK, fcntl.F_UNLCK)
            answer = 'unlocked'
    except OSError as error:
        answer = 'errno %d' % error.errno
    print(answer, flush=True)
`;

class OtherProgram {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(path: string) {
    const child = spawn('python3', ['-c', OTHER_PROGRAM, path], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: plainEnvironment(),
    });
    this.#process = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  async ask(command: 'who' | 'lock' | 'open lock' | 'unlock'): Promise<string> {
    this.#process.stdin?.write(`${command}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the other program has ended');
    return value;
  }

  async kill(): Promise<void> {
    const ended = once(this.#process, 'exit');
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGKILL');
    await ended;
  }
}

let folder: string;
let path: string;
let others: OtherProgram[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  path = join(folder, 'drbd-147-0');
  others = [];
});

afterEach(async () => {
  for (const other of others) await other.kill();
  rmSync(folder, { recursive: true });
});

function other(): OtherProgram {
  const program = new OtherProgram(path);
  others.push(program);
  return program;
}

function locked(holder: number | undefined, more: object = {}): Error {
  return expect.objectContaining({ code: 'ERR_DRBD_LOCKED', path, holder, ...more }) as Error;
}

test('another program sees our pid, and is kept out until the lock is released', async () => {
  const lock = await acquireLock(path);
  expect([lock.path, statSync(path).mode & 0o777]).toEqual([path, 0o600]);
  const program = other();
  expect([await program.ask('who'), await program.ask('lock')]).toEqual([String(process.pid), 'errno 11']);
  lock.release();
  lock.release();
  expect([await program.ask('who'), await program.ask('lock')]).toEqual(['0', 'locked']);
});

test('who has it is named: at once, when the time is over, and if no pid can be told', async () => {
  const program = other();
  expect(await program.ask('lock')).toBe('locked');
  await expect(acquireLock(path)).rejects.toThrow(locked(program.pid, { timeoutMs: 0 }));
  const start = performance.now();
  await expect(acquireLock(path, { timeoutMs: 100 })).rejects.toThrow(locked(program.pid, { timeoutMs: 100 }));
  expect(performance.now() - start).toBeGreaterThanOrEqual(99);
  await expect(acquireLock(path)).rejects.toThrow(String(program.pid));
  expect([await program.ask('unlock'), await program.ask('open lock')]).toEqual(['unlocked', 'locked']);
  await expect(acquireLock(path)).rejects.toThrow(locked(undefined));
});

test('it is got as soon as the other program lets go, or dies', async () => {
  for (const end of [(program: OtherProgram) => program.ask('unlock'), (program: OtherProgram) => program.kill()]) {
    const program = other();
    expect(await program.ask('lock')).toBe('locked');
    let got: FileLock | undefined;
    const waiting = acquireLock(path, { timeoutMs: Infinity }).then((lock) => (got = lock));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(got).toBeUndefined();
    await end(program);
    (await waiting).release();
  }
});

test('within the process: one at a time, in order of asking', async () => {
  const order: number[] = [];
  const first = await acquireLock(path);
  await expect(acquireLock(path)).rejects.toThrow(locked(process.pid));
  const waiting = [1, 2, 3, 4].map(async (number) => {
    const lock = await acquireLock(path, { timeoutMs: 30_000 });
    order.push(number);
    await new Promise((resolve) => setTimeout(resolve, 5));
    order.push(number);
    lock.release();
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(order).toEqual([]);
  first.release();
  await Promise.all(waiting);
  expect(order).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
});

test('one who gives up does not hold up those behind', async () => {
  const first = await acquireLock(path);
  const impatient = acquireLock(path, { timeoutMs: 30 });
  const stop = new AbortController();
  const aborted = acquireLock(path, { timeoutMs: 30_000, signal: stop.signal });
  const patient = acquireLock(path, { timeoutMs: 30_000 });
  await expect(impatient).rejects.toThrow(locked(process.pid, { timeoutMs: 30 }));
  stop.abort(new Error('no more'));
  await expect(aborted).rejects.toThrow(
    expect.objectContaining({ name: 'AbortError', sent: 'no', cause: stop.signal.reason as unknown }) as Error,
  );
  first.release();
  (await patient).release();
  const before = AbortSignal.abort('early');
  await expect(acquireLock(path, { signal: before })).rejects.toThrow(
    expect.objectContaining({ name: 'AbortError', cause: 'early' }) as Error,
  );
});

test('a lock is not lost by who tries in vain, under whatever name', async () => {
  const lock = await acquireLock(path);
  const hard = join(folder, 'hard-link');
  const symbolic = join(folder, 'symbolic-link');
  linkSync(path, hard);
  symlinkSync(path, symbolic);
  // Whoever opened and closed the file once more would take the lock away.
  for (const name of [path, hard, symbolic]) expect(loadAddon().tryLock(name)).toEqual({ holder: process.pid });
  const program = other();
  expect(await program.ask('who')).toBe(String(process.pid));
  lock.release();
  expect(await program.ask('who')).toBe('0');
});

test('a lock of one id is released by that id alone', () => {
  const taken = loadAddon().tryLock(path);
  if (!('id' in taken)) throw new Error('not locked');
  expect(loadAddon().unlock(taken.id + 1)).toBe(false);
  expect(loadAddon().tryLock(path)).toEqual({ holder: process.pid });
  expect([loadAddon().unlock(taken.id), loadAddon().unlock(taken.id)]).toEqual([true, false]);
});

test('files that cannot be opened', async () => {
  symlinkSync(join(folder, 'elsewhere'), join(folder, 'link'));
  // A link that somebody put into a folder that all may write to must not make root create a file elsewhere.
  await expect(acquireLock(join(folder, 'link'))).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_DRBD_TRANSPORT', syscall: 'open', errno: 40 }) as Error,
  );
  await expect(acquireLock(join(folder, 'missing/file'))).rejects.toThrow(
    expect.objectContaining({ syscall: 'open', errno: 2 }) as Error,
  );
  await expect(acquireLock(folder)).rejects.toThrow(expect.objectContaining({ syscall: 'open', errno: 21 }) as Error);
  expectScenario('lock-denied', { arguments: [path] });
});

test.each([
  ['a FIFO', () => execFileSync('mkfifo', [path])],
  [
    'a socket',
    () => execFileSync('python3', ['-c', 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])', path]),
  ],
  ['a directory', () => mkdirSync(path)],
  ['a symbolic link', () => symlinkSync('/dev/null', path)],
])('%s is refused as what it is, and not opened', async (kind, make) => {
  make();
  await expect(acquireLock(path)).rejects.toMatchObject({
    code: 'ERR_DRBD_TRANSPORT',
    syscall: 'open',
    message: expect.stringMatching(
      new RegExp(`^locking ${path}: it is ${kind}, not a regular file: E[A-Z]+ \\(\\d+, .*\\)\\. Remove it`, 'u'),
    ) as string,
  });
});

test('a device is refused, and not opened', async () => {
  await expect(acquireLock('/dev/null')).rejects.toThrow(/^locking \/dev\/null: it is a character device, not/u);
});

describe('the end of a holder lets go', () => {
  test('of workers, which exclude each other too', () => {
    expectScenario('lock-workers', { arguments: [path] });
  });

  test('of the process', async () => {
    expectScenario('lock-at-exit', { arguments: [path] });
    (await acquireLock(path)).release();
  });
});
