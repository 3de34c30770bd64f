import { conditionWords } from '../../../model';
import { globalOptions } from '../../globals';
import { HELP_WORDS } from '../../line/help-words';
import { wordsOf, type Option } from '../../line/option';
import { findCommand, type Argument, type Vocabulary, type Command as SetupCommand } from '../../line/vocabulary';
import type { Command, Completes, OptionRow } from '../command';

/** What a word may become. A word that ends in `=`, `:` or `,` is not at its end. */
export interface Candidate {
  readonly word: string;
  readonly about?: string;
}

/** What the last word of a command line may become; files and directories are the shell's. */
export type Completion = readonly Candidate[] | 'file' | 'directory';

/** What a command line is completed by. */
export interface Source {
  readonly names: readonly string[];
  command(name: string): Command | undefined;
  /** Names of codes and states; names of options. */
  readonly codes: () => readonly string[];
  readonly options: () => readonly string[];
  /** What exists now, as far as it can be told quickly. */
  resources(): Promise<readonly string[]>;
  minors(): Promise<readonly string[]>;
  /** The words of drbdsetup, of the dialect that is named or spoken. */
  vocabulary(dialect: string | undefined): Promise<Vocabulary>;
}

const NOTHING: Completion = [];
const plain = (words: readonly string[]): readonly Candidate[] => words.map((word) => ({ word }));

interface Flag extends Candidate {
  /** It takes an argument, which is completed by this. */
  readonly argument?: { readonly completes?: Completes | undefined; readonly own?: true };
}

const flagOf = (name: string, { argument, completes, doc }: OptionRow): Flag => ({
  word: `--${name}`,
  about: doc,
  ...(argument === undefined ? {} : { argument: { completes } }),
});

const GLOBALS: readonly Flag[] = Object.values(globalOptions).map((option) => flagOf(option.name, option));
const HELP: readonly Flag[] = [{ word: '--help', about: 'Explain, and do nothing.' }];
const VERSION: readonly Flag[] = [{ word: '--version', about: 'Print the version.' }];

/** A command line, up to the word that is being written. */
class Line {
  readonly last: string;
  readonly #before: readonly string[];
  readonly #source: Source;

  constructor(words: readonly string[], source: Source) {
    this.last = words.at(-1) ?? '';
    this.#before = words.slice(0, -1);
    this.#source = source;
  }

