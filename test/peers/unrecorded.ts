/**
 * What the machine that the recordings were made on did between the recorded commands, by the id of the command that
 * came next. What /proc/drbd shows of it is checked: each command begins in the recorded state.
 */
export type Step =
  /** A genuine program, which must succeed. */
  | { readonly run: readonly string[] }
  /** Empty metadata, as drbdmeta makes it. */
  | { readonly createMetadata: string; readonly place?: 'internal' | 'flexible' }
  /** Somebody has the DRBD device open from now on, or no longer. */
  | { readonly hold: number; readonly mode: 'read' | 'write' | 'closed' }
  /** Somebody has the disk open from now on, or no longer. */
  | { readonly busy: string; readonly as: boolean }
  /** An application writes 4 KiB. */
  | { readonly write: number }
  /** Time passes, so much of it. */
  | { readonly passMs: number };

const run = (...argv: readonly string[]): Step => ({ run: ['drbdsetup', ...argv] });

export const unrecordedSteps: Readonly<Record<string, readonly Step[]>> = {
  '02-disk/0004': [{ createMetadata: '/dev/ram0' }],
  '02-disk/0062': [{ hold: 0, mode: 'read' }],
  '02-disk/0065': [{ hold: 0, mode: 'write' }],
  '02-disk/0068': [{ hold: 0, mode: 'closed' }],
  '02-disk/0098': [{ createMetadata: '/dev/ram0' }],
  '02-disk/0101': [{ busy: '/dev/ram5', as: true }],
  '02-disk/0160': [{ createMetadata: '/dev/ram3', place: 'flexible' }],
  '03-net/0283': [{ createMetadata: '/dev/ram0' }],
  '03-net/0285': [run('/dev/drbd0', 'primary', '--force')],
  '04-syncer/0112': [
    { createMetadata: '/dev/ram0' },
    run('/dev/drbd0', 'disk', '/dev/ram0', '/dev/ram0', 'internal', '--set-defaults'),
  ],
  '05-pair/0004': [{ createMetadata: '/dev/ram0' }, { createMetadata: '/dev/ram1' }],
  '05-pair/0117': [{ passMs: 10_000 }, run('/dev/drbd0', 'secondary')],
  '05-pair/0118': [run('/dev/drbd0', 'primary')],
  '05-pair/0123': [run('/dev/drbd0', 'secondary')],
  '05-pair/0124': [{ passMs: 10_000 }, run('/dev/drbd0', 'primary')],
  '05-pair/0135': [{ write: 0 }],
  '05-pair/0161': [{ passMs: 1_200 }],
  '05-pair/0162': [run('/dev/drbd0', 'disconnect'), run('/dev/drbd1', 'disconnect')],
  '05-pair/0165': [run('/dev/drbd0', 'disconnect'), run('/dev/drbd1', 'disconnect')],
};

const disconnected = {
  passMs: 2_000,
  why: 'The local address does not exist, so the connection was given up before this command came: otherwise it would have been refused with 125.',
};

/** Time that passed between the look at /proc/drbd and the command that follows it, where the state changed in it. */
export const lateMoments: Readonly<Record<string, { readonly passMs: number; readonly why: string }>> = {
  '03-net/0210': disconnected,
  '03-net/0212': disconnected,
  '03-net/0214': disconnected,
  '03-net/0216': disconnected,
  '05-pair/0108': {
    passMs: 3_000,
    why: 'The verify of before had come to its last block, and ended before the next one was asked for, as the events tell.',
  },
};
