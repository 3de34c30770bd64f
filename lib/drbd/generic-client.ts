import { ArgumentError, NetlinkError, TimeoutError, UnsupportedError } from '../errors';
import {
  decodeFamilyChange,
  decodeRaw,
  EVENTS_GROUP,
  familyExchange,
  type Family,
  type FamilyCodec,
} from '../dialects/generic';
import {
  acknowledgementError,
  decodeAcknowledgement,
  formatHex,
  GENL_ID_CTRL,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_MIN_TYPE,
  type ByteOrder,
  type ReceivedMessage,
} from '../netlink';
import { isObject, type CodeTable } from '../schema';
import {
  remainingOf,
  type Decoded,
  type Decoder,
  type Exchange,
  type Outcome,
  type Subscription,
  type WaitOptions,
} from '../session';
import type { HostFiles, Transport } from '../transport/transport';
import { DRIVER, ifDriver, moduleUnloaded } from './absent';
import { BaseClient, broadcastsOf, type ClientLimits } from './base-client';
import { genericSetup } from './generic-setup';
import type { FollowSource } from './follow';
import { genericSource } from './sources';
import {
  encodingOf,
  type Driver,
  type DumpStep,
  type EventOptions,
  type GenericEvent,
  type GenericReply,
  type RequestOptions,
  type ResyncEvent,
} from './client';
import { adviceAfterTimeout, mayHang, refuseGenericHang, refuseGenl2Hang } from './guard';
import type { Snapshot, State } from '../model';
import { announces, readGenl1, readGenl2 } from './read';
import { parseProcDrbd } from '../dialects/proc-drbd';
import { isSuccess, kernelError, returnName } from './result';

/** What tells the versions of the family apart. */
export interface FamilyDialect<D extends 'genl1' | 'genl2'> {
  readonly name: D;
  readonly codec: FamilyCodec;
  readonly returnCodes: CodeTable;
  readonly stateChangeCodes: CodeTable;
}

const ENOENT = 2;
/** What netlink programs make of an interrupted dump. */
const EINTR = 4;
/** How often a dump that a change interrupted is asked again. */
const DUMP_TRIES = 8;

/** What a dump has brought. */
interface Dumped {
  readonly replies: readonly GenericReply[];
  readonly interrupted: boolean;
  readonly sequence: number;
}

/** @returns what a request concerns, in words: `attach of minor 0`, `new_resource of r0` */
function describe(name: string, params: Readonly<Record<string, unknown>>): string {
  const context = isObject(params['context']) ? params['context'] : {};
  if (typeof params['minor'] === 'number') return `${name} of minor ${params['minor']}`;
  return typeof context['ctx_resource_name'] === 'string' ? `${name} of ${context['ctx_resource_name']}` : name;
}

/** The client of DRBD 8.4 (genl1) and 9 (genl2). */
export class GenericDrbd<D extends 'genl1' | 'genl2'> extends BaseClient<GenericEvent> {
  readonly dialect: D;
  readonly #family: FamilyDialect<D>;
  readonly #host: HostFiles;
  #driver: Driver;
  #ids: Family;

  constructor(
    transport: Transport,
    host: HostFiles,
    family: FamilyDialect<D>,
    ids: Family,
    driver: Driver,
    order: ByteOrder,
    limits: ClientLimits,
  ) {
    super(transport, genericSetup(0, order), limits);
    this.dialect = family.name;
    this.#family = family;
    this.#host = host;
    this.#ids = ids;
    this.#driver = driver;
  }

  get driver(): Driver {
    return this.#driver;
  }

