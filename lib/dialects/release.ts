/** @returns the parts of a release such as `8.3.13`, or undefined for what is none */
function releaseNumbers(version: string): readonly number[] | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)/u.exec(version);
  return match?.slice(1).map(Number);
}

/** @returns whether a module is older than a release; false where either is no release */
export function isBefore(version: string, release: string): boolean {
  const [have, need] = [releaseNumbers(version), releaseNumbers(release)];
  if (have === undefined || need === undefined) return false;
  const at = need.findIndex((part, index) => part !== have[index]);
  return at !== -1 && (have[at] ?? 0) < (need[at] ?? 0);
}
