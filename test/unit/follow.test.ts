import fc from 'fast-check';

import { Fold, type Notice } from '../../lib/drbd/fold';
import { Follower } from '../../lib/drbd/follow';
import { waitForSnapshot } from '../../lib/drbd/wait-for';
import { UnsupportedError } from '../../lib/errors';
import { notificationTypes } from '../../lib/dialects/genl2';
import { apply, noticeOf, type Change, type Delta, type State, type Step, type Update } from '../../lib/model';
import { encodeSocketAddress } from '../../lib/netlink';
import { FakeKernel, GenuineKernel } from '../support/fake-follow-source';

const resource = (name: string, role: 'Primary' | 'Secondary' = 'Secondary'): Update => ({
  action: 'set',
  object: 'resource',
  key: { resource: name },
  patch: { role, roleCode: role === 'Primary' ? 1 : 2 },
});
const device = (name: string, volume: number, disk: 'UpToDate' | 'Inconsistent' | 'Diskless'): Update => ({
  action: 'set',
  object: 'device',
  key: { resource: name, volume, minor: volume },
  patch: { disk },
});
const written = (name: string, volume: number, writtenBytes: bigint): Update => ({
  action: 'set',
  object: 'device',
  key: { resource: name, volume, minor: volume },
  patch: { stats: { writtenBytes } as never },
});
const connection = (name: string, peerNodeId: number, state: 'Connected' | 'StandAlone'): Update => ({
  action: 'set',
  object: 'connection',
  key: { resource: name, peerNodeId },
  patch: { state },
});
const peerDevice = (name: string, peerNodeId: number, volume: number, peerDisk: 'UpToDate' | 'Outdated'): Update => ({
  action: 'set',
  object: 'peerDevice',
  key: { resource: name, peerNodeId, volume },
  patch: { peerDisk },
});
const destroy = (update: Update): Update => ({ action: 'destroy', object: update.object, key: update.key }) as Update;
const rename = (from: string, to: string): Update => ({
  action: 'rename',
  object: 'resource',
  key: { resource: from },
  name: to,
});

/** What a consumer knows from the changes alone. */
class Reader {
  state: State;
  readonly seen: Change[] = [];

  constructor(
    kernel: FakeKernel,
    readonly stream: AsyncIterableIterator<Change>,
  ) {
    this.state = kernel.nothing();
  }

  /** @returns the next change, folded */
  async next(): Promise<Change> {
    const { value, done } = await this.stream.next();
    if (done === true) throw new Error('the stream is over');
    this.take(value);
    return value;
  }

  take(change: Change): void {
    this.seen.push(change);
    if (change.kind === 'ready' || change.kind === 'resync' || change.kind === 'helper') return;
    const { kind, object, key, before, after, changed } = change;
    const action = kind === 'exists' ? 'create' : kind;
    this.state = apply(this.state, { action, object, key, before, after, changed } as unknown as Delta).state;
  }

  /** @returns the changes up to the next one of the kind */
  async until(kind: Change['kind']): Promise<readonly Change[]> {
    const from = this.seen.length;
    while ((await this.next()).kind !== kind);
    return this.seen.slice(from);
  }
}

const brief = (change: Change): string =>
  change.kind === 'ready'
    ? 'ready'
    : change.kind === 'resync'
      ? `resync ${change.reason}`
      : change.kind === 'helper'
        ? `helper ${change.helper.name}`
        : `${change.kind} ${change.object} ${Object.values(change.key).join('/')}`;

function follower(kernel: FakeKernel, steps?: (step: Step) => void): Follower {
  return new Follower(kernel, () => undefined, steps);
}

function start(kernel: FakeKernel, options = {}): { readonly all: Follower; readonly reader: Reader } {
  const all = follower(kernel);
  return { all, reader: new Reader(kernel, all.add(options)) };
}

const idle = async (): Promise<void> => {
  for (let turns = 0; turns < 12; turns++) await new Promise(setImmediate);
};

const PAIR = [resource('r0'), device('r0', 0, 'UpToDate'), connection('r0', 1, 'Connected')];

