import {
  onCongestionPolicies,
  packets,
  returnCodes,
  timeoutTypes,
  type RequestPacketName,
} from '../dialects/connector';
import { encodeStateWord } from '../dialects/state-word';
import { concatBytes } from '../netlink';
import type { FieldTable } from '../schema';
import { sendSizes } from './after-state';
import {
  BLOCKS_PER_LOG_EXTENT,
  dataSectors,
  MDF,
  META_FLEXIBLE_INTERNAL,
  META_INTERNAL,
  metadataPlace,
  smallestMetadataDevice,
  type BackingDevice,
} from './backing-device';
import { Configuration, diskDefaults, encodeTag, netDefaults, syncerDefaults } from './configuration';
import type { AttachedDisk, Device } from './device';
import { fencePeer, requestPing, sendSyncParam } from './receiver';
import { isResync, pauseOthers, resumeOthers, syncProgress } from './resync';
import type { Process } from './scheduler';
import { changeSize, newSize } from './size';
import { C, D, FP, isEmpty, R_PRIMARY, R_SECONDARY, SS, type StateChange } from './state';
import { generation, UI_BITMAP, UI_CURRENT, UUID_JUST_CREATED } from './uuids';

const DECISECOND_MS = 100;
/** Where a verification begins, in sectors, is meant to be a multiple of this. */
const SECTORS_PER_BLOCK = 8n;
const PROTOCOL_A = 1;
const PROTOCOL_C = 3;
/** Most extents of the activity log that fit its 32 KiB, and what stands for too few. */
const MOST_LOG_EXTENTS = 63 * 61;
const FEWEST_LOG_EXTENTS = 7;
const DEFAULT_LOG_EXTENTS = 127;
const SECRET_BYTES = 64;

const E = returnCodes;

/** What a handler answers: the return code, and the tags of a packet that has some. */
export type Answer = number | { readonly tags: Uint8Array };

/** One row of the handler table. */
interface Handler {
  /** Room that the module makes for the tags of an answer, in bytes: without any, the answer is return_code_only. */
  readonly replyBytes: number;
  /** @param tags of the request, as they came */
  run(device: Device, tags: Uint8Array, setDefaults: boolean): Process<Answer> | Answer;
}

const read = (
  device: Device,
  table: FieldTable,
  tags: Uint8Array,
  prepare?: (options: Configuration) => void,
): Configuration | undefined => {
  const options = Configuration.of(table, device.host.release, device.host.order);
  prepare?.(options);
  return options.readTags(tags) ? options : undefined;
};

/** Bytes that the tags of a table can take, each with its header (the _tag_len_struct of drbd_tag_magic.h). */
function roomFor(...tables: readonly FieldTable[]): number {
  const width: Readonly<Record<string, number>> = { u64: 8, s32: 4, u32: 4, u8: 1, flag: 1 };
  return tables
    .flatMap((table) => Object.values(table))
    .reduce((sum, field) => sum + 4 + (width[field.kind] ?? field.maxBytes ?? 0), 0);
}

const change = (run: Handler['run']): Handler => ({ replyBytes: 0, run });
const ordered = (wanted: StateChange): Handler =>
  change(function* (device) {
    return yield* device.requestOrdered(wanted);
  });

