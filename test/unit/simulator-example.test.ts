import { openDrbd } from '../../lib';
import { createSimulator } from '../../lib/simulator';

// The README quotes this test; in a program of your own, import from 'node-drbd' and 'node-drbd/simulator'.
test('my script promotes the device', async () => {
  const simulator = createSimulator({ disks: { '/dev/vg/r0': { sizeBytes: 1 << 30 } } });
  const drbd = await openDrbd({ dialect: 'connector', transport: simulator.transport });
  await drbd.request('disk_conf', {
    minor: 0,
    createDevice: true,
    tags: { backing_dev: '/dev/vg/r0', meta_dev: '/dev/vg/r0', meta_dev_idx: -1 },
  });
  await expect(drbd.request('primary', { minor: 0 })).rejects.toMatchObject({ returnName: 'SS_NO_UP_TO_DATE_DISK' });
  await drbd.request('primary', { minor: 0, tags: { primary_force: true } });
  expect((await drbd.status()).resources[0]).toMatchObject({ role: 'Primary', devices: [{ disk: 'UpToDate' }] });
  drbd.close();
  simulator.close();
});
