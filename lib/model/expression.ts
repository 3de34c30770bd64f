import { ArgumentError } from '../errors';
import { objectNames, objects, type ObjectName, type Property, type PropertyTable, type Values } from './objects';
import { propertyOf } from './records';
import type { Snapshot } from './snapshot';

/**
 * The language of `wait` and `assert`: conditions on the state, such as
 * `resource=r0 connection=Connected peerDisk=UpToDate outOfSyncBytes<1M`.
 *
 * Conditions are separated by blanks; all of them must hold. One that names a resource, a volume, a minor or a peer
 * chooses the objects that the others are about, in the resources that have it; the others compare a property of each chosen object. `any:`, `all:` or
 * `none:` before a condition says of how many it must hold; `all:` where nothing stands there. About no object at all,
 * a condition is not satisfied, except with `none:`.
 */
export interface Expression {
  readonly text: string;
  /** It compares counters or settings, whose changes the kernel does not announce: they have to be read. */
  readonly needsRefresh: boolean;
  /** Compares a state. */
  evaluate(snapshot: Snapshot): Verdict;
}

export interface Verdict {
  readonly satisfied: boolean;
  /** What does not hold yet, an item for each object or condition; empty where all is satisfied. */
  readonly missing: readonly string[];
}

type Quantifier = 'any' | 'all' | 'none';
const QUANTIFIERS: readonly Quantifier[] = ['any', 'all', 'none'];
type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** Names that choose objects, and the property that each compares. */
const CHOICES = {
  resource: 'name',
  volume: 'volume',
  minor: 'minor',
  peer: 'name',
  peerNodeId: 'peerNodeId',
} as const;
type Choice = keyof typeof CHOICES;

/** @returns whether a condition only chooses the objects that others are about, such as `resource=r0` */
export function isChoice(word: string): boolean {
  const [name = ''] = word.split('=');
  return word.length > name.length && Object.hasOwn(CHOICES, name);
}

/** Short names beside the properties' own. */
const ALIASES: Readonly<Record<string, readonly [ObjectName, string]>> = {
  connection: ['connection', 'state'],
  peerRole: ['connection', 'role'],
  percent: ['peerDevice', 'resync.percent'],
  etaSeconds: ['peerDevice', 'resync.etaSeconds'],
  sizeBytes: ['device', 'stats.sizeBytes'],
};

interface Term {
  readonly text: string;
  readonly quantifier: Quantifier;
  readonly object: ObjectName;
  readonly path: string;
  holds(value: unknown): boolean;
}

/** Bytes, or a plain number where a property is counted in nothing. */
const SUFFIXES: Readonly<Record<string, bigint>> = {
  '': 1n,
  K: 1n << 10n,
  M: 1n << 20n,
  G: 1n << 30n,
  T: 1n << 40n,
};

/** Every name that a condition may have, with the property that it stands for. */
function terms(): Map<string, readonly [ObjectName, string]> {
  const found = new Map<string, readonly [ObjectName, string]>(Object.entries(ALIASES));
  const add = (name: string, object: ObjectName, path: string): void => {
    if (!found.has(name)) found.set(name, [object, path]);
  };
  for (const object of objectNames) {
    const table: PropertyTable = objects[object].properties;
    for (const [name, property] of Object.entries(table)) {
      if (property.type === 'group') {
        for (const member of Object.keys(property.properties)) add(`${name}.${member}`, object, `${name}.${member}`);
        add(name, object, name);
      } else if (property.type !== 'options' && property.type !== 'address') add(name, object, name);
      add(`${object}.${name}`, object, name);
    }
  }
  return found;
}

/** @returns how many letters differ, as a typist would count them */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_unused, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1]?.toLowerCase() === b[j - 1]?.toLowerCase() ? 0 : 1;
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + cost));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

const MOST_SUGGESTED = 3;

/** @returns `; did you mean x?`, or nothing where no name is near */
function nearest(word: string, names: Iterable<string>): string {
  const limit = Math.max(2, Math.floor(word.length / 3));
  const near = [...names]
    .map((name) => [name, distance(word, name)] as const)
    .filter(([, far]) => far <= limit)
    .sort(([, a], [, b]) => a - b)
    .slice(0, MOST_SUGGESTED)
    .map(([name]) => name);
  return near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
}

const CONDITION = /^(?:(?<quantifier>[a-z]+):)?(?<name>[A-Za-z0-9.]+)(?<operator>!=|<=|>=|=|<|>)(?<value>.*)$/u;

function fail(condition: string, problem: string): never {
  throw new ArgumentError('expression', `${JSON.stringify(condition)}: ${problem}`);
}

function numberOf(text: string, condition: string): bigint {
  const match = /^(\d+)([KMGT]?)$/u.exec(text);
  if (match === null)
    return fail(condition, `${JSON.stringify(text)} is not a number; write digits, with K, M, G or T behind them`);
  return BigInt(match[1] ?? '0') * (SUFFIXES[match[2] ?? ''] ?? 1n);
}

