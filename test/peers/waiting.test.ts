import type { Program } from '../support/machine';
import { SimulatedCluster } from '../support/simulated';
import { broadcasts, storyOf } from '../support/timeline';

/** `events`, `wait-connect` and `wait-sync` of Debian's drbdsetup-83, beside what happens on two hosts. */
const HOSTS = [
  { name: 'alpha', address: '10.1.1.31' },
  { name: 'beta', address: '10.1.1.32' },
] as const;
type Host = (typeof HOSTS)[number]['name'];
const ADDRESSES: Readonly<Record<Host, readonly [own: string, peer: string]>> = {
  alpha: ['10.1.1.31:7788', '10.1.1.32:7788'],
  beta: ['10.1.1.32:7788', '10.1.1.31:7788'],
};

jest.setTimeout(400_000);

let cluster: SimulatedCluster;

beforeEach(() => {
  cluster = new SimulatedCluster(HOSTS, '');
  for (const { name } of HOSTS) cluster.host(name).simulator.disk('/dev/ram0').createMetadata();
});

afterEach(async () => {
  await cluster.close();
});

async function drbdsetup(host: Host, ...args: readonly string[]): Promise<void> {
  const { exit, stderr } = await cluster.run(host, ['drbdsetup', '/dev/drbd0', ...args]);
  expect([host, ...args, exit, stderr]).toEqual([host, ...args, 0, '']);
}

function start(host: Host, ...args: readonly string[]): Program {
  return cluster.host(host).machine.start(['drbdsetup', '/dev/drbd0', ...args]);
}

async function bringUp(host: Host): Promise<void> {
  await drbdsetup(host, 'disk', '/dev/ram0', '/dev/ram0', 'internal', '--set-defaults', '--create-device');
  await drbdsetup(host, 'syncer', '--set-defaults', '--rate', '20M');
  await drbdsetup(host, 'net', ...ADDRESSES[host], 'C', '--set-defaults');
}

/** Whether a program goes on while so many of the kernels' seconds pass. It has asked its question before. */
async function goesOn(program: Program, seconds: number): Promise<boolean> {
  await program.until(
    (running) => running.ended || running.calls().filter(({ op }) => op === 'recvfrom').length >= 2,
    'its questions',
  );
  cluster.clock.advance(seconds * 1000);
  // What the kernels have said meanwhile has reached it when what is said next has reached a program that starts now.
  await drbdsetup('alpha', 'role');
  return !program.ended;
}

/** What a listener has heard of its minor so far. */
function told(program: Program): readonly string[] {
  return storyOf(broadcasts(program.calls()), 0);
}

