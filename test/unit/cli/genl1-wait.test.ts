import { setTimeout as sleep } from 'node:timers/promises';

import { createBackend } from '../../../lib/cli/backend';
import type { Context } from '../../../lib/cli/context';
import { parseGlobals } from '../../../lib/cli/globals';
import { runWait, v84 } from '../../../lib/cli/drbdsetup';
import { findCommand, type Call } from '../../../lib/cli/line';
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
  const { globals } = parseGlobals(['--json'], {});
  return {
    io: memoryIo(),
    globals,
    backend: createBackend({ kind: 'given', dialect: 'genl1' }),
    tool: 'drbdsetup',
    subject: '0',
  };
}

/** @param words limits in seconds, and what else the command takes */
function waitFor(name: 'wait-connect' | 'wait-sync', words: Readonly<Record<string, string>>): Call {
  const command = findCommand(v84, name);
  if (command === undefined) throw new Error(`there is no ${name}`);
  return {
    command,
    target: { kind: 'minor', minor: 0 },
    minor: 0,
    subject: '0',
    context: {},
    fields: undefined,
    flags: [],
    plain: new Map(Object.entries(words)),
    times: new Map(),
    notices: [],
    beyondRange: false,
  };
}

/** @returns the exit code, and what was printed at the end of the wait */
async function wait(
  client: Genl1Client,
  call: Call,
  context = contextOf(),
): Promise<{ readonly exit: number; readonly told: unknown }> {
  const exit = await runWait(client, call, v84.manner, context);
  return { exit, told: JSON.parse(context.io.stdout.text) as unknown };
}

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
    expect(await wait(client, waitFor('wait-connect', { 'wfc-timeout': '1' }))).toEqual({
      exit: 5,
      told: { minor: 0, reached: false },
    });
    expect(performance.now() - start).toBeGreaterThan(900);
  });

  test('takes the limit for how the node started', async () => {
    const { client } = driver([CONNECTING], (signal) => forEver(signal, change(0, CONNECTING)), 1);
    expect(await wait(client, waitFor('wait-connect', { 'degr-wfc-timeout': '1' }))).toMatchObject({ exit: 5 });
  });

  test('is over at once where it is so already', async () => {
    const { client } = driver([SYNC_SOURCE], () => these());
    expect(await wait(client, waitFor('wait-connect', {}))).toMatchObject({
      exit: 0,
      told: { reached: true, connection: 'SyncSource' },
    });
  });

  test('goes on until the resync is done, and looks at this device alone', async () => {
    const { client } = driver([SYNC_SOURCE], () =>
      these(change(1, CONNECTED), change(0, CONNECTED, SYNC_PROGRESS), change(0, SYNC_SOURCE), change(0, CONNECTED)),
    );
    expect(await wait(client, waitFor('wait-sync', { 'wfc-timeout': '30' }))).toMatchObject({
      exit: 0,
      told: { reached: true, connection: 'Connected' },
    });
  });

  test('asks again after a loss', async () => {
    const { client, asked } = driver([CONNECTING, CONNECTED], () => these({ kind: 'resync', reason: 'overrun' }));
    expect(await wait(client, waitFor('wait-connect', { 'wfc-timeout': '30' }))).toMatchObject({ exit: 0 });
    expect(asked()).toBe(2);
  });

  test('does not wait for what does not even try, unless it is asked to', async () => {
    const alone = (): Genl1Client => driver([STANDALONE], () => these(change(0, CONNECTED))).client;
    const limit = { 'wfc-timeout': '30' };
    expect(await wait(alone(), waitFor('wait-connect', limit))).toMatchObject({
      exit: 0,
      told: { reached: false, connection: 'StandAlone' },
    });
    const context = contextOf();
    expect(await wait(alone(), waitFor('wait-connect', { ...limit, 'wait-after-sb': '' }), context)).toMatchObject({
      exit: 0,
      told: { reached: true, connection: 'Connected' },
    });
    expect(context.io.stderr.text).toContain('StandAlone');
  });
});
