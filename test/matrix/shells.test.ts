import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openDrbd, recordTransport } from '../../lib';
import { createSimulator } from '../../lib/simulator';
import { root } from '../support/package';

/**
 * Completion in the shells themselves, on a pseudo-terminal: what is typed, with a tab in it, becomes a command line.
 * Minors 3 and 7 exist, in a recording.
 */
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'node-drbd-shells-'));
  for (const name of ['bin', 'home', 'empty']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'recorded.jsonl'), '');
  writeFileSync(join(folder, 'two words'), '');
  for (const [name, file] of [
    ['drbd', 'drbd'],
    ['drbdsetup', 'drbdsetup'],
    ['node-drbdsetup', 'drbdsetup'],
  ] as const) {
    const program = join(folder, 'bin', name);
    writeFileSync(
      program,
      `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'dist/package', `${file}.js`)}' "$@"\n`,
    );
    chmodSync(program, 0o755);
  }
  const disks = { '/dev/a': { sizeBytes: 1 << 26 }, '/dev/b': { sizeBytes: 1 << 26 } };
  const simulator = createSimulator({ disks });
  const admin = await openDrbd({ dialect: 'connector', transport: simulator.transport });
  for (const [minor, disk] of [
    [3, '/dev/a'],
    [7, '/dev/b'],
  ] as const)
    await admin.attach({ minor }, { backingDev: disk, metaDev: disk, metaDevIdx: 'internal' });
  let text = '';
  const recording = recordTransport(simulator.transport, { write: (lines) => (text += lines) });
  const drbd = await openDrbd({ dialect: 'connector', transport: recording });
  await drbd.status();
  for (const client of [drbd, admin]) client.close();
  recording.finish();
  simulator.close();
  writeFileSync(join(folder, 'replay'), text);
});

afterAll(() => rmSync(folder, { recursive: true }));

const environment = (): NodeJS.ProcessEnv => ({
  PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
  HOME: join(folder, 'home'),
  XDG_CONFIG_HOME: join(folder, 'home'),
  TERM: 'xterm',
  LANG: 'C.UTF-8',
  DRBD_REPLAY: join(folder, 'replay'),
  // A tab must not write to what the user records.
  DRBD_RECORD: join(folder, 'record'),
});

interface Shell {
  readonly argv: readonly string[];
  readonly load: string;
}

const shells: Readonly<Record<'bash' | 'zsh' | 'fish', Shell>> = {
  bash: { argv: ['bash', '--norc', '--noprofile', '-i'], load: 'eval "$(drbd completion bash)"' },
  zsh: {
    argv: ['zsh', '-f', '-i'],
    load: 'autoload -Uz compinit; compinit -u -D; unsetopt LIST_BEEP; source <(drbd completion zsh)',
  },
  fish: { argv: ['fish', '--no-config', '-i'], load: 'drbd completion fish | source' },
};
const names = Object.keys(shells) as (keyof typeof shells)[];

const TO_START = '\x01';
const TO_END = '\x05';

/** @returns what the shell makes of some keys, as it would run it */
function type(name: keyof typeof shells, keys: string): Promise<string> {
  const { argv, load } = shells[name];
  return new Promise((resolve, reject) => {
    const script = spawn('script', ['-qefc', `stty rows 50 cols 200; exec ${argv.join(' ')}`, '/dev/null'], {
      cwd: folder,
      env: environment(),
    });
    const file = join(folder, 'home/typed');
    rmSync(file, { force: true });
    let screen = '';
    let isLoaded = false;
    script.stdout.setEncoding('utf8').on('data', (text: string) => {
      screen += text;
      // The mark is made from two parts, so that the echo of what is typed is not taken for it.
      if (isLoaded || !screen.includes('shell-is-ready')) return;
      isLoaded = true;
      script.stdin.write(`${keys}${TO_START}printf "<%s>" "${TO_END}" >${file}; exit\r`);
    });
    script.stdin.write(`${load}; printf "shell-%s" is-ready\r`);
    const limit = setTimeout(() => script.kill('SIGKILL'), 60_000);
    script.on('error', reject);
    script.on('close', () => {
      clearTimeout(limit);
      try {
        resolve(readFileSync(file, 'utf8'));
      } catch {
        reject(new Error(`${name} wrote nothing; its screen was ${JSON.stringify(screen)}`));
      }
    });
  });
}

describe.each(names)('%s', (name) => {
  test('is there', () => {
    expect(spawnSync(name, ['--version'], { encoding: 'utf8' })).toMatchObject({ status: 0 });
  });

  test.each([
    ['a command', 'drbd stat\t', '<drbd status >'],
    ['an option', 'drbd wait --stab\t', '<drbd wait --stable >'],
    ['a global option', 'drbd --force\t', '<drbd --force-unsafe >'],
    ['a word of an option', 'drbd --dialect con\t', '<drbd --dialect connector >'],
    ['a value behind =', 'drbd --dialect=con\t', '<drbd --dialect=connector >'],
    ['a name of a condition, which goes on', 'drbd assert outOfS\t', '<drbd assert outOfSyncBytes=>'],
    ['a value of a condition', 'drbd assert peerDisk=Outd\t', '<drbd assert peerDisk=Outdated >'],
    ['a condition with a quantifier', 'drbd assert any:peerDisk=Outd\t', '<drbd assert any:peerDisk=Outdated >'],
    ['a minor that exists', 'drbd status 3\t', '<drbd status 3 >'],
    ['a code', 'drbd explain ERR_MINOR_I\t', '<drbd explain ERR_MINOR_INVALID >'],
    ['a file', 'drbd --replay reco\t', '<drbd --replay recorded.jsonl >'],
    ['a command of drbdsetup', 'drbdsetup 3 ro\t', '<drbdsetup 3 role >'],
    ['a command of drbdsetup 9', 'drbdsetup --dialect genl2 attac\t', '<drbdsetup --dialect genl2 attach >'],
    [
      'an option of drbdsetup and its word',
      'node-drbdsetup --dialect genl1 attach 0 /dev/a /dev/a internal --on-io-error=det\t',
      '<node-drbdsetup --dialect genl1 attach 0 /dev/a /dev/a internal --on-io-error=detach >',
    ],
    ['nothing that does not fit', 'drbd nonsense \t', '<drbd nonsense >'],
  ])('completes %s', async (_what, keys, line) => {
    const typed = await type(name, keys);
    // Shells differ in whether a space follows the only candidate.
    expect(typed.replace(/ >$/u, '>')).toBe(line.replace(/ >$/u, '>'));
  });
});

test('nothing was written to the recording of the user', () => {
  expect(() => readFileSync(join(folder, 'record'))).toThrow(/ENOENT/u);
});
