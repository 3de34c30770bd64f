import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';

import { installPackage, placeAddon, platform, type InstalledPackage } from '../support/package';

/** The package as the Node that runs this test has it: in worker threads, and under the permission model. */
let installation: InstalledPackage;

beforeAll(() => {
  installation = installPackage();
  placeAddon(installation.installed, 'prebuilds', platform);
}, 120_000);

afterAll(() => installation.remove());

function run(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): { readonly status: number | null; readonly lines: readonly string[]; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd: installation.project,
    encoding: 'utf8',
    env: { ...process.env, NODE_DRBD_ADDON: '', ...environment },
    timeout: 60_000,
  });
  return { status, lines: stdout.trim().split('\n'), stderr };
}

function write(name: string, text: string): string {
  const file = join(installation.project, name);
  writeFileSync(file, text);
  return file;
}

describe('worker threads', () => {
  test('each has a client of its own, and what it reads can be posted to another thread', () => {
    const worker = write(
      'client-worker.cjs',
      `const { parentPort, workerData } = require('node:worker_threads');
       const { openDrbd, readBlockDevice } = require('node-drbd');
       const { createSimulator } = require('node-drbd/simulator');
       (async () => {
         const simulator = createSimulator({ disks: { '/dev/vg/r0': { sizeBytes: 1 << 26 } } });
         const drbd = await openDrbd({ dialect: 'connector', transport: simulator.transport });
         await drbd.request('disk_conf', { minor: workerData, createDevice: true, tags: { backing_dev: '/dev/vg/r0', meta_dev: '/dev/vg/r0', meta_dev_idx: -1 } });
         const events = drbd.events();
         const { value: first } = await events.next();
         await events.return();
         const native = readBlockDevice('/dev/null') === undefined;
         parentPort.postMessage({ native, kind: first.kind, snapshot: await drbd.status() });
         drbd.close();
         simulator.close();
       })();`,
    );
    const program = write(
      'workers.cjs',
      `const { Worker } = require('node:worker_threads');
       Promise.all([0, 1, 2].map((minor) => new Promise((resolve, reject) => {
         const worker = new Worker(${JSON.stringify(worker)}, { workerData: minor });
         let told;
         worker.on('message', (message) => { told = message; });
         worker.on('error', reject);
         worker.on('exit', (code) => resolve([code, told.native, told.kind, told.snapshot.resources[0].devices[0].minor, told.snapshot.resources[0].devices[0].disk].join()));
       }))).then((lines) => console.log(lines.join('\\n')));`,
    );
    expect(run([program])).toEqual({
      status: 0,
      lines: ['0,true,exists,0,Inconsistent', '0,true,exists,1,Inconsistent', '0,true,exists,2,Inconsistent'],
      stderr: '',
    });
  });

  test('a lock of one thread is held against the others, and is given back when the thread ends', () => {
    const lock = join(installation.project, 'lock');
    const worker = write(
      'lock-worker.cjs',
      `const { parentPort, workerData } = require('node:worker_threads');
       const { acquireLock } = require('node-drbd');
       acquireLock(workerData, { timeoutMs: 50 }).then(
         () => { parentPort.postMessage('held'); parentPort.once('message', () => process.exit()); },
         ({ code }) => { parentPort.postMessage(code); parentPort.unref(); },
       );`,
    );
    const program = write(
      'locks.cjs',
      `const { once } = require('node:events');
       const { Worker } = require('node:worker_threads');
       const { acquireLock } = require('node-drbd');
       (async () => {
         const file = ${JSON.stringify(lock)};
         const start = async () => {
           const worker = new Worker(${JSON.stringify(worker)}, { workerData: file });
           const [told] = await once(worker, 'message');
           console.log(told);
           return worker;
         };
         const first = await start();
         const second = await start();
         console.log(await acquireLock(file, { timeoutMs: 50 }).then(() => 'held', ({ code }) => code));
         const ended = once(first, 'exit');
         first.postMessage('end');
         await ended;
         console.log(await acquireLock(file, { timeoutMs: 20000 }).then(() => 'held', ({ code }) => code));
         await second.terminate();
       })();`,
    );
    expect(run([program])).toEqual({
      status: 0,
      lines: ['held', 'ERR_DRBD_LOCKED', 'ERR_DRBD_LOCKED', 'held'],
      stderr: '',
    });
  });
});

