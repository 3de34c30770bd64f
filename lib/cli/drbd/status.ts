import { snapshotToJson, type Snapshot } from '../../drbd';
import { findings, toJson, type Finding } from '../../model';
import { isDriverAbsent, tell, waitOptions, type Context } from '../context';
import { EXIT } from '../errors';
import { exitIfEnded } from '../io';
import { command } from './command';
import { changesOfDrivers, Watch } from './observe';
import { Pacer, Screen } from './screen';
import { requireAll, selected } from './select';
import { formatClock, lookOf, type Line } from './text';
import { formatLines, READING, statusLines, WAITING } from './view';

/** How often counters are read while somebody looks. */
const REFRESH_MS = 1000;
/** How often the state is read where nobody looks: the module of 8.3 goes without a word. */
const UNSEEN_REFRESH_MS = 5000;

export const status = command({
  about: 'the state of all resources, trouble first',
  words: '[RESOURCE…]',
  completes: 'resource',
  options: {
    watch: { short: 'w', doc: 'Stay, and show each change as it comes.' },
  },
  details: [
    'What is wrong comes first, with the next step; then each resource with its volumes, connections and the progress of what runs. A RESOURCE is named by its name, the minor of a device, or its path.',
    '--json prints the snapshot that docs/json.md describes, with what is wrong as "findings"; with --watch one for each state, a line each.',
    '--watch redraws a terminal in place, and prints the state anew where it cannot. It waits for a driver to come, and survives that one is unloaded.',
  ],
  examples: ['drbd status', 'drbd status r0 --watch', "drbd status --json | jq '.resources[].role'"],
  run: ({ context, words, options }) => (options.watch ? watch(context, words) : once(context, words)),
});

/** @returns the JSON form of a snapshot and what is wrong with it */
export function statusToJson(snapshot: Snapshot, found: readonly Finding[], reveal: boolean): object {
  return { ...snapshotToJson(snapshot, { reveal }), findings: toJson(found) };
}

async function once(context: Context, words: readonly string[]): Promise<number> {
  const { io, globals, backend } = context;
  const client = await backend.client({ ...waitOptions(context), procDrbdSuffices: true });
  const whole = await client.status(waitOptions(context));
  const { refusal } = client.driver;
  if (refusal !== undefined) tell(`only what /proc/drbd says is known: ${refusal.message}`, context);
  requireAll(whole, words);
  const snapshot = selected(whole, words);
  const found = findings(snapshot);
  if (globals.json) io.stdout.write(`${JSON.stringify(statusToJson(snapshot, found, globals.reveal), null, 2)}\n`);
  else {
    const look = lookOf(io);
    io.stdout.write(formatLines(statusLines(snapshot, found, look), look));
  }
  return EXIT.ok;
}

async function watch(context: Context, words: readonly string[]): Promise<number> {
  const { io, globals } = context;
  const signal = io.endSignal();
  const seen = new Watch();
  let snapshot: Snapshot | undefined;
  let isAbsent = false;
  const now = (): Line => [{ text: formatClock(io.clock.now()), style: 'dim' }];
  const lines = (): readonly Line[] => {
    if (snapshot === undefined && !isAbsent) return [now(), READING];
    if (snapshot === undefined || (snapshot.resources.length === 0 && isDriverAbsent(context.backend)))
      return [now(), WAITING];
    const look = lookOf(io);
    const part = selected(snapshot, words);
    return [now(), ...statusLines(part, seen.findings(part, io.clock.elapsedMs()), look)];
  };
  const screen = globals.json ? undefined : Screen.open(io, () => pacer.want());
  const pacer = new Pacer(io.clock, () => screen?.draw(withinRows(lines(), screen.rows)));
  const show = (): void => {
    if (screen !== undefined) pacer.want();
    else if (globals.json && snapshot !== undefined) {
      const part = selected(snapshot, words);
      const found = seen.findings(part, io.clock.elapsedMs());
      io.stdout.write(`${JSON.stringify(statusToJson(part, found, globals.reveal))}\n`);
    } else if (!globals.json) io.stdout.write(`${formatLines(lines(), lookOf(io))}\n`);
    else tell('no DRBD driver is loaded; waiting for one', context);
  };
  const counted = screen === undefined ? { refreshMs: UNSEEN_REFRESH_MS } : { counters: true, refreshMs: REFRESH_MS };
  const clock = screen === undefined ? undefined : setInterval(() => pacer.want(), REFRESH_MS);
  try {
    for await (const item of changesOfDrivers(context, { ...counted, signal })) {
      isAbsent = item.kind === 'absent';
      if (item.kind === 'absent') snapshot = undefined;
      else {
        seen.take(item.change, io.clock.elapsedMs());
        if (item.change.more) continue;
        ({ snapshot } = item.change);
      }
      show();
    }
    return EXIT.ok;
  } catch (error) {
    return exitIfEnded(signal, error);
  } finally {
    clearInterval(clock);
    pacer.stop();
    screen?.close();
    // What was seen last stays on the screen.
    if (screen !== undefined && snapshot !== undefined) io.stdout.write(formatLines(lines(), lookOf(io)));
  }
}

/** A screen shows the beginning, and how much is below it. */
export function withinRows(lines: readonly Line[], rows: number): readonly Line[] {
  if (lines.length <= rows) return lines;
  const shown = lines.slice(0, Math.max(0, rows - 1));
  return [
    ...shown,
    [{ text: `${lines.length - shown.length} more lines; make the terminal higher`, style: 'inverse' }],
  ];
}
