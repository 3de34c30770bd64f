// Written by scripts/requests from the tables in lib/dialects. Change those, and run it.

import type { Tag } from '../../schema';
import type { SocketAddress } from '../../netlink';
import type { Verbs } from './verbs';
import type { NoOptions, SentRequest, VerbRequestOptions, VerbTarget } from '../verbs';
import type { Told } from './told';

/** What every request to DRBD 8.3 has. */
export interface ConnectorRequest {
  /** The device's minor number. */
  readonly minor: number;
  /** Create the minor if it does not exist. */
  readonly createDevice?: boolean;
  /** Set every option that the request does not name to its default. */
  readonly setDefaults?: boolean;
}

/** What every answer of DRBD 8.3 has. */
export interface ConnectorAnswer {
  /** 101, or the result of a state change from 1 up. */
  readonly returnCode: number;
  readonly returnName: string;
  readonly minor: number;
  /** Tags that the tables do not know, in order. */
  readonly unknown: readonly Tag[];
}

/** The answer to a request that changes something. */
export interface ConnectorChanged extends ConnectorAnswer {
  readonly tags: Readonly<Record<never, never>>;
}

/** Make the device writable on this node. */
export interface ConnectorPrimaryTags {
  /** Old name of primary_force: promote although the data is not known to be current. Default: false. */
  overwrite_peer?: boolean;
  /** Promote although the data is not known to be current; it then counts as good. Default: false. Since 8.3.8. */
  primary_force?: boolean;
}

/** Make the device writable on this node. */
export interface ConnectorPrimaryRequest extends ConnectorRequest {
  readonly tags?: ConnectorPrimaryTags;
}

/** Attach a backing device to the minor. */
export interface ConnectorDiskConfTags {
  /** How much of the backing device to use; 0 takes all that fits. 0 to 2199023255552 sectors. Default: 0. */
  disk_size?: bigint;
  /** Path of the block device that stores the data below DRBD. */
  backing_dev: string;
  /** Path of the block device with the metadata; the data device itself for internal metadata. */
  meta_dev: string;
  /** Slot of an indexed metadata device, or a negative mode for internal and flexible layouts. -3 to 2147483647. */
  meta_dev_idx: 'fixed-internal' | 'flex-external' | 'internal' | number;
  /** What happens when the lower disk reports a failed read or write. Default: `pass_on`. */
  on_io_error?: 'pass_on' | 'call-local-io-error' | 'detach' | number;
  /** Whether a lost peer must be outdated or shot before this node goes on. Default: `dont-care`. */
  fencing?: 'dont-care' | 'resource-only' | 'resource-and-stonith' | number;
  /** Ask the lower device's own merge function before building large requests. Default: false. */
  use_bmbv?: boolean;
  /** Do not send cache flushes to the data device at the end of a write epoch. Default: false. Since 8.2.6. */
  no_disk_flush?: boolean;
  /** Do not send cache flushes to the metadata device after its updates. Default: false. Since 8.2.6. */
  no_md_flush?: boolean;
  /** Most segments that one request to the lower device may have; 0 sets no limit. 0 to 128. Default: 0. Since 8.2.6. */
  max_bio_bvecs?: number;
  /** Do not order write epochs by barrier requests. Default: false. Since 8.2.7. */
  no_disk_barrier?: boolean;
  /**
   * Do not wait for writes to finish between epochs; data is at risk without a protected cache. Default: false.
   * Since 8.2.7.
   */
  no_disk_drain?: boolean;
  /**
   * Longest time a lower device may take over a request before it counts as failed; 0 waits for ever. 0 to 6000
   * deciseconds. Default: 0. Since 8.3.12.
   */
  disk_timeout?: number;
}

/** Attach a backing device to the minor. */
export interface ConnectorDiskConfRequest extends ConnectorRequest {
  readonly tags: ConnectorDiskConfTags;
}

/** Let go of the backing device. */
export interface ConnectorDetachTags {
  /** Do not wait for requests that the lower device still has. Default: false. Since 8.3.12. */
  detach_force?: boolean;
}

/** Let go of the backing device. */
export interface ConnectorDetachRequest extends ConnectorRequest {
  readonly tags?: ConnectorDetachTags;
}

