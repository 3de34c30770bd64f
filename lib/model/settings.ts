import { attributeSets as genl1Sets } from '../dialects/genl1';
import { attributeSets as genl2Sets } from '../dialects/genl2';
import { packets } from '../dialects/connector';
import type { AnyField, FieldTable } from '../schema';
import type { ObjectName, Options, OptionValue } from './objects';
import { camelCase } from './values';
import type { ModelDialect } from './words';

/** The attribute sets of generic netlink that hold the options of an object. */
export const OPTION_SETS = Object.freeze({
  resource: ['res_opts'],
  device: ['disk_conf', 'device_conf'],
  connection: ['net_conf'],
  path: [],
  peerDevice: ['peer_device_conf'],
} as const satisfies Readonly<Record<ObjectName, readonly (keyof typeof genl2Sets)[]>>);

/** Fields beside them that are told apart from options: they are properties of their own, or place the object. */
const NOT_OPTIONS: ReadonlySet<string> = new Set([
  'node_id',
  'backing_dev',
  'meta_dev',
  'my_addr',
  'peer_addr',
  'name',
]);

/** An option of a dialect: the kernel's name and field. */
export interface Option {
  /** As the model names it, in camelCase. */
  readonly name: string;
  /** As the kernel's tables name it. */
  readonly field: string;
  readonly about: AnyField;
}

/** 8.3 answers with one list of tags; those of the disk belong to the device, the others to the connection. */
function tagsOf(object: ObjectName): readonly FieldTable[] {
  if (object === 'device') return [packets.disk_conf.tags];
  return object === 'connection' ? [packets.net_conf.tags, packets.syncer_conf.tags] : [];
}

const known = new Map<string, readonly Option[]>();

/** @returns the options that an object has in a dialect, in the order of the tables */
export function optionsOf(dialect: ModelDialect, object: ObjectName): readonly Option[] {
  const key = `${dialect} ${object}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const sets: Readonly<Record<string, { readonly fields: FieldTable }>> = dialect === 'genl1' ? genl1Sets : genl2Sets;
  const tables = dialect === 'connector' ? tagsOf(object) : OPTION_SETS[object].map((set) => sets[set]?.fields ?? {});
  const list = tables.flatMap((fields) =>
    Object.entries(fields)
      .filter(([field]) => !NOT_OPTIONS.has(field))
      .map(([field, about]) => ({ name: camelCase(field), field, about })),
  );
  known.set(key, list);
  return list;
}

/** An option as it is set. */
export interface Setting extends Option {
  readonly value: OptionValue;
  /** It has the value that it has without being asked for; false where no default is known. */
  readonly isDefault: boolean;
}

/** @returns what was asked for, an item for each option that the object told, in the order of the tables */
export function settingsOf(dialect: ModelDialect, object: ObjectName, options: Options | null): readonly Setting[] {
  if (options === null) return [];
  return optionsOf(dialect, object).flatMap((option) => {
    const value = options[option.name];
    if (value === undefined) return [];
    const { default: standard, names } = option.about;
    const word = typeof standard === 'number' ? (names?.[standard] ?? standard) : standard;
    return [{ ...option, value, isDefault: word !== undefined && word === value }];
  });
}
