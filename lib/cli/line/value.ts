import { EXIT, UsageError } from '../errors';
import type { AnyField } from '../../schema';
import type { SocketAddress } from '../../netlink';
import { wordsOf, type Option, type OptionKind } from './option';
import { quote, type DefaultUnit } from './number';
import { parseNumber, type NumberRules } from './range';

// How the value of a field is said, read back, and told.

/** What goes into a request for an option. */
export type OptionValue = number | bigint | boolean | string | SocketAddress;

/** What of an option or an argument it takes to read a value. */
export interface ValueSpec {
  readonly kind: OptionKind;
  readonly table: AnyField;
  readonly scale: DefaultUnit;
  readonly anyCase: boolean;
}

/** How a command line reads values. */
export interface ValueRules extends NumberRules {
  /** Exit code for a text that is too long; undefined where it may be. */
  readonly tooLong: number | undefined;
  /** Reads `[af:]ip[:port]`. */
  address(text: string, what: string): Promise<SocketAddress>;
  /** Is told the words there are, where another one was given. */
  words(words: readonly string[]): void;
}

/**
 * @param text what stands behind the option; undefined where nothing does
 * @param what names it, for errors
 * @returns the value to send; undefined where the option says that nothing is to be sent
 * @throws UsageError if the text is none of the option's words, no number, or a number out of range
 */
export async function parseValue(
  { kind, table, scale, anyCase }: ValueSpec,
  text: string | undefined,
  what: string,
  rules: ValueRules,
): Promise<OptionValue | undefined> {
  switch (kind) {
    case 'switch':
      return true;
    case 'flag':
      return parseYesNo(text, what) ? true : undefined;
    case 'boolean':
      return parseYesNo(text, what);
    case 'word':
      return parseWord(table, anyCase, text ?? '', what, rules);
    case 'number':
      return parseNumber(table, scale, text ?? '', what, rules);
    case 'symbol': {
      const found = wordsOf(table).find(([, word]) => word === text);
      return found?.[0] ?? parseNumber(table, scale, text ?? '', what, rules);
    }
    case 'string':
      return parseText(table, text ?? '', what, rules.tooLong);
    case 'address':
      return rules.address(text ?? '', what);
  }
}

/** @throws UsageError with the exit code for a text that does not fit */
export function parseText(table: AnyField, text: string, what: string, tooLong: number | undefined): string {
  // The kernel keeps a NUL behind it.
  const most = (table.maxBytes ?? Infinity) - 1;
  const length = Buffer.byteLength(text);
  if (tooLong !== undefined && length > most)
    throw new UsageError(
      `${what}: at most ${most} bytes fit, not ${length}. Not sent${tooLong === EXIT.refused ? '; the kernel refuses such a text: (126) ERR_MANDATORY_TAG' : ''}`,
      { exitCode: tooLong },
    );
  if (/[\ud800-\udfff]/u.test(text))
    throw new UsageError(`${what}: a well-formed text is needed: this one has half of a surrogate pair`);
  return text;
}

function parseYesNo(text: string | undefined, what: string): boolean {
  if (text === undefined || text === 'yes') return true;
  if (text === 'no') return false;
  throw new UsageError(`${what}: ${quote(text)} is neither "yes" nor "no"`);
}

function parseWord(table: AnyField, anyCase: boolean, text: string, what: string, { words }: ValueRules): number {
  const known = wordsOf(table);
  const found = known.find(([, word]) => (anyCase ? word.toLowerCase() === text.toLowerCase() : word === text));
  if (found !== undefined) return found[0];
  const names = known.map(([, word]) => word);
  words(names);
  throw new UsageError(`${what}: invalid argument ${quote(text)}; it takes one of ${names.join(', ')}`);
}

/** @returns a value as the kernel sent it, in the words of a command line; addresses have others */
export function formatValue({ kind, table, scale }: ValueSpec, value: unknown): string {
  switch (kind) {
    case 'switch':
    case 'flag':
    case 'boolean':
      return value === true ? 'yes' : 'no';
    case 'word':
      return (typeof value === 'number' ? table.names?.[value] : undefined) ?? `unknown(${String(value)})`;
    case 'number':
      return `${String(value)}${scale === '1' ? '' : scale}`;
    case 'symbol':
      return (typeof value === 'number' ? table.names?.[value] : undefined) ?? String(value);
    case 'string':
    case 'address':
      return String(value);
  }
}

/** Whether the kernel has what it has where nobody says otherwise. Strings have no default but none. */
export function isDefault({ kind, table: { default: standard } }: ValueSpec, value: unknown): boolean {
  if (kind === 'string') return value === '';
  if (kind === 'address') return true;
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  return isNumber && (typeof standard === 'number' || typeof standard === 'bigint')
    ? BigInt(value) === BigInt(standard)
    : value === standard;
}

/** What stands for a secret that was not asked for. */
const REDACTED = { value: null, redacted: true } as const;

/** @returns a value with what there is to know about it. 64-bit numbers are decimal strings. @param reveal secrets */
export function valueToJson(option: Option, value: unknown, reveal: boolean): object {
  const { table, kind } = option;
  if (table.secret === true && value !== '' && !reveal) return REDACTED;
  if (kind === 'word') return { value: formatValue(option, value), code: value, isDefault: isDefault(option, value) };
  return {
    value: typeof value === 'bigint' ? value.toString() : value,
    ...(table.unit === undefined ? {} : { unit: table.unit }),
    isDefault: isDefault(option, value),
  };
}

/** @returns the default as one would write it; strings and addresses have none */
export function defaultText({ kind, table }: Pick<Option, 'kind' | 'table'>): string | undefined {
  const standard = table.default;
  switch (kind) {
    case 'switch':
    case 'flag':
      return 'no';
    case 'boolean':
      return standard === true ? 'yes' : 'no';
    case 'word':
      return table.names?.[Number(standard)];
    case 'symbol':
      return table.names?.[Number(standard)] ?? String(standard);
    case 'number':
      return standard === undefined ? undefined : String(standard);
    case 'string':
    case 'address':
      return undefined;
  }
}
