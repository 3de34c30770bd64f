import { ArgumentError, TransportError } from '../errors';
import type { SimulatedBlockDevice, SimulatedMachine } from '../dialects/simulated-machine';
import { CN_IDX_DRBD, CN_IDX_STEP, packets } from '../dialects/connector';
import { concatBytes, decodeSocketAddress, hostByteOrder, type ByteOrder } from '../netlink';
import type { BlockDevice } from '../transport/block-device';
import type { Transport } from '../transport/transport';
import { BackingDevice, type BackingDeviceOptions } from './backing-device';
import { Bus } from './bus';
import { realClock, type Clock } from './clock';
import { encodeTag } from './configuration';
import type { AttachedDisk, Device } from './device';
import { Faults, type Departure } from './faults';
import { Kernel, type Emission, type Sender } from './kernel';
import { Network } from './network';
import { RandomSource } from './random';
import { R_PRIMARY, type State } from './state';

/** How a user-space helper answers: its exit status, at once or after a while. */
export type HelperAnswer = number | { readonly exitStatus: number; readonly milliseconds: number };

export interface SimulatorOptions {
  /** Minors 0 to minorCount - 1 may be created (the module's parameter); 32 if absent. */
  readonly minorCount?: number;
  /** Time; this machine's if absent. A test passes a VirtualClock and moves it. */
  readonly clock?: Clock;
  /** Disks by their path. A path that is not here does not exist. */
  readonly disks?: Readonly<Record<string, BackingDeviceOptions>>;
  /** Seed of everything random, such as generations of data; 1 if absent: the same run again. */
  readonly seed?: bigint | number;
  /** Byte order of the simulated machine; this one's if absent. */
  readonly byteOrder?: ByteOrder;
  /** Connector index, 8 if absent; the group is the one of the index modulo 6977. */
  readonly index?: number;
  /** The module's release, from 8.3.10 to 8.3.16; 8.3.13 if absent. Its rules are those of 8.3.13 throughout. */
  readonly version?: string;
  /** What minors of several simulators of this process find each other through; one of its own if absent. */
  readonly network?: Network;
  /**
   * This machine's own addresses, without ports, such as `10.0.0.1` or `::1`: a minor with another one goes
   * stand-alone. Any address if absent.
   */
  readonly addresses?: readonly string[];
  /** Names of the kernel's crypto API that exist; `hmac(…)` for authentication. */
  readonly algorithms?: readonly string[];
  /** Processors of the machine, for cpu-mask; 2 if absent. */
  readonly processors?: number;
  /**
   * What the user-space helper would answer; 0 if absent. Called with the event, such as `fence-peer`, and the minor.
   */
  readonly helper?: (event: string, minor: number) => HelperAnswer;
}

/** A minor, as a test looks at it. */
export interface MinorView {
  readonly minor: number;
  readonly state: State;
  /** Current, bitmap and history; undefined without disk. */
  readonly uuids: readonly bigint[] | undefined;
  /** Flags of the metadata. */
  readonly flags: number;
  readonly sizeSectors: number;
  /** Blocks of 4 KiB that may differ from the peer's. */
  readonly dirtyBlocks: number;
  isDirty(block: number): boolean;
  /** Whether a write of a block waits for the peer to confirm it. */
  isInFlight(block: number): boolean;
  /** What a block of the attached disk holds; 0 if it was never written, undefined without disk. */
  content(block: number): number | undefined;
  readonly connected: boolean;
  /** Path of the attached disk. */
  readonly disk: string | undefined;
}

const DEFAULT_ALGORITHMS = [
  'md5',
  'sha1',
  'crc32c',
  'sha256',
  'sha512',
  'hmac(md5)',
  'hmac(sha1)',
  'hmac(sha256)',
  'hmac(sha512)',
];
const MOST_MINORS = 256;
/** struct sockaddr_in. */
const SHORTEST_ADDRESS_BYTES = 16;
const ANY_ADDRESS = ['0.0.0.0', '::'];
/** Major number of DRBD's devices. */
const DRBD_MAJOR = 147;
const SECTOR_BYTES = 512n;
const ENOENT = 2;
const API = 88;
const PROTOCOLS = '86-96';

