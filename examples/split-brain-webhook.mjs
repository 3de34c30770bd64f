// Posts to a URL when DRBD finds a split brain: when the kernel calls the helper "split-brain" (or "initial-split-brain").
//
//   node split-brain-webhook.mjs URL [COUNT]
import { openDrbd } from 'node-drbd';

const [url, limit = Infinity] = process.argv.slice(2);
if (url === undefined) {
  console.error('usage: node split-brain-webhook.mjs URL [COUNT]');
  process.exit(2);
}

const drbd = await openDrbd();
let count = 0;
try {
  for await (const change of drbd.events()) {
    if (change.kind !== 'helper' || change.helper.phase !== 'call' || !/split-brain$/.test(change.helper.name))
      continue;
    const body = JSON.stringify({
      helper: change.helper.name,
      object: change.object,
      key: change.key,
      driver: drbd.driver,
    });
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    if (!response.ok) console.error(`${url}: ${response.status} ${response.statusText}`);
    if (++count >= limit) break;
  }
} finally {
  drbd.close();
}
