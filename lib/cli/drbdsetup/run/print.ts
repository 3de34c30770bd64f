import type { Client } from '../../../drbd';
import type { Tag } from '../../../schema';
import { byteOrderOf } from '../../backend';
import type { Context } from '../../context';
import { EXIT, UsageError } from '../../errors';
import { formatUnknownTags } from '../text/show-83';

/** Prints an object as one line of JSON. */
export function printJson(value: unknown, { io }: Context): number {
  io.stdout.write(`${JSON.stringify(value)}\n`);
  return EXIT.ok;
}

/**
 * Prints an answer: its text, or with --json before the command its object.
 * @param unknown tags that nobody here knows, which 8.3 prints behind the text
 */
export function print(
  context: Context,
  text: string | Uint8Array,
  json: () => unknown,
  unknown: readonly Tag[] = [],
): number {
  if (context.globals.json) return printJson(json(), context);
  context.io.stdout.write(text);
  if (unknown.length > 0) context.io.stdout.write(formatUnknownTags(unknown, byteOrderOf(context.backend)));
  return EXIT.ok;
}

/** @throws UsageError, always. @param exitCode the C tool's for this command */
export function noSuchResource(context: Context, exitCode: number = EXIT.refused): never {
  const name = context.mask?.subject(context.subject ?? '') ?? context.subject ?? '';
  throw new UsageError(`${name}: there is no such resource. "${context.tool} status" lists those that exist`, {
    exitCode,
    code: 'ERR_DRBD_NOT_FOUND',
  });
}

/** @throws TypeError, always: a vocabulary names an action that the generation does not have */
export function notOf(client: Client, command: string): never {
  throw new TypeError(`${client.dialect} has no ${command}`);
}
