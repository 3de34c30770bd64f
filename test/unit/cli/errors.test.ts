import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { KernelError, NetlinkError, TimeoutError, UnsupportedError } from '../../../lib';
import { createBackend, main, type Backend } from '../../../lib/cli';
import { main as drbd } from '../../../lib/cli/drbd';
import { explainUnknownCommand, explainUnknownOption, v83, v84 } from '../../../lib/cli/drbdsetup';
import { formatError, UsageError } from '../../../lib/cli/errors';
import { globalOptions } from '../../../lib/cli/globals';
import { nearest, redactWords, secretMask, type Command } from '../../../lib/cli/line';
import type { HostFiles } from '../../../lib/transport/transport';
import { memoryIo } from '../../support/cli';

// What a user is told when a command line makes no sense, or its command fails.

const { commands: commands83 } = v83;
const { commands: commands84 } = v84;
const PROJECT = join(__dirname, '../../../..');
const BIN = join(__dirname, '../../../lib/cli/bin');

type Generation = 'connector' | 'genl1';

/** A driver that nothing may be sent to. */
function silent(dialect: Generation, procDrbd?: HostFiles['procDrbd']): Backend {
  const version = dialect === 'connector' ? '8.3.13' : '8.4.11';
  const api = dialect === 'connector' ? 88 : 1;
  return createBackend({
    kind: procDrbd === undefined ? 'given' : 'kernel',
    dialect,
    locks: false,
    transport: {
      open: () => {
        throw new Error('something was about to be sent');
      },
      host: {
        procDrbd: procDrbd ?? (() => `version: ${version} (api:${api}/proto:86-96)\n`),
        connectorIndex: () => 8,
        blockDevice: (path) =>
          path.startsWith('/dev/ram') ? { path, sizeBytes: 1n << 26n, major: 1, minor: 0 } : undefined,
        ...(procDrbd === undefined ? { driver: { dialect, byteOrder: 'little', version, api } as const } : {}),
      },
    },
  });
}

interface Result {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  dialect: Generation,
  argv: readonly string[],
  options: { readonly stdin?: string; readonly env?: Readonly<Record<string, string>>; readonly absent?: true } = {},
): Promise<Result> {
  const io = memoryIo(options);
  const backend = silent(dialect, options.absent === true ? () => ({ error: 'ENOENT' }) : undefined);
  const exit = await main(argv, io, { backend });
  expect(io.stderr.text).not.toContain('something was about to be sent');
  return { exit, stdout: io.stdout.text, stderr: io.stderr.text };
}

const WORDS_83 = ['/dev/ram0', '/dev/ram0', 'internal'];
const ARGUMENTS_83: Readonly<Record<string, readonly string[]>> = {
  disk: WORDS_83,
  net: ['10.0.0.1', '10.0.0.2', 'C'],
};

describe('words too many', () => {
  test.each(commands83.map((command) => [command.name, command] as const))(
    '8.3 %s sends nothing, and ends with 20',
    async (name, _command: Command) => {
      for (const excess of [['now'], [''], ['--', '--force'], ['one', 'two']]) {
        const { exit, stderr, stdout } = await run('connector', ['0', name, ...(ARGUMENTS_83[name] ?? []), ...excess]);
        expect({ exit, stdout }).toEqual({ exit: 20, stdout: '' });
        expect(stderr).toMatch(new RegExp(`^drbdsetup: ${name}: excess arguments: "`, 'u'));
      }
    },
  );

  test.each(commands84.map((command) => [command.name, command] as const))(
    '8.4 %s sends nothing, and ends with 20',
    async (name, command) => {
      const words = [
        ...(command.object.length === 0 ? [] : [command.object.includes('minor') ? '0' : 'r0']),
        ...command.arguments.map(
          ({ kind }) =>
            ({ address: '10.0.0.1', 'block device': '/dev/ram0', 'metadata index': 'internal', resource: 'r0' })[
              kind as string
            ] ?? '0',
        ),
      ];
      for (const excess of [['now'], [''], ['one', 'two']]) {
        const { exit, stderr, stdout } = await run('genl1', [name, ...words, ...excess]);
        expect({ exit, stdout }).toEqual({ exit: 20, stdout: '' });
        expect(stderr).toMatch(new RegExp(`^drbdsetup: ${name}: excess arguments: "`, 'u'));
      }
    },
  );
});

