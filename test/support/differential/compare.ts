import { Generations, normalise } from './normalise';
import {
  isAskedOnce,
  type CommandStep,
  type Outcome,
  type ScenarioRecord,
  type States,
  type Step,
  type StepRecord,
} from './scenario';

/** What is not the same in two runs. */
export interface Difference {
  readonly scenario: string;
  readonly step: string;
  readonly what:
    | 'exit code'
    | 'standard output'
    | 'number on standard error'
    | 'calls'
    | 'standard output in the same kernel'
    | 'exit code in the same kernel'
    | 'number on standard error in the same kernel'
    | '/proc/drbd'
    | 'status'
    | 'show'
    | 'run'
    | 'refusal';
  readonly expected: string;
  readonly got: string;
}

/** Numbers of the kernel's refusals on standard error: (158), (-2). */
export function refusalNumbers(stderr: string): readonly string[] {
  return [...stderr.matchAll(/\((-?\d+)\)/gu)].map((match) => match[1] ?? '');
}

export function describe(step: Step): string {
  switch (step.do) {
    case 'command':
    case 'refused':
    case 'program':
    case 'caller':
      return `${step.do === 'program' || step.do === 'caller' ? '$ ' : ''}${step.argv.map((word) => (word === '' || word.includes(' ') ? JSON.stringify(word) : word)).join(' ')}`;
    case 'follow':
      return `follow ${step.argv.join(' ')}`;
    case 'unfollow':
      return `end of ${step.id}`;
    case 'hold':
    case 'release':
      return `${step.do} ${step.path}`;
    case 'settle':
      return `settle ${JSON.stringify(step.until)}`;
  }
}

/**
 * Compares two runs of a scenario, and in the run of ours each answer with the genuine program's in the same kernel.
 * @returns what differs, empty if nothing does
 */
export function compareRuns(genuine: ScenarioRecord, ours: ScenarioRecord): readonly Difference[] {
  const found: Difference[] = [];
  const scenario = genuine.scenario;
  for (const run of [genuine, ours])
    if (run.failure !== undefined)
      found.push({
        scenario,
        step: '',
        what: 'run',
        expected: `the run with ${run.tool === 'ours' ? 'ours' : 'the genuine one'} comes to its end`,
        got: run.failure,
      });
  if (genuine.failure === undefined && ours.failure === undefined && genuine.records.length !== ours.records.length)
    found.push({
      scenario,
      step: '',
      what: 'run',
      expected: `${genuine.records.length} steps`,
      got: `${ours.records.length} steps`,
    });
  const [expectedNames, gotNames] = [new Generations(), new Generations()];
  const steps = Math.min(genuine.records.length, ours.records.length);
  for (let index = 0; index < steps; index++) {
    const [expected, got] = [genuine.records[index] as StepRecord, ours.records[index] as StepRecord];
    const step = `${index}: ${describe(expected.step)}`;
    const differ = (what: Difference['what'], before: string, after: string): void => {
      if (before !== after) found.push({ scenario, step, what, expected: before, got: after });
    };
    if (expected.step.do === 'refused') {
      if (ours.tool === 'ours')
        differ(
          'refusal',
          'exit code 20, 0 requests, nothing on standard output',
          `exit code ${got.outcome?.exit ?? 'none'}, ${got.outcome?.requests ?? 'no'} requests, ${got.outcome?.stdout === '' ? 'nothing' : 'something'} on standard output`,
        );
    } else if (expected.step.do === 'caller' && expected.outcome !== undefined && got.outcome !== undefined) {
      differ(
        'exit code',
        String(expected.outcome.exit),
        `${got.outcome.exit}${expected.outcome.exit === got.outcome.exit ? '' : ` (${got.outcome.stderr.trim()})`}`,
      );
      differ(
        'standard output',
        normalise(machineRead(expected.step.argv, expected.outcome.stdout), expectedNames),
        normalise(machineRead(expected.step.argv, got.outcome.stdout), gotNames),
      );
      differ('calls', expected.outcome.calls ?? '', got.outcome.calls ?? '');
    } else if (isAskedOnce(expected.step) && ours.tool === 'ours') {
      differ('run', 'an answer of the genuine one', got.twin === undefined ? 'none' : 'an answer of the genuine one');
    } else if (expected.step.do === 'command' && expected.outcome !== undefined && got.outcome !== undefined) {
      compareOutcomes(expected.step, expected.outcome, got.outcome, [expectedNames, gotNames], differ);
    }
    // An end by SIGTERM is no answer; one that came by itself is.
    if (expected.step.do === 'unfollow' && expected.step.ends === true)
      differ('exit code', String(expected.outcome?.exit), String(got.outcome?.exit));
    if (expected.step.do === 'unfollow' && got.twin !== undefined)
      differ('standard output in the same kernel', stream(got.twin.stdout), stream(got.outcome?.stdout ?? ''));
    else if (got.twin !== undefined && got.outcome !== undefined)
      compareTwins(expected.step, got.outcome, got.twin, differ);
    if (expected.states !== undefined && got.states !== undefined) {
      const say = (states: States, names: Generations): readonly string[] =>
        [states.procDrbd, states.status, states.show].map((text) => normalise(text, names));
      const [before, after] = [say(expected.states, expectedNames), say(got.states, gotNames)];
      for (const [position, what] of (['/proc/drbd', 'status', 'show'] as const).entries())
        differ(what, before[position] ?? '', after[position] ?? '');
    }
  }
  return found;
}

