'use strict';

/**
 * A DRBD 9 of many resources, in memory: a recorded resource with a device and a peer, as often as is asked for. Its
 * answers are made once, and kept in a file, so that a process that is measured does not make them.
 */

const { openSync, readFileSync, readSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { setImmediate } = require('node:timers');

const lib = join(__dirname, '../../dist/lib');
const FAMILY = 30;
const EVENTS_GROUP = 7;
const ORDER = 'little';
/** As the kernel fills them. */
const DATAGRAM_BYTES = 16 << 10;
/** Of the recording: events2 and show, with nothing between them that changes anything. */
const RECORDED = ['drbd-9.2.18/two-volumes.jsonl:44', 'drbd-9.2.18/two-volumes.jsonl:46'];
const QUESTIONS = {
  get_resources: ['get_resources'],
  get_devices: ['get_devices'],
  get_connections: ['get_connections'],
  get_peer_devices: ['get_peer_devices'],
  get_initial_state: ['resource_state', 'connection_state', 'path_state', 'device_state', 'peer_device_state'],
};

/** @returns the recorded messages of one resource and its first volume, by their names */
function recorded(codec) {
  const { capturedDatagrams } = require(join(__dirname, '../../dist/test/support/captures'));
  const { decodeRaw } = require(join(lib, 'dialects/generic'));
  const { decodeDatagram, GENL_ID_CTRL } = require(join(lib, 'netlink'));
  const found = {};
  for (const { where, sent, bytes } of capturedDatagrams('drbd-9.2.18')) {
    if (sent || !RECORDED.includes(where)) continue;
    for (const message of decodeDatagram(bytes, ORDER).messages) {
      if (message.type <= GENL_ID_CTRL) continue;
      const decoded = codec.decode(decodeRaw(message, ORDER), ORDER);
      const { ctx_resource_name: resource, ctx_volume: volume = 0 } = decoded.sets.context ?? {};
      if (volume === 0) found[`${decoded.name} ${resource}`] ??= decoded;
    }
  }
  const [resource] = Object.keys(found)[0].split(' ').slice(1);
  return (name) => found[`${name} ${resource}`];
}

/** Writes the answers of as many resources into a file. */
function writeAnswers(file, count) {
  const { codecOf } = require(join(lib, 'dialects/codecs'));
  const { attributeSets } = require(join(lib, 'dialects/genl2'));
  const netlink = require(join(lib, 'netlink'));
  const { AttributeSetCodec } = require(join(lib, 'schema'));
  const codec = codecOf('genl2');
  const recordedOf = recorded(codec);
  const setCodecs = new Map(
    Object.entries(attributeSets).map(([name, set]) => [
      name === 'drbd_cfg_context' ? 'context' : name,
      new AttributeSetCodec(set),
    ]),
  );
  const encoding = { order: ORDER, outOfRange: 'send', malformed: 'send' };
  const payloadOf = (name, { minor, sets }) => {
    const header = new Uint8Array(8);
    const view = new DataView(header.buffer);
    view.setUint32(0, minor ?? 0xffffffff, true);
    view.setInt32(4, 101, true);
    const parts = Object.entries(sets).map(([key, values]) => setCodecs.get(key).encode(values, key, encoding));
    return netlink.encodeGenericMessage(
      { command: codec.operation(name).number, version: 2, data: netlink.concatBytes([header, ...parts]) },
      ORDER,
    );
  };
  const messageOf = (type, flags, payload) =>
    netlink.encodeMessage({ type, flags, sequence: 0, port: 0, payload }, ORDER);
  const answers = {};
  for (const [question, names] of Object.entries(QUESTIONS)) {
    const messages = [];
    for (let number = 0; number < count; number++)
      for (const name of names) {
        const { minor, sets } = recordedOf(name);
        const context = { ...sets.context, ctx_resource_name: `r${number}` };
        const own = { minor: minor === undefined ? undefined : number, sets: { ...sets, context } };
        messages.push(messageOf(FAMILY, netlink.NLM_F_MULTI, payloadOf(name, own)));
      }
    messages.push(messageOf(netlink.NLMSG_DONE, netlink.NLM_F_MULTI, new Uint8Array(4)));
    answers[codec.operation(question).number] = {
      datagrams: datagramsOf(messages),
      named: question !== 'get_initial_state',
    };
  }
  const attribute = (number, bytes) => netlink.encodeAttribute(number, bytes, ORDER);
  const text = (words) => new Uint8Array(Buffer.from(`${words}\0`));
  const group = netlink.concatBytes([
    attribute(netlink.CTRL_ATTR_MCAST_GRP_NAME, text('events')),
    attribute(netlink.CTRL_ATTR_MCAST_GRP_ID, Uint8Array.of(EVENTS_GROUP, 0, 0, 0)),
  ]);
  const data = netlink.concatBytes([
    attribute(netlink.CTRL_ATTR_MCAST_GROUPS, attribute(1, group)),
    attribute(netlink.CTRL_ATTR_FAMILY_NAME, text('drbd')),
    attribute(netlink.CTRL_ATTR_FAMILY_ID, Uint8Array.of(FAMILY, 0)),
    attribute(netlink.CTRL_ATTR_VERSION, Uint8Array.of(2, 0, 0, 0)),
  ]);
  const family = netlink.encodeGenericMessage({ command: netlink.CTRL_CMD_NEWFAMILY, version: 2, data }, ORDER);
  answers.family = { datagrams: [messageOf(netlink.GENL_ID_CTRL, 0, family)], named: true };
  // The datagrams stay on the disk until they are asked for: what is measured is the memory of the library.
  let offset = 0;
  const places = (datagrams) => datagrams.map(({ length }) => [(offset += length) - length, length]);
  const index = Object.entries(answers).map(([question, { datagrams, named }]) => [
    question,
    { places: places(datagrams), named },
  ]);
  writeFileSync(file, Buffer.concat(Object.values(answers).flatMap(({ datagrams }) => datagrams)));
  writeFileSync(`${file}.json`, JSON.stringify(Object.fromEntries(index)));
}

function datagramsOf(messages) {
  const datagrams = [];
  let parts = [];
  let length = 0;
  for (const message of messages) {
    if (length + message.length > DATAGRAM_BYTES) {
      datagrams.push(Buffer.concat(parts));
      [parts, length] = [[], 0];
    }
    // Messages begin at a multiple of 4.
    const padded = Buffer.alloc((message.length + 3) & ~3);
    padded.set(message);
    parts.push(padded);
    length += padded.length;
  }
  return [...datagrams, Buffer.concat(parts)];
}

/** @returns a transport whose kernel answers from a file */
function transportOf(file) {
  const answers = JSON.parse(readFileSync(`${file}.json`, 'utf8'));
  const opened = openSync(file, 'r');
  let sockets = 0;
  return {
    host: {
      procDrbd: () => 'version: 9.2.18 (api:2/proto:86-122)\nTransports (api:21):\n',
      connectorIndex: () => undefined,
    },
    open(_options, { datagrams: receive, closed: tell }) {
      const portId = ++sockets;
      let closed = false;
      const send = (question) => {
        const asked = Buffer.from(question);
        const { places, named } = answers[asked.readUInt16LE(4) === FAMILY ? asked[16] : 'family'];
        // A turn of the loop for each few, as they come from a kernel.
        const hand = (at) => {
          if (closed || at >= places.length) return;
          receive(
            places.slice(at, at + 16).map(([offset, length]) => {
              const copy = Buffer.allocUnsafeSlow(length);
              readSync(opened, copy, 0, length, offset);
              for (let next = 0; next < copy.length; next += (copy.readUInt32LE(next) + 3) & ~3) {
                asked.copy(copy, next + 8, 8, 12);
                if (named) copy.writeUInt32LE(portId, next + 12);
              }
              return { bytes: copy, port: 0, groups: 0, group: 0, truncated: false };
            }),
          );
          setImmediate(hand, at + 16);
        };
        setImmediate(hand, 0);
        return { state: 'returned', done: Promise.resolve(), cancel: () => false };
      };
      const nothing = () => undefined;
      return {
        portId,
        get closed() {
          return closed;
        },
        send,
        join: nothing,
        leave: nothing,
        ref: nothing,
        unref: nothing,
        close: () => {
          if (closed) return;
          closed = true;
          setImmediate(tell);
        },
        counters: nothing,
      };
    },
  };
}

module.exports = { writeAnswers, transportOf };
