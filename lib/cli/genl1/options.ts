import { attributeSets } from '../../dialects/genl1';
import { hasOnlyNamedValues, type AnyField } from '../../schema';

/** An attribute set by its struct's name. */
export type SetName = keyof typeof attributeSets;

/**
 * An option of a command line that sets one field of the command's attribute set.
 * - `flag` is sent when it is said, and not at all with `no`; `boolean` is sent either way;
 * - `word` is one of the field's names; `number` takes a suffix; `string` and `address` are sent as they are.
 */
export interface FieldOption {
  /** Without the dashes. */
  readonly name: string;
  readonly field: string;
  readonly kind: 'flag' | 'boolean' | 'word' | 'number' | 'string' | 'address';
  /** The table's entry: range, default, names, unit. */
  readonly table: AnyField;
  /** What one unit of the number stands for where no suffix is given: one, a kibibyte, or a sector. */
  readonly scale: '1' | 'k' | 's';
  /** How `show` and `xml-help` name the unit; undefined where they don't. */
  readonly unit: string | undefined;
  /** The words of a `word` count in either case. */
  readonly anyCase: boolean;
}

/** What the option table says of one option; all else comes from the field. */
type Entry = readonly [
  name: string,
  field: string,
  extra?: {
    readonly flag?: true;
    readonly noUnit?: true;
    readonly anyCase?: true;
    readonly range?: { readonly min: bigint; readonly max: bigint; readonly default: bigint };
  },
];

/**
 * The names of options where they differ from or add to the protocol's, in the order in which `show` and `help` list
 * them.
 */
const changeableDisk: readonly Entry[] = [
  ['on-io-error', 'on_io_error'],
  ['fencing', 'fencing'],
  ['disk-barrier', 'disk_barrier'],
  ['disk-flushes', 'disk_flushes'],
  ['disk-drain', 'disk_drain'],
  ['md-flushes', 'md_flushes'],
  ['resync-rate', 'resync_rate'],
  ['resync-after', 'resync_after'],
  ['al-extents', 'al_extents'],
  ['al-updates', 'al_updates'],
  ['discard-zeroes-if-aligned', 'discard_zeroes_if_aligned'],
  ['disable-write-same', 'disable_write_same'],
  ['c-plan-ahead', 'c_plan_ahead'],
  ['c-delay-target', 'c_delay_target'],
  ['c-fill-target', 'c_fill_target'],
  ['c-max-rate', 'c_max_rate'],
  ['c-min-rate', 'c_min_rate'],
  ['disk-timeout', 'disk_timeout'],
  ['read-balancing', 'read_balancing'],
  ['rs-discard-granularity', 'rs_discard_granularity', { noUnit: true }],
];
const changeableNet: readonly Entry[] = [
  ['protocol', 'wire_protocol', { anyCase: true }],
  ['timeout', 'timeout'],
  ['max-epoch-size', 'max_epoch_size'],
  ['max-buffers', 'max_buffers'],
  ['unplug-watermark', 'unplug_watermark'],
  ['connect-int', 'connect_int'],
  ['ping-int', 'ping_int'],
  ['sndbuf-size', 'sndbuf_size'],
  ['rcvbuf-size', 'rcvbuf_size'],
  ['ko-count', 'ko_count'],
  ['allow-two-primaries', 'two_primaries'],
  ['cram-hmac-alg', 'cram_hmac_alg'],
  ['shared-secret', 'shared_secret'],
  ['after-sb-0pri', 'after_sb_0p'],
  ['after-sb-1pri', 'after_sb_1p'],
  ['after-sb-2pri', 'after_sb_2p'],
  ['always-asbp', 'always_asbp'],
  ['rr-conflict', 'rr_conflict'],
  ['ping-timeout', 'ping_timeo'],
  ['data-integrity-alg', 'integrity_alg'],
  ['tcp-cork', 'tcp_cork'],
  ['on-congestion', 'on_congestion'],
  ['congestion-fill', 'cong_fill'],
  ['congestion-extents', 'cong_extents'],
  ['csums-alg', 'csums_alg'],
  ['csums-after-crash-only', 'csums_after_crash_only'],
  ['verify-alg', 'verify_alg'],
  ['use-rle', 'use_rle'],
  ['socket-check-timeout', 'sock_check_timeo', { noUnit: true }],
];

