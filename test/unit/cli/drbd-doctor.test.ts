import childProcess from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { main } from '../../../lib/cli/drbd';
import { doctorLines } from '../../../lib/cli/drbd/doctor';
import { CHECKS, examine, type Check, type HostFinding } from '../../../lib/cli/drbd/doctor/examine';
import { doctorSchema } from '../../../lib/cli/drbd/doctor/schema';
import type { Level } from '../../../lib/cli/drbd/doctor/finding';
import { machine } from '../../../lib/cli/drbd/doctor/host';
import { memoryIo } from '../../support/cli';
import { hostOf, type Made } from '../../support/made-host';
import { expectValidDoctor, shippedSchema } from '../../support/schema';

let asked = 0;

const PROC_84 = 'version: 8.4.11 (api:1/proto:86-101)\nsrcversion: 0123\n';
const PROC_83 = 'version: 8.3.13 (api:88/proto:86-96)\n';
const ROOT = 'CapEff:\t000001ffffffffff\n';
const NOBODY = 'CapEff:\t0000000000000000\n';
const PLAIN = {
  '/proc/self/status': ROOT,
  '/proc/self/uid_map': '         0          0 4294967295\n',
  '/proc/net/connector': 'Name            ID\ncn_proc         1:1\n',
  '/proc/sys/net/core/rmem_max': '4194304\n',
} as const;
const FOLDERS = { '/proc': ['1', 'self'], '/var/lock': ['drbd-147-0', 'subsys'] } as const;
const LOCK = { '/var/lock/drbd-147-0': '' } as const;
const TOOLS = ['/usr/sbin/drbdsetup', '/usr/sbin/drbdadm', '/usr/sbin/drbdmeta'];

const HOST_84: Made = {
  files: { ...PLAIN, ...LOCK, '/proc/drbd': PROC_84, '/sys/module/drbd/parameters/usermode_helper': '/sbin/drbdadm\n' },
  directories: { ...FOLDERS, '/sys/module/drbd': ['parameters'] },
  programs: ['/sbin/drbdadm', ...TOOLS],
  family: { version: 1, id: 27 },
};
const HOST_83: Made = {
  ...HOST_84,
  files: {
    ...HOST_84.files,
    '/proc/drbd': PROC_83,
    '/proc/net/connector': 'Name            ID\ncn_proc         1:1\ncn_drbd         6985:1\n',
    '/sys/module/drbd/parameters/cn_idx': '6985\n',
  },
  family: undefined,
};
const OPTIONS = { path: '/usr/bin:/usr/sbin', lockDirectory: undefined };

beforeEach(() => {
  asked = 0;
});

async function look(made: Made): Promise<readonly HostFinding[]> {
  const host = hostOf(made, () => asked++);
  const found = await examine(host, OPTIONS);
  expectValidDoctor({ schemaVersion: 1, findings: found });
  return found;
}
/** What is not ok. */
const wrong = (found: readonly HostFinding[]): readonly (readonly [Check, Level])[] =>
  found.filter(({ level }) => level !== 'ok').map(({ check, level }) => [check, level]);
function one(found: readonly HostFinding[], check: Check): HostFinding {
  const [first] = found.filter((each) => each.check === check);
  if (first === undefined) throw new Error(`no finding on ${check}`);
  return first;
}

test('the schema is what the tables give (scripts/schemas writes it)', () => {
  expect(shippedSchema('doctor')).toEqual(doctorSchema());
});

