'use strict';

/**
 * Many resources of a DRBD 9 in memory (responder.js), in a process of its own. Prints one line of JSON.
 *
 *   node --expose-gc scale.js times FILE     milliseconds of processor time of status(), of events() up to the first
 *                                            whole state, and of one scrape of the metrics: the least of a few
 *   node --expose-gc scale.js memory FILE    resident bytes after status()
 *   node --expose-gc scale.js follow FILE REST
 *                                            resident bytes while the state is followed, after REST milliseconds in which
 *                                            nothing happens
 *   node --expose-gc scale.js nothing        resident bytes of Node alone
 */

const { join } = require('node:path');
const { setTimeout } = require('node:timers/promises');

const root = join(__dirname, '../..');
const [mode, file, rest] = process.argv.slice(2);
const TIMES = 3;

function residentBytes() {
  for (let time = 0; time < 3; time++) globalThis.gc();
  return process.memoryUsage().rss;
}

/** Reads events up to the first whole state. @returns the stream, which goes on */
async function follow(drbd) {
  const events = drbd.events();
  for (;;) {
    const { value } = await events.next();
    if (value.kind === 'ready') return events;
  }
}

async function least(run) {
  let best = Infinity;
  for (let time = 0; time < TIMES; time++) {
    globalThis.gc();
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

async function main() {
  if (mode === 'nothing') return { bytes: residentBytes() };
  const { transportOf } = require('./responder');
  const lib = mode === 'times' ? 'dist/lib' : 'dist/package';
  const { openDrbd } = require(join(root, lib, 'index.js'));
  const open = () => openDrbd({ transport: transportOf(file) });
  const drbd = await open();
  if (mode === 'times') {
    const { findings } = require(join(root, lib, 'model'));
    const { formatMetrics } = require(join(root, lib, 'cli/drbd/metrics'));
    return {
      status: await least(() => drbd.status()),
      events: await least(async () => {
        const client = await open();
        await follow(client);
        client.close();
      }),
      scrape: await least(async () => {
        const snapshot = await drbd.status();
        formatMetrics({ snapshot, findings: findings(snapshot), losses: new Map() });
      }),
    };
  }
  const events = mode === 'follow' ? await follow(drbd) : undefined;
  if (events === undefined) await drbd.status();
  else await setTimeout(Number(rest));
  const bytes = residentBytes();
  drbd.close();
  return { bytes };
}

main().then(
  (result) => {
    console.log(JSON.stringify(result));
    process.exit(0);
  },
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
