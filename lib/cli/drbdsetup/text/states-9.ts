import { connectionStates, diskStates, replicationStates, roles } from '../../../dialects/genl2';
import { translated } from '../../../model';
import { paint, pick, type Color } from './colors';

// The words and colors of DRBD 9's states, for status, events2 and what else prints one.

// A number that no release knows is told as such.
export const roleWord9 = (code: number | undefined) => translated('genl2', 'role', code ?? 0) ?? '';
export const diskWord9 = (code: number | undefined) => translated('genl2', 'disk', code ?? 0) ?? '';
export const connectionWord9 = (code: number | undefined) => translated('genl2', 'connection', code ?? 0) ?? '';
export const replicationWord9 = (code: number | undefined) => translated('genl2', 'replication', code ?? 0) ?? '';

/**
 * What `role`, `cstate` and `dstate` print as JSON: the keys of DRBD 8, of which each of DRBD 9's commands tells its own.
 * @param told what this one tells
 */
export function stateToJson9(told: object): object {
  return {
    minor: null,
    configured: true,
    connection: null,
    role: null,
    peerRole: null,
    disk: null,
    peerDisk: null,
    suspended: { user: null, noData: null, fencing: null },
    resyncSuspended: { user: null, peer: null, dependency: null },
    progressPercent: null,
    ...told,
  };
}

/** How something is written that is neither yes nor no where the kernel did not say. */
export function clientWord(intentional: boolean | undefined): string {
  return intentional === undefined ? 'unknown' : intentional ? 'yes' : 'no';
}

export const yesNo = (set: boolean | undefined): string => (set === true ? 'yes' : 'no');

/** @returns the reasons that hold, or `no` */
export function reasonWords(reasons: readonly (readonly [string, boolean | number | undefined])[]): string {
  const holding = reasons.filter(([, holds]) => holds === true || (typeof holds === 'number' && holds !== 0));
  return holding.length === 0 ? 'no' : holding.map(([reason]) => reason).join(',');
}

export interface Suspension {
  readonly res_susp?: boolean;
  readonly res_susp_nod?: boolean;
  readonly res_susp_fen?: boolean;
  readonly res_susp_quorum?: boolean;
}

/** @returns why requests are frozen, or `no` */
export function suspendedWords9(info: Suspension): string {
  return reasonWords([
    ['user', info.res_susp],
    ['no-data', info.res_susp_nod],
    ['fencing', info.res_susp_fen],
    ['quorum', info.res_susp_quorum],
  ]);
}

export interface ResyncHolds {
  readonly peer_resync_susp_user?: number;
  readonly peer_resync_susp_peer?: number;
  readonly peer_resync_susp_dependency?: number;
}

/** @returns why a resync is held, or `no` */
export function resyncSuspendedWords9(info: ResyncHolds): string {
  return reasonWords([
    ['user', info.peer_resync_susp_user],
    ['peer', info.peer_resync_susp_peer],
    ['dependency', info.peer_resync_susp_dependency],
  ]);
}

/** @returns undefined for a number without a word */
export function writeOrderingWord(code: number | undefined): string | undefined {
  const word = translated('genl2', 'writeOrdering', code ?? null);
  return word === null || word.startsWith('unknown') ? undefined : word;
}

const roleColor = pick(
  new Map<number, Color>([
    [roles.R_PRIMARY, 'primary'],
    [roles.R_SECONDARY, 'normal'],
  ]),
);
const diskColor = pick(
  new Map<number, Color>([
    [diskStates.D_DISKLESS, 'bad'],
    [diskStates.D_INCONSISTENT, 'bad'],
    [diskStates.D_OUTDATED, 'bad'],
    [diskStates.D_UP_TO_DATE, 'good'],
  ]),
);
const connectionColor = pick(
  new Map<number, Color>([
    [connectionStates.C_STANDALONE, 'bad'],
    [connectionStates.C_CONNECTING, 'bad'],
    [connectionStates.C_CONNECTED, 'normal'],
  ]),
);
const replicationColor = pick(
  new Map<number, Color>([
    [replicationStates.L_ESTABLISHED, 'normal'],
    [replicationStates.L_SYNC_SOURCE, 'bad'],
    [replicationStates.L_SYNC_TARGET, 'bad'],
    [replicationStates.L_VERIFY_S, 'normal'],
    [replicationStates.L_VERIFY_T, 'normal'],
    [replicationStates.L_PAUSED_SYNC_S, 'normal'],
    [replicationStates.L_PAUSED_SYNC_T, 'bad'],
    [replicationStates.L_AHEAD, 'normal'],
  ]),
);
/** What happens to this node's data has its colors. */
const LOCAL_REPLICATION: ReadonlySet<number> = new Set([
  replicationStates.L_SYNC_TARGET,
  replicationStates.L_PAUSED_SYNC_T,
  replicationStates.L_BEHIND,
]);

/** Words in their colors. */
export class Painter {
  readonly #colors: boolean;

  constructor(colors: boolean) {
    this.#colors = colors;
  }

  role(code: number | undefined, local: boolean): string {
    return paint(roleWord9(code), roleColor(code ?? 0), local, this.#colors);
  }

  /** @param intentional no disk is meant to be there, which is as good as one that is UpToDate */
  disk(code: number | undefined, intentional: boolean, local: boolean): string {
    const state = code ?? diskStates.D_DISKLESS;
    const color = state === diskStates.D_DISKLESS && intentional ? 'good' : diskColor(state);
    return paint(diskWord9(state), color, local, this.#colors);
  }

  connection(code: number | undefined): string {
    return paint(connectionWord9(code), connectionColor(code ?? 0), true, this.#colors);
  }

  replication(code: number | undefined): string {
    const state = code ?? 0;
    return paint(replicationWord9(state), replicationColor(state), LOCAL_REPLICATION.has(state), this.#colors);
  }

  /** @param good which of both is as it should be */
  yesNo(set: boolean, good: boolean): string {
    return paint(yesNo(set), set === good ? 'good' : 'bad', true, this.#colors);
  }
}

/** Rounds as C's printf does: to the nearest, and half to even. */
export function fixed(value: number, decimals: 0 | 2): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  const scaled = value * 10 ** decimals;
  const floor = Math.floor(scaled);
  // A tie is exact in binary only where the scaled value is; JavaScript rounds it away from zero.
  const exact = decimals === 0 || Number.isInteger(value * 8);
  if (exact && scaled - floor === 0.5)
    return ((floor % 2 === 0 ? floor : floor + 1) / 10 ** decimals).toFixed(decimals);
  return value.toFixed(decimals);
}
