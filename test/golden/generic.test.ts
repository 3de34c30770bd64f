import { decodeFamily, decodeRaw, encodeRaw, FamilyCodec, type RawGenericMessage } from '../../lib/dialects/generic';
import { ArgumentError } from '../../lib/errors';
import * as genl1 from '../../lib/dialects/genl1';
import * as genl2 from '../../lib/dialects/genl2';
import {
  decodeAcknowledgement,
  decodeDatagram,
  encodeDatagram,
  formatHex,
  GENL_ID_CTRL,
  NLMSG_DONE,
  NLMSG_ERROR,
  type NetlinkMessage,
} from '../../lib/netlink';
import { type AttributeSet, type Operation } from '../../lib/schema';
import { capturedDatagrams, type CaptureFolder } from '../support/captures';

const ORDER = 'little';
const INNER = 0x3fff;
const EINVAL = 22;
const ERR_MANDATORY_TAG = 126;

interface Case {
  readonly dialect: 'genl1' | 'genl2';
  readonly folder: CaptureFolder;
  readonly version: number;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly attributeSets: Readonly<Record<string, AttributeSet>>;
}

const cases: readonly Case[] = [
  {
    dialect: 'genl1',
    folder: 'drbd-8.4.11',
    version: 1,
    operations: genl1.operations,
    attributeSets: genl1.attributeSets,
  },
  {
    dialect: 'genl2',
    folder: 'drbd-9.1.7',
    version: 2,
    operations: genl2.operations,
    attributeSets: genl2.attributeSets,
  },
];

