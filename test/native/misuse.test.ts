import { loadAddon, type NetlinkSocket } from '../../lib/transport/addon';
import { readBlockDevice } from '../../lib/transport/block-device';
import { acquireLock } from '../../lib/transport/locks';
import { nativeTransport } from '../../lib/transport/native';
import { NETLINK_USERSOCK, type SocketHandlers } from '../../lib/transport/transport';
import { outcome } from '../support/misuse';
import { expectScenario, isObject, openRaw } from '../support/sockets';

const handlers: SocketHandlers = { datagrams: () => undefined, overrun: () => undefined, closed: () => undefined };
const BYTES = new Uint8Array([1, 2, 3, 4]);
/** As long as a netlink message's header. */
const MESSAGE = new Uint8Array(16);
const EPROTONOSUPPORT = 93;

/** Calls something as JavaScript can, whatever TypeScript says of it. */
function anyhow(target: unknown, method: string, ...values: readonly unknown[]): unknown {
  return (target as Readonly<Record<string, (...values: readonly unknown[]) => unknown>>)[method]?.(...values);
}

const NO_U32 = [-1, 1.5, NaN, Infinity, 2 ** 32, '1', 1n, null, {}, Symbol('no')];
const NO_ID = [0, -1, 1.5, NaN, Infinity, 2 ** 53, '1', 1n, null, undefined, {}];
const NO_BYTES = [
  'text',
  1,
  null,
  undefined,
  {},
  [1, 2],
  new ArrayBuffer(4),
  new DataView(new ArrayBuffer(4)),
  new Uint16Array(2),
  new Uint8ClampedArray(4),
  new Int8Array(4),
];

describe('every method in every state', () => {
  test.each(['matrix', 'matrix-in-worker', 'matrix-at-exit'])('%s', (scenario) => {
    expectScenario(scenario);
  });
});

describe('arguments of wrong types and values', () => {
  let socket: NetlinkSocket;
  beforeEach(() => (socket = openRaw()));
  afterEach(() => {
    expect(socket.counters()).toMatchObject({ sentDatagrams: 0, sendErrors: 0 });
    socket.close();
  });

  const NO_DATAGRAM = [
    [],
    [BYTES],
    [BYTES, 0],
    ...NO_BYTES.map((bytes) => [bytes, 0, 0]),
    ...NO_U32.map((port) => [BYTES, port, 0]),
    ...NO_U32.map((groups) => [BYTES, 0, groups]),
  ];
  test.each<[string, readonly (readonly unknown[])[]]>([
    ['send', NO_DATAGRAM],
    [
      'sendNow',
      [
        [],
        [1],
        [1, 0],
        ...[...NO_U32, 0x1_0000].map((length) => [length, 0, 0]),
        ...NO_U32.map((port) => [1, port, 0]),
        ...NO_U32.map((groups) => [1, 0, groups]),
      ],
    ],
    [
      'ask',
      [
        [],
        [[MESSAGE]],
        [[MESSAGE], [0]],
        [[], [], 0],
        [MESSAGE, [0], 0],
        [[MESSAGE], 0, 0],
        [[MESSAGE], [1], 0],
        [[MESSAGE], [], 0],
        [[BYTES], [0], 0],
        [Array<Uint8Array>(66).fill(MESSAGE), [...Array<number>(65).fill(0), 65], 0],
        ...NO_BYTES.map((bytes) => [[bytes], [0], 0]),
        ...NO_U32.filter((number) => typeof number !== 'symbol').map((number) => [[MESSAGE], [number], 0]),
        ...NO_U32.map((port) => [[MESSAGE], [0], port]),
      ],
    ],
    ['progress', [[], ...NO_ID.map((id) => [id])]],
    ['cancel', [[], ...NO_ID.map((id) => [id])]],
    ['join', [[], [0], ...NO_U32.map((group) => [group])]],
    ['leave', [[], [0], ...NO_U32.map((group) => [group])]],
  ])('%s', (method, lists) => {
    for (const values of lists)
      expect([method, ...values.map(String), outcome(() => anyhow(socket, method, ...values))]).toEqual([
        method,
        ...values.map(String),
        'threw ERR_INVALID_ARG_TYPE',
      ]);
  });

  test('the constructor', () => {
    const { NetlinkSocket: Class } = loadAddon();
    const create = (...values: readonly unknown[]): unknown => Reflect.construct(Class, values) as unknown;
    for (const values of [
      [],
      [2],
      [2, 0],
      [2, 0, 0],
      [2, 0, 0, {}],
      ...NO_U32.map((protocol) => [protocol, 0, 0, () => undefined]),
      ...NO_U32.map((bytes) => [2, bytes, 0, () => undefined]),
      ...NO_U32.map((groups) => [2, 0, groups, () => undefined]),
    ]) {
      expect(outcome(() => create(...values))).toBe('threw ERR_INVALID_ARG_TYPE');
    }
    for (const protocol of [31, 1000, 2 ** 32 - 1])
      expect(outcome(() => create(protocol, 0, 0, () => undefined))).toMatch(/^errno (93|22|94)$/);
    expect(() => anyhow(loadAddon(), 'NetlinkSocket', 2, 0, 0, () => undefined)).toThrow();
  });

  test('functions of the addon', () => {
    for (const name of ['tryLock', 'blockDevice']) {
      for (const path of ['', 'with\0nul', undefined, null, 1, {}, []])
        expect(outcome(() => anyhow(loadAddon(), name, path))).toBe('threw ERR_INVALID_ARG_TYPE');
    }
    for (const id of NO_ID) expect(outcome(() => anyhow(loadAddon(), 'unlock', id))).toBe('threw ERR_INVALID_ARG_TYPE');
    expect(loadAddon().unlock(1_000_000)).toBe(false);
  });
});

