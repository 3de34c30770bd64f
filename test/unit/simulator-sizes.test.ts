import { parseProcDrbd, type ProcDrbdDevice } from '../../lib/dialects/proc-drbd';
import { groupedRate, progressLines, type ProgressNumbers } from '../../lib/simulator/proc';
import { SimulatedPair, type Node } from '../support/simulated-pair';

const KIB = 2n ** 10n;
const MIB = 2n ** 20n;
const GIB = 2n ** 30n;
const TIB = 2n ** 40n;
const PIB = 2n ** 50n;
const BLOCK = 4096n;
/** Highest rate that 8.3 takes, 4 GiB/s, in KiB/s. */
const FASTEST = 4_194_304;

let pair: SimulatedPair;
afterEach(() => {
  pair.close();
});

/** A resync of everything has just begun, from node 0 to node 1. */
function resync(dataBytes: bigint): void {
  // Room for the metadata: 32 KiB of bitmap for each GiB.
  const sizeBytes = dataBytes + dataBytes / 16_384n + 256n * MIB;
  pair = new SimulatedPair({ disks: { '/dev/disk': { sizeBytes } } });
  for (const node of [0, 1] as const) {
    expect(pair.ask(node, 'syncer_conf', { rate: FASTEST, c_plan_ahead: 0 })).toBe(101);
    pair.attach(node, { disk_size: dataBytes / 512n });
    pair.connect(node);
  }
  pair.clock.advance(1000);
  const sent = pair.send(0, 'primary', { primary_force: true });
  pair.clock.advanceUntil(() => sent.codes.length > 0 && proc(1).includes("sync'ed"), 60_000);
}

function proc(node: Node): string {
  return pair.nodes[node].procDrbd() ?? '';
}

function read(node: Node): ProcDrbdDevice {
  const [device] = parseProcDrbd(proc(node)).devices;
  if (device === undefined) throw new Error(`node ${node} has no minor`);
  return device;
}

/** The part that is done is reckoned in steps of 4 MiB, so that the smallest are done at once. */
const PROGRESS = /^\t\[(?:>\.{20}\] sync'ed: {2}0\.\d|={19}>\] sync'ed:100\.0)% /mu;

describe('a resync as Linux 3.6 prints it, at every size', () => {
  test.each<readonly [string, bigint, sizes: string, oneLine: boolean]>([
    ['1 MiB', MIB, '(1024/1024)K', false],
    ['4 GiB less a block', 4n * GIB - BLOCK, '(4194300/4194300)K', false],
    ['4 GiB', 4n * GIB, '(4194304/4194304)K', false],
    ['4 GiB and a block', 4n * GIB + BLOCK, '(4096/4096)M', true],
    ['5 GiB less a block', 5n * GIB - BLOCK, '(5116/5116)M', true],
    ['1 TiB', TIB, '(1048576/1048576)M', true],
    ['16 TiB less a block', 16n * TIB - BLOCK, '(16777212/16777212)M', true],
    ['16 TiB', 16n * TIB, '(16777216/16777216)M', true],
    ['1 PiB', PIB, '(1073741824/1073741824)M', true],
  ])('%s', (_size, bytes, sizes, oneLine) => {
    resync(bytes);
    expect(pair.nodes[1].minor(0)).toMatchObject({
      sizeSectors: Number(bytes / 512n),
      dirtyBlocks: Number(bytes / BLOCK),
    });
    for (const [node, want] of [
      [0, ''],
      [1, ' want: 4,194,304'],
    ] as const) {
      const text = proc(node);
      expect(text).toContain(` oos:${bytes / KIB}\n\t[`);
      expect(text).toMatch(PROGRESS);
      expect(text).toContain(`% ${sizes}${oneLine ? '' : '\n\t'}finish: `);
      expect(text.endsWith(` speed: 0 (0)${want} K/sec\n`)).toBe(true);
      expect(read(node)).toMatchObject({ progress: { kind: 'sync', leftBytes: bytes }, unknownLines: [] });
    }
    pair.clock.advance(30_000);
    const left = BigInt(pair.nodes[1].minor(0)?.dirtyBlocks ?? -1) * BLOCK;
    if (left === 0n) {
      expect(bytes).toBeLessThanOrEqual(16n * GIB);
      expect(read(1)).toMatchObject({ progress: null, counters: { outOfSyncBytes: 0n } });
      return;
    }
    expect(bytes).toBeGreaterThan(100n * GIB);
    expect(proc(1)).toMatch(/ speed: 4,194,280 \(4,208,260\) want: 4,194,304 K\/sec\n$/u);
    const { progress, counters } = read(1);
    // A hundredth of what is done so far is rounded off the speed that the end is reckoned from.
    expect(Number(progress?.etaSeconds) / (Number(left) / (FASTEST * 1024))).toBeCloseTo(1, 0);
    expect([progress?.leftBytes, counters?.outOfSyncBytes]).toEqual([left, left]);
    expect(progress?.printedPercent).toBeCloseTo(Number(((bytes - left) * 1000n) / bytes) / 10, 0);
  });

  test('counters of sectors have 32 bits: they wrap at 2 TiB', () => {
    resync(3n * TIB);
    const copied = (): bigint => 3n * TIB - BigInt(pair.nodes[1].minor(0)?.dirtyBlocks ?? 0) * BLOCK;
    pair.clock.advanceUntil(() => copied() > 2n * TIB, 900_000);
    expect(copied()).toBeGreaterThan(2n * TIB);
    expect(read(1).counters).toMatchObject({
      receivedBytes: copied() - 2n * TIB,
      writtenBytes: copied() - 2n * TIB,
      outOfSyncBytes: 3n * TIB - copied(),
    });
  });
});

