import { attributeSet, address, flag, s32, string, u32, u64 } from '../../schema';
import * as options from '../options';
import * as shared from '../generic/attributes';
import * as words from '../words';

// The attribute sets of DRBD 9.0.0 to 9.3.3, with the numbers of linux/drbd_genl.h and the limits of
// linux/drbd_limits.h. The mandatory bits are those of the headers that still had them: newer modules ignore the bit,
// older ones have it in what they send.

const drbdCfgContext = attributeSet(2, 'drbd_cfg_context', {
  doc: 'Which resource, volume or connection a message is about.',
  fields: () => ({
    ...shared.drbdCfgContextFields(),
    ctx_conn_name: string(5, { maxBytes: 64, doc: "Name of the connection, which is the peer's." }),
    ctx_peer_node_id: u32(6, { mandatory: true, doc: "The peer's node id." }),
  }),
});

const diskConf = attributeSet(3, 'disk_conf', {
  doc: 'Configuration of a backing device.',
  fields: {
    backing_dev: string(1, { required: true, invariant: true, ...options.backing_dev }),
    meta_dev: string(2, { required: true, invariant: true, ...options.meta_dev }),
    meta_dev_idx: s32(3, { required: true, invariant: true, ...options.meta_dev_idx }),
    disk_size: u64(4, { mandatory: true, invariant: true, ...options.disk_size }),
    on_io_error: u32(6, { mandatory: true, ...options.on_io_error, default: 2 }),
    resync_after: s32(9, { mandatory: true, ...options.resync_after, max: 1048575 }),
    al_extents: u32(10, { mandatory: true, ...options.al_extents, default: 1237, min: 67, max: 65534 }),
    disk_barrier: flag(16, {
      mandatory: true,
      default: false,
      doc: 'Order write epochs by barrier requests to the lower device.',
    }),
    disk_flushes: flag(17, {
      mandatory: true,
      default: true,
      doc: "Order write epochs by flushing the lower device's cache.",
    }),
    disk_drain: flag(18, {
      mandatory: true,
      default: true,
      doc: 'Order write epochs by letting all writes finish; data is at risk without any ordering.',
    }),
    md_flushes: flag(19, {
      mandatory: true,
      default: true,
      doc: 'Flush the cache of the metadata device after its updates.',
    }),
    disk_timeout: u32(20, { mandatory: true, ...options.disk_timeout }),
    read_balancing: u32(21, {
      mandatory: true,
      names: words.readBalancing,
      default: 0,
      doc: "How reads are spread over this node's disk and the peer's.",
    }),
    unplug_watermark: u32(22, { mandatory: true, ...options.unplug_watermark }),
    al_updates: flag(23, {
      default: true,
      doc: 'Keep the activity log up to date; without it a crash means a full resync.',
    }),
    discard_zeroes_if_aligned: flag(24, {
      since: '9.0.1',
      default: true,
      doc: 'Treat discards as zeroing where they are aligned, even if the device does not promise it.',
    }),
    rs_discard_granularity: u32(25, {
      since: '9.0.1',
      unit: 'bytes',
      default: 0,
      min: 0,
      max: 1048576,
      doc: 'Size of blocks of zeroes that a resync discards instead of writing; 0 never does.',
    }),
    disable_write_same: flag(26, {
      since: '9.0.7',
      default: false,
      doc: 'Never pass write-same requests to the peer or the lower device.',
    }),
    d_bitmap: flag(27, { since: '9.3.0', default: true, doc: 'Whether this device keeps a bitmap at all.' }),
  },
});

