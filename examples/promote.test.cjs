// A test of jest against the simulated kernel: no DRBD, no privilege, no second machine. With vitest it is the same, with
// its own import of `expect` and `test`, and 'node-drbd/testing/vitest'.
const { matchers, withTestKernel } = require('node-drbd/testing/jest');

expect.extend(matchers);

const disk = { backingDev: '/dev/vg/r0', metaDev: '/dev/vg/r0', metaDevIdx: 'internal' };

test('a device without good data is not promoted, unless it is forced', () =>
  withTestKernel(async ({ drbd }) => {
    await drbd.attach({ minor: 0 }, disk);
    await expect(drbd.promote({ minor: 0 })).rejects.toMatchObject({ returnName: 'SS_NO_UP_TO_DATE_DISK' });
    await expect(drbd).not.toReach('minor=0 role=Primary', { timeoutMs: 50 });
    await drbd.promote({ minor: 0 }, { force: true });
    await expect(drbd).toReach('minor=0 role=Primary disk=UpToDate');
  }));

test('a disk that fails is detached', () =>
  withTestKernel(async ({ drbd, simulator }) => {
    await drbd.attach({ minor: 0 }, { ...disk, onIoError: 'detach' });
    await drbd.promote({ minor: 0 }, { force: true });
    await expect(drbd).toReach('minor=0 disk=UpToDate');
    simulator.failDisk(0);
    await expect(drbd).toReach('minor=0 disk=Diskless');
  }));
