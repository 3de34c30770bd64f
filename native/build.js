#!/usr/bin/env node
'use strict';

/**
 * Compiles the addon from its source, for machines that the prebuilt ones do not serve (another C library such as musl,
 * another processor): native/build/Release/node_drbd.node, which is preferred to a prebuilt one from then on.
 *
 *   node node_modules/node-drbd/native/build.js
 *
 * A C++17 compiler, make and python3 are needed (Debian: g++ make python3; Alpine: g++ make python3). Where node-gyp or
 * node-addon-api is missing, npm fetches it into a temporary folder, and runs no script of it.
 */

const { spawnSync } = require('node:child_process');
const { existsSync, mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { delimiter, dirname, join } = require('node:path');
const { devDependencies } = require('../package.json');

const GYP = 'node-gyp/bin/node-gyp.js';
const HEADERS = 'node-addon-api/package.json';

function find(file, folders) {
  for (const folder of folders) {
    try {
      return require.resolve(file, { paths: [folder] });
    } catch {
      // The next place.
    }
  }
  return undefined;
}

/** The package's own node-gyp, or the one that comes with npm. */
const gypFolders = [
  __dirname,
  ...(process.env.npm_execpath === undefined ? [] : [dirname(process.env.npm_execpath)]),
  '/usr/share/nodejs',
  join(dirname(process.execPath), '../lib/node_modules/npm'),
];

/** Headers that are installed beside this Node make a download of them needless. */
function headers() {
  const prefix = join(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

function fail(message) {
  console.error(`node-drbd: ${message}`);
  return 1;
}

function build(fetched) {
  let gyp = find(GYP, gypFolders);
  let api = find(HEADERS, [__dirname]);
  const missing = [...(gyp === undefined ? ['node-gyp'] : []), ...(api === undefined ? ['node-addon-api'] : [])];
  if (missing.length > 0) {
    const words = missing.map((name) => `${name}@${devDependencies[name]}`);
    const { status, error } = spawnSync(
      'npm',
      ['install', '--prefix', fetched, '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', ...words],
      { cwd: fetched, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    if (status !== 0)
      return fail(
        `npm could not fetch ${missing.join(' and ')}${error === undefined ? '' : ` (${error.message})`}. ` +
          `Install ${missing.length > 1 ? 'them' : 'it'} beside this package (npm install ${words.join(' ')}) and run this again.`,
      );
    gyp ??= find(GYP, [fetched]);
    api ??= find(HEADERS, [fetched]);
  }
  const { status } = spawnSync(process.execPath, [gyp, 'rebuild', '--loglevel=warn', ...headers()], {
    cwd: __dirname,
    stdio: 'inherit',
    // Where binding.gyp finds node-addon-api.
    env: { ...process.env, NODE_PATH: [dirname(dirname(api)), process.env.NODE_PATH].filter(Boolean).join(delimiter) },
  });
  if (status !== 0)
    return fail(
      'the addon was not compiled. It needs a C++17 compiler, make and python3 (Debian: apt-get install g++ make python3; Alpine: apk add g++ make python3)' +
        (headers().length > 0
          ? '.'
          : `, and the headers of Node ${process.version}, which are not beside this Node (include/node) and are fetched from nodejs.org otherwise.`),
    );
  console.log(`node-drbd: compiled ${join(__dirname, 'build/Release/node_drbd.node')}`);
  return 0;
}

const fetched = mkdtempSync(join(tmpdir(), 'node-drbd-build-'));
process.exitCode = build(fetched);
rmSync(fetched, { recursive: true, force: true });
