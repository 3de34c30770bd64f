import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const PROJECT = join(__dirname, '../../..');
const SOURCES = join(PROJECT, 'test/peers/shim');
const BUILD = join(PROJECT, 'build-peers');

/** The major number of DRBD's devices. */
export const DRBD_MAJOR = 147;
/** linux/capability.h */
export const CAPABILITY = { dacOverride: 1, dacReadSearch: 2, netAdmin: 12, sysAdmin: 21 } as const;

let utilities: string | undefined;

/**
 * The folder where Debian's drbd-utils is unpacked. `scripts/kernel` fetches it once; without a network it must be
 * there already.
 */
export function drbdUtilities(): string {
  utilities ??= execFileSync(join(PROJECT, 'scripts/kernel'), ['path', 'drbd-utils'], { encoding: 'utf8' }).trim();
  return utilities;
}

/** The genuine programs by the names that people call them, and where they are below the package's folder. */
const GENUINE: Readonly<Record<string, string>> = {
  drbdsetup: 'lib/drbd/drbdsetup-83',
  drbdadm: 'lib/drbd/drbdadm-83',
  drbdmeta: 'sbin/drbdmeta',
};

const built = new Map<string, string>();

/** Compiles one of our sources where it is newer than what was made of it. @returns the path of the result */
function compiled(source: string, name: string, ...options: readonly string[]): string {
  const known = built.get(name);
  if (known !== undefined) return known;
  const from = join(SOURCES, source);
  const to = join(BUILD, name);
  const time = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (time(to) <= time(from)) {
    mkdirSync(BUILD, { recursive: true });
    const fresh = `${to}.${process.pid}`;
    execFileSync(
      process.env['CC'] ?? 'cc',
      ['-Wall', '-Wextra', '-Werror', '-O1', ...options, '-o', fresh, from, '-ldl'],
      { stdio: 'inherit' },
    );
    renameSync(fresh, to);
  }
  built.set(name, to);
  return to;
}

/** The preloaded library that makes a machine of this one. */
function machineLibrary(): string {
  return compiled('machine.c', 'machine.so', '-shared', '-fPIC');
}

/** @returns the path of the program that `name` calls */
function programPath(name: string): string {
  const genuine = GENUINE[name];
  if (genuine !== undefined) return join(drbdUtilities(), genuine);
  if (name === 'datagrams') return compiled('datagrams.c', 'datagrams');
  throw new Error(`There is no program "${name}" for a machine.`);
}

/** One call of a genuine program on a connector socket, as the recordings have it. */
export interface ConnectorCall {
  readonly op: 'socket' | 'bind' | 'sendto' | 'poll' | 'recvfrom' | 'close';
  readonly rv: number;
  readonly errno?: string;
  readonly hex?: string;
  readonly pid: number;
  /** Seconds on the machine's monotonic clock. */
  readonly at: number;
}

export interface ProgramResult {
  /** Exit status, or 128 plus the number of the signal that ended it. */
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly netlink: readonly ConnectorCall[];
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Capabilities to drop, by number. */
  readonly drop?: readonly number[];
  /**
   * Absolute path of the program to run instead of the genuine one that `argv[0]` names; it is run without the
   * preloaded library.
   */
  readonly executable?: string;
  /** What it reads from standard input. */
  readonly input?: string;
  /** SIGKILL after so many milliseconds; 30,000 if absent. */
  readonly limitMs?: number;
}

/** A program that runs. */
export class Program {
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #result: Promise<ProgramResult>;
  #stdout = '';
  #stderr = '';
  #ended = false;
  readonly #waiting = new Set<() => void>();

