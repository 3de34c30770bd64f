import { v83 } from '../../lib/cli/drbdsetup';

const NAMES = new Set(v83.commands.map(({ name }) => name));

/** Help begins like this. */
export const USAGE = /^\n?USAGE:/u;

/**
 * What remains of an output when the words that are our own are taken out.
 * @param command whose output it is
 */
export function withoutProse(command: string | undefined, stdout: string): unknown {
  if (USAGE.test(stdout)) {
    // Which commands and options there are, in which order, and their words.
    const options = Array.from(
      stdout.matchAll(/\{--([a-z0-9-]+)\|-(.)\}/gu),
      ([, name, letter]) => `${name ?? ''} ${letter ?? ''}`,
    );
    const listed = /Commands (?:are|of)/u.test(stdout)
      ? Array.from(
          stdout.matchAll(/(?<=^ | {2,})(?!help|xml|batch|drbdsetup)([a-z]+(?:-[a-z]+)*)(?= {2,}| \[| ?\n|$)/gmu),
          ([, name]) => name,
        )
      : [];
    return { options, listed: listed.filter((name) => NAMES.has(name ?? '')) };
  }
  if (command === 'show-gi') return stdout.split('\n').filter((line) => /^[0-9A-F]{16}:|^flags:/u.test(line));
  // The words behind the number of an answer may go on in the next line.
  if (command === 'events')
    return stdout
      .split('\n')
      .filter((line) => /^\d+ |^\t|^ /u.test(line))
      .map((line) => line.replace(/^(\d+ ZZ \d+ ret_code: -?\d+) .*$/u, '$1'));
  return stdout;
}
