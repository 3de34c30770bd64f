import { nativeTransport, type NativeSocket } from '../../lib/transport/native';
import { NETLINK_USERSOCK, type Datagram } from '../../lib/transport/transport';
import { blockUntilParked, ECONNREFUSED, EBUSY, expectScenario, Peer, until } from '../support/sockets';

/** The exchange that blocks its thread, for one-shot tools. */
let socket: NativeSocket;
let listened: Datagram[];
let peer: Peer | undefined;

const BYTES = new Uint8Array([1, 2, 3, 4]);

beforeEach(() => {
  listened = [];
  socket = nativeTransport().open(
    { protocol: NETLINK_USERSOCK },
    { datagrams: (batch) => listened.push(...batch), overrun: () => undefined, closed: () => undefined },
  );
});

afterEach(async () => {
  socket.close();
  await peer?.close();
  peer = undefined;
});

function failure(code: string, more: object = {}): Error {
  return expect.objectContaining({ code, ...more }) as Error;
}

test('the answer of a peer is accepted', async () => {
  peer = await Peer.open('echo');
  const { port } = peer;
  for (let count = 0; count < 20; count++) {
    const seen: Datagram[] = [];
    socket.exchangeSync(new Uint8Array([count, 7]), {
      to: { port },
      timeoutMs: 20_000,
      accept: (datagram) => seen.push(datagram) > 0,
    });
    expect(seen).toEqual([{ bytes: new Uint8Array([count, 7]), port, groups: 0, group: 0, truncated: false }]);
  }
  expect(socket.counters()).toMatchObject({ receivedDatagrams: 20, receivedBytes: 40 });
  await until('the counters of the sender thread are complete', () => socket.counters().sentDatagrams === 20);
  expect(listened).toEqual([]);
});

test('what is not accepted is passed over; what comes later is for the listener', async () => {
  peer = await Peer.open('echo');
  const { port } = peer;
  await Promise.all([1, 2, 3].map((mark) => socket.send(new Uint8Array([mark]), { port }).done));
  const passed: number[] = [];
  socket.exchangeSync(new Uint8Array([4]), {
    to: { port },
    timeoutMs: 20_000,
    accept: ({ bytes }) => passed.push(bytes[0] ?? 0) > 0 && bytes[0] === 4,
  });
  expect([...listened.map(({ bytes }) => bytes[0]), ...passed]).toEqual([1, 2, 3, 4]);
  const before = listened.length;
  await socket.send(new Uint8Array([5]), { port }).done;
  await until('the listener is called', () => listened.length === before + 1);
});

test('a deadline is absolute: foreign traffic does not extend it', async () => {
  const flood = await Peer.open('flood', socket.portId);
  const start = performance.now();
  let foreign = 0;
  expect(() => {
    socket.exchangeSync(BYTES, {
      to: { port: socket.portId },
      timeoutMs: 300,
      accept: ({ port }) => {
        foreign += port === flood.port ? 1 : 0;
        return false;
      },
    });
  }).toThrow(failure('ERR_DRBD_TIMEOUT', { timeoutMs: 300 }));
  expect(performance.now() - start).toBeGreaterThanOrEqual(299);
  expect(foreign).toBeGreaterThan(10);
  await flood.close();
});

test.each([0, -1, -Infinity, 1e-9])('a deadline of %d ms is over at once', (timeoutMs) => {
  expect(() => {
    socket.exchangeSync(BYTES, { to: { port: socket.portId }, timeoutMs, accept: () => true });
  }).toThrow(failure('ERR_DRBD_TIMEOUT'));
});

test.each([Infinity, 1e300, Number.MAX_SAFE_INTEGER])('a deadline of %d ms can be waited for', (timeoutMs) => {
  socket.exchangeSync(BYTES, { to: { port: socket.portId }, timeoutMs, accept: () => true });
});