  constructor(child: ChildProcess, log: string, limitMs: number) {
    this.#child = child;
    this.#log = log;
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      for (const wake of this.#waiting) wake();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#result = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        this.#ended = true;
        for (const wake of this.#waiting) wake();
        const exit =
          code ?? 128 + ({ SIGTERM: 15, SIGKILL: 9, SIGINT: 2, SIGABRT: 6, SIGSEGV: 11 }[signal as string] ?? 0);
        resolve({ exit, stdout: this.#stdout, stderr: this.#stderr, netlink: this.calls() });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** What crossed its connector sockets so far. */
  calls(): ConnectorCall[] {
    if (!existsSync(this.#log)) return [];
    const lines = readFileSync(this.#log, 'utf8').split('\n');
    return lines.slice(0, -1).map((line) => JSON.parse(line) as ConnectorCall);
  }

  /**
   * Waits until `condition` holds, looked at whenever something was printed and every few milliseconds. @throws Error
   * after `limitMs`.
   */
  async until(condition: (program: Program) => boolean, what: string, limitMs = 10_000): Promise<void> {
    const end = Date.now() + limitMs;
    while (!condition(this)) {
      if (Date.now() > end)
        throw new Error(
          `${what}: not within ${limitMs} ms; ${this.#ended ? 'ended' : 'running'}, printed\n${this.#stdout}${this.#stderr}`,
        );
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, 10);
        this.#waiting.add(wake);
      });
    }
  }

  /** Takes its log away. */
  forget(): void {
    rmSync(this.#log, { force: true });
  }

  /** @returns once it has ended by itself */
  result(): Promise<ProgramResult> {
    return this.#result;
  }

  /** Ends it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<ProgramResult> {
    this.#child.kill(signal);
    return this.#result;
  }
}

export interface BlockDevice {
  readonly path: string;
  readonly sizeBytes: number;
  readonly major: number;
  readonly minor: number;
}

export interface MachineOptions {
  /** The port on this machine's connector bus that answers for the driver. Without one there is no driver. */
  readonly port?: number;
  /** What `uname -n` says there. */
  readonly nodeName?: string;
  /** IPv4 addresses of its interfaces. Those of the machine that this runs on if absent. */
  readonly addresses?: readonly string[];
  readonly blockDevices?: readonly BlockDevice[];
  /** Paths at which nothing is. */
  readonly missing?: readonly string[];
  /** What /proc/drbd says, asked before each program. */
  readonly procDrbd?: () => string;
  /** /etc/drbd.conf. */
  readonly configuration?: string;
}

/** The RAM disks of the recorded machine: 8 of 64 MiB. */
export const RAM_DISKS: readonly BlockDevice[] = Array.from({ length: 8 }, (_unused, minor) => ({
  path: `/dev/ram${minor}`,
  sizeBytes: 64 << 20,
  major: 1,
  minor,
}));

/**
 * A machine as programs written by others see it: Debian's drbdsetup-83, drbdadm-83 and drbdmeta run in it unchanged,
 * with a preloaded library that shows them a driver, block devices and a node name, and keeps what they write in a
 * folder of its own.
 */
export class Machine {
  readonly folder: string;
  readonly #options: MachineOptions;
  readonly #running = new Set<Program>();
  #runs = 0;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.folder = mkdtempSync(join(tmpdir(), 'machine-'));
    for (const name of ['lock', 'lib', 'run', 'etc', 'dev']) mkdirSync(join(this.folder, name));
    const lines = [
      '/var/lock lock',
      '/run/lock lock',
      '/var/lib/drbd lib',
      '/var/run/drbd run',
      '/run/drbd run',
      '/etc/drbd.conf etc/drbd.conf',
      '/etc/drbd.d etc/drbd.d',
    ].map((line) => `map ${line.replace(' ', ` ${this.folder}/`)}`);
    if (options.port === undefined) lines.push('missing /proc/drbd');
    else lines.push(`port ${options.port}`, `map /proc/drbd ${this.folder}/proc-drbd`);
    if (options.nodeName !== undefined) lines.push(`node ${options.nodeName}`);
    for (const address of options.addresses ?? []) lines.push(`address ${address}`);
    for (const path of [
      '/sys/module/drbd/parameters/cn_idx',
      '/etc/drbd-83.conf',
      '/etc/drbd-82.conf',
      '/etc/drbd-08.conf',
      ...(options.missing ?? []),
    ])
      lines.push(`missing ${path}`);
    for (const device of options.blockDevices ?? []) {
      const content = join(this.folder, 'dev', basename(device.path));
      writeFileSync(content, '');
      truncateSync(content, device.sizeBytes);
      lines.push(`device ${device.path} ${device.sizeBytes} ${device.major} ${device.minor} ${content}`);
    }
    lines.push('character /dev/null 1 3');
    if (options.configuration !== undefined) writeFileSync(join(this.folder, 'etc/drbd.conf'), options.configuration);
    writeFileSync(join(this.folder, 'machine'), `${lines.join('\n')}\n`);
  }

  /** Makes the lock folder closed to whoever has not the right to override that, or open again. */
  closeLockFolder(closed: boolean): void {
    chmodSync(join(this.folder, 'lock'), closed ? 0o000 : 0o755);
  }

  /** Replaces /etc/drbd.conf. */
  configure(text: string): void {
    writeFileSync(join(this.folder, 'etc/drbd.conf'), text);
  }

  /**
   * Starts a program beside others. @param argv `drbdsetup`, `drbdadm`, `drbdmeta`, or `datagrams` of test/peers/shim,
   * and its arguments
   */
  start(argv: readonly string[], options: ProgramOptions = {}): Program {
    const [name = '', ...args] = argv;
    const executable = options.executable ?? programPath(name);
    if (this.#options.port !== undefined)
      writeFileSync(
        join(this.folder, 'proc-drbd'),
        this.#options.procDrbd?.() ?? 'version: 8.3.13 (api:88/proto:86-96)\nbuilt-in\n',
      );
    const log = join(this.folder, `calls-${++this.#runs}`);
    const machine = {
      LD_PRELOAD: machineLibrary(),
      DRBD_MACHINE: join(this.folder, 'machine'),
      DRBD_MACHINE_LOG: log,
      ...(options.drop === undefined ? {} : { DRBD_MACHINE_DROP: options.drop.join(',') }),
    };
    const env = {
      // drbdadm-83 of drbd-utils 9 would speak of its own version before each command.
      DRBD_DONT_WARN_ON_VERSION_MISMATCH: '1',
      // Just the folders that hold what drbdadm-83 calls: it looks for drbdsetup-83 and drbdmeta by their names alone;
      // and Node, which ours is run by.
      PATH: [
        join(drbdUtilities(), 'lib/drbd'),
        join(drbdUtilities(), 'sbin'),
        '/usr/sbin',
        '/usr/bin',
        '/sbin',
        '/bin',
        dirname(process.execPath),
      ].join(':'),
      ...(options.executable === undefined
        ? machine
        : {
            ...process.env,
            ...(this.#options.port === undefined ? {} : { DRBD_SIMULATOR: String(this.#options.port) }),
          }),
      ...options.env,
    };
    const child = spawn(executable, args, { argv0: name, env, stdio: ['pipe', 'pipe', 'pipe'], cwd: '/' });
    // A program that ends without reading is no failure of ours.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    const program = new Program(child, log, options.limitMs ?? 30_000);
    this.#running.add(program);
    void program.result().then(
      () => this.#running.delete(program),
      () => this.#running.delete(program),
    );
    return program;
  }

  /** Runs a program to its end. */
  async run(argv: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
    const program = this.start(argv, options);
    const result = await program.result();
    program.forget();
    return result;
  }

  /** Ends what still runs, and takes the folder away. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((program) => program.end('SIGKILL')));
    chmodSync(join(this.folder, 'lock'), 0o755);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs `drbdsetup-83` on a machine. @param args what follows the program's name */
export function runGenuine(
  machine: Machine,
  args: readonly string[],
  options?: ProgramOptions,
): Promise<ProgramResult> {
  return machine.run(['drbdsetup', ...args], options);
}
