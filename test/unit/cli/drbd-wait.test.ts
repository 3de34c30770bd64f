import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';

import type { Backend } from '../../../lib/cli';
import { expressionsOf, formatJunit, formatTap } from '../../../lib/cli/drbd/assert';
import { explainedCodes, explainedStates } from '../../../lib/cli/drbd/explain';
import { allOptions } from '../../../lib/cli/drbd/options';
import { stateTexts } from '../../../lib/cli/drbd/state-texts';
import { expressionOf, waitUntil, type Waitable } from '../../../lib/cli/drbd/wait';
import * as connector from '../../../lib/dialects/connector/codes';
import * as genl1 from '../../../lib/dialects/genl1/codes';
import * as genl2 from '../../../lib/dialects/genl2/codes';
import { codeTexts, type Change, type Snapshot } from '../../../lib/drbd';
import { objects, parseExpression } from '../../../lib/model';
import { vocabulary } from '../../../lib/model/words';
import { backendOver, drbd, eventually, startDrbd } from '../../support/drbd-command';
import { SimulatedMirror } from '../../support/simulated-mirror';

// A state of two resources, as plain values that a test can look at by itself.
interface Plain {
  readonly name: string;
  readonly role: string;
  readonly disk: string;
  readonly connection: string | null;
  readonly outOfSync: number | null;
}

const plain = (name: string): fc.Arbitrary<Plain> =>
  fc.record({
    name: fc.constant(name),
    role: fc.constantFrom('Primary', 'Secondary'),
    disk: fc.constantFrom('UpToDate', 'Inconsistent'),
    connection: fc.constantFrom('Connected', 'StandAlone', null),
    outOfSync: fc.constantFrom(0, 2048, null),
  });
const state: fc.Arbitrary<readonly Plain[]> = fc
  .tuple(fc.boolean(), plain('r0'), fc.boolean(), plain('r1'))
  .map(([has0, r0, has1, r1]) => [...(has0 ? [r0] : []), ...(has1 ? [r1] : [])]);

function snapshotOf(resources: readonly Plain[], complete = true): Snapshot {
  return {
    schemaVersion: 2,
    source: { dialect: 'genl1', driver: '8.4.11', api: 1, complete },
    unconfiguredMinors: null,
    resources: resources.map(({ name, role, disk, connection, outOfSync }, minor) => ({
      name,
      role,
      suspended: {},
      devices: [{ minor, volume: 0, disk }],
      connections:
        connection === null
          ? []
          : [
              {
                name: null,
                peerNodeId: null,
                state: connection,
                paths: [],
                peerDevices: [{ volume: 0, outOfSyncBytes: outOfSync === null ? null : BigInt(outOfSync) }],
              },
            ],
    })),
  } as unknown as Snapshot;
}

interface Condition {
  readonly quantifier: 'any' | 'all' | 'none';
  readonly about: 'role' | 'disk' | 'connection' | 'outOfSyncBytes';
  readonly value: string;
}
const condition: fc.Arbitrary<Condition> = fc.record({
  quantifier: fc.constantFrom('any' as const, 'all' as const, 'none' as const),
  about: fc.constantFrom('role' as const, 'disk' as const, 'connection' as const, 'outOfSyncBytes' as const),
  value: fc.constantFrom('first', 'second'),
});
const VALUES = {
  role: { first: '=Primary', second: '!=Primary' },
  disk: { first: '=UpToDate', second: '=Inconsistent' },
  connection: { first: '=Connected', second: '=StandAlone' },
  outOfSyncBytes: { first: '<1K', second: '>=2K' },
} as const;
const textOf = (chosen: string | undefined, conditions: readonly Condition[]): string =>
  [
    ...(chosen === undefined ? [] : [`resource=${chosen}`]),
    ...conditions.map(
      ({ quantifier, about, value }) => `${quantifier}:${about}${VALUES[about][value as 'first' | 'second']}`,
    ),
  ].join(' ');

