import { openDrbd, type Change, type Client } from '../../lib';
import * as genl2 from '../../lib/dialects/genl2';
import { expectValidChange, expectValidSnapshot } from '../support/schema';
import { GenericKernel, type KernelAnswer, type KernelRequest } from '../support/generic-kernel';

// A client of DRBD 9 from openDrbd() to the bytes: what a kernel in the test tells is what status(), events() and
// waitFor() say.

const { R_PRIMARY, R_SECONDARY } = genl2.roles;
const { C_CONNECTED, C_STANDALONE } = genl2.connectionStates;
const { D_UP_TO_DATE, D_OUTDATED } = genl2.diskStates;
const { L_ESTABLISHED } = genl2.replicationStates;
const { NOTIFY_EXISTS, NOTIFY_CREATE, NOTIFY_CHANGE, NOTIFY_DESTROY, NOTIFY_CALL, NOTIFY_RENAME, NOTIFY_CONTINUES } =
  genl2.notificationTypes;

/** A kernel with one resource, one volume and one peer, which may be renamed and promoted. */
class Machine {
  name = 'r0';
  role: number = R_SECONDARY;
  connection: number = C_CONNECTED;
  disk: number = D_UP_TO_DATE;
  written = 0n;
  sequence = 100;
  exists = true;
  readonly kernel = new GenericKernel('9.2.18', (request) => this.#answer(request));

  #context(more: object = {}): object {
    return { ctx_resource_name: this.name, ...more };
  }

  get resource(): KernelAnswer {
    return {
      sets: {
        context: this.#context(),
        res_opts: { node_id: 0, quorum: 1024 },
        resource_info: { res_role: this.role, res_susp: false, res_susp_nod: false, res_susp_fen: false },
        resource_statistics: { res_stat_write_ordering: 2 },
      },
    };
  }

  get device(): KernelAnswer {
    return {
      minor: 4,
      sets: {
        context: this.#context({ ctx_volume: 0 }),
        device_info: { dev_disk_state: this.disk, dev_has_quorum: true, backing_dev_path: '/dev/vg/r0' },
        device_statistics: { dev_size: 2048n, dev_write: this.written },
      },
    };
  }

  get peer(): KernelAnswer {
    return {
      sets: {
        context: this.#context({ ctx_peer_node_id: 1, ctx_conn_name: 'n1' }),
        connection_info: { conn_connection_state: this.connection, conn_role: R_SECONDARY },
        connection_statistics: { conn_congested: false, ap_in_flight: 0n, rs_in_flight: 0n },
      },
    };
  }

  get peerDevice(): KernelAnswer {
    return {
      sets: {
        context: this.#context({ ctx_peer_node_id: 1, ctx_volume: 0, ctx_conn_name: 'n1' }),
        peer_device_info: { peer_repl_state: L_ESTABLISHED, peer_disk_state: D_UP_TO_DATE },
        peer_device_statistics: { peer_dev_out_of_sync: 8n, peer_dev_received: 2n },
      },
    };
  }

  #answer({ name, sets }: KernelRequest): readonly KernelAnswer[] | undefined {
    if (!this.exists && name.startsWith('get_')) return [];
    switch (name) {
      case 'get_resources':
        return [this.resource];
      case 'get_devices':
        return [this.device];
      case 'get_connections':
        return [this.peer];
      case 'get_peer_devices':
        return [this.peerDevice];
      case 'get_initial_state':
        return [];
      case 'primary':
        // SS_TWO_PRIMARIES: what a kernel says where the peer is primary.
        return [{ returnCode: sets['set_role_parms'] === undefined ? -1 : 101 }];
      default:
        return [{ returnCode: 101 }];
    }
  }

  /** Tells of an object that it changed so. */
  tell(name: string, type: number, answer: KernelAnswer): void {
    this.kernel.notify(name, this.sequence++, {
      ...answer,
      sets: { ...answer.sets, drbd_notification_header: { nh_type: type } },
    });
  }
}