describe("the kernel's arithmetic", () => {
  const numbers: ProgressNumbers = {
    verify: false,
    perMille: 500,
    left: 1000,
    total: 2000,
    markLeft: 1500,
    markSeconds: 10,
    allSeconds: 20,
    wanted: undefined,
  };
  beforeEach(() => {
    pair = new SimulatedPair();
  });

  test('thousands', () => {
    expect([0n, 999n, 1000n, 999_999n, 1_000_000n, 1_002_003n].map(groupedRate)).toEqual([
      '0',
      '999',
      '1,000',
      '999,999',
      '1,000,000',
      '1,002,003',
    ]);
    // Nothing is expected above a TiB/s, and negative numbers are printed as they are.
    expect([1_234_567_890n, -1_234_567n, 2n ** 64n - 20n].map(groupedRate)).toEqual([
      '1234,567,890',
      '-1234567',
      '-20',
    ]);
  });

  test('a time of hours, and one of years', () => {
    expect(progressLines({ ...numbers, left: 3_000_000, total: 4_000_000, markLeft: 3_000_500 })).toBe(
      "\t[=========>..........] sync'ed: 50.0% (11716/15624)Mfinish: 13:53:20 speed: 200 (200,000) K/sec\n",
    );
    expect(progressLines({ ...numbers, left: 2 ** 38, total: 2 ** 38, markLeft: 2 ** 38 })).toContain(
      'finish: 7635497:24:54 speed: 0 (0) K/sec',
    );
  });

  test('more left than at the mark, and than in all: what is unsigned wraps', () => {
    expect(progressLines({ ...numbers, markLeft: 995, markSeconds: 1 })).toContain('finish: 0:00:00 speed: -20 (200)');
    expect(progressLines({ ...numbers, markLeft: 995, markSeconds: 3 })).toContain(
      ' speed: 6148914691236,517,196 (200)',
    );
    expect(progressLines({ ...numbers, left: 2005, markLeft: 2010, perMille: 0, allSeconds: 1 })).toContain(
      '(8020/8000)K',
    );
  });

  test('stalled after as many seconds as its marks span ticks', () => {
    expect(progressLines({ ...numbers, markSeconds: 6000 })).not.toContain('stalled');
    expect(progressLines({ ...numbers, markSeconds: 6001, wanted: 0 })).toMatch(/ want: 0 K\/sec \(stalled\)\n$/u);
  });
});
