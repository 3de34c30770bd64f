import {
  KernelError,
  openDrbd,
  parseRecording,
  recordTransport,
  replayTransport,
  snapshotToJson,
  type Client,
  type HostFiles,
  type RecordingSink,
  type Transport,
} from '../../lib';
import { concatBytes, decodeDatagram, encodeMessage, NLMSG_ERROR, type ByteOrder } from '../../lib/netlink';
import { memoryPair } from '../../lib/transport/memory';
import { NETLINK_GENERIC, type Send, type TransportSocket } from '../../lib/transport/transport';
import { FakeTransport } from '../support/fake-transport';
import { captureFiles, recordingsOf, recordingText } from '../support/recordings';
import { ask, expectAllUsed, requestsOf } from '../support/replaying';
import { Responder } from '../support/responder';

/** What is recorded is what is replayed: the same calls give the same results. */

const SECRET = 'sesam-oeffne-dich';
const HEX_SECRET = Buffer.from(SECRET).toString('hex');
const PROC = 'version: 8.3.13 (api:88/proto:86-96)\nbuilt-in\n';

class Memo implements RecordingSink {
  text = '';
  write(text: string): void {
    expect(text.endsWith('\n')).toBe(true);
    this.text += text;
  }
}

const state = {
  role: 2,
  peer: 0,
  conn: 8,
  disk: 8,
  pdsk: 6,
  susp: false,
  aftr_isp: false,
  peer_isp: false,
  user_isp: false,
  susp_nod: false,
  susp_fen: false,
};

/** A host whose /proc/drbd grows with what is done. */
function host(): HostFiles {
  let reads = 0;
  return {
    procDrbd: () =>
      reads++ < 1
        ? PROC
        : `${PROC} 0: cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown   r-----\n    ns:${reads} nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0\n`,
    connectorIndex: () => undefined,
    blockDevice: (path) => (path === '/dev/vg/r0' ? { path, sizeBytes: 2n ** 60n, major: 253, minor: 7 } : undefined),
  };
}

/** The controller of a kernel without the family: ENOENT, and the request behind it. */
function controller(kernel: Transport, order: ByteOrder): TransportSocket {
  const socket = kernel.open(
    { protocol: NETLINK_GENERIC },
    {
      datagrams: (batch) => {
        for (const { bytes, port } of batch) {
          const [message] = decodeDatagram(bytes, order).messages;
          if (message === undefined) continue;
          const error = new Uint8Array(4);
          new DataView(error.buffer).setInt32(0, -2, order === 'little');
          socket.send(
            encodeMessage(
              { type: NLMSG_ERROR, flags: 0, sequence: message.sequence, port, payload: concatBytes([error, bytes]) },
              order,
            ),
            { port },
          );
        }
      },
      overrun: () => undefined,
      closed: () => undefined,
    },
  );
  return socket;
}

/** A session of a client with sockets for reads, for changes and for streams, several requests under way at once. */
async function session(transport: Transport, responder: Responder | undefined, order: ByteOrder): Promise<unknown[]> {
  const drbd = (await openDrbd({
    transport,
    ...(responder === undefined ? {} : { byteOrder: order }),
  })) as Client<'connector'>;
  const results: unknown[] = [drbd.driver];
  const stream = drbd.broadcasts();
  const next = async (): Promise<void> => {
    results.push((await stream.next()).value);
  };
  responder?.broadcast('call_helper', 5, { helper: 'before-anything' });
  await next();
  results.push(transport.host?.blockDevice?.('/dev/vg/r0'));
  results.push(transport.host?.blockDevice?.('/dev/null'));
  results.push(
    await drbd
      .request('get_state', { minor: 0 })
      .catch((error: unknown) => (error instanceof KernelError ? error.returnCode : error)),
  );
  results.push(
    await drbd.request('disk_conf', {
      minor: 0,
      createDevice: true,
      tags: { backing_dev: '/dev/vg/r0', meta_dev: '/dev/vg/r0', meta_dev_idx: -3 },
    }),
  );
  await next();
  const address = (port: number) => ({ family: 'ipv4', address: '127.0.0.1', port }) as const;
  results.push(
    await drbd.request('net_conf', {
      minor: 0,
      tags: {
        my_addr: address(7788),
        peer_addr: address(7789),
        wire_protocol: 3,
        cram_hmac_alg: 'sha1',
        shared_secret: SECRET,
      },
    }),
  );
  results.push(
    ...(await Promise.all([
      drbd.request('get_state', { minor: 0 }),
      drbd.request('get_uuids', { minor: 0 }),
      drbd.request('primary', { minor: 0 }),
      drbd.request('get_timeout_flag', { minor: 0 }),
    ])),
  );
  await next();
  results.push(snapshotToJson(await drbd.status()));
  responder?.broadcast('call_helper', 0, { helper: 'before-resync-target' });
  await next();
  responder?.setState(0, { ...state, role: 1 });
  await next();
  // The secret comes back in answers, too.
  const { tags } = await drbd.request('get_config', { minor: 0 });
  results.push({ ...tags, shared_secret: tags.shared_secret?.replace(/./gu, 'x') });
  drbd.close();
  return results;
}

