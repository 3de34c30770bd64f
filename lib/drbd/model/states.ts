import * as connector from '../../dialects/connector';
import * as genl1 from '../../dialects/genl1';
import * as genl2 from '../../dialects/genl2';
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
function wordsByNumber(numbers: Readonly<Record<string, number>>, words: Readonly<Record<string, string>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(words).flatMap(([symbol, word]) => (numbers[symbol] === undefined ? [] : [[numbers[symbol], word] as const])));
}

const drbd8 = (dialect: typeof connector | typeof genl1): States => ({
  role: wordsByNumber(dialect.roles, dialect.stateWords.role),
  disk: wordsByNumber(dialect.diskStates, dialect.stateWords.disk),
  connection: wordsByNumber(dialect.connectionStates, dialect.stateWords.conn),
});

const STATES: Readonly<Record<SnapshotDialect, States>> = {
  connector: drbd8(connector),
  genl1: drbd8(genl1),
  genl2: {
    role: wordsByNumber(genl2.roles, genl2.stateWords.role_state),
    disk: wordsByNumber(genl2.diskStates, genl2.stateWords.disk_state),
    connection: wordsByNumber(genl2.connectionStates, genl2.stateWords.conn_state),
  },
};

/** @returns the dialect's own word for a state, `unknown(N)` for a number that it has none for, null for null */
export function wordOf(dialect: SnapshotDialect, kind: StateKind, code: number | null): string | null {
  return code === null ? null : (STATES[dialect][kind].get(code) ?? `unknown(${code})`);
}

/** @returns the number of the dialect's word, or null if it has no such word */
export function codeOf(dialect: SnapshotDialect, kind: StateKind, word: string | null | undefined): number | null {
  for (const [code, known] of STATES[dialect][kind]) if (known === word) return code;
  return null;
}

const CONNECTED = 'Connected';
const CONNECTING = 'Connecting';
const OFF = 'Off';

/**
 * Takes apart what DRBD 8 packs into one word.
 * - A number above C_WF_REPORT_PARAMS means that the peers are connected, and names what replication does; C_CONNECTED is plain replication (DRBD 9: `Established`).
 * - C_WF_CONNECTION is DRBD 9's `Connecting`. C_WF_REPORT_PARAMS is the handshake that ends it; but 8.4's dumps of connections
 *   stay there for as long as the peers are connected, since the rest is the volumes' own.
 */
export function splitConnection(dialect: 'connector' | 'genl1', code: number | null): { readonly state: string | null; readonly replication: string | null } {
  if (code === null) return { state: null, replication: null };
  const { connectionStates } = genl1;
  const known = STATES[dialect].connection.get(code);
  if (known === undefined) return { state: `unknown(${code})`, replication: `unknown(${code})` };
  if (code === connectionStates.C_WF_CONNECTION) return { state: CONNECTING, replication: OFF };
  if (code === connectionStates.C_WF_REPORT_PARAMS) return { state: dialect === 'genl1' ? CONNECTED : CONNECTING, replication: OFF };
  if (code < connectionStates.C_WF_REPORT_PARAMS) return { state: known, replication: OFF };
  return { state: CONNECTED, replication: code === connectionStates.C_CONNECTED ? 'Established' : known };
}

/** @returns whether the state is one of a resync or a verify that is under way or paused */
export function resyncKind(dialect: 'connector' | 'genl1', code: number | null): Resync['kind'] | null {
  switch (code === null ? undefined : STATES[dialect].connection.get(code)) {
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
export const uuidIndex = { current: connector.uuidSlots.UI_CURRENT, bitmap: connector.uuidSlots.UI_BITMAP, history: connector.uuidSlots.UI_HISTORY_START } as const;

/** @param uuids the kernel's array; empty where it told none */
export function uuidKeys(uuids: readonly bigint[]): { readonly currentUuid: bigint | null; readonly historyUuids: readonly bigint[] | null } {
  const current = uuids[uuidIndex.current] ?? 0n;
  // All are zero where there is no disk to have them.
  if (current === 0n) return { currentUuid: null, historyUuids: null };
  return { currentUuid: current, historyUuids: uuids.slice(uuidIndex.history).filter((uuid) => uuid !== 0n) };
}

/** @param code wire_protocol of a configuration. @param letter of /proc/drbd, where the configuration does not tell */
export function protocolOf(code: unknown, letter: string | null): { readonly protocol: string | null; readonly protocolCode: number | null } {
  const words: Readonly<Record<number, string>> = wireProtocol;
  if (typeof code === 'number') return { protocol: words[code] ?? `unknown(${code})`, protocolCode: code };
  const known = Object.entries(words).find(([, word]) => word === letter);
  return known === undefined ? { protocol: null, protocolCode: null } : { protocol: known[1], protocolCode: Number(known[0]) };
}

/** Number (enum write_ordering_e), word, and the letter of /proc/drbd. */
const WRITE_ORDERINGS = [
  [genl1.writeOrderings.WO_NONE, 'none', 'n'],
  [genl1.writeOrderings.WO_DRAIN_IO, 'drain', 'd'],
  [genl1.writeOrderings.WO_BDEV_FLUSH, 'flush', 'f'],
  [genl1.writeOrderings.WO_BIO_BARRIER, 'barrier', 'b'],
] as const;

interface WriteOrdering {
  readonly writeOrdering: string | null;
  readonly writeOrderingCode: number | null;
}

export function writeOrderingOf(code: number | null): WriteOrdering {
  const known = WRITE_ORDERINGS.find(([number]) => number === code);
  return { writeOrdering: code === null ? null : (known?.[1] ?? `unknown(${code})`), writeOrderingCode: code };
}

export function writeOrderingOfLetter(letter: string | null): WriteOrdering {
  return writeOrderingOf(WRITE_ORDERINGS.find(([, , known]) => known === letter)?.[0] ?? null);
}
