import { address, bytes, flag, once, packet, s32, string, u64, u64s, u8 } from '../../schema';
import * as options from '../options';
import * as words from '../words';

// The packets of DRBD 8.0 to 8.3.16 and their tags, with the numbers and limits of linux/drbd_nl.h and
// linux/drbd_limits.h. A tag's number is unique among all packets. The tags of a packet stand in the order of its
// header, which is that of the kernel's answers.

const diskTags = once(
  () =>
    ({
      disk_size: u64(2, options.disk_size),
      backing_dev: string(3, { mandatory: true, required: true, ...options.backing_dev }),
      meta_dev: string(4, { mandatory: true, required: true, ...options.meta_dev }),
      meta_dev_idx: s32(5, { mandatory: true, required: true, ...options.meta_dev_idx }),
      on_io_error: s32(6, options.on_io_error),
      fencing: s32(7, options.fencing),
      use_bmbv: flag(37, {
        default: false,
        doc: "Ask the lower device's own merge function before building large requests.",
      }),
      no_disk_flush: flag(53, {
        since: '8.2.6',
        default: false,
        doc: 'Do not send cache flushes to the data device at the end of a write epoch.',
      }),
      no_md_flush: flag(54, {
        since: '8.2.6',
        default: false,
        doc: 'Do not send cache flushes to the metadata device after its updates.',
      }),
      max_bio_bvecs: s32(56, { since: '8.2.6', ...options.max_bio_bvecs }),
      no_disk_barrier: flag(57, {
        since: '8.2.7',
        default: false,
        doc: 'Do not order write epochs by barrier requests.',
      }),
      no_disk_drain: flag(58, {
        since: '8.2.7',
        default: false,
        doc: 'Do not wait for writes to finish between epochs; data is at risk without a protected cache.',
      }),
      disk_timeout: s32(89, { since: '8.3.12', ...options.disk_timeout }),
    }) as const,
);

const netTags = once(
  () =>
    ({
      my_addr: address(8, { mandatory: true, required: true, ...options.my_addr }),
      peer_addr: address(9, { mandatory: true, required: true, ...options.peer_addr }),
      shared_secret: string(10, options.shared_secret),
      cram_hmac_alg: string(11, options.cram_hmac_alg),
      integrity_alg: string(44, { since: '8.2.0', ...options.integrity_alg }),
      timeout: s32(14, options.timeout),
      wire_protocol: s32(15, { mandatory: true, required: true, ...options.wire_protocol }),
      try_connect_int: s32(16, options.connect_int),
      ping_int: s32(17, options.ping_int),
      max_epoch_size: s32(18, options.max_epoch_size),
      max_buffers: s32(19, options.max_buffers),
      unplug_watermark: s32(20, options.unplug_watermark),
      sndbuf_size: s32(21, options.sndbuf_size),
      ko_count: s32(22, options.ko_count),
      after_sb_0p: s32(24, options.after_sb_0p),
      after_sb_1p: s32(25, options.after_sb_1p),
      after_sb_2p: s32(26, options.after_sb_2p),
      rr_conflict: s32(39, options.rr_conflict),
      ping_timeo: s32(40, options.ping_timeo),
      rcvbuf_size: s32(67, { since: '8.3.2', ...options.rcvbuf_size }),
      on_congestion: s32(81, { since: '8.3.10', ...options.on_congestion }),
      cong_fill: s32(82, { since: '8.3.10', ...options.cong_fill }),
      cong_extents: s32(83, { since: '8.3.10', ...options.cong_extents }),
      mind_af: flag(60, {
        since: '8.2.7',
        mandatory: true,
        default: false,
        doc: 'The addresses may be of a family other than IPv4, so the module must look at it.',
      }),
      want_lose: flag(27, options.discard_my_data),
      two_primaries: flag(28, options.two_primaries),
      always_asbp: flag(41, { since: '8.0.1', ...options.always_asbp }),
      no_cork: flag(61, {
        since: '8.2.7',
        default: false,
        doc: 'Do not let TCP gather small messages before it sends them.',
      }),
      auto_sndbuf_size: flag(62, {
        since: '8.2.7',
        mandatory: true,
        default: false,
        doc: 'A send buffer size of 0 means automatic tuning, which older modules do not know.',
      }),
      dry_run: flag(70, { since: '8.3.8', mandatory: true, ...options.tentative }),
    }) as const,
);

