import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { nativeTransport } from '../../lib/transport/native';
import { NETLINK_USERSOCK, type Datagram, type Send, type TransportSocket } from '../../lib/transport/transport';

// Each datagram goes out from a process of its own.

const LIBRARY = join(__dirname, '../../lib/transport/native.js');
/** A socket that receives, in a process that can be stopped: its port id is the first line. */
const RECEIVER = `
const { nativeTransport } = require(${JSON.stringify(LIBRARY)});
const socket = nativeTransport().open({ protocol: ${NETLINK_USERSOCK}, receiveBufferBytes: 4096 }, { datagrams: (batch) => console.log('got', batch.length), overrun() {}, closed() {} });
console.log(socket.portId);
setInterval(() => {}, 1000);
`;

let opened: TransportSocket[] = [];
let children: ChildProcess[] = [];

afterEach(() => {
  for (const socket of opened) socket.close();
  for (const child of children) child.kill('SIGKILL');
  opened = [];
  children = [];
});

function open(
  sendFromProcesses: boolean,
  datagrams: (batch: readonly Datagram[]) => void = () => undefined,
): TransportSocket {
  const socket = nativeTransport({ sendFromProcesses }).open(
    { protocol: NETLINK_USERSOCK, mayStick: true },
    { datagrams, overrun: () => undefined, closed: () => undefined },
  );
  opened.push(socket);
  return socket;
}

/** Processes whose parent is this one. */
function childProcesses(): readonly number[] {
  return readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((word) => word !== '')
      .map(Number),
  );
}

async function receiver(): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const child = spawn(process.execPath, ['-e', RECEIVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, port: Number(line) };
}

test('a datagram arrives from the port of the socket that sent it', async () => {
  const got: Datagram[] = [];
  const peer = open(false, (batch) => got.push(...batch));
  const socket = open(true);
  await socket.send(Uint8Array.of(1, 2, 3), { port: peer.portId }).done;
  await socket.send(Uint8Array.of(4), { port: peer.portId }).done;
  while (got.length < 2) await sleep(1);
  expect(got.map(({ bytes, port }) => [port, ...bytes])).toEqual([
    [socket.portId, 1, 2, 3],
    [socket.portId, 4],
  ]);
  // No process is left behind.
  expect(childProcesses()).toEqual([]);
});

test('what the system call says comes back', async () => {
  const socket = open(true);
  await expect(socket.send(new Uint8Array(4 << 20), { port: socket.portId }).done).rejects.toMatchObject({
    code: 'ERR_DRBD_TRANSPORT',
    syscall: 'sendmsg',
    errno: 90,
  });
  await expect(socket.send(Uint8Array.of(1), { port: 0x7fff_fff0 }).done).rejects.toMatchObject({
    code: 'ERR_DRBD_TRANSPORT',
    syscall: 'sendmsg',
    errno: 111,
  });
});

/** A send that is stuck because nobody empties the receiver's buffer, and the process that it holds. */
async function stuckSend(
  socket: TransportSocket,
): Promise<{ readonly child: ChildProcess; readonly last: Send; readonly pid: number }> {
  const { child, port } = await receiver();
  child.kill('SIGSTOP');
  let last = socket.send(new Uint8Array(2000), { port });
  // Each returns at once until the receiver's buffer is full; one that has not after a while is the one that is stuck.
  for (
    let tries = 0;
    tries < 1000 && (await Promise.race([last.done.then(() => true), sleep(500).then(() => false)]));
    tries++
  )
    last = socket.send(new Uint8Array(2000), { port });
  expect(last.state).toBe('started');
  const stuck = childProcesses().filter((pid) => !children.some((other) => other.pid === pid));
  expect(stuck.length).toBe(1);
  return { child, last, pid: stuck[0] ?? 0 };
}

test('one that is stuck holds a process with no descriptor but the socket, and the sender can go on and end', async () => {
  const socket = open(true);
  const { child, last, pid } = await stuckSend(socket);
  // It closes them one by one, and is seen before it is done.
  const descriptors = (): number => readdirSync(`/proc/${pid}/fd`).length;
  for (let waited = 0; descriptors() > 1 && waited < 5000; waited += 10) await sleep(10);
  expect(descriptors()).toBe(1);
  socket.close();
  expect(last.state).toBe('started');
  child.kill('SIGCONT');
  while (childProcesses().includes(pid)) await sleep(10);
});

test('a process that is killed is no word of the kernel: the datagram may have been delivered', async () => {
  const socket = open(true);
  const { last, pid } = await stuckSend(socket);
  process.kill(pid, 'SIGKILL');
  await last.done;
  expect(last.state).toBe('returned');
});
