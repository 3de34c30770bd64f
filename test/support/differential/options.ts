import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** An option of a command, as `xml-help` describes it. */
export interface OptionTable {
  readonly name: string;
  readonly type: 'numeric' | 'boolean' | 'handler' | 'string' | 'flag' | 'address';
  readonly min?: bigint;
  readonly max?: bigint;
  readonly default?: string;
  /** The unit of a bare number: `1`, `s` for sectors, `k` for KiB. */
  readonly unit?: string;
  /** Words of a handler. */
  readonly words: readonly string[];
}

export interface CommandTable {
  readonly name: string;
  readonly arguments: readonly string[];
  readonly options: readonly OptionTable[];
}

const PROJECT = join(__dirname, '../../../..');

/** Where the packages of drbd-utils are unpacked on this machine; its programs run here as well as in the guest. */
export function drbdUtils(): string {
  return execFileSync(join(PROJECT, 'scripts/kernel'), ['path', 'drbd-utils'], { encoding: 'utf8' }).trim();
}

/** The words of handlers that hold without the option; for the others it is the first one. */
const STANDARD_WORD: Readonly<Record<string, string>> = { 'on-io-error': 'detach', protocol: 'C' };

const SECONDS = { type: 'numeric', min: 0n, max: 300_000n, default: '0', unit: '1', words: [] } as const;

/** Options that `xml-help` calls strings although they are numbers or words. */
const MORE_THAN_STRINGS: Readonly<Record<string, Omit<OptionTable, 'name'>>> = {
  'wfc-timeout': SECONDS,
  'degr-wfc-timeout': SECONDS,
  'outdated-wfc-timeout': SECONDS,
  'wait-after-sb': { type: 'boolean', default: 'no', words: [] },
  color: { type: 'handler', words: ['auto', 'never', 'always'], default: 'auto' },
};

/** Longest strings, without the NUL. */
const LONGEST_STRING: Readonly<Record<string, number>> = { 'cpu-mask': 31 };
const longestString = (option: OptionTable): number => LONGEST_STRING[option.name] ?? 63;

