import {
  openDrbd,
  parseRecording,
  recordTransport,
  replayTransport,
  snapshotToJson,
  type Client,
  type GenericEvent,
  type Transport,
} from '../../lib';
import { nativeTransport } from '../../lib/transport/native';
import { createMetadata, loopback } from '../support/guest';

/** A session with a genuine kernel, recorded, and replayed without one. */
const SECRET = 'kein-wort-zu-niemand';
const NAME = 'rec';
const MINOR = 20;
const DISK = '/dev/ram6';

/** Values that cannot be compared as they are: u64, and where in a datagram something stood. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, part: unknown) =>
      typeof part === 'bigint' ? String(part) : key === 'shared_secret' ? String(part).replace(/./gu, 'x') : part,
    ),
  );
}

async function session(transport: Transport): Promise<{ readonly results: unknown[]; readonly events: unknown[] }> {
  const drbd: Client<'genl1'> = await openDrbd({ dialect: 'genl1', transport });
  const results: unknown[] = [];
  const keep = async (promise: Promise<unknown>): Promise<void> => {
    results.push(
      plain(
        await promise.catch((error: unknown) => ({
          code: (error as { readonly code: string }).code,
          returnCode: (error as { readonly returnCode?: number }).returnCode,
        })),
      ),
    );
  };
  const stream = drbd.broadcasts();
  const context = { ctx_resource_name: NAME };
  await keep(drbd.request('get_initial_state'));
  await keep(drbd.request('new_resource', { context }));
  await keep(drbd.request('new_minor', { minor: MINOR, context: { ...context, ctx_volume: 0 } }));
  await keep(drbd.request('new_minor', { minor: MINOR, context: { ...context, ctx_volume: 1 } }));
  await keep(
    drbd.request('attach', { minor: MINOR, disk_conf: { backing_dev: DISK, meta_dev: DISK, meta_dev_idx: -1 } }),
  );
  await keep(
    drbd.request('connect', {
      context: { ...context, ctx_my_addr: loopback(7798), ctx_peer_addr: loopback(7799) },
      net_conf: { wire_protocol: 3, cram_hmac_alg: 'sha1', shared_secret: SECRET },
    }),
  );
  await keep(drbd.request('get_connections', { context }));
  await keep(
    Promise.all([
      drbd.request('get_status', { minor: MINOR }),
      drbd.request('get_devices', { context }),
      drbd.request('get_resources'),
    ]),
  );
  await keep(
    drbd
      .status()
      .then((snapshot) =>
        snapshotToJson(snapshot).resources.map(({ name, role, devices }) => ({ name, role, devices })),
      ),
  );
  await keep(drbd.request('suspend_io', { minor: MINOR }));
  await keep(drbd.request('resume_io', { minor: MINOR }));
  await keep(drbd.request('down', { context }));
  const events: unknown[] = [];
  for await (const event of stream) {
    events.push(plain(event));
    // The last of what down does.
    if (event.kind === 'event' && event.name === 'resource_state' && isGone(event)) break;
  }
  drbd.close();
  return { results, events };
}

const NOTIFY_DESTROY = 3;

function isGone({ sets }: GenericEvent): boolean {
  const header = sets['drbd_notification_header'] as { readonly nh_type: number } | undefined;
  const context = sets['context'] as { readonly ctx_resource_name?: string } | undefined;
  return header !== undefined && (header.nh_type & 0xff) === NOTIFY_DESTROY && context?.ctx_resource_name === NAME;
}

test('a session with the kernel is recorded, and its replay gives the same results and events, without the secret', async () => {
  createMetadata(MINOR, DISK);
  let text = '';
  const recorder = recordTransport(nativeTransport(), { write: (lines) => (text += lines) });
  const live = await session(recorder);
  recorder.finish();
  expect(live.results).toHaveLength(12);
  expect(live.events.length).toBeGreaterThan(5);
  expect(live.results[3]).toMatchObject({ code: 'ERR_DRBD_KERNEL', returnCode: 162 });
  expect(live.results[4]).toMatchObject({ returnCode: 101 });
  expect(JSON.stringify(live.results[6])).toContain('x'.repeat(SECRET.length));

  const recording = parseRecording(text);
  expect(recording.header).toMatchObject({ dialect: 'genl1', driver: { api: 1 } });
  expect(text).not.toContain(Buffer.from(SECRET).toString('hex'));
  expect(text).toContain(Buffer.from('x'.repeat(SECRET.length)).toString('hex'));
  const transport = replayTransport(recording);
  expect(await session(transport)).toEqual(live);
  expect(transport.unused()).toEqual([]);
  process.stdout.write(
    `recorded ${recording.entries.length} lines, ${live.events.length} events of the kernel, and replayed them\n`,
  );
}, 60_000);
