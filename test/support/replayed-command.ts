import { createBackend, main } from '../../lib/cli';
import { replayTransport } from '../../lib/recording';
import { memoryIo } from './cli';
import type { CapturedRecording } from './recordings';

/** What came of a recorded command in our tool. */
export interface Replayed {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Recorded requests that were not sent, and the first one that was not recorded. */
  readonly requests: readonly string[];
}

/** Runs a recorded command of drbdsetup in this process, against its recording. */
export async function replayCommand(captured: CapturedRecording): Promise<Replayed> {
  const io = memoryIo({ env: captured.env });
  const transport = replayTransport(captured.recording);
  const backend = createBackend({ kind: 'replay', transport, locks: false });
  try {
    const exit = await main(captured.argv.slice(1), io, { backend });
    const { mismatch } = transport;
    return {
      exit,
      stdout: io.stdout.text,
      stderr: io.stderr.text,
      requests: [
        ...(mismatch === undefined ? [] : [`not recorded: ${mismatch.message}`]),
        ...transport.unused().map(({ line, request }) => `not sent: ${request} (line ${line})`),
      ],
    };
  } finally {
    backend.close();
  }
}