describe("the stream's contract", () => {
  test('listening starts at the call, not at the first next()', async () => {
    const kernel = new FakeKernel();
    const { all, reader } = start(kernel);
    expect(kernel.listening).toBe(1);
    await idle();
    kernel.tell(resource('r0'));
    await idle();
    expect((await reader.until('create')).map(brief)).toEqual(['ready', 'create resource r0']);
    all.close();
  });

  test('the stream begins with one exists per object, then ready', async () => {
    const kernel = new FakeKernel();
    for (const update of PAIR) kernel.change(update);
    const { all, reader } = start(kernel);
    const begun = await reader.until('ready');
    expect(begun.map(brief)).toEqual(['exists resource r0', 'exists device r0/0/0', 'exists connection r0/1', 'ready']);
    expect(begun.map(({ more }) => more)).toEqual([true, true, true, false]);
    expect(begun[0]).toMatchObject({ before: null, after: { role: 'Secondary' } });
    all.close();
  });

  test('what comes while the state is read for the first time is applied to it', async () => {
    const kernel = new FakeKernel();
    for (const update of PAIR) kernel.change(update);
    kernel.duringRead = () => {
      kernel.tell(resource('r0', 'Primary'));
    };
    const { all, reader } = start(kernel);
    await reader.until('ready');
    expect(reader.state.snapshot.resources[0]?.role).toBe('Primary');
    expect(reader.state.diff(kernel.truth)).toEqual([]);
    all.close();
  });

  test('after a loss: everything older, one resync, the difference as ordinary changes, ready', async () => {
    const kernel = new FakeKernel();
    for (const update of PAIR) kernel.change(update);
    const { all, reader } = start(kernel);
    await reader.until('ready');
    kernel.tell(device('r0', 0, 'Inconsistent'));
    kernel.lose(resource('r0', 'Primary'), destroy(connection('r0', 1, 'Connected')), resource('r1'));
    const told = await reader.until('ready');
    expect(told.map(brief)).toEqual([
      // How good a place for a promotion this is follows from the disk.
      'change resource r0',
      'change device r0/0/0',
      'resync overrun',
      'destroy connection r0/1',
      'change resource r0',
      'create resource r1',
      'ready',
    ]);
    expect(reader.state.diff(kernel.truth)).toEqual([]);
    expect(told.filter(({ kind }) => kind === 'resync')).toHaveLength(1);
    all.close();
  });

  test('losses while reading again are the same resync', async () => {
    const kernel = new FakeKernel();
    for (const update of PAIR) kernel.change(update);
    const { all, reader } = start(kernel);
    await reader.until('ready');
    let losses = 2;
    kernel.duringRead = async () => {
      if (losses-- > 0) kernel.lose(resource(`new${losses}`));
      await idle();
    };
    kernel.lose(resource('r0', 'Primary'));
    const told = await reader.until('ready');
    expect(told.filter(({ kind }) => kind === 'resync')).toHaveLength(1);
    expect(reader.state.diff(kernel.truth)).toEqual([]);
    kernel.tell(resource('last'));
    expect(brief(await reader.next())).toBe('create resource last');
    all.close();
  });

  test('keys: of genl2 with the number of the peer, of genl1 with its addresses; a connection without any is no object', () => {
    const address = (port: number): Uint8Array =>
      encodeSocketAddress({ family: 'ipv4', address: '10.0.0.1', port }, 'little');
    const keysOf = (dialect: 'genl1' | 'genl2', addresses: object): readonly unknown[] =>
      ['resource_state', 'device_state', 'connection_state', 'path_state', 'peer_device_state'].map((name) => {
        const context = { ctx_resource_name: 'r0', ctx_volume: 1, ctx_peer_node_id: 2, ...addresses };
        const sets = { context, drbd_notification_header: { nh_type: notificationTypes.NOTIFY_CREATE } };
        return noticeOf({ name, minor: 3, sets }, { dialect, order: 'little' })?.key;
      });
    const known = { ctx_my_addr: address(7788), ctx_peer_addr: address(7789) };
    const path = { local: 'ipv4:10.0.0.1:7788', peer: 'ipv4:10.0.0.1:7789' };
    const resource = { resource: 'r0' };
    expect(keysOf('genl2', known)).toEqual([
      resource,
      { ...resource, volume: 1, minor: 3 },
      { ...resource, peerNodeId: 2 },
      { ...resource, peerNodeId: 2, ...path },
      { ...resource, peerNodeId: 2, volume: 1 },
    ]);
    const [, , connection, , peerDevice] = keysOf('genl1', known);
    expect([connection, peerDevice]).toEqual([
      { ...resource, ...path },
      { ...resource, ...path, volume: 1 },
    ]);
    expect(keysOf('genl1', {}).slice(2)).toEqual([undefined, undefined, undefined]);
  });

  test('a rename has the old key and after.name, and stands for all objects below it', async () => {
    const kernel = new FakeKernel();
    for (const update of PAIR) kernel.change(update);
    const { all, reader } = start(kernel);
    await reader.until('ready');
    kernel.tell(rename('r0', 'r9'));
    expect(await reader.next()).toMatchObject({ kind: 'rename', key: { resource: 'r0' }, after: { name: 'r9' } });
    expect(reader.state.diff(kernel.truth)).toEqual([]);
    expect(reader.state.get('device', { resource: 'r9', volume: 0 })?.disk).toBe('UpToDate');
    all.close();
  });

  test.each([
    ['told while the state was read again', [0, 1, 2]],
    ['overtaken by what has its new name', [2, 0, 1]],
    ['overtaken by what has its old name now', [1, 0, 2]],
    ['told before what was older', [1, 2, 0]],
  ])('a rename is not taken for another one where its old name is used again: %s', async (what, order) => {
    const kernel = new GenuineKernel();
    for (const update of PAIR) kernel.notices(update);
    const { all, reader } = start(kernel, { counters: true });
    await reader.until('ready');
    if (what.startsWith('told while')) kernel.lose(resource('r5'));
    const told = [
      kernel.notices(rename('r0', 'r9')),
      kernel.notices(device('r0', 3, 'Inconsistent')),
      kernel.notices(device('r9', 0, 'Diskless')),
    ];
    for (const at of order) for (const item of told[at] ?? []) kernel.send(item);
    for (let turns = 0; turns < 4; turns++) await idle();
    expect(all.state.diff(kernel.truth)).toEqual([]);
    expect(all.state.snapshot).toEqual(kernel.truth.snapshot);
    all.close();
  });

  test('the settings of an object whose creation is told after it was read are asked for again', async () => {
    const kernel = new GenuineKernel();
    const { all, reader } = start(kernel);
    kernel.tell(...PAIR);
    await reader.until('ready');
    for (let turns = 0; turns < 4; turns++) await idle();
    expect(all.state.get('connection', { resource: 'r0', peerNodeId: 1 })?.options).toEqual({ number: 2 });
    all.close();
  });

  test('more: further changes of the same step follow, also where the last of them changes nothing', async () => {
    const kernel = new FakeKernel();
    const { all, reader } = start(kernel);
    await reader.until('ready');
    kernel.tell(...PAIR, PAIR[0] as Update);
    const told = [await reader.next(), await reader.next(), await reader.next(), await reader.next()];
    expect(told.map(({ more }) => more)).toEqual([true, true, true, false]);
    all.close();
  });

  test('a helper message may fall inside a batch and does not end it', async () => {
    const kernel = new FakeKernel();
    const { all, reader } = start(kernel);
    await reader.until('ready');
    kernel.send(kernel.notice(resource('r0'), true));
    const helper = { name: 'before-resync-target', phase: 'call', status: null } as const;
    const notice: Notice = {
      action: 'helper',
      object: 'resource',
      key: { resource: 'r0' },
      updates: [],
      more: false,
      helper,
    };
    kernel.send({ kind: 'notice', sequence: null, notice });
    kernel.send(kernel.notice(resource('r0', 'Primary')));
    const told = [await reader.next(), await reader.next(), await reader.next()];
    expect(told.map(brief)).toEqual(['create resource r0', 'helper before-resync-target', 'change resource r0']);
    expect(told.map(({ more }) => more)).toEqual([true, true, false]);
    kernel.send({ kind: 'notice', sequence: null, notice });
    expect(await reader.next()).toMatchObject({ kind: 'helper', helper, more: false });
    all.close();
  });

  test('a loss inside a batch ends it', async () => {
    const kernel = new FakeKernel();
    const { all, reader } = start(kernel);
    await reader.until('ready');
    kernel.send(kernel.notice(resource('r0'), true));
    kernel.lose(resource('r1'));
    const told = await reader.until('ready');
    expect(told.map(brief)).toEqual(['create resource r0', 'resync overrun', 'create resource r1', 'ready']);
    expect(told.map(({ more }) => more)).toEqual([false, true, true, false]);
    all.close();
  });

  test('the fold never applies an older sequence over a newer one of the same object', () => {
    const kernel = new FakeKernel();
    const fold = new Fold(kernel.nothing());
    const set = (sequence: number, update: Update): Step =>
      fold.take(sequence, { action: 'change', object: update.object, key: update.key, updates: [update], more: false })
        .step;
    set(5, resource('r0', 'Primary'));
    expect(set(4, resource('r0', 'Secondary'))).toMatchObject({ sequence: 4, changed: [] });
    expect(fold.state.snapshot.resources[0]?.role).toBe('Primary');
    // Another object has a course of its own, and the counts go round.
    expect(set(3, device('r0', 0, 'UpToDate')).changed).toContain('disk');
    set(-1 >>> 0, resource('r1', 'Secondary'));
    set(0, resource('r1', 'Primary'));
    expect(fold.state.get('resource', { resource: 'r1' })?.role).toBe('Primary');
  });

  test('what is late does not bring back what it belonged to', () => {
    const kernel = new FakeKernel();
    const fold = new Fold(kernel.nothing());
    const take = (sequence: number, action: Notice['action'], update: Update): void => {
      fold.take(sequence, { action, object: update.object, key: update.key, updates: [update], more: false });
    };
    for (const [at, update] of PAIR.entries()) take(at, 'create', update);
    take(9, 'destroy', destroy(resource('r0')));
    take(7, 'change', device('r0', 0, 'Diskless'));
    take(8, 'change', peerDevice('r0', 1, 0, 'Outdated'));
    expect(fold.state.snapshot.resources).toEqual([]);
    take(10, 'create', resource('r0'));
    expect(fold.state.snapshot.resources).toHaveLength(1);
  });

  test('the fold forgets the sequences of what has long been gone', () => {
    const fold = new Fold(new FakeKernel().nothing());
    for (let sequence = 0; sequence < 40_000; sequence += 2) {
      const key = { resource: `r${sequence}` };
      const notice = { object: 'resource', key, more: false } as const;
      fold.take(sequence, { ...notice, action: 'create', updates: [resource(key.resource)] });
      fold.take(sequence + 1, { ...notice, action: 'destroy', updates: [destroy(resource(key.resource))] });
    }
    expect(fold.state.snapshot.resources).toEqual([]);
    expect(fold.remembered).toBeLessThan(20_000);
  });

  test('snapshot is a getter, built when first looked at, and is left out of JSON', async () => {
    const kernel = new FakeKernel();
    const { all, reader } = start(kernel);
    await reader.until('ready');
    kernel.tell(resource('r0'));
    const change = await reader.next();
    expect(Object.keys(change)).not.toContain('snapshot');
    expect(change.snapshot.resources[0]?.name).toBe('r0');
    expect(change.snapshot).toBe(change.snapshot);
    all.close();
  });

  test('inside a batch, snapshot is the state in between: waitFor looks only where more is false', async () => {
    const kernel = new FakeKernel();
    for (const update of PAIR) kernel.change(update);
    const all = follower(kernel);
    const seen: string[] = [];
    const waiting = waitForSnapshot(
      (options) => all.add(options),
      () => false,
      ({ resources: [r0] }) => {
        seen.push(`${r0?.role} ${r0?.devices[0]?.disk}`);
        return r0?.devices[0]?.disk === 'Diskless';
      },
      {},
    );
    const reader = new Reader(kernel, all.add());
    await reader.until('ready');
    kernel.tell(resource('r0', 'Primary'), device('r0', 0, 'Inconsistent'), device('r0', 0, 'Diskless'));
    expect((await waiting).resources[0]?.role).toBe('Primary');
    expect(seen).toEqual(['Secondary UpToDate', 'Primary Diskless']);
    const between = [await reader.next(), await reader.next()];
    expect(between.map(({ more, snapshot }) => [more, snapshot.resources[0]?.devices[0]?.disk])).toEqual([
      [true, 'UpToDate'],
      [true, 'Inconsistent'],
    ]);
    all.close();
  });

  test('waitFor has no default limit, and sends nothing while nothing changes', async () => {
    const kernel = new FakeKernel();
    const all = follower(kernel);
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const waiting = waitForSnapshot(
      (options) => all.add(options),
      () => false,
      ({ resources }) => resources.length === 1,
      {},
    );
    await idle();
    expect(timers).not.toHaveBeenCalled();
    timers.mockRestore();
    expect(kernel.reads).toBe(1);
    kernel.tell(resource('r0'));
    expect((await waiting).resources).toHaveLength(1);
    expect([kernel.reads, kernel.asked]).toEqual([1, []]);
    all.close();
  });

  test('one follower, seeded once, for all consumers; it ends with the last', async () => {
    const kernel = new FakeKernel();
    for (const update of PAIR) kernel.change(update);
    let ended = 0;
    const all = new Follower(kernel, () => ended++);
    const first = new Reader(kernel, all.add());
    await first.until('ready');
    const second = new Reader(kernel, all.add());
    kernel.tell(resource('r0', 'Primary'));
    expect((await second.until('change')).map(brief).at(0)).toBe('exists resource r0');
    expect(brief(await first.next())).toBe('change resource r0');
    expect([kernel.reads, kernel.listening]).toEqual([1, 1]);
    await first.stream.return?.();
    expect(kernel.listening).toBe(1);
    await second.stream.return?.();
    expect([kernel.listening, ended]).toEqual([0, 1]);
    expect(await second.stream.next()).toEqual({ done: true, value: undefined });
    expect(() => all.add()).toThrow(expect.objectContaining({ code: 'ERR_DRBD_CLOSED' }) as Error);
  });

  test('a consumer that overflows gets a resync and the difference, without a question, at no cost to others', async () => {
    const kernel = new FakeKernel();
    for (const update of PAIR) kernel.change(update);
    const all = follower(kernel);
    const slow = new Reader(kernel, all.add({ queueLimit: 3 }));
    const fast = new Reader(kernel, all.add());
    await slow.until('ready');
    await fast.until('ready');
    kernel.tell(resource('r0', 'Primary'));
    expect(brief(await slow.next())).toBe('change resource r0');
    const tell = Array.from({ length: 20 }, (_unused, at) => resource('r0', at % 2 === 0 ? 'Secondary' : 'Primary'));
    for (const update of tell) kernel.tell(update);
    kernel.tell(destroy(connection('r0', 1, 'Connected')));
    await idle();
    expect((await slow.until('ready')).map(brief)).toEqual(['resync queue', 'destroy connection r0/1', 'ready']);
    expect(slow.state.diff(kernel.truth)).toEqual([]);
    expect((await fast.until('destroy')).filter(({ kind }) => kind === 'resync')).toEqual([]);
    expect(fast.seen.filter(({ kind }) => kind === 'change').length).toBeGreaterThanOrEqual(21);
    expect(kernel.reads).toBe(1);
    kernel.tell(resource('r0', 'Secondary'));
    await slow.until('change');
    expect(slow.state.diff(kernel.truth)).toEqual([]);
    all.close();
  });

  test('unload: one resync (module), everything destroyed, ready; the stream stays', async () => {
    const kernel = new FakeKernel();
    for (const update of PAIR) kernel.change(update);
    const { all, reader } = start(kernel);
    await reader.until('ready');
    kernel.isLoaded = false;
    kernel.truth = kernel.nothing();
    kernel.send({ kind: 'resync', reason: 'module' });
    const told = await reader.until('ready');
    expect(told.map(brief)).toEqual([
      'resync module',
      'destroy connection r0/1',
      'destroy device r0/0/0',
      'destroy resource r0',
      'ready',
    ]);
    all.close();
  });

  test("the module's return: its objects as create, no second resync", async () => {
    const kernel = new FakeKernel();
    const { all, reader } = start(kernel);
    kernel.isLoaded = false;
    await reader.until('ready');
    kernel.isLoaded = true;
    for (const update of PAIR) kernel.change(update);
    kernel.send({ kind: 'reread' });
    const told = [await reader.next(), await reader.next(), await reader.next()];
    expect(told.map(brief)).toEqual(['create resource r0', 'create device r0/0/0', 'create connection r0/1']);
    expect(told.map(({ more }) => more)).toEqual([true, true, false]);
    kernel.tell(resource('r0', 'Primary'));
    expect(brief(await reader.next())).toBe('change resource r0');
    all.close();
  });

  test('a module of another dialect ends the stream with its error, behind what came before', async () => {
    const kernel = new FakeKernel();
    const { all, reader } = start(kernel);
    await reader.until('ready');
    kernel.tell(resource('r0'));
    kernel.fail(
      new UnsupportedError('another DRBD module was loaded', { feature: 'x', dialect: 'genl2', requires: 'y' }),
    );
    await idle();
    expect(brief(await reader.next())).toBe('create resource r0');
    await expect(reader.stream.next()).rejects.toMatchObject({ code: 'ERR_DRBD_UNSUPPORTED' });
    expect(await reader.stream.next()).toEqual({ done: true, value: undefined });
    all.close();
  });

  test('a change that no notification tells is asked for once, however many say so', async () => {
    const kernel = new FakeKernel();
    for (const update of PAIR) kernel.change(update);
    kernel.answers = () => [
      { action: 'set', object: 'resource', key: { resource: 'r0' }, patch: { options: { quorum: 'majority' } } },
      { action: 'set', object: 'resource', key: { resource: 'gone' }, patch: { options: {} } },
    ];
    const { all, reader } = start(kernel);
    await reader.until('ready');
    for (let times = 0; times < 5; times++) kernel.send({ kind: 'ask', ask: 'r0' });
    expect(await reader.next()).toMatchObject({ kind: 'change', changed: ['options'], more: false });
    await idle();
    expect(kernel.asked).toEqual(['r0']);
    expect(reader.state.get('resource', { resource: 'gone' })).toBeUndefined();
    all.close();
  });

  test('refreshMs reads counters and settings; a change only of counters is yielded only if asked for', async () => {
    const kernel = new FakeKernel();
    for (const update of PAIR) kernel.change(update);
    const all = follower(kernel);
    const plain = new Reader(kernel, all.add());
    const counting = new Reader(kernel, all.add({ counters: true, refreshMs: 5 }));
    await plain.until('ready');
    await counting.until('ready');
    kernel.change(written('r0', 0, 4096n));
    expect(await counting.next()).toMatchObject({ kind: 'change', changed: ['stats.writtenBytes'] });
    kernel.tell(resource('r0', 'Primary'));
    const change = await plain.next();
    expect(brief(change)).toBe('change resource r0');
    expect(change.snapshot.resources[0]?.devices[0]?.stats?.writtenBytes).toBe(4096n);
    all.close();
  });

  test('nothing is asked while nothing changes', async () => {
    const kernel = new FakeKernel();
    for (const update of PAIR) kernel.change(update);
    const { all, reader } = start(kernel);
    await reader.until('ready');
    await idle();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([kernel.reads, kernel.asked]).toEqual([1, []]);
    all.close();
  });

  test('a signal ends its stream alone, at once', async () => {
    const kernel = new FakeKernel();
    const all = follower(kernel);
    const stop = new AbortController();
    const stopped = all.add({ signal: stop.signal });
    const other = new Reader(kernel, all.add());
    await other.until('ready');
    await stopped.next();
    const waiting = stopped.next();
    stop.abort('enough');
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
    kernel.tell(resource('r0'));
    expect(brief(await other.next())).toBe('create resource r0');
    expect(() => all.add({ signal: stop.signal })).toThrow(expect.objectContaining({ name: 'AbortError' }) as Error);
    all.close();
  });

  test.each([
    { queueLimit: 0 },
    { queueLimit: 1.5 },
    { refreshMs: 0 },
    { refreshMs: Infinity },
    { receiveBufferBytes: 0 },
  ])('refuses %p', (options) => {
    const all = follower(new FakeKernel());
    expect(() => all.add(options)).toThrow(expect.objectContaining({ code: 'ERR_DRBD_ARGUMENT' }) as Error);
    all.close();
  });
});

