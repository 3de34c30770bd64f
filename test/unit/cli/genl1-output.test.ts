import { connectionStates, diskStates, notificationTypes, roles } from '../../../lib/dialects/genl1';
import {
  Events2,
  events2ToJson,
  formatAddress,
  formatDone,
  formatEvent84,
  formatEvents2,
  formatResyncPercent,
  formatShellStatus,
  formatShow84,
  formatStatus,
  formatTimestamp,
  settingsOf84,
  showToJson,
  stateText,
  v84,
  WrappedText,
  type Events2Event,
  type Machine,
  type MinorStatus,
  type Notification,
  type StatusReply,
} from '../../../lib/cli/drbdsetup';
import { buildGenl1Snapshot, State, type Genl1Reply, type Genl1Sources, type Resource } from '../../../lib/drbd';
import { encodeStateWord, type StateWord } from '../../../lib/dialects/state-word';
import { encodeSocketAddress, hostByteOrder, type SocketAddress } from '../../../lib/netlink';

const order = hostByteOrder();
const machine: Machine = {
  order,
  ssocksFamily: undefined,
  interfaceName: (index) => (index === 2 ? 'eth0' : undefined),
};
const address = (port: number): Uint8Array =>
  encodeSocketAddress({ family: 'ipv4', address: '127.0.0.1', port }, hostByteOrder());
const IDLE: StateWord = {
  role: 2,
  peer: 0,
  conn: 0,
  disk: 0,
  pdsk: 6,
  susp: false,
  aftr_isp: false,
  peer_isp: false,
  user_isp: false,
  susp_nod: false,
  susp_fen: false,
};
const word = (state: Partial<StateWord>): number => encodeStateWord({ ...IDLE, ...state }, hostByteOrder()) >>> 0;
const decoded = { returnCode: 101, returnName: 'NO_ERROR', infoText: [], unknown: [] };

describe('text that wraps', () => {
  test('a piece that does not fit begins a line, indented and without its blank', () => {
    const text = new WrappedText(20).add(0, 'name').add(4, ' role:Secondary').add(4, ' suspended:no').add(0, '\n');
    expect(text.toString()).toBe('name role:Secondary\n    suspended:no\n');
  });

  test('a line is full, and not more, with its indentation', () => {
    expect(new WrappedText(20).add(4, ' 0123456789').add(4, ' 12345').toString()).toBe('    0123456789 12345');
    expect(new WrappedText(20).add(4, ' 0123456789').add(4, ' 123456').toString()).toBe('    0123456789\n    123456');
  });

  test('without a terminal there are 80 columns, and letters count by their bytes', () => {
    const piece = ' '.padEnd(40, 'x');
    expect(new WrappedText(undefined).add(0, piece).add(0, piece).toString()).not.toContain('\n');
    expect(new WrappedText(undefined).add(1, piece).add(0, piece).toString()).not.toContain('\n');
    expect(new WrappedText(undefined).add(1, piece).add(0, piece.replace('x', 'ß')).toString()).toContain('\n');
  });
});

