import { CodecError } from '../errors';

/** What the kernel's numbers in /proc/drbd are counted in. */
const KIB = 1024n;
/** A bit of the bitmap stands for 4 KiB; DRBD 8.2 counts a verify in bits. */
const BITMAP_BIT_BYTES = 4096n;
const SECTOR_BYTES = 512n;
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
  /** `lo`: requests open on the backing device. */
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
  readonly leftBytes: bigint | null;
  readonly totalBytes: bigint | null;
  /** `finish:`, in seconds. */
  readonly etaSeconds: number | null;
  /** `speed:`, over the last 20 seconds or so. */
  readonly bytesPerSecond: bigint | null;
  /** The number in parentheses: since the start, pauses not counted. */
  readonly averageBytesPerSecond: bigint | null;
  /** `want:`, the rate that the resync controller aims at; on the side that asks for blocks. */
  readonly wantedBytesPerSecond: bigint | null;
  /** No block was done for three minutes. */
  readonly stalled: boolean;
  /** `sector pos:`, with the module parameter proc_details. */
  readonly position: { readonly bytes: bigint; readonly endBytes: bigint; readonly stopBytes: bigint | null } | null;
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
  /** Lines that this parser does not know, without the space around them. */
  readonly unknownLines: readonly string[];
}

/** /proc/drbd, read. */
export interface ProcDrbd {
  /** The module's release, such as `8.4.11` or `9.1.7`. */
  readonly version: string;
  readonly api: number;
  /** Versions of the protocol between nodes that it speaks; 8.0 prints one number, which is both. */
  readonly protocolMin: number;
  readonly protocolMax: number;
  /** The line that tells the build: `GIT-hash: …`, `srcversion: …`, `built-in`, or `SVN Revision: …`. */
  readonly build: string | null;
  readonly gitHash: string | null;
  readonly sourceVersion: string | null;
  /** DRBD 9: transports that are loaded, with their releases. */
  readonly transports: readonly { readonly name: string; readonly version: string }[];
  /** By minor, in the kernel's order. DRBD 9 lists none. */
  readonly devices: readonly ProcDrbdDevice[];
  /** Lines before the first device that this parser does not know. */
  readonly unknownLines: readonly string[];
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type DeviceDraft = Omit<Writable<ProcDrbdDevice>, 'caches' | 'unknownLines'> & {
  readonly caches: ProcDrbdCache[];
  readonly unknownLines: string[];
};

const VERSION = /^version: (\S{1,100}) \(api:(\d{1,10})\/proto:(\d{1,10})(?:-(\d{1,10}))?\)\s*$/u;
const DEVICE = /^ *(\d{1,10}): cs:(\S+)(.*)$/u;
const ROLES = / (?:ro|st):([^/\s]+)\/(\S+)/u;
const DISKS = / ds:([^/\s]+)\/(\S+)(?: ([@-Z ])(?: ([-a-z]+))?)?/u;
const PROGRESS = /^\[=*>?\.*\]\s*(sync'ed|verified): *(\d{1,3}(?:\.\d)?)%(?: *\((\d{1,20})\/(\d{1,20})\)([KM]))?/u;
const FINISH = /^finish: (\d{1,20}):(\d{1,2}):(\d{1,2})/u;
const VERIFY_BITS = /^(\d{1,3})% +(\d{1,20})\/(\d{1,20})$/u;
const POSITION = /^\d{1,3}% sector pos: (\d{1,20})\/(\d{1,20})(?: stop sector: (\d{1,20}))?/u;
const CACHE = /^(\w+): used:(\d{1,20})\/(\d{1,20}) (.*)$/u;

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
  const header = VERSION.exec(first);
  if (header === null)
    throw new CodecError('/proc/drbd', 0, 'the line "version: … (api:…/proto:…)"', JSON.stringify(first.slice(0, 80)));
  const [, version = '', api, low, high] = header;
  const devices: DeviceDraft[] = [];
  const minors = new Set<number>();
  const transports: { readonly name: string; readonly version: string }[] = [];
  const unknownLines: string[] = [];
  let build: string | null = null;
  let device: DeviceDraft | undefined;
  let offset = first.length + 1;
  for (const line of lines.slice(1)) {
    const start = DEVICE.exec(line);
    if (start !== null) {
      device = parseDeviceLine(start);
      if (minors.has(device.minor))
        throw new CodecError('/proc/drbd', offset, 'each minor once', `minor ${device.minor} again`);
      minors.add(device.minor);
      devices.push(device);
    } else if (line.trim() !== '') {
      if (device !== undefined) parseDetail(device, line.trim());
      else if (line.startsWith('Transports ')) transports.push(...parseTransports(line));
      else if (build === null && devices.length === 0) build = line.trim();
      else unknownLines.push(line.trim());
    }
    offset += line.length + 1;
  }
  return {
    version,
    api: Number(api),
    protocolMin: Number(low),
    protocolMax: Number(high ?? low),
    build,
    gitHash: build === null ? null : (/^GIT-hash: (\S+)/u.exec(build)?.[1] ?? null),
    sourceVersion: build === null ? null : (/^srcversion: (\S+)/u.exec(build)?.[1] ?? null),
    transports,
    devices,
    unknownLines,
  };
}

function parseTransports(line: string): { readonly name: string; readonly version: string }[] {
  return Array.from(line.matchAll(/ (\w{1,40}) \(([^()\s]{1,40})\)/gu), ([, name = '', version = '']) => ({
    name,
    version,
  }));
}

function parseDeviceLine(match: RegExpExecArray): DeviceDraft {
  const [, minor, connection = '', rest = ''] = match;
  const roles = ROLES.exec(rest);
  const disks = DISKS.exec(rest);
  return {
    minor: Number(minor),
    connection,
    role: roles?.[1] ?? null,
    peerRole: roles?.[2] ?? null,
    disk: disks?.[1] ?? null,
    peerDisk: disks?.[2] ?? null,
    protocol: disks?.[3] === undefined || disks[3] === ' ' ? null : disks[3],
    flags: disks?.[4] === undefined ? null : parseFlags(disks[4]),
    counters: null,
    progress: null,
    caches: [],
    unknownLines: [],
  };
}

/** 8.0 to 8.2 print the first four letters, 8.3 and 8.4 two more. */
function parseFlags(letters: string): ProcDrbdFlags {
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
function parseDetail(device: DeviceDraft, line: string): void {
  if (line.startsWith('ns:')) {
    device.counters = parseCounters(line);
    return;
  }
  const progress = PROGRESS.exec(line);
  if (progress !== null) {
    const unit = progress[5] === 'M' ? KIB * KIB : KIB;
    device.progress = {
      ...NO_PROGRESS,
      kind: progress[1] === 'verified' ? 'verify' : 'sync',
      printedPercent: Number(progress[2]),
      leftBytes: progress[3] === undefined ? null : BigInt(progress[3]) * unit,
      totalBytes: progress[4] === undefined ? null : BigInt(progress[4]) * unit,
    };
    return;
  }
  const bits = VERIFY_BITS.exec(line);
  if (bits !== null && device.progress === null) {
    const done = BigInt(bits[2] ?? 0) * BITMAP_BIT_BYTES;
    const totalBytes = BigInt(bits[3] ?? 0) * BITMAP_BIT_BYTES;
    device.progress = {
      ...NO_PROGRESS,
      kind: 'verify',
      printedPercent: Number(bits[1]),
      leftBytes: done > totalBytes ? 0n : totalBytes - done,
      totalBytes,
    };
    return;
  }
  if (device.progress !== null) {
    const more = parseProgressDetail(line);
    if (more !== undefined) {
      device.progress = { ...device.progress, ...more };
      return;
    }
  }
  const cache = CACHE.exec(line);
  if (cache !== null) {
    const [, name = '', used = '', size = '', rest = ''] = cache;
    device.caches.push({
      name,
      values: { used: BigInt(used), size: BigInt(size), ...Object.fromEntries(pairs(rest)) },
    });
    return;
  }
  device.unknownLines.push(line);
}

const NO_PROGRESS: ProcDrbdProgress = Object.freeze({
  kind: 'sync',
  printedPercent: 0,
  leftBytes: null,
  totalBytes: null,
  etaSeconds: null,
  bytesPerSecond: null,
  averageBytesPerSecond: null,
  wantedBytesPerSecond: null,
  stalled: false,
  position: null,
});

function parseProgressDetail(line: string): Partial<ProcDrbdProgress> | undefined {
  if (line === 'stalled') return { stalled: true };
  const finish = FINISH.exec(line);
  if (finish !== null) {
    const [, hours, minutes, seconds] = finish;
    const etaSeconds = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    const stalled = line.endsWith('(stalled)');
    return {
      // What is left, divided by nothing done for minutes, is no estimate.
      etaSeconds: stalled || !Number.isSafeInteger(etaSeconds) ? null : etaSeconds,
      bytesPerSecond: rate(/ speed: ([\d,]{1,30})/u.exec(line)?.[1]),
      // With proc_details the parentheses hold the last three seconds first: `(1,024 -- 2,048)`.
      averageBytesPerSecond: rate(/\((?:[\d,]{1,30} -- )?([\d,]{1,30})\)/u.exec(line)?.[1]),
      wantedBytesPerSecond: rate(/ want: ([\d,]{1,30})/u.exec(line)?.[1]),
      stalled,
    };
  }
  const position = POSITION.exec(line);
  if (position === null) return undefined;
  const [, at = '', end = '', stop] = position;
  return {
    position: {
      bytes: BigInt(at) * SECTOR_BYTES,
      endBytes: BigInt(end) * SECTOR_BYTES,
      stopBytes: stop === undefined ? null : BigInt(stop) * SECTOR_BYTES,
    },
  };
}

/** KiB per second, in groups of three digits. */
function rate(text: string | undefined): bigint | null {
  const digits = text?.replaceAll(',', '') ?? '';
  return digits === '' ? null : BigInt(digits) * KIB;
}

/** The `name:number` pairs of a line. */
function pairs(line: string): [string, bigint][] {
  return Array.from(line.matchAll(/(\w{1,40}):(\d{1,20})(?!\S)/gu), ([, name = '', digits = '']) => [
    name,
    BigInt(digits),
  ]);
}

function parseCounters(line: string): ProcDrbdCounters {
  const words = new Map(
    Array.from(line.matchAll(/(\w{1,10}):(\S{1,20})/gu), ([, name = '', value = '']) => [name, value] as const),
  );
  const digits = (name: string): bigint | null => {
    const text = words.get(name);
    return text !== undefined && /^\d+$/u.test(text) ? BigInt(text) : null;
  };
  const bytes = (name: string): bigint | null => {
    const kib = digits(name);
    return kib === null ? null : kib * KIB;
  };
  // Counts of what is under way are signed in the kernel and may show a small negative number for a moment.
  const count = (name: string): number | null => {
    const text = words.get(name);
    return text !== undefined && /^-?\d{1,10}$/u.test(text) ? Math.max(0, Number(text)) : null;
  };
  return {
    sentBytes: bytes('ns'),
    receivedBytes: bytes('nr'),
    writtenBytes: bytes('dw'),
    readBytes: bytes('dr'),
    alWrites: digits('al'),
    bmWrites: digits('bm'),
    lowerPending: count('lo'),
    pending: count('pe'),
    unacked: count('ua'),
    upperPending: count('ap'),
    epochs: count('ep'),
    writeOrdering: words.get('wo') ?? null,
    outOfSyncBytes: bytes('oos'),
  };
}
