/**
 * A scenario is data: steps that a kernel goes through, once with the genuine drbdsetup and once with ours. It travels
 * into the guest as JSON, so there is nothing in it but strings, numbers and lists.
 */
export interface Scenario {
  readonly name: string;
  /** What it is about, in one line. */
  readonly about: string;
  /** The module of the disks, with its parameters after a blank, where it is not to have the usual ones. */
  readonly disks?: string;
  readonly steps: readonly Step[];
}

/**
 * What /proc/drbd must say of minors before a step is over, as patterns for the line that begins with the minor's
 * number.
 */
export type Until = Readonly<Record<number, string>>;

/**
 * A command of the tool under test. Exit code, standard output, the numbers on standard error and the states after it
 * are compared.
 */
export interface CommandStep {
  readonly do: 'command';
  readonly argv: readonly string[];
  /** Ours runs as a process of its own instead of through its main function. */
  readonly process?: true;
  readonly until?: Until;
  /** The kernel's states are not captured afterwards: more of the same follows. */
  readonly states?: false;
  /** The output depends on the moment: only the exit code and the states are compared. */
  readonly loose?: true;
}

/**
 * A command that ours must refuse by itself: exit code 20, nothing changed. The genuine one sends it to the kernel, so
 * it is not asked.
 */
export interface RefusedStep {
  readonly do: 'refused';
  readonly argv: readonly string[];
}

/** Another program, such as drbdmeta, that must succeed in both runs. */
export interface ProgramStep {
  readonly do: 'program';
  readonly argv: readonly string[];
  /** The exit code that it must have, if not 0. */
  readonly exit?: number;
  /** A number of attempts, one every fifth of a second, for what takes its time. */
  readonly attempts?: number;
}

/**
 * A program of others that calls drbdsetup by its name, which is the tool under test. Its exit code and output are
 * compared, what it called, and the states after it.
 */
export interface CallerStep {
  readonly do: 'caller';
  readonly argv: readonly string[];
  readonly until?: Until;
}

/** A file or device that is opened for reading and writing and kept open until it is released. */
export interface HoldStep {
  readonly do: 'hold' | 'release';
  readonly path: string;
}

/** Waits until the kernel is at rest and says this. */
export interface SettleStep {
  readonly do: 'settle';
  readonly until: Until;
}

/**
 * A command of the tool under test that goes on beside the others, such as events2, as a process of its own; and its
 * end by SIGTERM.
 */
export interface FollowStep {
  readonly do: 'follow';
  readonly id: string;
  readonly argv: readonly string[];
}
export interface UnfollowStep {
  readonly do: 'unfollow';
  readonly id: string;
  /** It ends by itself: its exit code is compared. */
  readonly ends?: true;
}

export type Step =
  CommandStep | RefusedStep | ProgramStep | CallerStep | HoldStep | SettleStep | FollowStep | UnfollowStep;

/** Questions that change nothing, whose answers the genuine program can give a second time. */
const QUESTIONS: ReadonlySet<string> = new Set([
  'role',
  'state',
  'cstate',
  'dstate',
  'show-gi',
  'get-gi',
  'show',
  'status',
  'sh-status',
  'check-resize',
  'xml-help',
]);

export const isQuestion = (argv: readonly string[]): boolean =>
  QUESTIONS.has(argv[0] ?? '') || (argv[0] === 'events2' && argv.some((word) => word === '--now' || word === '-n'));

/** Whose answers tell more than the states that are compared after each change. */
const BEYOND_STATES: ReadonlySet<string> = new Set(['show-gi', 'get-gi', 'check-resize']);

/**
 * A question that is asked in the run of ours only, where the genuine program answers it too: in the other run it would
 * tell nothing that the states do not.
 */
export const isAskedOnce = (step: Step): boolean =>
  step.do === 'command' &&
  step.states === false &&
  step.loose !== true &&
  step.until === undefined &&
  isQuestion(step.argv) &&
  !BEYOND_STATES.has(step.argv[0] ?? '');

/** Which program a run is of. */
export type Tool = 'genuine' | 'ours';

/** What a program did. */
export interface Outcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Requests to the family of DRBD, where they were counted. */
  readonly requests?: number;
  /** The command lines of drbdsetup that it called, one a line. */
  readonly calls?: string;
}

/**
 * What the kernel says: /proc/drbd, and `status --verbose --statistics` and `show` by the genuine drbdsetup in either
 * run.
 */
export interface States {
  readonly procDrbd: string;
  readonly status: string;
  readonly show: string;
}

/** What happened in one step. */
export interface StepRecord {
  readonly step: Step;
  readonly outcome?: Outcome;
  /**
   * The genuine program's answer to the same question, in the same kernel right afterwards: nothing in it may differ.
   */
  readonly twin?: Outcome;
  readonly states?: States;
  readonly seconds: number;
}

export interface ScenarioRecord {
  readonly scenario: string;
  readonly tool: Tool;
  readonly seconds: number;
  readonly records: readonly StepRecord[];
  /** What stopped the run before its end. */
  readonly failure?: string;
}

const words = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

