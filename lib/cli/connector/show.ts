import { metaDeviceModes } from '../../dialects/words';
import { decodeSocketAddress, type ByteOrder } from '../../netlink';
import { UNCONFIGURED } from '../../dialects/proc-drbd';
import { decodeStateWord, hasNothing, type StateWord } from '../../dialects/state-word';
import { wordOf } from '../../drbd';
import type { Tag } from '../../schema';
import { commands, fieldOf, numericLimits, optionType, type CommandOption, type ConfigureCommand } from './commands';

/** The tags of an answer by name. */
export type Tags = Readonly<Record<string, unknown>>;

/** The states of a minor, in words. */
export interface StateText {
  /** Neither network nor disk. */
  readonly unconfigured: boolean;
  readonly connection: string;
  readonly role: string;
  readonly peer: string;
  readonly disk: string;
  readonly peerDisk: string;
  readonly word: StateWord;
}

export function stateText(state: number, order: ByteOrder): StateText {
  const word = decodeStateWord(state, order);
  const text = (kind: 'role' | 'disk' | 'connection', code: number): string => wordOf('connector', kind, code) ?? '';
  return {
    word,
    unconfigured: hasNothing(word),
    connection: text('connection', word.conn),
    role: text('role', word.role),
    peer: text('role', word.peer),
    disk: text('disk', word.disk),
    peerDisk: text('disk', word.pdsk),
  };
}

export function formatRole(state: StateText): string {
  return `${state.unconfigured ? UNCONFIGURED : `${state.role}/${state.peer}`}\n`;
}

export function formatConnection(state: StateText): string {
  return `${state.unconfigured ? UNCONFIGURED : state.connection}\n`;
}

export function formatDisks(state: StateText): string {
  return `${state.unconfigured ? UNCONFIGURED : `${state.disk}/${state.peerDisk}`}\n`;
}

/** @param permille tenths of a percent */
export function formatPercent(permille: number): string {
  return `${Math.trunc(permille / 10)}.${permille % 10}`;
}

/** The line that looks like XML. @param state undefined for a minor that does not exist */
export function formatStatus(
  minor: number,
  resource: string | undefined,
  state: StateText | undefined,
  permille: number | undefined,
): string {
  const name = resource === undefined ? '' : ` name="${resource}"`;
  if (state === undefined) return `<!-- resource minor="${minor}"${name} not available or not yet created -->\n`;
  const begin = `<resource minor="${minor}"${name}`;
  if (state.unconfigured) return `${begin} cs="${UNCONFIGURED}" />\n`;
  const { susp, aftr_isp: after, peer_isp: peer, user_isp: user } = state.word;
  return [
    `${begin} cs="${state.connection}" ro1="${state.role}" ro2="${state.peer}" ds1="${state.disk}" ds2="${state.peerDisk}"`,
    susp ? ' suspended' : '',
    after ? ' aftr_isp' : '',
    peer ? ' peer_isp' : '',
    user ? ' user_isp' : '',
    permille === undefined ? '' : ` resynced_percent="${formatPercent(permille)}"`,
    ' />\n',
  ].join('');
}

/** Characters that mean nothing to a shell; all others are escaped. A newline cannot be, and ends up in quotes. */
function shellWord(text: string): string {
  return text.replace(/[^%+\-./0-9:=@A-Z_a-z]/gu, (character) => (character === '\n' ? "'\n'" : `\\${character}`));
}

