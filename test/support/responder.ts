import {
  decodeRaw,
  decodeRequest,
  packetByNumber,
  packets,
  type RawConnectorMessage,
} from '../../lib/dialects/connector';
import { encodeStateWord, type StateWord } from '../../lib/dialects/state-word';
import {
  concatBytes,
  decodeDatagram,
  encodeConnectorMessage,
  encodeDatagram,
  NLMSG_DONE,
  NO_BYTES,
  viewOf,
  type ByteOrder,
} from '../../lib/netlink';
import { TagCodec, type Packet } from '../../lib/schema';
import { NETLINK_CONNECTOR, type Transport, type TransportSocket } from '../../lib/transport/transport';

/** The group that mainline DRBD 8.3 multicasts to, as a mask. */
const GROUP_MASK = 1 << 7;
const NO_ERROR = 101;
const ERR_MINOR_INVALID = 127;
const ERR_PACKET_NR = 137;

interface Minor {
  state: StateWord;
  readonly config: Record<string, unknown>;
}

/** What a test may ask of the next answer; one that is late is held until `release()`. */
export type Fault = 'drop' | 'twice' | 'late' | 'short' | 'wrong-ack' | 'wrong-index' | 'wrong-minor';

/**
 * A userspace answerer on the connector bus: as much of DRBD 8.3 as proves that requests, answers and broadcasts cross
 * it. It answers as the kernel does: by multicast, id and sequence echoed, ack plus one, nlmsg_len rounded up.
 */
export class Responder {
  readonly requests: RawConnectorMessage[] = [];
  readonly #minors = new Map<number, Minor>();
  readonly #socket: TransportSocket;
  readonly #order: ByteOrder;
  readonly #index: number;
  readonly #faults: Fault[] = [];
  readonly #held: (() => void)[] = [];
  #broadcasts = 2;

  constructor(transport: Transport, options: { readonly order?: ByteOrder; readonly index?: number } = {}) {
    this.#order = options.order ?? 'little';
    this.#index = options.index ?? 8;
    this.#socket = transport.open(
      { protocol: NETLINK_CONNECTOR, receiveBufferBytes: 1 << 20 },
      {
        datagrams: (batch) => {
          // A copy of what it multicasts comes back from its own port.
          for (const { bytes, port } of batch) if (port !== this.#socket.portId) this.#receive(bytes);
        },
        overrun: () => undefined,
        closed: () => undefined,
      },
    );
  }

  get portId(): number {
    return this.#socket.portId;
  }

  /** The next answers go wrong like this, one each. */
  faults(...faults: readonly Fault[]): void {
    this.#faults.push(...faults);
  }

