import { openDrbd, type Client } from '../../lib';
import { connectionStates as C, diskStates as D, roles } from '../../lib/dialects/connector';
import { createSimulator, Network, VirtualClock, type MinorView, type Simulator } from '../../lib/simulator';
import { expectValidSnapshot } from '../support/schema';
import { NODES, SimulatedPair, type Node } from '../support/simulated-pair';

const MINUTE = 60_000;

let pair: SimulatedPair;
afterEach(() => {
  pair?.close();
});

function view(node: Node): MinorView {
  const found = pair.nodes[node].minor(0);
  if (found === undefined) throw new Error(`node ${node} has no minor 0`);
  return found;
}

/** Brings the pair up: connected, in sync, node 0 primary. */
function mirrored(
  options: ConstructorParameters<typeof SimulatedPair>[0] = {},
  tags: { readonly disk?: Readonly<Record<string, unknown>>; readonly net?: Readonly<Record<string, unknown>> } = {},
): void {
  pair = new SimulatedPair(options);
  for (const node of NODES) {
    expect(pair.ask(node, 'syncer_conf', { rate: 100_000, verify_alg: 'md5' })).toBe(101);
    pair.attach(node, tags.disk);
    pair.connect(node, tags.net);
  }
  pair.clock.advance(1000);
  expect(pair.ask(0, 'primary', { primary_force: true })).toBe(1);
  pair.clock.advance(5000);
  expectTogether();
}

function expectTogether(): void {
  for (const node of NODES)
    expect(view(node).state).toMatchObject({ conn: C.C_CONNECTED, disk: D.D_UP_TO_DATE, pdsk: D.D_UP_TO_DATE });
  expect(view(0).dirtyBlocks + view(1).dirtyBlocks).toBe(0);
  expect(view(0).uuids?.map((uuid) => uuid & ~1n)).toEqual(view(1).uuids?.map((uuid) => uuid & ~1n));
}

test('what its methods cannot do with an argument they say, and nothing is changed', () => {
  const simulator = createSimulator({ disks: { '/dev/a': { sizeBytes: 1 << 20 }, '/dev/b': { sizeBytes: 1 << 20 } } });
  mirrored();
  const write = (blocks: readonly unknown[], content?: unknown) => (): unknown =>
    pair.nodes[0].write(0, blocks as unknown as [number, number], content as number);
  const { dirtyBlocks, isDirty } = view(0);
  for (const [wrong, path] of [
    [write([5]), 'blocks'],
    [write([0, NaN]), 'blocks'],
    [write([0.5, 2]), 'blocks'],
    [write([0, 1], 'x'), 'content'],
    [(): void => simulator.linkDisk('/dev/a', '/dev/b'), 'disks'],
    [(): void => simulator.overrunListeners(-1), 'count'],
  ] as const)
    expect(wrong).toThrow(expect.objectContaining({ code: 'ERR_DRBD_ARGUMENT', path }) as Error);
  expect([view(0).dirtyBlocks, view(0).isDirty(0)]).toEqual([dirtyBlocks, isDirty(0)]);
  simulator.linkDisk('/dev/c', '/dev/b');
  simulator.linkDisk('/dev/c', '/dev/b');
  expect(simulator.disk('/dev/c')).toBe(simulator.disk('/dev/b'));
});

test('a write reaches both disks; one made alone is resynchronised when the peer is back', () => {
  mirrored();
  expect(pair.nodes[0].write(0, [10, 12], 7)).toBe('done');
  expect([view(0).content(11), view(1).content(11)]).toEqual([7, 7]);
  expect(pair.nodes[1].write(0, [10, 12])).toBe('failed');
  expect(pair.ask(1, 'disconnect')).toBe(101);
  pair.clock.advance(1000);
  expect(view(0).state).toMatchObject({ conn: C.C_WF_CONNECTION, pdsk: D.D_UNKNOWN });
  const [current, bitmap] = view(0).uuids ?? [];
  // The data goes on without the peer: a new generation, and the old one stays for the bitmap.
  expect(bitmap).toBe((view(1).uuids?.[0] ?? 0n) | 1n);
  expect(current).not.toBe(bitmap);
  pair.nodes[0].write(0, [100, 103], 8);
  expect(view(0).dirtyBlocks).toBe(3);
  expect(view(1).content(100)).toBe(0);
  pair.connect(1);
  pair.clock.advance(2000);
  expectTogether();
  expect(view(1).content(102)).toBe(8);
});

