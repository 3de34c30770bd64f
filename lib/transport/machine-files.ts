import { readFileSync } from 'node:fs';
import { readBlockDevice } from './block-device';
import type { HostFiles } from './transport';

const PROC_DRBD = '/proc/drbd';
const CN_IDX = '/sys/module/drbd/parameters/cn_idx';

/** This machine's own files. They are read when asked, and never written. */
export const machineFiles: HostFiles = {
  procDrbd: () => {
    try {
      return readFileSync(PROC_DRBD, 'utf8');
    } catch (error) {
      return { error: (error as NodeJS.ErrnoException).code ?? String(error) };
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
  blockDevice: readBlockDevice,
};
