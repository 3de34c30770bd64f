import { CodecError } from '../../errors';
import {
  acknowledgementError,
  CTRL_ATTR_FAMILY_ID,
  CTRL_ATTR_FAMILY_NAME,
  CTRL_ATTR_HDRSIZE,
  CTRL_ATTR_MAXATTR,
  CTRL_ATTR_MCAST_GROUPS,
  CTRL_ATTR_MCAST_GRP_ID,
  CTRL_ATTR_MCAST_GRP_NAME,
  CTRL_ATTR_OP_ID,
  CTRL_ATTR_OPS,
  CTRL_ATTR_VERSION,
  CTRL_CMD_DELFAMILY,
  CTRL_CMD_GETFAMILY,
  CTRL_CMD_NEWFAMILY,
  decodeAcknowledgement,
  decodeAttributes,
  decodeGenericMessage,
  encodeAttribute,
  encodeGenericMessage,
  encodeMessage,
  GENL_HEADER_BYTES,
  GENL_ID_CTRL,
  NLM_F_REQUEST,
  NLMSG_ERROR,
  NLMSG_HEADER_BYTES,
  requireLength,
  viewOf,
  type Attribute,
  type ByteOrder,
  type NetlinkMessage,
} from '../../netlink';
import type { Exchange } from '../../session';

/** The name of DRBD's generic netlink family, in every version. */
export const DRBD_FAMILY = 'drbd';
/** The multicast group of the family that carries its notifications. */
export const EVENTS_GROUP = 'events';

/** What the kernel tells of a generic netlink family. */
export interface Family {
  readonly id: number;
  readonly name: string;
  /** 1 is DRBD 8.4, 2 is DRBD 9: the numbers of the attributes differ. */
  readonly version: number;
  readonly headerBytes: number;
  /** 0 where the kernel does not tell. */
  readonly largestAttribute: number;
  /** Numbers of the operations that this module has; empty where the kernel does not tell. */
  readonly operations: ReadonlySet<number>;
  /** Multicast groups: name to number. */
  readonly groups: ReadonlyMap<string, number>;
}

function readU32(attribute: Attribute, path: string, order: ByteOrder): number {
  requireLength(attribute.payload, 4, path, attribute.offset + 4);
  return viewOf(attribute.payload).getUint32(0, order === 'little');
}

function readName(attribute: Attribute): string {
  return Buffer.from(attribute.payload).toString('utf8').replace(/\0.*$/su, '');
}

/** @param message of the controller (GENL_ID_CTRL) that describes a family. @throws CodecError */
export function decodeFamily(message: NetlinkMessage, order: ByteOrder): Family & { readonly command: number } {
  const start = message.offset + NLMSG_HEADER_BYTES;
  const generic = decodeGenericMessage(message.payload, order, start);
  let id = 0;
  let name = '';
  let version = 0;
  let headerBytes = 0;
  let largestAttribute = 0;
  const operations = new Set<number>();
  const groups = new Map<string, number>();
  for (const attribute of decodeAttributes(generic.data, order, start + GENL_HEADER_BYTES, 'ctrl')) {
    const nested = (path: string): readonly (readonly Attribute[])[] =>
      decodeAttributes(attribute.payload, order, attribute.offset + 4, path, 1).map((item) =>
        decodeAttributes(item.payload, order, item.offset + 4, path, 2),
      );
    switch (attribute.number) {
      case CTRL_ATTR_FAMILY_ID:
        requireLength(attribute.payload, 2, 'ctrl.family_id', attribute.offset + 4);
        id = viewOf(attribute.payload).getUint16(0, order === 'little');
        break;
      case CTRL_ATTR_FAMILY_NAME:
        name = readName(attribute);
        break;
      case CTRL_ATTR_VERSION:
        version = readU32(attribute, 'ctrl.version', order);
        break;
      case CTRL_ATTR_HDRSIZE:
        headerBytes = readU32(attribute, 'ctrl.hdrsize', order);
        break;
      case CTRL_ATTR_MAXATTR:
        largestAttribute = readU32(attribute, 'ctrl.maxattr', order);
        break;
      case CTRL_ATTR_OPS:
        for (const fields of nested('ctrl.ops'))
          for (const field of fields)
            if (field.number === CTRL_ATTR_OP_ID) operations.add(readU32(field, 'ctrl.ops.id', order));
        break;
      case CTRL_ATTR_MCAST_GROUPS:
        for (const fields of nested('ctrl.mcast_groups')) {
          const groupName = fields.find((field) => field.number === CTRL_ATTR_MCAST_GRP_NAME);
          const groupId = fields.find((field) => field.number === CTRL_ATTR_MCAST_GRP_ID);
          if (groupName !== undefined && groupId !== undefined)
            groups.set(readName(groupName), readU32(groupId, 'ctrl.mcast_groups.id', order));
        }
        break;
      default:
    }
  }
  return { command: generic.command, id, name, version, headerBytes, largestAttribute, operations, groups };
}

/**
 * Asks the controller for a family, DRBD's if none is named. Resolves with undefined if the kernel has none; rejects
 * with a NetlinkError on any other refusal.
 */
export function familyExchange(order: ByteOrder, wanted = DRBD_FAMILY): Exchange<Family | undefined> {
  const ENOENT = 2;
  let asked = 0;
  return {
    what: `GETFAMILY ${wanted}`,
    idempotent: true,
    restart: () => undefined,
    datagram: (sequence, port) => {
      asked = sequence;
      const data = encodeAttribute(CTRL_ATTR_FAMILY_NAME, new TextEncoder().encode(`${wanted}\0`), order);
      return encodeMessage(
        {
          type: GENL_ID_CTRL,
          flags: NLM_F_REQUEST,
          sequence,
          port,
          payload: encodeGenericMessage({ command: CTRL_CMD_GETFAMILY, version: 2, data }, order),
        },
        order,
      );
    },
    receive: (message) => {
      if (message.type === NLMSG_ERROR) {
        const acknowledgement = decodeAcknowledgement(message, order);
        if (acknowledgement.errno === 0) return 'more';
        if (acknowledgement.errno === ENOENT) return { done: undefined };
        throw acknowledgementError(acknowledgement, asked, `GETFAMILY ${wanted}`);
      }
      if (message.type !== GENL_ID_CTRL) return 'foreign';
      const family = decodeFamily(message, order);
      if (family.name !== wanted) return 'foreign';
      if (family.id < GENL_ID_CTRL)
        throw new CodecError('ctrl.family_id', message.offset, 'a family id', `${family.id}`);
      return { done: family };
    },
  };
}

/** A change of the family that the controller announces: the module came or went. */
export function decodeFamilyChange(
  message: NetlinkMessage,
  order: ByteOrder,
): { readonly gone: boolean; readonly family: Family } | undefined {
  if (message.type !== GENL_ID_CTRL) return undefined;
  const family = decodeFamily(message, order);
  if (family.name !== DRBD_FAMILY || (family.command !== CTRL_CMD_NEWFAMILY && family.command !== CTRL_CMD_DELFAMILY))
    return undefined;
  return { gone: family.command === CTRL_CMD_DELFAMILY, family };
}
