import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

import { addon, installPackage, placeAddon, platform, root, type InstalledPackage } from '../support/package';
import { plainEnvironment } from '../support/sockets';

interface PackageJson {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies?: unknown;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin: Readonly<Record<string, string>>;
}

let project: string;
let tarball: string;
let installed: string;
let files: InstalledPackage['files'];
let remove: () => void;

beforeAll(() => {
  execFileSync(join(root, 'scripts/bundle'));
  ({ project, tarball, installed, files, remove } = installPackage());
}, 60_000);

afterAll(() => remove());

function run(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, NODE_DRBD_ADDON: '', ...environment },
    timeout: 30_000,
  });
  return { status, stdout: stdout.trim(), stderr };
}

/** Runs a line of JavaScript as a user of the package. */
const use = (script: string, environment: NodeJS.ProcessEnv = {}) => run(['-e', script], environment);

const packageJson = () => JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as PackageJson;

const LOAD =
  "try { const { readBlockDevice } = require('node-drbd'); readBlockDevice('/dev/null'); console.log('loaded', /\\S+\\.node$/m.exec(require('fs').readFileSync('/proc/self/maps', 'utf8'))?.[0]); } catch ({ code, message }) { console.log(code, message); }";

/** Puts the addon where the package has it. */
const place = (...folder: readonly string[]) => placeAddon(installed, ...folder);

test('holds what a user needs, once, and no more', () => {
  const paths = files.map(({ path }) => path);
  const { exports, bin } = packageJson();
  const named = [
    ...Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? entry : Object.values(entry))),
  ];
  for (const path of [...named, ...Object.values(bin)]) expect(paths).toContain(path.replace(/^\.\//u, ''));
  // All that native/build.js compiles, by the list that it is compiled from.
  const gyp = readFileSync(join(root, 'native/binding.gyp'), 'utf8');
  const sources = [...gyp.matchAll(/'([\w-]+\.cc)'/gu)].map(([, name]) => `native/${name ?? ''}`);
  expect(sources.length).toBeGreaterThan(3);
  expect(paths).toEqual(expect.arrayContaining(sources));
  expect(
    paths.filter(
      (path) =>
        !/^(dist\/package\/[\w.-]+\.(js|json)|dist\/package\/man\/[\w-]+\.8\.gz|dist\/package\/kernel\.d\/(guest|carry|xstate\.c)|dist\/package\/types\/.+\.d\.ts|native\/([\w-]+\.(cc|h)|binding\.gyp|build\.js)|prebuilds\/linux-(x64|arm64)\/node_drbd\.node|package\.json|LICENSE|README\.md|SECURITY\.md)$/u.test(
          path,
        ),
    ),
  ).toEqual([]);
  const unpacked = files.reduce((sum, { path, size }) => sum + (path.startsWith('prebuilds/') ? 0 : size), 0);
  // With room for the two binaries.
  expect(unpacked).toBeLessThan(1_500_000 - 172_000);
});

test('installs without a script, a compiler or another package', () => {
  const { scripts, dependencies } = packageJson();
  for (const name of ['preinstall', 'install', 'postinstall']) expect(scripts).not.toHaveProperty(name);
  expect(dependencies).toBeUndefined();
  // npm would run node-gyp for a binding.gyp here.
  expect(existsSync(join(installed, 'binding.gyp'))).toBe(false);
});

test('npm pack in the working folder refuses, for what lies there may be old', () => {
  const { status, stderr } = spawnSync('npm', ['pack', '--dry-run'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...plainEnvironment(), npm_config_update_notifier: 'false' },
  });
  expect(status).not.toBe(0);
  expect(stderr).toContain('scripts/release');
});

test('both require and import give the same names, without loading the addon', () => {
  const script =
    "const names = Object.keys(require('node-drbd')).sort().join(); import('node-drbd').then((module) => { const imported = Object.keys(module).filter((name) => name !== 'default' && name !== 'module.exports' && name !== '__esModule').sort().join(); console.log(names === imported, names.includes('openDrbd'), Object.keys(require.cache).some((path) => path.endsWith('.node'))); })";
  expect(use(script)).toEqual({ status: 0, stdout: 'true true false', stderr: '' });
  const named =
    "import { openDrbd, KernelError } from 'node-drbd'; import { createSimulator } from 'node-drbd/simulator'; console.log(typeof openDrbd, KernelError.name, typeof createSimulator);";
  expect(run(['--input-type=module', '-e', named])).toEqual({
    status: 0,
    stdout: 'function KernelError function',
    stderr: '',
  });
});

test('finds the prebuilt addon, and prefers one that was compiled in the package', () => {
  const prebuilt = place('prebuilds', platform);
  expect(use(LOAD)).toEqual({ status: 0, stdout: `loaded ${prebuilt}`, stderr: '' });
  const built = place('native/build/Release');
  expect(use(LOAD).stdout).toBe(`loaded ${built}`);
  // One of another machine does not stand in the way.
  writeFileSync(built, 'made for something else');
  expect(use(LOAD).stdout).toBe(`loaded ${prebuilt}`);
  rmSync(join(installed, 'native/build'), { recursive: true });
});

