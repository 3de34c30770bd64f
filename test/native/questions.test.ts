import { readdirSync, readFileSync } from 'node:fs';

import {
  concatBytes,
  decodeDatagram,
  encodeMessage,
  hostByteOrder,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
} from '../../lib/netlink';
import { nativeTransport } from '../../lib/transport/native';
import {
  NETLINK_USERSOCK,
  type Asked,
  type Datagram,
  type Question,
  type QuestionEnd,
  type TransportSocket,
} from '../../lib/transport/transport';
import { ECONNREFUSED, until } from '../support/sockets';

// Questions that a helper process asks one after the other.

const order = hostByteOrder();
const DATA = 20;
let opened: TransportSocket[] = [];

afterEach(() => {
  for (const socket of opened) socket.close();
  opened = [];
});

function open(
  datagrams: (batch: readonly Datagram[]) => void,
  overrun: () => void = () => undefined,
  receiveBufferBytes?: number,
): TransportSocket {
  const socket = nativeTransport({ sendFromProcesses: true }).open(
    {
      protocol: NETLINK_USERSOCK,
      mayStick: true,
      ...(receiveBufferBytes === undefined ? {} : { receiveBufferBytes }),
    },
    { datagrams, overrun, closed: () => undefined },
  );
  opened.push(socket);
  return socket;
}

function message(type: number, flags: number, sequence: number, payload: Uint8Array): Uint8Array {
  return encodeMessage({ type, flags, sequence, port: 0, payload }, order);
}
const data = (sequence: number, bytes = 4): Uint8Array => message(DATA, NLM_F_MULTI, sequence, new Uint8Array(bytes));
const done = (sequence: number): Uint8Array => message(NLMSG_DONE, NLM_F_MULTI, sequence, new Uint8Array(4));
function refusal(sequence: number, errno: number): Uint8Array {
  const payload = new Uint8Array(20);
  new DataView(payload.buffer).setInt32(0, -errno, order === 'little');
  return message(NLMSG_ERROR, 0, sequence, payload);
}

/** Somebody who answers by sequence number; and what he was asked, in order. */
function answering(answers: (sequence: number) => readonly Uint8Array[]): {
  readonly peer: TransportSocket;
  readonly asked: number[];
} {
  const asked: number[] = [];
  const peer = open((batch) => {
    for (const { bytes, port } of batch)
      for (const { sequence } of decodeDatagram(bytes, order).messages) {
        asked.push(sequence);
        for (const answer of answers(sequence)) peer.send(answer, { port });
      }
  });
  return { peer, asked };
}

const question = (sequence: number, onlyIfPrevious = 0): Question => ({
  bytes: message(DATA, 0, sequence, new Uint8Array(8)),
  onlyIfPrevious,
});

/** A socket, and what it was told: sequence numbers of messages, and how questions ended. */
function asker(receiveBufferBytes?: number): {
  readonly socket: TransportSocket;
  readonly got: number[];
  readonly ends: [number, QuestionEnd][];
  readonly overruns: () => number;
  ask(questions: readonly Question[], port: number): Asked;
} {
  const got: number[] = [];
  const ends: [number, QuestionEnd][] = [];
  let overruns = 0;
  const socket = open(
    (batch) => {
      for (const { bytes } of batch)
        for (const { sequence, type } of decodeDatagram(bytes, order).messages)
          got.push(type === DATA ? sequence : -sequence);
    },
    () => overruns++,
    receiveBufferBytes,
  );
  return {
    socket,
    got,
    ends,
    overruns: () => overruns,
    ask: (questions, port) => {
      const asked = socket.ask?.(questions, port, (index, end) => ends.push([index, end]));
      if (asked === undefined) throw new Error('this socket does not ask');
      return asked;
    },
  };
}

