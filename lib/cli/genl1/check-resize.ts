import { closeSync, fsyncSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import type { Genl1Client } from '../../drbd';
import { TransportError } from '../../errors';
import { waitOptions, type Context } from '../context';
import { EXIT, UsageError } from '../errors';
import { quote } from '../number';
import type { Call } from './command-line';

/** Mode of metadata on a device of its own whose size follows the data (drbd_md_index); numbers from 0 are slots there. */
const FLEXIBLE_EXTERNAL = -2;

/** What is remembered of a minor's disk: a line with size in bytes and path, and one with the generation of its data if somebody noted it. */
interface LastKnown {
  readonly sizeBytes: bigint;
  readonly path: string;
  readonly uuid: string | undefined;
}

function readLastKnown(file: string): LastKnown | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const match = /^\s*(\d+)\s+(\S+)\n(?:uuid:\s*([0-9a-fA-F]+)\n)?/u.exec(text);
  return match === null ? undefined : { sizeBytes: BigInt(match[1] ?? 0), path: match[2] ?? '', uuid: match[3] };
}

function writeLastKnown(file: string, { sizeBytes, path, uuid }: LastKnown): void {
  const descriptor = openSync(file, 'w');
  try {
    writeSync(descriptor, `${sizeBytes}\t${path}\n${uuid === undefined ? '' : `uuid:\t${uuid}\n`}`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * `check-resize`: notes the size of the disk below a device, so that drbdmeta finds internal metadata again when the disk grows while it is detached.
 * Metadata elsewhere do not move: there the note is removed. Without a disk nothing is known, and nothing is noted.
 */
export async function runCheckResize(client: Genl1Client, { target }: Call, context: Context): Promise<number> {
  if (target.kind !== 'minor') throw new UsageError('check-resize: a minor is needed');
  const { minor } = target;
  const { disk_conf: disk } = await client.request('get_status', { minor }, waitOptions(context));
  const { json, stateDirectory } = context.globals;
  const file = `${stateDirectory}/drbd-minor-${minor}.lkbd`;
  const path = disk?.backing_dev ?? '';
  const index = disk?.meta_dev_idx;
  const external = index !== undefined && (index >= 0 || index === FLEXIBLE_EXTERNAL);
  let sizeBytes: bigint | undefined;
  let action: 'noted' | 'unchanged' | 'removed' | 'none' = 'none';
  try {
    if (path !== '' && external) {
      action = 'removed';
      // The files belong to the machine whose kernel answered.
      if (context.backend.kind === 'kernel') removeIfThere(file);
    } else if (path !== '') {
      sizeBytes = sizeOf(path, context);
      const known = context.backend.kind === 'kernel' ? readLastKnown(file) : undefined;
      action = known?.sizeBytes === sizeBytes && known.path === path ? 'unchanged' : 'noted';
      if (action === 'noted' && context.backend.kind === 'kernel') writeLastKnown(file, { sizeBytes, path, uuid: known?.uuid });
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code !== 'string' || error instanceof TransportError) throw error;
    throw new UsageError(`the size of the disk of minor ${minor} could not be noted in ${quote(file)}: ${code}`);
  }
  if (json) context.io.stdout.write(`${JSON.stringify({ minor, disk: path === '' ? null : path, sizeBytes: sizeBytes?.toString() ?? null, action })}\n`);
  return EXIT.ok;
}

function removeIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Exit code of drbdsetup where the disk cannot be opened. */
const EXIT_NO_DISK = 1;

function sizeOf(path: string, { backend }: Context): bigint {
  let found: { readonly sizeBytes: bigint } | undefined;
  try {
    found = backend.blockDevice(path);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    throw new UsageError(`the disk ${quote(path)} cannot be opened: ${error.message}`, { exitCode: EXIT_NO_DISK });
  }
  if (found === undefined) throw new UsageError(`the disk ${quote(path)} is no block device`, { exitCode: EXIT_NO_DISK });
  return found.sizeBytes;
}
