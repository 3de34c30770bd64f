import {
  afterSplitBrainPolicies,
  connectionStates,
  diskStates,
  fencingPolicies,
  onNoDataPolicies,
  roles,
  stateChangeCodes,
} from '../dialects/connector';
import type { StateWord } from '../dialects/state-word';

export const { R_UNKNOWN, R_PRIMARY, R_SECONDARY } = roles;
export const C = connectionStates;
export const D = diskStates;
export const SS = stateChangeCodes;
export const ASB = afterSplitBrainPolicies;
export const FP = fencingPolicies;

/** All states of a minor. */
export type State = StateWord;
/** The parts of a state that a change names. */
export type StateChange = Partial<State>;

export const INITIAL_STATE: State = Object.freeze({
  role: R_SECONDARY,
  peer: R_UNKNOWN,
  conn: C.C_STANDALONE,
  disk: D.D_DISKLESS,
  pdsk: D.D_UNKNOWN,
  susp: false,
  aftr_isp: false,
  peer_isp: false,
  user_isp: false,
  susp_nod: false,
  susp_fen: false,
});

const PARTS = Object.keys(INITIAL_STATE) as readonly (keyof State)[];

export function sameState(a: State, b: State): boolean {
  return PARTS.every((part) => a[part] === b[part]);
}

/** Whether I/O is suspended, for whatever reason. */
export function isSuspended(state: State): boolean {
  return state.susp || state.susp_nod || state.susp_fen;
}

/**
 * Whether applications may write now, suspension aside (drbd_state_is_stable): while bitmaps are exchanged and disks
 * negotiate, they wait.
 */
export function isStable(state: State): boolean {
  return (
    state.conn !== C.C_WF_BITMAP_T &&
    state.conn !== C.C_WF_SYNC_UUID &&
    state.disk !== D.D_ATTACHING &&
    state.disk !== D.D_NEGOTIATING
  );
}

/** Neither disk nor network, and not primary: such a minor needs no worker. */
export function isEmpty(state: State): boolean {
  return state.disk === D.D_DISKLESS && state.conn === C.C_STANDALONE && state.role === R_SECONDARY;
}

/** What the rules of states look at beside the states. */
export interface StateContext {
  /** Fencing policy of the attached disk; FP_DONT_CARE without one. */
  readonly fencing: number;
  readonly onNoData: number;
  /** Undefined without network configuration. */
  readonly twoPrimaries: boolean | undefined;
  readonly openCount: number;
  readonly verifyAlgorithm: boolean;
  /** The peers exchange their states: nothing but the connection may change. */
  readonly stateSent: boolean;
  /** While a disk negotiates: what it becomes if the peer is lost; undefined if its data is not the effective one. */
  readonly negotiated: Pick<State, 'disk' | 'pdsk'> | undefined;
}

/** Lowest and highest disk state here and there that a connection state allows. */
type Implication = readonly [diskMin: number, diskMax: number, peerMin: number, peerMax: number];

const TARGET_BEFORE_SYNC: Implication = [D.D_INCONSISTENT, D.D_OUTDATED, D.D_UP_TO_DATE, D.D_UP_TO_DATE];
const SOURCE_BEFORE_SYNC: Implication = [D.D_UP_TO_DATE, D.D_UP_TO_DATE, D.D_INCONSISTENT, D.D_CONSISTENT];
const VERIFY: Implication = [D.D_UP_TO_DATE, D.D_UP_TO_DATE, D.D_UP_TO_DATE, D.D_UP_TO_DATE];
const ANY: Implication = [D.D_DISKLESS, D.D_UP_TO_DATE, D.D_INCONSISTENT, D.D_UNKNOWN];

