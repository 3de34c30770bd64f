import { ArgumentError, DrbdError, KernelError, TimeoutError, UnsupportedError } from '../errors';
import { CN_IDX_DRBD } from '../dialects/connector';
import { familyExchange, FamilyCodec, type Family } from '../dialects/generic';
import * as tablesOfGenl1 from '../dialects/genl1';
import * as tablesOfGenl2 from '../dialects/genl2';
import { hostByteOrder, type ByteOrder } from '../netlink';
import {
  attempt,
  checkWaitOptions,
  firstOf,
  newCounters,
  RequestSocket,
  type SocketSetup,
  type Exchange,
  type WaitOptions,
} from '../session';
import { monotonicMs } from '../transport/clock';
import { nativeTransport } from '../transport/native';
import type { HostFiles, Transport } from '../transport/transport';
import type { Client, Dialect, Driver } from './client';
import { connectorExchange, connectorSetup, ConnectorDrbd } from './connector-client';
import { GenericDrbd, genericSetup, type FamilyDialect } from './generic-client';
import { machineFiles } from '../transport/machine-files';
import { CONNECTOR_API, isConnectorApi, parseProcDrbd, type ProcDrbd } from '../dialects/proc-drbd';

export interface OpenOptions<D extends Dialect = Dialect> extends WaitOptions {
  /** Insist on a dialect; without it the kernel decides. */
  readonly dialect?: D;
  /** What carries the datagrams: native netlink sockets if absent. */
  readonly transport?: Transport;
  /**
   * Speak to a simulator at this port of this machine's connector bus, and take answers from it alone. Implies the
   * connector.
   */
  readonly simulator?: number;
  /** Byte order of the machine that is spoken to; this one's if absent. */
  readonly byteOrder?: ByteOrder;
}

/** How long the search for a driver may take, in milliseconds: a kernel answers these questions at once. */
const DETECT_TIMEOUT_MS = 5000;
/** How long a connector index may stay silent before it counts as nobody's. */
const INDEX_TIMEOUT_MS = 1000;
/**
 * The likeliest index is asked alone at first, and answers at once where it is the right one: each other costs a
 * socket, most often for nothing.
 */
const FIRST_INDEX_TIMEOUT_MS = 200;

const families: { readonly [D in 'genl1' | 'genl2']: () => FamilyDialect<D> } = {
  genl1: () => ({
    name: 'genl1',
    codec: new FamilyCodec('genl1', 1, tablesOfGenl1.operations, tablesOfGenl1.attributeSets),
    returnCodes: tablesOfGenl1.returnCodes,
    stateChangeCodes: tablesOfGenl1.stateChangeCodes,
  }),
  genl2: () => ({
    name: 'genl2',
    codec: new FamilyCodec('genl2', 2, tablesOfGenl2.operations, tablesOfGenl2.attributeSets),
    returnCodes: tablesOfGenl2.returnCodes,
    stateChangeCodes: tablesOfGenl2.stateChangeCodes,
  }),
};

/**
 * Finds the DRBD driver and opens a client for its dialect. Nothing is loaded and nothing is changed: the generic
 * netlink controller is asked for the family, /proc/drbd is read, and a connector index is confirmed by asking for a
 * state.
 * @throws UnsupportedError if there is no driver, or none of the dialect asked for: it says what was looked for, and
 *   where;
 *   TimeoutError, AbortError; TransportError if netlink itself is not to be had
 */
export async function openDrbd<D extends Dialect = Dialect>(options: OpenOptions<D> = {}): Promise<Client<D>> {
  checkWaitOptions(options);
  const { dialect, simulator } = options;
  if (dialect !== undefined && dialect !== 'connector' && dialect !== 'genl1' && dialect !== 'genl2') {
    throw new ArgumentError('dialect', `connector, genl1 or genl2 is needed, not ${JSON.stringify(dialect)}`);
  }
  if (simulator !== undefined && (!Number.isInteger(simulator) || simulator < 1 || simulator > 0xffffffff))
    throw new ArgumentError('simulator', 'a port id from 1 to 4294967295 is needed');
  if (simulator !== undefined && dialect !== undefined && dialect !== 'connector')
    throw new ArgumentError('simulator', 'a simulator speaks the connector dialect only');
  const transport = options.transport ?? nativeTransport();
  const host = transport.host ?? machineFiles;
  const search = new Search(transport, host, options.byteOrder ?? host.driver?.byteOrder ?? hostByteOrder(), options);
  const client = await search.run(simulator === undefined ? dialect : 'connector', simulator ?? 0);
  return client as Client<D>;
}

