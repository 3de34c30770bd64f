'use strict';

/** The commands that scripts/bundle watches. */

const { execFileSync } = require('node:child_process');
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

/** bundle.d/machine.js */
const SIMULATOR_PORT = 4711;
const simulated = ['--simulator', String(SIMULATOR_PORT)];

/**
 * Commands that are run most. What they need lies in few files, in which nothing else is. Where no recording is named,
 * a simulator answers.
 */
const SAMPLES = [
  ...['cstate', 'role', 'dstate', 'status'].map((command) => ({
    group: 'connector',
    capture: 'drbd-8.3.13/05-pair.jsonl',
    argv: ['/dev/drbd0', command],
  })),
  { group: 'connector', argv: [...simulated, '/dev/drbd0', 'cstate'] },
  ...[['status'], ['cstate', '0'], ['role', '0'], ['dstate', '0']].map((argv) => ({
    group: 'genl1',
    capture: 'drbd-8.4.11/lifecycle.jsonl',
    argv,
  })),
  { group: 'genl2', capture: 'drbd-9.2.18/two-volumes.jsonl', argv: ['status'] },
  { group: 'drbd', program: 'drbd', argv: [...simulated, 'status'] },
];

/**
 * Runs a command by the files of modules of a folder, as on a live machine.
 * @param folder for its files
 * @returns the modules that it loaded, the files, each by its name, and what it loaded of Node itself
 * @throws Error if it prints something else than what was recorded
 */
function runSample({ capture, program = 'drbdsetup', argv }, place, folder, more = {}) {
  const env = { ...process.env, DRBD_LOCK_DIR: folder, ...more };
  let expected;
  if (capture !== undefined) {
    const { recordingsOf, recordingText } = require('../../dist/test/support/recordings.js');
    const captured = recordingsOf(capture).find(
      (candidate) => candidate.exit === 0 && candidate.argv.slice(1).join(' ') === argv.join(' '),
    );
    env.SAMPLE_RECORDING = join(folder, 'recording');
    writeFileSync(env.SAMPLE_RECORDING, recordingText(captured));
    expected = captured.stdout;
  }
  const script = `
    const [, core, list] = process.argv;
    const before = new Set(process.moduleLoadList);
    const $ = require(core);
    process.on('exit', () => {
      const files = Object.keys(require.cache).filter((file) => file.startsWith(${JSON.stringify(`${place}/`)}));
      require('node:fs').writeFileSync(list, JSON.stringify({ modules: Object.keys($.loaded), files, builtins: process.moduleLoadList.filter((name) => !before.has(name)) }));
    });
    process.argv.splice(1, 2, ${JSON.stringify(program)});
    $('cli/bin/start').${program}();
  `;
  const list = join(folder, 'loaded');
  const words = ['-r', join(__dirname, 'machine.js'), '-e', script, '--', join(place, 'node-drbd.js'), list];
  const output = execFileSync(process.execPath, [...words, ...argv], { encoding: 'utf8', env });
  if (output !== (expected ?? output))
    throw new Error(`${program} ${argv.join(' ')} printed ${JSON.stringify(output)}`);
  const { modules, files, builtins } = JSON.parse(readFileSync(list, 'utf8'));
  return { modules, builtins, files: files.map((file) => file.slice(place.length + 1)) };
}

module.exports = { runSample, SAMPLES };
