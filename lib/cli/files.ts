import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';

const { O_CREAT, O_NOCTTY, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY } = constants;

/** Longer first lines are no secrets, and some files never end. */
const LONGEST_LINE_BYTES = 64 * 1024;

/** A path leads to something that must not be opened for the purpose. */
class WrongKindError extends Error {
  readonly code: string;

  constructor(code: string, problem: string) {
    super(problem);
    this.code = `${code} (${problem})`;
  }
}

/**
 * Reads a file of a folder that programs share. Nothing but a regular file is read: the opening of a FIFO would not
 * return.
 * @throws the system's error; one with `code` EINVAL for another kind of file
 */
export function readRegularFile(path: string): string {
  const file = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  try {
    if (!fstatSync(file).isFile()) throw new WrongKindError('EINVAL', 'not a regular file');
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/**
 * Opens what a user names for output, and empties it. A FIFO or terminal is written to as it is; a FIFO that nobody
 * reads is an error (ENXIO), since its opening would not return.
 * @throws the system's error; one with `code` EINVAL for a block device, whose data would be lost
 */
export function openOutput(path: string, mode: number): number {
  if (statSync(path, { throwIfNoEntry: false })?.isBlockDevice() === true)
    throw new WrongKindError('EINVAL', 'a block device, whose data would be lost');
  const file = openSync(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY, mode);
  if (fstatSync(file).isFile()) return file;
  // Opened again to write with waiting, while this one proves that there is a reader.
  try {
    return openSync(path, O_WRONLY | O_NOCTTY);
  } finally {
    closeSync(file);
  }
}

/** @returns the bytes up to the first end of line, or as many as a line may have */
export function readFirstLine(path: string | number): Buffer {
  const file = typeof path === 'number' ? path : openSync(path, O_RDONLY | O_NOCTTY);
  try {
    const buffer = Buffer.alloc(LONGEST_LINE_BYTES);
    let length = 0;
    while (length < buffer.length && !buffer.subarray(0, length).includes('\n')) {
      const count = readSync(file, buffer, length, buffer.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return buffer.subarray(0, length);
  } finally {
    if (file !== path) closeSync(file);
  }
}
