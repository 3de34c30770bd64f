import type { Client } from '../../../drbd';
import { waitOptions, type Context } from '../../context';
import type { Call } from '../../line/call';
import { minorOfCall } from './minors';
import { notOf, print } from './print';

/** `udev`: the names that a device is to have below /dev. */
export async function runUdev(client: Client, call: Call, context: Context): Promise<number> {
  const minor = minorOfCall(call);
  if (client.dialect !== 'genl1') return notOf(client, call.command.name);
  return printNames(minor, await client.request('get_status', { minor }, waitOptions(context)), context);
}

/** @param told where the device belongs, and the disk below it */
export function printNames(
  minor: number,
  {
    context: place,
    disk_conf: disk,
  }: {
    readonly context?: { readonly ctx_resource_name?: string; readonly ctx_volume?: number };
    readonly disk_conf?: { readonly backing_dev?: string };
  },
  context: Context,
): number {
  const byResource = `drbd/by-res/${place?.ctx_resource_name ?? ''}/${place?.ctx_volume ?? 0}`;
  const backing = disk?.backing_dev ?? '';
  const byDisk = backing === '' ? null : `drbd/by-disk/${backing.replace(/^\/dev\//u, '')}`;
  return print(
    context,
    `DEVICE=drbd${minor}\nSYMLINK_BY_RES=${byResource}\n${byDisk === null ? '' : `SYMLINK_BY_DISK=${byDisk}\n`}`,
    () => ({ minor, device: `drbd${minor}`, byResource, byDisk }),
  );
}
