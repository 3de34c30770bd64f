import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { transformSync } from 'esbuild';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { installPackage, placeAddon, platform } from '../support/package';
import { pictures } from '../support/pictures';
import { recordingsOf, recordingText } from '../support/recordings';
import { plainEnvironment } from '../support/sockets';

/**
 * What the documents say is run: each program in docs/ and examples/ against a simulated pair of nodes (world.cjs), each
 * shell command as far as it can be without a cluster, each link.
 */
const root = join(__dirname, '../../..');
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'examples/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

interface Block {
  readonly document: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** What follows the language: `skip: REASON` for what must not be run, `kernel` for what test/kernel runs. */
  readonly info: string;
  /** What happens while it runs: the comment before it names it. */
  readonly world: string;
}

function blocksOf(document: string): readonly Block[] {
  const text = read(document);
  return [...text.matchAll(/(?:<!-- world: ([\w ]+) -->\n\n)?```(\w*)(?: ([^\n]*))?\n([^]*?)```/gu)].map(
    ({ 1: world = 'nothing', 2: language = '', 3: info = '', 4: body = '', index }) => ({
      document,
      line: text.slice(0, index).split('\n').length,
      language,
      text: body,
      info,
      world,
    }),
  );
}

const blocks = documents.flatMap(blocksOf);
let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'node-drbd-docs-'));
  const folder = join(project, 'node_modules/node-drbd');
  mkdirSync(folder, { recursive: true });
  const namesOf = (file: string): string => {
    const script = 'console.log(Object.keys(require(process.argv[1])).filter((name) => name !== "__esModule").join())';
    return spawnSync(process.execPath, ['-e', script, join(root, 'dist/package', file)], {
      encoding: 'utf8',
    }).stdout.trim();
  };
  // Node reads the names of the exports from the text.
  const world = readFileSync(join(root, 'test/docs/world.cjs'), 'utf8');
  writeFileSync(join(folder, 'index.js'), `${world}\n0 && (module.exports = { ${namesOf('index.js')} });\n`);
  for (const file of ['simulator.js', 'testing.js'])
    writeFileSync(
      join(folder, file),
      `module.exports = require(${JSON.stringify(join(root, 'dist/package', file))});\n0 && (module.exports = { ${namesOf(file)} });\n`,
    );
  const { exports } = JSON.parse(read('package.json')) as {
    readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  };
  const entries = Object.entries(exports).flatMap(([name, entry]) =>
    typeof entry === 'string' ? [] : [[name, entry.default.replace('dist/package/', '')] as const],
  );
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'node-drbd', exports: Object.fromEntries(entries) }),
  );
  for (const name of readdirSync(join(root, 'examples')))
    copyFileSync(join(root, 'examples', name), join(project, name));
}, 60_000);

afterAll(() => rmSync(project, { recursive: true }));

function run(
  argv: readonly string[],
  world = 'nothing',
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, {
      cwd: project,
      env: { ...process.env, DOCS_PACKAGE: root, DOCS_WORLD: world },
      timeout: 110_000,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

test('documents have programs, commands and plain text only', () => {
  expect(blocks.length).toBeGreaterThan(10);
  const languages = new Set(blocks.map(({ language }) => language));
  // A bare fence is a picture or a listing.
  for (const language of languages) expect(['', 'js', 'ts', 'sh', 'text']).toContain(language);
});

// The program and the test in README.md run in test/kernel/readme.test.ts and test/unit/readme.test.ts.
test.each(blocks.filter(({ language, document }) => language === 'js' && document !== 'README.md'))(
  'the program at $document:$line runs',
  async ({ document, line, text, world }) => {
    const file = join(project, `${document.replaceAll('/', '-')}-${line}.mjs`);
    writeFileSync(file, text);
    const { status, stdout, stderr } = await run([file], world);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trim()).not.toBe('');
  },
);

/** What the programs of the package print of themselves. */
function help(program: string): string {
  const file =
    { 'node-drbdsetup': 'drbdsetup', drbdsetup: 'drbdsetup', 'node-drbd-kernel': 'kernel' }[program] ?? program;
  const argv = [join(root, 'dist/package', `${file}.js`), '--help'];
  const { stdout, status } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  expect([program, status]).toEqual([program, 0]);
  return stdout;
}

const commands = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ document, line, text }) =>
    text
      .trim()
      .split('\n')
      .map((command) => ({ document, line, command })),
  );

