import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const SOURCE = '/dev/urandom';
const POOL_BYTES = 64;

let pool: Buffer = Buffer.alloc(0);

/** Fills the pool from the kernel; node:crypto, where no file may be read, costs a tool a noticeable part of its start. */
function refill(): Buffer {
  const fresh = Buffer.alloc(POOL_BYTES);
  let file: number;
  try {
    file = openSync(SOURCE, 'r');
  } catch {
    // Another system, or Node's permission model.
    return randomFillSync(fresh);
  }
  try {
    return fresh.subarray(0, readSync(file, fresh));
  } finally {
    closeSync(file);
  }
}

/** @returns an unpredictable number of 32 bits */
export function randomUint32(): number {
  if (pool.length < 4) {
    pool = refill();
    if (pool.length < 4) throw new Error(`${SOURCE} gave ${pool.length} bytes`);
  }
  const number = pool.readUInt32LE(0);
  pool = pool.subarray(4);
  return number;
}
