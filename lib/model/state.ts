import { derivePeerDevice, promotionOf, standingOf, Tally, type Standing } from './derive';
import {
  connectionText,
  pathText,
  resourceText,
  type ConnectionKey,
  type DeviceKey,
  type KeyOf,
  type PathKey,
  type PeerDeviceKey,
  type ResourceKey,
} from './keys';
import { KeyedList } from './keyed-list';
import type { ObjectName, Patch, PropertyPath, Values } from './objects';
import { blankValues, differences, patchValues } from './records';
import type { Connection, Resource, Snapshot, SnapshotSource } from './snapshot';

interface Leaf<K extends ObjectName> {
  readonly key: string;
  readonly id: KeyOf<K>;
  readonly values: Values<K>;
}

class ConnectionNode implements Leaf<'connection'> {
  #snapshot: Connection | undefined;

  constructor(
    readonly key: string,
    readonly id: ConnectionKey,
    readonly values: Values<'connection'>,
    readonly paths: KeyedList<Leaf<'path'>> = KeyedList.empty(),
    readonly peerDevices: KeyedList<Leaf<'peerDevice'>> = KeyedList.empty(),
  ) {}

  get snapshot(): Connection {
    return (this.#snapshot ??= Object.freeze({
      ...this.values,
      paths: this.paths.view(({ values }) => values),
      peerDevices: this.peerDevices.view(({ values }) => values),
    }));
  }
}

class ResourceNode implements Leaf<'resource'> {
  #snapshot: Resource | undefined;
  #tally: Tally | undefined;

  constructor(
    readonly key: string,
    readonly id: ResourceKey,
    readonly values: Values<'resource'>,
    readonly devices: KeyedList<Leaf<'device'>> = KeyedList.empty(),
    readonly connections: KeyedList<ConnectionNode> = KeyedList.empty(),
    tally?: Tally,
  ) {
    this.#tally = tally;
  }

