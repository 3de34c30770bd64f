import { decodeRaw, packetByNumber, packets } from '../../lib/dialects/connector';
import { parseProcDrbd } from '../../lib/dialects/proc-drbd';
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

/** The names of what the lists let through, each as soon as it was needed. */
export const used = new Set<string>();

/** A data generation that DRBD gives to fresh metadata (UUID_JUST_CREATED). */
const JUST_CREATED = 4n;
const UUID = /\b[0-9A-F]{16}\b/gu;
const HEADERS = 48;
/** struct sockaddr_in: its family, its size, and where its padding begins. */
const AF_INET = 2;
const SOCKADDR_IN_BYTES = 16;
const SIN_ZERO = 8;
/** Width of a column in the list of commands, the blank before it included. */
const COLUMN = 40;

/** What Debian's drbdsetup-83 would have done where the recorded one did this. */
function asDebian(recorded: RecordedCommand): {
  readonly exit: number | 'HANG';
  readonly stdout: string;
  readonly numbers: readonly number[];
  readonly answered: boolean;
} {
  let { exit, stdout } = recorded;
  let numbers: readonly number[] = numbersIn(recorded.stderr);
  let answered = true;
  if (recorded.raw === true) return { exit, stdout, numbers, answered };
  for (const difference of versionDifferences) {
    if (difference.ids !== undefined && !difference.ids.includes(recorded.id)) continue;
    const before = stdout;
    for (const [from, to] of difference.stdout ?? []) stdout = stdout.replaceAll(from, to);
    if (difference.command !== undefined) stdout = withCommand(stdout, difference.command);
    if (difference.ids !== undefined || stdout !== before) used.add(difference.name);
    exit = difference.exit ?? exit;
    numbers = difference.numbers ?? numbers;
    answered &&= difference.request !== 'only Debian';
  }
  return { exit, stdout, numbers, answered };
}

/** The list of commands, two a line, with one more: it moves those behind it. */
function withCommand(stdout: string, { name, before }: { readonly name: string; readonly before: string }): string {
  const start = stdout.indexOf(`\n ${before}   `) + 1;
  if (start === 0) return stdout;
  const list = /^(?: .*\n)*/u.exec(stdout.slice(start))?.[0] ?? '';
  // Lines of the list are as long as two columns, and text that follows it is indented, too.
  const rows = list.split('\n').filter((line) => line.length >= COLUMN);
  const words = [
    name,
    ...rows
      .flatMap((line) => [line.slice(1, COLUMN).trimEnd(), line.slice(COLUMN + 1).trimEnd()])
      .filter((word) => word !== ''),
  ];
  const lines: string[] = [];
  for (let at = 0; at < words.length; at += 2)
    lines.push(
      [words[at], words[at + 1]]
        .flatMap((word) => (word === undefined ? [] : [` ${word.padEnd(COLUMN - 1)}`]))
        .join(''),
    );
  // A line ends where it is full, and the list ends a line, too.
  return `${stdout.slice(0, start)}${lines.join('\n')}${words.length % 2 === 0 ? '\n' : ''}${stdout.slice(start + rows.join('\n').length + 1)}`;
}

/** The numbers of each tag that DRBD 8.3 knows, with its name. */
const tagNames = new Map<number, string>();
for (const packet of Object.values<(typeof packets)[keyof typeof packets]>(packets)) {
  for (const table of [packet.tags, packet.replyTags ?? {}])
    for (const [name, field] of Object.entries(table as Readonly<Record<string, { readonly number: number }>>))
      tagNames.set(field.number, name);
}

/**
 * Compares the commands of one scenario with what the same commands did here. Data generations are random: what was
 * recorded and what is seen here must translate into each other, one to one, from the first command to the last.
 */
export class Comparison {
  readonly differences: Difference[] = [];
  /** How many replies and bytes of replies were compared, and how many commands. */
  readonly counts = { commands: 0, replies: 0, replyBytes: 0, states: 0, statesInMotion: 0 };
  #wrongStates: ReadonlySet<string> = new Set();
  readonly #here = new Map<bigint, bigint>();
  readonly #recorded = new Map<bigint, bigint>();

  /** Exit status, standard output, the numbers on standard error, and every reply. */
  command(recorded: RecordedCommand, here: Outcome): void {
    this.counts.commands++;
    const expected = asDebian(recorded);
    if (expected.exit !== here.exit)
      this.differs(recorded.id, 'exit', String(expected.exit), `${here.exit} ${here.stderr}`);
    if (recorded.raw !== true) {
      this.#text(recorded.id, expected.stdout, here.stdout);
      this.#equal(recorded.id, 'stderr', expected.numbers.join(), numbersIn(here.stderr).join());
    }
    if (expected.answered) this.#replies(recorded, here);
  }

