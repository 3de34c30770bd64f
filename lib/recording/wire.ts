import { CodecError } from '../errors';
import { packetByNumber, packets } from '../dialects/connector';
import * as genl1 from '../dialects/genl1';
import * as genl2 from '../dialects/genl2';
import {
  align,
  CTRL_CMD_GETFAMILY,
  decodeSocketAddress,
  formatHex,
  formatSocketAddress,
  GENL_ID_CTRL,
  NLA_HEADER_BYTES,
  NLA_TYPE_MASK,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HEADER_BYTES,
  NLMSG_MIN_TYPE,
  viewOf,
  type ByteOrder,
} from '../netlink';
import { decodeValue, LARGEST_TAG, type AnyField, type AttributeSet, type FieldTable, type Operation } from '../schema';

/** Offsets within a cn_msg, and within DRBD's header behind it. */
const CN = { idx: 0, val: 4, sequence: 8, ack: 12, drbd: 20 } as const;
const DRBD_CN = { packetType: 0, minor: 4, flags: 8, tags: 12 } as const;
/** Offsets within a genlmsghdr with DRBD's header behind it. */
const GENL = { command: 0, version: 1, minor: 4, flags: 8, attributes: 12 } as const;
const NLMSG = { type: 4, flags: 6, sequence: 8, port: 12 } as const;
/** sin_zero of a struct sockaddr_in. */
const SIN_ZERO = 8;
const SOCKADDR_IN_BYTES = 16;
const LETTER_X = 0x78;
const NO_MINOR = 0xffffffff;

interface NamedField {
  readonly name: string;
  readonly field: AnyField;
}

function byNumber(tables: readonly FieldTable[]): ReadonlyMap<number, NamedField> {
  const found = new Map<number, NamedField>();
  for (const table of tables) {
    for (const [name, field] of Object.entries(table))
      if (field.until === undefined || !found.has(field.number)) found.set(field.number, { name, field });
  }
  return found;
}

interface FamilyTables {
  readonly sets: ReadonlyMap<number, { readonly name: string; readonly fields: ReadonlyMap<number, NamedField> }>;
  readonly operations: ReadonlyMap<number, Operation>;
}

function family(dialect: {
  readonly attributeSets: Readonly<Record<string, AttributeSet>>;
  readonly operations: Readonly<Record<string, Operation>>;
}): FamilyTables {
  return {
    sets: new Map(
      Object.values(dialect.attributeSets).map((set) => [
        set.number,
        { name: set.name, fields: byNumber([set.fields]) },
      ]),
    ),
    operations: new Map(Object.values(dialect.operations).map((operation) => [operation.number, operation])),
  };
}

let compiled:
  | { readonly tags: ReadonlyMap<number, NamedField>; readonly families: Readonly<Record<number, FamilyTables>> }
  | undefined;

/** What the tables say, by number, made when first needed. */
function tables(): NonNullable<typeof compiled> {
  compiled ??= {
    // A tag's number is unique among all packets.
    tags: byNumber(
      Object.values(packets).flatMap(({ tags, replyTags }) => [tags as FieldTable, replyTags as FieldTable]),
    ),
    families: { 1: family(genl1), 2: family(genl2) },
  };
  return compiled;
}

/** A value that a message carries. */
export interface FoundField {
  /** `backing_dev`, `net_conf.shared_secret`, or a number where the tables know none. */
  readonly name: string;
  readonly field: AnyField | undefined;
  /** Where its value lies in the datagram; less than it says where the datagram was cut. */
  readonly start: number;
  readonly end: number;
}

interface MessagePlace {
  /** Where the message lies in its datagram. */
  readonly start: number;
  readonly end: number;
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly port: number;
  readonly fields: readonly FoundField[];
}

/** A message of DRBD 8.0 to 8.3 over the connector. */
export interface ConnectorPlace extends MessagePlace {
  readonly kind: 'connector';
  readonly idx: number;
  readonly cnSequence: number;
  readonly ack: number;
  readonly packetType: number;
  readonly minor: number;
  readonly drbdFlags: number;
}

/** A message of DRBD 8.4 or 9 over generic netlink. */
export interface GenericPlace extends MessagePlace {
  readonly kind: 'generic';
  readonly command: number;
  readonly version: number;
  /** undefined where the header names none. */
  readonly minor: number | undefined;
  readonly drbdFlags: number;
}

/** The controller's, an acknowledgement, the end of a dump, or something else. */
export interface OtherPlace extends MessagePlace {
  readonly kind: 'getfamily' | 'controller' | 'error' | 'done' | 'unknown';
}

export type WireMessage = ConnectorPlace | GenericPlace | OtherPlace;

/**
 * Takes a datagram apart as far as it goes, cut ones and malformed ones too.
 * @param connector whether the driver speaks over the connector; the controller of generic netlink is understood beside
 *   it
 */
