import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { plainEnvironment } from '../support/sockets';

/** The package as npm publishes it, unpacked into a project that uses it: no install script has run. */
const root = join(__dirname, '../../..');
const addon = process.env['NODE_DRBD_ADDON'] ?? join(root, 'build/Release/node_drbd.node');
const platform = `${process.platform}-${process.arch}`;

let project: string;
let installed: string;
let files: readonly string[];

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  installed = join(project, 'node_modules/node-drbd');
  mkdirSync(installed, { recursive: true });
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
    cwd: root,
    encoding: 'utf8',
    env: {
      ...plainEnvironment(),
      npm_config_cache: join(project, 'cache'),
      npm_config_loglevel: 'error',
      npm_config_update_notifier: 'false',
    },
  });
  const [packed] = JSON.parse(output) as readonly {
    readonly filename: string;
    readonly files: readonly { readonly path: string }[];
  }[];
  if (packed === undefined) throw new Error('nothing was packed');
  files = packed.files.map(({ path }) => path);
  execFileSync('tar', ['-xzf', join(project, packed.filename), '-C', installed, '--strip-components=1']);
  rmSync(join(installed, 'prebuilds'), { recursive: true, force: true });
}, 60_000);

afterAll(() => rmSync(project, { recursive: true }));

/** Runs a line of JavaScript as a user of the package. */
function use(
  script: string,
  environment: NodeJS.ProcessEnv = {},
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, NODE_DRBD_ADDON: '', ...environment },
  });
  return { status, stdout: stdout.trim(), stderr };
}

const LOAD =
  "try { const { readBlockDevice } = require('node-drbd'); readBlockDevice('/dev/null'); console.log('loaded', Object.keys(require.cache).find((path) => path.endsWith('.node'))); } catch ({ code, message }) { console.log(code, message); }";

test('holds what a user needs, and no more', () => {
  for (const path of [
    'dist/lib/index.js',
    'dist/lib/index.d.ts',
    'lib/index.ts',
    'lib/drbd/model/snapshot.schema.json',
    'native/addon.cc',
    'native/socket.h',
    'binding.gyp',
    'scripts/install.js',
    'package.json',
    'LICENSE',
  ])
    expect(files).toContain(path);
  // Everything that binding.gyp compiles, and what that includes.
  for (const name of readdirSync(join(root, 'native'))) expect(files).toContain(`native/${name}`);
  expect(
    files.filter(
      (path) =>
        !/^(dist\/lib|lib|native|prebuilds)\/|^(binding\.gyp|scripts\/install\.js|package\.json|LICENSE|README\.md|CHANGELOG\.md)$/.test(
          path,
        ),
    ),
  ).toEqual([]);
});

test('both require and import give the same names, without loading the addon', () => {
  const script =
    "const names = Object.keys(require('node-drbd')).sort().join(); import('node-drbd').then((module) => { const imported = Object.keys(module).filter((name) => name !== 'default' && name !== 'module.exports' && name !== '__esModule').sort().join(); console.log(names === imported, names.includes('openDrbd'), Object.keys(require.cache).some((path) => path.endsWith('.node'))); })";
  expect(use(script)).toEqual({ status: 0, stdout: 'true true false', stderr: '' });
});

test('finds the shipped addon', () => {
  const folder = join(installed, 'prebuilds', platform);
  mkdirSync(folder, { recursive: true });
  copyFileSync(addon, join(folder, 'node_drbd.node'));
  expect(use(LOAD)).toEqual({ status: 0, stdout: `loaded ${join(folder, 'node_drbd.node')}`, stderr: '' });
  // Whoever has built one here wanted it, or could not load the shipped one.
  const built = join(installed, 'build/Release');
  mkdirSync(built, { recursive: true });
  copyFileSync(addon, join(built, 'node_drbd.node'));
  expect(use(LOAD).stdout).toBe(`loaded ${join(built, 'node_drbd.node')}`);
  rmSync(join(installed, 'build'), { recursive: true });
});

test('says where it looked, what happened there and what to do, if there is none that loads', () => {
  const folder = join(installed, 'prebuilds', platform);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'node_drbd.node'), 'made for something else');
  const { status, stdout } = use(LOAD);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ERR_DRBD_UNSUPPORTED /);
  for (const part of [
    platform,
    `Node ${process.versions.node}`,
    join(installed, 'build/Release/node_drbd.node: not there'),
    `${join(folder, 'node_drbd.node')}: `,
    'npm rebuild node-drbd',
  ])
    expect(stdout).toContain(part);
  expect(use(LOAD, { NODE_DRBD_ADDON: '/nowhere/at.all' }).stdout).toContain('/nowhere/at.all: not there');
});
