import { TransportError } from '../../../lib';
import { createBackend } from '../../../lib/cli/backend';
import { formatCommandHelp, formatXml, main, orderLimits, personalityOf, v84 } from '../../../lib/cli/drbdsetup';
import { findCommand, parseCall, requestOf, type Call, type Option } from '../../../lib/cli/line';
import { UsageError } from '../../../lib/cli/errors';
import { memoryIo } from '../../support/cli';

const { commands } = v84;

/** Nothing may be asked of it but block devices, of which /dev/a and /dev/b are some. */
const backend = createBackend({
  kind: 'replay',
  dialect: 'genl1',
  transport: {
    open: () => {
      throw new Error('something was sent');
    },
    host: {
      procDrbd: () => 'version: 8.4.11 (api:1/proto:86-101)\n',
      connectorIndex: () => undefined,
      blockDevice: (path) => {
        if (path === '/etc/passwd') return undefined;
        if (path !== '/dev/a' && path !== '/dev/b') throw new TransportError(`there is no ${path}`, { errno: 2 });
        return { path, sizeBytes: 1n << 20n, major: 8, minor: 0 };
      },
    },
  },
});

function call(name: string, ...words: string[]): Promise<Call> {
  const command = findCommand(v84, name);
  if (command === undefined) throw new Error(`there is no ${name}`);
  return parseCall(v84, command, words, {
    backend,
    strict: true,
    readSecret: async (file) => `secret of ${file}`,
  });
}

async function request(...words: [string, ...string[]]): Promise<unknown> {
  return requestOf(await call(...words), v84.manner);
}

async function drbdsetup(
  ...argv: string[]
): Promise<{ readonly exit: number; readonly stdout: string; readonly stderr: string }> {
  const io = memoryIo();
  const exit = await main(argv, io, { backend });
  return { exit, stdout: io.stdout.text, stderr: io.stderr.text };
}

describe('requests of command lines', () => {
  test('objects and addresses', async () => {
    expect(await request('primary', '/dev/drbd3', '--force')).toEqual({
      minor: 3,
      set_role_parms: { assume_uptodate: true },
    });
    expect(await request('primary', '3', '--overwrite-data-of-peer')).toEqual({
      minor: 3,
      set_role_parms: { assume_uptodate: true },
    });
    expect(await request('primary', '3', '--force=no')).toEqual({ minor: 3, set_role_parms: {} });
    expect(await request('primary', '3')).toEqual({ minor: 3 });
    expect(await request('new-minor', 'r0', '7', '1')).toEqual({
      minor: 7,
      context: { ctx_resource_name: 'r0', ctx_volume: 1 },
    });
    expect(await request('connect', 'r0', '10.0.0.1', 'ipv6:[fe80::1]:7000', '--protocol=a', '--dry-run')).toEqual({
      context: {
        ctx_resource_name: 'r0',
        ctx_my_addr: { family: 'ipv4', address: '10.0.0.1', port: 7788 },
        ctx_peer_addr: { family: 'ipv6', address: 'fe80::1', port: 7000 },
      },
      net_conf: { wire_protocol: 1, tentative: true },
    });
    expect(await request('disconnect', 'sdp:10.0.0.1:1', 'ipv6:::1:2')).toEqual({
      context: {
        ctx_my_addr: { family: 'sdp', address: '10.0.0.1', port: 1 },
        ctx_peer_addr: { family: 'ipv6', address: '::1', port: 2 },
      },
    });
  });

  test('options go out in the order of the command line, arguments behind them', async () => {
    const params = (await request(
      'attach',
      '--al-extents',
      '257',
      '0',
      '/dev/a',
      '--size=10M',
      '/dev/b',
      'flexible',
      '--al-extents=300',
    )) as { disk_conf: object };
    expect(Object.entries(params.disk_conf)).toEqual([
      ['disk_size', 20480n],
      ['al_extents', 300],
      ['backing_dev', '/dev/a'],
      ['meta_dev', '/dev/b'],
      ['meta_dev_idx', -2],
    ]);
    expect(await request('disk-options', '0', '--set-defaults', '--resync-after=-1', '--c-max-rate', '1G')).toEqual({
      minor: 0,
      setDefaults: true,
      disk_conf: { resync_after: -1, c_max_rate: 1048576 },
    });
  });

  test('booleans are said in four ways', async () => {
    for (const word of ['--no-disk-barrier', '--disk-barrier=no', '--no-disk-b'])
      expect(await request('disk-options', '0', word)).toEqual({ minor: 0, disk_conf: { disk_barrier: false } });
    for (const word of ['--disk-barrier', '--disk-barrier=yes', '--disk-b'])
      expect(await request('disk-options', '0', word)).toEqual({ minor: 0, disk_conf: { disk_barrier: true } });
  });

  test('a secret may stand in a file', async () => {
    const addresses = ['127.0.0.1:1', '127.0.0.1:2'];
    for (const words of [['--shared-secret-file', 'F'], ['--shared-secret-file=F']])
      expect(await request('net-options', ...addresses, ...words)).toMatchObject({
        net_conf: { shared_secret: 'secret of F' },
      });
    expect(await request('net-options', ...addresses, '--shared', 'x')).toMatchObject({
      net_conf: { shared_secret: 'x' },
    });
    await expect(request('net-options', ...addresses, '--shared-secret=x', '--shared-secret-file=F')).rejects.toThrow(
      UsageError,
    );
  });

  test('names that are minors where a minor may stand', async () => {
    expect((await call('show', '0')).target).toEqual({ kind: 'minor', minor: 0 });
    expect((await call('show', 'r0')).target).toEqual({ kind: 'resource', name: 'r0' });
    expect((await call('show')).target).toEqual({ kind: 'all' });
    expect((await call('down', '0')).target).toEqual({ kind: 'resource', name: '0' });
  });
});

