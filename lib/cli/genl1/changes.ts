import { unlinkSync } from 'node:fs';
import type { Genl1Client } from '../../drbd';
import { KernelError } from '../../errors';
import { waitOptions, type Context } from '../context';
import { EXIT } from '../errors';
import { requestOf, type Call } from './command-line';
import { statusOf } from './streams';

/** Where drbdadm links what it configured to the configuration file that it took it from. */
const REGISTRY = '/var/run/drbd';
const ERR_RES_NOT_KNOWN = 158;

/** A request whose operation is known at run time only. */
type AnyRequest = (name: string, params: Readonly<Record<string, unknown>>, options: object) => Promise<{ readonly infoText: readonly string[] }>;

/** Sends the request of a call, under the lock of its minor. What the kernel has to say goes to standard error. */
export async function runChange(client: Genl1Client, call: Call, context: Context): Promise<number> {
  const { command, target } = call;
  const lock = command.lock && target.kind === 'minor' ? await context.backend.lock(target.minor, undefined) : undefined;
  try {
    const request = client.request.bind(client) as AnyRequest;
    const { infoText } = await request(command.operation, requestOf(call), { ...waitOptions(context), forceUnsafe: context.globals.forceUnsafe });
    for (const text of infoText) context.io.stderr.write(`${context.subject ?? context.tool}: the kernel adds: ${text}\n`);
  } finally {
    lock?.release();
  }
  return EXIT.ok;
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
    if (!(error instanceof KernelError) || error.returnCode !== ERR_RES_NOT_KNOWN) throw error;
    if (context.io.stderr.isTerminal) context.io.stderr.write(`${context.subject ?? context.tool}: there is no such resource; it is down\n`);
  }
  for (const { minor } of volumes) if (minor !== undefined) forget(`drbd-minor-${minor}.conf`, context);
  if (target.kind === 'resource') forget(`drbd-resource-${target.name}.conf`, context);
  return EXIT.ok;
}

/** Removes a link of drbdadm's registry, on the machine whose kernel was asked. */
function forget(link: string, { backend, io }: Context): void {
  if (backend.kind !== 'kernel' || link.includes('/')) return;
  try {
    unlinkSync(`${REGISTRY}/${link}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') io.stderr.write(`${REGISTRY}/${link} could not be removed: ${code ?? String(error)}\n`);
  }
}
