import { operations } from '../../lib/dialects/genl1';
import { familyAnswer, genericStateAnswers, noFamilyAnswer } from '../../lib/recording/stand-in';
import { readMessages, type GenericPlace } from '../../lib/recording/wire';
import { concatBytes, CTRL_CMD_DELFAMILY, GENL_ID_CTRL, NLMSG_HEADER_BYTES, viewOf } from '../../lib/netlink';
import { memoryPair, type MemoryPair } from '../../lib/transport/memory';
import {
  NETLINK_CONNECTOR,
  NETLINK_GENERIC,
  type Datagram,
  type HostFiles,
  type Transport,
  type TransportSocket,
} from '../../lib/transport/transport';

const ORDER = 'little';
const ENOENT = 2;
const NLMSG_ERROR = 2;
/** The controller's own group has the number of its family. */
const CTRL_GROUP_MASK = (1 << (GENL_ID_CTRL - 1)) >>> 0;
const EVENTS_GROUP_NUMBER = 7;

/** A module as the generic netlink controller knows it. */
export interface FakeFamily {
  readonly id: number;
  readonly dialect: 'genl1' | 'genl2';
}

export interface FakeDriverOptions {
  readonly host?: HostFiles;
  /** The family drbd, if the module is loaded. */
  readonly family?: FakeFamily;
  /** Netlink protocols that the kernel listens to; both if absent. Others refuse what is sent (ECONNREFUSED). */
  readonly protocols?: readonly number[];
  /** Takes requests and says nothing. */
  readonly silent?: boolean;
  /** The controller refuses every question with this errno. */
  readonly refuses?: number;
}

/**
 * The kernel's side of a search for a driver: a generic netlink controller, and as much of DRBD 8.4 as answers get_status
 * of minor 0.
 */
export class FakeDriver {
  readonly pair: MemoryPair;
  /** What the connector was sent. */
  readonly connector: Datagram[] = [];
  /** Families that requests were sent to, the controller left out. */
  readonly asked: number[] = [];
  family: FakeFamily | undefined;
  readonly #options: FakeDriverOptions;
  #isSilent: boolean;
  readonly #generic: TransportSocket | undefined;
  readonly #sockets: TransportSocket[] = [];

  constructor(options: FakeDriverOptions = {}) {
    const { host, family, protocols = [NETLINK_GENERIC, NETLINK_CONNECTOR] } = options;
    this.#options = options;
    this.#isSilent = options.silent === true;
    this.family = family;
    this.pair = memoryPair(host === undefined ? {} : { host });
    const open = (protocol: number, take: (datagram: Datagram) => void): TransportSocket | undefined => {
      if (!protocols.includes(protocol)) return undefined;
      const socket = this.pair.kernel.open(
        { protocol },
        {
          datagrams: (batch) => batch.forEach(take),
          overrun: () => undefined,
          closed: () => undefined,
        },
      );
      this.#sockets.push(socket);
      return socket;
    };
    this.#generic = open(NETLINK_GENERIC, (datagram) => {
      this.#answer(datagram);
    });
    open(NETLINK_CONNECTOR, (datagram) => this.connector.push(datagram));
  }

  get transport(): Transport {
    return this.pair.user;
  }

  /** From now on it takes requests and says nothing. */
  silence(): void {
    this.#isSilent = true;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  /** The module goes, and comes back with another number, as the controller tells its listeners. */
  reload(family: FakeFamily): void {
    this.unload();
    this.family = family;
    this.#announce(family, false);
  }

  unload(): void {
    if (this.family !== undefined) this.#announce(this.family, true);
    this.family = undefined;
  }

  #announce(family: FakeFamily, gone: boolean): void {
    const bytes = this.#describe(family, 0, 0).slice();
    if (gone) bytes[NLMSG_HEADER_BYTES] = CTRL_CMD_DELFAMILY;
    this.#generic?.send(bytes, { groups: CTRL_GROUP_MASK });
  }

  /** Tells those that listen to the driver's events of minor 0. */
  event(sequence: number): void {
    if (this.family === undefined) return;
    const place = { command: operations.event.number, version: 1, type: this.family.id, sequence, minor: 0 };
    for (const bytes of genericStateAnswers(place as GenericPlace, new Map(), 0, ORDER))
      this.#generic?.send(bytes, { groups: 1 << (EVENTS_GROUP_NUMBER - 1) });
  }

  #describe({ id, dialect }: FakeFamily, sequence: number, port: number): Uint8Array {
    const facts = { dialect, id, version: null, group: EVENTS_GROUP_NUMBER };
    return familyAnswer(facts, { sequence } as GenericPlace, port, ORDER);
  }

  #answer({ bytes, port }: Datagram): void {
    if (this.#isSilent) return;
    for (const asked of readMessages(bytes, ORDER, false)) {
      const answers = this.#answersTo(asked, bytes, port);
      if (answers.length > 0) this.#generic?.send(concatBytes(answers), { port });
    }
  }

  #answersTo(asked: ReturnType<typeof readMessages>[number], bytes: Uint8Array, port: number): readonly Uint8Array[] {
    const { refuses } = this.#options;
    if (asked.type === GENL_ID_CTRL) {
      if (refuses !== undefined) return [withErrno(noFamilyAnswer(bytes, asked, port, ORDER), refuses)];
      return this.family === undefined
        ? [noFamilyAnswer(bytes, asked, port, ORDER)]
        : [this.#describe(this.family, asked.sequence, port)];
    }
    this.asked.push(asked.type);
    if (asked.kind !== 'generic' || asked.type !== this.family?.id)
      return [withErrno(noFamilyAnswer(bytes, asked, port, ORDER), ENOENT)];
    return genericStateAnswers(asked, new Map([[0, undefined]]), port, ORDER);
  }
}

/** Puts another errno into an NLMSG_ERROR. */
function withErrno(bytes: Uint8Array, errno: number): Uint8Array {
  const out = bytes.slice();
  const view = viewOf(out);
  if (view.getUint16(4, true) === NLMSG_ERROR) view.setInt32(NLMSG_HEADER_BYTES, -errno, true);
  return out;
}
