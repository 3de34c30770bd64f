import { linkedResourceName } from '../../../transport/resource-names';
import { notesDirectory, type Context } from '../../context';

/**
 * The name of a minor's resource, which the kernel does not know: from DRBD_RESOURCE, or from the configuration that
 * drbdadm linked for the minor when it brought it up.
 */
export function resourceName(minor: number, context: Context): string | undefined {
  const told = context.io.env['DRBD_RESOURCE'];
  if (told !== undefined && told !== '') return told;
  const directory = notesDirectory(context);
  return directory === undefined ? undefined : linkedResourceName(minor, directory);
}
