import { operation } from '../../schema';
import { sharedOperations, sharedRows } from '../generic/operations';
import { attributeSets as sets } from './attributes';

// The operations of DRBD 8.4.0 to 8.4.11 (linux/drbd_genl.h).

const context = sets.drbd_cfg_context;
/** What names an object in the context (drbd_adm_prepare). */
const resourceName = ['ctx_resource_name'];
const volumeName = [...resourceName, 'ctx_volume'];
const link = ['ctx_my_addr', 'ctx_peer_addr'];
/** What the answer to a change carries. */
const reply = { drbd_cfg_reply: sets.drbd_cfg_reply };

/** All operations by their name, in lower case and without its prefix. */
export const operations = {
  ...sharedOperations(sets, { since: '8.4.6' }),
  event: operation(1, 'event', {
    kind: 'notification',
    minor: true,
    doc: 'A device changed, as DRBD 8.4 before 8.4.6 tells it.',
    reply: { context, state_info: sets.state_info, net_conf: sets.net_conf, disk_conf: sets.disk_conf },
  }),
  get_status: operation(2, 'get_status', {
    kind: 'dump',
    minor: true,
    doc: 'Read configuration and states of one device, or of all.',
    request: { context },
    readsOne: true,
    reply: {
      context,
      disk_conf: sets.disk_conf,
      res_opts: sets.res_opts,
      net_conf: sets.net_conf,
      state_info: sets.state_info,
    },
  }),
  new_minor: operation(sharedRows.new_minor.number, 'new_minor', {
    ...sharedRows.new_minor,
    minor: true,
    request: { context },
    required: ['context'],
    needs: volumeName,
    reply,
  }),
  new_resource: operation(sharedRows.new_resource.number, 'new_resource', {
    ...sharedRows.new_resource,
    request: { context, res_opts: sets.res_opts },
    required: ['context'],
    needs: resourceName,
    reply,
  }),
  connect: operation(sharedRows.connect.number, 'connect', {
    ...sharedRows.connect,
    request: { context, net_conf: sets.net_conf },
    required: ['context'],
    needs: [...resourceName, ...link],
    reply,
  }),
  disconnect: operation(sharedRows.disconnect.number, 'disconnect', {
    ...sharedRows.disconnect,
    request: { context, disconnect_parms: sets.disconnect_parms },
    required: ['context'],
    needs: link,
    reply,
  }),
  primary: operation(sharedRows.primary.number, 'primary', {
    ...sharedRows.primary,
    minor: true,
    request: { context, set_role_parms: sets.set_role_parms },
    reply,
  }),
  secondary: operation(sharedRows.secondary.number, 'secondary', {
    ...sharedRows.secondary,
    minor: true,
    request: { context, set_role_parms: sets.set_role_parms },
    reply,
  }),
  start_ov: operation(sharedRows.start_ov.number, 'start_ov', {
    ...sharedRows.start_ov,
    minor: true,
    request: { context, start_ov_parms: sets.start_ov_parms },
    reply,
  }),
  invalidate: operation(sharedRows.invalidate.number, 'invalidate', {
    ...sharedRows.invalidate,
    minor: true,
    request: { context },
    reply,
  }),
  inval_peer: operation(sharedRows.inval_peer.number, 'inval_peer', {
    ...sharedRows.inval_peer,
    minor: true,
    request: { context },
    reply,
  }),
  pause_sync: operation(sharedRows.pause_sync.number, 'pause_sync', {
    ...sharedRows.pause_sync,
    minor: true,
    request: { context },
    reply,
  }),
  resume_sync: operation(sharedRows.resume_sync.number, 'resume_sync', {
    ...sharedRows.resume_sync,
    minor: true,
    request: { context },
    reply,
  }),
  suspend_io: operation(sharedRows.suspend_io.number, 'suspend_io', {
    ...sharedRows.suspend_io,
    minor: true,
    request: { context },
    reply,
  }),
  get_timeout_type: operation(sharedRows.get_timeout_type.number, 'get_timeout_type', {
    ...sharedRows.get_timeout_type,
    minor: true,
    request: { context },
    reply: { ...reply, timeout_parms: sets.timeout_parms },
  }),
  chg_net_opts: operation(sharedRows.chg_net_opts.number, 'chg_net_opts', {
    ...sharedRows.chg_net_opts,
    request: { context, net_conf: sets.net_conf },
    required: ['context'],
    needs: link,
    partial: true,
    reply,
  }),
  get_devices: operation(sharedRows.get_devices.number, 'get_devices', {
    ...sharedRows.get_devices,
    since: '8.4.6',
    request: { context },
    reply: {
      context,
      disk_conf: sets.disk_conf,
      device_info: sets.device_info,
      device_statistics: sets.device_statistics,
    },
  }),
  get_connections: operation(sharedRows.get_connections.number, 'get_connections', {
    ...sharedRows.get_connections,
    since: '8.4.6',
    request: { context },
    reply: {
      context,
      net_conf: sets.net_conf,
      connection_info: sets.connection_info,
      connection_statistics: sets.connection_statistics,
    },
  }),
  get_peer_devices: operation(sharedRows.get_peer_devices.number, 'get_peer_devices', {
    ...sharedRows.get_peer_devices,
    since: '8.4.6',
    request: { context },
    reply: { context, peer_device_info: sets.peer_device_info, peer_device_statistics: sets.peer_device_statistics },
  }),
  connection_state: operation(sharedRows.connection_state.number, 'connection_state', {
    ...sharedRows.connection_state,
    since: '8.4.6',
    reply: {
      context,
      drbd_notification_header: sets.drbd_notification_header,
      connection_info: sets.connection_info,
      connection_statistics: sets.connection_statistics,
    },
  }),
  get_initial_state: operation(sharedRows.get_initial_state.number, 'get_initial_state', {
    ...sharedRows.get_initial_state,
    since: '8.4.6',
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
    },
  }),
} as const;
