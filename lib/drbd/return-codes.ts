import type { Dialect } from './client';

/** What a return code or state-change code says, in words for people who are new to DRBD. */
export interface CodeText {
  /** Why the request failed (or what became of it), as a clause that follows the code's name. */
  readonly meaning: string;
  /** What usually leads to it, the most frequent first. */
  readonly causes: readonly string[];
  /** What to do next, in the imperative. */
  readonly nextStep: string;
}

/** A text that holds in some dialects, or for some requests, only. */
export interface CodeVariant extends Partial<CodeText> {
  readonly dialects?: readonly Dialect[];
  /** Names of requests: packets of the connector, operations of generic netlink. */
  readonly operations?: readonly string[];
}

export interface CodeEntry extends CodeText {
  /** Looked at in order; the first that matches replaces what it has. */
  readonly variants?: readonly CodeVariant[];
}

/** Where a code came from: what is known of it picks the variant. */
export interface CodePlace {
  readonly dialect?: Dialect | undefined;
  /** The name of the request that was answered, such as `primary`. */
  readonly operation?: string | undefined;
}

const text = (
  meaning: string,
  causes: readonly string[],
  nextStep: string,
  variants?: readonly CodeVariant[],
): CodeEntry => ({ meaning, causes, nextStep, ...(variants === undefined ? {} : { variants }) });

/** Operations that give up a connection, by the names of all dialects. */
const DISCONNECT = ['disconnect', 'del_peer', 'down'] as const;
/** Operations that begin a resync. */
const RESYNC = ['invalidate', 'invalidate_peer', 'inval_peer'] as const;

/** A device cannot be opened, or is not what it should be. */
const claimed = (what: string): CodeEntry =>
  text(
    `the kernel cannot have ${what} for itself: something else uses it`,
    ['it is mounted, a swap area, part of a volume group or a RAID, or used by another DRBD device'],
    'Find the user with lsblk or in /sys/block/DEVICE/holders and stop it; name the LVM or RAID device if that is meant',
  );
const noBlockDevice = (what: string): CodeEntry =>
  text(
    `${what} is not a block device`,
    ['the path names a file or a directory', 'the device was removed and a file was created under its name'],
    'Name a block device (ls -l shows "b" as the first letter)',
  );
const noAlgorithm = (what: string, option: string, example: string): CodeEntry =>
  text(
    `the kernel has no algorithm of this name for ${what}`,
    ['the name is misspelt', 'the module of the algorithm is not loaded or not installed'],
    `Check the name against /proc/crypto, load the module (modprobe ${example}), or set ${option} to another one`,
  );
const noDigest = (what: string, option: string, example: string): CodeEntry =>
  text(
    `the algorithm for ${what} is not a digest`,
    ['the name is that of a cipher or of a keyed hash'],
    `Set ${option} to a digest such as ${example}`,
  );

/**
 * Return codes (ERR_) and state-change codes (SS_) of all dialects by symbolic name, checked against the kernel
 * functions that return them: drbd_nl.c, drbd_state.c (8.3: drbd_main.c) and drbd_worker.c or drbd_sender.c. The one
 * source for error messages and for explanations.
 */
