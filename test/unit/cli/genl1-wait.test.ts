import { setTimeout as sleep } from 'node:timers/promises';

import { createBackend } from '../../../lib/cli/backend';
import type { Context } from '../../../lib/cli/context';
import { parseGlobals } from '../../../lib/cli/globals';
import { runWait } from '../../../lib/cli/genl1/wait';
import { encodeStateWord, type StateWord } from '../../../lib/dialects/state-word';
import type { Genl1Client, GenericEvent, ResyncEvent } from '../../../lib/drbd';
import { hostByteOrder } from '../../../lib/netlink';
import { memoryIo } from '../../support/cli';

const IDLE: StateWord = {
  role: 2,
  peer: 0,
  conn: 8,
  disk: 8,
  pdsk: 6,
  susp: false,
  aftr_isp: false,
  peer_isp: false,
  user_isp: false,
  susp_nod: false,
  susp_fen: false,
};
const word = (conn: number): number => encodeStateWord({ ...IDLE, conn }, hostByteOrder()) >>> 0;
const [STANDALONE, CONNECTING, CONNECTED, SYNC_SOURCE] = [0, 8, 10, 16];
const STATE_CHANGE = 2;
const SYNC_PROGRESS = 5;

const change = (minor: number, conn: number, reason = STATE_CHANGE): GenericEvent => ({
  kind: 'event',
  name: 'event',
  minor,
  sequence: 1,
  sets: { state_info: { sib_reason: reason, current_state: word(conn) } },
  unknown: [],
});

/**
 * A driver whose device is in one state after the other each time that it is asked, and that broadcasts what it is
 * given.
 */
function driver(
  states: readonly number[],
  events: (signal: AbortSignal) => AsyncGenerator<GenericEvent | ResyncEvent>,
  timeoutType = 0,
): { readonly client: Genl1Client; readonly asked: () => number } {
  let asked = 0;
  const client = {
    dialect: 'genl1',
    request: (name: string) => {
      if (name === 'get_timeout_type') return Promise.resolve({ timeout_parms: { timeout_type: timeoutType } });
      return Promise.resolve({
        state_info: { current_state: word(states[Math.min(asked++, states.length - 1)] ?? 0) },
      });
    },
    broadcasts: ({ signal }: { readonly signal: AbortSignal }) => events(signal),
  };
  return { client: client as unknown as Genl1Client, asked: () => asked };
}

function contextOf(): Context & { readonly io: ReturnType<typeof memoryIo> } {
  const { globals } = parseGlobals([], {});
  return {
    io: memoryIo(),
    globals,
    backend: createBackend({ kind: 'given', dialect: 'genl1' }),
    tool: 'drbdsetup',
    subject: '0',
  };
}

const limits = (seconds: number): { readonly wfc: number; readonly degraded: number; readonly outdated: number } => ({
  wfc: seconds,
  degraded: seconds,
  outdated: seconds,
});

async function* forEver(signal: AbortSignal, event: GenericEvent): AsyncGenerator<GenericEvent> {
  while (!signal.aborted) {
    yield event;
    await sleep(20);
  }
}

async function* these(...items: readonly (GenericEvent | ResyncEvent)[]): AsyncGenerator<GenericEvent | ResyncEvent> {
  for (const item of items) {
    await sleep(1);
    yield item;
  }
  await sleep(60_000, undefined, { ref: false });
}

describe('waiting for a device', () => {
  test('ends when the time is over, whatever comes meanwhile', async () => {
    const start = performance.now();
    const { client } = driver([CONNECTING], (signal) => forEver(signal, change(0, CONNECTING)));
    expect(await runWait(client, 0, 'connected', limits(1), false, contextOf(), () => undefined)).toBe(5);
    expect(performance.now() - start).toBeGreaterThan(900);
  });

  test('takes the limit for how the node started', async () => {
    const { client } = driver([CONNECTING], (signal) => forEver(signal, change(0, CONNECTING)), 1);
    expect(
      await runWait(client, 0, 'connected', { wfc: 0, degraded: 1, outdated: 0 }, false, contextOf(), () => undefined),
    ).toBe(5);
  });

  test('is over at once where it is so already', async () => {
    const told: unknown[] = [];
    const { client } = driver([SYNC_SOURCE], () => these());
    expect(
      await runWait(client, 0, 'connected', limits(0), false, contextOf(), ({ conn }, reached) =>
        told.push([conn, reached]),
      ),
    ).toBe(0);
    expect(told).toEqual([[SYNC_SOURCE, true]]);
  });

  test('goes on until the resync is done, and looks at this device alone', async () => {
    const { client } = driver([SYNC_SOURCE], () =>
      these(change(1, CONNECTED), change(0, CONNECTED, SYNC_PROGRESS), change(0, SYNC_SOURCE), change(0, CONNECTED)),
    );
    const told: number[] = [];
    expect(await runWait(client, 0, 'synced', limits(30), false, contextOf(), ({ conn }) => told.push(conn))).toBe(0);
    expect(told).toEqual([CONNECTED]);
  });

  test('asks again after a loss', async () => {
    const { client, asked } = driver([CONNECTING, CONNECTED], () => these({ kind: 'resync', reason: 'overrun' }));
    expect(await runWait(client, 0, 'connected', limits(30), false, contextOf(), () => undefined)).toBe(0);
    expect(asked()).toBe(2);
  });

  test('does not wait for what does not even try, unless it is asked to', async () => {
    const alone = (): Genl1Client => driver([STANDALONE], () => these(change(0, CONNECTED))).client;
    expect(
      await runWait(alone(), 0, 'connected', limits(30), false, contextOf(), ({ conn }, reached) =>
        expect([conn, reached]).toEqual([STANDALONE, false]),
      ),
    ).toBe(0);
    const context = contextOf();
    expect(
      await runWait(alone(), 0, 'connected', limits(30), true, context, ({ conn }, reached) =>
        expect([conn, reached]).toEqual([CONNECTED, true]),
      ),
    ).toBe(0);
    expect(context.io.stderr.text).toContain('StandAlone');
  });
});
