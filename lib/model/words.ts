import * as connector from '../dialects/connector/codes';
import * as genl1 from '../dialects/genl1/codes';
import * as genl2 from '../dialects/genl2/codes';
import { wireProtocol } from '../dialects/words';

// The vocabulary of the model is DRBD 9's; what the other dialects call otherwise is translated here.

const wordsOf = <const W extends string>(words: Readonly<Record<number | string, W>>): readonly W[] =>
  Object.freeze([...new Set(Object.values(words))]);

/** Symbol of the number (enum write_ordering_e), word, and the letter of /proc/drbd. */
const WRITE_ORDERINGS = [
  ['WO_NONE', 'none', 'n'],
  ['WO_DRAIN_IO', 'drain', 'd'],
  ['WO_BDEV_FLUSH', 'flush', 'f'],
  ['WO_BIO_BARRIER', 'barrier', 'b'],
] as const;

/** The words of each enumeration. */
export const vocabulary = Object.freeze({
  role: wordsOf(genl2.stateWords.role_state),
  disk: wordsOf(genl2.stateWords.disk_state),
  connection: wordsOf(genl2.stateWords.conn_state),
  replication: wordsOf(genl2.stateWords.repl_state),
  protocol: wordsOf(wireProtocol),
  writeOrdering: Object.freeze(WRITE_ORDERINGS.map(([, word]) => word)),
} as const);
export type Enumeration = keyof typeof vocabulary;
export type WordOf<E extends Enumeration> = (typeof vocabulary)[E][number];

export const resyncKinds = ['sync', 'verify'] as const;
/** What can hold a resync: the four holds by name, and no progress although nothing holds it. */
export const resyncReasons = ['user', 'peer', 'dependency', 'maxParallel', 'stalled'] as const;

export type ModelDialect = 'connector' | 'genl1' | 'genl2';
type Numbers = ReadonlyMap<number, string>;
type Enumerations = Readonly<Record<Enumeration, Numbers>>;

/** Joins a header's numbers with the words that tools print for their symbols. */
function joined(numbers: Readonly<Record<string, number>>, words: Readonly<Record<string, string>>): Numbers {
  return new Map(
    Object.entries(words).flatMap(([symbol, word]) =>
      numbers[symbol] === undefined ? [] : [[numbers[symbol], word] as const],
    ),
  );
}

const writeOrderings = (): Numbers =>
  new Map(WRITE_ORDERINGS.map(([symbol, word]) => [genl2.writeOrderings[symbol], word]));
const protocols = (): Numbers => new Map(Object.entries(wireProtocol).map(([code, word]) => [Number(code), word]));

/**
 * DRBD 8 packs connection and replication into one numbering. A number above C_WF_REPORT_PARAMS means that the peers
 * are connected, and names what replication does; C_CONNECTED is plain replication, DRBD 9's `Established`.
 * C_WF_CONNECTION is DRBD 9's `Connecting`. C_WF_REPORT_PARAMS is the handshake that ends it; but 8.4's connections
 * stay there for as long as the peers are connected, since the rest is the volumes' own.
 */
function drbd8(
  { roles, diskStates, connectionStates, stateWords }: Drbd8,
  handshake: WordOf<'connection'>,
): Enumerations {
  const packed = joined(connectionStates, stateWords.conn);
  const { C_WF_CONNECTION, C_WF_REPORT_PARAMS, C_CONNECTED } = connectionStates;
  const split = (of: (code: number, word: string) => string): Numbers =>
    new Map(Array.from(packed, ([code, word]) => [code, of(code, word)]));
  return {
    role: joined(roles, stateWords.role),
    disk: joined(diskStates, stateWords.disk),
    connection: split((code, word) => {
      if (code === C_WF_CONNECTION) return 'Connecting';
      if (code === C_WF_REPORT_PARAMS) return handshake;
      return code < C_WF_REPORT_PARAMS ? word : 'Connected';
    }),
    replication: split((code, word) => {
      if (code <= C_WF_REPORT_PARAMS) return 'Off';
      return code === C_CONNECTED ? 'Established' : word;
    }),
    protocol: protocols(),
    writeOrdering: writeOrderings(),
  };
}