describe('status', () => {
  const resource = (info: object = {}): Genl1Reply => ({
    context: { ctx_resource_name: 'r0' },
    resource_info: { res_role: roles.R_PRIMARY, ...info },
  });
  const device = (volume: number, disk: number, statistics: object = {}): Genl1Reply => ({
    minor: volume + 10,
    context: { ctx_resource_name: 'r0', ctx_volume: volume },
    device_info: { dev_disk_state: disk },
    device_statistics: { dev_size: 1000n, ...statistics },
  });
  const place = { ctx_resource_name: 'r0', ctx_my_addr: address(1), ctx_peer_addr: address(2) };
  const connection = (state: number): Genl1Reply => ({
    context: place,
    connection_info: { conn_connection_state: state, conn_role: roles.R_SECONDARY },
  });
  const peerDevice = (volume: number, replication: number, disk: number, outOfSync = 0n): Genl1Reply => ({
    context: { ...place, ctx_volume: volume },
    peer_device_info: { peer_repl_state: replication, peer_disk_state: disk },
    peer_device_statistics: { peer_dev_out_of_sync: outOfSync },
  });
  const read = (dumps: NonNullable<Genl1Sources['dumps']>): readonly Resource[] =>
    buildGenl1Snapshot({ driver: { version: '8.4.11', api: 1 }, order, dumps }).resources;
  const plain = { verbose: false, statistics: false, color: false, columns: undefined };

  test('a resync names how much is done, and two volumes are numbered', () => {
    const resources = read({
      resources: [resource({ res_susp_fen: true, res_susp: true })],
      devices: [device(0, diskStates.D_INCONSISTENT), device(1, diskStates.D_UP_TO_DATE, { dev_lower_blocked: true })],
      connections: [connection(connectionStates.C_WF_REPORT_PARAMS)],
      peerDevices: [
        peerDevice(0, connectionStates.C_SYNC_TARGET, diskStates.D_UP_TO_DATE, 250n),
        peerDevice(1, connectionStates.C_CONNECTED, diskStates.D_UP_TO_DATE),
      ],
    });
    expect(formatStatus(resources, plain)).toBe(
      'r0 role:Primary suspended:user,fencing\n  volume:0 disk:Inconsistent\n  volume:1 disk:UpToDate blocked:lower\n  peer role:Secondary\n' +
        '    volume:0 replication:SyncTarget peer-disk:UpToDate done:75.00\n    volume:1 replication:Established peer-disk:UpToDate\n\n',
    );
  });

  test('what is not connected is told instead of its volumes, and states have colors', () => {
    const resources = read({
      resources: [resource()],
      devices: [device(0, diskStates.D_OUTDATED)],
      connections: [connection(connectionStates.C_STANDALONE)],
      peerDevices: [peerDevice(0, connectionStates.C_WF_REPORT_PARAMS, diskStates.D_UNKNOWN)],
    });
    expect(formatStatus(resources, plain)).toBe('r0 role:Primary\n  disk:Outdated\n  peer connection:StandAlone\n\n');
    expect(formatStatus(resources, { ...plain, color: true })).toBe(
      'r0 role:\u001b[1;36mPrimary\u001b[0m\n  disk:\u001b[1;31mOutdated\u001b[0m\n  peer connection:\u001b[1;31mStandAlone\u001b[0m\n\n',
    );
  });

  test('percentages are rounded as C rounds them', () => {
    expect(formatDone(0n, 1000n)).toBe('100.00');
    // 99.625 and 99.125 are exact in binary and in the middle: half to even.
    expect(formatDone(3n, 800n)).toBe('99.62');
    expect(formatDone(7n, 800n)).toBe('99.12');
    expect(formatDone(1n, 800n)).toBe('99.88');
    expect(formatDone(1n, 0n)).toBe('0.00');
  });
});

describe('status of modules before 8.4.6', () => {
  const reply = (volume: number, state: Partial<StateWord>, info: object = {}): Genl1Reply => ({
    minor: volume,
    context: { ctx_resource_name: 'r0', ctx_volume: volume, ctx_my_addr: address(1), ctx_peer_addr: address(2) },
    net_conf: { timeout: 60 },
    state_info: { current_state: word(state), capacity: 1000n, ...info },
  });
  const read = (status: readonly Genl1Reply[]): readonly Resource[] =>
    buildGenl1Snapshot({ driver: { version: '8.4.4', api: 1 }, order, status }).resources;
  const format = { verbose: false, statistics: false, color: false, columns: undefined };

  test('is the same as of later ones', () => {
    const replies = [
      reply(0, { role: 1, peer: 2, conn: 17, disk: 4, pdsk: 8, user_isp: true }, { bits_oos: 25n }),
      reply(1, { role: 1, peer: 2, conn: 10, disk: 8, pdsk: 8 }),
    ];
    expect(formatStatus(read(replies), format)).toBe(
      'r0 role:Primary\n  volume:0 disk:Inconsistent\n  volume:1 disk:UpToDate\n  peer role:Secondary\n' +
        '    volume:0 replication:SyncTarget peer-disk:UpToDate done:80.00\n        resync-suspended:user\n    volume:1 replication:Established peer-disk:UpToDate\n\n',
    );
    expect(formatStatus(read([reply(0, { conn: 8, disk: 8, susp_nod: true })]), format)).toBe(
      'r0 role:Secondary suspended:no-data\n  disk:UpToDate\n  peer connection:Connecting\n\n',
    );
  });

  test('of a resource without volumes and links', () => {
    expect(formatStatus(read([{ context: { ctx_resource_name: 'r1' } }]), format)).toBe('r1 role:Unknown\n\n');
  });
});

