import { ArgumentError, CodecError } from '../../lib/errors';
import {
  acknowledgementError,
  align,
  concatBytes,
  decodeAcknowledgement,
  decodeAttributeList,
  decodeAttributes,
  decodeConnectorMessage,
  decodeDatagram,
  decodeGenericMessage,
  decodeSocketAddress,
  encodeAttribute,
  encodeAttributeList,
  encodeConnectorMessage,
  encodeDatagram,
  encodeGenericMessage,
  encodeMessage,
  encodeSocketAddress,
  errnoName,
  formatHex,
  formatSocketAddress,
  MAX_ATTRIBUTE_DEPTH,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLMSG_DONE,
  NLMSG_ERROR,
  NO_BYTES,
  parseHex,
  parseSocketAddress,
  type ByteOrder,
} from '../../lib/netlink';

const orders: readonly ByteOrder[] = ['little', 'big'];

function message(fields: Partial<Parameters<typeof encodeMessage>[0]>, order: ByteOrder = 'little'): Uint8Array {
  return encodeMessage({ type: 16, flags: 0, sequence: 1, port: 2, payload: NO_BYTES, ...fields }, order);
}

function u32(value: number, order: ByteOrder = 'little'): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setInt32(0, value, order === 'little');
  return out;
}

describe('datagrams', () => {
  test.each(orders)('header fields are where linux/netlink.h has them, %s-endian', (order) => {
    const bytes = message(
      { type: 0x1234, flags: 0x5678, sequence: 0x9abcdef0, port: 0x13579bdf, payload: Uint8Array.of(1, 2, 3) },
      order,
    );
    expect(formatHex(bytes)).toBe(
      order === 'little' ? '130000003412785' + '6f0debc9adf9b5713010203' : '00000013123456789abcdef013579bdf010203',
    );
    const [decoded] = decodeDatagram(bytes, order).messages;
    expect(decoded).toMatchObject({
      length: 19,
      type: 0x1234,
      flags: 0x5678,
      sequence: 0x9abcdef0,
      port: 0x13579bdf,
      offset: 0,
    });
  });

  test('several messages with padding that is not zero keep their bytes', () => {
    const bytes = concatBytes([
      message({ payload: Uint8Array.of(9) }),
      Uint8Array.of(7, 7, 7),
      message({ type: 3, payload: u32(0) }),
    ]);
    const datagram = decodeDatagram(bytes, 'little');
    expect(datagram.messages.map(({ type, offset }) => [type, offset])).toEqual([
      [16, 0],
      [3, 20],
    ]);
    expect(datagram.problem).toBeUndefined();
    expect(encodeDatagram(datagram, 'little')).toEqual(bytes);
  });

  test.each([
    ['cut header', message({}).subarray(0, 15), 0],
    ['length 0', concatBytes([u32(0), new Uint8Array(12)]), 0],
    ['length 15', concatBytes([u32(15), new Uint8Array(12)]), 0],
    ['length beyond the datagram', concatBytes([u32(17), new Uint8Array(12)]), 0],
    ['length 2^32 - 1', concatBytes([u32(-1), new Uint8Array(12)]), 0],
    ['second message cut', concatBytes([message({}), message({}).subarray(0, 5)]), 16],
  ])('%s: the rest is kept and explained', (_name, bytes, offset) => {
    const datagram = decodeDatagram(bytes, 'little');
    expect(datagram.problem).toBeInstanceOf(CodecError);
    expect(datagram.problem?.offset).toBe(offset);
    expect(datagram.rest).toEqual(bytes.subarray(offset));
    expect(encodeDatagram(datagram, 'little')).toEqual(bytes);
  });

  test('an empty datagram holds nothing', () => {
    expect(decodeDatagram(NO_BYTES, 'little')).toEqual({ messages: [], rest: NO_BYTES, problem: undefined });
  });
});