/** The handler table (cnd_table of drbd_nl.c): one row for each packet that a client may send. */
export const handlers: { readonly [N in RequestPacketName]: Handler } = {
  primary: change(function* (device, tags) {
    const options = read(device, packets.primary.tags, tags);
    return options === undefined
      ? E.ERR_MANDATORY_TAG
      : yield* setRole(device, R_PRIMARY, options.flag('primary_force'));
  }),
  secondary: change(function* (device) {
    return yield* setRole(device, R_SECONDARY, false);
  }),
  disk_conf: change(attach),
  detach: change(detach),
  net_conf: change(connectPeer),
  disconnect: change(disconnectPeer),
  resize: change(resize),
  syncer_conf: change(configureSyncer),
  invalidate: change(invalidate),
  invalidate_peer: change(invalidatePeer),
  pause_sync: change(function* (device) {
    return (yield* device.requestOrdered({ user_isp: true })) === SS.SS_NOTHING_TO_DO ? E.ERR_PAUSE_IS_SET : E.NO_ERROR;
  }),
  resume_sync: change(function* (device) {
    if ((yield* device.requestOrdered({ user_isp: false })) !== SS.SS_NOTHING_TO_DO) return E.NO_ERROR;
    const { conn, aftr_isp, peer_isp } = device.state;
    if (conn !== C.C_PAUSED_SYNC_S && conn !== C.C_PAUSED_SYNC_T) return E.ERR_PAUSE_IS_CLEAR;
    return aftr_isp ? E.ERR_PIC_AFTER_DEP : peer_isp ? E.ERR_PIC_PEER_DEP : E.ERR_PAUSE_IS_CLEAR;
  }),
  suspend_io: ordered({ susp: true }),
  resume_io: change(function* (device) {
    if (device.newCurrentUuid) {
      device.newCurrentGeneration();
      device.newCurrentUuid = false;
    }
    const result = yield* device.requestOrdered({ susp: false, susp_nod: false, susp_fen: false });
    if (result === SS.SS_SUCCESS && device.state.conn < C.C_CONNECTED) device.forgetUnconfirmed();
    return result;
  }),
  outdate: ordered({ disk: D.D_OUTDATED }),
  get_config: {
    replyBytes: roomFor(packets.disk_conf.tags, packets.net_conf.tags, packets.syncer_conf.tags),
    run: (device) => {
      return {
        tags: concatBytes([
          device.hasDisk() ? (device.disk?.conf.tags() ?? NO_TAGS) : NO_TAGS,
          device.usableNet?.tags() ?? NO_TAGS,
          device.syncer.tags(),
        ]),
      };
    },
  },
  get_state: {
    replyBytes: roomFor(packets.get_state.tags, packets.sync_progress.tags),
    run: (device) => {
      const { order } = device.host;
      const { conn } = device.state;
      const state = encodeTag(packets.get_state.replyTags.state_i, encodeStateWord(device.state, order), order);
      if (conn < C.C_SYNC_SOURCE || conn > C.C_PAUSED_SYNC_T || !device.hasDisk()) return { tags: state };
      return {
        tags: concatBytes([
          state,
          encodeTag(packets.get_state.replyTags.sync_progress, syncProgress(device).perMille, order),
        ]),
      };
    },
  },
  get_uuids: {
    replyBytes: roomFor(packets.get_uuids.tags),
    run: (device) => {
      const { disk, host } = device;
      if (disk === undefined || !device.hasDisk()) return { tags: NO_TAGS };
      const { uuids, flags } = disk.metadata;
      const table = packets.get_uuids.replyTags;
      return {
        tags: concatBytes([encodeTag(table.uuids, uuids, host.order), encodeTag(table.uuids_flags, flags, host.order)]),
      };
    },
  },
  get_timeout_flag: {
    replyBytes: roomFor(packets.get_timeout_flag.tags),
    run: (device) => {
      const type =
        device.state.pdsk === D.D_OUTDATED
          ? timeoutTypes.UT_PEER_OUTDATED
          : device.degradedTimeout
            ? timeoutTypes.UT_DEGRADED
            : timeoutTypes.UT_DEFAULT;
      return { tags: encodeTag(packets.get_timeout_flag.replyTags.use_degraded, type, device.host.order) };
    },
  },
  start_ov: change(function* (device, tags) {
    const options = read(device, packets.start_ov.tags, tags, (defaults) => {
      defaults.set('start_sector', BigInt(Math.max(0, device.progress.verifyStartSector)));
    });
    if (options === undefined) return E.ERR_MANDATORY_TAG;
    yield* waitForBitmap(device);
    // The module means to round down to a block, and clears one bit instead.
    device.progress.verifyStartSector = Number(options.size('start_sector') & ~SECTORS_PER_BLOCK);
    return yield* device.requestOrdered({ conn: C.C_VERIFY_S });
  }),
  new_c_uuid: change(newCurrentUuid),
};

const NO_TAGS = new Uint8Array(0);

/** Waits for the bitmap to be written, of a resync that just ended for instance. */
function* waitForBitmap(device: Device): Process {
  if (device.bitmapIo) yield { until: () => !device.bitmapIo };
}

/** Promotes or demotes (drbd_set_role). */
function* setRole(device: Device, role: number, force: boolean): Process<number> {
  if (role === R_PRIMARY) requestPing(device);
  yield* device.stateMutex.lock();
  try {
    return yield* setRoleLocked(device, role, force);
  } finally {
    device.stateMutex.unlock();
  }
}

/** How often a change of role is tried, with what fencing or force make of it. */
const ROLE_TRIES = 4;

