import { KernelError, openDrbd, TimeoutError, type Client } from '../../lib';
import * as genl2 from '../../lib/dialects/genl2';
import { recordingsOf } from '../support/recordings';
import { ask, expectAllUsed, replay, requestsOf } from '../support/replaying';
import { GenericKernel, type KernelAnswer, type KernelRequest } from '../support/generic-kernel';

const { C_CONNECTING, C_CONNECTED, C_STANDALONE } = genl2.connectionStates;
const address = (port: number) => ({ family: 'ipv4', address: '127.0.0.1', port }) as const;
const path = (port: number) => ({ my_addr: address(port), peer_addr: address(port + 10) });

/** Resource r0: minor 1, peers 0 and 2, with the given state and number of paths of peer 2. */
function kernel(release: string, state: number, paths: number): GenericKernel {
  const context = { ctx_resource_name: 'r0' };
  const answers = ({ name }: KernelRequest): readonly KernelAnswer[] | undefined => {
    switch (name) {
      case 'get_devices':
        return [{ minor: 1, sets: { context: { ...context, ctx_volume: 0 } } }];
      case 'get_connections':
        return [0, 2].map((peer) => ({
          sets: {
            context: { ...context, ctx_peer_node_id: peer },
            connection_info: { conn_connection_state: peer === 2 ? state : C_CONNECTED },
            path_parms: Array.from({ length: peer === 2 ? paths : 1 }, (_unused, index) => path(7000 + index)),
          },
        }));
      case 'attach':
        return undefined;
      default:
        return [{}];
    }
  };
  return new GenericKernel(release, answers);
}

async function open(transport: GenericKernel): Promise<Client<'genl2'>> {
  return (await openDrbd({ transport, byteOrder: 'little' })) as Client<'genl2'>;
}

const asked = (transport: GenericKernel): string[] => transport.requests.map(({ name }) => name);

describe('invalidate of DRBD 9', () => {
  const copyFrom = (sync_from_peer_node_id: number) => ({ minor: 1, invalidate_parms: { sync_from_peer_node_id } });

  test.each(['9.1.7', '9.2.18', '9.3.3'])('%s: from a node that is no peer is not sent', async (release) => {
    const transport = kernel(release, C_CONNECTED, 1);
    const drbd = await open(transport);
    await expect(drbd.request('invalidate', copyFrom(7))).rejects.toMatchObject({
      code: 'ERR_DRBD_UNSUPPORTED',
      message: expect.stringMatching(/node 7 is no peer of r0.*\(0, 2\)/u) as string,
    });
    expect(asked(transport)).toEqual(['get_devices', 'get_connections']);
    drbd.close();
  });

  test('from a peer, from whom the kernel chooses, and by force it is sent', async () => {
    const transport = kernel('9.3.3', C_CONNECTED, 1);
    const drbd = await open(transport);
    await drbd.request('invalidate', copyFrom(2));
    await drbd.request('invalidate', { minor: 1 });
    await drbd.request('invalidate', copyFrom(-1));
    await drbd.request('invalidate', copyFrom(7), { forceUnsafe: true });
    expect(asked(transport)).toEqual([
      'get_devices',
      'get_connections',
      'invalidate',
      'invalidate',
      'invalidate',
      'invalidate',
    ]);
    drbd.close();
  });

  test('of a minor that does not exist is left to the kernel, which refuses it without harm', async () => {
    const transport = kernel('9.3.3', C_CONNECTED, 1);
    const drbd = await open(transport);
    await drbd.request('invalidate', { ...copyFrom(7), minor: 5 });
    expect(asked(transport)).toEqual(['get_devices', 'invalidate']);
    drbd.close();
  });
});

