import { splitWords } from '../../../lib/cli/batch';
import { UsageError } from '../../../lib/cli/errors';
import { parseGlobals } from '../../../lib/cli/globals';
import { getopt, parseExact, parseSigned, parseUnsigned, redactWords } from '../../../lib/cli/line';

const specs = [
  { name: 'size', short: 's', argument: 'required' },
  { name: 'set-defaults', short: '(', argument: 'none' },
  { name: 'force', short: 'f', argument: 'none' },
  { name: 'overwrite', short: 'o', argument: 'none' },
  { name: 'color', short: 'c', argument: 'optional' },
] as const;

function take(...argv: string[]): {
  readonly options: readonly (readonly [string, string | undefined])[];
  readonly operands: readonly string[];
} {
  const { options, operands } = getopt(argv, specs, 'disk');
  return { options: options.map(({ spec, value }) => [spec.name, value] as const), operands };
}

function usage(run: () => unknown): UsageError {
  try {
    run();
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('options as getopt_long takes them', () => {
  test.each<[string, string[], [string, string | undefined][], string[]]>([
    ['separate', ['--size', '10', 'a'], [['size', '10']], ['a']],
    ['with an equals sign', ['a', '--size=10=x', 'b'], [['size', '10=x']], ['a', 'b']],
    ['an empty argument', ['--size='], [['size', '']], []],
    [
      'an argument with a dash',
      ['--size', '-1', '-s', '--force'],
      [
        ['size', '-1'],
        ['size', '--force'],
      ],
      [],
    ],
    [
      'abbreviated',
      ['--si', '1', '--fo', '--se'],
      [
        ['size', '1'],
        ['force', undefined],
        ['set-defaults', undefined],
      ],
      [],
    ],
    [
      'bundled',
      ['-fos5'],
      [
        ['force', undefined],
        ['overwrite', undefined],
        ['size', '5'],
      ],
      [],
    ],
    [
      'bundled, the argument in the next word',
      ['-fs', '5'],
      [
        ['force', undefined],
        ['size', '5'],
      ],
      [],
    ],
    [
      'odd letters',
      ['-(f'],
      [
        ['set-defaults', undefined],
        ['force', undefined],
      ],
      [],
    ],
    [
      'optional, absent',
      ['--color', 'x', '-c', 'y'],
      [
        ['color', undefined],
        ['color', undefined],
      ],
      ['x', 'y'],
    ],
    [
      'optional, there',
      ['--color=x', '-cy'],
      [
        ['color', 'x'],
        ['color', 'y'],
      ],
      [],
    ],
    ['the end of options', ['-f', '--', '--size', '-'], [['force', undefined]], ['--size', '-']],
    ['a lone dash', ['-', '-f'], [['force', undefined]], ['-']],
  ])('%s', (_name, argv, options, operands) => {
    expect(take(...argv)).toEqual({ options, operands });
  });

  test.each([
    ['unknown', ['--bogus'], 'unrecognized option "--bogus"'],
    ['unknown letter', ['-fé'], 'unrecognized option "-é"'],
    ['ambiguous', ['--s', '1'], 'option "--s" is ambiguous'],
    ['no argument', ['--size'], 'option "--size" requires an argument'],
    ['no argument, short', ['-s'], 'option "-s" requires an argument'],
    ['an argument too many', ['--force=1'], 'option "--force" takes no argument'],
  ])('%s is an error with exit code 20', (_name, argv, message) => {
    const error = usage(() => take(...argv));
    expect(error.message).toContain(message);
    expect(error.exitCode).toBe(20);
  });

  test('two names of one option are no ambiguity', () => {
    const aliases = [
      { name: 'force', short: 'f', argument: 'none' },
      { name: 'forced', short: 'f', argument: 'none' },
    ] as const;
    expect(getopt(['--for'], aliases, 'primary').options[0]?.spec.name).toBe('force');
  });
});

describe('numbers as the C tools read them', () => {
  test.each([
    ['10', '1', 10n],
    [' \t+10', '1', 10n],
    ['10M', '1', 10485760n],
    ['10m', 'k', 10240n],
    ['1k', 's', 2n],
    ['1K', '1', 1024n],
    ['1G', 's', 2097152n],
    ['65536s', 's', 65536n],
    ['65536s', 'k', 32768n],
    ['1s', 'k', 1n],
    ['3s', 'k', 2n],
    ['1s', '1', 512n],
    ['250', 'k', 250n],
    ['-1', '1', 18446744073709551615n],
    ['99999999999999999999', '1', 18446744073709551615n],
    ['-99999999999999999999', '1', 18446744073709551615n],
    ['18446744073709551615s', 'k', 0n],
    ['17592186044415M', '1', 18446744073708503040n],
  ] as const)('%s with default unit %s', (text, unit, value) => {
    expect(parseUnsigned(text, unit, 'size')).toBe(value);
  });

  test.each([
    ['', 100],
    ['abc', 20],
    ['5T', 20],
    ['10kk', 20],
    ['10 ', 20],
    ['0x10', 20],
    ['1.5', 20],
    ['- 1', 20],
    ['١', 20],
    ['10\0', 20],
    ['1\n', 20],
    ['17592186044416M', 20],
    ['99999999999999999999G', 20],
    ['9'.repeat(10_000) + 'x', 20],
  ])('%j is none', (text, exitCode) => {
    const error = usage(() => parseUnsigned(text, '1', 'size'));
    expect(error.exitCode).toBe(exitCode);
    expect(error.message.length).toBeLessThan(400);
  });

  test.each([
    ['-1', '1', -1n],
    ['99999999999999999999', '1', 99_999_999_999_999_999_999n],
    ['18446744073709551615s', 'k', 9_223_372_036_854_775_808n],
    ['99999999999999999G', 's', 99_999_999_999_999_999n << 21n],
    ['-3s', 'k', -1n],
    ['3s', 'k', 2n],
  ] as const)('%s with default unit %s, exactly', (text, unit, value) => {
    expect(parseExact(text, unit, 'size')).toBe(value);
  });

  test('signed', () => {
    expect(parseSigned('-1', '1', 'after')).toBe(-1n);
  });
});

describe('global options', () => {
  test('end at the first word that is none', () => {
    const { globals, rest } = parseGlobals(
      ['--dialect', 'connector', '--json', '--timeout=1.5', '/dev/drbd0', '--replay', 'x'],
      {},
    );
    expect(globals).toMatchObject({ dialect: 'connector', json: true, timeoutMs: 1500, replay: undefined });
    expect(rest).toEqual(['/dev/drbd0', '--replay', 'x']);
  });

  test('come from the environment, which options override', () => {
    const env = { DRBD_DIALECT: 'genl1', DRBD_REPLAY: '/r', DRBD_TIMEOUT: '3', DRBD_RECORD: '' };
    expect(parseGlobals(['--dialect=connector'], env).globals).toMatchObject({
      dialect: 'connector',
      replay: '/r',
      timeoutMs: 3000,
      record: undefined,
    });
    expect(parseGlobals([], { DRBD_SIMULATOR: '77' }).globals.simulator).toBe(77);
  });

  test.each([
    [['--dialect', 'klingon']],
    [['--timeout', 'soon']],
    [['--timeout', '-1']],
    [['--simulator', '0']],
    [['--replay']],
    [['--json=1']],
    [['--simulator', '5', '--dialect', 'genl1']],
  ])('%j is refused', (argv) => {
    expect(usage(() => parseGlobals(argv, {})).exitCode).toBe(20);
  });

  test.each([[['-h']], [['--help']], [['--nonsense']], [['-1', 'role']]])('%j is left to the commands', (argv) => {
    expect(parseGlobals(argv, {}).rest).toEqual(argv);
  });
});

describe('lines of a batch', () => {
  test.each<[string, string[]]>([
    ['0 role', ['0', 'role']],
    ["  0 net 'a b' \"c\\\"d\" e\\ f '' ", ['0', 'net', 'a b', 'c"d', 'e f', '']],
    ['["0","role","a b"]', ['0', 'role', 'a b']],
  ])('%s', (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  test.each(['0 "role', '[0]', '["a"', '[{}]'])('%s is refused', (line) => {
    expect(usage(() => splitWords(line)).exitCode).toBe(20);
  });

  test('secrets are taken out', () => {
    const words = [
      'net',
      '--shared-secret',
      'a',
      '--shared-secret=b',
      '--share',
      'c',
      '--sh=d',
      '-x',
      'e',
      '-xf',
      '-mxg',
      '-mx',
      'h',
      '--shared-secret-file',
      'i',
    ];
    expect(redactWords(words).join(' ')).toBe(
      'net --shared-secret xxxx --shared-secret=xxxx --share xxxx --sh=xxxx -x xxxx -xxxxx -mxxxxx -mx xxxx --shared-secret-file i',
    );
  });
});