/** Shell assignments, and a call of the function that the caller defines. */
export function formatShellStatus(
  minor: number,
  resource: string | undefined,
  state: StateText | undefined,
  permille: number | undefined,
): string {
  const flag = (set: boolean): string => (set ? '1' : '');
  const head = `_minor=${minor}\n_res_name=${shellWord(resource ?? 'UNKNOWN')}\n`;
  const body =
    state === undefined || state.unconfigured
      ? [
          `_known=${state === undefined ? 'NA # not available or not yet created' : UNCONFIGURED}`,
          '',
          `_cstate=${UNCONFIGURED}`,
          ...[
            'role',
            'peer',
            'disk',
            'pdsk',
            'flags_susp',
            'flags_aftr_isp',
            'flags_peer_isp',
            'flags_user_isp',
            'resynced_percent',
          ].map((name) => `_${name}=`),
        ]
      : [
          '_known=Configured',
          '',
          `_cstate=${state.connection}`,
          `_role=${state.role}`,
          `_peer=${state.peer}`,
          `_disk=${state.disk}`,
          `_pdsk=${state.peerDisk}`,
          '',
          `_flags_susp=${flag(state.word.susp)}`,
          `_flags_aftr_isp=${flag(state.word.aftr_isp)}`,
          `_flags_peer_isp=${flag(state.word.peer_isp)}`,
          `_flags_user_isp=${flag(state.word.user_isp)}`,
          '',
          `_resynced_percent=${permille === undefined ? '' : formatPercent(permille)}`,
        ];
  return `${head}${body.join('\n')}\n\n_sh_status_process\n\n\n`;
}

const NAME_WIDTH = 16;

function formatOption(command: ConfigureCommand, option: CommandOption, value: unknown): string {
  const field = fieldOf(command, option.tag);
  const begin = `\t${option.name.padEnd(NAME_WIDTH)}`;
  switch (optionType(field)) {
    case 'boolean':
      return value === true ? `${begin};\n` : '';
    case 'string':
      return value === '' ? '' : `${begin}\t"${String(value)}";\n`;
    case 'handler':
      return `${begin}\t${field.names?.[Number(value)] ?? `unknown(${String(value)})`}${Number(value) === field.default ? ' _is_default' : ''};\n`;
    case 'numeric': {
      const number = BigInt(value as number | bigint);
      const unit = option.counts === undefined ? ';' : `; # ${option.counts}`;
      return `${begin}\t${number}${option.scale ?? ''}${number === numericLimits(command, option).default ? ' _is_default' : ''}${unit}\n`;
    }
  }
}

function formatAddress(bytes: Uint8Array, order: ByteOrder, ssocks: number | undefined): string {
  try {
    const { family, address, port, familyNumber } = decodeSocketAddress(bytes, order);
    // The number of SSOCKS is often the one of SDP; where this host has it, it is meant.
    const known = family === 'ssocks' || family === 'sdp';
    const name = known && ssocks !== undefined && (familyNumber ?? SDP) === ssocks ? 'ssocks' : family;
    if (name !== 'ssocks' || familyNumber === undefined || familyNumber === ssocks)
      return `\taddress\t\t\t${name} ${family === 'ipv6' ? `[${address}]` : address}:${port};\n`;
    return `\taddress\t\t\t[unknown af=${familyNumber}, len=${bytes.length}]\n`;
  } catch {
    return `\taddress\t\t\t[unknown af=?, len=${bytes.length}]\n`;
  }
}

const SDP = 27;

/**
 * The configuration in the language of drbd.conf, as drbdadm reads it.
 * @param ssocks the number of the address family SSOCKS on this host, where it has one
 */
export function formatConfig(minor: number, tags: Tags, order: ByteOrder, ssocks: number | undefined): string {
  const parts: string[] = [];
  const shown = new Set<string>();
  for (const command of commands) {
    if (command.kind !== 'configure') continue;
    const lines: string[] = [];
    let any = false;
    for (const option of command.options) {
      const value = tags[option.tag];
      if (value === undefined || shown.has(option.tag)) continue;
      shown.add(option.tag);
      any = true;
      lines.push(formatOption(command, option, value));
    }
    if (any) parts.push(`${command.name} {\n`, ...lines, '}\n');
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
    if (local instanceof Uint8Array) parts.push(formatAddress(local, order, ssocks));
    parts.push('}\n');
  }
  if (peer instanceof Uint8Array) parts.push('_remote_host {\n', formatAddress(peer, order, ssocks), '}\n');
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
