import { optionsOf, VALUE_CLASSES, type CommandTable, type ValueClass } from './options';
import type { ScenarioRecord } from './scenario';

/** What the runs of ours have covered. */
export interface Coverage {
  /** The matrix as text. */
  readonly text: string;
  /** What nothing covered, empty if there is no hole. */
  readonly holes: readonly string[];
}

interface CommandCoverage {
  succeeded: number;
  readonly refused: Set<number>;
  processes: number;
  readonly options: Map<string, Set<ValueClass>>;
}

/** Commands that never fail, or only for a wrong use of them. */
const NEVER_REFUSED: ReadonlySet<string> = new Set(['sh-status', 'down']);
/** A stream is followed as a process. */
const STREAMS: ReadonlySet<string> = new Set(['events']);

/** The command of a line: it stands first, or second after the device. */
function tableOf(argv: readonly string[], tables: readonly CommandTable[]): CommandTable | undefined {
  return tables.find(({ name }) => name === argv[0]) ?? tables.find(({ name }) => name === argv[1]);
}

/** Numbers of the refusals that only say that there is no such object. */
const NO_SUCH_OBJECT = /\((?:127|158)\)/u;

/**
 * Whether a command's values came as far as the object that they are for: one that was refused before it was sent, or
 * for want of the object, tells nothing of them.
 */
function wasTried({ exit, stderr }: { readonly exit: number; readonly stderr: string }): boolean {
  return exit === 0 || (exit !== 20 && !NO_SUCH_OBJECT.test(stderr));
}

/** @returns what every step of ours covered, by the genuine program's own list of commands and options */
export function coverageOf(records: readonly ScenarioRecord[], tables: readonly CommandTable[]): Coverage {
  const found = new Map<string, CommandCoverage>(
    tables.map(({ name }) => [name, { succeeded: 0, refused: new Set(), processes: 0, options: new Map() }]),
  );
  for (const { step, outcome } of records.flatMap((record) => record.records)) {
    if (step.do !== 'command' && step.do !== 'refused' && step.do !== 'follow') continue;
    const table = tableOf(step.argv, tables);
    const covered = found.get(table?.name ?? '');
    if (table === undefined || covered === undefined) continue;
    if (step.do === 'follow' || (step.do === 'command' && step.process === true)) covered.processes++;
    if (step.do === 'follow' || outcome?.exit === 0) covered.succeeded++;
    else if (outcome !== undefined) covered.refused.add(outcome.exit);
    const tried = step.do === 'follow' || (outcome !== undefined && wasTried(outcome));
    for (const [option, classes] of optionsOf(step.argv, table)) {
      const values = covered.options.get(option.name) ?? new Set<ValueClass>();
      for (const value of classes) if (tried || value === 'out of range') values.add(value);
      covered.options.set(option.name, values);
    }
  }
  const holes: string[] = [];
  const lines: string[] = [];
  for (const { name, options } of tables) {
    const covered = found.get(name);
    if (covered === undefined) continue;
    if (covered.succeeded === 0) holes.push(`${name} never succeeded`);
    if (covered.refused.size === 0 && !NEVER_REFUSED.has(name) && !STREAMS.has(name))
      holes.push(`${name} was never refused`);
    if (covered.processes === 0) holes.push(`${name} never ran as a process`);
    const codes = [...covered.refused].sort((a, b) => a - b).join(' ');
    lines.push(
      `${name.padEnd(26)} ${String(covered.succeeded).padStart(5)} ${codes.padEnd(14)} ${String(covered.processes).padStart(9)}`,
    );
    for (const option of options) {
      const values = covered.options.get(option.name) ?? new Set<ValueClass>();
      const cells = VALUE_CLASSES.map((value) => (values.has(value) ? 'yes' : 'HOLE'));
      for (const [index, cell] of cells.entries())
        if (cell === 'HOLE') holes.push(`${name} --${option.name}: ${VALUE_CLASSES[index] ?? ''}`);
      lines.push(
        `  --${option.name.padEnd(26)} ${option.type.padEnd(8)} ${cells.map((cell) => cell.padEnd(13)).join('')}`.trimEnd(),
      );
    }
  }
  const head = [
    'command                    times refusals       processes',
    `  option                       type     ${VALUE_CLASSES.map((value) => value.padEnd(13)).join('')}`.trimEnd(),
  ];
  return { text: [...head, ...lines].join('\n'), holes };
}
