import { decodeFamily, decodeRaw, encodeRaw, FamilyCodec, type RawGenericMessage } from '../../lib/dialects/generic';
import { ArgumentError } from '../../lib/errors';
import { isBefore } from '../../lib/dialects/release';
import * as genl1 from '../../lib/dialects/genl1';
import * as genl2 from '../../lib/dialects/genl2';
import {
  decodeAcknowledgement,
  decodeAttributes,
  decodeDatagram,
  encodeDatagram,
  formatHex,
  GENL_ID_CTRL,
  NLMSG_DONE,
  NLMSG_ERROR,
  type NetlinkMessage,
} from '../../lib/netlink';
import { AttributeSetCodec, type AttributeSet, type Operation } from '../../lib/schema';
import { capturedDatagrams, type CaptureFolder } from '../support/captures';

const ORDER = 'little';
const INNER = 0x3fff;
const EINVAL = 22;
const ERR_MANDATORY_TAG = 126;
const ERR_RES_NOT_KNOWN = 158;
const ERR_INVALID_REQUEST = 162;

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
  ...(['drbd-9.1.7', 'drbd-9.2.18', 'drbd-9.3.3'] as const).map((folder) => ({
    dialect: 'genl2' as const,
    folder,
    version: 2,
    operations: genl2.operations,
    attributeSets: genl2.attributeSets,
  })),
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
        `${dialect} ${folder}: ${counts.datagrams} datagrams, ${counts.lossless} messages rebuilt byte for byte, ${counts.requests} requests and ${counts.answers} answers in both forms, ${counts.refused} refused as the kernel did, ${counts.outOfRange} with a number out of range, ` +
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

    /**
     * Requests that the kernel refused: too long a string is EINVAL or ERR_MANDATORY_TAG, no name 126 or 162, and one
     * that has two faults has the code of the other.
     */
    const refused = new Set<string>();
    for (const { bytes, sent, where } of all) {
      if (sent) continue;
      for (const message of decodeDatagram(bytes, ORDER).messages) {
        const malformed =
          message.type === NLMSG_ERROR
            ? decodeAcknowledgement(message, ORDER).errno === EINVAL
            : message.type > GENL_ID_CTRL &&
              [ERR_MANDATORY_TAG, ERR_RES_NOT_KNOWN, ERR_INVALID_REQUEST].includes(decodeRaw(message, ORDER).flags | 0);
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
          // Only what the kernel refused may be refused for good before.
          if (refused.has(`${where} ${message.sequence}`)) {
            counts.refused++;
            continue;
          }
          // drbdsetup leaves it to the kernel to judge a number.
          encoded = codec.encodeRequest(decoded.name, params, { order: ORDER, outOfRange: 'send' });
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
      expect(counts.refused).toBeLessThan(20);
    });

    test('the typed form reads every reply, dump and notification', () => {
      for (const { raw, sent, where } of drbdMessages()) {
        const decoded = codec.decode(raw, ORDER);
        if (decoded.name.startsWith('unknown')) throw new Error(`${where}: ${decoded.name}`);
        for (const attribute of decoded.unknown)
          unknownAttributes.add(`${attribute.set ?? ''}.${attribute.attribute.number}`);
        for (const [key, values] of Object.entries(decoded.sets))
          for (const item of Array.isArray(values) ? (values as readonly object[]) : [values])
            for (const name of Object.keys(item)) seenAttributes.add(`${key}.${name}`);
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

    if (dialect === 'genl2') {
      test('the answers hold what the tables say that this release has', () => {
        const release = folder.replace('drbd-', '');
        const differing: string[] = [];
        const seen = new Map<string, Set<string>>();
        for (const { raw, sent } of drbdMessages()) {
          if (sent) continue;
          for (const [key, values] of Object.entries(codec.decode(raw, ORDER).sets)) {
            const names = seen.get(key) ?? new Set<string>();
            seen.set(key, names);
            for (const item of Array.isArray(values) ? (values as readonly object[]) : [values])
              for (const name of Object.keys(item)) names.add(name);
          }
        }
        for (const [key, names] of seen) {
          for (const [name, { since = '9.0.0' }] of Object.entries(attributeSets[key]?.fields ?? {}))
            if (names.has(name) === isBefore(release, since)) differing.push(`${key}.${name}`);
        }
        // The kernel leaves the score to user land; whether the other is there depends on how the module was compiled.
        expect(differing.sort()).toEqual([
          ...(release === '9.2.18' ? ['peer_device_conf.resync_without_replication'] : []),
          'resource_info.res_promotion_score',
        ]);
      });

      test('every path of a connection is read, in the order of the wire', () => {
        let several = 0;
        for (const { raw, sent } of drbdMessages()) {
          const decoded = codec.decode(raw, ORDER);
          const nest = raw.list.attributes.find(({ number }) => number === attributeSets['path_parms']?.number);
          if (nest === undefined || sent) continue;
          const paths = decoded.sets['path_parms'] as readonly { my_addr: Uint8Array; peer_addr: Uint8Array }[];
          const inner = decodeAttributes(nest.payload, ORDER).map(({ payload }) => formatHex(payload));
          expect(paths.flatMap(({ my_addr, peer_addr }) => [formatHex(my_addr), formatHex(peer_addr)])).toEqual(inner);
          if (paths.length > 1) several++;
          const again = new AttributeSetCodec(genl2.attributeSets.path_parms).encode(paths, 'paths', { order: ORDER });
          expect(decodeAttributes(again.subarray(4), ORDER).map(({ payload }) => formatHex(payload))).toEqual(inner);
        }
        if (folder === 'drbd-9.2.18') expect(several).toBe(10);
      });
    }

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
