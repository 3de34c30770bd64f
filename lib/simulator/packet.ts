import type { Range } from './range-set';
import type { State, StateChange } from './state';
import type { Uuids } from './uuids';

/** What two minors say to each other; the names are those of the packets of DRBD's own protocol between nodes. */
export type Packet =
  | { readonly kind: 'handshake'; readonly secret: string | null }
  | {
      readonly kind: 'protocol';
      readonly protocol: number;
      readonly afterSplitBrain: readonly [number, number, number];
      readonly wantLose: boolean;
      readonly dryRun: boolean;
      readonly twoPrimaries: boolean;
      readonly integrity: string;
    }
  | {
      readonly kind: 'sync-param';
      readonly numbers: Readonly<Record<string, number>>;
      readonly verify: string;
      readonly checksums: string;
    }
  | {
      readonly kind: 'sizes';
      readonly disk: number;
      readonly user: number;
      readonly current: number;
      readonly forced: boolean;
      readonly withoutResync: boolean;
    }
  | { readonly kind: 'uuids'; readonly uuids: Uuids; readonly bits: number; readonly flags: number }
  | { readonly kind: 'state'; readonly state: State }
  | { readonly kind: 'state-request'; readonly change: StateChange }
  | { readonly kind: 'state-reply'; readonly code: number }
  | { readonly kind: 'sync-uuid'; readonly uuid: bigint }
  | { readonly kind: 'bitmap'; readonly ranges: readonly Range[] }
  | { readonly kind: 'resync-request'; readonly ranges: readonly Range[] }
  | {
      readonly kind: 'resync-data';
      readonly ranges: readonly Range[];
      readonly contents: readonly (readonly [block: number, content: number])[];
    }
  | { readonly kind: 'resync-ack'; readonly ranges: readonly Range[] }
  | { readonly kind: 'verify-request'; readonly start: number; readonly end: number }
  | {
      readonly kind: 'verify-reply';
      readonly start: number;
      readonly end: number;
      readonly contents: readonly (readonly [block: number, content: number])[];
    }
  | {
      readonly kind: 'verify-result';
      readonly start: number;
      readonly end: number;
      readonly different: readonly Range[];
    }
  | {
      readonly kind: 'write';
      readonly number: number;
      readonly start: number;
      readonly end: number;
      readonly content: number;
    }
  | { readonly kind: 'out-of-sync'; readonly start: number; readonly end: number }
  | { readonly kind: 'write-ack'; readonly number: number }
  | { readonly kind: 'ping' }
  | { readonly kind: 'ping-ack' };

/** Those that go over the second connection of a pair and are handled at once, whatever the receiver waits for. */
const META: ReadonlySet<Packet['kind']> = new Set([
  'state-reply',
  'resync-ack',
  'verify-result',
  'write-ack',
  'ping',
  'ping-ack',
]);

export function isMeta(packet: Packet): boolean {
  return META.has(packet.kind);
}

/** A packet as one line of JSON; 64-bit numbers are strings with an n behind them. */
export function encodePacket(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item));
}

/** @throws SyntaxError */
export function decodePacket(line: string): unknown {
  return JSON.parse(line, (_key, item: unknown) =>
    typeof item === 'string' && /^\d{1,20}n$/u.test(item) ? BigInt(item.slice(0, -1)) : item,
  );
}
