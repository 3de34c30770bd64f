import { CodecError } from '../errors';

/** What the kernel's numbers in /proc/drbd are counted in. */
const KIB = 1024n;
/** A bit of the bitmap stands for 4 KiB; DRBD 8.2 counts a verify in bits. */
const BITMAP_BIT_BYTES = 4096n;
const SECTOR_BYTES = 512n;
/** Bit2KB(bits >> 10): numbers in MiB are rounded down to so much. */
const ROUNDING_BYTES = 4n * KIB * KIB;
/** Far more than any kernel prints: about 300 bytes for each of up to some thousand devices. */
const LARGEST_TEXT = 16 * 1024 * 1024;

/**
 * What drivers of the connector dialect, DRBD 8.0 to 8.3, call their interface in /proc/drbd. Only one module drbd can
 * be loaded, and no later one says this.
 */
export const CONNECTOR_API = { min: 86, max: 88 } as const;

export function isConnectorApi(api: number | null | undefined): boolean {
  return typeof api === 'number' && api >= CONNECTOR_API.min && api <= CONNECTOR_API.max;
}

/** What stands for the connection state of a minor that exists and has neither disk nor network. */
export const UNCONFIGURED = 'Unconfigured';

/** The flag letters behind a device's protocol. Null: this release does not print that one. */
export interface ProcDrbdFlags {
  /** `s` instead of `r`: I/O is suspended, for whatever reason. */
  readonly ioSuspended: boolean | null;
  /** `a`: resync waits for another device (resync-after). */
  readonly resyncDependency: boolean | null;
  /** `p`: resync is paused by the peer. */
  readonly resyncPausedByPeer: boolean | null;
  /** `u`: resync is paused by the user. */
  readonly resyncPausedByUser: boolean | null;
  /**
   * The letter: `b` the backing device, `n` the network, `a` both, `d` device suspended or frozen, `c` a callback
   * waits; null for `-`, and before 8.3.
   */
  readonly congestion: string | null;
  /** `s`: updates of the activity log are suspended. */
  readonly activityLogSuspended: boolean | null;
}

/**
 * The counters of a device. Null: this release does not print that one. Those of bytes are kept in 32 bits of sectors
 * and wrap at 2 TiB.
 */
export interface ProcDrbdCounters {
  /** `ns`: sent over the network. */
  readonly sentBytes: bigint | null;
  /** `nr` */
  readonly receivedBytes: bigint | null;
  /** `dw`: written to the local disk. */
  readonly writtenBytes: bigint | null;
  /** `dr` */
  readonly readBytes: bigint | null;
  /** `al`: writes of the activity log. */
  readonly alWrites: bigint | null;
  /** `bm`: writes of the bitmap. */
  readonly bmWrites: bigint | null;
  /** `lo`: requests open on the backing device. A negative count, which a kernel may show for a moment, reads as 0. */
  readonly lowerPending: number | null;
  /** `pe`: requests sent whose answer is still to come. */
  readonly pending: number | null;
  /** `ua`: requests received that are still to be answered. */
  readonly unacked: number | null;
  /** `ap`: requests of applications not yet completed. */
  readonly upperPending: number | null;
  /** `ep`: epochs under way; since 8.2.6. */
  readonly epochs: number | null;
  /** `wo`: the letter of the write ordering method, `b`, `f`, `d` or `n`; since 8.2.6. */
  readonly writeOrdering: string | null;
  /** `oos`: known to be out of sync; since 8.2.6. */
  readonly outOfSyncBytes: bigint | null;
}

