import { KernelError, NetlinkError } from '../../errors';
import { returnCodes } from '../../dialects/connector';
import { operations as genl1Operations } from '../../dialects/genl1';
import { isUnconfigured } from '../../dialects/state-word';
import { hostByteOrder, type ByteOrder } from '../../netlink';
import { remainingOf, type WaitOptions } from '../../session';
import type { ProcDrbd } from '../../dialects/proc-drbd';
import { buildConnectorSnapshot, type ConnectorMinor } from './connector';
import { buildGenl1Snapshot, type Genl1Reply } from './genl1';
import type { Snapshot } from './snapshot';
import { resyncKind } from './states';
import { fieldsOf, numberOf, type Fields } from './values';

export interface ReadOptions extends WaitOptions {
  /** Byte order of the machine that answers; this one's if absent. */
  readonly order?: ByteOrder;
  /** Names of resources by minor, for the connector dialect, whose kernel knows none. */
  readonly names?: ReadonlyMap<number, string>;
  /** Sizes of the devices by minor, for the connector dialect, whose netlink interface does not tell them. */
  readonly sizesBytes?: ReadonlyMap<number, bigint>;
}

interface DriverFacts {
  readonly version: string | null;
  readonly api: number | null;
}

/** What is needed of a client of the connector dialect. */
export interface ConnectorReader {
  readonly driver: DriverFacts;
  request(
    name: 'get_state' | 'get_config' | 'get_uuids',
    params: { readonly minor: number },
    options: WaitOptions,
  ): Promise<{ readonly tags: Fields }>;
}

/** What is needed of a client of a generic netlink dialect. */
export interface GenericReader {
  readonly driver: DriverFacts;
  request(name: string, params: Readonly<Record<string, unknown>>, options: WaitOptions): Promise<unknown>;
}

/** DRBD_MINOR_COUNT_MAX: an 8.3 driver has no minor beyond. */
const MOST_MINORS = 256;
/** Requests under way at the same time; each answer must fit into the socket's buffer beside the others. */
const AT_ONCE = 16;
/** How often the dumps are taken again when something changed meanwhile. */
const READ_TRIES = 3;
const EOPNOTSUPP = 95;

/**
 * Reads the state of a DRBD 8.0-8.3 driver: of the minors that /proc/drbd lists, or else of all that there can be.
 * @param proc what /proc/drbd says, if it could be read: without it there are no counters
 * @throws what request() throws, but for a minor that does not exist
 */
export async function connectorSnapshot(
  client: ConnectorReader,
  proc: ProcDrbd | undefined,
  options: ReadOptions = {},
): Promise<Snapshot> {
  const remaining = remainingOf(options);
  const candidates =
    proc === undefined
      ? Array.from({ length: MOST_MINORS }, (_unused, minor) => minor)
      : proc.devices.map(({ minor }) => minor);
  const order = options.order ?? hostByteOrder();
  const minors: ConnectorMinor[] = [];
  let vanished = false;
  const readOne = async (minor: number): Promise<void> => {
    const state = await ifExists(client.request('get_state', { minor }, remaining()));
    if (state === undefined) {
      if (proc !== undefined) vanished = true;
      return;
    }
    const word = numberOf(state.tags['state_i']);
    if (word !== null && isUnconfigured(word, order)) {
      minors.push({ minor, state: state.tags });
      return;
    }
    const [config, uuids] = await Promise.all([
      ifExists(client.request('get_config', { minor }, remaining())),
      ifExists(client.request('get_uuids', { minor }, remaining())),
    ]);
    minors.push({ minor, state: state.tags, config: config?.tags, uuids: uuids?.tags });
  };
  for (let at = 0; at < candidates.length; at += AT_ONCE)
    await Promise.all(candidates.slice(at, at + AT_ONCE).map(readOne));
  const known = new Set(minors.map(({ minor }) => minor));
  return buildConnectorSnapshot({
    driver: client.driver,
    order,
    minors,
    // Minors do not go away one by one: a line without a minor is of another driver's life.
    procDrbd:
      proc === undefined ? undefined : { ...proc, devices: proc.devices.filter(({ minor }) => known.has(minor)) },
    names: options.names,
    sizesBytes: options.sizesBytes,
    complete: !vanished,
  });
}

async function ifExists<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof KernelError && error.returnCode === returnCodes.ERR_MINOR_INVALID) return undefined;
    throw error;
  }
}

/**
 * Reads the state of a DRBD 8.4 module. When objects came or went between the dumps, they are taken again, a few times;
 * `source.complete` tells whether that helped.
 * @param operations numbers of those that the module has; empty if unknown. Before 8.4.6 there is only get_status
 * @param proc what /proc/drbd says, if it could be read: it has the estimates of time
 * @throws what request() throws
 */
export async function genl1Snapshot(
  client: GenericReader,
  operations: ReadonlySet<number>,
  proc: ProcDrbd | undefined,
  options: ReadOptions = {},
): Promise<Snapshot> {
  const remaining = remainingOf(options);
  const order = options.order ?? hostByteOrder();
  const dump = async (
    name: 'get_resources' | 'get_devices' | 'get_connections' | 'get_peer_devices' | 'get_status',
  ): Promise<readonly Genl1Reply[]> => {
    const replies = await client.request(name, {}, remaining());
    return Array.isArray(replies) ? (replies as readonly Genl1Reply[]) : [];
  };
  const { driver } = client;
  const old = async (): Promise<Snapshot> =>
    buildGenl1Snapshot({ driver, order, status: await dump('get_status'), procDrbd: proc });
  if (operations.size > 0 && !operations.has(genl1Operations.get_resources.number)) return old();
  for (let attempt = 1; ; attempt++) {
    let resources: readonly Genl1Reply[];
    try {
      resources = await dump('get_resources');
    } catch (error) {
      if (error instanceof NetlinkError && error.errno === EOPNOTSUPP) return old();
      throw error;
    }
    const dumps = {
      resources,
      devices: await dump('get_devices'),
      connections: await dump('get_connections'),
      peerDevices: await dump('get_peer_devices'),
    };
    const resyncs = dumps.peerDevices.some(
      (reply) => resyncKind('genl1', numberOf(fieldsOf(reply['peer_device_info'])['peer_repl_state'])) === 'sync',
    );
    const snapshot = buildGenl1Snapshot({
      driver,
      order,
      dumps,
      status: resyncs ? await dump('get_status') : undefined,
      procDrbd: proc,
    });
    if (snapshot.source.complete || attempt >= READ_TRIES) return snapshot;
  }
}
