import { ArgumentError } from '../errors';
import type { Expression } from '../model';
import { expressionOf, notReached, watchUntil, type EventuallyOptions, type Waiting } from './eventually';

/** What jest and vitest add to `expect(drbd)` once {@link matchers} are given to `expect.extend()`. */
export interface DrbdMatchers {
  /**
   * Waits until a client's state satisfies an expression, such as `resource=r0 disk=UpToDate`, 4000 ms at most unless
   * `timeoutMs` is given. With `.not` it waits that long, or 500 ms, to see that the state does not come.
   */
  toReach(expression: string | Expression, options?: EventuallyOptions): Promise<void>;
}

/** The part of jest's and vitest's `this` that is used. */
interface MatcherState {
  readonly isNot?: boolean;
}

interface MatcherResult {
  readonly pass: boolean;
  message(): string;
}

/** To see that something does not happen takes the whole limit each time. */
const NOT_TIMEOUT_MS = 500;

function isWaiting(value: unknown): value is Waiting {
  return typeof value === 'object' && value !== null && 'waitFor' in value && typeof value.waitFor === 'function';
}

async function toReach(
  this: MatcherState,
  received: unknown,
  expression: string | Expression,
  options: EventuallyOptions = {},
): Promise<MatcherResult> {
  if (!isWaiting(received)) throw new ArgumentError('expect(received).toReach()', 'a client of openDrbd() is needed');
  const wanted = expressionOf(expression);
  const isNot = this.isNot === true;
  const ending = await watchUntil(received, wanted, { ...(isNot ? { timeoutMs: NOT_TIMEOUT_MS } : {}), ...options });
  return {
    pass: ending.isReached,
    message: () =>
      ending.isReached
        ? `${wanted.text}: reached, and it should not have been.`
        : notReached(wanted.text, ending.error.timeoutMs, ending.missing),
  };
}

/** For `expect.extend(matchers)` of jest or vitest. */
export const matchers = { toReach };
