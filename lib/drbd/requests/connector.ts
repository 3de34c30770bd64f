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
  readonly overwrite_peer?: boolean;
  /** Promote although the data is not known to be current; it then counts as good. Default: false. Since 8.3.8. */
  readonly primary_force?: boolean;
}

/** Make the device writable on this node. */
export interface ConnectorPrimaryRequest extends ConnectorRequest {
  readonly tags?: ConnectorPrimaryTags;
}

/** Attach a backing device to the minor. */
export interface ConnectorDiskConfTags {
  /** How much of the backing device to use; 0 takes all that fits. 0 to 2199023255552 sectors. Default: 0. */
  readonly disk_size?: bigint;
  /** Path of the block device that stores the data below DRBD. */
  readonly backing_dev: string;
  /** Path of the block device with the metadata; the data device itself for internal metadata. */
  readonly meta_dev: string;
  /** Slot of an indexed metadata device, or a negative mode for internal and flexible layouts. -3 to 2147483647. */
  readonly meta_dev_idx: 'fixed-internal' | 'flex-external' | 'internal' | number;
  /** What happens when the lower disk reports a failed read or write. Default: `pass_on`. */
  readonly on_io_error?: 'pass_on' | 'call-local-io-error' | 'detach' | number;
  /** Whether a lost peer must be outdated or shot before this node goes on. Default: `dont-care`. */
  readonly fencing?: 'dont-care' | 'resource-only' | 'resource-and-stonith' | number;
  /** Ask the lower device's own merge function before building large requests. Default: false. */
  readonly use_bmbv?: boolean;
  /** Do not send cache flushes to the data device at the end of a write epoch. Default: false. Since 8.2.6. */
  readonly no_disk_flush?: boolean;
  /** Do not send cache flushes to the metadata device after its updates. Default: false. Since 8.2.6. */
  readonly no_md_flush?: boolean;
  /** Most segments that one request to the lower device may have; 0 sets no limit. 0 to 128. Default: 0. Since 8.2.6. */
  readonly max_bio_bvecs?: number;
  /** Do not order write epochs by barrier requests. Default: false. Since 8.2.7. */
  readonly no_disk_barrier?: boolean;
  /**
   * Do not wait for writes to finish between epochs; data is at risk without a protected cache. Default: false.
   * Since 8.2.7.
   */
  readonly no_disk_drain?: boolean;
  /**
   * Longest time a lower device may take over a request before it counts as failed; 0 waits for ever. 0 to 6000
   * deciseconds. Default: 0. Since 8.3.12.
   */
  readonly disk_timeout?: number;
}

/** Attach a backing device to the minor. */
export interface ConnectorDiskConfRequest extends ConnectorRequest {
  readonly tags: ConnectorDiskConfTags;
}

/** Let go of the backing device. */
export interface ConnectorDetachTags {
  /** Do not wait for requests that the lower device still has. Default: false. Since 8.3.12. */
  readonly detach_force?: boolean;
}

/** Let go of the backing device. */
export interface ConnectorDetachRequest extends ConnectorRequest {
  readonly tags?: ConnectorDetachTags;
}

