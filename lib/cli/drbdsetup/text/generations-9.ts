import { mdfFlag, mdfPeerFlag } from '../../../dialects/genl2';
import { generationFlags } from './generations';

/** Bits of the metadata in the order in which they are printed: of this node, and of the peer. */
const FLAGS = [
  ['consistent', 'node', mdfFlag.MDF_CONSISTENT],
  ['wasUpToDate', 'node', mdfFlag.MDF_WAS_UP_TO_DATE],
  ['primary', 'node', mdfFlag.MDF_PRIMARY_IND],
  ['crashedPrimary', 'node', mdfFlag.MDF_CRASHED_PRIMARY],
  ['activityLogClean', 'node', mdfFlag.MDF_AL_CLEAN],
  ['activityLogDisabled', 'node', mdfFlag.MDF_AL_DISABLED],
  ['primaryLostQuorum', 'node', mdfFlag.MDF_PRIMARY_LOST_QUORUM],
  ['connected', 'peer', mdfPeerFlag.MDF_PEER_CONNECTED],
  ['peerOutdated', 'peer', mdfPeerFlag.MDF_PEER_OUTDATED],
  ['peerFencing', 'peer', mdfPeerFlag.MDF_PEER_FENCING],
  ['peerFullSync', 'peer', mdfPeerFlag.MDF_PEER_FULL_SYNC],
  ['peerDeviceSeen', 'peer', mdfPeerFlag.MDF_PEER_DEVICE_SEEN],
] as const;

/** What each flag says, in words. */
const MEANINGS: Readonly<Record<(typeof FLAGS)[number][0], string>> = {
  consistent: 'consistent',
  wasUpToDate: 'was up to date',
  primary: 'was primary',
  crashedPrimary: 'crashed as primary, and has not met the peer since',
  activityLogClean: 'the activity log is applied',
  activityLogDisabled: 'there is no activity log',
  primaryLostQuorum: 'was primary when it lost quorum',
  connected: 'was connected',
  peerOutdated: 'the peer is outdated or inconsistent',
  peerFencing: 'fencing was configured',
  peerFullSync: 'a full resync is due',
  peerDeviceSeen: 'the peer has had a disk',
};

/** The generations of the data of one volume towards one peer. */
export interface Generations9 {
  readonly current: bigint;
  /** Where the bitmap for this peer began to count. */
  readonly bitmap: bigint;
  /** Earlier ones, youngest first. */
  readonly history: readonly bigint[];
  readonly nodeFlags: number;
  readonly peerFlags: number;
}

/** How many earlier generations are printed. */
const HISTORY = 2;

const isSet = ({ nodeFlags, peerFlags }: Generations9, [, whose, bit]: (typeof FLAGS)[number]): boolean =>
  ((whose === 'node' ? nodeFlags : peerFlags) & bit) !== 0;

/** `current:bitmap:history:history:` and the flags as digits. */
export function formatGenerations9(generations: Generations9): string {
  const { current, bitmap, history } = generations;
  const uuids = [current, bitmap, ...Array.from({ length: HISTORY }, (_unused, at) => history[at] ?? 0n)];
  const hex = uuids.map((uuid) => uuid.toString(16).toUpperCase().padStart(16, '0')).join(':');
  return `${hex}:${FLAGS.map((flag) => (isSet(generations, flag) ? '1' : '0')).join(':')}\n`;
}

/** The same line with what each of its parts is. */
export function explainGenerations9(generations: Generations9): string {
  const line = formatGenerations9(generations);
  const columns = [
    'generation of the data',
    'generation when the bitmap for this peer began to count',
    'the generation before',
    'an older one',
  ];
  const heads = columns.map((what, index) => `${'|'.padEnd(17).repeat(index)}+- ${what}\n`);
  const start = line.trimEnd().length - (FLAGS.length * 2 - 1);
  const notes = FLAGS.map(([name], index) =>
    `${MEANINGS[name]} -`.padStart(start + index * 2).concat('+', ' |'.repeat(FLAGS.length - 1 - index), '\n'),
  );
  return `\n${heads.join('')}${'V'.padEnd(17).repeat(columns.length).trimEnd()}\n${line}${notes.join('')}\n`;
}

/** The name of a flag in JSON: that of DRBD 8 for what it has, too. */
const jsonNameOf = ([name]: (typeof FLAGS)[number]): string => (name === 'peerFullSync' ? 'fullSync' : name);

/** The flags in JSON that DRBD 8 has not. */
export const generationFlags9 = FLAGS.map(jsonNameOf).filter(
  (name) => name !== 'activityLogClean' && !(generationFlags as readonly string[]).includes(name),
);

export function generationsToJson9(generations: Generations9): object {
  const { current, bitmap, history } = generations;
  const { activityLogClean, ...flags } = Object.fromEntries(
    FLAGS.map((flag) => [jsonNameOf(flag), isSet(generations, flag)]),
  );
  return {
    currentUuid: current.toString(),
    bitmapUuid: bitmap.toString(),
    historyUuids: history.map(String),
    flags,
    activityLogClean,
  };
}
