import type { CodeTable } from '../../schema';
import * as shared from '../codes';

// The enumerations of linux/drbd.h and linux/drbd_genl.h as DRBD 9.3 has them. A number may mean another thing in
// another dialect.

export {
  disconnectPolicies,
  fencingPolicies,
  ioErrorPolicies,
  onCongestionPolicies,
  onNoDataPolicies,
  peerStates,
  readBalancingPolicies,
  roles,
  timeoutTypes,
  uuidSlots,
  writeOrderings,
} from '../codes';

/** enum drbd_after_sb_p. */
export const afterSplitBrainPolicies = {
  ...shared.afterSplitBrainPolicies,
  ASB_RETRY_CONNECT: 11,
  ASB_AUTO_DISCARD: 12,
} as const satisfies CodeTable;

/** enum drbd_on_no_quorum. */
export const onNoQuorum = {
  ONQ_IO_ERROR: 0,
  ONQ_SUSPEND_IO: 1,
} as const satisfies CodeTable;

/** enum drbd_on_susp_primary_outdated. */
export const onSuspPrimaryOutdated = {
  SPO_DISCONNECT: 0,
  SPO_FORCE_SECONDARY: 1,
} as const satisfies CodeTable;

/** enum drbd_ret_code. */
export const returnCodes = {
  ...shared.genericReturnCodes,
  ERR_INVALID_PEER_NODE_ID: 171,
  ERR_CREATE_TRANSPORT: 172,
  ERR_LOCAL_AND_PEER_ADDR: 173,
  ERR_ALREADY_EXISTS: 174,
  ERR_APV_TOO_LOW: 175,
  ERR_PATH_COLLISION: 176,
  AFTER_LAST_ERR_CODE: 177,
} as const satisfies CodeTable;

/** enum drbd_conn_state. */
export const connectionStates = {
  ...shared.connectionStates,
  C_CONNECTING: 8,
  C_CONNECTED: 9,
  C_MASK: 31,
} as const satisfies CodeTable;

/** enum drbd_repl_state. */
export const replicationStates = {
  L_NEGOTIATING: 9,
  L_OFF: 9,
  L_ESTABLISHED: 10,
  L_STARTING_SYNC_S: 11,
  L_STARTING_SYNC_T: 12,
  L_WF_BITMAP_S: 13,
  L_WF_BITMAP_T: 14,
  L_WF_SYNC_UUID: 15,
  L_SYNC_SOURCE: 16,
  L_SYNC_TARGET: 17,
  L_VERIFY_S: 18,
  L_VERIFY_T: 19,
  L_PAUSED_SYNC_S: 20,
  L_PAUSED_SYNC_T: 21,
  L_AHEAD: 22,
  L_BEHIND: 23,
  L_NEG_NO_RESULT: 23,
} as const satisfies CodeTable;

/** enum drbd_disk_state. */
export const diskStates = {
  D_DISKLESS: 0,
  D_ATTACHING: 1,
  D_DETACHING: 2,
  D_FAILED: 3,
  D_NEGOTIATING: 4,
  D_INCONSISTENT: 5,
  D_OUTDATED: 6,
  D_UNKNOWN: 7,
  D_CONSISTENT: 8,
  D_UP_TO_DATE: 9,
  D_MASK: 15,
} as const satisfies CodeTable;

/** enum drbd_state_rv. */
export const stateChangeCodes = {
  ...shared.stateChangeCodes,
  SS_O_VOL_PEER_PRI: -20,
  SS_INTERRUPTED: -21,
  SS_PRIMARY_READER: -22,
  SS_TIMEOUT: -23,
  SS_WEAKLY_CONNECTED: -24,
  SS_NO_QUORUM: -25,
  SS_ATTACH_NO_BITMAP: -26,
  SS_HANDSHAKE_DISCONNECT: -27,
  SS_HANDSHAKE_RETRY: -28,
  SS_AFTER_LAST_ERROR: -29,
} as const satisfies CodeTable;

/** enum mdf_flag. */
export const mdfFlag = {
  MDF_CONSISTENT: 1,
  MDF_PRIMARY_IND: 2,
  MDF_WAS_UP_TO_DATE: 16,
  MDF_CRASHED_PRIMARY: 64,
  MDF_AL_CLEAN: 128,
  MDF_AL_DISABLED: 256,
  MDF_PRIMARY_LOST_QUORUM: 512,
  MDF_HAVE_QUORUM: 1024,
} as const satisfies CodeTable;

/** enum mdf_peer_flag. */
export const mdfPeerFlag = {
  MDF_PEER_CONNECTED: 1,
  MDF_PEER_OUTDATED: 2,
  MDF_PEER_FENCING: 4,
  MDF_PEER_FULL_SYNC: 8,
  MDF_PEER_DEVICE_SEEN: 16,
  MDF_NODE_EXISTS: 65536,
  MDF_HAVE_BITMAP: 2147483648,
} as const satisfies CodeTable;

/** enum drbd_notification_type. */
export const notificationTypes = {
  ...shared.notificationTypes,
  NOTIFY_RENAME: 6,
} as const satisfies CodeTable;

/** The words that tools print for states, by the symbol of the number. */
export const stateWords = {
  conn_state: {
    ...shared.connectionWords,
    C_CONNECTING: 'Connecting',
    C_CONNECTED: 'Connected',
  },
  repl_state: {
    L_OFF: 'Off',
    L_ESTABLISHED: 'Established',
    L_STARTING_SYNC_S: 'StartingSyncS',
    L_STARTING_SYNC_T: 'StartingSyncT',
    L_WF_BITMAP_S: 'WFBitMapS',
    L_WF_BITMAP_T: 'WFBitMapT',
    L_WF_SYNC_UUID: 'WFSyncUUID',
    L_SYNC_SOURCE: 'SyncSource',
    L_SYNC_TARGET: 'SyncTarget',
    L_VERIFY_S: 'VerifyS',
    L_VERIFY_T: 'VerifyT',
    L_PAUSED_SYNC_S: 'PausedSyncS',
    L_PAUSED_SYNC_T: 'PausedSyncT',
    L_AHEAD: 'Ahead',
    L_BEHIND: 'Behind',
  },
  role_state: shared.roleWords,
  disk_state: {
    D_DISKLESS: 'Diskless',
    D_ATTACHING: 'Attaching',
    D_DETACHING: 'Detaching',
    D_FAILED: 'Failed',
    D_NEGOTIATING: 'Negotiating',
    D_INCONSISTENT: 'Inconsistent',
    D_OUTDATED: 'Outdated',
    D_UNKNOWN: 'DUnknown',
    D_CONSISTENT: 'Consistent',
    D_UP_TO_DATE: 'UpToDate',
  },
} as const;