test('a timeout says where the datagram was; what was queued is never sent', async () => {
  // Returned: the peer has it and is silent.
  peer = await Peer.open('stuck');
  const to = { port: peer.port };
  const wait = { to, timeoutMs: 100, accept: () => true };
  expect(() => {
    socket.exchangeSync(BYTES, wait);
  }).toThrow(failure('ERR_DRBD_TIMEOUT', { sent: 'returned' }));
  // Started: the kernel holds it.
  for (let count = 0; ; count++) {
    try {
      socket.exchangeSync(new Uint8Array(1000), wait);
    } catch (error) {
      if ((error as { readonly sent?: unknown }).sent === 'started') break;
      expect(error).toMatchObject({ code: 'ERR_DRBD_TIMEOUT', sent: 'returned' });
    }
    expect(count).toBeLessThan(40);
  }
  blockUntilParked(peer, () => 0);
  const { sentDatagrams } = socket.counters();
  // Queued behind it.
  for (let count = 0; count < 3; count++)
    expect(() => {
      socket.exchangeSync(BYTES, wait);
    }).toThrow(failure('ERR_DRBD_TIMEOUT', { sent: 'no' }));
  peer.release();
  await until('the held one is out', () => socket.counters().sentDatagrams === sentDatagrams + 1);
  // And the next exchange is not confused by the end of the one before.
  socket.exchangeSync(BYTES, {
    to: { port: socket.portId },
    timeoutMs: 20_000,
    accept: ({ port }) => port === socket.portId,
  });
  // The answer may be here before the sender thread is back from the kernel.
  await until('both are counted', () => socket.counters().sentDatagrams >= sentDatagrams + 2);
  expect(socket.counters()).toMatchObject({ sentDatagrams: sentDatagrams + 2, sendErrors: 0 });
});

test('a datagram that cannot be sent', () => {
  expect(() => {
    socket.exchangeSync(BYTES, { to: { port: 2 ** 32 - 1 }, timeoutMs: 20_000, accept: () => true });
  }).toThrow(failure('ERR_DRBD_TRANSPORT', { syscall: 'sendmsg', errno: ECONNREFUSED }));
});

test.each<[string, unknown]>([
  ['an error', new Error('mine')],
  ['a TypeError with a code of Node', Object.assign(new TypeError('mine'), { code: 'ERR_INVALID_ARG_TYPE' })],
  ['a system error', Object.assign(new Error('mine'), { errno: 2, syscall: 'open' })],
  ['no error at all', 'text'],
  ['nothing', undefined],
])('what accept() throws ends the exchange, and is what is thrown: %s', (_what, thrown) => {
  let caught: unknown = 'nothing was thrown';
  try {
    socket.exchangeSync(BYTES, {
      to: { port: socket.portId },
      timeoutMs: 20_000,
      accept: () => {
        throw thrown;
      },
    });
  } catch (error) {
    caught = error;
  }
  expect(caught).toBe(thrown);
  socket.exchangeSync(BYTES, { to: { port: socket.portId }, timeoutMs: 20_000, accept: () => true });
});

test('inside accept(): another socket may exchange, this one may not, and may be closed', () => {
  const other = nativeTransport().open(
    { protocol: NETLINK_USERSOCK },
    { datagrams: () => undefined, overrun: () => undefined, closed: () => undefined },
  );
  const own: number[][] = [];
  socket.exchangeSync(new Uint8Array([1, 1]), {
    to: { port: socket.portId },
    timeoutMs: 20_000,
    accept: ({ bytes }) => {
      expect(() => {
        socket.exchangeSync(BYTES, { to: { port: socket.portId }, timeoutMs: 0, accept: () => true });
      }).toThrow(failure('ERR_DRBD_TRANSPORT', { errno: EBUSY }));
      other.exchangeSync(new Uint8Array([2, 2]), {
        to: { port: other.portId },
        timeoutMs: 20_000,
        accept: (datagram) => own.push([...datagram.bytes]) > 0,
      });
      own.push([...bytes]);
      return true;
    },
  });
  expect(own).toEqual([
    [2, 2],
    [1, 1],
  ]);
  other.close();
  expect(() => {
    socket.exchangeSync(BYTES, {
      to: { port: socket.portId },
      timeoutMs: 20_000,
      accept: () => {
        socket.close();
        return false;
      },
    });
  }).toThrow(failure('ERR_DRBD_CLOSED', { sent: expect.stringMatching(/started|returned/) as string }));
  expect(socket.closed).toBe(true);
});

test('signals neither end it nor extend it', () => {
  expectScenario('signals-in-exchange');
});

test('closed by an accept() that accepts', () => {
  socket.exchangeSync(BYTES, {
    to: { port: socket.portId },
    timeoutMs: 20_000,
    accept: () => {
      socket.close();
      return true;
    },
  });
  expect(socket.closed).toBe(true);
});
