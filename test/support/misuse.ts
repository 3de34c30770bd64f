import { TransportError, type SentState } from '../../lib/errors';
import { loadAddon, type NetlinkSocket } from '../../lib/transport/addon';
import { nativeTransport, type NativeSocket } from '../../lib/transport/native';
import { NETLINK_USERSOCK, type Send } from '../../lib/transport/transport';
import {
  EBADF,
  ECONNREFUSED,
  EPERM,
  blockUntil,
  blockUntilParked,
  isObject,
  mayJoinGroups,
  openRaw,
  park,
  type Peer,
} from './sockets';

/** What a call did, in few words. */
export function outcome(call: () => unknown): string {
  try {
    const value = call();
    if (typeof value === 'object' && value !== null) return `object ${Object.keys(value).join()}`;
    return value === undefined ? 'undefined' : `${typeof value} ${String(value)}`;
  } catch (error) {
    if (!isObject(error)) return `threw ${String(error)}`;
    if (error instanceof TransportError)
      return error.code === 'ERR_DRBD_TRANSPORT'
        ? `${error.code} ${error.errno}`
        : `${error.code} ${error.sent ?? ''}`.trimEnd();
    if ('code' in error) return `threw ${String(error.code)}`;
    return 'errno' in error ? `errno ${String(error.errno)}` : `threw ${String(error)}`;
  }
}

/**
 * A method; how it is called; what it does on a socket that is open and idle, on one whose sender is held in the
 * kernel, and on a closed one.
 */
interface Row<S> {
  readonly method: string;
  readonly call: (socket: S, ids: Ids) => unknown;
  readonly open: string;
  readonly busy: string;
  readonly closed: string;
}

/** On a busy socket: the datagram inside the kernel, and one behind it. On the others: some datagram's. */
interface Ids {
  readonly parked: number;
  readonly queued: number;
  readonly port: number;
}

const BYTES = new Uint8Array([1, 2, 3, 4]);
const closedRaw = `errno ${EBADF}`;
const counters = 'object receivedDatagrams,receivedBytes,sentDatagrams,sentBytes,sendErrors,overruns,truncated';

