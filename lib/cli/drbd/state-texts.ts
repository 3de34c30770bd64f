// Every word of a state in words for people who are new to DRBD; a test counts them against the tables.

/** What a state says. */
export interface StateText {
  readonly meaning: string;
  readonly nextStep: string;
  /** What other generations call it. */
  readonly aka?: readonly string[];
}

const text = (meaning: string, nextStep: string, aka?: readonly string[]): StateText => ({
  meaning,
  nextStep,
  ...(aka === undefined ? {} : { aka }),
});
const NOTHING = 'Nothing has to be done.';
const WAIT = 'Wait: it passes by itself.';

/** By enumeration and word, in the model's spelling; `aka`: what DRBD 8.3 and 8.4 call it. */
export const stateTexts: Readonly<Record<string, Readonly<Record<string, StateText>>>> = {
  role: {
    Primary: text('the device can be opened and written to on this node', NOTHING),
    Secondary: text('the data is kept up to date, and cannot be used on this node', 'To use it here, promote it.'),
    Unknown: text('the role of the peer is not known, because it is not connected', 'See the state of the connection.'),
  },
  disk: {
    Diskless: text(
      'no backing device is attached: it was never attached, was detached, or was given up after an I/O error',
      'Attach one, unless this node is meant to have none. After an error, see the kernel log and replace the disk first.',
    ),
    Attaching: text('the metadata of the backing device is being read', WAIT),
    Detaching: text('the backing device is being let go of', WAIT),
    Failed: text(
      'the backing device reported an I/O error and is being given up',
      'See the kernel log, and replace the disk.',
    ),
    Negotiating: text('the disk is attached, and the nodes settle whose data is newer', WAIT),
    Inconsistent: text(
      'the data is a mix of old and new and of no use by itself: a new disk, or one in the midst of a resync',
      'Let a resync from a node that is UpToDate end; for the very first one, decide whose data counts, and promote that node by force.',
    ),
    Outdated: text(
      'the data is whole, and older than what the peer has or may have',
      'Connect to a node that is UpToDate; it is brought up to date then.',
    ),
    DUnknown: text(
      'the state of the disk of the peer is not known: it is not connected',
      'See the state of the connection.',
    ),
    Consistent: text(
      'the data is whole; whether it is the newest is known once a peer is connected',
      'Connect to the peer. To use the data without, promote by force, if you are sure that no other node has newer data.',
    ),
    UpToDate: text('the data is whole and the newest that there is', NOTHING),
  },
  connection: {
    StandAlone: text(
      'it does not try to connect: it was never connected, was disconnected, or the nodes refused each other, as after a split brain',
      'See the kernel log of both nodes for why, and connect.',
    ),
    Disconnecting: text('the link is being taken down on request', WAIT),
    Unconnected: text('the link was lost or is not made yet; the next attempt follows', WAIT),
    Timeout: text(
      'the peer did not answer in time',
      'Look at the network and at the load of the peer. It is tried again.',
    ),
    BrokenPipe: text(
      'the link broke while something was sent',
      'Look at the network and at the peer. It is tried again.',
    ),
    NetworkFailure: text('the link broke', 'Look at the network and at the peer. It is tried again.'),
    ProtocolError: text(
      'the peer sent what makes no sense here',
      'See the kernel log of both nodes, and compare their releases.',
    ),
    TearDown: text('the peer takes down the link', WAIT),
    Connecting: text(
      'it waits for the peer to be reachable, or the nodes introduce themselves to each other',
      'If it stays so: is the peer up, and configured with these addresses? Does a firewall drop the port?',
      ['WFConnection', 'WFReportParams'],
    ),
    Connected: text('the peers are connected', NOTHING),
  },
  replication: {
    Off: text('nothing is replicated: the peers are not connected', 'See the state of the connection.'),
    Established: text('each write goes to the peer as it comes', NOTHING, ['Connected']),
    StartingSyncS: text('a resync begins on request, from this node to the peer', WAIT),
    StartingSyncT: text('a resync begins on request, from the peer to this node', WAIT),
    WFBitMapS: text('a resync to the peer begins: the list of what differs is exchanged', WAIT),
    WFBitMapT: text('a resync from the peer begins: the list of what differs is exchanged', WAIT),
    WFSyncUUID: text('a resync from the peer is about to begin', WAIT),
    SyncSource: text('a resync copies what differs from this node to the peer', WAIT),
    SyncTarget: text('a resync copies what differs from the peer to this node', WAIT),
    VerifyS: text('an online verification compares both sides; this node asked for it', WAIT),
    VerifyT: text('an online verification compares both sides; the peer asked for it', WAIT),
    PausedSyncS: text(
      'the resync to the peer is held: by pause-sync on a node, or because another resync comes first',
      'Run resume-sync where it was paused, or let the other resync end.',
    ),
    PausedSyncT: text(
      'the resync from the peer is held: by pause-sync on a node, or because another resync comes first',
      'Run resume-sync where it was paused, or let the other resync end.',
    ),
    Ahead: text(
      'the link is congested: writes are noted and not sent until it recovers (on-congestion pull-ahead)',
      'If it stays so, look at the network, or raise congestion-fill.',
    ),
    Behind: text(
      'the peer runs ahead of this node, because the link is congested; a resync follows',
      'If it stays so, look at the network.',
    ),
  },
  protocol: {
    A: text('a write is done once it is on this disk and on its way to the peer', NOTHING),
    B: text('a write is done once it is on this disk and in the memory of the peer', NOTHING),
    C: text('a write is done once it is on the disks of both nodes', NOTHING),
  },
  writeOrdering: {
    none: text(
      'nothing keeps writes in order but the disk itself',
      'Be sure that the write cache of the disk survives a loss of power.',
    ),
    drain: text(
      'writes are kept in order by waiting for those before',
      'Be sure that the write cache of the disk survives a loss of power.',
    ),
    flush: text('writes are kept in order by flushing the cache of the disk', NOTHING),
    barrier: text('writes are kept in order by barriers', NOTHING),
  },
  suspended: {
    user: text('I/O is suspended by the command suspend-io', 'Run resume-io.'),
    noData: text(
      'I/O is suspended because no node that can be reached has the data',
      'Bring back a node or disk that has it.',
    ),
    fencing: text(
      'I/O is suspended until the peer is fenced',
      'See what the handler of fencing does; once the peer is known to be out, run resume-io.',
    ),
    quorum: text('I/O is suspended because too few nodes can be reached', 'Bring back nodes or their connections.'),
  },
  resyncSuspended: {
    user: text('the resync is held by pause-sync on this node', 'Run resume-sync.'),
    peer: text('the resync is held by pause-sync on the peer', 'Run resume-sync there.'),
    dependency: text('the resync waits for another one (resync-after)', WAIT),
    maxParallel: text('too many other resyncs run on the peer or here', WAIT),
    stalled: text('no block was copied for minutes', 'Look at the network and at the disks of both nodes.'),
  },
};