const IMPLICATIONS: Readonly<Record<number, Implication>> = {
  [C.C_WF_BITMAP_T]: TARGET_BEFORE_SYNC,
  [C.C_PAUSED_SYNC_T]: TARGET_BEFORE_SYNC,
  [C.C_STARTING_SYNC_T]: TARGET_BEFORE_SYNC,
  [C.C_WF_SYNC_UUID]: TARGET_BEFORE_SYNC,
  [C.C_BEHIND]: TARGET_BEFORE_SYNC,
  [C.C_VERIFY_S]: VERIFY,
  [C.C_VERIFY_T]: VERIFY,
  [C.C_CONNECTED]: [D.D_DISKLESS, D.D_UP_TO_DATE, D.D_DISKLESS, D.D_UP_TO_DATE],
  [C.C_WF_BITMAP_S]: SOURCE_BEFORE_SYNC,
  [C.C_PAUSED_SYNC_S]: SOURCE_BEFORE_SYNC,
  [C.C_STARTING_SYNC_S]: SOURCE_BEFORE_SYNC,
  [C.C_AHEAD]: SOURCE_BEFORE_SYNC,
  [C.C_SYNC_TARGET]: [D.D_INCONSISTENT, D.D_INCONSISTENT, D.D_UP_TO_DATE, D.D_UP_TO_DATE],
  [C.C_SYNC_SOURCE]: [D.D_UP_TO_DATE, D.D_UP_TO_DATE, D.D_INCONSISTENT, D.D_INCONSISTENT],
};

const isNetworkFailure = (conn: number): boolean => conn >= C.C_TIMEOUT && conn <= C.C_TEAR_DOWN;

/** Adds to a wanted state what follows from it (sanitize_state of drbd_main.c). */
export function sanitizeState(old: State, wanted: State, context: StateContext): State {
  const next: { -readonly [K in keyof State]: State[K] } = { ...wanted };
  if (isNetworkFailure(next.conn) && old.conn <= C.C_DISCONNECTING) next.conn = old.conn;
  if (
    isNetworkFailure(old.conn) &&
    next.conn !== C.C_UNCONNECTED &&
    next.conn !== C.C_DISCONNECTING &&
    next.conn <= C.C_CONNECTED
  )
    next.conn = old.conn;
  if (next.disk === D.D_FAILED && old.disk === D.D_DISKLESS) next.disk = D.D_DISKLESS;
  if (old.conn === C.C_DISCONNECTING && next.conn !== C.C_STANDALONE) next.conn = old.conn;
  if (next.conn < C.C_CONNECTED) {
    next.peer_isp = false;
    next.peer = R_UNKNOWN;
    if (next.pdsk > D.D_UNKNOWN || next.pdsk < D.D_INCONSISTENT) next.pdsk = D.D_UNKNOWN;
  }
  if (isEmpty(next)) next.aftr_isp = false;
  if (old.conn > C.C_CONNECTED && next.conn > C.C_CONNECTED && (next.disk <= D.D_FAILED || next.pdsk <= D.D_FAILED))
    next.conn = C.C_CONNECTED;
  if (next.conn < C.C_CONNECTED && next.disk === D.D_NEGOTIATING && old.disk === D.D_NEGOTIATING) {
    next.disk = context.negotiated?.disk ?? D.D_DISKLESS;
    next.pdsk = context.negotiated?.pdsk ?? D.D_UNKNOWN;
  }
  if (next.conn >= C.C_CONNECTED && next.conn < C.C_AHEAD) {
    if (next.disk === D.D_CONSISTENT || next.disk === D.D_OUTDATED) next.disk = D.D_UP_TO_DATE;
    if (next.pdsk === D.D_CONSISTENT || next.pdsk === D.D_OUTDATED) next.pdsk = D.D_UP_TO_DATE;
  }
  const [diskMin, diskMax, peerMin, peerMax] = IMPLICATIONS[next.conn] ?? ANY;
  next.disk = Math.max(Math.min(next.disk, diskMax), diskMin);
  next.pdsk = Math.max(Math.min(next.pdsk, peerMax), peerMin);
  const unfenced = (state: State): boolean =>
    state.role === R_PRIMARY && state.conn < C.C_CONNECTED && state.pdsk > D.D_OUTDATED;
  if (context.fencing === FP.FP_STONITH && unfenced(next) && !unfenced(old)) next.susp_fen = true;
  if (context.onNoData === onNoDataPolicies.OND_SUSPEND_IO && withoutData(next) && !withoutData(old))
    next.susp_nod = true;
  const paused = next.aftr_isp || next.peer_isp || next.user_isp;
  if (paused && next.conn === C.C_SYNC_SOURCE) next.conn = C.C_PAUSED_SYNC_S;
  else if (paused && next.conn === C.C_SYNC_TARGET) next.conn = C.C_PAUSED_SYNC_T;
  else if (!paused && next.conn === C.C_PAUSED_SYNC_S) next.conn = C.C_SYNC_SOURCE;
  else if (!paused && next.conn === C.C_PAUSED_SYNC_T) next.conn = C.C_SYNC_TARGET;
  return next;
}

