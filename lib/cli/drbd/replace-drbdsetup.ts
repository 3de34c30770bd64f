import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { delimiter, dirname, join, resolve, sep } from 'node:path';
import { EXIT, UsageError } from '../errors';
import { command } from './command';

const USAGE = 2;
const NAME = 'drbdsetup';
const PACKAGE_BIN = 'node-drbdsetup';
const DEFAULT_DIRECTORY = '/usr/local/sbin';
/** Where systems keep the genuine program, beside the folders of PATH. */
export const USUAL_DIRECTORIES = ['/usr/sbin', '/sbin', '/usr/local/sbin'];
/** The second line of every file that this command makes; no other file is ever replaced or removed. */
export const MARK = '# Made by "drbd replace-drbdsetup" of node-drbd. "drbd replace-drbdsetup --undo" removes it.';

function failure(path: string, what: string, error: unknown): UsageError {
  const { code, errno } = error as NodeJS.ErrnoException;
  const symbol = code === undefined ? String(error) : `${code} (${Math.abs(errno ?? 0)})`;
  const next =
    code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
      ? 'Run this as root, or choose another folder with --directory'
      : code === 'ENOENT' || code === 'ENOTDIR'
        ? 'Choose a folder that exists with --directory'
        : 'Choose another folder with --directory';
  return new UsageError(`${path}: ${what}: ${symbol}. ${next}.`);
}

