'use strict';

/**
 * Questions and broadcasts on the connector bus, beside the smallest loops in C (bus.c, compiled here) and beside npm
 * `netlink`, all against the same responder.
 */

const { spawnSync } = require('node:child_process');
const { existsSync, mkdirSync, mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { compiledBus, median, numbersOf, quartile, ratio, root, served } = require('../measuring');

/** The one other package for netlink in the registry. It has binaries for this, and no script of it is run. */
const PEER = 'netlink@0.3.0';
const peerFolder = join(root, '.cache/bench');
const hasPeer = () => existsSync(join(peerFolder, 'node_modules/netlink'));

/** Fetches the peer where it is not there yet. Without a network its rows say so. */
function prepare() {
  if (hasPeer()) return;
  mkdirSync(peerFolder, { recursive: true });
  const words = ['install', '--prefix', peerFolder, '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', PEER];
  const { status, stderr, error } = spawnSync('npm', words, { encoding: 'utf8' });
  if (error !== undefined || status !== 0) console.error(`npm ${words.join(' ')}: ${error?.message ?? stderr}`);
}

/** How many questions are under way, and broadcasts sent, at once. */
const WINDOW = 64;
const BATCH = 500;
/** The peer ends with an overrun: few at once. */
const PEER_BATCH = 50;
const PEER_ROUNDS = 7;

async function rows({ short, rounds }) {
  const count = short ? 1000 : 20_000;
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  let responder;
  try {
    const bus = compiledBus(folder);
    responder = await served([bus, 'respond']);
    const { port } = responder;
    const library = [process.execPath, join(__dirname, '../library.js')];
    const peer = hasPeer() ? [process.execPath, join(__dirname, '../peer.js'), peerFolder] : undefined;
    const kinds = {
      one: ['ask', port, count, 1],
      many: ['ask', port, count, WINDOW],
      broadcasts: ['count', port, count, BATCH],
    };
    const likes = { family: ['family', count], broadcasts: ['count', port, count, PEER_BATCH] };
    const times = {};
    for (let round = 0; round < rounds; round++)
      for (const [kind, argv] of Object.entries(kinds)) {
        times[kind] ??= { c: [], ours: [] };
        times[kind].c.push(numbersOf([bus, ...argv]));
        times[kind].ours.push(numbersOf([...library, ...argv]));
      }
    const peers = {};
    for (let round = 0; round < Math.min(rounds, PEER_ROUNDS) && peer !== undefined; round++)
      for (const [kind, argv] of Object.entries(likes)) {
        peers[kind] ??= { theirs: [], ours: [] };
        peers[kind].theirs.push(numbersOf([...peer, ...argv]));
        peers[kind].ours.push(numbersOf([...library, ...argv]));
      }
    const of = (kind, who, what) => times[kind][who].map((time) => time[what]);
    const both = (kind, what) => [of(kind, 'ours', what), of(kind, 'c', what)];
    const bars = (kind, what) => [
      ['C', median(of(kind, 'c', what)), 'µs'],
      ['node-drbd', median(of(kind, 'ours', what)), 'µs'],
    ];
    return [
      {
        what: 'Question (get_state), one in flight, by wall beside C',
        target: 'at most 3 ×',
        measured: `${ratio(...both('one', 'wall')).toFixed(1)} ×`,
        bars: bars('one', 'wall'),
      },
      {
        what: 'Question, one in flight, processor each',
        target: 'at most 20 µs',
        measured: `${quartile(of('one', 'ours', 'processor')).toFixed(0)} µs (C: ${quartile(of('one', 'c', 'processor')).toFixed(1)} µs)`,
        bars: bars('one', 'processor'),
      },
      {
        what: `Questions, ${WINDOW} in flight, throughput beside C`,
        target: 'at least 0.5',
        measured: (1 / ratio(...both('many', 'wall'))).toFixed(2),
        bars: bars('many', 'wall'),
      },
      {
        what: 'Broadcasts received and decoded, processor beside C (received only)',
        target: 'at most 2.2 ×',
        measured: `${ratio(...both('broadcasts', 'processor')).toFixed(1)} ×`,
        bars: bars('broadcasts', 'processor'),
      },
      ...peerRows(peers),
    ];
  } finally {
    responder?.stop();
    rmSync(folder, { recursive: true });
  }
}

function peerRows({ family, broadcasts }) {
  const measuredOf = (pair, measured) =>
    pair === undefined ? 'not measured: npm `netlink` is not here' : measured(pair);
  const barsOf = (pair, what) =>
    pair === undefined
      ? []
      : [
          ['npm netlink', median(pair.theirs.map((time) => time[what])), 'µs'],
          ['node-drbd', median(pair.ours.map((time) => time[what])), 'µs'],
        ];
  const by = (what, a, b) =>
    ratio(
      a.map((time) => time[what]),
      b.map((time) => time[what]),
    );
  return [
    {
      what: 'Question to the generic netlink controller (GETFAMILY), one in flight, by wall beside npm `netlink`',
      target: 'at most 0.5 ×',
      measured: measuredOf(family, ({ theirs, ours }) => `${by('wall', ours, theirs).toFixed(2)} ×`),
      bars: barsOf(family, 'wall'),
    },
    {
      what: 'Broadcasts received and decoded, how many for the processor time of one of npm `netlink` (headers only)',
      target: 'at least 5',
      measured: measuredOf(broadcasts, ({ theirs, ours }) => by('processor', theirs, ours).toFixed(1)),
      bars: barsOf(broadcasts, 'processor'),
    },
  ];
}

module.exports = { prepare, rows };