export function readMessages(bytes: Uint8Array, order: ByteOrder, connector: boolean): readonly WireMessage[] {
  const view = viewOf(bytes);
  const messages: WireMessage[] = [];
  for (let at = 0; at + NLMSG_HEADER_BYTES <= bytes.length;) {
    const length = view.getUint32(at, order === 'little');
    // Beyond a length that cannot be, all that is left belongs to the message.
    const sound = length >= NLMSG_HEADER_BYTES && length <= bytes.length - at;
    messages.push(readMessage(view, at, sound ? at + length : bytes.length, order, connector));
    at = sound ? at + align(length) : bytes.length;
  }
  return messages;
}

function readMessage(view: DataView, start: number, end: number, order: ByteOrder, connector: boolean): WireMessage {
  const little = order === 'little';
  const base = {
    start,
    end,
    type: view.getUint16(start + NLMSG.type, little),
    flags: view.getUint16(start + NLMSG.flags, little),
    sequence: view.getUint32(start + NLMSG.sequence, little),
    port: view.getUint32(start + NLMSG.port, little),
  };
  const payload = start + NLMSG_HEADER_BYTES;
  const other = (kind: OtherPlace['kind'], fields: readonly FoundField[] = []): OtherPlace => ({
    kind,
    ...base,
    fields,
  });
  if (base.type === GENL_ID_CTRL)
    return other(payload < end && view.getUint8(payload) === CTRL_CMD_GETFAMILY ? 'getfamily' : 'controller');
  if (base.type === NLMSG_ERROR) {
    // The request that was refused lies behind the number, secrets and all.
    const inner = payload + 4;
    return other(
      'error',
      inner + NLMSG_HEADER_BYTES <= end ? readMessage(view, inner, end, order, connector).fields : [],
    );
  }
  if (connector) {
    const drbd = payload + CN.drbd;
    if (drbd + DRBD_CN.tags > end) return other('unknown');
    return {
      kind: 'connector',
      ...base,
      idx: view.getUint32(payload + CN.idx, little),
      cnSequence: view.getUint32(payload + CN.sequence, little),
      ack: view.getUint32(payload + CN.ack, little),
      packetType: view.getInt32(drbd + DRBD_CN.packetType, little),
      minor: view.getUint32(drbd + DRBD_CN.minor, little),
      drbdFlags: view.getUint32(drbd + DRBD_CN.flags, little),
      fields: findTags(view, drbd + DRBD_CN.tags, end, little),
    };
  }
  if (base.type === NLMSG_DONE) return other('done');
  if (base.type < NLMSG_MIN_TYPE || payload + GENL.attributes > end) return other('unknown');
  const version = view.getUint8(payload + GENL.version);
  const minor = view.getUint32(payload + GENL.minor, little);
  return {
    kind: 'generic',
    ...base,
    command: view.getUint8(payload + GENL.command),
    version,
    minor: minor === NO_MINOR ? undefined : minor,
    drbdFlags: view.getUint32(payload + GENL.flags, little),
    fields: findAttributes(view, payload + GENL.attributes, end, version, little),
  };
}

function findTags(view: DataView, start: number, end: number, little: boolean): readonly FoundField[] {
  const found: FoundField[] = [];
  for (let at = start; at + NLA_HEADER_BYTES <= end;) {
    const tag = view.getUint16(at, little);
    if (tag === 0) break;
    const number = tag & LARGEST_TAG;
    const known = tables().tags.get(number);
    const value = at + 4;
    const next = value + view.getUint16(at + 2, little);
    found.push({ name: known?.name ?? `tag ${number}`, field: known?.field, start: value, end: Math.min(next, end) });
    at = next;
  }
  return found;
}

/** Nested attributes of DRBD: sets of fields. */
function findAttributes(
  view: DataView,
  start: number,
  end: number,
  version: number,
  little: boolean,
): readonly FoundField[] {
  const found: FoundField[] = [];
  const { sets } = tables().families[version] ?? { sets: new Map<number, never>() };
  eachAttribute(view, start, end, little, (number, valueStart, valueEnd) => {
    if (number === 0) return;
    const set = sets.get(number);
    if (set === undefined) {
      found.push({ name: `attribute ${number}`, field: undefined, start: valueStart, end: valueEnd });
      return;
    }
    const name = set.name === 'drbd_cfg_context' ? 'context' : set.name;
    // An empty set says something too.
    found.push({ name, field: undefined, start: valueStart, end: valueStart });
    eachAttribute(view, valueStart, valueEnd, little, (inner, innerStart, innerEnd) => {
      if (inner === 0) return;
      const known = set.fields.get(inner);
      found.push({ name: `${name}.${known?.name ?? inner}`, field: known?.field, start: innerStart, end: innerEnd });
    });
  });
  return found;
}

