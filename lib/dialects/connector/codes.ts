import type { CodeTable } from '../../schema';
import * as shared from '../codes';

// The enumerations of linux/drbd.h and linux/drbd_nl.h as DRBD 8.3.16 has them. A number may mean another thing in
// another dialect.

export {
  afterSplitBrainPolicies,
  disconnectPolicies,
  fencingPolicies,
  ioErrorPolicies,
  onCongestionPolicies,
  onNoDataPolicies,
  roles,
  timeoutTypes,
  uuidSlots,
  connectionStates8 as connectionStates,
  diskStates8 as diskStates,
  stateWords8 as stateWords,
} from '../codes';

/** enum drbd_ret_code. */
export const returnCodes = {
  ...shared.returnCodes,
  ERR_DISCARD: 123,
  ERR_SYNC_AFTER: 132,
  ERR_SYNC_AFTER_CYCLE: 133,
  AFTER_LAST_ERR_CODE: 158,
} as const satisfies CodeTable;

/** enum drbd_state_rv. */
export const stateChangeCodes = {
  ...shared.stateChangeCodes,
  SS_AFTER_LAST_ERROR: -20,
} as const satisfies CodeTable;
