import { EXIT, UsageError } from '../errors';
import { quote } from '../line/number';
import { command } from './command';
import { examine, type HostFinding } from './doctor/examine';
import type { Level } from './doctor/finding';
import { machine } from './doctor/host';
import { formatLine, lookOf, padded, printable, wrapped, type Line, type Style } from './text';

const STYLES: Readonly<Record<Level, Style>> = { ok: 'green', note: 'yellow', problem: 'red' };
const LEVEL_WIDTH = 9;
const CHECK_WIDTH = 14;
const WIDEST = 120;

/** @returns the findings, a paragraph each, and how many there are of each kind */
export function doctorLines(found: readonly HostFinding[], columns: number): readonly Line[] {
  const width = Math.max(20, Math.min(columns, WIDEST) - LEVEL_WIDTH - CHECK_WIDTH);
  const indent = ' '.repeat(LEVEL_WIDTH + CHECK_WIDTH);
  const count = (level: Level, one: string): string => {
    const number = found.filter((each) => each.level === level).length;
    return `${number} ${one}${number === 1 ? '' : 's'}`;
  };
  return [
    ...found.flatMap(({ check, level, text, remedy }): readonly Line[] => [
      ...wrapped(printable(text), width).map((part, at): Line =>
        at === 0
          ? [
              { text: padded(level, LEVEL_WIDTH), style: STYLES[level] },
              { text: padded(check, CHECK_WIDTH), style: 'bold' },
              { text: part },
            ]
          : [{ text: `${indent}${part}` }],
      ),
      ...(remedy === null
        ? []
        : wrapped(printable(remedy), width).map((part): Line => [{ text: `${indent}${part}`, style: 'dim' }])),
    ]),
    [{ text: `${count('problem', 'problem')}, ${count('note', 'note')}.`, style: 'bold' }],
  ];
}

const LARGEST_MINOR = 2 ** 20 - 1;

/** @throws UsageError */
function minorOf(word: string): number {
  const digits = /^(?:\/dev\/drbd)?(\d{1,7})$/u.exec(word)?.[1];
  if (digits === undefined || Number(digits) > LARGEST_MINOR)
    throw new UsageError(`${quote(word)} is not a device of DRBD; expected /dev/drbdN or a minor number`);
  return Number(digits);
}

/** What the doctor exits with where it found a problem. */
const PROBLEMS = 1;

export const doctor = command({
  about: 'what of this machine keeps DRBD, or this program, from working, with the remedy',
  words: '[DEVICE]',
  options: {},
  count: [0, 1],
  details: [
    'It looks at the driver and its parameters, generic netlink and the connector, the capabilities and namespaces of this process, the lock directory, buffer limits, and the programs of drbd-utils. Each line is ok, a note (it may matter, or could not be looked at) or a problem; the next one says what to do.',
    'Of a DEVICE (/dev/drbd0, or its minor) it says too who has it open: block devices on it, mounts, swap, loop devices, iSCSI targets, open files. That is what keeps a node from being demoted.',
    'It looks at this machine, whatever --simulator or --replay say. It changes nothing, loads no module and starts no process. Any user may run it; it says what it could not look at.',
    '--json prints what docs/json.md describes.',
  ],
  examples: [
    'drbd doctor',
    'drbd doctor /dev/drbd0',
    'drbd doctor --json | jq -r \'.findings[]|select(.level=="problem").remedy\'',
  ],
  exits: { [EXIT.ok]: 'There is no problem; there may be notes.', [PROBLEMS]: 'There are problems.' },
  offline: true,
  run: async ({ context, words: [word] }) => {
    const { io, globals } = context;
    const minor = word === undefined ? undefined : minorOf(word);
    const found = await examine(machine, { path: io.env['PATH'], lockDirectory: globals.lockDirectory, minor });
    if (globals.json) io.stdout.write(`${JSON.stringify({ schemaVersion: 1, findings: found }, null, 2)}\n`);
    else {
      const look = lookOf(io);
      io.stdout.write(
        doctorLines(found, look.columns ?? WIDEST)
          .map((line) => `${formatLine(line, look)}\n`)
          .join(''),
      );
    }
    return found.some(({ level }) => level === 'problem') ? PROBLEMS : EXIT.ok;
  },
});