function eachAttribute(
  view: DataView,
  start: number,
  end: number,
  little: boolean,
  visit: (number: number, start: number, end: number) => void,
): void {
  for (let at = start; at + NLA_HEADER_BYTES <= end;) {
    const length = view.getUint16(at, little);
    if (length < NLA_HEADER_BYTES) return;
    visit(view.getUint16(at + 2, little) & NLA_TYPE_MASK, at + NLA_HEADER_BYTES, Math.min(at + length, end));
    at += align(length);
  }
}

/** Overwrites a secret with as many x; what ends it stays. */
function hide(bytes: Uint8Array, start: number, end: number): void {
  let last = end;
  while (last > start && bytes[last - 1] === 0) last--;
  bytes.fill(LETTER_X, start, last);
}

/** @returns a copy of the datagram with each secret replaced by as many x */
export function hideSecrets(bytes: Uint8Array, order: ByteOrder, connector: boolean): Uint8Array {
  const out = bytes.slice();
  for (const { fields } of readMessages(bytes, order, connector))
    for (const { field, start, end } of fields) if (field?.secret === true) hide(out, start, end);
  return out;
}

/**
 * @returns a copy of a request in which all that differs from run to run is the same: sequence numbers, port ids,
 *   cn.ack, sin_zero, and secrets
 */
export function maskRequest(bytes: Uint8Array, order: ByteOrder, connector: boolean): Uint8Array {
  const out = hideSecrets(bytes, order, connector);
  const view = viewOf(out);
  for (const message of readMessages(bytes, order, connector)) {
    view.setUint32(message.start + NLMSG.sequence, 0);
    view.setUint32(message.start + NLMSG.port, 0);
    if (message.kind === 'connector') {
      view.setUint32(message.start + NLMSG_HEADER_BYTES + CN.sequence, 0);
      view.setUint32(message.start + NLMSG_HEADER_BYTES + CN.ack, 0);
    }
    // All families but IPv6 have the shape of a sockaddr_in.
    for (const { field, start, end } of message.fields)
      if (field?.kind === 'address' && end - start === SOCKADDR_IN_BYTES) out.fill(0, start + SIN_ZERO, end);
  }
  return out;
}

/** Whether a received datagram answers a request, by the numbers that they were recorded with. */
export function isAnswer(received: WireMessage | undefined, request: WireMessage | undefined): boolean {
  if (received === undefined || request === undefined) return false;
  if (request.kind === 'connector')
    return (
      received.kind === 'connector' &&
      received.cnSequence === request.cnSequence &&
      received.ack === (request.ack + 1) >>> 0
    );
  // Messages of get_initial_state carry no port; other clients' carry theirs.
  return (
    received.kind !== 'connector' &&
    received.sequence === request.sequence &&
    (received.port === request.port || received.port === 0)
  );
}

/**
 * Makes an answer to a recorded request one to ours.
 * @param answer as recorded
 * @param request as recorded
 * @param sent our request
 * @param port our socket's port id
 */
export function readdress(
  answer: Uint8Array,
  request: Uint8Array,
  sent: Uint8Array,
  port: number,
  order: ByteOrder,
  connector: boolean,
): Uint8Array {
  const [asked] = readMessages(request, order, connector);
  const [ours] = readMessages(sent, order, connector);
  const out = answer.slice();
  if (asked === undefined || ours === undefined) return out;
  const view = viewOf(out);
  const little = order === 'little';
  const header = (start: number): void => {
    if (view.getUint32(start + NLMSG.sequence, little) === asked.sequence)
      view.setUint32(start + NLMSG.sequence, ours.sequence, little);
    if (view.getUint32(start + NLMSG.port, little) === asked.port && asked.port !== 0)
      view.setUint32(start + NLMSG.port, port, little);
  };
  for (const message of readMessages(answer, order, connector)) {
    if (message.kind === 'connector') {
      if (ours.kind !== 'connector' || !isAnswer(message, asked)) continue;
      // The kernel puts cn_msg.seq into both headers.
      view.setUint32(message.start + NLMSG.sequence, ours.cnSequence, little);
      view.setUint32(message.start + NLMSG_HEADER_BYTES + CN.sequence, ours.cnSequence, little);
      view.setUint32(message.start + NLMSG_HEADER_BYTES + CN.ack, (ours.ack + 1) >>> 0, little);
      continue;
    }
    header(message.start);
    const inner = message.start + NLMSG_HEADER_BYTES + 4;
    if (message.kind === 'error' && inner + NLMSG_HEADER_BYTES <= message.end) header(inner);
  }
  return out;
}

