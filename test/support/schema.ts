import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020';

import { snapshotToJson, type Snapshot } from '../../lib/drbd/model';

const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(join(__dirname, '../../../lib/drbd/model/snapshot.schema.json'), 'utf8')) as object,
);

/** Checks a snapshot against the schema that the package ships. @throws Error with all that is wrong */
export function expectValidSnapshot(snapshot: Snapshot): void {
  const json: unknown = JSON.parse(JSON.stringify(snapshotToJson(snapshot)));
  if (!validate(json))
    throw new Error(
      `not a snapshot: ${JSON.stringify(validate.errors, undefined, 1)}\n${JSON.stringify(json, undefined, 1)}`,
    );
}