  /**
   * The state of every minor, as /proc/drbd tells it. @param moving the recorded state was about to change: a
   * difference is no more than another moment
   */
  state(id: string, expected: string, actual: string, moving: boolean): void {
    this.counts.states++;
    const theirs = stateOf(expected).split('\n');
    const ours = stateOf(actual).split('\n');
    const wrong = new Set([
      ...theirs.filter((line) => !ours.includes(line)).map((line) => `recorded ${line}`),
      ...ours.filter((line) => !theirs.includes(line)).map((line) => `here ${line}`),
    ]);
    const fresh = [...wrong].filter((line) => !this.#wrongStates.has(line));
    if (moving) {
      if (wrong.size > 0) this.counts.statesInMotion++;
      return;
    }
    // A state that goes on being wrong counts once.
    this.#wrongStates = wrong;
    if (fresh.length > 0)
      this.differs(
        id,
        'state',
        fresh.filter((line) => line.startsWith('recorded')).join('; '),
        fresh.filter((line) => line.startsWith('here')).join('; '),
      );
  }

  /** Counts as a difference what no comparison found. */
  differs(id: string, aspect: Difference['aspect'], expected: string, actual: string): void {
    this.differences.push({ id, aspect, expected, actual });
  }

  #equal(id: string, aspect: Difference['aspect'], expected: string, actual: string): void {
    if (expected !== actual) this.differs(id, aspect, expected, actual);
  }