describe('del_path of DRBD 9', () => {
  const params = { context: { ctx_resource_name: 'r0', ctx_peer_node_id: 2 }, path_parms: path(7000) };

  test.each([
    ['9.2.18', C_CONNECTING, 2, false],
    ['9.2.18', C_CONNECTING, 4, false],
    ['9.2.18', C_CONNECTING, 1, true],
    ['9.2.18', C_CONNECTED, 2, true],
    ['9.2.18', C_STANDALONE, 2, true],
    ['9.1.7', C_CONNECTING, 2, true],
    ['9.3.3', C_CONNECTING, 2, true],
  ])('%s, connection state %i, %i paths: sent is %p', async (release, state, paths, sent) => {
    const transport = kernel(release, state, paths);
    const drbd = await open(transport);
    const request = drbd.request('del_path', params);
    if (sent) await request;
    else
      await expect(request).rejects.toMatchObject({
        code: 'ERR_DRBD_UNSUPPORTED',
        message: expect.stringMatching(/Send disconnect first/u) as string,
      });
    expect(asked(transport).includes('del_path')).toBe(sent);
    drbd.close();
  });
});

// What the kernel does not tell may be what breaks it: it is never taken for harmless.
describe('an answer that lacks what is looked for', () => {
  const context = { ctx_resource_name: 'r0', ctx_peer_node_id: 2 };
  const two = [path(7000), path(7001)];
  const delPath = (drbd: Client<'genl2'>): Promise<unknown> =>
    drbd.request('del_path', { context, path_parms: path(7000) });
  const invalidate = (drbd: Client<'genl2'>): Promise<unknown> =>
    drbd.request('invalidate', { minor: 1, invalidate_parms: { sync_from_peer_node_id: 7 } });

  test.each([
    ['the state', '9.2.18', delPath, { context, path_parms: two }],
    ['the paths', '9.2.18', delPath, { context, connection_info: { conn_connection_state: C_CONNECTING } }],
    [
      'the release',
      null,
      delPath,
      { context, path_parms: two, connection_info: { conn_connection_state: C_CONNECTING } },
    ],
    ['the resource', '9.3.3', invalidate, undefined],
  ] as const)('%s: it is not sent', async (_what, release, send, connection) => {
    const transport = new GenericKernel(release, ({ name }) =>
      name === 'get_connections'
        ? [{ sets: connection ?? {} }]
        : [
            {
              minor: 1,
              sets: { context: connection === undefined ? { ctx_volume: 0 } : { ...context, ctx_volume: 0 } },
            },
          ],
    );
    const drbd = await open(transport);
    await expect(send(drbd)).rejects.toMatchObject({ code: 'ERR_DRBD_UNSUPPORTED' });
    drbd.close();
  });
});

test('an attach of DRBD 9 that does not come back is never refused; its deadline says what to do', async () => {
  const transport = kernel('9.2.18', C_CONNECTED, 1);
  const drbd = await open(transport);
  const disk_conf = { backing_dev: '/dev/ram0', meta_dev: '/dev/ram0', meta_dev_idx: -1 };
  await expect(drbd.request('attach', { minor: 1, disk_conf }, { timeoutMs: 50 })).rejects.toMatchObject({
    code: 'ERR_DRBD_TIMEOUT',
    sent: 'returned',
    message: expect.stringMatching(/disconnect on the peer/u) as string,
  });
  expect(asked(transport)).toEqual(['attach']);
  drbd.close();
});

test.each([
  ['drbd-9.2.18/paths.jsonl', 'del-path'],
  ['drbd-9.3.3/watch.jsonl', 'invalidate'],
])('%s: a replay does not take the questions before %s for other requests', async (file, command) => {
  let replayed = 0;
  for (const captured of recordingsOf(file)) {
    if (captured.argv[1] !== command) continue;
    const { drbd, transport } = await replay(captured);
    for (const request of requestsOf(captured.recording)) {
      await ask(drbd, request).catch((error: unknown) => {
        if (!(error instanceof KernelError) && !(error instanceof TimeoutError)) throw error;
      });
    }
    expectAllUsed(transport);
    drbd.close();
    replayed++;
  }
  expect(replayed).toBeGreaterThan(0);
});
