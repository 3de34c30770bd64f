import { AbortError, ArgumentError, ClosedError, openDrbd, TimeoutError, type Snapshot } from '../../lib';
import { VirtualClock } from '../../lib/simulator';
import { eventually, matchers, withTestKernel, type TestKernel } from '../../lib/testing';

expect.extend(matchers);

const DISK = { backingDev: '/dev/vg/r0', metaDev: '/dev/vg/r0', metaDevIdx: 'internal' } as const;

const withDisk = (test: (kernel: TestKernel) => Promise<void>): (() => Promise<void>) => {
  return () =>
    withTestKernel(async (kernel) => {
      await kernel.drbd.attach({ minor: 0 }, DISK);
      await test(kernel);
    });
};

/** @returns what a promise rejects with */
async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('it did not reject');
}

/** Something that waits as a client does, with states of the test's own. */
const waitingFor = (...states: readonly Snapshot[]) => ({
  waitFor: (predicate: (snapshot: Snapshot) => boolean): Promise<Snapshot> => {
    const found = states.find(predicate);
    return found === undefined ? Promise.reject(new TimeoutError('no', 7, 'no')) : Promise.resolve(found);
  },
});

describe('a kernel of a test', () => {
  test('is there with disks, and shares nothing with another', async () => {
    await withTestKernel(async ({ drbd }) => {
      await drbd.attach({ minor: 0 }, DISK);
      await withTestKernel(async (other) => {
        expect((await other.drbd.status()).resources).toEqual([]);
        expect(other.simulator.disk('/dev/vg/r1')).toBeDefined();
      });
      expect((await drbd.status()).resources).toHaveLength(1);
    });
  });

  test('has the options of the simulator, in the byte order that they name', async () => {
    const clock = new VirtualClock();
    const version = await withTestKernel(({ drbd, simulator }) => [drbd.driver.version, simulator.clock], {
      byteOrder: 'big',
      version: '8.3.16',
      clock,
    });
    expect(version).toEqual(['8.3.16', clock]);
  });

  test.each(['ends', 'fails'])('is closed when the test %s', async (how) => {
    let kept: TestKernel | undefined;
    const ending = withTestKernel((kernel) => {
      kept = kernel;
      if (how === 'fails') throw new RangeError('the test');
    });
    if (how === 'fails') await expect(ending).rejects.toThrow(RangeError);
    else await ending;
    if (kept === undefined) throw new Error('it was not called');
    await expect(kept.drbd.status()).rejects.toBeInstanceOf(ClosedError);
    const { transport } = kept.simulator;
    await expect(openDrbd({ dialect: 'connector', transport, timeoutMs: 50 })).rejects.toThrow();
  });
});

describe('eventually()', () => {
  test(
    'resolves with the state, now or when it comes',
    withDisk(async ({ drbd }) => {
      await eventually(drbd, 'minor=0 disk=Inconsistent');
      const waiting = eventually(drbd, 'minor=0 role=Primary disk=UpToDate');
      await drbd.promote({ minor: 0 }, { force: true });
      expect((await waiting).resources[0]).toMatchObject({ role: 'Primary' });
    }),
  );

  test(
    'says what is missing when the time is over',
    withDisk(async ({ drbd }) => {
      const error = await failureOf(eventually(drbd, 'minor=0 role=Primary disk=UpToDate', { timeoutMs: 1500 }));
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).toMatchObject({ code: 'ERR_DRBD_TIMEOUT', timeoutMs: 1500, sent: 'no' });
      expect(error.message).toBe(
        [
          'minor=0 role=Primary disk=UpToDate: not reached in 1500 ms. What is missing:',
          '  role=Primary: minor 0 is Secondary',
          '  disk=UpToDate: minor 0/0 is Inconsistent',
        ].join('\n'),
      );
    }),
  );

  test(
    'reads counters, which the kernel does not announce',
    withDisk(async ({ drbd, simulator }) => {
      await drbd.promote({ minor: 0 }, { force: true });
      const waiting = eventually(drbd, 'minor=0 stats.writtenBytes>4K', { refreshMs: 5 });
      simulator.write(0, [0, 9]);
      await waiting;
    }),
  );

  test(
    'ends by what else may end a wait',
    withDisk(async ({ drbd }) => {
      await expect(eventually(drbd, 'minor=0 disc=UpToDate')).rejects.toBeInstanceOf(ArgumentError);
      const signal = AbortSignal.abort();
      await expect(eventually(drbd, 'minor=0 role=Primary', { signal })).rejects.toBeInstanceOf(AbortError);
      const waiting = eventually(drbd, 'minor=0 role=Primary');
      drbd.close();
      await expect(waiting).rejects.toBeInstanceOf(ClosedError);
    }),
  );

  test(
    'a state that is not one moment proves nothing',
    withDisk(async ({ drbd }) => {
      const whole = await drbd.status();
      const torn = { ...whole, source: { ...whole.source, complete: false } };
      await eventually(waitingFor(torn, whole), 'minor=0 disk=Inconsistent');
      const error = await failureOf(eventually(waitingFor(torn), 'minor=0 disk=Inconsistent'));
      expect(error.message).toContain('\n  the state changed while it was read');
    }),
  );
});

describe('toReach()', () => {
  test(
    'passes for a state that comes, and with .not for one that does not',
    withDisk(async ({ drbd }) => {
      await expect(drbd).not.toReach('minor=0 role=Primary', { timeoutMs: 30 });
      const coming = expect(drbd).toReach('minor=0 role=Primary disk=UpToDate');
      await drbd.promote({ minor: 0 }, { force: true });
      await coming;
    }),
  );

  test(
    'fails with what was missing, and with .not because it was reached',
    withDisk(async ({ drbd }) => {
      const missed = await failureOf(expect(drbd).toReach('minor=0 disk=UpToDate', { timeoutMs: 30 }));
      expect(missed.message).toBe(
        'minor=0 disk=UpToDate: not reached in 30 ms. What is missing:\n  disk=UpToDate: minor 0/0 is Inconsistent',
      );
      const reached = await failureOf(expect(drbd).not.toReach('minor=0 disk=Inconsistent'));
      expect(reached.message).toBe('minor=0 disk=Inconsistent: reached, and it should not have been.');
    }),
  );

  test(
    'fails, with .not too, for what makes no sense',
    withDisk(async ({ drbd }) => {
      await expect(expect(drbd).not.toReach('minor=0 disc=UpToDate')).rejects.toBeInstanceOf(ArgumentError);
      await expect(expect(drbd).not.toReach('')).rejects.toBeInstanceOf(ArgumentError);
      await expect(expect({}).not.toReach('minor=0')).rejects.toThrow(/client of openDrbd\(\)/u);
      drbd.close();
      await expect(expect(drbd).not.toReach('minor=0 role=Primary')).rejects.toBeInstanceOf(ClosedError);
    }),
  );

  test('with .not waits half a second where nothing else is asked for, and else four', async () => {
    const limits: unknown[] = [];
    const drbd = {
      waitFor: (_predicate: unknown, options: unknown): Promise<Snapshot> => {
        limits.push(options);
        return Promise.reject(new TimeoutError('no', 1, 'no'));
      },
    };
    await expect(drbd).not.toReach('role=Primary');
    await failureOf(expect(drbd).toReach('percent>5'));
    expect(limits).toEqual([{ timeoutMs: 500 }, { timeoutMs: 4000, refreshMs: 250 }]);
  });
});