/** Group membership is the one thing that needs a privilege. */
function rawRows(joins: boolean): readonly Row<NetlinkSocket>[] {
  const membership = joins ? 'undefined' : `errno ${EPERM}`;
  return [
    {
      method: 'portId',
      call: (socket, { port }) => socket.portId === port,
      open: 'boolean true',
      busy: 'boolean true',
      closed: 'boolean true',
    },
    {
      method: 'closed',
      call: (socket) => socket.closed,
      open: 'boolean false',
      busy: 'boolean false',
      closed: 'boolean true',
    },
    { method: 'counters', call: (socket) => socket.counters(), open: counters, busy: counters, closed: counters },
    {
      method: 'outbox',
      call: (socket) => socket.outbox.byteLength > 0,
      open: 'boolean true',
      busy: 'boolean true',
      closed: 'boolean true',
    },
    {
      // Nobody is there.
      method: 'sendNow',
      call: (socket) => socket.sendNow(1, 0x7fff_fff0, 0),
      open: `number ${ECONNREFUSED}`,
      busy: `number ${ECONNREFUSED}`,
      closed: closedRaw,
    },
    {
      // It has no helper.
      method: 'ask',
      call: (socket, { port }) => socket.ask([new Uint8Array(16)], [0], port),
      open: 'threw ERR_INVALID_ARG_TYPE',
      busy: 'threw ERR_INVALID_ARG_TYPE',
      closed: closedRaw,
    },
    {
      method: 'useHelper',
      call: (socket) => {
        socket.useHelper();
      },
      open: 'undefined',
      busy: 'undefined',
      closed: closedRaw,
    },
    {
      method: 'send',
      call: (socket, { port }) => typeof socket.send(BYTES, port, 0),
      open: 'string number',
      busy: 'string number',
      closed: closedRaw,
    },
    {
      method: 'progress',
      call: (socket, { parked }) => socket.progress(parked),
      open: 'string returned',
      busy: 'string started',
      closed: closedRaw,
    },
    {
      method: 'progress of a queued one',
      call: (socket, { queued }) => socket.progress(queued),
      open: 'string returned',
      busy: 'string no',
      closed: closedRaw,
    },
    {
      method: 'progress of an id never given',
      call: (socket) => socket.progress(1_000_000),
      open: 'threw ERR_INVALID_ARG_TYPE',
      busy: 'threw ERR_INVALID_ARG_TYPE',
      closed: closedRaw,
    },
    {
      method: 'cancel',
      call: (socket, { parked }) => socket.cancel(parked),
      open: 'boolean false',
      busy: 'boolean false',
      closed: closedRaw,
    },
    {
      method: 'cancel of a queued one',
      call: (socket, { queued }) => socket.cancel(queued),
      open: 'boolean false',
      busy: 'boolean true',
      closed: closedRaw,
    },
    {
      method: 'cancel again',
      call: (socket, { queued }) => socket.cancel(queued),
      open: 'boolean false',
      busy: 'boolean false',
      closed: closedRaw,
    },
    {
      method: 'join',
      call: (socket) => {
        socket.join(7);
      },
      open: membership,
      busy: membership,
      closed: closedRaw,
    },
    {
      method: 'leave',
      call: (socket) => {
        socket.leave(7);
      },
      open: membership,
      busy: membership,
      closed: closedRaw,
    },
    {
      method: 'unref',
      call: (socket) => {
        socket.unref();
      },
      open: 'undefined',
      busy: 'undefined',
      closed: closedRaw,
    },
    {
      method: 'unref again',
      call: (socket) => {
        socket.unref();
      },
      open: 'undefined',
      busy: 'undefined',
      closed: closedRaw,
    },
    {
      method: 'ref',
      call: (socket) => {
        socket.ref();
      },
      open: 'undefined',
      busy: 'undefined',
      closed: closedRaw,
    },
    {
      method: 'ref again',
      call: (socket) => {
        socket.ref();
      },
      open: 'undefined',
      busy: 'undefined',
      closed: closedRaw,
    },
    {
      method: 'close',
      call: (socket) => socket.close(),
      open: 'object lastStarted,inFlight,completions',
      busy: 'object lastStarted,inFlight,completions',
      closed: 'undefined',
    },
    {
      method: 'close again',
      call: (socket) => socket.close(),
      open: 'undefined',
      busy: 'undefined',
      closed: 'undefined',
    },
  ];
}

/** The same for the socket of lib/transport/native.ts, which is what the rest of the library uses. */
function socketRows(joins: boolean): readonly Row<NativeSocket>[] {
  const membership = joins ? 'undefined' : `ERR_DRBD_TRANSPORT ${EPERM}`;
  const closed = 'ERR_DRBD_CLOSED no';
  return [
    {
      method: 'portId',
      call: (socket, { port }) => socket.portId === port,
      open: 'boolean true',
      busy: 'boolean true',
      closed: 'boolean true',
    },
    {
      method: 'closed',
      call: (socket) => socket.closed,
      open: 'boolean false',
      busy: 'boolean false',
      closed: 'boolean true',
    },
    { method: 'counters', call: (socket) => socket.counters(), open: counters, busy: counters, closed: counters },
    {
      method: 'send',
      call: (socket, { port }) => sendOf(socket, port).state !== undefined,
      open: 'boolean true',
      busy: 'boolean true',
      closed,
    },
    {
      method: 'cancel',
      call: (socket, { port }) => cancelOf(sendOf(socket, port)),
      open: 'boolean true',
      busy: 'boolean true',
      closed,
    },
    {
      method: 'join',
      call: (socket) => {
        socket.join(7);
      },
      open: membership,
      busy: membership,
      closed,
    },
    {
      method: 'leave',
      call: (socket) => {
        socket.leave(7);
      },
      open: membership,
      busy: membership,
      closed,
    },
    {
      method: 'unref',
      call: (socket) => {
        socket.unref();
      },
      open: 'undefined',
      busy: 'undefined',
      closed: 'undefined',
    },
    {
      method: 'ref',
      call: (socket) => {
        socket.ref();
      },
      open: 'undefined',
      busy: 'undefined',
      closed: 'undefined',
    },
    {
      method: 'close',
      call: (socket) => {
        socket.close();
      },
      open: 'undefined',
      busy: 'undefined',
      closed: 'undefined',
    },
    {
      method: 'close again',
      call: (socket) => {
        socket.close();
      },
      open: 'undefined',
      busy: 'undefined',
      closed: 'undefined',
    },
  ];
}

