import { createBackend, main, type Backend } from '../../lib/cli';
import type { BlockDevice } from '../../lib/transport/block-device';
import type { Transport } from '../../lib/transport/transport';
import { memoryIo } from './cli';
import type { ConnectorCall, Machine, Program, ProgramOptions, ProgramResult } from './machine';
import type { SimulatedMachine } from './simulated';
import type { ScenarioKernel } from './scenario';

/** Exit status of a program that a signal ended. */
const ENDED_BY: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGTERM: 143, SIGKILL: 137, SIGINT: 130 };

/** Our drbdsetup in this process, seen as a program that runs beside others. */
class OwnProgram {
  readonly pid = process.pid;
  readonly #io;
  readonly #result: Promise<ProgramResult>;
  ended = false;

  constructor(argv: readonly string[], options: ProgramOptions, backend: Backend) {
    const io = memoryIo(options.env === undefined ? {} : { env: options.env });
    this.#io = io;
    this.#result = main(argv, io, { backend }).then((exit) => {
      this.ended = true;
      backend.close();
      // A stream that is told to end has no other end; the genuine program is ended by the signal.
      const signal = io.ended();
      const told = exit === 0 && signal !== undefined && signal !== 'closed pipe' ? ENDED_BY[signal] : undefined;
      return { exit: told ?? exit, stdout: io.stdout.text, stderr: io.stderr.text, netlink: [] };
    });
  }

  get stdout(): string {
    return this.#io.stdout.text;
  }

  get stderr(): string {
    return this.#io.stderr.text;
  }

  calls(): ConnectorCall[] {
    return [];
  }

  async until(condition: (program: Program) => boolean, what: string, limitMs = 10_000): Promise<void> {
    const end = Date.now() + limitMs;
    while (!condition(this as unknown as Program)) {
      if (Date.now() > end) throw new Error(`${what}: not within ${limitMs} ms; printed\n${this.stdout}${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  forget(): void {
    // It leaves no log.
  }

  result(): Promise<ProgramResult> {
    return this.#result;
  }

  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<ProgramResult> {
    this.#io.end.abort(signal);
    return this.#result;
  }
}

/**
 * Makes drbdsetup of a machine ours: it runs in this process, and reaches the simulated kernel without the bus.
 * @returns what a scenario does with that kernel
 */
export function useOwnDrbdsetup(
  { machine, kernel, simulator }: SimulatedMachine,
  devices: readonly {
    readonly path: string;
    readonly sizeBytes: number;
    readonly major: number;
    readonly minor: number;
  }[],
): ScenarioKernel {
  let requests = 0;
  let replies = 0;
  simulator.onDatagram((_departure, { kind }) => {
    if (kind === 'reply') replies++;
  });
  const host = {
    procDrbd: () => simulator.procDrbd() ?? { error: 'ENOENT' },
    connectorIndex: () => simulator.index,
    blockDevice: (path: string): BlockDevice | undefined => {
      const found = devices.find((device) => device.path === path);
      if (found !== undefined) return { ...found, sizeBytes: BigInt(found.sizeBytes) };
      if (path === '/dev/null' || path === '/etc/passwd') return undefined;
      throw Object.assign(new Error(`there is nothing at ${path}`), { code: 'ENOENT' });
    },
    driver: { dialect: 'connector' as const, byteOrder: simulator.byteOrder, version: '8.3.13', api: 88 },
  };
  const transport: Transport = {
    host,
    open: (options, handlers) => {
      const socket = simulator.transport.open(options, handlers);
      const send = socket.send.bind(socket);
      socket.send = (bytes, to) => {
        requests++;
        return send(bytes, to);
      };
      return socket;
    },
  };
  const genuine = machine.start.bind(machine) as Machine['start'];
  machine.start = (argv, options = {}) => {
    if (argv[0] !== 'drbdsetup') return genuine(argv, options);
    const backend = createBackend({
      kind: 'given',
      dialect: 'connector',
      transport,
      lockDirectory: `${machine.folder}/lock`,
    });
    return new OwnProgram(
      ['--state-dir', `${machine.folder}/lib`, ...argv.slice(1)],
      options,
      backend,
    ) as unknown as Program;
  };
  return { ...kernel, unanswered: () => kernel.unanswered() + requests - replies };
}
