import { UsageError } from '../../errors';
import { takeApart } from '../../line/call';
import { quote } from '../../line/number';
import type { Option } from '../../line/option';
import { formatValue, isDefault, parseValue } from '../../line/value';
import { findCommand, type Argument, type Command, type Vocabulary } from '../../line/vocabulary';
import { absorbs, differences, lacking, renamed, setupOrder, steps, type New, type Old } from './rules';

/** What a command is about, as far as it is known: words of a command line. */
export interface Facts {
  readonly minor?: string | undefined;
  readonly resource?: string | undefined;
  readonly volume?: string | undefined;
  readonly nodeId?: string | undefined;
  readonly peerNodeId?: string | undefined;
  readonly peerName?: string | undefined;
  readonly local?: string | undefined;
  readonly remote?: string | undefined;
}

/** What stands for a fact that is not known, and the option that gives it. */
export const PLACEHOLDERS: Readonly<Record<keyof Facts, readonly [word: string, option: string]>> = {
  minor: ['MINOR', '--minor'],
  resource: ['RESOURCE', '--resource'],
  volume: ['VOLUME', '--volume'],
  nodeId: ['NODE_ID', '--node-id'],
  peerNodeId: ['PEER_NODE_ID', '--peer-node-id'],
  peerName: ['PEER_NAME', '--peer-name'],
  local: ['LOCAL', '--local'],
  remote: ['REMOTE', '--remote'],
};

/** Which fact an argument is, by its field. */
const FACTS: Readonly<Record<string, keyof Facts>> = {
  minor: 'minor',
  ctx_resource_name: 'resource',
  ctx_volume: 'volume',
  node_id: 'nodeId',
  ctx_peer_node_id: 'peerNodeId',
  my_addr: 'local',
  ctx_my_addr: 'local',
  peer_addr: 'remote',
  ctx_peer_addr: 'remote',
};
const factOf = ({ into, field }: Argument): keyof Facts | undefined => (into === 'header' ? 'minor' : FACTS[field]);

/** A command of the older generation, taken apart. */
export interface Source {
  readonly command: Command;
  /** It is about all there is. */
  readonly all: boolean;
  readonly facts: Facts;
  /** Its other arguments, by field. */
  readonly words: Readonly<Record<string, string>>;
  /** Values of options by name; the argument of an option without a field. */
  readonly options: ReadonlyMap<string, unknown>;
  readonly creates: boolean;
  readonly setsDefaults: boolean;
}

export interface Translated {
  readonly argv: readonly string[];
  /** It creates what may be there already. */
  readonly ifMissing: boolean;
}

export interface Translation {
  readonly commands: readonly Translated[];
  /** Defaults that differ, of what was left at its default. */
  readonly defaults: readonly { readonly option: string; readonly before: string; readonly after: string }[];
  /** What the later generation does not have. */
  readonly lacking: readonly { readonly what: string; readonly why: string }[];
  /** Words that stand for what was not said, and the options that say it. */
  readonly needed: readonly { readonly word: string; readonly option: string }[];
  readonly notes: readonly string[];
}

export interface Directions {
  readonly from: Old;
  readonly to: New;
  /** Of the later generation. */
  readonly vocabulary: Vocabulary;
  readonly facts: Facts;
  /** Defaults of the older generation are said where they differ. */
  readonly keepDefaults: boolean;
  readonly reveal: boolean;
}

const RULES = {
  tooLong: undefined,
  words: () => undefined,
  beyondRange: () => undefined,
  address: () => Promise.reject(new TypeError('addresses are left as they are')),
};

/**
 * Takes a command line of drbdsetup apart, by the words of its generation.
 * @param argv with or without the name of the program
 * @throws UsageError
 */
