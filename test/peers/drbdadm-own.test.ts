import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { drbdUtilities, type ProgramResult } from '../support/machine';
import { SimulatedCluster } from '../support/simulated';

/**
 * Debian's drbdadm-83 and Pacemaker's agent with our drbdsetup in place of the genuine one, on two hosts with one
 * drbd.conf. It is called as a process, as they call it.
 */
const ROOT = join(__dirname, '../../..');
const TOOL = join(ROOT, 'dist/package/drbdsetup.js');
const HOSTS = [
  { name: 'alpha', address: '10.1.1.31' },
  { name: 'beta', address: '10.1.1.32' },
] as const;
type Host = (typeof HOSTS)[number]['name'];
const DISKS: Readonly<Record<Host, string>> = { alpha: '/dev/ram0', beta: '/dev/ram1' };
const PATIENCE_MS = 60_000;

const configuration = (rate: string, verify = 'md5', pingTimeout = 5): string => `
global { usage-count no; }
resource r0 {
  protocol  C;
  device    /dev/drbd0;
  meta-disk internal;
  disk      { on-io-error detach; fencing resource-only; size 32M; }
  net       { cram-hmac-alg sha1; shared-secret "geheim, mit Blank"; ping-timeout ${pingTimeout}; after-sb-0pri discard-zero-changes; sndbuf-size 0; allow-two-primaries; }
  syncer    { rate ${rate}; verify-alg ${verify}; al-extents 257; c-fill-target 1M; }
  on alpha  { disk /dev/ram0; address 10.1.1.31:7788; }
  on beta   { disk /dev/ram1; address 10.1.1.32:7788; }
}
`;

jest.setTimeout(120_000);

let cluster: SimulatedCluster;

beforeAll(() => {
  // npm makes the programs of a package executable.
  chmodSync(TOOL, 0o755);
  execFileSync(join(ROOT, 'scripts/bundle'));
});

beforeEach(() => {
  cluster = new SimulatedCluster(HOSTS, configuration('10M'));
});

afterEach(async () => {
  await cluster.close();
});

/**
 * What our program needs to find the simulated kernel of a host; the preloaded library shows it the disks, and has it
 * note things in the host's folders.
 */
function environment(host: Host): Readonly<Record<string, string>> {
  const { folder } = cluster.host(host).machine;
  const [, port = ''] = /^port (\d+)$/mu.exec(readFileSync(join(folder, 'machine'), 'utf8')) ?? [];
  return { DRBD_SIMULATOR: port, DRBD_LOCK_DIR: join(folder, 'lock'), DRBD_STATE_DIR: join(folder, 'lib') };
}

function run(host: Host, ...args: readonly string[]): Promise<ProgramResult> {
  return cluster.run(host, ['drbdadm', '--drbdsetup', TOOL, ...args], { env: environment(host), haste: 3 });
}

/** Runs drbdadm, which must succeed and complain of nothing. */
async function drbdadm(host: Host, ...args: readonly string[]): Promise<string> {
  const { exit, stdout, stderr } = await run(host, ...args);
  expect([host, ...args, exit, stderr]).toEqual([host, ...args, 0, '']);
  return stdout;
}

async function stateOf(host: Host): Promise<string> {
  const words: string[] = [];
  for (const command of ['cstate', 'role', 'dstate']) words.push((await drbdadm(host, command, 'r0')).trim());
  return words.join(' ');
}

async function until(host: Host, wanted: string): Promise<void> {
  for (let passed = 0; passed < PATIENCE_MS; passed += 2_000) {
    if ((await stateOf(host)) === wanted) return;
    cluster.clock.advance(2_000);
  }
  expect(await stateOf(host)).toBe(wanted);
}

async function bringUp(): Promise<void> {
  for (const { name } of HOSTS) cluster.host(name).simulator.disk(DISKS[name]).createMetadata();
  for (const { name } of HOSTS) expect(await drbdadm(name, 'up', 'r0')).toBe('');
  for (const { name } of HOSTS) await drbdadm(name, 'wait-connect', 'r0');
}

