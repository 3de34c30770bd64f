import type { Backend } from '../../../lib/cli';
import { FIRST_STATE, layout, ranked, type TopState, type TopView } from '../../../lib/cli/drbd/top/layout';
import { press } from '../../../lib/cli/drbd/top/press';
import { Rates, sparkline } from '../../../lib/cli/drbd/top/rates';
import { formatLine, widthOf, type Look } from '../../../lib/cli/drbd/text';
import type { Snapshot } from '../../../lib/drbd';
import { UnsupportedError } from '../../../lib/errors';
import { findings } from '../../../lib/model';
import { memoryIo } from '../../support/cli';
import {
  backendOver,
  drbd,
  eventually,
  FakeTerminal,
  screenOf,
  startDrbd,
  type Running,
} from '../../support/drbd-command';
import { SimulatedMirror } from '../../support/simulated-mirror';

const NOW = new Date(2026, 0, 2, 3, 4, 5);
const look = (columns: number, unicode = true): Look => ({ color: false, moves: true, unicode, columns });

let mirror: SimulatedMirror;
let backend: Backend;
let running: Running[] = [];

beforeEach(async () => {
  mirror = await SimulatedMirror.start();
  backend = backendOver(mirror.simulator.transport);
});
afterEach(async () => {
  await Promise.all(running.map((command) => command.stop()));
  running = [];
  backend.close();
  mirror.close();
});

/** A resync of minor 0 and 1, of which the client tells. */
async function resyncing(): Promise<Snapshot> {
  await mirror.mirror(true);
  await mirror.pass(3000, 3);
  return mirror.client.status();
}

function viewOf(snapshot: Snapshot | undefined, rates = new Rates()): TopView {
  return {
    snapshot,
    findings: snapshot === undefined ? [] : findings(snapshot),
    now: NOW,
    rate: (name) => rates.of(name),
    history: (name) => rates.history(name),
  };
}

function drawn(view: TopView, state: Partial<TopState>, columns: number, rows = 24, unicode = true): readonly string[] {
  const { lines } = layout(view, { ...FIRST_STATE, ...state }, look(columns, unicode), columns, rows);
  return lines.map((line) => formatLine(line, look(columns, unicode)));
}

/** A snapshot with the first resource many times, by other names, some in trouble. */
function many(snapshot: Snapshot, count: number): Snapshot {
  const [first] = snapshot.resources;
  if (first === undefined) throw new Error('nothing is configured');
  const resources = Array.from({ length: count }, (_unused, number) => ({
    ...first,
    name: `r${number}`,
    connections: first.connections.map((connection) => ({
      ...connection,
      state: number === 7 ? ('StandAlone' as const) : connection.state,
      peerDevices: connection.peerDevices.map((peer) => ({ ...peer, resync: null, peerDisk: 'UpToDate' as const })),
    })),
    devices: first.devices.map((device) => ({
      ...device,
      minor: number,
      disk: number === 7 ? ('Outdated' as const) : ('UpToDate' as const),
    })),
  }));
  return { ...snapshot, resources } as Snapshot;
}

