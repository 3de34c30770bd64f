import type { Io } from '../io';

/** Marks a run of text with a colour or weight; on what is not a terminal it adds nothing. */
export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan' | 'inverse';

const CODES: Readonly<Record<Style, string>> = {
  bold: '1',
  dim: '2',
  red: '31',
  yellow: '33',
  green: '32',
  cyan: '36',
  inverse: '7',
};

/** A piece of a line in one style. */
export interface Span {
  readonly text: string;
  readonly style?: Style | undefined;
}
export type Line = readonly Span[];

/** How text may be shown where it goes. */
export interface Look {
  /** Colours and weights by escape codes. */
  readonly color: boolean;
  /** The cursor can be moved: what was printed can be replaced. */
  readonly moves: boolean;
  /** Characters beyond ASCII can be shown. */
  readonly unicode: boolean;
  /** How wide a line may be; undefined: as wide as it is, as in a pipe. */
  readonly columns: number | undefined;
}

const DEFAULT_COLUMNS = 80;

/** @returns what standard output can show, by its kind and NO_COLOR, TERM and the locale */
export function lookOf(io: Io): Look {
  const { env, stdout } = io;
  const terminal = stdout.isTerminal && env.TERM !== 'dumb' && env.TERM !== undefined;
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return {
    color: terminal && (env.NO_COLOR ?? '') === '',
    moves: terminal,
    unicode: stdout.isTerminal && /utf-?8/iu.test(locale) && env.TERM !== 'dumb',
    columns: stdout.isTerminal ? (io.terminal?.()?.columns() ?? DEFAULT_COLUMNS) : undefined,
  };
}

/** What a kernel names is printed as it is, but for what a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** Characters that take two cells (East Asian wide and emoji), roughly. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

const widthOfCharacter = (character: string): number => (/\p{M}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

/** @returns how many cells of a terminal a text without control characters takes */
export function widthOf(text: string): number {
  // Most texts are ASCII, and counted thousands of times.
  if (/^[\x20-\x7e]*$/u.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

/** @returns the text filled up with blanks */
export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** @returns what of the text fits */
export function cutText(text: string, width: number, unicode: boolean): string {
  if (widthOf(text) <= width) return text;
  const mark = unicode ? '…' : '~';
  let taken = '';
  let left = width - 1;
  for (const character of text) {
    left -= widthOfCharacter(character);
    if (left < 0) break;
    taken += character;
  }
  return width <= 0 ? '' : taken + mark;
}

/** @returns a line as it is written: cut to the width, with escape codes where these are wanted */
export function formatLine(line: Line, { color, columns, unicode }: Look): string {
  const spans = trimmed(line);
  let left = columns ?? Infinity;
  let whole = '';
  for (const { text, style } of spans) {
    if (left <= 0) break;
    const width = widthOf(text);
    const shown = width <= left ? text : cutText(text, left, unicode);
    left -= width;
    whole += color && style !== undefined && shown !== '' ? `\x1b[${CODES[style]}m${shown}\x1b[0m` : shown;
  }
  return whole;
}

/** Without the blanks at the end, which padding leaves. */
function trimmed(line: Line): Line {
  let end = line.length;
  while (end > 0 && line[end - 1]?.text.trim() === '') end--;
  const last = line[end - 1];
  return last === undefined ? [] : [...line.slice(0, end - 1), { ...last, text: last.text.trimEnd() }];
}

/** @returns the words of a text in lines of at most so many cells */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/u)) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

/**
 * @param columns undefined leaves it whole
 * @param head what the lines after the first begin with
 * @returns a line in lines of at most so many cells, broken at blanks; a word that is longer stays whole
 */
export function folded(line: Line, columns: number | undefined, head: string): readonly Line[] {
  if (columns === undefined || widthOf(line.map(({ text }) => text).join('')) <= columns) return [line];
  const lines: Line[] = [];
  let spans: Span[] = [];
  let width = 0;
  let isBegun = false;
  for (const { text, style } of line)
    for (const part of text.match(/\s+|\S+/gu) ?? []) {
      const isBlank = part.trim() === '';
      if (!isBlank && isBegun && width + widthOf(part) > columns) {
        lines.push(trimmed(spans));
        spans = [{ text: head }];
        width = widthOf(head);
        isBegun = false;
      }
      // Blanks go with what they part.
      if (isBlank && !isBegun && lines.length > 0) continue;
      spans.push({ text: part, style });
      width += widthOf(part);
      isBegun ||= !isBlank;
    }
  return [...lines, trimmed(spans)];
}

/** @returns a line that is never cut: on a terminal it is broken at blanks, and elsewhere it stays one */
export function formatFolded(line: Line, look: Look, head: string): string {
  return folded(line, look.columns, head)
    .map((one) => `${formatLine(one, { ...look, columns: undefined })}\n`)
    .join('');
}

const ELAPSED_WIDTH = 12;

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** @returns such as `12.3 MiB`; whole bytes below 1 KiB */
export function formatBytes(bytes: bigint | number): string {
  const exact = BigInt(bytes);
  if (exact < 1024n) return `${exact} B`;
  let value = Number(exact);
  let unit = 0;
  // What would be rounded up to 1024 is one of the next unit.
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

/** @returns such as `42 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h` */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count], at) => count > 0 || at === 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** @returns a bar of that many cells, of which a part is filled */
export function formatBar(percent: number, cells: number, unicode: boolean): string {
  const filled = Math.min(cells, Math.max(0, Math.floor((percent / 100) * cells)));
  return unicode
    ? `${'█'.repeat(filled)}${'░'.repeat(cells - filled)}`
    : `[${'#'.repeat(Math.max(0, filled - 1))}${filled > 0 ? '>' : ''}${'.'.repeat(cells - filled)}]`;
}

/** @returns hours, minutes and seconds of the day, here */
export function formatClock(time: Date, milliseconds = false): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return milliseconds ? `${clock}.${String(time.getMilliseconds()).padStart(3, '0')}` : clock;
}

/** @returns a time since something began: `0.000`, `12.345`, `1:02.345`, `1:00:02.345`, to the right */
export function formatElapsed(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds % 60).toFixed(3);
  const long = rest.padStart(6, '0');
  const text =
    minutes === 0
      ? rest
      : minutes < 60
        ? `${minutes}:${long}`
        : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${long}`;
  return text.padStart(ELAPSED_WIDTH);
}
