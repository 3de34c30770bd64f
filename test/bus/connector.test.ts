import { readFileSync } from 'node:fs';

import { openDrbd, type Client, type ConnectorEvent, type ResyncEvent } from '../../lib';
import { decodeRaw, encodeRaw } from '../../lib/dialects/connector';
import { decodeDatagram, hostByteOrder } from '../../lib/netlink';
import { nativeTransport } from '../../lib/transport/native';
import { NETLINK_CONNECTOR, type Transport } from '../../lib/transport/transport';
import { Responder } from '../support/responder';
import { expectValidSnapshot } from '../support/schema';

/** The client and an answerer, each with sockets of its own, across the running kernel's connector bus. */
const order = hostByteOrder();
const GROUP = 8;
const DISK = { backing_dev: '/dev/ram0', meta_dev: '/dev/ram0', meta_dev_idx: -1 };
const QUICK = { timeoutMs: 250 };
/** For answers that come once the test says so. */
const PATIENT = { timeoutMs: 120_000 };

let responder: Responder;
let clients: Client<'connector'>[];

/**
 * Gives a minor its disk through another client, so that the client under test has one socket only and each stray
 * message counts once.
 */
async function attachElsewhere(minor: number): Promise<void> {
  await (await connect()).request('disk_conf', { minor, createDevice: true, tags: DISK });
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 60_000; !condition();) {
    if (performance.now() > end) throw new Error('it did not happen within a minute');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whether the kernel has dropped messages of a netlink socket in this network namespace. */
function isAnythingDropped(): boolean {
  const DROPS = 8;
  return readFileSync('/proc/net/netlink', 'utf8')
    .split('\n')
    .some((line) => Number(line.trim().split(/\s+/u)[DROPS]) > 0);
}

async function connect(transport?: Transport): Promise<Client<'connector'>> {
  const client = await openDrbd({
    dialect: 'connector',
    simulator: responder.portId,
    ...(transport === undefined ? {} : { transport }),
  });
  clients.push(client);
  return client;
}

beforeEach(() => {
  responder = new Responder(nativeTransport(), { order });
  clients = [];
});

afterEach(() => {
  for (const client of clients) client.close();
  responder.close();
});

test('requests reach the responder, and its multicast answers come back', async () => {
  const drbd = await connect();
  expect(drbd).toMatchObject({ dialect: 'connector', driver: { address: 8 } });
  await expect(drbd.request('get_state', { minor: 0 })).rejects.toMatchObject({
    code: 'ERR_DRBD_KERNEL',
    returnCode: 127,
    returnName: 'ERR_MINOR_INVALID',
    minor: 0,
  });
  expect(await drbd.request('disk_conf', { minor: 0, createDevice: true, setDefaults: true, tags: DISK })).toEqual({
    returnCode: 101,
    returnName: 'NO_ERROR',
    minor: 0,
    tags: {},
    unknown: [],
  });
  expect((await drbd.request('get_config', { minor: 0 })).tags).toEqual(DISK);
  expect(await drbd.request('primary', { minor: 0 })).toMatchObject({ returnCode: 101 });
  const { uuids } = (await drbd.request('get_uuids', { minor: 0 })).tags;
  expect(uuids?.[0]).toBe(0x1234_5678_9abc_def0n);
  const snapshot = await drbd.status();
  expectValidSnapshot(snapshot);
  expect(snapshot.resources).toMatchObject([
    {
      role: 'Primary',
      devices: [{ minor: 0, disk: 'UpToDate', backingDevice: '/dev/ram0' }],
      connections: [{ state: 'StandAlone' }],
    },
  ]);
  // The request on the wire is the one that drbdsetup would have sent.
  const sent = responder.requests.find(({ packetType }) => packetType === 3);
  expect(sent).toMatchObject({ minor: 0, flags: 3, netlink: { type: 3, flags: 0 }, connector: { idx: 8, val: 1 } });
});

test('broadcasts come as events, in order, beside the answers', async () => {
  const drbd = await connect();
  const stream = drbd.broadcasts();
  await drbd.request('disk_conf', { minor: 1, createDevice: true, tags: DISK });
  responder.broadcast('call_helper', 1, { helper: 'before-resync-target' });
  responder.broadcast('dump_ee', 1, { dump_ee_reason: 'test', ee_sector: 8n, ee_data: new Uint8Array(32_768).fill(7) });
  const seen: (ConnectorEvent | ResyncEvent)[] = [];
  for (let count = 0; count < 3; count++) {
    const { value } = await stream.next();
    if (value !== undefined) seen.push(value);
  }
  await stream.return?.();
  expect(seen.map((event) => (event.kind === 'event' ? event.name : event.reason))).toEqual([
    'get_state',
    'call_helper',
    'dump_ee',
  ]);
  expect(seen[1]).toMatchObject({ minor: 1, tags: { helper: 'before-resync-target' } });
  expect((seen[2] as ConnectorEvent).tags['ee_data']).toHaveLength(32_768);
});

test('many requests of several clients are under way at once, and each gets its own answer', async () => {
  const drbds = await Promise.all([connect(), connect(), connect()]);
  const [first] = drbds;
  for (let minor = 0; minor < 8; minor++)
    await first?.request('disk_conf', {
      minor,
      createDevice: true,
      tags: { ...DISK, backing_dev: `/dev/ram${minor}` },
    });
  const answers = await Promise.all(
    drbds.flatMap((drbd) =>
      Array.from({ length: 200 }, (_unused, index) => drbd.request('get_config', { minor: index % 8 })),
    ),
  );
  expect(answers.map(({ minor, tags }) => [minor, tags.backing_dev])).toEqual(
    drbds.flatMap(() => Array.from({ length: 200 }, (_unused, index) => [index % 8, `/dev/ram${index % 8}`])),
  );
  for (const drbd of drbds) {
    const { replies, unmatched, foreignSender } = drbd.counters();
    expect(replies).toBeGreaterThanOrEqual(200);
    // The answers to the other two reach everybody.
    expect(unmatched).toBeGreaterThan(300);
    expect(foreignSender).toBe(0);
  }
});

describe('answers that are none', () => {
  test.each(['drop', 'short', 'wrong-ack', 'wrong-index', 'wrong-minor'] as const)(
    '%s: silence is an error, never success',
    async (fault) => {
      const drbd = await connect();
      await drbd.request('disk_conf', { minor: 0, createDevice: true, tags: DISK });
      responder.faults(fault);
      const before = performance.now();
      await expect(drbd.request('get_state', { minor: 0 }, QUICK)).rejects.toMatchObject({
        code: 'ERR_DRBD_TIMEOUT',
        timeoutMs: 250,
        sent: 'returned',
      });
      expect(performance.now() - before).toBeGreaterThanOrEqual(240);
      expect((await drbd.request('get_state', { minor: 0 })).returnCode).toBe(101);
    },
  );

  test('an answer twice counts once; a late one is counted and dropped', async () => {
    await attachElsewhere(0);
    const drbd = await connect();
    const { late, unmatched } = drbd.counters();
    responder.faults('twice');
    await drbd.request('get_state', { minor: 0 });
    await drbd.request('get_state', { minor: 0 });
    expect(drbd.counters().late + drbd.counters().unmatched).toBe(late + unmatched + 1);
    responder.faults('late');
    await expect(drbd.request('get_state', { minor: 0 }, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'ERR_DRBD_TIMEOUT',
    });
    responder.release();
    await until(() => drbd.counters().late === late + 1);
  });

  test('foreign traffic does not extend a deadline', async () => {
    const drbd = await connect();
    await drbd.request('disk_conf', { minor: 0, createDevice: true, tags: DISK });
    const noise = setInterval(() => {
      responder.broadcast('sync_progress', 0, { sync_progress: 1 });
    }, 20);
    responder.faults('drop');
    const before = performance.now();
    await expect(drbd.request('get_state', { minor: 0 }, QUICK)).rejects.toMatchObject({ code: 'ERR_DRBD_TIMEOUT' });
    clearInterval(noise);
    // Traffic that extended the deadline would do so for ever.
    expect(performance.now() - before).toBeGreaterThanOrEqual(QUICK.timeoutMs - 1);
  });

  test('an answer that another process forges is counted and dropped', async () => {
    await attachElsewhere(0);
    const drbd = await connect();
    const copies: Uint8Array[] = [];
    const forger = nativeTransport().open(
      { protocol: NETLINK_CONNECTOR, groups: 1 << (GROUP - 1) },
      {
        datagrams: (batch) => {
          copies.push(...batch.filter(({ port }) => port === responder.portId).map(({ bytes }) => bytes));
        },
        overrun: () => undefined,
        closed: () => undefined,
      },
    );
    try {
      responder.faults('late');
      const before = responder.requests.length;
      const answer = drbd.request('get_state', { minor: 0 }, PATIENT);
      await until(() => responder.requests.length > before);
      const request = responder.requests.at(-1);
      if (request === undefined) throw new Error('no request');
      // All that a reply echoes, and a state that is a lie: only the sender's port gives it away.
      const [message] = decodeDatagram(
        encodeRaw(
          {
            ...request,
            connector: { ...request.connector, ack: request.connector.ack + 1 },
            packetType: 27,
            flags: 101,
          },
          order,
        ),
        order,
      ).messages;
      if (message === undefined) throw new Error('no message');
      await forger.send(encodeRaw(decodeRaw(message, order), order), { port: forger.portId, groups: 1 << (GROUP - 1) })
        .done;
      await until(() => drbd.counters().foreignSender === 1);
      responder.release();
      expect(Object.keys((await answer).tags)).toEqual(['state_i']);
      // The forger hears its genuine counterpart too, a moment later perhaps.
      await until(() => copies.length > 0);
    } finally {
      forger.close();
    }
  });
});

test('giving up: an abort rejects at once, a close rejects what is under way, and nothing is sent afterwards', async () => {
  const drbd = await connect();
  await drbd.request('disk_conf', { minor: 0, createDevice: true, tags: DISK });
  responder.faults('drop', 'drop');
  const abort = new AbortController();
  const sentSoFar = (): number => responder.requests.length;
  let before = sentSoFar();
  const aborted = drbd.request('get_state', { minor: 0 }, { signal: abort.signal, ...PATIENT });
  aborted.catch(() => undefined);
  await until(() => sentSoFar() > before);
  abort.abort('enough');
  await expect(aborted).rejects.toMatchObject({
    name: 'AbortError',
    cause: 'enough',
    // It has been received; that the system call returned may not have been told yet.
    sent: expect.stringMatching(/^(?:started|returned)$/u) as string,
  });
  before = sentSoFar();
  const pending = drbd.request('get_state', { minor: 0 }, PATIENT);
  pending.catch(() => undefined);
  await until(() => sentSoFar() > before);
  drbd.close();
  await expect(pending).rejects.toMatchObject({ code: 'ERR_DRBD_CLOSED' });
  await expect(drbd.request('get_state', { minor: 0 })).rejects.toMatchObject({ code: 'ERR_DRBD_CLOSED', sent: 'no' });
  const already = await openDrbd({ dialect: 'connector', simulator: responder.portId });
  clients.push(already);
  const seen = responder.requests.length;
  await expect(
    already.request('get_state', { minor: 0 }, { signal: AbortSignal.abort('before') }),
  ).rejects.toMatchObject({ name: 'AbortError', sent: 'no' });
  expect(responder.requests.length).toBe(seen);
});

test('a stream that is too slow is told so, and its last event is the newest', async () => {
  const drbd = await connect();
  const slow = drbd.broadcasts({ queueLimit: 10 });
  for (let percent = 1; percent <= 100; percent++) responder.broadcast('sync_progress', 0, { sync_progress: percent });
  await until(() => drbd.counters().events === 100);
  responder.broadcast('sync_progress', 0, { sync_progress: 1000 });
  const seen: (number | string)[] = [];
  for (;;) {
    const { value } = await slow.next();
    if (value === undefined) break;
    seen.push(value.kind === 'resync' ? value.reason : Number(value.tags['sync_progress']));
    if (seen.at(-1) === 1000) break;
  }
  await slow.return?.();
  expect(seen).toContain('queue');
  expect(seen.length).toBeLessThan(25);
  expect(drbd.counters().droppedEvents).toBeGreaterThan(50);
});

test('an overrun of the socket is one resync event, and the stream goes on', async () => {
  const drbd = await connect();
  const stream = drbd.broadcasts({ receiveBufferBytes: 4096, queueLimit: 100_000 });
  // The event loop does not turn meanwhile, so nobody empties the buffer.
  for (let count = 0; count < 2000; count++) responder.broadcast('sync_progress', 0, { sync_progress: count % 1000 });
  await new Promise((resolve) => setTimeout(resolve, 0));
  while (!isAnythingDropped());
  await until(() => drbd.counters().overruns > 0);
  // What is sent while the buffer is full is lost too.
  const last = setInterval(() => {
    responder.broadcast('call_helper', 0, { helper: 'last' });
  }, 20);
  const kinds = new Map<string, number>();
  let before = '';
  for (;;) {
    const { value } = await stream.next();
    if (value === undefined) break;
    const kind = value.kind === 'resync' ? value.reason : value.name;
    // However many were lost, it is told once.
    if (kind === 'overrun') expect(before).not.toBe('overrun');
    before = kind;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (kind === 'call_helper') break;
  }
  clearInterval(last);
  await stream.return?.();
  expect(kinds.get('overrun')).toBeGreaterThanOrEqual(1);
  expect(kinds.get('overrun')).toBeLessThanOrEqual(drbd.counters().overruns);
  expect(kinds.get('sync_progress')).toBeLessThan(2000);
  expect(drbd.counters().overruns).toBeGreaterThanOrEqual(1);
});

test('a broadcast that never comes is told, and one that was overtaken is not', async () => {
  const drbd = await connect();
  const stream = drbd.broadcasts();
  const next = async (): Promise<string> => {
    const { value } = await stream.next();
    return value === undefined ? 'end' : value.kind === 'resync' ? value.reason : String(value.sequence);
  };
  responder.broadcast('sync_progress', 0, { sync_progress: 1 });
  const overtaken = responder.skipBroadcast();
  responder.broadcast('sync_progress', 0, { sync_progress: 3 });
  responder.broadcast('sync_progress', 0, { sync_progress: 2 }, overtaken);
  expect([await next(), await next(), await next()]).toEqual([overtaken - 1, overtaken + 1, overtaken].map(String));
  const lost = responder.skipBroadcast();
  responder.broadcast('sync_progress', 0, { sync_progress: 5 });
  expect([await next(), await next()]).toEqual([String(lost + 1), 'gap']);
  responder.broadcast('sync_progress', 0, { sync_progress: 6 });
  expect(await next()).toBe(String(lost + 2));
  await stream.return?.();
});

test('requests that hang an 8.3 kernel are refused for a minor without disk and network, unless forced', async () => {
  const drbd = await connect();
  for (const name of ['invalidate', 'invalidate_peer', 'pause_sync', 'suspend_io'] as const) {
    await expect(drbd.request(name, { minor: 5, createDevice: true })).rejects.toMatchObject({
      code: 'ERR_DRBD_UNSUPPORTED',
    });
  }
  expect(responder.requests.every(({ packetType }) => packetType === 17)).toBe(true);
  await expect(drbd.request('suspend_io', { minor: 5 })).rejects.toMatchObject({
    code: 'ERR_DRBD_KERNEL',
    returnCode: 127,
  });
  expect(await drbd.request('suspend_io', { minor: 5, createDevice: true }, { forceUnsafe: true })).toMatchObject({
    returnCode: 101,
  });
  await expect(drbd.request('suspend_io', { minor: 5 })).rejects.toMatchObject({ code: 'ERR_DRBD_UNSUPPORTED' });
  await drbd.request('disk_conf', { minor: 5, tags: DISK });
  expect(await drbd.request('suspend_io', { minor: 5 })).toMatchObject({ returnCode: 101 });
});

test('a shifted index is found in the module parameter, and its answers are taken', async () => {
  const index = 8 + 6977;
  const shifted = new Responder(nativeTransport(), { order, index });
  const host = { simulated: true, procDrbd: () => ({ error: 'ENOENT' }), connectorIndex: () => index };
  try {
    const drbd = await openDrbd({
      dialect: 'connector',
      simulator: shifted.portId,
      transport: { open: (options, handlers) => nativeTransport().open(options, handlers), host },
    });
    clients.push(drbd);
    expect(drbd.driver.address).toBe(index);
    await expect(drbd.request('get_state', { minor: 0 })).rejects.toMatchObject({ returnCode: 127 });
  } finally {
    shifted.close();
  }
});

test('a missing driver is one error that says what was looked for and where', async () => {
  const error: unknown = await openDrbd().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'ERR_DRBD_UNSUPPORTED', feature: 'a DRBD driver' });
  expect((error as Error).message).toMatch(/drbd/u);
  expect((error as Error).message).toMatch(/\/proc\/drbd/u);
  expect((error as Error).message).toMatch(/family/u);
  await expect(openDrbd({ dialect: 'connector', timeoutMs: 4000 })).rejects.toMatchObject({
    code: 'ERR_DRBD_UNSUPPORTED',
    dialect: 'connector',
  });
  await expect(openDrbd({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
}, 20_000);