async function started(): Promise<{ readonly machine: Machine; readonly drbd: Client<'genl2'> }> {
  const machine = new Machine();
  const drbd = (await openDrbd({ transport: machine.kernel, byteOrder: 'little' })) as Client<'genl2'>;
  return { machine, drbd };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) await new Promise(setImmediate);
};

const brief = (change: Change): string =>
  'object' in change ? `${change.kind} ${change.object}${change.more ? ' +' : ''}` : change.kind;

/** Takes what comes up to a kind. */
async function until(stream: AsyncIterator<Change>, kind: Change['kind']): Promise<readonly Change[]> {
  const taken: Change[] = [];
  for (;;) {
    const { value, done } = await stream.next();
    if (done === true) throw new Error('the stream is over');
    expectValidChange(value);
    taken.push(value);
    if (value.kind === kind) return taken;
  }
}

describe('a client of DRBD 9', () => {
  test('says which driver it speaks to, and reads its state', async () => {
    const { drbd } = await started();
    expect([drbd.dialect, drbd.driver.version]).toEqual(['genl2', '9.2.18']);
    const snapshot = await drbd.status();
    expectValidSnapshot(snapshot);
    expect(snapshot.resources).toMatchObject([
      {
        name: 'r0',
        role: 'Secondary',
        nodeId: 0,
        writeOrdering: 'flush',
        mayPromote: true,
        options: { quorum: 'majority' },
        devices: [{ minor: 4, disk: 'UpToDate', backingDevice: '/dev/vg/r0', stats: { sizeBytes: 1_048_576n } }],
        connections: [
          {
            peerNodeId: 1,
            name: 'n1',
            state: 'Connected',
            peerDevices: [{ replication: 'Established', outOfSyncBytes: 4096n, stats: { receivedBytes: 1024n } }],
          },
        ],
      },
    ]);
    drbd.close();
  });

  test('tells what exists and what changes: batches, helpers, renames, ends', async () => {
    const { machine, drbd } = await started();
    const stream = drbd.events();
    expect((await until(stream, 'ready')).map(brief)).toEqual([
      'exists resource +',
      'exists device +',
      'exists connection +',
      'exists peerDevice +',
      'ready',
    ]);
    machine.role = R_PRIMARY;
    machine.disk = D_OUTDATED;
    machine.tell('resource_state', NOTIFY_CHANGE | NOTIFY_CONTINUES, machine.resource);
    machine.tell('device_state', NOTIFY_CHANGE, machine.device);
    const batch = await until(stream, 'change');
    batch.concat(await until(stream, 'change'));
    expect(batch[0]).toMatchObject({
      object: 'resource',
      changed: expect.arrayContaining(['role']) as unknown,
      more: true,
    });
    machine.tell('helper', NOTIFY_CALL, {
      minor: 4,
      sets: {
        context: { ctx_resource_name: 'r0', ctx_volume: 0 },
        drbd_helper_info: { helper_name: 'pri-lost', helper_status: 0 },
      },
    });
    expect((await until(stream, 'helper')).at(-1)).toMatchObject({
      helper: { name: 'pri-lost', phase: 'call', status: null },
    });
    machine.tell('resource_state', NOTIFY_RENAME, {
      sets: { context: { ctx_resource_name: 'r0' }, rename_resource_info: { res_new_name: 'r9' } },
    });
    machine.name = 'r9';
    const renamed = (await until(stream, 'rename')).at(-1);
    expect(renamed).toMatchObject({ key: { resource: 'r0' }, after: { name: 'r9' } });
    expect(renamed?.snapshot.resources[0]?.devices[0]?.minor).toBe(4);
    machine.tell('path_state', NOTIFY_CREATE, {
      sets: {
        context: {
          ctx_resource_name: 'r9',
          ctx_peer_node_id: 1,
          ctx_conn_name: 'n1',
          ctx_my_addr: Uint8Array.of(2, 0, 0x1e, 0x6c, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
          ctx_peer_addr: Uint8Array.of(2, 0, 0x1e, 0x6c, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0),
        },
        drbd_path_info: { path_established: true },
      },
    });
    expect((await until(stream, 'create')).at(-1)).toMatchObject({
      object: 'path',
      key: { resource: 'r9', peerNodeId: 1, local: 'ipv4:10.0.0.1:7788', peer: 'ipv4:10.0.0.2:7788' },
      after: { established: true },
    });
    machine.exists = false;
    machine.tell('resource_state', NOTIFY_DESTROY, { sets: { context: { ctx_resource_name: 'r9' } } });
    const gone: Change[] = [];
    while (gone.at(-1)?.snapshot.resources.length !== 0) gone.push(...(await until(stream, 'destroy')));
    await turns();
    expect(await drbd.status()).toMatchObject({ resources: [] });
    drbd.close();
  });

  test('reads again after a loss, once, and tells the difference', async () => {
    const { machine, drbd } = await started();
    const stream = drbd.events();
    await until(stream, 'ready');
    machine.connection = C_STANDALONE;
    machine.kernel.overrun();
    machine.kernel.overrun();
    const told = await until(stream, 'ready');
    expect(told.map(brief)).toEqual(['resync', 'change connection +', 'ready']);
    expect(told[0]).toMatchObject({ reason: 'overrun' });
    expect(told.at(-1)?.snapshot.resources).toEqual((await drbd.status()).resources);
    drbd.close();
  });

  test('waits for a state without asking while nothing changes, and reads counters at a pace', async () => {
    const { machine, drbd } = await started();
    const waiting = drbd.waitFor(({ resources }) => resources.some(({ role }) => role === 'Primary'), {
      timeoutMs: 60_000,
    });
    await turns();
    const asked = machine.kernel.requests.length;
    await turns();
    expect(machine.kernel.requests).toHaveLength(asked);
    machine.role = R_PRIMARY;
    machine.tell('resource_state', NOTIFY_CHANGE, machine.resource);
    expect((await waiting).resources[0]?.role).toBe('Primary');
    const counted = drbd.waitFor(({ resources }) => resources[0]?.devices[0]?.stats?.writtenBytes === 512n, {
      timeoutMs: 60_000,
      refreshMs: 5,
    });
    machine.written = 1n;
    await counted;
    drbd.close();
  });

  test('sends requests as the tables have them, and rejects with what the kernel refuses', async () => {
    const { machine, drbd } = await started();
    const { requests } = machine.kernel;
    const context = { ctx_resource_name: 'r0' };
    await drbd.request('primary', { context, set_role_parms: { force: true } });
    expect(requests.at(-1)).toMatchObject({
      name: 'primary',
      sets: { context, set_role_parms: { force: true } },
    });
    await expect(drbd.request('primary', { context })).rejects.toMatchObject({
      code: 'ERR_DRBD_KERNEL',
      returnCode: -1,
      returnName: 'SS_TWO_PRIMARIES',
    });
    const sent = requests.length;
    await expect(drbd.request('new_resource', { context: { ctx_resource_name: 'r1' } } as never)).rejects.toMatchObject(
      {
        code: 'ERR_DRBD_ARGUMENT',
      },
    );
    expect(requests).toHaveLength(sent);
    const dumped = await drbd.request('get_devices', { context });
    expect(dumped).toMatchObject([{ minor: 4, device_info: { dev_disk_state: D_UP_TO_DATE } }]);
    drbd.close();
    await expect(drbd.status()).rejects.toMatchObject({ code: 'ERR_DRBD_CLOSED' });
  });

  test('what exists already is told by a notification without a change', async () => {
    const { machine, drbd } = await started();
    const stream = drbd.events();
    await until(stream, 'ready');
    machine.tell('device_state', NOTIFY_EXISTS, machine.device);
    machine.role = R_PRIMARY;
    machine.tell('resource_state', NOTIFY_CHANGE, machine.resource);
    expect((await until(stream, 'change')).map(brief)).toEqual(['change resource']);
    drbd.close();
  });
});
