import {
  CN_VAL_DRBD,
  connectionStates,
  diskStates,
  packets,
  returnCodes,
  roles,
  stateWords,
} from '../dialects/connector';
import { DRBD_FAMILY, DRBD_HEADER_BYTES, EVENTS_GROUP, NO_MINOR } from '../dialects/generic';
import * as genl1 from '../dialects/genl1';
import * as genl2 from '../dialects/genl2';
import type { ProcDrbdDevice } from '../dialects/proc-drbd';
import { isBefore } from '../dialects/release';
import { encodeStateWord, type StateWord } from '../dialects/state-word';
import {
  concatBytes,
  CTRL_ATTR_FAMILY_ID,
  CTRL_ATTR_FAMILY_NAME,
  CTRL_ATTR_HDRSIZE,
  CTRL_ATTR_MAXATTR,
  CTRL_ATTR_MCAST_GROUPS,
  CTRL_ATTR_MCAST_GRP_ID,
  CTRL_ATTR_MCAST_GRP_NAME,
  CTRL_ATTR_OP_FLAGS,
  CTRL_ATTR_OP_ID,
  CTRL_ATTR_OPS,
  CTRL_ATTR_VERSION,
  CTRL_CMD_NEWFAMILY,
  encodeAttribute,
  encodeConnectorMessage,
  encodeGenericMessage,
  encodeMessage,
  GENL_ID_CTRL,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HEADER_BYTES,
  viewOf,
  type ByteOrder,
} from '../netlink';
import { AttributeSetCodec, TagCodec, type FieldTable, type Operation } from '../schema';
import type { ConnectorPlace, GenericPlace, WireMessage } from './wire';

// Answers that no recording holds: to the question for the family, and to questions that a careful tool asks beside the
// recorded ones.

const ENOENT = 2;
/**
 * What a request of the operation asks for: that it may be sent at all, with one answer or as a dump
 * (linux/genetlink.h).
 */
const GENL_CMD_CAP_DO = 0x02;
const GENL_CMD_CAP_DUMP = 0x04;
const GENL_ADMIN_PERM = 0x01;
/** What a module calls itself where the recording does not show it: any number beyond the controller's will do. */
const ANY_FAMILY_ID = 32;
const ANY_GROUP = 9;

/** What is known of the family of a recording that does not hold the controller's answer. */
export interface FamilyFacts {
  readonly dialect: 'genl1' | 'genl2';
  /** The type of the recorded requests. */
  readonly id: number | undefined;
  /** The release of the module. */
  readonly version: string | null;
  /** A group that a notification was sent to. */
  readonly group: number | undefined;
}

function u32(value: number, order: ByteOrder): Uint8Array {
  const out = new Uint8Array(4);
  viewOf(out).setUint32(0, value, order === 'little');
  return out;
}

function u16(value: number, order: ByteOrder): Uint8Array {
  const out = new Uint8Array(2);
  viewOf(out).setUint16(0, value, order === 'little');
  return out;
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(`${value}\0`);
}

/** The controller's answer to GETFAMILY, from what the header and the requests of the recording tell. */
export function familyAnswer(facts: FamilyFacts, asked: WireMessage, port: number, order: ByteOrder): Uint8Array {
  const { operations, attributeSets } = facts.dialect === 'genl1' ? genl1 : genl2;
  const there = Object.values<Operation>(operations).filter(
    ({ kind, since, until }) =>
      kind !== 'notification' &&
      (facts.version === null ||
        ((since === undefined || !isBefore(facts.version, since)) &&
          (until === undefined || !isBefore(until, facts.version)))),
  );
  const attribute = (type: number, payload: Uint8Array): Uint8Array => encodeAttribute(type, payload, order);
  const data = concatBytes([
    attribute(CTRL_ATTR_FAMILY_NAME, text(DRBD_FAMILY)),
    attribute(CTRL_ATTR_FAMILY_ID, u16(facts.id ?? ANY_FAMILY_ID, order)),
    attribute(CTRL_ATTR_VERSION, u32(facts.dialect === 'genl1' ? 1 : 2, order)),
    attribute(CTRL_ATTR_HDRSIZE, u32(DRBD_HEADER_BYTES, order)),
    attribute(CTRL_ATTR_MAXATTR, u32(Math.max(...Object.values(attributeSets).map(({ number }) => number)), order)),
    attribute(
      CTRL_ATTR_OPS,
      concatBytes(
        there.map(({ number, kind, readsOne }, index) =>
          attribute(
            index + 1,
            concatBytes([
              attribute(CTRL_ATTR_OP_ID, u32(number, order)),
              attribute(
                CTRL_ATTR_OP_FLAGS,
                u32(
                  (kind === 'dump' ? GENL_CMD_CAP_DUMP | (readsOne ? GENL_CMD_CAP_DO : 0) : GENL_CMD_CAP_DO) |
                    (kind === 'change' ? GENL_ADMIN_PERM : 0),
                  order,
                ),
              ),
            ]),
          ),
        ),
      ),
    ),
    attribute(
      CTRL_ATTR_MCAST_GROUPS,
      attribute(
        1,
        concatBytes([
          attribute(CTRL_ATTR_MCAST_GRP_ID, u32(facts.group ?? ANY_GROUP, order)),
          attribute(CTRL_ATTR_MCAST_GRP_NAME, text(EVENTS_GROUP)),
        ]),
      ),
    ),
  ]);
  return encodeMessage(
    {
      type: GENL_ID_CTRL,
      flags: 0,
      sequence: asked.sequence,
      port,
      payload: encodeGenericMessage({ command: CTRL_CMD_NEWFAMILY, version: 2, data }, order),
    },
    order,
  );
}