export async function readSource(argv: readonly string[], { manner, ...vocabulary }: Vocabulary): Promise<Source> {
  const [first = '', second = '', ...rest] = /(?:^|\/)drbdsetup(?:-8[34])?$/u.test(argv[0] ?? '')
    ? argv.slice(1)
    : argv;
  const found = (name: string): Command | undefined => findCommand({ manner, ...vocabulary }, name);
  // Both orders are understood: the command first, or the device.
  const [command, words] =
    manner.first === 'device' || found(first) === undefined
      ? ([found(second) ?? found(first), found(second) === undefined ? [second, ...rest] : [first, ...rest]] as const)
      : ([found(first), [second, ...rest]] as const);
  if (command === undefined)
    throw new UsageError(`there is no command ${quote(manner.first === 'device' ? second : first)} in drbdsetup`);
  const { options: given, operands } = takeApart(command, second === '' ? [] : words, {});
  const facts: { -readonly [N in keyof Facts]: string } = {};
  const more: Record<string, string> = {};
  const [object, ...after] = command.object.length === 0 ? [undefined, ...operands] : operands;
  const all = object === 'all' || (object === undefined && command.object.includes('all'));
  if (object !== undefined && !all) {
    const [, minor] = /^(?:\/dev\/drbd|minor-)?(\d+)$/u.exec(object) ?? [];
    if (command.object.includes('minor') && minor !== undefined) facts.minor = minor;
    else if (command.object.includes('resource')) facts.resource = object;
    else throw new UsageError(`${command.name}: ${quote(object)} is not a minor; expected /dev/drbdN or N`);
  } else if (object === undefined && command.object.length > 0 && !all)
    throw new UsageError(`${command.name}: the first argument, a ${command.object.join(' or a ')}, is missing`);
  if (after.length > command.arguments.length)
    throw new UsageError(`${command.name}: excess arguments: ${after.slice(command.arguments.length).join(' ')}`);
  for (const [at, argument] of command.arguments.entries()) {
    const word = after[at];
    if (word === undefined) throw new UsageError(`${command.name}: the argument ${argument.name} is missing`);
    const fact = factOf(argument);
    if (fact === undefined) more[argument.field] = word;
    else facts[fact] = fact === 'minor' ? word.replace(/^\/dev\/drbd/u, '') : word;
  }
  const options = new Map<string, unknown>();
  let creates = false;
  let setsDefaults = false;
  for (const { spec, value } of given) {
    const { option, param } = spec;
    if (param === 'createDevice') creates = true;
    else if (param === 'setDefaults') setsDefaults = true;
    else if (option === undefined) options.set(spec.name, value ?? '');
    else {
      const text = spec.negates === true ? 'no' : value;
      const what = `${command.name}: option --${option.name}`;
      options.set(option.name, option.kind === 'address' ? text : await parseValue(option, text, what, RULES));
    }
  }
  const protocol = command.arguments.find(({ field }) => field === 'wire_protocol');
  if (protocol !== undefined) {
    const { table } = protocol;
    const value = await parseValue(
      { kind: 'word', table, scale: '1', anyCase: true },
      more['wire_protocol'],
      `${command.name}: ${protocol.name}`,
      RULES,
    );
    options.set('protocol', table.names?.[Number(value)]);
  }
  return { command, all, facts, words: more, options, creates, setsDefaults };
}

/** The option of a later generation that an older one became, and the command that has it. */
interface Place {
  readonly command: Command;
  readonly option: Option;
  /** It says the contrary. */
  readonly isContrary: boolean;
}

class Translator {
  readonly #to: Vocabulary;
  readonly #directions: Directions;
  readonly #defaults: { option: string; before: string; after: string }[] = [];
  readonly #lacking = new Map<string, string>();
  readonly #needed = new Map<string, string>();
  readonly #notes = new Set<string>();
  readonly #commands: { command: Command; about: Facts; argv: string[]; ifMissing: boolean; options: string[] }[] = [];

  constructor(directions: Directions) {
    this.#directions = directions;
    this.#to = directions.vocabulary;
  }