describe.each(['little', 'big'] as const)('a client of the connector, %s-endian', (order) => {
  test('a session is recorded, and its replay gives the same results', async () => {
    const { user, kernel } = memoryPair({ host: host() });
    const responder = new Responder(kernel, { order });
    const family = controller(kernel, order);
    const memo = new Memo();
    const recorder = recordTransport(user, memo, { byteOrder: order });
    const live = await session(recorder, responder, order);
    recorder.finish();
    recorder.finish('sigterm');
    responder.close();
    family.close();
    const recording = parseRecording(memo.text);
    expect(recording.header).toMatchObject({
      dialect: 'connector',
      byteOrder: order,
      driver: { version: '8.3.13', api: 88 },
      procDrbd: PROC,
    });
    expect(recording.end).toBe('closed');
    // The search for the index is no part of it, nor is a socket that only searched.
    expect(
      requestsOf(recording)
        .map(({ name }) => name)
        .slice(0, 3),
    ).toEqual(['get_state', 'disk_conf', 'net_conf']);

    const transport = replayTransport(recording);
    const start = performance.now();
    expect(await session(transport, undefined, order)).toEqual(live);
    // Nothing waited for the controller, which was asked only then.
    expect(performance.now() - start).toBeLessThan(1500);
    expectAllUsed(transport);
    expect(live).toHaveLength(17);
    expect(JSON.stringify(live[13])).toContain('"UpToDate"');

    expect(memo.text).not.toContain(HEX_SECRET);
    const masked = Buffer.from('x'.repeat(SECRET.length)).toString('hex');
    // In the request, in its answer, and where status() reads the configuration.
    expect(memo.text.split(masked).length - 1).toBeGreaterThanOrEqual(3);
  });

  test('a secret is kept if that is asked for', async () => {
    const { user, kernel } = memoryPair({ host: host() });
    const responder = new Responder(kernel, { order });
    const family = controller(kernel, order);
    const memo = new Memo();
    const recorder = recordTransport(user, memo, { byteOrder: order, reveal: true });
    await session(recorder, responder, order);
    recorder.finish('sigterm');
    responder.close();
    family.close();
    expect(memo.text.split(HEX_SECRET).length - 1).toBeGreaterThanOrEqual(3);
    expect(parseRecording(memo.text).end).toBe('sigterm');
  });
});

test('whoever is asked has port 0, be it a simulator; nobody else has', async () => {
  const { user, kernel } = memoryPair({ host: host() });
  const responder = new Responder(user);
  const forger = user.open(
    { protocol: 11 },
    { datagrams: () => undefined, overrun: () => undefined, closed: () => undefined },
  );
  const idle = new Responder(kernel);
  const memo = new Memo();
  const recorder = recordTransport(user, memo);
  const drbd = await openDrbd({ dialect: 'connector', simulator: responder.portId, transport: recorder });
  await drbd.request('disk_conf', {
    minor: 0,
    createDevice: true,
    tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -1 },
  });
  await forger.send(new Uint8Array(40), { port: responder.portId, groups: 1 << 7 }).done;
  await drbd.request('get_state', { minor: 0 });
  drbd.close();
  recorder.finish();
  responder.close();
  forger.close();
  idle.close();
  const ports = parseRecording(memo.text).entries.flatMap((entry) => (entry.kind === 'rx' ? [entry.port] : []));
  expect(ports.filter((port) => port === 0).length).toBeGreaterThan(1);
  expect(new Set(ports)).toEqual(new Set([0, forger.portId]));
  const again = await openDrbd({ transport: replayTransport(parseRecording(memo.text)) });
  expect(
    await ask(again, {
      name: 'disk_conf',
      params: { minor: 0, createDevice: true, tags: { backing_dev: '/dev/a', meta_dev: '/dev/a', meta_dev_idx: -1 } },
    }),
  ).toMatchObject({ returnCode: 101 });
  expect(await ask(again, { name: 'get_state', params: { minor: 0 } })).toMatchObject({ returnCode: 101 });
  again.close();
});

