import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { ArgumentError, ClosedError, TransportError, UnsupportedError, type SentState } from '../errors';
import type { Datagram, SocketCounters } from './transport';

/** What became of a socket's datagrams when it was closed. */
export interface Closing {
  /** Those with higher ids were never handed to the kernel. */
  readonly lastStarted: number;
  /** The one that is inside the kernel still; 0 if none. */
  readonly inFlight: number;
  /** Pairs of id and errno, flat: those that came back and were not told yet. */
  readonly completions: readonly number[];
}

export interface SyncOutcome {
  readonly outcome: 'accepted' | 'timeout' | 'overrun' | 'failed';
  readonly sent: SentState;
  /** What failed, for `overrun` and `failed`. */
  readonly syscall: string;
  readonly errno: number;
}

/** native/socket.h */
export interface NetlinkSocket {
  readonly portId: number;
  readonly closed: boolean;
  useProcesses(): void;
  send(bytes: Uint8Array, port: number, groups: number): number;
  progress(id: number): SentState;
  cancel(id: number): boolean;
  join(group: number): void;
  leave(group: number): void;
  ref(): void;
  unref(): void;
  close(): Closing | undefined;
  counters(): SocketCounters;
  exchangeSync(
    bytes: Uint8Array,
    port: number,
    groups: number,
    timeoutMs: number,
    accept: (datagram: Datagram) => boolean,
  ): SyncOutcome;
}

/** What the addon calls: one call for each wake-up. */
export type Listener = (
  ...event: ['datagrams', readonly Datagram[]] | ['overrun'] | ['sent', readonly number[]] | ['failed', number]
) => void;

/** The addon's exports (native/addon.cc). */
export interface Addon {
  readonly NetlinkSocket: new (
    protocol: number,
    receiveBufferBytes: number,
    groups: number,
    listener: Listener,
  ) => NetlinkSocket;
  tryLock(path: string): { readonly id: number } | { readonly holder: number };
  unlock(id: number): boolean;
  blockDevice(path: string): {
    readonly isBlockDevice: boolean;
    readonly major: number;
    readonly minor: number;
    readonly sizeBytes: bigint;
  };
  senderThreads(): number;
}

const FILE = 'node_drbd.node';
let loaded: Addon | undefined;

/**
 * Where the addon may be, in order: as asked for; as built here, which was done because somebody wanted it or the other
 * did not load; as shipped.
 */
function candidates(): readonly string[] {
  const asked = process.env['NODE_DRBD_ADDON'];
  if (asked !== undefined && asked !== '') return [asked];
  // This file is dist/lib/transport/addon.js of the package.
  const root = join(__dirname, '../../..');
  return [join(root, 'build/Release', FILE), join(root, 'prebuilds', `${process.platform}-${process.arch}`, FILE)];
}

/**
 * Loads the addon when it is first needed.
 * @throws UnsupportedError that says where it was looked for and what to do
 */
export function loadAddon(): Addon {
  if (loaded !== undefined) return loaded;
  const tried: string[] = [];
  let cause: unknown;
  for (const path of candidates()) {
    if (!existsSync(path)) {
      tried.push(`${path}: not there`);
      continue;
    }
    try {
      loaded = require(path) as Addon;
      return loaded;
    } catch (error) {
      cause ??= error;
      tried.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new UnsupportedError(
    `the native part of node-drbd cannot be loaded on ${process.platform}-${process.arch} with Node ${process.versions.node} (${tried.join('; ')}). ` +
      'Build it with "npm rebuild node-drbd" (a C++ compiler, make and python3 are needed), or install without --ignore-scripts',
    {
      feature: 'netlink sockets',
      dialect: undefined,
      requires: 'the compiled addon',
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

/** @returns such as `EPERM`, and what it means; for a positive errno */
export function errnoText(errno: number): string {
  const [name, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, ''];
  return text === '' ? name : `${name} (${errno}, ${text})`;
}

const EPERM = 1;
const EBADF = 9;
const EPROTONOSUPPORT = 93;
const EAFNOSUPPORT = 97;

function advice(syscall: string, errno: number): string {
  if (errno === EPERM && (syscall === 'bind' || syscall === 'setsockopt'))
    return ': joining this multicast group needs CAP_NET_ADMIN; run as root';
  if (errno === EPROTONOSUPPORT || errno === EAFNOSUPPORT)
    return ': this kernel, or this network namespace, does not have the netlink protocol';
  return '';
}

/**
 * Runs what calls the addon, and makes the package's errors of what it throws. `run` calls nothing else: what a
 * callback throws is its caller's own.
 * @throws ArgumentError for a value that the addon does not take, ClosedError, TransportError
 */
export function calling<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw asTransportError(what, error);
  }
}

/**
 * By shape, not by class: the addon's errors are those of the context that loaded it, which need not be this one's
 * (node:vm).
 */
function asTransportError(what: string, error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('message' in error)) return error;
  const message = String(error.message);
  if ('code' in error && error.code === 'ERR_INVALID_ARG_TYPE')
    return new ArgumentError(what, message, { cause: error });
  if (
    !('errno' in error) ||
    typeof error.errno !== 'number' ||
    !('syscall' in error) ||
    typeof error.syscall !== 'string'
  )
    return error;
  const { errno, syscall } = error;
  if (errno === EBADF) return new ClosedError(`${what}: the socket is closed`, 'no', { cause: error });
  return new TransportError(`${what}: ${message}: ${errnoText(errno)}${advice(syscall, errno)}`, {
    syscall,
    errno,
    cause: error,
  });
}
