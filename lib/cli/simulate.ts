import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ArgumentError } from '../errors';
import {
  createSimulator,
  joinBridge,
  listenSimulator,
  openBridge,
  parseMeetingPoint,
  type BackingDeviceOptions,
  type Bridge,
  type Listening,
  type Simulator,
} from '../simulator';
import { writeWholeFile } from './whole-file';

/** Where a command's text goes. */
export interface Streams {
  out(text: string): void;
  err(text: string): void;
}

/** How often a pipe is tried that nobody reads yet. */
const PIPE_RETRY_MS = 50;

const USAGE = 2;
const FAILED = 20;
const DEFAULT_MINORS = 32;
/** What can be attached where nothing else is said: RAM disks of 64 MiB with empty metadata. */
const DEFAULT_DISKS = 16;
const DEFAULT_DISK_BYTES = 64 * 2 ** 20;

export const SIMULATE_HELP = `drbd simulate: a simulated kernel with DRBD 8.3 on this machine's connector bus

Usage: drbd simulate [--minors N] [--disk PATH=SIZE]... [--address ADDRESS]... [--network-open AT | --network-join AT] [--port-file FILE]

It prints its port and answers until it is ended (Ctrl-C). Programs reach it with --simulator PORT or DRBD_SIMULATOR=PORT.
No disk is opened and no data is written: disks exist in the simulator only.

  --minors N        how many minors may be created, 1 to 256 (${DEFAULT_MINORS})
  --disk PATH=SIZE  a disk that can be attached, such as /dev/vg/r0=10G; may be repeated
                    (/dev/ram0 to /dev/ram${DEFAULT_DISKS - 1} of 64M each, if none is given)
  --address ADDRESS an address of the simulated machine, such as 10.0.0.1; may be repeated (any address, if none is given)
  --network-open AT let minors of another simulator find those of this one: PORT, HOST:PORT or the path of a Unix socket
  --network-join AT join a simulator that was started with --network-open
  --port-file FILE  write the port there, once it answers; a file is replaced, a pipe or device written to
  --help            this text

Joining the bus needs CAP_NET_ADMIN in its network namespace; for a look around, any user can have one:
  unshare --user --map-root-user --net sh -c 'drbd simulate --port-file port & sleep 1; drbdsetup --simulator $(cat port) 0 status'
`;

const UNITS: Readonly<Record<string, bigint>> = {
  '': 1n,
  k: 1n << 10n,
  m: 1n << 20n,
  g: 1n << 30n,
  t: 1n << 40n,
  p: 1n << 50n,
  s: 512n,
};

function parseDisk(text: string): readonly [path: string, options: BackingDeviceOptions] {
  const match = /^(.+)=(\d{1,15})([kmgtps]?)$/iu.exec(text);
  if (match === null)
    throw new ArgumentError('--disk', `PATH=SIZE is needed, such as /dev/vg/r0=10G, not ${JSON.stringify(text)}`);
  const [, path = '', digits = '0', unit = ''] = match;
  return [path, { sizeBytes: BigInt(digits) * (UNITS[unit.toLowerCase()] ?? 1n) }];
}

/** A pipe gets it when somebody reads. */
async function writePort(file: string, text: string, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    try {
      writeWholeFile(file, text);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
      await sleep(PIPE_RETRY_MS);
    }
  }
}

/**
 * `drbd simulate`.
 * @param ended fires when it is to end
 * @returns the exit status: 0 when ended, 2 on wrong arguments, 20 if it cannot start
 */
export async function simulate(args: readonly string[], streams: Streams, ended: AbortSignal): Promise<number> {
  let values: {
    readonly minors?: string;
    readonly disk?: string[];
    readonly address?: string[];
    readonly 'network-open'?: string;
    readonly 'network-join'?: string;
    readonly 'port-file'?: string;
    readonly help?: boolean;
  };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        minors: { type: 'string' },
        disk: { type: 'string', multiple: true },
        address: { type: 'string', multiple: true },
        'network-open': { type: 'string' },
        'network-join': { type: 'string' },
        'port-file': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    streams.err(`drbd simulate: ${error instanceof Error ? error.message : String(error)}. See drbd simulate --help\n`);
    return USAGE;
  }
  if (values.help === true) {
    streams.out(SIMULATE_HELP);
    return 0;
  }
  let simulator: Simulator | undefined;
  let bridge: Bridge | undefined;
  let listening: Listening | undefined;
  try {
    const disks =
      values.disk === undefined
        ? Object.fromEntries(
            Array.from({ length: DEFAULT_DISKS }, (_unused, number) => [
              `/dev/ram${number}`,
              { sizeBytes: DEFAULT_DISK_BYTES, major: 1, minor: number },
            ]),
          )
        : Object.fromEntries(values.disk.map(parseDisk));
    const minors = values.minors ?? String(DEFAULT_MINORS);
    if (!/^\d{1,4}$/u.test(minors))
      throw new ArgumentError('--minors', `a number from 1 to 256 is needed, not ${JSON.stringify(minors)}`);
    const open = values['network-open'];
    const join = values['network-join'];
    if (open !== undefined && join !== undefined)
      throw new ArgumentError('--network-open', 'cannot be given together with --network-join');
    simulator = createSimulator({
      minorCount: Number(minors),
      disks,
      seed: BigInt(Date.now()),
      ...(values.address === undefined ? {} : { addresses: values.address }),
    });
    if (open !== undefined) bridge = await openBridge(simulator.network, parseMeetingPoint(open));
    if (join !== undefined) bridge = await joinBridge(simulator.network, parseMeetingPoint(join));
    listening = listenSimulator(simulator);
    streams.out(`${listening.port}\n`);
    const file = values['port-file'];
    if (file !== undefined) await writePort(file, `${listening.port}\n`, ended);
    await new Promise<void>((resolve) => {
      if (ended.aborted) resolve();
      else ended.addEventListener('abort', () => resolve(), { once: true });
    });
    const { requests, messages, overruns } = listening.counters();
    streams.err(
      `drbd simulate: ended after ${requests} requests and ${messages} messages${overruns === 0 ? '' : `; requests were lost ${overruns} times (ENOBUFS)`}\n`,
    );
    return 0;
  } catch (error) {
    streams.err(`drbd simulate: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof ArgumentError ? USAGE : FAILED;
  } finally {
    listening?.close();
    simulator?.close();
    bridge?.close();
  }
}
