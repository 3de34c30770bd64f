import type { Options, OptionValue, PathAddress, Values } from './objects';

/**
 * The state of all DRBD on a machine at one moment, in one shape for every dialect. Every key is always there: null
 * stands for what the dialect, or the kernel at this moment, does not tell. Words are DRBD 9's; beside each that the
 * kernel sends as a number stands that number, as `<name>Code`, in its own dialect's numbering; one that has no word
 * here reads `unknown(N)`. u64 numbers and counts of bytes are bigint. {@link snapshotToJson} gives the JSON form,
 * which `snapshot.schema.json` describes key by key.
 */
export interface Snapshot {
  /** Grows when a key changes its meaning or goes away. New keys may come at any time. */
  readonly schemaVersion: 2;
  readonly source: SnapshotSource;
  /** By name; connector: by minor. */
  readonly resources: readonly Resource[];
  /**
   * Connector: minors that exist and have neither disk nor network, which stay until the module is unloaded. They are
   * no resources. Null in the other dialects.
   */
  readonly unconfiguredMinors: readonly number[] | null;
}

/** Where a snapshot comes from. */
export interface SnapshotSource {
  readonly dialect: 'connector' | 'genl1' | 'genl2';
  /** The module's release, such as `8.4.11`; null where /proc/drbd cannot be read. */
  readonly driver: string | null;
  /** 86 to 88 for the connector, the family's version for generic netlink. */
  readonly api: number | null;
  /** False where something changed while it was read, or an answer was missing: read again. */
  readonly complete: boolean;
}

/**
 * Devices that are replicated together, and change their role together. In the connector dialect, each minor is one.
 */
export interface Resource extends Values<'resource'> {
  /** By volume. */
  readonly devices: readonly Device[];
  /**
   * By name; 8.4: by addresses, and none while the resource has no network configuration. Connector: always
   * one, `StandAlone` without.
   */
  readonly connections: readonly Connection[];
}

/** A volume of a resource on this node. */
export interface Device extends Values<'device'> {}

/** The link to one peer. */
export interface Connection extends Values<'connection'> {
  /** By addresses. */
  readonly paths: readonly Path[];
  /** By volume. */
  readonly peerDevices: readonly PeerDevice[];
}

/** A pair of addresses of a connection. */
export interface Path extends Values<'path'> {}

/** A volume as seen through a connection. */
export interface PeerDevice extends Values<'peerDevice'> {}

/** The reasons for which I/O is suspended. */
export interface Suspended extends NonNullable<Resource['suspended']> {}
/** Counters of a device. */
export interface DeviceStats extends NonNullable<Device['stats']> {}
/** Who holds a resync. */
export interface ResyncSuspended extends NonNullable<PeerDevice['resyncSuspended']> {}
/** A resync or verification under way. */
export interface Resync extends NonNullable<PeerDevice['resync']> {}
/** Counters of a volume as seen through a connection. */
export interface PeerDeviceStats extends NonNullable<PeerDevice['stats']> {}
export type { Options, OptionValue, PathAddress };
