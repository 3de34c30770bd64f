import { setTimeout as sleep } from 'node:timers/promises';
import { ArgumentError } from '../../errors';
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
} from '../../simulator';
import { tell, type Context } from '../context';
import { EXIT, UsageError } from '../errors';
import type { Clock } from '../io';
import { writeWholeFile } from '../whole-file';
import { command } from './command';

/** How often a pipe is tried that nobody reads yet. */
const PIPE_RETRY_MS = 50;

const USAGE = 2;
const DEFAULT_MINORS = 32;
/** What can be attached where nothing else is said: RAM disks of 64 MiB with empty metadata. */
const DEFAULT_DISKS = 16;
const DEFAULT_DISK_BYTES = 64 * 2 ** 20;

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

export const simulate = command({
  about: 'a simulated kernel with DRBD 8.3, to play with or to test against',
  details: [
    "It joins this machine's connector bus, prints its port, and answers until it is ended (Ctrl-C). Programs reach it with --simulator PORT or DRBD_SIMULATOR=PORT. No disk is opened and no data is written: disks exist in the simulator only.",
    'Joining the bus needs CAP_NET_ADMIN in its network namespace; for a look around, any user can have one, as in the example.',
  ],
  count: [0, 0],
  options: {
    minors: { argument: 'N', doc: `How many minors may be created, 1 to 256 (${DEFAULT_MINORS}).` },
    disk: {
      argument: 'PATH=SIZE',
      many: true,
      doc: `A disk that can be attached, such as /dev/vg/r0=10G (/dev/ram0 to /dev/ram${DEFAULT_DISKS - 1} of 64M each, if none is given).`,
    },
    address: {
      argument: 'ADDRESS',
      many: true,
      doc: 'An address of the simulated machine, such as 10.0.0.1 (any address, if none is given).',
    },
    'network-open': {
      argument: 'AT',
      doc: 'Let minors of another simulator find those of this one: PORT, HOST:PORT or the path of a Unix socket.',
    },
    'network-join': { argument: 'AT', doc: 'Join a simulator that was started with --network-open.' },
    'port-file': {
      argument: 'FILE',
      completes: 'file',
      doc: 'Write the port there, once it answers; a file is replaced, a pipe or device written to.',
    },
  },
  examples: [
    `unshare --user --map-root-user --net sh -c 'drbd simulate --port-file port & sleep 1; drbdsetup --simulator $(cat port) 0 status'`,
  ],
  usageExit: USAGE,
  server: true,
  offline: true,
  run: serve,
});

function makeSimulator(disk: readonly string[], minors: string, addresses: readonly string[], clock: Clock): Simulator {
  const disks =
    disk.length === 0
      ? Object.fromEntries(
          Array.from({ length: DEFAULT_DISKS }, (_unused, number) => [
            `/dev/ram${number}`,
            { sizeBytes: DEFAULT_DISK_BYTES, major: 1, minor: number },
          ]),
        )
      : Object.fromEntries(disk.map(parseDisk));
  if (!/^\d{1,4}$/u.test(minors))
    throw new ArgumentError('--minors', `a number from 1 to 256 is needed, not ${JSON.stringify(minors)}`);
  return createSimulator({
    minorCount: Number(minors),
    disks,
    seed: BigInt(clock.now().getTime()),
    ...(addresses.length === 0 ? {} : { addresses }),
  });
}

interface SimulateOptions {
  readonly minors: string | undefined;
  readonly disk: readonly string[];
  readonly address: readonly string[];
  readonly 'network-open': string | undefined;
  readonly 'network-join': string | undefined;
  readonly 'port-file': string | undefined;
}

async function serve({
  context,
  options,
}: {
  readonly context: Context;
  readonly options: SimulateOptions;
}): Promise<number> {
  const { io } = context;
  const ended = io.endSignal();
  const { minors = String(DEFAULT_MINORS), 'network-open': open, 'network-join': join, 'port-file': file } = options;
  let simulator: Simulator | undefined;
  let bridge: Bridge | undefined;
  let listening: Listening | undefined;
  try {
    if (open !== undefined && join !== undefined)
      throw new ArgumentError('--network-open', 'cannot be given together with --network-join');
    simulator = makeSimulator(options.disk, minors, options.address, io.clock);
    if (open !== undefined) bridge = await openBridge(simulator.network, parseMeetingPoint(open));
    if (join !== undefined) bridge = await joinBridge(simulator.network, parseMeetingPoint(join));
    listening = listenSimulator(simulator);
    io.stdout.write(`${listening.port}\n`);
    if (file !== undefined) await writePort(file, `${listening.port}\n`, ended);
    await new Promise<void>((resolve) => {
      if (ended.aborted) resolve();
      else ended.addEventListener('abort', () => resolve(), { once: true });
    });
    const { requests, messages, overruns } = listening.counters();
    tell(
      `ended after ${requests} requests and ${messages} messages${overruns === 0 ? '' : `; requests were lost ${overruns} times (ENOBUFS)`}`,
      context,
    );
    return EXIT.ok;
  } catch (error) {
    if (error instanceof ArgumentError) throw new UsageError(error.message, { exitCode: USAGE });
    throw error;
  } finally {
    listening?.close();
    simulator?.close();
    bridge?.close();
  }
}