/** Set up the link to the peer and begin to connect. */
export interface ConnectorNetConfTags {
  /** Socket address on which this node listens for its peer. */
  my_addr: SocketAddress | Uint8Array;
  /** Socket address under which the other node is reached. */
  peer_addr: SocketAddress | Uint8Array;
  /** Password with which both nodes prove to each other who they are. */
  shared_secret?: string;
  /** Hash of the kernel's crypto API that authenticates the peer; empty for none. */
  cram_hmac_alg?: string;
  /** Hash that guards replicated blocks on the network against corruption; empty for none. Since 8.2.0. */
  integrity_alg?: string;
  /** Longest time the peer may take to answer before the link counts as dead. 1 to 600 deciseconds. Default: 60. */
  timeout?: number;
  /** When a write counts as done: sent (A), received (B) or on the peer disk (C). */
  wire_protocol: 'A' | 'B' | 'C' | number;
  /** Pause between two attempts to reach a peer that does not answer. 1 to 120 seconds. Default: 10. */
  try_connect_int?: number;
  /** Idle time after which a keep-alive is sent to the peer. 1 to 120 seconds. Default: 10. */
  ping_int?: number;
  /** Most writes between two ordering barriers. 1 to 20000 requests. Default: 2048. */
  max_epoch_size?: number;
  /** Most pages that incoming data may occupy on the receiving side. 32 to 131072 buffers. Default: 2048. */
  max_buffers?: number;
  /** Number of pending writes at which the secondary kicks its lower device. 1 to 131072 requests. Default: 128. */
  unplug_watermark?: number;
  /** Size of the TCP send buffer; 0 lets the kernel's tuning decide. 0 to 10485760 bytes. Default: 0. */
  sndbuf_size?: number;
  /** How often a write may time out before the peer is expelled; 0 never does. 0 to 200. Default: 0. */
  ko_count?: number;
  /** Automatic repair of a split brain in which no node is primary. Default: `disconnect`. */
  after_sb_0p?:
    | 'disconnect'
    | 'discard-younger-primary'
    | 'discard-older-primary'
    | 'discard-zero-changes'
    | 'discard-least-changes'
    | 'discard-local'
    | 'discard-remote'
    | number;
  /** Automatic repair of a split brain in which one node is primary. Default: `disconnect`. */
  after_sb_1p?: 'disconnect' | 'consensus' | 'discard-secondary' | 'call-pri-lost-after-sb' | 'violently-as0p' | number;
  /** Automatic repair of a split brain in which both nodes are primary. Default: `disconnect`. */
  after_sb_2p?: 'disconnect' | 'call-pri-lost-after-sb' | 'violently-as0p' | number;
  /** What happens when a resync would overwrite the data of a primary. Default: `disconnect`. */
  rr_conflict?: 'disconnect' | 'call-pri-lost' | 'violently' | number;
  /** How long the answer to a keep-alive may take before the peer counts as dead. 1 to 300 deciseconds. Default: 5. */
  ping_timeo?: number;
  /** Size of the TCP receive buffer; 0 lets the kernel's tuning decide. 0 to 10485760 bytes. Default: 0. Since 8.3.2. */
  rcvbuf_size?: number;
  /** What protocol A does when the network cannot keep up. Default: `block`. Since 8.3.10. */
  on_congestion?: 'block' | 'pull-ahead' | 'disconnect' | number;
  /**
   * Amount of data in flight from which the link counts as congested; 0 never. 0 to 20971520 sectors. Default: 0.
   * Since 8.3.10.
   */
  cong_fill?: number;
  /** Number of active extents from which the link counts as congested. 7 to 3833 extents. Default: 127. Since 8.3.10. */
  cong_extents?: number;
  /** The addresses may be of a family other than IPv4, so the module must look at it. Default: false. Since 8.2.7. */
  mind_af?: boolean;
  /** Give up this node's changes when a split brain is found at connecting (discard-my-data). Default: false. */
  want_lose?: boolean;
  /** Allow both nodes to be primary at the same time, for cluster file systems. Default: false. */
  two_primaries?: boolean;
  /** Apply the split-brain policies even where the generations alone would forbid it. Default: false. Since 8.0.1. */
  always_asbp?: boolean;
  /** Do not let TCP gather small messages before it sends them. Default: false. Since 8.2.7. */
  no_cork?: boolean;
  /** A send buffer size of 0 means automatic tuning, which older modules do not know. Default: false. Since 8.2.7. */
  auto_sndbuf_size?: boolean;
  /** Only find out what connecting would do to the data, then disconnect. Default: false. Since 8.3.8. */
  dry_run?: boolean;
}

