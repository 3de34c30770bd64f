import { ArgumentError, CodecError } from '../errors';
import {
  encodeSocketAddress,
  viewOf,
  wholeOf,
  writeUint32,
  type ByteOrder,
  type SocketAddress,
  type Whole,
} from '../netlink';
import { formatRange, type AnyField, type FieldKind } from './field';

/** How far an encoder trusts its caller. */
export interface EncodeOptions {
  readonly order: ByteOrder;
  /**
   * What to do with a number outside its field's range. `send` passes on what fits the field's bytes, for the kernel to
   * judge; a number that would wrap and a wrong type are refused all the same. `refuse` if absent.
   */
  readonly outOfRange?: 'refuse' | 'send' | undefined;
  /**
   * What to do with a request that a kernel is known to refuse as malformed (126 or 162): it lacks a required set or
   * field, names a setting that is fixed once it is set, or has too long a text. `refuse` if absent.
   */
  readonly malformed?: 'refuse' | 'send' | undefined;
}

const NUMBER_RANGE = { u8: [0, 0xff], u32: [0, 0xffffffff], s32: [-0x80000000, 0x7fffffff] } as const;
const LARGEST_U64 = 0xffffffffffffffffn;
const UTF8 = new TextEncoder();

/**
 * @param path names the value in errors
 * @param value of the field's JavaScript type
 * @returns its bytes on the wire
 * @throws ArgumentError if it is of another type, out of range, too long, or holds what the wire cannot carry
 */
export function encodeValue(field: AnyField, value: unknown, path: string, options: EncodeOptions): Uint8Array {
  const { order } = options;
  const little = order === 'little';
  const refuse = (needed: string): never => {
    throw new ArgumentError(path, `${needed} is needed, not ${describe(field, value)}`);
  };
  switch (field.kind) {
    case 'u8':
    case 'u32':
    case 's32': {
      if (typeof value !== 'string') return encodeNumber(field, value, refuse, options);
      const number = numberOfWord(field, value);
      return number === undefined ? refuse(wordsOf(field)) : encodeNumber(field, number, refuse, options);
    }
    case 'u64': {
      if (typeof value !== 'bigint') return refuse('a bigint (64 bits)');
      if (value < 0n || value > LARGEST_U64) return refuse('a bigint from 0 to 2^64 - 1');
      if (options.outOfRange !== 'send') checkRange(field, value, refuse);
      const out = new Uint8Array(8);
      viewOf(out).setBigUint64(0, value, little);
      return out;
    }
    case 'flag':
      if (typeof value !== 'boolean') return refuse('true or false');
      return Uint8Array.of(value ? 1 : 0);
    case 'string': {
      if (typeof value !== 'string') return refuse('a string');
      if (value.includes('\0'))
        throw new ArgumentError(path, 'a string without NUL is needed: the kernel would read it only up to there');
      // TextEncoder would replace a lone surrogate without a word.
      if (/[\ud800-\udfff]/u.test(value))
        throw new ArgumentError(path, 'a well-formed string is needed: this one has half of a surrogate pair');
      const text = UTF8.encode(value);
      if (options.malformed !== 'send') checkLength(field, text.length + 1, path, ', its final NUL included');
      const out = new Uint8Array(text.length + 1);
      out.set(text);
      return out;
    }
    case 'bytes':
      if (!(value instanceof Uint8Array)) return refuse('a Uint8Array');
      checkLength(field, value.length, path, '');
      return value;
    case 'address': {
      const encoded =
        value instanceof Uint8Array
          ? value
          : isObject(value)
            ? encodeSocketAddress(value as unknown as SocketAddress, order, path)
            : refuse('an address, or the bytes of a struct sockaddr,');
      checkLength(field, encoded.length, path, '');
      return encoded;
    }
    case 'u64s': {
      if (
        !Array.isArray(value) ||
        !value.every((item) => typeof item === 'bigint' && item >= 0n && item <= LARGEST_U64)
      ) {
        return refuse('an array of bigints from 0 to 2^64 - 1');
      }
      const items = value as readonly bigint[];
      checkLength(field, items.length * 8, path, '');
      const out = new Uint8Array(items.length * 8);
      const view = viewOf(out);
      items.forEach((item, index) => {
        view.setBigUint64(index * 8, item, little);
      });
      return out;
    }
  }
}

