import { backendOf, type Backend } from './backend';
import { runBatch } from './batch';
import { loadModuleIfAsked, tell, tellError, type Context } from './context';
import { EXIT, exitCodeOfError, formatError, formatNotice, UsageError, type Teller } from './errors';
import { asksForJson, parseGlobals, type Globals } from './globals';
import type { Io } from './io';
import { secretMask } from './line/secrets';

// What both programs do around a command: its context, its errors, its exit code, its recording.

export interface MainOptions {
  /** What to speak to, in place of what the global options ask for. It stays open. */
  readonly backend?: Backend;
}

/** A program that was called. */
export interface Called extends MainOptions {
  readonly io: Io;
  readonly teller: Teller;
}

/** @returns how a program tells what it thinks of its words, before it has understood any */
export function tellerOfWords(tool: string, argv: readonly string[]): Teller {
  return { tool, json: asksForJson(argv), mask: secretMask(argv) };
}

/** @returns the exit code of what is run, or of the error that it ended with, which is told then */
export async function telling(teller: Teller, io: Io, run: () => Promise<number> | number): Promise<number> {
  try {
    return await run();
  } catch (error) {
    io.stderr.write(formatError(error, teller));
    return exitCodeOfError(error);
  }
}

/** As {@link telling}, with what is known of the command when it fails. */
async function tellingIn(context: Context, run: () => Promise<number> | number): Promise<number> {
  try {
    return await run();
  } catch (error) {
    tellError(error, context);
    return exitCodeOfError(error);
  }
}

/**
 * Runs a command over what the global options ask for, and closes it. Errors, output that is not complete and a
 * recording that is not are told.
 * @param how `offline`: the command asks no driver; `oneByOne`: how a recording is handed out
 * @returns the exit code
 */
export async function runInContext(
  { io, teller, backend: given }: Called,
  globals: Globals,
  run: (context: Context) => Promise<number> | number,
  { offline = false, ...replaying }: { readonly offline?: boolean } & Parameters<typeof backendOf>[2] = {},
): Promise<number> {
  let backend: Backend | undefined;
  const code = await telling(teller, io, async () => {
    backend = given ?? backendOf(globals, io.clock, replaying);
    const { tool, mask, command, subject } = teller;
    const context: Context = { io, globals, backend, tool, subject, command, mask, jsonErrors: teller.json };
    return tellingIn(context, async () => {
      if (!offline) loadModuleIfAsked(context);
      const exit = await run(context);
      const { failure } = io.stdout;
      if (failure === undefined) return exit;
      tell(`standard output: ${failure}; what was printed is not complete`, context);
      return exit === EXIT.ok ? EXIT.failure : exit;
    });
  });
  // What the kernel did stands, whatever became of the record of it.
  const problem = given === undefined ? backend?.finish(io.ended() === 'SIGTERM' ? 'sigterm' : 'closed') : undefined;
  if (problem !== undefined) io.stderr.write(formatNotice(problem, teller));
  return code;
}

/**
 * Runs the commands on standard input over the client of a context, each with global options of its own that say
 * neither whom to speak to nor where things are.
 * @param words that follow `batch`
 */
export async function runLines(
  words: readonly string[],
  context: Context,
  run: (argv: readonly string[], context: Context) => Promise<number>,
): Promise<number> {
  if (words.length > 0)
    throw new UsageError('batch takes no arguments; it reads the commands from standard input, one a line');
  return runBatch(context, async (argv, io) => {
    const { globals, named, rest } = parseGlobals(argv, {});
    for (const { name, perLine } of named) {
      if (perLine !== true)
        throw new UsageError(`--${name} belongs before "batch": all its commands speak to one driver`);
    }
    const { mask, json } = tellerOfWords(context.tool, argv);
    const one: Context = {
      io,
      backend: context.backend,
      tool: context.tool,
      subject: undefined,
      mask,
      jsonErrors: context.globals.json || json === true,
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
    return tellingIn(one, () => {
      if (rest[0] === 'batch') throw new UsageError('batch cannot run inside batch');
      return run(rest, one);
    });
  });
}
