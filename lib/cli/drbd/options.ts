import type { Dialect } from '../../drbd';
import type { AnyField } from '../../schema';
import { objectNames, optionsOf, type ObjectName, type Option } from '../../model';
import { EXIT, UsageError } from '../errors';
import { generationNames } from '../drbdsetup/text/other-generations';
import { nearest } from '../line/nearest';
import { quote } from '../line/number';
import { command } from './command';
import { formatLine, lookOf, padded, wrapped, type Line } from './text';

const dialects = Object.keys(generationNames) as Dialect[];

/** An option in one dialect, as the tables have it. */
export interface OptionFacts {
  readonly name: string;
  readonly object: ObjectName;
  readonly dialect: Dialect;
  /** As the kernel's tables name it. */
  readonly field: string;
  readonly type: string;
  readonly unit: string | null;
  readonly min: number | string | null;
  readonly max: number | string | null;
  readonly default: number | string | boolean | null;
  /** The words that it may be. */
  readonly words: readonly string[] | null;
  readonly since: string | null;
  readonly until: string | null;
  readonly secret: boolean;
  readonly doc: string;
}

const plain = <T>(value: T | bigint | undefined): Exclude<T, undefined> | string | null =>
  value === undefined ? null : typeof value === 'bigint' ? value.toString() : (value as Exclude<T, undefined>);

/** @returns the default of an option as its values are written: the word, where it has one; null where none is known */
export function defaultOf({ about }: Pick<Option, 'about'>): number | string | boolean | null {
  const { default: standard, names } = about;
  const word = typeof standard === 'number' ? names?.[standard] : undefined;
  return word ?? plain<number | string | boolean | undefined>(standard);
}

/** What a field says of itself. */
export type FieldFacts = Omit<OptionFacts, 'name' | 'object' | 'dialect' | 'field'>;

/** @returns the facts of a field */
export function factsOfField(about: AnyField): FieldFacts {
  const { kind, unit, min, max, names, since, until, secret, doc } = about;
  return {
    type: names !== undefined ? 'word' : kind === 'flag' ? 'yes or no' : kind === 'string' ? 'text' : 'number',
    unit: unit ?? null,
    min: plain<number | undefined>(min),
    max: plain<number | undefined>(max),
    default: defaultOf({ about }),
    words: names === undefined ? null : Object.values(names),
    since: since ?? null,
    until: until ?? null,
    secret: secret === true,
    doc,
  };
}

const factsOf = (dialect: Dialect, object: ObjectName, { name, field, about }: Option): OptionFacts => ({
  name,
  object,
  dialect,
  field,
  ...factsOfField(about),
});

/** @returns every option of every object in every dialect */
export function allOptions(): readonly OptionFacts[] {
  return dialects.flatMap((dialect) =>
    objectNames.flatMap((object) => optionsOf(dialect, object).map((option) => factsOf(dialect, object, option))),
  );
}

/** @returns a name as it is compared: `max_buffers`, `max-buffers` and `maxBuffers` are one */
const flat = (name: string): string => name.replaceAll(/[-_]/gu, '').toLowerCase();

export const options = command({
  about: 'the options that can be set, from the tables of each generation',
  words: '[NAME…]',
  completes: 'option',
  options: {},
  details: [
    'Of each option: the object that it belongs to, its range, default and unit in each generation of DRBD, and the release that brought it. NAME may be written as JSON has it (maxBuffers), as drbdsetup does (max-buffers) or as the kernel does. --dialect leaves one generation.',
  ],
  examples: ['drbd options', 'drbd options max-buffers', "drbd options --json | jq -r '.options[].name'"],
  offline: true,
  run: ({ context, words }) => {
    const { io, globals } = context;
    const all = allOptions().filter(({ dialect }) => globals.dialect === undefined || dialect === globals.dialect);
    for (const word of words) requireKnown(word, all);
    const wanted = new Set(words.map(flat));
    const found =
      wanted.size === 0 ? all : all.filter(({ name, field }) => wanted.has(flat(name)) || wanted.has(flat(field)));
    if (globals.json) io.stdout.write(`${JSON.stringify({ schemaVersion: 1, options: found }, null, 2)}\n`);
    else {
      const look = lookOf(io);
      io.stdout.write(
        linesOf(found, look.columns ?? 100)
          .map((line) => `${formatLine(line, look)}\n`)
          .join(''),
      );
    }
    return EXIT.ok;
  },
});

function requireKnown(word: string, all: readonly OptionFacts[]): void {
  if (all.some(({ name, field }) => flat(name) === flat(word) || flat(field) === flat(word))) return;
  const near = nearest(word, new Set(all.flatMap(({ name, field }) => [name, field.replaceAll('_', '-')])));
  throw new UsageError(
    `there is no option ${quote(word)}${near === undefined ? '. "drbd options" lists all' : `; there is ${near}`}`,
    { code: 'ERR_DRBD_NOT_FOUND' },
  );
}

/** @returns range, default and release in words */
export function rangeText({
  type,
  words,
  min,
  max,
  unit,
  default: standard,
  since,
  until,
  secret,
}: FieldFacts): string {
  const range =
    words !== null
      ? words.join(', ')
      : min === null && max === null
        ? type
        : `${min ?? ''} to ${max ?? ''}${unit === null ? '' : ` ${unit}`}`;
  return [
    range,
    standard === null
      ? ''
      : `default ${standard === true ? 'yes' : standard === false ? 'no' : standard === '' ? 'none' : standard}`,
    since === null ? '' : `since ${since}`,
    until === null ? '' : `until ${until}`,
    secret ? 'a secret' : '',
  ]
    .filter((part) => part !== '')
    .join('; ');
}

function linesOf(found: readonly OptionFacts[], columns: number): readonly Line[] {
  const width = Math.min(columns, 120);
  const lines: Line[] = [];
  const byName = new Map<string, OptionFacts[]>();
  for (const option of found) {
    const key = `${option.object} ${option.name}`;
    byName.set(key, [...(byName.get(key) ?? []), option]);
  }
  for (const group of [...byName.values()].sort(([a], [b]) => (a?.name ?? '').localeCompare(b?.name ?? '', 'en'))) {
    const [first] = group;
    if (first === undefined) continue;
    lines.push([
      { text: first.name, style: 'bold' },
      { text: `  ${first.object}`, style: 'dim' },
    ]);
    for (const text of wrapped(first.doc, width - 2)) lines.push([{ text: `  ${text}` }]);
    for (const option of group)
      for (const [at, text] of wrapped(rangeText(option), width - 14).entries())
        lines.push([
          { text: `    ${padded(at === 0 ? generationNames[option.dialect] : '', 10)}`, style: 'dim' },
          { text },
        ]);
  }
  return lines;
}