/** A resync or online verify under way. Null: not printed. */
export interface ProcDrbdProgress {
  readonly kind: 'sync' | 'verify';
  /**
   * As printed. The kernel computes it in steps of 4 MiB (256 MiB on devices above 16 TiB), so it is off on small
   * devices; {@link ProcDrbdProgress.leftBytes} is exact.
   */
  readonly printedPercent: number;
  /**
   * Above 4 GiB the kernel rounds down to 4 MiB. A resync has the exact number all the same, from `oos:`; a verify has
   * the rounded one.
   */
  readonly leftBytes: bigint | null;
  /** Above 4 GiB rounded down to 4 MiB, but never less than {@link ProcDrbdProgress.leftBytes}. */
  readonly totalBytes: bigint | null;
  /** `finish:`, in seconds. Null also while stalled, when the printed time means nothing, and for `∞`. */
  readonly etaSeconds: number | null;
  /** `finish:` as printed, in seconds; null for `∞` of DRBD 9. */
  readonly printedEtaSeconds: bigint | null;
  /** `speed:`, over the last 20 seconds or so. Negative while more gets out of sync than is synchronised. */
  readonly bytesPerSecond: bigint | null;
  /** The first of two numbers in parentheses: over the last three seconds, with the module parameter proc_details. */
  readonly shortAverageBytesPerSecond: bigint | null;
  /** The number in parentheses: since the start, pauses not counted. */
  readonly averageBytesPerSecond: bigint | null;
  /** `want:`, the rate that the resync controller aims at; on the side that asks for blocks. */
  readonly wantedBytesPerSecond: bigint | null;
  /** No block was done for three minutes. */
  readonly stalled: boolean;
  /** `sector pos:`, with the module parameter proc_details. */
  readonly position: {
    readonly printedPercent: number;
    readonly bytes: bigint;
    readonly endBytes: bigint;
    readonly stopBytes: bigint | null;
  } | null;
}

/** Statistics of a cache (`resync:`, `act_log:`): the kernel's own words and numbers, such as used, size, hits. */
export interface ProcDrbdCache {
  readonly name: string;
  readonly values: Readonly<Record<string, bigint>>;
}

/** One device. */
export interface ProcDrbdDevice {
  readonly minor: number;
  /** `cs`: the kernel's word of the connection state, or {@link UNCONFIGURED}. */
  readonly connection: string;
  /** `ro`, before 8.3 `st`: the roles here and on the peer. Null for an unconfigured one, like all that follows. */
  readonly role: string | null;
  readonly peerRole: string | null;
  /** `ds` */
  readonly disk: string | null;
  readonly peerDisk: string | null;
  /** The letter of the replication protocol, `@` for one that no release has; null without network configuration. */
  readonly protocol: string | null;
  readonly flags: ProcDrbdFlags | null;
  readonly counters: ProcDrbdCounters | null;
  readonly progress: ProcDrbdProgress | null;
  readonly caches: readonly ProcDrbdCache[];
  /**
   * Text that this parser does not know, without the space around it: a whole line, or what is left of a known one. No
   * character of the input is in neither a value nor here, except the progress bar.
   */
  readonly unknownLines: readonly string[];
}

/** A transport that DRBD 9 has loaded. */
export interface ProcDrbdTransport {
  readonly name: string;
  readonly version: string;
}

