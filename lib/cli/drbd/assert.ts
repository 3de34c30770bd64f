import { writeFileSync } from 'node:fs';
import { settledStatus, type Client, type Snapshot } from '../../drbd';
import { isChoice, type Verdict } from '../../model';
import { tellMissing, waitOptions, type Context } from '../context';
import { EXIT, UsageError } from '../errors';
import { quote } from '../line/number';
import { command } from './command';
import { printable } from './text';
import { expressionOf } from './wait';

/** The exit code where something does not hold. */
const FAILED = 1;

export const assert = command({
  about: 'check that expressions hold now',
  words: 'EXPRESSION…',
  completes: 'expression',
  options: {
    tap: { doc: 'Print the results as TAP, a test for each expression.' },
    junit: { argument: 'FILE', completes: 'file', doc: 'Write the results as JUnit XML to FILE.' },
  },
  details: [
    'Expressions are those of drbd wait. Each word is one; a word that only chooses, such as resource=r0, narrows those behind it, up to the next that chooses. All are compared with one state.',
    'It prints nothing when all hold, and else a line for each condition that does not.',
  ],
  examples: [
    'drbd assert resource=r0 role=Primary disk=UpToDate connection=Connected',
    "drbd assert 'none:connection=StandAlone' 'outOfSyncBytes<1M' --tap",
  ],
  exits: { [FAILED]: 'Something does not hold.' },
  run: ({ context, words, options }) => check(context, words, options),
});

/**
 * Makes expressions of words: one that only chooses what the others are about stands before each that follows.
 * @returns at least one for each group of words: what is chosen and not spoken of has to exist
 */
export function expressionsOf(words: readonly string[]): readonly string[] {
  const found: string[] = [];
  let choice: string[] = [];
  let isSpokenOf = true;
  for (const word of words) {
    const parts = word.split(/\s+/u).filter((part) => part !== '');
    if (parts.length > 0 && parts.every(isChoice)) {
      if (isSpokenOf) choice = [];
      choice.push(...parts);
      isSpokenOf = false;
    } else {
      found.push([...choice, word].join(' '));
      isSpokenOf = true;
    }
  }
  return isSpokenOf ? found : [...found, choice.join(' ')];
}

interface Result extends Verdict {
  readonly expression: string;
}

async function check(
  context: Context,
  words: readonly string[],
  options: { readonly tap: boolean; readonly junit: string | undefined },
): Promise<number> {
  const { io, globals, backend } = context;
  if (words.length === 0)
    throw new UsageError('an EXPRESSION is needed, such as connection=Connected. See drbd assert --help');
  const expressions = expressionsOf(words).map(expressionOf);
  const client = await backend.client(waitOptions(context));
  const snapshot = await wholeState(client, context);
  const results = expressions.map((expression): Result => ({
    expression: expression.text,
    ...expression.evaluate(snapshot),
  }));
  const satisfied = results.every((result) => result.satisfied);
  if (options.junit !== undefined) writeJunit(options.junit, results);
  if (globals.json) io.stdout.write(`${JSON.stringify({ schemaVersion: 1, satisfied, assertions: results })}\n`);
  else if (options.tap) io.stdout.write(formatTap(results));
  else
    for (const { missing } of results) for (const item of missing) io.stderr.write(`drbd assert: ${printable(item)}\n`);
  return satisfied ? EXIT.ok : FAILED;
}

/** @throws UsageError where something changes whenever it is read: such a state proves nothing */
async function wholeState(client: Client, context: Context): Promise<Snapshot> {
  const snapshot = await settledStatus(() => client.status(waitOptions(context)));
  if (snapshot.source.complete) return snapshot;
  tellMissing(context);
  throw (
    client.driver.refusal ??
    new UsageError(
      context.backend.missing().length > 0
        ? 'the recording holds a part of the state only, which proves nothing. Record the whole state, and run this again'
        : 'the state changes while it is read, so nothing can be said of it. Run this again',
    )
  );
}

/** @returns the results in the Test Anything Protocol, version 13 */
export function formatTap(results: readonly Result[]): string {
  const lines = results.map(({ expression, satisfied, missing }, at) => {
    // A # would begin a directive.
    const name = printable(expression).replaceAll('#', '\\#');
    const why = satisfied
      ? ''
      : `  ---\n  missing:\n${missing.map((item) => `    - ${JSON.stringify(item)}\n`).join('')}  ...\n`;
    return `${satisfied ? 'ok' : 'not ok'} ${at + 1} - ${name}\n${why}`;
  });
  return `TAP version 13\n1..${results.length}\n${lines.join('')}`;
}

const escaped = (text: string): string =>
  printable(text).replace(/[<>&"']/gu, (character) => `&#${character.charCodeAt(0)};`);

/** @returns the results as JUnit XML */
export function formatJunit(results: readonly Result[]): string {
  const failures = results.filter(({ satisfied }) => !satisfied).length;
  const cases = results.map(({ expression, satisfied, missing }) => {
    const open = `  <testcase classname="drbd" name="${escaped(expression)}"`;
    return satisfied
      ? `${open}/>\n`
      : `${open}>\n    <failure message="${escaped(missing[0] ?? '')}">${escaped(missing.join('; '))}</failure>\n  </testcase>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="drbd assert" tests="${results.length}" failures="${failures}">\n${cases.join('')}</testsuite>\n`;
}

function writeJunit(file: string, results: readonly Result[]): void {
  try {
    writeFileSync(file, formatJunit(results));
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new UsageError(`${quote(file)}: cannot be written: ${code}. Name another file with --junit`);
  }
}
