import { createBackend, main } from '../../lib/cli';
import { TransportError, type RecordedEntry } from '../../lib';
import { operations } from '../../lib/dialects/genl2';
import { decodeDatagram, decodeGenericMessage, GENL_ID_CTRL } from '../../lib/netlink';
import { replayTransport } from '../../lib/recording';
import type { SocketHandlers, Transport } from '../../lib/transport/transport';
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

const EACCES = 13;

/** Runs a recorded command of drbdsetup in this process, against its recording. */
export async function replayCommand(captured: CapturedRecording): Promise<Replayed> {
  const { argv, recording } = captured;
  const words = argv.slice(argv.indexOf('drbdsetup') + 1);
  const transport = replayTransport(recording);
  const asked = words.includes('--poll')
    ? new Asked(transport, recording.entries, captured.endedBy === undefined)
    : undefined;
  const io = memoryIo({ env: captured.env, ...(asked === undefined ? {} : { input: asked.input() }) });
  const backend = createBackend({ kind: 'replay', transport: asked ?? transport, locks: false });
  // The recorded machine's locks were not for everybody.
  const lock: typeof backend.lock = (minor, signal) =>
    /^open\(\S+\): Permission denied$/mu.test(captured.stderr)
      ? Promise.reject(
          new TransportError('the lock of the minor cannot be opened: EACCES', { syscall: 'open', errno: EACCES }),
        )
      : backend.lock(minor, signal);
  try {
    const exit = await main(words, io, { backend: { ...backend, lock } });
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

const ORDER = 'little';

function isQuestion(bytes: Uint8Array): boolean {
  const [message] = decodeDatagram(bytes, ORDER).messages;
  return (
    message !== undefined &&
    message.type > GENL_ID_CTRL &&
    decodeGenericMessage(message.payload, ORDER).command === operations.get_initial_state.number
  );
}

/** What a program of DRBD 9 receives once it has found its family. */
function isNews(bytes: Uint8Array): boolean {
  return decodeDatagram(bytes, ORDER).messages[0]?.type !== GENL_ID_CTRL;
}

/**
 * Whoever stood at the other end of `events2 --poll`: it asks again when as much has come as had come when it was
 * recorded, and what came after is held back until then.
 */
class Asked implements Transport {
  readonly #inner: Transport;
  readonly host: NonNullable<Transport['host']>;
  /** How many datagrams came before each further question. */
  readonly #places: number[] = [];
  readonly #ends: boolean;
  #received = 0;
  #held: (() => void)[] = [];
  #questions = 0;
  #reached: (() => void) | undefined;

  constructor(inner: Transport, entries: readonly RecordedEntry[], ends: boolean) {
    this.#inner = inner;
    if (inner.host === undefined) throw new Error('a recording has a host');
    this.host = inner.host;
    this.#ends = ends;
    let received = 0;
    let questions = 0;
    for (const entry of entries) {
      if (entry.kind === 'rx' && isNews(entry.bytes)) received++;
      if (entry.kind === 'tx' && isQuestion(entry.bytes) && questions++ > 0) this.#places.push(received);
    }
  }

  async *input(): AsyncGenerator<Uint8Array> {
    for (const place of [...this.#places]) {
      while (this.#received < place) await new Promise<void>((resolve) => (this.#reached = resolve));
      // What has come is printed before the next question is asked.
      await new Promise((resolve) => setTimeout(resolve, 5));
      yield Buffer.from('n');
    }
    if (!this.#ends) await new Promise(() => undefined);
  }

  open(...[options, handlers]: Parameters<Transport['open']>): ReturnType<Transport['open']> {
    const inOrder = (call: () => void): void => {
      if (this.#isHolding()) this.#held.push(call);
      else call();
    };
    const own: SocketHandlers = {
      datagrams: (batch) => {
        for (const datagram of batch)
          inOrder(() => {
            if (isNews(datagram.bytes)) this.#received++;
            handlers.datagrams([datagram]);
            this.#reached?.();
          });
      },
      overrun: () => {
        inOrder(() => {
          handlers.overrun();
        });
      },
      closed: (error) => {
        handlers.closed(error);
      },
      // More follows for as long as there is a question left.
      exhausted: (what) => {
        if (!this.#isHolding()) handlers.exhausted?.(this.#places.length === 0 ? what : 'answers');
      },
    };
    const socket = this.#inner.open(options, own);
    const send = socket.send.bind(socket);
    socket.send = (bytes, to) => {
      if (isQuestion(bytes) && this.#questions++ > 0) {
        this.#places.shift();
        while (this.#held.length > 0 && !this.#isHolding()) this.#held.shift()?.();
      }
      return send(bytes, to);
    };
    return socket;
  }

  #isHolding(): boolean {
    const [place] = this.#places;
    return place !== undefined && this.#received >= place;
  }
}
