const watched = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back when a signal fires; at once if it has. However many wait for a signal, it has one listener: a caller may
 * pass one to as many requests as it likes, and Node takes more than ten listeners for a leak.
 * @returns what ends the waiting
 */
export function whenAborted(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => undefined;
  }
  const mine = watched.get(signal) ?? watch(signal);
  // Each waiting is one of its own, even for the same function.
  const entry = (): void => {
    callback();
  };
  mine.add(entry);
  return () => {
    mine.delete(entry);
  };
}

/** The listener lives as long as the signal, so it must not be made where it would keep a caller's callback alive. */
function watch(signal: AbortSignal): Set<() => void> {
  const all = new Set<() => void>();
  watched.set(signal, all);
  signal.addEventListener(
    'abort',
    () => {
      watched.delete(signal);
      for (const each of [...all]) if (all.delete(each)) each();
    },
    { once: true },
  );
  return all;
}

/**
 * One signal that fires with the first of several (AbortSignal.any, which the first releases of Node 20 lack).
 * @returns the signal, and what lets go of the others
 */
export function firstOf(signals: readonly AbortSignal[]): { readonly signal: AbortSignal; release(): void } {
  const first = new AbortController();
  const stops = signals.map((signal) => whenAborted(signal, () => first.abort(signal.reason)));
  return {
    signal: first.signal,
    release: () => {
      for (const stop of stops) stop();
    },
  };
}
