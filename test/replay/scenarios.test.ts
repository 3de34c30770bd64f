import {
  KernelError,
  MismatchError,
  NetlinkError,
  openDrbd,
  parseRecording,
  replayTransport,
  TimeoutError,
  UnsupportedError,
  type Client,
  type ConnectorEvent,
  type Datagram,
  type GenericEvent,
  type ResyncEvent,
} from '../../lib';
import { readMessages } from '../../lib/recording/wire';
import { NETLINK_CONNECTOR, NETLINK_GENERIC } from '../../lib/transport/transport';
import { recordingsOf, recordingText, type CapturedRecording } from '../support/recordings';
import { ask, closeReplays, expectAllUsed, replay, requestsOf } from '../support/replaying';

afterEach(closeReplays);

function captured(file: string, id: string, options: Parameters<typeof recordingsOf>[1] = {}): CapturedRecording {
  const found = recordingsOf(file, options).find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`${file} has no ${id}`);
  return found;
}

/** A recording with some of its lines changed or left out. */
function edited(
  source: CapturedRecording,
  change: (line: Record<string, unknown>, index: number) => Record<string, unknown> | undefined,
): string {
  return recordingText(source)
    .trimEnd()
    .split('\n')
    .flatMap((line, index) => {
      const changed = change(JSON.parse(line) as Record<string, unknown>, index);
      return changed === undefined ? [] : [JSON.stringify(changed)];
    })
    .join('\n');
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it succeeded');
}

const OVERFLOW = 'drbd-8.3.13/14-overflow.jsonl';
const PAIR = 'drbd-8.3.13/05-pair.jsonl';
const capturedDown = (): CapturedRecording => captured(PAIR, '05-pair/0169');
const MINORS = 256;

describe('events -a over 255 minors, while others ask the same', () => {
  const states = captured(OVERFLOW, '14-overflow/0002');

  test.each([
    ['one after the other', false],
    ['all at once', true],
  ])('each question gets its own answer, asked %s', async (_how, pipelined) => {
    const { drbd, transport } = await replay<'connector'>(states);
    const stream = collect(drbd.broadcasts());
    const one = async (minor: number): Promise<number> => {
      try {
        const { minor: answered, tags } = await drbd.request('get_state', { minor });
        expect(answered).toBe(minor);
        return tags.state_i ?? -1;
      } catch (error) {
        if (error instanceof KernelError) return error.returnCode;
        throw error;
      }
    };
    const minors = Array.from({ length: MINORS }, (_unused, minor) => minor);
    const answers: number[] = [];
    if (pipelined) answers.push(...(await Promise.all(minors.map(one))));
    else for (const minor of minors) answers.push(await one(minor));
    // Secondary, Unknown; StandAlone; Diskless, DUnknown: 2 | 6 << 13, as recorded; the last minor does not exist.
    expect(answers).toEqual([...new Array<number>(MINORS - 1).fill(0xc002), 127]);
    // The answers to the others are no events, and then the kernel is silent.
    expect(await stream).toEqual([]);
    expect(drbd.counters().unmatched).toBeGreaterThan(100);
    expectAllUsed(transport);
    drbd.close();
  });

  test('a loss is told as it was, and afterwards a state may be asked for again', async () => {
    const lossy = captured(OVERFLOW, '14-overflow/0001', { losses: true });
    const { drbd, transport } = await replay<'connector'>(lossy);
    const stream = collect(drbd.broadcasts());
    for (const { name, params } of requestsOf(lossy.recording))
      await ask(drbd as Client, { name, params }).catch((error: unknown) => expect(error).toBeInstanceOf(KernelError));
    expect(await stream).toEqual([{ kind: 'resync', reason: 'overrun' }]);
    expect(drbd.counters().overruns).toBeGreaterThan(0);
    // Nothing recorded is left: this one comes from /proc/drbd.
    expect((await drbd.request('get_state', { minor: 3 })).tags).toEqual({ state_i: 0xc002 });
    expectAllUsed(transport);
    drbd.close();
  });
});