const { min = 0n, max = 0n } = attributeSets.disk_conf.fields.disk_size;
/** The protocol leaves where a verify begins and ends open; no device is larger than this. */
const anySector = { range: { min, max, default: 0n } };

export const primaryOptions = options('set_role_parms', [['force', 'assume_uptodate', { flag: true }]]);
export const diskOptions = options('disk_conf', changeableDisk);
export const attachOptions = options('disk_conf', [
  ['size', 'disk_size'],
  ['max-bio-bvecs', 'max_bio_bvecs'],
  ...changeableDisk,
]);
export const detachOptions = options('detach_parms', [['force', 'force_detach', { flag: true }]]);
export const netOptions = options('net_conf', changeableNet);
export const connectOptions = options('net_conf', [
  ['tentative', 'tentative', { flag: true }],
  ['discard-my-data', 'discard_my_data', { flag: true }],
  ['alternate-address', 'my_addr2'],
  ['alternate-peer-address', 'peer_addr2'],
  ...changeableNet,
]);
export const disconnectOptions = options('disconnect_parms', [['force', 'force_disconnect', { flag: true }]]);
export const resizeOptions = options('resize_parms', [
  ['size', 'resize_size'],
  ['assume-peer-has-space', 'resize_force', { flag: true }],
  ['assume-clean', 'no_resync', { flag: true }],
  ['al-stripes', 'al_stripes'],
  ['al-stripe-size-kB', 'al_stripe_size', { noUnit: true }],
]);
export const resourceOptions = options('res_opts', [
  ['cpu-mask', 'cpu_mask'],
  ['on-no-data-accessible', 'on_no_data'],
]);
export const newCurrentUuidOptions = options('new_c_uuid_parms', [['clear-bitmap', 'clear_bm', { flag: true }]]);
export const verifyOptions = options('start_ov_parms', [
  ['start', 'ov_start_sector', anySector],
  ['stop', 'ov_stop_sector', anySector],
]);

/** @throws TypeError if the protocol has no such field: a slip in the table above */
function options(set: SetName, entries: readonly Entry[]): readonly FieldOption[] {
  const { fields } = attributeSets[set];
  return entries.map(([name, field, extra = {}]) => {
    const known = (fields as Readonly<Record<string, AnyField>>)[field];
    if (known === undefined) throw new TypeError(`--${name}: ${set} has no field ${field}`);
    const table = extra.range === undefined ? known : ({ ...known, ...extra.range } as AnyField);
    return {
      name,
      field,
      table,
      kind: extra.flag === true ? 'flag' : kindOf(table),
      scale: scaleOf(table),
      unit: extra.noUnit === true ? undefined : unitOf(table),
      anyCase: extra.anyCase ?? false,
    };
  });
}

function kindOf(field: AnyField): FieldOption['kind'] {
  switch (field.kind) {
    case 'flag':
      return 'boolean';
    case 'string':
    case 'address':
      return field.kind;
    case 'u8':
    case 'u32':
    case 's32':
    case 'u64':
      return hasOnlyNamedValues(field) ? 'word' : 'number';
    default:
      throw new TypeError(`no command line sets a field of kind ${field.kind}`);
  }
}

function scaleOf({ unit }: AnyField): FieldOption['scale'] {
  return unit === 'sectors' ? 's' : unit === 'KiB' || unit === 'KiB/s' ? 'k' : '1';
}

/** Amounts and rates are told in bytes, since the number carries its scale: `102400k; # bytes/second`. */
function unitOf({ unit }: AnyField): string | undefined {
  switch (unit) {
    case 'sectors':
    case 'bytes':
    case 'KiB':
      return 'bytes';
    case 'KiB/s':
      return 'bytes/second';
    case 'deciseconds':
      return '1/10 seconds';
    case 'seconds':
      return 'seconds';
    default:
      return undefined;
  }
}
