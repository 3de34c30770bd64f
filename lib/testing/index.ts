export { eventually, type EventuallyOptions } from './eventually';
export { matchers, type DrbdMatchers } from './matchers';
export { withTestKernel, type TestKernel } from './test-kernel';
