export type {
  Client,
  ClientBase,
  ConnectorClient,
  ConnectorEvent,
  Dialect,
  Driver,
  DumpReply,
  EventOptions,
  Genl1Client,
  Genl2Client,
  GenericEvent,
  OperationName,
  OperationParams,
  OperationReply,
  OperationResult,
  RequestOptions,
  ResyncEvent,
} from './client';
export { machineFiles } from '../transport/machine-files';
export * from './model';
export { openDrbd, type OpenOptions } from './open';
export { parseProcDrbd, type ProcDrbd } from '../dialects/proc-drbd';
export {
  codeTexts,
  explainCode,
  type CodeEntry,
  type CodeExplanation,
  type CodePlace,
  type CodeText,
  type CodeVariant,
} from './return-codes';
