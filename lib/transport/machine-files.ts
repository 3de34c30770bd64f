import { existsSync, readFileSync } from 'node:fs';
import { readBlockDevice } from './block-device';
import { linkedResourceName, NOTES_DIRECTORY } from './resource-names';
import type { HostFiles } from './transport';

const PROC_DRBD = '/proc/drbd';
/** Any file that every procfs has. */
const PROC_SELF = '/proc/self';
const NETLINK_SOCKETS = '/proc/net/netlink';
const CN_IDX = '/sys/module/drbd/parameters/cn_idx';

/** Node's permission model makes existsSync() throw for a symbolic link that it hides. */
function whyAbsent(): string {
  try {
    return existsSync(PROC_SELF) ? 'ENOENT' : 'procfs is not mounted';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** This machine's own files. They are read when asked, and never written. */
export const machineFiles: HostFiles = {
  procDrbd: () => {
    try {
      return readFileSync(PROC_DRBD, 'utf8');
    } catch (error) {
      const { code = String(error) } = error as NodeJS.ErrnoException;
      return { error: code === 'ENOENT' ? whyAbsent() : code };
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
  resourceName: (minor) => {
    // The kernel's helper programs, and scripts that drbdadm runs, are told of one.
    const { DRBD_RESOURCE: told, DRBD_MINOR: of } = process.env;
    return told !== undefined && told !== '' && of === String(minor)
      ? told
      : linkedResourceName(minor, NOTES_DIRECTORY);
  },
};
