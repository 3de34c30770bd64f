import { setImmediate as turn } from 'node:timers/promises';

import { AbortError, ArgumentError, ClosedError } from '../errors';
import {
  onlyCounters,
  propertyOf,
  withSnapshot,
  type Change,
  type Delta,
  type Helper,
  type ResyncChange,
  type State,
  type Step,
  type Update,
} from '../model';
import { whenAborted } from '../session';
import { Fold, type Notice } from './fold';

/** What the follower asks a source about, beside everything: a minor (connector), or a resource. */
export type Question = number | string;

/** What a source tells. */
export type SourceItem =
  | { readonly kind: 'notice'; readonly sequence: number | null; readonly notice: Notice }
  /** Something changed that no notification tells. */
  | { readonly kind: 'ask'; readonly ask: Question }
  /** Something was lost, everything older having been told. */
  | { readonly kind: 'resync'; readonly reason: ResyncChange['reason'] }
  /** Nothing was lost, but what there is has to be read: the driver is back, or tells only that something changed. */
  | { readonly kind: 'reread' };

/** A driver, as the follower sees it. */
export interface FollowSource {
  /** Begins to listen, at once. @throws what keeps it from that */
  listen(): AsyncIterableIterator<SourceItem>;
  /** Reads everything. @returns undefined if there is no driver */
  read(signal: AbortSignal): Promise<State | undefined>;
  /** @returns what has to be asked because of a change that was notified */
  questionOf(delta: Delta): Question | undefined;
  /** Reads what no notification tells. @returns what that makes of a state */
  ask(question: Question, signal: AbortSignal): Promise<(state: State) => readonly Update[]>;
  /** @returns a state without objects */
  nothing(): State;
}

/** How a consumer wants its changes. */
export interface ChangeOptions {
  readonly signal?: AbortSignal;
  /**
   * Most changes to keep for a slow consumer, 4096 if absent; beyond it they are dropped, and it gets a resync and the
   * difference.
   */
  readonly queueLimit?: number;
  /** Reads counters and settings, which the kernel does not announce, at this pace. */
  readonly refreshMs?: number;
  /** Yields the changes of counters alone too. */
  readonly counters?: boolean;
  /**
   * SO_RCVBUF of the socket that listens, in bytes, 1 MiB if absent. A client has one such socket for all its streams of
   * changes: what the first of them says counts.
   */
  readonly receiveBufferBytes?: number;
}

const QUEUE_LIMIT = 4096;
/** More is kept by no driver while its state is read: what comes beyond is taken for lost. */
const MOST_MEANWHILE = 16_384;
/** How often the state is read when something changes meanwhile; the last time, what changed is applied to it. */
const READ_TRIES = 3;
/** Turns of the event loop after which messages older than an answer have been received too. */
const SETTLE_TURNS = 2;

/** A change that has yet to be told: `more` depends on what follows. */
type News =
  | { readonly kind: 'delta'; readonly delta: Delta; readonly state: State }
  | {
      readonly kind: 'helper';
      readonly step: Pick<Step, 'object' | 'key'>;
      readonly helper: Helper;
      readonly state: State;
    };

function changeOf(news: News, more: boolean): Change {
  if (news.kind === 'helper') {
    const { object, key } = news.step;
    return withSnapshot({ kind: 'helper', object, key, helper: news.helper, more } as HelperFields, news.state);
  }
  return deltaChange(news.delta, news.delta.action, more, news.state);
}
type HelperFields = Parameters<typeof withSnapshot>[0] & { readonly kind: 'helper' };
type ObjectFields = Parameters<typeof withSnapshot>[0] & { readonly kind: 'exists' | Delta['action'] };

function deltaChange(
  { object, key, before, after, changed }: Delta,
  kind: 'exists' | Delta['action'],
  more: boolean,
  state: State,
): Change {
  return withSnapshot({ kind, object, key, before, after, changed, more } as ObjectFields, state) as Change;
}

const isRename = (item: SourceItem): boolean => item.kind === 'notice' && item.notice.action === 'rename';

