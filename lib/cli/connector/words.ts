import { metaDeviceModes } from '../../dialects/words';
import { resolve } from 'node:path';
import { DrbdError } from '../../errors';
import { readSecret, tell, tellerOf, type Context } from '../context';
import { UsageError } from '../errors';
import { getopt, type OptionSpec } from '../getopt';
import { parseSigned, quote } from '../number';
import { parseAddress } from '../address';
import {
  fieldOf,
  handlerNames,
  numericLimits,
  optionType,
  type CommandArgument,
  type CommandOption,
  type ConfigureCommand,
} from './commands';
import { usageOf } from './usage';

/** A changing request, as the words say it. */
export interface Configuration {
  /** In the order in which drbdsetup sends them: the arguments, then the options as they were given. */
  readonly tags: readonly (readonly [string, unknown])[];
  readonly createDevice: boolean;
  readonly setDefaults: boolean;
}

/** Two options that every configuring command has. */
const SET_DEFAULTS = { name: 'set-defaults', short: '(', argument: 'none' } as const satisfies OptionSpec;
const CREATE_DEVICE = { name: 'create-device', short: ')', argument: 'none' } as const satisfies OptionSpec;
/** Beside --shared-secret, so that the secret stands on no command line. */
const SECRET_FILE = { name: 'shared-secret-file', argument: 'required' } as const satisfies OptionSpec;
const SECRET_TAG = 'shared_secret';

interface TagSpec extends OptionSpec {
  readonly option: CommandOption;
}

function specOf(command: ConfigureCommand, option: CommandOption): TagSpec {
  return {
    name: option.name,
    short: option.short,
    argument: optionType(fieldOf(command, option.tag)) === 'boolean' ? 'none' : 'required',
    option,
  };
}

/**
 * Reads the words of a configuring command.
 * @param argv without the command's name
 * @throws UsageError
 */
export async function readConfiguration(
  command: ConfigureCommand,
  argv: readonly string[],
  context: Context,
): Promise<Configuration> {
  const { io } = context;
  const hasSecret = command.options.some(({ tag }) => tag === SECRET_TAG);
  const specs: readonly (TagSpec | OptionSpec)[] = [
    ...command.options.map((option) => specOf(command, option)),
    SET_DEFAULTS,
    CREATE_DEVICE,
    ...(hasSecret ? [SECRET_FILE] : []),
  ];
  const { options, operands } = getopt(argv, specs, command.name, 'connector');
  const tags: (readonly [string, unknown])[] = [];
  refuseExcess(command.name, operands.slice(command.arguments.length));
  command.arguments.forEach((argument, index) => {
    if (operands[index] === undefined) {
      if (tellerOf(context).json !== true) io.stdout.write(usageOf(command));
      throw new UsageError(`${command.name}: the argument ${argument.name} is missing`);
    }
  });
  for (const [index, argument] of command.arguments.entries())
    tags.push(...(await readArgument(command, argument, operands[index] ?? '', tags, context)));
  let createDevice = false;
  let setDefaults = false;
  let secretFile = hasSecret ? context.globals.sharedSecretFile : undefined;
  for (const { spec, value } of options) {
    if (spec === SET_DEFAULTS) setDefaults = true;
    else if (spec === CREATE_DEVICE) createDevice = true;
    else if (spec === SECRET_FILE) secretFile = value;
    else if ('option' in spec) tags.push(...readOption(command, spec.option, value, context));
  }
  if (secretFile !== undefined) {
    const option = command.options.find(({ tag }) => tag === SECRET_TAG);
    if (option !== undefined) tags.push(...readOption(command, option, await readSecret(secretFile, io), context));
  }
  return { tags, createDevice, setDefaults };
}

/** @throws UsageError where words are left that the command does not take */
export function refuseExcess(command: string, words: readonly string[]): void {
  if (words.length > 0)
    throw new UsageError(`${command}: excess arguments: ${words.map(quote).join(' ')}. Nothing was sent`, { command });
}