describe('down with broadcasts between its requests', () => {
  const down = capturedDown();
  const requests = requestsOf(down.recording);

  test('the captured one has them: before the first answer, and before the third', () => {
    expect(requests.map(({ name }) => name)).toEqual(['secondary', 'disconnect', 'detach']);
    expect(down.recording.entries.map(({ kind }) => kind).join(' ')).toBe('tx rx rx tx rx tx rx rx rx');
    expect(down.cutBroadcasts).toBe(0);
  });

  /**
   * What a socket of the group sees when requests are sent by `send`: `s` for a state broadcast, `r` and the packet
   * asked for.
   */
  async function order(pipelined: boolean): Promise<string[]> {
    const transport = replayTransport(parseRecording(recordingText(down)));
    const seen: string[] = [];
    let told: () => void = () => undefined;
    const socket = transport.open(
      { protocol: NETLINK_CONNECTOR, groups: 1 << 7 },
      {
        datagrams: (batch: readonly Datagram[]) => {
          for (const { bytes, port, groups } of batch) {
            const [message] = readMessages(bytes, 'little', true);
            if (message?.kind !== 'connector') throw new Error('not a message of the connector');
            expect([port, groups]).toEqual([0, 128]);
            if (message.ack === 0) seen.push('broadcast');
            else {
              // Ours: the numbers that were sent below.
              expect(message.ack).toBe(message.cnSequence * 7 + 1);
              expect(message.sequence).toBe(message.cnSequence);
              seen.push(`answer ${message.cnSequence - 1000}`);
              told();
            }
          }
        },
        overrun: () => undefined,
        closed: () => undefined,
      },
    );
    const sends = down.recording.entries.flatMap((entry) => (entry.kind === 'tx' ? [entry.bytes] : []));
    for (const [index, recorded] of sends.entries()) {
      const bytes = recorded.slice();
      const view = new DataView(bytes.buffer);
      const sequence = 1000 + index;
      view.setUint32(8, 77, true);
      view.setUint32(12, socket.portId, true);
      view.setUint32(24, sequence, true);
      view.setUint32(28, sequence * 7, true);
      const answered = new Promise<void>((resolve) => {
        told = resolve;
      });
      socket.send(bytes);
      if (!pipelined) await answered;
    }
    while (seen.length < 6) await new Promise((resolve) => setImmediate(resolve));
    socket.close();
    return seen;
  }

  test('whoever waits and whoever pipelines sees the same', async () => {
    const recorded = ['broadcast', 'answer 0', 'answer 1', 'broadcast', 'broadcast', 'answer 2'];
    expect(await order(false)).toEqual(recorded);
    expect(await order(true)).toEqual(recorded);
  });

  test('a stream beside the requests has all three broadcasts in order, and ends', async () => {
    const { drbd, transport } = await replay<'connector'>(down);
    const stream = collect(drbd.broadcasts());
    expect(await drbd.request('secondary', { minor: 0 })).toMatchObject({ returnCode: 1 });
    expect(await drbd.request('disconnect', { minor: 0 })).toMatchObject({ returnCode: 101 });
    expect(await drbd.request('detach', { minor: 0 })).toMatchObject({ returnCode: 1 });
    const events = (await stream) as ConnectorEvent[];
    expect(events.map(({ name, minor, sequence }) => [name, minor, sequence])).toEqual([
      ['get_state', 0, 0x130],
      ['get_state', 0, 0x131],
      ['get_state', 0, 0x132],
    ]);
    expectAllUsed(transport);
    drbd.close();
  });
});

describe('events2 of DRBD 8.4 beside a whole life cycle', () => {
  const watch = captured('drbd-8.4.11/watch.jsonl', 'watch/6');

  test('initial state, then every notification in the order of its number, then the end', async () => {
    const { drbd, transport } = await replay<'genl1'>(watch);
    expect(drbd.driver).toEqual({ version: '8.4.11', api: 1, address: 32 });
    expect(transport.recording.end).toBe('sigterm');
    const stream = collect(drbd.broadcasts());
    const initial = await drbd.request('get_initial_state');
    expect(initial.map(({ name }) => name)).toEqual(['initial_state_done']);
    const events = (await stream) as (GenericEvent | ResyncEvent)[];
    const recorded = watch.recording.entries.flatMap((entry) =>
      entry.kind === 'rx' && entry.groups !== 0 ? readMessages(entry.bytes, 'little', false) : [],
    );
    expect(events).toHaveLength(recorded.length);
    expect(events.length).toBeGreaterThan(100);
    expect(events.map((event) => (event.kind === 'event' ? event.sequence : event.reason))).toEqual(
      recorded.map(({ sequence }) => sequence),
    );
    const names = new Set(events.map((event) => (event.kind === 'event' ? event.name : event.reason)));
    for (const name of ['resource_state', 'device_state', 'connection_state', 'peer_device_state'])
      expect(names).toContain(name);
    expectAllUsed(transport);
    drbd.close();
  });

  test('whoever does not ask what was recorded gets the notifications all the same, once there was time to ask', async () => {
    const { drbd, transport } = await replay<'genl1'>(watch, { patienceMs: 50 });
    const events = await collect(drbd.broadcasts());
    expect(events.length).toBeGreaterThan(100);
    expect(transport.unused().map(({ request }) => request)).toEqual(['get_initial_state']);
    drbd.close();
  });
});

