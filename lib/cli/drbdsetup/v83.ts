import { packets, type RequestPacketName } from '../../dialects/connector';
import type { FieldTable, Packet } from '../../schema';
import { EXIT } from '../errors';
import { optionsOf, type Option, type OptionRow } from '../line/option';
import {
  plainCommand,
  setDefaults,
  waitOptions,
  type Argument,
  type Command,
  type PlainOption,
  type RequestFlag,
  type Vocabulary,
} from '../line/vocabulary';

// The words of drbdsetup 8.3.16: its commands, and for each option what the command line adds to the protocol's table:
// name and letter. Types, ranges, defaults, units and names of values are the table's.

const createDevice: RequestFlag = {
  name: 'create-device',
  short: ')',
  argument: 'none',
  param: 'createDevice',
  doc: 'Create the minor if it does not exist.',
};
const flags = [setDefaults, createDevice];
const TAGS = 'tags';

/** @returns the number of a packet by its name, which may be `unknown(N)` */
export function packetNumber(name: string): number {
  const known = (packets as Readonly<Record<string, Packet>>)[name];
  return known?.number ?? Number(/^unknown\((-?\d+)\)$/u.exec(name)?.[1] ?? 0);
}

type Row = readonly [name: string, short: string, tag: string, more?: Exclude<OptionRow, string>[2]];

/** A command that sends one changing request. */
function change(
  name: string,
  packet: RequestPacketName,
  rows: readonly Row[] = [],
  words: readonly Omit<Argument, 'into' | 'table'>[] = [],
): Command {
  const { doc, tags, ...rest } = packets[packet];
  const fields: FieldTable = tags;
  return {
    ...plainCommand,
    name,
    action: 'change',
    doc,
    since: 'since' in rest ? rest.since : undefined,
    object: ['minor'],
    operation: packet,
    set: TAGS,
    fields,
    options: optionsOf(
      fields,
      'switch',
      rows.map(([option, short, tag, more]) => [option, tag, { short, ...more }] as const),
    ),
    arguments: words.map((word) => {
      const table = fields[word.field];
      if (table === undefined) throw new TypeError(`${packet} has no tag ${word.field}`);
      return { ...word, into: 'set', table };
    }),
    flags,
    lock: true,
  };
}

const ask = (
  name: string,
  action: Command['action'],
  operation: RequestPacketName,
  doc: string,
  plain: readonly PlainOption[] = [],
): Command => ({ ...plainCommand, name, action, operation, doc, object: ['minor'], plain });

const waits: readonly PlainOption[] = [
  ...waitOptions,
  {
    name: 'wait-after-sb',
    short: 'w',
    argument: 'none',
    doc: 'Wait on even where the connection is given up, as after a split brain.',
  },
];
const { min, max } = packets.disk_conf.tags.disk_size;
/** The protocol leaves where a verify begins and ends open; no device is larger than this. */
const anySector = { range: { min, max, default: 0n } };
const autoTuned = { flagIfZero: 'auto_sndbuf_size' };

