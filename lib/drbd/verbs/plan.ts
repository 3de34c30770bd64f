import { ArgumentError, UnsupportedError } from '../../errors';
import { codecOf } from '../../dialects/codecs';
import { encodeRequest as encodeConnectorRequest, encodeRequestBody, packets } from '../../dialects/connector';
import { isBefore } from '../../dialects/release';
import { AF_INET, type ByteOrder } from '../../netlink';
import { encodeValue, type AnyField, type Operation } from '../../schema';
import { formatPathAddress, pathAddressOf, type Connection, type ModelDialect, type Snapshot } from '../../model';
import {
  invalidateVerbs,
  operationsOf,
  simpleVerbs,
  verbOptions,
  verbs,
  type SimpleVerb,
  type VerbName,
  type VerbOption,
} from './tables';
import { Aim, readAddress, socketAddress, type DeviceAt, type PeerDeviceAt, type VerbTarget } from './target';

/** Options of a verb by name; what is undefined counts as left out. */
export type VerbOptions = Readonly<Record<string, unknown>>;

/** What a verb without options takes. */
export type NoOptions = Readonly<Record<never, never>>;

/** A request that a verb sends, as request() of the client takes it. */
export interface PlannedRequest {
  /** Name of the packet or the operation. */
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
}

const NAME_OF_DIALECT: Readonly<Record<ModelDialect, string>> = {
  connector: 'DRBD 8.3',
  genl1: 'DRBD 8.4',
  genl2: 'DRBD 9',
};
/** Of two places where an option is known, the release that is asked for. */
const DIALECTS: readonly ModelDialect[] = ['connector', 'genl1', 'genl2'];
const SETS = {
  resource_opts: 'resource',
  chg_disk_opts: 'device',
  chg_net_opts: 'connection',
  chg_peer_device_opts: 'peerDevice',
  syncer_conf: 'device',
} as const;
/** Objects whose options `setOptions` changes. */
type OptionObject = (typeof SETS)[keyof typeof SETS];
/** Bytes are encoded for their errors only. */
const CHECK = { order: 'little' } as const;

/**
 * Works out the requests of a verb, without sending anything: a pure function. All are checked, so that a slip in the
 * last keeps the first from being sent.
 * @param verb such as `attach`
 * @param target what it acts on; what the target leaves out stands for all that there are, unless the act would harm
 * @param options by name, see {@link verbOptions}; values with a word may be the word or the number, and addresses text
 * @param snapshot of the kernel that the requests are for: its dialect decides, and what exists is not created again
 * @returns the requests in the order in which they are to be sent; none where there is nothing to do
 * @throws ArgumentError for an unknown or missing option, a value out of range, or a target that is not there or not
 *   clear; UnsupportedError for what the dialect or the loaded release lacks
 */
export function plan(
  verb: VerbName,
  target: VerbTarget,
  options: VerbOptions,
  snapshot: Snapshot,
): readonly PlannedRequest[] {
  if (!Object.hasOwn(verbs, verb))
    throw new ArgumentError(
      'verb',
      `${JSON.stringify(verb)} is not a verb; there are ${Object.keys(verbs).join(', ')}`,
    );
  const { dialect } = snapshot.source;
  const planner =
    dialect === 'connector'
      ? new ConnectorPlan(verb, target, snapshot)
      : new GenericPlan(dialect, verb, target, snapshot);
  const requests = planner.requests(options);
  for (const request of requests) encodePlanned(dialect, request, CHECK);
  return requests;
}

/** Where the bytes of a planned request go: the connector's index or the family's id, and the headers' numbers. */
export interface PlannedHeader {
  readonly order: ByteOrder;
  /** The driver's address; 0 if absent. */
  readonly address?: number;
  readonly sequence?: number;
  readonly port?: number;
}

