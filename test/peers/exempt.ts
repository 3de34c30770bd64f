/**
 * What may differ between a recorded command and the same command against the simulator, by name, and why. The
 * comparison (test/support/comparison.ts) reads these lists; nothing else is let through.
 */

/** Tags of a reply whose value differs by nature. Tag, type, order and length still count. */
export const exemptTags: Readonly<Record<string, string>> = {
  uuids:
    'Data generations are random; which of them are equal, zero, just created or primary still counts, over the whole scenario.',
  sync_progress: 'How far a resync has come depends on the disks and the moment.',
};

/** Parts of a reply outside its tags that differ by nature. */
export const exemptParts: Readonly<Record<string, string>> = {
  'cn.ack': 'drbdsetup puts its process id there; the distance from the request still counts.',
  padding: 'Between the end of cn.len and that of nlmsg_len the kernel sends whatever was there.',
  sin_zero:
    'The 8 bytes of padding in an IPv4 address are whatever was on the stack of drbdsetup; the kernel keeps them.',
  'broadcast sequence': 'cn.seq and nlmsg_seq of a broadcast count what the kernel has said since it started.',
};

/** Words of standard output that differ by nature, masked on both sides. */
export const exemptWords: readonly {
  readonly name: string;
  readonly pattern: RegExp;
  readonly mask: string;
  readonly why: string;
}[] = [
  {
    name: 'progress',
    pattern: /(resynced_percent="|_resynced_percent=)\d+\.\d/gu,
    mask: '$1#',
    why: 'How far a resync has come depends on the disks and the moment. That there is one still counts.',
  },
];

/**
 * A difference between Debian's drbdsetup-83 (drbd-utils 9.22) and the recorded 8.3.16, applied to what was recorded.
 */
export interface VersionDifference {
  readonly name: string;
  readonly why: string;
  /** Commands that it concerns, by id; all if absent. */
  readonly ids?: readonly string[];
  /** Recorded text, and what Debian's prints in its place. */
  readonly stdout?: readonly (readonly [recorded: string, debian: string])[];
  /** A command that Debian's list of commands has before another one. */
  readonly command?: { readonly name: string; readonly before: string };
  /** Debian's exit status. */
  readonly exit?: number;
  /** Debian's stderr numbers. */
  readonly numbers?: readonly number[];
  /**
   * Debian's asks the kernel where the recorded one did not, or the other way round: there are no two replies to
   * compare.
   */
  readonly request?: 'only Debian' | 'only recorded';
  /** Ours does as Debian's does, and not as the recorded release did. */
  readonly ours?: true;
}

const numbered = (scenario: string, ...numbers: readonly string[]): string[] =>
  numbers.map((number) => `${scenario}/${number}`);
const badDevices = numbered('01-unconfigured', '0086', '0087', '0088', '0089', '0090', '0091', '0093', '0094', '0097');
const excess = [
  ...numbered('01-unconfigured', '0112', '0113', '0114', '0117', '0152'),
  ...numbered('03-net', '0032', '0264'),
  ...numbered('04-syncer', '0106'),
];

export const versionDifferences: readonly VersionDifference[] = [
  {
    name: 'largest size',
    why: 'Sizes and sectors end at 16 TiB instead of 1 PiB.',
    stdout: [['2199023255552', '34359738368']],
  },
  {
    name: 'ping-timeout',
    why: 'It ends at 100 tenths of a second instead of 300.',
    stdout: [
      ['{--ping-timeout|-p} 1 ... 300', '{--ping-timeout|-p} 1 ... 100'],
      ['<max>300</max>\n\t\t<default>5</default>', '<max>100</max>\n\t\t<default>5</default>'],
    ],
  },
  {
    name: 'state',
    why: 'The old name of `role` is in the list of commands.',
    command: { name: 'state', before: 'role' },
  },
  {
    name: 'no device',
    why: 'It takes what is no DRBD device for minor 0xffffffff and asks the kernel, since the number that says so is unsigned there.',
    ids: badDevices,
    exit: 10,
    numbers: [127],
    request: 'only Debian',
  },
  { name: 'ping-timeout 300', why: 'Out of its range.', ids: ['03-net/0137'], exit: 20, request: 'only recorded' },
  {
    name: 'drbdmeta',
    why: 'drbdmeta 9.22 says with another status that there is no metadata. What the simulator keeps of it, is not on the disk.',
    ids: ['02-disk/0160'],
    exit: 1,
  },
  {
    name: 'excess arguments',
    why: 'It refuses arguments and options that a command does not have, before it asks the kernel.',
    ids: excess,
    exit: 20,
    numbers: [],
    request: 'only recorded',
    ours: true,
  },
];

/** Commands whose difference from the recording is known and has a reason. */
export interface Deviation {
  readonly id: string;
  readonly aspect: 'exit' | 'stdout' | 'stderr' | 'reply' | 'state' | 'events';
  readonly why: string;
}

export const deviations: readonly Deviation[] = [];

/**
 * Where two kernel threads race, and both orders are right: what only the recording has at that place, and what is here
 * instead.
 */
export interface Race {
  readonly minor: number;
  readonly recorded: readonly string[];
  readonly here: readonly string[];
  readonly why: string;
}

const primary = (connection: string): string => `${connection} R_PRIMARY/R_UNKNOWN D_UP_TO_DATE/D_UNKNOWN`;
const secondary = (connection: string): string => `${connection} R_SECONDARY/R_UNKNOWN D_UP_TO_DATE/D_UNKNOWN`;

export const races: readonly Race[] = [
  {
    minor: 0,
    recorded: [primary('C_NETWORK_FAILURE')],
    here: [],
    why: 'Split brain: both find out and hang up. Who is later sees the connection fail before it comes to its own disconnecting.',
  },
  {
    minor: 1,
    recorded: [secondary('C_NETWORK_FAILURE')],
    here: [secondary('C_PROTOCOL_ERROR')],
    why: 'A dry run ends at both ends: who is later sees the connection fail instead of the end of its own.',
  },
  {
    minor: 0,
    recorded: [primary('C_BROKEN_PIPE'), primary('C_UNCONNECTED'), primary('C_WF_CONNECTION')],
    here: [],
    why: 'The peer agrees to the disconnecting and hangs up: its hanging up was noticed before its answer, so the request began anew.',
  },
];