/** A simulated kernel with DRBD 8.3, and the machine around it. */
export class Simulator {
  /**
   * For `openDrbd({ transport, dialect: 'connector' })`: sockets inside this process that reach this simulator and
   * nothing else.
   */
  readonly transport: Transport;
  readonly clock: Clock;
  readonly network: Network;
  readonly byteOrder: ByteOrder;
  readonly index: number;
  /** Mask of the multicast group that the kernel's messages go to. */
  readonly groups: number;
  readonly faults: Faults;
  readonly #options: SimulatorOptions;
  readonly #disks = new Map<string, BackingDevice>();
  readonly #listeners = new Set<(departure: Departure, emission: Emission) => void>();
  readonly #random: RandomSource;
  readonly #bus: Bus;
  #kernel: Kernel | undefined;
  #closed = false;

  /** @throws ArgumentError */
  constructor(options: SimulatorOptions = {}) {
    this.#options = options;
    const { minorCount = 32, index = CN_IDX_DRBD[0], version = '8.3.13' } = options;
    if (!Number.isInteger(minorCount) || minorCount < 1 || minorCount > MOST_MINORS)
      throw new ArgumentError('minorCount', `a number from 1 to ${MOST_MINORS} is needed`);
    if (!Number.isInteger(index) || index < 1 || index > 0xffffffff)
      throw new ArgumentError('index', 'a number from 1 to 4294967295 is needed');
    if (!/^8\.3\.1[0-6]$/u.test(version))
      throw new ArgumentError('version', `a release from 8.3.10 to 8.3.16 is needed, not ${JSON.stringify(version)}`);
    this.clock = options.clock ?? realClock();
    this.network = options.network ?? new Network();
    this.byteOrder = options.byteOrder ?? hostByteOrder();
    this.index = index;
    this.groups = 1 << ((index % CN_IDX_STEP) - 1);
    this.faults = new Faults(this.byteOrder === 'little');
    this.#random = new RandomSource(BigInt(options.seed ?? 1));
    for (const [path, disk] of Object.entries(options.disks ?? {})) this.addDisk(path, disk);
    this.#bus = new Bus(
      {
        procDrbd: () => (this.#kernel === undefined ? { error: 'ENOENT' } : this.#kernel.procDrbd()),
        connectorIndex: () => (this.#kernel === undefined ? undefined : index),
        blockDevice: (path) => this.#blockDevice(path),
        simulated: true,
      },
      (bytes, done) => {
        this.receive(bytes, undefined, done);
      },
    );
    this.transport = this.#bus;
    this.#load();
  }

  /** Tells it of a disk. @throws ArgumentError if there is one of that path */
  addDisk(path: string, options: BackingDeviceOptions): BackingDevice {
    if (this.#disks.has(path)) throw new ArgumentError('disks', `there is a disk ${path} already`);
    const disk = new BackingDevice(path, options, this.#disks.size);
    this.#disks.set(path, disk);
    return disk;
  }

  /** Another path to a disk, such as a symbolic link. @throws ArgumentError if the path is taken */
  linkDisk(path: string, target: string): void {
    const disk = this.disk(target);
    if ((this.#disks.get(path) ?? disk) !== disk) throw new ArgumentError('disks', `there is a disk ${path} already`);
    this.#disks.set(path, disk);
  }

  /** @throws ArgumentError if there is none of that path */
  disk(path: string): BackingDevice {
    const disk = this.#disks.get(path);
    if (disk === undefined)
      throw new ArgumentError(
        'disk',
        `there is no disk ${path}; there are ${[...this.#disks.keys()].join(', ') || 'none'}`,
      );
    return disk;
  }

  get disks(): readonly BackingDevice[] {
    return [...this.#disks.values()];
  }

  /**
   * A datagram from user space. The kernel works on it at once; what it says goes to the listeners.
   * @param sender without CAP_SYS_ADMIN it is refused (152); privileged if absent
   * @param done is called when the sender would come back from the kernel: never for a request that hangs
   */
  receive(datagram: Uint8Array, sender: Sender = { privileged: true }, done: () => void = () => undefined): void {
    if (this.#kernel === undefined) done();
    else this.#kernel.receive(datagram.slice(), sender, done);
  }

  /** @param listener gets every datagram that the kernel multicasts, and what it is about. @returns ends it */
  onDatagram(listener: (departure: Departure, emission: Emission) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** The text of /proc/drbd; undefined while the module is not loaded. */
  procDrbd(): string | undefined {
    return this.#kernel?.procDrbd();
  }

  /** The files of its machine: what a program on it would find in /proc and /dev. */
  machine(): SimulatedMachine {
    const blockDevices = new Map<string, SimulatedBlockDevice>();
    for (const [path, { sectors, major, minor }] of this.#disks)
      blockDevices.set(path, { sizeBytes: BigInt(sectors) * SECTOR_BYTES, major, minor });
    for (const { minor, sectors } of this.#kernel?.devices() ?? [])
      blockDevices.set(`/dev/drbd${minor}`, { sizeBytes: BigInt(sectors) * SECTOR_BYTES, major: DRBD_MAJOR, minor });
    return {
      procDrbd: this.procDrbd() ?? null,
      connectorIndex: this.#kernel === undefined ? null : this.index,
      blockDevices,
    };
  }

  #blockDevice(path: string): BlockDevice {
    const found = this.machine().blockDevices.get(path);
    if (found === undefined)
      throw new TransportError(`opening ${path}: ENOENT (2): the simulated machine has no such device`, {
        syscall: 'open',
        errno: ENOENT,
      });
    return { path, ...found };
  }

  /** The minors that exist, in order. */
  minors(): readonly number[] {
    return this.#kernel?.devices().map(({ minor }) => minor) ?? [];
  }

  /** @returns what there is to know of a minor; undefined if it does not exist */
  minor(minor: number): MinorView | undefined {
    const device = this.#kernel?.device(minor);
    return device === undefined ? undefined : viewOf(device);
  }

  /**
   * Opens a minor as a program does: while it is open, it cannot be demoted. @returns closes it. @throws ArgumentError
   * if it does not exist or is not primary
   */
  openMinor(minor: number): () => void {
    const device = this.#device(minor);
    if (device.state.role !== R_PRIMARY)
      throw new ArgumentError('minor', `minor ${minor} is not primary, so nobody can open it`);
    device.openCount++;
    let open = true;
    return () => {
      if (open) device.openCount--;
      open = false;
    };
  }

  /**
   * Writes blocks of 4 KiB as an application does.
   * @param blocks first block, and the one behind the last
   * @param content what they hold then; something new if absent
   * @returns `failed` on a secondary or without data, `frozen` while I/O is suspended or disks negotiate: it is done
   *   when it may
   * @throws ArgumentError for what are no whole numbers, and if the minor does not exist
   */
  write(minor: number, blocks: readonly [start: number, end: number], content?: number): 'done' | 'failed' | 'frozen' {
    const device = this.#device(minor);
    if (!Number.isSafeInteger(blocks[0]) || !Number.isSafeInteger(blocks[1]))
      throw new ArgumentError(
        'blocks',
        `the first block and the one behind the last are needed, not ${String(blocks)}`,
      );
    if (content !== undefined && !Number.isSafeInteger(content))
      throw new ArgumentError('content', `a whole number is needed, not ${String(content)}`);
    const result =
      content === undefined ? device.write(blocks[0], blocks[1]) : device.write(blocks[0], blocks[1], content);
    device.host.scheduler.run();
    return result;
  }

  /** A lower disk fails: what on-io-error says happens, and its data cannot be reached any more. */
  failDisk(minor: number): void {
    const device = this.#device(minor);
    if (device.disk !== undefined) device.disk.data.broken = true;
    device.diskFailed();
    device.host.scheduler.run();
  }

  /** A block of the peer's failed its checksum: the kernel tells everybody with a dump_ee broadcast. */
  reportIntegrityFailure(
    minor: number,
    dump: {
      readonly reason: string;
      readonly seenDigest: Uint8Array;
      readonly calculatedDigest: Uint8Array;
      readonly sector: bigint;
      readonly blockId: bigint;
      readonly data: Uint8Array;
    },
  ): void {
    const { tags } = packets.dump_ee;
    const encoded = [
      encodeTag(tags.dump_ee_reason, dump.reason, this.byteOrder),
      encodeTag(tags.seen_digest, dump.seenDigest, this.byteOrder),
      encodeTag(tags.calc_digest, dump.calculatedDigest, this.byteOrder),
      encodeTag(tags.ee_sector, dump.sector, this.byteOrder),
      encodeTag(tags.ee_block_id, dump.blockId, this.byteOrder),
      encodeTag(tags.ee_data, dump.data.subarray(0, tags.ee_data.maxBytes), this.byteOrder),
    ];
    this.#kernel?.broadcastDump(minor, concatBytes(encoded));
  }

  /** Every socket of this process that listens loses the next `count` messages, as if its buffer were full. */
  overrunListeners(count = 1): void {
    if (!Number.isSafeInteger(count) || count < 0)
      throw new ArgumentError('count', `a number of messages is needed, not ${String(count)}`);
    this.#bus.overrun(count);
  }

  /** The power fails and comes back: minors, requests and connections are gone, the disks keep what was on them. */
  crash(): void {
    this.unload();
    this.#load();
  }

  /** The module vanishes: nothing is answered and /proc/drbd is gone, until `load`. */
  unload(): void {
    const kernel = this.#kernel;
    this.#kernel = undefined;
    if (kernel === undefined) return;
    for (const device of kernel.devices()) device.link?.vanish();
    kernel.halt();
  }

  /** Loads the module again, without minors. */
  load(): void {
    if (this.#kernel === undefined && !this.#closed) this.#load();
  }

  /** Ends it. Sockets of this process are closed. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.unload();
    this.#bus.closeAll();
    this.#listeners.clear();
  }

  #device(minor: number): Device {
    const device = this.#kernel?.device(minor);
    if (device === undefined) throw new ArgumentError('minor', `minor ${minor} does not exist`);
    return device;
  }

  #load(): void {
    const {
      minorCount = 32,
      version = '8.3.13',
      algorithms = DEFAULT_ALGORITHMS,
      processors = 2,
      helper,
    } = this.#options;
    this.#kernel = new Kernel({
      release: version,
      header: `version: ${version} (api:${API}/proto:${PROTOCOLS})\nbuilt-in\n`,
      order: this.byteOrder,
      index: this.index,
      minorCount,
      clock: this.clock,
      network: this.network,
      random: this.#random,
      disks: this.#disks,
      algorithms: new Set(algorithms),
      processors,
      isLocal: (address) => this.#isLocal(address),
      writeOrdering: 'f',
      faults: this.faults.kernel,
      runHelper: (event, minor) => {
        const answer = helper?.(event, minor) ?? 0;
        return typeof answer === 'number' ? { exitStatus: answer, milliseconds: 0 } : answer;
      },
      emit: (bytes, emission) => {
        this.#emit(bytes, emission);
      },
    });
  }

  /** A socket can be bound to it: it is whole, of a family that the machine has, and an address of its own. */
  #isLocal(bytes: Uint8Array): boolean {
    if (bytes.length < SHORTEST_ADDRESS_BYTES) return false;
    try {
      const { family, address } = decodeSocketAddress(bytes, this.byteOrder);
      return (
        (family === 'ipv4' || family === 'ipv6') &&
        (ANY_ADDRESS.includes(address) || (this.#options.addresses?.includes(address) ?? true))
      );
    } catch {
      return false;
    }
  }

  #emit(bytes: Uint8Array, emission: Emission): void {
    this.faults.apply(
      bytes,
      emission,
      (departure, about) => {
        this.#bus.multicast(departure.bytes, departure.foreign ? FOREIGN_PORT : 0, this.groups);
        for (const listener of this.#listeners) listener(departure, about);
      },
      (milliseconds, run) => {
        this.clock.after(milliseconds, run);
      },
    );
  }
}

/** Whose forged messages claim to be the kernel's. */
const FOREIGN_PORT = 0x7fff_ffff;

function viewOf(device: Device): MinorView {
  const { disk } = device;
  const attached: AttachedDisk | undefined = device.hasDisk() ? disk : undefined;
  return {
    minor: device.minor,
    state: device.state,
    uuids: attached === undefined ? undefined : [...attached.metadata.uuids],
    flags: attached?.metadata.flags ?? 0,
    sizeSectors: device.sectors,
    dirtyBlocks: device.dirtyBlocks,
    isDirty: (block) => attached?.metadata.dirty.has(block) ?? false,
    isInFlight: (block) => [...device.unconfirmed.values()].some(([start, end]) => start <= block && block < end),
    content: (block) => (attached === undefined ? undefined : (attached.data.blocks.get(block) ?? 0)),
    connected: device.link !== undefined,
    disk: attached?.data.path,
  };
}

/**
 * Makes a simulated kernel with DRBD 8.3 inside this process.
 * @throws ArgumentError
 */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  return new Simulator(options);
}