test('each is asked when the one before it is answered; one is left out where those before it brought nothing', async () => {
  const { peer, asked } = answering((sequence) => [
    ...(sequence === 2 || sequence === 5 ? [] : [data(sequence)]),
    done(sequence),
  ]);
  const { got, ends, ask } = asker();
  const sent = ask(
    [question(1), question(2), question(3, 2), question(4), question(5), question(6), question(7, 1), question(8, 2)],
    peer.portId,
  );
  await until('all are answered', () => got.includes(-8));
  expect(asked).toEqual([1, 2, 4, 5, 6, 7, 8]);
  expect(got).toEqual([1, -1, -2, 4, -4, -5, 6, -6, 7, -7, 8, -8]);
  await until('it is told', () => ends.length === 1);
  expect(ends).toEqual([[2, 'empty']]);
  expect([0, 1, 2, 3].map((index) => sent.state(index))).toEqual(['returned', 'returned', 'no', 'returned']);
});

test('afterwards the socket receives by itself, and sends and asks again', async () => {
  const { peer } = answering((sequence) => [done(sequence)]);
  const { socket, got, ask } = asker();
  for (let round = 1; round <= 100; round++) {
    ask([question(10 * round)], peer.portId);
    await until('it is answered', () => got.includes(-10 * round));
    peer.send(data(10 * round + 1), { port: socket.portId });
    await until('it arrives', () => got.includes(10 * round + 1));
  }
  await socket.send(question(5000).bytes, { port: peer.portId }).done;
  await until('a question that is sent is answered too', () => got.includes(-5000));
});

test('many, with more than fits a buffer, come in order and whole', async () => {
  const count = 1500;
  const sizes = (sequence: number): number => (sequence % 100 === 0 ? 40_000 : sequence % 300);
  const { peer, asked } = answering((sequence) => [data(sequence, sizes(sequence)), done(sequence)]);
  const sequences = Array.from({ length: count }, (_unused, index) => index + 1);
  const lengths: number[] = [];
  const socket = open((batch) => {
    for (const { bytes, truncated } of batch) {
      expect(truncated).toBe(false);
      for (const { type, payload } of decodeDatagram(bytes, order).messages)
        if (type === DATA) lengths.push(payload.length);
    }
  });
  socket.ask?.(
    sequences.map((sequence) => question(sequence)),
    peer.portId,
    () => undefined,
  );
  await until('all are answered', () => lengths.length === count, 60_000);
  expect(asked).toEqual(sequences);
  expect(lengths).toEqual(sequences.map(sizes));
});

test('a refusal and a failed system call end their own question', async () => {
  const { peer } = answering((sequence) =>
    sequence === 1 ? [refusal(1, 0), refusal(1, 19)] : [data(sequence), done(sequence)],
  );
  const { got, ends, ask } = asker();
  ask([question(1), question(2, 1), question(3)], peer.portId);
  await until('the last is answered', () => got.includes(-3));
  // The acknowledgement alone (errno 0) ends nothing.
  expect(got).toEqual([-1, -1, 3, -3]);
  await until('it is told', () => ends.length === 1);
  expect(ends).toEqual([[1, 'empty']]);
  const other = asker();
  const sent = other.ask([question(1), question(2)], 0x7fff_fff0);
  await until('both have failed', () => other.ends.length === 2);
  expect(other.ends).toEqual([
    [0, expect.objectContaining({ code: 'ERR_DRBD_TRANSPORT', errno: ECONNREFUSED })],
    [1, expect.objectContaining({ code: 'ERR_DRBD_TRANSPORT', errno: ECONNREFUSED })],
  ]);
  expect([sent.state(0), sent.state(1)]).toEqual(['returned', 'returned']);
});

test('what others send does not end a question, and is handed out', async () => {
  const { peer } = answering((sequence) => {
    forger.send(done(sequence), { port: socket.portId });
    return [];
  });
  const forger = open(() => undefined);
  const { socket, got, ask } = asker();
  const sent = ask([question(1), question(2)], peer.portId);
  await until('the forgery arrives', () => got.length === 1);
  expect([sent.state(0), sent.state(1)]).toEqual(['returned', 'no']);
  // A message of another sequence number, or one that only looks like the end of a dump, ends it as little.
  peer.send(concatBytes([done(7), message(NLMSG_DONE, 0, 1, new Uint8Array(4))]), { port: socket.portId });
  await until('they arrive', () => got.length === 3);
  expect(sent.state(1)).toBe('no');
  peer.send(done(1), { port: socket.portId });
  await until('the next is asked', () => sent.state(1) === 'returned');
});

