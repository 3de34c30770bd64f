import {
  CN_IDX_DRBD,
  CN_IDX_STEP,
  CN_VAL_DRBD,
  encodeRequest,
  encodeRequestBody,
  packets,
  readReply,
  returnCodes,
  stateChangeCodes,
  type ConnectorReply,
  type RequestPacketName,
} from '../dialects/connector';
import { TimeoutError } from '../errors';
import {
  CN_HEADER_BYTES,
  NLMSG_DONE,
  readConnectorMessage,
  type ByteOrder,
  type ReceivedConnector,
  type ReceivedMessage,
} from '../netlink';
import type { EncodeOptions } from '../schema';
import { randomUint32 } from '../transport/random';
import { NETLINK_CONNECTOR, type HostFiles, type Transport } from '../transport/transport';
import type { Exchange, SocketSetup, Subscription, WaitOptions } from '../session';
import { BaseClient, broadcastsOf, rejected, type ClientLimits } from './base-client';
import type { FollowSource } from './follow';
import { connectorSource } from './sources';
import { ifDriver, moduleUnloaded } from './absent';
import {
  encodingOf,
  NO_OPTIONS,
  type ConnectorClient,
  type ConnectorEvent,
  type Driver,
  type EventOptions,
  type RequestOptions,
  type ResyncEvent,
} from './client';
import { mayHang, refuseConnectorHang } from './guard';
import type { MinorNames, Snapshot } from '../model';
import { buildConnectorSnapshot, connectorSnapshot, readConnector } from './read';
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

const isWhole = ({ start, end, length }: ReceivedConnector): boolean => end - start === length;

const codes = { returnCodes, stateChangeCodes };

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
      if (message.type !== NLMSG_DONE || message.end - message.start < CN_HEADER_BYTES) return undefined;
      const { idx, val, sequence, ack } = readConnectorMessage(message, order);
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
  return new ConnectorExchange(name, params, index, encoding);
}

class ConnectorExchange<N extends RequestPacketName> implements Exchange<ConnectorReply<N>> {
  readonly what: string;
  readonly #name: N;
  readonly #minor: number;
  readonly #index: number;
  readonly #order: ByteOrder;
  readonly #body: Uint8Array;
  readonly #ack = 1 + (randomUint32() % (LARGEST_ACK - 1));

  constructor(name: N, params: unknown, index: number, encoding: EncodeOptions) {
    this.#body = encodeRequestBody(name, params, encoding);
    this.#name = name;
    this.#minor = (params as { readonly minor: number }).minor;
    this.#index = index;
    this.#order = encoding.order;
    this.what = `${name} of minor ${this.#minor}`;
  }

