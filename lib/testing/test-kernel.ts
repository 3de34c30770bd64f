import { openDrbd, type ConnectorClient } from '../drbd';
import { createSimulator, type Simulator, type SimulatorOptions } from '../simulator';

/** A simulated kernel of a test's own, and a client of it. */
export interface TestKernel {
  readonly drbd: ConnectorClient;
  readonly simulator: Simulator;
}

/** What a kernel has where a test names no disks. */
const DISKS = { '/dev/vg/r0': { sizeBytes: 1 << 30 }, '/dev/vg/r1': { sizeBytes: 1 << 30 } };

/**
 * Runs a test with a fresh simulated kernel of DRBD 8.3 in this process and a client of it: no privilege, no bus,
 * nothing shared with other tests. Both are closed when the test has ended, in whichever way.
 * @param options of the simulator; without `disks` it has /dev/vg/r0 and /dev/vg/r1, 1 GiB each
 * @returns what the test returns
 */
export async function withTestKernel<T>(
  test: (kernel: TestKernel) => Promise<T> | T,
  options: SimulatorOptions = {},
): Promise<T> {
  const simulator = createSimulator({ disks: DISKS, ...options });
  try {
    const { transport, byteOrder } = simulator;
    const drbd = await openDrbd({ dialect: 'connector', transport, byteOrder });
    try {
      return await test({ drbd, simulator });
    } finally {
      drbd.close();
    }
  } finally {
    simulator.close();
  }
}