describe('show', () => {
  const reply: StatusReply = {
    ...decoded,
    name: 'get_status',
    minor: 3,
    context: {
      ctx_resource_name: 'r0',
      ctx_volume: 1,
      ctx_my_addr: address(7788),
      ctx_peer_addr: encodeSocketAddress({ family: 'ipv6', address: '::1', port: 7789 }, hostByteOrder()),
    },
    res_opts: { cpu_mask: '', on_no_data: 1 },
    net_conf: { shared_secret: 'a "b" \\c', wire_protocol: 1, timeout: 60 },
    disk_conf: {
      backing_dev: '/dev/a',
      meta_dev: '/dev/b',
      meta_dev_idx: 2,
      disk_size: 2048n,
      resync_after: -1,
      resync_rate: 250,
    },
  };

  const ours = (reveal: boolean): object => showToJson(settingsOf84([reply]), v84.settings, order, reveal);

  test('is what drbdadm reads', () => {
    expect(formatShow84([reply], v84.settings, machine, false)).toBe(
      [
        'resource r0 {',
        '    options {',
        '        on-no-data-accessible\tsuspend-io;',
        '    }',
        '    net {',
        '        protocol        \tA;',
        '        shared-secret   \t"a \\"b\\" \\\\c";',
        '    }',
        '    _remote_host {',
        '        address\t\t\tipv6 [::1]:7789;',
        '    }',
        '    _this_host {',
        '        address\t\t\tipv4 127.0.0.1:7788;',
        '        volume 1 {',
        '            device\t\t\tminor 3;',
        '            disk\t\t\t"/dev/a";',
        '            meta-disk\t\t\t"/dev/b" [ 2 ];',
        '            disk {',
        '                size            \t2048s; # bytes',
        '            }',
        '        }',
        '    }',
        '}',
        '',
      ].join('\n'),
    );
    expect(formatShow84([reply], v84.settings, machine, true)).toContain(
      '                resync-rate     \t250k; # bytes/second, default\n                resync-after    \t-1; # default\n',
    );
    expect(formatShow84([], v84.settings, machine, false)).toBe('');
  });

  test('in JSON a secret is told only when it is asked for', () => {
    expect(JSON.stringify(ours(false))).not.toContain('\\"b');
    expect(ours(false)).toMatchObject({
      resources: [
        {
          name: 'r0',
          connections: [
            {
              peer: { family: 'ipv6', address: '::1', port: 7789 },
              options: {
                'shared-secret': { value: null, redacted: true },
                protocol: { value: 'A', code: 1, isDefault: false },
              },
            },
          ],
          volumes: [{ minor: 3, metaIndex: 2, options: { size: { value: '2048', unit: 'sectors' } } }],
        },
      ],
    });
    expect(ours(true)).toMatchObject({
      resources: [{ connections: [{ options: { 'shared-secret': { value: 'a "b" \\c' } } }] }],
    });
  });
});

describe('addresses as configuration files have them', () => {
  const format = (from: SocketAddress, of: Machine = machine): string =>
    formatAddress(encodeSocketAddress(from, order), of);

  test.each<[string, SocketAddress]>([
    ['ipv4 10.0.0.1:7788', { family: 'ipv4', address: '10.0.0.1', port: 7788 }],
    ['ipv6 [2001:db8::1]:7788', { family: 'ipv6', address: '2001:db8::1', port: 7788 }],
    ['ipv6 [2001:db8::1%2]:7788', { family: 'ipv6', address: '2001:db8::1', port: 7788, scopeId: 2 }],
    ['ipv6 [fe80::1%eth0]:7788', { family: 'ipv6', address: 'fe80::1', port: 7788, scopeId: 2 }],
    ['ipv6 [fe80::1%3]:7788', { family: 'ipv6', address: 'fe80::1', port: 7788, scopeId: 3 }],
    ['sdp 10.0.0.1:7788', { family: 'sdp', address: '10.0.0.1', port: 7788 }],
    ['[unknown af=31, len=16]', { family: 'ssocks', address: '10.0.0.1', port: 7788, familyNumber: 31 }],
  ])('%s', (text, from) => {
    expect(format(from)).toBe(text);
  });

  test('where a module has the number of sdp, that is what it is', () => {
    expect(format({ family: 'sdp', address: '10.0.0.1', port: 7788 }, { ...machine, ssocksFamily: 27 })).toBe(
      'ssocks 10.0.0.1:7788',
    );
  });
});

