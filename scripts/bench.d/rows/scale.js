'use strict';

/** Many resources of a DRBD 9 in memory, and the memory that they take. */

const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { median, resultOf } = require('../measuring');
const { writeAnswers } = require('../responder');

const FEW = 200;
const MANY = 2000;
const MOST_TIMES = 11;
const MIB = 1 << 20;
/** V8 gives room for new objects back when it collects after a time in which few were made. */
const REST_MS = 10_000;

async function rows({ short }) {
  const rounds = short ? 1 : 3;
  const rest = short ? 100 : REST_MS;
  const [few, many] = short ? [20, 200] : [FEW, MANY];
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const files = new Map([1, few, many].map((count) => [count, join(folder, String(count))]));
    for (const [count, file] of files) writeAnswers(file, count);
    const of = (mode, count) => resultOf('scale.js', [mode, files.get(count) ?? '', String(rest)], ['--expose-gc']);
    const times = { few: of('times', few), many: of('times', many) };
    const all = Array.from({ length: rounds }, () => ({
      nothing: of('nothing').bytes,
      status: of('memory', 1).bytes,
      one: of('follow', 1).bytes,
      followed: of('follow', many).bytes,
    }));
    const growth = (what) => times.many[what] / times.few[what];
    const milliseconds = (count, what) => times[count][what];
    const names = { status: 'status()', events: 'first snapshot of events()', scrape: 'one scrape of the metrics' };
    const factor = many / few;
    return [
      ...Object.entries(names).map(([what, name]) => ({
        what: `${many} resources in memory, ${name}, processor beside ${few} resources`,
        target: `at most ${(MOST_TIMES * factor) / 10} ×`,
        measured: `${growth(what).toFixed(1)} × (${milliseconds('many', what).toFixed(0)} ms)`,
        bars: [
          [`${few} resources`, milliseconds('few', what), 'ms'],
          [`${many} resources`, milliseconds('many', what), 'ms'],
        ],
      })),
      {
        what: 'Resident memory after status(), beside Node alone',
        target: 'at most 1.25 ×',
        measured: `${median(all.map((round) => round.status / round.nothing)).toFixed(2)} ×`,
        bars: [
          ['node', median(all.map((round) => round.nothing)) / MIB, 'MiB'],
          ['node-drbd', median(all.map((round) => round.status)) / MIB, 'MiB'],
        ],
      },
      {
        what: `Resident memory while ${many} resources are followed, at rest, beside one`,
        target: 'at most 40 MiB more',
        measured: `${median(all.map((round) => (round.followed - round.one) / MIB)).toFixed(0)} MiB more`,
        bars: [],
      },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

module.exports = { rows };
