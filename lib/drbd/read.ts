import { KernelError, MismatchError, NetlinkError } from '../errors';
import { returnCodes } from '../dialects/connector';
import { operations as genl1Operations } from '../dialects/genl1';
import { isUnconfigured } from '../dialects/state-word';
import { hostByteOrder, type ByteOrder } from '../netlink';
import { remainingOf, type WaitOptions } from '../session';
import type { ProcDrbd } from '../dialects/proc-drbd';
import {
  dumpsOfStatus,
  stateFromConnector,
  stateFromGeneric,
  type ConnectorMinor,
  type MinorNames,
  type ConnectorSources,
  type GenericDumps,
  type GenericMessage,
  type GenericReply,
  type Snapshot,
  type State,
} from '../model';

export interface ReadOptions extends WaitOptions {
  /** Byte order of the machine that answers; this one's if absent. */
  readonly order?: ByteOrder;
  /** Names of resources by minor, for the connector dialect, whose kernel knows none. */
  readonly names?: MinorNames | undefined;
  /** Sizes of the devices by minor, for the connector dialect, whose netlink interface does not tell them. */
  readonly sizesBytes?: ReadonlyMap<number, bigint>;
}

interface DriverFacts {
  readonly version: string | null;
  readonly api: number | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** What is needed of a client of the connector dialect. */
export interface ConnectorReader {
  readonly driver: DriverFacts;
  request(
    name: 'get_state' | 'get_config' | 'get_uuids',
    params: { readonly minor: number },
    options: WaitOptions,
  ): Promise<{ readonly tags: Fields }>;
}

/** What is needed of a client of a generic netlink dialect. */
export interface GenericReader {
  readonly driver: DriverFacts;
  request(name: string, params: Readonly<Record<string, unknown>>, options: WaitOptions): Promise<unknown>;
}

/** One message of a dump of DRBD 8.4: the header's minor, and the attribute sets by their struct's name. */
export type Genl1Reply = GenericReply;

/** A reply as request() gives it: its sets are looked at one by one, whatever they hold. */
interface TypedReply {
  readonly minor?: number | undefined;
}

/** What a snapshot of the genl1 dialect is made from. */
export interface Genl1Sources {
  readonly driver: DriverFacts;
  /** Byte order of the machine whose kernel answered. */
  readonly order: ByteOrder;
  /**
   * get_resources, get_devices, get_connections, get_peer_devices. Undefined where the module has no such dump (before
   * 8.4.6): `status` must do then.
   */
  readonly dumps?: { readonly [N in keyof GenericDumps]: readonly (Genl1Reply | TypedReply)[] } | undefined;
  /** get_status: one message for each device. It tells how large a resync is. */
  readonly status?: readonly (Genl1Reply | TypedReply)[] | undefined;
  /** Estimates of time, and the progress of a verify, which the netlink interface lacks. */
  readonly procDrbd?: ProcDrbd | undefined;
  /** Messages of get_initial_state, which is read in one go: the dumps have to agree with it. */
  readonly initial?: readonly GenericMessage[] | undefined;
  /** False if the caller knows that something is missing. */
  readonly complete?: boolean | undefined;
  /** A connection without addresses is an object too, as drbdsetup of 8.4 prints it. */
  readonly bareConnections?: boolean;
}

/** DRBD_MINOR_COUNT_MAX: an 8.3 driver has no minor beyond. */
const MOST_MINORS = 256;
/** Requests under way at the same time; each answer must fit into the socket's buffer beside the others. */
const AT_ONCE = 16;
/** How often the dumps are taken again when something changed meanwhile. */
const READ_TRIES = 3;
const EOPNOTSUPP = 95;

/** Makes a snapshot of what a DRBD 8.0-8.3 driver answered. Whatever the answers hold, it does not throw. */
export function buildConnectorSnapshot(sources: ConnectorSources): Snapshot {
  return stateFromConnector(sources).snapshot;
}

/** Makes a snapshot of what a DRBD 8.4 module answered. Whatever the answers hold, it does not throw. */
export function buildGenl1Snapshot(sources: Genl1Sources): Snapshot {
  return genl1StateOf(sources as PartialSources).snapshot;
}

type PartialSources = Omit<Genl1Sources, 'dumps'> & { readonly dumps?: Partial<GenericDumps> };

function genl1StateOf(sources: PartialSources): State {
  const { order, procDrbd } = sources;
  const status = sources.status as readonly GenericReply[] | undefined;
  const dumps = sources.dumps ?? dumpsOfStatus(status ?? [], order, procDrbd);
  return stateFromGeneric({ ...sources, dialect: 'genl1', status, dumps });
}

/**
 * Reads the state of a DRBD 8.0-8.3 driver: of the minors that /proc/drbd lists, or else of all that there can be. A
 * minor whose state is another one behind its configuration and generations is read again, a few times;
 * `source.complete` tells whether that helped.
 * @param proc what /proc/drbd says, if it could be read: without it there are no counters
 * @throws what request() throws, but for a minor that does not exist
 */
export async function readConnector(
  client: ConnectorReader,
  proc: ProcDrbd | undefined,
  options: ReadOptions = {},
): Promise<State> {
  options.names?.forget?.();
  const remaining = remainingOf(options);
  const candidates =
    proc === undefined
      ? Array.from({ length: MOST_MINORS }, (_unused, minor) => minor)
      : proc.devices.map(({ minor }) => minor);
  const order = options.order ?? hostByteOrder();
  const minors: ConnectorMinor[] = [];
  let disturbed = false;
  let mismatch: MismatchError | undefined;
  let isAnswered = false;
  const readOne = async (minor: number): Promise<void> => {
    const missing = new Set<string>();
    const ask = async (name: 'get_state' | 'get_config' | 'get_uuids'): Promise<Fields | undefined> => {
      try {
        const answer = await ifExists(client.request(name, { minor }, remaining()));
        isAnswered = true;
        return answer?.tags;
      } catch (error) {
        if (!(error instanceof MismatchError)) throw error;
        // A recording of another program may hold some of the questions only.
        mismatch ??= error;
        missing.add(name);
        return undefined;
      }
    };
    let state = await ask('get_state');
    for (let attempt = 1; ; attempt++) {
      if (missing.has('get_state')) {
        const [config, uuids] = [await ask('get_config'), await ask('get_uuids')];
        if (config !== undefined || uuids !== undefined || proc !== undefined) minors.push({ minor, config, uuids });
        return;
      }
      if (state === undefined) {
        if (proc !== undefined) disturbed = true;
        return;
      }
      const word = state['state_i'];
      if (typeof word === 'number' && isUnconfigured(word, order)) {
        minors.push({ minor, state });
        return;
      }
      const [config, uuids] = await Promise.all([ask('get_config'), ask('get_uuids')]);
      const after = await ask('get_state');
      const isSame = missing.size > 0 || after?.['state_i'] === word;
      if (isSame || attempt >= READ_TRIES) {
        if (!isSame) disturbed = true;
        minors.push({ minor, state, config, uuids });
        return;
      }
      state = after;
    }
  };
  for (let at = 0; at < candidates.length; at += AT_ONCE)
    await Promise.all(candidates.slice(at, at + AT_ONCE).map(readOne));
  if (mismatch !== undefined && !isAnswered) throw mismatch;
  const known = new Set(minors.map(({ minor }) => minor));
  return stateFromConnector({
    driver: client.driver,
    order,
    minors,
    // Minors do not go away one by one: a line without a minor is of another driver's life.
    procDrbd:
      proc === undefined ? undefined : { ...proc, devices: proc.devices.filter(({ minor }) => known.has(minor)) },
    names: options.names,
    sizesBytes: options.sizesBytes,
    complete: !disturbed && mismatch === undefined,
  });
}

/** @returns the answer, or undefined if the minor does not exist */
export async function ifExists<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof KernelError && error.returnCode === returnCodes.ERR_MINOR_INVALID) return undefined;
    throw error;
  }
}

