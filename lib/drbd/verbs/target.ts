import { ArgumentError } from '../../errors';
import { parseSocketAddress, type SocketAddress } from '../../netlink';
import {
  formatPathAddress,
  type Connection,
  type Device,
  type PathAddress,
  type Resource,
  type Snapshot,
} from '../../model';

/** The objects that a verb acts on. What is left out stands for all that there are. */
export interface VerbTarget {
  /** Name of the resource. In the connector dialect, whose kernel knows no names, one that the snapshot has. */
  readonly resource?: string;
  /** Number of a device within its resource. */
  readonly volume?: number;
  /** The N of /dev/drbdN; it tells resource and volume too. */
  readonly minor?: number;
  /** A connection: the peer's node id or the connection's name (DRBD 9), or the peer's address. */
  readonly peer?: number | string;
}

/** A device to act on. */
export interface DeviceAt {
  readonly minor: number;
  readonly volume: number;
  readonly resource: string | undefined;
}

/** A connection to act on. */
export interface ConnectionAt {
  readonly resource: string;
  readonly connection: Connection;
}

/** A device as seen through a connection. */
export interface PeerDeviceAt extends ConnectionAt {
  readonly volume: number;
}

/** @returns an address of the snapshot as requests take it */
export function socketAddress({ family, familyCode, address, port, scopeId }: PathAddress): SocketAddress {
  return {
    family,
    address,
    port,
    ...(family === 'ssocks' ? { familyNumber: familyCode } : {}),
    ...(scopeId === null ? {} : { scopeId }),
  };
}

/** @returns the texts that may stand for a connection, its number not among them */
function namesOf({ name, paths }: Connection): readonly string[] {
  return [
    ...(name === null ? [] : [name]),
    ...paths.flatMap(({ peer }) => {
      const text = formatPathAddress(peer);
      return peer === null ? [] : [text, text.slice(text.indexOf(':') + 1), peer.address];
    }),
  ];
}

const list = (items: readonly (string | number | null)[], none: string): string =>
  items.length === 0 ? none : items.join(', ');

/** Finds what a verb acts on in a snapshot. */
export class Aim {
  readonly target: VerbTarget;
  readonly resource: Resource | undefined;
  /** The snapshot is of one moment: what is not in it did not exist then. */
  readonly isWhole: boolean;
  readonly #verb: string;
  readonly #snapshot: Snapshot;

  /** @throws ArgumentError for a target that contradicts itself or the snapshot */
  constructor(verb: string, target: VerbTarget, snapshot: Snapshot) {
    this.#verb = verb;
    this.#snapshot = snapshot;
    this.target = target;
    const { resource, minor, volume } = target;
    this.isWhole = snapshot.source.complete;
    if (resource === undefined && minor === undefined)
      this.refuse('target', 'a resource or a minor is needed, such as { resource: "r0" } or { minor: 0 }');
    for (const [name, value] of Object.entries({ minor, volume }))
      if (value !== undefined && (!Number.isInteger(value) || value < 0))
        this.refuse(name, `an integer from 0 is needed, not ${String(value)}`);
    const byMinor =
      minor === undefined
        ? undefined
        : snapshot.resources.find(({ devices }) => devices.some((device) => device.minor === minor));
    this.resource = resource === undefined ? byMinor : snapshot.resources.find(({ name }) => name === resource);
    // The minor may be another resource's.
    if (resource !== undefined && minor !== undefined && byMinor === undefined) this.requireWhole();
    if (byMinor !== undefined && resource !== undefined && byMinor.name !== null && byMinor.name !== resource)
      this.refuse('minor', `minor ${String(minor)} belongs to ${byMinor.name}, not to ${resource}`);
    const device = byMinor?.devices.find((candidate) => candidate.minor === minor);
    if (device !== undefined && volume !== undefined && device.volume !== volume)
      this.refuse('volume', `minor ${String(minor)} is volume ${String(device.volume)}, not ${volume}`);
  }

  refuse(path: string, problem: string): never {
    throw new ArgumentError(`${this.#verb}.${path}`, problem);
  }

  /**
   * To be called before anything is taken for absent, or for all that there is.
   * @throws ArgumentError where the snapshot may lack something
   */
  requireWhole(): void {
    if (this.isWhole) return;
    this.refuse(
      'target',
      `the state of ${this.label} changed whenever it was read, so that something may be missing in it, and nothing was sent. Try again, or name all that is meant: the minor, the volume and the peer`,
    );
  }

  get dialect(): Snapshot['source']['dialect'] {
    return this.#snapshot.source.dialect;
  }