test.each(commands)('$document:$line: $command', ({ command }) => {
  const { status, stderr } = spawnSync('bash', ['-n', '-c', command], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const words = command.replace(/#.*$/u, '').trim().split(/\s+/u);
  for (const word of words.filter((candidate) => /^(scripts|node_modules\/node-drbd|native)\//u.test(candidate)))
    expect([word, existsSync(join(root, word.replace('node_modules/node-drbd/', '')))]).toEqual([word, true]);
  const at = words.findIndex((word) => ['drbd', 'drbdsetup', 'node-drbdsetup', 'node-drbd-kernel'].includes(word));
  if (at === -1 || words[0] === 'drbdadm') return;
  const own = words.slice(at + 1, words.includes('--') ? words.indexOf('--') : undefined);
  const text = help(words[at] ?? '');
  const [first = ''] = own.filter((word) => !word.startsWith('--'));
  if (/^[a-z][a-z0-9-]+$/u.test(first)) expect(text).toContain(first);
  // A command's own options stand in its help; those before it are the program's.
  for (const word of own.slice(0, own.indexOf(first) + 1)) if (word.startsWith('--')) expect(text).toContain(word);
});

describe('commands are run', () => {
  const shell = blocks.filter(({ language }) => language === 'sh');
  const skipped = shell.filter(({ info }) => info.startsWith('skip: '));
  const inKernel = shell.filter(({ info }) => info === 'kernel');
  const here = shell.filter(({ info }) => info === '');

  test('all of them, but for those that say why not', () => {
    expect([...skipped, ...inKernel, ...here]).toHaveLength(shell.length);
    for (const { info } of skipped) expect(info.length).toBeGreaterThan('skip: a reason of some words'.length);
    // A new one has to be counted here, and a reviewer asks why it is not run.
    expect(skipped.map(({ document }) => document)).toEqual([
      ...['README.md', 'docs/install.md', 'docs/install.md', 'docs/install.md'],
      ...['docs/replace-drbdsetup.md', 'docs/replace-drbdsetup.md', 'docs/replace-drbdsetup.md', 'docs/testing.md'],
    ]);
    expect(inKernel).toHaveLength(1);
  });

  /**
   * The blocks of a document are run one after the other, by one shell, in namespaces of their own: what is put into
   * /usr/local goes away with it. `npm install node-drbd` takes the package that is built here; a recording answers.
   */
  test.each([...new Set(here.map(({ document }) => document))])(
    '%s',
    (document) => {
      const installation = installPackage();
      try {
        placeAddon(installation.installed, 'prebuilds', platform);
        const folder = join(installation.project, 'reader');
        mkdirSync(folder);
        const captured = recordingsOf('drbd-8.4.11/lifecycle.jsonl').find(
          ({ argv, exit }) => exit === 0 && argv.slice(1).join(' ') === 'status',
        );
        if (captured === undefined) throw new Error('nothing was recorded');
        writeFileSync(join(installation.project, 'recording'), recordingText(captured));
        const mine = here.filter((block) => block.document === document);
        const script = [
          'set -eu',
          // What the machine has there, Node itself perhaps, stays in reach.
          'mkdir machine',
          'mount --rbind /usr/local machine',
          'mount -t tmpfs tmpfs /usr/local',
          'mkdir /usr/local/bin /usr/local/lib /usr/local/sbin',
          'npm() { command npm --offline --no-audit --no-fund --loglevel=error "${@/#node-drbd/$TARBALL}"; }',
          ...mine.flatMap(({ line, text }) => [`echo "line ${line}"`, text]),
          'echo done',
        ].join('\n');
        const { status, stdout, stderr } = spawnSync(join(root, 'scripts/apart'), ['--mount', 'bash', '-c', script], {
          cwd: folder,
          encoding: 'utf8',
          timeout: 110_000,
          env: {
            ...plainEnvironment(),
            PATH: `/usr/local/sbin:/usr/local/bin:${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin:${join(folder, 'machine/bin')}`,
            HOME: folder,
            TARBALL: installation.tarball,
            npm_config_prefix: '/usr/local',
            npm_config_cache: join(installation.project, 'cache'),
            DRBD_REPLAY: join(installation.project, 'recording'),
          },
        });
        expect([status, stderr, stdout]).toEqual([0, expect.any(String), expect.stringMatching(/done\n$/u)]);
      } finally {
        installation.remove();
      }
    },
    120_000,
  );
});

test.each(documents)('the links of %s lead to files', (document) => {
  for (const [, target = ''] of read(document).matchAll(/\]\(([^)\s]+)\)/gu)) {
    // README.md is read where there is no repository, too.
    const own = /^https:\/\/github\.com\/node-drbd\/node-drbd\/tree\/main\/(.*)$/u.exec(target)?.[1];
    if (own === undefined && /^https?:/u.test(target)) continue;
    const [path = '', anchor] = (own ?? target).split('#');
    const file = path === '' ? document : own === undefined ? join(dirname(document), path) : path;
    expect([document, target, existsSync(join(root, file))]).toEqual([document, target, true]);
    if (anchor === undefined) continue;
    const titles = [...read(file).matchAll(/^#+ (.*)$/gmu)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w -]/gu, '')
        .replaceAll(' ', '-'),
    );
    expect(titles).toContain(anchor);
  }
});

test('the pictures are what the commands print (scripts/pictures draws them), and README.md shows each', async () => {
  const drawn = await pictures();
  expect(readdirSync(join(root, 'docs/pictures')).sort()).toEqual(Object.keys(drawn).sort());
  for (const [name, text] of Object.entries(drawn)) {
    expect([name, read(`docs/pictures/${name}`) === text]).toEqual([name, true]);
    expect(read('README.md')).toContain(`](docs/pictures/${name})`);
  }
});

describe('examples', () => {
  test('each is named in examples/README.md', () => {
    const names = readdirSync(join(root, 'examples')).filter((name) => name !== 'README.md');
    for (const name of names) expect(read('examples/README.md')).toContain(name);
  });

  test('monitor.mjs prints lines of JSON: what exists, then what changes', async () => {
    const { status, stdout, stderr } = await run(['monitor.mjs', '2'], 'roles');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const kinds = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { readonly kind: string }).kind);
    expect(kinds.slice(0, 6)).toEqual(['exists', 'exists', 'exists', 'exists', 'exists', 'ready']);
    expect(kinds.slice(6).filter((kind) => kind === 'change')).toHaveLength(2);
  });

  test('split-brain-webhook.mjs posts what the kernel found', async () => {
    const posted: string[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        posted.push(body);
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { status, stderr } = await run(['split-brain-webhook.mjs', `http://127.0.0.1:${port}/`, '1'], 'split brain');
    server.close();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(posted[0] ?? '')).toMatchObject({
      helper: expect.stringMatching(/^(initial-)?split-brain$/u) as string,
      key: { minor: 0 },
    });
  });

  test('rolling-resync.mjs resynchronises and waits', async () => {
    expect(await run(['rolling-resync.mjs'])).toEqual({
      status: 0,
      stdout: 'minor 0: resynchronising\nminor 0: up to date\n',
      stderr: '',
    });
  });

  test('promote.test.cjs passes in jest, and so do the tests in the guides', async () => {
    const inGuides = blocks.filter(({ language, document }) => language === 'ts' && document !== 'README.md');
    expect(inGuides.length).toBeGreaterThan(0);
    for (const { document, line, text } of inGuides)
      writeFileSync(
        join(project, `${document.replaceAll('/', '-')}-${line}.test.cjs`),
        transformSync(text, { loader: 'ts', format: 'cjs' }).code,
      );
    writeFileSync(join(project, 'jest.config.json'), '{ "testMatch": ["<rootDir>/*.test.cjs"], "transform": {} }');
    const jest = join(root, 'node_modules/jest/bin/jest.js');
    const { status, stderr } = await run([
      jest,
      '--rootDir',
      project,
      '--ci',
      '--cacheDirectory',
      join(project, 'jest'),
    ]);
    expect([status, stderr]).toEqual([0, expect.stringContaining(`${1 + inGuides.length} passed`)]);
  });

  test('genuine-kernel.yml runs a program of the package, with options that it has', () => {
    const [, program = '', words = ''] = /npx (\S+) (.*)$/mu.exec(read('examples/genuine-kernel.yml')) ?? [];
    const { bin } = JSON.parse(read('package.json')) as { readonly bin: Readonly<Record<string, string>> };
    expect(Object.keys(bin)).toContain(program);
    for (const option of words.split(' -- ')[0]?.split(' ') ?? []) expect(help(program)).toContain(option);
  });
});

describe('the reference', () => {
  test('is what scripts/reference writes', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/reference'), '--check'], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('has every exported name', () => {
    const script = `
      const names = (file) => Object.keys(require(file)).filter((name) => name !== '__esModule');
      console.log(JSON.stringify(['index', 'simulator', 'testing'].flatMap((name) => names(process.argv[1] + '/' + name))));`;
    const { stdout } = spawnSync(process.execPath, ['-e', script, join(root, 'dist/package')], { encoding: 'utf8' });
    const names = JSON.parse(stdout) as readonly string[];
    expect(names.length).toBeGreaterThan(40);
    const titles = (file: string): ReadonlySet<string> =>
      new Set([...read(`docs/reference/${file}`).matchAll(/^#+ (\S+)/gmu)].map(([, title = '']) => title));
    const api = titles('api.md');
    expect(names.filter((name) => !api.has(name))).toEqual([]);
  });
});
