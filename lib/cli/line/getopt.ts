import { UsageError } from '../errors';
import { nearest } from './nearest';
import { quote } from './number';

/** An option of a command. */
export interface OptionSpec {
  /** Long name, without dashes. */
  readonly name: string;
  /** One character. */
  readonly short?: string | undefined;
  readonly argument: 'none' | 'required' | 'optional';
}

/** An option that was given. */
export interface GivenOption<S extends OptionSpec> {
  readonly spec: S;
  /** Its argument; undefined where it has none. */
  readonly value: string | undefined;
}

/** Tells where an option belongs that a command does not have; undefined where that is not known. */
export type Explain = (option: string, command: string) => string | undefined;

/** A command line, taken apart. */
export interface Parsed<S extends OptionSpec> {
  /** In the order in which they were given. */
  readonly options: readonly GivenOption<S>[];
  /** All else, in order. */
  readonly operands: readonly string[];
}

/**
 * Takes a command line apart as getopt_long does: options and operands in any order, `--name value`, `--name=value`,
 * unambiguous beginnings of a long name, `-n value`, `-nvalue`, flags bundled behind one dash, and `--` after which all
 * are operands. An argument may begin with a dash. An optional argument stands in the same word as its option.
 * @param argv without the command's own name
 * @param command is named in errors
 * @param explain tells of options of other commands
 * @throws UsageError (exit code 20)
 */
export function getopt<const S extends OptionSpec>(
  argv: readonly string[],
  specs: readonly S[],
  command: string,
  explain?: Explain,
): Parsed<S> {
  const options: GivenOption<S>[] = [];
  const operands: string[] = [];
  const fail = (problem: string): never => {
    throw new UsageError(`${command}: ${problem}`, { command });
  };
  const hint = (name: string): string => hintOf(name, specs, command, explain);
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--') {
      operands.push(...argv.slice(at + 1));
      break;
    }
    const take = (written: string): string => {
      at++;
      return argv[at] ?? fail(`option ${quote(written)} requires an argument`);
    };
    if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = equals === -1 ? word.slice(2) : word.slice(2, equals);
      const written = `--${name}`;
      const spec = findLong(name, specs, hint, fail);
      const attached = equals === -1 ? undefined : word.slice(equals + 1);
      if (spec.argument === 'none' && attached !== undefined) fail(`option "--${spec.name}" takes no argument`);
      options.push({ spec, value: attached ?? (spec.argument === 'required' ? take(written) : undefined) });
    } else if (word.startsWith('-') && word !== '-') {
      for (let place = 1; place < word.length; place++) {
        const letter = word[place] ?? '';
        const spec =
          specs.find(({ short }) => short === letter) ??
          fail(`unrecognized option ${quote(`-${[...word.slice(place)][0] ?? ''}`)}${hint('')}`);
        if (spec.argument === 'none') {
          options.push({ spec, value: undefined });
          continue;
        }
        const rest = word.slice(place + 1);
        options.push({
          spec,
          value: rest !== '' ? rest : spec.argument === 'required' ? take(`-${letter}`) : undefined,
        });
        break;
      }
    } else {
      operands.push(word);
    }
  }
  return { options, operands };
}

function findLong<S extends OptionSpec>(
  name: string,
  specs: readonly S[],
  hint: (name: string) => string,
  fail: (problem: string) => never,
): S {
  const exact = specs.find((spec) => spec.name === name);
  if (exact !== undefined) return exact;
  const candidates = specs.filter((spec) => spec.name.startsWith(name));
  const [first, ...others] = candidates;
  if (first === undefined) return fail(`unrecognized option ${quote(`--${name}`)}${hint(name)}`);
  // Several names of one and the same option are no ambiguity.
  if (
    others.some(
      (other) => other.short !== first.short || other.short === undefined || other.argument !== first.argument,
    )
  ) {
    return fail(
      `option ${quote(`--${name}`)} is ambiguous; it may be ${candidates.map((spec) => `--${spec.name}`).join(', ')}`,
    );
  }
  return first;
}

/** Where an option belongs that this command does not have; or the nearest that it has; or all that it has. */
function hintOf(name: string, specs: readonly OptionSpec[], command: string, explain: Explain | undefined): string {
  const names = specs.map((spec) => spec.name);
  const elsewhere = name === '' ? undefined : explain?.(name, command);
  if (elsewhere !== undefined) return `; ${elsewhere}`;
  const near = name === '' ? undefined : nearest(name, names);
  if (near !== undefined) return `; there is --${near}`;
  return names.length === 0 ? '; it has none' : `; it has ${names.map((known) => `--${known}`).join(', ')}`;
}