/** Set up the link to the peer and begin to connect. */
export interface ConnectorNetConfTags {
  /** Socket address on which this node listens for its peer. */
  readonly my_addr: SocketAddress | Uint8Array;
  /** Socket address under which the other node is reached. */
  readonly peer_addr: SocketAddress | Uint8Array;
  /** Password with which both nodes prove to each other who they are. */
  readonly shared_secret?: string;
  /** Hash of the kernel's crypto API that authenticates the peer; empty for none. */
  readonly cram_hmac_alg?: string;
  /** Hash that guards replicated blocks on the network against corruption; empty for none. Since 8.2.0. */
  readonly integrity_alg?: string;
  /** Longest time the peer may take to answer before the link counts as dead. 1 to 600 deciseconds. Default: 60. */
  readonly timeout?: number;
  /** When a write counts as done: sent (A), received (B) or on the peer disk (C). */
  readonly wire_protocol: 'A' | 'B' | 'C' | number;
  /** Pause between two attempts to reach a peer that does not answer. 1 to 120 seconds. Default: 10. */
  readonly try_connect_int?: number;
  /** Idle time after which a keep-alive is sent to the peer. 1 to 120 seconds. Default: 10. */
  readonly ping_int?: number;
  /** Most writes between two ordering barriers. 1 to 20000 requests. Default: 2048. */
  readonly max_epoch_size?: number;
  /** Most pages that incoming data may occupy on the receiving side. 32 to 131072 buffers. Default: 2048. */
  readonly max_buffers?: number;
  /** Number of pending writes at which the secondary kicks its lower device. 1 to 131072 requests. Default: 128. */
  readonly unplug_watermark?: number;
  /** Size of the TCP send buffer; 0 lets the kernel's tuning decide. 0 to 10485760 bytes. Default: 0. */
  readonly sndbuf_size?: number;
  /** How often a write may time out before the peer is expelled; 0 never does. 0 to 200. Default: 0. */
  readonly ko_count?: number;
  /** Automatic repair of a split brain in which no node is primary. Default: `disconnect`. */
  readonly after_sb_0p?:
    | 'disconnect'
    | 'discard-younger-primary'
    | 'discard-older-primary'
    | 'discard-zero-changes'
    | 'discard-least-changes'
    | 'discard-local'
    | 'discard-remote'
    | number;
  /** Automatic repair of a split brain in which one node is primary. Default: `disconnect`. */
  readonly after_sb_1p?:
    'disconnect' | 'consensus' | 'discard-secondary' | 'call-pri-lost-after-sb' | 'violently-as0p' | number;
  /** Automatic repair of a split brain in which both nodes are primary. Default: `disconnect`. */
  readonly after_sb_2p?: 'disconnect' | 'call-pri-lost-after-sb' | 'violently-as0p' | number;
  /** What happens when a resync would overwrite the data of a primary. Default: `disconnect`. */
  readonly rr_conflict?: 'disconnect' | 'call-pri-lost' | 'violently' | number;
  /** How long the answer to a keep-alive may take before the peer counts as dead. 1 to 300 deciseconds. Default: 5. */
  readonly ping_timeo?: number;
  /** Size of the TCP receive buffer; 0 lets the kernel's tuning decide. 0 to 10485760 bytes. Default: 0. Since 8.3.2. */
  readonly rcvbuf_size?: number;
  /** What protocol A does when the network cannot keep up. Default: `block`. Since 8.3.10. */
  readonly on_congestion?: 'block' | 'pull-ahead' | 'disconnect' | number;
  /**
   * Amount of data in flight from which the link counts as congested; 0 never. 0 to 20971520 sectors. Default: 0.
   * Since 8.3.10.
   */
  readonly cong_fill?: number;
  /** Number of active extents from which the link counts as congested. 7 to 3833 extents. Default: 127. Since 8.3.10. */
  readonly cong_extents?: number;
  /** The addresses may be of a family other than IPv4, so the module must look at it. Default: false. Since 8.2.7. */
  readonly mind_af?: boolean;
  /** Give up this node's changes when a split brain is found at connecting (discard-my-data). Default: false. */
  readonly want_lose?: boolean;
  /** Allow both nodes to be primary at the same time, for cluster file systems. Default: false. */
  readonly two_primaries?: boolean;
  /** Apply the split-brain policies even where the generations alone would forbid it. Default: false. Since 8.0.1. */
  readonly always_asbp?: boolean;
  /** Do not let TCP gather small messages before it sends them. Default: false. Since 8.2.7. */
  readonly no_cork?: boolean;
  /** A send buffer size of 0 means automatic tuning, which older modules do not know. Default: false. Since 8.2.7. */
  readonly auto_sndbuf_size?: boolean;
  /** Only find out what connecting would do to the data, then disconnect. Default: false. Since 8.3.8. */
  readonly dry_run?: boolean;
}

/** Set up the link to the peer and begin to connect. */
export interface ConnectorNetConfRequest extends ConnectorRequest {
  readonly tags: ConnectorNetConfTags;
}

/** Take down the link to the peer. */
export interface ConnectorDisconnectTags {
  /** Disconnect without asking the peer for its consent. Default: false. Since 8.3.10. */
  readonly force?: boolean;
}

/** Take down the link to the peer. */
export interface ConnectorDisconnectRequest extends ConnectorRequest {
  readonly tags?: ConnectorDisconnectTags;
}

