import { metaDeviceModes } from '../../dialects/words';
import { buildConnectorSnapshot, snapshotToJson, type Client } from '../../drbd';
import { CodecError, DrbdError, KernelError, MismatchError } from '../../errors';
import { returnCodes, type ConnectorReply } from '../../dialects/connector';
import { byteOrderOf } from '../backend';
import { clientOf, notesDirectory, procDrbdOf, tell, waitOptions, type Context } from '../context';
import { EXIT } from '../errors';
import { explainGenerations, formatGenerations, generationsToJson } from '../generations';
import { ssocksFamily } from '../address';
import { requireTag } from './codes';
import type { ReadCommand } from './commands';
import { configToJson, stateToJson } from './json';
import { deleteLastKnown, lastKnownPath, readLastKnown, writeLastKnown } from '../last-known';
import { resourceName } from './resource-name';
import {
  formatConfig,
  formatConnection,
  formatDisks,
  formatRole,
  formatShellStatus,
  formatStatus,
  formatUnknownTags,
  stateText,
  type StateText,
} from './show';

/** How many generations the kernel keeps of each device. */
const UUIDS = 4;

/** @returns the exit code */
export async function runRead(command: ReadCommand, minor: number, context: Context): Promise<number> {
  const client = await clientOf(context, 'connector');
  switch (command.packet) {
    case 'get_state':
      return readState(command, minor, client, context);
    case 'get_uuids':
      return readGenerations(command, minor, client, context);
    case 'get_config':
      return command.name === 'check-resize' ? checkResize(minor, client, context) : readConfig(minor, client, context);
  }
}

function print(context: Context, text: string, json: () => object, unknown: ConnectorReply['unknown'] = []): number {
  const { globals, io } = context;
  io.stdout.write(
    globals.json ? `${JSON.stringify(json())}\n` : `${text}${formatUnknownTags(unknown, byteOrderOf(context.backend))}`,
  );
  return EXIT.ok;
}

async function readState(
  command: ReadCommand,
  minor: number,
  client: Client<'connector'>,
  context: Context,
): Promise<number> {
  const order = byteOrderOf(context.backend);
  const overview = command.name === 'status' || command.name === 'sh-status';
  let reply: ConnectorReply<'get_state'> | undefined;
  try {
    reply = await client.request('get_state', { minor }, waitOptions(context));
  } catch (error) {
    // To a cluster manager, a minor that does not exist is a state like any other.
    if (!(overview && error instanceof KernelError && error.returnCode === returnCodes.ERR_MINOR_INVALID)) throw error;
  }
  const state = reply === undefined ? undefined : stateText(requireTag(reply.tags, 'get_state', 'state_i'), order);
  const permille = reply?.tags.sync_progress;
  const resource = context.io.env['DRBD_RESOURCE'];
  const text = (format: (known: StateText) => string): string => (state === undefined ? '' : format(state));
  const short = (): object => ({ minor, ...(state === undefined ? {} : stateToJson(state, permille)) });
  const unknown = reply?.unknown ?? [];
  switch (command.name) {
    case 'role':
      return print(context, text(formatRole), short, unknown);
    case 'cstate':
      return print(context, text(formatConnection), short, unknown);
    case 'dstate':
      return print(context, text(formatDisks), short, unknown);
    default: {
      const snapshot = context.globals.json ? await snapshotOf(minor, reply, client, context) : {};
      const format = command.name === 'status' ? formatStatus : formatShellStatus;
      return print(context, format(minor, resource, state, permille), () => snapshot, unknown);
    }
  }
}

