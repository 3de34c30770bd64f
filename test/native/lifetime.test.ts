import { expectScenario, runScenario, scale } from '../support/sockets';

/**
 * How sockets end: by collection, with their worker, with the process; and that none of it costs anything in the long
 * run. Each in a process of its own.
 */

describe('the process ends', () => {
  test.each([
    ['exit-open', 'by process.exit(), sockets open'],
    ['exit-unreferenced', 'by itself, when the open sockets are unreferenced'],
    ['exit-in-traffic', 'by process.exit() while datagrams come and go'],
    ['exit-in-listener', 'by process.exit() inside a listener'],
    ['exit-opening', 'and opens a socket on its way out'],
    ['exit-parked', 'by process.exit() while the kernel holds a sender'],
    ['exit-parked-naturally', 'by itself while the kernel holds a sender'],
    ['exit-parked-closed', 'by itself after the socket of a held sender was closed'],
  ])('%s: %s', (scenario) => {
    expectScenario(scenario);
  });

  test.each([
    ['exit-parked-uncaught', 'the process ends by an error'],
    ['throw-uncaught', 'out of a listener'],
  ])('%s: by an error that nobody catches, with its exit status and no signal', (scenario, message) => {
    const { status, signal, stderr } = runScenario(scenario);
    expect({ status, signal }).toEqual({ status: 1, signal: null });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('FATAL');
  });
});

describe('a worker ends', () => {
  test.each([
    ['worker-open', 'that alone loaded the addon, sockets open'],
    ['worker-exits', 'by process.exit() while datagrams come and go'],
    ['worker-terminated-in-traffic', 'by terminate() while datagrams come and go'],
    ['worker-parked', 'by itself while the kernel holds a sender, which later comes back'],
    ['worker-parked-terminated', 'by terminate() while the kernel holds a sender, which later comes back'],
  ])('%s: %s', (scenario) => {
    expectScenario(scenario);
  });
});

describe('garbage collection', () => {
  test.each([
    ['collection', 'takes unreferenced sockets and closes them, but not those that keep the process alive'],
    ['collection-busy', 'spares an unreferenced socket until its datagrams are told'],
    ['collection-of-holders', 'spares what a datagram that is still held refers to'],
  ])('%s: %s', (scenario) => {
    expectScenario(scenario, { flags: ['--expose-gc'] });
  });
});

/** Said, so that a reduced count never passes for the whole one. */
function report(lines: readonly string[]): void {
  process.stdout.write(`${scale === 1 ? '' : `NATIVE_SCALE ${scale}: `}${lines.join('; ')}\n`);
}

test('ten thousand sockets leave no descriptor', () => {
  const lines = expectScenario('ten-thousand');
  expect(lines).toHaveLength(1);
  report(lines);
}, 120_000);

test('a million round trips take no memory', () => {
  const lines = expectScenario('million', { flags: ['--expose-gc'] });
  expect(lines).toHaveLength(1);
  report(lines);
}, 120_000);
