import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readBlockDevice } from '../../lib/transport/block-device';
import { expectScenario } from '../support/sockets';

const ENOENT = 2;
const ENOTDIR = 20;

interface KnownDevice {
  readonly path: string;
  readonly sizeBytes: bigint;
  readonly numbers: string;
}

/** The block devices of this machine that have a node in /dev, the largest first, as sysfs has them. */
function knownDevices(): readonly KnownDevice[] {
  if (!existsSync('/sys/class/block')) return [];
  return readdirSync('/sys/class/block')
    .map((name) => ({
      path: `/dev/${name}`,
      sizeBytes: 512n * BigInt(readFileSync(`/sys/class/block/${name}/size`, 'utf8').trim()),
      numbers: readFileSync(`/sys/class/block/${name}/dev`, 'utf8').trim(),
    }))
    .filter(({ path }) => existsSync(path) && statSync(path).isBlockDevice())
    .sort((one, other) => Number(other.sizeBytes - one.sizeBytes));
}

function mayOpen({ path }: KnownDevice): boolean {
  try {
    return readBlockDevice(path) !== undefined;
  } catch {
    return false;
  }
}

const devices = knownDevices();
const readable = devices.filter(mayOpen);
let folder: string;

beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'node-drbd-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const why = devices.length === 0 ? 'there is none on this machine' : 'this user may open none, root may';
(readable.length > 0 ? test : test.skip)(
  `real block devices${readable.length > 0 ? '' : ` (${why}; the kernel lane reads one in any case)`}`,
  () => {
    for (const { path, sizeBytes, numbers } of readable.slice(0, 8)) {
      const found = readBlockDevice(path);
      expect({ path, sizeBytes: found?.sizeBytes, numbers: `${found?.major}:${found?.minor}` }).toEqual({
        path,
        sizeBytes,
        numbers,
      });
      const link = join(folder, path.slice('/dev/'.length));
      symlinkSync(path, link);
      expect(readBlockDevice(link)).toMatchObject({ path: link, sizeBytes });
    }
  },
);

test('what is no block device is not opened', () => {
  const file = join(folder, 'file');
  writeFileSync(file, 'text');
  chmodSync(file, 0);
  for (const path of [file, folder, '/dev/null', '/proc/self/status']) expect(readBlockDevice(path)).toBeUndefined();
  // A pipe that nobody writes to: opening it would wait.
  expectScenario('block-device-fifo', { arguments: [join(folder, 'pipe')] });
});

test('nothing there', () => {
  const missing = { code: 'ERR_DRBD_TRANSPORT', syscall: 'stat', errno: ENOENT };
  expect(() => readBlockDevice(join(folder, 'nothing'))).toThrow(expect.objectContaining(missing) as Error);
  symlinkSync(join(folder, 'nothing'), join(folder, 'dangling'));
  expect(() => readBlockDevice(join(folder, 'dangling'))).toThrow(expect.objectContaining(missing) as Error);
  writeFileSync(join(folder, 'plain'), '');
  expect(() => readBlockDevice(join(folder, 'plain/device'))).toThrow(
    expect.objectContaining({ ...missing, errno: ENOTDIR }) as Error,
  );
});

// The scenarios run as an ordinary user, and become one if this is root.
test('in a folder that may not be entered', () => {
  const closed = join(folder, 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0);
  expectScenario('block-device-denied', { arguments: ['stat', join(closed, 'device')] });
});

const privateDevice = devices.find(({ path }) => (statSync(path).mode & 0o007) === 0);
(privateDevice === undefined ? test.skip : test)(
  `a device that only root may open${privateDevice === undefined ? ' (there is none on this machine)' : ''}`,
  () => {
    expectScenario('block-device-denied', { arguments: ['open', privateDevice?.path ?? ''] });
  },
);
