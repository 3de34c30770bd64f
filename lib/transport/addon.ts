import { existsSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { ArgumentError, ClosedError, TransportError, UnsupportedError, type SentState } from '../errors';
import type { Datagram, SocketCounters } from './transport';

/** What became of a socket's datagrams when it was closed. */
export interface Closing {
  /** Those with higher ids were never handed to the kernel. */
  readonly lastStarted: number;
  /** The one that is inside the kernel still; 0 if none. */
  readonly inFlight: number;
  /** Triples of id, errno and step (native/helper.h), flat: those that came back and were not told yet. */
  readonly completions: readonly number[];
}

/** native/socket.h */
export interface NetlinkSocket {
  readonly portId: number;
  readonly closed: boolean;
  useHelper(): void;
  send(bytes: Uint8Array, port: number, groups: number): number;
  /** Where {@link NetlinkSocket.sendNow} finds what it sends; the same for all sockets. */
  readonly outbox: ArrayBuffer;
  sendNow(length: number, port: number, groups: number): number;
  ask(questions: readonly Uint8Array[], onlyIfPrevious: readonly number[], port: number): number;
  progress(id: number): SentState;
  cancel(id: number): boolean;
  join(group: number): void;
  leave(group: number): void;
  ref(): void;
  unref(): void;
  close(): Closing | undefined;
  counters(): SocketCounters;
}

/** What the addon calls: one call for each wake-up, unless that brings very much. */
export type Listener = (
  ...event:
    | ['datagrams', count: number, bytes: ArrayBuffer, facts: ArrayBuffer]
    | ['overrun']
    | ['sent', readonly number[]]
    | ['failed', number]
) => void;

/** Numbers for each datagram in what the addon calls its facts (native/inbox.h). */
const FACTS = 6;
let known: Uint32Array | undefined;

/** Takes apart what the listener is called with. @returns the datagrams; their bytes stay as they are */
export function datagramsOf(count: number, bytes: ArrayBuffer, facts: ArrayBuffer): readonly Datagram[] {
  if (known?.buffer !== facts) known = new Uint32Array(facts);
  const numbers = known;
  const datagrams: Datagram[] = [];
  for (let at = 0; at < count * FACTS; at += FACTS)
    datagrams.push({
      bytes: new Uint8Array(bytes, numbers[at], numbers[at + 1]),
      port: numbers[at + 2] ?? 0,
      groups: numbers[at + 3] ?? 0,
      group: numbers[at + 4] ?? 0,
      truncated: numbers[at + 5] !== 0,
    });
  return datagrams;
}

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
/** This module in the package: as tsc writes it, and in the file that scripts/bundle puts it into. */
const PLACES = [join('dist', 'lib', 'transport', 'addon.js'), join('dist', 'package', 'node-drbd.js')];
const BUILD = join('native', 'build.js');
let loaded: Addon | undefined;

/**
 * The package's own folder; undefined where this code became part of another program, whose folders are nothing to
 * load native code from.
 */
function ownFolder(): string | undefined {
  // Bundlers that write ES modules leave no __filename.
  const file = typeof __filename === 'string' ? __filename : '';
  const place = PLACES.find((candidate) => file.endsWith(sep + candidate));
  return place === undefined ? undefined : file.slice(0, -(place.length + 1));
}

/** The C library, as far as it decides which binaries load. */
function cLibrary(): string {
  const report = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  const version = report.header?.glibcVersionRuntime;
  return version === undefined ? 'a C library other than glibc' : `glibc ${version}`;
}

function failure(what: string, next: string, cause?: unknown): UnsupportedError {
  return new UnsupportedError(`the native part of node-drbd: ${what}. ${next}`, {
    feature: 'netlink sockets',
    dialect: undefined,
    requires: 'the compiled addon',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Whether Node's permission model, where it is on, lets a file be read: one that it hides looks like one that is absent. */
const isHidden = (path: string): boolean =>
  (process.permission as typeof process.permission | undefined)?.has('fs.read', path) === false;

const allowReading = (place: string): string => `Start Node with --allow-fs-read=${place} and --allow-addons`;

/** An addon that is there and does not load: why, and what helps. */
function notLoaded(path: string, error: unknown, next: string): UnsupportedError {
  const why = error instanceof Error ? error.message : String(error);
  const denied = error instanceof Error && 'code' in error && error.code === 'ERR_DLOPEN_DISABLED';
  return failure(
    `${path} cannot be loaded in Node ${process.versions.node} on linux-${process.arch} with ${cLibrary()}: ${why}`,
    denied ? 'Start Node with --allow-addons' : next,
    error,
  );
}

/** As `require` does, which bundlers look into, and which costs the start of a program more. */
function load(path: string): Addon {
  const module = { exports: {} };
  process.dlopen(module, path);
  return module.exports as Addon;
}

/**
 * Loads the addon when it is first needed: the file that NODE_DRBD_ADDON names; else, from the package's own folder
 * and from nowhere else, the one that was compiled there, which was done because the other did not serve; else the
 * prebuilt one.
 * @throws UnsupportedError that says what failed and what to do
 */
export function loadAddon(): Addon {
  if (loaded !== undefined) return loaded;
  const { platform, arch } = process;
  if (platform !== 'linux') {
    throw new UnsupportedError(
      `node-drbd: a DRBD kernel can be opened on Linux only, and this is ${platform}. Use the simulator (node-drbd/simulator) or a recording (replayTransport) here`,
      { feature: 'a DRBD kernel', dialect: undefined, requires: 'Linux' },
    );
  }
  const asked = process.env['NODE_DRBD_ADDON'];
  if (asked !== undefined && asked !== '') {
    const path = resolve(asked);
    if (isHidden(path))
      throw failure(`Node's permission model hides ${path}, which NODE_DRBD_ADDON names`, allowReading(path));
    if (!existsSync(path))
      throw failure(`${path}, which NODE_DRBD_ADDON names, is not there`, 'Correct the variable, or unset it');
    try {
      return (loaded = load(path));
    } catch (error) {
      throw notLoaded(path, error, 'Correct NODE_DRBD_ADDON, or unset it');
    }
  }
  const root = ownFolder();
  if (root === undefined) {
    throw failure(
      'this copy of the code was bundled into another program and does not look for native code around it',
      `Keep node-drbd out of the bundle (esbuild --external:node-drbd; "external" of rollup; "externals" of webpack), or let NODE_DRBD_ADDON name a copy of prebuilds/linux-${arch}/${FILE} of the package`,
    );
  }
  const build = `node ${join(root, BUILD)}`;
  const compile = `Compile it with one command: "${build}" (g++, make and python3 are needed). The package has no install script, so no setting of npm about scripts has to do with it`;
  const files = [join(root, 'native', 'build', 'Release', FILE), join(root, 'prebuilds', `${platform}-${arch}`, FILE)];
  const hidden = files.find(isHidden);
  if (hidden !== undefined) throw failure(`Node's permission model hides ${hidden}`, allowReading(root + sep));
  const present = files.filter((file) => existsSync(file));
  if (present.length === 0) {
    throw failure(`there is none for ${platform}-${arch} in the package (looked for ${files.join(' and ')})`, compile);
  }
  const failures: UnsupportedError[] = [];
  for (const path of present) {
    try {
      return (loaded = load(path));
    } catch (error) {
      failures.push(notLoaded(path, error, compile));
    }
  }
  throw failures.at(-1);
}

/** @returns such as `EPERM`, and what it means; for a positive errno */
export function errnoText(errno: number): string {
  const [name, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, ''];
  return text === '' ? name : `${name} (${errno}, ${text})`;
}

const EPERM = 1;
const EBADF = 9;
const EACCES = 13;
const EISDIR = 21;
const EINVAL = 22;
const ELOOP = 40;
const EPROTONOSUPPORT = 93;
const EAFNOSUPPORT = 97;

function advice(syscall: string, errno: number): string {
  if (errno === EPERM && (syscall === 'bind' || syscall === 'setsockopt'))
    return ': joining this multicast group needs CAP_NET_ADMIN; run as root';
  if ((errno === EPERM || errno === EACCES) && (syscall === 'socket' || syscall === 'sendmsg'))
    return ': a sandbox (seccomp, SELinux, AppArmor) forbids it, or CAP_NET_ADMIN is missing; run as root outside of it';
  if (errno === EPROTONOSUPPORT || errno === EAFNOSUPPORT)
    return ': this kernel, or this network namespace, does not have the netlink protocol';
  if (syscall === 'open' && (errno === EISDIR || errno === EINVAL || errno === ELOOP))
    return '. Remove it, or name another file';
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
export function asTransportError(what: string, error: unknown): unknown {
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
