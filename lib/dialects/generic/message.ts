import { ArgumentError, CodecError } from '../../errors';
import {
  attributeAt,
  AttributeWalk,
  concatBytes,
  decodeAttributeList,
  decodeAttributes,
  decodeGenericMessage,
  encodeAttributeList,
  encodeDatagram,
  encodeGenericMessage,
  encodeMessage,
  GENL_HEADER_BYTES,
  NLA_HEADER_BYTES,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_HEADER_BYTES,
  NO_BYTES,
  viewOf,
  wholeOf,
  type Attribute,
  type AttributeList,
  type ByteOrder,
  type GenericMessage,
  type NetlinkMessage,
  type ReceivedMessage,
  type Whole,
} from '../../netlink';
import {
  AttributeSetCodec,
  isObject,
  unknownName,
  type AttributeSet,
  type EncodeOptions,
  type SetValues,
  type Operation,
} from '../../schema';

/** struct drbd_genlmsghdr: minor, and flags or return code, 32 bits each. */
export const DRBD_HEADER_BYTES = 8;
const SET_DEFAULTS = 1;
/** The header's minor where a request names none. */
export const NO_MINOR = 0xffffffff;

/** The lossless form of a message of a DRBD family: all that stood on the wire, in order. */
export interface RawGenericMessage {
  readonly netlink: NetlinkMessage;
  readonly generic: GenericMessage;
  readonly minor: number;
  /** A request's flags; a reply's return code is the same bits, read as signed. */
  readonly flags: number;
  /** Top-level attributes; {@link decodeAttributeList} takes their payloads apart. */
  readonly list: AttributeList;
}

/** @throws CodecError if the message is too short for its headers; broken attributes are told by `list.problem` */
export function decodeRaw(message: NetlinkMessage, order: ByteOrder): RawGenericMessage {
  const start = message.offset + NLMSG_HEADER_BYTES;
  const generic = decodeGenericMessage(message.payload, order, start);
  const offset = start + GENL_HEADER_BYTES;
  requireDrbdHeader(generic.data.length, offset);
  const view = viewOf(generic.data);
  const little = order === 'little';
  return {
    netlink: message,
    generic,
    minor: view.getUint32(0, little),
    flags: view.getUint32(4, little),
    list: decodeAttributeList(generic.data.subarray(DRBD_HEADER_BYTES), order, offset + DRBD_HEADER_BYTES),
  };
}

function requireDrbdHeader(length: number, offset: number): void {
  if (length < DRBD_HEADER_BYTES)
    throw new CodecError('drbd_genlmsghdr', offset, `at least ${DRBD_HEADER_BYTES} bytes`, `${length}`);
}

/** The inverse of {@link decodeRaw}, byte for byte. */
export function encodeRaw(raw: RawGenericMessage, order: ByteOrder): Uint8Array {
  const data = concatBytes([encodeDrbdHeader(raw.minor, raw.flags, order), encodeAttributeList(raw.list, order)]);
  const payload = encodeGenericMessage({ ...raw.generic, data }, order);
  return encodeDatagram({ messages: [{ ...raw.netlink, payload }], rest: NO_BYTES }, order);
}

function encodeDrbdHeader(minor: number, flags: number, order: ByteOrder): Uint8Array {
  const out = new Uint8Array(DRBD_HEADER_BYTES);
  const view = viewOf(out);
  view.setUint32(0, minor, order === 'little');
  view.setUint32(4, flags, order === 'little');
  return out;
}

/** Where a request goes and how its answer will be known. */
export interface GenericHeader {
  readonly family: number;
  readonly sequence: number;
  readonly port: number;
}

/** What an encoder makes of a request, and what the session needs to know to send it. */
export interface EncodedRequest {
  readonly operation: Operation;
  /** The answer is any number of messages up to an NLMSG_DONE. */
  readonly dump: boolean;
  readonly minor: number | undefined;
  /** What follows the headers of netlink and generic netlink. */
  readonly data: Uint8Array;
  datagram(header: GenericHeader): Uint8Array;
}

