import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createBackend, main } from '../../../lib/cli';
import { findResourceName } from '../../../lib/transport/resource-names';
import { packets } from '../../../lib/dialects/connector';
import { ArgumentError } from '../../../lib/errors';
import type { Transport } from '../../../lib/transport/transport';
import { memoryIo } from '../../support/cli';

/** A driver that must not be asked anything. */
function silentDriver(): { readonly backend: ReturnType<typeof createBackend>; readonly opened: () => number } {
  let opened = 0;
  const transport: Transport = {
    host: {
      procDrbd: () => 'version: 8.3.13 (api:88/proto:86-96)\nbuilt-in\n',
      connectorIndex: () => 8,
      blockDevice: (path) =>
        path.startsWith('/dev/ram') ? { path, sizeBytes: 1n << 26n, major: 1, minor: 0 } : undefined,
      driver: { dialect: 'connector', byteOrder: 'little', version: '8.3.13', api: 88 },
    },
    open: () => {
      opened++;
      throw new ArgumentError('test', 'something was about to be sent');
    },
  };
  return { backend: createBackend({ kind: 'given', transport, locks: false }), opened: () => opened };
}

async function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly exit: number; readonly stdout: string; readonly stderr: string; readonly opened: number }> {
  const io = memoryIo({ env });
  const { backend, opened } = silentDriver();
  const exit = await main(argv, io, { backend });
  return { exit, stdout: io.stdout.text, stderr: io.stderr.text, opened: opened() };
}

const LONG = 'x'.repeat(10_000);
const ADDRESSES = ['127.0.0.1:7788', '127.0.0.1:7789'];

