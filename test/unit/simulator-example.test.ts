import { openDrbd } from '../../lib';
import { createSimulator } from '../../lib/simulator';

// The README quotes this test; in a program of your own, import from 'node-drbd' and 'node-drbd/simulator'.
test('my script promotes the device', async () => {
  const simulator = createSimulator({ disks: { '/dev/vg/r0': { sizeBytes: 1 << 30 } } });
  const drbd = await openDrbd({ dialect: 'connector', transport: simulator.transport });
  const disk = { backingDev: '/dev/vg/r0', metaDev: '/dev/vg/r0', metaDevIdx: 'internal' } as const;
  await drbd.attach({ minor: 0 }, disk);
  await expect(drbd.promote({ minor: 0 })).rejects.toMatchObject({ returnName: 'SS_NO_UP_TO_DATE_DISK' });
  await drbd.promote({ minor: 0 }, { force: true });
  expect((await drbd.status()).resources[0]).toMatchObject({ role: 'Primary', devices: [{ disk: 'UpToDate' }] });
  drbd.close();
  simulator.close();
});