export const codeTexts: Readonly<Record<string, CodeEntry>> = {
  NO_ERROR: text('the request was carried out', ['all went well'], 'Go on: nothing has to be done'),
  ERR_LOCAL_ADDR: text(
    'this local address and port belong to another connection already',
    ['two resources were given the same port', 'the old connection was not removed before a new one was made'],
    'Give each connection a local port of its own, or disconnect the other one first',
    [
      {
        dialects: ['genl2'],
        meaning: 'this local address and port belong to a path of another resource already',
        nextStep: 'Give the path another local port, or delete the path of the other resource first',
      },
    ],
  ),
  ERR_PEER_ADDR: text(
    "the peer's address and port belong to another connection already",
    ['two resources were given the same port', 'the old connection was not removed before a new one was made'],
    'Give each connection a peer port of its own, or disconnect the other one first',
    [
      {
        dialects: ['genl2'],
        meaning: "the peer's address and port belong to a path of another resource already",
        nextStep: 'Give the path another peer port, or delete the path of the other resource first',
      },
    ],
  ),
  ERR_OPEN_DISK: text(
    'the kernel cannot open the backing device',
    [
      'something else uses it: it is mounted, part of a volume group or a RAID, or attached to another DRBD device',
      'the path does not exist, names no block device, or its driver reports an error',
      'the device is read-only',
    ],
    'Check the path with lsblk, find what uses the device in /sys/block/DEVICE/holders, and read the kernel log',
  ),
  ERR_OPEN_MD_DISK: text(
    'the kernel cannot open the device for the metadata',
    [
      'something other than DRBD uses it, or it is used without a slot number by another DRBD device',
      'the path does not exist or names no block device',
    ],
    'Check the path with lsblk, find what uses the device in /sys/block/DEVICE/holders, and read the kernel log',
  ),
  ERR_DISK_NOT_BDEV: noBlockDevice('the backing device'),
  ERR_MD_NOT_BDEV: noBlockDevice('the device for the metadata'),
  ERR_DISK_TOO_SMALL: text(
    'the backing device is smaller than it has to be',
    [
      'the size that was asked for is larger than the device less its internal metadata',
      'DRBD runs without a disk now and is larger than the device that is to be attached',
    ],
    'Use a larger device, ask for a smaller size, or put the metadata on another device',
    [
      {
        dialects: ['connector'],
        causes: [
          'the size that was asked for is larger than the device less its internal metadata',
          'DRBD runs without a disk now and is larger than the device that is to be attached',
          'the device shrank: its metadata records more data than there is room for, and the data is consistent',
        ],
        nextStep:
          'Use a device as large as before, or ask for a smaller size; if it shrank by mistake, grow it again before attaching',
      },
      {
        operations: ['resize'],
        meaning: 'the size that was asked for is larger than the backing device allows',
        causes: ['the device was not grown first', 'internal metadata takes a part of it'],
        nextStep: 'Grow the backing device on every node first, or ask for a smaller size',
      },
    ],
  ),
  ERR_MD_DISK_TOO_SMALL: text(
    'the device for the metadata is too small',
    [
      'a slot number N needs a device of at least 128 MiB times N plus one',
      'flexible metadata needs at least 1 MiB, and more for large disks',
    ],
    'Use a larger device for the metadata, or a lower slot number',
  ),
  ERR_BDCLAIM_DISK: claimed('the backing device'),
  ERR_BDCLAIM_MD_DISK: claimed('the device for the metadata'),
  ERR_MD_IDX_INVALID: text(
    'the place that was named for the metadata does not fit the devices that were named',
    [
      'internal metadata was asked for, and the metadata device is another one',
      'a slot number or flexible external metadata was asked for, and both devices are the same',
    ],
    'Use "internal" with the backing device itself, and a slot number or "flexible" with another device',
  ),
  ERR_IO_MD_DISK: text(
    'reading or writing the metadata, the activity log or the bitmap failed',
    ['the device reports I/O errors', 'the device is smaller than its metadata says'],
    'Look for I/O errors in the kernel log, and replace the device if there are any',
  ),
  ERR_MD_INVALID: text(
    'there is no metadata that this module can use where it should be',
    [
      'it was never created on this device',
      'the wrong device or the wrong place (internal, external, slot) was named',
      'it was written by another generation of DRBD, or the device was resized while DRBD was down',
    ],
    'Check the device and where its metadata is first; create metadata with drbdadm create-md only if there never was any, as it makes old data unreachable for DRBD',
  ),
  ERR_AUTH_ALG: noAlgorithm('authentication', 'cram-hmac-alg', 'sha1_generic'),
  ERR_AUTH_ALG_ND: text(
    'the algorithm for authentication is not a keyed digest',
    ['the name is that of a cipher or of something that hmac cannot use'],
    'Set cram-hmac-alg to a hash that hmac can use, such as sha1',
  ),
  ERR_NOMEM: text(
    'the kernel is out of memory',
    ['the machine is short of memory', 'very large devices or many buffers were asked for'],
    'Free memory, or lower max-buffers and the like, and repeat the command',
  ),
  ERR_DISCARD: text(
    'this node is primary, and a primary cannot give up its own data (discard-my-data)',
    ['after a split brain the option was given on the node whose data is in use'],
    'Decide which node keeps its data; give the option on the other one, or demote this node first if its data is to go',
  ),
  ERR_DISCARD_IMPOSSIBLE: text(
    'this node is primary, and a primary cannot give up its own data (discard-my-data)',
    ['after a split brain the option was given on the node whose data is in use'],
    'Decide which node keeps its data; give the option on the other one, or demote this node first if its data is to go',
  ),
  ERR_DISK_CONFIGURED: text(
    'the device has a disk already, or is still letting go of one',
    ['attach was repeated', 'a detach is not finished yet'],
    'Go on if it is the disk that is wanted; detach it first if another one is',
  ),
  ERR_NET_CONFIGURED: text(
    'the connection is configured already, or is still being taken down',
    ['connect was repeated', 'a disconnect is not finished yet'],
    'Go on if it is the peer that is wanted; disconnect first, or change the options of the connection, if not',
    [
      {
        operations: ['del_resource'],
        meaning: 'the resource still has a connection',
        causes: ['its connections were not taken down first'],
        nextStep: 'Disconnect first, or take the whole resource down',
      },
      {
        operations: ['forget_peer'],
        meaning: 'this peer is still configured',
        causes: ['its connection was not removed first'],
        nextStep: 'Delete the peer first (del-peer), if it really is to go for good',
      },
    ],
  ),
  ERR_MANDATORY_TAG: text(
    'the request lacks a part that the kernel demands, changes a setting that is fixed, or holds one that this module does not know',
    [
      'a required option is missing',
      'a setting that is fixed once the object exists would change',
      'a name or another text is too long',
      'the module is older than the option that was used',
    ],
    "Read the kernel's own words if it sent any; else compare the options with the module's release",
    [
      {
        dialects: ['connector'],
        meaning:
          'the request holds an option that this module does not know or cannot take, or lacks one that it needs',
        causes: [
          'the module is older than the option that was used',
          'a text, such as a path or a secret, is too long',
          'attach without a backing device, or connect without addresses',
        ],
        nextStep: 'Leave the newest options out one by one, and shorten texts',
      },
      {
        dialects: ['genl2'],
        operations: ['new_resource'],
        causes: ['the set res_opts or its node_id is missing', 'the name of the resource is missing'],
        nextStep: "Give the resource a name and this node's id",
      },
      {
        dialects: ['genl2'],
        operations: ['new_peer'],
        causes: ['the set net_conf or the name of the connection is missing (--_name)', 'a text is too long'],
        nextStep: 'Give the connection a name, usually that of the peer',
      },
      {
        dialects: ['genl1'],
        operations: ['new_resource'],
        causes: ['the name of the resource is missing'],
        nextStep: 'Give the resource a name',
      },
      {
        operations: ['attach', 'disk_conf'],
        causes: [
          'the backing device, the metadata device or the place of the metadata is missing',
          'the path of a device is longer than 127 bytes',
        ],
        nextStep: 'Name the backing device, the metadata device and the place of the metadata',
      },
      {
        operations: ['chg_disk_opts', 'chg_net_opts', 'resource_opts', 'chg_peer_device_opts'],
        causes: [
          'a setting that is fixed would change: devices and size of a disk, node id, transport, discard-my-data of a connection',
          'a text, such as the secret, is too long',
          'the module is older than the option that was used',
        ],
        nextStep:
          'Change only options that may change; detach, disconnect or remove the object and make it anew for the others',
      },
    ],
  ),
  ERR_MINOR_INVALID: text(
    'there is no device with this minor number',
    ['it was never created, or was removed', 'the number is wrong'],
    'Check the number with status, and create the device first',
    [
      {
        dialects: ['connector'],
        causes: ['the number is not below minor_count', 'it was never created'],
        nextStep: 'Check the number; raise minor_count when the module is loaded, or create the device first',
      },
    ],
  ),
  ERR_INTR: text(
    'the request was interrupted by a signal while it waited',
    ['the program was told to end', 'another request held the resource, or the disk was busy'],
    'Look at the state with status, and repeat the command if it did not come about',
  ),
  ERR_RESIZE_RESYNC: text(
    'the size cannot change while a resync or a verify runs',
    ['a resync, a verify or their preparation is under way'],
    'Wait until it has finished, and repeat the command',
  ),
  ERR_NO_PRIMARY: text(
    'neither node is primary, and one must be to agree on a new size',
    ['both nodes are secondary'],
    'Promote the node with the current data, and repeat the command',
    [
      {
        dialects: ['genl2'],
        meaning: 'no up-to-date node is primary, and a connected peer is too old to agree on a size without one',
        causes: ['all nodes are secondary, and a peer speaks a protocol below 111'],
        nextStep: 'Promote a node with current data, or update the old peer',
      },
    ],
  ),
  ERR_SYNC_AFTER: text(
    'the minor to resync after does not exist',
    ['the number is wrong', 'the number is not below minor_count'],
    'Check the number given for after, or use -1 for none',
  ),
  ERR_RESYNC_AFTER: text(
    'the minor to resync after is not a possible minor number',
    ['the number is wrong'],
    'Check the number given for resync-after, or use -1 for none',
  ),
  ERR_SYNC_AFTER_CYCLE: text(
    'the minors would wait for each other in a circle',
    ['the minor that is to be waited for waits, over others perhaps, for this one'],
    'Break the circle: set after of one of them to -1',
  ),
  ERR_RESYNC_AFTER_CYCLE: text(
    'the minors would wait for each other in a circle',
    ['the minor that is to be waited for waits, over others perhaps, for this one'],
    'Break the circle: set resync-after of one of them to -1',
  ),
  ERR_PAUSE_IS_SET: text(
    'this node has paused the resync already',
    ['pause-sync was repeated'],
    'Go on: nothing has to be done',
  ),
  ERR_PAUSE_IS_CLEAR: text(
    'this node does not hold a pause of the resync',
    ['resume-sync was repeated', 'no resync is paused'],
    'Look at the state: if a resync still stands, another reason is shown there',
  ),
  ERR_PACKET_NR: text(
    'this module does not know the request',
    ['the module is older than the command', 'the message was damaged or made by hand'],
    'Compare the release of the module (/proc/drbd) with the one that the command needs',
  ),
  ERR_NO_DISK: text(
    'this node has no disk attached',
    ['it was never attached', 'it was detached after an I/O error'],
    'Look in the kernel log why it is gone; attach it, and repeat the command',
  ),
  ERR_NOT_PROTO_C: text(
    'two primaries (allow-two-primaries) need protocol C',
    ['the protocol is A or B'],
    'Set protocol C, or do without two primaries',
  ),
  ERR_NOMEM_BITMAP: text(
    'the bitmap does not fit into memory, or could not be resized',
    ['the machine is short of memory for a device of this size'],
    'Free memory, and read the kernel log for the size that was needed',
    [
      {
        operations: ['resize'],
        meaning: 'the kernel could not change the size: no memory for the bitmap, or an error that it logged',
        causes: ['the machine is short of memory', 'writing the metadata failed'],
        nextStep: 'Read the kernel log, free memory, and repeat the command',
      },
    ],
  ),
  ERR_INTEGRITY_ALG: noAlgorithm('data integrity', 'data-integrity-alg', 'crc32c'),
  ERR_INTEGRITY_ALG_ND: noDigest('data integrity', 'data-integrity-alg', 'crc32c or md5'),
  ERR_CPU_MASK_PARSE: text(
    'the CPU mask is not a hexadecimal bitmap',
    ['it is written in decimal, or as a list of numbers'],
    'Write it as in /proc/irq/*/smp_affinity, such as 3 for the first two processors',
  ),
  ERR_CSUMS_ALG: noAlgorithm('a resync by checksums', 'csums-alg', 'md5'),
  ERR_CSUMS_ALG_ND: noDigest('a resync by checksums', 'csums-alg', 'crc32c or md5'),
  ERR_VERIFY_ALG: {
    ...noAlgorithm('verify', 'verify-alg', 'md5'),
    variants: [
      {
        dialects: ['genl2'],
        operations: ['start_ov'],
        meaning: 'both nodes have a verify-alg, and they are not the same',
        causes: ['the option was changed on one node only'],
        nextStep: 'Set the same verify-alg on both nodes, and repeat the command',
      },
    ],
  },
  ERR_VERIFY_ALG_ND: noDigest('verify', 'verify-alg', 'crc32c or md5'),
  ERR_CSUMS_RESYNC_RUNNING: text(
    'csums-alg cannot change while a resync runs',
    ['a resync is under way'],
    'Wait until it has finished, and repeat the command',
  ),
  ERR_VERIFY_RUNNING: text(
    'verify-alg cannot change while a verify runs',
    ['a verify is under way'],
    'Wait until it has finished, and repeat the command',
  ),
  ERR_DATA_NOT_CURRENT: text(
    'the disk does not hold the data that this primary works with now',
    [
      'the primary went on without its disk, and the disk is older',
      'another disk than the one that was detached is to be attached',
    ],
    'Connect to the peer that has the current data first; the disk is then brought up to date. Do not force it',
    [
      {
        dialects: ['genl2'],
        meaning: 'the disk does not hold the data that the cluster works with now, or the peers refused it',
        causes: [
          'the primary went on without its disk, and the disk is older',
          'its data has diverged from that of the peers',
        ],
      },
    ],
  ),
  ERR_CONNECTED: text(
    'a new generation of the data cannot begin while the peer is connected',
    [
      'the connection was not taken down first',
      'skipping the first resync is possible only while both nodes have just created metadata',
    ],
    'Disconnect first, and repeat the command',
  ),
  ERR_PERM: text(
    'the caller lacks the privilege CAP_SYS_ADMIN',
    ['the program does not run as root', 'a container withholds the privilege'],
    'Run it as root, or give it CAP_SYS_ADMIN (and CAP_NET_ADMIN, to hear the answers)',
  ),
  ERR_NEED_APV_93: text(
    'the connected peer is too old to grow without a resync (protocol 93)',
    ['the peer speaks a protocol below 93'],
    'Update the peer, or resize without --assume-clean',
  ),
  ERR_STONITH_AND_PROT_A: text(
    'fencing resource-and-stonith needs protocol B or C',
    ['protocol A is set'],
    'Set protocol C, or another fencing policy',
  ),
  ERR_CONG_NOT_PROTO_A: text(
    'on-congestion other than block needs protocol A',
    ['protocol B or C is set'],
    'Set protocol A, or on-congestion block',
  ),
  ERR_PIC_AFTER_DEP: text(
    'this node holds no pause of its own; the resync waits for another minor',
    ['resync-after names a minor whose resync is not finished'],
    'Wait: the resync starts by itself after the other one; change resync-after to have it sooner',
  ),
  ERR_PIC_PEER_DEP: text(
    'this node holds no pause of its own; the peer pauses the resync',
    ['pause-sync was given on the peer', 'the peer waits for another of its minors (resync-after)'],
    'Resume the resync on the peer',
  ),
  ERR_RES_NOT_KNOWN: text(
    'there is no resource of this name',
    ['the name is misspelt', 'the resource is down, or was never created'],
    'Look at the names with status, and bring the resource up first',
  ),
  ERR_RES_IN_USE: text(
    'the resource still has volumes',
    ['its devices were not removed first'],
    'Remove its devices first (del-minor), or take the whole resource down',
  ),
  ERR_MINOR_CONFIGURED: text(
    'the device is still in use: it has a disk, a connection, or is primary',
    ['it was not detached, disconnected and demoted first'],
    'Demote, disconnect and detach first, or take the whole resource down',
    [
      {
        dialects: ['genl2'],
        meaning: 'the device still has a disk',
        causes: ['it was not detached first'],
        nextStep: 'Detach it first, or take the whole resource down',
      },
    ],
  ),
  ERR_MINOR_OR_VOLUME_EXISTS: text(
    'a device with this minor, or this volume of the resource, exists already',
    ['new-minor was repeated with another number', 'another resource uses the minor'],
    'Look at the numbers with status, and choose one that is free',
  ),
  ERR_INVALID_REQUEST: text(
    'the request names something that does not exist, or contradicts itself or the state',
    [
      'the connection, the peer or the volume that it names does not exist',
      'a name holds a slash or a space, or is "all"',
      'a number is out of range',
    ],
    "Read the kernel's own words, which say what is wrong; compare the names with status",
    [
      {
        dialects: ['genl2'],
        operations: ['attach'],
        causes: [
          'the metadata belongs to a node with another id',
          'the metadata has no free bitmap slot for a peer',
          'a disk without bitmap was asked for although peers are configured',
        ],
        nextStep:
          "Read the kernel's own words; compare node ids, and the number of peers that the metadata was made for",
      },
      {
        dialects: ['genl2'],
        operations: ['del_path'],
        causes: ['there is no such path', 'it is the last path of a connection that is up'],
        nextStep: 'Compare the addresses with status, and disconnect before the last path is deleted',
      },
      {
        dialects: ['genl2'],
        operations: ['connect', 'new_path'],
        causes: [
          'the connection has no path yet',
          'there is no such connection, or it belongs to another network namespace',
          'the metadata has no free bitmap slot for the peer',
        ],
        nextStep: "Read the kernel's own words; create the peer and its path first, in the same network namespace",
      },
    ],
  ),
  ERR_NEED_APV_100: text(
    'the connected peer is too old to change this while connected (protocol 100)',
    ['protocol, allow-two-primaries or data-integrity-alg would change, and the peer runs 8.3 or older'],
    'Disconnect, and connect again with the new options on both nodes',
  ),
  ERR_NEED_ALLOW_TWO_PRI: text(
    'both nodes are primary, so two primaries cannot be forbidden now',
    ['allow-two-primaries was to be switched off'],
    'Demote one node first, and repeat the command',
  ),
  ERR_MD_UNCLEAN: text(
    'the activity log has not been applied since the last crash or detach',
    ['the machine crashed while it was primary', 'the disk was detached, and is to be attached again'],
    'Run drbdadm apply-al (or drbdmeta apply-al) for the device, and attach it again',
  ),
  ERR_MD_LAYOUT_CONNECTED: text(
    'the layout of the activity log can change only while the peer is connected',
    ['the connection is down, so the peer would not hear of the new layout'],
    'Connect to the peer first; or force it, and change the layout on the peer in the same way',
  ),
  ERR_MD_LAYOUT_TOO_BIG: text(
    'the activity log would be larger than 16 GiB',
    ['too many or too large stripes were asked for'],
    'Ask for fewer or smaller stripes (al-stripes times al-stripe-size)',
  ),
  ERR_MD_LAYOUT_TOO_SMALL: text(
    'the activity log would be smaller than 32 KiB',
    ['too few or too small stripes were asked for'],
    'Ask for more or larger stripes (al-stripes times al-stripe-size)',
  ),
  ERR_MD_LAYOUT_NO_FIT: text(
    'the new metadata does not fit the device beside the data',
    ['internal metadata grows at the cost of the data, which fills the device'],
    'Grow the backing device, or shrink the file system and give a smaller size first',
  ),
  ERR_IMPLICIT_SHRINK: text(
    'the device would become smaller, though no size was given',
    ['a backing device shrank, on this node or a peer', 'internal metadata needs more room'],
    'Grow the backing device again; give the smaller size explicitly only after the file system was shrunk to it',
    [
      {
        operations: ['attach'],
        meaning: 'the backing device is smaller than the data that its metadata records',
        causes: ['the backing device shrank', 'the wrong device was named'],
        nextStep:
          'Check the device and grow it again; give the smaller size explicitly only if what lies beyond it is not needed',
      },
    ],
  ),
  ERR_INVALID_PEER_NODE_ID: text(
    'a node id must be from 0 to 31',
    ['the number is wrong'],
    'Look at the node ids with status or in the configuration',
  ),
  ERR_CREATE_TRANSPORT: text(
    'the module of the transport could not be loaded',
    ['the name of the transport is misspelt', 'its module is not installed, or another release than drbd'],
    'Load the module by hand (modprobe drbd_transport_tcp), and read what it says',
  ),
  ERR_LOCAL_AND_PEER_ADDR: text(
    'a path with this pair of addresses exists already',
    ['new-path was repeated', 'another resource uses the same pair'],
    'Go on if it is the same path; give it another port if not',
  ),
  ERR_ALREADY_EXISTS: text(
    'the name is taken',
    ['another resource has it', 'another connection of the resource has it'],
    'Choose another name',
    [
      { operations: ['rename_resource'], meaning: 'another resource has this name', causes: ['the name is not new'] },
      {
        operations: ['new_peer'],
        meaning: 'another connection of the resource has this name',
        causes: ['new-peer was repeated', 'two peers were given the same name'],
        nextStep: 'Give each peer a name of its own',
      },
    ],
  ),
  ERR_APV_TOO_LOW: text(
    'the peer is too old to resync from its bitmap (protocol 120)',
    ['--reset-bitmap=no was given, and the peer speaks a protocol below 120'],
    'Update the peer, or do without --reset-bitmap=no, which copies everything',
  ),
  ERR_PATH_COLLISION: text(
    'connections over this path could not be told from those of another peer',
    ['two peers are behind the same address', 'the paths of two peers use the same local port and peer address'],
    'Give the path another local port',
  ),

  SS_CW_NO_NEED: text(
    'the change needed no word from the peers',
    ['the state was changed on this node alone'],
    'Go on: nothing has to be done',
  ),
  SS_CW_SUCCESS: text(
    'the peers agreed, and the state was changed',
    ['all went well'],
    'Go on: nothing has to be done',
  ),
  SS_NOTHING_TO_DO: text(
    'the state was as wanted already',
    ['the command was repeated'],
    'Go on: nothing has to be done',
  ),
  SS_SUCCESS: text('the state was changed', ['all went well'], 'Go on: nothing has to be done'),
  SS_UNKNOWN_ERROR: text(
    'the state change failed, and the kernel does not say why',
    ['it was given up after several tries'],
    'Read the kernel log of this node and of its peers',
  ),
  SS_TWO_PRIMARIES: text(
    'the peer is primary, and two primaries are not allowed',
    ['the service still runs on the peer', 'the peer died, and this node has not noticed yet'],
    'Stop the service and demote the peer first; if the peer is dead, wait until the connection is lost and try again',
  ),
  SS_NO_UP_TO_DATE_DISK: text(
    'this node would be primary without access to up-to-date data',
    [
      'its disk is Inconsistent, Outdated or not attached, and no peer with good data is connected',
      'the disk is Consistent, and nobody knows yet whether a peer has newer data',
    ],
    'Connect to the peer that has the current data; force a promotion only when you are sure that this data is the one to keep',
    [
      {
        operations: ['detach', ...DISCONNECT],
        meaning: 'a node in use would lose its last access to up-to-date data',
        causes: [
          'this node is primary, and the data is good only where it is to be cut off',
          'the device is held open for reading',
        ],
        nextStep: 'Stop what uses the device and demote this node first, or bring the other copy up to date',
      },
      {
        operations: [...RESYNC, 'start_ov'],
        meaning: 'neither side would have up-to-date data to copy from',
        causes: ['the data of the source is Inconsistent or Outdated itself'],
        nextStep: 'Find the node with the current data, and resync from there',
      },
    ],
  ),
  SS_NO_LOCAL_DISK: text(
    'a resync or verify needs a disk on this node',
    ['this node has no disk attached, or it failed'],
    'Attach the disk of this node, and repeat the command',
  ),
  SS_NO_REMOTE_DISK: text(
    'a resync or verify needs a disk on the peer',
    ['the peer has no disk attached, or it failed'],
    'Attach the disk of the peer, and repeat the command',
  ),
  SS_CONNECTED_OUTDATES: text(
    'this node is connected and its data counts as current, so it cannot be marked as outdated',
    ['outdate is meant for a node that has lost its peer'],
    'Disconnect first if this data really is to be marked as outdated',
    [
      {
        dialects: ['genl2'],
        meaning: 'this node is primary, or is connected to a primary, so its data cannot be marked as outdated',
        causes: ['the data is in use: outdate is meant for a node that has lost its primary'],
        nextStep: 'Disconnect from the primary first, or demote it, if this data really is to be marked as outdated',
      },
    ],
  ),
  SS_PRIMARY_NOP: text(
    'fencing is on, and the peer is not known to be outdated: a primary without it could lead to a split brain',
    [
      'the peer cannot be reached, and the fence-peer handler failed or is not configured',
      'the fence-peer handler did not confirm that the peer is down or outdated',
    ],
    'Find out why the peer could not be fenced (kernel log, handler). Make sure by other means that it is not primary before you force anything',
    [
      {
        operations: ['primary'],
        meaning: 'refused to become primary: fencing is on, and the peer could not be marked as outdated',
        causes: [
          'the connection is down, and the fence-peer handler failed or is not configured',
          'the fence-peer handler found that the peer is primary, or could not reach it',
        ],
        nextStep:
          'Restore the connection, or make the fence-peer handler work. Force the promotion only when you know that the peer is off: else both nodes may write and their data diverges',
      },
      {
        operations: DISCONNECT,
        meaning:
          'this node is primary with fencing on, and the peer could not be marked as outdated before it is let go',
        causes: ['the peer did not agree, or was lost while it was asked'],
        nextStep: 'Demote this node first, or repair the connection and repeat the command',
      },
    ],
  ),
  SS_RESYNC_RUNNING: text(
    'a resync or a verify runs already',
    ['another one was started before, by hand or by itself'],
    'Wait until it has finished, and repeat the command if it is still needed',
  ),
  SS_ALREADY_STANDALONE: text(
    'the connection is down already',
    ['disconnect was repeated', 'an error or a split brain took it down before'],
    'Go on: it is disconnected',
  ),
  SS_CW_FAILED_BY_PEER: text(
    'a peer refused the change',
    ['the state of the peer does not allow it', 'a device is open on the peer'],
    'Look at the state and the kernel log of the peer, which says why',
    [
      {
        operations: ['primary'],
        causes: ['the peer is primary itself', 'a device is open on the peer, even for reading only'],
        nextStep: 'Find what has the device open on the peer, stop it, and promote again',
      },
      {
        operations: DISCONNECT,
        meaning: 'the peer refused to be let go',
        causes: [
          'a diskless primary would lose its only data',
          'too few nodes would be left for the quorum of the peer, or fencing forbids it',
        ],
        nextStep:
          'Demote the primary, or bring back another peer, first; force it only if its users may see I/O errors',
      },
    ],
  ),
  SS_IS_DISKLESS: text(
    'this node has no disk attached',
    ['it was never attached', 'it was detached, by hand or after an I/O error'],
    'Attach the disk first, if the command needs one',
  ),
  SS_DEVICE_IN_USE: text(
    'something has the device open, so this node cannot become secondary',
    [
      'it is mounted or used as swap',
      'a volume group, a RAID or a virtual machine lies on it',
      'a program has it open, perhaps only for a moment (udev)',
    ],
    'Unmount it and stop what uses it: "drbd doctor /dev/drbdN", run as root, names it',
    [
      {
        dialects: ['genl2'],
        operations: ['primary'],
        meaning: 'the device is still open from before this node was demoted by force',
        causes: ['the programs that had it open then have not closed it yet'],
        nextStep: 'End the programs that still have it open (fuser -v /dev/drbdN), and promote again',
      },
    ],
  ),
  SS_NO_NET_CONFIG: text(
    'the connection is not configured',
    ['connect has not been given yet'],
    'Connect first, and repeat the command',
  ),
  SS_NO_VERIFY_ALG: text(
    'no algorithm for verify is set',
    ['the option verify-alg is missing'],
    'Set verify-alg (md5, for instance) on both nodes, and repeat the command',
  ),
  SS_NEED_CONNECTION: text(
    'the peer must be connected for this',
    ['the connection is down or not established yet'],
    'Connect, wait until the state is Connected, and repeat the command',
  ),
  SS_LOWER_THAN_OUTDATED: text(
    'the disk is worse than Outdated already: Inconsistent, failed or not attached',
    ['a resync to this node is not finished', 'the disk is detached'],
    'Go on if the aim was to keep this node from becoming primary: it cannot without good data',
  ),
  SS_NOT_SUPPORTED: text(
    'a peer is too old for this',
    ['the peer speaks an older protocol that does not know the change'],
    'Update the peer, or do without',
  ),
  SS_IN_TRANSIENT_STATE: text(
    'the state is about to change anyway: a connection is being made or taken down, or a disk attached',
    ['another command or event came just before'],
    'Wait a moment, look at the state, and repeat the command',
  ),
  SS_CONCURRENT_ST_CHG: text(
    'another change came at the same time, and went first',
    ['commands were given on two nodes at once', 'a connection was made just then'],
    'Wait a moment, look at the state, and repeat the command',
  ),
  SS_O_VOL_PEER_PRI: text(
    'the peer is primary with another volume of this resource, and two primaries are not allowed',
    ['the service still runs on the peer'],
    'Demote all volumes on the peer first, and promote again',
  ),
  SS_OUTDATE_WO_CONN: text(
    'the peer cannot be marked as outdated: the connection is gone already',
    ['the connection was lost while the peer was being let go'],
    'Look at the state, and repeat the disconnect',
  ),
  SS_INTERRUPTED: text(
    'the change was interrupted by a signal while it waited for the peers',
    ['the program was told to end'],
    'Look at the state, and repeat the command if the change did not come about',
    [
      {
        operations: ['resize'],
        meaning: 'the nodes did not agree on the new size',
        causes: ['a peer did not answer or refused it', 'the program was told to end'],
        nextStep: 'Read the kernel log of all nodes, look at the sizes, and repeat the command',
      },
    ],
  ),
  SS_PRIMARY_READER: text(
    'a device is open for reading on one node, so that another cannot be primary beside it',
    ['a program such as udev, blkid or a monitor reads the device of a secondary node'],
    'Find what has the device open for reading (fuser -v /dev/drbdN), stop it, and repeat the command',
  ),
  SS_TIMEOUT: text(
    'a peer did not answer in time',
    ['the network or the peer is overloaded or stuck', 'twopc-timeout is too short'],
    'Look at the network and the kernel log of the peers, and repeat the command',
  ),
  SS_WEAKLY_CONNECTED: text(
    'two primaries are not connected with each other directly',
    ['a connection between two nodes is missing or down'],
    'Repair the connection between the primary nodes, or demote one of them',
  ),
  SS_NO_QUORUM: text(
    'too few nodes can be reached for the quorum',
    ['peers are down or cannot be reached', 'fewer nodes than quorum-minimum-redundancy have good data'],
    'Bring back more nodes or repair their connections; do not force it while an unseen part of the cluster may be primary',
    [
      {
        operations: ['detach', ...DISCONNECT],
        meaning: 'this node is primary, and would lose the quorum by this',
        causes: ['too few other nodes would be left, or too few with good data'],
        nextStep: 'Demote this node first, or bring back another node',
      },
    ],
  ),
  SS_ATTACH_NO_BITMAP: text(
    'the peer attaches a disk, though it was said here that it has none (bitmap no)',
    ['the configuration of the two nodes differs'],
    'Set bitmap yes for this peer, or leave its disk detached',
  ),
  SS_HANDSHAKE_DISCONNECT: text(
    'the nodes talked to each other and then refused to connect',
    ['a split brain', 'sizes, secrets or other settings do not match', 'no common generation of the data was found'],
    'Read the kernel log of both nodes, which names the reason; after a split brain decide which data is to be kept',
  ),
  SS_HANDSHAKE_RETRY: text(
    'the handshake has to be repeated, because something changed meanwhile',
    ['another connection or resync changed the state'],
    'Wait: it is tried again by itself',
  ),
};

