import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import type { CommandStep, Outcome, Scenario, ScenarioRecord, States, Step, StepRecord, Tool, Until } from './scenario';
import { runOurs, runOursCounted } from './ours';

// The program that runs a scenario inside a guest: scenario.json of /in goes in, records.json of /out comes out.

/** drbd-utils' program for the 8.4 module, which its `drbdsetup` would execute. */
const GENUINE = '/lib/drbd/drbdsetup-84';
const SCRATCH = '/tmp/differential';
/**
 * Where others find the tool under test, by the two names that drbdadm and its like call; and the log of their calls.
 */
const CALLED = `${SCRATCH}/bin`;
const CALLS = `${SCRATCH}/calls`;
const NAMES = ['drbdsetup', 'drbdsetup-84'] as const;
/** How long a command may take, and how long the kernel may take to come to rest. */
const COMMAND_MS = 60_000;
const REST_MS = 60_000;

/** How long nothing new is to come before a stream counts as read to its end. */
const QUIET_MS = 500;

/** States that end by themselves. */
const PASSING =
  /cs:(?:Disconnecting|Unconnected|Timeout|BrokenPipe|NetworkFailure|ProtocolError|TearDown|WFReportParams|StartingSync[ST]|WFBitMap[ST]|WFSyncUUID|Sync(?:Source|Target)|Verify[ST]|Ahead|Behind)\b|(?:Attaching|Negotiating|Failed)/u;

/**
 * Runs programs from a small shell: a process starts several times faster from there than from Node, whose memory would
 * have to be taken over.
 */
class Shell {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    this.#child = spawn('sh', [], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  static quote(argv: readonly string[]): string {
    return argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  }

  /** Runs a line, which must print one line at its end. */
  async line(text: string, what: string): Promise<string> {
    this.#child.stdin.write(`${text}\n`);
    const timeout = new AbortController();
    try {
      return await Promise.race([
        this.#lines.next().then(({ value }) => String(value)),
        sleep(COMMAND_MS, '', { signal: timeout.signal }).then(() => {
          throw new Error(`it did not end within ${COMMAND_MS / 1000} s: ${what}`);
        }),
      ]);
    } finally {
      timeout.abort();
    }
  }

  async run(argv: readonly string[]): Promise<Outcome> {
    const exit = await this.line(
      `${Shell.quote(argv)} </dev/null >${SCRATCH}/out 2>${SCRATCH}/err; echo $?`,
      argv.join(' '),
    );
    return {
      exit: Number(exit),
      stdout: readFileSync(`${SCRATCH}/out`, 'utf8'),
      stderr: readFileSync(`${SCRATCH}/err`, 'utf8'),
    };
  }

  async start(id: string, argv: readonly string[]): Promise<number> {
    return Number(
      await this.line(
        `${Shell.quote(argv)} </dev/null >${SCRATCH}/${id}.out 2>${SCRATCH}/${id}.err & echo $!`,
        argv.join(' '),
      ),
    );
  }

  async end(id: string, pid: number, bySignal: boolean): Promise<Outcome> {
    const exit = await this.line(`${bySignal ? `kill -TERM ${pid}; ` : ''}wait ${pid}; echo $?`, id);
    return {
      exit: Number(exit),
      stdout: readFileSync(`${SCRATCH}/${id}.out`, 'utf8'),
      stderr: readFileSync(`${SCRATCH}/${id}.err`, 'utf8'),
    };
  }

  close(): void {
    this.#child.stdin.end();
  }
}

const procDrbd = (): string => readFileSync('/proc/drbd', 'utf8');