/** A primary that reaches no good data at all. */
export function withoutData(state: State): boolean {
  return state.role === R_PRIMARY && state.disk < D.D_UP_TO_DATE && state.pdsk < D.D_UP_TO_DATE;
}

const isVerify = (conn: number): boolean => conn === C.C_VERIFY_S || conn === C.C_VERIFY_T;
const isStarting = (conn: number): boolean => conn === C.C_STARTING_SYNC_S || conn === C.C_STARTING_SYNC_T;

/** Refusals of a state, the first that applies counts: the code, and when (is_valid_state of drbd_main.c, 8.3.13). */
const REFUSED_STATES: readonly (readonly [code: number, applies: (state: State, context: StateContext) => boolean])[] =
  [
    [
      SS.SS_TWO_PRIMARIES,
      (s, context) => context.twoPrimaries === false && s.role === R_PRIMARY && s.peer === R_PRIMARY,
    ],
    [SS.SS_DEVICE_IN_USE, (s, context) => s.role === R_SECONDARY && context.openCount > 0],
    [SS.SS_NO_UP_TO_DATE_DISK, (s) => s.role === R_PRIMARY && s.conn < C.C_CONNECTED && s.disk < D.D_UP_TO_DATE],
    [
      SS.SS_PRIMARY_NOP,
      (s, context) =>
        context.fencing >= FP.FP_RESOURCE && s.role === R_PRIMARY && s.conn < C.C_CONNECTED && s.pdsk >= D.D_UNKNOWN,
    ],
    [SS.SS_NO_UP_TO_DATE_DISK, (s) => s.role === R_PRIMARY && s.disk <= D.D_INCONSISTENT && s.pdsk <= D.D_INCONSISTENT],
    [SS.SS_NO_LOCAL_DISK, (s) => s.conn > C.C_CONNECTED && s.disk < D.D_INCONSISTENT],
    [SS.SS_NO_REMOTE_DISK, (s) => s.conn > C.C_CONNECTED && s.pdsk < D.D_INCONSISTENT],
    [SS.SS_NO_UP_TO_DATE_DISK, (s) => s.conn > C.C_CONNECTED && s.disk < D.D_UP_TO_DATE && s.pdsk < D.D_UP_TO_DATE],
    [
      SS.SS_CONNECTED_OUTDATES,
      (s) =>
        (s.conn === C.C_CONNECTED ||
          s.conn === C.C_WF_BITMAP_S ||
          s.conn === C.C_SYNC_SOURCE ||
          s.conn === C.C_PAUSED_SYNC_S) &&
        s.disk === D.D_OUTDATED,
    ],
    [SS.SS_NO_VERIFY_ALG, (s, context) => isVerify(s.conn) && !context.verifyAlgorithm],
    [SS.SS_CONNECTED_OUTDATES, (s) => s.conn >= C.C_CONNECTED && s.pdsk === D.D_UNKNOWN],
  ];

