import { formatRange, widthOf, type AnyField } from '../../schema';
import { UsageError } from '../errors';
import { parseExact, quote, type DefaultUnit } from './number';

/**
 * Told of a number that is beyond the range documented for its field, and fits the field: it throws, or the number is
 * sent as it stands.
 * @param problem says which number it is, and the range
 */
export type BeyondRange = (problem: string) => void;

/** How numbers are read. */
export interface NumberRules {
  readonly beyondRange: BeyondRange;
}

/** A field that holds a number. */
type NumberField = AnyField & { readonly kind: 'u8' | 'u32' | 's32' | 'u64' };

/** Longest number that is repeated in words. */
const LONGEST_NUMBER = 20;

/** @throws UsageError, always */
export const refuseBeyondRange: BeyondRange = (problem) => {
  throw new UsageError(`${problem}. Nothing was sent`);
};

function isNumber(field: AnyField): field is NumberField {
  return field.kind === 'u8' || field.kind === 'u32' || field.kind === 's32' || field.kind === 'u64';
}

/**
 * Reads a number for a field. What the field cannot carry is always refused: the C tools send another number then.
 * @param what names the option or the argument, for errors
 * @throws UsageError
 */
export function parseNumber(
  field: AnyField,
  unit: DefaultUnit,
  text: string,
  what: string,
  { beyondRange }: NumberRules,
): number | bigint {
  if (!isNumber(field)) throw new TypeError(`${what} is not a number`);
  const value = parseExact(text, unit, what);
  const { min, max } = field;
  const [smallest, largest] = widthOf(field.kind);
  const told = String(value).length > LONGEST_NUMBER ? 'far out of range' : `${value}${unitOf(field)}`;
  if (value < smallest || value > largest)
    throw new UsageError(
      `${what}: ${quote(text)} is ${told}, and does not fit the field, ${smallest} to ${largest}; the range is ${formatRange(field) ?? 'all of that'}. Nothing was sent`,
    );
  if ((min !== undefined && value < min) || (max !== undefined && value > max))
    beyondRange(`${what}: ${quote(text)} is ${told}; the range is ${formatRange(field) ?? ''}`);
  return field.kind === 'u64' ? value : Number(value);
}

function unitOf({ unit }: AnyField): string {
  return unit === undefined ? '' : ` ${unit}`;
}
