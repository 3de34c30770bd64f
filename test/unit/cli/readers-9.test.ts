import { v9 } from '../../../lib/cli/drbdsetup';
import { formatXml } from '../../../lib/cli/drbdsetup/text';
import { capturesIn } from '../../support/captures';
import { recordingsOf } from '../../support/recordings';
import { replayCommand } from '../../support/replayed-command';

/**
 * Small readers of what drbdsetup 9 prints, of our own: they read as programs such as drbd-reactor (events2) and
 * LINSTOR (xml-help, status --json) are known to do, and are stricter than those.
 */

const KEYS: Readonly<Record<string, readonly string[]>> = {
  resource: ['name'],
  device: ['name', 'volume'],
  connection: ['name', 'peer-node-id', 'conn-name'],
  'peer-device': ['name', 'peer-node-id', 'conn-name', 'volume'],
  path: ['name', 'peer-node-id', 'conn-name', 'local', 'peer'],
};

/** Keeps the objects of a stream of events2 lines, and refuses what does not fit. */
class Reader {
  readonly objects = new Map<string, Map<string, string>>();
  complete = false;

  read(line: string): void {
    if (line === '' || line.startsWith('- skipped ')) return;
    const [action = '', kind = '', ...words] = line.split(' ');
    if (action === 'exists' && kind === '-') {
      this.complete = true;
      return;
    }
    const pairs = new Map(
      words.map((word) => {
        const [, key = '', value = ''] = /^([a-z0-9_-]+):(.*)$/u.exec(word) ?? [];
        if (key === '') throw new Error(`${JSON.stringify(word)} is no pair, in ${line}`);
        return [key, value] as const;
      }),
    );
    if (kind === 'helper') return;
    const keys = KEYS[kind];
    if (keys === undefined) throw new Error(`${kind} is no kind of object, in ${line}`);
    const id = [kind, ...keys.map((key) => pairs.get(key) ?? '?')].join(' ');
    const known = this.objects.get(id);
    switch (action) {
      case 'exists':
      case 'create':
        if (known !== undefined) throw new Error(`it exists already: ${line}`);
        this.objects.set(id, pairs);
        break;
      case 'change':
        if (known === undefined) throw new Error(`nothing was told of it: ${line}`);
        for (const [key, value] of pairs) known.set(key, value);
        break;
      case 'destroy':
        if (!this.objects.delete(id)) throw new Error(`nothing was told of it: ${line}`);
        break;
      case 'rename': {
        const [from, to] = [pairs.get('name'), pairs.get('new_name')];
        for (const [other, object] of [...this.objects]) {
          if (object.get('name') !== from || to === undefined) continue;
          this.objects.delete(other);
          this.objects.set(other.replace(` ${from ?? ''}`, ` ${to}`), object.set('name', to));
        }
        break;
      }
      default:
        throw new Error(`${action} is no action, in ${line}`);
    }
  }
}

const captured = (['drbd-9.1.7', 'drbd-9.2.18', 'drbd-9.3.3'] as const).flatMap((folder) =>
  capturesIn(folder).flatMap((file) => recordingsOf(`${folder}/${file}`).map((one) => ({ ...one, folder }))),
);

test('events2: every line fits what was told before', async () => {
  const streams = captured.filter(
    ({ argv }) => argv[0] === 'drbdsetup' && argv[1] === 'events2' && !/diff|timestamps|poll|color/u.test(argv.join()),
  );
  expect(streams.length).toBeGreaterThan(60);
  for (const stream of streams) {
    const { stdout } = await replayCommand(stream);
    const reader = new Reader();
    for (const line of stdout.split('\n')) reader.read(line);
    expect(reader.complete).toBe(true);
  }
});

test('events2 and status --json agree on what exists', async () => {
  let compared = 0;
  for (const [at, status] of captured.entries()) {
    if (status.argv.join(' ') !== 'drbdsetup status --json' || status.exit !== 0) continue;
    // What was asked next, if it was the same of another command.
    const next = captured
      .slice(at + 1, at + 5)
      .find(({ argv, folder }) => folder === status.folder && argv.join(' ').startsWith('drbdsetup events2 --now'));
    if (next === undefined) continue;
    const reader = new Reader();
    for (const line of (await replayCommand(next)).stdout.replaceAll('UNKNOWN->', '').split('\n')) reader.read(line);
    const resources = JSON.parse((await replayCommand(status)).stdout) as readonly {
      readonly name: string;
      readonly role: string;
      readonly devices: readonly { readonly volume: number; readonly 'disk-state': string }[];
    }[];
    const told = [...reader.objects.values()];
    for (const { name, role, devices } of resources) {
      const resource = reader.objects.get(`resource ${name}`);
      if (resource === undefined) continue;
      expect([name, resource.get('role')]).toEqual([name, role]);
      for (const { volume } of devices)
        expect(told.some((one) => one.get('name') === name && one.get('volume') === String(volume))).toBe(true);
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(0);
});

test('xml-help: each option has a type, and what the type needs', () => {
  for (const command of v9.commands) {
    const xml = formatXml(command, v9.manner);
    expect(xml).toMatch(new RegExp(`^<command name="${command.name}">\\n\\t<summary>.+</summary>\\n`, 'u'));
    const options = Array.from(xml.matchAll(/\t<option name="([^"]+)" type="([^"]+)">\n([\s\S]*?)\t<\/option>/gu));
    expect(options).toHaveLength(command.plain.length + command.flags.length + command.options.length);
    for (const [, name = '', type = '', body = ''] of options) {
      const tags = Array.from(body.matchAll(/<(\w+)>/gu), ([, tag]) => tag);
      const needed: Readonly<Record<string, readonly string[]>> = {
        numeric: ['min', 'max', 'default', 'unit_prefix'],
        'numeric-or-symbol': ['min', 'max', 'default', 'symbol'],
        handler: ['handler'],
        boolean: ['default'],
        flag: [],
        string: [],
      };
      expect([name, needed[type]?.every((tag) => tags.includes(tag))]).toEqual([name, true]);
    }
  }
});
