import { get } from 'node:http';

import { TransportError } from '../../../lib';
import type { Backend } from '../../../lib/cli';
import type { Transport } from '../../../lib/transport/transport';
import { backendOver, drbd, eventually, startDrbd } from '../../support/drbd-command';

// The kernel lets nobody without CAP_NET_ADMIN join the connector's groups, but everybody read /proc/drbd.

const EPERM = 1;
const PROC = [
  'version: 8.3.13 (api:88/proto:86-96)',
  'built-in',
  ' 0: cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate C r-----',
  '    ns:0 nr:512 dw:512 dr:0 al:0 bm:3 lo:0 pe:0 ua:0 ap:0 ep:1 wo:b oos:1024',
  "\t[======>.............] sync'ed: 36.4% (1024/1536)K",
  '\tfinish: 0:00:10 speed: 102 (102) K/sec',
  '',
].join('\n');

const transport: Transport = {
  host: { procDrbd: () => PROC, connectorIndex: () => 8, resourceName: (minor) => (minor === 0 ? 'r0' : undefined) },
  open: () => {
    throw new TransportError('joining this multicast group needs CAP_NET_ADMIN; run as root', {
      syscall: 'bind',
      errno: EPERM,
    });
  },
};

let backend: Backend;

beforeEach(() => {
  backend = backendOver(transport);
});

afterEach(() => {
  backend.close();
});

test('status shows what /proc/drbd tells, and says what is missing', async () => {
  const text = await drbd(backend, ['status']);
  expect(text).toMatchObject({ exit: 0 });
  expect(text.stdout).toMatch(/^r0 +Secondary$/mu);
  expect(text.stdout).toContain('Inconsistent');
  expect(text.stderr).toMatch(/only what \/proc\/drbd says is known: .*CAP_NET_ADMIN/u);
  const json = await drbd(backend, ['status', '--json', 'r0']);
  expect(JSON.parse(json.stdout)).toMatchObject({
    source: { complete: false },
    resources: [{ name: 'r0', connections: [{ peerDevices: [{ resync: { etaSeconds: 10 } }] }] }],
  });
});

test('metrics serves it', async () => {
  const once = await drbd(backend, ['metrics']);
  expect(once.stdout).toContain('drbd_device_state{name="r0",volume="0",minor="0",drbd_device_state="Inconsistent"} 1');
  const server = startDrbd(backend, ['metrics', '--listen', '127.0.0.1:0']);
  await eventually(() => server.stderr().includes('CAP_NET_ADMIN') && server.stderr().includes('listening at'));
  const port = Number(/:(\d+)\/metrics/u.exec(server.stderr())?.[1]);
  const text = await new Promise<string>((resolve, reject) => {
    get({ port, path: '/metrics' }, (response) => {
      let all = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (all += part));
      response.on('end', () => resolve(all));
    }).on('error', reject);
  });
  expect(text).toContain('drbd_driver_loaded 1');
  expect(await server.stop('SIGTERM')).toBe(143);
});

test.each([['events'], ['wait', '--for', 'role=Primary'], ['promote', 'r0']])(
  '%s names the capability that is missing',
  async (...argv) => {
    const { exit, stderr } = await drbd(backend, argv);
    expect(exit).toBe(20);
    expect(stderr).toContain('CAP_NET_ADMIN');
  },
);