/** Adopt a new size of the backing devices while in use. */
export interface ConnectorResizeTags {
  /** Wanted size of the device; 0 takes all that both sides have. 0 to 2199023255552 sectors. Default: 0. */
  readonly resize_size?: bigint;
  /** Resize without a connected peer, in trust that its disk has grown too. Default: false. Since 8.3.7. */
  readonly resize_force?: boolean;
  /** Take the new space as equal on both nodes instead of copying it. Default: false. Since 8.3.8. */
  readonly no_resync?: boolean;
}

/** Adopt a new size of the backing devices while in use. */
export interface ConnectorResizeRequest extends ConnectorRequest {
  readonly tags?: ConnectorResizeTags;
}

/** Set how resync, verification and the activity log work. */
export interface ConnectorSyncerConfTags {
  /** Fixed speed of resync where no dynamic control is on. 1 to 4194304 KiB/s. Default: 250. */
  readonly rate?: number;
  /** Minor whose resync must be finished before this one begins; -1 waits for none. -1 to 255. Default: -1. */
  readonly after?: number;
  /** Size of the activity log: regions of 4 MiB that may be hot at the same time. 7 to 3833 extents. Default: 127. */
  readonly al_extents?: number;
  /** Hash that online verification compares blocks with; empty forbids it. Since 8.2.2. */
  readonly verify_alg?: string;
  /** Hexadecimal set of processors for this device's kernel threads; empty for the default. Since 8.2.2. */
  readonly cpu_mask?: string;
  /** Hash by which a resync skips blocks that are already equal; empty copies all. Since 8.3.0. */
  readonly csums_alg?: string;
  /** Compress the bitmap by run lengths when it is exchanged at connecting. Default: false. Since 8.3.2. */
  readonly use_rle?: boolean;
  /** Data per control period of the first resync controller, gone with the next release. Since 8.3.8. */
  readonly dp_volume?: number;
  /** Length of a control period of the first resync controller, gone with the next release. Since 8.3.8. */
  readonly dp_interval?: number;
  /** Load at which the first resync controller slowed down, gone with the next release. Since 8.3.8. */
  readonly throttle_th?: number;
  /** Load at which the first resync controller stopped for a while, gone with the next release. Since 8.3.8. */
  readonly hold_off_th?: number;
  /** What applications see when neither this node nor its peer has the data. Default: `io-error`. Since 8.3.9. */
  readonly on_no_data?: 'io-error' | 'suspend-io' | number;
  /**
   * How far the dynamic resync controller looks ahead; 0 turns it off. 0 to 300 deciseconds. Default: 0. Since
   * 8.3.9.
   */
  readonly c_plan_ahead?: number;
  /** Delay on the link that the resync controller aims at. 1 to 100 deciseconds. Default: 10. Since 8.3.9. */
  readonly c_delay_target?: number;
  /**
   * Amount of data in flight that the resync controller aims at; 0 aims at a delay. 0 to 1048576 sectors. Default:
   * 0. Since 8.3.9.
   */
  readonly c_fill_target?: number;
  /** Highest speed that the resync controller may choose. 250 to 4194304 KiB/s. Default: 102400. Since 8.3.9. */
  readonly c_max_rate?: number;
  /**
   * Speed below which resync does not yield to applications; 0 always yields. 0 to 4194304 KiB/s. Default: 4096.
   * Since 8.3.9.
   */
  readonly c_min_rate?: number;
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
  readonly state_i?: number;
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
  readonly uuids?: readonly bigint[];
  /** Bits of the metadata, such as consistent, was up to date, crashed as primary. */
  readonly uuids_flags?: number;
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
  readonly use_degraded?: 'wfc-timeout' | 'degr-wfc-timeout' | 'outdated-wfc-timeout' | number;
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
  readonly start_sector?: bigint;
  /** Where to end; the end of the device if absent. In sectors. Since 8.3.14. */
  readonly stop_sector?: bigint;
}

/** Begin an online verification, which compares both sides block by block. */
export interface ConnectorStartOvRequest extends ConnectorRequest {
  readonly tags?: ConnectorStartOvTags;
}

/** Begin a new generation of the data, for instance to skip the first resync. */
export interface ConnectorNewCUuidTags {
  /** Also forget all differences to the peer: both sides count as equal. Default: false. Since 8.2.7. */
  readonly clear_bm?: boolean;
}