/** Waits until nothing in /proc/drbd is on its way, and it says what is expected. */
async function rest(until: Until = {}): Promise<string> {
  const deadline = performance.now() + REST_MS;
  for (;;) {
    const text = procDrbd();
    const lines = text.split('\n').filter((line) => /^ *\d+: /u.test(line));
    const ofMinor = (minor: string): string | undefined =>
      lines.find((line) => line.trimStart().startsWith(`${minor}: `));
    const expected = Object.entries(until).map(([minor, pattern]) => ({ line: ofMinor(minor), pattern }));
    const said = expected.every(({ line, pattern }) => line !== undefined && new RegExp(pattern, 'u').test(line));
    // A state that is expected by name may be a passing one.
    const passing = lines.some((line) => {
      const state = PASSING.exec(line)?.[0];
      return state !== undefined && !expected.some((one) => one.line === line && one.pattern.includes(state));
    });
    if (said && !passing) return text;
    if (performance.now() > deadline)
      throw new Error(
        `the kernel did not come to rest${Object.keys(until).length === 0 ? '' : `, or not to ${JSON.stringify(until)}`}:\n${text}`,
      );
    await sleep(50);
  }
}

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
const isQuestion = (argv: readonly string[]): boolean =>
  QUESTIONS.has(argv[0] ?? '') || (argv[0] === 'events2' && argv.some((word) => word === '--now' || word === '-n'));

const isStream = (argv: readonly string[]): boolean => argv[0]?.startsWith('events') === true;
const twinOf = (id: string): string => `${id}.twin`;
const written = (id: string): number => statSync(`${SCRATCH}/${id}.out`, { throwIfNoEntry: false })?.size ?? 0;

class Run {
  readonly #shell = new Shell();
  readonly #tool: Tool;
  readonly #held = new Map<string, number>();
  readonly #followed = new Map<string, number>();

  constructor(tool: Tool) {
    this.#tool = tool;
    mkdirSync(CALLED, { recursive: true });
    for (const name of NAMES)
      writeFileSync(
        `${CALLED}/${name}`,
        `#!/bin/sh\necho "\${0##*/} $*" >>${CALLS}\nexec ${Shell.quote(this.#asProcess([]))} "$@"\n`,
        { mode: 0o755 },
      );
  }

