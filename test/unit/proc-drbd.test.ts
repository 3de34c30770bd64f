import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { CodecError } from '../../lib/errors';
import { captureLines } from '../support/captures';
import { captureFiles } from '../support/recordings';
import { parseProcDrbd, type ProcDrbd, type ProcDrbdDevice } from '../../lib/dialects/proc-drbd';

const SAMPLES = join(__dirname, '../../../test/unit/data/proc-drbd');

/** Every text of /proc/drbd that the recordings hold, each once. */
function recordedTexts(): string[] {
  const texts = new Set<string>();
  for (const file of captureFiles()) {
    for (const { command: record } of captureLines<{
      readonly proc_drbd_before?: string | null;
      readonly proc_drbd_after?: string | null;
    }>(file)) {
      for (const text of [record.proc_drbd_before, record.proc_drbd_after])
        if (typeof text === 'string' && text !== '') texts.add(text);
    }
  }
  return [...texts];
}

/** What a device's first and second line were, made from what was read: nothing may have been lost or misread. */
function printAgain({
  minor,
  connection,
  role,
  peerRole,
  disk,
  peerDisk,
  protocol,
  flags,
  counters,
}: ProcDrbdDevice): string[] {
  const head = `${String(minor).padStart(2)}: cs:${connection}`;
  if (role === null || flags === null || counters === null) return [head];
  const letters = [
    flags.ioSuspended === true ? 's' : 'r',
    flags.resyncDependency === true ? 'a' : '-',
    flags.resyncPausedByPeer === true ? 'p' : '-',
    flags.resyncPausedByUser === true ? 'u' : '-',
    flags.congestion ?? '-',
    flags.activityLogSuspended === true ? 's' : '-',
  ].join('');
  const kib = (bytes: bigint | null): string => String((bytes ?? -1024n) / 1024n);
  const {
    sentBytes,
    receivedBytes,
    writtenBytes,
    readBytes,
    alWrites,
    bmWrites,
    lowerPending,
    pending,
    unacked,
    upperPending,
    epochs,
    writeOrdering,
    outOfSyncBytes,
  } = counters;
  return [
    `${head} ro:${role}/${peerRole} ds:${disk}/${peerDisk} ${protocol ?? ' '} ${letters}`,
    `    ns:${kib(sentBytes)} nr:${kib(receivedBytes)} dw:${kib(writtenBytes)} dr:${kib(readBytes)} al:${alWrites} bm:${bmWrites} lo:${lowerPending} pe:${pending} ua:${unacked} ap:${upperPending} ep:${epochs} wo:${writeOrdering} oos:${kib(outOfSyncBytes)}`,
  ];
}

function expectAllRead(text: string): void {
  const proc = parseProcDrbd(text);
  const lines = text.split('\n');
  expect(lines[0]).toBe(`version: ${proc.version} (api:${proc.api}/proto:${proc.protocolMin}-${proc.protocolMax})`);
  expect(lines[1]?.trim()).toBe(proc.build);
  const ours = lines
    .slice(2)
    .filter((line) => line.trim() !== '' && !line.startsWith('\t') && !line.startsWith('Transports'));
  expect(proc.devices.flatMap(printAgain)).toEqual(ours);
  expect([...proc.unknownLines, ...proc.devices.flatMap(({ unknownLines }) => unknownLines)]).toEqual([]);
  const progress = lines.filter((line) => line.includes('finish:'));
  const read = proc.devices.flatMap((device) => (device.progress === null ? [] : [device.progress]));
  expect(read).toHaveLength(progress.length);
  for (const { totalBytes, leftBytes, etaSeconds, bytesPerSecond, averageBytesPerSecond } of read) {
    expect([totalBytes, leftBytes, bytesPerSecond, averageBytesPerSecond]).not.toContain(null);
    expect(etaSeconds === null ? 'stalled' : 'estimated').toBe(
      read.some(({ stalled }) => stalled) ? 'stalled' : 'estimated',
    );
  }
}

function device(text: string, minor = 0): ProcDrbdDevice {
  const found = parseProcDrbd(text).devices.find((candidate) => candidate.minor === minor);
  if (found === undefined) throw new Error(`no minor ${minor}`);
  return found;
}

