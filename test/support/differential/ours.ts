import { main, type Io } from '../../../lib/cli';
import { createBackend } from '../../../lib/cli/backend';
import { nativeTransport } from '../../../lib/transport/native';
import { NETLINK_GENERIC, type Transport } from '../../../lib/transport/transport';
import { memoryIo } from '../cli';
import type { Outcome } from './scenario';

/** nlctrl, which is asked for the family before anything else. */
const GENL_ID_CTRL = 16;
const TYPE_OFFSET = 4;

const io = (): ReturnType<typeof memoryIo> => memoryIo({ env: { PATH: process.env['PATH'] } });

async function run(argv: readonly string[], call: (io: Io) => Promise<number>): Promise<Outcome> {
  const own = io();
  const exit = await call(own);
  return { exit, stdout: own.stdout.text, stderr: own.stderr.text };
}

/** Runs our drbdsetup in this process, through its main function. */
export function runOurs(argv: readonly string[]): Promise<Outcome> {
  return run(argv, (own) => main(argv, own));
}

/** Does so, and counts what it asks the family of DRBD. */
export async function runOursCounted(argv: readonly string[]): Promise<Outcome & { readonly requests: number }> {
  let requests = 0;
  const native = nativeTransport();
  const counting: Transport = {
    open: (options, handlers) => {
      const socket = native.open(options, handlers);
      const send = socket.send.bind(socket);
      socket.send = (bytes, to) => {
        if (options.protocol === NETLINK_GENERIC && new DataView(bytes.buffer, bytes.byteOffset).getUint16(TYPE_OFFSET, true) !== GENL_ID_CTRL) requests++;
        return send(bytes, to);
      };
      return socket;
    },
  };
  const backend = createBackend({ kind: 'kernel', transport: counting });
  try {
    return { ...(await run(argv, (own) => main(argv, own, { backend }))), requests };
  } finally {
    backend.close();
  }
}
