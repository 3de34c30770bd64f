import { decodeRaw, packetByNumber, packets } from '../../lib/dialects/connector';
import { parseProcDrbd } from '../../lib/drbd/proc-drbd';
import { decodeDatagram } from '../../lib/netlink';
import { exemptParts, exemptTags, exemptWords, versionDifferences, type Deviation } from '../peers/exempt';
import { numbersIn, received, sent, type Received, type RecordedCommand } from './recorded';

/** One thing that is not as recorded. */
export interface Difference {
  readonly id: string;
  readonly aspect: Deviation['aspect'];
  readonly expected: string;
  readonly actual: string;
}

/** What a command did here. */
export interface Outcome {
  readonly exit: number | 'HANG';
  readonly stdout: string;
  readonly stderr: string;
  readonly netlink: Parameters<typeof received>[0];
}

/** A data generation that DRBD gives to fresh metadata (UUID_JUST_CREATED). */
const JUST_CREATED = 4n;
const UUID = /\b[0-9A-F]{16}\b/gu;
const HEADERS = 48;

/** What Debian's drbdsetup-83 would have done where the recorded one did this. */
function asDebian(recorded: RecordedCommand): { readonly exit: number | 'HANG'; readonly stdout: string; readonly numbers: readonly number[]; readonly asks: boolean } {
  let { exit, stdout } = recorded;
  let numbers: readonly number[] = numbersIn(recorded.stderr);
  let asks = false;
  if (recorded.argv[0] !== 'drbdsetup') return { exit, stdout, numbers, asks };
  for (const difference of versionDifferences) {
    if (difference.ids !== undefined && !difference.ids.includes(recorded.id)) continue;
    for (const [from, to] of difference.stdout ?? []) stdout = stdout.replaceAll(from, to);
    if (difference.command !== undefined) stdout = withCommand(stdout, difference.command);
    exit = difference.exit ?? exit;
    numbers = difference.numbers ?? numbers;
    asks ||= difference.asks === true;
  }
  return { exit, stdout, numbers, asks };
}

/** The list of commands, two a line, with one more: it moves those behind it. */
function withCommand(stdout: string, { name, before }: { readonly name: string; readonly before: string }): string {
  const start = stdout.indexOf(`\n ${before}   `) + 1;
  if (start === 0) return stdout;
  const words = [name, ...stdout.slice(start).split('\n').filter((line) => line.startsWith(' ')).flatMap((line) => [line.slice(1, 41).trimEnd(), line.slice(41).trimEnd()]).filter((word) => word !== '')];
  const lines: string[] = [];
  for (let at = 0; at < words.length; at += 2) lines.push(` ${(words[at] ?? '').padEnd(39)}${words[at + 1] === undefined ? '' : ` ${(words[at + 1] ?? '').padEnd(39)}`}`);
  return `${stdout.slice(0, start)}${lines.join('\n')}\n`;
}

/** The numbers of each tag that DRBD 8.3 knows, with its name. */
const tagNames = new Map<number, string>();
for (const packet of Object.values<(typeof packets)[keyof typeof packets]>(packets)) {
  for (const table of [packet.tags, packet.replyTags ?? {}]) for (const [name, field] of Object.entries(table as Readonly<Record<string, { readonly number: number }>>)) tagNames.set(field.number, name);
}

/**
 * Compares the commands of one scenario with what the same commands did here. Data generations are random: what was recorded
 * and what is seen here must translate into each other, one to one, from the first command to the last.
 */
export class Comparison {
  readonly differences: Difference[] = [];
  /** How many replies and bytes of replies were compared, and how many commands. */
  readonly counts = { commands: 0, replies: 0, replyBytes: 0, states: 0, statesInMotion: 0 };
  readonly #here = new Map<bigint, bigint>();
  readonly #recorded = new Map<bigint, bigint>();

