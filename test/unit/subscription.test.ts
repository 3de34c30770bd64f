import { setImmediate as turn } from 'node:timers/promises';

import {
  newCounters,
  Subscription,
  type Decoded,
  type Decoder,
  type StreamItem,
  type SubscriptionSetup,
} from '../../lib/session';
import { NETLINK_USERSOCK, type Datagram, type Send } from '../../lib/transport/transport';
import { FakeTransport } from '../support/fake-transport';

// A stream's promise: what came is yielded, and a loss last and once.

class Silent extends FakeTransport {
  readonly joined: number[] = [];
  refused: number | undefined;

  protected send(): Send {
    throw new Error('a stream sends nothing');
  }

  protected override join(group: number): void {
    if (group === this.refused) throw new Error('EPERM');
    this.joined.push(group);
  }
}

const MESSAGE = 20;
const OTHER = 21;
const GONE = 22;
const RETURNED = 23;
const OVER = 24;
/** The group of a driver that came back. */
const NEW_GROUP = 40;

/** The bytes of a message that has a type and a sequence number. */
function bytesOf(type: number, sequence: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint32(8, sequence, true);
  return bytes;
}

const datagram = (type: number, sequence: number, truncated = false): Datagram => ({
  bytes: bytesOf(type, sequence),
  port: 0,
  groups: 0,
  group: 0,
  truncated,
});

/** @param scale tells by which numbers a driver's messages are decoded */
const decoder =
  (scale: number): Decoder<number> =>
  ({ type, sequence }): Decoded<number> | undefined => {
    switch (type) {
      case MESSAGE:
      case OTHER:
        return { kind: 'message', value: sequence * scale, count: { name: String(type), sequence } };
      case GONE:
        return { kind: 'gone' };
      case RETURNED:
        return { kind: 'returned', isSame: sequence === scale, groups: [NEW_GROUP], decode: decoder(sequence) };
      case OVER:
        return { kind: 'over', error: new Error('another driver') };
      default:
        throw new Error('unreadable');
    }
  };

const SETUP: SubscriptionSetup<number> = {
  protocol: NETLINK_USERSOCK,
  order: 'little',
  peerPort: 0,
  groups: [],
  receiveBufferBytes: 0,
  queueLimit: 100_000,
  decode: decoder(1),
};

function open(options: Partial<SubscriptionSetup<number>> = {}) {
  const transport = new Silent();
  const stream = new Subscription<number>(transport, { ...SETUP, ...options }, newCounters());
  const seen: (number | string)[] = [];
  let ended: unknown;
  const reading = (async () => {
    for await (const item of stream) seen.push(nameOf(item));
  })().catch((error: unknown) => {
    ended = error;
  });
  return {
    transport,
    stream,
    seen,
    reading,
    ended: () => ended,
    come: (...sequences: readonly number[]) => {
      transport.handlers[0]?.datagrams(sequences.map((sequence) => datagram(MESSAGE, sequence)));
    },
    comes: (type: number, sequence = 0, truncated = false) => {
      transport.handlers[0]?.datagrams([datagram(type, sequence, truncated)]);
    },
    overrun: () => transport.handlers[0]?.overrun(),
  };
}

const nameOf = (item: StreamItem<number>): number | string =>
  item.kind === 'message' ? item.value : item.kind === 'resync' ? item.reason : item.kind;

