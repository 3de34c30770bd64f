import type { Action } from '../../line/vocabulary';
import { generationFlags } from './generations';
import { generationFlags9 } from './generations-9';

// What `--json` before a command prints, the same for all generations: one object, or one a line of a stream. Numbers
// of 64 bits are decimal strings, units stand in the names, absent is null.

/** A JSON Schema, or a part of one. */
export type Schema = Readonly<Record<string, unknown>>;

const nullable = (type: string, more: Schema = {}): Schema => ({ type: [type, 'null'], ...more });
const integer: Schema = { type: 'integer' };
const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
const decimal = nullable('string', { pattern: '^-?[0-9]+$' });

/** An object. @param optional may be absent */
function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  return { type: 'object', required: Object.keys(properties).filter((name) => !optional.includes(name)), properties };
}
const list = (items: Schema): Schema => ({ type: 'array', items });
const reasons = (...names: readonly string[]): Schema =>
  object(Object.fromEntries(names.map((name) => [name, nullable('boolean')])));

const code = {
  returnCode: integer,
  returnName: text,
  cause: nullable('string', { description: 'What the code means; null for a success.' }),
  next: nullable('string', { description: 'What to do next.' }),
};
const states = {
  configured: { ...flag, description: 'There is a disk or a connection.' },
  connection: nullable('string', {
    description:
      "The driver's own words, in which DRBD 8 has connection and replication in one. DRBD 9 tells what was asked for: the role, a connection, or the disks; the others are null.",
  }),
  role: nullable('string'),
  peerRole: nullable('string'),
  disk: nullable('string'),
  peerDisk: nullable('string', { description: 'Null in DRBD 9 where there are several: see peers.' }),
  suspended: reasons('user', 'noData', 'fencing'),
  resyncSuspended: reasons('user', 'peer', 'dependency'),
  progressPercent: nullable('number', {
    description: 'How much of a resync or verify is done, where the answer tells.',
  }),
};
const option = object(
  {
    value: { type: ['string', 'number', 'boolean', 'null'] },
    code: { ...integer, description: 'The number of a word.' },
    unit: text,
    isDefault: flag,
    redacted: { const: true, description: 'A secret that was not asked for (--reveal).' },
  },
  ['code', 'unit', 'isDefault', 'redacted'],
);
const options: Schema = { type: 'object', additionalProperties: option };
const address: Schema = {
  ...object({
    family: nullable('string'),
    address: nullable('string'),
    port: nullable('integer'),
    scopeId: nullable('integer'),
  }),
  type: ['object', 'null'],
  description: 'Null where DRBD 9 has no path yet.',
};
const path = { local: address, peer: address };
/** What a command of DRBD 9 is about; in DRBD 8 it is a minor. */
const nine = {
  resource: text,
  volume: integer,
  peerNodeId: integer,
  peers: list(object({ peerNodeId: nullable('integer'), disk: nullable('string') })),
  peerDevices: list(object({ peerNodeId: integer, volume: integer, replication: nullable('string') })),
};
const place = {
  number: integer,
  resource: nullable('string'),
  volume: nullable('integer'),
  minor: nullable('integer'),
};
const snapshot: Schema = { $ref: 'snapshot.schema.json' };

/** The schemas, and a line of help on each. */
const schemas: Readonly<Record<Action, Schema>> = {
  change: object({
    command: text,
    minor: nullable('integer'),
    resource: nullable('string'),
    ...code,
    infoText: { ...list(text), description: "The kernel's own words." },
  }),
  newMinor: { $ref: '#/$defs/change' },
  down: { $ref: '#/$defs/change' },
  state: object({ minor: nullable('integer'), ...states, ...nine }, Object.keys(nine)),
  status: snapshot,
  shStatus: snapshot,
  generations: object(
    {
      minor: nullable('integer'),
      currentUuid: decimal,
      bitmapUuid: decimal,
      historyUuids: list(text),
      flags: object(
        Object.fromEntries([...generationFlags, ...generationFlags9].map((name) => [name, flag])),
        generationFlags9,
      ),
      activityLogClean: nullable('boolean', { description: 'The activity log was applied; null before DRBD 8.4.' }),
      ...nine,
    },
    Object.keys(nine),
  ),
  show: object({
    schemaVersion: { const: 1 },
    resources: list(
      object(
        {
          name: nullable('string'),
          nodeId: nullable('integer', { description: 'DRBD 9: the number of this node.' }),
          options,
          connections: list(
            object(
              {
                ...path,
                options,
                peerNodeId: integer,
                name: nullable('string'),
                paths: list(object(path)),
                volumes: list(object({ volume: integer, options })),
              },
              ['peerNodeId', 'name', 'paths', 'volumes'],
            ),
          ),
          volumes: list(
            object({
              volume: integer,
              minor: nullable('integer'),
              disk: nullable('string'),
              metaDisk: nullable('string'),
              metaIndex: { type: ['string', 'integer', 'null'] },
              options,
            }),
          ),
        },
        ['nodeId'],
      ),
    ),
  }),
  checkResize: object({
    minor: integer,
    disk: nullable('string'),
    sizeBytes: decimal,
    action: { enum: ['noted', 'unchanged', 'removed', 'none'] },
  }),
  events: {
    ...object(
      {
        kind: { enum: ['state', 'change', 'helper', 'progress', 'resource', 'answer', 'block', 'other', 'resync'] },
        ...place,
        origin: { enum: ['own', 'broadcast', 'foreign'], description: 'Whose question it answers, if any.' },
      },
      [...Object.keys(place), 'origin'],
    ),
    description: 'With the states of `role`, or with what the kind has.',
  },
  events2: {
    ...object(
      {
        event: { enum: ['exists', 'create', 'change', 'destroy', 'rename', 'call', 'response', 'resync'] },
        object: nullable('string', { description: 'Null ends what exists.' }),
        timestamp: text,
        name: nullable('string'),
        connection: text,
        volume: integer,
        minor: integer,
      },
      ['object', 'name', 'connection', 'volume', 'minor'],
    ),
    description: 'With all that is known of the object.',
  },
  wait: object({ minor: nullable('integer'), reached: flag, ...states, ...nine }, [
    ...Object.keys(states),
    ...Object.keys(nine),
  ]),
  udev: object({ minor: integer, device: text, byResource: text, byDisk: nullable('string') }),
};

/** The properties of an object, in words. */
function namesOf(action: Action): string {
  const schema = schemas[action];
  if (schema === snapshot) return 'the whole state as snapshot.schema.json describes it, of what was asked for';
  if (action === 'down') return namesOf('change');
  const properties = Object.keys(schema['properties'] as object).join(', ');
  return action === 'events' || action === 'events2'
    ? `one object a line: ${properties}, and what is known`
    : properties;
}

/** Each command's output: its schema, and a line of help. */
export const outputs: Readonly<Record<Action, { readonly schema: Schema; readonly doc: string }>> = Object.fromEntries(
  (Object.keys(schemas) as Action[]).map((action) => [
    action,
    {
      schema: schemas[action],
      get doc() {
        return namesOf(action);
      },
    },
  ]),
) as Record<Action, { readonly schema: Schema; readonly doc: string }>;

/** @returns the schema of all outputs, as the package carries it */
export function outputsSchema(): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'drbdsetup.schema.json',
    title: 'What drbdsetup --json prints',
    $defs: schemas,
  };
}
