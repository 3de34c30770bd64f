import { existsSync, readFileSync } from 'node:fs';
import { UnsupportedError } from '../errors';
import { machineFiles, openDrbd, type Client, type Dialect } from '../drbd';
import type { WaitOptions } from '../session';
import { readBlockDevice, type BlockDevice } from '../transport/block-device';
import { acquireLock, type FileLock } from '../transport/locks';
import type { HostFiles, Transport } from '../transport/transport';
import type { Globals } from './globals';

/** What a command speaks to: the kernel of this machine, or something that stands for it, with the facts of its host. */
export interface Backend {
  /** `kernel`: this machine's. `simulator`: one on this machine's connector bus. `replay`: a recording. `given`: a transport of the caller's. */
  readonly kind: 'kernel' | 'simulator' | 'replay' | 'given';
  /** The dialect, where it is known before anybody is asked. */
  readonly dialect: Dialect | undefined;
  /** /proc/drbd and its kin. A simulator on the bus has none here. */
  readonly host: HostFiles;
  /** @returns a client; the same one until it is closed. @throws what openDrbd throws */
  client(options?: WaitOptions): Promise<Client>;
  /**
   * @returns undefined for what is no block device
   * @throws TransportError if there is nothing at the path, or it may not be opened
   */
  blockDevice(path: string): BlockDevice | undefined;
  /**
   * Locks a minor against drbdmeta and other drbdsetup processes. A recording needs no lock, and takes none.
   * @throws LockedError, TransportError, AbortError
   */
  lock(minor: number, signal: AbortSignal | undefined): Promise<FileLock | undefined>;
  /** Closes the client; the backend may be used again. */
  close(): void;
}

/** Major number of DRBD's block devices. */
export const DRBD_MAJOR = 147;
/** As long as the C tools wait for whoever has the lock. */
const LOCK_TIMEOUT_MS = 1000;
/** Before drbd-utils 9.25, and since. The second counts where it exists. */
const LOCK_DIRECTORY = '/var/lock';
const RUN_LOCK_DIRECTORY = '/var/run/drbd/lock';

/** What makes up a backend that speaks through a transport. */
export interface BackendSetup {
  readonly kind: Backend['kind'];
  readonly dialect?: Dialect | undefined;
  /** Native sockets if absent. */
  readonly transport?: Transport | undefined;
  readonly simulator?: number | undefined;
  /** Block devices as a recording's header has them; this machine's if absent. */
  readonly blockDevice?: ((path: string) => BlockDevice | undefined) | undefined;
  /** Directory of the lock files; where DRBD's tools have them if absent. */
  readonly lockDirectory?: string | undefined;
  /** False takes no locks. */
  readonly locks?: boolean | undefined;
}

const NO_HOST: HostFiles = { procDrbd: () => ({ error: 'ENOENT' }), connectorIndex: () => undefined };

export function createBackend(setup: BackendSetup): Backend {
  let opened: Promise<Client> | undefined;
  const { kind, dialect, transport, simulator } = setup;
  return {
    kind,
    dialect: dialect ?? (simulator === undefined ? undefined : 'connector'),
    host: transport?.host ?? (simulator === undefined ? machineFiles : NO_HOST),
    client: (options = {}) => {
      opened ??= openDrbd({
        ...options,
        ...(dialect === undefined ? {} : { dialect }),
        ...(transport === undefined ? {} : { transport }),
        ...(simulator === undefined ? {} : { simulator }),
      });
      return opened;
    },
    blockDevice: setup.blockDevice ?? readBlockDevice,
    lock: async (minor, signal) => {
      if (setup.locks === false) return undefined;
      const name = `drbd-${DRBD_MAJOR}-${minor}`;
      const directories = setup.lockDirectory !== undefined ? [setup.lockDirectory] : existsSync(RUN_LOCK_DIRECTORY) ? [LOCK_DIRECTORY, RUN_LOCK_DIRECTORY] : [LOCK_DIRECTORY];
      const locks: FileLock[] = [];
      try {
        for (const directory of directories) locks.push(await acquireLock(`${directory}/${name}`, { timeoutMs: LOCK_TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) }));
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
    close: () => {
      const client = opened;
      opened = undefined;
      // One that could not be opened has nothing to close; whoever asked for it was told.
      client?.then((open) => {
        open.close();
      }, () => undefined);
    },
  };
}

/** @returns the backend that the global options ask for. Nothing is opened or asked yet. @throws UnsupportedError */
export function backendOf(globals: Globals): Backend {
  const { dialect, lockDirectory, record, replay, simulator } = globals;
  if (record !== undefined || replay !== undefined) {
    throw new UnsupportedError('recordings are not part of this build', { feature: record === undefined ? '--replay' : '--record', requires: 'a build with recordings' });
  }
  return createBackend({ kind: simulator === undefined ? 'kernel' : 'simulator', dialect, simulator, lockDirectory });
}

/** @returns whether a file is there and what it holds, or undefined; for small files of the system */
export function readSmallFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
