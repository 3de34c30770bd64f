export { Events2, type Notification } from './events2';
export { follow, type Follower } from './follow';
export { lastKnownPath, readLastKnown, writeLastKnown, type LastKnown } from './last-known';
export { orderLimits, runWait, type WaitLimits } from './wait';