describe('drbd doctor on made-up hosts', () => {
  test('a sound host of 8.4', async () => {
    const found = await look(HOST_84);
    expect(wrong(found)).toEqual([]);
    expect([...new Set(found.map(({ check }) => check))]).toEqual(CHECKS);
    expect(one(found, 'module').facts).toEqual({ loaded: true, version: '8.4.11', api: 1 });
    expect(one(found, 'family').facts).toEqual({ id: 27, version: 1 });
    expect(one(found, 'programs').facts).toMatchObject({ drbdsetup: '/usr/sbin/drbdsetup', beside: [] });
  });

  test('a sound host of 8.3 tells the index and the group, shifted as they are', async () => {
    const found = await look(HOST_83);
    expect(wrong(found)).toEqual([]);
    expect(one(found, 'connector').facts).toEqual({ builtIn: true, index: 6985, group: 8 });
  });

  test('8.3 without the connector of this namespace, and without capabilities', async () => {
    const { '/proc/net/connector': _connector, ...files } = HOST_83.files ?? {};
    const found = await look({ ...HOST_83, files: { ...files, '/proc/self/status': NOBODY } });
    expect(wrong(found)).toEqual([
      ['connector', 'problem'],
      ['capabilities', 'problem'],
      ['namespaces', 'note'],
    ]);
    expect(one(found, 'capabilities').text).toBe(
      'no CAP_NET_ADMIN and no CAP_SYS_ADMIN: DRBD 8.3 answers nothing without',
    );
  });

  test('each capability is told from the other', async () => {
    const only = async (bit: bigint): Promise<object> =>
      one(
        await look({
          ...HOST_84,
          files: { ...HOST_84.files, '/proc/self/status': `CapEff:\t${(1n << bit).toString(16).padStart(16, '0')}\n` },
        }),
        'capabilities',
      );
    expect(await only(12n)).toMatchObject({ level: 'ok', facts: { netAdmin: true, sysAdmin: false } });
    expect(await only(21n)).toMatchObject({
      level: 'note',
      facts: { netAdmin: false, sysAdmin: true },
      remedy: 'Run it as root, or give it CAP_NET_ADMIN.',
    });
  });

  test.each([
    ['not installed', 'kernel/fs/ext4/ext4.ko:\n', false, 'Install the module drbd for this kernel'],
    ['installed', 'kernel/drivers/block/drbd/drbd.ko.xz: kernel/lib/lru_cache.ko.xz\n', true, 'Load it as root'],
  ])('no driver, %s', async (_name, index, installed, remedy) => {
    const found = await look({
      files: { ...PLAIN, ...LOCK, '/proc/sys/kernel/osrelease': '6.1.0\n', '/lib/modules/6.1.0/modules.dep': index },
      directories: FOLDERS,
      programs: TOOLS,
    });
    expect(wrong(found)).toEqual([['module', 'problem']]);
    expect(one(found, 'module').facts).toMatchObject({ loaded: false, installed });
    expect(one(found, 'module').remedy).toContain(remedy);
  });

  test('a network namespace without the family while /proc/drbd is visible', async () => {
    const { '/proc/net/connector': _connector, ...files } = HOST_84.files ?? {};
    const found = await look({
      ...HOST_84,
      files,
      family: undefined,
      links: { '/proc/self/ns/net': 'net:[2]', '/proc/1/ns/net': 'net:[1]' },
    });
    expect(wrong(found)).toEqual([
      ['family', 'problem'],
      ['namespaces', 'note'],
    ]);
    expect(one(found, 'family').text).toContain('DRBD 8.4.11 is loaded');
    expect(one(found, 'namespaces').facts).toEqual({ network: false, user: true });
  });

  test('capabilities of a user namespace of its own do not count', async () => {
    const found = await look({
      ...HOST_84,
      files: { ...HOST_84.files, '/proc/self/uid_map': '0 1000 1\n', '/proc/sys/net/core/rmem_max': '212992\n' },
    });
    expect(wrong(found)).toEqual([
      ['capabilities', 'note'],
      ['namespaces', 'note'],
      ['buffers', 'note'],
    ]);
    expect(one(found, 'capabilities').remedy).toBe('Run it as root of the host.');
  });

  test('small buffers matter where they cannot be forced', async () => {
    const small = { ...HOST_84.files, '/proc/sys/net/core/rmem_max': '1048575\n' };
    expect(wrong(await look({ ...HOST_84, files: small }))).toEqual([]);
    const found = await look({ ...HOST_84, files: { ...small, '/proc/self/status': NOBODY } });
    expect(wrong(found)).toEqual([
      ['capabilities', 'note'],
      ['buffers', 'note'],
    ]);
    expect(one(found, 'buffers').remedy).toContain('net.core.rmem_max=1048576');
  });

  test('a procfs that cannot be read leaves open what it would tell', async () => {
    const hidden = { error: 'EACCES' };
    const found = await look({
      files: {
        '/proc/drbd': hidden,
        '/proc/self/status': hidden,
        '/proc/self/uid_map': hidden,
        '/proc/net/connector': hidden,
        '/proc/sys/net/core/rmem_max': hidden,
        '/sys/module/drbd/parameters/usermode_helper': hidden,
      },
      directories: { '/proc': hidden, '/sys/module/drbd': hidden, '/var/lock': hidden },
    });
    expect(found.every(({ level }) => level === 'ok' || level === 'note')).toBe(true);
    expect(wrong(found).map(([check]) => check)).toEqual(CHECKS.filter((check) => check !== 'addon'));
    expect(one(found, 'module')).toMatchObject({ facts: { loaded: null } });
    expect(one(found, 'module').text).toContain('EACCES');
  });

  test('a module whose /proc/drbd is hidden is known by sysfs', async () => {
    const found = await look({
      ...HOST_83,
      files: { ...HOST_83.files, '/proc/drbd': { error: 'EACCES' }, '/sys/module/drbd/version': '8.3.16\n' },
    });
    expect(wrong(found)).toEqual([['module', 'note']]);
    expect(one(found, 'module').facts).toMatchObject({ loaded: true, version: '8.3.16', api: null });
  });

  test.each([
    ['disabled\n', 'note'],
    ['/gone/drbdadm\n', 'problem'],
  ])('usermode_helper %j', async (text, level) => {
    const found = await look({
      ...HOST_84,
      files: { ...HOST_84.files, '/sys/module/drbd/parameters/usermode_helper': text },
    });
    expect(wrong(found)).toEqual([['helper', level]]);
  });

  test('generic netlink is not asked while somebody is stuck in it', async () => {
    const found = await look({
      ...HOST_84,
      files: {
        ...HOST_84.files,
        '/proc/7/stat': '7 (a ) b) D 1 7 7',
        '/proc/7/wchan': 'genl_rcv_msg',
        '/proc/8/stat': '8 (cp) D 1 8 8',
        '/proc/8/wchan': 'io_schedule',
        '/proc/9/stat': '9 (drbdsetup-84) S 1 9 9',
        '/proc/9/wchan': 'genl_rcv_msg',
      },
      directories: { ...HOST_84.directories, '/proc': ['7', '8', '9', 'self'] },
    });
    expect(wrong(found)).toEqual([
      ['stuck', 'problem'],
      ['family', 'note'],
    ]);
    expect(one(found, 'stuck').facts).toEqual({ processes: ['a ) b (7)'] });
    expect(asked).toBe(0);
  });

  test('a request that only waits for a moment is not stuck', async () => {
    const found = await look({
      ...HOST_84,
      files: { ...HOST_84.files, '/proc/7/stat': '7 (drbdsetup) D 1 7 7' },
      directories: { ...HOST_84.directories, '/proc': ['7', 'self'] },
      later: { '/proc/7/stat': '7 (drbdsetup) R 1 7 7' },
    });
    expect(wrong(found)).toEqual([]);
    expect(asked).toBe(1);
  });

  test('a native part that does not load is told with its remedy', async () => {
    const found = await look({ ...HOST_84, addon: 'the native part of node-drbd: not there. Compile it: "x". More' });
    expect(one(found, 'addon')).toMatchObject({
      level: 'problem',
      text: 'the native part of node-drbd: not there',
      remedy: 'Compile it: "x". More.',
    });
    expect(asked).toBe(0);
  });

  test('an unknown version of the family, a strange /proc/drbd', async () => {
    expect(wrong(await look({ ...HOST_84, family: { version: 3, id: 30 } }))).toEqual([['family', 'problem']]);
    const strange = await look({ ...HOST_84, files: { ...HOST_84.files, '/proc/drbd': 'nonsense\n' } });
    expect(wrong(strange)).toEqual([['module', 'problem']]);
  });

  test.each<readonly [string, Made, Level]>([
    ['absent', { directories: { '/proc': ['1'] } }, 'problem'],
    ['with a link in it', { files: { ...HOST_84.files, '/var/lock/drbd-147-0': 'LINK' } }, 'problem'],
    ['not writable', { readOnly: true }, 'note'],
  ])('a lock directory that is %s', async (_name, made, level) => {
    expect(wrong(await look({ ...HOST_84, ...made }))).toContainEqual(['locks', level]);
  });

  test('both lock directories are looked at where there are two, and only the one that is named', async () => {
    const two = { ...HOST_84, directories: { ...HOST_84.directories, '/var/run/drbd/lock': [], '/locks': [] } };
    const found = await look(two);
    expect(found.filter(({ check }) => check === 'locks').map(({ facts }) => facts['directory'])).toEqual([
      '/var/lock',
      '/var/run/drbd/lock',
    ]);
    const named = await examine(hostOf(two), { ...OPTIONS, lockDirectory: '/locks' });
    expect(one(named, 'locks').facts).toMatchObject({ directory: '/locks' });
  });

  test('every finding that is not ok has words, and every problem a remedy in a sentence', async () => {
    const hosts = [{}, HOST_83, HOST_84, { ...HOST_84, family: undefined }, { ...HOST_84, readOnly: true }];
    for (const made of hosts)
      for (const { level, text, remedy } of await look(made)) {
        expect(text).not.toBe('');
        if (level === 'problem') expect(remedy).toMatch(/^[A-Z].*\.$/su);
      }
  });

  test('the text fits a terminal, and control characters of a host do not reach it', async () => {
    const evil = { ...HOST_84.files, '/sys/module/drbd/parameters/usermode_helper': '/x\x1b[2J\n' };
    const found = await look({ ...HOST_84, files: evil });
    const lines = doctorLines(found, 80).map((line) => line.map(({ text }) => text).join(''));
    expect(lines.every((line) => line.length <= 80)).toBe(true);
    expect(lines.join('\n')).toContain('/x\\x1b[2J');
    expect(lines.at(-1)).toBe('1 problem, 0 notes.');
  });
});

