import { newCounters, RequestSocket, SocketPool, type Exchange, type SocketSetup } from '../../lib/session';
import { NETLINK_USERSOCK, type Send, type Transport } from '../../lib/transport/transport';
import { FakeTransport } from '../support/fake-transport';

/**
 * A transport whose sends stay inside the kernel until the test lets them go; each datagram's first byte names its
 * request.
 */
class Holding extends FakeTransport {
  readonly sent: string[] = [];
  readonly #returns = new Map<string, () => void>();
  refusesGroups = false;

  protected send(bytes: Uint8Array): Send {
    const name = String.fromCharCode(bytes[0] ?? 0);
    this.sent.push(name);
    let state: Send['state'] = 'started';
    const done = new Promise<void>((resolve) => {
      this.#returns.set(name, () => {
        state = 'returned';
        resolve();
      });
    });
    return {
      get state() {
        return state;
      },
      done,
      cancel: () => false,
    };
  }

  protected override join(): void {
    if (this.refusesGroups) throw new Error('EINVAL');
  }

  /** The system call comes back. */
  returns(name: string): void {
    this.#returns.get(name)?.();
  }
}

const setup: SocketSetup = {
  protocol: NETLINK_USERSOCK,
  order: 'little',
  peerPort: 0,
  groups: [],
  sequenceOf: () => undefined,
};
const exchange = (name: string, idempotent = false): Exchange<string> => ({
  what: name,
  idempotent,
  restart: () => undefined,
  datagram: () => Uint8Array.of(name.charCodeAt(0)),
  receive: () => ({ done: name }),
});
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const FAR_MS = 60_000;

function poolOf(transport: Transport, limit = 8): SocketPool {
  return new SocketPool(() => new RequestSocket(transport, setup, newCounters()), {
    limit,
    closeAfterFailure: false,
  });
}

describe('requests that concern the same thing go in the order in which they were asked', () => {
  const ask = (pool: SocketPool, name: string, keys: readonly string[], abort: AbortController): void => {
    pool.run(exchange(name), keys, { timeoutMs: FAR_MS, signal: abort.signal }).catch(() => undefined);
  };

  test.each([
    ['by the same name', ['resource r0'], ['resource r0'], true],
    ['by several names, one of which is busy', ['resource r0'], ['minor 0', 'resource r0'], true],
    ['the other way round', ['minor 0', 'resource r0'], ['resource r0'], true],
    ['and others are not held up', ['resource r0'], ['minor 1', 'resource r1'], false],
    ['nor are those without a name', ['resource r0'], [], false],
  ] as const)('%s', async (_name, first, second, waits) => {
    const transport = new Holding();
    const pool = poolOf(transport);
    const abort = new AbortController();
    ask(pool, 'a', first, abort);
    ask(pool, 'b', second, abort);
    await settled();
    expect(transport.sent).toEqual(waits ? ['a'] : ['a', 'b']);
    abort.abort();
    await settled();
    // What still sticks in the kernel holds its place.
    expect(transport.sent).toEqual(waits ? ['a'] : ['a', 'b']);
    pool.close();
  });

  test('names that are found to belong together while a request runs hold up what comes after it', async () => {
    const transport = new Holding();
    const pool = poolOf(transport);
    const abort = new AbortController();
    ask(pool, 'a', ['minor 7'], abort);
    ask(pool, 'b', ['minor 7', 'resource r0'], abort);
    ask(pool, 'c', ['resource r0'], abort);
    await settled();
    expect(transport.sent).toEqual(['a']);
    pool.close();
  });
});

describe('what looks at a request before it is sent', () => {
  test('keeps its place in the order, and may refuse it', async () => {
    const transport = new Holding();
    const pool = poolOf(transport);
    let refuse: (error: Error) => void = () => undefined;
    const first = pool.run(exchange('a'), ['minor 0'], {
      timeoutMs: FAR_MS,
      before: () => new Promise((_resolve, reject) => (refuse = reject)),
    });
    const second = pool.run(exchange('b'), ['minor 0'], { timeoutMs: FAR_MS });
    second.catch(() => undefined);
    await settled();
    expect(transport.sent).toEqual([]);
    refuse(new Error('it would hang'));
    await expect(first).rejects.toThrow('it would hang');
    await settled();
    expect(transport.sent).toEqual(['b']);
    pool.close();
  });

  test('has what is left of the time, and nothing is sent once that is over', async () => {
    const transport = new Holding();
    const pool = poolOf(transport);
    let left: number | undefined;
    let allow: () => void = () => undefined;
    const given = pool.run(exchange('a'), ['minor 0'], {
      timeoutMs: 20,
      before: ({ timeoutMs }) => {
        left = timeoutMs;
        return new Promise<void>((resolve) => (allow = resolve));
      },
    });
    await expect(given).rejects.toMatchObject({ code: 'ERR_DRBD_TIMEOUT', timeoutMs: 20, sent: 'no' });
    expect(left).toBeLessThanOrEqual(20);
    allow();
    await settled();
    expect(transport.sent).toEqual([]);
    pool.close();
  });
});

test('a socket whose group cannot be joined is closed again', () => {
  const transport = new Holding();
  transport.refusesGroups = true;
  expect(() => new RequestSocket(transport, { ...setup, groups: [40] }, newCounters())).toThrow('EINVAL');
  expect(transport.closed).toBe(1);
});

describe('an overrun', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('while a request is inside the kernel: its answer may be among what was lost, once it has returned', async () => {
    const transport = new Holding();
    const pool = poolOf(transport);
    const change = pool.run(exchange('a'), [], { timeoutMs: FAR_MS });
    const outcome = change.catch((error: unknown) => error);
    await settled();
    transport.handlers[0]?.overrun();
    // For as long as it is inside, it may still be answered.
    await jest.advanceTimersByTimeAsync(2000);
    transport.returns('a');
    await settled();
    await jest.advanceTimersByTimeAsync(250);
    await jest.advanceTimersByTimeAsync(250);
    expect(await outcome).toMatchObject({ code: 'ERR_DRBD_OVERRUN', sent: 'returned' });
    pool.close();
  });

  test('makes a question be asked again', async () => {
    const transport = new Holding();
    const pool = poolOf(transport);
    pool.run(exchange('q', true), [], { timeoutMs: FAR_MS }).catch(() => undefined);
    await settled();
    transport.returns('q');
    await settled();
    transport.handlers[0]?.overrun();
    await jest.advanceTimersByTimeAsync(250);
    expect(transport.sent).toEqual(['q', 'q']);
    pool.close();
  });

  test('and one that sticks the second time holds its socket, whatever became of the first', async () => {
    const transport = new Holding();
    const pool = poolOf(transport, 1);
    const abort = new AbortController();
    const question = pool.run(exchange('q', true), [], { timeoutMs: FAR_MS, signal: abort.signal });
    question.catch(() => undefined);
    await settled();
    transport.returns('q');
    await settled();
    transport.handlers[0]?.overrun();
    await jest.advanceTimersByTimeAsync(250);
    abort.abort();
    await expect(question).rejects.toMatchObject({ sent: 'started' });
    pool.run(exchange('b'), [], { timeoutMs: FAR_MS }).catch(() => undefined);
    await settled();
    expect(transport.sent).toEqual(['q', 'q']);
    transport.returns('q');
    await settled();
    expect(transport.sent).toEqual(['q', 'q', 'b']);
    pool.close();
  });
});
