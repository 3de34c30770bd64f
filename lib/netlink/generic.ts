import { requireLength, viewOf, type ByteOrder } from './bytes';

export const GENL_HEADER_BYTES = 4;

/** Generic netlink's controller family (linux/genetlink.h). */
export const GENL_ID_CTRL = 16;
export const CTRL_CMD_NEWFAMILY = 1;
export const CTRL_CMD_DELFAMILY = 2;
export const CTRL_CMD_GETFAMILY = 3;
export const CTRL_ATTR_FAMILY_ID = 1;
export const CTRL_ATTR_FAMILY_NAME = 2;
export const CTRL_ATTR_VERSION = 3;
export const CTRL_ATTR_HDRSIZE = 4;
export const CTRL_ATTR_MAXATTR = 5;
export const CTRL_ATTR_OPS = 6;
export const CTRL_ATTR_MCAST_GROUPS = 7;
export const CTRL_ATTR_OP_ID = 1;
export const CTRL_ATTR_OP_FLAGS = 2;
export const CTRL_ATTR_MCAST_GRP_NAME = 1;
export const CTRL_ATTR_MCAST_GRP_ID = 2;

/** A struct genlmsghdr with what follows it. */
export interface GenericMessage {
  readonly command: number;
  readonly version: number;
  readonly reserved: number;
  readonly data: Uint8Array;
}

/** @throws CodecError if `payload` is shorter than the header */
export function decodeGenericMessage(payload: Uint8Array, order: ByteOrder, offset = 0): GenericMessage {
  requireLength(payload, GENL_HEADER_BYTES, 'genlmsghdr', offset);
  const view = viewOf(payload);
  return {
    command: view.getUint8(0),
    version: view.getUint8(1),
    reserved: view.getUint16(2, order === 'little'),
    data: payload.subarray(GENL_HEADER_BYTES),
  };
}

export function encodeGenericMessage(
  message: Omit<GenericMessage, 'reserved'> & { readonly reserved?: number },
  order: ByteOrder,
): Uint8Array {
  const out = new Uint8Array(GENL_HEADER_BYTES + message.data.length);
  const view = viewOf(out);
  view.setUint8(0, message.command);
  view.setUint8(1, message.version);
  view.setUint16(2, message.reserved ?? 0, order === 'little');
  out.set(message.data, GENL_HEADER_BYTES);
  return out;
}
