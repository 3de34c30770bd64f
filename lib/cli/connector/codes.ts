import { returnCodes, stateChangeCodes } from '../../dialects/connector';
import { codeName } from '../../schema';

const LARGEST_STATE_CHANGE_CODE = 100;

/** @returns the symbolic name of a return code or state-change code, or `unknown(N)` */
export function nameOfCode(returnCode: number): string {
  return codeName(returnCode > LARGEST_STATE_CHANGE_CODE ? returnCodes : stateChangeCodes, returnCode);
}