/** Every number that an option may not have, and the ends of what it may. */
const numbers = commands.flatMap((command) =>
  command.options.filter(({ kind }) => kind === 'number').map((option) => [command.name, option.name, option] as const),
);

describe('every option', () => {
  const objects: Readonly<Record<string, readonly string[]>> = {
    attach: ['0', '/dev/a', '/dev/a', 'internal'],
    connect: ['r0', '1.1.1.1:1', '1.1.1.1:2'],
    'net-options': ['1.1.1.1:1', '1.1.1.1:2'],
    'resource-options': ['r0'],
    'new-resource': ['r0'],
  };
  const fieldOf = async (command: string, option: Option, value: string): Promise<unknown> =>
    (await call(command, ...(objects[command] ?? ['0']), `--${option.name}=${value}`)).fields?.find(
      ([field]) => field === option.field,
    )?.[1];

  test.each(numbers)('%s --%s takes its range and no more', async (command, _name, option) => {
    const { min = 0, max = 0, default: standard = 0 } = option.table;
    for (const value of [min, max, standard as number | bigint])
      expect(String(await fieldOf(command, option, String(value)))).toBe(String(value));
    await expect(fieldOf(command, option, String(BigInt(max) + 1n))).rejects.toThrow(/range/u);
    await expect(fieldOf(command, option, String(BigInt(min) - 1n))).rejects.toThrow(/range/u);
    for (const value of ['', 'x', '1x', '1kk', '99999999999999999999G'])
      await expect(fieldOf(command, option, value)).rejects.toThrow(UsageError);
  });

  test.each(numbers)('%s --%s is sent beyond its range where it fits the field', async (command, name, option) => {
    const { min = 0, max = 0, kind } = option.table;
    const most = { u8: 0xffn, u32: 0xffff_ffffn, s32: 0x7fff_ffffn, u64: 0xffff_ffff_ffff_ffffn }[kind as 'u32'];
    const least = kind === 's32' ? -0x8000_0000n : 0n;
    const trial = (value: bigint, beyond: 'send' | 'refuse'): Promise<Call> => {
      const found = findCommand(v84, command);
      if (found === undefined) throw new Error(`there is no ${command}`);
      const suffix = option.scale === 's' ? 's' : option.scale === '1' ? '' : 'k';
      const words = [...(objects[command] ?? ['0']), `--${name}=${value}${suffix}`];
      return parseCall(v84, found, words, { backend, strict: beyond === 'refuse', readSecret: async () => '' });
    };
    for (const value of [BigInt(min) - 1n, BigInt(max) + 1n, least, most]) {
      if (value >= BigInt(min) && value <= BigInt(max)) continue;
      await expect(trial(value, 'refuse')).rejects.toThrow(/the range is/u);
      if (value < least || value > most) {
        await expect(trial(value, 'send')).rejects.toThrow(/does not fit the field/u);
        continue;
      }
      const sent = await trial(value, 'send');
      expect({
        value: String(sent.fields?.find(([field]) => field === option.field)?.[1]),
        beyondRange: sent.beyondRange,
      }).toEqual({
        value: String(value),
        beyondRange: true,
      });
      expect(sent.notices.join('\n')).toMatch(
        new RegExp(`^${command}: option --${name}: .*the range is .*--strict`, 'u'),
      );
    }
    for (const value of [least - 1n, most + 1n, 10n ** 30n])
      await expect(trial(value, 'send')).rejects.toThrow(/does not fit the field/u);
  });

  test('numbers carry the scale of their unit', async () => {
    const [size, rate] = ['size', 'resync-rate'].map(
      (name) => numbers.find((entry) => entry[0] === 'attach' && entry[1] === name)?.[2],
    );
    if (size === undefined || rate === undefined) throw new Error('an option is missing');
    expect(await fieldOf('attach', size, '1')).toBe(1n);
    expect(await fieldOf('attach', size, '1k')).toBe(2n);
    expect(await fieldOf('attach', rate, '513s')).toBe(257);
  });

  test.each(
    commands.flatMap((command) =>
      command.options
        .filter(({ kind }) => kind === 'word')
        .map((option) => [command.name, option.name, option] as const),
    ),
  )('%s --%s takes its words', async (command, _name, option) => {
    for (const [number, word] of Object.entries(option.table.names ?? {}))
      expect(await fieldOf(command, option, word)).toBe(Number(number));
    await expect(fieldOf(command, option, 'bogus')).rejects.toThrow(/takes one of/u);
    await expect(fieldOf(command, option, '')).rejects.toThrow(UsageError);
  });

  test.each(commands.map((command) => [command.name, command] as const))('%s explains itself', (name, command) => {
    const help = formatCommandHelp(v84, command, 'drbdsetup', 80);
    const xml = formatXml(command, v84.manner);
    expect(xml.startsWith(`<command name="${name}">\n`)).toBe(true);
    for (const option of [...command.options, ...command.plain.filter(({ old }) => old !== true)]) {
      expect(help).toContain(`--${option.name}`);
      expect(xml).toContain(`<option name="${option.name}"`);
    }
  });
});

