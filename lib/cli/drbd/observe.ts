import { setTimeout as sleep } from 'node:timers/promises';
import { isDriverMissing, type Change, type ChangeOptions, type Client, type Snapshot } from '../../drbd';
import { UnsupportedError } from '../../errors';
import { findings, foldHistory, NO_HISTORY, type Finding, type History } from '../../model';
import { waitOptions, type Context } from '../context';

/** What is wrong, as of a stream of changes: what happened earlier counts too. */
export class Watch {
  #history: History = NO_HISTORY;

  /** Takes a change, as it comes. @param atMs by the clock of the other methods */
  take(change: Change, atMs: number): void {
    this.#history = foldHistory(this.#history, change, atMs);
  }

  findings(snapshot: Snapshot, nowMs: number): readonly Finding[] {
    return findings(snapshot, { history: this.#history, nowMs });
  }
}

/** The trouble first, errors before warnings; else in the order of the resources. */
export function bySeverity(found: readonly Finding[]): readonly Finding[] {
  return [...found].sort((a, b) => Number(a.severity !== 'error') - Number(b.severity !== 'error'));
}

export type Seen =
  | { readonly kind: 'change'; readonly change: Change; readonly client: Client }
  /** There is no driver: what follows comes when there is one. */
  | { readonly kind: 'absent' };

const DRIVER_POLL_MS = 1000;

/**
 * Changes for as long as it is wanted: where there is no driver, it waits for one to come, and it survives that one is
 * unloaded or replaced by another generation's.
 * @throws AbortError when the signal fires, and what a client throws but for a driver that is missing
 */
export async function* changesOfDrivers(
  context: Context,
  options: ChangeOptions & { readonly signal: AbortSignal },
): AsyncGenerator<Seen> {
  let isTold = false;
  for (;;) {
    try {
      const client = await context.backend.client(waitOptions(context, options.signal));
      isTold = false;
      for await (const change of client.events(options)) yield { kind: 'change', change, client };
      // Only a recording's stream ends by itself.
      return;
    } catch (error) {
      const isGone = isDriverMissing(error);
      // One that speaks another dialect took its place.
      if (!isGone && !(error instanceof UnsupportedError && context.backend.kind === 'kernel' && isTold)) throw error;
      context.backend.close();
      if (!isTold) yield { kind: 'absent' };
      isTold = true;
      await sleep(DRIVER_POLL_MS, undefined, { signal: options.signal });
    }
  }
}
