import { lstatSync, unlinkSync } from 'node:fs';
import { readRegularFile } from '../../files';
import { writeWholeFile } from '../../whole-file';

/**
 * What is noted of a backing device with internal metadata, so that the metadata is found again after the device has
 * grown (drbd-minor-N.lkbd).
 */
export interface LastKnown {
  readonly sizeBytes: bigint;
  readonly device: string | undefined;
  /** The device's generation, where drbdmeta noted it. */
  readonly uuid: bigint | undefined;
}

/** @param directory that of DRBD's notes, if there is one: what has no path is not noted */
export function lastKnownPath(directory: string | undefined, minor: number): string | undefined {
  return directory === undefined ? undefined : `${directory}/drbd-minor-${minor}.lkbd`;
}

/**
 * @returns undefined where nothing is noted, or nothing that can be read. @throws the system's error for any other
 *   failure
 */
export function readLastKnown(path: string | undefined): LastKnown | undefined {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readRegularFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const match = /^\s*(\d+)(?:\s+(\S+)(?:\n+uuid:\s*([0-9a-fA-F]+))?)?/u.exec(text);
  if (match === null) return undefined;
  const [, size = '0', device, uuid] = match;
  return { sizeBytes: BigInt(size), device, uuid: uuid === undefined ? undefined : BigInt(`0x${uuid}`) };
}

/**
 * Size in bytes, a tab, the device; on a second line the uuid, if one is known. It is on the disk when this returns;
 * where that fails, what was noted before still is.
 */
export function writeLastKnown(path: string | undefined, known: LastKnown): void {
  if (path === undefined) return;
  // Whatever somebody has put into its place is neither written to nor replaced.
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === false)
    throw new Error(`${path}: not a regular file. Remove it, or name another folder (--state-dir)`);
  const uuid =
    known.uuid === undefined || known.uuid === 0n
      ? ''
      : `uuid:\t${known.uuid.toString(16).toUpperCase().padStart(16, '0')}\n`;
  writeWholeFile(path, `${known.sizeBytes}\t${known.device ?? ''}\n${uuid}`, { durable: true });
}

/** Forgets it. */
export function deleteLastKnown(path: string | undefined): void {
  if (path === undefined) return;
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
