import { replaceDrbdsetup } from './replace-drbdsetup';
import { simulate, type Streams } from './simulate';

const USAGE = 2;

/** One row for each command: its name, one line about it, and what runs it. */
const commands: readonly {
  readonly name: string;
  readonly about: string;
  readonly run: (args: readonly string[], streams: Streams, ended: AbortSignal) => Promise<number>;
}[] = [
  { name: 'simulate', about: 'a simulated kernel with DRBD 8.3, to play with or to test against', run: simulate },
  {
    name: 'replace-drbdsetup',
    about: "put this package's drbdsetup in the place of the genuine one, or undo that",
    run: (args, streams) => replaceDrbdsetup(args, streams),
  },
];

const HELP = `drbd: DRBD from the command line, the same in every dialect

Usage: drbd COMMAND [OPTIONS]

${commands.map(({ name, about }) => `  ${name.padEnd(18)} ${about}`).join('\n')}

drbd COMMAND --help tells more of a command.
`;

/** @returns the exit status */
export async function main(args: readonly string[], streams: Streams, ended: AbortSignal): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    streams.out(HELP);
    return 0;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) {
    streams.err(
      `drbd: ${name === undefined ? 'a command is needed' : `there is no command ${JSON.stringify(name)}`}; there is ${commands.map((candidate) => candidate.name).join(', ')}. See drbd --help\n`,
    );
    return USAGE;
  }
  return command.run(rest, streams, ended);
}
