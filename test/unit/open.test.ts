import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { openDrbd, TimeoutError, TransportError, UnsupportedError, type Client } from '../../lib';
import { createBackend, main } from '../../lib/cli';
import { createSimulator } from '../../lib/simulator';
import {
  NETLINK_CONNECTOR,
  NETLINK_GENERIC,
  type HostFiles,
  type SocketOptions,
  type Transport,
} from '../../lib/transport/transport';
import { memoryIo } from '../support/cli';
import { FakeDriver, type FakeDriverOptions } from '../support/fake-driver';
import { mayJoinGroups } from '../support/sockets';

// A driver that is there is never "not found", and what stands in the way of it is told as what it is.

const DIST = join(__dirname, '../..');
const EPERM = 1;
const EACCES = 13;
const EPROTONOSUPPORT = 93;

const host = (api: number | string, index: number | undefined): HostFiles => ({
  procDrbd: () => (typeof api === 'string' ? { error: api } : `version: 8.3.13 (api:${api}/proto:86-96)\nbuilt-in\n`),
  connectorIndex: () => index,
});
const on83 = host(88, 8);
const drivers: FakeDriver[] = [];
function fake(options: FakeDriverOptions = {}): FakeDriver {
  const driver = new FakeDriver(options);
  drivers.push(driver);
  return driver;
}
/** A transport that cannot open the sockets of a protocol. */
const refusing = (inner: Transport, protocol: number, errno: number, syscall = 'bind'): Transport => ({
  ...inner,
  open: (options: SocketOptions, handlers) => {
    if (options.protocol === protocol)
      throw new TransportError(`opening a netlink socket: ${syscall}: errno ${errno}`, { syscall, errno });
    return inner.open(options, handlers);
  },
});
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error('it was opened');
    },
    (error: unknown) => error as Error,
  );

afterEach(() => {
  for (const driver of drivers.splice(0)) driver.close();
});

