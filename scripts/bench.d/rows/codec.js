'use strict';

/**
 * What decoding costs: recorded messages, read over and over, from the datagram to the object. Beside them, for two
 * messages, readers that were written by hand for these alone and check the same.
 */

const { join } = require('node:path');
const { bestOf, root } = require('../measuring');

const lib = join(root, 'dist/lib');
const ORDER = 'little';

/** Recorded messages lie in a larger buffer, as those that were received do. */
function placed(message) {
  const around = new Uint8Array(16 << 10);
  const bytes = new Uint8Array(message.whole.view.buffer, message.start - 16, message.length);
  around.set(bytes, 64);
  return around.subarray(64, 64 + bytes.length);
}

/** @returns the longest recorded answer of a name */
function longest(folder, name, nameOf) {
  const { capturedDatagrams } = require(join(root, 'dist/test/support/captures'));
  const { readDatagram } = require(join(lib, 'netlink'));
  let found;
  for (const { sent, bytes, raw, cut } of capturedDatagrams(folder)) {
    if (sent || raw || cut) continue;
    for (const message of readDatagram(bytes, ORDER).messages)
      if (message.length > (found?.length ?? 0) && nameOf(message) === name) found = message;
  }
  return placed(found);
}

function nameOr(run) {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/** get_state of 8.3, by hand. */
function stateByHand(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 48 || view.getUint32(0, true) > bytes.length || view.getUint16(4, true) !== 3) return undefined;
  const [idx, val, sequence, ack] = [16, 20, 24, 28].map((at) => view.getUint32(at, true));
  const end = 36 + view.getUint16(32, true);
  if (idx !== 8 || val !== 1 || end > bytes.length) return undefined;
  const tags = {};
  for (let at = 48; at < end;) {
    const tag = view.getUint16(at, true);
    if (tag === 0) return { sequence, ack, minor: view.getUint32(40, true), returnCode: view.getInt32(44, true), tags };
    const length = view.getUint16(at + 2, true);
    if ((tag & 0x1fff) === 33 && length === 4) tags.state_i = view.getUint32(at + 4, true);
    else if ((tag & 0x1fff) === 43 && length === 4) tags.sync_progress = view.getUint32(at + 4, true);
    else return undefined;
    at += 4 + length;
  }
  return undefined;
}

/** state_info of 8.4 (set 3), by hand: numbers, two words of 64 bits, and a list of them. */
function stateInfoByHand(view, start, end, fields) {
  const values = {};
  for (let at = start; at < end;) {
    const length = view.getUint16(at, true);
    const number = view.getUint16(at + 2, true) & 0x3fff;
    if (length < 4 || at + length > end) return undefined;
    const field = fields[number];
    const place = at + 4;
    if (field !== undefined)
      switch (field.kind) {
        case 'u32':
          values[field.name] = view.getUint32(place, true);
          break;
        case 'u64':
          values[field.name] = view.getBigUint64(place, true);
          break;
        case 'u8':
        case 'flag':
          values[field.name] = view.getUint8(place);
          break;
        default:
          values[field.name] = new Uint8Array(view.buffer.slice(place, at + length));
      }
    at += (length + 3) & ~3;
  }
  return values;
}

/** Rows have `runs`, which are measured in turns with those of all others, and make `measured` of the microseconds of each. */
function connectorRows() {
  const connector = require(join(lib, 'dialects/connector'));
  const netlink = require(join(lib, 'netlink'));
  const read = (message) => connector.readReply(message, netlink.readConnectorMessage(message, ORDER), ORDER);
  const decode = (bytes) => netlink.readDatagram(bytes, ORDER).messages.map(read);
  const nameOf = (message) => nameOr(() => read(message).name);
  const config = longest('drbd-8.3.13', 'get_config', nameOf);
  const state = longest('drbd-8.3.13', 'get_state', nameOf);
  const tags = Object.keys(decode(config)[0].tags).length;
  if (stateByHand(state)?.tags.state_i !== decode(state)[0].tags.state_i) throw new Error('get_state by hand is wrong');
  return [
    {
      what: `Answer to get_config decoded (${tags} values)`,
      target: 'less than 5 µs',
      runs: [() => decode(config)],
      measured: ([time]) => `${time.toFixed(1)} µs`,
    },
    {
      what: 'Answer to get_state decoded by the tables, beside code written by hand for it',
      target: 'no target',
      runs: [() => decode(state), () => stateByHand(state)],
      measured: besideHand,
    },
  ];
}

function genericRows() {
  const { decodeRaw } = require(join(lib, 'dialects/generic'));
  const { codecOf } = require(join(lib, 'dialects/codecs'));
  const netlink = require(join(lib, 'netlink'));
  const { AttributeSetCodec } = require(join(lib, 'schema'));
  const rows = [];
  for (const [dialect, folder] of [
    ['genl1', 'drbd-8.4.11'],
    ['genl2', 'drbd-9.2.18'],
  ]) {
    const codec = codecOf(dialect);
    const read = (message) => codec.read(message, ORDER);
    const decode = (bytes) => netlink.readDatagram(bytes, ORDER).messages.map(read);
    const bytes = longest(folder, 'get_devices', (message) =>
      message.type <= netlink.GENL_ID_CTRL ? undefined : nameOr(() => read(message).name),
    );
    const { sets } = decode(bytes)[0];
    const values = Object.values(sets).reduce((sum, set) => sum + Object.keys(set).length, 0);
    rows.push({
      what: `Dump of the devices of ${dialect} decoded, for each device (${values} values)`,
      target: 'less than 5 µs',
      runs: [() => decode(bytes)],
      measured: ([time]) => `${time.toFixed(1)} µs`,
    });
  }
  const { attributeSets } = require(join(lib, 'dialects/genl1'));
  const set = attributeSets.state_info;
  const codec = new AttributeSetCodec(set);
  const status = longest('drbd-8.4.11', 'get_status', (message) =>
    message.type <= netlink.GENL_ID_CTRL ? undefined : nameOr(() => codecOf('genl1').read(message, ORDER).name),
  );
  const [message] = netlink.readDatagram(status, ORDER).messages;
  const nest = decodeRaw(message, ORDER).list.attributes.find(({ number }) => number === set.number);
  const fields = [];
  for (const [name, { number, kind }] of Object.entries(set.fields)) fields[number] = { name, kind };
  const { payload } = nest;
  const byHand = () => {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    return stateInfoByHand(view, 0, payload.length, fields);
  };
  if (byHand().curr_role !== codec.decode(nest, ORDER).values.curr_role) throw new Error('state_info by hand is wrong');
  rows.push({
    what: 'state_info of genl1 decoded by the tables, beside code written by hand for it',
    target: 'no target',
    runs: [() => codec.decode(nest, ORDER), byHand],
    measured: besideHand,
  });
  return rows;
}

const besideHand = ([tables, hand]) => `${tables.toFixed(2)} µs (by hand: ${hand.toFixed(2)} µs)`;

async function rows({ short }) {
  const measuredRows = [...connectorRows(), ...genericRows()];
  const runs = measuredRows.flatMap((row) => row.runs);
  const times = bestOf(runs, short ? { rounds: 2, times: 200 } : {});
  return measuredRows.map(({ what, target, runs: { length }, measured }) => ({
    what,
    target,
    measured: measured(times.splice(0, length)),
    bars: [],
  }));
}

module.exports = { rows };
