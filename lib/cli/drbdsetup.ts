import { isConnectorApi } from '../dialects/proc-drbd';
import { isDriverMissing, type Dialect } from '../drbd';
import { backendOf, type Backend } from './backend';
import { runBatch } from './batch';
import {
  loadModuleIfAsked,
  procDrbdOf,
  tell,
  tellerOf,
  tellError,
  waitOptions,
  type Context,
  type Personality,
} from './context';
import { EXIT, exitCodeOfError, formatError, formatNotice, UsageError, type Teller } from './errors';
import { asksForJson, parseGlobals } from './globals';
import type { Io } from './io';
import { asksForHelp } from './line/help-words';
import { secretMask } from './line/secrets';
import { loadPersonality, personalityDialects } from './personalities';
import { formatVersion } from './version';

const TOOL = 'drbdsetup';

export interface MainOptions {
  /** What to speak to, in place of what the global options ask for. It stays open. */
  readonly backend?: Backend;
}

/**
 * drbdsetup. May be called any number of times in one process; nothing of a call outlives it but what it waits for in
 * vain inside the kernel.
 * @param argv the words after the tool's name
 * @returns the exit code
 */
export async function main(argv: readonly string[], io: Io, options: MainOptions = {}): Promise<number> {
  let backend: Backend | undefined;
  let context: Context | undefined;
  const teller: Teller = { tool: TOOL, json: asksForJson(argv), mask: secretMask(argv) };
  try {
    const { globals, rest } = parseGlobals(argv, io.env);
    if (rest[0] === '--version' || rest[0] === '-V') {
      io.stdout.write(formatVersion(TOOL, personalityDialects, globals.json));
      return EXIT.ok;
    }
    backend = options.backend ?? backendOf(globals);
    context = { io, globals, backend, tool: TOOL, subject: undefined, mask: teller.mask, jsonErrors: teller.json };
    loadModuleIfAsked(context);
    const code = rest[0] === 'batch' ? await batch(rest.slice(1), context) : await runOne(rest, context);
    const { failure } = io.stdout;
    if (failure === undefined) return code;
    tell(`standard output: ${failure}; what was printed is not complete`, context);
    return code === EXIT.ok ? EXIT.failure : code;
  } catch (error) {
    io.stderr.write(formatError(error, context === undefined ? teller : tellerOf(context)));
    return exitCodeOfError(error);
  } finally {
    // What the kernel did stands, whatever became of the record of it.
    const problem =
      options.backend === undefined ? backend?.finish(io.ended() === 'SIGTERM' ? 'sigterm' : 'closed') : undefined;
    if (problem !== undefined) io.stderr.write(formatNotice(problem, teller));
  }
}

async function batch(words: readonly string[], context: Context): Promise<number> {
  if (words.length > 0)
    throw new UsageError('batch takes no arguments; it reads the commands from standard input, one a line');
  return runBatch(context, async (argv, io) => {
    const { globals, named, rest } = parseGlobals(argv, {});
    for (const { name, perLine } of named) {
      if (perLine !== true)
        throw new UsageError(`--${name} belongs before "batch": all its commands speak to one driver`);
    }
    const one: Context = {
      io,
      backend: context.backend,
      tool: TOOL,
      subject: undefined,
      mask: secretMask(argv),
      jsonErrors: context.globals.json || asksForJson(argv),
      globals: {
        ...context.globals,
        timeoutMs: globals.timeoutMs ?? context.globals.timeoutMs,
        json: globals.json || context.globals.json,
        reveal: globals.reveal || context.globals.reveal,
        forceUnsafe: globals.forceUnsafe || context.globals.forceUnsafe,
        strict: globals.strict || context.globals.strict,
        sharedSecretFile: globals.sharedSecretFile ?? context.globals.sharedSecretFile,
      },
    };
    try {
      if (rest[0] === 'batch') throw new UsageError('batch cannot run inside batch');
      return await runOne(rest, one);
    } catch (error) {
      tellError(error, one);
      return exitCodeOfError(error);
    }
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
