import { packets, type RequestPacketName } from '../../dialects/connector';
import { hasOnlyNamedValues, type AnyField } from '../../schema';
import type { DefaultUnit } from '../number';

// The words of drbdsetup 8.3.16: its commands, and for each option what the command line adds to the protocol's table:
// name, letter, and the unit of a number that has no suffix. Types, ranges, defaults and names of values are the
// table's.

/** An option that sets a tag. */
export interface CommandOption {
  readonly name: string;
  readonly short: string;
  readonly tag: string;
  /** The unit of a number without a suffix; it is also printed behind it. `1` if absent. */
  readonly scale?: Exclude<DefaultUnit, '1'>;
  /** What a number counts, in words that `show` and `xml` print. */
  readonly counts?: string;
  /** The tag whose range and default hold, where the tag itself has none. */
  readonly limits?: AnyField;
  /** A mandatory flag that goes out behind a value of 0, which older modules would take amiss. */
  readonly flagIfZero?: string;
}

/** A word that a command needs. */
export interface CommandArgument {
  readonly name: string;
  readonly tag: string;
  readonly takes: 'block device' | 'metadata index' | 'address' | 'protocol';
}

interface Named {
  readonly name: string;
  /** One line that says more than the name does. */
  readonly doc: string;
}

/** A command that sends one changing request. */
export interface ConfigureCommand extends Named {
  readonly kind: 'configure';
  readonly packet: RequestPacketName;
  readonly arguments: readonly CommandArgument[];
  readonly options: readonly CommandOption[];
}

/** A command that asks and prints. */
export interface ReadCommand extends Named {
  readonly kind: 'read';
  readonly packet: 'get_state' | 'get_uuids' | 'get_config';
}

/** A command that listens. */
export interface ListenCommand extends Named {
  readonly kind: 'events' | 'wait';
  readonly options: readonly ListenOption[];
}

export interface ListenOption {
  readonly name: string;
  readonly short: string;
  readonly argument: 'none' | 'required';
  readonly doc: string;
}

/** `down`: several requests, one after the other. */
export interface DownCommand extends Named {
  readonly kind: 'down';
}

export type Command = ConfigureCommand | ReadCommand | ListenCommand | DownCommand;

const { disk_conf: diskConf } = packets;
const sectors = { scale: 's', counts: 'bytes' } as const;
const rate = { scale: 'k', counts: 'bytes/second' } as const;
const tenths = { counts: '1/10 seconds' } as const;
const seconds = { counts: 'seconds' } as const;
const bytes = { counts: 'bytes', flagIfZero: 'auto_sndbuf_size' } as const;
const aDisk = { limits: diskConf.tags.disk_size } as const;

const configure = (
  name: string,
  packet: RequestPacketName,
  options: readonly CommandOption[] = [],
  words: readonly CommandArgument[] = [],
): ConfigureCommand => ({
  kind: 'configure',
  name,
  packet,
  doc: packets[packet].doc,
  arguments: words,
  options,
});

const waitOptions: readonly ListenOption[] = [
  { name: 'wfc-timeout', short: 't', argument: 'required', doc: 'Seconds to wait; 0 waits for ever.' },
  {
    name: 'degr-wfc-timeout',
    short: 'd',
    argument: 'required',
    doc: 'The same, if the cluster was degraded before this start.',
  },
  { name: 'outdated-wfc-timeout', short: 'o', argument: 'required', doc: "The same, if the peer's disk was outdated." },
  {
    name: 'wait-after-sb',
    short: 'w',
    argument: 'none',
    doc: 'Wait on even where the connection is given up, as after a split brain.',
  },
];

