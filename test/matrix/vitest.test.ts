import { spawnSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { installPackage, root, type InstalledPackage } from '../support/package';

/** The folder in which scripts/matrix has installed vitest. */
const folder = process.env['NODE_DRBD_VITEST'] ?? '';

const PASSES = `
import { expect, test } from 'vitest';
import { matchers, withTestKernel } from 'node-drbd/testing/vitest';

expect.extend(matchers);

const disk = { backingDev: '/dev/vg/r0', metaDev: '/dev/vg/r0', metaDevIdx: 'internal' } as const;

test('passes', () =>
  withTestKernel(async ({ drbd }) => {
    await drbd.attach({ minor: 0 }, disk);
    await expect(drbd).not.toReach('minor=0 role=Primary', { timeoutMs: 20 });
    await drbd.promote({ minor: 0 }, { force: true });
    await expect(drbd).toReach('minor=0 role=Primary disk=UpToDate');
  }));
`;
const FAILS = `${PASSES}
test('fails', () =>
  withTestKernel(async ({ drbd }) => {
    await drbd.attach({ minor: 0 }, disk);
    await expect(drbd).toReach('minor=0 disk=UpToDate', { timeoutMs: 20 });
  }));
`;
const MISTYPED = `${PASSES}
test('does not compile', async () => {
  await expect({}).toReach(5); // error
  await expect({}).toReech('minor=0'); // error
});
`;

let installation: InstalledPackage;

beforeAll(() => {
  installation = installPackage();
  const { project } = installation;
  for (const name of ['vitest', '@types'])
    symlinkSync(join(name === 'vitest' ? folder : root, 'node_modules', name), join(project, 'node_modules', name));
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  writeFileSync(join(project, 'passes.test.ts'), PASSES);
  writeFileSync(join(project, 'fails.test.ts'), FAILS);
  writeFileSync(join(project, 'mistyped.ts'), MISTYPED);
}, 120_000);

afterAll(() => installation.remove());

function run(argv: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd: installation.project,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
    timeout: 100_000,
  });
  return { status, output: stdout + stderr };
}

const vitest = (file: string) => run([join(folder, 'node_modules/vitest/vitest.mjs'), 'run', file]);

test('a test with toReach() passes in vitest', () => {
  const { status, output } = vitest('passes.test.ts');
  expect([output, status]).toEqual([expect.stringMatching(/Tests +1 passed/u), 0]);
});

test('one that fails says what was missing', () => {
  const { status, output } = vitest('fails.test.ts');
  expect([output, status]).toEqual([expect.stringMatching(/Tests +1 failed \| 1 passed/u), 1]);
  expect(output).toContain('disk=UpToDate: minor 0/0 is Inconsistent');
});

test('its types are those of the matcher', () => {
  const { output } = run([
    ...[join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--pretty', 'false', '--strict', '--skipLibCheck'],
    ...['--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', '--types', 'node'],
    ...['passes.test.ts', 'mistyped.ts'],
  ]);
  const lines = MISTYPED.split('\n').flatMap((line, at) => (line.endsWith('// error') ? [at + 1] : []));
  const found = [...output.matchAll(/^([^\s(]+)\((\d+),\d+\): error /gmu)].map(([, file, line]) => `${file}:${line}`);
  expect([output, found]).toEqual([output, lines.map((line) => `mistyped.ts:${line}`)]);
});
