import { decodeRaw as decodeConnector, decodeReply } from '../../lib/dialects/connector';
import { decodeRaw, FamilyCodec } from '../../lib/dialects/generic';
import * as genl1 from '../../lib/dialects/genl1';
import { encodeStateWord, type StateWord } from '../../lib/dialects/state-word';
import {
  buildConnectorSnapshot,
  buildGenl1Snapshot,
  connectorSnapshot,
  genl1Snapshot,
  snapshotToJson,
  splitConnection,
  type ConnectorMinor,
  type Genl1Reply,
  type Snapshot,
} from '../../lib/drbd';
import { parseProcDrbd } from '../../lib/dialects/proc-drbd';
import { KernelError } from '../../lib/errors';
import { decodeDatagram, GENL_ID_CTRL, hostByteOrder } from '../../lib/netlink';
import { captureLines, capturesIn, type CaptureFolder } from '../support/captures';
import { expectValidSnapshot } from '../support/schema';

const ORDER = 'little';

function lines(folder: CaptureFolder): { readonly where: string; readonly command: Record<string, unknown> }[] {
  return capturesIn(folder).flatMap((file) =>
    captureLines<Record<string, unknown>>(`${folder}/${file}`).map(({ number, command }) => ({
      where: `${folder}/${file}:${number}`,
      command,
    })),
  );
}

/** The state of a minor of 8.3 with a disk, which waits for its peer. */
const stateWord = (role: number): number =>
  encodeStateWord(
    {
      role,
      peer: 0,
      conn: 8,
      disk: 8,
      pdsk: 6,
      susp: false,
      aftr_isp: false,
      peer_isp: false,
      user_isp: false,
      susp_nod: false,
      susp_fen: false,
    },
    hostByteOrder(),
  );

