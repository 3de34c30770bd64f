import { TransportError } from '../../lib/errors';
import { nativeTransport } from '../../lib/transport/native';
import { NETLINK_USERSOCK, type Datagram, type Send } from '../../lib/transport/transport';
import {
  blockUntil,
  blockUntilParked,
  ECONNREFUSED,
  EMSGSIZE,
  ENOBUFS,
  ENODATA,
  expectScenario,
  openRaw,
  Peer,
  until,
} from '../support/sockets';

const silent = { datagrams: () => undefined, overrun: () => undefined, closed: () => undefined };

/** A port that nobody has. */
const NOBODY = 2 ** 32 - 1;

async function errnoOf(send: Send): Promise<number> {
  try {
    await send.done;
    return 0;
  } catch (error) {
    return error instanceof TransportError && error.syscall === 'sendmsg' ? (error.errno ?? -1) : -1;
  }
}

test('sends settle in order, each with what the kernel said of it, and are counted', async () => {
  const received: Datagram[] = [];
  const receiver = nativeTransport().open(
    { protocol: NETLINK_USERSOCK },
    { ...silent, datagrams: (batch) => received.push(...batch) },
  );
  const socket = nativeTransport().open({ protocol: NETLINK_USERSOCK }, silent);
  const to = { port: receiver.portId };
  const errors = await Promise.all(
    [
      socket.send(new Uint8Array([1]), to),
      socket.send(new Uint8Array([2]), { port: NOBODY }),
      socket.send(new Uint8Array(0), to),
      // More than SO_SNDBUF allows in one message.
      socket.send(new Uint8Array(4 << 20), to),
      socket.send(new Uint8Array([5, 5]), to),
    ].map(errnoOf),
  );
  expect(errors).toEqual([0, ECONNREFUSED, ENODATA, EMSGSIZE, 0]);
  await until('both came', () => received.length === 2);
  expect(received.map(({ bytes }) => [...bytes])).toEqual([[1], [5, 5]]);
  expect(socket.counters()).toEqual({
    receivedDatagrams: 0,
    receivedBytes: 0,
    sentDatagrams: 2,
    sentBytes: 3,
    sendErrors: 3,
    overruns: 0,
    truncated: 0,
  });
  socket.close();
  receiver.close();
});

test('a datagram is copied when it is queued: views, shared memory, and memory that goes away', async () => {
  const received: Datagram[] = [];
  const socket = nativeTransport().open(
    { protocol: NETLINK_USERSOCK },
    { ...silent, datagrams: (batch) => received.push(...batch) },
  );
  const to = { port: socket.portId };
  const reused = new Uint8Array([1, 2, 3]);
  const view = new Uint8Array([9, 9, 4, 5, 9]).subarray(2, 4);
  const shared = new Uint8Array(new SharedArrayBuffer(2)).fill(6);
  const gone = new Uint8Array([7, 7, 7, 7]);
  const sends = [
    socket.send(reused, to),
    socket.send(view, to),
    socket.send(shared, to),
    socket.send(Buffer.from('buffer'), to),
    socket.send(gone, to),
  ];
  reused.fill(0);
  shared.fill(0);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  expect(gone.length).toBe(0);
  expect(await Promise.all(sends.map(errnoOf))).toEqual([0, 0, 0, 0, 0]);
  // What is detached already has no bytes.
  expect(await errnoOf(socket.send(gone, to))).toBe(ENODATA);
  await until('all came', () => received.length === 5);
  expect(received.map(({ bytes }) => [...bytes])).toEqual([
    [1, 2, 3],
    [4, 5],
    [6, 6],
    [...Buffer.from('buffer')],
    [7, 7, 7, 7],
  ]);
  socket.close();
});

