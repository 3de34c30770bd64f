/** Numbers that look random and repeat with the seed (splitmix64): what a test does once it can do again. */
export class RandomSource {
  #state: bigint;

  constructor(seed: bigint) {
    this.#state = BigInt.asUintN(64, seed);
  }

  /** 64 bits, never 0: a zero stands for "no generation" in DRBD. */
  next(): bigint {
    this.#state = BigInt.asUintN(64, this.#state + 0x9e3779b97f4a7c15n);
    let mixed = this.#state;
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n);
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
    const value = mixed ^ (mixed >> 31n);
    return value === 0n ? 1n : value;
  }

  /** An integer of up to 48 bits, never 0: what a block holds. */
  nextContent(): number {
    return Number(BigInt.asUintN(48, this.next())) || 1;
  }
}