const HEADER_83 =
  'version: 8.3.16 (api:88/proto:86-97)\nGIT-hash: a798fa7e274428a357657fb52f0ecf40192c1985 build by root@host, 2013-09-27 15:59:12\n';

describe('/proc/drbd of genuine kernels', () => {
  test('every text in the recordings is read without loss', () => {
    const texts = recordedTexts();
    expect(texts.length).toBeGreaterThan(100);
    for (const text of texts) expectAllRead(text);
  });

  test('8.3: a resync', () => {
    const text = readFileSync(join(SAMPLES, 'drbd-8.3.13-05-pair-0065.txt'), 'utf8');
    expect(parseProcDrbd(text)).toMatchObject({
      version: '8.3.13',
      api: 88,
      protocolMin: 86,
      protocolMax: 96,
      build: 'built-in',
      gitHash: null,
      sourceVersion: null,
      transports: [],
    });
    expect(device(text, 1)).toMatchObject({
      connection: 'SyncTarget',
      role: 'Secondary',
      peerRole: 'Primary',
      disk: 'Inconsistent',
      peerDisk: 'UpToDate',
      protocol: 'C',
      counters: { readBytes: 5504n * 1024n, outOfSyncBytes: 65496n * 1024n, lowerPending: 2, writeOrdering: 'f' },
      progress: {
        kind: 'sync',
        printedPercent: 6.3,
        leftBytes: 65496n * 1024n,
        totalBytes: 65496n * 1024n,
        etaSeconds: 163,
        bytesPerSecond: 0n,
        wantedBytesPerSecond: 204800n * 1024n,
        stalled: false,
        position: null,
      },
    });
    expect(device(text, 0).progress).toMatchObject({ wantedBytesPerSecond: null });
  });

  test('9: the header and its transports', () => {
    expect(parseProcDrbd(readFileSync(join(SAMPLES, 'drbd-9.1.7-empty-1.txt'), 'utf8'))).toMatchObject({
      version: '9.1.7',
      api: 2,
      gitHash: '56b508fd2db8be404f92ee4b88aac005644b21fd',
      transports: [{ name: 'tcp', version: '9.1.7' }],
      devices: [],
    });
  });
});