  /** Exit status, standard output, the numbers on standard error, and every reply. */
  command(recorded: RecordedCommand, here: Outcome): void {
    this.counts.commands++;
    const expected = asDebian(recorded);
    this.#equal(recorded.id, 'exit', String(expected.exit), String(here.exit));
    if (recorded.raw !== true) {
      this.#text(recorded.id, expected.stdout, here.stdout);
      this.#equal(recorded.id, 'stderr', expected.numbers.join(), numbersIn(here.stderr).join());
    }
    if (!expected.asks) this.#replies(recorded, here);
  }

  /** The state of every minor, as /proc/drbd tells it. @param moving the recorded state was about to change: a difference is no more than another moment */
  state(id: string, expected: string, actual: string, moving: boolean): void {
    this.counts.states++;
    if (stateOf(expected) === stateOf(actual)) return;
    if (moving) this.counts.statesInMotion++;
    else this.#equal(id, 'state', stateOf(expected), stateOf(actual));
  }

  /** Counts as a difference what no comparison found. */
  differs(id: string, aspect: Difference['aspect'], expected: string, actual: string): void {
    this.differences.push({ id, aspect, expected, actual });
  }

  #equal(id: string, aspect: Difference['aspect'], expected: string, actual: string): void {
    if (expected !== actual) this.differs(id, aspect, expected, actual);
  }

  #text(id: string, expected: string, actual: string): void {
    const masked = (text: string): string => exemptWords.reduce((sum, { pattern, mask }) => sum.replace(pattern, mask), text);
    const there = masked(expected);
    let here = masked(actual);
    const theirs = there.match(UUID) ?? [];
    let at = 0;
    here = here.replace(UUID, (word) => {
      const partner = theirs[at++];
      return partner !== undefined && this.#sameGeneration(BigInt(`0x${partner}`), BigInt(`0x${word}`)) ? partner : word;
    });
    this.#equal(id, 'stdout', there, here);
  }

  /** Whether two data generations may be one and the same; what is learned here binds later comparisons. */
  #sameGeneration(recorded: bigint, here: bigint): boolean {
    // The lowest bit says whether the node was primary.
    if ((recorded & 1n) !== (here & 1n)) return false;
    const there = recorded & ~1n;
    const own = here & ~1n;
    if (there === 0n || own === 0n || there === JUST_CREATED || own === JUST_CREATED) return there === own;
    const known = this.#here.get(there);
    const back = this.#recorded.get(own);
    if (known === undefined && back === undefined) {
      this.#here.set(there, own);
      this.#recorded.set(own, there);
      return true;
    }
    return known === own && back === there;
  }

  #replies(recorded: RecordedCommand, here: Outcome): void {
    const question = (calls: RecordedCommand['netlink'] | Outcome['netlink']): number => {
      const [first] = sent(calls);
      return first === undefined || first.length < 64 ? 0 : Buffer.from(first.slice(56, 64), 'hex').readUInt32LE();
    };
    const raw = recorded.raw === true;
    // A hand-made request may be answered with what looks like a broadcast.
    const replies = (calls: RecordedCommand['netlink'] | Outcome['netlink']): Received[] => received(calls).filter(({ ack }) => raw || ack !== 0);
    const expected = replies(recorded.netlink);
    const actual = replies(here.netlink);
    const acks = raw ? ([0, 0] as const) : ([question(recorded.netlink), question(here.netlink)] as const);
    for (let at = 0; at < Math.max(expected.length, actual.length); at++) {
      const there = expected[at];
      const own = actual[at];
      if (there === undefined || own === undefined) {
        this.differs(recorded.id, 'reply', there?.hex ?? 'nothing', own?.hex ?? 'nothing');
        continue;
      }
      this.counts.replies++;
      this.counts.replyBytes += own.hex.length / 2;
      const [theirs, ours] = this.#masked(there, own, acks);
      this.#equal(recorded.id, 'reply', theirs, ours);
    }
  }

  /** Two replies with what is exempt taken out. */
  #masked(there: Received, own: Received, acks: readonly [number, number]): readonly [string, string] {
    const buffers = [Buffer.from(there.hex, 'hex'), Buffer.from(own.hex, 'hex')] as const;
    const tags = buffers.map((buffer, index) => {
      const ack = index === 0 ? acks[0] : acks[1];
      const broadcast = buffer.readUInt32LE(28) === 0;
      if (broadcast && 'broadcast sequence' in exemptParts) {
        buffer.fill(0, 8, 12);
        buffer.fill(0, 24, 28);
      }
      if (!broadcast && 'cn.ack' in exemptParts) buffer.writeUInt32LE((buffer.readUInt32LE(28) - ack) >>> 0, 28);
      if ('padding' in exemptParts) buffer.fill(0, Math.min(buffer.length, 36 + buffer.readUInt16LE(32)));
      return exemptValues(buffer);
    });
    const [theirTags = [], ourTags = []] = tags;
    if (theirTags.length === ourTags.length) {
      theirTags.forEach((value, index) => {
        const other = ourTags[index];
        if (other === undefined || value.name !== other.name || value.bytes.length !== other.bytes.length) return;
        if (value.name !== 'uuids') {
          other.bytes.set(value.bytes);
          return;
        }
        const generations = [value.bytes, other.bytes].map((bytes) => Array.from({ length: Math.floor(bytes.length / 8) }, (_unused, number) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readBigUInt64LE(number * 8)));
        generations[0]?.forEach((generation, number) => {
          if (this.#sameGeneration(generation, generations[1]?.[number] ?? 0n)) other.bytes.set(value.bytes.subarray(number * 8, number * 8 + 8), number * 8);
        });
      });
    }
    return [buffers[0].toString('hex'), buffers[1].toString('hex')];
  }
}

