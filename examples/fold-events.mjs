// drbd events --json | node fold-events.mjs: prints the resources after each whole step, as `drbd status --json` does.
import { createInterface } from 'node:readline';

const objects = new Map();
const idOf = ({ object, key }) => JSON.stringify([object, key]);
const isIn = (outer, inner) => Object.entries(outer).every(([name, value]) => inner[name] === value);
const below = (object, key) => [...objects.values()].filter((entry) => entry.object === object && isIn(key, entry.key));

for await (const line of createInterface({ input: process.stdin })) {
  const change = JSON.parse(line);
  if (change.kind === 'rename')
    for (const [id, { object, key, after }] of [...objects]) {
      if (key.resource !== change.key.resource) continue;
      objects.delete(id);
      const entry = { object, key: { ...key, resource: change.after.name }, after };
      objects.set(idOf(entry), object === 'resource' ? { ...entry, after: change.after } : entry);
    }
  else if (change.kind === 'destroy') objects.delete(idOf(change));
  else if (change.after !== undefined) objects.set(idOf(change), change);
  if (change.more) continue;
  const resources = below('resource', {}).map(({ key, after }) => ({
    ...after,
    devices: below('device', key).map((device) => device.after),
    connections: below('connection', key).map((connection) => ({
      ...connection.after,
      paths: below('path', connection.key).map((path) => path.after),
      peerDevices: below('peerDevice', connection.key).map((peer) => peer.after),
    })),
  }));
  console.log(JSON.stringify(resources));
}
