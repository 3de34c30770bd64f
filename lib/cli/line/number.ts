import { UsageError } from '../errors';

/** What a number without a suffix counts: units, kibi-units, or sectors of 512 bytes. */
export type DefaultUnit = '1' | 'k' | 's';

const DEFAULT_SHIFT: Readonly<Record<DefaultUnit, number>> = { '1': 0, k: 10, s: 9 };
const SUFFIX_SHIFT: Readonly<Record<string, number>> = { k: 10, K: 10, m: 20, M: 20, g: 30, G: 30, s: 9 };
const LARGEST = 0xffff_ffff_ffff_ffffn;

/** Exit codes of drbdsetup for numbers that are none, and for an empty one. */
const EXIT_NOT_A_NUMBER = 20;
const EXIT_EMPTY_NUMBER = 100;

/**
 * Reads a number as DRBD's C tools do: white space, a sign, decimal digits, and at most one suffix of K, M, G (powers
 * of 1024) or s (sectors of 512 bytes). Digits beyond 64 bits count as the largest number, and a minus sign wraps
 * around, as in C; what a suffix pushes beyond 64 bits is refused. A suffix smaller than the default unit rounds up.
 * @param what the value is for, in words for errors
 * @returns an unsigned number of 64 bits, in the default unit
 * @throws UsageError (exit code 20; 100 for an empty text, as there)
 */
export function parseUnsigned(text: string, unit: DefaultUnit, what: string): bigint {
  const { negative, magnitude, up } = readNumber(text, unit, what);
  const value = magnitude > LARGEST ? LARGEST : negative ? BigInt.asUintN(64, -magnitude) : magnitude;
  if (up < 0) return BigInt.asUintN(64, value + (1n << BigInt(-up)) - 1n) >> BigInt(-up);
  if (value > LARGEST >> BigInt(up))
    throw new UsageError(`${what}: ${quote(text)} is out of range: it does not fit 64 bits`, {
      exitCode: EXIT_NOT_A_NUMBER,
    });
  return value << BigInt(up);
}

/**
 * As {@link parseUnsigned}, but exact: nothing wraps around, and nothing is cut to 64 bits. The caller compares it with
 * what its field can carry.
 */
export function parseExact(text: string, unit: DefaultUnit, what: string): bigint {
  const { negative, magnitude, up } = readNumber(text, unit, what);
  const value = negative ? -magnitude : magnitude;
  // Shifting right rounds down, towards the smaller number.
  return up < 0 ? (value + (1n << BigInt(-up)) - 1n) >> BigInt(-up) : value << BigInt(up);
}

interface NumberParts {
  readonly negative: boolean;
  readonly magnitude: bigint;
  /** How many bits the suffix shifts it, in the default unit. */
  readonly up: number;
}

function readNumber(text: string, unit: DefaultUnit, what: string): NumberParts {
  if (text === '') throw new UsageError(`${what}: a number is missing`, { exitCode: EXIT_EMPTY_NUMBER });
  const match = /^[ \t\n\v\f\r]*([+-]?)(\d+)([\s\S]?)$/u.exec(text);
  const [sign = '', digits = '', suffix = ''] = match?.slice(1) ?? [];
  const shift = suffix === '' ? DEFAULT_SHIFT[unit] : SUFFIX_SHIFT[suffix];
  if (match === null || shift === undefined) {
    throw new UsageError(
      `${what}: ${quote(text)} is not a valid number; decimal digits are needed, with at most one of the suffixes K, M, G (powers of 1024) and s (sectors of 512 bytes)`,
      {
        exitCode: EXIT_NOT_A_NUMBER,
      },
    );
  }
  return { negative: sign === '-', magnitude: BigInt(digits), up: shift - DEFAULT_SHIFT[unit] };
}

/** As {@link parseUnsigned}, read as a signed number of 64 bits: `-1` is -1. */
export function parseSigned(text: string, unit: DefaultUnit, what: string): bigint {
  return BigInt.asIntN(64, parseUnsigned(text, unit, what));
}

/** The longest limit of a waiting command (drbd_limits.h); 0 waits for ever. */
export const LONGEST_WAIT_SECONDS = 300_000n;

const LONGEST_QUOTE = 80;

/** @returns what a user wrote, for a message: quoted, control characters escaped, the middle of a long one left out */
export function quote(text: string): string {
  return (
    JSON.stringify(text.length <= LONGEST_QUOTE ? text : `${text.slice(0, LONGEST_QUOTE - 20)}…${text.slice(-10)}`) +
    (text.length <= LONGEST_QUOTE ? '' : ` (${text.length} characters)`)
  );
}
