import { KernelError, UnsupportedError } from '../errors';
import { returnCodes, type ConnectorReply } from '../dialects/connector';
import { connectionStates } from '../dialects/genl2';
import { isUnconfigured } from '../dialects/state-word';
import type { ByteOrder } from '../netlink';
import type { WaitOptions } from '../session';
import type { Dialect, GenericReply } from './client';
import { UNCONFIGURED, type ProcDrbd } from '../dialects/proc-drbd';

/** How a guard asks: the byte order is that of the machine that answers. */
type GuardOptions = WaitOptions & { readonly order: ByteOrder };

/**
 * Requests that hang or break a kernel in some state. 8.3: on a minor that exists but has neither disk nor network; 8.4:
 * on a resource without a worker; 9: with a node that is no peer (invalidate), or while it connects (del_path).
 */
const HANGS: Readonly<Record<Dialect, readonly string[]>> = {
  connector: ['invalidate', 'invalidate_peer', 'pause_sync', 'suspend_io'],
  genl1: ['suspend_io'],
  genl2: ['invalidate', 'del_path'],
};

/** Whether a request is one that is looked at before it is sent. */
export function mayHang(dialect: Dialect, name: string): boolean {
  return HANGS[dialect].includes(name);
}

/**
 * @returns whether a minor does not exist: what is asked of it is refused by the kernel, and harmless. DRBD 8.3 and 8.4
 *   have one number for that
 */
function isOfNoMinor(error: unknown): boolean {
  return error instanceof KernelError && error.returnCode === returnCodes.ERR_MINOR_INVALID;
}

function refusal(name: string, minor: number, dialect: Dialect, why: string, harm: string): UnsupportedError {
  return new UnsupportedError(
    `${name} of minor ${minor} was not sent: ${why}, and this kernel would ${harm}. Attach a disk or connect first, or force it (forceUnsafe). A race remains: the state can change between this check and a request`,
    { feature: name, dialect, requires: 'a disk or a network configuration' },
  );
}

/**
 * Refuses what is known to hang an 8.3 kernel: inside send(), unkillable, until reboot.
 * @param proc /proc/drbd, if it could be read; else the driver is asked for the state, which is harmless
 * @throws UnsupportedError
 */
export async function refuseConnectorHang(
  client: {
    request(
      name: 'get_state',
      params: { readonly minor: number },
      options: WaitOptions,
    ): Promise<ConnectorReply<'get_state'>>;
  },
  name: string,
  params: { readonly minor: number; readonly createDevice?: boolean },
  proc: ProcDrbd | undefined,
  { order, ...options }: GuardOptions,
): Promise<void> {
  const { minor, createDevice } = params;
  const refuse = (why: string): never => {
    throw refusal(name, minor, 'connector', why, 'never return from it');
  };
  if (proc !== undefined) {
    const device = proc.devices.find((candidate) => candidate.minor === minor);
    if (device === undefined ? createDevice === true : device.connection === UNCONFIGURED)
      refuse(device === undefined ? 'it would create an empty minor' : 'the minor has neither disk nor network');
    return;
  }
  let state: number | undefined;
  try {
    state = (await client.request('get_state', { minor }, options)).tags.state_i;
  } catch (error) {
    if (!isOfNoMinor(error)) throw error;
    if (createDevice === true) refuse('it would create an empty minor');
    return;
  }
  if (state === undefined || isUnconfigured(state, order)) refuse('the minor has neither disk nor network');
}

/**
 * Refuses what is known to hang an 8.4 kernel: suspend_io of a device whose resource has no worker, because none of its
 * volumes is attached and it is not connected. It would hold the generic netlink lock for ever.
 * @throws UnsupportedError
 */
export async function refuseGenericHang(
  client: {
    request(
      name: string,
      params: Readonly<Record<string, unknown>>,
      options: WaitOptions,
    ): Promise<GenericReply | readonly GenericReply[]>;
  },
  name: string,
  minor: number | undefined,
  proc: ProcDrbd | undefined,
  { order, ...options }: GuardOptions,
): Promise<void> {
  if (minor === undefined) return;
  const device = proc?.devices.find((candidate) => candidate.minor === minor);
  if (device !== undefined && device.connection !== UNCONFIGURED) return;
  let one: GenericReply;
  try {
    one = (await client.request('get_status', { minor }, options)) as GenericReply;
  } catch (error) {
    if (isOfNoMinor(error)) return;
    throw error;
  }
  if (!isIdle(one, order)) return;
  const resource = (one['context'] as { readonly ctx_resource_name?: string } | undefined)?.ctx_resource_name;
  const all = (await client.request(
    'get_status',
    resource === undefined ? {} : { context: { ctx_resource_name: resource } },
    options,
  )) as readonly GenericReply[];
  if (all.every((volume) => volume.minor === undefined || isIdle(volume, order))) {
    throw refusal(
      name,
      minor,
      'genl1',
      `no volume of resource ${resource ?? '(unknown)'} is attached or connected`,
      'deadlock while it holds the generic netlink lock: every DRBD command of every program would hang until reboot',
    );
  }
}

