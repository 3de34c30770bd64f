import type { ConnectorEvent } from '../../../drbd';
import { decodeStateWord } from '../../../dialects/state-word';
import type { ByteOrder } from '../../../netlink';
import { explainRefusal } from '../../errors';
import { formatPermille, formatStates, stateText, stateToJson } from './states';

// The `events` of DRBD 8.3: one line for each message of the driver.

/** What a line is made from: a broadcast, or an answer. */
export type Message83 = Pick<ConnectorEvent, 'name' | 'minor' | 'returnCode' | 'tags'> & {
  readonly returnName: string;
  /** The driver's number of the packet. */
  readonly packet: number;
  readonly number: number;
  readonly origin?: ConnectorEvent['origin'];
};

/** The lines of `events` for one message. @param lacks is told of a tag that a message should have */
export function formatEvent83(message: Message83, order: ByteOrder, lacks: (problem: string) => void): string {
  const { name, minor, number, returnCode, returnName, packet, tags } = message;
  const missing = (tag: string): string => {
    lacks(`message ${number} of minor ${minor} (${name}) lacks its tag ${tag}`);
    return '';
  };
  switch (name) {
    case 'return_code_only':
    case 'unknown(0)': {
      const { meaning } = explainRefusal(returnCode, returnName, { dialect: 'connector' });
      return `${number} ZZ ${minor} ret_code: ${returnCode} ${returnName}${meaning === undefined ? '' : `: ${meaning}`}\n`;
    }
    case 'get_state': {
      const { state_i: word } = tags;
      if (typeof word !== 'number') return missing('state_i');
      return `${number} ST ${minor} ${formatStates(stateText(decodeStateWord(word, order), 'connector'))}\n`;
    }
    case 'call_helper':
      return typeof tags['helper'] === 'string' ? `${number} UH ${minor} ${tags['helper']}\n` : missing('helper');
    case 'sync_progress':
      return typeof tags['sync_progress'] === 'number'
        ? `${number} SP ${minor} ${formatPermille(tags['sync_progress'])}\n`
        : missing('sync_progress');
    case 'dump_ee':
      return `${number} DE ${minor}\n${formatDump(tags)}`;
    default:
      return `${number} ?? ${minor} <other message ${packet}>\n`;
  }
}

const MOST_DIGEST_BYTES = 64;
const MOST_DATA_BYTES = 0x8000;
const ROW_BYTES = 16;

/** A block that failed its checksum: reason, where, both digests, and the block itself in rows of 16 bytes. */
function formatDump(tags: Readonly<Record<string, unknown>>): string {
  const { dump_ee_reason: reason, ee_sector: sector, ee_block_id: blockId } = tags;
  const bytesOf = (tag: string): Uint8Array | undefined => (tags[tag] instanceof Uint8Array ? tags[tag] : undefined);
  const received = bytesOf('seen_digest');
  const verified = bytesOf('calc_digest');
  const data = bytesOf('ee_data');
  const absent = [
    [reason, 'no reason?'],
    [received, 'no digest in?'],
    [verified, 'no digest out?'],
    [sector, 'no sector?'],
    [blockId, 'no block_id?'],
    [data, 'no data?'],
  ] as const;
  const size = data?.length ?? 0;
  const hex = (bytes: Uint8Array | undefined): string =>
    Buffer.from(bytes ?? [])
      .toString('hex')
      .slice(0, MOST_DIGEST_BYTES * 2);
  return [
    ...absent.filter(([value]) => value === undefined).map(([, text]) => `\t${text}\n`),
    `\tdumping ee, reason: ${typeof reason === 'string' ? reason : 'UNKNOWN REASON'}\n`,
    `\tsector: ${typeof sector === 'bigint' ? sector : 0xffff_ffff_ffff_ffffn} block_id: 0x${(typeof blockId === 'bigint' ? blockId : 0n).toString(16)} size: ${size}\n`,
    `\treceived digest: ${hex(received)}\n`,
    `\tverified digest: ${hex(verified)}\n`,
    size > MOST_DATA_BYTES ? `\tWARNING truncating data to ${MOST_DATA_BYTES}!\n` : '',
    formatRows((data ?? new Uint8Array(0)).subarray(0, MOST_DATA_BYTES)),
  ].join('');
}

/** Rows that repeat the one before are one star. */
function formatRows(data: Uint8Array): string {
  const lines: string[] = [];
  let before = '';
  let star = false;
  for (let at = 0; at + ROW_BYTES <= data.length; at += ROW_BYTES) {
    const row = data.subarray(at, at + ROW_BYTES);
    const bytes = Array.from(row, (byte) => byte.toString(16).padStart(2, '0'));
    const key = bytes.join(' ');
    if (at > 0 && key === before) {
      if (!star) lines.push(' *\n');
      star = true;
      continue;
    }
    before = key;
    star = false;
    const text = Array.from(row, (byte) => (byte > 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : '.')).join('');
    lines.push(
      ` ${at.toString(16).padStart(4, '0')}: ${bytes.slice(0, 8).join(' ')}  ${bytes.slice(8).join(' ')}  ${text}\n`,
    );
  }
  return `${lines.join('')} ${data.length.toString(16).padStart(4, '0')}.\n`;
}

/** One line of `events` in JSON. `kind` is state, answer, helper, progress, block or other. */
export function event83ToJson(
  { name, minor, number, returnCode, returnName, tags, origin }: Message83,
  order: ByteOrder,
): object {
  const head = { number, minor, origin: origin ?? 'own' };
  const { state_i: state, sync_progress: progress } = tags;
  const percent = typeof progress === 'number' ? formatPermille(progress) : undefined;
  switch (name) {
    case 'get_state':
      if (typeof state !== 'number') break;
      return { kind: 'state', ...head, ...stateToJson(stateText(decodeStateWord(state, order), 'connector'), percent) };
    case 'return_code_only':
    case 'unknown(0)': {
      const { meaning, nextStep } = explainRefusal(returnCode, returnName, { dialect: 'connector' });
      return { kind: 'answer', ...head, returnCode, returnName, cause: meaning ?? null, next: nextStep ?? null };
    }
    case 'call_helper':
      return { kind: 'helper', ...head, helper: tags['helper'] ?? null, status: null };
    case 'sync_progress':
      return { kind: 'progress', ...head, progressPercent: percent === undefined ? null : Number(percent) };
    case 'dump_ee':
      return {
        kind: 'block',
        ...head,
        reason: tags['dump_ee_reason'] ?? null,
        sector: decimal(tags['ee_sector']),
        blockId: decimal(tags['ee_block_id']),
        receivedDigest: hexOf(tags['seen_digest']),
        verifiedDigest: hexOf(tags['calc_digest']),
        data: hexOf(tags['ee_data']),
      };
  }
  return { kind: 'other', ...head, packet: name };
}

function decimal(value: unknown): string | null {
  return typeof value === 'bigint' ? value.toString() : null;
}

function hexOf(value: unknown): string | null {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : null;
}
