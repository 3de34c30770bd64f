import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { openDrbd, type Client } from '../../lib';
import { createMirror, loopback } from '../support/guest';

/** The example of README.md, as it stands there, in the situation that the comment above it names. */
describe('the example of README.md', () => {
  const root = join(__dirname, '../../..');
  const folder = join(root, 'dist/readme');
  const sides = [
    { name: 'r0', minor: 0, disk: '/dev/ram2', my: loopback(7792), peer: loopback(7793) },
    { name: 'r1', minor: 1, disk: '/dev/ram3', my: loopback(7793), peer: loopback(7792) },
  ] as const;
  let drbd: Client<'genl1'>;

  beforeAll(async () => {
    drbd = await openDrbd({ dialect: 'genl1' });
    await createMirror(drbd, sides);
    await drbd.request('secondary', { minor: 0 });
    mkdirSync(folder, { recursive: true });
  }, 90_000);

  afterAll(async () => {
    for (const { name } of sides) await drbd.request('down', { context: { ctx_resource_name: name } });
    drbd.close();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test('runs as an ES module and prints what it promises', () => {
    const [, code] = /```js\n(import [^]*?)```/u.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
    expect(code?.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(20);
    const file = join(folder, 'example.mjs');
    writeFileSync(file, code ?? '');
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: 60_000 });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^DRBD 8\.4\.\d+ speaks genl1$/u),
      'r0 Secondary UpToDate',
      'r1 Secondary UpToDate',
      'exists resource',
      '127 ERR_MINOR_INVALID',
      '',
    ]);
  }, 90_000);

  /** They go on until they are told to end. */
  const STREAMS = /^drbd (top|events|metrics)/u;
  /** They say nothing where all is as it should be, or where nobody asks. */
  const SILENT = /^drbd (wait|assert|metrics)/u;
  const [, commands = ''] = /```sh kernel\n([^]*?)```/u.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  const lines = commands.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('#'));

  test('the commands of drbd are those of README.md', () => {
    expect(lines.length).toBeGreaterThan(8);
    const script = join(folder, 'drbd');
    writeFileSync(script, `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'dist/package/drbd.js')}' "$@"\n`);
    chmodSync(script, 0o755);
    // One that README.md names FILE.
    shell('timeout 9 drbd --record FILE events >/dev/null & sleep 4; drbd demote r0 && drbd promote r0; wait');
  });

  const shell = (command: string) =>
    spawnSync('bash', ['-c', command], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}`, TERM: 'dumb' },
    });

  test.each(lines)(
    '%s',
    (line) => {
      const isStream = STREAMS.test(line);
      // In the foreground, for the one that reads the terminal.
      const limited = isStream ? `timeout --foreground --preserve-status 8 ${line}` : line;
      const isScreen = line.startsWith('drbd top');
      const { status, stdout, stderr } = shell(
        isScreen ? `TERM=xterm script -qefc "${limited.replace(/\s#.*$/u, '')}" /dev/null` : limited,
      );
      expect([line, stderr, isScreen || (isStream ? [0, 143].includes(status ?? -1) : status)]).toEqual([
        line,
        expect.any(String),
        isScreen || (isStream ? true : 0),
      ]);
      if (!SILENT.test(line)) expect(stdout).not.toBe('');
    },
    90_000,
  );
});