const resOpts = attributeSet(4, 'res_opts', {
  doc: 'Options that hold for all of a resource.',
  fields: {
    cpu_mask: string(1, { mandatory: true, ...options.cpu_mask, maxBytes: 256 }),
    on_no_data: u32(2, { mandatory: true, ...options.on_no_data }),
    auto_promote: flag(3, {
      mandatory: true,
      default: true,
      doc: 'Become primary by itself when the device is opened for writing.',
    }),
    node_id: u32(4, { required: true, invariant: true, doc: "This node's number within the resource." }),
    peer_ack_window: u32(5, {
      mandatory: true,
      unit: 'sectors',
      default: 4096,
      min: 2048,
      max: 204800,
      doc: 'Amount of data after which peers are told what is written everywhere.',
    }),
    twopc_timeout: u32(6, {
      mandatory: true,
      unit: 'deciseconds',
      default: 300,
      min: 50,
      max: 600,
      doc: 'Longest time that a cluster-wide state change may take.',
    }),
    twopc_retry_timeout: u32(7, {
      mandatory: true,
      unit: 'deciseconds',
      default: 1,
      min: 1,
      max: 50,
      doc: 'Pause before a cluster-wide state change is tried again.',
    }),
    peer_ack_delay: u32(8, {
      unit: 'milliseconds',
      default: 100,
      min: 1,
      max: 10000,
      doc: 'Idle time after which peers are told what is written everywhere.',
    }),
    auto_promote_timeout: u32(9, {
      unit: 'deciseconds',
      default: 20,
      min: 0,
      max: 600,
      doc: 'How long an open for writing waits for a promotion to become possible.',
    }),
    nr_requests: u32(10, {
      since: '9.0.2',
      default: 8000,
      min: 4,
      max: 4294967295,
      doc: 'Most requests of applications under way at a time.',
    }),
    quorum: s32(11, {
      since: '9.0.7',
      names: words.quorum,
      default: 0,
      min: 1,
      max: 32,
      doc: 'Number of nodes that must be reachable for writing; special values for majority and all.',
    }),
    on_no_quorum: u32(12, {
      since: '9.0.8',
      names: words.onNoData,
      default: 1,
      doc: 'What applications see when quorum is lost.',
    }),
    quorum_min_redundancy: s32(13, {
      since: '9.0.10',
      names: words.quorum,
      default: 0,
      min: 1,
      max: 32,
      doc: 'Number of nodes with good data that must be reachable for writing.',
    }),
    on_susp_primary_outdated: u32(14, {
      since: '9.1.7',
      names: words.onSuspPrimaryOutdated,
      default: 0,
      doc: 'What a suspended primary does when it finds itself outdated.',
    }),
    drbd8_compat_mode: flag(15, {
      since: '9.2.15',
      default: false,
      doc: 'Speak so that a DRBD 8 peer understands; takes a module compiled with CONFIG_DRBD_COMPAT_84.',
    }),
    explicit_drbd8_compat: flag(16, {
      since: '9.3.0',
      default: false,
      doc: 'Speak so that a DRBD 8 peer understands, because the user asked for it; takes CONFIG_DRBD_COMPAT_84.',
    }),
  },
});