/** The kind of a request, by the tables; undefined where they do not know it. */
export function requestKind(message: WireMessage): 'change' | 'read' | 'dump' | undefined {
  if (message.kind === 'connector') {
    const kind = packetByNumber(message.packetType)?.kind;
    return kind === 'change' || kind === 'read' ? kind : undefined;
  }
  if (message.kind !== 'generic') return undefined;
  const kind = tables().families[message.version]?.operations.get(message.command)?.kind;
  return kind === 'notification' ? undefined : kind;
}

/** @returns the name of a packet or operation, or `unknown(N)` */
export function messageName(message: WireMessage): string {
  switch (message.kind) {
    case 'connector':
      return packetByNumber(message.packetType)?.name ?? `unknown(${message.packetType})`;
    case 'generic':
      return tables().families[message.version]?.operations.get(message.command)?.name ?? `unknown(${message.command})`;
    default:
      return message.kind;
  }
}

/** @returns what a request is, in words: `disk_conf of minor 0` */
export function nameRequest(bytes: Uint8Array, order: ByteOrder, connector: boolean): string {
  const [message] = readMessages(bytes, order, connector);
  if (message === undefined) return `${bytes.length} bytes that are no message`;
  const minor = message.kind === 'connector' || message.kind === 'generic' ? message.minor : undefined;
  return `${messageName(message)}${minor === undefined ? '' : ` of minor ${minor}`}`;
}

function formatField(bytes: Uint8Array, { name, field, start, end }: FoundField, order: ByteOrder): string {
  const payload = bytes.subarray(start, end);
  if (field === undefined) return payload.length === 0 ? 'empty' : formatHex(payload);
  if (field.secret === true) return `a secret of ${payload.length} bytes`;
  try {
    if (field.kind === 'address') return formatSocketAddress(decodeSocketAddress(payload, order, name, start));
    const value = decodeValue(field, payload, name, start, order);
    if (value instanceof Uint8Array) return formatHex(value);
    if (typeof value === 'string') return JSON.stringify(value);
    const word = typeof value === 'number' ? field.names?.[value] : undefined;
    return word === undefined ? String(value) : `${String(value)} (${word})`;
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return formatHex(payload);
  }
}

/** A request by its parts: what each is called, and its value. */
function parts(bytes: Uint8Array, order: ByteOrder, connector: boolean): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const add = (name: string, text: string): void => {
    let label = name;
    for (let count = 2; found.has(label); count++) label = `${name} (${count})`;
    found.set(label, text);
  };
  const messages = readMessages(bytes, order, connector);
  if (messages.length === 0) add('bytes', formatHex(bytes));
  for (const message of messages) {
    switch (message.kind) {
      case 'connector':
        add('packet', `${messageName(message)} (${message.packetType})`);
        add('minor', String(message.minor));
        add('flags', `0x${message.drbdFlags.toString(16)}`);
        add('connector index', String(message.idx));
        break;
      case 'generic':
        add('operation', `${messageName(message)} (${message.command})`);
        add('minor', message.minor === undefined ? 'none' : String(message.minor));
        add('flags', `0x${message.drbdFlags.toString(16)}`);
        add('family version', String(message.version));
        add('family', String(message.type));
        break;
      default:
        add('message', message.kind);
        add('nlmsg_type', String(message.type));
    }
    add('nlmsg_flags', `0x${message.flags.toString(16)}`);
    for (const field of message.fields) add(field.name, formatField(bytes, field, order));
  }
  return found;
}

/**
 * Compares two requests by the tables.
 * @returns one line for each part that differs; secrets are never shown
 */
export function describeDifference(
  sent: Uint8Array,
  recorded: Uint8Array,
  order: ByteOrder,
  connector: boolean,
): readonly string[] {
  const ours = parts(sent, order, connector);
  const theirs = parts(recorded, order, connector);
  const lines: string[] = [];
  for (const label of new Set([...ours.keys(), ...theirs.keys()])) {
    const mine = ours.get(label);
    const other = theirs.get(label);
    if (mine === other) continue;
    lines.push(
      mine === undefined
        ? `${label}: recorded ${other ?? ''}, not sent`
        : other === undefined
          ? `${label}: sent ${mine}, not recorded`
          : `${label}: sent ${mine}, recorded ${other}`,
    );
  }
  if (lines.length > 0) return lines;
  const order1 = [...ours.keys()].join(', ');
  const order2 = [...theirs.keys()].join(', ');
  if (order1 !== order2) return [`order: sent ${order1}; recorded ${order2}`];
  const a = maskRequest(sent, order, connector);
  const b = maskRequest(recorded, order, connector);
  for (let at = 0; at < Math.max(a.length, b.length); at++)
    if (a[at] !== b[at]) return [`byte ${at}: sent ${byteText(a[at])}, recorded ${byteText(b[at])}`];
  return [];
}

function byteText(byte: number | undefined): string {
  return byte === undefined ? 'none' : `0x${byte.toString(16).padStart(2, '0')}`;
}
