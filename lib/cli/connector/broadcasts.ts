import type { ConnectorEvent, ResyncEvent } from '../../drbd';

/** Some broadcasts never came: the state has to be read again. */
export interface Gap {
  readonly kind: 'gap';
  readonly reason: ResyncEvent['reason'] | 'missing' | 'late';
}

/** How long a broadcast waits for one that was sent before it. The kernel's processors overtake each other by microseconds. */
const HOLD_MS = 200;
const MOST_HELD = 256;
/** A number that is this far behind is no latecomer: the module was loaded anew and counts from the start. */
const RESTART_DISTANCE = 1024;

/**
 * Puts broadcasts into the driver's order. One that comes too early waits a little for those before it; nothing is dropped.
 * @param source a stream of broadcasts as they arrived
 */
export async function* inOrder(source: AsyncIterator<ConnectorEvent | ResyncEvent>): AsyncGenerator<ConnectorEvent | Gap> {
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
  const releaseAll = function* (reason: Gap['reason']): Generator<ConnectorEvent | Gap> {
    while (held.size > 0) {
      const from = next ?? 0;
      const [first] = [...held.keys()].sort((a, b) => ((a - from) | 0) - ((b - from) | 0));
      next = first;
      yield { kind: 'gap', reason };
      yield* release();
    }
  };
  const ask = (): ReturnType<typeof source.next> => {
    const answer = source.next();
    // One that nobody waits for any more, as the consumer has left, may fail.
    answer.catch(() => undefined);
    return answer;
  };
  let coming = ask();
  for (;;) {
    const result = held.size === 0 ? await coming : await Promise.race([coming, delay(HOLD_MS)]);
    if (result === undefined || held.size > MOST_HELD) yield* releaseAll('missing');
    if (result === undefined) continue;
    if (result.done === true) {
      yield* releaseAll('missing');
      return;
    }
    coming = ask();
    const event = result.value;
    if (event.kind === 'resync') {
      yield* releaseAll('missing');
      next = undefined;
      yield { kind: 'gap', reason: event.reason };
      continue;
    }
    const distance = next === undefined ? 0 : (event.sequence - next) | 0;
    if (distance > 0) {
      held.set(event.sequence, event);
    } else if (distance < 0 && distance > -RESTART_DISTANCE) {
      yield event;
      yield { kind: 'gap', reason: 'late' };
    } else {
      if (distance < 0) {
        yield* releaseAll('missing');
        yield { kind: 'gap', reason: 'module' };
      }
      next = (event.sequence + 1) >>> 0;
      yield event;
      yield* release();
    }
  }
}

function delay(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, undefined).unref();
  });
}