const netConf = attributeSet(5, 'net_conf', {
  doc: 'Configuration of the link to a peer.',
  fields: {
    shared_secret: string(1, { mandatory: true, ...options.shared_secret }),
    cram_hmac_alg: string(2, { mandatory: true, ...options.cram_hmac_alg }),
    integrity_alg: string(3, { mandatory: true, ...options.integrity_alg }),
    verify_alg: string(4, { mandatory: true, ...options.verify_alg }),
    csums_alg: string(5, { mandatory: true, ...options.csums_alg }),
    wire_protocol: u32(6, { mandatory: true, ...options.wire_protocol, default: 3 }),
    connect_int: u32(7, { mandatory: true, ...options.connect_int }),
    timeout: u32(8, { mandatory: true, ...options.timeout }),
    ping_int: u32(9, { mandatory: true, ...options.ping_int }),
    ping_timeo: u32(10, { mandatory: true, ...options.ping_timeo }),
    sndbuf_size: u32(11, { mandatory: true, ...options.sndbuf_size, max: 134217728 }),
    rcvbuf_size: u32(12, { mandatory: true, ...options.rcvbuf_size, max: 134217728 }),
    ko_count: u32(13, { mandatory: true, ...options.ko_count, default: 7 }),
    max_epoch_size: u32(15, { mandatory: true, ...options.max_epoch_size }),
    after_sb_0p: u32(17, { mandatory: true, ...options.after_sb_0p }),
    after_sb_1p: u32(18, { mandatory: true, ...options.after_sb_1p }),
    after_sb_2p: u32(19, { mandatory: true, ...options.after_sb_2p }),
    rr_conflict: u32(20, { mandatory: true, ...options.rr_conflict, names: words.resyncRoleConflict9 }),
    on_congestion: u32(21, { mandatory: true, ...options.on_congestion }),
    cong_fill: u32(22, { mandatory: true, ...options.cong_fill }),
    cong_extents: u32(23, { mandatory: true, ...options.cong_extents, default: 1237, min: 67, max: 65534 }),
    two_primaries: flag(24, { mandatory: true, ...options.two_primaries }),
    tcp_cork: flag(26, { mandatory: true, default: true, doc: 'Let TCP gather small messages before it sends them.' }),
    always_asbp: flag(27, { mandatory: true, ...options.always_asbp }),
    use_rle: flag(29, { mandatory: true, ...options.use_rle, default: true }),
    fencing_policy: u32(30, { mandatory: true, ...options.fencing }),
    name: string(31, {
      required: true,
      mandatory: true,
      maxBytes: 64,
      doc: "Name of the connection, which is the peer's.",
    }),
    csums_after_crash_only: flag(33, {
      default: false,
      doc: 'Compare checksums in a resync only after a primary has crashed.',
    }),
    sock_check_timeo: u32(34, {
      unit: 'deciseconds',
      default: 0,
      min: 0,
      max: 300,
      doc: 'How long to wait for the first packet on a new socket; 0 takes the keep-alive time.',
    }),
    transport_name: string(35, {
      invariant: true,
      maxBytes: 64,
      doc: 'Kernel module that carries the data: tcp, rdma, lb-tcp.',
    }),
    max_buffers: u32(36, options.max_buffers),
    allow_remote_read: flag(37, {
      since: '9.0.19-1',
      default: true,
      doc: "Read from this peer's disk when there is no local one.",
    }),
    tls: flag(38, { since: '9.1.18', default: false, doc: 'Encrypt the connection by kernel TLS.' }),
    tls_privkey: s32(39, { since: '9.1.18', default: 0, doc: 'Serial number of the key that holds the private key.' }),
    tls_certificate: s32(40, {
      since: '9.1.18',
      default: 0,
      doc: 'Serial number of the key that holds the certificate.',
    }),
    tls_keyring: s32(41, { since: '9.1.18', default: 0, doc: 'Serial number of the keyring for the TLS handshake.' }),
    load_balance_paths: flag(42, {
      since: '9.1.18',
      invariant: true,
      default: false,
      doc: 'Use all paths at the same time.',
    }),
    rdma_ctrl_rcvbuf_size: u32(43, {
      since: '9.1.18',
      unit: 'bytes',
      default: 0,
      min: 0,
      max: 10485760,
      doc: 'Receive buffer of the RDMA control stream.',
    }),
    rdma_ctrl_sndbuf_size: u32(44, {
      since: '9.1.18',
      unit: 'bytes',
      default: 0,
      min: 0,
      max: 10485760,
      doc: 'Send buffer of the RDMA control stream.',
    }),
  },
});

const setRoleParms = attributeSet(6, 'set_role_parms', {
  doc: 'How to promote: whether to trust data not known to be current.',
  fields: {
    assume_uptodate: flag(1, { until: '9.1.6', mandatory: true, ...options.assume_uptodate }),
    force: flag(1, {
      since: '9.1.7',
      mandatory: true,
      default: false,
      doc: 'Promote although the data is not known to be current, or demote although it is in use.',
    }),
  },
});

const resizeParms = attributeSet(7, 'resize_parms', {
  doc: 'How to adopt a new size.',
  fields: {
    resize_size: u64(1, { mandatory: true, ...options.resize_size }),
    resize_force: flag(2, { mandatory: true, ...options.resize_force }),
    no_resync: flag(3, { mandatory: true, ...options.no_resync }),
    al_stripes: u32(4, {
      default: 1,
      min: 1,
      max: 1024,
      doc: 'Number of stripes of an activity log that is laid out for striped storage.',
    }),
    al_stripe_size: u32(5, {
      unit: 'KiB',
      default: 32,
      min: 4,
      max: 16777216,
      doc: 'Size of each stripe of the activity log on striped storage.',
    }),
  },
});

const startOvParms = attributeSet(9, 'start_ov_parms', {
  doc: 'Which part of a device to verify.',
  fields: {
    ov_start_sector: u64(1, { mandatory: true, ...options.ov_start_sector }),
    ov_stop_sector: u64(2, { mandatory: true, ...options.ov_stop_sector }),
  },
});

const newCUuidParms = attributeSet(10, 'new_c_uuid_parms', {
  doc: 'How to begin a new generation of the data.',
  fields: () => ({
    ...shared.newCUuidParmsFields(),
    force_resync: flag(2, {
      since: '9.0.21-1',
      mandatory: true,
      default: false,
      doc: 'Let the peers copy all from this node afterwards.',
    }),
  }),
});

