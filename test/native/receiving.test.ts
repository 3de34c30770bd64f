import { decodeDatagram, encodeMessage, hostByteOrder } from '../../lib/netlink';
import { nativeTransport } from '../../lib/transport/native';
import { NETLINK_USERSOCK, type Datagram, type SocketHandlers } from '../../lib/transport/transport';
import {
  blockUntil,
  blockUntilParked,
  expectScenario,
  hasHostNetAdmin,
  openRaw,
  Peer,
  queuedBytes,
  until,
} from '../support/sockets';

/** native/receiver.h: what one datagram may have, and how many make a batch. */
const SLOT_BYTES = 64 * 1024 + 4096;
const SLOTS = 64;

/** A socket and the batches that came. */
function collecting(options: { readonly receiveBufferBytes?: number } = {}): {
  readonly socket: ReturnType<ReturnType<typeof nativeTransport>['open']>;
  readonly batches: (readonly Datagram[])[];
} {
  const batches: (readonly Datagram[])[] = [];
  const handlers: SocketHandlers = {
    datagrams: (batch) => batches.push(batch),
    overrun: () => undefined,
    closed: () => undefined,
  };
  return { socket: nativeTransport().open({ protocol: NETLINK_USERSOCK, ...options }, handlers), batches };
}

test('each datagram comes with its sender, in order, in bytes of its own', async () => {
  const first = collecting();
  const second = collecting();
  const third = collecting();
  await second.socket.send(new Uint8Array([1]), { port: first.socket.portId }).done;
  await third.socket.send(new Uint8Array([2, 2]), { port: first.socket.portId }).done;
  await first.socket.send(new Uint8Array([3, 3, 3]), { port: first.socket.portId }).done;
  await until('three came', () => first.batches.flat().length === 3);
  const own = { groups: 0, group: 0, truncated: false };
  expect(first.batches.flat()).toEqual([
    { bytes: new Uint8Array([1]), port: second.socket.portId, ...own },
    { bytes: new Uint8Array([2, 2]), port: third.socket.portId, ...own },
    { bytes: new Uint8Array([3, 3, 3]), port: first.socket.portId, ...own },
  ]);
  // Those that come together may share a buffer.
  for (const { bytes } of first.batches.flat()) bytes.fill(bytes.length + 10);
  expect(first.batches.flat().map(({ bytes }) => [...bytes])).toEqual([[11], [12, 12], [13, 13, 13]]);
  expect(first.socket.counters()).toMatchObject({ receivedDatagrams: 3, receivedBytes: 6, truncated: 0, overruns: 0 });
  expect(new Set([first.socket.portId, second.socket.portId, third.socket.portId, 0]).size).toBe(4);
  for (const { socket } of [first, second, third]) socket.close();
});

test('a sender that claims to be the kernel is seen for who it is', async () => {
  const receiver = collecting();
  const spoofer = await Peer.open('echo');
  const order = hostByteOrder();
  // nlmsg_pid says 0, the kernel; the port id of the sender is what the kernel itself noted.
  const payload = encodeMessage({ type: 3, flags: 0, sequence: 77, port: 0, payload: new Uint8Array(8) }, order);
  await receiver.socket.send(payload, { port: spoofer.port }).done;
  await until('it came back', () => receiver.batches.flat().length === 1);
  const [datagram] = receiver.batches.flat();
  expect(decodeDatagram(datagram?.bytes ?? new Uint8Array(), order).messages[0]).toMatchObject({
    sequence: 77,
    port: 0,
  });
  expect(datagram?.port).toBe(spoofer.port);
  receiver.socket.close();
  await spoofer.close();
});

