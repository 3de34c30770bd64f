/** How many slips of the pen a word may have, by its length: one in three letters. */
const LETTERS_PER_SLIP = 3;
/** Longer words are no slips of anything. */
const LONGEST = 64;

/** How many letters have to be put in, taken out, replaced or swapped with their neighbour. */
function distance(one: string, other: string): number {
  let before: readonly number[] = [];
  let above = Array.from({ length: other.length + 1 }, (_unused, index) => index);
  for (let row = 1; row <= one.length; row++) {
    const here = [row];
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1];
      let best = Math.min(
        (above[column] ?? 0) + 1,
        (here[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1])
        best = Math.min(best, (before[column - 2] ?? 0) + 1);
      here.push(best);
    }
    before = above;
    above = here;
  }
  return above[other.length] ?? 0;
}

/** @returns the known word that a misspelt one is nearest to; undefined where none is near */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > LONGEST) return undefined;
  const flat = word.toLowerCase().replaceAll('_', '-');
  let found: string | undefined;
  let least = Math.max(1, Math.floor(flat.length / LETTERS_PER_SLIP)) + 1;
  for (const candidate of known) {
    const slips =
      flat.length >= LETTERS_PER_SLIP && candidate.startsWith(flat) ? 1 : distance(flat, candidate.toLowerCase());
    if (slips >= least || slips >= candidate.length) continue;
    found = candidate;
    least = slips;
  }
  return found;
}