/**
 * Takes dumps of a client, one after the other. A recording of another program may hold some of them only: what it holds
 * is read, as long as it is anything.
 */
class Dumper {
  /** The questions that a recording does not hold. */
  readonly missing = new Set<string>();
  readonly #client: GenericReader;
  readonly #remaining: () => WaitOptions;
  #isAnswered = false;
  #mismatch: MismatchError | undefined;

  constructor(client: GenericReader, options: ReadOptions) {
    this.#client = client;
    this.#remaining = remainingOf(options);
  }

  /**
   * @param resources to be asked about one by one, as drbdsetup does, where a recording does not hold the question about
   *   all
   * @returns undefined if a recording does not hold the question
   */
  async take(name: string, resources: readonly Reply[] = []): Promise<readonly Reply[] | undefined> {
    const all = await this.#ask(name, {});
    if (all !== undefined) return all;
    const found: Reply[] = [];
    let isHeld = false;
    for (const { context } of resources as readonly Named[]) {
      const one = await this.#ask(name, { context: { ctx_resource_name: context?.ctx_resource_name } });
      if (one !== undefined) isHeld = true;
      found.push(...(one ?? []));
    }
    this.missing.add(name);
    return isHeld ? found : undefined;
  }

  async #ask(name: string, params: Fields): Promise<readonly Reply[] | undefined> {
    try {
      const replies = await this.#client.request(name, params, this.#remaining());
      this.#isAnswered = true;
      return Array.isArray(replies) ? (replies as readonly Reply[]) : [];
    } catch (error) {
      if (!(error instanceof MismatchError)) throw error;
      this.#mismatch ??= error;
      return undefined;
    }
  }

  /** @throws MismatchError if a recording holds none of the questions */
  requireAny(): void {
    if (!this.#isAnswered && this.#mismatch !== undefined) throw this.#mismatch;
  }

  async initial(): Promise<readonly GenericMessage[] | undefined> {
    return (await this.take('get_initial_state'))?.map(({ name = '', minor, ...sets }) => ({ name, minor, sets }));
  }

  async dumps(): Promise<Partial<GenericDumps>> {
    const dumps: { -readonly [N in keyof GenericDumps]?: readonly Reply[] } = {};
    for (const [name, question] of DUMPS) {
      const replies = await this.take(question, dumps.resources);
      if (replies !== undefined) dumps[name] = replies;
    }
    return dumps;
  }
}

