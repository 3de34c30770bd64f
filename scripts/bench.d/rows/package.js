'use strict';

/** What an installation takes: the files that npm packs, with the binary of one platform. */

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { root, run } = require('../measuring');

const MOST_BYTES = 1_500_000;
const PREBUILT = /^prebuilds\/[^/]+\//u;

async function rows() {
  // What runs before a release packs would build the binaries of all platforms.
  const [{ files }] = JSON.parse(run(['npm', 'pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root }));
  const own = `prebuilds/linux-${process.arch}`;
  const bytesOf = (chosen) => chosen.reduce((sum, { size }) => sum + size, 0);
  const binary = bytesOf(files.filter(({ path }) => path.startsWith(own)));
  const bytes = bytesOf(files.filter(({ path }) => !PREBUILT.test(path))) + binary;
  const lacks = binary === 0 ? ' without a binary, as scripts/prebuild was not run' : '';
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const needed = Object.keys(dependencies);
  return [
    {
      what: 'Installed package, unpacked, with the binary of one platform; packages that it depends on',
      target: `less than ${MOST_BYTES.toLocaleString('en')} bytes; none`,
      measured: `${bytes.toLocaleString('en')} bytes${lacks}; ${needed.length === 0 ? 'none' : needed.join(', ')}`,
      bars: [],
    },
  ];
}

module.exports = { rows };
