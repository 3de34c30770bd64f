/** Past this many the least recently used are forgotten; they only matter while requests are under way. */
const MOST_KEYS = 4096;

/**
 * Finds out which names stand for the same thing: a request that names a minor and a resource tells that they belong
 * together, so that later requests by either name keep their order.
 */
export class KeyGroups {
  readonly #parents = new Map<string, string>();

  /** @param keys names of one thing. @returns the one key of all that is known to belong to it; undefined for no names */
  join(keys: readonly string[]): string | undefined {
    let root: string | undefined;
    for (const key of keys) {
      const own = this.#root(key);
      if (root !== undefined && own !== root) this.#parents.set(own, root);
      root ??= own;
    }
    if (this.#parents.size > MOST_KEYS) this.#parents.clear();
    return root;
  }

  #root(key: string): string {
    let at = key;
    for (let parent = this.#parents.get(at); parent !== undefined; parent = this.#parents.get(at)) at = parent;
    return at;
  }
}
