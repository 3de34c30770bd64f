import { operation } from '../../schema';
import { sharedOperations, sharedRows } from '../generic/operations';
import { attributeSets as sets } from './attributes';

// The operations of DRBD 9.0.0 to 9.3.3 (linux/drbd_genl.h).

const context = sets.drbd_cfg_context;
/** What names an object in the context (prepare_flags of the header). */
const resourceName = ['ctx_resource_name'];
const volumeName = [...resourceName, 'ctx_volume'];
const connectionName = [...resourceName, 'ctx_peer_node_id'];
const peerDeviceName = [...connectionName, 'ctx_volume'];
/** What the answer to a change carries. */
const reply = { drbd_cfg_reply: sets.drbd_cfg_reply };

/** All operations by their name, in lower case and without its prefix. */
export const operations = {
  ...sharedOperations(sets),
  new_minor: operation(sharedRows.new_minor.number, 'new_minor', {
    ...sharedRows.new_minor,
    minor: true,
    request: { context, device_conf: sets.device_conf },
    required: ['context'],
    needs: volumeName,
    reply,
  }),
  new_resource: operation(sharedRows.new_resource.number, 'new_resource', {
    ...sharedRows.new_resource,
    request: { context, res_opts: sets.res_opts },
    required: ['context', 'res_opts'],
    needs: resourceName,
    reply,
  }),
  connect: operation(sharedRows.connect.number, 'connect', {
    ...sharedRows.connect,
    doc: 'Begin to connect to a peer that has paths.',
    request: { context, connect_parms: sets.connect_parms },
    required: ['context'],
    needs: connectionName,
    reply,
  }),
  disconnect: operation(sharedRows.disconnect.number, 'disconnect', {
    ...sharedRows.disconnect,
    request: { context, disconnect_parms: sets.disconnect_parms },
    required: ['context'],
    needs: connectionName,
    reply,
  }),
  primary: operation(sharedRows.primary.number, 'primary', {
    ...sharedRows.primary,
    request: { context, set_role_parms: sets.set_role_parms },
    required: ['context'],
    needs: resourceName,
    reply,
  }),
  secondary: operation(sharedRows.secondary.number, 'secondary', {
    ...sharedRows.secondary,
    request: { context, set_role_parms: sets.set_role_parms },
    required: ['context'],
    needs: resourceName,
    reply,
  }),
  start_ov: operation(sharedRows.start_ov.number, 'start_ov', {
    ...sharedRows.start_ov,
    request: { context, start_ov_parms: sets.start_ov_parms },
    required: ['context'],
    needs: peerDeviceName,
    reply,
  }),
  invalidate: operation(sharedRows.invalidate.number, 'invalidate', {
    ...sharedRows.invalidate,
    minor: true,
    request: { context, invalidate_parms: sets.invalidate_parms },
    reply,
  }),
  inval_peer: operation(sharedRows.inval_peer.number, 'inval_peer', {
    ...sharedRows.inval_peer,
    request: { context, invalidate_peer_parms: sets.invalidate_peer_parms },
    required: ['context'],
    needs: peerDeviceName,
    reply,
  }),
  pause_sync: operation(sharedRows.pause_sync.number, 'pause_sync', {
    ...sharedRows.pause_sync,
    request: { context },
    required: ['context'],
    needs: peerDeviceName,
    reply,
  }),
  resume_sync: operation(sharedRows.resume_sync.number, 'resume_sync', {
    ...sharedRows.resume_sync,
    request: { context },
    required: ['context'],
    needs: peerDeviceName,
    reply,
  }),
  suspend_io: operation(sharedRows.suspend_io.number, 'suspend_io', {
    ...sharedRows.suspend_io,
    minor: true,
    request: { context, suspend_io_parms: sets.suspend_io_parms },
    reply,
  }),
  get_timeout_type: operation(sharedRows.get_timeout_type.number, 'get_timeout_type', {
    ...sharedRows.get_timeout_type,
    request: { context },
    required: ['context'],
    needs: peerDeviceName,
    reply: { ...reply, timeout_parms: sets.timeout_parms },
  }),
  chg_net_opts: operation(sharedRows.chg_net_opts.number, 'chg_net_opts', {
    ...sharedRows.chg_net_opts,
    request: { context, net_conf: sets.net_conf },
    required: ['context'],
    needs: connectionName,
    partial: true,
    reply,
  }),
  get_devices: operation(sharedRows.get_devices.number, 'get_devices', {
    ...sharedRows.get_devices,
    request: { context },
    reply: {
      context,
      disk_conf: sets.disk_conf,
      device_conf: sets.device_conf,
      device_info: sets.device_info,
      device_statistics: sets.device_statistics,
    },
  }),
  get_connections: operation(sharedRows.get_connections.number, 'get_connections', {
    ...sharedRows.get_connections,
    request: { context },
    reply: {
      context,
      net_conf: sets.net_conf,
      connection_info: sets.connection_info,
      connection_statistics: sets.connection_statistics,
      path_parms: sets.path_parms,
    },
  }),
  get_peer_devices: operation(sharedRows.get_peer_devices.number, 'get_peer_devices', {
    ...sharedRows.get_peer_devices,
    request: { context },
    reply: {
      context,
      peer_device_conf: sets.peer_device_conf,
      peer_device_info: sets.peer_device_info,
      peer_device_statistics: sets.peer_device_statistics,
    },
  }),
  connection_state: operation(sharedRows.connection_state.number, 'connection_state', {
    ...sharedRows.connection_state,
    reply: {
      context,
      drbd_notification_header: sets.drbd_notification_header,
      path_parms: sets.path_parms,
      connection_info: sets.connection_info,
      connection_statistics: sets.connection_statistics,
    },
  }),
  get_initial_state: operation(sharedRows.get_initial_state.number, 'get_initial_state', {
    ...sharedRows.get_initial_state,
    request: { context },
    reply: {
      context,
      drbd_notification_header: sets.drbd_notification_header,
      resource_info: sets.resource_info,
      resource_statistics: sets.resource_statistics,
      device_info: sets.device_info,
      device_statistics: sets.device_statistics,
      connection_info: sets.connection_info,
      connection_statistics: sets.connection_statistics,
      peer_device_info: sets.peer_device_info,
      peer_device_statistics: sets.peer_device_statistics,
      drbd_path_info: sets.drbd_path_info,
    },
  }),
  forget_peer: operation(42, 'forget_peer', {
    kind: 'change',
    doc: 'Free the slot that a former peer has in the metadata.',
    request: { context, forget_peer_parms: sets.forget_peer_parms },
    required: ['context', 'forget_peer_parms'],
    needs: resourceName,
    reply,
  }),
  chg_peer_device_opts: operation(43, 'chg_peer_device_opts', {
    kind: 'change',
    doc: 'Change how resync to a peer works.',
    request: { context, peer_device_conf: sets.peer_device_conf },
    required: ['context'],
    needs: peerDeviceName,
    partial: true,
    reply,
  }),
  new_peer: operation(44, 'new_peer', {
    kind: 'change',
    doc: 'Introduce a peer node with the options of its link.',
    request: { context, net_conf: sets.net_conf },
    required: ['context', 'net_conf'],
    needs: connectionName,
    reply,
  }),
  new_path: operation(45, 'new_path', {
    kind: 'change',
    doc: 'Add a pair of addresses to a link.',
    request: { context, path_parms: sets.path_parms },
    required: ['context', 'path_parms'],
    needs: connectionName,
    reply,
  }),
  del_peer: operation(46, 'del_peer', {
    kind: 'change',
    doc: 'Forget a peer node that is disconnected.',
    request: { context, disconnect_parms: sets.disconnect_parms },
    required: ['context'],
    needs: connectionName,
    reply,
  }),
  del_path: operation(47, 'del_path', {
    kind: 'change',
    doc: 'Remove a pair of addresses from a link.',
    request: { context, path_parms: sets.path_parms },
    required: ['context', 'path_parms'],
    needs: connectionName,
    reply,
  }),
  path_state: operation(48, 'path_state', {
    kind: 'notification',
    since: '9.0.1',
    doc: 'A path came, changed or went.',
    reply: { context, drbd_notification_header: sets.drbd_notification_header, drbd_path_info: sets.drbd_path_info },
  }),
  rename_resource: operation(49, 'rename_resource', {
    kind: 'change',
    since: '9.0.28-1',
    doc: 'Give a resource another name.',
    request: { context, rename_resource_parms: sets.rename_resource_parms },
    required: ['context', 'rename_resource_parms'],
    needs: resourceName,
    reply,
  }),
  get_paths: operation(50, 'get_paths', {
    kind: 'dump',
    since: '9.1.17',
    doc: 'List the pairs of addresses of the links.',
    request: { context },
    reply: { context, drbd_path_info: sets.drbd_path_info },
  }),
} as const;