describe('/proc/drbd as other releases print it', () => {
  test('8.0: one protocol number, st: for ro:, four flags, no ep, wo and oos, cache lines always', () => {
    const text =
      'version: 8.0.0 (api:86/proto:86)\nSVN Revision: 2713 build by phil@mescal, 2007-01-24 15:08:17\n' +
      ' 0: cs:SyncSource st:Primary/Secondary ds:UpToDate/Inconsistent C r-p-\n' +
      '    ns:4096 nr:0 dw:17 dr:4200 al:2 bm:1 lo:0 pe:3 ua:12 ap:0\n' +
      "\t[=>..................] sync'ed: 12.5% (28672/32768)M\n\tfinish: 12:05:09 speed: 10,240 (8,192) K/sec\n" +
      '\tresync: used:1/31 hits:1020 misses:4 starving:0 dirty:0 changed:4\n\tact_log: used:0/257 hits:3 misses:2 starving:0 dirty:0 changed:2\n\n' +
      ' 2: cs:Unconfigured\n';
    const proc = parseProcDrbd(text);
    expect(proc).toMatchObject({
      protocolMin: 86,
      protocolMax: 86,
      gitHash: null,
      build: 'SVN Revision: 2713 build by phil@mescal, 2007-01-24 15:08:17',
    });
    expect(proc.devices.map(({ minor, connection }) => [minor, connection])).toEqual([
      [0, 'SyncSource'],
      [2, 'Unconfigured'],
    ]);
    expect(device(text)).toMatchObject({
      role: 'Primary',
      flags: { ioSuspended: false, resyncPausedByPeer: true, congestion: null, activityLogSuspended: null },
      counters: { pending: 3, unacked: 12, epochs: null, writeOrdering: null, outOfSyncBytes: null },
      progress: {
        leftBytes: 28672n << 20n,
        totalBytes: 32768n << 20n,
        etaSeconds: 43509,
        bytesPerSecond: 10240n * 1024n,
        averageBytesPerSecond: 8192n * 1024n,
        wantedBytesPerSecond: null,
      },
      caches: [
        { name: 'resync', values: { used: 1n, size: 31n, hits: 1020n, changed: 4n } },
        { name: 'act_log', values: { used: 0n, size: 257n } },
      ],
      unknownLines: [],
    });
  });

  test('8.0: a stalled resync has no estimate', () => {
    expect(
      device(
        `${HEADER_83} 0: cs:SyncTarget st:Secondary/Primary ds:Inconsistent/UpToDate C r---\n    ns:0 nr:1 dw:1 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0\n\t[>....................] sync'ed:  0.1% (99/100)K\n\tstalled\n`,
      ).progress,
    ).toMatchObject({
      stalled: true,
      etaSeconds: null,
      leftBytes: 99n * 1024n,
    });
  });

  test('8.2 counts a verify in bits of the bitmap', () => {
    expect(
      device(
        `${HEADER_83} 0: cs:VerifyS st:Primary/Secondary ds:UpToDate/UpToDate C r---\n    ns:0 nr:0 dw:0 dr:8 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:b oos:0\n\t 25%      4/16\n`,
      ).progress,
    ).toMatchObject({
      kind: 'verify',
      printedPercent: 25,
      totalBytes: 65536n,
      leftBytes: 49152n,
    });
  });

  test('8.3 and 8.4 with proc_details: three speeds, stalled, position and stop sector', () => {
    const text =
      `${HEADER_83} 0: cs:VerifyS ro:Primary/Secondary ds:UpToDate/UpToDate A s-----\n    ns:1 nr:2 dw:3 dr:4 al:5 bm:6 lo:-1 pe:8 ua:9 ap:10 ep:11 wo:n oos:12\n` +
      '\t[===>................] verified: 20.0% (8192/10240)K\n\tfinish: 0:00:02 speed: 1,234,567 (3,000 -- 2,048) want: 40,960 K/sec (stalled)\n\t 20% sector pos: 4096/20480 stop sector: 16384\n' +
      '\tresync: used:0/61 hits:0 misses:0 starving:0 locked:0 changed:0\n\tblocked on activity log: 0\n';
    expect(device(text)).toMatchObject({
      protocol: 'A',
      flags: { ioSuspended: true },
      counters: { lowerPending: 0 },
      progress: {
        stalled: true,
        etaSeconds: null,
        bytesPerSecond: 1234567n * 1024n,
        averageBytesPerSecond: 2048n * 1024n,
        wantedBytesPerSecond: 40960n * 1024n,
        position: { bytes: 4096n * 512n, endBytes: 20480n * 512n, stopBytes: 16384n * 512n },
      },
      caches: [{ name: 'resync' }],
      unknownLines: ['blocked on activity log: 0'],
    });
  });

  test('8.4: a source version, and minors of any length', () => {
    const proc = parseProcDrbd(
      'version: 8.4.11 (api:1/proto:86-101)\nsrcversion: F73C670A7EC572DB9CF3E5B \n\n1048575: cs:Unconfigured\n',
    );
    expect(proc).toMatchObject({
      sourceVersion: 'F73C670A7EC572DB9CF3E5B',
      devices: [{ minor: 1048575, role: null, flags: null, counters: null }],
    });
  });

  const resync = (progress: string, oos = 3500): ProcDrbdDevice =>
    device(
      `${HEADER_83} 0: cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate C r-----\n    ns:0 nr:1 dw:1 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:${oos}\n${progress}`,
    );

  test('Linux 2.6.39 to 3.14 above 4 GiB: all of the progress on one line', () => {
    const line =
      "\t[=>..................] sync'ed: 10.0% (9216/10240)Mfinish: 1:02:03 speed: 1,024 (2,048) want: 3,072 K/sec";
    const read = {
      kind: 'sync',
      printedPercent: 10,
      leftBytes: 9216n << 20n,
      totalBytes: 10240n << 20n,
      etaSeconds: 3723,
      bytesPerSecond: 1024n * 1024n,
      averageBytesPerSecond: 2048n * 1024n,
      wantedBytesPerSecond: 3072n * 1024n,
      stalled: false,
    };
    expect(resync(`${line}\n`)).toMatchObject({ progress: read, unknownLines: [] });
    expect(resync(`${line} (stalled)\n\t 10% sector pos: 8/16\n`)).toMatchObject({
      progress: {
        ...read,
        etaSeconds: null,
        printedEtaSeconds: 3723n,
        stalled: true,
        position: { printedPercent: 10, bytes: 4096n, endBytes: 8192n },
      },
      unknownLines: [],
    });
    expect(resync(line.replace(/finish.*/u, 'stalled'))).toMatchObject({ progress: { stalled: true } });
    expect(resync(line.replace("sync'ed", 'verified').replace('Mfinish', 'M?finish'))).toMatchObject({
      progress: { kind: 'verify', etaSeconds: null },
      unknownLines: ['?finish: 1:02:03 speed: 1,024 (2,048) want: 3,072 K/sec'],
    });
  });

  test('above 4 GiB the kernel rounds to 4 MiB, and oos: is exact', () => {
    const left = (word: string, printed: string, oos: number): (bigint | null | undefined)[] => {
      const { progress } = resync(
        `\t[===================>] ${word}:100.0% ${printed}\n\tfinish: 0:00:00 speed: 1 (1) K/sec\n`,
        oos,
      );
      return [progress?.leftBytes, progress?.totalBytes];
    };
    expect(left("sync'ed", '(0/10236)M', 3500)).toEqual([3_584_000n, 10236n << 20n]);
    expect(left("sync'ed", '(8/10236)M', 12_287)).toEqual([12_287n * 1024n, 10236n << 20n]);
    // Blocks that failed stay out of sync and are not left, so what does not round to it is another number.
    expect(left("sync'ed", '(8/10236)M', 12_288)).toEqual([8n << 20n, 10236n << 20n]);
    expect(left("sync'ed", '(8/10236)M', 8191)).toEqual([8n << 20n, 10236n << 20n]);
    // The total is rounded too, and no less than what is left.
    expect(left("sync'ed", '(10236/10236)M', 10_485_000)).toEqual([10_736_640_000n, 10_736_640_000n]);
    // No kernel prints a number that is not a multiple of 4: it is not taken for a rounded one.
    expect(left("sync'ed", '(9/10236)M', 12_287)).toEqual([9n << 20n, 10236n << 20n]);
    expect(left("sync'ed", '(10236/10237)M', 10_485_000)).toEqual([10_736_640_000n, 10237n << 20n]);
    // What a verify found says nothing about what it has left.
    expect(left('verified', '(0/10236)M', 3500)).toEqual([0n, 10236n << 20n]);
    expect(left("sync'ed", '(4/1024)K', 5)).toEqual([4096n, 1024n * 1024n]);
  });

  test('8.2.0 counts in the line of a verify what is out of sync', () => {
    expect(
      device(
        `${HEADER_83} 0: cs:VerifyT st:Secondary/Primary ds:UpToDate/UpToDate C r---\n    ns:0 nr:0 dw:0 dr:8 al:0 bm:0 lo:0 pe:0 ua:0 ap:0\n\t 25% oos:3  4 / 16 \n`,
      ),
    ).toMatchObject({
      counters: { outOfSyncBytes: 12_288n },
      progress: { kind: 'verify', leftBytes: 49152n },
      unknownLines: [],
    });
  });

  test('8.3.8 prints delays behind the sizes', () => {
    expect(
      resync("\t[>....................] sync'ed:  0.1% (99/100)K queue_delay: 12.3 ms\n\tstalled\n"),
    ).toMatchObject({
      progress: { leftBytes: 99n * 1024n, stalled: true },
      unknownLines: ['queue_delay: 12.3 ms'],
    });
  });

  test('9 in compatibility mode: no end in sight, and a negative speed', () => {
    const proc = parseProcDrbd(
      'version: 9.2.15 (api:2/proto:86-122) (compat 8.4)\nGIT-hash: abc build by root@host, 2025-08-01 10:00:00\n' +
        ' 3: cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate C r-----\n    ns:0 nr:1 dw:1 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:100\n' +
        "\t[>....................] sync'ed:  0.1% (100/100)K\n\tfinish: ∞ speed: -1,024 (-5 -- 2,048) want: 3,072 K/sec\n\t  0% sector pos: 0/200\n",
    );
    expect(proc).toMatchObject({ version: '9.2.15', compatibility: 'compat 8.4', unknownLines: [] });
    expect(proc.devices[0]).toMatchObject({
      progress: {
        etaSeconds: null,
        bytesPerSecond: -1024n * 1024n,
        shortAverageBytesPerSecond: -5n * 1024n,
        averageBytesPerSecond: 2048n * 1024n,
        wantedBytesPerSecond: 3072n * 1024n,
      },
      unknownLines: [],
    });
  });

  test('9: transports of any name', () => {
    const read = (line: string): Pick<ProcDrbd, 'transportApi' | 'transports' | 'unknownLines'> =>
      parseProcDrbd(`version: 9.2.12 (api:2/proto:86-122)\nGIT-hash: abc\n${line}\n`);
    expect(read('Transports (api:21): rdma (9.2.12) lb-tcp (9.2.12) tcp (9.2.12)')).toMatchObject({
      transportApi: 21,
      transports: ['rdma', 'lb-tcp', 'tcp'].map((name) => ({ name, version: '9.2.12' })),
      unknownLines: [],
    });
    expect(read('Transports (api:14):')).toMatchObject({ transportApi: 14, transports: [] });
    expect(read('Transports (api:21): tcp (NONE) and more')).toMatchObject({
      transports: [{ name: 'tcp', version: 'NONE' }],
      unknownLines: ['and more'],
    });
  });

  test('what is not known is kept', () => {
    const proc = parseProcDrbd(
      `${HEADER_83}news from the module\n 0: cs:Dancing ro:Primary/Secondary ds:UpToDate/UpToDate C r-----zz\n    ns:1 xx:2\n\tmore\n`,
    );
    expect(proc.unknownLines).toEqual(['news from the module']);
    expect(proc.devices[0]).toMatchObject({
      connection: 'Dancing',
      flags: { ioSuspended: false, activityLogSuspended: false },
      counters: { sentBytes: 1024n, receivedBytes: null },
      unknownLines: ['zz', 'xx:2', 'more'],
    });
  });
});

