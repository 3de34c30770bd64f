import { closeSync, openSync, readSync } from 'node:fs';

const SOURCE = '/dev/urandom';
const POOL_BYTES = 64;

let pool = Buffer.alloc(0);

/**
 * @returns an unpredictable number of 32 bits, from the kernel. As randomInt() of node:crypto, whose module costs a
 *   tool a noticeable part of its start.
 * @throws the system's error where there is no /dev/urandom
 */
export function randomUint32(): number {
  if (pool.length < 4) {
    const fresh = Buffer.alloc(POOL_BYTES);
    const file = openSync(SOURCE, 'r');
    try {
      pool = fresh.subarray(0, readSync(file, fresh));
    } finally {
      closeSync(file);
    }
    if (pool.length < 4) throw new Error(`${SOURCE} gave ${pool.length} bytes`);
  }
  const number = pool.readUInt32LE(0);
  pool = pool.subarray(4);
  return number;
}
