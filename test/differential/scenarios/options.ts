import { beyond, settings, type CommandTable } from '../../support/differential/options';
import {
  attached,
  both,
  command,
  commands,
  left,
  mirrored,
  type Scenario,
  type Step,
} from '../../support/differential/scenario';

const ends = `${left.my} ${left.peer}`;

/** How each command with options is given one of them, and how the next one finds the same beginning. */
interface Trial {
  readonly scenario: string;
  readonly command: string;
  /** The command line without the option. */
  readonly line: string;
  readonly before?: readonly Step[];
  readonly after?: readonly Step[];
}

const trials: readonly Trial[] = [
  {
    scenario: 'options of resources',
    command: 'new-resource',
    line: 'new-resource r0',
    after: [command('del-resource r0', { states: false })],
  },
  { scenario: 'options of resources', command: 'resource-options', line: 'resource-options other' },
  { scenario: 'options of disks', command: 'disk-options', line: 'disk-options 0' },
  {
    scenario: 'options of attaching',
    command: 'attach',
    line: `attach 0 ${left.disk} ${left.disk} internal`,
    after: [command('detach 0', { states: false })],
  },
  { scenario: 'options of links', command: 'net-options', line: `net-options ${ends}` },
  {
    scenario: 'options of connecting',
    command: 'connect',
    line: `connect r0 ${ends}`,
    after: [command(`disconnect ${ends}`, { states: false })],
  },
  {
    scenario: 'options of commands',
    command: 'primary',
    line: 'primary 0',
    after: [command('secondary 0', { states: false })],
  },
  { scenario: 'options of commands', command: 'new-current-uuid', line: 'new-current-uuid 0' },
  { scenario: 'options of commands', command: 'resize', line: 'resize 0' },
  {
    scenario: 'options of commands',
    command: 'detach',
    line: 'detach 0',
    after: [command('attach 0 /dev/ram0 /dev/ram0 internal', { states: false })],
  },
  {
    scenario: 'options of commands',
    command: 'disconnect',
    line: `disconnect ${ends}`,
    before: [command(`connect r0 ${ends}`, { states: false })],
  },
  { scenario: 'options of a mirror', command: 'verify', line: 'verify 0' },
  { scenario: 'options of a mirror', command: 'wait-connect', line: 'wait-connect 0' },
  { scenario: 'options of a mirror', command: 'wait-sync', line: 'wait-sync 0' },
  { scenario: 'options of a mirror', command: 'show', line: 'show r0' },
  { scenario: 'options of a mirror', command: 'status', line: 'status r0' },
  { scenario: 'options of a mirror', command: 'events2', line: 'events2 r0 --now' },
];

const beginnings: Readonly<Record<string, readonly Step[]>> = {
  'options of resources': commands('new-resource other'),
  // A minor that does not exist: the recorded command that meets this refusal has an option that only ours takes.
  'options of disks': [...attached(left), command('disk-options 99 --resync-rate=4096')],
  'options of attaching': [...attached(left), command('detach 0')],
  'options of links': [...attached(left), command(`connect r0 ${ends}`, { until: { 0: 'cs:WFConnection' } })],
  'options of connecting': attached(left),
  'options of commands': attached(left),
  'options of a mirror': mirrored(),
};

/**
 * Every option of every command at both ends of its range, with all its words and its standard value, and beyond its
 * range.
 * @param tables the commands with their options
 */
export function optionScenarios(tables: readonly CommandTable[]): readonly Scenario[] {
  return Object.entries(beginnings).map(([name, beginning]) => ({
    name,
    about: `every value of ${trials
      .filter((trial) => trial.scenario === name)
      .map((trial) => trial.command)
      .join(', ')}`,
    steps: [
      ...beginning,
      ...trials
        .filter((trial) => trial.scenario === name)
        .flatMap((trial) =>
          trialSteps(
            trial,
            tables.find((table) => table.name === trial.command),
          ),
        ),
    ],
  }));
}

/** What the kernel takes from either program, but with an assertion in its log, which no run may have. */
const ASSERTED: readonly string[] = ['disk-options 0 --resync-rate=0'];

function trialSteps(trial: Trial, table: CommandTable | undefined): readonly Step[] {
  if (table === undefined) throw new Error(`the genuine program has no command ${trial.command}`);
  const until = trial.scenario === 'options of a mirror' ? { until: both('cs:Connected') } : {};
  const give = (option: string): Step => ({ do: 'command', argv: [...trial.line.split(' '), option], ...until });
  return table.options.flatMap((option) => [
    ...beyond(option).flatMap(({ setting, fits }): readonly Step[] =>
      ASSERTED.includes(`${trial.line} ${setting}`)
        ? []
        : fits
          ? [...(trial.before ?? []), give(setting), ...(trial.after ?? [])]
          : [{ do: 'refused', argv: [...trial.line.split(' '), setting] }],
    ),
    ...settings(option)
      .filter((setting) => !trial.line.endsWith(` ${setting}`))
      .flatMap((setting) => [...(trial.before ?? []), give(setting), ...(trial.after ?? [])]),
  ]);
}
