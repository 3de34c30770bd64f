import { captureLines } from './captures';

/** One call on a netlink socket, as recorded. */
export interface RecordedCall {
  /** Absent for hand-made datagrams. */
  readonly op: string | null;
  readonly rv: number | null;
  readonly errno?: string;
  readonly hex?: string;
  readonly rest?: string;
  /** Of a received hand-made exchange: the sender. */
  readonly src_pid?: number;
  readonly src_groups?: number;
}

/** One command that was run against a genuine kernel; test/captures/README.md says what each field means. */
export interface RecordedCommand {
  readonly id: string;
  readonly note: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly prefix?: readonly string[];
  readonly raw?: boolean;
  readonly background?: boolean;
  readonly exit: number | 'HANG';
  readonly stdout: string;
  readonly stderr: string;
  readonly netlink: readonly RecordedCall[];
  readonly proc_drbd_before?: string;
  readonly proc_drbd_after?: string;
}

/**
 * @param name a file of test/captures/drbd-8.3.13, without its ending @returns its commands, in the order of running
 */
export function recordedScenario(name: string): RecordedCommand[] {
  return captureLines<RecordedCommand>(`drbd-8.3.13/${name}.jsonl`).map(({ command }) => command);
}

/** A datagram that a program received. */
export interface Received {
  readonly hex: string;
  /** The whole of it, whatever the program's buffer took. */
  readonly length: number;
  /** cn.ack; 0 in a broadcast. */
  readonly ack: number;
  /** The sender's port id and the groups that it was sent to, where that was recorded. */
  readonly from: string;
}

/** @returns what was received, in order: hand-made exchanges name the sender, programs are known by the call */
export function received(
  calls: readonly {
    readonly op: string | null;
    readonly rv: number | null;
    readonly hex?: string;
    readonly src_pid?: number;
    readonly src_groups?: number;
  }[],
): Received[] {
  return calls
    .filter(({ op, src_pid }) => op === 'recvfrom' || (op === null && src_pid !== undefined))
    .flatMap(({ hex, src_pid, src_groups }) => {
      if (hex === undefined || hex.length < 72) return [];
      const header = Buffer.from(hex.slice(0, 72), 'hex');
      return [
        {
          hex,
          length: header.readUInt32LE(0),
          ack: header.readUInt32LE(28),
          from: src_pid === undefined ? '' : `${src_pid} ${src_groups ?? 0}`,
        },
      ];
    });
}

/** @returns what was sent, in order */
export function sent(
  calls: readonly { readonly op: string | null; readonly hex?: string; readonly src_pid?: number }[],
): string[] {
  return calls.flatMap(({ op, hex, src_pid }) =>
    hex !== undefined && (op === 'sendto' || (op === null && src_pid === undefined)) ? [hex] : [],
  );
}

/** The numbers that a refusal names: a return code or the result of a state change, in parentheses. */
export function numbersIn(stderr: string): number[] {
  return [...stderr.matchAll(/(?:Failure|failed): \((-?\d+)\)/gu)].map(([, number]) => Number(number));
}
