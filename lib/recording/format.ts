import { CodecError } from '../errors';
import { formatHex, parseHex, type ByteOrder } from '../netlink';
import { isObject } from '../schema';

/** The version of the format that is written and read. */
const FORMAT = 1;
/** Far beyond any session that a person looks at. */
const LARGEST_TEXT = 512 * 1024 * 1024;
const DIALECTS = ['connector', 'genl1', 'genl2'] as const;

export type RecordingDialect = (typeof DIALECTS)[number];

/** A path of the host that was recorded. */
export interface RecordedBlockDevice {
  readonly sizeBytes: bigint;
  readonly major: number;
  readonly minor: number;
}

/** The first line: what was recorded, and where. */
export interface RecordingHeader {
  readonly dialect: RecordingDialect;
  /** Of the machine whose kernel spoke. */
  readonly byteOrder: ByteOrder;
  readonly driver: {
    /** Its release; null where it was not known. */
    readonly version: string | null;
    /** What /proc/drbd calls api; null where it was not known. */
    readonly api: number | null;
  };
  /** The text of /proc/drbd when the recording began; undefined where it was not read. */
  readonly procDrbd: string | undefined;
  /** Paths that were looked at: block devices, and null for what is there and is none. */
  readonly blockDevices: ReadonlyMap<string, RecordedBlockDevice | null>;
  /** When it began, as ISO 8601 in UTC; absent where nobody looked at the clock. */
  readonly began?: string;
}

/** When something crossed. */
interface Timed {
  /** Milliseconds since the recording began; absent where nobody looked at the clock. */
  readonly atMs?: number;
}

/** A datagram that was sent. */
export interface RecordedSend extends Timed {
  readonly kind: 'tx';
  /** Line of the file, from 1; 0 for what no file holds. */
  readonly line: number;
  /** Which socket, by a number of the recording's own. */
  readonly socket: number;
  readonly bytes: Uint8Array;
}

/** A datagram that was received. */
export interface RecordedReceive extends Timed {
  readonly kind: 'rx';
  readonly line: number;
  readonly socket: number;
  readonly bytes: Uint8Array;
  /** The sender's port id; 0 is whoever was asked: the kernel, or the simulator in its place. */
  readonly port: number;
  /** Groups 1 to 32 that it was sent to, as a bit mask; 0 for unicast, and for groups beyond. */
  readonly groups: number;
  /** The group's number; 0 for unicast. In the file only where the mask cannot tell. */
  readonly group: number;
  /** The end did not fit into the receive buffer. */
  readonly truncated: boolean;
}

/** The kernel dropped messages to a socket (ENOBUFS). */
export interface RecordedOverrun extends Timed {
  readonly kind: 'overrun';
  readonly line: number;
  readonly socket: number;
}

/** What the host told after the header was written: /proc/drbd read again with another text, or more block devices. */
export interface RecordedHost {
  readonly kind: 'host';
  readonly line: number;
  readonly procDrbd?: string;
  readonly blockDevices?: ReadonlyMap<string, RecordedBlockDevice | null>;
}

export type RecordedEntry = RecordedSend | RecordedReceive | RecordedOverrun | RecordedHost;

/** How the recording ended: by itself, or because the program was told to stop. */
export type RecordingEnd = 'closed' | 'sigterm';

/** A recording, read. */
export interface Recording {
  readonly header: RecordingHeader;
  /** In order. */
  readonly entries: readonly RecordedEntry[];
  readonly end: RecordingEnd;
}

const GROUPS_BY_MASK = 32;

/** @returns the number of the lowest group of a mask; 0 for none */
export function lowestGroup(groups: number): number {
  return groups === 0 ? 0 : GROUPS_BY_MASK - Math.clz32(groups & -groups);
}

function blockDevicesToJson(devices: ReadonlyMap<string, RecordedBlockDevice | null>): unknown {
  return Object.fromEntries(
    Array.from(devices, ([path, device]) => {
      if (device === null) return [path, null];
      const { sizeBytes, major, minor } = device;
      return [
        path,
        {
          sizeBytes: sizeBytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(sizeBytes) : String(sizeBytes),
          major,
          minor,
        },
      ];
    }),
  );
}

/** @returns the first line, with its end */
export function formatHeader(header: RecordingHeader): string {
  const { dialect, byteOrder, driver, procDrbd, blockDevices, began } = header;
  const { version, api } = driver;
  return `${JSON.stringify({ recording: FORMAT, dialect, byteOrder, driver: { version, api }, ...(began === undefined ? {} : { began }), ...(procDrbd === undefined ? {} : { procDrbd }), blockDevices: blockDevicesToJson(blockDevices) })}\n`;
}

const timeOf = ({ atMs }: Timed): object => (atMs === undefined ? {} : { at: atMs });

