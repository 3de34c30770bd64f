import { setImmediate as turn } from 'node:timers/promises';

import { lossLast, Source } from '../../../lib/cli/source';

type Item = { readonly kind: 'event'; readonly number: number } | { readonly kind: 'resync' };
const event = (number: number): Item => ({ kind: 'event', number });
const resync: Item = { kind: 'resync' };

/** What is given comes at once, as out of a buffer; `pause` lasts until word of a loss has been told. */
async function read(...items: readonly (Item | 'pause')[]): Promise<readonly (number | string)[]> {
  const seen: (number | string)[] = [];
  let told = (): void => undefined;
  const pause = new Promise<void>((resolve) => (told = resolve));
  const stream = async function* (): AsyncGenerator<Item> {
    for (const item of items) {
      if (item === 'pause') await pause;
      else yield item;
    }
  };
  for await (const item of lossLast(stream())) {
    seen.push(item.kind === 'event' ? item.number : item.kind);
    if (item.kind === 'resync') told();
  }
  return seen;
}

test('word of a loss comes behind what the kernel kept from before it, and before what comes later', async () => {
  expect(await read(event(1), resync, event(2), event(3), 'pause', event(9))).toEqual([1, 2, 3, 'resync', 9]);
});

test('losses in a row are one', async () => {
  expect(await read(resync, event(1), resync, event(2), 'pause', event(3))).toEqual([1, 2, 'resync', 3]);
});

test('a loss at the end is told', async () => {
  expect(await read(event(1), resync, event(2))).toEqual([1, 2, 'resync']);
  expect(await read(resync)).toEqual(['resync']);
});

test.each([0, 1, 2, 8])('a failure after %i turns of the loop comes after what came before it', async (turns) => {
  const failing = async function* (): AsyncGenerator<Item> {
    yield resync;
    yield event(1);
    for (let passed = 0; passed < turns; passed++) await turn();
    throw new Error('over');
  };
  const seen: string[] = [];
  await expect(
    (async () => {
      for await (const { kind } of lossLast(failing())) seen.push(kind);
    })(),
  ).rejects.toThrow('over');
  expect(seen).toEqual(['event', 'resync']);
});

test('closing does not wait for an item that never comes', async () => {
  const silent = async function* (): AsyncGenerator<Item> {
    yield resync;
    await new Promise(() => undefined);
  };
  const source = new Source(silent());
  await source.next();
  await source.settle();
  await source.close();
});
