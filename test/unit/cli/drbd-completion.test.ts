import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { commandNames, commandOf } from '../../../lib/cli/drbd/commands';
import { completeDrbd, completeDrbdsetup, type Source } from '../../../lib/cli/drbd/completion/candidates';
import { v83, v84, v9 } from '../../../lib/cli/drbdsetup';
import { globalOptions } from '../../../lib/cli/globals';
import { main } from '../../../lib/cli/drbd';
import { memoryIo } from '../../support/cli';

const vocabularies: Readonly<Record<string, typeof v9>> = { connector: v83, genl1: v84, genl2: v9 };

const source: Source = {
  names: [...commandNames(), 'help'],
  command: commandOf,
  codes: () => ['ERR_MINOR_INVALID'],
  options: () => ['maxBuffers'],
  resources: () => Promise.resolve(['r0', 'web']),
  minors: () => Promise.resolve(['0', '7']),
  vocabulary: (dialect = 'genl2') => Promise.resolve(vocabularies[dialect] ?? v9),
};

async function words(complete: typeof completeDrbd, line: string): Promise<readonly string[] | string> {
  const found = await complete(line.split(' '), source);
  return typeof found === 'string' ? found : found.map(({ word }) => word);
}
const drbd = (line: string): Promise<readonly string[] | string> => words(completeDrbd, line);
const drbdsetup = (line: string): Promise<readonly string[] | string> => words(completeDrbdsetup, line);

describe('drbd', () => {
  test('every command is offered, and every option of each with every global one', async () => {
    expect(await drbd('')).toEqual([...commandNames(), 'help']);
    expect(await drbd('help ')).toEqual([...commandNames(), 'help']);
    for (const name of commandNames()) {
      const options = Object.keys(commandOf(name)?.options ?? {});
      const offered = await drbd(`${name} -`);
      const wanted = [...options, ...Object.values(globalOptions).map((option) => option.name), 'help'];
      for (const option of wanted) expect([name, offered]).toEqual([name, expect.arrayContaining([`--${option}`])]);
      expect(new Set(offered).size).toBe(offered.length);
    }
  });

  test.each([
    ['status ', ['r0', 'web']],
    ['--json status ', ['r0', 'web']],
    ['--timeout 5 status ', ['r0', 'web']],
    ['--timeout ', []],
    ['--dialect ', ['connector', 'genl1', 'genl2']],
    ['--replay ', 'file'],
    ['--lock-dir ', 'directory'],
    ['--lock-dir=/t', 'directory'],
    ['status --record ', 'file'],
    ['promote ', ['r0', 'web']],
    ['promote r0 ', []],
    ['explain ', ['ERR_MINOR_INVALID']],
    ['options ', ['maxBuffers']],
    ['assert resource=', ['resource=r0', 'resource=web']],
    ['assert minor=', ['minor=0', 'minor=7']],
    ['assert role=', ['role=Unknown', 'role=Primary', 'role=Secondary']],
    ['wait --for suspended=', ['suspended=yes', 'suspended=no']],
    ['wait --for mayPromote!=', ['mayPromote!=yes', 'mayPromote!=no']],
    ['assert outOfSyncBytes<', []],
    ['nonsense ', []],
    ['status -- -', ['r0', 'web']],
  ])('%s', async (line, expected) => {
    expect(await drbd(line)).toEqual(expected);
  });

  test('conditions are offered by every name, and are read again', async () => {
    const names = await drbd('assert ');
    expect(names).toEqual(expect.arrayContaining(['resource=', 'disk=', 'outOfSyncBytes=', 'any:']));
    expect(await drbd('assert none:disk=UpToDate,Con')).toContain('none:disk=UpToDate,Consistent');
  });
});

describe('drbdsetup', () => {
  test.each(Object.entries(vocabularies))('every command of %s, with every option', async (dialect, vocabulary) => {
    const first = vocabulary.manner.first === 'command' ? '' : '0 ';
    const offered = await drbdsetup(`--dialect ${dialect} ${first}`);
    for (const { name, options } of vocabulary.commands) {
      expect(offered).toContain(name);
      const given = await drbdsetup(`--dialect ${dialect} ${first}${name} --`);
      for (const { name: option, argument } of options)
        expect(given).toContain(argument === 'none' ? `--${option}` : `--${option}=`);
    }
  });

  test.each([
    ['--dialect connector ', ['0', '7', 'help', 'xml', 'batch']],
    ['--dialect genl1 attach ', ['0', '7']],
    ['--dialect genl1 attach 0 ', 'file'],
    ['--dialect genl1 attach 0 --on-io-error=', ['pass_on', 'call-local-io-error', 'detach']],
    ['--dialect genl1 disk-options 0 --disk-barrier=', ['yes', 'no']],
    ['status ', ['r0', 'web', 'all']],
    ['nonsense x ', []],
  ])('%s', async (line, expected) => {
    const found = await drbdsetup(line);
    expect(Array.isArray(found) ? found.map((word: string) => word.replace(/^--.*=/u, '')) : found).toEqual(expected);
  });
});

describe('drbd completion', () => {
  test.each(['bash', 'zsh', 'fish'])('prints a script for %s, which asks drbd itself', async (shell) => {
    const io = memoryIo();
    expect(await main(['completion', shell], io)).toBe(0);
    expect(io.stdout.text).toContain('drbd completion --words');
  });

  test.each([[['completion', 'tcsh']], [['completion', 'bash', 'zsh']], [['completion', '--words', 'ls']]])(
    '%j is an error',
    async (argv) => {
      const io = memoryIo();
      expect(await main(argv, io)).toBe(20);
      expect(io.stderr.text).toMatch(/^drbd completion: /u);
    },
  );
});

test('a command that asks no driver leaves a recording alone that the environment names', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drbd-'));
  try {
    const file = join(folder, 'recording');
    const io = memoryIo({ env: { DRBD_RECORD: file } });
    expect(await main(['explain', '127'], io)).toBe(0);
    expect(existsSync(file)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