describe('connector and generic headers', () => {
  test.each(orders)('cn_msg round trip, %s-endian', (order) => {
    const bytes = encodeConnectorMessage(
      {
        idx: 8,
        val: 1,
        sequence: 0xfffffffe,
        ack: 0xffffffff,
        length: 3,
        flags: 0xabcd,
        data: Uint8Array.of(1, 2, 3),
        rest: Uint8Array.of(9),
      },
      order,
    );
    const decoded = decodeConnectorMessage(bytes, order);
    expect(decoded).toEqual({
      idx: 8,
      val: 1,
      sequence: 0xfffffffe,
      ack: 0xffffffff,
      length: 3,
      flags: 0xabcd,
      data: Uint8Array.of(1, 2, 3),
      rest: Uint8Array.of(9),
    });
    expect(encodeConnectorMessage(decoded, order)).toEqual(bytes);
  });

  test('a cn_msg that promises more than there is shows both', () => {
    const bytes = encodeConnectorMessage(
      { idx: 8, val: 1, sequence: 1, ack: 1, length: 60, flags: 0, data: Uint8Array.of(1) },
      'little',
    );
    expect(decodeConnectorMessage(bytes, 'little')).toMatchObject({ length: 60, data: Uint8Array.of(1) });
  });

  test('too short headers are a CodecError with the place', () => {
    expect(() => decodeConnectorMessage(new Uint8Array(19), 'little', 16)).toThrow(
      expect.objectContaining({ code: 'ERR_DRBD_CODEC', path: 'cn_msg', offset: 16 }),
    );
    expect(() => decodeGenericMessage(new Uint8Array(3), 'little', 16)).toThrow(
      expect.objectContaining({ code: 'ERR_DRBD_CODEC', path: 'genlmsghdr', offset: 16 }),
    );
  });

  test.each(orders)('genlmsghdr round trip, %s-endian', (order) => {
    const decoded = { command: 200, version: 2, reserved: 0x1234, data: Uint8Array.of(5) };
    expect(decodeGenericMessage(encodeGenericMessage(decoded, order), order)).toEqual(decoded);
  });
});

describe('attributes', () => {
  test('padding attributes are skipped for reading and kept without loss', () => {
    const bytes = concatBytes([
      encodeAttribute(0, NO_BYTES, 'little'),
      encodeAttribute(0x4003, u32(5), 'little'),
      encodeAttribute(0x8004, encodeAttribute(1, Uint8Array.of(1), 'little'), 'little'),
    ]);
    expect(decodeAttributes(bytes, 'little').map(({ number, type }) => [number, type])).toEqual([
      [3, 0x4003],
      [4, 0x8004],
    ]);
    expect(encodeAttributeList(decodeAttributeList(bytes, 'little'), 'little')).toEqual(bytes);
  });

  test('a last attribute without its padding, and one with garbage in it', () => {
    const bytes = concatBytes([
      encodeAttribute(1, Uint8Array.of(1), 'little').subarray(0, 5),
      Uint8Array.of(0xaa, 0xbb, 0xcc),
      encodeAttribute(2, Uint8Array.of(2), 'little').subarray(0, 5),
    ]);
    const list = decodeAttributeList(bytes, 'little');
    expect(list.attributes.map(({ padding }) => padding.length)).toEqual([3, 0]);
    expect(encodeAttributeList(list, 'little')).toEqual(bytes);
  });

  test.each([[3], [0x10000]])('nla_len that does not fit (%d) is a CodecError at its place', (length) => {
    const bytes = concatBytes([
      encodeAttribute(1, u32(1), 'little'),
      Uint8Array.of(length & 0xff, (length >> 8) & 0xff, 1, 0),
    ]);
    expect(() => decodeAttributes(bytes, 'little', 100)).toThrow(
      expect.objectContaining({ code: 'ERR_DRBD_CODEC', offset: 108 }),
    );
  });

  test('nesting has a limit', () => {
    expect(() => decodeAttributes(NO_BYTES, 'little', 0, 'deep', MAX_ATTRIBUTE_DEPTH + 1)).toThrow(
      expect.objectContaining({ code: 'ERR_DRBD_CODEC', path: 'deep' }),
    );
  });

  test('a payload beyond 16 bits of length does not wrap', () => {
    expect(() => encodeAttribute(1, new Uint8Array(65532), 'little')).toThrow(
      expect.objectContaining({ code: 'ERR_DRBD_CODEC' }),
    );
  });
});

