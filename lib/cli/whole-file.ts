import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';

/**
 * Writes a file so that nobody finds half of it: beside it at first, then under its name. A symbolic link stays one.
 * What is no regular file, such as /dev/null, a terminal or a pipe, is written in place and never replaced.
 * @param durable it is on the disk when this returns; where that fails, what was there before still is
 * @throws the system's error: ENXIO for a pipe that nobody reads yet
 */
export function writeWholeFile(path: string, text: string, { durable = false } = {}): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) {
    // Without a reader, opening a pipe would wait for one.
    const wait = found.isFIFO() ? constants.O_NONBLOCK : 0;
    writeTo(openSync(path, constants.O_WRONLY | wait), text, false);
    return;
  }
  const target = found === undefined ? path : realpathSync(path);
  const next = `${target}.${process.pid}.new`;
  try {
    writeTo(openSync(next, 'wx', 0o644), text, durable);
    renameSync(next, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') removeIfThere(next);
    throw error;
  }
}

function writeTo(file: number, text: string, durable: boolean): void {
  try {
    writeFileSync(file, text);
    if (durable) fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The first failure is the one to tell of.
  }
}
