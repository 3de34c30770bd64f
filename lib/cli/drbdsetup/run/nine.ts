import { operations } from '../../../dialects/genl2';
import {
  clientOf,
  isDriverAbsent,
  nothingToDo,
  readSecret,
  tell,
  tellerOf,
  type Context,
  type Personality,
} from '../../context';
import { isDeviceWord } from '../../line/device';
import { EXIT, UsageError } from '../../errors';
import { unknownGlobal } from '../../globals';
import { explainUnknownCommand } from '../generations';
import { HELP_WORDS } from '../../line/help-words';
import { formatCommandHelp9, formatHelp9, formatUsage9, formatXmlHelp9 } from '../text/help-9';
import { commands9, findCommand9, type Command9 } from '../v9';
import {
  runCheckResize9,
  runCstate9,
  runDstate9,
  runGenerations9,
  runRole9,
  runShow9,
  runStatus9,
  runUdev9,
} from './ask-9';
import { parseCall9, UsageOfError, type Call9 } from './call-9';
import { runChange9, runDelMinor9, runDelResource9, runDown9, runNewMinor9 } from './change-9';
import { runEvents9 } from './events-9';
import { runWait9 } from './wait-9';

const XML_HELP = 'xml-help';
/** What is done already where there is no driver. */
const DONE_WITHOUT_DRIVER: ReadonlySet<string> = new Set(['down', 'secondary', 'disconnect', 'detach']);

/** drbdsetup for DRBD 9. */
export const genl2Personality: Personality = {
  dialect: 'genl2',
  commands: commands9.map(({ name }) => name),
  run: async (argv, context) => {
    const help = helpOf(argv, context);
    if (help !== undefined) return help;
    const { command, words } = commandOf(argv, context);
    context.command = command.name;
    context.requests = Object.keys(operations);
    const { globals, backend, io } = context;
    let call: Call9;
    try {
      call = await parseCall9(
        command,
        words,
        backend,
        globals.sharedSecretFile,
        (file) => readSecret(file, io),
        globals.strict ? 'refuse' : 'send',
      );
    } catch (error) {
      if (error instanceof UsageOfError && tellerOf(context).json !== true) io.stdout.write(error.usage);
      throw error;
    }
    for (const notice of call.notices) tell(notice, context);
    if (call.subject !== '') context.subject = call.subject;
    if (DONE_WITHOUT_DRIVER.has(command.name) && isDriverAbsent(backend)) {
      tell(nothingToDo(command.name), context);
      return EXIT.ok;
    }
    const json = call.plain.has('json') && command.action !== 'status' && command.action !== 'show';
    return run(call, json ? { ...context, globals: { ...globals, json: true } } : context);
  },
};

/** Old programs name the object first. */
function commandOf(
  argv: readonly string[],
  context: Context,
): { readonly command: Command9; readonly words: readonly string[] } {
  const [first = '', second = '', ...rest] = argv;
  if (first.startsWith('--')) throw new UsageError(unknownGlobal(first));
  const command = findCommand9(first);
  if (command !== undefined) return { command, words: argv.slice(1) };
  const later = findCommand9(second);
  if (later !== undefined) return { command: later, words: [first, ...rest] };
  if (tellerOf(context).json !== true) context.io.stdout.write(formatUsage9(undefined, undefined, 'invalid command'));
  // Where a device stands first, the word behind it was to be the command.
  const meant = isDeviceWord(first) && second !== '' ? second : first;
  throw new UsageError(explainUnknownCommand(meant, 'genl2', context.backend.host.driver?.version));
}

/** @returns the exit code, if help was asked for, or nothing at all */
function helpOf(argv: readonly string[], context: Context): number | undefined {
  const { io, backend } = context;
  const json = tellerOf(context).json === true;
  const [first, second] = argv;
  const columns = io.stdout.isTerminal ? process.stdout.columns : undefined;
  const list = (problem?: string): number => {
    if (!json)
      io.stdout.write(
        problem === undefined
          ? formatHelp9(columns)
          : formatUsage9(undefined, columns, first === undefined ? undefined : 'unknown command'),
      );
    if (problem !== undefined) throw new UsageError(problem);
    // As ever: "help" for nothing in particular counts as a failure; --help does not.
    return first === '--help' || first === '-h' ? EXIT.ok : EXIT.failure;
  };
  if (first === undefined) return list('a command is needed. "drbdsetup help" lists all commands');
  const asked =
    HELP_WORDS.has(first) || first === XML_HELP
      ? second
      : second !== undefined && (second === '--help' || second === '-h')
        ? first
        : undefined;
  if (asked === undefined) return HELP_WORDS.has(first) || first === XML_HELP ? list() : undefined;
  const command = findCommand9(asked);
  if (command === undefined) return list(explainUnknownCommand(asked, 'genl2', backend.host.driver?.version));
  io.stdout.write(first === XML_HELP ? formatXmlHelp9(command) : formatCommandHelp9(command, columns));
  return EXIT.ok;
}

async function run(call: Call9, context: Context): Promise<number> {
  const client = await clientOf(context, 'genl2');
  switch (call.command.action) {
    case 'change':
      return runChange9(client, call, context);
    case 'newMinor':
      return runNewMinor9(client, call, context);
    case 'delMinor':
      return runDelMinor9(client, call, context);
    case 'delResource':
      return runDelResource9(client, call, context);
    case 'down':
      return runDown9(client, call, context);
    case 'role':
      return runRole9(client, call, context);
    case 'cstate':
      return runCstate9(client, call, context);
    case 'dstate':
      return runDstate9(client, call, context);
    case 'generations':
      return runGenerations9(client, call, context);
    case 'show':
      return runShow9(client, call, context);
    case 'status':
      return runStatus9(client, call, context);
    case 'checkResize':
      return runCheckResize9(client, call, context);
    case 'udev':
      return runUdev9(client, call, context);
    case 'events2':
      return runEvents9(client, call, context);
    case 'waitSync':
    case 'waitConnect':
      return runWait9(client, call, context);
  }
}