describe('command lines that make no sense', () => {
  test.each<[string, string[], number]>([
    ['no command', [], 20],
    ['an unknown command', ['nosuchcommand'], 20],
    ['an unknown command with an object', ['0', 'nosuchcommand'], 20],
    ['no object', ['primary'], 20],
    ['all where one is meant', ['down', 'all'], 20],
    ['an empty name', ['new-resource', ''], 1],
    ['a name with a newline', ['new-resource', 'a\nb'], 1],
    ['NUL', ['new-resource', 'a\0b'], 20],
    ['no minor', ['primary', 'abc'], 20],
    ['another device', ['primary', '/dev/a'], 20],
    ['a minor beyond 32 bits', ['primary', '4294967296'], 20],
    ['too many arguments', ['primary', '0', 'extra'], 20],
    ['too few', ['new-minor', 'r0', '0'], 20],
    ['one address', ['connect', 'r0', '127.0.0.1'], 20],
    ['no address', ['connect', 'r0', 'ipv4:1.2.3:x', '127.0.0.1'], 20],
    ['an address of another family', ['connect', 'r0', 'ipv6:127.0.0.1', '127.0.0.1'], 20],
    ['a port too large', ['connect', 'r0', '127.0.0.1:65536', '127.0.0.1'], 20],
    ['an unknown option', ['primary', '0', '--nosuchoption'], 20],
    ['an argument for a flag', ['show', '--show-defaults=yes'], 20],
    ['neither yes nor no', ['primary', '0', '--force=maybe'], 20],
    ['no argument', ['disk-options', '0', '--al-extents'], 20],
    ['an empty number', ['disk-options', '0', '--al-extents='], 100],
    ['a text too long for the kernel', ['resource-options', 'r0', `--cpu-mask=${'f'.repeat(32)}`], 10],
    ['no block device', ['attach', '0', '/etc/passwd', '/dev/a', 'internal'], 20],
    ['no device', ['attach', '0', '/dev/a', '/dev/nosuch', 'internal'], 20],
    ['an index that is none', ['attach', '0', '/dev/a', '/dev/a', 'nowhere'], 20],
    ['a slot below all', ['attach', '0', '/dev/a', '/dev/a', '-4'], 20],
    ['a color', ['status', '--color=blue'], 20],
    ['a limit too long', ['wait-connect', '0', '--wfc-timeout=300001'], 20],
    ['10000 characters', ['primary', 'x'.repeat(10_000)], 20],
    ['UTF-8', ['primary', 'größe'], 20],
    ['a resource of 10000 characters', ['new-resource', 'x'.repeat(10_000)], 20],
    ['a resource of 128 bytes', ['new-minor', 'ß'.repeat(64), '0', '0'], 20],
  ])('%s', async (_what, argv, exit) => {
    const result = await drbdsetup(...argv);
    expect(result.exit).toBe(exit);
    expect(result.stderr).toMatch(/\S/u);
    expect(result.stderr.length).toBeLessThan(1000);
    expect(result.stderr).not.toContain('something was sent');
    if (argv.length > 0) expect(result.stdout).toBe('');
  });

  test('help is on standard output, and an error beside it', async () => {
    expect(await drbdsetup('help', 'primary')).toMatchObject({ exit: 0, stderr: '' });
    expect((await drbdsetup('primary', '--help')).stdout).toBe((await drbdsetup('help', 'primary')).stdout);
    expect(await drbdsetup('xml-help', 'nosuchcommand')).toMatchObject({
      exit: 20,
      stderr: expect.stringContaining('nosuchcommand') as string,
    });
    // The old name of a command is told to people, not to a program that reads the description.
    expect((await drbdsetup('help', 'state')).stderr).toContain('use role instead');
    expect(await drbdsetup('xml-help', 'state')).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('name="state"') as string,
      stderr: '',
    });
    expect((await drbdsetup('help')).exit).toBe(20);
    expect((await drbdsetup('help')).stdout).toContain('new-current-uuid');
  });

  test('the usage wraps at the width of the terminal, which its Io tells', async () => {
    const lines = async (columns: number | undefined): Promise<readonly string[]> => {
      const io = memoryIo();
      const stdout = { isTerminal: true, closed: false, columns, write: (text: string) => io.stdout.write(text) };
      expect(await main(['help', 'attach'], { ...io, stdout }, { backend })).toBe(0);
      const [, usage = ''] = io.stdout.text.split('USAGE:\n');
      return usage.slice(0, usage.indexOf('\n\n')).split('\n');
    };
    const longest = async (columns: number | undefined): Promise<number> =>
      Math.max(...(await lines(columns)).filter((line) => line.trim().includes(' ')).map(({ length }) => length));
    expect(await longest(60)).toBeLessThanOrEqual(60);
    expect(await longest(200)).toBeGreaterThan(120);
    expect(await longest(undefined)).toBeLessThanOrEqual(80);
  });

  test('the secret is in no message', async () => {
    const result = await drbdsetup(
      'connect',
      'r0',
      '127.0.0.1:1',
      '127.0.0.1:2',
      '--shared-secret=hidden',
      '--timeout=0',
    );
    expect(result.exit).toBe(20);
    expect(result.stderr).not.toContain('hidden');
    for (const secret of ['hid\0den', 'hidden'.repeat(20)]) {
      const refused = await drbdsetup('connect', 'r0', '127.0.0.1:1', '127.0.0.1:2', `--shared-secret=${secret}`);
      expect(refused.exit).not.toBe(0);
      expect(refused.stderr).not.toMatch(/hid|den/u);
    }
  });
});