describe('sh-status and generations', () => {
  const shell = (status: Partial<MinorStatus>): Buffer =>
    Buffer.from(
      formatShellStatus(
        { minor: 0, resource: 'r0', volume: 0, state: undefined, percent: undefined, ...status },
        'genl1',
      ),
    );

  test('a name is safe in a shell', () => {
    expect(shell({ resource: "it's $(a) ü", state: undefined }).toString('latin1')).toContain(
      "_res_name=it\\'s\\ \\$\\(a\\)\\ \\\u00c3\\\u00bc\n",
    );
  });

  test('a percentage is told of a resync', () => {
    expect(formatResyncPercent(16384n, 4096n, 0n)).toBe('76.5');
    const state = stateText({ ...IDLE, conn: 17, disk: 4, pdsk: 8, user_isp: true }, 'genl1');
    expect(shell({ state, percent: '76.5' }).toString()).toContain(
      '_flags_user_isp=1\n\n_resynced_percent=76.5\n\n_sh_status_process\n\n\n',
    );
  });
});

describe('events', () => {
  const context = { ctx_resource_name: 'r0', ctx_volume: 0 };
  const line = (state_info: object): string =>
    formatEvent84({ minor: 5, sequence: 9, sets: { context, state_info } }, order);

  test('one line for each thing, three for a change', () => {
    expect(line({ sib_reason: 1, current_state: word({ conn: 10, disk: 8, pdsk: 8, peer: 1, user_isp: true }) })).toBe(
      '9 ST 5,r0[0] { cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate r--u }\n',
    );
    expect(
      line({ sib_reason: 2, prev_state: word({}), new_state: word({ conn: 2 }), current_state: word({ conn: 8 }) })
        .split('\n')
        .map((part) => part.split(' ')[1]),
    ).toEqual(['ST-prev', 'ST-new', 'ST', undefined]);
    expect(line({ sib_reason: 3, helper: 'fence-peer' })).toBe('9 UH 5,r0[0] fence-peer\n');
    expect(line({ sib_reason: 4, helper: 'fence-peer', helper_exit_code: 0x700 })).toBe(
      '9 UH-post 5,r0[0] fence-peer 0x0700\n',
    );
    expect(line({ sib_reason: 5, bits_rs_total: 16384n, bits_oos: 4096n })).toBe('9 SP 5,r0[0] 76.5\n');
    expect(line({ sib_reason: 77 })).toContain('77');
    expect(formatEvent84({ minor: undefined, sequence: 4, sets: { context } }, order)).toBe('4 R - r0\n');
    expect(formatEvent84({ minor: undefined, sequence: 4, sets: {}, infoText: ['a\nb'] }, order)).toBe('4 # a_b\n');
  });
});

