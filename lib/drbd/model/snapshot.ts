/**
 * The state of all DRBD on a machine at one moment, in one shape for every dialect. Every key is always there: null
 * stands for what the dialect, or the kernel at this moment, does not tell. Words are DRBD 9's; beside each stands the
 * number as the kernel sent it, in its own dialect's numbering, and a number that has no word here reads `unknown(N)`.
 * u64 numbers and counts of bytes are bigint. {@link snapshotToJson} gives the JSON form, which `snapshot.schema.json`
 * describes key by key.
 */
export interface Snapshot {
  /** Grows when a key changes its meaning or goes away. New keys may come at any time. */
  readonly schemaVersion: 1;
  readonly source: SnapshotSource;
  /** In the kernel's order; connector: by minor. */
  readonly resources: readonly Resource[];
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
  /**
   * Connector: minors that exist and have neither disk nor network, which stay until the module is unloaded. They are
   * no resources. Null in the other dialects.
   */
  readonly unconfiguredMinors: readonly number[] | null;
}

/**
 * Devices that are replicated together, and change their role together. In the connector dialect, each minor is one.
 */
export interface Resource {
  /** Null in the connector dialect, whose kernel knows no names, unless the caller gave one. */
  readonly name: string | null;
  /** This node's role: `Primary`, `Secondary` or `Unknown`. */
  readonly role: string | null;
  readonly roleCode: number | null;
  /** DRBD 9. */
  readonly nodeId: number | null;
  readonly suspended: Suspended;
  /** The method by which writes are ordered on the disk: `none`, `drain`, `flush` or `barrier`. */
  readonly writeOrdering: string | null;
  readonly writeOrderingCode: number | null;
  /** DRBD 9: whether a promotion would succeed as things stand. */
  readonly mayPromote: boolean | null;
  /** DRBD 9: how good a place for a promotion this node is. */
  readonly promotionScore: number | null;
  /** By volume. */
  readonly devices: readonly Device[];
  /** 8.4: none while the resource has no network configuration. Connector: always one, `StandAlone` without. */
  readonly connections: readonly Connection[];
}

/** For what reasons I/O is suspended. Several may hold. */
export interface Suspended {
  /** By the user's command. The only one that DRBD before 8.3.9 has, and sets for the other reasons too. */
  readonly user: boolean | null;
  /** No node that is reachable has the data. */
  readonly noData: boolean | null;
  /** The peer is to be fenced first. */
  readonly fencing: boolean | null;
  /** DRBD 9: quorum was lost. */
  readonly quorum: boolean | null;
}

/** A volume of a resource on this node. */
export interface Device {
  readonly minor: number | null;
  /** Connector: 0. */
  readonly volume: number | null;
  /** State of the local disk, such as `UpToDate`. */
  readonly disk: string | null;
  readonly diskCode: number | null;
  /** DRBD 9: diskless on purpose. */
  readonly client: boolean | null;
  /** DRBD 9: somebody has the device open. */
  readonly open: boolean | null;
  /** DRBD 9. */
  readonly quorum: boolean | null;
  /** Path of the device that holds the data; null when diskless. */
  readonly backingDevice: string | null;
  /** Path of the device that holds the metadata. */
  readonly metaDevice: string | null;
  /** Generation of the data that this node has, bit 0 included (set on a primary); null when diskless. */
  readonly currentUuid: bigint | null;
  /** Earlier generations, the youngest first. */
  readonly historyUuids: readonly bigint[] | null;
  readonly stats: DeviceStats | null;
}

export interface DeviceStats {
  /** The device's size. Null in the connector dialect, unless the caller gave it. */
  readonly sizeBytes: bigint | null;
  /**
   * Read from the backing device. Connector: this and the next wrap at 2 TiB, as do the counts of bytes of a peer
   * device.
   */
  readonly readBytes: bigint | null;
  /** Written to the backing device. */
  readonly writtenBytes: bigint | null;
  /** Writes of the activity log. */
  readonly alWrites: bigint | null;
  /** Writes of the bitmap. */
  readonly bmWrites: bigint | null;
  /** Requests of applications under way. */
  readonly upperPending: number | null;
  /** Requests to the backing device under way. */
  readonly lowerPending: number | null;
  /** Updates of the activity log are suspended. */
  readonly alSuspended: boolean | null;
  /** DRBD accepts no new requests. */
  readonly upperBlocked: boolean | null;
  /** The backing device is congested. */
  readonly lowerBlocked: boolean | null;
}