/** The helpers of this process. */
function helpers(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return (
          text.includes('(netlink-helper)') && text.slice(text.lastIndexOf(')') + 2).split(' ')[1] === `${process.pid}`
        );
      } catch {
        return false;
      }
    });
}
const holdsSocket = (pid: number): boolean => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length > 1;
  } catch {
    return false;
  }
};

test('a socket that is closed in the middle asks nothing more, and its helper lets go of it', async () => {
  const { peer, asked } = answering((sequence) => (sequence === 2 ? [] : [done(sequence)]));
  const { socket, got, ends, ask } = asker();
  const sent = ask([question(1), question(2), question(3)], peer.portId);
  await until('the second was asked', () => asked.length === 2 && got.length === 1);
  socket.close();
  expect([0, 1, 2].map((index) => sent.state(index))).toEqual(['returned', 'returned', 'no']);
  await until('no helper holds it', () => !helpers().some(holdsSocket));
  expect([asked, ends]).toEqual([[1, 2], []]);
  // Others ask as before.
  const other = asker();
  other.ask([question(1)], peer.portId);
  await until('it is answered', () => other.got.length === 1);
});

test('a helper that is killed: what it had asked may have been answered, and the rest was not asked', async () => {
  const { peer, asked } = answering((sequence) => (sequence === 2 ? [] : [done(sequence)]));
  const { socket, got, ends, ask } = asker();
  const sent = ask([question(1), question(2), question(3)], peer.portId);
  await until('the second was asked', () => asked.length === 2 && got.length === 1);
  for (const pid of helpers()) if (holdsSocket(pid)) process.kill(pid, 'SIGKILL');
  await until('it is told', () => ends.length === 2);
  expect(ends).toEqual([
    [1, expect.objectContaining({ code: 'ERR_DRBD_TRANSPORT', errno: 10, sent: 'started' })],
    [2, 'stopped'],
  ]);
  expect([0, 1, 2].map((index) => sent.state(index))).toEqual(['returned', 'started', 'no']);
  // The socket receives by itself again.
  peer.send(done(2), { port: socket.portId });
  await until('a late answer arrives', () => got.includes(-2));
  expect(asked).toEqual([1, 2]);
});

test('a loss ends them: it is told, and the rest was not asked', async () => {
  // The peer's messages to a full socket wait for room; only a multicast is dropped.
  const { peer, asked } = answering(() => []);
  const group = 1 << 8;
  const got: number[] = [];
  const ends: [number, QuestionEnd][] = [];
  let overruns = 0;
  const socket = nativeTransport({ sendFromProcesses: true }).open(
    { protocol: NETLINK_USERSOCK, mayStick: true, receiveBufferBytes: 4096, groups: group },
    {
      datagrams: (batch) => got.push(...batch.map(({ bytes }) => bytes.length)),
      overrun: () => overruns++,
      closed: () => undefined,
    },
  );
  opened.push(socket);
  const stopped: number[] = [];
  const helperOf = (): readonly number[] => helpers().filter(holdsSocket);
  socket.ask?.([question(1), question(2)], peer.portId, (index, end) => ends.push([index, end]));
  await until('the first was asked', () => asked.length === 1 && helperOf().length === 1);
  for (const pid of helperOf()) {
    process.kill(pid, 'SIGSTOP');
    stopped.push(pid);
  }
  for (let count = 0; count < 20; count++)
    await peer.send(new Uint8Array(2000), { groups: group }).done.catch(() => undefined);
  for (const pid of stopped) process.kill(pid, 'SIGCONT');
  await until('it is told', () => overruns === 1 && ends.length === 1);
  expect(ends).toEqual([[1, 'stopped']]);
  expect(asked).toEqual([1]);
});
