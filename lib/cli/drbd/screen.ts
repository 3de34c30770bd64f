import type { Clock, Io } from '../io';
import { formatLine, lookOf, type Line, type Look } from './text';

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
/** Ends of lines do not move the text to the next one while a frame is drawn. */
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';

/**
 * The whole of a terminal, drawn anew in place. What was there before comes back at the end, whatever ends the process
 * but SIGKILL.
 */
export class Screen {
  readonly #io: Io;
  readonly #restore: () => void;
  #isOpen = true;
  #stopResize: (() => void) | undefined;

  private constructor(io: Io, onResize: () => void) {
    this.#io = io;
    this.#restore = () => this.close();
    io.stdout.write(ENTER + NO_WRAP);
    process.once('exit', this.#restore);
    this.#stopResize = io.terminal?.()?.onResize(onResize);
  }

  /** @returns undefined where the cursor cannot be moved */
  static open(io: Io, onResize: () => void): Screen | undefined {
    return lookOf(io).moves ? new Screen(io, onResize) : undefined;
  }

  get rows(): number {
    return this.#io.terminal?.()?.rows() ?? 24;
  }

  get look(): Look {
    return lookOf(this.#io);
  }

  /** Draws lines from the top; what does not fit is left out. */
  draw(lines: readonly Line[]): void {
    if (!this.#isOpen) return;
    const { look, rows } = this;
    const shown = lines.slice(0, rows);
    const text = shown.map((line) => `${formatLine(line, look)}${CLEAR_LINE}`).join('\r\n');
    this.#io.stdout.write(`${HOME}${text}${CLEAR_BELOW}`);
  }

  /** Gives the terminal back. Idempotent. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.removeListener('exit', this.#restore);
    this.#stopResize?.();
    this.#stopResize = undefined;
    this.#io.stdout.write(WRAP + LEAVE);
  }
}

const LEAST_PAUSE_MS = 100;

/** Draws at most ten times a second, and the last state always. */
export class Pacer {
  readonly #clock: Clock;
  readonly #draw: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastMs = -Infinity;

  constructor(clock: Clock, draw: () => void) {
    this.#clock = clock;
    this.#draw = draw;
  }

  want(): void {
    if (this.#timer !== undefined) return;
    const pause = Math.max(0, this.#lastMs + LEAST_PAUSE_MS - this.#clock.elapsedMs());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#lastMs = this.#clock.elapsedMs();
      this.#draw();
    }, pause);
  }

  /** Draws what is wanted and not drawn yet. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
