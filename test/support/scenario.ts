import { setTimeout as sleep } from 'node:timers/promises';
import { parseProcDrbd, UNCONFIGURED } from '../../lib/dialects/proc-drbd';
import { versionDifferences } from '../peers/exempt';
import { lateMoments, unrecordedSteps, type Step } from '../peers/unrecorded';
import { Comparison, SETTLED_CONNECTIONS, stateOf, type Outcome } from './comparison';
import { CAPABILITY, type Machine, type Program, type ProgramOptions, type ProgramResult } from './machine';
import { received, sent, type RecordedCommand } from './recorded';

/** What a scenario needs of the kernel that answers. */
export interface ScenarioKernel {
  procDrbd(): string;
  /** Lets time pass there. */
  pass(milliseconds: number): void;
  /** How many requests came that it has not answered. */
  unanswered(): number;
  createMetadata(path: string, place: 'internal' | 'flexible'): void;
  hold(minor: number, mode: 'read' | 'write' | 'closed'): void;
  busy(path: string, as: boolean): void;
  write(minor: number): void;
  /** Whether those who ask have CAP_SYS_ADMIN. */
  privileged(as: boolean): void;
}

/** How long the kernel's time runs until a recorded state is there, and in which steps. */
const SETTLE_LIMIT_MS = 60_000;
const SETTLE_STEP_MS = 20;
/**
 * How the kernel's time passes while a program runs: as fast as ours for one that counts seconds itself; for one that
 * waits for an answer, only until it has it; for one that waits for what the kernel says by itself, all the time.
 */
type Pace = 'seconds' | 'answer' | 'messages';
const TICK_MS = 2;
/** What a tick is to the kernel, where the program counts no seconds itself. */
const STEP_MS = 10;
/** A request that has not been answered after so long hangs. */
const HANG_MS = 400;
/** Whether Debian's program refuses what the recorded one asked the kernel. */
const onlyRecorded = ({ id }: RecordedCommand): boolean =>
  versionDifferences.some(({ ids, request }) => request === 'only recorded' && ids?.includes(id) === true);
const ALL_CAPABILITIES = Array.from({ length: 41 }, (_unused, number) => number);

/** Minors that were taken down between two recorded commands. */
function takenDown(before: string, now: string): number[] {
  const connections = (text: string): Map<number, string> =>
    new Map(parseProcDrbd(text).devices.map(({ minor, connection }) => [minor, connection]));
  const wanted = connections(now);
  return [...connections(before)].flatMap(([minor, connection]) =>
    connection !== UNCONFIGURED && wanted.get(minor) === UNCONFIGURED ? [minor] : [],
  );
}

/** Whether a recorded state was about to change, other than by what was done to it before the next command. */
function changesByItself(after: string, next: string, done: boolean): boolean {
  if (stateOf(after) === stateOf(next)) return false;
  const underWay = parseProcDrbd(after).devices.some(
    ({ connection }) => connection !== UNCONFIGURED && !SETTLED_CONNECTIONS.has(connection),
  );
  return underWay || (!done && takenDown(after, next).length === 0);
}

/**
 * Runs the commands of a recorded scenario again, on a machine whose kernel is simulated, and compares what they do.
 */
export class Scenario {
  readonly comparison = new Comparison();
  /** Listeners of the scenario, by the id of their command: they end with it. */
  readonly background = new Map<string, Program>();
  readonly #machine: Machine;
  readonly #kernel: ScenarioKernel;
  readonly #hanging: Program[] = [];

  constructor(machine: Machine, kernel: ScenarioKernel) {
    this.#machine = machine;
    this.#kernel = kernel;
  }

