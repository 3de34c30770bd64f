import { assert } from './assert';
import type { Command } from './command';
import { events } from './events';
import { explain } from './explain';
import { options } from './options';
import { replaceDrbdsetup } from './replace-drbdsetup';
import { show } from './show';
import { simulate } from './simulate';
import { status } from './status';
import { wait } from './wait';

/** The commands, in the order of help. Each is loaded when it is first asked for. */
const commands = {
  status: () => status,
  events: () => events,
  wait: () => wait,
  assert: () => assert,
  show: () => show,
  explain: () => explain,
  options: () => options,
  simulate: () => simulate,
  'replace-drbdsetup': () => replaceDrbdsetup,
} as const satisfies Readonly<Record<string, () => unknown>>;

export type CommandName = keyof typeof commands;
export const commandNames = Object.freeze(Object.keys(commands) as CommandName[]);

const isName = (name: string): name is CommandName => Object.hasOwn(commands, name);

/** @returns the row of a command; undefined for a word that is none */
export function commandOf(name: string): Command | undefined {
  return isName(name) ? (commands[name]() as Command) : undefined;
}
