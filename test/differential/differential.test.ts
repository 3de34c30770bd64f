import { capturedRefusals, capturedScenarios, refusalKey } from './scenarios/captured';
import { administration, resourceAgent } from './scenarios/callers';
import { lifeCycle } from './scenarios/life-cycle';
import {
  detachAndAttach,
  fencing,
  ipv6,
  many,
  reconnect,
  resize,
  splitBrain,
  suspend,
  twoPrimaries,
  twoVolumes,
  verifyAndResync,
} from './scenarios/mirror';
import { optionScenarios } from './scenarios/options';
import { asProcesses, descriptions } from './scenarios/processes';
import { deadlock, shortLife } from './scenarios/short';
import { streams } from './scenarios/streams';
import { oddWords } from './scenarios/words';
import { compareRuns } from '../support/differential/compare';
import { coverageOf } from '../support/differential/coverage';
import { runJobs, type Job } from '../support/differential/kernel';
import { genuineCommands } from '../support/differential/options';
import type { Scenario, ScenarioRecord } from '../support/differential/scenario';

/** Limits against what hangs, far above what anything takes. */
const BOOT_SECONDS = 900;
const TEST_MS = 1_600_000;

/**
 * Kernels at once, since each waits half of its time; and the steps of one before the next is booted: few boots, evenly
 * shared.
 */
const WIDTH = 4;
const STEPS = 600;

/** For work on the scenarios: a part of the names of those to run, without the tests of what all of them cover. */
const ONLY = process.env['NODE_DRBD_SCENARIOS'];

/** Emulation is slow, and its kernel a large download. */
const QEMU = process.env['CI'] !== undefined || process.env['NODE_DRBD_QEMU'] !== undefined;

const tables = genuineCommands();

const all: readonly Scenario[] = [
  descriptions(tables.map(({ name }) => name)),
  ...capturedScenarios(tables),
  oddWords(tables),
  lifeCycle,
  verifyAndResync,
  twoVolumes,
  ipv6,
  resize,
  splitBrain,
  twoPrimaries,
  fencing,
  suspend,
  detachAndAttach,
  reconnect,
  ...optionScenarios(tables),
  streams,
  many,
  administration,
  resourceAgent,
  asProcesses,
];
const scenarios = all.filter(({ name }) => ONLY === undefined || name.includes(ONLY));
const testWhole = ONLY === undefined ? test : test.skip;

/**
 * Each scenario goes through two kernels, side by side: once with the genuine drbdsetup of drbd-utils, once with ours.
 */
describe('the genuine drbdsetup and ours do the same', () => {
  const runs: ScenarioRecord[] = [];
  const pairs = new Map<Scenario, readonly [Promise<ScenarioRecord>, Promise<ScenarioRecord>]>();
  let alone: Promise<ScenarioRecord>;

  /** Runs those whose tests are asked for, all in as few kernels as possible. */
  beforeAll(() => {
    const jobs: Job[] = scenarios.flatMap((scenario): readonly Job[] => [
      { scenario, tool: 'ours' },
      { scenario, tool: 'genuine' },
    ]);
    const records = runJobs([...jobs, { scenario: deadlock, tool: 'ours' }], {
      seconds: BOOT_SECONDS,
      width: WIDTH,
      steps: STEPS,
    });
    const at = (index: number): Promise<ScenarioRecord> => records[index] as Promise<ScenarioRecord>;
    for (const [index, scenario] of scenarios.entries()) pairs.set(scenario, [at(2 * index + 1), at(2 * index)]);
    alone = at(jobs.length);
  });

  const compare = async (
    pair: readonly [Promise<ScenarioRecord>, Promise<ScenarioRecord>],
  ): Promise<ScenarioRecord> => {
    const [genuine, ours] = await Promise.all(pair);
    process.stdout.write(
      `${genuine.scenario.padEnd(26)} ${String(genuine.records.length).padStart(4)} steps, ${genuine.seconds.toFixed(1)} s and ${ours.seconds.toFixed(1)} s\n`,
    );
    expect(compareRuns(genuine, ours)).toEqual([]);
    return ours;
  };

  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    async (_, scenario) => {
      runs.push(await compare(pairs.get(scenario) ?? [alone, alone]));
    },
    TEST_MS,
  );

  testWhole('every command and every value of every option was compared', () => {
    const coverage = coverageOf(runs, tables);
    process.stdout.write(`${coverage.text}\n`);
    expect(coverage.holes).toEqual([]);
  });

  testWhole('every refusal that was ever recorded was met again', () => {
    const met = new Set(
      runs.flatMap(({ records }) =>
        records.flatMap(({ step, outcome }) =>
          step.do === 'command' && outcome !== undefined ? [refusalKey(step.argv, outcome.exit, outcome.stderr)] : [],
        ),
      ),
    );
    const recorded = [...capturedRefusals()].sort();
    process.stdout.write(`refusals by the kernel, as command, exit code and number: ${recorded.join(', ')}\n`);
    expect(recorded.filter((key) => !met.has(key))).toEqual([]);
  });

  test(
    'what would stop the kernel for good is refused, and the kernel goes on',
    async () => {
      const { failure, records } = await alone;
      expect(failure).toBeUndefined();
      expect(
        records.map(({ step, outcome }) => [step.do === 'command' ? step.argv.join(' ') : '', outcome?.exit]),
      ).toEqual([
        ['new-resource r0', 0],
        ['new-minor r0 0 0', 0],
        ['suspend-io 0', 20],
        ['status', 0],
        ['new-resource r1', 0],
        ['role 0', 0],
        ['down r0', 0],
        ['down r1', 0],
      ]);
    },
    TEST_MS,
  );

  (QEMU ? test : test.skip)(
    "in Debian's stock kernel under QEMU (where CI is set, or NODE_DRBD_QEMU)",
    async () => {
      const [genuine, ours] = runJobs(
        [
          { scenario: shortLife, tool: 'genuine' },
          { scenario: shortLife, tool: 'ours' },
        ],
        { seconds: BOOT_SECONDS, qemu: true, width: 1, steps: STEPS },
      ) as [Promise<ScenarioRecord>, Promise<ScenarioRecord>];
      await compare([genuine, ours]);
    },
    TEST_MS,
  );
});
