// A test against the simulated kernel: no DRBD, no privilege, no second machine. With node:test; jest and vitest have the
// same functions by other names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDrbd } from 'node-drbd';
import { createSimulator } from 'node-drbd/simulator';

test('a device without good data is not promoted, unless it is forced', async () => {
  const simulator = createSimulator({ disks: { '/dev/vg/r0': { sizeBytes: 1 << 30 } } });
  const drbd = await openDrbd({ dialect: 'connector', transport: simulator.transport });
  try {
    await drbd.request('disk_conf', {
      minor: 0,
      createDevice: true,
      tags: { backing_dev: '/dev/vg/r0', meta_dev: '/dev/vg/r0', meta_dev_idx: -1 },
    });
    await assert.rejects(drbd.request('primary', { minor: 0 }), { returnName: 'SS_NO_UP_TO_DATE_DISK' });
    await drbd.request('primary', { minor: 0, tags: { primary_force: true } });
    const { resources } = await drbd.status();
    assert.equal(resources[0].role, 'Primary');
  } finally {
    drbd.close();
    simulator.close();
  }
});
