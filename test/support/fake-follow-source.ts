import type { Notice } from '../../lib/drbd/fold';
import type { FollowSource, Question, SourceItem } from '../../lib/drbd/follow';
import { State, type Delta, type Update } from '../../lib/model';

const SOURCE = { dialect: 'genl2', driver: '9.2.18', api: 2, complete: true } as const;

/** A kernel that has states, says what changes, and may lose some of what it says. */
export class FakeKernel implements FollowSource {
  truth = State.empty(SOURCE);
  /** There is a module. */
  isLoaded = true;
  /** Requests that it got. */
  reads = 0;
  readonly asked: Question[] = [];
  /** What it answers to a question. */
  answers: (question: Question) => readonly Update[] = () => [];
  /** Runs in the midst of a read, after the state was taken. */
  duringRead: () => void | Promise<void> = () => undefined;
  failure: Error | undefined;
  listening = 0;
  sequence = 0;
  #items: SourceItem[] = [];
  #isOver = false;
  #wake: (() => void) | undefined;

  nothing(): State {
    return State.empty(SOURCE);
  }

  listen(): AsyncIterableIterator<SourceItem> {
    this.listening++;
    this.#isOver = false;
    this.#items = [];
    const next = async (): Promise<IteratorResult<SourceItem>> => {
      for (;;) {
        const item = this.#items.shift();
        if (item !== undefined) return { done: false, value: item };
        if (this.failure !== undefined) throw this.failure;
        if (this.#isOver) return { done: true, value: undefined };
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    };
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next,
      return: () => {
        this.listening--;
        this.#isOver = true;
        this.#wake?.();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  async read(): Promise<State | undefined> {
    this.reads++;
    await new Promise(setImmediate);
    const read = this.isLoaded ? this.truth : undefined;
    await this.duringRead();
    await new Promise(setImmediate);
    return read;
  }

  questionOf(): undefined {
    return undefined;
  }

  ask(question: Question): Promise<(state: State) => readonly Update[]> {
    this.asked.push(question);
    return Promise.resolve((state) =>
      this.answers(question).filter(({ object, key }) => state.get(object, key) !== undefined),
    );
  }

  send(item: SourceItem): void {
    if (this.listening === 0) return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** The stream cannot go on. */
  fail(error: Error): void {
    this.failure = error;
    this.#wake?.();
  }

  /** Changes its state without a word. */
  change(update: Update): void {
    this.truth = this.truth.apply(update).state;
  }

  /** Changes its state. @returns the notification */
  notice(wanted: Update, more = false): SourceItem {
    const update = this.#possible(wanted);
    const existed = this.truth.get(update.object, update.key) !== undefined;
    this.change(update);
    const action: Delta['action'] =
      update.action === 'destroy' || update.action === 'rename' ? update.action : existed ? 'change' : 'create';
    const notice: Notice = { action, object: update.object, key: update.key, updates: [update], more };
    return { kind: 'notice', sequence: this.sequence++ | 0, notice };
  }

  /** There is no peer device without its device. */
  #possible(update: Update): Update {
    if (update.object !== 'peerDevice') return update;
    const { resource, volume } = update.key;
    const key = { ...(resource === undefined ? {} : { resource }), volume };
    if (this.truth.get('device', key) !== undefined) return update;
    return { action: 'set', object: 'device', key, patch: {} };
  }

  /** Changes its state and says so: several updates are one batch. */
  tell(...updates: readonly Update[]): void {
    updates.forEach((update, at) => {
      this.send(this.notice(update, at < updates.length - 1));
    });
  }

  /** Changes its state, and drops what it says of it; the listeners learn that something is missing. */
  lose(...updates: readonly Update[]): void {
    for (const update of updates) this.notice(update);
    this.send({ kind: 'resync', reason: 'overrun' });
  }
}
