import { packets } from '../../dialects/connector';
import * as tablesOfGenl1 from '../../dialects/genl1';
import * as tablesOfGenl2 from '../../dialects/genl2';
import type { AnyField, FieldTable, Operation } from '../../schema';
import { camelCase, type ModelDialect } from '../../model';

type PacketName = keyof typeof packets;
type GenericName = keyof typeof tablesOfGenl2.operations;

/** A verb that is one request for each object that it acts on. */
export interface SimpleVerb<P extends string = string, G extends string = string> {
  /** The packet of the connector, and the operation of generic netlink; undefined where the dialect has none. */
  readonly connector: P | undefined;
  readonly generic: G;
  /** It harms, or makes no sense, for several objects at once: they must be named one by one. */
  readonly one?: true;
}

/** Each verb that is one request, by the names of that request. What it acts on is what the request names. */
export const simpleVerbs = {
  detach: { connector: 'detach', generic: 'detach' },
  disconnect: { connector: 'disconnect', generic: 'disconnect' },
  promote: { connector: 'primary', generic: 'primary' },
  demote: { connector: 'secondary', generic: 'secondary' },
  verify: { connector: 'start_ov', generic: 'start_ov' },
  pauseSync: { connector: 'pause_sync', generic: 'pause_sync' },
  resumeSync: { connector: 'resume_sync', generic: 'resume_sync' },
  suspendIo: { connector: 'suspend_io', generic: 'suspend_io' },
  resumeIo: { connector: 'resume_io', generic: 'resume_io' },
  resize: { connector: 'resize', generic: 'resize', one: true },
  outdate: { connector: 'outdate', generic: 'outdate' },
  newCurrentUuid: { connector: 'new_c_uuid', generic: 'new_c_uuid', one: true },
  rename: { connector: undefined, generic: 'rename_resource', one: true },
  forgetPeer: { connector: undefined, generic: 'forget_peer', one: true },
} as const satisfies Readonly<Record<string, SimpleVerb<PacketName, GenericName>>>;

/** The two sides whose data `invalidate` may throw away. */
export const invalidateVerbs = {
  local: { connector: 'invalidate', generic: 'invalidate', one: true },
  peer: { connector: 'invalidate_peer', generic: 'inval_peer', one: true },
} as const satisfies Readonly<Record<string, SimpleVerb<PacketName, GenericName>>>;

const DOCS = {
  create: 'Create a resource, and a volume of it where a minor is named, unless they exist.',
  attach: 'Attach a backing device to a volume, which is created if it does not exist.',
  detach: 'Let go of the backing device.',
  connect: 'Set up the link to a peer and begin to connect; what it needs is created if it does not exist.',
  disconnect: 'Take down the link to the peer.',
  promote: 'Make the resource writable on this node.',
  demote: 'Take back the right to write from this node; fails while a process has a device open.',
  down: 'Take down a resource with all its links, disks and devices.',
  invalidate: "Throw away the data of one side, this node's or the peer's, and copy all of the other's.",
  verify: 'Begin an online verification, which compares both sides block by block.',
  pauseSync: 'Hold the resync on behalf of the user of this node.',
  resumeSync: "Take back this node's own hold on the resync.",
  suspendIo: 'Freeze all requests of applications to the device.',
  resumeIo: 'Let frozen requests of applications go on.',
  resize: 'Adopt a new size of the backing devices while in use.',
  outdate: "Mark this node's data as known to be behind the peer's.",
  newCurrentUuid: 'Begin a new generation of the data, for instance to skip the first resync.',
  setOptions: 'Change options of what exists.',
  rename: 'Give a resource another name.',
  forgetPeer: 'Free the slot that a former peer has in the metadata.',
} as const;
export type VerbName = keyof typeof DOCS;
/** One line about each verb. */
export interface VerbDocs extends Readonly<Record<VerbName, string>> {}
/** All verbs, in the order of a resource's life, each with one line about it. */
export const verbs: VerbDocs = DOCS;

