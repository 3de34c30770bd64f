import { attributeSets, operations } from '../../dialects/genl2';
import { once, type AnyField, type FieldTable } from '../../schema';
import { EXIT } from '../errors';
import { optionsOf, type Option, type OptionRow } from '../line/option';
import {
  commandTable,
  plainCommand,
  setDefaults,
  type Action,
  type Argument,
  type Command,
  type PlainOption,
  type Vocabulary,
} from '../line/vocabulary';
import { sharedNetRows } from './v84';

// The vocabulary of drbdsetup 9, as `drbdsetup xml-help COMMAND` of drbd-utils 9.22 has it: commands, their arguments
// in order, and their options in the order in which `show` and help list them. All else comes from the field.

/** The tables, for the types of what is printed. */
export type Operations9 = typeof operations;
export type Sets9 = typeof attributeSets;

type SetName = keyof typeof attributeSets;

function options(set: SetName, rows: readonly OptionRow[]): readonly Option[] {
  return optionsOf(attributeSets[set].fields, 'boolean', rows);
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
  ...sharedNetRows,
  ['fencing', 'fencing_policy'],
  'max-buffers',
  'allow-remote-read',
  ['_name', 'name'],
];

/** The protocol leaves where a verify begins and ends open; no device is larger than this. */
const anySector = once(() => {
  const { min = 0n, max = 0n } = attributeSets.disk_conf.fields.disk_size;
  return { range: { min, max, default: 0n } };
});
export const attachOptions9 = once(() => options('disk_conf', [['size', 'disk_size'], ...changeableDisk]));
export const peerOptions9 = once(() => options('net_conf', [['transport', 'transport_name'], ...changeableNet]));
export const resourceOptions9 = once(() =>
  options('res_opts', [
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
  ]),
);
export const peerDeviceOptions9 = once(() =>
  options('peer_device_conf', [
    'resync-rate',
    'c-plan-ahead',
    'c-delay-target',
    'c-fill-target',
    'c-max-rate',
    'c-min-rate',
    'bitmap',
  ]),
);

type Extra = Partial<Omit<Command, 'name' | 'action' | 'doc' | 'operation'>>;
type OperationName = keyof typeof operations & string;

function command(name: string, action: Action, operation: OperationName, doc: string, extra: Extra): Command {
  return { ...plainCommand, name, action, operation, doc, since: sinceOf(operation), ...extra };
}

function sinceOf(operation: OperationName): string | undefined {
  const table: { readonly since?: string } = operations[operation];
  return table.since;
}

const contextFields: Readonly<Record<string, AnyField>> = attributeSets.drbd_cfg_context.fields;

/** A number that says what the request is about. */
function place(name: string, field: 'ctx_peer_node_id' | 'ctx_volume'): Argument {
  const table = contextFields[field];
  if (table === undefined) throw new TypeError(`there is no field ${field}`);
  return { name, kind: 'number', into: 'context', field, table };
}

/** A word that goes into the command's set. */
function word(name: string, kind: Argument['kind'], set: SetName, field: string): Argument {
  const table = (attributeSets[set].fields as FieldTable)[field];
  if (table === undefined) throw new TypeError(`${set} has no field ${field}`);
  return { name, kind, into: 'set', field, table };
}

/** The command's set, and the options of it. */
function set(name: SetName, rows: readonly OptionRow[] = []): Pick<Command, 'set' | 'fields' | 'options'> {
  return { set: name, fields: attributeSets[name].fields, options: options(name, rows) };
}

const ofSet = (name: SetName, own: readonly Option[]): Pick<Command, 'set' | 'fields' | 'options'> => ({
  set: name,
  fields: attributeSets[name].fields,
  options: own,
});

const peer = place('peer_node_id', 'ctx_peer_node_id');
const volume = place('volume', 'ctx_volume');
const minor: Argument = { name: 'minor', kind: 'minor', into: 'header', field: 'minor', table: volume.table };
const addresses = [
  word('local-addr', 'address', 'path_parms', 'my_addr'),
  word('remote-addr', 'address', 'path_parms', 'peer_addr'),
];

const ofResource: Extra = { object: ['resource'] };
const ofPeer: Extra = { object: ['resource'], arguments: [peer] };
const ofPeerDevice: Extra = { object: ['resource'], arguments: [peer, volume] };
/** Under the minor's lock. */
const ofMinor: Extra = { object: ['minor'], lock: true };
const ofAll: Extra = { object: ['resource', 'all'] };
const change = (name: string, operation: OperationName, doc: string, extra: Extra): Command =>
  command(name, 'change', operation, doc, extra);
