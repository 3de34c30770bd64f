import { packets, type RequestPacketName } from '../../dialects/connector';
import type { FieldTable, Packet } from '../../schema';
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
/** The protocol leaves where a verify begins and ends open; no device is larger than this. */
function anySector(): Row[3] {
  const { min, max } = packets.disk_conf.tags.disk_size;
  return { range: { min, max, default: 0n } };
}
const autoTuned = { flagIfZero: 'auto_sndbuf_size' };

/** All commands, in the order in which help lists them and `show` prints their sections. */
const commands = commandTable([
  [
    'primary',
    (name) =>
      change(name, 'primary', [
        ['overwrite-data-of-peer', 'o', 'primary_force'],
        ['force', 'f', 'primary_force'],
      ]),
  ],
  ['secondary', (name) => change(name, 'secondary')],
  [
    'disk',
    (name) =>
      change(
        name,
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
  ],
  ['detach', (name) => change(name, 'detach', [['force', 'f', 'detach_force']])],
  [
    'net',
    (name) =>
      change(
        name,
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
  ],
  ['disconnect', (name) => change(name, 'disconnect', [['force', 'F', 'force']])],
  [
    'resize',
    (name) =>
      change(name, 'resize', [
        ['size', 's', 'resize_size'],
        ['assume-peer-has-space', 'f', 'resize_force'],
        ['assume-clean', 'c', 'no_resync'],
      ]),
  ],
  [
    'syncer',
    (name) =>
      change(name, 'syncer_conf', [
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
  ],
  ['new-current-uuid', (name) => change(name, 'new_c_uuid', [['clear-bitmap', 'c', 'clear_bm']])],
  ['invalidate', (name) => change(name, 'invalidate')],
  ['invalidate-remote', (name) => change(name, 'invalidate_peer')],
  ['pause-sync', (name) => change(name, 'pause_sync')],
  ['resume-sync', (name) => change(name, 'resume_sync')],
  ['suspend-io', (name) => change(name, 'suspend_io')],
  ['resume-io', (name) => change(name, 'resume_io')],
  ['outdate', (name) => change(name, 'outdate')],
  [
    'verify',
    (name) =>
      change(name, 'start_ov', [
        ['start', 's', 'start_sector', anySector()],
        ['stop', 'S', 'stop_sector', anySector()],
      ]),
  ],
  [
    'down',
    (name) => ({
      ...change(name, 'secondary'),
      action: 'down',
      steps: ['secondary', 'disconnect', 'detach'],
      doc: 'Make the minor secondary, disconnect and detach it.',
    }),
  ],
  ['role', (name) => ask(name, 'state', 'get_state', 'Print the roles here and on the peer.')],
  ['status', (name) => ask(name, 'status', 'get_state', 'Print the state as one line that looks like XML.')],
  ['sh-status', (name) => ask(name, 'shStatus', 'get_state', 'Print the state as shell assignments, to be evaluated.')],
  ['cstate', (name) => ask(name, 'state', 'get_state', 'Print the connection state.')],
  ['dstate', (name) => ask(name, 'state', 'get_state', 'Print the states of the disks here and on the peer.')],
  ['show-gi', (name) => ask(name, 'generations', 'get_uuids', 'Print the generations of the data and explain them.')],
  ['get-gi', (name) => ask(name, 'generations', 'get_uuids', 'Print the generations of the data.')],
  ['show', (name) => ask(name, 'show', 'get_config', 'Print the configuration as drbd.conf has it, secrets included.')],
  [
    'check-resize',
    (name) => ({
      ...ask(
        name,
        'checkResize',
        'get_config',
        'Note the size of the backing device, so that internal metadata is found again after it has grown.',
      ),
      lock: true,
    }),
  ],
  [
    'events',
    (name) =>
      ask(name, 'events', 'get_state', "Print the state, and then the driver's broadcasts as they come.", [
        {
          name: 'unfiltered',
          short: 'u',
          argument: 'none',
          doc: 'All that the driver says, answers to others too, in the order of arrival.',
        },
        { name: 'all-devices', short: 'a', argument: 'none', doc: 'Of all minors.' },
      ]),
  ],
  ['wait-connect', (name) => ask(name, 'wait', 'get_state', 'Wait until the peers are connected.', waits)],
  [
    'wait-sync',
    (name) => ask(name, 'wait', 'get_state', 'Wait until the peers are connected and no resync runs.', waits),
  ],
]);

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
  get commands() {
    return commands.all();
  },
  names: commands.names,
  command: commands.command,
  oldNames: { state: 'role' },
  requests: Object.keys(packets),
  longestName: 0,
  get settings() {
    return {
      resource: [],
      connection: [
        ...optionsOf(packets.net_conf.tags, 'switch', [['protocol', 'wire_protocol']]),
        ...optionsOfCommand('net'),
        ...optionsOfCommand('syncer'),
      ],
      device: optionsOfCommand('disk'),
    };
  },
};

function optionsOfCommand(name: string): readonly Option[] {
  return commands.command(name)?.options ?? [];
}
