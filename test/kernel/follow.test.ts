import { spawnSync } from 'node:child_process';

import { openDrbd, type Client } from '../../lib';
import { KernelError } from '../../lib/errors';
import type { Change, Snapshot } from '../../lib/model';
import { announced } from '../support/law';
import { createMirror, loopback } from '../support/guest';

/** Follows a stream, and keeps the last whole state. */
class Follower {
  readonly seen: Change[] = [];
  whole: Snapshot | undefined;
  mayRead = true;
  #resume = (): void => undefined;

  constructor(stream: AsyncIterable<Change>) {
    void (async () => {
      for await (const change of stream) {
        this.seen.push(change);
        if (!change.more) this.whole = change.snapshot;
        while (!this.mayRead) await new Promise<void>((resolve) => (this.#resume = resolve));
      }
    })();
  }

  resume(): void {
    this.mayRead = true;
    this.#resume();
  }

  /** What is older than a loss comes before the word of it. */
  sawBeforeResync(kind: Change['kind']): boolean {
    const at = this.seen.findIndex((change) => change.kind === 'resync');
    return (at < 0 ? this.seen : this.seen.slice(0, at)).some((change) => change.kind === kind);
  }

  get resyncs(): readonly string[] {
    return this.seen.flatMap((change) => (change.kind === 'resync' ? [change.reason] : []));
  }
}

/** Makes 1,000 changes, the last of which leaves a resource behind. */
const MANY_CHANGES = `
const { openDrbd } = require(process.argv[1]);
(async () => {
  const drbd = await openDrbd({ dialect: 'genl1' });
  const context = { ctx_resource_name: 'r7' };
  for (let change = 1; change < 1000; change++)
    await drbd.request(change % 2 === 1 ? 'new_resource' : 'del_resource', { context });
  drbd.close();
})();`;

/** The stream of changes of a genuine kernel. */
describe('the stream of changes', () => {
  const sides = [
    { name: 'r0', minor: 0, disk: '/dev/ram2', my: loopback(7794), peer: loopback(7795) },
    { name: 'r1', minor: 1, disk: '/dev/ram3', my: loopback(7795), peer: loopback(7794) },
  ] as const;
  let drbd: Client<'genl1'>;

  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

  /** Both are read until they agree: the kernel may be at work still. */
  const agree = async (followers: readonly Follower[]): Promise<void> => {
    let read: object = {};
    let isComplete = false;
    const holds = ({ whole }: Follower): boolean =>
      whole !== undefined && JSON.stringify(announced(whole)) === JSON.stringify(read);
    for (let tries = 0; tries < 300; tries++) {
      const status = await drbd.status();
      read = announced(status);
      isComplete = status.source.complete;
      await pause();
      if (isComplete && followers.every(holds)) return;
    }
    expect(isComplete).toBe(true);
    for (const { whole } of followers) expect(announced(whole as Snapshot)).toEqual(read);
  };

  const tolerant = async (request: Promise<unknown>): Promise<void> => {
    await request.catch((error: unknown) => {
      if (!(error instanceof KernelError)) throw error;
    });
  };

  beforeAll(async () => {
    drbd = await openDrbd({ dialect: 'genl1' });
  });

  afterAll(() => {
    drbd.close();
  });

  test('once at rest, the fold equals status() in all that is announced, and others miss nothing for a slow one', async () => {
    const follower = new Follower(drbd.events());
    const slow = new Follower(drbd.events({ queueLimit: 5 }));
    await createMirror(drbd, sides);
    await agree([follower, slow]);
    const connection = { ctx_resource_name: 'r0', ctx_my_addr: sides[0].my, ctx_peer_addr: sides[0].peer };
    const requests: readonly (() => Promise<unknown>)[] = [
      () => drbd.request('secondary', { minor: 0 }),
      () => drbd.request('primary', { minor: 1 }),
      () => drbd.request('pause_sync', { minor: 0 }),
      () => drbd.request('disconnect', { context: connection }),
      () => drbd.request('secondary', { minor: 1 }),
      () => drbd.request('resume_sync', { minor: 0 }),
      () => drbd.request('connect', { context: connection, net_conf: { wire_protocol: 3 } }),
      () => drbd.request('invalidate', { minor: 1 }),
      () => drbd.request('detach', { minor: 1 }),
      () =>
        drbd.request('attach', {
          minor: 1,
          disk_conf: { backing_dev: sides[1].disk, meta_dev: sides[1].disk, meta_dev_idx: -1 },
        }),
      () => drbd.request('start_ov', { minor: 0 }),
      () => drbd.request('new_resource', { context: { ctx_resource_name: 'r2' } }),
      () => drbd.request('del_resource', { context: { ctx_resource_name: 'r2' } }),
    ];
    slow.mayRead = false;
    for (const request of requests) {
      await tolerant(request());
      await agree([follower]);
    }
    slow.resume();
    await agree([follower, slow]);
    expect(follower.resyncs).toEqual([]);
    expect(slow.resyncs).toEqual(['queue']);
  }, 180_000);

  test.each([{ receiveBufferBytes: 8192 }, {}])(
    '1,000 changes while a listener is stopped: the right state, at most one resync, and memory stays bounded (%p)',
    async (options) => {
      await using other = await openDrbd({ dialect: 'genl1' });
      const follower = new Follower(other.events(options));
      const slow = new Follower(other.events({ queueLimit: 5 }));
      await agree([follower, slow]);
      slow.mayRead = false;
      const before = process.memoryUsage().rss;
      // This thread does nothing until the other process has done all of it.
      const { status, stderr } = spawnSync(process.execPath, ['-e', MANY_CHANGES, require.resolve('../../lib')], {
        encoding: 'utf8',
      });
      expect([status, stderr]).toEqual([0, '']);
      await agree([follower]);
      slow.resume();
      await agree([follower, slow]);
      expect(process.memoryUsage().rss - before).toBeLessThan(96 << 20);
      expect(follower.whole?.resources.map(({ name }) => name)).toContain('r7');
      const wanted = options.receiveBufferBytes === undefined ? follower.resyncs.slice(0, 1) : ['overrun'];
      expect(follower.resyncs).toEqual(wanted);
      for (const change of ['create', 'destroy'] as const) expect(follower.sawBeforeResync(change)).toBe(true);
      await drbd.request('del_resource', { context: { ctx_resource_name: 'r7' } });
      await agree([follower, slow]);
    },
    180_000,
  );

  test('a module reload is one resync, and its objects come back as create', async () => {
    const follower = new Follower(drbd.events());
    await agree([follower]);
    for (const { name } of sides) await drbd.request('down', { context: { ctx_resource_name: name } });
    await drbd.request('new_resource', { context: { ctx_resource_name: 'r9' } });
    await agree([follower]);
    await drbd.request('del_resource', { context: { ctx_resource_name: 'r9' } });
    expect(spawnSync('modprobe', ['-r', 'drbd']).status).toBe(0);
    for (let tries = 0; tries < 300 && follower.resyncs.length === 0; tries++) await pause();
    expect(spawnSync('modprobe', ['drbd', 'usermode_helper=/bin/true']).status).toBe(0);
    await drbd.request('new_resource', { context: { ctx_resource_name: 'r9' } });
    await agree([follower]);
    expect(follower.resyncs).toEqual(['module']);
    const last = follower.seen.filter((change) => change.kind === 'create' && change.object === 'resource').at(-1);
    expect(last).toMatchObject({ key: { resource: 'r9' } });
    await drbd.request('del_resource', { context: { ctx_resource_name: 'r9' } });
  }, 120_000);

  test('an idle waitFor sends nothing', async () => {
    const waiting = drbd.waitFor(({ resources }) => resources.some(({ name }) => name === 'r8'), { timeoutMs: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { requests } = drbd.counters();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(drbd.counters().requests).toBe(requests);
    await drbd.request('new_resource', { context: { ctx_resource_name: 'r8' } });
    await waiting;
    await drbd.request('del_resource', { context: { ctx_resource_name: 'r8' } });
  }, 90_000);
});