  /** What it became goes behind what others became. */
  take(source: Source): void {
    const { from, to } = this.#directions;
    const { name } = source.command;
    const own = findCommand(this.#to, name);
    const names = steps[from][to]?.[name] ?? (own === undefined ? [] : [own.name]);
    const wanted = names
      .map((step) => ({ mark: step[0], command: findCommand(this.#to, step.replace(/^[+?]/u, '')) }))
      .filter((step): step is { mark: string; command: Command } => step.command !== undefined);
    if (wanted.length === 0) {
      this.#lack(name, lacking[name]);
      return;
    }
    const places = wanted.filter(({ mark }) => mark !== '+').map(({ command }) => command);
    const options = this.#optionsOf(source, places);
    for (const { mark, command } of wanted) {
      const own = options.get(command) ?? [];
      if (source.setsDefaults && command.name === name && command.flags.length > 0) own.unshift('--set-defaults');
      if (mark === '?' && own.length === 0) continue;
      const ifMissing = mark === '+';
      const note = differences[to]?.[command.name];
      if (note !== undefined && !(command.name === 'down' && from !== 'connector' && to === 'genl1'))
        this.#notes.add(note);
      this.#commands.push({
        command,
        about: source.facts,
        argv: this.#words(command, source),
        ifMissing,
        options: own,
      });
    }
    if (source.setsDefaults && !places.every((each) => each.name === name || !/-options$/u.test(each.name)))
      this.#notes.add('--set-defaults is left out where it would set back options of other commands too.');
  }

  #lack(what: string, why = 'there is nothing like it'): void {
    this.#lacking.set(what, why);
  }

  #place(name: string, places: readonly Command[]): Place | undefined {
    const now = renamed[name] ?? name;
    const plain = now.replace(/^!/u, '');
    for (const command of places) {
      const option = command.options.find((each) => each.name === plain);
      if (option !== undefined) return { command, option, isContrary: now !== plain };
    }
    return undefined;
  }

  /** @returns the words of options by the command that they go to */
  #optionsOf({ command: old, options }: Source, places: readonly Command[]): Map<Command, string[]> {
    const words = new Map<Command, string[]>();
    const add = (command: Command, word: string): void => {
      words.set(command, [...(words.get(command) ?? []), word]);
    };
    const known = new Set(old.options.map(({ name }) => name));
    for (const [name, value] of options) {
      const option = old.options.find((each) => each.name === name);
      const place = this.#place(name, places);
      if (place !== undefined) {
        const text = this.#optionText(place, option, value);
        if (text !== undefined) add(place.command, text);
      } else if (name !== 'all-devices' && name !== 'json') {
        const command = known.has(name)
          ? undefined
          : places.find(({ plain }) => plain.some((each) => each.name === name));
        if (command !== undefined) add(command, value === '' ? `--${name}` : `--${name}=${String(value)}`);
        else this.#lack(`${old.name} --${name}`, lacking[`--${name}`]);
      }
    }
    for (const option of old.options) {
      if (options.has(option.name)) continue;
      const place = this.#place(option.name, places);
      const before = place === undefined ? undefined : textOf(option, defaultValue(option), place.isContrary);
      const after = place === undefined ? undefined : textOf(place.option, defaultValue(place.option), false);
      if (place === undefined || before === undefined || after === undefined || before === after) continue;
      if (this.#directions.keepDefaults) add(place.command, `--${place.option.name}=${before}`);
      else if (!this.#defaults.some((each) => each.option === place.option.name))
        this.#defaults.push({ option: place.option.name, before, after });
    }
    return words;
  }

  #optionText({ option, isContrary }: Place, old: Option | undefined, value: unknown): string | undefined {
    const { name, table, kind } = option;
    if (table.secret === true && !this.#directions.reveal) {
      // A word that could be taken for the secret would be sent as one.
      this.#needed.set('SECRET', '--reveal');
      return `--${name}=SECRET`;
    }
    const text = old === undefined ? String(value) : textOf(old, value, isContrary);
    if (text === undefined) return undefined;
    if (kind === 'flag' || kind === 'switch') return text === 'yes' ? `--${name}` : undefined;
    if (kind === 'word' && !Object.values(table.names ?? {}).includes(text)) {
      this.#lack(
        `--${old?.name ?? name}=${text}`,
        `--${name} takes one of ${Object.values(table.names ?? {}).join(', ')}`,
      );
      return undefined;
    }
    const { min, max } = table;
    const isNumber = typeof value === 'number' || typeof value === 'bigint';
    if (kind === 'number' && isNumber && ((min !== undefined && value < min) || (max !== undefined && value > max))) {
      this.#lack(`--${old?.name ?? name}=${text}`, `the range of --${name} is ${String(min)} to ${String(max)}`);
      return undefined;
    }
    return `--${name}=${text}`;
  }

