import { administration, resourceAgent } from '../differential/scenarios/callers';
import { lifeCycle } from '../differential/scenarios/life-cycle';
import * as mirrors from '../differential/scenarios/mirror';
import { asProcesses } from '../differential/scenarios/processes';
import { shortLife } from '../differential/scenarios/short';
import { streams } from '../differential/scenarios/streams';
import { compareRuns, refusalNumbers } from '../support/differential/compare';
import { coverageOf } from '../support/differential/coverage';
import { Generations, normalise } from '../support/differential/normalise';
import {
  beyond,
  classify,
  numberOf,
  optionsOf,
  parseXmlHelp,
  settings,
  type OptionTable,
} from '../support/differential/options';
import {
  caller,
  command,
  refused,
  type Outcome,
  type Scenario,
  type ScenarioRecord,
  type Step,
  type StepRecord,
} from '../support/differential/scenario';

const outcome = (more: Partial<Outcome> = {}): Outcome => ({ exit: 0, stdout: '', stderr: '', ...more });
const run = (
  tool: 'genuine' | 'ours',
  records: readonly (Omit<StepRecord, 'seconds'> | Step)[],
  more: Partial<ScenarioRecord> = {},
): ScenarioRecord => ({
  scenario: 'one',
  tool,
  seconds: 0,
  records: records.map((record) => ({ ...('do' in record ? { step: record } : record), seconds: 0 })),
  ...more,
});
const states = {
  procDrbd: ' 0: cs:Connected ro:Primary/Secondary\n    ns:1 nr:2 oos:0\n',
  status: 'r0 role:Primary\n',
  show: 'resource r0 {\n}\n',
};

/** What is found between two runs of one step. */
const found = (step: Step, genuine: Partial<StepRecord>, ours: Partial<StepRecord>): readonly string[] =>
  compareRuns(run('genuine', [{ step, ...genuine }]), run('ours', [{ step, ...ours }])).map(({ what }) => what);

describe('the scenarios', () => {
  const scenarios: readonly Scenario[] = [
    lifeCycle,
    streams,
    asProcesses,
    administration,
    resourceAgent,
    shortLife,
  ].concat(Object.values(mirrors).filter((value): value is Scenario => 'steps' in value));

  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s: no state that is compared may be one of two, and no ping is waited for',
    (_, { steps }) => {
      const compared = steps.filter((step) => !('states' in step && step.states === false));
      const untils = compared.flatMap((step) => ('until' in step ? Object.values(step.until ?? {}) : []));
      expect(untils.filter((pattern) => pattern.includes('|'))).toEqual([]);
      const lines = steps.map((step) => ('argv' in step ? step.argv.join(' ') : ''));
      expect(
        lines.filter((line) => /--ping-timeout=(?:\d|1\d|20)\b/u.test(line) && !line.includes('--ping-int=120')),
      ).toEqual([]);
    },
  );
});

describe('the comparison of two runs', () => {
  test('misses no answer to a question that only ours is asked', () => {
    const step = command('role 0', { states: false });
    expect(found(step, {}, { outcome: outcome() })).toEqual(['run']);
    expect(found(step, {}, { outcome: outcome(), twin: outcome() })).toEqual([]);
    expect(found(step, {}, { outcome: outcome(), twin: outcome({ stdout: 'Primary\n' }) })).toEqual([
      'standard output in the same kernel',
    ]);
    expect(found(step, {}, { outcome: outcome({ exit: 10 }), twin: outcome({ exit: 10, stderr: '(158)' }) })).toEqual([
      'number on standard error in the same kernel',
    ]);
    // What the states do not tell is asked in both runs.
    expect(
      found(command('get-gi 0', { states: false }), { outcome: outcome({ stdout: 'x' }) }, { outcome: outcome() }),
    ).toEqual(['standard output']);
  });

  test('finds nothing where only counters and random numbers differ', () => {
    const [first, second] = ['1111111111111111', '2222222222222222'];
    const of = (id: string, counter: number): Partial<StepRecord> => ({
      outcome: outcome({ stdout: `${id}:0000000000000000:0000000000000004:${id}\n` }),
      states: { ...states, procDrbd: states.procDrbd.replace('ns:1', `ns:${counter}`) },
    });
    expect(found(command('get-gi 0'), of(first, 7), of(second, 8))).toEqual([]);
  });

  test('finds every kind of difference', () => {
    const step = command('primary 0');
    expect(found(step, { outcome: outcome() }, { outcome: outcome({ exit: 17 }) })).toEqual(['exit code']);
    expect(found(step, { outcome: outcome({ stdout: 'a' }) }, { outcome: outcome({ stdout: 'b' }) })).toEqual([
      'standard output',
    ]);
    expect(
      found(
        step,
        { outcome: outcome({ stderr: 'failed: (-2) what' }) },
        { outcome: outcome({ stderr: 'failed: (-1) what' }) },
      ),
    ).toEqual(['number on standard error']);
    for (const [name, what] of [
      ['procDrbd', '/proc/drbd'],
      ['status', 'status'],
      ['show', 'show'],
    ] as const) {
      expect(
        found(step, { outcome: outcome(), states }, { outcome: outcome(), states: { ...states, [name]: 'other' } }),
      ).toEqual([what]);
    }
    expect(found(step, { outcome: outcome() }, { outcome: outcome(), twin: outcome({ stdout: 'x' }) })).toEqual([
      'standard output in the same kernel',
    ]);
    expect(found(step, { outcome: outcome() }, { outcome: outcome(), twin: outcome({ exit: 1 }) })).toEqual([
      'exit code in the same kernel',
    ]);
    expect(
      found(caller('drbdadm up r0'), { outcome: outcome({ calls: 'up r0\n' }) }, { outcome: outcome({ calls: '' }) }),
    ).toEqual(['calls']);
  });

  test('a generation that is the same in one run and not in the other is a difference', () => {
    const [first, second] = ['1111111111111110', '2222222222222220'];
    expect(
      found(
        command('get-gi 0'),
        { outcome: outcome({ stdout: `${first}:${first}` }) },
        { outcome: outcome({ stdout: `${first}:${second}` }) },
      ),
    ).toEqual(['standard output']);
  });

  test('a refusal must end with 20 and send nothing', () => {
    const step = refused('attach 0 --al-extents=1');
    expect(found(step, {}, { outcome: outcome({ exit: 20, requests: 0 }) })).toEqual([]);
    expect(found(step, {}, { outcome: outcome({ exit: 20, requests: 1 }) })).toEqual(['refusal']);
    expect(found(step, {}, { outcome: outcome({ exit: 0, requests: 0 }) })).toEqual(['refusal']);
    expect(
      found(step, { states }, { outcome: outcome({ exit: 20, requests: 0 }), states: { ...states, show: '' } }),
    ).toEqual(['show']);
  });

  test('a run that stopped is a difference, however far it came', () => {
    expect(compareRuns(run('genuine', []), run('ours', [], { failure: 'it hung' }))).toMatchObject([
      { what: 'run', got: 'it hung' },
    ]);
    expect(
      compareRuns(run('genuine', [command('status'), command('show')]), run('ours', [command('status')])),
    ).toMatchObject([{ what: 'run' }]);
  });

  test('numbers of refusals', () => {
    expect(refusalNumbers('0: Failure: (127) what\nadditional (text)')).toEqual(['127']);
    expect(refusalNumbers('State change failed: (-16)')).toEqual(['-16']);
  });

  test('generations are named in their order, without their lowest bit', () => {
    const names = new Generations();
    expect(normalise('AAAAAAAAAAAAAAAB:0000000000000004:BBBBBBBBBBBBBBB0:AAAAAAAAAAAAAAAA', names)).toBe(
      '<generation 1>:0000000000000004:<generation 2>:<generation 1>',
    );
  });
});

