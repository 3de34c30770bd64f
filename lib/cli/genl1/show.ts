import { metaDeviceModes } from '../../dialects/words';
import type { operations } from '../../dialects/genl1';
import type { DumpReply } from '../../drbd';
import { decodeSocketAddress } from '../../netlink';
import type { Machine } from './machine';
import { attachOptions, netOptions, resourceOptions, type FieldOption } from './options';
import { doubleQuote, formatAddress, formatOptionValue, isDefault } from './values';

/** One message of get_status. */
export type StatusReply = DumpReply<typeof operations.get_status>;

const INDENT = 4;

/**
 * The configuration as configuration files have it, which drbdadm reads.
 * @param replies of get_status, those of a resource one after the other
 * @param machine whose kernel answered
 * @param showDefaults also what is as it is where nobody says otherwise
 */
export function formatShow(replies: readonly StatusReply[], machine: Machine, showDefaults: boolean): string {
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
  const section = (
    title: string,
    options: readonly FieldOption[],
    values: Readonly<Record<string, unknown>> | undefined,
  ): void => {
    const present = options.filter(({ field }) => values?.[field] !== undefined);
    if (values === undefined || present.length === 0) return;
    open(title);
    for (const option of present) {
      const value = values[option.field];
      const standard = isDefault(option, value);
      if (standard && !showDefaults) continue;
      const remarks = [...(option.unit === undefined ? [] : [option.unit]), ...(standard ? ['default'] : [])];
      line(
        `${option.name.padEnd(16)}\t${formatOptionValue(option, value, machine)};${remarks.length === 0 ? '' : ` # ${remarks.join(', ')}`}`,
      );
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
        line(`address\t\t\t${formatAddress(context.ctx_peer_addr, machine)};`);
        close();
      }
      open('_this_host');
      if (hasBytes(context.ctx_my_addr)) line(`address\t\t\t${formatAddress(context.ctx_my_addr, machine)};`);
    }
    if (context.ctx_volume === undefined) continue;
    open(`volume ${context.ctx_volume}`);
    line(`device\t\t\tminor ${reply.minor ?? 0};`);
    const disk = reply.disk_conf;
    if (disk?.backing_dev !== undefined && disk.backing_dev !== '') {
      line(`disk\t\t\t"${disk.backing_dev}";`);
      line(`meta-disk\t\t\t${metaDisk(disk.meta_dev ?? '', disk.meta_dev_idx ?? metaDeviceModes.flexInternal)};`);
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
    case metaDeviceModes.internal:
    case metaDeviceModes.flexInternal:
      return 'internal';
    case metaDeviceModes.flexExternal:
      return doubleQuote(device);
    default:
      return `${doubleQuote(device)} [ ${index} ]`;
  }
}

/** What stands for a secret that was not asked for. */
const REDACTED = { value: null, redacted: true } as const;

/**
 * The configuration as JSON: one object a resource, with all options, whether they are at their default or not: value,
 * number of a word, unit. 64-bit numbers are decimal strings.
 * @param reveal print secrets
 */
export function showToJson(replies: readonly StatusReply[], machine: Machine, reveal: boolean): object {
  const optionsOf = (
    options: readonly FieldOption[],
    values: Readonly<Record<string, unknown>> | undefined,
  ): object => {
    const present = options.filter(({ field }) => values?.[field] !== undefined);
    return Object.fromEntries(
      present.map((option) => [option.name, optionToJson(option, values?.[option.field], machine, reveal)]),
    );
  };
  const addressOf = (bytes: Uint8Array): object => {
    const { family, address, port, scopeId } = decodeSocketAddress(bytes, machine.order);
    return { family, address, port, scopeId: scopeId ?? null };
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
            : [{ local: addressOf(local), peer: addressOf(peer), options: optionsOf(netOptions, first.net_conf) }],
        volumes: own
          .filter(({ context }) => context?.ctx_volume !== undefined)
          .map(({ context, minor, disk_conf: disk }) => ({
            volume: context?.ctx_volume,
            minor: minor ?? null,
            disk: orNull(disk?.backing_dev),
            metaDisk: orNull(disk?.meta_dev),
            metaIndex: disk?.meta_dev_idx === undefined ? null : metaIndexWord(disk.meta_dev_idx),
            options: optionsOf(attachOptions, disk),
          })),
      };
    }),
  };
}

function orNull(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}

function metaIndexWord(index: number): string | number {
  return index === metaDeviceModes.internal || index === metaDeviceModes.flexInternal
    ? 'internal'
    : index === metaDeviceModes.flexExternal
      ? 'flexible'
      : index;
}

function optionToJson(option: FieldOption, value: unknown, machine: Machine, reveal: boolean): object {
  const { table, kind } = option;
  if (table.secret === true && value !== '' && !reveal) return REDACTED;
  const standard = isDefault(option, value);
  if (kind === 'word') return { value: formatOptionValue(option, value, machine), code: value, isDefault: standard };
  if (kind === 'address') return { value: formatOptionValue(option, value, machine), isDefault: standard };
  return {
    value: typeof value === 'bigint' ? value.toString() : value,
    ...(table.unit === undefined ? {} : { unit: table.unit }),
    isDefault: standard,
  };
}
