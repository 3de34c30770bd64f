import { decodeSocketAddress, type ByteOrder } from '../netlink';
import type { Packet } from './packet';
import type { Scheduler } from './scheduler';

/** One end of the connection between two minors. */
export interface Link {
  /** @returns false if it is gone */
  send(packet: Packet): boolean;
  /** Ends it for both, as the close of a socket does. */
  close(): void;
  /** This end is gone without a word, as after a power failure: the other one finds out by its pings. */
  vanish(): void;
}

/** What a link tells its owner, in order. */
export interface LinkHandlers {
  receive(packet: Packet): void;
  /** The other end closed it, or vanished. */
  closed(): void;
}

/** A minor that waits for its peer. */
export interface Waiting {
  readonly myAddress: string;
  readonly peerAddress: string;
  readonly scheduler: Scheduler;
  /** How long this one looks whether both of its sockets stay open, in milliseconds. */
  readonly settleMs: number;
  /** The peer is there. @param later this one came second: it is the one that yields where all else is equal */
  connected(open: (handlers: LinkHandlers) => Link, later: boolean): void;
}

/** A socket address in words, whatever stands in its padding; unlike ones compare unlike. */
export function addressKey(bytes: Uint8Array, order: ByteOrder): string {
  try {
    const { family, address, port, familyNumber, scopeId } = decodeSocketAddress(bytes, order);
    return [family, familyNumber ?? '', address, port, scopeId ?? ''].join(' ');
  } catch {
    return `invalid ${Buffer.from(bytes).toString('hex')}`;
  }
}

class LocalLink implements Link {
  readonly #scheduler: Scheduler;
  readonly #latencyMs: () => number;
  #handlers: LinkHandlers | undefined;
  /** What arrived before somebody listened. */
  readonly #early: (Packet | 'closed')[] = [];
  peer: LocalLink | undefined;
  open = true;
  /** While cut, packets vanish and nobody is told. */
  cut = false;

  constructor(scheduler: Scheduler, latencyMs: () => number) {
    this.#scheduler = scheduler;
    this.#latencyMs = latencyMs;
  }

  listen(handlers: LinkHandlers): this {
    this.#handlers = handlers;
    for (const item of this.#early.splice(0)) this.#deliver(item);
    return this;
  }

  send(packet: Packet): boolean {
    if (!this.open) return false;
    if (!this.cut) this.#transmit(packet);
    return true;
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    if (!this.cut) this.#transmit('closed');
  }

  vanish(): void {
    this.open = false;
    this.cut = true;
  }

  #transmit(item: Packet | 'closed'): void {
    const { peer } = this;
    if (peer === undefined) return;
    const latency = this.#latencyMs();
    const arrive = (): void => {
      peer.#deliver(item);
    };
    if (latency === 0) peer.#scheduler.post(arrive);
    else {
      peer.#scheduler.clock.after(latency, () => {
        peer.#scheduler.post(arrive);
      });
    }
  }

  #deliver(item: Packet | 'closed'): void {
    if (this.#handlers === undefined) {
      this.#early.push(item);
      return;
    }
    if (!this.open) return;
    if (item === 'closed') {
      this.open = false;
      this.#handlers.closed();
    } else this.#handlers.receive(item);
  }
}

/** What minors of one or of several simulators find each other through: their configured addresses. */
export class Network {
  readonly #waiting = new Set<Waiting>();
  readonly #links = new Set<readonly [LocalLink, LocalLink, Waiting, Waiting]>();
  readonly #watchers = new Set<(waiting: Waiting, here: boolean) => void>();
  /** One way, in milliseconds. */
  latencyMs = 0;
  #partitioned = false;

  /** Waits for the peer. @returns gives up */
  wait(waiting: Waiting): () => void {
    this.#waiting.add(waiting);
    for (const watcher of this.#watchers) watcher(waiting, true);
    this.#match(waiting);
    return () => {
      this.#leave(waiting);
    };
  }

  /** Tells of those that wait and of those that no longer do; of those that wait already at once. */
  watch(watcher: (waiting: Waiting, here: boolean) => void): () => void {
    this.#watchers.add(watcher);
    for (const waiting of this.#waiting) watcher(waiting, true);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  /** Cuts every connection without a word, as a pulled cable does, until `heal`. The minors find out by their pings. */
  partition(): void {
    this.#partitioned = true;
    for (const [a, b] of this.#links) {
      a.cut = true;
      b.cut = true;
    }
  }

  heal(): void {
    this.#partitioned = false;
    for (const waiting of [...this.#waiting]) if (this.#waiting.has(waiting)) this.#match(waiting);
  }

  #leave(waiting: Waiting): void {
    if (!this.#waiting.delete(waiting)) return;
    for (const watcher of this.#watchers) watcher(waiting, false);
  }

  #match(later: Waiting): void {
    if (this.#partitioned) return;
    for (const entry of this.#links) if (!entry[0].open && !entry[1].open) this.#links.delete(entry);
    for (const first of this.#waiting) {
      if (first === later || first.myAddress !== later.peerAddress || first.peerAddress !== later.myAddress) continue;
      this.#leave(first);
      this.#leave(later);
      const latency = (): number => this.latencyMs;
      const links = [new LocalLink(first.scheduler, latency), new LocalLink(later.scheduler, latency)] as const;
      [links[0].peer, links[1].peer] = [links[1], links[0]];
      const entry = [...links, first, later] as const;
      this.#links.add(entry);
      const open = (link: LocalLink) => (handlers: LinkHandlers) =>
        link.listen({
          receive: (packet) => {
            handlers.receive(packet);
          },
          closed: () => {
            this.#links.delete(entry);
            handlers.closed();
          },
        });
      later.connected(open(links[1]), true);
      first.connected(open(links[0]), false);
      return;
    }
  }
}
