import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { v9 } from '../../lib/cli/drbdsetup';
import { formatUsage9, formatXml } from '../../lib/cli/drbdsetup/text';
import { drbdUtilities } from '../support/machine';

const commands = v9.commands.filter(({ own }) => own !== true);

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
  expect(commands.map(({ name }) => name)).toEqual(names);
  expect(formatUsage9(v9, undefined)).toBe(stdout);
  for (const { name, own } of v9.commands) expect(names.includes(name)).toBe(own !== true);
});

test.each(commands.map((command) => [command.name, command] as const))('xml-help %s', (name, command) => {
  expect({ exit: 0, stdout: formatXml(command, v9.manner) }).toEqual(genuine('xml-help', name));
});

test.each(commands.map((command) => [command.name, command] as const))('the usage of %s', (name, command) => {
  expect({ exit: 0, stdout: formatUsage9(v9, command) }).toEqual(genuine('help', name));
});
