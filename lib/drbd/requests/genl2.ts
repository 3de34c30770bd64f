// Written by scripts/requests from the tables in lib/dialects. Change those, and run it.

import type { UnknownAttribute } from '../../dialects/generic';
import type { SocketAddress } from '../../netlink';
import type { Verbs } from './verbs';
import type { NoOptions } from '../verbs';
import type { Genl1Context, Genl1DiskConf, Genl1NetConf, Genl1AttachOptions, Genl1ConnectOptions } from './genl1';
import type {
  ConnectorDiskConfTags,
  ConnectorNetConfTags,
  ConnectorAttachOptions,
  ConnectorConnectOptions,
} from './connector';
import type { Told } from './told';

/** Which resource, volume or connection a message is about. */
export interface Genl2Context extends Pick<
  Genl1Context,
  'ctx_volume' | 'ctx_resource_name' | 'ctx_my_addr' | 'ctx_peer_addr'
> {
  /** Name of the connection, which is the peer's. */
  ctx_conn_name?: string;
  /** The peer's node id. */
  ctx_peer_node_id?: number;
}

/** Configuration of a device, with or without disk. */
export interface Genl2DeviceConf {
  /** Largest request that the device accepts. 512 to 1048576 bytes. Default: 1048576. */
  max_bio_size?: number;
  /** The device is meant to have no disk on this node. Default: false. Since 9.0.7. */
  intentional_diskless?: boolean;
  /** Logical block size that applications see. 512 to 4096 bytes. Default: 512. Since 9.1.14. */
  block_size?: number;
  /** Granularity of discards that applications see. 0 to 134217728 bytes. Default: 4294967295. Since 9.3.1. */
  discard_granularity?: number;
}

/** Options that hold for all of a resource. */
export interface Genl2ResOpts {
  /** Hexadecimal set of processors for this device's kernel threads; empty for the default. */
  cpu_mask?: string;
  /** What applications see when neither this node nor its peer has the data. Default: `io-error`. */
  on_no_data?: 'io-error' | 'suspend-io' | number;
  /** Become primary by itself when the device is opened for writing. Default: true. */
  auto_promote?: boolean;
  /** This node's number within the resource. */
  node_id: number;
  /** Amount of data after which peers are told what is written everywhere. 2048 to 204800 sectors. Default: 4096. */
  peer_ack_window?: number;
  /** Longest time that a cluster-wide state change may take. 50 to 600 deciseconds. Default: 300. */
  twopc_timeout?: number;
  /** Pause before a cluster-wide state change is tried again. 1 to 50 deciseconds. Default: 1. */
  twopc_retry_timeout?: number;
  /** Idle time after which peers are told what is written everywhere. 1 to 10000 milliseconds. Default: 100. */
  peer_ack_delay?: number;
  /** How long an open for writing waits for a promotion to become possible. 0 to 600 deciseconds. Default: 20. */
  auto_promote_timeout?: number;
  /** Most requests of applications under way at a time. 4 to 4294967295. Default: 8000. Since 9.0.2. */
  nr_requests?: number;
  /**
   * Number of nodes that must be reachable for writing; special values for majority and all. 1 to 32. Default:
   * `off`. Since 9.0.7.
   */
  quorum?: 'off' | 'majority' | 'all' | number;
  /** What applications see when quorum is lost. Default: `suspend-io`. Since 9.0.8. */
  on_no_quorum?: 'io-error' | 'suspend-io' | number;
  /** Number of nodes with good data that must be reachable for writing. 1 to 32. Default: `off`. Since 9.0.10. */
  quorum_min_redundancy?: 'off' | 'majority' | 'all' | number;
  /** What a suspended primary does when it finds itself outdated. Default: `disconnect`. Since 9.1.7. */
  on_susp_primary_outdated?: 'disconnect' | 'force-secondary' | number;
  /**
   * Speak so that a DRBD 8 peer understands; takes a module compiled with CONFIG_DRBD_COMPAT_84. Default: false.
   * Since 9.2.15.
   */
  drbd8_compat_mode?: boolean;
  /**
   * Speak so that a DRBD 8 peer understands, because the user asked for it; takes CONFIG_DRBD_COMPAT_84. Default:
   * false. Since 9.3.0.
   */
  explicit_drbd8_compat?: boolean;
}

/** How to begin to connect. */
export interface Genl2ConnectParms {
  /** Only find out what connecting would do to the data, then disconnect. Default: false. */
  tentative?: boolean;
  /** Give up this node's changes when a split brain is found at connecting (discard-my-data). Default: false. */
  discard_my_data?: boolean;
}

/** How to take down a link. */
export interface Genl2DisconnectParms {
  /** Disconnect without asking the peer for its consent. Default: false. */
  force_disconnect?: boolean;
}

/** Configuration of a backing device. */
export interface Genl2DiskConf
  extends
    Pick<ConnectorDiskConfTags, 'backing_dev' | 'meta_dev' | 'meta_dev_idx' | 'disk_size'>,
    Pick<
      Genl1DiskConf,
      | 'on_io_error'
      | 'resync_after'
      | 'al_extents'
      | 'disk_barrier'
      | 'disk_flushes'
      | 'disk_drain'
      | 'md_flushes'
      | 'disk_timeout'
    > {
  /** How reads are spread over this node's disk and the peer's. Default: `prefer-local`. */
  read_balancing?:
    | 'prefer-local'
    | 'prefer-remote'
    | 'round-robin'
    | 'least-pending'
    | 'when-congested-remote'
    | '32K-striping'
    | '64K-striping'
    | '128K-striping'
    | '256K-striping'
    | '512K-striping'
    | '1M-striping'
    | number;
  /** Number of pending writes at which the secondary kicks its lower device. 1 to 131072 requests. Default: 128. */
  unplug_watermark?: number;
  /** Keep the activity log up to date; without it a crash means a full resync. Default: true. */
  al_updates?: boolean;
  /**
   * Treat discards as zeroing where they are aligned, even if the device does not promise it. Default: true. Since
   * 9.0.1.
   */
  discard_zeroes_if_aligned?: boolean;
  /**
   * Size of blocks of zeroes that a resync discards instead of writing; 0 never does. 0 to 1048576 bytes. Default:
   * 0. Since 9.0.1.
   */
  rs_discard_granularity?: number;
  /** Never pass write-same requests to the peer or the lower device. Default: false. Since 9.0.7. */
  disable_write_same?: boolean;
  /** Whether this device keeps a bitmap at all. Default: true. Since 9.3.0. */
  d_bitmap?: boolean;
}

