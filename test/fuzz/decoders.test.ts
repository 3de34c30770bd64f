import fc from 'fast-check';

import * as connector from '../../lib/dialects/connector';
import { decodeFamily, decodeFamilyChange, decodeRaw, encodeRaw, FamilyCodec } from '../../lib/dialects/generic';
import * as genl1 from '../../lib/dialects/genl1';
import * as genl2 from '../../lib/dialects/genl2';
import { ArgumentError, CodecError } from '../../lib/errors';
import {
  decodeAcknowledgement,
  decodeDatagram,
  decodeSocketAddress,
  encodeDatagram,
  formatHex,
  NLMSG_ERROR,
  type ByteOrder,
} from '../../lib/netlink';
import { hasOnlyNamedValues, type AnyField, type FieldTable } from '../../lib/schema';
import { CAPTURE_FOLDERS, capturedDatagrams, type CaptureFolder } from '../support/captures';

const RUNS = { numRuns: Number(process.env['NODE_DRBD_FUZZ_RUNS'] ?? 3000) };
const order = fc.constantFrom<ByteOrder>('little', 'big');

/** Recorded datagrams, damaged: bytes changed, cut short, or lengthened. They reach deeper than arbitrary bytes. */
function damaged(folder: CaptureFolder): fc.Arbitrary<Uint8Array> {
  const seeds = capturedDatagrams(folder)
    .filter((_unused, index) => index % 7 === 0)
    .map(({ bytes }) => bytes.subarray(0, 2048));
  return fc
    .record({
      seed: fc.constantFrom(...seeds),
      changes: fc.array(fc.record({ at: fc.nat({ max: 2047 }), value: fc.integer({ min: 0, max: 255 }) }), {
        maxLength: 6,
      }),
      cut: fc.option(fc.nat({ max: 2047 })),
      more: fc.uint8Array({ maxLength: 8 }),
    })
    .map(({ seed, changes, cut, more }) => {
      const bytes = seed.slice(0, cut ?? seed.length);
      for (const { at, value } of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return Uint8Array.from([...bytes, ...more]);
    });
}

function valueOrCodecError(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    if (error.offset === undefined || !Number.isInteger(error.offset) || error.offset < 0 || error.path === '')
      throw new Error(`a CodecError without path and offset: ${error.message}`, { cause: error });
  }
}

const codecs = [
  {
    dialect: 'genl1',
    codec: new FamilyCodec('genl1', 1, genl1.operations, genl1.attributeSets),
    sets: genl1.attributeSets,
    operations: genl1.operations,
    folder: 'drbd-8.4.11',
  },
  {
    dialect: 'genl2',
    codec: new FamilyCodec('genl2', 2, genl2.operations, genl2.attributeSets),
    sets: genl2.attributeSets,
    operations: genl2.operations,
    folder: 'drbd-9.1.7',
  },
] as const;

describe('any bytes give a value or a CodecError', () => {
  const everyDecoder = (bytes: Uint8Array, byteOrder: ByteOrder): void => {
    const datagram = decodeDatagram(bytes, byteOrder);
    expect(formatHex(encodeDatagram(datagram, byteOrder))).toBe(formatHex(bytes));
    for (const message of datagram.messages) {
      valueOrCodecError(() => {
        const raw = connector.decodeRaw(message, byteOrder);
        expect(
          formatHex(
            decodeDatagram(connector.encodeRaw(raw, byteOrder), byteOrder).messages[0]?.payload ?? new Uint8Array(0),
          ),
        ).toBe(formatHex(message.payload));
        valueOrCodecError(() => connector.decodeRequest(raw, byteOrder));
        connector.decodeReply(raw, byteOrder);
      });
      for (const { codec } of codecs) {
        valueOrCodecError(() => {
          const raw = decodeRaw(message, byteOrder);
          expect(
            formatHex(decodeDatagram(encodeRaw(raw, byteOrder), byteOrder).messages[0]?.payload ?? new Uint8Array(0)),
          ).toBe(formatHex(message.payload));
          codec.decode(raw, byteOrder);
          codec.infoTexts(raw, byteOrder);
        });
      }
      valueOrCodecError(() => decodeFamily(message, byteOrder));
      valueOrCodecError(() => decodeFamilyChange(message, byteOrder));
      if (message.type === NLMSG_ERROR) valueOrCodecError(() => decodeAcknowledgement(message, byteOrder));
    }
  };

  test('arbitrary bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 256 }), order, everyDecoder), RUNS);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), order, (bytes, byteOrder) => {
        valueOrCodecError(() => decodeSocketAddress(bytes, byteOrder));
      }),
      RUNS,
    );
  });

  test.each(CAPTURE_FOLDERS)('damaged messages of %s', (folder) => {
    fc.assert(fc.property(damaged(folder), everyDecoder2), RUNS);
  });
  const everyDecoder2 = (bytes: Uint8Array): void => {
    everyDecoder(bytes, 'little');
  };
});