/** All commands, in the order in which help lists them and `show` prints their sections. */
export const commands: readonly Command[] = [
  configure('primary', 'primary', [
    { name: 'overwrite-data-of-peer', short: 'o', tag: 'primary_force' },
    { name: 'force', short: 'f', tag: 'primary_force' },
  ]),
  configure('secondary', 'secondary'),
  configure(
    'disk',
    'disk_conf',
    [
      { name: 'size', short: 'd', tag: 'disk_size', ...sectors },
      { name: 'on-io-error', short: 'e', tag: 'on_io_error' },
      { name: 'fencing', short: 'f', tag: 'fencing' },
      { name: 'use-bmbv', short: 'b', tag: 'use_bmbv' },
      { name: 'no-disk-barrier', short: 'a', tag: 'no_disk_barrier' },
      { name: 'no-disk-flushes', short: 'i', tag: 'no_disk_flush' },
      { name: 'no-disk-drain', short: 'D', tag: 'no_disk_drain' },
      { name: 'no-md-flushes', short: 'm', tag: 'no_md_flush' },
      { name: 'max-bio-bvecs', short: 's', tag: 'max_bio_bvecs' },
      { name: 'disk-timeout', short: 't', tag: 'disk_timeout', ...tenths },
    ],
    [
      { name: 'lower_dev', tag: 'backing_dev', takes: 'block device' },
      { name: 'meta_data_dev', tag: 'meta_dev', takes: 'block device' },
      { name: 'meta_data_index', tag: 'meta_dev_idx', takes: 'metadata index' },
    ],
  ),
  configure('detach', 'detach', [{ name: 'force', short: 'f', tag: 'detach_force' }]),
  configure(
    'net',
    'net_conf',
    [
      { name: 'timeout', short: 't', tag: 'timeout', ...tenths },
      { name: 'max-epoch-size', short: 'e', tag: 'max_epoch_size' },
      { name: 'max-buffers', short: 'b', tag: 'max_buffers' },
      { name: 'unplug-watermark', short: 'u', tag: 'unplug_watermark' },
      { name: 'connect-int', short: 'c', tag: 'try_connect_int', ...seconds },
      { name: 'ping-int', short: 'i', tag: 'ping_int', ...seconds },
      { name: 'sndbuf-size', short: 'S', tag: 'sndbuf_size', ...bytes },
      { name: 'rcvbuf-size', short: 'r', tag: 'rcvbuf_size', ...bytes },
      { name: 'ko-count', short: 'k', tag: 'ko_count' },
      { name: 'allow-two-primaries', short: 'm', tag: 'two_primaries' },
      { name: 'cram-hmac-alg', short: 'a', tag: 'cram_hmac_alg' },
      { name: 'shared-secret', short: 'x', tag: 'shared_secret' },
      { name: 'after-sb-0pri', short: 'A', tag: 'after_sb_0p' },
      { name: 'after-sb-1pri', short: 'B', tag: 'after_sb_1p' },
      { name: 'after-sb-2pri', short: 'C', tag: 'after_sb_2p' },
      { name: 'always-asbp', short: 'P', tag: 'always_asbp' },
      { name: 'rr-conflict', short: 'R', tag: 'rr_conflict' },
      { name: 'ping-timeout', short: 'p', tag: 'ping_timeo', ...tenths },
      { name: 'discard-my-data', short: 'D', tag: 'want_lose' },
      { name: 'data-integrity-alg', short: 'd', tag: 'integrity_alg' },
      { name: 'no-tcp-cork', short: 'o', tag: 'no_cork' },
      { name: 'dry-run', short: 'n', tag: 'dry_run' },
      { name: 'on-congestion', short: 'g', tag: 'on_congestion' },
      { name: 'congestion-fill', short: 'f', tag: 'cong_fill', scale: 's', counts: 'byte' },
      { name: 'congestion-extents', short: 'h', tag: 'cong_extents' },
    ],
    [
      { name: '[af:]local_addr[:port]', tag: 'my_addr', takes: 'address' },
      { name: '[af:]remote_addr[:port]', tag: 'peer_addr', takes: 'address' },
      { name: 'protocol', tag: 'wire_protocol', takes: 'protocol' },
    ],
  ),
  configure('disconnect', 'disconnect', [{ name: 'force', short: 'F', tag: 'force' }]),
  configure('resize', 'resize', [
    { name: 'size', short: 's', tag: 'resize_size', ...sectors },
    { name: 'assume-peer-has-space', short: 'f', tag: 'resize_force' },
    { name: 'assume-clean', short: 'c', tag: 'no_resync' },
  ]),
  configure('syncer', 'syncer_conf', [
    { name: 'rate', short: 'r', tag: 'rate', ...rate },
    { name: 'after', short: 'a', tag: 'after' },
    { name: 'al-extents', short: 'e', tag: 'al_extents' },
    { name: 'csums-alg', short: 'C', tag: 'csums_alg' },
    { name: 'verify-alg', short: 'v', tag: 'verify_alg' },
    { name: 'cpu-mask', short: 'c', tag: 'cpu_mask' },
    { name: 'use-rle', short: 'R', tag: 'use_rle' },
    { name: 'on-no-data-accessible', short: 'n', tag: 'on_no_data' },
    { name: 'c-plan-ahead', short: 'p', tag: 'c_plan_ahead', ...tenths },
    { name: 'c-delay-target', short: 'd', tag: 'c_delay_target', ...tenths },
    { name: 'c-fill-target', short: 's', tag: 'c_fill_target', ...sectors },
    { name: 'c-max-rate', short: 'M', tag: 'c_max_rate', ...rate },
    { name: 'c-min-rate', short: 'm', tag: 'c_min_rate', ...rate },
  ]),
  configure('new-current-uuid', 'new_c_uuid', [{ name: 'clear-bitmap', short: 'c', tag: 'clear_bm' }]),
  configure('invalidate', 'invalidate'),
  configure('invalidate-remote', 'invalidate_peer'),
  configure('pause-sync', 'pause_sync'),
  configure('resume-sync', 'resume_sync'),
  configure('suspend-io', 'suspend_io'),
  configure('resume-io', 'resume_io'),
  configure('outdate', 'outdate'),
  configure('verify', 'start_ov', [
    { name: 'start', short: 's', tag: 'start_sector', ...sectors, ...aDisk },
    { name: 'stop', short: 'S', tag: 'stop_sector', ...sectors, ...aDisk },
  ]),
  { kind: 'down', name: 'down', doc: 'Make the minor secondary, disconnect and detach it.' },
  { kind: 'read', name: 'role', packet: 'get_state', doc: 'Print the roles here and on the peer.' },
  { kind: 'read', name: 'status', packet: 'get_state', doc: 'Print the state as one line that looks like XML.' },
  {
    kind: 'read',
    name: 'sh-status',
    packet: 'get_state',
    doc: 'Print the state as shell assignments, to be evaluated.',
  },
  { kind: 'read', name: 'cstate', packet: 'get_state', doc: 'Print the connection state.' },
  { kind: 'read', name: 'dstate', packet: 'get_state', doc: 'Print the states of the disks here and on the peer.' },
  { kind: 'read', name: 'show-gi', packet: 'get_uuids', doc: 'Print the generations of the data and explain them.' },
  { kind: 'read', name: 'get-gi', packet: 'get_uuids', doc: 'Print the generations of the data.' },
  {
    kind: 'read',
    name: 'show',
    packet: 'get_config',
    doc: 'Print the configuration as drbd.conf has it, secrets included.',
  },
  {
    kind: 'read',
    name: 'check-resize',
    packet: 'get_config',
    doc: 'Note the size of the backing device, so that internal metadata is found again after it has grown.',
  },
  {
    kind: 'events',
    name: 'events',
    doc: "Print the state, and then the driver's broadcasts as they come.",
    options: [
      {
        name: 'unfiltered',
        short: 'u',
        argument: 'none',
        doc: 'All that the driver says, answers to others too, in the order of arrival.',
      },
      { name: 'all-devices', short: 'a', argument: 'none', doc: 'Of all minors.' },
    ],
  },
  { kind: 'wait', name: 'wait-connect', doc: 'Wait until the peers are connected.', options: waitOptions },
  {
    kind: 'wait',
    name: 'wait-sync',
    doc: 'Wait until the peers are connected and no resync runs.',
    options: waitOptions,
  },
];

