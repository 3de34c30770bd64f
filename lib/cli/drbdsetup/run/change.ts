import { unlinkSync } from 'node:fs';
import { isBefore } from '../../../dialects/release';
import type { Client } from '../../../drbd';
import { KernelError, UnsupportedError } from '../../../errors';
import type { AnyField, FieldTable } from '../../../schema';
import { locked, tell, tellError, type Context } from '../../context';
import { EXIT, explainRefusal } from '../../errors';
import { requestOf, type Call } from '../../line/call';
import type { Manner } from '../../line/vocabulary';
import { minorsOf } from './minors';
import { send, type Answer } from './request';

/** Where drbdadm links what it configured to the configuration file that it took it from. */
const REGISTRY = '/var/run/drbd';
const NO_SUCH_OBJECT: ReadonlySet<string> = new Set(['ERR_MINOR_INVALID', 'ERR_RES_NOT_KNOWN']);

/**
 * Sends the request of a call, under the lock of its minor. The kernel's own words go to standard error, and with
 * --json also, with the return code, to standard output.
 * @throws KernelError and what else the client throws
 */
export async function runChange(client: Client, call: Call, manner: Manner, context: Context): Promise<number> {
  const { command, minor } = call;
  const change = (): Promise<number> => sendOne(client, call, command.operation, manner, context);
  const exit = await (command.lock && minor !== undefined ? locked(minor, context, change) : change());
  if (command.forgets !== undefined) forget(call, minor === undefined ? [] : [minor], context);
  return exit;
}

/** @param isLast its answer is that of the command */
async function sendOne(
  client: Client,
  call: Call,
  operation: string,
  manner: Manner,
  context: Context,
  isLast = true,
): Promise<number> {
  refuseUnknownOptions(call, client);
  try {
    const reply = await send(client, operation, requestOf(call, manner), context, {
      forceUnsafe: context.globals.forceUnsafe,
      outOfRange: call.beyondRange ? 'send' : 'refuse',
      // What is missing, or too long, is for the kernel to refuse, as ever.
      malformed: manner.exits.tooLong === undefined ? 'send' : 'refuse',
    });
    for (const text of reply.infoText ?? []) tell(`the kernel adds: ${text}`, context);
    if (isLast) report(client, call, operation, reply, context);
  } catch (error) {
    if (isLast && error instanceof KernelError) report(client, call, operation, error, context);
    throw error;
  }
  return EXIT.ok;
}

/**
 * Takes down a resource, or a minor of 8.3. What does not exist is down. Of several steps, the first has to succeed; what
 * comes of those between is told, and does not keep the last from being taken.
 */
export async function runDown(client: Client, call: Call, manner: Manner, context: Context): Promise<number> {
  const { command, target, minor } = call;
  const { steps = [command.operation] } = command;
  const minors = command.forgets === undefined ? [] : await minorsOf(client, target, context);
  const takeDown = async (): Promise<number> => {
    for (const [index, step] of steps.entries()) {
      try {
        await sendOne(client, call, step, manner, context, index === steps.length - 1);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        if (index === 0 && NO_SUCH_OBJECT.has(error.returnName)) {
          const what = minor === undefined ? 'resource' : 'minor';
          tell(`there is no such ${what}, so there is nothing to take down`, context);
          break;
        }
        if (index === 0 && steps.length > 1) report(client, call, step, error, context);
        if (index === 0 || index === steps.length - 1) throw error;
        tellError(error, context);
      }
    }
    return EXIT.ok;
  };
  const exit = await (command.lock && minor !== undefined ? locked(minor, context, takeDown) : takeDown());
  if (command.forgets !== undefined) forget(call, minors, context);
  return exit;
}

function report(
  client: Client,
  { command, target, minor }: Call,
  operation: string,
  { returnCode, returnName, infoText = [] }: Pick<Answer, 'returnCode' | 'returnName' | 'infoText'>,
  { globals, io, mask }: Context,
): void {
  if (!globals.json) return;
  const { meaning, nextStep } = explainRefusal(returnCode, returnName, { dialect: client.dialect, operation });
  const name = target.kind === 'resource' ? target.name : null;
  const place = {
    command: command.name,
    minor: minor ?? null,
    resource: name === null ? null : (mask?.subject(name) ?? name),
  };
  io.stdout.write(
    `${JSON.stringify({ ...place, returnCode, returnName, cause: meaning ?? null, next: nextStep ?? null, infoText })}\n`,
  );
}

/**
 * Refuses what the loaded module is too old for: it would refuse it without saying why, or take no notice of it.
 * @throws UnsupportedError that names the release that has it; nothing is refused where the module's is not known
 */
function refuseUnknownOptions({ command, fields = [] }: Call, { driver: { version }, dialect }: Client): void {
  if (version === null) return;
  const refuse = (what: string, since: string): never => {
    throw new UnsupportedError(
      `${what} needs DRBD ${since}; the loaded module is ${version}, so nothing was sent. Leave it out, or update the module`,
      { feature: what, dialect, requires: `DRBD ${since}` },
    );
  };
  if (command.since !== undefined && isBefore(version, command.since)) refuse(command.name, command.since);
  for (const [field] of fields) {
    const since = unknownSince(command.fields, field, version);
    if (since === undefined) continue;
    const option = command.options.find(({ field: own, flagIfZero }) => own === field || flagIfZero === field);
    refuse(option === undefined ? 'an address of this family' : `${command.name} --${option.name}`, since);
  }
}

/** @returns the release that has a field, where the module has neither it nor another of its number */
function unknownSince(fields: FieldTable, name: string, version: string): string | undefined {
  const field = fields[name];
  const isUnknown = ({ since }: AnyField): boolean => since !== undefined && isBefore(version, since);
  if (field === undefined || !isUnknown(field)) return undefined;
  // The same number had another name in older releases.
  const had = Object.values(fields).some(
    (other) => other !== field && other.number === field.number && !isUnknown(other),
  );
  return had ? undefined : field.since;
}

/** Removes links of drbdadm's registry, on the machine whose kernel was asked. */
export function forget({ command: { forgets }, target }: Call, minors: readonly number[], context: Context): void {
  if (context.backend.kind !== 'kernel') return;
  const links = forgets === 'resource' ? [] : minors.map((minor) => `drbd-minor-${minor}.conf`);
  if (target.kind === 'resource' && forgets !== 'minor') links.push(`drbd-resource-${target.name}.conf`);
  for (const link of links) {
    if (link.includes('/')) continue;
    try {
      unlinkSync(`${REGISTRY}/${link}`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') tell(`${REGISTRY}/${link} could not be removed: ${code ?? String(error)}`, context);
    }
  }
}
