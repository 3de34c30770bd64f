import { readFileSync } from 'node:fs';
import type { Context } from '../context';
import { EXIT, UsageError } from '../errors';
import { quote } from '../line/number';
import { command } from './command';
import { shellWord, vocabularies } from './drbdsetup-line';
import { consequences, type New, type Old } from './translate/rules';
import { readShow } from './translate/show';
import { readSource, translateAll, type Facts, type Translation } from './translate/translate';
import { formatFolded, lookOf, padded, widthOf, type Look } from './text';

const FROM: Readonly<Record<string, Old>> = { '8.3': 'connector', '8.4': 'genl1' };
const TO: Readonly<Record<string, New>> = { '8.4': 'genl1', '9': 'genl2' };
/** Something of the line has no counterpart, or was not said. */
const INCOMPLETE = 1;

export const translate = command({
  about: 'a command of drbdsetup, or a whole configuration, in the words of a later generation',
  words: '[-- WORD…]',
  options: {
    from: { argument: 'GENERATION', completes: Object.keys(FROM), doc: 'The generation of the words: 8.3 or 8.4.' },
    to: { argument: 'GENERATION', completes: Object.keys(TO), doc: 'The generation that is wanted: 8.4 or 9.' },
    show: {
      argument: 'FILE',
      completes: 'file',
      doc: 'Translate what "drbdsetup show" printed; - is standard input, which is read where no WORD is given either.',
    },
    resource: { argument: 'NAME', doc: 'The name of the resource. DRBD 8.3 has none.' },
    minor: { argument: 'N', doc: 'The minor of the device, where the line does not say it.' },
    volume: { argument: 'N', doc: 'The number of the volume; from 8.3, 0 if it is not given.' },
    'node-id': { argument: 'N', doc: 'DRBD 9: the number of this node in the resource.' },
    'peer-node-id': { argument: 'N', doc: 'DRBD 9: the number of the peer.' },
    'peer-name': { argument: 'NAME', doc: 'DRBD 9: the name of the peer.' },
    local: { argument: 'ADDRESS', doc: 'The address of this node, where the line does not say it.' },
    remote: { argument: 'ADDRESS', doc: 'The address of the peer, where the line does not say it.' },
    'keep-defaults': { doc: 'Say the defaults of the older generation, where they differ.' },
  },
  details: [
    'Behind -- stands a command line as the older drbdsetup takes it. Nothing is sent, and no disk is looked at.',
    'What is printed can be read by a shell. Behind # stand the defaults that differ, and what the later generation does otherwise. What it does not have is said, and left out. A word in capitals stands for what was not said, with the option that says it.',
    '--json prints what docs/json.md describes.',
  ],
  examples: [
    'drbd translate --from 8.3 --to 8.4 --resource r0 -- /dev/drbd0 syncer --rate=100M --after=1',
    'drbdsetup 0 show | drbd translate --from 8.3 --to 9 --resource r0 --node-id 0 --peer-node-id 1 --peer-name beta',
  ],
  exits: { [INCOMPLETE]: 'Something has no counterpart or was not said: standard output has the rest, and says what.' },
  offline: true,
  run: async ({ context, words, options }) => {
    const from = generation(FROM, options.from, '--from');
    const to = generation(TO, options.to, '--to');
    if ((from as string) === to)
      throw new UsageError(`--from and --to are both ${String(options.to)}: there is nothing to translate`);
    const old = vocabularies[from]();
    if (words.length > 0 && options.show !== undefined)
      throw new UsageError('a command line and --show exclude each other');
    const whole = words.length === 0;
    const sources = whole
      ? await readShow(await textOf(options.show ?? '-', context), from, old)
      : [await readSource(words, old)];
    const { 'node-id': nodeId, 'peer-node-id': peerNodeId, 'peer-name': peerName } = options;
    const { minor, resource, volume, local, remote } = options;
    const facts: Facts = { minor, resource, volume, nodeId, peerNodeId, peerName, local, remote };
    const translation = translateAll(
      sources,
      {
        from,
        to,
        vocabulary: vocabularies[to](),
        facts,
        keepDefaults: options['keep-defaults'],
        reveal: context.globals.reveal,
      },
      whole,
    );
    context.io.stdout.write(
      context.globals.json
        ? `${JSON.stringify({ schemaVersion: 1, from: options.from, to: options.to, ...translation }, null, 2)}\n`
        : formatTranslation(translation, options.from ?? '', options.to ?? '', lookOf(context.io)),
    );
    return translation.lacking.length + translation.needed.length === 0 ? EXIT.ok : INCOMPLETE;
  },
});

function generation<T>(known: Readonly<Record<string, T>>, text: string | undefined, option: string): T {
  const names = Object.keys(known).join(' or ');
  if (text === undefined) throw new UsageError(`${option} is needed: ${names}`);
  const found = Object.hasOwn(known, text) ? known[text] : undefined;
  if (found === undefined) throw new UsageError(`${option}: ${quote(text)} is not a generation; expected ${names}`);
  return found;
}

async function textOf(file: string, { io }: Context): Promise<string> {
  if (file === '-') {
    const parts: Uint8Array[] = [];
    for await (const part of io.stdin()) parts.push(part);
    return Buffer.concat(parts).toString('utf8');
  }
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${quote(file)} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

/** @returns lines that a shell can read: all but the commands is commented out */
function formatTranslation(
  { commands, defaults, lacking, needed, notes }: Translation,
  from: string,
  to: string,
  look: Look,
): string {
  const remark = (text: string, indent = 2): string =>
    formatFolded([{ text: `# ${text}` }], look, `#${' '.repeat(indent)}`).trimEnd();
  const lines = commands.map(({ argv, ifMissing }) => ({
    text: ['drbdsetup', ...argv.map(shellWord)].join(' '),
    isOnlyIfMissing: ifMissing === true,
  }));
  const width = Math.max(0, ...lines.filter(({ isOnlyIfMissing }) => isOnlyIfMissing).map(({ text }) => widthOf(text)));
  const list = (title: string, rows: readonly (readonly [string, string])[]): readonly string[] => {
    const first = Math.max(0, ...rows.map(([cell]) => widthOf(cell)));
    return rows.length === 0
      ? []
      : ['', remark(title), ...rows.map(([cell, text]) => remark(`  ${padded(cell, first)}  ${text}`, first + 5))];
  };
  return [
    ...lines.map(({ text, isOnlyIfMissing }) =>
      isOnlyIfMissing ? `${padded(text, width)}  # unless it exists` : text,
    ),
    ...list(
      `Other defaults in ${to}, of what is left at its default; --keep-defaults keeps the old ones:`,
      defaults.map(({ option, before, after }) => {
        const why = Object.hasOwn(consequences, option) ? ` (${consequences[option] ?? ''})` : '';
        return [option, `${before} in ${from}, ${after} in ${to}${why}`];
      }),
    ),
    ...list(
      `DRBD ${to} does not have, and it is left out:`,
      lacking.map(({ what, why }) => [what, why]),
    ),
    ...list(
      'Not said, and needed:',
      needed.map(({ word, option }) => [word, option]),
    ),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => remark(note))]),
    '',
  ].join('\n');
}