/** Begin a new generation of the data, for instance to skip the first resync. */
export interface ConnectorNewCUuidRequest extends ConnectorRequest {
  readonly tags?: ConnectorNewCUuidTags;
}

/** The requests to DRBD 8.3 by the name of their packet. */
export interface ConnectorRequests {
  /** Make the device writable on this node. */
  readonly primary: { readonly params: ConnectorPrimaryRequest; readonly result: ConnectorChanged };
  /** Take back the right to write from this node; fails while somebody has the device open. */
  readonly secondary: { readonly params: ConnectorRequest; readonly result: ConnectorChanged };
  /** Attach a backing device to the minor. */
  readonly disk_conf: { readonly params: ConnectorDiskConfRequest; readonly result: ConnectorChanged };
  /** Let go of the backing device. */
  readonly detach: { readonly params: ConnectorDetachRequest; readonly result: ConnectorChanged };
  /** Set up the link to the peer and begin to connect. */
  readonly net_conf: { readonly params: ConnectorNetConfRequest; readonly result: ConnectorChanged };
  /** Take down the link to the peer. */
  readonly disconnect: { readonly params: ConnectorDisconnectRequest; readonly result: ConnectorChanged };
  /** Adopt a new size of the backing devices while in use. */
  readonly resize: { readonly params: ConnectorResizeRequest; readonly result: ConnectorChanged };
  /** Set how resync, verification and the activity log work. */
  readonly syncer_conf: { readonly params: ConnectorSyncerConfRequest; readonly result: ConnectorChanged };
  /** Throw away this node's data and copy all of the peer's. */
  readonly invalidate: { readonly params: ConnectorRequest; readonly result: ConnectorChanged };
  /** Throw away the peer's data and copy all of this node's. */
  readonly invalidate_peer: { readonly params: ConnectorRequest; readonly result: ConnectorChanged };
  /** Hold the resync on behalf of the user of this node. */
  readonly pause_sync: { readonly params: ConnectorRequest; readonly result: ConnectorChanged };
  /** Take back this node's own hold on the resync. */
  readonly resume_sync: { readonly params: ConnectorRequest; readonly result: ConnectorChanged };
  /** Freeze all requests of applications to the device. */
  readonly suspend_io: { readonly params: ConnectorRequest; readonly result: ConnectorChanged };
  /** Let frozen requests of applications go on. */
  readonly resume_io: { readonly params: ConnectorRequest; readonly result: ConnectorChanged };
  /** Mark this node's data as known to be behind the peer's. */
  readonly outdate: { readonly params: ConnectorRequest; readonly result: ConnectorChanged };
  /** Read the whole configuration of a minor: disk, network and syncer. */
  readonly get_config: { readonly params: ConnectorRequest; readonly result: ConnectorGetConfigReply };
  /** Read the states of a minor; also what the kernel sends to all listeners at every change of them. */
  readonly get_state: { readonly params: ConnectorGetStateRequest; readonly result: ConnectorGetStateReply };
  /** Read the generations of a minor's data and the flags of its metadata. */
  readonly get_uuids: { readonly params: ConnectorGetUuidsRequest; readonly result: ConnectorGetUuidsReply };
  /** Read which time limit applies to waiting for the peer at start. */
  readonly get_timeout_flag: {
    readonly params: ConnectorGetTimeoutFlagRequest;
    readonly result: ConnectorGetTimeoutFlagReply;
  };
  /** Begin an online verification, which compares both sides block by block. */
  readonly start_ov: { readonly params: ConnectorStartOvRequest; readonly result: ConnectorChanged };
  /** Begin a new generation of the data, for instance to skip the first resync. */
  readonly new_c_uuid: { readonly params: ConnectorNewCUuidRequest; readonly result: ConnectorChanged };
}

/** Options of the verb create. */
export interface ConnectorCreateOptions {
  /** Hexadecimal set of processors for this device's kernel threads; empty for the default. Since 8.2.2. */
  readonly cpuMask?: string;
  /** What applications see when neither this node nor its peer has the data. Default: `io-error`. Since 8.3.9. */
  readonly onNoData?: 'io-error' | 'suspend-io' | number;
}

