import type { Clock, EndReason, Environment, Io, Output } from '../../lib/cli/io';

/** Keeps what a command writes. */
export class MemoryOutput implements Output {
  readonly isTerminal = false;
  closed = false;
  readonly #parts: Uint8Array[] = [];

  write(text: string | Uint8Array): void {
    if (!this.closed) this.#parts.push(typeof text === 'string' ? Buffer.from(text) : Uint8Array.from(text));
  }

  get text(): string {
    return Buffer.concat(this.#parts).toString('utf8');
  }
}

/** An Io in memory. `end` is what fires its end signal. */
export function memoryIo(
  options: {
    readonly env?: Environment;
    readonly stdin?: string;
    readonly input?: AsyncIterable<Uint8Array>;
    readonly clock?: Clock;
  } = {},
): Io & { readonly stdout: MemoryOutput; readonly stderr: MemoryOutput; readonly end: AbortController } {
  const end = new AbortController();
  return {
    stdout: new MemoryOutput(),
    stderr: new MemoryOutput(),
    env: options.env ?? {},
    clock: options.clock ?? { now: () => new Date(), elapsedMs: () => performance.now() },
    end,
    async *stdin() {
      if (options.input === undefined) yield Buffer.from(options.stdin ?? '');
      else yield* options.input;
    },
    endSignal: () => end.signal,
    ended: () => (end.signal.aborted ? (end.signal.reason as EndReason) : undefined),
  };
}
