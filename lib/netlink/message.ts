import { CodecError } from '../errors';
import { align, concatBytes, viewOf, type ByteOrder, NO_BYTES } from './bytes';

/** Message types and flags of linux/netlink.h. */
export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;
export const NLMSG_MIN_TYPE = 16;
export const NLM_F_REQUEST = 0x1;
export const NLM_F_MULTI = 0x2;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
/** In an NLMSG_ERROR: the request's payload is not repeated. */
export const NLM_F_CAPPED = 0x100;
/** In an NLMSG_ERROR or NLMSG_DONE: attributes with an explanation follow. */
export const NLM_F_ACK_TLVS = 0x200;

export const NLMSG_HEADER_BYTES = 16;

/** One message of a datagram. Decoding and encoding it gives the same bytes. */
export interface NetlinkMessage {
  /** nlmsg_len, the header included and the padding not. */
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly port: number;
  /** What follows the header, up to nlmsg_len. */
  readonly payload: Uint8Array;
  /** Bytes between nlmsg_len and the next message; not always zero. */
  readonly padding: Uint8Array;
  /** Where the message begins in its datagram. */
  readonly offset: number;
}

/** A datagram, taken apart without loss. */
export interface NetlinkDatagram {
  readonly messages: readonly NetlinkMessage[];
  /** What no message could be made of: empty unless the datagram is malformed or cut. */
  readonly rest: Uint8Array;
  /** Why there is a rest. */
  readonly problem: CodecError | undefined;
}

/**
 * Takes a datagram apart. Any bytes give a value: what is not a message stays in `rest`, with the reason.
 * @param bytes one datagram as received or sent
 */
export function decodeDatagram(bytes: Uint8Array, order: ByteOrder): NetlinkDatagram {
  const little = order === 'little';
  const view = viewOf(bytes);
  const messages: NetlinkMessage[] = [];
  let offset = 0;
  const stop = (path: string, expected: string, actual: string): NetlinkDatagram => ({
    messages,
    rest: bytes.subarray(offset),
    problem: new CodecError(path, offset, expected, actual),
  });
  while (offset < bytes.length) {
    const left = bytes.length - offset;
    if (left < NLMSG_HEADER_BYTES) return stop('nlmsghdr', `${NLMSG_HEADER_BYTES} bytes`, `${left}`);
    const length = view.getUint32(offset, little);
    if (length < NLMSG_HEADER_BYTES || length > left) {
      return stop('nlmsghdr.nlmsg_len', `${NLMSG_HEADER_BYTES} to ${left}`, `${length}`);
    }
    const next = Math.min(offset + align(length), bytes.length);
    messages.push({
      length,
      type: view.getUint16(offset + 4, little),
      flags: view.getUint16(offset + 6, little),
      sequence: view.getUint32(offset + 8, little),
      port: view.getUint32(offset + 12, little),
      payload: bytes.subarray(offset + NLMSG_HEADER_BYTES, offset + length),
      padding: next === offset + length ? NO_BYTES : bytes.subarray(offset + length, next),
      offset,
    });
    offset = next;
  }
  return { messages, rest: NO_BYTES, problem: undefined };
}

/** The inverse of {@link decodeDatagram}, byte for byte. */
export function encodeDatagram(datagram: Pick<NetlinkDatagram, 'messages' | 'rest'>, order: ByteOrder): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const message of datagram.messages)
    parts.push(encodeHeader(message, message.length, order), message.payload, message.padding);
  parts.push(datagram.rest);
  return concatBytes(parts);
}

/** What a sender says of a message; the length and the padding follow from the payload. */
export type NetlinkMessageFields = Pick<NetlinkMessage, 'type' | 'flags' | 'sequence' | 'port' | 'payload'>;

/** @returns header and payload of the only message of a datagram: nlmsg_len exact, no padding behind it. */
export function encodeMessage(message: NetlinkMessageFields, order: ByteOrder): Uint8Array {
  const length = NLMSG_HEADER_BYTES + message.payload.length;
  const out = new Uint8Array(length);
  writeHeader(out, message, length, order);
  out.set(message.payload, NLMSG_HEADER_BYTES);
  return out;
}

function encodeHeader(message: Omit<NetlinkMessageFields, 'payload'>, length: number, order: ByteOrder): Uint8Array {
  const out = new Uint8Array(NLMSG_HEADER_BYTES);
  writeHeader(out, message, length, order);
  return out;
}

function writeHeader(
  out: Uint8Array,
  message: Omit<NetlinkMessageFields, 'payload'>,
  length: number,
  order: ByteOrder,
): void {
  const little = order === 'little';
  const view = viewOf(out);
  view.setUint32(0, length, little);
  view.setUint16(4, message.type, little);
  view.setUint16(6, message.flags, little);
  view.setUint32(8, message.sequence, little);
  view.setUint32(12, message.port, little);
}
