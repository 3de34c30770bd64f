import { openDrbd, TimeoutError, type Client } from '../../lib';
import { attempt, newCounters, RequestSocket, Subscription, type Exchange, type SocketSetup } from '../../lib/session';
import { NETLINK_USERSOCK, type HostFiles, type Send } from '../../lib/transport/transport';
import { FakeTransport } from '../support/fake-transport';

/** A transport that takes everything and says nothing. */
class Silent extends FakeTransport {
  readonly sent: Uint8Array[] = [];

  protected send(bytes: Uint8Array): Send {
    this.sent.push(bytes);
    return { state: 'returned', done: Promise.resolve(), cancel: () => false };
  }

  exhaust(what: 'answers' | 'everything'): void {
    for (const handlers of this.handlers) handlers.exhausted?.(what);
  }
}

const setup: SocketSetup = {
  protocol: NETLINK_USERSOCK,
  order: 'little',
  peerPort: 0,
  groups: [],
  sequenceOf: ({ sequence }) => sequence,
};
const exchange = (what: string): Exchange<string> => ({
  what,
  idempotent: true,
  restart: () => undefined,
  datagram: () => new Uint8Array(16),
  receive: () => ({ done: what }),
});
const LONG_MS = 86_400_000;
const HOST: HostFiles = {
  procDrbd: () => 'version: 8.3.13 (api:88/proto:86-96)\nbuilt-in\n',
  connectorIndex: () => 4,
  driver: { dialect: 'connector', byteOrder: 'big', version: '8.3.99', api: 87 },
};

test('a request under way gives up as if its time were over, with the limit that was given', async () => {
  const transport = new Silent();
  const socket = new RequestSocket(transport, setup, newCounters());
  const waits = ['one', 'two'].map((what, index) =>
    attempt<string>(what, { timeoutMs: LONG_MS + index }, (settle) => socket.start(exchange(what), settle)),
  );
  transport.exhaust('answers');
  const errors = await Promise.all(waits.map((wait) => wait.catch((error: unknown) => error)));
  expect(errors).toMatchObject([
    { code: 'ERR_DRBD_TIMEOUT', timeoutMs: LONG_MS, sent: 'returned' },
    { code: 'ERR_DRBD_TIMEOUT', timeoutMs: LONG_MS + 1, sent: 'returned' },
  ]);
  expect((errors[0] as Error).message).toContain(`within ${LONG_MS} ms`);
  expect(socket.pending).toBe(0);
  socket.close();
});

test('without a limit, too', async () => {
  const transport = new Silent();
  const socket = new RequestSocket(transport, setup, newCounters());
  const wait = attempt<string>('one', { timeoutMs: Infinity }, (settle) => socket.start(exchange('one'), settle));
  transport.exhaust('everything');
  const error = await wait.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TimeoutError);
  expect(error).toMatchObject({ timeoutMs: Infinity, message: expect.stringContaining('none will') as string });
  socket.close();
});

test('a change lets go of its socket and of its minor, and the next one is sent', async () => {
  const transport = new Silent();
  const drbd = (await openDrbd({
    transport: { host: HOST, open: (options, handlers) => transport.open(options, handlers) },
  })) as Client<'connector'>;
  const first = drbd.request('primary', { minor: 0 }, { timeoutMs: LONG_MS });
  const second = drbd.request('secondary', { minor: 0 }, { timeoutMs: LONG_MS });
  await new Promise((resolve) => setImmediate(resolve));
  expect(transport.sent).toHaveLength(1);
  transport.exhaust('answers');
  await expect(first).rejects.toMatchObject({ code: 'ERR_DRBD_TIMEOUT', timeoutMs: LONG_MS });
  expect(transport.sent).toHaveLength(2);
  transport.exhaust('answers');
  await expect(second).rejects.toMatchObject({ code: 'ERR_DRBD_TIMEOUT' });
  expect(transport.handlers).toHaveLength(1);
  drbd.close();
});

test('what a loss took away is asked again at once, or given up as lost', async () => {
  const transport = new Silent();
  const socket = new RequestSocket(transport, setup, newCounters());
  const wait = (idempotent: boolean): Promise<string> =>
    attempt<string>('one', { timeoutMs: LONG_MS }, (settle) =>
      socket.start({ ...exchange('one'), idempotent }, settle),
    );
  const question = wait(true);
  const change = wait(false);
  transport.handlers[0]?.overrun();
  transport.exhaust('answers');
  await expect(change).rejects.toMatchObject({ code: 'ERR_DRBD_OVERRUN', sent: 'returned' });
  expect(transport.sent).toHaveLength(3);
  expect(socket.pending).toBe(1);
  // The second time nothing was lost: it was never answered.
  transport.exhaust('answers');
  await expect(question).rejects.toMatchObject({ code: 'ERR_DRBD_TIMEOUT', timeoutMs: LONG_MS });
  socket.close();
});

test('a stream goes on while only answers are at their end, and then ends behind what it holds', async () => {
  const transport = new Silent();
  const stream = new Subscription<number>(
    transport,
    {
      ...setup,
      receiveBufferBytes: 0,
      queueLimit: 10,
      decode: ({ sequence }) => ({ kind: 'message', value: sequence }),
    },
    newCounters(),
  );
  const datagram = (sequence: number) => {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint32(0, 16, true);
    new DataView(bytes.buffer).setUint32(8, sequence, true);
    return { bytes, port: 0, groups: 0, group: 0, truncated: false };
  };
  transport.exhaust('answers');
  for (const sequence of [1, 2]) transport.handlers[0]?.datagrams([datagram(sequence)]);
  transport.exhaust('everything');
  expect(await stream.next()).toEqual({ done: false, value: { kind: 'message', value: 1 } });
  expect(await stream.next()).toEqual({ done: false, value: { kind: 'message', value: 2 } });
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(transport.closed).toBe(1);
  stream.close();
});

test('a consumer that waits already is released', async () => {
  const transport = new Silent();
  const stream = new Subscription<number>(
    transport,
    {
      ...setup,
      receiveBufferBytes: 0,
      queueLimit: 10,
      decode: ({ sequence }) => ({ kind: 'message', value: sequence }),
    },
    newCounters(),
  );
  const waiting = [stream.next(), stream.next()];
  transport.exhaust('everything');
  expect(await Promise.all(waiting)).toEqual([
    { done: true, value: undefined },
    { done: true, value: undefined },
  ]);
});

test('a driver that is known is not looked for, and waiting for its state ends with the stream', async () => {
  const transport = new Silent();
  const drbd: Client = await openDrbd({
    transport: { host: HOST, open: (options, handlers) => transport.open(options, handlers) },
  });
  expect(drbd.driver).toEqual({ version: '8.3.99', api: 87, address: 4 });
  expect(transport.sent).toEqual([]);
  const wait = drbd.waitFor((snapshot) => snapshot.resources.length > 0, { timeoutMs: LONG_MS });
  await new Promise((resolve) => setImmediate(resolve));
  transport.exhaust('everything');
  await expect(wait).rejects.toMatchObject({ code: 'ERR_DRBD_TIMEOUT', timeoutMs: LONG_MS });
  drbd.close();
});
