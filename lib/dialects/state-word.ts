import { hostByteOrder, type ByteOrder } from '../netlink';

/** The packed state of a minor of DRBD 8 (union drbd_state), each part with its numbers as the kernel has them. */
export interface StateWord {
  /** 0 Unknown, 1 Primary, 2 Secondary. */
  readonly role: number;
  readonly peer: number;
  /** enum drbd_conns. */
  readonly conn: number;
  /** enum drbd_disk_state. */
  readonly disk: number;
  /** The peer's disk. */
  readonly pdsk: number;
  /** I/O is suspended by the user. */
  readonly susp: boolean;
  /** Resync waits for another one. */
  readonly aftr_isp: boolean;
  /** Resync is paused by the peer. */
  readonly peer_isp: boolean;
  /** Resync is paused by the user. */
  readonly user_isp: boolean;
  /** I/O is suspended as there is no data. */
  readonly susp_nod: boolean;
  /** I/O is suspended until the peer is fenced. */
  readonly susp_fen: boolean;
}

const WIDTHS: readonly (readonly [keyof StateWord, number])[] = [
  ['role', 2],
  ['peer', 2],
  ['conn', 5],
  ['disk', 4],
  ['pdsk', 4],
  ['susp', 1],
  ['aftr_isp', 1],
  ['peer_isp', 1],
  ['user_isp', 1],
  ['susp_nod', 1],
  ['susp_fen', 1],
];

/**
 * Name, first bit and mask of each part. C compilers allocate bit fields from the least significant bit on
 * little-endian machines, from the most significant on others.
 */
function layout(order: ByteOrder): readonly (readonly [keyof StateWord, number, number])[] {
  let used = 0;
  return WIDTHS.map(([name, width]) => {
    const shift = order === 'little' ? used : 32 - used - width;
    used += width;
    return [name, shift, 2 ** width - 1] as const;
  });
}

const LAYOUT = { little: layout('little'), big: layout('big') };

/** @param word 32 bits, signed or not. @param order of the machine whose kernel sent it */
export function decodeStateWord(word: number, order: ByteOrder): StateWord {
  const state: Record<string, number | boolean> = {};
  for (const [name, shift, mask] of LAYOUT[order]) {
    const value = (word >>> shift) & mask;
    state[name] = mask === 1 ? value === 1 : value;
  }
  return state as unknown as StateWord;
}

/** @returns the 32 bits as the wire's signed number. @throws RangeError if a part does not fit its bits */
export function encodeStateWord(state: StateWord, order: ByteOrder): number {
  let word = 0;
  for (const [name, shift, mask] of LAYOUT[order]) {
    const value = Number(state[name]);
    if (!Number.isInteger(value) || value < 0 || value > mask)
      throw new RangeError(`state.${name} is ${value}; an integer from 0 to ${mask} is needed`);
    word |= value << shift;
  }
  return word;
}

const SECONDARY = 2;
const STANDALONE = 0;
const DISKLESS = 0;

/**
 * @returns whether a minor has neither disk nor network: what drbdsetup of DRBD 8 calls Unconfigured. A primary such as
 *   this has lost its disk.
 */
export function hasNothing({ conn, disk }: Pick<StateWord, 'conn' | 'disk'>): boolean {
  return conn === STANDALONE && disk === DISKLESS;
}

/**
 * @returns whether a minor has neither disk nor network and is not in use: secondary as well. Such a minor hangs on some
 *   requests.
 */
export function isUnconfigured(word: number, order: ByteOrder = hostByteOrder()): boolean {
  const state = decodeStateWord(word, order);
  return state.role === SECONDARY && hasNothing(state);
}