type Drbd8 = Pick<typeof connector | typeof genl1, 'roles' | 'diskStates' | 'connectionStates' | 'stateWords'>;

const builders: Readonly<Record<ModelDialect, () => Enumerations>> = {
  connector: () => drbd8(connector, 'Connecting'),
  genl1: () => drbd8(genl1, 'Connected'),
  genl2: () => ({
    role: joined(genl2.roles, genl2.stateWords.role_state),
    disk: joined(genl2.diskStates, genl2.stateWords.disk_state),
    connection: joined(genl2.connectionStates, genl2.stateWords.conn_state),
    replication: joined(genl2.replicationStates, genl2.stateWords.repl_state),
    protocol: protocols(),
    writeOrdering: writeOrderings(),
  }),
};
const built: Partial<Record<ModelDialect, Enumerations>> = {};

/** @returns the model's word for a dialect's number, `unknown(N)` for one that has none, null for null */
export function translated<E extends Enumeration>(
  dialect: ModelDialect,
  enumeration: E,
  code: number | null,
): WordOf<E> | `unknown(${number})` | null {
  if (code === null) return null;
  // Built when first needed: a program speaks one dialect.
  const word = (built[dialect] ??= builders[dialect]())[enumeration].get(code);
  return (word as WordOf<E> | undefined) ?? `unknown(${code})`;
}

export type StateKind = 'role' | 'disk' | 'connection';
type OwnWords = Readonly<Record<StateKind, Numbers>>;

const ownWords8 = ({ roles, diskStates, connectionStates, stateWords }: Drbd8): OwnWords => ({
  role: joined(roles, stateWords.role),
  disk: joined(diskStates, stateWords.disk),
  connection: joined(connectionStates, stateWords.conn),
});
const ownBuilders: Readonly<Record<ModelDialect, () => OwnWords>> = {
  connector: () => ownWords8(connector),
  genl1: () => ownWords8(genl1),
  genl2: () => ({
    role: joined(genl2.roles, genl2.stateWords.role_state),
    disk: joined(genl2.diskStates, genl2.stateWords.disk_state),
    connection: joined(genl2.connectionStates, genl2.stateWords.conn_state),
  }),
};
const ownBuilt: Partial<Record<ModelDialect, OwnWords>> = {};
const ownWords = (dialect: ModelDialect): OwnWords => (ownBuilt[dialect] ??= ownBuilders[dialect]());

/** @returns the dialect's own word for a state, `unknown(N)` for a number that it has none for, null for null */
export function wordOf(dialect: ModelDialect, kind: StateKind, code: number | null): string | null {
  return code === null ? null : (ownWords(dialect)[kind].get(code) ?? `unknown(${code})`);
}

/** @returns the number of the dialect's own word, or null if it has no such word */
export function codeOf(dialect: ModelDialect, kind: StateKind, word: string | null | undefined): number | null {
  for (const [code, known] of ownWords(dialect)[kind]) if (known === word) return code;
  return null;
}

/** Takes apart what DRBD 8 packs into one word: the state of the connection, and what replication does. */
export function splitConnection(
  dialect: 'connector' | 'genl1',
  code: number | null,
): { readonly state: string | null; readonly replication: string | null } {
  return {
    state: translated(dialect, 'connection', code),
    replication: translated(dialect, 'replication', code),
  };
}

/** @returns the number of a replication protocol's letter, or null if there is none */
export function codeOfProtocol(letter: string | null): number | null {
  for (const [code, word] of protocols()) if (word === letter) return code;
  return null;
}

/** @returns the number of the letter of /proc/drbd, or null if there is none */
export function codeOfOrderingLetter(letter: string | null): number | null {
  const symbol = WRITE_ORDERINGS.find(([, , known]) => known === letter)?.[0];
  return symbol === undefined ? null : genl2.writeOrderings[symbol];
}
