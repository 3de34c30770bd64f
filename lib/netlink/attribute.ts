import { CodecError } from '../errors';
import { align, concatBytes, NO_BYTES, viewOf, type ByteOrder } from './bytes';

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

/**
 * Takes a run of attributes apart without loss; any bytes give a value.
 * @param offset where `bytes` begins in its datagram, for errors
 */
export function decodeAttributeList(bytes: Uint8Array, order: ByteOrder, offset = 0, path = 'nlattr'): AttributeList {
  const little = order === 'little';
  const view = viewOf(bytes);
  const attributes: Attribute[] = [];
  let at = 0;
  const stop = (expected: string, actual: string): AttributeList => ({
    attributes,
    rest: bytes.subarray(at),
    problem: new CodecError(path, offset + at, expected, actual),
  });
  while (at < bytes.length) {
    const left = bytes.length - at;
    if (left < NLA_HEADER_BYTES) return stop(`${NLA_HEADER_BYTES} bytes`, `${left}`);
    const length = view.getUint16(at, little);
    if (length < NLA_HEADER_BYTES || length > left) return stop(`nla_len ${NLA_HEADER_BYTES} to ${left}`, `${length}`);
    const type = view.getUint16(at + 2, little);
    const next = Math.min(at + align(length), bytes.length);
    attributes.push({
      type,
      number: type & NLA_TYPE_MASK,
      payload: bytes.subarray(at + NLA_HEADER_BYTES, at + length),
      padding: next === at + length ? NO_BYTES : bytes.subarray(at + length, next),
      offset: offset + at,
    });
    at = next;
  }
  return { attributes, rest: NO_BYTES, problem: undefined };
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
  const view = viewOf(out);
  view.setUint16(0, length, little);
  view.setUint16(2, type, little);
}
