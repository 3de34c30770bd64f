import { existsSync, readFileSync } from 'node:fs';
import { readBlockDevice } from './block-device';
import type { HostFiles } from './transport';

const PROC_DRBD = '/proc/drbd';
/** Any file that every procfs has. */
const PROC_SELF = '/proc/self';
const NETLINK_SOCKETS = '/proc/net/netlink';
const CN_IDX = '/sys/module/drbd/parameters/cn_idx';

/** This machine's own files. They are read when asked, and never written. */
export const machineFiles: HostFiles = {
  procDrbd: () => {
    try {
      return readFileSync(PROC_DRBD, 'utf8');
    } catch (error) {
      const { code = String(error) } = error as NodeJS.ErrnoException;
      return { error: code === 'ENOENT' && !existsSync(PROC_SELF) ? 'procfs is not mounted' : code };
    }
  },
  connectorIndex: () => {
    try {
      const index = Number(readFileSync(CN_IDX, 'utf8').trim());
      return Number.isInteger(index) && index > 0 ? index : undefined;
    } catch {
      return undefined;
    }
  },
  hasKernelSocket: (protocol) => {
    try {
      // sk, protocol, port id, groups, …; the first line names the columns.
      const sockets = readFileSync(NETLINK_SOCKETS, 'utf8').split('\n').slice(1);
      return sockets.some((line) => {
        const [, of, port] = line.trim().split(/\s+/u);
        return Number(of) === protocol && Number(port) === 0;
      });
    } catch {
      return undefined;
    }
  },
  blockDevice: readBlockDevice,
};
