import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
});
