import { metaDeviceModes } from '../../../dialects/words';
import { connectionStates } from '../../../dialects/genl2';
import type { Machine } from './address';
import { formatAddress } from './address';
import { doubleQuote } from './show-84';
import type { Option } from '../../line/option';
import { formatValue, isDefault } from '../../line/value';
import { attachOptions9, peerDeviceOptions9, peerOptions9, resourceOptions9 } from '../v9';
import type { ResourceReplies9 } from './status-9';

/** A set of an answer. */
type Fields = object | undefined;
type Connection = ResourceReplies9['connections'][number];
type Device = ResourceReplies9['devices'][number];

const INDENT = 4;

export interface ShowFormat9 {
  /** Also what is as it is where nobody says otherwise. */
  readonly defaults: boolean;
  /** Whose kernel answered. */
  readonly machine: Machine;
}

/** An option that is to be printed. */
interface Shown {
  readonly option: Option;
  readonly text: string;
  readonly isDefault: boolean;
}

function shown(options: readonly Option[], values: Fields, { defaults }: ShowFormat9): readonly Shown[] {
  return options.flatMap((option) => {
    const value = (values as Readonly<Record<string, unknown>> | undefined)?.[option.field];
    if (value === undefined) return [];
    const standard = isDefault(option, value);
    return standard && !defaults ? [] : [{ option, isDefault: standard, text: formatValue(option, value) }];
  });
}

/** Lines that are indented by the braces around them. */
class Block {
  readonly #lines: string[] = [];
  #depth = 0;

  line(text: string): void {
    this.#lines.push(`${' '.repeat(this.#depth * INDENT)}${text}\n`);
  }

  within(title: string, end: string, body: () => void): void {
    this.line(title);
    this.#depth++;
    body();
    this.#depth--;
    this.line(end);
  }

  toString(): string {
    return this.#lines.join('');
  }
}

/** @returns the paths of a connection as configuration files have them; one whose family is unknown is left out */
function pathsOf(
  connection: Connection,
  machine: Machine,
): readonly { readonly local: string; readonly peer: string }[] {
  return (connection.path_parms ?? []).flatMap(({ my_addr: local, peer_addr: peer }) =>
    local === undefined || peer === undefined
      ? []
      : [{ local: formatAddress(local, machine), peer: formatAddress(peer, machine) }],
  );
}

const isStandAlone = ({ connection_info: info }: Connection): boolean =>
  info?.conn_connection_state === connectionStates.C_STANDALONE;

function peerDevicesOf({ peerDevices }: ResourceReplies9, connection: Connection): ResourceReplies9['peerDevices'] {
  return peerDevices.filter(({ context }) => context?.ctx_peer_node_id === connection.context?.ctx_peer_node_id);
}

