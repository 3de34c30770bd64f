import * as connector from '../../dialects/connector/codes';
import * as genl1 from '../../dialects/genl1/codes';
import * as genl2 from '../../dialects/genl2/codes';
import { explainCode, type CodeText, type Dialect } from '../../drbd';
import { exitCodeOfReturnCode, EXIT, UsageError } from '../errors';
import { generationNames } from '../drbdsetup/text/other-generations';
import { nearest } from '../line/nearest';
import { quote } from '../line/number';
import { command } from './command';
import { stateTexts } from './state-texts';
import { formatLine, lookOf, wrapped, type Line } from './text';

const dialects = { connector, genl1, genl2 } as const;
const names = Object.keys(dialects) as Dialect[];

/** Numbers that only mark a range. */
const isMark = (name: string): boolean => name === 'ERR_CODE_BASE' || name.includes('AFTER_LAST');

/** One code or state, as it is explained. */
export interface Explained extends Partial<CodeText> {
  readonly kind: 'code' | 'state';
  readonly name: string;
  /** Of a code: its number. */
  readonly code?: number;
  /** Of a state: what it is the state of. */
  readonly of?: string;
  readonly dialects: readonly Dialect[];
  /** Of a code: what drbdsetup exits with. */
  readonly exitCode?: number;
}

/** @returns every return code of every dialect, with the texts of that dialect; those that say the same are one */
export function explainedCodes(): readonly Explained[] {
  const found = new Map<string, Explained>();
  for (const dialect of names) {
    const { returnCodes, stateChangeCodes } = dialects[dialect];
    for (const [name, code] of [...Object.entries(returnCodes), ...Object.entries(stateChangeCodes)]) {
      if (isMark(name)) continue;
      const text = explainCode(name, { dialect });
      const key = JSON.stringify([name, code, text]);
      const known = found.get(key);
      found.set(key, {
        kind: 'code',
        name,
        code,
        ...(text.meaning === undefined ? {} : text),
        exitCode: exitCodeOfReturnCode(code, name),
        dialects: [...(known?.dialects ?? []), dialect],
      });
    }
  }
  return [...found.values()];
}

/** @returns every state and word of the model, under each name that a dialect has for it */
export function explainedStates(): readonly Explained[] {
  return Object.entries(stateTexts).flatMap(([of, words]) =>
    Object.entries(words).flatMap(([word, { meaning, nextStep, aka = [] }]): readonly Explained[] =>
      [word, ...aka].map((name) => ({
        kind: 'state',
        name,
        of,
        meaning,
        nextStep: nextStep.replace(/\.$/u, ''),
        dialects: name === word ? names : ['connector', 'genl1'],
      })),
    ),
  );
}

export const explain = command({
  about: 'what a return code or a state means, and what to do',
  words: '[CODE|NAME…]',
  completes: 'code',
  options: {},
  details: [
    'CODE is a number as errors print it, such as 127 or -2; NAME is that of a code (ERR_MINOR_INVALID) or of a state (Outdated). What differs between the generations of DRBD is told apart; --dialect leaves one. Without words, all are listed.',
  ],
  examples: ['drbd explain 127', 'drbd explain -- -2', 'drbd explain Outdated StandAlone'],
  offline: true,
  run: ({ context, words }) => {
    const { io, globals } = context;
    const all = [...explainedCodes(), ...explainedStates()].filter(
      ({ dialects: of }) => globals.dialect === undefined || of.includes(globals.dialect),
    );
    const found = words.length === 0 ? all : words.flatMap((word) => lookUp(word, all));
    if (globals.json) io.stdout.write(`${JSON.stringify({ schemaVersion: 1, explanations: found }, null, 2)}\n`);
    else {
      const look = lookOf(io);
      const lines =
        words.length === 0 ? found.map(listLine) : found.flatMap((item) => linesOf(item, look.columns ?? 100));
      io.stdout.write(lines.map((line) => `${formatLine(line, look)}\n`).join(''));
    }
    return EXIT.ok;
  },
});

function lookUp(word: string, all: readonly Explained[]): readonly Explained[] {
  const flat = word.toLowerCase();
  const bare = (name: string): string => name.toLowerCase().replace(/^(?:err|ss)_/u, '');
  const found = all.filter(({ name, code }) =>
    /^[+-]?\d+$/u.test(word) ? code === Number(word) : name.toLowerCase() === flat || bare(name) === flat,
  );
  if (found.length > 0) return found;
  const near = nearest(word, new Set(all.map(({ name }) => name)));
  throw new UsageError(
    `${quote(word)} is not a return code or state of DRBD${near === undefined ? '. "drbd explain" lists all' : `; did you mean ${near}?`}`,
    { code: 'ERR_DRBD_NOT_FOUND' },
  );
}

function title({ name, code, of, dialects: spoken }: Explained): string {
  const where =
    spoken.length === names.length ? '' : ` (${spoken.map((dialect) => generationNames[dialect]).join(', ')})`;
  return `${code === undefined ? '' : `${code} `}${name}${of === undefined ? '' : `, ${of}`}${where}`;
}

function listLine(item: Explained): Line {
  return [{ text: title(item), style: 'bold' }, { text: `  ${item.meaning ?? ''}` }];
}

function linesOf(item: Explained, columns: number): readonly Line[] {
  const paragraph = (head: string, text: string): readonly Line[] =>
    wrapped(text, Math.min(columns, 100) - 12).map((line, at) => [
      { text: `  ${(at === 0 ? head : '').padEnd(10)}` },
      { text: line },
    ]);
  const sentence = (text: string): string => `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}.`;
  return [
    [{ text: title(item), style: 'bold' }],
    ...(item.meaning === undefined ? [] : paragraph('meaning', sentence(item.meaning))),
    ...(item.causes ?? []).flatMap((cause, at) => paragraph(at === 0 ? 'causes' : '', sentence(cause))),
    ...(item.nextStep === undefined ? [] : paragraph('next', sentence(item.nextStep))),
    ...(item.exitCode === undefined ? [] : paragraph('exit code', `${item.exitCode} of drbdsetup`)),
  ];
}
