import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

import { openDrbd, type Client, type Snapshot } from '../../lib';
import { operations } from '../../lib/dialects/genl1';
import { Answers, createMetadata, loopback, procLine, UP_TO_DATE, waitForState } from '../support/guest';
import { expectValidSnapshot } from '../support/schema';

/**
 * The life of two minors that mirror each other, in a genuine kernel: every operation of 8.4, with success and with a
 * refusal, and the state checked afterwards. The tests stand on each other, in this order.
 */
describe('every operation of DRBD 8.4 in a genuine kernel', () => {
  const UNKNOWN = 99;
  const ENODEV = 19;
  const answers = new Answers();
  let drbd: Client<'genl1'>;
  const ok = <T>(name: string, answer: Promise<T>): Promise<T> => answers.succeed(name, answer);
  const refused = (name: string, code: number, answer: Promise<unknown>): ReturnType<Answers['refuse']> =>
    answers.refuse(name, code, answer);

  const resource = (name: string): { readonly context: { readonly ctx_resource_name: string } } => ({
    context: { ctx_resource_name: name },
  });
  const [left, right] = [loopback(7788), loopback(7789)];
  const links = { r0: { ctx_my_addr: left, ctx_peer_addr: right }, r1: { ctx_my_addr: right, ctx_peer_addr: left } };
  const connectParams = (
    name: 'r0' | 'r1',
  ): {
    readonly context: { readonly ctx_resource_name: string } & (typeof links)['r0'];
    readonly net_conf: { readonly wire_protocol: number; readonly verify_alg: string };
  } => ({
    context: { ctx_resource_name: name, ...links[name] },
    net_conf: { wire_protocol: 3, verify_alg: 'crc32c' },
  });
  const disk = (
    path: string,
    meta = path,
    index = -1,
  ): {
    readonly backing_dev: string;
    readonly meta_dev: string;
    readonly meta_dev_idx: number;
    readonly resync_rate: number;
    readonly c_plan_ahead: number;
  } => ({
    backing_dev: path,
    meta_dev: meta,
    meta_dev_idx: index,
    resync_rate: 102_400,
    c_plan_ahead: 0,
  });
  const deviceOf = async (minor: number): Promise<string | null | undefined> => {
    const snapshot = await drbd.status();
    expectValidSnapshot(snapshot);
    return snapshot.resources.flatMap(({ devices }) => devices).find((device) => device.minor === minor)?.disk;
  };

  /** Each side tells the other when it has changed, so one may know before the other does. */
  const settled = (): Promise<void> => waitForState(drbd, ['r0', 'r1'], UP_TO_DATE);

  beforeAll(async () => {
    drbd = await openDrbd({ dialect: 'genl1' });
  }, 30_000);

  afterAll(() => {
    drbd.close();
    const codes = Object.values(operations)
      .filter(({ kind }) => kind !== 'notification')
      .map(({ name }) => `${name} ${answers.succeeded(name) ? 'ok' : '-'} ${answers.refusals(name).join(' ')}`);
    process.stdout.write(`answers of the kernel, by operation:\n  ${codes.join('\n  ')}\n`);
  });

  test('what does not exist is refused', async () => {
    expect(drbd.driver.version).toMatch(/^8\.4\./u);
    const minor = UNKNOWN;
    await refused('del_minor', 127, drbd.request('del_minor', { minor }));
    await refused('attach', 127, drbd.request('attach', { minor, disk_conf: disk('/dev/ram0') }));
    await refused('resize', 127, drbd.request('resize', { minor }));
    await refused('primary', 127, drbd.request('primary', { minor }));
    await refused('secondary', 127, drbd.request('secondary', { minor }));
    await refused('new_c_uuid', 127, drbd.request('new_c_uuid', { minor }));
    await refused('start_ov', 127, drbd.request('start_ov', { minor }));
    await refused('detach', 127, drbd.request('detach', { minor }));
    await refused('invalidate', 127, drbd.request('invalidate', { minor }));
    await refused('inval_peer', 127, drbd.request('inval_peer', { minor }));
    await refused('pause_sync', 127, drbd.request('pause_sync', { minor }));
    await refused('resume_sync', 127, drbd.request('resume_sync', { minor }));
    await refused('suspend_io', 127, drbd.request('suspend_io', { minor }));
    await refused('resume_io', 127, drbd.request('resume_io', { minor }));
    await refused('outdate', 127, drbd.request('outdate', { minor }));
    await refused('get_timeout_type', 127, drbd.request('get_timeout_type', { minor }));
    await refused('chg_disk_opts', 127, drbd.request('chg_disk_opts', { minor, disk_conf: { resync_rate: 4096 } }));
    await refused('get_status', 127, drbd.request('get_status', { minor }));
    const nosuch = resource('nosuch');
    await refused('del_resource', 158, drbd.request('del_resource', nosuch));
    const error = await refused(
      'resource_opts',
      158,
      drbd.request('resource_opts', { ...nosuch, res_opts: { on_no_data: 1 } }),
    );
    expect(error).toMatchObject({
      code: 'ERR_DRBD_KERNEL',
      returnName: 'ERR_RES_NOT_KNOWN',
      infoText: ['unknown resource'],
    });
    await refused('connect', 158, drbd.request('connect', { context: { ctx_resource_name: 'nosuch', ...links.r0 } }));
    await refused('disconnect', 162, drbd.request('disconnect', { context: links.r0 }));
    await refused('chg_net_opts', 162, drbd.request('chg_net_opts', { context: links.r0, net_conf: { timeout: 50 } }));
    await refused('get_status', -ENODEV, drbd.request('get_status', nosuch));
    await refused('get_devices', 158, drbd.request('get_devices', nosuch));
    await refused('get_connections', 158, drbd.request('get_connections', nosuch));
    await refused('get_peer_devices', 158, drbd.request('get_peer_devices', nosuch));
    expect((await drbd.status()).resources).toEqual([]);
    expect(procLine(UNKNOWN)).toBeUndefined();
  }, 30_000);

  test('resources and minors come and go', async () => {
    await ok('new_resource', drbd.request('new_resource', resource('r0')));
    await refused('new_resource', 162, drbd.request('new_resource', resource('x/y')));
    await ok(
      'resource_opts',
      drbd.request('resource_opts', { ...resource('r0'), res_opts: { on_no_data: 1, cpu_mask: '1' } }),
    );
    const [listed] = await ok('get_resources', drbd.request('get_resources'));
    expect(listed).toMatchObject({
      context: { ctx_resource_name: 'r0' },
      res_opts: { on_no_data: 1, cpu_mask: '1' },
      resource_info: { res_role: 2 },
    });

    await ok('new_minor', drbd.request('new_minor', { minor: 0, context: { ctx_resource_name: 'r0', ctx_volume: 0 } }));
    await refused(
      'new_minor',
      158,
      drbd.request('new_minor', { minor: 8, context: { ctx_resource_name: 'nosuch', ctx_volume: 0 } }),
    );
    await refused(
      'new_minor',
      161,
      drbd.request('new_minor', { minor: 5, context: { ctx_resource_name: 'r0', ctx_volume: 0 } }),
    );
    await refused(
      'new_minor',
      162,
      drbd.request('new_minor', { minor: 0, context: { ctx_resource_name: 'r0', ctx_volume: 1 } }),
    );
    await ok('new_minor', drbd.request('new_minor', { minor: 7, context: { ctx_resource_name: 'r0', ctx_volume: 3 } }));
    expect((await drbd.request('get_devices', resource('r0'))).map(({ minor }) => minor)).toEqual([0, 7]);
    expect(procLine(7)).toContain('Unconfigured');
    await ok('del_minor', drbd.request('del_minor', { minor: 7 }));
    expect(procLine(7)).toBeUndefined();
    await refused('del_resource', 159, drbd.request('del_resource', resource('r0')));
    await ok('get_timeout_type', drbd.request('get_timeout_type', { minor: 0 }));
  }, 30_000);

  test('a minor without a disk refuses what needs one', async () => {
    const minor = 0;
    await refused('primary', -2, drbd.request('primary', { minor }));
    await refused('outdate', -16, drbd.request('outdate', { minor }));
    await refused('invalidate', 138, drbd.request('invalidate', { minor }));
    await refused('start_ov', -15, drbd.request('start_ov', { minor }));
    await refused('chg_disk_opts', 138, drbd.request('chg_disk_opts', { minor, disk_conf: { al_extents: 257 } }));
    await refused('resize', 138, drbd.request('resize', { minor }));
    await refused('new_c_uuid', 138, drbd.request('new_c_uuid', { minor }));
    await refused('resume_sync', 135, drbd.request('resume_sync', { minor }));
    await refused('attach', 119, drbd.request('attach', { minor, disk_conf: disk('/dev/ram0') }));
    await refused('attach', 104, drbd.request('attach', { minor, disk_conf: disk('/dev/nosuch') }));
    await refused('attach', 105, drbd.request('attach', { minor, disk_conf: disk('/dev/ram0', '/dev/nosuch', 0) }));
    // It would deadlock this kernel, with the generic netlink lock held.
    await expect(drbd.request('suspend_io', { minor })).rejects.toMatchObject({ code: 'ERR_DRBD_UNSUPPORTED' });
    expect(await deviceOf(0)).toBe('Diskless');
    expect(procLine(0)).toContain('Unconfigured');
  }, 30_000);

  test('disks are attached and configured', async () => {
    createMetadata(0, '/dev/ram0');
    createMetadata(1, '/dev/ram1');
    await refused(
      'attach',
      111,
      drbd.request('attach', { minor: 0, disk_conf: { ...disk('/dev/ram0'), disk_size: 2_000_000n } }),
    );
    await ok('attach', drbd.request('attach', { minor: 0, setDefaults: true, disk_conf: disk('/dev/ram0') }));
    expect(await deviceOf(0)).toBe('Inconsistent');
    expect(procLine(0)).toContain('ds:Inconsistent');
    await refused('del_minor', 160, drbd.request('del_minor', { minor: 0 }));
    await ok(
      'chg_disk_opts',
      drbd.request('chg_disk_opts', { minor: 0, disk_conf: { resync_rate: 204_800, on_io_error: 1 } }),
    );
    await refused('chg_disk_opts', 133, drbd.request('chg_disk_opts', { minor: 0, disk_conf: { resync_after: 0 } }));
    const [device] = await ok('get_devices', drbd.request('get_devices', resource('r0')));
    expect(device).toMatchObject({
      minor: 0,
      disk_conf: { resync_rate: 204_800, on_io_error: 1, backing_dev: '/dev/ram0', meta_dev_idx: -1 },
    });
    const one = await ok('get_status', drbd.request('get_status', { minor: 0 }));
    expect(one).toMatchObject({
      minor: 0,
      context: { ctx_resource_name: 'r0', ctx_volume: 0 },
      disk_conf: { resync_rate: 204_800 },
    });
    await refused('outdate', -16, drbd.request('outdate', { minor: 0 }));
  }, 30_000);

  test('two minors connect and replicate', async () => {
    await drbd.request('new_resource', resource('r1'));
    await drbd.request('new_minor', { minor: 1, context: { ctx_resource_name: 'r1', ctx_volume: 0 } });
    await drbd.request('attach', { minor: 1, disk_conf: disk('/dev/ram1') });
    const events = drbd.broadcasts();
    await ok('connect', drbd.request('connect', connectParams('r0')));
    await refused('connect', 102, drbd.request('connect', connectParams('r0')));
    await drbd.request('connect', connectParams('r1'));
    await waitForState(drbd, ['r0'], { state: 'Connected', replication: 'Established' });
    const connections = await ok('get_connections', drbd.request('get_connections', resource('r0')));
    expect(connections).toMatchObject([
      { net_conf: { wire_protocol: 3, verify_alg: 'crc32c' }, connection_info: { conn_role: 2 } },
    ]);
    await ok('get_peer_devices', drbd.request('get_peer_devices', resource('r0')));
    const initial = await ok('get_initial_state', drbd.request('get_initial_state'));
    expect(initial.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'resource_state',
        'device_state',
        'connection_state',
        'peer_device_state',
        'initial_state_done',
      ]),
    );
    // The broadcasts of the same changes were heard.
    const names = new Set<string>();
    for (let heard = 0; heard < 6; heard++) {
      const { value } = await events.next();
      if (value?.kind === 'event') names.add(value.name);
    }
    await events.return?.();
    expect(names).toContain('connection_state');

    await refused('new_c_uuid', 151, drbd.request('new_c_uuid', { minor: 0 }));
    await refused('primary', -2, drbd.request('primary', { minor: 0 }));
    await ok('primary', drbd.request('primary', { minor: 0, set_role_parms: { assume_uptodate: true } }));
    await settled();
    expect(procLine(0)).toContain('ro:Primary/Secondary ds:UpToDate/UpToDate');
    await refused('primary', -1, drbd.request('primary', { minor: 1 }));
    await ok('secondary', drbd.request('secondary', { minor: 1 }));
    const held = openSync('/dev/drbd0', 'r+');
    try {
      await refused('secondary', -12, drbd.request('secondary', { minor: 0 }));
      await refused('down', -12, drbd.request('down', resource('r0')));
    } finally {
      closeSync(held);
    }
    expect(procLine(0)).toContain('ro:Primary/Secondary');
  }, 90_000);

  test('I/O is suspended, data verified, resync held', async () => {
    await ok('suspend_io', drbd.request('suspend_io', { minor: 0 }));
    expect((await drbd.status()).resources.find(({ name }) => name === 'r0')?.suspended.user).toBe(true);
    await ok('resume_io', drbd.request('resume_io', { minor: 0 }));
    expect((await drbd.status()).resources.find(({ name }) => name === 'r0')?.suspended.user).toBe(false);
    await ok('start_ov', drbd.request('start_ov', { minor: 0, start_ov_parms: { ov_start_sector: 0n } }));
    await settled();
    await ok('pause_sync', drbd.request('pause_sync', { minor: 0 }));
    await refused('pause_sync', 134, drbd.request('pause_sync', { minor: 0 }));
    const peerDevice = async (): Promise<boolean | null | undefined> =>
      (await drbd.status()).resources.find(({ name }) => name === 'r0')?.connections[0]?.peerDevices[0]?.resyncSuspended
        .user;
    expect(await peerDevice()).toBe(true);
    await ok('resume_sync', drbd.request('resume_sync', { minor: 0 }));
    await refused('resume_sync', 135, drbd.request('resume_sync', { minor: 0 }));
    expect(await peerDevice()).toBe(false);
    await ok('invalidate', drbd.request('invalidate', { minor: 1 }));
    await settled();
    await ok('inval_peer', drbd.request('inval_peer', { minor: 0 }));
    await settled();
    const size = async (): Promise<bigint | null | undefined> =>
      (await drbd.status()).resources.find(({ name }) => name === 'r0')?.devices[0]?.stats?.sizeBytes;
    const whole = await size();
    await ok('resize', drbd.request('resize', { minor: 0, resize_parms: { resize_size: 100_000n } }));
    const small = 100_000n * 512n;
    expect(await size()).toBe(small);
    const sentOf = ({ resources }: Snapshot): bigint =>
      resources.find(({ name }) => name === 'r0')?.connections[0]?.peerDevices[0]?.stats?.sentBytes ?? 0n;
    const grown = (whole ?? 0n) - small + sentOf(await drbd.status());
    await drbd.request('resize', { minor: 0 });
    // What has grown is copied, and may begin later than a first look.
    await drbd.waitFor((snapshot) => sentOf(snapshot) >= grown, { timeoutMs: 60_000, refreshMs: 200 });
    await settled();
    expect(await size()).toBe(whole);
    expect(procLine(0)).toContain('ds:UpToDate/UpToDate');
  }, 90_000);

  test('the options of a link', async () => {
    const context = links.r0;
    await ok('chg_net_opts', drbd.request('chg_net_opts', { context, net_conf: { max_buffers: 4096, ping_int: 5 } }));
    const [link] = await drbd.request('get_connections', resource('r0'));
    expect(link?.net_conf).toMatchObject({ max_buffers: 4096, ping_int: 5, verify_alg: 'crc32c' });
    await drbd.request('chg_net_opts', { context, net_conf: { wire_protocol: 1 } });
    await refused('chg_net_opts', 139, drbd.request('chg_net_opts', { context, net_conf: { two_primaries: true } }));
    await refused(
      'chg_net_opts',
      146,
      drbd.request('chg_net_opts', { context, net_conf: { verify_alg: 'nosuchalg' } }),
    );
    await drbd.request('chg_net_opts', { context, net_conf: { wire_protocol: 3 } });
    await settled();
  }, 60_000);

  test('a disk that was detached comes back', async () => {
    await ok('detach', drbd.request('detach', { minor: 1 }));
    await waitForState(drbd, ['r1'], { disk: 'Diskless' });
    await refused('attach', 165, drbd.request('attach', { minor: 1, disk_conf: disk('/dev/ram1') }));
    execFileSync('drbdmeta', ['1', 'v08', '/dev/ram1', 'internal', 'apply-al'], { stdio: 'pipe' });
    await drbd.request('attach', { minor: 1, disk_conf: disk('/dev/ram1') });
    await settled();
  }, 60_000);

  test('everything is taken down', async () => {
    await ok('disconnect', drbd.request('disconnect', { context: links.r1 }));
    await refused('disconnect', 162, drbd.request('disconnect', { context: links.r1 }));
    expect((await drbd.status()).resources.find(({ name }) => name === 'r1')?.connections).toEqual([]);
    await ok('outdate', drbd.request('outdate', { minor: 1 }));
    expect(await deviceOf(1)).toBe('Outdated');
    await refused('detach', -2, drbd.request('detach', { minor: 0 }));
    await refused('outdate', -2, drbd.request('outdate', { minor: 0 }));
    await drbd.request('secondary', { minor: 0 });
    await drbd.request('disconnect', { context: links.r0 });
    const generation = async (): Promise<bigint | null | undefined> =>
      (await drbd.status()).resources.flatMap(({ devices }) => devices).find(({ minor }) => minor === 0)?.currentUuid;
    const before = await generation();
    await ok('new_c_uuid', drbd.request('new_c_uuid', { minor: 0 }));
    expect(typeof before).toBe('bigint');
    expect(await generation()).not.toBe(before);
    await drbd.request('detach', { minor: 0 });
    await drbd.request('del_minor', { minor: 0 });
    await ok('del_resource', drbd.request('del_resource', resource('r0')));
    await ok('down', drbd.request('down', resource('r1')));
    expect((await drbd.status()).resources).toEqual([]);
    expect(procLine(0)).toBeUndefined();
  }, 60_000);

  test('every operation was answered with success, and refused where the kernel refuses it', () => {
    const requests = Object.values(operations)
      .filter(({ kind }) => kind !== 'notification')
      .map(({ name }) => name);
    expect(requests.filter((name) => !answers.succeeded(name))).toEqual([]);
    expect(requests.filter((name) => answers.refusals(name).length === 0)).toEqual([
      'get_resources',
      'get_initial_state',
    ]);
    expect(drbd.counters()).toMatchObject({ overruns: 0 });
  });
});
