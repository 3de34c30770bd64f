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
  let callbacks = watched.get(signal);
  if (callbacks === undefined) {
    const all = new Set<() => void>();
    callbacks = all;
    watched.set(signal, all);
    signal.addEventListener(
      'abort',
      () => {
        watched.delete(signal);
        for (const each of [...all]) if (all.delete(each)) each();
      },
      { once: true },
    );
  }
  const mine = callbacks;
  // Each waiting is one of its own, even for the same function.
  const entry = (): void => {
    callback();
  };
  mine.add(entry);
  return () => {
    mine.delete(entry);
  };
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