describe('words of another generation', () => {
  test.each<[Generation, string[], RegExp]>([
    ['genl1', ['/dev/drbd0', 'syncer', '-r', '1100M'], /"syncer" is a command of DRBD 8\.3.*8\.4\.11.*disk-options/u],
    ['genl1', ['0', 'disk', '/dev/sda', '/dev/sda', 'internal'], /"disk" is a command of DRBD 8\.3.*attach/u],
    ['genl1', ['net', '0', 'a', 'b', 'C'], /"net" is a command of DRBD 8\.3.*connect/u],
    ['genl1', ['xml', 'disk'], /"xml" is a command of DRBD 8\.3.*xml-help/u],
    ['genl1', ['new-peer', 'r0', '1'], /"new-peer" is a command of DRBD 9.*connect/u],
    ['genl1', ['new-path', 'r0', '1'], /"new-path" is a command of DRBD 9.*connect/u],
    ['genl1', ['forget-peer', 'r0', '1'], /"forget-peer" is a command of DRBD 9/u],
    ['genl1', ['peer-device-options', 'r0', '1', '0'], /"peer-device-options" is a command of DRBD 9.*disk-options/u],
    ['connector', ['0', 'attach', '/dev/sda'], /"attach" is a command of DRBD 8\.4.*8\.3\.13.*disk/u],
    ['connector', ['connect', 'r0', 'a', 'b'], /"connect" is a command of DRBD 8\.4.*net/u],
    ['connector', ['0', 'new-minor'], /"new-minor" is a command of DRBD 8\.4.*--create-device/u],
    ['connector', ['0', 'rename-resource'], /"rename-resource" is a command of DRBD 9/u],
    ['genl1', ['help', 'syncer'], /"syncer" is a command of DRBD 8\.3/u],
    ['connector', ['help', 'attach'], /"attach" is a command of DRBD 8\.4/u],
    ['genl1', ['attach', '0', 'x', '--rate=5'], /"--rate"; it is an option of syncer of DRBD 8\.3.*--resync-rate/u],
    ['genl1', ['primary', '0', '--create-device'], /option of DRBD 8\.3; DRBD 8\.4 has new-resource and new-minor/u],
    ['genl1', ['resource-options', 'r0', '--quorum=majority'], /option of resource-options, new-resource of DRBD 9/u],
    ['genl1', ['connect', 'r0', 'a', 'b', '--resync-rate=1M'], /it is an option of attach, disk-options/u],
    ['connector', ['0', 'syncer', '--resync-rate=1M'], /option of attach, disk-options of DRBD 8\.4.*syncer --rate/u],
    ['connector', ['0', 'disk', ...WORDS_83, '--disk-barrier=no'], /DRBD 8\.4; DRBD 8\.3 has disk --no-disk-barrier/u],
  ])('%s: %j', async (dialect, argv, message) => {
    const { exit, stderr } = await run(dialect, argv);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^drbdsetup: /u);
    expect(exit).toBe(20);
  });

  test('every command of one generation is known to the others', () => {
    for (const { name } of commands83)
      if (!commands84.some((command) => command.name === name))
        expect(explainUnknownCommand(name, 'genl1')).toMatch(/DRBD 8\.3.*In its place/u);
    for (const { name } of commands84)
      if (!commands83.some((command) => command.name === name) && name !== 'state')
        expect(explainUnknownCommand(name, 'connector')).toMatch(/DRBD 8\.4.*In its place/u);
  });

  test('every option of 8.3 that 8.4 has under another name, or in another command, is found', () => {
    for (const command of commands83) {
      if (command.action !== 'change') continue;
      for (const { name } of command.options) {
        const there = commands84.find((candidate) => candidate.name === 'primary');
        if (there?.options.some((option) => option.name === name) === true) continue;
        expect(explainUnknownOption(name, 'primary', 'genl1')).toMatch(/option of/u);
      }
    }
  });
});

describe('slips of the pen', () => {
  test.each<[Generation, string[], RegExp]>([
    ['genl1', ['primry', '0'], /there is no command "primry"; there is primary/u],
    ['genl1', ['Primary', '0'], /there is primary/u],
    ['genl1', ['disk_options', '0'], /there is disk-options/u],
    ['genl1', ['0', 'stauts'], /there is no command "stauts"; there is status/u],
    ['genl1', ['primary', '0', '--forse'], /unrecognized option "--forse"; there is --force/u],
    ['genl1', ['connect', 'r0', '10.0.0.1', '10.0.0.2', '--max-bufers=5'], /there is --max-buffers/u],
    ['genl1', ['--jason', 'status'], /no global option "--jason"; there is --json/u],
    ['connector', ['0', 'primry'], /there is primary/u],
    ['connector', ['0', 'syncer', '--verfy-alg', 'x'], /there is --verify-alg/u],
    ['connector', ['--recrd', '/x', '0', 'role'], /no global option "--recrd"; there is --record/u],
  ])('%s: %j', async (dialect, argv, message) => {
    const { exit, stderr } = await run(dialect, argv);
    expect(stderr).toMatch(message);
    expect(exit).toBe(20);
  });

  test('the nearest word', () => {
    const known = ['primary', 'secondary', 'status', 'show', 'show-gi', 'down'];
    expect(['primray', 'secndary', 'STATUS', 'shwo', 'dwon', 'prim'].map((word) => nearest(word, known))).toEqual([
      'primary',
      'secondary',
      'status',
      'show',
      'down',
      'primary',
    ]);
    expect(['nonsense', '', 'x', 'ab', 'x'.repeat(10_000)].map((word) => nearest(word, known))).toEqual(
      Array(5).fill(undefined),
    );
  });
});