/** Set up the link to the peer and begin to connect. */
export interface ConnectorNetConfRequest extends ConnectorRequest {
  readonly tags: ConnectorNetConfTags;
}

/** Take down the link to the peer. */
export interface ConnectorDisconnectTags {
  /** Disconnect without asking the peer for its consent. Default: false. Since 8.3.10. */
  force?: boolean;
}

/** Take down the link to the peer. */
export interface ConnectorDisconnectRequest extends ConnectorRequest {
  readonly tags?: ConnectorDisconnectTags;
}

/** Adopt a new size of the backing devices while in use. */
export interface ConnectorResizeTags {
  /** Wanted size of the device; 0 takes all that both sides have. 0 to 2199023255552 sectors. Default: 0. */
  resize_size?: bigint;
  /** Resize without a connected peer, in trust that its disk has grown too. Default: false. Since 8.3.7. */
  resize_force?: boolean;
  /** Take the new space as equal on both nodes instead of copying it. Default: false. Since 8.3.8. */
  no_resync?: boolean;
}

/** Adopt a new size of the backing devices while in use. */
export interface ConnectorResizeRequest extends ConnectorRequest {
  readonly tags?: ConnectorResizeTags;
}

/** Set how resync, verification and the activity log work. */
export interface ConnectorSyncerConfTags {
  /** Fixed speed of resync where no dynamic control is on. 1 to 4194304 KiB/s. Default: 250. */
  rate?: number;
  /** Minor whose resync must be finished before this one begins; -1 waits for none. -1 to 255. Default: -1. */
  after?: number;
  /** Size of the activity log: regions of 4 MiB that may be hot at the same time. 7 to 3833 extents. Default: 127. */
  al_extents?: number;
  /** Hash that online verification compares blocks with; empty forbids it. Since 8.2.2. */
  verify_alg?: string;
  /** Hexadecimal set of processors for this device's kernel threads; empty for the default. Since 8.2.2. */
  cpu_mask?: string;
  /** Hash by which a resync skips blocks that are already equal; empty copies all. Since 8.3.0. */
  csums_alg?: string;
  /** Compress the bitmap by run lengths when it is exchanged at connecting. Default: false. Since 8.3.2. */
  use_rle?: boolean;
  /** Data per control period of the first resync controller, gone with the next release. Since 8.3.8. */
  dp_volume?: number;
  /** Length of a control period of the first resync controller, gone with the next release. Since 8.3.8. */
  dp_interval?: number;
  /** Load at which the first resync controller slowed down, gone with the next release. Since 8.3.8. */
  throttle_th?: number;
  /** Load at which the first resync controller stopped for a while, gone with the next release. Since 8.3.8. */
  hold_off_th?: number;
  /** What applications see when neither this node nor its peer has the data. Default: `io-error`. Since 8.3.9. */
  on_no_data?: 'io-error' | 'suspend-io' | number;
  /**
   * How far the dynamic resync controller looks ahead; 0 turns it off. 0 to 300 deciseconds. Default: 0. Since
   * 8.3.9.
   */
  c_plan_ahead?: number;
  /** Delay on the link that the resync controller aims at. 1 to 100 deciseconds. Default: 10. Since 8.3.9. */
  c_delay_target?: number;
  /**
   * Amount of data in flight that the resync controller aims at; 0 aims at a delay. 0 to 1048576 sectors. Default:
   * 0. Since 8.3.9.
   */
  c_fill_target?: number;
  /** Highest speed that the resync controller may choose. 250 to 4194304 KiB/s. Default: 102400. Since 8.3.9. */
  c_max_rate?: number;
  /**
   * Speed below which resync does not yield to applications; 0 always yields. 0 to 4194304 KiB/s. Default: 4096.
   * Since 8.3.9.
   */
  c_min_rate?: number;
}

