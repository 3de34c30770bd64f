import { spawn, spawnSync, type ChildProcess, type SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { datagramsOf, loadAddon, type Listener, type NetlinkSocket } from '../../lib/transport/addon';
import { NETLINK_USERSOCK, type Datagram } from '../../lib/transport/transport';

/** How much of the counts of the long loops is done: 1, or less where every step is slow (the sanitizers). */
export const scale = Number(process.env['NATIVE_SCALE'] ?? '1');

export const EPERM = 1;
export const EBADF = 9;
export const EBUSY = 16;
export const EMSGSIZE = 90;
export const ENOBUFS = 105;
export const ECONNREFUSED = 111;
export const ENODATA = 61;

const folder = join(__dirname, '../native');

/** Sleeps without turning the event loop: what arrives stays in the kernel. */
export function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Waits for a condition, turning the loop. */
export async function until(what: string, condition: () => boolean, timeoutMs = 20_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`still not so after ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits for a condition without turning the loop. */
export function blockUntil(what: string, condition: () => boolean, timeoutMs = 20_000): void {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`still not so after ${timeoutMs} ms: ${what}`);
    blockFor(2);
  }
}

/** As {@link Listener}, with the datagrams taken out of their buffer. */
export type RawListener = (
  ...event: ['datagrams', readonly Datagram[]] | Exclude<Parameters<Listener>, ['datagrams', ...unknown[]]>
) => void;

/** A socket of the addon itself. */
export function openRaw(
  listener: RawListener = () => undefined,
  options: { readonly receiveBufferBytes?: number; readonly groups?: number } = {},
): NetlinkSocket {
  return new (loadAddon().NetlinkSocket)(
    NETLINK_USERSOCK,
    options.receiveBufferBytes ?? 0,
    options.groups ?? 0,
    (...event) => {
      if (event[0] === 'datagrams') listener('datagrams', datagramsOf(event[1], event[2], event[3]));
      else listener(...event);
    },
  );
}

/**
 * Bytes that wait in a USERSOCK socket's receive queue, as the kernel accounts for them; undefined if nobody has the
 * port.
 */
export function queuedBytes(port: number): number | undefined {
  for (const line of readFileSync('/proc/self/net/netlink', 'utf8').split('\n').slice(1)) {
    const [, protocol, owner, , received] = line.trim().split(/\s+/);
    if (Number(protocol) === NETLINK_USERSOCK && Number(owner) === port) return Number(received);
  }
  return undefined;
}

export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/**
 * Threads of this process that send, by the name that the addon gives them: also those whose library nobody else has
 * loaded.
 */
export function senderThreads(): number {
  return readdirSync('/proc/self/task').filter((thread) => {
    try {
      return readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim() === 'netlink-sender';
    } catch {
      return false;
    }
  }).length;
}

/** An error of the addon is one of Node's own context, not of jest's: `instanceof` does not know it. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Whether this process may join groups (CAP_NET_ADMIN in its network's user namespace). */
export function mayJoinGroups(): boolean {
  const socket = openRaw();
  try {
    socket.join(1);
    return true;
  } catch (error) {
    if (isObject(error) && 'errno' in error && error.errno === EPERM) return false;
    throw error;
  } finally {
    socket.close();
  }
}

/** Whether this process has CAP_NET_ADMIN in the machine's first user namespace, which some options ask for. */
export function hasHostNetAdmin(): boolean {
  const capabilities = BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  const firstNamespace = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/).join(' ') === '0 0 4294967295';
  return firstNamespace && ((capabilities >> 12n) & 1n) === 1n;
}

/** Without what the sanitizers need: for programs that are not ours. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  delete environment['LD_PRELOAD'];
  return environment;
}

/** SO_RCVBUF of a stuck peer; the kernel makes twice as much of it, and takes a few datagrams of 1000 bytes. */
const PEER_BUFFER_BYTES = 4096;

/** Another process with a USERSOCK socket (test/native/peer.ts). */
export class Peer {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#process = child;
  }

  /**
   * - `stuck` does not read until it is released;
   * - `echo` sends everything back to its sender;
   * - `flood` sends to a port without end.
   */
  static async open(mode: 'stuck' | 'echo' | 'flood', target = 0): Promise<Peer> {
    const child = spawn(process.execPath, [join(folder, 'peer.js'), mode, String(target), String(PEER_BUFFER_BYTES)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    return new Peer(Number(line), child);
  }

  /** A stuck peer reads from now on. */
  release(): void {
    this.#process.stdin?.write('go\n');
  }

  /** It ends with this process, and does not keep it. */
  unref(): void {
    this.#process.unref();
    for (const stream of [this.#process.stdin, this.#process.stdout]) if (stream instanceof Socket) stream.unref();
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}

/**
 * Waits until a sender is held inside the kernel by a stuck peer whose buffer is full. Does not turn the loop.
 * @param current says which datagram is inside the kernel; below 0 if none is
 * @returns that
 */
export function blockUntilParked(peer: Pick<Peer, 'port'>, current: () => number): number {
  let steady = 0;
  let before = '';
  let datagram = -1;
  // When exactly the kernel calls a buffer full differs between its releases; that nothing moves does not.
  blockUntil('a sender is parked', () => {
    datagram = current();
    const queued = queuedBytes(peer.port) ?? 0;
    const now = `${datagram} ${queued}`;
    steady = now === before && datagram >= 0 && queued > PEER_BUFFER_BYTES ? steady + 1 : 0;
    before = now;
    return steady === 10;
  });
  return datagram;
}

/**
 * Sends to a stuck peer until one datagram is held inside the kernel. Does not turn the loop.
 * @returns its id, and that of one that is queued behind it
 */
export function park(
  socket: Pick<NetlinkSocket, 'send' | 'progress'>,
  peer: Pick<Peer, 'port'>,
): { readonly parked: number; readonly last: number } {
  const ids = Array.from({ length: 40 }, (_, index) => socket.send(new Uint8Array(1000).fill(index), peer.port, 0));
  const parked = blockUntilParked(peer, () => ids.find((id) => socket.progress(id) === 'started') ?? -1);
  return { parked, last: ids.at(-1) ?? 0 };
}

/**
 * Every command starts so: with CAP_NET_ADMIN, by root or in a user and network namespace of its own; or without it.
 */
function prefix(privilege: 'any' | 'with' | 'without'): readonly string[] {
  if (privilege === 'any') return [];
  const may = mayJoinGroups();
  if (privilege === 'with' && !may) return ['unshare', '--user', '--map-root-user', '--net'];
  if (privilege === 'without' && may) return ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
  return [];
}

/** Runs a scenario (test/native/scenarios.ts) in a process of its own. */
export function runScenario(
  name: string,
  options: {
    readonly privilege?: 'with' | 'without';
    readonly arguments?: readonly string[];
    readonly flags?: readonly string[];
  } = {},
): SpawnSyncReturns<string> {
  const { privilege = 'any', arguments: rest = [], flags = [] } = options;
  const [command = '', ...before] = [...prefix(privilege), process.execPath];
  return spawnSync(command, [...before, ...flags, join(folder, 'scenarios.js'), name, ...rest], {
    encoding: 'utf8',
    timeout: 110_000,
    killSignal: 'SIGKILL',
  });
}

/** Runs a scenario that must end well: it says so itself as its last line. */
export function expectScenario(name: string, options: Parameters<typeof runScenario>[1] = {}): readonly string[] {
  const { status, signal, stdout, stderr, error } = runScenario(name, options);
  const lines = stdout.trimEnd().split('\n');
  expect({ name, status, signal, error, stderr, last: lines.at(-1) }).toEqual({
    name,
    status: 0,
    signal: null,
    error: undefined,
    stderr: '',
    last: 'done',
  });
  return lines.slice(0, -1);
}