test('wrong arguments of the library are ArgumentErrors, and nothing is sent', async () => {
  const socket = nativeTransport().open({ protocol: NETLINK_USERSOCK }, handlers);
  const argument = expect.objectContaining({ code: 'ERR_DRBD_ARGUMENT' }) as Error;
  for (const bytes of NO_BYTES) expect(() => anyhow(socket, 'send', bytes)).toThrow(argument);
  for (const value of NO_U32.filter((value) => value !== null)) {
    expect(() => anyhow(socket, 'send', BYTES, { port: value })).toThrow(argument);
    expect(() => anyhow(socket, 'send', BYTES, { groups: value })).toThrow(argument);
    expect(() => anyhow(socket, 'join', value)).toThrow(argument);
    expect(() => anyhow(socket, 'leave', value)).toThrow(argument);
    for (const name of ['protocol', 'groups', 'receiveBufferBytes']) {
      expect(() => anyhow(nativeTransport(), 'open', { protocol: NETLINK_USERSOCK, [name]: value }, handlers)).toThrow(
        argument,
      );
    }
  }
  for (const path of ['', 'with\0nul', 1]) {
    expect(() => anyhow({ readBlockDevice }, 'readBlockDevice', path)).toThrow(argument);
    await expect(anyhow({ acquireLock }, 'acquireLock', path)).rejects.toThrow(argument);
  }
  for (const timeoutMs of [NaN, -1]) await expect(acquireLock('/nowhere', { timeoutMs })).rejects.toThrow(argument);
  expect(() => nativeTransport().open({ protocol: 31 }, handlers)).toThrow(
    expect.objectContaining({ code: 'ERR_DRBD_TRANSPORT', syscall: 'socket', errno: EPROTONOSUPPORT }) as Error,
  );
  expect(socket.counters()).toMatchObject({ sentDatagrams: 0, sendErrors: 0 });
  socket.close();
});

describe('a receiver that is no socket', () => {
  /** An object that another Node-API addon has wrapped: its pointer must not be read as a socket. */
  const foreign = (): object => {
    const { ResolverFactory } = jest.requireActual<{ readonly ResolverFactory: new (options: object) => object }>(
      'unrs-resolver',
    );
    return new ResolverFactory({});
  };

  test.each<[string, () => unknown]>([
    ['undefined', () => undefined],
    ['null', () => null],
    ['a number', () => 1],
    ['a plain object', () => ({})],
    ['an object that only inherits', () => Object.create(loadAddon().NetlinkSocket.prototype) as unknown],
    ['the prototype itself', () => loadAddon().NetlinkSocket.prototype],
    ['the class', () => loadAddon().NetlinkSocket],
    ['a proxy of a socket', () => new Proxy(closedSocket(), {})],
    ["another addon's object", foreign],
  ])('%s', (_what, make) => {
    const prototype = loadAddon().NetlinkSocket.prototype;
    const descriptors = Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(
      ([name]) => name !== 'constructor',
    );
    expect(descriptors.map(([name]) => name).sort()).toEqual([
      'ask',
      'cancel',
      'close',
      'closed',
      'counters',
      'join',
      'leave',
      'outbox',
      'portId',
      'progress',
      'ref',
      'send',
      'sendNow',
      'unref',
      'useHelper',
    ]);
    for (const [name, { get, value }] of descriptors) {
      const called = (get ?? value) as (...values: readonly unknown[]) => unknown;
      const receiver = make();
      expect({ name, thrown: thrownBy(() => Reflect.apply(called, receiver, [BYTES, 0, 0, 0, () => true])) }).toEqual({
        name,
        thrown: 'TypeError',
      });
    }
  });

  function closedSocket(): NetlinkSocket {
    const socket = openRaw();
    socket.close();
    return socket;
  }

  function thrownBy(call: () => unknown): string {
    try {
      return `returned ${String(call())}`;
    } catch (error) {
      return isObject(error) && 'name' in error ? String(error.name) : String(error);
    }
  }

  test('a subclass is a socket', () => {
    class Special extends loadAddon().NetlinkSocket {
      readonly special = true;
    }
    const socket = new Special(NETLINK_USERSOCK, 0, 0, () => undefined);
    expect([socket.special, socket.closed, socket.portId > 0]).toEqual([true, false, true]);
    socket.close();
    expect(socket.closed).toBe(true);
  });

  test('the class is no function', () => {
    expect(thrownBy(() => Reflect.apply(loadAddon().NetlinkSocket, undefined, [2, 0, 0, () => undefined]))).toBe(
      'TypeError',
    );
  });
});