/** Options of the verb attach. */
export interface ConnectorAttachOptions {
  /** How much of the backing device to use; 0 takes all that fits. 0 to 2199023255552 sectors. Default: 0. */
  readonly diskSize?: bigint;
  /** Path of the block device that stores the data below DRBD. */
  readonly backingDev: string;
  /** Path of the block device with the metadata; the data device itself for internal metadata. */
  readonly metaDev: string;
  /** Slot of an indexed metadata device, or a negative mode for internal and flexible layouts. -3 to 2147483647. */
  readonly metaDevIdx: 'fixed-internal' | 'flex-external' | 'internal' | number;
  /** What happens when the lower disk reports a failed read or write. Default: `pass_on`. */
  readonly onIoError?: 'pass_on' | 'call-local-io-error' | 'detach' | number;
  /** Whether a lost peer must be outdated or shot before this node goes on. Default: `dont-care`. */
  readonly fencing?: 'dont-care' | 'resource-only' | 'resource-and-stonith' | number;
  /** Ask the lower device's own merge function before building large requests. Default: false. */
  readonly useBmbv?: boolean;
  /** Order write epochs by flushing the lower device's cache. Default: true. Since 8.2.6. */
  readonly diskFlushes?: boolean;
  /** Flush the cache of the metadata device after its updates. Default: true. Since 8.2.6. */
  readonly mdFlushes?: boolean;
  /** Most segments that one request to the lower device may have; 0 sets no limit. 0 to 128. Default: 0. Since 8.2.6. */
  readonly maxBioBvecs?: number;
  /** Order write epochs by barrier requests to the lower device. Default: true. Since 8.2.7. */
  readonly diskBarrier?: boolean;
  /**
   * Order write epochs by letting all writes finish; data is at risk without any ordering. Default: true. Since
   * 8.2.7.
   */
  readonly diskDrain?: boolean;
  /**
   * Longest time a lower device may take over a request before it counts as failed; 0 waits for ever. 0 to 6000
   * deciseconds. Default: 0. Since 8.3.12.
   */
  readonly diskTimeout?: number;
  /** Fixed speed of resync where no dynamic control is on. 1 to 4194304 KiB/s. Default: 250. */
  readonly resyncRate?: number;
  /** Minor whose resync must be finished before this one begins; -1 waits for none. -1 to 255. Default: -1. */
  readonly resyncAfter?: number;
  /** Size of the activity log: regions of 4 MiB that may be hot at the same time. 7 to 3833 extents. Default: 127. */
  readonly alExtents?: number;
  /**
   * How far the dynamic resync controller looks ahead; 0 turns it off. 0 to 300 deciseconds. Default: 0. Since
   * 8.3.9.
   */
  readonly cPlanAhead?: number;
  /** Delay on the link that the resync controller aims at. 1 to 100 deciseconds. Default: 10. Since 8.3.9. */
  readonly cDelayTarget?: number;
  /**
   * Amount of data in flight that the resync controller aims at; 0 aims at a delay. 0 to 1048576 sectors. Default:
   * 0. Since 8.3.9.
   */
  readonly cFillTarget?: number;
  /** Highest speed that the resync controller may choose. 250 to 4194304 KiB/s. Default: 102400. Since 8.3.9. */
  readonly cMaxRate?: number;
  /**
   * Speed below which resync does not yield to applications; 0 always yields. 0 to 4194304 KiB/s. Default: 4096.
   * Since 8.3.9.
   */
  readonly cMinRate?: number;
}

/** Options of the verb detach. */
export interface ConnectorDetachOptions {
  /** Do not wait for requests that the lower device still has. Default: false. Since 8.3.12. */
  readonly force?: boolean;
}

