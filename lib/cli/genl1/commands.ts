import type { operations } from '../../dialects/genl1';
import * as options from './options';
import type { FieldOption, SetName } from './options';

/** What a command works on. Some take any of several. */
export type ObjectKind = 'resource' | 'minor' | 'all';

/** A positional argument beyond the object. */
export interface Argument {
  readonly name: string;
  readonly kind: 'resource' | 'minor' | 'volume' | 'device' | 'metaIndex';
  /** The field of the command's attribute set; undefined where the header carries it. */
  readonly field?: string;
}

/** An option that no field stands behind. */
export interface PlainOption {
  readonly name: string;
  readonly short: string;
  readonly argument: 'none' | 'required' | 'optional';
  /** The words that its argument may be; a number of seconds where they are absent. */
  readonly words?: readonly string[];
  readonly doc: string;
}

/** What the tool does with a command: send one request, or something of its own. */
export type Action =
  | 'change'
  | 'down'
  | 'delMinor'
  | 'delResource'
  | 'role'
  | 'shStatus'
  | 'cstate'
  | 'dstate'
  | 'gi'
  | 'show'
  | 'status'
  | 'checkResize'
  | 'events'
  | 'events2'
  | 'waitConnect'
  | 'waitSync'
  | 'udev';

export interface Command {
  readonly name: string;
  readonly action: Action;
  /** One line for help. */
  readonly doc: string;
  /** What --json prints, for help; undefined where that is the kernel's answer to a change. */
  readonly json: string | undefined;
  /** In the order in which help lists them; empty where the command names its objects by arguments. */
  readonly object: readonly ObjectKind[];
  /** It takes the two addresses of a connection, after the object if there is one. */
  readonly endpoints: boolean;
  readonly arguments: readonly Argument[];
  readonly operation: keyof typeof operations;
  /** The attribute set that options and arguments go into. */
  readonly set: SetName | undefined;
  readonly options: readonly FieldOption[];
  readonly plain: readonly PlainOption[];
  /** Those of DRBD 8.3's command, which old scripts may still give, and no help tells of. */
  readonly old: readonly PlainOption[];
  /** Old names of field options. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly setDefaults: boolean;
  /** The minor's lock file is taken, so that drbdmeta and this do not meddle at the same time. */
  readonly lock: boolean;
}

type Extra = Partial<Omit<Command, 'name' | 'action' | 'doc' | 'operation'>>;

function command(name: string, action: Action, operation: keyof typeof operations, doc: string, extra: Extra): Command {
  return {
    name,
    action,
    operation,
    doc,
    object: [],
    endpoints: false,
    arguments: [],
    json: undefined,
    set: undefined,
    options: [],
    plain: [],
    old: [],
    aliases: {},
    setDefaults: false,
    lock: false,
    ...extra,
  };
}

const change = (name: string, operation: keyof typeof operations, doc: string, extra: Extra): Command =>
  command(name, 'change', operation, doc, extra);
/** A change of one minor, under its lock. */
const ofMinor = (name: string, operation: keyof typeof operations, doc: string, extra: Extra = {}): Command =>
  change(name, operation, doc, { object: ['minor'], lock: true, ...extra });
/** A question about minors, answered by get_status. */
const ask = (name: string, action: Action, doc: string, extra: Extra = {}): Command =>
  command(name, action, 'get_status', doc, { object: ['minor'], ...extra });

/** What role, cstate and dstate print of a device. */
const STATES =
  'minor, configured, connection, role, peerRole, disk, peerDisk, suspended and resyncSuspended with their reasons';
const WAITED = 'minor, reached, and the states that role tells';
const GENERATIONS = 'minor, currentUuid, bitmapUuid and historyUuids as decimal strings, flags, activityLogClean';
/** sh-status and status. */
const SNAPSHOT = 'the whole state as snapshot.schema.json describes it, of the resources asked for';

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
  {
    name: 'wait-after-sb',
    short: 'w',
    argument: 'optional',
    doc: 'Wait also for a device that does not try to connect.',
  },
];