describe('the layout', () => {
  test('80 columns: trouble first, a table that fits, the keys in the last row', async () => {
    await mirror.act('attach', 0);
    const snapshot = many(await resyncing(), 12);
    const lines = drawn(viewOf(snapshot), {}, 80);
    expect(lines).toHaveLength(24);
    expect(lines[0]).toBe('03:04:05  12 resources, 1 in trouble  DRBD 8.3.13, connector, api 88');
    expect(lines[1]).toMatch(/^ {4}RESOURCE ROLE +DISK +LINK +PEER DISK +RESYNC/u);
    expect(lines[2]).toMatch(/^! ▸ r7 +Primary +Outdated +StandAlone/u);
    expect(lines[3]).toMatch(/^ {2}▸ r0 +Primary +UpToDate/u);
    // By number, and not by letters.
    expect(lines[12]).toMatch(/^ {2}▸ r10/u);
    expect(lines[23]).toBe('q quit  ↑↓ choose  enter open  / filter  ? keys');
    const starts = lines.slice(1, 14).map((line) => line.search(/ROLE|Primary/u));
    expect(new Set(starts).size).toBe(1);
  });

  test('200 columns: rates and a graph', async () => {
    const rates = new Rates();
    const first = await resyncing();
    rates.take(first, 0);
    await mirror.pass(4000, 4);
    const second = await mirror.client.status();
    rates.take(second, 4000);
    const lines = drawn(viewOf(second, rates), {}, 200);
    expect(lines[1]).toMatch(/RESYNC +READ\/s +WRITE\/s +SENT\/s +RECV\/s +TRAFFIC$/u);
    // The primary reads and sends; the other receives and writes.
    expect(lines[2]).toMatch(/^ {2}▸ minor 0 .* \d+ % .*\d KiB +0 B +[\d.]+ KiB +0 B +█$/u);
    expect(lines[3]).toMatch(/^ {2}▸ minor 1 .* \d+ % .* 0 B +[\d.]+ KiB +0 B +[\d.]+ KiB +█$/u);
    const open = drawn(viewOf(second, rates), { open: new Set(['minor 0']) }, 200);
    expect(open.find((line) => line.includes('resync '))).toMatch(/^ {10}resync █*░+ +\d+\.\d %/u);
    expect(open.some((line) => /^ {6}read [\d.]+ KiB\/s {2}written 0 B\/s/u.test(line))).toBe(true);
  });

  test.each([1, 2, 5, 20, 40, 79, 80, 200])('%i columns: no line is longer, and the name is there', async (columns) => {
    const snapshot = await resyncing();
    const states: readonly Partial<TopState>[] = [
      {},
      { open: new Set(['minor 0', 'minor 1']) },
      { isHelp: true },
      { isTyping: true, filter: 'x'.repeat(300) },
      { filter: 'nothing' },
    ];
    for (const state of states)
      for (const rows of [1, 2, 3, 4, 10, 60]) {
        const lines = drawn(viewOf(snapshot), state, columns, rows);
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      }
    if (columns >= 20) expect(drawn(viewOf(snapshot), {}, columns)[2]).toMatch(/^ {2}▸ minor 0/u);
  });

  test('without Unicode it is ASCII', async () => {
    const rates = new Rates();
    const snapshot = await resyncing();
    rates.take(snapshot, 0);
    rates.take(snapshot, 1000);
    for (const state of [{}, { open: new Set(['minor 0']) }, { isHelp: true }, { isTyping: true }])
      for (const line of drawn(viewOf(snapshot, rates), state, 200, 40, false)) expect(line).toMatch(/^[\x20-\x7e]*$/u);
  });

  test('the selected resource is in sight, and paging moves the rest', async () => {
    const view = viewOf(many(await resyncing(), 100));
    const shows = (state: Partial<TopState>, pattern: RegExp): boolean =>
      drawn(view, state, 80, 10).some((line) => pattern.test(line));
    expect(shows({}, /r7 /u)).toBe(true);
    expect(shows({}, /r99 /u)).toBe(false);
    expect(shows({ selected: 'r99' }, /r99 /u)).toBe(true);
    expect(shows({ selected: 'r50', open: new Set(['r50']) }, /▾ r50 /u)).toBe(true);
    expect(shows({ selected: 'r50', open: new Set(['r50']) }, /protocol C/u)).toBe(true);
    expect(shows({ scrolled: 7 }, /r7 /u)).toBe(false);
    // There is nothing beyond the ends.
    const end = layout(view, { ...FIRST_STATE, scrolled: 1_000_000 }, look(80), 80, 10);
    expect(end.scrolled).toBe(93);
    expect(layout(view, { ...FIRST_STATE, scrolled: -5 }, look(80), 80, 10).scrolled).toBe(0);
  });

  test('no driver, no resource, nothing that the filter leaves', async () => {
    expect(drawn(viewOf(undefined), {}, 80)[2]).toBe('No DRBD driver is loaded. Waiting for one.');
    expect(drawn(viewOf(await mirror.client.status()), {}, 80)[2]).toBe('No resource is configured.');
    expect(drawn(viewOf(await resyncing()), { filter: 'x' }, 80)[2]).toBe('Nothing is left by the filter.');
  });

  test('the filter looks at names, states and devices, in either case', async () => {
    const view = viewOf(many(await resyncing(), 20));
    const names = (filter: string): readonly (string | null)[] => ranked(view, filter).map(({ name }) => name);
    expect(names('outdated')).toEqual(['r7']);
    expect(names('R1')).toHaveLength(11);
    expect(names('drbd19')).toEqual(['r19']);
    expect(names('no such thing')).toEqual([]);
  });
});