/** @returns the entry's line, with its end */
export function formatEntry(entry: RecordedEntry): string {
  switch (entry.kind) {
    case 'tx':
      return `${JSON.stringify({ tx: formatHex(entry.bytes), socket: entry.socket, ...timeOf(entry) })}\n`;
    case 'rx': {
      const { socket, port, groups, group, truncated } = entry;
      return `${JSON.stringify({ rx: formatHex(entry.bytes), socket, port, groups, ...(group === lowestGroup(groups) ? {} : { group }), ...(truncated ? { truncated } : {}), ...timeOf(entry) })}\n`;
    }
    case 'overrun':
      return `${JSON.stringify({ overrun: true, socket: entry.socket, ...timeOf(entry) })}\n`;
    case 'host': {
      const { procDrbd, blockDevices } = entry;
      return `${JSON.stringify({ ...(procDrbd === undefined ? {} : { procDrbd }), ...(blockDevices === undefined ? {} : { blockDevices: blockDevicesToJson(blockDevices) }) })}\n`;
    }
  }
}

/** @returns the last line */
export function formatEnd(end: RecordingEnd): string {
  return `${JSON.stringify({ end })}\n`;
}

/** @returns the text of a recording; {@link parseRecording} reads it back */
export function formatRecording(recording: Recording): string {
  return [formatHeader(recording.header), ...recording.entries.map(formatEntry), formatEnd(recording.end)].join('');
}

/**
 * Reads a recording. It is taken as it is or not at all.
 * @param text all of the file
 * @param name of the file, for errors
 * @throws CodecError whose path ends in the number of the line, with the offset in characters at which that line begins
 */
export function parseRecording(text: string, name = 'recording'): Recording {
  if (text.length > LARGEST_TEXT) throw new CodecError(name, 0, `at most ${LARGEST_TEXT} characters`, `${text.length}`);
  let header: RecordingHeader | undefined;
  let end: RecordingEnd | undefined;
  const entries: RecordedEntry[] = [];
  let offset = 0;
  text.split('\n').forEach((content, index, all) => {
    const reader = new Line(`${name}, line ${index + 1}`, offset, index + 1);
    offset += content.length + 1;
    // The text after the last newline.
    if (content === '' && index === all.length - 1 && index > 0) return;
    const object = reader.object(content);
    if (header === undefined) header = reader.header(object);
    else if (end !== undefined) reader.fail('nothing after the end', content.slice(0, 40));
    else if ('end' in object) end = reader.end(object);
    else entries.push(reader.entry(object));
  });
  if (header === undefined) throw new CodecError(`${name}, line 1`, 0, 'a recording', 'nothing');
  return { header, entries, end: end ?? 'closed' };
}

/** Reads one line, and knows where it is. */
class Line {
  readonly #path: string;
  readonly #offset: number;
  readonly #number: number;

  constructor(path: string, offset: number, number: number) {
    this.#path = path;
    this.#offset = offset;
    this.#number = number;
  }

