import { inspect } from 'node:util';

import {
  ArgumentError,
  KernelError,
  openDrbd,
  plan,
  toJson,
  UnsupportedError,
  verbOptions,
  verbs,
  type Client,
  type Connection,
  type Device,
  type Resource,
  type SentRequest,
  type Snapshot,
  type VerbName,
  type VerbOptions,
  type VerbTarget,
} from '../../lib';
import { createSimulator, VirtualClock, type Simulator } from '../../lib/simulator';

type Dialect = Snapshot['source']['dialect'];

/** Two nodes on one simulated machine: minor 0 mirrors to minor 1. */
class Machine {
  readonly clock = new VirtualClock();
  readonly simulator: Simulator = createSimulator({
    clock: this.clock,
    disks: { '/dev/d0': { sizeBytes: 16 << 20 }, '/dev/d1': { sizeBytes: 16 << 20 } },
  });
  drbd!: Client<'connector'>;

  async open(): Promise<this> {
    this.drbd = await openDrbd({ transport: this.simulator.transport, dialect: 'connector' });
    return this;
  }

  /** Waits for a request while time passes there. */
  async passing<T>(request: Promise<T>): Promise<T> {
    let isOver = false;
    const over = request.finally(() => (isOver = true));
    over.catch(() => undefined);
    while (!isOver) {
      await new Promise(setImmediate);
      this.clock.advance(50);
    }
    return over;
  }

  async attach(minor: 0 | 1, options: VerbOptions = {}): Promise<readonly SentRequest[]> {
    const disk = `/dev/d${minor}`;
    return this.passing(
      this.drbd.attach({ minor }, { backingDev: disk, metaDev: disk, metaDevIdx: 'internal', ...options }),
    );
  }

  async connect(minor: 0 | 1, options: VerbOptions = {}): Promise<readonly SentRequest[]> {
    return this.passing(
      this.drbd.connect(
        { minor },
        { myAddr: `127.0.0.1:${7788 + minor}`, peerAddr: `127.0.0.1:${7789 - minor}`, protocol: 'C', ...options },
      ),
    );
  }

  /** A mirror whose data is that of minor 0. */
  async mirror(): Promise<this> {
    for (const minor of [0, 1] as const) await this.attach(minor, { resyncRate: 100_000 });
    await this.passing(this.drbd.promote({ minor: 0 }, { force: true }));
    for (const minor of [0, 1] as const) await this.connect(minor, { verifyAlg: 'crc32c' });
    await this.until((_source, target) => target.disk === 'UpToDate');
    return this;
  }

  async device(minor: 0 | 1): Promise<{
    readonly role: string | null;
    readonly disk: string | null;
    readonly replication: string | null;
    readonly suspended: boolean | null;
    readonly paused: boolean | null;
    readonly options: Readonly<Record<string, unknown>>;
  }> {
    const { resources } = await this.drbd.status();
    const resource = resources.find(({ devices }) => devices.some((device) => device.minor === minor));
    const peer = resource?.connections[0]?.peerDevices[0];
    return {
      role: resource?.role ?? null,
      disk: resource?.devices[0]?.disk ?? null,
      replication: peer?.replication ?? null,
      suspended: resource?.suspended.user ?? null,
      paused: peer?.resyncSuspended.user ?? null,
      options: { ...resource?.devices[0]?.options, ...resource?.connections[0]?.options },
    };
  }

  async until(holds: (...sides: Awaited<ReturnType<Machine['device']>>[]) => boolean): Promise<void> {
    for (let tries = 0; tries < 500; tries++) {
      this.clock.advance(100);
      await new Promise(setImmediate);
      if (holds(await this.device(0), await this.device(1))) return;
    }
    throw new Error(`it never came: ${inspect([await this.device(0), await this.device(1)])}`);
  }

  [Symbol.dispose](): void {
    this.drbd.close();
    this.simulator.close();
  }
}

const machine = (): Promise<Machine> => new Machine().open();
const names = (sent: readonly SentRequest[]): readonly string[] => sent.map(({ name }) => name);