/** How to adopt a new size. */
export interface Genl2ResizeParms {
  /** Wanted size of the device; 0 takes all that both sides have. 0 to 2199023255552 sectors. Default: 0. */
  resize_size?: bigint;
  /** Resize without a connected peer, in trust that its disk has grown too. Default: false. */
  resize_force?: boolean;
  /** Take the new space as equal on both nodes instead of copying it. Default: false. */
  no_resync?: boolean;
  /** Number of stripes of an activity log that is laid out for striped storage. 1 to 1024. Default: 1. */
  al_stripes?: number;
  /** Size of each stripe of the activity log on striped storage. 4 to 16777216 KiB. Default: 32. */
  al_stripe_size?: number;
}

/** How to promote: whether to trust data not known to be current. */
export interface Genl2SetRoleParms {
  /** Promote although the data is not known to be current; it then counts as good. Default: false. */
  assume_uptodate?: boolean;
  /**
   * Promote although the data is not known to be current, or demote although it is in use. Default: false. Since
   * 9.1.7.
   */
  force?: boolean;
}

/** How to begin a new generation of the data. */
export interface Genl2NewCUuidParms {
  /** Also forget all differences to the peer: both sides count as equal. Default: false. */
  clear_bm?: boolean;
  /** Let the peers copy all from this node afterwards. Default: false. Since 9.0.21-1. */
  force_resync?: boolean;
}

/** Which part of a device to verify. */
export interface Genl2StartOvParms {
  /** Where to begin; where the last one stopped if absent. In sectors. */
  ov_start_sector?: bigint;
  /** Where to end; the end of the device if absent. In sectors. */
  ov_stop_sector?: bigint;
}

/** How to let go of a backing device. */
export interface Genl2DetachParms {
  /** Do not wait for requests that the lower device still has. Default: false. */
  force_detach?: boolean;
  /** Stay diskless on purpose from now on. Default: false. Since 9.0.15. */
  intentional_diskless_detach?: boolean;
}

/** From whom and how to copy all. */
export interface Genl2InvalidateParms {
  /** Node to copy from; -1 lets the kernel choose. -1 to 32. Default: -1. */
  sync_from_peer_node_id?: number;
  /** Take all as different, whatever the bitmap says. Default: true. Since 9.0.29-1. */
  reset_bitmap?: boolean;
}

/** How to throw away a peer's data. */
export interface Genl2InvalidatePeerParms {
  /** Take all as different, whatever the bitmap says. Default: true. */
  p_reset_bitmap?: boolean;
}

/** How to freeze requests. */
export interface Genl2SuspendIoParms {
  /** Flush and freeze the file system on it first. Default: true. */
  bdev_freeze?: boolean;
}

/** Configuration of the link to a peer. */
export interface Genl2NetConf
  extends
    Pick<
      ConnectorNetConfTags,
      | 'shared_secret'
      | 'cram_hmac_alg'
      | 'timeout'
      | 'ping_int'
      | 'ping_timeo'
      | 'max_epoch_size'
      | 'after_sb_0p'
      | 'after_sb_1p'
      | 'after_sb_2p'
      | 'two_primaries'
      | 'max_buffers'
    >,
    Pick<
      Genl1NetConf,
      | 'integrity_alg'
      | 'verify_alg'
      | 'csums_alg'
      | 'wire_protocol'
      | 'connect_int'
      | 'ko_count'
      | 'on_congestion'
      | 'cong_fill'
      | 'cong_extents'
      | 'tcp_cork'
      | 'always_asbp'
      | 'use_rle'
    > {
  /** Size of the TCP send buffer; 0 lets the kernel's tuning decide. 0 to 134217728 bytes. Default: 0. */
  sndbuf_size?: number;
  /** Size of the TCP receive buffer; 0 lets the kernel's tuning decide. 0 to 134217728 bytes. Default: 0. */
  rcvbuf_size?: number;
  /** What happens when a resync would overwrite the data of a primary. Default: `disconnect`. */
  rr_conflict?: 'disconnect' | 'call-pri-lost' | 'violently' | 'retry-connect' | 'auto-discard' | number;
  /** Whether a lost peer must be outdated or shot before this node goes on. Default: `dont-care`. */
  fencing_policy?: 'dont-care' | 'resource-only' | 'resource-and-stonith' | number;
  /** Name of the connection, which is the peer's. */
  name: string;
  /** Compare checksums in a resync only after a primary has crashed. Default: false. */
  csums_after_crash_only?: boolean;
  /**
   * How long to wait for the first packet on a new socket; 0 takes the keep-alive time. 0 to 300 deciseconds.
   * Default: 0.
   */
  sock_check_timeo?: number;
  /** Kernel module that carries the data: tcp, rdma, lb-tcp. */
  transport_name?: string;
  /** Read from this peer's disk when there is no local one. Default: true. Since 9.0.19-1. */
  allow_remote_read?: boolean;
  /** Encrypt the connection by kernel TLS. Default: false. Since 9.1.18. */
  tls?: boolean;
  /** Serial number of the key that holds the private key. Default: 0. Since 9.1.18. */
  tls_privkey?: number;
  /** Serial number of the key that holds the certificate. Default: 0. Since 9.1.18. */
  tls_certificate?: number;
  /** Serial number of the keyring for the TLS handshake. Default: 0. Since 9.1.18. */
  tls_keyring?: number;
  /** Use all paths at the same time. Default: false. Since 9.1.18. */
  load_balance_paths?: boolean;
  /** Receive buffer of the RDMA control stream. 0 to 10485760 bytes. Default: 0. Since 9.1.18. */
  rdma_ctrl_rcvbuf_size?: number;
  /** Send buffer of the RDMA control stream. 0 to 10485760 bytes. Default: 0. Since 9.1.18. */
  rdma_ctrl_sndbuf_size?: number;
}

/** Whose metadata slot to free. */
export interface Genl2ForgetPeerParms {
  /** Node whose slot in the metadata is to be freed. -1 to 32. Default: -1. */
  forget_peer_node_id?: number;
}

/** How resync to a peer works. */
export interface Genl2PeerDeviceConf extends Pick<
  Genl1DiskConf,
  'c_plan_ahead' | 'c_delay_target' | 'c_fill_target' | 'c_min_rate'
