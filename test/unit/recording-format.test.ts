import { CodecError, formatRecording, parseRecording, type Recording } from '../../lib';
import { captureFiles, recordingsOf } from '../support/recordings';

const HEADER =
  '{"recording":1,"dialect":"connector","byteOrder":"little","driver":{"version":"8.3.13","api":88},"procDrbd":"version: 8.3.13","blockDevices":{"/dev/ram0":{"sizeBytes":67108864,"major":1,"minor":0},"/dev/drbd0":{"sizeBytes":0,"major":147,"minor":0}}}';

test('the documented form is read', () => {
  const recording = parseRecording(
    `${HEADER}\n{"tx":"5800000003","socket":1}\n{"rx":"3000000003","socket":1,"port":0,"groups":128}\n{"end":"closed"}\n`,
  );
  expect(recording).toEqual({
    header: {
      dialect: 'connector',
      byteOrder: 'little',
      driver: { version: '8.3.13', api: 88 },
      procDrbd: 'version: 8.3.13',
      blockDevices: new Map([
        ['/dev/ram0', { sizeBytes: 67_108_864n, major: 1, minor: 0 }],
        ['/dev/drbd0', { sizeBytes: 0n, major: 147, minor: 0 }],
      ]),
    },
    entries: [
      { kind: 'tx', line: 2, socket: 1, bytes: Uint8Array.of(0x58, 0, 0, 0, 3) },
      {
        kind: 'rx',
        line: 3,
        socket: 1,
        bytes: Uint8Array.of(0x30, 0, 0, 0, 3),
        port: 0,
        groups: 128,
        group: 8,
        truncated: false,
      },
    ],
    end: 'closed',
  });
});

test('socket, procDrbd and end may be absent, and so may the last newline', () => {
  const recording = parseRecording(
    '{"recording":1,"dialect":"genl1","byteOrder":"big","driver":{"version":"8.4.11","api":1},"blockDevices":{}}\n{"tx":"00"}\n{"rx":"01","port":0,"groups":0}',
  );
  expect(recording).toMatchObject({
    header: { dialect: 'genl1', byteOrder: 'big', procDrbd: undefined },
    entries: [{ socket: 1 }, { socket: 1 }],
    end: 'closed',
  });
});

test('what is written is read back, to the last field', () => {
  const recording: Recording = {
    header: {
      dialect: 'genl2',
      byteOrder: 'big',
      driver: { version: null, api: null },
      procDrbd: 'a "quoted"\nline\u2028',
      blockDevices: new Map([
        ['/dev/huge', { sizeBytes: 2n ** 63n, major: 8, minor: 1 }],
        ['/etc/passwd', null],
      ]),
      began: '2026-01-02T03:04:05.678Z',
    },
    entries: [
      { kind: 'tx', line: 2, socket: 3, bytes: Uint8Array.of(255), atMs: 0 },
      { kind: 'overrun', line: 3, socket: 2, atMs: 12 },
      {
        atMs: 2 ** 40,
        kind: 'rx',
        line: 4,
        socket: 2,
        bytes: new Uint8Array(0),
        port: 4_294_967_295,
        groups: 0x8000_0000,
        group: 32,
        truncated: true,
      },
      { kind: 'rx', line: 5, socket: 2, bytes: Uint8Array.of(1), port: 0, groups: 0, group: 40, truncated: false },
      { kind: 'host', line: 6, procDrbd: 'again' },
      { kind: 'host', line: 7, blockDevices: new Map([['/dev/ram0', { sizeBytes: 5n, major: 1, minor: 0 }]]) },
    ],
    end: 'sigterm',
  };
  const text = formatRecording(recording);
  expect(text.split('\n')).toHaveLength(9);
  expect(parseRecording(text)).toEqual(recording);
});

test('every captured command is, too', () => {
  let datagrams = 0;
  for (const file of captureFiles()) {
    for (const { recording } of recordingsOf(file)) {
      const text = formatRecording(recording);
      const read = parseRecording(text);
      expect(formatRecording(read)).toBe(text);
      datagrams += read.entries.length;
    }
  }
  expect(datagrams).toBeGreaterThan(10_000);
});

