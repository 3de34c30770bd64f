import { CodecError } from '../../errors';
import { decodeSocketAddress, viewOf, type ByteOrder } from '../../netlink';
import type { PathAddress } from './snapshot';

/** The fields of a decoded reply, whose types the wire decides: nothing is taken for granted. */
export type Fields = Readonly<Record<string, unknown>>;

/** What the kernel puts into a u64 that it has no value for. */
const NOT_AVAILABLE = 0xffffffffffffffffn;
const SECTOR_BYTES = 512n;

/** @returns `value` if it has properties, else an object without any */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

export function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : null;
  return typeof value === 'bigint' && value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;
}

/** Numbers that cannot be negative. */
export function countOf(value: unknown): number | null {
  const number = numberOf(value);
  return number === null || number < 0 ? null : number;
}

export function bigintOf(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value < 0n || value === NOT_AVAILABLE ? null : value;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
}

/** Sectors to bytes. */
export function sectorsOf(value: unknown): bigint | null {
  const sectors = bigintOf(value);
  return sectors === null ? null : sectors * SECTOR_BYTES;
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
    return {
      family,
      familyCode: viewOf(value).getUint16(0, order === 'little'),
      address,
      port,
      scopeId: scopeId ?? null,
    };
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
}
