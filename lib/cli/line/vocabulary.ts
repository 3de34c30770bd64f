import type { Dialect } from '../../drbd';
import type { AnyField, FieldTable } from '../../schema';
import type { OptionSpec } from './getopt';
import type { Option } from './option';

// What a generation's command line is made of. A vocabulary is data: what its words do is the same for all generations.

/** What a command is about, by the word that names it. Some take any of several. */
export type ObjectKind = 'resource' | 'minor' | 'all';

/** A word that a command needs, beyond its object. */
export interface Argument {
  readonly name: string;
  /** How help writes it, where not `{name}`. */
  readonly usage?: string;
  readonly kind: 'resource' | 'minor' | 'number' | 'word' | 'block device' | 'metadata index' | 'address';
  /**
   * Where it goes: into the command's own set, or into the context, which says what the request is about; the header
   * carries the minor.
   */
  readonly into: 'set' | 'context' | 'header';
  readonly field: string;
  readonly table: AnyField;
  /** A flag that goes out before an address that is not an IPv4 one, so that a module which does not know it refuses. */
  readonly flagIfNotIpv4?: string;
}

/** An option that no field stands behind. */
export interface PlainOption extends OptionSpec {
  /** The words that its argument may be; a number of seconds where they are absent. */
  readonly words?: readonly string[];
  /** What old scripts may still give, and no help tells of. */
  readonly old?: true;
  readonly doc: string;
}

/** An option of the request as a whole. */
export interface RequestFlag extends OptionSpec {
  readonly param: 'setDefaults' | 'createDevice';
  readonly doc: string;
}

/** What a command does: one function of run/ each. */
export type Action =
  | 'change'
  | 'newMinor'
  | 'down'
  | 'state'
  | 'status'
  | 'shStatus'
  | 'generations'
  | 'show'
  | 'checkResize'
  | 'events'
  | 'events2'
  | 'wait'
  | 'udev';

export interface Command {
  readonly name: string;
  readonly action: Action;
  /** One line for help. */
  readonly doc: string;
  /** First release of the driver that has it, where not all do. */
  readonly since?: string | undefined;
  /** In the order in which help lists them; empty where arguments name what it is about. */
  readonly object: readonly ObjectKind[];
  readonly arguments: readonly Argument[];
  /** The request; of `down`, where it is several, in their order. */
  readonly operation: string;
  readonly steps?: readonly string[];
  /** The set that options and arguments go into, by its key in the request. */
  readonly set: string | undefined;
  readonly fields: FieldTable;
  readonly options: readonly Option[];
  readonly plain: readonly PlainOption[];
  readonly flags: readonly RequestFlag[];
  /** Old names of options. */
  readonly aliases: Readonly<Record<string, string>>;
  /** The minor's lock file is taken, so that drbdmeta and this do not meddle at the same time. */
  readonly lock: boolean;
  /** The C tool of its generation does not have it. */
  readonly own?: true;
  /** Which of the links that drbdadm keeps about what it configured are removed once it is done. */
  readonly forgets?: 'minor' | 'resource' | 'both';
}

/** What a generation's command line does otherwise than another's. */
export interface Manner {
  /** Which word stands first: the device, or the command. The other order is understood as well. */
  readonly first: 'device' | 'command';
  /** The word that asks for XML. */
  readonly xml: 'xml' | 'xml-help';
  /** How usage is written on standard output where the words make no sense; else it is only referred to. */
  readonly printsUsage: boolean;
  /**
   * How usage is written as by drbdsetup 9: on standard output, the list of commands for an option that does not exist;
   * and XML has the line of help.
   */
  readonly isClassic?: true;
  /** Arguments go out before options, and what was said twice goes out twice; else the last word counts, and stands there. */
  readonly asWritten: boolean;
  /** What becomes of a number beyond its documented range, unless --strict is given. */
  readonly beyondRange: 'refuse' | 'send';
  readonly exits: {
    /** A text is too long for its field; undefined: it is sent, for the kernel to refuse. */
    readonly tooLong: number | undefined;
    /** `check-resize` where there is no disk, and where the size cannot be noted. */
    readonly noDisk: number;
    readonly notNoted: number;
    /** A wait whose limit the kernel refuses to tell; that of its return code if absent. */
    readonly waitRefused?: number;
  };
}

export interface Vocabulary {
  readonly dialect: Dialect;
  readonly manner: Manner;
  /** All of them, in the order in which help lists them, and `show` of 8.3 its sections. */
  readonly commands: readonly Command[];
  /** Their names, in the same order. */
  readonly names: readonly string[];
  /** @returns the command of this very name, which alone is made then; undefined if there is none */
  readonly command: (name: string) => Command | undefined;
  /** Names that are still understood, and what stands in their place today. */
  readonly oldNames: Readonly<Record<string, string>>;
  /** The names of the requests: errors name the command in their place. */
  readonly requests: readonly string[];
  /** The longest name of a resource, in bytes; 0 where resources have none. */
  readonly longestName: number;
  /** The options that `show` prints of each object. */
  readonly settings: Readonly<Record<'resource' | 'connection' | 'device', readonly Option[]>> & {
    /** Of a volume towards one peer, where there are such. */
    readonly peerDevice?: readonly Option[];
  };
}

/** @returns the command of this name, or the one that an old name stands for */
export function findCommand({ command, oldNames }: Vocabulary, name: string): Command | undefined {
  const today = Object.hasOwn(oldNames, name) ? oldNames[name] : undefined;
  return command(name) ?? (today === undefined ? undefined : command(today));
}

/** A row of a generation's commands: its name, and what makes the command when it is first asked for. */
export type CommandRow = readonly [name: string, make: (name: string) => Command];

/** @returns the commands of a generation, of which a program that runs one makes one */
export function commandTable(rows: readonly CommandRow[]): Pick<Vocabulary, 'names' | 'command'> & {
  readonly all: () => readonly Command[];
} {
  const made = new Map<string, Command>();
  const make = ([name, row]: CommandRow): Command => {
    const command = made.get(name) ?? row(name);
    made.set(name, command);
    return command;
  };
  return {
    names: rows.map(([name]) => name),
    command: (name) => {
      const row = rows.find(([known]) => known === name);
      return row === undefined ? undefined : make(row);
    },
    all: () => rows.map(make),
  };
}

/** A command without what most have not. */
export const plainCommand: Omit<Command, 'name' | 'action' | 'doc' | 'operation'> = {
  object: [],
  arguments: [],
  set: undefined,
  fields: {},
  options: [],
  plain: [],
  flags: [],
  aliases: {},
  lock: false,
};

export const setDefaults: RequestFlag = {
  name: 'set-defaults',
  short: '(',
  argument: 'none',
  param: 'setDefaults',
  doc: 'Set all that is not named to its default.',
};

/** The options of the commands that wait. */
export const waitOptions: readonly PlainOption[] = [
  { name: 'wfc-timeout', short: 't', argument: 'required', doc: 'Seconds to wait; 0 waits for ever.' },
  {
    name: 'degr-wfc-timeout',
    short: 'd',
    argument: 'required',
    doc: 'The same, where the peer was gone before this node went.',
  },
  {
    name: 'outdated-wfc-timeout',
    short: 'o',
    argument: 'required',
    doc: 'The same, where the data of the peer are outdated.',
  },
];