/** A number of up to 32 bits. */
function encodeNumber(
  field: AnyField & { readonly kind: 'u8' | 'u32' | 's32' },
  value: unknown,
  refuse: (needed: string) => never,
  { order, outOfRange }: EncodeOptions,
): Uint8Array {
  if (typeof value !== 'number' || !Number.isInteger(value))
    return refuse(`an integer of type number${typeof value === 'bigint' ? ' (at most 32 bits)' : ''}`);
  const [low, high] = NUMBER_RANGE[field.kind];
  if (value < low || value > high) return refuse(`an integer from ${low} to ${high}`);
  if (outOfRange !== 'send') checkRange(field, value, refuse);
  if (field.kind === 'u8') return Uint8Array.of(value);
  const out = new Uint8Array(4);
  writeUint32(out, 0, value, order === 'little');
  return out;
}

/** @returns the number that has this word in the field's table */
function numberOfWord({ names }: AnyField, word: string): number | undefined {
  const found = Object.entries(names ?? {}).find(([, name]) => name === word);
  return found === undefined ? undefined : Number(found[0]);
}

/** @returns what may stand where a word that is none of the field's was given */
function wordsOf(field: AnyField): string {
  const words = Object.values(field.names ?? {});
  if (words.length === 0) return 'an integer of type number';
  const range = hasOnlyNamedValues(field) ? undefined : formatRange(field);
  return `one of ${words.join(', ')}${range === undefined ? '' : `, or ${range}`}`;
}

/** @returns the smallest and the largest number that a field of this kind can carry */
export function widthOf(kind: 'u8' | 'u32' | 's32' | 'u64'): readonly [min: bigint, max: bigint] {
  if (kind === 'u64') return [0n, LARGEST_U64];
  const [min, max] = NUMBER_RANGE[kind];
  return [BigInt(min), BigInt(max)];
}

/**
 * Whether the names of a field are all the values that it has; a range beside them says that they are only the special
 * ones.
 */
export function hasOnlyNamedValues(field: AnyField): boolean {
  return field.names !== undefined && field.max === undefined && field.min === undefined;
}

/**
 * Compares a number with its field's range and names.
 * @returns the values that the field may have, in words, if `value` is not one of them
 */
export function rangeViolation(field: AnyField, value: number | bigint): string | undefined {
  const { min, max, names } = field;
  if (names !== undefined && typeof value === 'number' && names[value] !== undefined) return undefined;
  if (hasOnlyNamedValues(field)) {
    return `one of ${Object.entries(names ?? {})
      .map(([number, word]) => `${number} (${word})`)
      .join(', ')}`;
  }
  return (min !== undefined && value < min) || (max !== undefined && value > max) ? formatRange(field) : undefined;
}

function checkRange(field: AnyField, value: number | bigint, refuse: (needed: string) => never): void {
  const allowed = rangeViolation(field, value);
  if (allowed !== undefined) refuse(allowed);
}

function checkLength(field: AnyField, length: number, path: string, what: string): void {
  if (field.maxBytes !== undefined && field.maxBytes > 0 && length > field.maxBytes) {
    throw new ArgumentError(path, `at most ${field.maxBytes} bytes fit${what}, not ${length}`);
  }
}

function describe(field: AnyField, value: unknown): string {
  if (field.secret === true) return `a ${typeof value}`;
  switch (typeof value) {
    case 'string':
      return value.length > 64 ? `a string of ${value.length} characters` : JSON.stringify(value);
    case 'bigint':
      return `the bigint ${value}n`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'an array' : 'an object';
    default:
      return `a ${typeof value}`;
  }
}

/** Whether `value` is an object with properties of its own, not null, an array or bytes. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

const FIXED_BYTES: Readonly<Record<FieldKind, number>> = {
  u32: 4,
  s32: 4,
  u64: 8,
  u8: 1,
  flag: 1,
  string: 0,
  bytes: 0,
  address: 0,
  u64s: 0,
};

/** The JavaScript value of a field. */
export type DecodedValue = number | bigint | boolean | string | Uint8Array | readonly bigint[];