describe('a life cycle of DRBD 8.4, command by command', () => {
  const names = [
    'new-resource',
    'new-minor',
    'attach',
    'connect',
    'primary',
    'secondary',
    'disconnect',
    'detach',
    'down',
  ];

  test.each(names)('%s', async (command) => {
    const matching = recordingsOf('drbd-8.4.11/lifecycle.jsonl').filter(
      ({ argv, exit }) => argv[1] === command && exit === 0,
    );
    expect(matching.length).toBeGreaterThan(0);
    for (const one of matching) {
      const { drbd, transport } = await replay(one);
      // Out of order, as a client with a socket for each request may be.
      const requests = requestsOf(one.recording);
      const codes = await Promise.all(
        requests.map(async (request) => {
          try {
            const answer = await ask(drbd, request);
            return Array.isArray(answer) ? request.returnCode : (answer as { readonly returnCode: number }).returnCode;
          } catch (error) {
            // down of what is down already.
            if (error instanceof KernelError) return error.returnCode;
            // A dump of what is not there ends with an errno.
            if (error instanceof NetlinkError) return request.returnCode;
            throw error;
          }
        }),
      );
      expect(codes).toEqual(requests.map(({ returnCode }) => returnCode));
      expectAllUsed(transport);
      drbd.close();
    }
  });
});

