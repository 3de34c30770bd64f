import { whenAborted } from '../session';
import { tellerOf, type Context } from './context';
import { EXIT, formatError, UsageError } from './errors';
import { exitCodeOfEnd, type Io, type Output } from './io';
import { redactWords, secretMask } from './line/secrets';
import { quote } from './line/number';

/** Keeps what is written to it. */
class Capture implements Output {
  readonly isTerminal = false;
  readonly closed = false;
  readonly #parts: Uint8Array[] = [];

  write(text: string | Uint8Array): void {
    this.#parts.push(typeof text === 'string' ? Buffer.from(text) : text);
  }

  get text(): string {
    return Buffer.concat(this.#parts).toString('utf8');
  }
}

export { redactWords };

/**
 * Takes a line apart: a JSON array of strings, or words between white space, with single and double quotes and
 * backslashes as in a shell.
 * @throws UsageError
 */
export function splitWords(line: string): readonly string[] {
  const text = line.trim();
  if (text.startsWith('[')) {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      // What V8 says of it repeats the text, secrets and all.
      throw new UsageError('a line that begins with [ has to be a JSON array of strings');
    }
    if (!Array.isArray(value) || !value.every((word) => typeof word === 'string'))
      throw new UsageError('a JSON array of strings is needed');
    return value as string[];
  }
  const words: string[] = [];
  let word: string | undefined;
  let quoted: '"' | "'" | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quoted !== undefined) {
      if (character === quoted) quoted = undefined;
      else if (character === '\\' && quoted === '"' && (text[at + 1] === '"' || text[at + 1] === '\\'))
        word = (word ?? '') + (text[++at] ?? '');
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quoted = character;
      word ??= '';
    } else if (character === '\\' && at + 1 < text.length) {
      word = (word ?? '') + (text[++at] ?? '');
    } else if (/\s/u.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quoted !== undefined)
    throw new UsageError(
      `the quote ${quoted} is not closed in ${quote(redactWords([...words, word ?? '']).join(' '))}`,
    );
  if (word !== undefined) words.push(word);
  return words;
}

async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

/**
 * Runs the commands on standard input, one a line, in one process and over one client; empty lines and those that begin
 * with # are skipped. After each, one line of JSON: line number, the words (no secrets), exit code, standard output and
 * error.
 * @param run runs one command
 * @returns the exit code of the first command that failed; else that of the signal that ended it before the input was
 *   over, or 20 if nobody reads the results; 0 otherwise
 */
export async function runBatch(
  context: Context,
  run: (words: readonly string[], io: Io) => Promise<number>,
): Promise<number> {
  const { io } = context;
  const ending = io.endSignal();
  let stop = (): void => undefined;
  const ended = new Promise<undefined>((resolve) => {
    stop = whenAborted(ending, () => {
      resolve(undefined);
    });
  });
  const lines = linesOf(io.stdin())[Symbol.asyncIterator]();
  let first = 0;
  try {
    for (let number = 1; ; number++) {
      const next = ending.aborted || io.stdout.closed ? undefined : await Promise.race([lines.next(), ended]);
      if (next === undefined) return first !== 0 ? first : exitCodeOfEnd(ending.reason) || EXIT.failure;
      if (next.done === true) return first;
      const line = next.value;
      if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
      const stdout = new Capture();
      const stderr = new Capture();
      let words: readonly string[] = [];
      let exit: number;
      try {
        words = splitWords(line);
        exit = await run(words, { ...io, env: io.env, stdout, stderr, stdin: noInput, endSignal: () => ending });
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        exit = error.exitCode;
        stderr.write(formatError(error, { ...tellerOf(context), mask: secretMask(words) }));
      }
      if (first === 0) first = exit;
      io.stdout.write(
        `${JSON.stringify({ line: number, argv: redactWords(words), exit, stdout: stdout.text, stderr: stderr.text })}\n`,
      );
    }
  } finally {
    stop();
  }
}

/** Standard input belongs to the batch. */
async function* noInput(): AsyncIterable<Uint8Array> {
  // Nothing.
}
