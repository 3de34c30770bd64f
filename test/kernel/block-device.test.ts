import { readFileSync } from 'node:fs';

import { readBlockDevice } from '../../lib';

/** The guest's memory disks: block devices that are there whatever the host has. */
test.each(['ram0', 'ram1'])('/dev/%s is a block device, as the kernel says', (name) => {
  const sizeBytes = 512n * BigInt(readFileSync(`/sys/class/block/${name}/size`, 'utf8').trim());
  const [major, minor] = readFileSync(`/sys/class/block/${name}/dev`, 'utf8').trim().split(':').map(Number);
  expect(sizeBytes).toBeGreaterThan(0n);
  expect(readBlockDevice(`/dev/${name}`)).toEqual({ path: `/dev/${name}`, sizeBytes, major, minor });
});
