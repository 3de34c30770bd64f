import { setImmediate as turn } from 'node:timers/promises';

import { createBackend } from '../../../lib/cli/backend';
import type { Context } from '../../../lib/cli/context';
import { follow } from '../../../lib/cli/genl1/follow';
import { parseGlobals } from '../../../lib/cli/globals';
import type { GenericEvent, ResyncEvent } from '../../../lib/drbd';
import { AbortError } from '../../../lib/errors';
import { memoryIo } from '../../support/cli';

const event = (sequence: number): GenericEvent => ({
  kind: 'event',
  name: 'device_state',
  minor: 0,
  sequence,
  sets: {},
  unknown: [],
});
const OVERRUN: ResyncEvent = { kind: 'resync', reason: 'overrun' };

function contextOf(): Context & { readonly io: ReturnType<typeof memoryIo> } {
  const { globals } = parseGlobals([], {});
  return {
    io: memoryIo(),
    globals,
    backend: createBackend({ kind: 'given', dialect: 'genl1' }),
    tool: 'drbdsetup',
    subject: undefined,
  };
}

/** What a follower was asked to do, in order. */
async function told(
  stream: AsyncGenerator<GenericEvent | ResyncEvent>,
  context = contextOf(),
  reread = (): void => undefined,
): Promise<{ readonly exit: number; readonly steps: readonly (number | string)[] }> {
  const steps: (number | string)[] = [];
  const exit = await follow(stream, context, {
    read: async () => {
      steps.push('read');
    },
    reread: async (reason) => {
      steps.push(reason);
      reread();
    },
    take: ({ sequence }) => {
      steps.push(sequence);
    },
  });
  return { exit, steps };
}

test('what was sent before a loss, and comes after word of it, is older than what is read then', async () => {
  let resume = (): void => undefined;
  const pause = new Promise<void>((resolve) => (resume = resolve));
  async function* stream(): AsyncGenerator<GenericEvent | ResyncEvent> {
    yield event(1);
    yield OVERRUN;
    for (let sequence = 2; sequence < 100; sequence++) {
      // Some at a time, as a socket is read.
      if (sequence % 10 === 0) await turn();
      yield event(sequence);
    }
    yield OVERRUN;
    await pause;
    yield event(200);
    yield event(201);
  }
  expect(await told(stream(), contextOf(), resume)).toEqual({ exit: 0, steps: ['read', 1, 'overrun', 200, 201] });
});

test('a stream that never rests is read again nevertheless', async () => {
  async function* stream(): AsyncGenerator<GenericEvent | ResyncEvent> {
    yield OVERRUN;
    for (let sequence = 1; sequence < 20_000; sequence++) yield event(sequence);
  }
  const { steps } = await told(stream());
  expect(steps.slice(0, 2)).toEqual(['read', 'overrun']);
  expect(steps.at(-1)).toBe(19_999);
  expect(steps.length).toBeGreaterThan(1000);
});

test('being told to end is its end, whatever it does then', async () => {
  const context = contextOf();
  async function* stream(): AsyncGenerator<GenericEvent | ResyncEvent> {
    yield event(1);
    yield OVERRUN;
    context.io.end.abort('SIGTERM');
    throw new AbortError('the subscription was aborted', 'no', 'SIGTERM');
  }
  expect(await told(stream(), context)).toEqual({ exit: 0, steps: ['read', 1] });
});

test('a failure is none of its ends', async () => {
  async function* stream(): AsyncGenerator<GenericEvent | ResyncEvent> {
    yield event(1);
    throw new Error('broken');
  }
  await expect(told(stream())).rejects.toThrow('broken');
});

test('nobody reads any more', async () => {
  const context = contextOf();
  async function* stream(): AsyncGenerator<GenericEvent | ResyncEvent> {
    yield event(1);
    context.io.stdout.closed = true;
    yield event(2);
    yield event(3);
  }
  expect(await told(stream(), context)).toEqual({ exit: 0, steps: ['read', 1, 2] });
});
