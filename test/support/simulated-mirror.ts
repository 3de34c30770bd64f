import { openDrbd, type Client } from '../../lib/drbd';
import { KernelError, OverrunError, UnsupportedError } from '../../lib/errors';
import { createSimulator, VirtualClock, type Simulator } from '../../lib/simulator';

type Minor = 0 | 1;

/** What a test may do with the two minors. */
export const acts = [
  'attach',
  'connect',
  'primary',
  'disconnect',
  'detach',
  'secondary',
  'pause_sync',
  'resume_sync',
  'verify',
  'rate',
] as const;
export type Act = (typeof acts)[number];

const loopback = (port: number): { readonly family: 'ipv4'; readonly address: string; readonly port: number } => ({
  family: 'ipv4',
  address: '127.0.0.1',
  port,
});

/** A simulated machine with two minors that can mirror each other, and a client that changes them. */
export class SimulatedMirror {
  private constructor(
    readonly simulator: Simulator,
    readonly clock: VirtualClock,
    readonly client: Client<'connector'>,
  ) {}

  static async start(): Promise<SimulatedMirror> {
    const clock = new VirtualClock();
    const disk = { sizeBytes: 16 << 20 };
    const simulator = createSimulator({ clock, disks: { '/dev/d0': disk, '/dev/d1': disk } });
    return new SimulatedMirror(
      simulator,
      clock,
      await openDrbd({ transport: simulator.transport, dialect: 'connector' }),
    );
  }

  #request(what: Act, minor: Minor): Promise<unknown> {
    switch (what) {
      case 'attach': {
        const path = `/dev/d${minor}`;
        return this.client.request('disk_conf', {
          minor,
          createDevice: true,
          tags: { backing_dev: path, meta_dev: path, meta_dev_idx: -1 },
        });
      }
      case 'connect':
        return this.client.request('net_conf', {
          minor,
          createDevice: true,
          tags: { my_addr: loopback(7788 + minor), peer_addr: loopback(7789 - minor), wire_protocol: 3 },
        });
      case 'primary':
        return this.client.request('primary', { minor, tags: { primary_force: true } });
      case 'verify':
        return this.client.request('start_ov', { minor, tags: { start_sector: 0n } });
      case 'rate':
        return this.client.request('syncer_conf', { minor, tags: { rate: 1000 } });
      case 'disconnect':
      case 'detach':
      case 'secondary':
      case 'pause_sync':
      case 'resume_sync':
        return this.client.request(what, { minor });
    }
  }

  /** Asks for something, which may be refused, and may take until the clock is advanced. */
  act(what: Act, minor: Minor): Promise<void> {
    return this.#request(what, minor).then(
      () => undefined,
      (error: unknown) => {
        const isExpected =
          error instanceof KernelError || error instanceof UnsupportedError || error instanceof OverrunError;
        if (!isExpected) throw error;
      },
    );
  }

  /** Lets time pass in steps, each of which may arrive. */
  async pass(milliseconds: number, steps = 1): Promise<void> {
    for (let step = 0; step < steps; step++) {
      this.clock.advance(milliseconds / steps);
      await turns();
    }
  }

  /** Both minors attached, connected and, where wanted, in the midst of their first resync. */
  async mirror(primary = false): Promise<void> {
    for (const minor of [0, 1] as const) {
      const asked = [this.act('attach', minor), this.act('connect', minor)];
      await this.pass(1000);
      await Promise.all(asked);
    }
    await this.pass(10_000);
    if (primary) {
      await this.act('primary', 0);
      await turns();
    }
  }

  close(): void {
    this.client.close();
    this.simulator.close();
  }
}

/** Lets everything that is under way within this process arrive. */
export async function turns(count = 30): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}