describe('events2', () => {
  const { NOTIFY_EXISTS, NOTIFY_CREATE, NOTIFY_CHANGE, NOTIFY_DESTROY, NOTIFY_CONTINUES } = notificationTypes;
  const resource = (type: number, name: string, role: number, sequence?: number): Notification => ({
    name: 'resource_state',
    minor: undefined,
    sequence,
    sets: {
      context: { ctx_resource_name: name },
      drbd_notification_header: { nh_type: type },
      resource_info: { res_role: role },
    },
  });
  const device = (type: number, volume: number, disk: number, sequence?: number): Notification => ({
    name: 'device_state',
    minor: volume,
    sequence,
    sets: {
      context: { ctx_resource_name: 'r0', ctx_volume: volume },
      drbd_notification_header: { nh_type: type },
      device_info: { dev_disk_state: disk },
      device_statistics: { dev_size: 8n, dev_upper_blocked: false },
    },
  });
  const follow = (name: string | undefined): Events2 =>
    new Events2(
      name,
      { dialect: 'genl1', order },
      State.empty({ dialect: 'genl1', driver: '8.4.11', api: 1, complete: true }),
    );
  const text = (event: Events2Event | undefined): string =>
    event === undefined ? '' : formatEvents2(event, { statistics: false, timestamp: undefined });

  test('tells what is new against what was known', () => {
    const events = follow(undefined);
    expect(text(events.take(resource(NOTIFY_EXISTS, 'r0', roles.R_SECONDARY)))).toBe(
      'exists resource name:r0 role:Secondary suspended:no\n',
    );
    expect(text(events.take(resource(NOTIFY_CHANGE, 'r0', roles.R_PRIMARY, 7)))).toBe(
      'change resource name:r0 role:Primary\n',
    );
    expect(text(events.take(resource(NOTIFY_CHANGE, 'r0', roles.R_PRIMARY, 8)))).toBe('change resource name:r0\n');
    expect(text(events.take(device(NOTIFY_CREATE, 1, diskStates.D_DISKLESS, 9)))).toBe(
      'create device name:r0 volume:1 minor:1 disk:Diskless\n',
    );
    expect(text(events.take(device(NOTIFY_DESTROY, 1, diskStates.D_DISKLESS, 10)))).toBe(
      'destroy device name:r0 volume:1 minor:1\n',
    );
    expect(
      text(
        events.take({
          name: 'initial_state_done',
          minor: undefined,
          sequence: undefined,
          sets: { drbd_notification_header: { nh_type: NOTIFY_EXISTS } },
        }),
      ),
    ).toBe('exists -\n');
    expect(events.take({ name: 'event', minor: 0, sequence: 11, sets: {} })).toBeUndefined();
  });

  test('counts what one resource does not show', () => {
    const events = follow('r0');
    events.take(resource(NOTIFY_CHANGE, 'r0', 1, 0xffffffff));
    expect(events.take(resource(NOTIFY_CHANGE, 'r1', 1, 0))).toBeUndefined();
    expect(text(events.take(resource(NOTIFY_CHANGE, 'r0', 2, 1)))).toBe(
      '- skipped 1\nchange resource name:r0 role:Secondary\n',
    );
  });

  test('another driver counts anew', () => {
    const events = follow(undefined);
    events.take(resource(NOTIFY_CHANGE, 'r0', 1, 77));
    events.forgetSequence();
    expect(text(events.take(resource(NOTIFY_CHANGE, 'r0', 2, 3)))).toBe('change resource name:r0 role:Secondary\n');
  });

  test('after a loss, tells what became of everything meanwhile', () => {
    const events = follow(undefined);
    for (const notification of [
      resource(NOTIFY_EXISTS, 'r0', 2),
      device(NOTIFY_EXISTS, 0, 8),
      device(NOTIFY_EXISTS, 1, 8),
    ])
      events.take(notification);
    const told = events
      .resync([resource(NOTIFY_EXISTS, 'r0', 2), device(NOTIFY_EXISTS, 0, 4), device(NOTIFY_EXISTS, 2, 0)])
      .map(text);
    expect(told).toEqual([
      'destroy device name:r0 volume:1 minor:1\n',
      'change device name:r0 volume:0 minor:0 disk:Inconsistent\n',
      'create device name:r0 volume:2 minor:2 disk:Diskless\n',
    ]);
    expect(events.resync([]).map(text)).toEqual([
      'destroy device name:r0 volume:0 minor:0\n',
      'destroy device name:r0 volume:2 minor:2\n',
      'destroy resource name:r0\n',
    ]);
    expect(events.resync([])).toEqual([]);
  });

  test('what was told when the state was read again is not told twice', () => {
    const events = follow(undefined);
    events.take(device(NOTIFY_EXISTS, 0, 8));
    events.resync([device(NOTIFY_EXISTS, 1, 0), device(NOTIFY_EXISTS, 2, 0)]);
    expect(text(events.take(device(NOTIFY_DESTROY, 0, 8, 1)))).toBe('');
    expect(text(events.take(device(NOTIFY_CREATE, 1, 0, 2)))).toBe('');
    expect(text(events.take(device(NOTIFY_CREATE, 2, 4, 3)))).toBe(
      'change device name:r0 volume:2 minor:2 disk:Inconsistent\n',
    );
    expect(text(events.take(device(NOTIFY_DESTROY, 2, 4, 4)))).toBe('destroy device name:r0 volume:2 minor:2\n');
    expect(text(events.take(device(NOTIFY_CREATE, 2, 0, 5)))).toBe(
      'create device name:r0 volume:2 minor:2 disk:Diskless\n',
    );
  });

  test('what continues belongs together, and JSON says all that is known', () => {
    const events = follow(undefined);
    const event = events.take(device(NOTIFY_CHANGE | NOTIFY_CONTINUES, 0, 8, 1));
    expect(event?.step?.more).toBe(true);
    expect(event === undefined ? undefined : events2ToJson(event, 't')).toMatchObject({
      event: 'change',
      object: 'device',
      name: 'r0',
      volume: 0,
      minor: 0,
      disk: 'UpToDate',
      stats: { sizeBytes: '4096' },
    });
  });

  test('times are local, with microseconds', () => {
    expect(formatTimestamp(Date.UTC(2026, 10, 23, 15, 31, 14) + 288.25)).toMatch(
      /^2026-11-2\dT\d\d:\d\d:14\.288250[+-]\d\d:\d\d$/u,
    );
    expect(formatTimestamp(0.5)).toMatch(/:00\.000500[+-]/u);
  });
});
