import { connectionStates, timeoutTypes } from '../../dialects/connector';
import { AbortError, TimeoutError } from '../../errors';
import { attempt } from '../../session';
import { byteOrderOf } from '../backend';
import { clientOf, tell, waitOptions, type Context } from '../context';
import { EXIT, UsageError } from '../errors';
import { getopt } from '../getopt';
import { LONGEST_WAIT_SECONDS, parseSigned, quote } from '../number';
import { requireTag } from './codes';
import type { ListenCommand } from './commands';
import { stateToJson } from './json';
import { stateText, type StateText } from './show';
import { refuseExcess } from './words';

interface Limits {
  readonly usual: number;
  readonly degraded: number;
  readonly outdated: number;
}

/**
 * Waits until the peers are connected, or until they are and no resync runs.
 * @returns 0 once it is so, or once the connection was given up; 5 when the time is over
 */
export async function runWait(
  command: ListenCommand,
  minor: number,
  argv: readonly string[],
  context: Context,
): Promise<number> {
  const { io } = context;
  const { options, operands } = getopt(argv, command.options, command.name, 'connector');
  const seconds: Record<string, number> = {};
  let afterSplitBrain = false;
  for (const { spec, value } of options) {
    if (spec.argument === 'none') afterSplitBrain = true;
    else seconds[spec.name] = parseLimit(value ?? '', `${command.name}: --${spec.name}`);
  }
  refuseExcess(command.name, operands);
  const client = await clientOf(context, 'connector');
  const ending = io.endSignal();
  const { tags: flag } = await client.request('get_timeout_flag', { minor }, waitOptions(context, ending));
  const limits = {
    usual: seconds['wfc-timeout'] ?? 0,
    degraded: seconds['degr-wfc-timeout'] ?? 0,
    outdated: seconds['outdated-wfc-timeout'] ?? 0,
  };
  const limit = chooseLimit(flag.use_degraded ?? timeoutTypes.UT_DEFAULT, limits, context);
  const stop = new AbortController();
  let isOver = false;
  // Listening first and asking then, so that no change falls between.
  const stream = client.broadcasts({ signal: stop.signal, inOrder: true });
  const done = (state: StateText): boolean => isReached(command.name, state) || (!afterSplitBrain && isGivenUp(state));
  const ask = async (): Promise<StateText> => {
    const { tags } = await client.request('get_state', { minor }, waitOptions(context, stop.signal));
    return stateText(requireTag(tags, 'get_state', 'state_i'), byteOrderOf(context.backend));
  };
  /** @returns undefined where the stream has ended, as only a recording's does: nothing will change any more */
  const watch = async (): Promise<StateText | undefined> => {
    let state = await ask();
    if (done(state)) return state;
    for await (const item of stream) {
      if (item.kind === 'resync') state = await ask();
      else if (item.minor !== minor || item.name !== 'get_state' || typeof item.tags['state_i'] !== 'number') continue;
      else state = stateText(item.tags['state_i'], byteOrderOf(context.backend));
      if (done(state)) return state;
    }
    return undefined;
  };
  try {
    const state = await attempt<StateText>(
      `${command.name} of minor ${minor}`,
      { signal: ending, timeoutMs: limit === 0 ? Infinity : limit * 1000 },
      (settle) => {
        watch().then((state) => {
          if (state === undefined) settle.expire();
          else settle.resolve(state);
        }, settle.reject);
        return {
          abandon: () => {
            isOver = true;
            stop.abort();
            return 'no';
          },
        };
      },
    );
    if (context.globals.json)
      io.stdout.write(
        `${JSON.stringify({ minor, reached: isReached(command.name, state), ...stateToJson(state, undefined) })}\n`,
      );
    return EXIT.ok;
  } catch (error) {
    // A question without an answer is another matter, and a failure.
    if (!(error instanceof TimeoutError) || !isOver) throw error;
    if (context.globals.json) io.stdout.write(`${JSON.stringify({ minor, reached: false })}\n`);
    return EXIT.timeout;
  } finally {
    stop.abort();
    await Promise.resolve(stream.return?.()).catch((error: unknown) => {
      if (!(error instanceof AbortError)) throw error;
    });
  }
}

function parseLimit(text: string, what: string): number {
  const number = parseSigned(text, '1', what);
  if (number < 0n || number > LONGEST_WAIT_SECONDS)
    throw new UsageError(
      `${what}: ${quote(text)} is out of range: 0 to ${LONGEST_WAIT_SECONDS} seconds, where 0 waits for ever`,
    );
  return Number(number);
}

/**
 * A limit for a degraded cluster must not be longer than the usual one, nor one for an outdated peer longer than that.
 */
function chooseLimit(flag: number, limits: Limits, context: Context): number {
  if (flag === timeoutTypes.UT_DEFAULT) return limits.usual;
  const shorten = (name: string, value: number, of: string, most: number): number => {
    if (most === 0 || (value !== 0 && value <= most)) return value;
    tell(`${name} has to be at most ${of}; it is set to ${most} seconds`, context);
    return most;
  };
  const degraded = shorten('degr-wfc-timeout', limits.degraded, 'wfc-timeout', limits.usual);
  const outdated = shorten('outdated-wfc-timeout', limits.outdated, 'degr-wfc-timeout', degraded);
  return flag === timeoutTypes.UT_DEGRADED ? degraded : outdated;
}

/** Nothing will come of waiting. */
function isGivenUp({ word }: StateText): boolean {
  return word.conn < connectionStates.C_UNCONNECTED;
}

function isReached(name: string, { word }: StateText): boolean {
  const { conn } = word;
  return name === 'wait-sync' ? conn === connectionStates.C_CONNECTED : conn >= connectionStates.C_CONNECTED;
}
