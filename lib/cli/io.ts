import { fstatSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import type { RecordingClock } from '../recording';
import { processTerminal, type Terminal } from './terminal';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a tool's text goes. */
export interface Output {
  /** Writes all of it before it returns. Once nobody reads any more, it writes nothing and says nothing. */
  write(text: string | Uint8Array): void;
  /** Whether a human looks at it. */
  readonly isTerminal: boolean;
  /** The width of the terminal; undefined where it is none, or does not say. */
  readonly columns?: number | undefined;
  /** Nothing can be written to it any more: its reader is gone (EPIPE), or it failed. */
  readonly closed: boolean;
  /**
   * The errno's name of a write that failed for another reason than that nobody reads: what was printed is not all
   * there.
   */
  readonly failure?: string | undefined;
}

export type Clock = RecordingClock;

/** Why a tool is to end: a signal's name, or that nobody reads its output any more. */
export type EndReason = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'closed pipe';

/**
 * All that a command sees of the process it runs in. Commands use nothing else of it, so that many can run in one
 * process.
 */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Environment;
  readonly clock: Clock;
  /** Reads standard input to its end, in pieces. */
  stdin(): AsyncIterable<Uint8Array>;
  /**
   * Fires when the command is to end; its reason is an {@link EndReason}. Signals are left to their default action
   * until this is called for the first time: only what waits or streams has to end in order.
   */
  endSignal(): AbortSignal;
  /** Why it has fired; undefined while it has not. */
  ended(): EndReason | undefined;
  /** The terminal that standard output is; undefined, or absent, where it is none. */
  terminal?(): Terminal | undefined;
}

const EAGAIN_PAUSE_MS = 5;

/** Whether a descriptor is a terminal. Nothing but a character device is one, and node:tty costs a start much. */
function isTerminal(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice() && isatty(descriptor);
  } catch {
    // It is closed.
    return false;
  }
}

/** A file descriptor that blocks until everything is written, as the C library's streams do. */
class DescriptorOutput implements Output {
  readonly #descriptor: number;
  readonly #onClosed: () => void;
  #closed = false;
  #failure: string | undefined;

  constructor(descriptor: number, onClosed: () => void) {
    this.#descriptor = descriptor;
    this.#onClosed = onClosed;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  get isTerminal(): boolean {
    return isTerminal(this.#descriptor);
  }

  get columns(): number | undefined {
    return this.isTerminal ? process.stdout.columns : undefined;
  }

  write(text: string | Uint8Array): void {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    for (let at = 0; at < bytes.length && !this.#closed;) {
      try {
        at += writeSync(this.#descriptor, bytes, at);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EAGAIN') {
          // Somebody made the pipe non-blocking, and it is full.
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, EAGAIN_PAUSE_MS);
        } else if (code !== 'EINTR') {
          // Where nobody reads any more, nobody is to be told.
          if (code !== 'EPIPE') this.#failure = code ?? String(error);
          this.#closed = true;
          this.#onClosed();
        }
      }
    }
  }
}

const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * @returns the Io of this process. Signal handlers are installed when a command first asks for {@link Io.endSignal}.
 */
export function processIo(): Io {
  let ended: EndReason | undefined;
  let ending: AbortController | undefined;
  let terminal: Terminal | undefined;
  const end = (reason: EndReason): void => {
    ended ??= reason;
    ending?.abort(ended);
  };
  return {
    stdout: new DescriptorOutput(1, () => {
      end('closed pipe');
    }),
    stderr: new DescriptorOutput(2, () => undefined),
    env: process.env,
    clock: { now: () => new Date(), elapsedMs: () => performance.now() },
    stdin: () => process.stdin,
    endSignal: () => {
      if (ending === undefined) {
        ending = new AbortController();
        if (ended !== undefined) ending.abort(ended);
        for (const name of END_SIGNALS) {
          process.once(name, () => {
            end(name);
          });
        }
      }
      return ending.signal;
    },
    ended: () => ended,
    terminal: () => (isTerminal(1) ? (terminal ??= processTerminal()) : undefined),
  };
}

/** The signal that ends the C tools for the same reason; they are told of nothing else. */
function signalOf(reason: EndReason): NodeJS.Signals {
  return reason === 'closed pipe' ? 'SIGPIPE' : reason;
}

/**
 * Ends this process as the C tools end. Told to end by a signal, or by a reader that went away (SIGPIPE), it dies of that
 * signal, once all is flushed; else it exits with the code.
 */
export function endProcess(code: number, io: Io): void {
  const reason = io.ended();
  if (reason !== undefined && (code === 0 || code === exitCodeOfEnd(reason))) {
    const signal = signalOf(reason);
    // Without a listener, a signal has its default action again. Node ignores SIGPIPE until there was one.
    process.once(signal, () => undefined);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  process.exit(code === 0 && reason !== undefined ? exitCodeOfEnd(reason) : code);
}

/**
 * @param error of something that waited with the signal
 * @returns the exit code of a program that was told to end meanwhile
 * @throws the error, where that is not why
 */
export function exitIfEnded(signal: AbortSignal, error: unknown): number {
  if (signal.aborted && error instanceof Error && error.name === 'AbortError') return exitCodeOfEnd(signal.reason);
  throw error;
}

/**
 * @param reason of an {@link Io.endSignal} that fired
 * @returns the exit code of what was cut short, as a shell sees a process that the signal ended; 0 where only its
 *   reader went away
 */
export function exitCodeOfEnd(reason: unknown): number {
  switch (reason as EndReason) {
    case 'SIGINT':
    case 'SIGTERM':
    case 'SIGHUP':
      return 128 + constants.signals[reason as 'SIGINT'];
    case 'closed pipe':
      return 0;
  }
}
