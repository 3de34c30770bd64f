import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import type { Client, OperationName, SocketAddress } from '../../lib';
import { KernelError, NetlinkError } from '../../lib';

export type Genl1Name = OperationName<'genl1'>;

/** A loopback address with a port. */
export function loopback(port: number): SocketAddress {
  return { family: 'ipv4', address: '127.0.0.1', port };
}

/** Writes empty metadata to a disk, as drbdadm would. */
export function createMetadata(minor: number, disk: string): void {
  execFileSync('drbdmeta', ['--force', String(minor), 'v08', disk, 'internal', 'create-md'], { stdio: 'pipe' });
}

/** The line of /proc/drbd that a minor begins with, or undefined. */
export function procLine(minor: number): string | undefined {
  return readFileSync('/proc/drbd', 'utf8')
    .split('\n')
    .find((line) => line.trimStart().startsWith(`${minor}: `));
}

/** What the kernel answered so far, by operation. */
export class Answers {
  readonly #succeeded = new Set<string>();
  readonly #refused = new Map<string, Set<number>>();

  succeeded(name: string): boolean {
    return this.#succeeded.has(name);
  }

  refusals(name: string): readonly number[] {
    return [...(this.#refused.get(name) ?? [])].sort((a, b) => a - b);
  }

  /** Sends a request that must succeed. */
  async succeed<T>(name: string, answer: Promise<T>): Promise<T> {
    const result = await answer;
    this.#succeeded.add(name);
    return result;
  }

  /** Sends a request that the kernel must refuse with this return code, or netlink with minus this errno for a dump. */
  async refuse(name: string, code: number, answer: Promise<unknown>): Promise<KernelError | NetlinkError> {
    try {
      await answer;
    } catch (error) {
      if (error instanceof KernelError && error.returnCode === code) return this.#note(name, code, error);
      if (error instanceof NetlinkError && -error.errno === code) return this.#note(name, code, error);
      throw error;
    }
    throw new Error(`${name} succeeded, though ${code} was expected`);
  }

  #note<E>(name: string, code: number, error: E): E {
    const codes = this.#refused.get(name) ?? new Set<number>();
    this.#refused.set(name, codes.add(code));
    return error;
  }
}

/**
 * Waits until the first connection and device of each of some resources satisfy a condition, all of them in one
 * snapshot.
 */
export async function waitForState(
  drbd: Client<'genl1'>,
  resources: readonly string[],
  what: { readonly state?: string; readonly replication?: string; readonly disk?: string; readonly peerDisk?: string },
): Promise<void> {
  await drbd.waitFor(
    (snapshot) =>
      resources.every((resource) => {
        const found = snapshot.resources.find(({ name }) => name === resource);
        const connection = found?.connections[0];
        const peer = connection?.peerDevices[0];
        return (
          found !== undefined &&
          (what.state === undefined || connection?.state === what.state) &&
          (what.replication === undefined || peer?.replication === what.replication) &&
          (what.disk === undefined || found.devices[0]?.disk === what.disk) &&
          (what.peerDisk === undefined || peer?.peerDisk === what.peerDisk)
        );
      }),
    { timeoutMs: 60_000 },
  );
}

/** As both sides of a mirror see it once all is copied. */
export const UP_TO_DATE = {
  state: 'Connected',
  disk: 'UpToDate',
  peerDisk: 'UpToDate',
  replication: 'Established',
} as const;

/** One side of a mirror within the guest. */
export interface MirrorSide {
  readonly name: string;
  readonly minor: number;
  readonly disk: string;
  readonly my: SocketAddress;
  readonly peer: SocketAddress;
}

/**
 * Creates, attaches and connects both sides, and makes the first the source: when it resolves, both are up to date and
 * the first is primary.
 */
export async function createMirror(
  drbd: Client<'genl1'>,
  sides: readonly [MirrorSide, MirrorSide],
  netOptions: { readonly ping_timeo?: number } = {},
): Promise<void> {
  for (const { name, minor, disk, my, peer } of sides) {
    createMetadata(minor, disk);
    await drbd.request('new_resource', { context: { ctx_resource_name: name } });
    await drbd.request('new_minor', { minor, context: { ctx_resource_name: name, ctx_volume: 0 } });
    await drbd.request('attach', {
      minor,
      disk_conf: { backing_dev: disk, meta_dev: disk, meta_dev_idx: -1, resync_rate: 204_800, c_plan_ahead: 0 },
    });
    await drbd.request('connect', {
      context: { ctx_resource_name: name, ctx_my_addr: my, ctx_peer_addr: peer },
      net_conf: { wire_protocol: 3, ...netOptions },
    });
  }
  const [{ name, minor }] = sides;
  await waitForState(drbd, [name], { state: 'Connected', replication: 'Established' });
  await drbd.request('primary', { minor, set_role_parms: { assume_uptodate: true } });
  await waitForState(
    drbd,
    sides.map((side) => side.name),
    UP_TO_DATE,
  );
}
