import { requireLength, viewOf, type ByteOrder } from './bytes';

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

/** @returns the bytes of the message; `length` goes out as it stands. */
export function encodeConnectorMessage(
  message: Omit<ConnectorMessage, 'rest'> & { readonly rest?: Uint8Array },
  order: ByteOrder,
): Uint8Array {
  const little = order === 'little';
  const rest = message.rest?.length ?? 0;
  const out = new Uint8Array(CN_HEADER_BYTES + message.data.length + rest);
  const view = viewOf(out);
  view.setUint32(0, message.idx, little);
  view.setUint32(4, message.val, little);
  view.setUint32(8, message.sequence, little);
  view.setUint32(12, message.ack, little);
  view.setUint16(16, message.length, little);
  view.setUint16(18, message.flags, little);
  out.set(message.data, CN_HEADER_BYTES);
  if (message.rest !== undefined) out.set(message.rest, CN_HEADER_BYTES + message.data.length);
  return out;
}
