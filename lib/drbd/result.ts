import { KernelError } from '../errors';
import { codeName, type CodeTable } from '../schema';
import { explainCode, type CodePlace } from './return-codes';

/** DRBD's return code for success. */
const NO_ERROR = 101;

/** 101, and the results of a state change from 1 up, such as 2 "nothing to do". */
export function isSuccess(returnCode: number): boolean {
  return returnCode === NO_ERROR || (returnCode >= 1 && returnCode < 100);
}

/** @returns the symbolic name of a return code or state-change code of a dialect */
export function returnName(
  codes: { readonly returnCodes: CodeTable; readonly stateChangeCodes: CodeTable },
  returnCode: number,
): string {
  return codeName(returnCode > 100 ? codes.returnCodes : codes.stateChangeCodes, returnCode);
}

/**
 * @param what was asked, such as `attach of minor 0`
 * @param place dialect and request
 */
export function kernelError(
  what: string,
  place: CodePlace,
  name: string,
  returnCode: number,
  minor: number | undefined,
  infoText: readonly string[],
): KernelError {
  const { meaning, nextStep } = explainCode(name, place);
  const told =
    infoText.length === 0 ? '' : `; the kernel adds: ${infoText.map((text) => JSON.stringify(text)).join(', ')}`;
  return new KernelError(
    `${what} was refused: ${name} (${returnCode})${meaning === undefined ? '' : `: ${meaning}`}${told}${nextStep === undefined ? '' : `. ${nextStep}`}`,
    {
      returnCode,
      returnName: name,
      dialect: place.dialect,
      operation: place.operation,
      minor,
      infoText,
    },
  );
}