> {
  /** Fixed speed of resync where no dynamic control is on. 1 to 8388608 KiB/s. Default: 250. */
  resync_rate?: number;
  /** Highest speed that the resync controller may choose. 0 to 4194304 KiB/s. Default: 102400. */
  c_max_rate?: number;
  /** Keep a bitmap for this peer. Default: true. Since 9.0.5. */
  bitmap?: boolean;
  /**
   * Allow a resync between nodes that do not replicate at present; a module compiled without it never has it.
   * Default: true. Since 9.2.14.
   */
  resync_without_replication?: boolean;
  /** Count this diskless peer where quorum is tied. Default: true. Since 9.3.1. */
  peer_tiebreaker?: boolean;
}

/** Addresses of a path; what the kernel sends of a connection names all of its paths, one behind the other. */
export interface Genl2PathParms {
  /** Socket address on which this node listens for its peer. */
  my_addr: SocketAddress | Uint8Array;
  /** Socket address under which the other node is reached. */
  peer_addr: SocketAddress | Uint8Array;
}

/** The new name to give. */
export interface Genl2RenameResourceParms {
  /** Name that the resource gets. */
  new_resource_name: string;
}

/** What a reply says beside its code. */
export interface Genl2DrbdCfgReplyReply {
  /** What the kernel has to say about the request, in words. */
  readonly info_text?: string;
}

/** Answer to the question for the time limit. */
export interface Genl2TimeoutParmsReply {
  /** Which of the three waiting times for the peer holds after this start. */
  readonly timeout_type?: number;
}

/** Which resource, volume or connection a message is about. */
export interface Genl2ContextReply extends Told<Genl2Context> {}

/** Options that hold for all of a resource. */
export interface Genl2ResOptsReply extends Told<Genl2ResOpts> {}

/** This node's role, and whether requests are frozen. */
export interface Genl2ResourceInfoReply {
  /** This node's part: 1 Primary, 2 Secondary. */
  readonly res_role?: number;
  /** Requests are frozen by the command of a user. */
  readonly res_susp?: boolean;
  /** Requests are frozen as no reachable node has the data. */
  readonly res_susp_nod?: boolean;
  /** Requests are frozen until the peer is fenced. */
  readonly res_susp_fen?: boolean;
  /** Requests are frozen as too few nodes are left. */
  readonly res_susp_quorum?: boolean;
  /** How well this node would do as primary. */
  readonly res_promotion_score?: number;
  /** Requests are answered with errors at present. */
  readonly res_fail_io?: boolean;
}

/** What a resource does besides its states. */
export interface Genl2ResourceStatisticsReply {
  /** Method that orders writes at present, by enum write_ordering_e. */
  readonly res_stat_write_ordering?: number;
}

/** Configuration of a backing device. */
export interface Genl2DiskConfReply extends Told<Genl2DiskConf> {}

/** Configuration of a device, with or without disk. */
export interface Genl2DeviceConfReply extends Told<Genl2DeviceConf> {}

/** What the local disk of a volume is like. */
export interface Genl2DeviceInfoReply {
  /** State of the local disk, by enum drbd_disk_state. */
  readonly dev_disk_state?: number;
  /** The device is meant to have no disk on this node. */
  readonly is_intentional_diskless?: boolean;
  /** Enough nodes are reachable for this device. */
  readonly dev_has_quorum?: boolean;
  /** Path of the block device that stores the data below DRBD. */
  readonly backing_dev_path?: string;
  /** Somebody has the device open. */
  readonly dev_is_open?: boolean;
}

/** How much was read and written, and the generations of the data. */
export interface Genl2DeviceStatisticsReply {
  /** Capacity in sectors that applications see. In sectors. */
  readonly dev_size?: bigint;
  /** Data read from the backing device so far. In sectors. */
  readonly dev_read?: bigint;
  /** Data written to the backing device so far. In sectors. */
  readonly dev_write?: bigint;
  /** Number of updates of the activity log so far. */
  readonly dev_al_writes?: bigint;
  /** Number of updates of the bitmap so far. */
  readonly dev_bm_writes?: bigint;
  /** Requests of applications under way. */
  readonly dev_upper_pending?: number;
  /** Requests to the backing device under way. */
  readonly dev_lower_pending?: number;
  /** DRBD takes no new requests of applications at present. */
  readonly dev_upper_blocked?: boolean;
  /** The backing device is congested and takes no requests. */
  readonly dev_lower_blocked?: boolean;
  /** Updates of the activity log are switched off at present. */
  readonly dev_al_suspended?: boolean;
  /** Generation of the data that applications have seen last. */
  readonly dev_exposed_data_uuid?: bigint;
  /** Generation of this node's data. */
  readonly dev_current_uuid?: bigint;
  /** Bits of the metadata, such as consistent, was up to date, crashed as primary. */
  readonly dev_disk_flags?: number;
  /** Earlier generations of the data, youngest first. */
  readonly history_uuids?: readonly bigint[];
}

/** Configuration of the link to a peer. */
export interface Genl2NetConfReply extends Told<Genl2NetConf> {}

/** How far two nodes have connected, and the peer's role. */
export interface Genl2ConnectionInfoReply {
  /** How far the two nodes have connected, by the connection enumeration. */
  readonly conn_connection_state?: number;
  /** What the node at the other end is: primary, secondary or unknown. */
  readonly conn_role?: number;
}

/** Whether the network keeps up with the writes. */
export interface Genl2ConnectionStatisticsReply {
  /** The network's send buffer is nearly full. */
  readonly conn_congested?: boolean;
  /** Writes of applications on the way to this peer. In sectors. */
  readonly ap_in_flight?: bigint;
  /** Resync data on the way to this peer. In sectors. */
  readonly rs_in_flight?: bigint;
}

/** Addresses of a path; what the kernel sends of a connection names all of its paths, one behind the other. */
export interface Genl2PathParmsReply extends Told<Genl2PathParms> {}

/** How resync to a peer works. */
export interface Genl2PeerDeviceConfReply extends Told<Genl2PeerDeviceConf> {}

/** States of a volume as seen through a link. */
export interface Genl2PeerDeviceInfoReply {
  /** What replication does for this volume over this link. */
  readonly peer_repl_state?: number;
  /** Quality of the data at the other end, by the disk enumeration. */
  readonly peer_disk_state?: number;
  /** Resync is held by a command that was given on this node. */
  readonly peer_resync_susp_user?: number;
  /** Resync is held by the other node. */
  readonly peer_resync_susp_peer?: number;
  /** Resync waits for another one to finish. */
  readonly peer_resync_susp_dependency?: number;
  /** The peer is meant to have no disk for this volume. */
  readonly peer_is_intentional_diskless?: boolean;
  /** Resync waits as too many others run. */
  readonly peer_resync_susp_max_parallel?: number;
}

