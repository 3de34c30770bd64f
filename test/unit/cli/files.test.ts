import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOutput, readFirstLine, readRegularFile } from '../../../lib/cli/files';
import { readLastKnown, writeLastKnown } from '../../../lib/cli/drbdsetup';

const MODULE = join(__dirname, '../../../lib/cli/files.js');
/** What hangs is ended then. */
const LIMIT_MS = 60_000;

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  path = join(folder, 'drbd-minor-0.lkbd');
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Calls a function in a process of its own, as it might not come back. @returns what it threw */
function inProcess(call: string): string {
  const script = `const files = require(${JSON.stringify(MODULE)}); try { console.log(files.${call}); } catch ({ code }) { console.log(code); }`;
  const { stdout, signal } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: LIMIT_MS });
  return signal ?? stdout.trim();
}

test('a FIFO among the notes is neither waited for nor replaced', () => {
  execFileSync('mkfifo', [path]);
  expect(inProcess(`readRegularFile(${JSON.stringify(path)})`)).toBe('EINVAL (not a regular file)');
  expect(() => {
    writeLastKnown(path, { sizeBytes: 1n, device: undefined, uuid: undefined });
  }).toThrow(/not a regular file/u);
  expect(lstatSync(path).isFIFO()).toBe(true);
});

test('what lies where a note is prepared is not written to', () => {
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'untouched');
  symlinkSync(victim, `${path}.${process.pid}.new`);
  const known = { sizeBytes: 4096n, device: '/dev/x', uuid: undefined };
  expect(() => writeLastKnown(path, known)).toThrow(/EEXIST/u);
  expect(readFileSync(victim, 'utf8')).toBe('untouched');
  rmSync(`${path}.${process.pid}.new`);
  writeLastKnown(path, known);
  expect(readLastKnown(path)).toEqual(known);
});

test('regular files are read whole', () => {
  writeFileSync(path, 'text');
  expect(readRegularFile(path)).toBe('text');
});

test('output to a FIFO that nobody reads is an error, and one that is read gets it', async () => {
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  expect(inProcess(`openOutput(${JSON.stringify(fifo)}, 0o600)`)).toBe('ENXIO');
  const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  reader.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = once(reader, 'close');
  let file: number | undefined;
  while (file === undefined) {
    try {
      file = openOutput(fifo, 0o600);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  writeSync(file, 'text');
  closeSync(file);
  await ended;
  expect(text).toBe('text');
});

test('output is emptied first, and special files stay what they are', () => {
  writeFileSync(path, 'what was there');
  const file = openOutput(path, 0o600);
  writeSync(file, 'new');
  closeSync(file);
  expect(readFileSync(path, 'utf8')).toBe('new');
  closeSync(openOutput('/dev/null', 0o600));
  expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
});

test('a first line ends, whatever it is read from', () => {
  expect(readFirstLine('/dev/zero').length).toBe(65_536);
  writeFileSync(path, 'first\nsecond\n');
  expect(readFirstLine(path).toString()).toMatch(/^first\n/u);
});
