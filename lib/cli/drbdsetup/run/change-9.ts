import { existsSync } from 'node:fs';
import { returnCodes } from '../../../dialects/genl2';
import type { Genl2Client } from '../../../drbd';
import { KernelError, TransportError } from '../../../errors';
import { tell, tellError, waitOptions, type Context } from '../../context';
import { EXIT, exitCodeOfError, UsageError } from '../../errors';
import type { Call } from '../../line/call';
import type { Manner } from '../../line/vocabulary';
import { forget, runChange } from './change';
import { namesOf } from './names-9';

const SYSFS = '/sys/devices/virtual/block';

/**
 * Creates a device. One whose number the system has already, because it is there or its removal is not yet over, is
 * refused before anything is sent: kernels were seen to break over that.
 */
export async function runNewMinor9(client: Genl2Client, call: Call, manner: Manner, context: Context): Promise<number> {
  const { minor } = call;
  if (minor !== undefined && hasDevice(minor, context))
    throw new UsageError(
      `drbd${minor} exists already, or is just about to go (${SYSFS}/drbd${minor}), so nothing was sent: (${returnCodes.ERR_MINOR_OR_VOLUME_EXISTS}) ERR_MINOR_OR_VOLUME_EXISTS. Take another minor, or remove it first (del-minor)`,
      { exitCode: EXIT.refused },
    );
  return runChange(client, call, manner, context);
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

/**
 * Takes resources down, one after the other: a refusal of one does not keep the others.
 * @returns the exit code of the first refusal
 */
export async function runDown9(client: Genl2Client, call: Call, manner: Manner, context: Context): Promise<number> {
  const wait = waitOptions(context);
  const wanted = namesOf(call).resource;
  const names = (await client.request('get_resources', {}, wait))
    .map(({ context: place }) => place?.ctx_resource_name ?? '')
    .filter((name) => wanted === undefined || name === wanted);
  if (names.length === 0 && wanted !== undefined)
    tell('there is no such resource, so there is nothing to take down', context);
  let exit: number = EXIT.ok;
  for (const name of names) {
    const one: Context = { ...context, subject: name };
    const place = { ctx_resource_name: name };
    const { forgets: _later, ...command } = call.command;
    const ofOne: Call = { ...call, command, target: { kind: 'resource', name }, context: place };
    try {
      const devices = await client.request('get_devices', { context: place }, wait);
      await runChange(client, ofOne, manner, one);
      forget(
        { ...ofOne, command: call.command },
        devices.flatMap(({ minor }) => minor ?? []),
        one,
      );
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
