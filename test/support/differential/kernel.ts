import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { isAskedOnce, type Scenario, type ScenarioRecord, type Tool } from './scenario';

const PROJECT = join(__dirname, '../../../..');

/** A scenario with one of the two programs. */
export interface Job {
  readonly scenario: Scenario;
  readonly tool: Tool;
}

interface Ended {
  readonly status: number | null;
  readonly said: string;
  readonly log: string;
  readonly records: readonly (ScenarioRecord | undefined)[];
}

/** Boots a fresh kernel and runs jobs in it, one after the other. */
async function boot(jobs: readonly Job[], seconds: number, qemu: boolean): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), 'node-drbd-differential-'));
  try {
    const [input, output, log] = [join(folder, 'in'), join(folder, 'out'), join(folder, 'kernel.log')];
    mkdirSync(input);
    mkdirSync(output);
    writeFileSync(join(input, 'jobs.json'), JSON.stringify(jobs));
    const disks = jobs[0]?.scenario.disks;
    const args = ['run', ...(qemu ? ['--qemu'] : []), '--check-log', '--timeout', String(seconds)];
    args.push('--in', input, '--out', output, '--log', log, ...(disks === undefined ? [] : ['--modules', disks]));
    args.push('--', process.execPath, '--enable-source-maps', join(__dirname, 'guest.js'));
    const child = spawn(join(PROJECT, 'scripts/kernel'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const status = await new Promise<number | null>((settle, reject) => {
      child.on('error', reject);
      child.on('close', settle);
    });
    return {
      status,
      said: said.slice(-4000),
      log: existsSync(log) ? readFileSync(log, 'latin1') : '',
      records: jobs.map((_, index) => {
        const file = join(output, `${index}.json`);
        return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ScenarioRecord) : undefined;
      }),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether the kernel's log has something of what scripts/kernel found in it while a job ran. */
function isAccused({ scenario, tool }: Job, { said, log }: Ended): boolean {
  const found = new Set(said.split('\n').filter((line) => line !== ''));
  let running = false;
  return log.split('\n').some((text) => {
    const line = text.replace(/\r$/u, '');
    const begun = /\bscenario (.*) with (genuine|ours)$/u.exec(line);
    if (begun !== null) running = begun[1] === scenario.name && begun[2] === tool;
    return running && found.has(line);
  });
}

export interface BootsOptions {
  /** The limit of one kernel, its boot included. */
  readonly seconds: number;
  readonly qemu?: boolean;
  /** How many kernels at once. */
  readonly width: number;
  /** The steps that one kernel goes through before the next is booted. */
  readonly steps: number;
}

/** Work that a step is, in commands run within a process: the start of one of ours takes much longer. */
function weigh({ scenario, tool }: Job): number {
  const slow = tool === 'ours' ? 8 : 2;
  return scenario.steps
    .filter((step) => tool === 'ours' || !isAskedOnce(step))
    .map((step) => (step.do === 'caller' || step.do === 'follow' || 'process' in step ? slow : 1))
    .reduce((sum, weight) => sum + weight, 0);
}

/**
 * Runs jobs in few kernels: each goes on with the next job once it is again as after its boot, and a job that finds no
 * such kernel gets a fresh one.
 * @returns the record of each job, as a promise that rejects when its kernel died, had a warning or took too long
 */
export function runJobs(jobs: readonly Job[], options: BootsOptions): readonly Promise<ScenarioRecord>[] {
  const results = jobs.map(() => {
    let settle: (record: ScenarioRecord) => void = () => undefined;
    let fail: (error: Error) => void = () => undefined;
    const promise = new Promise<ScenarioRecord>((resolve, reject) => {
      [settle, fail] = [resolve, reject];
    });
    // Whoever looks at it later still hears of it.
    promise.catch(() => undefined);
    return { promise, settle, fail };
  });
  // The longest first: what is left at the end is shared evenly.
  const queue = jobs.map((_, index) => index).sort((a, b) => weigh(jobs[b] as Job) - weigh(jobs[a] as Job));

  const takeNext = (): readonly number[] => {
    const taken: number[] = [];
    for (let weight = 0; queue.length > 0 && (taken.length === 0 || weight < options.steps);) {
      const index = queue.shift() as number;
      taken.push(index);
      weight += weigh(jobs[index] as Job);
    }
    return taken;
  };

  const work = async (): Promise<void> => {
    for (let taken = takeNext(); taken.length > 0; taken = takeNext()) {
      const these = taken.map((index) => jobs[index] as Job);
      let ended: Ended;
      try {
        ended = await boot(these, options.seconds, options.qemu === true);
      } catch (error) {
        for (const index of taken) results[index]?.fail(error as Error);
        continue;
      }
      const { records, status, said } = ended;
      const failure = new Error(`scripts/kernel ended with ${String(status)}: ${said}`);
      const accused = status === 0 ? [] : these.map((job) => isAccused(job, ended));
      const first = records.findIndex((record) => record === undefined);
      const left: number[] = [];
      for (const [position, index] of taken.entries()) {
        const record = records[position];
        const result = results[index];
        if (accused[position] === true) result?.fail(failure);
        else if (record !== undefined)
          // A warning before or between the jobs is nobody's, and so everybody's.
          if (status !== 0 && first === -1 && !accused.includes(true)) result?.fail(failure);
          else result?.settle(record);
        // The kernel ended in it; or it is the first, and so had a fresh one.
        else if (position === first && (status !== 0 || position === 0)) result?.fail(failure);
        else left.push(index);
      }
      queue.unshift(...left);
    }
  };
  for (let count = 0; count < options.width; count++) void work();
  return results.map(({ promise }) => promise);
}
