import { checkFields, type FieldTable, type FieldsReceived } from './field';

/** A named group of numbers of a public header, such as the return codes: symbolic name to number. */
export type CodeTable = Readonly<Record<string, number>>;

/** Names by number, of tables that were asked. */
const namesOf = new WeakMap<CodeTable, ReadonlyMap<number, string>>();

/** @returns the symbolic name of `code`, or `unknown(code)`. A name that comes first in the table wins. */
export function codeName(table: CodeTable, code: number): string {
  let names = namesOf.get(table);
  if (names === undefined) {
    names = new Map(
      Object.entries(table)
        .map(([name, value]): [number, string] => [value, name])
        .reverse(),
    );
    namesOf.set(table, names);
  }
  return names.get(code) ?? `unknown(${code})`;
}

export type PacketKind = 'change' | 'read' | 'broadcast' | 'reply';

/** A packet of the connector dialect. */
export interface Packet<
  T extends FieldTable = FieldTable,
  R extends FieldTable = FieldTable,
  K extends PacketKind = PacketKind,
> {
  readonly number: number;
  readonly name: string;
  /** `change` alters state, `read` returns tags, `broadcast` and `reply` only come from the kernel. */
  readonly kind: K;
  readonly doc: string;
  readonly since?: string;
  /** The tags that a request (or a broadcast) carries. */
  readonly tags: T;
  /** The tags that the reply carries. */
  readonly replyTags: R;
}

/** Tag numbers are 13 bits (drbd_tag_magic.h). */
export const LARGEST_TAG = 0x1fff;
/** Attribute numbers are 14 bits. */
export const LARGEST_ATTRIBUTE = 0x3fff;

/** @returns what is made when it is first asked for, and only once */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

const isFunction = <T>(value: T | (() => T)): value is () => T => typeof value === 'function';

/** @returns fields that are checked when they are first looked at, where a function makes them; else now */
function lateFields<T extends FieldTable>(fields: T | (() => T), check: (fields: T) => void): () => T {
  const late = once(() => {
    const made = isFunction(fields) ? fields() : fields;
    check(made);
    return made;
  });
  if (!isFunction(fields)) late();
  return late;
}

/**
 * @param definition `tags` and `replyTags` may be functions, as an {@link attributeSet}'s `fields`
 */
export function packet<
  const N extends string,
  const K extends PacketKind,
  const T extends FieldTable = Record<never, never>,
  const R extends FieldTable = Record<never, never>,
>(
  number: number,
  name: N,
  definition: {
    readonly kind: K;
    readonly doc: string;
    readonly since?: string;
    readonly tags?: T | (() => T);
    readonly replyTags?: R | (() => R);
    readonly retired?: readonly number[];
  },
): Packet<T, R, K> & { readonly name: N } {
  const { kind, doc, since, retired } = definition;
  const tags = lateFields(definition.tags ?? ({} as T), (made) => {
    checkFields(name, made, LARGEST_TAG, retired);
  });
  const { replyTags = {} as R } = definition;
  return Object.freeze({
    number,
    name,
    kind,
    doc,
    ...(since === undefined ? {} : { since }),
    get tags() {
      return tags();
    },
    get replyTags() {
      return isFunction(replyTags) ? replyTags() : replyTags;
    },
  });
}

/** A nested attribute of the generic netlink dialects: a C struct with its fields. */
export interface AttributeSet<T extends FieldTable = FieldTable, L extends boolean = boolean> {
  readonly number: number;
  /** The struct's name in the header; the key of a request's or reply's object. */
  readonly name: string;
  readonly doc: string;
  readonly since?: string;
  readonly fields: T;
  /**
   * The nest holds any number of structs, one behind the other without a mark between them: each begins where a field
   * comes again. It is read as an array; a request carries one.
   */
  readonly list: L;
}