/** All commands, in the order in which help lists them and `show` prints their sections. */
const commands: readonly Command[] = [
  change('primary', 'primary', [
    ['overwrite-data-of-peer', 'o', 'primary_force'],
    ['force', 'f', 'primary_force'],
  ]),
  change('secondary', 'secondary'),
  change(
    'disk',
    'disk_conf',
    [
      ['size', 'd', 'disk_size'],
      ['on-io-error', 'e', 'on_io_error'],
      ['fencing', 'f', 'fencing'],
      ['use-bmbv', 'b', 'use_bmbv'],
      ['no-disk-barrier', 'a', 'no_disk_barrier'],
      ['no-disk-flushes', 'i', 'no_disk_flush'],
      ['no-disk-drain', 'D', 'no_disk_drain'],
      ['no-md-flushes', 'm', 'no_md_flush'],
      ['max-bio-bvecs', 's', 'max_bio_bvecs'],
      ['disk-timeout', 't', 'disk_timeout'],
    ],
    [
      { name: 'lower_dev', kind: 'block device', field: 'backing_dev' },
      { name: 'meta_data_dev', kind: 'block device', field: 'meta_dev' },
      { name: 'meta_data_index', kind: 'metadata index', field: 'meta_dev_idx' },
    ],
  ),
  change('detach', 'detach', [['force', 'f', 'detach_force']]),
  change(
    'net',
    'net_conf',
    [
      ['timeout', 't', 'timeout'],
      ['max-epoch-size', 'e', 'max_epoch_size'],
      ['max-buffers', 'b', 'max_buffers'],
      ['unplug-watermark', 'u', 'unplug_watermark'],
      ['connect-int', 'c', 'try_connect_int'],
      ['ping-int', 'i', 'ping_int'],
      ['sndbuf-size', 'S', 'sndbuf_size', autoTuned],
      ['rcvbuf-size', 'r', 'rcvbuf_size', autoTuned],
      ['ko-count', 'k', 'ko_count'],
      ['allow-two-primaries', 'm', 'two_primaries'],
      ['cram-hmac-alg', 'a', 'cram_hmac_alg'],
      ['shared-secret', 'x', 'shared_secret'],
      ['after-sb-0pri', 'A', 'after_sb_0p'],
      ['after-sb-1pri', 'B', 'after_sb_1p'],
      ['after-sb-2pri', 'C', 'after_sb_2p'],
      ['always-asbp', 'P', 'always_asbp'],
      ['rr-conflict', 'R', 'rr_conflict'],
      ['ping-timeout', 'p', 'ping_timeo'],
      ['discard-my-data', 'D', 'want_lose'],
      ['data-integrity-alg', 'd', 'integrity_alg'],
      ['no-tcp-cork', 'o', 'no_cork'],
      ['dry-run', 'n', 'dry_run'],
      ['on-congestion', 'g', 'on_congestion'],
      ['congestion-fill', 'f', 'cong_fill', { unit: 'byte' }],
      ['congestion-extents', 'h', 'cong_extents'],
    ],
    [
      { name: '[af:]local_addr[:port]', kind: 'address', field: 'my_addr', flagIfNotIpv4: 'mind_af' },
      { name: '[af:]remote_addr[:port]', kind: 'address', field: 'peer_addr', flagIfNotIpv4: 'mind_af' },
      { name: 'protocol', kind: 'word', field: 'wire_protocol' },
    ],
  ),
  change('disconnect', 'disconnect', [['force', 'F', 'force']]),
  change('resize', 'resize', [
    ['size', 's', 'resize_size'],
    ['assume-peer-has-space', 'f', 'resize_force'],
    ['assume-clean', 'c', 'no_resync'],
  ]),
  change('syncer', 'syncer_conf', [
    ['rate', 'r', 'rate'],
    ['after', 'a', 'after'],
    ['al-extents', 'e', 'al_extents'],
    ['csums-alg', 'C', 'csums_alg'],
    ['verify-alg', 'v', 'verify_alg'],
    ['cpu-mask', 'c', 'cpu_mask'],
    ['use-rle', 'R', 'use_rle'],
    ['on-no-data-accessible', 'n', 'on_no_data'],
    ['c-plan-ahead', 'p', 'c_plan_ahead'],
    ['c-delay-target', 'd', 'c_delay_target'],
    ['c-fill-target', 's', 'c_fill_target'],
    ['c-max-rate', 'M', 'c_max_rate'],
    ['c-min-rate', 'm', 'c_min_rate'],
  ]),
  change('new-current-uuid', 'new_c_uuid', [['clear-bitmap', 'c', 'clear_bm']]),
  change('invalidate', 'invalidate'),
  change('invalidate-remote', 'invalidate_peer'),
  change('pause-sync', 'pause_sync'),
  change('resume-sync', 'resume_sync'),
  change('suspend-io', 'suspend_io'),
  change('resume-io', 'resume_io'),
  change('outdate', 'outdate'),
  change('verify', 'start_ov', [
    ['start', 's', 'start_sector', anySector],
    ['stop', 'S', 'stop_sector', anySector],
  ]),
  {
    ...change('down', 'secondary'),
    action: 'down',
    steps: ['secondary', 'disconnect', 'detach'],
    doc: 'Make the minor secondary, disconnect and detach it.',
  },
  ask('role', 'state', 'get_state', 'Print the roles here and on the peer.'),
  ask('status', 'status', 'get_state', 'Print the state as one line that looks like XML.'),
  ask('sh-status', 'shStatus', 'get_state', 'Print the state as shell assignments, to be evaluated.'),
  ask('cstate', 'state', 'get_state', 'Print the connection state.'),
  ask('dstate', 'state', 'get_state', 'Print the states of the disks here and on the peer.'),
  ask('show-gi', 'generations', 'get_uuids', 'Print the generations of the data and explain them.'),
  ask('get-gi', 'generations', 'get_uuids', 'Print the generations of the data.'),
  ask('show', 'show', 'get_config', 'Print the configuration as drbd.conf has it, secrets included.'),
  {
    ...ask(
      'check-resize',
      'checkResize',
      'get_config',
      'Note the size of the backing device, so that internal metadata is found again after it has grown.',
    ),
    lock: true,
  },
  ask('events', 'events', 'get_state', "Print the state, and then the driver's broadcasts as they come.", [
    {
      name: 'unfiltered',
      short: 'u',
      argument: 'none',
      doc: 'All that the driver says, answers to others too, in the order of arrival.',
    },
    { name: 'all-devices', short: 'a', argument: 'none', doc: 'Of all minors.' },
  ]),
  ask('wait-connect', 'wait', 'get_state', 'Wait until the peers are connected.', waits),
  ask('wait-sync', 'wait', 'get_state', 'Wait until the peers are connected and no resync runs.', waits),
];

/** drbdsetup for DRBD 8.3. */
export const v83: Vocabulary = {
  dialect: 'connector',
  manner: {
    first: 'device',
    xml: 'xml',
    printsUsage: true,
    asWritten: true,
    beyondRange: 'refuse',
    exits: { tooLong: EXIT.failure, noDisk: EXIT.nothing, notNoted: EXIT.ok },
  },
  commands,
  oldNames: { state: 'role' },
  requests: Object.keys(packets),
  longestName: 0,
  settings: {
    resource: [],
    connection: [
      ...optionsOf(packets.net_conf.tags, 'switch', [['protocol', 'wire_protocol']]),
      ...optionsOfCommand('net'),
      ...optionsOfCommand('syncer'),
    ],
    device: optionsOfCommand('disk'),
  },
};

function optionsOfCommand(name: string): readonly Option[] {
  return commands.find((command) => command.name === name)?.options ?? [];
}
