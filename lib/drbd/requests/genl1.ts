// Written by scripts/requests from the tables in lib/dialects. Change those, and run it.

import type { UnknownAttribute } from '../../dialects/generic';
import type { SocketAddress } from '../../netlink';
import type { Verbs } from './verbs';
import type { NoOptions, SentRequest, VerbRequestOptions, VerbTarget } from '../verbs';
import type {
  ConnectorNetConfTags,
  ConnectorDiskConfTags,
  ConnectorAttachOptions,
  ConnectorConnectOptions,
} from './connector';
import type { Told } from './told';

/** Which resource, volume or connection a message is about. */
export interface Genl1Context {
  /** Number of the device within its resource. */
  ctx_volume?: number;
  /** Configured name by which administrators know it. */
  ctx_resource_name?: string;
  /** Local address of the connection that is meant. */
  ctx_my_addr?: SocketAddress | Uint8Array;
  /** Remote address of the connection that is meant. */
  ctx_peer_addr?: SocketAddress | Uint8Array;
}

/** Options that hold for all of a resource. */
export interface Genl1ResOpts {
  /** Hexadecimal set of processors for this device's kernel threads; empty for the default. */
  cpu_mask?: string;
  /** What applications see when neither this node nor its peer has the data. Default: `io-error`. */
  on_no_data?: 'io-error' | 'suspend-io' | number;
}

/** Configuration of the link to a peer. */
export interface Genl1NetConf extends Pick<
  ConnectorNetConfTags,
  | 'shared_secret'
  | 'cram_hmac_alg'
  | 'timeout'
  | 'ping_int'
  | 'ping_timeo'
  | 'sndbuf_size'
  | 'max_buffers'
  | 'max_epoch_size'
  | 'unplug_watermark'
  | 'after_sb_0p'
  | 'after_sb_1p'
  | 'after_sb_2p'
  | 'rr_conflict'
  | 'two_primaries'
> {
  /** Hash that guards replicated blocks on the network against corruption; empty for none. */
  integrity_alg?: string;
  /** Hash that online verification compares blocks with; empty forbids it. */
  verify_alg?: string;
  /** Hash by which a resync skips blocks that are already equal; empty copies all. */
  csums_alg?: string;
  /** When a write counts as done: sent (A), received (B) or on the peer disk (C). Default: `C`. */
  wire_protocol?: 'A' | 'B' | 'C' | number;
  /** Pause between two attempts to reach a peer that does not answer. 1 to 120 seconds. Default: 10. */
  connect_int?: number;
  /** Size of the TCP receive buffer; 0 lets the kernel's tuning decide. 0 to 10485760 bytes. Default: 0. */
  rcvbuf_size?: number;
  /** How often a write may time out before the peer is expelled; 0 never does. 0 to 200. Default: 7. */
  ko_count?: number;
  /** What protocol A does when the network cannot keep up. Default: `block`. */
  on_congestion?: 'block' | 'pull-ahead' | 'disconnect' | number;
  /** Amount of data in flight from which the link counts as congested; 0 never. 0 to 20971520 sectors. Default: 0. */
  cong_fill?: number;
  /** Number of active extents from which the link counts as congested. 67 to 65534 extents. Default: 1237. */
  cong_extents?: number;
  /** Give up this node's changes when a split brain is found at connecting (discard-my-data). Default: false. */
  discard_my_data?: boolean;
  /** Let TCP gather small messages before it sends them. Default: true. */
  tcp_cork?: boolean;
  /** Apply the split-brain policies even where the generations alone would forbid it. Default: false. */
  always_asbp?: boolean;
  /** Only find out what connecting would do to the data, then disconnect. Default: false. */
  tentative?: boolean;
  /** Compress the bitmap by run lengths when it is exchanged at connecting. Default: true. */
  use_rle?: boolean;
  /** Compare checksums in a resync only after a primary has crashed. Default: false. Since 8.4.5. */
  csums_after_crash_only?: boolean;
  /**
   * How long to wait for the first packet on a new socket; 0 takes the keep-alive time. 0 to 300 deciseconds.
   * Default: 0. Since 8.4.5.
   */
  sock_check_timeo?: number;
  /** Second local address of experimental modules that knew two paths. Since 8.4.6. */
  my_addr2?: SocketAddress | Uint8Array;
  /** Second peer address of experimental modules that knew two paths. Since 8.4.6. */
  peer_addr2?: SocketAddress | Uint8Array;
}

/** How to take down a link. */
export interface Genl1DisconnectParms {
  /** Disconnect without asking the peer for its consent. Default: false. */
  force_disconnect?: boolean;
}

/** Configuration of a backing device. */
export interface Genl1DiskConf extends Pick<
  ConnectorDiskConfTags,
  'backing_dev' | 'meta_dev' | 'meta_dev_idx' | 'disk_size' | 'fencing'