const syncerTags = once(
  () =>
    ({
      rate: s32(30, options.resync_rate),
      after: s32(31, options.resync_after),
      al_extents: s32(32, options.al_extents),
      verify_alg: string(52, { since: '8.2.2', ...options.verify_alg }),
      cpu_mask: string(51, { since: '8.2.2', ...options.cpu_mask }),
      csums_alg: string(64, { since: '8.3.0', ...options.csums_alg }),
      use_rle: flag(65, { since: '8.3.2', ...options.use_rle }),
      dp_volume: s32(71, {
        since: '8.3.8',
        until: '8.3.8',
        doc: 'Data per control period of the first resync controller, gone with the next release.',
      }),
      dp_interval: s32(72, {
        since: '8.3.8',
        until: '8.3.8',
        doc: 'Length of a control period of the first resync controller, gone with the next release.',
      }),
      throttle_th: s32(73, {
        since: '8.3.8',
        until: '8.3.8',
        doc: 'Load at which the first resync controller slowed down, gone with the next release.',
      }),
      hold_off_th: s32(74, {
        since: '8.3.8',
        until: '8.3.8',
        doc: 'Load at which the first resync controller stopped for a while, gone with the next release.',
      }),
      on_no_data: s32(75, { since: '8.3.9', ...options.on_no_data }),
      c_plan_ahead: s32(76, { since: '8.3.9', ...options.c_plan_ahead }),
      c_delay_target: s32(77, { since: '8.3.9', ...options.c_delay_target }),
      c_fill_target: s32(78, { since: '8.3.9', ...options.c_fill_target }),
      c_max_rate: s32(79, { since: '8.3.9', ...options.c_max_rate }),
      c_min_rate: s32(80, { since: '8.3.9', ...options.c_min_rate }),
    }) as const,
);

const stateTag = { state_i: s32(33, { doc: 'All states of the minor in one packed word, see StateWord.' }) } as const;
const progressTag = {
  sync_progress: s32(43, {
    since: '8.0.4',
    unit: 'tenths of a percent',
    doc: 'How much of the running resync or verify is done.',
  }),
} as const;
const uuidTags = once(
  () =>
    ({
      uuids: u64s(34, options.uuids),
      uuids_flags: s32(35, { doc: 'Bits of the metadata, such as consistent, was up to date, crashed as primary.' }),
    }) as const,
);

