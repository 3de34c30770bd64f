import { ArgumentError } from '../errors';
import {
  attributeAt,
  AttributeWalk,
  concatBytes,
  encodeAttribute,
  NLA_F_NESTED,
  NLA_F_NET_BYTEORDER,
  NLA_HEADER_BYTES,
  wholeOf,
  type Attribute,
  type ByteOrder,
  type Whole,
} from '../netlink';
import { type AnyField } from './field';
import { type AttributeSet } from './table';
import { Shapes } from './shapes';
import { requireFields, unknownName } from './tags';
import { encodeValue, isObject, KnownField, type EncodeOptions } from './value';

/** DRBD's use of the second type bit of an attribute: a receiver that does not know it must refuse. */
export const ATTRIBUTE_MANDATORY = NLA_F_NET_BYTEORDER;

/** The values of a set by the fields' names; of a list, one object for each struct in it. */
export type SetValues = Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[];

/** Encoder and decoder of one attribute set, compiled from its table when first used. */
export class AttributeSetCodec {
  readonly set: AttributeSet;
  #names: ReadonlyMap<string, AnyField> | undefined;
  #fields: readonly (KnownField | undefined)[] | undefined;
  readonly #shapes = new Shapes();

  constructor(set: AttributeSet) {
    this.set = set;
  }

  get #byName(): ReadonlyMap<string, AnyField> {
    return (this.#names ??= new Map(Object.entries(this.set.fields)));
  }

  /** By number; holes where there is none. */
  #compile(): readonly (KnownField | undefined)[] {
    const fields: (KnownField | undefined)[] = [];
    for (const [name, field] of this.#byName) {
      if (field.until !== undefined && fields[field.number] !== undefined) continue;
      while (fields.length <= field.number) fields.push(undefined);
      fields[field.number] = new KnownField(name, field, `${this.set.name}.${name}`);
    }
    return fields;
  }

  /**
   * @param values field name to value; they go out in the order of the object's keys, undefined ones not at all. Of a
   *   list, an array of such objects, or the only one
   * @returns the nested attribute, with its header
   * @throws ArgumentError
   */
  encode(values: unknown, path: string, options: EncodeOptions): Uint8Array {
    const parts =
      this.set.list && Array.isArray(values)
        ? values.flatMap((item: unknown, index) => this.#encodeFields(item, `${path}[${index}]`, options))
        : this.#encodeFields(values, path, options);
    return encodeAttribute(this.set.number | NLA_F_NESTED, concatBytes(parts), options.order);
  }

  #encodeFields(values: unknown, path: string, options: EncodeOptions): readonly Uint8Array[] {
    if (!isObject(values)) throw new ArgumentError(path, 'an object with the fields is needed');
    const parts: Uint8Array[] = [];
    for (const [name, value] of Object.entries(values)) {
      const field = this.#byName.get(name);
      const at = `${path}.${name}`;
      if (field === undefined)
        throw new ArgumentError(at, unknownName(this.set.name, 'field', [...this.#byName.keys()]));
      if (value === undefined) continue;
      parts.push(
        encodeAttribute(
          field.number | (field.mandatory === true ? ATTRIBUTE_MANDATORY : 0),
          encodeValue(field, value, at, options),
          options.order,
        ),
      );
    }
    return parts;
  }

  /** @throws ArgumentError that names the first required field that `values` lacks */
  requireAll(values: unknown, path: string): void {
    const items: readonly unknown[] = Array.isArray(values) ? values : [values];
    for (const item of items) requireFields(this.#byName, isObject(item) ? item : {}, path);
  }

  /** @throws ArgumentError that names the first field in `values` that is fixed once it is set */
  forbidFixed(values: unknown, path: string): void {
    for (const [name, value] of Object.entries(isObject(values) ? values : {})) {
      if (value !== undefined && this.#byName.get(name)?.invariant === true)
        throw new ArgumentError(`${path}.${name}`, 'is fixed once it is set, and the kernel refuses to change it');
    }
  }

  /**
   * @param attribute the nested attribute
   * @returns the values by name, in order (of a list, an array of them), and the attributes that the table does not know
   * @throws CodecError
   */
  decode(
    attribute: Attribute,
    order: ByteOrder,
  ): { readonly values: SetValues; readonly unknown: readonly Attribute[] } {
    const { payload, offset } = attribute;
    const unknown: Attribute[] = [];
    const start = payload.byteOffset;
    const values = this.read(
      wholeOf(payload),
      start,
      start + payload.length,
      offset + NLA_HEADER_BYTES,
      order,
      (inner) => unknown.push(inner),
    );
    return { values, unknown };
  }

  /**
   * As {@link AttributeSetCodec.decode}, of a nest whose payload lies in a buffer.
   * @param offset where `start` is in the datagram, for errors
   * @param keep is called for what the table does not know
   */
  read(
    whole: Whole,
    start: number,
    end: number,
    offset: number,
    order: ByteOrder,
    keep: (unknown: Attribute) => void,
  ): SetValues {
    const fields = (this.#fields ??= this.#compile());
    const { list } = this.set;
    const little = order === 'little';
    const walk = new AttributeWalk(whole, start, end, offset, this.set.name, little);
    let values: Record<string, unknown> = {};
    const items: Record<string, unknown>[] = [];
    let form = 0;
    let size = 0;
    while (walk.next()) {
      const { number } = walk;
      // Padding.
      if (number === 0) continue;
      const known = fields[number];
      if (known === undefined) {
        keep(attributeAt(walk, whole));
        continue;
      }
      if (list && (items.length === 0 || known.name in values)) items.push((values = {}));
      form = known.formAfter(form);
      size++;
      values[known.name] = known.read(whole, walk.at, walk.length, walk.payloadOffset, little);
    }
    if (walk.problem !== undefined) throw walk.problem;
    if (list) return items;
    this.#shapes.learn(form, size, values);
    return values;
  }
}
