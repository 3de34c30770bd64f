import type { ClientBase, Dialect } from '../drbd';
import { TimeoutError } from '../errors';
import { parseExpression, type Expression, type Snapshot } from '../model';
import type { WaitOptions } from '../session';

/** A client of `openDrbd()`, as far as waiting needs one. */
export type Waiting = Pick<ClientBase<Dialect, unknown>, 'waitFor'>;

export interface EventuallyOptions extends WaitOptions {
  /** Limit in milliseconds; 4000 if absent, so that it ends before the 5000 that jest and vitest give to a test. */
  readonly timeoutMs?: number;
  /** How often counters and settings are read, where the expression is about any; 250 if absent. */
  readonly refreshMs?: number;
}

const TIMEOUT_MS = 4000;
const REFRESH_MS = 250;

/** How a wait for a state ended. */
export type Ending =
  | { readonly isReached: true; readonly snapshot: Snapshot }
  | { readonly isReached: false; readonly missing: readonly string[]; readonly error: TimeoutError };

/**
 * Waits for a state, as `drbd wait` does, and tells what was missing where it did not come in time.
 * @throws what ends the wait otherwise, such as an ArgumentError or a ClosedError
 */
export async function watchUntil(
  drbd: Waiting,
  expression: Expression,
  { refreshMs = REFRESH_MS, timeoutMs = TIMEOUT_MS, ...wait }: EventuallyOptions,
): Promise<Ending> {
  let missing: readonly string[] = ['no state could be read'];
  const isMet = (snapshot: Snapshot): boolean => {
    const verdict = expression.evaluate(snapshot);
    // One that something changed in while it was read is not one moment: it proves nothing.
    missing = snapshot.source.complete ? verdict.missing : ['the state changed while it was read', ...verdict.missing];
    return missing.length === 0;
  };
  try {
    const limits = { ...wait, timeoutMs, ...(expression.needsRefresh ? { refreshMs } : {}) };
    return { isReached: true, snapshot: await drbd.waitFor(isMet, limits) };
  } catch (error) {
    if (error instanceof TimeoutError) return { isReached: false, missing, error };
    throw error;
  }
}

/** @returns an expression that may be a text @throws ArgumentError */
export function expressionOf(expression: string | Expression): Expression {
  return typeof expression === 'string' ? parseExpression(expression) : expression;
}

/**
 * Waits until DRBD is in a state, such as `resource=r0 connection=Connected disk=UpToDate`: the language of
 * `drbd wait`.
 * @returns the first state that satisfies the expression
 * @throws TimeoutError that tells what was missing, a line for each; ArgumentError for an expression that makes no
 *   sense; AbortError; what reading the state throws
 */
export async function eventually(
  drbd: Waiting,
  expression: string | Expression,
  options: EventuallyOptions = {},
): Promise<Snapshot> {
  const wanted = expressionOf(expression);
  const ending = await watchUntil(drbd, wanted, options);
  if (ending.isReached) return ending.snapshot;
  const { missing, error } = ending;
  throw new TimeoutError(notReached(wanted.text, error.timeoutMs, missing), error.timeoutMs, error.sent, {
    cause: error,
  });
}

/** @returns what to say of a state that did not come */
export function notReached(text: string, timeoutMs: number, missing: readonly string[]): string {
  return [`${text}: not reached in ${timeoutMs} ms. What is missing:`, ...missing.map((line) => `  ${line}`)].join(
    '\n',
  );
}