describe('rates and graphs', () => {
  test('a counter that was set back, and what is gone, say nothing', async () => {
    const rates = new Rates();
    const snapshot = await resyncing();
    const none = { read: null, written: null, sent: null, received: null };
    rates.take(snapshot, 0);
    expect(rates.of('minor 0')).toEqual(none);
    rates.take(snapshot, 1000);
    expect(rates.of('minor 0')).toEqual({ read: 0, written: 0, sent: 0, received: 0 });
    const [first] = snapshot.resources;
    const back = {
      ...snapshot,
      resources: [
        {
          ...first,
          devices: first?.devices.map((device) => ({ ...device, stats: { ...device.stats, readBytes: 0n } })),
        },
      ],
    } as unknown as Snapshot;
    rates.take(back, 2000);
    expect(rates.of('minor 0')).toEqual({ read: null, written: 0, sent: 0, received: 0 });
    expect(rates.history('minor 0')).toEqual([0, 0]);
    expect(rates.history('minor 1')).toEqual([]);
    rates.clear();
    expect(rates.of('minor 0')).toEqual(none);
  });

  test('a graph has its highest value as a whole bar', () => {
    expect(sparkline([], 5, true)).toBe('     ');
    expect(sparkline([0, 1, 50, 100], 5, true)).toBe('  ▁▄█');
    expect(sparkline([1, 2, 3, 4, 5, 6], 3, true)).toBe('▆▇█');
    expect(sparkline([0, 100], 2, false)).toBe(' #');
  });
});

describe('keys', () => {
  const names = ['a', 'b', 'c'];
  const after = (state: TopState, ...keys: readonly string[]): TopState =>
    keys.reduce((now, key) => press(now, key, { names, page: 5 }) ?? now, state);

  test('choose, fold, page and filter', () => {
    expect(after(FIRST_STATE, 'down').selected).toBe('b');
    expect(after(FIRST_STATE, 'down', 'j', 'j', 'j').selected).toBe('c');
    expect(after(FIRST_STATE, 'end', 'k', 'home', 'up').selected).toBe('a');
    expect([...after(FIRST_STATE, 'down', 'enter').open]).toEqual(['b']);
    expect([...after(FIRST_STATE, 'enter', ' ').open]).toEqual([]);
    expect([...after(FIRST_STATE, 'right', 'right').open]).toEqual(['a']);
    expect([...after(FIRST_STATE, 'right', 'left', 'left').open]).toEqual([]);
    expect([...after(FIRST_STATE, 'a').open]).toEqual(names);
    expect([...after(FIRST_STATE, 'enter', 'a', 'a').open]).toEqual([]);
    expect(after(FIRST_STATE, 'page down', 'page down', 'page up').scrolled).toBe(5);
    expect(after(FIRST_STATE, '/', 'q', 'ü', 'backspace', 'up', '?', 'enter')).toMatchObject({
      filter: 'q?',
      isTyping: false,
      isHelp: false,
    });
    expect(after(FIRST_STATE, '/', 'q', 'enter', 'escape').filter).toBe('');
    expect(after(FIRST_STATE, '/', 'q', 'escape')).toMatchObject({ filter: '', isTyping: false });
    expect(after(FIRST_STATE, '?').isHelp).toBe(true);
    expect(after(FIRST_STATE, '?', 'q').isHelp).toBe(false);
    expect(press(FIRST_STATE, 'enter', { names: [], page: 5 })).toEqual(FIRST_STATE);
    expect(press(FIRST_STATE, 'down', { names: [], page: 5 })?.selected).toBeUndefined();
  });

  test('q and Ctrl-C end it; q is a letter of a filter', () => {
    expect(press(FIRST_STATE, 'q', { names, page: 5 })).toBeUndefined();
    expect(press({ ...FIRST_STATE, isTyping: true }, 'q', { names, page: 5 })?.filter).toBe('q');
    expect(press({ ...FIRST_STATE, isTyping: true }, 'interrupt', { names, page: 5 })).toBeUndefined();
    expect(press({ ...FIRST_STATE, isHelp: true }, 'interrupt', { names, page: 5 })).toBeUndefined();
  });
});

