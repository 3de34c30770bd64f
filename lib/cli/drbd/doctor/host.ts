import { accessSync, constants, lstatSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { familyExchange, type Family } from '../../../dialects/generic';
import { genericSetup } from '../../../drbd';
import { DrbdError } from '../../../errors';
import { hostByteOrder } from '../../../netlink';
import { attempt, newCounters, RequestSocket } from '../../../session';
import { loadAddon } from '../../../transport/addon';
import { nativeTransport } from '../../../transport/native';
import { splitDevice } from '../../line/device';

/** Why something cannot be looked at: the errno's name, or words. */
export interface Unknown {
  readonly error: string;
}

/** The facts of a host, as the doctor asks for them. None of these changes anything or starts a process. */
export interface DoctorHost {
  read(path: string): string | Unknown;
  list(path: string): readonly string[] | Unknown;
  link(path: string): string | Unknown;
  /** What stands at a path itself, without following a link; a directory is one through a link too. */
  kind(path: string): 'file' | 'directory' | 'other' | Unknown;
  /** `MAJOR:MINOR` of the block device that a path leads to; undefined for anything else. */
  blockDevice(path: string): string | undefined;
  /** Whether this process may write a file, or make files in a directory. */
  mayWrite(path: string): boolean;
  /** Whether a path is a file that may be run. */
  isProgram(path: string): boolean;
  /** The generic netlink family drbd; undefined where the kernel has none. */
  family(): Promise<Pick<Family, 'version' | 'id'> | undefined | Unknown>;
  /** Waits for so long as a request that is not stuck needs to get on. */
  pause(): Promise<void>;
  /** Why the native part does not load; undefined if it does. */
  addonFailure(): string | undefined;
}

/** A family that does not answer by then is held up. */
const FAMILY_TIMEOUT_MS = 3000;
const PAUSE_MS = 1000;

export const isUnknown = (value: unknown): value is Unknown =>
  typeof value === 'object' && value !== null && 'error' in value;
export const isAbsent = (value: unknown): boolean =>
  isUnknown(value) && (value.error === 'ENOENT' || value.error === 'ENOTDIR');
export const trimmed = (value: string | Unknown): string | undefined => (isUnknown(value) ? undefined : value.trim());

function why(error: unknown): Unknown {
  const { code } = error as NodeJS.ErrnoException;
  return { error: code ?? (error instanceof Error ? error.message : String(error)) };
}

function orWhy<T>(look: () => T): T | Unknown {
  try {
    return look();
  } catch (error) {
    return why(error);
  }
}

const isTrue = (look: () => boolean): boolean => {
  const result = orWhy(look);
  return result === true;
};

/** This machine. */
export const machine: DoctorHost = {
  read: (path) => orWhy(() => readFileSync(path, 'utf8')),
  list: (path) => orWhy(() => readdirSync(path)),
  link: (path) => orWhy(() => readlinkSync(path)),
  kind: (path) =>
    orWhy(() => {
      const own = lstatSync(path);
      if (own.isFile()) return 'file';
      const isDirectory = own.isDirectory() || (own.isSymbolicLink() && isTrue(() => statSync(path).isDirectory()));
      return isDirectory ? 'directory' : 'other';
    }),
  blockDevice: (path) => {
    const stat = orWhy(() => statSync(path));
    if ('error' in stat || !stat.isBlockDevice()) return undefined;
    const { major, minor } = splitDevice(stat.rdev);
    return `${major}:${minor}`;
  },
  mayWrite: (path) =>
    isTrue(() => {
      accessSync(path, constants.W_OK);
      return true;
    }),
  isProgram: (path) =>
    isTrue(() => {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    }),
  pause: () => sleep(PAUSE_MS),
  addonFailure: () => {
    try {
      loadAddon();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  },
  family: async () => {
    const order = hostByteOrder();
    try {
      // Without the helper process of other commands: what holds up generic netlink was looked for before.
      const socket = new RequestSocket(nativeTransport(), genericSetup(0, order), newCounters());
      try {
        const exchange = familyExchange(order);
        return await attempt<Family | undefined>(exchange.what, { timeoutMs: FAMILY_TIMEOUT_MS }, (settle) =>
          socket.start(exchange, settle),
        );
      } finally {
        socket.close();
      }
    } catch (error) {
      if (!(error instanceof DrbdError)) throw error;
      return { error: error.message };
    }
  },
};