/** What the guard of DRBD 9 reads of a message. */
interface Connection {
  readonly context?: { readonly ctx_resource_name?: string; readonly ctx_peer_node_id?: number };
  readonly connection_info?: { readonly conn_connection_state?: number };
  readonly path_parms?: readonly unknown[];
}

interface Genl2Params {
  readonly minor?: number;
  readonly context?: { readonly ctx_resource_name?: string; readonly ctx_peer_node_id?: number };
  readonly invalidate_parms?: { readonly sync_from_peer_node_id?: number };
}

/** A module whose receiver breaks when a path goes while it listens; 9.1 and 9.3 were not seen to. */
const BREAKS_ON_DEL_PATH = /^9\.2\./u;
/** The peer is chosen by the kernel. */
const ANY_PEER = -1;

/**
 * Refuses what is known to break a DRBD 9 kernel: invalidate that is to copy from a node that is no peer (the kernel
 * follows a null pointer, and the resource stays locked), and, on 9.2, del_path while the connection listens on several
 * paths (its receiver breaks, and the next `down` never returns).
 * @param version of the module; null where it is not known, and may be any
 * @throws UnsupportedError
 */
export async function refuseGenl2Hang(
  client: {
    request(
      name: string,
      params: Readonly<Record<string, unknown>>,
      options: WaitOptions,
    ): Promise<GenericReply | readonly GenericReply[]>;
  },
  name: string,
  params: Genl2Params,
  version: string | null,
  options: WaitOptions,
): Promise<void> {
  const dump = async (dumped: string, context: Genl2Params['context']): Promise<readonly GenericReply[]> =>
    (await client.request(dumped, context === undefined ? {} : { context }, options)) as readonly GenericReply[];
  const connectionsOf = async (resource: string): Promise<readonly Connection[]> =>
    (await dump('get_connections', { ctx_resource_name: resource })) as readonly (GenericReply & Connection)[];
  try {
    if (name === 'invalidate') {
      const source = params.invalidate_parms?.sync_from_peer_node_id ?? ANY_PEER;
      if (source === ANY_PEER) return;
      const device = (await dump('get_devices', undefined)).find(({ minor }) => minor === params.minor);
      if (device === undefined) return;
      const { ctx_resource_name: resource } = (device as Connection).context ?? {};
      const peers = (resource === undefined ? [] : await connectionsOf(resource)).map(
        ({ context }) => context?.ctx_peer_node_id,
      );
      if (peers.includes(source)) return;
      throw new UnsupportedError(
        `invalidate of minor ${params.minor} was not sent: node ${source} is no peer of ${resource ?? 'its resource, which the kernel does not name'}, and this kernel would follow a null pointer and lock the resource until reboot. ${peers.length === 0 ? 'Configure the peer first' : `Name one of its peers (${peers.join(', ')})`}, or leave sync_from_peer_node_id out`,
        { feature: name, dialect: 'genl2', requires: 'a peer with this node id' },
      );
    }
    const { ctx_resource_name: resource, ctx_peer_node_id: peer } = params.context ?? {};
    if (resource === undefined || (version !== null && !BREAKS_ON_DEL_PATH.test(version))) return;
    const connection = (await connectionsOf(resource)).find(({ context }) => context?.ctx_peer_node_id === peer);
    if (connection === undefined) return;
    // What the kernel does not tell may be what breaks it.
    const state = connection.connection_info?.conn_connection_state ?? connectionStates.C_CONNECTING;
    const paths = connection.path_parms?.length;
    if (state !== connectionStates.C_CONNECTING || (paths !== undefined && paths < 2)) return;
    throw new UnsupportedError(
      `del_path of ${resource} was not sent: the connection to node ${peer} is Connecting over ${paths ?? 'an unknown number of'} paths, and ${version === null ? 'a module of DRBD 9.2, which this may be,' : `DRBD ${version}`} would break its receiver, so that the next down never returns. Send disconnect first, then del_path, then connect; or force it (forceUnsafe). A race remains: the state can change between this check and a request`,
      { feature: name, dialect: 'genl2', requires: 'a connection that is disconnected or connected' },
    );
  } catch (error) {
    // What does not exist is refused by the kernel itself, without harm.
    if (!(error instanceof KernelError)) throw error;
  }
}

/**
 * @returns what a person can do about a request that has not come back, where more is known than that it hangs; to be
 *   added to the error
 */
export function adviceAfterTimeout(dialect: Dialect, name: string): string | undefined {
  return dialect === 'genl2' && name === 'attach'
    ? 'DRBD 9 may be waiting for resync requests from before the disk was detached, for as long as the peer is connected: disconnect on the peer (the resource takes no other command here until then), or end the waiting process by a signal; then repeat the attach'
    : undefined;
}

function isIdle(status: GenericReply, order: ByteOrder): boolean {
  const state = (status['state_info'] as { readonly current_state?: number } | undefined)?.current_state;
  return state === undefined || isUnconfigured(state, order);
}