const detachParms = attributeSet(13, 'detach_parms', {
  doc: 'How to let go of a backing device.',
  fields: () => ({
    ...shared.detachParmsFields(),
    intentional_diskless_detach: flag(2, {
      since: '9.0.15',
      default: false,
      doc: 'Stay diskless on purpose from now on.',
    }),
  }),
});

const deviceConf = attributeSet(14, 'device_conf', {
  doc: 'Configuration of a device, with or without disk.',
  fields: {
    max_bio_size: u32(1, {
      invariant: true,
      unit: 'bytes',
      default: 1048576,
      min: 512,
      max: 1048576,
      doc: 'Largest request that the device accepts.',
    }),
    intentional_diskless: flag(2, {
      since: '9.0.7',
      default: false,
      doc: 'The device is meant to have no disk on this node.',
    }),
    block_size: u32(3, {
      since: '9.1.14',
      unit: 'bytes',
      default: 512,
      min: 512,
      max: 4096,
      doc: 'Logical block size that applications see.',
    }),
    discard_granularity: u32(4, {
      since: '9.3.1',
      unit: 'bytes',
      default: 4294967295,
      min: 0,
      max: 134217728,
      doc: 'Granularity of discards that applications see.',
    }),
  },
});

const resourceInfo = attributeSet(15, 'resource_info', {
  doc: "This node's role, and whether requests are frozen.",
  fields: () => ({
    ...shared.resourceInfoFields(),
    res_susp_quorum: flag(5, { since: '9.0.7', doc: 'Requests are frozen as too few nodes are left.' }),
    res_promotion_score: u32(6, {
      since: '9.0.24-1',
      until: '9.0.25-1',
      doc: 'How well this node would do as primary.',
    }),
    res_fail_io: flag(6, { since: '9.1.7', doc: 'Requests are answered with errors at present.' }),
  }),
});

const deviceInfo = attributeSet(16, 'device_info', {
  doc: 'What the local disk of a volume is like.',
  fields: () => ({
    ...shared.deviceInfoFields(),
    is_intentional_diskless: flag(2, { since: '9.0.7', doc: 'The device is meant to have no disk on this node.' }),
    dev_has_quorum: flag(3, { since: '9.0.10', doc: 'Enough nodes are reachable for this device.' }),
    backing_dev_path: string(4, {
      since: '9.0.29-1',
      maxBytes: 128,
      doc: 'Path of the block device that stores the data below DRBD.',
    }),
    dev_is_open: flag(5, { since: '9.1.22', doc: 'Somebody has the device open.' }),
  }),
});

const connectionInfo = attributeSet(17, 'connection_info', {
  doc: "How far two nodes have connected, and the peer's role.",
  fields: shared.connectionInfoFields,
});

const peerDeviceInfo = attributeSet(18, 'peer_device_info', {
  doc: 'States of a volume as seen through a link.',
  fields: () => ({
    ...shared.peerDeviceInfoFields(),
    peer_is_intentional_diskless: flag(6, {
      since: '9.0.7',
      doc: 'The peer is meant to have no disk for this volume.',
    }),
    peer_resync_susp_max_parallel: u32(7, { since: '9.3.3', doc: 'Resync waits as too many others run.' }),
  }),
});

const resourceStatistics = attributeSet(19, 'resource_statistics', {
  doc: 'What a resource does besides its states.',
  fields: shared.resourceStatisticsFields,
});

const deviceStatistics = attributeSet(20, 'device_statistics', {
  doc: 'How much was read and written, and the generations of the data.',
  fields: shared.deviceStatisticsFields,
});

const connectionStatistics = attributeSet(21, 'connection_statistics', {
  doc: 'Whether the network keeps up with the writes.',
  fields: () => ({
    ...shared.connectionStatisticsFields(),
    ap_in_flight: u64(2, { since: '9.0.14', unit: 'sectors', doc: 'Writes of applications on the way to this peer.' }),
    rs_in_flight: u64(3, { since: '9.0.14', unit: 'sectors', doc: 'Resync data on the way to this peer.' }),
  }),
});

