import { attributeSet, address, flag, s32, string, u32, u64, u64s } from '../../schema';
import * as options from '../options';
import * as shared from '../generic/attributes';
import * as words from '../words';

// The attribute sets of DRBD 8.4.0 to 8.4.11, with the numbers of linux/drbd_genl.h and the limits of
// linux/drbd_limits.h.

const drbdCfgContext = attributeSet(2, 'drbd_cfg_context', {
  doc: 'Which resource, volume or connection a message is about.',
  fields: shared.drbdCfgContextFields,
});

const diskConf = attributeSet(3, 'disk_conf', {
  doc: 'Configuration of a backing device.',
  fields: () => ({
    backing_dev: string(1, { required: true, invariant: true, ...options.backing_dev }),
    meta_dev: string(2, { required: true, invariant: true, ...options.meta_dev }),
    meta_dev_idx: s32(3, { required: true, invariant: true, ...options.meta_dev_idx }),
    disk_size: u64(4, { mandatory: true, invariant: true, ...options.disk_size }),
    max_bio_bvecs: u32(5, { mandatory: true, invariant: true, ...options.max_bio_bvecs }),
    on_io_error: u32(6, { mandatory: true, ...options.on_io_error, default: 2 }),
    fencing: u32(7, { mandatory: true, ...options.fencing }),
    resync_rate: u32(8, { mandatory: true, ...options.resync_rate }),
    resync_after: s32(9, { mandatory: true, ...options.resync_after, max: 1048575 }),
    al_extents: u32(10, { mandatory: true, ...options.al_extents, default: 1237, min: 67, max: 65534 }),
    c_plan_ahead: u32(11, { mandatory: true, ...options.c_plan_ahead, default: 20 }),
    c_delay_target: u32(12, { mandatory: true, ...options.c_delay_target }),
    c_fill_target: u32(13, { mandatory: true, ...options.c_fill_target, default: 100 }),
    c_max_rate: u32(14, { mandatory: true, ...options.c_max_rate }),
    c_min_rate: u32(15, { mandatory: true, ...options.c_min_rate, default: 250 }),
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
      since: '8.4.1',
      names: words.readBalancing,
      default: 0,
      doc: "How reads are spread over this node's disk and the peer's.",
    }),
    al_updates: flag(23, {
      since: '8.4.2',
      default: true,
      doc: 'Keep the activity log up to date; without it a crash means a full resync.',
    }),
    discard_zeroes_if_aligned: flag(24, {
      since: '8.4.7',
      default: true,
      doc: 'Treat discards as zeroing where they are aligned, even if the device does not promise it.',
    }),
    rs_discard_granularity: u32(25, {
      since: '8.4.7',
      unit: 'bytes',
      default: 0,
      min: 0,
      max: 1048576,
      doc: 'Size of blocks of zeroes that a resync discards instead of writing; 0 never does.',
    }),
    disable_write_same: flag(26, {
      since: '8.4.10',
      default: false,
      doc: 'Never pass write-same requests to the peer or the lower device.',
    }),
  }),
});

const resOpts = attributeSet(4, 'res_opts', {
  doc: 'Options that hold for all of a resource.',
  fields: () => ({
    cpu_mask: string(1, { mandatory: true, ...options.cpu_mask }),
    on_no_data: u32(2, { mandatory: true, ...options.on_no_data }),
  }),
});

