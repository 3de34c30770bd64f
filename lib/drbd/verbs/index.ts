export {
  encodePlanned,
  plan,
  replaceSecrets,
  type NoOptions,
  type PlannedHeader,
  type PlannedRequest,
  type VerbOptions,
} from './plan';
export { runVerb, settledStatus, type SentRequest, type VerbReply, type VerbRequestOptions } from './run';
export { verbOptions, verbs, type VerbName, type VerbOption } from './tables';
export type { VerbTarget } from './target';