/** Values that a field takes, from its table entry. */
function valueOf(field: AnyField): fc.Arbitrary<unknown> {
  const utf8Bytes = (text: string): number => new TextEncoder().encode(text).length;
  if (hasOnlyNamedValues(field)) return fc.constantFrom(...Object.keys(field.names ?? {}).map(Number));
  switch (field.kind) {
    case 'u8':
      return fc.integer({ min: Number(field.min ?? 0), max: Number(field.max ?? 255) });
    case 'u32':
      return fc.integer({ min: Number(field.min ?? 0), max: Number(field.max ?? 0xffffffff) });
    case 's32':
      return fc.integer({ min: Number(field.min ?? -0x80000000), max: Number(field.max ?? 0x7fffffff) });
    case 'u64':
      return fc.bigInt({ min: BigInt(field.min ?? 0n), max: BigInt(field.max ?? 0xffffffffffffffffn) });
    case 'flag':
      return fc.boolean();
    case 'string':
      return fc
        .string({ maxLength: 20, unit: 'binary' })
        .filter(
          (text) =>
            (!text.includes('\0') && !/[\ud800-\udfff]/u.test(text) && (field.maxBytes ?? 0) === 0) ||
            (!text.includes('\0') && utf8Bytes(text) < (field.maxBytes ?? 4096)),
        );
    case 'bytes':
    case 'address':
      return fc.uint8Array({ maxLength: Math.min(field.maxBytes ?? 64, 64) });
    case 'u64s':
      return fc.array(fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }), { maxLength: (field.maxBytes ?? 32) / 8 });
  }
}

interface Demands {
  /** Fields that are needed beside those that the table says are. */
  readonly needed?: readonly string[];
  /** It changes what exists: fixed fields may not be named. */
  readonly partial?: boolean;
}

function valuesOf(
  table: FieldTable,
  { needed = [], partial = false }: Demands = {},
): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  const required = Object.entries<AnyField>(table)
    .filter(([name, field]) => field.required === true || needed.includes(name))
    .map(([name]) => name);
  // Two names of one number: only today's is read back.
  const current = Object.entries<AnyField>(table).filter(
    ([, field]) =>
      !(partial && field.invariant === true) &&
      (field.until === undefined ||
        !Object.values<AnyField>(table).some((other) => other !== field && other.number === field.number)),
  );
  return fc.record(Object.fromEntries(current.map(([name, field]) => [name, valueOf(field)])), {
    requiredKeys: required.filter((name) => current.some(([other]) => other === name)),
  });
}

