// Prints the state, and then each change of it, as lines of JSON, until it is interrupted or COUNT changes were printed.
//
//   node monitor.mjs [COUNT]
import { changeToJson, openDrbd } from 'node-drbd';

const limit = Number(process.argv[2] ?? Infinity);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());

const drbd = await openDrbd();
let count = 0;
try {
  for await (const change of drbd.events({ signal: stop.signal })) {
    // Inside a step of the kernel the state is one in between.
    console.log(JSON.stringify(changeToJson(change)));
    if (change.kind === 'change' && ++count >= limit) break;
  }
} catch (error) {
  if (error.name !== 'AbortError') throw error;
} finally {
  drbd.close();
}
