import { attributeSet, address, flag, string, u32, u64, u64s } from '../../schema';
import * as options from '../options';
import * as words from '../words';

// What the attribute sets of DRBD 8.4 and 9 have in common: the same numbers, and the same meaning.

export const drbdCfgReply = attributeSet(1, 'drbd_cfg_reply', {
  doc: 'What a reply says beside its code.',
  fields: () => ({
    info_text: string(1, { mandatory: true, doc: 'What the kernel has to say about the request, in words.' }),
  }),
});

export const drbdCfgContextFields = () => ({
  ctx_volume: u32(1, { mandatory: true, doc: 'Number of the device within its resource.' }),
  ctx_resource_name: string(2, {
    mandatory: true,
    maxBytes: 128,
    doc: 'Configured name by which administrators know it.',
  }),
  ctx_my_addr: address(3, { mandatory: true, maxBytes: 128, doc: 'Local address of the connection that is meant.' }),
  ctx_peer_addr: address(4, {
    mandatory: true,
    maxBytes: 128,
    doc: 'Remote address of the connection that is meant.',
  }),
});

export const timeoutParms = attributeSet(11, 'timeout_parms', {
  doc: 'Answer to the question for the time limit.',
  fields: () => ({
    timeout_type: u32(1, {
      required: true,
      names: words.timeoutType,
      doc: 'Which of the three waiting times for the peer holds after this start.',
    }),
  }),
});

export const disconnectParms = attributeSet(12, 'disconnect_parms', {
  doc: 'How to take down a link.',
  fields: () => ({
    force_disconnect: flag(1, { mandatory: true, ...options.force_disconnect }),
  }),
});

export const detachParmsFields = () => ({
  force_detach: flag(1, { mandatory: true, ...options.force_detach }),
});

export const newCUuidParmsFields = () => ({
  clear_bm: flag(1, { mandatory: true, ...options.clear_bm }),
});

export const resourceInfoFields = () => ({
  res_role: u32(1, { doc: "This node's part: 1 Primary, 2 Secondary." }),
  res_susp: flag(2, { doc: 'Requests are frozen by the command of a user.' }),
  res_susp_nod: flag(3, { doc: 'Requests are frozen as no reachable node has the data.' }),
  res_susp_fen: flag(4, { doc: 'Requests are frozen until the peer is fenced.' }),
});

export const deviceInfoFields = () => ({
  dev_disk_state: u32(1, { doc: 'State of the local disk, by enum drbd_disk_state.' }),
});

export const connectionInfoFields = () => ({
  conn_connection_state: u32(1, { doc: 'How far the two nodes have connected, by the connection enumeration.' }),
  conn_role: u32(2, { doc: 'What the node at the other end is: primary, secondary or unknown.' }),
});

export const peerDeviceInfoFields = () => ({
  peer_repl_state: u32(1, { doc: 'What replication does for this volume over this link.' }),
  peer_disk_state: u32(2, { doc: 'Quality of the data at the other end, by the disk enumeration.' }),
  peer_resync_susp_user: u32(3, { doc: 'Resync is held by a command that was given on this node.' }),
  peer_resync_susp_peer: u32(4, { doc: 'Resync is held by the other node.' }),
  peer_resync_susp_dependency: u32(5, { doc: 'Resync waits for another one to finish.' }),
});

export const resourceStatisticsFields = () => ({
  res_stat_write_ordering: u32(1, { doc: 'Method that orders writes at present, by enum write_ordering_e.' }),
});

export const deviceStatisticsFields = () => ({
  dev_size: u64(1, { unit: 'sectors', doc: 'Capacity in sectors that applications see.' }),
  dev_read: u64(2, { unit: 'sectors', doc: 'Data read from the backing device so far.' }),
  dev_write: u64(3, { unit: 'sectors', doc: 'Data written to the backing device so far.' }),
  dev_al_writes: u64(4, { doc: 'Number of updates of the activity log so far.' }),
  dev_bm_writes: u64(5, { doc: 'Number of updates of the bitmap so far.' }),
  dev_upper_pending: u32(6, { doc: 'Requests of applications under way.' }),
  dev_lower_pending: u32(7, { doc: 'Requests to the backing device under way.' }),
  dev_upper_blocked: flag(8, { doc: 'DRBD takes no new requests of applications at present.' }),
  dev_lower_blocked: flag(9, { doc: 'The backing device is congested and takes no requests.' }),
  dev_al_suspended: flag(10, { doc: 'Updates of the activity log are switched off at present.' }),
  dev_exposed_data_uuid: u64(11, { doc: 'Generation of the data that applications have seen last.' }),
  dev_current_uuid: u64(12, { doc: "Generation of this node's data." }),
  dev_disk_flags: u32(13, { doc: 'Bits of the metadata, such as consistent, was up to date, crashed as primary.' }),
  history_uuids: u64s(14, { maxBytes: 256, doc: 'Earlier generations of the data, youngest first.' }),
});

export const connectionStatisticsFields = () => ({
  conn_congested: flag(1, { doc: "The network's send buffer is nearly full." }),
});

export const peerDeviceStatisticsFields = () => ({
  peer_dev_received: u64(1, { unit: 'sectors', doc: 'Data received from this peer for the volume so far.' }),
  peer_dev_sent: u64(2, { unit: 'sectors', doc: 'Data sent to this peer for the volume so far.' }),
  peer_dev_pending: u32(3, { doc: 'Requests sent to the peer that it has not answered.' }),
  peer_dev_unacked: u32(4, { doc: 'Requests from the peer that this node has not answered.' }),
  peer_dev_out_of_sync: u64(5, { unit: 'sectors', doc: 'Data known to differ between both sides.' }),
  peer_dev_resync_failed: u64(6, { unit: 'sectors', doc: 'Data that the resync could not copy.' }),
  peer_dev_bitmap_uuid: u64(7, { doc: 'Generation from which on the bitmap counts differences.' }),
  peer_dev_flags: u32(9, { doc: 'Bits about this peer in the metadata, by enum mdf_peer_flag.' }),
});

export const drbdNotificationHeaderFields = () => ({
  nh_type: u32(1, {
    mandatory: true,
    doc: 'What happened to the object: exists, create, change, destroy, call or response; bit 0x8000 if more follow.',
  }),
});

export const drbdHelperInfoFields = () => ({
  helper_name: string(1, {
    mandatory: true,
    maxBytes: 32,
    doc: 'First argument of the program, such as before-resync-target.',
  }),
  helper_status: u32(2, { mandatory: true, doc: 'What the program returned, as a wait status.' }),
});
