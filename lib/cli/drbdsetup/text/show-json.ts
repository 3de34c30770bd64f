import { metaDeviceModes } from '../../../dialects/words';
import { decodeSocketAddress, type ByteOrder } from '../../../netlink';
import type { Option } from '../../line/option';
import { formatValue, isDefault, valueToJson } from '../../line/value';
import type { Vocabulary } from '../../line/vocabulary';
import type { StatusReply } from '../v84';
import { formatAddress, type Machine } from './address';
import type { Tags } from './show-83';
import type { ResourceReplies9 } from './status-9';

// The configuration as JSON, of whatever generation: ours, and the arrays of DRBD 9.

type Fields = Readonly<Record<string, unknown>>;

/** What was asked for, of a resource: the fields of its parts as the kernel told them. */
export interface ResourceSettings {
  /** Null where the driver knows none. */
  readonly name: string | null;
  readonly options: Fields;
  /** DRBD 9: this node's number. */
  readonly nodeId?: number | null;
  readonly connections: readonly ConnectionSettings[];
  readonly volumes: readonly {
    readonly volume: number;
    readonly minor: number | undefined;
    readonly disk: string | undefined;
    readonly metaDisk: string | undefined;
    readonly metaIndex: number | undefined;
    readonly options: Fields;
  }[];
}

interface ConnectionSettings {
  /** One, but in DRBD 9, which may have none yet, or several. */
  readonly paths: readonly { readonly local: Uint8Array; readonly peer: Uint8Array }[];
  readonly options: Fields;
  /** DRBD 9: who the peer is, and what was asked for of each volume towards it. */
  readonly node?: {
    readonly peerNodeId: number;
    readonly name: string | null;
    readonly volumes: readonly { readonly volume: number; readonly options: Fields }[];
  };
}

/** @param replies of get_status */
export function settingsOf84(replies: readonly StatusReply[]): readonly ResourceSettings[] {
  const nameOf = ({ context }: StatusReply): string => context?.ctx_resource_name ?? '';
  return [...new Set(replies.map(nameOf))].map((name) => {
    const own = replies.filter((reply) => nameOf(reply) === name);
    const [first] = own;
    const { ctx_my_addr: local, ctx_peer_addr: peer } = first?.context ?? {};
    return {
      name,
      options: { ...first?.res_opts },
      connections:
        first?.net_conf === undefined || !hasBytes(local) || !hasBytes(peer)
          ? []
          : [{ paths: [{ local, peer }], options: { ...first.net_conf } }],
      volumes: own.flatMap(({ context, minor, disk_conf: disk }) =>
        context?.ctx_volume === undefined
          ? []
          : [
              {
                volume: context.ctx_volume,
                minor,
                disk: disk?.backing_dev,
                metaDisk: disk?.meta_dev,
                metaIndex: disk?.meta_dev_idx,
                options: { ...disk },
              },
            ],
      ),
    };
  });
}

/** @param tags of get_config. @param name of the resource, where somebody knows one */
export function settingsOf83(minor: number, tags: Tags, name: string | undefined): readonly ResourceSettings[] {
  const { backing_dev: disk, meta_dev: metaDisk, meta_dev_idx: index, my_addr: local, peer_addr: peer } = tags;
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  return [
    {
      name: name ?? null,
      options: {},
      connections: hasBytes(local) && hasBytes(peer) ? [{ paths: [{ local, peer }], options: tags }] : [],
      volumes: [
        {
          volume: 0,
          minor,
          disk: text(disk),
          metaDisk: text(metaDisk),
          metaIndex: typeof index === 'number' ? index : undefined,
          options: tags,
        },
      ],
    },
  ];
}

export function settingsOf9(replies: readonly ResourceReplies9[]): readonly ResourceSettings[] {
  return replies.map(({ resource, devices, connections, peerDevices }) => ({
    name: resource.context?.ctx_resource_name ?? null,
    nodeId: resource.res_opts?.node_id ?? null,
    options: { ...resource.res_opts },
    connections: connections.map(({ context, path_parms: paths = [], net_conf: options }) => ({
      paths: paths.flatMap(({ my_addr: local, peer_addr: peer }) =>
        hasBytes(local) && hasBytes(peer) ? [{ local, peer }] : [],
      ),
      options: { ...options },
      node: {
        peerNodeId: context?.ctx_peer_node_id ?? 0,
        name: orNull(context?.ctx_conn_name),
        volumes: peerDevices
          .filter(({ context: place }) => place?.ctx_peer_node_id === context?.ctx_peer_node_id)
          .map(({ context: place, peer_device_conf: values }) => ({
            volume: place?.ctx_volume ?? 0,
            options: { ...values },
          })),
      },
    })),
    volumes: devices.map(({ context, minor, disk_conf: disk }) => ({
      volume: context?.ctx_volume ?? 0,
      minor,
      disk: disk?.backing_dev,
      metaDisk: disk?.meta_dev,
      // Zero of a device that has no disk says nothing.
      metaIndex: orNull(disk?.backing_dev) === null ? undefined : disk?.meta_dev_idx,
      options: { ...disk },
    })),
  }));
}

