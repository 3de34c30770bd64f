// What differs from one run to the next without anybody's doing, and what it becomes so that the rest can be compared
// byte for byte.

/** Counters of traffic, which depend on how requests happened to be gathered. */
const COUNTERS = /\b(ns|nr|dw|dr|al|bm|lo|pe|ua|ap|ep):\d+/gu;
const STATISTICS =
  /\b(received|sent|read|written|al-writes|bm-writes|upper-pending|lower-pending|pending|unacked):\d+/gu;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+[+-]\d\d:\d\d/gmu;
/** Progress of a resync that is held: how far it came is chance. */
const PROGRESS = /^\s*(?:\[[=>.]*\].*|finish: .*)\n/gmu;
const DONE = /\bdone:\d+\.\d+/gu;
const PERCENT = /\b_resynced_percent=\d+\.\d+/gu;

/**
 * Gives generation identifiers names in the order in which they appear, over all texts of a run: what is the same there
 * stays the same. The lowest bit is no part of a generation: in the current one it says whether the node is primary, in
 * the others it is chance.
 */
export class Generations {
  readonly #names = new Map<bigint, string>();

  name(hex: string): string {
    const value = BigInt(`0x${hex}`);
    // Zero and the marks of fresh metadata are no random numbers.
    if (value < 0x100n) return hex;
    const generation = value & ~1n;
    let name = this.#names.get(generation);
    if (name === undefined) {
      name = `generation ${this.#names.size + 1}`;
      this.#names.set(generation, name);
    }
    return `<${name}>`;
  }
}

/** @returns the text without what is different each time */
export function normalise(text: string, generations: Generations): string {
  return text
    .replace(TIMESTAMP, '<time>')
    .replace(COUNTERS, '$1:<n>')
    .replace(STATISTICS, '$1:<n>')
    .replace(PROGRESS, '')
    .replace(DONE, 'done:<n>')
    .replace(PERCENT, '_resynced_percent=<n>')
    .replace(/\b[0-9A-F]{16}\b/gu, (hex) => generations.name(hex));
}
