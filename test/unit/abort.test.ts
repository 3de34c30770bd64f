import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { firstOf, whenAborted } from '../../lib/session';

test('hundreds may wait for one signal: it has one listener, and Node warns of no leak', () => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const controller = new AbortController();
  const called: number[] = [];
  const stops = Array.from({ length: 300 }, (_unused, index) =>
    whenAborted(controller.signal, () => called.push(index)),
  );
  stops[0]?.();
  stops[0]?.();
  controller.abort();
  expect(called).toEqual(Array.from({ length: 299 }, (_unused, index) => index + 1));
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});

test('the same function may wait twice, and each is ended for itself', () => {
  const controller = new AbortController();
  const callback = jest.fn();
  const stop = whenAborted(controller.signal, callback);
  whenAborted(controller.signal, callback);
  stop();
  controller.abort();
  expect(callback).toHaveBeenCalledTimes(1);
});

test('one that ends another while the signal fires ends it', () => {
  const controller = new AbortController();
  const second = jest.fn();
  let stop = (): void => undefined;
  whenAborted(controller.signal, () => {
    stop();
  });
  stop = whenAborted(controller.signal, second);
  controller.abort();
  expect(second).not.toHaveBeenCalled();
});

test('a signal that has fired calls back at once', () => {
  const callback = jest.fn();
  whenAborted(AbortSignal.abort('before'), callback);
  expect(callback).toHaveBeenCalledTimes(1);
});

test('the first of several signals gives its reason, and the others are let go', () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const { signal, release } = firstOf([one.signal, other.signal]);
  other.abort('enough');
  expect([signal.aborted, signal.reason]).toEqual([true, 'enough']);
  one.abort('late');
  expect(signal.reason).toBe('enough');
  const late = firstOf([new AbortController().signal]);
  late.release();
  expect(late.signal.aborted).toBe(false);
  release();
});

test('what has ended its waiting is let go, however long the signal lives', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const controller = new AbortController();
  const wait = (): WeakRef<object> => {
    const answer = { bytes: new Uint8Array(1000) };
    const stop = whenAborted(controller.signal, () => {
      answer.bytes.fill(1);
    });
    stop();
    return new WeakRef(answer);
  };
  // The first makes the listener that all have.
  const answers = [wait(), wait()];
  await new Promise(setImmediate);
  collect();
  expect(answers.map((answer) => answer.deref())).toEqual([undefined, undefined]);
  expect(controller.signal.aborted).toBe(false);
});
