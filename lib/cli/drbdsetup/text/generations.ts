/** Bits of the metadata's flags, in the order in which they are printed (enum MetaDataFlags: bit, name). */
const METADATA_FLAGS = [
  [0x01, 'consistent'],
  [0x10, 'wasUpToDate'],
  [0x02, 'primary'],
  [0x04, 'connected'],
  [0x08, 'fullSync'],
  [0x20, 'peerOutdated'],
  [0x40, 'crashedPrimary'],
] as const;

/** The names of the flags in JSON. */
export const generationFlags = METADATA_FLAGS.map(([, name]) => name);

type MetadataFlags = Readonly<Record<(typeof METADATA_FLAGS)[number][1], boolean>>;

function metadataFlags(flags: number): MetadataFlags {
  return Object.fromEntries(METADATA_FLAGS.map(([bit, name]) => [name, (flags & bit) !== 0])) as MetadataFlags;
}

/** `current:bitmap:history:history:` and the flags as digits. */
export function formatGenerations(uuids: readonly bigint[], flags: number): string {
  const hex = uuids.map((uuid) => uuid.toString(16).toUpperCase().padStart(16, '0')).join(':');
  return `${hex}:${METADATA_FLAGS.map(([bit]) => ((flags & bit) === 0 ? '0' : '1')).join(':')}\n`;
}

/** The same line with what each of its parts is. */
export function explainGenerations(uuids: readonly bigint[], flags: number): string {
  const line = formatGenerations(uuids, flags);
  const { consistent, wasUpToDate, primary, connected, fullSync, peerOutdated, crashedPrimary } = metadataFlags(flags);
  const columns = [
    'generation of the data',
    'generation when the bitmap began to count',
    'the generation before',
    'an older one',
  ];
  const heads = columns.map((what, index) => `${'|'.padEnd(17).repeat(index)}+- ${what}\n`);
  const feet = [
    'consistent',
    'was up to date',
    'was primary',
    'was connected',
    'a full resync is due',
    'the peer is outdated or inconsistent',
    'crashed as primary',
  ];
  const start = line.trimEnd().length - (feet.length * 2 - 1);
  const notes = feet.map((what, index) =>
    `${what} -`.padStart(start + index * 2).concat('+', ' |'.repeat(feet.length - 1 - index), '\n'),
  );
  const words = [
    primary ? 'Primary' : 'Secondary',
    connected ? 'Connected' : 'StandAlone',
    consistent ? (wasUpToDate ? 'UpToDate' : 'Outdated') : 'Inconsistent',
    ...(fullSync ? ['need full sync'] : []),
    ...(peerOutdated ? ['peer Outdated'] : []),
  ];
  return `\n${heads.join('')}${'V'.padEnd(17).repeat(columns.length).trimEnd()}\n${line}${notes.join('')}\nflags:${crashedPrimary ? ' crashed' : ''} ${words.join(', ')}\n`;
}

/** Generations of the data, and the flags of the metadata. */
export function generationsToJson(minor: number, uuids: readonly bigint[], flags: number): object {
  const [current, bitmap, ...history] = uuids;
  return {
    minor,
    currentUuid: current?.toString() ?? null,
    bitmapUuid: bitmap?.toString() ?? null,
    historyUuids: history.map(String),
    flags: metadataFlags(flags),
  };
}