/** Set how resync, verification and the activity log work. */
export interface ConnectorSyncerConfRequest extends ConnectorRequest {
  readonly tags?: ConnectorSyncerConfTags;
}

/** The answer to get_config. */
export interface ConnectorGetConfigReplyTags
  extends Told<ConnectorDiskConfTags>, Told<ConnectorNetConfTags>, Told<ConnectorSyncerConfTags> {}

/** The answer to get_config. */
export interface ConnectorGetConfigReply extends ConnectorAnswer {
  readonly tags: ConnectorGetConfigReplyTags;
}

/** Read the states of a minor; also what the kernel sends to all listeners at every change of them. */
export interface ConnectorGetStateTags {
  /** All states of the minor in one packed word, see StateWord. */
  state_i?: number;
}

/** Read the states of a minor; also what the kernel sends to all listeners at every change of them. */
export interface ConnectorGetStateRequest extends ConnectorRequest {
  readonly tags?: ConnectorGetStateTags;
}

/** The answer to get_state. */
export interface ConnectorGetStateReplyTags {
  /** All states of the minor in one packed word, see StateWord. */
  readonly state_i?: number;
  /** How much of the running resync or verify is done. In tenths of a percent. */
  readonly sync_progress?: number;
}

/** The answer to get_state. */
export interface ConnectorGetStateReply extends ConnectorAnswer {
  readonly tags: ConnectorGetStateReplyTags;
}

/** Read the generations of a minor's data and the flags of its metadata. */
export interface ConnectorGetUuidsTags {
  /** Generations of the data: current, bitmap and two of the history, in this order. */
  uuids?: readonly bigint[];
  /** Bits of the metadata, such as consistent, was up to date, crashed as primary. */
  uuids_flags?: number;
}

/** Read the generations of a minor's data and the flags of its metadata. */
export interface ConnectorGetUuidsRequest extends ConnectorRequest {
  readonly tags?: ConnectorGetUuidsTags;
}

/** The answer to get_uuids. */
export interface ConnectorGetUuidsReplyTags {
  /** Generations of the data: current, bitmap and two of the history, in this order. */
  readonly uuids?: readonly bigint[];
  /** Bits of the metadata, such as consistent, was up to date, crashed as primary. */
  readonly uuids_flags?: number;
}

/** The answer to get_uuids. */
export interface ConnectorGetUuidsReply extends ConnectorAnswer {
  readonly tags: ConnectorGetUuidsReplyTags;
}

/** Read which time limit applies to waiting for the peer at start. */
export interface ConnectorGetTimeoutFlagTags {
  /** Which of the three waiting times for the peer holds after this start. */
  use_degraded?: 'wfc-timeout' | 'degr-wfc-timeout' | 'outdated-wfc-timeout' | number;
}

/** Read which time limit applies to waiting for the peer at start. */
export interface ConnectorGetTimeoutFlagRequest extends ConnectorRequest {
  readonly tags?: ConnectorGetTimeoutFlagTags;
}

/** The answer to get_timeout_flag. */
export interface ConnectorGetTimeoutFlagReplyTags {
  /** Which of the three waiting times for the peer holds after this start. */
  readonly use_degraded?: number;
}

/** The answer to get_timeout_flag. */
export interface ConnectorGetTimeoutFlagReply extends ConnectorAnswer {
  readonly tags: ConnectorGetTimeoutFlagReplyTags;
}

/** Begin an online verification, which compares both sides block by block. */
export interface ConnectorStartOvTags {
  /** Where to begin; where the last one stopped if absent. In sectors. Since 8.3.2. */
  start_sector?: bigint;
  /** Where to end; the end of the device if absent. In sectors. Since 8.3.14. */
  stop_sector?: bigint;
}

/** Begin an online verification, which compares both sides block by block. */
export interface ConnectorStartOvRequest extends ConnectorRequest {
  readonly tags?: ConnectorStartOvTags;
}

/** Begin a new generation of the data, for instance to skip the first resync. */
export interface ConnectorNewCUuidTags {
  /** Also forget all differences to the peer: both sides count as equal. Default: false. Since 8.2.7. */
  clear_bm?: boolean;
}