describe('acknowledgements', () => {
  const read = (bytes: Uint8Array): ReturnType<typeof decodeAcknowledgement> => {
    const [first] = decodeDatagram(bytes, 'little').messages;
    if (first === undefined) throw new Error('no message');
    return decodeAcknowledgement(first, 'little');
  };
  const text = encodeAttribute(1, new TextEncoder().encode('no such thing\0'), 'little');
  const offset = encodeAttribute(2, u32(36), 'little');

  test('error 0 is an acknowledgement', () => {
    expect(read(message({ type: NLMSG_ERROR, payload: concatBytes([u32(0), message({})]) }))).toEqual({
      errno: 0,
      message: undefined,
      offset: undefined,
    });
  });

  test('a refusal with the request repeated, and an extended acknowledgement behind it', () => {
    const request = message({ payload: Uint8Array.of(1, 2, 3, 4, 5) });
    const payload = concatBytes([
      u32(-22),
      request,
      new Uint8Array(align(request.length) - request.length),
      text,
      offset,
    ]);
    expect(read(message({ type: NLMSG_ERROR, flags: NLM_F_ACK_TLVS, payload }))).toEqual({
      errno: 22,
      message: 'no such thing',
      offset: 36,
    });
  });

  test('a capped refusal', () => {
    const payload = concatBytes([u32(-95), message({ payload: new Uint8Array(64) }).subarray(0, 16), text]);
    expect(read(message({ type: NLMSG_ERROR, flags: NLM_F_ACK_TLVS | NLM_F_CAPPED, payload }))).toEqual({
      errno: 95,
      message: 'no such thing',
      offset: undefined,
    });
  });

  test('DONE: empty, with success, with an error and its explanation', () => {
    expect(read(message({ type: NLMSG_DONE })).errno).toBe(0);
    expect(read(message({ type: NLMSG_DONE, payload: u32(0) })).errno).toBe(0);
    expect(read(message({ type: NLMSG_DONE, flags: NLM_F_ACK_TLVS, payload: concatBytes([u32(-19), text]) }))).toEqual({
      errno: 19,
      message: 'no such thing',
      offset: undefined,
    });
  });

  test.each([
    [NLMSG_ERROR, 3],
    [NLMSG_DONE, 2],
  ])('type %d with %d bytes is a CodecError', (type, length) => {
    expect(() => read(message({ type, payload: new Uint8Array(length) }))).toThrow(
      expect.objectContaining({ code: 'ERR_DRBD_CODEC' }),
    );
  });

  test('a refusal whose repeated request lies about its length', () => {
    const payload = concatBytes([u32(-22), u32(-1), new Uint8Array(12), text]);
    expect(read(message({ type: NLMSG_ERROR, flags: NLM_F_ACK_TLVS, payload }))).toMatchObject({
      errno: 22,
      message: undefined,
    });
  });

  test('becomes an error with number, name and the words of the kernel', () => {
    const error = acknowledgementError({ errno: 1, message: 'not you', offset: undefined }, 7, 'primary of minor 0');
    expect(error).toMatchObject({
      code: 'ERR_DRBD_NETLINK',
      errno: 1,
      sequence: 7,
      extendedAck: { message: 'not you' },
    });
    expect(error.message).toMatch(/primary of minor 0.*EPERM.*errno 1.*not you/u);
    expect(errnoName(4000)).toBe('unknown(4000)');
  });
});

