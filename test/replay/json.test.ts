import { outputsSchema, v83, v84, v9 } from '../../lib/cli/drbdsetup';
import { findCommand, type Vocabulary } from '../../lib/cli/line';
import { captureLines } from '../support/captures';
import { recordingsOf, type CapturedRecording } from '../support/recordings';
import { replayCommand } from '../support/replayed-command';
import { outputValidator, shippedSchema } from '../support/schema';

// What drbdsetup prints as JSON: ours by its schema, DRBD 9's arrays by what its own program printed.

const RECORDED = {
  '8.3': { vocabulary: v83, files: ['drbd-8.3.13/02-disk.jsonl', 'drbd-8.3.13/05-pair.jsonl'], place: 2 },
  '8.4': { vocabulary: v84, files: ['drbd-8.4.11/config.jsonl', 'drbd-8.4.11/lifecycle.jsonl'], place: 1 },
  '9': {
    vocabulary: v9,
    files: [
      'drbd-9.1.7/lifecycle.jsonl',
      'drbd-9.2.18/two-volumes.jsonl',
      'drbd-9.2.18/three-nodes.jsonl',
      'drbd-9.2.18/watch.jsonl',
      'drbd-9.2.18/wait.jsonl',
    ],
    place: 1,
  },
} as const;

test('the schema that ships is that of the outputs (scripts/schemas writes it)', () => {
  expect(shippedSchema('drbdsetup')).toEqual(JSON.parse(JSON.stringify(outputsSchema())));
});

describe('before the command', () => {
  test('9: secrets are shown if that is asked for', async () => {
    const captured = recordingsOf('drbd-9.1.7/lifecycle.jsonl').find(
      ({ argv, stdout }) => argv.slice(1).join(' ') === 'show r0 --json' && stdout.includes('geheim'),
    );
    if (captured === undefined) throw new Error('no secret was recorded');
    const show = async (...argv: readonly string[]): Promise<string> =>
      (await replayCommand({ ...captured, argv: ['drbdsetup', ...argv] })).stdout;
    expect(await show('show', 'r0', '--json')).toContain('"shared-secret": "geheim"');
    expect(await show('--json', 'show', 'r0')).toContain('"redacted":true');
    expect(await show('--json', 'show', 'r0')).not.toContain('geheim');
    expect(await show('--json', '--reveal', 'show', 'r0')).toContain('"geheim"');
  });

  /** Reading commands and changes that were answered; the snapshot of 8.4 is read by other requests than were recorded. */
  const answered = (
    { vocabulary, files, place }: (typeof RECORDED)[keyof typeof RECORDED],
    exempt: readonly string[],
  ): readonly (readonly [string, CapturedRecording])[] =>
    files.flatMap((file) =>
      recordingsOf(file).flatMap((captured) => {
        const action = findCommand(vocabulary as Vocabulary, captured.argv[place] ?? '')?.action;
        return action === undefined ||
          exempt.includes(action) ||
          captured.argv.includes('--json') ||
          captured.exit === 'HANG' ||
          captured.exit === null
          ? []
          : [[action, captured] as const];
      }),
    );
  /** Of each command, the first that are answered in each way. */
  const sample = (all: readonly (readonly [string, CapturedRecording])[]): typeof all => {
    const counts = new Map<string, number>();
    return all.filter(([action, { exit }]) => {
      const kind = `${action} ${exit}`;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      return (counts.get(kind) ?? 0) <= 5;
    });
  };

  test.each([
    ['8.3', ['events', 'wait'], 7],
    ['8.4', ['events', 'events2', 'status', 'shStatus'], 7],
    ['9', ['status'], 8],
  ] as const)('%s: the output of every command is valid by its schema', async (release, exempt, actions) => {
    const seen = new Map<string, number>();
    for (const [action, captured] of sample(answered(RECORDED[release], exempt))) {
      const ours = await replayCommand({ ...captured, argv: ['drbdsetup', '--json', ...captured.argv.slice(1)] });
      const valid = outputValidator(action);
      for (const line of ours.stdout.split('\n').slice(0, -1)) {
        valid(JSON.parse(line));
        seen.set(action, (seen.get(action) ?? 0) + 1);
      }
      for (const line of ours.stderr.split('\n').slice(0, -1)) expect(JSON.parse(line)).toBeInstanceOf(Object);
    }
    expect([...seen.keys()].length).toBeGreaterThanOrEqual(actions);
  });
});

/** An output without what differs from one situation to another. */
function layout(json: string): string {
  return json.replace(/: (?:"[^"]*"|-?[\d.]+|true|false)/gu, (value) => {
    const kind = value.startsWith(': "') ? 'text' : /true|false/u.test(value) ? 'flag' : 'number';
    return `: ${kind}${value.includes('.') && kind === 'number' ? ' with decimals' : ''}`;
  });
}

interface Nine {
  readonly argv: readonly string[];
  readonly stdout: string;
}

