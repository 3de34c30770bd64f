import { attributeSets, operations } from '../../dialects/genl1';
import type { DumpReply } from '../../drbd';
import { once, type FieldTable } from '../../schema';
import { EXIT } from '../errors';
import { optionsOf, type Option, type OptionRow } from '../line/option';
import {
  commandTable,
  plainCommand,
  setDefaults,
  waitOptions,
  type Argument,
  type Command,
  type PlainOption,
  type Vocabulary,
} from '../line/vocabulary';

// The words of drbdsetup for DRBD 8.4, as of drbd-utils 9.22: its commands, and for each option what the command line
// adds to the protocol's table. Types, ranges, defaults, units and names of values are the table's.

/** One message of get_status. */
export type StatusReply = DumpReply<'genl1', 'get_status'>;

/** Options of a connection, as DRBD 9 has them too. */
export const sharedNetRows: readonly OptionRow[] = [
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
];

type SetName = keyof typeof attributeSets;

function options(set: SetName, rows: readonly OptionRow[]): readonly Option[] {
  return optionsOf(attributeSets[set].fields, 'boolean', rows);
}

/** In the order in which `show` and help list them. */
const changeableDisk: readonly OptionRow[] = [
  'on-io-error',
  'fencing',
  'disk-barrier',
  'disk-flushes',
  'disk-drain',
  'md-flushes',
  'resync-rate',
  'resync-after',
  'al-extents',
  'al-updates',
  'discard-zeroes-if-aligned',
  'disable-write-same',
  'c-plan-ahead',
  'c-delay-target',
  'c-fill-target',
  'c-max-rate',
  'c-min-rate',
  'disk-timeout',
  'read-balancing',
  ['rs-discard-granularity', 'rs_discard_granularity', { unit: null }],
];
const changeableNet: readonly OptionRow[] = [
  ['protocol', 'wire_protocol', { anyCase: true }],
  'timeout',
  'max-epoch-size',
  'max-buffers',
  'unplug-watermark',
  'connect-int',
  'ping-int',
  'sndbuf-size',
  'rcvbuf-size',
  ...sharedNetRows,
];

/** The protocol leaves where a verify begins and ends open; no device is larger than this. */
const anySector = once(() => {
  const { min = 0n, max = 0n } = attributeSets.disk_conf.fields.disk_size;
  return { range: { min, max, default: 0n } };
});

const diskOptions = once(() => options('disk_conf', changeableDisk));
const attachOptions = once(() => options('disk_conf', [['size', 'disk_size'], 'max-bio-bvecs', ...changeableDisk]));
const netOptions = once(() => options('net_conf', changeableNet));
const resourceOptions = once(() => options('res_opts', ['cpu-mask', ['on-no-data-accessible', 'on_no_data']]));

type OperationName = keyof typeof operations;
type More = Partial<Omit<Command, 'name' | 'action' | 'doc' | 'operation'>>;

const command = (
  name: string,
  action: Command['action'],
  operation: OperationName,
  doc: string,
  more: More = {},
): Command => ({ ...plainCommand, name, action, operation, doc, ...more });
const change = (name: string, operation: OperationName, doc: string, more: More = {}): Command =>
  command(name, 'change', operation, doc, more);
/** A change of one minor, under its lock. */
const ofMinor = (name: string, operation: OperationName, doc: string, more: More = {}): Command =>
  change(name, operation, doc, { object: ['minor'], lock: true, ...more });
/** A question about minors, answered by get_status. */
const ask = (name: string, action: Command['action'], doc: string, more: More = {}): Command =>
  command(name, action, 'get_status', doc, { object: ['minor'], ...more });

const set = (name: SetName): Pick<Command, 'set' | 'fields'> => ({ set: name, fields: attributeSets[name].fields });

/** A word that goes into a set. */
function word<S extends SetName>(
  name: string,
  kind: Argument['kind'],
  of: S,
  field: keyof (typeof attributeSets)[S]['fields'] & string,
): Argument {
  const table = (attributeSets[of].fields as FieldTable)[field];
  if (table === undefined) throw new TypeError(`${of} has no field ${field}`);
  return { name, kind, into: of === 'drbd_cfg_context' ? 'context' : 'set', field, table };
}
const address = (name: string, field: 'ctx_my_addr' | 'ctx_peer_addr'): Argument => ({
  ...word(name, 'address', 'drbd_cfg_context', field),
  usage: `[{af}:]{${name}}[:{port}]`,
});
const endpoints = once(() => [address('local_addr', 'ctx_my_addr'), address('remote_addr', 'ctx_peer_addr')]);
const minorWord = once((): Argument => ({
  ...word('minor', 'minor', 'drbd_cfg_context', 'ctx_volume'),
  into: 'header',
}));

const waits: readonly PlainOption[] = [
  ...waitOptions,
  {
    name: 'wait-after-sb',
    short: 'w',
    argument: 'optional',
    doc: 'Wait also for a device that does not try to connect.',
  },
];

