import { decodeRaw, decodeRequest, encodeRequest, encodeRequestBody, packets } from '../../lib/dialects/connector';
import { FamilyCodec } from '../../lib/dialects/generic';
import * as genl1 from '../../lib/dialects/genl1';
import * as genl2 from '../../lib/dialects/genl2';
import { concatBytes, decodeDatagram, encodeMessage, formatHex, NLMSG_ERROR } from '../../lib/netlink';
import { describeDifference, hideSecrets, maskRequest, readMessages } from '../../lib/recording/wire';
import { capturedDatagrams, type CaptureFolder } from '../support/captures';

const ORDER = 'little';
const SECRET = 'open sesame';
const address = (port: number) => ({ family: 'ipv4', address: '127.0.0.1', port }) as const;
const netConf = (secret: string): Uint8Array =>
  encodeRequest(
    encodeRequestBody(
      'net_conf',
      {
        minor: 3,
        tags: {
          my_addr: address(1),
          peer_addr: address(2),
          shared_secret: secret,
          wire_protocol: 3,
          cram_hmac_alg: 'sha1',
        },
      },
      { order: ORDER },
    ),
    { idx: 8, sequence: 11, ack: 12, port: 13 },
    ORDER,
  );
const generic = {
  1: new FamilyCodec('genl1', 1, genl1.operations, genl1.attributeSets),
  2: new FamilyCodec('genl2', 2, genl2.operations, genl2.attributeSets),
};
const generic1 = (secret: string): Uint8Array =>
  generic[1]
    .encodeRequest(
      'connect',
      {
        context: { ctx_resource_name: 'r0', ctx_my_addr: address(1), ctx_peer_addr: address(2) },
        net_conf: { shared_secret: secret, wire_protocol: 3, cram_hmac_alg: 'sha1' },
      },
      { order: ORDER },
    )
    .datagram({ family: 32, sequence: 5, port: 6 });
const generic2 = (secret: string): Uint8Array =>
  generic[2]
    .encodeRequest(
      'new_peer',
      {
        context: { ctx_resource_name: 'r0', ctx_peer_node_id: 1 },
        net_conf: { name: 'n', shared_secret: secret, wire_protocol: 3, cram_hmac_alg: 'sha1' },
      },
      { order: ORDER },
    )
    .datagram({ family: 32, sequence: 5, port: 6 });

const cases: readonly (readonly [string, boolean, (secret: string) => Uint8Array])[] = [
  ['net_conf of the connector', true, netConf],
  ['connect of DRBD 8.4', false, generic1],
  ['new_peer of DRBD 9', false, generic2],
];

describe('secrets', () => {
  test.each(cases)('%s: as many x, and nothing else', (_what, connector, make) => {
    const hidden = hideSecrets(make(SECRET), ORDER, connector);
    expect(formatHex(hidden)).toBe(formatHex(make('x'.repeat(SECRET.length))));
    expect(formatHex(hideSecrets(make(''), ORDER, connector))).toBe(formatHex(make('')));
  });

  test.each(cases)('%s: cut anywhere, not a letter of it is left', (_what, connector, make) => {
    const whole = make(SECRET);
    const plain = Buffer.from(SECRET);
    const at = Buffer.from(whole).indexOf(plain);
    for (let length = 0; length < whole.length; length++) {
      const hidden = Buffer.from(hideSecrets(whole.subarray(0, length), ORDER, connector));
      expect(hidden).toHaveLength(length);
      for (let index = at; index < Math.min(length, at + plain.length); index++) expect(hidden[index]).toBe(0x78);
      // All else stays.
      expect(hidden.subarray(0, Math.min(at, length))).toEqual(Buffer.from(whole.subarray(0, Math.min(at, length))));
    }
  });

  test.each(cases)(
    '%s: in each message of a datagram, and in a refusal that repeats the request',
    (_what, connector, make) => {
      const pad = (bytes: Uint8Array): Uint8Array => concatBytes([bytes, new Uint8Array((4 - (bytes.length % 4)) % 4)]);
      const one = pad(make(SECRET));
      const refusal = pad(
        encodeMessage(
          {
            type: NLMSG_ERROR,
            flags: 0,
            sequence: 5,
            port: 6,
            payload: concatBytes([Uint8Array.of(0xea, 0xff, 0xff, 0xff), make(SECRET)]),
          },
          ORDER,
        ),
      );
      const hidden = Buffer.from(hideSecrets(concatBytes([one, refusal, one]), ORDER, connector));
      expect(hidden.includes(SECRET)).toBe(false);
      expect(hidden.toString('latin1').split('x'.repeat(SECRET.length))).toHaveLength(4);
    },
  );

  test('behind a NUL inside, too, and with any type bits', () => {
    const bytes = Buffer.from(netConf(SECRET));
    const at = bytes.indexOf(SECRET);
    bytes[at + 4] = 0;
    const tag = bytes.readUInt16LE(at - 4);
    expect(tag & 0x1fff).toBe(packets.net_conf.tags.shared_secret.number);
    bytes.writeUInt16LE(tag ^ 0xe000, at - 4);
    expect(
      Buffer.from(hideSecrets(bytes, ORDER, true))
        .subarray(at, at + SECRET.length)
        .toString(),
    ).toBe('x'.repeat(SECRET.length));
  });

  test.each<[CaptureFolder, boolean]>([
    ['drbd-8.3.13', true],
    ['drbd-8.4.11', false],
    ['drbd-9.1.7', false],
    ['drbd-9.2.18', false],
  ])('none of the captured ones is left in %s: requests, answers, broadcasts', (folder, connector) => {
    const secrets = new Set<string>();
    const all = capturedDatagrams(folder);
    for (const { bytes } of all) {
      for (const message of readMessages(bytes, ORDER, connector)) {
        for (const { field, start, end } of message.fields)
          if (field?.secret === true)
            secrets.add(Buffer.from(bytes.subarray(start, end)).toString('latin1').replace(/\0+$/u, ''));
      }
    }
    secrets.delete('');
    // A recorded secret that is made of x looks as if it were hidden.
    for (const secret of secrets) if (/^x+$/u.test(secret)) secrets.delete(secret);
    let seen = 0;
    for (const { bytes, where, sent, command } of all) {
      const before = Buffer.from(bytes).toString('latin1');
      const after = Buffer.from(hideSecrets(bytes, ORDER, connector)).toString('latin1');
      for (const secret of secrets) {
        // Short ones may stand in other words as well.
        if (secret.length < 6 || !before.includes(secret)) continue;
        seen++;
        if (after.includes(secret))
          throw new Error(`${where} (${sent ? 'sent' : 'received'}, ${command}): ${secret} is still there`);
      }
    }
    expect(seen).toBeGreaterThan(0);
  });
});

