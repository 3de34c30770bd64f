import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** From the test on, which imports the same things by other names there. */
const bodyOf = (text: string): string => text.slice(text.indexOf('\ntest(')).trim();

test('the simulator example of README.md is the one that is run', () => {
  const root = join(__dirname, '../../..');
  const [, example] = /```ts\n([^]*?)```/u.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  expect(bodyOf(example ?? '')).toBe(bodyOf(readFileSync(join(root, 'test/unit/simulator-example.test.ts'), 'utf8')));
});
