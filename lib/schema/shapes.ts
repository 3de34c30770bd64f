/** Past this many, V8 makes a hash table of an object whose properties are set by computed names. */
const MOST_COMPUTED = 12;
/** Messages come in a few forms; whatever else comes may be slow. */
const MOST_SHAPES = 64;

/**
 * Keeps objects small and quick whose properties are set by computed names, from a table. V8 makes a hash table of a
 * larger one, unless it knows an object with the same properties in the same order: then it takes that one's shape.
 */
export class Shapes {
  readonly #known = new Map<number, object>();

  /** @param form tells objects with the same names in the same order from others, as well as a number of 32 bits can */
  learn(form: number, size: number, values: object): void {
    if (size <= MOST_COMPUTED || this.#known.has(form) || this.#known.size >= MOST_SHAPES) return;
    this.#known.set(form, { ...values });
  }
}
