import {
  createSimulator,
  listenSimulator,
  Network,
  VirtualClock,
  type Listening,
  type Simulator,
} from '../../lib/simulator';
import {
  Machine,
  RAM_DISKS,
  type MachineOptions,
  type Program,
  type ProgramOptions,
  type ProgramResult,
} from './machine';
import type { ScenarioKernel } from './scenario';

const BLOCK_BYTES = 4096;
const TICK_MS = 2;

/** A machine whose kernel is simulated, at a port of this machine's connector bus. */
export interface SimulatedMachine {
  readonly machine: Machine;
  readonly kernel: ScenarioKernel;
  readonly simulator: Simulator;
  readonly clock: VirtualClock;
  close(): Promise<void>;
}

/** What a scenario does with a simulator. */
function scenarioKernel(
  simulator: Simulator,
  listening: Listening,
  clock: VirtualClock,
  access: { privileged: boolean },
): ScenarioKernel {
  let replies = 0;
  simulator.onDatagram((_departure, { kind }) => {
    if (kind === 'reply') replies++;
  });
  const held = new Map<number, () => void>();
  return {
    procDrbd: () => simulator.procDrbd() ?? '',
    pass: (milliseconds) => {
      clock.advance(milliseconds);
    },
    unanswered: () => listening.counters().requests - replies,
    createMetadata: (path, place) => {
      simulator.disk(path).createMetadata(place);
    },
    hold: (minor, mode) => {
      held.get(minor)?.();
      held.delete(minor);
      if (mode !== 'closed') held.set(minor, simulator.openMinor(minor));
    },
    busy: (path, as) => {
      simulator.disk(path).busy = as;
    },
    write: (minor) => {
      const result = simulator.write(minor, [0, 1]);
      if (result !== 'done') throw new Error(`writing ${BLOCK_BYTES} bytes to minor ${minor}: ${result}`);
    },
    privileged: (as) => {
      access.privileged = as;
    },
  };
}

interface HostOptions extends Omit<MachineOptions, 'port' | 'procDrbd'> {
  readonly clock: VirtualClock;
  readonly network: Network;
  /** Whether the disks have metadata at first. */
  readonly metadata: 'internal' | 'none';
  readonly minorCount?: number;
}

function simulatedMachine({ clock, network, metadata, minorCount = 32, ...options }: HostOptions): SimulatedMachine {
  const access = { privileged: true };
  const disks = Object.fromEntries(
    RAM_DISKS.map(({ path, sizeBytes, major, minor }) => [path, { sizeBytes, major, minor, metadata }]),
  );
  const simulator = createSimulator({
    clock,
    network,
    disks,
    minorCount,
    addresses: ['127.0.0.1', '::1', ...(options.addresses ?? [])],
  });
  const listening = listenSimulator(simulator, { privileged: () => access.privileged });
  const machine = new Machine({
    ...options,
    port: listening.port,
    blockDevices: [...RAM_DISKS, ...(options.blockDevices ?? [])],
    procDrbd: () => simulator.procDrbd() ?? '',
  });
  return {
    machine,
    simulator,
    clock,
    kernel: scenarioKernel(simulator, listening, clock, access),
    close: async () => {
      await machine.close();
      listening.close();
      simulator.close();
    },
  };
}

/** A path of 127 bytes that the recorded machine had for its first RAM disk. */
const LONG_PATH = `/dev/${'y'.repeat(122)}`;

/** The recorded machine: 8 RAM disks of 64 MiB without metadata, 2 processors. @param minorCount 32 there */
export function recordedMachine(minorCount = 32): SimulatedMachine {
  const [first] = RAM_DISKS;
  const made = simulatedMachine({
    clock: new VirtualClock(),
    network: new Network(),
    metadata: 'none',
    minorCount,
    blockDevices: first === undefined ? [] : [{ ...first, path: LONG_PATH }],
  });
  made.simulator.linkDisk(LONG_PATH, '/dev/ram0');
  return made;
}

/** A host of a cluster. */
export interface HostName {
  readonly name: string;
  readonly address: string;
}

/** Some hosts with one configuration, each with a kernel of its own; their time is one. */
export class SimulatedCluster {
  readonly clock = new VirtualClock();
  readonly #network = new Network();
  readonly #hosts: ReadonlyMap<string, SimulatedMachine>;

  constructor(hosts: readonly HostName[], configuration: string) {
    this.#hosts = new Map(
      hosts.map(({ name, address }) => [
        name,
        simulatedMachine({
          clock: this.clock,
          network: this.#network,
          metadata: 'none',
          nodeName: name,
          addresses: [address],
          configuration,
        }),
      ]),
    );
  }

  host(name: string): SimulatedMachine {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }

  /** Writes /etc/drbd.conf of every host. */
  configure(text: string): void {
    for (const { machine } of this.#hosts.values()) machine.configure(text);
  }

  /**
   * Runs a program on a host to its end, while time passes there as fast as here.
   * @param haste how much faster the kernels' time runs than ours; 1 for a program that counts seconds itself
   */
  async run(
    name: string,
    argv: readonly string[],
    options: ProgramOptions & { readonly haste?: number } = {},
  ): Promise<ProgramResult> {
    const { haste = 1, ...rest } = options;
    return this.passing(this.host(name).machine.start(argv, rest), haste);
  }

  /** Waits for a program's end while time passes. */
  async passing(program: Program, haste = 1): Promise<ProgramResult> {
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      this.clock.advance((now - last) * haste);
      last = now;
    }, TICK_MS);
    try {
      return await program.result();
    } finally {
      clearInterval(timer);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#hosts.values()].map((host) => host.close()));
  }
}
