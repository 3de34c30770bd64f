#!/usr/bin/env node
'use strict';

/**
 * Makes sure that the addon can be loaded: a prebuilt binary that this machine takes is enough, else it is compiled by
 * node-gyp.
 *
 *   node scripts/install.js           what "npm install" runs
 *   node scripts/install.js --build   always compiles
 */

const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const { dirname, join } = require('node:path');

const root = join(__dirname, '..');

function loads(path) {
  // In a process of its own: a binary that crashes must not take the installation with it.
  return (
    existsSync(path) &&
    spawnSync(process.execPath, ['-e', 'require(process.argv[1])', path], { stdio: 'ignore' }).status === 0
  );
}

/** The project's own node-gyp, or the one that comes with npm. */
function findNodeGyp() {
  for (const from of [
    root,
    ...(process.env.npm_execpath === undefined ? [] : [dirname(process.env.npm_execpath)]),
    '/usr/share/nodejs',
    join(dirname(process.execPath), '../lib/node_modules/npm'),
  ]) {
    try {
      return require.resolve('node-gyp/bin/node-gyp.js', { paths: [from] });
    } catch {
      // The next place.
    }
  }
  return undefined;
}

/** Headers that are installed beside this Node make a download of them needless. */
function headers() {
  const prefix = join(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

function build() {
  const nodeGyp = findNodeGyp();
  if (nodeGyp === undefined) {
    console.error(
      'node-drbd: node-gyp was not found. Install it (npm install -g node-gyp) and run "npm rebuild node-drbd".',
    );
    return 1;
  }
  const { status } = spawnSync(process.execPath, [nodeGyp, 'rebuild', '--loglevel=warn', ...headers()], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0)
    console.error(
      'node-drbd: the addon was not compiled. It needs a C++17 compiler, make and python3 (Debian: apt-get install g++ make python3).',
    );
  return status ?? 1;
}

const prebuilt = join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'node_drbd.node');
process.exit(!process.argv.includes('--build') && loads(prebuilt) ? 0 : build());