  get idempotent(): boolean {
    return packets[this.#name].kind === 'read';
  }

  datagram(sequence: number, port: number): Uint8Array {
    return encodeRequest(this.#body, { idx: this.#index, sequence, ack: this.#ack, port }, this.#order);
  }

  receive(message: ReceivedMessage): 'foreign' | { readonly done: ConnectorReply<N> } {
    const connector = readConnectorMessage(message, this.#order);
    if (connector.idx !== this.#index || connector.ack !== this.#ack + 1 || !isWhole(connector)) return 'foreign';
    const { packetType, minor, returnCode, tags, unknown } = readReply(message, connector, this.#order);
    if (
      minor !== this.#minor ||
      (packetType !== packets[this.#name].number && packetType !== packets.return_code_only.number)
    )
      return 'foreign';
    const nameOfCode = returnName(codes, returnCode);
    if (!isSuccess(returnCode))
      throw kernelError(this.what, { dialect: 'connector', operation: this.#name }, nameOfCode, returnCode, minor, []);
    return { done: { returnCode, returnName: nameOfCode, minor, tags: tags as ConnectorReply<N>['tags'], unknown } };
  }

  restart(): void {
    // One message is the whole answer.
  }
}

/** The client of DRBD 8.0 to 8.3. */
export class ConnectorDrbd extends BaseClient<ConnectorEvent> implements ConnectorClient {
  readonly dialect = 'connector';
  readonly driver: Driver;
  readonly #host: HostFiles;
  readonly #peerPort: number;
  readonly #names: MinorNames | undefined;
  /** /proc/drbd was there when the client was made: where it is no more, the module was unloaded. */
  readonly #sawProcDrbd: boolean;
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
    names: MinorNames | undefined,
    sawProcDrbd: boolean,
  ) {
    super(transport, connectorSetup(driver.address, peerPort, order), limits);
    this.#sawProcDrbd = sawProcDrbd;
    this.driver = driver;
    this.#host = host;
    this.#peerPort = peerPort;
    this.#names = names;
  }

  request<N extends RequestPacketName>(
    name: N,
    params: unknown,
    options: RequestOptions = NO_OPTIONS,
  ): Promise<ConnectorReply<N>> {
    try {
      const exchange = this.#remember(
        connectorExchange(name, params, this.driver.address, encodingOf(options, this.order)),
      );
      if (packets[name].kind === 'read') return this.read(exchange, options);
      const target = params as { readonly minor: number; readonly createDevice?: boolean };
      const before = (wait: WaitOptions): Promise<void> =>
        refuseConnectorHang(this, name, target, this.#procDrbd(), { ...wait, order: this.order });
      return this.change(exchange, [`minor ${target.minor}`], {
        ...options,
        ...(options.forceUnsafe === true || !mayHang(this.dialect, name) ? {} : { before }),
      });
    } catch (error) {
      return rejected(error);
    }
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
    const names = this.#names;
    return connectorSource(
      {
        driver,
        request: (name, params, options) => this.request(name, params, options),
        // The answers that others get are the only word of a changed configuration.
        listen: () => this.#listen({ ...listening, unfiltered: true }),
        read: (signal) =>
          ifDriver(this.#unlessUnloaded((proc) => readConnector(this, proc, { signal, order, names }), { signal })),
      },
      { driver, order, names },
    );
  }

  #remember<T>(exchange: Exchange<T>): Exchange<T> {
    if (!this.#unfiltered) return exchange;
    return {
      what: exchange.what,
      idempotent: exchange.idempotent,
      restart: () => {
        exchange.restart();
      },
      receive: (message) => exchange.receive(message),
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
    const { driver, order } = this;
    const names = this.#names;
    return this.#unlessUnloaded(async (procDrbd) => {
      if (driver.refusal === undefined) return connectorSnapshot(this, procDrbd, { ...options, order, names });
      if (procDrbd === undefined) throw driver.refusal;
      return buildConnectorSnapshot({ driver, order, minors: [], procDrbd, names, complete: false });
    }, options);
  }

  /** @throws UnsupportedError if the module is unloaded, or was while a question waited for its answer */
  async #unlessUnloaded<T>(
    read: (procDrbd: ReturnType<typeof parseProcDrbd> | undefined) => Promise<T>,
    options: WaitOptions,
  ): Promise<T> {
    await this.#host.refresh?.(options);
    this.requireOpen('get_state');
    try {
      return await read(this.#procDrbd());
    } catch (error) {
      if (error instanceof TimeoutError) this.#procDrbd();
      throw error;
    }
  }

  /**
   * /proc/drbd of the driver that is spoken to: this machine's own is not about a simulator.
   * @throws UnsupportedError if the module was unloaded: nothing in the kernel would answer
   */
  #procDrbd(): ReturnType<typeof parseProcDrbd> | undefined {
    const text = this.#peerPort === 0 || this.#host.simulated === true ? this.#host.procDrbd() : undefined;
    if (typeof text === 'string') return parseProcDrbd(text);
    if (this.#sawProcDrbd && text?.error === 'ENOENT')
      throw moduleUnloaded(this.dialect, '/proc/drbd', 'repeat the request');
    return undefined;
  }

  #decodeEvent(message: ReceivedMessage, unfiltered: boolean): ConnectorEvent | undefined {
    if (message.type !== NLMSG_DONE) return undefined;
    const connector = readConnectorMessage(message, this.order);
    const { ack, sequence } = connector;
    if (!isDrbd(connector.idx, connector.val, this.driver.address) || (ack !== 0 && !unfiltered) || !isWhole(connector))
      return undefined;
    const { name, minor, returnCode, tags, unknown } = readReply(message, connector, this.order);
    const origin = ack === 0 ? 'broadcast' : this.#asked.has(sequence) ? 'own' : 'foreign';
    return { kind: 'event', name, minor, sequence, origin, returnCode, tags, unknown };
  }
}
