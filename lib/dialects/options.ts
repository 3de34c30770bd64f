import * as words from './words';

// What is true of an option wherever a dialect has it; a table adds its number there, and what it has otherwise.

/** Longest values in bytes on the wire: of paths and addresses, of algorithms, of masks and words. */
const PATH_BYTES = 128;
const ALGORITHM_BYTES = 64;
const WORD_BYTES = 32;

export const disk_size = {
  unit: 'sectors',
  min: 0n,
  max: 2n ** 41n,
  default: 0n,
  doc: 'How much of the backing device to use; 0 takes all that fits.',
} as const;
export const backing_dev = {
  maxBytes: PATH_BYTES,
  doc: 'Path of the block device that stores the data below DRBD.',
} as const;
export const meta_dev = {
  maxBytes: PATH_BYTES,
  doc: 'Path of the block device with the metadata; the data device itself for internal metadata.',
} as const;
export const meta_dev_idx = {
  min: -3,
  max: 0x7fffffff,
  names: words.metaDeviceIndex,
  doc: 'Slot of an indexed metadata device, or a negative mode for internal and flexible layouts.',
} as const;
export const on_io_error = {
  names: words.onIoError,
  default: 0,
  doc: 'What happens when the lower disk reports a failed read or write.',
} as const;
export const fencing = {
  names: words.fencing,
  default: 0,
  doc: 'Whether a lost peer must be outdated or shot before this node goes on.',
} as const;
export const max_bio_bvecs = {
  min: 0,
  max: 128,
  default: 0,
  doc: 'Most segments that one request to the lower device may have; 0 sets no limit.',
} as const;
export const disk_timeout = {
  unit: 'deciseconds',
  min: 0,
  max: 6000,
  default: 0,
  doc: 'Longest time a lower device may take over a request before it counts as failed; 0 waits for ever.',
} as const;
export const my_addr = {
  maxBytes: PATH_BYTES,
  doc: 'Socket address on which this node listens for its peer.',
} as const;
export const peer_addr = {
  maxBytes: PATH_BYTES,
  doc: 'Socket address under which the other node is reached.',
} as const;
export const shared_secret = {
  secret: true,
  maxBytes: ALGORITHM_BYTES,
  doc: 'Password with which both nodes prove to each other who they are.',
} as const;
export const cram_hmac_alg = {
  maxBytes: ALGORITHM_BYTES,
  doc: "Hash of the kernel's crypto API that authenticates the peer; empty for none.",
} as const;
export const timeout = {
  unit: 'deciseconds',
  min: 1,
  max: 600,
  default: 60,
  doc: 'Longest time the peer may take to answer before the link counts as dead.',
} as const;
export const wire_protocol = {
  names: words.wireProtocol,
  doc: 'When a write counts as done: sent (A), received (B) or on the peer disk (C).',
} as const;
export const connect_int = {
  unit: 'seconds',
  min: 1,
  max: 120,
  default: 10,
  doc: 'Pause between two attempts to reach a peer that does not answer.',
} as const;
export const ping_int = {
  unit: 'seconds',
  min: 1,
  max: 120,
  default: 10,
  doc: 'Idle time after which a keep-alive is sent to the peer.',
} as const;
export const max_epoch_size = {
  unit: 'requests',
  min: 1,
  max: 20000,
  default: 2048,
  doc: 'Most writes between two ordering barriers.',
} as const;
export const max_buffers = {
  unit: 'buffers',
  min: 32,
  max: 131072,
  default: 2048,
  doc: 'Most pages that incoming data may occupy on the receiving side.',
} as const;
export const unplug_watermark = {
  unit: 'requests',
  min: 1,
  max: 131072,
  default: 128,
  doc: 'Number of pending writes at which the secondary kicks its lower device.',
} as const;
export const sndbuf_size = {
  unit: 'bytes',
  min: 0,
  max: 10485760,
  default: 0,
  doc: "Size of the TCP send buffer; 0 lets the kernel's tuning decide.",
} as const;
export const ko_count = {
  min: 0,
  max: 200,
  default: 0,
  doc: 'How often a write may time out before the peer is expelled; 0 never does.',
} as const;
export const after_sb_0p = {
  names: words.afterSplitBrain0,
  default: 0,
  doc: 'Automatic repair of a split brain in which no node is primary.',
} as const;
export const after_sb_1p = {
  names: words.afterSplitBrain1,
  default: 0,
  doc: 'Automatic repair of a split brain in which one node is primary.',
} as const;
export const after_sb_2p = {
  names: words.afterSplitBrain2,
  default: 0,
  doc: 'Automatic repair of a split brain in which both nodes are primary.',
} as const;
export const discard_my_data = {
  default: false,
  doc: "Give up this node's changes when a split brain is found at connecting (discard-my-data).",
} as const;
export const two_primaries = {
  default: false,
  doc: 'Allow both nodes to be primary at the same time, for cluster file systems.',
} as const;
export const rr_conflict = {
  names: words.resyncRoleConflict,
  default: 0,
  doc: 'What happens when a resync would overwrite the data of a primary.',
} as const;
export const ping_timeo = {
  unit: 'deciseconds',
  min: 1,
  max: 300,
  default: 5,
  doc: 'How long the answer to a keep-alive may take before the peer counts as dead.',
} as const;
export const always_asbp = {
  default: false,
  doc: 'Apply the split-brain policies even where the generations alone would forbid it.',
} as const;
export const integrity_alg = {
  maxBytes: ALGORITHM_BYTES,
  doc: 'Hash that guards replicated blocks on the network against corruption; empty for none.',
} as const;
export const rcvbuf_size = {
  unit: 'bytes',
  min: 0,
  max: 10485760,
  default: 0,
  doc: "Size of the TCP receive buffer; 0 lets the kernel's tuning decide.",
} as const;
export const tentative = {
  default: false,
  doc: 'Only find out what connecting would do to the data, then disconnect.',
} as const;
export const on_congestion = {
  names: words.onCongestion,
  default: 0,
  doc: 'What protocol A does when the network cannot keep up.',
} as const;
export const cong_fill = {
  unit: 'sectors',
  min: 0,
  max: 20971520,
  default: 0,
  doc: 'Amount of data in flight from which the link counts as congested; 0 never.',
} as const;
export const cong_extents = {
  unit: 'extents',
  min: 7,
  max: 3833,
  default: 127,
  doc: 'Number of active extents from which the link counts as congested.',
} as const;
export const resync_rate = {
  unit: 'KiB/s',
  min: 1,
  max: 4194304,
  default: 250,
  doc: 'Fixed speed of resync where no dynamic control is on.',
} as const;
export const resync_after = {
  min: -1,
  max: 255,
  default: -1,
  doc: 'Minor whose resync must be finished before this one begins; -1 waits for none.',
} as const;
export const al_extents = {
  unit: 'extents',
  min: 7,
  max: 3833,
  default: 127,
  doc: 'Size of the activity log: regions of 4 MiB that may be hot at the same time.',
} as const;
export const cpu_mask = {
  maxBytes: WORD_BYTES,
  doc: "Hexadecimal set of processors for this device's kernel threads; empty for the default.",
} as const;
export const verify_alg = {
  maxBytes: ALGORITHM_BYTES,
  doc: 'Hash that online verification compares blocks with; empty forbids it.',
} as const;
export const csums_alg = {
  maxBytes: ALGORITHM_BYTES,
  doc: 'Hash by which a resync skips blocks that are already equal; empty copies all.',
} as const;
export const use_rle = {
  default: false,
  doc: 'Compress the bitmap by run lengths when it is exchanged at connecting.',
} as const;
export const on_no_data = {
  names: words.onNoData,
  default: 0,
  doc: 'What applications see when neither this node nor its peer has the data.',
} as const;
export const c_plan_ahead = {
  unit: 'deciseconds',
  min: 0,
  max: 300,
  default: 0,
  doc: 'How far the dynamic resync controller looks ahead; 0 turns it off.',
} as const;
export const c_delay_target = {
  unit: 'deciseconds',
  min: 1,
  max: 100,
  default: 10,
  doc: 'Delay on the link that the resync controller aims at.',
} as const;
export const c_fill_target = {
  unit: 'sectors',
  min: 0,
  max: 1048576,
  default: 0,
  doc: 'Amount of data in flight that the resync controller aims at; 0 aims at a delay.',
} as const;
export const c_max_rate = {
  unit: 'KiB/s',
  min: 250,
  max: 4194304,
  default: 102400,
  doc: 'Highest speed that the resync controller may choose.',
} as const;
export const c_min_rate = {
  unit: 'KiB/s',
  min: 0,
  max: 4194304,
  default: 4096,
  doc: 'Speed below which resync does not yield to applications; 0 always yields.',
} as const;
export const uuids = {
  maxBytes: 32,
  doc: 'Generations of the data: current, bitmap and two of the history, in this order.',
} as const;
export const assume_uptodate = {
  default: false,
  doc: 'Promote although the data is not known to be current; it then counts as good.',
} as const;
export const force_detach = {
  default: false,
  doc: 'Do not wait for requests that the lower device still has.',
} as const;
export const force_disconnect = { default: false, doc: 'Disconnect without asking the peer for its consent.' } as const;
export const resize_size = {
  unit: 'sectors',
  min: 0n,
  max: 2n ** 41n,
  default: 0n,
  doc: 'Wanted size of the device; 0 takes all that both sides have.',
} as const;
export const resize_force = {
  default: false,
  doc: 'Resize without a connected peer, in trust that its disk has grown too.',
} as const;
export const no_resync = {
  default: false,
  doc: 'Take the new space as equal on both nodes instead of copying it.',
} as const;
export const helper = {
  maxBytes: WORD_BYTES,
  doc: 'First argument of the program, such as before-resync-target.',
} as const;
export const ov_start_sector = {
  unit: 'sectors',
  doc: 'Where to begin; where the last one stopped if absent.',
} as const;
export const ov_stop_sector = { unit: 'sectors', doc: 'Where to end; the end of the device if absent.' } as const;
export const clear_bm = {
  default: false,
  doc: 'Also forget all differences to the peer: both sides count as equal.',
} as const;
