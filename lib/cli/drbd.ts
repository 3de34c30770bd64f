import { tellMissing, waitOptions } from './context';
import { parseLine, type Command } from './drbd/command';
import { commandNames, commandOf } from './drbd/commands';
import { formatCommandHelp, formatHelp } from './drbd/help';
import { folded } from './drbd/text';
import { EXIT, UsageError } from './errors';
import { globalOptions, parseGlobals } from './globals';
import { endProcess, type Io, type Output } from './io';
import { HELP_WORDS } from './line/help-words';
import { nearest } from './line/nearest';
import { runInContext, telling, tellerOfWords, type MainOptions } from './tool';
import { formatVersion } from './version';

const TOOL = 'drbd';
/** The exit code where no command is named. */
const NO_COMMAND = 2;

/**
 * drbd. May be called any number of times in one process.
 * @param argv the words after the tool's name
 * @returns the exit code
 */
export async function main(argv: readonly string[], io: Io, options: MainOptions = {}): Promise<number> {
  return mainTelling(argv, { ...io, stderr: new FoldedOutput(io.stderr) }, options);
}

const columnsOf = ({ stdout }: Io): number | undefined => (stdout.isTerminal ? stdout.columns : undefined);

/** Breaks lines of text at blanks where a person reads them on a terminal; JSON stays as it is. */
class FoldedOutput implements Output {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  get isTerminal(): boolean {
    return this.#output.isTerminal;
  }

  get columns(): number | undefined {
    return this.#output.columns;
  }

  get closed(): boolean {
    return this.#output.closed;
  }

  get failure(): string | undefined {
    return this.#output.failure;
  }

  write(text: string | Uint8Array): void {
    const columns = typeof text === 'string' && this.isTerminal ? this.columns : undefined;
    this.#output.write(
      typeof text !== 'string' || columns === undefined
        ? text
        : text.replaceAll(/^(?!\{).+$/gmu, (line) =>
            folded([{ text: line }], columns, `${/^ */u.exec(line)?.[0] ?? ''}  `)
              .map((spans) => spans.map((span) => span.text).join(''))
              .join('\n'),
          ),
    );
  }
}

async function mainTelling(argv: readonly string[], io: Io, options: MainOptions): Promise<number> {
  const teller = tellerOfWords(TOOL, argv);
  return telling(teller, io, () => {
    const front = parseGlobals(argv, {});
    const [name, ...words] = front.rest;
    const row = name === undefined ? undefined : commandOf(name);
    if (name !== undefined && row !== undefined) {
      const given = argv.slice(0, argv.length - front.rest.length);
      return runCommand(name, row, words, given, io, options, argv);
    }
    if (name !== undefined && HELP_WORDS.has(name)) return help(words, io);
    if (name === '--version' || name === '-V') {
      io.stdout.write(formatVersion(TOOL, [], teller.json === true));
      return EXIT.ok;
    }
    throw unknownCommand(name);
  });
}

/** @param given the global options before the command */
function runCommand(
  name: string,
  row: Command,
  words: readonly string[],
  given: readonly string[],
  io: Io,
  options: MainOptions,
  argv: readonly string[],
): Promise<number> {
  const plain = tellerOfWords(TOOL, argv);
  // People read the command before the message, programs in a field of its own.
  const teller = { ...plain, command: name, tool: plain.json === true ? TOOL : `${TOOL} ${name}` };
  return telling(teller, io, () => {
    const line = parseLine(name, row, words);
    if (line.help) return help([name], io);
    if (row.standsFor !== undefined)
      return main([...given, ...line.globals, ...row.standsFor(line.words)], io, options);
    const offline = row.offline === true;
    // What is recorded is what commands say to a driver: others would only empty the file.
    const env = offline ? { ...io.env, [globalOptions.record.variable]: undefined } : io.env;
    const { globals } = parseGlobals([...given, ...line.globals], env);
    return runInContext(
      { io, teller, ...options },
      globals,
      async (context) => {
        if (!offline) await context.backend.refresh(waitOptions(context));
        const exit = await row.run({ context, words: line.words, options: line.options as never });
        tellMissing(context);
        return exit;
      },
      // What follows the states asks about each change, however many of them came at once when it was recorded.
      { offline, oneByOne: true },
    );
  });
}

function help([name]: readonly string[], io: Io): number {
  io.stdout.write(
    name === undefined
      ? formatHelp(
          commandNames().map((each) => [each, rowOf(each)]),
          columnsOf(io),
        )
      : formatCommandHelp(name, rowOf(name), columnsOf(io)),
  );
  return EXIT.ok;
}

function rowOf(name: string): Command {
  const row = commandOf(name);
  if (row === undefined) throw unknownCommand(name);
  return row;
}

function unknownCommand(name: string | undefined): UsageError {
  const all = commandNames().join(', ');
  const near = name === undefined ? undefined : nearest(name, commandNames());
  const what =
    name === undefined
      ? `a command is needed; there is ${all}`
      : name.startsWith('-')
        ? `there is no option ${JSON.stringify(name)} before the command`
        : `there is no command ${JSON.stringify(name)}; there is ${near ?? all}`;
  return new UsageError(`${what}. See drbd --help`, { exitCode: NO_COMMAND });
}

/** Runs the program in a process, and ends it. */
export async function runProgram(argv: readonly string[], io: Io): Promise<void> {
  const code = await main(argv, io);
  const row = commandOf(nameIn(argv) ?? '');
  if (row?.server === true && io.ended() !== 'closed pipe') process.exit(code);
  endProcess(code, io);
}

/** @returns the command of a command line; undefined where that makes no sense */
function nameIn(argv: readonly string[]): string | undefined {
  try {
    return parseGlobals(argv, {}).rest[0];
  } catch {
    return undefined;
  }
}
