import { memoryPair } from '../../lib/transport/memory';
import {
  NETLINK_CONNECTOR,
  NETLINK_GENERIC,
  type Datagram,
  type SocketHandlers,
  type SocketOptions,
  type Transport,
  type TransportSocket,
} from '../../lib/transport/transport';

/** Two turns of the event loop: one to send, one to receive. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

interface Watched {
  readonly socket: TransportSocket;
  /** In order: datagrams as `port/groups/group:bytes`, `overrun`, `closed`. */
  readonly log: string[];
  readonly batches: Datagram[][];
}

const open: TransportSocket[] = [];

function watch(
  transport: Transport,
  options: Partial<SocketOptions> = {},
  handlers: Partial<SocketHandlers> = {},
): Watched {
  const log: string[] = [];
  const batches: Datagram[][] = [];
  const socket = transport.open(
    { protocol: NETLINK_CONNECTOR, ...options },
    {
      datagrams: (batch) => {
        batches.push([...batch]);
        for (const { port, groups, group, bytes, truncated } of batch)
          log.push(`${port}/${groups}/${group}:${[...bytes].join(',')}${truncated ? ' cut' : ''}`);
      },
      overrun: () => log.push('overrun'),
      closed: (error) => log.push(error === undefined ? 'closed' : `failed ${String(error)}`),
      ...handlers,
    },
  );
  open.push(socket);
  return { socket, log, batches };
}

afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

const of = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

test('each socket has a port of its own, and the kernel has 0', () => {
  const { user, kernel } = memoryPair();
  const ports = [watch(user), watch(user), watch(user, { protocol: NETLINK_GENERIC })].map(
    ({ socket }) => socket.portId,
  );
  expect(new Set(ports).size).toBe(3);
  expect(Math.min(...ports)).toBeGreaterThan(0);
  expect(watch(kernel).socket.portId).toBe(0);
  expect(watch(kernel, { protocol: NETLINK_GENERIC }).socket.portId).toBe(0);
  expect(() => watch(kernel)).toThrow(expect.objectContaining({ code: 'ERR_DRBD_TRANSPORT', errno: 98 }) as Error);
});

test('unicast reaches the port it names, from whoever sent it, and is a copy', async () => {
  const { user, kernel } = memoryPair();
  const a = watch(user);
  const b = watch(user);
  const other = watch(user, { protocol: NETLINK_GENERIC });
  const k = watch(kernel);
  const bytes = of(1, 2, 3);
  const send = a.socket.send(bytes);
  bytes.fill(9);
  expect(send.state).toBe('no');
  a.socket.send(of(4), { port: b.socket.portId });
  k.socket.send(of(5), { port: a.socket.portId });
  await send.done;
  expect(send.state).toBe('returned');
  await settle();
  const port = a.socket.portId;
  expect(k.log).toEqual([`${port}/0/0:1,2,3`]);
  expect(b.log).toEqual([`${port}/0/0:4`]);
  expect(a.log).toEqual(['0/0/0:5']);
  expect(other.log).toEqual([]);
  expect(a.socket.counters()).toEqual({
    receivedDatagrams: 1,
    receivedBytes: 1,
    sentDatagrams: 2,
    sentBytes: 4,
    sendErrors: 0,
    overruns: 0,
    truncated: 0,
  });
});

test('nobody at a port refuses the datagram', async () => {
  const { user } = memoryPair();
  const a = watch(user);
  await expect(a.socket.send(of(1), { port: 77 }).done).rejects.toMatchObject({
    code: 'ERR_DRBD_TRANSPORT',
    syscall: 'sendmsg',
    errno: 111,
  });
  await expect(a.socket.send(of(1)).done).rejects.toMatchObject({ errno: 111 });
  expect(a.socket.counters()).toMatchObject({ sentDatagrams: 0, sendErrors: 2 });
});

test('a multicast reaches the members of its lowest group, not its sender, and the port it names beside them', async () => {
  const { user, kernel } = memoryPair();
  const byMask = watch(user, { groups: 0b1010_0000 });
  const byNumber = watch(user);
  const stranger = watch(user, { groups: 1 });
  const sender = watch(user, { groups: 1 << 7 });
  const k = watch(kernel);
  byNumber.socket.join(8);
  sender.socket.send(of(1), { port: sender.socket.portId, groups: 0b1000_0000 });
  await settle();
  const port = sender.socket.portId;
  expect(byMask.log).toEqual([`${port}/128/8:1`]);
  expect(byNumber.log).toEqual([`${port}/128/8:1`]);
  expect(stranger.log).toEqual([]);
  // Its own port was addressed: a copy comes back. The kernel was not.
  expect(sender.log).toEqual([`${port}/0/0:1`]);
  expect(k.log).toEqual([]);
  // Without a port it is port 0, and the kernel hears it.
  sender.socket.send(of(2), { groups: 0b1110_0000 });
  byNumber.socket.leave(8);
  await settle();
  expect(byMask.log.slice(1)).toEqual([`${port}/32/6:2`]);
  expect(byNumber.log).toHaveLength(1);
  expect(k.log).toEqual([`${port}/0/0:2`]);
});

