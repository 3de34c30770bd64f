import type { Context } from '../context';
import { EXIT, UsageError } from '../errors';
import { globalOptions } from '../globals';
import { nearest } from '../line/nearest';

/** What a word or an argument can be completed by, in a shell. */
export type Completes =
  'resource' | 'file' | 'directory' | 'command' | 'code' | 'option' | 'expression' | readonly string[];

export interface OptionRow {
  /** What stands for its argument in help; a flag if absent. */
  readonly argument?: string;
  readonly short?: string;
  /** It may be given more than once. */
  readonly many?: true;
  readonly completes?: Completes;
  readonly doc: string;
}
export type OptionRows = Readonly<Record<string, OptionRow>>;

/** The options of a command line: the text of one that takes an argument, and true for a flag that was given. */
export type Values<O extends OptionRows> = {
  readonly [N in keyof O]: O[N] extends { readonly argument: string }
    ? O[N] extends { readonly many: true }
      ? readonly string[]
      : string | undefined
    : boolean;
};

/** A command as it was called. */
export interface Call<O extends OptionRows = OptionRows> {
  readonly context: Context;
  readonly words: readonly string[];
  readonly options: Values<O>;
}

/** One command: all that is said of it anywhere is made from this. */
export interface Command<O extends OptionRows = OptionRows> {
  /** One line about it. */
  readonly about: string;
  /** Its words, as help has them: `[RESOURCE…]`. */
  readonly words?: string;
  readonly completes?: Completes;
  /** Least and most words; any number if absent. */
  readonly count?: readonly [least: number, most: number];
  readonly options: O;
  /** Paragraphs of help. */
  readonly details?: readonly string[];
  readonly examples?: readonly string[];
  /** Exit codes beside 0 and {@link EXIT.failure}, and what each says. */
  readonly exits?: Readonly<Record<number, string>>;
  /** The exit code of a command line that makes no sense; {@link EXIT.failure} if absent. */
  readonly usageExit?: number;
  /** It serves until it is told to end: that is its end, and no failure. */
  readonly server?: true;
  /** It needs no driver, and no recording. */
  readonly offline?: true;
  /** It stands for another command line of this program, which begins with its second word. */
  readonly standsFor?: (words: readonly string[]) => readonly string[];
  /** @returns the exit code @throws UsageError, and what the client throws: the caller prints it */
  run(call: Call<O>): Promise<number> | number;
}

/** Infers the options of a command from its table. */
export function command<const O extends OptionRows>(row: Command<O>): Command<O> {
  return row;
}

/** Words of a command line that belong to all commands. */
const GLOBALS = new Map(Object.values(globalOptions).map((option) => [option.name as string, option]));

interface Parsed {
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  /** The global options among them, as they stood. */
  readonly globals: readonly string[];
  readonly help: boolean;
}

/**
 * Takes a command line apart. Options may stand anywhere up to `--`; those of the program may stand behind the command
 * too, where it has none of the same name.
 * @throws UsageError that names the nearest option
 */
export function parseLine(name: string, row: Command, argv: readonly string[]): Parsed {
  const words: string[] = [];
  const globals: string[] = [];
  const options: Record<string, string | boolean | string[] | undefined> = {};
  for (const [key, option] of Object.entries(row.options))
    options[key] = option.argument === undefined ? false : option.many === true ? [] : undefined;
  const wrong = (problem: string): UsageError =>
    new UsageError(`${problem}. See drbd ${name} --help`, { exitCode: row.usageExit ?? EXIT.failure });
  let help = false;
  let at = 0;
  const argumentOf = (option: string, given: string | undefined, argument: string): string => {
    const value = given ?? argv[++at];
    if (value === undefined) throw wrong(`${option} requires an argument: ${argument}`);
    return value;
  };
  for (; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--') {
      words.push(...argv.slice(at + 1));
      break;
    }
    if (word === '-' || !word.startsWith('-')) {
      words.push(word);
      if (row.standsFor === undefined || words.length < 2) continue;
      words.push(...argv.slice(at + 1));
      break;
    }
    const [, long, given] = /^--([^=]+)(?:=([\s\S]*))?$/u.exec(word) ?? [];
    const key =
      long ?? Object.entries(row.options).find(([, { short }]) => short !== undefined && word === `-${short}`)?.[0];
    const option = key === undefined ? undefined : ownOption(row.options, key);
    if (key !== undefined && option !== undefined) {
      if (option.argument === undefined) {
        if (given !== undefined) throw wrong(`--${key} takes no argument`);
        options[key] = true;
        continue;
      }
      const value = argumentOf(`--${key}`, given, option.argument);
      const list = options[key];
      if (option.many === true && Array.isArray(list)) list.push(value);
      else options[key] = value;
      continue;
    }
    if (word === '-h' || word === '--help') {
      help = true;
      continue;
    }
    const shared = long === undefined ? undefined : GLOBALS.get(long);
    if (shared === undefined) throw wrong(unknownOption(name, row, word));
    if (!('argument' in shared)) globals.push(word);
    else globals.push(`--${shared.name}=${argumentOf(`--${shared.name}`, given, shared.argument)}`);
  }
  if (!help && row.count !== undefined) {
    const [least, most] = row.count;
    if (words.length < least || words.length > most) {
      const wanted = row.words === undefined ? 'no words' : row.words;
      throw wrong(
        words.length < least
          ? `${name} requires ${wanted}`
          : `${JSON.stringify(words[most] ?? '')} is too much: ${name} takes ${wanted}`,
      );
    }
  }
  return { words, options, globals, help };
}

function ownOption(options: OptionRows, key: string): OptionRow | undefined {
  return Object.hasOwn(options, key) ? options[key] : undefined;
}

function unknownOption(name: string, row: Command, word: string): string {
  const [given = ''] = word.split('=');
  const near = nearest(given.replace(/^-+/u, ''), [...Object.keys(row.options), ...GLOBALS.keys(), 'help']);
  return `${name} has no option ${JSON.stringify(given)}${near === undefined ? '' : `; there is --${near}`}`;
}
