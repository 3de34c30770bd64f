import { closeSync, openSync } from 'node:fs';
import { openDrbd, type Client } from '../../lib';
import { main } from '../../lib/cli/drbd';
import type { HostFinding } from '../../lib/cli/drbd/doctor/examine';
import { createMetadata } from '../support/guest';
import { memoryIo } from '../support/cli';

describe('drbd doctor on a genuine DRBD 8.4', () => {
  const target = { resource: 'who', volume: 0, minor: 12 } as const;
  let drbd: Client<'genl1'>;

  beforeAll(async () => {
    drbd = await openDrbd({ dialect: 'genl1' });
    createMetadata(target.minor, '/dev/ram7');
    await drbd.attach(target, { backingDev: '/dev/ram7', metaDev: '/dev/ram7', metaDevIdx: 'internal' });
    await drbd.promote({ resource: target.resource }, { force: true });
  }, 60_000);

  afterAll(async () => {
    await drbd.down({ resource: target.resource });
    drbd.close();
  }, 60_000);

  const examined = async (...words: readonly string[]): Promise<readonly HostFinding[]> => {
    const io = memoryIo();
    expect(await main(['doctor', '--json', ...words], io)).toBe(0);
    return (JSON.parse(io.stdout.text) as { readonly findings: readonly HostFinding[] }).findings;
  };

  test('it finds the driver, its family and its usermode helper', async () => {
    const found = await examined();
    const factsOf = (check: string): unknown => found.find((each) => each.check === check)?.facts;
    expect(factsOf('module')).toMatchObject({ loaded: true, version: drbd.driver.version, api: 1 });
    expect(factsOf('family')).toEqual({ id: drbd.driver.address, version: 1 });
    expect(factsOf('helper')).toEqual({ path: '/bin/true' });
  });

  test('a demotion that is refused names it, and it names who has the device open', async () => {
    const users = async (): Promise<readonly unknown[]> =>
      (await examined('/dev/drbd12'))
        .filter(({ check }) => check === 'device')
        .map(({ facts }) => facts['user'] ?? null);
    expect(await users()).toEqual([null]);
    const descriptor = openSync('/dev/drbd12', 'r');
    try {
      const io = memoryIo();
      expect(await main(['demote', target.resource], io)).toBe(11);
      expect(io.stderr.text).toContain('"drbd doctor /dev/drbdN"');
      expect(await users()).toEqual([String(process.pid)]);
    } finally {
      closeSync(descriptor);
    }
    expect(await main(['demote', target.resource], memoryIo())).toBe(0);
  }, 60_000);
});
