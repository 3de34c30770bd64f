'use strict';

/**
 * What a stream of broadcasts keeps: prints one line of JSON. node --expose-gc scripts/bench.d/memory.js EVENTS QUEUED
 *
 * EVENTS state broadcasts of DRBD 8.3 go through a client, in buffers of their own as the addon makes them, and are read;
 * the heap after a tenth of them is compared with that at the end. Then QUEUED wait in a queue that nobody reads.
 */

const { join } = require('node:path');
const { openDrbd } = require(join(__dirname, '../../dist/package/index.js'));

const [events, queued] = process.argv.slice(2).map(Number);
const BATCH = 250;
const DATAGRAM_BYTES = 64;

/** nlmsghdr, cn_msg, and a get_state with state_i, as bus.c has it. */
function broadcast(bytes, sequence) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  [58, 3, sequence, 0, 8, 1, sequence, 0, 22].forEach((value, index) => view.setUint32(4 * index, value, true));
  [17, 0, 0].forEach((value, index) => view.setInt32(36 + 4 * index, value, true));
  view.setUint16(48, 33, true);
  view.setUint16(50, 4, true);
  view.setUint32(52, 0x0006000a ^ (sequence % 2 === 0 ? 0 : 3), true);
}

let receive;
const transport = {
  host: {
    simulated: true,
    connectorIndex: () => 8,
    procDrbd: () => 'version: 8.3.13 (api:88/proto:86-96)\n',
  },
  open(_options, handlers) {
    receive = handlers.datagrams;
    const nothing = () => undefined;
    return { portId: 1, closed: false, join: nothing, leave: nothing, ref: nothing, unref: nothing, close: nothing };
  },
};

let sequence = 0;
function send(count) {
  const buffer = new Uint8Array(count * DATAGRAM_BYTES);
  receive(
    Array.from({ length: count }, (_unused, index) => {
      const bytes = buffer.subarray(index * DATAGRAM_BYTES, index * DATAGRAM_BYTES + 58);
      broadcast(bytes, (sequence = (sequence + 1) >>> 0));
      return { bytes, port: 1, groups: 8, group: 4, truncated: false };
    }),
  );
}

async function usedBytes() {
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (let time = 0; time < 3; time++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function main() {
  const drbd = await openDrbd({ simulator: 1, transport });
  const stream = drbd.broadcasts({ queueLimit: queued + 1 });
  let early;
  for (let read = 0; read < events; read += BATCH) {
    if (early === undefined && read >= events / 10) early = await usedBytes();
    send(BATCH);
    for (let index = 0; index < BATCH; index++) {
      const { value } = await stream.next();
      if (value.kind !== 'event') throw new Error(`${value.kind} ${value.reason}`);
    }
  }
  const late = await usedBytes();
  for (let left = queued; left > 0; left -= BATCH) send(Math.min(BATCH, left));
  const full = await usedBytes();
  console.log(JSON.stringify({ growthBytes: late - early, bytesPerQueued: (full - late) / queued }));
  drbd.close();
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
