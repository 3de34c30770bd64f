import type { Genl2Client } from '../../../drbd';
import { waitOptions, type Context } from '../../context';
import type { ResourceReplies9 } from '../text/status-9';
import { isUnknownObject } from './minors';

/** How often the dumps are taken again when something came or went between them. */
const READ_TRIES = 3;

const byBytes = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right));

const nameOf = ({ context }: ResourceReplies9['resource']): string => context?.ctx_resource_name ?? '';

/** Connections by name; those without one come first. */
function byName(
  { context: left }: ResourceReplies9['connections'][number],
  { context: right }: ResourceReplies9['connections'][number],
): number {
  const [one, other] = [left?.ctx_conn_name ?? '', right?.ctx_conn_name ?? ''];
  return (one === '') === (other === '') ? byBytes(one, other) : one === '' ? -1 : 1;
}

/**
 * Reads the resources, by name, and of each its parts. When something came or went between the dumps, they are taken
 * again, a few times, so that what is printed belongs together.
 * @param wanted the only one to be read; all if undefined
 * @returns them, and whether there is any resource at all
 */
export async function readResources9(
  client: Genl2Client,
  wanted: string | undefined,
  context: Context,
): Promise<{ readonly any: boolean; readonly resources: readonly ResourceReplies9[] }> {
  const wait = waitOptions(context);
  for (let attempt = 1; ; attempt++) {
    const all = await client.request('get_resources', {}, wait);
    const sorted = [...all].sort((one, other) => byBytes(nameOf(one), nameOf(other)));
    const resources: ResourceReplies9[] = [];
    let vanished = false;
    const meant = sorted.filter((reply) => wanted === undefined || nameOf(reply) === wanted);
    const answers = await client.dumpEach(
      meant.map((reply) => ({ context: { ctx_resource_name: nameOf(reply) } })),
      [{ name: 'get_devices' }, { name: 'get_connections' }, { name: 'get_peer_devices', onlyIfPrevious: 2 }],
      wait,
    );
    for (const [index, resource] of meant.entries()) {
      const answer = answers[index];
      if (answer?.status === 'fulfilled') {
        const { get_devices: devices, get_connections: connections, get_peer_devices: peerDevices } = answer.value;
        resources.push({ resource, devices, connections: [...connections].sort(byName), peerDevices });
      } else if (isUnknownObject(answer?.reason)) vanished = true;
      else throw answer?.reason;
    }
    if ((!vanished && resources.every(belongsTogether)) || attempt >= READ_TRIES)
      return { any: all.length > 0, resources };
  }
}

/** Whether each peer device has its device and its connection, as it must where nothing came or went meanwhile. */
function belongsTogether({ devices, connections, peerDevices }: ResourceReplies9): boolean {
  return peerDevices.every(
    ({ context }) =>
      devices.some(({ context: device }) => device?.ctx_volume === context?.ctx_volume) &&
      connections.some(({ context: connection }) => connection?.ctx_peer_node_id === context?.ctx_peer_node_id),
  );
}