test('the queue is limited in number and in bytes', async () => {
  const peer = await Peer.open('stuck');
  const socket = nativeTransport().open({ protocol: NETLINK_USERSOCK }, silent);
  const sends = Array.from({ length: 40 }, () => socket.send(new Uint8Array(1000), { port: peer.port }));
  blockUntilParked(peer, () => sends.findIndex(({ state }) => state === 'started'));
  const full = expect.objectContaining({ code: 'ERR_DRBD_TRANSPORT', syscall: 'sendmsg', errno: ENOBUFS }) as Error;
  const large = new Uint8Array(16 << 20);
  for (let count = 0; count < 3; count++) sends.push(socket.send(large, { port: peer.port }));
  expect(() => socket.send(large, { port: peer.port })).toThrow(full);
  // What could never be queued is told apart from what cannot be now.
  expect(() => socket.send(new Uint8Array((64 << 20) + 1), { port: peer.port })).toThrow(
    expect.objectContaining({ errno: EMSGSIZE }) as Error,
  );
  const small = new Uint8Array(1);
  expect(() => {
    for (let count = 0; count < 70_000; count++) sends.push(socket.send(small, { port: peer.port }));
  }).toThrow(full);
  // Room is made by cancelling, from both ends.
  const queued = sends.filter(({ state }) => state === 'no');
  expect(queued.length).toBe(65_536);
  expect(queued.at(-1)?.cancel()).toBe(true);
  expect(queued.at(0)?.cancel()).toBe(true);
  expect(queued.at(0)?.cancel()).toBe(false);
  socket.send(small, { port: peer.port });
  socket.close();
  await peer.close();
});

test('a cancelled datagram is never sent, and its promise stays open', async () => {
  const peer = await Peer.open('stuck');
  const socket = nativeTransport().open({ protocol: NETLINK_USERSOCK }, silent);
  const sends = Array.from({ length: 40 }, () => socket.send(new Uint8Array(1000), { port: peer.port }));
  const parked = blockUntilParked(peer, () => sends.findIndex(({ state }) => state === 'started'));
  let settled = 0;
  for (const { done } of sends.slice(parked + 1))
    done.then(
      () => settled++,
      () => settled++,
    );
  expect(sends[parked - 1]?.cancel()).toBe(false);
  expect(sends[parked]?.cancel()).toBe(false);
  expect(sends.slice(parked + 1).map((send) => send.cancel())).toEqual(sends.slice(parked + 1).map(() => true));
  peer.release();
  await sends[parked]?.done;
  const after = socket.send(new Uint8Array(1), { port: peer.port });
  await after.done;
  expect(socket.counters()).toMatchObject({ sentDatagrams: parked + 2, sendErrors: 0 });
  expect(sends.slice(parked + 1).map(({ state }) => state)).toEqual(sends.slice(parked + 1).map(() => 'no'));
  socket.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(settled).toBe(0);
  await peer.close();
});

test('closing twice, closing with nothing under way, and sending after', async () => {
  const closed: unknown[] = [];
  const socket = nativeTransport().open(
    { protocol: NETLINK_USERSOCK },
    { ...silent, closed: (error) => closed.push(error) },
  );
  const send = socket.send(new Uint8Array([1]), { port: socket.portId });
  blockUntil('it is out', () => send.state === 'returned');
  socket.close();
  socket.close();
  // Its end was not told yet when the socket was closed; it is known all the same.
  await send.done;
  expect(send.state).toBe('returned');
  expect(send.cancel()).toBe(false);
  expect(closed).toEqual([undefined]);
  expect(() => socket.send(new Uint8Array([1]))).toThrow(
    expect.objectContaining({ code: 'ERR_DRBD_CLOSED', sent: 'no' }) as Error,
  );
  expect(openRaw().close()).toEqual({ lastStarted: 0, inFlight: 0, completions: [] });
});

describe('a sender that the kernel holds', () => {
  test.each(['close-parked', 'parked-and-released', 'parked-and-stopped', 'parked-peer-dies'])('%s', (scenario) => {
    expectScenario(scenario);
  });
});
