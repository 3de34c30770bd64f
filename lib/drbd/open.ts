import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortError,
  ArgumentError,
  DrbdError,
  KernelError,
  NetlinkError,
  TimeoutError,
  TransportError,
  UnsupportedError,
} from '../errors';
import { CN_IDX_DRBD } from '../dialects/connector';
import { codecOf } from '../dialects/codecs';
import { familyExchange, type Family } from '../dialects/generic';
import * as tablesOfGenl1 from '../dialects/genl1';
import * as tablesOfGenl2 from '../dialects/genl2';
import { hostByteOrder, type ByteOrder } from '../netlink';
import {
  attempt,
  checkWaitOptions,
  firstOf,
  newCounters,
  remainingOf,
  RequestSocket,
  type Exchange,
  type PartOptions,
  type SocketSetup,
  type WaitOptions,
} from '../session';
import { nativeTransport } from '../transport/native';
import { NETLINK_CONNECTOR, type HostFiles, type Transport } from '../transport/transport';
import { DRIVER, isProtocolAbsent } from './absent';
import type { ClientLimits } from './base-client';
import type { Client, Dialect, Driver } from './client';
import { connectorExchange, connectorSetup, ConnectorDrbd } from './connector-client';
import { GenericDrbd, type FamilyDialect } from './generic-client';
import { genericSetup } from './generic-setup';
import { checkRequestTimeout, waitForDriver } from './wait-for-driver';
import type { MinorNames } from '../model';
import { machineFiles } from '../transport/machine-files';
import { isConnectorApi, parseProcDrbd, type ProcDrbd } from '../dialects/proc-drbd';

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
  /**
   * Connector: names of resources by minor, which the kernel of 8.3 does not know. If absent, the one in DRBD_RESOURCE
   * for the minor in DRBD_MINOR, and those of the configurations that drbdadm linked in /var/lib/drbd; a simulator has
   * none.
   */
  readonly names?: ReadonlyMap<number, string> | Readonly<Record<number, string>>;
  /**
   * Where a driver of 8.3 may not be spoken to for want of a privilege, opens a client all the same, whose status() has
   * what /proc/drbd says (`source.complete` is false); all else is refused. `driver.refusal` tells why.
   */
  readonly procDrbdSuffices?: boolean;
  /** Byte order of the machine that is spoken to; this one's if absent. */
  readonly byteOrder?: ByteOrder;
  /**
   * The client's limit for each request that names none, in milliseconds; Infinity for no limit. 120,000 if absent: an
   * attach may read a large bitmap before it answers.
   */
  readonly requestTimeoutMs?: number;
  /**
   * Waits for a driver to be loaded where there is none, without a limit unless `timeoutMs` is given. The controller of
   * generic netlink announces DRBD 8.4 and 9; for 8.3, /proc/drbd is looked at once a second.
   */
  readonly waitForDriver?: boolean;
}

/** How long the search for a driver may take where no limit is given, in milliseconds. */
const DETECT_TIMEOUT_MS = 10_000;
/** How long a connector index may stay silent before it counts as nobody's, where nothing tells of a driver. */
const INDEX_TIMEOUT_MS = 1000;
/**
 * The likeliest index is asked alone at first, and answers at once where it is the right one: each other costs a
 * socket, most often for nothing.
 */
const FIRST_INDEX_MS = 200;

/** `feature` of the error that says that a driver of another dialect is there. */
const DIALECT = 'a dialect of DRBD';

const families: { readonly [D in 'genl1' | 'genl2']: () => FamilyDialect<D> } = {
  genl1: () => ({
    name: 'genl1',
    codec: codecOf('genl1'),
    returnCodes: tablesOfGenl1.returnCodes,
    stateChangeCodes: tablesOfGenl1.stateChangeCodes,
  }),
  genl2: () => ({
    name: 'genl2',
    codec: codecOf('genl2'),
    returnCodes: tablesOfGenl2.returnCodes,
    stateChangeCodes: tablesOfGenl2.stateChangeCodes,
  }),
};

