import { connectionStates, timeoutTypes } from '../../dialects/genl1';
import type { StateWord } from '../../dialects/state-word';
import type { Genl1Client } from '../../drbd';
import { KernelError, TimeoutError } from '../../errors';
import { firstOf } from '../../session';
import { byteOrderOf } from '../backend';
import { tell, tellError, waitOptions, type Context } from '../context';
import { EXIT } from '../errors';
import { exitCodeOfEnd } from '../io';
import { reasons } from './events';
import { connectionWord, readState } from './states';

/** Seconds to wait for the peer, by how this node started; 0 waits for ever. */
export interface WaitLimits {
  readonly wfc: number;
  readonly degraded: number;
  readonly outdated: number;
}

/**
 * Makes three limits agree: a degraded start waits no longer than an ordinary one, and one with outdated data no longer
 * than a degraded one.
 * @returns the limits, and what was changed, in words
 */
export function orderLimits({ wfc, degraded, outdated }: WaitLimits): {
  readonly limits: WaitLimits;
  readonly notes: readonly string[];
} {
  const notes: string[] = [];
  const shorter = (limit: number, than: number, name: string, thanName: string): number => {
    if (than === 0 || (limit !== 0 && limit <= than)) return limit;
    if (limit !== 0) notes.push(`${name} has to be at most ${thanName}; it is set to ${than} seconds`);
    return than;
  };
  const ordered = shorter(degraded, wfc, 'degr-wfc-timeout', 'wfc-timeout');
  return {
    limits: {
      wfc,
      degraded: ordered,
      outdated: shorter(outdated, ordered, 'outdated-wfc-timeout', 'degr-wfc-timeout'),
    },
    notes,
  };
}

/** @returns which of the limits counts; undefined where the kernel refuses to say, which has been told then */
async function readTimeoutType(client: Genl1Client, minor: number, context: Context): Promise<number | undefined> {
  try {
    const { timeout_parms: parms } = await client.request('get_timeout_type', { minor }, waitOptions(context));
    return parms?.timeout_type ?? timeoutTypes.UT_DEFAULT;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    tellError(error, context);
    return undefined;
  }
}

/** What is waited for. */
export type WaitGoal = 'connected' | 'synced';

/** @returns whether a device is what was waited for */
function isReached({ conn }: StateWord, goal: WaitGoal): boolean {
  return goal === 'connected' ? conn >= connectionStates.C_CONNECTED : conn === connectionStates.C_CONNECTED;
}

/**
 * Waits for a device. One that does not even try to connect is not waited for, unless that is asked for.
 * @param done is told the state that ended the wait, and whether it is what was waited for
 * @returns the exit code: 5 when the limit has passed, whatever came meanwhile
 */
export async function runWait(
  client: Genl1Client,
  minor: number,
  goal: WaitGoal,
  limits: WaitLimits,
  afterSplitBrain: boolean,
  context: Context,
  done: (state: StateWord, reached: boolean) => void,
): Promise<number> {
  const { io } = context;
  const started = performance.now();
  const { limits: ordered, notes } = orderLimits(limits);
  for (const note of notes) tell(note, context);
  const type = await readTimeoutType(client, minor, context);
  if (type === undefined) return EXIT.failure;
  const seconds =
    type === timeoutTypes.UT_DEGRADED
      ? ordered.degraded
      : type === timeoutTypes.UT_PEER_OUTDATED
        ? ordered.outdated
        : ordered.wfc;

  const ending = io.endSignal();
  const stop = new AbortController();
  const { signal, release } = firstOf([ending, stop.signal]);
  let told = false;
  const judge = (word: number | undefined): boolean => {
    const state = readState(word, byteOrderOf(context.backend));
    const reached = isReached(state, goal);
    if (reached || (!afterSplitBrain && state.conn < connectionStates.C_UNCONNECTED)) {
      done(state, reached);
      return true;
    }
    if (goal === 'connected' && state.conn < connectionStates.C_UNCONNECTED && !told) {
      told = true;
      tell(`drbd${minor} is ${connectionWord(state.conn)}; still waiting, as --wait-after-sb asks`, context);
    }
    return false;
  };
  const left = (): number => (seconds === 0 ? Infinity : Math.max(0, started + seconds * 1000 - performance.now()));
  const ask = async (): Promise<boolean> => {
    const { timeoutMs } = context.globals;
    const { state_info: info } = await client.request(
      'get_status',
      { minor },
      { signal, timeoutMs: Math.min(left(), timeoutMs ?? Infinity) },
    );
    return judge(info?.current_state);
  };
  // The limit of the whole wait, which no event puts off.
  const timer = seconds === 0 ? undefined : setTimeout(() => stop.abort(), left());
  try {
    // It listens before it asks, so that nothing falls between.
    const stream = client.broadcasts({ signal });
    if (await ask()) return EXIT.ok;
    for await (const item of stream) {
      if (item.kind === 'resync') {
        if (await ask()) return EXIT.ok;
        continue;
      }
      if (item.minor !== minor) continue;
      const info = item.sets['state_info'] as
        { readonly sib_reason?: number; readonly current_state?: number } | undefined;
      if (info?.sib_reason !== reasons.stateChange || info.current_state === undefined) continue;
      if (judge(info.current_state)) return EXIT.ok;
    }
    return EXIT.timeout;
  } catch (error) {
    if (ending.aborted) return exitCodeOfEnd(ending.reason);
    if (stop.signal.aborted || (error instanceof TimeoutError && left() === 0)) return EXIT.timeout;
    throw error;
  } finally {
    clearTimeout(timer);
    stop.abort();
    release();
  }
}
