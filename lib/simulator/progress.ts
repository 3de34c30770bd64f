/** Progress of a resync or a verification, in blocks of 4 KiB and milliseconds. */
export interface Progress {
  total: number;
  failed: number;
  start: number;
  paused: number;
  /** When and with how much left: the last few steps, for the speed. */
  marks: { time: number; left: number }[];
  lastMark: number;
  lastBroadcast: number;
  /** Where the target asks next. */
  position: number;
  /** Verification: what is left, and where it began or will begin. */
  verifyLeft: number;
  verifyPosition: number;
  verifyStartSector: number;
}

export const PROGRESS_MARKS = 8;

export function newProgress(): Progress {
  return {
    total: 0,
    failed: 0,
    start: 0,
    paused: 0,
    marks: Array.from({ length: PROGRESS_MARKS }, () => ({ time: 0, left: 0 })),
    lastMark: 0,
    lastBroadcast: -Infinity,
    position: 0,
    verifyLeft: 0,
    verifyPosition: 0,
    verifyStartSector: 0,
  };
}