/** Names that are still understood. */
export const aliases: Readonly<Record<string, string>> = { state: 'role' };

/** @returns the command of this name, or the one that an old name stands for */
export function findCommand(name: string): Command | undefined {
  const today = Object.hasOwn(aliases, name) ? aliases[name] : name;
  return commands.find((command) => command.name === today);
}

/** @returns the field of a tag that a command sends */
export function fieldOf(command: ConfigureCommand, tag: string): AnyField {
  const table: Readonly<Record<string, AnyField>> = packets[command.packet].tags;
  const field = table[tag];
  if (field === undefined) throw new TypeError(`${command.packet} has no tag ${tag}`);
  return field;
}

/** How an option's value is written. */
export type OptionType = 'boolean' | 'string' | 'handler' | 'numeric';

export function optionType(field: AnyField): OptionType {
  switch (field.kind) {
    case 'flag':
      return 'boolean';
    case 'string':
      return 'string';
    default:
      return hasOnlyNamedValues(field) ? 'handler' : 'numeric';
  }
}

/** @returns the range and the default of a numeric option */
export function numericLimits(
  command: ConfigureCommand,
  option: CommandOption,
): { readonly min: bigint; readonly max: bigint; readonly default: bigint } {
  const field = option.limits ?? fieldOf(command, option.tag);
  const { min, max, default: standard } = field;
  if (min === undefined || max === undefined || standard === undefined)
    throw new TypeError(`${command.name} --${option.name} has no range`);
  return { min: BigInt(min), max: BigInt(max), default: BigInt(standard) };
}

/** @returns the words of a handler option by number, in the order of the numbers */
export function handlerNames(field: AnyField): readonly (readonly [number, string])[] {
  return Object.entries(field.names ?? {}).map(([number, word]) => [Number(number), word] as const);
}
