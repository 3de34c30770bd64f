import { metaDeviceModes } from '../../dialects/words';
import type { Genl1Client } from '../../drbd';
import { TransportError } from '../../errors';
import { deleteLastKnown, lastKnownPath, readLastKnown, writeLastKnown } from '../last-known';
import { locked, notesDirectory, waitOptions, type Context } from '../context';
import { EXIT, UsageError } from '../errors';
import { quote } from '../number';
import type { Call } from './command-line';

/**
 * `check-resize`: notes the size of the disk below a device, so that drbdmeta finds internal metadata again when the
 * disk grows while it is detached. Metadata elsewhere do not move: there the note is removed. Without a disk nothing is
 * known, and nothing is noted.
 */
export async function runCheckResize(client: Genl1Client, { target }: Call, context: Context): Promise<number> {
  if (target.kind !== 'minor') throw new UsageError('check-resize: a minor is needed');
  const { minor } = target;
  // drbdmeta notes down in the same file.
  return locked(minor, context, () => noteSize(client, minor, context));
}

async function noteSize(client: Genl1Client, minor: number, context: Context): Promise<number> {
  const { disk_conf: disk } = await client.request('get_status', { minor }, waitOptions(context));
  const { json } = context.globals;
  const file = lastKnownPath(notesDirectory(context), minor);
  const path = disk?.backing_dev ?? '';
  const index = disk?.meta_dev_idx;
  const external = index !== undefined && (index >= 0 || index === metaDeviceModes.flexExternal);
  let sizeBytes: bigint | undefined;
  let action: 'noted' | 'unchanged' | 'removed' | 'none' = 'none';
  try {
    if (path !== '' && external) {
      action = 'removed';
      deleteLastKnown(file);
    } else if (path !== '') {
      sizeBytes = sizeOf(path, context);
      const known = readLastKnown(file);
      action = known?.sizeBytes === sizeBytes && known.device === path ? 'unchanged' : 'noted';
      if (action === 'noted') writeLastKnown(file, { sizeBytes, device: path, uuid: known?.uuid });
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code !== 'string' || error instanceof TransportError) throw error;
    throw new UsageError(`the size of the disk of minor ${minor} could not be noted in ${quote(file ?? '')}: ${code}`);
  }
  if (json)
    context.io.stdout.write(
      `${JSON.stringify({ minor, disk: path === '' ? null : path, sizeBytes: sizeBytes?.toString() ?? null, action })}\n`,
    );
  return EXIT.ok;
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
  if (found === undefined)
    throw new UsageError(`the disk ${quote(path)} is no block device`, { exitCode: EXIT_NO_DISK });
  return found.sizeBytes;
}
