import type { AbortError, TimeoutError } from '../../lib/errors';
import { NetlinkError, type SentState } from '../../lib/errors';
import { encodeMessage, NLM_F_MULTI, NLMSG_DONE } from '../../lib/netlink';
import {
  askBatch,
  newCounters,
  RequestSocket,
  type Exchange,
  type SocketSetup,
  type WaitOptions,
} from '../../lib/session';
import {
  NETLINK_USERSOCK,
  type Question,
  type QuestionEnd,
  type Send,
  type SocketHandlers,
  type TransportSocket,
} from '../../lib/transport/transport';
import { FakeTransport } from '../support/fake-transport';

/** A transport that asks; the test answers. */
class Asking extends FakeTransport {
  questions: readonly Question[] = [];
  states: SentState[] = [];
  ended: (index: number, end: QuestionEnd) => void = () => undefined;

  protected send(): Send {
    throw new Error('nothing is sent by itself here');
  }

  override open(options: object, handlers: SocketHandlers): TransportSocket {
    const socket = super.open(options, handlers);
    return Object.defineProperties(
      {},
      {
        ...Object.getOwnPropertyDescriptors(socket),
        ask: {
          value: (questions: readonly Question[], _port: number, ended: typeof this.ended) => {
            this.questions = questions;
            this.states = questions.map(() => 'no');
            this.ended = ended;
            return { state: (index: number): SentState => this.states[index] ?? 'no' };
          },
        },
      },
    ) as TransportSocket;
  }

  /** The kernel answers a question with so many messages. */
  answers(index: number, messages: number, type = 20): void {
    this.states[index] = 'returned';
    const sequence = new DataView((this.questions[index] as Question).bytes.slice().buffer).getUint32(8, true);
    const payload = new Uint8Array(4);
    const part = { flags: NLM_F_MULTI, sequence, port: 1, payload };
    const datagrams = [...Array<number>(messages).fill(type), NLMSG_DONE].map((kind) => ({
      bytes: encodeMessage({ ...part, type: kind }, 'little'),
      port: 0,
      groups: 0,
      group: 0,
      truncated: false,
    }));
    this.handlers[0]?.datagrams(datagrams);
  }
}

const setup: SocketSetup = {
  protocol: NETLINK_USERSOCK,
  order: 'little',
  peerPort: 0,
  groups: [],
  sequenceOf: ({ sequence }) => sequence,
};
const REFUSES = 21;
const REFUSES_BY_NETLINK = 22;

/** Resolves with how many messages came. */
function counting(what: string): Exchange<number> {
  let count = 0;
  return {
    what,
    idempotent: true,
    restart: () => (count = 0),
    datagram: (sequence, port) =>
      encodeMessage({ type: 20, flags: 0, sequence, port, payload: new Uint8Array(0) }, 'little'),
    receive: ({ type }) => {
      if (type === REFUSES) throw new Error(`${what} was refused`);
      if (type === REFUSES_BY_NETLINK) throw new NetlinkError(`${what} was refused`, { errno: 19, sequence: 1 });
      if (type === NLMSG_DONE) return { done: count };
      count++;
      return 'more';
    },
  };
}

function batch(
  names: readonly (readonly [string, number?])[],
  options: WaitOptions = {},
): {
  readonly transport: Asking;
  readonly one: string[];
  readonly outcomes: Promise<unknown>;
} {
  const transport = new Asking();
  const one: string[] = [];
  const socket = new RequestSocket(transport, setup, newCounters());
  const outcomes = askBatch(
    names.map(([what, onlyIfPrevious = 0]) => ({ exchange: counting(what), onlyIfPrevious })),
    socket,
    ({ what }) => {
      one.push(what);
      return Promise.resolve(100);
    },
    (count) => count > 0,
    options,
  );
  return { transport, one, outcomes };
}

test('answers are of the questions that they belong to; one that was left out has none', async () => {
  const { transport, outcomes, one } = batch([['a'], ['b'], ['c', 2]]);
  expect(transport.questions.map(({ onlyIfPrevious }) => onlyIfPrevious)).toEqual([0, 0, 2]);
  transport.answers(1, 0);
  transport.answers(0, 3);
  transport.ended(2, 'empty');
  expect([await outcomes, one, transport.closed]).toEqual([[{ value: 3 }, { value: 0 }, undefined], [], 1]);
});

