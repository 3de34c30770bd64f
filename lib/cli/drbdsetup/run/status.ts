import {
  buildConnectorSnapshot,
  buildGenl1Snapshot,
  snapshotToJson,
  type Client,
  type ConnectorClient,
  type Genl1Client,
  type Genl1Sources,
  type Resource,
  type Snapshot,
  type SnapshotJson,
} from '../../../drbd';
import { KernelError, MismatchError } from '../../../errors';
import { formatHex } from '../../../netlink';
import { byteOrderOf } from '../../backend';
import type { WaitOptions } from '../../../session';
import { procDrbdOf, waitOptions, type Context } from '../../context';
import { EXIT } from '../../errors';
import type { Call, Target } from '../../line/call';
import { formatShellStatus, formatStatusLine, stateText, type MinorStatus } from '../text/states';
import { formatStatus } from '../text/status';
import { statusToJson9 } from '../text/status-json';
import {
  factsOfStatus,
  ifSupported,
  isUnknownObject,
  minorOfCall,
  readMinor,
  statusOf,
  type MinorFacts,
} from './minors';
import { noSuchResource, notOf, print, printJson } from './print';
import { resourceName } from './resource-name';

/** How often the dumps are taken again when something changed meanwhile. */
const READ_TRIES = 3;

/** `status`: the text of the generation; in JSON the Snapshot, or, asked for behind the command, DRBD 9's arrays. */
export async function runStatus(client: Client, call: Call, context: Context): Promise<number> {
  const { target, plain } = call;
  if (context.globals.json) return printSnapshot(client, call, context);
  if (plain.has('json')) {
    const { resources } = await readSnapshot(client, call, context);
    context.io.stdout.write(statusToJson9(resources));
    return resources.length === 0 && target.kind === 'resource' ? noSuchResource(context) : EXIT.ok;
  }
  switch (client.dialect) {
    case 'connector': {
      const { unknown, ...status } = await statusOf83(client, call, context);
      return print(context, formatStatusLine(status), () => undefined, unknown);
    }
    case 'genl1': {
      const { stdout } = context.io;
      const resources = await readResources(client, target, context, true);
      if (resources.length === 0 && target.kind === 'resource') return noSuchResource(context);
      const color = plain.get('color') ?? 'auto';
      const text = formatStatus(resources, {
        verbose: plain.has('verbose'),
        statistics: plain.has('statistics'),
        // The option alone says always.
        color: color === 'always' || color === '' || (color === 'auto' && stdout.isTerminal),
        columns: stdout.columns,
      });
      return print(context, text, () => undefined);
    }
    case 'genl2':
      return notOf(client, 'status');
  }
}

/** `sh-status` of DRBD 8: the states as assignments for a shell. A minor that does not exist is told as such. */
export async function runShellStatus(client: Client, call: Call, context: Context): Promise<number> {
  const { target } = call;
  if (context.globals.json || call.plain.has('json')) return printSnapshot(client, call, context);
  const write = (status: MinorStatus): void => context.io.stdout.write(formatShellStatus(status, client.dialect));
  switch (client.dialect) {
    case 'connector': {
      const { unknown, ...status } = await statusOf83(client, call, context);
      return print(context, formatShellStatus(status, client.dialect), () => undefined, unknown);
    }
    case 'genl1': {
      const replies = await statusOf(client, target, context);
      if (replies.length === 0 && target.kind === 'resource') return noSuchResource(context);
      for (const reply of replies) write(statusOfFacts(factsOfStatus(reply, context), client));
      if (replies.length === 0 && target.kind === 'minor')
        write({ minor: target.minor, resource: '', volume: undefined, state: undefined, percent: undefined });
      return EXIT.ok;
    }
    case 'genl2':
      return notOf(client, 'sh-status');
  }
}

function statusOfFacts({ minor, resource, volume, state, percent }: MinorFacts, { dialect }: Client): MinorStatus {
  return { minor, resource, volume, percent, state: state === undefined ? undefined : stateText(state, dialect) };
}

/** To a cluster manager, a minor that does not exist is a state like any other. */
async function statusOf83(
  client: ConnectorClient,
  call: Call,
  context: Context,
): Promise<MinorStatus & Pick<MinorFacts, 'unknown'>> {
  const minor = minorOfCall(call);
  const resource = context.io.env['DRBD_RESOURCE'];
  try {
    const facts = await readMinor(client, minor, 'state', context);
    return { ...statusOfFacts({ ...facts, resource }, client), unknown: facts.unknown };
  } catch (error) {
    if (!isUnknownObject(error)) throw error;
    return { minor, resource, volume: undefined, state: undefined, percent: undefined, unknown: [] };
  }
}

