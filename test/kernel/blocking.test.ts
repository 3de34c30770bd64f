import { openDrbd, type Client } from '../../lib';
import { createMirror, loopback } from '../support/guest';

/** A promotion that the peer refuses is tried again in the kernel for as long as a ping may take, inside send(). */
describe('while a request blocks in the kernel', () => {
  const PING_TIMEOUT_DECISECONDS = 30;
  let drbd: Client<'genl1'>;
  const sides = [
    { name: 'a0', minor: 10, disk: '/dev/ram4', my: loopback(7790), peer: loopback(7791) },
    { name: 'a1', minor: 11, disk: '/dev/ram5', my: loopback(7791), peer: loopback(7790) },
  ] as const;

  beforeAll(async () => {
    drbd = await openDrbd({ dialect: 'genl1' });
    await createMirror(drbd, sides, { ping_timeo: PING_TIMEOUT_DECISECONDS });
    await drbd.request('new_resource', { context: { ctx_resource_name: 'other' } });
  }, 90_000);

  afterAll(async () => {
    await drbd.request('secondary', { minor: 10 });
    for (const { name } of sides) await drbd.request('down', { context: { ctx_resource_name: name } });
    await drbd.request('del_resource', { context: { ctx_resource_name: 'other' } });
    drbd.close();
  }, 60_000);

  test('the event loop, timers, deadlines, reads and changes elsewhere go on', async () => {
    const start = performance.now();
    const since = (): number => performance.now() - start;
    let longestStall = 0;
    let ticks = 0;
    let last = start;
    const timer = setInterval(() => {
      const now = performance.now();
      longestStall = Math.max(longestStall, now - last);
      last = now;
      ticks++;
    }, 5);
    let blockedMs = 0;
    const blocked = drbd.request('primary', { minor: 11 }).then(
      () => {
        throw new Error('the promotion succeeded');
      },
      (error: unknown) => {
        blockedMs = since();
        return error;
      },
    );
    const read = drbd.request('get_status', { minor: 10 }).then(since);
    const whole = drbd.status().then(since);
    const change = drbd
      .request('resource_opts', { context: { ctx_resource_name: 'other' }, res_opts: { on_no_data: 1 } })
      .then(since);
    // To the same minor: it waits its turn, and its deadline finds it unsent.
    const late = drbd
      .request('primary', { minor: 11 }, { timeoutMs: 300 })
      .catch((error: unknown) => ({ error, at: since() }));
    const [readMs, wholeMs, changeMs, expired, refusal] = await Promise.all([read, whole, change, late, blocked]);
    clearInterval(timer);
    process.stdout.write(
      `a refused promotion blocked for ${blockedMs.toFixed(0)} ms; longest stall of the event loop ${longestStall.toFixed(0)} ms, ${ticks} ticks; ` +
        `a read took ${readMs.toFixed(0)} ms, a status ${wholeMs.toFixed(0)} ms, a change elsewhere ${changeMs.toFixed(0)} ms\n`,
    );
    expect(refusal).toMatchObject({ code: 'ERR_DRBD_KERNEL', returnCode: -1, returnName: 'SS_TWO_PRIMARIES' });
    expect(blockedMs).toBeGreaterThan(1000);
    // A send on this thread would have held it all that time, and with it every tick.
    expect(longestStall).toBeLessThan(blockedMs / 2);
    expect(ticks).toBeGreaterThan(5);
    expect(expired).toMatchObject({ error: { code: 'ERR_DRBD_TIMEOUT', sent: 'no' } });
    for (const time of [readMs, wholeMs, changeMs]) expect(time).toBeLessThan(blockedMs);
    expect((expired as { readonly at: number }).at).toBeLessThan(blockedMs);
  }, 60_000);

  test('a deadline that passes while the kernel has the request says that it was started, and the client goes on', async () => {
    await expect(drbd.request('primary', { minor: 11 }, { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'ERR_DRBD_TIMEOUT',
      sent: 'started',
      timeoutMs: 200,
    });
    const abort = new AbortController();
    const aborted = drbd.request('primary', { minor: 11 }, { signal: abort.signal });
    setTimeout(() => {
      abort.abort(new Error('enough'));
    }, 100);
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError', cause: { message: 'enough' } });
    const status = await drbd.request('get_status', { minor: 11 });
    expect(status.context?.ctx_resource_name).toBe('a1');
    // The peer's refusal of the first is the answer to nobody; the next request gets its own.
    await expect(drbd.request('primary', { minor: 11 })).rejects.toMatchObject({ returnCode: -1 });
  }, 60_000);
});
