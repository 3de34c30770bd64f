#!/usr/bin/env node
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import type * as tool from '../drbdsetup';
import type * as processes from '../io';

// Starts the tool: from the file that scripts/bundle made, with V8's code cache, or else from its modules.

interface Bundle {
  readonly './cli/drbdsetup': typeof tool;
  readonly './cli/io': typeof processes;
}

/** Where a developer compiles, modules may be newer than the bundle. A package has no such file. */
const COMPILED = join(__dirname, '../../../.tsbuildinfo');
const TOOL = join(__dirname, '../../tools/drbdsetup.js');
const CACHE = join(__dirname, '../../tools/drbdsetup.cache');

function loadBundle(): Bundle | undefined {
  let source: string;
  let cachedData: Buffer | undefined;
  try {
    const compiled = statSync(COMPILED, { throwIfNoEntry: false });
    if (compiled !== undefined && compiled.mtimeMs > statSync(TOOL).mtimeMs) return undefined;
    // A function of all modules; all of it is ASCII.
    source = readFileSync(TOOL, 'latin1');
    cachedData = readFileSync(CACHE);
  } catch {
    return undefined;
  }
  // A cache that another release of Node made is not taken, and everything is compiled as it is needed.
  const script = new Script(source, { filename: TOOL, cachedData });
  const module = { exports: {} };
  const run = script.runInThisContext() as (...args: readonly unknown[]) => void;
  run(require, module, module.exports, TOOL, join(__dirname, '../../tools'));
  return module.exports as Bundle;
}

const {
  './cli/drbdsetup': { main },
  './cli/io': { processIo },
} = loadBundle() ?? {
  './cli/drbdsetup': require('../drbdsetup') as typeof tool,
  './cli/io': require('../io') as typeof processes,
};

void main(process.argv.slice(2), processIo()).then((code) => {
  // A thread that is stuck in the kernel must not keep the process.
  process.exit(code);
});
