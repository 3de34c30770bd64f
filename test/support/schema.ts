import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020';

import { changeToJson, snapshotToJson, type Change, type Snapshot } from '../../lib/model';

const ROOMS = {
  snapshot: 'model',
  changes: 'model',
  drbdsetup: 'cli/drbdsetup',
  doctor: 'cli/drbd/doctor',
} as const;

/** @returns a schema that the package ships */
export function shippedSchema(name: keyof typeof ROOMS): object {
  const path = join(__dirname, `../../../lib/${ROOMS[name]}/${name}.schema.json`);
  return JSON.parse(readFileSync(path, 'utf8')) as object;
}

/** The same, refusing properties that it does not name: those that ship allow them, since later releases add some. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)]));
  return 'properties' in copy && 'type' in copy ? { ...copy, additionalProperties: false } : copy;
}

function validator(name: 'snapshot' | 'changes' | 'doctor'): (json: unknown) => void {
  const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true });
  ajv.addVocabulary(['x-kind']);
  const validate = ajv.compile(strict(shippedSchema(name)) as object);
  return (json) => {
    if (!validate(json))
      throw new Error(
        `not valid as ${name}: ${JSON.stringify(validate.errors, undefined, 1)}\n${JSON.stringify(json, undefined, 1)}`,
      );
  };
}

/** @returns what checks the output of an action of drbdsetup against the schema that ships; it throws all that is wrong */
export function outputValidator(action: string): (json: unknown) => void {
  const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, strictRequired: false });
  ajv.addVocabulary(['x-kind']);
  ajv.addSchema(shippedSchema('snapshot'), 'snapshot.schema.json');
  const shipped = shippedSchema('drbdsetup') as { readonly $defs: Readonly<Record<string, unknown>> };
  // Lines of a stream have what is known of their object, whichever it is.
  const $defs = Object.fromEntries(
    Object.entries(shipped.$defs).map(([name, schema]) => [name, name.startsWith('events') ? schema : strict(schema)]),
  );
  ajv.addSchema({ ...shipped, $defs }, 'drbdsetup.schema.json');
  const validate = ajv.compile({ $ref: `drbdsetup.schema.json#/$defs/${action}` });
  return (json) => {
    if (!validate(json)) throw new Error(`not valid as ${action}: ${JSON.stringify(validate.errors)}`);
  };
}

const validSnapshot = validator('snapshot');
const validChange = validator('changes');
/** Checks what drbd doctor prints against the schema that the package ships. @throws Error with all that is wrong */
export const expectValidDoctor = validator('doctor');

/** Checks a snapshot against the schema that the package ships. @throws Error with all that is wrong */
export function expectValidSnapshot(snapshot: Snapshot): void {
  validSnapshot(JSON.parse(JSON.stringify(snapshotToJson(snapshot))));
}

/** Checks a change against the schema that the package ships. @throws Error with all that is wrong */
export function expectValidChange(change: Change): void {
  validChange(JSON.parse(JSON.stringify(changeToJson(change))));
}
