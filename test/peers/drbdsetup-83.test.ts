import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { stateOf } from '../support/comparison';
import { RAM_DISKS, type Machine, type Program, type ProgramResult } from '../support/machine';
import { useOwnDrbdsetup } from '../support/own-machine';
import { withoutProse } from '../support/prose';
import { recordedScenario, type RecordedCommand } from '../support/recorded';
import { Scenario } from '../support/scenario';
import { recordedMachine, type SimulatedMachine } from '../support/simulated';
import { versionDifferences } from './exempt';

/**
 * Each recorded scenario on two machines at once, whose kernels are simulated and alike: on one of them Debian's
 * drbdsetup-83 runs the commands, on the other ours. They print the same, end with the same status, and leave the same
 * states.
 */
const scenarios = ['01-unconfigured', '02-disk', '03-net', '04-syncer', '05-pair'] as const;

/** Where ours differs on purpose: the same list as of the recordings. */
const { differences } = JSON.parse(
  readFileSync(join(__dirname, '../../../test/replay/drbdsetup-83.differences.json'), 'utf8'),
) as { readonly differences: readonly { readonly id: string; readonly reason: string }[] };
const onPurpose = new Set(differences.map(({ id }) => id));
const hangs = new Set(differences.flatMap(({ id, reason }) => (reason === 'hang' ? [id] : [])));
/** Where Debian's release is not the recorded 8.3.16, which ours follows. */
const otherRelease = new Set(versionDifferences.flatMap(({ ids, ours }) => (ours === true ? [] : (ids ?? []))));
/** What a command shows, or finds, because one before it was refused on purpose. */
const consequences: ReadonlySet<string> = new Set([
  // 0222 takes another port than the one that was named.
  '03-net/0223',
]);
const LONG_PATH = `/dev/${'y'.repeat(122)}`;

jest.setTimeout(300_000);

interface Run {
  readonly id: string;
  readonly argv: readonly string[];
  readonly program: Program;
  /** /proc/drbd after it, without what moves. */
  state: string;
}

/** Keeps what runs on a machine, with the state that each command found and left. */
function watch(made: SimulatedMachine, machine: Machine, current: () => string): Run[] {
  const runs: Run[] = [];
  const start = machine.start.bind(machine) as Machine['start'];
  machine.start = (argv, options) => {
    const program = start(argv, options);
    const run: Run = { id: current(), argv, program, state: '' };
    runs.push(run);
    void program.result().then(() => {
      run.state = stateOf(made.simulator.procDrbd() ?? '');
    });
    return program;
  };
  return runs;
}

/** Whose turn it is: the scenario asks for a command's words just before it starts it. */
function announced(commands: readonly RecordedCommand[]): {
  readonly commands: RecordedCommand[];
  readonly current: () => string;
} {
  let current = '';
  return {
    current: () => current,
    commands: commands.map((command) =>
      Object.defineProperty({ ...command }, 'argv', {
        get: () => {
          current = command.id;
          return command.argv;
        },
      }),
    ),
  };
}

async function play(
  name: string,
  own: boolean,
): Promise<{
  readonly runs: Run[];
  readonly results: ProgramResult[];
  readonly wrongStates: readonly string[];
  readonly end: string;
}> {
  const made = recordedMachine();
  const [first] = RAM_DISKS;
  const kernel = own
    ? useOwnDrbdsetup(made, [...RAM_DISKS, ...(first === undefined ? [] : [{ ...first, path: LONG_PATH }])])
    : made.kernel;
  const { commands, current } = announced(recordedScenario(name));
  const runs = watch(made, made.machine, current);
  try {
    const scenario = new Scenario(made.machine, kernel);
    await scenario.run(commands);
    await scenario.end();
    const results = await Promise.all(runs.map(({ program }) => program.result()));
    return {
      runs,
      results,
      end: stateOf(made.simulator.procDrbd() ?? ''),
      wrongStates: scenario.comparison.differences
        .filter(({ aspect }) => aspect === 'state')
        .map(({ id, expected, actual }) => `${id}: ${expected}; ${actual}`),
    };
  } finally {
    await made.close();
  }
}

/** What is recorded of 8.3.16, as Debian's says it. */
function asDebian(stdout: string): string {
  return versionDifferences
    .flatMap(({ stdout: pairs }) => pairs ?? [])
    .reduce((text, [recorded, debian]) => text.replaceAll(recorded, debian), stdout);
}

/** How far a resync has come depends on the moment; data generations are random, but made in the same order. */
function shown(command: string | undefined, stdout: string): string {
  const prose = withoutProse(command, asDebian(stdout));
  return JSON.stringify(prose)
    .replace(/(resynced_percent=\\"|_resynced_percent=)\d+\.\d/gu, '$1#')
    .replace(/"state",?/gu, '');
}

test.each(scenarios)('%s', async (name) => {
  const [genuine, ours] = await Promise.all([play(name, false), play(name, true)]);
  expect(ours.runs.map(({ argv }) => argv.join(' '))).toEqual(genuine.runs.map(({ argv }) => argv.join(' ')));
  const wrong: string[] = [];
  let compared = 0;
  genuine.runs.forEach(({ id, argv }, place) => {
    if (argv[0] !== 'drbdsetup' || onPurpose.has(id) || otherRelease.has(id) || consequences.has(id)) return;
    const [theirs, own] = [genuine.results[place], ours.results[place]];
    if (theirs === undefined || own === undefined) throw new Error(`${id} did not run`);
    compared++;
    if (theirs.exit !== own.exit)
      wrong.push(`${id} ${argv.join(' ')}: exit ${own.exit}, theirs ${theirs.exit}: ${own.stderr}${theirs.stderr}`);
    // Debian's ends its message about words too many, which is on standard error, on standard output.
    if (argv[2] === 'events' || (theirs.exit === 20 && theirs.stdout === '\n' && own.stdout === '')) return;
    const [there, here] = [shown(argv[2], theirs.stdout), shown(argv[2], own.stdout)];
    if (there !== here) wrong.push(`${id} ${argv.join(' ')}: prints ${here}, theirs ${there}`);
  });
  process.stdout.write(`${name}: ${compared} of ${genuine.runs.length} runs compared\n`);
  expect(wrong).toEqual([]);
  // A request that hangs has created its minor before: ours is refused, and has not.
  const refused = genuine.runs.flatMap(({ id, argv }) =>
    hangs.has(id) ? [argv[1]?.replace('/dev/drbd', '') ?? ''] : [],
  );
  const others = (state: string): readonly string[] =>
    state.split('\n').filter((line) => !refused.includes(line.split(' ')[0] ?? ''));
  expect(others(ours.end)).toEqual(others(genuine.end));
  // Where a simulated state is another than the recorded one, it is so for both, but for what ours refuses.
  expect(ours.wrongStates.filter((line) => !onPurpose.has(line.split(':')[0] ?? ''))).toEqual(genuine.wrongStates);
});