describe('masking', () => {
  test.each(cases)(
    '%s: numbers, ports, sin_zero and secrets make no difference; every other byte does',
    (_what, connector, make) => {
      const bytes = make(SECRET);
      const mask = formatHex(maskRequest(bytes, ORDER, connector));
      const free = new Set<number>();
      const range = (start: number, end: number): void => {
        for (let at = start; at < end; at++) free.add(at);
      };
      range(8, 16);
      if (connector) range(24, 32);
      const secretAt = Buffer.from(bytes).indexOf(SECRET);
      range(secretAt, secretAt + SECRET.length);
      // 127.0.0.1 stands twice, sin_zero behind it; DRBD 9's new_peer has no addresses.
      for (
        let at = Buffer.from(bytes).indexOf(Buffer.of(127, 0, 0, 1));
        at !== -1;
        at = Buffer.from(bytes).indexOf(Buffer.of(127, 0, 0, 1), at + 1)
      )
        range(at + 4, at + 12);
      for (let at = 0; at < bytes.length; at++) {
        const other = bytes.slice();
        // Not zero: what ends a secret stays as it is.
        other[at] = ((other[at] ?? 0) + 1) & 0xff || 1;
        expect([at, formatHex(maskRequest(other, ORDER, connector)) === mask]).toEqual([at, free.has(at)]);
      }
      expect(formatHex(maskRequest(bytes.subarray(0, bytes.length - 1), ORDER, connector))).not.toBe(mask);
      expect(formatHex(maskRequest(concatBytes([bytes, Uint8Array.of(0)]), ORDER, connector))).not.toBe(mask);
    },
  );

  test('of a cut secret the length counts', () => {
    expect(formatHex(maskRequest(netConf('four'), ORDER, true))).toBe(
      formatHex(maskRequest(netConf('five'), ORDER, true)),
    );
    expect(formatHex(maskRequest(netConf('four'), ORDER, true))).not.toBe(
      formatHex(maskRequest(netConf('three'), ORDER, true)),
    );
  });

  test('a difference is told for each captured request against the next', () => {
    for (const [folder, connector] of [
      ['drbd-8.3.13', true],
      ['drbd-8.4.11', false],
      ['drbd-9.1.7', false],
    ] as const) {
      const sent = capturedDatagrams(folder).filter((datagram) => datagram.sent && !datagram.raw);
      for (let index = 1; index < sent.length; index++) {
        const [one, other] = [sent[index - 1], sent[index]];
        if (one === undefined || other === undefined) continue;
        const same =
          formatHex(maskRequest(one.bytes, ORDER, connector)) === formatHex(maskRequest(other.bytes, ORDER, connector));
        const lines = describeDifference(one.bytes, other.bytes, ORDER, connector);
        if (same !== (lines.length === 0))
          throw new Error(`${other.where}: ${lines.join('; ') || 'no difference is told'}`);
      }
    }
  });
});

test('the tables read what they wrote', () => {
  const [message] = decodeDatagram(netConf(SECRET), ORDER).messages;
  if (message === undefined) throw new Error('no message');
  expect(decodeRequest(decodeRaw(message, ORDER), ORDER).params.tags).toMatchObject({ shared_secret: SECRET });
  expect(readMessages(netConf(SECRET), ORDER, true)[0]).toMatchObject({
    kind: 'connector',
    cnSequence: 11,
    ack: 12,
    port: 13,
    minor: 3,
    packetType: 5,
  });
  expect(readMessages(generic1(SECRET), ORDER, false)[0]).toMatchObject({
    kind: 'generic',
    sequence: 5,
    port: 6,
    version: 1,
    command: 10,
    minor: undefined,
  });
});
