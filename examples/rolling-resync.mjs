// Fetches all data of each secondary volume anew from its peer, one volume after the other. A volume whose peer is not
// up to date is left alone.
//
//   node rolling-resync.mjs [RESOURCE]...
import { openDrbd } from 'node-drbd';

const wanted = process.argv.slice(2);
const drbd = await openDrbd();

/** The peer's view of a volume, by its minor. */
function peerDeviceOf(snapshot, minor) {
  const resource = snapshot.resources.find(({ devices }) => devices.some((device) => device.minor === minor));
  const device = resource?.devices.find((candidate) => candidate.minor === minor);
  const peers = resource?.connections.flatMap(({ peerDevices }) => peerDevices) ?? [];
  return { device, peer: peers.find(({ volume }) => device?.volume == null || volume === device.volume) };
}

try {
  const { resources } = await drbd.status();
  const chosen = resources.filter(
    ({ name, role }) => role === 'Secondary' && (wanted.length === 0 || wanted.includes(name)),
  );
  for (const { minor } of chosen.flatMap(({ devices }) => devices)) {
    const { peer } = peerDeviceOf(await drbd.status(), minor);
    if (peer?.peerDisk !== 'UpToDate') {
      console.log(`minor ${minor}: left alone, its peer is ${peer?.peerDisk ?? 'not connected'}`);
      continue;
    }
    console.log(`minor ${minor}: resynchronising`);
    await drbd.invalidate({ minor });
    await drbd.waitFor((snapshot) => {
      const { device, peer: now } = peerDeviceOf(snapshot, minor);
      return device?.disk === 'UpToDate' && now?.replication === 'Established';
    });
    console.log(`minor ${minor}: up to date`);
  }
} finally {
  drbd.close();
}
