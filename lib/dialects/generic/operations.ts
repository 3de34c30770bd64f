import { operation, type AttributeSet } from '../../schema';

// The operations that both versions of the family have: those that are the same as they stand here, and of the others
// the number, the kind and what they do.

/** What both versions have, though they name its object in another way, or carry other sets. */
export const sharedRows = {
  new_minor: { number: 5, kind: 'change', doc: 'Create a device with this minor as a volume of a resource.' },
  new_resource: { number: 7, kind: 'change', doc: 'Create a resource under a name that is not taken.' },
  connect: { number: 10, kind: 'change', doc: 'Set up the link to the peer and begin to connect.' },
  disconnect: { number: 11, kind: 'change', doc: 'Take down the link to the peer.' },
  primary: { number: 14, kind: 'change', doc: 'Make the resource writable on this node.' },
  secondary: {
    number: 15,
    kind: 'change',
    doc: 'Take back the right to write from this node; fails while somebody has a device open.',
  },
  start_ov: {
    number: 17,
    kind: 'change',
    doc: 'Begin an online verification, which compares both sides block by block.',
  },
  invalidate: { number: 19, kind: 'change', doc: "Throw away this node's data and copy all of the peer's." },
  inval_peer: { number: 20, kind: 'change', doc: "Throw away the peer's data and copy all of this node's." },
  pause_sync: { number: 21, kind: 'change', doc: 'Hold the resync on behalf of the user of this node.' },
  resume_sync: { number: 22, kind: 'change', doc: "Take back this node's own hold on the resync." },
  suspend_io: { number: 23, kind: 'change', doc: 'Freeze all requests of applications to the device.' },
  get_timeout_type: {
    number: 26,
    kind: 'read',
    doc: 'Read which time limit applies to waiting for the peer at start.',
  },
  chg_net_opts: { number: 29, kind: 'change', doc: 'Change options of a link.' },
  get_devices: { number: 31, kind: 'dump', doc: 'List the devices with their configuration and states.' },
  get_connections: { number: 32, kind: 'dump', doc: 'List the links with their configuration and states.' },
  get_peer_devices: { number: 33, kind: 'dump', doc: 'List what each volume looks like through each link.' },
  connection_state: { number: 36, kind: 'notification', doc: 'A link came, changed or went.' },
  get_initial_state: {
    number: 38,
    kind: 'dump',
    doc: 'Read all objects as one consistent series of notifications, closed by one of its own.',
  },
} as const;

type SharedSet =
  | 'detach_parms'
  | 'device_info'
  | 'device_statistics'
  | 'disk_conf'
  | 'drbd_cfg_context'
  | 'drbd_cfg_reply'
  | 'drbd_helper_info'
  | 'drbd_notification_header'
  | 'new_c_uuid_parms'
  | 'peer_device_info'
  | 'peer_device_statistics'
  | 'res_opts'
  | 'resize_parms'
  | 'resource_info'
  | 'resource_statistics';

/**
 * @param sets of the version
 * @param observed since when there are the messages that only observe, where that is not the first release
 * @returns the operations that are the same in both
 */
