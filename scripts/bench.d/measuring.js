'use strict';

/** What the parts of scripts/bench measure with. */

const { spawn, spawnSync } = require('node:child_process');
const { join } = require('node:path');

const root = join(__dirname, '../..');

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
}

/**
 * A time that stands by itself, of many rounds. What disturbs a round only adds to it: the lower quartile is the same
 * from run to run where the median is not.
 */
function quartile(numbers) {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 2];
}

/** Of pairs of one round. */
const ratio = (a, b) => median(a.map((value, round) => value / b[round]));

function run(argv, options = {}) {
  const [program, ...words] = argv.map(String);
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'utf8', ...options });
  if (error !== undefined || status !== 0)
    throw error ?? new Error(`${argv.join(' ')} ended with ${status}: ${stderr}`);
  return stdout.trim();
}

/** Of a program that prints two numbers. */
function numbersOf(argv) {
  const [wall, processor] = run(argv).split(/\s+/u).map(Number);
  if (Number.isNaN(processor)) throw new Error(`${argv.join(' ')} printed no two numbers`);
  return { wall, processor };
}

/** Of a program of bench.d that prints one line of JSON. */
function resultOf(file, words = [], flags = []) {
  const text = run([process.execPath, ...flags, join(__dirname, file), ...words]);
  return JSON.parse(text.split('\n').at(-1));
}

/**
 * @param runs are called over and over, in turns
 * @returns of each, microseconds of processor time in the best of many short rounds: what disturbs only adds, and a
 *   machine that others use has quiet moments rather than quiet seconds
 */
function bestOf(runs, { rounds = 200, times = 2000 } = {}) {
  const best = runs.map(() => Infinity);
  for (let round = 0; round < rounds; round++)
    for (const [index, run] of runs.entries()) {
      const before = process.cpuUsage();
      for (let time = 0; time < times; time++) run();
      const { user, system } = process.cpuUsage(before);
      best[index] = Math.min(best[index], (user + system) / times);
    }
  return best;
}

/** Compiles bus.c into a folder. @returns the program's path */
function compiledBus(folder) {
  const bus = join(folder, 'bus');
  run([process.env.CC ?? 'cc', '-O2', '-Wall', '-Wextra', '-Wno-psabi', '-o', bus, join(__dirname, 'bus.c')]);
  return bus;
}

/** Starts a program that prints a port and then serves. */
async function served(argv) {
  const [program, ...words] = argv.map(String);
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise((resolve, reject) => {
    child.stdout.once('data', (text) => resolve(Number(text)));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${argv.join(' ')} ended with ${code}`)));
  });
  child.removeAllListeners('exit');
  return { port, stop: () => child.kill() };
}

const round = (value, digits = 2) => Number(value.toFixed(digits));

module.exports = { root, median, quartile, ratio, run, numbersOf, resultOf, bestOf, compiledBus, served, round };
