import { ArgumentError, CodecError } from '../errors';
import { concatBytes, NO_BYTES, viewOf, type ByteOrder } from '../netlink';
import { type AnyField, type FieldKind, type FieldTable } from './field';
import { LARGEST_TAG } from './table';
import { decodeValue, encodeValue, isObject, type EncodeOptions } from './value';

/** Bits of a tag (drbd_tag_magic.h): its type, whether a kernel that does not know it must refuse, and its number. */
const TYPE_MASK = 0xc000;
const MANDATORY = 0x2000;
const TYPE_BITS: Readonly<Record<FieldKind, number>> = {
  u32: 0,
  s32: 0,
  u64: 0x4000,
  u8: 0x8000,
  flag: 0x8000,
  string: 0xc000,
  bytes: 0xc000,
  address: 0xc000,
  u64s: 0xc000,
};
const TT_END = 0;

/** One tag as it stood on the wire: packed, unaligned, its value not interpreted. */
export interface Tag {
  /** The 16 bits: type, mandatory bit and number. */
  readonly tag: number;
  readonly number: number;
  readonly mandatory: boolean;
  readonly payload: Uint8Array;
  /** Where the tag begins in its datagram. */
  readonly offset: number;
}

/** A tag list, taken apart without loss. */
export interface TagList {
  /** In order, duplicates included. */
  readonly tags: readonly Tag[];
  /** What follows: the end mark and whatever the sender put behind it, or what no tag could be made of. */
  readonly rest: Uint8Array;
  /** Why the list ends without its mark. Absent after TT_END, and where there are no bytes at all. */
  readonly problem: CodecError | undefined;
}

/** Any bytes give a value. @param offset where `bytes` begins in its datagram, for errors */
export function decodeTagList(bytes: Uint8Array, order: ByteOrder, offset = 0): TagList {
  const little = order === 'little';
  const view = viewOf(bytes);
  const tags: Tag[] = [];
  let at = 0;
  const end = (problem?: CodecError): TagList => ({ tags, rest: bytes.subarray(at), problem });
  while (at < bytes.length) {
    const left = bytes.length - at;
    if (left < 2) return end(new CodecError('tag list', offset + at, 'a tag of 2 bytes', `${left}`));
    const tag = view.getUint16(at, little);
    if (tag === TT_END) return end();
    if (left < 4)
      return end(new CodecError(`tag ${tag & LARGEST_TAG}`, offset + at + 2, 'a length of 2 bytes', `${left - 2}`));
    const length = view.getUint16(at + 2, little);
    if (length > left - 4)
      return end(
        new CodecError(`tag ${tag & LARGEST_TAG}`, offset + at + 2, `a length up to ${left - 4}`, `${length}`),
      );
    tags.push({
      tag,
      number: tag & LARGEST_TAG,
      mandatory: (tag & MANDATORY) !== 0,
      payload: bytes.subarray(at + 4, at + 4 + length),
      offset: offset + at,
    });
    at += 4 + length;
  }
  return end(
    tags.length === 0
      ? undefined
      : new CodecError('tag list', offset + at, 'the end mark (TT_END)', 'the end of the message'),
  );
}

/** The inverse of {@link decodeTagList}, byte for byte. */
export function encodeTagList(list: Pick<TagList, 'tags' | 'rest'>, order: ByteOrder): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { tag, payload } of list.tags) parts.push(encodeTagHeader(tag, payload.length, order), payload);
  parts.push(list.rest);
  return concatBytes(parts);
}

function encodeTagHeader(tag: number, length: number, order: ByteOrder): Uint8Array {
  const out = new Uint8Array(4);
  const view = viewOf(out);
  view.setUint16(0, tag, order === 'little');
  view.setUint16(2, length, order === 'little');
  return out;
}

/** @returns the 16 bits that a field's tag goes out with. */
export function wireTag(field: AnyField): number {
  return TYPE_BITS[field.kind] | (field.mandatory === true ? MANDATORY : 0) | field.number;
}