/** The controller's word that there is no such family. */
export function noFamilyAnswer(sent: Uint8Array, asked: WireMessage, port: number, order: ByteOrder): Uint8Array {
  const error = new Uint8Array(4);
  viewOf(error).setInt32(0, -ENOENT, order === 'little');
  return encodeMessage(
    {
      type: NLMSG_ERROR,
      flags: 0,
      sequence: asked.sequence,
      port,
      payload: concatBytes([error, sent.subarray(0, Math.max(NLMSG_HEADER_BYTES, asked.end))]),
    },
    order,
  );
}

/** What a driver says of a minor; undefined where it has none. */
export type KnownState = StateWord | undefined;

const UNCONFIGURED_STATE: StateWord = {
  role: roles.R_SECONDARY,
  peer: roles.R_UNKNOWN,
  conn: connectionStates.C_STANDALONE,
  disk: diskStates.D_DISKLESS,
  pdsk: diskStates.D_UNKNOWN,
  susp: false,
  aftr_isp: false,
  peer_isp: false,
  user_isp: false,
  susp_nod: false,
  susp_fen: false,
};

/**
 * The state of a minor of which the recording only shows whether the kernel came back from a request that needs a disk
 * or a connection.
 */
export function stateFromOutcome(outcome: 'silent' | 'minor unknown' | 'answered'): KnownState {
  switch (outcome) {
    case 'silent':
      return UNCONFIGURED_STATE;
    case 'minor unknown':
      return undefined;
    case 'answered':
      return { ...UNCONFIGURED_STATE, disk: diskStates.D_UP_TO_DATE };
  }
}

function numberOf(
  numbers: Readonly<Record<string, number>>,
  words: Readonly<Record<string, string>>,
  word: string | null,
): number | undefined {
  const [symbol] = Object.entries(words).find(([, known]) => known === word) ?? [];
  return symbol === undefined ? undefined : numbers[symbol];
}

/** The state that a line of /proc/drbd shows. */
export function stateFromProc(device: ProcDrbdDevice | undefined): KnownState {
  if (device === undefined) return undefined;
  const { connection, role, peerRole, disk, peerDisk, flags } = device;
  return {
    role: numberOf(roles, stateWords.role, role) ?? UNCONFIGURED_STATE.role,
    peer: numberOf(roles, stateWords.role, peerRole) ?? UNCONFIGURED_STATE.peer,
    conn: numberOf(connectionStates, stateWords.conn, connection) ?? UNCONFIGURED_STATE.conn,
    disk: numberOf(diskStates, stateWords.disk, disk) ?? UNCONFIGURED_STATE.disk,
    pdsk: numberOf(diskStates, stateWords.disk, peerDisk) ?? UNCONFIGURED_STATE.pdsk,
    susp: flags?.ioSuspended ?? false,
    aftr_isp: flags?.resyncDependency ?? false,
    peer_isp: flags?.resyncPausedByPeer ?? false,
    user_isp: flags?.resyncPausedByUser ?? false,
    susp_nod: false,
    susp_fen: false,
  };
}

/** The connector's answer to get_state. */
export function connectorStateAnswer(asked: ConnectorPlace, state: KnownState, order: ByteOrder): Uint8Array {
  const code = state === undefined ? returnCodes.ERR_MINOR_INVALID : returnCodes.NO_ERROR;
  const tags =
    state === undefined
      ? new Uint8Array(0)
      : new TagCodec('get_state', packets.get_state.replyTags as FieldTable).encode(
          { state_i: encodeStateWord(state, order) },
          'get_state',
          { order },
        );
  const header = new Uint8Array(12);
  const view = viewOf(header);
  view.setInt32(
    0,
    state === undefined ? packets.return_code_only.number : packets.get_state.number,
    order === 'little',
  );
  view.setUint32(4, asked.minor, order === 'little');
  view.setInt32(8, code, order === 'little');
  const data = concatBytes([header, tags]);
  const payload = encodeConnectorMessage(
    {
      idx: asked.idx,
      val: CN_VAL_DRBD,
      sequence: asked.cnSequence,
      ack: (asked.ack + 1) >>> 0,
      length: data.length,
      flags: 0,
      data,
    },
    order,
  );
  return encodeMessage({ type: NLMSG_DONE, flags: 0, sequence: asked.cnSequence, port: 0, payload }, order);
}

/** genl1's answer to get_status: of one minor, or a dump of all that are known. */
export function genericStateAnswers(
  asked: GenericPlace,
  states: ReadonlyMap<number, KnownState>,
  port: number,
  order: ByteOrder,
): readonly Uint8Array[] {
  const one = (minor: number, state: KnownState, flags: number): Uint8Array => {
    const header = concatBytes([
      u32(minor, order),
      u32(state === undefined ? genl1.returnCodes.ERR_MINOR_INVALID : genl1.returnCodes.NO_ERROR, order),
    ]);
    const info =
      state === undefined
        ? []
        : [
            new AttributeSetCodec(genl1.attributeSets.state_info).encode(
              { current_state: encodeStateWord(state, order) >>> 0 },
              'state_info',
              { order },
            ),
          ];
    const payload = encodeGenericMessage(
      { command: asked.command, version: asked.version, data: concatBytes([header, ...info]) },
      order,
    );
    return encodeMessage({ type: asked.type, flags, sequence: asked.sequence, port, payload }, order);
  };
  if (asked.minor !== undefined) return [one(asked.minor, states.get(asked.minor), 0)];
  return [
    ...Array.from(states).flatMap(([minor, state]) =>
      state === undefined || minor === NO_MINOR ? [] : [one(minor, state, NLM_F_MULTI)],
    ),
    encodeMessage(
      { type: NLMSG_DONE, flags: NLM_F_MULTI, sequence: asked.sequence, port, payload: u32(0, order) },
      order,
    ),
  ];
}
