import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { commandNames, commandOf } from '../../lib/cli/drbd/commands';
import { v83, v84, v9 } from '../../lib/cli/drbdsetup';
import { globalOptions } from '../../lib/cli/globals';
import { root } from '../support/package';

const { man } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly man: readonly string[] };
const pageOf = (name: string): string => {
  const path = man.find((candidate) => candidate.endsWith(`/${name}.8.gz`)) ?? '';
  return gunzipSync(readFileSync(join(root, path))).toString('ascii');
};

/** @returns the page as a terminal shows it, without overstrikes and with single spaces */
function shown(name: string): string {
  const { stdout, status } = spawnSync('mandoc', ['-Tutf8'], { input: pageOf(name), encoding: 'utf8' });
  expect(status).toBe(0);
  // eslint-disable-next-line no-control-regex
  return stdout.replace(/.\x08/gu, '').replace(/\s+/gu, ' ');
}

test('npm is told of each page', () => {
  expect(man).toHaveLength(2);
  for (const path of man) expect([path, existsSync(join(root, path))]).toEqual([path, true]);
});

describe.each(['drbd', 'node-drbdsetup'])('%s(8)', (name) => {
  test('mandoc has nothing to say of it', () => {
    const { stdout, stderr, error } = spawnSync('mandoc', ['-Tlint', '-W', 'warning'], {
      input: pageOf(name),
      encoding: 'utf8',
    });
    expect({ stdout, stderr, error }).toEqual({ stdout: '', stderr: '' });
  });

  test('groff has no warning of it', () => {
    const { stdout, stderr, error } = spawnSync('groff', ['-ww', '-man', '-Tutf8', '-rLL=120n'], {
      input: pageOf(name),
      encoding: 'utf8',
    });
    expect({ stderr, error }).toEqual({ stderr: '' });
    expect(stdout.length).toBeGreaterThan(10_000);
  });

  test('has the global options', () => {
    const text = shown(name);
    for (const { name: option } of Object.values(globalOptions)) expect(text).toContain(` --${option} `);
  });
});

test('drbd(8) has every command, and every option but contraries', () => {
  const text = shown('drbd');
  for (const name of commandNames()) {
    const row = commandOf(name);
    expect(text).toContain(` ${name} `);
    for (const option of Object.keys(row?.options ?? {}))
      if (!option.startsWith('no-')) expect([name, option, text.includes(`--${option}`)]).toEqual([name, option, true]);
  }
});

test.each([v83, v84, v9])('node-drbdsetup(8) has every command and option of $dialect', ({ commands }) => {
  const text = shown('node-drbdsetup');
  for (const { name, options } of commands) {
    expect(text).toContain(` ${name} `);
    for (const { name: option } of options)
      expect([name, option, text.includes(`--${option}`)]).toEqual([name, option, true]);
  }
});