/** What each verb does to a simulated DRBD 8.3. */
const examples: Readonly<Record<VerbName, () => Promise<void>>> = {
  create: async () => {
    using each = await machine();
    expect(await each.drbd.create({ minor: 3 }, { onNoData: 'suspend-io' })).toEqual([
      {
        name: 'syncer_conf',
        params: { minor: 3, createDevice: true, tags: { on_no_data: 'suspend-io' } },
        reply: expect.objectContaining({ returnCode: 101, returnName: 'NO_ERROR' }) as unknown,
      },
    ]);
    expect((await each.drbd.status()).unconfiguredMinors).toEqual([3]);
  },
  attach: async () => {
    using each = await machine();
    expect(names(await each.attach(0))).toEqual(['disk_conf']);
    expect(await each.device(0)).toMatchObject({ disk: 'Inconsistent' });
    using other = await machine();
    expect(names(await other.attach(0, { diskFlushes: false, alExtents: 511, onIoError: 'detach' }))).toEqual([
      'disk_conf',
      'syncer_conf',
    ]);
    expect((await other.device(0)).options).toMatchObject({ noDiskFlush: true, alExtents: 511, onIoError: 'detach' });
  },
  detach: async () => {
    using each = await machine();
    await each.attach(0);
    expect(names(await each.passing(each.drbd.detach({ minor: 0 })))).toEqual(['detach']);
    expect((await each.drbd.status()).resources).toEqual([]);
  },
  connect: async () => {
    using each = await machine();
    await each.attach(0);
    // A module that does not know automatic tuning must refuse the 0: the flag behind it is mandatory.
    expect(await each.connect(0, { verifyAlg: 'crc32c', timeout: 70, sndbufSize: 0 })).toMatchObject([
      { name: 'syncer_conf', params: { tags: { verify_alg: 'crc32c' } } },
      { name: 'net_conf', params: { tags: { sndbuf_size: 0, auto_sndbuf_size: false } } },
    ]);
    expect((await each.device(0)).options).toMatchObject({ verifyAlg: 'crc32c', timeout: 70 });
  },
  disconnect: async () => {
    using each = await (await machine()).mirror();
    expect(names(await each.passing(each.drbd.disconnect({ minor: 1 })))).toEqual(['disconnect']);
    expect((await each.drbd.status()).resources[1]?.connections[0]?.state).toBe('StandAlone');
  },
  promote: async () => {
    using each = await machine();
    await each.attach(0);
    await expect(each.passing(each.drbd.promote({ minor: 0 }))).rejects.toMatchObject({
      returnName: 'SS_NO_UP_TO_DATE_DISK',
    });
    expect(await each.passing(each.drbd.promote({ minor: 0 }, { force: true }))).toMatchObject([
      { name: 'primary', params: { tags: { primary_force: true } } },
    ]);
    expect(await each.device(0)).toMatchObject({ role: 'Primary', disk: 'UpToDate' });
  },
  demote: async () => {
    using each = await (await machine()).mirror();
    expect(names(await each.passing(each.drbd.demote({ minor: 0 })))).toEqual(['secondary']);
    expect(await each.device(0)).toMatchObject({ role: 'Secondary' });
  },
  down: async () => {
    using each = await (await machine()).mirror();
    expect(names(await each.passing(each.drbd.down({ minor: 0 })))).toEqual(['secondary', 'disconnect', 'detach']);
    expect((await each.drbd.status()).unconfiguredMinors).toEqual([0]);
    expect(await each.drbd.down({ minor: 7 })).toEqual([]);
  },
  invalidate: async () => {
    using each = await (await machine()).mirror();
    for (const minor of [0, 1]) await each.passing(each.drbd.setOptions({ minor }, { resyncRate: 8000 }));
    expect(names(await each.passing(each.drbd.invalidate({ minor: 1 })))).toEqual(['invalidate']);
    await each.until((source, target) => source.replication === 'SyncSource' && target.replication === 'SyncTarget');
    await each.until((_source, target) => target.disk === 'UpToDate');
    expect(names(await each.passing(each.drbd.invalidate({ minor: 0 }, { side: 'peer' })))).toEqual([
      'invalidate_peer',
    ]);
    await each.until((source, target) => source.replication === 'SyncSource' && target.replication === 'SyncTarget');
    await expect(each.drbd.invalidate({ minor: 0, peer: '127.0.0.1' })).rejects.toThrow('side: "peer"');
    await expect(each.drbd.invalidate({ minor: 0 }, { side: 'remote' as 'peer' })).rejects.toBeInstanceOf(
      ArgumentError,
    );
    // The guard of request() holds for verbs too: this would hang an 8.3 kernel for ever.
    await each.drbd.create({ minor: 9 });
    await expect(each.drbd.invalidate({ minor: 9 })).rejects.toBeInstanceOf(UnsupportedError);
  },
  verify: async () => {
    using each = await (await machine()).mirror();
    for (const minor of [0, 1]) await each.passing(each.drbd.setOptions({ minor }, { resyncRate: 8000 }));
    expect(await each.passing(each.drbd.verify({ minor: 0 }, { startSector: 8n }))).toMatchObject([
      { name: 'start_ov', params: { tags: { start_sector: 8n } } },
    ]);
    await each.until((source) => source.replication === 'VerifyS');
  },
  pauseSync: async () => {
    using each = await (await machine()).mirror();
    await each.passing(each.drbd.pauseSync({ minor: 0 }));
    expect(await each.device(0)).toMatchObject({ paused: true });
  },
  resumeSync: async () => {
    using each = await (await machine()).mirror();
    await each.passing(each.drbd.pauseSync({ minor: 0 }));
    await each.passing(each.drbd.resumeSync({ minor: 0 }));
    expect(await each.device(0)).toMatchObject({ paused: false });
  },
  suspendIo: async () => {
    using each = await (await machine()).mirror();
    await each.passing(each.drbd.suspendIo({ minor: 0 }));
    expect(await each.device(0)).toMatchObject({ suspended: true });
  },
  resumeIo: async () => {
    using each = await (await machine()).mirror();
    await each.passing(each.drbd.suspendIo({ minor: 0 }));
    await each.passing(each.drbd.resumeIo({ minor: 0 }));
    expect(await each.device(0)).toMatchObject({ suspended: false });
  },
  resize: async () => {
    using each = await (await machine()).mirror();
    expect(await each.passing(each.drbd.resize({ minor: 0 }, { resizeSize: 16_384n }))).toMatchObject([
      { name: 'resize', params: { minor: 0, tags: { resize_size: 16_384n } } },
    ]);
  },
  outdate: async () => {
    using each = await (await machine()).mirror();
    await each.passing(each.drbd.disconnect({ minor: 1 }));
    await each.passing(each.drbd.outdate({ minor: 1 }));
    expect(await each.device(1)).toMatchObject({ disk: 'Outdated' });
  },
  newCurrentUuid: async () => {
    using each = await machine();
    for (const minor of [0, 1] as const) await each.attach(minor);
    for (const minor of [0, 1] as const) await each.connect(minor);
    await each.until((source) => source.replication === 'Established');
    await each.passing(each.drbd.newCurrentUuid({ minor: 0 }, { clearBm: true }));
    await each.until((...sides) => sides.every(({ disk }) => disk === 'UpToDate'));
  },
  setOptions: async () => {
    using each = await (await machine()).mirror();
    expect(names(await each.passing(each.drbd.setOptions({ minor: 0 }, { resyncRate: 500 })))).toEqual(['syncer_conf']);
    expect((await each.device(0)).options).toMatchObject({ rate: 500, verifyAlg: 'crc32c' });
    await each.passing(each.drbd.setOptions({ minor: 0 }, { setDefaults: ['device'], cMinRate: 1 }));
    expect((await each.device(0)).options).toMatchObject({ rate: 250, cMinRate: 1 });
    await expect(each.drbd.setOptions({ minor: 0 }, { timeout: 60 } as object)).rejects.toThrow(
      /Give it to connect instead/u,
    );
  },
  rename: async () => {
    using each = await machine();
    await expect(each.drbd.rename({ minor: 0 }, { newResourceName: 'r1' })).rejects.toMatchObject({
      code: 'ERR_DRBD_UNSUPPORTED',
      dialect: 'connector',
      requires: 'DRBD 9.0.28-1',
    });
  },
  forgetPeer: async () => {
    using each = await machine();
    await expect(each.drbd.forgetPeer({ minor: 0 }, { peerNodeId: 1 })).rejects.toMatchObject({
      code: 'ERR_DRBD_UNSUPPORTED',
      requires: 'DRBD 9',
    });
  },
};