/** The whole state in JSON, of what the command is about. */
async function printSnapshot(client: Client, call: Call, context: Context): Promise<number> {
  const { target } = call;
  const all: SnapshotJson =
    client.dialect === 'connector'
      ? snapshotToJson(await snapshotOf83(client, minorOfCall(call), context))
      : snapshotToJson(await client.status(waitOptions(context)));
  const resources = all.resources.filter(
    ({ name, devices }) =>
      (target.kind !== 'resource' || name === target.name) &&
      (target.kind !== 'minor' || devices.some(({ minor }) => minor === target.minor)),
  );
  if (resources.length === 0 && target.kind === 'resource') return noSuchResource(context);
  return printJson({ ...all, resources }, context);
}

/** The states that drbdsetup of DRBD 9 prints, by the questions of the generation's own `status` where it has any. */
async function readSnapshot(
  client: Client,
  call: Call,
  context: Context,
): Promise<{ readonly resources: readonly Resource[] }> {
  switch (client.dialect) {
    case 'connector':
      return snapshotOf83(client, minorOfCall(call), context);
    case 'genl1':
      return { resources: await readResources(client, call.target, context, false) };
    case 'genl2':
      return client.status(waitOptions(context));
  }
}

/** The Snapshot of one minor. What a recording holds no answer to is missing. */
async function snapshotOf83(client: ConnectorClient, minor: number, context: Context): Promise<Snapshot> {
  const wait = waitOptions(context);
  const ask = (name: 'get_state' | 'get_uuids' | 'get_config'): Promise<{ readonly tags: object } | undefined> =>
    client.request(name, { minor }, wait).catch((error: unknown) => {
      if (
        (name !== 'get_state' && (error instanceof KernelError || error instanceof MismatchError)) ||
        isUnknownObject(error)
      )
        return undefined;
      throw error;
    });
  const state = await ask('get_state');
  const uuids = state === undefined ? undefined : await ask('get_uuids');
  const config = state === undefined ? undefined : await ask('get_config');
  const proc = procDrbdOf(context.backend);
  const name = resourceName(minor, context);
  return buildConnectorSnapshot({
    driver: client.driver,
    order: byteOrderOf(context.backend),
    minors: state === undefined ? [] : [{ minor, state: state.tags, uuids: uuids?.tags, config: config?.tags }],
    procDrbd:
      proc === undefined ? undefined : { ...proc, devices: proc.devices.filter((device) => device.minor === minor) },
    names: name === undefined ? undefined : new Map([[minor, name]]),
    complete: state === undefined || (uuids !== undefined && config !== undefined),
  });
}

type Dumps = NonNullable<Genl1Sources['dumps']>;

/**
 * Reads the resources of 8.4 as its drbdsetup does: the names first, then of each its parts. When something came or went
 * between the dumps, they are taken again, a few times, so that what is printed belongs together.
 * @param bareConnections those without addresses are wanted too
 */
async function readResources(
  client: Genl1Client,
  target: Target,
  context: Context,
  bareConnections: boolean,
): Promise<readonly Resource[]> {
  const wait = waitOptions(context);
  const sources = { driver: client.driver, order: byteOrderOf(context.backend) };
  const build = (what: Pick<Genl1Sources, 'dumps' | 'status'>): Snapshot =>
    buildGenl1Snapshot({ ...sources, ...what, bareConnections });
  for (let attempt = 1; ; attempt++) {
    const all = await ifSupported(client.request('get_resources', {}, wait));
    if (all === undefined) return build({ status: await statusOf(client, target, context) }).resources;
    const wanted = all
      .map((reply) => ({ reply, name: nameOf(reply) }))
      .filter(({ name }) => target.kind !== 'resource' || name === target.name)
      .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
    const whole = asksOfAll(wanted.length, target, context) ? await dumpsOfAll(client, all, wait) : undefined;
    if (whole !== undefined) {
      if (whole.complete || attempt >= READ_TRIES)
        return build({ dumps: { ...whole.dumps, resources: wanted.map(({ reply }) => reply) } }).resources;
      continue;
    }
    const answers = await client.dumpEach(
      wanted.map(({ name }) => ({ context: { ctx_resource_name: name } })),
      [{ name: 'get_devices' }, { name: 'get_connections' }, { name: 'get_peer_devices', onlyIfPrevious: 2 }],
      wait,
    );
    const dumps = { resources: [], devices: [], connections: [], peerDevices: [] } as {
      [N in keyof Dumps]: Dumps[N][number][];
    };
    let complete = true;
    for (const [index, { reply }] of wanted.entries()) {
      const answer = answers[index];
      if (answer?.status === 'fulfilled') {
        const { get_devices: devices, get_connections: connections, get_peer_devices: peerDevices } = answer.value;
        dumps.resources.push(reply);
        dumps.devices.push(...devices);
        dumps.connections.push(...connections);
        dumps.peerDevices.push(...peerDevices);
        complete &&= belongTogether(devices, connections, peerDevices);
      } else if (isUnknownObject(answer?.reason)) complete = false;
      else throw answer?.reason;
    }
    if (complete || attempt >= READ_TRIES) return build({ dumps }).resources;
  }
}

