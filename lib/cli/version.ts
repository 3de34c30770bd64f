import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generationNames } from './line/generations';
import type { Dialect } from '../drbd';

/** The package's description, from a compiled module and from the bundle. */
const PACKAGE = join(__dirname, '../../../package.json');

/** @returns the release of this package */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { readonly version: string }).version;
}

/** @returns what `--version` prints: the program, its release, and the generations of DRBD that it has commands for */
export function formatVersion(program: string, dialects: readonly Dialect[], json: boolean): string {
  const version = packageVersion();
  return json
    ? `${JSON.stringify({ program, version, dialects })}\n`
    : `${program} ${version} (node-drbd)${dialects.length === 0 ? '' : `, for ${dialects.map((dialect) => generationNames[dialect]).join(' and ')}`}\n`;
}
