import { hasNothing } from '../../dialects/state-word';
import { buildGenl1Snapshot, snapshotToJson, type DumpReply, type Genl1Client } from '../../drbd';
import type { operations } from '../../dialects/genl1';
import { byteOrderOf } from '../backend';
import { explainGenerations, formatGenerations, generationsToJson } from '../generations';
import { tell, waitOptions, type Context } from '../context';
import { EXIT, UsageError } from '../errors';
import type { Call, Target } from './command-line';
import { machineOf } from './machine';
import { formatShow, showToJson } from './show';
import {
  formatConnectionState,
  formatDiskState,
  formatRole,
  formatShellStatus,
  readState,
  stateToJson,
} from './states';
import { formatStatus, type ResourceReplies } from './status';
import { resourcesOfStatus } from './old-status';
import { ifSupported, isUnknownResource, statusOf } from './streams';

/** The minor where the kernel named none, in 32 bits. */
const NO_MINOR = 0xffffffff;
/** How many generations are printed. */
const GENERATIONS = 4;
/** MDF_AL_CLEAN: the activity log was applied when the metadata were closed. */
const ACTIVITY_LOG_CLEAN = 1 << 7;
/** How often the dumps are taken again when something changed meanwhile. */
const READ_TRIES = 3;

function print(context: Context, value: unknown): number {
  context.io.stdout.write(`${JSON.stringify(value)}\n`);
  return EXIT.ok;
}

function minorOfTarget(target: Target): number {
  if (target.kind !== 'minor') throw new UsageError('a minor is needed');
  return target.minor;
}

/** `role`, `cstate`, `dstate`. */
export async function runState(client: Genl1Client, { command, target }: Call, context: Context): Promise<number> {
  const minor = minorOfTarget(target);
  if (command.name === 'state') tell('state is an old name; use role instead', context);
  const { state_info: info } = await client.request('get_status', { minor }, waitOptions(context));
  const state = readState(info?.current_state, byteOrderOf(context.backend));
  if (context.globals.json) return print(context, { minor, ...stateToJson(state) });
  const format =
    command.action === 'role' ? formatRole : command.action === 'cstate' ? formatConnectionState : formatDiskState;
  context.io.stdout.write(format(state));
  return EXIT.ok;
}

/** `show-gi`, `get-gi`. */
export async function runGenerations(
  client: Genl1Client,
  { command, target }: Call,
  context: Context,
): Promise<number> {
  const minor = minorOfTarget(target);
  const { state_info: info } = await client.request('get_status', { minor }, waitOptions(context));
  const state = readState(info?.current_state, byteOrderOf(context.backend));
  const why = hasNothing(state)
    ? 'is unconfigured'
    : state.disk === 0
      ? 'has no disk'
      : info?.uuids === undefined
        ? 'has a disk, but the kernel told no generations of it'
        : undefined;
  if (why !== undefined) {
    tell(`the device ${why}`, context);
    return EXIT.nothing;
  }
  const [uuids, flags] = [info?.uuids?.slice(0, GENERATIONS) ?? [], info?.disk_flags ?? 0];
  const clean = (flags & ACTIVITY_LOG_CLEAN) !== 0;
  if (context.globals.json)
    return print(context, { ...generationsToJson(minor, uuids, flags), activityLogClean: clean });
  context.io.stdout.write(
    command.name === 'show-gi'
      ? `${explainGenerations(uuids, flags)}meta-data: ${clean ? 'clean' : 'need apply-al'}\n`
      : formatGenerations(uuids, flags),
  );
  return EXIT.ok;
}

/** `sh-status`. A minor that does not exist is told as such. */
export async function runShellStatus(client: Genl1Client, { target }: Call, context: Context): Promise<number> {
  if (context.globals.json) return printSnapshot(client, target, context);
  const replies = await statusOf(client, target, context);
  if (replies.length === 0 && target.kind === 'resource') return noSuchResource(context);
  const unknown =
    target.kind === 'minor' && replies.length === 0
      ? [{ minor: target.minor, context: undefined, state_info: undefined }]
      : [];
  for (const { minor, context: place, state_info: info } of [...replies, ...unknown]) {
    context.io.stdout.write(
      formatShellStatus({
        minor: minor ?? NO_MINOR,
        resource: place?.ctx_resource_name ?? '',
        volume: place?.ctx_volume,
        state: info === undefined ? undefined : readState(info.current_state, byteOrderOf(context.backend)),
        resync:
          info?.bits_rs_total === undefined
            ? undefined
            : { total: info.bits_rs_total, outOfSync: info.bits_oos ?? 0n, failed: info.bits_rs_failed ?? 0n },
      }),
    );
  }
  return EXIT.ok;
}

/** `show`. */
export async function runShow(client: Genl1Client, { target, plain }: Call, context: Context): Promise<number> {
  const wait = waitOptions(context);
  const replies =
    target.kind === 'minor'
      ? [{ name: 'get_status', ...(await client.request('get_status', { minor: target.minor }, wait)) }]
      : await statusOf(client, target, context);
  if (replies.length === 0 && target.kind === 'resource') return noSuchResource(context, EXIT.failure);
  if (context.globals.json)
    return print(context, showToJson(replies, machineOf(context.backend), context.globals.reveal));
  context.io.stdout.write(formatShow(replies, machineOf(context.backend), plain.has('show-defaults')));
  return EXIT.ok;
}