const peerDeviceStatistics = attributeSet(22, 'peer_device_statistics', {
  doc: 'Counters of a volume as seen through a link.',
  fields: () => ({
    ...shared.peerDeviceStatisticsFields(),
    peer_dev_rs_total: u64(10, {
      since: '9.0.14',
      unit: 'sectors',
      doc: 'What the running resync had to copy at its start.',
    }),
    peer_dev_ov_start_sector: u64(11, {
      since: '9.0.14',
      unit: 'sectors',
      doc: 'Where the running verification began.',
    }),
    peer_dev_ov_stop_sector: u64(12, {
      since: '9.0.14',
      unit: 'sectors',
      doc: 'Where the running verification will stop.',
    }),
    peer_dev_ov_position: u64(13, { since: '9.0.14', unit: 'sectors', doc: 'Where the running verification is.' }),
    peer_dev_ov_left: u64(14, {
      since: '9.0.14',
      unit: 'sectors',
      doc: 'What the running verification still has to compare.',
    }),
    peer_dev_ov_skipped: u64(15, {
      since: '9.0.14',
      unit: 'sectors',
      doc: 'What the running verification could not compare.',
    }),
    peer_dev_rs_same_csum: u64(16, {
      since: '9.0.14',
      unit: 'sectors',
      doc: 'Blocks that checksums found to be equal.',
    }),
    peer_dev_rs_dt_start_ms: u64(17, { since: '9.0.14', unit: 'milliseconds', doc: 'Time since the resync began.' }),
    peer_dev_rs_paused_ms: u64(18, {
      since: '9.0.14',
      unit: 'milliseconds',
      doc: 'Time for which the resync was held.',
    }),
    peer_dev_rs_dt0_ms: u64(19, {
      since: '9.0.14',
      unit: 'milliseconds',
      doc: 'Age of the older mark of the progress.',
    }),
    peer_dev_rs_db0_sectors: u64(20, {
      since: '9.0.14',
      unit: 'sectors',
      doc: 'Data copied since the older mark of the progress.',
    }),
    peer_dev_rs_dt1_ms: u64(21, {
      since: '9.0.14',
      unit: 'milliseconds',
      doc: 'Age of the younger mark of the progress.',
    }),
    peer_dev_rs_db1_sectors: u64(22, {
      since: '9.0.14',
      unit: 'sectors',
      doc: 'Data copied since the younger mark of the progress.',
    }),
    peer_dev_rs_c_sync_rate: u32(23, {
      since: '9.0.14',
      unit: 'KiB/s',
      doc: 'Speed that the resync controller asks for at present.',
    }),
    peer_dev_uuid_flags: u64(24, { since: '9.0.26-1', doc: 'Bits that came with the generations of the peer.' }),
  }),
});

const drbdNotificationHeader = attributeSet(23, 'drbd_notification_header', {
  doc: 'What kind of news a notification brings.',
  fields: shared.drbdNotificationHeaderFields,
});

const drbdHelperInfo = attributeSet(24, 'drbd_helper_info', {
  doc: "The kernel's call of its helper program.",
  fields: shared.drbdHelperInfoFields,
});

const invalidateParms = attributeSet(25, 'invalidate_parms', {
  doc: 'From whom and how to copy all.',
  fields: {
    sync_from_peer_node_id: s32(1, {
      mandatory: true,
      default: -1,
      min: -1,
      max: 32,
      doc: 'Node to copy from; -1 lets the kernel choose.',
    }),
    reset_bitmap: flag(2, {
      since: '9.0.29-1',
      mandatory: true,
      default: true,
      doc: 'Take all as different, whatever the bitmap says.',
    }),
  },
});

const forgetPeerParms = attributeSet(26, 'forget_peer_parms', {
  doc: 'Whose metadata slot to free.',
  fields: {
    forget_peer_node_id: s32(1, {
      mandatory: true,
      default: -1,
      min: -1,
      max: 32,
      doc: 'Node whose slot in the metadata is to be freed.',
    }),
  },
});

