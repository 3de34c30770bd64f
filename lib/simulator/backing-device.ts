import { ArgumentError } from '../errors';
import { RangeSet, type Range } from './range-set';
import { UUID_JUST_CREATED, type Uuids } from './uuids';

// Where metadata stands and how much it leaves for data (drbd_int.h); all in sectors of 512 bytes.
const SECTOR_BYTES = 512n;
const METADATA_RESERVED = 128 * 2048;
const ACTIVITY_LOG_OFFSET = 8;
const ACTIVITY_LOG_SIZE = 64;
const BITMAP_OFFSET = ACTIVITY_LOG_OFFSET + ACTIVITY_LOG_SIZE;
/** One sector of bitmap stands for so many sectors of data (16 MiB). */
export const SECTORS_PER_BITMAP_SECTOR = 32_768;
/** A bit of the bitmap stands for 4 KiB. */
export const SECTORS_PER_BLOCK = 8;
export const BLOCKS_PER_BITMAP_EXTENT = SECTORS_PER_BITMAP_SECTOR / SECTORS_PER_BLOCK;
/** An extent of the activity log is 4 MiB. */
export const BLOCKS_PER_LOG_EXTENT = 1024;
const MOST_SECTORS_INDEXED = (METADATA_RESERVED - BITMAP_OFFSET) * SECTORS_PER_BITMAP_SECTOR;
const MOST_SECTORS_FLEXIBLE = 2 ** 51;
const SMALLEST_FLEXIBLE = 2048;

/** Modes of meta_dev_idx; numbers from 0 up are slots. */
export const META_INTERNAL = -1;
export const META_FLEXIBLE_EXTERNAL = -2;
export const META_FLEXIBLE_INTERNAL = -3;

/** Bits of the metadata's flags (linux/drbd.h). */
export const MDF = {
  MDF_CONSISTENT: 1,
  MDF_PRIMARY_IND: 2,
  MDF_CONNECTED_IND: 4,
  MDF_FULL_SYNC: 8,
  MDF_WAS_UP_TO_DATE: 16,
  MDF_PEER_OUT_DATED: 32,
  MDF_CRASHED_PRIMARY: 64,
} as const;

/** What drbdmeta writes into new metadata for the size of the activity log. */
const CREATED_LOG_EXTENTS = 257;

/** The metadata of one minor, on its disk: it stays when the minor lets go of it, and when the node dies. */
export interface Metadata {
  /** Size that both nodes agreed on last, in sectors. */
  agreedSectors: number;
  readonly uuids: Uuids;
  flags: number;
  logExtents: number;
  /**
   * Size that the bitmap was made for, in blocks; undefined for one just created, which is set wherever there is data.
   */
  bitmapBlocks: number | undefined;
  /** Blocks that may differ from the peer's. */
  readonly dirty: RangeSet;
  /** Extents that were hot last, in order of use: after a crash they count as dirty. */
  readonly hotExtents: Set<number>;
}

/** A disk that the simulator is told about. */
export interface BackingDeviceOptions {
  readonly sizeBytes: number | bigint;
  /** Device number, for those who ask; 1 and a count of its own if absent. */
  readonly major?: number;
  readonly minor?: number;
  /**
   * `internal` (the default) makes empty metadata at the end of it, as `drbdmeta create-md` would; `none` leaves it
   * blank.
   */
  readonly metadata?: 'internal' | 'none';
  /** It is open elsewhere, mounted for instance, so that attaching it fails. */
  readonly busy?: boolean;
}

/** Where the metadata of a minor is, on the device that holds it. */
export type MetadataPlace = 'internal' | 'flexible' | number;

export function metadataPlace(index: number): MetadataPlace {
  return index >= 0 ? index : index === META_FLEXIBLE_EXTERNAL ? 'flexible' : 'internal';
}

/** A disk below DRBD: its size, its metadata, and what its blocks hold. */
export class BackingDevice {
  readonly path: string;
  readonly major: number;
  readonly minor: number;
  busy: boolean;
  /** Reading or writing it fails from now on. */
  broken = false;
  #sectors: number;
  readonly #metadata = new Map<MetadataPlace, Metadata>();
  /** What a block holds, by its number; absent: never written. */
  readonly blocks = new Map<number, number>();
  /** Who has it open: a minor's number, or `metadata` for a shared metadata device. */
  #holder: number | 'metadata' | undefined;
  #opened = 0;

  constructor(path: string, options: BackingDeviceOptions, order: number) {
    this.path = path;
    this.major = options.major ?? 1;
    this.minor = options.minor ?? order;
    this.busy = options.busy ?? false;
    this.#sectors = toSectors(options.sizeBytes);
    if (options.metadata !== 'none') this.createMetadata('internal');
  }