describe('addresses', () => {
  test('IPv4 as drbdsetup sends it, sin_zero zero', () => {
    expect(formatHex(encodeSocketAddress({ family: 'ipv4', address: '127.0.0.1', port: 7788 }, 'little'))).toBe(
      '02001e6c7f0000010000000000000000',
    );
    expect(formatHex(encodeSocketAddress({ family: 'ipv4', address: '127.0.0.1', port: 7788 }, 'big'))).toBe(
      '00021e6c7f0000010000000000000000',
    );
  });

  test.each([
    '::',
    '::1',
    'fe80::1',
    '2001:db8::1:0:0:1',
    '2001:db8:0:1:1:1:1:1',
    '::ffff:10.0.0.1',
    '1:2:3:4:5:6:7:8',
    '1::',
  ])('IPv6 %s round trip', (address) => {
    for (const order of orders) {
      const bytes = encodeSocketAddress({ family: 'ipv6', address, port: 1, scopeId: 3 }, order);
      expect(bytes.length).toBe(28);
      expect(decodeSocketAddress(bytes, order)).toEqual({ family: 'ipv6', address, port: 1, scopeId: 3 });
    }
  });

  test('other families', () => {
    for (const address of [
      { family: 'sdp', address: '10.0.0.1', port: 9 },
      { family: 'ssocks', address: '10.0.0.1', port: 9, familyNumber: 99 },
    ] as const) {
      expect(decodeSocketAddress(encodeSocketAddress(address, 'little'), 'little')).toEqual(address);
    }
  });

  test.each([
    [{ family: 'ipv4', address: '1.2.3', port: 1 }, 'a.address'],
    [{ family: 'ipv4', address: '::1', port: 1 }, 'a.address'],
    [{ family: 'ipv6', address: 'fe80::1%eth0', port: 1 }, 'a.address'],
    [{ family: 'ipv4', address: '1.2.3.4', port: 65536 }, 'a.port'],
    [{ family: 'ipv4', address: '1.2.3.4', port: 1.5 }, 'a.port'],
    [{ family: 'ssocks', address: '1.2.3.4', port: 1 }, 'a.family'],
    [{ family: 'tcp', address: '1.2.3.4', port: 1 }, 'a.family'],
  ])('%j is refused', (address, path) => {
    expect(() => encodeSocketAddress(address as Parameters<typeof encodeSocketAddress>[0], 'little', 'a')).toThrow(
      expect.objectContaining({ code: 'ERR_DRBD_ARGUMENT', path }),
    );
  });

  test.each([
    ['10.0.0.1', 'ipv4:10.0.0.1:7788'],
    ['ipv4:10.0.0.1:1', 'ipv4:10.0.0.1:1'],
    ['10.0.0.1:7789', 'ipv4:10.0.0.1:7789'],
    ['ipv6:[fe80::1]:5', 'ipv6:[fe80::1]:5'],
    ['[::1]', 'ipv6:[::1]:7788'],
    ['::1', 'ipv6:[::1]:7788'],
    ['sdp:10.0.0.1:5', 'sdp:10.0.0.1:5'],
  ])('%s reads as %s', (text, canonical) => {
    expect(formatSocketAddress(parseSocketAddress(text))).toBe(canonical);
  });

  test.each(['', 'host', '10.0.0.1:', '10.0.0.1:99999', 'ipv6:10.0.0.1', 'tcp:10.0.0.1', '10.0.0.1:1:2', '[::1'])(
    '%j is no address',
    (text) => {
      expect(() => parseSocketAddress(text)).toThrow(ArgumentError);
    },
  );

  test('short ones are a CodecError', () => {
    expect(() => decodeSocketAddress(Uint8Array.of(2, 0), 'little')).toThrow(CodecError);
    expect(() => decodeSocketAddress(concatBytes([Uint8Array.of(10, 0), new Uint8Array(14)]), 'little')).toThrow(
      CodecError,
    );
  });
});

describe('hexadecimal', () => {
  test('round trip and refusals', () => {
    expect(formatHex(parseHex('00ff7f'))).toBe('00ff7f');
    expect(() => parseHex('0')).toThrow(CodecError);
    expect(() => parseHex('0g')).toThrow(expect.objectContaining({ offset: 0 }));
  });
});