describe.each(cases)(
  '$dialect: recorded exchanges with $folder',
  ({ dialect, folder, version, operations, attributeSets }) => {
    const all = capturedDatagrams(folder);
    const codec = new FamilyCodec(dialect, version, operations, attributeSets);
    const counts = {
      datagrams: 0,
      lossless: 0,
      requests: 0,
      answers: 0,
      refused: 0,
      outOfRange: 0,
      families: 0,
      ends: 0,
    };
    const seenOperations = new Map<number, 'sent' | 'received'>();
    const seenAttributes = new Set<string>();
    const unknownAttributes = new Set<string>();

    afterAll(() => {
      process.stdout.write(
        `${dialect}: ${counts.datagrams} datagrams, ${counts.lossless} messages rebuilt byte for byte, ${counts.requests} requests and ${counts.answers} answers in both forms, ${counts.refused} refused as the kernel did, ${counts.outOfRange} with a number out of range, ` +
          `${counts.families} family descriptions, ${counts.ends} acknowledgements and ends; ${seenOperations.size} of ${Object.keys(operations).length} operations, ${seenAttributes.size} attributes\n`,
      );
    });

    /** The messages of the family `drbd`. */
    function* drbdMessages(): Generator<{
      readonly message: NetlinkMessage;
      readonly raw: RawGenericMessage;
      readonly sent: boolean;
      readonly where: string;
      readonly bytes: Uint8Array;
    }> {
      for (const { bytes, sent, where } of all) {
        for (const message of decodeDatagram(bytes, ORDER).messages) {
          if (message.type === GENL_ID_CTRL || message.type === NLMSG_DONE || message.type === NLMSG_ERROR) continue;
          yield { message, raw: decodeRaw(message, ORDER), sent, where, bytes };
        }
      }
    }

    test('every datagram is rebuilt byte for byte from its lossless form', () => {
      for (const { bytes, where } of all) {
        counts.datagrams++;
        if (formatHex(encodeDatagram(decodeDatagram(bytes, ORDER), ORDER)) !== formatHex(bytes))
          throw new Error(`${where}: the datagram differs`);
      }
      for (const { message, raw, where } of drbdMessages()) {
        const rebuilt = formatHex(encodeRaw(raw, ORDER));
        const original = formatHex(encodeDatagram({ messages: [message], rest: new Uint8Array(0) }, ORDER));
        if (rebuilt !== original) throw new Error(`${where}:\n  ${rebuilt}\n  ${original}`);
        counts.lossless++;
      }
      expect(counts.lossless).toBeGreaterThan(100);
    });

    /** Requests that the kernel called malformed: too long a string is EINVAL or ERR_MANDATORY_TAG. */
    const refused = new Set<string>();
    for (const { bytes, sent, where } of all) {
      if (sent) continue;
      for (const message of decodeDatagram(bytes, ORDER).messages) {
        const malformed =
          message.type === NLMSG_ERROR
            ? decodeAcknowledgement(message, ORDER).errno === EINVAL
            : message.type > GENL_ID_CTRL && (decodeRaw(message, ORDER).flags | 0) === ERR_MANDATORY_TAG;
        if (malformed) refused.add(`${where} ${message.sequence}`);
      }
    }

    test('the typed form of every request encodes to the same request', () => {
      for (const { message, raw, sent, where } of drbdMessages()) {
        if (!sent) continue;
        const decoded = codec.decode(raw, ORDER);
        expect(decoded.unknown).toEqual([]);
        seenOperations.set(raw.generic.command, 'sent');
        const { minor, setDefaults, sets } = decoded;
        const params = { ...(minor === undefined ? {} : { minor }), ...(setDefaults ? { setDefaults } : {}), ...sets };
        let encoded;
        try {
          encoded = codec.encodeRequest(decoded.name, params, { order: ORDER });
        } catch (error) {
          if (!(error instanceof ArgumentError)) throw error;
          // Only what the kernel refused as malformed may be refused for good before.
          if (refused.has(`${where} ${message.sequence}`)) {
            counts.refused++;
            continue;
          }
          // drbdsetup leaves it to the kernel to judge a number.
          encoded = codec.encodeRequest(decoded.name, params, { order: ORDER, outOfRange: 'send', incomplete: 'send' });
          counts.outOfRange++;
        }
        const again = formatHex(
          encoded.datagram({ family: message.type, sequence: message.sequence, port: message.port }),
        );
        const original = formatHex(encodeDatagram({ messages: [message], rest: new Uint8Array(0) }, ORDER));
        if (again !== original) throw new Error(`${where} (${decoded.name}):\n  ${again}\n  ${original}`);
        counts.requests++;
      }
      expect(counts.requests).toBeGreaterThan(200);
      expect(counts.refused).toBeLessThan(10);
    });

    test('the typed form reads every reply, dump and notification', () => {
      for (const { raw, sent, where } of drbdMessages()) {
        const decoded = codec.decode(raw, ORDER);
        if (decoded.name.startsWith('unknown')) throw new Error(`${where}: ${decoded.name}`);
        for (const attribute of decoded.unknown)
          unknownAttributes.add(`${attribute.set ?? ''}.${attribute.attribute.number}`);
        for (const [key, values] of Object.entries(decoded.sets))
          for (const name of Object.keys(values)) seenAttributes.add(`${key}.${name}`);
        if (sent) continue;
        if (!seenOperations.has(raw.generic.command)) seenOperations.set(raw.generic.command, 'received');
        const top = new Set(raw.list.attributes.map(({ number }) => number & INNER).filter((number) => number !== 0));
        expect(Object.keys(decoded.sets).length + decoded.unknown.filter(({ set }) => set === undefined).length).toBe(
          top.size,
        );
        counts.answers++;
      }
      expect(counts.answers).toBeGreaterThan(50);
      // Everything that these modules send is in the tables.
      expect([...unknownAttributes]).toEqual([]);
    });

    test('families, acknowledgements and the ends of dumps are read', () => {
      for (const { bytes, sent } of all) {
        if (sent) continue;
        for (const message of decodeDatagram(bytes, ORDER).messages) {
          if (message.type === GENL_ID_CTRL) {
            const family = decodeFamily(message, ORDER);
            expect(family.name).toBe('drbd');
            expect(family.version).toBe(version);
            expect(family.groups.has('events')).toBe(true);
            counts.families++;
          } else if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
            if (message.type === NLMSG_ERROR) decodeAcknowledgement(message, ORDER);
            counts.ends++;
          }
        }
      }
      expect(counts.families).toBeGreaterThan(10);
    });
  },
);
