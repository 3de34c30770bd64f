import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openDrbd } from '../../lib';
import { main } from '../../lib/cli/drbd';
import { memoryIo } from '../support/cli';
import { FakeTerminal, screenOf } from '../support/drbd-command';
import { served } from '../support/scrape';

// The commands that stay, while a simulated 8.3 driver leaves the bus and another takes its place at the same port.

const SIMULATOR = join(__dirname, '../../lib/simulator');
/** A process of its own, so that its first socket has the same port each time: the process's id. */
const DRIVER = `
const { createSimulator, listenSimulator } = require(${JSON.stringify(SIMULATOR)});
let simulator, listening;
process.stdin.on('data', (data) => {
  for (const word of data.toString().trim().split('\\n'))
    if (word === 'come') {
      simulator = createSimulator({ disks: { '/dev/ram0': { sizeBytes: 16 << 20 }, '/dev/ram1': { sizeBytes: 16 << 20 } } });
      listening = listenSimulator(simulator);
      console.log(listening.port);
    } else {
      listening.close();
      simulator.close();
      console.log('gone');
    }
});
process.stdin.on('end', () => process.exit(0));
`;

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`it did not come to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

let driver: ChildProcess;
let said = '';
async function tell(word: 'come' | 'go'): Promise<string> {
  said = '';
  driver.stdin?.write(`${word}\n`);
  await until(() => said.endsWith('\n'), word);
  return said.trim();
}

async function attach(port: number, minor: number): Promise<void> {
  await using drbd = await openDrbd({ dialect: 'connector', simulator: port });
  const disk = `/dev/ram${minor}`;
  await drbd.attach({ minor }, { backingDev: disk, metaDev: disk, metaDevIdx: 'internal' });
}

test('status --watch, top, events and metrics outlive a driver of 8.3, and see its successor', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'unload-'));
  driver = spawn(process.execPath, ['-e', DRIVER], { stdio: ['pipe', 'pipe', 'inherit'] });
  driver.stdout?.on('data', (data: Buffer) => (said += data.toString()));
  const running: { readonly end: AbortController; readonly exit: Promise<number> }[] = [];
  let port = 0;
  const start = (argv: readonly string[], terminal?: FakeTerminal): (() => string) => {
    const io = memoryIo({ env: { TERM: 'xterm', DRBD_SIMULATOR: String(port) } });
    if (terminal !== undefined)
      Object.assign(io, { terminal: () => terminal, stdout: Object.assign(io.stdout, { isTerminal: true }) });
    running.push({ end: io.end, exit: main(argv, io) });
    return () => io.stdout.text;
  };
  try {
    port = Number(await tell('come'));
    await attach(port, 0);
    const piped = start(['status', '--watch']);
    const watched = start(['status', '--watch'], new FakeTerminal());
    const top = start(['top'], new FakeTerminal());
    const events = start(['events', '--json', '--refresh', '1']);
    const socket = join(folder, 'socket');
    start(['metrics', '--unix', socket]);
    const kinds = (): readonly string[] =>
      events()
        .split('\n')
        .slice(0, -1)
        .map((line) => {
          const { kind, reason, object, key } = JSON.parse(line) as {
            readonly kind: string;
            readonly reason?: string;
            readonly object?: string;
            readonly key?: { readonly minor?: number };
          };
          return [kind, reason, object, key?.minor].filter((part) => part !== undefined).join(' ');
        });
    const shows = (screen: () => string, text: string): boolean =>
      screenOf(screen()).some((line) => line.includes(text));
    const last = (): string =>
      piped()
        .trimEnd()
        .split(/\n(?=\d\d:\d\d:\d\d\n)/u)
        .at(-1) ?? '';
    await until(() => shows(top, 'minor 0') && shows(watched, 'minor 0') && last().includes('minor 0'), 'minor 0');
    await until(() => kinds().includes('ready'), 'events are ready');
    await until(async () => (await served(socket)).includes('drbd_driver_loaded 1'), 'metrics tell of a driver');

    await tell('go');
    await until(
      () => !shows(top, 'minor 0') && !shows(watched, 'minor 0') && !last().includes('minor 0'),
      'it is gone',
    );
    await until(async () => (await served(socket)).includes('drbd_driver_loaded 0'), 'metrics tell of none');
    await until(() => kinds().includes('resync module') && kinds().includes('destroy resource 0'), 'events tell of it');

    expect(Number(await tell('come'))).toBe(port);
    await attach(port, 1);
    await until(() => shows(top, 'minor 1') && shows(watched, 'minor 1') && last().includes('minor 1'), 'minor 1');
    await until(async () => (await served(socket)).includes('drbd_driver_loaded 1'), 'metrics tell of a driver again');
    await until(() => kinds().includes('create resource 1'), 'events tell of what came');
    expect(kinds().filter((kind) => kind.startsWith('resync'))).toEqual(['resync module']);
    for (const screen of [top, watched]) expect(shows(screen, 'minor 0')).toBe(false);
  } finally {
    for (const { end } of running) end.abort('SIGTERM');
    await Promise.allSettled(running.map(({ exit }) => exit));
    driver.stdin?.end();
    driver.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}, 120_000);
