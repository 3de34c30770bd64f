import { openDrbd, type Client } from '../../lib';
import * as connector from '../../lib/dialects/connector';
import { FamilyCodec } from '../../lib/dialects/generic';
import * as genl1 from '../../lib/dialects/genl1';
import * as genl2 from '../../lib/dialects/genl2';
import { ArgumentError } from '../../lib/errors';
import { encodeValue, rangeViolation, type AnyField } from '../../lib/schema';
import { captureLines } from '../support/captures';
import { createSimulator } from '../../lib/simulator';

const ADDRESS = { family: 'ipv4', address: '127.0.0.1', port: 7788 } as const;
/** What names a link of 8.4, and of 9. */
const LINK = { ctx_my_addr: ADDRESS, ctx_peer_addr: ADDRESS };
const PEER = { ctx_resource_name: 'r0', ctx_peer_node_id: 1 };
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
          malformed: 'send',
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
          { context: version === 1 ? LINK : PEER, net_conf: { max_buffers: 200_000 } },
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

describe('a request that the kernel is known to refuse as malformed is refused before it is sent', () => {
  const codecs = {
    genl1: new FamilyCodec('genl1', 1, genl1.operations, genl1.attributeSets),
    genl2: new FamilyCodec('genl2', 2, genl2.operations, genl2.attributeSets),
  };
  const r0 = { ctx_resource_name: 'r0' };
  test.each([
    ['genl2', 'new_resource', { context: r0 }, 'new_resource.res_opts'],
    ['genl2', 'new_resource', { context: r0, res_opts: {} }, 'new_resource.res_opts.node_id'],
    ['genl2', 'new_peer', { context: PEER }, 'new_peer.net_conf'],
    ['genl2', 'new_peer', { context: PEER, net_conf: { timeout: 60 } }, 'new_peer.net_conf.name'],
    ['genl2', 'new_path', { context: PEER, path_parms: { my_addr: ADDRESS } }, 'new_path.path_parms.peer_addr'],
    ['genl2', 'new_path', { context: PEER, path_parms: [] }, 'new_path.path_parms'],
    ['genl2', 'connect', { context: r0 }, 'connect.context.ctx_peer_node_id'],
    ['genl2', 'inval_peer', { context: PEER }, 'inval_peer.context.ctx_volume'],
    ['genl2', 'new_minor', { minor: 1, context: r0 }, 'new_minor.context.ctx_volume'],
    ['genl2', 'forget_peer', { context: r0 }, 'forget_peer.forget_peer_parms'],
    ['genl2', 'resource_opts', { context: r0, res_opts: { node_id: 3 } }, 'resource_opts.res_opts.node_id'],
    ['genl2', 'chg_net_opts', { context: PEER, net_conf: { transport_name: 'tcp' } }, 'net_conf.transport_name'],
    ['genl2', 'chg_disk_opts', { minor: 0, disk_conf: { meta_dev: '/dev/a' } }, 'chg_disk_opts.disk_conf.meta_dev'],
    ['genl1', 'attach', { minor: 0 }, 'attach.disk_conf'],
    ['genl1', 'attach', { minor: 0, disk_conf: { backing_dev: '/dev/a' } }, 'attach.disk_conf.meta_dev'],
    ['genl1', 'chg_disk_opts', { minor: 0, disk_conf: { disk_size: 8n } }, 'chg_disk_opts.disk_conf.disk_size'],
    ['genl1', 'chg_net_opts', { context: LINK, net_conf: { tentative: true } }, 'chg_net_opts.net_conf.tentative'],
    ['genl1', 'connect', { context: r0 }, 'connect.context.ctx_my_addr'],
    ['genl1', 'disconnect', { context: { ctx_my_addr: ADDRESS } }, 'disconnect.context.ctx_peer_addr'],
    ['genl1', 'new_resource', { context: {} }, 'new_resource.context.ctx_resource_name'],
  ] as const)('%s %s %j', (dialect, name, params, path) => {
    expect(() => codecs[dialect].encodeRequest(name, params, { order: 'little' })).toThrow(path);
    expect(
      codecs[dialect].encodeRequest(
        name,
        { ...params, ...('path_parms' in params && Array.isArray(params.path_parms) ? { path_parms: undefined } : {}) },
        { order: 'little', malformed: 'send' },
      ).operation.name,
    ).toBe(name);
  });

  test('one path is sent, alone or as a list of one', () => {
    const path = { my_addr: ADDRESS, peer_addr: ADDRESS };
    const encode = (path_parms: object): string =>
      Buffer.from(
        codecs.genl2
          .encodeRequest('new_path', { context: PEER, path_parms }, { order: 'little' })
          .datagram({ family: 30, sequence: 1, port: 1 }),
      ).toString('hex');
    expect(encode([path])).toBe(encode(path));
    expect(() => encode([path, path])).toThrow('send a request for each');
  });
});

test('the words of options are those that drbdsetup lists, in the tables of DRBD 9', () => {
  const names: Readonly<Record<string, string>> = {
    protocol: 'wire_protocol',
    fencing: 'fencing_policy',
    'after-sb-0pri': 'after_sb_0p',
    'after-sb-1pri': 'after_sb_1p',
    'after-sb-2pri': 'after_sb_2p',
    'on-no-data-accessible': 'on_no_data',
    'on-suspended-primary-outdated': 'on_susp_primary_outdated',
  };
  const fields: Readonly<Record<string, AnyField>> = {
    ...genl2.attributeSets.disk_conf.fields,
    ...genl2.attributeSets.net_conf.fields,
    ...genl2.attributeSets.res_opts.fields,
  };
  const seen = new Set<string>();
  for (const { command } of captureLines<{ readonly argv?: readonly string[]; readonly stdout?: string }>(
    'drbd-8.4.11/usage.jsonl',
  )) {
    if (command.argv?.[1] !== 'xml-help') continue;
    for (const [, option = '', body = ''] of (command.stdout ?? '').matchAll(
      /<option name="([^"]+)" type="[a-z]+">(.*?)<\/option>/gsu,
    )) {
      const words = [...body.matchAll(/<handler>([^<]*)<\/handler>/gu)].map(([, word]) => word);
      if (words.length === 0) continue;
      const field = fields[names[option] ?? option.replaceAll('-', '_')];
      expect([option, ...Object.values(field?.names ?? {})].sort()).toEqual([option, ...words].sort());
      seen.add(option);
    }
  }
  expect(seen.size).toBeGreaterThan(10);
});
