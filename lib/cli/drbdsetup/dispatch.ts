import {
  clientOf,
  isDriverAbsent,
  nothingToDo,
  readSecret,
  tell,
  tellerOf,
  type Context,
  type Personality,
} from '../context';
import { EXIT, UsageError } from '../errors';
import { unknownGlobal } from '../globals';
import { parseCall, type Call } from '../line/call';
import { isDeviceWord } from '../line/device';
import { quote } from '../line/number';
import { HELP_WORDS } from '../line/help-words';
import { redactWords } from '../line/secrets';
import { findCommand, type Command, type Vocabulary } from '../line/vocabulary';
import { explainUnknownCommand, explainUnknownOption, isCommandAnywhere } from './text/other-generations';
import { runChange, runDown } from './run/change';
import { runCheckResize } from './run/check-resize';
import { runEvents } from './run/events';
import { runEvents2 } from './run/events2';
import { runShow } from './run/show';
import { runGenerations, runState } from './run/state';
import { runShellStatus, runStatus } from './run/status';
import { runUdev } from './run/udev';
import { run9 } from './run/nine';
import { runWait } from './run/wait';
import { formatCommandHelp, formatHelp } from './text/help';
import { formatUsage9 } from './text/usage-9';
import { formatXml } from './text/xml';

/** What is done already where there is no driver. */
const DONE_WITHOUT_DRIVER: ReadonlySet<string> = new Set(['down', 'secondary', 'disconnect', 'detach']);

/** @returns drbdsetup of one generation: vocabulary × run × text */
export function personalityOf(vocabulary: Vocabulary): Personality {
  const { dialect, names, oldNames, manner } = vocabulary;
  return {
    dialect,
    commands: [...names, ...Object.keys(oldNames), 'help', manner.xml],
    run: async (argv, context) => {
      // As in drbdsetup 8.3, any value will do; but no secrets.
      if (manner.first === 'device' && context.io.env['DRBD_DEBUG_DUMP_ARGV'] !== undefined)
        context.io.stderr.write(`argv: ${JSON.stringify(redactWords(argv))}\n`);
      return helpOf(argv, vocabulary, context) ?? (await runCall(argv, vocabulary, context));
    },
  };
}

async function runCall(argv: readonly string[], vocabulary: Vocabulary, context: Context): Promise<number> {
  const { globals, backend, io } = context;
  const { command, name, words } = commandOf(argv, vocabulary, context);
  context.command = command.name;
  context.requests = vocabulary.requests;
  const call = await parseCall(vocabulary, command, words, {
    backend,
    secretFile: globals.sharedSecretFile,
    strict: globals.strict,
    readSecret: (file) => readSecret(file, io),
    explain: (option, of) => explainUnknownOption(option, of, vocabulary.dialect),
    help: (names) => {
      if (vocabulary.manner.isClassic === true)
        return names === undefined ? classic(context, vocabulary, command) : undefined;
      if (!vocabulary.manner.printsUsage || tellerOf(context).json === true) return;
      const usage = names?.map((word) => `\t${word}\n`).join('');
      io.stdout.write(usage ?? formatCommandHelp(vocabulary, command, context.tool));
    },
    wrong: (what) => {
      if (vocabulary.manner.isClassic !== true) return;
      if (what === 'option') classic(context, vocabulary);
      else if (what === 'all') classic(context, vocabulary, undefined, "command does not accept argument 'all'");
      // A change ends its line on the wrong stream, as ever.
      else if (command.action === 'change' && tellerOf(context).json !== true) io.stdout.write('\n');
    },
  });
  tellOldName(name, vocabulary, context);
  for (const notice of call.notices) tell(notice, context);
  if (call.subject !== '') context.subject = call.subject;
  if (DONE_WITHOUT_DRIVER.has(command.name) && isDriverAbsent(backend)) {
    tell(nothingToDo(command.name), context);
    return EXIT.ok;
  }
  // The connector has no question that tells a driver that is missing from one that is slow.
  if (vocabulary.dialect === 'connector' && isDriverAbsent(backend))
    throw new UsageError(
      'there is no DRBD driver: /proc/drbd is missing. Load the module (modprobe drbd, or --modprobe), or look whether this is a container that does not see it',
    );
  // Where it is not DRBD 9's that is asked for, what stands behind a command asks for the same as before it.
  const isOurs = call.plain.has('json') && command.action !== 'status' && command.action !== 'show';
  return run(call, vocabulary, isOurs ? { ...context, globals: { ...globals, json: true } } : context);
}

function tellOldName(name: string, { oldNames }: Vocabulary, context: Context): void {
  const today = Object.hasOwn(oldNames, name) ? oldNames[name] : undefined;
  if (today !== undefined) tell(`${name} is an old name; use ${today} instead`, context);
}

interface Found {
  readonly command: Command;
  /** As it was typed. */
  readonly name: string;
  /** All others. */
  readonly words: readonly string[];
}

