import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { unconventional } from '../../lib/cli/drbd/metrics-table';
import { backendOver, drbd, eventually, startDrbd } from '../support/drbd-command';
import { bringLoopbackUp } from '../support/loopback';
import { SimulatedMirror } from '../support/simulated-mirror';

// Debian's Prometheus and its promtool read what drbd metrics tells.

const PROJECT = join(__dirname, '../../..');
let programs: string;
let mirror: SimulatedMirror;
let folder: string;
let server: ChildProcess | undefined;

beforeAll(() => {
  bringLoopbackUp();
  const root = execFileSync(join(PROJECT, 'scripts/kernel'), ['path', 'prometheus'], { encoding: 'utf8' }).trim();
  programs = join(root, 'usr/bin');
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  mirror = await SimulatedMirror.start();
  await mirror.mirror(true);
});

afterEach(() => {
  server?.kill('SIGKILL');
  mirror.close();
  rmSync(folder, { recursive: true });
});

test('promtool finds nothing but the names that are drbd-reactor’s own', async () => {
  const backend = backendOver(mirror.simulator.transport);
  const { stdout } = await drbd(backend, ['metrics']);
  backend.close();
  const { stderr } = spawnSync(join(programs, 'promtool'), ['check', 'metrics'], { input: stdout, encoding: 'utf8' });
  const complaints = stderr.split('\n').filter((line) => line !== '');
  expect(complaints.map((line) => line.split(' ')[0]).sort()).toEqual([...unconventional].sort());
});

test('a genuine Prometheus scrapes it', async () => {
  const backend = backendOver(mirror.simulator.transport);
  const exporter = startDrbd(backend, ['metrics', '--listen', '127.0.0.1:0']);
  await eventually(() => exporter.stderr().includes('listening at'));
  const port = /:(\d+)\/metrics/u.exec(exporter.stderr())?.[1] ?? '';
  const configuration = join(folder, 'prometheus.yml');
  writeFileSync(
    configuration,
    `scrape_configs:\n- job_name: drbd\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['127.0.0.1:${port}']\n`,
  );
  const web = '127.0.0.1:39090';
  server = spawn(
    join(programs, 'prometheus'),
    [`--config.file=${configuration}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=${web}`],
    { stdio: 'ignore' },
  );
  const query = async (text: string): Promise<string | undefined> => {
    try {
      const response = await fetch(`http://${web}/api/v1/query?query=${encodeURIComponent(text)}`);
      const { data } = (await response.json()) as {
        readonly data?: { readonly result: { value: [number, string] }[] };
      };
      return data?.result[0]?.value[1];
    } catch {
      // It has not begun to listen yet.
      return undefined;
    }
  };
  let told: string | undefined;
  while (told === undefined) {
    told = await query('drbd_resource_resources');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(told).toBe('2');
  expect(await query('drbd_resource_role{name="minor 0",drbd_resource_role="Primary"}')).toBe('1');
  expect(await query('up{job="drbd"}')).toBe('1');
  await exporter.stop();
  backend.close();
});