export function sharedOperations<S extends Readonly<Record<SharedSet, AttributeSet>>>(
  sets: S,
  observed: { readonly since?: string } = {},
) {
  // A property of `sets` would have the type that it has at least, and not its own.
  const set = <K extends SharedSet>(name: K): S[K] => sets[name];
  const context = set('drbd_cfg_context');
  /** What names an object in the context. */
  const resourceName = ['ctx_resource_name'];
  /** What the answer to a change carries. */
  const reply = { drbd_cfg_reply: set('drbd_cfg_reply') };
  return {
    del_minor: operation(6, 'del_minor', {
      kind: 'change',
      minor: true,
      doc: 'Remove a device that has neither disk nor connection.',
      request: { context },
      reply,
    }),
    del_resource: operation(8, 'del_resource', {
      kind: 'change',
      doc: 'Remove a resource without volumes and connections.',
      request: { context },
      required: ['context'],
      needs: resourceName,
      reply,
    }),
    resource_opts: operation(9, 'resource_opts', {
      kind: 'change',
      doc: 'Change how a resource behaves: processors, and what it does without data.',
      request: { context, res_opts: set('res_opts') },
      required: ['context'],
      needs: resourceName,
      partial: true,
      reply,
    }),
    attach: operation(12, 'attach', {
      kind: 'change',
      minor: true,
      doc: 'Attach a backing device to a volume.',
      request: { context, disk_conf: set('disk_conf') },
      required: ['disk_conf'],
      reply,
    }),
    resize: operation(13, 'resize', {
      kind: 'change',
      minor: true,
      doc: 'Adopt a new size of the backing devices while in use.',
      request: { context, resize_parms: set('resize_parms') },
      reply,
    }),
    new_c_uuid: operation(16, 'new_c_uuid', {
      kind: 'change',
      minor: true,
      doc: 'Begin a new generation of the data, for instance to skip the first resync.',
      request: { context, new_c_uuid_parms: set('new_c_uuid_parms') },
      reply,
    }),
    detach: operation(18, 'detach', {
      kind: 'change',
      minor: true,
      doc: 'Let go of the backing device.',
      request: { context, detach_parms: set('detach_parms') },
      reply,
    }),
    resume_io: operation(24, 'resume_io', {
      kind: 'change',
      minor: true,
      doc: 'Let frozen requests of applications go on.',
      request: { context },
      reply,
    }),
    outdate: operation(25, 'outdate', {
      kind: 'change',
      minor: true,
      doc: "Mark this node's data as known to be behind the peer's.",
      request: { context },
      reply,
    }),
    down: operation(27, 'down', {
      kind: 'change',
      doc: 'Take down a resource with all its links, disks and devices.',
      request: { context },
      required: ['context'],
      needs: resourceName,
      reply,
    }),
    chg_disk_opts: operation(28, 'chg_disk_opts', {
      kind: 'change',
      minor: true,
      doc: 'Change options of an attached disk.',
      request: { context, disk_conf: set('disk_conf') },
      partial: true,
      reply,
    }),
    get_resources: operation(30, 'get_resources', {
      ...observed,
      kind: 'dump',
      doc: 'List the resources with their options and states.',
      request: { context },
      reply: {
        context,
        res_opts: set('res_opts'),
        resource_info: set('resource_info'),
        resource_statistics: set('resource_statistics'),
      },
    }),
    resource_state: operation(34, 'resource_state', {
      ...observed,
      kind: 'notification',
      doc: 'A resource came, changed or went.',
      reply: {
        context,
        drbd_notification_header: set('drbd_notification_header'),
        resource_info: set('resource_info'),
        resource_statistics: set('resource_statistics'),
      },
    }),
    device_state: operation(35, 'device_state', {
      ...observed,
      kind: 'notification',
      minor: true,
      doc: 'A device came, changed or went.',
      reply: {
        context,
        drbd_notification_header: set('drbd_notification_header'),
        device_info: set('device_info'),
        device_statistics: set('device_statistics'),
      },
    }),
    peer_device_state: operation(37, 'peer_device_state', {
      ...observed,
      kind: 'notification',
      minor: true,
      doc: 'A volume as seen through a link came, changed or went.',
      reply: {
        context,
        drbd_notification_header: set('drbd_notification_header'),
        peer_device_info: set('peer_device_info'),
        peer_device_statistics: set('peer_device_statistics'),
      },
    }),
    helper: operation(40, 'helper', {
      ...observed,
      kind: 'notification',
      doc: 'The kernel calls its helper program, or that has returned.',
      reply: {
        context,
        drbd_notification_header: set('drbd_notification_header'),
        drbd_helper_info: set('drbd_helper_info'),
      },
    }),
    initial_state_done: operation(41, 'initial_state_done', {
      ...observed,
      kind: 'notification',
      doc: 'The series of notifications about what exists is complete.',
      reply: { drbd_notification_header: set('drbd_notification_header') },
    }),
  } as const;
}
