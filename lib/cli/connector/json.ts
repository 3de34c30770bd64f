import { decodeSocketAddress, type ByteOrder } from '../../netlink';
import { explainRefusal } from '../errors';
import { nameOfCode } from './codes';
import { commands, fieldOf, optionType, type CommandOption, type ConfigureCommand } from './commands';
import { stateText, type StateText, type Tags } from './show';

// What --json prints. Numbers of 64 bits are decimal strings, units stand in the names, absent is null.

/**
 * A return code in all its forms.
 * @param operation the packet that was answered, where known
 */
export function codeToJson(returnCode: number, operation?: string): object {
  const name = nameOfCode(returnCode);
  const { meaning, nextStep } = explainRefusal(returnCode, name, { dialect: 'connector', operation });
  return { returnCode, returnName: name, cause: meaning ?? null, next: nextStep ?? null };
}

/** The states of a minor: words, and the reasons for suspension. */
export function stateToJson(state: StateText, permille: number | undefined): object {
  const { word } = state;
  return {
    configured: !state.unconfigured,
    connection: state.connection,
    role: state.role,
    peerRole: state.peer,
    disk: state.disk,
    peerDisk: state.peerDisk,
    suspended: { user: word.susp, noData: word.susp_nod, fencing: word.susp_fen },
    resyncSuspended: { user: word.user_isp, peer: word.peer_isp, dependency: word.aftr_isp },
    progressPercent: permille === undefined ? null : permille / 10,
  };
}

/** One line of `events`. `kind` is state, answer, helper, progress, block or other. */
export function eventToJson(
  message: {
    readonly name: string;
    readonly minor: number;
    readonly number: number;
    readonly returnCode: number;
    readonly tags: Tags;
    readonly origin?: string;
  },
  order: ByteOrder,
): object {
  const { name, minor, number, returnCode, tags } = message;
  const head = { number, minor, origin: message.origin ?? 'own' };
  const { state_i: state, sync_progress: progress } = tags;
  switch (name) {
    case 'get_state':
      if (typeof state === 'number')
        return {
          kind: 'state',
          ...head,
          ...stateToJson(stateText(state, order), typeof progress === 'number' ? progress : undefined),
        };
      break;
    case 'return_code_only':
    case 'unknown(0)':
      return { kind: 'answer', ...head, ...codeToJson(returnCode) };
    case 'call_helper':
      return { kind: 'helper', ...head, helper: tags['helper'] ?? null };
    case 'sync_progress':
      return { kind: 'progress', ...head, progressPercent: typeof progress === 'number' ? progress / 10 : null };
    case 'dump_ee':
      return {
        kind: 'block',
        ...head,
        reason: tags['dump_ee_reason'] ?? null,
        sector: decimal(tags['ee_sector']),
        blockId: decimal(tags['ee_block_id']),
        receivedDigest: hex(tags['seen_digest']),
        verifiedDigest: hex(tags['calc_digest']),
        data: hex(tags['ee_data']),
      };
  }
  return { kind: 'other', ...head, packet: name };
}

function decimal(value: unknown): string | null {
  return typeof value === 'bigint' ? value.toString() : null;
}

function hex(value: unknown): string | null {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : null;
}

const REDACTED = { value: null, redacted: true } as const;

function optionToJson(command: ConfigureCommand, option: CommandOption, value: unknown, reveal: boolean): object {
  const field = fieldOf(command, option.tag);
  if (field.secret === true && value !== '' && !reveal) return REDACTED;
  const standard = (option.limits ?? field).default;
  const isDefault = standard === undefined ? null : standard === value;
  if (optionType(field) === 'handler')
    return { value: field.names?.[Number(value)] ?? `unknown(${String(value)})`, code: value, isDefault };
  return {
    value: typeof value === 'bigint' ? value.toString() : value,
    ...(field.unit === undefined ? {} : { unit: field.unit }),
    isDefault,
  };
}

function addressToJson(bytes: unknown, order: ByteOrder): object | null {
  if (!(bytes instanceof Uint8Array)) return null;
  try {
    const { family, address, port, scopeId } = decodeSocketAddress(bytes, order);
    return { family, address, port, scopeId: scopeId ?? null };
  } catch {
    return { family: null, bytes: hex(bytes) };
  }
}

/**
 * The configuration: options by command and name, each with its value in the unit of the protocol; then who is
 * connected with whom.
 */
export function configToJson(minor: number, tags: Tags, order: ByteOrder, reveal: boolean): object {
  const sections: Record<string, Record<string, object>> = {};
  const seen = new Set<string>();
  for (const command of commands) {
    if (command.kind !== 'configure') continue;
    for (const option of command.options) {
      const value = tags[option.tag];
      if (value === undefined || seen.has(option.tag)) continue;
      seen.add(option.tag);
      (sections[command.name] ??= {})[option.name] = optionToJson(command, option, value, reveal);
    }
  }
  const { wire_protocol: protocol, backing_dev: backing, meta_dev: meta, meta_dev_idx: index } = tags;
  return {
    minor,
    options: sections,
    protocol:
      typeof protocol === 'number' ? (fieldNames('net', 'wire_protocol')[protocol] ?? `unknown(${protocol})`) : null,
    backingDevice: backing ?? null,
    metaDevice: meta ?? null,
    metaDeviceIndex: index ?? null,
    localAddress: addressToJson(tags['my_addr'], order),
    peerAddress: addressToJson(tags['peer_addr'], order),
  };
}

function fieldNames(name: string, tag: string): Readonly<Record<number, string>> {
  const command = commands.find((candidate) => candidate.name === name);
  return command?.kind === 'configure' ? (fieldOf(command, tag).names ?? {}) : {};
}