/** @returns the datagram of a planned request. @throws ArgumentError */
export function encodePlanned(
  dialect: ModelDialect,
  { name, params }: PlannedRequest,
  { order, address = 0, sequence = 0, port = 0 }: PlannedHeader,
): Uint8Array {
  return dialect === 'connector'
    ? encodeConnectorRequest(
        encodeRequestBody(name, params, { order }),
        { idx: address, sequence, ack: sequence, port },
        order,
      )
    : codecOf(dialect).encodeRequest(name, params, { order }).datagram({ family: address, sequence, port });
}

/** @returns the request with something else in the place of each secret, which the tables tell */
export function replaceSecrets(
  dialect: ModelDialect,
  { name, params }: PlannedRequest,
  replacement: (secret: string) => unknown,
): PlannedRequest {
  const fieldsOf = (set: string): Readonly<Record<string, AnyField>> =>
    dialect === 'connector'
      ? packets[name as keyof typeof packets].tags
      : (operationsOf(dialect)[name]?.request[set]?.fields ?? {});
  const replaced = Object.entries(params).map(([set, values]): [string, unknown] => {
    if (typeof values !== 'object' || values === null) return [set, values];
    const fields = fieldsOf(set);
    const shown = Object.entries(values).map(([field, value]): [string, unknown] => [
      field,
      fields[field]?.secret === true && typeof value === 'string' ? replacement(value) : value,
    ]);
    return [set, Object.fromEntries(shown)];
  });
  return { name, params: Object.fromEntries(replaced) };
}

/** The values of a verb's options, by the request and the set that carry them. */
type Values = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/** What the planners of all dialects share: options and targets. */
abstract class Plan {
  protected readonly verb: VerbName;
  protected readonly aim: Aim;
  readonly #dialect: ModelDialect;
  readonly #version: string | null;

  constructor(dialect: ModelDialect, verb: VerbName, target: VerbTarget, snapshot: Snapshot) {
    this.#dialect = dialect;
    this.#version = snapshot.source.driver;
    this.verb = verb;
    this.aim = new Aim(verb, target, snapshot);
  }

  abstract requests(options: VerbOptions): readonly PlannedRequest[];