const COMPARE: Readonly<Record<Operator, (a: number | bigint, b: number | bigint) => boolean>> = {
  '=': (a, b) => a == b,
  '!=': (a, b) => a != b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** Makes the comparison of a property with a value. What is not known satisfies nothing but `!=` and `=none`. */
function comparison(property: Property, operator: Operator, text: string, condition: string): Term['holds'] {
  const equal = operator === '=' || operator === '!=';
  const found = operator === '=';
  const requireEqual = (what: string): void => {
    if (!equal) fail(condition, `${what} can be compared by = and != only`);
  };
  if (text === 'none' && equal) return (value) => (value === null || value === undefined) === found;
  switch (property.type) {
    case 'number':
    case 'u64': {
      const wanted = numberOf(text, condition);
      return (value) =>
        typeof value === 'number' || typeof value === 'bigint' ? COMPARE[operator](value, wanted) : operator === '!=';
    }
    case 'flag': {
      requireEqual('a yes or no');
      const words: Readonly<Record<string, boolean>> = { yes: true, true: true, no: false, false: false };
      const wanted = words[text];
      if (wanted === undefined) return fail(condition, `${JSON.stringify(text)} is neither yes nor no`);
      return (value) => (value === wanted) === found;
    }
    case 'word':
    case 'name': {
      requireEqual('a state');
      const known: readonly string[] = property.words;
      const wanted = text.split(',');
      for (const word of wanted) {
        if (!known.includes(word) && !/^unknown\(\d+\)$/u.test(word))
          fail(condition, `${JSON.stringify(word)} is not one of ${known.join(', ')}${nearest(word, known)}`);
      }
      return (value) => (typeof value === 'string' && wanted.includes(value)) === found;
    }
    case 'words':
      requireEqual('a list');
      return (value) => (Array.isArray(value) && value.includes(text)) === found;
    case 'text':
      requireEqual('a name');
      return (value) => (value === text) === found;
    case 'group':
      // A group of reasons: whether any of them holds; an optional group: whether it is there.
      requireEqual('a group');
      if (text !== 'yes' && text !== 'no')
        return fail(
          condition,
          `compare it with yes, no or none, or name a part of it: ${Object.keys(property.properties).join(', ')}`,
        );
      return (value) => (holdsAny(value) === (text === 'yes')) === found;
    case 'u64s':
    case 'address':
    case 'options':
      return fail(condition, 'this property cannot be compared');
  }
}

/** @returns what a condition that is being written may become, such as `disk=UpToDate` for `disk=Up` */
export function conditionWords(text: string): readonly string[] {
  const [, prefix = '', name = '', operator, written = ''] =
    /^([a-z]+:)?([A-Za-z0-9.]*)(!?=|[<>]=?)?(.*)$/u.exec(text) ?? [];
  const known = terms();
  if (operator === undefined) {
    const names = [...known].filter(([, [object, path]]) => propertyOf(object, path)?.type !== 'u64s');
    return [
      ...(prefix === '' ? Object.keys(CHOICES) : []).map((choice) => `${choice}=`),
      ...names.map(([each]) => `${prefix}${each}=`),
      ...(prefix === '' ? QUANTIFIERS.map((quantifier) => `${quantifier}:`) : []),
    ];
  }
  const [object, path] = known.get(name) ?? [];
  const property = object === undefined || path === undefined ? undefined : propertyOf(object, path);
  const list = written.slice(0, written.lastIndexOf(',') + 1);
  return wordsFor(property).map((word) => `${prefix}${name}${operator}${list}${word}`);
}

/** Values that a property is compared with. */
function wordsFor(property: Property | undefined): readonly string[] {
  switch (property?.type) {
    case 'word':
    case 'name':
    case 'words':
      return property.words;
    case 'flag':
    case 'group':
      return ['yes', 'no'];
    default:
      return [];
  }
}

function holdsAny(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).some((member) => member === true);
}

/**
 * Reads an expression.
 * @throws ArgumentError that says which condition is wrong, why, and which name is near
 */
