import {
  CN_IDX_DRBD,
  CN_IDX_STEP,
  CN_VAL_DRBD,
  decodeBody,
  decodeReply,
  encodeRequest,
  encodeRequestBody,
  packets,
  returnCodes,
  stateChangeCodes,
  type ConnectorReply,
  type RequestPacketName,
} from '../dialects/connector';
import {
  CN_HEADER_BYTES,
  decodeConnectorMessage,
  NLMSG_DONE,
  NLMSG_HEADER_BYTES,
  type ByteOrder,
  type NetlinkMessage,
} from '../netlink';
import type { EncodeOptions } from '../schema';
import { randomUint32 } from '../transport/random';
import { NETLINK_CONNECTOR, type HostFiles, type Transport } from '../transport/transport';
import type { Exchange, SocketSetup, Subscription, WaitOptions } from '../session';
import { BaseClient, broadcastsOf, type ClientLimits } from './base-client';
import type { FollowSource } from './follow';
import { connectorSource } from './sources';
import { ifDriver } from './absent';
import {
  encodingOf,
  type ConnectorClient,
  type ConnectorEvent,
  type Driver,
  type EventOptions,
  type RequestOptions,
  type ResyncEvent,
} from './client';
import { mayHang, refuseConnectorHang } from './guard';
import type { Snapshot } from '../model';
import { connectorSnapshot, readConnector } from './read';
import { parseProcDrbd } from '../dialects/proc-drbd';
import { isSuccess, kernelError, returnName } from './result';

/** cn_msg.ack of a reply is the request's plus one; a broadcast has 0, so no request may end there. */
const LARGEST_ACK = 0xffffffff;
/** Room for some thousand answers: those to other clients reach every socket of the group. */
const RECEIVE_BUFFER_BYTES = 1 << 20;
/** Questions whose answers an unfiltered stream can tell from those to others. */
const MOST_REMEMBERED = 4096;

/** The groups to join for an index: those that DRBD was ever compiled with, and the index's own if it was shifted. */
export function connectorGroups(index: number): readonly number[] {
  return [...new Set([...CN_IDX_DRBD, index % CN_IDX_STEP])].filter((group) => group > 0);
}

function isDrbd(idx: number, val: number, index: number): boolean {
  return val === CN_VAL_DRBD && (idx === index || (CN_IDX_DRBD as readonly number[]).includes(idx));
}

/** How requests and answers of the connector dialect travel. */
export function connectorSetup(index: number, peerPort: number, order: ByteOrder): SocketSetup {
  return {
    protocol: NETLINK_CONNECTOR,
    order,
    peerPort,
    groups: connectorGroups(index),
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    // A driver answers a question at once, whatever else it does: its handlers share no lock.
    sendsAtOnce: true,
    sequenceOf: (message) => {
      if (message.type !== NLMSG_DONE || message.payload.length < CN_HEADER_BYTES) return undefined;
      const { idx, val, sequence, ack } = decodeConnectorMessage(message.payload, order);
      return isDrbd(idx, val, index) && ack !== 0 ? sequence : undefined;
    },
  };
}

/**
 * One request of the dialect. The answer must echo index, sequence, acknowledgement and minor, be of the packet asked
 * for or return_code_only, and be as long as it says.
 */
export function connectorExchange<N extends RequestPacketName>(
  name: N,
  params: unknown,
  index: number,
  encoding: EncodeOptions,
): Exchange<ConnectorReply<N>> {
  const { order } = encoding;
  const body = encodeRequestBody(name, params, encoding);
  const { minor } = params as { readonly minor: number };
  const packet = packets[name];
  const ack = 1 + (randomUint32() % (LARGEST_ACK - 1));
  const what = `${name} of minor ${minor}`;
  return {
    what,
    idempotent: packet.kind === 'read',
    restart: () => undefined,
    datagram: (sequence, port) => encodeRequest(body, { idx: index, sequence, ack, port }, order),
    receive: (message) => {
      const start = message.offset + NLMSG_HEADER_BYTES;
      const connector = decodeConnectorMessage(message.payload, order, start);
      if (connector.idx !== index || connector.ack !== ack + 1 || connector.data.length !== connector.length)
        return 'foreign';
      const reply = decodeBody(connector.data, order, start + CN_HEADER_BYTES);
      if (
        reply.minor !== minor ||
        (reply.packetType !== packet.number && reply.packetType !== packets.return_code_only.number)
      )
        return 'foreign';
      const { returnCode, tags, unknown } = decodeReply(reply, order);
      const nameOfCode = returnName({ returnCodes, stateChangeCodes }, returnCode);
      if (!isSuccess(returnCode))
        throw kernelError(what, { dialect: 'connector', operation: name }, nameOfCode, returnCode, minor, []);
      return { done: { returnCode, returnName: nameOfCode, minor, tags: tags as ConnectorReply<N>['tags'], unknown } };
    },
  };
}

