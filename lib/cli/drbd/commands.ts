import { assert } from './assert';
import type { Command } from './command';
import { completionCommand } from './completion';
import { doctor } from './doctor';
import { events } from './events';
import { explain } from './explain';
import { metrics } from './metrics';
import { options } from './options';
import { record, replay, timeline } from './recordings';
import { replaceDrbdsetup } from './replace-drbdsetup';
import { show } from './show';
import { simulate } from './simulate';
import { status } from './status';
import { top } from './top';
import { translate } from './translate';
import { verbCommand, verbWords } from './verbs';
import { wait } from './wait';

/** The commands, in the order of help. Each is loaded when it is first asked for. */
const commands = {
  status: () => status,
  top: () => top,
  events: () => events,
  wait: () => wait,
  assert: () => assert,
  show: () => show,
  explain: () => explain,
  options: () => options,
  translate: () => translate,
  doctor: () => doctor,
  metrics: () => metrics,
  record: () => record,
  replay: () => replay,
  timeline: () => timeline,
  simulate: () => simulate,
  completion: () => completionCommand(commandNames, commandOf),
  'replace-drbdsetup': () => replaceDrbdsetup,
} as const satisfies Readonly<Record<string, () => unknown>>;

const isName = (name: string): name is keyof typeof commands => Object.hasOwn(commands, name);

/** @returns the names of all commands, in the order of help: those of the verbs come last */
export function commandNames(): readonly string[] {
  return [...Object.keys(commands), ...verbWords().map(([word]) => word)];
}

/** @returns the row of a command; undefined for a word that is none */
export function commandOf(name: string): Command | undefined {
  if (isName(name)) return commands[name]() as Command;
  const verb = verbWords().find(([word]) => word === name)?.[1];
  return verb === undefined ? undefined : verbCommand(verb);
}
