import { machineExchange, machineSetup, type SimulatedMachine } from '../dialects/simulated-machine';
import { DrbdError, TransportError } from '../errors';
import { hostByteOrder } from '../netlink';
import { attempt, newCounters, RequestSocket, type WaitOptions } from '../session';
import { nativeTransport } from '../transport/native';
import type { HostFiles } from '../transport/transport';

/** A simulator answers at once, or is not there. */
const TIMEOUT_MS = 5000;
const ENOENT = 2;

/**
 * @param port of the simulator on this machine's bus
 * @returns the files of its machine, as of the last refresh
 */
export function simulatedMachine(port: number): {
  readonly host: HostFiles;
  refresh(options: WaitOptions): Promise<void>;
} {
  const order = hostByteOrder();
  let machine: SimulatedMachine | undefined;
  // Kept for the next command of a batch. It keeps no process alive while nothing is asked.
  let socket: RequestSocket | undefined;
  const ask = (wait: WaitOptions): Promise<SimulatedMachine> => {
    if (socket === undefined || socket.closed)
      socket = new RequestSocket(nativeTransport(), machineSetup(port, order), newCounters());
    const asked = socket;
    const exchange = machineExchange(order);
    return attempt<SimulatedMachine>(exchange.what, wait, (settle) => asked.start(exchange, settle));
  };
  let failure = 'it was not asked';
  const refresh = async ({ timeoutMs = TIMEOUT_MS, signal }: WaitOptions): Promise<void> => {
    try {
      machine = await ask({ timeoutMs: Math.min(timeoutMs, TIMEOUT_MS), ...(signal ? { signal } : {}) });
    } catch (error) {
      // That nobody is there is for the command to find out: not every one needs to know of the machine.
      if (!(error instanceof DrbdError)) throw error;
      machine = undefined;
      failure = error.message;
    }
  };
  return {
    host: {
      simulated: true,
      refresh,
      procDrbd: () => machine?.procDrbd ?? { error: 'ENOENT' },
      connectorIndex: () => machine?.connectorIndex ?? undefined,
      blockDevice: (path) => {
        const found = machine?.blockDevices.get(path);
        if (found !== undefined) return { path, ...found };
        const disks = [...(machine?.blockDevices.keys() ?? [])].filter((name) => !name.startsWith('/dev/drbd'));
        const why =
          machine === undefined
            ? `the simulator at port ${port} does not tell of its machine (${failure})`
            : `the simulated machine has no such device; it has ${disks.join(', ') || 'none'} (drbd simulate --disk)`;
        throw new TransportError(`opening ${path}: ENOENT (${ENOENT}): ${why}`, { syscall: 'open', errno: ENOENT });
      },
    },
    refresh,
  };
}
