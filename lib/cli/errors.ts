import { AbortError, ArgumentError, DrbdError, KernelError, MismatchError } from '../errors';
import { explainCode, type CodePlace, type CodeText } from '../drbd';
import { exitCodeOfEnd } from './io';

/** Exit codes of drbdsetup. */
export const EXIT = Object.freeze({
  ok: 0,
  /** A reading command has nothing to show. */
  nothing: 1,
  /** The disk is below Outdated, or a wait ran into its limit. */
  lowerThanOutdated: 5,
  timeout: 5,
  /** The request was refused (return codes above 100). */
  refused: 10,
  /** A state change failed. */
  stateChange: 11,
  noLocalDisk: 16,
  noUpToDateDisk: 17,
  /** Usage, socket, silence, a driver that is missing, a lock that is busy, and all else. */
  failure: 20,
  /** A request differs from what the recording holds. */
  mismatch: 99,
});

/** A command line that makes no sense, or something that a command needs and does not find. Nothing was sent. */
export class UsageError extends Error {
  readonly exitCode: number;
  /** The command whose usage would help, if there is one. */
  readonly command: string | undefined;

  constructor(message: string, details: { readonly exitCode?: number; readonly command?: string | undefined } = {}) {
    super(message);
    this.exitCode = details.exitCode ?? EXIT.failure;
    this.command = details.command;
  }

  override get name(): string {
    return 'UsageError';
  }
}

/** Largest number of a return code that any release knows, and the range of the state-change codes. */
const ERR_BASE = 100;
const SS_UNKNOWN_ERROR = 0;
const SS_NO_UP_TO_DATE_DISK = -2;
const SS_NO_LOCAL_DISK = -4;
const SS_LOWER_THAN_OUTDATED = -16;

/**
 * @param returnCode of DRBD
 * @param name its symbolic name; one that reads `unknown(N)` is none
 * @returns drbdsetup's exit code for it
 */
export function exitCodeOfReturnCode(returnCode: number, name: string): number {
  if (name.startsWith('unknown(')) return EXIT.failure;
  if (returnCode === ERR_BASE + 1) return EXIT.ok;
  if (returnCode > ERR_BASE) return EXIT.refused;
  if (returnCode > SS_UNKNOWN_ERROR) return EXIT.ok;
  switch (returnCode) {
    case SS_NO_UP_TO_DATE_DISK:
      return EXIT.noUpToDateDisk;
    case SS_NO_LOCAL_DISK:
      return EXIT.noLocalDisk;
    case SS_LOWER_THAN_OUTDATED:
      return EXIT.lowerThanOutdated;
    default:
      return EXIT.stateChange;
  }
}

/** @returns the exit code for whatever ended a command */
export function exitCodeOfError(error: unknown): number {
  if (error instanceof UsageError) return error.exitCode;
  if (error instanceof KernelError) return exitCodeOfReturnCode(error.returnCode, error.returnName);
  if (error instanceof MismatchError) return EXIT.mismatch;
  if (error instanceof AbortError) return exitCodeOfEnd(error.cause) || EXIT.failure;
  return EXIT.failure;
}

/**
 * What --json and the streams print beside a return code: nothing for one that is a success.
 * @param place dialect and request that were answered, where known
 */
export function explainRefusal(returnCode: number, name: string, place: CodePlace): Partial<CodeText> {
  const { meaning, causes, nextStep } = explainCode(name, place);
  return meaning === undefined || exitCodeOfReturnCode(returnCode, name) === EXIT.ok
    ? {}
    : { meaning, causes, nextStep };
}

/**
 * The words for a return code, as a line of standard error: who, number, symbolic name, cause, next step.
 * @param subject as the user named it, such as `/dev/drbd0`
 * @param infoText the kernel's own explanations
 * @param place dialect and request that were answered, where known
 */
export function formatReturnCode(
  subject: string,
  returnCode: number,
  name: string,
  infoText: readonly string[] = [],
  place: CodePlace = {},
): string {
  const { meaning, nextStep } = explainCode(name, place);
  const what = returnCode > ERR_BASE ? 'Failure' : 'State change failed';
  const told = infoText.map((text) => `; the kernel adds: ${text}`).join('');
  return `${subject}: ${what}: (${returnCode}) ${name}${meaning === undefined ? ': this release does not know the code, which a newer module may have' : `: ${meaning}`}${told}.${nextStep === undefined ? '' : ` ${nextStep}.`}\n`;
}

/**
 * @param subject what the command was about, such as `/dev/drbd0`; undefined before it is known
 * @returns one line, or several, for standard error: what failed, on what, the number and its symbolic name, and what
 *   to do next. No secrets.
 */
export function formatError(error: unknown, tool: string, subject: string | undefined): string {
  if (error instanceof UsageError) {
    return `${tool}: ${error.message}\n${error.command === undefined ? '' : `Try "${tool} help ${error.command}".\n`}`;
  }
  if (error instanceof KernelError)
    return formatReturnCode(subject ?? tool, error.returnCode, error.returnName, error.infoText, error);
  const who = subject ?? tool;
  if (error instanceof ArgumentError) return `${who}: not sent: ${error.message}\n`;
  // The library's names for what it may be told are options here.
  if (error instanceof DrbdError)
    return `${who}: ${error.message.replace('(forceUnsafe)', '(--force-unsafe)')} [${error.code}]\n`;
  if (error instanceof AbortError)
    return `${who}: ${error.message}${typeof error.cause === 'string' ? ` (${error.cause})` : ''}\n`;
  if (error instanceof Error) return `${who}: ${error.message}\n`;
  return `${who}: ${String(error)}\n`;
}