const primary = packet(1, 'primary', {
  kind: 'change',
  doc: 'Make the device writable on this node.',
  tags: () => ({
    overwrite_peer: flag(1, {
      until: '8.3.7',
      default: false,
      doc: 'Old name of primary_force: promote although the data is not known to be current.',
    }),
    primary_force: flag(1, { since: '8.3.8', ...options.assume_uptodate }),
  }),
});
const secondary = packet(2, 'secondary', {
  kind: 'change',
  doc: 'Take back the right to write from this node; fails while somebody has the device open.',
});
const diskConf = packet(3, 'disk_conf', {
  kind: 'change',
  doc: 'Attach a backing device to the minor.',
  tags: diskTags,
});
const detach = packet(4, 'detach', {
  kind: 'change',
  doc: 'Let go of the backing device.',
  tags: () => ({ detach_force: flag(88, { since: '8.3.12', mandatory: true, ...options.force_detach }) }),
});
const netConf = packet(5, 'net_conf', {
  kind: 'change',
  doc: 'Set up the link to the peer and begin to connect.',
  tags: netTags,
  retired: [12, 13, 23],
});
const disconnect = packet(6, 'disconnect', {
  kind: 'change',
  doc: 'Take down the link to the peer.',
  tags: () => ({ force: flag(84, { since: '8.3.10', ...options.force_disconnect }) }),
});
const resize = packet(7, 'resize', {
  kind: 'change',
  doc: 'Adopt a new size of the backing devices while in use.',
  tags: () => ({
    resize_size: u64(29, options.resize_size),
    resize_force: flag(68, { since: '8.3.7', ...options.resize_force }),
    no_resync: flag(69, { since: '8.3.8', mandatory: true, ...options.no_resync }),
  }),
});
const syncerConf = packet(8, 'syncer_conf', {
  kind: 'change',
  doc: 'Set how resync, verification and the activity log work.',
  tags: syncerTags,
});
const invalidate = packet(9, 'invalidate', {
  kind: 'change',
  doc: "Throw away this node's data and copy all of the peer's.",
});
const invalidatePeer = packet(10, 'invalidate_peer', {
  kind: 'change',
  doc: "Throw away the peer's data and copy all of this node's.",
});
const pauseSync = packet(11, 'pause_sync', {
  kind: 'change',
  doc: 'Hold the resync on behalf of the user of this node.',
});
const resumeSync = packet(12, 'resume_sync', { kind: 'change', doc: "Take back this node's own hold on the resync." });
const suspendIo = packet(13, 'suspend_io', {
  kind: 'change',
  doc: 'Freeze all requests of applications to the device.',
});
const resumeIo = packet(14, 'resume_io', { kind: 'change', doc: 'Let frozen requests of applications go on.' });
const outdate = packet(15, 'outdate', {
  kind: 'change',
  doc: "Mark this node's data as known to be behind the peer's.",
});
const getConfig = packet(16, 'get_config', {
  kind: 'read',
  doc: 'Read the whole configuration of a minor: disk, network and syncer.',
  replyTags: once(() => ({ ...diskTags(), ...netTags(), ...syncerTags() })),
});
const getState = packet(17, 'get_state', {
  kind: 'read',
  doc: 'Read the states of a minor; also what the kernel sends to all listeners at every change of them.',
  tags: stateTag,
  replyTags: { ...stateTag, ...progressTag },
});
const getUuids = packet(18, 'get_uuids', {
  kind: 'read',
  doc: "Read the generations of a minor's data and the flags of its metadata.",
  tags: uuidTags,
  replyTags: uuidTags,
});
const timeoutTags = once(
  () =>
    ({
      use_degraded: u8(36, {
        names: words.timeoutType,
        doc: 'Which of the three waiting times for the peer holds after this start.',
      }),
    }) as const,
);
const getTimeoutFlag = packet(19, 'get_timeout_flag', {
  kind: 'read',
  doc: 'Read which time limit applies to waiting for the peer at start.',
  tags: timeoutTags,
  replyTags: timeoutTags,
});
const callHelper = packet(20, 'call_helper', {
  kind: 'broadcast',
  doc: 'The kernel has called its user-space helper program with this event.',
  tags: () => ({ helper: string(38, options.helper) }),
});
const syncProgress = packet(23, 'sync_progress', {
  kind: 'broadcast',
  since: '8.0.4',
  doc: 'A running resync or verify has advanced.',
  tags: progressTag,
});
const dumpEe = packet(24, 'dump_ee', {
  kind: 'broadcast',
  since: '8.2.2',
  doc: 'A block failed its checksum, with all there is to find out why.',
  tags: () => ({
    dump_ee_reason: string(45, { since: '8.2.2', maxBytes: 32, doc: 'Words for which check found the difference.' }),
    seen_digest: bytes(46, { since: '8.2.2', maxBytes: 64, doc: 'Hash as it was received beside the block.' }),
    calc_digest: bytes(47, {
      since: '8.2.2',
      maxBytes: 64,
      doc: 'Hash as it was computed over the block that arrived.',
    }),
    ee_sector: u64(48, { since: '8.2.2', unit: 'sectors', doc: 'Where on the device the block begins.' }),
    ee_block_id: u64(49, { since: '8.2.2', doc: "Cookie that names the request in the peer's kernel." }),
    ee_data: bytes(50, { since: '8.2.2', maxBytes: 32768, doc: 'The block itself as it arrived, cut at 32 KiB.' }),
  }),
});
const startOv = packet(25, 'start_ov', {
  kind: 'change',
  since: '8.2.2',
  doc: 'Begin an online verification, which compares both sides block by block.',
  tags: () => ({
    start_sector: u64(66, { since: '8.3.2', ...options.ov_start_sector }),
    stop_sector: u64(90, { since: '8.3.14', mandatory: true, ...options.ov_stop_sector }),
  }),
});
const newCUuid = packet(26, 'new_c_uuid', {
  kind: 'change',
  since: '8.2.7',
  doc: 'Begin a new generation of the data, for instance to skip the first resync.',
  tags: () => ({ clear_bm: flag(63, { since: '8.2.7', mandatory: true, ...options.clear_bm }) }),
});
const returnCodeOnly = packet(27, 'return_code_only', {
  kind: 'reply',
  since: '8.3.10',
  doc: 'An answer without tags, to a request whose own packet has some.',
});

/** All packets by their name. Numbers 21 and 22 were never in a release. */
export const packets = {
  primary,
  secondary,
  disk_conf: diskConf,
  detach,
  net_conf: netConf,
  disconnect,
  resize,
  syncer_conf: syncerConf,
  invalidate,
  invalidate_peer: invalidatePeer,
  pause_sync: pauseSync,
  resume_sync: resumeSync,
  suspend_io: suspendIo,
  resume_io: resumeIo,
  outdate,
  get_config: getConfig,
  get_state: getState,
  get_uuids: getUuids,
  get_timeout_flag: getTimeoutFlag,
  call_helper: callHelper,
  sync_progress: syncProgress,
  dump_ee: dumpEe,
  start_ov: startOv,
  new_c_uuid: newCUuid,
  return_code_only: returnCodeOnly,
} as const;