/** A field that a verb's option sets, and the request that carries it. */
export interface VerbOption {
  /** In camelCase: that of the tables, or the one name for what the dialects call differently. */
  readonly name: string;
  readonly request: string;
  /** The attribute set of the request; `tags` in the connector dialect. */
  readonly set: string;
  readonly field: string;
  readonly about: AnyField;
  /** The field says the contrary: `no_disk_flush` is `diskFlushes`. */
  readonly negated: boolean;
  /** The verb cannot do without it, whatever exists already. */
  readonly required: boolean;
}

/** One name for what the dialects call differently; those that begin with `!` say the contrary. */
type Same = Readonly<Record<string, string>>;

const SAME_OF_CONNECTOR: Same = {
  primary_force: 'force',
  detach_force: 'force',
  wire_protocol: 'protocol',
  try_connect_int: 'connectInt',
  want_lose: 'discardMyData',
  dry_run: 'tentative',
  no_cork: '!tcpCork',
  no_disk_flush: '!diskFlushes',
  no_md_flush: '!mdFlushes',
  no_disk_barrier: '!diskBarrier',
  no_disk_drain: '!diskDrain',
  rate: 'resyncRate',
  after: 'resyncAfter',
};
const SAME_OF_GENERIC: Same = {
  assume_uptodate: 'force',
  force_detach: 'force',
  force_disconnect: 'force',
  wire_protocol: 'protocol',
  fencing_policy: 'fencing',
  ov_start_sector: 'startSector',
  ov_stop_sector: 'stopSector',
  p_reset_bitmap: 'resetBitmap',
  ctx_my_addr: 'myAddr',
  ctx_peer_addr: 'peerAddr',
  ctx_peer_node_id: 'peerNodeId',
  forget_peer_node_id: 'peerNodeId',
};

/** Flags that no user has to know of: they follow from other values. */
const IMPLIED: ReadonlySet<string> = new Set(['mind_af', 'auto_sndbuf_size']);

/** Requests that are sent only where something is missing. */
const CREATING: ReadonlySet<string> = new Set(['new_resource', 'new_minor', 'new_peer', 'new_path']);

/** What 8.3 keeps in syncer_conf, by the object that it belongs to in DRBD 8.4. */
function syncerFields(set: 'disk_conf' | 'net_conf' | 'res_opts'): FieldTable {
  const names = new Set(
    Object.entries<AnyField>(tablesOfGenl1.attributeSets[set].fields).map(([field]) => sharedName('genl1', field)),
  );
  return Object.fromEntries(
    Object.entries(packets.syncer_conf.tags).filter(([field]) => names.has(sharedName('connector', field))),
  );
}

function sharedName(dialect: ModelDialect, field: string): string {
  const same = dialect === 'connector' ? SAME_OF_CONNECTOR : SAME_OF_GENERIC;
  return (same[field] ?? camelCase(field)).replace(/^!/u, '');
}

function optionsIn(dialect: ModelDialect, request: string, set: string, fields: FieldTable): readonly VerbOption[] {
  const same = dialect === 'connector' ? SAME_OF_CONNECTOR : SAME_OF_GENERIC;
  return Object.entries(fields)
    .filter(([field, { until }]) => until === undefined && !IMPLIED.has(field))
    .map(([field, about]) => ({
      name: sharedName(dialect, field),
      request,
      set,
      field,
      about,
      negated: same[field]?.startsWith('!') ?? false,
      required: about.required === true && !CREATING.has(request),
    }));
}

/** @returns the operations of a generic netlink dialect */
export function operationsOf(dialect: 'genl1' | 'genl2'): Readonly<Partial<Record<string, Operation>>> {
  return dialect === 'genl1' ? tablesOfGenl1.operations : tablesOfGenl2.operations;
}

