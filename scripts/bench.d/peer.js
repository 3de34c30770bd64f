'use strict';

/**
 * The side of npm `netlink` of scripts/bench, in a process of its own. Prints microseconds by wall and of processor,
 * each.
 *
 *   peer.js FOLDER family COUNT              GETFAMILY of the controller itself, one at a time
 *   peer.js FOLDER count PORT COUNT BATCH    receives COUNT broadcasts, which it has sent BATCH at a time (bus.c)
 *
 * Its messages are those of the connector, but for their type, as it drops those of the connector's own. It reads their
 * headers, and leaves the rest as bytes.
 */

const { join } = require('node:path');
const { BROADCAST, measured, questionOf } = require('./loop');

const [folder, mode, ...words] = process.argv.slice(2);
const { createGenericNetlink, createNetlink, genl } = require(join(folder, 'node_modules/netlink'));

const CONNECTOR = 11;
const GROUP = 4;
/** Of a message that is no control message of netlink's. */
const TYPE = 32;

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
  const listening = createNetlink(CONNECTOR, { localGroups: 1 << (GROUP - 1), recvBufferSize: 4 << 20, ref: true });
  const sending = createNetlink(CONNECTOR, {});
  const data = Buffer.from(questionOf(0, BROADCAST, batch)).subarray(16);
  await measured(count, async (times) => {
    for (let left = times; left > 0; left -= batch)
      await new Promise((resolve, reject) => {
        let received = 0;
        listening.removeAllListeners('message');
        listening.on('error', reject);
        listening.on('message', (messages) => {
          received += messages.length;
          if (received === batch) resolve();
        });
        sending.send(TYPE, data, { port });
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