describe('a driver of 8.3', () => {
  test('is known by its files: nothing is sent that its listeners would hear', async () => {
    const driver = fake({ host: on83 });
    const drbd = await openDrbd({ transport: driver.transport, byteOrder: 'little' });
    expect(drbd).toMatchObject({ dialect: 'connector', driver: { version: '8.3.13', api: 88, address: 8 } });
    await new Promise((resolve) => setImmediate(resolve));
    expect(driver.connector).toEqual([]);
    drbd.close();
  });

  test('hears nothing but the own requests of a command', async () => {
    const simulator = createSimulator();
    const watcher = (await openDrbd({ transport: simulator.transport })) as Client<'connector'>;
    const seen: string[] = [];
    const listening = (async () => {
      for await (const event of watcher.broadcasts({ unfiltered: true }))
        if (event.kind === 'event') seen.push(`${event.name} ${event.minor}`);
    })();
    const backend = createBackend({ kind: 'given', transport: simulator.transport, locks: false });
    const io = memoryIo();
    expect(await main(['3', 'syncer', '--create-device'], io, { backend })).toBe(0);
    backend.finish('closed');
    await watcher.request('get_state', { minor: 3 });
    watcher.close();
    await listening;
    // The watcher's own last question tells that all was heard.
    expect(seen.filter((line) => line.endsWith(' 0'))).toEqual([]);
    expect(seen.at(0)).toMatch(/ 3$/u);
    simulator.close();
  });

  test('whose index is not told is asked at all of them, and silence is a matter of time', async () => {
    const driver = fake({ host: host(88, undefined) });
    const error = await failure(openDrbd({ transport: driver.transport, timeoutMs: 600 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ timeoutMs: 600, sent: 'returned' });
    expect(error.message).toContain('within 600 ms');
    expect(driver.connector).toHaveLength(3);
  });

  test('that may not be spoken to is a matter of privilege, also before anything is sent', async () => {
    for (const index of [8, undefined]) {
      const driver = fake({ host: host(88, index) });
      const transport = refusing(driver.transport, NETLINK_CONNECTOR, EPERM);
      expect(await failure(openDrbd({ transport }))).toMatchObject({
        code: 'ERR_DRBD_TRANSPORT',
        errno: EPERM,
        syscall: 'bind',
      });
    }
  });

  test('that may not be spoken to has the state that /proc/drbd tells, if that suffices; streams name what is missing', async () => {
    const text = [
      'version: 8.3.13 (api:88/proto:86-96)',
      'built-in',
      ' 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----',
      '    ns:8 nr:0 dw:8 dr:16 al:1 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:b oos:0',
    ].join('\n');
    for (const index of [8, undefined]) {
      const driver = fake({ host: { procDrbd: () => `${text}\n`, connectorIndex: () => index } });
      const transport = refusing(driver.transport, NETLINK_CONNECTOR, EPERM);
      const drbd = await openDrbd({ transport, procDrbdSuffices: true, names: { 0: 'r0' } });
      expect(drbd.driver).toMatchObject({ version: '8.3.13', refusal: { errno: EPERM } });
      const { source, resources } = await drbd.status();
      expect(source).toEqual({ dialect: 'connector', driver: '8.3.13', api: 88, complete: false });
      expect(resources).toMatchObject([
        {
          name: 'r0',
          role: 'Primary',
          devices: [{ minor: 0, disk: 'UpToDate', stats: { writtenBytes: 8192n } }],
          connections: [{ state: 'Connected', role: 'Secondary', peerDevices: [{ replication: 'Established' }] }],
        },
      ]);
      const refusals = [
        failure((async () => drbd.events().next())()),
        failure(drbd.waitFor(() => true)),
        failure((drbd as Client<'connector'>).request('get_state', { minor: 0 })),
      ];
      for (const refusal of refusals) expect(await refusal).toMatchObject({ errno: EPERM });
      drbd.close();
    }
  });

  test('has the names that are given, or those that drbdadm left on this machine', async () => {
    const proc =
      'version: 8.3.13 (api:88/proto:86-96)\nbuilt-in\n 1: cs:StandAlone ro:Secondary/Unknown ds:Diskless/DUnknown   r-----\n';
    const resourceName = (minor: number): string => `left-${minor}`;
    const driver = fake({ host: { procDrbd: () => proc, connectorIndex: () => 8, resourceName } });
    const transport = refusing(driver.transport, NETLINK_CONNECTOR, EPERM);
    const nameOf = async (names?: ReadonlyMap<number, string> | Readonly<Record<number, string>>): Promise<unknown> => {
      const drbd = await openDrbd({ transport, procDrbdSuffices: true, ...(names === undefined ? {} : { names }) });
      return (await drbd.status()).resources[0]?.name;
    };
    expect(await nameOf()).toBe('left-1');
    expect(await nameOf({ 1: 'given' })).toBe('given');
    expect(await nameOf(new Map([[1, 'mapped']]))).toBe('mapped');
    expect(await nameOf({ 0: 'another' })).toBeNull();
    for (const names of [{ r0: 'r0' }, { 0: '' }, { 0: 5 }, 'r0', null])
      expect(await failure(openDrbd({ transport, names: names as never }))).toMatchObject({
        code: 'ERR_DRBD_ARGUMENT',
      });
  });

  test('is spoken to even where generic netlink is forbidden', async () => {
    const driver = fake({ host: on83 });
    const drbd = await openDrbd({ transport: refusing(driver.transport, NETLINK_GENERIC, EACCES, 'socket') });
    expect(drbd.dialect).toBe('connector');
    drbd.close();
  });

  test.each([
    ['the kernel has no connector', { protocols: [NETLINK_GENERIC] }, undefined],
    ['the connector is not in this kernel', {}, EPROTONOSUPPORT],
  ])('is out of reach where %s', async (_name, options, errno) => {
    const driver = fake({ host: host(88, undefined), ...options });
    const transport =
      errno === undefined ? driver.transport : refusing(driver.transport, NETLINK_CONNECTOR, errno, 'socket');
    const error = await failure(openDrbd({ transport, timeoutMs: 5000 }));
    expect(error).toMatchObject({ code: 'ERR_DRBD_UNSUPPORTED', feature: 'a DRBD driver' });
    expect(error.message).toMatch(/network namespace/u);
  });

  test('is out of reach where its files tell that the kernel does not listen', async () => {
    const driver = fake({ host: { ...on83, hasKernelSocket: (protocol) => protocol !== NETLINK_CONNECTOR } });
    const error = await failure(openDrbd({ transport: driver.transport }));
    expect(error).toMatchObject({ code: 'ERR_DRBD_UNSUPPORTED', feature: 'a DRBD driver' });
    expect(error.message).toMatch(/network namespace/u);
  });

  test('is looked for where /proc/drbd cannot be read, and if nobody answers, that is what is told', async () => {
    const driver = fake({ host: host('EACCES', undefined) });
    const error = await failure(openDrbd({ transport: driver.transport }));
    expect(error).toMatchObject({ code: 'ERR_DRBD_TRANSPORT', errno: EACCES, syscall: 'open' });
    expect(error.message).toMatch(/\/proc\/drbd cannot be read: EACCES \(13\)/u);
    expect(driver.connector).toHaveLength(3);
  });
});

describe('time', () => {
  test('that did not suffice is a TimeoutError with the limit that was given', async () => {
    const driver = fake({ host: host('ENOENT', undefined), silent: true });
    const error = await failure(openDrbd({ transport: driver.transport, timeoutMs: 40 }));
    expect(error).toMatchObject({ code: 'ERR_DRBD_TIMEOUT', timeoutMs: 40, sent: 'returned' });
    expect(error.message).toContain('GETFAMILY drbd: no answer within 40 ms');
  });

  test('that did not suffice for the connector says nothing of a driver', async () => {
    const driver = fake({ host: host('ENOENT', undefined) });
    const error = await failure(openDrbd({ transport: driver.transport, dialect: 'connector', timeoutMs: 300 }));
    expect(error).toMatchObject({ code: 'ERR_DRBD_TIMEOUT', timeoutMs: 300 });
  });

  test('enough of it, and nobody there, is no driver', async () => {
    const driver = fake({ host: host('ENOENT', undefined) });
    const error = await failure(openDrbd({ transport: driver.transport, dialect: 'connector', timeoutMs: 60_000 }));
    expect(error).toMatchObject({ code: 'ERR_DRBD_UNSUPPORTED', feature: 'a DRBD driver' });
  });

  test('is counted for the whole of a request, and named so: a guard has what is left of it', async () => {
    const driver = fake({ host: { ...on83, procDrbd: () => 'version: 8.3.13 (api:88/proto:86-96)\n' } });
    const drbd = (await openDrbd({ transport: driver.transport })) as Client<'connector'>;
    const first = failure(drbd.request('primary', { minor: 0 }, { timeoutMs: 60 }));
    expect(await first).toMatchObject({ code: 'ERR_DRBD_TIMEOUT', timeoutMs: 60 });
    const status = failure(drbd.waitFor(() => false, { timeoutMs: 70 }));
    expect((await status).message).toContain('70 ms');
    drbd.close();
  });

  test('reaches the command line with its own figure', async () => {
    const driver = fake({ host: host('EACCES', undefined), silent: true });
    const backend = createBackend({ kind: 'given', transport: driver.transport, locks: false });
    const io = memoryIo();
    expect(await main(['--timeout', '0.05', 'status'], io, { backend })).toBe(20);
    expect(io.stderr.text).toMatch(/no answer within 50 ms.*\[ERR_DRBD_TIMEOUT\]\n$/u);
    backend.finish('closed');
  });
});

describe('another dialect', () => {
  test.each([
    ['genl1', { id: 30, dialect: 'genl2' }, host('ENOENT', undefined), 'genl2'],
    ['connector', { id: 30, dialect: 'genl1' }, host(1, undefined), 'genl1'],
    ['genl2', undefined, on83, 'connector'],
    ['genl1', undefined, host(2, undefined), 'genl2'],
  ] as const)('%s is asked for, and which one is there is told', async (dialect, family, files, there) => {
    const driver = fake({ host: files, ...(family === undefined ? {} : { family }) });
    const error = await failure(openDrbd({ transport: driver.transport, dialect }));
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error).toMatchObject({ feature: 'a dialect of DRBD', dialect: there });
    expect(error.message).toMatch(new RegExp(`speaks ${there}.*not ${dialect}`, 'u'));
    expect(error.message).not.toMatch(/not? (DRBD driver|found)|modprobe|namespace/u);
  });
});