/** Every text that a release may print: the formats of drbd_proc.c, with any number in each place. */
const KERNEL_TEXT = ((): fc.Arbitrary<string> => {
  const u32 = fc.oneof(fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1), fc.nat());
  const u64 = fc.oneof(fc.constantFrom(0n, 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 50n));
  const pending = fc.nat({ max: 99_999 });
  const rate = fc.oneof(fc.nat({ max: 999 }), fc.nat()).map((number) => number.toLocaleString('en-US'));
  const text = (...parts: (string | fc.Arbitrary<unknown>)[]): fc.Arbitrary<string> =>
    fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))).map((all) => all.join(''));
  const optional = (part: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.oneof(fc.constant(''), part);
  const two = fc.nat({ max: 59 }).map((number) => String(number).padStart(2, '0'));
  const percent = text(
    fc.nat({ max: 99 }).map((number) => String(number).padStart(3)),
    '.',
    fc.nat({ max: 9 }),
    '%',
  );
  const build = fc.constantFrom('built-in', 'GIT-hash: 0a build by a@b, 2013-09-27 15:59:12', 'srcversion: F73C 67');
  const header = text(
    'version: ',
    fc.constantFrom('8.0.16', '8.3.13', '8.4.11', '9.2.15rc1'),
    fc.constantFrom(' (api:88/proto:86)', ' (api:1/proto:86-101)'),
    fc.constantFrom('', ' (compat 8.4)'),
    '\n',
    build,
    '\n',
  );
  const transports = text(
    'Transports (api:',
    u32,
    '):',
    fc.constantFrom('', ' tcp (NONE)', ' lb-tcp (9.2.1) rdma (9)'),
  );
  const role = fc.constantFrom('Primary', 'Secondary', 'Unknown');
  const disk = fc.constantFrom('UpToDate', 'Inconsistent', 'DUnknown');
  const flag = (letters: string): fc.Arbitrary<string> => fc.constantFrom(...letters);
  const flags = text(
    flag('rs'),
    flag('-a'),
    flag('-p'),
    flag('-u'),
    optional(text(flag('-abdnc'), optional(flag('-s')))),
  );
  const counters = text(
    ...['ns', 'nr', 'dw', 'dr', 'al', 'bm'].flatMap((name) => [`${name}:`, u32, ' ']),
    ...['lo', 'pe', 'ua', 'ap'].flatMap((name) => [`${name}:`, pending, ' ']),
    optional(text('ep:', pending, ' wo:', flag('bfdn'), ' oos:', u64)),
  );
  const sizes = fc.oneof(
    text('(', u64, '/', fc.bigInt(1n, 2n ** 50n), ')K', fc.constantFrom('\n\t', ' delay_probe: 12\n\t')),
    text('(', u64, '/', fc.bigInt(4097n, 2n ** 40n), ')M', fc.constantFrom('\n\t', '')),
  );
  const rates = fc.oneof(
    fc.constant('stalled'),
    text(
      'finish: ',
      fc.oneof(text(u64, ':', two, ':', two), fc.constant('∞')),
      ' speed: ',
      fc.constantFrom('', '-'),
      rate,
      ' (',
      optional(text(rate, ' -- ')),
      rate,
      ')',
      optional(text(' want: ', rate)),
      ' K/sec',
      fc.constantFrom('', ' (stalled)'),
    ),
  );
  const progress = fc.oneof(
    text(
      '\t[==>..................] ',
      fc.constantFrom("sync'ed:", 'verified:'),
      percent,
      ' ',
      sizes,
      rates,
      '\n',
      optional(text('\t 25% sector pos: ', u64, '/', u64, optional(text(' stop sector: ', u64)), '\n')),
    ),
    text('\t 25%      ', u32, '/', fc.constant(2 ** 33), '\n'),
  );
  const cache = text(
    fc.constantFrom('\tresync: used:', '\tact_log: used:'),
    u32,
    '/61',
    ...['hits', 'misses', 'starving', 'locked', 'changed'].flatMap((name) => [` ${name}:`, u64]),
    '\n',
  );
  const configured = (minor: number): fc.Arbitrary<string> =>
    text(
      `${String(minor).padStart(2)}: cs:`,
      fc.constantFrom('SyncSource', 'Connected', 'TOO_LARGE'),
      fc.constantFrom(' ro:', ' st:'),
      role,
      '/',
      role,
      ' ds:',
      disk,
      '/',
      disk,
      ' ',
      flag('ABC@ '),
      ' ',
      flags,
      '\n    ',
      counters,
      '\n',
      optional(progress),
      optional(cache),
    );
  const devices = fc
    .uniqueArray(fc.nat({ max: 1_048_575 }), { maxLength: 3 })
    .chain((minors) =>
      text(
        ...minors.map((minor) =>
          fc.oneof(fc.constant(`${String(minor).padStart(2)}: cs:Unconfigured\n`), configured(minor)),
        ),
      ),
    );
  return fc.oneof({ weight: 5, arbitrary: text(header, devices) }, text(header, transports, '\n'));
})();

