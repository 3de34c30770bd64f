import { returnCodes, stateChangeCodes } from '../../dialects/connector';
import { CodecError } from '../../errors';
import { codeName } from '../../schema';

const LARGEST_STATE_CHANGE_CODE = 100;

/** @returns the symbolic name of a return code or state-change code, or `unknown(N)` */
export function nameOfCode(returnCode: number): string {
  return codeName(returnCode > LARGEST_STATE_CHANGE_CODE ? returnCodes : stateChangeCodes, returnCode);
}

/** @returns the value of a tag that every answer of its packet has. @throws CodecError if this one has not */
export function requireTag<T extends object, K extends keyof T & string>(
  tags: T,
  packet: string,
  name: K,
): NonNullable<T[K]> {
  const value = tags[name];
  if (value === undefined || value === null)
    throw new CodecError(`the answer ${packet}`, undefined, `the tag ${name}`, 'none');
  return value;
}
