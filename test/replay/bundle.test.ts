import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { recordingsOf, recordingText } from '../support/recordings';
import { replayCommand } from '../support/replayed-command';

// The tool as the package carries it, in a process of its own.

const ROOT = join(__dirname, '../../..');
const PACKAGE = join(ROOT, 'dist/package');
const TOOL = join(PACKAGE, 'drbdsetup.js');
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

test('the code is ASCII, so that each Node keeps it in bytes, and the same each time', () => {
  const read = (): readonly (readonly [string, string])[] =>
    readdirSync(PACKAGE)
      .filter((name) => name.endsWith('.js'))
      .map((name) => [name, readFileSync(join(PACKAGE, name), 'latin1')]);
  const files = read();
  // eslint-disable-next-line no-control-regex -- that is what ASCII is
  for (const [, text] of files) expect(text).toMatch(/^[\x00-\x7f]*$/u);
  execFileSync(join(ROOT, 'scripts/bundle'));
  expect(read()).toEqual(files);
});

test('a command loads its own dialect, and no other part', () => {
  const list = (argv: readonly string[]): readonly string[] => {
    const { stdout } = spawnSync(
      process.execPath,
      [
        '-e',
        `process.argv.splice(1, 0, 'drbdsetup'); process.on('exit', () => process.stdout.write('\\n' + Object.keys(require.cache).filter((path) => path.startsWith(${JSON.stringify(PACKAGE)})).map((path) => path.slice(${PACKAGE.length + 1})).sort().join(' '))); require(${JSON.stringify(join(PACKAGE, 'node-drbd.js'))})('cli/bin/start').drbdsetup();`,
        '--',
        ...argv,
      ],
      { encoding: 'utf8', env: { ...process.env, DRBD_REPLAY: '' } },
    );
    return (stdout.split('\n').at(-1) ?? '').split(' ');
  };
  expect(list(['--dialect', 'connector', '--timeout', '0.001', '0', 'cstate'])).toEqual([
    'node-drbd.js',
    'part-connector-shared.js',
    'part-connector.js',
  ]);
});
