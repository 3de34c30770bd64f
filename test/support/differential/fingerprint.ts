import { operations } from '../../../lib/dialects/genl1';
import { nativeTransport } from '../../../lib/transport/native';
import { NETLINK_GENERIC, type TransportSocket } from '../../../lib/transport/transport';

/** linux/netlink.h, linux/genetlink.h */
const HEADER_BYTES = 16;
const SEQUENCE_OFFSET = 8;
const [NLMSG_ERROR, NLMSG_DONE] = [2, 3];
const [REQUEST, REQUEST_DUMP] = [0x1, 0x301];
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_NAME = 2;
const CTRL_ATTR_FAMILY_ID = 1;
/** Generic netlink's header, and that of DRBD behind it. */
const GENL_BYTES = 4;
const DRBD_BYTES = 8;

const DUMPS = ['get_resources', 'get_devices', 'get_connections', 'get_peer_devices'] as const;

interface Message {
  readonly type: number;
  readonly sequence: number;
  readonly bytes: Buffer;
}

/**
 * All that the kernel says of its objects, byte for byte: what the genuine `status` and `show` print is made of nothing
 * else, so that while it is the same they need not be asked again.
 */
export class Fingerprint {
  #socket: TransportSocket | undefined;
  #family = 0;
  #sequence = 0;
  #hear: (message: Message) => void = () => undefined;
  #lost: (error: Error) => void = () => undefined;

  async take(): Promise<string> {
    if (this.#socket === undefined) {
      this.#socket = nativeTransport().open(
        { protocol: NETLINK_GENERIC },
        {
          datagrams: (batch) => {
            for (const { bytes } of batch) for (const message of split(bytes)) this.#hear(message);
          },
          overrun: () => undefined,
          closed: (error) => {
            this.#lost(error ?? new Error('the socket was closed'));
          },
        },
      );
      this.#family = await this.#findFamily();
    }
    const answers: string[] = [];
    for (const dump of DUMPS)
      for (const { bytes } of await this.#ask(
        this.#family,
        REQUEST_DUMP,
        operations[dump].number,
        Buffer.alloc(DRBD_BYTES),
      ))
        answers.push(bytes.toString('hex'));
    return answers.join('\n');
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #findFamily(): Promise<number> {
    const name = Buffer.from('\0\0\0\0drbd\0\0\0\0');
    name.writeUInt16LE(9, 0);
    name.writeUInt16LE(CTRL_ATTR_FAMILY_NAME, 2);
    const [answer] = await this.#ask(GENL_ID_CTRL, REQUEST, CTRL_CMD_GETFAMILY, name);
    if (answer === undefined) throw new Error('no answer about the family');
    const { bytes } = answer;
    for (let at = HEADER_BYTES + GENL_BYTES; at + 4 <= bytes.length; at += (bytes.readUInt16LE(at) + 3) & ~3)
      if (bytes.readUInt16LE(at + 2) === CTRL_ATTR_FAMILY_ID) return bytes.readUInt16LE(at + 4);
    throw new Error('an answer without the number of the family');
  }

  /** Sends one request and gives what answers it, without the sequence number and port id of the question. */
  async #ask(family: number, flags: number, command: number, body: Buffer): Promise<readonly Message[]> {
    const sequence = ++this.#sequence;
    const header = Buffer.alloc(HEADER_BYTES + GENL_BYTES);
    header.writeUInt32LE(header.length + body.length, 0);
    header.writeUInt16LE(family, 4);
    header.writeUInt16LE(flags, 6);
    header.writeUInt32LE(sequence, SEQUENCE_OFFSET);
    header.writeUInt8(command, HEADER_BYTES);
    header.writeUInt8(1, HEADER_BYTES + 1);
    return new Promise((settle, reject) => {
      const answers: Message[] = [];
      this.#lost = reject;
      this.#hear = (message) => {
        if (message.sequence !== sequence) return;
        if (message.type === NLMSG_ERROR)
          reject(new Error(`command ${command}: errno ${-message.bytes.readInt32LE(HEADER_BYTES)}`));
        else if (message.type === NLMSG_DONE) settle(answers);
        else {
          answers.push(message);
          if (flags === REQUEST) settle(answers);
        }
      };
      this.#socket?.send(Buffer.concat([header, body])).done.catch(reject);
    });
  }
}

function split(datagram: Uint8Array): readonly Message[] {
  const messages: Message[] = [];
  for (let at = 0; at + HEADER_BYTES <= datagram.length;) {
    const view = new DataView(datagram.buffer, datagram.byteOffset + at);
    const length = view.getUint32(0, true);
    if (length < HEADER_BYTES) break;
    const bytes = Buffer.from(datagram.subarray(at, at + length));
    bytes.fill(0, SEQUENCE_OFFSET, HEADER_BYTES);
    messages.push({ type: view.getUint16(4, true), sequence: view.getUint32(SEQUENCE_OFFSET, true), bytes });
    at += (length + 3) & ~3;
  }
  return messages;
}