describe('connector: snapshots of recorded answers', () => {
  const driver = { version: '8.3.13', api: 88 };

  test('every state that was recorded gives a valid snapshot, in the words of /proc/drbd', () => {
    const minors = new Map<
      number,
      {
        minor: number;
        state?: ConnectorMinor['state'];
        config?: ConnectorMinor['config'];
        uuids?: ConnectorMinor['uuids'];
      }
    >();
    let built = 0;
    let compared = 0;
    let file = '';
    for (const { where, command } of lines('drbd-8.3.13')) {
      const name = where.split(':')[0] ?? '';
      if (name !== file) minors.clear();
      file = name;
      if (command['raw'] === true) continue;
      const asked: number[] = [];
      for (const call of (command['netlink'] as
        readonly { readonly op: string; readonly hex?: string }[] | undefined) ?? []) {
        if (call.op !== 'recvfrom' || call.hex === undefined) continue;
        const [message] = decodeDatagram(new Uint8Array(Buffer.from(call.hex, 'hex')), ORDER).messages;
        if (message === undefined) continue;
        const raw = decodeConnector(message, ORDER);
        const reply = decodeReply(raw, ORDER);
        const entry = minors.get(reply.minor) ?? { minor: reply.minor };
        minors.set(reply.minor, entry);
        if (reply.name === 'get_state' && raw.connector.ack !== 0) asked.push(reply.minor);
        if (reply.name === 'get_state') entry.state = reply.tags;
        if (reply.name === 'get_config') entry.config = reply.tags;
        if (reply.name === 'get_uuids') entry.uuids = reply.tags;
      }
      const text = command['proc_drbd_after'];
      const proc = typeof text === 'string' && text.startsWith('version') ? parseProcDrbd(text) : undefined;
      const snapshot = buildConnectorSnapshot({
        driver,
        order: ORDER,
        minors: [...minors.values()].filter(({ state }) => state !== undefined),
        procDrbd: proc,
      });
      expectValidSnapshot(snapshot);
      built++;
      // What was asked for just before /proc/drbd was read says the same, unless something moved in between.
      for (const minor of asked) {
        const line = proc?.devices.find((device) => device.minor === minor);
        const resource = snapshot.resources.find(({ devices }) => devices[0]?.minor === minor);
        if (
          line?.role === null ||
          line === undefined ||
          resource === undefined ||
          /Sync|Verify|WF|Report/u.test(line.connection)
        )
          continue;
        expect([
          where,
          resource.role,
          resource.devices[0]?.disk,
          resource.connections[0]?.role,
          resource.connections[0]?.peerDevices[0]?.peerDisk,
        ]).toEqual([where, line.role, line.disk, line.peerRole, line.peerDisk]);
        compared++;
      }
    }
    expect(built).toBeGreaterThan(900);
    expect(compared).toBeGreaterThan(20);
  });

  const state = (changes: Partial<StateWord>): number =>
    encodeStateWord(
      {
        role: 2,
        peer: 2,
        conn: 10,
        disk: 8,
        pdsk: 8,
        susp: false,
        aftr_isp: false,
        peer_isp: false,
        user_isp: false,
        susp_nod: false,
        susp_fen: false,
        ...changes,
      },
      ORDER,
    );

  test('a minor is a resource with one device, one connection and one peer device; an empty one is listed apart', () => {
    const snapshot = buildConnectorSnapshot({
      driver,
      order: ORDER,
      names: new Map([[3, 'r3']]),
      sizesBytes: new Map([[3, 64n << 20n]]),
      minors: [
        {
          minor: 3,
          state: { state_i: state({ role: 1, conn: 17, disk: 4, user_isp: true, susp: true }), sync_progress: 423 },
          config: { wire_protocol: 3, backing_dev: '/dev/ram0', meta_dev: '/dev/ram1' },
          uuids: { uuids: [5n, 6n, 7n, 0n] },
        },
        { minor: 4, state: { state_i: state({ conn: 0, disk: 0, peer: 0, pdsk: 6 }) } },
      ],
    });
    expectValidSnapshot(snapshot);
    expect(snapshot.source).toEqual({
      dialect: 'connector',
      driver: '8.3.13',
      api: 88,
      complete: true,
    });
    expect(snapshot.unconfiguredMinors).toEqual([4]);
    expect(snapshot.resources).toMatchObject([
      {
        name: 'r3',
        role: 'Primary',
        roleCode: 1,
        nodeId: null,
        suspended: { user: true, noData: false, fencing: false, quorum: null },
        devices: [
          {
            minor: 3,
            volume: 0,
            disk: 'Inconsistent',
            diskCode: 4,
            backingDevice: '/dev/ram0',
            currentUuid: 5n,
            historyUuids: [7n],
            stats: { sizeBytes: 67108864n, readBytes: null },
          },
        ],
        connections: [
          {
            state: 'Connected',
            stateCode: 17,
            role: 'Secondary',
            protocol: 'C',
            peerDevices: [
              {
                replication: 'SyncTarget',
                replicationCode: 17,
                peerDisk: 'UpToDate',
                bitmapUuid: 6n,
                resyncSuspended: { user: true, peer: false, dependency: false },
                resync: { kind: 'sync', percent: 42.3, reason: ['user'] },
                outOfSyncBytes: null,
              },
            ],
          },
        ],
      },
    ]);
    expect(snapshotToJson(snapshot).resources[0]?.devices[0]?.currentUuid).toBe('5');
  });

  test('numbers that no release has are told as numbers', () => {
    const snapshot = buildConnectorSnapshot({
      driver,
      order: ORDER,
      minors: [{ minor: 0, state: { state_i: state({ role: 3, conn: 30, disk: 14, pdsk: 15 }) } }],
    });
    expectValidSnapshot(snapshot);
    expect(snapshot.resources[0]).toMatchObject({
      role: 'unknown(3)',
      devices: [{ disk: 'unknown(14)' }],
      connections: [{ state: 'unknown(30)', peerDevices: [{ peerDisk: 'unknown(15)', replication: 'unknown(30)' }] }],
    });
  });

  test('reading asks for the minors of /proc/drbd, or for all of them, and takes a minor that is gone for gone', async () => {
    const asked: string[] = [];
    const client = {
      driver,
      request: (name: string, { minor }: { readonly minor: number }) => {
        asked.push(`${name} ${minor}`);
        if (minor !== 1)
          return Promise.reject(new KernelError(name, { returnCode: 127, returnName: 'ERR_MINOR_INVALID', minor }));
        if (name === 'get_state') return Promise.resolve({ tags: { state_i: stateWord(2) } });
        return Promise.resolve({ tags: name === 'get_uuids' ? { uuids: [1n, 2n, 0n, 0n] } : { wire_protocol: 1 } });
      },
    };
    const whole = await connectorSnapshot(client, undefined);
    // Of the one that exists it asks twice.
    expect(asked.filter((line) => line.startsWith('get_state'))).toHaveLength(257);
    expect(whole.resources).toMatchObject([
      { devices: [{ minor: 1 }], connections: [{ state: 'Connecting', protocol: 'A' }] },
    ]);
    expect(whole.source.complete).toBe(true);
    expectValidSnapshot(whole);
    asked.length = 0;
    const proc = parseProcDrbd(
      'version: 8.3.13 (api:88/proto:86-96)\nbuilt-in\n 0: cs:Unconfigured\n 1: cs:Unconfigured\n',
    );
    const some = await connectorSnapshot(client, proc);
    expect(asked.sort()).toEqual(['get_config 1', 'get_state 0', 'get_state 1', 'get_state 1', 'get_uuids 1']);
    expect(some.source.complete).toBe(false);
  });

  test('status() is one consistent moment: a minor whose state changes while it is read is read again', async () => {
    /** @param changes how often the node is promoted, or demoted, between its state and its generations */
    const run = async (changes: number): Promise<{ readonly snapshot: Snapshot; readonly reads: number }> => {
      let reads = 0;
      let role = 2;
      const client = {
        driver,
        request: (name: string) => {
          if (name === 'get_state') return Promise.resolve({ tags: { state_i: stateWord(role) } });
          if (name === 'get_uuids' && ++reads <= changes) role = 3 - role;
          return Promise.resolve({ tags: name === 'get_uuids' ? { uuids: [BigInt(role), 2n, 0n, 0n] } : {} });
        },
      };
      const proc = parseProcDrbd('version: 8.3.13 (api:88/proto:86-96)\nbuilt-in\n 0: cs:StandAlone\n');
      return { snapshot: await connectorSnapshot(client, proc), reads };
    };
    const facts = ({ snapshot, reads }: Awaited<ReturnType<typeof run>>): readonly unknown[] => {
      const [resource] = snapshot.resources;
      return [reads, snapshot.source.complete, resource?.role, resource?.devices[0]?.currentUuid];
    };
    expect(facts(await run(0))).toEqual([1, true, 'Secondary', 2n]);
    expect(facts(await run(1))).toEqual([2, true, 'Primary', 1n]);
    expect(facts(await run(100)).slice(0, 2)).toEqual([3, false]);
  });
});