  async request(
    name: string,
    params: Readonly<Record<string, unknown>> = {},
    options: RequestOptions = {},
  ): Promise<GenericReply | readonly GenericReply[]> {
    const { codec } = this.#family;
    const encoded = codec.encodeRequest(name, params, encodingOf(options, this.order));
    const what = describe(name, params);
    const { kind } = encoded.operation;
    const guarded = options.forceUnsafe !== true && mayHang(this.dialect, name);
    const before = (wait: WaitOptions): Promise<void> =>
      this.dialect === 'genl1'
        ? refuseGenericHang(this, name, encoded.minor, this.#procDrbd(), { ...wait, order: this.order })
        : refuseGenl2Hang(this, name, params, this.#driver.version, wait);
    return this.#whileFamilyHolds(options, async (family, wait) => {
      if (encoded.dump) return this.#dumpAll(what, family, encoded.datagram, wait);
      const exchange = this.#single(what, name, family, encoded, kind === 'read' || kind === 'dump');
      return kind === 'change'
        ? this.change(exchange, this.#keys(params), { ...wait, ...(guarded ? { before } : {}) })
        : this.read(exchange, wait);
    }).catch((error: unknown) => {
      const advice = error instanceof TimeoutError ? adviceAfterTimeout(this.dialect, name) : undefined;
      if (!(error instanceof TimeoutError) || advice === undefined) throw error;
      throw new TimeoutError(`${error.message}. ${advice}`, error.timeoutMs, error.sent);
    });
  }

  async dumpEach(
    places: readonly Readonly<Record<string, unknown>>[],
    steps: readonly DumpStep[],
    options: WaitOptions = {},
  ): Promise<readonly PromiseSettledResult<Readonly<Record<string, readonly GenericReply[]>>>[]> {
    const family = this.#ids.id;
    const questions = places.flatMap((params) => {
      const encoded = this.#family.codec.encodeDumps(
        steps.map(({ name }) => name),
        params,
        { order: this.order },
      );
      return steps.map(({ name, onlyIfPrevious = 0 }, step) => {
        const datagram = encoded[step];
        if (datagram === undefined || onlyIfPrevious > step)
          throw new ArgumentError('steps', `${name}: expected at most ${step} before it`);
        return { exchange: this.#dumpOnce(describe(name, params), family, datagram), onlyIfPrevious };
      });
    });
    const outcomes = await this.dumpBatch(questions, ({ replies }) => replies.length > 0, options);
    const results: PromiseSettledResult<Readonly<Record<string, readonly GenericReply[]>>>[] = [];
    for (const [place, params] of places.entries()) {
      const value: Record<string, readonly GenericReply[]> = {};
      try {
        for (const [step, { name }] of steps.entries()) {
          const outcome = outcomes[place * steps.length + step];
          value[name] = outcome === undefined ? [] : await this.#dumped(name, params, outcome, options);
        }
        results.push({ status: 'fulfilled', value });
      } catch (reason) {
        results.push({ status: 'rejected', reason });
      }
    }
    return results;
  }

  /** What a question of a batch has brought; one that has to be asked again is asked by itself. */
  async #dumped(
    name: string,
    params: Readonly<Record<string, unknown>>,
    outcome: NonNullable<Outcome<Dumped>>,
    options: WaitOptions,
  ): Promise<readonly GenericReply[]> {
    const again =
      'error' in outcome
        ? outcome.error instanceof NetlinkError && outcome.error.errno === ENOENT
        : outcome.value.interrupted;
    if (again) return (await this.request(name, params, options)) as readonly GenericReply[];
    if ('error' in outcome) throw outcome.error;
    return outcome.value.replies;
  }

