'use strict';

/**
 * The side of npm `netlink` of scripts/bench, in a process of its own. Prints microseconds by wall and of processor,
 * each.
 *
 *   peer.js FOLDER family COUNT              GETFAMILY of the controller itself, one at a time
 *   peer.js FOLDER count PORT COUNT BATCH    receives COUNT broadcasts, which it has sent BATCH at a time (bus.c)
 *
 * Its decoder drops the messages of the connector, so that broadcasts are received by its RawNetlinkSocket, which hands
 * out their bytes.
 */

const { join } = require('node:path');
const { triggerOf, measured } = require('./loop');

const [folder, mode, ...words] = process.argv.slice(2);
const { createGenericNetlink, genl, RawNetlinkSocket } = require(join(folder, 'node_modules/netlink'));

const CONNECTOR = 11;
const GROUP = 4;

async function family(count) {
  const socket = createGenericNetlink();
  await measured(count, async (times) => {
    for (let left = times; left > 0; left--) {
      const [found] = await socket.ctrlRequest(genl.Commands.GET_FAMILY, { familyName: 'nlctrl' });
      if (found.familyId !== 16) throw new Error(JSON.stringify(found));
    }
  });
}

async function receive(port, count, batch) {
  const listening = new RawNetlinkSocket(CONNECTOR, { localGroups: 1 << (GROUP - 1), recvBufferSize: 4 << 20 });
  const sending = new RawNetlinkSocket(CONNECTOR, {});
  const question = Buffer.from(triggerOf(0, batch));
  await measured(count, async (times) => {
    for (let left = times; left > 0; left -= batch)
      await new Promise((resolve, reject) => {
        let received = 0;
        listening.removeAllListeners('message');
        listening.on('error', reject);
        listening.on('message', () => {
          if (++received === batch) resolve();
        });
        sending.send(question, { port });
      });
  });
}

const modes = { family, count: receive };
modes[mode](...words.map(Number)).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
