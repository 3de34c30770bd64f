import { matchers, withTestKernel } from '../../lib/testing';

expect.extend(matchers);

// The README quotes this test; in a program of your own, import from 'node-drbd/testing/jest' or '/vitest'.
test('my script promotes the device', () =>
  withTestKernel(async ({ drbd }) => {
    const disk = { backingDev: '/dev/vg/r0', metaDev: '/dev/vg/r0', metaDevIdx: 'internal' } as const;
    await drbd.attach({ minor: 0 }, disk);
    await expect(drbd.promote({ minor: 0 })).rejects.toMatchObject({ returnName: 'SS_NO_UP_TO_DATE_DISK' });
    await drbd.promote({ minor: 0 }, { force: true });
    await expect(drbd).toReach('minor=0 role=Primary disk=UpToDate');
  }));