function tag(text: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`, 'u').exec(text)?.[1];
}

/** Reads what `xml-help COMMAND` prints. */
export function parseXmlHelp(xml: string): CommandTable {
  const name = /<command name="([^"]*)">/u.exec(xml)?.[1];
  if (name === undefined) throw new Error(`no command in ${xml}`);
  const options = [...xml.matchAll(/<option name="([^"]*)" type="([^"]*)">(.*?)<\/option>/gsu)].map(
    ([, option = '', type = '', body = '']): OptionTable => {
      const words = [...body.matchAll(/<handler>([^<]*)<\/handler>/gu)].map((match) => match[1] ?? '');
      const other = MORE_THAN_STRINGS[option];
      if (other !== undefined) return { name: option, ...other };
      const [min, max, unit] = [tag(body, 'min'), tag(body, 'max'), tag(body, 'unit_prefix')];
      const standard =
        type === 'handler' ? (STANDARD_WORD[option] ?? words[0]) : type === 'string' ? '' : tag(body, 'default');
      return {
        name: option,
        type: type as OptionTable['type'],
        words,
        ...(min === undefined ? {} : { min: BigInt(min) }),
        ...(max === undefined ? {} : { max: BigInt(max) }),
        ...(standard === undefined ? {} : { default: standard }),
        ...(unit === undefined ? {} : { unit }),
      };
    },
  );
  return {
    name,
    arguments: [...xml.matchAll(/<argument>([^<]*)<\/argument>/gu)].map((match) => match[1] ?? ''),
    options,
  };
}

/** All commands of the genuine program with their options, from its own descriptions. */
export function genuineCommands(): readonly CommandTable[] {
  const program = join(drbdUtils(), 'lib/drbd/drbdsetup-84');
  const run = (...argv: readonly string[]): string => {
    try {
      return execFileSync(program, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      // Its own help ends with 20.
      if (typeof error === 'object' && error !== null && 'stdout' in error) return String(error.stdout);
      throw error;
    }
  };
  const list = run('help').split('Commands are:')[1]?.split('To get more details')[0] ?? '';
  return list
    .trim()
    .split(/\s+/u)
    .map((name) => parseXmlHelp(run('xml-help', name)));
}

/** What one option of a command line is set to: which end of its range. */
export type ValueClass = 'min' | 'max' | 'default' | 'out of range';
export const VALUE_CLASSES: readonly ValueClass[] = ['min', 'max', 'default', 'out of range'];

const UNITS: Readonly<Record<string, bigint>> = { k: 1n << 10n, m: 1n << 20n, g: 1n << 30n, s: 512n };

/** @returns the number in the option's own unit, or undefined if the text is none */
export function numberOf(text: string, option: OptionTable): bigint | undefined {
  const match = /^(-?\d+)([kmgsKMGS]?)$/u.exec(text);
  if (match === null) return undefined;
  const suffix = (match[2] ?? '').toLowerCase();
  const value = BigInt(match[1] ?? '0');
  if (suffix === '') return value;
  return (value * (UNITS[suffix] ?? 1n)) / (UNITS[option.unit ?? '1'] ?? 1n);
}

/**
 * A boolean's and a flag's smallest value is no, its largest yes; a handler's are its first and last word; a string's
 * are empty and long.
 */
export function classify(option: OptionTable, value: string | undefined): readonly ValueClass[] {
  const classes: ValueClass[] = [];
  switch (option.type) {
    case 'numeric': {
      const number = numberOf(value ?? '', option);
      if (number === undefined || number < (option.min ?? number) || number > (option.max ?? number))
        return ['out of range'];
      if (number === option.min) classes.push('min');
      if (number === option.max) classes.push('max');
      if (String(number) === option.default) classes.push('default');
      return classes;
    }
    case 'boolean':
      if (value !== undefined && value !== 'yes' && value !== 'no') return ['out of range'];
      return [value === 'no' ? 'min' : 'max', ...((value ?? 'yes') === option.default ? (['default'] as const) : [])];
    case 'handler':
      if (!option.words.includes(value ?? '')) return ['out of range'];
      if (value === option.words[0]) classes.push('min');
      if (value === option.words.at(-1)) classes.push('max');
      if (value === option.default) classes.push('default');
      return classes;
    case 'flag':
      return value === undefined ? ['max'] : ['out of range'];
    case 'string':
      if (value === undefined || value === '') return ['min', 'default'];
      return value.length > longestString(option)
        ? ['out of range']
        : value.length === longestString(option)
          ? ['max']
          : [];
    case 'address':
      return value !== undefined && /^ipv[46]:/u.test(value) ? ['max'] : ['out of range'];
  }
}

/** What a command line sets its options to, by their tables; an option that is absent has its standard value. */
export function optionsOf(
  argv: readonly string[],
  table: CommandTable,
): ReadonlyMap<OptionTable, readonly ValueClass[]> {
  const given = new Map(
    argv
      .filter((word) => word.startsWith('--'))
      .map((word) => /^--([^=]*)(?:=(.*))?$/su.exec(word))
      .map((match) => [match?.[1] ?? '', match?.[2]]),
  );
  const classes = new Map<OptionTable, readonly ValueClass[]>();
  for (const option of table.options) {
    if (given.has(option.name)) classes.set(option, classify(option, given.get(option.name)));
    else classes.set(option, option.type === 'flag' || option.type === 'address' ? ['min', 'default'] : []);
  }
  return classes;
}

/**
 * Settings of one option that a kernel must be asked for: the ends of its range, all its words, and its standard value
 * last.
 */
export function settings(option: OptionTable): readonly string[] {
  const set = (value: string): string => `--${option.name}=${value}`;
  switch (option.type) {
    case 'numeric':
      return [String(option.min), String(option.max), option.default ?? String(option.min)].map(set);
    case 'boolean':
      return [set('maybe'), set('no'), set('yes'), `--${option.name}`, set(option.default ?? 'no')];
    case 'handler':
      return [set('nosuchword'), ...option.words.map(set), set(option.default ?? '')];
    case 'flag':
      return [`--${option.name}=x`, `--${option.name}`];
    case 'string':
      return [
        ...typicalStrings(option).map(set),
        set(option.name === 'cpu-mask' ? '0'.repeat(30) + '1' : 'x'.repeat(longestString(option))),
        set('f'.repeat(200)),
        set(''),
      ];
    case 'address':
      return [set('nosuchfamily:1'), set('ipv4:127.0.0.1:7799')];
  }
}

/** The largest number of 32 bits. A range that ends below it is that of a field of 32 bits. */
const LARGEST_32 = 0xffff_ffffn;

/** Whether the field of a numeric option can carry a number; else it would wrap around. What waits has no field. */
export function fitsField(option: OptionTable, value: bigint): boolean {
  const { name, min = 0n, max = 0n } = option;
  if (MORE_THAN_STRINGS[name] !== undefined) return false;
  return (value >= 0n || min < 0n) && !(max <= LARGEST_32 && value > LARGEST_32);
}

/** Settings of a numeric option beyond its range, and whether they fit its field. */
export function beyond(option: OptionTable): readonly { readonly setting: string; readonly fits: boolean }[] {
  const { name, type, min, max } = option;
  if (type !== 'numeric' || min === undefined || max === undefined) return [];
  return [min - 1n, max + 1n].map((value) => ({ setting: `--${name}=${value}`, fits: fitsField(option, value) }));
}

function typicalStrings(option: OptionTable): readonly string[] {
  if (option.name === 'cpu-mask') return ['1', '0,00000001', 'zz'];
  return option.name === 'shared-secret'
    ? ['a word']
    : option.name === 'cram-hmac-alg' || option.name === 'data-integrity-alg'
      ? ['sha1', 'nosuchalg']
      : ['crc32c', 'nosuchalg'];
}