/** All commands, in the order in which help lists them. */
export const commands: readonly Command[] = [
  ofMinor('primary', 'primary', 'Make the resource of a device writable on this node.', {
    set: 'set_role_parms',
    options: options.primaryOptions,
    aliases: { 'overwrite-data-of-peer': 'force' },
  }),
  ofMinor('secondary', 'secondary', 'Give up the right to write on this node.'),
  ofMinor('attach', 'attach', 'Put a device on the disk that stores its data.', {
    set: 'disk_conf',
    options: options.attachOptions,
    arguments: [
      { name: 'lower_dev', kind: 'device', field: 'backing_dev' },
      { name: 'meta_data_dev', kind: 'device', field: 'meta_dev' },
      { name: 'meta_data_index', kind: 'metaIndex', field: 'meta_dev_idx' },
    ],
  }),
  ofMinor('disk-options', 'chg_disk_opts', 'Change options of an attached disk.', {
    set: 'disk_conf',
    options: options.diskOptions,
    setDefaults: true,
  }),
  ofMinor('detach', 'detach', 'Let go of the disk of a device.', {
    set: 'detach_parms',
    options: options.detachOptions,
  }),
  change('connect', 'connect', 'Set up the connection of a resource to its peer.', {
    object: ['resource'],
    endpoints: true,
    set: 'net_conf',
    options: options.connectOptions,
    aliases: { 'dry-run': 'tentative' },
  }),
  change('net-options', 'chg_net_opts', 'Change options of a connection.', {
    endpoints: true,
    set: 'net_conf',
    options: options.netOptions,
    setDefaults: true,
  }),
  change('disconnect', 'disconnect', 'Take down a connection.', {
    endpoints: true,
    set: 'disconnect_parms',
    options: options.disconnectOptions,
  }),
  ofMinor('resize', 'resize', 'Adopt a new size of the disks.', {
    set: 'resize_parms',
    options: options.resizeOptions,
  }),
  change('resource-options', 'resource_opts', 'Change options of a resource.', {
    object: ['resource'],
    set: 'res_opts',
    options: options.resourceOptions,
    setDefaults: true,
  }),
  ofMinor('new-current-uuid', 'new_c_uuid', 'Begin a new generation of the data.', {
    set: 'new_c_uuid_parms',
    options: options.newCurrentUuidOptions,
  }),
  ofMinor('invalidate', 'invalidate', 'Throw away the data of this node and copy those of the peer.'),
  ofMinor('invalidate-remote', 'inval_peer', 'Throw away the data of the peer and copy those of this node.'),
  ofMinor('pause-sync', 'pause_sync', 'Hold the resync of a device.'),
  ofMinor('resume-sync', 'resume_sync', 'Take back the hold on the resync of a device.'),
  ofMinor('suspend-io', 'suspend_io', 'Freeze all requests of applications to a device.'),
  ofMinor('resume-io', 'resume_io', 'Let frozen requests of applications go on.'),
  ofMinor('outdate', 'outdate', 'Mark the data of this node as behind those of the peer.'),
  ofMinor('verify', 'start_ov', 'Compare the data of both nodes block by block, while in use.', {
    set: 'start_ov_parms',
    options: options.verifyOptions,
  }),
  command('down', 'down', 'down', 'Take down a resource with its connection, disks and devices.', {
    object: ['resource'],
  }),
  ask('state', 'role', 'Old name of role.', { json: STATES }),
  ask('role', 'role', "Print this node's role and the peer's.", { json: STATES }),
  ask('sh-status', 'shStatus', 'Print states as assignments for a shell.', {
    object: ['resource', 'minor', 'all'],
    json: SNAPSHOT,
  }),
  ask('cstate', 'cstate', 'Print the state of the connection of a device.', { json: STATES }),
  ask('dstate', 'dstate', "Print the states of this node's disk and the peer's.", { json: STATES }),
  ask('show-gi', 'gi', 'Print the generations of the data of a device, with explanations.', { json: GENERATIONS }),
  ask('get-gi', 'gi', 'Print the generations of the data of a device.', { json: GENERATIONS }),
  ask('show', 'show', 'Print the configuration.', {
    json: 'resources with options, connections and volumes; each option with value, unit, isDefault, and code where it is a word',
    object: ['resource', 'minor', 'all'],
    plain: [{ name: 'show-defaults', short: 'D', argument: 'none', doc: 'Also what is at its default.' }],
  }),
  command('status', 'status', 'get_resources', 'Print states for a human, or as JSON.', {
    json: SNAPSHOT,
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
  ask('check-resize', 'checkResize', 'Remember the size of the disk below a device.', {
    json: 'minor, disk, sizeBytes, and action: noted, unchanged, removed or none',
  }),
  ask('events', 'events', 'Print states and changes as they come, in the format of DRBD 8.', {
    old: [
      { name: 'all-devices', short: 'a', argument: 'none', doc: 'Tell of all devices, whichever is named.' },
      { name: 'unfiltered', short: 'u', argument: 'none', doc: 'Nothing is left out: this is as it is anyway.' },
    ],
    json: 'one object a line: kind (state, change, helper, progress, resource, other, resync), number, resource, volume, minor, and the states',
    object: ['resource', 'minor', 'all'],
  }),
  command('events2', 'events2', 'get_initial_state', 'Print states and changes as they come.', {
    json: 'one object a line: event (exists, create, change, destroy, call, response, resync), object, timestamp, name, connection, volume, minor, and all that is known of the object; an object of null ends what exists',
    object: ['resource', 'all'],
    plain: [
      { name: 'timestamps', short: 'T', argument: 'none', doc: 'The time at the begin of each line.' },
      { name: 'statistics', short: 's', argument: 'none', doc: 'Also sizes and counters.' },
      { name: 'now', short: 'n', argument: 'none', doc: 'What exists, and no changes.' },
    ],
  }),
  ask('wait-connect', 'waitConnect', 'Wait until a device is connected.', { json: WAITED, plain: waitOptions }),
  ask('wait-sync', 'waitSync', 'Wait until a device is connected and in sync.', { json: WAITED, plain: waitOptions }),
  change('new-resource', 'new_resource', 'Create a resource.', {
    object: ['resource'],
    set: 'res_opts',
    options: options.resourceOptions,
  }),
  change('new-minor', 'new_minor', 'Create a device as a volume of a resource.', {
    set: 'drbd_cfg_context',
    arguments: [
      { name: 'resource', kind: 'resource', field: 'ctx_resource_name' },
      { name: 'minor', kind: 'minor' },
      { name: 'volume', kind: 'volume', field: 'ctx_volume' },
    ],
  }),
  command('del-minor', 'delMinor', 'del_minor', 'Remove a device that has neither disk nor connection.', {
    object: ['minor'],
    lock: true,
  }),
  command('del-resource', 'delResource', 'del_resource', 'Remove a resource without devices and connection.', {
    object: ['resource'],
  }),
  ask('udev', 'udev', 'Print the names that a device is to have below /dev, for udev.', {
    json: 'minor, device, byResource, byDisk',
  }),
];

const byName: ReadonlyMap<string, Command> = new Map(commands.map((entry) => [entry.name, entry]));

/** @returns the command of exactly this name, or undefined */
export function findCommand(name: string): Command | undefined {
  return byName.get(name);
}

/** The key of a command's attribute set in a request. */
export function requestKey(set: SetName): string {
  return set === 'drbd_cfg_context' ? 'context' : set;
}
