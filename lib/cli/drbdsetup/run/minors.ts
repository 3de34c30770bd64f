import { decodeStateWord, type StateWord } from '../../../dialects/state-word';
import type { Client, Genl1Client } from '../../../drbd';
import { CodecError, KernelError, NetlinkError } from '../../../errors';
import type { Tag } from '../../../schema';
import { byteOrderOf } from '../../backend';
import { waitOptions, type Context } from '../../context';
import { UsageError } from '../../errors';
import type { Call, Target } from '../../line/call';
import { formatPermille, formatResyncPercent } from '../text/states';
import type { StatusReply } from '../v84';

// What drbdsetup asks about minors, and no more: the questions of its generation.

const ENODEV = 19;
const EOPNOTSUPP = 95;

/** @returns whether the minor or resource that was asked about does not exist: the kernel says so in several ways */
export function isUnknownObject(error: unknown): boolean {
  return (
    (error instanceof NetlinkError && error.errno === ENODEV) ||
    (error instanceof KernelError && /^ERR_(?:MINOR_INVALID|RES_NOT_KNOWN)$/u.test(error.returnName))
  );
}

/** @returns what a request resolves with; undefined where the module is older than the operation */
export async function ifSupported<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === EOPNOTSUPP) return undefined;
    throw error;
  }
}

/** @returns the minor that a command is about. @throws UsageError if it is about none */
export function minorOfCall({ command, minor }: Call): number {
  if (minor === undefined) throw new UsageError(`${command.name}: a minor is needed`);
  return minor;
}

/** @returns the answers of get_status about what a command is about; none where it does not exist */
export async function statusOf(
  client: Genl1Client,
  target: Target,
  context: Context,
  signal?: AbortSignal,
): Promise<readonly StatusReply[]> {
  const wait = waitOptions(context, signal);
  try {
    if (target.kind === 'minor') return [await client.request('get_status', { minor: target.minor }, wait)];
    const place = target.kind === 'resource' ? { context: { ctx_resource_name: target.name } } : {};
    return await client.request('get_status', place, wait);
  } catch (error) {
    if (isUnknownObject(error)) return [];
    throw error;
  }
}

/** What was told of one minor; what was not asked for is undefined. */
export interface MinorFacts {
  readonly minor: number;
  readonly resource?: string | undefined;
  readonly volume?: number | undefined;
  readonly state?: StateWord | undefined;
  /** How much of a resync or verify is done. */
  readonly percent?: string | undefined;
  readonly uuids?: readonly bigint[] | undefined;
  readonly diskFlags?: number | undefined;
  readonly disk?: { readonly device?: string | undefined; readonly metaIndex?: number | undefined } | undefined;
  /** What nobody here knows. */
  readonly unknown: readonly Tag[];
}

/** The minor where the kernel named none, in 32 bits. */
const NO_MINOR = 0xffffffff;

/** @returns what a message of get_status tells */
export function factsOfStatus(reply: Omit<StatusReply, 'name'>, context: Context): MinorFacts {
  const { context: place, state_info: info, disk_conf: disk, minor = NO_MINOR } = reply;
  const word = info?.current_state;
  const total = info?.bits_rs_total;
  return {
    minor,
    resource: place?.ctx_resource_name ?? '',
    volume: place?.ctx_volume,
    state: word === undefined ? undefined : decodeStateWord(word, byteOrderOf(context.backend)),
    percent:
      total === undefined ? undefined : formatResyncPercent(total, info?.bits_oos ?? 0n, info?.bits_rs_failed ?? 0n),
    uuids: info?.uuids,
    diskFlags: info?.disk_flags,
    disk: { device: disk?.backing_dev, metaIndex: disk?.meta_dev_idx },
    unknown: [],
  };
}

/**
 * Asks about one minor.
 * @param want what is needed of it: 8.3 has a question for each
 * @throws KernelError if there is none, and what else the client throws; CodecError if the answer lacks its state
 */
export async function readMinor(
  client: Client,
  minor: number,
  want: 'state' | 'generations' | 'disk',
  context: Context,
  signal?: AbortSignal,
): Promise<MinorFacts> {
  const wait = waitOptions(context, signal);
  switch (client.dialect) {
    case 'connector': {
      if (want === 'state') {
        const { tags, unknown } = await client.request('get_state', { minor }, wait);
        const { state_i: word, sync_progress: permille } = tags;
        const percent = permille === undefined ? undefined : formatPermille(permille);
        const state = decodeStateWord(needed(word, 'get_state', 'the tag state_i'), byteOrderOf(context.backend));
        return { minor, state, percent, unknown };
      }
      if (want === 'generations') {
        const { tags, unknown } = await client.request('get_uuids', { minor }, wait);
        return { minor, uuids: tags.uuids, diskFlags: tags.uuids_flags, unknown };
      }
      const { tags, unknown } = await client.request('get_config', { minor }, wait);
      return { minor, disk: { device: tags.backing_dev, metaIndex: tags.meta_dev_idx }, unknown };
    }
    case 'genl1': {
      const facts = factsOfStatus(await client.request('get_status', { minor }, wait), context);
      if (want !== 'disk') needed(facts.state, 'get_status', 'state_info.current_state');
      return { ...facts, minor };
    }
    case 'genl2':
      throw new TypeError('DRBD 9 has other questions');
  }
}

function needed<T>(value: T | undefined, answer: string, field: string): T {
  if (value === undefined) throw new CodecError(`the answer ${answer}`, undefined, field, 'none');
  return value;
}

/** @returns the minors of what a command is about */
export async function minorsOf(client: Client, target: Target, context: Context): Promise<readonly number[]> {
  if (client.dialect !== 'genl1') return target.kind === 'minor' ? [target.minor] : [];
  return (await statusOf(client, target, context)).flatMap(({ minor }) => minor ?? []);
}