/** Counters of a volume as seen through a link. */
export interface Genl2PeerDeviceStatisticsReply {
  /** Data received from this peer for the volume so far. In sectors. */
  readonly peer_dev_received?: bigint;
  /** Data sent to this peer for the volume so far. In sectors. */
  readonly peer_dev_sent?: bigint;
  /** Requests sent to the peer that it has not answered. */
  readonly peer_dev_pending?: number;
  /** Requests from the peer that this node has not answered. */
  readonly peer_dev_unacked?: number;
  /** Data known to differ between both sides. In sectors. */
  readonly peer_dev_out_of_sync?: bigint;
  /** Data that the resync could not copy. In sectors. */
  readonly peer_dev_resync_failed?: bigint;
  /** Generation from which on the bitmap counts differences. */
  readonly peer_dev_bitmap_uuid?: bigint;
  /** Bits about this peer in the metadata, by enum mdf_peer_flag. */
  readonly peer_dev_flags?: number;
  /** What the running resync had to copy at its start. In sectors. */
  readonly peer_dev_rs_total?: bigint;
  /** Where the running verification began. In sectors. */
  readonly peer_dev_ov_start_sector?: bigint;
  /** Where the running verification will stop. In sectors. */
  readonly peer_dev_ov_stop_sector?: bigint;
  /** Where the running verification is. In sectors. */
  readonly peer_dev_ov_position?: bigint;
  /** What the running verification still has to compare. In sectors. */
  readonly peer_dev_ov_left?: bigint;
  /** What the running verification could not compare. In sectors. */
  readonly peer_dev_ov_skipped?: bigint;
  /** Blocks that checksums found to be equal. In sectors. */
  readonly peer_dev_rs_same_csum?: bigint;
  /** Time since the resync began. In milliseconds. */
  readonly peer_dev_rs_dt_start_ms?: bigint;
  /** Time for which the resync was held. In milliseconds. */
  readonly peer_dev_rs_paused_ms?: bigint;
  /** Age of the older mark of the progress. In milliseconds. */
  readonly peer_dev_rs_dt0_ms?: bigint;
  /** Data copied since the older mark of the progress. In sectors. */
  readonly peer_dev_rs_db0_sectors?: bigint;
  /** Age of the younger mark of the progress. In milliseconds. */
  readonly peer_dev_rs_dt1_ms?: bigint;
  /** Data copied since the younger mark of the progress. In sectors. */
  readonly peer_dev_rs_db1_sectors?: bigint;
  /** Speed that the resync controller asks for at present. In KiB/s. */
  readonly peer_dev_rs_c_sync_rate?: number;
  /** Bits that came with the generations of the peer. */
  readonly peer_dev_uuid_flags?: bigint;
}

/** What kind of news a notification brings. */
export interface Genl2DrbdNotificationHeaderReply {
  /** What happened to the object: exists, create, change, destroy, call or response; bit 0x8000 if more follow. */
  readonly nh_type?: number;
}

/** State of a path. */
export interface Genl2DrbdPathInfoReply {
  /** The path carries the connection at present. */
  readonly path_established?: boolean;
}

/** What every answer of DRBD 9 has. */
export interface Genl2Answer {
  /** 101, or the result of a state change from 1 up. */
  readonly returnCode: number;
  readonly returnName: string;
  /** The header's minor; undefined where it names none. */
  readonly minor: number | undefined;
  /** The kernel's own words, in order. */
  readonly infoText: readonly string[];
  /** Attributes that the tables do not know. */
  readonly unknown: readonly UnknownAttribute[];
  readonly drbd_cfg_reply?: Genl2DrbdCfgReplyReply;
}

/** What every request to DRBD 9 has. */
export interface Genl2Request {
  /** Set every option that the request does not name to its default. */
  readonly setDefaults?: boolean;
  readonly context?: Genl2Context;
}

/** What every message of a dump has. */
export interface Genl2Message extends Genl2Answer {
  /** Of the operation that the message is of. */
  readonly name: string;
  readonly context?: Genl2ContextReply;
}

/** What every request about a device has. */
export interface Genl2MinorRequest extends Genl2Request {
  /** The device's minor number. */
  readonly minor: number;
}

export interface Genl2NewMinorRequest extends Genl2MinorRequest {
  readonly context: Genl2Context;
  readonly device_conf?: Genl2DeviceConf;
}

export interface Genl2DelMinorRequest extends Genl2MinorRequest {}

export interface Genl2NewResourceRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly res_opts: Genl2ResOpts;
}

export interface Genl2DelResourceRequest extends Genl2Request {
  readonly context: Genl2Context;
}

export interface Genl2ResourceOptsRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly res_opts?: Partial<Genl2ResOpts>;
}

export interface Genl2ConnectRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly connect_parms?: Genl2ConnectParms;
}

export interface Genl2DisconnectRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly disconnect_parms?: Genl2DisconnectParms;
}

export interface Genl2AttachRequest extends Genl2MinorRequest {
  readonly disk_conf: Genl2DiskConf;
}

export interface Genl2ResizeRequest extends Genl2MinorRequest {
  readonly resize_parms?: Genl2ResizeParms;
}

export interface Genl2PrimaryRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly set_role_parms?: Genl2SetRoleParms;
}

export interface Genl2SecondaryRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly set_role_parms?: Genl2SetRoleParms;
}

export interface Genl2NewCUuidRequest extends Genl2MinorRequest {
  readonly new_c_uuid_parms?: Genl2NewCUuidParms;
}

export interface Genl2StartOvRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly start_ov_parms?: Genl2StartOvParms;
}

export interface Genl2DetachRequest extends Genl2MinorRequest {
  readonly detach_parms?: Genl2DetachParms;
}

export interface Genl2InvalidateRequest extends Genl2MinorRequest {
  readonly invalidate_parms?: Genl2InvalidateParms;
}

export interface Genl2InvalPeerRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly invalidate_peer_parms?: Genl2InvalidatePeerParms;
}

export interface Genl2PauseSyncRequest extends Genl2Request {
  readonly context: Genl2Context;
}

export interface Genl2ResumeSyncRequest extends Genl2Request {
  readonly context: Genl2Context;
}

export interface Genl2SuspendIoRequest extends Genl2MinorRequest {
  readonly suspend_io_parms?: Genl2SuspendIoParms;
}

export interface Genl2ResumeIoRequest extends Genl2MinorRequest {}

