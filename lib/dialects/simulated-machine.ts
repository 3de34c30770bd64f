import { CodecError } from '../errors';
import {
  CN_HEADER_BYTES,
  concatBytes,
  decodeConnectorMessage,
  decodeDatagram,
  encodeConnectorMessage,
  encodeMessage,
  NLMSG_DONE,
  type ByteOrder,
  type NetlinkMessage,
} from '../netlink';
import type { Exchange, SocketSetup } from '../session';

// A simulator on the bus stands for a machine, whose /proc and /dev nobody else can read: programs ask it, in messages
// of the connector that no driver knows.

/** A block device of a simulated machine. */
export interface SimulatedBlockDevice {
  readonly sizeBytes: bigint;
  readonly major: number;
  readonly minor: number;
}

/** The simulated machine's own files. */
export interface SimulatedMachine {
  /** The text of /proc/drbd; null while the module is not loaded. */
  readonly procDrbd: string | null;
  /** The connector index; null while the module is not loaded. */
  readonly connectorIndex: number | null;
  readonly blockDevices: ReadonlyMap<string, SimulatedBlockDevice>;
}

/** The id of these messages: of no driver, and above every index that a shifted DRBD 8.3 may have. */
const MACHINE_IDX = 0xd2bd_0001;
const MACHINE_VAL = 1;
const NETLINK_CONNECTOR = 11;
/** The text goes in pieces that every buffer has room for. */
const PIECE_BYTES = 8192;
const RECEIVE_BUFFER_BYTES = 1 << 20;

function encode(sequence: number, ack: number, data: Uint8Array, port: number, order: ByteOrder): Uint8Array {
  const payload = encodeConnectorMessage(
    { idx: MACHINE_IDX, val: MACHINE_VAL, sequence, ack, length: data.length, flags: 0, data },
    order,
  );
  return encodeMessage({ type: NLMSG_DONE, flags: 0, sequence, port, payload }, order);
}

function decode(
  message: NetlinkMessage | undefined,
  order: ByteOrder,
): { readonly sequence: number; readonly ack: number; readonly data: Uint8Array } | undefined {
  if (message === undefined || message.type !== NLMSG_DONE || message.payload.length < CN_HEADER_BYTES)
    return undefined;
  const { idx, val, sequence, ack, length, data } = decodeConnectorMessage(message.payload, order);
  if (idx !== MACHINE_IDX || val !== MACHINE_VAL || data.length !== length) return undefined;
  return { sequence, ack, data };
}

/** @returns what a socket needs to ask the simulator at a port of this machine's bus about its machine */
export function machineSetup(port: number, order: ByteOrder): SocketSetup {
  return {
    protocol: NETLINK_CONNECTOR,
    order,
    peerPort: port,
    groups: [],
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    probe: true,
    // Another process answers, not a kernel's handler.
    sendsAtOnce: true,
    sequenceOf: (message) => decode(message, order)?.sequence,
  };
}

/** The question. Pieces of the answer count down to 0. */
export function machineExchange(order: ByteOrder): Exchange<SimulatedMachine> {
  let pieces: Uint8Array[] = [];
  let next: number | undefined;
  return {
    what: 'the files of the simulated machine',
    idempotent: true,
    restart: () => {
      pieces = [];
      next = undefined;
    },
    datagram: (sequence, port) => encode(sequence, 0, new Uint8Array(0), port, order),
    receive: (message) => {
      const piece = decode(message, order);
      if (piece === undefined || (next !== undefined && piece.ack !== next)) return 'foreign';
      pieces.push(piece.data);
      next = piece.ack - 1;
      return piece.ack > 0 ? 'more' : { done: machineFromJson(Buffer.from(concatBytes(pieces)).toString()) };
    },
  };
}

/**
 * The simulator's side.
 * @returns the datagrams that answer; undefined if the datagram is no such question
 */
export function answerMachineQuestion(
  datagram: Uint8Array,
  order: ByteOrder,
  machine: () => SimulatedMachine,
): readonly Uint8Array[] | undefined {
  const question = decode(decodeDatagram(datagram, order).messages[0], order);
  if (question === undefined) return undefined;
  const text = Buffer.from(machineToJson(machine()));
  const pieces = Math.max(1, Math.ceil(text.length / PIECE_BYTES));
  return Array.from({ length: pieces }, (_unused, piece) =>
    encode(
      question.sequence,
      pieces - 1 - piece,
      text.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES),
      0,
      order,
    ),
  );
}

function machineToJson({ procDrbd, connectorIndex, blockDevices }: SimulatedMachine): string {
  return JSON.stringify({
    procDrbd,
    connectorIndex,
    blockDevices: Array.from(blockDevices, ([path, { sizeBytes, major, minor }]) => [
      path,
      String(sizeBytes),
      major,
      minor,
    ]),
  });
}

function machineFromJson(text: string): SimulatedMachine {
  try {
    const { procDrbd, connectorIndex, blockDevices } = JSON.parse(text) as {
      readonly procDrbd: string | null;
      readonly connectorIndex: number | null;
      readonly blockDevices: readonly (readonly [path: string, sizeBytes: string, major: number, minor: number])[];
    };
    return {
      procDrbd,
      connectorIndex,
      blockDevices: new Map(
        blockDevices.map(([path, sizeBytes, major, minor]) => [path, { sizeBytes: BigInt(sizeBytes), major, minor }]),
      ),
    };
  } catch (error) {
    throw new CodecError(
      'the simulated machine',
      0,
      'a description in JSON',
      error instanceof Error ? error.message : '',
    );
  }
}
