import { connectionStates, decodeRaw, decodeReply, diskStates, roles } from '../../lib/dialects/connector';
import { decodeStateWord } from '../../lib/dialects/state-word';
import { decodeDatagram } from '../../lib/netlink';
import { received, type RecordedCommand } from './recorded';

/** What the kernel said by itself. */
export interface Broadcast {
  readonly sequence: number;
  readonly minor: number;
  /** `get_state`, `sync_progress`, `call_helper` or `dump_ee`. */
  readonly name: string;
  /** The state in words, or the helper's name. */
  readonly text: string;
}

const word = (table: Readonly<Record<string, number>>, value: number): string =>
  Object.entries(table).find(([, number]) => number === value)?.[0] ?? String(value);

function stateText(bits: number): string {
  const { role, peer, conn, disk, pdsk, ...flags } = decodeStateWord(bits, 'little');
  const set = Object.entries(flags).flatMap(([name, on]) => (on ? [` ${name}`] : []));
  return `${word(connectionStates, conn)} ${word(roles, role)}/${word(roles, peer)} ${word(diskStates, disk)}/${word(diskStates, pdsk)}${set.join('')}`;
}

/**
 * @param calls of a listener whose buffer takes whole messages @returns the broadcasts that it heard, in order of
 *   arrival
 */
export function broadcasts(calls: RecordedCommand['netlink']): Broadcast[] {
  return received(calls).flatMap(({ hex, ack }) => {
    const [message] = decodeDatagram(new Uint8Array(Buffer.from(hex, 'hex')), 'little').messages;
    if (ack !== 0 || message === undefined) return [];
    const raw = decodeRaw(message, 'little');
    const { name, minor, tags } = decodeReply(raw, 'little');
    const text =
      name === 'get_state' ? stateText(Number(tags['state_i'])) : name === 'call_helper' ? String(tags['helper']) : '';
    return [{ sequence: raw.connector.sequence, minor, name, text }];
  });
}

/**
 * What `drbdsetup events` prints of what it has heard: by default it leaves out what comes behind something newer.
 * @returns sequence numbers of states and helper calls
 */
export function expectedPrints(heard: readonly Broadcast[], minors: readonly number[], unfiltered: boolean): number[] {
  let newest = 0;
  return heard.flatMap(({ sequence, minor, name }) => {
    const late = sequence <= newest;
    if (!late) newest = sequence;
    return (late && !unfiltered) || !minors.includes(minor) || name === 'sync_progress' ? [] : [sequence];
  });
}

/** Broadcasts count from 3, the answers to drbdsetup's own questions do not come so far in their states. */
const FIRST_BROADCAST = 3;

/** @returns the sequence numbers of states and helper calls that `drbdsetup events` has printed */
export function printed(stdout: string): number[] {
  return [...stdout.matchAll(/^(\d+) (?:ST|UH) \d+ /gmu)]
    .map(([, number]) => Number(number))
    .filter((number) => number >= FIRST_BROADCAST);
}

/** Of one minor, in order: states and helper calls. How often progress was told depends on the disks. */
export function storyOf(heard: readonly Broadcast[], minor: number): string[] {
  return heard
    .filter((item) => item.minor === minor && item.name !== 'sync_progress')
    .map(({ name, text }) => (name === 'call_helper' ? `helper ${text}` : text));
}

/** One place where two stories part: what only the first has, and what only the second. */
export interface Parting {
  /** How many lines of the first story come before it. */
  readonly at: number;
  readonly expected: readonly string[];
  readonly actual: readonly string[];
}

/** The shortest way from one story to another: a longest common subsequence, and what lies between. */
export function partings(expected: readonly string[], actual: readonly string[]): Parting[] {
  const rows = expected.length;
  const columns = actual.length;
  const longest = Array.from({ length: rows + 1 }, () => new Uint16Array(columns + 1));
  const at = (row: number, column: number): number => longest[row]?.[column] ?? 0;
  for (let row = rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      const line = longest[row];
      if (line !== undefined)
        line[column] =
          expected[row] === actual[column]
            ? at(row + 1, column + 1) + 1
            : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const found: { at: number; expected: string[]; actual: string[] }[] = [];
  let open: (typeof found)[number] | undefined;
  for (let row = 0, column = 0; row < rows || column < columns;) {
    const theirs = expected[row];
    const ours = actual[column];
    if (theirs !== undefined && theirs === ours) {
      open = undefined;
      row++;
      column++;
      continue;
    }
    if (open === undefined) found.push((open = { at: row, expected: [], actual: [] }));
    if (theirs !== undefined && (ours === undefined || at(row + 1, column) >= at(row, column + 1))) {
      open.expected.push(theirs);
      row++;
    } else if (ours !== undefined) {
      open.actual.push(ours);
      column++;
    }
  }
  return found;
}
