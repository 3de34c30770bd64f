import { isConnectorApi } from '../../dialects/proc-drbd';
import { isDriverMissing, type Dialect } from '../../drbd';
import { procDrbdOf, waitOptions, type Context, type Personality } from '../context';
import { EXIT } from '../errors';
import { parseGlobals } from '../globals';
import type { Io } from '../io';
import { asksForHelp } from '../line/help-words';
import { loadPersonality, personalityDialects } from './personalities';
import { runInContext, runLines, telling, tellerOfWords, type MainOptions } from '../tool';
import { formatVersion } from '../version';

const TOOL = 'drbdsetup';

/**
 * drbdsetup. May be called any number of times in one process; nothing of a call outlives it but what it waits for in
 * vain inside the kernel.
 * @param argv the words after the tool's name
 * @returns the exit code
 */
export function main(argv: readonly string[], io: Io, options: MainOptions = {}): Promise<number> {
  const teller = tellerOfWords(TOOL, argv);
  return telling(teller, io, () => {
    const { globals, rest } = parseGlobals(argv, io.env);
    if (rest[0] === '--version' || rest[0] === '-V') {
      io.stdout.write(formatVersion(TOOL, personalityDialects, globals.json));
      return EXIT.ok;
    }
    return runInContext({ ...options, io, teller }, globals, (context) =>
      rest[0] === 'batch' ? runLines(rest.slice(1), context, runOne) : runOne(rest, context),
    );
  });
}

async function runOne(argv: readonly string[], context: Context): Promise<number> {
  await context.backend.refresh(waitOptions(context));
  const dialect = await chooseDialect(argv, context);
  return loadPersonality(dialect).run(argv, context);
}

/**
 * The dialect asked for, or a recording's, or the driver's; the one that has the command where there is no driver, and
 * where only help is asked for and the driver cannot be found out.
 */
async function chooseDialect(argv: readonly string[], context: Context): Promise<Dialect> {
  const { backend } = context;
  if (context.globals.dialect !== undefined) return context.globals.dialect;
  if (backend.dialect !== undefined) return backend.dialect;
  try {
    if (isConnectorApi(procDrbdOf(backend)?.api)) return 'connector';
    return (await backend.client(waitOptions(context))).dialect;
  } catch (error) {
    if (!isDriverMissing(error) && !asksForHelp(argv)) throw error;
    backend.close();
    return dialectOfWords(argv);
  }
}

/** Commands stand first or, after the device, second. The newest dialect that has the command is the likeliest. */
function dialectOfWords(argv: readonly string[]): Dialect {
  const loaded = personalityDialects.map((dialect): Personality => loadPersonality(dialect));
  const found = [argv[1], argv[0]].flatMap((word) =>
    loaded.filter(({ commands }) => word !== undefined && commands.includes(word)),
  )[0];
  return found?.dialect ?? loaded[0]?.dialect ?? 'connector';
}
