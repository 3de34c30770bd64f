import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Recorded exchanges with genuine kernels, a folder for each release. Large files are compressed (.gz). */
const CAPTURES = join(__dirname, '../../../test/captures');

/** One datagram of a recorded exchange. */
export interface CapturedDatagram {
  /** File and line, for messages. */
  readonly where: string;
  readonly sent: boolean;
  readonly bytes: Uint8Array;
  /** Made by hand to be wrong, not by a program of DRBD's. */
  readonly raw: boolean;
  /** The receiver's buffer was too small: the end is missing. */
  readonly cut: boolean;
  /** The recorded command. */
  readonly command: string;
}

interface CapturedCommand {
  readonly argv: readonly string[];
  readonly raw?: boolean;
  readonly netlink?: readonly {
    readonly op: string | null;
    readonly rv?: number;
    readonly hex?: string;
    readonly src_pid?: number;
    readonly rest?: string;
  }[];
  readonly ops?: readonly { readonly call: string; readonly dir?: 'tx' | 'rx'; readonly hex?: string }[];
}

export const CAPTURE_FOLDERS = ['drbd-8.3.13', 'drbd-8.4.11', 'drbd-9.1.7', 'drbd-9.2.18', 'drbd-9.3.3'] as const;
export type CaptureFolder = (typeof CAPTURE_FOLDERS)[number];

/** @returns the files of a folder by the name they have without compression, such as `watch.jsonl`, sorted */
export function capturesIn(folder: CaptureFolder): readonly string[] {
  return readdirSync(join(CAPTURES, folder))
    .map((file) => file.replace(/\.gz$/u, ''))
    .filter((file) => file.endsWith('.jsonl'))
    .sort();
}

/**
 * @param file such as `drbd-9.2.18/watch.jsonl`, whether it lies there compressed or not
 * @returns its lines, parsed, with their numbers from 1
 */
export function captureLines<T>(file: string): readonly { readonly number: number; readonly command: T }[] {
  const path = join(CAPTURES, file);
  const text = existsSync(path) ? readFileSync(path) : gunzipSync(readFileSync(`${path}.gz`));
  return text
    .toString('utf8')
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [{ number: index + 1, command: JSON.parse(line) as T }]));
}

/** Length of the netlink message that `bytes` begin with, as its header says. */
function statedLength(bytes: Uint8Array): number {
  return bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** @returns every datagram of a folder of captures that crossed a netlink socket, in order */
export function capturedDatagrams(folder: CaptureFolder): CapturedDatagram[] {
  const found: CapturedDatagram[] = [];
  for (const file of capturesIn(folder)) {
    for (const { number, command } of captureLines<CapturedCommand>(`${folder}/${file}`)) {
      const add = (sent: boolean, hex: string): void => {
        const bytes = new Uint8Array(Buffer.from(hex, 'hex'));
        const raw = command.raw === true;
        const cut = !sent && !raw && statedLength(bytes) > bytes.length;
        // 07-negative: packet type -1 is as much made by hand as the raw ones.
        found.push({
          where: `${folder}/${file}:${number}`,
          sent,
          bytes,
          raw: raw || file.startsWith('07-'),
          cut,
          command: command.argv.join(' '),
        });
      };
      for (const call of command.netlink ?? []) {
        if (call.hex === undefined) continue;
        add(call.op === 'sendto' || (call.op === null && call.src_pid === undefined), call.hex);
      }
      for (const call of command.ops ?? [])
        if (call.hex !== undefined && call.dir !== undefined) add(call.dir === 'tx', call.hex);
    }
  }
  return found;
}