export interface Genl2OutdateRequest extends Genl2MinorRequest {}

export interface Genl2GetTimeoutTypeRequest extends Genl2Request {
  readonly context: Genl2Context;
}

/** The answer to get_timeout_type. */
export interface Genl2GetTimeoutTypeReply extends Genl2Answer {
  readonly timeout_parms?: Genl2TimeoutParmsReply;
}

export interface Genl2DownRequest extends Genl2Request {
  readonly context: Genl2Context;
}

export interface Genl2ChgDiskOptsRequest extends Genl2MinorRequest {
  readonly disk_conf?: Partial<Genl2DiskConf>;
}

export interface Genl2ChgNetOptsRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly net_conf?: Partial<Genl2NetConf>;
}

export interface Genl2GetResourcesRequest extends Genl2Request {}

/** A message of the dump get_resources. */
export interface Genl2GetResourcesReply extends Genl2Message {
  readonly res_opts?: Genl2ResOptsReply;
  readonly resource_info?: Genl2ResourceInfoReply;
  readonly resource_statistics?: Genl2ResourceStatisticsReply;
}

export interface Genl2GetDevicesRequest extends Genl2Request {}

/** A message of the dump get_devices. */
export interface Genl2GetDevicesReply extends Genl2Message {
  readonly disk_conf?: Genl2DiskConfReply;
  readonly device_conf?: Genl2DeviceConfReply;
  readonly device_info?: Genl2DeviceInfoReply;
  readonly device_statistics?: Genl2DeviceStatisticsReply;
}

export interface Genl2GetConnectionsRequest extends Genl2Request {}

/** A message of the dump get_connections. */
export interface Genl2GetConnectionsReply extends Genl2Message {
  readonly net_conf?: Genl2NetConfReply;
  readonly connection_info?: Genl2ConnectionInfoReply;
  readonly connection_statistics?: Genl2ConnectionStatisticsReply;
  readonly path_parms?: readonly Genl2PathParmsReply[];
}

export interface Genl2GetPeerDevicesRequest extends Genl2Request {}

/** A message of the dump get_peer_devices. */
export interface Genl2GetPeerDevicesReply extends Genl2Message {
  readonly peer_device_conf?: Genl2PeerDeviceConfReply;
  readonly peer_device_info?: Genl2PeerDeviceInfoReply;
  readonly peer_device_statistics?: Genl2PeerDeviceStatisticsReply;
}

export interface Genl2GetInitialStateRequest extends Genl2Request {}

/** A message of the dump get_initial_state. */
export interface Genl2GetInitialStateReply extends Genl2Message {
  readonly drbd_notification_header?: Genl2DrbdNotificationHeaderReply;
  readonly resource_info?: Genl2ResourceInfoReply;
  readonly resource_statistics?: Genl2ResourceStatisticsReply;
  readonly device_info?: Genl2DeviceInfoReply;
  readonly device_statistics?: Genl2DeviceStatisticsReply;
  readonly connection_info?: Genl2ConnectionInfoReply;
  readonly connection_statistics?: Genl2ConnectionStatisticsReply;
  readonly peer_device_info?: Genl2PeerDeviceInfoReply;
  readonly peer_device_statistics?: Genl2PeerDeviceStatisticsReply;
  readonly drbd_path_info?: Genl2DrbdPathInfoReply;
}

export interface Genl2ForgetPeerRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly forget_peer_parms: Genl2ForgetPeerParms;
}

export interface Genl2ChgPeerDeviceOptsRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly peer_device_conf?: Partial<Genl2PeerDeviceConf>;
}

export interface Genl2NewPeerRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly net_conf: Genl2NetConf;
}

export interface Genl2NewPathRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly path_parms: Genl2PathParms;
}

export interface Genl2DelPeerRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly disconnect_parms?: Genl2DisconnectParms;
}

export interface Genl2DelPathRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly path_parms: Genl2PathParms;
}

export interface Genl2RenameResourceRequest extends Genl2Request {
  readonly context: Genl2Context;
  readonly rename_resource_parms: Genl2RenameResourceParms;
}

export interface Genl2GetPathsRequest extends Genl2Request {}

/** A message of the dump get_paths. */
export interface Genl2GetPathsReply extends Genl2Message {
  readonly drbd_path_info?: Genl2DrbdPathInfoReply;
}

