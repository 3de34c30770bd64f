'use strict';

/**
 * The connector of DRBD 8.3: a simulated kernel answers across this kernel's own connector bus, in namespaces of its own.
 * Exits with 75 where there is no such bus here.
 */

const { constants } = require('node:os');
const { openDrbd } = require('../..');
const { createSimulator, listenSimulator } = require('../../dist/package/simulator');

const NO_BUS = 75;
// Nobody reads any more: there is nobody to show it to, and it is no failure of the demonstration.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(128 + constants.signals.SIGPIPE);
});
const show = (tags) => {
  for (const [name, value] of Object.entries(tags))
    if (value !== undefined)
      console.log(`           ${name.padEnd(16)} ${typeof value === 'string' ? JSON.stringify(value) : value}`);
};

async function main() {
  const simulator = createSimulator({ disks: { '/dev/vg/r0': { sizeBytes: 64 << 20 } } });
  let listening;
  try {
    listening = listenSimulator(simulator);
  } catch (error) {
    console.log(`  There is no connector bus here: ${error.message}`);
    process.exitCode = NO_BUS;
    return;
  }
  const drbd = await openDrbd({ dialect: 'connector', simulator: listening.port });
  try {
    const { address } = drbd.driver;
    console.log(`  A simulated DRBD 8.3 answers at index ${address} of this kernel's connector bus.\n`);

    const minor = 0;
    const tags = { backing_dev: '/dev/vg/r0', meta_dev: '/dev/vg/r0', meta_dev_idx: 'internal', on_io_error: 'detach' };
    console.log(`  request  disk_conf of minor ${minor}, to be created; its tags:`);
    show(tags);
    const attached = await drbd.request('disk_conf', { minor, createDevice: true, tags });
    console.log(`  reply    ${attached.returnName} (${attached.returnCode})\n`);

    console.log(`  request  get_config of minor ${minor}, without a tag`);
    const { tags: config } = await drbd.request('get_config', { minor });
    console.log(`  reply    its tags:`);
    show(config);

    const events = drbd.events();
    const changes = events[Symbol.asyncIterator]();
    while ((await changes.next()).value.kind !== 'ready');
    console.log(`\n  request  primary of minor ${minor}, by force`);
    const promoted = await drbd.request('primary', { minor, tags: { primary_force: true } });
    console.log(`  reply    ${promoted.returnName} (${promoted.returnCode})`);
    for (;;) {
      const { value: change } = await changes.next();
      if (change.kind !== 'change' || change.object !== 'resource') continue;
      console.log(`  event    resource of minor ${minor}: role ${change.before.role} -> ${change.after.role}`);
      if (change.after.role === 'Primary') break;
    }
    await changes.return();
  } finally {
    drbd.close();
    listening.close();
    simulator.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
