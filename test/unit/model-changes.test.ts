import fc from 'fast-check';

import { apply, diff, snapshotToJson, State, withSnapshot, type Delta, type Update } from '../../lib/model';
import type { SetUpdate } from '../../lib/model/state';

const SOURCE = { dialect: 'genl2', driver: '9.2.18', api: 2, complete: true } as const;
const EMPTY = State.empty(SOURCE);

const fold = (state: State, changes: Iterable<Update | Delta>): State => {
  let now = state;
  for (const change of changes) now = apply(now, change).state;
  return now;
};

const LOCAL = { family: 'ipv4', familyCode: 2, address: '127.0.0.1', port: 7701, scopeId: null } as const;
const PEER = { ...LOCAL, port: 7710 };
const PATH = { local: 'ipv4:127.0.0.1:7701', peer: 'ipv4:127.0.0.1:7710' };

const pair: readonly Update[] = [
  { action: 'create', object: 'resource', key: { resource: 'r0' }, patch: { role: 'Secondary', roleCode: 2 } },
  {
    action: 'create',
    object: 'device',
    key: { resource: 'r0', volume: 0, minor: 0 },
    patch: { disk: 'UpToDate', diskCode: 9, quorum: true, stats: { sizeBytes: 1n << 24n } },
  },
  {
    action: 'create',
    object: 'connection',
    key: { resource: 'r0', peerNodeId: 1 },
    patch: { name: 'n1', state: 'Connected', stateCode: 9, role: 'Secondary', roleCode: 2 },
  },
  {
    action: 'create',
    object: 'path',
    key: { resource: 'r0', peerNodeId: 1, ...PATH },
    patch: { local: LOCAL, peer: PEER, established: true },
  },
  {
    action: 'create',
    object: 'peerDevice',
    key: { resource: 'r0', peerNodeId: 1, volume: 0 },
    patch: { replication: 'Established', replicationCode: 10, peerDisk: 'UpToDate', uuidFlags: 0x20n },
  },
];

