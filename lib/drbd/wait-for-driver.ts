import { AbortError, ArgumentError, CodecError, TimeoutError, TransportError } from '../errors';
import { decodeFamilyChange } from '../dialects/generic';
import { decodeDatagram, GENL_ID_CTRL, type ByteOrder } from '../netlink';
import { remainingOf, whenAborted, type PartOptions, type WaitOptions } from '../session';
import { monotonicMs } from '../transport/clock';
import { NETLINK_GENERIC, type HostFiles, type Transport, type TransportSocket } from '../transport/transport';
import { isDriverMissing } from './absent';

/**
 * How often /proc/drbd is looked at: the module of 8.3 comes without a word. It is one open(), and sends nothing to
 * anybody.
 */
const LOOK_MS = 1000;
/** How many looks that found nothing new until all is searched again, where no file tells of a driver. */
const LOOKS_UNTIL_SEARCH = 10;
/** How long a driver that is there may be out of reach, as it is while its module starts. */
const OUT_OF_REACH_MS = 5000;

/** Notices that a driver may have come. */
class DriverWatch {
  readonly #host: HostFiles;
  readonly #socket: TransportSocket | undefined;
  #wake: (() => void) | undefined;
  #hasCome = false;
  #seen: string;

  constructor(transport: Transport, host: HostFiles, order: ByteOrder) {
    this.#host = host;
    this.#seen = this.#look();
    try {
      this.#socket = transport.open(
        { protocol: NETLINK_GENERIC, groups: 1 << (GENL_ID_CTRL - 1) },
        {
          datagrams: (batch) => {
            for (const { bytes, port } of batch) if (port === 0 && announcesFamily(bytes, order)) this.#come();
          },
          overrun: () => {
            this.#come();
          },
          closed: () => undefined,
        },
      );
    } catch (error) {
      // Without generic netlink there is only the file to look at.
      if (!(error instanceof TransportError)) throw error;
    }
  }

  /** Waits until a driver may have come, or it is time to search again all the same. */
  async next(signal: AbortSignal | undefined, timeoutMs: number): Promise<void> {
    const end = monotonicMs() + timeoutMs;
    for (let looks = 0; looks < LOOKS_UNTIL_SEARCH && !this.#hasCome; looks++) {
      const left = end - monotonicMs();
      if (left <= 0 || signal?.aborted === true) break;
      await this.#sleep(Math.min(LOOK_MS, left), signal);
      const seen = this.#look();
      if (seen !== this.#seen) this.#hasCome = true;
      this.#seen = seen;
    }
    this.#hasCome = false;
  }

  close(): void {
    this.#socket?.close();
  }

  #look(): string {
    const text = this.#host.procDrbd();
    return typeof text === 'string' ? 'a driver' : text.error;
  }

  #come(): void {
    this.#hasCome = true;
    this.#wake?.();
  }

  #sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const stop = signal === undefined ? undefined : whenAborted(signal, () => this.#wake?.());
      const timer = setTimeout(() => this.#wake?.(), milliseconds);
      this.#wake = () => {
        this.#wake = undefined;
        clearTimeout(timer);
        stop?.();
        resolve();
      };
      if (signal?.aborted === true) this.#wake();
    });
  }
}

/** Whether the controller tells that the family drbd is there. What cannot be read is worth a search. */
function announcesFamily(bytes: Uint8Array, order: ByteOrder): boolean {
  try {
    return decodeDatagram(bytes, order).messages.some((message) => decodeFamilyChange(message, order)?.gone === false);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return true;
  }
}

/**
 * Searches until a driver is there. It listens before the first search, so that none that comes meanwhile is missed.
 * @param search for a driver, once
 * @param isThere whether the last search saw a driver, though it could not be reached
 * @throws what the search rejects with, unless it says that there is no driver; TimeoutError, AbortError
 */
export async function waitForDriver<T>(
  transport: Transport,
  host: HostFiles,
  order: ByteOrder,
  options: WaitOptions,
  search: (options: PartOptions) => Promise<T>,
  isThere: () => boolean,
): Promise<T> {
  const { signal, timeoutMs = Infinity } = options;
  const remaining = remainingOf({ ...options, timeoutMs });
  const watch = new DriverWatch(transport, host, order);
  const late = (cause: unknown): TimeoutError =>
    new TimeoutError(
      `no DRBD driver came within ${timeoutMs} ms. Load the module (modprobe drbd), or wait longer`,
      timeoutMs,
      'no',
      { cause },
    );
  let missing: unknown;
  let outOfReachSince: number | undefined;
  try {
    for (;;) {
      const { timeoutMs: left = Infinity } = remaining();
      if (missing !== undefined && left <= 0) throw late(missing);
      try {
        return await search(left === Infinity ? (signal === undefined ? {} : { signal }) : remaining());
      } catch (error) {
        // A last search that the time did not suffice for tells no more than the ones before.
        if (missing !== undefined && error instanceof TimeoutError && (remaining().timeoutMs ?? Infinity) <= 0)
          throw late(missing);
        if (!isDriverMissing(error)) throw error;
        missing = error;
        if (!isThere()) outOfReachSince = undefined;
        else if (monotonicMs() - (outOfReachSince ??= monotonicMs()) >= OUT_OF_REACH_MS) throw error;
      }
      await watch.next(signal, outOfReachSince === undefined ? (remaining().timeoutMs ?? Infinity) : LOOK_MS);
      if (signal?.aborted === true) throw new AbortError('the wait for a DRBD driver was aborted', 'no', signal.reason);
    }
  } finally {
    watch.close();
  }
}

/** @throws ArgumentError */
export function checkRequestTimeout(milliseconds: number | undefined): void {
  if (
    milliseconds !== undefined &&
    (typeof milliseconds !== 'number' || Number.isNaN(milliseconds) || milliseconds < 0)
  ) {
    throw new ArgumentError(
      'requestTimeoutMs',
      `a number of milliseconds from 0 up is needed, not ${String(milliseconds)}`,
    );
  }
}
