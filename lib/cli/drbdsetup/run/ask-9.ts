import { diskStates, replicationStates } from '../../../dialects/genl2';
import { snapshotToJson, type Genl2Client } from '../../../drbd';
import { byteOrderOf } from '../../backend';
import { waitOptions, type Context } from '../../context';
import { EXIT, UsageError } from '../../errors';
import { machineOf } from '../text/address';
import { noteDisk } from './check-resize';
import { locked, tell } from '../../context';
import { explainGenerations9, formatGenerations9, generationsToJson9, type Generations9 } from '../text/generations-9';
import { formatShow9, formatShowJson9 } from '../text/show-9';
import { settingsOf9, showToJson } from '../text/show-json';
import { connectionWord9, diskWord9, roleWord9, stateToJson9 } from '../text/states-9';
import { formatStatus9, formatStatusJson9, NOTHING_CONFIGURED } from '../text/status-9';
import type { Call } from '../../line/call';
import type { Manner, Vocabulary } from '../../line/vocabulary';
import { namesOf } from './names-9';
import { print, printJson } from './print';
import { readResources9 } from './read-9';
import { printNames } from './udev';

/** @throws UsageError, always */
function notFound(what: string, context: Context): never {
  const subject = context.subject ?? '';
  throw new UsageError(
    `${context.mask?.subject(subject) ?? subject}: there is no such ${what}. "${context.tool} status" lists those that exist`,
    { exitCode: EXIT.refused, code: 'ERR_DRBD_NOT_FOUND' },
  );
}

/** `role`. */
export async function runRole9(client: Genl2Client, call: Call, context: Context): Promise<number> {
  const { resource = '' } = namesOf(call);
  const all = await client.request('get_resources', {}, waitOptions(context));
  const found = all.find(({ context: place }) => place?.ctx_resource_name === resource);
  if (found === undefined) return notFound('resource', context);
  const { resource_info: info } = found;
  const role = roleWord9(info?.res_role);
  const suspended = {
    user: info?.res_susp ?? null,
    noData: info?.res_susp_nod ?? null,
    fencing: info?.res_susp_fen ?? null,
  };
  return print(context, `${role}\n`, () => stateToJson9({ resource, role, suspended }));
}

/** `cstate`. */
export async function runCstate9(client: Genl2Client, call: Call, context: Context): Promise<number> {
  const { resource = '', peer } = namesOf(call);
  const all = await client.request(
    'get_connections',
    { context: { ctx_resource_name: resource } },
    waitOptions(context),
  );
  const found = all.find(({ context: place }) => place?.ctx_peer_node_id === peer);
  if (found === undefined) return notFound('connection', context);
  const connection = connectionWord9(found.connection_info?.conn_connection_state);
  const peerRole = roleWord9(found.connection_info?.conn_role);
  return print(context, `${connection}\n`, () => stateToJson9({ resource, peerNodeId: peer, connection, peerRole }));
}

/** `dstate`: the state of this node's disk, then of each peer's. */
export async function runDstate9(client: Genl2Client, call: Call, context: Context): Promise<number> {
  const { minor } = namesOf(call);
  const wait = waitOptions(context);
  const device = (await client.request('get_devices', {}, wait)).find((one) => one.minor === minor);
  const resource = device?.context?.ctx_resource_name;
  if (device === undefined || resource === undefined) return notFound('device', context);
  const disk = diskWord9(device.device_info?.dev_disk_state);
  const peers = (await client.request('get_peer_devices', { context: { ctx_resource_name: resource } }, wait)).filter(
    ({ context: place }) => place?.ctx_volume === device.context?.ctx_volume,
  );
  const told = peers.map(({ context: place, peer_device_info: info }) => ({
    peerNodeId: place?.ctx_peer_node_id ?? null,
    disk: diskWord9(info?.peer_disk_state),
  }));
  const peerDisk = told.length === 1 ? told[0]?.disk : null;
  return print(context, `${[disk, ...told.map((peer) => peer.disk)].join('/')}\n`, () =>
    stateToJson9({ minor, resource, volume: device.context?.ctx_volume, disk, peerDisk, peers: told }),
  );
}