/** Of show-gi, whose explanations are for people, what programs read of it. */
function machineRead(words: readonly string[], stdout: string): string {
  return words.some((word) => /\bshow-gi\b/u.test(word))
    ? stdout
        .split('\n')
        .filter((line) => /^(?:[0-9A-F]{16}:|flags:|meta-data:|<generation)/u.test(line))
        .join('\n')
    : stdout;
}

function compareOutcomes(
  step: CommandStep,
  expected: Outcome,
  got: Outcome,
  [expectedNames, gotNames]: readonly [Generations, Generations],
  differ: (what: Difference['what'], before: string, after: string) => void,
): void {
  differ(
    'exit code',
    String(expected.exit),
    `${got.exit}${expected.exit === got.exit ? '' : ` (${got.stderr.trim()})`}`.replace(/ \(\)$/u, ''),
  );
  if (step.loose !== true && expected.exit !== 20)
    differ(
      'standard output',
      normalise(machineRead(step.argv, expected.stdout), expectedNames),
      normalise(machineRead(step.argv, got.stdout), gotNames),
    );
  for (const number of refusalNumbers(expected.stderr))
    if (!refusalNumbers(got.stderr).includes(number)) differ('number on standard error', `(${number})`, got.stderr);
}

/**
 * A stream without what is a program's own: the time at which it heard, its own sequence number for what was there at
 * first, and the note that messages about other resources were skipped.
 */
function stream(text: string): string {
  return text
    .replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+[+-]\d\d:\d\d/gmu, '<time>')
    .replace(/^(\d+) .*\n(?:\1 .*\n)*/u, (first) => first.replace(/^\d+ /gmu, '<own sequence> '))
    .replace(/^(?:<time> )?- skipped \d+\n/gmu, '');
}

function compareTwins(
  step: Step,
  got: Outcome,
  twin: Outcome,
  differ: (what: Difference['what'], before: string, after: string) => void,
): void {
  const words = 'argv' in step ? step.argv : [];
  const moment = (text: string): string =>
    machineRead(words, text).replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+/gmu, '<time>');
  differ('exit code in the same kernel', String(twin.exit), String(got.exit));
  if (twin.exit !== 20) differ('standard output in the same kernel', moment(twin.stdout), moment(got.stdout));
  for (const number of refusalNumbers(twin.stderr))
    if (!refusalNumbers(got.stderr).includes(number))
      differ('number on standard error in the same kernel', `(${number})`, got.stderr);
}