  get snapshot(): Resource {
    return (this.#snapshot ??= Object.freeze({
      ...this.values,
      devices: this.devices.view(({ values }) => values),
      connections: this.connections.view(({ snapshot }) => snapshot),
    }));
  }

  get tally(): Tally {
    return (this.#tally ??= this.devices.items.reduce((tally, { key }) => {
      const standing = this.#standing(key);
      return standing === undefined ? tally : tally.with(standing);
    }, Tally.none()));
  }

  #standing(volume: string): Standing | undefined {
    const device = this.devices.get(volume);
    if (device === undefined) return undefined;
    const peers = this.connections.items.flatMap(({ peerDevices }) => peerDevices.get(volume)?.values ?? []);
    return standingOf(device.values, peers);
  }

  withValues(values: Values<'resource'>): ResourceNode {
    if (values === this.values) return this;
    return new ResourceNode(this.key, this.id, values, this.devices, this.connections, this.#tally);
  }

  /** @param volume the only one that differs */
  withVolume(volume: string, devices: KeyedList<Leaf<'device'>>, connections: KeyedList<ConnectionNode>): ResourceNode {
    const node = new ResourceNode(this.key, this.id, this.values, devices, connections);
    if (this.#tally === undefined) return node;
    const [old, now] = [this.#standing(volume), node.#standing(volume)];
    const rest = old === undefined ? this.#tally : this.#tally.without(old);
    node.#tally = now === undefined ? rest : rest.with(now);
    return node;
  }

  /** @param devices that bear on the promotion as those before do */
  withDevices(devices: KeyedList<Leaf<'device'>>): ResourceNode {
    return new ResourceNode(this.key, this.id, this.values, devices, this.connections, this.#tally);
  }

  /** @param connections whose peer devices bear on the promotion as those before do */
  withConnections(connections: KeyedList<ConnectionNode>): ResourceNode {
    return new ResourceNode(this.key, this.id, this.values, this.devices, connections, this.#tally);
  }
}

/** An object of a state: its kind, its key, its properties. */
export type Entry = { [K in ObjectName]: EntryOf<K> }[ObjectName];
export interface EntryOf<K extends ObjectName> {
  readonly object: K;
  readonly key: KeyOf<K>;
  readonly values: Values<K>;
}

/** What happened to one object. */
export type Delta = { [K in ObjectName]: DeltaOf<K> }[ObjectName];
export interface DeltaOf<K extends ObjectName> {
  readonly action: 'create' | 'change' | 'destroy' | 'rename';
  readonly object: K;
  /** Of a rename: the old one. */
  readonly key: KeyOf<K>;
  /** Null for one that was created. */
  readonly before: Values<K> | null;
  /** Null for one that was destroyed. */
  readonly after: Values<K> | null;
  /** The names of the properties that differ; of a created or destroyed object, of those that are not null. */
  readonly changed: readonly PropertyPath<K>[];
}

/**
 * What to do with one object, as a message tells it.
 * - `set` changes some properties, and creates the object, and those above it, where they are missing;
 * - `create` does the same but begins anew where the object exists;
 * - `destroy` removes the object and those below it; `rename` gives a resource a new name.
 */
export type Update = { [K in ObjectName]: SetOf<K> | DestroyOf<K> }[ObjectName] | Rename;
export interface SetOf<K extends ObjectName> {
  readonly action: 'set' | 'create';
  readonly object: K;
  readonly key: KeyOf<K>;
  readonly patch: Patch<K>;
}
/** An update of those that say what an object is. */
export type SetUpdate = { [K in ObjectName]: SetOf<K> }[ObjectName];
interface DestroyOf<K extends ObjectName> {
  readonly action: 'destroy';
  readonly object: K;
  readonly key: KeyOf<K>;
}
interface Rename {
  readonly action: 'rename';
  readonly object: 'resource';
  readonly key: ResourceKey;
  readonly name: string;
}

/** A state after an update, and what the update did. */
export interface Applied {
  readonly state: State;
  /** What happened to the object itself; `changed` is empty where nothing did. */
  readonly own: Delta;
  /** What else happened, and comes before it: derived properties, parents made up, objects below it destroyed. */
  readonly others: readonly Delta[];
}

/**
 * All objects of a machine at one moment. Immutable: a change makes a new one that shares what did not change. The
 * {@link Snapshot} is built when first looked at.
 */
export class State {
  readonly source: SnapshotSource;
  readonly unconfiguredMinors: readonly number[] | null;
  readonly #resources: KeyedList<ResourceNode>;
  #snapshot: Snapshot | undefined;

  private constructor(
    source: SnapshotSource,
    unconfiguredMinors: readonly number[] | null,
    resources: KeyedList<ResourceNode>,
  ) {
    this.source = source;
    this.unconfiguredMinors = unconfiguredMinors;
    this.#resources = resources;
  }

  /** @returns a state without objects */
  static empty(source: SnapshotSource): State {
    return new State(source, source.dialect === 'connector' ? [] : null, KeyedList.empty());
  }

  get snapshot(): Snapshot {
    return (this.#snapshot ??= Object.freeze({
      schemaVersion: 2,
      source: this.source,
      resources: this.#resources.view(({ snapshot }) => snapshot),
      unconfiguredMinors: this.unconfiguredMinors,
    }));
  }

  /** @returns the same objects, as a read of another quality told them */
  withSource(source: SnapshotSource): State {
    return new State(source, this.unconfiguredMinors, this.#resources);
  }

  /** @returns the same objects, beside other minors without configuration */
  withUnconfiguredMinors(minors: readonly number[] | null): State {
    return new State(this.source, minors, this.#resources);
  }

  /** @returns the properties of an object, or undefined if there is none of that key */
  get<K extends ObjectName>(object: K, key: KeyOf<K>): Values<K> | undefined;
  get(object: ObjectName, key: KeyOf): Values | undefined {
    const resource = this.#resources.get(resourceText(key));
    switch (object) {
      case 'resource':
        return resource?.values;
      case 'device':
        return resource?.devices.get(`${(key as DeviceKey).volume}`)?.values;
      case 'connection':
        return resource?.connections.get(connectionText(key))?.values;
      case 'path':
        return resource?.connections.get(connectionText(key))?.paths.get(pathText(key as PathKey))?.values;
      case 'peerDevice':
        return resource?.connections.get(connectionText(key))?.peerDevices.get(`${(key as PeerDeviceKey).volume}`)
          ?.values;
    }
  }

  /** All objects: each resource before its devices, then each connection before its paths and peer devices. */
  *entries(): Generator<Entry, void, undefined> {
    for (const resource of this.#resources.items) yield* entriesOf(resource);
  }

  /** @returns the resource that has a device of this minor */
  resourceOfMinor(minor: number): ResourceKey | undefined {
    return this.#resources.items.find(({ devices }) => devices.items.some(({ values }) => values.minor === minor))?.id;
  }

  /** Applies one update. It never throws: what does not exist is created, or its destruction does nothing. */
  apply(update: Update): Applied {
    const { resources, own, others } = applyTo(this.#resources, update, this.source.dialect);
    const state = resources === this.#resources ? this : new State(this.source, this.unconfiguredMinors, resources);
    return { state, own, others };
  }

  /**
   * Applies many updates that set or create. The result is the same as of one after the other, in a time that grows with
   * their number alone.
   * @returns the state, and whether a parent had to be made up
   */
  load(updates: Iterable<SetUpdate>): { readonly state: State; readonly madeUp: boolean } {
    const nodes = new Map<string, ResourceNode>();
    for (const node of this.#resources.items) nodes.set(node.key, node);
    let madeUp = false;
    for (const update of updates) {
      const key = resourceText(update.key);
      const before = nodes.get(key);
      if (before === undefined && update.object === 'resource') {
        const blank = newResource(update.key);
        nodes.set(key, blank.withValues(patchValues<'resource'>('resource', blank.values, update.patch).values));
        continue;
      }
      const { node, parents } = setIn(before ?? newResource(update.key), update);
      if (before === undefined || parents.length > 0) madeUp = true;
      nodes.set(key, node);
    }
    const items = [...nodes.values()];
    const settled = this.source.dialect === 'genl2' ? items.map(promote) : items;
    settled.sort((a, b) => (byResource(a, b) ? -1 : byResource(b, a) ? 1 : 0));
    return { state: new State(this.source, this.unconfiguredMinors, KeyedList.of(settled)), madeUp };
  }

  /**
   * @param next what was read anew
   * @returns `next`, sharing with this state what is the same
   */
  sharing(next: State): State {
    const resources = KeyedList.of(
      next.#resources.items.map((node) => shareResource(this.#resources.get(node.key), node)),
    ).sharing(this.#resources);
    return new State(next.source, next.unconfiguredMinors, resources);
  }

  /** @returns what has to happen to this state to become `after`: destructions first, then the rest, parents first */
  diff(after: State): readonly Delta[] {
    const gone = this.#resources.items.flatMap((node) => lostOfResource(node, after.#resources.get(node.key)));
    const news = after.#resources.items.flatMap((node) => {
      const before = this.#resources.get(node.key);
      return newsOfResource(before === undefined ? undefined : withoutLost(before, node), node);
    });
    return [...gone, ...news];
  }
}

function* entriesOf(resource: ResourceNode): Generator<Entry, void, undefined> {
  yield { object: 'resource', key: resource.id, values: resource.values };
  for (const { id, values } of resource.devices.items) yield { object: 'device', key: id, values };
  for (const connection of resource.connections.items) yield* entriesOfConnection(connection);
}

function* entriesOfConnection(connection: ConnectionNode): Generator<Entry, void, undefined> {
  yield { object: 'connection', key: connection.id, values: connection.values };
  for (const { id, values } of connection.paths.items) yield { object: 'path', key: id, values };
  for (const { id, values } of connection.peerDevices.items) yield { object: 'peerDevice', key: id, values };
}

// One order, by what tells an object: messages and reads, which come in other orders, make the same state.
const byVolume = (a: Leaf<'device' | 'peerDevice'>, b: Leaf<'device' | 'peerDevice'>): boolean =>
  (a.values.volume ?? 0) < (b.values.volume ?? 0);
const byResource = ({ id: a }: ResourceNode, { id: b }: ResourceNode): boolean =>
  a.resource === undefined || b.resource === undefined ? (a.minor ?? 0) < (b.minor ?? 0) : a.resource < b.resource;
/** Those without a name, which is all of 8.4 and one that is not known yet, come last. */
const byPeer = (a: ConnectionNode, b: ConnectionNode): boolean => {
  const [one, other] = [a.values.name, b.values.name];
  if (one !== other) return other === null || (one !== null && one < other);
  return a.id.peerNodeId === undefined || b.id.peerNodeId === undefined
    ? a.key < b.key
    : a.id.peerNodeId < b.id.peerNodeId;
};
const byAddress = (a: Leaf<'path'>, b: Leaf<'path'>): boolean => a.key < b.key;

interface Changed {
  readonly resources: KeyedList<ResourceNode>;
  readonly own: Delta;
  readonly others: readonly Delta[];
}

function applyTo(resources: KeyedList<ResourceNode>, update: Update, dialect: SnapshotSource['dialect']): Changed {
  const before = resources.get(resourceText(update.key));
  if (update.action === 'destroy') return destroy(resources, before, update, dialect);
  if (update.action === 'rename') return rename(resources, before, update, dialect);
  const { node, own, parents } = setIn(before ?? newResource(update.key), update);
  const settled =
    dialect === 'genl2' && (before === undefined || update.action === 'create' || bearsOnPromotion(own))
      ? promote(node)
      : node;
  const isOwn = update.object === 'resource';
  const ofResource =
    before === undefined || settled.values !== before.values || isOwn
      ? deltaBetween('resource', settled.id, before?.values, settled.values)
      : undefined;
  return {
    resources: settled === before ? resources : resources.with(settled, byResource),
    own: isOwn && ofResource !== undefined ? ofResource : own,
    others: isOwn || ofResource === undefined || ofResource.changed.length === 0 ? parents : [ofResource, ...parents],
  };
}

/** The properties on which a promotion depends; other changes need no new computation of it. */
const PROMOTION_SOURCES: ReadonlySet<string> = new Set([
  'role',
  'forceIoFailures',
  'disk',
  'quorum',
  'peerDisk',
  'uuidFlags',
]);

function bearsOnPromotion({ action, changed }: Delta): boolean {
  return action !== 'change' || changed.some((name) => PROMOTION_SOURCES.has(name));
}

function promote(node: ResourceNode): ResourceNode {
  const peers = node.connections.items.map(({ values }) => values);
  return node.withValues(patchValues('resource', node.values, promotionOf(node.values, peers, node.tally)).values);
}

function newResource(key: ResourceKey): ResourceNode {
  const id: ResourceKey = key.resource === undefined ? { minor: key.minor ?? 0 } : { resource: key.resource };
  const { values } = patchValues('resource', undefined, { name: key.resource ?? null });
  return new ResourceNode(resourceText(id), id, values);
}

function newDevice({ minor, volume }: DeviceKey): Values<'device'> {
  return patchValues('device', undefined, { minor: minor ?? null, volume }).values;
}

function newPeerDevice({ volume }: PeerDeviceKey): Values<'peerDevice'> {
  return patchValues('peerDevice', undefined, { volume }).values;
}

function newConnection(resource: ResourceNode, key: ConnectionKey): ConnectionNode {
  const { peerNodeId, local, peer } = key;
  const id: ConnectionKey =
    peerNodeId !== undefined
      ? { ...resource.id, peerNodeId }
      : local !== undefined && resource.id.resource !== undefined
        ? { ...resource.id, local, ...(peer === undefined ? {} : { peer }) }
        : resource.id;
  const { values } = patchValues('connection', undefined, { peerNodeId: peerNodeId ?? null });
  return new ConnectionNode(connectionText(id), id, values);
}

/** Sets properties of an object of a resource. */
function setIn(
  resource: ResourceNode,
  update: SetUpdate,
): { readonly node: ResourceNode; readonly own: Delta; readonly parents: readonly Delta[] } {
  const { id, values, devices, connections } = resource;
  switch (update.object) {
    case 'resource': {
      const { after, own } = patched(update, id, values, () => newResource(id).values);
      return { node: resource.withValues(after), own, parents: [] };
    }
    case 'device': {
      const key = `${update.key.volume}`;
      const old = devices.get(key);
      const { after, own } = patched(update, update.key, old?.values, () => newDevice(update.key));
      if (after === old?.values) return { node: resource, own, parents: [] };
      const changed = devices.with({ key, id: update.key, values: after }, byVolume);
      const node = bearsOnPromotion(own)
        ? resource.withVolume(key, changed, connections)
        : resource.withDevices(changed);
      return { node, own, parents: [] };
    }
    case 'connection': {
      const old = connections.get(connectionText(update.key));
      const base = old ?? newConnection(resource, update.key);
      const { after, own } = patched(update, base.id, old?.values, () => newConnection(resource, update.key).values);
      if (after === old?.values) return { node: resource, own, parents: [] };
      const node = new ConnectionNode(base.key, base.id, after, base.paths, base.peerDevices);
      return { node: resource.withConnections(connections.with(node, byPeer)), own, parents: [] };
    }
    case 'path': {
      const old = connections.get(connectionText(update.key));
      const { node, own } = setPath(old ?? newConnection(resource, update.key), update);
      return {
        node: node === old ? resource : resource.withConnections(connections.with(node, byPeer)),
        own,
        parents: old === undefined ? [created('connection', node)] : [],
      };
    }
    case 'peerDevice': {
      const old = connections.get(connectionText(update.key));
      const { node, own } = setPeerDevice(old ?? newConnection(resource, update.key), update);
      const changed = node === old ? connections : connections.with(node, byPeer);
      return {
        node:
          node === old
            ? resource
            : bearsOnPromotion(own)
              ? resource.withVolume(`${update.key.volume}`, devices, changed)
              : resource.withConnections(changed),
        own,
        parents: old === undefined ? [created('connection', node)] : [],
      };
    }
  }
}

interface SetInConnection {
  readonly node: ConnectionNode;
  readonly own: Delta;
}

function setPath({ key, id, values, paths, peerDevices }: ConnectionNode, update: SetOf<'path'>): SetInConnection {
  const place = pathText(update.key);
  const old = paths.get(place);
  const { after, own } = patched(update, update.key, old?.values);
  const list = after === old?.values ? paths : paths.with({ key: place, id: update.key, values: after }, byAddress);
  return { node: new ConnectionNode(key, id, values, list, peerDevices), own };
}

function setPeerDevice(connection: ConnectionNode, update: SetOf<'peerDevice'>): SetInConnection {
  const { key, id, values, paths, peerDevices } = connection;
  const place = `${update.key.volume}`;
  const old = peerDevices.get(place);
  const patch = derivePeerDevice(update.patch, update.action === 'create' ? undefined : old?.values);
  const derived: SetOf<'peerDevice'> = { ...update, patch };
  const { after, own } = patched(derived, update.key, old?.values, () => newPeerDevice(update.key));
  if (after === old?.values) return { node: connection, own };
  const leaf = { key: place, id: update.key, values: after };
  return { node: new ConnectionNode(key, id, values, paths, peerDevices.with(leaf, byVolume)), own };
}

/** @param blank makes what a new object begins with */
function patched<K extends ObjectName>(
  { action, object, patch }: SetOf<K>,
  key: KeyOf<K>,
  before: Values<K> | undefined,
  blank?: () => Values<K>,
): { readonly after: Values<K>; readonly own: Delta } {
  if (before === undefined || action === 'create') {
    const after = patchValues<K>(object, blank?.(), patch).values;
    const own = deltaBetween<K>(object, key, before, after);
    return { after: before !== undefined && own.changed.length === 0 ? before : after, own };
  }
  const { values: after, changed } = patchValues<K>(object, before, patch);
  return { after, own: delta<K>({ action: 'change', object, key, before, after, changed }) };
}

/** The one place where the kinds of objects, each with its own properties, become their union. */
function delta<K extends ObjectName>(fields: DeltaOf<K>): Delta;
function delta(fields: Delta): Delta {
  return fields;
}

/** One that was there before or is there after. `changed` is empty where nothing differs. */
function deltaBetween<K extends ObjectName>(
  object: K,
  key: KeyOf<K>,
  before: Values<K> | undefined,
  after: Values<K> | undefined,
): Delta {
  const blank = blankValues(object);
  return delta({
    action: before === undefined ? 'create' : after === undefined ? 'destroy' : 'change',
    object,
    key,
    before: before ?? null,
    after: after ?? null,
    changed: differences(object, before ?? blank, after ?? blank),
  });
}

/** @returns nothing where nothing differs */
function newsBetween<K extends ObjectName>(object: K, old: Leaf<K> | undefined, leaf: Leaf<K>): readonly Delta[] {
  if (old?.values === leaf.values) return [];
  const news = deltaBetween(object, leaf.id, old?.values, leaf.values);
  return news.action === 'change' && news.changed.length === 0 ? [] : [news];
}

const created = <K extends ObjectName>(object: K, { id, values }: Leaf<K>): Delta =>
  deltaBetween(object, id, undefined, values);
const destroyed = <K extends ObjectName>(object: K, { id, values }: Leaf<K>): Delta =>
  deltaBetween(object, id, values, undefined);

/** The destruction of a connection and of all below it. */
function lostConnection(node: ConnectionNode): readonly Delta[] {
  return [
    ...node.paths.items.map((leaf) => destroyed('path', leaf)),
    ...node.peerDevices.items.map((leaf) => destroyed('peerDevice', leaf)),
    destroyed('connection', node),
  ];
}

/** The destruction of a resource and of all below it. */
function lostResource(node: ResourceNode): readonly Delta[] {
  return [
    ...node.connections.items.flatMap(lostConnection),
    ...node.devices.items.map((leaf) => destroyed('device', leaf)),
    destroyed('resource', node),
  ];
}

function destroy(
  resources: KeyedList<ResourceNode>,
  before: ResourceNode | undefined,
  update: Extract<Update, { readonly action: 'destroy' }>,
  dialect: SnapshotSource['dialect'],
): Changed {
  const absent = { action: 'destroy', object: update.object, key: update.key, before: null, after: null } as const;
  const nothing: Changed = { resources, own: { ...absent, changed: [] } as Delta, others: [] };
  if (before === undefined) return nothing;
  const end = (deltas: readonly Delta[], after: ResourceNode | undefined): Changed => {
    const own = deltas.at(-1);
    if (own === undefined) return nothing;
    const settled = after !== undefined && dialect === 'genl2' ? promote(after) : after;
    return {
      resources: settled === undefined ? resources.without(before.key) : resources.with(settled),
      own,
      others: [...(settled === undefined ? [] : newsBetween('resource', before, settled)), ...deltas.slice(0, -1)],
    };
  };
  const { key, id, values, devices, connections } = before;
  switch (update.object) {
    case 'resource':
      return end(lostResource(before), undefined);
    case 'device': {
      const place = `${update.key.volume}`;
      const leaf = devices.get(place);
      if (leaf === undefined) return nothing;
      const peers = connections.items.flatMap((node) => {
        const peer = node.peerDevices.get(place);
        return peer === undefined ? [] : [destroyed('peerDevice', peer)];
      });
      const left =
        peers.length === 0
          ? connections
          : connections.map(
              (node) => new ConnectionNode(node.key, node.id, node.values, node.paths, node.peerDevices.without(place)),
            );
      const after = before.withVolume(place, devices.without(place), left);
      return end([...peers, destroyed('device', leaf)], after);
    }
    case 'connection': {
      const node = connections.get(connectionText(update.key));
      if (node === undefined) return nothing;
      return end(lostConnection(node), new ResourceNode(key, id, values, devices, connections.without(node.key)));
    }
    case 'path':
    case 'peerDevice': {
      const node = connections.get(connectionText(update.key));
      if (node === undefined) return nothing;
      const { paths, peerDevices } = node;
      const [leaf, left] =
        update.object === 'path'
          ? lostPath(node, paths.get(pathText(update.key)))
          : lostPeerDevice(node, peerDevices.get(`${update.key.volume}`));
      if (leaf === undefined) return nothing;
      return end([leaf], new ResourceNode(key, id, values, devices, connections.with(left)));
    }
  }
}

type Lost = readonly [delta: Delta | undefined, left: ConnectionNode];

function lostPath(node: ConnectionNode, leaf: Leaf<'path'> | undefined): Lost {
  if (leaf === undefined) return [undefined, node];
  const { key, id, values, paths, peerDevices } = node;
  return [destroyed('path', leaf), new ConnectionNode(key, id, values, paths.without(leaf.key), peerDevices)];
}

function lostPeerDevice(node: ConnectionNode, leaf: Leaf<'peerDevice'> | undefined): Lost {
  if (leaf === undefined) return [undefined, node];
  const { key, id, values, paths, peerDevices } = node;
  return [destroyed('peerDevice', leaf), new ConnectionNode(key, id, values, paths, peerDevices.without(leaf.key))];
}

function rename(
  resources: KeyedList<ResourceNode>,
  before: ResourceNode | undefined,
  { key, name }: Rename,
  dialect: SnapshotSource['dialect'],
): Changed {
  const id: ResourceKey = { resource: name };
  if (before === undefined || before.key === name)
    return applyTo(resources, { action: 'set', object: 'resource', key: id, patch: {} }, dialect);
  const { values } = patchValues('resource', before.values, { name });
  const renamed = <K extends ObjectName>(leaf: Leaf<K>): Leaf<K> => ({ ...leaf, id: { ...leaf.id, ...id } });
  const node = new ResourceNode(
    resourceText(id),
    id,
    values,
    before.devices.map(renamed),
    before.connections.map(
      (connection) =>
        new ConnectionNode(
          connection.key,
          { ...connection.id, ...id },
          connection.values,
          connection.paths.map(renamed),
          connection.peerDevices.map(renamed),
        ),
    ),
  );
  // The kernel has one resource of a name: another that is still known here is gone.
  const replaced = resources.get(node.key);
  return {
    resources: resources.without(node.key).without(before.key).with(node, byResource),
    own: delta({ action: 'rename', object: 'resource', key, before: before.values, after: values, changed: ['name'] }),
    others: replaced === undefined ? [] : lostResource(replaced),
  };
}

function shareLeaf<K extends ObjectName>(object: K): (old: Leaf<K> | undefined, leaf: Leaf<K>) => Leaf<K> {
  return (old, leaf) => (old !== undefined && differences(object, old.values, leaf.values).length === 0 ? old : leaf);
}

function shareList<V extends { readonly key: string }>(
  before: KeyedList<V>,
  after: KeyedList<V>,
  share: (old: V | undefined, item: V) => V,
): KeyedList<V> {
  return after.map((item) => share(before.get(item.key), item)).sharing(before);
}

function shareConnection(old: ConnectionNode | undefined, node: ConnectionNode): ConnectionNode {
  if (old === undefined) return node;
  const { values } = shareLeaf('connection')(old, node);
  const paths = shareList(old.paths, node.paths, shareLeaf('path'));
  const peerDevices = shareList(old.peerDevices, node.peerDevices, shareLeaf('peerDevice'));
  if (values === old.values && paths === old.paths && peerDevices === old.peerDevices) return old;
  return new ConnectionNode(node.key, node.id, values, paths, peerDevices);
}

function shareResource(old: ResourceNode | undefined, node: ResourceNode): ResourceNode {
  if (old === undefined) return node;
  const { values } = shareLeaf('resource')(old, node);
  const devices = shareList(old.devices, node.devices, shareLeaf('device'));
  const connections = shareList(old.connections, node.connections, shareConnection);
  if (values === old.values && devices === old.devices && connections === old.connections) return old;
  return new ResourceNode(node.key, node.id, values, devices, connections);
}

/** What is in one list and not in the other. */
function missing<V extends { readonly key: string }>(before: KeyedList<V>, after: KeyedList<V>): readonly V[] {
  return before === after ? [] : before.items.filter(({ key }) => after.get(key) === undefined);
}

function lostOfResource(before: ResourceNode, after: ResourceNode | undefined): readonly Delta[] {
  if (after === undefined) return lostResource(before);
  if (after === before) return [];
  const devices = missing(before.devices, after.devices);
  return [
    ...before.connections.items.flatMap((node) => {
      const left = after.connections.get(node.key);
      if (left === undefined) return lostConnection(node);
      return [
        ...missing(node.paths, left.paths).map((leaf) => destroyed('path', leaf)),
        ...missing(node.peerDevices, withoutVolumes(left.peerDevices, devices)).map((leaf) =>
          destroyed('peerDevice', leaf),
        ),
      ];
    }),
    ...devices.map((leaf) => destroyed('device', leaf)),
  ];
}

function withoutVolumes(
  peerDevices: KeyedList<Leaf<'peerDevice'>>,
  devices: readonly Leaf<'device'>[],
): KeyedList<Leaf<'peerDevice'>> {
  return devices.reduce((left, { key }) => left.without(key), peerDevices);
}

/** A device takes its peer devices with it: one that is there all the same is there anew. */
function withoutLost(before: ResourceNode, after: ResourceNode): ResourceNode {
  const devices = missing(before.devices, after.devices);
  if (devices.length === 0) return before;
  return before.withConnections(
    before.connections.map(
      (node) =>
        new ConnectionNode(node.key, node.id, node.values, node.paths, withoutVolumes(node.peerDevices, devices)),
    ),
  );
}

function newsOf<K extends ObjectName>(
  object: K,
  before: KeyedList<Leaf<K>> | undefined,
  after: KeyedList<Leaf<K>>,
): readonly Delta[] {
  if (before === after) return [];
  return after.items.flatMap((leaf) => newsBetween(object, before?.get(leaf.key), leaf));
}

function newsOfResource(before: ResourceNode | undefined, after: ResourceNode): readonly Delta[] {
  if (before === after) return [];
  return [
    ...newsBetween('resource', before, after),
    ...newsOf('device', before?.devices, after.devices),
    ...after.connections.items.flatMap((node) => {
      const old = before?.connections.get(node.key);
      if (old === node) return [];
      return [
        ...newsBetween('connection', old, node),
        ...newsOf('path', old?.paths, node.paths),
        ...newsOf('peerDevice', old?.peerDevices, node.peerDevices),
      ];
    }),
  ];
}
