import {
  AbortError,
  ArgumentError,
  DrbdError,
  KernelError,
  MismatchError,
  NetlinkError,
  TransportError,
} from '../errors';
import { explainCode, type CodePlace, type CodeText } from '../drbd';
import { exitCodeOfEnd } from './io';

/** Takes out of what is printed whatever repeats a secret of a command line, or what follows one. */
export interface SecretMask {
  /** Of a message: the words that it quotes. */
  message(text: string): string;
  /** Of what a command is about: words as the user wrote them. */
  subject(text: string): string;
}

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
  /** What `--json` tells it by. */
  readonly code: 'ERR_DRBD_USAGE' | 'ERR_DRBD_NOT_FOUND';

  constructor(
    message: string,
    details: {
      readonly exitCode?: number;
      readonly command?: string | undefined;
      readonly code?: UsageError['code'];
    } = {},
  ) {
    super(message);
    this.exitCode = details.exitCode ?? EXIT.failure;
    this.command = details.command;
    this.code = details.code ?? 'ERR_DRBD_USAGE';
  }

  override get name(): 'UsageError' {
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

/** What an error is about, and how it is told. */
export interface Teller {
  /** The program's name: all that it says begins with it. */
  readonly tool: string;
  /** The command as it was typed, once that is known. */
  readonly command?: string | undefined;
  /** What the command is about, such as `/dev/drbd0`, once that is known. */
  readonly subject?: string | undefined;
  /** The names of the dialect's requests, of which a user knows the commands only. */
  readonly requests?: readonly string[] | undefined;
  /** Takes secrets out. */
  readonly mask?: SecretMask | undefined;
  readonly json?: boolean | undefined;
}

/** The words for a return code: number, symbolic name, cause, next step. */
function returnCodeText(error: KernelError): string {
  const { returnCode, returnName, infoText } = error;
  const { meaning, nextStep } = explainCode(returnName, error);
  const what = returnCode > ERR_BASE ? 'Failure' : 'State change failed';
  const told = infoText.map((text) => `; the kernel adds: ${text}`).join('');
  return `${what}: (${returnCode}) ${returnName}${meaning === undefined ? ': this release does not know the code, which a newer module may have' : `: ${meaning}`}${told}.${nextStep === undefined ? '' : ` ${nextStep}.`}`;
}

/** The command that was typed in place of the request that it became: `inval_peer` means nothing to a user. */
function withTypedCommand(text: string, { command, requests = [] }: Teller): string {
  if (command === undefined) return text;
  // The other names are those of commands, or plain words.
  const names = requests.filter((name) => name.includes('_'));
  return names.length === 0 ? text : text.replace(new RegExp(`\\b(?:${names.join('|')})\\b`, 'gu'), command);
}

/** What an error says, without the program's name and what it is about. */
function messageOf(error: unknown, teller: Teller): string {
  if (error instanceof KernelError) return returnCodeText(error);
  if (error instanceof UsageError) return error.message;
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof ArgumentError) return `not sent: ${withTypedCommand(text, teller)}`;
  // It compares requests, and names both.
  if (error instanceof MismatchError) return text;
  // The library's names for what it may be told are options here.
  if (error instanceof DrbdError) return withTypedCommand(text.replace('(forceUnsafe)', '(--force-unsafe)'), teller);
  if (error instanceof AbortError)
    return `${withTypedCommand(text, teller)}${typeof error.cause === 'string' ? ` (${error.cause})` : ''}`;
  return text;
}

/** The program's name, and what the command is about. */
function headOf(error: unknown, { tool, subject, mask }: Teller): string {
  if (subject === undefined || error instanceof UsageError) return `${tool}: `;
  return `${tool}: ${mask?.subject(subject) ?? subject}: `;
}

/** An error as `--json` prints it: one line on standard error, in place of the text. */
function errorToJson(error: unknown, teller: Teller, message: string): object {
  const { tool, command = null, subject = null, mask } = teller;
  const kernel = error instanceof KernelError ? error : undefined;
  const explained = kernel === undefined ? undefined : explainCode(kernel.returnName, kernel);
  const errno = error instanceof NetlinkError || error instanceof TransportError ? error.errno : 0;
  const code = (error as { readonly code?: unknown } | null)?.code;
  const sent = (error as { readonly sent?: unknown } | null)?.sent;
  return {
    error: {
      program: tool,
      command,
      subject: subject === null ? null : (mask?.subject(subject) ?? subject),
      code: typeof code === 'string' ? code : null,
      exitCode: exitCodeOfError(error),
      message,
      returnCode: kernel?.returnCode ?? null,
      returnName: kernel?.returnName ?? null,
      cause: explained?.meaning ?? null,
      next: explained?.nextStep ?? null,
      infoText: kernel?.infoText ?? [],
      errno: errno === 0 ? null : errno,
      sent: typeof sent === 'string' ? sent : null,
    },
  };
}

/**
 * @returns what standard error is told of an error: one line, or several, or with `--json` one object: what failed, on
 *   what, the number and its symbolic name, and what to do next. No secrets.
 */
export function formatError(error: unknown, teller: Teller): string {
  const plain = messageOf(error, teller);
  const message = teller.mask?.message(plain) ?? plain;
  if (teller.json === true) return `${JSON.stringify(errorToJson(error, teller, message))}\n`;
  const code = error instanceof DrbdError && !(error instanceof KernelError || error instanceof ArgumentError);
  const hint =
    error instanceof UsageError && error.command !== undefined ? `Try "${teller.tool} help ${error.command}".\n` : '';
  return `${headOf(error, teller)}${message}${code ? ` [${error.code}]` : ''}\n${hint}`;
}

/** @returns what standard error is told beside the result: a line, or with `--json` an object */
export function formatNotice(text: string, teller: Teller): string {
  const { tool, command = null, subject, mask, json } = teller;
  const message = mask?.message(text) ?? text;
  const about = subject === undefined ? undefined : (mask?.subject(subject) ?? subject);
  return json === true
    ? `${JSON.stringify({ warning: { program: tool, command, subject: about ?? null, message } })}\n`
    : `${tool}: ${about === undefined ? '' : `${about}: `}${message}\n`;
}
