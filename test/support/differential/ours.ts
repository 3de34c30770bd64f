import { main } from '../../../lib/cli';
import { createBackend } from '../../../lib/cli/backend';
import { nativeTransport } from '../../../lib/transport/native';
import { NETLINK_GENERIC, type Transport } from '../../../lib/transport/transport';
import { memoryIo } from '../cli';
import type { Outcome } from './scenario';

/** nlctrl, which is asked for the family before anything else. */
const GENL_ID_CTRL = 16;
const TYPE_OFFSET = 4;

/**
 * Sends from threads. The program sends from processes, so that it can end whatever the kernel does: those are copies
 * of this process, large and slow to make in user-mode Linux. Steps that run the program itself have them.
 */
const native = nativeTransport();

async function run(argv: readonly string[], transport: Transport): Promise<Outcome> {
  const backend = createBackend({ kind: 'kernel', transport });
  const io = memoryIo({ env: { PATH: process.env['PATH'] } });
  try {
    const exit = await main(argv, io, { backend });
    return { exit, stdout: io.stdout.text, stderr: io.stderr.text };
  } finally {
    backend.close();
  }
}

/** Runs our drbdsetup in this process, through its main function. */
export function runOurs(argv: readonly string[]): Promise<Outcome> {
  return run(argv, native);
}

/** Does so, and counts what it asks the family of DRBD. */
export async function runOursCounted(argv: readonly string[]): Promise<Outcome & { readonly requests: number }> {
  let requests = 0;
  const counting: Transport = {
    open: (options, handlers) => {
      const socket = native.open(options, handlers);
      const send = socket.send.bind(socket);
      socket.send = (bytes, to) => {
        if (
          options.protocol === NETLINK_GENERIC &&
          new DataView(bytes.buffer, bytes.byteOffset).getUint16(TYPE_OFFSET, true) !== GENL_ID_CTRL
        )
          requests++;
        return send(bytes, to);
      };
      return socket;
    },
  };
  return { ...(await run(argv, counting)), requests };
}
