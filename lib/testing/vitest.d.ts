import 'vitest';
import type { DrbdMatchers } from './index';
export * from './index';
declare module 'vitest' {
  // The name and its default are those of vitest, which this is merged with.
  interface Assertion<T = any> extends DrbdMatchers {}
}
