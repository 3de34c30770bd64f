/** Past this many, names are forgotten as soon as nothing is under way. */
const MOST_KEYS = 4096;

/**
 * Finds out which names stand for the same thing: a request that names a minor and a resource tells that they belong
 * together, so that later requests by either name keep their order.
 */
export class KeyGroups {
  readonly #parents = new Map<string, string>();

  /**
   * @param keys names of one thing. @returns one of them, to be compared by {@link KeyGroups.same}; undefined for no
   *   names
   */
  join(keys: readonly string[]): string | undefined {
    const [first] = keys;
    if (first === undefined) return undefined;
    const root = this.#root(first);
    for (const key of keys) {
      const own = this.#root(key);
      if (own !== root) this.#parents.set(own, root);
    }
    return first;
  }

  /** Whether two names stand for the same thing, as far as is known by now. */
  same(one: string, other: string): boolean {
    return this.#root(one) === this.#root(other);
  }

  /** Nothing is under way: what was learned may be forgotten. */
  rest(): void {
    if (this.#parents.size > MOST_KEYS) this.#parents.clear();
  }

  #root(key: string): string {
    let at = key;
    for (let parent = this.#parents.get(at); parent !== undefined; parent = this.#parents.get(at)) at = parent;
    return at;
  }
}