/** An attribute that the tables do not know, and the set it was found in (none: at the top). */
export interface UnknownAttribute {
  readonly set: string | undefined;
  readonly attribute: Attribute;
}

/** A message, read by the tables. */
export interface DecodedMessage {
  /** The operation's name, or `unknown(N)`. */
  readonly name: string;
  /** The header's minor; `undefined` where it names none. */
  readonly minor: number | undefined;
  /** A reply's return code, or a request's flags. */
  readonly returnCode: number;
  readonly setDefaults: boolean;
  /** The sets by their struct's name (drbd_cfg_context as `context`), in order. */
  readonly sets: Readonly<Record<string, SetValues>>;
  readonly unknown: readonly UnknownAttribute[];
}

/** @returns whether two dumps are asked by the same parameters */
function isAlike(a: Operation, b: Operation): boolean {
  const [setsOfA, setsOfB] = [Object.keys(a.request), Object.keys(b.request)];
  return (
    a.kind === 'dump' &&
    b.kind === 'dump' &&
    a.minor === b.minor &&
    a.readsOne === b.readsOne &&
    a.partial === b.partial &&
    setsOfA.length === setsOfB.length &&
    setsOfA.every((key) => a.request[key] === b.request[key]) &&
    a.required.join() === b.required.join() &&
    a.needs.join() === b.needs.join()
  );
}

/** A set that comes twice in a message: the later fields win, and a list goes on. */
function joinSets(before: SetValues | undefined, more: SetValues): SetValues {
  if (before === undefined) return more;
  if (Array.isArray(before) && Array.isArray(more))
    return [...(before as readonly object[]), ...(more as readonly object[])] as SetValues;
  return { ...before, ...more };
}

/** The codec of one version of the family `drbd`, compiled from its tables when first used. */
export class FamilyCodec {
  readonly version: number;
  readonly #dialect: string;
  readonly #operations: ReadonlyMap<string, Operation>;
  readonly #byNumber: ReadonlyMap<number, Operation>;
  readonly #setsByNumber: ReadonlyMap<number, { readonly key: string; readonly codec: AttributeSetCodec }>;
  readonly #setsByKey: ReadonlyMap<string, AttributeSetCodec>;

  constructor(
    dialect: string,
    version: number,
    operations: Readonly<Record<string, Operation>>,
    sets: Readonly<Record<string, AttributeSet>>,
  ) {
    this.#dialect = dialect;
    this.version = version;
    this.#operations = new Map(Object.entries(operations));
    this.#byNumber = new Map(Object.values(operations).map((operation) => [operation.number, operation]));
    const compiled = Object.entries(sets).map(([name, set]) => ({
      key: name === 'drbd_cfg_context' ? 'context' : name,
      codec: new AttributeSetCodec(set),
    }));
    this.#setsByNumber = new Map(compiled.map((entry) => [entry.codec.set.number, entry]));
    this.#setsByKey = new Map(compiled.map(({ key, codec }) => [key, codec]));
  }

  /** @returns the operation's table entry, or undefined */
  operation(name: string): Operation | undefined {
    return this.#operations.get(name);
  }

  operationByNumber(number: number): Operation | undefined {
    return this.#byNumber.get(number);
  }

