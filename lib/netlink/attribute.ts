import { CodecError } from '../errors';
import { align, concatBytes, NO_BYTES, wholeOf, writeUint16, type ByteOrder, type Whole } from './bytes';

export const NLA_HEADER_BYTES = 4;
/** Type bits that are not part of the number (linux/netlink.h). DRBD uses the second as its mandatory bit. */
export const NLA_F_NESTED = 0x8000;
export const NLA_F_NET_BYTEORDER = 0x4000;
export const NLA_TYPE_MASK = 0x3fff;

/** How deep nested attributes may lie. DRBD and the controller need three. */
export const MAX_ATTRIBUTE_DEPTH = 8;

/** A struct nlattr with its payload. Decoding and encoding it gives the same bytes. */
export interface Attribute {
  /** nla_type as it stands, bits included. */
  readonly type: number;
  /** nla_type without its bits. 0 is padding before a u64 on some architectures. */
  readonly number: number;
  readonly payload: Uint8Array;
  /** Bytes up to the next attribute; none after the last one where the sender left them out. */
  readonly padding: Uint8Array;
  /** Where the attribute begins in its datagram. */
  readonly offset: number;
}

export interface AttributeList {
  readonly attributes: readonly Attribute[];
  /** What no attribute could be made of. */
  readonly rest: Uint8Array;
  readonly problem: CodecError | undefined;
}

/** Goes from attribute to attribute of a run, without making anything of them. */
export class AttributeWalk {
  /** nla_type as it stands. */
  type = 0;
  /** Of the payload, which begins at {@link AttributeWalk.at}. */
  length = 0;
  at: number;
  /** Where what was not walked over begins. */
  rest: number;
  problem: CodecError | undefined;
  readonly #view: DataView;
  readonly #start: number;
  readonly #end: number;
  readonly #offset: number;
  readonly #path: string;
  readonly #little: boolean;

  /** @param offset where `start` is in the datagram, and `path` what the run is, for errors */
  constructor({ view }: Whole, start: number, end: number, offset: number, path: string, little: boolean) {
    this.#view = view;
    this.#start = start;
    this.#end = end;
    this.#offset = offset;
    this.#path = path;
    this.#little = little;
    this.at = start;
    this.rest = start;
  }

  /** nla_type without its bits. */
  get number(): number {
    return this.type & NLA_TYPE_MASK;
  }

  /** Where the attribute begins in its datagram. */
  get offset(): number {
    return this.#offset + this.at - NLA_HEADER_BYTES - this.#start;
  }

  get payloadOffset(): number {
    return this.#offset + this.at - this.#start;
  }

  /** @returns whether there is another; if not, why is told by `problem` */
  next(): boolean {
    const { rest } = this;
    const left = this.#end - rest;
    if (left === 0) return false;
    if (left < NLA_HEADER_BYTES) return this.#fail(`${NLA_HEADER_BYTES} bytes`, `${left}`);
    const length = this.#view.getUint16(rest, this.#little);
    if (length < NLA_HEADER_BYTES || length > left)
      return this.#fail(`nla_len ${NLA_HEADER_BYTES} to ${left}`, `${length}`);
    this.type = this.#view.getUint16(rest + 2, this.#little);
    this.length = length - NLA_HEADER_BYTES;
    this.at = rest + NLA_HEADER_BYTES;
    this.rest = Math.min(rest + align(length), this.#end);
    return true;
  }

  #fail(expected: string, actual: string): false {
    this.problem = new CodecError(this.#path, this.#offset + this.rest - this.#start, expected, actual);
    return false;
  }
}

/** @returns the attribute that a walk is at */
export function attributeAt(walk: AttributeWalk, { view }: Whole): Attribute {
  const { at, length, rest } = walk;
  const end = at + length;
  return {
    type: walk.type,
    number: walk.number,
    payload: new Uint8Array(view.buffer, at, length),
    padding: rest === end ? NO_BYTES : new Uint8Array(view.buffer, end, rest - end),
    offset: walk.offset,
  };
}

/**
 * Takes a run of attributes apart without loss; any bytes give a value.
 * @param offset where `bytes` begins in its datagram, for errors
 */
export function decodeAttributeList(bytes: Uint8Array, order: ByteOrder, offset = 0, path = 'nlattr'): AttributeList {
  const whole = wholeOf(bytes);
  const start = bytes.byteOffset;
  const walk = new AttributeWalk(whole, start, start + bytes.length, offset, path, order === 'little');
  const attributes: Attribute[] = [];
  while (walk.next()) attributes.push(attributeAt(walk, whole));
  const rest = walk.rest - start;
  return { attributes, rest: rest === bytes.length ? NO_BYTES : bytes.subarray(rest), problem: walk.problem };
}

/** The inverse of {@link decodeAttributeList}, byte for byte. */
export function encodeAttributeList(list: Pick<AttributeList, 'attributes' | 'rest'>, order: ByteOrder): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { type, payload, padding } of list.attributes)
    parts.push(encodeAttributeHeader(type, payload.length, order), payload, padding);
  parts.push(list.rest);
  return concatBytes(parts);
}

/**
 * Takes a run of attributes apart for reading: padding attributes (type 0) are left out.
 * @throws CodecError if the bytes are anything else than attributes, or lie deeper than {@link MAX_ATTRIBUTE_DEPTH}
 */
export function decodeAttributes(
  bytes: Uint8Array,
  order: ByteOrder,
  offset = 0,
  path = 'nlattr',
  depth = 0,
): readonly Attribute[] {
  if (depth > MAX_ATTRIBUTE_DEPTH)
    throw new CodecError(path, offset, `at most ${MAX_ATTRIBUTE_DEPTH} levels of nesting`, `${depth}`);
  const list = decodeAttributeList(bytes, order, offset, path);
  if (list.problem !== undefined) throw list.problem;
  return list.attributes.some(({ number }) => number === 0)
    ? list.attributes.filter(({ number }) => number !== 0)
    : list.attributes;
}

/**
 * @param type number and bits, 16 bits
 * @param payload at most 65,531 bytes
 * @returns header, payload and padding of zeros
 */
export function encodeAttribute(type: number, payload: Uint8Array, order: ByteOrder): Uint8Array {
  const out = new Uint8Array(align(NLA_HEADER_BYTES + payload.length));
  writeAttributeHeader(out, type, payload.length, order);
  out.set(payload, NLA_HEADER_BYTES);
  return out;
}

function encodeAttributeHeader(type: number, payloadLength: number, order: ByteOrder): Uint8Array {
  const out = new Uint8Array(NLA_HEADER_BYTES);
  writeAttributeHeader(out, type, payloadLength, order);
  return out;
}

function writeAttributeHeader(out: Uint8Array, type: number, payloadLength: number, order: ByteOrder): void {
  const length = NLA_HEADER_BYTES + payloadLength;
  if (length > 0xffff) throw new CodecError(`nlattr ${type & NLA_TYPE_MASK}`, 0, 'nla_len up to 65535', `${length}`);
  const little = order === 'little';
  writeUint16(out, 0, length, little);
  writeUint16(out, 2, type, little);
}
