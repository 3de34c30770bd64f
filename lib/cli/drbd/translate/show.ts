import { UsageError } from '../../errors';
import { quote } from '../../line/number';
import type { Vocabulary } from '../../line/vocabulary';
import type { Old } from './rules';
import { isAtDefault, readSource, type Facts, type Source } from './translate';

// Reads what `drbdsetup show` of 8.3 and 8.4 prints: words, and blocks of them in braces.

interface Statement {
  readonly words: readonly string[];
  /** A block; undefined for a line that a semicolon ends. */
  readonly inside?: readonly Statement[];
}

/** @throws UsageError */
function parseStatements(text: string): readonly Statement[] {
  const tokens = [...text.matchAll(/#[^\n]*|"(?:\\[\s\S]|[^"\\])*"|[{};]|[^\s{};"#]+/gu)]
    .map(([token]) => token)
    .filter((token) => !token.startsWith('#'));
  let at = 0;
  const block = (isInside: boolean): readonly Statement[] => {
    const found: Statement[] = [];
    let words: string[] = [];
    for (;;) {
      const token = tokens[at++];
      if (token === undefined || token === '}') {
        if (words.length > 0 || (token === '}') !== isInside)
          throw new UsageError(
            `this is not what drbdsetup show prints: ${token === undefined ? 'it ends' : 'a brace stands'} behind ${quote(words.join(' '))}`,
          );
        return found;
      }
      if (token === ';' || token === '{') {
        found.push({ words, ...(token === '{' ? { inside: block(true) } : {}) });
        words = [];
      } else words.push(token.startsWith('"') ? token.slice(1, -1).replaceAll(/\\([\s\S])/gu, '$1') : token);
    }
  };
  return block(false);
}

const wordsOf = (block: readonly Statement[], name: string): readonly string[] | undefined =>
  block.find(({ words, inside }) => words[0] === name && inside === undefined)?.words.slice(1);
const blockOf = (block: readonly Statement[], name: string): readonly Statement[] | undefined =>
  block.find(({ words, inside }) => words[0] === name && inside !== undefined)?.inside;

/** @returns options as a command line has them */
const optionWords = (block: readonly Statement[] = []): readonly string[] =>
  block.map(({ words: [name = '', value] }) => (value === undefined ? `--${name}` : `--${name}=${value}`));

const addressOf = (block: readonly Statement[] | undefined): string | undefined => {
  const [family, address] = wordsOf(block ?? [], 'address') ?? [];
  return address === undefined ? undefined : `${family ?? ''}:${address}`;
};

/** @returns the disk, its metadata and their place, as a command line has them; undefined where there is no disk */
function diskWords(block: readonly Statement[]): readonly string[] | undefined {
  const [disk] = wordsOf(block, 'disk') ?? [];
  if (disk === undefined) return undefined;
  const [flexible] = wordsOf(block, 'flexible-meta-disk') ?? [];
  const [meta = flexible, , index] = wordsOf(block, 'meta-disk') ?? [];
  if (meta === undefined) throw new UsageError(`the disk ${quote(disk)} has no meta-disk`);
  return meta === 'internal' ? [disk, disk, meta] : [disk, meta, index ?? 'flexible'];
}

/**
 * @param text that `drbdsetup show` printed
 * @returns the commands that set that up. What is at its default is not among their options.
 * @throws UsageError
 */
export async function readShow(text: string, from: Old, vocabulary: Vocabulary): Promise<readonly Source[]> {
  const found: Source[] = [];
  const add = async (argv: readonly string[], facts: Facts): Promise<void> => {
    const source = await readSource(argv, vocabulary);
    const options = new Map([...source.options].filter(([name, value]) => !isAtDefault(source.command, name, value)));
    found.push({ ...source, options, facts: { ...source.facts, ...facts } });
  };
  const statements = parseStatements(text);
  if (from === 'connector') {
    const here = blockOf(statements, '_this_host') ?? [];
    const [, minor] = wordsOf(here, 'device') ?? [];
    if (minor === undefined) throw new UsageError('drbdsetup show of 8.3 names no minor in it: nothing is configured');
    const facts = { local: addressOf(here), remote: addressOf(blockOf(statements, '_remote_host')) };
    const disk = diskWords(here);
    if (disk !== undefined)
      await add([minor, 'disk', ...disk, ...optionWords(blockOf(statements, 'disk')), '--create-device'], facts);
    const [protocol] = wordsOf(statements, 'protocol') ?? [];
    if (facts.local !== undefined && facts.remote !== undefined && protocol !== undefined)
      await add(
        [
          minor,
          'net',
          facts.local,
          facts.remote,
          protocol,
          ...optionWords(blockOf(statements, 'net')),
          '--create-device',
        ],
        facts,
      );
    if (blockOf(statements, 'syncer') !== undefined)
      await add([minor, 'syncer', ...optionWords(blockOf(statements, 'syncer'))], facts);
    return found;
  }
  for (const { words, inside = [] } of statements) {
    const [kind, resource = ''] = words;
    if (kind !== 'resource')
      throw new UsageError(`drbdsetup show of 8.4 has resources, and not ${quote(words.join(' '))}`);
    const here = blockOf(inside, '_this_host') ?? [];
    const facts = { resource, local: addressOf(here), remote: addressOf(blockOf(inside, '_remote_host')) };
    await add(['new-resource', resource, ...optionWords(blockOf(inside, 'options'))], facts);
    for (const {
      words: [, volume = ''],
      inside: of = [],
    } of here.filter(({ words: [type] }) => type === 'volume')) {
      const [, minor = ''] = wordsOf(of, 'device') ?? [];
      await add(['new-minor', resource, minor, volume], facts);
      const disk = diskWords(of);
      if (disk !== undefined)
        await add(['attach', minor, ...disk, ...optionWords(blockOf(of, 'disk'))], { ...facts, volume });
    }
    if (facts.local !== undefined && facts.remote !== undefined)
      await add(['connect', resource, facts.local, facts.remote, ...optionWords(blockOf(inside, 'net'))], facts);
  }
  return found;
}
