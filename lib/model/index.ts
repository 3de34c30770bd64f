export {
  apply,
  diff,
  resyncCauses,
  updateOf,
  withSnapshot,
  type Change,
  type Helper,
  type HelperChange,
  type ObjectChange,
  type ObjectChangeOf,
  type ReadyChange,
  type ResyncChange,
  type Step,
  type StepOf,
} from './changes';
export { promotionOf, resyncKind, standingOf, Tally } from './derive';
export {
  changeToJson,
  snapshotToJson,
  toJson,
  type ChangeJson,
  type Json,
  type JsonOptions,
  type SnapshotJson,
} from './json';
export {
  formatPathAddress,
  keyText,
  resourceText,
  type ConnectionKey,
  type DeviceKey,
  type KeyOf,
  type PathKey,
  type PeerDeviceKey,
  type ResourceKey,
} from './keys';
export {
  objectNames,
  objects,
  Secret,
  type ObjectName,
  type Options,
  type OptionValue,
  type Patch,
  type Property,
  type PropertyKind,
  type PropertyPath,
  type PropertyTable,
  type PropertyUnit,
  type Values,
} from './objects';
export { onlyCounters, propertyOf } from './records';
export type {
  Connection,
  Device,
  DeviceStats,
  Path,
  PathAddress,
  PeerDevice,
  PeerDeviceStats,
  Resource,
  Resync,
  ResyncSuspended,
  Snapshot,
  SnapshotSource,
  Suspended,
} from './snapshot';
export {
  State,
  type Applied,
  type Delta,
  type DeltaOf,
  type Entry,
  type EntryOf,
  type SetOf,
  type Update,
} from './state';
export {
  noticeOfConnector,
  stateFromConnector,
  updatesOfMinor,
  type ConnectorContext,
  type ConnectorMessage,
  type ConnectorMinor,
  type MinorNames,
  type ConnectorNotice,
  type ConnectorSources,
  type MinorUpdates,
} from './from-connector';
export {
  dumpsOfStatus,
  noticeOf,
  stateFromGeneric,
  type GenericContext,
  type GenericDumps,
  type GenericMessage,
  type GenericReply,
  type GenericSources,
  type Notice,
} from './from-generic';
export {
  codeOf,
  splitConnection,
  translated,
  vocabulary,
  wordOf,
  type Enumeration,
  type ModelDialect,
  type StateKind,
  type WordOf,
} from './words';
export { conditionWords, isChoice, parseExpression, type Expression, type Verdict } from './expression';
export { findings, foldHistory, NO_HISTORY, type Finding, type FindingOptions, type History } from './findings';
export { optionsOf, settingsOf, type Option, type Setting } from './settings';
export { camelCase, pathAddressOf } from './values';