test('a controller that refuses is told as what it says', async () => {
  const driver = fake({ host: host('ENOENT', undefined), refuses: EPERM });
  const error = await failure(openDrbd({ transport: driver.transport }));
  expect(error).toMatchObject({ code: 'ERR_DRBD_TRANSPORT', errno: EPERM });
  expect(error.message).toMatch(/EPERM.*CAP_NET_ADMIN/u);
  const busy = fake({ host: host('ENOENT', undefined), refuses: 12 });
  expect(await failure(openDrbd({ transport: busy.transport }))).toMatchObject({ code: 'ERR_DRBD_NETLINK', errno: 12 });
});

test('no family and no /proc/drbd is no driver', async () => {
  const driver = fake({ host: host('ENOENT', undefined) });
  const error = await failure(openDrbd({ transport: driver.transport }));
  expect(error).toMatchObject({ code: 'ERR_DRBD_UNSUPPORTED', feature: 'a DRBD driver' });
  expect(driver.connector).toEqual([]);
});

describe('a process', () => {
  const run = (before: readonly string[], env: Readonly<Record<string, string>>, script: string) => {
    const [command = '', ...rest] = [...before, process.execPath, '-e', script, DIST];
    return spawnSync(command, rest, { encoding: 'utf8', timeout: 60_000, env: { ...process.env, ...env } });
  };
  const OPEN = `
    const { openDrbd, nativeTransport } = require(process.argv[1] + '/lib');
    const host = { procDrbd: () => 'version: 8.3.13 (api:88/proto:86-96)', connectorIndex: () => 8 };
    openDrbd({ transport: { host, open: (...all) => nativeTransport().open(...all) } }).then(
      () => console.log('opened'),
      (error) => console.log(JSON.stringify({ name: error.name, code: error.code, errno: error.errno, message: error.message })),
    );`;

  test('without the addon is told so, and not that there is no driver', () => {
    const { stdout } = run([], { NODE_DRBD_ADDON: '/nowhere/node_drbd.node' }, OPEN);
    const error = JSON.parse(stdout) as { readonly code: string; readonly message: string };
    expect(error.code).toBe('ERR_DRBD_UNSUPPORTED');
    expect(error.message).toMatch(/^the native part of node-drbd: \/nowhere\/node_drbd\.node/u);
    const tool = spawnSync(process.execPath, [join(DIST, 'lib/cli/bin/drbdsetup.js'), 'status'], {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, NODE_DRBD_ADDON: '/nowhere/node_drbd.node' },
    });
    expect(tool.status).toBe(20);
    expect(tool.stderr).toMatch(/the native part of node-drbd: \/nowhere/u);
  });

  test('without CAP_NET_ADMIN is told that it needs it', () => {
    const before = mayJoinGroups() ? ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'] : [];
    const { stdout } = run(before, {}, OPEN);
    const error = JSON.parse(stdout) as { readonly code: string; readonly message: string };
    expect(error).toMatchObject({ name: 'TransportError', code: 'ERR_DRBD_TRANSPORT', errno: EPERM });
    expect(error.message).toMatch(/EPERM.*CAP_NET_ADMIN/u);
  });
});

