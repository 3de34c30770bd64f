/**
 * An immutable list whose entries are found by key. Changing one copies the array of references and nothing else. The
 * index is a hint that all versions of a list share: an entry that is not where it says is looked for, and noted again.
 */
export class KeyedList<V extends { readonly key: string }> {
  readonly #index: Map<string, number>;
  readonly items: readonly V[];
  #view: readonly object[] | undefined;

  private constructor(items: readonly V[], index: Map<string, number>) {
    this.items = items;
    this.#index = index;
  }

  static of<V extends { readonly key: string }>(items: readonly V[]): KeyedList<V> {
    return new KeyedList<V>(items, new Map(items.map(({ key }, at) => [key, at])));
  }

  static empty<V extends { readonly key: string }>(): KeyedList<V> {
    return new KeyedList<V>([], new Map());
  }

  #find(key: string): number {
    const hint = this.#index.get(key);
    if (hint !== undefined && this.items[hint]?.key === key) return hint;
    const at = this.items.findIndex((item) => item.key === key);
    if (at >= 0) this.#index.set(key, at);
    return at;
  }

  /**
   * @param project the same function at every call
   * @returns what it makes of each entry, the same array each time
   */
  view<T extends object>(project: (item: V) => T): readonly T[] {
    return (this.#view ??= Object.freeze(this.items.map(project))) as readonly T[];
  }

  get(key: string): V | undefined {
    return this.items[this.#find(key)];
  }

  /**
   * @param before whether the first belongs before the second; a new entry goes behind those that do not belong behind
   *   it
   * @returns a list in which `item` is the entry of its key
   */
  with(item: V, before: (a: V, b: V) => boolean = () => false): KeyedList<V> {
    const at = this.#find(item.key);
    const items = this.items.slice();
    if (at >= 0) {
      const [previous, next] = [items[at - 1], items[at + 1]];
      if ((previous === undefined || !before(item, previous)) && (next === undefined || !before(next, item))) {
        items[at] = item;
        return new KeyedList(items, this.#index);
      }
      items.splice(at, 1);
    }
    let place = items.length;
    for (let last = items[place - 1]; last !== undefined && before(item, last); last = items[place - 1]) place--;
    items.splice(place, 0, item);
    this.#index.set(item.key, place);
    return new KeyedList(items, this.#index);
  }

  /** @returns `before` if it has the same entries in the same order, else this list */
  sharing(before: KeyedList<V>): KeyedList<V> {
    const equal =
      before.items.length === this.items.length && before.items.every((item, at) => item === this.items[at]);
    return equal ? before : this;
  }

  /** @returns a list of what `change` makes of each entry */
  map(change: (item: V) => V): KeyedList<V> {
    return KeyedList.of(this.items.map(change));
  }

  without(key: string): KeyedList<V> {
    const at = this.#find(key);
    if (at < 0) return this;
    this.#index.delete(key);
    return new KeyedList(this.items.toSpliced(at, 1), this.#index);
  }
}