function* setRoleLocked(device: Device, role: number, force: boolean): Process<number> {
  let wanted: StateChange = { role };
  let result: number = SS.SS_UNKNOWN_ERROR;
  let forced = false;
  for (let tries = 1; tries <= ROLE_TRIES; tries++) {
    result = yield* device.requestState(wanted, { wait: true });
    const { state } = device;
    if (result === SS.SS_CW_FAILED_BY_PEER && wanted.pdsk !== undefined) {
      const { pdsk: _pdsk, ...others } = wanted;
      wanted = others;
      continue;
    }
    if (result === SS.SS_NO_UP_TO_DATE_DISK && force && state.disk < D.D_UP_TO_DATE && state.disk >= D.D_INCONSISTENT) {
      wanted = { ...wanted, disk: D.D_UP_TO_DATE };
      forced = true;
      continue;
    }
    if (result === SS.SS_NO_UP_TO_DATE_DISK && state.disk === D.D_CONSISTENT && wanted.pdsk === undefined) {
      const pdsk = yield* fencePeer(device);
      wanted = {
        ...wanted,
        pdsk,
        ...(pdsk === D.D_OUTDATED || pdsk === D.D_INCONSISTENT ? { disk: D.D_UP_TO_DATE } : {}),
      };
      continue;
    }
    if (result === SS.SS_NOTHING_TO_DO) return result;
    if (result === SS.SS_PRIMARY_NOP && wanted.pdsk === undefined) {
      const pdsk = yield* fencePeer(device);
      wanted = { ...wanted, pdsk: force && pdsk > D.D_OUTDATED ? D.D_OUTDATED : pdsk };
      continue;
    }
    if (result === SS.SS_TWO_PRIMARIES) {
      // Perhaps the peer is found dead soon: one more try.
      yield { milliseconds: ((device.net?.number('ping_timeo') ?? 0) + 1) * DECISECOND_MS };
      if (tries < ROLE_TRIES) tries = ROLE_TRIES - 1;
      continue;
    }
    if (result < SS.SS_SUCCESS) {
      result = yield* device.requestState(wanted, { wait: true });
      if (result < SS.SS_SUCCESS) return result;
    }
    break;
  }
  if (result < SS.SS_SUCCESS) return result;
  // Until nothing is on the way to the peer.
  if (device.unconfirmed.size > 0) yield { until: () => device.unconfirmed.size === 0 };
  const uuids = device.hasDisk() ? device.disk?.metadata.uuids : undefined;
  if (role === R_SECONDARY) {
    if (uuids !== undefined) uuids[UI_CURRENT] = generation(uuids[UI_CURRENT]);
  } else {
    device.usableNet?.set('want_lose', false);
    if (uuids !== undefined) {
      if (((device.state.conn < C.C_CONNECTED || device.state.pdsk <= D.D_FAILED) && uuids[UI_BITMAP] === 0n) || forced)
        device.newCurrentGeneration();
      uuids[UI_CURRENT] |= 1n;
    }
  }
  if (device.state.conn >= C.C_WF_REPORT_PARAMS) {
    if (forced) device.sendUuids();
    if (device.clusterStateChange) yield { until: () => !device.clusterStateChange };
    device.sendState();
  }
  return result;
}

/** Before disk and network are configured: the worker must run (drbd_reconfig_start). */
function* beginConfiguration(device: Device): Process {
  if (device.configPending) yield { until: () => !device.configPending };
  device.configPending = true;
  if (device.dying) yield { until: () => !device.dying };
  device.startWorker();
  yield* device.flushWork();
}

/** A minor that is empty still needs no worker (drbd_reconfig_done). */
function endConfiguration(device: Device): void {
  if (isEmpty(device.state)) {
    device.dying = true;
    device.stopWorker();
  } else device.configPending = false;
}

function* attach(device: Device, tags: Uint8Array): Process<number> {
  yield* beginConfiguration(device);
  const result = yield* attachConfigured(device, tags);
  endConfiguration(device);
  return result;
}

