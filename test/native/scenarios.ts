import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import { TransportError } from '../../lib/errors';
import { loadAddon } from '../../lib/transport/addon';
import { readBlockDevice } from '../../lib/transport/block-device';
import { acquireLock } from '../../lib/transport/locks';
import { nativeTransport } from '../../lib/transport/native';
import { NETLINK_USERSOCK, type Datagram, type SocketHandlers } from '../../lib/transport/transport';
import { misuseMatrix } from '../support/misuse';
import {
  blockUntil,
  blockUntilParked,
  openDescriptors,
  openRaw,
  park,
  Peer,
  queuedBytes,
  scale,
  senderThreads,
  until,
} from '../support/sockets';

/**
 * What could end a process, or needs one of its own: `node scenarios.js NAME [ARGUMENT...]`. A scenario that went well
 * prints `done` as its last line; the tests beside this file run them and look at the exit status.
 */

const silent: SocketHandlers = { datagrams: () => undefined, overrun: () => undefined, closed: () => undefined };
const BYTES = new Uint8Array([1, 2, 3, 4]);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** Root may open everything; from here on this process may not. */
function becomeOrdinary(): void {
  loadAddon();
  if (process.getuid?.() !== 0) return;
  process.setgroups?.([]);
  process.setgid?.(65534);
  process.setuid?.(65534);
}

const EACCES = 13;

/** Garbage collection until a condition holds. */
async function collectUntil(what: string, condition: () => boolean): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  const { gc } = globalThis;
  await until(what, () => {
    gc();
    return condition();
  });
}

/** A worker of this same file. */
function worker(name: string, data: Readonly<Record<string, number>> = {}): Worker {
  return new Worker(__filename, { argv: [name], workerData: data });
}

function dataOf(name: string): number {
  return Number((workerData as Readonly<Record<string, number>>)[name]);
}

/** Two sockets that send what they get to each other without end. */
function endlessTraffic(): void {
  const first = openRaw((...event) => {
    if (event[0] === 'datagrams') for (const { bytes, port } of event[1]) first.send(bytes, port, 0);
  });
  const second = openRaw((...event) => {
    if (event[0] === 'datagrams') for (const { bytes, port } of event[1]) second.send(bytes, port, 0);
  });
  for (let count = 0; count < 50; count++) first.send(new Uint8Array(100), second.portId, 0);
}

/** A number for each line that a listener that throws has brought to uncaughtException. */
function catching(): readonly string[] {
  const caught: string[] = [];
  process.on('uncaughtException', (error) => caught.push(error.message));
  return caught;
}

/**
 * A port that nobody has: who multicasts with it as the destination gets ECONNREFUSED for it, after the group has got
 * its copies.
 */
const NOBODY = 2 ** 32 - 1;

/** Multicasts until the receiver, who does not read, has lost some. */
function overrun(group: number): void {
  const sender = openRaw();
  for (let count = 0; count < 100; count++) sender.send(new Uint8Array(1000), NOBODY, 1 << (group - 1));
  blockUntil('all are sent', () => sender.counters().sendErrors === 100);
  sender.close();
}