describe('applying changes', () => {
  test('objects nest, what is not known is null, and a promotion is computed', () => {
    const { snapshot } = fold(EMPTY, pair);
    expect(snapshot).toMatchObject({
      schemaVersion: 2,
      source: SOURCE,
      unconfiguredMinors: null,
      resources: [
        {
          name: 'r0',
          role: 'Secondary',
          nodeId: null,
          suspended: { user: null, noData: null, fencing: null, quorum: null },
          mayPromote: true,
          promotionScore: 10102,
          options: null,
          devices: [{ minor: 0, volume: 0, disk: 'UpToDate', stats: { sizeBytes: 16777216n, readBytes: null } }],
          connections: [
            {
              peerNodeId: 1,
              name: 'n1',
              state: 'Connected',
              paths: [{ local: LOCAL, peer: PEER, established: true }],
              peerDevices: [{ volume: 0, replication: 'Established', resync: null, stats: null }],
            },
          ],
        },
      ],
    });
    expect(snapshotToJson(snapshot).resources[0]?.devices[0]?.stats?.sizeBytes).toBe('16777216');
  });

  test('a change shares all that it does not touch, and one that changes nothing shares everything', () => {
    const before = fold(EMPTY, [...pair, { action: 'create', object: 'resource', key: { resource: 'r1' }, patch: {} }]);
    const { state, own } = apply(before, {
      action: 'set',
      object: 'device',
      key: { resource: 'r0', volume: 0, minor: 0 },
      patch: { stats: { readBytes: 512n } },
    });
    expect(own).toMatchObject({ action: 'change', object: 'device', changed: ['stats.readBytes'] });
    const [old, now] = [before.snapshot, state.snapshot];
    expect(old.resources[0]?.devices[0]?.stats?.readBytes).toBeNull();
    expect(now.resources[0]?.devices[0]?.stats?.readBytes).toBe(512n);
    expect(now.resources[0]?.connections).toBe(old.resources[0]?.connections);
    expect(now.resources[1]).toBe(old.resources[1]);
    const same = apply(state, {
      action: 'set',
      object: 'device',
      key: { resource: 'r0', volume: 0, minor: 0 },
      patch: { disk: 'UpToDate', stats: { readBytes: 512n } },
    });
    expect(same.state).toBe(state);
    expect(same.own.changed).toEqual([]);
    expect(same.others).toEqual([]);
  });

  test('a device that is outdated changes the promotion of its resource, which is told first', () => {
    const { own, others } = apply(fold(EMPTY, pair), {
      action: 'set',
      object: 'device',
      key: { resource: 'r0', volume: 0, minor: 0 },
      patch: { disk: 'Outdated', diskCode: 6 },
    });
    expect(others).toMatchObject([
      { object: 'resource', action: 'change', changed: ['promotionScore'], after: { promotionScore: 1 } },
    ]);
    expect(own.changed).toEqual(['disk', 'diskCode']);
  });

  test('parents that nobody told of are made up; what is below a destroyed object is destroyed before it', () => {
    const made = apply(EMPTY, {
      action: 'set',
      object: 'peerDevice',
      key: { resource: 'r9', peerNodeId: 3, volume: 1 },
      patch: { peerDisk: 'Diskless' },
    });
    expect(made.others.map(({ action, object }) => `${action} ${object}`)).toEqual([
      'create resource',
      'create connection',
    ]);
    expect(made.own).toMatchObject({ action: 'create', key: { resource: 'r9', peerNodeId: 3, volume: 1 } });
    const gone = apply(fold(EMPTY, pair), { action: 'destroy', object: 'resource', key: { resource: 'r0' } });
    expect([...gone.others, gone.own].map(({ action, object }) => `${action} ${object}`)).toEqual([
      'destroy path',
      'destroy peerDevice',
      'destroy connection',
      'destroy device',
      'destroy resource',
    ]);
    expect(gone.state.snapshot.resources).toEqual([]);
    const again = apply(gone.state, { action: 'destroy', object: 'resource', key: { resource: 'r0' } });
    expect(again.own).toMatchObject({ before: null, after: null, changed: [] });
  });

  test('a rename has the old key and stands for all objects below', () => {
    const { state, own } = apply(fold(EMPTY, pair), {
      action: 'rename',
      object: 'resource',
      key: { resource: 'r0' },
      name: 'r1',
    });
    expect(own).toMatchObject({ action: 'rename', key: { resource: 'r0' }, after: { name: 'r1' }, changed: ['name'] });
    expect([...state.entries()].map(({ key }) => key.resource)).toEqual(['r1', 'r1', 'r1', 'r1', 'r1']);
    expect(state.get('peerDevice', { resource: 'r1', peerNodeId: 1, volume: 0 })).toMatchObject({ volume: 0 });
    expect(state.get('resource', { resource: 'r0' })).toBeUndefined();
  });

  test('a resync appears with its replication and goes with it', () => {
    const key = { resource: 'r0', peerNodeId: 1, volume: 0 };
    const first = apply(fold(EMPTY, pair), {
      action: 'set',
      object: 'peerDevice',
      key,
      patch: { replication: 'SyncTarget', resync: { totalBytes: 1000n, leftBytes: 250n } },
    });
    expect(first.state.get('peerDevice', key)?.resync).toMatchObject({ kind: 'sync', percent: 75, reason: [] });
    const paused = apply(first.state, {
      action: 'set',
      object: 'peerDevice',
      key,
      patch: { replication: 'PausedSyncT', resyncSuspended: { user: true, dependency: true } },
    });
    expect(paused.state.get('peerDevice', key)?.resync).toMatchObject({
      leftBytes: 250n,
      reason: ['user', 'dependency'],
    });
    const verify = apply(paused.state, { action: 'set', object: 'peerDevice', key, patch: { replication: 'VerifyS' } });
    expect(verify.state.get('peerDevice', key)?.resync).toMatchObject({ kind: 'verify', leftBytes: null });
    const done = apply(verify.state, {
      action: 'set',
      object: 'peerDevice',
      key,
      patch: { replication: 'Established' },
    });
    expect(done.state.get('peerDevice', key)?.resync).toBeNull();
  });

  test('the snapshot of a change is the state after it, however late it is looked at', () => {
    let state = EMPTY;
    const changes = pair.map((update) => {
      const applied = apply(state, update);
      ({ state } = applied);
      return withSnapshot({ kind: 'ready', more: false }, state);
    });
    expect(changes.map(({ snapshot }) => snapshot.resources[0]?.devices.length)).toEqual([0, 1, 1, 1, 1]);
    expect(JSON.stringify(changes[0])).toBe('{"kind":"ready","more":false}');
  });
});