/** Looks at the values one by one, without the language. */
function byHand(resources: readonly Plain[], chosen: string | undefined, conditions: readonly Condition[]): boolean {
  const those = resources.filter(({ name }) => chosen === undefined || name === chosen);
  return conditions.every(({ quantifier, about, value }) => {
    const first = value === 'first';
    const answers = those.flatMap(({ role, disk, connection, outOfSync }): readonly boolean[] => {
      if (about === 'role') return [(role === 'Primary') === first];
      if (about === 'disk') return [disk === (first ? 'UpToDate' : 'Inconsistent')];
      if (connection === null) return [];
      if (about === 'connection') return [connection === (first ? 'Connected' : 'StandAlone')];
      return [outOfSync !== null && (first ? outOfSync < 1024 : outOfSync >= 2048)];
    });
    if (quantifier === 'none') return !answers.includes(true);
    return answers.length > 0 && (quantifier === 'any' ? answers.includes(true) : !answers.includes(false));
  });
}

/** A stream of given states, which ends. */
function streamOf(changes: readonly Partial<Change>[], taken: { count: number }): Waitable {
  return {
    async *events() {
      for (const change of changes) {
        taken.count++;
        yield change as Change;
      }
    },
    status: () => Promise.reject(new Error('not asked')),
  };
}

const forever = { timeoutMs: Infinity, stableMs: 0, signal: new AbortController().signal };

