import { returnCodes } from '../../dialects/genl1';
import { unlinkSync } from 'node:fs';
import type { Genl1Client } from '../../drbd';
import { KernelError, UnsupportedError } from '../../errors';
import { isBefore } from '../../dialects/release';
import { locked, tell, waitOptions, type Context } from '../context';
import { EXIT, explainRefusal } from '../errors';
import { requestOf, type Call } from './command-line';
import { statusOf } from './streams';

/** Where drbdadm links what it configured to the configuration file that it took it from. */
const REGISTRY = '/var/run/drbd';

/** A request whose operation is known at run time only. */
type AnyRequest = (name: string, params: Readonly<Record<string, unknown>>, options: object) => Promise<Answer>;

/**
 * Sends the request of a call, under the lock of its minor. What the kernel has to say goes to standard error, and with
 * --json also, with the return code, to standard output.
 * @throws KernelError and what else the client throws
 */
export async function runChange(client: Genl1Client, call: Call, context: Context): Promise<number> {
  const { command, target } = call;
  refuseUnknownOptions(call, client.driver.version);
  const request = client.request.bind(client) as AnyRequest;
  const send = (): Promise<Answer> =>
    request(command.operation, requestOf(call), {
      ...waitOptions(context),
      forceUnsafe: context.globals.forceUnsafe,
      outOfRange: call.beyondRange ? 'send' : 'refuse',
    });
  try {
    const reply = await (command.lock && target.kind === 'minor' ? locked(target.minor, context, send) : send());
    for (const text of reply.infoText) tell(`the kernel adds: ${text}`, context);
    report(call, reply, context);
  } catch (error) {
    if (error instanceof KernelError) report(call, error, context);
    throw error;
  }
  return EXIT.ok;
}

type Answer = Pick<KernelError, 'returnCode' | 'returnName' | 'infoText'>;

function report(
  { command, target, argumentMinor }: Call,
  { returnCode, returnName, infoText }: Answer,
  { globals, io, mask }: Context,
): void {
  if (!globals.json) return;
  const minor = target.kind === 'minor' ? target.minor : argumentMinor;
  const { meaning, nextStep } = explainRefusal(returnCode, returnName, {
    dialect: 'genl1',
    operation: command.operation,
  });
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
 * Refuses options that the loaded module is too old for: it would take no notice of them.
 * @param version of the module; nothing is refused where it is not known
 * @throws UnsupportedError that names the release that has them
 */
function refuseUnknownOptions({ command, fields = {} }: Call, version: string | null): void {
  if (version === null) return;
  for (const { name, field, table } of command.options) {
    if (!(field in fields) || table.since === undefined || !isBefore(version, table.since)) continue;
    throw new UnsupportedError(
      `${command.name} --${name} needs DRBD ${table.since}; the loaded module is ${version}, so nothing was sent. Leave it out, or update the module`,
      {
        feature: `${command.name} --${name}`,
        dialect: 'genl1',
        requires: `DRBD ${table.since}`,
      },
    );
  }
}

/** As {@link runChange}; then drbdadm's note of where the minor was configured is taken away. */
export async function runDelMinor(client: Genl1Client, call: Call, context: Context): Promise<number> {
  const exit = await runChange(client, call, context);
  if (call.target.kind === 'minor') forget(`drbd-minor-${call.target.minor}.conf`, context);
  return exit;
}

export async function runDelResource(client: Genl1Client, call: Call, context: Context): Promise<number> {
  const exit = await runChange(client, call, context);
  if (call.target.kind === 'resource') forget(`drbd-resource-${call.target.name}.conf`, context);
  return exit;
}

/** Takes a resource down. One that does not exist is down. */
export async function runDown(client: Genl1Client, call: Call, context: Context): Promise<number> {
  const { target } = call;
  const volumes = await statusOf(client, target, context);
  try {
    await runChange(client, call, context);
  } catch (error) {
    if (!(error instanceof KernelError) || error.returnCode !== returnCodes.ERR_RES_NOT_KNOWN) throw error;
    tell('there is no such resource, so there is nothing to take down', context);
  }
  for (const { minor } of volumes) if (minor !== undefined) forget(`drbd-minor-${minor}.conf`, context);
  if (target.kind === 'resource') forget(`drbd-resource-${target.name}.conf`, context);
  return EXIT.ok;
}

/** Removes a link of drbdadm's registry, on the machine whose kernel was asked. */
function forget(link: string, context: Context): void {
  if (context.backend.kind !== 'kernel' || link.includes('/')) return;
  try {
    unlinkSync(`${REGISTRY}/${link}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') tell(`${REGISTRY}/${link} could not be removed: ${code ?? String(error)}`, context);
  }
}