  setState(minor: number, state: StateWord): void {
    const entry = this.#minor(minor);
    entry.state = state;
    this.broadcast('get_state', minor, { state_i: encodeStateWord(state, this.#order) });
  }

  /** Takes a broadcast's number without sending it. @returns the number */
  skipBroadcast(): number {
    return ++this.#broadcasts;
  }

  /** Sends a broadcast as the kernel does: ack 0, a sequence number of its own. */
  broadcast(
    name: keyof typeof packets,
    minor: number,
    values: Readonly<Record<string, unknown>>,
    sequence = this.skipBroadcast(),
  ): void {
    this.#send({ sequence, ack: 0, index: this.#index }, packets[name].number, minor, NO_ERROR, this.#tags(values));
  }

  /** Sends the answers that are held. */
  release(): void {
    for (const reply of this.#held.splice(0)) reply();
  }

  close(): void {
    this.#socket.close();
  }

  #receive(bytes: Uint8Array): void {
    const [message] = decodeDatagram(bytes, this.#order).messages;
    if (message === undefined || message.type !== NLMSG_DONE) return;
    const raw = decodeRaw(message, this.#order);
    if (raw.connector.idx !== this.#index || raw.connector.val !== 1) return;
    this.requests.push(raw);
    const { sequence, ack } = raw.connector;
    const fault = this.#faults.shift();
    const [packetType, code, tags] = this.#answer(raw);
    const header = { sequence, ack: ack + 1, index: this.#index };
    const reply = (): void => {
      this.#send(header, packetType, raw.minor, code, tags);
    };
    switch (fault) {
      case 'drop':
        return;
      case 'twice':
        reply();
        return reply();
      case 'late':
        this.#held.push(reply);
        return;
      case 'short':
        return this.#send(header, packetType, raw.minor, code, tags, 4);
      case 'wrong-ack':
        return this.#send({ ...header, ack: ack + 2 }, packetType, raw.minor, code, tags);
      case 'wrong-index':
        return this.#send({ ...header, index: this.#index + 3 }, packetType, raw.minor, code, tags);
      case 'wrong-minor':
        return this.#send(header, packetType, raw.minor + 1, code, tags);
      case undefined:
        return reply();
    }
  }

  #answer(raw: RawConnectorMessage): readonly [packetType: number, code: number, tags: Uint8Array] {
    const none = packets.return_code_only.number;
    const create = (raw.flags & 1) !== 0;
    if (!this.#minors.has(raw.minor) && !create) return [none, ERR_MINOR_INVALID, NO_BYTES];
    const minor = this.#minor(raw.minor);
    const packet = packetByNumber(raw.packetType);
    if (packet === undefined || packet.kind === 'broadcast' || packet.kind === 'reply')
      return [none, ERR_PACKET_NR, NO_BYTES];
    const { params } = decodeRequest(raw, this.#order);
    switch (packet.name) {
      case 'get_state':
        return [packet.number, NO_ERROR, this.#tags({ state_i: encodeStateWord(minor.state, this.#order) })];
      case 'get_config':
        return [packet.number, NO_ERROR, this.#tags(minor.config)];
      case 'get_uuids':
        return [packet.number, NO_ERROR, this.#tags({ uuids: [0x1234_5678_9abc_def0n, 0n, 4n, 0n], uuids_flags: 1 })];
      case 'get_timeout_flag':
        return [packet.number, NO_ERROR, this.#tags({ use_degraded: 0 })];
      default:
        Object.assign(minor.config, params.tags);
        if (packet.name === 'primary') this.setState(raw.minor, { ...minor.state, role: 1 });
        if (packet.name === 'secondary') this.setState(raw.minor, { ...minor.state, role: 2 });
        if (packet.name === 'disk_conf') this.setState(raw.minor, { ...minor.state, disk: 8 });
        return [none, NO_ERROR, NO_BYTES];
    }
  }

  #minor(minor: number): Minor {
    const known = this.#minors.get(minor);
    if (known !== undefined) return known;
    const entry: Minor = {
      state: {
        role: 2,
        peer: 0,
        conn: 0,
        disk: 0,
        pdsk: 6,
        susp: false,
        aftr_isp: false,
        peer_isp: false,
        user_isp: false,
        susp_nod: false,
        susp_fen: false,
      },
      config: {},
    };
    this.#minors.set(minor, entry);
    return entry;
  }

  #tags(values: Readonly<Record<string, unknown>>): Uint8Array {
    const table = Object.assign(
      {},
      ...Object.values<Packet>(packets).map(({ tags, replyTags }) => ({ ...tags, ...replyTags })),
    ) as ConstructorParameters<typeof TagCodec>[1];
    // The kernel ends its lists with the mark alone.
    return new TagCodec('reply', table)
      .encode(values, 'reply', { order: this.#order, outOfRange: 'send', malformed: 'send' })
      .subarray(0, -2);
  }

  #send(
    header: { readonly sequence: number; readonly ack: number; readonly index: number },
    packetType: number,
    minor: number,
    code: number,
    tags: Uint8Array,
    cut = 0,
  ): void {
    const body = new Uint8Array(12);
    const view = viewOf(body);
    const little = this.#order === 'little';
    view.setInt32(0, packetType, little);
    view.setUint32(4, minor, little);
    view.setInt32(8, code, little);
    const data = concatBytes([body, tags]);
    const length = data.length;
    const rest = new Uint8Array((4 - (length % 4)) % 4);
    const payload = encodeConnectorMessage(
      {
        idx: header.index,
        val: 1,
        sequence: header.sequence,
        ack: header.ack >>> 0,
        length,
        flags: 0,
        data: data.subarray(0, length - cut),
        rest: cut === 0 ? rest : NO_BYTES,
      },
      this.#order,
    );
    const message = {
      length: 16 + payload.length,
      type: NLMSG_DONE,
      flags: 0,
      sequence: header.sequence,
      port: 0,
      payload,
      padding: NO_BYTES,
      offset: 0,
    };
    // Never to port 0: the kernel itself would get a copy, and a real driver would carry it out.
    this.#socket
      .send(encodeDatagram({ messages: [message], rest: NO_BYTES }, this.#order), {
        port: this.#socket.portId,
        groups: GROUP_MASK,
      })
      .done.catch(() => undefined);
  }
}