describe('the verbs on a simulated DRBD 8.3', () => {
  test('each has an example', () => {
    expect(Object.keys(examples)).toEqual(Object.keys(verbs));
  });

  test.each(Object.entries(examples))('%s', async (_verb, run) => run());

  test('a shared secret stands in the request, and not in what is told of it', async () => {
    using each = await machine();
    await each.attach(0);
    const options = { cramHmacAlg: 'sha256', sharedSecret: 'sesame' };
    let told: SentRequest | undefined;
    const addresses = { myAddr: '127.0.0.1:7788', peerAddr: '127.0.0.1:7789', protocol: 'C' } as const;
    const sent = await each.passing(
      each.drbd.connect({ minor: 0 }, { ...addresses, ...options }, { onSent: (request) => (told = request) }),
    );
    const { tags } = await each.drbd.request('get_config', { minor: 0 });
    expect(tags.shared_secret).toBe('sesame');
    for (const shown of [sent, told]) {
      expect(inspect(shown, { depth: null, showHidden: true })).not.toContain('sesame');
      expect(JSON.stringify(toJson(shown))).toMatch(/"shared_secret":"xxxxxx"/u);
    }
  });

  test('a verb reads a state again that changed meanwhile, and sends nothing if that never helps', async () => {
    using each = await machine();
    const { drbd } = each;
    await each.attach(0);
    const whole = await drbd.status();
    const torn = { ...whole, resources: [], source: { ...whole.source, complete: false } };
    let reads = 0;
    jest.spyOn(drbd, 'status').mockImplementation(() => Promise.resolve(++reads < 3 ? torn : whole));
    expect(names(await drbd.down({ minor: 0 }))).toEqual(['secondary', 'detach']);
    expect(reads).toBe(3);
    jest.spyOn(drbd, 'status').mockResolvedValue(torn);
    await expect(drbd.down({ minor: 0 })).rejects.toMatchObject({ code: 'ERR_DRBD_ARGUMENT', path: 'down.target' });
  });

  test('a verb gives up when its time is over, and tells what was done', async () => {
    using each = await machine();
    const done: string[] = [];
    const disk = '/dev/d0';
    await expect(
      each.passing(
        each.drbd.attach(
          { minor: 0 },
          { backingDev: disk, metaDev: disk, metaDevIdx: 'internal', alExtents: 9 },
          { timeoutMs: 60_000, onSent: ({ name }) => done.push(name) },
        ),
      ),
    ).resolves.toHaveLength(2);
    expect(done).toEqual(['disk_conf', 'syncer_conf']);
    await expect(each.passing(each.attach(0))).rejects.toBeInstanceOf(KernelError);
    await expect(each.drbd.promote({ minor: 0 }, {}, { signal: AbortSignal.abort('enough') })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

interface Known {
  readonly nodeId?: number;
  readonly devices?: readonly { readonly minor: number; readonly volume: number; readonly disk?: string }[];
  readonly peers?: readonly { readonly node: number | null; readonly name?: string; readonly port?: number }[];
}

/** A snapshot with what a plan looks at. */
function snapshot(
  dialect: Dialect,
  resources: Readonly<Record<string, Known>>,
  driver: string | null = null,
): Snapshot {
  const address = (port: number): Connection['paths'][number]['local'] => ({
    family: 'ipv4',
    familyCode: 2,
    address: '10.0.0.1',
    port,
    scopeId: null,
  });
  return {
    schemaVersion: 2,
    source: { dialect, driver, api: null, complete: true },
    unconfiguredMinors: null,
    resources: Object.entries(resources).map(
      ([name, { nodeId = null, devices = [], peers = [] }]) =>
        ({
          name,
          nodeId,
          devices: devices as unknown as readonly Device[],
          connections: peers.map(({ node, name: peer = null, port }) => ({
            peerNodeId: node,
            name: peer,
            state: 'StandAlone',
            paths: port === undefined ? [] : [{ local: address(port), peer: address(port + 1), established: false }],
            peerDevices: [],
          })) as unknown as readonly Connection[],
        }) as unknown as Resource,
    ),
  };
}

const disk = { backingDev: '/dev/a', metaDev: '/dev/a', metaDevIdx: 'internal' };
const two: Known = {
  nodeId: 0,
  devices: [
    { minor: 10, volume: 0 },
    { minor: 11, volume: 1 },
  ],
  peers: [
    { node: 1, name: 'alpha', port: 7000 },
    { node: 2, name: 'beta', port: 7100 },
  ],
};
const planned = (
  dialect: Dialect,
  verb: VerbName,
  target: VerbTarget,
  options: VerbOptions = {},
  resources: Readonly<Record<string, Known>> = { r0: two },
  driver: string | null = null,
): readonly unknown[] =>
  plan(verb, target, options, snapshot(dialect, resources, driver)).map(({ name, params }) => [name, params]);

describe('a plan', () => {
  test('creates what is missing, and only that', () => {
    const target = { resource: 'r0', volume: 0, minor: 10 };
    expect(planned('genl1', 'attach', target, disk, {})).toMatchObject([
      ['new_resource', { context: { ctx_resource_name: 'r0' } }],
      ['new_minor', { minor: 10, context: { ctx_resource_name: 'r0', ctx_volume: 0 } }],
      ['attach', { minor: 10, disk_conf: { backing_dev: '/dev/a', meta_dev_idx: 'internal' } }],
    ]);
    expect(planned('genl1', 'attach', target, disk, { r0: {} })).toMatchObject([
      ['new_minor', {}],
      ['attach', {}],
    ]);
    expect(planned('genl1', 'attach', target, disk)).toMatchObject([['attach', { minor: 10 }]]);
    expect(planned('genl2', 'attach', target, { ...disk, nodeId: 0 }, {})).toMatchObject([
      ['new_resource', { res_opts: { node_id: 0 } }],
      ['new_minor', {}],
      ['attach', {}],
    ]);
    expect(planned('genl2', 'create', { resource: 'r0' }, { nodeId: 0 })).toEqual([]);
    expect(() => planned('genl2', 'attach', target, disk, {})).toThrow('attach.nodeId');
    expect(() => planned('genl2', 'attach', target, { ...disk, nodeId: 3 })).toThrow('node id 0');
    expect(() => planned('genl1', 'attach', { resource: 'r0', volume: 2 }, disk)).toThrow('name the minor');
    expect(() => planned('genl1', 'attach', { resource: 'r0', volume: 0, minor: 12 }, disk)).toThrow('is minor 10');
  });

  test('DRBD 9: connect introduces the peer and its path', () => {
    const target = { resource: 'r0', peer: 3 };
    const options = {
      name: 'gamma',
      myAddr: '10.0.0.1:7200',
      peerAddr: '10.0.0.3',
      protocol: 'A',
      discardMyData: true,
    };
    const context = { ctx_resource_name: 'r0', ctx_peer_node_id: 3 };
    expect(planned('genl2', 'connect', target, options)).toEqual([
      ['new_peer', { context, net_conf: { name: 'gamma', wire_protocol: 'A' } }],
      [
        'new_path',
        {
          context,
          path_parms: {
            my_addr: { family: 'ipv4', address: '10.0.0.1', port: 7200 },
            peer_addr: { family: 'ipv4', address: '10.0.0.3', port: 7788 },
          },
        },
      ],
      ['connect', { context, connect_parms: { discard_my_data: true } }],
    ]);
    expect(planned('genl2', 'connect', { resource: 'r0', peer: 'beta' })).toEqual([
      ['connect', { context: { ctx_resource_name: 'r0', ctx_peer_node_id: 2 } }],
    ]);
    expect(planned('genl2', 'connect', { resource: 'r0' }, { tentative: true })).toHaveLength(2);
    expect(
      planned(
        'genl2',
        'connect',
        { resource: 'r0', peer: 1 },
        { timeout: 50, myAddr: '10.0.0.1:7000', peerAddr: '10.0.0.1:7001' },
      ),
    ).toMatchObject([
      ['chg_net_opts', { net_conf: { timeout: 50 } }],
      ['connect', {}],
    ]);
    expect(() => planned('genl2', 'connect', { resource: 'r1' }, options, {})).toThrow('connect.nodeId');
    expect(() => planned('genl2', 'connect', { resource: 'r1' }, { ...options, nodeId: 0 }, {})).toThrow(
      'connect.peerNodeId',
    );
    expect(planned('genl2', 'connect', { resource: 'r1' }, { ...options, nodeId: 0, peerNodeId: 1 }, {})).toHaveLength(
      4,
    );
    expect(() => planned('genl2', 'connect', target, { myAddr: '10.0.0.1', peerAddr: '10.0.0.3' })).toThrow(
      'connect.name',
    );
    expect(() => planned('genl2', 'connect', { resource: 'r0', peer: 1 }, { transportName: 'rdma' })).toThrow('fixed');
    expect(() => planned('genl2', 'connect', { resource: 'r0' }, { timeout: 50 })).toThrow(
      'peer 1 (alpha) and peer 2 (beta)',
    );
  });

  test('what the target leaves out stands for all, unless the act would harm', () => {
    expect(planned('genl1', 'detach', { resource: 'r0' })).toEqual([
      ['detach', { minor: 10 }],
      ['detach', { minor: 11 }],
    ]);
    expect(planned('genl2', 'pauseSync', { resource: 'r0' })).toHaveLength(4);
    expect(planned('genl2', 'verify', { minor: 11, peer: 'alpha' })).toEqual([
      ['start_ov', { context: { ctx_resource_name: 'r0', ctx_peer_node_id: 1, ctx_volume: 1 } }],
    ]);
    for (const verb of ['invalidate', 'resize', 'newCurrentUuid'] as const)
      expect(() => planned('genl2', verb, { resource: 'r0' })).toThrow('volume 0 and volume 1');
    expect(() => planned('genl2', 'invalidate', { resource: 'r0', volume: 0 }, { side: 'peer' })).toThrow(
      'peer 1 (alpha)',
    );
    expect(
      planned('genl2', 'invalidate', { resource: 'r0', volume: 0, peer: '10.0.0.1:7101' }, { side: 'peer' }),
    ).toEqual([['inval_peer', { context: { ctx_resource_name: 'r0', ctx_peer_node_id: 2, ctx_volume: 0 } }]]);
    expect(() => planned('genl2', 'invalidate', { resource: 'r0', volume: 0, peer: 1 })).toThrow('side: "peer"');
  });

  // What a torn state lacks may exist: a plan made of one is that of the whole state, or none.
  describe.each(['connector', 'genl1', 'genl2'] as const)('%s: of a state that may lack something', (dialect) => {
    const link = { myAddr: '10.0.0.1:7000', peerAddr: '10.0.0.1:7001' };
    const disks = { backingDev: '/dev/a', metaDev: '/dev/a', metaDevIdx: 'internal' };
    const givenTo: Readonly<Partial<Record<VerbName, readonly VerbOptions[]>>> = {
      create: [{}, dialect === 'genl2' ? { nodeId: 0 } : {}],
      attach: [disks, dialect === 'genl2' ? { ...disks, nodeId: 0 } : disks],
      connect: [
        link,
        { ...link, protocol: 'C' },
        ...(dialect === 'genl2' ? [{}, { ...link, name: 'alpha', peerNodeId: 1 }] : []),
      ],
      setOptions: [{ resyncRate: 1000 }, { onNoData: 'suspend-io' }],
      invalidate: [{}, { side: 'peer' }],
      rename: [{ newResourceName: 'r2' }],
      resize: [{}],
    };
    const whole: Readonly<Record<string, Known>> =
      dialect === 'genl2'
        ? { r0: two, r1: { nodeId: 0, devices: [{ minor: 20, volume: 0 }], peers: [{ node: 1, port: 7300 }] } }
        : {
            r0: {
              devices: [{ minor: 10, volume: 0, disk: 'Diskless' }, ...(two.devices ?? []).slice(1)],
              peers: [{ node: null, port: 7000 }],
            },
            r1: { devices: [{ minor: 20, volume: 0 }], peers: [{ node: null }] },
          };
    /** The state without one object, or two. */
    function* torn(state: Readonly<Record<string, Known>>): Generator<Readonly<Record<string, Known>>> {
      for (const [name, known] of Object.entries(state)) {
        const { [name]: _gone, ...others } = state;
        yield others;
        const { devices = [], peers = [] } = known;
        for (const device of devices)
          yield { ...state, [name]: { ...known, devices: devices.filter((other) => other !== device) } };
        for (const peer of peers) {
          yield { ...state, [name]: { ...known, peers: peers.filter((other) => other !== peer) } };
          const { port: _port, ...withoutPath } = peer;
          yield { ...state, [name]: { ...known, peers: peers.map((one) => (one === peer ? withoutPath : one)) } };
        }
        // A parent that only its children tell of.
        const { nodeId: _node, ...nameless } = known;
        yield { ...state, [name]: nameless };
      }
    }
    const targets: readonly VerbTarget[] = [
      { resource: 'r0' },
      { resource: 'r1' },
      { resource: 'r0', volume: 0 },
      { resource: 'r0', minor: 10 },
      { resource: 'r0', minor: 20 },
      { resource: 'r0', peer: 1 },
      { resource: 'r0', peer: 'beta' },
      { resource: 'r0', peer: '10.0.0.1:7001' },
      { resource: 'r0', volume: 1, peer: 1 },
      { minor: 10 },
      { minor: 11, peer: 'alpha' },
      { minor: 20 },
    ];
    /** Requests, or the class of the error. */
    const outcome = (verb: VerbName, target: VerbTarget, given: VerbOptions, state: Snapshot): string => {
      try {
        return inspect(plan(verb, target, given, state), { depth: null });
      } catch (error) {
        return (error as Error).name;
      }
    };

    test.each(Object.keys(verbs) as VerbName[])('%s', (verb) => {
      let refused = 0;
      for (const target of targets)
        for (const given of givenTo[verb] ?? [{}]) {
          const right = outcome(verb, target, given, snapshot(dialect, whole));
          for (const part of torn(whole)) {
            const state = snapshot(dialect, part);
            const got = outcome(verb, target, given, { ...state, source: { ...state.source, complete: false } });
            if (got === 'ArgumentError') refused++;
            // That of the connector asks for more, which the kernel answers with "nothing to do".
            else if (dialect !== 'connector' || verb !== 'down')
              expect({ target, given, part, got }).toMatchObject({ got: right });
            else
              for (const asked of right.match(/name: '\w+', params: \{ minor: \d+/gu) ?? [])
                expect(got).toContain(asked);
          }
        }
      if (verb !== 'down' || dialect === 'connector') expect(refused).toBeGreaterThan(0);
    });
  });

  test('setOptions sends one request for each kind of object', () => {
    expect(
      planned(
        'genl2',
        'setOptions',
        { resource: 'r0', volume: 0, peer: 1 },
        { quorum: 'majority', onIoError: 'detach', timeout: 70, resyncRate: 9, setDefaults: ['connection'] },
      ),
    ).toEqual([
      ['resource_opts', { context: { ctx_resource_name: 'r0' }, res_opts: { quorum: 'majority' } }],
      ['chg_disk_opts', { minor: 10, disk_conf: { on_io_error: 'detach' } }],
      [
        'chg_net_opts',
        { context: { ctx_resource_name: 'r0', ctx_peer_node_id: 1 }, setDefaults: true, net_conf: { timeout: 70 } },
      ],
      [
        'chg_peer_device_opts',
        {
          context: { ctx_resource_name: 'r0', ctx_peer_node_id: 1, ctx_volume: 0 },
          peer_device_conf: { resync_rate: 9 },
        },
      ],
    ]);
    expect(() => planned('genl2', 'setOptions', { resource: 'r0' }, { backingDev: '/dev/b' })).toThrow(
      UnsupportedError,
    );
    expect(() => planned('genl2', 'setOptions', { resource: 'r0' }, { setDefaults: true })).toThrow(ArgumentError);
  });

  test('says what a dialect, or the loaded release, lacks', () => {
    expect(() => planned('genl1', 'rename', { resource: 'r0' }, { newResourceName: 'r1' })).toThrow(UnsupportedError);
    expect(() => planned('genl1', 'promote', { resource: 'r0' }, { force: true }, { r0: two }, '8.4.0')).not.toThrow();
    expect(() =>
      planned('genl2', 'rename', { resource: 'r0' }, { newResourceName: 'r1' }, { r0: two }, '9.0.20'),
    ).toThrow('needs DRBD 9.0.28');
    expect(() => planned('connector', 'verify', { minor: 10 }, { stopSector: 9n }, { r0: two }, '8.3.13')).toThrow(
      'needs DRBD 8.3.14',
    );
    expect(() => planned('connector', 'promote', { minor: 10 }, { force: true }, { r0: two }, '8.3.2')).not.toThrow();
    expect(() => planned('genl2', 'attach', { minor: 10 }, { ...disk, fencing: 'resource-only' })).toThrow(
      'Give it to connect instead',
    );
    expect(() => planned('connector', 'demote', { minor: 10 }, { force: true })).toThrow('no option force of demote');
    expect(() => planned('genl1', 'detach', { minor: 10 }, { forse: true })).toThrow(
      'there is no such option; detach has force',
    );
  });

  test('checks targets and values before anything is sent', () => {
    expect(() => planned('genl2', 'promote', {})).toThrow('a resource or a minor is needed');
    expect(() => planned('genl1', 'promote', { resource: 'r9' })).toThrow('there are r0');
    expect(() => planned('connector', 'promote', { resource: 'r9' })).toThrow('knows minors only');
    expect(() => planned('genl1', 'detach', { resource: 'r0', volume: 7 })).toThrow('it has 0, 1');
    expect(() => planned('genl2', 'disconnect', { resource: 'r0', peer: 'gamma' })).toThrow('there are alpha, beta');
    expect(() => planned('genl1', 'promote', { minor: 10, volume: 1 })).toThrow('is volume 0, not 1');
    expect(() => planned('genl1', 'attach', { minor: 10 }, { ...disk, onIoError: 'pray' })).toThrow(
      'attach.onIoError: one of pass_on, call-local-io-error, detach is needed, not "pray"',
    );
    expect(() => planned('genl2', 'setOptions', { resource: 'r0' }, { quorum: 'most' })).toThrow(
      'one of off, majority, all, or 1 to 32',
    );
    expect(() => planned('genl1', 'attach', { minor: 10 }, { backingDev: '/dev/a' })).toThrow('attach.metaDev');
    expect(() => planned('genl1', 'connect', { resource: 'r0' }, { myAddr: 'here' })).toThrow('connect.myAddr');
  });

  test.each(['connector', 'genl1', 'genl2'] as const)('%s: no option of a verb has two meanings', (dialect) => {
    for (const verb of Object.keys(verbs) as VerbName[]) {
      const all = verbOptions(dialect, verb).map(({ name }) => name);
      expect([verb, ...all.filter((name, index) => all.indexOf(name) !== index)]).toEqual([verb]);
    }
  });
});