/** The command stands first or second, and the object in the other place. */
function commandOf(argv: readonly string[], vocabulary: Vocabulary, context: Context): Found {
  const [first = '', second] = argv;
  if (first.startsWith('--')) throw new UsageError(unknownGlobal(first));
  const isFirst = vocabulary.manner.first === 'command';
  if (!isFirst && second === undefined)
    listed(vocabulary, context, `${first === '' ? '' : `${quote(first)}: `}a device and a command are needed`);
  for (const at of isFirst ? [0, 1] : [1, 0]) {
    const name = argv[at] ?? '';
    const command = findCommand(vocabulary, name);
    if (command !== undefined) return { command, name, words: argv.filter((_word, place) => place !== at) };
  }
  // A word that can only be a device stands where it belongs; else the command may be the first.
  const meant = isDeviceWord(first) || (!isFirst && !isCommandAnywhere(first)) ? (second ?? first) : first;
  const problem = explainUnknownCommand(meant, vocabulary.dialect, context.backend.host.driver?.version);
  if (vocabulary.manner.printsUsage) return listed(vocabulary, context, problem);
  classic(context, vocabulary, undefined, 'invalid command');
  throw new UsageError(problem);
}

/** Prints the list of commands. Where programs read standard output as JSON, it is no place for help. */
function list(vocabulary: Vocabulary, context: Context): void {
  if (tellerOf(context).json !== true)
    context.io.stdout.write(formatHelp(vocabulary, context.tool, columnsOf(context)));
}

/** Prints usage as drbdsetup 9 does: of a command, or the list of all. */
function classic(context: Context, vocabulary: Vocabulary, command?: Command, problem?: string): void {
  if (vocabulary.manner.isClassic === true && tellerOf(context).json !== true)
    context.io.stdout.write(formatUsage9(vocabulary, command, columnsOf(context), problem));
}

function listed(vocabulary: Vocabulary, context: Context, problem: string, classicProblem?: string): never {
  if (vocabulary.manner.isClassic === true) classic(context, vocabulary, undefined, classicProblem);
  else list(vocabulary, context);
  throw new UsageError(problem);
}

function columnsOf({ io }: Context): number | undefined {
  return io.stdout.columns;
}

/** @returns the exit code, if help was asked for, or nothing at all */
function helpOf(argv: readonly string[], vocabulary: Vocabulary, context: Context): number | undefined {
  const { io, tool, backend } = context;
  const { xml, first: order } = vocabulary.manner;
  const [first, second] = argv;
  if (first === undefined) {
    const what = order === 'device' ? 'a device and a command are needed' : 'a command is needed';
    return listed(vocabulary, context, `${what}. "${tool} help" lists all commands`);
  }
  // In 8.3, any word with a dash in place of the device asks for help.
  const isHelp = HELP_WORDS.has(first) || first === xml || (order === 'device' && /^-[^-]?$/u.test(first));
  const asked = isHelp ? second : second === '--help' || second === '-h' ? first : undefined;
  if (asked === undefined) {
    if (!isHelp) return undefined;
    list(vocabulary, context);
    // As ever: "help" for nothing in particular counts as a failure; --help does not.
    return first === '--help' || first === '-h' ? EXIT.ok : EXIT.failure;
  }
  const command = findCommand(vocabulary, asked);
  if (command === undefined)
    return listed(
      vocabulary,
      context,
      explainUnknownCommand(asked, vocabulary.dialect, backend.host.driver?.version),
      'unknown command',
    );
  // A program reads the description, and is told no more than that.
  if (first !== xml) tellOldName(asked, vocabulary, context);
  io.stdout.write(
    first === xml
      ? formatXml(command, vocabulary.manner)
      : formatCommandHelp(vocabulary, command, tool, columnsOf(context)),
  );
  return EXIT.ok;
}

async function run(call: Call, vocabulary: Vocabulary, context: Context): Promise<number> {
  const { manner, dialect } = vocabulary;
  const client = await clientOf(context, dialect);
  if (client.dialect === 'genl2') return run9(client, call, vocabulary, context);
  switch (call.command.action) {
    case 'change':
    case 'newMinor':
      return runChange(client, call, manner, context);
    case 'down':
      return runDown(client, call, manner, context);
    case 'state':
      return runState(client, call, context);
    case 'generations':
      return runGenerations(client, call, context);
    case 'shStatus':
      return runShellStatus(client, call, context);
    case 'show':
      return runShow(client, call, vocabulary, context);
    case 'status':
      return runStatus(client, call, context);
    case 'checkResize':
      return runCheckResize(client, call, manner, context);
    case 'udev':
      return runUdev(client, call, context);
    case 'events':
      return runEvents(client, call, context);
    case 'events2':
      return runEvents2(client, call, context);
    case 'wait':
      return runWait(client, call, manner, context);
  }
}
