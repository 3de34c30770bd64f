import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');

function circles(folder: string): { readonly status: number | null; readonly stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/circles'), folder], { encoding: 'utf8' });
  return { status, stderr };
}

test('files that import each other are found, through an index and by types alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'drbd-'));
  try {
    mkdirSync(join(folder, 'room'));
    const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
    write('a.ts', "import { b } from './room';\nexport const a = b;\n");
    write('room/index.ts', "export { b } from './b';\n");
    write('room/b.ts', 'export const b = 1;\n');
    expect(circles(folder)).toEqual({ status: 0, stderr: '' });
    write('room/b.ts', "import type { a } from '../a';\nexport type B = typeof a;\n");
    const { status, stderr } = circles(folder);
    expect(status).toBe(1);
    expect(stderr).toContain(
      ['a.ts', 'room/index.ts', 'room/b.ts', 'a.ts'].map((name) => join(folder, name)).join(' -> '),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
