import * as tablesOfConnector from '../../dialects/connector';
import * as tablesOfGenl1 from '../../dialects/genl1';
import * as tablesOfGenl2 from '../../dialects/genl2';
import { wireProtocol } from '../../dialects/words';
import type { Resync, Snapshot } from './snapshot';

export type SnapshotDialect = Snapshot['source']['dialect'];
export type StateKind = 'role' | 'disk' | 'connection';

interface States {
  readonly role: ReadonlyMap<number, string>;
  readonly disk: ReadonlyMap<number, string>;
  /** DRBD 8: connection and replication in one numbering. */
  readonly connection: ReadonlyMap<number, string>;
}

/** Joins a header's numbers with the words that tools print for their symbols. */
function wordsByNumber(
  numbers: Readonly<Record<string, number>>,
  words: Readonly<Record<string, string>>,
): ReadonlyMap<number, string> {
  return new Map(
    Object.entries(words).flatMap(([symbol, word]) =>
      numbers[symbol] === undefined ? [] : [[numbers[symbol], word] as const],
    ),
  );
}

type Drbd8 = Pick<
  typeof tablesOfConnector | typeof tablesOfGenl1,
  'roles' | 'diskStates' | 'connectionStates' | 'stateWords'
>;

const drbd8 = ({ roles, diskStates, connectionStates, stateWords }: Drbd8): States => ({
  role: wordsByNumber(roles, stateWords.role),
  disk: wordsByNumber(diskStates, stateWords.disk),
  connection: wordsByNumber(connectionStates, stateWords.conn),
});

const builders: Readonly<Record<SnapshotDialect, () => States>> = {
  connector: () =>
    drbd8({
      roles: tablesOfConnector.roles,
      diskStates: tablesOfConnector.diskStates,
      connectionStates: tablesOfConnector.connectionStates,
      stateWords: tablesOfConnector.stateWords,
    }),
  genl1: () =>
    drbd8({
      roles: tablesOfGenl1.roles,
      diskStates: tablesOfGenl1.diskStates,
      connectionStates: tablesOfGenl1.connectionStates,
      stateWords: tablesOfGenl1.stateWords,
    }),
  genl2: () => ({
    role: wordsByNumber(tablesOfGenl2.roles, tablesOfGenl2.stateWords.role_state),
    disk: wordsByNumber(tablesOfGenl2.diskStates, tablesOfGenl2.stateWords.disk_state),
    connection: wordsByNumber(tablesOfGenl2.connectionStates, tablesOfGenl2.stateWords.conn_state),
  }),
};
const built: Partial<Record<SnapshotDialect, States>> = {};

/** Built when first needed: a program speaks one dialect. */
function statesOf(dialect: SnapshotDialect): States {
  return (built[dialect] ??= builders[dialect]());
}

/** @returns the dialect's own word for a state, `unknown(N)` for a number that it has none for, null for null */
export function wordOf(dialect: SnapshotDialect, kind: StateKind, code: number | null): string | null {
  return code === null ? null : (statesOf(dialect)[kind].get(code) ?? `unknown(${code})`);
}

/** @returns the number of the dialect's word, or null if it has no such word */
export function codeOf(dialect: SnapshotDialect, kind: StateKind, word: string | null | undefined): number | null {
  for (const [code, known] of statesOf(dialect)[kind]) if (known === word) return code;
  return null;
}

const CONNECTED = 'Connected';
const CONNECTING = 'Connecting';
const OFF = 'Off';

/**
 * Takes apart what DRBD 8 packs into one word.
 * - A number above C_WF_REPORT_PARAMS means that the peers are connected, and names what replication does; C_CONNECTED
 *   is plain replication (DRBD 9: `Established`).
 * - C_WF_CONNECTION is DRBD 9's `Connecting`. C_WF_REPORT_PARAMS is the handshake that ends it; but 8.4's dumps of
 *   connections
 *   stay there for as long as the peers are connected, since the rest is the volumes' own.
 */
