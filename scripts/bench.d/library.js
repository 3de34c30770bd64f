'use strict';

/**
 * The library's side of scripts/bench, in a process of its own. Prints microseconds by wall and of processor, each.
 *
 *   library.js ask PORT COUNT WINDOW     get_state, WINDOW at a time, of who answers at PORT (bench.d/bus.c)
 *   library.js count PORT COUNT BATCH    receives and decodes COUNT broadcasts, which it has sent BATCH at a time
 */

const { join } = require('node:path');

const root = join(__dirname, '../..');
const { openDrbd } = require(join(root, 'dist/package/index.js'));
const [mode, ...words] = process.argv.slice(2);
const numbers = words.map(Number);
/** Rounds before those that count, as a program that runs for long is measured. */
const WARM = 2000;
/** bench.d/bus.c */
const BROADCAST = 1000;

async function measured(count, run) {
  await run(WARM);
  const processor = process.cpuUsage();
  const start = process.hrtime.bigint();
  await run(count);
  const wall = Number(process.hrtime.bigint() - start) / 1e3;
  const { user, system } = process.cpuUsage(processor);
  console.log((wall / count).toFixed(3), ((user + system) / count).toFixed(3));
}

async function ask(port, count, window) {
  const drbd = await openDrbd({ simulator: port });
  await measured(count, async (times) => {
    let left = times;
    const one = async () => {
      while (left-- > 0) await drbd.request('get_state', { minor: 0 });
    };
    await Promise.all(Array.from({ length: window }, one));
  });
  drbd.close();
}

async function receive(port, count, batch) {
  const { nativeTransport } = require(join(root, 'dist/package/index.js'));
  const drbd = await openDrbd({ simulator: port });
  const trigger = nativeTransport().open({ protocol: 11 }, { datagrams() {}, overrun() {}, closed() {} });
  // struct nlmsghdr, cn_msg, and packet, minor (how many) and flags.
  const question = new Uint8Array(48);
  const view = new DataView(question.buffer);
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  [48, 0, 0, trigger.portId, 8, 1, 1, 0].forEach((value, index) => view.setUint32(4 * index, value, little));
  view.setUint16(4, 3, little);
  view.setUint16(32, 12, little);
  view.setUint32(36, BROADCAST, little);
  view.setUint32(40, batch, little);
  const events = drbd.broadcasts({ queueLimit: 4 * batch, receiveBufferBytes: 4 << 20 });
  await measured(count, async (times) => {
    for (let left = times; left > 0; left -= batch) {
      trigger.send(question, { port });
      for (let received = 0; received < batch; received++) {
        const { value } = await events.next();
        if (value.kind !== 'event') throw new Error(`${value.kind} ${value.reason}`);
      }
    }
  });
  drbd.close();
  trigger.close();
}

const modes = { ask, count: receive };
modes[mode](...numbers).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