  async step(step: Step): Promise<Omit<StepRecord, 'step' | 'seconds'>> {
    switch (step.do) {
      case 'command': {
        const outcome = await this.#command(step);
        if (step.loose !== true) await rest(step.until);
        const twin =
          this.#tool === 'ours' && step.loose !== true && isQuestion(step.argv)
            ? { twin: await this.#shell.run([GENUINE, ...step.argv]) }
            : {};
        return { outcome, ...twin, ...(step.states === false ? {} : { states: await this.#states(step.until) }) };
      }
      case 'refused': {
        const before = await this.#states();
        if (this.#tool === 'genuine') return { states: before };
        const outcome = await runOursCounted(step.argv);
        return { outcome, states: await this.#states() };
      }
      case 'program': {
        for (let left = step.attempts ?? 1; ; left--) {
          const outcome = await this.#shell.run(step.argv);
          if (outcome.exit === (step.exit ?? 0)) return {};
          if (left <= 1) throw new Error(`${step.argv.join(' ')} ended with ${outcome.exit}: ${outcome.stderr}`);
          await sleep(200);
        }
      }
      case 'caller': {
        writeFileSync(CALLS, '');
        const outcome = await this.#shell.run([
          'env',
          `PATH=${CALLED}:${process.env['PATH'] ?? ''}`,
          'DRBD_DONT_WARN_ON_VERSION_MISMATCH=1',
          ...step.argv,
        ]);
        return { outcome: { ...outcome, calls: readFileSync(CALLS, 'utf8') }, states: await this.#states(step.until) };
      }
      case 'hold':
        this.#held.set(step.path, openSync(step.path, 'r+'));
        return {};
      case 'release':
        closeSync(this.#held.get(step.path) ?? -1);
        this.#held.delete(step.path);
        return {};
      case 'settle':
        return { states: await this.#states(step.until) };
      case 'follow':
        await this.#follow(step.id, this.#asProcess(step.argv));
        // Beside a stream of ours the genuine one hears the same.
        if (this.#tool === 'ours' && isStream(step.argv)) await this.#follow(twinOf(step.id), [GENUINE, ...step.argv]);
        if (isStream(step.argv))
          for (const id of [step.id, twinOf(step.id)]) if (this.#followed.has(id)) await this.#untilSaid(id);
        return {};
      case 'unfollow': {
        if (step.ends === true)
          return { outcome: await this.#shell.end(step.id, this.#followed.get(step.id) ?? 0, false) };
        const ids = [step.id, twinOf(step.id)].filter((id) => this.#followed.has(id));
        await this.#untilQuiet(ids);
        const [outcome, twin] = await ids.reduce<Promise<readonly Outcome[]>>(
          async (ended, id) => [...(await ended), await this.#shell.end(id, this.#followed.get(id) ?? 0, true)],
          Promise.resolve([]),
        );
        return { ...(outcome === undefined ? {} : { outcome }), ...(twin === undefined ? {} : { twin }) };
      }
    }
  }

  close(): void {
    this.#shell.close();
  }

  async #follow(id: string, argv: readonly string[]): Promise<void> {
    this.#followed.set(id, await this.#shell.start(id, argv));
  }

  /** A stream that has begun says what exists, if only that this is all. */
  async #untilSaid(id: string): Promise<void> {
    for (const deadline = performance.now() + REST_MS; performance.now() < deadline; await sleep(50))
      if (written(id) > 0) return;
    throw new Error(`${id} says nothing`);
  }

  /** Until streams have written nothing more for a while. */
  async #untilQuiet(ids: readonly string[]): Promise<void> {
    const deadline = performance.now() + REST_MS;
    for (
      let [before, since] = ['', performance.now()];
      performance.now() < Math.min(deadline, since + QUIET_MS);
      await sleep(50)
    ) {
      const now = ids.map(written).join();
      if (now !== before) [before, since] = [now, performance.now()];
    }
  }

  #asProcess(argv: readonly string[]): readonly string[] {
    return this.#tool === 'genuine'
      ? [GENUINE, ...argv]
      : [process.execPath, `${process.cwd()}/dist/lib/cli/bin/drbdsetup.js`, ...argv];
  }

  async #command(step: CommandStep): Promise<Outcome> {
    return this.#tool === 'ours' && step.process !== true
      ? runOurs(step.argv)
      : this.#shell.run(this.#asProcess(step.argv));
  }

  /** What the kernel says once it is at rest: taken again while it still moved. */
  async #states(until?: Until): Promise<States> {
    for (let attempts = 20; ; attempts--) {
      const before = await rest(until);
      await this.#shell.line(
        `${GENUINE} status --verbose --statistics >${SCRATCH}/status 2>&1; ${GENUINE} show >${SCRATCH}/show 2>&1; echo`,
        'the states',
      );
      const after = procDrbd();
      if (before === after || attempts === 0)
        return {
          procDrbd: after,
          status: readFileSync(`${SCRATCH}/status`, 'utf8'),
          show: readFileSync(`${SCRATCH}/show`, 'utf8'),
        };
    }
  }
}

async function main(tool: Tool): Promise<void> {
  const scenario = JSON.parse(readFileSync('/in/scenario.json', 'utf8')) as Scenario;
  const run = new Run(tool);
  const records: StepRecord[] = [];
  let failure: string | undefined;
  for (const step of scenario.steps) {
    const start = performance.now();
    try {
      const done = await run.step(step);
      records.push({ step, ...done, seconds: (performance.now() - start) / 1000 });
    } catch (error) {
      failure = `step ${records.length}, ${JSON.stringify(step)}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
      break;
    }
  }
  const record: ScenarioRecord = {
    scenario: scenario.name,
    tool,
    records,
    ...(failure === undefined ? {} : { failure }),
  };
  writeFileSync('/out/records.json', JSON.stringify(record));
  run.close();
  // What hangs in the kernel must not keep the guest.
  process.exit(0);
}

void main(process.argv[2] === 'ours' ? 'ours' : 'genuine');
