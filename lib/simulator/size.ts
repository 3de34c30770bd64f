import { blocksOf } from './backing-device';
import type { AttachedDisk, Device } from './device';
import { C } from './state';

const BITS_PER_WORD = 64;

/** The size that a device should have, in sectors (drbd_new_dev_size). */
export function newSize(device: Device, disk: AttachedDisk, assumePeerHasSpace: boolean): number {
  const agreed = disk.metadata.agreedSectors;
  const mine = device.host.dataSectors(disk);
  const peer = device.state.conn < C.C_CONNECTED && assumePeerHasSpace ? mine : device.peerSectors;
  let size: number;
  if (peer !== 0 && mine !== 0) size = Math.min(peer, mine);
  else if (agreed !== 0) size = Math.min(agreed, ...[mine, peer].filter((sectors) => sectors !== 0));
  else size = mine || peer;
  const user = Number(disk.conf.size('disk_size'));
  return user !== 0 && user <= size ? user : size;
}

/**
 * Gives the device the size that follows from both disks and the user's wish (drbd_determine_dev_size).
 * New space counts as different, unless it is declared equal.
 */
export function changeSize(
  device: Device,
  options: { readonly forced: boolean; readonly withoutResync: boolean },
): 'unchanged' | 'grew' | 'shrunk' | 'failed' {
  const { disk } = device;
  if (disk === undefined) return 'failed';
  if (device.host.outOfMemory()) return 'failed';
  const { metadata } = disk;
  const agreed = metadata.agreedSectors;
  const size = newSize(device, disk, options.forced);
  const blocks = blocksOf(size);
  const before = metadata.bitmapBlocks ?? 0;
  if (device.sectors !== size || before !== blocks) {
    if (metadata.bitmapBlocks === undefined) metadata.dirty.add(0, blocks);
    else if (blocks > before) {
      if (options.withoutResync) metadata.dirty.delete(before, blocks);
      else metadata.dirty.add(before, blocks);
    } else metadata.dirty.delete(blocks, Math.max(before, blocks));
    // Where the last word of the bitmap is full, the module takes it for surplus, and clears it.
    if (blocks % BITS_PER_WORD === 0) metadata.dirty.delete(Math.max(0, blocks - BITS_PER_WORD), blocks);
    metadata.bitmapBlocks = blocks;
    device.sectors = size;
    metadata.agreedSectors = size;
    device.counters.bitmap++;
  }
  return size > agreed ? 'grew' : size < agreed ? 'shrunk' : 'unchanged';
}