describe("Node's permission model", () => {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
  const script = `
    const { openDrbd, readBlockDevice } = require('node-drbd');
    const { createSimulator } = require('node-drbd/simulator');
    const attempt = (name, run) => Promise.resolve().then(run).then(String, ({ code, message }) => code + ' ' + message).then((text) => console.log(name + ': ' + text));
    (async () => {
      await attempt('simulator', async () => {
        const simulator = createSimulator({ disks: {} });
        const drbd = await openDrbd({ dialect: 'connector', transport: simulator.transport });
        const { resources } = await drbd.status();
        drbd.close();
        simulator.close();
        return resources.length;
      });
      await attempt('addon', () => readBlockDevice('/dev/null'));
      await attempt('kernel', async () => { const drbd = await openDrbd({ timeoutMs: 20000 }); drbd.close(); return drbd.dialect; });
    })();`;
  /** A driver, or that none was found: both say that all could be read. */
  const OPENED = /^kernel: (connector|genl1|genl2|ERR_DRBD_UNSUPPORTED no DRBD driver was found\. .*)$/u;
  const files = ['--allow-fs-read=/proc/drbd', '--allow-fs-read=/proc/self'];

  /** With what Node itself needs to load the program, and no more. */
  function restricted(flags: readonly string[], environment: NodeJS.ProcessEnv = {}): readonly string[] {
    const program = write('restricted.cjs', script);
    const { installed, project } = installation;
    const readable = [
      program,
      join(installed, 'dist') + sep,
      join(installed, 'package.json'),
      join(project, 'package.json'),
    ];
    const { status, lines, stderr } = run(
      [flag, ...readable.map((path) => `--allow-fs-read=${path}`), ...flags, program],
      environment,
    );
    expect({ status, stderr: stderr.replace(/^\(.*(Warning|trace-warnings).*\n/gmu, '') }).toEqual({
      status: 0,
      stderr: '',
    });
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe('simulator: 0');
    return lines;
  }

  test('a simulated kernel needs no permission but to read the package', () => {
    const [, addon, kernel] = restricted([]);
    const { installed } = installation;
    for (const line of [addon, kernel])
      expect(line).toMatch(/: ERR_DRBD_UNSUPPORTED .*permission model hides .*node_drbd\.node\. Start Node with /u);
    expect(addon).toContain(`--allow-fs-read=${installed}${sep} and --allow-addons`);
  });

  test('the addon needs --allow-addons, which the error says', () => {
    const [, addon] = restricted([`--allow-fs-read=${installation.installed}${sep}`]);
    expect(addon).toMatch(/^addon: ERR_DRBD_UNSUPPORTED .* Start Node with --allow-addons$/u);
  });

  test('a kernel needs two files of /proc besides, which the error says', () => {
    const flags = ['--allow-addons', `--allow-fs-read=${installation.installed}${sep}`];
    const [, addon, kernel] = restricted(flags);
    expect(addon).toBe('addon: undefined');
    expect(kernel).toMatch(/^kernel: ERR_DRBD_TRANSPORT .*ERR_ACCESS_DENIED/u);
    expect(kernel).toContain(files.join(' '));
    expect(restricted([...flags, ...files])[2]).toMatch(OPENED);
  });

  test('an addon that a variable names has to be readable too', () => {
    const folder = join(installation.project, 'elsewhere');
    mkdirSync(folder);
    const copy = placeAddon(folder);
    const environment = { NODE_DRBD_ADDON: copy };
    expect(restricted(['--allow-addons', ...files], environment)[1]).toMatch(/permission model hides .*elsewhere/u);
    const flags = ['--allow-addons', `--allow-fs-read=${copy}`, ...files];
    expect(restricted(flags, environment).slice(1)).toEqual(['addon: undefined', expect.stringMatching(OPENED)]);
    rmSync(folder, { recursive: true });
  });
});