/** drbd_nl_disk_conf, in the order of its checks. */
function* attachConfigured(device: Device, tags: Uint8Array): Process<number> {
  const { host } = device;
  if (device.state.disk > D.D_DISKLESS) return E.ERR_DISK_CONFIGURED;
  if (device.disk !== undefined) yield { until: () => device.disk === undefined };
  if (host.outOfMemory()) return E.ERR_NOMEM;
  const conf = diskDefaults(host.release, host.order);
  if (!conf.readTags(tags)) return E.ERR_MANDATORY_TAG;
  const index = conf.number('meta_dev_idx');
  if (index < META_FLEXIBLE_INTERNAL) return E.ERR_MD_IDX_INVALID;
  if (conf.number('fencing') === FP.FP_STONITH && device.usableNet?.number('wire_protocol') === PROTOCOL_A)
    return E.ERR_STONITH_AND_PROT_A;
  const data = host.backingDevice(conf.text('backing_dev'));
  if (data === undefined || !data.claim(device.minor)) return E.ERR_OPEN_DISK;
  const meta = host.backingDevice(conf.text('meta_dev'));
  if (meta === undefined || !meta.claim(index < 0 ? device.minor : 'metadata')) {
    data.release();
    return E.ERR_OPEN_MD_DISK;
  }
  const refuse = (code: number): number => {
    data.release();
    meta.release();
    return code;
  };
  if ((data === meta) !== (index === META_INTERNAL || index === META_FLEXIBLE_INTERNAL))
    return refuse(E.ERR_MD_IDX_INVALID);
  const capacity = dataSectors(index, data, meta);
  if (BigInt(capacity) < conf.size('disk_size')) return refuse(E.ERR_DISK_TOO_SMALL);
  if (meta.sectors < smallestMetadataDevice(index)) return refuse(E.ERR_MD_DISK_TOO_SMALL);
  if (capacity < device.sectors) return refuse(E.ERR_DISK_TOO_SMALL);
  yield* device.flushWork();
  const result = yield* device.requestState({ disk: D.D_ATTACHING });
  if (result < SS.SS_SUCCESS) return refuse(result);
  const code = adopt(device, conf, index, data, meta);
  if (code !== E.NO_ERROR) {
    if (device.disk === undefined) refuse(code);
    device.forceState({ disk: D.D_FAILED });
  }
  return code;
}

/** Reads the metadata and takes the disk over. @returns NO_ERROR, or why the minor is to be diskless again */
function adopt(device: Device, conf: Configuration, index: number, data: BackingDevice, meta: BackingDevice): number {
  const { host, state } = device;
  if (host.outOfMemory()) return E.ERR_NOMEM;
  if (meta.broken) return E.ERR_IO_MD_DISK;
  const metadata = meta.metadata(metadataPlace(index));
  if (metadata === undefined) return E.ERR_MD_INVALID;
  device.syncer.set('al_extents', metadata.logExtents < FEWEST_LOG_EXTENTS ? DEFAULT_LOG_EXTENTS : metadata.logExtents);
  if (
    state.conn < C.C_CONNECTED &&
    state.role === R_PRIMARY &&
    generation(device.effectiveUuid) !== generation(metadata.uuids[UI_CURRENT])
  )
    return E.ERR_DATA_NOT_CURRENT;
  const disk: AttachedDisk = { conf, index, data, meta, metadata, knownSectors: data.sectors };
  const has = (flag: number): boolean => (metadata.flags & flag) !== 0;
  if (has(MDF.MDF_CONSISTENT) && newSize(device, disk, false) < metadata.agreedSectors) return E.ERR_DISK_TOO_SMALL;
  device.disk = disk;
  device.crashedPrimary = has(MDF.MDF_CRASHED_PRIMARY);
  const crashed = has(MDF.MDF_PRIMARY_IND) && !(state.role === R_PRIMARY && state.susp_nod);
  if (crashed) device.crashedPrimary = true;
  device.counters = { ...device.counters, sent: 0, received: 0, read: 0, written: 0 };
  device.degradedTimeout = state.role !== R_PRIMARY && has(MDF.MDF_PRIMARY_IND) && !has(MDF.MDF_CONNECTED_IND);
  const size = changeSize(device, { forced: false, withoutResync: false });
  if (size === 'failed') return E.ERR_NOMEM_BITMAP;
  if (size === 'grew') device.resyncAfterNegotiation = true;
  if (has(MDF.MDF_FULL_SYNC)) device.setAllDirty();
  if (crashed)
    for (const extent of metadata.hotExtents)
      device.setDirty(extent * BLOCKS_PER_LOG_EXTENT, (extent + 1) * BLOCKS_PER_LOG_EXTENT);
  if (device.dirtyBlocks === device.blocks && state.conn < C.C_CONNECTED) device.logSuspended = true;
  const pdsk = has(MDF.MDF_PEER_OUT_DATED) ? D.D_OUTDATED : device.state.pdsk;
  const trusted = pdsk === D.D_OUTDATED || conf.number('fencing') === FP.FP_DONT_CARE;
  const good = trusted ? D.D_UP_TO_DATE : D.D_CONSISTENT;
  const byMetadata = {
    disk: !has(MDF.MDF_CONSISTENT) ? D.D_INCONSISTENT : has(MDF.MDF_WAS_UP_TO_DATE) ? good : D.D_OUTDATED,
    pdsk,
  };
  const connected = device.state.conn === C.C_CONNECTED;
  if (connected) {
    // What the disk becomes is settled with the peer.
    device.negotiated = byMetadata;
    device.peerUuids = undefined;
  }
  const result = device.changeState(connected ? { disk: D.D_NEGOTIATING } : byMetadata);
  if (result < SS.SS_SUCCESS) return result;
  metadata.uuids[UI_CURRENT] =
    device.state.role === R_PRIMARY ? metadata.uuids[UI_CURRENT] | 1n : generation(metadata.uuids[UI_CURRENT]);
  return E.NO_ERROR;
}