/** Begin a new generation of the data, for instance to skip the first resync. */
export interface ConnectorNewCUuidRequest extends ConnectorRequest {
  readonly tags?: ConnectorNewCUuidTags;
}

/** The requests to DRBD 8.3 by the name of their packet. */
export interface ConnectorRequests {
  /** Make the device writable on this node. */
  primary: { params: ConnectorPrimaryRequest; result: ConnectorChanged };
  /** Take back the right to write from this node; fails while somebody has the device open. */
  secondary: { params: ConnectorRequest; result: ConnectorChanged };
  /** Attach a backing device to the minor. */
  disk_conf: { params: ConnectorDiskConfRequest; result: ConnectorChanged };
  /** Let go of the backing device. */
  detach: { params: ConnectorDetachRequest; result: ConnectorChanged };
  /** Set up the link to the peer and begin to connect. */
  net_conf: { params: ConnectorNetConfRequest; result: ConnectorChanged };
  /** Take down the link to the peer. */
  disconnect: { params: ConnectorDisconnectRequest; result: ConnectorChanged };
  /** Adopt a new size of the backing devices while in use. */
  resize: { params: ConnectorResizeRequest; result: ConnectorChanged };
  /** Set how resync, verification and the activity log work. */
  syncer_conf: { params: ConnectorSyncerConfRequest; result: ConnectorChanged };
  /** Throw away this node's data and copy all of the peer's. */
  invalidate: { params: ConnectorRequest; result: ConnectorChanged };
  /** Throw away the peer's data and copy all of this node's. */
  invalidate_peer: { params: ConnectorRequest; result: ConnectorChanged };
  /** Hold the resync on behalf of the user of this node. */
  pause_sync: { params: ConnectorRequest; result: ConnectorChanged };
  /** Take back this node's own hold on the resync. */
  resume_sync: { params: ConnectorRequest; result: ConnectorChanged };
  /** Freeze all requests of applications to the device. */
  suspend_io: { params: ConnectorRequest; result: ConnectorChanged };
  /** Let frozen requests of applications go on. */
  resume_io: { params: ConnectorRequest; result: ConnectorChanged };
  /** Mark this node's data as known to be behind the peer's. */
  outdate: { params: ConnectorRequest; result: ConnectorChanged };
  /** Read the whole configuration of a minor: disk, network and syncer. */
  get_config: { params: ConnectorRequest; result: ConnectorGetConfigReply };
  /** Read the states of a minor; also what the kernel sends to all listeners at every change of them. */
  get_state: { params: ConnectorGetStateRequest; result: ConnectorGetStateReply };
  /** Read the generations of a minor's data and the flags of its metadata. */
  get_uuids: { params: ConnectorGetUuidsRequest; result: ConnectorGetUuidsReply };
  /** Read which time limit applies to waiting for the peer at start. */
  get_timeout_flag: { params: ConnectorGetTimeoutFlagRequest; result: ConnectorGetTimeoutFlagReply };
  /** Begin an online verification, which compares both sides block by block. */
  start_ov: { params: ConnectorStartOvRequest; result: ConnectorChanged };
  /** Begin a new generation of the data, for instance to skip the first resync. */
  new_c_uuid: { params: ConnectorNewCUuidRequest; result: ConnectorChanged };
}

/** Options of the verb create. */
export interface ConnectorCreateOptions {
  /** Hexadecimal set of processors for this device's kernel threads; empty for the default. Since 8.2.2. */
  cpuMask?: string;
  /** What applications see when neither this node nor its peer has the data. Default: `io-error`. Since 8.3.9. */
  onNoData?: 'io-error' | 'suspend-io' | number;
}

