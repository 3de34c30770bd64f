import {
  decodeRaw,
  decodeReply,
  encodeRequest,
  encodeRequestBody,
  type RequestPacketName,
} from '../../lib/dialects/connector';
import { decodeDatagram, type SocketAddress } from '../../lib/netlink';
import { createSimulator, Network, VirtualClock, type SimulatorOptions, type Simulator } from '../../lib/simulator';

export const ORDER = 'little';
/** 16 MiB and the metadata behind them: 4086 blocks. */
export const DISK_BYTES = 16 << 20;

export const NODES = [0, 1] as const;
export type Node = (typeof NODES)[number];

/** A request under way, and its answer. */
export interface Sent {
  readonly name: RequestPacketName;
  readonly node: Node;
  readonly sequence: number;
  /** Return codes of the answers that came: exactly one in the end. */
  readonly codes: number[];
  /** The tags of the last answer. */
  tags: Readonly<Record<string, unknown>>;
  /** The sender came back from the kernel. */
  returned: boolean;
}

const address = (node: Node): SocketAddress => ({ family: 'ipv4', address: `10.0.0.${node + 1}`, port: 7788 });

/** Two simulated nodes with one minor each that mirror each other, driven by raw requests. */
export class SimulatedPair {
  readonly clock = new VirtualClock();
  readonly network = new Network();
  readonly nodes: readonly [Simulator, Simulator];
  readonly sent: Sent[] = [];

  /** @param options what both have; `/dev/disk` of 16 MiB if no disks. @param each what a node has beside */
  constructor(options: SimulatorOptions = {}, each: (node: Node) => SimulatorOptions = () => ({})) {
    const make = (node: Node): Simulator => {
      const simulator = createSimulator({
        disks: { '/dev/disk': { sizeBytes: DISK_BYTES } },
        ...options,
        ...each(node),
        byteOrder: ORDER,
        clock: this.clock,
        network: this.network,
        seed: BigInt(node + 1) << 32n,
        addresses: [`10.0.0.${node + 1}`],
      });
      simulator.onDatagram(({ bytes }, { kind }) => {
        const message = decodeDatagram(bytes, ORDER).messages[0];
        if (kind !== 'reply' || message === undefined) return;
        const raw = decodeRaw(message, ORDER);
        const sent = this.sent.find(
          (candidate) => candidate.node === node && candidate.sequence === raw.connector.sequence,
        );
        const { returnCode, tags } = decodeReply(raw, ORDER);
        if (sent === undefined) return;
        sent.codes.push(returnCode);
        sent.tags = tags;
      });
      return simulator;
    };
    this.nodes = [make(0), make(1)];
  }

  /** Sends a request; it may still be under way when this returns. */
  send(
    node: Node,
    name: RequestPacketName,
    tags: Readonly<Record<string, unknown>> = {},
    flags: { readonly createDevice?: boolean; readonly setDefaults?: boolean } = {},
  ): Sent {
    const sequence = this.sent.length + 1;
    const sent: Sent = { name, node, sequence, codes: [], tags: {}, returned: false };
    this.sent.push(sent);
    const body = encodeRequestBody(name, { minor: 0, ...flags, tags }, { order: ORDER });
    this.nodes[node].receive(
      encodeRequest(body, { idx: 8, sequence, ack: sequence, port: 99 }, ORDER),
      { privileged: true },
      () => (sent.returned = true),
    );
    return sent;
  }

  /**
   * Sends a request and lets time pass until it is answered. @returns its return code; undefined if it was not within
   * ten minutes
   */
  ask(node: Node, name: RequestPacketName, tags: Readonly<Record<string, unknown>> = {}): number | undefined {
    const sent = this.send(node, name, tags, { createDevice: true });
    this.clock.advanceUntil(() => sent.codes.length > 0, 600_000);
    return sent.codes[0];
  }

  /** Asks a question. @returns the tags of the answer */
  inquire(
    node: Node,
    name: 'get_config' | 'get_state' | 'get_uuids' | 'get_timeout_flag',
  ): Readonly<Record<string, unknown>> {
    return this.send(node, name).tags;
  }

  attach(node: Node, tags: Readonly<Record<string, unknown>> = {}): Sent {
    return this.send(
      node,
      'disk_conf',
      { backing_dev: '/dev/disk', meta_dev: '/dev/disk', meta_dev_idx: -1, ...tags },
      { createDevice: true },
    );
  }

  connect(node: Node, tags: Readonly<Record<string, unknown>> = {}): Sent {
    return this.send(
      node,
      'net_conf',
      { my_addr: address(node), peer_addr: address(node === 0 ? 1 : 0), wire_protocol: 3, ...tags },
      { createDevice: true },
    );
  }

  close(): void {
    for (const node of this.nodes) node.close();
  }
}