/** Options of the verb connect. */
export interface ConnectorConnectOptions {
  /** Socket address on which this node listens for its peer. */
  readonly myAddr: string | SocketAddress | Uint8Array;
  /** Socket address under which the other node is reached. */
  readonly peerAddr: string | SocketAddress | Uint8Array;
  /** Password with which both nodes prove to each other who they are. */
  readonly sharedSecret?: string;
  /** Hash of the kernel's crypto API that authenticates the peer; empty for none. */
  readonly cramHmacAlg?: string;
  /** Hash that guards replicated blocks on the network against corruption; empty for none. Since 8.2.0. */
  readonly integrityAlg?: string;
  /** Longest time the peer may take to answer before the link counts as dead. 1 to 600 deciseconds. Default: 60. */
  readonly timeout?: number;
  /** When a write counts as done: sent (A), received (B) or on the peer disk (C). */
  readonly protocol: 'A' | 'B' | 'C' | number;
  /** Pause between two attempts to reach a peer that does not answer. 1 to 120 seconds. Default: 10. */
  readonly connectInt?: number;
  /** Idle time after which a keep-alive is sent to the peer. 1 to 120 seconds. Default: 10. */
  readonly pingInt?: number;
  /** Most writes between two ordering barriers. 1 to 20000 requests. Default: 2048. */
  readonly maxEpochSize?: number;
  /** Most pages that incoming data may occupy on the receiving side. 32 to 131072 buffers. Default: 2048. */
  readonly maxBuffers?: number;
  /** Number of pending writes at which the secondary kicks its lower device. 1 to 131072 requests. Default: 128. */
  readonly unplugWatermark?: number;
  /** Size of the TCP send buffer; 0 lets the kernel's tuning decide. 0 to 10485760 bytes. Default: 0. */
  readonly sndbufSize?: number;
  /** How often a write may time out before the peer is expelled; 0 never does. 0 to 200. Default: 0. */
  readonly koCount?: number;
  /** Automatic repair of a split brain in which no node is primary. Default: `disconnect`. */
  readonly afterSb0p?:
    | 'disconnect'
    | 'discard-younger-primary'
    | 'discard-older-primary'
    | 'discard-zero-changes'
    | 'discard-least-changes'
    | 'discard-local'
    | 'discard-remote'
    | number;
  /** Automatic repair of a split brain in which one node is primary. Default: `disconnect`. */
  readonly afterSb1p?:
    'disconnect' | 'consensus' | 'discard-secondary' | 'call-pri-lost-after-sb' | 'violently-as0p' | number;
  /** Automatic repair of a split brain in which both nodes are primary. Default: `disconnect`. */
  readonly afterSb2p?: 'disconnect' | 'call-pri-lost-after-sb' | 'violently-as0p' | number;
  /** What happens when a resync would overwrite the data of a primary. Default: `disconnect`. */
  readonly rrConflict?: 'disconnect' | 'call-pri-lost' | 'violently' | number;
  /** How long the answer to a keep-alive may take before the peer counts as dead. 1 to 300 deciseconds. Default: 5. */
  readonly pingTimeo?: number;
  /** Size of the TCP receive buffer; 0 lets the kernel's tuning decide. 0 to 10485760 bytes. Default: 0. Since 8.3.2. */
  readonly rcvbufSize?: number;
  /** What protocol A does when the network cannot keep up. Default: `block`. Since 8.3.10. */
  readonly onCongestion?: 'block' | 'pull-ahead' | 'disconnect' | number;
  /**
   * Amount of data in flight from which the link counts as congested; 0 never. 0 to 20971520 sectors. Default: 0.
   * Since 8.3.10.
   */
  readonly congFill?: number;
  /** Number of active extents from which the link counts as congested. 7 to 3833 extents. Default: 127. Since 8.3.10. */
  readonly congExtents?: number;
  /** Give up this node's changes when a split brain is found at connecting (discard-my-data). Default: false. */
  readonly discardMyData?: boolean;
  /** Allow both nodes to be primary at the same time, for cluster file systems. Default: false. */
  readonly twoPrimaries?: boolean;
  /** Apply the split-brain policies even where the generations alone would forbid it. Default: false. Since 8.0.1. */
  readonly alwaysAsbp?: boolean;
  /** Let TCP gather small messages before it sends them. Default: true. Since 8.2.7. */
  readonly tcpCork?: boolean;
  /** Only find out what connecting would do to the data, then disconnect. Default: false. Since 8.3.8. */
  readonly tentative?: boolean;
  /** Hash that online verification compares blocks with; empty forbids it. Since 8.2.2. */
  readonly verifyAlg?: string;
  /** Hash by which a resync skips blocks that are already equal; empty copies all. Since 8.3.0. */
  readonly csumsAlg?: string;
  /** Compress the bitmap by run lengths when it is exchanged at connecting. Default: false. Since 8.3.2. */
  readonly useRle?: boolean;
}

/** Options of the verb disconnect. */
export interface ConnectorDisconnectOptions {
  /** Disconnect without asking the peer for its consent. Default: false. Since 8.3.10. */
  readonly force?: boolean;
}

