import type { ValueNames } from '../schema';

/**
 * The words of policies whose numbers mean the same in every dialect (linux/drbd.h). A field names those that make
 * sense for it; the words are the ones that configuration files and `show` use.
 */
export const onIoError = { 0: 'pass_on', 1: 'call-local-io-error', 2: 'detach' } as const satisfies ValueNames;
export const fencing = { 0: 'dont-care', 1: 'resource-only', 2: 'resource-and-stonith' } as const satisfies ValueNames;
export const onNoData = { 0: 'io-error', 1: 'suspend-io' } as const satisfies ValueNames;
export const onCongestion = { 0: 'block', 1: 'pull-ahead', 2: 'disconnect' } as const satisfies ValueNames;
export const wireProtocol = { 1: 'A', 2: 'B', 3: 'C' } as const satisfies ValueNames;
export const timeoutType = {
  0: 'wfc-timeout',
  1: 'degr-wfc-timeout',
  2: 'outdated-wfc-timeout',
} as const satisfies ValueNames;

/**
 * enum drbd_after_sb_p: one numbering for the three split-brain policies and rr-conflict, of which each takes a part.
 */
const afterSplitBrain = {
  0: 'disconnect',
  1: 'discard-younger-primary',
  2: 'discard-older-primary',
  3: 'discard-zero-changes',
  4: 'discard-least-changes',
  5: 'discard-local',
  6: 'discard-remote',
  7: 'consensus',
  8: 'discard-secondary',
  9: 'call-pri-lost-after-sb',
  10: 'violently-as0p',
} as const;

function part(...numbers: readonly (keyof typeof afterSplitBrain)[]): ValueNames {
  return Object.freeze(Object.fromEntries(numbers.map((number) => [number, afterSplitBrain[number]])));
}

export const afterSplitBrain0 = part(0, 1, 2, 3, 4, 5, 6);
export const afterSplitBrain1 = part(0, 7, 8, 9, 10);
export const afterSplitBrain2 = part(0, 9, 10);
export const resyncRoleConflict = {
  0: 'disconnect',
  9: 'call-pri-lost',
  10: 'violently',
} as const satisfies ValueNames;
/** DRBD 9 knows two more. */
export const resyncRoleConflict9 = {
  ...resyncRoleConflict,
  11: 'retry-connect',
  12: 'auto-discard',
} as const satisfies ValueNames;
/** What a primary does that was suspended and then finds its data outdated (DRBD 9). */
export const onSuspPrimaryOutdated = { 0: 'disconnect', 1: 'force-secondary' } as const satisfies ValueNames;
/** Words beside the numbers of nodes from 1 to 32 (DRBD 9). */
export const quorum = { 0: 'off', 1024: 'majority', 1025: 'all' } as const satisfies ValueNames;

/** Modes of metadata, by what they are (enum drbd_md_index); numbers from 0 are slots. */
export const metaDeviceModes = { internal: -1, flexExternal: -2, flexInternal: -3 } as const;

/**
 * Modes of metadata; numbers from 0 are slots of an external metadata device. `internal` is what drbdsetup means by it:
 * the size follows from that of the device. The old internal layout had a fixed size.
 */
export const metaDeviceIndex = {
  [metaDeviceModes.internal]: 'fixed-internal',
  [metaDeviceModes.flexExternal]: 'flex-external',
  [metaDeviceModes.flexInternal]: 'internal',
} as const satisfies ValueNames;

export const readBalancing = {
  0: 'prefer-local',
  1: 'prefer-remote',
  2: 'round-robin',
  3: 'least-pending',
  4: 'when-congested-remote',
  5: '32K-striping',
  6: '64K-striping',
  7: '128K-striping',
  8: '256K-striping',
  9: '512K-striping',
  10: '1M-striping',
} as const satisfies ValueNames;
