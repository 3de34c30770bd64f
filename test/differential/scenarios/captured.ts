import { captureLines } from '../../support/captures';
import { classify, fitsField, type CommandTable } from '../../support/differential/options';
import type { Scenario, Step } from '../../support/differential/scenario';

interface CapturedCommand {
  readonly argv?: readonly string[];
  readonly exit?: number | null;
  readonly stderr?: string;
  readonly background?: unknown;
}

const read = (file: string): readonly CapturedCommand[] =>
  captureLines<CapturedCommand>(`drbd-8.4.11/${file}.jsonl`).map(({ command }) => command);

const basename = (path = ''): string => path.slice(path.lastIndexOf('/') + 1);
const isDrbdsetup = (path?: string): boolean => /^drbdsetup(?:-84)?$/u.test(basename(path));

/**
 * Streams without an end have a scenario of their own; `help` and `xml-help` of the captures are those of another
 * generation, and help or the version that was asked for are no failures of ours.
 */
/** Ours takes what the C tools of later releases take. */
const isTakenHere = (words: readonly string[]): boolean => words.includes('--no-disk-flushes');

const isElsewhere = ([name = '', ...rest]: readonly string[]): boolean =>
  /^(?:help|xml-help|events|--help|-h|--version|-V)$/u.test(name) || (name === 'events2' && !rest.includes('--now'));

function steps(file: string, tables: readonly CommandTable[]): readonly Step[] {
  return read(file).flatMap(({ argv, exit, background }): readonly Step[] => {
    if (argv === undefined || typeof exit !== 'number' || background === true) return [];
    const [path, ...words] = argv;
    if (!isDrbdsetup(path)) return [{ do: 'program', argv, exit }];
    if (isElsewhere(words) || isTakenHere(words)) return [];
    const table = tables.find(({ name }) => name === words[0]);
    const wraps =
      table !== undefined &&
      table.options.some(
        (option) =>
          option.type === 'numeric' &&
          words.some((word) => {
            const [, number] = new RegExp(`^--${option.name}=(-?\\d+)$`, 'u').exec(word) ?? [];
            return number !== undefined && classify(option, number).includes('out of range')
              ? !fitsField(option, BigInt(number))
              : false;
          }),
      );
    return [wraps ? { do: 'refused', argv: words } : { do: 'command', argv: words }];
  });
}

/** The recorded command lines, in their order. */
export function capturedScenarios(tables: readonly CommandTable[]): readonly Scenario[] {
  return [
    {
      name: 'recorded: usage',
      about: 'bad command lines of all kinds, as they were recorded',
      steps: steps('usage', tables),
    },
    {
      name: 'recorded: empty',
      about: 'every command where nothing is configured, as it was recorded',
      steps: steps('empty', tables),
    },
    {
      name: 'recorded: configuration',
      about: 'resources, minors, disks and their options, as they were recorded',
      steps: steps('config', tables),
    },
  ];
}

/** One kind of refusal: the command, its exit code, and the kernel's number. */
export const refusalKey = (argv: readonly string[], exit: number, stderr: string): string =>
  `${argv[0] ?? ''} ${exit} ${/\((-?\d+)\)/u.exec(stderr)?.[1] ?? ''}`.trim();

/** Every kind of refusal by the kernel that the captures show. */
export function capturedRefusals(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const file of ['usage', 'empty', 'config', 'lifecycle', 'watch', 'autoload']) {
    for (const { argv = [], exit, stderr = '' } of read(file)) {
      if (isDrbdsetup(argv[0]) && typeof exit === 'number' && exit !== 0 && /\(-?\d+\)/u.test(stderr))
        found.add(refusalKey(argv.slice(1), exit, stderr));
    }
  }
  return found;
}
