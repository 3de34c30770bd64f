import { CodecError } from '../errors';
import { requireLength, viewOf, writeUint16, writeUint32, type ByteOrder } from './bytes';
import { NLMSG_HEADER_BYTES, type ReceivedMessage } from './message';

export const CN_HEADER_BYTES = 20;
/** The proc connector's id (linux/connector.h): fork, exec and exit of every process. */
export const CN_IDX_PROC = 1;
export const CN_VAL_PROC = 1;

/** A struct cn_msg (linux/connector.h). */
export interface ConnectorMessage {
  readonly idx: number;
  readonly val: number;
  readonly sequence: number;
  readonly ack: number;
  /** cn_msg.len as it stands; in what DRBD sends it is exact, while nlmsg_len is rounded up. */
  readonly length: number;
  readonly flags: number;
  /** The payload: `length` bytes, or what there is of them. */
  readonly data: Uint8Array;
  /** What follows the payload in its netlink message; not always zero. */
  readonly rest: Uint8Array;
}

/**
 * @param payload of a netlink message
 * @param offset where it begins in the datagram, for errors
 * @throws CodecError if it is shorter than the header
 */
export function decodeConnectorMessage(payload: Uint8Array, order: ByteOrder, offset = 0): ConnectorMessage {
  requireLength(payload, CN_HEADER_BYTES, 'cn_msg', offset);
  const little = order === 'little';
  const view = viewOf(payload);
  const length = view.getUint16(16, little);
  const end = Math.min(CN_HEADER_BYTES + length, payload.length);
  return {
    idx: view.getUint32(0, little),
    val: view.getUint32(4, little),
    sequence: view.getUint32(8, little),
    ack: view.getUint32(12, little),
    length,
    flags: view.getUint16(18, little),
    data: payload.subarray(CN_HEADER_BYTES, end),
    rest: payload.subarray(end),
  };
}

/** A struct cn_msg where it was received. */
export interface ReceivedConnector extends Omit<ConnectorMessage, 'data' | 'rest'> {
  /** Where its payload begins and ends in the buffer of the netlink message. */
  readonly start: number;
  readonly end: number;
  /** Where its payload begins in the datagram, for errors. */
  readonly offset: number;
}

/** As {@link decodeConnectorMessage}, of a message where it was received. @throws CodecError */
export function readConnectorMessage(message: ReceivedMessage, order: ByteOrder): ReceivedConnector {
  const { start, end } = message;
  const { view } = message.whole;
  const offset = message.offset + NLMSG_HEADER_BYTES;
  if (end - start < CN_HEADER_BYTES)
    throw new CodecError('cn_msg', offset, `at least ${CN_HEADER_BYTES} bytes`, `${end - start}`);
  const little = order === 'little';
  const length = view.getUint16(start + 16, little);
  return {
    idx: view.getUint32(start, little),
    val: view.getUint32(start + 4, little),
    sequence: view.getUint32(start + 8, little),
    ack: view.getUint32(start + 12, little),
    length,
    flags: view.getUint16(start + 18, little),
    start: start + CN_HEADER_BYTES,
    end: Math.min(start + CN_HEADER_BYTES + length, end),
    offset: offset + CN_HEADER_BYTES,
  };
}

/** @returns the bytes of the message; `length` goes out as it stands. */
export function encodeConnectorMessage(
  message: Omit<ConnectorMessage, 'rest'> & { readonly rest?: Uint8Array },
  order: ByteOrder,
): Uint8Array {
  const little = order === 'little';
  const rest = message.rest?.length ?? 0;
  const out = new Uint8Array(CN_HEADER_BYTES + message.data.length + rest);
  writeConnectorHeader(out, 0, message, little);
  out.set(message.data, CN_HEADER_BYTES);
  if (message.rest !== undefined) out.set(message.rest, CN_HEADER_BYTES + message.data.length);
  return out;
}

/** Writes a header at `at`; `length` goes out as it stands. */
export function writeConnectorHeader(
  out: Uint8Array,
  at: number,
  header: Omit<ConnectorMessage, 'data' | 'rest'>,
  little: boolean,
): void {
  writeUint32(out, at, header.idx, little);
  writeUint32(out, at + 4, header.val, little);
  writeUint32(out, at + 8, header.sequence, little);
  writeUint32(out, at + 12, header.ack, little);
  writeUint16(out, at + 16, header.length, little);
  writeUint16(out, at + 18, header.flags, little);
}