/** @returns the configuration as configuration files have it, which drbdadm reads */
export function formatShow9(resources: readonly ResourceReplies9[], format: ShowFormat9): string {
  const block = new Block();
  const options = (title: string, table: readonly Option[], values: Fields): void => {
    const list = shown(table, values, format);
    if (list.length === 0) return;
    block.within(`${title} {`, '}', () => {
      for (const { option, text, isDefault } of list) {
        const remarks = [...(option.unit === undefined ? [] : [option.unit]), ...(isDefault ? ['default'] : [])];
        const value = option.kind === 'string' ? doubleQuote(text) : text;
        block.line(`${option.name.padEnd(16)}\t${value};${remarks.length === 0 ? '' : ` # ${remarks.join(', ')}`}`);
      }
    });
  };
  for (const replies of resources) {
    const { resource, devices, connections } = replies;
    block.within(`resource "${resource.context?.ctx_resource_name ?? ''}" {`, '}\n', () => {
      options('options', resourceOptions9(), resource.res_opts);
      block.within('_this_host {', '}', () => {
        if (resource.res_opts?.node_id !== undefined) block.line(`node-id\t\t\t${resource.res_opts.node_id};`);
        for (const device of devices) {
          block.within(`volume ${device.context?.ctx_volume ?? 0} {`, '}', () => {
            block.line(`device\t\t\tminor ${device.minor ?? 0};`);
            for (const text of diskLines(device)) block.line(text);
            options('disk', attachOptions9(), device.disk_conf);
          });
        }
      });
      for (const connection of connections) {
        block.within('connection {', '}', () => {
          block.line(`_peer_node_id ${connection.context?.ctx_peer_node_id ?? 0};`);
          for (const { local, peer } of pathsOf(connection, format.machine)) {
            block.within('path {', '}', () => {
              block.line(`_this_host ${local};`);
              block.line(`_remote_host ${peer};`);
            });
          }
          if (isStandAlone(connection)) block.line('_is_standalone;');
          options('net', peerOptions9(), connection.net_conf);
          for (const { context, peer_device_conf: values } of peerDevicesOf(replies, connection)) {
            if (shown(peerDeviceOptions9(), values, format).length === 0) continue;
            block.within(`volume ${context?.ctx_volume ?? 0} {`, '}', () => {
              options('disk', peerDeviceOptions9(), values);
            });
          }
        });
      }
    });
  }
  return block.toString();
}

function diskLines({ disk_conf: disk, device_info: info }: Device): readonly string[] {
  if (disk?.backing_dev === undefined || disk.backing_dev === '')
    return info?.is_intentional_diskless === true ? ['disk\t\t\tnone;'] : [];
  const index = disk.meta_dev_idx ?? 0;
  const where = isInternal(index)
    ? 'internal'
    : `${doubleQuote(disk.meta_dev ?? '')}${index === metaDeviceModes.flexExternal ? '' : ` [ ${index} ]`}`;
  return [`disk\t\t\t"${disk.backing_dev}";`, `meta-disk\t\t\t${where};`];
}

function isInternal(index: number): boolean {
  return index === metaDeviceModes.internal || index === metaDeviceModes.flexInternal;
}

/** A member of an object: its text, or the members below it. */
type Member = readonly [name: string, value: string | readonly Member[] | readonly (readonly Member[])[]];

/** @returns the configuration as `show --json` prints it: numbers as text with their scale, yes and no as booleans */
export function formatShowJson9(resources: readonly ResourceReplies9[], format: ShowFormat9): string {
  const options = (title: string, table: readonly Option[], values: Fields): readonly Member[] => {
    const list = shown(table, values, format);
    if (list.length === 0) return [];
    return [
      [
        title,
        list.map(({ option, text }): Member => [
          option.name,
          option.kind === 'boolean' ? String(text === 'yes') : JSON.stringify(text),
        ]),
      ],
    ];
  };
  const volumeOf = (device: Device): readonly Member[] => [
    ['volume_nr', String(device.context?.ctx_volume ?? 0)],
    ['device_minor', String(device.minor ?? 0)],
    ...diskMembers(device),
    ...options('disk', attachOptions9(), device.disk_conf),
  ];
  const connectionOf = (replies: ResourceReplies9, connection: Connection): readonly Member[] => {
    const volumes = peerDevicesOf(replies, connection).flatMap(({ context, peer_device_conf: values }) => {
      const list = options('disk', peerDeviceOptions9(), values);
      return list.length === 0 ? [] : [[['volume_nr', String(context?.ctx_volume ?? 0)] as Member, ...list]];
    });
    return [
      ...pathsOf(connection, format.machine).map(({ local, peer }): Member => [
        'path',
        [
          ['_this_host', JSON.stringify(local)],
          ['_remote_host', JSON.stringify(peer)],
        ],
      ]),
      ...(isStandAlone(connection) ? [['_is_standalone', 'true'] as Member] : []),
      ...options('net', peerOptions9(), connection.net_conf),
      ...(volumes.length === 0 ? [] : [['volumes', volumes] as Member]),
      ['_peer_node_id', String(connection.context?.ctx_peer_node_id ?? 0)],
    ];
  };
  const list = resources.map((replies): readonly Member[] => {
    const { resource, devices, connections } = replies;
    return [
      ['resource', JSON.stringify(resource.context?.ctx_resource_name ?? '')],
      ...options('options', resourceOptions9(), resource.res_opts),
      [
        '_this_host',
        [
          ...(resource.res_opts?.node_id === undefined
            ? []
            : [['node-id', String(resource.res_opts.node_id)] as Member]),
          ['volumes', devices.map(volumeOf)],
        ],
      ],
      ...(connections.length === 0
        ? []
        : [['connections', connections.map((connection) => connectionOf(replies, connection))] as Member]),
    ];
  });
  const block = new Block();
  block.within('[', ']', () => {
    writeObjects(block, list);
  });
  return block.toString();
}

function writeObjects(block: Block, objects: readonly (readonly Member[])[]): void {
  objects.forEach((members, at) => {
    block.within('{', at < objects.length - 1 ? '},' : '}', () => {
      writeMembers(block, members);
    });
  });
}

function writeMembers(block: Block, members: readonly Member[]): void {
  members.forEach(([name, value], at) => {
    const comma = at < members.length - 1 ? ',' : '';
    const head = `${JSON.stringify(name)}: `;
    if (typeof value === 'string') block.line(`${head}${value}${comma}`);
    else if (isList(name))
      block.within(`${head}[`, `]${comma}`, () => {
        writeObjects(block, value as readonly (readonly Member[])[]);
      });
    else
      block.within(`${head}{`, `}${comma}`, () => {
        writeMembers(block, value as readonly Member[]);
      });
  });
}

function isList(name: string): boolean {
  return name === 'volumes' || name === 'connections';
}

function diskMembers({ disk_conf: disk, device_info: info }: Device): readonly Member[] {
  if (disk?.backing_dev === undefined || disk.backing_dev === '')
    return info?.is_intentional_diskless === true ? [['disk', '"none"']] : [];
  const index = disk.meta_dev_idx ?? 0;
  const device = JSON.stringify(disk.meta_dev ?? '');
  return [
    ['backing-disk', JSON.stringify(disk.backing_dev)],
    isInternal(index)
      ? ['meta-disk', '"internal"']
      : index === metaDeviceModes.flexExternal
        ? ['meta-disk', device]
        : // A slot is told by the name of its device, as it always was.
          [`${disk.meta_dev ?? ''}`, String(index)],
  ];
}