test('says what failed and which command helps, if there is none that loads', () => {
  const command = `"node ${join(installed, 'native/build.js')}"`;
  rmSync(join(installed, 'prebuilds'), { recursive: true, force: true });
  const missing = use(LOAD).stdout;
  expect(missing).toMatch(/^ERR_DRBD_UNSUPPORTED /u);
  for (const part of [
    `there is none for ${platform}`,
    join(installed, 'prebuilds', platform),
    command,
    'no install script',
  ])
    expect(missing).toContain(part);
  const broken = place('prebuilds', platform);
  writeFileSync(broken, 'made for something else');
  const { stdout } = use(LOAD);
  expect(stdout).toMatch(/^ERR_DRBD_UNSUPPORTED /u);
  for (const part of [platform, `Node ${process.versions.node}`, `${broken} cannot be loaded`, command])
    expect(stdout).toContain(part);
  expect(use(LOAD, { NODE_DRBD_ADDON: '/nowhere/at.all' }).stdout).toContain(
    '/nowhere/at.all, which NODE_DRBD_ADDON names, is not there',
  );
  expect(use(LOAD, { NODE_DRBD_ADDON: addon }).stdout).toBe(`loaded ${addon}`);
});

test('on another system all but a kernel works, and opening one says that it needs Linux', () => {
  const prebuilt = place('prebuilds', platform);
  expect(existsSync(prebuilt)).toBe(true);
  const script = `
    Object.defineProperty(process, 'platform', { value: 'darwin' });
    const { openDrbd, readBlockDevice, nativeTransport } = require('node-drbd');
    const { createSimulator } = require('node-drbd/simulator');
    (async () => {
      for (const open of [() => openDrbd({ dialect: 'genl1', transport: nativeTransport() }), () => readBlockDevice('/dev/null')])
        await Promise.resolve().then(open).then(() => console.log('opened'), ({ code, message }) => console.log(code, message.includes('on Linux only, and this is darwin')));
      const simulator = createSimulator({ disks: {} });
      const drbd = await openDrbd({ dialect: 'connector', transport: simulator.transport });
      console.log((await drbd.status()).resources.length);
      drbd.close();
      simulator.close();
    })();`;
  expect(use(script)).toEqual({
    status: 0,
    stdout: 'ERR_DRBD_UNSUPPORTED true\nERR_DRBD_UNSUPPORTED true\n0',
    stderr: '',
  });
});

describe('in a bundle of esbuild', () => {
  const source =
    "import { openDrbd, readBlockDevice } from 'node-drbd'; import { createSimulator } from 'node-drbd/simulator'; const simulator = createSimulator({ disks: {} }); const drbd = await openDrbd({ dialect: 'connector', transport: simulator.transport }); console.log((await drbd.status()).resources.length); drbd.close(); simulator.close(); try { readBlockDevice('/dev/null'); console.log('loaded'); } catch ({ code, message }) { console.log(code, message); }";
  let trap: string;

  /** Three folders deep, with what looks like the addon in every folder around it. */
  function bundle(name: string, format: 'cjs' | 'esm', external: readonly string[]): string {
    const outfile = join(trap, 'one/two/three', name);
    buildSync({
      stdin: {
        contents:
          format === 'esm'
            ? source
            : `(async () => {${source.replace(/import (\{[^}]+\}) from ('[^']+')/gu, 'const $1 = require($2)')}})()`,
        resolveDir: project,
      },
      bundle: true,
      platform: 'node',
      format,
      outfile,
      external: [...external],
      logLevel: 'error',
      // As esbuild's own documentation has it for CommonJS in ES modules.
      ...(format === 'esm'
        ? {
            banner: {
              js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
            },
          }
        : {}),
    });
    return outfile;
  }

  beforeAll(() => {
    trap = join(project, 'trap');
    for (const folder of ['', 'one', 'one/two', 'one/two/three']) {
      for (const place of ['build/Release', 'native/build/Release', `prebuilds/${platform}`]) {
        mkdirSync(join(trap, folder, place), { recursive: true });
        copyFileSync(addon, join(trap, folder, place, 'node_drbd.node'));
      }
    }
    place('prebuilds', platform);
  });

  test.each([
    ['cjs', 'app.cjs'],
    ['esm', 'app.mjs'],
    // The name that the file has in the package.
    ['cjs', 'node-drbd.js'],
  ] as const)('as %s (%s) it runs, and looks for native code nowhere around itself', (format, name) => {
    const file = bundle(name, format, []);
    const { status, stdout, stderr } = run([file]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^0\nERR_DRBD_UNSUPPORTED .*was bundled into another program.*--external:node-drbd/su);
    expect(run([file], { NODE_DRBD_ADDON: addon }).stdout).toBe('0\nloaded');
  });

  test('kept external it works', () => {
    expect(run([bundle('external.mjs', 'esm', ['node-drbd', 'node-drbd/*'])]).stdout).toBe('0\nloaded');
  });
});

test('publint and attw find nothing to say about it', () => {
  for (const [tool, ...options] of [
    ['publint', '--strict'],
    // TypeScript's oldest resolution knows no exports of a package; nothing that runs on Node 20 needs it.
    ['attw', '--profile', 'node16', '--no-emoji'],
  ] as const) {
    const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', tool), [...options, tarball], {
      cwd: root,
      encoding: 'utf8',
    });
    expect({ tool, status, output: status === 0 ? '' : stdout + stderr }).toEqual({ tool, status: 0, output: '' });
  }
}, 60_000);
