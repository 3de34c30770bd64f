import { parseRecording, replayTransport } from '../../recording';
import { MismatchError } from '../../errors';
import { createBackend, readRecording } from '../backend';
import { tellMissing, type Context } from '../context';
import { UsageError } from '../errors';
import { quote } from '../line/number';
import { command } from './command';
import { stream } from './events';
import { formatElapsed } from './text';

const notRun = (): never => {
  throw new TypeError('another command line is run in its place');
};

export const record = command({
  about: 'write what crosses the wire of a command to a file; without one, of events until it is ended',
  words: 'FILE [COMMAND…]',
  completes: 'file',
  options: {},
  count: [1, Infinity],
  details: [
    'drbd record FILE COMMAND is drbd --record FILE COMMAND. Secrets are masked unless --reveal stands before FILE. drbd timeline tells what is in it, drbd replay answers from it.',
  ],
  examples: ['drbd record incident.jsonl', 'drbd record promote.jsonl promote r0'],
  standsFor: ([file = '', ...words]) => ['--record', file, ...(words.length === 0 ? ['events'] : words)],
  run: notRun,
});

export const replay = command({
  about: 'a command that takes the answers from a recording in place of a kernel',
  words: 'FILE COMMAND…',
  completes: 'file',
  options: {},
  count: [2, Infinity],
  details: ['drbd replay FILE COMMAND is drbd --replay FILE COMMAND.'],
  examples: ['drbd replay incident.jsonl status'],
  standsFor: ([file = '', ...words]) => ['--replay', file, ...words],
  run: notRun,
});

export const timeline = command({
  about: 'a recording as a story: what changed when',
  words: 'FILE [RESOURCE…]',
  completes: 'file',
  options: {
    counters: { doc: 'Tell changes of counters alone too.' },
    only: {
      argument: 'KIND/OBJECT',
      many: true,
      doc: 'Tell these only: a kind of change, an object, or both, as in drbd events.',
    },
  },
  count: [1, Infinity],
  details: [
    'A line for each change, with the time since the recording began; what was wrong, and when that was over, is told as by drbd events. The file is what --record wrote of drbd events, record, status --watch or top: it has to hold the questions by which these begin.',
    '--json prints the lines of drbd events --json, with the time of then.',
  ],
  examples: ['drbd timeline incident.jsonl', 'drbd timeline incident.jsonl r0 --only change/connection'],
  offline: true,
  run: ({ context, words: [file = '', ...words], options }) =>
    tell(context, file, words, { ...options, refresh: undefined, full: false, now: false }),
});

async function tell(
  context: Context,
  file: string,
  words: readonly string[],
  options: Parameters<typeof stream>[2],
): Promise<number> {
  const recording = parseRecording(readRecording(file), file);
  const transport = replayTransport(recording, { oneByOne: true });
  const beganMs = Date.parse(recording.header.began ?? '1970-01-01');
  const elapsedMs = (): number => transport.atMs ?? 0;
  const backend = createBackend({ kind: 'replay', transport, locks: false, missing: transport.missing });
  const clock = { now: () => new Date(beganMs + elapsedMs()), elapsedMs };
  const isTimed = recording.entries.some((entry) => 'atMs' in entry);
  try {
    const told = { ...context, backend };
    const exit = await stream({ ...told, io: { ...context.io, clock } }, words, options, () =>
      isTimed ? formatElapsed(elapsedMs()) : '-',
    );
    tellMissing(told);
    return exit;
  } catch (error) {
    if (!(error instanceof MismatchError)) throw error;
    throw new UsageError(
      `${quote(file)} does not hold the state at its begin: ${error.message.split('\n')[0] ?? ''}. Record with "drbd record FILE", and end that with Ctrl-C`,
    );
  } finally {
    backend.finish('closed');
  }
}