  fail(expected: string, actual: string): never {
    throw new CodecError(this.#path, this.#offset, expected, actual);
  }

  object(content: string): Readonly<Record<string, unknown>> {
    let value: unknown;
    try {
      value = JSON.parse(content);
    } catch {
      return this.fail('a JSON object', content === '' ? 'an empty line' : JSON.stringify(content.slice(0, 40)));
    }
    return isObject(value) ? value : this.fail('a JSON object', JSON.stringify(content.slice(0, 40)));
  }

  header(object: Readonly<Record<string, unknown>>): RecordingHeader {
    if (object['recording'] !== FORMAT)
      this.fail(
        `a header with "recording":${FORMAT}`,
        'recording' in object ? `"recording":${JSON.stringify(object['recording'])}` : 'another object',
      );
    this.#only(object, 'recording', 'dialect', 'byteOrder', 'driver', 'began', 'procDrbd', 'blockDevices');
    const { dialect, byteOrder, driver } = object;
    const found =
      DIALECTS.find((candidate) => candidate === dialect) ??
      this.fail(`"dialect": ${DIALECTS.join(', ')}`, JSON.stringify(dialect) ?? 'nothing');
    if (byteOrder !== 'little' && byteOrder !== 'big')
      return this.fail('"byteOrder": little or big', JSON.stringify(byteOrder) ?? 'nothing');
    if (!isObject(driver)) return this.fail('"driver", an object', JSON.stringify(driver) ?? 'nothing');
    const { version = null, api = null } = driver;
    if (version !== null && typeof version !== 'string')
      return this.fail('"driver.version", a string or null', JSON.stringify(version));
    return {
      dialect: found,
      byteOrder,
      driver: { version, api: api === null ? null : this.#integer('driver.api', api, 0xffffffff) },
      ...('began' in object ? { began: this.#date('began', object['began']) } : {}),
      procDrbd: 'procDrbd' in object ? this.#string('procDrbd', object['procDrbd']) : undefined,
      blockDevices: 'blockDevices' in object ? this.#blockDevices(object['blockDevices']) : new Map(),
    };
  }

  entry(object: Readonly<Record<string, unknown>>): RecordedEntry {
    const line = this.#number;
    const socket = 'socket' in object ? this.#integer('socket', object['socket'], Number.MAX_SAFE_INTEGER) : 1;
    const time: Timed = 'at' in object ? { atMs: this.#integer('at', object['at'], Number.MAX_SAFE_INTEGER) } : {};
    if ('tx' in object) {
      this.#only(object, 'tx', 'socket', 'at');
      return { ...time, kind: 'tx', line, socket, bytes: this.#hex('tx', object['tx']) };
    }
    if ('rx' in object) {
      this.#only(object, 'rx', 'socket', 'port', 'groups', 'group', 'truncated', 'at');
      const { port = 0, truncated = false } = object;
      const groups = this.#integer('groups', object['groups'] ?? 0, 0xffffffff);
      const group = 'group' in object ? this.#integer('group', object['group'], 0xffffffff) : lowestGroup(groups);
      if (typeof truncated !== 'boolean') return this.fail('"truncated", true or false', JSON.stringify(truncated));
      return {
        ...time,
        kind: 'rx',
        line,
        socket,
        bytes: this.#hex('rx', object['rx']),
        port: this.#integer('port', port, 0xffffffff),
        groups,
        group,
        truncated,
      };
    }
    if ('overrun' in object) {
      this.#only(object, 'overrun', 'socket', 'at');
      return object['overrun'] === true
        ? { ...time, kind: 'overrun', line, socket }
        : this.fail('"overrun":true', JSON.stringify(object['overrun']));
    }
    if ('procDrbd' in object || 'blockDevices' in object) {
      this.#only(object, 'procDrbd', 'blockDevices');
      return {
        kind: 'host',
        line,
        ...('procDrbd' in object ? { procDrbd: this.#string('procDrbd', object['procDrbd']) } : {}),
        ...('blockDevices' in object ? { blockDevices: this.#blockDevices(object['blockDevices']) } : {}),
      };
    }
    return this.fail(
      'tx, rx, overrun, procDrbd, blockDevices or end',
      Object.keys(object).slice(0, 5).join(', ') || 'an empty object',
    );
  }

  end(object: Readonly<Record<string, unknown>>): RecordingEnd {
    this.#only(object, 'end');
    const { end } = object;
    return end === 'closed' || end === 'sigterm' ? end : this.fail('"end": closed or sigterm', JSON.stringify(end));
  }

  #only(object: Readonly<Record<string, unknown>>, ...known: readonly string[]): void {
    const other = Object.keys(object).find((key) => !known.includes(key));
    if (other !== undefined) this.fail(`only ${known.join(', ')}`, JSON.stringify(other));
  }

  #integer(key: string, value: unknown, largest: number): number {
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= largest
      ? value
      : this.fail(`"${key}", an integer from 0 to ${largest}`, JSON.stringify(value) ?? 'nothing');
  }

  #string(key: string, value: unknown): string {
    return typeof value === 'string' ? value : this.fail(`"${key}", a string`, JSON.stringify(value).slice(0, 40));
  }

  #date(key: string, value: unknown): string {
    const text = this.#string(key, value);
    return Number.isNaN(Date.parse(text)) ? this.fail(`"${key}", a time`, JSON.stringify(text).slice(0, 40)) : text;
  }

  #hex(key: string, value: unknown): Uint8Array {
    try {
      return parseHex(this.#string(key, value));
    } catch (error) {
      if (!(error instanceof CodecError) || error.path !== 'hex') throw error;
      return this.fail(`"${key}", ${error.expected}`, `${error.actual} at byte ${error.offset} of it`);
    }
  }

  #blockDevices(value: unknown): ReadonlyMap<string, RecordedBlockDevice | null> {
    if (!isObject(value)) return this.fail('"blockDevices", an object', JSON.stringify(value));
    return new Map(
      Object.entries(value).map(([path, device]) => {
        if (device === null) return [path, null];
        if (!isObject(device)) return this.fail(`"blockDevices" of ${path}, an object or null`, JSON.stringify(device));
        this.#only(device, 'sizeBytes', 'major', 'minor');
        const { sizeBytes, major, minor } = device;
        // Beyond 2^53 a number would not be exact.
        const size =
          typeof sizeBytes === 'string' && /^\d{1,20}$/u.test(sizeBytes)
            ? BigInt(sizeBytes)
            : BigInt(this.#integer(`sizeBytes of ${path}`, sizeBytes, Number.MAX_SAFE_INTEGER));
        return [
          path,
          {
            sizeBytes: size,
            major: this.#integer(`major of ${path}`, major, 0xffffffff),
            minor: this.#integer(`minor of ${path}`, minor, 0xffffffff),
          },
        ];
      }),
    );
  }
}