  get sectors(): number {
    return this.#sectors;
  }

  /**
   * Gives the disk another size, as growing a logical volume does. Internal metadata does not move: it is lost, as it
   * would be.
   */
  resize(sizeBytes: number | bigint): void {
    this.#sectors = toSectors(sizeBytes);
  }

  /**
   * Writes empty metadata, as `drbdmeta create-md` does: nothing is known of the data, everything counts as different.
   */
  createMetadata(place: MetadataPlace = 'internal'): Metadata {
    const metadata: Metadata = {
      agreedSectors: 0,
      uuids: [UUID_JUST_CREATED, 0n, 0n, 0n],
      flags: 0,
      logExtents: CREATED_LOG_EXTENTS,
      bitmapBlocks: undefined,
      dirty: new RangeSet(),
      hotExtents: new Set(),
    };
    this.#metadata.set(place, metadata);
    return metadata;
  }

  wipeMetadata(place: MetadataPlace = 'internal'): void {
    this.#metadata.delete(place);
  }

  metadata(place: MetadataPlace): Metadata | undefined {
    return this.#metadata.get(place);
  }

  /** Opens it exclusively (blkdev_get_by_path with FMODE_EXCL). @returns false if somebody else has it */
  claim(holder: number | 'metadata'): boolean {
    if (this.busy || (this.#holder !== undefined && this.#holder !== holder)) return false;
    this.#holder = holder;
    this.#opened++;
    return true;
  }

  /** What blocks hold, those that were never written left out. */
  read(ranges: readonly Range[]): (readonly [block: number, content: number])[] {
    const found: (readonly [number, number])[] = [];
    for (const [start, end] of ranges) {
      if (end - start > this.blocks.size) {
        for (const [block, content] of this.blocks) if (block >= start && block < end) found.push([block, content]);
      } else {
        for (let block = start; block < end; block++) {
          const content = this.blocks.get(block);
          if (content !== undefined) found.push([block, content]);
        }
      }
    }
    return found;
  }

  /** Makes ranges equal to what another disk holds there. */
  overwrite(ranges: readonly Range[], contents: readonly (readonly [block: number, content: number])[]): void {
    for (const [block] of this.read(ranges)) this.blocks.delete(block);
    for (const [block, content] of contents) this.blocks.set(block, content);
  }

  release(): void {
    this.#opened = Math.max(0, this.#opened - 1);
    if (this.#opened === 0) this.#holder = undefined;
  }
}

function toSectors(sizeBytes: number | bigint): number {
  if (typeof sizeBytes === 'number' && (!Number.isInteger(sizeBytes) || sizeBytes < 0))
    throw new ArgumentError('sizeBytes', `a number of bytes from 0 up is needed, not ${sizeBytes}`);
  return Number(BigInt(sizeBytes) / SECTOR_BYTES);
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** Sectors that metadata takes (drbd_md_set_sector_offsets). */
export function metadataSectors(index: number, data: BackingDevice, metadata: BackingDevice): number {
  if (index >= 0) return METADATA_RESERVED;
  if (index === META_FLEXIBLE_EXTERNAL) return metadata.sectors;
  return roundUp(roundUp(data.sectors, SECTORS_PER_BITMAP_SECTOR) / SECTORS_PER_BITMAP_SECTOR, 8) + BITMAP_OFFSET;
}

/** Sectors that a disk has for data (drbd_get_max_capacity). */
export function dataSectors(index: number, data: BackingDevice, metadata: BackingDevice): number {
  if (index >= 0) return Math.min(MOST_SECTORS_INDEXED, data.sectors);
  const size = metadataSectors(index, data, metadata);
  if (index === META_FLEXIBLE_EXTERNAL)
    return Math.min(MOST_SECTORS_FLEXIBLE, data.sectors, Math.max(0, size - BITMAP_OFFSET) * SECTORS_PER_BITMAP_SECTOR);
  // The superblock is the last whole 4 KiB of the device; log and bitmap stand before it.
  const superblock = data.sectors - (data.sectors % 8) - 8;
  return data.sectors === 0 ? 0 : Math.max(0, Math.min(MOST_SECTORS_FLEXIBLE, superblock + 8 - size));
}

/** Smallest metadata device, in sectors. */
export function smallestMetadataDevice(index: number): number {
  return index < 0 ? SMALLEST_FLEXIBLE : METADATA_RESERVED * (index + 1);
}

export const blocksOf = (sectors: number): number => Math.ceil(sectors / SECTORS_PER_BLOCK);