/** What the genuine drbdsetup printed of a mirrored pair that is in sync. */
function recordedByNine(command: string, isIt: (stdout: string) => boolean): string {
  const found = captureLines<Nine>('drbd-9.1.7/lifecycle.jsonl').find(
    ({ command: { argv = [], stdout } }) => argv[1] === command && argv.includes('--json') && isIt(stdout),
  );
  if (found === undefined) throw new Error(`no such ${command} was recorded`);
  return found.command.stdout;
}

const lifecycle = recordingsOf('drbd-8.4.11/lifecycle.jsonl');
const behind = async (command: string, is: (captured: CapturedRecording) => boolean): Promise<string> => {
  const captured = lifecycle.find((each) => each.argv[1] === command && each.exit === 0 && is(each));
  if (captured === undefined) throw new Error(`no such ${command} was recorded`);
  const ours = await replayCommand({ ...captured, argv: [...captured.argv, '--json'] });
  expect(ours).toMatchObject({ exit: 0, stderr: '', requests: [] });
  return ours.stdout;
};
/** As `status` of 8.4 prints a pair in sync. */
const inSync = ({ argv, stdout }: CapturedRecording): boolean =>
  argv.length === 2 && stdout.split('replication:Established').length === 3 && stdout.split('UpToDate').length === 5;

describe('behind the command', () => {
  test('status prints the arrays of DRBD 9: the same keys, order, units and layout', async () => {
    const nine = recordedByNine('status', (stdout) => stdout.split('Established').length === 3);
    const ours = await behind('status', inSync);
    // Later releases print more than 9.1 did.
    const keys = (text: string): readonly string[] =>
      Array.from(text.matchAll(/^ *"([^"]+)":/gmu), ([, key = '']) => key);
    expect(keys(ours).filter((key) => keys(nine).includes(key))).toEqual(keys(nine));
    const newer = captureLines<Nine>('drbd-9.2.18/two-volumes.jsonl');
    const two = newer.find(
      ({ command: { argv = [], stdout } }) =>
        argv[1] === 'status' && argv.includes('--json') && stdout.split('Established').length === 5,
    );
    if (two === undefined) throw new Error('no such status was recorded');
    expect([...new Set(keys(ours))]).toEqual([...new Set(keys(two.command.stdout))]);
    const [first = ''] = layout(ours).split('\n}\n,\n');
    const device = / {4}\{\n(?: {6}.*\n)+? {4}\}/u;
    const [one, other] = [first, layout(two.command.stdout)].map((text) => device.exec(text)?.[0]);
    expect(one).toBe(other);
  });

  test('a program written for DRBD 9 reads both', async () => {
    const of9 = recordedByNine(
      'status',
      (stdout) => stdout.split('Established').length === 3 && stdout.split('UpToDate').length === 5,
    );
    for (const text of [of9, await behind('status', inSync)]) {
      const facts = exporterFacts(text);
      expect(facts.length).toBe(2);
      for (const { role, disk, size, replication, percent, outOfSync } of facts) {
        expect(['Primary', 'Secondary']).toContain(role);
        expect({ disk, replication, percent, outOfSync }).toEqual({
          disk: 'UpToDate',
          replication: 'Established',
          percent: 100,
          outOfSync: 0,
        });
        expect(size).toBeGreaterThan(1000);
      }
    }
  });

  test('show prints the arrays of DRBD 9', async () => {
    const nine = JSON.parse(recordedByNine('show', (stdout) => stdout.includes('"path"'))) as readonly object[];
    const ours = JSON.parse(await behind('show', ({ stdout }) => stdout.includes('_remote_host'))) as readonly object[];
    expect(Object.keys(ours[0] ?? {})).toEqual(Object.keys(nine[0] ?? {}).filter((key) => key in (ours[0] ?? {})));
    expect(ours[0]).toMatchObject({
      resource: 'r0',
      _this_host: {
        'node-id': 0,
        volumes: [{ volume_nr: 0, device_minor: 0, 'backing-disk': '/dev/ram0', 'meta-disk': 'internal' }],
      },
      connections: [
        { path: { _this_host: 'ipv4 127.0.0.1:7788', _remote_host: 'ipv4 127.0.0.1:7789' }, _peer_node_id: 0 },
      ],
    });
  });
});

interface Nine9 {
  readonly name: string;
  readonly role: string;
  readonly devices: readonly { readonly volume: number; readonly 'disk-state': string; readonly size: number }[];
  readonly connections: readonly {
    readonly 'peer-node-id': number;
    readonly peer_devices: readonly {
      readonly 'replication-state': string;
      readonly 'percent-in-sync': number;
      readonly 'out-of-sync': number;
    }[];
  }[];
}

/** Reads what a cluster exporter makes gauges of. */
function exporterFacts(text: string) {
  return (JSON.parse(text) as readonly Nine9[]).map(({ role, devices, connections }) => ({
    role,
    disk: devices[0]?.['disk-state'],
    size: devices[0]?.size,
    replication: connections[0]?.peer_devices[0]?.['replication-state'],
    percent: connections[0]?.peer_devices[0]?.['percent-in-sync'],
    outOfSync: connections[0]?.peer_devices[0]?.['out-of-sync'],
  }));
}