/**
 * Finds the DRBD driver and opens a client for its dialect. Nothing is loaded and nothing is changed: the generic
 * netlink controller is asked for the family, and /proc/drbd and the module's cn_idx are read. Where these leave a
 * doubt, a connector index is confirmed by asking for a state.
 * @throws UnsupportedError if there is no driver (it says what was looked for, and where), if the driver speaks another
 *   dialect than the one asked for (`dialect` names it), or if the addon cannot be loaded; TransportError if the driver
 *   may not be spoken to (it names the capability) or its files may not be read; TimeoutError if the time did not
 *   suffice, or no driver came in it (`waitForDriver`); AbortError, NetlinkError, CodecError
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
  checkRequestTimeout(options.requestTimeoutMs);
  const names = namesOf(options.names);
  const transport = options.transport ?? nativeTransport();
  const host = transport.host ?? machineFiles;
  const order = options.byteOrder ?? host.driver?.byteOrder ?? hostByteOrder();
  let last: Search | undefined;
  const search = (limits: WaitOptions): Promise<Client> => {
    last = new Search(transport, host, order, names, {
      ...limits,
      requestTimeoutMs: options.requestTimeoutMs,
      procDrbdSuffices: options.procDrbdSuffices,
    });
    return last.run(simulator === undefined ? dialect : 'connector', simulator ?? 0);
  };
  const client =
    options.waitForDriver === true
      ? await waitForDriver(transport, host, order, options, search, () => last?.sawDriver === true)
      : await search(options);
  return client as Client<D>;
}

/** The names that the machine's files tell. They are files: each is read once, not with every message. */
function linkedNames(host: HostFiles): MinorNames {
  const known = new Map<number, string | undefined>();
  return {
    get: (minor) => {
      if (!known.has(minor)) known.set(minor, host.resourceName?.(minor));
      return known.get(minor);
    },
    forget: () => {
      known.clear();
    },
  };
}

/** @throws ArgumentError for what is no minor, or no name */
function namesOf(names: OpenOptions['names']): MinorNames | undefined {
  if (names === undefined) return undefined;
  if (typeof names !== 'object' || (names as object | null) === null)
    throw new ArgumentError('names', 'a Map or an object of names by minor is needed');
  const entries: Iterable<readonly [unknown, unknown]> = names instanceof Map ? names : Object.entries(names);
  const known = new Map<number, string>();
  for (const [key, name] of entries) {
    const minor = Number(key);
    if (!Number.isInteger(minor) || minor < 0)
      throw new ArgumentError('names', 'each key has to be a minor, the N of /dev/drbdN');
    if (typeof name !== 'string' || name === '')
      throw new ArgumentError('names', `the name of minor ${minor} has to be a text that is not empty`);
    known.set(minor, name);
  }
  return known;
}

/** /proc/drbd, as far as it could be read. */
type ProcFile =
  | { readonly kind: 'read'; readonly proc: ProcDrbd }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly problem: Error };

class Search {
  readonly #transport: Transport;
  readonly #host: HostFiles;
  readonly #order: ByteOrder;
  readonly #remaining: () => PartOptions;
  readonly #seen: string[] = [];
  readonly #limits: ClientLimits;
  readonly #names: MinorNames | undefined;
  readonly #procDrbdSuffices: boolean;
  /** A driver is in /proc/drbd, whether it could be reached or not. */
  sawDriver = false;

  constructor(
    transport: Transport,
    host: HostFiles,
    order: ByteOrder,
    names: MinorNames | undefined,
    options: WaitOptions & ClientLimits & { readonly procDrbdSuffices?: boolean | undefined },
  ) {
    this.#transport = transport;
    this.#names = names;
    this.#procDrbdSuffices = options.procDrbdSuffices === true;
    this.#limits = options;
    this.#host = host;
    this.#order = order;
    this.#remaining = remainingOf({ timeoutMs: DETECT_TIMEOUT_MS, ...options });
    if (options.signal?.aborted === true)
      throw new AbortError('the search for a DRBD driver was aborted', 'no', options.signal.reason);
  }

