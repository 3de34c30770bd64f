import { createBackend } from '../../../lib/cli/backend';
import type { Context } from '../../../lib/cli/context';
import { follow } from '../../../lib/cli/drbdsetup';
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
): Promise<{ readonly exit: number; readonly steps: readonly (number | string)[] }> {
  const steps: (number | string)[] = [];
  const exit = await follow(stream, 'kind', context, {
    read: async () => {
      steps.push('read');
    },
    reread: async (reason) => {
      steps.push(reason);
    },
    take: ({ sequence }) => {
      steps.push(sequence);
    },
  });
  return { exit, steps };
}

test('after a loss all is read again, and the stream goes on', async () => {
  async function* stream(): AsyncGenerator<GenericEvent | ResyncEvent> {
    yield event(1);
    yield OVERRUN;
    yield event(200);
    yield event(201);
  }
  expect(await told(stream())).toEqual({ exit: 0, steps: ['read', 1, 'overrun', 200, 201] });
});

test('being told to end is its end, whatever it does then', async () => {
  const context = contextOf();
  async function* stream(): AsyncGenerator<GenericEvent | ResyncEvent> {
    yield event(1);
    context.io.end.abort('SIGTERM');
    yield OVERRUN;
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