function sendOf(socket: NativeSocket, port: number): Send {
  return socket.send(BYTES, { port });
}

/** A cancelled datagram is one that was never sent; on an idle socket it may be out already. */
function cancelOf(send: Send): boolean {
  const before: SentState = send.state;
  return send.cancel() ? send.state === 'no' : before !== 'no' || send.state !== 'no';
}

function check<S>(
  kind: string,
  state: 'open' | 'busy' | 'closed',
  rows: readonly Row<S>[],
  socket: S,
  ids: Ids,
): readonly string[] {
  return rows.flatMap((row) => {
    const found = outcome(() => row.call(socket, ids));
    return found === row[state] ? [] : [`${kind}.${row.method} when ${state}: ${found}, not ${row[state]}`];
  });
}

/**
 * Calls every method of both sockets in every state. Does not turn the event loop, so that it can run anywhere: in a
 * worker, or when the process exits.
 * @param peers two of them, stuck: one for each kind of socket
 * @returns what was not as it should be
 */
export function misuseMatrix(peers: readonly [Pick<Peer, 'port'>, Pick<Peer, 'port'>]): readonly string[] {
  const joins = mayJoinGroups();
  const wrong: string[] = [];

  const raw = openRaw();
  const sent = raw.send(BYTES, raw.portId, 0);
  blockUntil('the datagram is out', () => raw.progress(sent) === 'returned');
  wrong.push(...check('raw', 'open', rawRows(joins), raw, { parked: sent, queued: sent, port: raw.portId }));
  wrong.push(...check('raw', 'closed', rawRows(joins), raw, { parked: sent, queued: sent, port: raw.portId }));
  const busy = openRaw();
  const { parked, last } = park(busy, peers[0]);
  wrong.push(...check('raw', 'busy', rawRows(joins), busy, { parked, queued: last, port: busy.portId }));

  const handlers = { datagrams: () => undefined, overrun: () => undefined, closed: () => undefined };
  const open = nativeTransport().open({ protocol: NETLINK_USERSOCK }, handlers);
  wrong.push(...check('socket', 'open', socketRows(joins), open, { parked: 0, queued: 0, port: open.portId }));
  wrong.push(...check('socket', 'closed', socketRows(joins), open, { parked: 0, queued: 0, port: open.portId }));
  const held = nativeTransport().open({ protocol: NETLINK_USERSOCK }, handlers);
  const sends = Array.from({ length: 40 }, () => held.send(new Uint8Array(1000), { port: peers[1].port }));
  blockUntilParked(peers[1], () => sends.findIndex(({ state }) => state === 'started'));
  wrong.push(...check('socket', 'busy', socketRows(joins), held, { parked: 0, queued: 0, port: held.portId }));
  if (
    sends.some(({ state }) => state === 'no') !== true ||
    sends.filter(({ state }) => state === 'started').length !== 1
  )
    wrong.push('closing a busy socket did not say where its datagrams were');
  if (loadAddon().senderThreads() < 2) wrong.push('the held sender threads are not counted');
  return wrong;
}
