import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';

import { recordingsOf, recordingText } from '../support/recordings';
import { replayCommand } from '../support/replayed-command';

// The tool as it is shipped: one file with V8's code cache, in a process of its own.

const ROOT = join(__dirname, '../../..');
const TOOL = join(ROOT, 'dist/lib/cli/bin/drbdsetup.js');
const BUNDLE = join(ROOT, 'dist/lib/tools/drbdsetup.js');
const SAMPLE = [
  '01-unconfigured/0009',
  '01-unconfigured/0039',
  '01-unconfigured/0046',
  '01-unconfigured/0071',
  '02-disk/0051',
  '02-disk/0152',
  '02-disk/0153',
  '03-net/0023',
  '03-net/0219',
  '05-pair/0003',
  '05-pair/0008',
  '05-pair/0036',
  '05-pair/0056',
  '05-pair/0169',
];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  execFileSync(join(ROOT, 'scripts/bundle'));
  // Newer than whatever was compiled.
  const now = new Date(Date.now() + 1000);
  utimesSync(BUNDLE, now, now);
}, 60_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test.each(SAMPLE)('%s', async (id) => {
  const captured = recordingsOf(`drbd-8.3.13/${id.split('/')[0] ?? ''}.jsonl`).find((candidate) => candidate.id === id);
  if (captured === undefined) throw new Error('there is no such recorded command');
  const file = join(folder, id.replace('/', '-'));
  writeFileSync(file, recordingText(captured));
  const { status, stdout, stderr } = spawnSync(process.execPath, [TOOL, ...captured.argv.slice(1)], {
    encoding: 'utf8',
    env: { ...captured.env, DRBD_REPLAY: file },
    timeout: 30_000,
  });
  const modules = await replayCommand(captured);
  expect({ exit: status, stdout, stderr }).toEqual({
    exit: modules.exit,
    stdout: modules.stdout,
    stderr: modules.stderr,
  });
});

test('the cache is one that this Node takes, and the bundle is ASCII', () => {
  const source = readFileSync(BUNDLE, 'latin1');
  // eslint-disable-next-line no-control-regex -- that is what ASCII is
  expect(source).toMatch(/^[\x00-\x7f]*$/u);
  const script = new Script(source, { filename: BUNDLE, cachedData: readFileSync(BUNDLE.replace(/\.js$/u, '.cache')) });
  expect(script.cachedDataRejected).toBe(false);
});
