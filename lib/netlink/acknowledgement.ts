import { getSystemErrorName } from 'node:util';
import { CodecError, NetlinkError } from '../errors';
import { decodeAttributeList } from './attribute';
import { align, requireLength, viewOf, type ByteOrder } from './bytes';
import {
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HEADER_BYTES,
  type NetlinkMessage,
} from './message';

const NLMSGERR_ATTR_MSG = 1;
const NLMSGERR_ATTR_OFFS = 2;

/** What an NLMSG_ERROR or an NLMSG_DONE says. */
export interface Acknowledgement {
  /** 0 for success, else a positive errno. */
  readonly errno: number;
  /** The kernel's explanation (NETLINK_EXT_ACK). */
  readonly message: string | undefined;
  /** Offset of what it objects to, from the start of the request's nlmsghdr. */
  readonly offset: number | undefined;
}

/**
 * Reads an NLMSG_ERROR (acknowledgement or refusal) or the NLMSG_DONE at the end of a dump.
 * @param message of one of these two types
 * @throws CodecError if it is too short for the number it must hold (a DONE may be empty, which means success)
 */
export function decodeAcknowledgement(message: NetlinkMessage, order: ByteOrder): Acknowledgement {
  if (message.type !== NLMSG_ERROR && message.type !== NLMSG_DONE) {
    throw new CodecError(
      'nlmsghdr.nlmsg_type',
      message.offset + 4,
      'NLMSG_ERROR (2) or NLMSG_DONE (3)',
      `${message.type}`,
    );
  }
  const start = message.offset + NLMSG_HEADER_BYTES;
  const { payload } = message;
  if (message.type === NLMSG_DONE && payload.length === 0) return { errno: 0, message: undefined, offset: undefined };
  requireLength(payload, 4, message.type === NLMSG_DONE ? 'nlmsg_done.error' : 'nlmsgerr.error', start);
  const view = viewOf(payload);
  const little = order === 'little';
  const error = view.getInt32(0, little);
  let text: string | undefined;
  let offset: number | undefined;
  if ((message.flags & NLM_F_ACK_TLVS) !== 0) {
    let at = 4;
    if (message.type === NLMSG_ERROR) {
      requireLength(payload, 4 + NLMSG_HEADER_BYTES, 'nlmsgerr.msg', start);
      at = (message.flags & NLM_F_CAPPED) !== 0 ? 4 + NLMSG_HEADER_BYTES : 4 + align(view.getUint32(4, little));
    }
    for (const attribute of decodeAttributeList(payload.subarray(Math.min(at, payload.length)), order, start + at)
      .attributes) {
      if (attribute.number === NLMSGERR_ATTR_MSG)
        text = Buffer.from(attribute.payload).toString('utf8').replace(/\0.*$/su, '');
      if (attribute.number === NLMSGERR_ATTR_OFFS && attribute.payload.length >= 4)
        offset = viewOf(attribute.payload).getUint32(0, little);
    }
  }
  return { errno: error < 0 ? -error : error, message: text, offset };
}

/**
 * @param acknowledgement with an errno other than 0
 * @param what was refused, such as `new_minor (operation 5)`
 */
export function acknowledgementError(acknowledgement: Acknowledgement, sequence: number, what: string): NetlinkError {
  const { errno, message, offset } = acknowledgement;
  const extendedAck =
    message === undefined && offset === undefined
      ? undefined
      : { ...(message === undefined ? {} : { message }), ...(offset === undefined ? {} : { offset }) };
  return new NetlinkError(
    `the kernel refused ${what}: ${errnoName(errno)} (errno ${errno})${message === undefined ? '' : `, "${message}"`}${hint(errno)}`,
    {
      errno,
      sequence,
      extendedAck,
    },
  );
}

/** @returns the symbolic name of an errno, or `unknown(N)`. */
export function errnoName(errno: number): string {
  try {
    const name = getSystemErrorName(-errno);
    return name.startsWith('Unknown') ? `unknown(${errno})` : name;
  } catch {
    return `unknown(${errno})`;
  }
}

function hint(errno: number): string {
  switch (errno) {
    case 1:
      return '; changing DRBD needs CAP_NET_ADMIN (and CAP_SYS_ADMIN on some modules): run as root';
    case 2:
      return '; there is no such family or object: is the module loaded?';
    case 16:
      return '; another dump is running on this socket: try again';
    case 95:
      return '; this module does not know the operation: it may be older than the request';
    default:
      return '';
  }
}
