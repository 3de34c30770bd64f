import { FamilyCodec, decodeRaw } from '../../../lib/dialects/generic';
import { attributeSets, operations } from '../../../lib/dialects/genl2';
import { decodeDatagram } from '../../../lib/netlink';
import { createBackend } from '../../../lib/cli';
import { formatValue, parseCall, requestOf, type Command, type Option } from '../../../lib/cli/line';
import { v9 } from '../../../lib/cli/drbdsetup';
import { replayTransport } from '../../../lib/recording';
import { CAPTURE_FOLDERS, capturesIn, captureLines } from '../../support/captures';

/**
 * Every option of every command of DRBD 9 at its least, its most and its default, or at each of its words: what the
 * command line says is what the request holds. The matrix that is printed tells which of these a genuine kernel was
 * asked, too, in the recordings.
 */
const codec = new FamilyCodec('genl2', 2, operations, attributeSets);
const ORDER = 'little';

/** A machine with one disk. */
const backend = createBackend({
  kind: 'replay',
  transport: replayTransport({
    header: {
      dialect: 'genl2',
      byteOrder: ORDER,
      driver: { version: null, api: null },
      procDrbd: undefined,
      blockDevices: new Map([['/dev/ram0', { sizeBytes: 1n << 24n, major: 1, minor: 0 }]]),
    },
    entries: [],
    end: 'closed',
  }),
  locks: false,
});

const { manner } = v9;
const commands = v9.commands.filter(({ own }) => own !== true);

/** What each command is about, and its arguments. */
const WORDS: Readonly<Record<string, string>> = {
  resource: 'r0',
  minor: '0',
  number: '1',
  'block device': '/dev/ram0',
  'metadata index': 'internal',
  address: 'ipv4:127.0.0.1:7788',
};

/** The values at which an option is tried, by the name of the column. */
function valuesOf({ kind, table }: Option): ReadonlyMap<string, string> {
  const words = Object.values(table.names ?? {}).map((word) => [word, word] as const);
  const ends = [
    ['least', String(table.min ?? 0)],
    ['most', String(table.max ?? 0)],
  ] as const;
  switch (kind) {
    case 'switch':
    case 'flag':
    case 'boolean':
      return new Map([
        ['yes', 'yes'],
        ['no', 'no'],
      ]);
    case 'word':
      return new Map(words);
    case 'symbol':
      return new Map([...ends, ...words]);
    case 'number':
      return new Map([...ends, ['default', String(table.default ?? 0)]]);
    case 'string':
    case 'address':
      return new Map([
        ['empty', ''],
        ['longest', 'x'.repeat((table.maxBytes ?? 2) - 1)],
      ]);
  }
}

/** With its scale, so that the number is what the field holds. */
function written({ kind, scale }: Option, text: string): string {
  return kind === 'number' && scale !== '1' ? `${text}${scale}` : text;
}

interface Line {
  readonly argv?: readonly string[];
}

const recorded = new Set(
  CAPTURE_FOLDERS.filter((folder) => folder.startsWith('drbd-9')).flatMap((folder) =>
    capturesIn(folder).flatMap((file) =>
      captureLines<Line>(`${folder}/${file}`).flatMap(({ command: { argv = [] } }) => {
        const at = argv.indexOf('drbdsetup') + 1;
        return argv.slice(at + 1).map((word) => `${argv[at] ?? ''} ${word}`);
      }),
    ),
  ),
);

/** Whether a genuine kernel was asked with this value, or its drbdsetup was. */
function isRecorded(command: Command, option: Option, value: string): boolean {
  const forms = [`--${option.name}=${value}`, `--${option.name}=${written(option, value)}`];
  if (value === 'yes') forms.push(`--${option.name}`);
  return forms.some((form) => recorded.has(`${command.name} ${form}`));
}

async function sent(command: Command, words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const kinds = [...command.object.slice(0, 1), ...command.arguments.map(({ kind }) => kind)];
  const all = [...kinds.map((kind) => WORDS[kind] ?? ''), ...words];
  const call = await parseCall(v9, command, all, { backend, strict: true, readSecret: () => Promise.resolve('') });
  const request = codec.encodeRequest(command.operation, requestOf(call, manner), { order: ORDER, malformed: 'send' });
  const bytes = request.datagram({ family: 32, sequence: 1, port: 0 });
  const [message] = decodeDatagram(bytes, ORDER).messages;
  if (message === undefined) throw new Error('a request is one message');
  const { sets } = codec.decode(decodeRaw(message, ORDER), ORDER);
  return (sets[command.set ?? ''] ?? {}) as Readonly<Record<string, unknown>>;
}

const cases = commands.flatMap((command) => command.options.map((option) => ({ command, option })));

test.each(cases.map(({ command, option }) => [command.name, option.name, command, option] as const))(
  '%s --%s',
  async (_command, _option, command, option) => {
    for (const value of valuesOf(option).values()) {
      const fields = await sent(command, [`--${option.name}=${written(option, value)}`]);
      const held = fields[option.field];
      // What is not to be sent is not there.
      if (option.kind === 'flag' && value === 'no') expect(held).toBeUndefined();
      else expect(formatValue(option, held)).toBe(written(option, value));
    }
  },
);

test('the matrix has no hole', () => {
  const lines = cases.map(({ command, option }) => {
    const cells = [...valuesOf(option)].map(
      ([column, value]) => `${column}${isRecorded(command, option, value) ? '*' : ''}`,
    );
    expect(cells.length).toBeGreaterThanOrEqual(2);
    return `${command.name} --${option.name}: ${cells.join(', ')}`;
  });
  const plain = commands.flatMap(({ name, plain: options }) => options.map((option) => [name, option.name] as const));
  const asked = plain.filter(([name, option]) =>
    [...recorded].some((word) => word === `${name} --${option}` || word.startsWith(`${name} --${option}=`)),
  );
  console.log(
    `Options of DRBD 9 and the values that each was sent with (* asked of a genuine kernel, too):\n${lines.join('\n')}\nOptions without a field: ${asked.length} of ${plain.length} are in the recordings`,
  );
  expect(lines).toHaveLength(cases.length);
});

test('every command is in the recordings', () => {
  const names = new Set([...recorded].map((word) => word.split(' ')[0]));
  // These have no arguments of their own in some recordings, and others have none at all.
  expect(commands.filter(({ name }) => !names.has(name)).map(({ name }) => name)).toEqual([]);
});
