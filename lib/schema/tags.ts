import { ArgumentError, CodecError } from '../errors';
import { concatBytes, NO_BYTES, wholeOf, writeUint16, type ByteOrder, type Whole } from '../netlink';
import { type AnyField, type FieldKind, type FieldTable } from './field';
import { Shapes } from './shapes';
import { LARGEST_TAG } from './table';
import { encodeValue, isObject, KnownField, type EncodeOptions } from './value';

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
const TAG_HEADER_BYTES = 4;
/** The end mark, which drbdsetup writes with a length, as if it were a tag; the same in either byte order. */
const END = new Uint8Array(TAG_HEADER_BYTES);

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

/** Goes from tag to tag of a list, without making anything of them. */
class TagWalk {
  /** The tag's 16 bits. */
  tag = TT_END;
  /** Of its payload, which begins at {@link TagWalk.at}. */
  length = 0;
  at: number;
  /** Where what was not walked over begins. */
  rest: number;
  problem: CodecError | undefined;
  readonly #view: DataView;
  readonly #start: number;
  readonly #end: number;
  readonly #offset: number;
  readonly #little: boolean;

  /** @param offset where `start` is in the datagram, for errors */
  constructor({ view }: Whole, start: number, end: number, offset: number, little: boolean) {
    this.#view = view;
    this.#start = start;
    this.#end = end;
    this.#offset = offset;
    this.#little = little;
    this.at = start;
    this.rest = start;
  }

  /** Where the tag begins in its datagram. */
  get offset(): number {
    return this.#offset + this.at - TAG_HEADER_BYTES - this.#start;
  }

  /** @returns whether there is another; if not, why is told by `problem` */
  next(): boolean {
    const { rest } = this;
    const left = this.#end - rest;
    if (left === 0) {
      if (rest !== this.#start) this.#fail(0, 'tag list', 'the end mark (TT_END)', 'the end of the message');
      return false;
    }
    if (left < 2) return this.#fail(0, 'tag list', 'a tag of 2 bytes', `${left}`);
    const tag = this.#view.getUint16(rest, this.#little);
    if (tag === TT_END) return false;
    if (left < TAG_HEADER_BYTES) return this.#fail(2, `tag ${tag & LARGEST_TAG}`, 'a length of 2 bytes', `${left - 2}`);
    const length = this.#view.getUint16(rest + 2, this.#little);
    if (length > left - TAG_HEADER_BYTES)
      return this.#fail(2, `tag ${tag & LARGEST_TAG}`, `a length up to ${left - TAG_HEADER_BYTES}`, `${length}`);
    this.tag = tag;
    this.length = length;
    this.at = rest + TAG_HEADER_BYTES;
    this.rest = this.at + length;
    return true;
  }

  #fail(behind: number, path: string, expected: string, actual: string): false {
    this.problem = new CodecError(path, this.#offset + this.rest - this.#start + behind, expected, actual);
    return false;
  }
}

function tagAt({ tag, at, length, offset }: TagWalk, { view }: Whole): Tag {
  return {
    tag,
    number: tag & LARGEST_TAG,
    mandatory: (tag & MANDATORY) !== 0,
    payload: new Uint8Array(view.buffer, at, length),
    offset,
  };
}

/** Any bytes give a value. @param offset where `bytes` begins in its datagram, for errors */
export function decodeTagList(bytes: Uint8Array, order: ByteOrder, offset = 0): TagList {
  const whole = wholeOf(bytes);
  const start = bytes.byteOffset;
  const walk = new TagWalk(whole, start, start + bytes.length, offset, order === 'little');
  const tags: Tag[] = [];
  while (walk.next()) tags.push(tagAt(walk, whole));
  return { tags, rest: bytes.subarray(walk.rest - start), problem: walk.problem };
}

/** The inverse of {@link decodeTagList}, byte for byte. */
export function encodeTagList(list: Pick<TagList, 'tags' | 'rest'>, order: ByteOrder): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { tag, payload } of list.tags) parts.push(encodeTagHeader(tag, payload.length, order), payload);
  parts.push(list.rest);
  return concatBytes(parts);
}

function encodeTagHeader(tag: number, length: number, order: ByteOrder): Uint8Array {
  const out = new Uint8Array(TAG_HEADER_BYTES);
  writeUint16(out, 0, tag, order === 'little');
  writeUint16(out, 2, length, order === 'little');
  return out;
}

