import { closeSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { machineFiles, openDrbd, type Client, type Dialect, type OpenOptions } from '../drbd';
import { hostByteOrder, type ByteOrder } from '../netlink';
import {
  parseRecording,
  recordTransport,
  replayTransport,
  type RecordingClock,
  type RecordingEnd,
  type RecordingTransport,
  type RecordOptions,
  type ReplayOptions,
} from '../recording';
import type { WaitOptions } from '../session';
import { readBlockDevice, type BlockDevice } from '../transport/block-device';
import { acquireLock, type FileLock } from '../transport/locks';
import { nativeTransport } from '../transport/native';
import type { HostFiles, Transport } from '../transport/transport';
import { UsageError } from './errors';
import { openOutput } from './files';
import { simulatedMachine } from './simulated-machine';
import type { Globals } from './globals';
import { quote } from './line/number';

/**
 * What a command speaks to: the kernel of this machine, or something that stands for it, with the facts of its host.
 */
export interface Backend {
  /**
   * `kernel`: this machine's. `simulator`: one on this machine's connector bus. `replay`: a recording. `given`: a
   * transport of the caller's.
   */
  readonly kind: 'kernel' | 'simulator' | 'replay' | 'given';
  /** The dialect, where it is known before anybody is asked. */
  readonly dialect: Dialect | undefined;
  /** /proc/drbd and its kin, of the machine that is spoken to. */
  readonly host: HostFiles;
  /**
   * Reads anew what cannot be read when it is needed: the files of a simulator's machine, which have to be asked for.
   * Before each command. @throws AbortError
   */
  refresh(options?: WaitOptions): Promise<void>;
  /** @returns a client; the same one until it is closed. @throws what openDrbd throws */
  client(options?: WaitOptions & Pick<OpenOptions, 'procDrbdSuffices'>): Promise<Client>;
  /**
   * @returns undefined for what is no block device
   * @throws TransportError if there is nothing at the path, or it may not be opened
   */
  blockDevice(path: string): BlockDevice | undefined;
  /**
   * Locks a minor against drbdmeta and other drbdsetup processes. A recording needs no lock, and takes none; nor does a
   * simulator without a lock directory of its own.
   * @throws LockedError, TransportError, AbortError
   */
  lock(minor: number, signal: AbortSignal | undefined): Promise<FileLock | undefined>;
  /** @returns names of the questions that a recording did not hold; its answers to the others are shown all the same */
  missing(): readonly string[];
  /** Closes the client; the backend may be used again. */
  close(): void;
  /**
   * Closes it for good: a recording gets its last line. @param end how the program came to its end. @returns what went
   * wrong with the recording, in words
   */
  finish(end: RecordingEnd): string | undefined;
}

/** Major number of DRBD's block devices. */
export const DRBD_MAJOR = 147;
/** As long as the C tools wait for whoever has the lock. */
const LOCK_TIMEOUT_MS = 1000;
/** Before drbd-utils 9.25, and since. The second counts where it exists. */
export const LOCK_DIRECTORY = '/var/lock';
export const RUN_LOCK_DIRECTORY = '/var/run/drbd/lock';

/** What makes up a backend that speaks through a transport. */
export interface BackendSetup {
  readonly kind: Backend['kind'];
  readonly dialect?: Dialect | undefined;
  /** Native sockets if absent. */
  readonly transport?: Transport | undefined;
  readonly simulator?: number | undefined;
  /** Directory of the lock files; where DRBD's tools have them if absent. */
  readonly lockDirectory?: string | undefined;
  /** False takes no locks. */
  readonly locks?: boolean | undefined;
  /** {@link Backend.refresh}; there is nothing to read if absent. */
  readonly refresh?: ((options: WaitOptions) => Promise<void>) | undefined;
  /** {@link Backend.missing} */
  readonly missing?: (() => readonly string[]) | undefined;
  /** Called once, by {@link Backend.finish}. */
  readonly finish?: ((end: RecordingEnd) => string | undefined) | undefined;
}

export function createBackend(setup: BackendSetup): Backend {
  let opened: Promise<Client> | undefined;
  const { kind, dialect, transport, simulator } = setup;
  const host = transport?.host ?? machineFiles;
  const close = (): void => {
    const client = opened;
    opened = undefined;
    // One that could not be opened has nothing to close; whoever asked for it was told.
    client?.then(
      (open) => {
        open.close();
      },
      () => undefined,
    );
  };
  return {
    kind,
    dialect: dialect ?? (simulator === undefined ? host.driver?.dialect : 'connector'),
    host,
    refresh: (options = {}) => setup.refresh?.(options) ?? Promise.resolve(),
    missing: () => setup.missing?.() ?? [],
    client: (options = {}) => {
      if (opened !== undefined) return opened;
      const mine = openDrbd({
        ...options,
        ...(dialect === undefined ? {} : { dialect }),
        ...(transport === undefined ? {} : { transport }),
        ...(simulator === undefined ? {} : { simulator }),
      });
      opened = mine;
      // Whoever asks next asks anew.
      mine.catch(() => {
        if (opened === mine) opened = undefined;
      });
      return mine;
    },
    blockDevice: (path) => (host.blockDevice === undefined ? readBlockDevice(path) : host.blockDevice(path)),
    lock: async (minor, signal) => {
      if (setup.locks === false) return undefined;
      const name = `drbd-${DRBD_MAJOR}-${minor}`;
      const directories =
        setup.lockDirectory !== undefined
          ? [setup.lockDirectory]
          : existsSync(RUN_LOCK_DIRECTORY)
            ? [LOCK_DIRECTORY, RUN_LOCK_DIRECTORY]
            : [LOCK_DIRECTORY];
      const locks: FileLock[] = [];
      try {
        for (const directory of directories)
          locks.push(
            await acquireLock(`${directory}/${name}`, {
              timeoutMs: LOCK_TIMEOUT_MS,
              ...(signal === undefined ? {} : { signal }),
            }),
          );
      } catch (error) {
        for (const lock of locks) lock.release();
        throw error;
      }
      return {
        path: locks.map(({ path }) => path).join(', '),
        release: () => {
          for (const lock of locks) lock.release();
        },
      };
    },
    close,
    finish: (end) => {
      close();
      return setup.finish?.(end);
    },
  };
}

/**
 * @param replaying how a recording is handed out
 * @returns the backend that the global options ask for. Nothing is opened or asked yet, but a recording is read
 * @throws UsageError if a recording cannot be read or written; CodecError if it is none
 */
export function backendOf(
  globals: Globals,
  clock: RecordingClock,
  replaying: Pick<ReplayOptions, 'oneByOne'> = {},
): Backend {
  const { dialect, lockDirectory, record, replay, reveal, simulator } = globals;
  const kind = replay !== undefined ? 'replay' : simulator !== undefined ? 'simulator' : 'kernel';
  const answers =
    replay === undefined ? undefined : replayTransport(parseRecording(readRecording(replay), replay), replaying);
  // Whatever the kernel does with a request, this process has to end.
  const native = nativeTransport({ sendFromProcesses: true });
  const machine = simulator === undefined ? undefined : simulatedMachine(simulator);
  const transport = answers ?? (machine === undefined ? native : { ...native, host: machine.host });
  const recorder = record === undefined ? undefined : openRecorder(record, transport, { reveal, clock });
  return createBackend({
    kind,
    dialect,
    simulator,
    lockDirectory,
    transport: recorder?.transport ?? transport,
    refresh: machine?.refresh,
    missing: answers?.missing,
    // The lock files of this machine are about the minors of its kernel.
    locks: kind === 'kernel' || (kind === 'simulator' && lockDirectory !== undefined),
    finish: recorder?.finish,
  });
}

/** @returns the text of a recording. @throws UsageError */
export function readRecording(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(
      `the recording ${quote(path)} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
    );
  }
}

/**
 * Each line is in the file before the program goes on: what is stuck in the kernel, or was killed, has left its trace.
 */
function openRecorder(
  path: string,
  inner: Transport,
  options: RecordOptions,
): { readonly transport: RecordingTransport; finish(end: RecordingEnd): string | undefined } {
  let file: number | undefined;
  try {
    file = openOutput(path, 0o600);
  } catch (error) {
    throw new UsageError(
      `the recording ${quote(path)} cannot be written: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
    );
  }
  let problem: string | undefined;
  const fail = (error: unknown): void => {
    problem ??= `the recording ${quote(path)} is incomplete: ${(error as NodeJS.ErrnoException).code ?? String(error)}`;
  };
  // What the kernel is asked does not depend on whether it can be written down.
  const write = (text: string): void => {
    if (file === undefined || problem !== undefined) return;
    try {
      writeFileSync(file, text);
    } catch (error) {
      fail(error);
    }
  };
  const transport = recordTransport(inner, { write }, options);
  return {
    transport,
    finish: (end) => {
      transport.finish(end);
      try {
        if (file !== undefined) closeSync(file);
      } catch (error) {
        fail(error);
      }
      file = undefined;
      return problem;
    },
  };
}

/** @returns the byte order of the machine that is spoken to */
export function byteOrderOf(backend: Backend): ByteOrder {
  return backend.host.driver?.byteOrder ?? hostByteOrder();
}

/** @returns what a file holds, or undefined where it cannot be read; for small files of the system */
export function readSmallFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
