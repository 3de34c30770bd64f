#!/usr/bin/env node
'use strict';

/**
 * Runs the test lanes, from fast to slow, and says at the end which passed. A lane that cannot run here says why and
 * fails.
 *
 *   npm test                       all lanes
 *   npm test -- unit native        some of them
 *   npm test -- --all [LANE]...    the same with their longer variants, as before a release
 *   npm test -- --tools [LANE]...  only names the programs that these need and npm does not bring
 */

const { spawnSync } = require('node:child_process');
const { join } = require('node:path');

const root = join(__dirname, '..');
const jest = [process.execPath, '--enable-source-maps', join(root, 'node_modules/jest/bin/jest.js')];
const jestLane = (lane, ...options) => [...jest, '--selectProjects', lane, ...options];
/**
 * Namespaces of its own: no cross-talk with anything on this machine, and no privilege needed.
 * Everybody is root in there, so that jest's default cache, which is named after the user, may be somebody else's.
 */
const isolated = (command) => [
  join(root, 'scripts/apart'),
  '--net',
  ...command,
  '--cacheDirectory',
  join(root, 'dist/.jest'),
];

const kernel = join(root, 'scripts/kernel');

/** The programs that every lane needs: the addon is compiled. */
const BUILD_TOOLS = ['g++', 'make', 'python3'];

/**
 * Each lane's name, its budget in seconds, its commands (none: only with --all), those that are run with --all instead
 * (`all`, in `allSeconds`),
 * and the programs that it needs besides those of the build (`allTools`: only with --all). An idle machine with two cores leaves a third of a budget.
 */
const lanes = [
  { name: 'lint', seconds: 60, commands: [[join(root, 'scripts/lint')]] },
  { name: 'unit', seconds: 110, commands: [jestLane('unit')] },
  { name: 'golden', seconds: 60, commands: [jestLane('golden')] },
  { name: 'replay', seconds: 150, commands: [jestLane('replay')] },
  { name: 'types', seconds: 60, commands: [jestLane('types')] },
  { name: 'docs', seconds: 90, commands: [jestLane('docs')], tools: ['unshare'] },
  { name: 'native', seconds: 120, commands: [jestLane('native', '--runInBand')], tools: ['unshare'] },
  { name: 'bus', seconds: 120, commands: [isolated(jestLane('bus', '--runInBand'))], tools: ['unshare', 'script'] },
  { name: 'proc', seconds: 60, commands: [jestLane('proc', '--runInBand')] },
  {
    name: 'peers',
    seconds: 300,
    // Then the lane is cut off from the network.
    fetch: ['drbd-utils', 'prometheus'],
    commands: [isolated(jestLane('peers', '--runInBand'))],
    tools: ['unshare', 'script'],
  },
  {
    name: 'matrix',
    seconds: 180,
    commands: [[join(root, 'scripts/matrix')]],
    allSeconds: 600,
    all: [[join(root, 'scripts/matrix'), '--all']],
    tools: ['script'],
    allTools: ['zsh', 'fish', 'mandoc', 'groff'],
  },
  {
    name: 'debian',
    seconds: 180,
    commands: [],
    // In clean roots of Debian 12 and 13, which takes root.
    all: [[join(root, 'scripts/deb.d/try'), '--roots']],
    tools: ['dpkg-deb', 'systemd-analyze'],
  },
  // Only that it runs: no test asserts a time.
  { name: 'bench', seconds: 60, commands: [[join(root, 'scripts/bench'), '--short']], tools: ['unshare'] },
  { name: 'fuzz', seconds: 120, commands: [jestLane('fuzz')] },
  {
    name: 'guest',
    seconds: 90,
    commands: [
      [
        ...[kernel, 'selftest', 'whatever the host has', 'older kernels lack', 'carries 1 MiB', 'io_uring'],
        ...['modules of the caller', 'as the package has it'],
      ],
    ],
    allSeconds: 1200,
    all: [
      [kernel, 'selftest'],
      [kernel, 'selftest', '--qemu'],
    ],
    tools: ['unshare'],
  },
  {
    name: 'kernel',
    seconds: 480,
    commands: [[kernel, 'run', '--check-log', '--timeout', '1800', '--', ...jestLane('kernel', '--runInBand', '--ci')]],
  },
  // Boots its kernels itself, four at a time.
  { name: 'differential', seconds: 540, commands: [jestLane('differential', '--runInBand', '--ci')], allSeconds: 900 },
  { name: 'sanitize', seconds: 300, commands: [[join(root, 'scripts/sanitize')]], allSeconds: 1200, tools: ['cmake'] },
];

const words = process.argv.slice(2);
const whole = words.includes('--all');
const asked = words.filter((word) => word !== '--all' && word !== '--tools');
const unknown = asked.find((word) => !lanes.some(({ name }) => name === word));
if (unknown !== undefined) {
  console.error(`There is no lane "${unknown}". The lanes are ${lanes.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}
const chosen = lanes.filter(({ name, commands }) =>
  asked.length === 0 ? whole || commands.length > 0 : asked.includes(name),
);
const empty = chosen.find(({ commands }) => !whole && commands.length === 0);
if (empty !== undefined) {
  console.error(`The lane ${empty.name} is run with --all only.`);
  process.exit(2);
}
if (words.includes('--tools')) {
  console.log(
    [
      ...new Set([
        ...BUILD_TOOLS,
        ...chosen.flatMap(({ tools = [], allTools = [] }) => [...tools, ...(whole ? allTools : [])]),
      ]),
    ].join(' '),
  );
  process.exit(0);
}
// What the lanes themselves do at greater length: Debian's stock kernel, and native tests at their full scale.
if (whole) Object.assign(process.env, { NODE_DRBD_QEMU: '1', NATIVE_SCALE: '1' });

/** Runs one command; a lane that hangs is a failure, not a wait. */
function runCommand([program, ...args], milliseconds) {
  const { status, signal, error } = spawnSync(program, args, {
    cwd: root,
    stdio: 'inherit',
    timeout: Math.max(1, milliseconds),
    killSignal: 'SIGKILL',
  });
  if (error !== undefined) return `: ${error.message}`;
  if (signal !== null) return `: ended by ${signal}`;
  return status === 0 ? '' : `: exit status ${status}`;
}

let failed = 0;
const summary = [];
for (const { name, seconds, commands, allSeconds = seconds, all = commands, fetch = [] } of chosen) {
  process.stdout.write(`\n== ${name}\n`);
  for (const name of fetch) spawnSync(kernel, ['path', name], { cwd: root, stdio: ['inherit', 'ignore', 'inherit'] });
  const budget = whole ? allSeconds : seconds;
  const start = Date.now();
  const spent = () => (Date.now() - start) / 1000;
  let why = '';
  // Other work on the machine may take most of it: four times the budget ends what hangs.
  for (const command of whole ? all : commands) why ||= runCommand(command, (4 * budget - spent()) * 1000);
  if (why !== '') failed++;
  summary.push(
    `${why === '' ? 'pass' : 'FAIL'}  ${name.padEnd(12)} ${spent().toFixed(1).padStart(6)} s of ${budget} s${spent() > budget ? ', over its budget' : ''}${why}`,
  );
}
process.stdout.write(`\n${summary.join('\n')}\n\n${summary.length - failed} passed, ${failed} failed\n`);
process.exit(failed === 0 && summary.length > 0 ? 0 : 1);
