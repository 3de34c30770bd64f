import { ArgumentError, CodecError } from '../../errors';
import {
  CN_HEADER_BYTES,
  decodeConnectorMessage,
  encodeConnectorMessage,
  encodeDatagram,
  NLMSG_DONE,
  NLMSG_HEADER_BYTES,
  viewOf,
  writeConnectorHeader,
  writeMessageHeader,
  writeUint32,
  type ByteOrder,
  type ConnectorMessage,
  type NetlinkMessage,
  type ReceivedConnector,
  type ReceivedMessage,
} from '../../netlink';
import {
  decodeTagList,
  EMPTY_TAG_LIST,
  encodeTagList,
  once,
  TagCodec,
  type EncodeOptions,
  type FieldsReceived,
  type FieldTable,
  type Packet,
  type Tag,
  type TagList,
} from '../../schema';
import { packets } from './packets';

/** struct drbd_nl_cfg_req and drbd_nl_cfg_reply: packet type, minor, and flags or return code, 32 bits each. */
const DRBD_HEADER_BYTES = 12;
const CREATE_DEVICE = 0x01;
const SET_DEFAULTS = 0x02;
const PARAMETERS: ReadonlySet<string> = new Set(['minor', 'createDevice', 'setDefaults', 'tags']);

/** cn_msg.val of DRBD (CN_VAL_DRBD). */
export const CN_VAL_DRBD = 1;
/**
 * Connector indices that DRBD was compiled with: mainline, out of tree, Ubuntu 8.10. The multicast group has the same
 * number.
 */
export const CN_IDX_DRBD = [8, 4, 6] as const;
/** A collision with another user of the connector shifts the index by this, up to ten times; the group stays. */
export const CN_IDX_STEP = 6977;

export type PacketTable = typeof packets;
export type PacketName = keyof PacketTable;
type PacketOfKind<K extends Packet['kind']> = {
  [N in PacketName]: PacketTable[N]['kind'] extends K ? N : never;
}[PacketName];
/** Packets that a client may send. */
export type RequestPacketName = PacketOfKind<'change' | 'read'>;

/** The lossless form of a message of the dialect: all that stood on the wire, in order. */
export interface RawConnectorMessage {
  readonly netlink: NetlinkMessage;
  readonly connector: ConnectorMessage;
  readonly packetType: number;
  readonly minor: number;
  /** A request's flags; a reply's return code is the same bits, read as signed. */
  readonly flags: number;
  readonly list: TagList;
}

/**
 * @param message one netlink message of a connector datagram
 * @throws CodecError if it is too short for its headers; a broken tag list is told by `list.problem`
 */
export function decodeRaw(message: NetlinkMessage, order: ByteOrder): RawConnectorMessage {
  const start = message.offset + NLMSG_HEADER_BYTES;
  const connector = decodeConnectorMessage(message.payload, order, start);
  return { netlink: message, connector, ...decodeBody(connector.data, order, start + CN_HEADER_BYTES) };
}

/** What stands behind the cn_msg: DRBD's own header and tags. @throws CodecError if the header is cut */
export function decodeBody(
  data: Uint8Array,
  order: ByteOrder,
  offset: number,
): Pick<RawConnectorMessage, 'packetType' | 'minor' | 'flags' | 'list'> {
  requireHeader(data.length, offset);
  const view = viewOf(data);
  const little = order === 'little';
  return {
    packetType: view.getInt32(0, little),
    minor: view.getUint32(4, little),
    flags: view.getUint32(8, little),
    list:
      data.length === DRBD_HEADER_BYTES
        ? EMPTY_TAG_LIST
        : decodeTagList(data.subarray(DRBD_HEADER_BYTES), order, offset + DRBD_HEADER_BYTES),
  };
}

function requireHeader(length: number, offset: number): void {
  if (length < DRBD_HEADER_BYTES)
    throw new CodecError('drbd_nl_cfg', offset, `at least ${DRBD_HEADER_BYTES} bytes`, `${length}`);
}

/** The inverse of {@link decodeRaw}, byte for byte. */
export function encodeRaw(raw: RawConnectorMessage, order: ByteOrder): Uint8Array {
  const data = encodeBody(raw.packetType, raw.minor, raw.flags, encodeTagList(raw.list, order), order);
  const payload = encodeConnectorMessage({ ...raw.connector, data }, order);
  return encodeDatagram({ messages: [{ ...raw.netlink, payload }], rest: new Uint8Array(0) }, order);
}