test('an hour of resync passes in a moment of ours', () => {
  const clock = new VirtualClock();
  const simulator = createSimulator({
    clock,
    disks: { '/dev/a': { sizeBytes: 1 << 30 }, '/dev/b': { sizeBytes: 1 << 30 } },
  });
  const client = openDrbd({ dialect: 'connector', transport: simulator.transport });
  return client.then(async (drbd) => {
    const address = (port: number): { readonly family: 'ipv4'; readonly address: string; readonly port: number } => ({
      family: 'ipv4',
      address: '127.0.0.1',
      port,
    });
    for (const [minor, path, mine, theirs] of [
      [0, '/dev/a', 7788, 7789],
      [1, '/dev/b', 7789, 7788],
    ] as const) {
      await drbd.request('disk_conf', {
        minor,
        createDevice: true,
        tags: { backing_dev: path, meta_dev: path, meta_dev_idx: -1 },
      });
      await drbd.request('net_conf', {
        minor,
        tags: { my_addr: address(mine), peer_addr: address(theirs), wire_protocol: 3 },
      });
    }
    clock.advance(1000);
    await drbd.request('primary', { minor: 0, tags: { primary_force: true } });
    const began = performance.now();
    clock.advance(30 * MINUTE);
    // 250 KiB/s is the module's default, six blocks each tenth of a second: 1 GiB takes 73 minutes.
    const half = (await drbd.status()).resources[0]?.connections[0]?.peerDevices[0];
    expect(half?.replication).toBe('SyncSource');
    expect(simulator.procDrbd()).toMatch(/sync'ed: 41\.5% .*\n\tfinish: 0:42:01 speed: 240 \(240\) K\/sec/u);
    expect((await drbd.request('get_state', { minor: 1 })).tags.sync_progress).toBeGreaterThan(400);
    clock.advance(45 * MINUTE);
    const snapshot = await drbd.status();
    expectValidSnapshot(snapshot);
    expect(snapshot.resources.map((resource) => resource.connections[0]?.peerDevices[0]?.replication)).toEqual([
      'Established',
      'Established',
    ]);
    expect(performance.now() - began).toBeLessThan(10_000);
    drbd.close();
    simulator.close();
  });
});

describe('a lost peer', () => {
  test('is found out by keep-alives, and the pair comes together again', () => {
    mirrored();
    pair.network.partition();
    pair.nodes[0].write(0, [0, 1], 5);
    pair.clock.advance(400);
    expect(view(0).state.conn).toBe(C.C_CONNECTED);
    // ping-int 10 s, ping-timeout 0.5 s
    pair.clock.advance(10_100);
    expect([view(0).state.conn, view(1).state.conn]).toEqual([C.C_WF_CONNECTION, C.C_WF_CONNECTION]);
    expect(view(0).isDirty(0)).toBe(true);
    pair.network.heal();
    pair.clock.advance(5_000);
    expectTogether();
    expect(view(1).content(0)).toBe(5);
  });

  test('that was primary leaves marks: its last writes are copied again, and degraded waiting applies', () => {
    mirrored();
    pair.nodes[0].write(0, [2048, 2049], 5);
    pair.nodes[0].crash();
    pair.clock.advance(15_000);
    expect(view(1).state).toMatchObject({ conn: C.C_WF_CONNECTION, role: roles.R_SECONDARY });
    pair.attach(0);
    // Hot extents of the activity log count as different: 4 MiB around the write.
    expect(view(0).dirtyBlocks).toBe(1024);
    expect(view(0).state.disk).toBe(D.D_UP_TO_DATE);
    expect(pair.ask(0, 'syncer_conf', { rate: 100_000, verify_alg: 'md5' })).toBe(101);
    pair.connect(0);
    pair.clock.advance(5_000);
    expectTogether();
  });

  test('the flag for waiting at start: default, degraded after a crash while alone, outdated where the peer is known to be', () => {
    mirrored();
    expect(pair.inquire(0, 'get_timeout_flag')).toEqual({ use_degraded: 0 });
    expect(pair.ask(1, 'disconnect')).toBe(101);
    pair.clock.advance(1000);
    pair.nodes[0].crash();
    pair.attach(0);
    expect(pair.inquire(0, 'get_timeout_flag')).toEqual({ use_degraded: 1 });
    pair.close();
    mirrored({ helper: (event) => (event === 'fence-peer' ? 4 : 0) }, { disk: { fencing: 1 } });
    pair.network.partition();
    pair.clock.advance(12_000);
    pair.nodes[0].crash();
    pair.attach(0, { fencing: 1 });
    // The metadata remembers that the peer was outdated, so this disk is good.
    expect(view(0).state).toMatchObject({ disk: D.D_UP_TO_DATE, pdsk: D.D_OUTDATED });
    expect(pair.inquire(0, 'get_timeout_flag')).toEqual({ use_degraded: 2 });
  });
});

describe('fencing', () => {
  const helpers: string[] = [];
  const helper =
    (status: number) =>
    (event: string): number => {
      helpers.push(event);
      return event === 'fence-peer' ? status : 0;
    };
  beforeEach(() => {
    helpers.length = 0;
  });

  test('resource-and-stonith: I/O is frozen until the peer is shot, then goes on', () => {
    mirrored(
      { helper: (event) => (event === 'fence-peer' ? { exitStatus: 7, milliseconds: 3000 } : 0) },
      { disk: { fencing: 2 } },
    );
    pair.network.partition();
    expect(pair.clock.advanceUntil(() => view(0).state.conn === C.C_WF_CONNECTION, 11_000)).toBe(true);
    expect(view(0).state).toMatchObject({ susp_fen: true, pdsk: D.D_UNKNOWN });
    expect(pair.nodes[0].write(0, [3, 4], 9)).toBe('frozen');
    expect(view(0).content(3)).toBe(0);
    pair.clock.advance(4_000);
    expect(view(0).state).toMatchObject({ susp_fen: false, pdsk: D.D_OUTDATED });
    expect(view(0).content(3)).toBe(9);
    expect(view(0).isDirty(3)).toBe(true);
    expect(pair.ask(0, 'get_timeout_flag')).toBe(101);
  });

  test('resource-only: a secondary must fence before it is promoted alone', () => {
    mirrored({ helper: helper(4) }, { disk: { fencing: 1 } });
    expect(pair.ask(0, 'secondary')).toBe(1);
    pair.network.partition();
    pair.clock.advance(12_000);
    expect(pair.ask(1, 'primary')).toBe(1);
    expect(helpers).toContain('fence-peer');
    expect(view(1).state).toMatchObject({ role: roles.R_PRIMARY, pdsk: D.D_OUTDATED });
  });

  test('a helper that fails refuses the promotion', () => {
    mirrored({ helper: helper(1) }, { disk: { fencing: 1 } });
    expect(pair.ask(0, 'secondary')).toBe(1);
    pair.network.partition();
    pair.clock.advance(12_000);
    expect(pair.ask(1, 'primary')).toBe(-7);
  });
});

describe('split brain', () => {
  /** Both nodes go on alone, as primaries, and write different blocks. */
  function split(net: Readonly<Record<string, unknown>>, demote = true): void {
    mirrored({}, { net });
    pair.network.partition();
    pair.clock.advance(12_000);
    expect(pair.ask(1, 'primary')).toBe(1);
    pair.nodes[0].write(0, [1, 2], 11);
    pair.nodes[1].write(0, [5, 9], 22);
    if (demote) for (const node of NODES) expect(pair.ask(node, 'secondary')).toBe(1);
    pair.network.heal();
    pair.clock.advance(20_000);
  }

  test('without a policy both go stand-alone, and discard-my-data ends it', () => {
    split({});
    expect([view(0).state.conn, view(1).state.conn]).toEqual([C.C_STANDALONE, C.C_STANDALONE]);
    pair.connect(0);
    pair.connect(1, { want_lose: true });
    pair.clock.advance(20_000);
    expectTogether();
    expect([view(1).content(1), view(1).content(5)]).toEqual([11, 0]);
  });

  test.each([
    ['discard-least-changes keeps the node that changed more', { after_sb_0p: 4 }, 22],
    ['discard-zero-changes finds no decision', { after_sb_0p: 3 }, undefined],
    ['discard-local against discard-remote', { after_sb_0p: 4 }, 22],
  ] as const)('%s', (_name, net, kept) => {
    split(net);
    if (kept === undefined) expect(view(0).state.conn).toBe(C.C_STANDALONE);
    else {
      expectTogether();
      expect([view(0).content(1), view(0).content(5)]).toEqual([0, kept]);
    }
  });

  test('one primary, discard-secondary: the primary wins', () => {
    mirrored({}, { net: { after_sb_1p: 8 } });
    pair.network.partition();
    pair.clock.advance(12_000);
    expect(pair.ask(1, 'primary')).toBe(1);
    pair.nodes[0].write(0, [1, 2], 11);
    pair.nodes[1].write(0, [5, 9], 22);
    expect(pair.ask(1, 'secondary')).toBe(1);
    pair.network.heal();
    pair.clock.advance(20_000);
    expectTogether();
    expect([view(1).content(1), view(1).content(5)]).toEqual([11, 0]);
  });

  test('unrelated data never connects', () => {
    pair = new SimulatedPair();
    for (const node of NODES) {
      pair.attach(node);
      expect(pair.ask(node, 'primary', { primary_force: true })).toBe(1);
      expect(pair.ask(node, 'new_c_uuid')).toBe(101);
      expect(pair.ask(node, 'new_c_uuid')).toBe(101);
      expect(pair.ask(node, 'new_c_uuid')).toBe(101);
      expect(pair.ask(node, 'new_c_uuid')).toBe(101);
      pair.connect(node);
    }
    pair.clock.advance(5_000);
    expect([view(0).state.conn, view(1).state.conn]).toEqual([C.C_STANDALONE, C.C_STANDALONE]);
  });
});

test('two primaries: refused by default after 1.2 seconds, allowed where both say so', () => {
  mirrored();
  const before = pair.clock.now();
  expect(pair.ask(1, 'primary')).toBe(-1);
  expect(pair.clock.now() - before).toBe(1200);
  pair.close();
  mirrored({}, { net: { two_primaries: true } });
  expect(pair.ask(1, 'primary')).toBe(1);
  expect([view(0).state.role, view(1).state.role]).toEqual([roles.R_PRIMARY, roles.R_PRIMARY]);
  pair.nodes[1].write(0, [4, 5], 44);
  expect(view(0).content(4)).toBe(44);
});

test("a primary that loses its disk goes on with the peer's, and takes its own back later", () => {
  mirrored({}, { disk: { on_io_error: 2 } });
  pair.nodes[0].failDisk(0);
  pair.clock.advance(100);
  expect(view(0).state).toMatchObject({ role: roles.R_PRIMARY, disk: D.D_DISKLESS, pdsk: D.D_UP_TO_DATE });
  expect(view(1).state.pdsk).toBe(D.D_DISKLESS);
  expect(pair.nodes[0].write(0, [6, 7], 66)).toBe('done');
  expect(view(1).content(6)).toBe(66);
  expect(view(1).isDirty(6)).toBe(true);
  expect(pair.ask(1, 'detach')).toBe(-10);
  pair.nodes[0].disk('/dev/disk').broken = false;
  pair.attach(0);
  pair.clock.advance(3_000);
  expectTogether();
  expect(view(0).content(6)).toBe(66);
});

test('verify finds what differs, tells the helper, and marks it for the next resync', () => {
  const events: string[] = [];
  mirrored({ helper: (event) => (events.push(event), 0) });
  pair.nodes[1].disk('/dev/disk').blocks.set(77, 1);
  expect(pair.ask(0, 'start_ov')).toBe(1);
  expect(view(0).state.conn).toBe(C.C_VERIFY_S);
  pair.clock.advance(5_000);
  expect(view(0).state.conn).toBe(C.C_CONNECTED);
  expect(events).toContain('out-of-sync');
  expect([view(0).isDirty(77), view(1).isDirty(77)]).toEqual([true, true]);
  for (const node of NODES) {
    if (node === 1) continue;
    expect(pair.ask(node, 'disconnect')).toBe(101);
    pair.connect(node);
  }
  pair.clock.advance(20_000);
  expectTogether();
  expect(view(1).content(77)).toBe(0);
});

test('online growth: the new space is copied, or taken for equal', () => {
  mirrored();
  const before = view(0).sizeSectors;
  for (const node of NODES) {
    pair.nodes[node].disk('/dev/disk').resize(64 << 20);
    expect(view(node).sizeSectors).toBe(before);
  }
  expect(pair.ask(0, 'resize')).toBe(101);
  expect(view(0).state.conn).toBe(C.C_SYNC_SOURCE);
  pair.clock.advance(3_000);
  expectTogether();
  expect(view(0).sizeSectors).toBe((64 << 20) / 512 - 80);
  expect(view(1).sizeSectors).toBe(view(0).sizeSectors);
  expect(pair.ask(1, 'resize', { resize_size: 40_000n })).toBe(101);
  expect([view(0).sizeSectors, view(1).sizeSectors]).toEqual([40_000, 40_000]);
  expect(pair.ask(0, 'resize', { no_resync: true })).toBe(101);
  expectTogether();
});

describe('congestion, with protocol A', () => {
  const net = (on_congestion: number): Readonly<Record<string, unknown>> => ({
    wire_protocol: 1,
    on_congestion,
    cong_fill: 64,
  });

  test('pull-ahead: the primary goes ahead of its peer, and catches up when the link is free', () => {
    mirrored({}, { net: net(1) });
    pair.network.latencyMs = 200;
    for (let block = 0; block < 20; block++) pair.nodes[0].write(0, [block, block + 1], block + 1);
    // 64 sectors are on their way, the rest is only marked.
    expect(view(0).state.conn).toBe(C.C_AHEAD);
    expect(view(0).dirtyBlocks).toBe(12);
    pair.clock.advance(250);
    expect(view(1).state).toMatchObject({ conn: C.C_BEHIND, disk: D.D_OUTDATED });
    expect(view(1).dirtyBlocks).toBe(12);
    pair.nodes[0].write(0, [100, 101], 7);
    pair.clock.advance(20_000);
    expectTogether();
    expect([view(1).content(19), view(1).content(100)]).toEqual([20, 7]);
  });

  test('disconnect: the primary leaves a peer that is too slow', () => {
    mirrored({}, { net: net(2) });
    pair.network.latencyMs = 200;
    for (let block = 0; block < 20; block++) pair.nodes[0].write(0, [block, block + 1], block + 1);
    pair.clock.advance(5_000);
    expect(view(0).state).toMatchObject({ conn: C.C_STANDALONE, role: roles.R_PRIMARY });
    expect(view(0).dirtyBlocks).toBe(20);
  });
});

test('suspended I/O waits, and goes on when it is resumed', () => {
  mirrored();
  expect(pair.ask(0, 'suspend_io')).toBe(1);
  expect(pair.nodes[0].write(0, [9, 10], 99)).toBe('frozen');
  expect(view(1).content(9)).toBe(0);
  expect(pair.ask(0, 'resume_io')).toBe(1);
  expect([view(0).content(9), view(1).content(9)]).toEqual([99, 99]);
});

test('on-no-data-accessible suspend-io: a primary without any data waits for it', () => {
  mirrored({}, { disk: { on_io_error: 2 } });
  expect(pair.ask(0, 'syncer_conf', { on_no_data: 1 })).toBe(101);
  pair.nodes[0].failDisk(0);
  pair.clock.advance(100);
  pair.network.partition();
  pair.clock.advance(15_000);
  expect(view(0).state).toMatchObject({ role: roles.R_PRIMARY, disk: D.D_DISKLESS, pdsk: D.D_UNKNOWN, susp_nod: true });
  pair.network.heal();
  pair.clock.advance(15_000);
  expect(view(0).state).toMatchObject({ conn: C.C_CONNECTED, susp_nod: false, pdsk: D.D_UP_TO_DATE });
});

test('sync-after: a resync waits for the one that it depends on, and the chain runs in order', () => {
  const clock = new VirtualClock();
  const network = new Network();
  const disks = Object.fromEntries(['a', 'b'].map((name) => [`/dev/${name}`, { sizeBytes: 16 << 20 }]));
  const make = (host: number): Simulator =>
    createSimulator({ clock, network, disks, addresses: [`10.0.0.${host}`], byteOrder: 'little', seed: host });
  const nodes = [make(1), make(2)] as const;
  return Promise.all(
    nodes.map((simulator) => openDrbd({ dialect: 'connector', byteOrder: 'little', transport: simulator.transport })),
  ).then(async (clients) => {
    for (const [host, drbd] of clients.entries()) {
      for (const [minor, path] of ['/dev/a', '/dev/b'].entries()) {
        await drbd.request('syncer_conf', {
          minor,
          createDevice: true,
          tags: { rate: 4096, after: minor === 0 ? -1 : 0 },
        });
        await drbd.request('disk_conf', { minor, tags: { backing_dev: path, meta_dev: path, meta_dev_idx: -1 } });
        const address = (
          node: number,
        ): { readonly family: 'ipv4'; readonly address: string; readonly port: number } => ({
          family: 'ipv4',
          address: `10.0.0.${node + 1}`,
          port: 7788 + minor,
        });
        await drbd.request('net_conf', {
          minor,
          tags: { my_addr: address(host), peer_addr: address(1 - host), wire_protocol: 3 },
        });
      }
    }
    clock.advance(1000);
    const first = clients[0] as Client<'connector'>;
    await first.request('primary', { minor: 0, tags: { primary_force: true } });
    await first.request('primary', { minor: 1, tags: { primary_force: true } });
    clock.advance(500);
    expect(nodes[0].minor(0)?.state.conn).toBe(C.C_SYNC_SOURCE);
    expect(nodes[0].minor(1)?.state).toMatchObject({ conn: C.C_PAUSED_SYNC_S, aftr_isp: true });
    expect(nodes[1].minor(1)?.state.conn).toBe(C.C_PAUSED_SYNC_T);
    await expect(first.request('resume_sync', { minor: 1 })).rejects.toMatchObject({ returnCode: 156 });
    clock.advance(5_000);
    expect(nodes[0].minor(0)?.state.conn).toBe(C.C_CONNECTED);
    expect(nodes[0].minor(1)?.state.conn).toBe(C.C_SYNC_SOURCE);
    clock.advance(10_000);
    expect(nodes.map((simulator) => simulator.minor(1)?.state.disk)).toEqual([D.D_UP_TO_DATE, D.D_UP_TO_DATE]);
    await expect(first.request('syncer_conf', { minor: 0, tags: { after: 1 } })).rejects.toMatchObject({
      returnCode: 133,
    });
    for (const drbd of clients) drbd.close();
    for (const simulator of nodes) simulator.close();
  });
});

describe('in one process', () => {
  let simulator: Simulator;
  let drbd: Client<'connector'>;
  const clock = new VirtualClock();
  beforeEach(async () => {
    simulator = createSimulator({ clock, disks: { '/dev/a': { sizeBytes: 1 << 24 } } });
    drbd = await openDrbd({ dialect: 'connector', transport: simulator.transport });
  });
  afterEach(() => {
    drbd.close();
    simulator.close();
  });

  test('it is found without asking for a dialect, as any driver is', async () => {
    const found = await openDrbd({ transport: simulator.transport });
    expect(found).toMatchObject({ dialect: 'connector', driver: { version: '8.3.13', api: 88, address: 8 } });
    found.close();
    const shifted = createSimulator({ index: 8 + 6977, byteOrder: 'big' });
    const other = await openDrbd({ transport: shifted.transport, dialect: 'connector', byteOrder: 'big' });
    expect(other.driver.address).toBe(8 + 6977);
    expect((await other.request('syncer_conf', { minor: 1, createDevice: true, tags: { rate: 5 } })).returnCode).toBe(
      101,
    );
    expect((await other.request('get_config', { minor: 1 })).tags.rate).toBe(5);
    other.close();
    shifted.close();
  });

  test.each(['invalidate', 'invalidate_peer', 'pause_sync', 'suspend_io'] as const)(
    '%s of an empty minor hangs its sender alone',
    async (name) => {
      await drbd.request('syncer_conf', { minor: 5, createDevice: true });
      await expect(drbd.request(name, { minor: 5 }, { forceUnsafe: true, timeoutMs: 50 })).rejects.toMatchObject({
        code: 'ERR_DRBD_TIMEOUT',
        sent: 'started',
      });
      expect((await drbd.request('get_state', { minor: 5 })).returnCode).toBe(101);
      expect((await drbd.request('secondary', { minor: 6, createDevice: true })).returnCode).toBe(2);
    },
  );

  test('listeners that are overrun are told so', async () => {
    const events = drbd.broadcasts();
    simulator.overrunListeners(1);
    await drbd
      .request('disk_conf', {
        minor: 0,
        createDevice: true,
        tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -1 },
      })
      .catch(() => undefined);
    const seen: string[] = [];
    for await (const event of events) {
      seen.push(event.kind === 'resync' ? event.reason : event.kind);
      if (event.kind === 'resync') break;
    }
    // What was kept from before the loss comes first.
    expect(seen.at(-1)).toBe('overrun');
    expect(seen.slice(0, -1).every((kind) => kind === 'event')).toBe(true);
  });

  test('who reads the state on a resync, and applies what follows, ends in the state of the kernel', async () => {
    await drbd.request('disk_conf', {
      minor: 0,
      createDevice: true,
      tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -1 },
    });
    await drbd.request('primary', { minor: 0, tags: { primary_force: true } });
    const word = async (): Promise<number | undefined> => (await drbd.request('get_state', { minor: 0 })).tags.state_i;
    const events = drbd.broadcasts();
    let told = await word();
    const resyncs: string[] = [];
    const following = (async () => {
      for await (const event of events) {
        if (event.kind === 'resync') {
          resyncs.push(event.reason);
          told = await word();
        } else if (event.minor === 0 && typeof event.tags['state_i'] === 'number') told = event.tags['state_i'];
      }
    })();
    // Changes pile up, and then the newest are lost.
    await Promise.all(
      ['secondary', 'primary', 'secondary', 'primary'].map((name, index) => {
        if (index === 3) simulator.overrunListeners(1);
        return drbd.request(name as 'secondary', { minor: 0 });
      }),
    );
    while (resyncs.length === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(told).toBe(await word());
    expect(resyncs).toEqual(['overrun']);
    await events.return?.();
    await following;
  });

  test('broadcasts that are lost, doubled or out of order leave traces in their numbers', async () => {
    const seen: number[] = [];
    simulator.onDatagram(({ bytes }, { kind }) => {
      if (kind === 'broadcast')
        seen.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(24, simulator.byteOrder === 'little'));
    });
    simulator.faults.message({ kind: 'drop' }, { kind: 'broadcast' });
    simulator.faults.message({ kind: 'duplicate' }, { kind: 'broadcast' });
    simulator.faults.message({ kind: 'reorder' }, { kind: 'broadcast' });
    await drbd.request('disk_conf', {
      minor: 0,
      createDevice: true,
      tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -1 },
    });
    await drbd.request('pause_sync', { minor: 0 });
    await drbd.request('resume_sync', { minor: 0 });
    expect(seen).toEqual([4, 4, 6, 5]);
    simulator.faults.message({ kind: 'drop' }, { kind: 'broadcast' });
    simulator.faults.clear();
    await drbd.request('pause_sync', { minor: 0 });
    expect(seen.at(-1)).toBe(7);
  });

  test('memory that is refused is an answer', async () => {
    const attach = {
      minor: 0,
      createDevice: true,
      tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -1 },
    };
    simulator.faults.refuseMemory();
    await expect(drbd.request('disk_conf', attach)).rejects.toMatchObject({ returnName: 'ERR_NOMEM' });
    expect((await drbd.request('disk_conf', attach)).returnCode).toBe(101);
    await drbd.request('primary', { minor: 0, tags: { primary_force: true } });
    simulator.faults.refuseMemory();
    await expect(drbd.request('resize', { minor: 0 })).rejects.toMatchObject({ returnName: 'ERR_NOMEM_BITMAP' });
    simulator.faults.request('no-memory', { name: 'get_state' });
    await expect(drbd.request('get_state', { minor: 0 })).rejects.toMatchObject({ returnName: 'ERR_NOMEM' });
  });

  test('options that cannot be are refused', () => {
    for (const options of [
      { minorCount: 0 },
      { minorCount: 257 },
      { index: 0 },
      { version: '8.4.0' },
      { disks: { '/dev/x': { sizeBytes: -1 } } },
    ]) {
      expect(() => createSimulator(options)).toThrow(expect.objectContaining({ code: 'ERR_DRBD_ARGUMENT' }));
    }
    expect(() => simulator.disk('/dev/none')).toThrow(expect.objectContaining({ code: 'ERR_DRBD_ARGUMENT' }));
    expect(() => simulator.write(9, [0, 1])).toThrow(expect.objectContaining({ code: 'ERR_DRBD_ARGUMENT' }));
  });

  test('integrity failures are told with the block', async () => {
    await drbd.request('syncer_conf', { minor: 0, createDevice: true });
    const events = drbd.broadcasts();
    simulator.reportIntegrityFailure(0, {
      reason: 'received digest does not match',
      seenDigest: new Uint8Array(16).fill(1),
      calculatedDigest: new Uint8Array(16).fill(2),
      sector: 8n,
      blockId: 5n,
      data: new Uint8Array(4096).fill(3),
    });
    const { value } = await events.next();
    expect(value).toMatchObject({
      name: 'dump_ee',
      tags: { dump_ee_reason: 'received digest does not match', ee_sector: 8n },
    });
    await events.return?.();
  });

  test('an unprivileged sender is refused before anything is looked at', () => {
    const codes: number[] = [];
    simulator.onDatagram(({ bytes }) => codes.push(new DataView(bytes.buffer, bytes.byteOffset).getInt32(44, true)));
    const request = new Uint8Array(52);
    [52, 3, 1, 0, 8, 1, 1, 7, 16, 99, 77, 0, 0].forEach((word, at) =>
      new DataView(request.buffer).setUint32(at * 4, word, true),
    );
    simulator.receive(request, { privileged: false });
    expect(codes).toEqual([152]);
  });
});