test('what was not reached is asked by itself, and left out where it would have been', async () => {
  const { transport, outcomes, one } = batch([['a'], ['b'], ['c', 1], ['d'], ['e', 1]]);
  transport.answers(0, 1);
  transport.answers(1, 0);
  for (const index of [2, 3, 4]) transport.ended(index, 'stopped');
  expect([await outcomes, one]).toEqual([
    [{ value: 1 }, { value: 0 }, undefined, { value: 100 }, { value: 100 }],
    ['d', 'e'],
  ]);
});

test('a refusal of netlink is one question alone; one in a message may never end, and the rest is asked anew', async () => {
  const first = batch([['a'], ['b']]);
  first.transport.answers(0, 1, REFUSES_BY_NETLINK);
  first.transport.answers(1, 1);
  expect([await first.outcomes, first.one]).toEqual([[{ error: expect.any(NetlinkError) as Error }, { value: 1 }], []]);
  const second = batch([['a'], ['b'], ['c']]);
  second.transport.answers(0, 1);
  second.transport.answers(1, 1, REFUSES);
  expect([await second.outcomes, second.one]).toEqual([
    [{ value: 1 }, { error: expect.objectContaining({ message: 'b was refused' }) as Error }, { value: 100 }],
    ['c'],
  ]);
  expect(second.transport.closed).toBe(1);
});

test('a system call that fails is of its question', async () => {
  const { transport, outcomes, one } = batch([['a'], ['b']]);
  const error = new Error('ECONNREFUSED');
  transport.ended(0, error);
  transport.answers(1, 2);
  expect([await outcomes, one]).toEqual([[{ error }, { value: 2 }], []]);
});

test('an abort gives up all: each has what is known of it, or why the others wait', async () => {
  const controller = new AbortController();
  const { transport, outcomes, one } = batch([['a'], ['b'], ['c']], { signal: controller.signal });
  transport.answers(0, 1);
  transport.states[1] = 'started';
  controller.abort(new Error('enough'));
  const error = expect.objectContaining({
    sent: 'started',
    message: expect.stringMatching(/^b was aborted/u) as string,
  }) as AbortError;
  expect([await outcomes, one, transport.closed]).toEqual([[{ value: 1 }, { error }, { error }], [], 1]);
});

test('each question has the limit to itself', async () => {
  jest.useFakeTimers();
  try {
    const { transport, outcomes } = batch([['a'], ['b'], ['c']], { timeoutMs: 1000 });
    await jest.advanceTimersByTimeAsync(900);
    transport.answers(0, 1);
    transport.states[1] = 'started';
    await jest.advanceTimersByTimeAsync(900);
    expect(transport.closed).toBe(0);
    await jest.advanceTimersByTimeAsync(200);
    expect(transport.closed).toBe(1);
    const error = expect.objectContaining({ sent: 'started', timeoutMs: 1000 }) as TimeoutError;
    expect(await outcomes).toEqual([{ value: 1 }, { error }, { error }]);
  } finally {
    jest.useRealTimers();
  }
});

test('without a socket that asks, each is asked by itself, in order', async () => {
  const asked: string[] = [];
  const outcomes = await askBatch(
    [
      { exchange: counting('a'), onlyIfPrevious: 0 },
      { exchange: counting('b'), onlyIfPrevious: 1 },
      { exchange: counting('c'), onlyIfPrevious: 2 },
      { exchange: counting('d'), onlyIfPrevious: 0 },
    ],
    undefined,
    ({ what }) => {
      asked.push(what);
      return what === 'd' ? Promise.reject(new Error('refused')) : Promise.resolve(what === 'b' ? 0 : 1);
    },
    (count) => count > 0,
    {},
  );
  expect(asked).toEqual(['a', 'b', 'd']);
  expect(outcomes).toEqual([{ value: 1 }, { value: 0 }, undefined, { error: new Error('refused') }]);
});
