import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

const MOST_INCLUDED_FILES = 256;

/** The tokens of drbd.conf: words, quoted texts, braces and semicolons; comments are left out. */
function* tokensOf(text: string): Generator<string> {
  for (const [, quoted, word] of text.matchAll(/#[^\n]*|"((?:[^"\\]|\\.)*)"|([{};]|[^\s{};#"]+)/gu)) {
    const token = quoted ?? word;
    if (token !== undefined) yield token;
  }
}

/** The files that an include names: a path, whose last part may hold stars. */
function included(pattern: string, from: string): readonly string[] {
  const path = resolve(dirname(from), pattern);
  if (!/[*?]/u.test(path)) return [path];
  const expression = new RegExp(
    `^${basename(path)
      .replace(/[.+^${}()|[\]\\]/gu, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    'u',
  );
  try {
    return readdirSync(dirname(path))
      .filter((name) => expression.test(name))
      .sort()
      .map((name) => `${dirname(path)}/${name}`);
  } catch {
    return [];
  }
}

/** @returns the resource whose device is this minor, in a file of drbd.conf's language and those that it includes */
export function findResourceName(file: string, minor: number): string | undefined {
  const queue = [file];
  for (let at = 0; at < queue.length && at < MOST_INCLUDED_FILES; at++) {
    const path = queue[at] ?? '';
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      continue;
    }
    let depth = 0;
    let resource: { readonly name: string; readonly depth: number } | undefined;
    let statement: string[] = [];
    for (const token of tokensOf(text)) {
      if (token === '{') {
        if (statement[0] === 'resource' && statement[1] !== undefined) resource = { name: statement[1], depth };
        depth++;
        statement = [];
      } else if (token === '}') {
        depth--;
        if (resource !== undefined && depth <= resource.depth) resource = undefined;
        statement = [];
      } else if (token === ';') {
        if (statement[0] === 'include' && statement[1] !== undefined) queue.push(...included(statement[1], path));
        if (statement[0] === 'device' && resource !== undefined && namesMinor(statement.slice(1), minor))
          return resource.name;
        statement = [];
      } else {
        statement.push(token);
      }
    }
  }
  return undefined;
}

/** `/dev/drbdN`, `/dev/drbd_NAME minor N`, `minor N` */
function namesMinor(words: readonly string[], minor: number): boolean {
  const at = words.indexOf('minor');
  return at === -1 ? words[0] === `/dev/drbd${minor}` : words[at + 1] === String(minor);
}

/** Where DRBD's user land keeps what it notes of a machine. */
export const NOTES_DIRECTORY = '/var/lib/drbd';

/**
 * The name of a minor's resource, which the kernel of 8.3 does not know: from the configuration that drbdadm linked for
 * the minor when it brought it up.
 * @param directory the one of the links
 */
export function linkedResourceName(minor: number, directory: string): string | undefined {
  try {
    return findResourceName(realpathSync(`${directory}/drbd-minor-${minor}.conf`), minor);
  } catch {
    return undefined;
  }
}