/** The requests to DRBD 9 by the name of their operation. */
export interface Genl2Requests {
  /** Create a device with this minor as a volume of a resource. */
  new_minor: { params: Genl2NewMinorRequest; result: Genl2Answer };
  /** Remove a device that has neither disk nor connection. */
  del_minor: { params: Genl2DelMinorRequest; result: Genl2Answer };
  /** Create a resource under a name that is not taken. */
  new_resource: { params: Genl2NewResourceRequest; result: Genl2Answer };
  /** Remove a resource without volumes and connections. */
  del_resource: { params: Genl2DelResourceRequest; result: Genl2Answer };
  /** Change how a resource behaves: processors, and what it does without data. */
  resource_opts: { params: Genl2ResourceOptsRequest; result: Genl2Answer };
  /** Begin to connect to a peer that has paths. */
  connect: { params: Genl2ConnectRequest; result: Genl2Answer };
  /** Take down the link to the peer. */
  disconnect: { params: Genl2DisconnectRequest; result: Genl2Answer };
  /** Attach a backing device to a volume. */
  attach: { params: Genl2AttachRequest; result: Genl2Answer };
  /** Adopt a new size of the backing devices while in use. */
  resize: { params: Genl2ResizeRequest; result: Genl2Answer };
  /** Make the resource writable on this node. */
  primary: { params: Genl2PrimaryRequest; result: Genl2Answer };
  /** Take back the right to write from this node; fails while somebody has a device open. */
  secondary: { params: Genl2SecondaryRequest; result: Genl2Answer };
  /** Begin a new generation of the data, for instance to skip the first resync. */
  new_c_uuid: { params: Genl2NewCUuidRequest; result: Genl2Answer };
  /** Begin an online verification, which compares both sides block by block. */
  start_ov: { params: Genl2StartOvRequest; result: Genl2Answer };
  /** Let go of the backing device. */
  detach: { params: Genl2DetachRequest; result: Genl2Answer };
  /** Throw away this node's data and copy all of the peer's. */
  invalidate: { params: Genl2InvalidateRequest; result: Genl2Answer };
  /** Throw away the peer's data and copy all of this node's. */
  inval_peer: { params: Genl2InvalPeerRequest; result: Genl2Answer };
  /** Hold the resync on behalf of the user of this node. */
  pause_sync: { params: Genl2PauseSyncRequest; result: Genl2Answer };
  /** Take back this node's own hold on the resync. */
  resume_sync: { params: Genl2ResumeSyncRequest; result: Genl2Answer };
  /** Freeze all requests of applications to the device. */
  suspend_io: { params: Genl2SuspendIoRequest; result: Genl2Answer };
  /** Let frozen requests of applications go on. */
  resume_io: { params: Genl2ResumeIoRequest; result: Genl2Answer };
  /** Mark this node's data as known to be behind the peer's. */
  outdate: { params: Genl2OutdateRequest; result: Genl2Answer };
  /** Read which time limit applies to waiting for the peer at start. */
  get_timeout_type: { params: Genl2GetTimeoutTypeRequest; result: Genl2GetTimeoutTypeReply };
  /** Take down a resource with all its links, disks and devices. */
  down: { params: Genl2DownRequest; result: Genl2Answer };
  /** Change options of an attached disk. */
  chg_disk_opts: { params: Genl2ChgDiskOptsRequest; result: Genl2Answer };
  /** Change options of a link. */
  chg_net_opts: { params: Genl2ChgNetOptsRequest; result: Genl2Answer };
  /** List the resources with their options and states. */
  get_resources: { params: Genl2GetResourcesRequest; result: readonly Genl2GetResourcesReply[] };
  /** List the devices with their configuration and states. */
  get_devices: { params: Genl2GetDevicesRequest; result: readonly Genl2GetDevicesReply[] };
  /** List the links with their configuration and states. */
  get_connections: { params: Genl2GetConnectionsRequest; result: readonly Genl2GetConnectionsReply[] };
  /** List what each volume looks like through each link. */
  get_peer_devices: { params: Genl2GetPeerDevicesRequest; result: readonly Genl2GetPeerDevicesReply[] };
  /** Read all objects as one consistent series of notifications, closed by one of its own. */
  get_initial_state: { params: Genl2GetInitialStateRequest; result: readonly Genl2GetInitialStateReply[] };
  /** Free the slot that a former peer has in the metadata. */
  forget_peer: { params: Genl2ForgetPeerRequest; result: Genl2Answer };
  /** Change how resync to a peer works. */
  chg_peer_device_opts: { params: Genl2ChgPeerDeviceOptsRequest; result: Genl2Answer };
  /** Introduce a peer node with the options of its link. */
  new_peer: { params: Genl2NewPeerRequest; result: Genl2Answer };
  /** Add a pair of addresses to a link. */
  new_path: { params: Genl2NewPathRequest; result: Genl2Answer };
  /** Forget a peer node that is disconnected. */
  del_peer: { params: Genl2DelPeerRequest; result: Genl2Answer };
  /** Remove a pair of addresses from a link. */
  del_path: { params: Genl2DelPathRequest; result: Genl2Answer };
  /** Give a resource another name. */
  rename_resource: { params: Genl2RenameResourceRequest; result: Genl2Answer };
  /** List the pairs of addresses of the links. */
  get_paths: { params: Genl2GetPathsRequest; result: readonly Genl2GetPathsReply[] };
}

/** Options of the verb create. */
export interface Genl2CreateOptions {
  /** Hexadecimal set of processors for this device's kernel threads; empty for the default. */
  cpuMask?: string;
  /** What applications see when neither this node nor its peer has the data. Default: `io-error`. */
  onNoData?: 'io-error' | 'suspend-io' | number;
  /** Become primary by itself when the device is opened for writing. Default: true. */
  autoPromote?: boolean;
  /** This node's number within the resource. */
  nodeId?: number;
  /** Amount of data after which peers are told what is written everywhere. 2048 to 204800 sectors. Default: 4096. */
  peerAckWindow?: number;
  /** Longest time that a cluster-wide state change may take. 50 to 600 deciseconds. Default: 300. */
  twopcTimeout?: number;
  /** Pause before a cluster-wide state change is tried again. 1 to 50 deciseconds. Default: 1. */
  twopcRetryTimeout?: number;
  /** Idle time after which peers are told what is written everywhere. 1 to 10000 milliseconds. Default: 100. */
  peerAckDelay?: number;
  /** How long an open for writing waits for a promotion to become possible. 0 to 600 deciseconds. Default: 20. */
  autoPromoteTimeout?: number;
  /** Most requests of applications under way at a time. 4 to 4294967295. Default: 8000. Since 9.0.2. */
  nrRequests?: number;
  /**
   * Number of nodes that must be reachable for writing; special values for majority and all. 1 to 32. Default:
   * `off`. Since 9.0.7.
   */
  quorum?: 'off' | 'majority' | 'all' | number;
  /** What applications see when quorum is lost. Default: `suspend-io`. Since 9.0.8. */
  onNoQuorum?: 'io-error' | 'suspend-io' | number;
  /** Number of nodes with good data that must be reachable for writing. 1 to 32. Default: `off`. Since 9.0.10. */
  quorumMinRedundancy?: 'off' | 'majority' | 'all' | number;
  /** What a suspended primary does when it finds itself outdated. Default: `disconnect`. Since 9.1.7. */
  onSuspPrimaryOutdated?: 'disconnect' | 'force-secondary' | number;
  /**
   * Speak so that a DRBD 8 peer understands; takes a module compiled with CONFIG_DRBD_COMPAT_84. Default: false.
   * Since 9.2.15.
   */
  drbd8CompatMode?: boolean;
  /**
   * Speak so that a DRBD 8 peer understands, because the user asked for it; takes CONFIG_DRBD_COMPAT_84. Default:
   * false. Since 9.3.0.
   */
  explicitDrbd8Compat?: boolean;
  /** Largest request that the device accepts. 512 to 1048576 bytes. Default: 1048576. */
  maxBioSize?: number;
  /** The device is meant to have no disk on this node. Default: false. Since 9.0.7. */
  intentionalDiskless?: boolean;
  /** Logical block size that applications see. 512 to 4096 bytes. Default: 512. Since 9.1.14. */
  blockSize?: number;
  /** Granularity of discards that applications see. 0 to 134217728 bytes. Default: 4294967295. Since 9.3.1. */
  discardGranularity?: number;
}

