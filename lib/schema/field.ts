import type { SocketAddress } from '../netlink';

/** What a field holds on the wire, and in JavaScript. */
export interface FieldValues {
  /** 32 bits without a sign. */
  u32: number;
  /** 32 bits, two's complement. */
  s32: number;
  u64: bigint;
  /** One byte, a number. */
  u8: number;
  /** One byte: 0 or 1. */
  flag: boolean;
  /** UTF-8 text. NUL-terminated on the wire; the NUL is neither given nor returned. */
  string: string;
  /** Opaque bytes. */
  bytes: Uint8Array;
  /** A struct sockaddr. Given as its bytes or as an address; read as its bytes. */
  address: Uint8Array | SocketAddress;
  /** A packed array of u64, such as generation identifiers. */
  u64s: readonly bigint[];
}

export type FieldKind = keyof FieldValues;

/** What one unit of a field's number stands for. */
export type Unit =
  | 'seconds'
  | 'deciseconds'
  | 'milliseconds'
  | 'bytes'
  | 'KiB'
  | 'KiB/s'
  | 'sectors'
  | 'bits'
  | 'extents'
  | 'buffers'
  | 'requests'
  | 'tenths of a percent';

/**
 * A word for each number, such as the values of a policy: `names[number]`, holes where a number has no meaning here.
 */
export type ValueNames = Readonly<Record<number, string>>;

export interface FieldOptions {
  /** One line that says more than the name does. */
  readonly doc: string;
  /** The sender sets the mandatory bit: a kernel that does not know the field must refuse the request. */
  readonly mandatory?: boolean;
  /** A request without it is refused. */
  readonly required?: boolean;
  /** It is fixed once set: a later request cannot change it. */
  readonly invariant?: boolean;
  /** A secret: never in errors, logs or recordings. */
  readonly secret?: boolean;
  /**
   * First release whose header has it; absent where it was there from the dialect's first release on. Where the doc
   * says that it depends on how a module was compiled, a later module may lack it all the same.
   */
  readonly since?: string;
  /** Last release whose header has it. */
  readonly until?: string;
  readonly unit?: Unit;
  /** Smallest and largest value that makes sense to the kernel; it does not check by itself. */
  readonly min?: number | bigint;
  readonly max?: number | bigint;
  readonly default?: number | bigint | boolean | string;
  readonly names?: ValueNames;
  /** Longest value in bytes on the wire, the NUL of a string included. */
  readonly maxBytes?: number;
}

/** One tag or attribute: its number, its type, and what there is to know about it. */
export interface Field<K extends FieldKind = FieldKind> extends FieldOptions {
  readonly kind: K;
  readonly number: number;
}

/** A field of any kind. */
export type AnyField = { readonly [K in FieldKind]: Field<K> }[FieldKind];

export type FieldTable = Readonly<Record<string, AnyField>>;

/** A given kind's constructor: number and options in, frozen field out. */
function kind<const K extends FieldKind>(
  name: K,
): <const O extends FieldOptions>(number: number, options: O) => Field<K> & O {
  return <const O extends FieldOptions>(number: number, options: O) =>
    Object.freeze({ kind: name, number, ...options }) as Field<K> & O;
}

export const u32 = kind('u32');
export const s32 = kind('s32');
export const u64 = kind('u64');
export const u8 = kind('u8');
export const flag = kind('flag');
export const string = kind('string');
export const bytes = kind('bytes');
export const address = kind('address');
export const u64s = kind('u64s');

/** The JavaScript value of a field. */
export type ValueOf<F extends AnyField> = FieldValues[F['kind']];

/** What a decoder returns: any field may be missing, and addresses are bytes. */
export type FieldsReceived<T extends FieldTable> = {
  readonly [N in keyof T]?: T[N]['kind'] extends 'address' ? Uint8Array : ValueOf<T[N]>;
};

/** What a field may be set to, as `min to max unit`, or undefined where any value of its type may stand. */
export function formatRange(field: AnyField): string | undefined {
  if (field.min === undefined && field.max === undefined) return undefined;
  return `${field.min ?? ''} to ${field.max ?? ''}${field.unit === undefined ? '' : ` ${field.unit}`}`;
}

const NUMERIC: ReadonlySet<FieldKind> = new Set(['u8', 'u32', 's32', 'u64']);

/**
 * Checks a table when it is defined, so that a slip in it is found at once.
 * @throws TypeError on a repeated number (unless the releases that use it do not overlap), a missing doc or a bad
 *   option
 */
export function checkFields(
  owner: string,
  fields: FieldTable,
  largestNumber: number,
  retired: readonly number[] = [],
): void {
  const seen = new Map<number, { readonly name: string; readonly field: AnyField }>();
  for (const [name, field] of Object.entries(fields)) {
    const fail = (problem: string): never => {
      throw new TypeError(`${owner}.${name} (${field.number}): ${problem}`);
    };
    if (!Number.isInteger(field.number) || field.number < 1 || field.number > largestNumber)
      fail(`a number from 1 to ${largestNumber} is needed`);
    if (retired.includes(field.number)) fail('the number is retired');
    if (field.doc.trim() === '') fail('a doc is needed');
    const other = seen.get(field.number);
    if (other !== undefined && (other.field.until === undefined) === (field.until === undefined))
      fail(`the number is taken by ${other.name}`);
    seen.set(field.number, { name, field });
    if ((field.min !== undefined || field.max !== undefined || field.names !== undefined) && !NUMERIC.has(field.kind))
      fail('only numbers have a range or names');
    if (
      field.kind === 'u64'
        ? typeof (field.max ?? 0n) !== 'bigint' || typeof (field.min ?? 0n) !== 'bigint'
        : typeof (field.max ?? 0) !== 'number' || typeof (field.min ?? 0) !== 'number'
    ) {
      fail('the range has the wrong type');
    }
    if (field.min !== undefined && field.max !== undefined && field.min > field.max) fail('the range is empty');
  }
}