describe('comparing states', () => {
  const names = fc.constantFrom('a', 'b', 'c');
  const volumes = fc.integer({ min: 0, max: 2 });
  const update: fc.Arbitrary<Update> = fc.oneof(
    fc.record({
      action: fc.constantFrom('set' as const, 'create' as const),
      object: fc.constant('resource' as const),
      key: fc.record({ resource: names }),
      patch: fc.record({ role: fc.constantFrom('Primary' as const, 'Secondary' as const) }),
    }),
    fc.record({
      action: fc.constantFrom('set' as const, 'create' as const),
      object: fc.constant('device' as const),
      key: fc.record({ resource: names, volume: volumes }),
      patch: fc.record({ disk: fc.constantFrom('UpToDate' as const, 'Failed' as const), quorum: fc.boolean() }),
    }),
    fc.record({
      action: fc.constantFrom('set' as const, 'create' as const),
      object: fc.constant('peerDevice' as const),
      key: fc.record({ resource: names, peerNodeId: volumes, volume: volumes }),
      patch: fc.record({
        peerDisk: fc.constantFrom('UpToDate' as const, 'Outdated' as const),
        replication: fc.constantFrom('SyncSource' as const, 'VerifyS' as const, 'Off' as const),
      }),
    }),
    fc.record({
      action: fc.constant('destroy' as const),
      object: fc.constant('device' as const),
      key: fc.record({ resource: names, volume: volumes }),
    }),
    fc.record({
      action: fc.constant('destroy' as const),
      object: fc.constant('connection' as const),
      key: fc.record({ resource: names, peerNodeId: volumes }),
    }),
    fc.record({
      action: fc.constant('destroy' as const),
      object: fc.constant('resource' as const),
      key: fc.record({ resource: names }),
    }),
    fc.record({
      action: fc.constant('rename' as const),
      object: fc.constant('resource' as const),
      key: fc.record({ resource: names }),
      name: names,
    }),
  );
  const contents = (state: State): string[] =>
    [...state.entries()].map(({ object, key, values }) => JSON.stringify([object, key, values], big)).sort();
  const big = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);

  test('a peer device that stays when its device goes is told anew, since the device takes it along', () => {
    const before = fold(EMPTY, pair);
    const after = fold(before, [
      { action: 'destroy', object: 'device', key: { resource: 'r0', volume: 0, minor: 0 } },
      pair[4] as Update,
    ]);
    const deltas = diff(before, after);
    expect(deltas.map(({ action, object }) => `${action} ${object}`)).toEqual([
      'destroy peerDevice',
      'destroy device',
      'change resource',
      'create peerDevice',
    ]);
    expect(fold(before, deltas).snapshot).toEqual(after.snapshot);
  });

  test('objects stand in one order, whatever order they were told in', () => {
    const connection = (peerNodeId: number, name: string | null): Update => ({
      action: 'set',
      object: 'connection',
      key: { resource: 'r0', peerNodeId },
      patch: { name },
    });
    const updates: readonly Update[] = [
      ...pair,
      connection(31, 'a'),
      connection(2, null),
      connection(7, null),
      connection(3, 'z'),
      { action: 'set', object: 'resource', key: { resource: 'r10' }, patch: {} },
      { action: 'set', object: 'resource', key: { resource: 'a' }, patch: {} },
      { action: 'set', object: 'device', key: { resource: 'r0', volume: 5, minor: 3 }, patch: {} },
      // Its name comes later than it.
      connection(7, 'b'),
    ];
    const { snapshot } = fold(EMPTY, updates);
    expect(snapshot.resources.map(({ name }) => name)).toEqual(['a', 'r0', 'r10']);
    expect(snapshot.resources[1]?.connections.map(({ peerNodeId }) => peerNodeId)).toEqual([31, 7, 1, 3, 2]);
    expect(fold(EMPTY, [updates[12] as Update, ...updates]).snapshot).toEqual(snapshot);
    expect(fold(EMPTY, [...updates].reverse().concat(updates)).snapshot).toEqual(snapshot);
  });

  test('many updates at once are the same as one after the other', () => {
    const isSet = (one: Update): one is SetUpdate => one.action === 'set' || one.action === 'create';
    fc.assert(
      fc.property(fc.array(update, { maxLength: 30 }), fc.array(update, { maxLength: 30 }), (first, second) => {
        const before = fold(EMPTY, first);
        const updates = second.filter(isSet);
        const { state, madeUp } = before.load(updates);
        expect(state.snapshot).toEqual(fold(before, updates).snapshot);
        let now = before;
        let parents = 0;
        for (const one of updates) {
          const applied = apply(now, one);
          now = applied.state;
          parents += applied.others.filter(({ action }) => action === 'create').length;
        }
        expect(madeUp).toBe(parents > 0);
      }),
    );
  });

  test('the difference, applied, gives the other state; told changes are the difference', () => {
    fc.assert(
      fc.property(fc.array(update, { maxLength: 30 }), fc.array(update, { maxLength: 30 }), (first, second) => {
        const [before, after] = [fold(EMPTY, first), fold(EMPTY, second)];
        const there = fold(before, diff(before, after));
        expect(contents(there)).toEqual(contents(after));
        // One order of the objects, whatever order they came in.
        expect(there.snapshot).toEqual(after.snapshot);
        expect(diff(before, before)).toEqual([]);
        const shared = before.sharing(after);
        expect(contents(shared)).toEqual(contents(after));
        expect(shared.snapshot).toEqual(after.snapshot);
        // What apply() tells, repeated elsewhere, leads to the same state.
        let state = before;
        let copy = before;
        for (const one of second) {
          const applied = apply(state, one);
          ({ state } = applied);
          copy = fold(
            copy,
            [...applied.others, applied.own].filter(({ action, before: old, changed }) =>
              action === 'destroy' ? old !== null : action !== 'change' || changed.length > 0,
            ),
          );
        }
        expect(contents(copy)).toEqual(contents(state));
      }),
    );
  });
});