const flag = (name: string, field: string): OptionRow => [name, field, { flag: true }];

const waitOptions: readonly PlainOption[] = [
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
const color: PlainOption = {
  name: 'color',
  short: 'c',
  argument: 'optional',
  words: ['always', 'never', 'auto'],
  doc: 'Color states: always, as the option alone says, never, or auto, on a terminal.',
};
const json: PlainOption = { name: 'json', short: 'j', argument: 'none', doc: "As JSON, in DRBD 9's own form." };
const waiting = (name: string, doc: string, place: Extra): Command =>
  command(name, 'wait', 'get_initial_state', doc, { ...place, plain: waitOptions });

/** All commands, in the order in which help lists them. */
const commands = commandTable([
  [
    'primary',
    (name) =>
      change(name, 'primary', 'Change the role of a node in a resource to primary.', {
        ...ofResource,
        ...set('set_role_parms', [flag('force', 'force')]),
        aliases: { 'overwrite-data-of-peer': 'force' },
      }),
  ],
  [
    'secondary',
    (name) =>
      change(name, 'secondary', 'Change the role of a node in a resource to secondary.', {
        ...ofResource,
        ...set('set_role_parms', [flag('force', 'force')]),
      }),
  ],
  [
    'attach',
    (name) =>
      change(name, 'attach', 'Attach a lower-level device to an existing replicated device.', {
        ...ofMinor,
        ...ofSet('disk_conf', attachOptions9()),
        arguments: [
          word('lower_dev', 'block device', 'disk_conf', 'backing_dev'),
          word('meta_data_dev', 'block device', 'disk_conf', 'meta_dev'),
          word('meta_data_index', 'metadata index', 'disk_conf', 'meta_dev_idx'),
        ],
      }),
  ],
  [
    'disk-options',
    (name) =>
      change(name, 'chg_disk_opts', 'Change the disk options of an attached lower-level device.', {
        ...ofMinor,
        ...set('disk_conf', changeableDisk),
        flags: [setDefaults],
      }),
  ],
  [
    'detach',
    (name) =>
      change(name, 'detach', 'Detach the lower-level device of a replicated device.', {
        ...ofMinor,
        ...set('detach_parms', [flag('force', 'force_detach'), flag('diskless', 'intentional_diskless_detach')]),
      }),
  ],
  [
    'connect',
    (name) =>
      change(name, 'connect', 'Attempt to (re)establish a replication link to a peer host.', {
        ...ofPeer,
        ...set('connect_parms', [flag('tentative', 'tentative'), flag('discard-my-data', 'discard_my_data')]),
        aliases: { 'dry-run': 'tentative' },
      }),
  ],
  [
    'new-peer',
    (name) =>
      change(name, 'new_peer', 'Make a peer host known to a resource.', {
        ...ofPeer,
        ...ofSet('net_conf', peerOptions9()),
      }),
  ],
  [
    'del-peer',
    (name) =>
      change(name, 'del_peer', 'Remove a connection to a peer host.', {
        ...ofPeer,
        ...set('disconnect_parms', [flag('force', 'force_disconnect')]),
      }),
  ],
  [
    'new-path',
    (name) =>
      change(name, 'new_path', 'Add a path (endpoint address pair) where a peer host should be reachable.', {
        ...ofPeer,
        ...set('path_parms'),
        arguments: [peer, ...addresses],
      }),
  ],
  [
    'del-path',
    (name) =>
      change(name, 'del_path', 'Remove a path (endpoint address pair) from a connection to a peer host.', {
        ...ofPeer,
        ...set('path_parms'),
        arguments: [peer, ...addresses],
      }),
  ],
  [
    'net-options',
    (name) =>
      change(name, 'chg_net_opts', 'Change the network options of a connection.', {
        ...ofPeer,
        ...set('net_conf', changeableNet),
        flags: [setDefaults],
      }),
  ],
  [
    'disconnect',
    (name) =>
      change(name, 'disconnect', 'Unconnect from a peer host.', {
        ...ofPeer,
        ...set('disconnect_parms', [flag('force', 'force_disconnect')]),
      }),
  ],
  [
    'resize',
    (name) =>
      change(name, 'resize', 'Reexamine the lower-level device sizes to resize a replicated device.', {
        ...ofMinor,
        ...set('resize_parms', [
          ['size', 'resize_size'],
          flag('assume-peer-has-space', 'resize_force'),
          flag('assume-clean', 'no_resync'),
          'al-stripes',
          ['al-stripe-size-kB', 'al_stripe_size', { unit: null }],
        ]),
      }),
  ],
  [
    'resource-options',
    (name) =>
      change(name, 'resource_opts', 'Change the resource options of an existing resource.', {
        ...ofResource,
        ...ofSet('res_opts', resourceOptions9()),
        flags: [setDefaults],
      }),
  ],
  [
    'peer-device-options',
    (name) =>
      change(name, 'chg_peer_device_opts', 'Change peer-device options.', {
        ...ofPeerDevice,
        ...ofSet('peer_device_conf', peerDeviceOptions9()),
        flags: [setDefaults],
      }),
  ],
  [
    'new-current-uuid',
    (name) =>
      change(name, 'new_c_uuid', 'Generate a new current UUID.', {
        ...ofMinor,
        ...set('new_c_uuid_parms', [flag('clear-bitmap', 'clear_bm'), flag('force-resync', 'force_resync')]),
      }),
  ],
  [
    'invalidate',
    (name) =>
      change(name, 'invalidate', 'Replace the local data of a volume with that of a peer.', {
        ...ofMinor,
        ...set('invalidate_parms', ['sync-from-peer-node-id', 'reset-bitmap']),
      }),
  ],
  [
    'invalidate-remote',
    (name) =>
      change(name, 'inval_peer', "Replace a peer's data of a volume with the local data.", {
        ...ofPeerDevice,
        ...set('invalidate_peer_parms', [['reset-bitmap', 'p_reset_bitmap']]),
      }),
  ],
  [
    'pause-sync',
    (name) => change(name, 'pause_sync', 'Stop resynchronizing between a local and a peer device.', ofPeerDevice),
  ],
  [
    'resume-sync',
    (name) => change(name, 'resume_sync', 'Allow resynchronization to resume on a replicated device.', ofPeerDevice),
  ],
  ['suspend-io', (name) => change(name, 'suspend_io', 'Suspend I/O on a replicated device.', ofMinor)],
  ['resume-io', (name) => change(name, 'resume_io', 'Resume I/O on a replicated device.', ofMinor)],
  ['outdate', (name) => change(name, 'outdate', 'Mark the data on a lower-level device as outdated.', ofMinor)],
  [
    'verify',
    (name) =>
      change(name, 'start_ov', 'Verify the data on a lower-level device against a peer device.', {
        ...ofPeerDevice,
        ...set('start_ov_parms', [
          ['start', 'ov_start_sector', anySector()],
          ['stop', 'ov_stop_sector', anySector()],
        ]),
      }),
  ],
  ['down', (name) => command(name, 'down', 'down', 'Take a resource down.', { ...ofAll, forgets: 'both' })],
  ['role', (name) => command(name, 'state', 'get_resources', 'Show the current role of a resource.', ofResource)],
  ['cstate', (name) => command(name, 'state', 'get_connections', 'Show the current state of a connection.', ofPeer)],
  [
    'dstate',
    (name) =>
      command(name, 'state', 'get_devices', 'Show the current disk state of a lower-level device.', {
        object: ['minor'],
      }),
  ],
  [
    'show-gi',
    (name) =>
      command(
        name,
        'generations',
        'get_peer_devices',
        'Show the data generation identifiers for a device on a particular connection, with explanations.',
        ofPeerDevice,
      ),
  ],
  [
    'get-gi',
    (name) =>
      command(
        name,
        'generations',
        'get_peer_devices',
        'Show the data generation identifiers for a device on a particular connection.',
        ofPeerDevice,
      ),
  ],
  [
    'show',
    (name) =>
      command(name, 'show', 'get_resources', 'Show the current configuration of a resource, or of all resources.', {
        ...ofAll,
        plain: [{ name: 'show-defaults', short: 'D', argument: 'none', doc: 'Also what is at its default.' }, json],
      }),
  ],
  [
    'status',
    (name) =>
      command(name, 'status', 'get_resources', 'Show the state of a resource, or of all resources.', {
        ...ofAll,
        plain: [
          { name: 'verbose', short: 'v', argument: 'none', doc: 'Also what is as it should be; twice: all counters.' },
          { name: 'statistics', short: 's', argument: 'none', doc: 'Also what was read, written, sent and received.' },
          color,
          json,
        ],
      }),
  ],
  [
    'check-resize',
    (name) =>
      command(name, 'checkResize', 'get_devices', 'Remember the current size of a lower-level device.', {
        object: ['minor'],
      }),
  ],
  [
    'events2',
    (name) =>
      command(
        name,
        'events2',
        'get_initial_state',
        'Show the current state and all state changes of a resource, or of all resources.',
        {
          ...ofAll,
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
            { name: 'full', short: 'f', argument: 'none', doc: 'All that is known, whatever has changed of it.' },
            color,
            { name: 'diff', short: 'i', argument: 'optional', doc: 'What was before, too: old->new.' },
          ],
        },
      ),
  ],
  ['wait-sync-volume', (name) => waiting(name, 'Wait until resync finished on a volume.', ofPeerDevice)],
  [
    'wait-sync-connection',
    (name) => waiting(name, 'Wait until resync finished on all volumes of a connection.', ofPeer),
  ],
  ['wait-sync-resource', (name) => waiting(name, 'Wait until resync finished on all volumes.', ofResource)],
  ['wait-connect-volume', (name) => waiting(name, 'Wait until a device on a peer is visible.', ofPeerDevice)],
  [
    'wait-connect-connection',
    (name) => waiting(name, 'Wait until all peer volumes of connection are visible.', ofPeer),
  ],
  ['wait-connect-resource', (name) => waiting(name, 'Wait until all connections are establised.', ofResource)],
  [
    'new-resource',
    (name) =>
      change(name, 'new_resource', 'Create a new resource.', {
        ...ofResource,
        ...ofSet('res_opts', resourceOptions9()),
        arguments: [word('node_id', 'number', 'res_opts', 'node_id')],
      }),
  ],
  [
    'new-minor',
    (name) =>
      command(name, 'newMinor', 'new_minor', 'Create a new replicated device within a resource.', {
        ...ofResource,
        ...set('device_conf', [
          ['max-bio-size', 'max_bio_size', { unit: null }],
          flag('diskless', 'intentional_diskless'),
        ]),
        arguments: [minor, volume],
        lock: true,
      }),
  ],
  ['del-minor', (name) => change(name, 'del_minor', 'Remove a replicated device.', { ...ofMinor, forgets: 'minor' })],
  [
    'del-resource',
    (name) => change(name, 'del_resource', 'Remove a resource.', { ...ofResource, forgets: 'resource' }),
  ],
  [
    'forget-peer',
    (name) =>
      change(name, 'forget_peer', 'Completely remove any reference to a unconnected peer from meta-data.', {
        ...ofResource,
        ...set('forget_peer_parms'),
        arguments: [word('peer_node_id', 'number', 'forget_peer_parms', 'forget_peer_node_id')],
      }),
  ],
  [
    'rename-resource',
    (name) =>
      change(name, 'rename_resource', 'Rename a resource.', {
        ...ofResource,
        ...set('rename_resource_parms'),
        arguments: [word('new_name', 'resource', 'rename_resource_parms', 'new_resource_name')],
      }),
  ],
  // What the C tool of DRBD 9 leaves to drbdadm, and that of 8.4 has.
  [
    'udev',
    (name) =>
      command(name, 'udev', 'get_devices', 'Print the names that a device is to have below /dev, for udev.', {
        object: ['minor'],
        own: true,
      }),
  ],
]);

/** drbdsetup for DRBD 9. */
export const v9: Vocabulary = {
  dialect: 'genl2',
  manner: {
    first: 'command',
    xml: 'xml-help',
    printsUsage: false,
    isClassic: true,
    asWritten: false,
    beyondRange: 'send',
    exits: { tooLong: undefined, noDisk: EXIT.ok, notNoted: EXIT.failure },
  },
  get commands() {
    return commands.all();
  },
  names: commands.names,
  command: commands.command,
  oldNames: {},
  requests: Object.keys(operations),
  get longestName() {
    return attributeSets.drbd_cfg_context.fields.ctx_resource_name.maxBytes - 1;
  },
  get settings() {
    return {
      resource: resourceOptions9(),
      connection: peerOptions9(),
      device: attachOptions9(),
      peerDevice: peerDeviceOptions9(),
    };
  },
};
