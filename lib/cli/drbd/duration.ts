import { EXIT, UsageError } from '../errors';
import { quote } from '../line/number';

const UNITS: Readonly<Record<string, number>> = {
  '': 1000,
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
/** The longest that a timer can wait for at once. */
const LONGEST_MS = 0x7fffffff;

/**
 * @param text such as `60`, `60s`, `1.5m`, `500ms`, `2h`
 * @returns milliseconds
 * @throws UsageError
 */
export function parseDuration(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|min|h|d|)$/u.exec(text);
  const milliseconds = match === null ? Number.NaN : Math.round(Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0));
  if (!(milliseconds >= 0 && milliseconds <= LONGEST_MS))
    throw new UsageError(
      `${option}: a time such as 60s, 5m or 500ms, of at most 24 days, is needed, not ${quote(text)}`,
      { exitCode: EXIT.failure },
    );
  return milliseconds;
}
