#!/usr/bin/env node
'use strict';

/**
 * Runs the test lanes, from fast to slow, and says at the end which passed. A lane that cannot run here says why and
 * fails.
 *
 *   npm test                 all lanes
 *   npm test -- unit native  some of them
 */

const { spawnSync } = require('node:child_process');
const { existsSync, readdirSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const jest = [process.execPath, '--enable-source-maps', join(root, 'node_modules/jest/bin/jest.js')];
const jestLane = (lane, ...options) => [...jest, '--selectProjects', lane, ...options];
/**
 * A user and network namespace of its own: no cross-talk with anything on this machine, and no privilege needed.
 * Everybody is root in there, so that jest's default cache, which is named after the user, may be somebody else's.
 */
const isolated = (command) => [
  'unshare',
  '--user',
  '--map-root-user',
  '--net',
  ...command,
  '--cacheDirectory',
  join(root, 'dist/.jest'),
];

/** Name, budget in seconds, command. */
const lanes = [
  ['lint', 60, [join(root, 'scripts/lint')]],
  ['unit', 60, jestLane('unit')],
  ['golden', 60, jestLane('golden')],
  ['replay', 60, jestLane('replay')],
  ['types', 60, jestLane('types')],
  ['native', 120, jestLane('native', '--runInBand')],
  ['bus', 120, isolated(jestLane('bus', '--runInBand'))],
  ['proc', 60, jestLane('proc', '--runInBand')],
  ['peers', 180, isolated(jestLane('peers', '--runInBand'))],
  ['fuzz', 120, jestLane('fuzz')],
  [
    'kernel',
    480,
    [
      join(root, 'scripts/kernel'),
      'run',
      '--check-log',
      '--timeout',
      '420',
      '--',
      ...jestLane('kernel', '--runInBand', '--ci'),
    ],
  ],
  // Boots its kernels itself, two at a time.
  ['differential', 840, jestLane('differential', '--runInBand', '--ci')],
  ['sanitize', 300, [join(root, 'scripts/sanitize')]],
];

/** What a lane needs from the network, before it is cut off from it. */
const fetchFirst = { peers: [join(root, 'scripts/kernel'), 'path', 'drbd-utils'] };

const asked = process.argv.slice(2);
const known = lanes.map(([name]) => name);
for (const name of asked) {
  if (!known.includes(name)) {
    console.error(`There is no lane "${name}". The lanes are ${known.join(', ')}.`);
    process.exit(2);
  }
}

let failed = 0;
const summary = [];
for (const [name, budget, command] of lanes) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const folder = join(root, 'dist/test', name);
  // A lane whose folder holds no test yet has nothing to say.
  if (
    command.includes('--selectProjects') &&
    !(existsSync(folder) && readdirSync(folder, { recursive: true }).some((file) => file.endsWith('.test.js')))
  )
    continue;
  process.stdout.write(`\n== ${name}\n`);
  const fetch = fetchFirst[name];
  if (fetch !== undefined) spawnSync(fetch[0], fetch.slice(1), { cwd: root, stdio: ['inherit', 'ignore', 'inherit'] });
  const start = Date.now();
  // A lane that hangs is a failure, not a wait: twice its budget ends it.
  const { status, signal, error } = spawnSync(command[0], command.slice(1), {
    cwd: root,
    stdio: 'inherit',
    timeout: budget * 2000,
    killSignal: 'SIGKILL',
  });
  const seconds = (Date.now() - start) / 1000;
  const passed = status === 0;
  if (!passed) failed++;
  const why =
    error !== undefined
      ? `: ${error.message}`
      : signal !== null
        ? `: ended by ${signal}`
        : passed
          ? ''
          : `: exit status ${status}`;
  summary.push(
    `${passed ? 'pass' : 'FAIL'}  ${name.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s of ${budget} s${seconds > budget ? ', over its budget' : ''}${why}`,
  );
}
process.stdout.write(`\n${summary.join('\n')}\n\n${summary.length - failed} passed, ${failed} failed\n`);
process.exit(failed === 0 && summary.length > 0 ? 0 : 1);
