import { readSync } from 'node:fs';

import { openRaw } from '../support/sockets';

/**
 * The other end of the tests, in a process of its own: `node peer.js MODE PORT BUFFER`. Prints its port id.
 * See Peer in test/support/sockets.ts for the modes.
 */
const [mode, target, bufferBytes] = process.argv.slice(2);

const socket = openRaw(
  (...event) => {
    if (event[0] === 'datagrams' && mode === 'echo')
      for (const { bytes, port } of event[1]) socket.send(bytes, port, 0);
    if (event[0] === 'sent' && mode === 'flood') flood(event[1].length / 2);
  },
  { receiveBufferBytes: mode === 'stuck' ? Number(bufferBytes) : 0 },
);

function flood(count: number): void {
  for (let index = 0; index < count; index++) socket.send(new Uint8Array(16), Number(target), 0);
}

process.stdout.write(`${socket.portId}\n`);
// Inside this call the event loop does not turn, and nothing is read.
if (mode === 'stuck' && readSync(0, new Uint8Array(16)) === 0) process.exit();
process.stdin.resume().on('close', () => process.exit());
if (mode === 'flood') flood(32);