test('a datagram longer than the buffer is marked, and the next one is whole', async () => {
  const receiver = collecting();
  const sender = openRaw();
  const long = new Uint8Array(SLOT_BYTES + 1000).map((_, index) => index % 251);
  sender.send(long, receiver.socket.portId, 0);
  sender.send(long.subarray(0, SLOT_BYTES), receiver.socket.portId, 0);
  sender.send(new Uint8Array([5]), receiver.socket.portId, 0);
  await until('all came', () => receiver.batches.flat().length === 3);
  const found = receiver.batches.flat().map(({ bytes, truncated, port }) => ({ bytes, truncated, port }));
  expect(found.map(({ truncated, port }) => [truncated, port])).toEqual([
    [true, sender.portId],
    [false, sender.portId],
    [false, sender.portId],
  ]);
  expect(found.map(({ bytes }) => bytes.length)).toEqual([SLOT_BYTES, SLOT_BYTES, 1]);
  expect(Buffer.compare(found[0]?.bytes ?? new Uint8Array(), long.subarray(0, SLOT_BYTES))).toBe(0);
  expect(Buffer.compare(found[1]?.bytes ?? new Uint8Array(), long.subarray(0, SLOT_BYTES))).toBe(0);
  expect(receiver.socket.counters()).toMatchObject({
    receivedDatagrams: 3,
    truncated: 1,
    receivedBytes: 2 * SLOT_BYTES + 1,
  });
  sender.close();
  receiver.socket.close();
});

test('what waits comes in batches of a limited size, one call for each', async () => {
  const receiver = collecting({ receiveBufferBytes: 200_000 });
  const sender = openRaw();
  for (let count = 0; count < 150; count++) sender.send(new Uint8Array([count]), receiver.socket.portId, 0);
  // The loop has not turned yet: all of them wait in the kernel.
  blockUntil('all are sent', () => sender.counters().sentDatagrams === 150);
  await until('all came', () => receiver.batches.flat().length === 150);
  expect(receiver.batches.flat().map(({ bytes }) => bytes[0])).toEqual(
    Array.from({ length: 150 }, (_, index) => index),
  );
  expect(receiver.batches.map(({ length }) => length)).toEqual([SLOTS, SLOTS, 150 - 2 * SLOTS]);
  sender.close();
  receiver.socket.close();
});

describe('the receive buffer', () => {
  test('a small one holds few datagrams and a large one many', () => {
    const sender = openRaw();
    const small = collecting({ receiveBufferBytes: 4096 });
    for (let count = 0; count < 40; count++) sender.send(new Uint8Array(1000), small.socket.portId, 0);
    const parked = blockUntilParked({ port: small.socket.portId }, () => sender.counters().sentDatagrams);
    expect(parked).toBeGreaterThan(1);
    expect(parked).toBeLessThan(20);
    small.socket.close();
    sender.close();

    const large = collecting({ receiveBufferBytes: 100_000 });
    const other = openRaw();
    for (let count = 0; count < 40; count++) other.send(new Uint8Array(1000), large.socket.portId, 0);
    blockUntil('all are sent', () => other.counters().sentDatagrams === 40);
    expect(queuedBytes(large.socket.portId)).toBeGreaterThan(40_000);
    large.socket.close();
    other.close();
  });

  // SO_RCVBUFFORCE asks for the capability in the machine's first user namespace: one of our own does not do.
  (hasHostNetAdmin() ? test : test.skip)(
    'beyond rmem_max, for root (who else has no CAP_NET_ADMIN in the first user namespace)',
    () => {
      expectScenario('large-buffer');
    },
  );

  test('cut to rmem_max for everybody else, without an error', () => {
    expectScenario('cut-buffer', { privilege: 'without' });
  });
});

describe('groups', () => {
  test('by mask and by number, joined and left', () => {
    expectScenario('groups', { privilege: 'with' });
  });

  test('not without CAP_NET_ADMIN, and the error says so', () => {
    expectScenario('groups-denied', { privilege: 'without' });
  });
});

describe('an overrun', () => {
  test.each(['overrun', 'overrun-unreferenced'])('%s', (scenario) => {
    expectScenario(scenario, { privilege: 'with' });
  });
});

describe('a listener', () => {
  test('that throws reaches uncaughtException, and the socket lives on', () => {
    expectScenario('throw-in-listener');
  });

  test.each(['throw-in-any-event', 'close-in-listener'])('%s', (scenario) => {
    expectScenario(scenario, { privilege: 'with' });
  });

  test('that throws in a worker ends the worker alone', () => {
    expectScenario('throw-in-worker');
  });
});
