import { v83 } from '../../lib/cli/drbdsetup';
import { RAM_DISKS, type ProgramResult } from '../support/machine';
import { useOwnDrbdsetup } from '../support/own-machine';
import { recordedMachine, type SimulatedMachine } from '../support/simulated';

/**
 * Words too many, too few and empty, with every command of 8.3: Debian's drbdsetup-83 and ours end with the same status,
 * and send as much, or as little.
 */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  disk: ['/dev/ram0', '/dev/ram0', 'internal'],
  net: ['127.0.0.1:7788', '127.0.0.1:7789', 'C'],
};
const DISK = ARGUMENTS['disk'] ?? [];

/** Streams and waits have no end that comes soon; with words too many they do not even begin. */
const isEndless = (name: string): boolean => /^(?:events|wait-)/u.test(name);

const lines: readonly (readonly string[])[] = v83.commands.flatMap(({ name }) => {
  const words = ARGUMENTS[name] ?? [];
  return [
    ['7', name, ...words, 'now'],
    ['7', name, ...words, ''],
    ['7', name, ...words, 'one', 'two'],
    ['7', name, ...words, '--', 'now'],
    ['7', name, ...words, '--nosuchoption'],
    ['', name, ...words, 'now'],
    ...words.map((_word, index) => ['7', name, ...words.slice(0, index)]),
    ...words.map((_word, index) => ['7', name, ...words.map((word, place) => (place === index ? '' : word))]),
    ...(isEndless(name) ? [] : [['7', name, ...words, '--create-device', 'now']]),
  ];
});

/**
 * Where ours differs on purpose. An empty device is minor 0xffffffff to Debian's, whose check of it compares a number
 * without a sign with -1; ours says that it names no minor.
 */
const isOnPurpose = ([device]: readonly string[]): boolean => device === '';

jest.setTimeout(300_000);

async function play(own: boolean): Promise<readonly { readonly result: ProgramResult; readonly answers: number }[]> {
  const made: SimulatedMachine = recordedMachine();
  let answers = 0;
  made.simulator.onDatagram((_departure, { kind }) => {
    if (kind === 'reply') answers++;
  });
  if (own) useOwnDrbdsetup(made, RAM_DISKS);
  try {
    // Minor 7 exists, so that what is sent changes something.
    const created = await made.machine.start(['drbdsetup', '7', 'disk', ...DISK, '--create-device']).result();
    if (created.exit > 20) throw new Error(created.stderr);
    const outcomes = [];
    for (const line of lines) {
      const before = answers;
      const result = await made.machine.start(['drbdsetup', ...line]).result();
      outcomes.push({ result, answers: answers - before });
    }
    return outcomes;
  } finally {
    await made.close();
  }
}

test('words too many, too few and empty', async () => {
  const genuine = await play(false);
  const ours = await play(true);
  const wrong: string[] = [];
  lines.forEach((line, index) => {
    const [theirs, own] = [genuine[index], ours[index]];
    if (theirs === undefined || own === undefined) throw new Error('a line did not run');
    const name = line.map((word) => JSON.stringify(word)).join(' ');
    if (own.result.exit !== 0 && own.result.stderr === '') wrong.push(`${name}: says nothing`);
    if (isOnPurpose(line)) {
      if (own.result.exit !== 20 || own.answers !== 0) wrong.push(`${name}: exit ${own.result.exit}`);
      return;
    }
    if (theirs.result.exit !== own.result.exit || theirs.answers !== own.answers)
      wrong.push(
        `${name}: exit ${own.result.exit}, ${own.answers} answers; theirs ${theirs.result.exit}, ${theirs.answers}: ${own.result.stderr}${theirs.result.stderr}`,
      );
  });
  expect(wrong).toEqual([]);
  expect(genuine.filter(({ answers }) => answers === 0).length).toBeGreaterThan(lines.length / 2);
});