function* detach(device: Device, tags: Uint8Array): Process<number> {
  const options = read(device, packets.detach.tags, tags);
  if (options === undefined) return E.ERR_MANDATORY_TAG;
  if (options.flag('detach_force')) {
    device.forceState({ disk: D.D_FAILED });
    return SS.SS_SUCCESS;
  }
  const result = yield* device.requestOrdered({ disk: D.D_FAILED });
  yield { until: () => device.state.disk !== D.D_FAILED };
  return result === SS.SS_IS_DISKLESS ? SS.SS_NOTHING_TO_DO : result;
}

function* connectPeer(device: Device, tags: Uint8Array): Process<number> {
  yield* beginConfiguration(device);
  const result = yield* connectConfigured(device, tags);
  endConfiguration(device);
  return result;
}

/** drbd_nl_net_conf, in the order of its checks. */
function* connectConfigured(device: Device, tags: Uint8Array): Process<number> {
  const { host, state } = device;
  if (state.conn > C.C_STANDALONE) return E.ERR_NET_CONFIGURED;
  if (host.outOfMemory()) return E.ERR_NOMEM;
  const net = netDefaults(host.release, host.order);
  if (!net.readTags(tags)) return E.ERR_MANDATORY_TAG;
  const protocol = net.number('wire_protocol');
  if (net.flag('two_primaries') && protocol !== PROTOCOL_C) return E.ERR_NOT_PROTO_C;
  if (device.hasDisk() && protocol === PROTOCOL_A && device.fencing === FP.FP_STONITH) return E.ERR_STONITH_AND_PROT_A;
  if (net.number('on_congestion') !== onCongestionPolicies.OC_BLOCK && protocol !== PROTOCOL_A)
    return E.ERR_CONG_NOT_PROTO_A;
  if (state.role === R_PRIMARY && net.flag('want_lose')) return E.ERR_DISCARD;
  const taken = addressConflict(device, net);
  if (taken !== E.NO_ERROR) return taken;
  const hmac = net.text('cram_hmac_alg');
  if (hmac !== '' && !host.algorithms.has(`hmac(${hmac})`)) return E.ERR_AUTH_ALG;
  const integrity = net.text('integrity_alg');
  if (integrity !== '' && !host.algorithms.has(integrity)) return E.ERR_INTEGRITY_ALG;
  net.limitText('shared_secret', SECRET_BYTES - 1);
  yield* device.flushWork();
  if (device.net !== undefined) return E.ERR_NET_CONFIGURED;
  device.net = net;
  device.counters = { ...device.counters, sent: 0, received: 0 };
  return device.changeState({ conn: C.C_UNCONNECTED });
}

/** Another minor with one of the addresses, to the byte; the padding of an IPv4 address counts. */
function addressConflict(device: Device, net: Configuration): number {
  for (const other of device.host.devices()) {
    const { usableNet } = other;
    if (other === device || usableNet === undefined) continue;
    const same = (name: string): boolean => {
      const mine = net.bytes(name);
      const theirs = usableNet.bytes(name);
      return mine.length === theirs.length && mine.every((byte, at) => byte === theirs[at]);
    };
    if (same('peer_addr')) return E.ERR_PEER_ADDR;
    if (same('my_addr')) return E.ERR_LOCAL_ADDR;
  }
  return E.NO_ERROR;
}