  broadcasts(options: EventOptions = {}): AsyncIterableIterator<GenericEvent | ResyncEvent> {
    return broadcastsOf(this.#listen(options));
  }

  #listen(options: EventOptions): Subscription<GenericEvent> {
    // The controller tells in its own group when the module comes and goes.
    const groups = [this.#eventsGroup(this.#ids), GENL_ID_CTRL];
    return this.subscribe({ groups }, this.#decoder(this.#ids), options);
  }

  protected override source(listening: EventOptions): FollowSource {
    const { dialect, order } = this;
    const { driver } = this;
    return genericSource(
      {
        driver,
        listen: () => this.#listen(listening),
        read: (signal) => ifDriver(this.#read({ signal })),
      },
      { dialect, order },
      dialect === 'genl2' || announces(this.#ids.operations),
    );
  }

  /** @throws UnsupportedError where the module has no such group */
  #eventsGroup({ groups }: Family): number {
    const group = groups.get(EVENTS_GROUP);
    if (group !== undefined) return group;
    throw new UnsupportedError(`the family drbd of this kernel has no multicast group "${EVENTS_GROUP}"`, {
      feature: 'events',
      dialect: this.dialect,
      requires: 'a module that registers the group',
    });
  }

  async status(options: WaitOptions = {}): Promise<Snapshot> {
    return (await this.#read(options)).snapshot;
  }

  #read(options: WaitOptions): Promise<State> {
    const { order } = this;
    return this.dialect === 'genl2'
      ? readGenl2(this, { ...options, order })
      : readGenl1(this, this.#ids.operations, this.#procDrbd(), { ...options, order });
  }

  #procDrbd(): ReturnType<typeof parseProcDrbd> | undefined {
    const text = this.#host.procDrbd();
    return typeof text === 'string' ? parseProcDrbd(text) : undefined;
  }

  /** What a change concerns: its minor, its resource, its link. */
  #keys(params: Readonly<Record<string, unknown>>): readonly string[] {
    const keys: string[] = [];
    if (typeof params['minor'] === 'number') keys.push(`minor ${params['minor']}`);
    const context = params['context'];
    if (isObject(context)) {
      if (context['ctx_resource_name'] !== undefined) keys.push(`resource ${String(context['ctx_resource_name'])}`);
      const text = (address: unknown): string =>
        address instanceof Uint8Array ? formatHex(address) : (JSON.stringify(address) ?? '');
      if (context['ctx_my_addr'] !== undefined)
        keys.push(`link ${text(context['ctx_my_addr'])} ${text(context['ctx_peer_addr'])}`);
    }
    return keys;
  }

  /**
   * After a reload of the module the family has another number; a request to the old one was carried out by nobody, and
   * is sent again.
   */
  async #whileFamilyHolds<T>(
    options: WaitOptions,
    run: (family: number, options: WaitOptions) => Promise<T>,
  ): Promise<T> {
    const remaining = remainingOf(options);
    // A stream may have learned the new number meanwhile: what counts is the one that was sent.
    const sent = this.#ids.id;
    try {
      return await run(sent, options);
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.errno !== ENOENT) throw error;
      const now = await this.read(familyExchange(this.order), remaining());
      if (now === undefined)
        throw moduleUnloaded(this.dialect, 'the generic netlink family drbd', 'open a new client', error);
      this.#requireVersion(now, error);
      if (now.id === sent) throw error;
      this.#adopt(now);
      return this.#whileFamilyHolds(remaining(), run);
    }
  }