export function splitConnection(
  dialect: 'connector' | 'genl1',
  code: number | null,
): { readonly state: string | null; readonly replication: string | null } {
  if (code === null) return { state: null, replication: null };
  const { connectionStates } = tablesOfGenl1;
  const known = statesOf(dialect).connection.get(code);
  if (known === undefined) return { state: `unknown(${code})`, replication: `unknown(${code})` };
  if (code === connectionStates.C_WF_CONNECTION) return { state: CONNECTING, replication: OFF };
  if (code === connectionStates.C_WF_REPORT_PARAMS)
    return { state: dialect === 'genl1' ? CONNECTED : CONNECTING, replication: OFF };
  if (code < connectionStates.C_WF_REPORT_PARAMS) return { state: known, replication: OFF };
  return { state: CONNECTED, replication: code === connectionStates.C_CONNECTED ? 'Established' : known };
}

/** @returns whether the state is one of a resync or a verify that is under way or paused */
export function resyncKind(dialect: 'connector' | 'genl1', code: number | null): Resync['kind'] | null {
  switch (code === null ? undefined : statesOf(dialect).connection.get(code)) {
    case 'SyncSource':
    case 'SyncTarget':
    case 'PausedSyncS':
    case 'PausedSyncT':
      return 'sync';
    case 'VerifyS':
    case 'VerifyT':
      return 'verify';
    default:
      return null;
  }
}

/** Where each generation stands in the kernel's array (enum drbd_uuid_index). */
export const uuidIndex = {
  current: tablesOfConnector.uuidSlots.UI_CURRENT,
  bitmap: tablesOfConnector.uuidSlots.UI_BITMAP,
  history: tablesOfConnector.uuidSlots.UI_HISTORY_START,
} as const;

/** @param uuids the kernel's array; empty where it told none */
export function uuidKeys(uuids: readonly bigint[]): {
  readonly currentUuid: bigint | null;
  readonly historyUuids: readonly bigint[] | null;
} {
  const current = uuids[uuidIndex.current] ?? 0n;
  // All are zero where there is no disk to have them.
  if (current === 0n) return { currentUuid: null, historyUuids: null };
  return { currentUuid: current, historyUuids: uuids.slice(uuidIndex.history).filter((uuid) => uuid !== 0n) };
}

/** @param code wire_protocol of a configuration. @param letter of /proc/drbd, where the configuration does not tell */
export function protocolOf(
  code: unknown,
  letter: string | null,
): { readonly protocol: string | null; readonly protocolCode: number | null } {
  const words: Readonly<Record<number, string>> = wireProtocol;
  if (typeof code === 'number') return { protocol: words[code] ?? `unknown(${code})`, protocolCode: code };
  const known = Object.entries(words).find(([, word]) => word === letter);
  return known === undefined
    ? { protocol: null, protocolCode: null }
    : { protocol: known[1], protocolCode: Number(known[0]) };
}

/** Symbol of the number (enum write_ordering_e), word, and the letter of /proc/drbd. */
const WRITE_ORDERINGS = [
  ['WO_NONE', 'none', 'n'],
  ['WO_DRAIN_IO', 'drain', 'd'],
  ['WO_BDEV_FLUSH', 'flush', 'f'],
  ['WO_BIO_BARRIER', 'barrier', 'b'],
] as const;

interface WriteOrdering {
  readonly writeOrdering: string | null;
  readonly writeOrderingCode: number | null;
}

export function writeOrderingOf(code: number | null): WriteOrdering {
  const known = WRITE_ORDERINGS.find(([symbol]) => tablesOfGenl1.writeOrderings[symbol] === code);
  return { writeOrdering: code === null ? null : (known?.[1] ?? `unknown(${code})`), writeOrderingCode: code };
}

export function writeOrderingOfLetter(letter: string | null): WriteOrdering {
  const symbol = WRITE_ORDERINGS.find(([, , known]) => known === letter)?.[0];
  return writeOrderingOf(symbol === undefined ? null : tablesOfGenl1.writeOrderings[symbol]);
}
