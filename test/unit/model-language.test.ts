import fc from 'fast-check';

import {
  apply,
  findings,
  foldHistory,
  NO_HISTORY,
  objectNames,
  optionsOf,
  parseExpression,
  propertyOf,
  Secret,
  settingsOf,
  snapshotToJson,
  State,
  stateFromGeneric,
  withSnapshot,
  type Change,
  type History,
  type Snapshot,
  type Step,
  type Update,
} from '../../lib/model';
import { changesSchema, snapshotSchema } from '../../lib/model/schema';
import { expectValidChange, expectValidSnapshot, shippedSchema } from '../support/schema';

const EMPTY = State.empty({ dialect: 'genl2', driver: '9.2.18', api: 2, complete: true });
const LOCAL = { family: 'ipv4', familyCode: 2, address: '10.0.0.1', port: 7788, scopeId: null } as const;
const PEER = { ...LOCAL, address: '10.0.0.2' };

function stateWith(...updates: readonly Update[]): State {
  const all: readonly Update[] = [
    { action: 'set', object: 'resource', key: { resource: 'r0' }, patch: { role: 'Secondary' } },
    {
      action: 'set',
      object: 'device',
      key: { resource: 'r0', volume: 0, minor: 5 },
      patch: { disk: 'UpToDate', quorum: true },
    },
    {
      action: 'set',
      object: 'connection',
      key: { resource: 'r0', peerNodeId: 1 },
      patch: { name: 'n1', state: 'Connected', role: 'Secondary' },
    },
    {
      action: 'set',
      object: 'path',
      key: { resource: 'r0', peerNodeId: 1, local: 'ipv4:10.0.0.1:7788', peer: 'ipv4:10.0.0.2:7788' },
      patch: { local: LOCAL, peer: PEER, established: true },
    },
    {
      action: 'set',
      object: 'peerDevice',
      key: { resource: 'r0', peerNodeId: 1, volume: 0 },
      patch: { replication: 'Established', peerDisk: 'UpToDate', outOfSyncBytes: 0n },
    },
    ...updates,
  ];
  return all.reduce((state, update) => apply(state, update).state, EMPTY);
}

const RESOURCE = { resource: 'r0' };
const DEVICE = { resource: 'r0', volume: 0, minor: 5 };
const CONNECTION = { resource: 'r0', peerNodeId: 1 };
const PEER_DEVICE = { ...CONNECTION, volume: 0 };

describe('expressions', () => {
  const verdict = (text: string, { snapshot }: { readonly snapshot: Snapshot } = stateWith()) =>
    parseExpression(text).evaluate(snapshot);

  test.each([
    'resource=r0 connection=Connected peerDisk=UpToDate outOfSyncBytes<1M',
    'role=Secondary',
    'disk=UpToDate,Consistent',
    'disk!=Failed',
    'resource=r0',
    'minor=5 quorum=yes',
    'peer=n1 connection=Connected',
    'peerNodeId=1 peerRole=Secondary',
    'any:disk=UpToDate',
    'none:replication=SyncSource',
    'none:role=Primary',
    'outOfSyncBytes=0 outOfSyncBytes<=0 outOfSyncBytes>=0',
    'resync=none',
    'suspended=no',
    'mayPromote=yes',
    'path.established=yes',
    'device.disk=UpToDate',
  ])('%s holds', (text) => {
    expect(verdict(text)).toEqual({ satisfied: true, missing: [] });
  });

  test.each([
    ['role=Primary', ['role=Primary: r0 is Secondary']],
    ['all:peerDisk=Outdated', ['all:peerDisk=Outdated: r0 to n1/0 is UpToDate']],
    ['any:connection=StandAlone', ['any:connection=StandAlone: r0 to n1 is Connected']],
    ['none:disk=UpToDate', ['none:disk=UpToDate: r0/0 is UpToDate']],
    ['outOfSyncBytes>1K', ['outOfSyncBytes>1K: r0 to n1/0 is 0']],
    ['stats.readBytes<1T', ['stats.readBytes<1T: r0/0 is not known']],
    ['resource=nosuch', ['no such object exists']],
    ['peer=nosuch', ['no such object exists']],
    ['peerNodeId=7 role=Secondary', ['role=Secondary: there is no resource that it could be about']],
    ['resource=nosuch disk=UpToDate', ['disk=UpToDate: there is no device that it could be about']],
    ['resource=nosuch any:disk=UpToDate', ['any:disk=UpToDate: there is no device that it could be about']],
    ['minor=9 connection=Connected', ['connection=Connected: there is no connection that it could be about']],
  ])('%s does not hold, and says what is missing', (text, missing) => {
    expect(verdict(text)).toEqual({ satisfied: false, missing });
  });

  test('about no object only none: is satisfied', () => {
    expect(verdict('none:disk=Failed', EMPTY).satisfied).toBe(true);
    expect(verdict('disk=UpToDate', EMPTY).satisfied).toBe(false);
    expect(verdict('all:disk=UpToDate', EMPTY).satisfied).toBe(false);
  });

  test('all: is about each object, any: about one of them', () => {
    const state = stateWith({
      action: 'set',
      object: 'device',
      key: { ...DEVICE, volume: 1, minor: 6 },
      patch: { disk: 'Inconsistent' },
    });
    expect(verdict('disk=UpToDate', state).missing).toEqual(['disk=UpToDate: r0/1 is Inconsistent']);
    expect(verdict('any:disk=UpToDate', state).satisfied).toBe(true);
    expect(verdict('volume=0 disk=UpToDate', state).satisfied).toBe(true);
  });

  test.each([
    ['conection=Connected', 'did you mean connection'],
    ['connection=Conected', 'did you mean Connected'],
    ['outOfSync<1M', 'not a property'],
    ['disk', 'an operator'],
    ['disk=', 'a value is missing'],
    ['disk<UpToDate', '= and != only'],
    ['outOfSyncBytes<1X', 'is not a number'],
    ['anny:disk=UpToDate', 'did you mean any'],
    ['quorum=maybe', 'neither yes nor no'],
    ['any:resource=r0', 'chooses'],
    ['suspended=user', 'name a part of it'],
    ['options=1', 'not a property'],
    ['', 'a condition is needed'],
  ])('%s is refused: %s', (text, problem) => {
    expect(() => parseExpression(text)).toThrow(expect.objectContaining({ code: 'ERR_DRBD_ARGUMENT' }) as Error);
    expect(() => parseExpression(text)).toThrow(problem);
  });
});

