import { calling, loadAddon } from './addon';
import type { BlockDevice } from './host';

export type { BlockDevice } from './host';

/**
 * Looks at a path. Only a block device is opened: read-only, without waiting, and closed again.
 * @returns undefined for anything that is not a block device
 * @throws TransportError if there is nothing at the path, or it may not be opened
 */
export function readBlockDevice(path: string): BlockDevice | undefined {
  const { isBlockDevice, sizeBytes, major, minor } = calling(`reading ${path}`, () => loadAddon().blockDevice(path));
  return isBlockDevice ? { path, sizeBytes, major, minor } : undefined;
}
