import { align } from '../../lib/netlink';
import { decodeValue, string, u64, u64s } from '../../lib/schema';

const text = string(1, { doc: 'A text.' });

/** A sequence that is the same in each run. */
function* numbers(seed: number): Generator<number, never, undefined> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    yield (state >>> 8) & 0xffff;
  }
}

function decodedText(bytes: Uint8Array): unknown {
  return decodeValue(text, bytes, 'text', 0, 'little');
}

describe('texts', () => {
  // Far more than are kept, so that each place has held another one; twice, so that each has been kept.
  const words = (() => {
    const random = numbers(7);
    return Array.from({ length: 6000 }, () =>
      Array.from({ length: random.next().value % 70 }, () => String.fromCharCode(97 + (random.next().value % 3))).join(
        '',
      ),
    );
  })();

  test('come out as they are, whatever came before', () => {
    const all = [...words, ...words, ...words.toReversed()];
    expect(all.map((word) => decodedText(Buffer.from(word)))).toEqual(all);
  });

  test.each([
    ['\u00e9', '\u00c3\u00a9'],
    ['\u20ac5', 'x5'],
    ['\u{1f600}', '????'],
  ])('of several bytes a character are told from others of their length: %s', (word, other) => {
    for (const each of [word, other, word]) expect(decodedText(Buffer.from(each))).toBe(each);
  });

  test('end at the first NUL, and may lack one', () => {
    expect(decodedText(Buffer.from('sha1\0'))).toBe('sha1');
    expect(decodedText(Buffer.from('sha1\0sha256\0'))).toBe('sha1');
    expect(decodedText(Buffer.from('\0sha1'))).toBe('');
    expect(decodedText(new Uint8Array(0))).toBe('');
    expect(decodedText(Buffer.from('sha1'))).toBe('sha1');
  });

  test('that are no UTF-8 are read with replacement characters', () => {
    for (let time = 0; time < 2; time++) expect(decodedText(Uint8Array.of(0x61, 0xff, 0x62))).toBe('a\ufffdb');
  });

  test('a secret is the text as well', () => {
    const secret = string(1, { doc: 'A secret.', secret: true });
    expect(decodeValue(secret, Buffer.from('hush\0'), 'secret', 0, 'little')).toBe('hush');
  });
});

describe('numbers of 64 bits', () => {
  const values = [
    0n,
    1n,
    0x7fffffffn,
    0x80000000n,
    0xffffffffn,
    0x100000000n,
    2n ** 53n + 1n,
    2n ** 63n,
    2n ** 64n - 1n,
    0xdeadbeef00000000n,
  ];

  test.each(['little', 'big'] as const)('are exact, %s-endian', (order) => {
    // Unaligned, as tags are.
    const bytes = new Uint8Array(values.length * 8 + 1).subarray(1);
    const view = new DataView(bytes.buffer, 1);
    for (const [index, value] of values.entries()) view.setBigUint64(index * 8, value, order === 'little');
    expect(decodeValue(u64s(1, { doc: 'A list.' }), bytes, 'list', 0, order)).toEqual(values);
    for (const [index, value] of values.entries()) {
      const one = bytes.subarray(index * 8, index * 8 + 8);
      expect(decodeValue(u64(1, { doc: 'One.' }), one, 'one', 0, order)).toBe(value);
    }
  });

  test('a list of none is empty', () => {
    expect(decodeValue(u64s(1, { doc: 'A list.' }), new Uint8Array(0), 'list', 0, 'little')).toEqual([]);
  });
});

test('lengths are rounded up to 4, up to the largest that a header can tell', () => {
  expect([0, 1, 2, 3, 4, 5, 0x7fffffff, 0x80000000, 0xfffffffd, 0xffffffff].map(align)).toEqual([
    0, 4, 4, 4, 4, 8, 0x80000000, 0x80000000, 0x100000000, 0x100000000,
  ]);
});