/** What stands for nothing, or for the same as something else: two texts that differ in no more may be read alike. */
function essence(text: string): string {
  return (
    text
      .replace(/\[=*>?\.*\]/gu, '[]')
      // No congestion is the same as none printed.
      .replace(/(?<= [rs][a-][p-][u-])-(?!\S)/gu, '')
      // A length that rounds down, or that nothing is left of, is the same in either unit.
      .replace(/\(0+\/0+\)[KM]/gu, '(0/0)')
      .replace(/(?<=\d),(?=\d{3})/gu, '')
      .replace(/(?<=\b(?:lo|pe|ua|ap|ep):)(?:-\d+|0+(?=\d))/gu, '0')
      .replace(/(?<![\d.])-?0+(?=\d)/gu, '')
      .replace(/(?<!\d)-0(?!\d)/gu, '0')
      .replace(/(\.\d*?)0+(?!\d)/gu, '$1')
      .replace(/\.(?!\d)/gu, '')
      .replace(/\s+/gu, '')
  );
}

describe('every character is accounted for', () => {
  const read = (text: string): ProcDrbd | string => {
    try {
      return parseProcDrbd(text);
    } catch (error) {
      if (error instanceof CodecError) return error.message;
      throw error;
    }
  };
  const unknown = (proc: ProcDrbd): string[] => [
    ...proc.unknownLines,
    ...proc.devices.flatMap(({ unknownLines }) => unknownLines),
  ];

  test('what a kernel prints is known, but for delays of 8.3.8', () => {
    fc.assert(
      fc.property(KERNEL_TEXT, (text) => {
        expect(unknown(parseProcDrbd(text)).filter((line) => line !== 'delay_probe: 12')).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  /** Runs over each sample, one of each shape: digits apart, they are the same. */
  const shapes = (): readonly string[] => [
    ...new Map(
      [...fc.sample(KERNEL_TEXT, 8), ...recordedTexts().filter((text) => text.length < 500)].map((text) => [
        text.replace(/[\d,]+/gu, '0').replace(/\[=*>?\.*\]/gu, ''),
        text,
      ]),
    ).values(),
  ];

  /** Fails with the edit, where it is read as what it was made from. */
  const expectNoticed = (text: string, whole: ProcDrbd | string, edited: string): void => {
    if (isDeepStrictEqual(read(edited), whole) && essence(edited) !== essence(text))
      throw new Error(`read alike:\n${text}\n${edited}`);
  };

  test('a text that ends early is read as another', () => {
    for (const text of shapes()) {
      const whole = read(text);
      for (let end = 1; end < text.length; end++) expectNoticed(text, whole, text.slice(0, end));
    }
  });

  test('each word, number and sign that is missing or there twice is noticed, and up to three in a row', () => {
    for (const text of shapes()) {
      const whole = read(text);
      const tokens = [...text.matchAll(/[a-z]+|\d+|\S/giu)];
      for (const [at, { index }] of tokens.entries()) {
        for (const last of tokens.slice(at, at + 3)) {
          const [token, rest] = [
            text.slice(index, last.index + last[0].length),
            text.slice(last.index + last[0].length),
          ];
          expectNoticed(text, whole, text.slice(0, index) + rest);
          expectNoticed(text, whole, text.slice(0, index) + token + token + rest);
        }
      }
    }
  });

  test('whatever is put anywhere, taken away or changed, changes what is read', () => {
    const samples = [...recordedTexts().slice(0, 200)];
    fc.assert(
      fc.property(
        fc.oneof({ weight: 4, arbitrary: KERNEL_TEXT }, fc.constantFrom(...samples)),
        fc.nat(),
        fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat({ max: 12 })),
        fc.oneof(
          fc.constant(''),
          fc.string({ maxLength: 6 }),
          fc.constantFrom(
            '7',
            ' ',
            ':',
            ',',
            '(',
            'K',
            'M',
            '-',
            ' x ',
            ' stalled',
            '\n',
            '\t[>...]',
            ' ns:1',
            'finish: 0:00:01',
          ),
        ),
        (text, place, length, put) => {
          const at = place % (text.length + 1);
          const edited = text.slice(0, at) + put + text.slice(at + length);
          fc.pre(essence(edited) !== essence(text));
          expect(read(edited)).not.toEqual(read(text));
        },
      ),
      { numRuns: 1500, endOnFailure: true },
    );
  });
});

describe('/proc/drbd that no kernel prints', () => {
  const refuses = (text: string): void => {
    expect(() => parseProcDrbd(text)).toThrow(expect.objectContaining({ code: 'ERR_DRBD_CODEC' }) as Error);
  };

  test('nothing, something else, a repeated minor and a flood are refused', () => {
    refuses('');
    refuses('\n');
    refuses('version: 8.3.13\n');
    refuses(`${HEADER_83} 1: cs:Unconfigured\n 1: cs:Unconfigured\n`);
    refuses(`${HEADER_83}${' '.repeat(17 * 1024 * 1024)}`);
  });

  test('no text makes it throw anything else', () => {
    const samples = recordedTexts().slice(0, 50);
    const parse = (text: string): ProcDrbd | undefined => {
      try {
        return parseProcDrbd(text);
      } catch (error) {
        if (error instanceof CodecError) return undefined;
        throw error;
      }
    };
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(), fc.nat(40), fc.string({ maxLength: 40 })), { maxLength: 5 }),
        (sample, edits) => {
          let text = sample;
          for (const [at, length, put] of edits)
            text = text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + length);
          parse(text);
        },
      ),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.string(), (text) => void parse(`${HEADER_83} 0: cs:${text}`)),
      { numRuns: 500 },
    );
  });

  test('long lines take no longer than they are long', () => {
    const start = performance.now();
    for (const part of ['ns:1 ', ' ds:a', ' ro:', '[', '(1,', 'a:1', '1', ' ', 'x ('] as const) {
      parseProcDrbd(
        `${HEADER_83} 0: cs:Connected${part.repeat(100_000)}\nns:${part.repeat(100_000)}\n\t[>...] sync'ed: 1.0%\n\tfinish: 0:00:00${part.repeat(100_000)}\nTransports ${part.repeat(1000)}\n`,
      );
    }
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