describe('drbd top', () => {
  const ENTER = '\x1b[?1049h\x1b[?25l';
  const LEAVE = '\x1b[?25h\x1b[?1049l';
  const start = (terminal: FakeTerminal, of: Backend = backend, ...more: readonly string[]): Running => {
    const command = startDrbd(of, ['top', '--refresh', '100ms', ...more], {
      terminal,
      env: { TERM: 'xterm', LC_ALL: 'C.UTF-8' },
    });
    running.push(command);
    return command;
  };
  const shows = (command: Running, pattern: RegExp): boolean =>
    screenOf(command.stdout()).some((line) => pattern.test(line));
  /** The terminal was given back: its screen, its cursor, its keyboard, and nothing listens to it. */
  function expectGivenBack(command: Running, terminal: FakeTerminal): void {
    const text = command.stdout();
    expect(text.startsWith(ENTER)).toBe(true);
    expect(text.endsWith(LEAVE)).toBe(true);
    expect(text.split(ENTER)).toHaveLength(2);
    expect(terminal.hasKeyboard).toBe(false);
    expect(terminal.listeners).toBe(0);
  }

  test('it is live, follows keys and the size of the terminal, and q ends it', async () => {
    await mirror.mirror();
    const terminal = new FakeTerminal(80, 24);
    const command = start(terminal);
    await eventually(() => shows(command, /▸ minor 0 +Secondary/u));
    await mirror.act('primary', 0);
    await eventually(() => shows(command, /minor 0 +Primary/u));
    terminal.press('end', 'enter');
    await eventually(() => shows(command, /▾ minor/u) && shows(command, /protocol C/u));
    terminal.press('?');
    await eventually(() => shows(command, /fold the resource/u));
    terminal.press('x', '/', '1', 'enter');
    await eventually(() => shows(command, /minor 1/u) && !shows(command, /minor 0/u));
    terminal.resize(20, 5);
    await eventually(() => screenOf(command.stdout()).length === 5);
    for (const line of screenOf(command.stdout())) expect(widthOf(line)).toBeLessThanOrEqual(20);
    terminal.press('q');
    expect(await command.exit).toBe(0);
    expectGivenBack(command, terminal);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['closed pipe', 0],
  ])('%s ends it, and gives the terminal back', async (reason, exit) => {
    await mirror.mirror();
    const terminal = new FakeTerminal();
    const command = start(terminal);
    await eventually(() => shows(command, /minor 0/u));
    expect(await command.stop(reason)).toBe(exit);
    expectGivenBack(command, terminal);
  });

  test('so does Ctrl-C, which is a key then, and an error', async () => {
    await mirror.mirror();
    const first = new FakeTerminal();
    const interrupted = start(first);
    await eventually(() => shows(interrupted, /minor 0/u));
    first.press('interrupt');
    expect(await interrupted.exit).toBe(130);
    expectGivenBack(interrupted, first);

    const second = new FakeTerminal();
    const failing = start(second, { ...backend, client: () => Promise.reject(new Error('out of luck')) });
    expect(await failing.exit).toBe(20);
    expect(failing.stderr()).toContain('out of luck');
    expectGivenBack(failing, second);
  });

  test('it waits for a driver, and survives that it goes', async () => {
    await mirror.mirror();
    const missing = new UnsupportedError('there is none', { feature: 'a DRBD driver', requires: 'the drbd module' });
    let isLoaded = false;
    let unload = (): void => undefined;
    const coming: Backend = {
      ...backend,
      client: async () => {
        if (!isLoaded) throw missing;
        const client = await backend.client();
        const events: typeof client.events = (options) => {
          const inner = client.events(options);
          const gone = new Promise<never>((_resolve, reject) => {
            unload = () => reject(missing);
          });
          gone.catch(() => undefined);
          return {
            ...inner,
            [Symbol.asyncIterator]: () => ({ next: () => Promise.race([inner.next(), gone]) }),
          } as unknown as ReturnType<typeof client.events>;
        };
        return Object.assign(Object.create(client) as typeof client, { events });
      },
      close: () => undefined,
    };
    const command = start(new FakeTerminal(), coming);
    await eventually(() => shows(command, /No DRBD driver is loaded/u));
    isLoaded = true;
    await eventually(() => shows(command, /minor 0/u));
    isLoaded = false;
    unload();
    await eventually(() => shows(command, /No DRBD driver is loaded/u));
    isLoaded = true;
    await eventually(() => shows(command, /minor 0/u));
  });

  test('on a pipe, a dumb terminal and without a TERM it says what to do, and asks nothing', async () => {
    const asking = { ...backend, client: () => Promise.reject(new Error('it asked')) };
    expect(await drbd(asking, ['top'])).toEqual({
      exit: 20,
      stdout: '',
      stderr:
        'drbd top: top needs a terminal whose cursor can be moved, and standard output is none (or TERM is "dumb" or not set). Use "drbd status --watch"\n',
    });
    for (const env of [{ TERM: 'dumb' }, {}] as readonly Record<string, string>[]) {
      const command = startDrbd(asking, ['top'], { terminal: new FakeTerminal(), env });
      expect(await command.exit).toBe(20);
      expect([command.stdout(), command.stderr()]).toEqual(['', expect.stringContaining('drbd status --watch')]);
    }
    expect((await drbd(asking, ['top', '--json'])).stderr).toContain('drbd status --watch --json');
    expect((await drbd(asking, ['top', '--refresh', '5ms'])).stderr).toContain('at least 100ms');
    expect(memoryIo().terminal).toBeUndefined();
  });
});
