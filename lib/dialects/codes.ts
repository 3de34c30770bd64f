import type { CodeTable } from '../schema';

// The numbers of DRBD's public headers that are the same in every dialect, or in the two of generic netlink. A dialect
// takes them from here and adds its own.

/** enum drbd_io_error_p. */
export const ioErrorPolicies = {
  EP_PASS_ON: 0,
  EP_CALL_HELPER: 1,
  EP_DETACH: 2,
} as const satisfies CodeTable;

/** enum drbd_disconnect_p. */
export const disconnectPolicies = {
  DP_RECONNECT: 0,
  DP_DROP_NET_CONF: 1,
  DP_FREEZE_IO: 2,
} as const satisfies CodeTable;

/** enum drbd_on_no_data. */
export const onNoDataPolicies = {
  OND_IO_ERROR: 0,
  OND_SUSPEND_IO: 1,
} as const satisfies CodeTable;

/** enum drbd_on_congestion. */
export const onCongestionPolicies = {
  OC_BLOCK: 0,
  OC_PULL_AHEAD: 1,
  OC_DISCONNECT: 2,
} as const satisfies CodeTable;

/** enum drbd_role. */
export const roles = {
  R_UNKNOWN: 0,
  R_PRIMARY: 1,
  R_SECONDARY: 2,
  R_MASK: 3,
} as const satisfies CodeTable;

/** enum drbd_uuid_index. */
export const uuidSlots = {
  UI_CURRENT: 0,
  UI_BITMAP: 1,
  UI_HISTORY_START: 2,
  UI_HISTORY_END: 3,
  UI_SIZE: 4,
  UI_FLAGS: 5,
  UI_EXTENDED_SIZE: 6,
} as const satisfies CodeTable;

/** enum drbd_timeout_flag. */
export const timeoutTypes = {
  UT_DEFAULT: 0,
  UT_DEGRADED: 1,
  UT_PEER_OUTDATED: 2,
} as const satisfies CodeTable;

/** enum drbd_read_balancing. */
export const readBalancingPolicies = {
  RB_PREFER_LOCAL: 0,
  RB_PREFER_REMOTE: 1,
  RB_ROUND_ROBIN: 2,
  RB_LEAST_PENDING: 3,
  RB_CONGESTED_REMOTE: 4,
  RB_32K_STRIPING: 5,
  RB_64K_STRIPING: 6,
  RB_128K_STRIPING: 7,
  RB_256K_STRIPING: 8,
  RB_512K_STRIPING: 9,
  RB_1M_STRIPING: 10,
} as const satisfies CodeTable;

/** enum drbd_peer_state. */
export const peerStates = {
  P_INCONSISTENT: 3,
  P_OUTDATED: 4,
  P_DOWN: 5,
  P_PRIMARY: 6,
  P_FENCING: 7,
} as const satisfies CodeTable;

/** enum write_ordering_e. */
export const writeOrderings = {
  WO_NONE: 0,
  WO_DRAIN_IO: 1,
  WO_BDEV_FLUSH: 2,
  WO_BIO_BARRIER: 3,
} as const satisfies CodeTable;

/** enum drbd_fencing_p. */
export const fencingPolicies = {
  FP_DONT_CARE: 0,
  FP_RESOURCE: 1,
  FP_STONITH: 2,
} as const satisfies CodeTable;

/** enum drbd_after_sb_p. */
export const afterSplitBrainPolicies = {
  ASB_DISCONNECT: 0,
  ASB_DISCARD_YOUNGER_PRI: 1,
  ASB_DISCARD_OLDER_PRI: 2,
  ASB_DISCARD_ZERO_CHG: 3,
  ASB_DISCARD_LEAST_CHG: 4,
  ASB_DISCARD_LOCAL: 5,
  ASB_DISCARD_REMOTE: 6,
  ASB_CONSENSUS: 7,
  ASB_DISCARD_SECONDARY: 8,
  ASB_CALL_HELPER: 9,
  ASB_VIOLENTLY: 10,
} as const satisfies CodeTable;

/** enum drbd_notification_type. */
export const notificationTypes = {
  NOTIFY_EXISTS: 0,
  NOTIFY_CREATE: 1,
  NOTIFY_CHANGE: 2,
  NOTIFY_DESTROY: 3,
  NOTIFY_CALL: 4,
  NOTIFY_RESPONSE: 5,
  NOTIFY_CONTINUES: 32768,
  NOTIFY_FLAGS: 32768,
} as const satisfies CodeTable;

