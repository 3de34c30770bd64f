import {
  objects,
  Secret,
  type ObjectName,
  type Patch,
  type Property,
  type PropertyPath,
  type PropertyTable,
  type Values,
} from './objects';

/** Whatever a property may hold, and a group of them. */
type Member = Values[keyof Values] | PropertyMembers;
type PropertyMembers = string | number | bigint | boolean | null | readonly (string | bigint)[] | object;
type Bag = Record<string, Member>;

interface Plan {
  readonly blank: Readonly<Bag>;
  readonly groups: ReadonlyMap<string, Readonly<Bag>>;
}

function blankOf(properties: PropertyTable): Plan {
  const blank: Bag = {};
  const groups = new Map<string, Readonly<Bag>>();
  for (const [name, property] of Object.entries(properties)) {
    blank[name] = property.type === 'words' ? Object.freeze([]) : null;
    if (property.type === 'word') blank[`${name}Code`] = null;
    if (property.type !== 'group') continue;
    const inner = blankOf(property.properties).blank;
    groups.set(name, inner);
    if (!property.optional) blank[name] = inner;
  }
  return { blank: Object.freeze(blank), groups };
}

const plans: Partial<Record<ObjectName, Plan>> = {};

function planOf(object: ObjectName): Plan {
  return (plans[object] ??= blankOf(objects[object].properties));
}

/** @returns the properties of an object of which nothing is known yet */
export function blankValues<K extends ObjectName>(object: K): Values<K> {
  return planOf(object).blank as Values<K>;
}

/** @returns the members of a group of which nothing is known yet */
export function blankGroup<K extends ObjectName, G extends keyof Values<K> & string>(
  object: K,
  group: G,
): NonNullable<Values<K>[G]> {
  return planOf(object).groups.get(group) as NonNullable<Values<K>[G]>;
}

/** @returns whether two values of a property are the same: lists, addresses and options by what they hold */
export function same(a: Member | undefined, b: Member | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, at) => item === b[at]);
  }
  if (a instanceof Secret || b instanceof Secret)
    return a instanceof Secret && b instanceof Secret && a.reveal() === b.reveal();
  const entries = Object.entries(a);
  return entries.length === Object.keys(b).length && entries.every(([name, value]) => same(value, (b as Bag)[name]));
}

/**
 * Sets properties.
 * @param before undefined for a new object
 * @returns `before` itself if nothing differs, else a frozen copy that shares what did not change; and the names of
 *   what differs
 */
export function patchValues<K extends ObjectName>(
  object: K,
  before: Values<K> | undefined,
  patch: Patch<K>,
): { readonly values: Values<K>; readonly changed: readonly PropertyPath<K>[] } {
  const plan = planOf(object);
  const old: Readonly<Bag> = before ?? plan.blank;
  const changed: string[] = [];
  let copy: Bag | undefined;
  for (const [name, value] of Object.entries<Member | undefined>(patch)) {
    if (value === undefined) continue;
    const blank = plan.groups.get(name);
    const next = blank === undefined ? value : patchGroup(name, blank, old[name] ?? null, value, changed);
    if (blank === undefined) {
      if (same(old[name], next)) continue;
      changed.push(name);
    } else if (next === old[name]) continue;
    (copy ??= { ...old })[name] = next;
  }
  return {
    values: (copy === undefined ? old : Object.freeze(copy)) as Values<K>,
    changed: changed as PropertyPath<K>[],
  };
}

/** Sets members of a group, and notes the names of those that differ; a group that is null has nulls for members. */
function patchGroup(group: string, blank: Readonly<Bag>, old: Member, value: Member, changed: string[]): Member {
  const before = (old ?? blank) as Readonly<Bag>;
  const noted = changed.length;
  if (value === null) {
    if (old === null) return null;
    for (const [name, member] of Object.entries(before)) {
      if (!same(member, blank[name])) changed.push(`${group}.${name}`);
    }
    if (changed.length === noted) changed.push(group);
    return null;
  }
  let copy: Bag | undefined;
  for (const [name, member] of Object.entries<Member | undefined>(value as Bag)) {
    if (member === undefined || same(before[name], member)) continue;
    changed.push(`${group}.${name}`);
    (copy ??= { ...before })[name] = member;
  }
  if (copy !== undefined) return Object.freeze(copy);
  if (old !== null) return old;
  changed.push(group);
  return blank;
}

/** @returns one patch of several; what a later one tells counts, and a group is taken as a whole */
export function merged<K extends ObjectName>(first: Patch<K>, ...others: readonly Patch<K>[]): Patch<K> {
  return others.reduce<Patch<K>>((patch, other) => Object.assign(patch, other), Object.assign({}, first));
}

/** @returns the names of the properties that differ */
export function differences<K extends ObjectName>(
  object: K,
  before: Values<K>,
  after: Values<K>,
): readonly PropertyPath<K>[] {
  if (before === after) return [];
  const changed: string[] = [];
  const { blank, groups } = planOf(object);
  const [old, now]: readonly Readonly<Bag>[] = [before, after];
  for (const name in blank) {
    const [was, is] = [old?.[name] ?? null, now?.[name] ?? null];
    if (was === is) continue;
    const group = groups.get(name);
    if (group === undefined) {
      if (!same(was, is)) changed.push(name);
      continue;
    }
    const noted = changed.length;
    const [members, others] = [(was ?? group) as Readonly<Bag>, (is ?? group) as Readonly<Bag>];
    for (const member in group) if (!same(members[member], others[member])) changed.push(`${name}.${member}`);
    if (changed.length === noted && (was === null) !== (is === null)) changed.push(name);
  }
  return changed as PropertyPath<K>[];
}

const known: Partial<Record<ObjectName, Map<string, Property>>> = {};

/** @returns the table's row of a property: of `stats.readBytes`, of `role`, and of `roleCode` that of `role` */
export function propertyOf(object: ObjectName, path: string): Property | undefined {
  const properties = (known[object] ??= new Map<string, Property>());
  let property = properties.get(path);
  if (property === undefined) {
    property = findProperty(object, path);
    if (property !== undefined) properties.set(path, property);
  }
  return property;
}

function findProperty(object: ObjectName, path: string): Property | undefined {
  const [name = '', member] = path.split('.');
  const table: PropertyTable = objects[object].properties;
  const property = table[name] ?? table[name.replace(/Code$/u, '')];
  if (member === undefined || property?.type !== 'group') return property;
  const inner: PropertyTable = property.properties;
  return inner[member];
}

/** @returns whether the properties are counters, or derived from counters alone */
export function onlyCounters(object: ObjectName, changed: readonly string[]): boolean {
  return changed.every((path) => {
    const property = propertyOf(object, path);
    return property !== undefined && (property.kind === 'counter' || property.follows === 'counter');
  });
}