  async run(asked: Dialect | undefined, peerPort: number): Promise<Client> {
    if (peerPort !== 0) return this.#openSimulator(peerPort);
    const known = this.#host.driver?.dialect;
    if (known !== undefined && asked !== undefined && known !== asked)
      throw otherDialect(`the recording is of ${known}`, known, asked);
    if (known === 'connector')
      return this.#openConnector(this.#host.connectorIndex() ?? CN_IDX_DRBD[0], undefined, peerPort);
    const file = this.#readProc();
    const proc = file.kind === 'read' ? file.proc : undefined;
    const isConnector = isConnectorApi(proc?.api);
    if (!isConnector || asked !== 'connector') {
      const family = await this.#findFamily(isConnector);
      if (family !== undefined) return this.#openGeneric(family, asked, proc);
    }
    const there = dialectOfApi(proc?.api);
    if (asked !== undefined && there !== undefined && there !== asked)
      throw otherDialect(`the DRBD driver in /proc/drbd is ${describeDriver(proc)} and speaks ${there}`, there, asked);
    if (isConnector) return this.#openKnown(proc);
    // Where /proc/drbd tells nothing, an 8.3 driver may be there all the same.
    if (proc === undefined && (asked === 'connector' || file.kind === 'unreadable')) {
      const index = await this.#askIndices([...CN_IDX_DRBD], 0, INDEX_TIMEOUT_MS);
      if (index !== undefined) return this.#openConnector(index, undefined, peerPort);
    } else this.#seen.push('connector: not asked, since /proc/drbd shows no driver of DRBD 8.3');
    if (file.kind === 'unreadable') throw file.problem;
    throw this.#notFound(asked, proc);
  }

