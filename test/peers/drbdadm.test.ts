import { SimulatedCluster } from '../support/simulated';

/**
 * Debian's drbdadm-83, and the drbdsetup-83 and drbdmeta that it calls, on two hosts with one drbd.conf, as an
 * administrator uses them. Each host has a simulated kernel of its own, and the two find each other by their addresses.
 */
interface Settings {
  readonly rate: string;
  readonly verify: string;
  readonly pingTimeout: number;
  readonly onIoError: string;
}

const SETTINGS: Settings = { rate: '10M', verify: 'md5', pingTimeout: 5, onIoError: 'detach' };

const configuration = ({ rate, verify, pingTimeout, onIoError }: Settings): string => `
global { usage-count no; }
common { protocol C; }
resource r0 {
  device    /dev/drbd0;
  meta-disk internal;
  disk      { on-io-error ${onIoError}; }
  net       { cram-hmac-alg sha1; shared-secret "geheim"; ping-timeout ${pingTimeout}; after-sb-0pri discard-zero-changes; }
  syncer    { rate ${rate}; verify-alg ${verify}; }
  on alpha  { disk /dev/ram0; address 10.1.1.31:7788; }
  on beta   { disk /dev/ram1; address 10.1.1.32:7788; }
}
resource r1 {
  device    /dev/drbd1;
  meta-disk internal;
  syncer    { after r0; rate 40M; }
  on alpha  { disk /dev/ram2; address 10.1.1.31:7789; }
  on beta   { disk /dev/ram3; address 10.1.1.32:7789; }
}
`;

const HOSTS = [
  { name: 'alpha', address: '10.1.1.31' },
  { name: 'beta', address: '10.1.1.32' },
] as const;
type Host = (typeof HOSTS)[number]['name'];
const DISKS: Readonly<Record<Host, readonly string[]>> = {
  alpha: ['/dev/ram0', '/dev/ram2'],
  beta: ['/dev/ram1', '/dev/ram3'],
};
/** Longest time, on the kernels' clock, for what is to happen. */
const PATIENCE_MS = 60_000;
const STEP_MS = 500;

jest.setTimeout(60_000);

let cluster: SimulatedCluster;

beforeEach(() => {
  cluster = new SimulatedCluster(HOSTS, configuration(SETTINGS));
});

afterEach(async () => {
  await cluster.close();
});

/** Runs drbdadm, which must succeed and complain of nothing. @returns what it printed */
async function drbdadm(host: Host, ...args: readonly string[]): Promise<string> {
  const { exit, stdout, stderr } = await cluster.run(host, ['drbdadm', ...args], { haste: 5 });
  expect([host, ...args, exit, stderr]).toEqual([host, ...args, 0, '']);
  return stdout;
}

/** Writes metadata to the disks of the kernels. */
function createMetadata(): void {
  for (const { name } of HOSTS)
    for (const path of DISKS[name]) cluster.host(name).simulator.disk(path).createMetadata();
}

async function bringUp(): Promise<void> {
  createMetadata();
  for (const { name } of HOSTS) expect(await drbdadm(name, 'up', 'all')).toBe('');
  for (const { name } of HOSTS) await drbdadm(name, 'wait-connect', 'r0');
}

/** What drbdadm says of a resource in three words. */
async function stateOf(host: Host, resource = 'r0'): Promise<string> {
  const words: string[] = [];
  for (const command of ['cstate', 'role', 'dstate']) words.push((await drbdadm(host, command, resource)).trim());
  return words.join(' ');
}

/** Lets time pass until the state is there. */
async function until(host: Host, wanted: string, resource = 'r0'): Promise<void> {
  for (let passed = 0; passed < PATIENCE_MS; passed += STEP_MS) {
    if ((await stateOf(host, resource)) === wanted) return;
    cluster.clock.advance(STEP_MS);
  }
  expect(await stateOf(host, resource)).toBe(wanted);
}

