'use strict';

/** What a change costs that is folded into the state, and what a stream keeps. */

const { resultOf } = require('../measuring');

const MANY_EVENTS = 10_000_000;

async function rows({ short }) {
  const fold = resultOf('fold.js', short ? ['short'] : [], ['--expose-gc']);
  const [events, queued] = short ? [100_000, 5000] : [MANY_EVENTS, 50_000];
  const { growthBytes, bytesPerQueued } = resultOf('memory.js', [events, queued], ['--expose-gc']);
  const { changesPerSecondAt10Objects, microsecondsAt10Objects, microsecondsAt2000Objects } = fold;
  return [
    {
      what: 'Changes folded (applied, compared, told) a second, 10 objects, `snapshot` not looked at',
      target: 'at least 100,000',
      measured: changesPerSecondAt10Objects.toLocaleString('en'),
      bars: [],
    },
    {
      what: 'One change at 2,000 objects, beside 10 objects',
      target: 'at most 3 ×',
      measured: `${(microsecondsAt2000Objects / microsecondsAt10Objects).toFixed(2)} ×`,
      bars: [
        ['10 objects', microsecondsAt10Objects, 'µs'],
        ['2,000 objects', microsecondsAt2000Objects, 'µs'],
      ],
    },
    {
      what: `Memory after ${events.toLocaleString('en')} events, beside a tenth of them`,
      target: 'no growth (64 KiB of noise)',
      measured: `${(growthBytes / 1024).toFixed(0)} KiB`,
      bars: [],
    },
    {
      what: 'Memory of one event in a queue',
      target: 'at most 400 bytes',
      measured: `${bytesPerQueued.toFixed(0)} bytes`,
      bars: [],
    },
  ];
}

module.exports = { rows };