describe('a request that was not recorded', () => {
  const attach = captured('drbd-8.3.13/02-disk.jsonl', '02-disk/0004');
  const disk = { backing_dev: '/dev/ram0', meta_dev: '/dev/ram0', meta_dev_idx: -3 };

  test('differs in a value, and the error says where', async () => {
    const { drbd, transport } = await replay<'connector'>(attach);
    const error = await rejection(
      drbd.request('disk_conf', {
        minor: 0,
        createDevice: true,
        setDefaults: true,
        tags: { ...disk, meta_dev: '/dev/ram1', meta_dev_idx: -1 },
      }),
    );
    expect(error).toBeInstanceOf(MismatchError);
    const { difference, line, request, code, message } = error as MismatchError;
    expect({ difference, line, request, code }).toEqual({
      code: 'ERR_DRBD_MISMATCH',
      line: 2,
      request: 'disk_conf of minor 0',
      difference: [
        'meta_dev: sent "/dev/ram1", recorded "/dev/ram0"',
        'meta_dev_idx: sent -1 (fixed-internal), recorded -3 (internal)',
      ],
    });
    for (const part of difference) expect(message).toContain(part);
    expect(transport.mismatch).toBe(error);
    expect(transport.unused()).toEqual([{ line: 2, request: 'disk_conf of minor 0' }]);
    // The right one is still there.
    expect(
      await drbd.request('disk_conf', { minor: 0, createDevice: true, setDefaults: true, tags: disk }),
    ).toMatchObject({ returnCode: 101 });
    drbd.close();
  });

  test.each([
    [
      'another minor',
      'disk_conf',
      { minor: 1, createDevice: true, setDefaults: true, tags: disk },
      ['minor: sent 1, recorded 0'],
    ],
    ['other flags', 'disk_conf', { minor: 0, createDevice: true, tags: disk }, ['flags: sent 0x1, recorded 0x3']],
    [
      'one tag more',
      'disk_conf',
      { minor: 0, createDevice: true, setDefaults: true, tags: { ...disk, disk_size: 8n } },
      ['disk_size: sent 8, not recorded'],
    ],
    [
      'another order',
      'disk_conf',
      {
        minor: 0,
        createDevice: true,
        setDefaults: true,
        tags: { meta_dev: '/dev/ram0', backing_dev: '/dev/ram0', meta_dev_idx: -3 },
      },
      [expect.stringMatching(/^order: sent .*meta_dev, backing_dev.*; recorded .*backing_dev, meta_dev/u)],
    ],
    [
      'another packet',
      'primary',
      { minor: 0 },
      expect.arrayContaining([
        'packet: sent primary (1), recorded disk_conf (3)',
        'backing_dev: recorded "/dev/ram0", not sent',
      ]),
    ],
    [
      'a question that nothing guarded follows',
      'get_config',
      { minor: 0 },
      expect.arrayContaining(['packet: sent get_config (16), recorded disk_conf (3)']),
    ],
    ['the state of another minor', 'get_state', { minor: 9 }, expect.arrayContaining(['minor: sent 9, recorded 0'])],
  ])('is noticed: %s', async (_what, name, params, difference) => {
    const { drbd } = await replay<'connector'>(attach);
    expect(await rejection(ask(drbd as Client, { name, params }))).toMatchObject({
      code: 'ERR_DRBD_MISMATCH',
      difference,
    });
    drbd.close();
  });

  test('on generic netlink too', async () => {
    const [connect] = recordingsOf('drbd-8.4.11/lifecycle.jsonl').filter(({ argv }) => argv[1] === 'connect');
    if (connect === undefined) throw new Error('no connect');
    const [request] = requestsOf(connect.recording).filter(({ name }) => name === 'connect');
    if (request === undefined) throw new Error('no connect');
    const { drbd } = await replay(connect);
    const params = { ...request.params, net_conf: { ...(request.params['net_conf'] as object), wire_protocol: 1 } };
    expect(await rejection(ask(drbd, { name: 'connect', params }))).toMatchObject({
      code: 'ERR_DRBD_MISMATCH',
      difference: expect.arrayContaining([expect.stringMatching(/^net_conf\.wire_protocol: sent 1 \(A\)/u)]) as unknown,
    });
    drbd.close();
  });

  test('beyond the end of the recording', async () => {
    const { drbd } = await replay<'connector'>(capturedDown());
    for (const { name, params } of requestsOf(capturedDown().recording)) await ask(drbd as Client, { name, params });
    expect(await rejection(drbd.request('detach', { minor: 0 }))).toMatchObject({
      code: 'ERR_DRBD_MISMATCH',
      line: undefined,
      difference: [],
    });
    drbd.close();
  });

  test('a secret makes no difference, and is shown in none', async () => {
    const source = recordingsOf(PAIR).find(({ argv }) => argv.includes('geheim'));
    if (source === undefined) throw new Error('no secret');
    const [request] = requestsOf(source.recording);
    if (request === undefined) throw new Error('no request');
    const tags = request.params['tags'] as Record<string, unknown>;
    expect(tags['shared_secret']).toBe('geheim');
    const other = await replay(source);
    expect(
      await ask(other.drbd, { ...request, params: { ...request.params, tags: { ...tags, shared_secret: 'nimmer' } } }),
    ).toMatchObject({ returnCode: request.returnCode });
    other.drbd.close();
    const longer = await replay(source);
    const error = (await rejection(
      ask(longer.drbd, {
        ...request,
        params: { ...request.params, tags: { ...tags, shared_secret: 'nimmermehr', timeout: 50 } },
      }),
    )) as MismatchError;
    expect(error.difference).toEqual(
      expect.arrayContaining(['shared_secret: sent a secret of 11 bytes, recorded a secret of 7 bytes']),
    );
    expect(`${error.message} ${error.difference.join()}`).not.toMatch(/geheim|nimmer/u);
    longer.drbd.close();
  });
});