test('dump and the like need no kernel', async () => {
  expect(await drbdadm('alpha', 'sh-resources')).toBe('r0 r1\n');
  expect(await drbdadm('beta', 'sh-ll-dev', 'r0')).toBe('/dev/ram1\n');
  expect(await drbdadm('alpha', 'sh-minor', 'r1')).toBe('1\n');
  const dump = await drbdadm('beta', 'dump', 'r0');
  expect(dump).toContain('resource r0 {');
  expect(dump).toMatch(
    /on alpha \{\s+device\s+\/dev\/drbd0 minor 0;\s+disk\s+\/dev\/ram0;\s+address\s+ipv4 10\.1\.1\.31:7788;/u,
  );
  // What is dumped is a configuration: it dumps the same again.
  cluster.configure(await drbdadm('alpha', 'dump'));
  expect(await drbdadm('beta', 'dump', 'r0')).toBe(dump);
});

test('the life of two resources: create-md, up, wait-connect, primary, verify, secondary, down', async () => {
  // drbdmeta writes to the disk that the machine shows it; that the kernel's disk has the same is ours to do.
  const created = await cluster.run('alpha', ['drbdadm', '--', '--force', 'create-md', 'r0']);
  expect([created.exit, created.stdout]).toEqual([
    0,
    expect.stringContaining('New drbd meta data block successfully created.'),
  ]);
  expect(await drbdadm('alpha', 'dump-md', 'r0')).toMatch(/uuid \{\s+0x0000000000000004; 0x0000000000000000;/u);
  createMetadata();
  expect(await drbdadm('alpha', 'up', 'all')).toBe('');
  expect(await stateOf('alpha')).toBe('WFConnection Secondary/Unknown Inconsistent/DUnknown');
  expect(await drbdadm('beta', 'up', 'all')).toBe('');
  for (const host of ['alpha', 'beta'] as const) await drbdadm(host, 'wait-connect', 'r0');
  for (const host of ['alpha', 'beta'] as const)
    expect(await stateOf(host)).toBe('Connected Secondary/Secondary Inconsistent/Inconsistent');

  // Without good data nobody becomes primary; the kernel's number and drbdadm's exit status tell.
  const refused = await cluster.run('alpha', ['drbdadm', 'primary', 'r0']);
  expect([refused.exit, refused.stderr]).toEqual([17, expect.stringContaining('State change failed: (-2)')]);
  await drbdadm('alpha', '--', '--overwrite-data-of-peer', 'primary', 'r0');
  expect(await stateOf('alpha')).toBe('SyncSource Primary/Secondary UpToDate/Inconsistent');
  expect(await stateOf('beta')).toBe('SyncTarget Secondary/Primary Inconsistent/UpToDate');
  const status = await drbdadm('beta', 'status');
  expect(status).toMatch(
    /<resource minor="0" name="r0" cs="SyncTarget" ro1="Secondary" ro2="Primary" ds1="Inconsistent" ds2="UpToDate" resynced_percent="[\d.]+" \/>/u,
  );
  await until('alpha', 'Connected Primary/Secondary UpToDate/UpToDate');
  expect(await stateOf('beta')).toBe('Connected Secondary/Primary UpToDate/UpToDate');
  const [current, other] = [await drbdadm('alpha', 'get-gi', 'r0'), await drbdadm('beta', 'get-gi', 'r0')];
  expect(BigInt(`0x${current.slice(0, 16)}`) & ~1n).toBe(BigInt(`0x${other.slice(0, 16)}`) & ~1n);

  await drbdadm('alpha', 'verify', 'r0');
  expect(await stateOf('alpha')).toBe('VerifyS Primary/Secondary UpToDate/UpToDate');
  expect(await stateOf('beta')).toBe('VerifyT Secondary/Primary UpToDate/UpToDate');
  await until('alpha', 'Connected Primary/Secondary UpToDate/UpToDate');

  // The roles change hands.
  const second = await cluster.run('beta', ['drbdadm', 'primary', 'r0']);
  expect([second.exit, second.stderr]).toEqual([11, expect.stringContaining('State change failed: (-1)')]);
  await drbdadm('alpha', 'secondary', 'r0');
  await drbdadm('beta', 'primary', 'r0');
  expect(await stateOf('alpha')).toBe('Connected Secondary/Primary UpToDate/UpToDate');
  await drbdadm('beta', 'secondary', 'r0');

  await drbdadm('alpha', 'down', 'all');
  expect(await drbdadm('beta', 'cstate', 'r0')).toBe('WFConnection\n');
  await drbdadm('beta', 'down', 'all');
  for (const { name } of HOSTS) expect(await drbdadm(name, 'cstate', 'r0')).toBe('Unconfigured\n');
  expect(cluster.host('alpha').simulator.minor(0)?.disk).toBeUndefined();
});

test('adjust does what the configuration has changed, and nothing when it has not', async () => {
  await bringUp();
  // What it reads back through `show` is what it has set.
  for (const { name } of HOSTS) expect(await drbdadm(name, '-d', 'adjust', 'all')).toBe('');
  await drbdadm('alpha', '--', '--overwrite-data-of-peer', 'primary', 'r0');
  await until('alpha', 'Connected Primary/Secondary UpToDate/UpToDate');

  cluster.configure(configuration({ ...SETTINGS, rate: '20M', verify: 'sha1' }));
  expect(await drbdadm('alpha', '-d', 'adjust', 'r0')).toBe(
    'drbdsetup-83 0 syncer --set-defaults --create-device --rate=20M --verify-alg=sha1\n',
  );
  await drbdadm('alpha', 'adjust', 'r0');
  expect(await drbdadm('alpha', '-d', 'adjust', 'all')).toBe('');
  const show = await cluster.run('alpha', ['drbdsetup', '/dev/drbd0', 'show']);
  expect(show.stdout).toMatch(/rate\s+20480k; # bytes\/second/u);
  expect(show.stdout).toMatch(/verify-alg\s+"sha1";/u);
  // A change of the connection takes it down and up again; the other host goes on.
  cluster.configure(configuration({ ...SETTINGS, rate: '20M', verify: 'sha1', pingTimeout: 7 }));
  expect((await drbdadm('alpha', '-d', 'adjust', 'r0')).split('\n').map((line) => line.split(' ')[2])).toEqual([
    'disconnect',
    'net',
    undefined,
  ]);
  await drbdadm('alpha', 'adjust', 'r0');
  await until('alpha', 'Connected Primary/Secondary UpToDate/UpToDate');
  expect(await drbdadm('alpha', '-d', 'adjust', 'all')).toBe('');
});

test('every other command that leads to the kernel', async () => {
  await bringUp();
  await drbdadm('alpha', '--', '--overwrite-data-of-peer', 'primary', 'r0');
  await until('beta', 'Connected Secondary/Primary UpToDate/UpToDate');
  const gi = await drbdadm('alpha', 'show-gi', 'r0');
  expect(gi).toContain('flags: Primary, Connected, UpToDate');

  await drbdadm('alpha', 'pause-sync', 'r0');
  expect(await drbdadm('beta', 'status')).toMatch(/name="r0"[^>]* peer_isp/u);
  await drbdadm('alpha', 'resume-sync', 'r0');
  await drbdadm('alpha', 'suspend-io', 'r0');
  expect(await drbdadm('alpha', 'status')).toMatch(/name="r0"[^>]* suspended/u);
  await drbdadm('alpha', 'resume-io', 'r0');

  await drbdadm('beta', 'invalidate', 'r0');
  await until('beta', 'SyncTarget Secondary/Primary Inconsistent/UpToDate');
  await until('beta', 'Connected Secondary/Primary UpToDate/UpToDate');
  await drbdadm('alpha', 'invalidate-remote', 'r0');
  await until('alpha', 'SyncSource Primary/Secondary UpToDate/Inconsistent');
  await until('alpha', 'Connected Primary/Secondary UpToDate/UpToDate');

  // Its size is that of the smaller disk, before and after.
  await drbdadm('alpha', 'resize', 'r0');
  expect(cluster.host('alpha').simulator.minor(0)?.sizeSectors).toBe(
    cluster.host('beta').simulator.minor(0)?.sizeSectors,
  );

  await drbdadm('beta', 'detach', 'r0');
  expect(await stateOf('alpha')).toBe('Connected Primary/Secondary UpToDate/Diskless');
  await drbdadm('beta', 'attach', 'r0');
  await until('beta', 'Connected Secondary/Primary UpToDate/UpToDate');
  await drbdadm('beta', 'disconnect', 'r0');
  expect(await stateOf('beta')).toBe('StandAlone Secondary/Unknown UpToDate/DUnknown');
  await drbdadm('beta', 'outdate', 'r0');
  expect(await stateOf('beta')).toBe('StandAlone Secondary/Unknown Outdated/DUnknown');
  await drbdadm('beta', 'connect', 'r0');
  await until('beta', 'Connected Secondary/Primary UpToDate/UpToDate');
  await drbdadm('alpha', 'syncer', 'r0');

  // The second resource waits for the first.
  await drbdadm('alpha', '--', '--overwrite-data-of-peer', 'primary', 'r1');
  await until('alpha', 'Connected Primary/Secondary UpToDate/UpToDate', 'r1');
  await drbdadm('alpha', 'invalidate-remote', 'r0');
  await until('alpha', 'SyncSource Primary/Secondary UpToDate/Inconsistent');
  await drbdadm('alpha', 'invalidate-remote', 'r1');
  await until('alpha', 'PausedSyncS Primary/Secondary UpToDate/Inconsistent', 'r1');
  await until('alpha', 'Connected Primary/Secondary UpToDate/UpToDate');
  await until('alpha', 'Connected Primary/Secondary UpToDate/UpToDate', 'r1');
});

test('a host that dies and comes back has the data again', async () => {
  await bringUp();
  await drbdadm('alpha', '--', '--overwrite-data-of-peer', 'primary', 'r0');
  await until('beta', 'Connected Secondary/Primary UpToDate/UpToDate');
  cluster.host('beta').simulator.crash();
  await until('alpha', 'WFConnection Primary/Unknown UpToDate/DUnknown');
  expect(cluster.host('alpha').simulator.write(0, [0, 1024])).toBe('done');
  await drbdadm('beta', 'up', 'r0');
  await drbdadm('beta', 'wait-connect', 'r0');
  await until('alpha', 'Connected Primary/Secondary UpToDate/UpToDate');
  const [alpha, beta] = [cluster.host('alpha').simulator.minor(0), cluster.host('beta').simulator.minor(0)];
  for (let block = 0; block < 1024; block += 341) expect(beta?.content(block)).toBe(alpha?.content(block));
  expect(await stateOf('beta')).toBe('Connected Secondary/Primary UpToDate/UpToDate');
});
