import { setImmediate as turn } from 'node:timers/promises';
import type { Change, ChangeOptions, Snapshot } from '../../drbd';
import { AbortError, ArgumentError } from '../../errors';
import { parseExpression, type Expression } from '../../model';
import { waitOptions, type Context } from '../context';
import { EXIT, UsageError } from '../errors';
import { exitIfEnded } from '../io';
import { command } from './command';
import { parseDuration } from './duration';
import { printable } from './text';

/** How often counters and settings are read where an expression compares them. */
const REFRESH_MS = 1000;

export const wait = command({
  about: 'wait until an expression holds',
  words: '--for EXPRESSION [--timeout TIME] [--stable TIME]',
  count: [0, 0],
  options: {
    for: {
      argument: 'EXPRESSION',
      many: true,
      completes: 'expression',
      doc: 'What has to hold, such as "resource=r0 connection=Connected peerDisk=UpToDate". May be repeated: all have to.',
    },
    timeout: { argument: 'TIME', doc: 'How long to wait, such as 60s, 5m or 500ms; for ever if absent.' },
    stable: { argument: 'TIME', doc: 'It has to hold for so long without a break, and nothing may be lost meanwhile.' },
    refresh: {
      argument: 'TIME',
      doc: 'How often counters and settings are read, where the expression compares such (1s).',
    },
  },
  details: [
    'An expression is conditions separated by blanks; all have to hold. resource=, volume=, minor=, peer= and peerNodeId= choose what the others are about; each other compares a property of docs/json.md: disk=UpToDate, connection!=StandAlone, outOfSyncBytes<1M, resync=none. any:, all: and none: before a condition say of how many it has to hold; all: is meant where nothing stands there. About no object at all, nothing holds but none:.',
    'It says yes only of states that are whole: not in the midst of a change of the kernel, nor between a loss and the reading that follows it.',
    'It prints nothing when it holds, and when the time is over what was still missing; with --json an object in both cases.',
  ],
  examples: [
    "drbd wait --for 'resource=r0 connection=Connected peerDisk=UpToDate' --timeout 60s",
    "drbd wait --for 'resource=r0 replication=Established resync=none' --stable 5s",
  ],
  exits: { [EXIT.timeout]: 'The time is over, and it does not hold.' },
  run: ({ context, options }) => waiting(context, options),
});

/** @throws UsageError for an expression that makes no sense */
export function expressionOf(text: string): Expression {
  try {
    return parseExpression(text);
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new UsageError(error.message);
  }
}

/** How a wait ended. `ended`: a recording had no more. */
export interface Waited {
  readonly result: 'holds' | 'timeout' | 'ended';
  /** What did not hold in the last whole state. */
  readonly missing: readonly string[];
}

interface WaitLimits {
  readonly timeoutMs: number;
  readonly stableMs: number;
  /** Ends it from outside. */
  readonly signal: AbortSignal;
}

/** What a wait needs of a client. */
export interface Waitable {
  events(options: ChangeOptions): AsyncIterable<Change>;
  status(options?: { readonly signal?: AbortSignal }): Promise<Snapshot>;
}

const NOTHING_SEEN = 'no whole state has been seen yet';

/**
 * Waits until an expression holds in a whole state, or has held in all of them for a time.
 * @throws AbortError when the signal fires; what the client throws
 */