describe('a module that is reloaded while a stream is open', () => {
  test('gets the next request under its new number', async () => {
    const driver = fake({ host: host(1, undefined), family: { id: 30, dialect: 'genl1' } });
    const drbd = (await openDrbd({ transport: driver.transport, byteOrder: 'little' })) as Client<'genl1'>;
    const ask = (): Promise<unknown> => drbd.request('get_status', { minor: 0 }).catch((error: unknown) => error);
    expect(await ask()).toMatchObject({ code: 'ERR_DRBD_KERNEL', returnCode: 127 });
    const stream = drbd.broadcasts();
    // The number changes between the sending and the refusal, and the stream hears of it first.
    const [answer] = await Promise.all([ask(), Promise.resolve(driver.reload({ id: 31, dialect: 'genl1' }))]);
    expect(answer).toMatchObject({ code: 'ERR_DRBD_KERNEL', returnCode: 127 });
    expect(driver.asked).toEqual([30, 30, 31]);
    expect(drbd.driver.address).toBe(31);
    await stream.return?.();
    drbd.close();
  });

  const following = async (
    driver: FakeDriver,
  ): Promise<{
    readonly drbd: Client<'genl1'>;
    readonly seen: string[];
    readonly over: Promise<unknown>;
    until(length: number): Promise<void>;
  }> => {
    const drbd = (await openDrbd({ transport: driver.transport, byteOrder: 'little' })) as Client<'genl1'>;
    const seen: string[] = [];
    const over = (async () => {
      for await (const event of drbd.broadcasts())
        seen.push(event.kind === 'resync' ? event.reason : `${event.name} ${event.sequence}`);
    })().then(
      () => undefined,
      (error: unknown) => error,
    );
    const until = async (length: number): Promise<void> => {
      while (seen.length < length) await new Promise((resolve) => setImmediate(resolve));
    };
    return { drbd, seen, over, until };
  };

  test('is one resync, and what the new one tells follows it', async () => {
    const driver = fake({ host: host(1, undefined), family: { id: 30, dialect: 'genl1' } });
    const { drbd, seen, over, until } = await following(driver);
    driver.event(500);
    await until(1);
    driver.reload({ id: 31, dialect: 'genl1' });
    driver.event(3);
    driver.event(4);
    await until(4);
    driver.unload();
    await until(5);
    driver.reload({ id: 32, dialect: 'genl1' });
    driver.event(3);
    await until(6);
    expect(seen).toEqual(['event 500', 'module', 'event 3', 'event 4', 'module', 'event 3']);
    drbd.close();
    expect(await over).toBeUndefined();
  });

  test('as another dialect ends the stream, and says so', async () => {
    const driver = fake({ host: host(1, undefined), family: { id: 30, dialect: 'genl1' } });
    const { drbd, seen, over } = await following(driver);
    driver.reload({ id: 31, dialect: 'genl2' });
    expect(await over).toMatchObject({ code: 'ERR_DRBD_UNSUPPORTED', requires: 'family version 1' });
    expect(seen).toEqual(['module']);
    drbd.close();
  });
});