/** @returns the 16 bits that a field's tag goes out with. */
export function wireTag(field: AnyField): number {
  return TYPE_BITS[field.kind] | (field.mandatory === true ? MANDATORY : 0) | field.number;
}

/** A field as the decoder needs it. */
class KnownTag extends KnownField {
  readonly typeBits: number;

  constructor(name: string, field: AnyField, path: string) {
    super(name, field, path);
    this.typeBits = TYPE_BITS[field.kind];
  }
}

/** Encoder and decoder of one packet's tags, compiled from its table. */
export class TagCodec {
  readonly #owner: string;
  readonly #byName: ReadonlyMap<string, AnyField>;
  /** By number; holes where there is none. */
  readonly #known: readonly (KnownTag | undefined)[];
  readonly #shapes = new Shapes();

  constructor(owner: string, fields: FieldTable) {
    this.#owner = owner;
    this.#byName = new Map(Object.entries(fields));
    const known: (KnownTag | undefined)[] = [];
    for (const [name, field] of this.#byName) {
      // A number that was renamed keeps the name it has today.
      if (field.until !== undefined && known[field.number] !== undefined) continue;
      while (known.length <= field.number) known.push(undefined);
      known[field.number] = new KnownTag(name, field, `${owner}.${name}`);
    }
    this.#known = known;
  }

  /**
   * @param values field name to value; they go out in the order of the object's keys, undefined ones not at all. A list
   *   of such pairs goes out as it
   *   stands, repeated ones too: the kernel takes the last
   * @returns the tags and their end mark
   * @throws ArgumentError
   */
  encode(values: unknown, path: string, options: EncodeOptions): Uint8Array {
    if (values === undefined) {
      if (options.malformed !== 'send') requireFields(this.#byName, NO_VALUES, path);
      return END;
    }
    const parts: Uint8Array[] = [];
    if (!isObject(values) && !isPairs(values)) throw new ArgumentError(path, 'an object with the tags is needed');
    const pairs = isPairs(values) ? values : Object.entries(values);
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
    parts.push(END);
    return concatBytes(parts);
  }

  /**
   * @returns the values by name, in the order in which they came (the last of several wins, as in the kernel), and the
   *   tags that the table does not know
   * @throws CodecError if the list is broken or a value has not its type's length
   */
  decode(list: TagList, order: ByteOrder): DecodedTags {
    if (list.problem !== undefined) throw list.problem;
    const values: Record<string, unknown> = {};
    const unknown: Tag[] = [];
    for (const tag of list.tags) {
      const known = this.#knownAs(tag.tag);
      if (known === undefined) {
        unknown.push(tag);
        continue;
      }
      const { payload } = tag;
      values[known.name] = known.read(
        wholeOf(payload),
        payload.byteOffset,
        payload.length,
        tag.offset + TAG_HEADER_BYTES,
        order === 'little',
      );
    }
    return { values, unknown };
  }

  /**
   * As {@link TagCodec.decode}, of a list that lies in a buffer.
   * @param offset where `start` is in the datagram, for errors
   */
  read(whole: Whole, start: number, end: number, offset: number, order: ByteOrder): DecodedTags {
    const little = order === 'little';
    const walk = new TagWalk(whole, start, end, offset, little);
    const values: Record<string, unknown> = {};
    let unknown: Tag[] | undefined;
    let form = 0;
    let size = 0;
    while (walk.next()) {
      const known = this.#knownAs(walk.tag);
      if (known === undefined) (unknown ??= []).push(tagAt(walk, whole));
      else {
        form = known.formAfter(form);
        size++;
        values[known.name] = known.read(whole, walk.at, walk.length, walk.offset + TAG_HEADER_BYTES, little);
      }
    }
    if (walk.problem !== undefined) throw walk.problem;
    this.#shapes.learn(form, size, values);
    return { values, unknown: unknown ?? NO_TAGS };
  }

  /** A number with another type than ours is a tag that we do not know. */
  #knownAs(tag: number): KnownTag | undefined {
    const known = this.#known[tag & LARGEST_TAG];
    return known?.typeBits === (tag & TYPE_MASK) ? known : undefined;
  }
}

/** What a list says by the names of the fields, and the tags that the table does not know, in order. */
export interface DecodedTags {
  readonly values: Readonly<Record<string, unknown>>;
  readonly unknown: readonly Tag[];
}

const NO_TAGS: readonly Tag[] = Object.freeze([]);
const NO_VALUES: Readonly<Record<string, unknown>> = Object.freeze({});

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