  /** @throws UnsupportedError */
  protected lack(feature: string, requires: string, advice: string): never {
    throw new UnsupportedError(
      `${this.verb} of ${this.aim.label}: ${NAME_OF_DIALECT[this.#dialect]} has no ${feature}, so nothing was sent. ${advice}`,
      { feature, dialect: this.#dialect, requires },
    );
  }

  /** @throws UnsupportedError where the loaded module is older than what is asked for */
  protected requireRelease(feature: string, since: string | undefined): void {
    const version = this.#version;
    if (since === undefined || version === null || !isBefore(version, since)) return;
    throw new UnsupportedError(
      `${this.verb} of ${this.aim.label}: ${feature} needs DRBD ${since}, and the loaded module is ${version}, so nothing was sent. Leave it out, or update the module`,
      { feature, dialect: this.#dialect, requires: `DRBD ${since}` },
    );
  }

  /** @param only the request whose options count, where the verb has several kinds */
  protected read(options: VerbOptions, only?: string): Values {
    const rows = verbOptions(this.#dialect, this.verb).filter(({ request }) => only === undefined || request === only);
    const values = new Map<string, Record<string, unknown>>();
    for (const [name, value] of Object.entries(options)) {
      if (value === undefined) continue;
      const row = rows.find((candidate) => candidate.name === name) ?? this.#refuseOption(name, rows);
      this.requireRelease(`the option ${name}`, this.#sinceOf(row));
      const key = `${row.request} ${row.set}`;
      const group = values.get(key) ?? {};
      values.set(key, Object.assign(group, { [row.field]: this.#value(row, value) }));
    }
    return values;
  }

  #value({ name, about, negated }: VerbOption, given: unknown): unknown {
    const path = `${this.verb}.${name}`;
    const value = about.kind === 'address' ? readAddress(given, path) : given;
    encodeValue(about, value, path, CHECK);
    return negated ? value !== true : value;
  }

  /** A number that had another name in older releases is as old as that name. */
  #sinceOf({ request, set, about }: VerbOption): string | undefined {
    const table: Readonly<Record<string, AnyField>> =
      this.#dialect === 'connector'
        ? packets[request as keyof typeof packets].tags
        : (operationsOf(this.#dialect)[request]?.request[set]?.fields ?? {});
    const older = Object.values(table).find((field) => field !== about && field.number === about.number);
    return older === undefined ? about.since : older.since;
  }

  #refuseOption(name: string, rows: readonly VerbOption[]): never {
    const elsewhere = verbOptions(this.#dialect, 'attach')
      .concat(verbOptions(this.#dialect, 'connect'), verbOptions(this.#dialect, 'create'))
      .find((row) => row.name === name);
    if (this.verb === 'setOptions' && elsewhere !== undefined) {
      const when = elsewhere.request === 'net_conf' || elsewhere.request === 'new_peer' ? 'connect' : 'attach';
      this.lack(`request that changes ${name} later`, 'DRBD 8.4', `Give it to ${when} instead`);
    }
    const other = DIALECTS.find(
      (dialect) => dialect !== this.#dialect && verbOptions(dialect, this.verb).some((row) => row.name === name),
    );
    if (other !== undefined)
      this.lack(
        `option ${name} of ${this.verb}`,
        NAME_OF_DIALECT[other],
        elsewhere === undefined ? 'Leave it out' : `Give it to ${this.#verbOf(name)} instead`,
      );
    throw new ArgumentError(
      `${this.verb}.${name}`,
      elsewhere !== undefined
        ? `is an option of ${this.#verbOf(name)}, not of ${this.verb}. Give it there`
        : `there is no such option; ${this.verb} has ${rows.length === 0 ? 'none' : rows.map((row) => row.name).join(', ')}`,
    );
  }

  #verbOf(name: string): string {
    return (
      (['create', 'attach', 'connect', 'setOptions'] as const).find((verb) =>
        verbOptions(this.#dialect, verb).some((row) => row.name === name),
      ) ?? this.verb
    );
  }

  /** @throws ArgumentError that names the first option that a set cannot do without */
  protected requireAll(
    fields: Readonly<Record<string, AnyField>>,
    request: string,
    given: Readonly<Record<string, unknown>>,
  ): void {
    for (const [field, { required }] of Object.entries(fields)) {
      if (required !== true || given[field] !== undefined) continue;
      const name = verbOptions(this.#dialect, this.verb).find(
        (row) => row.request === request && row.field === field,
      )?.name;
      this.aim.refuse(name ?? field, 'is missing, and the kernel refuses a request without it');
    }
  }

  /** @returns the devices that a verb acts on. @throws ArgumentError where it must be told which */
  protected devices({ one }: SimpleVerb): readonly DeviceAt[] {
    const devices = this.aim.devices();
    if (one === true) this.aim.only(devices, 'volume', ({ volume }) => `volume ${volume}`);
    return devices;
  }

  protected simple(options: VerbOptions): readonly [SimpleVerb, VerbOptions] {
    if (this.verb !== 'invalidate') return [simpleVerbs[this.verb as keyof typeof simpleVerbs], options];
    const { side = 'local', ...others } = options;
    if (side !== 'local' && side !== 'peer')
      this.aim.refuse(
        'side',
        `local (throw away the data of this node) or peer is needed, not ${JSON.stringify(side)}`,
      );
    if (side === 'local' && this.aim.target.peer !== undefined)
      this.aim.refuse(
        'peer',
        'names the side whose data is thrown away, with side: "peer"; leave it out for this node\'s own',
      );
    return [invalidateVerbs[side], others];
  }

  protected objectsOf(setDefaults: unknown): ReadonlySet<OptionObject> {
    const objects = new Set<OptionObject>(Object.values(SETS));
    if (setDefaults === undefined) return new Set();
    if (!Array.isArray(setDefaults) || !setDefaults.every((item) => objects.has(item as OptionObject)))
      this.aim.refuse(
        'setDefaults',
        `a list of ${[...objects].join(', ')} is needed: whose other options become default`,
      );
    return new Set(setDefaults as readonly OptionObject[]);
  }
}

/** DRBD 8.3: minors only, and a flag that creates them. */
class ConnectorPlan extends Plan {
  constructor(verb: VerbName, target: VerbTarget, snapshot: Snapshot) {
    super('connector', verb, target, snapshot);
  }

  requests(options: VerbOptions): readonly PlannedRequest[] {
    const { verb } = this;
    switch (verb) {
      case 'create':
        return this.#create(options);
      case 'attach':
        return this.#configure('disk_conf', options, (first, syncer) => [first, ...syncer]);
      case 'connect':
        return this.#configure('net_conf', options, (first, syncer) => [...syncer, first]);
      case 'down':
        return this.#down(options);
      case 'setOptions': {
        const { setDefaults, ...others } = options;
        const defaults = this.objectsOf(setDefaults).size > 0;
        const tags = this.read(others).get('syncer_conf tags');
        if (tags === undefined && !defaults) return [];
        return this.aim.devices().map(({ minor }) => ({
          name: 'syncer_conf',
          params: { minor, ...(defaults ? { setDefaults: true } : {}), ...(tags === undefined ? {} : { tags }) },
        }));
      }
      default:
        return this.#simple(options);
    }
  }

  #simple(options: VerbOptions): readonly PlannedRequest[] {
    const [simple, rest] = this.simple(options);
    const { connector, generic } = simple;
    if (connector === undefined)
      return this.lack(
        `request for ${this.verb}`,
        `DRBD ${operationsOf('genl2')[generic]?.since ?? '9'}`,
        'Use a release that has it',
      );
    this.requireRelease(
      this.verb,
      (packets as Readonly<Record<string, { readonly since?: string }>>)[connector]?.since,
    );
    const tags = this.read(rest).get(`${connector} tags`);
    if (this.aim.target.peer !== undefined) this.aim.connections();
    return this.devices(simple).map(({ minor }) => ({
      name: connector,
      params: { minor, ...(tags === undefined ? {} : { tags }) },
    }));
  }

  /** The minor that is configured, which need not exist. */
  #minor(): number {
    const devices = this.aim.devices();
    this.aim.only(devices, 'volume', ({ minor }) => `minor ${minor}`);
    return devices[0]?.minor ?? 0;
  }

  #create(options: VerbOptions): readonly PlannedRequest[] {
    const tags = this.read(options).get('syncer_conf tags');
    return [
      {
        name: 'syncer_conf',
        params: { minor: this.#minor(), createDevice: true, ...(tags === undefined ? {} : { tags }) },
      },
    ];
  }

  /** @param order in which the packet and that of the resync options are sent: as drbdadm does */
  #configure(
    name: 'disk_conf' | 'net_conf',
    options: VerbOptions,
    order: (first: PlannedRequest, syncer: readonly PlannedRequest[]) => readonly PlannedRequest[],
  ): readonly PlannedRequest[] {
    const values = this.read(options);
    const given = values.get(`${name} tags`) ?? {};
    const tags = name === 'net_conf' ? withImplied(given) : given;
    this.requireAll(packets[name].tags, name, tags);
    const syncer = values.get('syncer_conf tags');
    const minor = this.#minor();
    const params = { minor, createDevice: true };
    return order(
      { name, params: { ...params, tags } },
      syncer === undefined ? [] : [{ name: 'syncer_conf', params: { ...params, tags: syncer } }],
    );
  }

  /** Demote, disconnect, detach, as far as there is something to take down. */
  #down(options: VerbOptions): readonly PlannedRequest[] {
    this.read(options);
    const { resource } = this.aim;
    if (resource === undefined && this.aim.target.minor !== undefined) {
      this.aim.requireWhole();
      return [];
    }
    // What is not there is refused by the kernel without harm: only what certainly is not there is left out.
    const isAlone = this.aim.isWhole && resource?.connections.every(({ state }) => state === 'StandAlone') === true;
    const isDiskless = (minor: number): boolean =>
      this.aim.isWhole && resource?.devices.find((device) => device.minor === minor)?.disk === 'Diskless';
    return this.aim
      .devices()
      .flatMap(({ minor }) => [
        { name: 'secondary', params: { minor } },
        ...(isAlone ? [] : [{ name: 'disconnect', params: { minor } }]),
        ...(isDiskless(minor) ? [] : [{ name: 'detach', params: { minor } }]),
      ]);
  }
}

/** @param value an address, or its bytes: the family is their first number, in either byte order */
function isIpv4(value: unknown): boolean {
  return value instanceof Uint8Array
    ? (value[0] ?? 0) + (value[1] ?? 0) === AF_INET
    : (value as { readonly family?: unknown }).family === 'ipv4';
}

/** Flags that older modules of 8.3 must understand, so that they refuse what they would take amiss. */
function withImplied(tags: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  let minded = false;
  return Object.fromEntries(
    Object.entries(tags).flatMap(([field, value]) => {
      const foreign = (field === 'my_addr' || field === 'peer_addr') && !isIpv4(value);
      const mind = foreign && !minded;
      if (mind) minded = true;
      return [
        ...(mind ? [['mind_af', false] as const] : []),
        [field, value] as const,
        ...((field === 'sndbuf_size' || field === 'rcvbuf_size') && value === 0
          ? [['auto_sndbuf_size', false] as const]
          : []),
      ];
    }),
  );
}

type Context = Readonly<Record<string, unknown>>;

/** DRBD 8.4 and 9. */
class GenericPlan extends Plan {
  readonly #dialect: 'genl1' | 'genl2';

  constructor(dialect: 'genl1' | 'genl2', verb: VerbName, target: VerbTarget, snapshot: Snapshot) {
    super(dialect, verb, target, snapshot);
    this.#dialect = dialect;
  }

  requests(options: VerbOptions): readonly PlannedRequest[] {
    const { verb } = this;
    switch (verb) {
      case 'create':
        return this.#create(options);
      case 'attach':
        return this.#attach(options);
      case 'connect':
        return this.#dialect === 'genl1' ? this.#connect84(options) : this.#connect9(options);
      case 'down':
        this.read(options);
        return [{ name: 'down', params: { context: { ctx_resource_name: this.aim.resourceName() } } }];
      case 'setOptions':
        return this.#setOptions(options);
      default:
        return this.#simple(options);
    }
  }

  #operation(name: string): Operation {
    const operation = operationsOf(this.#dialect)[name];
    if (operation === undefined)
      return this.lack(
        `request for ${this.verb}`,
        `DRBD ${operationsOf('genl2')[name]?.since ?? '9'}`,
        'Use a release that has it',
      );
    this.requireRelease(this.verb, operation.since);
    return operation;
  }

  #simple(options: VerbOptions): readonly PlannedRequest[] {
    const [simple, rest] = this.simple(options);
    const name = simple.generic;
    const operation = this.#operation(name);
    const values = this.read(this.#withPeer(name, rest), name);
    const sets = Object.fromEntries(
      Object.keys(operation.request).flatMap((set) => {
        const given = values.get(`${name} ${set}`);
        return given === undefined ? [] : [[set, given]];
      }),
    );
    for (const set of operation.required)
      if (set !== 'context') this.requireAll(operation.request[set]?.fields ?? {}, name, (sets[set] ?? {}) as Context);
    return this.#objects(operation, simple).map((object) => ({ name, params: { ...object, ...sets } }));
  }

  /** forgetPeer names a node that may not be there any more. */
  #withPeer(name: string, options: VerbOptions): VerbOptions {
    if (name !== 'forget_peer') return options;
    const { peer } = this.aim.target;
    const { peerNodeId = typeof peer === 'string' ? this.aim.connections()[0]?.connection.peerNodeId : peer } = options;
    if (peerNodeId === undefined) this.aim.refuse('peer', 'the node id of the former peer is needed');
    return { ...options, peerNodeId };
  }

  /** @returns how a request names each object that is meant */
  #objects(operation: Operation, simple: SimpleVerb): readonly Context[] {
    if (operation.minor) return this.devices(simple).map(({ minor }) => ({ minor }));
    const { needs } = operation;
    const of = (needed: string): boolean => needs.includes(needed);
    if (!of('ctx_peer_node_id') && !of('ctx_my_addr'))
      return [{ context: { ctx_resource_name: this.aim.resourceName() } }];
    if (of('ctx_volume')) {
      const peers = this.aim.peerDevices();
      if (simple.one === true) {
        this.devices(simple);
        this.aim.only(peers, 'peer', ({ connection }) => describePeer(connection));
      }
      return peers.map((at) => ({ context: peerDeviceContext(at) }));
    }
    return this.aim.connections().map(({ resource, connection }) => ({
      context: of('ctx_my_addr') ? this.#link(connection) : peerContext(resource, connection.peerNodeId),
    }));
  }

  /** How 8.4 names a connection: by its addresses. */
  #link({ paths }: Connection): Context {
    const [path] = paths;
    if (path?.local == null || path.peer == null) {
      this.aim.requireWhole();
      return this.aim.refuse('peer', `${this.aim.label} has no network configuration`);
    }
    return { ctx_my_addr: socketAddress(path.local), ctx_peer_addr: socketAddress(path.peer) };
  }

  /** new_resource where it is missing. @param given what its options are */
  #ensureResource(given: Context): readonly PlannedRequest[] {
    const name = this.aim.resourceName();
    const { resource } = this.aim;
    // One that is not in it, or that a part of it stands for, may be there with other options.
    if (resource === undefined || Object.keys(given).length > 0) this.aim.requireWhole();
    if (resource !== undefined) {
      for (const [field, value] of Object.entries(given)) {
        if (field === 'node_id' && resource.nodeId === value) continue;
        this.aim.refuse(
          this.#optionName('new_resource', field),
          field === 'node_id'
            ? `${name} exists already, with the node id ${String(resource.nodeId)}`
            : `${name} exists already; change its options with setOptions`,
        );
      }
      return [];
    }
    this.requireAll(this.#operation('new_resource').request['res_opts']?.fields ?? {}, 'new_resource', given);
    return [
      {
        name: 'new_resource',
        params: {
          context: { ctx_resource_name: name },
          ...(Object.keys(given).length === 0 ? {} : { res_opts: given }),
        },
      },
    ];
  }

  #optionName(request: string, field: string): string {
    return (
      verbOptions(this.#dialect, this.verb).find((row) => row.request === request && row.field === field)?.name ?? field
    );
  }

  /** new_minor where it is missing. */
  #ensureDevice(given: Context): readonly PlannedRequest[] {
    const { minor, volume } = this.aim.target;
    const device = this.aim.device() ?? this.aim.deviceOfVolume();
    if (device !== undefined) {
      if (minor !== undefined && device.minor !== minor)
        this.aim.refuse(
          'minor',
          `volume ${String(device.volume)} of ${this.aim.label} is minor ${String(device.minor)}`,
        );
      const [field] = Object.keys(given);
      if (field !== undefined)
        this.aim.refuse(this.#optionName('new_minor', field), `minor ${String(device.minor)} exists already`);
      return [];
    }
    this.aim.requireWhole();
    const name = this.aim.resourceName();
    if (minor === undefined)
      return this.aim.refuse('minor', `${name} has no volume ${volume ?? 0} yet; name the minor that it is to get`);
    return [
      {
        name: 'new_minor',
        params: {
          minor,
          context: { ctx_resource_name: name, ctx_volume: volume ?? 0 },
          ...(Object.keys(given).length === 0 ? {} : { device_conf: given }),
        },
      },
    ];
  }

  #create(options: VerbOptions): readonly PlannedRequest[] {
    const values = this.read(options);
    const { minor, volume } = this.aim.target;
    const device = values.get('new_minor device_conf');
    return [
      ...this.#ensureResource(values.get('new_resource res_opts') ?? {}),
      ...(minor === undefined && volume === undefined && device === undefined ? [] : this.#ensureDevice(device ?? {})),
    ];
  }

  #attach(options: VerbOptions): readonly PlannedRequest[] {
    const values = this.read(options);
    const disk = values.get('attach disk_conf') ?? {};
    this.requireAll(this.#operation('attach').request['disk_conf']?.fields ?? {}, 'attach', disk);
    const given = values.get('new_resource res_opts') ?? {};
    const exists = this.aim.device() !== undefined;
    const resource = exists && Object.keys(given).length === 0 ? [] : this.#ensureResource(given);
    const device = this.#ensureDevice({});
    const minor = this.aim.target.minor ?? this.aim.device()?.minor;
    return [...resource, ...device, { name: 'attach', params: { minor, disk_conf: disk } }];
  }

  #connect84(options: VerbOptions): readonly PlannedRequest[] {
    const values = this.read(options);
    const net = values.get('connect net_conf');
    const link = values.get('connect context') ?? {};
    for (const field of ['ctx_my_addr', 'ctx_peer_addr'])
      if (link[field] === undefined)
        this.aim.refuse(
          this.#optionName('connect', field),
          'is missing: 8.4 keeps no addresses of what is disconnected',
        );
    const { ctx_my_addr, ctx_peer_addr } = link;
    const context = { ctx_resource_name: this.aim.resourceName(), ctx_my_addr, ctx_peer_addr };
    return [
      ...this.#ensureResource({}),
      { name: 'connect', params: { context, ...(net === undefined ? {} : { net_conf: net }) } },
    ];
  }

  #connect9(options: VerbOptions): readonly PlannedRequest[] {
    const values = this.read(options);
    const { peer } = this.aim.target;
    const { ctx_peer_node_id: told } = values.get('new_peer context') ?? {};
    if (told !== undefined && typeof peer === 'number' && told !== peer)
      this.aim.refuse('peerNodeId', `is ${String(told)}, but the target names peer ${peer}`);
    const node = told ?? (typeof peer === 'number' ? peer : undefined);
    const net = values.get('new_peer net_conf') ?? {};
    const path = values.get('new_path path_parms');
    const parms = values.get('connect connect_parms');
    if (node === undefined && peer === undefined) this.aim.requireWhole();
    const known = (this.aim.resource?.connections ?? []).filter((connection) =>
      node === undefined ? this.aim.isMeant(connection) : connection.peerNodeId === node,
    );
    if (known.length === 0) this.aim.requireWhole();
    const resource = this.#ensureResource(values.get('new_resource res_opts') ?? {});
    if (node !== undefined && known.length === 0)
      return [...resource, ...this.#newPeer(node as number, net, path), ...this.#connect(node as number, parms)];
    if (known.length === 0)
      this.aim.refuse('peerNodeId', `is missing: ${this.aim.label} has no such connection yet, and DRBD 9 needs it`);
    if (known.length > 1 && (path !== undefined || Object.keys(net).length > 0))
      this.aim.only(known, 'peer', describePeer);
    return [
      ...resource,
      ...known.flatMap((connection) => [
        ...this.#changePeer(connection, net),
        ...this.#newPath(connection.peerNodeId, connection, path),
        ...this.#connect(connection.peerNodeId, parms),
      ]),
    ];
  }

  #peerContext(node: number | null): Context {
    return peerContext(this.aim.resourceName(), node);
  }

