import type { Backend } from '../../../lib/cli';
import { main as drbdsetup } from '../../../lib/cli/drbdsetup';
import { drbdsetupLine } from '../../../lib/cli/drbd/drbdsetup-line';
import { targetOf, valueOf, verbWords } from '../../../lib/cli/drbd/verbs';
import { verbs, type VerbOption } from '../../../lib/drbd';
import { memoryIo } from '../../support/cli';
import { backendOver, drbd } from '../../support/drbd-command';
import { SimulatedMirror } from '../../support/simulated-mirror';

let mirror: SimulatedMirror;
let backend: Backend;

beforeEach(async () => {
  mirror = await SimulatedMirror.start();
  backend = backendOver(mirror.simulator.transport);
});

afterEach(() => {
  backend.close();
  mirror.close();
});

interface Dry {
  readonly name: string;
  readonly bytes: string;
  readonly drbdsetup: string | null;
}

async function dry(...argv: readonly string[]): Promise<readonly Dry[]> {
  const { stdout, stderr, exit } = await drbd(backend, [...argv, '--dry-run', '--json']);
  expect({ stderr, exit }).toEqual({ stderr: '', exit: 0 });
  return (JSON.parse(stdout) as { readonly requests: readonly Dry[] }).requests;
}

/** Runs a line of drbdsetup. */
async function setup(line: string | null): Promise<number> {
  const io = memoryIo();
  const exit = await drbdsetup((line ?? '').split(' ').slice(1), io, { backend });
  expect(io.stderr.text).toBe('');
  return exit;
}

/** Metadata on the disk itself, as the lines of old say it. */
const ATTACH = ['attach', '0', '--backing-dev', '/dev/d0', '--meta-dev', '/dev/d0', '--meta-dev-idx', 'internal'];

test('every verb of the library is a command with the options of all dialects', () => {
  expect(verbWords().map(([, verb]) => verb)).toEqual(Object.keys(verbs));
  expect(verbWords().map(([word]) => word)).toEqual(expect.arrayContaining(['pause-sync', 'new-current-uuid', 'set']));
});

test('a dry run sends nothing; its line of drbdsetup does what the verb would do', async () => {
  const requests = await dry(...ATTACH, '--on-io-error', 'detach');
  expect((await mirror.client.status()).resources).toEqual([]);
  expect(requests[0]?.bytes).toMatch(/^[0-9a-f]+$/u);
  for (const { drbdsetup: line } of requests) expect(await setup(line)).toBe(0);
  const bySetup = (await mirror.client.status()).resources[0]?.devices[0];
  expect(bySetup).toMatchObject({ disk: 'Inconsistent', backingDevice: '/dev/d0' });
  // Where the verb did the same before, there is nothing left that differs.
  const other = await SimulatedMirror.start();
  const over = backendOver(other.simulator.transport);
  const told = await drbd(over, [...ATTACH, '--on-io-error', 'detach']);
  expect(told).toMatchObject({ exit: 0, stderr: '' });
  expect(told.stdout).toContain('disk_conf: NO_ERROR');
  const { currentUuid: _one, ...byVerb } = (await other.client.status()).resources[0]?.devices[0] ?? {};
  const { currentUuid: _other, ...rest } = bySetup ?? {};
  expect(byVerb).toEqual(rest);
  over.close();
  other.close();
});

test('a refusal has its number, name, cause and next step, and the exit code of drbdsetup', async () => {
  await mirror.act('attach', 0);
  expect(await drbd(backend, ['promote', '0'])).toMatchObject({
    exit: 17,
    stdout: '',
    stderr: expect.stringMatching(/^drbd promote: .*\(-2\) SS_NO_UP_TO_DATE_DISK: .+\. .+\.\n$/u) as string,
  });
  expect(await drbd(backend, ['promote', '0', '--force'])).toMatchObject({ exit: 0 });
  expect((await mirror.client.status()).resources[0]?.role).toBe('Primary');
  expect(await drbd(backend, ['demote', '0', '--json'])).toMatchObject({
    exit: 0,
    stdout: expect.stringContaining('"request":"secondary"') as string,
  });
  expect((await drbd(backend, ['promote', '9'])).exit).toBe(10);
  expect((await drbd(backend, ['promote'])).exit).toBe(20);
});

test('a secret stands in neither the decoded request, its bytes, nor the line', async () => {
  await mirror.act('attach', 0);
  const argv = ['connect', '0', '--my-addr', '127.0.0.1:7788', '--peer-addr', '127.0.0.1:7799', '--protocol', 'C', '--cram-hmac-alg', 'sha1', '--shared-secret', 'sesame', '--dry-run']; // prettier-ignore
  for (const form of [[], ['--json']]) {
    const { stdout, exit } = await drbd(backend, [...argv, ...form]);
    expect(exit).toBe(0);
    expect(stdout).not.toContain('sesame');
    expect(stdout.replaceAll(' ', '')).not.toContain(Buffer.from('sesame').toString('hex'));
    expect(stdout).toContain('xxxxxx');
  }
});

test.each([
  ['r0', { resource: 'r0' }],
  ['r0/2', { resource: 'r0', volume: 2 }],
  ['7', { minor: 7 }],
  ['/dev/drbd7', { minor: 7 }],
  ['a/b/3', { resource: 'a/b', volume: 3 }],
])('%s is a target', (word, target) => expect(targetOf(word)).toEqual(target));

test('--volume and --peer', () => {
  expect(targetOf('r0', '1', '2')).toEqual({ resource: 'r0', volume: 1, peer: 2 });
  expect(targetOf('r0', undefined, 'beta')).toEqual({ resource: 'r0', peer: 'beta' });
  expect(targetOf('r0/1', undefined, undefined, '7')).toEqual({ resource: 'r0', volume: 1, minor: 7 });
  expect(() => targetOf('r0', 'x')).toThrow(/--volume/u);
});

test.each([
  ['sectors', 'u64', '1M', 2048n],
  ['sectors', 'u64', '100', 100n],
  ['KiB/s', 'u32', '10M', 10_240],
  ['bytes', 'u32', '2k', 2048],
])('of %s (%s), %s is %s', (unit, kind, text, value) =>
  expect(valueOf('x', { about: { kind, unit } } as unknown as VerbOption, text)).toBe(value),
);

test.each([
  ['seconds', '1K', /not one of size/u],
  ['sectors', '1x', /a number is needed/u],
  [undefined, 'many', /a number is needed/u],
])('of %s, %s makes no sense', (unit, text, pattern) =>
  expect(() => valueOf('x', { about: { kind: 'u32', unit } } as unknown as VerbOption, text)).toThrow(pattern),
);

test.each([
  ['genl2', 'connect', { context: { ctx_resource_name: 'r0', ctx_peer_node_id: 1 } }, 'drbdsetup connect r0 1'],
  ['genl1', 'primary', { minor: 3, set_role_parms: { assume_uptodate: true } }, 'drbdsetup primary 3 --force=yes'],
  [
    'genl1',
    'chg_disk_opts',
    { minor: 0, disk_conf: { resync_rate: 100 } },
    'drbdsetup disk-options 0 --resync-rate=100k',
  ],
  ['connector', 'secondary', { minor: 0 }, 'drbdsetup 0 secondary'],
  ['genl1', 'chg_disk_opts', { minor: 0, disk_conf: { backing_dev: '/dev/x' } }, undefined],
] as const)('%s: %s %j is %s', (dialect, name, params, line) =>
  expect(drbdsetupLine(dialect, { name, params })).toBe(line),
);
