import { constants } from 'node:os';

import { TransportError, UnsupportedError } from '../errors';
import type { Dialect } from './client';

/** `feature` of the error that says that no driver is there. */
export const DRIVER = 'a DRBD driver';

/**
 * @param gone what tells that it went
 * @param next what to do then
 * @returns the error of a client whose module was unloaded
 */
export function moduleUnloaded(dialect: Dialect, gone: string, next: string, cause?: unknown): UnsupportedError {
  return new UnsupportedError(`the DRBD module was unloaded: ${gone} is gone. Load it, and ${next}`, {
    feature: DRIVER,
    dialect,
    requires: 'the drbd module',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** @returns whether an error says that no driver was found, and not merely that none could be spoken to */
export function isDriverMissing(error: unknown): boolean {
  return error instanceof UnsupportedError && error.feature === DRIVER;
}

/** System errors that say that a netlink protocol does not exist here, or that the kernel does not listen to it. */
const ABSENT: readonly number[] = [
  constants.errno.EPROTONOSUPPORT,
  constants.errno.EAFNOSUPPORT,
  constants.errno.ECONNREFUSED,
];

export function isProtocolAbsent(error: unknown): error is TransportError {
  return error instanceof TransportError && error.errno !== undefined && ABSENT.includes(error.errno);
}

/** @returns what was read, or undefined if there is no driver to read it from */
export async function ifDriver<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isDriverMissing(error) || isProtocolAbsent(error)) return undefined;
    throw error;
  }
}
