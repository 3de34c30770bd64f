import type { SecretMask } from '../errors';
import { isKnownOption } from '../drbdsetup/text/other-generations';

/** What stands for a secret. */
export const REDACTED = 'xxxx';

const SECRET_OPTION = '--shared-secret';

/**
 * Whether a word is `--shared-secret` or as much of it as getopt_long takes, and whether its argument is in the same
 * word.
 */
function secretOption(word: string): 'alone' | 'attached' | undefined {
  const [name = '', ...value] = word.split('=');
  if (!name.startsWith('--s') || !SECRET_OPTION.startsWith(name)) return undefined;
  return value.length > 0 ? 'attached' : 'alone';
}

/** A word of a command line, and what of it may be shown. */
interface ShownWord {
  readonly shown: string;
  /** What is not shown; undefined where all is. */
  readonly hidden: string | undefined;
}

/**
 * Tells secrets from what may be shown: the arguments of --shared-secret and -x, and what follows them up to the next
 * option, since a secret with a blank in it, and without quotes, is several words.
 */
function shownWords(words: readonly string[]): readonly ShownWord[] {
  let hiding = false;
  let isArgument = false;
  return words.map((word): ShownWord => {
    const letters = /^(-[A-Za-z]*?x)(.*)$/su.exec(word);
    if (isArgument) {
      isArgument = false;
      hiding = true;
      return { shown: REDACTED, hidden: word };
    }
    const option = secretOption(word);
    if (option === 'attached') {
      hiding = true;
      const start = word.indexOf('=') + 1;
      return { shown: `${word.slice(0, start)}${REDACTED}`, hidden: word.slice(start) };
    }
    if (option === 'alone' || letters?.[2] === '') {
      isArgument = true;
      return { shown: word, hidden: undefined };
    }
    if (letters !== null) {
      hiding = true;
      return { shown: `${letters[1] ?? ''}${REDACTED}`, hidden: letters[2] };
    }
    if (hiding && isKnownOption(word)) hiding = false;
    return hiding ? { shown: REDACTED, hidden: word } : { shown: word, hidden: undefined };
  });
}

/** @returns the words with whatever may be a secret among them taken out, for print */
export function redactWords(words: readonly string[]): readonly string[] {
  return shownWords(words).map(({ shown }) => shown);
}

/** @param words a command line */
export function secretMask(words: readonly string[]): SecretMask {
  const hidden = shownWords(words).flatMap(({ hidden: secret = '' }) => (secret === '' ? [] : [secret]));
  const isPart = (shown: string): boolean => {
    // The middle of a long word is left out of messages.
    const [head = ''] = shown.split('…');
    return head !== '' && hidden.some((secret) => secret.includes(head) || shown.includes(secret));
  };
  const unquote = (quoted: string): string => {
    try {
      return String(JSON.parse(quoted));
    } catch {
      return quoted;
    }
  };
  return {
    message: (text) =>
      hidden.length === 0
        ? text
        : text.replace(/"(?:[^"\\]|\\.)*"/gu, (quoted) =>
            // What the tool says of itself repeats no secret, and its absence would tell one.
            !quoted.startsWith('"drbdsetup ') && isPart(unquote(quoted)) ? `"${REDACTED}"` : quoted,
          ),
    subject: (text) =>
      text
        .split(' ')
        .map((word) => (hidden.includes(word) ? REDACTED : word))
        .join(' '),
  };
}
