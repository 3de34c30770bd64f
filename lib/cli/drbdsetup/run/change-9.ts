import { existsSync, unlinkSync } from 'node:fs';
import { returnCodes } from '../../../dialects/genl2';
import { isBefore } from '../../../dialects/release';
import type { Genl2Client } from '../../../drbd';
import { KernelError, TransportError, UnsupportedError } from '../../../errors';
import { locked, tell, tellError, waitOptions, type Context } from '../../context';
import { EXIT, exitCodeOfError, explainRefusal, UsageError } from '../../errors';
import { requestOf9, type Call9 } from './call-9';

/** Where drbdadm links what it configured to the configuration file that it took it from. */
const REGISTRY = '/var/run/drbd';

/** A request whose operation is known at run time only. */
type AnyRequest = (name: string, params: Readonly<Record<string, unknown>>, options: object) => Promise<Answer>;
type Answer = Pick<KernelError, 'returnCode' | 'returnName' | 'infoText'>;

/**
 * Sends the request of a call, under the lock of its minor. What the kernel has to say goes to standard error, and with
 * --json also, with the return code, to standard output.
 * @throws KernelError and what else the client throws
 */
export async function runChange9(client: Genl2Client, call: Call9, context: Context): Promise<number> {
  const { command, minor } = call;
  refuseUnknownOptions(call, client.driver.version);
  const request = client.request.bind(client) as AnyRequest;
  const send = (): Promise<Answer> =>
    request(command.operation, requestOf9(call), {
      ...waitOptions(context),
      forceUnsafe: context.globals.forceUnsafe,
      outOfRange: call.beyondRange ? 'send' : 'refuse',
      // What is missing is for the kernel to refuse, as ever.
      malformed: 'send',
    });
  try {
    const reply = await (command.lock && minor !== undefined ? locked(minor, context, send) : send());
    for (const text of reply.infoText) tell(`the kernel adds: ${text}`, context);
    report(call, reply, context);
  } catch (error) {
    if (error instanceof KernelError) report(call, error, context);
    throw error;
  }
  return EXIT.ok;
}

function report(
  { command, minor, resource }: Call9,
  { returnCode, returnName, infoText }: Answer,
  { globals, io, mask }: Context,
): void {
  if (!globals.json) return;
  const { meaning, nextStep } = explainRefusal(returnCode, returnName, {
    dialect: 'genl2',
    operation: command.operation,
  });
  const place = {
    command: command.name,
    minor: minor ?? null,
    resource: resource === undefined ? null : (mask?.subject(resource) ?? resource),
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
function refuseUnknownOptions({ command, fields = {} }: Call9, version: string | null): void {
  if (version === null) return;
  for (const { name, field, table } of command.options) {
    if (!(field in fields) || table.since === undefined || !isBefore(version, table.since)) continue;
    throw new UnsupportedError(
      `${command.name} --${name} needs DRBD ${table.since}; the loaded module is ${version}, so nothing was sent. Leave it out, or update the module`,
      { feature: `${command.name} --${name}`, dialect: 'genl2', requires: `DRBD ${table.since}` },
    );
  }
}

const SYSFS = '/sys/devices/virtual/block';

/**
 * Creates a device. One whose number the system has already, because it is there or its removal is not yet over, is
 * refused before anything is sent: kernels were seen to break over that.
 */
export async function runNewMinor9(client: Genl2Client, call: Call9, context: Context): Promise<number> {
  const { minor } = call;
  if (minor !== undefined && hasDevice(minor, context))
    throw new UsageError(
      `drbd${minor} exists already, or is just about to go (${SYSFS}/drbd${minor}), so nothing was sent: (${returnCodes.ERR_MINOR_OR_VOLUME_EXISTS}) ERR_MINOR_OR_VOLUME_EXISTS. Take another minor, or remove it first (del-minor)`,
      { exitCode: EXIT.refused },
    );
  return runChange9(client, call, context);
}

/** Of a recorded machine no more is known than its block devices. */
function hasDevice(minor: number, { backend }: Context): boolean {
  if (backend.kind === 'kernel') return existsSync(`${SYSFS}/drbd${minor}`);
  try {
    return backend.blockDevice(`/dev/drbd${minor}`) !== undefined;
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return false;
  }
}

/** As {@link runChange9}; then drbdadm's note of where the minor was configured is taken away. */
export async function runDelMinor9(client: Genl2Client, call: Call9, context: Context): Promise<number> {
  const exit = await runChange9(client, call, context);
  if (call.minor !== undefined) forget(`drbd-minor-${call.minor}.conf`, context);
  return exit;
}

export async function runDelResource9(client: Genl2Client, call: Call9, context: Context): Promise<number> {
  const exit = await runChange9(client, call, context);
  if (call.resource !== undefined) forget(`drbd-resource-${call.resource}.conf`, context);
  return exit;
}

/**
 * Takes resources down, one after the other: a refusal of one does not keep the others.
 * @returns the exit code of the first refusal
 */
export async function runDown9(client: Genl2Client, call: Call9, context: Context): Promise<number> {
  const wait = waitOptions(context);
  const names = (await client.request('get_resources', {}, wait))
    .map(({ context: place }) => place?.ctx_resource_name ?? '')
    .filter((name) => call.resource === undefined || name === call.resource);
  if (names.length === 0 && call.resource !== undefined)
    tell('there is no such resource, so there is nothing to take down', context);
  let exit: number = EXIT.ok;
  for (const resource of names) {
    const one: Context = { ...context, subject: resource };
    try {
      const devices = await client.request('get_devices', { context: { ctx_resource_name: resource } }, wait);
      await runChange9(client, { ...call, resource }, one);
      for (const { minor } of devices) if (minor !== undefined) forget(`drbd-minor-${minor}.conf`, one);
      forget(`drbd-resource-${resource}.conf`, one);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      if (error.returnCode === returnCodes.ERR_RES_NOT_KNOWN) continue;
      if (names.length === 1) throw error;
      tellError(error, one);
      if (exit === EXIT.ok) exit = exitCodeOfError(error);
    }
  }
  return exit;
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