const peerDeviceConf = attributeSet(27, 'peer_device_conf', {
  doc: 'How resync to a peer works.',
  fields: {
    resync_rate: u32(1, { mandatory: true, ...options.resync_rate, max: 8388608 }),
    c_plan_ahead: u32(2, { mandatory: true, ...options.c_plan_ahead, default: 20 }),
    c_delay_target: u32(3, { mandatory: true, ...options.c_delay_target }),
    c_fill_target: u32(4, { mandatory: true, ...options.c_fill_target, default: 100 }),
    c_max_rate: u32(5, { mandatory: true, ...options.c_max_rate, min: 0 }),
    c_min_rate: u32(6, { mandatory: true, ...options.c_min_rate, default: 250 }),
    bitmap: flag(7, { since: '9.0.5', default: true, doc: 'Keep a bitmap for this peer.' }),
    resync_without_replication: flag(8, {
      since: '9.2.14',
      default: true,
      doc: 'Allow a resync between nodes that do not replicate at present; a module compiled without it never has it.',
    }),
    peer_tiebreaker: flag(9, { since: '9.3.1', default: true, doc: 'Count this diskless peer where quorum is tied.' }),
  },
});

const pathParms = attributeSet(28, 'path_parms', {
  doc: 'Addresses of a path; what the kernel sends of a connection names all of its paths, one behind the other.',
  list: true,
  fields: {
    // Kernels read both without a check.
    my_addr: address(1, { required: true, mandatory: true, ...options.my_addr }),
    peer_addr: address(2, { required: true, mandatory: true, ...options.peer_addr }),
  },
});

const connectParms = attributeSet(29, 'connect_parms', {
  doc: 'How to begin to connect.',
  fields: {
    tentative: flag(1, { mandatory: true, ...options.tentative }),
    discard_my_data: flag(2, { mandatory: true, ...options.discard_my_data }),
  },
});

const drbdPathInfo = attributeSet(30, 'drbd_path_info', {
  since: '9.0.1',
  doc: 'State of a path.',
  fields: {
    path_established: flag(1, { doc: 'The path carries the connection at present.' }),
  },
});

const renameResourceParms = attributeSet(31, 'rename_resource_parms', {
  since: '9.0.28-1',
  doc: 'The new name to give.',
  fields: {
    new_resource_name: string(1, {
      required: true,
      mandatory: true,
      maxBytes: 128,
      doc: 'Name that the resource gets.',
    }),
  },
});

const renameResourceInfo = attributeSet(32, 'rename_resource_info', {
  since: '9.0.28-1',
  doc: 'The new name that was given.',
  fields: {
    res_new_name: string(1, { mandatory: true, maxBytes: 128, doc: 'Name that the resource got.' }),
  },
});

const invalidatePeerParms = attributeSet(33, 'invalidate_peer_parms', {
  since: '9.0.29-1',
  doc: "How to throw away a peer's data.",
  fields: {
    p_reset_bitmap: flag(1, {
      mandatory: true,
      default: true,
      doc: 'Take all as different, whatever the bitmap says.',
    }),
  },
});

const suspendIoParms = attributeSet(34, 'suspend_io_parms', {
  since: '9.3.0',
  doc: 'How to freeze requests.',
  fields: {
    bdev_freeze: flag(1, { mandatory: true, default: true, doc: 'Flush and freeze the file system on it first.' }),
  },
});

/** All attribute sets by the name of their struct. */
export const attributeSets = {
  drbd_cfg_reply: shared.drbdCfgReply,
  drbd_cfg_context: drbdCfgContext,
  disk_conf: diskConf,
  res_opts: resOpts,
  net_conf: netConf,
  set_role_parms: setRoleParms,
  resize_parms: resizeParms,
  start_ov_parms: startOvParms,
  new_c_uuid_parms: newCUuidParms,
  timeout_parms: shared.timeoutParms,
  disconnect_parms: shared.disconnectParms,
  detach_parms: detachParms,
  device_conf: deviceConf,
  resource_info: resourceInfo,
  device_info: deviceInfo,
  connection_info: connectionInfo,
  peer_device_info: peerDeviceInfo,
  resource_statistics: resourceStatistics,
  device_statistics: deviceStatistics,
  connection_statistics: connectionStatistics,
  peer_device_statistics: peerDeviceStatistics,
  drbd_notification_header: drbdNotificationHeader,
  drbd_helper_info: drbdHelperInfo,
  invalidate_parms: invalidateParms,
  forget_peer_parms: forgetPeerParms,
  peer_device_conf: peerDeviceConf,
  path_parms: pathParms,
  connect_parms: connectParms,
  drbd_path_info: drbdPathInfo,
  rename_resource_parms: renameResourceParms,
  rename_resource_info: renameResourceInfo,
  invalidate_peer_parms: invalidatePeerParms,
  suspend_io_parms: suspendIoParms,
} as const;