/** Options of the verb attach. */
export interface ConnectorAttachOptions {
  /** How much of the backing device to use; 0 takes all that fits. 0 to 2199023255552 sectors. Default: 0. */
  diskSize?: bigint;
  /** Path of the block device that stores the data below DRBD. */
  backingDev: string;
  /** Path of the block device with the metadata; the data device itself for internal metadata. */
  metaDev: string;
  /** Slot of an indexed metadata device, or a negative mode for internal and flexible layouts. -3 to 2147483647. */
  metaDevIdx: 'fixed-internal' | 'flex-external' | 'internal' | number;
  /** What happens when the lower disk reports a failed read or write. Default: `pass_on`. */
  onIoError?: 'pass_on' | 'call-local-io-error' | 'detach' | number;
  /** Whether a lost peer must be outdated or shot before this node goes on. Default: `dont-care`. */
  fencing?: 'dont-care' | 'resource-only' | 'resource-and-stonith' | number;
  /** Ask the lower device's own merge function before building large requests. Default: false. */
  useBmbv?: boolean;
  /** Order write epochs by flushing the lower device's cache. Default: true. Since 8.2.6. */
  diskFlushes?: boolean;
  /** Flush the cache of the metadata device after its updates. Default: true. Since 8.2.6. */
  mdFlushes?: boolean;
  /** Most segments that one request to the lower device may have; 0 sets no limit. 0 to 128. Default: 0. Since 8.2.6. */
  maxBioBvecs?: number;
  /** Order write epochs by barrier requests to the lower device. Default: true. Since 8.2.7. */
  diskBarrier?: boolean;
  /**
   * Order write epochs by letting all writes finish; data is at risk without any ordering. Default: true. Since
   * 8.2.7.
   */
  diskDrain?: boolean;
  /**
   * Longest time a lower device may take over a request before it counts as failed; 0 waits for ever. 0 to 6000
   * deciseconds. Default: 0. Since 8.3.12.
   */
  diskTimeout?: number;
  /** Fixed speed of resync where no dynamic control is on. 1 to 4194304 KiB/s. Default: 250. */
  resyncRate?: number;
  /** Minor whose resync must be finished before this one begins; -1 waits for none. -1 to 255. Default: -1. */
  resyncAfter?: number;
  /** Size of the activity log: regions of 4 MiB that may be hot at the same time. 7 to 3833 extents. Default: 127. */
  alExtents?: number;
  /**
   * How far the dynamic resync controller looks ahead; 0 turns it off. 0 to 300 deciseconds. Default: 0. Since
   * 8.3.9.
   */
  cPlanAhead?: number;
  /** Delay on the link that the resync controller aims at. 1 to 100 deciseconds. Default: 10. Since 8.3.9. */
  cDelayTarget?: number;
  /**
   * Amount of data in flight that the resync controller aims at; 0 aims at a delay. 0 to 1048576 sectors. Default:
   * 0. Since 8.3.9.
   */
  cFillTarget?: number;
  /** Highest speed that the resync controller may choose. 250 to 4194304 KiB/s. Default: 102400. Since 8.3.9. */
  cMaxRate?: number;
  /**
   * Speed below which resync does not yield to applications; 0 always yields. 0 to 4194304 KiB/s. Default: 4096.
   * Since 8.3.9.
   */
  cMinRate?: number;
}

/** Options of the verb detach. */
export interface ConnectorDetachOptions {
  /** Do not wait for requests that the lower device still has. Default: false. Since 8.3.12. */
  force?: boolean;
}