describe('drbd wait', () => {
  const item = fc.record({
    state,
    more: fc.boolean(),
    resync: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
    complete: fc.integer({ min: 0, max: 9 }).map((roll) => roll !== 0),
  });

  test('says yes at the first whole state in which it holds, and never else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { maxLength: 12 }),
        fc.option(fc.constantFrom('r0', 'r1'), { nil: undefined }),
        fc.array(condition, { minLength: 1, maxLength: 3 }),
        async (items, chosen, conditions) => {
          const changes = items.map(({ state: resources, more, resync, complete }) => ({
            kind: resync ? ('resync' as const) : ('change' as const),
            more: more || resync,
            snapshot: snapshotOf(resources, complete),
          }));
          const taken = { count: 0 };
          const expression = parseExpression(textOf(chosen, conditions));
          const { result } = await waitUntil(streamOf(changes as never, taken), expression, forever);
          const expected = items.findIndex(
            ({ state: resources, more, resync, complete }) =>
              !more && !resync && complete && byHand(resources, chosen, conditions),
          );
          expect(result).toBe(expected === -1 ? 'ended' : 'holds');
          expect(taken.count).toBe(expected === -1 ? items.length : expected + 1);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('what has to hold for a time is broken by a loss, and by what comes while the time is over', async () => {
    const holds = snapshotOf([{ name: 'r0', role: 'Primary', disk: 'UpToDate', connection: null, outOfSync: null }]);
    const not = snapshotOf([{ name: 'r0', role: 'Secondary', disk: 'UpToDate', connection: null, outOfSync: null }]);
    const run = async (
      steps: readonly (readonly [afterMs: number, change: Partial<Change>])[],
      read: Snapshot,
      timeoutMs: number,
    ): Promise<{ readonly result: string; readonly ms: number }> => {
      const began = performance.now();
      const fake: Waitable = {
        async *events({ signal }) {
          for (const [afterMs, change] of steps) {
            await new Promise((resolve) => setTimeout(resolve, afterMs));
            yield change as Change;
          }
          await new Promise((resolve) => signal?.addEventListener('abort', resolve));
        },
        status: () => Promise.resolve(read),
      };
      const waited = await waitUntil(fake, expressionOf('role=Primary'), { ...forever, stableMs: 200, timeoutMs });
      return { result: waited.result, ms: performance.now() - began };
    };
    const whole = (snapshot: Snapshot): Partial<Change> => ({ kind: 'ready', more: false, snapshot });
    const lost: Partial<Change> = { kind: 'resync', reason: 'overrun', more: true, snapshot: holds };
    const steady = await run([[0, whole(holds)]], holds, 60_000);
    expect(steady.result).toBe('holds');
    expect(steady.ms).toBeGreaterThan(190);
    const again = await run([[0, whole(holds)], [100, lost], [0, whole(holds)]], holds, 60_000); // prettier-ignore
    expect(again.result).toBe('holds');
    expect(again.ms).toBeGreaterThan(290);
    // The kernel says otherwise when the time is over: what tells that is on its way.
    expect((await run([[0, whole(holds)]], not, 600)).result).toBe('timeout');
    expect((await run([[0, whole(holds)], [50, whole(not)]], not, 600)).result).toBe('timeout'); // prettier-ignore
  });
});

describe('over a simulated 8.3', () => {
  let mirror: SimulatedMirror;
  let backend: Backend;

  beforeEach(async () => {
    mirror = await SimulatedMirror.start();
    backend = backendOver(mirror.simulator.transport);
    await mirror.mirror(true);
  });

  afterEach(() => {
    backend.close();
    mirror.close();
  });

  test('wait: 0 when it holds, 5 with what is missing, 20 for what makes no sense', async () => {
    expect(await drbd(backend, ['wait', '--for', 'minor=0 connection=Connected', '--timeout', '60s'])).toEqual({
      exit: 0,
      stdout: '',
      stderr: '',
    });
    const over = await drbd(backend, ['wait', '--for', 'minor=0 role=Secondary', '--timeout', '3s']);
    expect(over).toMatchObject({ exit: 5, stdout: '' });
    expect(over.stderr).toContain(
      'the time of 3 s is over, and this is missing:\n  role=Secondary: minor 0 is Primary\n',
    );
    const json = await drbd(backend, ['wait', '--json', '--for', 'minor=0 role=Secondary', '--timeout', '3s']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      schemaVersion: 1,
      satisfied: false,
      missing: [expect.any(String)],
    });
    for (const [argv, pattern] of [
      [['wait'], /--for EXPRESSION is needed/u],
      [['wait', '--for', 'conection=Connected'], /did you mean connection/u],
      [['wait', '--for', 'connection=Conected'], /did you mean Connected/u],
      [['wait', '--for', 'role=Primary', '--timeout', 'x'], /--timeout: a time such as/u],
      [['wait', 'role=Primary'], /is too much/u],
    ] as const) {
      const { exit, stderr } = await drbd(backend, argv);
      expect([argv, exit]).toEqual([argv, 20]);
      expect(stderr).toMatch(pattern);
    }
  });

  test('wait sees what changes, counters too, and ends by a signal with its code', async () => {
    const waiting = startDrbd(backend, [
      'wait',
      '--for',
      'minor=1 disk=UpToDate outOfSyncBytes=0',
      '--refresh',
      '20ms',
    ]);
    await mirror.pass(300_000, 100);
    expect(await waiting.exit).toBe(0);
    const endless = startDrbd(backend, ['wait', '--for', 'connection=StandAlone']);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await endless.stop('SIGTERM')).toBe(143);
    expect(endless.stderr()).toBe('');
  });

  test('assert: 0, or 1 with a line for each condition that does not hold', async () => {
    expect(await drbd(backend, ['assert', 'minor=0', 'role=Primary', 'connection=Connected'])).toEqual({
      exit: 0,
      stdout: '',
      stderr: '',
    });
    const failed = await drbd(backend, ['assert', 'minor=1', 'role=Primary', 'disk=Outdated', 'minor=7']);
    expect(failed).toEqual({
      exit: 1,
      stdout: '',
      stderr:
        'drbd assert: role=Primary: minor 1 is Secondary\n' +
        'drbd assert: disk=Outdated: minor 1/0 is Inconsistent\n' +
        'drbd assert: no such object exists\n',
    });
    expect((await drbd(backend, ['assert', 'rol=Primary'])).exit).toBe(20);
    expect((await drbd(backend, ['assert'])).exit).toBe(20);
  });

  test('assert --tap, --junit and --json', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'node-drbd-'));
    try {
      const file = join(folder, 'out.xml');
      const { exit, stdout } = await drbd(backend, [
        'assert',
        '--tap',
        '--junit',
        file,
        'any:role=Primary',
        'role=Primary',
      ]);
      expect(exit).toBe(1);
      expect(stdout).toMatch(/^TAP version 13\n1\.\.2\nok 1 - any:role=Primary\nnot ok 2 - role=Primary\n {2}---\n/u);
      expect(readFileSync(file, 'utf8')).toMatch(/tests="2" failures="1"/u);
      expect(await drbd(backend, ['assert', '--junit', folder, 'role=Primary'])).toMatchObject({ exit: 20 });
      expect(JSON.parse((await drbd(backend, ['assert', '--json', 'any:role=Primary'])).stdout)).toEqual({
        schemaVersion: 1,
        satisfied: true,
        assertions: [{ expression: 'any:role=Primary', satisfied: true, missing: [] }],
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('show: what differs from its default, secrets as x unless they are asked for', async () => {
    await mirror.client.request('syncer_conf', { minor: 0, tags: { rate: 12_345 } });
    const { stdout } = await drbd(backend, ['show', '0']);
    expect(stdout).toMatch(/^resource minor 0$/mu);
    expect(stdout).toMatch(/^ {2}volume 0$/mu);
    expect(stdout).toMatch(/^ {4}\* rate +12345 KiB\/s {2}\(default \d+\)$/mu);
    expect(stdout).not.toMatch(/pingInt/u);
    expect((await drbd(backend, ['show', '0', '--defaults'])).stdout).toMatch(/^ {6}pingInt +10 seconds$/mu);
    const gone = mirror.act('disconnect', 0);
    await mirror.pass(5000);
    await gone;
    await mirror.client.request('net_conf', {
      minor: 0,
      tags: {
        my_addr: { family: 'ipv4', address: '127.0.0.1', port: 7788 },
        peer_addr: { family: 'ipv4', address: '127.0.0.1', port: 7799 },
        wire_protocol: 3,
        cram_hmac_alg: 'sha1',
        shared_secret: 'sesame',
      },
    });
    for (const argv of [
      ['show'],
      ['show', '--json'],
      ['status', '--json'],
      ['events', '--now', '--json'],
      ['events', '--now'],
    ])
      expect((await drbd(backend, argv)).stdout).not.toContain('sesame');
    expect((await drbd(backend, ['show', '--reveal'])).stdout).toContain('sesame');
    expect((await drbd(backend, ['show', '--json', '--reveal'])).stdout).toContain('"sesame"');
  });

  test('a wait that is met while it is asked for by another process is seen', async () => {
    const waiting = startDrbd(backend, ['wait', '--for', 'minor=0 role=Secondary', '--json']);
    await mirror.act('secondary', 0);
    await eventually(() => waiting.stdout() !== '');
    expect(JSON.parse(waiting.stdout())).toMatchObject({ satisfied: true, missing: [] });
    expect(await waiting.exit).toBe(0);
  });
});

test('words of assert: what chooses narrows what follows, up to the next that chooses', () => {
  expect(
    expressionsOf(['role=Primary', 'resource=r0', 'volume=1', 'disk=UpToDate', 'resource=r1', 'role=Primary']),
  ).toEqual(['role=Primary', 'resource=r0 volume=1 disk=UpToDate', 'resource=r1 role=Primary']);
  expect(expressionsOf(['resource=r0 any:role=Primary', 'resource=r9'])).toEqual([
    'resource=r0 any:role=Primary',
    'resource=r9',
  ]);
});

test('TAP and JUnit keep their form whatever a name holds', () => {
  const result = { expression: 'resource=a#<"\x1b&', satisfied: false, missing: ['x\ny', '<z>'] };
  expect(formatTap([result]).split('\n')).toHaveLength(9);
  expect(formatTap([result])).toContain('a\\#<"\\x1b&');
  expect(formatJunit([result])).not.toMatch(/<z>|\x1b|a#<"/u); // eslint-disable-line no-control-regex
});

describe('drbd explain', () => {
  const tables = { connector, genl1, genl2 };
  const isMark = (name: string): boolean => name === 'ERR_CODE_BASE' || name.includes('AFTER_LAST');

  test('knows every code of every dialect, in words', () => {
    const told = explainedCodes();
    let count = 0;
    for (const [dialect, { returnCodes, stateChangeCodes }] of Object.entries(tables))
      for (const [name, code] of [...Object.entries(returnCodes), ...Object.entries(stateChangeCodes)]) {
        if (isMark(name)) continue;
        count++;
        const found = told.filter(
          (item) => item.name === name && item.code === code && item.dialects.includes(dialect as 'genl1'),
        );
        expect([name, found.length]).toEqual([name, 1]);
        for (const { meaning, causes = [], nextStep } of found) {
          expect(meaning?.length).toBeGreaterThan(10);
          expect(causes.length).toBeGreaterThan(0);
          expect(nextStep?.length).toBeGreaterThan(10);
        }
      }
    expect(told.reduce((sum, { dialects }) => sum + dialects.length, 0)).toBe(count);
    expect(new Set(told.map(({ name }) => name))).toEqual(new Set(Object.keys(codeTexts)));
  });

  test('knows every word of every state, under each name that a dialect has for it', () => {
    for (const [enumeration, words] of Object.entries(vocabulary))
      expect(Object.keys(stateTexts[enumeration] ?? {}).sort()).toEqual([...words].sort());
    expect(Object.keys(stateTexts['suspended'] ?? {})).toEqual(
      Object.keys(objects.resource.properties.suspended.properties),
    );
    const known = new Set(explainedStates().map(({ name }) => name));
    for (const { stateWords } of Object.values(tables))
      for (const words of Object.values(stateWords))
        for (const word of Object.values(words)) expect(known).toContain(word);
  });

  test('by number, name and state; what is misspelt gets the nearest', async () => {
    const offline = backendOver({ open: () => { throw new Error('nothing is asked'); } } as never); // prettier-ignore
    const shown = async (...argv: string[]): Promise<string> => (await drbd(offline, ['explain', ...argv])).stdout;
    expect(await shown('127')).toMatch(/^127 ERR_MINOR_INVALID/u);
    expect(await shown('minor_invalid')).toBe(await shown('127'));
    const two = await shown('--', '-21');
    expect(two).toMatch(/^-21 .*\(DRBD 8\.4\)$/mu);
    expect(two).toMatch(/^-21 .*\(DRBD 9\)$/mu);
    expect(await shown('outdated')).toMatch(/^Outdated, disk$/mu);
    expect(await shown('WFConnection')).toContain('firewall');
    const wrong = await drbd(offline, ['explain', 'Oudated']);
    expect(wrong).toMatchObject({ exit: 20, stderr: expect.stringContaining('did you mean Outdated?') as string });
    const all = JSON.parse(await shown('--json')) as { readonly explanations: readonly unknown[] };
    expect(all.explanations).toHaveLength(explainedCodes().length + explainedStates().length);
  });
});

describe('drbd options', () => {
  test('are those of the tables, in each dialect, by each spelling', async () => {
    const offline = backendOver({ open: () => { throw new Error('nothing is asked'); } } as never); // prettier-ignore
    const { stdout } = await drbd(offline, ['options', 'max-buffers']);
    expect((await drbd(offline, ['options', 'maxBuffers'])).stdout).toBe(stdout);
    expect((await drbd(offline, ['options', 'max_buffers'])).stdout).toBe(stdout);
    expect(stdout).toMatch(/DRBD 8\.3 +32 to 131072.*default 2048/u);
    expect(stdout).toMatch(/DRBD 9 /u);
    expect(await drbd(offline, ['options', 'max-bufers'])).toMatchObject({
      exit: 20,
      stderr: expect.stringContaining('there is max-buffers') as string,
    });
    const json = JSON.parse((await drbd(offline, ['options', '--json'])).stdout) as { readonly options: unknown[] };
    expect(json.options).toHaveLength(allOptions().length);
    for (const { doc } of allOptions()) expect(doc.length).toBeGreaterThan(5);
  });
});