const netConf = attributeSet(5, 'net_conf', {
  doc: 'Configuration of the link to a peer.',
  fields: () => ({
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
    sndbuf_size: u32(11, { mandatory: true, ...options.sndbuf_size }),
    rcvbuf_size: u32(12, { mandatory: true, ...options.rcvbuf_size }),
    ko_count: u32(13, { mandatory: true, ...options.ko_count, default: 7 }),
    max_buffers: u32(14, { mandatory: true, ...options.max_buffers }),
    max_epoch_size: u32(15, { mandatory: true, ...options.max_epoch_size }),
    unplug_watermark: u32(16, { mandatory: true, ...options.unplug_watermark }),
    after_sb_0p: u32(17, { mandatory: true, ...options.after_sb_0p }),
    after_sb_1p: u32(18, { mandatory: true, ...options.after_sb_1p }),
    after_sb_2p: u32(19, { mandatory: true, ...options.after_sb_2p }),
    rr_conflict: u32(20, { mandatory: true, ...options.rr_conflict }),
    on_congestion: u32(21, { mandatory: true, ...options.on_congestion }),
    cong_fill: u32(22, { mandatory: true, ...options.cong_fill }),
    cong_extents: u32(23, { mandatory: true, ...options.cong_extents, default: 1237, min: 67, max: 65534 }),
    two_primaries: flag(24, { mandatory: true, ...options.two_primaries }),
    discard_my_data: flag(25, { mandatory: true, invariant: true, ...options.discard_my_data }),
    tcp_cork: flag(26, { mandatory: true, default: true, doc: 'Let TCP gather small messages before it sends them.' }),
    always_asbp: flag(27, { mandatory: true, ...options.always_asbp }),
    tentative: flag(28, { mandatory: true, invariant: true, ...options.tentative }),
    use_rle: flag(29, { mandatory: true, ...options.use_rle, default: true }),
    csums_after_crash_only: flag(33, {
      since: '8.4.5',
      default: false,
      doc: 'Compare checksums in a resync only after a primary has crashed.',
    }),
    sock_check_timeo: u32(34, {
      since: '8.4.5',
      unit: 'deciseconds',
      default: 0,
      min: 0,
      max: 300,
      doc: 'How long to wait for the first packet on a new socket; 0 takes the keep-alive time.',
    }),
    my_addr2: address(35, {
      since: '8.4.6',
      maxBytes: 128,
      doc: 'Second local address of experimental modules that knew two paths.',
    }),
    peer_addr2: address(36, {
      since: '8.4.6',
      maxBytes: 128,
      doc: 'Second peer address of experimental modules that knew two paths.',
    }),
  }),
});

const setRoleParms = attributeSet(6, 'set_role_parms', {
  doc: 'How to promote: whether to trust data not known to be current.',
  fields: () => ({
    assume_uptodate: flag(1, { mandatory: true, ...options.assume_uptodate }),
  }),
});

const resizeParms = attributeSet(7, 'resize_parms', {
  doc: 'How to adopt a new size.',
  fields: () => ({
    resize_size: u64(1, { mandatory: true, ...options.resize_size }),
    resize_force: flag(2, { mandatory: true, ...options.resize_force }),
    no_resync: flag(3, { mandatory: true, ...options.no_resync }),
    al_stripes: u32(4, {
      since: '8.4.4',
      default: 1,
      min: 1,
      max: 1024,
      doc: 'Number of stripes of an activity log that is laid out for striped storage.',
    }),
    al_stripe_size: u32(5, {
      since: '8.4.4',
      unit: 'KiB',
      default: 32,
      min: 4,
      max: 16777216,
      doc: 'Size of each stripe of the activity log on striped storage.',
    }),
  }),
});

const stateInfo = attributeSet(8, 'state_info', {
  doc: 'States and counters of a device as DRBD 8.4 before 8.4.6 tells them.',
  fields: () => ({
    sib_reason: u32(1, {
      mandatory: true,
      doc: 'Why the kernel sent this: a state change, a helper call, progress, or an answer.',
    }),
    current_state: u32(2, { required: true, doc: 'All states of the device in one packed word, see StateWord.' }),
    capacity: u64(3, { mandatory: true, unit: 'sectors', doc: 'Size of the device as applications see it.' }),
    ed_uuid: u64(4, {
      mandatory: true,
      doc: 'Generation of the data that applications have seen last (exposed data).',
    }),
    prev_state: u32(5, { mandatory: true, doc: 'Packed states before the change that is reported.' }),
    new_state: u32(6, { mandatory: true, doc: 'Packed states after the change that is reported.' }),
    uuids: u64s(7, { mandatory: true, ...options.uuids }),
    disk_flags: u32(8, {
      mandatory: true,
      doc: 'Bits of the metadata, such as consistent, was up to date, crashed as primary.',
    }),
    bits_total: u64(9, {
      mandatory: true,
      unit: 'bits',
      doc: 'Number of bitmap bits that the device has, one for 4 KiB.',
    }),
    bits_oos: u64(10, {
      mandatory: true,
      unit: 'bits',
      doc: 'Number of bitmap bits that are set: blocks known to differ.',
    }),
    bits_rs_total: u64(11, {
      mandatory: true,
      unit: 'bits',
      doc: 'Number of bits that the running resync or verify began with.',
    }),
    bits_rs_failed: u64(12, { mandatory: true, unit: 'bits', doc: 'Number of bits whose blocks could not be copied.' }),
    helper: string(13, { mandatory: true, ...options.helper }),
    helper_exit_code: u32(14, { mandatory: true, doc: 'What the helper program returned, as a wait status.' }),
    send_cnt: u64(15, { since: '8.4.2', unit: 'sectors', doc: 'Data sent to the peer over the network.' }),
    recv_cnt: u64(16, { since: '8.4.2', unit: 'sectors', doc: 'Data received from the peer over the network.' }),
    read_cnt: u64(17, { since: '8.4.2', unit: 'sectors', doc: 'Data read from the lower device.' }),
    writ_cnt: u64(18, { since: '8.4.2', unit: 'sectors', doc: 'Data written to the lower device.' }),
    al_writ_cnt: u64(19, { since: '8.4.2', doc: 'Number of updates of the activity log on disk.' }),
    bm_writ_cnt: u64(20, { since: '8.4.2', doc: 'Number of updates of the bitmap on disk.' }),
    ap_bio_cnt: u32(21, { since: '8.4.2', doc: 'Requests of applications that are not completed yet.' }),
    ap_pending_cnt: u32(22, { since: '8.4.2', doc: "Writes of applications that wait for the peer's answer." }),
    rs_pending_cnt: u32(23, { since: '8.4.2', doc: "Resync requests that wait for the peer's answer." }),
  }),
});