  /**
   * Checks a request and encodes it.
   * @param name of an operation that is not a notification
   * @throws ArgumentError on an unknown name, set, field or parameter, a wrong type, a value out of range, or a missing
   *   one
   */
  encodeRequest(name: string, params: unknown, options: EncodeOptions): EncodedRequest {
    const operation = this.#operations.get(name);
    if (operation === undefined || operation.kind === 'notification') {
      const names = [...this.#operations.values()]
        .filter(({ kind }) => kind !== 'notification')
        .map((candidate) => candidate.name);
      throw new ArgumentError(
        'request',
        `${this.#dialect} has no request ${JSON.stringify(name)}; it has ${names.join(', ')}`,
      );
    }
    if (params !== undefined && !isObject(params)) throw new ArgumentError(name, 'an object is needed');
    const { minor, setDefaults, ...sets } = params ?? {};
    if (setDefaults !== undefined && typeof setDefaults !== 'boolean')
      throw new ArgumentError(`${name}.setDefaults`, `true or false is needed, not a ${typeof setDefaults}`);
    if (
      minor === undefined
        ? operation.minor && !operation.readsOne
        : typeof minor !== 'number' || !Number.isInteger(minor) || minor < 0 || minor >= NO_MINOR
    ) {
      throw new ArgumentError(
        `${name}.minor`,
        `an integer from 0 to ${NO_MINOR - 1} is needed, not ${typeof minor === 'number' ? minor : typeof minor}`,
      );
    }
    if (minor !== undefined && !operation.minor)
      throw new ArgumentError(
        `${name}.minor`,
        'is not a parameter: this operation does not name its object by a minor',
      );
    const parts: Uint8Array[] = [];
    for (const [key, value] of Object.entries(sets)) {
      if (value === undefined) continue;
      const codec = operation.request[key] === undefined ? undefined : this.#setsByKey.get(key);
      if (codec === undefined) {
        throw new ArgumentError(
          `${name}.${key}`,
          unknownName(name, 'attribute set', [
            ...(operation.minor ? ['minor'] : []),
            'setDefaults',
            ...Object.keys(operation.request),
          ]),
        );
      }
      const path = `${name}.${key}`;
      if (Array.isArray(value) && value.length !== 1)
        throw new ArgumentError(path, `one is needed, not ${value.length}: send a request for each`);
      parts.push(codec.encode(value, path, options));
      if (options.malformed === 'send') continue;
      if (operation.partial) codec.forbidFixed(value, path);
      else codec.requireAll(value, path);
    }
    for (const key of operation.required) {
      if (sets[key] === undefined && options.malformed !== 'send')
        throw new ArgumentError(`${name}.${key}`, 'is missing, and the kernel refuses a request without it');
    }
    const context = isObject(sets['context']) ? sets['context'] : {};
    for (const field of operation.needs) {
      if (context[field] === undefined && options.malformed !== 'send')
        throw new ArgumentError(`${name}.context.${field}`, 'is missing, and the kernel refuses a request without it');
    }
    const { order } = options;
    const number = minor as number | undefined;
    const dump = operation.kind === 'dump' && !(operation.readsOne && number !== undefined);
    const header = encodeDrbdHeader(number ?? NO_MINOR, setDefaults === true ? SET_DEFAULTS : 0, order);
    const data = concatBytes([header, ...parts]);
    return { operation, dump, minor: number, data, datagram: this.#datagram(operation, dump, data, order) };
  }

  /**
   * Encodes dumps of one object, as encodeRequest() does each. @param names of operations that are dumps and carry the same
   * sets
   * @throws ArgumentError
   */
  encodeDumps(
    names: readonly string[],
    params: unknown,
    options: EncodeOptions,
  ): readonly EncodedRequest['datagram'][] {
    let first: EncodedRequest | undefined;
    return names.map((name) => {
      const operation = this.#operations.get(name);
      // What was checked and encoded for the first is right for those like it.
      const encoded =
        first !== undefined && operation !== undefined && isAlike(first.operation, operation)
          ? first
          : this.encodeRequest(name, params, options);
      if (!encoded.dump) throw new ArgumentError(name, 'is not a dump');
      first ??= encoded;
      return encoded.operation === operation || operation === undefined
        ? encoded.datagram
        : this.#datagram(operation, true, encoded.data, options.order);
    });
  }

  #datagram(operation: Operation, dump: boolean, data: Uint8Array, order: ByteOrder): EncodedRequest['datagram'] {
    const payload = encodeGenericMessage({ command: operation.number, version: this.version, data }, order);
    return ({ family, sequence, port }) =>
      encodeMessage({ type: family, flags: NLM_F_REQUEST | (dump ? NLM_F_DUMP : 0), sequence, port, payload }, order);
  }

  /**
   * Reads a request, reply or notification. Every set of the family is understood in every operation, as kernels differ
   * in what they add.
   * @throws CodecError if an attribute is broken
   */
  decode(raw: RawGenericMessage, order: ByteOrder): DecodedMessage {
    const { command, data } = raw.generic;
    const at = data.byteOffset;
    const offset = raw.netlink.offset + NLMSG_HEADER_BYTES + GENL_HEADER_BYTES;
    return this.#read(command, wholeOf(data), at, at + data.length, offset, order);
  }

  /**
   * As {@link FamilyCodec.decode}, of a message where it was received.
   * @throws CodecError if it is too short for its headers, or an attribute is broken
   */
  read(
    { whole, start, end, offset }: ReceivedMessage,
    order: ByteOrder,
  ): DecodedMessage & { readonly command: number } {
    const header = offset + NLMSG_HEADER_BYTES;
    if (end - start < GENL_HEADER_BYTES)
      throw new CodecError('genlmsghdr', header, `at least ${GENL_HEADER_BYTES} bytes`, `${end - start}`);
    const data = start + GENL_HEADER_BYTES;
    requireDrbdHeader(end - data, header + GENL_HEADER_BYTES);
    return this.#read(whole.view.getUint8(start), whole, data, end, header + GENL_HEADER_BYTES, order);
  }

  /** @param start of DRBD's header in the buffer, and `offset` in the datagram */
  #read(
    command: number,
    whole: Whole,
    start: number,
    end: number,
    offset: number,
    order: ByteOrder,
  ): DecodedMessage & { readonly command: number } {
    const little = order === 'little';
    const minor = whole.view.getUint32(start, little);
    const flags = whole.view.getUint32(start + 4, little);
    const sets: Record<string, SetValues> = {};
    const unknown: UnknownAttribute[] = [];
    const walk = new AttributeWalk(whole, start + DRBD_HEADER_BYTES, end, offset + DRBD_HEADER_BYTES, 'nlattr', little);
    while (walk.next()) {
      const { number } = walk;
      if (number === 0) continue;
      const known = this.#setsByNumber.get(number);
      if (known === undefined) {
        unknown.push({ set: undefined, attribute: attributeAt(walk, whole) });
        continue;
      }
      const { key, codec } = known;
      const { at, length } = walk;
      const values = codec.read(whole, at, at + length, walk.offset + NLA_HEADER_BYTES, order, (attribute) =>
        unknown.push({ set: key, attribute }),
      );
      sets[key] = joinSets(sets[key], values);
    }
    if (walk.problem !== undefined) throw walk.problem;
    return {
      command,
      name: this.#byNumber.get(command)?.name ?? `unknown(${command})`,
      minor: minor === NO_MINOR ? undefined : minor,
      returnCode: flags | 0,
      setDefaults: (flags & SET_DEFAULTS) !== 0,
      sets,
      unknown,
    };
  }

  /**
   * @returns the texts of every drbd_cfg_reply of a reply, in order; the kernel may send several. @throws CodecError
   */
  infoTexts(raw: RawGenericMessage, order: ByteOrder): readonly string[] {
    const texts: string[] = [];
    for (const attribute of raw.list.attributes) {
      const known = this.#setsByNumber.get(attribute.number);
      if (known?.key !== 'drbd_cfg_reply') continue;
      for (const inner of decodeAttributes(attribute.payload, order, attribute.offset + 4, known.key, 1)) {
        const value = known.codec.set.fields['info_text'];
        if (value !== undefined && inner.number === value.number)
          texts.push(Buffer.from(inner.payload).toString('utf8').replace(/\0.*$/su, ''));
      }
    }
    return texts;
  }
}
