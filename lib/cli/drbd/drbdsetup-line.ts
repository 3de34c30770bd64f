import type { Dialect, PlannedRequest } from '../../drbd';
import { formatSocketAddress, type SocketAddress } from '../../netlink';
import { v83 } from '../drbdsetup/v83';
import { v84 } from '../drbdsetup/v84';
import { v9 } from '../drbdsetup/v9';
import { formatValue } from '../line/value';
import type { Argument, Command, Vocabulary } from '../line/vocabulary';

/** The words of each generation, which are loaded when they are needed. */
export const vocabularies: Readonly<Record<Dialect, () => Vocabulary>> = {
  connector: () => v83,
  genl1: () => v84,
  genl2: () => v9,
};

type Fields = Readonly<Record<string, unknown>>;
const asFields = (value: unknown): Fields =>
  Array.isArray(value)
    ? (Object.fromEntries(value) as Fields)
    : typeof value === 'object' && value !== null
      ? (value as Fields)
      : {};

/** @returns a word as a shell takes it */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** What drbdsetup calls a place of the metadata, by the word of the tables; it cannot say the others. */
const PLACES: Readonly<Record<string, string>> = { internal: 'internal', 'flex-external': 'flexible' };

/** @returns undefined for what drbdsetup cannot say */
function argumentText({ kind, table }: Argument, value: unknown): string | undefined {
  if (kind === 'address') return typeof value === 'string' ? value : formatSocketAddress(value as SocketAddress);
  const word = typeof value === 'number' ? (table.names?.[value] ?? String(value)) : String(value);
  if (kind !== 'metadata index' || /^\d+$/u.test(word)) return word;
  return Object.hasOwn(PLACES, word) ? PLACES[word] : undefined;
}

/** @returns the words of a command for a request; undefined where it cannot say all of it */
function wordsOf(command: Command, { params }: PlannedRequest, { manner }: Vocabulary): readonly string[] | undefined {
  const set = asFields(command.set === undefined ? undefined : params[command.set]);
  const context = asFields(params['context']);
  const left = new Set(Object.keys(set));
  const words: string[] = [];
  for (const argument of command.arguments) {
    const { into, field } = argument;
    const value = into === 'context' ? context[field] : into === 'header' ? params['minor'] : set[field];
    if (value === undefined) return undefined;
    left.delete(field);
    const word = argumentText(argument, value);
    if (word === undefined) return undefined;
    words.push(word);
  }
  for (const option of command.options) {
    const value = set[option.field];
    if (!left.delete(option.field) || value === undefined) continue;
    if (option.kind === 'switch') {
      if (value === true) words.push(`--${option.name}`);
    } else {
      const code =
        typeof value === 'string' && option.kind === 'word' ? codeOf(option.table.names ?? {}, value) : value;
      words.push(`--${option.name}=${formatValue(option, code)}`);
    }
  }
  // Flags that follow from what was said already.
  for (const { flagIfNotIpv4 } of command.arguments) if (flagIfNotIpv4 !== undefined) left.delete(flagIfNotIpv4);
  for (const { flagIfZero } of command.options) if (flagIfZero !== undefined) left.delete(flagIfZero);
  if ([...left].some((field) => set[field] !== undefined && set[field] !== false)) return undefined;
  for (const { name, param } of command.flags) if (params[param] === true) words.push(`--${name}`);
  const object = command.object.includes('minor')
    ? params['minor']
    : command.object.includes('resource')
      ? context['ctx_resource_name']
      : '';
  if (object === undefined) return undefined;
  const about = object === '' ? [] : [String(object)];
  return manner.first === 'device' ? [...about, command.name, ...words] : [command.name, ...about, ...words];
}

function codeOf(names: Readonly<Record<number, string>>, word: string): number | string {
  const found = Object.entries(names).find(([, name]) => name === word);
  return found === undefined ? word : Number(found[0]);
}

/** @returns the line of drbdsetup that sends the same; undefined where there is none */
export function drbdsetupLine(dialect: Dialect, request: PlannedRequest): string | undefined {
  const vocabulary = vocabularies[dialect]();
  for (const command of vocabulary.commands) {
    if (command.operation !== request.name || (command.action !== 'change' && command.action !== 'down')) continue;
    const words = wordsOf(command, request, vocabulary);
    if (words !== undefined) return ['drbdsetup', ...words.map(shellWord)].join(' ');
  }
  return undefined;
}
