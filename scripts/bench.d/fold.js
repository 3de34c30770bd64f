'use strict';

/**
 * Measures what one change costs that a stream of changes folds, the snapshot not looked at, and whether a follower that
 * hears nothing keeps its memory. Prints one line of JSON. Build first: node --expose-gc scripts/bench.d/fold.js
 * [short]
 */

const { join } = require('node:path');

const root = join(__dirname, '../..');
const { Fold } = require(join(root, 'dist/lib/drbd/fold'));
const { Follower } = require(join(root, 'dist/lib/drbd/follow'));
const { State } = require(join(root, 'dist/lib/model'));

const SOURCE = { dialect: 'genl2', driver: '9.2.18', api: 2, complete: true };
/** A resource with a device, a connection and its peer device is four objects. */
const OBJECTS_PER_RESOURCE = 4;
const short = process.argv.includes('short');
const ROUNDS = short ? 2 : 5;
const CHANGES = short ? 2000 : 20_000;
const IDLE_MS = short ? 300 : 3000;

const set = (object, key, patch) => ({ action: 'set', object, key, patch });
const device = (at, written) =>
  set(
    'device',
    { resource: `r${at}`, volume: 0, minor: at },
    { disk: 'UpToDate', diskCode: 8, quorum: true, stats: { writtenBytes: BigInt(written) } },
  );
const peerDevice = (at, isUpToDate) =>
  set(
    'peerDevice',
    { resource: `r${at}`, peerNodeId: 1, volume: 0 },
    { replication: 'Established', peerDisk: isUpToDate ? 'UpToDate' : 'Outdated', peerDiskCode: isUpToDate ? 8 : 5 },
  );

function stateOf(resources) {
  let state = State.empty(SOURCE);
  for (let at = 0; at < resources; at++)
    for (const update of [
      set('resource', { resource: `r${at}` }, { role: 'Secondary', roleCode: 2 }),
      device(at, 0),
      set('connection', { resource: `r${at}`, peerNodeId: 1 }, { name: 'peer', state: 'Connected', stateCode: 8 }),
      peerDevice(at, true),
    ])
      ({ state } = state.apply(update));
  return state;
}

/** @returns microseconds of processor time for a change, at best, of those that change a counter and those that change a state */
function costOf(objects) {
  const resources = Math.max(1, Math.round(objects / OBJECTS_PER_RESOURCE));
  const start = stateOf(resources);
  const notices = Array.from({ length: CHANGES }, (_unused, at) => {
    const update =
      at % 2 === 0
        ? device(at % resources, at + 1)
        : peerDevice(at % resources, Math.floor(at / resources / 2) % 2 === 0);
    return { action: 'change', object: update.object, key: update.key, updates: [update], more: false };
  });
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const fold = new Fold(start);
    const before = process.cpuUsage();
    for (let at = 0; at < notices.length; at++) fold.take(at, notices[at]);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / CHANGES);
  }
  return best;
}

/** @returns by how many bytes the heap grows while a follower of 2,000 objects hears nothing, and is asked for nothing */
async function idleGrowth() {
  const state = stateOf(500);
  let end = () => undefined;
  const follower = new Follower(
    {
      listen: () => ({
        [Symbol.asyncIterator]() {
          return this;
        },
        next: () => new Promise((resolve) => (end = () => resolve({ done: true, value: undefined }))),
        return: () => Promise.resolve({ done: true, value: undefined }),
      }),
      read: () => Promise.resolve(state),
      questionOf: () => undefined,
      ask: () => Promise.resolve(() => []),
      nothing: () => State.empty(SOURCE),
    },
    () => undefined,
  );
  const changes = follower.add({ counters: true, refreshMs: 1 });
  for (let change = await changes.next(); change.value.kind !== 'ready'; change = await changes.next());
  const settle = async (milliseconds) => {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    globalThis.gc();
    return process.memoryUsage().heapUsed;
  };
  const before = await settle(500);
  const after = await settle(IDLE_MS);
  follower.close();
  end();
  return after - before;
}

async function main() {
  const at10 = costOf(10);
  const at80 = costOf(80);
  const at2000 = costOf(2000);
  const idle = typeof globalThis.gc === 'function' ? await idleGrowth() : null;
  const round = (value) => Math.round(value * 100) / 100;
  console.log(
    JSON.stringify({
      changesPerSecondAt10Objects: Math.round(1e6 / at10),
      microsecondsAt10Objects: round(at10),
      microsecondsAt80Objects: round(at80),
      microsecondsAt2000Objects: round(at2000),
      times2000Over80: round(at2000 / at80),
      idleHeapGrowthBytes: idle,
    }),
  );
}

void main();
