/** What a return code means to an administrator. */
export interface CodeExplanation {
  /** Why the kernel said it; undefined for a code that is not known here. */
  readonly cause: string | undefined;
  /** What to do next. */
  readonly next: string | undefined;
}

const UNKNOWN: CodeExplanation = Object.freeze({ cause: undefined, next: undefined });

/**
 * Return codes and state-change codes of all dialects by symbolic name: cause, and next step. The numbers differ
 * between dialects; the names do not.
 */
const explanations: Readonly<Record<string, readonly [cause: string, next: string]>> = {
  ERR_LOCAL_ADDR: [
    'the local address is already used by another connection',
    'Give each connection its own local address or port',
  ],
  ERR_PEER_ADDR: [
    'the address of the peer is already used by another connection',
    'Give each connection its own peer address or port',
  ],
  ERR_OPEN_DISK: [
    'the backing device could not be opened',
    'Check that it exists in the namespace of the kernel and that nothing holds it exclusively',
  ],
  ERR_OPEN_MD_DISK: [
    'the device for the metadata could not be opened',
    'Check that it exists and that nothing holds it exclusively',
  ],
  ERR_DISK_NOT_BDEV: ['the backing device is not a block device', 'Name a block device, not a file or directory'],
  ERR_MD_NOT_BDEV: [
    'the device for the metadata is not a block device',
    'Name a block device, not a file or directory',
  ],
  ERR_DISK_TOO_SMALL: [
    'the backing device is too small for the data and the internal metadata',
    'Use a larger device, or put the metadata elsewhere',
  ],
  ERR_MD_DISK_TOO_SMALL: ['the device for the metadata is too small', 'Use a larger device, or a lower index'],
  ERR_BDCLAIM_DISK: [
    'the backing device is claimed: mounted, part of a volume group or RAID, or used by another DRBD',
    'Find its holder with lsblk or in /sys/block/DEVICE/holders',
  ],
  ERR_BDCLAIM_MD_DISK: [
    'the device for the metadata is claimed by something else',
    'Find its holder with lsblk or in /sys/block/DEVICE/holders',
  ],
  ERR_MD_IDX_INVALID: [
    'this index of the metadata does not fit where the metadata is to be',
    'Use a slot number for a shared device, or one of the internal and flexible modes',
  ],
  ERR_IO_MD_DISK: ['reading or writing the metadata failed', 'Check the device for I/O errors in the kernel log'],
  ERR_MD_INVALID: [
    'there is no valid metadata',
    'Create it with drbdmeta create-md; on a device with data, read its manual first',
  ],
  ERR_AUTH_ALG: [
    'the kernel has no such algorithm for authentication',
    'Load its module, or name another keyed hash such as sha1',
  ],
  ERR_AUTH_ALG_ND: [
    'the algorithm for authentication is not a keyed digest',
    'Name a hash that hmac can use, such as sha1',
  ],
  ERR_NOMEM: ['the kernel is out of memory', 'Free memory and try again'],
  ERR_DISCARD: ['a primary cannot discard its own data', 'Demote it first'],
  ERR_DISCARD_IMPOSSIBLE: ['a primary cannot discard its own data', 'Demote it first'],
  ERR_DISK_CONFIGURED: ['the device has a disk already', 'Detach it first, or leave it'],
  ERR_NET_CONFIGURED: ['the connection is configured already', 'Disconnect first, or change its options instead'],
  ERR_MANDATORY_TAG: [
    'the request holds something mandatory that this module does not know, or lacks something that it needs',
    'Compare the release of the module with what the request uses',
  ],
  ERR_MINOR_INVALID: ['the minor does not exist, or is beyond minor_count', 'Create it first; check the number'],
  ERR_INTR: ['the request was interrupted by a signal', 'Try again'],
  ERR_RESIZE_RESYNC: ['the size cannot change during a resync', 'Wait until it has finished'],
  ERR_NO_PRIMARY: ['one side has to be primary for this', 'Promote one side first'],
  ERR_SYNC_AFTER: ['the minor to resync after does not exist', 'Check the number'],
  ERR_RESYNC_AFTER: ['the minor to resync after does not exist', 'Check the number'],
  ERR_SYNC_AFTER_CYCLE: ['the chain of minors that wait for each other would be a circle', 'Break the circle'],
  ERR_RESYNC_AFTER_CYCLE: ['the chain of minors that wait for each other would be a circle', 'Break the circle'],
  ERR_PAUSE_IS_SET: ['the resync is paused already', 'Nothing is to be done'],
  ERR_PAUSE_IS_CLEAR: ['the resync is not paused', 'Nothing is to be done'],
  ERR_PACKET_NR: ['this module does not know the request', 'It is older than the request, or not what it should be'],
  ERR_NO_DISK: ['the device has no disk', 'Attach one first'],
  ERR_NOT_PROTO_C: ['two primaries need protocol C', 'Connect with protocol C'],
  ERR_NOMEM_BITMAP: ['there is no memory for the bitmap', 'Free memory and try again'],
  ERR_INTEGRITY_ALG: ['the kernel has no such algorithm for data integrity', 'Load its module, or name another'],
  ERR_INTEGRITY_ALG_ND: ['the algorithm for data integrity is not a digest', 'Name a digest such as crc32c or md5'],
  ERR_CPU_MASK_PARSE: ['the CPU mask is not a hexadecimal bitmap', 'Write it as in /proc/irq/*/smp_affinity'],
  ERR_CSUMS_ALG: ['the kernel has no such algorithm for checksum-based resync', 'Load its module, or name another'],
  ERR_CSUMS_ALG_ND: ['the algorithm for checksum-based resync is not a digest', 'Name a digest such as crc32c or md5'],
  ERR_VERIFY_ALG: ['the kernel has no such algorithm for verify', 'Load its module, or name another'],
  ERR_VERIFY_ALG_ND: ['the algorithm for verify is not a digest', 'Name a digest such as crc32c or md5'],
  ERR_CSUMS_RESYNC_RUNNING: [
    'the algorithm cannot change while a resync uses it',
    'Wait until the resync has finished',
  ],
  ERR_VERIFY_RUNNING: ['the algorithm cannot change while a verify uses it', 'Wait until the verify has finished'],
  ERR_DATA_NOT_CURRENT: [
    'the disk holds other data than this primary has written',
    'Attach the disk that it was detached from',
  ],
  ERR_CONNECTED: ['this cannot be done while connected', 'Disconnect first'],
  ERR_PERM: ['the caller may not do this', 'CAP_SYS_ADMIN is needed (CAP_NET_ADMIN too for 8.4 and 9): run as root'],
  ERR_NEED_APV_93: ['the peer speaks a protocol older than 93, which cannot do this', 'Update the peer'],
  ERR_STONITH_AND_PROT_A: ['fencing resource-and-stonith needs protocol B or C', 'Change one of the two'],
  ERR_CONG_NOT_PROTO_A: ['congestion policies other than block need protocol A', 'Change one of the two'],
  ERR_PIC_AFTER_DEP: [
    'the resync pause was cleared, but another minor that it waits for still resyncs',
    'It starts by itself then',
  ],
  ERR_PIC_PEER_DEP: ['the resync pause was cleared, but the peer still pauses it', 'Resume on the peer'],
  ERR_RES_NOT_KNOWN: ['there is no such resource', 'Check the name; create it first'],
  ERR_RES_IN_USE: ['the resource still has volumes or connections', 'Take them away first'],
  ERR_MINOR_CONFIGURED: ['the minor still has a disk or a connection', 'Detach and disconnect first'],
  ERR_MINOR_OR_VOLUME_EXISTS: ['this minor or this volume exists already', 'Choose another number'],
  ERR_INVALID_REQUEST: ['the request contradicts itself or the state', 'The words of the kernel say in what'],
  ERR_NEED_APV_100: ['the peer speaks a protocol older than 100, which cannot do this', 'Update the peer'],
  ERR_NEED_ALLOW_TWO_PRI: ['both sides are primary', 'Demote one before two primaries are forbidden'],
  ERR_MD_UNCLEAN: ['the metadata was not closed cleanly', 'Run drbdmeta apply-al on it first'],
  ERR_MD_LAYOUT_CONNECTED: ['the layout of the activity log cannot change while connected', 'Disconnect first'],
  ERR_MD_LAYOUT_TOO_BIG: ['the new activity log would be too large', 'Ask for fewer or smaller stripes'],
  ERR_MD_LAYOUT_TOO_SMALL: ['the new activity log would be too small', 'Ask for more or larger stripes'],
  ERR_MD_LAYOUT_NO_FIT: ['the new layout does not fit the device', 'Shrink the data first'],
  ERR_IMPLICIT_SHRINK: ['the device would shrink without being asked to', 'Give the size'],
  ERR_INVALID_PEER_NODE_ID: ['the node id of the peer is not valid', 'Check the number'],
  ERR_CREATE_TRANSPORT: ['the transport could not be created', 'Load its module, such as drbd_transport_tcp'],
  ERR_LOCAL_AND_PEER_ADDR: ['this pair of addresses is already used', 'Give the path another port'],
  ERR_ALREADY_EXISTS: ['it exists already', 'Nothing is to be done'],
  ERR_APV_TOO_LOW: ['a peer speaks a protocol that is too old for this', 'Update the peer'],
  ERR_PATH_COLLISION: ['the path collides with another one', 'Check its addresses'],
  SS_UNKNOWN_ERROR: ['the state change failed, and the kernel does not say why', 'Read the kernel log'],
  SS_TWO_PRIMARIES: [
    'the peer is primary, and two primaries are not allowed',
    'Demote the peer first, or allow two primaries on both sides',
  ],
  SS_NO_UP_TO_DATE_DISK: [
    'no up-to-date disk is within reach',
    'Connect to a peer that has one, or force it if this data is to win',
  ],
  SS_NO_LOCAL_DISK: ['there is no usable local disk', 'Attach one first'],
  SS_NO_REMOTE_DISK: ['the peer has no usable disk', 'Connect, and attach the disk of the peer'],
  SS_CONNECTED_OUTDATES: ['a connected node would be outdated', 'Disconnect first'],
  SS_PRIMARY_NOP: ['a primary cannot do this', 'Demote it first'],
  SS_RESYNC_RUNNING: ['a resync is running', 'Wait until it has finished'],
  SS_ALREADY_STANDALONE: ['it is disconnected already', 'Nothing is to be done'],
  SS_CW_FAILED_BY_PEER: ['the peer refused the change', 'Look at the state and the kernel log of the peer'],
  SS_IS_DISKLESS: ['the device has no disk', 'Attach one first'],
  SS_DEVICE_IN_USE: [
    'something holds the device open',
    'Find it: mounted, swap, /sys/block/drbdN/holders, or a process with the device open',
  ],
  SS_NO_NET_CONFIG: ['there is no network configuration', 'Connect first'],
  SS_NO_VERIFY_ALG: ['no algorithm for verify is set', 'Set verify-alg first'],
  SS_NEED_CONNECTION: ['this needs a connection', 'Connect first, and wait until it is established'],
  SS_LOWER_THAN_OUTDATED: [
    'the disk is in a state below Outdated',
    'It cannot be outdated: it holds less than outdated data',
  ],
  SS_NOT_SUPPORTED: ['the peer does not support this', 'Update the peer'],
  SS_IN_TRANSIENT_STATE: ['another state change is under way', 'Try again in a moment'],
  SS_CONCURRENT_ST_CHG: ['another state change came at the same time', 'Try again in a moment'],
  SS_O_VOL_PEER_PRI: ['another volume of the resource is primary on the peer', 'Demote the peer first'],
  SS_OUTDATE_WO_CONN: ['outdating needs a connection in this state', 'Connect first'],
  SS_INTERRUPTED: ['the request was interrupted by a signal', 'Try again'],
  SS_PRIMARY_READER: ['a peer has the device open for reading', 'Close it there first'],
  SS_TIMEOUT: ['a peer did not answer in time', 'Look at the network and the peer, and try again'],
  SS_WEAKLY_CONNECTED: ['the nodes are not all connected to each other', 'Mend the missing connections'],
  SS_NO_QUORUM: ['there is no quorum', 'Bring back more nodes'],
  SS_ATTACH_NO_BITMAP: [
    'the metadata has no bitmap for a peer that is connected',
    'Create the metadata for more peers',
  ],
  SS_HANDSHAKE_DISCONNECT: ['the handshake ended in a disconnect', 'Read the kernel log on both sides'],
  SS_HANDSHAKE_RETRY: ['the handshake has to be repeated', 'Try again in a moment'],
};

/** @param name symbolic name of a code. @returns cause and next step */
export function explainCode(name: string): CodeExplanation {
  const found = Object.hasOwn(explanations, name) ? explanations[name] : undefined;
  return found === undefined ? UNKNOWN : { cause: found[0], next: found[1] };
}