describe('expressions against a plain reading of the table', () => {
  type Row = Readonly<Record<string, unknown>>;
  interface Plain {
    readonly resource: Row;
    readonly devices: readonly Row[];
    readonly links: readonly { readonly link: Row; readonly peers: readonly Row[] }[];
  }
  interface Part {
    readonly text: string;
    readonly quantifier: 'any' | 'all' | 'none';
    /** Which objects of a resource it is about, and their values. */
    readonly of: (plain: Plain, volume: number | undefined, peer: string | undefined) => readonly unknown[];
    readonly holds: (value: unknown) => boolean;
  }
  const hasVolume = (volume: number | undefined, row: Row): boolean => volume === undefined || row['volume'] === volume;
  const links = ({ links: all }: Plain, peer: string | undefined): Plain['links'] =>
    all.filter(({ link }) => peer === undefined || link['name'] === peer);
  const places = {
    role: (plain: Plain) => [plain.resource['role']],
    disk: (plain: Plain, volume: number | undefined) =>
      plain.devices.filter((row) => hasVolume(volume, row)).map((row) => row['disk']),
    quorum: (plain: Plain, volume: number | undefined) =>
      plain.devices.filter((row) => hasVolume(volume, row)).map((row) => row['quorum']),
    connection: (plain: Plain, _volume: number | undefined, peer: string | undefined) =>
      links(plain, peer).map(({ link }) => link['state']),
    peerDisk: (plain: Plain, volume: number | undefined, peer: string | undefined) =>
      links(plain, peer).flatMap(({ peers }) =>
        peers.filter((row) => hasVolume(volume, row)).map((row) => row['peerDisk']),
      ),
    outOfSyncBytes: (plain: Plain, volume: number | undefined, peer: string | undefined) =>
      links(plain, peer).flatMap(({ peers }) =>
        peers.filter((row) => hasVolume(volume, row)).map((row) => row['outOfSyncBytes']),
      ),
  } as const;
  const word = (name: keyof typeof places, words: readonly string[]): fc.Arbitrary<Omit<Part, 'quantifier'>> =>
    fc
      .tuple(fc.constantFrom('=', '!='), fc.uniqueArray(fc.constantFrom(...words), { minLength: 1, maxLength: 2 }))
      .map(([operator, wanted]) => ({
        text: `${name}${operator}${wanted.join(',')}`,
        of: places[name],
        holds: (value) => wanted.some((one) => one === value) === (operator === '='),
      }));
  const SIZES = [0n, 1n, 1023n, 1024n, 1025n, 1n << 20n, (1n << 40n) + 1n] as const;
  const size = fc
    .tuple(
      fc.constantFrom('=', '!=', '<', '<=', '>', '>='),
      fc.constantFrom(['0', 0n], ['1K', 1024n], ['1024', 1024n], ['1M', 1n << 20n], ['1T', 1n << 40n] as const),
    )
    .map(([operator, [text, wanted]]): Omit<Part, 'quantifier'> => ({
      text: `outOfSyncBytes${operator}${text as string}`,
      of: places.outOfSyncBytes,
      holds: (value) => {
        if (typeof value !== 'bigint') return operator === '!=';
        const order = value < (wanted as bigint) ? '<' : value > (wanted as bigint) ? '>' : '=';
        return operator === '!=' ? order !== '=' : operator.includes(order);
      },
    }));
  const known = (name: 'peerDisk' | 'quorum'): fc.Arbitrary<Omit<Part, 'quantifier'>> =>
    fc.constantFrom('=', '!=').map((operator) => ({
      text: `${name}${operator}none`,
      of: places[name],
      holds: (value) => (value === null) === (operator === '='),
    }));
  const flag = fc.tuple(fc.constantFrom('=', '!='), fc.boolean()).map(([operator, wanted]) => ({
    text: `quorum${operator}${wanted ? 'yes' : 'no'}`,
    of: places.quorum,
    holds: (value: unknown) => (value === wanted) === (operator === '='),
  }));
  const part: fc.Arbitrary<Part> = fc
    .tuple(
      fc.constantFrom<Part['quantifier'] | 'default'>('any', 'all', 'none', 'default'),
      fc.oneof(
        word('role', ['Primary', 'Secondary']),
        word('disk', ['UpToDate', 'Inconsistent', 'Diskless']),
        word('connection', ['Connected', 'StandAlone']),
        word('peerDisk', ['UpToDate', 'Outdated']),
        size,
        flag,
        known('peerDisk'),
        known('quorum'),
      ),
    )
    .map(([quantifier, { text, ...rest }]) => ({
      ...rest,
      text: quantifier === 'default' ? text : `${quantifier}:${text}`,
      quantifier: quantifier === 'default' ? 'all' : quantifier,
    }));
  const names = ['r0', 'r1', 'r2'] as const;
  const peers = ['n1', 'n2'] as const;
  const update: fc.Arbitrary<Update> = fc.oneof(
    fc.record({
      action: fc.constant('set' as const),
      object: fc.constant('resource' as const),
      key: fc.record({ resource: fc.constantFrom(...names) }),
      patch: fc.record({ role: fc.constantFrom('Primary' as const, 'Secondary' as const, null) }),
    }),
    fc.record({
      action: fc.constant('set' as const),
      object: fc.constant('device' as const),
      key: fc.record({ resource: fc.constantFrom(...names), volume: fc.nat({ max: 2 }) }),
      patch: fc.record({
        disk: fc.constantFrom('UpToDate' as const, 'Inconsistent' as const, 'Diskless' as const, null),
        quorum: fc.constantFrom(true, false, null),
      }),
    }),
    fc
      .tuple(
        fc.constantFrom(...names),
        fc.nat({ max: 1 }),
        fc.constantFrom('Connected' as const, 'StandAlone' as const),
      )
      .map(([resource, at, state]): Update => ({
        action: 'set',
        object: 'connection',
        key: { resource, peerNodeId: at },
        patch: { name: peers[at] ?? '', state },
      })),
    fc.record({
      action: fc.constant('set' as const),
      object: fc.constant('peerDevice' as const),
      key: fc.record({
        resource: fc.constantFrom(...names),
        peerNodeId: fc.nat({ max: 1 }),
        volume: fc.nat({ max: 2 }),
      }),
      patch: fc.record({
        peerDisk: fc.constantFrom('UpToDate' as const, 'Outdated' as const, null),
        outOfSyncBytes: fc.constantFrom(...SIZES, null),
      }),
    }),
  );

  test('any expression says of any state what going through its objects says', () => {
    let satisfied = 0;
    fc.assert(
      fc.property(
        fc.array(update, { maxLength: 14 }),
        fc.option(fc.subarray([...names], { minLength: 1 }), { nil: undefined }),
        fc.option(fc.nat({ max: 3 }), { nil: undefined }),
        fc.option(fc.constantFrom(...peers), { nil: undefined }),
        fc.array(part, { maxLength: 3 }),
        (updates, resources, volume, peer, parts) => {
          fc.pre(parts.length > 0 || resources !== undefined || volume !== undefined || peer !== undefined);
          const { snapshot } = updates.reduce((state, one) => apply(state, one).state, EMPTY);
          const plain = snapshot.resources
            .filter(({ name }) => resources?.some((wanted) => wanted === name) !== false)
            .filter(({ connections }) => peer === undefined || connections.some(({ name }) => name === peer))
            .filter(({ devices }) => volume === undefined || devices.some((device) => device.volume === volume))
            .map((resource): Plain => ({
              resource: { ...resource },
              devices: resource.devices.map((device) => ({ ...device })),
              links: resource.connections.map((link) => ({
                link: { ...link },
                peers: link.peerDevices.map((peerDevice) => ({ ...peerDevice })),
              })),
            }));
          const wanted =
            parts.length === 0
              ? plain.length > 0
              : parts.every(({ quantifier, of, holds }) => {
                  const values = plain.flatMap((one) => of(one, volume, peer));
                  if (quantifier === 'none') return !values.some(holds);
                  return values.length > 0 && (quantifier === 'any' ? values.some(holds) : values.every(holds));
                });
          const text = [
            ...(resources === undefined ? [] : [`resource=${resources.join(',')}`]),
            ...(volume === undefined ? [] : [`volume=${volume}`]),
            ...(peer === undefined ? [] : [`peer=${peer}`]),
            ...parts.map((each) => each.text),
          ].join(' ');
          const said = parseExpression(text).evaluate(snapshot);
          expect([text, said.satisfied, said.missing.length === 0]).toEqual([text, wanted, wanted]);
          if (wanted) satisfied++;
        },
      ),
      { numRuns: 2000 },
    );
    expect(satisfied).toBeGreaterThan(100);
  });
});

