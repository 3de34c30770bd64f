import { endProcess, type Io } from './io';
import { asksForJson } from './globals';
import { HELP_WORDS } from './line/help-words';
import { nearest } from './line/nearest';
import { replaceDrbdsetup } from './replace-drbdsetup';
import { simulate, type Streams } from './simulate';
import { UsageError, formatError, formatNotice, type Teller } from './errors';
import { formatVersion } from './version';

const TOOL = 'drbd';
const USAGE = 2;

/** One row for each command: its name, one line about it, and what runs it. */
const commands: readonly {
  readonly name: string;
  readonly about: string;
  readonly run: (args: readonly string[], streams: Streams, ended: AbortSignal) => Promise<number>;
  /** It serves until it is told to end: that is its end, and no failure. */
  readonly server?: true;
}[] = [
  {
    name: 'simulate',
    about: 'a simulated kernel with DRBD 8.3, to play with or to test against',
    run: simulate,
    server: true,
  },
  {
    name: 'replace-drbdsetup',
    about: "put this package's drbdsetup in the place of the genuine one, or undo that",
    run: (args, streams) => replaceDrbdsetup(args, streams),
  },
];

const HELP = `drbd: DRBD from the command line, the same in every dialect

Usage: drbd [--json] COMMAND [OPTIONS]

${commands.map(({ name, about }) => `  ${name.padEnd(18)} ${about}`).join('\n')}

  --json             tell errors as JSON, one object a line on standard error
  -V, --version      print the version
  -h, --help         this text

drbd COMMAND --help tells more of a command.
`;

/** @returns the exit status */
export async function main(argv: readonly string[], streams: Streams, ended: AbortSignal): Promise<number> {
  const json = asksForJson(argv);
  const [name, ...rest] = argv.filter((word) => word !== '--json');
  if (name !== undefined && HELP_WORDS.has(name)) {
    streams.out(HELP);
    return 0;
  }
  if (name === '--version' || name === '-V') {
    streams.out(formatVersion(TOOL, [], json));
    return 0;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) {
    streams.err(formatError(new UsageError(unknownCommand(name), { exitCode: USAGE }), { tool: TOOL, json }));
    return USAGE;
  }
  return json ? runForJson(command, rest, streams, ended) : command.run(rest, streams, ended);
}

/** Runs a command, and makes JSON of what it says on standard error: an error where it fails. */
async function runForJson(
  { name, run }: (typeof commands)[number],
  rest: readonly string[],
  streams: Streams,
  ended: AbortSignal,
): Promise<number> {
  const teller: Teller = { tool: TOOL, command: name, json: true };
  const said: string[] = [];
  const exit = await run(rest, { out: (text) => streams.out(text), err: (text) => said.push(text) }, ended);
  const text = said.join('').trim().replace(`${TOOL} ${name}: `, '');
  if (exit !== 0) streams.err(formatError(new UsageError(text, { exitCode: exit }), teller));
  else if (text !== '') streams.err(formatNotice(text, teller));
  return exit;
}

function unknownCommand(name: string | undefined): string {
  const names = commands.map((candidate) => candidate.name);
  if (name === undefined) return `a command is needed; there is ${names.join(', ')}. See drbd --help`;
  const near = nearest(name, names);
  return `there is no command ${JSON.stringify(name)}; there is ${near ?? names.join(', ')}. See drbd --help`;
}

/** Runs the program in a process, and ends it. */
export async function runProgram(argv: readonly string[], io: Io): Promise<void> {
  const streams = { out: (text: string) => io.stdout.write(text), err: (text: string) => io.stderr.write(text) };
  const code = await main(argv, streams, io.endSignal());
  const [name] = argv.filter((word) => word !== '--json');
  const isServer = commands.some((command) => command.name === name && command.server === true);
  if (isServer && io.ended() !== 'closed pipe') process.exit(code);
  endProcess(code, io);
}
