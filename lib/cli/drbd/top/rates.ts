import type { Resource, Snapshot } from '../../../drbd';
import { resourceName } from '../view';

/** What is counted of a resource. */
export const COUNTED = ['read', 'written', 'sent', 'received'] as const;
export type Counted = (typeof COUNTED)[number];

/** Bytes per second; null where the kernel does not count them, or not twice yet. */
export type Rate = Readonly<Record<Counted, number | null>>;

const NOTHING: Rate = { read: null, written: null, sent: null, received: null };
/** As many samples as a graph can show. */
const MOST = 60;

interface Sample {
  readonly atMs: number;
  readonly bytes: Readonly<Record<Counted, bigint | null>>;
}

function sum(values: readonly (bigint | null | undefined)[]): bigint | null {
  const known = values.filter((value) => typeof value === 'bigint');
  return known.length === 0 ? null : known.reduce((whole, value) => whole + value, 0n);
}

function bytesOf({ devices, connections }: Resource): Sample['bytes'] {
  const peers = connections.flatMap(({ peerDevices }) => peerDevices);
  return {
    read: sum(devices.map(({ stats }) => stats?.readBytes)),
    written: sum(devices.map(({ stats }) => stats?.writtenBytes)),
    sent: sum(peers.map(({ stats }) => stats?.sentBytes)),
    received: sum(peers.map(({ stats }) => stats?.receivedBytes)),
  };
}

/** How fast counters grow, from one reading of them to the next, and how fast they grew. */
export class Rates {
  readonly #last = new Map<string, Sample>();
  readonly #rates = new Map<string, Rate>();
  readonly #history = new Map<string, readonly number[]>();

  /** Takes a reading. @param atMs when it was taken */
  take(snapshot: Snapshot, atMs: number): void {
    const names = new Set<string>();
    for (const resource of snapshot.resources) {
      const name = resourceName(resource);
      names.add(name);
      const bytes = bytesOf(resource);
      const last = this.#last.get(name);
      this.#last.set(name, { atMs, bytes });
      if (last === undefined || atMs <= last.atMs) continue;
      const seconds = (atMs - last.atMs) / 1000;
      const rate = Object.fromEntries(
        COUNTED.map((counted) => {
          const [before, now] = [last.bytes[counted], bytes[counted]];
          // A counter that was reset, as after a new connection, says nothing of this second.
          return [counted, before === null || now === null || now < before ? null : Number(now - before) / seconds];
        }),
      ) as Rate;
      this.#rates.set(name, rate);
      const whole = COUNTED.reduce((total, counted) => total + (rate[counted] ?? 0), 0);
      this.#history.set(name, [...(this.#history.get(name) ?? []), whole].slice(-MOST));
    }
    for (const name of [...this.#last.keys()])
      if (!names.has(name)) for (const map of [this.#last, this.#rates, this.#history]) map.delete(name);
  }

  of(name: string): Rate {
    return this.#rates.get(name) ?? NOTHING;
  }

  /** @returns all that was read, written, sent and received per second, the newest last */
  history(name: string): readonly number[] {
    return this.#history.get(name) ?? [];
  }

  /** Forgets all, as where the driver went. */
  clear(): void {
    for (const map of [this.#last, this.#rates, this.#history]) map.clear();
  }
}

const BARS = '▁▂▃▄▅▆▇█';
const ASCII_BARS = '_.-=+*%#';

/** @returns a graph of the newest values, the highest being a whole bar; nothing moved: blank */
export function sparkline(values: readonly number[], cells: number, unicode: boolean): string {
  const shown = values.slice(-cells);
  const highest = Math.max(0, ...shown);
  const bars = unicode ? BARS : ASCII_BARS;
  return shown
    .map((value) => (value <= 0 ? ' ' : (bars[Math.min(7, Math.floor((value / highest) * 7.999))] ?? '')))
    .join('')
    .padStart(cells);
}
