import type { DrbdMatchers } from './index';
export * from './index';
declare global {
  namespace jest {
    // The names are those of @types/jest, which this is merged with.
    interface Matchers<R, T = {}> extends DrbdMatchers {}
  }
}
