import {
  AbortError,
  ArgumentError,
  ClosedError,
  CodecError,
  KernelError,
  LockedError,
  MismatchError,
  NetlinkError,
  OverrunError,
  TimeoutError,
  TransportError,
  UnsupportedError,
  type DrbdErrorName,
} from '../../lib';
import { createBackend, main } from '../../lib/cli';
import { Events2, events2ToJson } from '../../lib/cli/drbdsetup';
import { notificationTypes } from '../../lib/dialects/genl1';
import { State } from '../../lib/drbd';
import { connectorStateAnswer } from '../../lib/recording/stand-in';
import { readMessages } from '../../lib/recording/wire';
import { memoryPair } from '../../lib/transport/memory';
import { NETLINK_CONNECTOR, type TransportSocket } from '../../lib/transport/transport';
import { memoryIo } from '../support/cli';

// What is not known is absent, and a bad answer is told as one.

describe('an error', () => {
  // The types of the names are literals: a misspelt one does not compile.
  const timeout: 'TimeoutError' = new TimeoutError('late', 5, 'no').name;
  const errors: readonly (readonly [DrbdErrorName | 'AbortError', Error])[] = [
    [timeout, new TimeoutError('late', 5, 'no')],
    ['ArgumentError', new ArgumentError('path', 'wrong')],
    ['CodecError', new CodecError('path', 0, 'this', 'that')],
    ['TransportError', new TransportError('failed')],
    ['OverrunError', new OverrunError('lost', 'returned')],
    ['ClosedError', new ClosedError('closed', 'no')],
    ['NetlinkError', new NetlinkError('refused', { errno: 1, sequence: 7 })],
    ['KernelError', new KernelError('refused', { returnCode: 127, returnName: 'ERR_MINOR_INVALID' })],
    ['UnsupportedError', new UnsupportedError('no', { feature: 'this', requires: 'that' })],
    ['LockedError', new LockedError('/lock', 5, 0)],
    ['MismatchError', new MismatchError('differs', { request: 'attach', line: undefined, difference: [] })],
    ['AbortError', new AbortError('aborted', 'no', 'enough')],
  ];
  test.each(errors)('%s has its name whatever becomes of its class', (name, error) => {
    expect(error.name).toBe(name);
    class Renamed extends (error.constructor as new () => object) {}
    expect((Renamed.prototype as Error).name).toBe(name);
    expect(Object.keys(error)).not.toContain('name');
  });

  test('that no system call made has none, and no number', () => {
    for (const error of [new TransportError('x'), new TimeoutError('x', 5, 'no'), new ClosedError('x', 'no')]) {
      expect(error).toMatchObject({ syscall: undefined, errno: undefined });
      expect(JSON.stringify(error)).not.toMatch(/errno|syscall/u);
    }
  });

  test('of a lock whose holder nobody names has none, and says why', () => {
    const error = new LockedError('/lock', undefined, 5);
    expect(error.holder).toBeUndefined();
    expect(error.message).toMatch(/does not name/u);
  });

  test('about what is missing has no place', () => {
    const error = new CodecError('the answer get_state', undefined, 'the tag state_i', 'none');
    expect(error.offset).toBeUndefined();
    expect(error.message).toBe('the answer get_state: expected the tag state_i, found none');
  });
});

describe('events2 in JSON', () => {
  const json = (name: string, sets: object, type: number = notificationTypes.NOTIFY_CHANGE): unknown => {
    const source = { dialect: 'genl1', driver: null, api: 1, complete: true } as const;
    const event = new Events2(undefined, { dialect: 'genl1', order: 'little' }, State.empty(source)).take({
      name,
      minor: 0,
      sequence: 1,
      sets: {
        context: { ctx_resource_name: 'r0', ctx_volume: 0 },
        drbd_notification_header: { nh_type: type },
        ...sets,
      },
    });
    return event === undefined ? undefined : events2ToJson(event, 't');
  };

  test.each([
    [
      'resource_state',
      { resource_info: {} },
      { role: null, suspended: { user: null, noData: null, fencing: null }, writeOrdering: null },
    ],
    [
      'device_state',
      { device_info: {}, device_statistics: { dev_size: 8n } },
      {
        disk: null,
        stats: { sizeBytes: '4096', readBytes: null, alWrites: null, upperPending: null, upperBlocked: null },
      },
    ],
    ['connection_state', { connection_info: {} }, { state: null, role: null, congested: null }],
    [
      'peer_device_state',
      { peer_device_info: {}, peer_device_statistics: {} },
      {
        replication: null,
        peerDisk: null,
        resyncSuspended: { user: null, peer: null, dependency: null },
        outOfSyncBytes: null,
        stats: null,
      },
    ],
  ])('has null for what the kernel did not send of %s', (name, sets, expected) => {
    expect(json(name, sets)).toMatchObject(expected);
  });

  test('has null for a helper without a name or a status', () => {
    expect(json('helper', {}, notificationTypes.NOTIFY_RESPONSE)).toMatchObject({ helper: null, status: null });
  });

  test('has the number of a state that this release does not know', () => {
    expect(json('device_state', { device_info: { dev_disk_state: 99 } })).toMatchObject({ disk: 'unknown(99)' });
  });
});

describe('an answer that lacks what every answer has', () => {
  test.each(['role', 'cstate', 'dstate', 'status'])('%s tells so, and not that nothing was sent', async (command) => {
    const pair = memoryPair({
      host: { procDrbd: () => 'version: 8.3.13 (api:88/proto:86-96)\n', connectorIndex: () => 8 },
    });
    const kernel: TransportSocket = pair.kernel.open(
      { protocol: NETLINK_CONNECTOR },
      {
        datagrams: (batch) => {
          for (const { bytes } of batch) {
            const [asked] = readMessages(bytes, 'little', true);
            if (asked?.kind !== 'connector') continue;
            const answer = connectorStateAnswer(asked, undefined, 'little');
            // Success, and no tags.
            new DataView(answer.buffer, answer.byteOffset).setInt32(16 + 20 + 8, 101, true);
            kernel.send(answer, { groups: 1 << 7 });
          }
        },
        overrun: () => undefined,
        closed: () => undefined,
      },
    );
    const backend = createBackend({ kind: 'given', dialect: 'connector', transport: pair.user, locks: false });
    const io = memoryIo();
    const exit = await main(['0', command], io, { backend });
    backend.finish('closed');
    kernel.close();
    expect({ exit, stdout: io.stdout.text }).toEqual({ exit: 20, stdout: '' });
    expect(io.stderr.text).toMatch(/expected the tag state_i, found none \[ERR_DRBD_CODEC\]\n$/u);
  });
});