/** Encoder and decoder of one packet's tags, compiled from its table. */
export class TagCodec {
  readonly #owner: string;
  readonly #byName: ReadonlyMap<string, AnyField>;
  readonly #byNumber: ReadonlyMap<number, { readonly name: string; readonly field: AnyField }>;

  constructor(owner: string, fields: FieldTable) {
    this.#owner = owner;
    this.#byName = new Map(Object.entries(fields));
    const byNumber = new Map<number, { readonly name: string; readonly field: AnyField }>();
    for (const [name, field] of this.#byName) {
      // A number that was renamed keeps the name it has today.
      if (field.until === undefined || !byNumber.has(field.number)) byNumber.set(field.number, { name, field });
    }
    this.#byNumber = byNumber;
  }

  /**
   * @param values field name to value; they go out in the order of the object's keys, undefined ones not at all. A list
   *   of such pairs goes out as it
   *   stands, repeated ones too: the kernel takes the last
   * @returns the tags and their end mark
   * @throws ArgumentError
   */
  encode(values: unknown, path: string, options: EncodeOptions): Uint8Array {
    const parts: Uint8Array[] = [];
    if (values !== undefined && !isObject(values) && !isPairs(values))
      throw new ArgumentError(path, 'an object with the tags is needed');
    const pairs = isPairs(values) ? values : Object.entries(values ?? {});
    const given: Readonly<Record<string, unknown>> = Object.fromEntries(pairs);
    for (const [name, value] of pairs) {
      const field = this.#byName.get(name);
      const at = `${path}.${name}`;
      if (field === undefined) throw new ArgumentError(at, unknownName(this.#owner, 'tag', [...this.#byName.keys()]));
      if (value === undefined) continue;
      const payload = encodeValue(field, value, at, options);
      parts.push(encodeTagHeader(wireTag(field), payload.length, options.order), payload);
    }
    if (options.malformed !== 'send') requireFields(this.#byName, given, path);
    // drbdsetup writes the end mark with a length, as if it were a tag.
    parts.push(encodeTagHeader(TT_END, 0, options.order));
    return concatBytes(parts);
  }

  /**
   * @returns the values by name, in the order in which they came (the last of several wins, as in the kernel), and the
   *   tags that the table does not know
   * @throws CodecError if the list is broken or a value has not its type's length
   */
  decode(
    list: TagList,
    order: ByteOrder,
  ): { readonly values: Readonly<Record<string, unknown>>; readonly unknown: readonly Tag[] } {
    if (list.problem !== undefined) throw list.problem;
    const values: Record<string, unknown> = {};
    const unknown: Tag[] = [];
    for (const tag of list.tags) {
      const known = this.#byNumber.get(tag.number);
      // A number with another type than ours is a tag that we do not know.
      if (known === undefined || TYPE_BITS[known.field.kind] !== (tag.tag & TYPE_MASK)) {
        unknown.push(tag);
        continue;
      }
      values[known.name] = decodeValue(known.field, tag.payload, `${this.#owner}.${known.name}`, tag.offset + 4, order);
    }
    return { values, unknown };
  }
}

function isPairs(values: unknown): values is readonly (readonly [string, unknown])[] {
  return (
    Array.isArray(values) &&
    values.every((pair) => Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string')
  );
}

/** @throws ArgumentError that names the first required field that is missing */
export function requireFields(
  fields: ReadonlyMap<string, AnyField>,
  given: Readonly<Record<string, unknown>>,
  path: string,
): void {
  for (const [name, field] of fields) {
    if (field.required === true && given[name] === undefined)
      throw new ArgumentError(`${path}.${name}`, 'is missing, and the kernel refuses a request without it');
  }
}

export function unknownName(owner: string, what: string, names: readonly string[]): string {
  return `${owner} has no such ${what}; it has ${names.length === 0 ? 'none' : names.join(', ')}`;
}

/** For messages that hold no list at all. */
export const EMPTY_TAG_LIST: TagList = Object.freeze({ tags: [], rest: NO_BYTES, problem: undefined });
