import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createBackend } from '../../lib/cli';
import { openDrbd } from '../../lib';
import { FakeTerminal, screenOf, startDrbd, type Running } from '../support/drbd-command';
import { served } from '../support/scrape';

// The commands that stay, while the module of a genuine kernel goes and comes.

const MODULE = ['drbd', 'usermode_helper=/bin/true'];
function modprobe(...argv: readonly string[]): void {
  expect(spawnSync('modprobe', argv, { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
}

async function create(name: string): Promise<void> {
  await using drbd = await openDrbd({ dialect: 'genl1' });
  await drbd.request('new_resource', { context: { ctx_resource_name: name } });
}
async function remove(name: string): Promise<void> {
  await using drbd = await openDrbd({ dialect: 'genl1' });
  await drbd.request('del_resource', { context: { ctx_resource_name: name } });
}

test('status --watch, top and metrics of a module that is unloaded and loaded again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'unload-'));
  const socket = join(folder, 'socket');
  const started: { readonly command: Running; close(): void }[] = [];
  const start = (argv: readonly string[], terminal?: FakeTerminal): Running => {
    const backend = createBackend({ kind: 'kernel' });
    const command = startDrbd(backend, argv, {
      env: { TERM: 'xterm' },
      ...(terminal === undefined ? {} : { terminal }),
    });
    started.push({ command, close: () => backend.close() });
    return command;
  };
  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  try {
    await create('first');
    const watch = start(['status', '--watch']);
    const top = start(['top'], new FakeTerminal(80, 24));
    start(['metrics', '--unix', socket]);
    const last = (): string => watch.stdout().trimEnd().split('\n\n').at(-1) ?? '';
    const shows = (text: string): boolean => screenOf(top.stdout()).some((line) => line.includes(text));
    const tells = async (text: string): Promise<boolean> => (await served(socket)).includes(text);
    await until(() => last().includes('first') && shows('first'));
    await until(() => tells('drbd_driver_loaded 1'));
    await remove('first');
    modprobe('-r', 'drbd');
    await until(() => last().includes('No DRBD driver is loaded') && shows('No DRBD driver is loaded'));
    await until(() => tells('drbd_driver_loaded 0'));
    modprobe(...MODULE);
    await create('second');
    await until(() => last().includes('second') && shows('second'));
    await until(() => tells('drbd_driver_loaded 1'));
    await remove('second');
    for (const { command } of started) expect(await command.stop('SIGTERM')).toBeGreaterThanOrEqual(0);
  } finally {
    for (const { close } of started) close();
    // What follows needs it.
    spawnSync('modprobe', MODULE);
    rmSync(folder, { recursive: true });
  }
}, 120_000);
