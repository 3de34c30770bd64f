import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { main } from '../../../lib/cli/drbd';
import { memoryIo } from '../../support/cli';

let folder: string;
/** Where the package manager puts the programs, where the package is, and two folders of PATH. */
let bin: string;
let packageFolder: string;
let local: string;
let system: string;
let genuine: string;

function program(path: string, text: string): string {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  [bin, packageFolder, local, system] = ['bin', 'package of it', 'local', 'system'].map((name) => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  }) as [string, string, string, string];
  program(join(packageFolder, 'drbd.js'), '');
  program(
    join(packageFolder, 'drbdsetup.js'),
    '#!/usr/bin/env node\nconsole.log("ours", ...process.argv.slice(2)); process.exit(7);\n',
  );
  symlinkSync(join(packageFolder, 'drbd.js'), join(bin, 'drbd'));
  symlinkSync(join(packageFolder, 'drbdsetup.js'), join(bin, 'node-drbdsetup'));
  genuine = program(join(system, 'drbdsetup'), '#!/bin/sh\necho genuine "$@"\n');
});

afterEach(() => rmSync(folder, { recursive: true }));

async function run(
  args: readonly string[],
  path: readonly string[] = [local, system],
): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  const io = memoryIo({ env: { PATH: path.join(':') } });
  const [, program = ''] = process.argv;
  process.argv[1] = join(bin, 'drbd');
  try {
    const status = await main(['replace-drbdsetup', ...args], io);
    return { status, out: io.stdout.text, err: io.stderr.text };
  } finally {
    process.argv[1] = program;
  }
}

const drbdsetup = (...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', 'drbdsetup "$@"', 'sh', ...args], {
    encoding: 'utf8',
    env: { PATH: `${local}:${system}:/usr/bin:/bin` },
  });
  return { status, stdout, stderr };
};

test('takes the place of the genuine one, names it, and gives it back', async () => {
  const { status, out, err } = await run(['--directory', local]);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(out).toContain(`${genuine}: the genuine one is hidden by it`);
  expect(out).toContain(`drbd replace-drbdsetup --undo --directory ${local}`);
  expect(drbdsetup('0', 'a  b', "it's")).toEqual({ status: 7, stdout: "ours 0 a  b it's\n", stderr: '' });
  expect(execFileSync(genuine, ['x'], { encoding: 'utf8' })).toBe('genuine x\n');
  expect(readdirSync(local)).toEqual(['drbdsetup']);
  expect((await run(['--directory', local])).out).toContain('already');
  const undone = await run(['--directory', local, '--undo']);
  expect(undone).toEqual({
    status: 0,
    out: `${join(local, 'drbdsetup')}: removed. "drbdsetup" runs ${genuine} again.\n`,
    err: '',
  });
  expect(drbdsetup('y')).toEqual({ status: 0, stdout: 'genuine y\n', stderr: '' });
  expect(readdirSync(local)).toEqual([]);
});

test('outlives an update of the package, and its removal', async () => {
  await run(['--directory', local]);
  const before = readFileSync(join(local, 'drbdsetup'), 'utf8');
  // Another version, in another folder, as pnpm has it.
  const next = join(folder, 'next');
  mkdirSync(next);
  copyFileSync(join(packageFolder, 'drbd.js'), join(next, 'drbd.js'));
  program(join(next, 'drbdsetup.js'), 'console.log("newer");\n');
  for (const [name, file] of [
    ['drbd', 'drbd.js'],
    ['node-drbdsetup', 'drbdsetup.js'],
  ] as const) {
    rmSync(join(bin, name));
    symlinkSync(join(next, file), join(bin, name));
  }
  rmSync(packageFolder, { recursive: true });
  expect(drbdsetup()).toEqual({ status: 0, stdout: 'newer\n', stderr: '' });
  expect((await run(['--directory', local])).out).toContain('already');
  expect(readFileSync(join(local, 'drbdsetup'), 'utf8')).toBe(before);
  rmSync(join(bin, 'node-drbdsetup'));
  const gone = drbdsetup('z');
  expect(gone).toMatchObject({ status: 0, stdout: 'genuine z\n' });
  expect(gone.stderr).toContain('is gone; running');
  rmSync(genuine);
  expect(drbdsetup('z')).toMatchObject({ status: 20, stdout: '' });
});

test("runs a package manager's script, too", async () => {
  rmSync(join(bin, 'node-drbdsetup'));
  program(join(bin, 'node-drbdsetup'), `#!/bin/sh\nexec node '${join(packageFolder, 'drbdsetup.js')}' "$@"\n`);
  await run(['--directory', local]);
  expect(drbdsetup('0')).toMatchObject({ status: 7, stdout: 'ours 0\n' });
});

test.each(['a file', 'a link', 'a dangling link', 'a folder'])('leaves %s alone that it did not make', async (kind) => {
  const path = join(local, 'drbdsetup');
  if (kind === 'a file') program(path, '#!/bin/sh\necho mine\n');
  else if (kind === 'a link') symlinkSync(genuine, path);
  else if (kind === 'a dangling link') symlinkSync(join(folder, 'nowhere'), path);
  else mkdirSync(path);
  const identity = () => [lstatSync(path).ino, lstatSync(path).mtimeMs, lstatSync(path).mode];
  const before = identity();
  for (const args of [[], ['--undo']]) {
    const { status, out, err } = await run(['--directory', local, ...args]);
    expect({ status, out }).toEqual({ status: 20, out: '' });
    expect(err).toMatch(/^drbd replace-drbdsetup: .*left alone/u);
  }
  expect(identity()).toEqual(before);
  expect(readdirSync(local)).toEqual(['drbdsetup']);
  expect(existsSync(join(folder, 'nowhere'))).toBe(false);
});

test('says so where it is not reached, has nothing to do, or cannot do it', async () => {
  const late = await run(['--directory', local], [system, local]);
  expect(late.out).toContain(`${genuine}: comes before it in PATH`);
  expect((await run(['--directory', local], [system])).out).toContain(`${local}: not in PATH`);
  await run(['--directory', local, '--undo']);
  expect(await run(['--directory', local, '--undo'])).toMatchObject({ status: 20, out: '' });
  const absent = await run(['--directory', join(folder, 'absent')]);
  expect(absent.status).toBe(20);
  expect(absent.err).toContain('ENOENT (2). Choose a folder that exists');
  expect(await run(['--nonsense'])).toMatchObject({ status: 2 });
  expect((await run(['--help'])).out).toContain('--undo');
});
