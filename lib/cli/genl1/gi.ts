import { uuidSlots } from '../../dialects/genl1';

/** Bits of the metadata (enum mdf_flag) in the order in which they are printed, and what each says. */
const FLAGS = [
  ['consistent', 1 << 0, 'the data are consistent'],
  ['wasUpToDate', 1 << 4, 'the data are, or were, up to date'],
  ['primary', 1 << 1, 'this node is, or was, primary'],
  ['connected', 1 << 2, 'this node is, or was, connected'],
  ['fullSync', 1 << 3, 'all bits of the bitmap were being set: a full resync is due'],
  ['peerOutdated', 1 << 5, "the peer's disk was outdated or inconsistent"],
  ['crashedPrimary', 1 << 6, 'this node was primary when it crashed, and has not seen its peer since'],
] as const;
const ACTIVITY_LOG_CLEAN = 1 << 7;

/** Generations in the order in which they are printed. */
const GENERATIONS = [
  ['current generation', uuidSlots.UI_CURRENT],
  ["generation that the bitmap counts from", uuidSlots.UI_BITMAP],
  ['younger history', uuidSlots.UI_HISTORY_START],
  ['older history', uuidSlots.UI_HISTORY_END],
] as const;

const hex = (uuid: bigint): string => uuid.toString(16).toUpperCase().padStart(16, '0');

/** @returns the four generations and the seven flags, as `get-gi` prints them */
export function formatGenerations(uuids: readonly bigint[], flags: number): string {
  return `${[...GENERATIONS.map(([, slot]) => hex(uuids[slot] ?? 0n)), ...FLAGS.map(([, bit]) => ((flags & bit) !== 0 ? '1' : '0'))].join(':')}\n`;
}

/** @returns the same with an explanation of each part above and below it */
export function explainGenerations(uuids: readonly bigint[], flags: number): string {
  const above = GENERATIONS.map(([name], index) => `${' '.repeat(index * 17)}v ${name}\n`).join('');
  const start = GENERATIONS.length * 17;
  const below = FLAGS.map(([, , says], index) => {
    const bars = '| '.repeat(FLAGS.length - 1 - index).trimEnd();
    const lead = `${says} -`;
    return `${lead.padStart(start + index * 2, ' ')}^${bars === '' ? '' : ` ${bars}`}\n`;
  }).join('');
  return `\n${above}${formatGenerations(uuids, flags)}${below}\n${formatFlags(flags)}`;
}

/** The flags in words, as scripts look for them. */
function formatFlags(flags: number): string {
  const has = Object.fromEntries(FLAGS.map(([name, bit]) => [name, (flags & bit) !== 0])) as Readonly<Record<(typeof FLAGS)[number][0], boolean>>;
  const data = has.consistent ? (has.wasUpToDate ? 'UpToDate' : 'Outdated') : 'Inconsistent';
  const words = [has.primary ? 'Primary' : 'Secondary', has.connected ? 'Connected' : 'StandAlone', data, ...(has.fullSync ? ['need full sync'] : []), ...(has.peerOutdated ? ['peer Outdated'] : [])];
  return `flags:${has.crashedPrimary ? ' crashed' : ''} ${words.join(', ')}\nmeta-data: ${(flags & ACTIVITY_LOG_CLEAN) !== 0 ? 'clean' : 'need apply-al'}\n`;
}

/** @returns generations as hexadecimal strings and flags as booleans */
export function generationsJson(minor: number, uuids: readonly bigint[], flags: number): unknown {
  const at = (slot: number): string => hex(uuids[slot] ?? 0n);
  return {
    minor,
    currentUuid: at(uuidSlots.UI_CURRENT),
    bitmapUuid: at(uuidSlots.UI_BITMAP),
    historyUuids: [at(uuidSlots.UI_HISTORY_START), at(uuidSlots.UI_HISTORY_END)],
    flags: { ...Object.fromEntries(FLAGS.map(([name, bit]) => [name, (flags & bit) !== 0])), activityLogClean: (flags & ACTIVITY_LOG_CLEAN) !== 0 },
  };
}
