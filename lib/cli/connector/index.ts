import { explainUnknownCommand, isCommandAnywhere } from '../line/generations';
import { redactWords } from '../line/secrets';
import {
  isDriverAbsent,
  isDriverPresent,
  locked,
  nothingToDo,
  tell,
  tellerOf,
  type Context,
  type Personality,
} from '../context';
import { packets } from '../../dialects/connector';
import { isDeviceWord, minorOf } from '../device';
import { EXIT, UsageError } from '../errors';
import { unknownGlobal } from '../globals';
import { quote } from '../number';
import { aliases, commands, findCommand, type Command } from './commands';
import { runConfigure, runDown } from './configure';
import { runEvents } from './events';
import { runRead } from './read';
import { formatUsage, formatXml, usageOf } from './usage';
import { runWait } from './wait';
import { refuseExcess } from './words';

/** What is done already where there is no driver. */
const DONE_WITHOUT_DRIVER = ['down', 'secondary', 'disconnect', 'detach'];
/** What notes something down, beside the commands that change the driver's state. */
const CHANGES_FILES = ['check-resize'];

/** drbdsetup for DRBD 8.3: the device first, then the command. */
export const connectorPersonality: Personality = {
  dialect: 'connector',
  commands: [...commands.map(({ name }) => name), ...Object.keys(aliases), 'help', 'xml'],
  run,
};

async function run(argv: readonly string[], context: Context): Promise<number> {
  const { io } = context;
  const [first = '', second] = argv;
  // As in drbdsetup, any value will do; but no secrets.
  if (io.env['DRBD_DEBUG_DUMP_ARGV'] !== undefined) io.stderr.write(`argv: ${JSON.stringify(redactWords(argv))}\n`);
  if (first.startsWith('--') && first !== '--help') throw new UsageError(unknownGlobal(first));
  // A word with a dash in place of the device asks for help too.
  if (first === 'help' || first.startsWith('-')) return explain(first, second, usageOf, context);
  if (first === 'xml') return explain(first, second, formatXml, context);
  if (second === undefined) {
    printUsage(context);
    throw new UsageError(
      first === '' ? 'a device and a command are needed' : `${quote(first)}: a device and a command are needed`,
    );
  }
  // The command may stand first too, as in later releases.
  const [device, name] =
    findCommand(second) === undefined && findCommand(first) !== undefined ? [second, first] : [first, second];
  const command = findCommand(name);
  if (command === undefined) {
    printUsage(context);
    // A word that can only be a device stands where it belongs; else the command may be the first.
    const meant = isDeviceWord(first) ? name : isCommandAnywhere(first) ? first : name;
    throw new UsageError(explainUnknownCommand(meant, 'connector', context.backend.host.driver?.version));
  }
  if (!isDriverPresent(context.backend)) {
    if (!isDriverAbsent(context.backend)) {
      const text = context.backend.host.procDrbd();
      throw new UsageError(
        `nothing was sent: whether there is a DRBD driver cannot be told, as /proc/drbd cannot be read${typeof text === 'string' ? '' : ` (${text.error})`}. Mount procfs (mount -t proc proc /proc), or run as root`,
      );
    }
    if (DONE_WITHOUT_DRIVER.includes(name)) {
      context.subject = device;
      tell(nothingToDo(name), context);
      return EXIT.ok;
    }
    throw new UsageError(
      'there is no DRBD driver: /proc/drbd is missing. Load the module (modprobe drbd, or --modprobe), or look whether this is a container that does not see it',
    );
  }
  warnOfOldName(name, context);
  const minor = minorOf(device, context.backend);
  context.subject = device;
  context.command = command.name;
  context.requests = Object.keys(packets);
  const words = argv.slice(2);
  if (command.kind !== 'configure' && command.kind !== 'down') {
    // Where a command prints, --json may also stand behind it, as with later releases.
    const others = words.filter((word) => word !== '--json');
    const one: Context =
      others.length === words.length ? context : { ...context, globals: { ...context.globals, json: true } };
    return runCommand(command, minor, others, one);
  }
  return runCommand(command, minor, words, context);
}

async function runCommand(
  command: Command,
  minor: number,
  words: readonly string[],
  context: Context,
): Promise<number> {
  switch (command.kind) {
    case 'configure':
      return runConfigure(command, minor, words, context);
    case 'down':
      return runDown(minor, words, context);
    case 'read': {
      refuseExcess(command.name, words);
      const read = (): Promise<number> => runRead(command, minor, context);
      return CHANGES_FILES.includes(command.name) ? locked(minor, context, read) : read();
    }
    case 'events':
      return runEvents(command, minor, words, context);
    case 'wait':
      return runWait(command, minor, words, context);
  }
}

/** Where programs read standard output as JSON, it is no place for help. */
function printUsage(context: Context): void {
  if (tellerOf(context).json !== true) context.io.stdout.write(formatUsage());
}

function explain(
  first: string,
  name: string | undefined,
  format: (command: Command) => string,
  context: Context,
): number {
  if (name === undefined) {
    printUsage(context);
    return first === '--help' || first === '-h' ? EXIT.ok : EXIT.failure;
  }
  const command = findCommand(name);
  if (command === undefined) {
    printUsage(context);
    throw new UsageError(explainUnknownCommand(name, 'connector', context.backend.host.driver?.version));
  }
  warnOfOldName(name, context);
  context.io.stdout.write(format(command));
  return EXIT.ok;
}

function warnOfOldName(name: string, context: Context): void {
  const today = Object.hasOwn(aliases, name) ? aliases[name] : undefined;
  if (today !== undefined) tell(`the name ${name} is deprecated; use ${today}`, context);
}