class Search {
  readonly #transport: Transport;
  readonly #host: HostFiles;
  readonly #order: ByteOrder;
  readonly #deadline: number;
  readonly #signal: AbortSignal | undefined;
  readonly #seen: string[] = [];

  constructor(transport: Transport, host: HostFiles, order: ByteOrder, options: WaitOptions) {
    this.#transport = transport;
    this.#host = host;
    this.#order = order;
    this.#deadline = monotonicMs() + (options.timeoutMs ?? DETECT_TIMEOUT_MS);
    this.#signal = options.signal;
  }

  async run(dialect: Dialect | undefined, peerPort: number): Promise<Client> {
    const proc = peerPort === 0 ? this.#readProc() : undefined;
    if (dialect !== 'connector' && this.#host.driver?.dialect !== 'connector') {
      const family = await this.#findFamily();
      if (family !== undefined) {
        const found = family.version === 1 ? 'genl1' : family.version === 2 ? 'genl2' : undefined;
        if (found !== undefined && (dialect === undefined || dialect === found))
          return this.#openGeneric(found, family, proc);
        this.#seen.push(
          `it has version ${family.version}${found === undefined ? ', which is not known (1 is DRBD 8.4, 2 is DRBD 9)' : `: that is ${found}`}`,
        );
      }
    }
    const { driver: known } = this.#host;
    if (known !== undefined) this.#seen.push(`the recording is of ${known.dialect}`);
    if (dialect === undefined || dialect === 'connector') {
      const index = await this.#findConnector(proc, peerPort, dialect === 'connector');
      if (index !== undefined) {
        const { version = proc?.version ?? null, api = proc?.api ?? null } = this.#host.driver ?? {};
        const driver: Driver = { version, api, address: index };
        return new ConnectorDrbd(this.#transport, this.#host, driver, peerPort, this.#order);
      }
    }
    throw new UnsupportedError(
      `no ${dialect === undefined ? 'DRBD driver' : `DRBD driver that speaks ${dialect}`} was found. ${this.#seen.join('; ')}. ${this.#advice(proc)}`,
      { feature: 'a DRBD driver', dialect, requires: 'the drbd module in this kernel and this network namespace' },
    );
  }

