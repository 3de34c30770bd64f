import { nativeTransport } from '../../lib/transport/native';
import { NETLINK_USERSOCK, type Datagram, type TransportSocket } from '../../lib/transport/transport';
import { blockFor, ECONNREFUSED, EMSGSIZE, until } from '../support/sockets';

// What cannot stay inside the kernel is sent by the caller's own thread.

let opened: TransportSocket[] = [];

afterEach(() => {
  for (const socket of opened) socket.close();
  opened = [];
});

function open(
  sendsAtOnce: boolean,
  datagrams: (batch: readonly Datagram[]) => void = () => undefined,
): TransportSocket {
  const socket = nativeTransport().open(
    { protocol: NETLINK_USERSOCK, sendsAtOnce, receiveBufferBytes: 4096 },
    { datagrams, overrun: () => undefined, closed: () => undefined },
  );
  opened.push(socket);
  return socket;
}

test('it has returned when send() has', async () => {
  const got: number[] = [];
  const peer = open(false, (batch) => got.push(...batch.map(({ bytes }) => bytes[0] ?? 0)));
  const socket = open(true);
  const sends = [1, 2, 3].map((byte) => socket.send(Uint8Array.of(byte), { port: peer.portId }));
  expect(sends.map((send) => [send.state, send.cancel()])).toEqual(Array(3).fill(['returned', false]));
  await Promise.all(sends.map(({ done }) => done));
  await until('all arrive', () => got.length === 3);
  expect(got).toEqual([1, 2, 3]);
  expect(socket.counters()).toMatchObject({ sentDatagrams: 3, sentBytes: 3, sendErrors: 0 });
});

test('what the system call says comes by the promise', async () => {
  const socket = open(true);
  const send = socket.send(Uint8Array.of(1), { port: 0x7fff_fff0 });
  expect([send.state, send.isOver]).toEqual(['returned', false]);
  await expect(send.done).rejects.toMatchObject({
    code: 'ERR_DRBD_TRANSPORT',
    syscall: 'sendmsg',
    errno: ECONNREFUSED,
  });
  expect(socket.counters()).toMatchObject({ sentDatagrams: 0, sendErrors: 1 });
});

test('a datagram that is larger than what is shared with the addon goes by another thread, before those behind it', async () => {
  const got: number[] = [];
  const peer = open(false, (batch) => got.push(...batch.map(({ bytes }) => bytes.length)));
  const socket = open(true);
  const sizes = [10, 4096, 4097, 11];
  await Promise.all(sizes.map((size) => socket.send(new Uint8Array(size), { port: peer.portId }).done));
  await until('all arrive', () => got.length === sizes.length);
  expect(got).toEqual(sizes);
  await expect(socket.send(new Uint8Array(4 << 20), { port: peer.portId }).done).rejects.toMatchObject({
    code: 'ERR_DRBD_TRANSPORT',
    errno: EMSGSIZE,
  });
  expect(socket.counters()).toMatchObject({ sentDatagrams: 4, sendErrors: 1 });
});

test('a receiver without room is waited for by another thread, and the order is kept', async () => {
  const got: number[] = [];
  const peer = open(false, (batch) => got.push(...batch.map(({ bytes }) => bytes[0] ?? 0)));
  const socket = open(true);
  // The loop does not turn meanwhile: nobody empties the peer's buffer.
  const sends = Array.from({ length: 40 }, (_unused, index) => {
    const bytes = new Uint8Array(1000);
    bytes[0] = index;
    return socket.send(bytes, { port: peer.portId });
  });
  blockFor(20);
  const states = sends.map(({ state }) => state);
  expect(states[0]).toBe('returned');
  expect(states.indexOf('started')).toBeGreaterThan(0);
  expect(states.at(-1)).toBe('no');
  await Promise.all(sends.map(({ done }) => done));
  await until('all arrive', () => got.length === sends.length);
  expect(got).toEqual(sends.map((_send, index) => index));
});
