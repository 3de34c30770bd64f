import { statSync } from 'node:fs';
import type { Backend } from '../backend';
import { DRBD_MAJOR } from '../backend';
import { UsageError } from '../errors';
import { quote } from './number';

/** Larger numbers are no minors in C: they would be cut to 32 bits, and name another device. */
const LARGEST_MINOR = 0x7fffffff;
const DEVICE_PREFIX = '/dev/drbd';

/**
 * @param device a minor number, `/dev/drbdN`, or any block device of DRBD's major number. The node need not exist for
 *   the first two.
 * @returns its minor number
 * @throws UsageError (exit code 20) that says what it is instead
 */
export function minorOf(device: string, backend: Backend): number {
  const digits = /^\d+$/u.test(device)
    ? device
    : device.startsWith(DEVICE_PREFIX) && /^\d+$/u.test(device.slice(DEVICE_PREFIX.length))
      ? device.slice(DEVICE_PREFIX.length)
      : undefined;
  const found = /^\d+$/u.test(device) || device.includes('\0') ? undefined : look(device, backend);
  if (found?.problem !== undefined) throw new UsageError(`${quote(device)} ${found.problem}`);
  if (digits === undefined) {
    if (found?.minor !== undefined) return found.minor;
    throw new UsageError(
      `${quote(device)} names no minor: there is no such device node. Write ${DEVICE_PREFIX}N or just N, with the number of the minor`,
    );
  }
  const minor = Number(digits);
  if (minor > LARGEST_MINOR) throw new UsageError(`${quote(device)}: the largest minor is ${LARGEST_MINOR}`);
  return minor;
}

/** Whether a word can only be meant for a device. */
export function isDeviceWord(word: string): boolean {
  return /^\d+$|^\/|^minor-\d+$/u.test(word);
}

/** What is at a path of the machine that is spoken to: in a recording, by its header. */
function look(path: string, backend: Backend): { readonly minor?: number; readonly problem?: string } | undefined {
  let node: { readonly major: number; readonly minor: number } | undefined;
  if (backend.kind === 'replay' || backend.host.simulated === true) {
    try {
      node = backend.blockDevice(path);
    } catch {
      return undefined;
    }
  } else {
    let stat: ReturnType<typeof statSync>;
    try {
      stat = statSync(path, { throwIfNoEntry: false });
    } catch (error) {
      return { problem: `cannot be looked at: ${(error as NodeJS.ErrnoException).code ?? String(error)}` };
    }
    if (stat === undefined) return undefined;
    if (stat.isBlockDevice()) node = splitDevice(stat.rdev);
  }
  if (node === undefined) return { problem: 'is not a block device' };
  if (node.major !== DRBD_MAJOR)
    return { problem: `is not a device of DRBD: its major number is ${node.major}, not ${DRBD_MAJOR}` };
  return { minor: node.minor };
}

/** @returns the parts of a dev_t as glibc packs it (sys/sysmacros.h) */
export function splitDevice(device: number): { readonly major: number; readonly minor: number } {
  const bits = BigInt(device);
  return {
    major: Number((bits >> 8n) & 0xfffn) | Number((bits >> 32n) & 0xfffff000n),
    minor: Number(bits & 0xffn) | Number((bits >> 12n) & 0xffffff00n),
  };
}