/**
 * @param definition `fields` may be a function: a dialect has hundreds of fields, and a program that starts for one
 *   question needs few. They are then made, and checked, when they are first looked at
 */
export function attributeSet<const N extends string, const T extends FieldTable, const L extends boolean = false>(
  number: number,
  name: N,
  definition: {
    readonly doc: string;
    readonly since?: string;
    readonly fields: T | (() => T);
    readonly list?: L;
    readonly retired?: readonly number[];
  },
): AttributeSet<T, L> & { readonly name: N } {
  const { doc, since, retired } = definition;
  const list = (definition.list ?? false) as L;
  const fields = lateFields(definition.fields, (made) => {
    checkFields(name, made, LARGEST_ATTRIBUTE, retired);
  });
  return Object.freeze({
    number,
    name,
    doc,
    ...(since === undefined ? {} : { since }),
    get fields() {
      return fields();
    },
    list,
  });
}

type SetTable = Readonly<Record<string, AttributeSet>>;

/**
 * An operation of the generic netlink dialects. The keys of its sets are those of the request's and reply's objects.
 */
export interface Operation<Q extends SetTable = SetTable, R extends SetTable = SetTable> {
  readonly number: number;
  readonly name: string;
  /** `change` and `read` get one reply, `dump` any number, `notification` only comes from the kernel. */
  readonly kind: 'change' | 'read' | 'dump' | 'notification';
  readonly doc: string;
  readonly since?: string;
  readonly until?: string;
  /** Whether the request names a minor in its header. */
  readonly minor: boolean;
  /** The sets that a request carries; those named in `required` must be there. */
  readonly request: Q;
  readonly required: readonly string[];
  /** The fields of the context that name the object; a request without one of them is refused. */
  readonly needs: readonly string[];
  /**
   * It changes what exists: fields that a first request cannot do without may be absent here, and those that are fixed
   * may not be there.
   */
  readonly partial: boolean;
  /** A dump that becomes a read with one reply when the request names a minor. */
  readonly readsOne: boolean;
  /** The sets that a reply or notification carries. */
  readonly reply: R;
}

export function operation<
  const N extends string,
  const K extends Operation['kind'],
  const M extends boolean = false,
  const Q extends SetTable = Record<never, never>,
  const R extends SetTable = Record<never, never>,
  const X extends keyof Q & string = never,
  const P extends boolean = false,
  const O extends boolean = false,
>(
  number: number,
  name: N,
  definition: {
    readonly kind: K;
    readonly doc: string;
    readonly since?: string;
    readonly until?: string;
    readonly minor?: M;
    readonly request?: Q;
    readonly required?: readonly X[];
    readonly needs?: readonly string[];
    readonly partial?: P;
    readonly readsOne?: O;
    readonly reply?: R;
  },
): Omit<Operation<Q, R>, 'required' | 'minor' | 'kind' | 'partial' | 'readsOne'> & {
  readonly name: N;
  readonly kind: K;
  readonly minor: M;
  readonly required: readonly X[];
  readonly partial: P;
  readonly readsOne: O;
} {
  const { kind, doc, since, until } = definition;
  if (doc.trim() === '') throw new TypeError(`${name} (${number}): a doc is needed`);
  return Object.freeze({
    number,
    name,
    kind,
    doc,
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    minor: (definition.minor ?? false) as M,
    request: definition.request ?? ({} as Q),
    required: definition.required ?? [],
    needs: definition.needs ?? [],
    partial: (definition.partial ?? false) as P,
    readsOne: (definition.readsOne ?? false) as O,
    reply: definition.reply ?? ({} as R),
  });
}

/** What a decoder returns for the sets of an operation. */
export type SetsReceived<R extends SetTable> = { readonly [S in keyof R]?: SetReceived<R[S]> };

type SetReceived<S extends AttributeSet> = S['list'] extends true
  ? readonly FieldsReceived<S['fields']>[]
  : FieldsReceived<S['fields']>;