async function readArgument(
  command: ConfigureCommand,
  argument: CommandArgument,
  text: string,
  before: readonly (readonly [string, unknown])[],
  context: Context,
): Promise<readonly (readonly [string, unknown])[]> {
  const { name, tag, takes } = argument;
  const what = `${command.name}: ${name}`;
  switch (takes) {
    case 'block device':
      checkText(command, tag, text, what);
      requireBlockDevice(text, what, context);
      return [[tag, text]];
    case 'metadata index': {
      const { min = 0, max = 0 } = fieldOf(command, tag);
      const index =
        text === 'internal'
          ? BigInt(metaDeviceModes.flexInternal)
          : text === 'flexible'
            ? BigInt(metaDeviceModes.flexExternal)
            : parseSigned(text, '1', what);
      if (index < BigInt(min) || index > BigInt(max))
        throw new UsageError(`${what}: ${quote(text)} is out of range: internal, flexible, or a slot from 0 to ${max}`);
      return [[tag, Number(index)]];
    }
    case 'address': {
      const { address, notice } = await parseAddress(text, what);
      if (notice !== undefined) tell(notice, context);
      // A module that does not know other families must refuse, and not read the bytes as IPv4.
      const mindFamily = address.family !== 'ipv4' && !before.some(([sent]) => sent === 'mind_af');
      return [...(mindFamily ? ([['mind_af', false]] as const) : []), [tag, address]];
    }
    case 'protocol': {
      const found = handlerNames(fieldOf(command, tag)).find(
        ([, letter]) => letter === text || letter.toLowerCase() === text,
      );
      if (found === undefined) throw new UsageError(`${what}: A, B or C is needed, not ${quote(text)}`);
      return [[tag, found[0]]];
    }
  }
}

/** drbdsetup works in the root directory, and so does the kernel on its behalf. */
function requireBlockDevice(path: string, what: string, context: Context): void {
  let found: object | undefined;
  try {
    found = context.backend.blockDevice(context.backend.kind === 'replay' ? path : resolve('/', path));
  } catch (error) {
    if (!(error instanceof DrbdError)) throw error;
    throw new UsageError(`${what}: ${error.message}`);
  }
  if (found === undefined) throw new UsageError(`${what}: ${quote(path)} is not a block device`);
}

function checkText(command: ConfigureCommand, tag: string, text: string, what: string): void {
  const { maxBytes = Infinity, secret } = fieldOf(command, tag);
  const bytes = Buffer.byteLength(text) + 1;
  if (bytes > maxBytes)
    throw new UsageError(
      `${what}: at most ${maxBytes - 1} bytes fit, and ${secret === true ? 'the secret' : quote(text)} has ${bytes - 1}`,
    );
  if (text.includes('\0'))
    throw new UsageError(`${what}: a text without NUL is needed: the kernel would read it only up to there`);
  if (/[\ud800-\udfff]/u.test(text))
    throw new UsageError(`${what}: a well-formed text is needed: this one has half of a surrogate pair`);
}

function readOption(
  command: ConfigureCommand,
  option: CommandOption,
  value: string | undefined,
  context: Context,
): readonly (readonly [string, unknown])[] {
  const field = fieldOf(command, option.tag);
  const text = value ?? '';
  const what = `${command.name}: --${option.name}`;
  switch (optionType(field)) {
    case 'boolean':
      return [[option.tag, true]];
    case 'string':
      checkText(command, option.tag, text, what);
      return [[option.tag, text]];
    case 'handler': {
      const names = handlerNames(field);
      const found = names.find(([, word]) => word === text);
      if (found !== undefined) return [[option.tag, found[0]]];
      if (tellerOf(context).json !== true) context.io.stdout.write(names.map(([, word]) => `\t${word}\n`).join(''));
      throw new UsageError(`${what}: ${quote(text)} is none of ${names.map(([, word]) => word).join(', ')}`);
    }
    case 'numeric': {
      const { scale } = option;
      const { min, max } = numericLimits(command, option);
      const number = parseSigned(text, scale ?? '1', what);
      if (number < min || number > max) {
        const unit = option.counts === undefined || scale !== undefined ? '' : ` (${option.counts})`;
        throw new UsageError(
          `${what}: ${quote(text)} is ${number}${UNIT_TEXT[scale ?? '1']}${unit}, and out of range: ${min} to ${max}${UNIT_TEXT[scale ?? '1']}`,
        );
      }
      const pair = [option.tag, field.kind === 'u64' ? number : Number(number)] as const;
      return option.flagIfZero !== undefined && number === 0n ? [pair, [option.flagIfZero, false]] : [pair];
    }
  }
}

/** What a scaled number counts. */
const UNIT_TEXT = { '1': '', k: 'k (KiB)', s: 's (sectors of 512 bytes)' } as const;