describe('waiting for a driver', () => {
  /** A machine whose /proc/drbd comes later. @param drivers `text` is what can be read now */
  function machine(): { files: HostFiles; text: string | { readonly error: string }; looks: number } {
    const state = {
      text: { error: 'ENOENT' } as string | { readonly error: string },
      looks: 0,
      files: {
        procDrbd: () => {
          state.looks++;
          return state.text;
        },
        connectorIndex: () => 8,
      },
    };
    return state;
  }
  const opened = async (promise: Promise<Client>): Promise<Client['dialect']> => {
    const drbd = await promise;
    drbd.close();
    return drbd.dialect;
  };
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  test('of 8.4 and 9: the controller announces it, and nothing is asked meanwhile', async () => {
    const state = machine();
    const driver = fake({ host: state.files });
    let asked = 0;
    const counting: Transport = {
      ...driver.transport,
      open: (options, handlers) => {
        asked++;
        return driver.transport.open(options, handlers);
      },
    };
    const began = performance.now();
    const waiting = opened(openDrbd({ transport: counting, waitForDriver: true, byteOrder: 'little' }));
    await turns();
    const before = { asked, looks: state.looks };
    await turns();
    expect({ asked, looks: state.looks }).toEqual(before);
    driver.reload({ id: 30, dialect: 'genl1' });
    expect(await waiting).toBe('genl1');
    // Not by the clock: a search comes only with the tenth look.
    expect(performance.now() - began).toBeLessThan(9000);
  });

  test('of 8.3: /proc/drbd is looked at, and nothing is sent', async () => {
    const state = machine();
    const driver = fake({ host: state.files });
    const waiting = opened(openDrbd({ transport: driver.transport, waitForDriver: true, byteOrder: 'little' }));
    await turns();
    state.text = 'version: 8.3.13 (api:88/proto:86-96)\nbuilt-in\n';
    expect(await waiting).toBe('connector');
    expect(driver.connector).toEqual([]);
  });

  test('that is there already takes no time', async () => {
    const driver = fake({ host: on83 });
    expect(await opened(openDrbd({ transport: driver.transport, waitForDriver: true }))).toBe('connector');
  });

  test('ends with the time and with the signal', async () => {
    const driver = fake({ host: machine().files });
    const options = { transport: driver.transport, waitForDriver: true, byteOrder: 'little' } as const;
    expect(await failure(openDrbd({ ...options, timeoutMs: 3000 }))).toMatchObject({
      name: 'TimeoutError',
      timeoutMs: 3000,
      sent: 'no',
    });
    const stop = new AbortController();
    const waiting = failure(openDrbd({ ...options, signal: stop.signal }));
    await turns();
    stop.abort('enough');
    expect(await waiting).toMatchObject({ name: 'AbortError', cause: 'enough' });
    expect(await failure(openDrbd({ ...options, signal: AbortSignal.abort('before') }))).toMatchObject({
      name: 'AbortError',
    });
  });

  test('does not wait out what is not the want of a driver', async () => {
    const driver = fake({ host: host(1, undefined), family: { id: 30, dialect: 'genl1' } });
    const transport = driver.transport;
    expect(await failure(openDrbd({ transport, waitForDriver: true, dialect: 'genl2' }))).toMatchObject({
      code: 'ERR_DRBD_UNSUPPORTED',
      dialect: 'genl1',
    });
    const refused = refusing(fake({ host: on83 }).transport, NETLINK_CONNECTOR, EPERM);
    expect(await failure(openDrbd({ transport: refused, waitForDriver: true }))).toMatchObject({ errno: EPERM });
    // A network namespace: the module is there, and stays out of reach.
    const hidden = fake({ host: host(1, undefined) });
    expect(
      await failure(openDrbd({ transport: hidden.transport, waitForDriver: true, byteOrder: 'little' })),
    ).toMatchObject({ code: 'ERR_DRBD_UNSUPPORTED', feature: 'a DRBD driver' });
  }, 60_000);
});