function* disconnectPeer(device: Device, tags: Uint8Array): Process<number> {
  const options = read(device, packets.disconnect.tags, tags);
  if (options === undefined) return E.ERR_MANDATORY_TAG;
  if (options.flag('force')) {
    if (device.state.conn >= C.C_WF_CONNECTION) device.forceState({ conn: C.C_DISCONNECTING });
    return E.NO_ERROR;
  }
  let result = yield* device.requestState({ conn: C.C_DISCONNECTING }, { wait: true, serialize: true });
  if (result === SS.SS_NOTHING_TO_DO || result === SS.SS_ALREADY_STANDALONE) return E.NO_ERROR;
  if (result === SS.SS_PRIMARY_NOP)
    result = yield* device.requestOrdered({ conn: C.C_DISCONNECTING, pdsk: D.D_OUTDATED });
  else if (result === SS.SS_CW_FAILED_BY_PEER) {
    result = yield* device.requestState(
      { conn: C.C_DISCONNECTING, disk: D.D_OUTDATED },
      { wait: true, serialize: true },
    );
    if (result === SS.SS_IS_DISKLESS || result === SS.SS_LOWER_THAN_OUTDATED) {
      device.forceState({ conn: C.C_DISCONNECTING });
      result = SS.SS_SUCCESS;
    }
  }
  if (result < SS.SS_SUCCESS) return result;
  yield { until: () => device.state.conn !== C.C_DISCONNECTING };
  return E.NO_ERROR;
}

function resize(device: Device, tags: Uint8Array): number {
  const options = read(device, packets.resize.tags, tags);
  if (options === undefined) return E.ERR_MANDATORY_TAG;
  const { state, disk } = device;
  if (state.conn > C.C_CONNECTED) return E.ERR_RESIZE_RESYNC;
  if (state.role === R_SECONDARY && state.peer === R_SECONDARY) return E.ERR_NO_PRIMARY;
  if (disk === undefined || !device.hasDisk()) return E.ERR_NO_DISK;
  disk.knownSectors = disk.data.sectors;
  disk.conf.set('disk_size', options.size('resize_size'));
  const how = { forced: options.flag('resize_force'), withoutResync: options.flag('no_resync') };
  const size = changeSize(device, how);
  if (size === 'failed') return E.ERR_NOMEM_BITMAP;
  if (state.conn === C.C_CONNECTED) {
    if (size === 'grew') device.resizePending = true;
    device.sendUuids();
    sendSizes(device, { ...how, trigger: true });
  }
  return E.NO_ERROR;
}

function configureSyncer(device: Device, tags: Uint8Array, setDefaults: boolean): number {
  const { host, state } = device;
  if (host.outOfMemory()) return E.ERR_NOMEM;
  const syncer = setDefaults ? syncerDefaults(host.release, host.order) : device.syncer.copy();
  if (!syncer.readTags(tags)) return E.ERR_MANDATORY_TAG;
  const checksums = syncer.text('csums_alg');
  const verify = syncer.text('verify_alg');
  if (isResync(state.conn)) {
    if (checksums !== device.syncer.text('csums_alg')) return E.ERR_CSUMS_RESYNC_RUNNING;
  } else if (checksums !== '' && !host.algorithms.has(checksums)) return E.ERR_CSUMS_ALG;
  if (state.conn === C.C_VERIFY_S || state.conn === C.C_VERIFY_T) {
    if (verify !== device.syncer.text('verify_alg')) return E.ERR_VERIFY_RUNNING;
  } else if (verify !== '' && !host.algorithms.has(verify)) return E.ERR_VERIFY_ALG;
  if (!validProcessorMask(syncer.text('cpu_mask'), host.processors)) return E.ERR_CPU_MASK_PARSE;
  if (syncer.number('rate') < 1) syncer.set('rate', 1);
  if (syncer.number('al_extents') < FEWEST_LOG_EXTENTS) syncer.set('al_extents', DEFAULT_LOG_EXTENTS);
  if (syncer.number('al_extents') > MOST_LOG_EXTENTS) syncer.set('al_extents', MOST_LOG_EXTENTS);
  const after = syncer.number('after');
  if (after >= 0) host.ensureDevice(after);
  const refusal = syncAfterError(device, after);
  if (refusal !== E.NO_ERROR) return refusal;
  device.syncer.set('after', after);
  let changed: boolean;
  do {
    changed = pauseOthers(host);
    changed = resumeOthers(host) || changed;
  } while (changed);
  device.syncer = syncer;
  if (device.hasDisk() && device.disk !== undefined) device.disk.metadata.logExtents = syncer.number('al_extents');
  if (device.state.conn >= C.C_CONNECTED) sendSyncParam(device);
  return E.NO_ERROR;
}