/** `show-gi`, `get-gi`. */
export async function runGenerations9(client: Genl2Client, call: Call, context: Context): Promise<number> {
  const { command } = call;
  const { resource = '', peer, volume } = namesOf(call);
  const wait = waitOptions(context);
  const peerDevice = (await client.request('get_peer_devices', {}, wait)).find(
    ({ context: place }) =>
      place?.ctx_resource_name === resource && place.ctx_peer_node_id === peer && place.ctx_volume === volume,
  );
  if (peerDevice === undefined) return notFound('peer device', context);
  const devices = await client.request('get_devices', { context: { ctx_resource_name: resource } }, wait);
  const device = devices.find(({ context: place }) => place?.ctx_volume === volume);
  if (device === undefined) return notFound('peer device', context);
  if (device.device_info?.dev_disk_state === diskStates.D_DISKLESS) {
    const unconfigured = peerDevice.peer_device_info?.peer_repl_state === replicationStates.L_OFF;
    tell(`the device ${unconfigured ? 'is unconfigured' : 'has no disk'}`, context);
    return EXIT.nothing;
  }
  const generations: Generations9 = {
    current: device.device_statistics?.dev_current_uuid ?? 0n,
    bitmap: peerDevice.peer_device_statistics?.peer_dev_bitmap_uuid ?? 0n,
    history: device.device_statistics?.history_uuids ?? [],
    nodeFlags: device.device_statistics?.dev_disk_flags ?? 0,
    peerFlags: peerDevice.peer_device_statistics?.peer_dev_flags ?? 0,
  };
  const text = command.name === 'show-gi' ? explainGenerations9(generations) : formatGenerations9(generations);
  return print(context, text, () => ({
    minor: device.minor ?? null,
    resource,
    peerNodeId: peer,
    volume,
    ...generationsToJson9(generations),
  }));
}

/** Whether `--json` stands behind the command: DRBD 9's own form is meant. */
const wantsOwnJson = ({ plain }: Call): boolean => plain.has('json');

/** `status`. */
export async function runStatus9(client: Genl2Client, call: Call, context: Context): Promise<number> {
  const { plain, times } = call;
  const { resource } = namesOf(call);
  const { stdout } = context.io;
  if (context.globals.json && !wantsOwnJson(call)) return printSnapshot(client, call, context);
  const { any, resources } = await readResources9(client, resource, context);
  const color = plain.get('color') ?? 'auto';
  if (wantsOwnJson(call)) stdout.write(formatStatusJson9(resources));
  else
    stdout.write(
      any
        ? formatStatus9(resources, {
            verbose: times.get('verbose') ?? 0,
            statistics: plain.has('statistics'),
            // The option alone says always.
            color: color === 'always' || color === '' || (color === 'auto' && stdout.isTerminal),
            terminal: stdout.isTerminal,
            columns: stdout.columns,
          })
        : NOTHING_CONFIGURED,
    );
  return resources.length === 0 && resource !== undefined ? notFound('resource', context) : EXIT.ok;
}

/** The snapshot, of what the command is about. */
async function printSnapshot(client: Genl2Client, call: Call, context: Context): Promise<number> {
  const { resource } = namesOf(call);
  const all = snapshotToJson(await client.status(waitOptions(context)));
  const resources = all.resources.filter(({ name }) => resource === undefined || name === resource);
  if (resources.length === 0 && resource !== undefined) return notFound('resource', context);
  return printJson({ ...all, resources }, context);
}

/** `show`. */
export async function runShow9(
  client: Genl2Client,
  call: Call,
  { settings }: Vocabulary,
  context: Context,
): Promise<number> {
  const { plain } = call;
  const { resource } = namesOf(call);
  const { any, resources } = await readResources9(client, resource, context);
  const format = { defaults: plain.has('show-defaults'), machine: machineOf(context.backend) };
  if (wantsOwnJson(call)) context.io.stdout.write(formatShowJson9(resources, format));
  else
    print(context, any ? formatShow9(resources, format) : NOTHING_CONFIGURED, () =>
      showToJson(settingsOf9(resources), settings, byteOrderOf(context.backend), context.globals.reveal),
    );
  // The C tool is silent about a name that is nobody's, and so is its exit code, which callers may rely on.
  if (resources.length === 0 && resource !== undefined) tell('there is no such resource', context);
  return EXIT.ok;
}

/** `check-resize`. */
export async function runCheckResize9(
  client: Genl2Client,
  call: Call,
  { exits }: Manner,
  context: Context,
): Promise<number> {
  const { minor = 0 } = namesOf(call);
  // drbdmeta notes down in the same file.
  return locked(minor, context, async () => {
    const device = (await client.request('get_devices', {}, waitOptions(context))).find((one) => one.minor === minor);
    return device === undefined
      ? notFound('device', context)
      : noteDisk(
          { device: device.disk_conf?.backing_dev, metaIndex: device.disk_conf?.meta_dev_idx },
          minor,
          exits,
          context,
        );
  });
}

/** `udev`: the names of a device below /dev. */
export async function runUdev9(client: Genl2Client, call: Call, context: Context): Promise<number> {
  const { minor = 0 } = namesOf(call);
  const device = (await client.request('get_devices', {}, waitOptions(context))).find((one) => one.minor === minor);
  return device === undefined ? notFound('device', context) : printNames(minor, device, context);
}