export async function waitUntil(
  drbd: Waitable,
  expression: Expression,
  { timeoutMs, stableMs, signal }: WaitLimits,
  options: ChangeOptions = {},
): Promise<Waited> {
  const stop = new AbortController();
  const end = (): void => stop.abort('signal');
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  const deadline = Number.isFinite(timeoutMs) ? setTimeout(() => stop.abort('timeout'), timeoutMs) : undefined;
  let missing: readonly string[] = [NOTHING_SEEN];
  let steady: ReturnType<typeof setTimeout> | undefined;
  let isSteady = false;
  /** Grows whenever it does not hold: what was begun before is void. */
  let breaks = 0;
  const broken = (): void => {
    breaks++;
    clearTimeout(steady);
    steady = undefined;
  };
  /** What came before the time was over has to be looked at first, be it on its way still. */
  const confirm = async (begun: number): Promise<void> => {
    const now = await drbd.status({ signal: stop.signal });
    await turn();
    await turn();
    if (begun !== breaks) return;
    if (!holdsIn(expression, now)) broken();
    else {
      isSteady = true;
      stop.abort('steady');
    }
  };
  let failure: unknown;
  try {
    for await (const change of drbd.events({ ...options, signal: stop.signal })) {
      if (stop.signal.aborted) break;
      // Between a loss and the next whole state, anything may have been.
      if (change.kind === 'resync') broken();
      if (change.more) continue;
      const { snapshot } = change;
      ({ missing } = expression.evaluate(snapshot));
      if (!holdsIn(expression, snapshot)) broken();
      else if (stableMs === 0) return { result: 'holds', missing: [] };
      else {
        const begun = breaks;
        steady ??= setTimeout(() => {
          steady = undefined;
          confirm(begun).catch((error: unknown) => {
            failure ??= error;
            stop.abort('failure');
          });
        }, stableMs);
      }
    }
  } catch (error) {
    if (!(error instanceof AbortError) || !stop.signal.aborted) throw error;
  } finally {
    clearTimeout(deadline);
    clearTimeout(steady);
    signal.removeEventListener('abort', end);
  }
  if (isSteady) return { result: 'holds', missing: [] };
  if (stop.signal.reason === 'failure') throw failure;
  if (stop.signal.reason === 'signal') throw new AbortError('the wait was ended', 'no', signal.reason);
  return { result: stop.signal.reason === 'timeout' ? 'timeout' : 'ended', missing };
}

/** One that something changed in while it was read is not one moment: it proves nothing. */
function holdsIn(expression: Expression, snapshot: Snapshot): boolean {
  return snapshot.source.complete && expression.evaluate(snapshot).satisfied;
}

interface WaitWords {
  readonly for: readonly string[];
  readonly timeout: string | undefined;
  readonly stable: string | undefined;
  readonly refresh: string | undefined;
}

async function waiting(context: Context, options: WaitWords): Promise<number> {
  const { io, globals, backend } = context;
  if (options.for.length === 0)
    throw new UsageError('--for EXPRESSION is needed, such as --for connection=Connected. See drbd wait --help');
  const parts = options.for.map(expressionOf);
  const expression: Expression = {
    text: options.for.join(' and '),
    needsRefresh: parts.some(({ needsRefresh }) => needsRefresh),
    evaluate: (snapshot) => {
      const verdicts = parts.map((part) => part.evaluate(snapshot));
      return {
        satisfied: verdicts.every(({ satisfied }) => satisfied),
        missing: verdicts.flatMap(({ missing }) => missing),
      };
    },
  };
  const time = (text: string | undefined, option: string, otherwise: number): number =>
    text === undefined ? otherwise : parseDuration(text, option);
  const timeoutMs = time(options.timeout, '--timeout', Infinity);
  const stableMs = time(options.stable, '--stable', 0);
  const refreshMs = Math.max(1, time(options.refresh, '--refresh', REFRESH_MS));
  const client = await backend.client(waitOptions(context));
  const signal = io.endSignal();
  const began = io.clock.elapsedMs();
  let waited: Waited;
  try {
    waited = await waitUntil(
      client,
      expression,
      { timeoutMs, stableMs, signal },
      expression.needsRefresh ? { counters: true, refreshMs } : {},
    );
  } catch (error) {
    return exitIfEnded(signal, error);
  }
  const { result, missing } = waited;
  const seconds = Math.round(io.clock.elapsedMs() - began) / 1000;
  if (globals.json)
    io.stdout.write(
      `${JSON.stringify({ schemaVersion: 1, satisfied: result === 'holds', expression: expression.text, missing, seconds })}\n`,
    );
  else if (result !== 'holds')
    io.stderr.write(
      `drbd wait: ${result === 'ended' ? 'the recording ended' : `the time of ${timeoutMs / 1000} s is over`}, and this is missing:\n${missing.map((item) => `  ${printable(item)}\n`).join('')}`,
    );
  return result === 'holds' ? EXIT.ok : EXIT.timeout;
}
