import { spawn, type ChildProcessByStdio } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { Fingerprint } from './fingerprint';
import type { Job } from './kernel';
import { runOurs, runOursCounted } from './ours';
import {
  isAskedOnce,
  isQuestion,
  type CommandStep,
  type Outcome,
  type Scenario,
  type ScenarioRecord,
  type States,
  type Step,
  type StepRecord,
  type Tool,
  type Until,
} from './scenario';

// The program that runs scenarios inside a guest, one after the other: jobs.json of /in goes in, and for each that came
// to its end 0.json, 1.json, … of /out come out. What is missing there needs a fresh kernel.

/** drbd-utils' program for the 8.4 module, which its `drbdsetup` would execute. */
const GENUINE = '/lib/drbd/drbdsetup-84';
const SCRATCH = '/tmp/differential';
/**
 * Where others find the tool under test, by the two names that drbdadm and its like call; and the log of their calls.
 */
const CALLED = `${SCRATCH}/bin`;
const CALLS = `${SCRATCH}/calls`;
/** The disks of most scenarios, as scripts/kernel loads them. */
const STANDARD_DISKS = 'brd rd_nr=8 rd_size=65536';
const NAMES = ['drbdsetup', 'drbdsetup-84'] as const;
/** How long a command may take, and how long the kernel may take to come to rest: only what hangs takes so long. */
const COMMAND_MS = 180_000;
const REST_MS = 180_000;

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

/**
 * A thread of the kernel's waits for the program that fences a peer, and changes the states after that. The scenarios
 * that have such a program name it in the module's parameter.
 */
function isFencing(): boolean {
  if (readFileSync('/sys/module/drbd/parameters/usermode_helper', 'utf8').trim() === '/bin/true') return false;
  return readdirSync('/proc').some((pid) => {
    if (!/^\d+$/u.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'drbd_async_h';
    } catch {
      // It ended meanwhile.
      return false;
    }
  });
}

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
    if (said && !passing && !isFencing()) return text;
    if (performance.now() > deadline)
      throw new Error(
        `the kernel did not come to rest${Object.keys(until).length === 0 ? '' : `, or not to ${JSON.stringify(until)}`}:\n${text}`,
      );
    await sleep(20);
  }
}

/** The descriptors of a process, as what they are of. */
function descriptors(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

/**
 * Whether a process has dealt with all that the kernel sent it: nothing waits in its netlink sockets, and none of its
 * threads is running.
 */
function isIdle(pid: number): boolean {
  const sockets = new Set(descriptors(pid).map((text) => /^socket:\[(\d+)\]$/u.exec(text)?.[1] ?? 'none'));
  const waiting = readFileSync('/proc/net/netlink', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/u))
    .some(([, , , , received, , , , , inode = '']) => sockets.has(inode) && received !== '0');
  return (
    !waiting &&
    readdirSync(`/proc/${pid}/task`).every((task) =>
      /\) S /u.test(readFileSync(`/proc/${pid}/task/${task}/stat`, 'latin1')),
    )
  );
}

const isStream = (argv: readonly string[]): boolean => argv[0]?.startsWith('events') === true;
const isThere = (pid: number): boolean => statSync(`/proc/${pid}/exe`, { throwIfNoEntry: false }) !== undefined;
const twinOf = (id: string): string => `${id}.twin`;
const written = (id: string): number => statSync(`${SCRATCH}/${id}.out`, { throwIfNoEntry: false })?.size ?? 0;

/** Asks this process to run a command line, and passes on what it says. */
const SOCKET = `${SCRATCH}/socket`;
const CLIENT = `use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0) && connect(S, pack_sockaddr_un("${SOCKET}")) or die "$!\\n";
syswrite S, join("", map { "$_\\0" } @ARGV); shutdown S, 1; local $/; ($exit, $out, $err) = split /\\0/, <S>, 3;
print STDERR $err; print STDOUT $out; exit $exit`;