/** What is known about a code; nothing for one that is not known here. */
export type CodeExplanation = CodeText | { readonly [K in keyof CodeText]: undefined };

const UNKNOWN: CodeExplanation = Object.freeze({ meaning: undefined, causes: undefined, nextStep: undefined });

/**
 * Explains a return code or state-change code. A code may mean another thing in another dialect, or after another
 * request.
 * @param name symbolic name of the code, such as `SS_PRIMARY_NOP`
 * @param place dialect and request, as far as they are known; the general text if absent
 * @returns meaning, usual causes and next step; each undefined for a code that is not known
 */
export function explainCode(name: string, { dialect, operation }: CodePlace = {}): CodeExplanation {
  const entry = Object.hasOwn(codeTexts, name) ? codeTexts[name] : undefined;
  if (entry === undefined) return UNKNOWN;
  const matches = <T extends string>(wanted: readonly T[] | undefined, value: string | undefined): boolean =>
    wanted === undefined || (value !== undefined && (wanted as readonly string[]).includes(value));
  const variant = entry.variants?.find(
    ({ dialects, operations }) => matches(dialects, dialect) && matches(operations, operation),
  );
  return {
    meaning: variant?.meaning ?? entry.meaning,
    causes: variant?.causes ?? entry.causes,
    nextStep: variant?.nextStep ?? entry.nextStep,
  };
}