type Named = Reply & { readonly context?: { readonly ctx_resource_name?: string } };

const DUMPS = [
  ['resources', 'get_resources'],
  ['devices', 'get_devices'],
  ['connections', 'get_connections'],
  ['peerDevices', 'get_peer_devices'],
] as const satisfies readonly (readonly [keyof GenericDumps, string])[];

interface Reply extends GenericReply {
  readonly name?: string;
}

/**
 * @param operations numbers of those that a module of 8.4 has; empty if unknown
 * @returns whether it has dumps of each kind of object and notifications: from 8.4.6 on
 */
export function announces(operations: ReadonlySet<number>): boolean {
  return operations.size === 0 || operations.has(genl1Operations.get_resources.number);
}

/**
 * Reads the state of a DRBD 8.4 module: the initial state, which the kernel tells in one go, and then the dumps, which
 * have the options and counters. When they do not agree, something changed in between, and they are taken again, a few
 * times; `source.complete` tells whether that helped.
 * @param operations numbers of those that the module has; empty if unknown. Before 8.4.6 there is only get_status
 * @param proc what /proc/drbd says, if it could be read: it has the estimates of time
 * @throws what request() throws
 */
export async function readGenl1(
  client: GenericReader,
  operations: ReadonlySet<number>,
  proc: ProcDrbd | undefined,
  options: ReadOptions = {},
): Promise<State> {
  const order = options.order ?? hostByteOrder();
  const dumper = new Dumper(client, options);
  const { driver } = client;
  const old = async (): Promise<State> => {
    const status = await dumper.take('get_status');
    dumper.requireAny();
    return genl1StateOf({ driver, order, status, procDrbd: proc, complete: dumper.missing.size === 0 });
  };
  if (!announces(operations)) return old();
  for (let attempt = 1; ; attempt++) {
    let dumps: Partial<GenericDumps>;
    let initial: readonly GenericMessage[] | undefined;
    try {
      initial = await dumper.initial();
      dumps = await dumper.dumps();
      // drbdsetup of 8.4 asks for nothing else.
      if (initial === undefined && Object.keys(dumps).length === 0) return await old();
    } catch (error) {
      if (error instanceof NetlinkError && error.errno === EOPNOTSUPP) return old();
      throw error;
    }
    const read = { driver, order, dumps, initial, procDrbd: proc, complete: dumper.missing.size === 0 };
    const first = genl1StateOf(read);
    // Only get_status tells how large a resync is.
    const state = resyncs(first) ? genl1StateOf({ ...read, status: await dumper.take('get_status') }) : first;
    if (state.source.complete || dumper.missing.size > 0 || attempt >= READ_TRIES) return state;
  }
}

function resyncs(state: State): boolean {
  for (const entry of state.entries())
    if (entry.object === 'peerDevice' && entry.values.resync?.kind === 'sync') return true;
  return false;
}

/**
 * Reads the state of a DRBD 9 module: the initial state, which the kernel tells in one go, and then the dumps, which
 * have the options as well. When they do not agree, something changed in between, and they are taken again, a few
 * times; `source.complete` tells whether that helped.
 * @throws what request() throws
 */
export async function readGenl2(client: GenericReader, options: ReadOptions = {}): Promise<State> {
  const order = options.order ?? hostByteOrder();
  const dumper = new Dumper(client, options);
  for (let attempt = 1; ; attempt++) {
    const initial = await dumper.initial();
    const dumps = await dumper.dumps();
    dumper.requireAny();
    const complete = dumper.missing.size === 0;
    const state = stateFromGeneric({ dialect: 'genl2', order, driver: client.driver, dumps, initial, complete });
    if (state.source.complete || !complete || attempt >= READ_TRIES) return state;
  }
}

/** {@link readConnector}, as a snapshot. */
export async function connectorSnapshot(...args: Parameters<typeof readConnector>): Promise<Snapshot> {
  return (await readConnector(...args)).snapshot;
}

/** {@link readGenl1}, as a snapshot. */
export async function genl1Snapshot(...args: Parameters<typeof readGenl1>): Promise<Snapshot> {
  return (await readGenl1(...args)).snapshot;
}
