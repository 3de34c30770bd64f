import { resyncCauses } from './changes';
import { objectNames, objects, type ObjectName, type Property, type PropertyTable } from './objects';

/** A JSON Schema, or a part of one. */
export type Schema = Readonly<Record<string, unknown>>;

const U64 = { type: ['string', 'null'], pattern: '^[0-9]+$' };
const nullable = (type: string, more: Schema = {}): Schema => ({ type: [type, 'null'], ...more });

function ofProperty(property: Property): Schema {
  const about = {
    description: property.unit === undefined ? property.doc : `${property.doc} Unit: ${property.unit}.`,
    'x-kind': property.kind,
  };
  switch (property.type) {
    case 'text':
      return { ...about, ...nullable('string') };
    case 'number':
      return { ...about, ...nullable(property.unit === 'percent' ? 'number' : 'integer') };
    case 'u64':
      return { ...about, ...U64 };
    case 'flag':
      return { ...about, ...nullable('boolean') };
    case 'u64s':
      return { ...about, type: ['array', 'null'], items: { type: 'string', pattern: '^[0-9]+$' } };
    case 'address':
      return { ...about, anyOf: [{ $ref: '#/$defs/address' }, { type: 'null' }] };
    case 'options':
      return { ...about, type: ['object', 'null'], additionalProperties: { type: ['string', 'number', 'boolean'] } };
    case 'word':
      return {
        ...about,
        anyOf: [{ enum: [...property.words, null] }, { type: 'string', pattern: '^unknown\\([0-9]+\\)$' }],
      };
    case 'name':
      return { ...about, enum: property.words };
    case 'words':
      return { ...about, type: 'array', items: { enum: property.words } };
    case 'group': {
      const group = closed(ofTable(property.properties));
      return property.optional ? { ...about, anyOf: [group, { type: 'null' }] } : { ...about, ...group };
    }
  }
}

function ofTable(table: PropertyTable): Record<string, Schema> {
  const properties: Record<string, Schema> = {};
  for (const [name, property] of Object.entries(table)) {
    properties[name] = ofProperty(property);
    if (property.type === 'word')
      properties[`${name}Code`] = { description: `The kernel's number of \`${name}\`.`, ...nullable('integer') };
  }
  return properties;
}

/** An object all of whose properties are always there. */
function closed(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: 'object', required: Object.keys(properties), properties };
}

/** What stands below an object in a snapshot. */
const CHILDREN: Readonly<Record<ObjectName, Readonly<Record<string, ObjectName>>>> = {
  resource: { devices: 'device', connections: 'connection' },
  device: {},
  connection: { paths: 'path', peerDevices: 'peerDevice' },
  path: {},
  peerDevice: {},
};

const ADDRESS = closed({
  family: { enum: ['ipv4', 'ipv6', 'sdp', 'ssocks'] },
  familyCode: { description: 'The number of the address family on this machine.', type: 'integer' },
  address: { description: 'Dotted quad, or IPv6 text without brackets or zone.', type: 'string' },
  port: { type: 'integer', minimum: 0, maximum: 65535 },
  scopeId: { description: 'Index of the interface of an IPv6 link-local address.', ...nullable('integer') },
});

function definitions(nested: boolean): Record<string, Schema> {
  const defs: Record<string, Schema> = { address: ADDRESS };
  for (const name of objectNames) {
    const below = Object.entries(nested ? CHILDREN[name] : {}).map(
      ([list, child]) => [list, { type: 'array', items: { $ref: `#/$defs/${child}` } }] as const,
    );
    const { doc, properties } = objects[name];
    defs[name] = { description: doc, ...closed({ ...ofTable(properties), ...Object.fromEntries(below) }) };
  }
  return defs;
}

/** @returns the JSON Schema of what `snapshotToJson()` makes */
export function snapshotSchema(): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:node-drbd:schema:snapshot:2',
    title: 'Snapshot',
    description: 'The state of all DRBD on a machine at one moment. u64 numbers are decimal strings; null: not known.',
    ...closed({
      schemaVersion: { const: 2 },
      source: closed({
        dialect: { enum: ['connector', 'genl1', 'genl2'] },
        driver: nullable('string', { description: "The module's release; null where /proc/drbd cannot be read." }),
        api: nullable('integer'),
        complete: { description: 'False where something changed while it was read.', type: 'boolean' },
      }),
      resources: { type: 'array', items: { $ref: '#/$defs/resource' } },
      unconfiguredMinors: {
        description: 'Connector: minors with neither disk nor network. Null in the other dialects.',
        type: ['array', 'null'],
        items: { type: 'integer' },
      },
    }),
    $defs: definitions(true),
  };
}

const KEY_PARTS: Readonly<Record<string, Schema>> = {
  resource: { type: 'string' },
  minor: { type: 'integer' },
  volume: { type: 'integer' },
  peerNodeId: { type: 'integer' },
  local: { type: 'string' },
  peer: { type: 'string' },
};

/** A schema without its words: the same things are described elsewhere. No property is called `description`. */
function undescribed(schema: Schema): Schema {
  return JSON.parse(
    JSON.stringify(schema, (name, value: unknown) => (name === 'description' ? undefined : value)),
  ) as Schema;
}

/** @returns the JSON Schema of what `changeToJson()` makes */
export function changesSchema(): Schema {
  const key = { $ref: '#/$defs/key' };
  const keyParts = { description: 'Names and numbers that tell the object.', type: 'object', properties: KEY_PARTS };
  const more = { description: 'Further changes of the same step of the kernel follow.', type: 'boolean' };
  const ofObject = objectNames.map((name) =>
    closed({
      kind: { enum: ['exists', 'create', 'change', 'destroy', 'rename'] },
      object: { const: name },
      key,
      before: { anyOf: [{ $ref: `#/$defs/${name}` }, { type: 'null' }] },
      after: { anyOf: [{ $ref: `#/$defs/${name}` }, { type: 'null' }] },
      changed: { description: 'Names of the properties that differ.', type: 'array', items: { type: 'string' } },
      more,
    }),
  );
  const helper = closed({
    name: { type: 'string' },
    phase: { enum: ['call', 'response'] },
    status: nullable('integer', { description: 'A wait status; null for a call.' }),
  });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:node-drbd:schema:changes:1',
    title: 'Change',
    description:
      'One item of a stream of changes. u64 numbers are decimal strings; null: not known. The schema of a snapshot ' +
      'describes the properties of objects.',
    anyOf: [
      ...ofObject,
      closed({ kind: { const: 'helper' }, object: { enum: objectNames }, key, helper, more }),
      closed({ kind: { const: 'ready' }, more }),
      closed({ kind: { const: 'resync' }, reason: { enum: resyncCauses }, more }),
    ],
    $defs: { key: keyParts, ...undescribed(definitions(false)) },
  };
}
