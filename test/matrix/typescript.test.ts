import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { installPackage, root, type InstalledPackage } from '../support/package';

/**
 * Programs that use the package, as each compiler that NODE_DRBD_COMPILERS names (folders, with colons between them)
 * sees it: scripts/matrix fetches them.
 */
const compilers = (process.env['NODE_DRBD_COMPILERS'] ?? '')
  .split(':')
  .filter((folder) => folder !== '')
  .map((folder) => {
    const file = join(folder, 'node_modules/typescript/package.json');
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string };
    return { version, major: Number(version.split('.')[0]), tsc: join(folder, 'node_modules/typescript/bin/tsc') };
  });

/** Each way to find modules, with a setting of `module` that goes with it; the last does not read `exports`. */
const resolutions = [
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
  { module: 'commonjs', moduleResolution: 'node10', until: 6 },
] as const;

const MAIN = `
import { openDrbd, KernelError, type Change, type Snapshot } from 'node-drbd';
export async function sample(): Promise<Snapshot> {
  const drbd = await openDrbd({ dialect: 'connector' });
  await drbd.request('primary', { minor: 0, tags: { primary_force: true } });
  await drbd.request('primary', { minor: 0, tags: { no_such_tag: true } }); // error
  const generic = await openDrbd({ dialect: 'genl1' });
  await generic.request('resume_io', { minor: 0 });
  await generic.request('attach', { minor: 0, disk_conf: { backing_dev: 5, meta_dev: 'b', meta_dev_idx: 0 } }); // error
  await generic.request('no_such_operation'); // error
  for await (const change of generic.events()) {
    if (change.kind === 'change' && change.object === 'device' && change.after?.disk === 'UpToDate') break;
    if (change.kind === 'change' && change.object === 'device' && change.after?.disk === 'UpToDat') break; // error
    const one: Change = change;
    void one;
  }
  try {
    return await drbd.status();
  } catch (error) {
    if (error instanceof KernelError) console.log(error.returnName.toUpperCase(), error.returnCode.toFixed());
    if (error instanceof KernelError) console.log(error.returnNam); // error
    throw error;
  }
}
`;
const SIMULATOR = `
import { createSimulator } from 'node-drbd/simulator';
import schema from 'node-drbd/snapshot.schema.json';
export const simulator = createSimulator({ disks: { '/dev/vg/r0': { sizeBytes: 1 << 30 } } });
export const title: string = schema.$schema;
createSimulator({ discs: {} }); // error
`;
const TESTING = `
/// <reference types="jest" />
import { eventually, withTestKernel } from 'node-drbd/testing';
import { matchers } from 'node-drbd/testing/jest';
expect.extend(matchers);
export const tried: Promise<string> = withTestKernel(async ({ drbd, simulator }) => {
  await expect(drbd).toReach('minor=0 disk=UpToDate');
  await expect(drbd).not.toReach('minor=0 disk=UpToDate', { timeoutMs: 5 });
  const once: void = await expect(drbd).toReach('minor=0', { timeoutMs: '5' }); // error
  await expect(drbd).toReech('minor=0'); // error
  const { resources } = await eventually(drbd, 'minor=0 disk=UpToDate', { refreshMs: 5 });
  await eventually(simulator, 'minor=0'); // error
  return resources[0]?.role ?? 'none';
});
`;

let installation: InstalledPackage;

beforeAll(() => {
  installation = installPackage();
  const { project } = installation;
  mkdirSync(join(project, 'node_modules/@types'));
  for (const name of ['@types/node', '@types/jest', 'undici-types'])
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
  writeFileSync(join(project, 'main.ts'), MAIN);
  writeFileSync(join(project, 'simulator.ts'), SIMULATOR);
  writeFileSync(join(project, 'testing.ts'), TESTING);
  // The same program as an ES module and as CommonJS, where the file decides.
  writeFileSync(join(project, 'main.mts'), MAIN);
}, 120_000);

afterAll(() => installation.remove());

interface Report {
  readonly status: number | null;
  /** `file(line)` of each error, once. */
  readonly errors: readonly string[];
  readonly output: string;
}

function compile(tsc: string, options: readonly string[], files: readonly string[]): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [tsc, '--noEmit', '--pretty', 'false', ...options, ...files], {
      cwd: installation.project,
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (status) => {
      const found = [...output.matchAll(/^([^\s(]+)\((\d+),\d+\): error /gmu)];
      resolve({
        status,
        errors: [...new Set(found.map(([, file, line]) => `${file ?? ''}(${line ?? ''})`))].sort(),
        output: output.slice(0, 2000),
      });
    });
  });
}

/** The lines of the programs that must not compile. */
function expected(files: readonly string[]): readonly string[] {
  return files
    .flatMap((file) =>
      readFileSync(join(installation.project, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => (line.endsWith('// error') ? [`${file}(${index + 1})`] : [])),
    )
    .sort();
}

test('there are three compilers at least', () => {
  expect(compilers.length).toBeGreaterThanOrEqual(3);
  for (const { tsc } of compilers) expect([tsc, existsSync(tsc)]).toEqual([tsc, true]);
});

const cases = compilers.flatMap(({ version, major, tsc }) =>
  resolutions
    .filter((resolution) => !('until' in resolution) || major <= resolution.until)
    .map((resolution) => ({ version, major, tsc, ...resolution })),
);

test.each(cases)(
  'TypeScript $version, --moduleResolution $moduleResolution',
  async ({ major, tsc, module, moduleResolution }) => {
    const files =
      moduleResolution === 'node10'
        ? ['main.ts']
        : moduleResolution === 'bundler'
          ? ['main.ts', 'simulator.ts', 'testing.ts']
          : ['main.ts', 'main.mts', 'simulator.ts', 'testing.ts'];
    const { errors, output } = await compile(
      tsc,
      [
        ...['--strict', '--exactOptionalPropertyTypes', '--resolveJsonModule', '--esModuleInterop'],
        ...['--target', 'es2022', '--types', 'node', '--module', module, '--moduleResolution', moduleResolution],
        // The declarations are checked themselves once a compiler.
        ...(moduleResolution === 'nodenext' ? [] : ['--skipLibCheck']),
        ...(moduleResolution === 'node10' && major === 6 ? ['--ignoreDeprecations', '6.0'] : []),
      ],
      files,
    );
    expect({ errors, output: errors.length === 0 ? output : '' }).toEqual({ errors: expected(files), output: '' });
  },
);