/** A message of get_initial_state. */
const exists = (name: string, sets: object): object => ({ name, ...sets, drbd_notification_header: { nh_type: 0 } });

describe('genl1: snapshots of recorded answers', () => {
  const codec = new FamilyCodec('genl1', 1, genl1.operations, genl1.attributeSets);
  const driver = { version: '8.4.11', api: 1 };

  /** The replies of one recorded command, by the operation that gave them. */
  function repliesOf(command: Record<string, unknown>): Map<string, Genl1Reply[]> {
    const replies = new Map<string, Genl1Reply[]>();
    for (const call of (command['ops'] as readonly { readonly dir?: string; readonly hex?: string }[] | undefined) ??
      []) {
      if (call.dir !== 'rx' || call.hex === undefined) continue;
      for (const message of decodeDatagram(new Uint8Array(Buffer.from(call.hex, 'hex')), ORDER).messages) {
        if (message.type <= GENL_ID_CTRL) continue;
        const decoded = codec.decode(decodeRaw(message, ORDER), ORDER);
        if (decoded.returnCode < 0 || decoded.returnCode > 101) continue;
        replies.set(decoded.name, [...(replies.get(decoded.name) ?? []), { minor: decoded.minor, ...decoded.sets }]);
      }
    }
    return replies;
  }

  const all = lines('drbd-8.4.11').map(({ where, command }) => ({ where, command, replies: repliesOf(command) }));

  test('every set of dumps that was recorded gives a valid, complete snapshot', () => {
    let built = 0;
    const states = new Set<string>();
    for (const { where, replies } of all) {
      const resources = replies.get('get_resources');
      if (resources === undefined || !replies.has('get_peer_devices')) continue;
      const snapshot = buildGenl1Snapshot({
        driver,
        order: ORDER,
        dumps: {
          resources,
          devices: replies.get('get_devices') ?? [],
          connections: replies.get('get_connections') ?? [],
          peerDevices: replies.get('get_peer_devices') ?? [],
        },
      });
      expectValidSnapshot(snapshot);
      expect([where, snapshot.source.complete]).toEqual([where, true]);
      for (const { role, connections, devices } of snapshot.resources) {
        states.add(
          `${role} ${devices.map(({ disk }) => disk).join()} ${connections.map(({ state, peerDevices }) => `${state} ${peerDevices.map(({ replication }) => replication).join()}`).join()}`,
        );
      }
      built++;
    }
    expect(built).toBeGreaterThan(10);
    expect([...states].filter((state) => /unknown|null/u.test(state))).toEqual([]);
    expect(states.size).toBeGreaterThan(5);
  });

  test('every get_status that was recorded gives a valid snapshot, as for modules before 8.4.6', () => {
    let built = 0;
    for (const { replies } of all) {
      const status = replies
        .get('get_status')
        ?.filter((reply) => reply['state_info'] !== undefined || reply['context'] !== undefined);
      if (status === undefined || status.length === 0) continue;
      expectValidSnapshot(buildGenl1Snapshot({ driver: { version: '8.4.3', api: 1 }, order: ORDER, status }));
      built++;
    }
    expect(built).toBeGreaterThan(50);
  });

  test('a connected pair, in all its parts', () => {
    let found: Snapshot | undefined;
    for (const { replies } of all) {
      const resources = replies.get('get_resources');
      if (resources === undefined || replies.get('get_peer_devices') === undefined) continue;
      const snapshot = buildGenl1Snapshot({
        driver,
        order: ORDER,
        dumps: {
          resources,
          devices: replies.get('get_devices') ?? [],
          connections: replies.get('get_connections') ?? [],
          peerDevices: replies.get('get_peer_devices') ?? [],
        },
      });
      if (
        snapshot.resources.some(({ connections }) =>
          connections.some(({ peerDevices }) => peerDevices.some(({ replication }) => replication === 'Established')),
        )
      )
        found = snapshot;
    }
    expect(found?.resources[0]).toMatchObject({
      name: expect.any(String) as string,
      suspended: { user: false, noData: false, fencing: false, quorum: null },
      devices: [
        {
          minor: expect.any(Number) as number,
          disk: 'UpToDate',
          diskCode: 8,
          stats: { sizeBytes: expect.any(BigInt) as bigint },
        },
      ],
      connections: [
        {
          state: 'Connected',
          stateCode: 9,
          role: expect.stringMatching(/Primary|Secondary/u) as string,
          peerDevices: [{ replication: 'Established', peerDisk: 'UpToDate', outOfSyncBytes: 0n }],
        },
      ],
    });
    expect(found?.resources[0]?.connections[0]?.paths[0]).toMatchObject({
      local: { family: 'ipv4', address: '127.0.0.1' },
      peer: { family: 'ipv4', address: '127.0.0.1' },
    });
  });

  test('dumps between which something changed are taken again, and told as incomplete if that does not help', async () => {
    const resource = {
      minor: undefined,
      context: { ctx_resource_name: 'r0' },
      resource_info: { res_role: 2, res_susp: false, res_susp_nod: false, res_susp_fen: false },
    };
    const orphan = {
      minor: 0,
      context: { ctx_resource_name: 'gone', ctx_volume: 0 },
      device_info: { dev_disk_state: 0 },
    };
    const run = async (healAfter: number): Promise<{ readonly snapshot: Snapshot; readonly dumps: number }> => {
      let dumps = 0;
      const request = (name: string): Promise<unknown> => {
        if (name === 'get_initial_state') return Promise.resolve([exists('resource_state', resource)]);
        if (name === 'get_resources') return Promise.resolve([resource]);
        if (name === 'get_devices') return Promise.resolve(++dumps <= healAfter ? [orphan] : []);
        return Promise.resolve([]);
      };
      const snapshot = await genl1Snapshot({ driver, request }, new Set(), undefined, { order: ORDER });
      return { snapshot, dumps };
    };
    const healed = await run(1);
    expect([healed.dumps, healed.snapshot.source.complete, healed.snapshot.resources.map(({ name }) => name)]).toEqual([
      2,
      true,
      ['r0'],
    ]);
    const broken = await run(100);
    expect([broken.dumps, broken.snapshot.source.complete]).toEqual([3, false]);
    expectValidSnapshot(broken.snapshot);
  });

  test('status() is one consistent moment: a state that changes between the dumps is read again', async () => {
    /** @param changes how often the node is demoted, and promoted again, while it is read */
    const run = async (changes: number): Promise<{ readonly snapshot: Snapshot; readonly reads: number }> => {
      let reads = 0;
      let primary = false;
      const request = (name: string): Promise<unknown> => {
        const resource = {
          context: { ctx_resource_name: 'r0' },
          resource_info: { res_role: primary ? 1 : 2, res_susp: false, res_susp_nod: false, res_susp_fen: false },
        };
        const device = {
          minor: 0,
          context: { ctx_resource_name: 'r0', ctx_volume: 0 },
          device_info: { dev_disk_state: 8 },
        };
        if (name === 'get_initial_state') {
          reads++;
          return Promise.resolve([exists('resource_state', resource), exists('device_state', device)]);
        }
        if (name === 'get_devices') return Promise.resolve([device]);
        if (name !== 'get_resources') return Promise.resolve([]);
        if (reads <= changes) primary = !primary;
        return Promise.resolve([
          { ...resource, resource_info: { ...resource.resource_info, res_role: primary ? 1 : 2 } },
        ]);
      };
      const snapshot = await genl1Snapshot({ driver, request }, new Set(), undefined, { order: ORDER });
      return { snapshot, reads };
    };
    const still = await run(0);
    expect([still.reads, still.snapshot.source.complete]).toEqual([1, true]);
    const once = await run(1);
    expect([once.reads, once.snapshot.source.complete, once.snapshot.resources[0]?.role]).toEqual([2, true, 'Primary']);
    const ever = await run(100);
    expect([ever.reads, ever.snapshot.source.complete]).toEqual([3, false]);
  });
});

test('DRBD 8 packs connection and replication into one word', () => {
  const split = (dialect: 'connector' | 'genl1', code: number): string => {
    const { state, replication } = splitConnection(dialect, code);
    return `${state} ${replication}`;
  };
  expect([0, 8, 9, 10, 16, 19, 23].map((code) => split('connector', code))).toEqual([
    'StandAlone Off',
    'Connecting Off',
    'Connecting Off',
    'Connected Established',
    'Connected SyncSource',
    'Connected VerifyT',
    'Connected Behind',
  ]);
  // 8.4 keeps a connection at 9 for as long as the peers are connected.
  expect(split('genl1', 9)).toBe('Connected Off');
  expect(splitConnection('genl1', null)).toEqual({ state: null, replication: null });
});
