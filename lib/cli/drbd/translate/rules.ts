import type { Dialect } from '../../../drbd';

// How the words of one generation of drbdsetup become those of a later one. Options, their ranges and defaults are the
// vocabularies' own: this says only what has another name or another place.

export type Old = Exclude<Dialect, 'genl2'>;
export type New = Exclude<Dialect, 'connector'>;

/**
 * The commands of the later generation, in order. `+`: creates what may be there already; `?`: is needed only if an
 * option goes there.
 */
type Steps = readonly string[];

const create: Steps = ['+new-resource', '+new-minor'];
const ofDisk9: Steps = ['?disk-options', '?peer-device-options', '?net-options'];
const connect9: Steps = ['new-peer', 'new-path', 'connect'];
const waits9: Readonly<Record<string, Steps>> = {
  'wait-connect': ['wait-connect-volume'],
  'wait-sync': ['wait-sync-volume'],
};

/** By the command; one that is not here has the same name, if there is one of that name. */
export const steps: Readonly<Record<Old, Readonly<Partial<Record<New, Readonly<Record<string, Steps>>>>>>> = {
  connector: {
    genl1: {
      disk: [...create, 'attach'],
      net: [...create, 'connect'],
      syncer: ['?disk-options', '?net-options', '?resource-options'],
    },
    genl2: {
      ...waits9,
      disk: [...create, 'attach', '?net-options'],
      net: [...create, ...connect9],
      syncer: [...ofDisk9, '?resource-options'],
      events: ['events2'],
    },
  },
  genl1: {
    genl2: {
      ...waits9,
      attach: ['attach', '?peer-device-options', '?net-options'],
      'disk-options': ofDisk9,
      connect: connect9,
      state: ['role'],
      events: ['events2'],
    },
  },
};

/** Options that are called otherwise since 8.4; `!` says the contrary. */
export const renamed: Readonly<Record<string, string>> = {
  rate: 'resync-rate',
  after: 'resync-after',
  'dry-run': 'tentative',
  'overwrite-data-of-peer': 'force',
  'no-disk-barrier': '!disk-barrier',
  'no-disk-flushes': '!disk-flushes',
  'no-disk-drain': '!disk-drain',
  'no-md-flushes': '!md-flushes',
  'no-tcp-cork': '!tcp-cork',
};

/** What takes in the options of another command, where it creates the object: fewer commands do the same. */
export const absorbs: Readonly<Record<New, Readonly<Record<string, string>>>> = {
  genl1: { 'disk-options': 'attach', 'net-options': 'connect', 'resource-options': 'new-resource' },
  genl2: { 'disk-options': 'attach', 'net-options': 'new-peer', 'resource-options': 'new-resource' },
};

/** The order in which a whole configuration is set up. */
export const setupOrder: Steps = [
  'new-resource',
  'new-minor',
  'attach',
  'new-peer',
  'new-path',
  'resource-options',
  'disk-options',
  'net-options',
  'peer-device-options',
  'connect',
];

/** Commands and options of the older generation (`command`, `--option`) that have nothing in the later one. */
export const lacking: Readonly<Record<string, string>> = {
  'sh-status': 'use "drbdsetup events2 --now", or "drbd status --json"',
  status: 'use "drbd status"',
  '--use-bmbv': 'the limits of the backing device are always used',
  '--max-bio-bvecs': 'the limits of the backing device are always used',
  '--unplug-watermark': 'there is no such limit any more',
  '--alternate-address': 'a second path takes its place: add it with new-path',
  '--alternate-peer-address': 'a second path takes its place: add it with new-path',
  '--unfiltered': 'nothing is left out',
};

/** What a command does otherwise in the later generation, by its name and that generation. */
export const differences: Readonly<Partial<Record<New, Readonly<Record<string, string>>>>> = {
  genl1: {
    down: 'down takes down the whole resource, with all its volumes.',
    status: 'status prints text for people; "drbd status --json" is for programs.',
    events: 'The lines of events are written otherwise; "drbd events --json" is for programs.',
    show: 'show prints another format; "drbd show --json" is for programs.',
  },
  genl2: {
    'new-resource': 'auto-promote is new, and on: opening a device for writing makes its resource primary.',
    primary: 'primary acts on the whole resource: all its volumes.',
    secondary: 'secondary acts on the whole resource: all its volumes.',
    down: 'down takes down the whole resource, with all its volumes and connections.',
    role: "role prints this node's role alone.",
    attach: 'DRBD 9 needs metadata of its own (v09): convert them with "drbdadm create-md" before.',
    disconnect: 'disconnect leaves the peer configured; del-peer removes it.',
    status: 'status prints text for people; "drbd status --json" is for programs.',
    events2: 'The lines of events2 are written otherwise; "drbd events --json" is for programs.',
    show: 'show prints another format; "drbd show --json" is for programs.',
  },
};

/** Why another default matters, where that is not plain. */
export const consequences: Readonly<Record<string, string>> = {
  'c-plan-ahead': 'above 0 the pace of a resync is adapted, and the rate is only where it begins',
  'disk-barrier': 'writes are kept in order by flushes, or by waiting',
  'on-io-error': 'detach goes on without the disk after an I/O error',
  'ko-count': 'above 0 a peer that does not answer is given up',
};
