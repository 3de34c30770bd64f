import { objects, type ObjectName, type PropertyTable, type Snapshot } from '../../lib/model';

/** The properties of one object that its notifications announce: identity, state, and what is derived from them. */
function announcedOf(object: ObjectName, values: object): Record<string, unknown> {
  const table: PropertyTable = objects[object].properties;
  const told: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(table)) {
    const value = (values as Record<string, unknown>)[name];
    if (property.kind === 'counter' || property.kind === 'setting' || property.follows === 'counter') continue;
    if (property.type !== 'group' || value === null || typeof value !== 'object') {
      told[name] = value;
      continue;
    }
    told[name] = Object.fromEntries(
      Object.entries(value).filter(([member]) => {
        const inner = property.properties[member];
        return inner?.kind !== 'counter' && inner?.follows !== 'counter';
      }),
    );
  }
  return told;
}

/** @returns what the fold of a stream has to agree on with a reading: all objects, without counters and settings */
export function announced({ resources }: Snapshot): object {
  return resources.map((resource) => ({
    ...announcedOf('resource', resource),
    devices: resource.devices.map((device) => announcedOf('device', device)),
    connections: resource.connections.map((connection) => ({
      ...announcedOf('connection', connection),
      paths: connection.paths.map((path) => announcedOf('path', path)),
      peerDevices: connection.peerDevices.map((peer) => announcedOf('peerDevice', peer)),
    })),
  }));
}
