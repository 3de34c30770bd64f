'use strict';

/**
 * Preloaded (node -r) into a command that scripts/bundle watches: what it asks of the kernel by the addon is answered
 * by a recording, or by a simulator in this process, so that all above the addon runs as on a live machine.
 *
 *   SAMPLE_RECORDING   the file of a recording; a simulator answers where it is not set
 */

const fs = require('node:fs');
const { join } = require('node:path');
const { setImmediate } = require('node:timers');

const compiled = join(__dirname, '../../dist/lib');
const load = (id) => require(join(compiled, id));

/** Where the simulator is. */
const PORT = 4711;
const NLMSG_HEADER_BYTES = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** Steps of native/helper.h: the kernel took it; it was left out. */
const TAKEN = 0;
const LEFT_OUT = 5;

/** @returns the transport to what answers, and the port that it answers from */
function kernel() {
  const recording = process.env['SAMPLE_RECORDING'];
  if (recording !== undefined) {
    const { parseRecording, replayTransport } = load('recording');
    return { transport: replayTransport(parseRecording(fs.readFileSync(recording, 'utf8'), recording)), port: 0 };
  }
  const { createSimulator } = load('simulator');
  const { answerMachineQuestion } = load('dialects/simulated-machine');
  const simulator = createSimulator();
  const machine = (bytes) => answerMachineQuestion(bytes, simulator.byteOrder, () => simulator.machine());
  const { openDrbd } = load('drbd');
  const ready = openDrbd({ transport: simulator.transport, dialect: 'connector' }).then(async (client) => {
    await client.request('secondary', { minor: 0, createDevice: true });
    client.close();
  });
  return { transport: simulator.transport, port: PORT, machine, ready };
}

const { transport, port: kernelPort, machine, ready } = kernel();

/** @returns the types of the messages of a datagram */
function messageTypes(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  const types = [];
  for (let at = 0; at + NLMSG_HEADER_BYTES <= bytes.length;) {
    types.push(view.getUint16(at + 4, little));
    at += Math.max(NLMSG_HEADER_BYTES, (view.getUint32(at, little) + 3) & ~3);
  }
  return types;
}

/** @returns datagrams as the addon hands them out (native/inbox.h) */
function inbox(batch) {
  const facts = new Uint32Array(6 * batch.length);
  const bytes = Buffer.concat(batch.map((datagram) => datagram.bytes));
  let at = 0;
  batch.forEach(({ bytes: { length }, port, groups, group, truncated }, index) => {
    facts.set([at, length, port === 0 ? kernelPort : port, groups, group, Number(truncated)], 6 * index);
    at += length;
  });
  return [batch.length, Uint8Array.from(bytes).buffer, facts.buffer];
}

const outbox = new ArrayBuffer(65536);

/** The addon's class (native/socket.h), by a socket of the transport. */
class NetlinkSocket {
  closed = false;
  outbox = outbox;
  #socket;
  #listener;
  #next = 1;
  /** Called with the types of the messages of each datagram, while questions are asked. */
  #received;

  constructor(protocol, receiveBufferBytes, groups, listener) {
    this.#listener = listener;
    this.#socket = transport.open(
      { protocol, receiveBufferBytes, groups },
      {
        datagrams: (batch) => {
          if (this.closed) return;
          listener('datagrams', ...inbox(batch));
          for (const { bytes } of batch) this.#received?.(messageTypes(bytes));
        },
        overrun: () => listener('overrun'),
        closed: () => undefined,
      },
    );
    this.portId = this.#socket.portId;
  }

  useHelper() {}

  sendNow(length) {
    this.#post(this.outbox.slice(0, length));
    return 0;
  }

  #post(copied) {
    const bytes = new Uint8Array(copied);
    const answers = machine?.(bytes);
    if (answers !== undefined) {
      const datagram = { port: kernelPort, groups: 0, group: 0, truncated: false };
      setImmediate(() =>
        this.#listener('datagrams', ...inbox(answers.map((answer) => ({ ...datagram, bytes: answer })))),
      );
    } else if (ready === undefined) this.#socket.send(bytes);
    else void ready.then(() => this.closed || this.#socket.send(bytes));
  }

  send(bytes) {
    const id = this.#next++;
    this.#post(bytes.slice().buffer);
    setImmediate(() => this.closed || this.#listener('sent', [id, 0, TAKEN]));
    return id;
  }

  ask(questions, onlyIfPrevious) {
    const first = this.#next;
    this.#next += questions.length;
    void this.#askEach(questions, onlyIfPrevious, first);
    return first;
  }

  async #askEach(questions, onlyIfPrevious, first) {
    const brought = [];
    for (const [index, bytes] of questions.entries()) {
      const needed = brought.slice(Math.max(0, index - onlyIfPrevious[index]), index);
      if (needed.includes(false)) {
        brought.push(false);
        this.#listener('sent', [first + index, 0, LEFT_OUT]);
        continue;
      }
      let some = false;
      await new Promise((resolve) => {
        this.#received = (types) => {
          some ||= types.some((type) => type !== NLMSG_ERROR && type !== NLMSG_DONE);
          if (types.includes(NLMSG_ERROR) || types.includes(NLMSG_DONE)) resolve();
        };
        this.#post(bytes.slice().buffer);
      });
      brought.push(some);
      if (this.closed) return;
      this.#listener('sent', [first + index, 0, TAKEN]);
    }
  }

  progress() {
    return 'returned';
  }

  cancel() {
    return false;
  }

  join(group) {
    this.#socket.join(group);
  }

  leave(group) {
    this.#socket.leave(group);
  }

  ref() {
    this.#socket.ref();
  }

  unref() {
    this.#socket.unref();
  }

  close() {
    if (this.closed) return undefined;
    this.closed = true;
    this.#socket.close();
    return { lastStarted: this.#next, inFlight: 0, completions: [] };
  }

  counters() {
    return this.#socket.counters();
  }
}

process.dlopen = (module) => {
  module.exports = { NetlinkSocket, tryLock: () => ({ id: 1 }), unlock: () => true, blockDevice: () => undefined };
};
const { existsSync, readFileSync } = fs;
fs.existsSync = (path) => path.endsWith('/native/build/Release/node_drbd.node') || existsSync(path);
/** The files of the machine that was recorded. */
const absent = (path) =>
  Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' });
fs.readFileSync = (path, ...rest) => {
  const { host } = transport;
  if (path === '/proc/drbd' || path === '/sys/module/drbd/parameters/cn_idx') {
    const found = kernelPort !== 0 ? undefined : path === '/proc/drbd' ? host.procDrbd() : host.connectorIndex();
    if (found === undefined || found.error !== undefined) throw absent(path);
    return String(found);
  }
  if (path === '/proc/net/netlink') throw absent(path);
  return readFileSync(path, ...rest);
};
module.exports = { PORT };
