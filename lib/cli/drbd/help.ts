import { EXIT } from '../errors';
import { globalOptions } from '../globals';
import type { Command, OptionRows } from './command';
import { wrapped } from './text';

const WIDEST = 100;
const MOST_LEFT = 30;
const INDENT = '  ';

/** @returns lines of `left  text`, the text wrapped; what is left of it may push it to the next line */
function columns(rows: readonly (readonly [left: string, text: string])[], columnsOfTerminal: number): string {
  const lefts = rows.map(([left]) => left.length).filter((length) => length <= MOST_LEFT);
  const width = Math.max(0, ...lefts) + INDENT.length;
  return rows
    .map(([left, text]) => {
      const [first = '', ...others] = wrapped(text, columnsOfTerminal - width - INDENT.length);
      const indent = `\n${INDENT}${' '.repeat(width)}`;
      const head = left.length > MOST_LEFT ? `${left}${indent}` : left.padEnd(width);
      return `${INDENT}${[`${head}${first}`, ...others].join(indent)}\n`;
    })
    .join('');
}

/** @returns the width of help: that of the terminal, if it is less than what reads well */
function widthOfHelp(columnsOfTerminal: number | undefined): number {
  return Math.min(WIDEST, columnsOfTerminal ?? WIDEST);
}

/** @returns an option as help writes it: `-w, --watch`, `--timeout SECONDS` */
export function optionText(name: string, { short, argument, many }: OptionRows[string]): string {
  const long = `--${name}${argument === undefined ? '' : ` ${argument}`}${many === true ? '…' : ''}`;
  return short === undefined ? long : `-${short}, ${long}`;
}

/** Global options of the program as rows, without those that only change what is sent. */
export function globalRows(): readonly (readonly [option: string, doc: string])[] {
  return Object.values(globalOptions).map((option) => [
    `--${option.name}${'argument' in option ? ` ${option.argument}` : ''}`,
    `${option.doc}${'variable' in option ? ` [${option.variable}]` : ''}`,
  ]);
}

/** @returns what `drbd help` prints */
export function formatHelp(
  rows: readonly (readonly [name: string, command: Command])[],
  columnsOfTerminal?: number,
): string {
  const width = widthOfHelp(columnsOfTerminal);
  const intro = 'Options of all commands, which may stand behind the command too where it has none of the same name:';
  return `drbd: DRBD from the command line, the same in every dialect

Usage: drbd [OPTION…] COMMAND [WORD…]

${columns(
  rows.map(([name, { about }]) => [name, about]),
  width,
)}
${wrapped(intro, width).join('\n')}

${columns(
  [
    ...globalRows(),
    ['-V, --version', 'Print the version.'],
    ['-h, --help', 'Print this text, or behind a command, that of the command.'],
  ],
  width,
)}
drbd help COMMAND tells more of a command.
`;
}

/** @returns what `drbd help COMMAND` prints */
export function formatCommandHelp(name: string, row: Command, columnsOfTerminal?: number): string {
  const width = widthOfHelp(columnsOfTerminal);
  const options = Object.entries(row.options);
  const parts = [
    `${wrapped(`drbd ${name}: ${row.about}`, width).join('\n')}\n`,
    `Usage: drbd ${name}${options.length === 0 ? '' : ' [OPTION…]'}${row.words === undefined ? '' : ` ${row.words}`}\n`,
    ...(row.details ?? []).map((text) =>
      wrapped(text, width)
        .map((line) => `${line}\n`)
        .join(''),
    ),
    columns(
      [
        ...options.map(([key, option]) => [optionText(key, option), option.doc] as const),
        ['-h, --help', 'Print this text.'],
      ],
      width,
    ),
    ...(row.examples === undefined ? [] : [`Examples:\n${row.examples.map((line) => `${INDENT}${line}\n`).join('')}`]),
    `Exit status:\n${columns(exitRows(row), width)}`,
  ];
  return parts.join('\n');
}

/** @returns the exit codes of a command, and what each says */
export function exitRows(row: Command): readonly (readonly [code: string, text: string])[] {
  const own = row.exits ?? {};
  const rows: Record<number, string> = {
    [EXIT.ok]: 'It was done.',
    ...(row.usageExit === undefined ? {} : { [row.usageExit]: 'The command line makes no sense.' }),
    [EXIT.failure]: 'It failed: standard error says why.',
    ...own,
  };
  return Object.entries(rows).map(([code, text]) => [code, text]);
}
