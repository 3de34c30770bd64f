'use strict';

/** What the sides of scripts/bench that are programs of their own have in common. */

/** bus.c */
const BROADCAST = 1000;

/** Runs as long as it takes to be compiled, and then what counts. Prints microseconds by wall and of processor, each. */
async function measured(count, run) {
  await run(count);
  const processor = process.cpuUsage();
  const start = process.hrtime.bigint();
  await run(count);
  const wall = Number(process.hrtime.bigint() - start) / 1e3;
  const { user, system } = process.cpuUsage(processor);
  console.log((wall / count).toFixed(3), ((user + system) / count).toFixed(3));
}

/** @returns a question of bus.c: nlmsghdr, cn_msg, packet, minor (of BROADCAST, how many), flags */
function questionOf(portId, packet, minor) {
  const question = new Uint8Array(48);
  const view = new DataView(question.buffer);
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  [48, 0, 0, portId, 8, 1, 1, 0].forEach((value, index) => view.setUint32(4 * index, value, little));
  view.setUint16(4, 3, little);
  view.setUint16(32, 12, little);
  view.setUint32(36, packet, little);
  view.setUint32(40, minor, little);
  return question;
}

module.exports = { BROADCAST, measured, questionOf };
