import fc from 'fast-check';

import type { Client } from '../../lib/drbd';
import { openDrbd } from '../../lib/drbd';
import { KernelError, OverrunError, UnsupportedError } from '../../lib/errors';
import type { Change, Snapshot } from '../../lib/model';
import { createSimulator, VirtualClock, type Simulator } from '../../lib/simulator';
import { announced } from '../support/law';

const loopback = (port: number): { readonly family: 'ipv4'; readonly address: string; readonly port: number } => ({
  family: 'ipv4',
  address: '127.0.0.1',
  port,
});
type Minor = 0 | 1;

interface Guest {
  readonly simulator: Simulator;
  readonly clock: VirtualClock;
  readonly drbd: Client<'connector'>;
}

async function guest(names?: Readonly<Record<number, string>>): Promise<Guest> {
  const clock = new VirtualClock();
  const simulator = createSimulator({
    clock,
    disks: { '/dev/d0': { sizeBytes: 16 << 20 }, '/dev/d1': { sizeBytes: 16 << 20 } },
  });
  const drbd = await openDrbd({
    transport: simulator.transport,
    dialect: 'connector',
    ...(names === undefined ? {} : { names }),
  });
  return { simulator, clock, drbd };
}

async function attach({ drbd }: Guest, minor: Minor): Promise<unknown> {
  return drbd.request('disk_conf', {
    minor,
    createDevice: true,
    tags: { backing_dev: `/dev/d${minor}`, meta_dev: `/dev/d${minor}`, meta_dev_idx: -1 },
  });
}

async function connect({ drbd }: Guest, minor: Minor): Promise<unknown> {
  return drbd.request('net_conf', {
    minor,
    createDevice: true,
    tags: { my_addr: loopback(7788 + minor), peer_addr: loopback(7789 - minor), wire_protocol: 3 },
  });
}

/** Lets everything that is under way within this process arrive. */
async function turns(count = 30): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

