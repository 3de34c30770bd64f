import { createBackend, main } from '../../../lib/cli';
import type { BackendSetup } from '../../../lib/cli/backend';
import { memoryIo } from '../../support/cli';
import { GenericKernel, type KernelAnswer, type KernelRequest } from '../../support/generic-kernel';

/**
 * `status` of a large system of DRBD 8.4: what it asks of the kernel. The C tool asks for the resources, and of each for
 * its devices, connections and peer devices.
 */
const RESOURCES = 40;
const all = Array.from({ length: RESOURCES }, (_unused, at) => `r${at}`);
const address = (port: number): Uint8Array =>
  Uint8Array.from([2, 0, port >> 8, port & 0xff, 127, 0, 0, 1, ...Buffer.alloc(8)]);

/** Devices and connections of every other resource. @param names of the resources that there are */
function answer({ name, sets }: KernelRequest, names: readonly string[]): readonly KernelAnswer[] {
  const asked = (sets['context'] as { readonly ctx_resource_name?: string } | undefined)?.ctx_resource_name;
  const resources = names.filter((resource) => asked === undefined || resource === asked);
  const minorOf = (resource: string): number => all.indexOf(resource);
  const withParts = resources.filter((resource) => minorOf(resource) % 2 === 0);
  const link = (resource: string): object => ({
    ctx_resource_name: resource,
    ctx_my_addr: address(7000 + minorOf(resource)),
    ctx_peer_addr: address(8000 + minorOf(resource)),
  });
  switch (name) {
    case 'get_resources':
      return resources.map((resource) => ({
        sets: { context: { ctx_resource_name: resource }, res_opts: {}, resource_info: { res_role: 2 } },
      }));
    case 'get_devices':
      return withParts.map((resource) => ({
        minor: minorOf(resource),
        sets: { context: { ctx_resource_name: resource, ctx_volume: 0 }, device_info: { dev_disk_state: 8 } },
      }));
    case 'get_connections':
      return withParts.map((resource) => ({
        sets: { context: link(resource), connection_info: { conn_connection_state: 10, conn_role: 1 } },
      }));
    case 'get_peer_devices':
      return withParts.map((resource) => ({
        minor: minorOf(resource),
        sets: {
          context: { ...link(resource), ctx_volume: 0 },
          peer_device_info: { peer_repl_state: 10, peer_disk_state: 8 },
        },
      }));
    default:
      throw new Error(`${name} was not expected`);
  }
}

async function run(
  kind: BackendSetup['kind'],
  argv: readonly string[],
  answers: (request: KernelRequest) => readonly KernelAnswer[] = (request) => answer(request, all),
): Promise<{ readonly requests: readonly string[]; readonly stdout: string }> {
  const transport = new GenericKernel('8.4.11', answers);
  const backend = createBackend({ kind, transport, locks: false });
  const io = memoryIo();
  try {
    expect(await main(argv, io, { backend })).toBe(0);
    return { requests: transport.requests.map(({ name }) => name), stdout: io.stdout.text };
  } finally {
    backend.close();
  }
}

const OF_ALL = ['get_resources', 'get_devices', 'get_connections', 'get_peer_devices', 'get_resources'];
const OF_THE_C_TOOL = 1 + (3 * RESOURCES) / 2 + (2 * RESOURCES) / 2;

test.each([[['status']], [['status', '--verbose', '--statistics']], [['status', '--json']]])(
  '%j prints the same whether the kernel is asked about all or about each',
  async (argv) => {
    const each = await run('given', argv);
    expect(each.requests).toHaveLength(OF_THE_C_TOOL);
    const ofAll = await run('kernel', argv);
    expect(ofAll.requests).toEqual(OF_ALL);
    expect(ofAll.stdout).toBe(each.stdout);
    for (const name of all) expect(ofAll.stdout).toMatch(new RegExp(`\\b${name}\\b`, 'u'));
  },
);

test('a resource is asked about by itself', async () => {
  const { requests } = await run('kernel', ['status', 'r2']);
  expect(requests).toEqual(['get_resources', 'get_devices', 'get_connections', 'get_peer_devices']);
});

test('when a resource goes away meanwhile, a dump may have ended early: each is asked about', async () => {
  const left = all.filter((name) => name !== 'r6');
  let listed = 0;
  let asked = 0;
  const { requests, stdout } = await run('kernel', ['status'], (request) => {
    asked++;
    if (request.name === 'get_resources') listed++;
    // The kernel was at r6 when it went.
    if (asked === 3) return answer(request, all.slice(0, 6));
    if (listed > 1 && request.name !== 'get_resources') return answer(request, left);
    return answer(request, listed > 1 ? left : all);
  });
  expect(requests.slice(0, OF_ALL.length)).toEqual(OF_ALL);
  expect(requests.length).toBeGreaterThan(RESOURCES);
  for (const name of left.filter((resource) => all.indexOf(resource) % 2 === 0))
    expect(stdout).toMatch(new RegExp(`^${name} role:\\w+\\n  disk:\\w+\\n  peer role:`, 'mu'));
});
