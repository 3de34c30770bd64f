import { attributeSets, type operations } from '../../dialects/genl2';
import { optionsOf, type Option, type OptionRow } from '../line/option';

// The vocabulary of drbdsetup 9, as `drbdsetup xml-help COMMAND` of drbd-utils 9.22 has it: commands, their arguments
// in order, and their options in the order in which `show` and help list them. All else comes from the field.

/** An attribute set by its struct's name. */
export type SetName9 = keyof typeof attributeSets;

/** An option that no field stands behind. */
export interface PlainOption9 {
  readonly name: string;
  readonly short: string;
  readonly argument: 'none' | 'required' | 'optional';
  readonly doc: string;
}

/**
 * A positional argument. `resource` to `minor` say what the command is about; the others go into the command's set, at
 * `field`.
 */
export interface Argument9 {
  readonly name: string;
  readonly kind: 'resource' | 'peer' | 'volume' | 'minor' | 'number' | 'name' | 'device' | 'metaIndex' | 'address';
  readonly field?: string;
}

/** What the tool does with a command: send one request, or something of its own. */
export type Action9 =
  | 'change'
  | 'newMinor'
  | 'delMinor'
  | 'delResource'
  | 'down'
  | 'role'
  | 'cstate'
  | 'dstate'
  | 'generations'
  | 'show'
  | 'status'
  | 'checkResize'
  | 'udev'
  | 'events2'
  | 'waitSync'
  | 'waitConnect';

export interface Command9 {
  readonly name: string;
  readonly action: Action9;
  /** The line that help and xml-help print. */
  readonly doc: string;
  readonly operation: keyof typeof operations;
  readonly arguments: readonly Argument9[];
  /** The first argument may be `all`, or be left out. */
  readonly all: boolean;
  readonly set: SetName9 | undefined;
  readonly options: readonly Option[];
  readonly plain: readonly PlainOption9[];
  /** Old names of field options. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly setDefaults: boolean;
  /** The minor's lock file is taken, so that drbdmeta and this do not meddle at the same time. */
  readonly lock: boolean;
  /** What --json prints, for help; undefined where that is the kernel's answer to a change. */
  readonly json: string | undefined;
}

const changeableDisk: readonly OptionRow[] = [
  'on-io-error',
  'disk-barrier',
  'disk-flushes',
  'disk-drain',
  'md-flushes',
  'resync-after',
  'al-extents',
  'al-updates',
  'discard-zeroes-if-aligned',
  'disable-write-same',
  'disk-timeout',
  'read-balancing',
  'rs-discard-granularity',
];
/** Buffers of TCP; newer modules take larger ones. */
const bufferSize = { range: { min: 0, max: 10485760, default: 0 } };
const changeableNet: readonly OptionRow[] = [
  ['protocol', 'wire_protocol', { anyCase: true }],
  'timeout',
  'max-epoch-size',
  'connect-int',
  'ping-int',
  ['sndbuf-size', 'sndbuf_size', bufferSize],
  ['rcvbuf-size', 'rcvbuf_size', bufferSize],
  'ko-count',
  ['allow-two-primaries', 'two_primaries'],
  'cram-hmac-alg',
  'shared-secret',
  ['after-sb-0pri', 'after_sb_0p'],
  ['after-sb-1pri', 'after_sb_1p'],
  ['after-sb-2pri', 'after_sb_2p'],
  'always-asbp',
  'rr-conflict',
  ['ping-timeout', 'ping_timeo'],
  ['data-integrity-alg', 'integrity_alg'],
  'tcp-cork',
  'on-congestion',
  ['congestion-fill', 'cong_fill'],
  ['congestion-extents', 'cong_extents'],
  'csums-alg',
  'csums-after-crash-only',
  'verify-alg',
  'use-rle',
  ['socket-check-timeout', 'sock_check_timeo', { unit: null }],
  ['fencing', 'fencing_policy'],
  'max-buffers',
  'allow-remote-read',
  ['_name', 'name'],
];