test('without a driver, what is down is down', async () => {
  const nobody = createBackend({
    kind: 'kernel',
    dialect: 'genl1',
    transport: {
      open: () => {
        throw new Error('something was sent');
      },
      host: { procDrbd: () => ({ error: 'ENOENT' }), connectorIndex: () => undefined },
    },
  });
  const io = memoryIo();
  expect(await main(['down', 'r0'], io, { backend: nobody })).toBe(0);
  expect(io.stderr.text).toMatch(/^drbdsetup: r0: there is nothing to do for down: no DRBD driver is loaded.*\n$/u);
});

test('limits of waiting agree with each other', () => {
  expect(orderLimits({ wfc: 0, degraded: 0, outdated: 0 })).toEqual({
    limits: { wfc: 0, degraded: 0, outdated: 0 },
    notes: [],
  });
  expect(orderLimits({ wfc: 5, degraded: 0, outdated: 0 }).limits).toEqual({ wfc: 5, degraded: 5, outdated: 5 });
  expect(orderLimits({ wfc: 9, degraded: 5, outdated: 3 }).notes).toEqual([]);
  expect(orderLimits({ wfc: 9, degraded: 10, outdated: 3 })).toEqual({
    limits: { wfc: 9, degraded: 9, outdated: 3 },
    notes: ['degr-wfc-timeout has to be at most wfc-timeout; it is set to 9 seconds'],
  });
  expect(orderLimits({ wfc: 0, degraded: 5, outdated: 0 }).limits).toEqual({ wfc: 0, degraded: 5, outdated: 5 });
});

test('the personality knows its words', () => {
  const personality = personalityOf(v84);
  expect(personality.commands).toContain('udev');
});