  #advice(proc: ProcDrbd | undefined): string {
    if (proc !== undefined) {
      return 'A driver is loaded, since /proc/drbd is there: this may be a network namespace (a container) in which neither the family nor the connector exists; run in the namespace of the host';
    }
    return 'Load the module (modprobe drbd); it is not loaded by this program';
  }

  #readProc(): ProcDrbd | undefined {
    const text = this.#host.procDrbd();
    if (typeof text !== 'string') {
      this.#seen.push(`/proc/drbd: ${text.error}`);
      return undefined;
    }
    try {
      const proc = parseProcDrbd(text);
      this.#seen.push(`/proc/drbd: version ${proc.version ?? 'unknown'}, api ${proc.api ?? 'unknown'}`);
      return proc;
    } catch (error) {
      if (!(error instanceof DrbdError)) throw error;
      this.#seen.push(`/proc/drbd: ${error.message}`);
      return undefined;
    }
  }

  #left(limit: number): WaitOptions {
    return {
      timeoutMs: Math.max(0, Math.min(limit, this.#deadline - monotonicMs())),
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
    };
  }

  async #ask<T>(setup: SocketSetup, exchange: Exchange<T>, limit: number, stop?: AbortSignal): Promise<T> {
    const wait = this.#left(limit);
    const both = wait.signal === undefined || stop === undefined ? undefined : firstOf([wait.signal, stop]);
    const signal = both?.signal ?? wait.signal ?? stop;
    const socket = new RequestSocket(this.#transport, setup, newCounters());
    try {
      return await attempt<T>(exchange.what, { ...wait, ...(signal === undefined ? {} : { signal }) }, (settle) =>
        socket.start(exchange, settle),
      );
    } finally {
      both?.release();
      socket.close();
    }
  }

  async #findFamily(): Promise<Family | undefined> {
    try {
      const family = await this.#ask(genericSetup(0, this.#order), familyExchange(this.#order), Infinity);
      this.#seen.push(
        family === undefined
          ? 'generic netlink: the controller knows no family drbd (ENOENT)'
          : 'generic netlink: there is a family drbd',
      );
      return family;
    } catch (error) {
      if (!(error instanceof DrbdError) || error instanceof TimeoutError) throw error;
      this.#seen.push(`generic netlink: ${error.message}`);
      return undefined;
    }
  }

  #openGeneric(dialect: 'genl1' | 'genl2', family: Family, proc: ProcDrbd | undefined): Client {
    const driver: Driver = {
      version: this.#host.driver?.version ?? proc?.version ?? null,
      api: family.version,
      address: family.id,
    };
    // The class answers for any operation by the tables; its typed face is the interface.
    return (dialect === 'genl1'
      ? new GenericDrbd(this.#transport, this.#host, families.genl1(), family, driver, this.#order)
      : new GenericDrbd(
          this.#transport,
          this.#host,
          families.genl2(),
          family,
          driver,
          this.#order,
        )) as unknown as Client;
  }

  /** @param insist look even where /proc/drbd speaks of no connector driver */
  async #findConnector(proc: ProcDrbd | undefined, peerPort: number, insist: boolean): Promise<number | undefined> {
    if (this.#host.driver?.dialect === 'connector' && peerPort === 0)
      return this.#host.connectorIndex() ?? CN_IDX_DRBD[0];
    if (!insist && !isConnectorApi(proc?.api)) {
      this.#seen.push(
        `connector: not tried, since /proc/drbd tells of no driver with api ${CONNECTOR_API.min} to ${CONNECTOR_API.max}`,
      );
      return undefined;
    }
    // This machine's own files say nothing of a simulator.
    const told = peerPort === 0 || this.#host.simulated === true ? this.#host.connectorIndex() : undefined;
    const indices = told === undefined ? [...CN_IDX_DRBD] : [told];
    const probe = async (index: number, limit: number, stop?: AbortSignal): Promise<number> => {
      try {
        await this.#ask(
          { ...connectorSetup(index, peerPort, this.#order), probe: true },
          connectorExchange('get_state', { minor: 0 }, index, { order: this.#order }),
          limit,
          stop,
        );
      } catch (error) {
        // Any answer of DRBD is an answer, such as that the minor does not exist.
        if (!(error instanceof KernelError)) throw error;
      }
      return index;
    };
    const [likeliest] = indices;
    if (indices.length > 1 && likeliest !== undefined) {
      try {
        return await probe(likeliest, FIRST_INDEX_TIMEOUT_MS);
      } catch (error) {
        if (this.#signal?.aborted === true || !(error instanceof DrbdError)) throw error;
      }
    }
    const found = new AbortController();
    try {
      return await Promise.any(indices.map((index) => probe(index, INDEX_TIMEOUT_MS, found.signal)));
    } catch (error) {
      if (this.#signal?.aborted === true || !(error instanceof AggregateError))
        throw this.#signal?.aborted === true ? (error as AggregateError).errors[0] : error;
      const reasons = new Set(
        error.errors.map((reason: unknown) => (reason instanceof Error ? reason.message : String(reason))),
      );
      this.#seen.push(
        `connector: no answer at index ${indices.join(', ')}${peerPort === 0 ? '' : ` of the simulator at port ${peerPort}`} (${[...reasons].join('; ')})`,
      );
      return undefined;
    } finally {
      found.abort();
    }
  }
}
