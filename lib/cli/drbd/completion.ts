import type { Client, Dialect } from '../../drbd';
import type { Context } from '../context';
import { EXIT, UsageError } from '../errors';
import { quote } from '../line/number';
import { command, type Command } from './command';
import { completeDrbd, completeDrbdsetup, type Source } from './completion/candidates';
import { scripts, type Shell } from './completion/scripts';
import { vocabularies } from './drbdsetup-line';
import { explainedCodes, explainedStates } from './explain';
import { allOptions } from './options';

/** Longer nobody waits for a tab. */
const TIMEOUT_MS = 1000;

const SHELLS = Object.keys(scripts) as Shell[];
const PROGRAMS = { drbd: completeDrbd, drbdsetup: completeDrbdsetup, 'node-drbdsetup': completeDrbdsetup } as const;

interface Names {
  readonly resources: readonly string[];
  readonly minors: readonly string[];
}
const NO_NAMES: Names = { resources: [], minors: [] };

async function namesOf(client: Client): Promise<Names> {
  const { resources } = await client.status({ timeoutMs: TIMEOUT_MS });
  const minors = resources.flatMap(({ devices }) => devices.map(({ minor }) => `${minor}`));
  const named = resources.flatMap(({ name }) => (name === null ? [] : [name]));
  // DRBD 8.3 has no names.
  return { resources: named.length === 0 ? minors : named, minors };
}

function sourceOf(context: Context, all: readonly string[], find: (name: string) => Command | undefined): Source {
  let opened: Promise<Client | undefined> | undefined;
  // Without a driver, or a privilege, what exists is left out.
  const client = (): Promise<Client | undefined> =>
    (opened ??= context.backend
      .refresh({ timeoutMs: TIMEOUT_MS })
      .then(() => context.backend.client({ timeoutMs: TIMEOUT_MS }))
      .catch(() => undefined));
  const names = async (): Promise<Names> => {
    const open = await client();
    return open === undefined ? NO_NAMES : namesOf(open).catch(() => NO_NAMES);
  };
  const unique = (words: readonly string[]): readonly string[] => [...new Set(words)];
  return {
    names: [...all, 'help'],
    command: find,
    codes: () => unique([...explainedCodes(), ...explainedStates()].map(({ name }) => name)),
    options: () => unique(allOptions().map(({ name }) => name)),
    resources: async () => (await names()).resources,
    minors: async () => (await names()).minors,
    vocabulary: async (dialect) => {
      const wanted = dialect ?? context.globals.dialect ?? (await client())?.dialect ?? 'genl2';
      return (vocabularies[wanted as Dialect] ?? vocabularies.genl2)();
    },
  };
}

/**
 * @param names of all commands
 * @param find a command by its name
 */
export function completionCommand(names: () => readonly string[], find: (name: string) => Command | undefined) {
  return command({
    about: 'completion of commands, options and names, for a shell',
    words: SHELLS.join('|'),
    completes: SHELLS,
    options: {
      words: {
        argument: 'PROGRAM',
        completes: Object.keys(PROGRAMS),
        doc: 'Print what the last WORD behind PROGRAM may become, one a line: what the shells ask for, behind --.',
      },
    },
    details: [
      'It prints what the shell is to load, for drbd and for drbdsetup. Names of resources are asked of the kernel; where it does not answer within a second they are left out. `:file` and `:directory` leave the word to the shell.',
    ],
    examples: [
      'eval "$(drbd completion bash)"',
      'drbd completion zsh >~/.zfunc/_drbd',
      'drbd completion fish >~/.config/fish/completions/drbd.fish',
    ],
    offline: true,
    run: async ({ context, words, options }) => {
      const { io } = context;
      if (options.words === undefined) {
        const [shell = '', more] = words;
        if (more !== undefined || !Object.hasOwn(scripts, shell))
          throw new UsageError(`${quote(words.join(' '))} is not a shell; expected ${SHELLS.join(', ')}`);
        io.stdout.write(scripts[shell as Shell]);
        return EXIT.ok;
      }
      if (!Object.hasOwn(PROGRAMS, options.words))
        throw new UsageError(`--words: ${quote(options.words)} is not ${Object.keys(PROGRAMS).join(' or ')}`);
      const complete = PROGRAMS[options.words as keyof typeof PROGRAMS];
      const found = await complete(words, sourceOf(context, names(), find));
      const last = words.at(-1) ?? '';
      io.stdout.write(
        typeof found === 'string'
          ? `:${found}\n`
          : found
              .filter(({ word }) => word.startsWith(last))
              .map(({ word, about }) => `${word}${about === undefined || about === '' ? '' : `\t${about}`}\n`)
              .join(''),
      );
      return EXIT.ok;
    },
  });
}
