import { capturedRefusals, capturedScenarios, refusalKey } from './scenarios/captured';
import { administration, resourceAgent } from './scenarios/callers';
import { lifeCycle } from './scenarios/life-cycle';
import { detachAndAttach, fencing, ipv6, many, reconnect, resize, splitBrain, suspend, twoPrimaries, twoVolumes, verifyAndResync } from './scenarios/mirror';
import { optionScenarios } from './scenarios/options';
import { asProcesses, descriptions } from './scenarios/processes';
import { streams } from './scenarios/streams';
import { compareRuns } from '../support/differential/compare';
import { coverageOf } from '../support/differential/coverage';
import { runScenario } from '../support/differential/kernel';
import { genuineCommands } from '../support/differential/options';
import type { Scenario, ScenarioRecord } from '../support/differential/scenario';

/** The limit of one run, its boot included; and of the two that run side by side. */
const RUN_SECONDS = 150;
const TEST_MS = (RUN_SECONDS + 30) * 1000;

const tables = genuineCommands();

const scenarios: readonly Scenario[] = [
  descriptions(tables.map(({ name }) => name)),
  ...capturedScenarios(tables),
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

/** Each scenario goes through two fresh kernels, side by side: once with the genuine drbdsetup of drbd-utils, once with ours. */
describe('the genuine drbdsetup and ours do the same', () => {
  const runs: ScenarioRecord[] = [];

  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    async (name, scenario) => {
      const start = performance.now();
      const [genuine, ours] = await Promise.all([runScenario(scenario, 'genuine', { seconds: RUN_SECONDS }), runScenario(scenario, 'ours', { seconds: RUN_SECONDS })]);
      process.stdout.write(`${name.padEnd(26)} ${String(scenario.steps.length).padStart(4)} steps, ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
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
    const met = new Set(runs.flatMap(({ records }) => records.flatMap(({ step, outcome }) => (step.do === 'command' && outcome !== undefined ? [refusalKey(step.argv, outcome.exit, outcome.stderr)] : []))));
    const recorded = [...capturedRefusals()].sort();
    process.stdout.write(`refusals by the kernel, as command, exit code and number: ${recorded.join(', ')}\n`);
    expect(recorded.filter((key) => !met.has(key))).toEqual([]);
  });
});