  /** This machine's own files say nothing of a simulator; those of its machine do. */
  async #openSimulator(port: number): Promise<Client> {
    const file = this.#host.simulated === true ? this.#readProc() : undefined;
    const told = file === undefined ? undefined : this.#host.connectorIndex();
    if (told !== undefined && file?.kind === 'read' && isConnectorApi(file.proc.api))
      return this.#openConnector(told, file.proc, port);
    const index = await this.#askIndices(told === undefined ? [...CN_IDX_DRBD] : [told], port, Infinity);
    if (index !== undefined) return this.#openConnector(index, undefined, port);
    throw new UnsupportedError(
      `no simulator at port ${port} was found. ${this.#seen.join('; ')}. Start one (drbd simulate) in this network namespace, and pass the port that it prints`,
      { feature: DRIVER, dialect: 'connector', requires: 'a simulator at this port' },
    );
  }

  /** A driver that /proc/drbd shows. What that says is at hand also for whoever may not speak to it. */
  async #openKnown(proc: ProcDrbd | undefined): Promise<Client> {
    try {
      return this.#openConnector(await this.#knownIndex(proc), proc, 0);
    } catch (error) {
      if (!this.#procDrbdSuffices || !isUnprivileged(error)) throw error;
      return this.#openConnector(this.#host.connectorIndex() ?? CN_IDX_DRBD[0], proc, 0, error);
    }
  }

  #openConnector(index: number, proc: ProcDrbd | undefined, peerPort: number, refusal?: TransportError): Client {
    const { version = proc?.version ?? null, api = proc?.api ?? null } = this.#host.driver ?? {};
    const host = this.#host;
    return new ConnectorDrbd(
      this.#transport,
      host,
      { version, api, address: index, ...(refusal === undefined ? {} : { refusal }) },
      peerPort,
      this.#order,
      this.#limits,
      // The files of this machine are not about a simulator.
      this.#names ?? (peerPort === 0 ? linkedNames(host) : undefined),
      proc !== undefined,
    );
  }

  #openGeneric(family: Family, asked: Dialect | undefined, proc: ProcDrbd | undefined): Client {
    const { version } = family;
    const dialect = version === 1 ? 'genl1' : version === 2 ? 'genl2' : undefined;
    if (dialect === undefined) {
      throw new UnsupportedError(
        `the DRBD driver here registers the generic netlink family drbd with version ${version}, which this release does not know (1 is DRBD 8.4, 2 is DRBD 9). Update node-drbd`,
        { feature: `version ${version} of the family drbd`, requires: 'family version 1 or 2' },
      );
    }
    if (asked !== undefined && asked !== dialect) {
      throw otherDialect(
        `the DRBD driver here is ${describeDriver(proc)} and speaks ${dialect} (family drbd, version ${version})`,
        dialect,
        asked,
      );
    }
    const driver: Driver = {
      version: this.#host.driver?.version ?? proc?.version ?? null,
      api: version,
      address: family.id,
    };
    // The class answers for any operation by the tables; its typed face is the interface.
    return (dialect === 'genl1'
      ? new GenericDrbd(this.#transport, this.#host, families.genl1(), family, driver, this.#order, this.#limits)
      : new GenericDrbd(
          this.#transport,
          this.#host,
          families.genl2(),
          family,
          driver,
          this.#order,
          this.#limits,
        )) as unknown as Client;
  }

  #notFound(asked: Dialect | undefined, proc: ProcDrbd | undefined): UnsupportedError {
    const [what, advice] =
      proc === undefined
        ? [
            `no DRBD driver${asked === undefined ? '' : ` that speaks ${asked}`} was found`,
            'Load the module (modprobe drbd); it is not loaded by this program',
          ]
        : [
            `the DRBD driver of this machine (${describeDriver(proc)}) cannot be reached from here`,
            'This is probably a network namespace (a container), in which neither the family nor the connector exists: run in the namespace of the host',
          ];
    return new UnsupportedError(`${what}. ${this.#seen.join('; ')}. ${advice}`, {
      feature: DRIVER,
      dialect: asked,
      requires: 'the drbd module in this kernel and this network namespace',
    });
  }

  #readProc(): ProcFile {
    const text = this.#host.procDrbd();
    if (typeof text !== 'string') {
      this.#seen.push(`/proc/drbd: ${text.error}`);
      return text.error === 'ENOENT' ? { kind: 'absent' } : { kind: 'unreadable', problem: unreadable(text.error) };
    }
    try {
      const proc = parseProcDrbd(text);
      this.#seen.push(`/proc/drbd: ${describeDriver(proc)}`);
      this.sawDriver = true;
      return { kind: 'read', proc };
    } catch (error) {
      if (!(error instanceof DrbdError)) throw error;
      this.#seen.push(`/proc/drbd: ${error.message}`);
      return { kind: 'unreadable', problem: error };
    }
  }

  /** @param isConnector whether /proc/drbd shows a driver of 8.3 already: then a failure here tells nothing of it */
  async #findFamily(isConnector: boolean): Promise<Family | undefined> {
    try {
      const family = await this.#ask(genericSetup(0, this.#order), familyExchange(this.#order), this.#remaining());
      if (family === undefined) this.#seen.push('generic netlink: the controller knows no family drbd (ENOENT)');
      return family;
    } catch (error) {
      if (!isProtocolAbsent(error) && !(isConnector && isRefusedOf(error))) throw asTransportError(error);
      this.#seen.push(`generic netlink: ${error.message}`);
      return undefined;
    }
  }

  /**
   * @returns the index of a driver that /proc/drbd shows. The module's own parameter tells it without a question, which
   *   every listener would hear.
   */
  async #knownIndex(proc: ProcDrbd | undefined): Promise<number> {
    const told = this.#host.connectorIndex();
    if (told === undefined) {
      // Somebody is there: silence is a matter of time.
      const index = await this.#askIndices([...CN_IDX_DRBD], 0, Infinity);
      if (index === undefined) throw this.#notFound(undefined, proc);
      return index;
    }
    try {
      if (this.#host.hasKernelSocket?.(NETLINK_CONNECTOR) === false) {
        this.#seen.push('connector: the kernel does not listen in this network namespace (/proc/net/netlink)');
        throw this.#notFound(undefined, proc);
      }
      // A missing privilege is told now, and not with the first request.
      new RequestSocket(this.#transport, this.#probeSetup(told, 0), newCounters()).close();
      return told;
    } catch (error) {
      if (!isProtocolAbsent(error)) throw error;
      this.#seen.push(`connector: ${error.message}`);
      throw this.#notFound(undefined, proc);
    }
  }

  #probeSetup(index: number, peerPort: number): SocketSetup {
    return { ...connectorSetup(index, peerPort, this.#order), probe: true };
  }

  /**
   * Asks each index for a state, the likeliest first; the first answer decides.
   * @param limitMs how long silence is waited out; Infinity for all of the time
   * @returns undefined if nobody is there
   */
  async #askIndices(indices: readonly number[], peerPort: number, limitMs: number): Promise<number | undefined> {
    const stop = new AbortController();
    const { signal, timeoutMs = Infinity, wholeMs } = this.#remaining();
    const both = firstOf(signal === undefined ? [stop.signal] : [signal, stop.signal]);
    const wait: PartOptions = {
      signal: both.signal,
      timeoutMs: Math.min(timeoutMs, limitMs),
      ...(wholeMs === undefined || limitMs < timeoutMs ? {} : { wholeMs }),
    };
    const probe = async (index: number): Promise<number> => {
      try {
        await this.#ask(
          this.#probeSetup(index, peerPort),
          connectorExchange('get_state', { minor: 0 }, index, { order: this.#order }),
          wait,
        );
      } catch (error) {
        // Any answer of DRBD is an answer, such as that the minor does not exist.
        if (!(error instanceof KernelError)) throw error;
      }
      return index;
    };
    const [likeliest, ...others] = indices;
    try {
      const first = probe(likeliest ?? CN_IDX_DRBD[0]);
      first.catch(() => undefined);
      const later = async (index: number): Promise<number> => {
        const answered = await Promise.race([
          first.catch(() => undefined),
          sleep(FIRST_INDEX_MS, undefined, { signal: both.signal }),
        ]);
        return answered ?? probe(index);
      };
      return await Promise.any([first, ...others.map(later)]);
    } catch (error) {
      if (!(error instanceof AggregateError)) throw error;
      const reasons = error.errors as readonly unknown[];
      // A refusal says more than silence. Silence that was cut short says nothing.
      const refused = reasons.find((reason) => !(reason instanceof TimeoutError) && !isProtocolAbsent(reason));
      if (refused !== undefined) throw refused;
      const silence = reasons.find((reason) => reason instanceof TimeoutError);
      if (silence !== undefined && timeoutMs <= limitMs) throw silence;
      const texts = new Set(reasons.map((reason) => (reason instanceof Error ? reason.message : String(reason))));
      this.#seen.push(`connector: no answer at index ${indices.join(', ')} (${[...texts].join('; ')})`);
      return undefined;
    } finally {
      stop.abort();
      both.release();
    }
  }

  async #ask<T>(setup: SocketSetup, exchange: Exchange<T>, wait: PartOptions): Promise<T> {
    const socket = new RequestSocket(this.#transport, setup, newCounters());
    try {
      return await attempt<T>(exchange.what, wait, (settle) => socket.start(exchange, settle));
    } finally {
      socket.close();
    }
  }
}