  async run(commands: readonly RecordedCommand[]): Promise<void> {
    let before: string | undefined;
    const foreground = commands.filter(({ background }) => background !== true);
    for (const command of commands) {
      if (command.background === true) {
        await this.#listen(command);
        continue;
      }
      for (const step of unrecordedSteps[command.id] ?? []) await this.#step(step, command.id);
      if (command.proc_drbd_before !== undefined) {
        if (before !== undefined) await this.#unconfigure(before, command.proc_drbd_before);
        this.#settle(command.proc_drbd_before);
        this.comparison.state(command.id, command.proc_drbd_before, this.#kernel.procDrbd(), false);
      }
      this.#pass(lateMoments[command.id]?.passMs ?? 0);
      this.comparison.command(command, await this.#command(command));
      before = command.proc_drbd_after ?? before;
      if (command.proc_drbd_after !== undefined) {
        const next = foreground[foreground.indexOf(command) + 1];
        const moving =
          next?.proc_drbd_before !== undefined &&
          changesByItself(command.proc_drbd_after, next.proc_drbd_before, unrecordedSteps[next.id] !== undefined);
        if (!moving) this.#settle(command.proc_drbd_after);
        this.comparison.state(command.id, command.proc_drbd_after, this.#kernel.procDrbd(), moving);
      }
    }
  }

  /** Ends the listeners. @returns what each did */
  async end(): Promise<Map<string, ProgramResult>> {
    await Promise.all(this.#hanging.map((program) => program.end('SIGKILL')));
    const results = new Map<string, ProgramResult>();
    for (const [id, program] of this.background) results.set(id, await program.end('SIGTERM'));
    return results;
  }

  /** Lets time pass until the recorded state is there. */
  #settle(text: string): void {
    const wanted = stateOf(text);
    for (
      let passed = 0;
      passed < SETTLE_LIMIT_MS && stateOf(this.#kernel.procDrbd()) !== wanted;
      passed += SETTLE_STEP_MS
    )
      this.#kernel.pass(SETTLE_STEP_MS);
  }

  async #unconfigure(before: string, now: string): Promise<void> {
    for (const minor of takenDown(before, now)) await this.#step({ run: ['drbdsetup', String(minor), 'down'] }, 'down');
  }

  async #step(step: Step, id: string): Promise<void> {
    if ('run' in step) {
      const result = await this.#ticking(this.#machine.start(step.run), 'answer');
      if (result.exit !== 0)
        this.comparison.differs(
          id,
          'exit',
          `0 of ${step.run.join(' ')}, which is not recorded`,
          `${result.exit} ${result.stderr}`,
        );
    } else if ('createMetadata' in step) this.#kernel.createMetadata(step.createMetadata, step.place ?? 'internal');
    else if ('hold' in step) this.#kernel.hold(step.hold, step.mode);
    else if ('busy' in step) this.#kernel.busy(step.busy, step.as);
    else if ('write' in step) this.#kernel.write(step.write);
    else this.#pass(step.passMs);
  }

  #pass(milliseconds: number): void {
    for (let passed = 0; passed < milliseconds; passed += SETTLE_STEP_MS) this.#kernel.pass(SETTLE_STEP_MS);
  }

  /** A listener: it has asked for the state and got an answer before the next command begins. */
  async #listen(command: RecordedCommand): Promise<void> {
    const argv = command.argv[0] === 'dropadmin' ? command.argv.slice(1) : command.argv;
    const privileged = command.argv[0] !== 'dropadmin';
    this.#kernel.privileged(privileged);
    const program = this.#machine.start(argv, { limitMs: 300_000 });
    const questions = argv.includes('-a') ? 256 : 1;
    await program.until(({ stdout }) => stdout.split('\n').length > questions, argv.join(' '));
    this.#kernel.privileged(true);
    this.background.set(command.id, program);
  }

