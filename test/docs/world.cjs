'use strict';

// A stand-in for the package in the examples and guides: the same names, and an openDrbd() that, asked for nothing
// else, speaks to one of two simulated nodes which mirror minor 0 and to which DOCS_WORLD happens.

const process = require('node:process');
const { setTimeout: sleep } = require('node:timers/promises');
const real = require(process.env.DOCS_PACKAGE);
const { createSimulator, Network } = require(`${process.env.DOCS_PACKAGE}/dist/package/simulator.js`);

const disk = { backing_dev: '/dev/vg/r0', meta_dev: '/dev/vg/r0', meta_dev_idx: -1 };
const address = (node) => ({ family: 'ipv4', address: `10.0.0.${node + 1}`, port: 7788 });

async function start() {
  const network = new Network();
  const nodes = [0, 1].map((node) =>
    createSimulator({
      disks: { '/dev/vg/r0': { sizeBytes: 4 << 20 } },
      network,
      seed: BigInt(node + 1) << 32n,
      addresses: [address(node).address],
    }),
  );
  const admins = await Promise.all(nodes.map(({ transport }) => real.openDrbd({ dialect: 'connector', transport })));
  const connect = (node) =>
    admins[node].request('net_conf', {
      minor: 0,
      createDevice: true,
      tags: { my_addr: address(node), peer_addr: address(1 - node), wire_protocol: 3, ping_timeo: 30 },
    });
  for (const node of [0, 1]) await admins[node].request('disk_conf', { minor: 0, createDevice: true, tags: disk });
  for (const admin of admins) await admin.request('syncer_conf', { minor: 0, tags: { rate: 1 << 20 } });
  for (const node of [0, 1]) await connect(node);
  const peerOf = (snapshot) => snapshot.resources[0]?.connections[0]?.peerDevices[0];
  await admins[0].waitFor((snapshot) => peerOf(snapshot)?.replication === 'Established', { timeoutMs: 60_000 });
  await admins[1].request('primary', { minor: 0, tags: { primary_force: true } });
  await admins[1].waitFor(
    (snapshot) => peerOf(snapshot)?.peerDisk === 'UpToDate' && peerOf(snapshot)?.replication === 'Established',
    { timeoutMs: 60_000 },
  );
  let ended = false;
  const quietly = (promise) => promise.catch(() => undefined);
  /** Again and again until the program ends, since it begins to listen when it likes. */
  const happenings = {
    nothing: async () => undefined,
    roles: async () => {
      for (const name of ['secondary', 'primary']) {
        await quietly(admins[1].request(name, { minor: 0 }));
        await sleep(20);
      }
    },
    'split brain': async () => {
      await quietly(admins[0].request('disconnect', { minor: 0 }));
      await quietly(admins[1].request('disconnect', { minor: 0 }));
      for (const node of [0, 1]) {
        await quietly(admins[node].request('primary', { minor: 0, tags: { primary_force: true } }));
        nodes[node].write(0, [2 * node, 2 * node + 1], 7);
        await quietly(admins[node].request('secondary', { minor: 0 }));
      }
      for (const node of [0, 1]) await quietly(connect(node));
      const split = (s) => s.resources[0]?.connections[0]?.state === 'StandAlone';
      await quietly(admins[0].waitFor(split, { timeoutMs: 15_000 }));
    },
  };
  const happen = happenings[process.env.DOCS_WORLD || 'nothing'];
  const running = (async () => {
    while (!ended) {
      await happen();
      await sleep(20);
    }
  })();
  return {
    transport: nodes[0].transport,
    async end() {
      ended = true;
      await running;
      for (const admin of admins) admin.close();
      for (const node of nodes) node.close();
    },
  };
}

async function openDrbd(options = {}) {
  if (options.transport !== undefined || options.simulator !== undefined) return real.openDrbd(options);
  const world = await start();
  const client = await real.openDrbd({ ...options, dialect: 'connector', transport: world.transport });
  const close = client.close.bind(client);
  client.close = () => {
    close();
    void world.end();
  };
  return client;
}

module.exports = { ...real, openDrbd };