describe('findings', () => {
  const codes = (state: State, options?: Parameters<typeof findings>[1]): string[] =>
    findings(state.snapshot, options).map(({ code }) => code);
  const change = (state: State, update: Update, helper?: Step['helper']): readonly [State, Step] => {
    const { state: next, own } = apply(state, update);
    return [
      next,
      { ...own, sequence: 1, more: false, ...(helper === undefined ? {} : { action: 'helper', helper }) } as Step,
    ];
  };

  test('nothing is wrong with a connected pair', () => {
    expect(findings(stateWith().snapshot)).toEqual([]);
    expect(findings(EMPTY.snapshot)).toEqual([]);
  });

  const cases: readonly (readonly [string, Update, string])[] = [
    [
      'stand-alone',
      { action: 'set', object: 'connection', key: CONNECTION, patch: { state: 'StandAlone' } },
      'r0 to n1: StandAlone',
    ],
    ['no-quorum', { action: 'set', object: 'device', key: DEVICE, patch: { quorum: false } }, 'r0/0: too few nodes'],
    [
      'io-suspended',
      { action: 'set', object: 'resource', key: RESOURCE, patch: { suspended: { noData: true, quorum: true } } },
      'no node that is reachable has the data, quorum was lost',
    ],
    [
      'resync-paused',
      {
        action: 'set',
        object: 'peerDevice',
        key: PEER_DEVICE,
        patch: { replication: 'PausedSyncS', resyncSuspended: { dependency: true } },
      },
      'another resync comes first',
    ],
    [
      'outdated',
      { action: 'set', object: 'device', key: DEVICE, patch: { disk: 'Outdated' } },
      'r0/0: the disk is Outdated',
    ],
    ['inconsistent', { action: 'set', object: 'device', key: DEVICE, patch: { disk: 'Inconsistent' } }, 'no resync'],
    [
      'inconsistent',
      { action: 'set', object: 'peerDevice', key: PEER_DEVICE, patch: { peerDisk: 'Inconsistent' } },
      "the peer's disk is Inconsistent",
    ],
    [
      'resync-stuck',
      {
        action: 'set',
        object: 'peerDevice',
        key: PEER_DEVICE,
        patch: { replication: 'VerifyS', resync: { stalled: true } },
      },
      'the verify does not advance',
    ],
  ];
  test.each(cases)('%s', (code, update, text) => {
    const found = findings(stateWith(update).snapshot);
    expect(found.map((finding) => finding.code)).toEqual([code]);
    expect(found[0]?.text).toContain(text);
    expect(found[0]?.key).toMatchObject({ resource: 'r0' });
  });

  test('a diskless primary is found, one that is diskless on purpose is not', () => {
    const primary: Update = { action: 'set', object: 'resource', key: RESOURCE, patch: { role: 'Primary' } };
    const diskless = (client: boolean): Update => ({
      action: 'set',
      object: 'device',
      key: DEVICE,
      patch: { disk: 'Diskless', client },
    });
    expect(codes(stateWith(primary, diskless(false)))).toEqual(['diskless-primary']);
    expect(codes(stateWith(primary, diskless(true)))).toEqual([]);
    expect(codes(stateWith(diskless(false)))).toEqual([]);
  });

  test('an inconsistent disk that is being synced is not a finding', () => {
    const sync: Update = {
      action: 'set',
      object: 'peerDevice',
      key: PEER_DEVICE,
      patch: { replication: 'SyncTarget', resync: { totalBytes: 10n, leftBytes: 5n } },
    };
    expect(
      codes(stateWith({ action: 'set', object: 'device', key: DEVICE, patch: { disk: 'Inconsistent' } }, sync)),
    ).toEqual([]);
  });

  test('a split brain is a helper call and StandAlone, until the peers are connected again', () => {
    let history: History = NO_HISTORY;
    const [alone, helper] = change(
      stateWith(),
      { action: 'set', object: 'connection', key: CONNECTION, patch: { state: 'StandAlone' } },
      { name: 'split-brain', phase: 'call', status: null },
    );
    history = foldHistory(history, helper, 1);
    expect(codes(alone, { history })).toEqual(['split-brain']);
    expect(codes(alone)).toEqual(['stand-alone']);
    const [again, step] = change(alone, {
      action: 'set',
      object: 'connection',
      key: CONNECTION,
      patch: { state: 'Connected' },
    });
    history = foldHistory(history, step, 2);
    expect(codes(again, { history })).toEqual([]);
    const [later] = change(again, {
      action: 'set',
      object: 'connection',
      key: CONNECTION,
      patch: { state: 'StandAlone' },
    });
    expect(codes(later, { history })).toEqual(['stand-alone']);
  });

  test('a history follows a rename, forgets what is destroyed, and is made from changes as from steps', () => {
    const sync = stateWith({
      action: 'set',
      object: 'peerDevice',
      key: PEER_DEVICE,
      patch: { replication: 'SyncSource', resync: { totalBytes: 100n, leftBytes: 50n } },
    });
    const helper = { name: 'split-brain', phase: 'call', status: null } as const;
    let history = EMPTY.diff(sync).reduce(
      (known, { action: _create, ...delta }) =>
        foldHistory(known, withSnapshot({ kind: 'exists', ...delta, more: true }, sync) as Change, 5),
      NO_HISTORY,
    );
    const call = { kind: 'helper', object: 'connection', key: CONNECTION, helper, more: false } as const;
    history = foldHistory(history, withSnapshot(call, sync), 6);
    history = foldHistory(history, withSnapshot({ kind: 'ready', more: false }, sync), 6);
    const [renamed, step] = change(sync, { action: 'rename', object: 'resource', key: RESOURCE, name: 'r9' });
    history = foldHistory(history, step, 7);
    const [alone] = change(renamed, {
      action: 'set',
      object: 'connection',
      key: { ...CONNECTION, resource: 'r9' },
      patch: { state: 'StandAlone' },
    });
    expect(codes(alone, { history, nowMs: 60_005 })).toEqual(['split-brain', 'resync-stuck']);
    const key = { ...CONNECTION, resource: 'r9' };
    const [, noPeer] = change(renamed, { action: 'destroy', object: 'connection', key });
    expect(foldHistory(history, noPeer, 8)).toEqual(NO_HISTORY);
    const [, nothing] = change(renamed, { action: 'destroy', object: 'resource', key: { resource: 'r9' } });
    expect(foldHistory(history, nothing, 8)).toEqual(NO_HISTORY);
  });

  test('a connection of DRBD 9 without a path has its peer all the same; a minor of 8.3 without one has none', () => {
    const alone = stateWith(
      { action: 'destroy', object: 'connection', key: CONNECTION },
      { action: 'set', object: 'connection', key: CONNECTION, patch: { name: 'n1', state: 'StandAlone' } },
    );
    expect(codes(alone)).toEqual(['stand-alone']);
    const { state } = apply(State.empty({ dialect: 'connector', driver: '8.3.13', api: 88, complete: true }), {
      action: 'set',
      object: 'connection',
      key: { minor: 0 },
      patch: { state: 'StandAlone' },
    });
    expect(codes(state)).toEqual([]);
  });

  test('a resync is stuck when it has not advanced for the time that the caller says', () => {
    const sync = (leftBytes: bigint): Update => ({
      action: 'set',
      object: 'peerDevice',
      key: PEER_DEVICE,
      patch: { replication: 'SyncSource', resync: { totalBytes: 100n, leftBytes } },
    });
    const [first, began] = change(stateWith(), sync(50n));
    let history = foldHistory(NO_HISTORY, began, 1000);
    expect(codes(first, { history, nowMs: 1999, stuckMs: 1000 })).toEqual([]);
    expect(codes(first, { history, nowMs: 2000, stuckMs: 1000 })).toEqual(['resync-stuck']);
    const [second, went] = change(first, sync(40n));
    history = foldHistory(history, went, 2500);
    expect(codes(second, { history, nowMs: 3000, stuckMs: 1000 })).toEqual([]);
    const [, done] = change(second, {
      action: 'set',
      object: 'peerDevice',
      key: PEER_DEVICE,
      patch: { replication: 'Established' },
    });
    expect(foldHistory(history, done, 2600).progress.size).toBe(0);
  });
});

