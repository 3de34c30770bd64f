import type { CommandTable } from '../../support/differential/options';
import {
  attached,
  command,
  commands,
  left,
  type CommandStep,
  type Scenario,
  type Step,
} from '../../support/differential/scenario';

const give = (...argv: readonly string[]): CommandStep => ({ do: 'command', argv, states: false });

/** Numbers within the range of resync-rate however they are read, and texts that are none. */
const RATES = [
  '300',
  '300k',
  '300K',
  '1m',
  '1M',
  '1G',
  '4096s',
  '4096S',
  '1T',
  '300b',
  '300kk',
  'k',
  '',
  '0x200',
  '0400',
  '+300',
  ' 300',
  '300 ',
  '1e3',
  '300.0',
  '0.5M',
  '300,0',
  '3oo',
  '--',
  '300\n',
  '３００',
];
const LONG = 'x'.repeat(10_000);
const TEXTS = [
  '',
  ' ',
  '-',
  'two\nlines',
  'größe',
  '%s%n',
  "'quoted'",
  '$HOME',
  '/dev/null',
  '/dev/nosuch',
  '0x0',
  '00',
  '-1',
  '0 ',
  '1048576',
  '99999999999999999999',
  '/dev/drbd0',
  'minor-0',
  '/dev/drbd/by-res/r0',
];
const NAMES = TEXTS.filter((text) => !/^[-/]/u.test(text));

/** What is wrong with a command line, or only looks odd. */
export const oddWords = (tables: readonly CommandTable[]): Scenario => ({
  name: 'odd words',
  about: 'numbers in all notations, names and minors of all kinds, words too few and too many, with every command',
  steps: [
    ...attached(left),
    ...RATES.map((rate): CommandStep => ({ do: 'command', argv: ['disk-options', '0', `--resync-rate=${rate}`] })),
    ...['100', '200s', '100k', '1M'].map((size) => command(`disk-options 0 --c-fill-target=${size}`)),
    ...['100', '1k', '100s'].map((time) => command(`disk-options 0 --disk-timeout=${time}`)),
    ...commands(`
      disk-options 0 --resync-rate 700
      disk-options --resync-rate 800 0
      disk-options --resync-rate=900 0 --disk-timeout 20
      disk-options 0 --resync-rate=1000 --resync-rate=1100
      disk-options 0 --resync-r=1200
      disk-options 0 -- --resync-rate=5
      0 disk-options --resync-rate=1300
      /dev/drbd0 disk-options --resync-rate=1400
      disk-options /dev/drbd0 --resync-rate=1500
      0 role
      /dev/drbd0 role
      role /dev/drbd0
      0 status
      r0 down extra
      /dev/drbd0 show
    `),
    ...TEXTS.map((text) => give('role', text)),
    ...NAMES.map((text) => give('status', text)),
    ...NAMES.map((text) => give('del-resource', text)),
    // Streams have no end that a step could wait for.
    ...tables
      .filter(({ name }) => !/^events2?$/u.test(name))
      .flatMap(({ name, arguments: words }) => [
        ...(words.length > 0 && !/^(?:show|status|sh-status)$/u.test(name) ? [give(name)] : []),
        give(name, '--nosuchoption'),
        give(name, '-Z', '0'),
        ...(/^(?:down|status)$/u.test(name) ? [] : [give(name, ...words.map(() => '7'), 'one', 'two', 'three')]),
      ]),
    give(),
    give(''),
    give(LONG),
    give('role', LONG),
    // The genuine one cuts a number to its field, takes a minor modulo 2^32, the first option that an abbreviation may
    // mean, and one name of several; too many words for `down` end it by a signal.
    ...[
      ['disk-options', '0', '--resync-rate=99999999999999999999'],
      ['disk-options', '0', '--c-m=1'],
      ['role', '4294967296'],
      ['status', LONG],
      ['del-resource', LONG],
      ['down', '7', 'one', 'two', 'three'],
      ['status', 'r0', 'r1'],
    ].map((argv): Step => ({ do: 'refused', argv })),
    command('status'),
  ],
});