describe("the client's own limit", () => {
  test('holds for each request that names none', async () => {
    const driver = fake({ host: on83 });
    const drbd = (await openDrbd({
      transport: driver.transport,
      requestTimeoutMs: 40,
      byteOrder: 'little',
    })) as Client<'connector'>;
    const late = { name: 'TimeoutError', timeoutMs: 40 };
    expect(await failure(drbd.request('get_state', { minor: 0 }))).toMatchObject(late);
    expect(await failure(drbd.request('secondary', { minor: 0 }))).toMatchObject(late);
    expect(await failure(drbd.demote({ minor: 0 }))).toMatchObject(late);
    expect(await failure(drbd.request('get_state', { minor: 0 }, { timeoutMs: 90 }))).toMatchObject({ timeoutMs: 90 });
    drbd.close();
  });

  test('is a number of milliseconds', async () => {
    for (const requestTimeoutMs of [-1, NaN, '9' as never])
      expect(await failure(openDrbd({ requestTimeoutMs }))).toMatchObject({ path: 'requestTimeoutMs' });
  });

  test('holds on generic netlink, for changes and for dumps', async () => {
    const driver = fake({ host: host(1, undefined), family: { id: 30, dialect: 'genl1' } });
    const drbd = (await openDrbd({
      transport: driver.transport,
      requestTimeoutMs: 40,
      byteOrder: 'little',
    })) as Client<'genl1'>;
    driver.silence();
    const late = { name: 'TimeoutError', timeoutMs: 40 };
    expect(await failure(drbd.request('secondary', { minor: 0 }))).toMatchObject(late);
    expect(await failure(drbd.request('get_status'))).toMatchObject(late);
    expect(await failure(drbd.status())).toMatchObject(late);
    drbd.close();
  });
});