/** Options of the verb attach. */
export interface Genl2AttachOptions
  extends
    Pick<ConnectorAttachOptions, 'backingDev' | 'metaDev' | 'metaDevIdx' | 'diskSize'>,
    Pick<
      Genl1AttachOptions,
      | 'onIoError'
      | 'resyncAfter'
      | 'alExtents'
      | 'diskBarrier'
      | 'diskFlushes'
      | 'diskDrain'
      | 'mdFlushes'
      | 'diskTimeout'
    > {
  /** How reads are spread over this node's disk and the peer's. Default: `prefer-local`. */
  readBalancing?:
    | 'prefer-local'
    | 'prefer-remote'
    | 'round-robin'
    | 'least-pending'
    | 'when-congested-remote'
    | '32K-striping'
    | '64K-striping'
    | '128K-striping'
    | '256K-striping'
    | '512K-striping'
    | '1M-striping'
    | number;
  /** Number of pending writes at which the secondary kicks its lower device. 1 to 131072 requests. Default: 128. */
  unplugWatermark?: number;
  /** Keep the activity log up to date; without it a crash means a full resync. Default: true. */
  alUpdates?: boolean;
  /**
   * Treat discards as zeroing where they are aligned, even if the device does not promise it. Default: true. Since
   * 9.0.1.
   */
  discardZeroesIfAligned?: boolean;
  /**
   * Size of blocks of zeroes that a resync discards instead of writing; 0 never does. 0 to 1048576 bytes. Default:
   * 0. Since 9.0.1.
   */
  rsDiscardGranularity?: number;
  /** Never pass write-same requests to the peer or the lower device. Default: false. Since 9.0.7. */
  disableWriteSame?: boolean;
  /** Whether this device keeps a bitmap at all. Default: true. Since 9.3.0. */
  dBitmap?: boolean;
  /** This node's number within the resource. */
  nodeId?: number;
}

/** Options of the verb detach. */
export interface Genl2DetachOptions {
  /** Do not wait for requests that the lower device still has. Default: false. */
  force?: boolean;
  /** Stay diskless on purpose from now on. Default: false. Since 9.0.15. */
  intentionalDisklessDetach?: boolean;
}

/** Options of the verb connect. */
export interface Genl2ConnectOptions
  extends
    Pick<
      ConnectorConnectOptions,
      | 'sharedSecret'
      | 'cramHmacAlg'
      | 'connectInt'
      | 'timeout'
      | 'pingInt'
      | 'pingTimeo'
      | 'maxEpochSize'
      | 'afterSb0p'
      | 'afterSb1p'
      | 'afterSb2p'
      | 'twoPrimaries'
      | 'maxBuffers'
      | 'discardMyData'
    >,
    Pick<
      Genl1ConnectOptions,
      | 'integrityAlg'
      | 'verifyAlg'
      | 'csumsAlg'
      | 'protocol'
      | 'koCount'
      | 'onCongestion'
      | 'congFill'
      | 'congExtents'
      | 'tcpCork'
      | 'alwaysAsbp'
      | 'useRle'
      | 'tentative'
    > {
  /** This node's number within the resource. */
  nodeId?: number;
  /** The peer's node id. */
  peerNodeId?: number;
  /** Size of the TCP send buffer; 0 lets the kernel's tuning decide. 0 to 134217728 bytes. Default: 0. */
  sndbufSize?: number;
  /** Size of the TCP receive buffer; 0 lets the kernel's tuning decide. 0 to 134217728 bytes. Default: 0. */
  rcvbufSize?: number;
  /** What happens when a resync would overwrite the data of a primary. Default: `disconnect`. */
  rrConflict?: 'disconnect' | 'call-pri-lost' | 'violently' | 'retry-connect' | 'auto-discard' | number;
  /** Whether a lost peer must be outdated or shot before this node goes on. Default: `dont-care`. */
  fencing?: 'dont-care' | 'resource-only' | 'resource-and-stonith' | number;
  /** Name of the connection, which is the peer's. */
  name?: string;
  /** Compare checksums in a resync only after a primary has crashed. Default: false. */
  csumsAfterCrashOnly?: boolean;
  /**
   * How long to wait for the first packet on a new socket; 0 takes the keep-alive time. 0 to 300 deciseconds.
   * Default: 0.
   */
  sockCheckTimeo?: number;
  /** Kernel module that carries the data: tcp, rdma, lb-tcp. */
  transportName?: string;
  /** Read from this peer's disk when there is no local one. Default: true. Since 9.0.19-1. */
  allowRemoteRead?: boolean;
  /** Encrypt the connection by kernel TLS. Default: false. Since 9.1.18. */
  tls?: boolean;
  /** Serial number of the key that holds the private key. Default: 0. Since 9.1.18. */
  tlsPrivkey?: number;
  /** Serial number of the key that holds the certificate. Default: 0. Since 9.1.18. */
  tlsCertificate?: number;
  /** Serial number of the keyring for the TLS handshake. Default: 0. Since 9.1.18. */
  tlsKeyring?: number;
  /** Use all paths at the same time. Default: false. Since 9.1.18. */
  loadBalancePaths?: boolean;
  /** Receive buffer of the RDMA control stream. 0 to 10485760 bytes. Default: 0. Since 9.1.18. */
  rdmaCtrlRcvbufSize?: number;
  /** Send buffer of the RDMA control stream. 0 to 10485760 bytes. Default: 0. Since 9.1.18. */
  rdmaCtrlSndbufSize?: number;
  /** Socket address on which this node listens for its peer. */
  myAddr?: string | SocketAddress | Uint8Array;
  /** Socket address under which the other node is reached. */
  peerAddr?: string | SocketAddress | Uint8Array;
}

/** Options of the verb disconnect. */
export interface Genl2DisconnectOptions {
  /** Disconnect without asking the peer for its consent. Default: false. */
  force?: boolean;
}

/** Options of the verb promote. */
export interface Genl2PromoteOptions {
  /**
   * Promote although the data is not known to be current, or demote although it is in use. Default: false. Since
   * 9.1.7.
   */
  force?: boolean;
}

/** Options of the verb demote. */
export interface Genl2DemoteOptions {
  /**
   * Promote although the data is not known to be current, or demote although it is in use. Default: false. Since
   * 9.1.7.
   */
  force?: boolean;
}

/** Options of the verb invalidate. */
export interface Genl2InvalidateOptions {
  /** Whose data to throw away: this node's (local), or the peer's. Default: `local`. */
  readonly side?: 'local' | 'peer';
  /** Node to copy from; -1 lets the kernel choose. -1 to 32. Default: -1. */
  syncFromPeerNodeId?: number;
  /** Take all as different, whatever the bitmap says. Default: true. Since 9.0.29-1. */
  resetBitmap?: boolean;
}