> {
  /** Most segments that one request to the lower device may have; 0 sets no limit. 0 to 128. Default: 0. */
  max_bio_bvecs?: number;
  /** What happens when the lower disk reports a failed read or write. Default: `detach`. */
  on_io_error?: 'pass_on' | 'call-local-io-error' | 'detach' | number;
  /** Fixed speed of resync where no dynamic control is on. 1 to 4194304 KiB/s. Default: 250. */
  resync_rate?: number;
  /** Minor whose resync must be finished before this one begins; -1 waits for none. -1 to 1048575. Default: -1. */
  resync_after?: number;
  /** Size of the activity log: regions of 4 MiB that may be hot at the same time. 67 to 65534 extents. Default: 1237. */
  al_extents?: number;
  /** How far the dynamic resync controller looks ahead; 0 turns it off. 0 to 300 deciseconds. Default: 20. */
  c_plan_ahead?: number;
  /** Delay on the link that the resync controller aims at. 1 to 100 deciseconds. Default: 10. */
  c_delay_target?: number;
  /**
   * Amount of data in flight that the resync controller aims at; 0 aims at a delay. 0 to 1048576 sectors. Default:
   * 100.
   */
  c_fill_target?: number;
  /** Highest speed that the resync controller may choose. 250 to 4194304 KiB/s. Default: 102400. */
  c_max_rate?: number;
  /** Speed below which resync does not yield to applications; 0 always yields. 0 to 4194304 KiB/s. Default: 250. */
  c_min_rate?: number;
  /** Order write epochs by barrier requests to the lower device. Default: false. */
  disk_barrier?: boolean;
  /** Order write epochs by flushing the lower device's cache. Default: true. */
  disk_flushes?: boolean;
  /** Order write epochs by letting all writes finish; data is at risk without any ordering. Default: true. */
  disk_drain?: boolean;
  /** Flush the cache of the metadata device after its updates. Default: true. */
  md_flushes?: boolean;
  /**
   * Longest time a lower device may take over a request before it counts as failed; 0 waits for ever. 0 to 6000
   * deciseconds. Default: 0.
   */
  disk_timeout?: number;
  /** How reads are spread over this node's disk and the peer's. Default: `prefer-local`. Since 8.4.1. */
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
  /** Keep the activity log up to date; without it a crash means a full resync. Default: true. Since 8.4.2. */
  al_updates?: boolean;
  /**
   * Treat discards as zeroing where they are aligned, even if the device does not promise it. Default: true. Since
   * 8.4.7.
   */
  discard_zeroes_if_aligned?: boolean;
  /**
   * Size of blocks of zeroes that a resync discards instead of writing; 0 never does. 0 to 1048576 bytes. Default:
   * 0. Since 8.4.7.
   */
  rs_discard_granularity?: number;
  /** Never pass write-same requests to the peer or the lower device. Default: false. Since 8.4.10. */
  disable_write_same?: boolean;
}

/** How to adopt a new size. */
export interface Genl1ResizeParms {
  /** Wanted size of the device; 0 takes all that both sides have. 0 to 2199023255552 sectors. Default: 0. */
  resize_size?: bigint;
  /** Resize without a connected peer, in trust that its disk has grown too. Default: false. */
  resize_force?: boolean;
  /** Take the new space as equal on both nodes instead of copying it. Default: false. */
  no_resync?: boolean;
  /** Number of stripes of an activity log that is laid out for striped storage. 1 to 1024. Default: 1. Since 8.4.4. */
  al_stripes?: number;
  /** Size of each stripe of the activity log on striped storage. 4 to 16777216 KiB. Default: 32. Since 8.4.4. */
  al_stripe_size?: number;
}

/** How to promote: whether to trust data not known to be current. */
export interface Genl1SetRoleParms {
  /** Promote although the data is not known to be current; it then counts as good. Default: false. */
  assume_uptodate?: boolean;
}

/** How to begin a new generation of the data. */
export interface Genl1NewCUuidParms {
  /** Also forget all differences to the peer: both sides count as equal. Default: false. */
  clear_bm?: boolean;
}

/** Which part of a device to verify. */
export interface Genl1StartOvParms {
  /** Where to begin; where the last one stopped if absent. In sectors. */
  ov_start_sector?: bigint;
  /** Where to end; the end of the device if absent. In sectors. Since 8.4.2. */
  ov_stop_sector?: bigint;
}

/** How to let go of a backing device. */
export interface Genl1DetachParms {
  /** Do not wait for requests that the lower device still has. Default: false. */
  force_detach?: boolean;
}

/** Which resource, volume or connection a message is about. */
export interface Genl1ContextReply extends Told<Genl1Context> {}

/** Configuration of a backing device. */
export interface Genl1DiskConfReply extends Told<Genl1DiskConf> {}

/** Options that hold for all of a resource. */
export interface Genl1ResOptsReply extends Told<Genl1ResOpts> {}