const startOvParms = attributeSet(9, 'start_ov_parms', {
  doc: 'Which part of a device to verify.',
  fields: () => ({
    ov_start_sector: u64(1, { mandatory: true, ...options.ov_start_sector }),
    ov_stop_sector: u64(2, { since: '8.4.2', mandatory: true, ...options.ov_stop_sector }),
  }),
});

const newCUuidParms = attributeSet(10, 'new_c_uuid_parms', {
  doc: 'How to begin a new generation of the data.',
  fields: shared.newCUuidParmsFields,
});

const detachParms = attributeSet(13, 'detach_parms', {
  doc: 'How to let go of a backing device.',
  fields: shared.detachParmsFields,
});

const resourceInfo = attributeSet(15, 'resource_info', {
  since: '8.4.6',
  doc: "This node's role, and whether requests are frozen.",
  fields: shared.resourceInfoFields,
});

const deviceInfo = attributeSet(16, 'device_info', {
  since: '8.4.6',
  doc: 'What the local disk of a volume is like.',
  fields: shared.deviceInfoFields,
});

const connectionInfo = attributeSet(17, 'connection_info', {
  since: '8.4.6',
  doc: "How far two nodes have connected, and the peer's role.",
  fields: shared.connectionInfoFields,
});

const peerDeviceInfo = attributeSet(18, 'peer_device_info', {
  since: '8.4.6',
  doc: 'States of a volume as seen through a link.',
  fields: shared.peerDeviceInfoFields,
});

const resourceStatistics = attributeSet(19, 'resource_statistics', {
  since: '8.4.6',
  doc: 'What a resource does besides its states.',
  fields: shared.resourceStatisticsFields,
});

const deviceStatistics = attributeSet(20, 'device_statistics', {
  since: '8.4.6',
  doc: 'How much was read and written, and the generations of the data.',
  fields: shared.deviceStatisticsFields,
});

const connectionStatistics = attributeSet(21, 'connection_statistics', {
  since: '8.4.6',
  doc: 'Whether the network keeps up with the writes.',
  fields: shared.connectionStatisticsFields,
});

const peerDeviceStatistics = attributeSet(22, 'peer_device_statistics', {
  since: '8.4.6',
  doc: 'Counters of a volume as seen through a link.',
  fields: shared.peerDeviceStatisticsFields,
});

const drbdNotificationHeader = attributeSet(23, 'drbd_notification_header', {
  since: '8.4.6',
  doc: 'What kind of news a notification brings.',
  fields: shared.drbdNotificationHeaderFields,
});

const drbdHelperInfo = attributeSet(24, 'drbd_helper_info', {
  since: '8.4.6',
  doc: "The kernel's call of its helper program.",
  fields: shared.drbdHelperInfoFields,
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
  state_info: stateInfo,
  start_ov_parms: startOvParms,
  new_c_uuid_parms: newCUuidParms,
  timeout_parms: shared.timeoutParms,
  disconnect_parms: shared.disconnectParms,
  detach_parms: detachParms,
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
} as const;
