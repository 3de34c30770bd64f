import { decodeStateWord, type StateWord } from '../../../dialects/state-word';
import { codeOf, type Client, type Dialect } from '../../../drbd';
import { KernelError, TimeoutError } from '../../../errors';
import { firstOf } from '../../../session';
import { byteOrderOf } from '../../backend';
import { tell, tellError, waitOptions, type Context } from '../../context';
import { EXIT } from '../../errors';
import { exitCodeOfEnd } from '../../io';
import type { Call } from '../../line/call';
import type { Manner } from '../../line/vocabulary';
import { stateText, stateToJson } from '../text/states';
import { stateOfBroadcast } from './broadcast';
import { minorOfCall, readMinor } from './minors';
import { notOf, printJson } from './print';

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

/** Which limit counts, by the driver's number for how the node started. */
const LIMITS = ['wfc', 'degraded', 'outdated'] as const satisfies readonly (keyof WaitLimits)[];

async function timeoutType(client: Client, minor: number, context: Context): Promise<number> {
  const wait = waitOptions(context);
  switch (client.dialect) {
    case 'connector':
      return (await client.request('get_timeout_flag', { minor }, wait)).tags.use_degraded ?? 0;
    case 'genl1':
      return (await client.request('get_timeout_type', { minor }, wait)).timeout_parms?.timeout_type ?? 0;
    case 'genl2':
      return notOf(client, 'get_timeout_type of a minor');
  }
}

/** What is waited for, and from which state on a device tries. */
interface Goal {
  readonly synced: boolean;
  readonly connected: number;
  readonly unconnected: number;
}

function goalOf(command: string, dialect: Dialect): Goal {
  const code = (word: string): number => codeOf(dialect, 'connection', word) ?? 0;
  return { synced: command === 'wait-sync', connected: code('Connected'), unconnected: code('Unconnected') };
}

/**
 * Waits for a device of DRBD 8. One that does not even try to connect is not waited for, unless that is asked for.
 * @returns the exit code: 5 when the limit has passed, whatever came meanwhile
 */
export async function runWait(client: Client, call: Call, { exits }: Manner, context: Context): Promise<number> {
  const { io, globals } = context;
  const { plain, command } = call;
  const minor = minorOfCall(call);
  const started = io.clock.elapsedMs();
  const seconds = (name: string): number => Number(plain.get(name) ?? 0);
  const afterSplitBrain = ['', 'yes'].includes(plain.get('wait-after-sb') ?? 'no');
  const { limits, notes } = orderLimits({
    wfc: seconds('wfc-timeout'),
    degraded: seconds('degr-wfc-timeout'),
    outdated: seconds('outdated-wfc-timeout'),
  });
  let type: number;
  try {
    type = await timeoutType(client, minor, context);
  } catch (error) {
    if (!(error instanceof KernelError) || exits.waitRefused === undefined) throw error;
    tellError(error, context);
    return exits.waitRefused;
  }
  for (const note of notes) tell(note, context);
  const limitMs = limits[LIMITS[type] ?? 'wfc'] * 1000;
  const left = (): number => (limitMs === 0 ? Infinity : Math.max(0, started + limitMs - io.clock.elapsedMs()));

  const goal = goalOf(command.name, client.dialect);
  const ending = io.endSignal();
  const stop = new AbortController();
  const { signal, release } = firstOf([ending, stop.signal]);
  let told = false;
  /** @returns whether the wait is over */
  const judge = (word: StateWord | undefined): boolean => {
    if (word === undefined) return false;
    const state = stateText(word, client.dialect);
    const reached = goal.synced ? word.conn === goal.connected : word.conn >= goal.connected;
    const isGivenUp = word.conn < goal.unconnected;
    if (reached || (!afterSplitBrain && isGivenUp)) {
      if (globals.json) printJson({ minor, reached, ...stateToJson(state, undefined) }, context);
      return true;
    }
    if (isGivenUp && !told) {
      told = true;
      tell(`drbd${minor} is ${state.connection}; still waiting, as --wait-after-sb asks`, context);
    }
    return false;
  };
  const ask = async (): Promise<boolean> => {
    const timeoutMs = Math.min(left(), globals.timeoutMs ?? Infinity);
    const limited = { ...context, globals: { ...globals, timeoutMs } };
    return judge((await readMinor(client, minor, 'state', limited, signal)).state);
  };
  const isOver = (): number => {
    if (globals.json) printJson({ minor, reached: false }, context);
    return EXIT.timeout;
  };
  // The limit of the whole wait, which no event puts off.
  const timer = limitMs === 0 ? undefined : setTimeout(() => stop.abort(), left());
  try {
    // It listens before it asks, so that nothing falls between.
    const stream = client.broadcasts({ signal, inOrder: client.dialect === 'connector' });
    if (await ask()) return EXIT.ok;
    for await (const item of stream) {
      if (item.kind === 'resync') {
        if (await ask()) return EXIT.ok;
        continue;
      }
      const word = item.minor === minor ? stateOfBroadcast(item) : undefined;
      if (word !== undefined && judge(decodeStateWord(word, byteOrderOf(context.backend)))) return EXIT.ok;
    }
    return isOver();
  } catch (error) {
    if (ending.aborted) return exitCodeOfEnd(ending.reason);
    if (stop.signal.aborted || (error instanceof TimeoutError && left() === 0)) return isOver();
    throw error;
  } finally {
    clearTimeout(timer);
    stop.abort();
    release();
  }
}