/** Configuration of the link to a peer. */
export interface Genl1NetConfReply extends Told<Genl1NetConf> {}

/** States and counters of a device as DRBD 8.4 before 8.4.6 tells them. */
export interface Genl1StateInfoReply {
  /** Why the kernel sent this: a state change, a helper call, progress, or an answer. */
  readonly sib_reason?: number;
  /** All states of the device in one packed word, see StateWord. */
  readonly current_state?: number;
  /** Size of the device as applications see it. In sectors. */
  readonly capacity?: bigint;
  /** Generation of the data that applications have seen last (exposed data). */
  readonly ed_uuid?: bigint;
  /** Packed states before the change that is reported. */
  readonly prev_state?: number;
  /** Packed states after the change that is reported. */
  readonly new_state?: number;
  /** Generations of the data: current, bitmap and two of the history, in this order. */
  readonly uuids?: readonly bigint[];
  /** Bits of the metadata, such as consistent, was up to date, crashed as primary. */
  readonly disk_flags?: number;
  /** Number of bitmap bits that the device has, one for 4 KiB. In bits. */
  readonly bits_total?: bigint;
  /** Number of bitmap bits that are set: blocks known to differ. In bits. */
  readonly bits_oos?: bigint;
  /** Number of bits that the running resync or verify began with. In bits. */
  readonly bits_rs_total?: bigint;
  /** Number of bits whose blocks could not be copied. In bits. */
  readonly bits_rs_failed?: bigint;
  /** First argument of the program, such as before-resync-target. */
  readonly helper?: string;
  /** What the helper program returned, as a wait status. */
  readonly helper_exit_code?: number;
  /** Data sent to the peer over the network. In sectors. */
  readonly send_cnt?: bigint;
  /** Data received from the peer over the network. In sectors. */
  readonly recv_cnt?: bigint;
  /** Data read from the lower device. In sectors. */
  readonly read_cnt?: bigint;
  /** Data written to the lower device. In sectors. */
  readonly writ_cnt?: bigint;
  /** Number of updates of the activity log on disk. */
  readonly al_writ_cnt?: bigint;
  /** Number of updates of the bitmap on disk. */
  readonly bm_writ_cnt?: bigint;
  /** Requests of applications that are not completed yet. */
  readonly ap_bio_cnt?: number;
  /** Writes of applications that wait for the peer's answer. */
  readonly ap_pending_cnt?: number;
  /** Resync requests that wait for the peer's answer. */
  readonly rs_pending_cnt?: number;
}

/** What a reply says beside its code. */
export interface Genl1DrbdCfgReplyReply {
  /** What the kernel has to say about the request, in words. */
  readonly info_text?: string;
}

/** Answer to the question for the time limit. */
export interface Genl1TimeoutParmsReply {
  /** Which of the three waiting times for the peer holds after this start. */
  readonly timeout_type?: number;
}

/** This node's role, and whether requests are frozen. */
export interface Genl1ResourceInfoReply {
  /** This node's part: 1 Primary, 2 Secondary. */
  readonly res_role?: number;
  /** Requests are frozen by the command of a user. */
  readonly res_susp?: boolean;
  /** Requests are frozen as no reachable node has the data. */
  readonly res_susp_nod?: boolean;
  /** Requests are frozen until the peer is fenced. */
  readonly res_susp_fen?: boolean;
}

/** What a resource does besides its states. */
export interface Genl1ResourceStatisticsReply {
  /** Method that orders writes at present, by enum write_ordering_e. */
  readonly res_stat_write_ordering?: number;
}

/** What the local disk of a volume is like. */
export interface Genl1DeviceInfoReply {
  /** State of the local disk, by enum drbd_disk_state. */
  readonly dev_disk_state?: number;
}