  /** @returns where the first word that is none of these options stands, and what is asked of their arguments */
  skip(flags: readonly Flag[]): { readonly at: number; readonly values: ReadonlyMap<string, string> } {
    const values = new Map<string, string>();
    let at = 0;
    for (; at < this.#before.length; at++) {
      const word = this.#before[at] ?? '';
      if (!word.startsWith('-')) break;
      const [name = '', value] = word.split('=', 2);
      const flag = flags.find((candidate) => candidate.word === name);
      if (flag?.argument === undefined || value !== undefined) values.set(name, value ?? '');
      else values.set(name, this.#before[++at] ?? '');
    }
    return { at, values };
  }

  from(at: number): readonly string[] {
    return this.#before.slice(at);
  }

  /** Completes options, and their arguments; undefined where the word is neither. */
  async options(flags: readonly Flag[], at: number): Promise<Completion | undefined> {
    const before = this.#before.slice(at);
    if (before.includes('--')) return undefined;
    const previous = flags.find(({ word }) => word === before.at(-1));
    if (previous?.argument !== undefined && previous.argument.own !== true)
      return this.argument(previous.argument.completes);
    const [, name, value] = /^(--[^=]+)=(.*)$/u.exec(this.last) ?? [];
    if (name !== undefined && value !== undefined) {
      const flag = flags.find(({ word }) => word === name);
      const found = await this.argument(flag?.argument?.completes, value);
      return typeof found === 'string' ? found : found.map((each) => ({ ...each, word: `${name}=${each.word}` }));
    }
    if (!this.last.startsWith('-')) return undefined;
    return flags.map(({ word, about, argument }) => ({
      word: argument?.own === true ? `${word}=` : word,
      ...(about === undefined ? {} : { about }),
    }));
  }

  async argument(completes: Completes | undefined, text = this.last): Promise<Completion> {
    if (typeof completes === 'object') return plain(completes);
    switch (completes) {
      case undefined:
        return NOTHING;
      case 'file':
      case 'directory':
        return completes;
      case 'command':
        return this.#source.names.map((word) => ({ word, about: this.#source.command(word)?.about ?? '' }));
      case 'code':
        return plain(this.#source.codes());
      case 'option':
        return plain(this.#source.options());
      case 'resource':
        return plain(await this.#source.resources());
      case 'expression': {
        const [, choice] = /^(resource|minor)=/u.exec(text) ?? [];
        if (choice === undefined) return plain(conditionWords(text));
        const known = choice === 'resource' ? await this.#source.resources() : await this.#source.minors();
        return plain(known.map((word) => `${choice}=${word}`));
      }
    }
  }
}

/** @returns what the last of the words behind `drbd` may become */
export async function completeDrbd(words: readonly string[], source: Source): Promise<Completion> {
  const line = new Line(words, source);
  const { at } = line.skip(GLOBALS);
  const [name, ...rest] = line.from(at);
  if (name === undefined)
    return (await line.options([...GLOBALS, ...HELP, ...VERSION], 0)) ?? (await line.argument('command'));
  if (HELP_WORDS.has(name)) return rest.length === 0 ? line.argument('command') : NOTHING;
  const row = source.command(name);
  if (row === undefined) return NOTHING;
  const own = Object.entries(row.options).flatMap(([key, option]) => {
    const flag = flagOf(key, option);
    return option.short === undefined ? [flag] : [flag, { ...flag, word: `-${option.short}` }];
  });
  const flags = [...own, ...GLOBALS.filter(({ word }) => own.every((flag) => flag.word !== word)), ...HELP];
  const completion = await line.options(flags, at + 1);
  if (completion !== undefined) return completion;
  const given = rest.filter((word) => !word.startsWith('-')).length;
  return row.count !== undefined && given >= row.count[1] ? NOTHING : line.argument(row.completes);
}

const valuesOf = ({ kind, table }: Option): readonly string[] =>
  kind === 'boolean' || kind === 'flag' ? ['yes', 'no'] : wordsOf(table).map(([, word]) => word);

/** The options of a command of drbdsetup. An argument stands behind `=`, as its help has it. */
function flagsOf({ options, plain: others, flags }: SetupCommand): readonly Flag[] {
  const own = true;
  return [
    ...options.map((option): Flag => {
      const about = { word: `--${option.name}`, about: option.table.doc };
      return option.argument === 'none' ? about : { ...about, argument: { completes: valuesOf(option), own } };
    }),
    ...others
      .filter(({ old }) => old !== true)
      .map(({ name, argument, words, doc }): Flag => {
        const about = { word: `--${name}`, about: doc };
        return argument === 'none' ? about : { ...about, argument: { completes: words ?? [], own } };
      }),
    ...flags.map(({ name, doc }): Flag => ({ word: `--${name}`, about: doc })),
    ...(options.some(({ table }) => table.secret === true)
      ? [flagOf(globalOptions.sharedSecretFile.name, globalOptions.sharedSecretFile)]
      : []),
  ];
}

/** @returns what the last of the words behind `drbdsetup` may become */
export async function completeDrbdsetup(words: readonly string[], source: Source): Promise<Completion> {
  const line = new Line(words, source);
  const { at, values } = line.skip(GLOBALS);
  const vocabulary = await source.vocabulary(values.get('--dialect'));
  const { commands, manner } = vocabulary;
  const before = line.from(at);
  const names = commands.map(({ name, doc }) => ({ word: name, about: doc }));
  const [first] = before;
  if (first === undefined) {
    const options = await line.options([...GLOBALS, ...HELP, ...VERSION], 0);
    if (options !== undefined) return options;
    const others = plain(['help', manner.xml, 'batch']);
    return manner.first === 'command' ? [...names, ...others] : [...plain(await source.minors()), ...others];
  }
  if (HELP_WORDS.has(first) || first === manner.xml) return before.length === 1 ? names : NOTHING;
  const command = before.slice(0, 2).flatMap((word) => findCommand(vocabulary, word) ?? [])[0];
  if (command === undefined) return before.length === 1 ? names : NOTHING;
  const options = await line.options([...flagsOf(command), ...HELP], at);
  if (options !== undefined) return options;
  const place = before.filter((word) => !word.startsWith('-')).length - 1;
  const { object } = command;
  if (object.length > 0 && place === 0) {
    const minors = object.includes('minor') ? await source.minors() : [];
    const resources = object.includes('resource') ? await source.resources() : [];
    return plain([...resources, ...minors, ...(object.includes('all') ? ['all'] : [])]);
  }
  const argument = command.arguments[place - (object.length > 0 ? 1 : 0)];
  return argument === undefined ? NOTHING : completeArgument(argument, source);
}

async function completeArgument({ kind, table }: Argument, source: Source): Promise<Completion> {
  switch (kind) {
    case 'resource':
      return plain(await source.resources());
    case 'minor':
      return plain(await source.minors());
    case 'block device':
      return 'file';
    case 'metadata index':
      return plain(wordsOf(table).map(([, word]) => word));
    case 'word':
      return plain(wordsOf(table).map(([, word]) => word));
    case 'number':
    case 'address':
      return NOTHING;
  }
}