export function parseExpression(text: string): Expression {
  const words = text.split(/\s+/u).filter((word) => word !== '');
  if (words.length === 0)
    throw new ArgumentError('expression', 'a condition is needed, such as resource=r0 or connection=Connected');
  const names = terms();
  const choices = new Map<Choice, readonly string[]>();
  const conditions: Term[] = [];
  for (const word of words) {
    const { quantifier, name = '', operator = '', value = '' } = CONDITION.exec(word)?.groups ?? {};
    if (name === '')
      return fail(word, 'a condition is a name, an operator (=, !=, <, <=, >, >=) and a value, without blanks');
    if (quantifier !== undefined && !QUANTIFIERS.includes(quantifier as Quantifier))
      return fail(word, `${quantifier}: is not one of any:, all:, none:${nearest(quantifier, QUANTIFIERS)}`);
    if (value === '') return fail(word, 'a value is missing');
    if (name in CHOICES) {
      if (operator !== '=' || quantifier !== undefined)
        return fail(word, `${name} chooses what the other conditions are about; write ${name}=${value}`);
      choices.set(name as Choice, [...(choices.get(name as Choice) ?? []), ...value.split(',')]);
      continue;
    }
    const known = names.get(name);
    if (known === undefined)
      return fail(word, `${name} is not a property${nearest(name, [...names.keys(), ...Object.keys(CHOICES)])}`);
    const [object, path] = known;
    const property = propertyOf(object, path);
    if (property === undefined) return fail(word, `${name} is not a property`);
    conditions.push({
      text: word,
      quantifier: (quantifier as Quantifier | undefined) ?? 'all',
      object,
      path,
      holds: comparison(property, operator as Operator, value, word),
    });
  }
  return {
    text,
    needsRefresh: conditions.some(({ object, path }) => isUnannounced(object, path)),
    evaluate: (snapshot) => evaluate(snapshot, choices, conditions),
  };
}

function isUnannounced(object: ObjectName, path: string): boolean {
  const property = propertyOf(object, path);
  return property?.kind === 'counter' || property?.kind === 'setting' || property?.follows === 'counter';
}

interface Chosen {
  readonly object: ObjectName;
  /** The object in words, for what is missing. */
  readonly name: string;
  readonly values: Values;
}

/** The objects of a snapshot that the choices leave. */
function chosen(snapshot: Snapshot, choices: ReadonlyMap<Choice, readonly string[]>): readonly Chosen[] {
  const is = (choice: Choice, ...values: readonly (string | number | null | undefined)[]): boolean => {
    const wanted = choices.get(choice);
    return wanted === undefined || values.some((value) => value !== null && wanted.includes(`${value}`));
  };
  const found: Chosen[] = [];
  for (const resource of snapshot.resources) {
    const minors = resource.devices.map(({ minor }) => minor);
    // 8.3 knows no names: a minor is accepted wherever a resource is.
    if (!is('resource', resource.name, ...(resource.name === null ? minors : []))) continue;
    const devices = resource.devices.filter(({ volume, minor }) => is('volume', volume) && is('minor', minor));
    const narrowed = choices.has('volume') || choices.has('minor');
    const connections = resource.connections.filter(
      ({ name, peerNodeId }) => is('peer', name) && is('peerNodeId', peerNodeId),
    );
    const hasPeer = connections.length > 0 || !(choices.has('peer') || choices.has('peerNodeId'));
    if ((narrowed && devices.length === 0) || !hasPeer) continue;
    const name = resource.name ?? `minor ${minors.join()}`;
    const add = (object: ObjectName, label: string, values: Values): void => {
      found.push({ object, name: label, values });
    };
    add('resource', name, resource);
    for (const device of devices) add('device', `${name}/${device.volume}`, device);
    for (const connection of connections) {
      const peer = connection.name ?? connection.peerNodeId;
      const link = peer === null ? name : `${name} to ${peer}`;
      add('connection', link, connection);
      for (const path of connection.paths) add('path', link, path);
      for (const peerDevice of connection.peerDevices) {
        if (narrowed && !devices.some(({ volume }) => volume === peerDevice.volume)) continue;
        add('peerDevice', `${link}/${peerDevice.volume}`, peerDevice);
      }
    }
  }
  return found;
}

function valueAt(values: Values, path: string): unknown {
  const [name = '', member] = path.split('.');
  const value: unknown = Object.entries(values).find(([key]) => key === name)?.[1];
  if (member === undefined) return value;
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === member)?.[1]
    : null;
}

function spoken(value: unknown): string {
  if (value === null || value === undefined) return 'not known';
  if (typeof value === 'object') return holdsAny(value) ? 'yes' : 'no';
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

function evaluate(
  snapshot: Snapshot,
  choices: ReadonlyMap<Choice, readonly string[]>,
  conditions: readonly Term[],
): Verdict {
  const all = chosen(snapshot, choices);
  const missing: string[] = [];
  // Without a condition, what is chosen has to be there.
  if (all.length === 0 && conditions.length === 0) missing.push('no such object exists');
  for (const { text, quantifier, object, path, holds } of conditions) {
    const about = all.filter((candidate) => candidate.object === object);
    const results = about.map(({ name, values }) => ({ name, value: valueAt(values, path) }));
    const say = (those: typeof results): void => {
      for (const { name, value } of those) missing.push(`${text}: ${name} is ${spoken(value)}`);
    };
    if (quantifier === 'none') say(results.filter(({ value }) => holds(value)));
    else if (results.length === 0) missing.push(`${text}: there is no ${object} that it could be about`);
    else if (quantifier === 'all') say(results.filter(({ value }) => !holds(value)));
    else if (!results.some(({ value }) => holds(value))) say(results);
  }
  return { satisfied: missing.length === 0, missing };
}