/** A list of 32-bit hexadecimal words with commas between them; on one processor nobody looks at it. */
function validProcessorMask(mask: string, processors: number): boolean {
  if (mask === '' || processors <= 1) return true;
  if (!/^[0-9a-f]{1,8}(,[0-9a-f]{1,8})*$/iu.test(mask)) return false;
  const value = mask.split(',').reduce((sum, word) => (sum << 32n) | BigInt(`0x${word}`), 0n);
  return value >> BigInt(processors) === 0n;
}

/** sync_after_error: the chain of minors that wait for each other must end. */
function syncAfterError(device: Device, after: number): number {
  if (after === -1) return E.NO_ERROR;
  let other = after < -1 ? undefined : device.host.device(after);
  if (other === undefined) return E.ERR_SYNC_AFTER;
  for (;;) {
    if (other === device) return E.ERR_SYNC_AFTER_CYCLE;
    const next: number = other.syncer.number('after');
    const found: Device | undefined = next === -1 ? undefined : device.host.device(next);
    if (found === undefined) return E.NO_ERROR;
    other = found;
  }
}

/** drbd_nl_invalidate of 8.3.13 as Linux 3.6 has it: as the target of a full resync, or alone. */
function* invalidate(device: Device): Process<number> {
  yield* waitForBitmap(device);
  yield* device.flushWork();
  let result = yield* device.requestOrdered({ conn: C.C_STARTING_SYNC_T });
  if (result < SS.SS_SUCCESS && result !== SS.SS_NEED_CONNECTION)
    result = yield* device.requestOrdered({ conn: C.C_STARTING_SYNC_T });
  while (result === SS.SS_NEED_CONNECTION) {
    if (device.state.conn < C.C_CONNECTED) result = device.changeState({ disk: D.D_INCONSISTENT });
    if (result !== SS.SS_NEED_CONNECTION) break;
    result = yield* device.requestOrdered({ conn: C.C_STARTING_SYNC_T });
  }
  return result;
}

/** drbd_nl_invalidate_peer of 8.3.13 as Linux 3.6 has it. */
function* invalidatePeer(device: Device): Process<number> {
  yield* waitForBitmap(device);
  yield* device.flushWork();
  let result = yield* device.requestOrdered({ conn: C.C_STARTING_SYNC_S });
  if (result >= SS.SS_SUCCESS) return result;
  if (result !== SS.SS_NEED_CONNECTION || device.state.role !== R_PRIMARY)
    return yield* device.requestOrdered({ conn: C.C_STARTING_SYNC_S });
  result = yield* device.requestOrdered({ pdsk: D.D_INCONSISTENT });
  if (result >= SS.SS_SUCCESS) {
    device.setAllDirty();
    device.logSuspended = true;
  }
  return result;
}

function* newCurrentUuid(device: Device, tags: Uint8Array): Process<number> {
  const options = read(device, packets.new_c_uuid.tags, tags);
  if (options === undefined) return E.ERR_MANDATORY_TAG;
  yield* device.stateMutex.lock();
  try {
    const { disk, state } = device;
    if (disk === undefined || !device.hasDisk()) return E.ERR_NO_DISK;
    const clear = options.flag('clear_bm');
    const skip = state.conn === C.C_CONNECTED && disk.metadata.uuids[UI_CURRENT] === UUID_JUST_CREATED && clear;
    if (!skip && state.conn !== C.C_STANDALONE) return E.ERR_CONNECTED;
    device.rotateUuid(UI_BITMAP, 0n);
    device.newCurrentGeneration();
    if (clear) {
      disk.metadata.dirty.clear();
      device.logSuspended = false;
      if (skip) {
        device.sendUuids(8);
        device.setUuid(UI_BITMAP, 0n);
        device.changeState({ disk: D.D_UP_TO_DATE, pdsk: D.D_UP_TO_DATE });
      }
    }
    return E.NO_ERROR;
  } finally {
    device.stateMutex.unlock();
  }
}
