import type { ObjectName, PathAddress } from './objects';

/** Tells a resource: by its name, or in the connector dialect by its minor. */
export interface ResourceKey {
  readonly resource?: string;
  readonly minor?: number;
}
/** Tells a device: by resource and volume, its minor beside them, or in the connector dialect by its minor. */
export interface DeviceKey extends ResourceKey {
  readonly volume: number;
}
/**
 * Tells a connection: by resource and the peer's node id (DRBD 9), by resource and both addresses (8.4), or by its
 * minor (connector). Addresses are text, as {@link formatPathAddress} writes them.
 */
export interface ConnectionKey extends ResourceKey {
  readonly peerNodeId?: number;
  readonly local?: string;
  readonly peer?: string;
}
/** Tells a path: by its connection and both addresses. */
export interface PathKey extends ConnectionKey {
  readonly local: string;
  readonly peer: string;
}
/** Tells a peer device: by its connection and volume. */
export interface PeerDeviceKey extends ConnectionKey {
  readonly volume: number;
}

interface Keys {
  resource: ResourceKey;
  device: DeviceKey;
  connection: ConnectionKey;
  path: PathKey;
  peerDevice: PeerDeviceKey;
}
/** The key of an object: names and numbers, never positions. */
export type KeyOf<K extends ObjectName = ObjectName> = Keys[K];

/** @returns `ipv4:127.0.0.1:7788`, or `ipv6:[fe80::1%2]:7788`; an empty text for an address that is not known */
export function formatPathAddress(address: PathAddress | null): string {
  if (address === null) return '';
  const { family, scopeId, port } = address;
  const scope = scopeId === null ? '' : `%${scopeId}`;
  return family === 'ipv6' ? `ipv6:[${address.address}${scope}]:${port}` : `${family}:${address.address}:${port}`;
}

/** Text of the part of a key that tells the resource. Names have no `/`, so that a minor cannot be taken for one. */
export function resourceText(key: ResourceKey): string {
  return key.resource ?? `/${key.minor ?? ''}`;
}

/** Text of the part of a key that tells the connection within its resource. */
export function connectionText(key: ConnectionKey): string {
  if (key.peerNodeId !== undefined) return `${key.peerNodeId}`;
  return key.resource === undefined || key.local === undefined ? '' : `${key.local} ${key.peer ?? ''}`;
}

export function pathText(key: PathKey): string {
  return `${key.local} ${key.peer}`;
}

/** @returns a text that tells an object from all others, of every kind */
export function keyText(object: ObjectName, key: KeyOf): string {
  const resource = `${object} ${resourceText(key)}`;
  switch (object) {
    case 'resource':
      return resource;
    case 'device':
      return `${resource} ${(key as DeviceKey).volume}`;
    case 'connection':
      return `${resource} ${connectionText(key)}`;
    case 'path':
      return `${resource} ${connectionText(key)} ${pathText(key as PathKey)}`;
    case 'peerDevice':
      return `${resource} ${connectionText(key)} ${(key as PeerDeviceKey).volume}`;
  }
}