/** /proc/drbd, read. */
export interface ProcDrbd {
  /** The module's release, such as `8.4.11` or `9.1.7`. */
  readonly version: string;
  readonly api: number;
  /** Versions of the protocol between nodes that it speaks; 8.0 prints one number, which is both. */
  readonly protocolMin: number;
  readonly protocolMax: number;
  /** DRBD 9 with support for metadata of 8.4 says so behind its protocol: `compat 8.4`. */
  readonly compatibility: string | null;
  /** The line that tells the build: `GIT-hash: …`, `srcversion: …`, `built-in`, or `SVN Revision: …`. */
  readonly build: string | null;
  readonly gitHash: string | null;
  readonly sourceVersion: string | null;
  /** DRBD 9: the version of the interface between the module and its transports. */
  readonly transportApi: number | null;
  /** DRBD 9: transports that are loaded, with their releases. */
  readonly transports: readonly ProcDrbdTransport[];
  /** By minor, in the kernel's order. DRBD 9 lists only those in compatibility mode. */
  readonly devices: readonly ProcDrbdDevice[];
  /** As {@link ProcDrbdDevice.unknownLines}: what is above the first device. */
  readonly unknownLines: readonly string[];
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type DeviceDraft = Omit<Writable<ProcDrbdDevice>, 'caches' | 'unknownLines' | 'counters' | 'progress'> & {
  counters: Writable<ProcDrbdCounters> | null;
  progress: Writable<ProcDrbdProgress> | null;
  /** The progress is printed in MiB. */
  rounded: boolean;
  readonly caches: ProcDrbdCache[];
  readonly unknownLines: string[];
};

/** The kernel's number of a rate, in KiB per second: groups of three digits, the first as long as it takes. */
const RATE = String.raw`(-?\d{1,20}(?:,\d{3}){0,8})`;

// Each is tried at one place of a line (flag y), and what none of them takes is kept as unknown.
const VERSION = /version: (\S{1,100}) \(api:(\d{1,10})\/proto:(\d{1,10})(?:-(\d{1,10}))?\)/uy;
const COMPATIBILITY = / \((compat [^()]{1,100})\)/uy;
const TRANSPORTS = /Transports \(api:(\d{1,10})\):/uy;
const TRANSPORT = / ([^\s()]{1,80}) \(([^()]{0,80})\)/uy;
const DEVICE = / *(\d{1,10}): cs:(\S+)/uy;
const ROLES = / (?:ro|st):([^/\s]+)\/(\S+)/uy;
const DISKS = / ds:([^/\s]+)\/(\S+)/uy;
const PROTOCOL = / ([@-Z ])(?: |$)/uy;
const WORD = /\s*(\S+)/uy;
const COUNTER = /^(\w{1,10}):(\S{1,20})$/u;
const PROGRESS = /\[=*>?\.*\]\s*(sync'ed|verified): *(\d{1,10}(?:\.\d)?)%(?: *\((\d{1,20})\/(\d{1,20})\)([KM]))?/uy;
const STALLED = /\s*stalled$/uy;
/** The kernel prints all of it or nothing, so that no part of it may be missing. */
const FINISH = new RegExp(
  String.raw`\s*finish: (?:(\d{1,20}):([0-5]\d):([0-5]\d)|\u221e) speed: ${RATE} \((?:${RATE} -- )?${RATE}\)` +
    String.raw`(?: want: ${RATE})? K/sec( \(stalled\))?`,
  'uy',
);
const VERIFY_BITS = /(\d{1,10})% +(?:oos:(\d{1,20}) +)?(\d{1,20}) ?\/ ?(\d{1,20})$/uy;
const POSITION = /(\d{1,10})% sector pos: (\d{1,20})\/(\d{1,20})(?: stop sector: (\d{1,20}))?/uy;
const CACHE = /(\w{1,40}): used:(\d{1,20})\/(\d{1,20})/uy;
const CACHE_VALUE = / +(\w{1,40}):(\d{1,20})(?!\S)/uy;

/** Reads a line from left to right. */
class LineReader {
  readonly #line: string;
  #at = 0;

  constructor(line: string) {
    this.#line = line;
  }

  /** Takes what the pattern, which has the flag y, matches here. */
  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#line);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  /** Takes all that is left. */
  keepRest(unknownLines: string[]): void {
    const rest = this.#line.slice(this.#at).trim();
    this.#at = this.#line.length;
    if (rest !== '') unknownLines.push(rest);
  }
}

/**
 * Reads the text of /proc/drbd, as every release from 8.0 to 9.3 prints it (drbd_proc.c).
 * @param text all of it
 * @throws CodecError if it does not begin with the version line, lists a minor twice, or is larger than any kernel's
 */
export function parseProcDrbd(text: string): ProcDrbd {
  if (text.length > LARGEST_TEXT)
    throw new CodecError('/proc/drbd', 0, `at most ${LARGEST_TEXT} characters`, `${text.length}`);
  const lines = text.split('\n');
  const first = lines[0] ?? '';
  const head = new LineReader(first);
  const header = head.take(VERSION);
  if (header === null)
    throw new CodecError('/proc/drbd', 0, 'the line "version: … (api:…/proto:…)"', JSON.stringify(first.slice(0, 80)));
  const [, version = '', api, low, high] = header;
  const devices: DeviceDraft[] = [];
  const minors = new Set<number>();
  const transports: ProcDrbdTransport[] = [];
  const unknownLines: string[] = [];
  const compatibility = head.take(COMPATIBILITY)?.[1] ?? null;
  head.keepRest(unknownLines);
  let transportApi: number | null = null;
  let build: string | null = null;
  let device: DeviceDraft | undefined;
  let offset = first.length + 1;
  for (const line of lines.slice(1)) {
    const reader = new LineReader(line);
    const start = reader.take(DEVICE);
    if (start !== null) {
      device = parseDeviceLine(start, reader);
      if (minors.has(device.minor))
        throw new CodecError('/proc/drbd', offset, 'each minor once', `minor ${device.minor} again`);
      minors.add(device.minor);
      devices.push(device);
    } else if (line.trim() !== '') {
      if (device !== undefined) parseDetail(device, new LineReader(line.trim()));
      else {
        const loaded: RegExpExecArray | null = transportApi === null ? reader.take(TRANSPORTS) : null;
        if (loaded !== null) {
          transportApi = Number(loaded[1]);
          for (let next = reader.take(TRANSPORT); next !== null; next = reader.take(TRANSPORT))
            transports.push({ name: next[1] ?? '', version: next[2] ?? '' });
          reader.keepRest(unknownLines);
        } else if (build === null) build = line.trim();
        else unknownLines.push(line.trim());
      }
    }
    offset += line.length + 1;
  }
  return {
    version,
    api: Number(api),
    protocolMin: Number(low),
    protocolMax: Number(high ?? low),
    compatibility,
    build,
    gitHash: build === null ? null : (/^GIT-hash: (\S+)/u.exec(build)?.[1] ?? null),
    sourceVersion: build === null ? null : (/^srcversion: (\S+)/u.exec(build)?.[1] ?? null),
    transportApi,
    transports,
    devices: devices.map(finishDevice),
    unknownLines,
  };
}

function parseDeviceLine(match: RegExpExecArray, reader: LineReader): DeviceDraft {
  const [, minor, connection = ''] = match;
  const roles = reader.take(ROLES);
  const disks = reader.take(DISKS);
  const protocol = disks === null ? undefined : reader.take(PROTOCOL)?.[1];
  const unknownLines: string[] = [];
  const flags = protocol === undefined ? null : parseFlags(reader);
  reader.keepRest(unknownLines);
  return {
    minor: Number(minor),
    connection,
    role: roles?.[1] ?? null,
    peerRole: roles?.[2] ?? null,
    disk: disks?.[1] ?? null,
    peerDisk: disks?.[2] ?? null,
    protocol: protocol === undefined || protocol === ' ' ? null : protocol,
    flags,
    counters: null,
    progress: null,
    rounded: false,
    caches: [],
    unknownLines,
  };
}

/** What may stand at each place of the flags. */
const FLAG_LETTERS = [/[rs]/uy, /[a-]/uy, /[p-]/uy, /[u-]/uy, /[a-z-]/uy, /[s-]/uy] as const;

/** 8.0 to 8.2 print the first four letters, 8.3 one or two more, 8.4 all. */
function parseFlags(reader: LineReader): ProcDrbdFlags | null {
  const letters: string[] = [];
  for (const pattern of FLAG_LETTERS) {
    const letter = reader.take(pattern)?.[0];
    if (letter === undefined) break;
    letters.push(letter);
  }
  if (letters.length === 0) return null;
  const at = (index: number, letter: string): boolean | null =>
    index < letters.length ? letters[index] === letter : null;
  const congestion = letters[4];
  return {
    ioSuspended: at(0, 's'),
    resyncDependency: at(1, 'a'),
    resyncPausedByPeer: at(2, 'p'),
    resyncPausedByUser: at(3, 'u'),
    congestion: congestion === undefined || congestion === '-' ? null : congestion,
    activityLogSuspended: at(5, 's'),
  };
}

/** One of the lines below a device's first. */
function parseDetail(device: DeviceDraft, reader: LineReader): void {
  if (device.counters === null && reader.take(/(?=ns:)/uy) !== null) {
    const { counters, unknown } = parseCounters(reader);
    device.counters = counters;
    if (unknown !== '') device.unknownLines.push(unknown);
    return;
  }
  if (device.progress === null) parseProgress(device, reader);
  else parseProgressDetail(device.progress, reader);
  const cache = reader.take(CACHE);
  if (cache !== null) {
    const [, name = '', used = '', size = ''] = cache;
    const values = new Map([
      ['used', BigInt(used)],
      ['size', BigInt(size)],
    ]);
    for (let next = reader.take(CACHE_VALUE); next !== null; next = reader.take(CACHE_VALUE)) {
      const [text, key = '', number = ''] = next;
      if (values.has(key)) device.unknownLines.push(text.trim());
      else values.set(key, BigInt(number));
    }
    device.caches.push({ name, values: Object.fromEntries(values) });
  }
  reader.keepRest(device.unknownLines);
}

function newProgress(
  kind: ProcDrbdProgress['kind'],
  printedPercent: number,
  leftBytes: bigint | null,
  totalBytes: bigint | null,
): Writable<ProcDrbdProgress> {
  return {
    kind,
    printedPercent,
    leftBytes,
    totalBytes,
    etaSeconds: null,
    printedEtaSeconds: null,
    bytesPerSecond: null,
    shortAverageBytesPerSecond: null,
    averageBytesPerSecond: null,
    wantedBytesPerSecond: null,
    stalled: false,
    position: null,
  };
}

function parseProgress(device: DeviceDraft, reader: LineReader): void {
  const progress = reader.take(PROGRESS);
  if (progress !== null) {
    const [, word, percent, left, total, letter] = progress;
    device.rounded = letter === 'M';
    const unit = device.rounded ? KIB * KIB : KIB;
    device.progress = newProgress(
      word === 'verified' ? 'verify' : 'sync',
      Number(percent),
      left === undefined ? null : BigInt(left) * unit,
      total === undefined ? null : BigInt(total) * unit,
    );
    // Linux 2.6.39 to 3.14 end this line only where sizes are in KiB.
    parseProgressDetail(device.progress, reader);
    return;
  }
  const bits = reader.take(VERIFY_BITS);
  if (bits === null) return;
  const [text, percent, outOfSync, doneBits = '', totalBits = ''] = bits;
  const done = BigInt(doneBits);
  const total = BigInt(totalBits);
  const { counters } = device;
  if (done > total || (outOfSync !== undefined && (counters === null || counters.outOfSyncBytes !== null))) {
    device.unknownLines.push(text);
    return;
  }
  device.progress = newProgress('verify', Number(percent), (total - done) * BITMAP_BIT_BYTES, total * BITMAP_BIT_BYTES);
  // 8.2.0 and 8.2.1 count what is out of sync here only, in bits.
  if (outOfSync !== undefined && counters !== null) counters.outOfSyncBytes = BigInt(outOfSync) * BITMAP_BIT_BYTES;
}

function parseProgressDetail(progress: Writable<ProcDrbdProgress>, reader: LineReader): void {
  const printsSpeed = progress.bytesPerSecond === null && !progress.stalled;
  if (printsSpeed && reader.take(STALLED) !== null) {
    progress.stalled = true;
    return;
  }
  const finish = printsSpeed ? reader.take(FINISH) : null;
  if (finish !== null) {
    const [, hours, minutes = '', seconds = '', speed, shortAverage, average, wanted, mark] = finish;
    if (hours !== undefined)
      progress.printedEtaSeconds = BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds);
    progress.bytesPerSecond = rate(speed);
    progress.shortAverageBytesPerSecond = rate(shortAverage);
    progress.averageBytesPerSecond = rate(average);
    progress.wantedBytesPerSecond = rate(wanted);
    progress.stalled = mark !== undefined;
    const etaSeconds = Number(progress.printedEtaSeconds);
    // What is left, divided by nothing done for minutes, is no estimate.
    progress.etaSeconds =
      progress.stalled || hours === undefined || !Number.isSafeInteger(etaSeconds) ? null : etaSeconds;
    return;
  }
  const position = progress.position === null ? reader.take(POSITION) : null;
  if (position === null) return;
  const [, percent, at = '', end = '', stop] = position;
  progress.position = {
    printedPercent: Number(percent),
    bytes: BigInt(at) * SECTOR_BYTES,
    endBytes: BigInt(end) * SECTOR_BYTES,
    stopBytes: stop === undefined ? null : BigInt(stop) * SECTOR_BYTES,
  };
}

/** KiB per second, in groups of three digits. */
function rate(text: string | undefined): bigint | null {
  return text === undefined ? null : BigInt(text.replaceAll(',', '')) * KIB;
}

/** A resync ends when nothing is out of sync any more, so `oos:` says exactly what a rounded number left out. */
function finishDevice({ rounded, ...device }: DeviceDraft): ProcDrbdDevice {
  const { progress, counters } = device;
  const left = progress?.leftBytes ?? null;
  const exact = counters?.outOfSyncBytes ?? null;
  if (!rounded || progress?.kind !== 'sync' || left === null || exact === null) return device;
  // Blocks that failed are out of sync too, but not left: then the number is not what this one rounds to.
  if (exact - (exact % ROUNDING_BYTES) !== left) return device;
  progress.leftBytes = exact;
  if (progress.totalBytes === left) progress.totalBytes = exact;
  return device;
}

type ReadCounter = (counters: Writable<ProcDrbdCounters>, text: string) => boolean;
type KeysOf<T> = { [K in keyof ProcDrbdCounters]: ProcDrbdCounters[K] extends T ? K : never }[keyof ProcDrbdCounters];

function digits(key: KeysOf<bigint | null>, unit: bigint): ReadCounter {
  return (counters, text) => {
    if (counters[key] !== null || !/^\d{1,20}$/u.test(text)) return false;
    counters[key] = BigInt(text) * unit;
    return true;
  };
}

/** Counts of what is under way are signed in the kernel and may show a small negative number for a moment. */
function underWay(key: KeysOf<number | null>): ReadCounter {
  return (counters, text) => {
    if (counters[key] !== null || !/^-?\d{1,10}$/u.test(text)) return false;
    counters[key] = Math.max(0, Number(text));
    return true;
  };
}

const COUNTERS: ReadonlyMap<string, ReadCounter> = new Map<string, ReadCounter>([
  ['ns', digits('sentBytes', KIB)],
  ['nr', digits('receivedBytes', KIB)],
  ['dw', digits('writtenBytes', KIB)],
  ['dr', digits('readBytes', KIB)],
  ['al', digits('alWrites', 1n)],
  ['bm', digits('bmWrites', 1n)],
  ['lo', underWay('lowerPending')],
  ['pe', underWay('pending')],
  ['ua', underWay('unacked')],
  ['ap', underWay('upperPending')],
  ['ep', underWay('epochs')],
  [
    'wo',
    (counters, text) => {
      if (counters.writeOrdering !== null || text.length !== 1) return false;
      counters.writeOrdering = text;
      return true;
    },
  ],
  ['oos', digits('outOfSyncBytes', KIB)],
]);

function parseCounters(reader: LineReader): {
  readonly counters: Writable<ProcDrbdCounters>;
  readonly unknown: string;
} {
  const counters: Writable<ProcDrbdCounters> = {
    sentBytes: null,
    receivedBytes: null,
    writtenBytes: null,
    readBytes: null,
    alWrites: null,
    bmWrites: null,
    lowerPending: null,
    pending: null,
    unacked: null,
    upperPending: null,
    epochs: null,
    writeOrdering: null,
    outOfSyncBytes: null,
  };
  const unknown: string[] = [];
  for (let next = reader.take(WORD); next !== null; next = reader.take(WORD)) {
    const word = next[1] ?? '';
    const [, name = '', value = ''] = COUNTER.exec(word) ?? [];
    if (COUNTERS.get(name)?.(counters, value) !== true) unknown.push(word);
  }
  return { counters, unknown: unknown.join(' ') };
}