test('up, wait-connect, primary, verify, resize, syncer changes, secondary, down', async () => {
  await bringUp();
  expect(await stateOf('alpha')).toBe('Connected Secondary/Secondary Inconsistent/Inconsistent');
  const refused = await run('alpha', 'primary', 'r0');
  expect([refused.exit, refused.stderr]).toEqual([
    17,
    expect.stringMatching(/^drbdsetup: 0: State change failed: \(-2\) SS_NO_UP_TO_DATE_DISK: /u),
  ]);
  await drbdadm('alpha', '--', '--overwrite-data-of-peer', 'primary', 'r0');
  await until('alpha', 'Connected Primary/Secondary UpToDate/UpToDate');
  expect(await drbdadm('beta', 'status')).toContain(
    '<resource minor="0" name="r0" cs="Connected" ro1="Secondary" ro2="Primary" ds1="UpToDate" ds2="UpToDate" />\n',
  );
  await drbdadm('alpha', 'verify', 'r0');
  await until('alpha', 'Connected Primary/Secondary UpToDate/UpToDate');
  await drbdadm('alpha', 'secondary', 'r0');
  await drbdadm('beta', 'primary', 'r0');
  await drbdadm('beta', 'resize', 'r0');
  // What check-resize noted, for drbdmeta.
  expect(readFileSync(join(cluster.host('beta').machine.folder, 'lib/drbd-minor-0.lkbd'), 'utf8')).toBe(
    `${64 << 20}\t/dev/ram1\n`,
  );
  await drbdadm('beta', 'secondary', 'r0');
  for (const { name } of HOSTS) await drbdadm(name, 'down', 'r0');
  for (const { name } of HOSTS) expect(await drbdadm(name, 'cstate', 'r0')).toBe('Unconfigured\n');
});

test('adjust does what the configuration has changed; a second one has nothing to do', async () => {
  await bringUp();
  for (const { name } of HOSTS) expect(await drbdadm(name, '-d', 'adjust', 'r0')).toBe('');
  cluster.configure(configuration('20M', 'sha1'));
  expect(await drbdadm('alpha', '-d', 'adjust', 'r0')).toMatch(/^\S*\/drbdsetup\.js 0 syncer .*--rate=20M .*\n$/u);
  await drbdadm('alpha', 'adjust', 'r0');
  expect(await drbdadm('alpha', '-d', 'adjust', 'r0')).toBe('');
  cluster.configure(configuration('20M', 'sha1', 7));
  await drbdadm('alpha', 'adjust', 'r0');
  expect(await drbdadm('alpha', '-d', 'adjust', 'r0')).toBe('');
  await until('alpha', 'Connected Secondary/Secondary Inconsistent/Inconsistent');
});

/** Runs the agent's own functions, with our program as its drbdsetup. @returns what they make of the state */
async function agent(host: Host, device: string): Promise<Readonly<Record<string, string>>> {
  const functions = join(drbdUtilities(), 'usr/lib/ocf/resource.d/linbit/drbd.shellfuncs.sh');
  const names = [
    'DRBD_ROLE_LOCAL',
    'DRBD_ROLE_REMOTE',
    'DRBD_CSTATE',
    'DRBD_DSTATE_LOCAL',
    'DRBD_DSTATE_REMOTE',
    'status_primary',
    'status_some_peer_primary',
    'status_unconfigured',
    'status_disk_all_up_to_date',
    'status_pdsk_all_up_to_date',
  ];
  const script = join(cluster.host(host).machine.folder, 'agent.sh');
  writeFileSync(
    script,
    [
      `. ${functions}`,
      `DRBD_HAS_EVENTS2=false DRBD_HAS_MULTI_VOLUME=false DRBDSETUP=${TOOL} DRBD_DEVICES=${device} DRBD_RESOURCE=r0`,
      'drbd_set_status_variables',
      ...names.map((name) => `echo "${name}=\${${name}[*]}"`),
    ].join('\n'),
  );
  const { exit, stdout, stderr } = await cluster.run(host, ['bash', script], {
    executable: '/bin/bash',
    env: environment(host),
    haste: 3,
  });
  expect([exit, stderr]).toEqual([0, '']);
  return Object.fromEntries(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );
}

test("Pacemaker's agent evaluates what sh-status prints", async () => {
  expect(await agent('alpha', '/dev/drbd0')).toMatchObject({
    DRBD_CSTATE: 'Unconfigured',
    DRBD_ROLE_LOCAL: 'Unconfigured',
    status_primary: 'false',
    status_unconfigured: 'true',
  });
  await bringUp();
  await drbdadm('alpha', '--', '--overwrite-data-of-peer', 'primary', 'r0');
  await until('alpha', 'Connected Primary/Secondary UpToDate/UpToDate');
  expect(await agent('alpha', '/dev/drbd0')).toEqual({
    DRBD_ROLE_LOCAL: 'Primary',
    DRBD_ROLE_REMOTE: 'Secondary',
    DRBD_CSTATE: 'Connected',
    DRBD_DSTATE_LOCAL: 'UpToDate',
    DRBD_DSTATE_REMOTE: 'UpToDate',
    status_primary: 'true',
    status_some_peer_primary: 'false',
    status_unconfigured: 'false',
    status_disk_all_up_to_date: 'true',
    status_pdsk_all_up_to_date: 'true',
  });
  expect(await agent('beta', '/dev/drbd0')).toMatchObject({
    DRBD_ROLE_LOCAL: 'Secondary',
    status_primary: 'false',
    status_some_peer_primary: 'true',
  });
});