describe('who has a device open', () => {
  const folder = '/sys/block/drbd1';
  const quiet: Made = {
    ...HOST_84,
    directories: {
      ...HOST_84.directories,
      '/proc': ['7', '8', 'self'],
      '/proc/7/fd': ['0'],
      '/proc/8/fd': ['0'],
      [folder]: ['holders', 'drbd1p1', 'size'],
      [`${folder}/holders`]: [],
      [`${folder}/drbd1p1/holders`]: [],
    },
    files: {
      ...HOST_84.files,
      [`${folder}/drbd1p1/dev`]: '259:4\n',
      '/proc/7/comm': 'qemu\n',
      '/proc/swaps': 'Filename\t\t\tType\n/dev/drbd10 partition 1 0 -2\n',
      '/proc/self/mountinfo': '22 1 147:10 / /ten rw - ext4 /dev/drbd10 rw\n23 1 0:30 / /proc rw - proc proc rw\n',
    },
    links: { '/proc/7/fd/0': '/dev/drbd10', '/proc/8/fd/0': 'socket:[1]' },
  };
  const users = async (made: Made): Promise<readonly HostFinding[]> =>
    (await examine(hostOf(made), { ...OPTIONS, minor: 1 })).filter(({ check }) => check === 'device');
  const kinds = (found: readonly HostFinding[]): readonly unknown[] =>
    found.map(({ facts }) => [facts['kind'], facts['user']]);

  test('nobody has; devices whose number begins alike are others', async () => {
    expect(await users(quiet)).toMatchObject([{ level: 'ok', facts: { minor: 1, device: '/dev/drbd1' } }]);
  });

  test.each<readonly [string, Made, readonly unknown[]]>([
    ['a volume group', { directories: { [`${folder}/holders`]: ['dm-3'] } }, [['holder', 'dm-3']]],
    ['a holder of a partition', { directories: { [`${folder}/drbd1p1/holders`]: ['md0'] } }, [['holder', 'md0']]],
    [
      'a mount by number, with a blank in its path',
      { files: { '/proc/self/mountinfo': '22 1 147:1 / /a\\040b rw shared:1 - ext4 /dev/root rw\n' } },
      [['mount', '/a b']],
    ],
    [
      'a mount of a partition',
      { files: { '/proc/self/mountinfo': '22 1 259:4 / /mnt rw - ext4 x rw\n' } },
      [['mount', '/mnt']],
    ],
    [
      'a mount of a file system with a number of its own',
      { files: { '/proc/self/mountinfo': '22 1 0:44 / /mnt rw - btrfs /dev/drbd1 rw\n' } },
      [['mount', '/mnt']],
    ],
    ['swap', { files: { '/proc/swaps': 'Filename\tType\n/dev/drbd1 partition 1 0 -2\n' } }, [['swap', '/dev/drbd1']]],
    ['an open file', { links: { '/proc/7/fd/0': '/dev/drbd1' } }, [['process', '7']]],
    [
      'an open file by another name',
      { links: { '/proc/7/fd/0': '/dev/mine' }, devices: { '/dev/mine': '147:1' } },
      [['process', '7']],
    ],
    [
      'a loop device',
      {
        directories: { '/sys/block': ['drbd1', 'loop0'] },
        files: { '/sys/block/loop0/loop/backing_file': '/dev/drbd1\n' },
      },
      [['loop', 'loop0']],
    ],
    [
      'an iSCSI target',
      {
        directories: {
          '/sys/kernel/config/target/core': ['iblock_0'],
          '/sys/kernel/config/target/core/iblock_0': ['disk'],
        },
        files: { '/sys/kernel/config/target/core/iblock_0/disk/udev_path': '/dev/drbd1\n' },
      },
      [['target', 'disk']],
    ],
  ])('%s', async (_name, made, expected) => {
    const found = await users({
      ...quiet,
      files: { ...quiet.files, ...made.files },
      directories: { ...quiet.directories, ...made.directories },
      links: { ...quiet.links, ...made.links },
      devices: made.devices ?? {},
    });
    expect(kinds(found)).toEqual(expected);
    for (const { level, remedy } of found) {
      expect(level).toBe('note');
      expect(remedy).toMatch(/^[A-Z].*\.$/su);
    }
  });

  test('a mount in the mount namespace of another process is told once, with the way there', async () => {
    const table = '22 1 147:1 / /data rw - ext4 /dev/drbd1 rw\n';
    const found = await users({
      ...quiet,
      links: {
        ...quiet.links,
        '/proc/self/ns/mnt': 'mnt:[1]',
        '/proc/7/ns/mnt': 'mnt:[2]',
        '/proc/8/ns/mnt': 'mnt:[2]',
      },
      files: { ...quiet.files, '/proc/7/mountinfo': table, '/proc/8/mountinfo': table },
    });
    expect(kinds(found)).toEqual([['mount', '/data']]);
    expect(found[0]?.remedy).toContain('nsenter --mount=/proc/7/ns/mnt umount /data');
  });

  test('it says whose files it could not look at; processes that ended are none of them', async () => {
    const found = await users({
      ...quiet,
      directories: { ...quiet.directories, '/proc/7/fd': { error: 'EACCES' }, '/proc/8/fd': { error: 'ENOENT' } },
    });
    expect(found.map(({ level, text }) => [level, text])).toEqual([
      ['note', 'cannot look at the open files of 1 process'],
    ]);
  });

  test('a device that does not exist', async () => {
    expect(await users(HOST_84)).toMatchObject([{ level: 'problem' }]);
  });
});

