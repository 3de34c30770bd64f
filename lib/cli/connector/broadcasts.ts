import type { ConnectorEvent, ResyncEvent } from '../../drbd';

/** Some broadcasts never came: the state has to be read again. */
export interface Gap {
  readonly kind: 'gap';
  readonly reason: ResyncEvent['reason'];
}

/** What is held back at most; a stream that skips this far has lost something. */
const MOST_HELD = 256;

/**
 * Puts broadcasts into the driver's order. One that comes too early waits for those before it, until they come or the
 * stream tells that they are lost; nothing is dropped.
 * @param source a stream of broadcasts as they arrived
 */
export async function* inOrder(
  source: AsyncIterator<ConnectorEvent | ResyncEvent>,
): AsyncGenerator<ConnectorEvent | Gap> {
  const held = new Map<number, ConnectorEvent>();
  let next: number | undefined;
  const release = function* (): Generator<ConnectorEvent> {
    for (;;) {
      const event = next === undefined ? undefined : held.get(next);
      if (event === undefined || next === undefined) return;
      held.delete(next);
      next = (next + 1) >>> 0;
      yield event;
    }
  };
  const releaseAll = function* (): Generator<ConnectorEvent> {
    while (held.size > 0) {
      const from = next ?? 0;
      [next] = [...held.keys()].sort((a, b) => ((a - from) | 0) - ((b - from) | 0));
      yield* release();
    }
  };
  for (let result = await source.next(); result.done !== true; result = await source.next()) {
    const event = result.value;
    if (event.kind === 'resync') {
      yield* releaseAll();
      next = undefined;
      yield { kind: 'gap', reason: event.reason };
      continue;
    }
    const distance = next === undefined ? 0 : (event.sequence - next) | 0;
    if (distance > 0) {
      held.set(event.sequence, event);
      if (held.size > MOST_HELD) yield* releaseAll();
    } else {
      // One from before the first that was seen is told where it comes.
      if (distance === 0) next = (event.sequence + 1) >>> 0;
      yield event;
      yield* release();
    }
  }
  yield* releaseAll();
}