/** Refusals of a change, the last that applies counts (is_valid_state_transition of drbd_main.c). */
const REFUSED_CHANGES: readonly (readonly [
  code: number,
  applies: (next: State, old: State, context: StateContext) => boolean,
])[] = [
  [SS.SS_RESYNC_RUNNING, (next, old) => isStarting(next.conn) && old.conn > C.C_CONNECTED],
  [SS.SS_ALREADY_STANDALONE, (next, old) => next.conn === C.C_DISCONNECTING && old.conn === C.C_STANDALONE],
  [SS.SS_IS_DISKLESS, (next, old) => next.disk > D.D_ATTACHING && old.disk === D.D_DISKLESS],
  [SS.SS_NO_NET_CONFIG, (next, old) => next.conn === C.C_WF_CONNECTION && old.conn < C.C_UNCONNECTED],
  [
    SS.SS_LOWER_THAN_OUTDATED,
    (next, old) => next.disk === D.D_OUTDATED && old.disk < D.D_OUTDATED && old.disk !== D.D_ATTACHING,
  ],
  [SS.SS_IN_TRANSIENT_STATE, (next, old) => next.conn === C.C_DISCONNECTING && old.conn === C.C_UNCONNECTED],
  [SS.SS_IN_TRANSIENT_STATE, (next, old) => next.conn === old.conn && next.conn === C.C_WF_REPORT_PARAMS],
  [
    SS.SS_IN_TRANSIENT_STATE,
    (next, old, context) =>
      context.stateSent &&
      !(old.conn === C.C_WF_REPORT_PARAMS || (next.conn === C.C_WF_REPORT_PARAMS && old.conn === C.C_WF_CONNECTION)),
  ],
  [SS.SS_NEED_CONNECTION, (next, old) => isVerify(next.conn) && old.conn < C.C_CONNECTED],
  [SS.SS_RESYNC_RUNNING, (next, old) => isVerify(next.conn) && next.conn !== old.conn && old.conn > C.C_CONNECTED],
  [SS.SS_NEED_CONNECTION, (next, old) => isStarting(next.conn) && old.conn < C.C_CONNECTED],
  [
    SS.SS_NEED_CONNECTION,
    (next, old) => (next.conn === C.C_SYNC_TARGET || next.conn === C.C_SYNC_SOURCE) && old.conn < C.C_WF_REPORT_PARAMS,
  ],
];

/** @returns SS_SUCCESS, or why the state must not be */
export function checkState(state: State, context: StateContext): number {
  return REFUSED_STATES.find(([, applies]) => applies(state, context))?.[0] ?? SS.SS_SUCCESS;
}

/** @returns SS_SUCCESS, or why the state must not follow the old one */
export function checkChange(next: State, old: State, context: StateContext): number {
  return REFUSED_CHANGES.findLast(([, applies]) => applies(next, old, context))?.[0] ?? SS.SS_SUCCESS;
}

/** Whether the peer must agree to a change before it is made (cl_wide_st_chg). */
export function needsPeer(old: State, next: State): boolean {
  return (
    (old.conn >= C.C_CONNECTED &&
      next.conn >= C.C_CONNECTED &&
      ((old.role !== R_PRIMARY && next.role === R_PRIMARY) ||
        (old.conn !== C.C_STARTING_SYNC_T && next.conn === C.C_STARTING_SYNC_T) ||
        (old.conn !== C.C_STARTING_SYNC_S && next.conn === C.C_STARTING_SYNC_S) ||
        (old.disk !== D.D_FAILED && next.disk === D.D_FAILED))) ||
    (old.conn >= C.C_CONNECTED && next.conn === C.C_DISCONNECTING) ||
    (old.conn === C.C_CONNECTED && next.conn === C.C_VERIFY_S)
  );
}

/** The peer's connection state as it would be here; others stand for "no change" (0). */
const MIRRORED_CONNECTION: Readonly<Record<number, number>> = {
  [C.C_CONNECTED]: C.C_CONNECTED,
  [C.C_STARTING_SYNC_S]: C.C_STARTING_SYNC_T,
  [C.C_STARTING_SYNC_T]: C.C_STARTING_SYNC_S,
  [C.C_DISCONNECTING]: C.C_TEAR_DOWN,
  [C.C_VERIFY_S]: C.C_VERIFY_T,
};

/** A change that the peer asks for, seen from this side (convert_state). */
export function mirrorChange(change: StateChange): StateChange {
  const { role, peer, conn, disk, pdsk, aftr_isp, user_isp, peer_isp: _own, ...others } = change;
  return {
    ...others,
    ...(conn === undefined ? {} : { conn: MIRRORED_CONNECTION[conn] ?? 0 }),
    ...(role === undefined ? {} : { peer: role }),
    ...(peer === undefined ? {} : { role: peer }),
    ...(disk === undefined ? {} : { pdsk: disk }),
    ...(pdsk === undefined ? {} : { disk: pdsk }),
    ...(aftr_isp === undefined && user_isp === undefined ? {} : { peer_isp: aftr_isp === true || user_isp === true }),
  };
}
