import { DRBD_MAJOR } from '../../backend';
import { finding, type Found } from './finding';
import { isAbsent, isUnknown, trimmed, type DoctorHost } from './host';

/** Mount points are written with octal escapes. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/gu, (_whole, digits: string) => String.fromCharCode(parseInt(digits, 8)));

/** @returns who has a device of DRBD, or a partition of it, open: a finding for each */
export function usersOf(host: DoctorHost, minor: number): readonly Found[] {
  const name = `drbd${minor}`;
  const folder = `/sys/block/${name}`;
  const entries = host.list(folder);
  const about = { minor, device: `/dev/${name}` };
  if (isUnknown(entries))
    return [
      isAbsent(entries)
        ? finding('problem', `there is no device /dev/${name} (${folder})`, 'Look at the devices: drbd status.', about)
        : finding('note', `cannot look at ${folder}: ${entries.error}`, 'Run it as root.', about),
    ];
  const partitions = entries.filter((entry) => new RegExp(`^${name}p\\d+$`, 'u').test(entry));
  const names = [name, ...partitions];
  const paths = new Set(names.map((each) => `/dev/${each}`));
  const numbers = new Set([
    `${DRBD_MAJOR}:${minor}`,
    ...partitions.flatMap((each) => trimmed(host.read(`${folder}/${each}/dev`)) ?? []),
  ]);
  const isDevice = (path: string): boolean =>
    paths.has(path) || (path.startsWith('/dev/') && numbers.has(host.blockDevice(path) ?? ''));
  const found: Found[] = [];
  const use = (kind: string, user: string, text: string, remedy: string): void => {
    found.push(finding('note', text, remedy, { ...about, kind, user }));
  };
  for (const each of names) {
    const holders = host.list(each === name ? `${folder}/holders` : `${folder}/${each}/holders`);
    for (const holder of isUnknown(holders) ? [] : holders)
      use(
        'holder',
        holder,
        `the block device ${holder} lies on /dev/${each}`,
        `Stop /dev/${holder}: deactivate the volume group (vgchange -an), or stop the RAID or the mapping (dmsetup).`,
      );
  }
  kernelUsers(host, isDevice, use);
  processUsers(host, isDevice, numbers, use, found, about);
  return found.length > 0 ? found : [finding('ok', `nothing is seen that has /dev/${name} open`, null, about)];
}

type Use = (kind: string, user: string, text: string, remedy: string) => void;

/** Swap, loop devices and iSCSI targets, which no process has open. */
function kernelUsers(host: DoctorHost, isDevice: (path: string) => boolean, use: Use): void {
  const swaps = trimmed(host.read('/proc/swaps')) ?? '';
  for (const line of swaps.split('\n').slice(1)) {
    const path = unescaped(line.split(/\s/u)[0] ?? '');
    if (isDevice(path)) use('swap', path, `${path} is used as swap`, `Run swapoff ${path}.`);
  }
  const blocks = host.list('/sys/block');
  for (const block of isUnknown(blocks) ? [] : blocks) {
    const file = block.startsWith('loop') ? trimmed(host.read(`/sys/block/${block}/loop/backing_file`)) : undefined;
    if (file !== undefined && isDevice(file))
      use('loop', block, `the loop device ${block} lies on ${file}`, `Run losetup -d /dev/${block}.`);
  }
  const TARGETS = '/sys/kernel/config/target/core';
  const adapters = host.list(TARGETS);
  for (const adapter of isUnknown(adapters) ? [] : adapters) {
    const stores = host.list(`${TARGETS}/${adapter}`);
    for (const store of isUnknown(stores) ? [] : stores) {
      const path = trimmed(host.read(`${TARGETS}/${adapter}/${store}/udev_path`));
      if (path !== undefined && isDevice(path))
        use('target', store, `the iSCSI target ${store} exports ${path}`, 'Remove it from the target (targetcli).');
    }
  }
}

/** Mounts, in every mount namespace that may be looked at, and open files. */
function processUsers(
  host: DoctorHost,
  isDevice: (path: string) => boolean,
  numbers: ReadonlySet<string>,
  use: Use,
  found: Found[],
  about: { readonly minor: number; readonly device: string },
): void {
  const listed = host.list('/proc');
  const pids = isUnknown(listed) ? [] : listed.filter((each) => /^\d+$/u.test(each));
  const own = host.link('/proc/self/ns/mnt');
  const namespaces = new Set<string>();
  let hidden = 0;
  for (const pid of ['self', ...pids]) {
    const namespace = pid === 'self' ? own : host.link(`/proc/${pid}/ns/mnt`);
    const key = isUnknown(namespace) ? (pid === 'self' ? 'self' : undefined) : namespace;
    if (key !== undefined && !namespaces.has(key)) {
      namespaces.add(key);
      mountsOf(host, pid, isDevice, numbers, use);
    }
    if (pid === 'self') continue;
    const descriptors = host.list(`/proc/${pid}/fd`);
    if (isUnknown(descriptors)) {
      // One that has ended meanwhile has nothing open.
      if (!isAbsent(descriptors) && descriptors.error !== 'ESRCH') hidden++;
      continue;
    }
    const opened = descriptors
      .map((each) => host.link(`/proc/${pid}/fd/${each}`))
      .find((to) => !isUnknown(to) && isDevice(to));
    if (opened === undefined || isUnknown(opened)) continue;
    const program = trimmed(host.read(`/proc/${pid}/comm`)) ?? 'a process';
    use('process', pid, `${program} (${pid}) has ${opened} open`, `Stop ${program} (process ${pid}).`);
  }
  if (isUnknown(listed) || hidden > 0)
    found.push(
      finding(
        'note',
        isUnknown(listed)
          ? `cannot look at open files: /proc: ${listed.error}`
          : `cannot look at the open files of ${hidden} ${hidden === 1 ? 'process' : 'processes'}`,
        'Run it as root to know.',
        about,
      ),
    );
}

function mountsOf(
  host: DoctorHost,
  pid: string,
  isDevice: (path: string) => boolean,
  numbers: ReadonlySet<string>,
  use: Use,
): void {
  const table = trimmed(host.read(`/proc/${pid}/mountinfo`)) ?? '';
  for (const line of table.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [, , number = '', , point = ''] = before.split(' ');
    // Some file systems (btrfs) have numbers of their own: their source names the device.
    const source = unescaped(after.split(' ')[1] ?? '');
    if (!numbers.has(number) && !isDevice(source)) continue;
    const path = unescaped(point);
    const where = pid === 'self' ? '' : ` in the mount namespace of process ${pid}`;
    use(
      'mount',
      path,
      `it is mounted at ${path}${where}`,
      pid === 'self' ? `Run umount ${path}.` : `Unmount it there: nsenter --mount=/proc/${pid}/ns/mnt umount ${path}.`,
    );
  }
}
