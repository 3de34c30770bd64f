import { metaDeviceModes } from '../../../dialects/words';
import type { Option } from '../../line/option';
import { formatValue, isDefault } from '../../line/value';
import type { Vocabulary } from '../../line/vocabulary';
import type { StatusReply } from '../v84';
import { formatAddress, type Machine } from './address';

const INDENT = 4;

/**
 * The configuration as configuration files have it, which drbdadm reads.
 * @param replies of get_status, those of a resource one after the other
 * @param settings the options that are printed of each object
 * @param machine whose kernel answered
 * @param showDefaults also what is as it is where nobody says otherwise
 */
export function formatShow84(
  replies: readonly StatusReply[],
  settings: Vocabulary['settings'],
  machine: Machine,
  showDefaults: boolean,
): string {
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
  const section = (title: string, options: readonly Option[], given: object | undefined): void => {
    const values = given as Readonly<Record<string, unknown>> | undefined;
    const present = options.filter(({ field }) => values?.[field] !== undefined);
    if (values === undefined || present.length === 0) return;
    open(title);
    for (const option of present) {
      const value = values[option.field];
      const standard = isDefault(option, value);
      if (standard && !showDefaults) continue;
      const remarks = [...(option.unit === undefined ? [] : [option.unit]), ...(standard ? ['default'] : [])];
      line(
        `${option.name.padEnd(16)}\t${valueText(option, value)};${remarks.length === 0 ? '' : ` # ${remarks.join(', ')}`}`,
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
      section('options', settings.resource, reply.res_opts);
      section('net', settings.connection, reply.net_conf);
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
    section('disk', settings.device, disk);
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

function valueText(option: Option, value: unknown): string {
  const text = formatValue(option, value);
  return option.kind === 'string' ? doubleQuote(text) : text;
}

/** A string of a configuration file. */
export function doubleQuote(text: string): string {
  return `"${text.replace(/[\\"]/gu, '\\$&')}"`;
}
