import { captureLines } from './captures';

/** One recorded command of a scenario, with every datagram that crossed its socket. */
export interface CapturedCommand {
  /** Scenario and number, such as `05-pair/0060`. */
  readonly id: string;
  readonly note?: string;
  readonly argv: readonly string[];
  /** Its exit status, or `HANG`. */
  readonly exit: number | 'HANG';
  readonly prefix?: readonly string[];
  readonly background?: boolean;
  readonly netlink?: readonly {
    readonly op: string | null;
    readonly rv?: number;
    readonly hex?: string;
    readonly src_pid?: number;
  }[];
  readonly proc_drbd_before?: string;
  readonly proc_drbd_after?: string;
}

/** @param scenario such as `05-pair` */
export function capturedCommands(scenario: string): readonly CapturedCommand[] {
  return captureLines<CapturedCommand>(`drbd-8.3.13/${scenario}.jsonl`).map(({ command }) => command);
}

/** A datagram that a recorded command sent or received. */
export function crossing(command: CapturedCommand): readonly { readonly sent: boolean; readonly bytes: Uint8Array }[] {
  return (command.netlink ?? []).flatMap(({ op, hex, src_pid }) =>
    hex === undefined
      ? []
      : [
          {
            sent: op === 'sendto' || (op === null && src_pid === undefined),
            bytes: new Uint8Array(Buffer.from(hex, 'hex')),
          },
        ],
  );
}
