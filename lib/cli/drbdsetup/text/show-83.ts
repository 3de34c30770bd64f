import { metaDeviceModes } from '../../../dialects/words';
import type { ByteOrder } from '../../../netlink';
import type { Tag } from '../../../schema';
import type { Option } from '../../line/option';
import { formatValue, isDefault } from '../../line/value';
import type { Command } from '../../line/vocabulary';
import { formatAddress, type Machine } from './address';

// `show` of DRBD 8.3: the configuration of a minor in the language of drbd.conf, as drbdadm reads it.

/** The tags of an answer by name. */
export type Tags = Readonly<Record<string, unknown>>;

const NAME_WIDTH = 16;

function formatOption(option: Option, value: unknown): string {
  const begin = `\t${option.name.padEnd(NAME_WIDTH)}`;
  const standard = isDefault(option, value) ? ' _is_default' : '';
  switch (option.kind) {
    case 'switch':
      return value === true ? `${begin};\n` : '';
    case 'string':
      return value === '' ? '' : `${begin}\t"${String(value)}";\n`;
    case 'number':
      return `${begin}\t${formatValue(option, value)}${standard}${option.unit === undefined ? ';' : `; # ${option.unit}`}\n`;
    default:
      return `${begin}\t${formatValue(option, value)}${standard};\n`;
  }
}

/** Without a semicolon where the family is not known, as there. */
function addressLine(bytes: Uint8Array, machine: Machine): string {
  const text = formatAddress(bytes, machine, false);
  return `\taddress\t\t\t${text}${text.startsWith('[unknown') ? '' : ';'}\n`;
}

/**
 * @param commands whose options are the sections, in this order
 * @param machine whose kernel answered
 */
export function formatShow83(minor: number, tags: Tags, commands: readonly Command[], machine: Machine): string {
  const parts: string[] = [];
  const shown = new Set<string>();
  for (const { name, options } of commands) {
    const lines: string[] = [];
    let any = false;
    for (const option of options) {
      const value = tags[option.field];
      if (value === undefined || shown.has(option.field)) continue;
      shown.add(option.field);
      any = true;
      lines.push(formatOption(option, value));
    }
    if (any) parts.push(`${name} {\n`, ...lines, '}\n');
  }
  const protocol = tags['wire_protocol'];
  if (typeof protocol === 'number') parts.push(`protocol ${String.fromCharCode('A'.charCodeAt(0) + protocol - 1)};\n`);
  const { backing_dev: backing, meta_dev: meta, meta_dev_idx: index, my_addr: local, peer_addr: peer } = tags;
  if (typeof backing === 'string' || local instanceof Uint8Array) {
    parts.push('_this_host {\n', `\tdevice\t\t\tminor ${minor};\n`);
    if (typeof backing === 'string') {
      parts.push(`\tdisk\t\t\t"${backing}";\n`);
      if (index === metaDeviceModes.internal || index === metaDeviceModes.flexInternal)
        parts.push('\tmeta-disk\t\tinternal;\n');
      else if (index === metaDeviceModes.flexExternal) parts.push(`\tflexible-meta-disk\t"${String(meta)}";\n`);
      else parts.push(`\tmeta-disk\t\t"${String(meta)}" [ ${String(index)} ];\n`);
    }
    if (local instanceof Uint8Array) parts.push(addressLine(local, machine));
    parts.push('}\n');
  }
  if (peer instanceof Uint8Array) parts.push('_remote_host {\n', addressLine(peer, machine), '}\n');
  return parts.join('');
}

const TYPE_SHIFT = 14;
const TYPES = ['integer', 'int64', 'bit', 'string'] as const;

/** Tags that nobody here knows, as comments. */
export function formatUnknownTags(unknown: readonly Tag[], order: ByteOrder): string {
  if (unknown.length === 0) return '';
  const lines = unknown.map(({ tag, number, payload }) => {
    const type = TYPES[(tag >> TYPE_SHIFT) & 3] ?? 'string';
    const begin = `# (${String(number).padStart(2)}) ${'unknown tag'.padStart(NAME_WIDTH)} = `;
    return `${begin}${type === 'string' ? '(string)' : `(${type}) `}${formatPayload(type, payload, order)} \t[len: ${payload.length}]\n`;
  });
  return `${lines.join('')}# This program is older than the module: it does not know these tags.\n`;
}

function formatPayload(type: (typeof TYPES)[number], payload: Uint8Array, order: ByteOrder): string {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const little = order === 'little';
  if (type === 'integer' && payload.length === 4) return String(view.getInt32(0, little));
  if (type === 'int64' && payload.length === 8) return String(view.getBigInt64(0, little));
  if (type === 'bit' && payload.length === 1) return view.getUint8(0) === 0 ? 'off' : 'on';
  if (type !== 'string') return Buffer.from(payload).toString('hex');
  const end = payload.indexOf(0);
  return `'${Buffer.from(end === -1 ? payload : payload.subarray(0, end))
    .toString('utf8')
    .replace(/\p{Cc}/gu, '?')}'`;
}