/** The Snapshot of one minor, in its JSON form. */
async function snapshotOf(
  minor: number,
  state: ConnectorReply<'get_state'> | undefined,
  client: Client<'connector'>,
  context: Context,
): Promise<object> {
  const proc = procDrbdOf(context.backend);
  const name = resourceName(minor, context);
  const uuids =
    state === undefined
      ? undefined
      : await answerOf(() => client.request('get_uuids', { minor }, waitOptions(context)));
  const config =
    state === undefined
      ? undefined
      : await answerOf(() => client.request('get_config', { minor }, waitOptions(context)));
  return snapshotToJson(
    buildConnectorSnapshot({
      driver: client.driver,
      order: byteOrderOf(context.backend),
      minors: state === undefined ? [] : [{ minor, state: state.tags, uuids: uuids?.tags, config: config?.tags }],
      procDrbd:
        proc === undefined ? undefined : { ...proc, devices: proc.devices.filter((device) => device.minor === minor) },
      names: name === undefined ? undefined : new Map([[minor, name]]),
      complete: state === undefined || (uuids !== undefined && config !== undefined),
    }),
  );
}

/**
 * An answer that may be missing: a diskless minor has no generations, and a recording may hold fewer answers than are
 * asked for.
 */
async function answerOf<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof KernelError || error instanceof MismatchError) return undefined;
    throw error;
  }
}

async function readGenerations(
  command: ReadCommand,
  minor: number,
  client: Client<'connector'>,
  context: Context,
): Promise<number> {
  const { tags, unknown } = await client.request('get_uuids', { minor }, waitOptions(context));
  const { uuids, uuids_flags: flags = 0 } = tags;
  if (uuids === undefined) {
    tell(
      'the answer holds no generations: the device has no disk. Attach one, or read its metadata with drbdmeta',
      context,
    );
    return EXIT.nothing;
  }
  if (uuids.length !== UUIDS)
    throw new CodecError('the answer get_uuids', undefined, `${UUIDS} generations`, `${uuids.length}`);
  const text = command.name === 'show-gi' ? explainGenerations(uuids, flags) : formatGenerations(uuids, flags);
  return print(context, text, () => generationsToJson(minor, uuids, flags), unknown);
}

async function readConfig(minor: number, client: Client<'connector'>, context: Context): Promise<number> {
  const { tags, unknown } = await client.request('get_config', { minor }, waitOptions(context));
  const order = byteOrderOf(context.backend);
  return print(
    context,
    formatConfig(minor, tags, order, ssocksFamily()),
    () => configToJson(minor, tags, order, context.globals.reveal),
    unknown,
  );
}

/**
 * Notes size and path of a backing device that holds its own metadata; forgets what was noted if the metadata is
 * elsewhere.
 */
async function checkResize(minor: number, client: Client<'connector'>, context: Context): Promise<number> {
  const { backend, globals } = context;
  const { tags } = await client.request('get_config', { minor }, waitOptions(context));
  const { backing_dev: device, meta_dev_idx: index } = tags;
  const fail = (problem: string): number => {
    tell(problem, context);
    return EXIT.nothing;
  };
  if (device === undefined) return fail('there is no disk to look at. Attach one, or use drbdmeta');
  if (index === undefined) return fail('the answer does not tell where the metadata is');
  const path = lastKnownPath(notesDirectory(context), minor);
  if (index >= 0 || index === metaDeviceModes.flexExternal) {
    deleteLastKnown(path);
    return globals.json ? print(context, '', () => ({ minor, device, sizeBytes: null, changed: null })) : EXIT.ok;
  }
  let sizeBytes: bigint;
  try {
    const found = backend.blockDevice(device);
    if (found === undefined) return fail(`${device} is not a block device`);
    sizeBytes = found.sizeBytes;
  } catch (error) {
    if (!(error instanceof DrbdError)) throw error;
    return fail(`the backing device cannot be looked at: ${error.message}`);
  }
  const known = readLastKnown(path);
  const changed = known?.sizeBytes !== sizeBytes || known.device !== device;
  if (changed) {
    try {
      writeLastKnown(path, { sizeBytes, device, uuid: known?.uuid });
    } catch (error) {
      // As in drbdsetup: that it could not be noted is told, and is no failure of the command.
      tell(
        `${path} could not be written: ${(error as NodeJS.ErrnoException).code ?? String(error)}. Run as root, and see that the directory exists`,
        context,
      );
    }
  }
  return globals.json
    ? print(context, '', () => ({ minor, device, sizeBytes: sizeBytes.toString(), changed }))
    : EXIT.ok;
}