describe('after the last line the kernel is silent', () => {
  const hang = captured('drbd-8.3.13/01-unconfigured.jsonl', '01-unconfigured/0161');

  test('a deadline that waits has come, whatever it was', async () => {
    expect(hang.exit).toBe('HANG');
    const { drbd } = await replay<'connector'>(hang);
    const start = performance.now();
    expect(
      await rejection(
        drbd.request('suspend_io', { minor: 24, createDevice: true }, { forceUnsafe: true, timeoutMs: 86_400_000 }),
      ),
    ).toMatchObject({
      code: 'ERR_DRBD_TIMEOUT',
      timeoutMs: 86_400_000,
      sent: 'returned',
    });
    expect(performance.now() - start).toBeLessThan(5000);
    drbd.close();
  });

  test('also in the middle, where the recorded program went on', async () => {
    let answers = 0;
    const { drbd, transport } = await replay<'connector'>(
      edited(capturedDown(), (line) =>
        'rx' in line && String(line['rx']).slice(56, 64) !== '00000000' && answers++ === 1 ? undefined : line,
      ),
    );
    expect(await drbd.request('secondary', { minor: 0 })).toMatchObject({ returnCode: 1 });
    expect(await rejection(drbd.request('disconnect', { minor: 0 }, { timeoutMs: 600_000 }))).toBeInstanceOf(
      TimeoutError,
    );
    expect(await drbd.request('detach', { minor: 0 })).toMatchObject({ returnCode: 1 });
    expectAllUsed(transport);
    drbd.close();
  });

  test('an answer whose asker has gone holds nothing up', async () => {
    const watch = captured('drbd-8.4.11/watch.jsonl', 'watch/6');
    const { drbd, transport } = await replay<'genl1'>(watch, { patienceMs: 1e9 });
    const stream = collect(drbd.broadcasts());
    const dump = watch.recording.entries.findLast((entry) => entry.kind === 'tx');
    if (dump === undefined) throw new Error('no request');
    let datagrams = 0;
    // It closes in the middle of its answer.
    const asker = transport.open(
      { protocol: NETLINK_GENERIC },
      { datagrams: () => (datagrams++, asker.close()), overrun: () => undefined, closed: () => undefined },
    );
    asker.send(dump.bytes);
    expect((await stream).length).toBeGreaterThan(100);
    expect(datagrams).toBe(1);
    drbd.close();
  });

  test('a stream ends, and so does one that is opened afterwards', async () => {
    const { drbd } = await replay<'connector'>(capturedDown());
    const stream = collect(drbd.broadcasts());
    for (const { name, params } of requestsOf(capturedDown().recording)) await ask(drbd as Client, { name, params });
    expect(await stream).toHaveLength(3);
    expect(await collect(drbd.broadcasts())).toEqual([]);
    drbd.close();
  });

  test('waiting for a state that never comes is over, too', async () => {
    const [status] = recordingsOf('drbd-8.3.13/01-unconfigured.jsonl');
    if (status === undefined) throw new Error('no recording');
    // Nothing is configured: the snapshot needs no request, and the stream ends at once.
    const { drbd } = await replay<'connector'>(
      edited(status, (line) => ('tx' in line || 'rx' in line ? undefined : line)),
    );
    expect(
      await rejection(drbd.waitFor((snapshot) => snapshot.resources.length > 0, { timeoutMs: 600_000 })),
    ).toMatchObject({ code: 'ERR_DRBD_TIMEOUT', timeoutMs: 600_000 });
    drbd.close();
  });
});

describe('questions beside the recorded ones', () => {
  const hang = captured('drbd-8.3.13/01-unconfigured.jsonl', '01-unconfigured/0161');

  test('what hung the kernel is refused from what the header knows', async () => {
    const { drbd } = await replay<'connector'>(hang);
    expect(await rejection(drbd.request('suspend_io', { minor: 24, createDevice: true }))).toBeInstanceOf(
      UnsupportedError,
    );
    drbd.close();
  });

  test('and without that from what the recording shows', async () => {
    const without = edited(hang, (line) => {
      const { procDrbd: _unknown, ...rest } = line;
      return rest;
    });
    const { drbd } = await replay<'connector'>(without);
    expect(await rejection(drbd.request('suspend_io', { minor: 24, createDevice: true }))).toBeInstanceOf(
      UnsupportedError,
    );
    drbd.close();
    // The same request where the kernel came back from it: it had a disk.
    const answered = recordingsOf(PAIR).find(({ argv, exit }) => argv[2] === 'suspend-io' && exit === 0);
    if (answered === undefined) throw new Error('no suspend-io');
    for (const keep of [true, false]) {
      const { drbd: other, transport } = await replay<'connector'>(
        edited(answered, (line) => {
          const { procDrbd, ...rest } = line;
          return keep && procDrbd !== undefined ? line : rest;
        }),
      );
      const [request] = requestsOf(answered.recording);
      if (request === undefined) throw new Error('no request');
      expect(await ask(other as Client, request)).toMatchObject({ returnCode: request.returnCode });
      expectAllUsed(transport);
      other.close();
    }
  });

  test('suspend_io of DRBD 8.4 likewise', async () => {
    const answered = recordingsOf('drbd-8.4.11/lifecycle.jsonl').find(
      ({ argv, exit }) => argv[1] === 'suspend-io' && exit === 0,
    );
    if (answered === undefined) throw new Error('no suspend-io');
    // Had the kernel not come back from it, and had the minor had nothing.
    let entries = 0;
    const hung = edited(answered, (line, index) =>
      index === 0
        ? { ...line, procDrbd: 'version: 8.4.11 (api:1/proto:86-101)\nsrcversion: 0\n 0: cs:Unconfigured\n' }
        : 'rx' in line && entries++ > 0
          ? undefined
          : line,
    );
    const { drbd } = await replay<'genl1'>(hung);
    const [suspend] = requestsOf(answered.recording).slice(-1);
    expect(suspend).toMatchObject({ name: 'suspend_io', params: { minor: 0 } });
    expect(await rejection(drbd.request('suspend_io', { minor: 0 }))).toBeInstanceOf(UnsupportedError);
    drbd.close();
    for (const keep of [true, false]) {
      const { drbd: other, transport } = await replay<'genl1'>(
        edited(answered, (line) => {
          const { procDrbd, ...rest } = line;
          return keep && procDrbd !== undefined ? line : rest;
        }),
      );
      for (const request of requestsOf(answered.recording))
        expect(await ask(other as Client, request)).toMatchObject({ returnCode: request.returnCode });
      expectAllUsed(transport);
      other.close();
    }
  });
});

