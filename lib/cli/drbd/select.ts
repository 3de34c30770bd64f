import type { Snapshot } from '../../drbd';
import { UsageError } from '../errors';
import { quote } from '../line/number';

/** @returns whether a word of a command line names the resource: by its name, a minor, or /dev/drbdN */
function isMeant(word: string, { name, devices }: Snapshot['resources'][number]): boolean {
  if (word === name) return true;
  const [, digits] = /^(?:\/dev\/drbd)?(\d+)$/u.exec(word) ?? [];
  return digits !== undefined && devices.some(({ minor }) => minor === Number(digits));
}

/**
 * Leaves the resources that are named; all where none is.
 * @param words names, minors or paths of devices
 */
export function selected(snapshot: Snapshot, words: readonly string[]): Snapshot {
  if (words.length === 0) return snapshot;
  // A resource that is called "0" comes before minor 0.
  const named = words.filter((word) => snapshot.resources.some(({ name }) => name === word));
  const resources = snapshot.resources.filter((resource) =>
    words.some((word) => (named.includes(word) ? resource.name === word : isMeant(word, resource))),
  );
  return { ...snapshot, resources };
}

/** @throws UsageError that names the first word that no resource has, and those that there are */
export function requireAll(snapshot: Snapshot, words: readonly string[]): void {
  for (const word of words) {
    if (snapshot.resources.some((resource) => isMeant(word, resource))) continue;
    const known = snapshot.resources.map(({ name, devices }) => name ?? String(devices[0]?.minor ?? ''));
    throw new UsageError(
      `there is no resource ${quote(word)}; ${known.length === 0 ? 'none exists' : `the existing ones are ${known.join(', ')}`}`,
      { code: 'ERR_DRBD_NOT_FOUND' },
    );
  }
}
