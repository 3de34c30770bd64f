import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Scenario, ScenarioRecord, Tool } from './scenario';

const PROJECT = join(__dirname, '../../../..');

export interface BootOptions {
  readonly seconds: number;
  readonly qemu?: true;
  readonly modules?: readonly string[];
  readonly memoryMegabytes?: number;
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * Boots a fresh kernel, runs a command in it and gives what it left in /out.
 * @throws Error when it does not end with status 0 within its time, or the kernel's log has a warning
 */
export async function boot<T>(command: readonly string[], options: BootOptions, read: (out: string) => T): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'node-drbd-differential-'));
  try {
    const [input, output, log] = [join(folder, 'in'), join(folder, 'out'), join(folder, 'kernel.log')];
    mkdirSync(input);
    mkdirSync(output);
    for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(join(input, name), text);
    const modules = (options.modules ?? []).flatMap((module) => ['--modules', module]);
    const memory = options.memoryMegabytes === undefined ? [] : ['--memory', String(options.memoryMegabytes)];
    const args = [
      'run',
      ...(options.qemu === true ? ['--qemu'] : []),
      '--check-log',
      '--timeout',
      String(options.seconds),
      '--in',
      input,
      '--out',
      output,
      '--log',
      log,
      ...modules,
      ...memory,
      '--',
      ...command,
    ];
    const child = spawn(join(PROJECT, 'scripts/kernel'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const status = await new Promise<number | null>((settle, reject) => {
      child.on('error', reject);
      child.on('close', settle);
    });
    if (status !== 0) throw new Error(`scripts/kernel ended with ${String(status)}: ${said.slice(-4000)}`);
    return read(output);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a scenario with one of the two programs in a kernel of its own. */
export function runScenario(
  scenario: Scenario,
  tool: Tool,
  options: { readonly seconds: number; readonly qemu?: true },
): Promise<ScenarioRecord> {
  return boot(
    [process.execPath, '--enable-source-maps', join(__dirname, 'guest.js'), tool],
    {
      ...options,
      files: { 'scenario.json': JSON.stringify(scenario) },
      ...(scenario.modules === undefined ? {} : { modules: scenario.modules }),
      ...(scenario.memoryMegabytes === undefined ? {} : { memoryMegabytes: scenario.memoryMegabytes }),
    },
    (out) => JSON.parse(readFileSync(join(out, 'records.json'), 'utf8')) as ScenarioRecord,
  );
}
