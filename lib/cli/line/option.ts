import { hasOnlyNamedValues, type AnyField, type FieldTable } from '../../schema';
import type { OptionSpec } from './getopt';
import type { DefaultUnit } from './number';

/**
 * How an option is said.
 * - `switch` takes no argument, and sets a flag;
 * - `boolean` takes yes or no, and is sent either way; `flag` is sent for yes alone;
 * - `word` is one of the field's names; `number` takes a suffix; `symbol` is either of both; `string` and `address` are
 *   sent as they are.
 */
export type OptionKind = 'switch' | 'flag' | 'boolean' | 'word' | 'number' | 'symbol' | 'string' | 'address';

/** An option of a command line that sets a field: all that is not the field's own. */
export interface Option extends OptionSpec {
  /** The field of the command's set. */
  readonly field: string;
  readonly kind: OptionKind;
  /** The table's entry: range, default, names, unit, doc. */
  readonly table: AnyField;
  /** What one unit of the number stands for where no suffix is given: one, a kibibyte, or a sector. */
  readonly scale: DefaultUnit;
  /** How `show` and XML name the unit; undefined where they do not. */
  readonly unit: string | undefined;
  /** The words of a `word` count in either case. */
  readonly anyCase: boolean;
  /** A flag that goes out behind a value of 0, which older modules would take amiss. */
  readonly flagIfZero: string | undefined;
}

/** What a row says beyond the names of option and field; all else comes from the field. */
interface More {
  readonly short?: string;
  /** Of a flag: yes is sent, no is not. */
  readonly flag?: true;
  /** The unit that `show` and XML name, if not the field's; null for none. */
  readonly unit?: string | null;
  readonly anyCase?: true;
  /** Range and default, where the field leaves them open, or has those of newer modules. */
  readonly range?: {
    readonly min: bigint | number;
    readonly max: bigint | number;
    readonly default: bigint | number;
  };
  readonly flagIfZero?: string;
}

/** A row of a vocabulary: the option's name, the field's where it is not the same with underscores, and what else. */
export type OptionRow = string | readonly [name: string, field: string, more?: More];

/**
 * Makes the options of a command from their rows, in the order in which help and `show` list them.
 * @param fields of the set that the options go into
 * @param flags how the generation says a flag of the set
 * @throws TypeError if the set has no such field: a slip in the row
 */
export function optionsOf(
  fields: FieldTable,
  flags: 'switch' | 'boolean',
  rows: readonly OptionRow[],
): readonly Option[] {
  return rows.map((row) => {
    const [name, field, more = {}] = typeof row === 'string' ? ([row, row.replaceAll('-', '_')] as const) : row;
    const known = fields[field];
    if (known === undefined) throw new TypeError(`--${name}: there is no field ${field}`);
    const table = more.range === undefined ? known : ({ ...known, ...more.range } as AnyField);
    const kind = more.flag === true ? 'flag' : kindOf(table, flags);
    return {
      name,
      short: more.short,
      argument: kind === 'switch' ? 'none' : kind === 'flag' || kind === 'boolean' ? 'optional' : 'required',
      field,
      kind,
      table,
      scale: scaleOf(table),
      unit: more.unit === undefined ? unitOf(table) : (more.unit ?? undefined),
      anyCase: more.anyCase ?? false,
      flagIfZero: more.flagIfZero,
    };
  });
}

function kindOf(field: AnyField, flags: 'switch' | 'boolean'): OptionKind {
  switch (field.kind) {
    case 'flag':
      return flags;
    case 'string':
    case 'address':
      return field.kind;
    case 'u8':
    case 'u32':
    case 's32':
    case 'u64':
      return hasOnlyNamedValues(field) ? 'word' : field.names === undefined ? 'number' : 'symbol';
    default:
      throw new TypeError(`no command line sets a field of kind ${field.kind}`);
  }
}

function scaleOf({ unit }: AnyField): DefaultUnit {
  return unit === 'sectors' ? 's' : unit === 'KiB' || unit === 'KiB/s' ? 'k' : '1';
}

/** Amounts and rates are told in bytes, since the number carries its scale: `102400k; # bytes/second`. */
function unitOf({ unit }: AnyField): string | undefined {
  switch (unit) {
    case 'sectors':
    case 'bytes':
    case 'KiB':
      return 'bytes';
    case 'KiB/s':
      return 'bytes/second';
    case 'deciseconds':
      return '1/10 seconds';
    case 'milliseconds':
    case 'seconds':
      return unit;
    default:
      return undefined;
  }
}

/** @returns the words of a field that has some, by number, in the order of the numbers */
export function wordsOf({ names = {} }: AnyField): readonly (readonly [number, string])[] {
  return Object.entries(names).map(([number, word]) => [Number(number), word] as const);
}
