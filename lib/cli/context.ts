import { spawnSync } from 'node:child_process';
import type { Client, Dialect, ProcDrbd } from '../drbd';
import { parseProcDrbd } from '../drbd';
import { DrbdError, UnsupportedError } from '../errors';
import type { WaitOptions } from '../session';
import { NOTES_DIRECTORY } from '../transport/resource-names';
import type { Backend } from './backend';
import { formatError, formatNotice, UsageError, type SecretMask, type Teller } from './errors';
import { readFirstLine } from './files';
import type { Globals } from './globals';
import type { Io } from './io';
import { quote } from './line/number';

/** What a command runs in. Commands that share a backend (batch) share its client. */
export interface Context {
  readonly io: Io;
  readonly globals: Globals;
  readonly backend: Backend;
  /** The tool's name, for messages. */
  readonly tool: string;
  /** What the command is about, as the user named it, once that is known: error messages begin with it. */
  subject: string | undefined;
  /** The command as it was typed, once that is known. */
  command?: string | undefined;
  /** The names of the dialect's requests: errors name the command in their place. */
  requests?: readonly string[];
  /** Takes secrets out of messages. */
  readonly mask?: SecretMask | undefined;
  /** `--json` was given, be it behind the command: what standard error is told is JSON too. */
  readonly jsonErrors?: boolean | undefined;
}

/** @returns how a command's errors are told */
export function tellerOf(context: Context): Teller {
  const { tool, command, subject, requests, mask, globals, jsonErrors } = context;
  return { tool, command, subject, requests, mask, json: jsonErrors === true || globals.json };
}

/** Tells an error on standard error. */
export function tellError(error: unknown, context: Context): void {
  context.io.stderr.write(formatError(error, tellerOf(context)));
}

/** Tells something beside the result on standard error. */
export function tell(text: string, context: Context): void {
  context.io.stderr.write(formatNotice(text, tellerOf(context)));
}

/** The commands of `drbdsetup` in one dialect. */
export interface Personality {
  readonly dialect: Dialect;
  /** The words that are commands, to tell by them which personality is meant where no driver tells. */
  readonly commands: readonly string[];
  /**
   * Runs one command.
   * @param argv the words after the global options: device and command, or command and objects, with the command's
   *   options
   * @returns the exit code
   * @throws UsageError, and what the client throws: the caller prints it and makes the exit code of it
   */
  run(argv: readonly string[], context: Context): Promise<number>;
}

/** @returns how long a request of this command may take, and when it is to be given up */
export function waitOptions(context: Context, signal?: AbortSignal): WaitOptions {
  const { timeoutMs } = context.globals;
  return { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(signal === undefined ? {} : { signal }) };
}

/**
 * @returns the client, narrowed to the dialect. @throws UnsupportedError if the driver speaks another, and what
 *   openDrbd throws
 */
export async function clientOf<D extends Dialect>(context: Context, dialect: D): Promise<Client<D>> {
  const client: Client = await context.backend.client(waitOptions(context));
  if (client.dialect !== dialect)
    throw new UnsupportedError(`the driver speaks ${client.dialect}, not ${dialect}`, {
      feature: dialect,
      dialect: client.dialect,
      requires: `a driver that speaks ${dialect}`,
    });
  return client as Client<D>;
}

/** @returns /proc/drbd of the driver's host, read; undefined where there is none, or none that can be understood */
export function procDrbdOf(backend: Backend): ProcDrbd | undefined {
  const text = backend.host.procDrbd();
  if (typeof text !== 'string') return undefined;
  try {
    return parseProcDrbd(text);
  } catch (error) {
    if (error instanceof DrbdError) return undefined;
    throw error;
  }
}

/**
 * @returns whether a driver is there, as far as /proc/drbd tells. A simulator, and whatever the caller gave, is one.
 */
export function isDriverPresent(backend: Backend): boolean {
  return backend.kind !== 'kernel' || typeof backend.host.procDrbd() === 'string';
}

/**
 * @returns whether it is certain that there is no driver: procfs is there, and has no /proc/drbd. Where it cannot be
 *   read, as without procfs or for want of descriptors, nothing is certain.
 */
export function isDriverAbsent(backend: Backend): boolean {
  if (backend.kind !== 'kernel') return false;
  const text = backend.host.procDrbd();
  return typeof text !== 'string' && text.error === 'ENOENT';
}

/** Tells what a recording lacks of the state that was shown. */
export function tellMissing(context: Context): void {
  const missing = context.backend.missing();
  if (missing.length === 0) return;
  tell(
    `the recording does not hold ${missing.join(', ')}: what only that tells is missing. Record the whole state with "drbd record FILE"`,
    context,
  );
}

/** Said where a command has nothing to do without a driver. */
export function nothingToDo(command: string): string {
  return `there is nothing to do for ${command}: no DRBD driver is loaded, as /proc/drbd is missing`;
}

/**
 * @returns where the notes about the driver's minors are: those of this machine are about its kernel, and not about
 *   what a recording or a simulator tells of
 */
export function notesDirectory({ globals, backend }: Context): string | undefined {
  return globals.stateDirectory ?? (backend.kind === 'kernel' ? NOTES_DIRECTORY : undefined);
}

/**
 * Runs what must not run beside drbdmeta or another drbdsetup on the same minor. The driver is looked for first, so that
 * the lock is held for the command's own requests only.
 * @throws LockedError, TransportError, and what it throws
 */
export async function locked<T>(minor: number, context: Context, run: () => Promise<T>): Promise<T> {
  const { backend } = context;
  await backend.client(waitOptions(context));
  const lock = await backend.lock(minor, undefined);
  try {
    return await run();
  } finally {
    lock?.release();
  }
}

/** Loads the module, if the user asked for it and it is missing. @throws UsageError with what modprobe said */
export function loadModuleIfAsked(context: Context): void {
  if (!context.globals.modprobe || isDriverPresent(context.backend)) return;
  const { status, stderr, error } = spawnSync('modprobe', ['drbd'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, PATH: '/usr/sbin:/sbin:/usr/bin:/bin' },
  });
  if (error !== undefined || status !== 0)
    throw new UsageError(`modprobe drbd failed: ${error?.message ?? (stderr.trim() || `exit code ${String(status)}`)}`);
}

const NEWLINE = 0x0a;

/**
 * Reads a secret from the first line of a file, so that it stands on no command line.
 * @param file its path; `-` is standard input
 * @throws UsageError that names the file, and never what it holds
 */
export async function readSecret(file: string, io: Io): Promise<string> {
  const parts: Uint8Array[] = [];
  if (file === '-' || file === '/dev/fd/0' || file === '/dev/stdin') {
    for await (const part of io.stdin()) {
      parts.push(part);
      if (part.includes(NEWLINE)) break;
    }
  } else {
    try {
      // A descriptor is read where it stands: what it leads to may be nothing that can be opened again.
      const [, descriptor] = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/u.exec(file) ?? [];
      parts.push(readFirstLine(descriptor === undefined ? file : Number(descriptor)));
    } catch (error) {
      throw new UsageError(
        `the shared secret cannot be read from ${quote(file)}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
      );
    }
  }
  const [secret = ''] = Buffer.concat(parts).toString('utf8').split(/\r?\n/u);
  if (secret === '')
    throw new UsageError(`the shared secret cannot be read from ${quote(file)}: its first line is empty`);
  return secret;
}
