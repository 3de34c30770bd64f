import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { recordingsOf, recordingText, type CapturedRecording } from '../support/recordings';
import { replayCommand } from '../support/replayed-command';

// The tool as the package carries it, in a process of its own.

const ROOT = join(__dirname, '../../..');
const PACKAGE = join(ROOT, 'dist/package');
const TOOL = join(PACKAGE, 'drbdsetup.js');
/** Of 8.3; of the others, the first of each command that succeeded, and that failed. */
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

function recorded(): readonly CapturedRecording[] {
  const seen = new Set<string>();
  const others = ['drbd-8.4.11/config', 'drbd-8.4.11/lifecycle', 'drbd-9.2.18/refusals', 'drbd-9.2.18/three-nodes'];
  return [
    ...SAMPLE.map((id) => {
      const [file = ''] = id.split('/');
      const captured = recordingsOf(`drbd-8.3.13/${file}.jsonl`).find((candidate) => candidate.id === id);
      if (captured === undefined) throw new Error(`${id} is not recorded`);
      return captured;
    }),
    ...others.flatMap((file) =>
      recordingsOf(`${file}.jsonl`).filter(({ argv: [program = '', command = ''], exit, endedBy }) => {
        if (!/drbdsetup(-84)?$/u.test(program) || typeof exit !== 'number' || endedBy !== undefined) return false;
        const kind = `${file.split('/')[0]} ${command} ${exit === 0}`;
        return !seen.has(kind) && seen.add(kind).size > 0;
      }),
    ),
  ];
}

test.each(recorded().map((captured) => [captured.id, captured] as const))('%s', async (id, captured) => {
  const file = join(folder, id.replaceAll('/', '-'));
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

const { runSample, SAMPLES } = createRequire(__filename)(join(ROOT, 'scripts/bundle.d/samples.js')) as {
  readonly SAMPLES: readonly Sample[];
  readonly runSample: (
    sample: Sample,
    place: string,
    folder: string,
  ) => {
    readonly files: readonly string[];
    readonly builtins: readonly string[];
  };
};
interface Sample {
  readonly group: string;
  readonly argv: readonly string[];
}

/** The files of modules that a command may read, and how many bytes at most: a start costs what V8 has to read. */
const READS: Readonly<Record<string, { readonly files: readonly string[]; readonly bytes: number }>> = {
  connector: { files: ['node-drbd.js', 'part-connector.js', 'part-connector-genl1.js'], bytes: 175_000 },
  genl1: {
    files: ['node-drbd.js', 'part-connector-genl1.js', 'part-genl1-drbd.js', 'part-genl1-genl2.js', 'part-genl1.js'],
    bytes: 267_000,
  },
  genl2: { files: ['node-drbd.js', 'part-genl1-genl2.js', 'part-genl2.js'], bytes: 227_000 },
  drbd: {
    files: ['node-drbd.js', 'part-connector.js', 'part-connector-genl1.js', 'part-drbd.js', 'part-genl1-drbd.js'],
    bytes: 224_000,
  },
};

test.each(SAMPLES.map((sample) => [sample.group, sample.argv.join(' '), sample] as const))(
  'a live command of %s reads what it needs: %s',
  (group, _words, sample) => {
    const { files, builtins } = runSample(sample, PACKAGE, folder);
    const { files: allowed = [], bytes = 0 } = READS[group] ?? {};
    // The network, its streams and the cipher cost as much as the command.
    expect(builtins.filter((name) => /^NativeModule (tty|net|crypto|perf_hooks|stream)$/u.test(name))).toEqual([]);
    expect(files.filter((file) => !allowed.includes(file))).toEqual([]);
    expect(files.reduce((sum, file) => sum + statSync(join(PACKAGE, file)).size, 0)).toBeLessThan(bytes);
  },
);