/** How much was read and written, and the generations of the data. */
export interface Genl1DeviceStatisticsReply {
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

/** How far two nodes have connected, and the peer's role. */
export interface Genl1ConnectionInfoReply {
  /** How far the two nodes have connected, by the connection enumeration. */
  readonly conn_connection_state?: number;
  /** What the node at the other end is: primary, secondary or unknown. */
  readonly conn_role?: number;
}

/** Whether the network keeps up with the writes. */
export interface Genl1ConnectionStatisticsReply {
  /** The network's send buffer is nearly full. */
  readonly conn_congested?: boolean;
}

/** States of a volume as seen through a link. */
export interface Genl1PeerDeviceInfoReply {
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
}

/** Counters of a volume as seen through a link. */
export interface Genl1PeerDeviceStatisticsReply {
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
}

/** What kind of news a notification brings. */
export interface Genl1DrbdNotificationHeaderReply {
  /** What happened to the object: exists, create, change, destroy, call or response; bit 0x8000 if more follow. */
  readonly nh_type?: number;
}

/** What every answer of DRBD 8.4 has. */
export interface Genl1Answer {
  /** 101, or the result of a state change from 1 up. */
  readonly returnCode: number;
  readonly returnName: string;
  /** The header's minor; undefined where it names none. */
  readonly minor: number | undefined;
  /** The kernel's own words, in order. */
  readonly infoText: readonly string[];
  /** Attributes that the tables do not know. */
  readonly unknown: readonly UnknownAttribute[];
  readonly drbd_cfg_reply?: Genl1DrbdCfgReplyReply;
}

/** What every request to DRBD 8.4 has. */
export interface Genl1Request {
  /** Set every option that the request does not name to its default. */
  readonly setDefaults?: boolean;
  readonly context?: Genl1Context;
}

/** What every message of a dump has. */
export interface Genl1Message extends Genl1Answer {
  /** Of the operation that the message is of. */
  readonly name: string;
  readonly context?: Genl1ContextReply;
}

/** What every request about a device has. */
export interface Genl1MinorRequest extends Genl1Request {
  /** The device's minor number. */
  readonly minor: number;
}

export interface Genl1GetStatusRequest extends Genl1Request {
  /** The device's minor number. */
  readonly minor?: number;
}

/** A message of the dump get_status. */
export interface Genl1GetStatusReply extends Genl1Message {
  readonly disk_conf?: Genl1DiskConfReply;
  readonly res_opts?: Genl1ResOptsReply;
  readonly net_conf?: Genl1NetConfReply;
  readonly state_info?: Genl1StateInfoReply;
}

export interface Genl1NewMinorRequest extends Genl1MinorRequest {
  readonly context: Genl1Context;
}

export interface Genl1DelMinorRequest extends Genl1MinorRequest {}

export interface Genl1NewResourceRequest extends Genl1Request {
  readonly context: Genl1Context;
  readonly res_opts?: Genl1ResOpts;
}

export interface Genl1DelResourceRequest extends Genl1Request {
  readonly context: Genl1Context;
}

export interface Genl1ResourceOptsRequest extends Genl1Request {
  readonly context: Genl1Context;
  readonly res_opts?: Partial<Genl1ResOpts>;
}

export interface Genl1ConnectRequest extends Genl1Request {
  readonly context: Genl1Context;
  readonly net_conf?: Genl1NetConf;
}

export interface Genl1DisconnectRequest extends Genl1Request {
  readonly context: Genl1Context;
  readonly disconnect_parms?: Genl1DisconnectParms;
}

export interface Genl1AttachRequest extends Genl1MinorRequest {
  readonly disk_conf: Genl1DiskConf;
}

export interface Genl1ResizeRequest extends Genl1MinorRequest {
  readonly resize_parms?: Genl1ResizeParms;
}

export interface Genl1PrimaryRequest extends Genl1MinorRequest {
  readonly set_role_parms?: Genl1SetRoleParms;
}

export interface Genl1SecondaryRequest extends Genl1MinorRequest {
  readonly set_role_parms?: Genl1SetRoleParms;
}

export interface Genl1NewCUuidRequest extends Genl1MinorRequest {
  readonly new_c_uuid_parms?: Genl1NewCUuidParms;
}

export interface Genl1StartOvRequest extends Genl1MinorRequest {
  readonly start_ov_parms?: Genl1StartOvParms;
}

export interface Genl1DetachRequest extends Genl1MinorRequest {
  readonly detach_parms?: Genl1DetachParms;
}

export interface Genl1InvalidateRequest extends Genl1MinorRequest {}

export interface Genl1InvalPeerRequest extends Genl1MinorRequest {}

export interface Genl1PauseSyncRequest extends Genl1MinorRequest {}

export interface Genl1ResumeSyncRequest extends Genl1MinorRequest {}

export interface Genl1SuspendIoRequest extends Genl1MinorRequest {}

export interface Genl1ResumeIoRequest extends Genl1MinorRequest {}

export interface Genl1OutdateRequest extends Genl1MinorRequest {}

export interface Genl1GetTimeoutTypeRequest extends Genl1MinorRequest {}

/** The answer to get_timeout_type. */
export interface Genl1GetTimeoutTypeReply extends Genl1Answer {
  readonly timeout_parms?: Genl1TimeoutParmsReply;
}

export interface Genl1DownRequest extends Genl1Request {
  readonly context: Genl1Context;
}

export interface Genl1ChgDiskOptsRequest extends Genl1MinorRequest {
  readonly disk_conf?: Partial<Genl1DiskConf>;
}

export interface Genl1ChgNetOptsRequest extends Genl1Request {
  readonly context: Genl1Context;
  readonly net_conf?: Partial<Genl1NetConf>;
}

export interface Genl1GetResourcesRequest extends Genl1Request {}

/** A message of the dump get_resources. */
export interface Genl1GetResourcesReply extends Genl1Message {
  readonly res_opts?: Genl1ResOptsReply;
  readonly resource_info?: Genl1ResourceInfoReply;
  readonly resource_statistics?: Genl1ResourceStatisticsReply;
}

export interface Genl1GetDevicesRequest extends Genl1Request {}

/** A message of the dump get_devices. */
export interface Genl1GetDevicesReply extends Genl1Message {
  readonly disk_conf?: Genl1DiskConfReply;
  readonly device_info?: Genl1DeviceInfoReply;
  readonly device_statistics?: Genl1DeviceStatisticsReply;
}

export interface Genl1GetConnectionsRequest extends Genl1Request {}

/** A message of the dump get_connections. */
export interface Genl1GetConnectionsReply extends Genl1Message {
  readonly net_conf?: Genl1NetConfReply;
  readonly connection_info?: Genl1ConnectionInfoReply;
  readonly connection_statistics?: Genl1ConnectionStatisticsReply;
}

export interface Genl1GetPeerDevicesRequest extends Genl1Request {}

/** A message of the dump get_peer_devices. */
export interface Genl1GetPeerDevicesReply extends Genl1Message {
  readonly peer_device_info?: Genl1PeerDeviceInfoReply;
  readonly peer_device_statistics?: Genl1PeerDeviceStatisticsReply;
}

export interface Genl1GetInitialStateRequest extends Genl1Request {}

/** A message of the dump get_initial_state. */
export interface Genl1GetInitialStateReply extends Genl1Message {
  readonly drbd_notification_header?: Genl1DrbdNotificationHeaderReply;
  readonly resource_info?: Genl1ResourceInfoReply;
  readonly resource_statistics?: Genl1ResourceStatisticsReply;
  readonly device_info?: Genl1DeviceInfoReply;
  readonly device_statistics?: Genl1DeviceStatisticsReply;
  readonly connection_info?: Genl1ConnectionInfoReply;
  readonly connection_statistics?: Genl1ConnectionStatisticsReply;
  readonly peer_device_info?: Genl1PeerDeviceInfoReply;
  readonly peer_device_statistics?: Genl1PeerDeviceStatisticsReply;
}

/** The requests to DRBD 8.4 by the name of their operation. */
export interface Genl1Requests {
  /** Read configuration and states of one device, or of all. */
  get_status: { params: Genl1GetStatusRequest; result: readonly Genl1GetStatusReply[] };
  /** Create a device with this minor as a volume of a resource. */
  new_minor: { params: Genl1NewMinorRequest; result: Genl1Answer };
  /** Remove a device that has neither disk nor connection. */
  del_minor: { params: Genl1DelMinorRequest; result: Genl1Answer };
  /** Create a resource under a name that is not taken. */
  new_resource: { params: Genl1NewResourceRequest; result: Genl1Answer };
  /** Remove a resource without volumes and connections. */
  del_resource: { params: Genl1DelResourceRequest; result: Genl1Answer };
  /** Change how a resource behaves: processors, and what it does without data. */
  resource_opts: { params: Genl1ResourceOptsRequest; result: Genl1Answer };
  /** Set up the link to the peer and begin to connect. */
  connect: { params: Genl1ConnectRequest; result: Genl1Answer };
  /** Take down the link to the peer. */
  disconnect: { params: Genl1DisconnectRequest; result: Genl1Answer };
  /** Attach a backing device to a volume. */
  attach: { params: Genl1AttachRequest; result: Genl1Answer };
  /** Adopt a new size of the backing devices while in use. */
  resize: { params: Genl1ResizeRequest; result: Genl1Answer };
  /** Make the resource writable on this node. */
  primary: { params: Genl1PrimaryRequest; result: Genl1Answer };
  /** Take back the right to write from this node; fails while somebody has a device open. */
  secondary: { params: Genl1SecondaryRequest; result: Genl1Answer };
  /** Begin a new generation of the data, for instance to skip the first resync. */
  new_c_uuid: { params: Genl1NewCUuidRequest; result: Genl1Answer };
  /** Begin an online verification, which compares both sides block by block. */
  start_ov: { params: Genl1StartOvRequest; result: Genl1Answer };
  /** Let go of the backing device. */
  detach: { params: Genl1DetachRequest; result: Genl1Answer };
  /** Throw away this node's data and copy all of the peer's. */
  invalidate: { params: Genl1InvalidateRequest; result: Genl1Answer };
  /** Throw away the peer's data and copy all of this node's. */
  inval_peer: { params: Genl1InvalPeerRequest; result: Genl1Answer };
  /** Hold the resync on behalf of the user of this node. */
  pause_sync: { params: Genl1PauseSyncRequest; result: Genl1Answer };
  /** Take back this node's own hold on the resync. */
  resume_sync: { params: Genl1ResumeSyncRequest; result: Genl1Answer };
  /** Freeze all requests of applications to the device. */
  suspend_io: { params: Genl1SuspendIoRequest; result: Genl1Answer };
  /** Let frozen requests of applications go on. */
  resume_io: { params: Genl1ResumeIoRequest; result: Genl1Answer };
  /** Mark this node's data as known to be behind the peer's. */
  outdate: { params: Genl1OutdateRequest; result: Genl1Answer };
  /** Read which time limit applies to waiting for the peer at start. */
  get_timeout_type: { params: Genl1GetTimeoutTypeRequest; result: Genl1GetTimeoutTypeReply };
  /** Take down a resource with all its links, disks and devices. */
  down: { params: Genl1DownRequest; result: Genl1Answer };
  /** Change options of an attached disk. */
  chg_disk_opts: { params: Genl1ChgDiskOptsRequest; result: Genl1Answer };
  /** Change options of a link. */
  chg_net_opts: { params: Genl1ChgNetOptsRequest; result: Genl1Answer };
  /** List the resources with their options and states. */
  get_resources: { params: Genl1GetResourcesRequest; result: readonly Genl1GetResourcesReply[] };
  /** List the devices with their configuration and states. */
  get_devices: { params: Genl1GetDevicesRequest; result: readonly Genl1GetDevicesReply[] };
  /** List the links with their configuration and states. */
  get_connections: { params: Genl1GetConnectionsRequest; result: readonly Genl1GetConnectionsReply[] };
  /** List what each volume looks like through each link. */
  get_peer_devices: { params: Genl1GetPeerDevicesRequest; result: readonly Genl1GetPeerDevicesReply[] };
  /** Read all objects as one consistent series of notifications, closed by one of its own. */
  get_initial_state: { params: Genl1GetInitialStateRequest; result: readonly Genl1GetInitialStateReply[] };
}

/** Options of the verb create. */
export interface Genl1CreateOptions {
  /** Hexadecimal set of processors for this device's kernel threads; empty for the default. */
  cpuMask?: string;
  /** What applications see when neither this node nor its peer has the data. Default: `io-error`. */
  onNoData?: 'io-error' | 'suspend-io' | number;
}

/** Options of the verb attach. */
export interface Genl1AttachOptions extends Pick<
  ConnectorAttachOptions,
  'backingDev' | 'metaDev' | 'metaDevIdx' | 'diskSize' | 'fencing' | 'resyncRate'
> {
  /** Most segments that one request to the lower device may have; 0 sets no limit. 0 to 128. Default: 0. */
  maxBioBvecs?: number;
  /** What happens when the lower disk reports a failed read or write. Default: `detach`. */
  onIoError?: 'pass_on' | 'call-local-io-error' | 'detach' | number;
  /** Minor whose resync must be finished before this one begins; -1 waits for none. -1 to 1048575. Default: -1. */
  resyncAfter?: number;
  /** Size of the activity log: regions of 4 MiB that may be hot at the same time. 67 to 65534 extents. Default: 1237. */
  alExtents?: number;
  /** How far the dynamic resync controller looks ahead; 0 turns it off. 0 to 300 deciseconds. Default: 20. */
  cPlanAhead?: number;
  /** Delay on the link that the resync controller aims at. 1 to 100 deciseconds. Default: 10. */
  cDelayTarget?: number;
  /**
   * Amount of data in flight that the resync controller aims at; 0 aims at a delay. 0 to 1048576 sectors. Default:
   * 100.
   */
  cFillTarget?: number;
  /** Highest speed that the resync controller may choose. 250 to 4194304 KiB/s. Default: 102400. */
  cMaxRate?: number;
  /** Speed below which resync does not yield to applications; 0 always yields. 0 to 4194304 KiB/s. Default: 250. */
  cMinRate?: number;
  /** Order write epochs by barrier requests to the lower device. Default: false. */
  diskBarrier?: boolean;
  /** Order write epochs by flushing the lower device's cache. Default: true. */
  diskFlushes?: boolean;
  /** Order write epochs by letting all writes finish; data is at risk without any ordering. Default: true. */
  diskDrain?: boolean;
  /** Flush the cache of the metadata device after its updates. Default: true. */
  mdFlushes?: boolean;
  /**
   * Longest time a lower device may take over a request before it counts as failed; 0 waits for ever. 0 to 6000
   * deciseconds. Default: 0.
   */
  diskTimeout?: number;
  /** How reads are spread over this node's disk and the peer's. Default: `prefer-local`. Since 8.4.1. */
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
  /** Keep the activity log up to date; without it a crash means a full resync. Default: true. Since 8.4.2. */
  alUpdates?: boolean;
  /**
   * Treat discards as zeroing where they are aligned, even if the device does not promise it. Default: true. Since
   * 8.4.7.
   */
  discardZeroesIfAligned?: boolean;
  /**
   * Size of blocks of zeroes that a resync discards instead of writing; 0 never does. 0 to 1048576 bytes. Default:
   * 0. Since 8.4.7.
   */
  rsDiscardGranularity?: number;
  /** Never pass write-same requests to the peer or the lower device. Default: false. Since 8.4.10. */
  disableWriteSame?: boolean;
}

/** Options of the verb detach. */
export interface Genl1DetachOptions {
  /** Do not wait for requests that the lower device still has. Default: false. */
  force?: boolean;
}

/** Options of the verb connect. */
export interface Genl1ConnectOptions extends Pick<
  ConnectorConnectOptions,
  | 'sharedSecret'
  | 'cramHmacAlg'
  | 'connectInt'
  | 'timeout'
  | 'pingInt'
  | 'pingTimeo'
  | 'sndbufSize'
  | 'maxBuffers'
  | 'maxEpochSize'
  | 'unplugWatermark'
  | 'afterSb0p'
  | 'afterSb1p'
  | 'afterSb2p'
  | 'rrConflict'
  | 'twoPrimaries'
  | 'discardMyData'
> {
  /** Local address of the connection that is meant. */
  myAddr: string | SocketAddress | Uint8Array;
  /** Remote address of the connection that is meant. */
  peerAddr: string | SocketAddress | Uint8Array;
  /** Hash that guards replicated blocks on the network against corruption; empty for none. */
  integrityAlg?: string;
  /** Hash that online verification compares blocks with; empty forbids it. */
  verifyAlg?: string;
  /** Hash by which a resync skips blocks that are already equal; empty copies all. */
  csumsAlg?: string;
  /** When a write counts as done: sent (A), received (B) or on the peer disk (C). Default: `C`. */
  protocol?: 'A' | 'B' | 'C' | number;
  /** Size of the TCP receive buffer; 0 lets the kernel's tuning decide. 0 to 10485760 bytes. Default: 0. */
  rcvbufSize?: number;
  /** How often a write may time out before the peer is expelled; 0 never does. 0 to 200. Default: 7. */
  koCount?: number;
  /** What protocol A does when the network cannot keep up. Default: `block`. */
  onCongestion?: 'block' | 'pull-ahead' | 'disconnect' | number;
  /** Amount of data in flight from which the link counts as congested; 0 never. 0 to 20971520 sectors. Default: 0. */
  congFill?: number;
  /** Number of active extents from which the link counts as congested. 67 to 65534 extents. Default: 1237. */
  congExtents?: number;
  /** Let TCP gather small messages before it sends them. Default: true. */
  tcpCork?: boolean;
  /** Apply the split-brain policies even where the generations alone would forbid it. Default: false. */
  alwaysAsbp?: boolean;
  /** Only find out what connecting would do to the data, then disconnect. Default: false. */
  tentative?: boolean;
  /** Compress the bitmap by run lengths when it is exchanged at connecting. Default: true. */
  useRle?: boolean;
  /** Compare checksums in a resync only after a primary has crashed. Default: false. Since 8.4.5. */
  csumsAfterCrashOnly?: boolean;
  /**
   * How long to wait for the first packet on a new socket; 0 takes the keep-alive time. 0 to 300 deciseconds.
   * Default: 0. Since 8.4.5.
   */
  sockCheckTimeo?: number;
  /** Second local address of experimental modules that knew two paths. Since 8.4.6. */
  myAddr2?: string | SocketAddress | Uint8Array;
  /** Second peer address of experimental modules that knew two paths. Since 8.4.6. */
  peerAddr2?: string | SocketAddress | Uint8Array;
}

/** Options of the verb disconnect. */
export interface Genl1DisconnectOptions {
  /** Disconnect without asking the peer for its consent. Default: false. */
  force?: boolean;
}

/** Options of the verb promote. */
export interface Genl1PromoteOptions {
  /** Promote although the data is not known to be current; it then counts as good. Default: false. */
  force?: boolean;
}

/** Options of the verb demote. */
export interface Genl1DemoteOptions {
  /** Promote although the data is not known to be current; it then counts as good. Default: false. */
  force?: boolean;
}

/** Options of the verb invalidate. */
export interface Genl1InvalidateOptions {
  /** Whose data to throw away: this node's (local), or the peer's. Default: `local`. */
  readonly side?: 'local' | 'peer';
}

/** Options of the verb verify. */
export interface Genl1VerifyOptions {
  /** Where to begin; where the last one stopped if absent. In sectors. */
  startSector?: bigint;
  /** Where to end; the end of the device if absent. In sectors. Since 8.4.2. */
  stopSector?: bigint;
}

/** Options of the verb resize. */
export interface Genl1ResizeOptions {
  /** Wanted size of the device; 0 takes all that both sides have. 0 to 2199023255552 sectors. Default: 0. */
  resizeSize?: bigint;
  /** Resize without a connected peer, in trust that its disk has grown too. Default: false. */
  resizeForce?: boolean;
  /** Take the new space as equal on both nodes instead of copying it. Default: false. */
  noResync?: boolean;
  /** Number of stripes of an activity log that is laid out for striped storage. 1 to 1024. Default: 1. Since 8.4.4. */
  alStripes?: number;
  /** Size of each stripe of the activity log on striped storage. 4 to 16777216 KiB. Default: 32. Since 8.4.4. */
  alStripeSize?: number;
}

/** Options of the verb newCurrentUuid. */
export interface Genl1NewCurrentUuidOptions {
  /** Also forget all differences to the peer: both sides count as equal. Default: false. */
  clearBm?: boolean;
}

/** Options of the verb setOptions. */
export interface Genl1SetOptionsOptions
  extends
    Pick<
      ConnectorConnectOptions,
      | 'sharedSecret'
      | 'cramHmacAlg'
      | 'connectInt'
      | 'timeout'
      | 'pingInt'
      | 'pingTimeo'
      | 'sndbufSize'
      | 'maxBuffers'
      | 'maxEpochSize'
      | 'unplugWatermark'
      | 'afterSb0p'
      | 'afterSb1p'
      | 'afterSb2p'
      | 'rrConflict'
      | 'twoPrimaries'
    >,
    Pick<
      Genl1AttachOptions,
      | 'onIoError'
      | 'resyncAfter'
      | 'alExtents'
      | 'cPlanAhead'
      | 'cDelayTarget'
      | 'cFillTarget'
      | 'cMaxRate'
      | 'cMinRate'
      | 'diskBarrier'
      | 'diskFlushes'
      | 'diskDrain'
      | 'mdFlushes'
      | 'diskTimeout'
      | 'readBalancing'
      | 'alUpdates'
      | 'discardZeroesIfAligned'
      | 'rsDiscardGranularity'
      | 'disableWriteSame'
    >,
    Pick<
      Genl1ConnectOptions,
      | 'integrityAlg'
      | 'verifyAlg'
      | 'csumsAlg'
      | 'protocol'
      | 'rcvbufSize'
      | 'koCount'
      | 'onCongestion'
      | 'congFill'
      | 'congExtents'
      | 'tcpCork'
      | 'alwaysAsbp'
      | 'useRle'
      | 'csumsAfterCrashOnly'
      | 'sockCheckTimeo'
      | 'myAddr2'
      | 'peerAddr2'
    > {
  /** The objects whose options that are not named become their defaults. */
  readonly setDefaults?: readonly ('resource' | 'device' | 'connection' | 'peerDevice')[];
  /** Hexadecimal set of processors for this device's kernel threads; empty for the default. */
  cpuMask?: string;
  /** What applications see when neither this node nor its peer has the data. Default: `io-error`. */
  onNoData?: 'io-error' | 'suspend-io' | number;
  /** Whether a lost peer must be outdated or shot before this node goes on. Default: `dont-care`. */
  fencing?: 'dont-care' | 'resource-only' | 'resource-and-stonith' | number;
  /** Fixed speed of resync where no dynamic control is on. 1 to 4194304 KiB/s. Default: 250. */
  resyncRate?: number;
}

/** Options of the verb rename. */
export interface Genl1RenameOptions {
  /** Name that the resource gets. */
  newResourceName: string;
}

/** Options of the verb forgetPeer. */
export interface Genl1ForgetPeerOptions {
  /** Node whose slot in the metadata is to be freed. -1 to 32. Default: -1. */
  peerNodeId?: number;
}

/** The options of each verb in DRBD 8.4. */
export interface Genl1VerbOptions {
  create: Genl1CreateOptions;
  attach: Genl1AttachOptions;
  detach: Genl1DetachOptions;
  connect: Genl1ConnectOptions;
  disconnect: Genl1DisconnectOptions;
  promote: Genl1PromoteOptions;
  demote: Genl1DemoteOptions;
  down: NoOptions;
  invalidate: Genl1InvalidateOptions;
  verify: Genl1VerifyOptions;
  pauseSync: NoOptions;
  resumeSync: NoOptions;
  suspendIo: NoOptions;
  resumeIo: NoOptions;
  resize: Genl1ResizeOptions;
  outdate: NoOptions;
  newCurrentUuid: Genl1NewCurrentUuidOptions;
  setOptions: Genl1SetOptionsOptions;
  rename: Genl1RenameOptions;
  forgetPeer: Genl1ForgetPeerOptions;
}

/** The verbs of a client of DRBD 8.4. */
export interface Genl1Verbs extends Verbs<Genl1VerbOptions> {
  /** Set up the link to a peer and begin to connect; what it needs is created if it does not exist. */
  connect(
    target: VerbTarget,
    options: Genl1ConnectOptions,
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
  /** Change options of what exists. */
  setOptions(
    target: VerbTarget,
    options?: Genl1SetOptionsOptions,
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
  /** Give a resource another name. DRBD 8.4 cannot: it rejects with an UnsupportedError. */
  rename(target: VerbTarget, options: Genl1RenameOptions, limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Free the slot that a former peer has in the metadata. DRBD 8.4 cannot: it rejects with an UnsupportedError. */
  forgetPeer(
    target: VerbTarget,
    options?: Genl1ForgetPeerOptions,
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
}