/** Options of the verb connect. */
export interface ConnectorConnectOptions {
  /** Socket address on which this node listens for its peer. */
  myAddr: string | SocketAddress | Uint8Array;
  /** Socket address under which the other node is reached. */
  peerAddr: string | SocketAddress | Uint8Array;
  /** Password with which both nodes prove to each other who they are. */
  sharedSecret?: string;
  /** Hash of the kernel's crypto API that authenticates the peer; empty for none. */
  cramHmacAlg?: string;
  /** Hash that guards replicated blocks on the network against corruption; empty for none. Since 8.2.0. */
  integrityAlg?: string;
  /** Longest time the peer may take to answer before the link counts as dead. 1 to 600 deciseconds. Default: 60. */
  timeout?: number;
  /** When a write counts as done: sent (A), received (B) or on the peer disk (C). */
  protocol: 'A' | 'B' | 'C' | number;
  /** Pause between two attempts to reach a peer that does not answer. 1 to 120 seconds. Default: 10. */
  connectInt?: number;
  /** Idle time after which a keep-alive is sent to the peer. 1 to 120 seconds. Default: 10. */
  pingInt?: number;
  /** Most writes between two ordering barriers. 1 to 20000 requests. Default: 2048. */
  maxEpochSize?: number;
  /** Most pages that incoming data may occupy on the receiving side. 32 to 131072 buffers. Default: 2048. */
  maxBuffers?: number;
  /** Number of pending writes at which the secondary kicks its lower device. 1 to 131072 requests. Default: 128. */
  unplugWatermark?: number;
  /** Size of the TCP send buffer; 0 lets the kernel's tuning decide. 0 to 10485760 bytes. Default: 0. */
  sndbufSize?: number;
  /** How often a write may time out before the peer is expelled; 0 never does. 0 to 200. Default: 0. */
  koCount?: number;
  /** Automatic repair of a split brain in which no node is primary. Default: `disconnect`. */
  afterSb0p?:
    | 'disconnect'
    | 'discard-younger-primary'
    | 'discard-older-primary'
    | 'discard-zero-changes'
    | 'discard-least-changes'
    | 'discard-local'
    | 'discard-remote'
    | number;
  /** Automatic repair of a split brain in which one node is primary. Default: `disconnect`. */
  afterSb1p?: 'disconnect' | 'consensus' | 'discard-secondary' | 'call-pri-lost-after-sb' | 'violently-as0p' | number;
  /** Automatic repair of a split brain in which both nodes are primary. Default: `disconnect`. */
  afterSb2p?: 'disconnect' | 'call-pri-lost-after-sb' | 'violently-as0p' | number;
  /** What happens when a resync would overwrite the data of a primary. Default: `disconnect`. */
  rrConflict?: 'disconnect' | 'call-pri-lost' | 'violently' | number;
  /** How long the answer to a keep-alive may take before the peer counts as dead. 1 to 300 deciseconds. Default: 5. */
  pingTimeo?: number;
  /** Size of the TCP receive buffer; 0 lets the kernel's tuning decide. 0 to 10485760 bytes. Default: 0. Since 8.3.2. */
  rcvbufSize?: number;
  /** What protocol A does when the network cannot keep up. Default: `block`. Since 8.3.10. */
  onCongestion?: 'block' | 'pull-ahead' | 'disconnect' | number;
  /**
   * Amount of data in flight from which the link counts as congested; 0 never. 0 to 20971520 sectors. Default: 0.
   * Since 8.3.10.
   */
  congFill?: number;
  /** Number of active extents from which the link counts as congested. 7 to 3833 extents. Default: 127. Since 8.3.10. */
  congExtents?: number;
  /** Give up this node's changes when a split brain is found at connecting (discard-my-data). Default: false. */
  discardMyData?: boolean;
  /** Allow both nodes to be primary at the same time, for cluster file systems. Default: false. */
  twoPrimaries?: boolean;
  /** Apply the split-brain policies even where the generations alone would forbid it. Default: false. Since 8.0.1. */
  alwaysAsbp?: boolean;
  /** Let TCP gather small messages before it sends them. Default: true. Since 8.2.7. */
  tcpCork?: boolean;
  /** Only find out what connecting would do to the data, then disconnect. Default: false. Since 8.3.8. */
  tentative?: boolean;
  /** Hash that online verification compares blocks with; empty forbids it. Since 8.2.2. */
  verifyAlg?: string;
  /** Hash by which a resync skips blocks that are already equal; empty copies all. Since 8.3.0. */
  csumsAlg?: string;
  /** Compress the bitmap by run lengths when it is exchanged at connecting. Default: false. Since 8.3.2. */
  useRle?: boolean;
}

/** Options of the verb disconnect. */
export interface ConnectorDisconnectOptions {
  /** Disconnect without asking the peer for its consent. Default: false. Since 8.3.10. */
  force?: boolean;
}

/** Options of the verb promote. */
export interface ConnectorPromoteOptions {
  /** Promote although the data is not known to be current; it then counts as good. Default: false. Since 8.3.8. */
  force?: boolean;
}

/** Options of the verb invalidate. */
export interface ConnectorInvalidateOptions {
  /** Whose data to throw away: this node's (local), or the peer's. Default: `local`. */
  readonly side?: 'local' | 'peer';
}

/** Options of the verb verify. */
export interface ConnectorVerifyOptions {
  /** Where to begin; where the last one stopped if absent. In sectors. Since 8.3.2. */
  startSector?: bigint;
  /** Where to end; the end of the device if absent. In sectors. Since 8.3.14. */
  stopSector?: bigint;
}