/** Long enough for a loss to be told. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 12; turns++) await turn();
}

describe('a loss', () => {
  test('is told behind what the kernel kept from before it, in one wake-up or in several', async () => {
    const { come, overrun, seen, stream } = open();
    come(1);
    overrun();
    come(2, 3);
    await turn();
    come(4);
    await turn();
    come(5);
    await settled();
    come(9);
    await settled();
    expect(seen).toEqual([1, 2, 3, 4, 5, 'overrun', 9]);
    stream.close();
  });

  test('is told once: others that come with it are the same, and so is the gap that it leaves in the counts', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      const { come, comes, overrun, seen, stream } = open();
      come(1, 2);
      overrun();
      come(3);
      comes(MESSAGE, 4, true);
      comes(99);
      overrun();
      await settled();
      come(50, 51);
      await jest.advanceTimersByTimeAsync(5000);
      await settled();
      expect(seen).toEqual([1, 2, 3, 'overrun', 50, 51]);
      stream.close();
    } finally {
      jest.useRealTimers();
    }
  });

  test('that nobody has read of yet is the same as the next', async () => {
    const transport = new Silent();
    const stream = new Subscription<number>(transport, { ...SETUP, queueLimit: 10 }, newCounters());
    for (let times = 0; times < 3; times++) {
      transport.handlers[0]?.overrun();
      await settled();
    }
    transport.handlers[0]?.exhausted?.('everything');
    expect(await stream.next()).toEqual({ done: false, value: { kind: 'resync', reason: 'overrun' } });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('in a stream that never rests is told nevertheless', async () => {
    const { come, overrun, seen, stream } = open();
    overrun();
    for (let sequence = 1; sequence <= 20_000; sequence += 10) {
      come(...Array.from({ length: 10 }, (_unused, index) => sequence + index));
      if (sequence % 1000 === 1) await turn();
    }
    expect(seen.filter((item) => typeof item === 'string')).toEqual(['overrun']);
    await settled();
    expect(seen.filter((item) => typeof item === 'string')).toEqual(['overrun']);
    expect(seen).toHaveLength(20_001);
    stream.close();
  });

  test('is told before the end, whatever ends the stream', async () => {
    for (const end of ['everything', 'failure'] as const) {
      const { come, ended, overrun, reading, seen, transport } = open();
      come(1);
      overrun();
      come(2);
      if (end === 'everything') transport.handlers[0]?.exhausted?.('everything');
      else transport.handlers[0]?.closed(new Error('broken'));
      await reading;
      expect(seen).toEqual([1, 2, 'overrun']);
      expect(ended()).toEqual(end === 'everything' ? undefined : new Error('broken'));
    }
  });
});

describe('the count of a driver', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test.each([
    ['the first was overtaken', [10, 9, 11], [9, 10, 11]],
    ['one is overtaken by two', [100, 102, 103, 101, 104], [100, 101, 102, 103, 104]],
    ['two are overtaken', [100, 103, 102, 101, 104], [100, 101, 102, 103, 104]],
  ])('is no loss where %s', async (_name, sequences, inOrder) => {
    const asTheyCame = open();
    const ordered = open({ inOrder: true });
    for (const { come } of [asTheyCame, ordered]) come(...sequences);
    await jest.advanceTimersByTimeAsync(5000);
    await settled();
    expect(asTheyCame.seen).toEqual(sequences);
    // What came before anybody could wait for it is where it came.
    expect(ordered.seen).toEqual(sequences[0] === 10 ? sequences : inOrder);
    for (const { stream } of [asTheyCame, ordered]) stream.close();
  });

  test('tells of one that never comes, behind what waited for it', async () => {
    const { come, seen, stream } = open({ inOrder: true });
    come(1, 3, 4);
    await settled();
    expect(seen).toEqual([1]);
    await jest.advanceTimersByTimeAsync(1000);
    await settled();
    expect(seen).toEqual([1, 3, 4, 'gap']);
    come(5);
    await settled();
    expect(seen.at(-1)).toBe(5);
    stream.close();
  });

  test('gives one that is late its time, whenever the stream began', async () => {
    const { come, seen, stream } = open();
    come(1);
    await jest.advanceTimersByTimeAsync(990);
    come(2, 4);
    await jest.advanceTimersByTimeAsync(400);
    come(3);
    await jest.advanceTimersByTimeAsync(5000);
    await settled();
    expect(seen).toEqual([1, 2, 4, 3]);
    stream.close();
  });

  test('holds up no other count', async () => {
    const { come, comes, seen, stream } = open({ inOrder: true });
    come(1, 3);
    comes(OTHER, 77);
    come(2);
    await settled();
    expect(seen).toEqual([1, 77, 2, 3]);
    stream.close();
  });
});

describe('a driver that is reloaded', () => {
  test('is one resync, whose reader reads what is there then', async () => {
    const { come, comes, seen, stream, transport } = open();
    come(5);
    comes(GONE);
    comes(RETURNED, 1000);
    come(3);
    await settled();
    expect(seen).toEqual([5, 'module', 3000]);
    expect(transport.joined).toEqual([NEW_GROUP]);
    come(4, 5);
    await settled();
    expect(seen.slice(3)).toEqual([4000, 5000]);
    stream.close();
  });

  test('is one resync also where it took its time; its return is told as such', async () => {
    const { come, comes, seen, stream } = open();
    come(500);
    comes(GONE);
    await settled();
    expect(seen).toEqual([500, 'module']);
    comes(RETURNED, 1000);
    come(3);
    await settled();
    expect(seen).toEqual([500, 'module', 'returned', 3000]);
    stream.close();
  });

  test('is one resync where its going was lost, or nobody has read of it', async () => {
    const { comes, seen, stream } = open();
    comes(RETURNED, 1000);
    await settled();
    expect(seen).toEqual(['module']);
    stream.close();

    const unread = new Silent();
    const lazy = new Subscription<number>(unread, SETUP, newCounters());
    unread.handlers[0]?.datagrams([datagram(GONE, 0)]);
    await settled();
    unread.handlers[0]?.datagrams([datagram(RETURNED, 1000)]);
    await settled();
    unread.handlers[0]?.exhausted?.('everything');
    expect(await lazy.next()).toEqual({ done: false, value: { kind: 'resync', reason: 'module' } });
    expect(await lazy.next()).toEqual({ done: true, value: undefined });
  });

  test('an overrun beside it changes nothing: that all is gone says more', async () => {
    const { comes, overrun, seen, stream } = open();
    overrun();
    comes(GONE);
    await settled();
    expect(seen).toEqual(['module']);
    stream.close();
  });

  test('and is told to be there already is none', async () => {
    const { comes, seen, stream } = open();
    comes(RETURNED, 1);
    await settled();
    expect(seen).toEqual([]);
    stream.close();
  });

  test('and cannot be listened to any more ends the stream with its error', async () => {
    const { come, comes, ended, reading, seen, transport } = open();
    transport.refused = NEW_GROUP;
    come(1);
    comes(GONE);
    comes(RETURNED, 1000);
    await reading;
    expect(seen).toEqual([1, 'module']);
    expect(ended()).toEqual(new Error('EPERM'));
    expect(transport.closed).toBe(1);
  });

  test('as another one ends the stream with its error', async () => {
    const { comes, ended, reading, seen } = open();
    comes(OVER);
    await reading;
    expect(seen).toEqual([]);
    expect(ended()).toEqual(new Error('another driver'));
  });
});
