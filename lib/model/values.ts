import { CodecError } from '../errors';
import { decodeSocketAddress, viewOf, type ByteOrder } from '../netlink';
import type { AnyField, Unit } from '../schema';
import { Secret, type OptionValue, type PathAddress, type Property } from './objects';
import { translated, type ModelDialect } from './words';

/** The fields of a decoded message, whose types the wire decides: nothing is taken for granted. */
export type Fields = Readonly<Record<string, unknown>>;

/** What the kernel puts into a number that it has no value for. */
const NOT_AVAILABLE_64 = 0xffffffffffffffffn;
const NOT_AVAILABLE_32 = 0xffffffff;

/** How many bytes or milliseconds one unit of a field stands for. A bit of the bitmap stands for 4 KiB. */
const SCALES: Partial<Record<Unit, bigint>> = {
  sectors: 512n,
  KiB: 1024n,
  'KiB/s': 1024n,
  bits: 4096n,
  seconds: 1000n,
  deciseconds: 100n,
};

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** @returns `value` if it has properties, else an object without any */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

export function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : null;
  return typeof value === 'bigint' && value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;
}

/** Numbers that cannot be negative. */
export function countOf(value: unknown): number | null {
  const number = numberOf(value);
  return number === null || number < 0 || number === NOT_AVAILABLE_32 ? null : number;
}

export function bigintOf(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value < 0n || value === NOT_AVAILABLE_64 ? null : value;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
}

/** Flags are booleans in attribute sets and numbers where a release made them so. */
export function booleanOf(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  return typeof value === 'number' ? value !== 0 : null;
}

/** An empty string says no more than none. */
export function stringOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** @param value an array of u64, or its bytes, whose remainder beyond a multiple of eight is ignored */
export function uuidsOf(value: unknown, order: ByteOrder): readonly bigint[] {
  if (Array.isArray(value)) return value.filter((item): item is bigint => typeof item === 'bigint' && item >= 0n);
  if (!(value instanceof Uint8Array)) return [];
  const view = viewOf(value);
  return Array.from({ length: value.length >> 3 }, (_unused, index) =>
    view.getBigUint64(index * 8, order === 'little'),
  );
}

/** @param value bytes of a struct sockaddr */
export function pathAddressOf(value: unknown, order: ByteOrder): PathAddress | null {
  if (!(value instanceof Uint8Array)) return null;
  try {
    const { family, address, port, scopeId } = decodeSocketAddress(value, order);
    return Object.freeze({
      family,
      familyCode: viewOf(value).getUint16(0, order === 'little'),
      address,
      port,
      scopeId: scopeId ?? null,
    });
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
}

/** @returns the number of bytes (or milliseconds) that a field's value stands for, by the field's own unit */
export function scaled(value: unknown, unit: Unit | undefined): bigint | null {
  const count = bigintOf(value);
  return count === null ? null : count * ((unit === undefined ? undefined : SCALES[unit]) ?? 1n);
}

/** Words and numbers beside each other, by one rule: the number as the kernel sent it, and the word that it has. */
interface Told {
  readonly value: string | number | bigint | boolean | readonly bigint[] | PathAddress | null;
  readonly code?: number | null;
}

/**
 * Makes a property of a field's value: by the type of the one and the unit of the other.
 * @param property from the table of objects; neither a group nor a list of words
 */
export function toProperty(
  property: Property,
  value: unknown,
  unit: Unit | undefined,
  dialect: ModelDialect,
  order: ByteOrder,
): Told {
  switch (property.type) {
    case 'word': {
      const code = countOf(value);
      return { value: translated(dialect, property.of, code), code };
    }
    case 'text':
      return { value: stringOf(value) };
    case 'number':
      return { value: countOf(value) };
    case 'u64':
      return { value: scaled(value, unit) };
    case 'flag':
      return { value: booleanOf(value) };
    case 'u64s':
      return { value: uuidsOf(value, order) };
    case 'address':
      return { value: pathAddressOf(value, order) };
    case 'name':
    case 'words':
    case 'group':
    case 'options':
      return { value: null };
  }
}

/** @returns a field's name as the model writes it: `on_io_error` is `onIoError` */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/gu, (_match, letter: string) => letter.toUpperCase());
}

/** @returns an option's value: the word where it has one, secrets wrapped; undefined for what is no option */
export function optionOf(field: AnyField, value: unknown): OptionValue | undefined {
  if (field.secret === true) return typeof value === 'string' && value !== '' ? new Secret(value) : undefined;
  switch (typeof value) {
    case 'number':
      return field.names?.[value] ?? value;
    case 'bigint':
    case 'boolean':
    case 'string':
      return value;
    default:
      return undefined;
  }
}