describe('what makes no sense is told, and nothing is sent', () => {
  test.each<[string, string[], number, RegExp]>([
    ['nothing', [], 20, /a device and a command are needed/],
    ['a device alone', ['0'], 20, /a device and a command are needed/],
    ['an unknown command', ['0', 'nonsense'], 20, /there is no command "nonsense"/],
    ['a command that is nearly one', ['0', 'primry'], 20, /there is primary/],
    ['a long command', ['0', LONG], 20, /10000 characters/],
    ['a command with a newline', ['0', 'ro\nle'], 20, /"ro\\nle"/],
    ['a command in UTF-8', ['0', 'größe'], 20, /"größe"/],
    ['an unknown global option', ['--jason', '0', 'role'], 20, /no global option "--jason"/],
    ['a device that is none', ['/dev/null', 'role'], 20, /is not a block device/],
    ['a device that is not there', ['/dev/drbd_nothing', 'role'], 20, /names no minor/],
    ['a name', ['r0', 'role'], 20, /names no minor/],
    ['an empty device', ['', 'role'], 20, /names no minor/],
    ['a long device', [LONG, 'role'], 20, /10000 characters/],
    ['a device with NUL', ['/dev/drbd0\0', 'role'], 20, /argument 1 holds a NUL/],
    ['a device in UTF-8', ['/dev/drbd١', 'role'], 20, /names no minor/],
    ['a minor beyond 31 bits', ['4294967296', 'down'], 20, /the largest minor is 2147483647/],
    ['a minor beyond 64 bits', ['99999999999999999999', 'down'], 20, /the largest minor is 2147483647/],
    [
      'an unknown option',
      ['0', 'primary', '--bogus'],
      20,
      /unrecognized option "--bogus"; it has --overwrite-data-of-peer, --force/,
    ],
    ['an unknown letter', ['0', 'primary', '-z'], 20, /unrecognized option "-z"/],
    ['an option of another command', ['0', 'secondary', '--force'], 20, /unrecognized option "--force"/],
    [
      'an ambiguous option',
      ['0', 'net', ...ADDRESSES, 'C', '--cong', '5'],
      20,
      /ambiguous; it may be --congestion-fill, --congestion-extents/,
    ],
    ['an argument where none is taken', ['0', 'net', ...ADDRESSES, 'C', '--dry-run=1'], 20, /takes no argument/],
    ['an option without its argument', ['0', 'syncer', '--rate'], 20, /requires an argument/],
    ['a missing argument', ['0', 'disk', '/dev/ram0'], 20, /the argument meta_data_dev is missing/],
    ['a number that is none', ['0', 'syncer', '--rate', 'fast'], 20, /"fast" is not a valid number/],
    ['an empty number', ['0', 'syncer', '--rate', ''], 100, /a number is missing/],
    ['a number with two suffixes', ['0', 'syncer', '--rate', '10kk'], 20, /not a valid number/],
    ['a number with NUL', ['0', 'syncer', '--rate', '10\0'], 20, /argument 3 holds a NUL/],
    [
      'a number of 10,000 digits',
      ['0', 'syncer', '--rate', '9'.repeat(10_000)],
      20,
      /far out of range.* the range is 1 to 4194304 KiB\/s/,
    ],
    [
      'a number below its range',
      ['0', 'syncer', '--rate', '0'],
      20,
      /"0" is 0 KiB\/s; the range is 1 to 4194304 KiB\/s/,
    ],
    [
      'a number above its range',
      ['0', 'net', ...ADDRESSES, 'C', '--timeout', '601'],
      20,
      /"601" is 601 deciseconds; the range is 1 to 600 deciseconds/,
    ],
    ['a negative number', ['0', 'resize', '--size', '-1'], 20, /the range is 0 to 2199023255552 sectors/],
    [
      'a number that overflows by its suffix',
      ['0', 'resize', '--size', '99999999999999999G'],
      20,
      /does not fit the field/,
    ],
    [
      'a word that is none of the known',
      ['0', 'disk', '/dev/ram0', '/dev/ram0', 'internal', '--fencing', 'electric'],
      20,
      /"electric"; it takes one of dont-care, resource-only, resource-and-stonith/,
    ],
    [
      'a backing device that is a file',
      ['0', 'disk', '/etc/passwd', '/etc/passwd', 'internal'],
      20,
      /"\/etc\/passwd" is not a block device/,
    ],
    ['a path that is too long', ['0', 'disk', `/dev/${LONG}`, '/dev/ram0', 'internal'], 20, /at most 127 bytes fit/],
    ['a path with NUL', ['0', 'disk', '/dev/ram0\0x', '/dev/ram0', 'internal'], 20, /argument 2 holds a NUL/],
    ['half a character', ['0', 'syncer', '--cpu-mask', '\ud800'], 20, /half of a surrogate pair/],
    ['a metadata index that is none', ['0', 'disk', '/dev/ram0', '/dev/ram0', 'inside'], 20, /not a valid number/],
    [
      'a metadata index out of range',
      ['0', 'disk', '/dev/ram0', '/dev/ram0', '2147483648'],
      20,
      /does not fit the field.*the range is -3 to 2147483647/,
    ],
    ['a protocol that is none', ['0', 'net', ...ADDRESSES, 'D'], 20, /"D"; it takes one of A, B, C/],
    ['a port that is none', ['0', 'net', '127.0.0.1:http', '127.0.0.1', 'C'], 20, /"http" is not a valid number/],
    ['an empty port', ['0', 'net', '127.0.0.1:', '127.0.0.1', 'C'], 100, /a number is missing/],
    [
      'a port out of range',
      ['0', 'net', '127.0.0.1:65536', '127.0.0.1', 'C'],
      20,
      /the port "65536" is out of range: 0 to 65535/,
    ],
    [
      'an IPv4 address that is none',
      ['0', 'net', '999.1.1.1', '127.0.0.1', 'C'],
      20,
      /"999.1.1.1" is not an IPv4 address/,
    ],
    ['no address', ['0', 'net', ':7788', '127.0.0.1', 'C'], 20, /"" is not an IPv4 address/],
    [
      'an IPv6 address without its bracket',
      ['0', 'net', 'ipv6:[::1', '127.0.0.1', 'C'],
      20,
      /not an IPv6 address in brackets/,
    ],
    [
      'an IPv6 address that is none',
      ['0', 'net', 'ipv6:[::zz]', '127.0.0.1', 'C'],
      20,
      /"::zz" is not an IPv6 address/,
    ],
    [
      'an interface that is not there',
      ['0', 'net', 'ipv6:[fe80::1%nothing0]', '127.0.0.1', 'C'],
      20,
      /no network interface "nothing0"/,
    ],
    [
      'an interface that is a path',
      ['0', 'net', 'ipv6:[fe80::1%../../lo]', '127.0.0.1', 'C'],
      20,
      /no network interface/,
    ],
    ['a wait beyond its range', ['0', 'wait-connect', '-t', '300001'], 20, /the range is 0 to 300000 seconds/],
    [
      'an option that the module is too old for',
      ['0', 'verify', '--stop', '1M'],
      20,
      /verify --stop needs DRBD 8\.3\.14; the loaded module is 8\.3\.13/,
    ],
    ['an unclosed batch', ['batch', 'x'], 20, /batch takes no arguments/],
  ])('%s', async (_name, argv, exit, message) => {
    const result = await run(argv);
    expect(result.stderr).toMatch(message);
    expect({ exit: result.exit, opened: result.opened }).toEqual({ exit, opened: 0 });
    expect(result.stderr.length).toBeLessThan(2000);
    expect(result.stderr).not.toMatch(/x{200}/);
    // Nothing that a terminal would obey.
    expect(result.stderr.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  test('a secret that is too long is not told', async () => {
    const secret = `geheim${'g'.repeat(60)}`;
    const { exit, stderr, stdout, opened } = await run(['0', 'net', ...ADDRESSES, 'C', '-x', secret], {
      DRBD_DEBUG_DUMP_ARGV: '1',
    });
    expect({ exit, opened }).toEqual({ exit: 20, opened: 0 });
    expect(stderr).toMatch(/^argv: .*"-x","xxxx"/);
    expect(stderr).toMatch(/at most 63 bytes fit, not 66/);
    expect(stderr + stdout).not.toContain('geheim');
  });

  test('a recording that is not there, or is none', async () => {
    for (const path of ['/nonexistent', '/dev/null']) {
      const io = memoryIo({ env: { DRBD_REPLAY: path } });
      expect(await main(['0', 'role'], io)).toBe(20);
      expect(io.stderr.text).toContain(path);
    }
  });

  test.each(['down', 'secondary', 'disconnect', 'detach'])(
    '%s is done already where there is no driver',
    async (name) => {
      const backend = {
        ...silentDriver().backend,
        kind: 'kernel' as const,
        dialect: 'connector' as const,
        host: { procDrbd: () => ({ error: 'ENOENT' }), connectorIndex: () => undefined },
      };
      const io = memoryIo();
      expect(await main(['0', name], io, { backend })).toBe(0);
      expect(await main(['0', 'role'], io, { backend })).toBe(20);
      expect(io.stderr.text).toMatch(/no DRBD driver/);
    },
  );
});

describe('tables', () => {
  test('xml and help know each option', async () => {
    const { stdout } = await run(['xml', 'syncer']);
    expect(stdout).toContain(`<max>${packets.syncer_conf.tags.c_max_rate.max}</max>`);
    expect((await run(['help', 'syncer'])).stdout).toMatch(/--c-max-rate\|-M\} NUMBER/);
    expect((await run(['xml', 'events'])).stdout).toBe(' events [{--unfiltered|-u}] [{--all-devices|-a}]\n');
    expect((await run(['xml', 'role'])).stdout).toBe(' role\n');
    expect(await run(['xml', 'state'])).toMatchObject({ exit: 0, stderr: '' });
  });
});

describe('names of resources', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('come from the configuration that a minor is linked to', () => {
    writeFileSync(
      join(folder, 'drbd.conf'),
      '# resource no { device minor 1; }\nglobal { usage-count no; }\ninclude "res.d/*.res";\nresource first { on a { device /dev/drbd0; disk "/dev/a;b"; } }\n',
    );
    writeFileSync(
      join(folder, 'b.res'),
      'resource "second one" { device /dev/drbd_x minor 7; on b { address 1.2.3.4:7788; } }\nresource third { on c { device minor 8; } }',
    );
    symlinkSync(folder, join(folder, 'res.d'));
    const file = join(folder, 'drbd.conf');
    expect([0, 1, 7, 8].map((minor) => findResourceName(file, minor))).toEqual([
      'first',
      undefined,
      'second one',
      'third',
    ]);
    expect(readFileSync(file, 'utf8')).toContain('usage-count');
  });
});
