'use strict';

/**
 * Runs inside the kernel that scripts/bench boots: makes resources, and times `drbdsetup status` of ours beside that of
 * drbd-utils and beside `node -e 0`. Prints one line of JSON.
 */

const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '../..');
const [utilities, ...numbers] = process.argv.slice(2);
const [rounds, resources, minors] = numbers.map(Number);
const genuine = ['lib', 'usr/lib'].map((folder) => join(utilities, folder, 'drbd/drbdsetup-84')).find(existsSync);
const commands = {
  genuine: [genuine, 'status'],
  ours: [process.execPath, join(root, 'dist/package/drbdsetup.js'), 'status'],
  node: [process.execPath, '-e', '0'],
};

function run([program, ...words]) {
  const start = process.hrtime.bigint();
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'utf8' });
  const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
  if (error !== undefined || status !== 0)
    throw error ?? new Error(`${words.join(' ')} ended with ${status}: ${stderr}`);
  return { milliseconds, stdout };
}

for (let number = 0; number < resources; number++) run([genuine, 'new-resource', `r${number}`]);
for (let number = 0; number < minors; number++) run([genuine, 'new-minor', `r${number}`, String(number), '0']);
const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
const outputs = {};
for (let round = 0; round < rounds; round++)
  for (const [name, command] of Object.entries(commands)) {
    const { milliseconds, stdout } = run(command);
    times[name].push(milliseconds);
    outputs[name] = stdout;
  }
if (outputs.ours !== outputs.genuine) throw new Error('the two programs print different things');
console.log(JSON.stringify(times));
