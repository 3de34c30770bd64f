import type { CodeTable } from '../../schema';
import * as shared from '../codes';

// The enumerations of linux/drbd.h and linux/drbd_genl.h as DRBD 8.4.11 has them. A number may mean another thing in
// another dialect.

export {
  afterSplitBrainPolicies,
  disconnectPolicies,
  ioErrorPolicies,
  notificationTypes,
  onCongestionPolicies,
  onNoDataPolicies,
  peerStates,
  readBalancingPolicies,
  roles,
  timeoutTypes,
  uuidSlots,
  writeOrderings,
  connectionStates8 as connectionStates,
  diskStates8 as diskStates,
  stateWords8 as stateWords,
} from '../codes';

/** enum drbd_fencing_p. */
export const fencingPolicies = {
  ...shared.fencingPolicies,
  FP_NOT_AVAIL: -1,
} as const satisfies CodeTable;

/** enum drbd_ret_code. */
export const returnCodes = {
  ...shared.genericReturnCodes,
  AFTER_LAST_ERR_CODE: 171,
} as const satisfies CodeTable;

/** enum drbd_state_rv. */
export const stateChangeCodes = {
  ...shared.stateChangeCodes,
  SS_O_VOL_PEER_PRI: -20,
  SS_OUTDATE_WO_CONN: -21,
  SS_AFTER_LAST_ERROR: -22,
} as const satisfies CodeTable;