function otherDialect(what: string, there: Dialect, asked: Dialect): UnsupportedError {
  return new UnsupportedError(`${what}, not ${asked}. Ask for ${there}, or for no dialect`, {
    feature: DIALECT,
    dialect: there,
    requires: `a driver that speaks ${asked}`,
  });
}

/** @returns the dialect of what /proc/drbd calls api; undefined for a number that no release has */
export function dialectOfApi(api: number | null | undefined): Dialect | undefined {
  return isConnectorApi(api) ? 'connector' : api === 1 ? 'genl1' : api === 2 ? 'genl2' : undefined;
}

function describeDriver(proc: ProcDrbd | undefined): string {
  return proc === undefined
    ? 'of an unknown release'
    : `version ${proc.version ?? 'unknown'}, api ${proc.api ?? 'unknown'}`;
}

/** @param symbol of the errno, or words */
function unreadable(symbol: string): TransportError {
  const { errno } = constants;
  const known = Object.hasOwn(errno, symbol) ? errno[symbol as keyof typeof errno] : undefined;
  const next =
    symbol === 'ERR_ACCESS_DENIED'
      ? "Node's permission model forbids it: start Node with --allow-fs-read=/proc/drbd --allow-fs-read=/proc/self"
      : 'Mount procfs (mount -t proc proc /proc), or run as root';
  return new TransportError(
    `/proc/drbd cannot be read: ${symbol}${known === undefined ? '' : ` (${known})`}, so it is unknown whether a DRBD driver is loaded. ${next}`,
    { syscall: 'open', ...(known === undefined ? {} : { errno: known }) },
  );
}

/** Whether a privilege is missing. */
function isUnprivileged(error: unknown): error is TransportError {
  const { EPERM, EACCES } = constants.errno;
  return error instanceof TransportError && (error.errno === EPERM || error.errno === EACCES);
}

/** Whether something here forbids the question, which says nothing of the driver. */
function isRefusedOf(error: unknown): error is DrbdError {
  return error instanceof NetlinkError || (error instanceof TransportError && error.code === 'ERR_DRBD_TRANSPORT');
}

/** A refusal for want of a privilege is the same error wherever it comes from. */
function asTransportError(error: unknown): unknown {
  const { EPERM, EACCES } = constants.errno;
  if (!(error instanceof NetlinkError) || (error.errno !== EPERM && error.errno !== EACCES)) return error;
  return new TransportError(`${error.message}`, { syscall: 'sendmsg', errno: error.errno, cause: error });
}
