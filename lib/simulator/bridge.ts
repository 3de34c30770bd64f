import { createConnection, createServer, type Socket } from 'node:net';
import { ArgumentError } from '../errors';
import { realClock, type Clock } from './clock';
import type { Link, LinkHandlers, Network, Waiting } from './network';
import { decodePacket, encodePacket, type Packet } from './packet';
import { Scheduler } from './scheduler';

/** Where two processes meet: a TCP port of this machine or another, or the path of a Unix socket. */
export type MeetingPoint = { readonly port: number; readonly host?: string } | { readonly path: string };

/** A network that reaches into another process. */
export interface Bridge {
  /** The TCP port or path that the other process joins. */
  readonly at: MeetingPoint;
  /** Takes the bridge away: connections across it are lost. Idempotent. */
  close(): void;
}

/**
 * One line of JSON between the two processes. The one that joins tells who waits there; the one that opened makes the
 * matches.
 */
type Message =
  | { readonly wait: number; readonly myAddress: string; readonly peerAddress: string; readonly settleMs: number }
  | { readonly leave: number }
  | { readonly match: number; readonly link: number; readonly later: boolean }
  | { readonly packet: Packet; readonly link: number }
  | { readonly close: number };

/** Longest line: the bitmap of a large device in ranges; more is no message of ours. */
const LONGEST_LINE = 64 * 1024 * 1024;

/** Lines of a socket, in both directions. What is not a message ends the connection. */
class Wire {
  readonly #socket: Socket;
  #rest = '';

  constructor(socket: Socket, receive: (message: Message) => void, closed: () => void) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.setNoDelay(true);
    socket.on('data', (text: string) => {
      this.#rest += text;
      const lines = this.#rest.split('\n');
      this.#rest = lines.pop() ?? '';
      try {
        if (this.#rest.length > LONGEST_LINE) throw new SyntaxError('the line is too long');
        for (const line of lines) receive(decodePacket(line) as Message);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        socket.destroy();
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', closed);
    socket.unref();
  }

  send(message: Message): void {
    if (this.#socket.writable) this.#socket.write(`${encodePacket(message)}\n`);
  }

  end(): void {
    this.#socket.destroy();
  }
}

/** The ends of links that lie in this process, by their number. */
class LinkEnds {
  readonly #handlers = new Map<number, LinkHandlers>();
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  open(link: number, handlers: LinkHandlers): Link {
    this.#handlers.set(link, handlers);
    return {
      send: (packet) => {
        if (!this.#handlers.has(link)) return false;
        this.#wire.send({ packet, link });
        return true;
      },
      close: () => {
        if (this.#handlers.delete(link)) this.#wire.send({ close: link });
      },
      vanish: () => {
        this.#handlers.delete(link);
      },
    };
  }

  receive(link: number, packet: Packet): void {
    this.#handlers.get(link)?.receive(packet);
  }

  closed(link: number): void {
    const handlers = this.#handlers.get(link);
    this.#handlers.delete(link);
    handlers?.closed();
  }

  closeAll(): void {
    for (const link of [...this.#handlers.keys()]) this.closed(link);
  }
}

/** Minors of the process that has joined, as they stand in the network of the one that opened. */
function serve(socket: Socket, network: Network, clock: Clock): Wire {
  const scheduler = new Scheduler(clock);
  const waiting = new Map<number, () => void>();
  const links = new Map<number, Link>();
  let nextLink = 1;
  const wire = new Wire(
    socket,
    (message) => {
      if ('wait' in message) {
        const { wait: id, myAddress, peerAddress, settleMs } = message;
        const proxy: Waiting = {
          myAddress,
          peerAddress,
          settleMs,
          scheduler,
          connected: (open, later) => {
            const link = nextLink++;
            waiting.delete(id);
            wire.send({ match: id, link, later });
            const end = open({
              receive: (packet) => {
                wire.send({ packet, link });
              },
              closed: () => {
                links.delete(link);
                wire.send({ close: link });
              },
            });
            links.set(link, end);
          },
        };
        waiting.set(id, network.wait(proxy));
      } else if ('leave' in message) {
        waiting.get(message.leave)?.();
        waiting.delete(message.leave);
      } else if ('packet' in message) links.get(message.link)?.send(message.packet);
      else if ('close' in message) {
        links.get(message.close)?.close();
        links.delete(message.close);
      }
    },
    () => {
      for (const leave of waiting.values()) leave();
      for (const link of links.values()) link.close();
    },
  );
  return wire;
}

/**
 * Lets minors of another process find those of this network by their addresses.
 * @param at TCP port (0: any that is free, on 127.0.0.1 unless a host is named) or path of a Unix socket
 * @throws the error of the system call, as a rejection
 */
export async function openBridge(network: Network, at: MeetingPoint, clock: Clock = realClock()): Promise<Bridge> {
  const wires = new Set<Wire>();
  const server = createServer((socket) => {
    wires.add(serve(socket, network, clock));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen('path' in at ? { path: at.path } : { port: at.port, host: at.host ?? '127.0.0.1' }, resolve);
  });
  server.unref();
  const address = server.address();
  return {
    at:
      typeof address === 'string'
        ? { path: address }
        : { port: address?.port ?? 0, host: address?.address ?? '127.0.0.1' },
    close: () => {
      server.close();
      for (const wire of wires) wire.end();
    },
  };
}

/**
 * Joins a network that another process has opened with {@link openBridge}.
 * @throws the error of the system call, as a rejection
 */
export async function joinBridge(network: Network, at: MeetingPoint): Promise<Bridge> {
  const socket = createConnection('path' in at ? { path: at.path } : { port: at.port, host: at.host ?? '127.0.0.1' });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  const here = new Map<number, Waiting>();
  const numbers = new Map<Waiting, number>();
  let next = 1;
  let stop = (): void => undefined;
  const wire: Wire = new Wire(
    socket,
    (message) => {
      if ('match' in message) {
        const { match: id, link, later } = message;
        const waiting = here.get(id);
        // It may have given up while the match was on its way.
        if (waiting === undefined || !network.take(waiting)) {
          wire.send({ close: link });
          return;
        }
        waiting.connected((handlers) => ends.open(link, handlers), later);
        waiting.scheduler.run();
      } else if ('packet' in message) ends.receive(message.link, message.packet);
      else if ('close' in message) ends.closed(message.close);
    },
    () => {
      stop();
      ends.closeAll();
    },
  );
  const ends = new LinkEnds(wire);
  stop = network.watch((waiting, waits) => {
    const known = numbers.get(waiting);
    if (waits) {
      const id = next++;
      numbers.set(waiting, id);
      here.set(id, waiting);
      wire.send({
        wait: id,
        myAddress: waiting.myAddress,
        peerAddress: waiting.peerAddress,
        settleMs: waiting.settleMs,
      });
    } else if (known !== undefined) {
      numbers.delete(waiting);
      here.delete(known);
      wire.send({ leave: known });
    }
  });
  return {
    at,
    close: () => {
      stop();
      wire.end();
    },
  };
}

/** @param text `PORT`, `HOST:PORT`, or a path with a slash in it. @throws ArgumentError */
export function parseMeetingPoint(text: string): MeetingPoint {
  if (text.includes('/')) return { path: text };
  const match = /^(?:(.+):)?(\d{1,5})$/u.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535)
    throw new ArgumentError('network', `PORT, HOST:PORT or a path is needed, not ${JSON.stringify(text)}`);
  return { port, ...(match[1] === undefined ? {} : { host: match[1] }) };
}