describe('the header stands for the host', () => {
  test('the family, where the controller was not recorded', async () => {
    const [attach] = recordingsOf('drbd-8.4.11/lifecycle.jsonl').filter(
      ({ argv, exit }) => argv[1] === 'attach' && exit === 0,
    );
    if (attach === undefined) throw new Error('no attach');
    let controller = 0;
    const text = edited(attach, (line) =>
      /^.{8}1000/u.test(String(line['tx'] ?? line['rx'] ?? '')) ? (controller++, undefined) : line,
    );
    expect(controller).toBe(2);
    const { drbd, transport } = await replay<'genl1'>(text);
    expect(drbd).toMatchObject({ dialect: 'genl1', driver: { version: '8.4.11', api: 1, address: 32 } });
    for (const request of requestsOf(attach.recording))
      expect(await ask(drbd as Client, request)).toMatchObject({ returnCode: 101 });
    expectAllUsed(transport);
    drbd.close();
  });

  test('block devices and their numbers', async () => {
    const { transport, drbd } = await replay(captured('drbd-8.3.13/02-disk.jsonl', '02-disk/0004'));
    const { host } = transport;
    expect(host.blockDevice('/dev/ram0')).toEqual({ path: '/dev/ram0', sizeBytes: 67_108_864n, major: 1, minor: 0 });
    expect(host.blockDevice('/dev/drbd0')).toEqual({ path: '/dev/drbd0', sizeBytes: 0n, major: 147, minor: 0 });
    expect(host.blockDevice('/dev/null')).toBeUndefined();
    // It is there on this machine, and that says nothing.
    expect(() => host.blockDevice('/')).toThrow(
      expect.objectContaining({ code: 'ERR_DRBD_TRANSPORT', errno: 2 }) as Error,
    );
    expect(host.procDrbd()).toContain('8.3.13');
    drbd.close();
  });

  test('a dialect that was not recorded is not there', async () => {
    const recording = parseRecording(recordingText(capturedDown()));
    expect(await rejection(openDrbd({ dialect: 'genl1', transport: replayTransport(recording) }))).toBeInstanceOf(
      UnsupportedError,
    );
    const other = parseRecording(recordingText(captured('drbd-8.4.11/watch.jsonl', 'watch/6')));
    expect(await rejection(openDrbd({ dialect: 'genl2', transport: replayTransport(other) }))).toBeInstanceOf(
      UnsupportedError,
    );
  });

  test('/proc/drbd is what it was until something changes', async () => {
    const { drbd, transport } = await replay<'connector'>(capturedDown());
    expect(transport.host.procDrbd()).toContain('ro:Primary/Unknown');
    await drbd.request('secondary', { minor: 0 });
    expect(transport.host.procDrbd()).toEqual({ error: 'ESTALE' });
    drbd.close();
  });
});