/** All commands, in the order in which help lists them. */
const commands = commandTable([
  [
    'primary',
    (name) =>
      ofMinor(name, 'primary', 'Make the resource of a device writable on this node.', {
        ...set('set_role_parms'),
        options: options('set_role_parms', [['force', 'assume_uptodate', { flag: true }]]),
        aliases: { 'overwrite-data-of-peer': 'force' },
      }),
  ],
  ['secondary', (name) => ofMinor(name, 'secondary', 'Give up the right to write on this node.')],
  [
    'attach',
    (name) =>
      ofMinor(name, 'attach', 'Put a device on the disk that stores its data.', {
        ...set('disk_conf'),
        options: attachOptions(),
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
      ofMinor(name, 'chg_disk_opts', 'Change options of an attached disk.', {
        ...set('disk_conf'),
        options: diskOptions(),
        flags: [setDefaults],
      }),
  ],
  [
    'detach',
    (name) =>
      ofMinor(name, 'detach', 'Let go of the disk of a device.', {
        ...set('detach_parms'),
        options: options('detach_parms', [['force', 'force_detach', { flag: true }]]),
      }),
  ],
  [
    'connect',
    (name) =>
      change(name, 'connect', 'Set up the connection of a resource to its peer.', {
        object: ['resource'],
        arguments: endpoints(),
        ...set('net_conf'),
        options: options('net_conf', [
          ['tentative', 'tentative', { flag: true }],
          ['discard-my-data', 'discard_my_data', { flag: true }],
          ['alternate-address', 'my_addr2'],
          ['alternate-peer-address', 'peer_addr2'],
          ...changeableNet,
        ]),
        aliases: { 'dry-run': 'tentative' },
      }),
  ],
  [
    'net-options',
    (name) =>
      change(name, 'chg_net_opts', 'Change options of a connection.', {
        arguments: endpoints(),
        ...set('net_conf'),
        options: netOptions(),
        flags: [setDefaults],
      }),
  ],
  [
    'disconnect',
    (name) =>
      change(name, 'disconnect', 'Take down a connection.', {
        arguments: endpoints(),
        ...set('disconnect_parms'),
        options: options('disconnect_parms', [['force', 'force_disconnect', { flag: true }]]),
      }),
  ],
  [
    'resize',
    (name) =>
      ofMinor(name, 'resize', 'Adopt a new size of the disks.', {
        ...set('resize_parms'),
        options: options('resize_parms', [
          ['size', 'resize_size'],
          ['assume-peer-has-space', 'resize_force', { flag: true }],
          ['assume-clean', 'no_resync', { flag: true }],
          'al-stripes',
          ['al-stripe-size-kB', 'al_stripe_size', { unit: null }],
        ]),
      }),
  ],
  [
    'resource-options',
    (name) =>
      change(name, 'resource_opts', 'Change options of a resource.', {
        object: ['resource'],
        ...set('res_opts'),
        options: resourceOptions(),
        flags: [setDefaults],
      }),
  ],
  [
    'new-current-uuid',
    (name) =>
      ofMinor(name, 'new_c_uuid', 'Begin a new generation of the data.', {
        ...set('new_c_uuid_parms'),
        options: options('new_c_uuid_parms', [['clear-bitmap', 'clear_bm', { flag: true }]]),
      }),
  ],
  ['invalidate', (name) => ofMinor(name, 'invalidate', 'Throw away the data of this node and copy those of the peer.')],
  [
    'invalidate-remote',
    (name) => ofMinor(name, 'inval_peer', 'Throw away the data of the peer and copy those of this node.'),
  ],
  ['pause-sync', (name) => ofMinor(name, 'pause_sync', 'Hold the resync of a device.')],
  ['resume-sync', (name) => ofMinor(name, 'resume_sync', 'Take back the hold on the resync of a device.')],
  ['suspend-io', (name) => ofMinor(name, 'suspend_io', 'Freeze all requests of applications to a device.')],
  ['resume-io', (name) => ofMinor(name, 'resume_io', 'Let frozen requests of applications go on.')],
  ['outdate', (name) => ofMinor(name, 'outdate', 'Mark the data of this node as behind those of the peer.')],
  [
    'verify',
    (name) =>
      ofMinor(name, 'start_ov', 'Compare the data of both nodes block by block, while in use.', {
        ...set('start_ov_parms'),
        options: options('start_ov_parms', [
          ['start', 'ov_start_sector', anySector()],
          ['stop', 'ov_stop_sector', anySector()],
        ]),
      }),
  ],
  [
    'down',
    (name) =>
      command(name, 'down', 'down', 'Take down a resource with its connection, disks and devices.', {
        object: ['resource'],
        forgets: 'both',
      }),
  ],
  ['state', (name) => ask(name, 'state', 'Old name of role.')],
  ['role', (name) => ask(name, 'state', "Print this node's role and the peer's.")],
  [
    'sh-status',
    (name) =>
      ask(name, 'shStatus', 'Print states as assignments for a shell.', {
        object: ['resource', 'minor', 'all'],
      }),
  ],
  ['cstate', (name) => ask(name, 'state', 'Print the state of the connection of a device.')],
  ['dstate', (name) => ask(name, 'state', "Print the states of this node's disk and the peer's.")],
  ['show-gi', (name) => ask(name, 'generations', 'Print the generations of the data of a device, with explanations.')],
  ['get-gi', (name) => ask(name, 'generations', 'Print the generations of the data of a device.')],
  [
    'show',
    (name) =>
      ask(name, 'show', 'Print the configuration.', {
        object: ['resource', 'minor', 'all'],
        plain: [{ name: 'show-defaults', short: 'D', argument: 'none', doc: 'Also what is at its default.' }],
      }),
  ],
  [
    'status',
    (name) =>
      command(name, 'status', 'get_resources', 'Print states for a human, or as JSON.', {
        object: ['resource', 'all'],
        plain: [
          { name: 'verbose', short: 'v', argument: 'none', doc: 'Also what is as it should be.' },
          { name: 'statistics', short: 's', argument: 'none', doc: 'Also what was read, written, sent and received.' },
          {
            name: 'color',
            short: 'c',
            argument: 'optional',
            words: ['always', 'never', 'auto'],
            doc: 'Color states: always, as the option alone says, never, or on a terminal.',
          },
        ],
      }),
  ],
  [
    'check-resize',
    (name) =>
      ask(name, 'checkResize', 'Remember the size of the disk below a device.', {
        lock: true,
      }),
  ],
  [
    'events',
    (name) =>
      ask(name, 'events', 'Print states and changes as they come, in the format of DRBD 8.', {
        plain: [
          {
            name: 'all-devices',
            short: 'a',
            argument: 'none',
            old: true,
            doc: 'Tell of all devices, whichever is named.',
          },
          {
            name: 'unfiltered',
            short: 'u',
            argument: 'none',
            old: true,
            doc: 'Nothing is left out: this is as it is anyway.',
          },
        ],
        object: ['resource', 'minor', 'all'],
      }),
  ],
  [
    'events2',
    (name) =>
      command(name, 'events2', 'get_initial_state', 'Print states and changes as they come.', {
        object: ['resource', 'all'],
        plain: [
          { name: 'timestamps', short: 'T', argument: 'none', doc: 'The time at the begin of each line.' },
          { name: 'statistics', short: 's', argument: 'none', doc: 'Also sizes and counters.' },
          { name: 'now', short: 'n', argument: 'none', doc: 'What exists, and no changes.' },
        ],
      }),
  ],
  ['wait-connect', (name) => ask(name, 'wait', 'Wait until a device is connected.', { plain: waits })],
  ['wait-sync', (name) => ask(name, 'wait', 'Wait until a device is connected and in sync.', { plain: waits })],
  [
    'new-resource',
    (name) =>
      change(name, 'new_resource', 'Create a resource.', {
        object: ['resource'],
        ...set('res_opts'),
        options: resourceOptions(),
      }),
  ],
  [
    'new-minor',
    (name) =>
      change(name, 'new_minor', 'Create a device as a volume of a resource.', {
        arguments: [
          word('resource', 'resource', 'drbd_cfg_context', 'ctx_resource_name'),
          minorWord(),
          word('volume', 'number', 'drbd_cfg_context', 'ctx_volume'),
        ],
      }),
  ],
  [
    'del-minor',
    (name) => ofMinor(name, 'del_minor', 'Remove a device that has neither disk nor connection.', { forgets: 'minor' }),
  ],
  [
    'del-resource',
    (name) =>
      change(name, 'del_resource', 'Remove a resource without devices and connection.', {
        object: ['resource'],
        forgets: 'resource',
      }),
  ],
  ['udev', (name) => ask(name, 'udev', 'Print the names that a device is to have below /dev, for udev.')],
]);

/** drbdsetup for DRBD 8.4. */
export const v84: Vocabulary = {
  dialect: 'genl1',
  manner: {
    first: 'command',
    xml: 'xml-help',
    printsUsage: false,
    asWritten: false,
    beyondRange: 'send',
    exits: { tooLong: EXIT.refused, noDisk: EXIT.ok, notNoted: EXIT.failure, waitRefused: EXIT.failure },
  },
  get commands() {
    return commands.all();
  },
  names: commands.names,
  command: commands.command,
  oldNames: { state: 'role' },
  requests: Object.keys(operations),
  get longestName() {
    return attributeSets.drbd_cfg_context.fields.ctx_resource_name.maxBytes - 1;
  },
  get settings() {
    return { resource: resourceOptions(), connection: netOptions(), device: attachOptions() };
  },
};
