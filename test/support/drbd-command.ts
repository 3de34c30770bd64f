import { createBackend, type Backend } from '../../lib/cli';
import { main } from '../../lib/cli/drbd';
import type { Clock } from '../../lib/cli/io';
import type { Terminal } from '../../lib/cli/terminal';
import type { Transport } from '../../lib/transport/transport';
import { memoryIo } from './cli';

/** What a command did. */
export interface Outcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function backendOver(transport: Transport): Backend {
  return createBackend({ kind: 'given', transport });
}

/** Runs `drbd` in this process. */
export async function drbd(
  backend: Backend,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const io = memoryIo({ env });
  const exit = await main(argv, io, { backend });
  return { exit, stdout: io.stdout.text, stderr: io.stderr.text };
}

/** A command that stays. */
export interface Running {
  stdout(): string;
  stderr(): string;
  lines(): readonly string[];
  /** Tells it to end. @returns its exit code */
  stop(reason?: string): Promise<number>;
  readonly exit: Promise<number>;
}

/** Starts `drbd` in this process. @param terminal makes standard output one */
export function startDrbd(
  backend: Backend,
  argv: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly terminal?: Terminal;
    readonly clock?: Clock;
  } = {},
): Running {
  const { terminal } = options;
  const io = memoryIo(options);
  const shown =
    terminal === undefined
      ? io
      : Object.assign(io, { terminal: () => terminal, stdout: Object.assign(io.stdout, { isTerminal: true }) });
  const exit = main(argv, shown, { backend });
  return {
    stdout: () => io.stdout.text,
    stderr: () => io.stderr.text,
    lines: () => io.stdout.text.split('\n').slice(0, -1),
    stop: (reason = 'SIGTERM') => {
      io.end.abort(reason);
      return exit;
    },
    exit,
  };
}

/** A terminal of a size that a test decides. */
export class FakeTerminal implements Terminal {
  #listeners = new Set<() => void>();
  #onKey: ((key: string) => void) | undefined;
  /** The keyboard is a command's. */
  hasKeyboard = false;

  constructor(
    public width = 80,
    public height = 24,
  ) {}

  columns(): number {
    return this.width;
  }

  rows(): number {
    return this.height;
  }

  onResize(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onKey(listener: (key: string) => void): () => void {
    this.#onKey = listener;
    this.hasKeyboard = true;
    return () => {
      this.#onKey = undefined;
      this.hasKeyboard = false;
    };
  }

  press(...keys: readonly string[]): void {
    for (const key of keys) this.#onKey?.(key);
  }

  resize(width: number, height: number): void {
    this.width = width;
    this.height = height;
    for (const listener of this.#listeners) listener();
  }

  get listeners(): number {
    return this.#listeners.size;
  }
}

/**
 * @returns what a terminal shows after the text: its rows, of which only what these commands use is understood: moves
 *   home, clearing to the end of a line and of the screen, the alternate screen, and styles
 */
export function screenOf(text: string): readonly string[] {
  // eslint-disable-next-line no-control-regex -- escape codes
  const frame = text.slice(Math.max(0, text.lastIndexOf('\x1b[H'))).replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/gu, '');
  return frame.split(/\r?\n/u);
}

/** Waits for something that comes by itself. */
export async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
