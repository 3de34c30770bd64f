export { buildConnectorSnapshot, type ConnectorMinor, type ConnectorSources } from './connector';
export { buildGenl1Snapshot, type Genl1Reply, type Genl1Sources } from './genl1';
export { snapshotToJson, toJson, type Json, type SnapshotJson } from './json';
export { connectorSnapshot, genl1Snapshot, type ConnectorReader, type GenericReader, type ReadOptions } from './read';
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
export { splitConnection, wordOf, codeOf, type StateKind } from './states';