/** A command of the tool under test, its words parted by blanks. */
export function command(text: string, more: Partial<Omit<CommandStep, 'do' | 'argv'>> = {}): CommandStep {
  return { do: 'command', argv: words(text), ...more };
}

/** Several commands, one a line. */
export function commands(text: string): readonly CommandStep[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => command(line));
}

/** The same commands as processes of their own. */
export function processes(text: string): readonly CommandStep[] {
  return commands(text).map((step) => ({ ...step, process: true }));
}

export function refused(text: string): RefusedStep {
  return { do: 'refused', argv: words(text) };
}

export function program(text: string, more: Partial<Omit<ProgramStep, 'do' | 'argv'>> = {}): ProgramStep {
  return { do: 'program', argv: words(text), ...more };
}

/** A program that a shell runs. */
export function shell(text: string, more: Partial<Omit<ProgramStep, 'do' | 'argv'>> = {}): ProgramStep {
  return { do: 'program', argv: ['sh', '-c', text], ...more };
}

/** Waits until a line of /proc/drbd is like this, whichever minor's it is. */
export const someMinor = (pattern: string): ProgramStep =>
  shell(`grep -Eq '^ *[0-9]+: ${pattern}' /proc/drbd`, { attempts: 900 });

/** A program that calls drbdsetup, as a shell's command line. */
export const caller = (text: string, until: Until = {}): CallerStep => ({
  do: 'caller',
  argv: ['sh', '-c', text],
  until,
});

export const settle = (until: Until): SettleStep => ({ do: 'settle', until });
export const hold = (path: string): HoldStep => ({ do: 'hold', path });
export const release = (path: string): HoldStep => ({ do: 'release', path });
export const follow = (id: string, text: string): FollowStep => ({ do: 'follow', id, argv: words(text) });
export const unfollow = (id: string, more: { readonly ends?: true } = {}): UnfollowStep => ({
  do: 'unfollow',
  id,
  ...more,
});

/** Writes metadata as drbdadm would. */
export const createMetadata = (minor: number, disk: string, layout = 'internal'): ProgramStep =>
  program(`drbdmeta --force ${minor} v08 ${disk} ${layout} create-md`);

/** The end of a pair of addresses on this machine's loopback. */
export const address = (port: number): string => `ipv4:127.0.0.1:${port}`;

export interface Side {
  readonly resource: string;
  readonly minor: number;
  readonly disk: string;
  readonly my: string;
  readonly peer: string;
}

/** Two sides that mirror each other in one kernel. */
export const left: Side = { resource: 'r0', minor: 0, disk: '/dev/ram0', my: address(7788), peer: address(7789) };
export const right: Side = { resource: 'r1', minor: 1, disk: '/dev/ram1', my: address(7789), peer: address(7788) };

/** Every question that drbdsetup answers about the kernel. */
export function questions(resource: string, minor: number): readonly CommandStep[] {
  return commands(`
    role ${minor}
    cstate ${minor}
    dstate ${minor}
    state ${minor}
    show-gi ${minor}
    get-gi ${minor}
    show ${resource}
    show ${minor}
    show all
    show
    show ${resource} --show-defaults
    status
    status all
    status ${resource}
    status ${resource} --verbose
    status --verbose --statistics
    status ${resource} --verbose --statistics
    status ${resource} --statistics --color=always
    status --color=never
    sh-status
    sh-status all
    sh-status ${minor}
    sh-status ${resource}
    check-resize ${minor}
    events2 --now
    events2 all --now
    events2 ${resource} --now --statistics
    events2 --now --statistics --timestamps
  `).map((step): CommandStep => ({ ...step, states: false }));
}

/** A resource with one volume on a disk with fresh metadata. */
export function attached({ resource, minor, disk }: Side, options = ''): readonly Step[] {
  return [
    command(`new-resource ${resource}`),
    command(`new-minor ${resource} ${minor} 0`),
    createMetadata(minor, disk),
    command(`attach ${minor} ${disk} ${disk} internal --resync-rate=100M --c-plan-ahead=0 ${options}`),
  ];
}

/**
 * No ping is sent while a scenario lasts: one that a busy machine is late to answer would cost the connection. What else
 * waits for this time, as a promotion beside a primary peer does, takes two seconds.
 */
export const PATIENT = '--ping-timeout=20 --ping-int=120';

/** The command that connects a side to the other one. */
export function connect({ resource, my, peer }: Side, options = '', until: Until = {}): CommandStep {
  return command(`connect ${resource} ${my} ${peer} --protocol=C --verify-alg=crc32c ${PATIENT} ${options}`, {
    until,
  });
}

const BOTH = (state: string, other = state): Until => ({ [left.minor]: state, [right.minor]: other });

/** Both sides, connected, with the same data, the left one primary. */
export function mirrored(options: { readonly net?: string; readonly disk?: string } = {}): readonly Step[] {
  return [
    ...attached(left, options.disk),
    ...attached(right, options.disk),
    connect(left, options.net, { [left.minor]: 'cs:WFConnection' }),
    connect(right, options.net, BOTH('cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent')),
    command('primary 0 --force', {
      until: BOTH(
        'cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate',
        'cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate',
      ),
    }),
  ];
}

/** States of the two sides by their patterns. */
export const both = BOTH;