/** The client of DRBD 8.0 to 8.3. */
export class ConnectorDrbd extends BaseClient<ConnectorEvent> implements ConnectorClient {
  readonly dialect = 'connector';
  readonly driver: Driver;
  readonly #host: HostFiles;
  readonly #peerPort: number;
  /** Sequence numbers of the questions under way while an unfiltered stream is open: their answers reach it too. */
  readonly #asked = new Set<number>();
  #unfiltered = false;

  constructor(
    transport: Transport,
    host: HostFiles,
    driver: Driver,
    peerPort: number,
    order: ByteOrder,
    limits: ClientLimits,
  ) {
    super(transport, connectorSetup(driver.address, peerPort, order), limits);
    this.driver = driver;
    this.#host = host;
    this.#peerPort = peerPort;
  }

  async request<N extends RequestPacketName>(
    name: N,
    params: unknown,
    options: RequestOptions = {},
  ): Promise<ConnectorReply<N>> {
    const exchange = this.#remember(
      connectorExchange(name, params, this.driver.address, { ...encodingOf(options), order: this.order }),
    );
    if (packets[name].kind === 'read') return this.read(exchange, options);
    const target = params as { readonly minor: number; readonly createDevice?: boolean };
    const before = (wait: WaitOptions): Promise<void> =>
      refuseConnectorHang(this, name, target, this.#procDrbd(), { ...wait, order: this.order });
    return this.change(exchange, [`minor ${target.minor}`], {
      ...options,
      ...(options.forceUnsafe === true || !mayHang(this.dialect, name) ? {} : { before }),
    });
  }

  broadcasts(options: EventOptions = {}): AsyncIterableIterator<ConnectorEvent | ResyncEvent> {
    return broadcastsOf(this.#listen(options));
  }

  #listen(options: EventOptions): Subscription<ConnectorEvent> {
    const unfiltered = options.unfiltered === true;
    if (unfiltered) this.#unfiltered = true;
    return this.subscribe(
      { groups: connectorGroups(this.driver.address) },
      (message) => {
        const value = this.#decodeEvent(message, unfiltered);
        if (value === undefined) return undefined;
        const { origin, sequence } = value;
        return { kind: 'message', value, ...(origin === 'broadcast' ? { count: { name: origin, sequence } } : {}) };
      },
      options,
    );
  }

  protected override source(listening: EventOptions): FollowSource {
    const { driver, order } = this;
    return connectorSource(
      {
        driver,
        request: (name, params, options) => this.request(name, params, options),
        // The answers that others get are the only word of a changed configuration.
        listen: () => this.#listen({ ...listening, unfiltered: true }),
        read: (signal) => ifDriver(readConnector(this, this.#procDrbd(), { signal, order })),
      },
      { driver, order },
    );
  }

  #remember<T>(exchange: Exchange<T>): Exchange<T> {
    if (!this.#unfiltered) return exchange;
    return {
      ...exchange,
      datagram: (sequence, port) => {
        this.#asked.add(sequence);
        for (const oldest of this.#asked) {
          if (this.#asked.size <= MOST_REMEMBERED) break;
          this.#asked.delete(oldest);
        }
        return exchange.datagram(sequence, port);
      },
    };
  }

  async status(options: WaitOptions = {}): Promise<Snapshot> {
    return connectorSnapshot(this, this.#procDrbd(), { ...options, order: this.order });
  }

  /** /proc/drbd of the driver that is spoken to: this machine's own is not about a simulator. */
  #procDrbd(): ReturnType<typeof parseProcDrbd> | undefined {
    const text = this.#peerPort === 0 || this.#host.simulated === true ? this.#host.procDrbd() : undefined;
    return typeof text === 'string' ? parseProcDrbd(text) : undefined;
  }

  #decodeEvent(message: NetlinkMessage, unfiltered: boolean): ConnectorEvent | undefined {
    if (message.type !== NLMSG_DONE) return undefined;
    const start = message.offset + NLMSG_HEADER_BYTES;
    const connector = decodeConnectorMessage(message.payload, this.order, start);
    if (
      !isDrbd(connector.idx, connector.val, this.driver.address) ||
      (connector.ack !== 0 && !unfiltered) ||
      connector.data.length !== connector.length
    )
      return undefined;
    const { name, minor, returnCode, tags, unknown } = decodeReply(
      decodeBody(connector.data, this.order, start + CN_HEADER_BYTES),
      this.order,
    );
    const origin = connector.ack === 0 ? 'broadcast' : this.#asked.has(connector.sequence) ? 'own' : 'foreign';
    return { kind: 'event', name, minor, sequence: connector.sequence, origin, returnCode, tags, unknown };
  }
}
