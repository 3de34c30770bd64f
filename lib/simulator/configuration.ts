import { packets } from '../dialects/connector';
import { viewOf, type ByteOrder } from '../netlink';
import { encodeTagList, encodeValue, LARGEST_TAG, wireTag, type AnyField, type FieldTable, type Tag } from '../schema';

/** Bit of a tag: a kernel that does not know it refuses the request. */
const MANDATORY = 0x2000;
const TT_END = 0;
/** A number that only a removed field has stays unknown. */
const versionOrder = (version: string): readonly number[] => version.split('.').map(Number);

/** Whether a release has a field. @param release such as 8.3.13 */
export function hasField(field: AnyField, release: string): boolean {
  const before = (a: string, b: string): boolean => {
    const [left, right] = [versionOrder(a), versionOrder(b)];
    const at = [0, 1, 2].find((index) => (left[index] ?? 0) !== (right[index] ?? 0));
    return at !== undefined && (left[at] ?? 0) < (right[at] ?? 0);
  };
  return (
    (field.since === undefined || !before(release, field.since)) &&
    (field.until === undefined || !before(field.until, release))
  );
}

/** A string as the kernel keeps it: a buffer, and how many bytes of it were given. The text ends at the first NUL. */
export interface StringValue {
  readonly buffer: Uint8Array;
  readonly length: number;
}

export type ConfigurationValue = number | bigint | boolean | StringValue;

const isNumber = (field: AnyField): boolean => field.kind === 's32' || field.kind === 'u32' || field.kind === 'u8';

/** What a packet's struct holds before a request is read into it. */
function initialValue(field: AnyField): ConfigurationValue {
  if (field.kind === 'flag') return field.default === true;
  if (field.kind === 'u64') return typeof field.default === 'bigint' ? field.default : 0n;
  if (isNumber(field)) return typeof field.default === 'number' ? field.default : 0;
  return { buffer: new Uint8Array(field.maxBytes ?? 0), length: 0 };
}

/** The members of one packet's struct, such as syncer_conf, and what they are set to. */
export class Configuration {
  readonly #fields: ReadonlyMap<string, AnyField>;
  readonly #byNumber: ReadonlyMap<number, string>;
  readonly #values: Map<string, ConfigurationValue>;
  readonly #order: ByteOrder;

  private constructor(
    fields: ReadonlyMap<string, AnyField>,
    byNumber: ReadonlyMap<number, string>,
    values: Map<string, ConfigurationValue>,
    order: ByteOrder,
  ) {
    this.#fields = fields;
    this.#byNumber = byNumber;
    this.#values = values;
    this.#order = order;
  }

  /** A struct with its defaults. @param release the kernel's: it knows only the tags that its header has */
  static of(table: FieldTable, release: string, order: ByteOrder): Configuration {
    const fields = new Map(Object.entries(table).filter(([, field]) => hasField(field, release)));
    const byNumber = new Map([...fields].map(([name, field]) => [field.number, name]));
    return new Configuration(
      fields,
      byNumber,
      new Map([...fields].map(([name, field]) => [name, initialValue(field)])),
      order,
    );
  }