describe('drbd doctor on this machine', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  });
  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  test('the files of this machine are told apart', () => {
    writeFileSync(join(folder, 'file'), 'text', { mode: 0o644 });
    writeFileSync(join(folder, 'program'), '', { mode: 0o755 });
    mkdirSync(join(folder, 'directory'));
    symlinkSync('file', join(folder, 'link'));
    symlinkSync('directory', join(folder, 'way'));
    const kinds = ['file', 'directory', 'link', 'way', 'gone'].map((name) => machine.kind(join(folder, name)));
    expect(kinds).toEqual(['file', 'directory', 'other', 'directory', { error: 'ENOENT' }]);
    expect(machine.read(join(folder, 'file'))).toBe('text');
    expect(machine.read(join(folder, 'gone'))).toEqual({ error: 'ENOENT' });
    expect(machine.link(join(folder, 'link'))).toBe('file');
    expect(['file', 'program', 'directory'].map((name) => machine.isProgram(join(folder, name)))).toEqual([
      false,
      true,
      false,
    ]);
  });

  test('it prints JSON of a stable shape, starts no process, and its exit code says whether there is a problem', async () => {
    const started = (['spawn', 'spawnSync', 'execFile', 'execFileSync', 'fork'] as const).map((name) =>
      jest.spyOn(childProcess, name),
    );
    const io = memoryIo({ env: { PATH: folder } });
    const exit = await main(['doctor', '--json', '--lock-dir', join(folder, 'none')], io);
    expectValidDoctor(JSON.parse(io.stdout.text));
    const { schemaVersion, findings } = JSON.parse(io.stdout.text) as {
      readonly schemaVersion: number;
      readonly findings: readonly HostFinding[];
    };
    expect(io.stderr.text).toBe('');
    expect([schemaVersion, exit]).toEqual([1, 1]);
    expect([...new Set(findings.map(({ check }) => check))]).toEqual(CHECKS);
    for (const each of findings) expect(Object.keys(each)).toEqual(['check', 'level', 'text', 'remedy', 'facts']);
    expect(findings.find(({ check }) => check === 'locks')).toMatchObject({ level: 'problem' });
    for (const spy of started) expect(spy).not.toHaveBeenCalled();
  });

  test('a word is too much', async () => {
    const io = memoryIo();
    expect(await main(['doctor', '0', '1'], io)).toBe(20);
    expect(io.stderr.text).toContain('"1" is too much');
  });

  test.each(['r0', '/dev/sda', '1048576', '-1'])('%j is not a device of DRBD', async (word) => {
    const io = memoryIo();
    expect(await main(['doctor', '--', word], io)).toBe(20);
    expect(io.stderr.text).toContain('is not a device of DRBD; expected /dev/drbdN or a minor number');
  });
});