const { min = 0n, max = 0n } = attributeSets.disk_conf.fields.disk_size;
/** The protocol leaves where a verify begins and ends open; no device is larger than this. */
const anySector = { range: { min, max, default: 0n } };
const force = (field: string): readonly Option[] => options(setOfForce(field), [['force', field, { flag: true }]]);

function setOfForce(field: string): SetName9 {
  return field === 'force' ? 'set_role_parms' : 'disconnect_parms';
}

export const diskOptions9 = options('disk_conf', changeableDisk);
export const attachOptions9 = options('disk_conf', [['size', 'disk_size'], ...changeableDisk]);
export const netOptions9 = options('net_conf', changeableNet);
export const peerOptions9 = options('net_conf', [['transport', 'transport_name'], ...changeableNet]);
export const resourceOptions9 = options('res_opts', [
  'cpu-mask',
  ['on-no-data-accessible', 'on_no_data'],
  'auto-promote',
  'peer-ack-window',
  'peer-ack-delay',
  'twopc-timeout',
  'twopc-retry-timeout',
  'auto-promote-timeout',
  ['max-io-depth', 'nr_requests'],
  'quorum',
  'on-no-quorum',
  ['quorum-minimum-redundancy', 'quorum_min_redundancy'],
  ['on-suspended-primary-outdated', 'on_susp_primary_outdated'],
]);
export const peerDeviceOptions9 = options('peer_device_conf', [
  'resync-rate',
  'c-plan-ahead',
  'c-delay-target',
  'c-fill-target',
  'c-max-rate',
  'c-min-rate',
  'bitmap',
]);

function options(set: SetName9, rows: readonly OptionRow[]): readonly Option[] {
  return optionsOf(attributeSets[set].fields, 'boolean', rows);
}

type Extra = Partial<Omit<Command9, 'name' | 'action' | 'doc' | 'operation' | 'arguments'>>;

const resource: Argument9 = { name: 'resource', kind: 'resource' };
const peer: Argument9 = { name: 'peer_node_id', kind: 'peer' };
const volume: Argument9 = { name: 'volume', kind: 'volume' };
const minor: Argument9 = { name: 'minor', kind: 'minor' };
const ofPeer = [resource, peer];
const ofPeerDevice = [resource, peer, volume];
const addresses: readonly Argument9[] = [
  { name: 'local-addr', kind: 'address', field: 'my_addr' },
  { name: 'remote-addr', kind: 'address', field: 'peer_addr' },
];

function command(
  name: string,
  action: Action9,
  operation: keyof typeof operations,
  words: readonly Argument9[],
  doc: string,
  extra: Extra = {},
): Command9 {
  return {
    name,
    action,
    operation,
    arguments: words,
    doc,
    all: false,
    set: undefined,
    options: [],
    plain: [],
    aliases: {},
    setDefaults: false,
    lock: words[0] === minor,
    json: undefined,
    ...extra,
  };
}

const change = (
  name: string,
  operation: keyof typeof operations,
  words: readonly Argument9[],
  doc: string,
  extra: Extra = {},
): Command9 => command(name, 'change', operation, words, doc, extra);

const waitOptions: readonly PlainOption9[] = [
  {
    name: 'wfc-timeout',
    short: 't',
    argument: 'required',
    doc: 'Seconds to wait where this node was shut down in order; 0 waits for ever.',
  },
  {
    name: 'degr-wfc-timeout',
    short: 'd',
    argument: 'required',
    doc: 'Seconds to wait where the peer was gone before this node went.',
  },
  {
    name: 'outdated-wfc-timeout',
    short: 'o',
    argument: 'required',
    doc: 'Seconds to wait where the data of the peer are outdated.',
  },
  { name: 'wait-after-sb', short: 'w', argument: 'optional', doc: 'Wait also for a connection that is StandAlone.' },
];
const color: PlainOption9 = {
  name: 'color',
  short: 'c',
  argument: 'optional',
  doc: 'Color states: always, as the option alone says, never, or auto, on a terminal.',
};
const GENERATIONS = 'resource, peerNodeId, volume, currentUuid, bitmapUuid and historyUuids as decimal strings, flags';
const WAITED = 'resource, reached, and the peer devices that were waited for';
const waiting = (name: string, action: Action9, words: readonly Argument9[], doc: string): Command9 =>
  command(name, action, 'get_initial_state', words, doc, { plain: waitOptions, json: WAITED });

