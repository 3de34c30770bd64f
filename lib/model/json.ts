import type { Change, HelperChangeOf, ObjectChangeOf, ReadyChange, ResyncChange } from './changes';
import { Secret, type ObjectName, type Values } from './objects';
import type { Snapshot } from './snapshot';

/** A type as JSON carries it: 64-bit numbers become decimal strings, all else stays. */
export type Json<T> = T extends bigint | Secret
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Json<Item>[]
    : T extends object
      ? { readonly [K in keyof T]: Json<T[K]> }
      : T;

/** A snapshot that JSON.stringify takes, as `snapshot.schema.json` describes it. */
export interface SnapshotJson extends Json<Snapshot> {}
/** A change that JSON.stringify takes, as `changes.schema.json` describes it. */
export type ChangeJson = ObjectChangeJson | HelperChangeJson | ReadyChangeJson | ResyncChangeJson;
type ObjectChangeJson = { [K in ObjectName]: ObjectChangeJsonOf<K> }[ObjectName];
interface ObjectChangeJsonOf<K extends ObjectName> extends Omit<ObjectChangeOf<K>, 'before' | 'after' | 'snapshot'> {
  readonly before: Json<Values<K>> | null;
  readonly after: Json<Values<K>> | null;
}
type HelperChangeJson = { [K in ObjectName]: HelperChangeJsonOf<K> }[ObjectName];
interface HelperChangeJsonOf<K extends ObjectName> extends Omit<HelperChangeOf<K>, 'snapshot'> {}
interface ReadyChangeJson extends Omit<ReadyChange, 'snapshot'> {}
interface ResyncChangeJson extends Omit<ResyncChange, 'snapshot'> {}

export interface JsonOptions {
  /** Secrets in clear; otherwise as many `x`. */
  readonly reveal?: boolean;
}

/**
 * @param snapshot of any dialect
 * @returns the same with each bigint as a decimal string; keys keep the order of the schema
 */
export function snapshotToJson(snapshot: Snapshot, options: JsonOptions = {}): SnapshotJson {
  return toJson(snapshot, options);
}

/** @returns the change with each bigint as a decimal string, and without its snapshot */
export function changeToJson(change: Change, options: JsonOptions = {}): ChangeJson {
  return toJson(change, options);
}

/**
 * @param value a snapshot, a change, or a part of one: objects and arrays of numbers, bigints, strings, booleans and
 *   null
 * @returns the same with each bigint as a decimal string
 */
export function toJson<T>(value: T, { reveal = false }: JsonOptions = {}): Json<T> {
  const convert = (member: unknown): unknown => {
    if (typeof member === 'bigint') return member.toString();
    if (member instanceof Secret) return reveal ? member.reveal() : member.toJSON();
    if (Array.isArray(member)) return member.map(convert);
    if (typeof member === 'object' && member !== null)
      return Object.fromEntries(Object.entries(member).map(([key, item]) => [key, convert(item)]));
    return member;
  };
  return convert(value) as Json<T>;
}