/** `status`. */
export async function runStatus(client: Genl1Client, { target, plain }: Call, context: Context): Promise<number> {
  const { stdout } = context.io;
  const color = plain.get('color') ?? 'auto';
  if (context.globals.json) return printSnapshot(client, target, context);
  const resources = await readResources(client, target, context);
  if (resources.length === 0 && target.kind === 'resource') return noSuchResource(context);
  stdout.write(
    formatStatus(resources, {
      verbose: plain.has('verbose'),
      statistics: plain.has('statistics'),
      // The option alone says always.
      color: color === 'always' || color === '' || (color === 'auto' && stdout.isTerminal),
      columns: stdout.isTerminal ? process.stdout.columns : undefined,
    }),
  );
  return EXIT.ok;
}

/** @throws UsageError, always. @param exitCode the C tool's for this command */
function noSuchResource(context: Context, exitCode: number = EXIT.refused): never {
  const name = context.mask?.subject(context.subject ?? '') ?? context.subject ?? '';
  throw new UsageError(`${name}: there is no such resource. "${context.tool} status" lists those that exist`, {
    exitCode,
    code: 'ERR_DRBD_NOT_FOUND',
  });
}

/** The snapshot, of what the command is about. */
async function printSnapshot(client: Genl1Client, target: Target, context: Context): Promise<number> {
  const all = snapshotToJson(await client.status(waitOptions(context)));
  const resources = all.resources.filter(({ name, devices }) =>
    target.kind === 'resource'
      ? name === target.name
      : target.kind !== 'minor' || devices.some(({ minor }) => minor === target.minor),
  );
  if (resources.length === 0 && target.kind === 'resource') return noSuchResource(context);
  return print(context, { ...all, resources });
}

/**
 * Reads the resources, by name, and of each its parts. When something came or went between the dumps, they are taken
 * again, a few times, so that what is printed belongs together.
 */
async function readResources(
  client: Genl1Client,
  target: Target,
  context: Context,
): Promise<readonly ResourceReplies[]> {
  const wait = waitOptions(context);
  const nameOf = ({ context: place }: DumpReply<typeof operations.get_resources>): string =>
    place?.ctx_resource_name ?? '';
  for (let attempt = 1; ; attempt++) {
    const all = await ifSupported(client.request('get_resources', {}, wait));
    if (all === undefined)
      return resourcesOfStatus(await statusOf(client, target, context), byteOrderOf(context.backend));
    const wanted = all.filter((reply) => target.kind !== 'resource' || nameOf(reply) === target.name);
    const sorted = [...wanted].sort((a, b) => Buffer.compare(Buffer.from(nameOf(a)), Buffer.from(nameOf(b))));
    const resources: ResourceReplies[] = [];
    let vanished = false;
    for (const resource of sorted) {
      const place = { context: { ctx_resource_name: nameOf(resource) } };
      try {
        const devices = await client.request('get_devices', place, wait);
        const connections = await client.request('get_connections', place, wait);
        const peerDevices =
          devices.length > 0 && connections.length > 0 ? await client.request('get_peer_devices', place, wait) : [];
        resources.push({ resource, devices, connections, peerDevices });
      } catch (error) {
        if (!isUnknownResource(error)) throw error;
        vanished = true;
      }
    }
    const { source } = buildGenl1Snapshot({
      driver: client.driver,
      order: byteOrderOf(context.backend),
      dumps: { resources: resources.map(({ resource }) => resource), ...joined(resources) },
    });
    if ((source.complete && !vanished) || attempt >= READ_TRIES) return resources;
  }
}

function joined(resources: readonly ResourceReplies[]): {
  readonly [K in 'devices' | 'connections' | 'peerDevices']: ResourceReplies[K];
} {
  return {
    devices: resources.flatMap(({ devices }) => devices),
    connections: resources.flatMap(({ connections }) => connections),
    peerDevices: resources.flatMap(({ peerDevices }) => peerDevices),
  };
}

/** `udev`. */
export async function runUdev(client: Genl1Client, { target }: Call, context: Context): Promise<number> {
  const minor = minorOfTarget(target);
  const { context: place, disk_conf: disk } = await client.request('get_status', { minor }, waitOptions(context));
  const links = [`drbd/by-res/${place?.ctx_resource_name ?? ''}/${place?.ctx_volume ?? 0}`];
  const backing = disk?.backing_dev ?? '';
  const byDisk = backing === '' ? undefined : `drbd/by-disk/${backing.replace(/^\/dev\//u, '')}`;
  if (context.globals.json)
    return print(context, { minor, device: `drbd${minor}`, byResource: links[0], byDisk: byDisk ?? null });
  context.io.stdout.write(
    `DEVICE=drbd${minor}\nSYMLINK_BY_RES=${links[0] ?? ''}\n${byDisk === undefined ? '' : `SYMLINK_BY_DISK=${byDisk}\n`}`,
  );
  return EXIT.ok;
}