function hasBytes(bytes: unknown): bytes is Uint8Array {
  return bytes instanceof Uint8Array && bytes.length > 0;
}

const orNull = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text);

function metaIndexWord(index: number): string | number {
  return index === metaDeviceModes.internal || index === metaDeviceModes.flexInternal
    ? 'internal'
    : index === metaDeviceModes.flexExternal
      ? 'flexible'
      : index;
}

/**
 * Ours: one object a resource, with all options, whether they are at their default or not: value, number of a word,
 * unit. 64-bit numbers are decimal strings.
 * @param reveal print secrets
 */
export function showToJson(
  resources: readonly ResourceSettings[],
  settings: Vocabulary['settings'],
  order: ByteOrder,
  reveal: boolean,
): object {
  const optionsOf = (options: readonly Option[], values: Fields): object =>
    Object.fromEntries(
      options
        .filter(({ field }) => values[field] !== undefined)
        .map((option) => [option.name, valueToJson(option, values[option.field], reveal)]),
    );
  return {
    schemaVersion: 1,
    resources: resources.map(({ name, nodeId, options, connections, volumes }) => ({
      name,
      ...(nodeId === undefined ? {} : { nodeId }),
      options: optionsOf(settings.resource, options),
      connections: connections.map(({ paths, options: values, node }) => {
        const addresses = paths.map(({ local, peer }) => ({
          local: addressToJson(local, order),
          peer: addressToJson(peer, order),
        }));
        return {
          ...(addresses[0] ?? { local: null, peer: null }),
          options: optionsOf(settings.connection, values),
          ...(node === undefined
            ? {}
            : {
                peerNodeId: node.peerNodeId,
                name: node.name,
                paths: addresses,
                volumes: node.volumes.map((one) => ({
                  volume: one.volume,
                  options: optionsOf(settings.peerDevice ?? [], one.options),
                })),
              }),
        };
      }),
      volumes: volumes.map(({ volume, minor, disk, metaDisk, metaIndex, options: values }) => ({
        volume,
        minor: minor ?? null,
        disk: orNull(disk),
        metaDisk: orNull(metaDisk),
        metaIndex: metaIndex === undefined ? null : metaIndexWord(metaIndex),
        options: optionsOf(settings.device, values),
      })),
    })),
  };
}

function addressToJson(bytes: Uint8Array, order: ByteOrder): object {
  try {
    const { family, address, port, scopeId } = decodeSocketAddress(bytes, order);
    return { family, address, port, scopeId: scopeId ?? null };
  } catch {
    return { family: null, address: null, port: null, scopeId: null };
  }
}

/** What stands for a peer that has neither a name nor a number. */
export const PEER = { name: 'peer', id: 0 } as const;

/**
 * The arrays that drbdsetup of DRBD 9 prints: what differs from the default, as text, secrets included. The peer of 8.x
 * has neither a name nor a number: it is called peer, and 0.
 * @param showDefaults also what is as it is where nobody says otherwise
 */
export function showToJson9(
  resources: readonly ResourceSettings[],
  settings: Vocabulary['settings'],
  machine: Machine,
  showDefaults: boolean,
): readonly object[] {
  const said = (options: readonly Option[], values: Fields): object =>
    Object.fromEntries(
      options
        .filter(({ field }) => values[field] !== undefined)
        .filter((option) => showDefaults || !isDefault(option, values[option.field]))
        .map((option) => {
          const value = values[option.field];
          return [option.name, typeof value === 'boolean' ? value : formatValue(option, value)] as const;
        }),
    );
  const section = (key: string, values: object): object => (Object.keys(values).length === 0 ? {} : { [key]: values });
  return resources.map(({ name, options, connections, volumes }) => ({
    resource: name ?? '',
    ...section('options', said(settings.resource, options)),
    _this_host: {
      'node-id': 0,
      volumes: volumes.map(({ volume, minor, disk, metaDisk, metaIndex, options: values }) => ({
        volume_nr: volume,
        device_minor: minor ?? 0,
        ...(orNull(disk) === null ? {} : { 'backing-disk': disk, 'meta-disk': metaText(metaDisk, metaIndex) }),
        ...section('disk', said(settings.device, values)),
      })),
    },
    ...(connections.length === 0
      ? {}
      : {
          connections: connections.map(({ paths: [path], options: values }) => ({
            ...(path === undefined
              ? {}
              : {
                  path: {
                    _this_host: formatAddress(path.local, machine),
                    _remote_host: formatAddress(path.peer, machine),
                  },
                }),
            net: { ...said(settings.connection, values), _name: PEER.name },
            _peer_node_id: PEER.id,
          })),
        }),
  }));
}

function metaText(device: string | undefined, index: number = metaDeviceModes.flexInternal): string {
  const word = metaIndexWord(index);
  return word === 'internal' ? word : word === 'flexible' ? (device ?? '') : `${device ?? ''} [ ${word} ]`;
}