/** Options of the verb resize. */
export interface ConnectorResizeOptions {
  /** Wanted size of the device; 0 takes all that both sides have. 0 to 2199023255552 sectors. Default: 0. */
  resizeSize?: bigint;
  /** Resize without a connected peer, in trust that its disk has grown too. Default: false. Since 8.3.7. */
  resizeForce?: boolean;
  /** Take the new space as equal on both nodes instead of copying it. Default: false. Since 8.3.8. */
  noResync?: boolean;
}

/** Options of the verb newCurrentUuid. */
export interface ConnectorNewCurrentUuidOptions {
  /** Also forget all differences to the peer: both sides count as equal. Default: false. Since 8.2.7. */
  clearBm?: boolean;
}

/** Options of the verb setOptions. */
export interface ConnectorSetOptionsOptions extends Pick<
  ConnectorAttachOptions,
  'resyncRate' | 'resyncAfter' | 'alExtents' | 'cPlanAhead' | 'cDelayTarget' | 'cFillTarget' | 'cMaxRate' | 'cMinRate'
> {
  /** The objects whose options that are not named become their defaults. */
  readonly setDefaults?: readonly ('resource' | 'device' | 'connection' | 'peerDevice')[];
  /** Hash that online verification compares blocks with; empty forbids it. Since 8.2.2. */
  verifyAlg?: string;
  /** Hexadecimal set of processors for this device's kernel threads; empty for the default. Since 8.2.2. */
  cpuMask?: string;
  /** Hash by which a resync skips blocks that are already equal; empty copies all. Since 8.3.0. */
  csumsAlg?: string;
  /** Compress the bitmap by run lengths when it is exchanged at connecting. Default: false. Since 8.3.2. */
  useRle?: boolean;
  /** What applications see when neither this node nor its peer has the data. Default: `io-error`. Since 8.3.9. */
  onNoData?: 'io-error' | 'suspend-io' | number;
}

/** Options of the verb rename. */
export interface ConnectorRenameOptions {
  /** Name that the resource gets. */
  newResourceName: string;
}

/** Options of the verb forgetPeer. */
export interface ConnectorForgetPeerOptions {
  /** Node whose slot in the metadata is to be freed. -1 to 32. Default: -1. */
  peerNodeId?: number;
}

/** The options of each verb in DRBD 8.3. */
export interface ConnectorVerbOptions {
  create: ConnectorCreateOptions;
  attach: ConnectorAttachOptions;
  detach: ConnectorDetachOptions;
  connect: ConnectorConnectOptions;
  disconnect: ConnectorDisconnectOptions;
  promote: ConnectorPromoteOptions;
  demote: NoOptions;
  down: NoOptions;
  invalidate: ConnectorInvalidateOptions;
  verify: ConnectorVerifyOptions;
  pauseSync: NoOptions;
  resumeSync: NoOptions;
  suspendIo: NoOptions;
  resumeIo: NoOptions;
  resize: ConnectorResizeOptions;
  outdate: NoOptions;
  newCurrentUuid: ConnectorNewCurrentUuidOptions;
  setOptions: ConnectorSetOptionsOptions;
  rename: ConnectorRenameOptions;
  forgetPeer: ConnectorForgetPeerOptions;
}

/** The verbs of a client of DRBD 8.3. */
export interface ConnectorVerbs extends Verbs<ConnectorVerbOptions> {
  /** Set up the link to a peer and begin to connect; what it needs is created if it does not exist. */
  connect(
    target: VerbTarget,
    options: ConnectorConnectOptions,
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
  /** Change options of what exists. */
  setOptions(
    target: VerbTarget,
    options?: ConnectorSetOptionsOptions,
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
  /** Give a resource another name. DRBD 8.3 cannot: it rejects with an UnsupportedError. */
  rename(
    target: VerbTarget,
    options: ConnectorRenameOptions,
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
  /** Free the slot that a former peer has in the metadata. DRBD 8.3 cannot: it rejects with an UnsupportedError. */
  forgetPeer(
    target: VerbTarget,
    options?: ConnectorForgetPeerOptions,
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
}