/** enum drbd_ret_code. */
export const returnCodes = {
  ERR_CODE_BASE: 100,
  NO_ERROR: 101,
  ERR_LOCAL_ADDR: 102,
  ERR_PEER_ADDR: 103,
  ERR_OPEN_DISK: 104,
  ERR_OPEN_MD_DISK: 105,
  ERR_DISK_NOT_BDEV: 107,
  ERR_MD_NOT_BDEV: 108,
  ERR_DISK_TOO_SMALL: 111,
  ERR_MD_DISK_TOO_SMALL: 112,
  ERR_BDCLAIM_DISK: 114,
  ERR_BDCLAIM_MD_DISK: 115,
  ERR_MD_IDX_INVALID: 116,
  ERR_IO_MD_DISK: 118,
  ERR_MD_INVALID: 119,
  ERR_AUTH_ALG: 120,
  ERR_AUTH_ALG_ND: 121,
  ERR_NOMEM: 122,
  ERR_DISK_CONFIGURED: 124,
  ERR_NET_CONFIGURED: 125,
  ERR_MANDATORY_TAG: 126,
  ERR_MINOR_INVALID: 127,
  ERR_INTR: 129,
  ERR_RESIZE_RESYNC: 130,
  ERR_NO_PRIMARY: 131,
  ERR_PAUSE_IS_SET: 134,
  ERR_PAUSE_IS_CLEAR: 135,
  ERR_PACKET_NR: 137,
  ERR_NO_DISK: 138,
  ERR_NOT_PROTO_C: 139,
  ERR_NOMEM_BITMAP: 140,
  ERR_INTEGRITY_ALG: 141,
  ERR_INTEGRITY_ALG_ND: 142,
  ERR_CPU_MASK_PARSE: 143,
  ERR_CSUMS_ALG: 144,
  ERR_CSUMS_ALG_ND: 145,
  ERR_VERIFY_ALG: 146,
  ERR_VERIFY_ALG_ND: 147,
  ERR_CSUMS_RESYNC_RUNNING: 148,
  ERR_VERIFY_RUNNING: 149,
  ERR_DATA_NOT_CURRENT: 150,
  ERR_CONNECTED: 151,
  ERR_PERM: 152,
  ERR_NEED_APV_93: 153,
  ERR_STONITH_AND_PROT_A: 154,
  ERR_CONG_NOT_PROTO_A: 155,
  ERR_PIC_AFTER_DEP: 156,
  ERR_PIC_PEER_DEP: 157,
} as const satisfies CodeTable;

/** Those of generic netlink. */
export const genericReturnCodes = {
  ...returnCodes,
  ERR_DISCARD_IMPOSSIBLE: 123,
  ERR_RESYNC_AFTER: 132,
  ERR_RESYNC_AFTER_CYCLE: 133,
  ERR_RES_NOT_KNOWN: 158,
  ERR_RES_IN_USE: 159,
  ERR_MINOR_CONFIGURED: 160,
  ERR_MINOR_OR_VOLUME_EXISTS: 161,
  ERR_INVALID_REQUEST: 162,
  ERR_NEED_APV_100: 163,
  ERR_NEED_ALLOW_TWO_PRI: 164,
  ERR_MD_UNCLEAN: 165,
  ERR_MD_LAYOUT_CONNECTED: 166,
  ERR_MD_LAYOUT_TOO_BIG: 167,
  ERR_MD_LAYOUT_TOO_SMALL: 168,
  ERR_MD_LAYOUT_NO_FIT: 169,
  ERR_IMPLICIT_SHRINK: 170,
} as const satisfies CodeTable;

/** enum drbd_state_rv. */
export const stateChangeCodes = {
  SS_CW_NO_NEED: 4,
  SS_CW_SUCCESS: 3,
  SS_NOTHING_TO_DO: 2,
  SS_SUCCESS: 1,
  SS_UNKNOWN_ERROR: 0,
  SS_TWO_PRIMARIES: -1,
  SS_NO_UP_TO_DATE_DISK: -2,
  SS_NO_LOCAL_DISK: -4,
  SS_NO_REMOTE_DISK: -5,
  SS_CONNECTED_OUTDATES: -6,
  SS_PRIMARY_NOP: -7,
  SS_RESYNC_RUNNING: -8,
  SS_ALREADY_STANDALONE: -9,
  SS_CW_FAILED_BY_PEER: -10,
  SS_IS_DISKLESS: -11,
  SS_DEVICE_IN_USE: -12,
  SS_NO_NET_CONFIG: -13,
  SS_NO_VERIFY_ALG: -14,
  SS_NEED_CONNECTION: -15,
  SS_LOWER_THAN_OUTDATED: -16,
  SS_NOT_SUPPORTED: -17,
  SS_IN_TRANSIENT_STATE: -18,
  SS_CONCURRENT_ST_CHG: -19,
} as const satisfies CodeTable;