  #fact(name: keyof Facts, { facts }: Source): string {
    const known = facts[name] ?? this.#directions.facts[name];
    if (known !== undefined) return known;
    // A resource of 8.3 has one volume.
    if (name === 'volume' && this.#directions.from === 'connector') return '0';
    const [word, option] = PLACEHOLDERS[name];
    this.#needed.set(word, option);
    return word;
  }

  #words(command: Command, source: Source): string[] {
    const { object } = command;
    const all = (source.all || source.options.has('all-devices')) && object.includes('all');
    const about = all
      ? ['all']
      : object.includes('minor') && (source.facts.minor !== undefined || !object.includes('resource'))
        ? [this.#fact('minor', source)]
        : object.length > 0
          ? [this.#fact('resource', source)]
          : [];
    const words = command.arguments.map((argument) => {
      const fact = factOf(argument);
      return fact === undefined ? (source.words[argument.field] ?? argument.name) : this.#fact(fact, source);
    });
    const name = command.options.some((option) => option.name === '_name') && command.name === 'new-peer';
    return [command.name, ...about, ...words, ...(name ? [`--_name=${this.#fact('peerName', source)}`] : [])];
  }

  /** @param whole all commands that set something up: they are put in order, and what creates takes in what follows */
  finish(whole: boolean): Translation {
    let commands = this.#commands;
    if (whole) {
      const rank = (name: string): number => setupOrder.indexOf(name);
      commands = [...commands].sort((a, b) => rank(a.command.name) - rank(b.command.name));
      for (const command of [...commands]) {
        const taker = commands.find(
          ({ command: { name, options }, about }) =>
            name === absorbs[this.#directions.to][command.command.name] &&
            about.resource === command.about.resource &&
            (name !== 'attach' || about.minor === command.about.minor) &&
            command.options.every((word) => options.some((each) => word.startsWith(`--${each.name}=`))),
        );
        if (taker === undefined) continue;
        for (const word of command.options) {
          const [name = ''] = word.split('=');
          const other = taker.options.find((each) => each.startsWith(`${name}=`));
          if (other === undefined) taker.options.push(word);
          else if (other !== word) this.#lack(word, `${taker.command.name} has ${other} already, and takes one`);
        }
        commands = commands.filter((each) => each !== command);
      }
    }
    const lines = new Map<string, Translated>();
    for (const { argv, options, ifMissing } of commands) {
      const line = [...argv, ...options];
      if (!lines.has(argv.join('\0')) || !ifMissing)
        lines.set((ifMissing ? argv : line).join('\0'), { argv: line, ifMissing });
    }
    return {
      commands: [...lines.values()],
      defaults: this.#defaults,
      lacking: [...this.#lacking].map(([what, why]) => ({ what, why })),
      needed: [...this.#needed].map(([word, option]) => ({ word, option })),
      notes: [...this.#notes],
    };
  }
}

function defaultValue({ kind, table }: Option): unknown {
  return kind === 'switch' || kind === 'flag' ? false : table.default;
}

/** @returns a value as a command line says it; undefined where there is none to say */
function textOf(option: Option, value: unknown, isContrary: boolean): string | undefined {
  if (value === undefined) return undefined;
  return formatValue(option, isContrary ? value !== true : value);
}

/** @returns whether an option has the value that it has where nobody says otherwise */
export function isAtDefault(command: Command, name: string, value: unknown): boolean {
  const option = command.options.find((each) => each.name === name);
  return option !== undefined && option.kind !== 'switch' && isDefault(option, value);
}

/**
 * @param sources commands of the older generation
 * @param whole they are all that sets something up
 */
export function translateAll(sources: readonly Source[], directions: Directions, whole: boolean): Translation {
  const translator = new Translator(directions);
  for (const source of sources) translator.take(source);
  return translator.finish(whole);
}
