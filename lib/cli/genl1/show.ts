import type { operations } from '../../dialects/genl1';
import type { DumpReply } from '../../drbd';
import { attachOptions, netOptions, resourceOptions, type FieldOption } from './options';
import { doubleQuote, formatAddress, formatOptionValue, isDefault } from './values';

/** One message of get_status. */
export type StatusReply = DumpReply<typeof operations.get_status>;

const INDENT = 4;
/** Modes of metadata (drbd_md_index); numbers from 0 are slots. */
const INTERNAL = -1;
const FLEXIBLE_EXTERNAL = -2;
const FLEXIBLE_INTERNAL = -3;

/**
 * The configuration as configuration files have it, which drbdadm reads.
 * @param replies of get_status, those of a resource one after the other
 * @param showDefaults also what is as it is where nobody says otherwise
 */
export function formatShow(replies: readonly StatusReply[], showDefaults: boolean): string {
  const lines: string[] = [];
  let depth = 0;
  const line = (text: string): void => {
    lines.push(`${' '.repeat(depth * INDENT)}${text}\n`);
  };
  const open = (title: string): void => {
    line(`${title} {`);
    depth++;
  };
  const close = (): void => {
    depth--;
    line('}');
  };
  const section = (title: string, options: readonly FieldOption[], values: Readonly<Record<string, unknown>> | undefined): void => {
    const present = options.filter(({ field }) => values?.[field] !== undefined);
    if (values === undefined || present.length === 0) return;
    open(title);
    for (const option of present) {
      const value = values[option.field];
      const standard = isDefault(option, value);
      if (standard && !showDefaults) continue;
      const remarks = [...(option.unit === undefined ? [] : [option.unit]), ...(standard ? ['default'] : [])];
      line(`${option.name.padEnd(16)}\t${formatOptionValue(option, value)};${remarks.length === 0 ? '' : ` # ${remarks.join(', ')}`}`);
    }
    close();
  };

  let resource: string | undefined;
  for (const reply of replies) {
    const context = reply.context ?? {};
    const name = context.ctx_resource_name ?? '';
    if (name !== resource) {
      if (resource !== undefined) {
        close();
        close();
        lines.push('\n');
      }
      resource = name;
      open(`resource ${name}`);
      section('options', resourceOptions, reply.res_opts);
      section('net', netOptions, reply.net_conf);
      if (hasBytes(context.ctx_peer_addr)) {
        open('_remote_host');
        line(`address\t\t\t${formatAddress(context.ctx_peer_addr)};`);
        close();
      }
      open('_this_host');
      if (hasBytes(context.ctx_my_addr)) line(`address\t\t\t${formatAddress(context.ctx_my_addr)};`);
    }
    if (context.ctx_volume === undefined) continue;
    open(`volume ${context.ctx_volume}`);
    line(`device\t\t\tminor ${reply.minor ?? 0};`);
    const disk = reply.disk_conf;
    if (disk?.backing_dev !== undefined && disk.backing_dev !== '') {
      line(`disk\t\t\t"${disk.backing_dev}";`);
      line(`meta-disk\t\t\t${metaDisk(disk.meta_dev ?? '', disk.meta_dev_idx ?? FLEXIBLE_INTERNAL)};`);
    }
    section('disk', attachOptions, disk);
    close();
  }
  if (resource !== undefined) {
    close();
    close();
  }
  return lines.join('');
}

function hasBytes(bytes: Uint8Array | undefined): bytes is Uint8Array {
  return bytes !== undefined && bytes.length > 0;
}

function metaDisk(device: string, index: number): string {
  switch (index) {
    case INTERNAL:
    case FLEXIBLE_INTERNAL:
      return 'internal';
    case FLEXIBLE_EXTERNAL:
      return doubleQuote(device);
    default:
      return `${doubleQuote(device)} [ ${index} ]`;
  }
}

/** An option in JSON. */
interface OptionJson {
  /** A number in `unit`, a word, yes or no as a boolean, or a string. u64 is a decimal string; a secret is null unless it was asked for. */
  readonly value: string | number | boolean | null;
  /** What one unit of the number stands for; null where it has none. */
  readonly unit: string | null;
  readonly default: boolean;
}

/**
 * The configuration as JSON: one object a resource, with all options, whether they are at their default or not.
 * @param reveal print secrets, which are null otherwise
 */
export function showJson(replies: readonly StatusReply[], reveal: boolean): unknown {
  const optionsOf = (options: readonly FieldOption[], values: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, OptionJson>> => {
    const present = options.filter(({ field }) => values?.[field] !== undefined);
    return Object.fromEntries(present.map((option) => [option.name, optionJson(option, values?.[option.field], reveal)]));
  };
  const names = [...new Set(replies.map((reply) => reply.context?.ctx_resource_name ?? ''))];
  return {
    schemaVersion: 1,
    resources: names.map((name) => {
      const own = replies.filter((reply) => (reply.context?.ctx_resource_name ?? '') === name);
      const [first] = own;
      const { ctx_my_addr: local, ctx_peer_addr: peer } = first?.context ?? {};
      return {
        name,
        options: optionsOf(resourceOptions, first?.res_opts),
        connections:
          first?.net_conf === undefined || !hasBytes(local) || !hasBytes(peer)
            ? []
            : [{ local: formatAddress(local), peer: formatAddress(peer), options: optionsOf(netOptions, first.net_conf) }],
        volumes: own
          .filter(({ context }) => context?.ctx_volume !== undefined)
          .map(({ context, minor, disk_conf: disk }) => ({
            volume: context?.ctx_volume,
            minor: minor ?? null,
            disk: disk?.backing_dev === undefined || disk.backing_dev === '' ? null : disk.backing_dev,
            metaDisk: disk?.meta_dev === undefined || disk.meta_dev === '' ? null : disk.meta_dev,
            metaIndex: disk?.meta_dev_idx === undefined ? null : metaIndexWord(disk.meta_dev_idx),
            options: optionsOf(attachOptions, disk),
          })),
      };
    }),
  };
}

function metaIndexWord(index: number): string | number {
  return index === INTERNAL || index === FLEXIBLE_INTERNAL ? 'internal' : index === FLEXIBLE_EXTERNAL ? 'flexible' : index;
}

function optionJson(option: FieldOption, value: unknown, reveal: boolean): OptionJson {
  const { table, kind } = option;
  const shown = (): OptionJson['value'] => {
    if (table.secret === true && value !== '' && !reveal) return null;
    if (kind === 'word' || kind === 'address') return formatOptionValue(option, value);
    return typeof value === 'bigint' ? value.toString() : (value as string | number | boolean);
  };
  return { value: shown(), unit: table.unit ?? null, default: isDefault(option, value) };
}