const xml = `<command name="attach">
  <argument>minor</argument>
  <option name="al-extents" type="numeric"><min>67</min><max>65534</max><default>1237</default><unit_prefix>1</unit_prefix></option>
  <option name="resync-rate" type="numeric"><min>1</min><max>4194304</max><default>250</default><unit_prefix>k</unit_prefix></option>
  <option name="on-io-error" type="handler"><handler>pass_on</handler><handler>detach</handler></option>
  <option name="disk-drain" type="boolean"><default>yes</default></option>
  <option name="set-defaults" type="flag"></option>
</command>`;

describe('the coverage', () => {
  const table = parseXmlHelp(xml);
  const option = (name: string): OptionTable => table.options.find((one) => one.name === name) as OptionTable;

  test('tells which end of its range an option is set to', () => {
    expect(table).toMatchObject({ name: 'attach', arguments: ['minor'] });
    expect(numberOf('4G', option('resync-rate'))).toBe(4194304n);
    expect(classify(option('al-extents'), '67')).toEqual(['min']);
    expect(classify(option('al-extents'), '66')).toEqual(['out of range']);
    expect(classify(option('al-extents'), '100')).toEqual([]);
    expect(classify(option('resync-rate'), '4096M')).toEqual(['max']);
    expect(classify(option('on-io-error'), 'detach')).toEqual(['max', 'default']);
    expect(classify(option('disk-drain'), undefined)).toEqual(['max', 'default']);
    expect(
      [...optionsOf(['attach', '0', '--al-extents=1237'], table)].map(([{ name }, classes]) => [name, ...classes]),
    ).toContainEqual(['al-extents', 'default']);
  });

  test('names every hole, and none once all was done', () => {
    const steps = (lines: readonly string[], exit: number, more: Partial<Step> = {}): readonly StepRecord[] =>
      lines.map((line) => ({ step: { ...command(line), ...more } as Step, outcome: outcome({ exit }), seconds: 0 }));
    const whole: ScenarioRecord = {
      scenario: 'one',
      tool: 'ours',
      seconds: 0,
      records: [
        ...steps(['attach 0'], 0, { process: true } as Partial<Step>),
        ...steps(['attach 1'], 10),
        ...table.options.flatMap((one) =>
          steps(
            settings(one).map((setting) => `attach 0 ${setting}`),
            0,
          ),
        ),
        ...table.options.flatMap((one) =>
          beyond(one).map(({ setting }): StepRecord => ({
            step: refused(`attach 0 ${setting}`),
            outcome: outcome({ exit: 20 }),
            seconds: 0,
          })),
        ),
      ],
    };
    expect(coverageOf([whole], [table]).holes).toEqual([]);
    expect(coverageOf([], [table]).holes).toHaveLength(3 + 5 * 4);
    const without = {
      ...whole,
      records: whole.records.filter(({ step }) => !('argv' in step) || !step.argv.includes('--al-extents=65534')),
    };
    expect(coverageOf([without], [table]).holes).toEqual(['attach --al-extents: max']);
    // A value that did not come as far as the object says nothing of the option.
    for (const lost of [
      outcome({ exit: 20 }),
      outcome({ exit: 10, stderr: '0: Failure: (127) Device minor not allocated\n' }),
    ]) {
      const failed = {
        ...whole,
        records: whole.records.map((record) =>
          'argv' in record.step && record.step.argv.includes('--al-extents=65534')
            ? { ...record, outcome: lost }
            : record,
        ),
      };
      expect(coverageOf([failed], [table]).holes).toEqual(['attach --al-extents: max']);
    }
  });
});