/** Options of the verb verify. */
export interface Genl2VerifyOptions {
  /** Where to begin; where the last one stopped if absent. In sectors. */
  startSector?: bigint;
  /** Where to end; the end of the device if absent. In sectors. */
  stopSector?: bigint;
}

/** Options of the verb suspendIo. */
export interface Genl2SuspendIoOptions {
  /** Flush and freeze the file system on it first. Default: true. */
  bdevFreeze?: boolean;
}

/** Options of the verb resize. */
export interface Genl2ResizeOptions {
  /** Wanted size of the device; 0 takes all that both sides have. 0 to 2199023255552 sectors. Default: 0. */
  resizeSize?: bigint;
  /** Resize without a connected peer, in trust that its disk has grown too. Default: false. */
  resizeForce?: boolean;
  /** Take the new space as equal on both nodes instead of copying it. Default: false. */
  noResync?: boolean;
  /** Number of stripes of an activity log that is laid out for striped storage. 1 to 1024. Default: 1. */
  alStripes?: number;
  /** Size of each stripe of the activity log on striped storage. 4 to 16777216 KiB. Default: 32. */
  alStripeSize?: number;
}

/** Options of the verb newCurrentUuid. */
export interface Genl2NewCurrentUuidOptions {
  /** Also forget all differences to the peer: both sides count as equal. Default: false. */
  clearBm?: boolean;
  /** Let the peers copy all from this node afterwards. Default: false. Since 9.0.21-1. */
  forceResync?: boolean;
}

/** Options of the verb setOptions. */
export interface Genl2SetOptionsOptions
  extends
    Pick<
      ConnectorConnectOptions,
      | 'unplugWatermark'
      | 'sharedSecret'
      | 'cramHmacAlg'
      | 'connectInt'
      | 'timeout'
      | 'pingInt'
      | 'pingTimeo'
      | 'maxEpochSize'
      | 'afterSb0p'
      | 'afterSb1p'
      | 'afterSb2p'
      | 'twoPrimaries'
      | 'maxBuffers'
    >,
    Pick<
      Genl1AttachOptions,
      | 'onIoError'
      | 'resyncAfter'
      | 'alExtents'
      | 'diskBarrier'
      | 'diskFlushes'
      | 'diskDrain'
      | 'mdFlushes'
      | 'diskTimeout'
      | 'cPlanAhead'
      | 'cDelayTarget'
      | 'cFillTarget'
      | 'cMinRate'
    >,
    Pick<
      Genl1ConnectOptions,
      | 'integrityAlg'
      | 'verifyAlg'
      | 'csumsAlg'
      | 'protocol'
      | 'koCount'
      | 'onCongestion'
      | 'congFill'
      | 'congExtents'
      | 'tcpCork'
      | 'alwaysAsbp'
      | 'useRle'
    >,
    Pick<
      Genl2CreateOptions,
      | 'cpuMask'
      | 'onNoData'
      | 'autoPromote'
      | 'peerAckWindow'
      | 'twopcTimeout'
      | 'twopcRetryTimeout'
      | 'peerAckDelay'
      | 'autoPromoteTimeout'
      | 'nrRequests'
      | 'quorum'
      | 'onNoQuorum'
      | 'quorumMinRedundancy'
      | 'onSuspPrimaryOutdated'
      | 'drbd8CompatMode'
      | 'explicitDrbd8Compat'
    >,
    Pick<
      Genl2AttachOptions,
      'readBalancing' | 'alUpdates' | 'discardZeroesIfAligned' | 'rsDiscardGranularity' | 'disableWriteSame' | 'dBitmap'
    >,
    Pick<
      Genl2ConnectOptions,
      | 'sndbufSize'
      | 'rcvbufSize'
      | 'rrConflict'
      | 'fencing'
      | 'csumsAfterCrashOnly'
      | 'sockCheckTimeo'
      | 'allowRemoteRead'
      | 'tls'
      | 'tlsPrivkey'
      | 'tlsCertificate'
      | 'tlsKeyring'
      | 'rdmaCtrlRcvbufSize'
      | 'rdmaCtrlSndbufSize'
    > {
  /** The objects whose options that are not named become their defaults. */
  readonly setDefaults?: readonly ('resource' | 'device' | 'connection' | 'peerDevice')[];
  /** Name of the connection, which is the peer's. */
  name: string;
  /** Fixed speed of resync where no dynamic control is on. 1 to 8388608 KiB/s. Default: 250. */
  resyncRate?: number;
  /** Highest speed that the resync controller may choose. 0 to 4194304 KiB/s. Default: 102400. */
  cMaxRate?: number;
  /** Keep a bitmap for this peer. Default: true. Since 9.0.5. */
  bitmap?: boolean;
  /**
   * Allow a resync between nodes that do not replicate at present; a module compiled without it never has it.
   * Default: true. Since 9.2.14.
   */
  resyncWithoutReplication?: boolean;
  /** Count this diskless peer where quorum is tied. Default: true. Since 9.3.1. */
  peerTiebreaker?: boolean;
}

/** Options of the verb rename. */
export interface Genl2RenameOptions {
  /** Name that the resource gets. */
  newResourceName: string;
}

/** Options of the verb forgetPeer. */
export interface Genl2ForgetPeerOptions {
  /** Node whose slot in the metadata is to be freed. -1 to 32. Default: -1. */
  peerNodeId?: number;
}

/** The options of each verb in DRBD 9. */
export interface Genl2VerbOptions {
  create: Genl2CreateOptions;
  attach: Genl2AttachOptions;
  detach: Genl2DetachOptions;
  connect: Genl2ConnectOptions;
  disconnect: Genl2DisconnectOptions;
  promote: Genl2PromoteOptions;
  demote: Genl2DemoteOptions;
  down: NoOptions;
  invalidate: Genl2InvalidateOptions;
  verify: Genl2VerifyOptions;
  pauseSync: NoOptions;
  resumeSync: NoOptions;
  suspendIo: Genl2SuspendIoOptions;
  resumeIo: NoOptions;
  resize: Genl2ResizeOptions;
  outdate: NoOptions;
  newCurrentUuid: Genl2NewCurrentUuidOptions;
  setOptions: Genl2SetOptionsOptions;
  rename: Genl2RenameOptions;
  forgetPeer: Genl2ForgetPeerOptions;
}

/** The verbs of a client of DRBD 9. */
export interface Genl2Verbs extends Verbs<Genl2VerbOptions> {}
