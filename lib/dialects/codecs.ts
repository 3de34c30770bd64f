import { FamilyCodec } from './generic';
import * as tablesOfGenl1 from './genl1';
import * as tablesOfGenl2 from './genl2';

const made: { genl1?: FamilyCodec; genl2?: FamilyCodec } = {};

/** @returns the codec of a version of the family `drbd`, made when first needed */
export function codecOf(dialect: 'genl1' | 'genl2'): FamilyCodec {
  return (made[dialect] ??=
    dialect === 'genl1'
      ? new FamilyCodec('genl1', 1, tablesOfGenl1.operations, tablesOfGenl1.attributeSets)
      : new FamilyCodec('genl2', 2, tablesOfGenl2.operations, tablesOfGenl2.attributeSets));
}
