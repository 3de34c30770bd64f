import type { Snapshot } from '../../drbd';
import { isDriverAbsent, type Context } from '../context';
import { EXIT, UsageError } from '../errors';
import { exitCodeOfEnd, exitIfEnded } from '../io';
import { command } from './command';
import { parseDuration } from './duration';
import { changesOfDrivers, Watch } from './observe';
import { Pacer, Screen } from './screen';
import { selected } from './select';
import { FIRST_STATE, layout, pageOf, ranked, type TopState, type TopView } from './top/layout';
import { press } from './top/press';
import { Rates } from './top/rates';
import { resourceName } from './view';

const REFRESH_MS = 1000;
const SHORTEST_REFRESH_MS = 100;
/** The changes of one reading come within this time. */
const SETTLE_MS = 30;

export const top = command({
  about: 'all resources on the whole screen, live: trouble first, then what is synchronized, with rates',
  words: '[RESOURCE…]',
  completes: 'resource',
  options: {
    refresh: { argument: 'TIME', doc: 'How often counters are read, such as 5s or 500ms (1s).' },
  },
  details: [
    'Arrows choose a resource, enter folds it open, / filters by a name, a state or a device, ? shows all keys, q quits. What is wrong has a ! before it, and its next step where the resource is open.',
    'It needs a terminal whose cursor can be moved; elsewhere "drbd status --watch" does without. It follows the size of the terminal, waits for a driver to come, and survives that one is unloaded.',
  ],
  examples: ['drbd top', 'drbd top --refresh 5s', 'drbd top --replay incident.jsonl'],
  run: ({ context, words, options }) => show(context, words, options.refresh),
});

async function show(context: Context, words: readonly string[], refresh: string | undefined): Promise<number> {
  const { io, globals } = context;
  const refreshMs = refresh === undefined ? REFRESH_MS : parseDuration(refresh, '--refresh');
  if (refreshMs < SHORTEST_REFRESH_MS) throw new UsageError(`--refresh: at least ${SHORTEST_REFRESH_MS}ms is needed`);
  if (globals.json) throw new UsageError('top prints no JSON; "drbd status --watch --json" does');
  const ending = io.endSignal();
  const quit = new AbortController();
  const signal = AbortSignal.any([ending, quit.signal]);
  const watch = new Watch();
  const rates = new Rates();
  let snapshot: Snapshot | undefined;
  let isAbsent = false;
  let state: TopState = FIRST_STATE;
  const view = (): TopView => {
    const isGone = snapshot === undefined || (snapshot.resources.length === 0 && isDriverAbsent(context.backend));
    const part = isGone || snapshot === undefined ? undefined : selected(snapshot, words);
    return {
      snapshot: part,
      isReading: snapshot === undefined && !isAbsent,
      findings: part === undefined ? [] : watch.findings(part, io.clock.elapsedMs()),
      now: io.clock.now(),
      rate: (name) => rates.of(name),
      history: (name) => rates.history(name),
    };
  };
  const screen = Screen.open(io, () => pacer.want());
  if (screen === undefined)
    throw new UsageError(
      'top needs a terminal whose cursor can be moved, and standard output is none (or TERM is "dumb" or not set). Use "drbd status --watch"',
    );
  const pacer = new Pacer(io.clock, () => {
    const { look, rows } = screen;
    const frame = layout(view(), state, look, look.columns ?? 80, rows);
    state = { ...state, scrolled: frame.scrolled };
    screen.draw(frame.lines);
  });
  let isInterrupted = false;
  const giveBack = io.terminal?.()?.onKey((key) => {
    const names = ranked(view(), state.filter).map(resourceName);
    const next = press(state, key, { names, page: pageOf(screen.rows) });
    if (next === undefined) {
      isInterrupted = key === 'interrupt';
      quit.abort();
    } else {
      state = next;
      pacer.want();
    }
  });
  let sampledMs = io.clock.elapsedMs();
  let soon: ReturnType<typeof setTimeout> | undefined;
  const sample = (): void => {
    soon = undefined;
    sampledMs = io.clock.elapsedMs();
    if (snapshot !== undefined) rates.take(snapshot, sampledMs);
    pacer.want();
  };
  const clock = setInterval(() => {
    // Counters that stand still come with no change.
    if (io.clock.elapsedMs() - sampledMs >= 1.5 * refreshMs) sample();
    pacer.want();
  }, refreshMs);
  try {
    pacer.want();
    for await (const item of changesOfDrivers(context, { counters: true, refreshMs, signal })) {
      isAbsent = item.kind === 'absent';
      if (item.kind === 'absent') {
        snapshot = undefined;
        rates.clear();
      } else {
        watch.take(item.change, io.clock.elapsedMs());
        if (item.change.more) continue;
        ({ snapshot } = item.change);
        // What one reading of the counters tells comes as many changes.
        if (io.clock.elapsedMs() - sampledMs >= refreshMs / 2) soon ??= setTimeout(sample, SETTLE_MS);
      }
      pacer.want();
    }
    // Only a recording's stream ends by itself: its last state stays until a key ends it.
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    return ending.aborted ? exitCodeOfEnd(ending.reason) : isInterrupted ? exitCodeOfEnd('SIGINT') : EXIT.ok;
  } catch (error) {
    if (quit.signal.aborted && error instanceof Error && error.name === 'AbortError')
      return isInterrupted ? exitCodeOfEnd('SIGINT') : EXIT.ok;
    return exitIfEnded(ending, error);
  } finally {
    clearInterval(clock);
    clearTimeout(soon);
    pacer.stop();
    giveBack?.();
    screen.close();
  }
}
