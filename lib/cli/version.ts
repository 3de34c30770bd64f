import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generationNames } from './drbdsetup/text/other-generations';
import type { Dialect } from '../drbd';

/** @returns the release of this package */
export function packageVersion(): string {
  // The code stands two folders below it in the package, and three where it is compiled.
  const [file = ''] = ['../..', '../../..'].map((folder) => join(__dirname, folder, 'package.json')).filter(existsSync);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}

/** @returns what `--version` prints: the program, its release, and the generations of DRBD that it has commands for */
export function formatVersion(program: string, dialects: readonly Dialect[], json: boolean): string {
  const version = packageVersion();
  return json
    ? `${JSON.stringify({ program, version, dialects })}\n`
    : `${program} ${version} (node-drbd)${dialects.length === 0 ? '' : `, for ${dialects.map((dialect) => generationNames[dialect]).join(' and ')}`}\n`;
}
