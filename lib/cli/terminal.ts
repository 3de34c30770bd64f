/** A terminal that a person looks at. */
export interface Terminal {
  /** Its width in cells, at present. */
  columns(): number;
  rows(): number;
  /** @returns what stops it */
  onResize(listener: () => void): () => void;
  /**
   * Hands out the keys as they are pressed, each by its text or its name, and echoes none.
   * @returns what gives the keyboard back; undefined where standard input is not a terminal
   */
  onKey(listener: (key: string) => void): (() => void) | undefined;
}

const COLUMNS = 80;
const ROWS = 24;

/** What a terminal sends for keys that have no character. */
const KEYS: Readonly<Record<string, string>> = {
  '\x1b[A': 'up',
  '\x1b[B': 'down',
  '\x1b[C': 'right',
  '\x1b[D': 'left',
  '\x1bOA': 'up',
  '\x1bOB': 'down',
  '\x1bOC': 'right',
  '\x1bOD': 'left',
  '\x1b[5~': 'page up',
  '\x1b[6~': 'page down',
  '\x1b[H': 'home',
  '\x1b[F': 'end',
  '\x1b[1~': 'home',
  '\x1b[4~': 'end',
  '\x1b': 'escape',
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x03': 'interrupt',
  '\x04': 'end of input',
};

/** @returns the keys of what a terminal sent at once */
export function keysOf(text: string): readonly string[] {
  const keys: string[] = [];
  // eslint-disable-next-line no-control-regex -- keys are told by control characters
  for (const [key] of text.matchAll(/\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])|[\s\S]/gu)) keys.push(KEYS[key] ?? key);
  return keys;
}

/** @returns the terminal of this process, which standard output is */
export function processTerminal(): Terminal {
  const { stdout, stdin } = process;
  // A terminal that went away fails to be written to; whoever writes next is told.
  stdout.on('error', () => undefined);
  return {
    columns: () => stdout.columns || COLUMNS,
    rows: () => stdout.rows || ROWS,
    onResize: (listener) => {
      stdout.on('resize', listener);
      return () => stdout.off('resize', listener);
    },
    onKey: (listener) => {
      if (!stdin.isTTY) return undefined;
      const take = (data: Buffer): void => {
        for (const key of keysOf(data.toString('utf8'))) listener(key);
      };
      stdin.on('error', () => undefined);
      stdin.setRawMode(true);
      stdin.on('data', take);
      return () => {
        stdin.off('data', take);
        try {
          stdin.setRawMode(false);
        } catch {
          // It is gone.
        }
        stdin.pause();
      };
    },
  };
}
