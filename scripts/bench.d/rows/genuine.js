'use strict';

/**
 * The library and `drbdsetup batch` beside as many processes of the genuine drbdsetup-83 (drbd-utils), which runs
 * unchanged, in the machine that the peers lane preloads it with. Who answers is the same for both: a simulated DRBD
 * 8.3; for status(), which asks for more than the simulator is quick at, a program in C (bus.c) with its answers.
 */

const { spawnSync } = require('node:child_process');
const { existsSync, mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { compiledBus, median, numbersOf, ratio, root, run, served } = require('../measuring');

const MINORS = 100;
const ROUNDS = 3;
/** A shell's loop, which starts a process at the least price. */
const LOOP = 'library=$1 program=$2; shift 2; for device; do LD_PRELOAD=$library "$program" "$device" cstate; done';
const UTILITIES = {
  program: 'lib/drbd/drbdsetup-83',
  folder: () => run([join(root, 'scripts/kernel'), 'path', 'drbd-utils']),
};

let utilities;

/** Has scripts/kernel fetch drbd-utils where it is not there yet. */
function prepare() {
  try {
    UTILITIES.folder();
  } catch (error) {
    console.error(`drbd-utils: ${error.message}`);
  }
}

function genuineProgram() {
  try {
    utilities ??= UTILITIES.folder();
  } catch {
    return undefined;
  }
  const program = join(utilities, UTILITIES.program);
  return existsSync(program) ? program : undefined;
}

function millisecondsOf(run) {
  const start = process.hrtime.bigint();
  const { status, stderr, stdout } = run();
  const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) throw new Error(`it ended with ${status}: ${stderr}`);
  return { milliseconds, stdout };
}

/** @returns a function that runs as many processes of the genuine program as there are devices */
async function genuineLoop(program, port, folder) {
  const { Machine } = require(join(root, 'dist/test/support/machine'));
  const machine = new Machine({ port });
  // The first run compiles the library, and writes what the machine has.
  await machine.run(['drbdsetup', '/dev/drbd0', 'cstate']);
  const env = {
    ...process.env,
    DRBD_MACHINE: join(machine.folder, 'machine'),
    DRBD_MACHINE_LOG: join(folder, 'calls'),
  };
  const words = ['-c', LOOP, 'bash', join(root, 'build-peers/machine.so'), program];
  return {
    loop: (devices) =>
      millisecondsOf(() => spawnSync('bash', [...words, ...devices], { encoding: 'utf8', env, cwd: '/' })),
    stop: () => machine.close(),
  };
}

async function rows({ short }) {
  const rounds = short ? 1 : ROUNDS;
  const commands = short ? 50 : 1000;
  const program = genuineProgram();
  const heads = [
    {
      what: `status() of ${MINORS} minors of 8.3, how many by the wall in the time of ${MINORS} processes of drbdsetup-83`,
      target: 'at least 50',
    },
    {
      what: `\`drbdsetup batch\` of ${commands} commands, whole process, how many in the time of ${commands} processes of drbdsetup-83`,
      target: 'at least 10',
    },
  ];
  if (program === undefined)
    return heads.map((head) => ({ ...head, measured: 'not measured: drbd-utils is not here', bars: [] }));
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const opened = [];
  try {
    const simulator = await served([process.execPath, join(__dirname, '../simulator.js'), 1, join(folder, 'answers')]);
    opened.push(simulator);
    const responder = await served([compiledBus(folder), 'respond', join(folder, 'answers')]);
    opened.push(responder);
    const [overSimulator, overResponder] = [
      await genuineLoop(program, simulator.port, folder),
      await genuineLoop(program, responder.port, folder),
    ];
    opened.push(overSimulator, overResponder);
    const minors = Array.from({ length: MINORS }, (_unused, minor) => `/dev/drbd${minor}`);
    const devices = Array(commands).fill('/dev/drbd0');
    const input = '/dev/drbd0 cstate\n'.repeat(commands);
    const env = { ...process.env, DRBD_SIMULATOR: String(simulator.port), DRBD_LOCK_DIR: folder };
    const library = [process.execPath, join(__dirname, '../library.js')];
    const tool = [join(root, 'dist/package/drbdsetup.js'), 'batch'];
    const times = { hundred: [], status: [], thousand: [], batch: [] };
    for (let round = 0; round < rounds; round++) {
      times.hundred.push(overResponder.loop(minors).milliseconds);
      times.status.push(numbersOf([...library, 'status', responder.port, 50, MINORS]).wall / 1000);
      const genuine = overSimulator.loop(devices);
      const batch = millisecondsOf(() => spawnSync(process.execPath, tool, { encoding: 'utf8', env, input }));
      const printed = batch.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).stdout)
        .join('');
      if (printed !== genuine.stdout) throw new Error('the two programs print different things');
      times.thousand.push(genuine.milliseconds);
      times.batch.push(batch.milliseconds);
    }
    return [
      {
        ...heads[0],
        measured: ratio(times.hundred, times.status).toFixed(0),
        bars: [
          [`${MINORS} processes`, median(times.hundred), 'ms'],
          ['node-drbd', median(times.status), 'ms'],
        ],
      },
      {
        ...heads[1],
        measured: ratio(times.thousand, times.batch).toFixed(1),
        bars: [
          [`${commands} processes`, median(times.thousand), 'ms'],
          ['node-drbd', median(times.batch), 'ms'],
        ],
      },
    ];
  } finally {
    for (const each of opened.reverse()) await each.stop();
    rmSync(folder, { recursive: true });
  }
}

module.exports = { prepare, rows };