  #text(id: string, expected: string, actual: string): void {
    // A byte that is no text is a lone surrogate in the recordings.
    const masked = (text: string): string =>
      exemptWords.reduce((sum, { pattern, mask }) => sum.replace(pattern, mask), text.replace(/\p{Cs}/gu, '\u{fffd}'));
    const there = masked(expected);
    let here = masked(actual);
    if (expected !== actual && there === here)
      for (const { name, pattern } of exemptWords) if (expected.search(pattern) !== -1) used.add(name);
    const theirs = there.match(UUID) ?? [];
    let at = 0;
    here = here.replace(UUID, (word) => {
      const partner = theirs[at++];
      return partner !== undefined && this.#sameGeneration(BigInt(`0x${partner}`), BigInt(`0x${word}`))
        ? partner
        : word;
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
    const expected = replies(recorded, recorded.netlink);
    const actual = replies(recorded, here.netlink);
    const requests = new Set(
      sent(recorded.netlink).flatMap((hex) => (hex.slice(56, 64) === 'ffffffff' ? [hex.slice(48, 56)] : [])),
    );
    const acks = raw ? ([0, 0] as const) : ([question(recorded.netlink), question(here.netlink)] as const);
    for (let at = 0; at < Math.max(expected.length, actual.length); at++) {
      const there = expected[at];
      const own = actual[at];
      if (there === undefined || own === undefined) {
        this.differs(recorded.id, 'reply', there?.hex ?? 'nothing', own?.hex ?? 'nothing');
        continue;
      }
      this.counts.replies++;
      this.#equal(recorded.id, 'reply', there.from, own.from);
      this.counts.replyBytes += own.hex.length / 2;
      const [theirs, ours] = this.#masked(there, own, acks, requests);
      this.#equal(recorded.id, 'reply', theirs, ours);
    }
  }

  /** Two replies with what is exempt taken out. */
  #masked(
    there: Received,
    own: Received,
    acks: readonly [number, number],
    requests: ReadonlySet<string>,
  ): readonly [string, string] {
    const buffers = [Buffer.from(there.hex, 'hex'), Buffer.from(own.hex, 'hex')] as const;
    const tags = buffers.map((buffer, index) => {
      const ack = index === 0 ? acks[0] : acks[1];
      const broadcast = buffer.readUInt32LE(28) === 0 && !requests.has(buffer.toString('hex', 24, 28));
      if (broadcast) {
        clear(buffer, 8, 12, 'broadcast sequence');
        clear(buffer, 24, 28, 'broadcast sequence');
      } else if (ack !== 0 && 'cn.ack' in exemptParts) {
        buffer.writeUInt32LE((buffer.readUInt32LE(28) - ack) >>> 0, 28);
        used.add('cn.ack');
      }
      clear(buffer, Math.min(buffer.length, 36 + buffer.readUInt16LE(32)), buffer.length, 'padding');
      return exemptValues(buffer);
    });
    const [theirTags = [], ourTags = []] = tags;
    if (theirTags.length === ourTags.length) {
      theirTags.forEach((value, index) => {
        const other = ourTags[index];
        if (other === undefined || value.name !== other.name || value.bytes.length !== other.bytes.length) return;
        if (!Buffer.from(value.bytes).equals(other.bytes)) used.add(value.name);
        if (value.name !== 'uuids') {
          other.bytes.set(value.bytes);
          return;
        }
        const generations = [value.bytes, other.bytes].map((bytes) =>
          Array.from({ length: Math.floor(bytes.length / 8) }, (_unused, number) =>
            Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readBigUInt64LE(number * 8),
          ),
        );
        generations[0]?.forEach((generation, number) => {
          if (this.#sameGeneration(generation, generations[1]?.[number] ?? 0n))
            other.bytes.set(value.bytes.subarray(number * 8, number * 8 + 8), number * 8);
        });
      });
    }
    return [buffers[0].toString('hex'), buffers[1].toString('hex')];
  }
}

/** Takes a part that is exempt out of a reply. */
function clear(buffer: Buffer, start: number, end: number, part: keyof typeof exemptParts): void {
  if (!(part in exemptParts) || buffer.subarray(start, end).every((byte) => byte === 0)) return;
  buffer.fill(0, start, end);
  used.add(part);
}

/**
 * Replies come before broadcasts: which of them is first, is a race in the kernel. What only hand-made exchanges and
 * listeners take in full, is left out of the others.
 */
function replies(recorded: RecordedCommand, calls: Outcome['netlink']): Received[] {
  const all = received(calls);
  if (recorded.raw !== true) return all.filter(({ ack }) => ack !== 0);
  // A hand-made request may be answered with what looks like a broadcast, whose acknowledgement is 0.
  const sequences = new Set(sent(recorded.netlink).map((hex) => hex.slice(48, 56)));
  const wraps = sent(recorded.netlink).some((hex) => hex.slice(56, 64) === 'ffffffff');
  const isReply = ({ hex, ack }: Received): boolean => ack !== 0 || (wraps && sequences.has(hex.slice(48, 56)));
  return [...all.filter(isReply), ...all.filter((item) => !isReply(item))];
}

/** The exempt tags of a reply: views of their values. Padding of addresses is cleared. */
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
    if (name?.endsWith('_addr') === true && length === SOCKADDR_IN_BYTES && buffer.readUInt16LE(at + 4) === AF_INET)
      clear(buffer, at + 4 + SIN_ZERO, at + 4 + length, 'sin_zero');
    if (name !== undefined && name in exemptTags) found.push({ name, bytes: buffer.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return found;
}

/** Connection states in which the number of blocks that differ stands still. */
export const SETTLED_CONNECTIONS: ReadonlySet<string> = new Set(['StandAlone', 'WFConnection', 'Connected']);

/**
 * What of /proc/drbd is state: of each minor its connection, roles, disks, protocol, flags and what is out of sync,
 * without counters and progress.
 */
export function stateOf(text: string): string {
  const { devices } = parseProcDrbd(text);
  return devices
    .map(({ minor, connection, role, peerRole, disk, peerDisk, protocol, flags, counters }) => {
      if (role === null) return `${minor} ${connection}`;
      const letters = Object.entries(flags ?? {})
        .flatMap(([name, on]) => (on === true ? [name] : []))
        .join();
      return `${minor} ${connection} ${role}/${peerRole} ${disk}/${peerDisk} ${protocol ?? '-'} ${letters}${SETTLED_CONNECTIONS.has(connection) ? ` ${counters?.outOfSyncBytes ?? 0n}` : ''}`.trimEnd();
    })
    .join('\n');
}

/** A reply in words, for a message that says what differs. */
export function describeReply(hex: string): string {
  if (!/^[0-9a-f]{96,}$/u.test(hex)) return hex;
  const [message] = decodeDatagram(new Uint8Array(Buffer.from(hex, 'hex')), 'little').messages;
  if (message === undefined) return hex;
  const raw = decodeRaw(message, 'little');
  const tags = raw.list.tags.map(
    ({ number, payload }) => `${tagNames.get(number) ?? number}=${Buffer.from(payload).toString('hex')}`,
  );
  return `${packetByNumber(raw.packetType)?.name ?? raw.packetType} minor ${raw.minor} code ${raw.flags | 0} len ${message.length}: ${tags.join(' ')}`;
}