/** All of the options that a request of generic netlink carries, or of one of its sets. */
function ofOperation(dialect: 'genl1' | 'genl2', request: string, only?: string): readonly VerbOption[] {
  const operation = operationsOf(dialect)[request];
  if (operation === undefined) return [];
  return Object.entries(operation.request).flatMap(([set, { fields }]) =>
    set === 'context' || (only !== undefined && only !== set)
      ? []
      : optionsIn(
          dialect,
          request,
          set,
          operation.partial
            ? Object.fromEntries(Object.entries(fields).filter(([, { invariant }]) => invariant !== true))
            : fields,
        ),
  );
}

function fieldsNamed(
  dialect: 'genl1' | 'genl2',
  request: string,
  set: string,
  ...names: string[]
): readonly VerbOption[] {
  const fields = operationsOf(dialect)[request]?.request[set]?.fields ?? {};
  const named = Object.fromEntries(Object.entries(fields).filter(([field]) => names.includes(field)));
  return optionsIn(dialect, request, set, named);
}

function ofConnector(verb: VerbName): readonly VerbOption[] {
  const tags = (request: keyof typeof packets, fields: FieldTable = packets[request].tags): readonly VerbOption[] =>
    optionsIn('connector', request, 'tags', fields);
  switch (verb) {
    case 'create':
      return tags('syncer_conf', syncerFields('res_opts'));
    case 'attach':
      return [...tags('disk_conf'), ...tags('syncer_conf', syncerFields('disk_conf'))];
    case 'connect':
      return [...tags('net_conf'), ...tags('syncer_conf', syncerFields('net_conf'))];
    case 'setOptions':
      return tags('syncer_conf');
    case 'down':
    case 'invalidate':
      return [];
    default: {
      const { connector } = simpleVerbs[verb] as SimpleVerb<PacketName>;
      return connector === undefined ? [] : tags(connector);
    }
  }
}

function ofGeneric(dialect: 'genl1' | 'genl2', verb: VerbName): readonly VerbOption[] {
  const all = (request: string, set?: string): readonly VerbOption[] => ofOperation(dialect, request, set);
  switch (verb) {
    case 'create':
      return [...all('new_resource'), ...all('new_minor')];
    case 'attach':
      return [...all('attach'), ...fieldsNamed(dialect, 'new_resource', 'res_opts', 'node_id')];
    case 'connect':
      return dialect === 'genl1'
        ? [
            // It keeps no addresses of what is disconnected.
            ...fieldsNamed('genl1', 'connect', 'context', 'ctx_my_addr', 'ctx_peer_addr').map((option) => ({
              ...option,
              required: true,
            })),
            ...all('connect'),
          ]
        : [
            ...fieldsNamed('genl2', 'new_resource', 'res_opts', 'node_id'),
            ...fieldsNamed('genl2', 'new_peer', 'context', 'ctx_peer_node_id'),
            ...all('new_peer'),
            ...all('new_path'),
            ...all('connect'),
          ];
    case 'setOptions':
      return ['resource_opts', 'chg_disk_opts', 'chg_net_opts', 'chg_peer_device_opts'].flatMap((name) => all(name));
    case 'down':
      return [];
    case 'invalidate': {
      const seen = new Set<string>();
      return [...all('invalidate'), ...all('inval_peer')].filter(({ name }) => !seen.has(name) && seen.add(name));
    }
    default:
      return all(simpleVerbs[verb].generic);
  }
}

const known = new Map<string, readonly VerbOption[]>();

/** @returns the options that a verb has in a dialect, in the order of the tables */
export function verbOptions(dialect: ModelDialect, verb: VerbName): readonly VerbOption[] {
  const key = `${dialect} ${verb}`;
  let options = known.get(key);
  if (options === undefined) {
    options = dialect === 'connector' ? ofConnector(verb) : ofGeneric(dialect, verb);
    known.set(key, options);
  }
  return options;
}