describe('addresses', () => {
  test.each([
    ['::1', /write "ipv6:\[::1\]:7788"/u],
    ['[::1]:7789', /write "ipv6:\[::1\]:7789"/u],
    ['[fe80::1%eth0]', /write "ipv6:\[fe80::1%eth0\]:7788"/u],
    ['2001:db8::7:7788', /IPv6 address without its family/u],
    ['ip4:10.0.0.1:7788', /write "ipv4:10\.0\.0\.1:7788"/u],
    ['10.0.0.1.5', /not an IPv4 address; an address is \[ipv4:\|ipv6:/u],
  ])('%s', async (address, message) => {
    for (const [dialect, argv] of [
      ['genl1', ['connect', 'r0', address, '10.0.0.2']],
      ['connector', ['0', 'net', address, '10.0.0.2', 'C']],
    ] as const) {
      const { exit, stderr } = await run(dialect, argv);
      expect(stderr).toMatch(message);
      expect(exit).toBe(20);
    }
  });
});

describe('secrets, and what follows them', () => {
  const lines: readonly (readonly [Generation, readonly string[]])[] = [
    ['genl1', ['connect', 'r0', '10.0.0.1', '10.0.0.2', '--shared-secret', 'my', 'geheim']],
    ['genl1', ['connect', 'r0', '10.0.0.1', '10.0.0.2', '--shared-secret=my', 'geheim', 'geheim2']],
    ['genl1', ['connect', '--shared-secret', 'my', 'geheim/1', 'r0', '10.0.0.1', '10.0.0.2']],
    ['genl1', ['connect', '--shared-secret', 'my', 'r0', '::geheim', '10.0.0.2']],
    ['genl1', ['net-options', '--shared-secret', 'my', '10.0.0.1:geheim', '10.0.0.2']],
    ['genl1', ['connect', 'r0', '10.0.0.1', '10.0.0.2', '--shared-secret', 'my', '--geheim']],
    ['genl1', ['connect', 'r0', '10.0.0.1', '10.0.0.2', '--shared-sec', 'my', '-geheim']],
    ['genl1', ['connect', 'r0', '10.0.0.1', '10.0.0.2', '--shared-secret', 'my', 'geheim'.repeat(100)]],
    ['connector', ['0', 'net', '10.0.0.1', '10.0.0.2', 'C', '-x', 'my', 'geheim']],
    ['connector', ['0', 'net', '10.0.0.1', '10.0.0.2', 'C', '-xmy', 'geheim']],
    ['connector', ['0', 'net', '-x', 'my', 'geheim', '10.0.0.1', '10.0.0.2', 'C']],
    ['connector', ['0', 'net', '10.0.0.1', '10.0.0.2', '-x', 'my', 'geheim']],
  ];

  test.each(lines)('%s: %j', async (dialect, words) => {
    for (const argv of [words, ['--json', ...words]]) {
      const env = { DRBD_DEBUG_DUMP_ARGV: '1' };
      const { exit, stdout, stderr } = await run(dialect, argv, { env });
      expect(exit).toBe(20);
      expect(stderr).not.toBe('');
      expect(stdout + stderr).not.toMatch(/geheim/u);
    }
    const batch = await run(dialect, ['batch'], { stdin: `${JSON.stringify(words)}\n` });
    expect(batch.stdout).toMatch(/"exit":20/u);
    expect(batch.stdout + batch.stderr).not.toMatch(/geheim/u);
  });

  test('what is no secret is told', async () => {
    const { stderr } = await run('genl1', ['connect', 'r0', '10.0.0.1', '10.0.0.2', 'extra', '--shared-secret', 'x y']);
    expect(stderr).toContain('"extra"');
    expect(redactWords(['net', '-x', 'my', 'secret', '--timeout', '60', 'more']).join(' ')).toBe(
      'net -x xxxx xxxx --timeout 60 more',
    );
    const mask = secretMask(['--shared-secret', 'a', 'b']);
    expect(mask.message('try "drbdsetup help connect": "b"')).toBe('try "drbdsetup help connect": "xxxx"');
    expect(mask.subject('b 10.0.0.1')).toBe('xxxx 10.0.0.1');
  });
});

describe('errors in JSON', () => {
  const KEYS = [
    'program',
    'command',
    'subject',
    'code',
    'exitCode',
    'message',
    'returnCode',
    'returnName',
    'cause',
    'next',
    'infoText',
    'errno',
    'sent',
  ];

  test.each<[Generation, string[], { readonly absent?: true }]>([
    ['genl1', ['--json'], {}],
    ['genl1', ['--json', 'nosuch'], {}],
    ['genl1', ['--json', 'help', 'nosuch'], {}],
    ['genl1', ['status', '--json', '--bogus'], {}],
    ['genl1', ['--json', 'primary'], {}],
    ['genl1', ['--json', '--timeout', 'soon', 'status'], {}],
    ['genl1', ['--timeout', 'soon', '--json', 'status'], {}],
    ['genl1', ['--dialect', 'klingon', 'status', '--json'], {}],
    ['genl1', ['--json', '--replay'], {}],
    ['genl1', ['--json', 'batch', 'x'], {}],
    ['connector', ['--json'], {}],
    ['connector', ['--json', '0'], {}],
    ['connector', ['--json', '0', 'nosuch'], {}],
    ['connector', ['--json', 'help', 'nosuch'], {}],
    ['connector', ['--json', '0', 'disk', '/dev/ram0'], {}],
    ['connector', ['--json', '0', 'disk', ...WORDS_83, '--fencing', 'x'], {}],
    ['connector', ['0', 'role', '--json', 'x'], {}],
    ['connector', ['--json', '0', 'role'], { absent: true }],
  ])('%s %j %j: one object on standard error, and nothing on standard output', async (dialect, argv, options) => {
    const { exit, stdout, stderr } = await run(dialect, argv, options);
    expect(exit).not.toBe(0);
    expect(stdout).toBe('');
    const told = JSON.parse(stderr) as { readonly error: Readonly<Record<string, unknown>> };
    expect(Object.keys(told)).toEqual(['error']);
    expect(Object.keys(told.error)).toEqual(KEYS);
    expect(told.error).toMatchObject({ program: 'drbdsetup', exitCode: exit });
    expect(told.error['code']).toMatch(/^ERR_DRBD_/u);
  });

  test('a refusal, a deadline and an errno have their numbers', () => {
    const teller = { tool: 'drbdsetup', command: 'show', subject: 'r0', requests: ['get_status'], json: true };
    const told = (error: unknown): unknown => (JSON.parse(formatError(error, teller)) as { error: unknown }).error;
    const kernel = new KernelError('x', { returnCode: 127, returnName: 'ERR_MINOR_INVALID', infoText: ['unknown'] });
    expect(told(kernel)).toMatchObject({
      code: 'ERR_DRBD_KERNEL',
      exitCode: 10,
      returnCode: 127,
      returnName: 'ERR_MINOR_INVALID',
      cause: expect.any(String) as string,
      infoText: ['unknown'],
    });
    expect(told(new TimeoutError('get_status of r0: no answer within 5 ms', 5, 'started'))).toMatchObject({
      code: 'ERR_DRBD_TIMEOUT',
      sent: 'started',
      message: 'show of r0: no answer within 5 ms',
    });
    expect(told(new NetlinkError('the kernel refused get_status', { errno: 19, sequence: 1 }))).toMatchObject({
      code: 'ERR_DRBD_NETLINK',
      errno: 19,
      message: 'the kernel refused show',
    });
    expect(told('odd')).toMatchObject({ code: null, exitCode: 20, message: 'odd' });
  });

  test('a warning is an object of its own', async () => {
    const { exit, stderr } = await run('genl1', ['--json', 'down', 'r0'], { absent: true });
    expect(exit).toBe(0);
    expect(JSON.parse(stderr)).toEqual({
      warning: {
        program: 'drbdsetup',
        command: 'down',
        subject: 'r0',
        message: expect.stringMatching(/nothing to do for down: no DRBD driver/u) as string,
      },
    });
  });

  test('drbd tells its errors so too', async () => {
    const told = async (...argv: string[]): Promise<readonly [number, unknown]> => {
      const io = memoryIo();
      const exit = await drbd(argv, io);
      return [exit, JSON.parse(io.stderr.text)];
    };
    expect(await told('--json', 'simulat')).toMatchObject([
      2,
      {
        error: {
          program: 'drbd',
          code: 'ERR_DRBD_USAGE',
          exitCode: 2,
          message: expect.stringContaining('simulate') as string,
        },
      },
    ]);
    expect(await told('--json')).toMatchObject([2, { error: { exitCode: 2 } }]);
    expect(await told('simulate', '--bogus', '--json')).toMatchObject([
      2,
      { error: { program: 'drbd', command: 'simulate', exitCode: 2 } },
    ]);
    expect(await told('--json', 'simulate', '--disk', 'x')).toMatchObject([2, { error: { command: 'simulate' } }]);
  });
});

describe('refusals name what was typed', () => {
  test.each([
    [
      new UnsupportedError('inval_peer of minor 0 was not sent', { feature: 'x', requires: 'y' }),
      'invalidate-remote of minor 0',
    ],
    [new TimeoutError('chg_disk_opts of minor 0: silence', 1, 'started'), 'disk-options of minor 0'],
  ])('%s', (error, text) => {
    const command = text.split(' ')[0];
    const told = formatError(error, {
      tool: 'drbdsetup',
      command,
      subject: '0',
      requests: ['inval_peer', 'chg_disk_opts'],
    });
    expect(told).toContain(text);
    expect(told).toMatch(/^drbdsetup: 0: /u);
  });

  test('the program comes first, whatever failed', () => {
    for (const error of [
      new UsageError('x'),
      new KernelError('x', { returnCode: -2, returnName: 'SS_NO_UP_TO_DATE_DISK' }),
      new Error('x'),
      'x',
    ])
      for (const subject of [undefined, '/dev/drbd0'])
        expect(formatError(error, { tool: 'drbdsetup', subject })).toMatch(/^drbdsetup: /u);
  });
});

describe('the version, and help that was asked for', () => {
  const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { readonly version: string };

  test.each(['--version', '-V', '--help', '-h'])('drbdsetup %s', async (word) => {
    for (const dialect of ['connector', 'genl1'] as const) {
      const { exit, stdout, stderr } = await run(dialect, [word]);
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
      expect(stdout).toContain(/v/iu.test(word) ? `drbdsetup ${version} ` : '--version');
    }
  });

  test.each(['drbd', 'drbdsetup'])('%s as a process', (name) => {
    const start = (...argv: string[]): { readonly status: number | null; readonly stdout: string } =>
      spawnSync(process.execPath, [join(BIN, `${name}.js`), ...argv], { encoding: 'utf8' });
    expect(start('--version')).toMatchObject({ status: 0, stdout: expect.stringContaining(version) as string });
    expect(start('-V').stdout).toBe(start('--version').stdout);
    expect(start('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--json') as string });
  });

  test('the guide lists every global option', () => {
    const guide = readFileSync(join(PROJECT, 'docs/replace-drbdsetup.md'), 'utf8');
    for (const { name } of Object.values(globalOptions)) expect(guide).toMatch(new RegExp(`\`--${name}[\` ]`, 'u'));
    for (const word of ['--version', '-V', '--help']) expect(guide).toContain(word);
  });
});