class Run {
  readonly #shell = new Shell();
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket
      .on('error', () => undefined)
      .on('end', () => {
        void runOurs(text.split('\0').slice(0, -1)).then(({ exit, stdout, stderr }) =>
          socket.end(`${exit}\0${stdout}\0${stderr}`),
        );
      });
  });
  readonly #fingerprint = new Fingerprint();
  #known: { readonly key: string; readonly states: States } | undefined;
  readonly #tool: Tool;
  readonly #held = new Map<string, number>();
  readonly #followed = new Map<string, number>();

  constructor(tool: Tool) {
    this.#tool = tool;
    mkdirSync(CALLED, { recursive: true });
    for (const name of NAMES) writeFileSync(`${CALLED}/${name}`, this.#caller(), { mode: 0o755 });
    if (tool === 'ours') this.#server.listen(SOCKET);
  }

  /** The program that others find in the place of the tool under test; it writes down what it was called with. */
  #caller(): string {
    const real = Shell.quote(this.#asProcess([]));
    const log = `echo "\${0##*/} $*" >>${CALLS}`;
    // drbdadm allows five seconds, in which Node need not have started where the machine is busy: ours answers from this
    // process. Only a stream is one of its own.
    return this.#tool === 'genuine'
      ? `#!/bin/sh\n${log}\nexec ${real} "$@"\n`
      : `#!/bin/sh\n${log}\ncase $1 in events*) exec ${real} "$@" ;; esac\nexec perl -e '${CLIENT}' -- "$@"\n`;
  }

  async step(step: Step): Promise<Omit<StepRecord, 'step' | 'seconds'>> {
    switch (step.do) {
      case 'command': {
        if (this.#tool === 'genuine' && isAskedOnce(step)) return {};
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
        if (isStream(step.argv)) {
          const ids = [step.id, twinOf(step.id)].filter((id) => this.#followed.has(id));
          for (const id of ids) await this.#untilSaid(id);
          await this.#untilIdle(ids);
        }
        return {};
      case 'unfollow': {
        if (step.ends === true) {
          const outcome = await this.#shell.end(step.id, this.#followed.get(step.id) ?? 0, false);
          return { outcome };
        }
        const ids = [step.id, twinOf(step.id)].filter((id) => this.#followed.has(id));
        await this.#untilIdle(ids);
        const [outcome, twin] = await ids.reduce<Promise<readonly Outcome[]>>(
          async (ended, id) => [...(await ended), await this.#shell.end(id, this.#followed.get(id) ?? 0, true)],
          Promise.resolve([]),
        );
        return { ...(outcome === undefined ? {} : { outcome }), ...(twin === undefined ? {} : { twin }) };
      }
    }
  }

  /**
   * Takes down what the scenario has left, and makes the kernel as it was at the start: fresh modules, and so fresh disks.
   * @returns whether that was possible
   */
  async reset(next: Scenario): Promise<boolean> {
    if (this.#held.size > 0) return false;
    for (const pid of this.#followed.values()) if (isThere(pid)) return false;
    this.#fingerprint.close();
    this.#server.close();
    const { exit } = await this.#shell.run([
      'sh',
      '-c',
      `for name in $(${GENUINE} show | sed -n 's/^resource \\(.*\\) {$/\\1/p'); do ${GENUINE} down "$name" || exit; done
      test -z "$(sed 1,2d /proc/drbd)" && rmmod drbd && rmmod brd && modprobe ${next.disks ?? STANDARD_DISKS} &&
      modprobe drbd usermode_helper=/bin/true && rm -rf /run/drbd/* /run/lock/* /var/lib/drbd/* &&
      find /tmp -mindepth 1 -maxdepth 1 ! -name home ! -path ${SCRATCH} -exec rm -rf {} +`,
    ]);
    return exit === 0;
  }

  close(): void {
    this.#server.close();
    this.#fingerprint.close();
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

  /** Until streams have told all that the kernel has told them. */
  async #untilIdle(ids: readonly string[]): Promise<void> {
    for (const deadline = performance.now() + REST_MS; performance.now() < deadline; await sleep(20))
      if (ids.every((id) => isIdle(this.#followed.get(id) ?? 0))) return;
    throw new Error(`${ids.join(' and ')} do not come to rest`);
  }

  #asProcess(argv: readonly string[]): readonly string[] {
    return this.#tool === 'genuine'
      ? [GENUINE, ...argv]
      : [process.execPath, `${process.cwd()}/dist/package/drbdsetup.js`, ...argv];
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
      const key = await this.#fingerprint.take();
      if (key === this.#known?.key && before === procDrbd()) return { ...this.#known.states, procDrbd: before };
      await this.#shell.line(
        `${GENUINE} status --verbose --statistics >${SCRATCH}/status 2>&1; ${GENUINE} show >${SCRATCH}/show 2>&1; echo`,
        'the states',
      );
      const after = procDrbd();
      const same = before === after && key === (await this.#fingerprint.take());
      if (!same && attempts > 0) continue;
      const states = {
        procDrbd: after,
        status: readFileSync(`${SCRATCH}/status`, 'utf8'),
        show: readFileSync(`${SCRATCH}/show`, 'utf8'),
      };
      this.#known = same ? { key, states } : undefined;
      return states;
    }
  }
}

async function runJob({ scenario, tool }: Job, run: Run): Promise<ScenarioRecord> {
  writeFileSync('/dev/kmsg', `scenario ${scenario.name} with ${tool}\n`);
  const records: StepRecord[] = [];
  const begun = performance.now();
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
  return {
    scenario: scenario.name,
    tool,
    seconds: (performance.now() - begun) / 1000,
    records,
    ...(failure === undefined ? {} : { failure }),
  };
}

async function main(): Promise<void> {
  const jobs = JSON.parse(readFileSync('/in/jobs.json', 'utf8')) as readonly Job[];
  for (const [index, job] of jobs.entries()) {
    const run = new Run(job.tool);
    const record = await runJob(job, run);
    writeFileSync(`/out/${index}.part`, JSON.stringify(record));
    // It appears whole or not at all.
    renameSync(`/out/${index}.part`, `/out/${index}.json`);
    const next = jobs[index + 1];
    // After a failure nobody knows what the kernel is at.
    if (next === undefined || record.failure !== undefined || !(await run.reset(next.scenario))) break;
    run.close();
  }
  // What hangs in the kernel must not keep the guest.
  process.exit(0);
}

void main();
