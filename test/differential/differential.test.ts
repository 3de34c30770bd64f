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
import { runScenario } from '../support/differential/kernel';
import { genuineCommands } from '../support/differential/options';
import type { Scenario, ScenarioRecord } from '../support/differential/scenario';

/** The limit of one run, its boot included; and of the two that run side by side. */
const RUN_SECONDS = 150;
const TEST_MS = (RUN_SECONDS + 30) * 1000;

/** Emulation is slow, and its kernel a large download. */
const QEMU_SECONDS = 200;
const QEMU = process.env['CI'] !== undefined || process.env['NODE_DRBD_QEMU'] !== undefined;

const tables = genuineCommands();

const scenarios: readonly Scenario[] = [
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

/**
 * Each scenario goes through two fresh kernels, side by side: once with the genuine drbdsetup of drbd-utils, once with
 * ours.
 */
describe('the genuine drbdsetup and ours do the same', () => {
  const runs: ScenarioRecord[] = [];

  const runBoth = (
    scenario: Scenario,
    options: Parameters<typeof runScenario>[2],
  ): Promise<readonly [ScenarioRecord, ScenarioRecord]> =>
    Promise.all([runScenario(scenario, 'genuine', options), runScenario(scenario, 'ours', options)]);

  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    async (name, scenario) => {
      const start = performance.now();
      const [genuine, ours] = await runBoth(scenario, { seconds: RUN_SECONDS });
      process.stdout.write(
        `${name.padEnd(26)} ${String(scenario.steps.length).padStart(4)} steps, ${((performance.now() - start) / 1000).toFixed(1)} s\n`,
      );
      expect(compareRuns(genuine, ours)).toEqual([]);
      runs.push(ours);
    },
    TEST_MS,
  );

  test('every command and every value of every option was compared', () => {
    const coverage = coverageOf(runs, tables);
    process.stdout.write(`${coverage.text}\n`);
    expect(coverage.holes).toEqual([]);
  });

  test('every refusal that was ever recorded was met again', () => {
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
      const { failure, records } = await runScenario(deadlock, 'ours', { seconds: RUN_SECONDS });
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
      const [genuine, ours] = await runBoth(shortLife, { seconds: QEMU_SECONDS, qemu: true });
      expect(compareRuns(genuine, ours)).toEqual([]);
    },
    2 * QEMU_SECONDS * 1000,
  );
});