describe('nobody reads any more', () => {
  const pipe = (script: string): { readonly stdout: string; readonly stderr: string } =>
    spawnSync('bash', ['-c', script, 'sh', process.execPath, BIN], { encoding: 'utf8' });

  test.each([
    'drbd.js --help',
    'drbd.js --version',
    'drbd.js simulate --help',
    'drbdsetup.js --help',
    'drbdsetup.js -V',
  ])('%s dies of SIGPIPE, as C programs do, and says nothing', (command) => {
    const { stdout, stderr } = pipe(`exec 9> >(exec true); sleep 0.3; "$1" "$2"/${command} >&9; echo $?`);
    expect({ stdout, stderr }).toEqual({ stdout: '141\n', stderr: '' });
  });

  test.each([
    ['drbd.js nosuch', 2],
    ['drbd.js simulate --bogus', 2],
    ['drbdsetup.js --dialect genl1 nosuch', 20],
    ['drbdsetup.js --json --dialect genl1 nosuch', 20],
  ])('%s: an error that nobody reads keeps its exit code', (command, exit) => {
    const { stdout } = pipe(`exec 9> >(exec true); sleep 0.3; "$1" "$2"/${command} 2>&9; echo $?`);
    expect(stdout).toBe(`${exit}\n`);
  });
});
