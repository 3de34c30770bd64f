import { packets } from '../../dialects/connector';
import type { Client, ConnectorEvent, ResyncEvent } from '../../drbd';
import { AbortError, KernelError } from '../../errors';
import type { ByteOrder } from '../../netlink';
import { byteOrderOf } from '../backend';
import type { Packet } from '../../schema';
import { clientOf, procDrbdOf, tell, waitOptions, type Context } from '../context';
import { EXIT, explainRefusal } from '../errors';
import { getopt } from '../getopt';
import { nameOfCode } from './codes';
import type { ListenCommand } from './commands';
import { eventToJson } from './json';
import { formatPercent, stateText } from './show';
import { refuseExcess } from './words';

/** `-a` asks for so many minors, and for those beyond that /proc/drbd tells of. */
const ALL_MINORS = 256;

/** What a line is made from: a broadcast, or an answer. */
export type Message = Pick<ConnectorEvent, 'name' | 'minor' | 'returnCode' | 'tags'> & {
  readonly number: number;
  readonly origin?: ConnectorEvent['origin'];
};

/** @returns the exit code */
export async function runEvents(
  command: ListenCommand,
  minor: number,
  argv: readonly string[],
  context: Context,
): Promise<number> {
  const { io } = context;
  const { options, operands } = getopt(argv, command.options, command.name, 'connector');
  const given = new Set(options.map(({ spec }) => spec.name));
  refuseExcess(command.name, operands);
  const unfiltered = given.has('unfiltered');
  const all = given.has('all-devices');
  const ending = io.endSignal();
  const client = await clientOf(context, 'connector');
  const stream = client.broadcasts({ signal: ending, unfiltered, inOrder: !unfiltered });
  const minors = all ? allMinors(context) : [minor];
  const order = byteOrderOf(context.backend);
  const print = (message: Message): void => {
    io.stdout.write(
      context.globals.json
        ? `${JSON.stringify(eventToJson(message, order))}\n`
        : formatMessage(message, order, context),
    );
  };
  const questions = new Questions(client, context);
  try {
    const told = await questions.ask(minors);
    // In an unfiltered stream the answers come by themselves, in their place.
    if (!unfiltered) for (const answer of told) print(answer);
    for await (const item of stream) {
      if (item.kind === 'resync') {
        tell(`${LOSSES[item.reason]}; the state follows`, context);
        if (context.globals.json) io.stdout.write(`${JSON.stringify({ kind: 'resync', reason: item.reason })}\n`);
        const answers = await questions.ask(minors);
        if (!unfiltered) for (const answer of answers) print(answer);
      } else if (all || item.minor === minor) {
        print({ ...item, number: item.origin === 'own' ? questions.numberOf(item.minor) : item.sequence });
      }
    }
    return EXIT.ok;
  } catch (error) {
    // Told to end, or nobody reads any more: a stream has no other end.
    if (error instanceof AbortError && ending.aborted) return EXIT.ok;
    throw error;
  } finally {
    await stream.return?.();
  }
}

const LOSSES: Readonly<Record<ResyncEvent['reason'], string>> = {
  overrun: 'messages were lost, as the buffer of the socket was full',
  gap: 'messages are missing, by the count of the driver',
  queue: 'messages were lost, as this program could not keep up',
  truncated: 'a message was cut off',
  malformed: 'a message could not be read',
  module: 'the driver has been loaded anew',
};

function allMinors(context: Context): readonly number[] {
  const beyond =
    procDrbdOf(context.backend)
      ?.devices.map(({ minor }) => minor)
      .filter((minor) => minor >= ALL_MINORS) ?? [];
  return [...Array.from({ length: ALL_MINORS }, (_unused, minor) => minor), ...beyond];
}

/** The tool's own questions, numbered from 1 in the order in which they are asked. */
class Questions {
  readonly #client: Client<'connector'>;
  readonly #context: Context;
  readonly #numbers = new Map<number, number>();
  #asked = 0;

  constructor(client: Client<'connector'>, context: Context) {
    this.#client = client;
    this.#context = context;
  }

  /** @returns the number of the last question about a minor */
  numberOf(minor: number): number {
    return this.#numbers.get(minor) ?? 0;
  }

  /** Asks for the states. What the kernel refuses is an answer too. */
  async ask(minors: readonly number[]): Promise<readonly Message[]> {
    const signal = this.#context.io.endSignal();
    return Promise.all(
      minors.map(async (minor): Promise<Message> => {
        const number = ++this.#asked;
        this.#numbers.set(minor, number);
        try {
          const { returnCode, tags } = await this.#client.request(
            'get_state',
            { minor },
            waitOptions(this.#context, signal),
          );
          return { name: packets.get_state.name, minor, returnCode, tags, number };
        } catch (error) {
          if (!(error instanceof KernelError)) throw error;
          return { name: packets.return_code_only.name, minor, returnCode: error.returnCode, tags: {}, number };
        }
      }),
    );
  }
}

/** The lines of `events` for one message. */
export function formatMessage(message: Message, order: ByteOrder, context: Context): string {
  const { name, minor, number, returnCode, tags } = message;
  const missing = (tag: string): string => {
    tell(`message ${number} of minor ${minor} (${name}) lacks its tag ${tag}`, context);
    return '';
  };
  switch (name) {
    case 'return_code_only':
    case 'unknown(0)': {
      const code = nameOfCode(returnCode);
      const { meaning } = explainRefusal(returnCode, code, { dialect: 'connector' });
      return `${number} ZZ ${minor} ret_code: ${returnCode} ${code}${meaning === undefined ? '' : `: ${meaning}`}\n`;
    }
    case 'get_state': {
      const { state_i: word } = tags;
      if (typeof word !== 'number') return missing('state_i');
      const { connection, role, peer, disk, peerDisk, word: bits } = stateText(word, order);
      const flags = [
        bits.susp ? 's' : 'r',
        bits.aftr_isp ? 'a' : '-',
        bits.peer_isp ? 'p' : '-',
        bits.user_isp ? 'u' : '-',
      ].join('');
      return `${number} ST ${minor} { cs:${connection} ro:${role}/${peer} ds:${disk}/${peerDisk} ${flags} }\n`;
    }
    case 'call_helper':
      return typeof tags['helper'] === 'string' ? `${number} UH ${minor} ${tags['helper']}\n` : missing('helper');
    case 'sync_progress':
      return typeof tags['sync_progress'] === 'number'
        ? `${number} SP ${minor} ${formatPercent(tags['sync_progress'])}\n`
        : missing('sync_progress');
    case 'dump_ee':
      return `${number} DE ${minor}\n${formatDump(tags)}`;
    default:
      return `${number} ?? ${minor} <other message ${packetNumber(name)}>\n`;
  }
}

function packetNumber(name: string): number {
  const known = (packets as Readonly<Record<string, Packet>>)[name];
  return known?.number ?? Number(/^unknown\((-?\d+)\)$/u.exec(name)?.[1] ?? 0);
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
