import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const SOURCE = '/dev/urandom';
/** Few at first: a tool needs one. */
const FIRST_BYTES = 64;
const MORE_BYTES = 8192;

let pool: Buffer = Buffer.alloc(0);
let used = 0;

/** Fills the pool from the kernel; node:crypto, where no file may be read, costs a tool a noticeable part of its start. */
function refill(length: number): Buffer {
  const fresh = Buffer.alloc(length);
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
  if (pool.length - used < 4) {
    pool = refill(pool.length === 0 ? FIRST_BYTES : MORE_BYTES);
    used = 0;
    if (pool.length < 4) throw new Error(`${SOURCE} gave ${pool.length} bytes`);
  }
  used += 4;
  return pool.readUInt32LE(used - 4);
}
