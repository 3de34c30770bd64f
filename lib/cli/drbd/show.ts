import type { Options } from '../../drbd';
import { settingsOf, toJson, type ModelDialect, type ObjectName, type Setting } from '../../model';
import { waitOptions, type Context } from '../context';
import { EXIT } from '../errors';
import { command } from './command';
import { defaultOf } from './options';
import { requireAll, selected } from './select';
import { formatLine, lookOf, padded, printable, widthOf, type Line } from './text';
import { peerName, resourceName } from './view';

export const show = command({
  about: 'what was asked for: settings by name, with unit, range and default',
  words: '[RESOURCE…]',
  completes: 'resource',
  options: {
    defaults: { doc: 'Show the settings that have their default too.' },
  },
  details: [
    'A setting that differs from its default is marked with *. --reveal shows secrets, which are as many x otherwise. --json prints all settings, each with its value, default, isDefault, unit, min, max and words.',
  ],
  examples: ['drbd show r0', 'drbd show r0 --defaults', 'drbd show --json --reveal'],
  run: ({ context, words, options }) => print(context, words, options.defaults),
});

/** An object and what was asked of it. */
interface Shown {
  readonly object: ObjectName;
  readonly resource: string;
  readonly volume?: number | null;
  readonly peer?: string;
  /** What places it: not an option. */
  readonly facts: Readonly<Record<string, string | number | null>>;
  readonly settings: readonly Setting[];
}

async function print(context: Context, words: readonly string[], defaults: boolean): Promise<number> {
  const { io, globals, backend } = context;
  const client = await backend.client(waitOptions(context));
  const whole = await client.status(waitOptions(context));
  requireAll(whole, words);
  const snapshot = selected(whole, words);
  const { dialect } = snapshot.source;
  const shown = snapshot.resources.flatMap((resource): readonly Shown[] => {
    const name = resourceName(resource);
    const of = (object: ObjectName, options: Options | null): readonly Setting[] =>
      settingsOf(dialect, object, options);
    return [
      {
        object: 'resource',
        resource: name,
        facts: resource.nodeId === null ? {} : { nodeId: resource.nodeId },
        settings: of('resource', resource.options),
      },
      ...resource.devices.map((device): Shown => ({
        object: 'device',
        resource: name,
        volume: device.volume,
        facts: { minor: device.minor, backingDevice: device.backingDevice, metaDevice: device.metaDevice },
        settings: of('device', device.options),
      })),
      ...resource.connections.flatMap((connection): readonly Shown[] => [
        {
          object: 'connection',
          resource: name,
          peer: peerName(connection),
          facts: {},
          settings: of('connection', connection.options),
        },
        ...connection.peerDevices.map((peer): Shown => ({
          object: 'peerDevice',
          resource: name,
          peer: peerName(connection),
          volume: peer.volume,
          facts: {},
          settings: of('peerDevice', peer.options),
        })),
      ]),
    ];
  });
  if (globals.json) io.stdout.write(`${JSON.stringify(jsonOf(shown, dialect, globals.reveal), null, 2)}\n`);
  else {
    const look = lookOf(io);
    const lines = shown.flatMap((item) => linesOf(item, defaults, globals.reveal));
    io.stdout.write(lines.map((line) => `${formatLine(line, look)}\n`).join(''));
  }
  return EXIT.ok;
}

function jsonOf(shown: readonly Shown[], dialect: ModelDialect, reveal: boolean): object {
  return {
    schemaVersion: 1,
    dialect,
    objects: shown.map(({ settings, volume, peer, ...rest }) => ({
      ...rest,
      volume: volume ?? null,
      peer: peer ?? null,
      settings: Object.fromEntries(
        settings.map((setting) => {
          const { unit, min, max, names } = setting.about;
          return [
            setting.name,
            toJson(
              {
                value: setting.value,
                default: defaultOf(setting),
                isDefault: setting.isDefault,
                unit: unit ?? null,
                min: min ?? null,
                max: max ?? null,
                words: names === undefined ? null : Object.values(names),
              },
              { reveal },
            ),
          ];
        }),
      ),
    })),
  };
}

const WORDS: Readonly<Record<ObjectName, string>> = {
  resource: 'resource',
  device: 'volume',
  connection: 'to',
  path: 'path',
  peerDevice: 'volume',
};

function linesOf(
  { object, resource, volume, peer, facts, settings }: Shown,
  defaults: boolean,
  reveal: boolean,
): readonly Line[] {
  // A text that is empty says nothing.
  const told = settings.filter(({ isDefault, value }) => defaults || (!isDefault && value !== ''));
  const entries = Object.entries(facts).filter(([, value]) => value !== null);
  if (object === 'peerDevice' && told.length === 0) return [];
  const indent = object === 'resource' ? '' : object === 'peerDevice' ? '    ' : '  ';
  const name = object === 'resource' ? resource : object === 'connection' ? (peer ?? '') : `${volume ?? '?'}`;
  const width = Math.max(0, ...[...told.map((setting) => setting.name), ...entries.map(([fact]) => fact)].map(widthOf));
  return [
    [{ text: `${indent}${WORDS[object]} ` }, { text: printable(name), style: 'bold' }],
    ...entries.map(([fact, value]): Line => [
      { text: `${indent}    ${padded(fact, width)}  ${printable(String(value))}` },
    ]),
    ...told.map((setting): Line => {
      const standard = defaultOf(setting);
      const { unit } = setting.about;
      const spoken = (value: unknown): string =>
        value === true ? 'yes' : value === false ? 'no' : value === '' ? 'none' : printable(String(value));
      const value = reveal && typeof setting.value === 'object' ? setting.value.reveal() : spoken(setting.value);
      return [
        { text: `${indent}  ${setting.isDefault || standard === null ? ' ' : '*'} ${padded(setting.name, width)}  ` },
        { text: printable(value), style: setting.isDefault ? undefined : 'bold' },
        { text: unit === undefined || setting.value === '' ? '' : ` ${unit}` },
        { text: setting.isDefault || standard === null ? '' : `  (default ${spoken(standard)})`, style: 'dim' },
      ];
    }),
  ];
}