/** States of a connection that is not there yet, or no longer. */
export const connectionStates = {
  C_STANDALONE: 0,
  C_DISCONNECTING: 1,
  C_UNCONNECTED: 2,
  C_TIMEOUT: 3,
  C_BROKEN_PIPE: 4,
  C_NETWORK_FAILURE: 5,
  C_PROTOCOL_ERROR: 6,
  C_TEAR_DOWN: 7,
} as const satisfies CodeTable;

/** enum drbd_conns of DRBD 8: what replication does is in the same number. */
export const connectionStates8 = {
  ...connectionStates,
  C_WF_CONNECTION: 8,
  C_WF_REPORT_PARAMS: 9,
  C_CONNECTED: 10,
  C_STARTING_SYNC_S: 11,
  C_STARTING_SYNC_T: 12,
  C_WF_BITMAP_S: 13,
  C_WF_BITMAP_T: 14,
  C_WF_SYNC_UUID: 15,
  C_SYNC_SOURCE: 16,
  C_SYNC_TARGET: 17,
  C_VERIFY_S: 18,
  C_VERIFY_T: 19,
  C_PAUSED_SYNC_S: 20,
  C_PAUSED_SYNC_T: 21,
  C_AHEAD: 22,
  C_BEHIND: 23,
  C_MASK: 31,
} as const satisfies CodeTable;

/** enum drbd_disk_state of DRBD 8. */
export const diskStates8 = {
  D_DISKLESS: 0,
  D_ATTACHING: 1,
  D_FAILED: 2,
  D_NEGOTIATING: 3,
  D_INCONSISTENT: 4,
  D_OUTDATED: 5,
  D_UNKNOWN: 6,
  D_CONSISTENT: 7,
  D_UP_TO_DATE: 8,
  D_MASK: 15,
} as const satisfies CodeTable;

/** The words that tools print for states, by the symbol of the number. */
export const roleWords = {
  R_UNKNOWN: 'Unknown',
  R_PRIMARY: 'Primary',
  R_SECONDARY: 'Secondary',
} as const;

/** Of connections that are not there yet, or no longer. */
export const connectionWords = {
  C_STANDALONE: 'StandAlone',
  C_DISCONNECTING: 'Disconnecting',
  C_UNCONNECTED: 'Unconnected',
  C_TIMEOUT: 'Timeout',
  C_BROKEN_PIPE: 'BrokenPipe',
  C_NETWORK_FAILURE: 'NetworkFailure',
  C_PROTOCOL_ERROR: 'ProtocolError',
  C_TEAR_DOWN: 'TearDown',
} as const;

/** The words of DRBD 8. */
export const stateWords8 = {
  conn: {
    ...connectionWords,
    C_CONNECTED: 'Connected',
    C_WF_CONNECTION: 'WFConnection',
    C_WF_REPORT_PARAMS: 'WFReportParams',
    C_STARTING_SYNC_S: 'StartingSyncS',
    C_STARTING_SYNC_T: 'StartingSyncT',
    C_WF_BITMAP_S: 'WFBitMapS',
    C_WF_BITMAP_T: 'WFBitMapT',
    C_WF_SYNC_UUID: 'WFSyncUUID',
    C_SYNC_SOURCE: 'SyncSource',
    C_SYNC_TARGET: 'SyncTarget',
    C_PAUSED_SYNC_S: 'PausedSyncS',
    C_PAUSED_SYNC_T: 'PausedSyncT',
    C_VERIFY_S: 'VerifyS',
    C_VERIFY_T: 'VerifyT',
    C_AHEAD: 'Ahead',
    C_BEHIND: 'Behind',
  },
  role: roleWords,
  disk: {
    D_DISKLESS: 'Diskless',
    D_ATTACHING: 'Attaching',
    D_FAILED: 'Failed',
    D_NEGOTIATING: 'Negotiating',
    D_INCONSISTENT: 'Inconsistent',
    D_OUTDATED: 'Outdated',
    D_UNKNOWN: 'DUnknown',
    D_CONSISTENT: 'Consistent',
    D_UP_TO_DATE: 'UpToDate',
  },
} as const;