/** All commands, in the order in which help lists them. */
export const commands9: readonly Command9[] = [
  change('primary', 'primary', [resource], 'Change the role of a node in a resource to primary.', {
    set: 'set_role_parms',
    options: force('force'),
    aliases: { 'overwrite-data-of-peer': 'force' },
  }),
  change('secondary', 'secondary', [resource], 'Change the role of a node in a resource to secondary.', {
    set: 'set_role_parms',
    options: force('force'),
  }),
  change(
    'attach',
    'attach',
    [
      minor,
      { name: 'lower_dev', kind: 'device', field: 'backing_dev' },
      { name: 'meta_data_dev', kind: 'device', field: 'meta_dev' },
      { name: 'meta_data_index', kind: 'metaIndex', field: 'meta_dev_idx' },
    ],
    'Attach a lower-level device to an existing replicated device.',
    { set: 'disk_conf', options: attachOptions9 },
  ),
  change('disk-options', 'chg_disk_opts', [minor], 'Change the disk options of an attached lower-level device.', {
    set: 'disk_conf',
    options: diskOptions9,
    setDefaults: true,
  }),
  change('detach', 'detach', [minor], 'Detach the lower-level device of a replicated device.', {
    set: 'detach_parms',
    options: options('detach_parms', [
      ['force', 'force_detach', { flag: true }],
      ['diskless', 'intentional_diskless_detach', { flag: true }],
    ]),
  }),
  change('connect', 'connect', ofPeer, 'Attempt to (re)establish a replication link to a peer host.', {
    set: 'connect_parms',
    options: options('connect_parms', [
      ['tentative', 'tentative', { flag: true }],
      ['discard-my-data', 'discard_my_data', { flag: true }],
    ]),
    aliases: { 'dry-run': 'tentative' },
  }),
  change('new-peer', 'new_peer', ofPeer, 'Make a peer host known to a resource.', {
    set: 'net_conf',
    options: peerOptions9,
  }),
  change('del-peer', 'del_peer', ofPeer, 'Remove a connection to a peer host.', {
    set: 'disconnect_parms',
    options: force('force_disconnect'),
  }),
  change(
    'new-path',
    'new_path',
    [...ofPeer, ...addresses],
    'Add a path (endpoint address pair) where a peer host should be reachable.',
    { set: 'path_parms' },
  ),
  change(
    'del-path',
    'del_path',
    [...ofPeer, ...addresses],
    'Remove a path (endpoint address pair) from a connection to a peer host.',
    { set: 'path_parms' },
  ),
  change('net-options', 'chg_net_opts', ofPeer, 'Change the network options of a connection.', {
    set: 'net_conf',
    options: netOptions9,
    setDefaults: true,
  }),
  change('disconnect', 'disconnect', ofPeer, 'Unconnect from a peer host.', {
    set: 'disconnect_parms',
    options: force('force_disconnect'),
  }),
  change('resize', 'resize', [minor], 'Reexamine the lower-level device sizes to resize a replicated device.', {
    set: 'resize_parms',
    options: options('resize_parms', [
      ['size', 'resize_size'],
      ['assume-peer-has-space', 'resize_force', { flag: true }],
      ['assume-clean', 'no_resync', { flag: true }],
      'al-stripes',
      ['al-stripe-size-kB', 'al_stripe_size', { unit: null }],
    ]),
  }),
  change('resource-options', 'resource_opts', [resource], 'Change the resource options of an existing resource.', {
    set: 'res_opts',
    options: resourceOptions9,
    setDefaults: true,
  }),
  change('peer-device-options', 'chg_peer_device_opts', ofPeerDevice, 'Change peer-device options.', {
    set: 'peer_device_conf',
    options: peerDeviceOptions9,
    setDefaults: true,
  }),
  change('new-current-uuid', 'new_c_uuid', [minor], 'Generate a new current UUID.', {
    set: 'new_c_uuid_parms',
    options: options('new_c_uuid_parms', [
      ['clear-bitmap', 'clear_bm', { flag: true }],
      ['force-resync', 'force_resync', { flag: true }],
    ]),
  }),
  change('invalidate', 'invalidate', [minor], 'Replace the local data of a volume with that of a peer.', {
    set: 'invalidate_parms',
    options: options('invalidate_parms', ['sync-from-peer-node-id', 'reset-bitmap']),
  }),
  change('invalidate-remote', 'inval_peer', ofPeerDevice, "Replace a peer's data of a volume with the local data.", {
    set: 'invalidate_peer_parms',
    options: options('invalidate_peer_parms', [['reset-bitmap', 'p_reset_bitmap']]),
  }),
  change('pause-sync', 'pause_sync', ofPeerDevice, 'Stop resynchronizing between a local and a peer device.'),
  change('resume-sync', 'resume_sync', ofPeerDevice, 'Allow resynchronization to resume on a replicated device.'),
  change('suspend-io', 'suspend_io', [minor], 'Suspend I/O on a replicated device.'),
  change('resume-io', 'resume_io', [minor], 'Resume I/O on a replicated device.'),
  change('outdate', 'outdate', [minor], 'Mark the data on a lower-level device as outdated.'),
  change('verify', 'start_ov', ofPeerDevice, 'Verify the data on a lower-level device against a peer device.', {
    set: 'start_ov_parms',
    options: options('start_ov_parms', [
      ['start', 'ov_start_sector', anySector],
      ['stop', 'ov_stop_sector', anySector],
    ]),
  }),
  command('down', 'down', 'down', [resource], 'Take a resource down.', { all: true }),
  command('role', 'role', 'get_resources', [resource], 'Show the current role of a resource.', {
    json: 'resource, role',
  }),
  command('cstate', 'cstate', 'get_connections', ofPeer, 'Show the current state of a connection.', {
    json: 'resource, peerNodeId, connection',
  }),
  command('dstate', 'dstate', 'get_devices', [minor], 'Show the current disk state of a lower-level device.', {
    lock: false,
    json: 'minor, disk, peerDisks',
  }),
  command(
    'show-gi',
    'generations',
    'get_peer_devices',
    ofPeerDevice,
    'Show the data generation identifiers for a device on a particular connection, with explanations.',
    { json: GENERATIONS },
  ),
  command(
    'get-gi',
    'generations',
    'get_peer_devices',
    ofPeerDevice,
    'Show the data generation identifiers for a device on a particular connection.',
    { json: GENERATIONS },
  ),
  command(
    'show',
    'show',
    'get_resources',
    [resource],
    'Show the current configuration of a resource, or of all resources.',
    {
      all: true,
      plain: [
        { name: 'show-defaults', short: 'D', argument: 'none', doc: 'Also what is at its default.' },
        { name: 'json', short: 'j', argument: 'none', doc: "As JSON, in DRBD 9's own form." },
      ],
      json: 'resources with options, connections and volumes',
    },
  ),
  command('status', 'status', 'get_resources', [resource], 'Show the state of a resource, or of all resources.', {
    all: true,
    plain: [
      { name: 'verbose', short: 'v', argument: 'none', doc: 'Also what is as it should be; twice: all counters.' },
      { name: 'statistics', short: 's', argument: 'none', doc: 'Also what was read, written, sent and received.' },
      color,
      { name: 'json', short: 'j', argument: 'none', doc: "As JSON, in DRBD 9's own form." },
    ],
    json: 'the whole state as snapshot.schema.json describes it, of the resources asked for',
  }),
  command('check-resize', 'checkResize', 'get_devices', [minor], 'Remember the current size of a lower-level device.', {
    lock: false,
    json: 'minor, disk, sizeBytes, and action: noted, unchanged, removed or none',
  }),
  command(
    'events2',
    'events2',
    'get_initial_state',
    [resource],
    'Show the current state and all state changes of a resource, or of all resources.',
    {
      all: true,
      plain: [
        { name: 'timestamps', short: 'T', argument: 'none', doc: 'The time at the begin of each line.' },
        { name: 'statistics', short: 's', argument: 'none', doc: 'Also sizes and counters.' },
        { name: 'now', short: 'n', argument: 'none', doc: 'What exists, and no changes.' },
        {
          name: 'poll',
          short: 'p',
          argument: 'none',
          doc: 'Read the state again for each "n" on standard input; any other word ends it.',
        },
        {
          name: 'full',
          short: 'f',
          argument: 'none',
          doc: 'All that is known of an object, whatever has changed of it.',
        },
        color,
        { name: 'diff', short: 'i', argument: 'optional', doc: 'What was before, too: old->new.' },
      ],
      json: 'one object a line: event (exists, create, change, destroy, rename, call, response, resync), object, timestamp, names, and all that is known of the object',
    },
  ),
  waiting('wait-sync-volume', 'waitSync', ofPeerDevice, 'Wait until resync finished on a volume.'),
  waiting('wait-sync-connection', 'waitSync', ofPeer, 'Wait until resync finished on all volumes of a connection.'),
  waiting('wait-sync-resource', 'waitSync', [resource], 'Wait until resync finished on all volumes.'),
  waiting('wait-connect-volume', 'waitConnect', ofPeerDevice, 'Wait until a device on a peer is visible.'),
  waiting('wait-connect-connection', 'waitConnect', ofPeer, 'Wait until all peer volumes of connection are visible.'),
  waiting('wait-connect-resource', 'waitConnect', [resource], 'Wait until all connections are establised.'),
  change(
    'new-resource',
    'new_resource',
    [resource, { name: 'node_id', kind: 'number', field: 'node_id' }],
    'Create a new resource.',
    { set: 'res_opts', options: resourceOptions9 },
  ),
  command(
    'new-minor',
    'newMinor',
    'new_minor',
    [resource, minor, volume],
    'Create a new replicated device within a resource.',
    {
      set: 'device_conf',
      options: options('device_conf', [
        ['max-bio-size', 'max_bio_size', { unit: null }],
        ['diskless', 'intentional_diskless', { flag: true }],
      ]),
      lock: true,
    },
  ),
  command('del-minor', 'delMinor', 'del_minor', [minor], 'Remove a replicated device.'),
  command('del-resource', 'delResource', 'del_resource', [resource], 'Remove a resource.'),
  change(
    'forget-peer',
    'forget_peer',
    [resource, { name: 'peer_node_id', kind: 'number', field: 'forget_peer_node_id' }],
    'Completely remove any reference to a unconnected peer from meta-data.',
    { set: 'forget_peer_parms' },
  ),
  change(
    'rename-resource',
    'rename_resource',
    [resource, { name: 'new_name', kind: 'name', field: 'new_resource_name' }],
    'Rename a resource.',
    { set: 'rename_resource_parms' },
  ),
];

/** What the C tool of DRBD 9 leaves to drbdadm, and that of 8.4 has. */
export const ownCommands9: readonly Command9[] = [
  command('udev', 'udev', 'get_devices', [minor], 'Print the names that a device is to have below /dev, for udev.', {
    lock: false,
    json: 'minor, device, byResource, byDisk',
  }),
];

const byName: ReadonlyMap<string, Command9> = new Map(
  [...commands9, ...ownCommands9].map((entry) => [entry.name, entry]),
);

/** @returns the command of exactly this name, or undefined */
export function findCommand9(name: string): Command9 | undefined {
  return byName.get(name);
}