describe('what is not a recording is refused, and the line is named', () => {
  const entry = (line: string): string => `${HEADER}\n{"tx":"00"}\n${line}\n{"end":"closed"}\n`;
  const header = (change: object): string =>
    `${JSON.stringify({ ...(JSON.parse(HEADER) as object), ...change })}\n{"tx":"00"}\n`;

  test.each([
    ['nothing', '', 1],
    ['a line that is empty', '\n', 1],
    ['no JSON', 'hello\n', 1],
    ['an array', '[]\n', 1],
    ['another object', '{}\n', 1],
    ['another version', header({ recording: 2 }), 1],
    ['no dialect that is known', header({ dialect: 'genl3' }), 1],
    ['no dialect', header({ dialect: undefined }), 1],
    ['no byte order', header({ byteOrder: undefined }), 1],
    ['a wrong byte order', header({ byteOrder: 'middle' }), 1],
    ['no driver', header({ driver: undefined }), 1],
    ['a driver that is a word', header({ driver: '8.3' }), 1],
    ['a version that is a number', header({ driver: { version: 8 } }), 1],
    ['an api that is a word', header({ driver: { version: null, api: 'x' } }), 1],
    ['a text that is none', header({ procDrbd: 5 }), 1],
    ['devices in a list', header({ blockDevices: [] }), 1],
    ['a device without a size', header({ blockDevices: { '/dev/a': { major: 1, minor: 1 } } }), 1],
    ['a device of half a byte', header({ blockDevices: { '/dev/a': { sizeBytes: 0.5, major: 1, minor: 1 } } }), 1],
    ['a size that is no number', header({ blockDevices: { '/dev/a': { sizeBytes: '1k', major: 1, minor: 1 } } }), 1],
    ['a misspelt part', header({ procdrbd: '' }), 1],
    ['half a line', entry('{"tx":"0'), 3],
    ['an empty line between', entry(''), 3],
    ['an odd digit', entry('{"tx":"000"}'), 3],
    ['a letter', entry('{"rx":"0g","port":0,"groups":0}'), 3],
    ['bytes that are a number', entry('{"tx":0}'), 3],
    ['a negative socket', entry('{"tx":"00","socket":-1}'), 3],
    ['a port beyond 32 bits', entry('{"rx":"00","port":4294967296,"groups":0}'), 3],
    ['groups in words', entry('{"rx":"00","port":0,"groups":"8"}'), 3],
    ['a flag in words', entry('{"rx":"00","port":0,"groups":0,"truncated":1}'), 3],
    ['both directions', entry('{"tx":"00","rx":"00"}'), 3],
    ['a part that only the other direction has', entry('{"tx":"00","port":0}'), 3],
    ['neither', entry('{"sx":"00"}'), 3],
    ['null', entry('null'), 3],
    ['a second header', entry(HEADER), 3],
    ['another end', entry('{"end":"crashed"}'), 3],
    ['something after the end', entry('{"end":"closed"}'), 4],
    ['no loss', entry('{"overrun":false}'), 3],
  ])('%s', (_what, text, line) => {
    let error: unknown;
    try {
      parseRecording(text, 'file.jsonl');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(CodecError);
    expect(error).toMatchObject({ code: 'ERR_DRBD_CODEC', path: `file.jsonl, line ${line}` });
    expect((error as CodecError).message).toContain(`line ${line}`);
    expect((error as CodecError).offset).toBe(
      text
        .split('\n')
        .slice(0, line - 1)
        .join('\n').length + (line === 1 ? 0 : 1),
    );
  });

  test('a file that was cut anywhere but behind a line', () => {
    const whole = `${HEADER}\n{"tx":"5800","socket":1}\n{"rx":"3000","socket":1,"port":0,"groups":128}\n{"end":"closed"}\n`;
    const ends = new Set([...whole].flatMap((letter, index) => (letter === '\n' ? [index, index + 1] : [])));
    for (let length = 0; length < whole.length; length++) {
      const text = whole.slice(0, length);
      if (ends.has(length)) expect(() => parseRecording(text)).not.toThrow();
      else expect(() => parseRecording(text)).toThrow(/line \d+/u);
    }
  });
});