/** From how many resources on the parts of all are asked for at once. */
const MANY_RESOURCES = 8;

/** A recording holds the questions of the C tool, one for each resource, and is asked by them; so is a machine with few. */
function asksOfAll(count: number, target: Target, { backend, globals }: Context): boolean {
  return (
    count >= MANY_RESOURCES && target.kind !== 'resource' && backend.kind === 'kernel' && globals.record === undefined
  );
}

/**
 * Reads the parts of all resources, a dump of each kind.
 * @param resources as the kernel listed them just now
 * @returns undefined where a resource came or went: the kernel ends a dump early, without a word, when the resource that
 *   it has come to is gone
 */
async function dumpsOfAll(
  client: Genl1Client,
  resources: Dumps['resources'] & readonly Placed[],
  wait: WaitOptions,
): Promise<{ readonly dumps: Omit<Dumps, 'resources'>; readonly complete: boolean } | undefined> {
  const devices = await client.request('get_devices', {}, wait);
  const connections = await client.request('get_connections', {}, wait);
  const peerDevices =
    devices.length === 0 || connections.length === 0 ? [] : await client.request('get_peer_devices', {}, wait);
  const after: readonly Placed[] = await client.request('get_resources', {}, wait);
  const isSame = (resource: Placed, index: number): boolean => nameOf(resource) === nameOf(after[index]);
  if (after.length !== resources.length || !resources.every(isSame)) return undefined;
  const [ofDevices, ofConnections, ofPeerDevices] = [devices, connections, peerDevices].map(byResource);
  const complete = [...(ofConnections ?? [])].every(([name, connected]) =>
    belongTogether(ofDevices?.get(name) ?? [], connected, ofPeerDevices?.get(name) ?? []),
  );
  return { dumps: { devices, connections, peerDevices }, complete };
}

/** What tells the parts of a resource apart. */
interface Placed {
  readonly context?: {
    readonly ctx_resource_name?: string;
    readonly ctx_volume?: number;
    readonly ctx_my_addr?: Uint8Array;
    readonly ctx_peer_addr?: Uint8Array;
  };
}

function byResource(replies: readonly Placed[]): ReadonlyMap<string, readonly Placed[]> {
  const found = new Map<string, Placed[]>();
  for (const reply of replies) {
    const name = nameOf(reply);
    const others = found.get(name);
    if (others === undefined) found.set(name, [reply]);
    else others.push(reply);
  }
  return found;
}

const nameOf = (reply: Placed | undefined): string => reply?.context?.ctx_resource_name ?? '';

/**
 * @returns whether the dumps of a resource are of one moment: the kernel lists a peer device for each pair of device and
 *   connection, but for a connection that has no addresses yet
 */
function belongTogether(
  devices: readonly Placed[],
  connections: readonly Placed[],
  peerDevices: readonly Placed[],
): boolean {
  const volumes = (replies: readonly Placed[]): string =>
    replies
      .map(({ context }) => context?.ctx_volume ?? -1)
      .sort((a, b) => a - b)
      .join();
  const link = ({ context }: Placed): string | undefined =>
    context?.ctx_my_addr === undefined || context.ctx_peer_addr === undefined
      ? undefined
      : `${formatHex(context.ctx_my_addr)} ${formatHex(context.ctx_peer_addr)}`;
  const expected = volumes(devices);
  return connections.every((connection) => {
    const own = link(connection);
    return own === undefined || volumes(peerDevices.filter((candidate) => link(candidate) === own)) === expected;
  });
}