  async #command(command: RecordedCommand): Promise<Outcome> {
    const [name = ''] = command.argv;
    if (name === 'cat') return { exit: 0, stdout: this.#kernel.procDrbd(), stderr: '', netlink: [] };
    const nobody = command.user === 'nobody' || (name === 'nlsend' && command.argv.includes('-u'));
    const unprivileged =
      nobody || command.prefix?.includes('dropadmin') === true || command.note.includes('without CAP_SYS_ADMIN');
    const drop = nobody
      ? ALL_CAPABILITIES
      : command.prefix?.includes('dropnetadmin') === true || command.note.includes('without CAP_NET_ADMIN')
        ? [CAPABILITY.netAdmin]
        : undefined;
    const options: ProgramOptions = {
      ...(command.env === undefined ? {} : { env: command.env }),
      ...(drop === undefined ? {} : { drop }),
    };
    this.#kernel.privileged(!unprivileged);
    if (command.user === 'nobody') this.#machine.closeLockFolder(true);
    try {
      return name === 'nlsend' ? await this.#datagrams(command, options) : await this.#program(command, options);
    } finally {
      this.#kernel.privileged(true);
      if (command.user === 'nobody') this.#machine.closeLockFolder(false);
    }
  }

  async #program(command: RecordedCommand, options: ProgramOptions): Promise<Outcome> {
    const program = this.#machine.start(command.argv, { ...options, limitMs: 300_000 });
    if (onlyRecorded(command)) return this.#refused(command, program);
    // A command that counts seconds itself must find the kernel's as long as its own.
    if (command.exit !== 'HANG')
      return this.#ticking(program, command.argv.some((word) => word.startsWith('wait-')) ? 'seconds' : 'answer');
    await program.until(
      (running) => running.ended || running.calls().some(({ op }) => op === 'sendto'),
      command.argv.join(' '),
    );
    await Promise.race([program.result(), sleep(HANG_MS)]);
    if (program.ended) return program.result();
    this.#hanging.push(program);
    return { exit: 'HANG', stdout: program.stdout, stderr: program.stderr, netlink: program.calls() };
  }

  /**
   * Debian's program refuses the command before it asks the kernel: then what the recorded one asked is sent by hand.
   */
  async #refused(command: RecordedCommand, program: Program): Promise<Outcome> {
    const { exit, stdout, stderr, netlink } = await this.#ticking(program, 'answer');
    const requests = sent(command.netlink);
    if (requests.length === 0 || sent(netlink).length > 0)
      throw new Error(`${command.id}: the lists say that Debian's program does not ask the kernel`);
    const replies = await this.#sendDatagrams(['-g', '0x80', ...requests], requests.length, {});
    return {
      exit,
      stdout,
      stderr,
      netlink: [
        ...requests.map((hex) => ({ op: 'sendto', rv: hex.length / 2, hex })),
        ...replies.netlink.map(({ rv, hex }) => ({ op: 'recvfrom', rv, ...(hex === undefined ? {} : { hex }) })),
      ],
    };
  }

  /** Hand-made datagrams, by the program that sends such. */
  async #datagrams(command: RecordedCommand, options: ProgramOptions): Promise<Outcome> {
    const args = command.argv.slice(1);
    const user = args.indexOf('-u');
    if (user !== -1) args.splice(user, 2);
    return this.#sendDatagrams(args, received(command.netlink).length, options);
  }

  async #sendDatagrams(args: readonly string[], replies: number, options: ProgramOptions): Promise<Outcome> {
    const program = this.#machine.start(['datagrams', '-c', String(replies), ...args], options);
    const { exit, stdout, stderr } = await this.#ticking(program, 'messages');
    const lines = stdout.split('\n').filter((line) => line !== '');
    const netlink = lines.map((line) => {
      const [port, groups, hex = ''] = line.split(' ');
      return { op: null, rv: hex.length / 2, hex, src_pid: Number(port), src_groups: Number(groups) };
    });
    return { exit, stdout: '', stderr, netlink };
  }

  /** Runs it to its end. The kernel's time passes meanwhile as `pace` says. */
  async #ticking(program: Program, pace: Pace): Promise<ProgramResult> {
    const before = this.#kernel.unanswered();
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      if (pace === 'seconds') this.#kernel.pass(now - last);
      // However late this comes, so that what is seen here does not depend on how busy this machine is.
      else if (pace === 'messages' || this.#kernel.unanswered() > before) this.#kernel.pass(STEP_MS);
      last = now;
    }, TICK_MS);
    try {
      return await program.result();
    } finally {
      clearInterval(timer);
    }
  }
}