/** A field as decoders need it: tables have fields of many shapes, and these have one. */
export class KnownField {
  readonly name: string;
  readonly number: number;
  /** Names it in errors. */
  readonly path: string;
  readonly #kind: FieldKind;
  readonly #bytes: number;
  readonly #secret: boolean;

  constructor(name: string, { kind, number, secret = false }: AnyField, path: string) {
    this.name = name;
    this.number = number;
    this.path = path;
    this.#kind = kind;
    this.#bytes = FIXED_BYTES[kind];
    this.#secret = secret;
  }

  /** @returns the {@link Shapes} form of an object of this form to which this field is added */
  formAfter(form: number): number {
    return (Math.imul(form, 31) + this.number) | 0;
  }

  /**
   * Reads `length` bytes that lie at `at` in a buffer.
   * @param offset where they begin in their datagram, for errors
   * @throws CodecError if they are not of the length of the field's type
   */
  read({ view, bytes }: Whole, at: number, length: number, offset: number, little: boolean): DecodedValue {
    const needed = this.#bytes;
    if (needed !== 0 && length !== needed) throw new CodecError(this.path, offset, `${needed} bytes`, `${length}`);
    switch (this.#kind) {
      case 'u32':
        return view.getUint32(at, little);
      case 's32':
        return view.getInt32(at, little);
      case 'u64':
        return readUint64(view, at, little);
      case 'u8':
        return view.getUint8(at);
      case 'flag':
        return view.getUint8(at) !== 0;
      case 'string': {
        let end = at;
        while (end < at + length && bytes[end] !== 0) end++;
        return this.#secret ? bytes.toString('utf8', at, end) : readText(bytes, at, end);
      }
      case 'bytes':
      case 'address':
        return new Uint8Array(new Uint8Array(view.buffer, at, length));
      case 'u64s': {
        if (length % 8 !== 0) throw new CodecError(this.path, offset, 'a multiple of 8 bytes', `${length}`);
        const items: bigint[] = [];
        for (let place = at; place < at + length; place += 8) items.push(readUint64(view, place, little));
        return items;
      }
    }
  }
}

/**
 * @param payload what the wire holds for the field
 * @param offset where it begins in its datagram, for errors
 * @throws CodecError if it has not the length of the field's type
 */
export function decodeValue(
  field: AnyField,
  payload: Uint8Array,
  path: string,
  offset: number,
  order: ByteOrder,
): DecodedValue {
  const { byteOffset, length } = payload;
  return new KnownField(path, field, path).read(wholeOf(payload), byteOffset, length, offset, order === 'little');
}

/** Most are small, and a bigint is quicker made of a number. */
function readUint64(view: DataView, at: number, little: boolean): bigint {
  const high = view.getUint32(little ? at + 4 : at, little);
  if (high !== 0) return view.getBigUint64(at, little);
  const low = view.getUint32(little ? at : at + 4, little);
  return low === 0 ? 0n : BigInt(low);
}

/** A power of two. */
const KEPT_TEXTS = 1024;
const LONGEST_KEPT = 64;
const keptTexts: string[] = [];

/**
 * Reads UTF-8. Names, policies and algorithms come over and over: the short ones that came last are kept, which spares a
 * call of C++, and a copy in each object that holds one.
 */
function readText(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length > LONGEST_KEPT) return bytes.toString('utf8', start, end);
  let hash = length;
  let all = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    hash = (Math.imul(hash, 31) + byte) | 0;
    all |= byte;
  }
  // Only ASCII has a character for each byte.
  if (all >= 0x80) return bytes.toString('utf8', start, end);
  const slot = (hash ^ (hash >>> 16)) & (KEPT_TEXTS - 1);
  const kept = keptTexts[slot];
  if (kept?.length === length && isText(kept, bytes, start)) return kept;
  if (keptTexts.length === 0) for (let each = 0; each < KEPT_TEXTS; each++) keptTexts.push('');
  return (keptTexts[slot] = bytes.toString('latin1', start, end));
}

function isText(text: string, bytes: Buffer, start: number): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) !== bytes[start + at]) return false;
  return true;
}