describe('what was encoded is decoded to the same', () => {
  test.each(
    Object.values(connector.packets)
      .filter(({ kind }) => kind === 'change' || kind === 'read')
      .map(({ name }) => name),
  )('connector: %s', (name) => {
    fc.assert(
      fc.property(
        valuesOf(connector.packets[name].tags),
        fc.nat({ max: 255 }),
        order,
        fc.boolean(),
        (tags, minor, byteOrder, createDevice) => {
          const params = { minor, ...(createDevice ? { createDevice: true } : {}), tags };
          const body = connector.encodeRequestBody(name, params, { order: byteOrder });
          const bytes = connector.encodeRequest(body, { idx: 8, sequence: 7, ack: 9, port: 5 }, byteOrder);
          const [message] = decodeDatagram(bytes, byteOrder).messages;
          if (message === undefined) throw new Error('no message');
          const decoded = connector.decodeRequest(connector.decodeRaw(message, byteOrder), byteOrder);
          expect(decoded).toEqual({ name, params, unknown: [] });
        },
      ),
      { numRuns: 100 },
    );
  });

  for (const { dialect, codec, operations } of codecs) {
    test.each(
      Object.values(operations)
        .filter(({ kind }) => kind !== 'notification')
        .map(({ name }) => name),
    )(`${dialect}: %s`, (name) => {
      const operation = codec.operation(name);
      if (operation === undefined) throw new Error(name);
      const sets = fc.record(
        Object.fromEntries(
          Object.entries(operation.request).map(([key, set]) => {
            const values = valuesOf(set.fields, {
              partial: operation.partial,
              ...(key === 'context' ? { needed: operation.needs } : {}),
            });
            // A list is read as one, whether it was written as one or not.
            return [key, set.list ? fc.tuple(values) : values];
          }),
        ),
        { requiredKeys: [...operation.required, ...(operation.needs.length === 0 ? [] : ['context'])] },
      );
      fc.assert(
        fc.property(sets, fc.nat({ max: 1_000_000 }), order, (given, minor, byteOrder) => {
          const params = { ...(operation.minor ? { minor } : {}), ...given };
          const encoded = codec.encodeRequest(name, params, { order: byteOrder });
          const [message] = decodeDatagram(encoded.datagram({ family: 31, sequence: 1, port: 2 }), byteOrder).messages;
          if (message === undefined) throw new Error('no message');
          const decoded = codec.decode(decodeRaw(message, byteOrder), byteOrder);
          expect([decoded.name, decoded.minor, decoded.sets, decoded.unknown]).toEqual([
            name,
            operation.minor ? minor : undefined,
            given,
            [],
          ]);
        }),
        { numRuns: 50 },
      );
    });
  }
});

describe('any arguments are encoded or give an ArgumentError', () => {
  const anything = fc.anything({ withBigInt: true, withNullPrototype: true, withTypedArray: true });

  test('connector', () => {
    const names = fc.oneof(fc.constantFrom(...Object.keys(connector.packets)), fc.string());
    const tagNames = [...new Set(Object.values(connector.packets).flatMap(({ tags }) => Object.keys(tags)))];
    const tags = fc.dictionary(fc.oneof(fc.constantFrom(...tagNames), fc.string()), anything, { maxKeys: 4 });
    fc.assert(
      fc.property(
        names,
        fc.oneof(anything, fc.record({ minor: fc.oneof(fc.nat(), anything), tags })),
        (name, params) => {
          try {
            connector.encodeRequestBody(name, params, { order: 'little' });
          } catch (error) {
            if (!(error instanceof ArgumentError) || error.path === '') throw error;
          }
        },
      ),
      RUNS,
    );
  });

  test.each(codecs)('$dialect', ({ codec, operations, sets }) => {
    const names = fc.oneof(fc.constantFrom(...Object.keys(operations)), fc.string());
    const fields = [...new Set(Object.values(sets).flatMap(({ fields: table }) => Object.keys(table)))];
    const values = fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string()), anything, { maxKeys: 4 });
    const params = fc.dictionary(
      fc.oneof(fc.constantFrom('minor', 'setDefaults', 'context', ...Object.keys(sets)), fc.string()),
      fc.oneof(values, anything),
      { maxKeys: 4 },
    );
    fc.assert(
      fc.property(names, fc.oneof(params, anything), (name, given) => {
        try {
          codec.encodeRequest(name, given, { order: 'little' });
        } catch (error) {
          if (!(error instanceof ArgumentError) || error.path === '') throw error;
        }
      }),
      RUNS,
    );
  });
});