/** Waits for something that comes by itself. */
async function until(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return true;
    await turns(10);
    if (tries > 20) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

/** Reads a stream, all of it or at a pace, and keeps the last whole state. */
class Follower {
  readonly seen: Change[] = [];
  whole: Snapshot | undefined;
  mayRead = true;
  #resume = (): void => undefined;

  constructor(readonly stream: AsyncIterableIterator<Change>) {
    void this.#run();
  }

  async #run(): Promise<void> {
    for await (const change of this.stream) {
      this.seen.push(change);
      if (!change.more) this.whole = change.snapshot;
      while (!this.mayRead) await new Promise<void>((resolve) => (this.#resume = resolve));
    }
  }

  pause(): void {
    this.mayRead = false;
  }

  resume(): void {
    this.mayRead = true;
    this.#resume();
  }

  get resyncs(): readonly string[] {
    return this.seen.flatMap((change) => (change.kind === 'resync' ? [change.reason] : []));
  }
}

/** Attaches and connects both minors, and waits until they see each other. */
async function mirror(each: Guest): Promise<void> {
  for (const minor of [0, 1] as const) {
    const wait = Promise.all([attach(each, minor), connect(each, minor)]);
    each.clock.advance(1000);
    await wait;
  }
  each.clock.advance(10_000);
  await turns();
}

describe("connector: the stream's contract", () => {
  test('a state broadcast sets all roles, states and flags of its minor: several changes of one step', async () => {
    const each = await guest();
    await attach(each, 0);
    const follower = new Follower(each.drbd.events());
    await until(() => follower.whole !== undefined);
    const before = follower.seen.length;
    await each.drbd.request('primary', { minor: 0, tags: { primary_force: true } });
    await until(() => follower.whole?.resources[0]?.role === 'Primary');
    const step = follower.seen.slice(before).filter(({ kind }) => kind === 'change');
    const end = step.findIndex(({ more }) => !more);
    expect(step.slice(0, end + 1).map((change) => ('object' in change ? change.object : change.kind))).toEqual([
      'resource',
      'device',
    ]);
    expect(step.slice(0, end + 1).map(({ more }) => more)).toEqual([true, false]);
    each.drbd.close();
  });

  test('8.3 knows no resource names: they come from openDrbd({ names }), in status() and in the stream', async () => {
    const each = await guest({ 0: 'r0' });
    await attach(each, 0);
    await attach(each, 1);
    const follower = new Follower(each.drbd.events());
    await until(() => follower.whole !== undefined);
    const names = (snapshot: Snapshot | undefined): unknown => snapshot?.resources.map(({ name }) => name);
    expect(names(await each.drbd.status())).toEqual(['r0', null]);
    expect(names(follower.whole)).toEqual(['r0', null]);
    // Gone and come again, told by broadcasts alone.
    await each.drbd.request('detach', { minor: 0 });
    await until(() => follower.whole?.resources.length === 1);
    await attach(each, 0);
    await until(() => follower.whole?.resources.length === 2);
    expect(names(follower.whole)).toEqual(['r0', null]);
    // A minor is accepted wherever a resource is, and the other way round.
    await each.drbd.promote({ resource: 'r0' }, { force: true });
    await each.drbd.demote({ minor: 0 });
    each.drbd.close();
  });

  test('an unload is noticed at the next question: one resync (module), everything destroyed; what returns is created', async () => {
    const each = await guest();
    await attach(each, 0);
    const [quiet, asking] = [new Follower(each.drbd.events()), new Follower(each.drbd.events({ refreshMs: 20 }))];
    await until(() => quiet.whole !== undefined && asking.whole !== undefined);
    const [before, told] = [asking.seen.length, quiet.seen.length];
    each.simulator.unload();
    expect(await until(() => asking.whole?.resources.length === 0)).toBe(true);
    for (const [follower, from] of [
      [asking, before],
      [quiet, told],
    ] as const) {
      await until(() => follower.seen.at(-1)?.kind === 'ready');
      const kinds = follower.seen.slice(from).map(({ kind }) => kind);
      expect([kinds[0], kinds.at(-1), new Set(kinds.slice(1, -1))]).toEqual(['resync', 'ready', new Set(['destroy'])]);
    }
    each.simulator.load();
    await turns();
    await attach(each, 0);
    expect(await until(() => asking.whole?.resources[0]?.devices[0]?.disk !== undefined)).toBe(true);
    expect(asking.seen.filter(({ kind }) => kind === 'create').length).toBeGreaterThan(0);
    expect([quiet.resyncs, asking.resyncs]).toEqual([['module'], ['module']]);
    each.drbd.close();
  });

  test('status() after an unload, and one whose question it took, say that the module was unloaded', async () => {
    const each = await guest();
    await attach(each, 0);
    const unloaded = { code: 'ERR_DRBD_UNSUPPORTED', message: expect.stringContaining('was unloaded') as string };
    const waiting = each.drbd.status({ timeoutMs: 200 });
    await Promise.resolve();
    each.simulator.unload();
    await expect(waiting).rejects.toMatchObject(unloaded);
    await expect(each.drbd.status()).rejects.toMatchObject(unloaded);
    each.simulator.load();
    expect((await each.drbd.status()).resources).toEqual([]);
    each.drbd.close();
  });
});

test('connector: names from files are looked up when a configuration may have changed, not for each message', async () => {
  const each = await guest();
  await attach(each, 0);
  const { transport } = each.simulator;
  let looks = 0;
  const resourceName = (): string => `r${(looks++, 0)}`;
  const host = { ...transport.host, resourceName } as NonNullable<typeof transport.host>;
  const drbd = await openDrbd({
    transport: { ...transport, open: transport.open.bind(transport), host },
    dialect: 'connector',
  });
  const follower = new Follower(drbd.events());
  await until(() => follower.whole?.resources[0]?.name === 'r0');
  const [before, { requests }] = [looks, drbd.counters()];
  for (let change = 0; change < 100; change++)
    await each.drbd.request(change % 2 === 0 ? 'primary' : 'secondary', {
      minor: 0,
      tags: change === 0 ? { primary_force: true } : {},
    });
  await until(() => follower.seen.length > 90);
  await turns();
  // An answer that another got may mean another configuration: get_config and get_uuids.
  const asked = (drbd.counters().requests - requests) / 2;
  expect([looks > before, looks - before <= asked]).toEqual([true, true]);
  drbd.close();
  each.drbd.close();
});

describe('connector: the stream of changes', () => {
  test('what others configure is asked for once, and the state follows', async () => {
    const each = await guest();
    await attach(each, 0);
    const other = await openDrbd({ transport: each.simulator.transport, dialect: 'connector' });
    const follower = new Follower(each.drbd.events());
    await until(() => follower.whole !== undefined);
    const before = each.drbd.counters().requests;
    await other.request('syncer_conf', { minor: 0, tags: { rate: 12_345 } });
    expect(
      await until(() => follower.seen.some((change) => change.kind === 'change' && change.changed.length > 0)),
    ).toBe(true);
    await turns();
    const { resources } = await other.status();
    expect(follower.whole?.resources[0]?.connections[0]?.options).toEqual(resources[0]?.connections[0]?.options);
    // get_config and get_uuids.
    expect(each.drbd.counters().requests - before).toBe(2);
    other.close();
    each.drbd.close();
  });

  test('questions of others make it ask nothing, so that two followers leave each other in peace', async () => {
    const each = await guest();
    await attach(each, 0);
    const other = await openDrbd({ transport: each.simulator.transport, dialect: 'connector' });
    const [one, two] = [new Follower(each.drbd.events()), new Follower(other.events())];
    await until(() => one.whole !== undefined && two.whole !== undefined);
    await each.drbd.request('primary', { minor: 0, tags: { primary_force: true } });
    await until(() => two.whole?.resources[0]?.role === 'Primary');
    await turns(100);
    const sent = [each.drbd.counters().requests, other.counters().requests];
    await turns(200);
    expect([each.drbd.counters().requests, other.counters().requests]).toEqual(sent);
    other.close();
    each.drbd.close();
  });

  test('a connection has its path while it is configured', async () => {
    const each = await guest();
    const follower = new Follower(each.drbd.events());
    await mirror(each);
    const paths = (): number | undefined => follower.whole?.resources[0]?.connections[0]?.paths.length;
    expect(await until(() => paths() === 1)).toBe(true);
    const gone = each.drbd.request('disconnect', { minor: 0 });
    each.clock.advance(10_000);
    await gone;
    expect(await until(() => paths() === 0)).toBe(true);
    each.drbd.close();
  });

  test('waitFor sends nothing while nothing changes', async () => {
    const each = await guest();
    await attach(each, 0);
    const stop = new AbortController();
    const waiting = each.drbd.waitFor(({ resources }) => resources[0]?.role === 'Primary', { signal: stop.signal });
    let looks = 0;
    const counting = each.drbd.waitFor(() => ++looks < 0, { signal: stop.signal });
    counting.catch(() => undefined);
    await until(() => looks > 0);
    await turns();
    const { requests } = each.drbd.counters();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(each.drbd.counters().requests).toBe(requests);
    expect(looks).toBe(1);
    await each.drbd.request('primary', { minor: 0, tags: { primary_force: true } });
    expect((await waiting).resources[0]?.role).toBe('Primary');
    stop.abort();
    await expect(counting).rejects.toMatchObject({ name: 'AbortError' });
    each.drbd.close();
  });

  test('waitFor sees counters with refreshMs, and gives up in time', async () => {
    const each = await guest();
    await attach(each, 0);
    await expect(each.drbd.waitFor(() => false, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'ERR_DRBD_TIMEOUT' });
    const before = each.drbd.counters().requests;
    await expect(each.drbd.waitFor(() => false, { timeoutMs: 500, refreshMs: 10 })).rejects.toMatchObject({
      code: 'ERR_DRBD_TIMEOUT',
    });
    expect(each.drbd.counters().requests).toBeGreaterThan(before);
    each.drbd.close();
  });

  test('1,000 changes while a listener is stopped: one resync, and the state of the kernel', async () => {
    const each = await guest();
    await attach(each, 0);
    const slow = new Follower(each.drbd.events({ queueLimit: 100 }));
    const fast = new Follower(each.drbd.events());
    await until(() => slow.whole !== undefined && fast.whole !== undefined);
    slow.pause();
    for (let change = 0; change < 1001; change++)
      await each.drbd.request(change % 2 === 0 ? 'primary' : 'secondary', {
        minor: 0,
        tags: change === 0 ? { primary_force: true } : {},
      });
    expect(await until(() => fast.whole?.resources[0]?.role === 'Primary')).toBe(true);
    slow.resume();
    const read = announced(await each.drbd.status());
    expect(await until(() => JSON.stringify(announced(slow.whole as Snapshot)) === JSON.stringify(read))).toBe(true);
    expect(slow.resyncs).toEqual(['queue']);
    expect(fast.resyncs).toEqual([]);
    each.drbd.close();
  }, 60_000);
});

describe('law', () => {
  type Act =
    | {
        readonly do: 'attach' | 'connect' | 'disconnect' | 'detach' | 'secondary' | 'get_config';
        readonly minor: Minor;
      }
    | { readonly do: 'primary' | 'pause_sync' | 'resume_sync' | 'verify' | 'rate'; readonly minor: Minor }
    | { readonly do: 'overrun'; readonly count: number }
    | { readonly do: 'advance'; readonly milliseconds: number }
    | { readonly do: 'turns'; readonly count: number }
    | { readonly do: 'pause' | 'resume' | 'join' };
  const minor = fc.constantFrom<Minor>(0, 1);
  const act: fc.Arbitrary<Act> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom('attach' as const, 'connect' as const, 'primary' as const),
        minor,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom(
          'disconnect' as const,
          'detach' as const,
          'secondary' as const,
          'get_config' as const,
          'pause_sync' as const,
          'resume_sync' as const,
          'verify' as const,
          'rate' as const,
        ),
        minor,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('overrun' as const),
        count: fc.integer({ min: 1, max: 5 }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('advance' as const),
        milliseconds: fc.constantFrom(1, 100, 2000, 30_000),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 20 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const, 'join' as const) }),
    },
  );

  const ask = (each: Guest, what: Extract<Act, { readonly minor: Minor }>): Promise<unknown> => {
    const { drbd } = each;
    const { minor: of } = what;
    switch (what.do) {
      case 'attach':
        return attach(each, of);
      case 'connect':
        return connect(each, of);
      case 'primary':
        return drbd.request('primary', { minor: of, tags: { primary_force: true } });
      case 'verify':
        return drbd.request('start_ov', { minor: of, tags: { start_sector: 0n } });
      case 'rate':
        return drbd.request('syncer_conf', { minor: of, tags: { rate: 1000 } });
      default:
        return drbd.request(what.do, { minor: of });
    }
  };

  test('once at rest, the fold equals status() in all that is announced, whatever was lost', async () => {
    let losses = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), async (acts) => {
        const each = await guest();
        const followers = [new Follower(each.drbd.events()), new Follower(each.drbd.events({ queueLimit: 2 }))];
        const asked: Promise<unknown>[] = [];
        for (const what of acts) {
          if ('minor' in what)
            asked.push(
              ask(each, what).catch((error: unknown) => {
                // Refused, known to hang, or its answer was lost.
                const isExpected =
                  error instanceof KernelError || error instanceof UnsupportedError || error instanceof OverrunError;
                if (!isExpected) throw error;
              }),
            );
          else if (what.do === 'overrun') each.simulator.overrunListeners(what.count);
          else if (what.do === 'advance') each.clock.advance(what.milliseconds);
          else if (what.do === 'turns') await turns(what.count);
          else if (what.do === 'join') followers.push(new Follower(each.drbd.events({ queueLimit: 3 })));
          else if (what.do === 'pause') followers[1]?.pause();
          else followers[1]?.resume();
        }
        followers[1]?.resume();
        for (let minutes = 0; minutes < 20; minutes++) {
          each.clock.advance(60_000);
          await turns();
        }
        await Promise.all(asked);
        await turns();
        const told = JSON.stringify(announced(await each.drbd.status()));
        await until(() =>
          followers.every(({ whole }) => whole !== undefined && JSON.stringify(announced(whole)) === told),
        );
        for (const follower of followers) {
          expect(announced(follower.whole as Snapshot)).toEqual(JSON.parse(told));
          losses += follower.resyncs.length;
        }
        each.drbd.close();
      }),
      { numRuns: 20 },
    );
    expect(losses).toBeGreaterThan(0);
  }, 120_000);
});