test('what waits comes in one batch, in order', async () => {
  const { user, kernel } = memoryPair();
  const a = watch(user);
  const k = watch(kernel);
  for (let byte = 0; byte < 5; byte++) k.socket.send(of(byte), { port: a.socket.portId });
  await settle();
  expect(a.batches.map((batch) => batch.map(({ bytes }) => bytes[0]))).toEqual([[0, 1, 2, 3, 4]]);
});

test('a request that sticks holds those behind it; cancelled ones never arrive', async () => {
  const pair = memoryPair();
  const a = watch(pair.user);
  const b = watch(pair.user);
  const k = watch(pair.kernel);
  pair.stall();
  const sends = [1, 2, 3].map((byte) => a.socket.send(of(byte)));
  const [first, second, third] = sends;
  const other = b.socket.send(of(4));
  await settle();
  expect([...sends, other].map(({ state }) => state)).toEqual(['started', 'no', 'no', 'started']);
  expect([first?.cancel(), second?.cancel(), second?.cancel()]).toEqual([false, true, false]);
  // The kernel's own side is not held.
  k.socket.send(of(9), { port: a.socket.portId });
  await settle();
  expect(a.log).toEqual(['0/0/0:9']);
  pair.resume();
  await third?.done;
  await settle();
  expect(k.log.map((line) => line.split(':')[1])).toEqual(['1', '3', '4']);
  expect(third?.cancel()).toBe(false);
});

test('closing settles what is pending with how far it had come, and tells once', async () => {
  const pair = memoryPair();
  const a = watch(pair.user);
  watch(pair.kernel);
  pair.stall();
  const started = a.socket.send(of(1));
  const queued = a.socket.send(of(2));
  await settle();
  a.socket.close();
  expect([a.socket.closed, a.log]).toEqual([true, []]);
  a.socket.close();
  await expect(started.done).rejects.toMatchObject({ code: 'ERR_DRBD_CLOSED', sent: 'started' });
  await expect(queued.done).rejects.toMatchObject({ code: 'ERR_DRBD_CLOSED', sent: 'no' });
  expect(a.log).toEqual(['closed']);
  for (const call of [() => a.socket.send(of(1)), () => a.socket.join(1), () => a.socket.leave(1)])
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_DRBD_CLOSED' }) as Error);
  a.socket.ref();
  a.socket.unref();
  pair.resume();
  await expect(watch(pair.user).socket.send(of(1), { port: a.socket.portId }).done).rejects.toMatchObject({
    errno: 111,
  });
});

test('a full buffer loses the newest of the kernel, tells of it first, and goes on', async () => {
  const pair = memoryPair({ bufferDatagrams: 3 });
  const a = watch(pair.user, { groups: 1 << 7 });
  const k = watch(pair.kernel);
  pair.freeze();
  for (let byte = 0; byte < 5; byte++) k.socket.send(of(byte), { port: 0, groups: 1 << 7 });
  k.socket.send(of(5), { port: a.socket.portId });
  await settle();
  expect(a.log).toEqual([]);
  pair.thaw();
  await settle();
  expect(a.log).toEqual(['overrun', '0/128/8:0', '0/128/8:1', '0/128/8:2']);
  expect(a.socket.counters().overruns).toBe(1);
  k.socket.send(of(6), { port: a.socket.portId });
  await settle();
  expect(a.log.at(-1)).toBe('0/0/0:6');
});

test('another program learns that a buffer is full, and nothing is lost', async () => {
  const pair = memoryPair({ bufferDatagrams: 1 });
  const a = watch(pair.user);
  const b = watch(pair.user);
  pair.freeze();
  await a.socket.send(of(1), { port: b.socket.portId }).done;
  await expect(a.socket.send(of(2), { port: b.socket.portId }).done).rejects.toMatchObject({
    code: 'ERR_DRBD_TRANSPORT',
    errno: 11,
  });
  pair.thaw();
  await settle();
  expect(b.log).toEqual([`${a.socket.portId}/0/0:1`]);
});