test('three listeners and those who wait, from up to down', async () => {
  const listeners = [start('alpha', 'events'), start('alpha', 'events', '-a'), start('alpha', 'events', '-u')];
  for (const listener of listeners) await listener.until(({ stdout }) => stdout !== '', 'the first answer');

  await bringUp('alpha');
  const connecting = start('alpha', 'wait-connect');
  expect(await goesOn(connecting, 600)).toBe(true);
  await bringUp('beta');
  expect((await cluster.passing(connecting)).exit).toBe(0);
  expect((await cluster.run('beta', ['drbdsetup', '/dev/drbd0', 'wait-connect', '-t', '10'])).exit).toBe(0);

  await drbdsetup('alpha', 'primary', '--force');
  const syncing = [start('alpha', 'wait-sync'), start('beta', 'wait-sync')];
  for (const program of syncing) expect(await goesOn(program, 1)).toBe(true);
  for (const program of syncing) expect((await cluster.passing(program, 10)).exit).toBe(0);

  await drbdsetup('beta', 'down');
  expect((await cluster.run('alpha', ['drbdsetup', '/dev/drbd0', 'wait-connect', '-t', '1'])).exit).toBe(5);
  await drbdsetup('alpha', 'secondary');
  await drbdsetup('alpha', 'down');

  for (const listener of listeners)
    await listener.until((running) => told(running).at(-1)?.includes('D_DISKLESS/') === true, 'the end of the story');
  const stories = (await Promise.all(listeners.map((listener) => listener.end()))).map(({ netlink }) =>
    storyOf(broadcasts(netlink), 0),
  );
  const sides = (from: string, to: string): string => `R_SECONDARY/R_${from} D_${to}`;
  // Both kernels speak on one bus here; a machine hears its own.
  expect(stories[0]).toEqual([
    `C_STANDALONE ${sides('UNKNOWN', 'ATTACHING/D_UNKNOWN')}`,
    `C_STANDALONE ${sides('UNKNOWN', 'INCONSISTENT/D_UNKNOWN')}`,
    `C_UNCONNECTED ${sides('UNKNOWN', 'INCONSISTENT/D_UNKNOWN')}`,
    `C_WF_CONNECTION ${sides('UNKNOWN', 'INCONSISTENT/D_UNKNOWN')}`,
    `C_WF_REPORT_PARAMS ${sides('UNKNOWN', 'INCONSISTENT/D_UNKNOWN')}`,
    `C_CONNECTED ${sides('SECONDARY', 'INCONSISTENT/D_INCONSISTENT')}`,
    'C_CONNECTED R_PRIMARY/R_SECONDARY D_UP_TO_DATE/D_INCONSISTENT',
    'C_WF_BITMAP_S R_PRIMARY/R_SECONDARY D_UP_TO_DATE/D_INCONSISTENT',
    'helper before-resync-source',
    'C_SYNC_SOURCE R_PRIMARY/R_SECONDARY D_UP_TO_DATE/D_INCONSISTENT',
    'C_CONNECTED R_PRIMARY/R_SECONDARY D_UP_TO_DATE/D_UP_TO_DATE',
    'C_TEAR_DOWN R_PRIMARY/R_UNKNOWN D_UP_TO_DATE/D_UNKNOWN',
    'C_UNCONNECTED R_PRIMARY/R_UNKNOWN D_UP_TO_DATE/D_UNKNOWN',
    'C_WF_CONNECTION R_PRIMARY/R_UNKNOWN D_UP_TO_DATE/D_UNKNOWN',
    `C_WF_CONNECTION ${sides('UNKNOWN', 'UP_TO_DATE/D_UNKNOWN')}`,
    `C_DISCONNECTING ${sides('UNKNOWN', 'UP_TO_DATE/D_UNKNOWN')}`,
    `C_STANDALONE ${sides('UNKNOWN', 'UP_TO_DATE/D_UNKNOWN')}`,
    `C_STANDALONE ${sides('UNKNOWN', 'FAILED/D_UNKNOWN')}`,
    `C_STANDALONE ${sides('UNKNOWN', 'DISKLESS/D_UNKNOWN')}`,
  ]);
  expect(stories[1]).toEqual(stories[0]);
  expect(stories[2]).toEqual(stories[0]);
});

test('how long wait-connect waits depends on how the node ended before', async () => {
  for (const { name } of HOSTS) await bringUp(name);
  await drbdsetup('alpha', 'wait-connect');
  await drbdsetup('alpha', 'primary', '--force');
  await drbdsetup('alpha', 'wait-sync');
  // A node that ended connected may wait long for its peer; one that was a lone primary, need not.
  cluster.host('beta').simulator.crash();
  cluster.clock.advance(60_000);
  cluster.host('alpha').simulator.crash();
  await bringUp('alpha');
  const before = performance.now();
  const { exit, stderr } = await cluster.run('alpha', [
    'drbdsetup',
    '/dev/drbd0',
    'wait-connect',
    '-t',
    '300',
    '-d',
    '1',
    '-o',
    '1',
  ]);
  expect([exit, stderr]).toEqual([5, '']);
  expect(performance.now() - before).toBeLessThan(300_000);
});
