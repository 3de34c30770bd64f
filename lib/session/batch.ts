import { NetlinkError, type SentState } from '../errors';
import { monotonicMs } from '../transport/clock';
import type { Asked, QuestionEnd } from '../transport/transport';
import { whenAborted } from './abort';
import type { EachRequest, Exchange, RequestSocket } from './request-socket';
import {
  abortedError,
  checkWaitOptions,
  DEFAULT_TIMEOUT_MS,
  LONGEST_TIMER_MS,
  timeoutError,
  type PartOptions,
} from './wait';

/** One of a batch of questions. */
export interface BatchQuestion<T> {
  readonly exchange: Exchange<T>;
  /** It is asked only if each of so many before it has brought something. */
  readonly onlyIfPrevious: number;
}

/** What became of a question: undefined of one that was left out. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown } | undefined;

/** How often it is looked how far the questions are, as a part of the limit of one. */
const LOOKS = 10;
const SHORTEST_LOOK_MS = 20;

/**
 * Asks questions in their order. Each has the limit to itself, from the moment when the one before it was answered.
 * @param socket is theirs alone, and is closed in the end; undefined where the transport sends each by itself
 * @param one asks one by itself: all where there is no socket, and else those that the others left
 * @param brings whether an answer has brought something
 * @returns what became of each
 */
export async function askBatch<T>(
  questions: readonly BatchQuestion<T>[],
  socket: RequestSocket | undefined,
  one: (exchange: Exchange<T>) => Promise<T>,
  brings: (value: T) => boolean,
  options: PartOptions,
): Promise<readonly Outcome<T>[]> {
  const outcomes = new Array<Outcome<T>>(questions.length).fill(undefined);
  const left = socket === undefined ? questions.keys() : await new Asking(questions, outcomes, socket, options).left();
  for (const index of left) {
    const question = questions[index];
    if (question === undefined) continue;
    const before = outcomes.slice(Math.max(0, index - question.onlyIfPrevious), index);
    if (!before.every((outcome) => outcome !== undefined && 'value' in outcome && brings(outcome.value))) continue;
    try {
      outcomes[index] = { value: await one(question.exchange) };
    } catch (error) {
      outcomes[index] = { error };
    }
  }
  return outcomes;
}

/** Where a question's answer goes. */
class BatchSettle<T> {
  readonly #asking: Asking<T>;
  readonly #index: number;

  constructor(asking: Asking<T>, index: number) {
    this.#asking = asking;
    this.#index = index;
  }

  get wholeMs(): number {
    return this.#asking.wholeMs;
  }

  remainingMs(): number {
    return this.#asking.remainingMs();
  }

  resolve(value: T): void {
    this.#asking.settle(this.#index, { value });
  }

  reject(error: unknown): void {
    this.#asking.fail(this.#index, error);
  }

  expire(): void {
    this.#asking.expire();
  }

  end(how: QuestionEnd): void {
    this.#asking.end(this.#index, how);
  }
}

/** Questions that a socket asks. */
class Asking<T> {
  readonly wholeMs: number;
  readonly #questions: readonly BatchQuestion<T>[];
  readonly #outcomes: Outcome<T>[];
  readonly #socket: RequestSocket;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #open = new Set<number>();
  readonly #left: number[] = [];
  #asked: Asked | undefined;
  #reached = 0;
  #progressAt = monotonicMs();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopWaiting = (): void => undefined;
  #finished = (): void => undefined;

  constructor(
    questions: readonly BatchQuestion<T>[],
    outcomes: Outcome<T>[],
    socket: RequestSocket,
    options: PartOptions,
  ) {
    checkWaitOptions(options);
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS, wholeMs = timeoutMs } = options;
    this.#questions = questions;
    this.#outcomes = outcomes;
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    this.wholeMs = wholeMs;
    for (const index of questions.keys()) this.#open.add(index);
  }

  /** @returns the places of those that have to be asked by themselves, in order, when the others are over */
  async left(): Promise<readonly number[]> {
    await new Promise<void>((resolve) => {
      this.#finished = resolve;
      this.#start();
    });
    return this.#left.sort((a, b) => a - b);
  }

  remainingMs(): number {
    return this.#progressAt + this.#timeoutMs - monotonicMs();
  }

  settle(index: number, outcome: Outcome<T>): void {
    if (!this.#open.has(index)) return;
    this.#progressAt = monotonicMs();
    this.#close(index, outcome);
  }

  #close(index: number, outcome: Outcome<T>): void {
    if (!this.#open.delete(index)) return;
    this.#outcomes[index] = outcome;
    if (this.#open.size === 0) this.#finish();
  }

  fail(index: number, error: unknown): void {
    if (!this.#open.has(index)) return;
    this.settle(index, { error });
    // A dump that refuses in its messages may never end (DRBD 8.4, of an unknown resource).
    if (error instanceof NetlinkError || this.#open.size === 0) return;
    for (const other of this.#open) {
      this.#questions[other]?.exchange.restart();
      this.#left.push(other);
    }
    this.#open.clear();
    this.#finish();
  }

  end(index: number, how: QuestionEnd): void {
    if (how === 'stopped' && this.#open.has(index)) this.#left.push(index);
    // One that was left out took no time; there may be hundreds, and a clock may cost a system call.
    if (how instanceof Error) this.settle(index, { error: how });
    else this.#close(index, undefined);
  }

  expire(): void {
    this.#giveUp((what, sent) => timeoutError(what, sent, this.wholeMs));
  }

  #start(): void {
    const signal = this.#signal;
    if (signal !== undefined)
      this.#stopWaiting = whenAborted(signal, () => {
        this.#giveUp((what, sent) => abortedError(what, sent, signal));
      });
    if (this.#open.size === 0) return;
    try {
      this.#asked = this.#socket.startEach(
        this.#questions.map(({ exchange, onlyIfPrevious }, index): EachRequest<T> => ({
          exchange,
          onlyIfPrevious,
          settle: new BatchSettle(this, index),
        })),
      );
      this.#look();
    } catch (error) {
      for (const index of this.#open) this.#outcomes[index] = { error };
      this.#open.clear();
      this.#finish();
    }
  }

  #look(): void {
    const count = this.#questions.length;
    const before = this.#reached;
    while (this.#reached < count && this.#asked?.state(this.#reached) !== 'no') this.#reached++;
    if (this.#reached > before) this.#progressAt = monotonicMs();
    const remaining = this.remainingMs();
    if (remaining <= 0) {
      this.expire();
      return;
    }
    if (remaining === Infinity) return;
    const next = Math.min(Math.ceil(remaining), Math.max(SHORTEST_LOOK_MS, this.#timeoutMs / LOOKS));
    this.#timer = setTimeout(
      () => {
        this.#look();
      },
      Math.min(next, LONGEST_TIMER_MS),
    );
  }

  #giveUp(error: (what: string, sent: SentState) => Error): void {
    if (this.#open.size === 0) return;
    const states = [...this.#open].map((index) => [index, this.#asked?.state(index) ?? 'no'] as const);
    // All are told why: the kernel has not let go of this one.
    const stuck = states.find(([, sent]) => sent === 'started');
    for (const [index, sent] of states) {
      const [named, how] = stuck ?? [index, sent];
      this.#outcomes[index] = { error: error(this.#questions[named]?.exchange.what ?? '', how) };
    }
    this.#open.clear();
    this.#finish();
  }

  #finish(): void {
    clearTimeout(this.#timer);
    this.#stopWaiting();
    this.#socket.close();
    this.#finished();
  }
}
