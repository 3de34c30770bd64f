/** A half-open range of blocks. */
export type Range = readonly [start: number, end: number];

/** A set of block numbers, kept as ranges: a device that is out of sync as a whole costs as much as one block. */
export class RangeSet {
  /** Sorted, disjoint and not adjacent. */
  #ranges: [number, number][] = [];
  #size = 0;

  /** How many blocks are in it. */
  get size(): number {
    return this.#size;
  }

  ranges(): readonly Range[] {
    return this.#ranges;
  }

  /** Index of the first range that ends after `block`. */
  #find(block: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.[1] ?? 0) <= block) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  has(block: number): boolean {
    const range = this.#ranges[this.#find(block)];
    return range !== undefined && range[0] <= block;
  }

  add(start: number, end: number): void {
    if (end <= start) return;
    // Ranges that touch the new one become one with it.
    const first = this.#find(start - 1);
    let last = first;
    let low = start;
    let high = end;
    for (let range = this.#ranges[last]; range !== undefined && range[0] <= end; range = this.#ranges[++last]) {
      low = Math.min(low, range[0]);
      high = Math.max(high, range[1]);
      this.#size -= range[1] - range[0];
    }
    this.#ranges.splice(first, last - first, [low, high]);
    this.#size += high - low;
  }

  delete(start: number, end: number): void {
    if (end <= start) return;
    const first = this.#find(start);
    let last = first;
    const kept: [number, number][] = [];
    for (let range = this.#ranges[last]; range !== undefined && range[0] < end; range = this.#ranges[++last]) {
      this.#size -= range[1] - range[0];
      if (range[0] < start) kept.push([range[0], start]);
      if (range[1] > end) kept.push([end, range[1]]);
    }
    for (const [low, high] of kept) this.#size += high - low;
    this.#ranges.splice(first, last - first, ...kept);
  }

  clear(): void {
    this.#ranges = [];
    this.#size = 0;
  }

  /** How many blocks of [start, end) are in it. */
  count(start: number, end: number): number {
    let found = 0;
    for (
      let index = this.#find(start), range = this.#ranges[index];
      range !== undefined && range[0] < end;
      range = this.#ranges[++index]
    ) {
      found += Math.min(range[1], end) - Math.max(range[0], start);
    }
    return found;
  }

  /** The first blocks from `from` on, at most `limit` of them, as ranges. */
  take(from: number, limit: number): Range[] {
    const found: Range[] = [];
    let left = limit;
    for (
      let index = this.#find(from), range = this.#ranges[index];
      range !== undefined && left > 0;
      range = this.#ranges[++index]
    ) {
      const start = Math.max(range[0], from);
      const end = Math.min(range[1], start + left);
      found.push([start, end]);
      left -= end - start;
    }
    return found;
  }
}
