import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeWholeFile } from '../../../lib/cli/whole-file';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drbd-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a file is new or replaced as a whole, and nothing is left beside it', () => {
  const file = join(folder, 'file');
  writeWholeFile(file, 'one\n');
  const before = statSync(file).ino;
  writeWholeFile(file, 'two\n', { durable: true });
  expect(readFileSync(file, 'utf8')).toBe('two\n');
  expect(statSync(file).ino).not.toBe(before);
  expect(readdirSync(folder)).toEqual(['file']);
});

test('a device stays one', () => {
  const link = join(folder, 'null');
  symlinkSync('/dev/null', link);
  writeWholeFile(link, 'text');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  writeWholeFile('/dev/null', 'text');
  expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
});

test('a link stays one, and what it points to is replaced', () => {
  const [link, target] = [join(folder, 'link'), join(folder, 'target')];
  writeFileSync(target, 'before');
  symlinkSync('target', link);
  writeWholeFile(link, 'after');
  expect([lstatSync(link).isSymbolicLink(), readFileSync(target, 'utf8')]).toEqual([true, 'after']);
});

test('a pipe is written to where somebody reads, and says where nobody does', () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  expect(() => writeWholeFile(pipe, 'text')).toThrow(expect.objectContaining({ code: 'ENXIO' }) as Error);
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    writeWholeFile(pipe, 'text');
    const bytes = Buffer.alloc(16);
    expect(bytes.toString('utf8', 0, readSync(reader, bytes))).toBe('text');
  } finally {
    closeSync(reader);
  }
  expect(lstatSync(pipe).isFIFO()).toBe(true);
});

test('a folder that does not exist is told of, and a folder is no file', () => {
  expect(() => writeWholeFile(join(folder, 'none/file'), '')).toThrow('ENOENT');
  expect(() => writeWholeFile(folder, '')).toThrow('EISDIR');
  expect(readdirSync(folder)).toEqual([]);
});
