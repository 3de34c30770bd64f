import { createBackend, main } from '../../../lib/cli';
import { memoryIo } from '../../support/cli';
import { GenericKernel, type KernelAnswer, type KernelRequest } from '../../support/generic-kernel';

/**
 * A large system: what the commands that read all of it ask of the kernel. The C tool asks for the resources, and of
 * each for its devices, connections and peer devices.
 */
const RESOURCES = 300;
const names = Array.from({ length: RESOURCES }, (_unused, at) => `r${at}`);

function answer({ name, sets }: KernelRequest): readonly KernelAnswer[] {
  const asked = (sets['context'] as { readonly ctx_resource_name?: string } | undefined)?.ctx_resource_name;
  const of = names.filter((resource) => asked === undefined || resource === asked);
  const peer = { ctx_peer_node_id: 1, ctx_conn_name: 'n1' };
  const header = { drbd_notification_header: { nh_type: 0 } };
  switch (name) {
    case 'get_resources':
      return of.map((resource) => ({
        sets: { context: { ctx_resource_name: resource }, res_opts: { node_id: 0 }, resource_info: { res_role: 2 } },
      }));
    case 'get_devices':
      return of.map((resource) => ({
        minor: names.indexOf(resource),
        sets: {
          context: { ctx_resource_name: resource, ctx_volume: 0 },
          device_info: { dev_disk_state: 9, dev_has_quorum: true },
        },
      }));
    case 'get_connections':
      return of.map((resource) => ({
        sets: {
          context: { ctx_resource_name: resource, ...peer },
          connection_info: { conn_connection_state: 9, conn_role: 2 },
        },
      }));
    case 'get_peer_devices':
      return of.map((resource) => ({
        sets: {
          context: { ctx_resource_name: resource, ...peer, ctx_volume: 0 },
          peer_device_info: { peer_repl_state: 10, peer_disk_state: 9 },
        },
      }));
    case 'get_initial_state':
      return [{ sets: header }];
    default:
      throw new Error(`${name} was not expected`);
  }
}

async function run(...argv: readonly string[]): Promise<{ readonly requests: number; readonly stdout: string }> {
  const transport = new GenericKernel('9.2.18', answer);
  const backend = createBackend({ kind: 'given', transport, locks: false });
  const io = memoryIo();
  try {
    expect(await main(argv, io, { backend })).toBe(0);
    return { requests: transport.requests.length, stdout: io.stdout.text };
  } finally {
    backend.close();
  }
}

const OF_THE_C_TOOL = 1 + 3 * RESOURCES;
const MOST = 1.5;

test.each([['status'], ['status', '--json'], ['show'], ['show', '--json']])('%s %s', async (...argv) => {
  const { requests, stdout } = await run(...argv);
  expect(requests).toBeLessThanOrEqual(MOST * OF_THE_C_TOOL);
  for (const name of names) expect(stdout).toMatch(new RegExp(`\\b${name}\\b`, 'u'));
});

test('events2 --now asks once', async () => {
  const { requests } = await run('events2', '--now');
  expect(requests).toBe(1);
});