/** Whether the path is there at all, and made by this command; a link is somebody else's. */
function ownership(path: string): 'absent' | 'ours' | 'foreign' {
  let isFile: boolean;
  try {
    isFile = lstatSync(path).isFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'absent';
    throw failure(path, 'cannot look at it', error);
  }
  if (!isFile) return 'foreign';
  try {
    return readFileSync(path, 'utf8').split('\n', 2)[1] === MARK ? 'ours' : 'foreign';
  } catch (error) {
    throw failure(path, 'cannot read it', error);
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const real = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
};

/** Folders by their first name: /sbin is often a link to /usr/sbin. */
function distinct(directories: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return directories.filter((directory) => {
    const known = seen.has(real(directory));
    seen.add(real(directory));
    return !known;
  });
}

/** The other programs of this name, in the order in which they are found. */
function others(search: readonly string[], own: string): readonly string[] {
  return distinct([...search, ...USUAL_DIRECTORIES])
    .map((directory) => join(directory, NAME))
    .filter((path) => real(dirname(path)) !== real(dirname(own)) && isProgram(path) && ownership(path) !== 'ours');
}

/**
 * The program to run, by a path that an update of the package keeps: the link that the package manager made beside
 * `drbd`, where there is one; else the file itself.
 */
function program(invoked: string): { readonly path: string; readonly isScript: boolean } {
  const link = join(dirname(invoked), PACKAGE_BIN);
  const own = join(dirname(realpathSync(invoked)), 'drbdsetup.js');
  if (isProgram(link)) {
    // Some package managers make a link, and some a shell script, which finds node by the PATH.
    const isScript = !realpathSync(link).endsWith(`${sep}drbdsetup.js`);
    return { path: link, isScript };
  }
  if (isProgram(own)) return { path: own, isScript: false };
  throw new UsageError(`${own}: not found. Build the package first (npm run build).`);
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function launcher(invoked: string, genuine: string | undefined): string {
  const { path, isScript } = program(invoked);
  return [
    '#!/bin/sh',
    MARK,
    `tool=${quote(path)}`,
    `node=${quote(process.execPath)}`,
    `genuine=${quote(genuine ?? '')}`,
    'if [ ! -e "$tool" ]; then',
    '  if [ -x "$genuine" ]; then',
    '    echo "drbdsetup: $tool of node-drbd is gone; running $genuine. Remove $0, or install node-drbd again." >&2',
    '    exec "$genuine" "$@"',
    '  fi',
    '  echo "drbdsetup: $tool of node-drbd is gone. Remove $0, or install node-drbd again." >&2',
    `  exit ${EXIT.failure}`,
    'fi',
    // The Node that this was made with may be gone after an update of it.
    '[ -x "$node" ] || node=$(command -v node) || { echo "drbdsetup: $node is gone, and no node is in PATH. Install Node.js." >&2; exit 20; }',
    isScript ? 'PATH="$(dirname "$node"):$PATH" exec "$tool" "$@"' : 'exec "$node" "$tool" "$@"',
    '',
  ].join('\n');
}

/** Writes the file whole, and gives it its name only if nobody else's file has it. */
function place(path: string, text: string, replace: boolean): void {
  const part = join(dirname(path), `.${NAME}.node-drbd.${process.pid}`);
  try {
    const descriptor = openSync(part, 'wx', 0o755);
    try {
      writeSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (replace) renameSync(part, path);
    else linkSync(part, path);
  } catch (error) {
    throw failure(path, 'cannot make it', error);
  } finally {
    rmSync(part, { force: true });
  }
}

function foreign(path: string): UsageError {
  return new UsageError(
    `${path}: it is there and was not made by this command, so it is left alone. Choose a folder that comes before it in PATH (--directory ${DEFAULT_DIRECTORY}), or move it away first: dpkg-divert --local --rename --divert ${path}.genuine --add ${path}.`,
  );
}

function replace(path: string, search: readonly string[], invoked: string): string {
  const state = ownership(path);
  if (state === 'foreign') throw foreign(path);
  const hidden = others(search, path);
  // One that was moved aside in the same folder.
  const aside = ['genuine', 'distrib', 'real'].map((end) => `${path}.${end}`).filter(isProgram);
  const genuine = hidden[0] ?? aside[0];
  const text = launcher(invoked, genuine);
  const unchanged = state === 'ours' && readFileSync(path, 'utf8') === text;
  if (!unchanged) place(path, text, state === 'ours');
  const lines = [`${path}: runs node-drbd's drbdsetup ${unchanged ? 'already' : 'from now on'}.`];
  const at = search.findIndex((directory) => real(directory) === real(dirname(path)));
  const rank = (other: string) => search.findIndex((directory) => real(directory) === real(dirname(other)));
  for (const other of hidden) {
    const before = rank(other) !== -1 && (at === -1 || rank(other) < at);
    lines.push(
      before
        ? `${other}: comes before it in PATH, so "drbdsetup" still runs that one. Choose a folder that comes before ${dirname(other)} with --directory.`
        : `${other}: the genuine one is hidden by it, and stays reachable by this path.`,
    );
  }
  for (const other of aside) lines.push(`${other}: the genuine one stays reachable by this path.`);
  if (at === -1) lines.push(`${dirname(path)}: not in PATH. Add it, or call ${path} by its path.`);
  if (genuine === undefined) lines.push('No other drbdsetup was found on this machine.');
  const option = dirname(path) === DEFAULT_DIRECTORY ? '' : ` --directory ${dirname(path)}`;
  lines.push(`To undo this: drbd replace-drbdsetup --undo${option}`);
  return `${lines.join('\n')}\n`;
}

function undo(path: string, search: readonly string[]): string {
  const state = ownership(path);
  if (state === 'absent')
    throw new UsageError(`${path}: not there, so there is nothing to undo. Name the folder with --directory.`);
  if (state === 'foreign')
    throw new UsageError(
      `${path}: it was not made by this command, so it is left alone. Remove it by hand if you must.`,
    );
  try {
    unlinkSync(path);
  } catch (error) {
    throw failure(path, 'cannot remove it', error);
  }
  const next = others(search, path).find((other) =>
    search.some((directory) => real(directory) === real(dirname(other))),
  );
  return `${path}: removed. ${next === undefined ? 'No drbdsetup is in PATH now' : `"drbdsetup" runs ${next} again`}.\n`;
}

/**
 * Puts our drbdsetup in the place of the genuine one, or undoes that.
 * @param environment of which PATH is looked at
 * @param invoked path of the running program
 * @returns what was done, in lines
 * @throws UsageError that says why it cannot be done
 */
export function putInPlace(
  options: { readonly directory: string | undefined; readonly undo: boolean },
  environment: Readonly<Record<string, string | undefined>>,
  invoked = process.argv[1] ?? '',
): string {
  const path = join(resolve(options.directory ?? DEFAULT_DIRECTORY), NAME);
  const search = (environment['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
  return options.undo ? undo(path, search) : replace(path, search, invoked);
}

export const replaceDrbdsetup = command({
  about: "put this package's drbdsetup in the place of the genuine one, or undo that",
  details: [
    "It makes a file drbdsetup in DIR that runs this package's node-drbdsetup, and says which other drbdsetup that hides. The genuine one is left where it is and stays reachable by its path. A file that this command did not make is never replaced or removed. An update of the package needs no further step. Should the package be removed, the file runs the genuine drbdsetup again, with a warning.",
  ],
  count: [0, 0],
  options: {
    directory: {
      argument: 'DIR',
      completes: 'directory',
      doc: `Where to put it (${DEFAULT_DIRECTORY}, which comes before the genuine one in most systems' PATH).`,
    },
    undo: { doc: 'Remove it again.' },
  },
  usageExit: USAGE,
  offline: true,
  run: ({ context, options }) => {
    context.io.stdout.write(putInPlace(options, context.io.env));
    return EXIT.ok;
  },
});
