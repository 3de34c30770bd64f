import { decodeRaw, FamilyCodec } from '../../lib/dialects/generic';
import * as genl1 from '../../lib/dialects/genl1';
import * as genl2 from '../../lib/dialects/genl2';
import {
  concatBytes,
  CTRL_ATTR_FAMILY_ID,
  CTRL_ATTR_FAMILY_NAME,
  CTRL_ATTR_MCAST_GROUPS,
  CTRL_ATTR_MCAST_GRP_ID,
  CTRL_ATTR_MCAST_GRP_NAME,
  CTRL_ATTR_VERSION,
  CTRL_CMD_NEWFAMILY,
  decodeDatagram,
  encodeAttribute,
  encodeGenericMessage,
  encodeMessage,
  GENL_ID_CTRL,
  NLM_F_MULTI,
  NLMSG_DONE,
  viewOf,
} from '../../lib/netlink';
import { AttributeSetCodec, type AttributeSet } from '../../lib/schema';
import type { HostFiles, Send, SocketHandlers, Transport, TransportSocket } from '../../lib/transport/transport';
import { FakeTransport } from './fake-transport';

const ORDER = 'little';
const FAMILY = 30;
const SUCCESS = 101;
const NO_MINOR = 0xffffffff;
const EVENTS_GROUP = 7;

/** A request as the kernel reads it, and what a test answers. */
export interface KernelRequest {
  readonly name: string;
  readonly minor: number | undefined;
  readonly sets: Readonly<Record<string, unknown>>;
}
export interface KernelAnswer {
  readonly returnCode?: number;
  readonly minor?: number;
  readonly sets?: Readonly<Record<string, unknown>>;
}

/**
 * The kernel's side of generic netlink as a table in a test: it takes requests apart by the tables, and encodes what
 * the test answers.
 */
export class GenericKernel extends FakeTransport implements Transport {
  readonly host: HostFiles;
  /** What was asked, in order; the question for the family is not among it. */
  readonly requests: KernelRequest[] = [];
  readonly #version: 1 | 2;
  readonly #codec: FamilyCodec;
  readonly #sets: Readonly<Record<string, AttributeSet>>;
  readonly #answer: (request: KernelRequest) => readonly KernelAnswer[] | undefined;

  /**
   * @param release null if nothing tells it
   * @param answer the answers to a request; undefined for silence
   */
  constructor(release: string | null, answer: (request: KernelRequest) => readonly KernelAnswer[] | undefined) {
    super();
    this.#version = release?.startsWith('8.') === true ? 1 : 2;
    const { operations, attributeSets } = this.#version === 1 ? genl1 : genl2;
    this.#codec = new FamilyCodec(this.#version === 1 ? 'genl1' : 'genl2', this.#version, operations, attributeSets);
    this.#sets = attributeSets;
    this.#answer = answer;
    this.host = {
      procDrbd: () =>
        release === null ? { error: 'ENOENT' } : `version: ${release} (api:${this.#version}/proto:86-124)\n`,
      connectorIndex: () => undefined,
    };
  }

  protected send(bytes: Uint8Array): Send {
    const [message] = decodeDatagram(bytes, ORDER).messages;
    if (message === undefined) throw new Error('no message');
    const { sequence, port } = message;
    const replies: Uint8Array[] = [];
    if (message.type === GENL_ID_CTRL) {
      const number = new Uint8Array(4);
      viewOf(number).setUint32(0, this.#version, true);
      const group = concatBytes([
        encodeAttribute(CTRL_ATTR_MCAST_GRP_NAME, new TextEncoder().encode('events\0'), ORDER),
        encodeAttribute(CTRL_ATTR_MCAST_GRP_ID, Uint8Array.of(EVENTS_GROUP, 0, 0, 0), ORDER),
      ]);
      const data = concatBytes([
        encodeAttribute(CTRL_ATTR_MCAST_GROUPS, encodeAttribute(1, group, ORDER), ORDER),
        encodeAttribute(CTRL_ATTR_FAMILY_NAME, new TextEncoder().encode('drbd\0'), ORDER),
        encodeAttribute(CTRL_ATTR_FAMILY_ID, Uint8Array.of(FAMILY, 0), ORDER),
        encodeAttribute(CTRL_ATTR_VERSION, number, ORDER),
      ]);
      const payload = encodeGenericMessage({ command: CTRL_CMD_NEWFAMILY, version: 2, data }, ORDER);
      replies.push(encodeMessage({ type: GENL_ID_CTRL, flags: 0, sequence, port, payload }, ORDER));
    } else {
      const { name, minor, sets } = this.#codec.decode(decodeRaw(message, ORDER), ORDER);
      const request = { name, minor, sets };
      this.requests.push(request);
      const dump = this.#codec.operation(name)?.kind === 'dump';
      const answers = this.#answer(request);
      const flags = dump ? NLM_F_MULTI : 0;
      for (const answer of answers ?? [])
        replies.push(
          encodeMessage({ type: FAMILY, flags, sequence, port, payload: this.#payload(name, answer) }, ORDER),
        );
      if (dump && answers !== undefined)
        replies.push(encodeMessage({ type: NLMSG_DONE, flags, sequence, port, payload: new Uint8Array(4) }, ORDER));
    }
    queueMicrotask(() => {
      this.handlers[port - 1]?.datagrams(
        replies.map((reply) => ({ bytes: reply, port: 0, groups: 0, group: 0, truncated: false })),
      );
    });
    return { state: 'returned', done: Promise.resolve(), cancel: () => false };
  }

  /** Sends a notification to every socket of the group. @param sequence the driver's own count */
  notify(name: string, sequence: number, answer: KernelAnswer): void {
    const payload = this.#payload(name, answer);
    const bytes = encodeMessage({ type: FAMILY, flags: 0, sequence, port: 0, payload }, ORDER);
    for (const socket of this.listening)
      this.handlers[socket]?.datagrams([
        { bytes, port: 0, groups: 1 << (EVENTS_GROUP - 1), group: EVENTS_GROUP, truncated: false },
      ]);
  }

  /** The kernel dropped notifications. */
  overrun(): void {
    for (const socket of this.listening) this.handlers[socket]?.overrun();
  }

  /** Numbers of the sockets that are in a multicast group. */
  readonly listening = new Set<number>();

  override open(options: { readonly groups?: number }, handlers: SocketHandlers): TransportSocket {
    const socket = super.open(options, handlers);
    if ((options.groups ?? 0) !== 0) this.listening.add(this.handlers.length - 1);
    return socket;
  }

  #payload(name: string, { returnCode = SUCCESS, minor = NO_MINOR, sets = {} }: KernelAnswer): Uint8Array {
    const header = new Uint8Array(8);
    viewOf(header).setUint32(0, minor, true);
    viewOf(header).setInt32(4, returnCode, true);
    const parts = Object.entries(sets).map(([key, values]) => {
      const set = this.#sets[key === 'context' ? 'drbd_cfg_context' : key];
      if (set === undefined) throw new Error(`no set ${key}`);
      return new AttributeSetCodec(set).encode(values, key, { order: ORDER, outOfRange: 'send' });
    });
    const command = this.#codec.operation(name)?.number ?? 0;
    return encodeGenericMessage({ command, version: this.#version, data: concatBytes([header, ...parts]) }, ORDER);
  }
}