describe('steps', () => {
  test('there is one for each notification, also where it changes nothing', async () => {
    const kernel = new FakeKernel();
    const steps: Step[] = [];
    const all = follower(kernel, (step) => steps.push(step));
    const reader = new Reader(kernel, all.add());
    await reader.until('ready');
    kernel.tell(resource('r0'), resource('r0'));
    kernel.tell(destroy(resource('r0')));
    await idle();
    expect(steps).toMatchObject([
      { sequence: 0, action: 'create', object: 'resource', key: { resource: 'r0' }, before: null, more: true },
      { sequence: 1, action: 'change', changed: [], more: false },
      { sequence: 2, action: 'destroy', after: null, more: false },
    ]);
    all.close();
  });
});

describe('law', () => {
  const names = fc.constantFrom('r0', 'r1', 'r2');
  const volumes = fc.integer({ min: 0, max: 2 });
  const peers = fc.integer({ min: 1, max: 2 });
  const update: fc.Arbitrary<Update> = fc.oneof(
    fc
      .tuple(names, fc.constantFrom('Primary' as const, 'Secondary' as const))
      .map(([name, role]) => resource(name, role)),
    fc
      .tuple(names, volumes, fc.constantFrom('UpToDate' as const, 'Inconsistent' as const))
      .map(([name, volume, disk]) => device(name, volume, disk)),
    fc.tuple(names, volumes, fc.bigInt(0n, 99n)).map(([name, volume, bytes]) => written(name, volume, bytes)),
    fc.tuple(names, peers).map(([name, peer]) => connection(name, peer, 'Connected')),
    fc
      .tuple(names, peers, volumes, fc.constantFrom('UpToDate' as const, 'Outdated' as const))
      .map(([name, peer, volume, disk]) => peerDevice(name, peer, volume, disk)),
    fc.tuple(names, volumes).map(([name, volume]) => destroy(device(name, volume, 'Diskless'))),
    fc.tuple(names, peers).map(([name, peer]) => destroy(connection(name, peer, 'Connected'))),
    names.map((name) => destroy(resource(name))),
    fc.tuple(names, names).map(([from, to]) => rename(from, to)),
  );
  const action = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.array(update, { minLength: 1, maxLength: 4 }).map((updates) => ({ do: 'tell' as const, updates })),
    },
    {
      weight: 2,
      arbitrary: fc.array(update, { minLength: 1, maxLength: 6 }).map((updates) => ({ do: 'lose' as const, updates })),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.array(update, { minLength: 2, maxLength: 4 }), fc.infiniteStream(fc.nat()))
        .map(([updates, places]) => ({ do: 'overtake' as const, updates, places })),
    },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 9 }).map((turns) => ({ do: 'wait' as const, turns })) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 9 }).map((count) => ({ do: 'take' as const, count })) },
    { weight: 1, arbitrary: fc.constant({ do: 'join' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'reload' as const }) },
  );

  test('at rest, the fold of each stream equals the state of the kernel, whatever was lost and however slow it reads', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 8 }),
        async (actions, limit) => {
          const kernel = new GenuineKernel();
          const all = follower(kernel);
          const readers = [
            new Reader(kernel, all.add({ counters: true })),
            new Reader(kernel, all.add({ counters: true, queueLimit: limit })),
          ];
          for (const each of actions) {
            if (each.do === 'tell') kernel.tell(...each.updates);
            else if (each.do === 'lose') kernel.lose(...each.updates);
            else if (each.do === 'overtake') {
              const items = each.updates.flatMap((told) => kernel.notices(told));
              while (items.length > 0)
                for (const item of items.splice((each.places.next().value ?? 0) % items.length, 1)) kernel.send(item);
            } else if (each.do === 'wait')
              for (let turns = 0; turns < each.turns; turns++) await new Promise(setImmediate);
            else if (each.do === 'take') await drain(readers[0] as Reader, each.count);
            else if (each.do === 'join')
              readers.push(new Reader(kernel, all.add({ counters: true, queueLimit: limit })));
            else {
              kernel.truth = kernel.nothing();
              kernel.send({ kind: 'resync', reason: 'module' });
              kernel.send({ kind: 'reread' });
            }
          }
          await idle();
          await idle();
          for (const reader of readers) {
            await drain(reader, Infinity);
            expect(reader.state.diff(kernel.truth)).toEqual([]);
            expect(reader.seen.at(-1)?.more).toBe(false);
            expect(reader.seen.at(-1)?.snapshot).toEqual(kernel.truth.snapshot);
          }
          all.close();
        },
      ),
      { numRuns: 100 },
    );
  });

  /** Takes what there is, up to a number of changes. */
  async function drain(reader: Reader, count: number): Promise<void> {
    const nothing = Symbol('nothing');
    for (let taken = 0; taken < count; taken++) {
      pending.set(reader, pending.get(reader) ?? reader.stream.next());
      const result = await Promise.race([
        pending.get(reader),
        (async () => {
          for (let turns = 0; turns < 4; turns++) await new Promise(setImmediate);
          return nothing;
        })(),
      ]);
      if (result === nothing || result === undefined || typeof result === 'symbol') return;
      pending.delete(reader);
      if (result.done === true) return;
      reader.take(result.value);
    }
  }
  const pending = new WeakMap<Reader, Promise<IteratorResult<Change>>>();
});