test('what was given up before it was sent is not in the recording; what stuck in the kernel is', async () => {
  const pair = memoryPair({ host: host() });
  const responder = new Responder(pair.kernel);
  const memo = new Memo();
  const recorder = recordTransport(pair.user, memo);
  const socket = recorder.open(
    { protocol: 11 },
    { datagrams: () => undefined, overrun: () => undefined, closed: () => undefined },
  );
  pair.stall();
  const bytes = (tag: number): Uint8Array => new Uint8Array(52).fill(tag);
  const stuck = socket.send(bytes(1));
  const queued = socket.send(bytes(2));
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect([stuck.state, queued.state]).toEqual(['started', 'no']);
  expect([stuck.cancel(), queued.cancel()]).toEqual([false, true]);
  const closed = socket.send(bytes(3));
  socket.close();
  await expect(closed.done).rejects.toMatchObject({ code: 'ERR_DRBD_CLOSED', sent: 'no' });
  recorder.finish();
  pair.resume();
  responder.close();
  expect(parseRecording(memo.text).entries.map((entry) => (entry.kind === 'tx' ? entry.bytes[0] : entry.kind))).toEqual(
    [1],
  );
});

test('what the kernel did not take is not in the recording, though it came back before word of that; what was answered is', async () => {
  const settles: { resolve(): void; reject(error: Error): void }[] = [];
  class Returned extends FakeTransport {
    readonly host = host();

    protected send(): Send {
      return {
        state: 'returned',
        done: new Promise<void>((resolve, reject) => settles.push({ resolve, reject })),
        cancel: () => false,
      };
    }
  }
  const inner = new Returned();
  const memo = new Memo();
  const recorder = recordTransport(inner, memo);
  const [failing, answered] = [1, 2].map(() =>
    recorder.open({ protocol: 11 }, { datagrams: () => undefined, overrun: () => undefined, closed: () => undefined }),
  );
  const failed = failing?.send(new Uint8Array(52).fill(1));
  answered?.send(new Uint8Array(52).fill(2));
  // All of one wake-up: the answer is handed out before the system calls are told.
  inner.handlers[1]?.datagrams([{ bytes: new Uint8Array(52).fill(3), port: 0, groups: 0, group: 0, truncated: false }]);
  settles[0]?.reject(new Error('ECONNREFUSED'));
  settles[1]?.resolve();
  await expect(failed?.done).rejects.toThrow('ECONNREFUSED');
  recorder.finish();
  expect(
    parseRecording(memo.text).entries.map((entry) => [
      entry.kind,
      entry.kind === 'tx' || entry.kind === 'rx' ? entry.bytes[0] : 0,
    ]),
  ).toEqual([
    ['tx', 2],
    ['rx', 3],
  ]);
});

describe('recorded again while it is replayed', () => {
  test.each(captureFiles().filter((file) => !file.includes('06-raw') && !file.includes('07-')))(
    '%s: the second recording gives what the first gave',
    async (file) => {
      let count = 0;
      let replayed = 0;
      for (const captured of recordingsOf(file)) {
        // Every tenth is enough: the replay of all is in another test.
        if (count++ % 10 !== 0) continue;
        const first = parseRecording(recordingText(captured));
        const requests = requestsOf(first);
        const memo = new Memo();
        const source = replayTransport(first);
        const recorder = recordTransport(source, memo);
        const once = await everything(recorder, requests);
        recorder.finish(first.end);
        // A tag twice is no request of ours: nothing of it was sent.
        if (source.mismatch !== undefined) continue;
        replayed++;
        const second = parseRecording(memo.text);
        expect(second.header).toMatchObject({ dialect: first.header.dialect, driver: first.header.driver });
        const transport = replayTransport(second);
        expect(await everything(transport, requests)).toEqual(once);
        if (transport.mismatch !== undefined) throw transport.mismatch;
      }
      expect(replayed).toBeGreaterThanOrEqual(count / 10 - 1);
    },
  );

  async function everything(
    transport: Transport,
    requests: readonly { readonly name: string; readonly params: Readonly<Record<string, unknown>> }[],
  ): Promise<unknown[]> {
    const drbd = await openDrbd({ transport });
    const results: unknown[] = [];
    for (const request of requests) {
      // Secrets and attributes' places apart, to the last tag.
      const answer = await ask(drbd, request, { forceUnsafe: true }).catch(
        (error: unknown) => (error as { readonly code: string }).code,
      );
      results.push(
        JSON.stringify(answer, (key, value: unknown) =>
          key === 'offset'
            ? undefined
            : typeof value === 'bigint'
              ? String(value)
              : key === 'shared_secret'
                ? String(value).length
                : value,
        ),
      );
    }
    drbd.close();
    return results;
  }
});