const scenarios: Readonly<Record<string, () => void | Promise<void>>> = {
  /** The misuse matrix on the main thread, in a worker, and as the process exits. */
  matrix: async () => {
    const peers = [await Peer.open('stuck'), await Peer.open('stuck')] as const;
    const wrong = misuseMatrix(peers);
    check(wrong.length === 0, wrong.join('\n'));
    for (const peer of peers) await peer.close();
  },
  'matrix-in-worker': async () => {
    const peers = [await Peer.open('stuck'), await Peer.open('stuck')] as const;
    const [wrong] = (await once(
      worker('matrix-worker', { first: peers[0].port, second: peers[1].port }),
      'message',
    )) as [readonly string[]];
    check(wrong.length === 0, wrong.join('\n'));
    for (const peer of peers) await peer.close();
  },
  'matrix-worker': () => {
    parentPort?.postMessage(misuseMatrix([{ port: dataOf('first') }, { port: dataOf('second') }]));
  },
  'matrix-at-exit': async () => {
    const peers = [await Peer.open('stuck'), await Peer.open('stuck')] as const;
    process.on('exit', () => {
      const wrong = misuseMatrix(peers);
      say(wrong.length === 0 ? 'done' : wrong.join('\n'));
    });
    process.exit(0);
  },

  /** Groups by mask at open and by number later; leaving them; the group's number beyond what a mask can say. */
  groups: async () => {
    const received: Datagram[] = [];
    const groupsSeen = async (count: number): Promise<readonly string[]> => {
      await until(`${count} datagrams came`, () => received.length >= count);
      return received
        .splice(0)
        .map(
          ({ bytes, port, groups, group }) =>
            `${bytes[0] ?? 0}:${port === sender.portId ? 'sender' : port}:${groups}:${group}`,
        );
    };
    const receiver = nativeTransport().open(
      { protocol: NETLINK_USERSOCK, groups: (1 << 2) | (1 << 30) },
      { ...silent, datagrams: (batch) => received.push(...batch) },
    );
    const sender = nativeTransport().open({ protocol: NETLINK_USERSOCK }, silent);
    const multicast = async (group: number, mark: number): Promise<void> => {
      // With the own port beside the group, as port 0 would be the kernel. Nobody in the group is ECONNREFUSED or
      // ESRCH, and no matter.
      await sender
        .send(new Uint8Array([mark]), { port: sender.portId, groups: 2 ** (group - 1) })
        .done.catch(() => undefined);
    };
    await multicast(3, 1);
    await multicast(31, 2);
    await multicast(4, 3);
    receiver.join(4);
    await multicast(4, 4);
    receiver.leave(3);
    await multicast(3, 5);
    receiver.join(32);
    await multicast(32, 6);
    const seen = await groupsSeen(4);
    check(
      seen.join(' ') === `1:sender:4:3 2:sender:${2 ** 30}:31 4:sender:8:4 6:sender:${2 ** 31}:32`,
      `groups: ${seen.join(' ')}`,
    );
    // A unicast belongs to no group.
    await sender.send(new Uint8Array([7]), { port: receiver.portId }).done;
    check((await groupsSeen(1)).join() === '7:sender:0:0', 'a unicast');
    for (const group of [33, 4096, 2 ** 32 - 1]) {
      try {
        receiver.join(group);
        throw new Error(`group ${group} of a protocol that has 32 was joined`);
      } catch (error) {
        check(error instanceof TransportError && error.syscall === 'setsockopt' && error.errno === 22, String(error));
      }
    }
    receiver.close();
    sender.close();
  },
  'groups-denied': () => {
    const attempts: readonly (() => unknown)[] = [
      () => nativeTransport().open({ protocol: NETLINK_USERSOCK, groups: 1 }, silent),
      () => {
        nativeTransport().open({ protocol: NETLINK_USERSOCK }, silent).join(1);
      },
    ];
    for (const attempt of attempts) {
      try {
        attempt();
        throw new Error('a group was joined without CAP_NET_ADMIN');
      } catch (error) {
        check(
          error instanceof TransportError && error.errno === 1 && error.message.includes('CAP_NET_ADMIN'),
          String(error),
        );
      }
    }
    say('done');
    process.exit(0);
  },

  /** Multicasts beyond what the receiver takes: told, and the socket goes on. */
  overrun: async () => {
    const events: string[] = [];
    const receiver = nativeTransport().open(
      { protocol: NETLINK_USERSOCK, groups: 1, receiveBufferBytes: 4096 },
      {
        datagrams: (batch) => events.push(...batch.map(({ bytes }) => (bytes.length === 1000 ? 'old' : 'new'))),
        overrun: () => events.push('overrun'),
        closed: (error) => events.push(`closed ${String(error)}`),
      },
    );
    const sender = nativeTransport().open({ protocol: NETLINK_USERSOCK }, silent);
    for (let round = 1; round <= 3; round++) {
      overrun(1);
      // What is told after the loss: that there was one, and everything that was queued before it.
      await until('an overrun was told', () => events.includes('overrun') && events.includes('old'));
      await sender.send(BYTES, { port: sender.portId, groups: 1 }).done;
      await until('the socket receives again', () => events.includes('new'));
      check(
        events.filter((event) => event === 'overrun').length === 1 && receiver.counters().overruns === round,
        events.join(),
      );
      check(
        events.indexOf('overrun') < events.indexOf('new') && events.every((event) => !event.startsWith('closed')),
        events.join(),
      );
      events.length = 0;
    }
    sender.close();
    receiver.close();
    await until('closed was told', () => events.includes('closed undefined'));
  },
  /**
   * The same on a socket that does not keep the process alive: an overrun must not make it do so, and the process ends.
   */
  'overrun-unreferenced': async () => {
    let overruns = 0;
    const receiver = nativeTransport().open(
      { protocol: NETLINK_USERSOCK, groups: 1, receiveBufferBytes: 4096 },
      { ...silent, overrun: () => overruns++ },
    );
    receiver.unref();
    overrun(1);
    await until('an overrun was told', () => overruns > 0);
    check(!receiver.closed, 'closed');
  },
  /** Beyond rmem_max by SO_RCVBUFFORCE, where that is allowed. */
  'large-buffer': () => {
    const receiver = openRaw(() => undefined, { receiveBufferBytes: 2 << 20 });
    const sender = openRaw();
    for (let count = 0; count < 40; count++) sender.send(new Uint8Array(60_000), receiver.portId, 0);
    blockUntil('all are sent', () => sender.counters().sentDatagrams === 40);
    check((queuedBytes(receiver.portId) ?? 0) > 2_000_000, `${queuedBytes(receiver.portId)} bytes are queued`);
    receiver.close();
    sender.close();
  },

  'cut-buffer': () => {
    const limit = 2 * Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'));
    const receiver = openRaw(() => undefined, { receiveBufferBytes: 2 ** 32 - 1 });
    const sender = openRaw();
    // A thread of its own is parked by the last of these, if the buffer is what it should be.
    const count = Math.ceil(limit / 60_000) + 2;
    for (let index = 0; index < count; index++) sender.send(new Uint8Array(60_000), receiver.portId, 0);
    blockUntilParked({ port: receiver.portId }, () => sender.counters().sentDatagrams);
    check(
      sender.counters().sentDatagrams < count,
      `${sender.counters().sentDatagrams} of ${count} were taken, for a limit of ${limit} bytes`,
    );
    receiver.close();
    sender.close();
  },

  /** A listener that throws: uncaughtException, and the socket lives on. */
  'throw-in-listener': async () => {
    const caught = catching();
    let batches = 0;
    const socket = nativeTransport().open(
      { protocol: NETLINK_USERSOCK },
      {
        ...silent,
        datagrams: () => {
          throw new Error(`batch ${++batches}`);
        },
        closed: () => {
          throw new Error('closed');
        },
      },
    );
    for (let count = 1; count <= 3; count++) {
      await socket.send(BYTES, { port: socket.portId }).done;
      await until('it was caught', () => caught.includes(`batch ${count}`));
    }
    check(!socket.closed && socket.counters().receivedDatagrams === 3, 'the socket does not live on');
    socket.close();
    await until('the last one was caught', () => caught.includes('closed'));
    check(caught.length === 4, caught.join());
  },
  'throw-in-any-event': async () => {
    const caught = catching();
    const socket = openRaw(
      (...event) => {
        throw new Error(event[0]);
      },
      { groups: 1, receiveBufferBytes: 4096 },
    );
    socket.send(BYTES, socket.portId, 0);
    await until('both were caught', () => caught.includes('sent') && caught.includes('datagrams'));
    overrun(1);
    await until('the overrun was caught', () => caught.includes('overrun'));
    check(!socket.closed, 'closed');
    socket.close();
  },
  /** With nobody to catch it, it ends the process as any other error does: by its name, not by a signal. */
  'throw-uncaught': () => {
    const socket = openRaw(() => {
      throw new Error('out of a listener');
    });
    socket.send(BYTES, socket.portId, 0);
    setTimeout(() => undefined, 20_000);
  },
  'throw-in-worker': async () => {
    const thread = worker('throw-uncaught');
    const [[error], code] = (await Promise.all([once(thread, 'error'), exitOf(thread)])) as [[Error], number];
    check(error.message === 'out of a listener' && code === 1, `${error.message}, ${code}`);
  },
  'close-in-listener': async () => {
    const closed: string[] = [];
    const socket = nativeTransport().open(
      { protocol: NETLINK_USERSOCK },
      {
        ...silent,
        datagrams: () => {
          socket.close();
          closed.push('in listener');
        },
        closed: () => closed.push('told'),
      },
    );
    for (let count = 0; count < 20; count++) socket.send(BYTES, { port: socket.portId });
    await until('closed was told', () => closed.includes('told'));
    check(closed.join() === 'in listener,told', closed.join());
    // In the listener of each kind of event, raw.
    for (const kind of ['sent', 'datagrams', 'overrun']) {
      let calls = 0;
      const raw = openRaw(
        (...event) => {
          if (event[0] === kind) {
            calls++;
            raw.close();
          }
        },
        { groups: 1, receiveBufferBytes: 4096 },
      );
      if (kind === 'overrun') overrun(1);
      else raw.send(BYTES, raw.portId, 0);
      await until(`closed in ${kind}`, () => raw.closed);
      await new Promise((resolve) => setTimeout(resolve, 20));
      check(calls === 1, `${calls} calls after close`);
    }
  },

  /**
   * The process ends, in each of the ways it can, while sockets are open, traffic flows, or a sender is held in the
   * kernel.
   */
  'exit-open': () => {
    for (let count = 0; count < 20; count++) openRaw();
    say('done');
    process.exit(0);
  },
  'exit-unreferenced': () => {
    for (let count = 0; count < 20; count++) openedUnreferenced();
  },
  'exit-in-traffic': async () => {
    endlessTraffic();
    await new Promise((resolve) => setTimeout(resolve, 50));
    say('done');
    process.exit(0);
  },
  'exit-in-listener': () => {
    const socket = openRaw((...event) => {
      if (event[0] !== 'datagrams') return;
      say('done');
      process.exit(0);
    });
    for (let count = 0; count < 50; count++) socket.send(BYTES, socket.portId, 0);
  },
  'exit-opening': () => {
    process.on('exit', () => {
      const socket = openRaw();
      socket.send(BYTES, socket.portId, 0);
      say('done');
    });
  },
  'exit-parked': async () => {
    park(openRaw(), await Peer.open('stuck'));
    say('done');
    process.exit(0);
  },
  'exit-parked-naturally': async () => {
    const peer = await Peer.open('stuck');
    const socket = openRaw();
    park(socket, peer);
    socket.unref();
    peer.unref();
  },
  'exit-parked-uncaught': async () => {
    park(openRaw(), await Peer.open('stuck'));
    setImmediate(() => {
      throw new Error('the process ends by an error');
    });
  },
  'exit-parked-closed': async () => {
    const peer = await Peer.open('stuck');
    const socket = openRaw();
    park(socket, peer);
    socket.close();
    peer.unref();
  },

  /**
   * The socket is closed under a sender that is held in the kernel: close() does not wait, the thread ends when the
   * kernel lets it go.
   */
  'close-parked': async () => {
    const peer = await Peer.open('stuck');
    const before = openDescriptors();
    const socket = nativeTransport().open({ protocol: NETLINK_USERSOCK }, silent);
    const sends = Array.from({ length: 40 }, () => socket.send(new Uint8Array(1000), { port: peer.port }));
    blockUntilParked(peer, () => sends.findIndex(({ state }) => state === 'started'));
    const parked = sends.findIndex(({ state }) => state === 'started');
    check(!sends[parked]?.cancel() && sends[39]?.cancel() === true, 'only what is queued can be cancelled');
    socket.close();
    const ends = await Promise.all(
      sends.slice(0, 39).map(({ done }) =>
        done.then(
          () => 'delivered',
          (error: unknown) =>
            error instanceof TransportError && 'sent' in error ? `${error.code} ${String(error.sent)}` : String(error),
        ),
      ),
    );
    const expected = ends.map((_end, index) =>
      index < parked ? 'delivered' : index === parked ? 'ERR_DRBD_CLOSED started' : 'ERR_DRBD_CLOSED no',
    );
    check(ends.join() === expected.join(), ends.join());
    check(
      sends.map(({ state }) => state).join() ===
        [...ends.map((end) => (end === 'delivered' ? 'returned' : end.slice('ERR_DRBD_CLOSED '.length))), 'no'].join(),
      'states after close',
    );
    check(senderThreads() === 1, 'the thread is not held any more');
    check(queuedBytes(socket.portId) !== undefined, 'the thread owns the socket for as long as it is inside');
    peer.release();
    await until('the thread has ended', () => senderThreads() === 0);
    check(queuedBytes(socket.portId) === undefined && openDescriptors() <= before, 'the descriptor is still open');
    await peer.close();
  },
  /** Sends go on after the peer reads again: nothing is lost, all in order. */
  'parked-and-released': async () => {
    const peer = await Peer.open('stuck');
    const order: number[] = [];
    const socket = nativeTransport().open({ protocol: NETLINK_USERSOCK }, silent);
    const sends = Array.from({ length: 100 }, () => socket.send(new Uint8Array(1000), { port: peer.port }));
    sends.forEach(({ done }, index) =>
      done.then(
        () => order.push(index),
        () => order.push(-1),
      ),
    );
    blockUntilParked(peer, () => sends.findIndex(({ state }) => state === 'started'));
    // The loop turns as ever while the kernel holds the sender.
    let turns = 0;
    await until('the loop turns', () => ++turns > 10);
    check(
      sends.some(({ state }) => state === 'no'),
      'all are sent',
    );
    peer.release();
    await until('all are sent', () => order.length === 100);
    check(
      order.every((value, index) => value === index),
      order.join(),
    );
    socket.close();
    await peer.close();
  },
  /**
   * Stopped and continued, as by a shell, a debugger or a freezer, while a sender is inside the kernel: nothing is lost
   * or sent twice.
   */
  'parked-and-stopped': async () => {
    const peer = await Peer.open('stuck');
    const socket = nativeTransport().open({ protocol: NETLINK_USERSOCK }, silent);
    const sends = Array.from({ length: 40 }, () => socket.send(new Uint8Array(1000), { port: peer.port }));
    const parked = blockUntilParked(peer, () => sends.findIndex(({ state }) => state === 'started'));
    for (let round = 0; round < 3; round++)
      await once(spawn('sh', ['-c', 'kill -STOP $PPID; sleep 0.05; kill -CONT $PPID']), 'exit');
    check(sends[parked]?.state === 'started' && socket.counters().sendErrors === 0, 'the send was cut short');
    peer.release();
    await Promise.all(sends.map(({ done }) => done));
    check(socket.counters().sentDatagrams === 40, `${socket.counters().sentDatagrams} of 40 are sent`);
    socket.close();
    await peer.close();
  },
  /** A peer that dies lets the sender go with an error. */
  'parked-peer-dies': async () => {
    const peer = await Peer.open('stuck');
    const socket = nativeTransport().open({ protocol: NETLINK_USERSOCK }, silent);
    const sends = Array.from({ length: 40 }, () => socket.send(new Uint8Array(1000), { port: peer.port }));
    blockUntilParked(peer, () => sends.findIndex(({ state }) => state === 'started'));
    await peer.close();
    const errors = await Promise.all(
      sends.map(({ done }) =>
        done.then(
          () => 0,
          (error: unknown) => (error instanceof TransportError ? error.errno : -1),
        ),
      ),
    );
    check(errors.includes(111) && errors.every((errno) => errno === 0 || errno === 111), errors.join());
    socket.close();
  },

  /** Workers. None of these scenarios loads the addon on the main thread, so the library goes with the worker. */
  'worker-open': async () => {
    for (let round = 0; round < 5; round++) {
      const code = await exitOf(worker('exit-open-worker'));
      check(code === 0, `exit code ${code}`);
    }
    await until('all threads have ended', () => senderThreads() === 0);
  },
  'exit-open-worker': () => {
    const sockets = Array.from({ length: 5 }, () => openRaw());
    for (const socket of sockets) {
      socket.send(BYTES, socket.portId, 0);
      socket.unref();
    }
  },
  'worker-exits': async () => {
    const code = await exitOf(worker('worker-exits-by-itself'));
    check(code === 7, `exit code ${code}`);
  },
  'worker-exits-by-itself': () => {
    endlessTraffic();
    setTimeout(() => process.exit(7), 20);
  },
  'worker-terminated-in-traffic': async () => {
    const rounds = Math.max(5, Math.round(40 * scale));
    for (let round = 0; round < rounds; round++) {
      const thread = worker('traffic-worker');
      await once(thread, 'message');
      await new Promise((resolve) => setTimeout(resolve, round % 10));
      await thread.terminate();
    }
  },
  'traffic-worker': () => {
    endlessTraffic();
    parentPort?.postMessage('ready');
  },
  'worker-parked': async () => {
    const peer = await Peer.open('stuck', 0);
    const thread = worker('parked-worker', { port: peer.port });
    const exited = exitOf(thread);
    await once(thread, 'message');
    thread.postMessage('end');
    const code = await exited;
    check(code === 0, `exit code ${code}`);
    check(senderThreads() === 1, `${senderThreads()} sender threads after the worker's end`);
    // It comes back into the code of a library that only the worker had loaded.
    peer.release();
    await until('the thread has ended', () => senderThreads() === 0);
    await peer.close();
  },
  'worker-parked-terminated': async () => {
    const peer = await Peer.open('stuck', 0);
    const thread = worker('parked-worker', { port: peer.port });
    await once(thread, 'message');
    await thread.terminate();
    check(senderThreads() === 1, `${senderThreads()} sender threads after the worker's end`);
    await peer.close();
    await until('the thread has ended', () => senderThreads() === 0);
  },
  'parked-worker': () => {
    const socket = openRaw();
    park(socket, { port: dataOf('port') });
    parentPort?.once('message', () => {
      socket.unref();
      parentPort?.close();
    });
    parentPort?.postMessage('parked');
  },

  /** What nobody refers to is collected once it keeps nothing alive; what keeps the process alive is not. */
  collection: async () => {
    openedUnreferenced();
    const before = openDescriptors();
    let received = 0;
    // In a function of its own, so that no variable of this one refers to them.
    (() => {
      for (let count = 0; count < 100; count++) openedUnreferenced();
      for (let count = 0; count < 10; count++) {
        const kept = openRaw((...event) => {
          if (event[0] === 'datagrams') received += event[1].length;
        });
        ports.push(kept.portId);
      }
    })();
    check(openDescriptors() >= before + 100, 'they are open');
    await collectUntil('the unreferenced ones are collected', () => openDescriptors() <= before + 10);
    check(
      ports.every((port) => queuedBytes(port) !== undefined),
      'a referenced socket was collected',
    );
    const sender = openRaw();
    for (const port of ports) sender.send(BYTES, port, 0);
    await until('the forgotten listeners are called', () => received === ports.length);
    say('done');
    process.exit(0);
  },
  'collection-busy': async () => {
    const peer = await Peer.open('stuck');
    const before = openDescriptors();
    let ends = 0;
    let count = 0;
    (() => {
      const socket = nativeTransport().open({ protocol: NETLINK_USERSOCK }, silent);
      socket.unref();
      for (; count < 40; count++)
        socket.send(new Uint8Array(1000), { port: peer.port }).done.then(
          () => ends++,
          () => (ends = NaN),
        );
    })();
    blockUntilParked(peer, () => 0);
    for (let round = 0; round < 20; round++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    check(senderThreads() === 1 && openDescriptors() > before, 'a socket with sends under way was collected');
    peer.release();
    await until('all are told', () => ends === count);
    await collectUntil('it is collected', () => openDescriptors() <= before && senderThreads() === 0);
    await peer.close();
  },
  /** An object of the addon that its user has dropped, while what it gave out is still there. */
  'collection-of-holders': async () => {
    const peer = await Peer.open('stuck');
    const send = (() => {
      const socket = nativeTransport().open({ protocol: NETLINK_USERSOCK }, silent);
      socket.unref();
      const sends = Array.from({ length: 40 }, () => socket.send(new Uint8Array(1000), { port: peer.port }));
      return sends[39];
    })();
    blockUntilParked(peer, () => 0);
    for (let round = 0; round < 20; round++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    check(send?.state === 'no' && send.cancel() && send.state === 'no', 'a datagram of a dropped socket');
    await peer.close();
  },

  'ten-thousand': async () => {
    const count = Math.max(500, Math.round(10_000 * scale));
    openRaw().close();
    const before = openDescriptors();
    // Without a turn of the loop, with the library's own socket and a sender thread now and then; then with turns.
    for (let index = 0; index < count; index++) {
      const socket = openRaw();
      if (index % 100 === 0) socket.send(BYTES, socket.portId, 0);
      socket.close();
      if (index % 500 === 0)
        check(openDescriptors() <= before + 20, `${openDescriptors()} descriptors after ${index}, ${before} before`);
    }
    for (let index = 0; index < count / 10; index++) {
      const socket = nativeTransport().open({ protocol: NETLINK_USERSOCK }, silent);
      const sent = socket.send(BYTES, { port: socket.portId }).done;
      if (index % 2 === 0) await sent;
      socket.close();
      await sent.catch(() => undefined);
    }
    await until('all threads have ended', () => senderThreads() === 0);
    check(openDescriptors() <= before, `${openDescriptors()} descriptors, ${before} before`);
    say(`${count} and ${count / 10} sockets, ${openDescriptors()} descriptors`);
  },
  million: async () => {
    const total = Math.max(5_000, Math.round(1_000_000 * scale));
    const window = 2_000;
    let started = 0;
    let finished = 0;
    let wrong = 0;
    let finish: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (finish = resolve));
    const echo = openRaw((...event) => {
      if (event[0] === 'datagrams') for (const { bytes, port } of event[1]) echo.send(bytes, port, 0);
    });
    const question = new Uint8Array(64);
    const view = new DataView(question.buffer);
    const ask = (): void => {
      view.setUint32(0, started++);
      client.send(question, echo.portId, 0);
    };
    const measure = (): number => {
      globalThis.gc?.();
      return process.memoryUsage().rss;
    };
    let early = 0;
    const client = openRaw((...event) => {
      if (event[0] !== 'datagrams') return;
      for (const { bytes, port } of event[1]) {
        if (port !== echo.portId || new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) !== finished) wrong++;
        finished++;
        if (finished === Math.round(total / 10)) early = measure();
        if (started < total) ask();
      }
      if (finished === total) finish();
    });
    while (started < Math.min(window, total)) ask();
    await over;
    const growth = (measure() - early) / (1 << 20);
    say(
      `${finished} round trips, ${wrong} wrong, memory ${Math.round(early / (1 << 20))} MiB after a tenth, ${growth.toFixed(1)} MiB more at the end`,
    );
    check(wrong === 0 && finished === total, 'answers');
    // A leak of 32 bytes for each round trip would be 27 MiB.
    check(growth < 24, `memory grew by ${growth} MiB`);
    check(
      client.counters().sentDatagrams === total &&
        echo.counters().sentDatagrams === total &&
        client.counters().receivedDatagrams === total,
      'counters',
    );
    client.close();
    echo.close();
  },

  /** The scenario's arguments: the system call that fails, and the path. */
  'block-device-denied': () => {
    becomeOrdinary();
    const [syscall, path = ''] = process.argv.slice(3);
    try {
      throw new Error(`${path} was read: ${String(readBlockDevice(path))}`);
    } catch (error) {
      check(error instanceof TransportError && error.syscall === syscall && error.errno === EACCES, String(error));
    }
  },
  'block-device-fifo': () => {
    const path = process.argv[3] ?? '';
    execFileSync('mkfifo', [path]);
    check(readBlockDevice(path) === undefined, 'a pipe is no block device');
  },

  /** Locks: in workers, and what their end does. The path is the scenario's argument. */
  'lock-workers': async () => {
    const path = process.argv[3] ?? '';
    const mine = await acquireLock(path);
    const threads = [1, 2, 3].map(() => new Worker(__filename, { argv: ['lock-worker', path] }));
    const taken: number[] = [];
    threads.forEach((thread, index) => thread.on('message', () => taken.push(index)));
    await Promise.all(threads.map((thread) => once(thread, 'online')));
    await new Promise((resolve) => setTimeout(resolve, 100));
    check(taken.length === 0, 'a worker got a lock that this thread holds');
    mine.release();
    // Each takes it, tells, and ends without release(): its end lets go.
    await Promise.all(threads.map(exitOf));
    check(taken.length === 3, `${taken.length} workers got the lock`);
    const again = await acquireLock(path);
    again.release();
  },
  'lock-worker': async () => {
    await acquireLock(process.argv[3] ?? '', { timeoutMs: 30_000 });
    parentPort?.postMessage('locked');
  },
  'lock-denied': async () => {
    const path = process.argv[3] ?? '';
    writeFileSync(path, '', { mode: 0o400 });
    becomeOrdinary();
    check(
      await acquireLock(path).then(
        () => false,
        (error: unknown) => error instanceof TransportError && error.syscall === 'open' && error.errno === EACCES,
      ),
      'a file that is read-only was locked',
    );
  },
  'lock-at-exit': async () => {
    await acquireLock(process.argv[3] ?? '');
    say('done');
    process.exit(0);
  },
};

const ports: number[] = [];

function openedUnreferenced(): ReturnType<typeof openRaw> {
  const socket = openRaw();
  socket.unref();
  return socket;
}

/** Unlike once(), an error of the worker does not come before its exit. */
function exitOf(thread: Worker): Promise<number> {
  return new Promise((resolve) => thread.on('exit', resolve));
}

const SAY_DONE_THEMSELVES = ['matrix-at-exit', 'exit-opening'];
const name = process.argv[2] ?? '';
const scenario = scenarios[name];
if (scenario === undefined) throw new Error(`there is no scenario "${name}"`);
void (async () => {
  try {
    await scenario();
    if (isMainThread && !SAY_DONE_THEMSELVES.includes(name)) say('done');
  } catch (error) {
    // Not by a rejection: some scenarios catch those.
    process.stderr.write(`${error instanceof Error ? String(error.stack) : String(error)}\n`);
    process.exit(1);
  }
})();