/** The exempt tags of a reply: views of their values. */
function exemptValues(buffer: Buffer): { readonly name: string; readonly bytes: Uint8Array }[] {
  if (buffer.length <= HEADERS || buffer.length < buffer.readUInt32LE(0)) return [];
  const [message] = decodeDatagram(buffer, 'little').messages;
  if (message === undefined) return [];
  const found: { name: string; bytes: Uint8Array }[] = [];
  let at = HEADERS;
  const end = 36 + buffer.readUInt16LE(32);
  while (at + 4 <= end) {
    const number = buffer.readUInt16LE(at) & 0x1fff;
    const length = buffer.readUInt16LE(at + 2);
    if (number === 0 || at + 4 + length > end) break;
    const name = tagNames.get(number);
    if (name !== undefined && name in exemptTags) found.push({ name, bytes: buffer.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return found;
}

/** What of /proc/drbd is state: of each minor its connection, roles, disks, protocol and flags, without counters and progress. */
export function stateOf(text: string): string {
  const { devices } = parseProcDrbd(text);
  return devices
    .map(({ minor, connection, role, peerRole, disk, peerDisk, protocol, flags }) => {
      if (role === null) return `${minor} ${connection}`;
      const letters = flags === null ? '' : JSON.stringify({ ...flags, congestion: null });
      return `${minor} ${connection} ${role}/${peerRole} ${disk}/${peerDisk} ${protocol ?? '-'} ${letters}`;
    })
    .join('\n');
}

/** A reply in words, for a message that says what differs. */
export function describeReply(hex: string): string {
  if (!/^[0-9a-f]{96,}$/u.test(hex)) return hex;
  const [message] = decodeDatagram(new Uint8Array(Buffer.from(hex, 'hex')), 'little').messages;
  if (message === undefined) return hex;
  const raw = decodeRaw(message, 'little');
  const tags = raw.list.tags.map(({ number, payload }) => `${tagNames.get(number) ?? number}=${Buffer.from(payload).toString('hex')}`);
  return `${packetByNumber(raw.packetType)?.name ?? raw.packetType} minor ${raw.minor} code ${raw.flags | 0} len ${message.length}: ${tags.join(' ')}`;
}