describe('schemas and settings', () => {
  test('the schemas that ship are what the table of objects gives (scripts/schemas writes them)', () => {
    expect(shippedSchema('snapshot')).toEqual(JSON.parse(JSON.stringify(snapshotSchema())));
    expect(shippedSchema('changes')).toEqual(JSON.parse(JSON.stringify(changesSchema())));
  });

  test('changes of every object are valid as JSON, and wrong ones are not', () => {
    const state = stateWith();
    const deltas = EMPTY.diff(state);
    expect(new Set(deltas.map(({ object }) => object))).toEqual(new Set(objectNames));
    for (const { action: kind, ...delta } of deltas)
      expectValidChange(withSnapshot({ kind, ...delta, more: true }, state) as Change);
    expectValidChange(withSnapshot({ kind: 'ready', more: false }, state));
    expectValidChange(withSnapshot({ kind: 'resync', reason: 'overrun', more: false }, state));
    expectValidSnapshot(state.snapshot);
    expect(() => expectValidSnapshot({ ...state.snapshot, extra: 1 } as Snapshot)).toThrow('not valid as snapshot');
  });

  test('every property says what it is', () => {
    for (const { object, values } of stateWith().entries())
      for (const name of Object.keys(values)) expect(propertyOf(object, name)?.doc.length).toBeGreaterThan(10);
  });

  test('options are named in camelCase, in words, with their defaults told; secrets do not reach JSON', () => {
    const { snapshot } = stateFromGeneric({
      dialect: 'genl2',
      order: 'little',
      driver: { version: null, api: 2 },
      dumps: {
        resources: [{ context: { ctx_resource_name: 'r0' }, res_opts: { on_no_data: 1, quorum: 1024, node_id: 3 } }],
        devices: [],
        connections: [
          {
            context: { ctx_resource_name: 'r0', ctx_peer_node_id: 1, ctx_conn_name: 'n1' },
            net_conf: { name: 'n1', shared_secret: 'hush', ping_int: 10, two_primaries: true },
          },
        ],
        peerDevices: [],
      },
    });
    const [resource] = snapshot.resources;
    expect(resource).toMatchObject({ nodeId: 3, options: { onNoData: 'suspend-io', quorum: 'majority' } });
    const options = resource?.connections[0]?.options ?? null;
    expect(options).toMatchObject({ pingInt: 10, twoPrimaries: true });
    expect(options?.['sharedSecret']).toBeInstanceOf(Secret);
    expect(JSON.stringify(snapshotToJson(snapshot))).not.toContain('hush');
    expect(JSON.stringify(snapshotToJson(snapshot))).toContain('"sharedSecret":"xxxx"');
    expect(JSON.stringify(snapshotToJson(snapshot, { reveal: true }))).toContain('hush');
    const settings = settingsOf('genl2', 'connection', options);
    expect(settings.map(({ field, isDefault }) => [field, isDefault])).toEqual([
      ['shared_secret', false],
      ['ping_int', true],
      ['two_primaries', false],
    ]);
    for (const dialect of ['connector', 'genl1', 'genl2'] as const)
      for (const object of objectNames)
        expect(new Set(optionsOf(dialect, object).map(({ name }) => name)).size).toBe(
          optionsOf(dialect, object).length,
        );
  });
});