  #newPeer(node: number, net: Context, path: Context | undefined): readonly PlannedRequest[] {
    this.requireAll(this.#operation('new_peer').request['net_conf']?.fields ?? {}, 'new_peer', net);
    if (path === undefined) this.aim.refuse('myAddr', 'is missing: the new connection has no path');
    return [
      { name: 'new_peer', params: { context: this.#peerContext(node), net_conf: net } },
      ...this.#newPath(node, undefined, path),
    ];
  }

  /** What is configured keeps its name; its other options change. */
  #changePeer(connection: Connection, net: Context): readonly PlannedRequest[] {
    const { name, ...others } = net;
    if (name !== undefined && name !== connection.name)
      this.aim.refuse(
        'name',
        `the connection to node ${String(connection.peerNodeId)} has the name ${String(connection.name)}`,
      );
    if (Object.keys(others).length === 0) return [];
    return [{ name: 'chg_net_opts', params: { context: this.#peerContext(connection.peerNodeId), net_conf: others } }];
  }

  /** new_path where the connection has no such path. */
  #newPath(
    node: number | null,
    connection: Connection | undefined,
    path: Context | undefined,
  ): readonly PlannedRequest[] {
    if (path === undefined) return [];
    const operation = this.#operation('new_path');
    const { fields = {} } = operation.request['path_parms'] ?? {};
    this.requireAll(fields, 'new_path', path);
    const text = (field: 'my_addr' | 'peer_addr'): string => {
      const about = fields[field];
      const bytes = about === undefined ? undefined : encodeValue(about, path[field], field, CHECK);
      return formatPathAddress(pathAddressOf(bytes, CHECK.order));
    };
    const [mine, peers] = [text('my_addr'), text('peer_addr')];
    const isThere = connection?.paths.some(
      ({ local, peer }) => formatPathAddress(local) === mine && formatPathAddress(peer) === peers,
    );
    if (isThere !== true) this.aim.requireWhole();
    return isThere === true
      ? []
      : [{ name: 'new_path', params: { context: this.#peerContext(node), path_parms: path } }];
  }

  #connect(node: number | null, parms: Context | undefined): readonly PlannedRequest[] {
    const context = this.#peerContext(node);
    return [{ name: 'connect', params: { context, ...(parms === undefined ? {} : { connect_parms: parms }) } }];
  }

  #setOptions(options: VerbOptions): readonly PlannedRequest[] {
    const { setDefaults, ...others } = options;
    const defaults = this.objectsOf(setDefaults);
    const values = this.read(others);
    return Object.entries(SETS).flatMap(([name, object]) => {
      const operation = operationsOf(this.#dialect)[name];
      if (name === 'syncer_conf' || (operation === undefined && !defaults.has(object))) return [];
      const [set] = Object.keys(operation?.request ?? {}).filter((key) => key !== 'context');
      const given = values.get(`${name} ${set ?? ''}`);
      if (given === undefined && !defaults.has(object)) return [];
      const params = {
        ...(defaults.has(object) ? { setDefaults: true } : {}),
        ...(given === undefined || set === undefined ? {} : { [set]: given }),
      };
      const simple = { connector: undefined, generic: name };
      return this.#objects(this.#operation(name), simple).map((at) => ({ name, params: { ...at, ...params } }));
    });
  }
}

function describePeer({ name, peerNodeId }: Connection): string {
  return `peer ${peerNodeId ?? ''}${name === null ? '' : ` (${name})`}`;
}

function peerContext(resource: string, peerNodeId: number | null): Context {
  return { ctx_resource_name: resource, ctx_peer_node_id: peerNodeId };
}

function peerDeviceContext({ resource, connection, volume }: PeerDeviceAt): Context {
  return { ...peerContext(resource, connection.peerNodeId), ctx_volume: volume };
}
