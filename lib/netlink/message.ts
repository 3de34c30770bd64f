import { CodecError } from '../errors';
import { align, concatBytes, wholeOf, writeUint16, writeUint32, type ByteOrder, type Whole, NO_BYTES } from './bytes';

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

/** A message where it was received: its parts are made when they are asked for. */
export class ReceivedMessage implements NetlinkMessage {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly port: number;
  readonly offset: number;
  /** The buffer that it lies in, and where its payload begins and ends there. */
  readonly whole: Whole;
  readonly start: number;
  readonly end: number;
  readonly #next: number;

  /** @param at where it begins in the buffer, and `next` where what follows it does */
  constructor(whole: Whole, at: number, length: number, next: number, offset: number, little: boolean) {
    const { view } = whole;
    this.length = length;
    this.type = view.getUint16(at + 4, little);
    this.flags = view.getUint16(at + 6, little);
    this.sequence = view.getUint32(at + 8, little);
    this.port = view.getUint32(at + 12, little);
    this.offset = offset;
    this.whole = whole;
    this.start = at + NLMSG_HEADER_BYTES;
    this.end = at + length;
    this.#next = next;
  }

  get payload(): Uint8Array {
    return new Uint8Array(this.whole.view.buffer, this.start, this.end - this.start);
  }

  get padding(): Uint8Array {
    return this.#next === this.end ? NO_BYTES : new Uint8Array(this.whole.view.buffer, this.end, this.#next - this.end);
  }
}

/** The messages of a datagram, and why they are not all of it. */
export interface ReceivedDatagram {
  readonly messages: readonly ReceivedMessage[];
  /** Bytes that the messages take. */
  readonly length: number;
  readonly problem: CodecError | undefined;
}

/** As {@link decodeDatagram}, for who only reads: nothing is copied or made that is not looked at. */
export function readDatagram(bytes: Uint8Array, order: ByteOrder): ReceivedDatagram {
  const little = order === 'little';
  const whole = wholeOf(bytes);
  const base = bytes.byteOffset;
  const messages: ReceivedMessage[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const left = bytes.length - offset;
    if (left < NLMSG_HEADER_BYTES)
      return {
        messages,
        length: offset,
        problem: new CodecError('nlmsghdr', offset, `${NLMSG_HEADER_BYTES} bytes`, `${left}`),
      };
    const length = whole.view.getUint32(base + offset, little);
    if (length < NLMSG_HEADER_BYTES || length > left)
      return {
        messages,
        length: offset,
        problem: new CodecError('nlmsghdr.nlmsg_len', offset, `${NLMSG_HEADER_BYTES} to ${left}`, `${length}`),
      };
    const next = Math.min(offset + align(length), bytes.length);
    messages.push(new ReceivedMessage(whole, base + offset, length, base + next, offset, little));
    offset = next;
  }
  return { messages, length: offset, problem: undefined };
}

/**
 * Takes a datagram apart. Any bytes give a value: what is not a message stays in `rest`, with the reason.
 * @param bytes one datagram as received or sent
 */
export function decodeDatagram(bytes: Uint8Array, order: ByteOrder): NetlinkDatagram {
  const { messages, length, problem } = readDatagram(bytes, order);
  return {
    messages: messages.map((message) => ({
      length: message.length,
      type: message.type,
      flags: message.flags,
      sequence: message.sequence,
      port: message.port,
      payload: message.payload,
      padding: message.padding,
      offset: message.offset,
    })),
    rest: length === bytes.length ? NO_BYTES : bytes.subarray(length),
    problem,
  };
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
  writeMessageHeader(out, message, length, order);
  out.set(message.payload, NLMSG_HEADER_BYTES);
  return out;
}

function encodeHeader(message: Omit<NetlinkMessageFields, 'payload'>, length: number, order: ByteOrder): Uint8Array {
  const out = new Uint8Array(NLMSG_HEADER_BYTES);
  writeMessageHeader(out, message, length, order);
  return out;
}

/** Writes a header to the beginning of `out`. */
export function writeMessageHeader(
  out: Uint8Array,
  message: Omit<NetlinkMessageFields, 'payload'>,
  length: number,
  order: ByteOrder,
): void {
  const little = order === 'little';
  writeUint32(out, 0, length, little);
  writeUint16(out, 4, message.type, little);
  writeUint16(out, 6, message.flags, little);
  writeUint32(out, 8, message.sequence, little);
  writeUint32(out, 12, message.port, little);
}
