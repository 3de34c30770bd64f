import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { formatUsage9, formatXmlHelp9 } from '../../lib/cli/drbdsetup/text/help-9';
import { commands9, ownCommands9 } from '../../lib/cli/drbdsetup/v9';
import { drbdUtilities } from '../support/machine';

/**
 * The words of drbdsetup 9, compared with the genuine one: it needs no driver to describe a command.
 */
function genuine(...argv: readonly string[]): { readonly exit: number | null; readonly stdout: string } {
  const { status, stdout } = spawnSync(join(drbdUtilities(), 'sbin/drbdsetup'), argv, { encoding: 'utf8' });
  return { exit: status, stdout };
}

test('the commands are those of the genuine program, in its order', () => {
  const { stdout } = genuine();
  const names = Array.from(stdout.matchAll(/^ {4}([a-z0-9-]+) - /gmu), ([, name = '']) => name);
  expect(names.length).toBeGreaterThan(40);
  expect(commands9.map(({ name }) => name)).toEqual(names);
  expect(formatUsage9(undefined)).toBe(stdout);
  for (const { name } of ownCommands9) expect(names).not.toContain(name);
});

test.each(commands9.map((command) => [command.name, command] as const))('xml-help %s', (name, command) => {
  expect({ exit: 0, stdout: formatXmlHelp9(command) }).toEqual(genuine('xml-help', name));
});

test.each(commands9.map((command) => [command.name, command] as const))('the usage of %s', (name, command) => {
  expect({ exit: 0, stdout: formatUsage9(command) }).toEqual(genuine('help', name));
});
