'use strict';

/**
 * The library's side of scripts/bench, in a process of its own. Prints microseconds by wall and of processor, each.
 *
 *   library.js ask PORT COUNT WINDOW     get_state, WINDOW at a time, of who answers at PORT (bench.d/bus.c)
 *   library.js family COUNT              GETFAMILY of the controller itself, one at a time
 *   library.js status PORT COUNT MINORS  status() of the driver at PORT
 *   library.js count PORT COUNT BATCH    receives and decodes COUNT broadcasts, which it has sent BATCH at a time
 */

const { join } = require('node:path');

const root = join(__dirname, '../..');
const { openDrbd } = require(join(root, 'dist/package/index.js'));
const { BROADCAST, measured, questionOf } = require('./loop');
const [mode, ...words] = process.argv.slice(2);
const numbers = words.map(Number);
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

/** By the parts of the library that a client asks its questions with. */
async function family(count) {
  const lib = join(root, 'dist/lib');
  const { nativeTransport } = require(join(lib, 'transport/native'));
  const { attempt, newCounters, RequestSocket } = require(join(lib, 'session'));
  const { familyExchange } = require(join(lib, 'dialects/generic'));
  const { genericSetup } = require(join(lib, 'drbd'));
  const { hostByteOrder } = require(join(lib, 'netlink'));
  const order = hostByteOrder();
  const socket = new RequestSocket(nativeTransport(), genericSetup(0, order), newCounters());
  await measured(count, async (times) => {
    for (let left = times; left > 0; left--) {
      const exchange = familyExchange(order, 'nlctrl');
      const found = await attempt(exchange.what, {}, (settle) => socket.start(exchange, settle));
      if (found.id !== 16) throw new Error(JSON.stringify(found));
    }
  });
  socket.close();
}

async function status(port, count, minors) {
  const { nativeTransport } = require(join(root, 'dist/package/index.js'));
  const lines = Array.from(
    { length: minors },
    (_unused, minor) => ` ${minor}: cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown   r-----`,
  );
  const host = {
    simulated: true,
    procDrbd: () => `version: 8.3.13 (api:88/proto:86-96)\nbuilt-in\n${lines.join('\n')}\n`,
    connectorIndex: () => 8,
  };
  const drbd = await openDrbd({ simulator: port, transport: { ...nativeTransport(), host } });
  await measured(count, async (times) => {
    for (let left = times; left > 0; left--) {
      const { resources } = await drbd.status();
      if (resources.length !== minors) throw new Error(`${resources.length} resources`);
    }
  });
  drbd.close();
}

async function receive(port, count, batch) {
  const { nativeTransport } = require(join(root, 'dist/package/index.js'));
  const drbd = await openDrbd({ simulator: port });
  const trigger = nativeTransport().open({ protocol: 11 }, { datagrams() {}, overrun() {}, closed() {} });
  const question = questionOf(trigger.portId, BROADCAST, batch);
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

const modes = { ask, family, status, count: receive };
modes[mode](...numbers).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
