/** Ask for an explanation in place of a command. */
export const HELP_WORDS: ReadonlySet<string> = new Set(['help', '--help', '-h']);
/** Ask for a description that programs read: of 8.3, and of later releases. */
const DESCRIPTION_WORDS: ReadonlySet<string> = new Set(['xml', 'xml-help']);

/** @returns whether the words only ask for an explanation, or say nothing at all: no driver is needed to answer */
export function asksForHelp([first, second]: readonly string[]): boolean {
  if (first === undefined || HELP_WORDS.has(first) || DESCRIPTION_WORDS.has(first)) return true;
  return second === '--help' || second === '-h';
}