function encodeBody(packetType: number, minor: number, flags: number, tags: Uint8Array, order: ByteOrder): Uint8Array {
  const out = new Uint8Array(DRBD_HEADER_BYTES + tags.length);
  const little = order === 'little';
  writeUint32(out, 0, packetType, little);
  writeUint32(out, 4, minor, little);
  writeUint32(out, 8, flags, little);
  out.set(tags, DRBD_HEADER_BYTES);
  return out;
}

/** What a request resolves with. */
export interface ConnectorReply<N extends RequestPacketName = RequestPacketName> {
  readonly returnCode: number;
  readonly returnName: string;
  readonly minor: number;
  /** The tags of a get_ packet's answer; empty for the others. */
  readonly tags: FieldsReceived<PacketTable[N]['replyTags']>;
  /** Tags that the tables do not know, in order. */
  readonly unknown: readonly Tag[];
}

/** A packet, and the codec of its requests, compiled when first needed. */
class CompiledPacket {
  readonly packet: Packet;
  #request: TagCodec | undefined;

  constructor(packet: Packet) {
    this.packet = packet;
  }

  get request(): TagCodec {
    return (this.#request ??= new TagCodec(this.packet.name, this.packet.tags));
  }
}

let compiled:
  | {
      readonly byName: ReadonlyMap<string, CompiledPacket>;
      readonly byNumber: ReadonlyMap<number, CompiledPacket>;
    }
  | undefined;

/** Reads the tags of the commonest answer and broadcast. */
const stateTags = once(() => new TagCodec('reply', packets.get_state.replyTags));
let everyTag: TagCodec | undefined;

/** Reads the tags of all packets: an answer does not tell which one it answers. A tag's number is unique among them. */
function allTags(): TagCodec {
  everyTag ??= new TagCodec(
    'reply',
    Object.assign(
      {},
      ...Object.values<Packet>(packets).flatMap(({ tags, replyTags }) => [tags, replyTags]),
    ) as FieldTable,
  );
  return everyTag;
}

/** A program that asks for states alone never needs the tables of the others. */
const replyTags = (): TagCodec => everyTag ?? stateTags();

/** The codecs, compiled when first needed. */
function codecs(): NonNullable<typeof compiled> {
  if (compiled === undefined) {
    const byName = new Map<string, CompiledPacket>();
    const byNumber = new Map<number, CompiledPacket>();
    for (const packet of Object.values<Packet>(packets)) {
      const entry = new CompiledPacket(packet);
      byName.set(packet.name, entry);
      byNumber.set(packet.number, entry);
    }
    compiled = { byName, byNumber };
  }
  return compiled;
}

/** @returns the packet's table entry, or undefined for a number that no release knows */
export function packetByNumber(number: number): Packet | undefined {
  return codecs().byNumber.get(number)?.packet;
}

/** Where a request goes and how its answer will be known. */
export interface ConnectorHeader {
  readonly idx: number;
  readonly sequence: number;
  readonly ack: number;
  readonly port: number;
}

/**
 * Checks a request and encodes all of it but the headers.
 * @param name of a packet of kind `change` or `read`
 * @throws ArgumentError on an unknown name, tag or parameter, a wrong type, or a value out of range
 */
export function encodeRequestBody(name: string, params: unknown, options: EncodeOptions): Uint8Array {
  const entry = codecs().byName.get(name);
  if (entry === undefined || (entry.packet.kind !== 'change' && entry.packet.kind !== 'read')) {
    const names = [...codecs().byName.values()].filter(
      ({ packet }) => packet.kind === 'change' || packet.kind === 'read',
    );
    throw new ArgumentError(
      'request',
      `the connector dialect has no request ${JSON.stringify(name)}; it has ${names.map(({ packet }) => packet.name).join(', ')}`,
    );
  }
  if (typeof params !== 'object' || params === null)
    throw new ArgumentError(name, 'an object with minor and tags is needed');
  for (const key in params)
    if (!PARAMETERS.has(key) && Object.hasOwn(params, key))
      throw new ArgumentError(
        `${name}.${key}`,
        'is not a parameter; there are minor, createDevice, setDefaults and tags',
      );
  const { minor, createDevice, setDefaults, tags } = params as Readonly<Record<string, unknown>>;
  if (typeof minor !== 'number' || !Number.isInteger(minor) || minor < 0 || minor > 0xffffffff) {
    throw new ArgumentError(
      `${name}.minor`,
      `an integer from 0 to 4294967295 is needed, not ${typeof minor === 'number' ? minor : typeof minor}`,
    );
  }
  const flags =
    (isSet(name, 'createDevice', createDevice) ? CREATE_DEVICE : 0) |
    (isSet(name, 'setDefaults', setDefaults) ? SET_DEFAULTS : 0);
  return encodeBody(entry.packet.number, minor, flags, entry.request.encode(tags, name, options), options.order);
}

function isSet(name: string, key: string, value: unknown): boolean {
  if (value !== undefined && typeof value !== 'boolean')
    throw new ArgumentError(`${name}.${key}`, `true or false is needed, not a ${typeof value}`);
  return value === true;
}

/** @returns the datagram: headers and a body of {@link encodeRequestBody} */
export function encodeRequest(body: Uint8Array, header: ConnectorHeader, order: ByteOrder): Uint8Array {
  const { idx, sequence, ack, port } = header;
  const out = new Uint8Array(NLMSG_HEADER_BYTES + CN_HEADER_BYTES + body.length);
  writeMessageHeader(out, { type: NLMSG_DONE, flags: 0, sequence, port }, out.length, order);
  writeConnectorHeader(
    out,
    NLMSG_HEADER_BYTES,
    { idx, val: CN_VAL_DRBD, sequence, ack, length: body.length, flags: 0 },
    order === 'little',
  );
  out.set(body, NLMSG_HEADER_BYTES + CN_HEADER_BYTES);
  return out;
}

/** A request, read back. `params` re-encodes to the same body if the request was canonical. */
export interface DecodedRequest {
  readonly name: string;
  readonly params: {
    readonly minor: number;
    readonly createDevice?: true;
    readonly setDefaults?: true;
    readonly tags: Readonly<Record<string, unknown>>;
  };
  readonly unknown: readonly Tag[];
}

/** @throws CodecError if the packet is unknown or a tag is broken */
export function decodeRequest(raw: RawConnectorMessage, order: ByteOrder): DecodedRequest {
  const entry = codecs().byNumber.get(raw.packetType);
  if (entry === undefined)
    throw new CodecError(
      'drbd_nl_cfg_req.packet_type',
      raw.netlink.offset + NLMSG_HEADER_BYTES + CN_HEADER_BYTES,
      'a packet that a release knows',
      `${raw.packetType}`,
    );
  const { values, unknown } = entry.request.decode(raw.list, order);
  return {
    name: entry.packet.name,
    params: {
      minor: raw.minor,
      ...((raw.flags & CREATE_DEVICE) === 0 ? {} : { createDevice: true as const }),
      ...((raw.flags & SET_DEFAULTS) === 0 ? {} : { setDefaults: true as const }),
      tags: values,
    },
    unknown,
  };
}

/** A reply or broadcast, read. */
export interface DecodedReply {
  readonly packetType: number;
  /** The packet's name, or `unknown(N)`. */
  readonly name: string;
  readonly minor: number;
  readonly returnCode: number;
  readonly tags: Readonly<Record<string, unknown>>;
  readonly unknown: readonly Tag[];
}

/** @throws CodecError if a tag is broken */
export function decodeReply(
  raw: Pick<RawConnectorMessage, 'packetType' | 'minor' | 'flags' | 'list'>,
  order: ByteOrder,
): DecodedReply {
  const codec = replyTags();
  let { values, unknown } = codec.decode(raw.list, order);
  if (unknown.length > 0 && codec !== allTags()) ({ values, unknown } = allTags().decode(raw.list, order));
  return { ...replyOf(raw.packetType, raw.minor, raw.flags), tags: values, unknown };
}

/**
 * As {@link decodeReply}, of a message where it was received.
 * @throws CodecError if DRBD's header is cut or a tag is broken
 */
export function readReply(message: ReceivedMessage, connector: ReceivedConnector, order: ByteOrder): DecodedReply {
  const { whole } = message;
  const { start, end, offset } = connector;
  requireHeader(end - start, offset);
  const little = order === 'little';
  const tags = start + DRBD_HEADER_BYTES;
  const codec = replyTags();
  let { values, unknown } = codec.read(whole, tags, end, offset + DRBD_HEADER_BYTES, order);
  if (unknown.length > 0 && codec !== allTags())
    ({ values, unknown } = allTags().read(whole, tags, end, offset + DRBD_HEADER_BYTES, order));
  const packetType = whole.view.getInt32(start, little);
  const { name, minor, returnCode } = replyOf(
    packetType,
    whole.view.getUint32(start + 4, little),
    whole.view.getUint32(start + 8, little),
  );
  return { packetType, name, minor, returnCode, tags: values, unknown };
}

function replyOf(
  packetType: number,
  minor: number,
  flags: number,
): Pick<DecodedReply, 'packetType' | 'name' | 'minor' | 'returnCode'> {
  const name = codecs().byNumber.get(packetType)?.packet.name ?? `unknown(${packetType})`;
  return { packetType, name, minor, returnCode: flags | 0 };
}
