import { KernelError, UnsupportedError } from '../errors';
import { returnCodes, type ConnectorReply } from '../dialects/connector';
import { isUnconfigured } from '../dialects/state-word';
import type { ByteOrder } from '../netlink';
import type { WaitOptions } from '../session';
import type { Dialect } from './client';
import type { GenericReply } from './generic-client';
import type { ProcDrbd } from '../dialects/proc-drbd';

/** How a guard asks: the byte order is that of the machine that answers. */
type GuardOptions = WaitOptions & { readonly order: ByteOrder };

/** Requests that a driver never returns from, on a minor that exists but has neither disk nor network. */
const HANGS: Readonly<Record<Dialect, readonly string[]>> = {
  connector: ['invalidate', 'invalidate_peer', 'pause_sync', 'suspend_io'],
  genl1: ['suspend_io'],
  genl2: [],
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
    if (device === undefined ? createDevice === true : device.connection === 'Unconfigured')
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
  if (device !== undefined && device.connection !== 'Unconfigured') return;
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

function isIdle(status: GenericReply, order: ByteOrder): boolean {
  const state = (status['state_info'] as { readonly current_state?: number } | undefined)?.current_state;
  return state === undefined || isUnconfigured(state, order);
}
