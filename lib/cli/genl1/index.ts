import { operations } from '../../dialects/genl1';
import {
  clientOf,
  isDriverAbsent,
  readSecret,
  tell,
  tellerOf,
  nothingToDo,
  type Context,
  type Personality,
} from '../context';
import { EXIT, UsageError } from '../errors';
import { isDeviceWord } from '../device';
import { unknownGlobal } from '../globals';
import { explainUnknownCommand } from '../line/generations';
import { HELP_WORDS } from '../line/help-words';
import { runChange, runDelMinor, runDelResource, runDown } from './changes';
import { parseCall, type Call } from './command-line';
import { commands, findCommand, type Command } from './commands';
import { formatCommandHelp, formatHelp, formatXmlHelp } from './help';
import { runGenerations, runShellStatus, runShow, runState, runStatus, runUdev } from './questions';
import { runEvents, runEvents2 } from './streams';
import { runWait, type WaitGoal } from './wait';
import { runCheckResize } from './check-resize';
import { stateToJson } from './states';

const XML_HELP = 'xml-help';
/** What is done already where there is no driver. */
const DONE_WITHOUT_DRIVER: ReadonlySet<string> = new Set(['down', 'secondary', 'disconnect', 'detach']);

/** drbdsetup for DRBD 8.4. */
export const genl1Personality: Personality = {
  dialect: 'genl1',
  commands: commands.map(({ name }) => name),
  run: async (argv, context) => {
    const help = helpOf(argv, context);
    if (help !== undefined) return help;
    const { command, words } = commandOf(argv, context);
    context.command = command.name;
    context.requests = Object.keys(operations);
    const { globals, backend, io } = context;
    const call = await parseCall(
      command,
      words,
      backend,
      globals.sharedSecretFile,
      (file) => readSecret(file, io),
      globals.strict ? 'refuse' : 'send',
    );
    for (const notice of call.notices) tell(notice, context);
    if (call.subject !== '') context.subject = call.subject;
    if (DONE_WITHOUT_DRIVER.has(command.name) && isDriverAbsent(backend)) {
      tell(nothingToDo(command.name), context);
      return EXIT.ok;
    }
    return run(call, call.plain.has('json') ? { ...context, globals: { ...globals, json: true } } : context);
  },
};

/** Old programs name the object first. */
function commandOf(
  argv: readonly string[],
  { backend }: Context,
): { readonly command: Command; readonly words: readonly string[] } {
  const [first = '', second = '', ...rest] = argv;
  if (first.startsWith('--')) throw new UsageError(unknownGlobal(first));
  const command = findCommand(first);
  if (command !== undefined) return { command, words: argv.slice(1) };
  const later = findCommand(second);
  if (later !== undefined) return { command: later, words: [first, ...rest] };
  // Where a device stands first, the word behind it was to be the command.
  const meant = isDeviceWord(first) && second !== '' ? second : first;
  throw new UsageError(explainUnknownCommand(meant, 'genl1', backend.host.driver?.version));
}

/** @returns the exit code, if help was asked for, or nothing at all */
function helpOf(argv: readonly string[], context: Context): number | undefined {
  const { io, tool, backend } = context;
  const json = tellerOf(context).json === true;
  const [first, second] = argv;
  const columns = io.stdout.isTerminal ? process.stdout.columns : undefined;
  const list = (problem?: string): number => {
    if (!json) io.stdout.write(formatHelp(tool, columns));
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
  const command = findCommand(asked);
  if (command === undefined) return list(explainUnknownCommand(asked, 'genl1', backend.host.driver?.version));
  io.stdout.write(first === XML_HELP ? formatXmlHelp(command) : formatCommandHelp(command, tool, columns));
  return EXIT.ok;
}

async function run(call: Call, context: Context): Promise<number> {
  const { command, target, plain } = call;
  const client = await clientOf(context, 'genl1');
  const { json } = context.globals;
  switch (command.action) {
    case 'change':
      return runChange(client, call, context);
    case 'down':
      return runDown(client, call, context);
    case 'delMinor':
      return runDelMinor(client, call, context);
    case 'delResource':
      return runDelResource(client, call, context);
    case 'role':
    case 'cstate':
    case 'dstate':
      return runState(client, call, context);
    case 'gi':
      return runGenerations(client, call, context);
    case 'shStatus':
      return runShellStatus(client, call, context);
    case 'show':
      return runShow(client, call, context);
    case 'status':
      return runStatus(client, call, context);
    case 'checkResize':
      return runCheckResize(client, call, context);
    case 'udev':
      return runUdev(client, call, context);
    case 'events':
      return runEvents(client, plain.has('all-devices') ? { kind: 'all' } : target, json, context);
    case 'events2':
      return runEvents2(
        client,
        target,
        { now: plain.has('now'), statistics: plain.has('statistics'), timestamps: plain.has('timestamps'), json },
        context,
      );
    case 'waitConnect':
      return wait('connected');
    case 'waitSync':
      return wait('synced');
  }

  async function wait(goal: WaitGoal): Promise<number> {
    const limit = (name: string): number => Number(plain.get(name) ?? 0);
    const afterSplitBrain = plain.get('wait-after-sb');
    const minor = target.kind === 'minor' ? target.minor : 0;
    const limits = {
      wfc: limit('wfc-timeout'),
      degraded: limit('degr-wfc-timeout'),
      outdated: limit('outdated-wfc-timeout'),
    };
    const print = (answer: object): void => {
      if (json) context.io.stdout.write(`${JSON.stringify({ minor, ...answer })}\n`);
    };
    const exit = await runWait(
      client,
      minor,
      goal,
      limits,
      afterSplitBrain === '' || afterSplitBrain === 'yes',
      context,
      (state, reached) => {
        print({ reached, ...stateToJson(state) });
      },
    );
    if (exit === EXIT.timeout) print({ reached: false });
    return exit;
  }
}
