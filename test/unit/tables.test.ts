import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import * as connector from '../../lib/dialects/connector';
import * as genl1 from '../../lib/dialects/genl1';
import * as genl2 from '../../lib/dialects/genl2';
import { decodeStateWord, encodeStateWord, isUnconfigured } from '../../lib/dialects/state-word';
import {
  isObject,
  wireTag,
  type AnyField,
  type AttributeSet,
  type CodeTable,
  type FieldTable,
  type Operation,
  type Packet,
} from '../../lib/schema';

interface ProtocolField {
  readonly number: number;
  readonly name: string;
  readonly type: string;
  readonly flags: string;
  readonly len?: number;
  readonly default?: string;
  readonly since?: string;
  readonly until?: string;
}
interface Protocol {
  readonly packets: readonly { readonly number: number; readonly name: string; readonly since: string }[];
  readonly tags: readonly {
    readonly number: number;
    readonly name: string;
    readonly packet: string;
    readonly type: string;
    readonly mandatory: boolean;
    readonly wireTag: number;
    readonly since: string;
    readonly until?: string;
    readonly maxLen?: number;
  }[];
  readonly operations: readonly {
    readonly number: number;
    readonly name: string;
    readonly kind: string;
    readonly since?: string;
  }[];
  readonly attributes: readonly {
    readonly number: number;
    readonly struct: string;
    readonly since?: string;
    readonly fields: readonly ProtocolField[];
  }[];
  readonly limits: Readonly<Record<string, number>>;
  readonly codes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly stateWords: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** DRBD 9's handlers refuse a request without these, or read them unchecked, though the header does not say so. */
const REQUIRED_BY_HANDLERS = new Set([
  'net_conf.name',
  'path_parms.my_addr',
  'path_parms.peer_addr',
  'rename_resource_parms.new_resource_name',
]);

function protocol(name: string): Protocol {
  return JSON.parse(readFileSync(join(__dirname, '../../../test/protocol', name), 'utf8')) as Protocol;
}

/** Words that carry no meaning of their own. */
const FILLERS = new Set(
  'a an the of in on at to for from by is are be it its this that and or not no with as which what whether how when all'.split(
    ' ',
  ),
);

/** A doc says more than the name does: at least three words that are neither fillers nor parts of the name. */
function saysMore(name: string, doc: string): boolean {
  const own = new Set(name.toLowerCase().split(/[_\s]+/u));
  const words = new Set(
    (doc.toLowerCase().match(/[a-z0-9]+/gu) ?? []).filter((word) => !FILLERS.has(word) && !own.has(word)),
  );
  return words.size >= 3 && !doc.includes('\n') && /[.]$/u.test(doc);
}

test('a doc that is made of the name alone is refused', () => {
  expect(saysMore('ping_timeout', 'The ping timeout.')).toBe(false);
  expect(saysMore('resync_rate', 'Sets the resync rate.')).toBe(false);
  expect(saysMore('ping_int', 'Idle time after which a keep-alive is sent to the peer.')).toBe(true);
});

describe('connector', () => {
  const facts = protocol('drbd-8.3-connector.json');
  const packets: readonly Packet[] = Object.values(connector.packets);

  test('has every packet and tag, with the numbers, types, bits and releases of the headers', () => {
    expect(packets.map(({ number, name }) => [number, name])).toEqual(
      facts.packets.map(({ number, name }) => [number, name]),
    );
    expect(Object.entries(connector.packets).filter(([key, { name }]) => key !== name)).toEqual([]);
    for (const fact of facts.packets) {
      const since = packets.find(({ name }) => name === fact.name)?.since ?? '8.0.0';
      expect([fact.name, since]).toEqual([fact.name, fact.since]);
    }
    for (const fact of facts.tags) {
      const field = packets.find(({ name }) => name === fact.packet)?.tags[fact.name] as AnyField | undefined;
      const seen = field && {
        number: field.number,
        wireTag: wireTag(field),
        since: field.since ?? '8.0.0',
        until: field.until,
        maxBytes: field.kind === 'address' || fact.type !== 'string' ? fact.maxLen : field.maxBytes,
      };
      expect([fact.name, seen]).toEqual([
        fact.name,
        { number: fact.number, wireTag: fact.wireTag, since: fact.since, until: fact.until, maxBytes: fact.maxLen },
      ]);
    }
    // A reply's tags are those of the packets, so the number of different fields is the number of facts.
    const fields = new Set(packets.flatMap(({ tags }) => Object.keys(tags)));
    expect(fields).toEqual(new Set(facts.tags.map(({ name }) => name)));
  });

  test('every packet and every tag has a doc that says more than its name', () => {
    const poor: string[] = [];
    let count = 0;
    for (const packet of packets) {
      count++;
      if (!saysMore(packet.name, packet.doc)) poor.push(`${packet.name}: ${packet.doc}`);
      for (const [name, { doc }] of Object.entries<AnyField>(packet.tags)) {
        count++;
        if (!saysMore(name, doc)) poor.push(`${name}: ${doc}`);
      }
    }
    expect(poor).toEqual([]);
    expect(count).toBeGreaterThanOrEqual(25 + 82);
  });

  test('limits and defaults are those of the headers', () => {
    checkLimits(
      packets.flatMap(({ tags }) => Object.entries<AnyField>(tags)),
      facts.limits,
      {
        try_connect_int: 'CONNECT_INT',
        disk_size: 'DISK_SIZE_SECT',
        al_extents: 'AL_EXTENTS',
      },
    );
  });

  test('codes and words', () => {
    expect(Object.keys(facts.codes).length).toBeGreaterThan(10);
    checkCodes(connector, facts);
  });
});

/** Every number that a header's MIN, MAX and DEF fix, by the option's name. */
function checkLimits(
  fields: readonly (readonly [string, AnyField])[],
  limits: Readonly<Record<string, number>>,
  names: Readonly<Record<string, string>>,
): void {
  let checked = 0;
  for (const [name, field] of fields) {
    const base = `DRBD_${names[name] ?? name.toUpperCase()}`;
    for (const [suffix, value] of [
      ['MIN', field.min],
      ['MAX', field.max],
      ['DEF', field.default],
    ] as const) {
      const fact = limits[`${base}_${suffix}`];
      if (fact === undefined || (field.names !== undefined && suffix !== 'DEF')) continue;
      if (typeof value === 'string') continue;
      expect([name, suffix, value === undefined ? undefined : Number(value)]).toEqual([name, suffix, fact]);
      checked++;
    }
  }
  expect(checked).toBeGreaterThan(40);
}

function checkCodes(dialect: Readonly<Record<string, unknown>>, facts: Protocol): void {
  // The order is the header's no longer where a table extends what several dialects share.
  const textOf = (table: unknown): string =>
    JSON.stringify(table, (_key, value: unknown) =>
      typeof value === 'bigint'
        ? String(value)
        : isObject(value)
          ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
          : value,
    );
  const texts = new Set(Object.values(dialect).map(textOf));
  for (const [name, numbers] of Object.entries(facts.codes))
    expect([name, texts.has(textOf(numbers))]).toEqual([name, true]);
  expect(texts.has(textOf(facts.stateWords))).toBe(true);
}

describe.each([
  { dialect: 'genl1', module: genl1, file: 'drbd-8.4-genl.json', first: '8.4.0', documented: true },
  { dialect: 'genl2', module: genl2, file: 'drbd-9-genl.json', first: '9.0.0', documented: false },
])('$dialect', ({ module, file, first, documented, dialect }) => {
  const facts = protocol(file);
  const operations = Object.values<Operation>(module.operations).sort((one, other) => one.number - other.number);
  const sets: readonly AttributeSet[] = Object.values(module.attributeSets);
  const kinds: Readonly<Record<string, readonly string[]>> = {
    u32: ['u32'],
    s32: ['s32'],
    u64: ['u64'],
    flg: ['flag'],
    str: ['string'],
    bin: ['bytes', 'address', 'u64s'],
  };

  test('has every operation and field, with the numbers, types, flags and releases of the headers', () => {
    const expected = facts.operations.map(({ number, name, since, kind }) => [
      number,
      name.replace(/^DRBD_(ADM_)?/u, '').toLowerCase(),
      since,
      kind === 'notification',
    ]);
    expect(operations.map(({ number, name, since, kind }) => [number, name, since, kind === 'notification'])).toEqual(
      expected,
    );
    expect(sets.map(({ number, name, since }) => [number, name, since])).toEqual(
      facts.attributes.map(({ number, struct, since }) => [number, struct, since]),
    );
    for (const { struct, fields, since: setSince } of facts.attributes) {
      const table: FieldTable = sets.find(({ name }) => name === struct)?.fields ?? {};
      expect([struct, Object.keys(table)]).toEqual([struct, fields.map(({ name }) => name)]);
      for (const fact of fields) {
        const field = table[fact.name];
        const path = `${struct}.${fact.name}`;
        expect([path, field?.number, kinds[fact.type]?.includes(field?.kind ?? '')]).toEqual([path, fact.number, true]);
        expect([path, field?.required === true, field?.invariant === true, field?.secret === true]).toEqual([
          path,
          /REQUIRED/u.test(fact.flags) || REQUIRED_BY_HANDLERS.has(path),
          /INVARIANT/u.test(fact.flags),
          /SENSITIVE/u.test(fact.flags),
        ]);
        // DRBD 9's newest headers have no mandatory bits any more; the recorded requests judge those of genl2.
        if (dialect === 'genl1')
          expect([path, field?.mandatory === true]).toEqual([path, /MANDATORY/u.test(fact.flags)]);
        expect([path, field?.since ?? setSince ?? first, field?.until]).toEqual([
          path,
          fact.since ?? setSince ?? first,
          fact.until,
        ]);
        if (fact.len !== undefined && fact.len > 0) expect([path, field?.maxBytes]).toEqual([path, fact.len]);
        if (fact.default !== undefined && facts.limits[fact.default] !== undefined)
          expect([path, Number(field?.default)]).toEqual([path, facts.limits[fact.default]]);
        const base = fact.default?.replace(/_DEF$/u, '') ?? '';
        if (facts.limits[`${base}_MAX`] !== undefined) {
          // The header's limits of the quorum include its special values, which are names here.
          const limit = (which: 'MIN' | 'MAX', own: unknown): number | undefined => {
            const value = facts.limits[`${base}_${which}`];
            return field?.names?.[value ?? 0] === undefined ? value : Number(own);
          };
          expect([path, Number(field?.min), Number(field?.max)]).toEqual([
            path,
            limit('MIN', field?.min),
            limit('MAX', field?.max),
          ]);
        }
      }
    }
  });

  test('codes and words', () => {
    checkCodes(module, facts);
  });

  test('every operation, set and field has a doc, and in genl1 one that says more than its name', () => {
    const docs = [
      ...operations.map(({ name, doc }) => [name, doc] as const),
      ...sets.flatMap(({ name, doc, fields }) => [
        [name, doc] as const,
        ...Object.entries(fields).map(([field, entry]) => [field, entry.doc] as const),
      ]),
    ];
    expect(docs.filter(([, doc]) => doc.trim() === '')).toEqual([]);
    if (documented) expect(docs.filter(([name, doc]) => !saysMore(name, doc))).toEqual([]);
    expect(docs.length).toBeGreaterThan(180);
  });
});

test('the same number means different things in different dialects', () => {
  const byNumber = (table: CodeTable, code: number): string[] =>
    Object.keys(table).filter((name) => table[name] === code);
  expect(byNumber(genl1.stateChangeCodes, -21)).toEqual(['SS_OUTDATE_WO_CONN']);
  expect(byNumber(genl2.stateChangeCodes, -21)).not.toContain('SS_OUTDATE_WO_CONN');
});

describe('the packed state word', () => {
  test('is read as the kernel packs it', () => {
    // Recorded: 0xc80221 is Secondary, of which nothing else is known, and inconsistent; 0xc002 is a minor without disk
    // and network.
    expect(decodeStateWord(0xc802, 'little')).toMatchObject({
      role: 2,
      peer: 0,
      conn: 0,
      disk: 4,
      pdsk: 6,
      susp: false,
    });
    expect(isUnconfigured(0xc002, 'little')).toBe(true);
    expect(isUnconfigured(0xc802, 'little')).toBe(false);
  });

  test.each(['little', 'big'] as const)('is the same after writing and reading, %s-endian', (order) => {
    const state = {
      role: 1,
      peer: 2,
      conn: 17,
      disk: 8,
      pdsk: 5,
      susp: true,
      aftr_isp: false,
      peer_isp: true,
      user_isp: false,
      susp_nod: true,
      susp_fen: false,
    };
    expect(decodeStateWord(encodeStateWord(state, order), order)).toEqual(state);
    expect(() => encodeStateWord({ ...state, conn: 32 }, order)).toThrow(RangeError);
  });

  test('has its first field in the highest bits on big-endian machines', () => {
    expect(
      encodeStateWord(
        {
          role: 3,
          peer: 0,
          conn: 0,
          disk: 0,
          pdsk: 0,
          susp: false,
          aftr_isp: false,
          peer_isp: false,
          user_isp: false,
          susp_nod: false,
          susp_fen: false,
        },
        'big',
      ) >>> 0,
    ).toBe(0xc000_0000);
  });
});