  #adopt(family: Family): void {
    this.#ids = family;
    this.#driver = { ...this.#driver, address: family.id };
  }

  #single(
    what: string,
    name: string,
    family: number,
    encoded: {
      readonly minor: number | undefined;
      datagram(header: { family: number; sequence: number; port: number }): Uint8Array;
    },
    idempotent: boolean,
  ): Exchange<GenericReply> {
    const command = this.#family.codec.operation(name)?.number;
    let asked = { sequence: 0, port: 0 };
    return {
      what,
      idempotent,
      restart: () => undefined,
      datagram: (sequence, port) => {
        asked = { sequence, port };
        return encoded.datagram({ family, sequence, port });
      },
      receive: (message) => {
        if (message.port !== asked.port) return 'foreign';
        if (message.type === NLMSG_ERROR) {
          const acknowledgement = decodeAcknowledgement(message, this.order);
          if (acknowledgement.errno === 0) return 'more';
          throw acknowledgementError(acknowledgement, asked.sequence, what);
        }
        if (message.type !== family) return 'foreign';
        const { command: answered, reply } = this.#reply(message);
        if (answered !== command) return 'foreign';
        return { done: this.#checked(what, reply) };
      },
    };
  }

  async #dumpAll(
    what: string,
    family: number,
    datagram: (header: { family: number; sequence: number; port: number }) => Uint8Array,
    options: WaitOptions,
  ): Promise<readonly GenericReply[]> {
    const remaining = remainingOf(options);
    for (let tries = 1; ; tries++) {
      const { replies, interrupted, sequence } = await this.dump(
        this.#dumpOnce(what, family, datagram),
        tries === 1 ? options : remaining(),
      );
      if (!interrupted) return replies;
      if (tries === DUMP_TRIES) {
        throw new NetlinkError(
          `${what}: the state changed during each of ${DUMP_TRIES} dumps (NLM_F_DUMP_INTR); try again when it is calmer`,
          { errno: EINTR, sequence },
        );
      }
    }
  }

  #dumpOnce(
    what: string,
    family: number,
    datagram: (header: { family: number; sequence: number; port: number }) => Uint8Array,
  ): Exchange<Dumped> {
    let asked = { sequence: 0, port: 0 };
    let replies: GenericReply[] = [];
    let interrupted = false;
    return {
      what,
      idempotent: true,
      restart: () => {
        replies = [];
        interrupted = false;
      },
      datagram: (sequence, port) => {
        asked = { sequence, port };
        return datagram({ family, sequence, port });
      },
      receive: (message) => {
        // What get_initial_state sends are notifications, whose header names no port.
        if (message.port !== asked.port && message.port !== 0) return 'foreign';
        if ((message.flags & NLM_F_DUMP_INTR) !== 0) interrupted = true;
        if (message.type === NLMSG_ERROR || (message.type === NLMSG_DONE && (message.flags & NLM_F_MULTI) !== 0)) {
          const acknowledgement = decodeAcknowledgement(message, this.order);
          if (acknowledgement.errno !== 0) throw acknowledgementError(acknowledgement, asked.sequence, what);
          return message.type === NLMSG_DONE ? { done: { replies, interrupted, sequence: asked.sequence } } : 'more';
        }
        if (message.type !== family) return message.type < NLMSG_MIN_TYPE ? 'more' : 'foreign';
        replies.push(this.#checked(what, this.#reply(message).reply));
        return 'more';
      },
    };
  }

  #reply(message: ReceivedMessage): { readonly command: number; readonly reply: GenericReply } {
    const { codec } = this.#family;
    const { command, name, minor, returnCode, sets, unknown } = codec.read(message, this.order);
    const reply: GenericReply = {
      ...sets,
      name,
      returnCode,
      returnName: returnName(this.#family, returnCode),
      minor,
      infoText: 'drbd_cfg_reply' in sets ? codec.infoTexts(decodeRaw(message, this.order), this.order) : [],
      unknown,
    };
    return { command, reply };
  }

  #checked(what: string, reply: GenericReply): GenericReply {
    if (isSuccess(reply.returnCode)) return reply;
    throw kernelError(
      what,
      { dialect: this.dialect, operation: what.split(' ', 1)[0] },
      reply.returnName,
      reply.returnCode,
      reply.minor,
      reply.infoText,
    );
  }

  /** @param ids of the module whose messages are read */
  #decoder(ids: Family): Decoder<GenericEvent> {
    return (message) => {
      const change = decodeFamilyChange(message, this.order);
      if (change !== undefined) return change.gone ? { kind: 'gone' } : this.#returned(change.family, ids);
      if (message.type !== ids.id) return undefined;
      const { sequence } = message;
      const { name, minor, sets, unknown } = this.#family.codec.read(message, this.order);
      return {
        kind: 'message',
        value: { kind: 'event', name, minor, sequence, sets, unknown },
        count: { name: name === 'event' ? 'drbd_genl_seq' : 'notify_genl_seq', sequence },
      };
    };
  }

  #returned(family: Family, before: Family): Decoded<GenericEvent> {
    try {
      this.#requireVersion(family);
      return {
        kind: 'returned',
        isSame: family.id === before.id,
        groups: [this.#eventsGroup(family)],
        decode: this.#decoder(family),
        accept: () => {
          this.#adopt(family);
        },
      };
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      return { kind: 'over', error };
    }
  }

  /** @throws UnsupportedError for a module of another dialect */
  #requireVersion({ version }: Family, cause?: unknown): void {
    const expected = this.#family.codec.version;
    if (version === expected) return;
    throw new UnsupportedError(
      `another DRBD module was loaded: the family drbd has version ${version} now, not ${expected}. Open a new client`,
      {
        feature: DRIVER,
        dialect: this.dialect,
        requires: `family version ${expected}`,
        ...(cause === undefined ? {} : { cause }),
      },
    );
  }
}