/** Options of the verb promote. */
export interface ConnectorPromoteOptions {
  /** Promote although the data is not known to be current; it then counts as good. Default: false. Since 8.3.8. */
  readonly force?: boolean;
}

/** Options of the verb invalidate. */
export interface ConnectorInvalidateOptions {
  /** Whose data to throw away: this node's (local), or the peer's. Default: `local`. */
  readonly side?: 'local' | 'peer';
}

/** Options of the verb verify. */
export interface ConnectorVerifyOptions {
  /** Where to begin; where the last one stopped if absent. In sectors. Since 8.3.2. */
  readonly startSector?: bigint;
  /** Where to end; the end of the device if absent. In sectors. Since 8.3.14. */
  readonly stopSector?: bigint;
}

/** Options of the verb resize. */
export interface ConnectorResizeOptions {
  /** Wanted size of the device; 0 takes all that both sides have. 0 to 2199023255552 sectors. Default: 0. */
  readonly resizeSize?: bigint;
  /** Resize without a connected peer, in trust that its disk has grown too. Default: false. Since 8.3.7. */
  readonly resizeForce?: boolean;
  /** Take the new space as equal on both nodes instead of copying it. Default: false. Since 8.3.8. */
  readonly noResync?: boolean;
}

/** Options of the verb newCurrentUuid. */
export interface ConnectorNewCurrentUuidOptions {
  /** Also forget all differences to the peer: both sides count as equal. Default: false. Since 8.2.7. */
  readonly clearBm?: boolean;
}

/** Options of the verb setOptions. */
export interface ConnectorSetOptionsOptions extends Pick<
  ConnectorAttachOptions,
  'resyncRate' | 'resyncAfter' | 'alExtents' | 'cPlanAhead' | 'cDelayTarget' | 'cFillTarget' | 'cMaxRate' | 'cMinRate'
> {
  /** The objects whose options that are not named become their defaults. */
  readonly setDefaults?: readonly ('resource' | 'device' | 'connection' | 'peerDevice')[];
  /** Hash that online verification compares blocks with; empty forbids it. Since 8.2.2. */
  readonly verifyAlg?: string;
  /** Hexadecimal set of processors for this device's kernel threads; empty for the default. Since 8.2.2. */
  readonly cpuMask?: string;
  /** Hash by which a resync skips blocks that are already equal; empty copies all. Since 8.3.0. */
  readonly csumsAlg?: string;
  /** Compress the bitmap by run lengths when it is exchanged at connecting. Default: false. Since 8.3.2. */
  readonly useRle?: boolean;
  /** What applications see when neither this node nor its peer has the data. Default: `io-error`. Since 8.3.9. */
  readonly onNoData?: 'io-error' | 'suspend-io' | number;
}

/** Options of the verb rename. */
export interface ConnectorRenameOptions {
  /** Name that the resource gets. */
  readonly newResourceName: string;
}

/** Options of the verb forgetPeer. */
export interface ConnectorForgetPeerOptions {
  /** Node whose slot in the metadata is to be freed. -1 to 32. Default: -1. */
  readonly peerNodeId?: number;
}

/** The options of each verb in DRBD 8.3. */
export interface ConnectorVerbOptions {
  readonly create: ConnectorCreateOptions;
  readonly attach: ConnectorAttachOptions;
  readonly detach: ConnectorDetachOptions;
  readonly connect: ConnectorConnectOptions;
  readonly disconnect: ConnectorDisconnectOptions;
  readonly promote: ConnectorPromoteOptions;
  readonly demote: NoOptions;
  readonly down: NoOptions;
  readonly invalidate: ConnectorInvalidateOptions;
  readonly verify: ConnectorVerifyOptions;
  readonly pauseSync: NoOptions;
  readonly resumeSync: NoOptions;
  readonly suspendIo: NoOptions;
  readonly resumeIo: NoOptions;
  readonly resize: ConnectorResizeOptions;
  readonly outdate: NoOptions;
  readonly newCurrentUuid: ConnectorNewCurrentUuidOptions;
  readonly setOptions: ConnectorSetOptionsOptions;
  readonly rename: ConnectorRenameOptions;
  readonly forgetPeer: ConnectorForgetPeerOptions;
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
