import { GapWatch } from '../../lib/session';

const saw = (watch: GapWatch, ...sequences: readonly number[]): string[] =>
  sequences.map((sequence) => watch.saw(sequence));

test('the first number is taken as it comes, and each next one is expected', () => {
  const watch = new GapWatch();
  expect(saw(watch, 84, 85, 86)).toEqual(['expected', 'expected', 'expected']);
  expect(watch.tick()).toBe(false);
});

test('a message that was overtaken is not lost', () => {
  const watch = new GapWatch();
  expect(saw(watch, 84, 86, 85, 87)).toEqual(['expected', 'ahead', 'expected', 'expected']);
  expect(watch.missing).toBe(0);
  expect(watch.tick()).toBe(false);
});

test('the first that is seen may have overtaken others, until that is decided', () => {
  const watch = new GapWatch();
  expect(saw(watch, 10, 9, 7, 11, 8)).toEqual(['expected', 'expected', 'expected', 'expected', 'expected']);
  // The same twice cannot be, and nothing is as late as that.
  expect(saw(watch, 8, 9)).toEqual(['lost', 'expected']);
  const other = new GapWatch();
  expect(saw(other, 1000, 900)).toEqual(['expected', 'lost']);
  const late = new GapWatch();
  saw(late, 10);
  expect(late.isUndecided).toBe(true);
  expect([late.tick(), late.tick()]).toEqual([false, false]);
  expect(late.isUndecided).toBe(false);
  expect(saw(late, 9)).toEqual(['lost']);
});

test('one that never comes is lost, once', () => {
  const watch = new GapWatch();
  saw(watch, 3, 6, 4);
  expect(watch.missing).toBe(1);
  expect(watch.tick()).toBe(false);
  expect(watch.tick()).toBe(true);
  expect(watch.tick()).toBe(false);
  expect(saw(watch, 7)).toEqual(['expected']);
});

test('one that is missing has as much time, whatever was missing before it', () => {
  const watch = new GapWatch();
  saw(watch, 1, 3);
  expect(watch.tick()).toBe(false);
  saw(watch, 2, 5);
  expect(watch.tick()).toBe(false);
  saw(watch, 4);
  expect(watch.tick()).toBe(false);
  expect(watch.missing).toBe(0);
});

test('the count wraps at 32 bits', () => {
  const watch = new GapWatch();
  expect(saw(watch, 0xfffffffe, 0xffffffff, 0, 2, 1)).toEqual([
    'expected',
    'expected',
    'expected',
    'ahead',
    'expected',
  ]);
});

test('a count that starts over, or jumps, is a loss at once, and goes on from there', () => {
  const watch = new GapWatch();
  expect(saw(watch, 900, 901, 3, 4)).toEqual(['expected', 'expected', 'lost', 'expected']);
  expect(saw(watch, 1_000_000, 1_000_001)).toEqual(['lost', 'expected']);
  // The same twice cannot be.
  expect(saw(watch, 1_000_001)).toEqual(['lost']);
  expect(watch.missing).toBe(0);
});

test('after a loss that was told otherwise the next number is taken as it comes', () => {
  const watch = new GapWatch();
  saw(watch, 3, 9);
  watch.reset();
  expect(watch.tick()).toBe(false);
  expect(saw(watch, 100, 101)).toEqual(['expected', 'expected']);
});
