import { openDrbd, UnsupportedError, verbs, type Client, type SentRequest, type VerbName } from '../../lib';
import { createMetadata, UP_TO_DATE, waitForState } from '../support/guest';

/** The life of two minors that mirror each other, told in verbs. The tests stand on each other, in this order. */
describe('the verbs on a genuine DRBD 8.4', () => {
  const sides = [
    { resource: 'v0', volume: 0, minor: 4, disk: '/dev/ram4', my: '127.0.0.1:7794', peer: '127.0.0.1:7795' },
    { resource: 'v1', volume: 0, minor: 5, disk: '/dev/ram5', my: '127.0.0.1:7795', peer: '127.0.0.1:7794' },
  ] as const;
  const used = new Set<VerbName>();
  let drbd: Client<'genl1'>;

  /** Runs a verb. @returns the names of the requests that were sent */
  const run = async (verb: VerbName, ...args: Parameters<Client<'genl1'>['down']>): Promise<readonly string[]> => {
    used.add(verb);
    const [target, options = {}] = args;
    const act = drbd[verb].bind(drbd) as Client<'genl1'>['down'];
    const sent: readonly SentRequest[] = await act(target, options);
    expect(sent.map(({ reply }) => reply.returnCode).filter((code) => code !== 101 && code >= 100)).toEqual([]);
    return sent.map(({ name }) => name);
  };
  const settled = (): Promise<void> => waitForState(drbd, ['v0', 'v1'], UP_TO_DATE);
  const v0 = { resource: 'v0' };
  const v1 = { resource: 'v1' };
  const [, { my, peer }] = sides;

  beforeAll(async () => {
    drbd = await openDrbd({ dialect: 'genl1' });
    for (const { minor, disk } of sides) createMetadata(minor, disk);
  }, 60_000);

  afterAll(async () => {
    for (const { resource } of sides) await drbd.down({ resource });
    drbd.close();
  }, 60_000);

  test('attach and connect create what is missing', async () => {
    for (const { resource, volume, minor, disk } of sides)
      expect(
        await run(
          'attach',
          { resource, volume, minor },
          { backingDev: disk, metaDev: disk, metaDevIdx: 'internal', onIoError: 'detach', resyncRate: 102_400 },
        ),
      ).toEqual(['new_resource', 'new_minor', 'attach']);
    for (const { resource, my: myAddr, peer: peerAddr } of sides)
      expect(await run('connect', { resource }, { myAddr, peerAddr, protocol: 'C', verifyAlg: 'crc32c' })).toEqual([
        'connect',
      ]);
    await waitForState(drbd, ['v0', 'v1'], { state: 'Connected', replication: 'Established', disk: 'Inconsistent' });
  }, 90_000);

  test('newCurrentUuid skips the first resync, so that a promotion needs no force', async () => {
    expect(await run('newCurrentUuid', v0, { clearBm: true })).toEqual(['new_c_uuid']);
    await settled();
    expect(await run('promote', v0)).toEqual(['primary']);
    expect((await drbd.status()).resources.find(({ name }) => name === 'v0')?.role).toBe('Primary');
  }, 90_000);

  test('setOptions sends what changes to the objects that have it', async () => {
    expect(
      await run('setOptions', v0, { onNoData: 'suspend-io', onIoError: 'call-local-io-error', timeout: 70 }),
    ).toEqual(['resource_opts', 'chg_disk_opts', 'chg_net_opts']);
    expect((await drbd.status()).resources.find(({ name }) => name === 'v0')).toMatchObject({
      options: { onNoData: 'suspend-io' },
      devices: [{ options: { onIoError: 'call-local-io-error' } }],
      connections: [{ options: { timeout: 70, verifyAlg: 'crc32c' } }],
    });
  }, 60_000);

  test('resync, verification and I/O are held and let go', async () => {
    expect(await run('pauseSync', v0)).toEqual(['pause_sync']);
    await drbd.waitFor((now) =>
      now.resources.some(
        ({ name, connections }) => name === 'v0' && connections[0]?.peerDevices[0]?.resyncSuspended.user,
      ),
    );
    expect(await run('resumeSync', v0)).toEqual(['resume_sync']);
    expect(await run('suspendIo', v0)).toEqual(['suspend_io']);
    expect((await drbd.status()).resources.find(({ name }) => name === 'v0')?.suspended.user).toBe(true);
    expect(await run('resumeIo', v0)).toEqual(['resume_io']);
    expect(await run('verify', v0, { startSector: 0n })).toEqual(['start_ov']);
    await settled();
    expect(await run('resize', v0)).toEqual(['resize']);
    await settled();
    expect(await run('demote', v0)).toEqual(['secondary']);
  }, 120_000);

  test('invalidate throws away the side that it is told', async () => {
    expect(await run('invalidate', v1)).toEqual(['invalidate']);
    await settled();
    expect(await run('invalidate', v0, { side: 'peer' })).toEqual(['inval_peer']);
    await settled();
  }, 120_000);

  test('a disconnected secondary is outdated, and comes back', async () => {
    expect(await run('disconnect', v1)).toEqual(['disconnect']);
    expect(await run('outdate', v1)).toEqual(['outdate']);
    expect((await drbd.status()).resources.find(({ name }) => name === 'v1')?.devices[0]?.disk).toBe('Outdated');
    expect(await run('promote', v0)).toEqual(['primary']);
    expect(await run('disconnect', v0)).toEqual(['disconnect']);
    for (const { resource, my: myAddr, peer: peerAddr } of sides)
      expect(await run('connect', { resource }, { myAddr, peerAddr })).toEqual(['connect']);
    await settled();
    await run('demote', v0);
  }, 120_000);

  test('create makes what is not there, and nothing twice', async () => {
    const target = { resource: 'v2', volume: 1, minor: 6 };
    expect(await run('create', { resource: 'v2' }, { cpuMask: '1' })).toEqual(['new_resource']);
    expect(await run('create', target)).toEqual(['new_minor']);
    expect(await run('create', target)).toEqual([]);
    // It would deadlock an 8.4 kernel: the guard of request() holds for verbs too.
    await expect(drbd.suspendIo(target)).rejects.toBeInstanceOf(UnsupportedError);
    expect(await run('down', { minor: 6 })).toEqual(['down']);
    expect((await drbd.status()).resources.map(({ name }) => name)).toEqual(['v0', 'v1']);
  }, 60_000);

  test('what 8.4 lacks is said before anything is sent', async () => {
    await expect(drbd.rename(v0, { newResourceName: 'v9' })).rejects.toMatchObject({ requires: 'DRBD 9.0.28-1' });
    await expect(drbd.forgetPeer({ ...v0, peer: 1 })).rejects.toBeInstanceOf(UnsupportedError);
    await expect(drbd.connect(v1, { myAddr: my, peerAddr: peer, fencing: 'resource-only' } as never)).rejects.toThrow(
      'attach',
    );
    await expect(drbd.disconnect({ ...v1, peer: '10.9.9.9' })).rejects.toThrow('has no connection to');
  }, 60_000);

  test('detach lets go of the disk', async () => {
    expect(await run('disconnect', v1)).toEqual(['disconnect']);
    expect(await run('detach', { ...v1, volume: 0 })).toEqual(['detach']);
    expect((await drbd.status()).resources.find(({ name }) => name === 'v1')?.devices[0]?.disk).toBe('Diskless');
    expect(Object.keys(verbs).filter((verb) => !used.has(verb as VerbName))).toEqual(['rename', 'forgetPeer']);
  }, 60_000);
});
