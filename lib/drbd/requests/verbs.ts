// Written by scripts/requests from the tables in lib/dialects. Change those, and run it.

import type { SentRequest, VerbRequestOptions, VerbTarget } from '../verbs';

/** The verbs of a client, whose options are those of its dialect. */
export interface Verbs<
  O extends Readonly<
    Record<
      | 'create'
      | 'attach'
      | 'detach'
      | 'connect'
      | 'disconnect'
      | 'promote'
      | 'demote'
      | 'down'
      | 'invalidate'
      | 'verify'
      | 'pauseSync'
      | 'resumeSync'
      | 'suspendIo'
      | 'resumeIo'
      | 'resize'
      | 'outdate'
      | 'newCurrentUuid'
      | 'setOptions'
      | 'rename'
      | 'forgetPeer',
      unknown
    >
  >,
> {
  /** Create a resource, and a volume of it where a minor is named, unless they exist. */
  create(target: VerbTarget, options?: O['create'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Attach a backing device to a volume, which is created if it does not exist. */
  attach(target: VerbTarget, options: O['attach'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Let go of the backing device. */
  detach(target: VerbTarget, options?: O['detach'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Set up the link to a peer and begin to connect; what it needs is created if it does not exist. */
  connect(target: VerbTarget, options?: O['connect'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Take down the link to the peer. */
  disconnect(
    target: VerbTarget,
    options?: O['disconnect'],
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
  /** Make the resource writable on this node. */
  promote(target: VerbTarget, options?: O['promote'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Take back the right to write from this node; fails while a process has a device open. */
  demote(target: VerbTarget, options?: O['demote'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Take down a resource with all its links, disks and devices. */
  down(target: VerbTarget, options?: O['down'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Throw away the data of one side, this node's or the peer's, and copy all of the other's. */
  invalidate(
    target: VerbTarget,
    options?: O['invalidate'],
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
  /** Begin an online verification, which compares both sides block by block. */
  verify(target: VerbTarget, options?: O['verify'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Hold the resync on behalf of the user of this node. */
  pauseSync(target: VerbTarget, options?: O['pauseSync'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Take back this node's own hold on the resync. */
  resumeSync(
    target: VerbTarget,
    options?: O['resumeSync'],
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
  /** Freeze all requests of applications to the device. */
  suspendIo(target: VerbTarget, options?: O['suspendIo'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Let frozen requests of applications go on. */
  resumeIo(target: VerbTarget, options?: O['resumeIo'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Adopt a new size of the backing devices while in use. */
  resize(target: VerbTarget, options?: O['resize'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Mark this node's data as known to be behind the peer's. */
  outdate(target: VerbTarget, options?: O['outdate'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Begin a new generation of the data, for instance to skip the first resync. */
  newCurrentUuid(
    target: VerbTarget,
    options?: O['newCurrentUuid'],
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
  /** Change options of what exists. */
  setOptions(
    target: VerbTarget,
    options: O['setOptions'],
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
  /** Give a resource another name. */
  rename(target: VerbTarget, options: O['rename'], limits?: VerbRequestOptions): Promise<readonly SentRequest[]>;
  /** Free the slot that a former peer has in the metadata. */
  forgetPeer(
    target: VerbTarget,
    options?: O['forgetPeer'],
    limits?: VerbRequestOptions,
  ): Promise<readonly SentRequest[]>;
}
