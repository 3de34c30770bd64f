import { resolve } from 'node:path';
import { DrbdError } from '../../errors';
import type { BlockDevice } from '../../transport/block-device';
import type { Backend } from '../backend';
import { UsageError } from '../errors';
import { quote } from './number';

/**
 * Looks at a block device of the machine that is spoken to. As drbdsetup and the kernel on its behalf work in the root
 * directory, a relative path begins there.
 * @param what it is, for errors
 * @throws UsageError if there is none
 */
export function requireBlockDevice(path: string, what: string, backend: Backend, exitCode?: number): BlockDevice {
  const details = exitCode === undefined ? {} : { exitCode };
  let found: BlockDevice | undefined;
  try {
    found = backend.blockDevice(backend.kind === 'replay' ? path : resolve('/', path));
  } catch (error) {
    if (!(error instanceof DrbdError)) throw error;
    throw new UsageError(`${what}: ${quote(path)} cannot be opened: ${error.message}`, details);
  }
  if (found === undefined) throw new UsageError(`${what}: ${quote(path)} is not a block device`, details);
  return found;
}