/** The link to one peer. */
export interface Connection {
  /** DRBD 9. */
  readonly peerNodeId: number | null;
  /** DRBD 9: the connection's name, which is the peer's. */
  readonly name: string | null;
  /**
   * `Connected` whenever the peers are connected, whatever the replication does; else `StandAlone`, `Connecting`,
   * `Unconnected`, …
   */
  readonly state: string | null;
  /**
   * As the kernel sent it. Connector: the packed state, whose numbers from 10 up are all connected. 8.4: 9 is
   * connected.
   */
  readonly stateCode: number | null;
  /** The peer's role; `Unknown` while not connected. */
  readonly role: string | null;
  readonly roleCode: number | null;
  /** The network's buffer is full. */
  readonly congested: boolean | null;
  /** `A`, `B` or `C`. */
  readonly protocol: string | null;
  readonly protocolCode: number | null;
  readonly paths: readonly Path[];
  /** By volume. */
  readonly peerDevices: readonly PeerDevice[];
}

/** A pair of addresses. */
export interface Path {
  readonly local: PathAddress | null;
  readonly peer: PathAddress | null;
  /** DRBD 9. */
  readonly established: boolean | null;
}

export interface PathAddress {
  readonly family: 'ipv4' | 'ipv6' | 'sdp' | 'ssocks';
  /** The number of the address family on this machine. */
  readonly familyCode: number;
  /** Dotted quad, or IPv6 text without brackets or zone. */
  readonly address: string;
  readonly port: number;
  /** Index of the interface of an IPv6 link-local address; null where none is named. */
  readonly scopeId: number | null;
}

/** A volume as seen through a connection. */
export interface PeerDevice {
  readonly volume: number | null;
  /** `Off`, `Established`, `SyncSource`, `VerifyT`, … */
  readonly replication: string | null;
  /** As the kernel sent it. Connector: the packed state, as in {@link Connection.stateCode}. */
  readonly replicationCode: number | null;
  /** State of the peer's disk. */
  readonly peerDisk: string | null;
  readonly peerDiskCode: number | null;
  /** DRBD 9: the peer is diskless on purpose. */
  readonly peerClient: boolean | null;
  readonly resyncSuspended: ResyncSuspended;
  /** The resync or online verify that is under way or paused; null where there is none. */
  readonly resync: Resync | null;
  /** What is known to differ, by the bitmap. */
  readonly outOfSyncBytes: bigint | null;
  /** Generation since which the bitmap of this peer counts; 0 where it is in sync. */
  readonly bitmapUuid: bigint | null;
  readonly stats: PeerDeviceStats | null;
}

/** For what reasons resync does not run. Several may hold. */
export interface ResyncSuspended {
  /** By pause-sync on this node. */
  readonly user: boolean | null;
  /** By pause-sync on the peer. */
  readonly peer: boolean | null;
  /** Another resync must be done first (resync-after). */
  readonly dependency: boolean | null;
}

export interface Resync {
  readonly kind: 'sync' | 'verify';
  /**
   * How much of this run is done, 0 to 100, with two decimals; null where the kernel does not tell (8.4 while it
   * verifies, without /proc/drbd).
   */
  readonly percent: number | null;
  /** The kernel's estimate, from /proc/drbd; null where it has none. */
  readonly etaSeconds: number | null;
  /** Why it does not advance: `user`, `peer`, `dependency`, joined by commas, or `stalled`; null while it does. */
  readonly reason: string | null;
  /** What this run had and has to look at. */
  readonly totalBytes: bigint | null;
  readonly leftBytes: bigint | null;
  readonly bytesPerSecond: bigint | null;
}

export interface PeerDeviceStats {
  readonly receivedBytes: bigint | null;
  readonly sentBytes: bigint | null;
  /** Requests sent whose answer is still to come. */
  readonly pending: number | null;
  /** Requests received that are still to be answered. */
  readonly unacked: number | null;
  /** What the last or present resync could not copy. */
  readonly resyncFailedBytes: bigint | null;
}
