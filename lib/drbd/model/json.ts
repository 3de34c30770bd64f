import type { Snapshot } from './snapshot';

/** A type as JSON carries it: 64-bit numbers become decimal strings, all else stays. */
export type Json<T> = T extends bigint
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Json<Item>[]
    : T extends object
      ? { readonly [K in keyof T]: Json<T[K]> }
      : T;

/** A snapshot that JSON.stringify takes, as `snapshot.schema.json` describes it. */
export type SnapshotJson = Json<Snapshot>;

/**
 * @param snapshot of any dialect
 * @returns the same with each bigint as a decimal string; keys keep the order of the schema
 */
export function snapshotToJson(snapshot: Snapshot): SnapshotJson {
  return toJson(snapshot);
}

/**
 * @param value a snapshot or a part of one: objects and arrays of numbers, bigints, strings, booleans and null
 * @returns the same with each bigint as a decimal string
 */
export function toJson<T>(value: T): Json<T> {
  return convert(value) as Json<T>;
}

function convert(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(convert);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, convert(item)]));
  return value;
}
