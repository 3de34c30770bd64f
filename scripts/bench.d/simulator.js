'use strict';

/**
 * A simulated DRBD 8.3 with as many attached minors as its first argument says, at a port of the connector bus that it
 * prints, until it is killed. What it answers to questions about the first goes into the file that the second names, for
 * bus.c.
 */

const { writeFileSync } = require('node:fs');
const { join } = require('node:path');

const lib = join(__dirname, '../../dist/package');
const { createSimulator, listenSimulator } = require(join(lib, 'simulator.js'));
const { nativeTransport, openDrbd } = require(join(lib, 'index.js'));

/** @returns datagrams that answer all that status() asks of a minor, the length before each */
async function answers(port) {
  const native = nativeTransport();
  const found = [];
  // A client on a transport that keeps what it receives.
  const transport = {
    open: (options, { datagrams, ...handlers }) =>
      native.open(options, {
        ...handlers,
        datagrams: (batch) => {
          for (const { bytes } of batch) found.push(new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes.slice());
          datagrams(batch);
        },
      }),
  };
  const drbd = await openDrbd({ simulator: port, transport });
  for (const name of ['get_state', 'get_config', 'get_uuids']) await drbd.request(name, { minor: 0 });
  drbd.close();
  return Buffer.concat(found);
}

async function main(count, file) {
  const paths = Array.from({ length: count }, (_unused, minor) => `/dev/disk${minor}`);
  const simulator = createSimulator({
    minorCount: count,
    disks: Object.fromEntries(paths.map((path) => [path, { sizeBytes: 64 << 20 }])),
  });
  const listening = listenSimulator(simulator);
  const drbd = await openDrbd({ simulator: listening.port });
  for (const [minor, path] of paths.entries()) {
    simulator.disk(path).createMetadata('internal');
    const tags = { backing_dev: path, meta_dev: path, meta_dev_idx: 'internal' };
    await drbd.request('disk_conf', { minor, createDevice: true, tags });
  }
  drbd.close();
  if (file !== undefined) writeFileSync(file, await answers(listening.port));
  console.log(listening.port);
}

main(Number(process.argv[2]), process.argv[3]).catch((error) => {
  console.error(error);
  process.exit(1);
});