  /** The name of the resource, whether it exists or not. */
  resourceName(): string {
    const name = this.target.resource ?? this.resource?.name;
    if (name !== undefined && name !== null) return name;
    this.requireWhole();
    return this.refuse('resource', `there is no minor ${String(this.target.minor)}; name the resource and the volume`);
  }

  /** The resource in words, for messages. */
  get label(): string {
    return this.target.resource ?? this.resource?.name ?? `minor ${String(this.target.minor)}`;
  }

  #known(): Resource {
    if (this.resource !== undefined) return this.resource;
    const { resource } = this.target;
    const { resources } = this.#snapshot;
    this.requireWhole();
    return this.refuse(
      'resource',
      this.dialect === 'connector'
        ? `DRBD 8.3 knows minors only, and no minor here has the name ${JSON.stringify(resource)}. Give the minor`
        : `there is no resource ${JSON.stringify(resource)}; there are ${list(
            resources.map(({ name }) => name),
            'none',
          )}`,
    );
  }

  /** The device if it exists: by its minor, or by its volume, the first where none is named. */
  device(): Device | undefined {
    const { minor } = this.target;
    return minor === undefined
      ? this.deviceOfVolume()
      : this.resource?.devices.find((device) => device.minor === minor);
  }

  deviceOfVolume(): Device | undefined {
    const { volume = 0 } = this.target;
    return this.resource?.devices.find((device) => device.volume === volume);
  }

  /** @returns the devices that are meant; a minor is taken as it is, for the kernel to judge */
  devices(): readonly DeviceAt[] {
    const { minor, volume } = this.target;
    const resource = this.resource?.name ?? this.target.resource;
    if (minor !== undefined) return [{ minor, volume: this.device()?.volume ?? volume ?? 0, resource }];
    const { devices } = this.#known();
    if (volume === undefined) this.requireWhole();
    const found = devices.flatMap((device) =>
      device.minor === null || (volume !== undefined && device.volume !== volume)
        ? []
        : [{ minor: device.minor, volume: device.volume ?? 0, resource }],
    );
    if (found.length > 0) return found;
    this.requireWhole();
    return this.refuse(
      'volume',
      `${this.label} has no ${
        volume === undefined
          ? 'volume'
          : `volume ${volume}; it has ${list(
              devices.map((device) => device.volume),
              'none',
            )}`
      }`,
    );
  }

  /** @returns whether a connection is the one that the target names; any is where it names none */
  isMeant(connection: Connection): boolean {
    const { peer } = this.target;
    return (
      peer === undefined ||
      (typeof peer === 'number' ? connection.peerNodeId === peer : namesOf(connection).includes(peer))
    );
  }

  /** @returns the connections that are meant. @throws ArgumentError where there is none */
  connections(): readonly ConnectionAt[] {
    const { connections } = this.#known();
    const { peer } = this.target;
    if (peer === undefined) this.requireWhole();
    const found = connections.filter((connection) => this.isMeant(connection));
    if (found.length > 0) return found.map((connection) => ({ resource: this.label, connection }));
    this.requireWhole();
    return this.refuse(
      'peer',
      `${this.label} has no connection${
        peer === undefined
          ? ''
          : ` to ${JSON.stringify(peer)}; there are ${list(
              connections.map((connection) => connection.name ?? namesOf(connection)[0] ?? connection.peerNodeId),
              'none',
            )}`
      }`,
    );
  }

  peerDevices(): readonly PeerDeviceAt[] {
    const { minor } = this.target;
    // Its volume would be a guess.
    if (minor !== undefined && this.device() === undefined) {
      this.requireWhole();
      this.refuse('minor', `${this.label} has no minor ${minor}`);
    }
    const devices = this.devices();
    return this.connections().flatMap((at) => devices.map(({ volume }) => ({ ...at, volume })));
  }

  /** @throws ArgumentError where there are several, and the act wants to be told which */
  only<T>(items: readonly T[], what: 'volume' | 'peer', describe: (item: T) => string): void {
    if (items.length > 1)
      this.refuse(what, `${this.label} has ${items.map(describe).join(' and ')}; name the one that is meant`);
  }
}

/** @returns an address that a caller may give as text, as requests take it */
export function readAddress(value: unknown, path: string): unknown {
  if (typeof value !== 'string') return value;
  try {
    return parseSocketAddress(value);
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new ArgumentError(path, `[ipv4:|ipv6:|sdp:]ADDRESS[:PORT] is needed, not ${JSON.stringify(value)}`, {
      cause: error,
    });
  }
}