  copy(): Configuration {
    return new Configuration(this.#fields, this.#byNumber, new Map(this.#values), this.#order);
  }

  number(name: string): number {
    const value = this.#values.get(name);
    return typeof value === 'number' ? value : 0;
  }

  size(name: string): bigint {
    const value = this.#values.get(name);
    return typeof value === 'bigint' ? value : 0n;
  }

  flag(name: string): boolean {
    return this.#values.get(name) === true;
  }

  bytes(name: string): Uint8Array {
    const value = this.#values.get(name);
    return typeof value === 'object' ? value.buffer.subarray(0, value.length) : new Uint8Array(0);
  }

  /** The text of a string, up to its first NUL. */
  text(name: string): string {
    const value = this.#values.get(name);
    if (typeof value !== 'object') return '';
    const end = value.buffer.indexOf(0);
    return Buffer.from(value.buffer.subarray(0, end === -1 ? value.buffer.length : end)).toString('utf8');
  }

  set(name: string, value: ConfigurationValue): void {
    this.#values.set(name, value);
  }

  /** Ends a text after so many bytes, whatever was given. */
  limitText(name: string, bytes: number): void {
    const value = this.#values.get(name);
    if (typeof value !== 'object') return;
    const buffer = value.buffer.slice();
    buffer.fill(0, bytes);
    this.#values.set(name, { buffer, length: value.length });
  }

  setText(name: string, text: string): void {
    const bytes = Buffer.from(`${text}\0`, 'utf8');
    const buffer = new Uint8Array(this.#fields.get(name)?.maxBytes ?? bytes.length);
    buffer.set(bytes.subarray(0, buffer.length));
    this.#values.set(name, { buffer, length: Math.min(bytes.length, buffer.length) });
  }

  /**
   * Reads a request's tags as the module does (the _from_tags functions): a number's length and type bits are not
   * looked at, the last of several wins, and behind the end of the message there are zeros.
   * @param tags what follows the flags of a request
   * @returns false at an unknown mandatory tag or an over-long string: the request is refused with 126, what came
   *   before it is read
   */
  readTags(tags: Uint8Array): boolean {
    const view = viewOf(tags);
    const little = this.#order === 'little';
    const byte = (at: number): number => (at < tags.length ? view.getUint8(at) : 0);
    const short = (at: number): number => (little ? byte(at) | (byte(at + 1) << 8) : (byte(at) << 8) | byte(at + 1));
    const copy = (at: number, length: number): Uint8Array => {
      const bytes = new Uint8Array(length);
      bytes.set(tags.subarray(Math.min(at, tags.length), Math.min(at + length, tags.length)));
      return bytes;
    };
    for (let at = 0, tag = short(0); tag !== TT_END; tag = short(at)) {
      const length = short(at + 2);
      const start = at + 4;
      const name = this.#byNumber.get(tag & LARGEST_TAG);
      const field = name === undefined ? undefined : this.#fields.get(name);
      if (name === undefined || field === undefined) {
        if ((tag & MANDATORY) !== 0) return false;
      } else if (field.kind === 'flag') this.#values.set(name, byte(start) !== 0);
      else if (field.kind === 'u64') this.#values.set(name, viewOf(copy(start, 8)).getBigUint64(0, little));
      else if (isNumber(field)) this.#values.set(name, viewOf(copy(start, 4)).getInt32(0, little));
      else {
        const old = this.#values.get(name);
        const buffer = typeof old === 'object' ? old.buffer.slice() : new Uint8Array(field.maxBytes ?? 0);
        if (length > buffer.length) return false;
        buffer.set(copy(start, length));
        this.#values.set(name, { buffer, length });
      }
      at = start + length;
    }
    return true;
  }

  /** All of it as tags, in the order of the header (the _to_tags functions). */
  tags(): Uint8Array {
    const tags: Tag[] = [];
    for (const [name, field] of this.#fields) {
      const value = this.#values.get(name) ?? 0;
      const payload =
        typeof value === 'object'
          ? this.bytes(name)
          : encodeValue(field, value, name, { order: this.#order, outOfRange: 'send' });
      tags.push(makeTag(field, payload));
    }
    return encodeTagList({ tags, rest: new Uint8Array(0) }, this.#order);
  }
}

function makeTag(field: AnyField, payload: Uint8Array): Tag {
  return { tag: wireTag(field), number: field.number, mandatory: field.mandatory === true, payload, offset: 0 };
}

/** @returns one tag of a table, encoded */
export function encodeTag(field: AnyField, value: unknown, order: ByteOrder): Uint8Array {
  return encodeTagList(
    {
      tags: [makeTag(field, encodeValue(field, value, 'reply', { order, outOfRange: 'send' }))],
      rest: new Uint8Array(0),
    },
    order,
  );
}

/** Structs of a minor, with the module's defaults. */
export function diskDefaults(release: string, order: ByteOrder): Configuration {
  return Configuration.of(packets.disk_conf.tags, release, order);
}

/** What drbd_nl_net_conf sets where no default of the table does. */
const PROTOCOL_C = 3;

export function netDefaults(release: string, order: ByteOrder): Configuration {
  const net = Configuration.of(packets.net_conf.tags, release, order);
  net.set('wire_protocol', PROTOCOL_C);
  return net;
}

export function syncerDefaults(release: string, order: ByteOrder): Configuration {
  return Configuration.of(packets.syncer_conf.tags, release, order);
}
