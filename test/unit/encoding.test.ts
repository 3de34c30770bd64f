import { openDrbd, type Client } from '../../lib';
import * as connector from '../../lib/dialects/connector';
import { FamilyCodec } from '../../lib/dialects/generic';
import * as genl1 from '../../lib/dialects/genl1';
import * as genl2 from '../../lib/dialects/genl2';
import { ArgumentError } from '../../lib/errors';
import { encodeValue, rangeViolation, type AnyField } from '../../lib/schema';
import { createSimulator } from '../../lib/simulator';

const LIMITS = { u8: 0xffn, u32: 0xffffffffn, s32: 0x7fffffffn, u64: 0xffffffffffffffffn } as const;

/** Every number of every table that has a range or names, with a value that fits its bytes but not its range. */
function* rangedFields(): Generator<{
  readonly where: string;
  readonly field: AnyField;
  readonly outside: number | bigint;
}> {
  const tables: (readonly [string, Readonly<Record<string, AnyField>>])[] = [
    ...Object.values(connector.packets).map((packet) => [`connector ${packet.name}`, packet.tags] as const),
    ...Object.values(genl1.attributeSets).map((set) => [`genl1 ${set.name}`, set.fields] as const),
    ...Object.values(genl2.attributeSets).map((set) => [`genl2 ${set.name}`, set.fields] as const),
  ];
  for (const [owner, fields] of tables) {
    for (const [name, field] of Object.entries(fields)) {
      if (!(field.kind in LIMITS)) continue;
      const largest = LIMITS[field.kind as keyof typeof LIMITS];
      const outside = [largest, largest - 1n, 0n]
        .map((value) => (field.kind === 'u64' ? value : Number(value)))
        .find((value) => rangeViolation(field, value) !== undefined);
      if (outside !== undefined) yield { where: `${owner}.${name}`, field, outside };
    }
  }
}

test('a number out of range is refused, and sent where that is asked for, in every table', () => {
  const seen = new Map<string, number>();
  for (const { where, field, outside } of rangedFields()) {
    for (const order of ['little', 'big'] as const) {
      expect(() => encodeValue(field, outside, where, { order })).toThrow(ArgumentError);
      expect(() => encodeValue(field, outside, where, { order, outOfRange: 'refuse' })).toThrow(ArgumentError);
      expect(encodeValue(field, outside, where, { order, outOfRange: 'send' }).length).toBeGreaterThan(0);
    }
    const [dialect = ''] = where.split(' ');
    seen.set(dialect, (seen.get(dialect) ?? 0) + 1);
  }
  for (const dialect of ['connector', 'genl1', 'genl2']) expect(seen.get(dialect)).toBeGreaterThan(20);
});

test('what would wrap is refused whatever is asked for', () => {
  for (const { where, field } of rangedFields()) {
    const largest = LIMITS[field.kind as keyof typeof LIMITS];
    for (const value of [largest + 1n, -largest - 2n]) {
      expect(() =>
        encodeValue(field, field.kind === 'u64' ? value : Number(value), where, {
          order: 'little',
          outOfRange: 'send',
          incomplete: 'send',
        }),
      ).toThrow(ArgumentError);
    }
  }
});

test('the documented range is told of a number outside it', () => {
  const { max_buffers } = genl1.attributeSets.net_conf.fields;
  expect(rangeViolation(max_buffers, 200_000)).toBe('32 to 131072 buffers');
  expect(rangeViolation(max_buffers, 131_072)).toBeUndefined();
  expect(rangeViolation(genl1.attributeSets.net_conf.fields.rr_conflict, 77)).toMatch(/^one of 0 \(/u);
});

test('a whole request takes the options: connector, 8.4 and 9', () => {
  const body = (options: object): Uint8Array =>
    connector.encodeRequestBody(
      'syncer_conf',
      { minor: 0, tags: { rate: 1_000_000_000 } },
      { order: 'little', ...options },
    );
  expect(() => body({})).toThrow(/syncer_conf\.rate/u);
  expect(Buffer.from(body({ outOfRange: 'send' })).includes(Buffer.from('00ca9a3b', 'hex'))).toBe(true);
  for (const [dialect, { operations, attributeSets }, version] of [
    ['genl1', genl1, 1],
    ['genl2', genl2, 2],
  ] as const) {
    const codec = new FamilyCodec(dialect, version, operations, attributeSets);
    const encode = (options: object): Uint8Array =>
      codec
        .encodeRequest(
          'chg_net_opts',
          { context: { ctx_resource_name: 'r0' }, net_conf: { max_buffers: 200_000 } },
          { order: 'little', ...options },
        )
        .datagram({ family: 30, sequence: 1, port: 1 });
    expect(() => encode({})).toThrow(/max_buffers/u);
    expect(Buffer.from(encode({ outOfRange: 'send' })).includes(Buffer.from('400d0300', 'hex'))).toBe(true);
  }
});

test('request() refuses a number out of range before anything is sent, unless told to send it', async () => {
  const simulator = createSimulator();
  const drbd = (await openDrbd({ dialect: 'connector', transport: simulator.transport })) as Client<'connector'>;
  const params = { minor: 0, createDevice: true, tags: { rate: 1_000_000_000 } };
  await expect(drbd.request('syncer_conf', params)).rejects.toMatchObject({ code: 'ERR_DRBD_ARGUMENT' });
  expect(simulator.minors()).toEqual([]);
  await drbd.request('syncer_conf', params, { outOfRange: 'send' });
  expect((await drbd.request('get_config', { minor: 0 })).tags.rate).toBe(1_000_000_000);
  drbd.close();
  simulator.close();
});