/** One that reads the changes. It never holds up the others. */
class Consumer implements AsyncIterableIterator<Change> {
  readonly #follower: Follower;
  readonly #limit: number;
  readonly #counters: boolean;
  readonly refreshMs: number | undefined;
  /** What is made from two states, such as all that exists: it comes before the queue. */
  #list: Iterator<Change> | undefined;
  #queue: { readonly change: Change; readonly state: State }[] = [];
  #held: News | undefined;
  /** The state as this consumer knows it once it has taken the list. */
  #seen: State;
  /** It has been told nothing yet, or it was too slow: a list has to be made. */
  #lacks: 'everything' | 'the difference' | 'nothing' = 'everything';
  #waiting: { resolve(result: IteratorResult<Change>): void; reject(error: Error): void }[] = [];
  #end: { readonly error: Error | undefined } | undefined;
  #stopWaiting = (): void => undefined;

  constructor(follower: Follower, nothing: State, options: ChangeOptions) {
    this.#follower = follower;
    this.#seen = nothing;
    this.#limit = options.queueLimit ?? QUEUE_LIMIT;
    this.#counters = options.counters === true;
    this.refreshMs = options.refreshMs;
    const { signal } = options;
    if (signal !== undefined) {
      this.#stopWaiting = whenAborted(signal, () => {
        this.#drop();
        this.end(new AbortError('the stream was aborted', 'no', signal.reason));
      });
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Change>> {
    const change = this.#pull();
    if (change !== undefined) return Promise.resolve({ done: false, value: change });
    if (this.#end !== undefined) {
      const { error } = this.#end;
      // An error is told once; after it the stream is simply over.
      this.#end = { error: undefined };
      return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<Change>> {
    this.#drop();
    this.end(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The state is whole: those who lack something can have it. */
  rest(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#enqueue(changeOf(held, false), held.state);
    if (this.#lacks === 'everything') this.#begin();
    this.#wake();
  }

  push(news: News): void {
    if (this.#lacks !== 'nothing' || this.#end !== undefined) return;
    if (!this.#counters && news.kind === 'delta' && isCounting(news.delta)) return;
    const held = this.#held;
    this.#held = news;
    if (held !== undefined) this.#enqueue(changeOf(held, true), held.state);
  }

  /** Something was lost; the difference follows, and {@link ready}. */
  lost(reason: ResyncChange['reason'], state: State): void {
    if (this.#end === undefined) this.#enqueue(withSnapshot({ kind: 'resync', reason, more: true }, state), state);
  }

  /** The difference has been told. */
  ready(state: State): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#enqueue(changeOf(held, true), held.state);
    if (this.#end === undefined) this.#enqueue(withSnapshot({ kind: 'ready', more: false }, state), state);
  }

  end(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#stopWaiting();
    const [first, ...others] = this.#waiting.splice(0);
    if (first !== undefined) {
      this.#end = { error: undefined };
      if (error === undefined) first.resolve({ done: true, value: undefined });
      else first.reject(error);
      for (const { resolve } of others) resolve({ done: true, value: undefined });
    }
    this.#follower.remove(this);
  }

  #drop(): void {
    this.#list = undefined;
    this.#queue = [];
    this.#held = undefined;
    this.#lacks = 'nothing';
  }

  #enqueue(change: Change, state: State): void {
    if (this.#lacks !== 'nothing') return;
    if (this.#waiting.length === 0 && this.#queue.length >= this.#limit) {
      this.#queue = [];
      this.#held = undefined;
      this.#lacks = 'the difference';
      return;
    }
    this.#queue.push({ change, state });
    this.#wake();
  }

  #wake(): void {
    while (this.#waiting.length > 0) {
      const change = this.#pull();
      if (change === undefined) return;
      this.#waiting.shift()?.resolve({ done: false, value: change });
    }
  }

  #pull(): Change | undefined {
    for (;;) {
      const listed = this.#list?.next();
      if (listed !== undefined && listed.done !== true) return listed.value;
      this.#list = undefined;
      const queued = this.#queue.shift();
      if (queued !== undefined) {
        this.#seen = queued.state;
        return queued.change;
      }
      if (this.#lacks !== 'the difference' || !this.#follower.isAtRest) return undefined;
      this.#begin();
    }
  }

  /** Takes the present state, and makes of it what this consumer lacks. */
  #begin(): void {
    const before = this.#seen;
    const { state } = this.#follower;
    this.#list = this.#lacks === 'everything' ? existing(before, state) : this.#difference(before, state);
    this.#lacks = 'nothing';
    this.#seen = state;
  }

  *#difference(before: State, state: State): Generator<Change> {
    yield withSnapshot({ kind: 'resync', reason: 'queue', more: true }, state);
    for (const delta of before.diff(state))
      if (this.#counters || !isCounting(delta)) yield deltaChange(delta, delta.action, true, state);
    yield withSnapshot({ kind: 'ready', more: false }, state);
  }
}

const isCounting = (delta: Delta): boolean => delta.action === 'change' && onlyCounters(delta.object, delta.changed);

function* existing(nothing: State, state: State): Generator<Change> {
  for (const delta of nothing.diff(state)) yield deltaChange(delta, 'exists', true, state);
  yield withSnapshot({ kind: 'ready', more: false }, state);
}

/**
 * Follows a driver for all who want its changes: the one place that turns broadcasts into changes. It listens first,
 * reads everything, and applies what came meanwhile; after a loss it reads again and tells the difference.
 */
export class Follower {
  readonly #source: FollowSource;
  readonly #ended: () => void;
  readonly #fold: Fold;
  readonly #stop = new AbortController();
  readonly #consumers = new Set<Consumer>();
  readonly #stream: AsyncIterableIterator<SourceItem>;
  readonly #onStep: ((step: Step) => void) | undefined;
  /** Everything is being read, and what comes is kept. */
  #meanwhile: SourceItem[] | undefined;
  /** What was read is not to be relied on: something was lost since. */
  #readAgain = false;
  #isSeeded = false;
  #inBatch = false;
  #isOver = false;
  /** The source has nothing more to tell. */
  #isEnding = false;
  /** The reading that is under way, or was the last; it never rejects. */
  #reading: Promise<void> | undefined;
  /** Grows with each message, so that a reading knows that it was disturbed. */
  #messages = 0;
  /** Of them, renames: what was read under the old name may not be applied under it. */
  #renames = 0;
  readonly #questions = new Set<Question>();
  #isAsking = false;
  #refreshTimer: ReturnType<typeof setTimeout> | undefined;
  #refreshMs: number | undefined;

  /**
   * Begins to listen, and to read.
   * @param ended is called once, when it follows no more
   * @param onStep is called with each notification, whether it changed anything or not
   * @throws what keeps the source from listening
   */
  constructor(source: FollowSource, ended: () => void, onStep?: (step: Step) => void) {
    this.#source = source;
    this.#ended = ended;
    this.#onStep = onStep;
    this.#fold = new Fold(source.nothing());
    this.#stream = source.listen();
    this.#run();
  }

  get state(): State {
    return this.#fold.state;
  }

  /** Nothing is under way: the state is whole. */
  get isAtRest(): boolean {
    return this.#isSeeded && this.#meanwhile === undefined && !this.#inBatch;
  }

  /**
   * @returns the changes, beginning with all that exists
   * @throws ArgumentError; AbortError if the signal has fired; ClosedError after the end
   */
  add(options: ChangeOptions = {}): AsyncIterableIterator<Change> {
    checkOptions(options);
    if (options.signal?.aborted === true) throw new AbortError('the stream was aborted', 'no', options.signal.reason);
    if (this.#isOver) throw new ClosedError('the client is closed; its changes are followed no more', 'no');
    const consumer = new Consumer(this, this.#source.nothing(), options);
    this.#consumers.add(consumer);
    if (this.isAtRest) consumer.rest();
    this.#schedule();
    return consumer;
  }

  remove(consumer: Consumer): void {
    this.#consumers.delete(consumer);
    if (this.#consumers.size === 0) this.close();
    else this.#schedule();
  }

  /** Ends the streams. Idempotent. */
  close(): void {
    this.#finish(undefined);
  }

  #finish(error: Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#refreshTimer);
    this.#stop.abort();
    this.#ended();
    // A stream that cannot be closed is of no use to anybody.
    void Promise.resolve(this.#stream.return?.()).catch(() => undefined);
    for (const consumer of [...this.#consumers]) consumer.end(error);
  }

  /** Runs until the end; whatever fails ends all streams with its error. */
  #guard(run: () => Promise<void>): Promise<void> {
    return run().catch((error: unknown) => {
      // A client that is closed while it reads ends the stream, and fails nothing.
      if (this.#isEnding && error instanceof ClosedError) this.#finish(undefined);
      else this.#finish(error instanceof Error ? error : new Error(String(error)));
    });
  }

  #run(): void {
    void this.#guard(async () => {
      for await (const item of this.#stream) {
        if (this.#isOver) return;
        this.#take(item);
      }
      // A recording may have nothing more to tell before all of it is read.
      this.#isEnding = true;
      await this.#reading;
      this.#finish(undefined);
    });
    this.#read('first');
  }

  #take(item: SourceItem): void {
    this.#messages++;
    if (isRename(item)) this.#renames++;
    switch (item.kind) {
      case 'resync':
        this.#lose(item.reason);
        return;
      case 'reread':
        if (this.#meanwhile === undefined) this.#read('reread');
        else this.#again();
        return;
      case 'notice':
      case 'ask':
        if (this.#meanwhile === undefined) this.#apply(item);
        else if (this.#meanwhile.length < MOST_MEANWHILE) this.#meanwhile.push(item);
        else this.#again();
    }
  }

  #apply(item: Extract<SourceItem, { readonly kind: 'notice' | 'ask' }>): void {
    if (item.kind === 'ask') {
      this.#ask(item.ask);
      return;
    }
    const { notice } = item;
    const { step, deltas, isUnclear } = this.#fold.take(item.sequence, notice);
    this.#onStep?.(step);
    this.#askAbout(deltas);
    const { state } = this;
    if (notice.helper !== undefined)
      this.#tell({ kind: 'helper', step: { object: step.object, key: step.key }, helper: notice.helper, state });
    for (const delta of deltas) this.#tell({ kind: 'delta', delta, state });
    // Helpers are called in the midst of a change, and do not end it.
    if (notice.helper === undefined) this.#inBatch = notice.more;
    if (isUnclear) this.#read('reread');
    else if (!this.#inBatch) this.#rest();
  }

  #tell(news: News): void {
    for (const consumer of this.#consumers) consumer.push(news);
  }

  #rest(): void {
    for (const consumer of [...this.#consumers]) consumer.rest();
  }

  /** What was lost may be anything: everything is read anew. */
  #lose(reason: ResyncChange['reason']): void {
    this.#inBatch = false;
    if (this.#meanwhile !== undefined) {
      this.#again();
      return;
    }
    this.#rest();
    for (const consumer of [...this.#consumers]) consumer.lost(reason, this.state);
    this.#read('loss');
  }

  #again(): void {
    this.#readAgain = true;
    this.#meanwhile = [];
  }

  #read(why: 'first' | 'loss' | 'reread'): void {
    this.#meanwhile = [];
    this.#reading = this.#guard(async () => {
      const read = await this.#readUndisturbed();
      if (this.#isOver) return;
      const before = this.state;
      const meanwhile = this.#meanwhile ?? [];
      this.#questions.clear();
      this.#fold.replace(before.sharing(read ?? this.#source.nothing()));
      const { helpers, isUnclear } = this.#applySilently(meanwhile);
      this.#meanwhile = undefined;
      this.#isSeeded = true;
      if (why !== 'first')
        for (const delta of before.diff(this.state)) this.#tell({ kind: 'delta', delta, state: this.state });
      if (why === 'loss') for (const consumer of [...this.#consumers]) consumer.ready(this.state);
      if (!this.#inBatch) this.#rest();
      for (const news of helpers) this.#tell(news);
      if (!this.#inBatch) this.#rest();
      if (isUnclear) this.#read('reread');
    });
  }

  /** Applies what came while the state was read. @returns the calls of helpers: they alone are not in the difference */
  #applySilently(items: readonly SourceItem[]): { readonly helpers: readonly News[]; readonly isUnclear: boolean } {
    const helpers: News[] = [];
    let unclear = false;
    for (const item of items) {
      if (item.kind === 'ask') this.#ask(item.ask);
      if (item.kind !== 'notice') continue;
      const { helper } = item.notice;
      const { step, deltas, isUnclear } = this.#fold.take(item.sequence, item.notice);
      unclear ||= isUnclear;
      this.#onStep?.(step);
      this.#askAbout(deltas);
      if (helper === undefined) this.#inBatch = item.notice.more;
      else helpers.push({ kind: 'helper', step, helper, state: this.state });
    }
    return { helpers, isUnclear: unclear };
  }

  async #readUndisturbed(): Promise<State | undefined> {
    for (let tries = 1; ; tries++) {
      this.#meanwhile = [];
      this.#readAgain = false;
      const read = await this.#source.read(this.#stop.signal);
      await this.#settled();
      if (this.#isOver) return undefined;
      // A loss spoils it however often it comes; a change can be applied to what was read, and once more to what has it
      // already. Only a rename cannot: the name may be another object's by now.
      if (this.#readAgain || this.#meanwhile.some(isRename)) continue;
      if (tries >= READ_TRIES || this.#meanwhile.length === 0) return read;
    }
  }

  async #settled(): Promise<void> {
    for (let turns = 0; turns < SETTLE_TURNS; turns++) await turn();
  }

  #askAbout(deltas: readonly Delta[]): void {
    for (const delta of deltas) {
      const question = this.#source.questionOf(delta);
      if (question !== undefined) this.#ask(question);
    }
  }

  /** Questions that come together are one. */
  #ask(question: Question): void {
    this.#questions.add(question);
    if (this.#isAsking) return;
    this.#isAsking = true;
    void this.#guard(async () => {
      await this.#settled();
      for (;;) {
        const [next] = this.#questions;
        if (next === undefined || this.#isOver) break;
        this.#questions.delete(next);
        const renames = this.#renames;
        const updatesOf = await this.#source.ask(next, this.#stop.signal);
        // The names of the answer may be other objects' by now.
        if (renames !== this.#renames) this.#questions.add(next);
        // What is being read is newer, and has it.
        else if (this.#meanwhile === undefined) this.#amend(updatesOf(this.state));
      }
      this.#isAsking = false;
    });
  }

  #amend(updates: readonly Update[]): void {
    for (const delta of this.#fold.amend(updates)) this.#tell({ kind: 'delta', delta, state: this.state });
    if (!this.#inBatch) this.#rest();
  }

  /** Refreshes at the pace of the consumer that wants it most often. */
  #schedule(): void {
    const paces = [...this.#consumers].flatMap(({ refreshMs }) => refreshMs ?? []);
    const pace = paces.length === 0 ? undefined : Math.min(...paces);
    if (pace === this.#refreshMs) return;
    this.#refreshMs = pace;
    clearTimeout(this.#refreshTimer);
    if (pace !== undefined) this.#refreshIn(pace);
  }

  #refreshIn(milliseconds: number): void {
    this.#refreshTimer = setTimeout(() => {
      void this.#guard(async () => {
        await this.#refresh();
        if (!this.#isOver && this.#refreshMs !== undefined) this.#refreshIn(this.#refreshMs);
      });
    }, milliseconds);
  }

  async #refresh(): Promise<void> {
    if (!this.isAtRest) return;
    const [messages, renames] = [this.#messages, this.#renames];
    const read = await this.#source.read(this.#stop.signal);
    await this.#settled();
    if (this.#isOver || this.#meanwhile !== undefined || renames !== this.#renames) return;
    if (read === undefined) {
      // Notified or not: the driver is gone.
      if (this.state.snapshot.resources.length > 0) this.#lose('module');
      return;
    }
    if (messages !== this.#messages || this.#inBatch) {
      const { state } = this;
      this.#amend(unannounced(read).filter(({ object, key }) => state.get(object, key) !== undefined));
      return;
    }
    const before = this.state;
    this.#fold.replace(before.sharing(read));
    for (const delta of before.diff(this.state)) this.#tell({ kind: 'delta', delta, state: this.state });
    this.#rest();
  }
}

/** @returns what sets the properties that the kernel changes without telling: counters and settings */
export function unannounced(state: State): readonly Update[] {
  const updates: Update[] = [];
  for (const entry of state.entries()) {
    const patch: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(entry.values)) {
      const kind = propertyOf(entry.object, name)?.kind;
      const isRun = name === 'resync' && value !== null;
      if (kind === 'counter' || kind === 'setting' || isRun) patch[name] = value;
    }
    updates.push({ action: 'set', object: entry.object, key: entry.key, patch } as Update);
  }
  return updates;
}

/** @throws ArgumentError */
export function checkOptions({ queueLimit, refreshMs, receiveBufferBytes }: ChangeOptions): void {
  if (queueLimit !== undefined && !(Number.isInteger(queueLimit) && queueLimit >= 1))
    throw new ArgumentError('queueLimit', 'a whole number from 1 up is needed');
  if (refreshMs !== undefined && !(Number.isFinite(refreshMs) && refreshMs >= 1 && refreshMs <= 0x7fffffff))
    throw new ArgumentError('refreshMs', 'a number of milliseconds from 1 to 2147483647 is needed');
  if (
    receiveBufferBytes !== undefined &&
    !(Number.isInteger(receiveBufferBytes) && receiveBufferBytes >= 1 && receiveBufferBytes <= 0x7fffffff)
  )
    throw new ArgumentError('receiveBufferBytes', 'a number of bytes from 1 to 2147483647 is needed');
}
