import { metaDeviceModes } from '../../../dialects/words';
import type { Client } from '../../../drbd';
import { TransportError } from '../../../errors';
import { locked, notesDirectory, tell, type Context } from '../../context';
import { EXIT, UsageError } from '../../errors';
import { requireBlockDevice } from '../../line/block-device';
import type { Call } from '../../line/call';
import { quote } from '../../line/number';
import type { Manner } from '../../line/vocabulary';
import { deleteLastKnown, lastKnownPath, readLastKnown, writeLastKnown } from './last-known';
import { minorOfCall, readMinor, type MinorFacts } from './minors';
import { print } from './print';

/** Exit code of drbdsetup where the disk cannot be opened. */
const EXIT_NO_DISK = 1;

/**
 * `check-resize`: notes the size of the disk below a device, so that drbdmeta finds internal metadata again when the
 * disk grows while it is detached. Metadata elsewhere do not move: there the note is removed. Without a disk nothing is
 * known, and nothing is noted. drbdmeta notes down in the same file: hence the lock.
 */
export async function runCheckResize(client: Client, call: Call, { exits }: Manner, context: Context): Promise<number> {
  const minor = minorOfCall(call);
  return locked(minor, context, async () => {
    const { disk } = await readMinor(client, minor, 'disk', context);
    return noteDisk(disk, minor, exits, context);
  });
}

/** Notes the size of a device's disk, of which the kernel said `disk`. @returns the exit code */
export function noteDisk(
  disk: MinorFacts['disk'],
  minor: number,
  exits: Pick<Manner['exits'], 'noDisk' | 'notNoted'>,
  context: Context,
): number {
  const { device = '', metaIndex } = disk ?? {};
  if (exits.noDisk !== EXIT.ok && (device === '' || metaIndex === undefined)) {
    tell(
      device === ''
        ? 'there is no disk to look at. Attach one, or use drbdmeta'
        : 'the answer does not tell where the metadata is',
      context,
    );
    return exits.noDisk;
  }
  const file = lastKnownPath(notesDirectory(context), minor);
  const isExternal = metaIndex !== undefined && (metaIndex >= 0 || metaIndex === metaDeviceModes.flexExternal);
  const noted = device === '' ? undefined : note(file, device, isExternal, exits.notNoted, context);
  return print(context, '', () => ({
    minor,
    disk: device === '' ? null : device,
    sizeBytes: noted?.sizeBytes?.toString() ?? null,
    action: noted?.action ?? 'none',
  }));
}

/** @param exitCode where it cannot be noted; 0: that is told, and is no failure */
function note(
  file: string | undefined,
  device: string,
  isExternal: boolean,
  exitCode: number,
  context: Context,
): { readonly action: string; readonly sizeBytes?: bigint } {
  try {
    if (isExternal) {
      deleteLastKnown(file);
      return { action: 'removed' };
    }
    const { sizeBytes } = requireBlockDevice(device, 'the disk', context.backend, EXIT_NO_DISK);
    const known = readLastKnown(file);
    if (known?.sizeBytes === sizeBytes && known.device === device) return { action: 'unchanged', sizeBytes };
    writeLastKnown(file, { sizeBytes, device, uuid: known?.uuid });
    return { action: 'noted', sizeBytes };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (
      error instanceof UsageError ||
      error instanceof TransportError ||
      (typeof code !== 'string' && exitCode !== EXIT.ok)
    )
      throw error;
    const problem = `the size of the disk could not be noted in ${quote(file ?? '')}: ${code ?? String(error)}. Run as root, and see that the directory exists`;
    if (exitCode !== EXIT.ok) throw new UsageError(problem, { exitCode });
    tell(problem, context);
    return { action: 'none' };
  }
}
